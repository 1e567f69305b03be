"""Waiting on purpose: by the clock of a server, and no longer than the client does."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from ftpfixture.clock import Clock

__all__ = ["Pauses"]

_JITTER = 0x5EED  # of the random numbers that jitter is made of, the same in every session


class Pauses:
    """The pauses of one session.

    Args:
        clock: By which they are counted.
        loop: Of the session.

    Attributes:
        abandoned: Whether nothing needs to wait any more.
    """

    __slots__ = ("_alarms", "_clock", "_loop", "_random", "abandoned")

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._random = random.Random(_JITTER)
        self._alarms: set[asyncio.Future[None]] = set()
        self.abandoned = False

    async def wait(self, seconds: float | None, jitter: float = 0) -> None:
        """Wait so many seconds and up to `jitter` more, for ever with None; but no longer than the client does.

        Raises:
            ConnectionAbortedError: The client is gone, and what would come next never comes.
        """
        if not self.abandoned:
            await self._rest(seconds, jitter)
        if seconds is None:
            raise ConnectionAbortedError("the client is gone")

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
        """The client is gone, or wants to go: all pauses are over, and there will be none."""
        self.abandoned = True
        for alarm in self._alarms:
            _wake(alarm)


def _wake(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)
