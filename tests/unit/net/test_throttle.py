"""Throttles with a fake clock: a flow keeps to its rate, and no test really waits."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ftpfixture.net.throttle import StreamThrottle, Throttle
from tests.support.rows import table


class Clock:
    """A loop whose time passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.late: Callable[[], float] = lambda: 0.0
        self.sleeps: list[float] = []
        self.after_sleep: Callable[[], None] = lambda: None

    def time(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, delay: float) -> None:
        """Let time pass at once."""
        self.now += delay + self.late()
        self.sleeps.append(delay)
        self.after_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the throttles of a test."""
    clock = Clock()
    monkeypatch.setattr("ftpfixture.net.throttle.asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    monkeypatch.setattr("ftpfixture.net.throttle.pause", clock.sleep)
    return clock


async def _move(throttle: Throttle, clock: Clock, size: int, pieces: int) -> None:
    for _ in range(pieces):
        await throttle.wait()
        throttle.append(bytes(size), clock.now)
    await throttle.wait()


async def test_a_flow_keeps_to_the_rate(clock: Clock) -> None:
    """A flow takes bytes divided by the limit in seconds."""
    await _move(Throttle(limit=1000), clock, size=100, pieces=50)

    assert clock.now == pytest.approx(5.0)


@pytest.mark.parametrize("limit", [None, 0, -1])
async def test_without_limit(clock: Clock, limit: float | None) -> None:
    """None, zero and less mean no limit, and read as None."""
    throttle = Throttle(limit=limit)
    await _move(throttle, clock, size=1 << 20, pieces=10)

    assert (throttle.limit, clock.sleeps) == (None, [])


async def test_the_wait_comes_after_the_bytes(clock: Clock) -> None:
    """The first piece is sent at once; the next one waits for the time of the first."""
    throttle = Throttle(limit=10)
    await throttle.wait()
    assert clock.now == 0
    throttle.append(bytes(5), clock.now)

    await throttle.wait()

    assert clock.now == pytest.approx(0.5)


async def test_idle_time_gives_no_credit(clock: Clock) -> None:
    """After a pause a flow is as slow as before it."""
    throttle = Throttle(limit=100)
    await _move(throttle, clock, size=10, pieces=1)
    clock.now = 1000.0

    await _move(throttle, clock, size=10, pieces=20)

    assert clock.now == pytest.approx(1002.0)


async def test_flows_that_share_a_throttle_share_the_rate(clock: Clock) -> None:
    """Bytes that two flows charge at the same time are waited for one after the other."""
    throttle = Throttle(limit=100)
    throttle.append(bytes(50), clock.now)
    throttle.append(bytes(50), clock.now)

    await throttle.wait()

    assert clock.now == pytest.approx(1.0)


@pytest.mark.parametrize("limit", [None, 1_000_000.0])
async def test_a_change_of_the_limit_acts_at_once(clock: Clock, limit: float | None) -> None:
    """A wait under a low limit ends within a tenth of a second when the limit is raised or removed."""
    throttle = Throttle(limit=1)
    throttle.append(bytes(1000), clock.now)

    def change() -> None:
        throttle.limit = limit

    clock.after_sleep = change
    await throttle.wait()

    assert clock.now <= 0.1 + 1e-9


async def test_a_new_limit_applies_from_now_on(clock: Clock) -> None:
    """After a change the flow keeps to the new rate, without a wait for the old one."""
    throttle = Throttle(limit=1)
    throttle.append(bytes(1000), clock.now)
    throttle.limit = 50

    await _move(throttle, clock, size=10, pieces=10)

    assert clock.now == pytest.approx(2.0)


async def test_a_limit_may_come_later(clock: Clock) -> None:
    """A throttle without limit gets one and keeps to it from then on."""
    throttle = Throttle()
    await _move(throttle, clock, size=1000, pieces=3)
    throttle.limit = 100

    await _move(throttle, clock, size=10, pieces=10)

    assert clock.now == pytest.approx(1.0)


async def _flow(throttle: Throttle, clock: Clock, seconds: float) -> list[tuple[float, int]]:
    """When each number of bytes was sent, for a flow that takes no time by itself."""
    went = []
    end = clock.now + seconds
    while clock.now < end:
        await throttle.wait()
        piece = bytes(throttle.portion(1 << 20))
        went.append((clock.now, len(piece)))
        throttle.append(piece, clock.now)
    return went


def _in_a_second(went: list[tuple[float, int]]) -> list[int]:
    """How many bytes were sent in each second that begins with a piece, and ends before the last one."""
    starts = [start for start, _ in went if start + 1 <= went[-1][0]]
    return [sum(count for at, count in went if start <= at < start + 1) for start in starts]


@pytest.mark.parametrize("limit", [20, 99.5, 1000, 12_345, 1e6, 1e7])
@pytest.mark.parametrize("late", [0, 0.001, 0.01, 0.04])
async def test_the_rate_of_every_second(clock: Clock, limit: float, late: float) -> None:
    """Within ten per cent in any second, whether sleeps are in time, always late, or late now and then."""
    source = random.Random(3)
    for wait in (lambda: late, lambda: source.uniform(0, late), lambda: source.choice((0, 0, 0, late))):
        clock.late = wait
        rates = _in_a_second(await _flow(Throttle(limit=limit), clock, 10))

        assert len(rates) > 100
        assert 0.9 * limit <= min(rates)
        assert max(rates) <= 1.1 * limit


async def test_a_very_late_loop_makes_no_flow_faster(clock: Clock) -> None:
    """Time lost while the loop was blocked for long is not made up for."""
    source = random.Random(4)
    clock.late = lambda: source.choice((0, 0, 0.2, 3))

    rates = _in_a_second(await _flow(Throttle(limit=1000), clock, 100))

    assert max(rates) <= 1.1 * 1000


@pytest.mark.parametrize(("before", "after"), [(1000, 100_000), (100_000, 1000), (1000, 1000.5)])
async def test_the_rate_after_a_change(clock: Clock, before: float, after: float) -> None:
    """From a change on the rate is the new one, within ten per cent."""
    throttle = Throttle(limit=before)
    await _flow(throttle, clock, 2)

    throttle.limit = after
    rates = _in_a_second(await _flow(throttle, clock, 5))

    assert 0.9 * after <= min(rates)
    assert max(rates) <= 1.1 * after


@pytest.mark.parametrize("flows", [2, 5])
async def test_flows_that_share_a_throttle_share_every_second(clock: Clock, flows: int) -> None:
    """Together the flows keep to the rate, in any order of their turns."""
    throttle = Throttle(limit=10_000)
    went: list[tuple[float, int]] = []
    for _ in range(400 // flows):
        for _ in range(flows):
            await throttle.wait()
        for _ in range(flows):
            piece = bytes(throttle.portion(1 << 20) // flows)
            went.append((clock.now, len(piece)))
            throttle.append(piece, clock.now)

    rates = _in_a_second(went)
    assert min(rates) >= 0.9 * 10_000
    assert max(rates) <= 1.1 * 10_000


class ChangingLimit(float):
    """A limit that another thread changes while it is used.

    Attributes:
        throttle: The throttle with the limit.
        value: The new limit.
    """

    throttle: Throttle
    value: float | None

    def __rtruediv__(self, number: float) -> float:
        """See float."""
        self.throttle.limit = self.value
        return number / float(self)


@pytest.mark.parametrize("value", [None, 1e9])
async def test_a_change_from_another_thread_in_the_middle(clock: Clock, value: float | None) -> None:
    """A limit that is changed while bytes are charged starts without a charge."""
    limit = ChangingLimit(0.001)
    throttle = Throttle(limit=limit)
    limit.throttle, limit.value = throttle, value

    throttle.append(bytes(1000), clock.now)
    await throttle.wait()

    assert (clock.now, throttle.limit) == (0, value)


async def test_a_clone_has_the_settings_without_the_charge(clock: Clock) -> None:
    """Nothing is charged to a clone, and changing it does not change the original."""
    throttle = Throttle(limit=10, reset_rate=3)
    throttle.append(bytes(1000), clock.now)

    clone = throttle.clone()
    await clone.wait()

    assert (clock.now, clone.limit, clone.reset_rate) == (0, 10, 3)
    clone.limit = 20
    assert throttle.limit == 10


@table(
    ("limit", "size", "portion"),
    [
        (None, 1 << 20, 1 << 20),
        (1000, 1 << 20, 50),
        (1000, 20, 20),
        (1, 1 << 20, 1),
        (0.5, 1 << 20, 1),
    ],
)
def test_portion(limit: float | None, size: int, portion: int) -> None:
    """A portion is 50 ms of the limit, at least one byte, and never more than given."""
    assert Throttle(limit=limit).portion(size) == portion


def test_repr_shows_the_settings() -> None:
    """The repr is that of the extension API."""
    assert repr(Throttle(limit=5)) == "Throttle(limit=5, reset_rate=10)"


def test_stream_throttle_has_two_directions() -> None:
    """`from_limits` makes a throttle for each direction, none where there is no limit."""
    pair = StreamThrottle.from_limits(10, None)

    assert (pair.read.limit, pair.write.limit) == (10, None)
    assert StreamThrottle.from_limits(write_speed_limit=7).write.limit == 7


def test_clone_of_a_stream_throttle_clones_both() -> None:
    """The clone has separate throttles with the same limits."""
    pair = StreamThrottle.from_limits(10, 20)
    clone = pair.clone()

    assert (clone.read.limit, clone.write.limit) == (10, 20)
    assert clone.read is not pair.read
    assert clone.write is not pair.write
