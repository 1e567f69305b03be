"""Where the code of the client is at each command: what a server in the same process can see.

One rule: a place is a whole stack, without the frames of this package and of pytest: the same place is the same line,
called by the same lines. It is known where the server runs in the thread of its client, in simulated time: with real
connections the client may have gone on when the server reads its command.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from ftpfixture.log.events import CommandReceived, Connected, Event

__all__ = ["CallSites"]

_PACKAGE = str(Path(__file__).parents[1])
_OUTSIDE = ("/_pytest/", "/pluggy/", "/pytest/", "/xdist/", "/execnet/", "/pytest_asyncio/")
_LOOPS = frozenset({"run_forever", "run_until_complete"})


class CallSites:
    """Takes down where the client is when the server receives a command.

    Args:
        thread: Identity of the thread in which the test runs; None for that of the caller.

    Attributes:
        found: The places, by the number of the event.
    """

    def __init__(self, thread: int | None = None) -> None:
        self._thread = threading.get_ident() if thread is None else thread
        self.found: dict[int, tuple[str, ...]] = {}

    def __call__(self, event: Event) -> None:
        """Take down the place of an event of a server."""
        if isinstance(event, CommandReceived | Connected):
            frame = sys._current_frames().get(self._thread)
            self.found[event.seq] = tuple(_lines(frame))


def _lines(frame: FrameType | None) -> Iterator[str]:
    """The lines of a stack, the innermost first; in the place of an event loop those at which its tasks wait."""
    while frame is not None:
        name = frame.f_code.co_filename
        if frame.f_code.co_name in _LOOPS and isinstance(loop := frame.f_locals.get("self"), asyncio.AbstractEventLoop):
            yield from _waiting(loop)
        elif not name.startswith((_PACKAGE, "<")) and not any(part in name for part in _OUTSIDE):
            yield f"{name}:{frame.f_lineno}"
        frame = frame.f_back


def _waiting(loop: asyncio.AbstractEventLoop) -> list[str]:
    """The lines at which the tasks of a loop wait, each task as one text."""
    return sorted(" < ".join(_chain(task.get_coro())) for task in asyncio.all_tasks(loop))


def _chain(coroutine: Any) -> Iterator[str]:
    """The lines of a coroutine and of those that it awaits."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            yield f"{frame.f_code.co_filename}:{frame.f_lineno}"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
