"""A clock that can be stopped and moved. All time on the server side comes from it, so that tests need not wait.

One rule: a clock that was not changed is the clock of the loop, at no further cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from asyncio import timeout
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from ftpfixture import checks
from ftpfixture.driver import REAL_TIME, TimeSource
from ftpfixture.forks import lock

__all__ = ["Clock", "Timer"]

_GRAIN = 1e-6  # seconds: times closer than this are equal, because sums of floats are not exact


class _Standing(NamedTuple):
    """Time of a stopped clock: the wall time that was set, monotonic time at that moment, and monotonic time now."""

    wall: float
    since: float
    now: float


class _Change(NamedTuple):
    """A change of a clock: when it was by the source of time, monotonic time from then on, and whether it runs."""

    source: float
    monotonic: float
    runs: bool


class Timer:
    """A scheduled callback; `Clock.call_later` makes it.

    Args:
        clock: The clock that it waits on.
        waiting: All waiting timers of the clock; the timer removes itself when it stops waiting.
        seconds: From now.
        callback: Called on the running loop, in the current context.
    """

    __slots__ = ("_callback", "_clock", "_context", "_handle", "_waiting", "deadline", "loop")

    def __init__(
        self, clock: Clock, waiting: dict[Timer, None], seconds: float, callback: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._waiting = waiting
        self._callback = callback
        self._context = contextvars.copy_context()
        self._handle: asyncio.Handle | None = None
        self.deadline = clock.monotonic() + seconds
        self.loop = asyncio.get_running_loop()

    def cancel(self) -> None:
        """Cancel the callback; no effect after the callback."""
        self._waiting.pop(self, None)
        if self._handle is not None:
            self._handle.cancel()

    def arm(self) -> None:
        """Let the loop wait for the remaining time; while the clock is stopped, the loop does not wait."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        left = self.deadline - self._clock.monotonic()
        if left <= 0:
            self._handle = self.loop.call_soon(self._ring, context=self._context)
        elif not self._clock.stands:
            self._handle = self.loop.call_later(left, self._ring, context=self._context)

    def rearm(self) -> None:
        """Wait again if the timer is still waiting."""
        if self in self._waiting:
            self.arm()

    def fire(self) -> None:
        """Call the callback now."""
        self.cancel()
        self._context.run(self._callback)

    def _ring(self) -> None:
        if self.deadline - self._clock.monotonic() > _GRAIN:
            self.arm()  # the clock was stopped after the loop began to wait
        else:
            self._waiting.pop(self, None)
            self._callback()


A_CLOCK: checks.Check[Callable[[], float]] = checks.function("a Clock, or a function that returns POSIX seconds")
"""The valid sources of wall time."""


class Clock:
    """A clock that runs, stops when frozen, and can be moved forward, from any thread.

    Waiting uses `monotonic`: a wall time set with ``freeze(at=...)`` makes nothing due. The wall time of a stopped
    clock is exact to a microsecond.

    Args:
        wall: Returns the wall time in POSIX seconds until the clock is changed; None for that of `time_source`.
        time_source: The source of time: real time, or the driver of the servers with this clock.

    Raises:
        ConfigurationError: `wall` cannot be called.

    Attributes:
        time_source: As given.
    """

    def __init__(self, wall: Callable[[], float] | None = None, time_source: TimeSource = REAL_TIME) -> None:
        self.time_source = time_source
        self._monotonic = time_source.monotonic
        self._wall = time_source.wall if wall is None else A_CLOCK("clock", wall)
        self._ahead = (0.0, 0.0)  # seconds ahead of `wall`, and of the monotonic time of the source
        self._standing: _Standing | None = None
        self._holds = 0  # number of reasons to stop: being frozen is one, each move is another
        self._frozen = False
        self._lock = lock()  # guards the four above and the loops; reading needs no lock
        self._timers: dict[Timer, None] = {}  # in the order in which they were made
        self._loops: set[asyncio.AbstractEventLoop] = set()
        self._changes: list[_Change] = []

    # Reading the time.

    def __call__(self) -> float:
        """Return the wall time in POSIX seconds."""
        standing = self._standing
        if standing is None:
            return self._wall() + self._ahead[0]
        return round(standing.wall + (standing.now - standing.since), 6)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; they never decrease."""
        standing = self._standing
        return self._monotonic() + self._ahead[1] if standing is None else standing.now

    def monotonic_at(self, source: float) -> float:
        """Return what `monotonic` returned at a moment of the past.

        Args:
            source: The moment, by the monotonic time of the source of time.
        """
        index = bisect_right(self._changes, source, key=attrgetter("source"))
        if not index:
            return source
        change = self._changes[index - 1]
        return change.monotonic + (source - change.source if change.runs else 0)

    @property
    def frozen(self) -> bool:
        """Whether the clock is stopped until it is moved or resumed."""
        return self._frozen

    @property
    def stands(self) -> bool:
        """Whether the clock does not run: it is frozen, or is being moved."""
        return self._standing is not None

    # Waiting.

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop after `seconds`; after 0 in its next iteration, frozen or not."""
        timer = Timer(self, self._timers, seconds, callback)
        if timer.loop not in self._loops:
            self.join(timer.loop)
        if seconds > 0:
            self._timers[timer] = None
        timer.arm()  # last: if another thread stops or moves the clock meanwhile, one of the two handles it
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, partial(_wake, woken))
        try:
            await woken
        finally:
            timer.cancel()

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        """Limit the time of the block to `seconds`; None for no limit.

        Raises:
            TimeoutError: The block took longer, and was cancelled.
        """
        if seconds is None:
            yield
            return
        async with timeout(None) as limit:
            timer = self.call_later(seconds, lambda: limit.reschedule(timer.loop.time()))
            try:
                yield
            finally:
                timer.cancel()

    def join(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a move of the time wait until `loop` is idle; waiting on this clock joins its loop."""
        with self._lock:
            self._loops = {known for known in self._loops if not known.is_closed()} | {loop}
        for timer in tuple(self._timers):
            if timer.loop.is_closed():
                timer.cancel()

    # Stopping and moving.

    def freeze(self, at: float | None = None) -> None:
        """Stop the time: no timer is due until it is moved or resumed. A second call has no effect.

        Args:
            at: The new wall time, in POSIX seconds, perhaps in the past; None for the current one.

        Raises:
            ConfigurationError: `at` is not a number.
        """
        if at is not None:
            checks.number("at", at)
        with self._lock:
            if not self._frozen:
                self._hold()
                self._frozen = True
            if at is not None:
                now = self.monotonic()
                self._standing = _Standing(at, now, now)

    def resume(self) -> None:
        """Let the time run on from where it stopped; no effect when it is not frozen."""
        with self._lock:
            if self._frozen:
                self._frozen = False
                self._let_go()

    def reset(self) -> None:
        """Let the time run on with the time of `wall`; for timers and waiting tasks, moved time has passed."""
        with self._lock:
            if self._frozen:
                self._frozen = False
                self._let_go()
            self._ahead = (0.0, self._ahead[1])

    def move(self, seconds: float) -> None:
        """Move the time forward; a clock that is not frozen runs on from there.

        Callbacks are called in the order of their deadlines, each with the clock at its deadline; new ones that become
        due during the move are included. When this returns, the tasks that woke up wait again. In the thread of their
        own loop they cannot run: they continue when the caller awaits.

        Raises:
            ConfigurationError: `seconds` is negative, or not a number.
        """
        checks.seconds("seconds", seconds)  # time moves forward only
        with self._held():
            for loop in tuple(self._loops):
                self.time_source.run_to_rest(loop, lambda: None)  # finish what was ready before the move
            end = self.monotonic() + seconds
            while (timer := self._first_until(end)) is not None:
                self.time_source.run_to_rest(timer.loop, partial(self._fire, timer))
            self._stand_at(end)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with self._lock:
            self._hold()
        try:
            yield
        finally:
            with self._lock:
                self._let_go()

    def _hold(self) -> None:
        if self._standing is None:
            now = self.monotonic()
            self._standing = _Standing(self(), now, now)
            self._note_change()
        self._holds += 1

    def _let_go(self) -> None:
        self._holds -= 1
        if not self._holds:
            self._ahead = (self() - self._wall(), self.monotonic() - self._monotonic())
            self._standing = None
            self._note_change()
            for timer in tuple(self._timers):
                with contextlib.suppress(RuntimeError):  # its loop is closed
                    timer.loop.call_soon_threadsafe(timer.rearm)

    def _first_until(self, end: float) -> Timer | None:
        due = [timer for timer in tuple(self._timers) if timer.deadline <= end + _GRAIN and not timer.loop.is_closed()]
        return min(due, key=attrgetter("deadline"), default=None)

    def _fire(self, timer: Timer) -> None:
        if timer in self._timers:  # otherwise it was cancelled meanwhile
            self._stand_at(timer.deadline)
            timer.fire()

    def _stand_at(self, moment: float) -> None:
        with self._lock:
            if self._standing is not None and moment > self._standing.now:
                self._standing = self._standing._replace(now=moment)
                self._note_change()

    def _note_change(self) -> None:
        self._changes.append(_Change(self._monotonic(), self.monotonic(), self._standing is None))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
