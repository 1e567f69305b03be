"""The loop on which the servers of blocking code live.

One rule: its time, its waking up and its end are its own, whatever a test patches and wherever a process forks.
"""

from __future__ import annotations

import asyncio
import contextlib
from selectors import DefaultSelector
from typing import Any

from ftpfixture.net.sockets import socket_pair
from ftpfixture.untouched import monotonic

__all__ = ["ServerLoop"]


class ServerLoop(asyncio.SelectorEventLoop):
    """A selector loop that patches of `time`, `socket` and `select` do not reach.

    asyncio looks up `time.monotonic` at each turn, which freezegun lets stand still, and `socket.socket` when a loop is
    made, which pytest-socket forbids.
    """

    def __init__(self) -> None:
        self._watched = DefaultSelector()
        self._abandoned = False
        super().__init__(self._watched)

    def time(self) -> float:
        """Monotonic seconds, which go on when a test freezes time."""
        return monotonic()

    def _make_self_pipe(self) -> None:
        own: Any = self  # asyncio's attributes, which have no types
        own._ssock, own._csock = socket_pair()
        own._ssock.setblocking(False)
        own._csock.setblocking(False)
        own._internal_fds += 1
        own._add_reader(own._ssock.fileno(), own._read_from_self)

    # In a forked child, where the thread that runs it is not.

    def abandon(self) -> None:
        """Give up, in a child, the loop that its parent runs, whose selector must not learn of it: it is shared."""
        self._abandoned = True
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):  # a kqueue is not inherited
            self._watched.close()

    def is_closed(self) -> bool:
        """Whether it will never run again, here."""
        return self._abandoned or super().is_closed()

    def is_running(self) -> bool:
        """Whether it runs, here."""
        return not self._abandoned and super().is_running()
