"""Speed limits: waiting so that a flow of bytes keeps to a rate."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ftpfixture.aio import pause

__all__ = ["StreamThrottle", "Throttle"]

_LATE = 0.04  # seconds by which a wait may be late without slowing the flow


class Throttle:
    """A limit on bytes per second, shared by everything that is charged to it.

    Unused time gives no credit: a flow never runs faster than its limit, not even after a pause. Only the delay of a
    wait that ends late, because the loop was busy, is made up for, up to 0.04 s. So no second carries more than 109 %
    of the limit, and none carries less than the limit while the loop is not later than that.

    Args:
        limit: Bytes per second; None, zero or less for no limit. May be assigned at any time and acts at once.
        reset_rate: Seconds; only the extension API needs it. The throttle keeps no history beyond its last bytes, so
            there is nothing to reset.
    """

    __slots__ = ("_free_at", "_late", "_limit", "reset_rate")

    def __init__(self, *, limit: float | None = None, reset_rate: float = 10) -> None:
        self.reset_rate = reset_rate
        self._late = 0.0
        self.limit = limit

    @property
    def limit(self) -> float | None:
        """Bytes per second; None for no limit."""
        return self._limit

    @limit.setter
    def limit(self, value: float | None) -> None:
        self._limit = value if value is not None and value > 0 else None
        self._free_at = 0.0

    def append(self, data: bytes | memoryview, start: float) -> None:
        """Charge `data`, whose transfer began at `start` by the loop's clock."""
        limit = self._limit
        if limit is not None:
            self._free_at = max(self._free_at, start - self._late) + len(data) / limit
            self._late = 0.0
            if self._limit != limit:
                self._free_at = 0.0  # another thread has changed the limit meanwhile, which voids the charge

    async def wait(self) -> None:
        """Wait until the limit allows bytes beyond those charged; a change of the limit acts at once."""
        loop = asyncio.get_running_loop()
        self._late = 0.0
        # Short sleeps, because a change of the limit wakes no waiter.
        while self._limit is not None and (delay := self._free_at - loop.time()) > 0:
            await pause(min(delay, 0.1))
            self._late = min(max(0.0, loop.time() - self._free_at), _LATE)

    def portion(self, size: int) -> int:
        """How many of `size` bytes to move at once so that the flow stays smooth: at most 50 ms of the limit."""
        limit = self._limit
        return size if limit is None else max(1, min(size, int(limit / 20)))

    def clone(self) -> Throttle:
        """A copy with the same settings, to which nothing is charged."""
        return Throttle(limit=self._limit, reset_rate=self.reset_rate)

    def __repr__(self) -> str:
        return f"Throttle(limit={self._limit}, reset_rate={self.reset_rate})"


class StreamThrottle(NamedTuple):
    """Two throttles for the two directions; "read" is what the server receives."""

    read: Throttle
    write: Throttle

    def clone(self) -> StreamThrottle:
        """A copy with the same settings, to which nothing is charged."""
        return StreamThrottle(self.read.clone(), self.write.clone())

    @classmethod
    def from_limits(
        cls, read_speed_limit: float | None = None, write_speed_limit: float | None = None
    ) -> StreamThrottle:
        """Two new throttles with these limits, in bytes per second."""
        return cls(Throttle(limit=read_speed_limit), Throttle(limit=write_speed_limit))
