"""A data connection on which things go wrong, or that does not come about; without a fault it is like any other.

One rule: what goes wrong is said by the program of the command that uses the stream; here is how.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NoReturn, Protocol, TypeVar

from ftpfixture.faults.effects import Hook, How
from ftpfixture.faults.program import Transfer
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.gate import EXCHANGE, UNASKED, Exchange, SessionView
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.pauses import Pauses
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle

__all__ = ["FaultyStream", "block_data"]

T = TypeVar("T")


class Performer(Protocol):
    """What a stream needs of its gate."""

    outbox: Outbox

    async def perform(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """Do all that a hook yields; what it returns."""

    def perform_now(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """The same for a hook whose effects take no time."""


class FaultyStream(ThrottleStreamIO):
    """A data connection of a server that has faults.

    What goes wrong is looked up when the stream is first used, by the command that uses it.

    Args:
        gate: Who performs what happens.
        channel: The connection.
        throttles: Its limits.
    """

    def __init__(self, gate: Performer, channel: Channel, throttles: Mapping[str, StreamThrottle]) -> None:
        super().__init__(channel, throttles=throttles)
        self.socket = channel
        self._gate = gate
        self._exchange = UNASKED
        self._transfer: Transfer | None = None
        self._asked = False

    def describe(self, direction: str, path: str, offset: int, transfer_type: str, size: int | None = None) -> None:
        """See StreamIO."""
        super().describe(direction, path, offset, transfer_type, size)
        self._look(size)

    def _look(self, size: int | None = None) -> Transfer | None:
        if not self._asked:
            self._asked = True
            self._exchange = EXCHANGE.get()
            if self._exchange.program is not None:
                self._transfer = self._exchange.program.transfer(size)
                self._gate.perform_now(self._transfer.start(), self._exchange, self)
        return self._transfer

    async def _perform(self, hook: Hook[T]) -> T:
        return await self._gate.perform(hook, self._exchange, self)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """See StreamIO."""
        transfer = self._look()
        if transfer is None:
            await super().write(data)
            return
        await self._ready()
        content = data if isinstance(data, bytes | memoryview) else bytes(data)
        await self._perform(transfer.send(content, self.moved))

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """See StreamIO."""
        transfer = self._look()
        if transfer is None or self._buffer:
            return await super().receive(limit)
        await self._ready()
        await self._perform(transfer.reach(self.moved))
        if transfer.lost:
            while await super().receive():
                pass  # the client shall be able to send it
            return b""
        start = self.moved
        piece = await super().receive(min(limit, transfer.room(start)))
        return bytes(await self._perform(transfer.passing(piece, start)))

    async def _send_end(self) -> None:
        transfer = self._look()
        if transfer is not None:
            await self._ready()
            await self._perform(transfer.end(self.moved, self.socket.is_tls))
        await super()._send_end()

    async def _ready(self) -> None:
        """Wait until the replies before are on their way, and the TLS handshake is over: bytes count from there."""
        await self._gate.outbox.settle()
        await self.socket.secured()

    # What happens.

    async def put(self, content: bytes | memoryview, *, flush: bool) -> None:
        """Send bytes as they are; with `flush`, keep back nothing of what was sent, compressed or not."""
        view = memoryview(content)
        while view:
            sent = view[: await self._send(view)]
            self._moved("download", sent)
            view = view[len(sent) :]
        if flush and isinstance(self.channel, Deflated):
            await self.channel.flush()

    async def end(self, how: How) -> None:
        """End the connection; "lost" tells only that the rest of the file is.

        Raises:
            ConnectionAbortedError: It was closed.
        """
        if how == "lost":
            self.error = "the rest was lost on purpose"
            return
        if how == "half":
            self.socket.shutdown_write()
            return
        if how == "rst":
            await self.socket.wait_sent()
            self.socket.reset()
        else:
            self.socket.abort_fin()
        raise ConnectionAbortedError("the data connection was ended on purpose")

    def use(self, name: str, value: object) -> None:
        """Give one of the parameters of data connections that effects name another value."""
        match name, value:
            case "limit", int(rate) | float(rate):
                limit = StreamThrottle.from_limits(rate, rate)
                self.throttles = {**self.throttles, f"fault {len(self.throttles)}": limit}
            case "small_packets", True:
                self.socket.send_small()
            case "close_notify", False:
                self.socket.no_close_notify = True
            case _:
                raise ValueError(f"a data connection has no parameter {name!r} that could be {value!r}")


def block_data(view: SessionView, how: str, pauses: Pauses) -> None:
    """Let the data connection that has just been agreed not come about.

    Args:
        view: The session.
        how: "refuse", "ignore" or "unreachable": what who connects finds. Who is to be connected to finds nothing.
        pauses: Of the session.
    """
    listener = view.passive_listener
    if listener is None:
        view.open_data_with(_refused if how == "refuse" else partial(_never, pauses))
    elif how == "refuse":
        listener.close()
    else:
        listener.ignore(unreachable=how == "unreachable")


async def _refused(timeout: float | None) -> NoReturn:
    raise ConnectionRefusedError("the data connection is refused")


async def _never(pauses: Pauses, timeout: float | None) -> NoReturn:
    await pauses.wait(timeout)
    raise TimeoutError("nobody answers")
