"""The one crossing between the wire and the server: every command, reply and data stream passes here.

One rule: what is emitted here is what was really said, because the tap stands next to the socket.
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
    Payload,
    ReplySent,
    ReplyWithheld,
    TlsEnded,
    TlsEstablished,
    TlsFailed,
)
from ftpfixture.net.channel import Channel
from ftpfixture.net.outbox import Outbox, Said
from ftpfixture.net.ports import PassiveListener
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.net.transport import Duplex
from ftpfixture.wire.reply import Reply

__all__ = ["EXCHANGE", "UNASKED", "Exchange", "Gate", "SessionView"]


class Exchange:
    """One command and what it has been answered so far.

    Attributes:
        seq: Number of the command's event; 0 when there is no command.
        verb: Its verb.
        argument: Its argument, as the handler shall see it.
        finals: How many final replies it got; not counted where there is no command.
        awaits_preliminary: Whether it is a transfer that has got no reply yet, neither its 150 nor a refusal.
        program: What is to go wrong with it; None for nothing.
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
"""The command that is being answered: workers inherit it from the handler that started them."""


class SessionView(Protocol):
    """What a gate may see of a session, and ask of it."""

    number: int
    hub: Hub
    channel: Channel
    server_host: str

    @property
    def encoding(self) -> str:
        """Of commands and replies."""

    @property
    def current_directory(self) -> PurePosixPath:
        """Where relative paths begin."""

    @property
    def login(self) -> str:
        """The name that came with USER; "" before that."""

    @property
    def transfer_type(self) -> str:
        """Of TYPE, such as "A"."""

    @property
    def path_io(self) -> AbstractPathIO:
        """Where the files are."""

    @property
    def transferring(self) -> bool:
        """Whether something runs beside the commands."""

    @property
    def passive_listener(self) -> PassiveListener | None:
        """Where the next data connection comes in; None where the server makes it, or before either was agreed."""

    async def exists(self, path: str, *, pattern: bool) -> bool | None:
        """Whether there is something at a path as a client names it, or that matches it; None where nobody may know."""

    def override(self, name: str, value: object) -> Callable[[], None]:
        """Give a parameter of the session another value until what this returns is called."""

    def open_data_with(self, opener: Callable[[float | None], Awaitable[ThrottleStreamIO]]) -> None:
        """Let ``opener(timeout)`` make the next data connection, which the server is to make."""

    def disconnect(self, reason: str) -> None:
        """End the session when what it does is done."""


class Gate:
    """The open gate of one session: it tells the hub, and lets everything pass unchanged.

    It has four doors: `accept`, `command` with `begin`, `reply` and `data`.

    Args:
        view: The session.
        outbox: What the session says.
    """

    def __init__(self, view: SessionView, outbox: Outbox) -> None:
        self.view = view
        self.outbox = outbox
        self.hub = view.hub
        self.session = view.number
        self.channel = view.channel
        self.encoding = view.encoding

    async def accept(self) -> Exchange:
        """A connection comes in, not encrypted yet; the greeting answers it."""
        return Exchange(0, "")

    async def command(self, verb: str, argument: str, too_long: bool = False) -> Exchange:
        """A command comes in: from here on, what this task and its workers answer belongs to it."""
        stamp = self.hub.stamp(self.session)
        self.hub.emit(CommandReceived(*stamp, verb, argument, too_long))
        exchange = Exchange(stamp[1], verb, argument)
        EXCHANGE.set(exchange)
        return exchange

    async def begin(self, exchange: Exchange) -> bool:
        """The command's turn has come; False when it has been dealt with and must not be carried out."""
        return True

    def reply(self, reply: Reply, exchange: Exchange) -> None:
        """A reply to a command goes out."""
        if exchange.seq and not reply.is_preliminary:
            exchange.finals += 1
        if self.outbox.free and exchange.program is None:
            raw = reply.render(self.encoding)
            self.tell(reply, raw, exchange)
            self.outbox.write(raw)
        else:
            self.queue(reply, exchange)

    def queue(self, reply: Reply, exchange: Exchange) -> None:
        """A reply that cannot just go now: something is in front of it, or something is to go wrong with it."""
        self.outbox.put(lambda: self.say([(reply, reply.render(self.encoding))], exchange))

    def say(self, pieces: Sequence[Piece], exchange: Exchange) -> None:
        """Say what answers a command now, behind what was held back."""
        if data := self.release(pieces, exchange):
            self.outbox.write(data)

    def release(self, pieces: Sequence[Piece], exchange: Exchange) -> bytes:
        """Tell of what answers a command, and of what was held back; the bytes, which the caller sends."""
        if self.outbox.ended and pieces:
            self.withhold(exchange)
        return self.outbox.release(self.said(pieces, exchange))

    def said(self, pieces: Sequence[Piece], exchange: Exchange) -> list[Said]:
        """What answers a command, in the form that an outbox takes."""
        return [(raw, partial(self.tell, reply, raw, exchange)) for reply, raw in pieces]

    def tell(self, reply: Reply, raw: bytes, exchange: Exchange) -> None:
        """Tell the hub of a reply that goes out."""
        self.hub.emit(ReplySent(*self.hub.stamp(self.session), reply.code, reply.lines, exchange.seq, raw))

    def withhold(self, exchange: Exchange) -> None:
        """Tell the hub of a command that is left without its final reply."""
        self.hub.emit(ReplyWithheld(*self.hub.stamp(self.session), exchange.seq))

    def abandon(self) -> None:
        """The client is gone, or wants to go: nothing needs to wait for it any more."""

    def tls_begun(self, where: str, channel: Duplex) -> None:
        """Hands were shaken on a connection of the session, "control" or "data"."""
        info = channel.tls
        if info is not None:
            stamp = self.hub.stamp(self.session)
            exchange = EXCHANGE.get().seq
            self.hub.emit(
                TlsEstablished(*stamp, where, exchange, info.version, info.cipher, info.resumed, info.subject)
            )

    def tls_ended(self) -> None:
        """The control connection went back to clear text."""
        self.hub.emit(TlsEnded(*self.hub.stamp(self.session)))

    def tls_failed(self, where: str, error: Exception) -> None:
        """Hands were not shaken."""
        text = str(error) or type(error).__name__
        self.hub.emit(TlsFailed(*self.hub.stamp(self.session), where, EXCHANGE.get().seq, text))

    def looks_at_all(self) -> bool:
        """Whether all that the command sends over its data connection must be known before it goes."""
        return False

    def data(self, channel: Channel, throttles: Mapping[str, StreamThrottle], mode: str) -> ThrottleStreamIO:
        """A data connection is there; the stream that handlers use.

        Args:
            channel: The connection.
            throttles: Its limits.
            mode: "active" or "passive".
        """
        return self.tapped(ThrottleStreamIO(channel, throttles=throttles), mode)

    def tapped(self, stream: ThrottleStreamIO, mode: str) -> ThrottleStreamIO:
        """A stream of which the hub is told."""
        stream.tap = _Tap(self, mode, stream.channel)
        return stream


class _Tap:
    """Counts and keeps what one data connection carries, for the command that uses it."""

    __slots__ = ("_channel", "_gate", "_hub", "_mode", "_payload", "_session", "_to")

    def __init__(self, gate: Gate, mode: str, channel: Duplex) -> None:
        self._gate = gate
        self._hub = gate.hub
        self._session = gate.session
        self._mode = mode
        self._channel = channel
        self._payload = Payload()
        self._to = -1

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        exchange = EXCHANGE.get()
        self._to = exchange.seq
        stamp, peer = self._hub.stamp(self._session), self._channel.peer
        self._hub.emit(
            DataOpened(*stamp, self._to, self._mode, peer, direction, exchange.verb, path, offset, transfer_type)
        )

    def moved(self, direction: str, piece: bytes | memoryview) -> None:
        if self._to < 0:
            # A handler that was written by a user, who need not know of logs.
            self.describe(direction, "", 0, "I")
            self._gate.tls_begun("data", self._channel)
        self._payload.add(piece)
        self._hub.emit(DataMoved(*self._hub.stamp(self._session), self._to, len(piece)))

    def closed(self, completed: bool, error: str) -> None:
        if self._to >= 0:
            self._hub.emit(DataClosed(*self._hub.stamp(self._session), self._to, self._payload, completed, error))
