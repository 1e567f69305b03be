"""The loop of the servers of blocking code.

One rule: patches of a test and forks of the process do not change its time, its wake-up or its end.
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

    asyncio looks up `time.monotonic` in each iteration, which freezegun stops, and `socket.socket` when it makes a
    loop, which pytest-socket forbids.
    """

    def __init__(self) -> None:
        self._watched = DefaultSelector()
        self._abandoned = False
        super().__init__(self._watched)

    def time(self) -> float:
        """Return monotonic seconds, which continue when a test freezes time."""
        return monotonic()

    def _make_self_pipe(self) -> None:
        own: Any = self  # asyncio's attributes, which have no types
        own._ssock, own._csock = socket_pair()
        own._ssock.setblocking(False)
        own._csock.setblocking(False)
        own._internal_fds += 1
        own._add_reader(own._ssock.fileno(), own._read_from_self)

    # In a forked child, which does not have the thread of the loop.

    def abandon(self) -> None:
        """Abandon the loop of the parent in a child, without a change of the selector, which both share."""
        self._abandoned = True
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):  # a kqueue is not inherited
            self._watched.close()

    def is_closed(self) -> bool:
        """Return whether it will never run again in this process."""
        return self._abandoned or super().is_closed()

    def is_running(self) -> bool:
        """Return whether it runs in this process."""
        return not self._abandoned and super().is_running()
