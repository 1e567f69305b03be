"""Cancelling a call at each `await` that really waits, before or after it got what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

__all__ = ["Interrupted"]

T = TypeVar("T")


class Interrupted(Generic[T]):
    """Await it to run a call, whose task is cancelled when the call waits for the n-th time.

    Args:
        call: What to run.
        at: The number of the wait, from 0.
        late: Cancel after what is waited for has come, and before the call learns of it; else as soon as it waits.

    Attributes:
        reached: Whether the call waited that often; if not, it was not cancelled.
    """

    def __init__(self, call: Coroutine[Any, Any, T], at: int, *, late: bool) -> None:
        self.reached = False
        self._call = call
        self._at = at
        self._late = late

    def __await__(self) -> Generator[Any, None, T]:
        error: BaseException | None = None
        number = 0
        while True:
            try:
                waited = self._call.send(None) if error is None else self._call.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if number == self._at:
                self._interrupt(waited)
            number += 1
            error = None
            try:
                yield waited
            except BaseException as raised:
                error = raised

    def _interrupt(self, waited: asyncio.Future[object] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.reached = True
        if self._late and waited is not None:
            waited.add_done_callback(lambda _: task.cancel())  # before the task's own callback, so that it is too late
        else:
            task.cancel()
