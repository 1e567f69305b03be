"""Clocks and pauses in virtual time: all functions, wherever code has them from, and waits on conditions."""

from __future__ import annotations

import datetime
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter_ns, sleep
from types import ModuleType

import pytest

from ftpfixture import FtpServer
from ftpfixture.sim.simulation import Simulation
from tests.support.rows import check_rows

NAMES = ("sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns")
KEPT = (time.monotonic,)  # in no global name


@pytest.fixture
def server() -> Iterator[FtpServer]:
    """A simulated server whose time is that of the test."""
    with FtpServer(simulate=True, simulate_time=True) as server:
        yield server


def test_all_is_put_back() -> None:
    """Also in a module that was imported meanwhile, and a function that was kept tells real time."""
    before = [getattr(time, name) for name in NAMES]
    waits, later = threading.Condition.wait, ModuleType("imported_later")
    assert monotonic is KEPT[0]
    with FtpServer(simulate=True, simulate_time=True):
        assert monotonic is time.monotonic is not KEPT[0]
        vars(later)["pause"], kept = time.sleep, time.monotonic
        sys.modules["imported_later"] = later
        assert kept() == 0
    del sys.modules["imported_later"]
    assert monotonic is KEPT[0]
    assert [getattr(time, name) for name in NAMES] == before
    assert threading.Condition.wait is waits
    assert vars(later)["pause"] is before[0]
    assert kept() > 0


def test_functions(server: FtpServer) -> None:
    """Each has the virtual time, also one that the module has imported by name before."""
    rows: list[tuple[Callable[[], float], float]] = [
        (time.monotonic, 1),
        (monotonic, 1),
        (time.perf_counter, 1),
        (time.time, 1),
        (time.monotonic_ns, 1e9),
        (time.perf_counter_ns, 1e9),
        (perf_counter_ns, 1e9),
        (time.time_ns, 1e9),
    ]

    def check(row: tuple[Callable[[], float], float]) -> None:
        clock, unit = row
        began = clock()
        sleep(3600)
        assert (clock() - began) / unit == pytest.approx(3600)

    check_rows(rows, check)
    assert isinstance(time.time_ns(), int)
    with pytest.raises(ValueError, match="sleep length must be non-negative"):
        sleep(-1)


def test_the_date_stays_real(server: FtpServer) -> None:
    """A type of C has the time from the system; what has it is written in the guide."""
    real = datetime.datetime.now()
    sleep(86400)
    assert datetime.datetime.now() - real < datetime.timedelta(hours=1)
    assert datetime.datetime.fromtimestamp(time.time()) - real > datetime.timedelta(hours=23)


def test_other_threads_have_real_time(server: FtpServer) -> None:
    """Their clocks and their pauses."""

    def elapsed() -> float:
        began = time.monotonic()
        time.sleep(0.001)
        return time.monotonic() - began

    with ThreadPoolExecutor() as pool:
        assert pool.submit(elapsed).result() >= 0.001
    assert time.monotonic() == 0


def test_waits_on_conditions(server: FtpServer) -> None:
    """With a timeout they take virtual time, and what happens on the servers ends them."""
    event = threading.Event()
    assert not event.wait(60)
    assert time.monotonic() == 60
    with pytest.raises(queue.Empty):
        queue.Queue[int]().get(timeout=60)
    assert time.monotonic() == 120
    assert isinstance(server.driver, Simulation)
    server.driver.loop.call_later(30, event.set)
    assert event.wait(60)
    assert time.monotonic() == 150
    with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
        threading.Condition().wait(1)


def test_waits_for_other_threads(server: FtpServer) -> None:
    """They are real while such a thread runs, and one that times out has taken its virtual time."""
    end, items = threading.Event(), queue.Queue[int]()

    def works() -> None:
        items.put(1)
        end.wait()

    with ThreadPoolExecutor() as pool:
        working = pool.submit(works)
        assert items.get(timeout=60) == 1
        assert time.monotonic() == 0
        with pytest.raises(queue.Empty):
            items.get(timeout=0.01)
        assert time.monotonic() == pytest.approx(0.01)
        end.set()
        working.result(timeout=60)


def test_a_real_server_beside_it(server: FtpServer) -> None:
    """The driver of real servers waits in real time."""
    with FtpServer() as real, pytest.raises(AssertionError):
        real.log.wait_for("NOOP", timeout=0.01)
    assert time.monotonic() == 0
