"""Protocols of connections: `Transport` and `TlsTransport`, which never wait, and `Duplex`, which streams use.

One rule: code above these protocols knows no descriptor and no socket option. A socket, a pair in memory and TLS over
either of them are the same for it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, Unpack

__all__ = [
    "NOT_NOW",
    "NOT_READABLE",
    "Address",
    "Buffer",
    "Duplex",
    "TlsInfo",
    "TlsOptions",
    "TlsTransport",
    "Transport",
    "peer_name",
]

Address = tuple[str, int]
"""Host, as text with its zone if it has one, and port."""

Buffer = bytes | bytearray | memoryview
"""Bytes to send."""

# Errors of a call that would have to wait; under TLS either direction may wait for the other.
NOT_READABLE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
NOT_NOW = (*NOT_READABLE, ssl.SSLWantWriteError)

_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


def peer_name(address: object) -> Address:
    """The (host, port) of a socket address of either family, with the zone of a link-local address.

    An IPv4 address mapped into IPv6 becomes IPv4.
    """
    if not isinstance(address, tuple) or len(address) < 2:
        return ("", 0)
    host, port = str(address[0]), int(address[1])
    if len(address) == 4 and address[3]:
        return f"{host}%{socket.if_indextoname(address[3])}", port
    return host.removeprefix("::ffff:") if "." in host else host, port


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """How a connection is encrypted.

    Attributes:
        version: Such as "TLSv1.3".
        cipher: OpenSSL's name of the cipher suite.
        resumed: Whether the session of an earlier connection was resumed (RFC 8446 2.2, RFC 5077).
        certificate: The verified certificate of the other side, as `ssl.SSLSocket.getpeercert` returns it.
    """

    version: str
    cipher: str
    resumed: bool
    certificate: Mapping[str, Any] | None

    @property
    def subject(self) -> str:
        """The certificate's subject, such as "CN=ann,O=example"; "" without one."""
        names = (self.certificate or {}).get("subject", ())
        return ",".join(f"{_SHORT.get(key, key)}={value}" for part in names for key, value in part)

    @classmethod
    def of(cls, connection: ssl.SSLSocket | ssl.SSLObject) -> TlsInfo:
        """The description of a connection after its TLS handshake."""
        cipher = connection.cipher()
        return cls(
            connection.version() or "",
            cipher[0] if cipher else "",
            bool(connection.session_reused),
            connection.getpeercert() or None,
        )


class Transport(Protocol):
    """One end of a connection. No call waits: a call that would have to raises one of `NOT_NOW`.

    Only the thread of `loop` may use it.

    Attributes:
        loop: Calls the callbacks of `on_readable` and `on_writable`.
        family: AF_INET, AF_INET6 or another family of a socket.
        local: Address of this end.
        peer: Address of the other end.
    """

    loop: asyncio.AbstractEventLoop
    family: socket.AddressFamily
    local: Address
    peer: Address

    def recv(self, size: int, /) -> bytes:
        """The bytes that have arrived, at most `size`; b"" at the end.

        Raises:
            ConnectionResetError: The other side has reset the connection, and all bytes before that were received. It
                is raised once; later calls return the end.
            OSError: The transport is closed on this side.
        """

    def send(self, data: Buffer, /) -> int:
        """Send what there is room for, at least one byte; the number of bytes.

        Raises:
            ConnectionError: The connection was reset, the other side is closed, or this side has sent FIN.
            OSError: The transport is closed on this side.
        """

    def peek(self, size: int) -> bytes:
        """As `recv`, but the bytes stay unread."""

    def send_urgent(self, data: bytes) -> int:
        """As `send`, with the last byte as urgent data (RFC 9293 3.8.5)."""

    def shutdown_write(self) -> None:
        """Send FIN after what was sent. Receiving stays possible.

        Raises:
            OSError: The connection is broken, or closed.
        """

    def close(self) -> None:
        """Close both directions: what was sent is delivered, then FIN; RST if received bytes are unread."""

    def reset(self) -> None:
        """Close with RST."""

    def no_delay(self) -> None:
        """Send each piece as its own packet from now on."""

    def urgent_inline(self) -> None:
        """Receive urgent data in the order of the stream from now on; else the urgent byte is not received."""

    def urgent_pending(self) -> bool:
        """After `urgent_inline`: whether urgent data arrived and is not received yet; False if the system cannot tell.

        A socket's `recv` returns the bytes before the urgent one first, without it.
        """

    def writable_when_sent(self) -> bool:
        """Be writable from now on only after all that was sent is transmitted; False if the system cannot report it."""

    def on_readable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call `callback` in each turn of the loop in which `recv` would not have to wait; None for no callback.

        Raises:
            OSError: A callback is given, and the transport is closed.
        """

    def on_writable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call `callback` in each turn of the loop in which `send` would not have to wait; None for no callback.

        Raises:
            OSError: A callback is given, and the transport is closed.
        """

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> TlsTransport:
        """TLS over this transport, before its handshake.

        This transport stays below TLS: to peek at bytes before the handshake, to wait, and to close.

        Raises:
            OSError: The connection was broken before.
            ValueError: The context does not fit this side.
        """


class TlsTransport(Protocol):
    """TLS over a transport, which waits and closes."""

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session to resume on another connection; None when there is none yet."""

    def recv(self, size: int, /) -> bytes:
        """The decrypted bytes that have arrived, at most `size`; b"" at the end.

        Raises:
            ssl.SSLZeroReturnError: Both sides have sent close_notify.
            ssl.SSLEOFError: The connection ended without close_notify.
            ssl.SSLError: The received bytes violate TLS.
            OSError: As for `Transport.recv`.
        """

    def send(self, data: Buffer, /) -> int:
        """Send some of `data`. After a call that had to wait, the next one must have the same bytes, or more."""

    def do_handshake(self) -> None:
        """Continue the handshake; it has completed when this does not raise.

        Raises:
            ssl.SSLError: The handshake failed.
            OSError: The connection is broken.
        """

    def info(self) -> TlsInfo:
        """How the connection is encrypted; only after the handshake."""

    @property
    def established(self) -> bool:
        """Whether the handshake has completed, and not both sides have sent close_notify."""

    def unwrap(self) -> None:
        """Send close_notify, and receive the other side's. Clear text after it stays unread.

        Raises:
            ssl.SSLError: The other side sent something else.
            OSError: The connection is broken.
        """

    def release(self) -> None:
        """Return the transport below to clear text, in any state of TLS."""


class TlsOptions(TypedDict, total=False):
    """Options of `Channel.start_tls`, without the context and the side."""

    server_hostname: str | None
    session: ssl.SSLSession | None
    require_close_notify: bool
    tickets: bool


class Duplex(Protocol):
    """The part of a connection that streams use.

    A `Channel`, a `Deflated` connection and a pair of asyncio streams implement it.

    Attributes:
        peer: Address of the other end.
    """

    peer: Address

    @property
    def closed(self) -> bool:
        """Whether the connection is closed on this side."""

    async def receive(self, size: int) -> bytes:
        """The next bytes, 1 to `size` of them; b"" at the end."""

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, after waiting for room; the number of bytes, at least one."""

    async def send_eof(self) -> None:
        """Mark the end of what this side sends, where something other than the close can mark it."""

    async def close_when_peer_closes(self) -> None:
        """Close when the other side has received everything."""

    def close(self) -> None:
        """Close both directions; what was sent is delivered."""

    def close_after_flush(self) -> None:
        """Close after all that was sent, with close_notify under TLS, and discard unread bytes."""

    def reset(self) -> None:
        """Close with an error for the other side, not an end."""

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted, or will be after the TLS handshake."""

    @property
    def tls(self) -> TlsInfo | None:
        """How the connection is encrypted; None in clear text, and before the handshake has completed."""

    @property
    def offers_tickets(self) -> bool:
        """Whether this side is a TLS server that offers sessions to resume."""

    def start_tls(self, context: ssl.SSLContext, *, server_side: bool, **options: Unpack[TlsOptions]) -> None:
        """Begin a TLS handshake, see `Channel.start_tls`; receiving and sending wait for it."""

    async def secured(self) -> None:
        """Wait until the TLS handshake has completed, if one has begun."""

    def put_off_tls(self) -> None:
        """Undo `start_tls` if no byte of the handshake was read."""

    def cancel_tls(self) -> None:
        """Return to clear text if the other side has not begun the TLS handshake."""
