"""TLS of a channel: the handshake, the return to clear text, tickets, and alerts about certificates.

One rule: every wait here goes through the channel, which has the timeout.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from ftpfixture.net.transport import TlsInfo, TlsTransport, Transport

__all__ = ["Encryption", "SSLSessionBoundContext", "refusal", "without_tickets"]

_RECORDS = range(20, 25)  # first byte of a TLS record (RFC 8446 5.1), and of no command or reply

# The alerts that refuse a certificate (RFC 8446 6.2), by OpenSSL's names.
_REFUSALS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is damaged, or its signature is wrong",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "its kind is not supported",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it is not acceptable",
    "TLSV1_ALERT_UNKNOWN_CA": "its authority is unknown",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "none was sent",
}


def refusal(error: BaseException | None) -> str:
    """Why the other side refuses this side's certificate; "" for an error with another cause."""
    return _REFUSALS.get(getattr(error, "reason", ""), "") if isinstance(error, ssl.SSLError) else ""


class Waiting(Protocol):
    """The part of a channel that TLS uses.

    Attributes:
        on_handshake: Awaited when the other side begins the handshake, which fails with what this raises.
        no_close_notify: Whether the connection ends without close_notify.
    """

    on_handshake: Callable[[], Awaitable[None]] | None
    no_close_notify: bool

    async def readable(self) -> None:
        """Wait until bytes or the end can be received."""

    async def writable(self) -> None:
        """Wait until there is room to send."""


class Encryption:
    """TLS of one channel, from before the first byte of the handshake.

    Args:
        channel: Waits.
        below: The transport below TLS.
        tls: TLS over it.
        server_side: Whether this side is the TLS server.
        tickets: Whether the server offers sessions to resume.

    Attributes:
        info: How the connection is encrypted; None before the handshake has completed.
    """

    __slots__ = ("_begun", "_below", "_channel", "info", "offers_tickets", "tls")

    def __init__(
        self, channel: Waiting, below: Transport, tls: TlsTransport, *, server_side: bool, tickets: bool
    ) -> None:
        self._channel = channel
        self._below = below
        self._begun = not server_side
        self.tls = tls
        self.offers_tickets = server_side and tickets
        self.info: TlsInfo | None = None

    async def handshake(self) -> None:
        """Do the handshake.

        Raises:
            OSError: The handshake failed.
            TimeoutError: One wait took longer than the channel's `timeout`.
        """
        channel = self._channel
        if not self._begun:
            await channel.readable()
            self._begun = self._peeked() != b""
            if channel.on_handshake is not None:
                await channel.on_handshake()
        await self._until_done(self.tls.do_handshake)
        self.info = self.tls.info()

    @property
    def begun(self) -> bool:
        """Whether this side has read a byte of the handshake, or may have sent one."""
        return self._begun

    @property
    def peer_has_begun(self) -> bool:
        """Whether the other side has sent a byte of the handshake, read here or not."""
        return self._begun or bool(self._peeked())

    async def _until_done(self, step: Callable[[], None]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                await self._channel.readable()
            except ssl.SSLWantWriteError:
                await self._channel.writable()
            else:
                return

    async def send_eof(self) -> None:
        """Send close_notify, if the connection is open.

        Raises:
            TimeoutError: The other side received nothing within the channel's `timeout`.
        """
        while self.tls.established and not self._channel.no_close_notify:
            try:
                self.tls.unwrap()
            except ssl.SSLWantWriteError:
                await self._channel.writable()
            except ssl.SSLError:
                return  # it is sent; the next receive gets what the other side sends
            except ConnectionError:
                return  # the other side has left

    async def end(self) -> None:
        """Send close_notify and wait for the other side's; then the transport is in clear text again.

        curl sends none without an option, and continues in clear text after it has received ours.

        Raises:
            ssl.SSLError: The other side sent something else.
            OSError: The connection is broken.
        """
        answer = b""
        while True:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                await self._channel.readable()
                answer = answer or self._peeked()
                if not answer or answer[0] in _RECORDS:
                    continue
            except ssl.SSLWantWriteError:
                await self._channel.writable()
                continue
            self.tls.release()
            return

    def _peeked(self) -> bytes:
        try:
            return self._below.peek(1)
        except OSError:
            return b""


@contextlib.contextmanager
def without_tickets(context: ssl.SSLContext) -> Iterator[None]:
    """Connections that `context` encrypts inside send no tickets, but still accept tickets sent elsewhere."""
    if context.protocol is not ssl.PROTOCOL_TLS_SERVER:  # a user's context of an old protocol has no such setting
        yield
        return
    usual = context.num_tickets
    context.num_tickets = 0
    try:
        yield
    finally:
        context.num_tickets = usual


class SSLSessionBoundContext(ssl.SSLContext):
    """An SSLContext for libraries that cannot pass a session, such as asyncio: its connections resume `session`.

    `wrap_socket` and `wrap_bio` use `context`; everything else belongs to this context itself.

    Args:
        protocol: As for `ssl.SSLContext`.
        context: The context that encrypts.
        session: The session to resume, if the other side accepts it.
    """

    def __new__(cls, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> SSLSessionBoundContext:
        """Make the part in C, which takes only the protocol."""
        return super().__new__(cls, protocol)

    def __init__(self, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        self.context = context
        self.session = session

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """As `ssl.SSLContext.wrap_socket`, with the session.

        Raises:
            ValueError: The caller passed a session; the context has its own.
        """
        return self.context.wrap_socket(*args, **self._with_session(args, 6, kwargs))

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """As `ssl.SSLContext.wrap_bio`, with the session.

        Raises:
            ValueError: The caller passed a session; the context has its own.
        """
        return self.context.wrap_bio(*args, **self._with_session(args, 4, kwargs))

    def _with_session(self, args: tuple[Any, ...], place: int, kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > place or kwargs.get("session") is not None:
            raise ValueError("SSLSessionBoundContext has its own session: do not pass another")
        return {**kwargs, "session": self.session}
