"""A data connection for handlers: read, write, lines and blocks over a channel, with speed limits."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter, timeout
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Literal, Protocol, Self, Unpack

from ftpfixture.net.throttle import StreamThrottle, Throttle
from ftpfixture.net.transport import Duplex, TlsInfo, TlsOptions, peer_name

__all__ = ["DEFAULT_BLOCK_SIZE", "DataTap", "StreamIO", "ThrottleStreamIO"]

DEFAULT_BLOCK_SIZE = 1 << 20  # the fastest slice from memory to a socket; 8 KiB halves the rate
_FIRST_READ = 1 << 16  # small files stay small; the size doubles while reads come back full


class DataTap(Protocol):
    """A listener of a stream."""

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        """Called with the purpose of the stream; if it was not called, the first piece gives the direction."""

    def moved(self, direction: str, piece: bytes | memoryview) -> None:
        """Called after `piece` was sent or received; it does not change any more."""

    def closed(self, completed: bool, error: str, end: str) -> None:
        """Called when the stream is closed."""


class _Pair:
    """The reader and the writer of `asyncio.open_connection` as one `Duplex`."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, timeouts: tuple[float | None, float | None]) -> None:
        self._reader = reader
        self._writer = writer
        self._read_timeout, self._write_timeout = timeouts
        self.peer = peer_name(writer.get_extra_info("peername"))
        self.closed = False
        self.tls: TlsInfo | None = None
        self.offers_tickets = False
        self._handshake: asyncio.Task[None] | None = None

    async def receive(self, size: int) -> bytes:
        async with timeout(self._read_timeout):
            return await self._reader.read(size)

    async def send(self, data: bytes | memoryview) -> int:
        self._writer.write(data)
        async with timeout(self._write_timeout):
            await self._writer.drain()
        return len(data)

    async def send_eof(self) -> None:
        async with timeout(self._write_timeout):
            await self._writer.drain()

    async def close_when_peer_closes(self) -> None:
        await self.send_eof()
        self.close()

    def close(self) -> None:
        self.closed = True
        self._writer.close()

    def close_after_flush(self) -> None:
        self.close()

    def reset(self) -> None:
        self.closed = True
        self._writer.transport.abort()

    @property
    def is_tls(self) -> bool:
        return self._handshake is not None

    def start_tls(self, context: ssl.SSLContext, *, server_side: bool, **options: Unpack[TlsOptions]) -> None:
        # asyncio finds out by itself which side this is.
        handshake = self._writer.start_tls(context, server_hostname=options.get("server_hostname"))
        self._handshake = asyncio.get_running_loop().create_task(handshake)
        # `secured` raises the error; without that call it is ignored.
        self._handshake.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def secured(self) -> None:
        if self._handshake is not None and self.tls is None:
            async with timeout(self._write_timeout):
                await self._handshake
            self.tls = TlsInfo.of(self._writer.get_extra_info("ssl_object"))

    def put_off_tls(self) -> None:
        """Do nothing: asyncio begins the handshake at once."""

    def cancel_tls(self) -> None:
        """Do nothing: asyncio begins the handshake at once."""


class StreamIO:
    """Reads and writes bytes and lines.

    Args:
        reader: A `Channel`, or the reader of an asyncio connection.
        writer: The writer of the asyncio connection; None for a channel, which is both.
        timeout: Seconds for each of the next two that is None. A channel has its own limit.
        read_timeout: Seconds for one read of an asyncio reader; None for no limit.
        write_timeout: Seconds for one write to an asyncio writer; None for no limit.
    """

    def __init__(
        self,
        reader: Duplex | StreamReader,
        writer: StreamWriter | None = None,
        *,
        timeout: float | None = None,
        read_timeout: float | None = None,
        write_timeout: float | None = None,
    ) -> None:
        self.reader = reader
        self.writer = reader if writer is None else writer
        self.read_timeout = timeout if read_timeout is None else read_timeout
        self.write_timeout = timeout if write_timeout is None else write_timeout
        self.channel = self._joined(reader, writer)
        self.tap: DataTap | None = None
        self.moved = 0
        self.completed = False
        self.error = ""
        self.ended = "eof"
        self._buffer = bytearray()
        self._size = _FIRST_READ
        self._closed = False

    def _joined(self, reader: Duplex | StreamReader, writer: StreamWriter | None) -> Duplex:
        if not isinstance(reader, StreamReader):
            return reader
        if writer is None:
            raise TypeError("an asyncio reader needs its writer")
        return _Pair(reader, writer, (self.read_timeout, self.write_timeout))

    async def start_tls(self, sslcontext: ssl.SSLContext, server_hostname: str | None = None) -> None:
        """Encrypt the connection from now on, as the TLS client.

        Raises:
            OSError: The TLS handshake failed.
            TimeoutError: The other side took longer than the limit of the channel, or than `write_timeout`.
        """
        self.channel.start_tls(sslcontext, server_side=False, server_hostname=server_hostname)
        await self.channel.secured()

    # Receiving.

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """The next piece as it arrives, at most `limit` bytes; b"" at the end.

        Raises:
            OSError: The connection broke or timed out.
        """
        if self._buffer:
            piece = bytes(self._buffer[:limit])
            del self._buffer[:limit]
            return piece
        piece = await self._receive(min(self._size, limit))
        if len(piece) == self._size < DEFAULT_BLOCK_SIZE:
            self._size *= 2
        if not piece:
            self.completed = True
        else:
            self._moved("upload", piece)
        return piece

    async def _receive(self, size: int) -> bytes:
        return await self.channel.receive(size)

    async def read(self, count: int = -1) -> bytes:
        """At most `count` bytes as they arrive, or everything to the end when `count` is negative."""
        if count >= 0:
            return await self.receive(count) if count else b""
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    async def readexactly(self, count: int) -> bytes:
        """Exactly `count` bytes.

        Raises:
            asyncio.IncompleteReadError: The stream ended first; `partial` holds what arrived.
        """
        data = await self._read_block(count)
        if len(data) < count:
            raise asyncio.IncompleteReadError(data, count)
        return data

    async def readline(self) -> bytes:
        """The next line with its line feed, which the last line may lack; b"" at the end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not await self._fill():
                end = len(self._buffer) - 1
                break
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    async def _read_block(self, count: int) -> bytes:
        if count >= _FIRST_READ:
            return await self._read_large_block(count)
        while len(self._buffer) < count and await self._fill():
            pass
        block = bytes(self._buffer[:count])
        del self._buffer[:count]
        return block

    async def _read_large_block(self, count: int) -> bytes:
        """A block joined from the pieces as they arrive; small blocks are cut from larger pieces instead."""
        pieces = []
        try:
            while count and (piece := await self.receive(count)):
                pieces.append(piece)
                count -= len(piece)
        except BaseException:
            self._buffer[:0] = b"".join(pieces)  # the next read returns them
            raise
        return b"".join(pieces)

    async def _fill(self) -> bool:
        kept, self._buffer = self._buffer, bytearray()
        try:
            piece = await self.receive()
        finally:
            self._buffer = kept
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
            sent = view[: await self._send(view)]
            self._moved("download", sent)
            view = view[len(sent) :]

    async def _send(self, view: memoryview) -> int:
        return await self.channel.send(view)

    def describe(self, direction: str, path: str, offset: int, transfer_type: str, size: int | None = None) -> None:
        """Record in the log what the stream is used for, before the first byte.

        Args:
            direction: "download" or "upload".
            path: Virtual path.
            offset: Bytes skipped.
            transfer_type: "A" or "I".
            size: Bytes of a whole download; None when unknown.
        """
        if self.tap is not None:
            self.tap.describe(direction, path, offset, transfer_type)

    def _moved(self, direction: str, piece: bytes | memoryview) -> None:
        self.moved += len(piece)
        if self.tap is not None:
            self.tap.moved(direction, piece)

    # The end.

    def close(self) -> None:
        """Close the connection; what was sent is still delivered."""
        if not self._closed:
            self._closed = True  # the channel itself may have been reset before
            self.channel.close()
            if self.tap is not None:
                self.tap.closed(self.completed, self.error, self.ended)


class ThrottleStreamIO(StreamIO):
    """A stream with speed limits: every data connection is one.

    As an async context manager it yields itself and closes at the end. A handler that takes it from
    ``connection.data_connection`` owns it.

    Args:
        reader: As for `StreamIO`.
        writer: As for `StreamIO`.
        throttles: Name to throttle pair; read for each piece, so limits may change at any time.
        timeout: Seconds, as for `StreamIO`.
        read_timeout: Seconds, as for `StreamIO`.
        write_timeout: Seconds, as for `StreamIO`.
    """

    def __init__(
        self,
        reader: Duplex | StreamReader,
        writer: StreamWriter | None = None,
        throttles: Mapping[str, StreamThrottle] | None = None,
        *,
        timeout: float | None = None,
        read_timeout: float | None = None,
        write_timeout: float | None = None,
    ) -> None:
        super().__init__(reader, writer, timeout=timeout, read_timeout=read_timeout, write_timeout=write_timeout)
        self.throttles: Mapping[str, StreamThrottle] = throttles if throttles is not None else {}

    async def iter_by_line(self) -> AsyncIterator[bytes]:
        """Yield the lines up to the end."""
        while line := await self.readline():
            yield line

    async def iter_by_block(self, count: int = DEFAULT_BLOCK_SIZE) -> AsyncIterator[bytes]:
        """Yield blocks of exactly `count` bytes; the last one may be shorter."""
        while block := await self._read_block(count):
            yield block

    async def wait(self, name: Literal["read", "write"]) -> None:
        """Wait until every throttle of a direction allows more bytes."""
        for throttle in self._limits(name):
            await throttle.wait()

    def append(self, name: Literal["read", "write"], data: bytes | memoryview, start: float) -> None:
        """Charge `data` to the throttles of a direction; `start` is when its transfer began, by the loop's clock."""
        for throttle in self._limits(name):
            throttle.append(data, start)

    def _limits(self, name: Literal["read", "write"]) -> list[Throttle]:
        throttles: list[Throttle] = [getattr(pair, name) for pair in self.throttles.values()]
        return [throttle for throttle in throttles if throttle.limit is not None]

    async def _receive(self, size: int) -> bytes:
        throttles = self._limits("read")
        if not throttles:
            return await super()._receive(size)
        piece = await super()._receive(await _turn(throttles, size))
        self.append("read", piece, asyncio.get_running_loop().time())
        return piece

    async def _send(self, view: memoryview) -> int:
        throttles = self._limits("write")
        if not throttles:
            return await super()._send(view)
        sent = await super()._send(view[: await _turn(throttles, len(view))])
        self.append("write", view[:sent], asyncio.get_running_loop().time())
        return sent

    async def finish(self) -> None:
        """Close after everything was sent: the sender's close marks the end of the file (RFC 959 3.4.1)."""
        try:
            await self._send_end()
        except BaseException as error:
            self._fail(error)
            raise
        self.completed = not self.error
        self.close()

    async def _send_end(self) -> None:
        await self.channel.send_eof()

    def _fail(self, error: BaseException) -> None:
        self.completed = False
        self.error = self.error or str(error) or type(error).__name__
        if isinstance(error, ConnectionResetError):
            self.ended = "no-close-notify" if isinstance(error.__cause__, ssl.SSLError) else "rst"
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        else:
            self._fail(error)


async def _turn(throttles: list[Throttle], size: int) -> int:
    """Wait until every throttle allows more bytes; the number of bytes to move at once."""
    for throttle in throttles:
        await throttle.wait()
    return min(throttle.portion(size) for throttle in throttles)
