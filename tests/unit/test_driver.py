"""Drivers: what every one of them has to hold, and how real time waits."""

from __future__ import annotations

import asyncio
import inspect
import math
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from ftpfixture import ServerStateError
from ftpfixture.driver import REAL_TIME, Driver, RealTime
from ftpfixture.testing.loopthread import LoopThread
from tests.support.virtual_time import Hung, VirtualTime

# Every driver.


@pytest.fixture(params=[LoopThread, VirtualTime])
def idle(request: pytest.FixtureRequest) -> Driver:
    """A driver without leases."""
    made: Driver = request.param()
    return made


@pytest.fixture
def driver(idle: Driver) -> Iterator[Driver]:
    """A driver with a lease."""
    idle.acquire()
    yield idle
    idle.release()


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def _fail() -> None:
    raise ZeroDivisionError


def _raise() -> None:
    raise ZeroDivisionError


def test_results_and_errors_come_back(driver: Driver) -> None:
    """What is called or awaited on the loop returns and raises where it was asked for."""
    assert driver.await_(_double(4)) == 8
    assert driver.call(lambda: 7) == 7
    assert driver.call(asyncio.get_running_loop).is_running() is isinstance(driver, LoopThread)
    with pytest.raises(ZeroDivisionError):
        driver.await_(_fail())
    with pytest.raises(ZeroDivisionError):
        driver.call(_raise)


def test_without_a_lease(idle: Driver) -> None:
    """A function is called at once; a coroutine is refused, and closed."""
    assert idle.call(lambda: 7) == 7
    coroutine = _double(4)
    with pytest.raises(ServerStateError):
        idle.await_(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_on_the_loop_itself(driver: Driver) -> None:
    """A function is called at once; who would wait for himself is told so."""

    def inside() -> int:
        with pytest.raises(ServerStateError):
            driver.await_(_double(4))
        with pytest.raises(ServerStateError):
            driver.wait_until(lambda: False, 30)
        assert driver.wait_until(lambda: True, 30)
        assert not driver.wait_until(lambda: False, 0)
        return driver.call(lambda: 7)

    assert driver.call(inside) == 7


def test_the_last_lease_ends_what_is_left(idle: Driver) -> None:
    """Tasks are cancelled, and the loop is closed; the next lease begins anew, and time does not go back."""
    began = idle.monotonic()
    ended: list[str] = []

    async def stay() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("stay")

    idle.acquire()
    idle.acquire()
    task = idle.call(lambda: asyncio.ensure_future(stay()))
    loop = idle.call(asyncio.get_running_loop)
    idle.release()
    assert not ended
    assert idle.await_(_double(4)) == 8
    idle.release()
    assert (ended, task.cancelled(), loop.is_closed()) == (["stay"], True, True)

    idle.acquire()
    assert idle.await_(_double(4)) == 8
    idle.release()
    assert idle.monotonic() >= began


def test_waiting(driver: Driver) -> None:
    """It ends when something holds, however that came, or when time is up."""
    seen: list[int] = []

    def count() -> None:
        seen.append(1)
        driver.notify()

    async def count_later() -> None:
        asyncio.get_running_loop().call_later(0.01, count)

    assert driver.wait_until(lambda: True, 0)
    assert not driver.wait_until(lambda: bool(seen), 0)
    driver.await_(count_later())
    assert driver.wait_until(lambda: bool(seen), 30)
    began = driver.monotonic()
    assert not driver.wait_until(lambda: len(seen) > 1, 0.01)
    assert driver.monotonic() - began >= 0.01
    with pytest.raises(ZeroDivisionError):
        driver.wait_until(lambda: 1 // 0 > 0, 30)


def test_rest(driver: Driver) -> None:
    """After the action, tasks have come to where they wait again; elsewhere and on the loop itself it is only done."""
    done: list[str] = []

    async def go(name: str) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        done.append(name)

    def begin(name: str) -> None:
        tasks.append(asyncio.ensure_future(go(name)))

    tasks: list[asyncio.Future[None]] = []
    loop = driver.call(asyncio.get_running_loop)
    driver.run_to_rest(loop, lambda: begin("from outside"))
    assert done == ["from outside"]

    def inside() -> list[str]:
        driver.run_to_rest(loop, lambda: begin("on the loop"))
        return list(done)

    assert driver.call(inside) == ["from outside"]

    other = asyncio.new_event_loop()
    driver.run_to_rest(other, lambda: done.append("of a loop that does not run"))
    other.close()
    assert "of a loop that does not run" in done  # the task that was begun on the driver's loop may have ended since


# Virtual time.


def test_virtual_time_has_no_hang() -> None:
    """What nothing can end any more is an error."""
    driver = VirtualTime()
    driver.acquire()
    with pytest.raises(Hung):
        driver.wait_until(lambda: False, math.inf)
    assert not driver.wait_until(lambda: False, 1e6)
    assert driver.monotonic() == 1e6
    driver.release()


# Real time.


class Waiting:
    """A thread that waits in real time.

    Args:
        source: By which.
        holds: For what.
    """

    def __init__(self, source: RealTime, holds: Callable[[], bool]) -> None:
        self.looks = 0
        self.result: bool | None = None
        self._source = source
        self._holds = holds
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()
        assert self._looked.wait(10)

    def _wait(self) -> None:
        self.result = self._source.wait_until(self._look, 30)

    def _look(self) -> bool:
        self.looks += 1
        try:
            return self._holds()
        finally:
            self._looked.set()

    def join(self) -> bool | None:
        """What came of it."""
        self._thread.join(10)
        return self.result


def test_everybody_who_waits_is_told() -> None:
    """Each looks again, whoever tells; who has what he waits for is gone."""
    source, seen = RealTime(), [0]
    first, second = Waiting(source, lambda: seen[0] >= 1), Waiting(source, lambda: seen[0] >= 2)
    seen[0] = 1
    source.notify()
    assert first.join()
    seen[0] = 2
    source.notify()
    assert second.join()
    assert first.looks == 2
    assert source._waiting == set()


def test_a_change_amidst_a_look_is_not_missed() -> None:
    """What comes between the look and the wait leads to another look."""
    source = RealTime()
    looks: list[int] = []

    def holds() -> bool:
        looks.append(len(looks))
        if len(looks) == 1:
            source.notify()  # as another thread would
        return len(looks) == 2

    assert source.wait_until(holds, 30)


def test_changes_without_end_do_not_make_a_wait_longer() -> None:
    """When each look brings a change, time is up all the same."""
    source = RealTime()

    def holds() -> bool:
        source.notify()
        return False

    assert not source.wait_until(holds, 0.01)


def test_no_limit_at_all() -> None:
    """An infinite time is no more than a system can count."""
    source, seen = RealTime(), [False]
    waiting = threading.Thread(target=lambda: seen.append(source.wait_until(lambda: seen[0], math.inf)))
    waiting.start()
    seen[0] = True
    source.notify()
    waiting.join(10)
    assert seen == [True, True]


@pytest.mark.usefixtures("keyboard")
def test_an_interrupt_ends_a_wait() -> None:
    """KeyboardInterrupt reaches a main thread that waits, and nobody counts as waiting after it."""
    source, main = RealTime(), threading.main_thread().ident
    assert main is not None

    def holds() -> bool:
        interrupter.start()
        return False

    interrupter = threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        source.wait_until(holds, 30)
    interrupter.join()
    assert source._waiting == set()


def test_all_real_time_is_the_same() -> None:
    """What goes by it can be combined; virtual times are each their own."""
    assert RealTime().monotonic == REAL_TIME.monotonic == LoopThread().monotonic
    one = VirtualTime()
    assert one.monotonic == one.monotonic
    assert VirtualTime().monotonic not in (one.monotonic, REAL_TIME.monotonic)
