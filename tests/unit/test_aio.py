"""The asyncio helpers of path layers and clients."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from unittest.mock import AsyncMock

import pytest

from ftpfixture import aio
from ftpfixture.aio import (
    AbstractAsyncLister,
    AsyncStreamIterator,
    Doorbell,
    async_enterable,
    in_order,
    next_turn,
    take_turns,
    with_timeout,
)


class Slow:
    """Methods that never end, under three kinds of limit."""

    timeout: float | None = None
    other: float | None = None

    @with_timeout
    async def bare(self) -> None:
        """Wait forever."""
        await asyncio.Event().wait()

    @with_timeout("other")
    async def named(self) -> None:
        """Wait forever."""
        await asyncio.Event().wait()

    @with_timeout
    async def quick(self, first: int, *, second: int) -> int:
        """Add."""
        return first + second

    @with_timeout
    def future(self) -> asyncio.Future[int]:
        """Return an awaitable from a plain function."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.set_result(7)
        return future


async def test_with_timeout_bare() -> None:
    """Without a name the limit is `self.timeout`, read at each call."""
    slow = Slow()
    slow.timeout = 0.001
    with pytest.raises(asyncio.TimeoutError):
        await slow.bare()


async def test_with_timeout_named() -> None:
    """With a name the limit is that attribute, and `timeout` is ignored."""
    slow = Slow()
    slow.timeout, slow.other = None, 0.001
    with pytest.raises(TimeoutError):
        await slow.named()


@pytest.mark.parametrize("timeout", [None, 5.0])
async def test_with_timeout_passes_arguments_and_result(timeout: float | None) -> None:
    """A call within the limit passes arguments and result; None is no limit."""
    slow = Slow()
    slow.timeout = timeout
    assert await slow.quick(1, second=2) == 3
    assert await slow.future() == 7


def test_with_timeout_keeps_the_metadata() -> None:
    """Name and docstring of the method are kept."""
    assert (Slow.bare.__name__, Slow.named.__name__) == ("bare", "named")
    assert Slow.quick.__doc__ == "Add."


async def test_stream_iterator_ends_with_empty_data() -> None:
    """The iterator returns results of the function until one is empty."""
    pieces = [b"a", b"b", b"", b"never"]

    async def read() -> bytes:
        return pieces.pop(0)

    assert [piece async for piece in AsyncStreamIterator(read)] == [b"a", b"b"]
    assert pieces == [b"never"]


class Countdown(AbstractAsyncLister[int]):
    """Lists the numbers from 3 down to 1."""

    left = 3

    async def __anext__(self) -> int:
        """Return the next."""
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left + 1


async def test_lister_is_awaited_and_iterated() -> None:
    """Both ways return the same items; items that were iterated are not in the list."""
    assert await Countdown() == [3, 2, 1]
    assert [item async for item in Countdown()] == [3, 2, 1]
    half = Countdown(timeout=2)
    assert (await anext(half), await half, half.timeout) == (3, [2, 1], 2)


class Manager:
    """A context manager that records its calls, and suppresses ValueError."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def __aenter__(self) -> str:
        """Return another object than itself."""
        self.log.append("enter")
        return "inside"

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Suppress ValueError."""
        self.log.append(f"exit {error}")
        return kind is ValueError


async def test_async_enterable() -> None:
    """The call starts when it is awaited or entered; await does not enter the result."""
    log: list[str] = []

    @async_enterable
    async def manager(name: str) -> Manager:
        """Make a manager."""
        log.append(name)
        return Manager(log)

    call = manager("first")
    assert log == []
    assert isinstance(await call, Manager)
    assert isinstance(await call, Manager)
    assert log == ["first", "first"]
    del log[:]
    async with manager("second") as inside:
        assert inside == "inside"
    async with manager(name="third"):
        raise ValueError("oops")
    assert log == ["second", "enter", "exit None", "third", "enter", "exit oops"]
    assert (manager.__name__, manager.__doc__) == ("manager", "Make a manager.")


async def test_async_enterable_passes_errors() -> None:
    """Errors that the context manager does not suppress are raised, and a call that fails enters nothing."""
    log: list[str] = []

    @async_enterable
    async def manager(fail: bool) -> Manager:
        if fail:
            raise OSError("no manager")
        return Manager(log)

    with pytest.raises(KeyError):
        async with manager(False):
            raise KeyError
    with pytest.raises(OSError, match="no manager"):
        async with manager(True):
            pass
    with pytest.raises(OSError, match="no manager"):
        await manager(True)
    assert log == ["enter", "exit "]


async def test_async_enterable_left_without_entering() -> None:
    """Leaving a context that was not entered raises AssertionError."""

    @async_enterable
    async def manager() -> Manager:
        return Manager([])

    with pytest.raises(AssertionError, match="before it was entered"):
        await manager().__aexit__(None, None, None)


async def test_a_doorbell_continues_the_task_within_the_ring() -> None:
    """In a plain callback, the next step of the waiting task is done when `ring` returns."""
    loop, bell, steps = asyncio.get_running_loop(), Doorbell(), [""]

    async def wait() -> str:
        await bell
        steps.append("continued")
        task = asyncio.current_task()
        return task.get_name() if task is not None else ""

    def ring() -> None:
        bell.ring()
        bell.ring()
        steps.append("rung")

    task = asyncio.create_task(wait(), name="waits")
    loop.call_soon(ring)

    assert await task == "waits"
    assert steps == ["", "continued", "rung"]


async def test_a_task_that_waits_for_a_doorbell_can_be_cancelled() -> None:
    """Cancelling the task ends the wait, and a later `ring` has no effect."""
    bell = Doorbell()

    async def wait() -> None:
        await bell

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    bell.ring()
    assert bell.cancelled()
    assert not bell.cancel()


async def test_a_doorbell_that_was_rung_before_does_not_wait() -> None:
    """A `ring` without a waiting task is stored, as with any future."""
    bell = Doorbell()
    bell.ring()
    await bell


async def test_next_turn_yields_to_ready_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready callbacks run before the caller continues, and a patch of `asyncio.sleep` changes nothing."""
    seen: list[str] = []
    monkeypatch.setattr(asyncio, "sleep", AsyncMock())
    asyncio.get_running_loop().call_soon(seen.append, "the others")

    await next_turn()

    seen.append("the caller")
    assert seen == ["the others", "the caller"]


async def test_take_turns_yields_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long computation the caller yields to others; after a short one it continues at once."""
    seen: list[str] = []
    await take_turns()
    monkeypatch.setattr(aio, "TURN_TIME", 60)
    asyncio.get_running_loop().call_soon(seen.append, "the others")
    await take_turns()
    assert seen == []

    monkeypatch.setattr(aio, "TURN_TIME", 0.001)
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        pass
    await take_turns()
    assert seen == ["the others"]


async def test_names_are_sorted_in_several_runs() -> None:
    """Names beyond one run are sorted as a whole, and only the wanted ones are returned."""
    names = [f"{number:x}" for number in range(40_000)]
    assert list(await in_order(names, lambda some: some)) == sorted(names)
    assert list(await in_order(names, lambda some: [name for name in some if name < "2"])) == sorted(
        name for name in names if name < "2"
    )
    assert list(await in_order([], lambda some: some)) == []
