"""Functions that a coroutine gives to an executor: they run in the thread of the test, and its loop goes on meanwhile.

One rule: a function that waits is on the stack below what runs meanwhile, and so may another function be. Therefore the
last that began is the first that goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftpfixture.sim.loop import SimulatedLoop

__all__ = ["Executor"]

_WORKERS = 8
"""Functions that may wait at the same time. The smallest default pool of Python has 5 threads."""


class Executor:
    """The executor of a simulated loop, whichever one its caller names.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._functions: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._running = 0

    def submit(self, function: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        """Call a function in one of the next turns, and give a future its result."""
        self._functions.append((function, future))
        self._loop.call_soon(self._work)

    def _work(self) -> None:
        if self._running == _WORKERS or not self._functions:
            return
        function, future = self._functions.popleft()
        if future.cancelled():
            self._work()
            return
        self._running += 1
        try:
            with self._loop.virtual.beside(self._loop):
                _settle(function, future)
        finally:
            self._running -= 1
            if self._functions and not self._loop.is_closed():
                self._loop.call_soon(self._work)


def _settle(function: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    """Call a function; its result, or its error, is that of the future, unless it was cancelled meanwhile."""
    try:
        result = function()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
