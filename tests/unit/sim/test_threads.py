"""Other threads: those that may end a wait, and those that cannot."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.threads import Threads


def test_which_threads_count() -> None:
    """One that was there before does not, nor an idle worker of a pool, nor a watchdog."""
    end, begun = threading.Event(), threading.Event()

    def works() -> None:
        begun.set()
        end.wait()

    before = threading.Thread(target=end.wait, name="before")
    before.start()
    threads = Threads()
    others = [threading.Thread(target=end.wait, name=name) for name in ("worker 7", "pytest_timeout test_x")]
    for thread in others:
        thread.start()
    with ThreadPoolExecutor(1, "pool") as pool:
        busy = pool.submit(works)
        try:
            assert begun.wait(60)
            assert threads.running() == ["worker 7", "pool_0"]
        finally:
            end.set()
        busy.result()
        for thread in (before, *others):
            thread.join()
        while threads.running():  # the worker is on its way back to its queue
            pass
    assert threads.running() == []


def test_no_proof_while_a_thread_runs() -> None:
    """A wait without a timeout is refused by the name of the thread that may end it; later it is a hang."""
    driver, end = SimulatedTime(), threading.Event()
    thread = threading.Thread(target=end.wait, name="worker 7")
    thread.start()
    try:
        with pytest.raises(SimulationError, match="the thread 'worker 7' runs and may end the wait"):
            driver.wait(lambda: False, inf, "nothing")
    finally:
        end.set()
        thread.join()
    with pytest.raises(HangError):
        driver.wait(lambda: False, inf, "nothing")
