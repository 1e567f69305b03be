"""The clock: its time, its timers, and no cost until a test changes it."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import math
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import Clock, ConfigurationError
from ftpfixture.driver import RealTime
from ftpfixture.testing.loopthread import LoopThread
from tests.support.rows import table

JAN_2026 = 1767225600.0


@dataclass
class Handle:
    """The handle of a callback in the loop."""

    when: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        """Cancel the callback."""
        self.cancelled = True


@dataclass
class System:
    """The clock of the machine and the timers of the loop, controlled by a test."""

    now: float = 1000.0
    handles: list[Handle] = field(default_factory=list)
    source: RealTime = field(default_factory=RealTime)

    def call_later(
        self, delay: float, callback: Callable[[], object], *, context: contextvars.Context | None = None
    ) -> Handle:
        """Replace `call_later` of the loop."""
        assert context is not None
        self.handles.append(Handle(self.now + delay, lambda: context.run(callback)))
        return self.handles[-1]

    @property
    def armed(self) -> list[float]:
        """Seconds from now of all timers of the loop."""
        return [handle.when - self.now for handle in self.handles if not handle.cancelled]

    async def go(self, seconds: float) -> None:
        """Let real time pass."""
        await asyncio.sleep(0)  # callbacks from other threads run first
        self.now += seconds
        due = [handle for handle in self.handles if handle.when <= self.now]
        for handle in due:
            self.handles.remove(handle)
            if not handle.cancelled:
                handle.callback()
        await asyncio.sleep(0)


@pytest.fixture
async def system(monkeypatch: pytest.MonkeyPatch) -> System:
    """Real time that a test moves."""
    system = System()
    system.source.monotonic = lambda: system.now
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", system.call_later)
    return system


@pytest.fixture
def clock(system: System) -> Clock:
    """A clock over `system`."""
    return Clock(lambda: JAN_2026 + system.now, system.source)


class Called:
    """Records calls, with the time of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.times: list[tuple[str, float]] = []

    def __call__(self, name: str) -> Callable[[], None]:
        """Return a callback that records this name."""
        return lambda: self.times.append((name, self._clock.monotonic()))

    @property
    def names(self) -> list[str]:
        """Names of the calls."""
        return [name for name, _ in self.times]


# Reading the time.


def test_an_unchanged_clock_is_the_given_function() -> None:
    """Wall time is the result of the function, also when that goes back."""
    times = iter([5, 7.25, 1.5])
    clock = Clock(lambda: next(times))
    assert [clock(), clock(), clock()] == [5.0, 7.25, 1.5]
    assert not clock.frozen


async def test_a_reset_clock_is_the_given_function(clock: Clock, system: System) -> None:
    """`reset` restores the wall time, frozen or not; monotonic time does not go back."""
    for frozen in (True, False):
        before = clock.monotonic()
        clock.freeze(at=10)
        clock.move(100)
        if not frozen:
            clock.resume()
        clock.reset()
        assert (clock(), clock.frozen, clock.monotonic() - before) == (JAN_2026 + system.now, False, 100)
    await system.go(5)
    assert (clock() - JAN_2026 - system.now, clock.monotonic()) == (0, before + 105)


async def test_the_time_of_a_moment_of_the_past(clock: Clock, system: System) -> None:
    """`monotonic_at` knows when the clock stood, was moved, and ran on."""
    seen = [(system.now, clock.monotonic())]

    async def pass_by(change: Callable[[], None]) -> None:
        await system.go(5)
        change()
        await system.go(1)
        seen.append((system.now, clock.monotonic()))

    for change in (lambda: clock.move(30), clock.freeze, lambda: clock.move(7), clock.resume, lambda: clock.move(2)):
        await pass_by(change)

    assert [clock.monotonic_at(moment) for moment, _ in seen] == [time for _, time in seen]
    assert [time - seen[0][1] for _, time in seen] == [0, 36, 41, 48, 49, 57]


def test_a_clock_needs_a_function() -> None:
    """A value that is not callable raises ConfigurationError, with the valid values."""
    with pytest.raises(ConfigurationError, match="clock takes a Clock, or a function that returns POSIX seconds"):
        Clock(5)  # type: ignore[arg-type]


async def test_a_frozen_clock_is_stopped_and_a_moved_one_is_ahead(clock: Clock, system: System) -> None:
    """Wall and monotonic time move together, except for a wall time that was set."""
    wall, monotonic = clock(), clock.monotonic()

    clock.freeze()
    await system.go(50)
    assert (clock() - wall, clock.monotonic() - monotonic, clock.frozen) == (0, 0, True)

    clock.move(300)
    assert (clock() - wall, clock.monotonic() - monotonic) == (300, 300)

    clock.freeze(at=10)
    assert (clock(), clock.monotonic() - monotonic) == (10, 300)

    clock.resume()
    assert (clock(), clock.frozen) == (10, False)
    await system.go(5)
    assert (clock(), clock.monotonic() - monotonic) == (15, 305)

    clock.move(100)
    assert (clock(), clock.monotonic() - monotonic, clock.frozen) == (115, 405, False)
    await system.go(1)
    assert (clock(), clock.monotonic() - monotonic) == (116, 406)


def test_repeated_freeze_and_resume() -> None:
    """Freezing a frozen clock and resuming a running one change nothing."""
    clock = Clock(lambda: 5.0)
    clock.resume()
    clock.freeze(at=1)
    clock.freeze()
    assert clock() == 1
    clock.resume()
    assert not clock.frozen
    clock.resume()
    assert clock() == 1


@table(("start", "step", "times", "end"), [(0, 0.1, 10, 1), (JAN_2026, 0.1, 600, JAN_2026 + 60)])
def test_wall_time_of_a_frozen_clock_is_exact(start: float, step: float, times: int, end: float) -> None:
    """MDTM drops fractions of a second, so a sum of floats must not be a little less than a whole second."""
    clock = Clock()
    clock.freeze(at=start)
    for _ in range(times):
        clock.move(step)
    assert clock() == end


@table("seconds", [-1, -0.001, math.nan, math.inf, "1"])
def test_time_moves_forward_only(seconds: Any) -> None:
    """A value that is negative or not a number raises ConfigurationError, and changes nothing."""
    clock = Clock(lambda: 5.0)
    with pytest.raises(ConfigurationError, match=r"^seconds takes a number of seconds, 0 or more, not "):
        clock.move(seconds)
    assert (clock(), clock.stands) == (5, False)


@table("at", [math.nan, math.inf, "2026-01-01"])
def test_a_wall_time_is_a_number(at: Any) -> None:
    """A wall time that is not a finite number raises ConfigurationError."""
    clock = Clock(lambda: 5.0)
    with pytest.raises(ConfigurationError, match=r"^at takes a number, not "):
        clock.freeze(at=at)
    assert not clock.frozen


def test_a_function_that_fails_does_not_stop_the_clock() -> None:
    """When the function raises, `freeze` raises, and the clock is unchanged."""
    times = [5.0]
    clock = Clock(lambda: times[0])
    time = times.pop()
    with pytest.raises(IndexError):
        clock.freeze()
    times.append(time)
    assert (clock.frozen, clock.stands, clock()) == (False, False, 5)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("move"), st.floats(0, 1e6)),
            st.tuples(st.just("freeze"), st.none() | st.floats(-1e9, 1e10)),
            st.just(("resume", None)),
        )
    )
)
def test_monotonic_time_never_goes_back(steps: list[tuple[str, Any]]) -> None:
    """Monotonic time never decreases, after any calls and for any wall time."""
    clock = Clock()
    seen = clock.monotonic()
    for name, argument in steps:
        getattr(clock, name)(*([] if name == "resume" else [argument]))
        now = clock.monotonic()
        assert now >= seen
        seen = now


# Timers.


async def test_a_timer_of_an_unchanged_clock_is_one_of_the_loop(clock: Clock, system: System) -> None:
    """A timer makes one `call_later` of the loop; it is called on time, once, and not after `cancel`."""
    called = Called(clock)
    clock.call_later(10, called("a"))
    cancelled = clock.call_later(5, called("b"))
    assert system.armed == [10, 5]
    cancelled.cancel()
    cancelled.cancel()

    await system.go(9.5)
    assert called.times == []
    await system.go(0.5)
    await system.go(100)

    assert called.times == [("a", 1010)]
    assert system.handles == []


async def test_nothing_is_due_while_it_is_frozen(clock: Clock, system: System) -> None:
    """Timers from before and during the freeze wait, and continue with the rest of their time after it."""
    called = Called(clock)
    clock.call_later(10, called("before"))
    await system.go(4)
    clock.freeze()
    clock.call_later(1, called("meanwhile"))
    await system.go(1000)
    assert called.times == []
    assert system.armed == []

    clock.resume()
    await asyncio.sleep(0)
    assert system.armed == [6, 1]
    await system.go(1)
    await system.go(5)
    assert called.names == ["meanwhile", "before"]


async def test_a_moved_timer_is_due_sooner(clock: Clock, system: System) -> None:
    """A running clock can be moved, too; the loop waits for the remaining time."""
    called = Called(clock)
    clock.call_later(10, called("a"))
    clock.call_later(3, called("b"))

    clock.move(4)
    assert called.times == [("b", 1003)]
    await asyncio.sleep(0)
    assert system.armed == [6]
    await system.go(5.9)
    assert called.names == ["b"]
    await system.go(0.1)
    assert called.names == ["b", "a"]


async def test_an_overdue_timer_is_called_on_a_frozen_clock(clock: Clock, system: System) -> None:
    """A timer that became due before the freeze, while the loop was busy, is called."""
    called = Called(clock)
    clock.call_later(10, called("a"))
    system.now += 11
    clock.freeze()
    await system.go(0)
    assert called.names == ["a"]


@pytest.mark.parametrize("seconds", [0, -1])
async def test_timers_without_delay(clock: Clock, seconds: float) -> None:
    """Timers without delay are called in the next iteration of the loop, frozen or not, and not within the call."""
    called = Called(clock)
    clock.call_later(seconds, called("going"))
    clock.call_later(seconds, called("cancelled")).cancel()
    assert called.times == []
    await asyncio.sleep(0)
    clock.freeze()
    clock.call_later(seconds, called("frozen"))
    clock.move(0)
    await asyncio.sleep(0)
    assert called.names == ["going", "frozen"]


async def test_callbacks_can_do_anything(clock: Clock) -> None:
    """During a move a callback can set timers, cancel others, move and freeze the clock."""
    called = Called(clock)
    start = clock.monotonic()
    victim = clock.call_later(4, called("cancelled by a"))

    def first() -> None:
        called("a")()
        victim.cancel()
        clock.call_later(2, called("within"))
        clock.call_later(20, called("beyond"))
        clock.freeze()
        clock.move(1)

    clock.call_later(3, first)
    clock.call_later(3.5, called("in the inner move"))
    clock.move(10)

    expected = [("a", 3), ("in the inner move", 3.5), ("within", 5)]
    assert [(name, moment - start) for name, moment in called.times] == expected
    assert (clock.frozen, clock.monotonic() - start) == (True, 10)


async def test_resuming_within_a_move(clock: Clock, system: System) -> None:
    """The clock is stopped until the end of the move, and runs after it."""
    clock.freeze()
    clock.call_later(5, clock.resume)
    clock.move(10)
    assert (clock.frozen, clock.stands, clock.monotonic()) == (False, False, 1010)
    await system.go(1)
    assert clock.monotonic() == 1011


async def test_move_raises_the_error_of_a_callback(clock: Clock) -> None:
    """`move` raises it, the clock runs again, and later callbacks can be called."""
    called = Called(clock)

    def fail() -> None:
        raise RuntimeError("as intended")

    clock.call_later(1, fail)
    clock.call_later(2, called("next"))
    with pytest.raises(RuntimeError, match="as intended"):
        clock.move(5)
    assert not clock.stands
    clock.move(5)
    assert called.names == ["next"]


async def test_a_callback_sees_the_context_of_its_making(clock: Clock) -> None:
    """A callback runs in the context of `call_later`, in whatever thread the clock is moved."""
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []
    variable.set("made")
    clock.call_later(1, lambda: seen.append(variable.get()))
    variable.set("moved")
    clock.call_later(2, lambda: seen.append(variable.get()))
    clock.move(1)
    clock.call_later(1, lambda: clock.move(0))
    await asyncio.to_thread(clock.move, 1)
    assert seen == ["made", "moved"]


Tree = tuple[int, "tuple[Tree, ...]"]
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(st.integers(1, 40), st.just(())),
    lambda trees: st.tuples(st.integers(1, 40), st.lists(trees, max_size=3).map(tuple)),
    max_leaves=8,
)
"""Seconds until a timer is due, in quarters, and the timers that it sets."""


def _expected(trees: list[Tree], end: int) -> list[int]:
    """Return the times of all timers up to the end, in quarters of a second, computed with a queue."""
    queue = [(after, number, children) for number, (after, children) in enumerate(trees)]
    heapq.heapify(queue)
    number, due = len(queue), []
    while queue and queue[0][0] <= end:
        moment, _, children = heapq.heappop(queue)
        due.append(moment)
        for after, below in children:
            heapq.heappush(queue, (moment + after, number, below))
            number += 1
    return due


@given(trees=st.lists(TREES, max_size=6), steps=st.lists(st.integers(0, 60), max_size=6), frozen=st.booleans())
def test_one_step_or_many(trees: list[Tree], steps: list[int], frozen: bool) -> None:
    """Timers are due in order, each at its deadline, for any number of moves; new timers are included."""

    async def due(steps: list[int]) -> list[float]:
        clock, seen = Clock(), []
        clock.freeze(at=0)

        def set_timers(trees: list[Tree] | tuple[Tree, ...]) -> None:
            for after, children in trees:
                clock.call_later(after / 4, lambda children=children: due_timer(children))  # type: ignore[misc]

        def due_timer(children: tuple[Tree, ...]) -> None:
            seen.append(clock() * 4)
            set_timers(children)

        set_timers(trees)
        for step in steps:
            clock.move(step / 4)
        return seen

    expected = _expected(trees, sum(steps))
    assert asyncio.run(due(steps)) == expected
    assert asyncio.run(due([sum(steps)])) == expected


# Tasks.


async def test_sleepers_wake_at_their_time() -> None:
    """A task that sleeps repeatedly within one move wakes each time, with the clock at its deadline."""
    clock = Clock()
    clock.freeze(at=0)
    woke = []

    async def tick() -> None:
        while True:
            await clock.sleep(60)
            woke.append(clock())

    task = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await asyncio.to_thread(clock.move, 299)
    assert woke == [60, 120, 180, 240]
    await asyncio.to_thread(clock.move, 1)
    assert woke[4:] == [300]
    task.cancel()


async def test_tasks_wait_again_when_a_move_returns() -> None:
    """Work from before the move ends at the old time; work of woken tasks ends before `move` returns."""
    clock = Clock()
    clock.freeze(at=0)
    clock.join(asyncio.get_running_loop())
    done: list[tuple[str, float]] = []

    async def go(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        for _ in range(20):
            await asyncio.sleep(0)
        done.append((name, clock()))

    def move() -> list[tuple[str, float]]:
        clock.move(10)
        return list(done)

    tasks = [asyncio.create_task(go("after", 5)), asyncio.create_task(go("before", 0))]
    assert await asyncio.to_thread(move) == [("before", 0), ("after", 5)]
    await asyncio.gather(*tasks)


async def test_a_sleeper_that_is_cancelled_leaves_no_timer(clock: Clock, system: System) -> None:
    """A cancelled sleep leaves no timer in the clock and none in the loop."""
    task = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    assert system.armed == [60]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert system.armed == []
    clock.move(60)


async def test_a_sleeper_that_is_cancelled_when_it_wakes(clock: Clock) -> None:
    """A move that wakes a cancelled task raises nothing."""
    task = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    clock.move(60)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_cancels(clock: Clock, system: System) -> None:
    """After moved or real time the block raises TimeoutError, and the awaited future is cancelled."""
    loop = asyncio.get_running_loop()

    async def limited(waiter: asyncio.Future[None]) -> None:
        async with clock.timeout(60):
            await waiter

    waiters = [loop.create_future() for _ in range(3)]
    tasks = [asyncio.create_task(limited(waiter)) for waiter in waiters]
    await asyncio.sleep(0)
    clock.move(59)
    waiters[0].set_result(None)
    await tasks[0]
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]

    await system.go(1)
    with pytest.raises(TimeoutError):
        await tasks[2]
    assert waiters[2].cancelled()
    assert system.armed == []


@pytest.mark.parametrize(("seconds", "ends"), [(None, False), (0, True), (1e9, False)])
async def test_edge_cases_of_timeouts(clock: Clock, seconds: float | None, ends: bool) -> None:
    """None is no limit; 0 times out at once, frozen or not."""
    clock.freeze()

    async def limited() -> bool:
        try:
            async with clock.timeout(seconds):
                for _ in range(5):
                    await asyncio.sleep(0)
        except TimeoutError:
            return True
        return False

    assert await limited() is ends
    clock.resume()
    assert await limited() is ends


# Threads and loops.


@pytest.fixture
def elsewhere() -> Any:
    """A loop in its own thread."""
    thread = LoopThread()
    thread.acquire()
    yield thread
    thread.release()


def test_callbacks_run_on_their_own_loop(elsewhere: LoopThread) -> None:
    """A move calls each timer in the thread of its loop, in the order of all deadlines."""
    clock = Clock()
    called: list[tuple[str, str]] = []

    async def wait(name: str, seconds: float) -> None:
        clock.call_later(seconds, lambda: called.append((name, threading.current_thread().name)))

    async def here() -> None:
        await wait("first", 1)
        await wait("third", 3)
        await asyncio.to_thread(clock.move, 10)

    elsewhere.await_(wait("second", 2))
    elsewhere.await_(wait("fourth", 4))
    asyncio.run(here())

    main = threading.current_thread().name
    assert called == [("first", main), ("second", "ftpfixture"), ("third", main), ("fourth", "ftpfixture")]


def test_freezing_and_resuming_from_another_thread(elsewhere: LoopThread) -> None:
    """`resume` from another thread arms the timers of a loop again."""
    clock = Clock()
    clock.freeze()
    rung = threading.Event()

    async def wait() -> None:
        clock.call_later(0.001, rung.set)

    elsewhere.await_(wait())
    clock.resume()
    assert rung.wait(10)


def test_timers_of_a_closed_loop_are_dropped() -> None:
    """Timers of a closed loop are never called, and a move does not wait for them."""
    clock = Clock()
    called: list[str] = []

    async def leave_one() -> None:
        clock.call_later(5, lambda: called.append("gone"))

    asyncio.run(leave_one())
    clock.freeze()
    clock.move(10)
    clock.resume()

    async def use_it_again() -> None:
        clock.call_later(5, lambda: called.append("here"))
        clock.move(5)

    asyncio.run(use_it_again())
    assert called == ["here"]


def test_a_loop_that_is_not_running() -> None:
    """Between two runs of the loop, its timers are called in the thread of the move."""
    clock = Clock()
    loop = asyncio.new_event_loop()

    async def sleep() -> float:
        await clock.sleep(60)
        return clock.monotonic()

    async def begin() -> asyncio.Task[float]:
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0)
        return task

    async def end(task: asyncio.Task[float]) -> float:
        return await task

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return loop.run_until_complete(coroutine)

    clock.freeze()
    began = clock.monotonic()
    task = run(begin())
    clock.move(60)
    assert run(end(task)) - began == pytest.approx(60)
    loop.close()


def test_many_threads_at_once(elsewhere: LoopThread) -> None:
    """Threads that freeze, move and resume one clock while a loop waits on it leave it running."""
    clock = Clock()
    count = 0

    async def sleep() -> None:
        nonlocal count
        for _ in range(50):
            await clock.sleep(1)
            count += 1

    def disturb() -> None:
        for _ in range(20):
            clock.freeze()
            clock.move(2)
            clock.resume()

    loop = elsewhere.call(asyncio.get_running_loop)
    clock.join(loop)  # otherwise all moves may end before the sleeper starts
    done = asyncio.run_coroutine_threadsafe(sleep(), loop)
    threads = [threading.Thread(target=disturb) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.move(100)
    done.result(10)
    assert (count, clock.stands, clock.frozen) == (50, False, False)
