"""Connections in memory: two transports, without a socket and without a system.

One rule: what a program can see of such a connection is what it sees of a TCP connection on the loopback of Linux: the
order, the end, half close, reset, urgent data, and a window that fills. Packets are not modelled: what was sent has
arrived.
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
"""Bytes that one side may send before the other has received any. Loopback sockets take about as many."""


class Readiness:
    """Calls back in each turn of a loop in which something holds, for as long as somebody wants to be called.

    Args:
        loop: Whose turns.
        holds: Whether it is time to call; whoever changes that calls `look`.
    """

    __slots__ = ("_callback", "_context", "_handle", "_holds", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, holds: Callable[[], bool]) -> None:
        self._loop = loop
        self._holds = holds
        self._callback: Callable[[], object] | None = None
        self._context: contextvars.Context | None = None
        self._handle: asyncio.Handle | None = None

    def tell(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call `callback` from now on, and nothing else; None for nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._callback = None if callback is None else lambda: callback(*args)
        # The context is that of now, as for `loop.add_reader`: who sends must not lend the other side his variables.
        self._context = None if callback is None else contextvars.copy_context()
        self.look()

    def look(self) -> None:
        """Something has changed."""
        if self._callback is not None and self._handle is None and not self._loop.is_closed() and self._holds():
            self._handle = self._loop.call_soon(self._call, context=self._context)

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
        loop: Of both ends.
        local: Address of this end.
        peer: Address of the other end.
        window: Bytes that the other end may send before this end has received any.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, local: Address, peer: Address, window: int) -> None:
        self.loop = loop
        self.family = family_of(local[0])
        self.local = local
        self.peer = peer
        self._window = window
        self._far = self  # until there is another end
        self._arrived = bytearray()
        self._closed = False
        self._ending = False  # this side has said its end
        self._ended = False  # the other side has
        self._broken = False  # by RST
        self._error = 0  # what RST means, until it is told
        self._inline = False
        self._readable = Readiness(loop, self._is_readable)
        self._writable = Readiness(loop, self._is_writable)

    def join(self, far: MemoryTransport) -> None:
        """Be the one end, and let `far` be the other."""
        self._far, far._far = far, self

    # Bytes.

    def recv(self, size: int, /) -> bytes:
        """See Transport."""
        data = self.peek(size)
        if data:
            del self._arrived[: len(data)]
            self._far._writable.look()
        return data

    def peek(self, size: int) -> bytes:
        """See Transport."""
        self._check_open()
        if self._arrived:
            return bytes(memoryview(self._arrived)[:size])
        if not self._ended:
            self._tell_error()
            if not self._broken:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return b""

    def send(self, data: Buffer, /) -> int:
        """See Transport."""
        self._check_open()
        self._tell_error()
        if self._ending or self._broken:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        far = self._far
        if far._closed:
            self._take_reset()  # the answer to what nobody is there to receive
            return len(data)
        if not self._is_writable():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        piece = memoryview(data)[: far._window - len(far._arrived)]
        far._arrived += piece
        far._readable.look()
        return len(piece)

    def send_urgent(self, data: bytes) -> int:
        """See Transport."""
        sent = self.send(data)
        if sent == len(data) and not self._far._inline:
            del self._far._arrived[-1:]
        return sent

    def urgent_inline(self) -> None:
        """See Transport."""
        self._inline = True

    def no_delay(self) -> None:
        """See Transport: there are no packets."""

    def writable_when_sent(self) -> bool:
        """See Transport: what was sent has arrived, and there is room as soon as the other side receives some of it."""
        return True

    # The end.

    def shutdown_write(self) -> None:
        """See Transport."""
        self._check_open()
        if self._broken:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if not self._ending:
            self._ending = True
            self._far._take_end()

    def close(self) -> None:
        """See Transport."""
        if self._arrived:
            self.reset()
        elif not self._closed:
            self._close()
            if not self._ending:
                self._far._take_end()
            self._far._writable.look()  # who waits for room is to hear that nobody is there

    def reset(self) -> None:
        """See Transport."""
        if not self._closed:
            self._close()
            self._far._take_reset()

    def _close(self) -> None:
        self._closed = True
        self._arrived.clear()
        self._readable.tell(None)
        self._writable.tell(None)

    def _take_end(self) -> None:
        if not self._closed:
            self._ended = True
            self._readable.look()

    def _take_reset(self) -> None:
        if not self._closed and not self._broken:
            self._broken = True
            # As Linux: whoever was told of the end already hears of the reset only when he sends.
            self._error = errno.EPIPE if self._ended else errno.ECONNRESET
            self._readable.look()
            self._writable.look()

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _tell_error(self) -> None:
        error, self._error = self._error, 0
        if error:
            raise OSError(error, os.strerror(error))

    # Readiness.

    def on_readable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self._check_open()
        self._readable.tell(callback, *args)

    def on_writable(self, callback: Callable[..., object] | None, *args: object) -> None:
        """See Transport."""
        if callback is not None:
            self._check_open()
        self._writable.tell(callback, *args)

    def _is_readable(self) -> bool:
        return bool(self._arrived) or self._ended or self._broken

    def _is_writable(self) -> bool:
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


WINDOW_SIZE = checks.whole_number(1, of="bytes")
"""What may be on its way: with none nothing would ever go through."""


def memory_pair(
    loop: asyncio.AbstractEventLoop,
    addresses: tuple[Address, Address] = (("127.0.0.1", 1), ("127.0.0.1", 2)),
    window: int = WINDOW,
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two ends that are connected with each other.

    Args:
        loop: Of both ends.
        addresses: Of the two ends.
        window: Bytes that each end may send before the other has received any.

    Raises:
        ConfigurationError: The window is too small.
    """
    one, other = addresses
    WINDOW_SIZE("window", window)
    near, far = MemoryTransport(loop, one, other, window), MemoryTransport(loop, other, one, window)
    near.join(far)
    return near, far
