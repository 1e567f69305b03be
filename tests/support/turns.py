"""How long the turns of event loops take: the CPU time of each callback, for tests that must not find a long one.

One rule: what counts is the CPU time of the loop's thread, so that a machine that does other things as well changes
nothing.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from typing import NamedTuple

__all__ = ["Turn", "Turns", "watched"]


class Turn(NamedTuple):
    """One callback that a loop called.

    Attributes:
        seconds: CPU time of it, without the garbage collector's.
        thread: Name of the loop's thread.
        callback: What was called.
    """

    seconds: float
    thread: str
    callback: str

    def __str__(self) -> str:
        return f"{1000 * self.seconds:.0f} ms of CPU in one turn of {self.thread}: {self.callback}"


class Turns:
    """The longest turns of all loops since it was made, or since `clear`.

    Args:
        limit: Seconds of CPU time; shorter turns are not kept.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.long: list[Turn] = []
        self._collecting = threading.local()

    def clear(self) -> None:
        """Forget what was seen."""
        self.long = []

    def of_servers(self) -> list[Turn]:
        """Those of the loop that all servers of this process share."""
        return [turn for turn in self.long if turn.thread == "ftpfixture"]

    def check(self) -> None:
        """Fail when the servers' loop was held up."""
        long = self.of_servers()
        if long:
            raise AssertionError("the loop of the servers was held up:\n" + "\n".join(map(str, long)))

    def collecting(self, phase: str, info: dict[str, int]) -> None:
        """Learn of the garbage collector: what it takes depends on the whole process, and not on the callback."""
        if phase == "start":
            self._collecting.since = thread_time()
        else:
            self._collecting.spent = self._collected() + thread_time() - self._collecting.since

    def _collected(self) -> float:
        spent: float = getattr(self._collecting, "spent", 0.0)
        return spent

    def run(self, handle: asyncio.Handle) -> None:
        """Do what the loop wants to do, and see how long it takes."""
        began, collected = thread_time(), self._collected()
        try:
            _RUN(handle)
        finally:
            spent = thread_time() - began
            if spent > self.limit and (spent := spent - self._collected() + collected) > self.limit:
                self.long.append(Turn(spent, threading.current_thread().name, repr(handle)))


_RUN = asyncio.Handle._run


@contextmanager
def watched(limit: float) -> Iterator[Turns]:
    """Watch all loops of this process while the context lasts."""
    turns = Turns(limit)

    def run(self: asyncio.Handle) -> None:
        turns.run(self)

    before = asyncio.Handle._run
    asyncio.Handle._run = run  # type: ignore[method-assign]
    gc.callbacks.append(turns.collecting)
    try:
        yield turns
    finally:
        gc.callbacks.remove(turns.collecting)
        asyncio.Handle._run = before  # type: ignore[method-assign]
