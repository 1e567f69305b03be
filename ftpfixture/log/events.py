"""What happened, as values: the server tells, the log, recorders and loggers listen.

One rule: events are emitted on the loop thread only, in the order of the wire, and are never changed afterwards.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath

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
    "Payload",
    "ReplySent",
    "ReplyWithheld",
    "TlsEnded",
    "TlsEstablished",
    "TlsFailed",
]


_ROOT = PurePosixPath("/")


class Payload:
    """The bytes of one transfer, kept by reference until the log lets them go.

    Hashing costs more than moving bytes between memory and a socket does, and most tests never ask for a digest; so the
    pieces that went by (immutable, shared with the stored file) are kept, and hashed when they are let go.
    """

    __slots__ = ("_digest", "_hash", "_lock", "_next", "_offset", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes | memoryview] | None = []
        self._hash: hashlib._Hash | None = None
        self._next = 0  # piece that is to be hashed, and how much of it was
        self._offset = 0
        self._digest = ""
        self._lock = threading.Lock()
        self.size = 0

    def add(self, piece: bytes | memoryview) -> None:
        """Keep the next piece, which must never change again."""
        assert self._pieces is not None
        self._pieces.append(piece)
        self.size += len(piece)

    def buffers(self) -> dict[int, int]:
        """What is held: identity of each buffer to its size; pieces of one stored file share theirs."""
        wholes = (memoryview(piece.obj if isinstance(piece, memoryview) else piece) for piece in self._pieces or ())
        return {id(whole.obj): whole.nbytes for whole in wholes}

    def hash_some(self, most: int) -> int:
        """Hash some of the bytes, to let all of them go; nothing where another thread just hashes them all.

        Args:
            most: How many bytes.

        Returns:
            How many of these were left over; 0 until the digest is known.
        """
        if not self._lock.acquire(blocking=False):
            return most
        try:
            left = self._hash_on(most)
            if self._digest:
                self._pieces = None
            return left
        finally:
            self._lock.release()

    @property
    def sha256(self) -> str:
        """SHA-256 of all the bytes, in hexadecimal."""
        with self._lock:
            self._hash_on(self.size + 1)
            return self._digest

    def _hash_on(self, most: int) -> int:
        if self._digest or self._pieces is None:
            return most
        self._hash = self._hash or hashlib.sha256()
        while self._next < len(self._pieces) and most > 0:
            piece = self._pieces[self._next]
            part = piece if len(piece) - self._offset <= most and not self._offset else self._part(piece, most)
            self._hash.update(part)
            most -= len(part)
            self._offset += len(part)
            if self._offset == len(piece):
                self._next, self._offset = self._next + 1, 0
        if most > 0:
            self._digest, self._hash = self._hash.hexdigest(), None
        return most

    def _part(self, piece: bytes | memoryview, most: int) -> memoryview:
        return memoryview(piece)[self._offset : self._offset + most]

    def content(self) -> bytes | None:
        """All the bytes, in one piece; None when they were let go."""
        with self._lock:
            return None if self._pieces is None else b"".join(self._pieces)

    def __repr__(self) -> str:
        return f"<Payload of {self.size} octets>"


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events.

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
    """A command line came in and is now answered; commands that wait for a transfer appear when their turn comes.

    Attributes:
        verb: Upper case; "" for an empty line or one that was too long.
        argument: What followed the first space, untouched; passwords included.
        too_long: True when the line was over the limit and its text was thrown away.
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
    """A reply was handed to the socket.

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
    """Hands were shaken: a connection is encrypted from now on.

    Attributes:
        where: "control" or "data".
        command_seq: `seq` of the command whose data connection it is; that of AUTH; 0 for TLS from the first octet.
        version: Such as "TLSv1.3".
        cipher: OpenSSL's name of the suite.
        resumed: Whether an earlier session was resumed.
        subject: Of the client's certificate, such as "CN=ann"; "" when it has shown none.
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
    """A handshake failed.

    Attributes:
        where: "control" or "data".
        command_seq: As in `TlsEstablished`.
        error: What OpenSSL or the socket said.
    """

    where: str
    command_seq: int
    error: str


@dataclass(frozen=True, slots=True)
class LoggedIn(Event):
    """A user was let in.

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
        offset: Octets skipped by REST.
        transfer_type: "I" or "A".
    """

    command_seq: int
    mode: str
    peer: tuple[str, int]
    direction: str
    verb: str
    path: str
    offset: int
    transfer_type: str


@dataclass(frozen=True, slots=True)
class DataMoved(Event):
    """Some octets went over a data connection.

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
        payload: The octets as on the wire; gives their number and digest.
        completed: True when all there was to send was handed over, or the client's end of file was read.
        error: Why not, in words; "" when completed.
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
    """A fault begins to happen.

    Attributes:
        command_seq: `seq` of the command that it happens to; 0 for a connection just accepted.
        fault: The fault as text.
    """

    command_seq: int
    fault: str


@dataclass(frozen=True, slots=True)
class ReplyWithheld(Event):
    """A command was left without its final reply: for ever, or until something else comes.

    Attributes:
        command_seq: `seq` of the command; 0 for a connection just accepted.
    """

    command_seq: int


@dataclass(frozen=True, slots=True)
class ClientHung(Event):
    """A client waited without a timeout for what a fault or a login script withholds; the server resets the session.

    Attributes:
        command_seq: `seq` of the command at which it waited; 0 for a connection just accepted.
        command: The command as text, secrets starred.
        seconds: How long no byte went in either direction.
    """

    command_seq: int
    command: str
    seconds: float

    def __str__(self) -> str:
        return f"the client waited {self.seconds:g} s at {self.command} without giving up"


@dataclass(frozen=True, slots=True)
class HandlerFailed(Event):
    """A handler raised something that is not an answer; the client got 451.

    Attributes:
        verb: Of the command.
        error: The exception, with its traceback.
    """

    verb: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Disconnecting(Event):
    """The server begins to end a session: it reads no more commands; `Disconnected` follows when all work has ended.

    Attributes:
        reason: As of `Disconnected`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """A control connection is gone.

    Attributes:
        reason: "quit", "client closed", "connection reset", "idle", "shut down", "refused", "cut off" (by this side),
            "no TLS" (hands were not shaken), "no end of TLS", "client hung" or "failure".
    """

    reason: str


class Hub:
    """Hands every event to every subscriber, in order, on the caller's thread.

    Args:
        clock: Monotonic clock in seconds.

    Attributes:
        started: Its time when the hub was made: that of events counts from there.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.started = clock()
        self._numbers = count(1)
        self._subscribers: tuple[Callable[[Event], None], ...] = ()

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with every event from now on."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Stop calling `subscriber`."""
        self._subscribers = tuple(one for one in self._subscribers if one != subscriber)

    def stamp(self, session: int) -> tuple[int, int, float]:
        """The first three values of a new event of this session: session, number and time."""
        return session, next(self._numbers), self._clock() - self.started

    def emit(self, event: Event) -> None:
        """Hand `event` to all subscribers."""
        for subscriber in self._subscribers:
            subscriber(event)
