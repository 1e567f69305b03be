"""The connection of one session: bytes, TLS, and every way to end it.

One rule: this is what the rooms above see of a connection. Waiting is in `reactor`, the TLS handshake in `tls`, and the
steps of closing in `closing`.
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

_DROPPED_AT_ONCE = 1 << 16  # bytes that nobody wants


class Channel(Reactor):
    """A connection that belongs to one session.

    Args:
        transport: It belongs to the channel from now on.
        timeout: Seconds that one wait for the other side may last; None for no limit.
        limit: Makes the context manager that holds a wait to that, by a clock of its own.

    Attributes:
        on_handshake: Awaited when the other side begins the TLS handshake; what it raises is how that ends.
        no_close_notify: Whether to end without close_notify.
    """

    __slots__ = ("_encryption", "no_close_notify", "on_handshake")

    def __init__(
        self,
        transport: Transport,
        timeout: float | None = None,
        limit: Callable[[float], contextlib.AbstractAsyncContextManager[object]] = asyncio.timeout,
    ) -> None:
        super().__init__(transport, timeout, limit)
        self._encryption: Encryption | None = None
        self.on_handshake: Callable[[], Awaitable[None]] | None = None
        self.no_close_notify = False

    def set_control_options(self) -> None:
        """No delay for small replies; urgent bytes stay in line.

        `ftplib.abort()` sends all of ABOR as urgent data: otherwise its last byte never shows up.
        """
        self._transport.no_delay()
        self._transport.urgent_inline()

    def send_small(self) -> None:
        """Let each send be a packet of its own."""
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
        """Begin a handshake, unless there was one. It goes on by itself: `secured`, `receive` and `send` wait for it.

        Nothing may be waiting for this channel meanwhile. What came in clear and was not received yet is taken for the
        beginning of the handshake; what was received is for the caller to throw away.

        Args:
            context: With certificates and what is asked of the other side.
            server_side: Whether we are the server of TLS.
            server_hostname: Whose certificate the other side must have, if the context checks that.
            session: An earlier one to resume.
            require_close_notify: Whether an end without it is an error, because it may be a cut; else it is the end,
                even if it is RST, which the system of a client says that closes with tickets unread (TLS 1.3).
            tickets: Whether a server offers TLS 1.3 sessions to resume. A client that only sends does not read them,
                and what it has sent may be lost when it closes (see `leave`): lftp issue 666, curl issue 6149.

        Raises:
            OSError: The connection is broken already; it is closed.
            ValueError: The context does not fit; it is closed.
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
        # Whoever uses the channel is told; if nobody does, it does not matter.
        self._handshake.add_done_callback(lambda task: task.cancelled() or task.exception())

    def _in_clear(self) -> None:
        self._encryption, self._lenient = None, False
        self._recv, self._send = self._transport.recv, self._transport.send

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted, or will be after the handshake."""
        return self._encryption is not None

    @property
    def tls(self) -> TlsInfo | None:
        """How it is encrypted; None in clear, and before the handshake is over."""
        return self._encryption.info if self._encryption is not None else None

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session to resume on another connection; None in clear, or when there is none yet."""
        return self._encryption.tls.session if self._encryption is not None else None

    @property
    def offers_tickets(self) -> bool:
        """Whether this is the server of a TLS connection on which it offers sessions to resume."""
        return self._encryption is not None and self._encryption.offers_tickets

    def put_off_tls(self) -> None:
        """Go back to before the handshake if none of it was read; what has come of it waits for `start_tls`."""
        if self._encryption is not None and not self._encryption.begun and self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
            self._encryption.tls.release()
            self._in_clear()

    def cancel_tls(self) -> None:
        """Go back to clear text if the other side has not begun the handshake; else do nothing."""
        if self._encryption is not None and not self._encryption.asked_for:
            self.put_off_tls()

    async def send_eof(self) -> None:
        """Tell the other side, if it is still there, that nothing more comes: close_notify; in clear the close says so.

        Raises:
            OSError: The handshake failed.
            TimeoutError: The other side took nothing within `timeout`.
        """
        if self._encryption is not None and not self.closed:
            await self.secured()
            await self._encryption.send_eof()

    async def end_tls(self) -> None:
        """Go back to clear text: say close_notify and wait for the other side's (RFC 4217 12.3, CCC).

        Raises:
            ssl.SSLError: The other side said something else.
            OSError: The connection is broken.
        """
        if self._encryption is not None and self.tls is not None:
            await self._encryption.end()
            self._in_clear()

    # Below TLS.

    def watch_end(self, callback: Callable[[], None], *, drop: bool = False) -> None:
        """Call `callback` when the other side is gone, until `unwatch` or `close`.

        Args:
            callback: Called once.
            drop: Whether what comes before is thrown away; else it is left for others, and with it the end.
        """
        look_at = self._transport.recv if drop else self._transport.peek  # below TLS, if there is any

        def look() -> None:
            try:
                data = look_at(_DROPPED_AT_ONCE)
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
        """Send bytes below TLS, if the transport takes them."""
        with contextlib.suppress(OSError):
            self._transport.send(data)

    async def wait_closed(self) -> None:
        """Wait until the other side is gone; what it says until then, below TLS, is thrown away.

        Raises:
            TimeoutError: It says nothing for `timeout` seconds.
            ConnectionAbortedError: The connection was closed on this side.
        """
        with contextlib.suppress(ConnectionResetError):
            while True:
                try:
                    if not self._transport.recv(_DROPPED_AT_ONCE):
                        return
                except NOT_READABLE:
                    await self.readable()

    async def wait_sent(self) -> None:
        """Wait until all that was sent is on its way, where the system tells: what is not, RST destroys.

        Raises:
            TimeoutError: The other side did not take it within `timeout`.
        """
        if not self.closed and self._transport.writable_when_sent():
            await self.writable()

    # The end.

    def close(self) -> None:
        """Close; what the transport has taken is still delivered."""
        self._close(closing.CLOSE)

    def close_after_flush(self) -> None:
        """Close without destroying replies that are on their way."""
        self._close(closing.GENTLY)

    def abort_fin(self) -> None:
        """Close with FIN in the middle of whatever goes on: without close_notify, and whatever is still unread."""
        self._close(closing.CUT)

    def reset(self) -> None:
        """Close with RST: the other side sees ECONNRESET, and what is not on its way yet is lost."""
        self._close(closing.RESET)

    def shutdown_write(self) -> None:
        """Say FIN, without close_notify, and go on receiving; what is written from here on is lost."""
        if not self.closed:
            with contextlib.suppress(OSError):
                closing.say_fin(self._transport)

    async def close_when_peer_closes(self) -> None:
        """Close after everything was sent; under TLS the other side may still have something to say that nobody reads.

        Under TLS 1.3 a server sends tickets that a client which only sends never receives. Closing a socket with
        unread bytes makes the kernel send RST, and that destroys what the other side has not received yet: so say the
        end, and close when the other side has closed.

        Raises:
            TimeoutError: It does not, within `timeout`.
            OSError: The connection is broken.
        """
        if self.is_tls and not self.closed:
            await self.send_eof()
            closing.say_fin(self._transport)
            with contextlib.suppress(ConnectionError):  # it closed without close_notify, or with what it had not read
                await self.receive(1)  # the end; or else it sends something that nobody wants to have
        self.close()

    def _close(self, way: closing.Way) -> None:
        if not self.closed:
            closing.close(way, self._transport, self._encryption.tls if self._encryption is not None else None)
            self._tell_closed()
