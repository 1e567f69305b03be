"""A clock that can be stopped and moved: all that is time on a server's side goes by one, so that nobody has to wait.

One rule: a clock that nobody touches is the loop's own, at no further cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from asyncio import timeout
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from ftpfixture import checks
from ftpfixture.driver import REAL_TIME, TimeSource
from ftpfixture.forks import lock

__all__ = ["Clock", "Timer"]

_GRAIN = 1e-6  # seconds: moments that are nearer to each other are one, because sums of floats are not exact


class _Standing(NamedTuple):
    """What a clock that stands shows: the wall time that was set, monotonic time then, and monotonic time now."""

    wall: float
    since: float
    now: float


class Timer:
    """A callback that waits for its time; `Clock.call_later` makes it.

    Args:
        clock: By which it waits.
        waiting: All timers of the clock, which it leaves when it need not wait any more.
        seconds: From now.
        callback: Called on the running loop, in the context of now.
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
        """Never call back; does nothing after the call."""
        self._waiting.pop(self, None)
        if self._handle is not None:
            self._handle.cancel()

    def arm(self) -> None:
        """Let the loop wait for what is left; while the clock stands nobody waits."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        left = self.deadline - self._clock.monotonic()
        if left <= 0:
            self._handle = self.loop.call_soon(self._ring, context=self._context)
        elif not self._clock.stands:
            self._handle = self.loop.call_later(left, self._ring, context=self._context)

    def rearm(self) -> None:
        """Wait anew if it still has to."""
        if self in self._waiting:
            self.arm()

    def fire(self) -> None:
        """Call back now."""
        self.cancel()
        self._context.run(self._callback)

    def _ring(self) -> None:
        if self.deadline - self._clock.monotonic() > _GRAIN:
            self.arm()  # the clock was stopped since the loop began to wait
        else:
            self._waiting.pop(self, None)
            self._callback()


A_CLOCK: checks.Check[Callable[[], float]] = checks.function("a Clock, or a function that returns POSIX seconds")
"""What wall time may come from."""


class Clock:
    """Time that goes by itself, stands when frozen, and can be moved forward; from any thread.

    Waiting goes by `monotonic`: another wall time, set with ``freeze(at=...)``, makes nothing due. The wall time of a
    clock that stands is exact to a microsecond.

    Args:
        wall: Gives the wall time in POSIX seconds, for as long as nobody has touched the clock; None for that of
            `time_source`.
        time_source: Where time comes from: real time, or the driver of the servers that have this clock.

    Raises:
        ConfigurationError: `wall` cannot be called.

    Attributes:
        time_source: As given.
    """

    def __init__(self, wall: Callable[[], float] | None = None, time_source: TimeSource = REAL_TIME) -> None:
        self.time_source = time_source
        self._monotonic = time_source.monotonic
        self._wall = time_source.wall if wall is None else A_CLOCK("clock", wall)
        self._ahead = (0.0, 0.0)  # of `wall`, and of the source's monotonic time
        self._standing: _Standing | None = None
        self._holds = 0  # for how many reasons it stands: being frozen is one, each move is another
        self._frozen = False
        self._lock = lock()  # of the four above, and of the loops; reading needs none
        self._timers: dict[Timer, None] = {}  # in the order in which they were made
        self._loops: set[asyncio.AbstractEventLoop] = set()

    # What time it is.

    def __call__(self) -> float:
        """Wall time in POSIX seconds."""
        standing = self._standing
        if standing is None:
            return self._wall() + self._ahead[0]
        return round(standing.wall + (standing.now - standing.since), 6)

    def monotonic(self) -> float:
        """Seconds since some moment, which never go back."""
        standing = self._standing
        return self._monotonic() + self._ahead[1] if standing is None else standing.now

    @property
    def frozen(self) -> bool:
        """Whether time stands until it is moved."""
        return self._frozen

    @property
    def stands(self) -> bool:
        """Whether time does not go by itself: the clock is frozen, or just being moved."""
        return self._standing is not None

    # Waiting.

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop when `seconds` have gone by; for 0 in its next turn, frozen or not."""
        timer = Timer(self, self._timers, seconds, callback)
        if timer.loop not in self._loops:
            self.join(timer.loop)
        if seconds > 0:
            self._timers[timer] = None
        timer.arm()  # last: when another thread stops or moves the clock meanwhile, one of the two notices
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have gone by."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, partial(_wake, woken))
        try:
            await woken
        finally:
            timer.cancel()

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        """Limit what is awaited inside to `seconds`; None for no limit.

        Raises:
            TimeoutError: It took longer, and was cancelled.
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
        """Let `loop` come to rest whenever time is moved; to wait by this clock is to join."""
        with self._lock:
            self._loops = {known for known in self._loops if not known.is_closed()} | {loop}
        for timer in tuple(self._timers):
            if timer.loop.is_closed():
                timer.cancel()

    # Standing and moving.

    def freeze(self, at: float | None = None) -> None:
        """Stop the time: nothing becomes due until it is moved or goes on. Twice does no harm.

        Args:
            at: The wall time from now on, in POSIX seconds, perhaps in the past; None to leave it as it is.

        Raises:
            ConfigurationError: `at` is no time.
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
        """Let the time go on from where it stands; does nothing when it is not frozen."""
        with self._lock:
            if self._frozen:
                self._frozen = False
                self._let_go()

    def reset(self) -> None:
        """Let the time go on, and be that of `wall` again; time that was moved has gone by for whatever waits."""
        with self._lock:
            if self._frozen:
                self._frozen = False
                self._let_go()
            self._ahead = (0.0, self._ahead[1])

    def move(self, seconds: float) -> None:
        """Move the time forward; a clock that is not frozen goes on from there.

        What is due is called in the order of its deadlines, each with the clock at its deadline, and so is what is new
        and becomes due on the way. When this returns, tasks that woke up have come to where they wait again. On the
        thread of their own loop they cannot: there they go on when the caller awaits something.

        Raises:
            ConfigurationError: `seconds` is negative, or no number.
        """
        checks.seconds("seconds", seconds)  # time moves forward only
        with self._held():
            for loop in tuple(self._loops):
                self.time_source.run_to_rest(loop, lambda: None)  # what came before the move belongs before it
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
        self._holds += 1

    def _let_go(self) -> None:
        self._holds -= 1
        if not self._holds:
            self._ahead = (self() - self._wall(), self.monotonic() - self._monotonic())
            self._standing = None
            for timer in tuple(self._timers):
                with contextlib.suppress(RuntimeError):  # its loop is closed
                    timer.loop.call_soon_threadsafe(timer.rearm)

    def _first_until(self, end: float) -> Timer | None:
        due = [timer for timer in tuple(self._timers) if timer.deadline <= end + _GRAIN and not timer.loop.is_closed()]
        return min(due, key=attrgetter("deadline"), default=None)

    def _fire(self, timer: Timer) -> None:
        if timer in self._timers:  # or else it was cancelled meanwhile
            self._stand_at(timer.deadline)
            timer.fire()

    def _stand_at(self, moment: float) -> None:
        with self._lock:
            if self._standing is not None and moment > self._standing.now:
                self._standing = self._standing._replace(now=moment)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
