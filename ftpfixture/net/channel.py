"""The connection of one session: bytes, TLS, and every way to end it.

One rule: code above `net` knows nothing else of a connection. Waiting is in `reactor`, the TLS handshake in `tls`, and
the steps of closing in `closing`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable

from ftpfixture.net import closing
from ftpfixture.net.reactor import Reactor
from ftpfixture.net.tls import Encryption, without_tickets
from ftpfixture.net.transport import NOT_READABLE, TlsInfo, Transport

__all__ = ["Channel"]

_DISCARD_SIZE = 1 << 16  # bytes of one read whose result is discarded


class Channel(Reactor):
    """A connection that belongs to one session.

    Args:
        transport: The channel owns it from now on.
        timeout: Seconds that one wait for the other side may last; None for no limit.
        limit: Makes a context manager that ends a wait after the given seconds, by its own clock.

    Attributes:
        on_handshake: Awaited when the other side begins the TLS handshake; the handshake fails with what it raises.
        no_close_notify: Whether the connection ends without close_notify.
    """

    __slots__ = ("_encryption", "_notes_urgent", "_urgent", "no_close_notify", "on_handshake")

    def __init__(
        self,
        transport: Transport,
        timeout: float | None = None,
        limit: Callable[[float], contextlib.AbstractAsyncContextManager[object]] = asyncio.timeout,
    ) -> None:
        super().__init__(transport, timeout, limit)
        self._encryption: Encryption | None = None
        self._notes_urgent = False
        self._urgent = False
        self.on_handshake: Callable[[], Awaitable[None]] | None = None
        self.no_close_notify = False

    def set_control_options(self) -> None:
        """Send small replies without delay, and receive urgent bytes in the order of the stream.

        `ftplib.abort()` sends all of ABOR as urgent data: without this option its last byte is not received.
        """
        self._transport.no_delay()
        self._transport.urgent_inline()

    def note_urgent(self) -> None:
        """From now on, let `take_urgent` report urgent data, while the connection is in clear text.

        It costs a call of the system for each receive, and only a proxy needs it.
        """
        self._notes_urgent = True
        if not self.is_tls:
            self._recv = self._receive_noting

    def _receive_noting(self, size: int) -> bytes:
        if self._transport.urgent_pending():
            self._urgent = True
        return self._transport.recv(size)

    def take_urgent(self) -> bool:
        """Whether urgent data was received since the last call, and `note_urgent` was called before."""
        urgent, self._urgent = self._urgent, False
        return urgent

    def send_urgent(self, data: bytes) -> None:
        """Send bytes at once, the last one as urgent data (RFC 9293 3.8.5); a broken connection discards them.

        The connection is in clear text, and has room: nothing that was given to it waits to be sent.
        """
        with contextlib.suppress(OSError):
            self._transport.send_urgent(data)

    def send_small(self) -> None:
        """Send each piece as its own packet."""
        self._transport.no_delay()

    # TLS.

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
        require_close_notify: bool = True,
        tickets: bool = True,
    ) -> None:
        """Begin the TLS handshake, unless TLS has begun. It is a task: `secured`, `receive` and `send` wait for it.

        No other task may wait for this channel when it begins. Bytes that arrived and were not received yet count as
        part of the handshake; the caller discards those that were received.

        Args:
            context: Holds the certificates and the requirements for the other side.
            server_side: Whether this side is the TLS server.
            server_hostname: Name that the other side's certificate must have, if the context checks it.
            session: TLS session of an earlier connection to resume.
            require_close_notify: Whether an end without close_notify is an error, because data may be missing. If
                False, it is the normal end, also by RST: a client's system sends RST when it closes with TLS 1.3
                tickets unread.
            tickets: Whether a server offers TLS 1.3 sessions to resume. A client that only sends does not read them,
                and may lose what it has sent when it closes (see `close_when_peer_closes`): lftp issue 666,
                curl issue 6149.

        Raises:
            OSError: The connection was broken before; the channel is closed.
            ValueError: The context does not fit this side; the channel is closed.
        """
        if self.is_tls:
            return
        below = self._transport
        try:
            with contextlib.nullcontext() if tickets else without_tickets(context):
                tls = below.start_tls(
                    context, server_side=server_side, server_hostname=server_hostname, session=session
                )
        except BaseException:
            self.close()
            raise
        self._recv, self._send = tls.recv, tls.send
        self._lenient = not require_close_notify
        encryption = self._encryption = Encryption(self, below, tls, server_side=server_side, tickets=tickets)
        self._handshake = self.loop.create_task(encryption.handshake())
        # Each use of the channel raises the error; without a use it is ignored.
        self._handshake.add_done_callback(lambda task: task.cancelled() or task.exception())

    def _in_clear(self) -> None:
        self._encryption, self._lenient = None, False
        self._send = self._transport.send
        self._recv = self._receive_noting if self._notes_urgent else self._transport.recv

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted, or will be after the TLS handshake."""
        return self._encryption is not None

    @property
    def tls(self) -> TlsInfo | None:
        """How the connection is encrypted; None in clear text, and before the handshake has completed."""
        return self._encryption.info if self._encryption is not None else None

    @property
    def session(self) -> ssl.SSLSession | None:
        """The TLS session to resume on another connection; None in clear text, or when there is none yet."""
        return self._encryption.tls.session if self._encryption is not None else None

    @property
    def offers_tickets(self) -> bool:
        """Whether this side is a TLS server that offers sessions to resume."""
        return self._encryption is not None and self._encryption.offers_tickets

    def put_off_tls(self) -> None:
        """Undo `start_tls` if no byte of the handshake was read; what arrived of it waits for the next `start_tls`."""
        if self._encryption is not None and not self._encryption.begun and self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
            self._encryption.tls.release()
            self._in_clear()

    def cancel_tls(self) -> None:
        """Return to clear text if the other side has not begun the handshake; else do nothing."""
        if self._encryption is not None and not self._encryption.peer_has_begun:
            self.put_off_tls()

    async def send_eof(self) -> None:
        """Send close_notify if the connection is encrypted and open; in clear text the close itself is the end.

        Raises:
            OSError: The handshake failed.
            TimeoutError: The other side received nothing for `timeout` seconds.
        """
        if self._encryption is not None and not self.closed:
            await self.secured()
            await self._encryption.send_eof()

    async def end_tls(self) -> None:
        """Return to clear text: send close_notify and wait for the other side's (RFC 4217 12.3, CCC).

        Raises:
            ssl.SSLError: The other side sent something else.
            OSError: The connection is broken.
        """
        if self._encryption is not None and self.tls is not None:
            await self._encryption.end()
            self._in_clear()

    # Below TLS.

    def watch_end(self, callback: Callable[[], None], *, drop: bool = False) -> None:
        """Call `callback` when the other side has closed or reset the connection, until `unwatch` or `close`.

        Args:
            callback: Called once.
            drop: Whether bytes that arrive before the end are discarded; else they stay unread, and so does the end.
        """
        recv = self._transport.recv if drop else self._transport.peek  # below TLS, if there is any

        def look() -> None:
            try:
                data = recv(_DISCARD_SIZE)
            except NOT_READABLE:
                return
            except OSError:
                data = b""
            if not drop or not data:
                self.unwatch()
            if not data:
                callback()

        self.watch(look)

    def send_raw(self, data: bytes) -> None:
        """Send bytes below TLS; a transport that has no room or is broken discards them."""
        with contextlib.suppress(OSError):
            self._transport.send(data)

    async def wait_closed(self) -> None:
        """Wait until the other side has closed or reset the connection; discard what it sends until then, below TLS.

        Raises:
            TimeoutError: The other side sent nothing for `timeout` seconds.
            ConnectionAbortedError: The connection was closed on this side.
        """
        with contextlib.suppress(ConnectionResetError):
            while True:
                try:
                    if not self._transport.recv(_DISCARD_SIZE):
                        return
                except NOT_READABLE:
                    await self.readable()

    async def wait_sent(self) -> None:
        """Wait until the system has transmitted all that was sent, where it reports that: RST discards the rest.

        Raises:
            TimeoutError: The other side made no room for `timeout` seconds.
        """
        if not self.closed and self._transport.writable_when_sent():
            await self.writable()

    # The end.

    def close(self) -> None:
        """Close; what the transport has accepted is still delivered."""
        self._close(closing.CLOSE)

    def close_after_flush(self) -> None:
        """Close with close_notify and FIN behind all that was sent, so that no reply on its way is lost."""
        self._close(closing.AFTER_FLUSH)

    def abort_fin(self) -> None:
        """Close with FIN at once: without close_notify, and with received bytes discarded."""
        self._close(closing.ABORT_FIN)

    def reset(self) -> None:
        """Close with RST: the other side gets ECONNRESET, and what the system has not transmitted is lost."""
        self._close(closing.RESET)

    def shutdown_write(self) -> None:
        """Send FIN, without close_notify, and continue to receive; what is written afterwards is lost."""
        if not self.closed:
            with contextlib.suppress(OSError):
                closing.send_fin(self._transport)

    async def close_when_peer_closes(self) -> None:
        """Close after everything was sent; under TLS first wait until the other side has closed.

        A TLS 1.3 server sends tickets, which a client that only sends never receives. If a socket is closed with unread
        bytes, the kernel sends RST, and the other side loses what it has not received yet. So this side sends the end,
        and closes after the other side.

        Raises:
            TimeoutError: The other side did not close within `timeout` seconds.
            OSError: The connection is broken.
        """
        if self.is_tls and not self.closed:
            await self.send_eof()
            closing.send_fin(self._transport)
            with contextlib.suppress(ConnectionError):  # it closed without close_notify, or with unread bytes
                await self.receive(1)  # the end, or a byte that is discarded
        self.close()

    def _close(self, way: closing.Way) -> None:
        if not self.closed:
            closing.close(way, self._transport, self._encryption.tls if self._encryption is not None else None)
            self._mark_closed()
