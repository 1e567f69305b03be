"""Whose turn it is to talk: one conversation on a control connection at a time.

One rule: replies come in order and name no command, so a command and its replies, or a transfer and its final reply,
belong to one task from beginning to end.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Turns"]


class Turns:
    """A lock that the task which holds it may take again.

    Whoever gives it back need not be the task that took it: a transfer may be begun in one and finished in another.
    """

    def __init__(self) -> None:
        self._begin_anew(None)

    def _begin_anew(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None
        self._depth = 0

    async def take(self) -> None:
        """Wait until nobody else talks."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_anew(loop)  # whoever had the turn in a loop before this one, that is over
        if self._owner is not task or not self._depth:
            await self._lock.acquire()
            self._owner = task
        self._depth += 1

    def adopt(self) -> None:
        """Make the current task the one that talks, in place of the one that took the turn."""
        self._owner = asyncio.current_task()

    def give(self) -> None:
        """Let others talk, when it was given as often as it was taken."""
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._lock.release()

    async def __aenter__(self) -> None:
        await self.take()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()
