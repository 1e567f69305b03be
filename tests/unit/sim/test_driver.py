"""The driver of simulated servers: leases, calls, waiting, and the proof that a wait never ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import inf

import freezegun
import pytest
import time_machine

from ftpfixture import FtpServer
from ftpfixture.errors import HangError, ServerStateError
from ftpfixture.sim.driver import SimulatedTime


@pytest.fixture
def driver() -> SimulatedTime:
    """A driver with one lease."""
    driver = SimulatedTime()
    driver.acquire()
    return driver


def test_calls(driver: SimulatedTime) -> None:
    """Functions and coroutines run on the loop, and what they raise comes out."""

    async def twice(number: int) -> int:
        await asyncio.sleep(10)
        return 2 * number

    def fails() -> None:
        raise ZeroDivisionError

    assert driver.await_(twice(4)) == 8
    assert driver.monotonic() == 10
    assert driver.call(asyncio.get_running_loop) is driver.loop
    with pytest.raises(ZeroDivisionError):
        driver.call(fails)
    assert driver.call(lambda: driver.call(lambda: 3)) == 3  # inside the loop it is called at once


def test_wall_time(driver: SimulatedTime) -> None:
    """It begins with the time of day and goes on with the virtual time."""
    began = driver.wall()
    driver.virtual.jump(100)
    assert driver.wall() == began + 100


def test_libraries_that_set_the_time(driver: SimulatedTime) -> None:
    """What freezegun and time-machine set is the time of day, as for a real server; timeouts do not mind."""
    for travel in (freezegun.freeze_time("2001-02-03"), time_machine.travel("2001-02-03", tick=False)):
        with FtpServer(driver=driver, network=driver.network, files={"/a": b"a"}) as server:
            before = server.files.stat("/a").modified
            with travel:
                server.files["/a"] = b"b"
                assert datetime.fromtimestamp(server.files.stat("/a").modified, UTC) == datetime(2001, 2, 3, tzinfo=UTC)
                assert not driver.wait_until(lambda: False, 60)
            server.files["/a"] = b"c"
            assert server.files.stat("/a").modified >= before + 60


def test_waiting(driver: SimulatedTime) -> None:
    """A condition is true after a turn, after a timer, or not before the timeout, which is exact."""
    found: list[int] = []
    driver.loop.call_later(5, found.append, 1)
    assert driver.wait_until(lambda: bool(found), 60)
    assert driver.monotonic() == 5
    assert not driver.wait_until(lambda: len(found) == 2, 60)
    assert driver.monotonic() == 65
    assert not driver.wait_until(lambda: False, 0)
    driver.loop.call_soon(found.append, 2)
    assert driver.wait_until(lambda: len(found) == 2, 0)  # what came before is read first


def test_a_wait_that_never_ends(driver: SimulatedTime) -> None:
    """It is an error, and the servers are told which connection it is."""
    ends: list[tuple[str, int] | None] = []
    driver.on_hang.append(ends.append)
    with pytest.raises(HangError, match="the client waits for bytes without a timeout"):
        driver.wait(lambda: False, inf, "bytes", ("127.0.0.1", 7))
    assert ends == [("127.0.0.1", 7)]

    async def waits() -> None:
        await driver.loop.create_future()

    with pytest.raises(HangError, match="waits for the server"):
        driver.await_(waits())
    assert not asyncio.all_tasks(driver.loop)  # it was cancelled


def test_inside_the_loop(driver: SimulatedTime) -> None:
    """A blocking wait is an error, unless the condition is true already."""

    def blocks() -> str:
        assert driver.wait_until(lambda: True, 5)
        assert not driver.wait_until(lambda: False, 0)
        with pytest.raises(ServerStateError, match="would wait for itself"):
            driver.wait_until(lambda: False, 5)
        with pytest.raises(ServerStateError, match="would wait for itself"):
            driver.await_(asyncio.sleep(1))
        return "done"

    assert driver.call(blocks) == "done"


def test_waiting_in_a_coroutine(driver: SimulatedTime) -> None:
    """On a loop of the same time; a real loop is refused."""
    found: list[int] = []

    async def main() -> float:
        here = asyncio.get_running_loop()
        here.call_later(3, found.append, 1)
        here.call_later(3, driver.notify)
        assert await driver.wait_until_async(lambda: bool(found), 60)
        began = here.time()
        assert not await driver.wait_until_async(lambda: False, 60)
        await driver.settle_async()
        return here.time() - began

    with asyncio.Runner(loop_factory=driver.client_loop) as runner:
        assert runner.run(main()) == 60
    with pytest.raises(ServerStateError, match=r"mark the test with @pytest.mark.ftp\(simulate=True\)"):
        asyncio.run(driver.wait_until_async(lambda: True, 1))


def test_the_last_release_ends_the_tasks(driver: SimulatedTime) -> None:
    """Their cleanup runs."""
    ended = []

    async def serves() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            ended.append("server")

    task = driver.call(lambda: driver.loop.create_task(serves()))
    driver.virtual.rest()
    driver.acquire()
    driver.release()
    assert not ended
    assert driver.leased
    driver.release()
    assert ended == ["server"]
    assert task.cancelled()
    assert not driver.leased


def test_a_seed_chooses_how_far_servers_go_on() -> None:
    """After a step of a client: not at all, or for some turns; without a seed until they wait."""

    def turns(seed: int | None) -> list[int]:
        driver, counts = SimulatedTime(seed), list[int]()
        for _ in range(30):
            seen: list[int] = []

            def step(left: int, seen: list[int] = seen) -> None:
                seen.append(left)
                if left:
                    driver.loop.call_soon(step, left - 1)

            driver.loop.call_soon(step, 9)
            driver.go_on()
            counts.append(len(seen))
            driver.virtual.rest()
        return counts

    assert turns(None) == [10] * 30
    assert turns(1) == turns(1)
    assert {0, 1} < {count for seed in range(10) for count in turns(seed)}
