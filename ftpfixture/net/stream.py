"""A data connection as handlers see it: read, write, lines and blocks over a channel, throttled where limited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Protocol, Self

from ftpfixture.net.channel import Channel
from ftpfixture.net.throttle import StreamThrottle, Throttle

__all__ = ["DEFAULT_BLOCK_SIZE", "DataTap", "Stream"]

DEFAULT_BLOCK_SIZE = 1 << 20  # the fastest slice for memory to socket; 8 KiB halves the rate
_FIRST_READ = 1 << 16  # small files stay small; the size doubles while reads come back full


class DataTap(Protocol):
    """What listens to a stream: it is told of every piece, after it went over the wire."""

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        """Tell what the stream is used for; without it, the first piece tells the direction."""

    def moved(self, direction: str, piece: bytes | memoryview) -> None:
        """`piece` went; it will not change any more."""

    def closed(self, completed: bool, error: str) -> None:
        """The stream is closed."""


class Stream:
    """A data connection.

    Entering it as an async context manager gives itself, leaving it closes it. Whoever takes it out of
    ``connection.data_connection`` owns it.

    Args:
        channel: The connected socket.
        throttles: Name to throttle pair; looked at for each piece, so limits may change at any time.
    """

    def __init__(self, channel: Channel, throttles: Mapping[str, StreamThrottle] | None = None) -> None:
        self.channel = channel
        self.throttles: Mapping[str, StreamThrottle] = throttles if throttles is not None else {}
        self.tap: DataTap | None = None
        self.octets = 0
        self.completed = False
        self.error = ""
        self._buffer = bytearray()
        self._size = _FIRST_READ
        self._closed = False

    # Receiving.

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """The next piece as it arrives, at most `limit` octets; b"" at the end.

        Raises:
            OSError: The connection broke or timed out.
        """
        if self._buffer:
            piece = bytes(self._buffer[:limit])
            del self._buffer[:limit]
            return piece
        size = min(self._size, limit)
        throttles = [pair.read for pair in self.throttles.values() if pair.read.limit is not None]
        if throttles:
            size = await _turn(throttles, size)
        piece = await self.channel.receive(size)
        if throttles:
            _charge(throttles, piece)
        if len(piece) == self._size < DEFAULT_BLOCK_SIZE:
            self._size *= 2
        if not piece:
            self.completed = True
        else:
            self._moved("upload", piece)
        return piece

    async def read(self, count: int = -1) -> bytes:
        """At most `count` octets as they arrive, or everything to the end when `count` is negative."""
        if count >= 0:
            return await self.receive(count) if count else b""
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    async def readexactly(self, count: int) -> bytes:
        """Exactly `count` octets.

        Raises:
            asyncio.IncompleteReadError: The end came first; `partial` holds what there was.
        """
        data = await self._read_block(count)
        if len(data) < count:
            raise asyncio.IncompleteReadError(data, count)
        return data

    async def readline(self) -> bytes:
        """The next line with its line feed; the last one may lack it; b"" at the end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not await self._fill():
                end = len(self._buffer) - 1
                break
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    async def iter_by_line(self) -> AsyncIterator[bytes]:
        """Lines to the end."""
        while line := await self.readline():
            yield line

    async def iter_by_block(self, count: int = DEFAULT_BLOCK_SIZE) -> AsyncIterator[bytes]:
        """Blocks of exactly `count` octets, but for the last."""
        while block := await self._read_block(count):
            yield block

    async def _read_block(self, count: int) -> bytes:
        while len(self._buffer) < count and await self._fill():
            pass
        block = bytes(self._buffer[:count])
        del self._buffer[:count]
        return block

    async def _fill(self) -> bool:
        held, self._buffer = self._buffer, bytearray()
        try:
            piece = await self.receive()
        finally:
            self._buffer = held
        self._buffer += piece
        return bool(piece)

    # Sending.

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`.

        Raises:
            OSError: The connection broke or timed out.
        """
        view = memoryview(data if isinstance(data, bytes | memoryview) else bytes(data))
        while view:
            throttles = [pair.write for pair in self.throttles.values() if pair.write.limit is not None]
            piece = view[: await _turn(throttles, len(view))] if throttles else view
            sent = view[: await self.channel.send(piece)]
            if throttles:
                _charge(throttles, sent)
            self._moved("download", sent)
            view = view[len(sent) :]

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        """Tell the log what the stream is used for, before the first octet."""
        if self.tap is not None:
            self.tap.describe(direction, path, offset, transfer_type)

    def _moved(self, direction: str, piece: bytes | memoryview) -> None:
        self.octets += len(piece)
        if self.tap is not None:
            self.tap.moved(direction, piece)

    # The end.

    def close(self) -> None:
        """Close the connection; what was sent is still delivered."""
        if not self._closed:
            self._closed = True  # the channel may have been reset by somebody before
            self.channel.close()
            if self.tap is not None:
                self.tap.closed(self.completed, self.error)

    async def finish(self) -> None:
        """Close the connection, everything sent: the sender's close is the end of the file (RFC 959 3.4.1)."""
        self.completed = True
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        else:
            self.completed = False
            self.error = self.error or str(error) or type(error).__name__
            self.close()


async def _turn(throttles: list[Throttle], size: int) -> int:
    """Wait until every throttle lets something go; how much may go at once."""
    for throttle in throttles:
        await throttle.wait()
    return min(throttle.portion(size) for throttle in throttles)


def _charge(throttles: list[Throttle], piece: bytes | memoryview) -> None:
    now = asyncio.get_running_loop().time()
    for throttle in throttles:
        throttle.append(piece, now)
