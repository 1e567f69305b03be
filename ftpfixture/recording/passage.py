"""One transfer through a proxy: the client's data connection, the real server's, and the replies.

One rule: the end of each side is passed on in its kind, and the final reply is sent after the data.

A final reply that comes while data is on its way waits for the end of the data, unless the real server moves no more of
it: then it has sent the reply early, or reads no more.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import Any, Literal, Protocol

from ftpfixture.errors import CommandRefused
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import Exchange
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.recording.answers import Answers, RawReply
from ftpfixture.recording.upstream import Upstream
from ftpfixture.server.connection import Connection
from ftpfixture.wire.states import UPLOADS

__all__ = ["Passage", "direction_of"]

_BLOCK = 1 << 18
_STILL = 0.1  # seconds without data after which a final reply no longer waits for the end of the data


class _Client(Protocol):
    """The part of a proxy that a transfer uses."""

    async def client_stream(self, connection: Connection) -> ThrottleStreamIO:
        """The client's data connection."""

    async def secure_client(self, connection: Connection, stream: ThrottleStreamIO) -> None:
        """Wait for its TLS handshake, if there is one."""


def direction_of(verb: str) -> Literal["download", "upload"]:
    """The direction of a transfer."""
    return "upload" if verb in UPLOADS else "download"


class Passage:
    """A transfer.

    Args:
        proxy: Gives the client's data connection.
        connection: The session.
        upstream: Its control connection to the real server, with a data connection agreed on.
        exchange: The command.
        answers: The replies to it; it was sent.
        size: The size of the file that is downloaded; None if it is not known.

    Attributes:
        direction: "download" or "upload".
    """

    def __init__(
        self,
        proxy: _Client,
        connection: Connection,
        upstream: Upstream,
        exchange: Exchange,
        answers: Answers,
        size: int | None,
    ) -> None:
        self.direction = direction_of(exchange.verb)
        self._proxy = proxy
        self._connection = connection
        self._upstream = upstream
        self._exchange = exchange
        self._answers = answers
        self._size = size
        self._connected = False
        self._waits_for_client = False
        self._aborted = False
        self._stream: ThrottleStreamIO | None = None
        self._moving: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Carry out the transfer, to the final reply."""
        opener, self._upstream.opener = self._upstream.opener, None
        assert opener is not None
        # The server may wait for its data connection before it replies, and the client's may be on its way.
        arrival = asyncio.ensure_future(opener())
        client = asyncio.ensure_future(self._proxy.client_stream(self._connection))
        try:
            first = await self._answers.next()
            if first.is_preliminary:
                await self._move(first, arrival, client)
            else:
                await self._pass_on_final(first)
        except CommandRefused as error:
            await self._refuse(error, arrival)
        except EOFError:
            pass  # the control connection to the real server has ended, and the session ends with it
        finally:
            self._upstream.order.passed_on(self._answers)
            self._upstream.transfer = None
            self._moving.cancel()  # if it never began: `_cut` looks at it
            await _discard(arrival)
            await _discard(client)
            self._upstream.forget()
            self._connection.restart_offset = 0

    async def _pass_on_final(self, reply: RawReply) -> None:
        await self._upstream.order.turn(self._answers)
        self._connection.session.pass_on(reply, self._exchange)
        self._upstream.order.passed_on(self._answers)

    async def _refuse(self, error: CommandRefused, arrival: asyncio.Future[Channel]) -> None:
        """Reply for the client's data connection, which failed, and reset that of the real server.

        A plain close would be the end of a complete upload, and vsftpd ends the session when TLS fails.
        """
        self._connection.response(error.code, error.text)
        await _cancel(arrival)
        if not arrival.cancelled() and arrival.exception() is None:
            channel = arrival.result()
            with suppress(OSError):
                await self._upstream.secure(channel)
            channel.reset()
        with suppress(EOFError):
            await self._answers.final()

    async def _move(
        self, first: RawReply, arrival: asyncio.Future[Channel], client: asyncio.Future[ThrottleStreamIO]
    ) -> None:
        connection, stream = self._connection, await client
        path = resolve_virtual(connection.current_directory, self._exchange.argument)
        stream.describe(self.direction, str(path), connection.restart_offset, connection.transfer_type, self._size)
        self._stream = stream
        # As in other transfers: curl reads tickets only before the 1xx to its upload.
        early = self.direction == "upload" and stream.channel.offers_tickets
        if early:
            await self._proxy.secure_client(connection, stream)
        connection.session.pass_on(first, self._exchange)
        if not early:
            await self._proxy.secure_client(connection, stream)
        moving = self._moving = asyncio.ensure_future(self._carry(stream, arrival))
        final = asyncio.ensure_future(self._answers.final())
        try:
            await wait((moving, final), return_when=FIRST_COMPLETED)
            await self._until_still(moving, stream)
            reply = await final
            if self.direction == "upload" or not self._connected:
                await _cancel(moving)  # the server has ended it, and moves no more
            await self._end(moving, reply)
            await self._until_over(moving, stream)
        finally:
            await _cancel(moving)
            await _cancel(final)

    async def _end(self, moving: asyncio.Future[None], reply: RawReply) -> None:
        error = moving.exception() if moving.done() and not moving.cancelled() else None
        if isinstance(error, ConnectionAbortedError):
            # A fault has ended the client's data connection, and the real server has no reply for that.
            self._connection.response("426", "Data connection closed, transfer aborted")
        else:
            await self._pass_on_final(reply)

    async def _carry(self, stream: ThrottleStreamIO, arrival: asyncio.Future[Channel]) -> None:
        """Move the data from one data connection to the other; both are closed afterwards.

        Raises:
            OSError: One of them failed.
        """
        async with stream:
            try:
                channel = await arrival
                await self._upstream.secure(channel)
            except OSError:
                stream.channel.reset()  # a plain close would be the end of an empty file
                raise
            self._connected = True
            try:
                await (_upload(stream, channel) if self.direction == "upload" else self._download(stream, channel))
            finally:
                channel.close()

    async def _download(self, stream: ThrottleStreamIO, channel: Channel) -> None:
        while True:
            try:
                piece = await channel.receive(_BLOCK)
            except ConnectionResetError as error:
                if not isinstance(error.__cause__, ssl.SSLEOFError):  # an end without close_notify, as is close()
                    stream.channel.reset()
                raise
            if not piece:
                return
            self._waits_for_client = True
            await stream.write(piece)
            self._waits_for_client = False

    async def _until_still(self, moving: asyncio.Future[None], stream: ThrottleStreamIO) -> None:
        """Wait until the data has ended, or until the real server has moved no byte for a while."""
        moved = -1
        while not moving.done() and (self._waits_for_client or stream.moved != moved):
            moved = stream.moved
            await wait((moving,), timeout=_STILL)

    async def _until_over(self, moving: asyncio.Future[None], stream: ThrottleStreamIO) -> None:
        """Wait for the end of data whose final reply came early, but not after ABOR or when the server has left."""
        while not moving.done():
            await self._until_still(moving, stream)
            if self._aborted or self._upstream.order.ended is not None:
                moving.cancel()

    @property
    def moved(self) -> int:
        """See Transfer."""
        return 0 if self._stream is None else self._stream.moved

    def cancel(self) -> None:
        """See Transfer."""
        self._moving.cancel()

    def abort(self) -> None:
        """See Transfer.

        If the client receives nothing, or a fault stops an upload, the real server would never read ABOR: then its data
        connection ends.
        """
        self._aborted = True
        asyncio.get_running_loop().call_later(_STILL, self._cut)

    def _cut(self) -> None:
        if self._moving.done():
            return
        if self._waits_for_client or (self.direction == "upload" and self._exchange.program is not None):
            self._moving.cancel()
        else:
            self.abort()


async def _upload(stream: ThrottleStreamIO, channel: Channel) -> None:
    try:
        while piece := await stream.receive(_BLOCK):
            view = memoryview(piece)
            while view:
                view = view[await channel.send(view) :]
        await channel.close_when_peer_closes()
    except (ConnectionResetError, asyncio.CancelledError):
        channel.reset()  # a plain close would be the end of a complete upload
        raise


async def _cancel(future: asyncio.Future[Any]) -> None:
    future.cancel()
    await wait((future,))


async def _discard(future: asyncio.Future[Any]) -> None:
    """Close a data connection that is not needed, open or opening."""
    await _cancel(future)
    if not future.cancelled() and future.exception() is None:
        future.result().close()
