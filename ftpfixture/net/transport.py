"""What a connection stands on: a transport that never waits, and what streams see of a connection.

One rule: nothing above this room knows a descriptor or a socket option. A socket, a pair in memory and TLS over
either of them all look the same from there.
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
"""What can be sent."""

# What a call raises that would have to wait; under TLS either direction may have to wait for either.
NOT_READABLE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
NOT_NOW = (*NOT_READABLE, ssl.SSLWantWriteError)

_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


def peer_name(address: object) -> Address:
    """The (host, port) of a socket address of either family, with the zone that a link-local address has.

    An IPv4 address mapped into IPv6 comes back as IPv4.
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
        cipher: OpenSSL's name of the suite.
        resumed: Whether the session of an earlier connection was resumed (RFC 8446 2.2, RFC 5077).
        certificate: What the other side has shown and what was verified, as `ssl.SSLSocket.getpeercert` gives it.
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
        """What a connection tells after its TLS handshake."""
        cipher = connection.cipher()
        return cls(
            connection.version() or "",
            cipher[0] if cipher else "",
            bool(connection.session_reused),
            connection.getpeercert() or None,
        )


class Transport(Protocol):
    """One end of a connection. No call waits: what would have to raises one of `NOT_NOW`.

    All of it is for the thread of `loop`.

    Attributes:
        loop: Calls back when there is something to receive, or room to send.
        family: AF_INET or AF_INET6, or what else a socket has.
        local: Address of this end.
        peer: Address of the other end.
    """

    loop: asyncio.AbstractEventLoop
    family: socket.AddressFamily
    local: Address
    peer: Address

    def recv(self, size: int, /) -> bytes:
        """What is there, at most `size` bytes; b"" at the end.

        Raises:
            ConnectionResetError: The other side has reset the connection, and all that came before was received. It is
                raised once; after it comes the end.
            OSError: It is closed on this side.
        """

    def send(self, data: Buffer, /) -> int:
        """Send what there is room for, at least one byte; how many bytes.

        Raises:
            ConnectionError: The connection was reset, the other side is closed, or this side has said its end.
            OSError: It is closed on this side.
        """

    def peek(self, size: int) -> bytes:
        """The same as `recv`, but what is given is still there."""

    def send_urgent(self, data: bytes) -> int:
        """The same as `send`, with the last byte as urgent data (RFC 9293 3.8.5)."""

    def shutdown_write(self) -> None:
        """Say the end (FIN) behind what was sent. Receiving goes on.

        Raises:
            OSError: The connection is broken, or closed.
        """

    def close(self) -> None:
        """Close both directions: what was sent is delivered, then FIN; RST where bytes that came were not received."""

    def reset(self) -> None:
        """Close with RST."""

    def no_delay(self) -> None:
        """Let each send be a packet of its own from now on."""

    def urgent_inline(self) -> None:
        """Give urgent data between the other bytes from now on; else the urgent byte is not received."""

    def writable_when_sent(self) -> bool:
        """From now on there is room only when all that was sent is on its way; False where the system cannot tell."""

    def on_readable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call `callback` in each turn of the loop in which `recv` does not have to wait; None for no more.

        Raises:
            OSError: There is a callback, and the transport is closed.
        """

    def on_writable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """The same for `send`."""

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> TlsTransport:
        """TLS over this transport, whose handshake has not begun.

        This transport stays, as what is below TLS: to look at bytes before the handshake, to wait, and to close.

        Raises:
            OSError: The connection is broken already.
            ValueError: The context does not fit.
        """


class TlsTransport(Protocol):
    """TLS over a transport; what waits and what closes is that transport's."""

    @property
    def session(self) -> ssl.SSLSession | None:
        """To resume on another connection; None when there is none yet."""

    def recv(self, size: int, /) -> bytes:
        """What is there, decrypted.

        Raises:
            ssl.SSLZeroReturnError: The other side has said close_notify, and so has this side.
            ssl.SSLEOFError: The connection ended without close_notify.
            ssl.SSLError: What came is not what TLS allows.
            OSError: As for `Transport.recv`.
        """

    def send(self, data: Buffer, /) -> int:
        """Send some of `data`. After it had to wait it is called again with the same bytes, or more."""

    def do_handshake(self) -> None:
        """Go on with the handshake; it is over when this does not raise.

        Raises:
            ssl.SSLError: It failed.
            OSError: The connection is broken.
        """

    def info(self) -> TlsInfo:
        """How the connection is encrypted, after the handshake."""

    @property
    def established(self) -> bool:
        """Whether the handshake is over, and not both sides have said close_notify."""

    def unwrap(self) -> None:
        """Say close_notify, and take that of the other side. What comes in clear behind it is left alone.

        Raises:
            ssl.SSLError: The other side says something else.
            OSError: The connection is broken.
        """

    def release(self) -> None:
        """Let the transport below be one in clear again, wherever TLS stands."""


class TlsOptions(TypedDict, total=False):
    """What `Channel.start_tls` takes beside the context and the side."""

    server_hostname: str | None
    session: ssl.SSLSession | None
    require_close_notify: bool
    tickets: bool


class Duplex(Protocol):
    """A connection, as streams see it: bytes go in order, both ways, until one side ends.

    A `Channel` is one, and so is a compressed one, and a pair of asyncio streams.

    Attributes:
        peer: Address of the other end.
    """

    peer: Address

    @property
    def closed(self) -> bool:
        """Whether it is closed on this side."""

    async def receive(self, size: int) -> bytes:
        """The next bytes, 1 to `size` of them; b"" at the end."""

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, waiting until there is room; how many bytes went, at least one."""

    async def send_eof(self) -> None:
        """Tell the other side that nothing more comes; where only a close can tell that, nothing is done."""

    async def close_when_peer_closes(self) -> None:
        """Close when the other side has received everything."""

    def close(self) -> None:
        """Close both directions; what was sent is delivered."""

    def close_after_flush(self) -> None:
        """Close in order, TLS too, whatever is unread."""

    def reset(self) -> None:
        """Close so that the other side sees an error."""

    @property
    def is_tls(self) -> bool:
        """Whether it is encrypted, or will be after the TLS handshake."""

    @property
    def tls(self) -> TlsInfo | None:
        """How it is encrypted; None in clear, and before the handshake is over."""

    @property
    def offers_tickets(self) -> bool:
        """Whether this is the server of a TLS connection on which it offers sessions to resume."""

    def start_tls(self, context: ssl.SSLContext, *, server_side: bool, **options: Unpack[TlsOptions]) -> None:
        """Begin a TLS handshake, see `Channel.start_tls`; whoever receives or sends waits for it."""

    async def secured(self) -> None:
        """Wait until the TLS handshake is over, if there is one."""

    def put_off_tls(self) -> None:
        """Go back to before the TLS handshake, if none of it was read."""

    def cancel_tls(self) -> None:
        """Go back to clear text, if the other side has not begun the TLS handshake."""
