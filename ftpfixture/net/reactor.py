"""A connection that can wait: its transport is tried at once, and watched by the loop only when it says "not now".

One rule: who waits here waits for one thing, no longer than `timeout`, and learns when the connection is closed.
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
_IN_A_ROW = 4  # calls that did not have to wait, after which it is time to look whether others have waited for long


class Reactor:
    """Receives, sends and waits.

    Args:
        transport: It belongs to the reactor from now on.
        timeout: Seconds that one wait for the other side may last; None for no limit.
        limit: Makes the context manager that holds a wait to that, by a clock of its own.

    Attributes:
        closed: Whether it is closed on this side.
        loop: That drives it.
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
        self._handshake: asyncio.Task[None] | None = None  # of TLS, which bytes wait for
        self._lenient = False  # whether under TLS an end without close_notify is an end
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
        """What is there, at most `size` bytes: b"" at the end of the stream, None when nothing is there yet.

        Raises:
            OSError: The connection is broken.
        """
        try:
            return self._recv(size)
        except NOT_NOW:
            return None
        except ssl.SSLZeroReturnError:
            return b""  # the end, after we have said it, too
        except OSError as error:
            self._explain(error)
            raise

    async def receive(self, size: int) -> bytes:
        """The next bytes, 1 to `size` of them; b"" at the end of the stream.

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
                return self._recv(size)
            except NOT_READABLE:
                await self.readable()
            except ssl.SSLWantWriteError:
                await self.writable()
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
            self._transport.on_readable(callback)

    def unwatch(self) -> None:
        """Stop calling the callback of `watch`."""
        if not self.closed:
            self._transport.on_readable(None)

    # Sending.

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, waiting until at least one byte can go.

        Returns:
            How many bytes went.

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
                return self._send(data)
            except ssl.SSLWantReadError:
                await self.readable()
            except NOT_NOW:
                await self.writable()
            except OSError as error:
                self._explain(error)
                raise

    def send_now(self, data: Buffer) -> int:
        """Send what the transport takes at once; how many bytes that is.

        A broken connection takes everything: it is not an error here, because the reading side will see it.
        """
        try:
            return self._send(data)
        except NOT_NOW:
            return 0
        except OSError:
            return len(data)

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the transport takes more, and once when it is closed, until `unwatch_room`."""
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
        """Raise what an error means, if its own name does not tell."""
        if self.closed:
            raise ConnectionAbortedError(_CLOSED) from None
        if isinstance(error, ssl.SSLEOFError):
            raise ConnectionResetError("closed without close_notify: what came may be less than was sent") from error
        if isinstance(error, ssl.SSLError):
            raise ConnectionAbortedError(f"TLS failed: {error.reason or error}") from error

    # Waiting.

    async def secured(self) -> None:
        """Wait until the handshake is over, if there is one.

        Raises:
            ssl.SSLError: It failed.
            OSError: The connection broke meanwhile.
            TimeoutError: The other side took longer than `timeout` for one step.
        """
        if self._handshake is not None:
            await shield(self._handshake)
            self._handshake = None

    async def _step_aside(self) -> None:
        """Let everything else on the loop have its turn: a peer that is always ready must not keep the loop."""
        self._in_a_row = 0
        await take_turns()

    async def readable(self) -> None:
        """Wait until something can be received.

        Raises:
            TimeoutError: It took longer than `timeout`.
            OSError: The channel is closed.
        """
        waiter = self._reader = self.loop.create_future()
        try:
            self._transport.on_readable(_wake, waiter)
            await self._wait(waiter)
        finally:
            self._reader = None
            self.unwatch()

    async def writable(self) -> None:
        """The same for room to send."""
        waiter = self._writer = self.loop.create_future()
        try:
            self._transport.on_writable(_wake, waiter)
            await self._wait(waiter)
        finally:
            self._writer = None
            if not self.closed:
                self._transport.on_writable(None)

    async def _wait(self, waiter: asyncio.Future[None]) -> None:
        self._in_a_row = 0
        if self.timeout is None:
            await waiter
        else:
            async with self._limit(self.timeout):
                await waiter

    # The end.

    def _tell_closed(self) -> None:
        """Note that the transport is closed, and wake who waits."""
        self.closed = True
        if self._on_room is not None:
            self._on_room()
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_exception(ConnectionAbortedError(_CLOSED))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
