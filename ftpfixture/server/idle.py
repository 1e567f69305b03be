"""How long a client has said nothing."""

from __future__ import annotations

from collections.abc import Callable

from ftpfixture.clock import Timer
from ftpfixture.server.connection import Connection

__all__ = ["IdleTimer"]

_SOON = 0.0005  # seconds that a timer of the loop may be early


class IdleTimer:
    """Watches the `idle_timeout` of a connection, which may change at any time.

    There is one timer at most, and none is set anew for each command: it looks when it is due how much is left.

    Args:
        connection: Whose `idle_timeout`, and by whose clock.
        is_idle: Asked when the time seems to be over: whether it is the client's turn to say something.
        expired: Called with a sentence that says so when the client has said nothing for so long.
    """

    def __init__(self, connection: Connection, is_idle: Callable[[], bool], expired: Callable[[str], None]) -> None:
        self._clock = connection.clock
        self._connection = connection
        self._is_idle = is_idle
        self._expired = expired
        self._timer: Timer | None = None
        self._active_at = 0.0
        self._stopped = False

    def touch(self) -> None:
        """Something happened: the time begins anew."""
        self._active_at = self._clock.monotonic()
        if self._timer is None and self._connection.idle_timeout is not None and not self._stopped:
            self._timer = self._clock.call_later(self._connection.idle_timeout, self._look)

    def _look(self) -> None:
        self._timer = None
        limit = self._connection.idle_timeout
        if limit is None or self._stopped:
            return
        left = self._active_at + limit - self._clock.monotonic() if self._is_idle() else limit
        if left > _SOON:
            self._timer = self._clock.call_later(left, self._look)
        else:
            self._expired(f"Timeout: nothing was said for {limit:g} seconds")

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
