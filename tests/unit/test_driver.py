"""Drivers: the contract of all drivers, and waiting in real time."""

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
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.testing.loopthread import LoopThread
from tests.support.virtual_time import Hung, VirtualTime

# Every driver.


@pytest.fixture(params=[LoopThread, SimulatedTime, VirtualTime])
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


def test_results_and_errors(driver: Driver) -> None:
    """Calls on the loop return their results and raise their errors in the thread of the caller."""
    assert driver.await_(_double(4)) == 8
    assert driver.call(lambda: 7) == 7
    assert driver.call(asyncio.get_running_loop).is_running() is isinstance(driver, LoopThread)
    with pytest.raises(ZeroDivisionError):
        driver.await_(_fail())
    with pytest.raises(ZeroDivisionError):
        driver.call(_raise)


def test_without_a_lease(idle: Driver) -> None:
    """Without a lease a function is called at once; a coroutine is refused, and closed."""
    assert idle.call(lambda: 7) == 7
    coroutine = _double(4)
    with pytest.raises(ServerStateError):
        idle.await_(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_on_the_loop_itself(driver: Driver) -> None:
    """On the loop a function is called at once; a wait that would deadlock raises ServerStateError."""

    def inside() -> int:
        with pytest.raises(ServerStateError):
            driver.await_(_double(4))
        with pytest.raises(ServerStateError):
            driver.wait_until(lambda: False, 30)
        assert driver.wait_until(lambda: True, 30)
        assert not driver.wait_until(lambda: False, 0)
        return driver.call(lambda: 7)

    assert driver.call(inside) == 7


def test_the_last_release_ends_everything(idle: Driver) -> None:
    """Tasks are cancelled; with the next lease the loop runs again, or a new one, and time does not go back."""
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
    assert (ended, task.cancelled()) == (["stay"], True)
    assert loop.is_closed() is not isinstance(idle, SimulatedTime)  # its clients may have the loop still

    idle.acquire()
    assert idle.await_(_double(4)) == 8
    idle.release()
    assert idle.monotonic() >= began


def test_waiting(driver: Driver) -> None:
    """A wait ends when its condition is true, whatever made it true, or at its timeout."""
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
    """After the action, tasks wait again; on another loop and on the loop itself the action is only called."""
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
    assert "of a loop that does not run" in done  # the task on the driver's loop may have ended meanwhile


# Virtual time.


def test_virtual_time_has_no_hang() -> None:
    """A wait that nothing can end raises Hung."""
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
        source: The time source.
        holds: The condition.
    """

    def __init__(self, source: RealTime, holds: Callable[[], bool]) -> None:
        self.checks = 0
        self.result: bool | None = None
        self._source = source
        self._holds = holds
        self._checked = threading.Event()
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()
        assert self._checked.wait(10)

    def _wait(self) -> None:
        self.result = self._source.wait_until(self._check, 30)

    def _check(self) -> bool:
        self.checks += 1
        try:
            return self._holds()
        finally:
            self._checked.set()

    def join(self) -> bool | None:
        """Return the result."""
        self._thread.join(10)
        return self.result


def test_all_waiting_threads_are_woken() -> None:
    """Each checks again at every `notify`; one with a true condition stops waiting."""
    source, seen = RealTime(), [0]
    first, second = Waiting(source, lambda: seen[0] >= 1), Waiting(source, lambda: seen[0] >= 2)
    seen[0] = 1
    source.notify()
    assert first.join()
    seen[0] = 2
    source.notify()
    assert second.join()
    assert first.checks == 2
    assert source._waiting == set()


def test_a_change_during_a_check_is_not_missed() -> None:
    """A `notify` between the check and the wait leads to another check."""
    source = RealTime()
    checks: list[int] = []

    def holds() -> bool:
        checks.append(len(checks))
        if len(checks) == 1:
            source.notify()  # as from another thread
        return len(checks) == 2

    assert source.wait_until(holds, 30)


def test_endless_changes_do_not_extend_a_wait() -> None:
    """A wait times out even when each check makes a change."""
    source = RealTime()

    def holds() -> bool:
        source.notify()
        return False

    assert not source.wait_until(holds, 0.01)


def test_an_infinite_timeout() -> None:
    """An infinite timeout is accepted."""
    source, seen = RealTime(), [False]
    waiting = threading.Thread(target=lambda: seen.append(source.wait_until(lambda: seen[0], math.inf)))
    waiting.start()
    seen[0] = True
    source.notify()
    waiting.join(10)
    assert seen == [True, True]


@pytest.mark.usefixtures("keyboard")
def test_an_interrupt_ends_a_wait() -> None:
    """A waiting main thread gets KeyboardInterrupt, and is not among the waiting threads after it."""
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
    """All real time sources have the same clock; each virtual time has its own."""
    assert RealTime().monotonic == REAL_TIME.monotonic == LoopThread().monotonic
    one = VirtualTime()
    assert one.monotonic == one.monotonic
    assert VirtualTime().monotonic not in (one.monotonic, REAL_TIME.monotonic)
