"""MODE Z: a data connection that carries one zlib stream each way.

One rule: received data is inflated piece by piece, never more than the caller requests, so that a small transfer cannot
fill the memory.

Source: draft-preston-ftpext-deflate, RFC 1950.
"""

from __future__ import annotations

import ssl
import zlib
from typing import Unpack

from ftpfixture.aio import TURN_TIME, computed, take_turns
from ftpfixture.net.transport import Duplex, TlsInfo, TlsOptions

__all__ = ["Deflated"]

_RECEIVE = 1 << 16
_LEAST, _MOST = 1 << 10, 1 << 18  # bytes deflated at once: for some texts zlib's best level takes a second for 400 KiB


class Deflated:
    """Deflates what is sent and inflates what is received.

    Args:
        inner: Carries the compressed bytes.
        level: 0 (none) to 9 (best); -1 for zlib's default.
        limit: Bytes that may be inflated from what is received; None for no limit.
    """

    def __init__(self, inner: Duplex, level: int = -1, limit: int | None = None) -> None:
        self._inner = inner
        self._deflate = zlib.compressobj(level)
        self._inflate = zlib.decompressobj()
        self._left = limit
        self._received = False
        self._ended = False
        self._kept_back = False
        self._at_once = 4 * _LEAST
        self.peer = inner.peer

    @property
    def closed(self) -> bool:
        """Whether it is closed on this side."""
        return self._inner.closed

    async def receive(self, size: int) -> bytes:
        """The next inflated bytes, at most `size`; b"" at the end.

        Raises:
            OverflowError: The inflated data exceed the limit.
            ConnectionError: The received bytes are no zlib stream, or end in the middle of one.
        """
        while True:
            await take_turns()  # little data that inflates to much must not block the loop
            if self._inflate.unconsumed_tail:
                piece = self._inflated(self._inflate.unconsumed_tail, size)
                if piece:
                    return piece
            data = await self._inner.receive(_RECEIVE)
            if not data:
                if self._received and not self._inflate.eof:
                    raise ConnectionAbortedError("the compressed data end in the middle of the zlib stream")
                return b""
            self._received = True
            piece = self._inflated(data, size)
            if piece:
                return piece

    def _inflated(self, data: bytes, size: int) -> bytes:
        if not data or self._inflate.eof:
            return b""
        try:
            piece = self._inflate.decompress(data, size)
        except zlib.error as error:
            raise ConnectionAbortedError(f"the data are no zlib stream, which MODE Z requires: {error}") from error
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise OverflowError("the inflated data exceed the limit")
        return piece

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, deflated.

        Returns:
            How many bytes of `data` were deflated.
        """
        await take_turns()  # zlib keeps most of the data for a while, so that the socket never has to wait
        piece = memoryview(data)[: self._at_once]
        self._kept_back = True
        await self._send_all(self._deflated(piece))
        return len(piece)

    def _deflated(self, piece: memoryview) -> bytes:
        began = computed()
        compressed = self._deflate.compress(piece)
        spent = computed() - began
        if spent > TURN_TIME / 2:
            self._at_once = max(_LEAST, self._at_once // 2)
        elif spent < TURN_TIME / 8:
            self._at_once = min(_MOST, self._at_once * 2)
        return compressed

    async def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[await self._inner.send(view) :]

    async def flush(self) -> None:
        """Send what zlib has kept back: the other side can then inflate all that was sent so far."""
        if self._kept_back:
            self._kept_back = False
            await self._send_all(self._deflate.flush(zlib.Z_SYNC_FLUSH))

    async def _finish(self) -> None:
        if not self._ended and not self._received:
            self._ended = True
            await self._send_all(self._deflate.flush())

    async def send_eof(self) -> None:
        """Send the end of the zlib stream, and then the end of the connection below."""
        await self._finish()
        await self._inner.send_eof()

    async def close_when_peer_closes(self) -> None:
        """Send the end of the zlib stream, and close when the other side has received everything."""
        await self._finish()
        await self._inner.close_when_peer_closes()

    # Delegated to the connection below.

    def close(self) -> None:
        """Close both directions."""
        self._inner.close()

    def close_after_flush(self) -> None:
        """Close after all that was sent, and discard unread bytes."""
        self._inner.close_after_flush()

    def reset(self) -> None:
        """Close with an error for the other side, not an end."""
        self._inner.reset()

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted, or will be after the TLS handshake."""
        return self._inner.is_tls

    @property
    def tls(self) -> TlsInfo | None:
        """How the connection is encrypted; None in clear text, and before the handshake has completed."""
        return self._inner.tls

    @property
    def offers_tickets(self) -> bool:
        """Whether this side is a TLS server that offers sessions to resume."""
        return self._inner.offers_tickets

    def start_tls(self, context: ssl.SSLContext, *, server_side: bool, **options: Unpack[TlsOptions]) -> None:
        """Begin a TLS handshake on the connection below."""
        self._inner.start_tls(context, server_side=server_side, **options)

    async def secured(self) -> None:
        """Wait until the TLS handshake has completed."""
        await self._inner.secured()

    def put_off_tls(self) -> None:
        """Undo `start_tls` if no byte of the handshake was read."""
        self._inner.put_off_tls()

    def cancel_tls(self) -> None:
        """Return to clear text if the other side has not begun the TLS handshake."""
        self._inner.cancel_tls()
