"""The gate between the wire and the server: every command, reply and data stream passes it.

One rule: the gate emits an event for exactly what was received or sent, because it is the last stage before the socket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from pathlib import PurePosixPath
from typing import Protocol

from ftpfixture.faults.pieces import Piece
from ftpfixture.faults.program import Program
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.log.events import (
    CommandReceived,
    DataClosed,
    DataMoved,
    DataOpened,
    Hub,
    ReplySent,
    ReplyWithheld,
    TlsEnded,
    TlsEstablished,
    TlsFailed,
)
from ftpfixture.log.payload import Payload
from ftpfixture.net.channel import Channel
from ftpfixture.net.outbox import Outbox, Outgoing
from ftpfixture.net.ports import PassiveListener
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.net.transport import Duplex
from ftpfixture.wire.reply import Reply

__all__ = ["EXCHANGE", "UNASKED", "Exchange", "Gate", "SessionView"]


class Exchange:
    """One command and the replies to it so far.

    Attributes:
        seq: Number of the command's event; 0 when there is no command.
        verb: Its verb.
        argument: Its argument, as the handler gets it.
        finals: Number of final replies to it; not counted when there is no command.
        awaits_preliminary: Whether it is a transfer without any reply yet, neither its 150 nor an error.
        program: The program of its faults; None without a fault.
    """

    __slots__ = ("argument", "awaits_preliminary", "finals", "program", "seq", "verb")

    def __init__(self, seq: int, verb: str, argument: str = "") -> None:
        self.seq = seq
        self.verb = verb
        self.argument = argument
        self.finals = 0
        self.awaits_preliminary = False
        self.program: Program | None = None


UNASKED = Exchange(0, "")
EXCHANGE: ContextVar[Exchange] = ContextVar("ftpfixture_exchange", default=UNASKED)
"""The command that replies belong to: workers inherit it from the handler that started them."""


class SessionView(Protocol):
    """The part of a session that a gate uses."""

    number: int
    hub: Hub
    channel: Channel
    server_host: str

    @property
    def encoding(self) -> str:
        """Encoding of commands and replies."""

    @property
    def current_directory(self) -> PurePosixPath:
        """The directory that relative paths begin in."""

    @property
    def login(self) -> str:
        """The user name of USER; "" before that."""

    @property
    def transfer_type(self) -> str:
        """The type that TYPE has set, such as "A"."""

    @property
    def path_io(self) -> AbstractPathIO:
        """The file system."""

    @property
    def transferring(self) -> bool:
        """Whether a worker, such as a transfer, runs beside the commands."""

    @property
    def passive_listener(self) -> PassiveListener | None:
        """Listener of the next data connection; None in active mode, and before any mode was agreed."""

    async def exists(self, path: str, *, pattern: bool) -> bool | None:
        """Whether a file is at a client's path, or matches it; None when the session may not see it."""

    def override(self, name: str, value: object) -> Callable[[], None]:
        """Give a parameter of the session another value; calling the result restores the old one."""

    def open_data_with(self, opener: Callable[[float | None], Awaitable[ThrottleStreamIO]]) -> None:
        """Let ``opener(timeout)`` make the next data connection, in active mode."""

    def disconnect(self, reason: str) -> None:
        """End the session after its current step."""


class Gate:
    """The gate of one session without faults: it emits events, and everything passes unchanged.

    It has four entries: `accept`, `command` with `begin`, `reply` and `data`.

    Args:
        view: The session.
        outbox: Sends what the session writes, in order.
    """

    def __init__(self, view: SessionView, outbox: Outbox) -> None:
        self.view = view
        self.outbox = outbox
        self.hub = view.hub
        self.session = view.number
        self.channel = view.channel
        self.encoding = view.encoding

    async def accept(self) -> Exchange:
        """Handle a new connection before TLS; the exchange is the one that the greeting replies to."""
        return Exchange(0, "")

    async def command(self, verb: str, argument: str, too_long: bool = False) -> Exchange:
        """Handle a received command: from now on, replies of this task and its workers belong to it."""
        stamp = self.hub.stamp(self.session)
        self.hub.emit(CommandReceived(*stamp, verb, argument, too_long, self.view.current_directory))
        exchange = Exchange(stamp[1], verb, argument)
        EXCHANGE.set(exchange)
        return exchange

    async def begin(self, exchange: Exchange) -> bool:
        """Handle the start of a command; False when a fault replaced it and the handler must not run."""
        return True

    def reply(self, reply: Reply, exchange: Exchange) -> None:
        """Send a reply to a command, after everything that was written before."""
        if exchange.seq and not reply.is_preliminary:
            exchange.finals += 1
        if self.outbox.free and exchange.program is None:
            raw = reply.render(self.encoding)
            self.record(reply, raw, exchange)
            self.outbox.write(raw)
        else:
            self.queue(reply, exchange)

    def queue(self, reply: Reply, exchange: Exchange) -> None:
        """Put a reply into the outbox, because other replies are in front of it or a fault changes it."""
        self.outbox.put(lambda: self.send([(reply, reply.render(self.encoding))], exchange))

    def send(self, pieces: Sequence[Piece], exchange: Exchange) -> None:
        """Send replies to a command now, after those that were held."""
        if data := self.release(pieces, exchange):
            self.outbox.write(data)

    def release(self, pieces: Sequence[Piece], exchange: Exchange) -> bytes:
        """Emit the events of replies to a command and of those held; the bytes, which the caller sends."""
        if self.outbox.ended and pieces:
            self.withhold(exchange)
        return self.outbox.release(self.outgoing(pieces, exchange))

    def outgoing(self, pieces: Sequence[Piece], exchange: Exchange) -> list[Outgoing]:
        """Replies to a command, in the form that an outbox takes."""
        return [(raw, partial(self.record, reply, raw, exchange)) for reply, raw in pieces]

    def record(self, reply: Reply, raw: bytes, exchange: Exchange) -> None:
        """Emit the event of a reply that is sent."""
        self.hub.emit(ReplySent(*self.hub.stamp(self.session), reply.code, reply.lines, exchange.seq, raw))

    def withhold(self, exchange: Exchange) -> None:
        """Emit the event of a command that gets no final reply."""
        self.hub.emit(ReplyWithheld(*self.hub.stamp(self.session), exchange.seq))

    def abandon(self) -> None:
        """End everything that waits for the client: it has left, or has sent QUIT."""

    def tls_begun(self, where: str, channel: Duplex) -> None:
        """Emit the event of a completed TLS handshake on the "control" or the "data" connection."""
        info = channel.tls
        if info is not None:
            stamp = self.hub.stamp(self.session)
            exchange = EXCHANGE.get().seq
            self.hub.emit(
                TlsEstablished(*stamp, where, exchange, info.version, info.cipher, info.resumed, info.subject)
            )

    def tls_ended(self) -> None:
        """Emit the event of a control connection that returned to clear text."""
        self.hub.emit(TlsEnded(*self.hub.stamp(self.session)))

    def tls_failed(self, where: str, error: Exception) -> None:
        """Emit the event of a failed TLS handshake on the "control" or the "data" connection."""
        text = str(error) or type(error).__name__
        self.hub.emit(TlsFailed(*self.hub.stamp(self.session), where, EXCHANGE.get().seq, text))

    def looks_at_all(self) -> bool:
        """Whether the handler must produce all data of a download before the first byte is sent."""
        return False

    def data(self, channel: Channel, throttles: Mapping[str, StreamThrottle], mode: str) -> ThrottleStreamIO:
        """The stream that handlers use for a new data connection.

        Args:
            channel: The connection.
            throttles: Its limits.
            mode: "active" or "passive".
        """
        return self.with_tap(ThrottleStreamIO(channel, throttles=throttles), mode)

    def with_tap(self, stream: ThrottleStreamIO, mode: str) -> ThrottleStreamIO:
        """Let `stream` emit events; the same stream."""
        stream.tap = _Tap(self, mode, stream.channel)
        return stream


class _Tap:
    """Emits the events of one data connection, for the command that uses it."""

    __slots__ = ("_channel", "_command_seq", "_gate", "_hub", "_mode", "_payload", "_session")

    def __init__(self, gate: Gate, mode: str, channel: Duplex) -> None:
        self._gate = gate
        self._hub = gate.hub
        self._session = gate.session
        self._mode = mode
        self._channel = channel
        self._payload = Payload(gate.hub.content_limit)
        self._command_seq = -1

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        exchange = EXCHANGE.get()
        self._command_seq = exchange.seq
        stamp, peer = self._hub.stamp(self._session), self._channel.peer
        self._hub.emit(
            DataOpened(
                *stamp,
                self._command_seq,
                self._mode,
                peer,
                direction,
                exchange.verb,
                path,
                offset,
                transfer_type,
                self._payload,
            )
        )

    def moved(self, direction: str, piece: bytes | memoryview) -> None:
        if self._command_seq < 0:
            # The handler of a user did not describe the stream.
            self.describe(direction, "", 0, "I")
            self._gate.tls_begun("data", self._channel)
        self._payload.add(piece)
        self._hub.emit(DataMoved(*self._hub.stamp(self._session), self._command_seq, len(piece)))

    def closed(self, completed: bool, error: str, end: str) -> None:
        if self._command_seq >= 0:
            self._hub.emit(
                DataClosed(*self._hub.stamp(self._session), self._command_seq, self._payload, completed, error, end)
            )
