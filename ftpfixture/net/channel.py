"""One non-blocking socket, driven by the loop as a readiness reactor.

One rule: this is the only module that touches connected sockets. A call is tried at once, and the loop is asked to
watch the socket only when the kernel says "not now".
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

__all__ = ["Channel", "peer_name"]

Address = tuple[str, int]

_NOT_NOW = (BlockingIOError, InterruptedError)
_CLOSED = "the connection was closed on this side"
_TURN = 32  # calls in a row that did not have to wait, after which all others on the loop have their turn


def peer_name(address: object) -> Address:
    """The (host, port) of a socket address of either family; an IPv4 address mapped into IPv6 comes back as IPv4."""
    if not isinstance(address, tuple) or len(address) < 2:
        return ("", 0)
    host, port = str(address[0]), int(address[1])
    return host.removeprefix("::ffff:") if "." in host else host, port


class Channel:
    """A connected socket that belongs to one session.

    Args:
        sock: Connected; the channel owns it from now on and makes it non-blocking.
        loop: The running loop.
        peer: Address of the other end, as accept or connect gave it.
        timeout: Seconds that one wait for the other side may last; None for no limit.
    """

    __slots__ = (
        "_backlog",
        "_corked",
        "_drained",
        "_fd",
        "_in_a_row",
        "_loop",
        "_reader",
        "_sock",
        "_writer",
        "closed",
        "local",
        "peer",
        "timeout",
    )

    def __init__(
        self, sock: socket.socket, loop: asyncio.AbstractEventLoop, peer: Address, timeout: float | None = None
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = loop
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._backlog = bytearray()
        self._corked = False
        self._in_a_row = 0
        self.timeout = timeout
        self.closed = False
        self.peer = peer
        self.local = peer_name(sock.getsockname())

    @property
    def family(self) -> socket.AddressFamily:
        """Address family of the socket."""
        return self._sock.family

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

    async def receive(self, size: int) -> bytes:
        """The next octets, 1 to `size` of them; b"" at the end of the stream.

        Raises:
            TimeoutError: Nothing came within `timeout`.
            OSError: The connection is broken, or was closed on this side.
        """
        self._in_a_row += 1
        if self._in_a_row > _TURN:
            await self._step_aside()
        while True:
            try:
                return self._sock.recv(size)
            except _NOT_NOW:
                await self._readable()
            except OSError:
                self._check_open()
                raise

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something can be received, until `unwatch` or `close`."""
        if not self.closed:
            self._loop.add_reader(self._fd, callback)

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
        if self._in_a_row > _TURN:
            await self._step_aside()
        while True:
            try:
                return self._sock.send(data)
            except _NOT_NOW:
                await self._writable()
            except OSError:
                self._check_open()
                raise

    def write(self, data: bytes) -> None:
        """Send now what the socket takes and keep the rest, in order, until it takes more.

        A broken connection is not an error here: the reading side will see it.
        """
        if self.closed:
            return
        if self._corked or self._backlog:
            self._backlog += data
            return
        sent = self._send_now(data)
        if sent < len(data):
            self._backlog += memoryview(data)[sent:]
            self._loop.add_writer(self._fd, self._flush)

    def cork(self) -> None:
        """Collect what is written until `uncork`, or the loop's next turn at the latest: one packet for all of it."""
        if not self._corked and not self.closed:
            self._corked = True
            self._loop.call_soon(self.uncork)

    def uncork(self) -> None:
        """Send what was collected."""
        if self._corked:
            self._corked = False
            if self._backlog and not self.closed:
                self._loop.add_writer(self._fd, self._flush)
                self._flush()

    @property
    def backlog(self) -> int:
        """Octets written that the socket has not taken yet."""
        return len(self._backlog)

    async def drain(self) -> None:
        """Wait until the socket has taken everything that was written, or is closed."""
        while self._backlog and not self.closed:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def _send_now(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return self._sock.send(data)
        except _NOT_NOW:
            return 0
        except OSError:
            return len(data)

    def _flush(self) -> None:
        del self._backlog[: self._send_now(self._backlog)]
        if not self._backlog:
            self._loop.remove_writer(self._fd)
            self._wake_drained()

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def _check_open(self) -> None:
        """Raise the error that a closed connection is, in place of that of a closed socket."""
        if self.closed:
            raise ConnectionAbortedError(_CLOSED) from None

    # Waiting.

    async def _step_aside(self) -> None:
        """Let everything else on the loop have its turn: a peer that is always ready must not keep the loop."""
        self._in_a_row = 0
        await asyncio.sleep(0)

    async def _readable(self) -> None:
        waiter = self._reader = self._loop.create_future()
        self._loop.add_reader(self._fd, _wake, waiter)
        try:
            await self._wait(waiter)
        finally:
            self._reader = None
            if not self.closed:
                self._loop.remove_reader(self._fd)

    async def _writable(self) -> None:
        waiter = self._writer = self._loop.create_future()
        self._loop.add_writer(self._fd, _wake, waiter)
        try:
            await self._wait(waiter)
        finally:
            self._writer = None
            if not self.closed:
                self._loop.remove_writer(self._fd)

    async def _wait(self, waiter: asyncio.Future[None]) -> None:
        self._in_a_row = 0
        if self.timeout is None:
            await waiter
        else:
            async with asyncio.timeout(self.timeout):
                await waiter

    # The end.

    def close(self) -> None:
        """Close in order: what the kernel has taken is still delivered, then FIN."""
        if self.closed:
            return
        if self._backlog:
            # One last try, so that a reply just written is not lost to a reader that is only slow.
            del self._backlog[: self._send_now(self._backlog)]
        self.closed = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._sock.close()
        self._wake_drained()
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
            if self._backlog:
                del self._backlog[: self._send_now(self._backlog)]
            self._sock.shutdown(socket.SHUT_WR)
            for _ in range(16):
                if not self._sock.recv(65536):
                    break
        except OSError:
            pass
        self.close()

    def reset(self) -> None:
        """Close with RST: the other side sees ECONNRESET, and what it has not read yet is lost."""
        if not self.closed:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
