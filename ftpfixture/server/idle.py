"""The idle timeout of a session."""

from __future__ import annotations

from collections.abc import Callable

from ftpfixture.clock import Timer
from ftpfixture.server.connection import Connection

__all__ = ["IdleTimer"]

_SOON = 0.0005  # seconds that a timer of the loop may be early


class IdleTimer:
    """Watches the `idle_timeout` of a connection, which may change at any time.

    A command does not restart the timer: when the one timer expires, it computes how much time is left.

    Args:
        connection: Has the `idle_timeout` and the clock.
        is_idle: Called when the timer expires: whether the session waits for the client.
        expired: Called with the text of the 421 when the client has sent no command for `idle_timeout` seconds.
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
        """Restart the time, because the session was active."""
        self._active_at = self._clock.monotonic()
        if self._timer is None and self._connection.idle_timeout is not None and not self._stopped:
            self._timer = self._clock.call_later(self._connection.idle_timeout, self._check)

    def _check(self) -> None:
        self._timer = None
        limit = self._connection.idle_timeout
        if limit is None or self._stopped:
            return
        left = self._active_at + limit - self._clock.monotonic() if self._is_idle() else limit
        if left > _SOON:
            self._timer = self._clock.call_later(left, self._check)
        else:
            self._expired(f"Idle timeout: no command for {limit:g} seconds")

    def stop(self) -> None:
        """Stop the timer."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
