"""The source of time, and waiting in threads: a `Driver` owns a loop.

One rule: every module above asks a `TimeSource` for the time and for waiting, and none uses `time` or its own lock for
it. So another driver replaces all time.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio import Event as AsyncEvent
from asyncio import run_coroutine_threadsafe
from asyncio import timeout as limit
from collections.abc import Callable, Collection, Coroutine
from threading import TIMEOUT_MAX, Event
from typing import Any, TypeVar
from weakref import WeakSet

from ftpfixture.aio import next_turn, running_library
from ftpfixture.errors import ServerStateError
from ftpfixture.forks import in_child, lock
from ftpfixture.untouched import monotonic, wall_time

__all__ = ["REAL_TIME", "Driver", "RealTime", "TimeSource"]

T = TypeVar("T")

_TURNS = 50  # iterations of a loop, after which a task that woke up waits again


class TimeSource(ABC):
    """Time, and waiting for a change.

    Args:
        monotonic: Returns seconds since an arbitrary start, which never decrease.
        wall: Returns the time of day in POSIX seconds.

    Attributes:
        monotonic: As given; two sources with the same function have the same time.
        wall: As given.
        waiting: The callers in `wait_until`. While it is empty, `notify` need not be called, as for most events.
    """

    waiting: Collection[object] = ()

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.wall = wall

    @abstractmethod
    def notify(self) -> None:
        """Make all callers in `wait_until` check again; may be called in any thread."""

    @abstractmethod
    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true; it is checked at once and after each `notify`.

        Args:
            holds: The condition; called in this thread without a lock, so it may call a server.
            timeout: Seconds.

        Returns:
            Whether the condition is true; False after a timeout.

        Raises:
            ServerStateError: It is false, and the caller is in the thread of the loop, which would deadlock.
        """

    def block_until(self, call: str, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait as `wait_until` does, for a method that has an awaitable twin.

        Args:
            call: The method, such as "log.wait_for"; its twin is "log.wait_for_async".
            holds: The condition.
            timeout: Seconds.

        Raises:
            ServerStateError: It is false, and the caller is inside a running event loop, which would stand meanwhile.
        """
        library = running_library()
        if not library or timeout <= 0:
            return self.wait_until(holds, timeout)
        if not holds():
            raise ServerStateError(
                f"{call}(...) was called inside a running event loop, which it would block, and with it the client: "
                f"write {_instead(call, library)}"
            )
        return True

    async def wait_until_async(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true, and let the loop of the caller run; otherwise as `wait_until`.

        Raises:
            ServerStateError: This time goes by in blocking calls only, or the loop is not asyncio's.
        """
        if not holds():
            raise ServerStateError(f"{type(self).__name__} waits in blocking calls only: leave the coroutine for it")
        return True

    def settle(self) -> None:
        """Wait until the loop has read what came before this call, and its tasks wait again; where it owns one."""
        self.wait_until(lambda: True, 0)

    async def settle_async(self) -> None:
        """Wait as `settle` does, and let the loop of the caller run."""
        self.settle()

    @abstractmethod
    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """Call something in the thread of a loop, and wait until the tasks of the loop wait again.

        In the thread of the loop itself, or when the loop does not run, this only calls it.
        """


class Driver(TimeSource):
    """Owns a loop and runs it while there is a lease, for code that blocks; subclass it for another kind of time."""

    @abstractmethod
    def acquire(self) -> None:
        """Take a lease: the loop runs until it is released."""

    @abstractmethod
    def release(self) -> None:
        """Release a lease; the last release ends everything on the loop."""

    @abstractmethod
    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result.

        Raises:
            ServerStateError: There is no lease, or the caller is in the thread of the loop, which would deadlock.
        """

    @abstractmethod
    def call(self, function: Callable[[], T]) -> T:
        """Call a function between two steps of the loop, or at once without a lease, and return its result."""


class RealTime(TimeSource):
    """Real time; it drives no loop, so it also works with the loops of users.

    A forked child has no waiting threads.
    """

    def __init__(self) -> None:
        super().__init__(monotonic, wall_time)
        self._waiting: set[Event | _Bell] = set()
        self.waiting = self._waiting
        _SOURCES.add(self)

    def notify(self) -> None:
        """Wake all waiting threads and tasks."""
        for waiter in tuple(self._waiting):
            waiter.set()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true, or for `timeout` seconds."""
        deadline = self.monotonic() + timeout
        changed = Event()
        self._waiting.add(changed)  # before the first check, so that no change is missed
        try:
            while True:
                changed.clear()
                if holds():
                    return True
                left = deadline - self.monotonic()
                if left <= 0 or not changed.wait(min(left, TIMEOUT_MAX)):
                    return holds()
        finally:
            self._waiting.discard(changed)

    async def wait_until_async(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true, and let the loop of the caller run."""
        if running_library() != "asyncio":
            raise ServerStateError(
                "this can be awaited in asyncio only; in trio write `await trio.to_thread.run_sync(log.wait_for, ...)`"
            )
        waiter = _Bell()
        self._waiting.add(waiter)  # before the first check, so that no change is missed
        try:
            async with limit(max(timeout, 0)):
                while not holds():
                    await waiter.rung()
            return True
        except TimeoutError:
            return holds()
        finally:
            self._waiting.discard(waiter)
            waiter.close()

    async def settle_async(self) -> None:
        """Let a server on the loop of the caller come to rest."""
        await _rest_after(_nothing)

    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """Call something in the thread of a loop, and wait until the tasks of the loop wait again."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is loop or not loop.is_running():
            action()
        else:
            run_coroutine_threadsafe(_rest_after(action), loop).result()

    def abandon(self) -> None:
        """Forget the waiting threads in a forked child, which does not have them."""
        self._waiting.clear()


def _nothing() -> None:
    """Stand for an action."""


def _instead(call: str, library: str) -> str:
    """What to write for a call that blocks, in a loop of this library."""
    return f"`await trio.to_thread.run_sync({call}, ...)`" if library == "trio" else f"`await {call}_async(...)`"


class _Bell:
    """Wakes a task from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = AsyncEvent()
        self._open = True
        self._lock = lock()

    def set(self) -> None:
        """Wake the task."""
        with self._lock:
            if self._open:
                self._loop.call_soon_threadsafe(self._changed.set)

    async def rung(self) -> None:
        """Wait until it was rung since the last call."""
        await self._changed.wait()
        self._changed.clear()

    def close(self) -> None:
        """Ring no more: the loop may be closed from now on."""
        with self._lock:
            self._open = False


async def _rest_after(action: Callable[[], object]) -> None:
    action()
    for _ in range(_TURNS):
        await next_turn()


_SOURCES: WeakSet[RealTime] = WeakSet()


@in_child
def _abandon_all() -> None:
    for source in tuple(_SOURCES):
        source.abandon()


REAL_TIME = RealTime()
"""The time for objects without a server, and for servers on the user's own loop."""
