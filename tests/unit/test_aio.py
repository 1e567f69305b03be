"""The asyncio helpers that path layers and clients share."""

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
        """Wait for ever."""
        await asyncio.Event().wait()

    @with_timeout("other")
    async def named(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    @with_timeout
    async def quick(self, first: int, *, second: int) -> int:
        """Add."""
        return first + second

    @with_timeout
    def future(self) -> asyncio.Future[int]:
        """A plain function that returns an awaitable."""
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
    """With a name the limit is that attribute, and `timeout` does not count."""
    slow = Slow()
    slow.timeout, slow.other = None, 0.001
    with pytest.raises(TimeoutError):
        await slow.named()


@pytest.mark.parametrize("timeout", [None, 5.0])
async def test_with_timeout_passes_arguments_and_result(timeout: float | None) -> None:
    """A call that is in time is as if nothing were around it; None is no limit."""
    slow = Slow()
    slow.timeout = timeout
    assert await slow.quick(1, second=2) == 3
    assert await slow.future() == 7


def test_with_timeout_keeps_the_metadata() -> None:
    """Name and docstring of the method stay."""
    assert (Slow.bare.__name__, Slow.named.__name__) == ("bare", "named")
    assert Slow.quick.__doc__ == "Add."


async def test_stream_iterator_ends_with_empty_data() -> None:
    """It gives what the function gives until that is empty."""
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
    """Both ways give the same items; what was iterated is not in the list any more."""
    assert await Countdown() == [3, 2, 1]
    assert [item async for item in Countdown()] == [3, 2, 1]
    half = Countdown(timeout=2)
    assert (await anext(half), await half, half.timeout) == (3, [2, 1], 2)


class Door:
    """A context manager that notes what is done to it, and can swallow ValueError."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def __aenter__(self) -> str:
        """Give something else than itself."""
        self.log.append("enter")
        return "inside"

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Swallow ValueError."""
        self.log.append(f"exit {error}")
        return kind is ValueError


async def test_async_enterable() -> None:
    """The call starts only when it is awaited, which enters nothing, or entered."""
    log: list[str] = []

    @async_enterable
    async def door(name: str) -> Door:
        """Make a door."""
        log.append(name)
        return Door(log)

    call = door("first")
    assert log == []
    assert isinstance(await call, Door)
    assert isinstance(await call, Door)
    assert log == ["first", "first"]
    del log[:]
    async with door("second") as inside:
        assert inside == "inside"
    async with door(name="third"):
        raise ValueError("oops")
    assert log == ["second", "enter", "exit None", "third", "enter", "exit oops"]
    assert (door.__name__, door.__doc__) == ("door", "Make a door.")


async def test_async_enterable_passes_errors_on() -> None:
    """What the context manager does not swallow comes out, and a call that fails enters nothing."""
    log: list[str] = []

    @async_enterable
    async def door(fail: bool) -> Door:
        if fail:
            raise OSError("no door")
        return Door(log)

    with pytest.raises(KeyError):
        async with door(False):
            raise KeyError
    with pytest.raises(OSError, match="no door"):
        async with door(True):
            pass
    with pytest.raises(OSError, match="no door"):
        await door(True)
    assert log == ["enter", "exit "]


async def test_async_enterable_left_without_entering() -> None:
    """Leaving what was not entered is a mistake that is told."""

    @async_enterable
    async def door() -> Door:
        return Door([])

    with pytest.raises(AssertionError, match="before it was entered"):
        await door().__aexit__(None, None, None)


async def test_a_doorbell_lets_the_task_go_on_within_the_ring() -> None:
    """A plain callback that rings finds the waiting task's next step done when the ring returns."""
    loop, bell, told = asyncio.get_running_loop(), Doorbell(), [""]

    async def wait() -> str:
        await bell
        told.append("went on")
        task = asyncio.current_task()
        return task.get_name() if task is not None else ""

    def ring() -> None:
        bell.ring()
        bell.ring()
        told.append("rung")

    task = asyncio.create_task(wait(), name="waits")
    loop.call_soon(ring)

    assert await task == "waits"
    assert told == ["", "went on", "rung"]


async def test_a_task_that_waits_for_a_doorbell_can_be_cancelled() -> None:
    """Cancelling the task ends the wait, and a ring that comes too late does nothing."""
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


async def test_a_doorbell_that_was_rung_before_does_not_hold_up() -> None:
    """A ring that nobody waited for is remembered, as with any future."""
    bell = Doorbell()
    bell.ring()
    await bell


async def test_next_turn_lets_the_others_go_first_whatever_sleep_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due runs before the caller goes on, and a test that patches `asyncio.sleep` changes nothing."""
    seen: list[str] = []
    monkeypatch.setattr(asyncio, "sleep", AsyncMock())
    asyncio.get_running_loop().call_soon(seen.append, "the others")

    await next_turn()

    seen.append("the caller")
    assert seen == ["the others", "the caller"]


async def test_turns_are_given_away_when_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has computed for long lets the others go first; whoever has not goes on at once."""
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


async def test_any_number_of_names_is_sorted() -> None:
    """Also so many that they are sorted in several runs, and only those that are wanted."""
    names = [f"{number:x}" for number in range(40_000)]
    assert list(await in_order(names, lambda some: some)) == sorted(names)
    assert list(await in_order(names, lambda some: [name for name in some if name < "2"])) == sorted(
        name for name in names if name < "2"
    )
    assert list(await in_order([], lambda some: some)) == []
