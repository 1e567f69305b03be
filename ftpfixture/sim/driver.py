"""The driver of simulated servers: they run while their clients wait, on the same thread, in virtual time.

One rule: time goes by only when nothing else can happen, and then up to the next timer or deadline. Where there is
neither, the wait would never end: that is an error at once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ftpfixture.driver import Driver
from ftpfixture.errors import HangError, ServerStateError
from ftpfixture.net.memory import WINDOW, MemoryTransport
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.net.transport import Address
from ftpfixture.sim.endless import Endless
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.time import VirtualTime
from ftpfixture.untouched import is_travelling, wall_time

__all__ = ["SimulatedTime"]

T = TypeVar("T")

_PORTS = range(61000, 65536)
"""The ports of simulated servers: Linux gives none of them to a socket that asks for any port."""

# With a seed, how far the servers go on after a step of a client: not at all for a while, as behind a slow network, or
# for some turns of the loop.
_PACES = (0, 0, 1, 3, 8)
_CHANGES = 0.2  # probability that a step of the client begins another pace


class _Network(MemoryNetwork):
    """A network that counts the connections of clients."""

    def __init__(self, endless: Endless, window: int) -> None:
        super().__init__(window, _PORTS)
        self._endless = endless

    async def connect(self, local: str | None, address: Address) -> MemoryTransport:
        """See Network.

        Raises:
            HangError: Clients do nothing else, for ever.
        """
        self._endless.connects(address)
        return await super().connect(local, address)


class SimulatedTime(Driver):
    """Runs servers on the thread of the client that waits for them.

    Args:
        seed: Chooses in which order servers, clients and connections go on; None for one order, always the same.
        window: Bytes that one side of a connection may send before the other receives any.

    Attributes:
        virtual: The time, and what is to happen in it.
        loop: The loop of the servers.
        network: Connects them with their clients.
        seed: As given.
        sent: How often a blocking client has sent something.
        abandoned: The sockets of clients that were freed and not closed, as text.
        on_hang: See `VirtualTime`.
        endless: Finds loops that never end; its limits may be changed.
    """

    def __init__(self, seed: int | None = None, window: int = WINDOW) -> None:
        self.seed = seed
        self.virtual = VirtualTime(seed)
        self.endless = self.virtual.endless
        self.network = _Network(self.endless, window)
        self.loop = SimulatedLoop(self.virtual, self.network)
        self.sent = 0
        self.abandoned: list[str] = []
        self.on_hang = self.virtual.on_hang
        self._begin = wall_time()
        self._leases = 0
        super().__init__(self.loop.time, self._time_of_day)
        self._pace = 0 if self.virtual.choices is None else self.virtual.choices.choice(_PACES)
        self._waiters: dict[asyncio.Future[None], None] = {}
        self.waiting = self._waiters

    def _time_of_day(self) -> float:
        if is_travelling():  # the test has set the time of day, and moves it
            return wall_time()
        return self._begin + self.virtual.now

    def client_loop(self) -> SimulatedLoop:
        """A new loop for a client of these servers, in the same time."""
        return SimulatedLoop(self.virtual, self.network)

    @property
    def leased(self) -> bool:
        """Whether there is a server that runs."""
        return self._leases > 0

    # Driver.

    def acquire(self) -> None:
        """See Driver."""
        self._leases += 1

    def release(self) -> None:
        """See Driver; after the last server its tasks have ended."""
        self._leases -= 1
        if not self._leases and not self.loop.is_running():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.virtual.rest()

    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """See Driver.

        Raises:
            HangError: It waits for what will never come.
            ServerStateError: There is no lease, or this is a step of the servers' loop.
        """
        try:
            if not self.leased:
                raise ServerStateError("no simulated server runs: start one first")
            self._check()
        except ServerStateError:
            coroutine.close()
            raise
        task: asyncio.Task[T] = self.loop.create_task(coroutine)
        return self._finish(task, math.inf, "the server")

    def call(self, function: Callable[[], T]) -> T:
        """See Driver; the servers come to rest before and after."""
        if self.loop.is_running():
            return function()
        self.virtual.check_thread()
        self.virtual.rest()
        result: asyncio.Future[T] = self.loop.create_future()
        self.loop.call_soon(_call, function, result)
        self.virtual.rest()
        return result.result()

    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """See TimeSource."""
        if loop is self.loop and not loop.is_running():
            self.call(action)
        else:
            action()

    # Waiting.

    def notify(self) -> None:
        """See TimeSource; blocking callers check their condition after each turn anyway."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """See TimeSource; what a client has sent already is read before the first check.

        Raises:
            HangError: It will never hold, and there is no limit of time.
            ServerStateError: This is a step of the servers' loop, and it does not hold.
        """
        if self.loop.is_running() and (holds() or timeout <= 0):
            return holds()
        self._check()
        self.virtual.rest()
        return self.wait(holds, timeout, "a condition")

    async def wait_until_async(self, holds: Callable[[], bool], timeout: float) -> bool:
        """See TimeSource, on a simulated loop.

        Raises:
            ServerStateError: This is a real loop.
        """
        here = asyncio.get_running_loop()
        if getattr(here, "virtual", None) is not self.virtual:
            raise ServerStateError(
                "a simulated server is awaited on a real event loop: mark the test with @pytest.mark.ftp(simulate=True)"
            )
        end = here.call_later(timeout, self.notify)
        deadline = self.virtual.now + timeout
        try:
            while not holds() and self.virtual.now < deadline:
                waiter: asyncio.Future[None] = here.create_future()
                self._waiters[waiter] = None
                try:
                    await waiter
                finally:
                    del self._waiters[waiter]
        finally:
            end.cancel()
        return holds()

    async def settle_async(self) -> None:
        """See TimeSource."""
        self.virtual.rest()

    def wait(self, holds: Callable[[], bool], timeout: float, what: str, end: Address = ("", 0)) -> bool:
        """Wait in the thread of the client, in which the servers run meanwhile.

        Args:
            holds: The condition.
            timeout: Virtual seconds; infinity for no limit.
            what: What is waited for, for the error.
            end: Address of the client's end of the connection, if it waits on one.

        Returns:
            Whether it holds; False after a timeout.

        Raises:
            HangError: It will never hold, and there is no limit of time; or the client repeats something for ever.
        """
        self.endless.check()
        return self._wait(holds, timeout, what, end)

    def _wait(self, holds: Callable[[], bool], timeout: float, what: str, end: Address = ("", 0)) -> bool:
        self._check()
        virtual = self.virtual
        deadline = virtual.now + timeout
        with virtual.waiting(holds):
            while not holds():
                if virtual.step():
                    continue
                if virtual.now >= deadline:
                    return False
                due = min(virtual.due, deadline)
                if due == math.inf:
                    virtual.hang(end)
                    raise HangError(
                        f"hung: the client waits for {what} without a timeout, and nothing is left to happen"
                    )
                virtual.jump(due)
        if virtual.choices is None:
            virtual.rest()
        return True

    def finish(self, task: asyncio.Task[T], timeout: float, what: str) -> T:
        """Wait for a task.

        Raises:
            TimeoutError: It takes longer; it is cancelled.
            HangError: As `wait`.
        """
        try:
            self.endless.check()
        except BaseException:
            task.cancel()
            raise
        return self._finish(task, timeout, what)

    def _finish(self, task: asyncio.Task[T], timeout: float, what: str) -> T:
        try:
            if not self._wait(task.done, timeout, what):
                raise TimeoutError("timed out")
        except BaseException:
            task.cancel()
            self.virtual.rest()
            raise
        return task.result()

    def go_on(self) -> None:
        """Let the servers go on after a step of a client: until they wait, or for some turns that the seed chooses.

        Raises:
            HangError: The client repeats something for ever.
        """
        virtual = self.virtual
        if virtual.choices is None:
            virtual.rest()
        else:
            if virtual.choices.random() < _CHANGES:
                self._pace = virtual.choices.choice(_PACES)
            for _ in range(virtual.choices.randrange(self._pace + 1)):
                virtual.step()
        self.endless.check()

    def _check(self) -> None:
        self.virtual.check_thread()
        if self.loop.is_running():
            raise ServerStateError("a blocking call on the loop of a simulated server would wait for itself: await it")


def _call(function: Callable[[], T], result: asyncio.Future[T]) -> None:
    try:
        result.set_result(function())
    except Exception as error:
        result.set_exception(error)
