"""What a stream stands on: a socket, a compressed one, or a pair of asyncio streams.

One rule: octets go in order, both ways, until one side ends; everything else is for those who stand above.
"""

from __future__ import annotations

import ssl
from typing import Protocol

from ftpfixture.net.channel import TlsInfo

__all__ = ["Duplex"]


class Duplex(Protocol):
    """A connection, as streams see it."""

    peer: tuple[str, int]

    @property
    def closed(self) -> bool:
        """Whether it is closed on this side."""

    @property
    def tls(self) -> TlsInfo | None:
        """How it is encrypted."""

    async def receive(self, size: int) -> bytes:
        """The next octets, at most `size`; b"" at the end."""

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`; how many octets went."""

    async def encrypt(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Shake hands, as the client of TLS."""

    async def send_end(self) -> None:
        """Tell the other side that nothing more comes."""

    async def leave(self) -> None:
        """Close when the other side has received everything."""

    def close(self) -> None:
        """Close both directions."""

    def reset(self) -> None:
        """Close so that the other side sees an error."""
