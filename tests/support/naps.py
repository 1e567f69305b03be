"""Waiting without time: what the client's retries sleep is noted, and nobody sleeps."""

from __future__ import annotations

__all__ = ["Naps"]


class Naps:
    """Takes the place of the module asyncio where nothing but `asyncio.sleep` is used.

    Attributes:
        seconds: How long each nap would have been.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, delay: float) -> None:
        """Sleep for no time at all."""
        self.seconds.append(delay)
