"""Functions in executors of a simulated loop: they wait, and the loop goes on."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.sim.driver import SimulatedTime


@pytest.fixture
def driver() -> SimulatedTime:
    """A driver with one lease."""
    driver = SimulatedTime()
    driver.acquire()
    return driver


def test_the_loop_goes_on(driver: SimulatedTime) -> None:
    """A function that waits without a timeout for what a coroutine does later is not hung."""
    seen: list[str] = []

    def waits() -> float:
        driver.wait(lambda: bool(seen), inf, "a coroutine")
        return driver.monotonic()

    async def main() -> float:
        waiting = asyncio.ensure_future(asyncio.to_thread(waits))
        await asyncio.sleep(60)
        seen.append("set")
        return await waiting

    with asyncio.Runner(loop_factory=driver.client_loop) as runner:
        assert runner.run(main()) == 60


def test_many_functions(driver: SimulatedTime) -> None:
    """Eight wait at the same time, each is called once, and each has its own loop if it wants one."""
    most, now = 0, 0

    def waits(number: int) -> int:
        nonlocal most, now
        now += 1
        most = max(most, now)
        driver.wait(lambda: False, 5, "time")
        now -= 1
        return asyncio.run(_doubled(number))

    async def main() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(waits, number) for number in range(20)))

    with asyncio.Runner(loop_factory=driver.client_loop) as runner:
        assert runner.run(main()) == list(range(0, 40, 2))
    assert most == 8
    assert driver.monotonic() < 20 * 5


async def _doubled(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_hangs(driver: SimulatedTime) -> None:
    """A function that hangs raises HangError; where another one could go on, nothing is proved."""
    done: list[int] = []

    def hangs() -> None:
        driver.wait(lambda: False, inf, "nothing")

    def first() -> None:
        driver.wait(lambda: driver.monotonic() >= 10, inf, "ten seconds")
        done.append(1)

    def second() -> None:
        driver.wait(lambda: bool(done), inf, "the first")

    async def alone() -> None:
        with pytest.raises(HangError, match="waits for nothing without a timeout"):
            await asyncio.to_thread(hangs)

    async def both() -> None:
        asyncio.get_running_loop().call_later(20, done.clear)
        with pytest.raises(SimulationError, match="another one could go on"):
            await asyncio.gather(asyncio.to_thread(first), asyncio.to_thread(second))

    with asyncio.Runner(loop_factory=driver.client_loop) as runner:
        runner.run(alone())
        runner.run(both())


def test_functions_that_are_cancelled(driver: SimulatedTime) -> None:
    """It is not called when it was cancelled before; its result is dropped when it was cancelled later."""
    called: list[int] = []

    def waits(number: int) -> None:
        called.append(number)
        driver.wait(lambda: False, 5, "time")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, waits, 1).cancel()
        other = loop.run_in_executor(None, waits, 2)
        await asyncio.sleep(1)
        other.cancel()
        await asyncio.sleep(10)

    with asyncio.Runner(loop_factory=driver.client_loop) as runner:
        runner.run(main())
    assert called == [2]
