"""Pauses of faults: by the clock of the server, and only while the client is connected."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from ftpfixture.clock import Clock

__all__ = ["Pauses"]

_JITTER = 0x5EED  # seed of the jitter, the same in every session


class Pauses:
    """The pauses of one session.

    Args:
        clock: Measures them.
        loop: The session's loop.

    Attributes:
        abandoned: Whether the client has left, or has sent QUIT: no pause waits any more.
    """

    __slots__ = ("_alarms", "_clock", "_loop", "_random", "abandoned")

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._random = random.Random(_JITTER)
        self._alarms: set[asyncio.Future[None]] = set()
        self.abandoned = False

    async def wait(self, seconds: float | None, jitter: float = 0) -> None:
        """Wait for `seconds` and up to `jitter` more, or without limit if None; `abandon` ends the wait.

        Raises:
            ConnectionAbortedError: A wait without limit was abandoned; the steps after it must not run.
        """
        if not self.abandoned:
            await self._rest(seconds, jitter)
        if seconds is None:
            raise ConnectionAbortedError("the client has left")

    async def _rest(self, seconds: float | None, jitter: float) -> None:
        alarm = self._loop.create_future()
        self._alarms.add(alarm)
        timer = None
        if seconds is not None:
            timer = self._clock.call_later(seconds + jitter * self._random.random(), partial(_wake, alarm))
        try:
            await alarm
        finally:
            self._alarms.discard(alarm)
            if timer is not None:
                timer.cancel()

    def abandon(self) -> None:
        """End all pauses, now and later: the client has left, or has sent QUIT."""
        self.abandoned = True
        for alarm in self._alarms:
            _wake(alarm)


def _wake(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)
