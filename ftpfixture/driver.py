"""The source of time, and waiting in threads: a `Driver` owns a loop.

One rule: every module above asks a `TimeSource` for the time and for waiting, and none uses `time` or its own lock for
it. So another driver replaces all time.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio import run_coroutine_threadsafe
from collections.abc import Callable, Collection, Coroutine
from threading import TIMEOUT_MAX, Event
from typing import Any, TypeVar
from weakref import WeakSet

from ftpfixture.aio import next_turn
from ftpfixture.forks import in_child
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
        self._waiting: set[Event] = set()
        self.waiting = self._waiting
        _SOURCES.add(self)

    def notify(self) -> None:
        """Wake all waiting threads."""
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
