"""Methods of event loops that a simulated loop has not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from ftpfixture.errors import SimulationError
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.refused import REFUSED
from ftpfixture.sim.time import VirtualTime
from tests.support.rows import check_rows


def _public(owner: type) -> set[str]:
    return {name for name, value in vars(owner).items() if not name.startswith("_") and isinstance(value, Callable)}  # type: ignore[arg-type]


INHERITED = {
    *("call_exception_handler", "create_future", "create_task", "default_exception_handler", "get_debug"),
    *("get_exception_handler", "get_task_factory", "getnameinfo", "is_closed", "set_debug", "set_default_executor"),
    *("set_exception_handler", "set_task_factory", "remove_reader", "remove_writer"),
}
"""Methods of `asyncio.BaseEventLoop`, or without an effect, that need no descriptor."""


def test_each_method_works_or_is_refused() -> None:
    """Every method of AbstractEventLoop is in one of three tables: ours, asyncio's or the refused."""
    ours = _public(SimulatedLoop)
    assert _public(asyncio.AbstractEventLoop) <= ours | INHERITED | REFUSED.keys()
    assert not ours & REFUSED.keys()


def test_refusals() -> None:
    """Each names the method and says what to do, at the call."""
    loop = SimulatedLoop(VirtualTime(), MemoryNetwork())

    def check(name: str) -> None:
        with pytest.raises(SimulationError, match=rf"{name} cannot be simulated: .*; use simulate=False") as refused:
            getattr(loop, name)(Mock(), Mock())
        assert REFUSED[name] in str(refused.value)

    check_rows(list(REFUSED), check)
    assert not loop.remove_reader(1)
    assert not loop.remove_writer(1)


@pytest.mark.parametrize("start", [asyncio.create_subprocess_exec, asyncio.create_subprocess_shell])
def test_processes(start: Callable[..., object]) -> None:
    """The functions of asyncio are refused by their names."""
    loop = SimulatedLoop(VirtualTime(), MemoryNetwork())

    async def main() -> None:
        await start("true")  # type: ignore[misc]

    with pytest.raises(SimulationError, match=r"asyncio\.create_subprocess_(exec|shell) cannot be simulated"):
        loop.run_until_complete(main())


def test_names_of_hosts() -> None:
    """`getnameinfo` is asyncio's, in an executor."""
    loop = SimulatedLoop(VirtualTime(), MemoryNetwork())
    assert loop.run_until_complete(loop.getnameinfo(("127.0.0.1", 21), 1 | 2)) == ("127.0.0.1", "21")
