"""A data connection of a session that is replayed: moves the recorded bytes, and ends as it was recorded.

One rule: bytes begin to move with the preliminary reply, and the connection ends at its place in the recording; between
the two there may be other replies and other commands.
"""

from __future__ import annotations

import ssl
from asyncio import Task, get_running_loop, wait
from typing import Literal, cast

from ftpfixture.errors import CommandRefused, ReplayError
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.gate import Exchange
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.recording.bodies import Body
from ftpfixture.recording.format import Data
from ftpfixture.recording.steps import Step
from ftpfixture.recording.uploads import Comparison, UploadCheck

__all__ = ["Direction", "ReplayedData"]

Direction = Literal["download", "upload"]
_BROKEN = (ConnectionError, TimeoutError, ssl.SSLError)


class ReplayedData:
    """The data connection of one command.

    Args:
        step: The recorded step of the command.
        data: The recorded connection.
        body: The recorded bytes.
        exchange: The command.
        uploads: The part of an upload that is compared.

    Attributes:
        direction: "download" or "upload".
        channel: The connection, without the compression of MODE Z.
        is_over: Whether it has ended.
        is_secured: Whether its TLS handshake, if there is one, is over.
    """

    def __init__(self, step: Step, data: Data, body: Body, exchange: Exchange, uploads: Comparison) -> None:
        self.exchange = exchange
        self.direction: Direction = "upload" if data.direction == "up" else "download"
        self.is_over = False
        self.is_secured = False
        self._step = step
        self._data = data
        self._body = body
        self._check = UploadCheck(body, uploads)
        self.channel: Channel
        self._stream: ThrottleStreamIO | None = None
        self._deflated: Deflated | None = None
        self._moving: Task[None] | None = None
        self._is_aborted = False

    def use(self, stream: ThrottleStreamIO, path: str) -> None:
        """Take the connection, for a path."""
        data, self._stream = self._data, stream
        self.channel = cast(Channel, stream.channel)
        if data.mode == "Z":
            stream.channel = self._deflated = Deflated(self.channel)
        size = data.size if self.direction == "download" else None
        stream.describe(self.direction, path, data.offset, data.type, size)

    def start(self, block_size: int) -> None:
        """Begin to move the bytes, unless that has begun."""
        if self._moving is None and not self._is_aborted:
            self._moving = get_running_loop().create_task(self._move(block_size))

    async def _move(self, block_size: int) -> None:
        stream = self._stream
        assert stream is not None
        if self.direction == "download":
            for start in range(0, self._body.size, block_size):
                await stream.write(self._body.read(start, start + block_size))
            return
        # A server that refuses an upload in the middle reads no more of it.
        while (self._step.whole or self._check.size < self._data.size) and (piece := await stream.receive(block_size)):
            self._check.add(piece)

    async def abort(self) -> None:
        """Stop moving bytes: the client has sent ABOR."""
        self._is_aborted = not self.is_over
        await self._stop()

    async def _stop(self) -> None:
        if self._moving is not None and not self._moving.done():
            self._moving.cancel()
            await wait([self._moving])

    async def end(self) -> ReplayError | None:
        """Wait until all bytes have moved, and end the connection as it was recorded.

        Returns:
            The difference from the recording; None without one.

        Raises:
            CommandRefused: A fault has ended the connection.
        """
        stream = self._stream
        if stream is None or self.is_over:
            return None
        try:
            if self._moving is not None:
                await wait([self._moving])
                if not self._is_aborted:
                    self._moving.result()
            self.is_over = True
            if self._is_aborted:
                stream.error = "aborted"
            await self._close(stream)
        except _BROKEN as error:
            self.is_over = True
            return self._broken(stream, error)
        difference = "" if self._is_aborted or self.exchange.program is not None else self._upload_difference()
        return ReplayError(f"the upload of {self._step} is not the recorded one: {difference}") if difference else None

    def _upload_difference(self) -> str:
        return self._check.difference() if self.direction == "upload" else ""

    async def _close(self, stream: ThrottleStreamIO) -> None:
        how = self._data.end if self.direction == "download" else "eof"
        channel = self.channel
        if self._deflated is not None and how != "eof" and not self._is_aborted:
            await self._deflated.flush()
        if how == "half-close":
            stream.ended = how
            channel.shutdown_write()
            return
        if how == "rst":
            if not self._is_aborted:
                await channel.wait_sent()
            stream.ended, stream.error = how, stream.error or "reset, as it was recorded"
            channel.reset()
        elif how == "no-close-notify":
            stream.ended = how
            channel.no_close_notify = True
        if self._is_aborted or channel.closed:
            stream.close()
        else:
            await stream.finish()

    def _broken(self, stream: ThrottleStreamIO, error: Exception) -> ReplayError | None:
        """The other side has ended the connection, or a fault."""
        stream.error = stream.error or str(error) or type(error).__name__
        stream.close()
        if self.exchange.program is not None:
            raise CommandRefused("426", "Data connection closed, transfer aborted") from error
        if not self._step.whole or self._data.end != "eof":
            return None  # it was recorded that way
        return ReplayError(
            f"the client aborted the data connection of {self._step} after {stream.moved} bytes; recorded is a whole "
            f"transfer of {self._data.size} bytes"
        )

    async def close(self) -> None:
        """Give back what is left."""
        await self._stop()
        if self._stream is not None:
            self._stream.close()
