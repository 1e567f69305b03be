"""What a coroutine waits for: through tasks, groups, gather and wait, and on which connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ftpfixture.errors import HangError
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.time import VirtualTime
from ftpfixture.sim.waits import end_of, innermost
from tests.support.rows import check_rows


async def _leaf() -> None:
    await asyncio.get_running_loop().create_future()


async def _group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        group.create_task(_leaf())


async def _wait() -> None:
    (done,), _ = await asyncio.wait([asyncio.ensure_future(_leaf())])
    done.result()


async def _queue() -> None:
    await asyncio.Queue[int]().get()


async def _wait_for() -> None:
    await asyncio.wait_for(_leaf(), None)


async def _gather() -> None:
    await asyncio.gather(asyncio.sleep(0), asyncio.gather(_leaf()))


async def _task() -> None:
    await asyncio.create_task(_leaf())


ROWS: list[tuple[Callable[[], Awaitable[Any]], str, type[BaseException]]] = [
    (_leaf, "_leaf", HangError),
    (_task, "_leaf", HangError),
    (_gather, "_leaf", HangError),
    (_wait_for, "_leaf", HangError),
    (_wait, "_leaf", HangError),
    (_group, "_leaf", BaseExceptionGroup),
    (_queue, "get", HangError),
]


def test_where_the_error_is_raised() -> None:
    """In the innermost coroutine of ours, whatever is around it."""

    def check(row: tuple[Callable[[], Awaitable[Any]], str, type[BaseException]]) -> None:
        make, name, kind = row
        loop = SimulatedLoop(VirtualTime(), MemoryNetwork())
        with pytest.raises(kind) as found:
            loop.run_until_complete(make())
        error: BaseException = found.value
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        assert trace is not None
        assert trace.tb_frame.f_code.co_name == name

    check_rows(ROWS, check)


def test_connections() -> None:
    """The end is that of the transport which the innermost coroutine with one waits on."""
    loop = SimulatedLoop(VirtualTime(), MemoryNetwork())

    class Client:
        transport = SimpleNamespace(local=("127.0.0.1", 7, 0))

        async def reads(self) -> None:
            await _leaf()

    async def reads() -> None:
        await Client().reads()

    tasks = [loop.create_task(reads()), loop.create_task(_leaf())]
    loop.virtual.rest()
    assert [end_of(task) for task in tasks] == [("127.0.0.1", 7), None]
    assert innermost(tasks[0]) is not None
    for task in tasks:
        task.cancel()
    loop.virtual.rest()
    assert innermost(tasks[0]) is None
