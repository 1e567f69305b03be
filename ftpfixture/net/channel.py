"""One non-blocking socket, driven by the loop as a readiness reactor.

One rule: this is the only module that touches connected sockets. A call is tried at once, and the loop is asked to
watch the socket only when the kernel says "not now".
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import struct
import traceback
from asyncio import shield
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ftpfixture.aio import take_turns
from ftpfixture.net.sockets import PlainSocket, inherit

__all__ = ["Channel", "TlsInfo", "close_half_made", "peer_name"]

Address = tuple[str, int]

# What a socket says when it would have to wait; under TLS either direction may have to wait for either.
_NOT_READABLE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
_NOT_NOW = (*_NOT_READABLE, ssl.SSLWantWriteError)
_CLOSED = "the connection was closed on this side"
_ACKNOWLEDGE: int | None = getattr(socket, "TCP_QUICKACK", None)  # of Linux: acknowledge at once, for a while
_CORK: int | None = getattr(socket, "TCP_CORK", None)  # of Linux: send nothing yet
_UNSENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # of Linux: how much may wait in the system
_RECORDS = range(20, 25)  # what records of TLS begin with (RFC 8446 5.1), and no command or reply
_DROPPED = 64  # reads of what nobody wants, before a connection is closed all the same
_IN_A_ROW = 4  # calls that did not have to wait, after which it is time to look whether others have waited for long


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


_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


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


class Channel:
    """A connected socket that belongs to one session.

    Args:
        sock: Connected; the channel owns it from now on and makes it non-blocking.
        loop: The running loop.
        peer: Address of the other end, as accept or connect gave it.
        timeout: Seconds that one wait for the other side may last; None for no limit.
        limit: Makes the context manager that holds a wait to that, by a clock of its own.

    Attributes:
        before_handshake: Awaited when the other side begins to shake hands; what it raises is how that ends.
        offers_tickets: Whether this is the server of a TLS connection on which it offers sessions to resume.
        unannounced: Whether to end without close_notify.
    """

    __slots__ = (
        "_begun",
        "_fd",
        "_handshake",
        "_in_a_row",
        "_lenient",
        "_limit",
        "_loop",
        "_on_room",
        "_reader",
        "_sock",
        "_writer",
        "before_handshake",
        "closed",
        "local",
        "offers_tickets",
        "peer",
        "timeout",
        "tls",
        "unannounced",
    )

    def __init__(
        self,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        peer: Address,
        timeout: float | None = None,
        limit: Callable[[float], contextlib.AbstractAsyncContextManager[object]] = asyncio.timeout,
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = loop
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._on_room: Callable[[], None] | None = None
        self._in_a_row = 0
        self._begun = False
        self._lenient = False
        self._handshake: asyncio.Task[None] | None = None
        self.timeout = timeout
        self._limit = limit
        self.tls: TlsInfo | None = None
        self.closed = False
        self.before_handshake: Callable[[], Awaitable[None]] | None = None
        self.offers_tickets = False
        self.unannounced = False
        self.peer = peer
        self.local = peer_name(sock.getsockname())

    @property
    def family(self) -> socket.AddressFamily:
        """Address family of the socket."""
        return self._sock.family

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that drives it."""
        return self._loop

    def set_control_options(self) -> None:
        """No delay for small replies; urgent octets stay in line.

        `ftplib.abort()` sends all of ABOR as urgent data: without SO_OOBINLINE its last octet never shows up.
        """
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)

    # Receiving.

    def receive_now(self, size: int) -> bytes | None:
        """What is there, at most `size` octets: b"" at the end of the stream, None when nothing is there yet.

        Raises:
            OSError: The connection is broken.
        """
        try:
            return self._sock.recv(size)
        except _NOT_NOW:
            return None
        except ssl.SSLZeroReturnError:
            return b""  # the end, after we have said it, too
        except OSError as error:
            self._explain(error)
            raise

    async def receive(self, size: int) -> bytes:
        """The next octets, 1 to `size` of them; b"" at the end of the stream.

        Raises:
            TimeoutError: Nothing came within `timeout`.
            OSError: The connection is broken, or was closed on this side.
        """
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            await self._step_aside()
        if self._handshake is not None:
            await self.secured()
        while True:
            try:
                return self._sock.recv(size)
            except _NOT_READABLE:
                await self._readable()
            except ssl.SSLWantWriteError:
                await self._writable()
            except ssl.SSLZeroReturnError:
                return b""
            except OSError as error:
                # Before 3.13 Python calls RST an SSLEOFError, too.
                if self._lenient and isinstance(error, ssl.SSLEOFError | ConnectionResetError):
                    return b""
                self._explain(error)
                raise

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something can be received, until `unwatch` or `close`."""
        if not self.closed:
            self._loop.add_reader(self._fd, callback)

    def watch_end(self, callback: Callable[[], None], *, drop: bool = False) -> None:
        """Call `callback` when the other side is gone, until `unwatch` or `close`.

        Args:
            callback: Called once.
            drop: Whether what comes before is thrown away; else it is left for others, and with it the end.
        """

        def look() -> None:
            try:
                # Below TLS, if there is any.
                octets = PlainSocket.recv(self._sock, 65536, 0 if drop else socket.MSG_PEEK)
            except _NOT_READABLE:
                return
            except OSError:
                octets = b""
            if not drop or not octets:
                self.unwatch()
            if not octets:
                callback()

        self.watch(look)

    def unwatch(self) -> None:
        """Stop calling the callback of `watch`."""
        if not self.closed:
            self._loop.remove_reader(self._fd)

    # Sending.

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, waiting until at least one octet can go.

        Returns:
            How many octets went.

        Raises:
            TimeoutError: The other side took nothing within `timeout`.
            OSError: The connection is broken, or was closed on this side.
        """
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            await self._step_aside()
        if self._handshake is not None:
            await self.secured()
        while True:
            try:
                return self._sock.send(data)
            except ssl.SSLWantReadError:
                await self._readable()
            except _NOT_NOW:
                await self._writable()
            except OSError as error:
                self._explain(error)
                raise

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what the socket takes at once; how many bytes that is.

        A broken connection takes everything: it is not an error here, because the reading side will see it.
        """
        try:
            return self._sock.send(data)
        except _NOT_NOW:
            return 0
        except OSError:
            return len(data)

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the socket takes more, and once when it is closed, until `unwatch_room`."""
        if not self.closed:
            self._on_room = callback
            self._loop.add_writer(self._fd, callback)

    def unwatch_room(self) -> None:
        """Stop calling the callback of `watch_room`."""
        self._on_room = None
        if not self.closed:
            self._loop.remove_writer(self._fd)

    def _explain(self, error: OSError) -> None:
        """Raise what an error means, if its own name does not tell."""
        if self.closed:
            raise ConnectionAbortedError(_CLOSED) from None
        if isinstance(error, ssl.SSLEOFError):
            raise ConnectionResetError("closed without close_notify: what came may be less than was sent") from error
        if isinstance(error, ssl.SSLError):
            raise ConnectionAbortedError(f"TLS failed: {error.reason or error}") from error

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
        """
        if self.is_tls:
            return
        try:
            with contextlib.nullcontext() if tickets else _without_tickets(context):
                clear, self._sock = (
                    self._sock,
                    context.wrap_socket(
                        self._sock,
                        server_side=server_side,
                        do_handshake_on_connect=False,
                        suppress_ragged_eofs=False,
                        server_hostname=server_hostname,
                        session=session,
                    ),
                )
        except BaseException as error:
            close_half_made(error)
            self.close()
            raise
        inherit(self._sock, clear)
        self.offers_tickets = server_side and tickets
        self._lenient = not require_close_notify
        self._begun = not server_side
        self._handshake = self._loop.create_task(self._shake_hands(self._sock))
        # Whoever uses the channel is told; if nobody does, it does not matter.
        self._handshake.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _shake_hands(self, sock: ssl.SSLSocket) -> None:
        if not self._begun:
            await self._readable()
            self._begun = self._peeked() != b""
            if self.before_handshake is not None:
                await self.before_handshake()
        while True:
            try:
                sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._readable()
            except ssl.SSLWantWriteError:
                await self._writable()
            else:
                break
        if _ACKNOWLEDGE is not None:
            # Under TLS 1.2 a client says close_notify, and its system keeps that until what it sent before is
            # acknowledged; this side has nothing to send, and would do so after 40 ms (ftplib's short uploads).
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE, 1)
        cipher = sock.cipher()
        self.tls = TlsInfo(
            sock.version() or "", cipher[0] if cipher else "", bool(sock.session_reused), sock.getpeercert() or None
        )

    async def encrypt(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Shake hands, as the client of TLS.

        Raises:
            OSError: That failed.
            TimeoutError: The other side took longer than `timeout` for one step.
        """
        self.start_tls(context, server_side=False, server_hostname=server_hostname)
        await self.secured()

    def take_tls_back(self) -> None:
        """Go back to clear text if the other side has not begun the TLS handshake; else do nothing."""
        if self.is_tls and not self._begun and not self._peeked():
            self.put_off_tls()

    def put_off_tls(self) -> None:
        """Go back to before the TLS handshake if none of it was read; what has come of it waits for `start_tls`."""
        if isinstance(self._sock, ssl.SSLSocket) and not self._begun and self._handshake:
            self._handshake.cancel()
            self._handshake = None
            self._unwrapped(self._sock)

    def _unwrapped(self, sock: ssl.SSLSocket) -> None:
        # Python's object would stay an encrypted one by its class, and could not be encrypted again.
        self._sock = PlainSocket(fileno=sock.detach())
        self.offers_tickets = False
        inherit(self._sock, sock)
        self._sock.setblocking(False)

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted, or will be when hands are shaken."""
        return isinstance(self._sock, ssl.SSLSocket)

    async def secured(self) -> None:
        """Wait until the handshake is over, if there is one.

        Raises:
            ssl.SSLError: It failed.
            OSError: The connection broke meanwhile.
            TimeoutError: The other side took longer than `timeout` for one step.
        """
        if self._handshake is not None:
            handshake = self._handshake
            await shield(handshake)
            self._handshake = None

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session to resume on another connection; None in clear, or when there is none yet."""
        return self._sock.session if isinstance(self._sock, ssl.SSLSocket) else None

    async def send_end(self) -> None:
        """Tell the other side, if it is still there, that nothing more comes: close_notify; in clear the close says so.

        Raises:
            OSError: The handshake failed.
            TimeoutError: The other side took nothing within `timeout`.
        """
        if self._handshake is not None:
            await self.secured()
        # The version is None when both sides have said it, or when this side has closed.
        while isinstance(self._sock, ssl.SSLSocket) and self._sock.version() is not None and not self.unannounced:
            try:
                self._sock.unwrap()
            except ssl.SSLWantWriteError:
                await self._writable()
            except ssl.SSLError:
                return  # it is said; what the other side answers is for who receives next
            except ConnectionError:
                return  # nobody is there any more to be told

    async def end_tls(self) -> None:
        """Go back to clear text: say close_notify and wait for the other side's (RFC 4217 12.3, CCC).

        curl does not say it unless told to, and goes on in clear when it has heard ours.

        Raises:
            ssl.SSLError: The other side said something else.
            OSError: The connection is broken.
        """
        answer = b""
        while isinstance(self._sock, ssl.SSLSocket) and self.tls is not None:
            try:
                self._unwrap(self._sock)
            except ssl.SSLWantReadError:
                await self._readable()
                answer = answer or self._peeked()
                if not answer or answer[0] in _RECORDS:
                    continue
            except ssl.SSLWantWriteError:
                await self._writable()
                continue
            self._unwrapped(self._sock)
            self.tls = None

    def _unwrap(self, sock: ssl.SSLSocket) -> None:
        # Python's method sends, and then reads: what comes in clear because of what was sent would be lost. So it is
        # held back until the method has returned.
        if _CORK is None:
            sock.unwrap()
            return
        sock.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        try:
            sock.unwrap()
        finally:
            sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    def _peeked(self) -> bytes:
        try:
            return PlainSocket.recv(self._sock, 1, socket.MSG_PEEK)  # not SSLSocket's own, which knows no flags
        except OSError:
            return b""

    async def leave(self) -> None:
        """Close after everything was sent; under TLS the other side may still have something to say that nobody reads.

        Under TLS 1.3 a server sends tickets that a client which only sends never receives. Closing a socket with
        unread octets makes the kernel send RST, and that destroys what the other side has not received yet: so say the
        end, and close when the other side has closed.

        Raises:
            TimeoutError: It does not, within `timeout`.
            OSError: The connection is broken.
        """
        if self.is_tls and not self.closed:
            await self.send_end()
            # Not SSLSocket's own, which would forget the encryption.
            PlainSocket.shutdown(self._sock, socket.SHUT_WR)
            try:
                await self.receive(1)  # the end; or else it sends something that nobody wants to have
            except ConnectionError:
                pass  # it closed without close_notify, or with what it had not read
        self.close()

    # Waiting.

    async def _step_aside(self) -> None:
        """Let everything else on the loop have its turn: a peer that is always ready must not keep the loop."""
        self._in_a_row = 0
        await take_turns()

    async def _readable(self) -> None:
        self._only_open()
        waiter = self._reader = self._loop.create_future()
        self._loop.add_reader(self._fd, _wake, waiter)
        try:
            await self._wait(waiter)
        finally:
            self._reader = None
            if not self.closed:
                self._loop.remove_reader(self._fd)

    async def _writable(self) -> None:
        self._only_open()
        waiter = self._writer = self._loop.create_future()
        self._loop.add_writer(self._fd, _wake, waiter)
        try:
            await self._wait(waiter)
        finally:
            self._writer = None
            if not self.closed:
                self._loop.remove_writer(self._fd)

    def _only_open(self) -> None:
        # Else the loop would watch what has the number of the descriptor now, which may be another connection.
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    async def _wait(self, waiter: asyncio.Future[None]) -> None:
        self._in_a_row = 0
        if self.timeout is None:
            await waiter
        else:
            async with self._limit(self.timeout):
                await waiter

    # The end.

    def close(self) -> None:
        """Close in order: what the kernel has taken is still delivered, then FIN."""
        if self.closed:
            return
        self.closed = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._sock.close()
        if self._on_room is not None:
            self._on_room()
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_exception(ConnectionAbortedError(_CLOSED))

    def close_gently(self) -> None:
        """Close without destroying replies that are on their way.

        Closing a socket that still holds unread octets makes the kernel send RST, which throws away what the client
        has not read yet: so say FIN, then read and drop what is there before closing.
        """
        if self.closed:
            return
        try:
            if isinstance(self._sock, ssl.SSLSocket) and self._sock.version() is not None:
                with contextlib.suppress(ssl.SSLError):
                    self._sock.unwrap()
            self._sock.shutdown(socket.SHUT_WR)
            for _ in range(16):
                if not self._sock.recv(65536):
                    break
        except OSError:
            pass
        self.close()

    def half_close(self) -> None:
        """Say FIN, without close_notify, and go on receiving; what is written from here on is lost."""
        if not self.closed:
            with contextlib.suppress(OSError):
                PlainSocket.shutdown(self._sock, socket.SHUT_WR)  # not SSLSocket's own, which would forget TLS

    def cut(self) -> None:
        """Close with FIN in the middle of whatever goes on: without close_notify, and whatever is still unread."""
        self.half_close()
        if not self.closed:
            self._drop_unread()
        self.close()

    def _drop_unread(self) -> None:
        # Closing with unread octets would make the kernel send RST behind the FIN.
        with contextlib.suppress(OSError):
            for _ in range(_DROPPED):
                if not PlainSocket.recv(self._sock, 65536):
                    break

    async def gone(self) -> None:
        """Wait until the other side is gone; what it says until then, below TLS, is thrown away.

        Raises:
            TimeoutError: It says nothing for `timeout` seconds.
            ConnectionAbortedError: The connection was closed on this side.
        """
        with contextlib.suppress(ConnectionResetError):
            while True:
                try:
                    if not PlainSocket.recv(self._sock, 65536):
                        return
                except _NOT_READABLE:
                    await self._readable()

    def send_raw(self, octets: bytes) -> None:
        """Send octets below TLS, if the socket takes them."""
        with contextlib.suppress(OSError):
            PlainSocket.send(self._sock, octets)

    async def sent(self) -> None:
        """Wait until all that was sent is on its way, where the system tells: what is not, RST destroys.

        Raises:
            TimeoutError: The other side did not take it within `timeout`.
        """
        if _UNSENT is not None and not self.closed:
            self._sock.setsockopt(socket.IPPROTO_TCP, _UNSENT, 1)
            await self._writable()

    def send_small(self) -> None:
        """Let each send be a packet of its own."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        """Close with RST: the other side sees ECONNRESET, and what it has not read yet is lost."""
        if not self.closed:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()


@contextlib.contextmanager
def _without_tickets(context: ssl.SSLContext) -> Iterator[None]:
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


def close_half_made(error: BaseException) -> None:
    """Close the socket that `wrap_socket` had taken over when it failed: it forgets that of a connection just reset."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
