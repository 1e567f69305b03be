"""Connected sockets as transports.

One rule: only this module uses connected sockets. TLS of a socket is Python's `ssl.SSLSocket`, which takes the
descriptor over; the methods of the plain socket class work below TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
import ssl
import struct
import traceback
from collections.abc import Callable
from typing import Any

from ftpfixture.net.sockets import PlainSocket, inherit
from ftpfixture.net.transport import Address, Buffer, TlsInfo, peer_name

__all__ = ["SocketTls", "SocketTransport", "close_half_made"]

_ACKNOWLEDGE: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux: acknowledge at once, for some time
_CORK: int | None = getattr(socket, "TCP_CORK", None)  # Linux: collect, and send nothing
_UNSENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux: bytes that may wait unsent in the system
_POLL: Callable[[], Any] | None = getattr(select, "poll", None)  # not on Windows
_LINGER_NOT = struct.pack("ii", 1, 0)


class SocketTransport:
    """A connected socket, which the transport owns from now on and makes non-blocking.

    Args:
        sock: A connected socket.
        loop: The loop that watches it.
        peer: Address of the other end, as accept or connect returned it.

    Raises:
        OSError: The other side has already reset it; the caller still owns it.
    """

    __slots__ = ("_fd", "_sock", "family", "local", "loop", "peer", "recv", "send")

    recv: Callable[[int], bytes]
    send: Callable[[Buffer], int]

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, peer: Address) -> None:
        self.local = peer_name(sock.getsockname())
        sock.setblocking(False)
        self.loop = loop
        self.family = sock.family
        self.peer = peer
        self._fd = sock.fileno()
        self._in_clear(sock)

    def _in_clear(self, sock: socket.socket) -> None:
        self._sock = sock
        self.recv, self.send = sock.recv, sock.send  # in C: a Python method would cost a third of a small receive

    def _below(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self.recv, self.send = PlainSocket.recv.__get__(sock), PlainSocket.send.__get__(sock)

    def peek(self, size: int) -> bytes:
        """See Transport."""
        return PlainSocket.recv(self._sock, size, socket.MSG_PEEK)  # SSLSocket.recv accepts no flags

    def send_urgent(self, data: bytes) -> int:
        """See Transport."""
        return PlainSocket.send(self._sock, data, socket.MSG_OOB)

    def shutdown_write(self) -> None:
        """See Transport."""
        PlainSocket.shutdown(self._sock, socket.SHUT_WR)  # SSLSocket.shutdown would drop TLS

    def close(self) -> None:
        """See Transport."""
        if self._fd >= 0:
            if not self.loop.is_closed():
                self.loop.remove_reader(self._fd)
                self.loop.remove_writer(self._fd)
            self._fd = -1  # the system may reuse the number from now on
            self._sock.close()

    def reset(self) -> None:
        """See Transport."""
        if self._fd >= 0:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self.close()

    def no_delay(self) -> None:
        """See Transport."""
        with contextlib.suppress(OSError):  # a local socket without TCP never delays
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def urgent_inline(self) -> None:
        """See Transport."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)

    def urgent_pending(self) -> bool:
        """See Transport."""
        if _POLL is None or self._fd < 0:
            return False
        exceptional = _POLL()
        exceptional.register(self._fd, select.POLLPRI)
        return bool(exceptional.poll(0))

    def writable_when_sent(self) -> bool:
        """See Transport."""
        if _UNSENT is None:
            return False
        self._sock.setsockopt(socket.IPPROTO_TCP, _UNSENT, 1)
        return True

    def on_readable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self.loop.add_reader(self._open(), callback, *args)
        elif self._fd >= 0:
            self.loop.remove_reader(self._fd)

    def on_writable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self.loop.add_writer(self._open(), callback, *args)
        elif self._fd >= 0:
            self.loop.remove_writer(self._fd)

    def _open(self) -> int:
        if self._fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._fd

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> SocketTls:
        """See Transport."""
        clear = self._sock
        try:
            encrypted = context.wrap_socket(
                clear,
                server_side=server_side,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
                server_hostname=server_hostname,
                session=session,
            )
        except BaseException as error:
            close_half_made(error)
            raise
        inherit(encrypted, clear)
        self._below(encrypted)
        return SocketTls(self, encrypted)

    def end_tls(self, encrypted: ssl.SSLSocket) -> None:
        """Return to clear text, with the descriptor that TLS had."""
        # An SSLSocket cannot be encrypted again after unwrap, so a plain socket replaces it.
        clear = PlainSocket(fileno=encrypted.detach())
        inherit(clear, encrypted)
        clear.setblocking(False)
        self._in_clear(clear)


class SocketTls:
    """TLS of a socket.

    Args:
        below: The transport that waits and closes.
        sock: The socket, which owns the descriptor.
    """

    __slots__ = ("_below", "_sock", "recv", "send")

    recv: Callable[[int], bytes]
    send: Callable[[Buffer], int]

    def __init__(self, below: SocketTransport, sock: ssl.SSLSocket) -> None:
        self._below = below
        self._sock = sock
        self.recv, self.send = sock.recv, sock.send

    @property
    def session(self) -> ssl.SSLSession | None:
        """See TlsTransport."""
        return self._sock.session

    def do_handshake(self) -> None:
        """See TlsTransport."""
        self._sock.do_handshake()
        if _ACKNOWLEDGE is not None:
            # Under TLS 1.2 a client's system keeps close_notify back until the bytes before it are acknowledged; this
            # side has nothing to send, and would acknowledge after 40 ms (ftplib's short uploads).
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE, 1)

    def info(self) -> TlsInfo:
        """See TlsTransport."""
        return TlsInfo.of(self._sock)

    @property
    def established(self) -> bool:
        """See TlsTransport."""
        return self._sock.version() is not None

    def unwrap(self) -> None:
        """See TlsTransport."""
        # Python's method sends close_notify and then reads: clear text that replies to it would be lost. So the cork
        # keeps close_notify back until the method has returned.
        if _CORK is None:
            self._sock.unwrap()
            return
        self._sock.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        try:
            self._sock.unwrap()
        finally:
            self._sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    def release(self) -> None:
        """See TlsTransport."""
        self._below.end_tls(self._sock)


def close_half_made(error: BaseException) -> None:
    """Close the socket that a failed `wrap_socket` has taken over and does not close if the connection was reset."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()
