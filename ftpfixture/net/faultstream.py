"""A data connection with faults, and one that is never made; without a fault it behaves as any other.

One rule: the program of the command that uses the stream decides what happens; this module performs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NoReturn, Protocol, TypeVar

from ftpfixture.faults.effects import Hook, How
from ftpfixture.faults.program import TransferProgram
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
    """The part of a gate that a stream uses."""

    outbox: Outbox

    async def perform(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """Perform all effects that a hook yields; what the hook returns."""

    def perform_now(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """Perform all effects of a hook that never waits; what the hook returns."""


class FaultyStream(ThrottleStreamIO):
    """A data connection of a server that has faults.

    The stream takes its program at its first use, from the command that uses it.

    Args:
        gate: Performs the effects.
        channel: The connection.
        throttles: Its limits.
    """

    def __init__(self, gate: Performer, channel: Channel, throttles: Mapping[str, StreamThrottle]) -> None:
        super().__init__(channel, throttles=throttles)
        self.socket = channel
        self._gate = gate
        self._exchange = UNASKED
        self._transfer: TransferProgram | None = None
        self._looked_up = False

    def describe(self, direction: str, path: str, offset: int, transfer_type: str, size: int | None = None) -> None:
        """See StreamIO."""
        super().describe(direction, path, offset, transfer_type, size)
        self._look_up(size)

    def _look_up(self, size: int | None = None) -> TransferProgram | None:
        if not self._looked_up:
            self._looked_up = True
            self._exchange = EXCHANGE.get()
            if self._exchange.program is not None:
                self._transfer = self._exchange.program.transfer(size)
                self._gate.perform_now(self._transfer.start(), self._exchange, self)
        return self._transfer

    async def _perform(self, hook: Hook[T]) -> T:
        return await self._gate.perform(hook, self._exchange, self)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """See StreamIO."""
        transfer = self._look_up()
        if transfer is None:
            await super().write(data)
            return
        await self._ready()
        content = data if isinstance(data, bytes | memoryview) else bytes(data)
        await self._perform(transfer.send(content, self.moved))

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """See StreamIO."""
        transfer = self._look_up()
        if transfer is None or self._buffer:
            return await super().receive(limit)
        await self._ready()
        await self._perform(transfer.reach(self.moved))
        if transfer.lost:
            while await super().receive():
                pass  # received and discarded, so that the client can send all of it
            return b""
        start = self.moved
        piece = await super().receive(min(limit, transfer.largest_piece(start)))
        return bytes(await self._perform(transfer.data(piece, start)))

    async def _send_end(self) -> None:
        transfer = self._look_up()
        if transfer is not None:
            await self._ready()
            await self._perform(transfer.end(self.moved, self.socket.is_tls))
        await super()._send_end()

    async def _ready(self) -> None:
        """Wait until earlier replies were sent and the TLS handshake has completed: bytes count from then on."""
        await self._gate.outbox.settle()
        await self.socket.secured()

    # Effects.

    async def put(self, content: bytes | memoryview, *, flush: bool) -> None:
        """Send bytes unchanged; with `flush`, MODE Z keeps none of them back."""
        view = memoryview(content)
        while view:
            sent = view[: await self._send(view)]
            self._moved("download", sent)
            view = view[len(sent) :]
        if flush and isinstance(self.channel, Deflated):
            await self.channel.flush()

    async def end(self, how: How) -> None:
        """End the connection; "lost" only records that the rest of the file is discarded.

        Raises:
            ConnectionAbortedError: The connection was closed.
        """
        if how == "lost":
            self.error = "the rest was lost on purpose"
            return
        if how == "half":
            self.socket.shutdown_write()
            self.ended = "half-close"
            return
        if how == "rst":
            await self.socket.wait_sent()
            self.socket.reset()
            self.ended = "rst"
        else:
            if self.socket.is_tls:
                self.ended = "no-close-notify"
            self.socket.abort_fin()
        raise ConnectionAbortedError("the data connection was ended on purpose")

    def use(self, name: str, value: object) -> None:
        """Set a parameter of this data connection that an effect names."""
        match name, value:
            case "limit", int(rate) | float(rate):
                limit = StreamThrottle.from_limits(rate, rate)
                self.throttles = {**self.throttles, f"fault {len(self.throttles)}": limit}
            case "small_packets", True:
                self.socket.send_small()
            case "close_notify", False:
                self.socket.no_close_notify = True
                self.ended = "no-close-notify"
            case _:
                raise ValueError(f"a data connection has no parameter {name!r} that takes {value!r}")


def block_data(view: SessionView, how: str, pauses: Pauses) -> Callable[[], bool]:
    """Prevent the data connection that PASV, PORT or their kind has just announced.

    Args:
        view: The session.
        how: "refuse", "ignore" or "unreachable": what a client that connects gets. A client that listens gets no
            connection.
        pauses: The session's pauses.

    Returns:
        A function that returns whether a client may still wait for the connection.
    """
    listener = view.passive_listener
    if listener is None:
        view.open_data_with(_refused if how == "refuse" else partial(_never, pauses))
        return lambda: how != "refuse" and view.transferring
    if how == "refuse":
        listener.close()
    else:
        listener.ignore(unreachable=how == "unreachable")
    return lambda: (
        listener.ignoring and view.passive_listener is listener and (how == "unreachable" or view.transferring)
    )


async def _refused(timeout: float | None) -> NoReturn:
    raise ConnectionRefusedError("a fault refuses the data connection")


async def _never(pauses: Pauses, timeout: float | None) -> NoReturn:
    await pauses.wait(timeout)
    raise TimeoutError("the data connection timed out")
