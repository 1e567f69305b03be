"""TLS of a channel: the handshake, the way back to clear text, tickets; and what alerts say of certificates."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from ftpfixture.net.transport import TlsInfo, TlsTransport, Transport

__all__ = ["Encryption", "SSLSessionBoundContext", "refusal", "without_tickets"]

_RECORDS = range(20, 25)  # what records of TLS begin with (RFC 8446 5.1), and no command or reply

# The alerts that refuse a certificate (RFC 8446 6.2), as OpenSSL calls them.
_REFUSALS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is damaged, or badly signed",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "its kind is not taken there",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it is not good enough",
    "TLSV1_ALERT_UNKNOWN_CA": "its authority is not known there",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "there was none",
}


def refusal(error: BaseException | None) -> str:
    """Why the other side refuses the certificate of this side; "" when an error says nothing of that."""
    return _REFUSALS.get(getattr(error, "reason", ""), "") if isinstance(error, ssl.SSLError) else ""


class Waiting(Protocol):
    """What TLS needs of its channel.

    Attributes:
        on_handshake: Awaited when the other side begins the handshake; what it raises is how that ends.
        no_close_notify: Whether to end without close_notify.
    """

    on_handshake: Callable[[], Awaitable[None]] | None
    no_close_notify: bool

    async def readable(self) -> None:
        """Wait until there is something to receive."""

    async def writable(self) -> None:
        """Wait until there is room to send."""


class Encryption:
    """TLS of one channel, from before the first byte of the handshake.

    Args:
        channel: Waits.
        below: What TLS stands on.
        tls: TLS over that.
        server_side: Whether this is the server of TLS.
        tickets: Whether it offers sessions to resume.

    Attributes:
        info: How the connection is encrypted; None before the handshake is over.
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
            OSError: It failed.
            TimeoutError: The other side took longer than the channel waits for one step.
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
        """Whether some of the handshake was read, or may have been sent."""
        return self._begun

    @property
    def asked_for(self) -> bool:
        """Whether the other side has begun the handshake, read or not."""
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
        """Say close_notify, if the other side is still there.

        Raises:
            TimeoutError: The other side took nothing within the time that the channel waits.
        """
        while self.tls.established and not self._channel.no_close_notify:
            try:
                self.tls.unwrap()
            except ssl.SSLWantWriteError:
                await self._channel.writable()
            except ssl.SSLError:
                return  # it is said; what the other side answers is for who receives next
            except ConnectionError:
                return  # nobody is there any more to be told

    async def end(self) -> None:
        """Say close_notify and wait for the other side's; then the transport is in clear again.

        curl does not say it unless told to, and goes on in clear when it has heard ours.

        Raises:
            ssl.SSLError: The other side said something else.
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
    """What is encrypted by a server's context inside sends no tickets, but still takes those of others."""
    if context.protocol is not ssl.PROTOCOL_TLS_SERVER:  # of a user, made in the old way: it cannot be told
        yield
        return
    usual = context.num_tickets
    context.num_tickets = 0
    try:
        yield
    finally:
        context.num_tickets = usual


class SSLSessionBoundContext(ssl.SSLContext):
    """A context for whom knows nothing of sessions, such as asyncio: what it encrypts resumes one.

    Everything but `wrap_socket` and `wrap_bio`, which go to the context inside, is that of a context of its own.

    Args:
        protocol: As `ssl.SSLContext` takes it.
        context: What really encrypts.
        session: What is resumed, if the other side agrees.
    """

    def __new__(cls, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> SSLSessionBoundContext:
        """Make the C part, which knows of the protocol only."""
        return super().__new__(cls, protocol)

    def __init__(self, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        self.context = context
        self.session = session

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """As `ssl.SSLContext.wrap_socket`.

        Raises:
            ValueError: A session was given; this has one.
        """
        return self.context.wrap_socket(*args, **self._with_session(args, 6, kwargs))

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """As `ssl.SSLContext.wrap_bio`.

        Raises:
            ValueError: A session was given; this has one.
        """
        return self.context.wrap_bio(*args, **self._with_session(args, 4, kwargs))

    def _with_session(self, args: tuple[Any, ...], place: int, kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > place or kwargs.get("session") is not None:
            raise ValueError("a session was given to a context that has one of its own")
        return {**kwargs, "session": self.session}
