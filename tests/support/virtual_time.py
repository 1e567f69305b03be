"""A driver without a thread: its loop runs on the caller's thread, and time goes by when nothing else can happen.

It is a second implementation of `ftpfixture.driver.Driver`, over real sockets; nothing of the package is patched.
One rule: what a test asks for is done when the servers have come to rest, and how long that took is virtual.
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from ftpfixture import ServerStateError
from ftpfixture.driver import Driver
from tests.support.raw import RawClient

__all__ = ["Hung", "VirtualClient", "VirtualTime"]

T = TypeVar("T")

BEGIN = 1767225600.0
"""The time of day when a driver is made."""


class Hung(AssertionError):
    """What is waited for will never come."""


class _Selector(selectors.BaseSelector):
    """Looks at real sockets without waiting; a loop that would wait is at rest, and stops instead."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.patience: float | None = None  # how long the loop would have waited
        self.stop: Callable[[], object] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now."""
        ready = self._real.select(0)
        if not ready and timeout != 0:
            assert self.stop is not None
            self.stop()
            self.patience = timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """See BaseSelector, as for the others."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """See above."""
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """See above."""
        return self._real.get_map()

    def close(self) -> None:
        """See above."""
        self._real.close()


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, now: float) -> None:
        self.now = now
        self._sockets = _Selector()
        super().__init__(self._sockets)
        self._sockets.stop = self.stop

    def time(self) -> float:
        return self.now

    def rest(self) -> float:
        """Run everything that needs no time; the moment at which there will be more, or infinity."""
        self.run_forever()
        patience = self._sockets.patience
        return math.inf if patience is None else self.now + patience


class VirtualTime(Driver):
    """Runs servers on the thread of the test; the first lease makes the loop, the last one closes it."""

    def __init__(self) -> None:
        self._now = 0.0  # while there is no loop
        self._loop: _Loop | None = None
        self._leases = 0
        super().__init__(self._time, lambda: BEGIN + self._time())

    def _time(self) -> float:
        return self._now if self._loop is None else self._loop.now

    def acquire(self) -> None:
        """See Driver."""
        if not self._leases:
            self._loop = _Loop(self._now)
        self._leases += 1

    def release(self) -> None:
        """See Driver."""
        self._leases -= 1
        if not self._leases:
            loop = self._own()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.rest()
            self._now, self._loop = loop.now, None
            loop.close()

    def notify(self) -> None:
        """See TimeSource; conditions are checked when the loop is idle, so nothing needs to be woken."""

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """See TimeSource; what has come already is read before the first look.

        Raises:
            Hung: It will never hold, and no time was given.
            ServerStateError: This is a step of the loop, and it does not hold.
        """
        if self._loop is not None and self._loop.is_running() and (holds() or timeout <= 0):
            return holds()
        loop = self._own()
        deadline = loop.now + timeout
        while True:
            due = loop.rest()
            if holds() or loop.now >= deadline:
                return holds()
            if min(due, deadline) == math.inf:
                raise Hung("nothing is ready, no timer runs, and no limit of time was given")
            loop.now = min(due, deadline)

    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """See TimeSource."""
        if loop is self._loop and not loop.is_running():
            self.call(action)
        else:
            action()

    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """See Driver.

        Raises:
            Hung: It waits for what will never come.
        """
        try:
            loop = self._own()
        except ServerStateError:
            coroutine.close()
            raise
        task = loop.create_task(coroutine)
        self.wait_until(task.done, math.inf)
        return task.result()

    def call(self, function: Callable[[], T]) -> T:
        """See Driver; the servers come to rest before and after."""
        if self._loop is None or self._loop.is_running():
            return function()
        self._loop.rest()

        async def run() -> T:
            return function()

        return self.await_(run())

    def _own(self) -> _Loop:
        if self._loop is None or self._loop.is_running():
            raise ServerStateError("there is no lease, or this is a step of the loop, which would wait for itself")
        return self._loop


class _Socket(socket.socket):
    """A client's socket that lets the servers run while it waits for bytes."""

    driver: VirtualTime

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As ever, by virtual time."""
        if not self.driver.wait_until(self._is_readable, self.gettimeout() or math.inf):
            raise TimeoutError("timed out, in virtual time")
        return super().recv(size, flags)

    def _is_readable(self) -> bool:
        return bool(select.select([self], [], [], 0)[0])


class VirtualClient(RawClient):
    """A client of servers in virtual time, on the same thread.

    Args:
        driver: Of the servers.
        address: Of the server.
        timeout: Virtual seconds that any wait may last.
    """

    def __init__(self, driver: VirtualTime, address: tuple[str, int], timeout: float = 10) -> None:
        self._driver = driver
        super().__init__(address, timeout)

    def _connect(self, address: tuple[str, int]) -> socket.socket:
        sock = _Socket(fileno=super()._connect(address).detach())
        sock.driver = self._driver
        sock.settimeout(self._timeout)
        return sock
