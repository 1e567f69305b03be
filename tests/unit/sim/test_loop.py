"""The interface of asyncio on a simulated loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ftpfixture.errors import HangError
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.time import VirtualTime


@pytest.fixture
def loop() -> SimulatedLoop:
    """A loop with a time of its own."""
    return SimulatedLoop(VirtualTime(), MemoryNetwork())


def test_timeouts_and_sleep(loop: SimulatedLoop) -> None:
    """An hour takes no time, and is exact."""

    async def main() -> str:
        await asyncio.sleep(3600)
        try:
            async with asyncio.timeout(60):
                await asyncio.sleep(3600)
        except TimeoutError:
            return "timed out"
        return "slept"

    assert loop.run_until_complete(main()) == "timed out"
    assert loop.time() == 3660


def test_it_is_a_runners_loop(loop: SimulatedLoop) -> None:
    """`asyncio.Runner` runs on it, cancels what is left, ends generators, and closes it."""
    ended = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            ended.append("generator")

    async def waits() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append("task")

    kept: list[Any] = []

    async def main() -> int:
        kept.append(asyncio.create_task(waits()))
        generator = numbers()
        kept.append(generator)
        await asyncio.sleep(0)
        assert await asyncio.to_thread(lambda: 7) == 7
        return await anext(generator)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(main()) == 0
    assert ended == ["task", "generator"]
    assert loop.is_closed()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_later(1, print)


def test_errors_in_callbacks(loop: SimulatedLoop, caplog: pytest.LogCaptureFixture) -> None:
    """They go to the handler, or else to the log of asyncio."""

    def fails() -> None:
        raise ZeroDivisionError("oops")

    with caplog.at_level(logging.ERROR, "asyncio"):
        loop.call_soon(fails)
        loop.virtual.rest()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    caplog.clear()

    seen: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    assert loop.get_exception_handler() is not None
    loop.call_soon(fails)
    loop.virtual.rest()
    assert isinstance(seen[0]["exception"], ZeroDivisionError)
    assert caplog.records == []


def test_a_wait_for_nothing(loop: SimulatedLoop) -> None:
    """It is proved, and ends."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(HangError, match="will never happen"):
        loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.virtual.rest()


def test_functions_of_executors(loop: SimulatedLoop) -> None:
    """They are called at once; an exception is that of the future."""

    def fails() -> None:
        raise ZeroDivisionError

    assert loop.run_until_complete(loop.run_in_executor(None, max, 1, 2)) == 2
    with pytest.raises(ZeroDivisionError):
        loop.run_until_complete(loop.run_in_executor(None, fails))


def test_stop_and_task_factories(loop: SimulatedLoop) -> None:
    """`stop` ends `run_forever`, and a factory makes the tasks."""
    made = []

    def factory(of: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=of, **options)

    async def main() -> None:
        loop.stop()

    assert loop.get_task_factory() is None
    loop.set_task_factory(factory)
    assert loop.get_task_factory() is factory
    task = loop.create_task(main())
    loop.run_forever()
    assert made
    assert task.done()


def test_names_are_resolved(loop: SimulatedLoop) -> None:
    """By the system, as on any loop."""
    found = loop.run_until_complete(loop.getaddrinfo("127.0.0.1", 21))
    assert found[0][4] == ("127.0.0.1", 21)
