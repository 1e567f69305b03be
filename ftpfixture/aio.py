"""Small asyncio helpers: yielding to the loop, time limits, and objects to await or iterate.

One rule: nothing here knows FTP, so that every module may import it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import heapq
import sys
import threading
import types
from abc import ABC, abstractmethod
from asyncio import get_running_loop, wait_for
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
    "running_library",
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
    """Continue in the next iteration of the loop, after everything else that is ready.

    It works like ``asyncio.sleep(0)``, but tests patch that name, often with a mock that never yields to the loop, and
    a server in the same process must not be affected.
    """
    yield


async def pause(seconds: float) -> None:
    """Wait for `seconds` on the clock of the loop; a patch of `asyncio.sleep` has no effect on it."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    timer = loop.call_later(seconds, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def running_library() -> str:
    """Return which library runs an event loop in this thread: "asyncio", "trio", or "" for none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # trio tells sniffio, which it needs itself, that it runs.
        sniffio = sys.modules.get("sniffio")
        return getattr(sniffio.thread_local, "name", None) or "" if sniffio is not None else ""
    return "asyncio"


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
    """Limit the time of an async method: bare by ``self.timeout``, with a name by the attribute of that name.

    The attribute holds seconds and is read at each call; None means no limit. When the time is over, the method is
    cancelled and the call raises TimeoutError.
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
    """A future for one waiting task, which continues within `ring` and not one iteration of the loop later.

    asyncio wakes a task through the queue of the loop. For a command just read that is one more iteration with one more
    system call: a quarter of the time for a reply to NOOP. Call `ring` in plain callbacks of the loop, never in a task.
    """

    _resume: tuple[Callable[[Any], object], contextvars.Context | None] | None = None

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: contextvars.Context | None = None) -> None:
        """Store the callback of the waiting task; there can be one."""
        self._resume = (fn, context)

    def ring(self) -> None:
        """Continue the task now."""
        if not self.done():
            self.set_result(None)
            resume, self._resume = self._resume, None
            if resume is not None:
                fn, context = resume
                (context or contextvars.copy_context()).run(fn, self)

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the wait, as the cancellation of the task does; the task continues in the next iteration."""
        if not super().cancel(msg):
            return False
        resume, self._resume = self._resume, None
        if resume is not None:
            fn, context = resume
            self.get_loop().call_soon(fn, self, context=context)
        return True


# All servers of a process share one loop, so code that may take long yields to the loop regularly.

TURN_TIME = 0.005
"""Seconds of CPU time after which unfinished work yields to the loop."""

_SORTED_AT_ONCE = 1 << 14  # names; sorting them takes some milliseconds


class _Turn(threading.local):
    """CPU time of the thread at the end of the last yield to the loop."""

    over = 0.0


_LAST = _Turn()


async def take_turns() -> None:
    """Yield to the loop if this thread has computed for `TURN_TIME` since the last yield.

    Call it regularly in all work that a client can make long. It measures CPU time, so the load of the machine does not
    matter. One call takes a microsecond.
    """
    if computed() - _LAST.over > TURN_TIME:
        await next_turn()
        _LAST.over = thread_time()


def computed() -> float:
    """CPU time of this thread; 0 on a loop in virtual time, so that each run of a test takes the same turns."""
    return 0.0 if hasattr(get_running_loop(), "virtual") else thread_time()


async def in_order(names: Sequence[str], keep: Callable[[Sequence[str]], Sequence[str]]) -> Iterable[str]:
    """Select and sort any number of names, yielding to the loop in between.

    Args:
        names: In any order.
        keep: Returns the wanted ones of some names.

    Returns:
        The names; many names are merged while the caller iterates.
    """
    runs = []
    for start in range(0, len(names), _SORTED_AT_ONCE):
        runs.append(sorted(keep(names[start : start + _SORTED_AT_ONCE])))
        await take_turns()
    return runs[0] if len(runs) == 1 else heapq.merge(*runs)


class AsyncStreamIterator(Generic[T]):
    """Iterates over the results of an async function, until one is empty.

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
    """Makes an asynchronous iterable awaitable: `await` returns all its items in a list."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[T]:
        """Return the iterator; subclasses define it."""

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._collect().__await__()

    async def _collect(self) -> list[T]:
        return [item async for item in self]


class AbstractAsyncLister(AsyncListerMixin[T]):
    """An asynchronous iterator that can be awaited for a list of the remaining items.

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
    """A call that has not started: await it for its result, or use it in ``async with`` to enter its result.

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
    """Make a coroutine function that returns an async context manager usable with and without ``await``.

    ``await f()`` returns the result without entering it; ``async with f() as x`` enters it. The function starts only
    then.
    """

    @functools.wraps(f)
    def enterable(*args: P.args, **kwargs: P.kwargs) -> AsyncEnterable[R]:
        return AsyncEnterable(functools.partial(f, *args, **kwargs))

    return enterable
