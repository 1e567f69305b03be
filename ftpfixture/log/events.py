"""What happened, as values: the server emits events; the log, recorders and loggers subscribe to them.

One rule: events are emitted on the loop thread only, in the order of the wire, and are never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from pathlib import PurePosixPath

from ftpfixture.log.payload import Payload
from ftpfixture.wire.command import censor

__all__ = [
    "ClientHung",
    "CommandReceived",
    "Connected",
    "DataClosed",
    "DataMoved",
    "DataOpened",
    "Disconnected",
    "Disconnecting",
    "Event",
    "FaultApplied",
    "HandlerFailed",
    "Hub",
    "LoggedIn",
    "ReplySent",
    "ReplyWithheld",
    "TlsEnded",
    "TlsEstablished",
    "TlsFailed",
]


_ROOT = PurePosixPath("/")


@dataclass(frozen=True, slots=True)
class Event:
    """The base class of all events.

    Attributes:
        session: Number of the control connection, counted from 1 per server.
        seq: Number of the event, counted from 1 per server; unique, and growing in the order of events.
        time: Seconds since the server was made, by a clock that never goes back.
    """

    session: int
    seq: int
    time: float


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """A control connection was accepted.

    Attributes:
        peer: Address and port of the client.
        local: Address and port it connected to.
    """

    peer: tuple[str, int]
    local: tuple[str, int]


@dataclass(frozen=True, slots=True, repr=False)
class CommandReceived(Event):
    """A command line was received and its handler starts; one that waits for a transfer appears when that has ended.

    Attributes:
        verb: Upper case; "" for an empty line or one that was too long.
        argument: What followed the first space, unchanged; passwords included.
        too_long: True when the line was over the limit and its text was discarded.
        directory: The current directory of the session, absolute.
    """

    verb: str
    argument: str
    too_long: bool = False
    directory: PurePosixPath = _ROOT

    def __repr__(self) -> str:
        return f"<CommandReceived {self.seq} in session {self.session}: {censor(self.verb, self.argument)}>"


@dataclass(frozen=True, slots=True)
class ReplySent(Event):
    """A reply was passed to the socket.

    Attributes:
        code: Three digits.
        lines: The texts, without code.
        command_seq: `seq` of the command it answers; 0 for one to no command (greeting, timeout, shutdown).
        raw: The bytes as sent.
    """

    code: str
    lines: tuple[str, ...]
    command_seq: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class TlsEstablished(Event):
    """A TLS handshake completed: the connection is encrypted from now on.

    Attributes:
        where: "control" or "data".
        command_seq: `seq` of the command whose data connection it is; that of AUTH; 0 for TLS from the first byte.
        version: Such as "TLSv1.3".
        cipher: OpenSSL's name of the suite.
        resumed: Whether an earlier session was resumed.
        subject: Of the client's certificate, such as "CN=ann"; "" when it has sent none.
    """

    where: str
    command_seq: int
    version: str
    cipher: str
    resumed: bool
    subject: str


@dataclass(frozen=True, slots=True)
class TlsEnded(Event):
    """The control connection went back to clear text (CCC, REIN)."""


@dataclass(frozen=True, slots=True)
class TlsFailed(Event):
    """A TLS handshake failed.

    Attributes:
        where: "control" or "data".
        command_seq: As in `TlsEstablished`.
        error: The error of OpenSSL or of the socket, as text.
    """

    where: str
    command_seq: int
    error: str


@dataclass(frozen=True, slots=True)
class LoggedIn(Event):
    """A user logged in.

    Attributes:
        user: The name as the client gave it.
    """

    user: str


@dataclass(frozen=True, slots=True)
class DataOpened(Event):
    """A data connection is open and belongs to a command.

    Attributes:
        command_seq: `seq` of the command.
        mode: "passive" or "active".
        peer: Address and port of the client's end.
        direction: "download" (server to client) or "upload".
        verb: The command's verb.
        path: Virtual path, absolute; the directory for listings.
        offset: Bytes skipped by REST.
        transfer_type: "I" or "A".
        payload: The bytes so far.
    """

    command_seq: int
    mode: str
    peer: tuple[str, int]
    direction: str
    verb: str
    path: str
    offset: int
    transfer_type: str
    payload: Payload = field(default_factory=Payload, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DataMoved(Event):
    """Some bytes went over a data connection.

    Attributes:
        command_seq: `seq` of the command.
        size: How many bytes, as on the wire.
    """

    command_seq: int
    size: int


@dataclass(frozen=True, slots=True)
class DataClosed(Event):
    """A data connection is closed.

    Attributes:
        command_seq: `seq` of the command.
        payload: The bytes as on the wire; gives their number and digest.
        completed: True when all bytes were passed to the socket, or the client's end of file was read.
        error: Why the transfer is not complete, in words; "" when it is.
        end: How the connection ended: "eof", "rst", "half-close" (the sender's end of file on a connection that stays
            open), or "no-close-notify" for an encrypted connection that ended without it.
    """

    command_seq: int
    payload: Payload
    completed: bool
    error: str
    end: str = "eof"


@dataclass(frozen=True, slots=True)
class FaultApplied(Event):
    """A fault began to happen.

    Attributes:
        command_seq: `seq` of the command that it happens to; 0 for a connection just accepted.
        fault: The fault as text.
    """

    command_seq: int
    fault: str


@dataclass(frozen=True, slots=True)
class ReplyWithheld(Event):
    """The final reply to a command is withheld: for ever, or until a later event releases it.

    Attributes:
        command_seq: `seq` of the command; 0 for a connection just accepted.
    """

    command_seq: int


@dataclass(frozen=True, slots=True)
class ClientHung(Event):
    """A client without a timeout waited for what a fault or a login script withholds; the server resets the session.

    Attributes:
        command_seq: `seq` of the command at which it waited; 0 for a connection just accepted.
        command: The command as text, secrets starred.
        seconds: How long no byte went in either direction; infinity where it is proved that none ever will.
        repeats: How often it sent the command, if it did not wait but repeats something for ever.
    """

    command_seq: int
    command: str
    seconds: float
    repeats: int = 0

    def __str__(self) -> str:
        if self.repeats:
            return f"the client repeats {self.command} for ever: it did so {self.repeats} times, and nothing new"
        if self.seconds == inf:
            return f"the client waits for ever at {self.command}: it has no timeout, and nothing is left to happen"
        return f"the client waited {self.seconds:g} s at {self.command} without giving up"


@dataclass(frozen=True, slots=True)
class HandlerFailed(Event):
    """A handler raised an exception that is no reply; the client got 451.

    Attributes:
        verb: Of the command.
        error: The exception, with its traceback.
    """

    verb: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Disconnecting(Event):
    """The server begins to end a session and reads no more commands; `Disconnected` follows when all work has ended.

    Attributes:
        reason: As of `Disconnected`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """A control connection is closed.

    Attributes:
        reason: "quit", "client closed", "connection reset", "idle", "shut down", "refused", "cut off" (by this side),
            "no TLS" (the handshake failed), "no end of TLS", "client hung" or "failure".
    """

    reason: str


class Hub:
    """Passes every event to every subscriber, in order, on the caller's thread.

    Args:
        clock: Monotonic clock in seconds.

    Attributes:
        started: Time of the clock when the hub was made; the times of events count from there.
        content_limit: Bytes of a running transfer that its events hold at most; None where they are in memory anyway.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.started = clock()
        self.content_limit: int | None = None
        self._numbers = count(1)
        self._subscribers: tuple[Callable[[Event], None], ...] = ()

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with every event from now on."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Stop calling `subscriber`."""
        self._subscribers = tuple(one for one in self._subscribers if one != subscriber)

    def stamp(self, session: int) -> tuple[int, int, float]:
        """Return the first three values of a new event of this session: session, number and time."""
        return session, next(self._numbers), self._clock() - self.started

    def emit(self, event: Event) -> None:
        """Pass `event` to all subscribers."""
        for subscriber in self._subscribers:
            subscriber(event)
