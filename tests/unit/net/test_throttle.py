"""Throttles by a clock of their own: a flow keeps to its rate, and nobody really waits."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ftpfixture.net.throttle import StreamThrottle, Throttle


class Clock:
    """A loop whose time goes on only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.after_sleep: Callable[[], None] = lambda: None

    def time(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, delay: float) -> None:
        """Let time pass at once."""
        self.now += delay
        self.sleeps.append(delay)
        self.after_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the throttles of a test go by."""
    clock = Clock()
    asyncio = SimpleNamespace(get_running_loop=lambda: clock, sleep=clock.sleep)
    monkeypatch.setattr("ftpfixture.net.throttle.asyncio", asyncio)
    return clock


async def _move(throttle: Throttle, clock: Clock, size: int, pieces: int) -> None:
    for _ in range(pieces):
        await throttle.wait()
        throttle.append(bytes(size), clock.now)
    await throttle.wait()


async def test_a_flow_keeps_to_the_rate(clock: Clock) -> None:
    """Octets divided by the limit is the time that a flow takes."""
    await _move(Throttle(limit=1000), clock, size=100, pieces=50)

    assert clock.now == pytest.approx(5.0)


@pytest.mark.parametrize("limit", [None, 0, -1])
async def test_without_limit_nobody_waits(clock: Clock, limit: float | None) -> None:
    """None, zero and less mean no limit, and read as None."""
    throttle = Throttle(limit=limit)
    await _move(throttle, clock, size=1 << 20, pieces=10)

    assert (throttle.limit, clock.sleeps) == (None, [])


async def test_what_was_charged_is_paid_after_it_went(clock: Clock) -> None:
    """The first piece goes at once; the next one waits until the first is paid for."""
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
    """What two flows charge at the same time is paid for one after the other."""
    throttle = Throttle(limit=100)
    throttle.append(bytes(50), clock.now)
    throttle.append(bytes(50), clock.now)

    await throttle.wait()

    assert clock.now == pytest.approx(1.0)


@pytest.mark.parametrize("limit", [None, 1_000_000.0])
async def test_a_change_of_the_limit_acts_at_once(clock: Clock, limit: float | None) -> None:
    """Who waits under a low limit goes on within a tenth of a second when it is raised or lifted."""
    throttle = Throttle(limit=1)
    throttle.append(bytes(1000), clock.now)

    def change() -> None:
        throttle.limit = limit

    clock.after_sleep = change
    await throttle.wait()

    assert clock.now <= 0.1 + 1e-9


async def test_a_new_limit_rules_what_comes_next(clock: Clock) -> None:
    """After a change the flow keeps to the new rate, without debts from the old one."""
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


async def test_a_clone_has_the_settings_without_the_memory(clock: Clock) -> None:
    """A clone owes nothing, and changing it does not change the original."""
    throttle = Throttle(limit=10, reset_rate=3)
    throttle.append(bytes(1000), clock.now)

    clone = throttle.clone()
    await clone.wait()

    assert (clock.now, clone.limit, clone.reset_rate) == (0, 10, 3)
    clone.limit = 20
    assert throttle.limit == 10


@pytest.mark.parametrize(
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
    """A portion is a twentieth of a second's worth, at least one octet, and never more than there is."""
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
    """The clone has the limits in throttles of its own."""
    pair = StreamThrottle.from_limits(10, 20)
    clone = pair.clone()

    assert (clone.read.limit, clone.write.limit) == (10, 20)
    assert clone.read is not pair.read
    assert clone.write is not pair.write
