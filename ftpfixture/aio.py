"""Small asyncio helpers: a turn for the others, time limits, and objects to await or iterate.

One rule: nothing here knows FTP, so everything of ours may import it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import heapq
import threading
import types
from abc import ABC, abstractmethod
from asyncio import wait_for
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from time import thread_time
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

__all__ = [
    "AbstractAsyncLister",
    "AsyncEnterable",
    "AsyncListerMixin",
    "AsyncStreamIterator",
    "Doorbell",
    "async_enterable",
    "in_order",
    "next_turn",
    "pause",
    "take_turns",
    "with_timeout",
]

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Limited = Callable[Concatenate[S, P], Coroutine[Any, Any, R]]


@types.coroutine
def next_turn() -> Generator[None, None, None]:
    """Await this to go on in the loop's next turn, after everything else that is due.

    It does what ``asyncio.sleep(0)`` does. It is our own because tests patch that name, often with a mock that never
    gives up the loop, and a server in the same process must not notice.
    """
    yield


async def pause(seconds: float) -> None:
    """Go on when `seconds` have gone by on the loop's own clock; a patch of `asyncio.sleep` changes nothing."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    timer = loop.call_later(seconds, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@overload
def with_timeout(name: Callable[Concatenate[S, P], Awaitable[R]]) -> Limited[S, P, R]: ...


@overload
def with_timeout(
    name: str,
) -> Callable[[Callable[Concatenate[S, P], Awaitable[R]]], Limited[S, P, R]]: ...


def with_timeout(name: Any) -> Any:
    """Limit how long an async method may take: bare by ``self.timeout``, with a name by that attribute.

    The attribute holds seconds and is read at each call; None means no limit. The call raises TimeoutError when the
    time is over, after the method was cancelled.
    """
    if not isinstance(name, str):
        return _limited(name, "timeout")
    return functools.partial(_limited, name=name)


def _limited(method: Callable[..., Awaitable[R]], name: str) -> Callable[..., Coroutine[Any, Any, R]]:
    @functools.wraps(method)
    async def limited(self: Any, *args: Any, **kwargs: Any) -> R:
        timeout = getattr(self, name)
        if timeout is None:
            return await method(self, *args, **kwargs)
        return await wait_for(method(self, *args, **kwargs), timeout)

    return limited


class Doorbell(asyncio.Future[None]):
    """A future for one waiting task, which goes on within `ring` and not one turn of the loop later.

    asyncio wakes a task by way of the loop's queue. For a command just read that is another turn, with one more
    system call: a quarter of what it costs to answer NOOP. Ring it in plain callbacks of the loop, never in a task.
    """

    _resume: tuple[Callable[[Any], object], contextvars.Context | None] | None = None

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: contextvars.Context | None = None) -> None:
        """Remember the task that waits; there can be one."""
        self._resume = (fn, context)

    def ring(self) -> None:
        """Let the task go on, now."""
        if not self.done():
            self.set_result(None)
            resume, self._resume = self._resume, None
            if resume is not None:
                fn, context = resume
                (context or contextvars.copy_context()).run(fn, self)

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the wait, as the task's own cancellation does; it learns of that in the loop's next turn."""
        if not super().cancel(msg):
            return False
        resume, self._resume = self._resume, None
        if resume is not None:
            fn, context = resume
            self.get_loop().call_soon(fn, self, context=context)
        return True


# All servers of a process share one loop: whatever may take long lets the others have their turn now and then.

TURN_TIME = 0.005
"""Seconds of CPU time after which work that is not done yet lets everything else on its loop go first."""

_SORTED_AT_ONCE = 1 << 14  # names, which takes some milliseconds


class _Turn(threading.local):
    """When the last turn that somebody gave away was over, in CPU time of the thread."""

    over = 0.0


_LAST = _Turn()


async def take_turns() -> None:
    """Let everything else on the loop have its turn, if this thread has computed for `TURN_TIME` since the last one.

    Call it now and then in all work whose length a client decides. CPU time counts, so that on a machine that is busy
    with other things nothing changes. One call takes a microsecond.
    """
    if thread_time() - _LAST.over > TURN_TIME:
        await next_turn()
        _LAST.over = thread_time()


async def in_order(names: Sequence[str], keep: Callable[[Sequence[str]], Sequence[str]]) -> Iterable[str]:
    """Choose and sort any number of names, with turns for others between.

    Args:
        names: In any order.
        keep: Gives those of some names that are wanted.

    Returns:
        The names; where there are many, the last of the work is done while they are read.
    """
    runs = []
    for start in range(0, len(names), _SORTED_AT_ONCE):
        runs.append(sorted(keep(names[start : start + _SORTED_AT_ONCE])))
        await take_turns()
    return runs[0] if len(runs) == 1 else heapq.merge(*runs)


class AsyncStreamIterator(Generic[T]):
    """Iterates over what an async function gives, until it gives something empty.

    Args:
        read: Called without arguments for each item.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        item = await self._read()
        if not item:
            raise StopAsyncIteration
        return item


class AsyncListerMixin(ABC, Generic[T]):
    """Lets an asynchronous iterable be awaited, too: that gives all its items in a list."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[T]:
        """Return the iterator; subclasses say over what."""

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._collect().__await__()

    async def _collect(self) -> list[T]:
        return [item async for item in self]


class AbstractAsyncLister(AsyncListerMixin[T]):
    """An asynchronous iterator that can be awaited for a list of all that is left.

    Args:
        timeout: Seconds that one item may take, for an ``__anext__`` under `with_timeout`; None for no limit.
    """

    def __init__(self, *, timeout: float | None = None) -> None:
        self.timeout = timeout

    def __aiter__(self) -> Self:
        return self

    @abstractmethod
    async def __anext__(self) -> T:
        """Return the next item, or raise StopAsyncIteration."""


class _Manager(Protocol[T_co]):
    async def __aenter__(self) -> T_co: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


class AsyncEnterable(Generic[T_co]):
    """A call that has not begun: await it for its result, or enter it to enter its result.

    Args:
        call: Runs the call; once for each await or enter.
    """

    def __init__(self, call: Callable[[], Coroutine[Any, Any, T_co]]) -> None:
        self._call = call
        self._manager: _Manager[Any] | None = None

    def __await__(self) -> Generator[Any, None, T_co]:
        return self._call().__await__()

    async def __aenter__(self: AsyncEnterable[_Manager[T]]) -> T:
        manager = await self._call()
        entered = await manager.__aenter__()
        self._manager = manager
        return entered

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        manager, self._manager = self._manager, None
        assert manager is not None, "left before it was entered"
        return await manager.__aexit__(kind, error, trace)


def async_enterable(f: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, AsyncEnterable[R]]:
    """Make a coroutine function, whose result is an async context manager, usable with and without ``await``.

    ``await f()`` gives the result, which is not entered; ``async with f() as x`` enters it. The function starts only
    then.
    """

    @functools.wraps(f)
    def enterable(*args: P.args, **kwargs: P.kwargs) -> AsyncEnterable[R]:
        return AsyncEnterable(functools.partial(f, *args, **kwargs))

    return enterable
