"""Transports and protocols of asyncio over connections in memory: for clients such as aioftp.

One rule: a protocol sees the same calls as on a selector event loop.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable, Iterable
from typing import Any, cast

from ftpfixture.errors import SimulationError
from ftpfixture.net.memory import MemoryTransport
from ftpfixture.net.network import Listener, Network
from ftpfixture.net.transport import NOT_NOW, Address, Transport

__all__ = ["StreamTransport", "connect_stream", "serve_streams", "start_tls"]

_BLOCK = 1 << 18
_HIGH = 1 << 16  # bytes that wait to be sent, above which the protocol pauses


class StreamTransport(asyncio.Transport):
    """A transport of asyncio.

    Args:
        transport: The connection; owned from now on.
        protocol: Its user.
    """

    def __init__(self, transport: MemoryTransport, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"peername": transport.peer, "sockname": transport.local})
        self._transport = transport
        self._protocol = protocol
        self._loop = transport.loop
        self._unsent = bytearray()
        self._high, self._low = _HIGH, _HIGH // 4
        self._paused = False  # the protocol's writing
        self._reading = True
        self._eof = False
        self._closing = False
        self._loop.call_soon(protocol.connection_made, self)
        self._loop.call_soon(self._listen)

    # Reading.

    def _listen(self) -> None:
        if self._reading and not self._closing:
            self._transport.on_readable(self._receive)

    def _receive(self) -> None:
        try:
            data = self._transport.recv(_BLOCK)
        except NOT_NOW:
            return
        except OSError as error:
            self._lose(error)
            return
        protocol: Any = self._protocol
        if data and isinstance(protocol, asyncio.BufferedProtocol):
            asyncio.protocols._feed_data_to_buffered_proto(protocol, data)  # type: ignore[attr-defined]
        elif data:
            protocol.data_received(data)
        else:
            self._transport.on_readable(None)
            self._reading = False
            if not protocol.eof_received():
                self.close()

    def is_reading(self) -> bool:
        """See ReadTransport."""
        return self._reading

    def pause_reading(self) -> None:
        """See ReadTransport."""
        if self._reading and not self._closing:
            self._reading = False
            self._transport.on_readable(None)

    def resume_reading(self) -> None:
        """See ReadTransport."""
        if not self._reading and not self._closing:
            self._reading = True
            self._listen()

    # Writing.

    def write(self, data: Any) -> None:
        """See WriteTransport."""
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        self._unsent += data
        self._flush()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """See WriteTransport."""
        self.write(b"".join(list_of_data))

    def _flush(self) -> None:
        try:
            while self._unsent and not self._is_lost:
                del self._unsent[: self._transport.send(bytes(self._unsent))]
        except NOT_NOW:
            self._transport.on_writable(self._flush)
        except OSError as error:
            self._lose(error)
            return
        else:
            if not self._is_lost:
                self._transport.on_writable(None)
                self._after_flush()
        self._tell_protocol()

    def _after_flush(self) -> None:
        if self._closing:
            self._lose(None)
        elif self._eof:
            self._transport.shutdown_write()

    def _tell_protocol(self) -> None:
        if not self._paused and len(self._unsent) > self._high:
            self._paused = True
            self._protocol.pause_writing()
        elif self._paused and len(self._unsent) <= self._low:
            self._paused = False
            self._protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See WriteTransport."""
        self._high = high if high is not None else _HIGH if low is None else 4 * low
        self._low = low if low is not None else self._high // 4
        self._tell_protocol()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """See WriteTransport."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """See WriteTransport."""
        return len(self._unsent)

    def can_write_eof(self) -> bool:
        """See WriteTransport."""
        return True

    def write_eof(self) -> None:
        """See WriteTransport."""
        if not self._eof and not self._closing:
            self._eof = True
            if not self._unsent:
                self._transport.shutdown_write()

    # The end.

    @property
    def _is_lost(self) -> bool:
        return self._transport.is_closed

    def is_closing(self) -> bool:
        """See BaseTransport."""
        return self._closing

    def close(self) -> None:
        """See BaseTransport: what was written is sent first."""
        if not self._closing:
            self._closing = True
            self._transport.on_readable(None)
            if not self._unsent:
                self._lose(None)

    def abort(self) -> None:
        """See WriteTransport."""
        self._force_close(None)

    def _force_close(self, error: Exception | None) -> None:
        """Called by asyncio's TLS when its end takes too long."""
        self._unsent.clear()
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._closing = True
            self._transport.close()
            self._loop.call_soon(self._protocol.connection_lost, error)

    # Protocols.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See BaseTransport."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See BaseTransport."""
        return self._protocol


async def connect_stream(
    loop: asyncio.AbstractEventLoop,
    network: Network,
    make: Callable[[], asyncio.BaseProtocol],
    host: Any,
    port: Any,
    *,
    ssl: Any = None,
    server_hostname: str | None = None,
    local_addr: Any = None,
    sock: Any = None,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
    **others: Any,
) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
    """As `loop.create_connection`, in memory; options about families and the order of addresses change nothing.

    Raises:
        OSError: As for a socket.
        SimulationError: A socket was given.
    """
    if sock is not None:
        raise SimulationError("create_connection(sock=...) cannot be simulated: give host and port, or simulate=False")
    transport = await _opened(network, None if local_addr is None else local_addr[0], (str(host), int(port)))
    protocol = make()
    if not ssl:
        made = StreamTransport(transport, protocol)
        await _begun(loop)
        return made, protocol
    context = _context(ssl)
    name = server_hostname if server_hostname is not None else str(host)
    timeouts = {"ssl_handshake_timeout": ssl_handshake_timeout, "ssl_shutdown_timeout": ssl_shutdown_timeout}
    return await _encrypted(loop, transport, protocol, context, name, **timeouts), protocol


async def _opened(network: Network, local: str | None, address: Address) -> MemoryTransport:
    return cast(MemoryTransport, await network.connect(local, address))  # the network of a simulated loop has no other


async def _begun(loop: asyncio.AbstractEventLoop) -> None:
    """Wait until `connection_made` was called."""
    begun = loop.create_future()
    loop.call_soon(begun.set_result, None)
    await begun


def _context(given: Any) -> ssl.SSLContext:
    return given if isinstance(given, ssl.SSLContext) else ssl.create_default_context()


async def _encrypted(
    loop: asyncio.AbstractEventLoop,
    transport: MemoryTransport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    server_hostname: str,
    **timeouts: float | None,
) -> asyncio.BaseTransport:
    waiter = loop.create_future()
    make: Any = sslproto.SSLProtocol  # timeouts may be fractions of a second, which its type does not know
    tls = make(loop, protocol, context, waiter, False, server_hostname or None, **timeouts)
    below = StreamTransport(transport, tls)
    try:
        await waiter
    except BaseException:
        below.abort()
        raise
    made: asyncio.BaseTransport = tls._app_transport
    return made


async def start_tls(
    loop: asyncio.AbstractEventLoop,
    transport: Any,
    protocol: asyncio.BaseProtocol,
    sslcontext: ssl.SSLContext,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
) -> asyncio.BaseTransport:
    """As `loop.start_tls`, over a stream in memory."""
    waiter = loop.create_future()
    make: Any = sslproto.SSLProtocol
    tls = make(
        loop,
        protocol,
        sslcontext,
        waiter,
        server_side,
        server_hostname,
        call_connection_made=False,
        ssl_handshake_timeout=ssl_handshake_timeout,
        ssl_shutdown_timeout=ssl_shutdown_timeout,
    )
    transport.pause_reading()
    transport.set_protocol(tls)
    loop.call_soon(tls.connection_made, transport)
    loop.call_soon(transport.resume_reading)
    try:
        await waiter
    except BaseException:
        transport.abort()
        raise
    made: asyncio.BaseTransport = tls._app_transport
    return made


class StreamServer(asyncio.AbstractServer):
    """A listener in memory for protocols of asyncio.

    Attributes:
        sockets: Stand for sockets: `getsockname` is all they have.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: Listener) -> None:
        self._loop = loop
        self._listener = listener
        self.sockets = (_Name((listener.host, listener.port)),)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """See AbstractServer."""
        return self._loop

    def is_serving(self) -> bool:
        """See AbstractServer."""
        return not self._listener.closed

    async def start_serving(self) -> None:
        """See AbstractServer."""

    async def serve_forever(self) -> None:
        """See AbstractServer."""
        await self._loop.create_future()

    def close(self) -> None:
        """See AbstractServer."""
        self._listener.close()

    async def wait_closed(self) -> None:
        """See AbstractServer."""


class _Name:
    def __init__(self, address: Address) -> None:
        self._address = address

    def getsockname(self) -> Address:
        """The address."""
        return self._address


def serve_streams(
    loop: asyncio.AbstractEventLoop,
    network: Network,
    make: Callable[[], asyncio.BaseProtocol],
    host: Any,
    port: Any,
    **options: Any,
) -> StreamServer:
    """As `loop.create_server`, in memory: for clients in active mode.

    Raises:
        OSError: The port is in use.
        SimulationError: TLS or a socket was given.
    """
    if options.get("ssl") or options.get("sock"):
        raise SimulationError("create_server(ssl=..., sock=...) cannot be simulated: use simulate=False")

    def accept(transport: Transport) -> None:
        StreamTransport(cast(MemoryTransport, transport), make())

    name = "127.0.0.1" if host in (None, "", "localhost") else str(host)
    return StreamServer(loop, network.listen(name, port or 0, accept))
