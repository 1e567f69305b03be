"""The lock that gives a control connection to one conversation at a time.

One rule: replies come in order and do not name their command, so a command and its replies, or a transfer and its
final reply, belong to one task from beginning to end.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["ConversationLock"]


class ConversationLock:
    """A reentrant lock: the task that holds it may acquire it again.

    Another task may release it: a transfer may begin in one task and finish in another.
    """

    def __init__(self) -> None:
        self._reset(None)

    def _reset(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None
        self._depth = 0

    async def acquire(self) -> None:
        """Wait until no other task holds the lock."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._reset(loop)  # the loop of the previous holder is closed
        if self._owner is not task or not self._depth:
            await self._lock.acquire()
            self._owner = task
        self._depth += 1

    def transfer(self) -> None:
        """Make the current task the one that holds the lock, in place of the one that acquired it."""
        self._owner = asyncio.current_task()

    def release(self) -> None:
        """Let other tasks continue, when it was released as often as it was acquired."""
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._lock.release()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
