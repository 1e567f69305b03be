"""A replacement for `asyncio.sleep` in retries: it records the delays and does not sleep."""

from __future__ import annotations

__all__ = ["Naps"]


class Naps:
    """Replaces the module asyncio where only `asyncio.sleep` is used.

    Attributes:
        seconds: The delay of each call.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, delay: float) -> None:
        """Record the delay."""
        self.seconds.append(delay)
