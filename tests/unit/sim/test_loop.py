"""The interface of asyncio on a simulated loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ftpfixture.aio import computed, take_turns
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
    """The innermost await raises an error, which the coroutine may handle; one that never stops is ended."""
    waits = 0

    async def inner() -> None:
        nonlocal waits
        waits += 1
        await asyncio.get_running_loop().create_future()

    async def main() -> str:
        with pytest.raises(HangError, match="a coroutine waits without a timeout"):
            await inner()
        await asyncio.sleep(60)
        return "went on"

    async def for_ever() -> None:
        while True:
            with contextlib.suppress(HangError):
                await inner()

    assert loop.run_until_complete(main()) == "went on"
    with pytest.raises(HangError) as found:
        loop.run_until_complete(inner())
    assert found.traceback[-1].name == "inner"
    waits = 0
    with pytest.raises(HangError):
        loop.run_until_complete(for_ever())
    assert waits == 101
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.virtual.rest()


def test_signals(loop: SimulatedLoop) -> None:
    """A handler is a callback of the loop; when the loop is closed, the signal has its former handler."""
    before, seen = signal.getsignal(signal.SIGUSR1), list[str]()

    async def main() -> None:
        loop.add_signal_handler(signal.SIGUSR1, seen.append, "signal")
        signal.raise_signal(signal.SIGUSR1)
        assert seen == []
        await asyncio.sleep(0)
        assert seen == ["signal"]
        assert loop.remove_signal_handler(signal.SIGUSR1)
        assert not loop.remove_signal_handler(signal.SIGUSR1)
        loop.add_signal_handler(signal.SIGUSR1, seen.append, "signal")

    loop.run_until_complete(main())
    assert signal.getsignal(signal.SIGUSR1) is not before
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is before


def test_functions_of_executors(loop: SimulatedLoop) -> None:
    """They are called in the thread of the test; an exception is that of the future."""

    def fails() -> None:
        raise ZeroDivisionError

    assert loop.run_until_complete(loop.run_in_executor(None, max, 1, 2)) == 2
    assert loop.run_until_complete(loop.run_in_executor(None, threading.get_ident)) == threading.get_ident()
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


def test_computing_takes_no_turn(loop: SimulatedLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a computation was, it yields in the same places: so a schedule repeats on any machine."""
    monkeypatch.setattr("ftpfixture.aio.TURN_TIME", 0)
    monkeypatch.setattr("ftpfixture.aio._LAST.over", 0)
    seen: list[str] = []

    async def computes() -> None:
        loop.call_soon(seen.append, "the others")
        assert computed() == 0
        await take_turns()
        assert seen == []

    loop.run_until_complete(computes())
