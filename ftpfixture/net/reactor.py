"""A connection that can wait: a call tries its transport at once, and waits for the loop only if that would block.

One rule: a wait is for one event, lasts at most `timeout`, and ends with an error when the connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from asyncio import shield
from collections.abc import Callable

from ftpfixture.aio import take_turns
from ftpfixture.net.transport import NOT_NOW, NOT_READABLE, Buffer, Transport

__all__ = ["Reactor"]

_CLOSED = "the connection was closed on this side"
_IN_A_ROW = 4  # calls that did not wait, after which other tasks get a turn


class Reactor:
    """Receives, sends and waits.

    Args:
        transport: The reactor owns it from now on.
        timeout: Seconds that one wait for the other side may last; None for no limit.
        limit: Makes a context manager that ends a wait after the given seconds, by its own clock.

    Attributes:
        closed: Whether the connection is closed on this side.
        loop: The loop that drives the connection.
        local: Address of this end.
        peer: Address of the other end.
    """

    __slots__ = (
        "_handshake",
        "_in_a_row",
        "_lenient",
        "_limit",
        "_on_room",
        "_reader",
        "_recv",
        "_send",
        "_transport",
        "_writer",
        "closed",
        "local",
        "loop",
        "peer",
        "timeout",
    )

    def __init__(
        self,
        transport: Transport,
        timeout: float | None = None,
        limit: Callable[[float], contextlib.AbstractAsyncContextManager[object]] = asyncio.timeout,
    ) -> None:
        self._transport = transport
        self._recv, self._send = transport.recv, transport.send  # or those of TLS over it
        self._handshake: asyncio.Task[None] | None = None  # receive and send wait for it
        self._lenient = False  # whether TLS may end without close_notify
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._on_room: Callable[[], None] | None = None
        self._in_a_row = 0
        self._limit = limit
        self.timeout = timeout
        self.closed = False
        self.loop = transport.loop
        self.local = transport.local
        self.peer = transport.peer

    # Receiving.

    def receive_now(self, size: int) -> bytes | None:
        """The bytes that have arrived, at most `size`: b"" at the end of the stream, None if none has arrived.

        Raises:
            OSError: The connection is broken.
        """
        try:
            return self._recv(size)
        except NOT_NOW:
            return None
        except ssl.SSLZeroReturnError:
            return b""  # the end, after both sides have sent close_notify
        except OSError as error:
            self._explain(error)
            raise

    async def receive(self, size: int) -> bytes:
        """The next bytes, 1 to `size` of them; b"" at the end of the stream.

        Raises:
            TimeoutError: Nothing arrived for `timeout` seconds.
            OSError: The connection is broken, or was closed on this side.
        """
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            await self._yield_turn()
        if self._handshake is not None:
            await self.secured()
        while True:
            try:
                return self._recv(size)
            except NOT_READABLE:
                await self.readable()
            except ssl.SSLWantWriteError:
                await self.writable()
            except ssl.SSLZeroReturnError:
                return b""
            except OSError as error:
                # Before 3.13 Python raises SSLEOFError for RST, too.
                if self._lenient and isinstance(error, ssl.SSLEOFError | ConnectionResetError):
                    return b""
                self._explain(error)
                raise

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever bytes or the end can be received, until `unwatch` or `close`."""
        if not self.closed:
            self._transport.on_readable(callback)

    def unwatch(self) -> None:
        """Stop calling the callback of `watch`."""
        if not self.closed:
            self._transport.on_readable(None)

    # Sending.

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, after waiting until at least one byte can be sent.

        Returns:
            The number of bytes sent.

        Raises:
            TimeoutError: The other side received nothing for `timeout` seconds.
            OSError: The connection is broken, or was closed on this side.
        """
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            await self._yield_turn()
        if self._handshake is not None:
            await self.secured()
        while True:
            try:
                return self._send(data)
            except ssl.SSLWantReadError:
                await self.readable()
            except NOT_NOW:
                await self.writable()
            except OSError as error:
                self._explain(error)
                raise

    def send_now(self, data: Buffer) -> int:
        """Send what the transport accepts at once; the number of bytes.

        A broken connection discards everything: it is not an error here, because the next receive raises it.
        """
        try:
            return self._send(data)
        except NOT_NOW:
            return 0
        except OSError:
            return len(data)

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the transport accepts more, and once when it is closed, until `unwatch_room`."""
        if not self.closed:
            self._on_room = callback
            self._transport.on_writable(callback)

    def unwatch_room(self) -> None:
        """Stop calling the callback of `watch_room`."""
        if self._on_room is not None:
            self._on_room = None
            if not self.closed:
                self._transport.on_writable(None)

    def _explain(self, error: OSError) -> None:
        """Raise a clearer error for one of this side's close or of TLS; return for any other."""
        if self.closed:
            raise ConnectionAbortedError(_CLOSED) from None
        if isinstance(error, ssl.SSLEOFError):
            raise ConnectionResetError("closed without close_notify: the received data may be incomplete") from error
        if isinstance(error, ssl.SSLError):
            raise ConnectionAbortedError(f"TLS failed: {error.reason or error}") from error

    # Waiting.

    async def secured(self) -> None:
        """Wait until the TLS handshake has completed, if one has begun.

        Raises:
            ssl.SSLError: The handshake failed.
            OSError: The connection broke during the handshake.
            TimeoutError: The other side took longer than `timeout` for one step.
        """
        if self._handshake is not None:
            await shield(self._handshake)
            self._handshake = None

    async def _yield_turn(self) -> None:
        """Let other tasks run: a peer that is always ready must not block the loop."""
        self._in_a_row = 0
        await take_turns()

    async def readable(self) -> None:
        """Wait until bytes or the end can be received.

        Raises:
            TimeoutError: Nothing arrived for `timeout` seconds.
            OSError: The channel is closed.
        """
        waiter = self._reader = self.loop.create_future()
        try:
            self._transport.on_readable(_wake, waiter)
            await self._wait(waiter, "sent nothing")
        finally:
            self._reader = None
            self.unwatch()

    async def writable(self) -> None:
        """Wait until there is room to send.

        Raises:
            TimeoutError: The other side made no room for `timeout` seconds.
            OSError: The channel is closed.
        """
        waiter = self._writer = self.loop.create_future()
        try:
            self._transport.on_writable(_wake, waiter)
            await self._wait(waiter, "received nothing")
        finally:
            self._writer = None
            if not self.closed:
                self._transport.on_writable(None)

    async def _wait(self, waiter: asyncio.Future[None], failure: str) -> None:
        self._in_a_row = 0
        if self.timeout is None:
            await waiter
            return
        try:
            async with self._limit(self.timeout):
                await waiter
        except TimeoutError:
            raise TimeoutError(f"the other side {failure} for {self.timeout:g} s") from None

    # The end.

    def _mark_closed(self) -> None:
        """Note that the transport is closed, and end all waits."""
        self.closed = True
        if self._on_room is not None:
            self._on_room()
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_exception(ConnectionAbortedError(_CLOSED))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
