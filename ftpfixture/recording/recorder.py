"""Makes a recording of the dialogue of a server of this package: its own, or the one that it passes on as a proxy.

One rule: it subscribes to the events of the server as the log does, and uses nothing else. So the recording has the
dialogue of the wire, in its order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

import msgspec

from ftpfixture.driver import REAL_TIME
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    Event,
    ReplySent,
    TlsEnded,
    TlsEstablished,
)
from ftpfixture.log.payload import Payload
from ftpfixture.recording.bodies import Body
from ftpfixture.recording.format import (
    INLINE_LIMIT,
    LATEST,
    Command,
    Data,
    Header,
    Line,
    Note,
    Reply,
    body_of,
    content_of,
)
from ftpfixture.recording.format import Body as Keys
from ftpfixture.recording.interrupted import whole
from ftpfixture.recording.redact import Secrets
from ftpfixture.recording.spool import Spool, Spooled, inflated
from ftpfixture.recording.store import Recording
from ftpfixture.recording.volatile import MOST, NAMES, Normalizer
from ftpfixture.wire.states import LISTINGS

__all__ = ["OWN_PLACEHOLDERS", "Recorder"]

OWN_PLACEHOLDERS = NAMES | {"address", "port"}
"""Names that no secret can have: those of texts that are different each time."""

_Mode = Literal["S", "Z"]
_Opens = Literal["", "passive", "active"]

_OPENS: Mapping[str, _Opens] = {
    "PASV": "passive",
    "EPSV": "passive",
    "PORT": "active",
    "EPRT": "active",
}
_SECRETS = {"USER": "user", "PASS": "password", "ACCT": "account"}
_DIRECTIONS: Mapping[str, Literal["down", "up"]] = {"download": "down", "upload": "up"}
_NUMBERS = re.compile(r"[0-9]{1,3}(?:,[0-9]{1,3}){5}")
_PORT_ALONE = re.compile(r"(?<=\|\|\|)[0-9]+(?=\|)")
_EPRT = re.compile(r"([!-~])([12])\1[^|]+\1[0-9]+\1")
_BY_CLIENT = {"client closed": "eof", "connection reset": "rst", "quit": "eof"}


class Recorder:
    """Makes a recording from the events of a server; subscribe it to the server's `Hub`.

    Args:
        source: Where the dialogue comes from.
        tls: How clients may ask for TLS.
        secrets: Texts that placeholders replace from the start; passwords and accounts that clients send are added.
        clock: The current time, in POSIX seconds, by which dates are recent.
        loose: Verbs that a replay takes more often or less often than they were recorded.
        timing: Whether lines get the milliseconds since their sessions began.
        began: When the dialogue began, by the clock; None for now.
        spool: Where long bodies are until the recording is saved; None for a temporary folder of the system.
    """

    def __init__(
        self,
        source: Literal["server", "proxy"] = "server",
        tls: Literal["", "explicit", "implicit"] = "",
        secrets: Secrets | None = None,
        clock: Callable[[], float] = REAL_TIME.wall,
        *,
        loose: tuple[str, ...] = (),
        timing: bool = False,
        began: float | None = None,
        spool: Spool | None = None,
    ) -> None:
        self.spool = Spool() if spool is None else spool
        self.secrets = Secrets() if secrets is None else secrets
        self._source: Literal["server", "proxy"] = source
        self._tls = tls
        self._loose = loose
        self._timing = timing
        self._clock = clock
        self._began = clock() if began is None else began
        self._lines: list[Line] = []
        self._sessions: dict[int, int] = {}  # number in the log to number in the recording
        self._started: dict[int, float] = {}
        self._ended = 0
        self._blobs: dict[str, Body] = {}
        self._bodies: dict[int, Spooled] = {}
        self._listings: set[tuple[int, int]] = set()  # session and number of each data connection with one
        self._commands: dict[int, CommandReceived] = {}
        self._opened: dict[int, tuple[DataOpened, int]] = {}
        self._data_tls: dict[int, str] = {}
        self._counts: dict[int, int] = {}
        self._mode_z: set[int] = set()
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            Connected: self._connected,
            CommandReceived: self._command,
            ReplySent: self._reply,
            TlsEstablished: self._encrypted,
            TlsEnded: lambda event: self._note(event, "clear"),
            DataOpened: self._data_opened,
            DataMoved: self._data_moved,
            DataClosed: self._data_closed,
            Disconnected: self._disconnected,
        }

    def __call__(self, event: Event) -> None:
        """Take the next event, on the thread of the server's loop."""
        if type(event) is Connected:
            self._sessions[event.session] = len(self._sessions) + 1
            self._started[event.session] = event.time
        take = self._takers.get(type(event))
        if take is not None and event.session in self._sessions:
            take(event)

    @property
    def open_sessions(self) -> int:
        """How many of the recorded sessions have not ended."""
        return len(self._sessions) - self._ended

    def recording(self) -> Recording:
        """The recording so far, session by session; an open session ends with its last command that is carried out.

        Raises:
            OSError: A body could not be stored, as when the disk is full.
        """
        if self.spool.error is not None:
            raise self.spool.error
        header = Header(
            version=LATEST,
            source=self._source,
            tls=self._tls,
            redacted=tuple(self.secrets.names),
            loose=self._loose,
        )
        normalizer = Normalizer(self._began, self._clock())
        sessions = groupby(sorted(self._lines, key=attrgetter("session")), attrgetter("session"))
        ordered = (line for session, lines in sessions for line in _ended(session, [*lines]))
        lines = tuple(self._redacted(line, normalizer) for line in ordered)
        blobs = {line.sha256: self._blobs[line.sha256] for line in lines if isinstance(line, Data) and line.blob}
        return Recording(header, lines, blobs)

    def _redacted(self, line: Line, normalizer: Normalizer) -> Line:
        """A line with placeholders: for secrets, some of which were sent after it, and for what changes in each run."""
        match line:
            case Command():
                text = self.secrets.hide(line.line().decode("utf-8", "surrogateescape"))
                return _command(line.session, normalizer.command(_hide_address(text)), line.ms)
            case Reply():
                text = self.secrets.hide(line.content().decode("utf-8", "surrogateescape"))
                return _reply(line.session, normalizer.reply(_hide_address(text)), line.ms)
            case Data() if (line.session, line.number) in self._listings:
                content = content_of(line)
                content = self._blobs[line.sha256].read(0, line.size) if content is None else content
                return _listing(line, *normalizer.listing(content))
            case _:
                return line

    # One event.

    def _add(self, event: Event, line: Line) -> None:
        if self._timing:
            line = msgspec.structs.replace(line, ms=round(1000 * (event.time - self._started[event.session])))
        self._lines.append(line)

    def _note(self, event: Event, what: Literal["connected", "clear"]) -> None:
        self._add(event, Note(session=self._sessions[event.session], what=what))

    def _connected(self, event: Connected) -> None:
        self._note(event, "connected")

    def _command(self, event: CommandReceived) -> None:
        self._commands[event.seq] = event
        if event.verb in _SECRETS:
            self.secrets.add(_SECRETS[event.verb], event.argument, searched=event.verb != "USER")
        text = " ".join([event.verb, event.argument]) if event.argument else event.verb
        self._add(event, _command(self._sessions[event.session], text))

    def _reply(self, event: ReplySent) -> None:
        command = self._commands.get(event.command_seq)
        verb = "" if command is None else command.verb
        if command is not None and verb == "MODE" and event.code == "200":
            change = self._mode_z.add if command.argument.upper().startswith("Z") else self._mode_z.discard
            change(event.session)
        self._add(event, _reply(self._sessions[event.session], event.raw.decode("utf-8", "surrogateescape")))

    def _encrypted(self, event: TlsEstablished) -> None:
        if event.where == "control":
            self._add(event, Note(session=self._sessions[event.session], what="tls", version=event.version))
        else:
            self._data_tls[event.command_seq] = event.version

    def _data_opened(self, event: DataOpened) -> None:
        number = self._counts[event.session] = self._counts.get(event.session, 0) + 1
        self._opened[event.command_seq] = event, number
        self._bodies[event.command_seq] = Spooled(self.spool)

    def _data_moved(self, event: DataMoved) -> None:
        self._store(event.command_seq, self._opened[event.command_seq][0].payload)

    def _store(self, command_seq: int, payload: Payload) -> None:
        """Store the bytes that are new."""
        body = self._bodies[command_seq]
        for piece in payload.since(body.size):
            body.add(piece)

    def _data_closed(self, event: DataClosed) -> None:
        opened, number = self._opened.pop(event.command_seq)
        self._store(event.command_seq, event.payload)
        body, mode = self._bodies.pop(event.command_seq), self._mode(event)
        if self.spool.error is not None:
            return
        if mode == "Z" and self._source == "proxy":
            body, mode = self._inflated(body)
        if opened.verb in LISTINGS and body.size <= MOST:
            self._listings.add((self._sessions[event.session], number))
        data = Data(
            session=self._sessions[event.session],
            direction=_DIRECTIONS[opened.direction],
            number=number,
            type="A" if opened.transfer_type == "A" else "I",
            mode=mode,
            offset=opened.offset,
            end=event.end,  # type: ignore[arg-type]
            tls=self._data_tls.pop(event.command_seq, ""),
            **self._keys(body),
        )
        self._add(event, data)

    def _inflated(self, body: Spooled) -> tuple[Spooled, _Mode]:
        """The body of a transfer in MODE Z without compression; unchanged where it is no zlib stream."""
        result = inflated(body.end(), self.spool)
        if result is None:
            return body, "S"
        body.discard()
        return result, "Z"

    def _keys(self, body: Spooled) -> Keys:
        if body.size <= INLINE_LIMIT:
            return body_of(body.end().read(0, body.size))
        if body.sha256 in self._blobs:
            body.discard()
        else:
            self._blobs[body.sha256] = body.end()
        return {"size": body.size, "sha256": body.sha256, "blob": True}

    def _mode(self, event: DataClosed) -> _Mode:
        return "Z" if event.session in self._mode_z else "S"

    def _disconnected(self, event: Disconnected) -> None:
        self._ended += 1
        end = _BY_CLIENT.get(event.reason)
        note = Note(
            session=self._sessions[event.session],
            what="closed",
            by="server" if end is None or event.reason == "quit" else "client",
            end="rst" if end == "rst" else "eof",
        )
        self._add(event, note)


def _ended(session: int, lines: list[Line]) -> list[Line]:
    """The lines of a session with its end."""
    last = lines[-1]
    if isinstance(last, Note) and last.what == "closed":
        return lines
    return [*whole(lines), Note(session=session, what="closed", by="server", end="eof")]


def _command(session: int, text: str, ms: int | None = None) -> Command:
    opens: _Opens = _OPENS.get(text.partition(" ")[0], "")
    if _is_text(text):
        return Command(session=session, text=text, opens=opens, ms=ms)
    return Command(session=session, raw=text.encode("utf-8", "surrogateescape"), opens=opens, ms=ms)


def _listing(data: Data, content: bytes, placeholders: bool) -> Data:
    """A data connection with another content."""
    keys = {"text": None, "lines": None, "base64": None, "blob": False, **body_of(content, placeholders)}
    return msgspec.structs.replace(data, **keys)


def _reply(session: int, text: str, ms: int | None = None) -> Reply:
    lines = text.split("\r\n")
    if lines[-1] or not _is_text(text) or any("\r" in line or "\n" in line for line in lines):
        return Reply(session=session, raw=text.encode("utf-8", "surrogateescape"), ms=ms)
    return Reply(session=session, lines=tuple(lines[:-1]), ms=ms)


def _hide_address(text: str) -> str:
    """The text of PORT, EPRT, 227 or 229 with placeholders; any other as it is."""
    if text.startswith(("PORT ", "227")):
        return _NUMBERS.sub("{address}", text)
    if text.startswith("EPRT "):
        return _EPRT.sub(r"\1\2\1{host}\1{port}\1", text)
    return _PORT_ALONE.sub("{port}", text) if text.startswith("229") else text


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
