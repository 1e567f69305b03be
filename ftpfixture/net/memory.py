"""Connections in memory: pairs of transports without a socket and without the operating system.

One rule: a program sees the same as of a TCP connection on the loopback of Linux: order, end, half close, reset, urgent
data, and a window that fills. Packets are not modelled: what was sent has arrived.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import ssl
from collections.abc import Callable

from ftpfixture import checks
from ftpfixture.net.hosts import family_of
from ftpfixture.net.tls_layer import TlsLayer
from ftpfixture.net.transport import Address, Buffer

__all__ = ["WINDOW", "WINDOW_SIZE", "MemoryTransport", "Readiness", "memory_pair"]

WINDOW = 1 << 22
"""Bytes that one side may send before the other receives any. Loopback sockets accept about this number."""


class Readiness:
    """Calls a callback in each turn of a loop in which a condition holds.

    Args:
        loop: The loop; its `call_when_polled`, if it has one, is used in place of `call_soon`.
        holds: The condition; code that changes its value calls `look`.
    """

    __slots__ = ("_call_soon", "_callback", "_context", "_handle", "_holds", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, holds: Callable[[], bool]) -> None:
        self._loop = loop
        self._call_soon = getattr(loop, "call_when_polled", loop.call_soon)
        self._holds = holds
        self._callback: Callable[[], object] | None = None
        self._context: contextvars.Context | None = None
        self._handle: asyncio.Handle | None = None

    def set_callback(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call only `callback` from now on; None for no callback."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._callback = None if callback is None else lambda: callback(*args)
        # The context is that of the caller, as for `loop.add_reader`: the callback must not run in the sender's.
        self._context = None if callback is None else contextvars.copy_context()
        self.look()

    def look(self) -> None:
        """Check the condition, because its value may have changed."""
        if self._callback is not None and self._handle is None and not self._loop.is_closed() and self._holds():
            self._handle = self._call_soon(self._call, context=self._context)

    def _call(self) -> None:
        self._handle = None
        if self._callback is not None and self._holds():
            try:
                self._callback()
            finally:
                self.look()


class MemoryTransport:
    """One end of a connection in memory; `memory_pair` makes two.

    Args:
        loop: The loop of this end; its `call_late`, if it has one, says when an answer of the other side arrives.
        local: Address of this end.
        peer: Address of the other end.
        window: Bytes that the other end may send before this end receives any.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, local: Address, peer: Address, window: int) -> None:
        self.loop = loop
        self.family = family_of(local[0])
        self.local = local
        self.peer = peer
        self._window = window
        self._far = self  # until `join`
        self._arrived = bytearray()
        self._closed = False
        self._ending = False  # this side has sent FIN
        self._ended = False  # the other side has sent FIN
        self._broken = False  # by RST
        self._error = 0  # errno of RST, until it is raised
        self._inline = False
        self._urgent = 0  # bytes unread, up to the urgent one
        self._late: Callable[[Callable[[], None]], object] = getattr(loop, "call_late", _at_once)
        self._readable = Readiness(loop, self.is_readable)
        self._writable = Readiness(loop, self.is_writable)

    def join(self, far: MemoryTransport) -> None:
        """Connect this end with `far`."""
        self._far, far._far = far, self

    # Bytes.

    def recv(self, size: int, /) -> bytes:
        """See Transport."""
        data = self.peek(size)
        if data:
            del self._arrived[: len(data)]
            self._urgent = max(0, self._urgent - len(data))
            self._far._writable.look()
        return data

    def peek(self, size: int) -> bytes:
        """See Transport."""
        self._check_open()
        if self._arrived:
            return bytes(memoryview(self._arrived)[:size])
        if not self._ended:
            self._raise_error()
            if not self._broken:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return b""

    def send(self, data: Buffer, /) -> int:
        """See Transport."""
        self._check_open()
        self._raise_error()
        if self._ending or self._broken:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        far = self._far
        if far._closed:
            self._late(self._receive_reset)  # the other side replies with RST after it was closed
            return len(data)
        if not self.is_writable():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        piece = memoryview(data)[: far._window - len(far._arrived)]
        far._arrived += piece
        far._readable.look()
        return len(piece)

    def send_urgent(self, data: bytes) -> int:
        """See Transport."""
        sent = self.send(data)
        if sent == len(data):
            if self._far._inline:
                self._far._urgent = len(self._far._arrived)
            else:
                del self._far._arrived[-1:]
        return sent

    def urgent_inline(self) -> None:
        """See Transport."""
        self._inline = True

    def urgent_pending(self) -> bool:
        """See Transport."""
        return self._urgent > 0

    def no_delay(self) -> None:
        """See Transport: without packets there is no delay."""

    def writable_when_sent(self) -> bool:
        """See Transport: what was sent has arrived; there is room when the other side receives some of it."""
        return True

    # The end.

    def shutdown_write(self) -> None:
        """See Transport."""
        self._check_open()
        if self._broken:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if not self._ending:
            self._ending = True
            self._far._receive_fin()

    def close(self) -> None:
        """See Transport."""
        if self._arrived:
            self.reset()
        elif not self._closed:
            self._close()
            if not self._ending:
                self._far._receive_fin()
            self._far._writable.look()  # a sender that waits for room gets the error

    def reset(self) -> None:
        """See Transport."""
        if not self._closed:
            self._close()
            self._far._receive_reset()

    def _close(self) -> None:
        self._closed = True
        self._arrived.clear()
        self._readable.set_callback(None)
        self._writable.set_callback(None)

    def _receive_fin(self) -> None:
        if not self._closed:
            self._ended = True
            self._readable.look()

    def _receive_reset(self) -> None:
        if not self._closed and not self._broken:
            self._broken = True
            # As on Linux: after FIN the reset is an error only for a sender.
            self._error = errno.EPIPE if self._ended else errno.ECONNRESET
            self._readable.look()
            self._writable.look()

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _raise_error(self) -> None:
        error, self._error = self._error, 0
        if error:
            raise OSError(error, os.strerror(error))

    # Readiness.

    def on_readable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self._check_open()
        self._readable.set_callback(callback, *args)

    def on_writable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self._check_open()
        self._writable.set_callback(callback, *args)

    @property
    def is_closed(self) -> bool:
        """Whether it is closed on this side."""
        return self._closed

    def is_readable(self) -> bool:
        """Whether `recv` would not have to wait."""
        return bool(self._arrived) or self._ended or self._broken

    def is_writable(self) -> bool:
        """Whether `send` would not have to wait."""
        far = self._far
        return len(far._arrived) < far._window or self._broken or self._ending or far._closed

    # TLS.

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> TlsLayer:
        """See Transport."""
        self._check_open()
        if self._broken:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return TlsLayer(self, context, server_side=server_side, server_hostname=server_hostname, session=session)

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._arrived)} bytes unread"
        return f"<{type(self).__name__} {self.local} to {self.peer}, {state}>"


def _at_once(call: Callable[[], None]) -> None:
    call()


WINDOW_SIZE = checks.whole_number(1, of="bytes")
"""A window of 0 would transfer nothing."""


def memory_pair(
    loop: asyncio.AbstractEventLoop,
    addresses: tuple[Address, Address] = (("127.0.0.1", 1), ("127.0.0.1", 2)),
    window: int = WINDOW,
    far_loop: asyncio.AbstractEventLoop | None = None,
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two transports that are connected with each other.

    Args:
        loop: The loop of the first end.
        addresses: The addresses of the two ends.
        window: Bytes that each end may send before the other receives any.
        far_loop: The loop of the second end, in the same thread; None for that of the first.

    Raises:
        ConfigurationError: The window is too small.
    """
    one, other = addresses
    WINDOW_SIZE("window", window)
    near, far = MemoryTransport(loop, one, other, window), MemoryTransport(far_loop or loop, other, one, window)
    near.join(far)
    return near, far
