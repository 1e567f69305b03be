"""Where time comes from, and who waits: a `Driver` owns a loop, and everything else asks it.

One rule: no module above asks `time`, and none waits by a lock of its own, so that with another driver everything goes
by another time.
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

_TURNS = 50  # of a loop, after which a task that woke up has come to where it must wait again


class TimeSource(ABC):
    """Time, and waiting until something has changed.

    Args:
        monotonic: Gives seconds since some moment, which never go back.
        wall: Gives the time of day in POSIX seconds.

    Attributes:
        monotonic: As given; two sources with the same function go by the same time.
        wall: As given.
        waiting: Those in `wait_until`. While it is empty, `notify` need not be called: most events have nobody waiting.
    """

    waiting: Collection[object] = ()

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.wall = wall

    @abstractmethod
    def notify(self) -> None:
        """Let everybody in `wait_until` look again; may be called on any thread."""

    @abstractmethod
    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until something holds, looking once at first and then after each `notify`.

        Args:
            holds: Called on this thread, while no lock is held: it may ask a server.
            timeout: Seconds.

        Returns:
            Whether it holds; False when time is up.

        Raises:
            ServerStateError: It does not hold, and this is the loop itself, which would wait for itself.
        """

    @abstractmethod
    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """Do something on the thread of a loop, and wait until the loop's tasks wait again.

        On the thread of the loop itself, or when the loop does not run, this only does it.
        """


class Driver(TimeSource):
    """Owns a loop and runs it while somebody holds a lease, for code that blocks: the seam for another kind of time."""

    @abstractmethod
    def acquire(self) -> None:
        """Take a lease: until it is given back, what is on the loop can run."""

    @abstractmethod
    def release(self) -> None:
        """Give a lease back; the last one ends everything that is still on the loop."""

    @abstractmethod
    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result.

        Raises:
            ServerStateError: Nobody has a lease, or this is called on the loop, which would wait for itself.
        """

    @abstractmethod
    def call(self, function: Callable[[], T]) -> T:
        """Call a function between two steps of the loop, or at once when nobody has a lease, and return its result."""


class RealTime(TimeSource):
    """Time as it goes by for everybody; it drives no loop, so that it serves those of users.

    In a forked child nobody waits.
    """

    def __init__(self) -> None:
        super().__init__(monotonic, wall_time)
        self._waiting: set[Event] = set()
        self.waiting = self._waiting
        _SOURCES.add(self)

    def notify(self) -> None:
        """See TimeSource."""
        for waiter in tuple(self._waiting):
            waiter.set()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """See TimeSource."""
        deadline = self.monotonic() + timeout
        changed = Event()
        self._waiting.add(changed)  # before the first look, so that no change is missed
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
        """See TimeSource."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is loop or not loop.is_running():
            action()
        else:
            run_coroutine_threadsafe(_rest_after(action), loop).result()

    def abandon(self) -> None:
        """Begin anew in a forked child, which has none of the threads that wait."""
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
"""For whatever is used without a server, or with one on the user's own loop."""
