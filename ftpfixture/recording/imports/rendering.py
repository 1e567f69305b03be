"""Sessions of a log as the lines of a recording: secrets and addresses become placeholders, and data get their bytes.

One rule: what was masked in the log is any text on replay; what the log shows is sent as it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ftpfixture.errors import RecordingError
from ftpfixture.recording.format import LATEST, Command, Data, Header, Line, Note, Reply, body_of
from ftpfixture.recording.imports import bodies
from ftpfixture.recording.imports.items import Shown
from ftpfixture.recording.imports.session import Answer, Remark, Session, Transfer, Turn
from ftpfixture.recording.named_secrets import named_secrets
from ftpfixture.recording.store import Recording

__all__ = ["Rendering"]

_LOOSE = frozenset({"CLNT", "FEAT", "HOST", "LANG", "NOOP", "OPTS", "PWD", "SYST", "TYPE"})
"""Commands without an effect on later ones: the client of a test need not send those of the client of the log."""

_SECRETS = {"USER": "user", "PASS": "password", "ACCT": "account"}
_Opens = Literal["", "passive", "active"]
_OPENS: dict[str, _Opens] = {"PASV": "passive", "EPSV": "passive", "PORT": "active", "EPRT": "active"}
_MASKED = re.compile(r"[*#xX.•?<>\[\]-]*|<\w+>|\[\w+\]|\*+\w*\*+")
_PART = r"(?:[0-9]{1,3}|[*#xX?]{1,3})"
_NUMBERS = re.compile(rf"{_PART}(?: ?, ?{_PART}){{5}}|(?<=\()[*#xX?., ]+(?=\))")
_PORT = re.compile(r"(?<=\|\|\|)(?:[0-9]+|[*#xX?]+)(?=\|)")
_EPRT = re.compile(r"([!-~])([12])\1[^|]+\1[^|]+\1")


class Rendering:
    """Makes the recording of sessions.

    Args:
        sessions: In their order.
        remark: Takes remarks.
        unread: Gets the lines that are no data.
        redact: Further texts that get placeholders.

    Attributes:
        secrets: Passwords and accounts of the log.
    """

    def __init__(
        self, sessions: Sequence[Session], remark: Remark, unread: list[Shown], redact: Mapping[str, str]
    ) -> None:
        self.secrets = named_secrets(redact)
        self._sessions = sessions
        self._remark = remark
        self._unread = unread
        self._blobs: dict[str, bytes] = {}
        for session in sessions:
            for turn in session.turns:
                name = _SECRETS.get(turn.verb)
                if name is not None and turn.argument != f"{{{name}}}" and not _MASKED.fullmatch(turn.argument):
                    self.secrets.add(name, turn.argument, searched=name != "user")
            for host in session.hosts:
                if re.search(r"\w[.:]\w", host):
                    self.secrets.add("host", host, searched=False)

    def recording(self, name: str) -> Recording:
        """The recording.

        Args:
            name: Of the log, for errors.

        Raises:
            RecordingError: The sessions cannot be in one recording.
        """
        tls = self._tls(name)
        lines = tuple(line for number, one in enumerate(self._sessions, 1) for line in self._session(number, one))
        names = {"user", "password"} | set(self.secrets.names)
        used = {name for name in names if any(f"{{{name}}}" in _text(line) for line in lines)}
        header = Header(version=LATEST, source="import", tls=tls, redacted=tuple(sorted(used)), loose=self._loose())
        return Recording(header, lines, self._blobs)

    def _tls(self, name: str) -> Literal["", "explicit", "implicit"]:
        implicit = [session for session in self._sessions if session.is_implicit]
        if implicit and len(implicit) < len(self._sessions):
            raise RecordingError(
                name,
                implicit[0].turns[0].number,
                "TLS begins with the connection here, and not in the other sessions: import them from two files",
            )
        turns = (turn for session in self._sessions for turn in session.turns)
        return "implicit" if implicit else "explicit" if any("tls" in turn.events for turn in turns) else ""

    def _loose(self) -> tuple[str, ...]:
        """The verbs that are loose: those whose every command has one final reply, and does not end the session."""
        found = {turn.verb for session in self._sessions for turn in session.turns} & _LOOSE | {"NOOP"}
        for session in self._sessions:
            for turn in session.turns:
                codes = [event.code[:1] if isinstance(event, Answer) else "" for event in turn.events]
                ends = turn is session.turns[-1] and session.ended
                if len(codes) != 1 or codes[0] not in ("2", "4", "5") or ends:
                    found.discard(turn.verb)
        return tuple(sorted(found))

    # One session.

    def _session(self, number: int, session: Session) -> Iterator[Line]:
        yield Note(session=number, what="connected")
        if session.is_implicit:
            yield Note(session=number, what="tls", version=session.version)
        count = 0
        for turn in session.turns:
            if turn.text:
                yield self._command(number, turn)
            if turn.transfer is not None and not any(turn.transfer in other.events for other in session.turns):
                self._unread += [line for line in turn.transfer.shown if not line.known]
            for event in turn.events:
                match event:
                    case Answer():
                        yield self._reply(number, event)
                    case Transfer():
                        count += 1
                        yield self._data(number, count, event, session)
                    case "tls":
                        yield Note(session=number, what="tls", version=session.version)
                    case "clear":
                        yield Note(session=number, what="clear")
        if session.ended:
            yield Note(session=number, what="closed", by="server", end=session.ended)
        else:
            yield Note(session=number, what="closed", by="client", end="eof")

    def _command(self, number: int, turn: Turn) -> Command:
        secret = _SECRETS.get(turn.verb)
        if secret is not None:
            text = f"{turn.text.partition(' ')[0]} {{{secret}}}"
        else:
            text = _without_address(self.secrets.hide(turn.text))
        names_address = any(re.match("22[789]|200", answer.lines[0]) for answer in turn.answers[:1])
        opens: _Opens = _OPENS.get(turn.verb, "") if names_address and turn.argument.upper() != "ALL" else ""
        if opens == "passive" and not any(map(_has_address, turn.answers[:1])):
            self._remark(turn.number, "the reply names no address: it is sent as it is, without a data connection")
            opens = ""
        return Command(session=number, text=text, opens=opens)

    def _reply(self, number: int, answer: Answer) -> Reply:
        lines = [_without_address(self.secrets.hide(_with_space(line))) for line in answer.lines]
        return Reply(session=number, lines=tuple(lines))

    def _data(self, number: int, count: int, transfer: Transfer, session: Session) -> Data:
        body = bodies.body_of(transfer)
        self._unread += body.unread
        if body.remark:
            self._remark(transfer.number, body.remark)
        keys = body_of(body.content)
        if "blob" in keys:
            self._blobs[keys["sha256"]] = body.content
        return Data(
            session=number,
            direction="up" if transfer.is_upload else "down",
            number=count,
            type="A" if transfer.is_text else "I",
            mode=transfer.mode,
            offset=transfer.offset,
            end=transfer.end,
            tls=(session.version or "TLS") if transfer.is_secured else "",
            synthetic=body.generated,
            **keys,
        )


def _with_space(line: str) -> str:
    """A line of a reply; the space behind the code of an empty one is lost in most logs (RFC 959 4.2 demands it)."""
    return f"{line} " if re.fullmatch("[0-9]{3}", line) else line


def _has_address(answer: Answer) -> bool:
    hidden = _without_address(" ".join(answer.lines))
    return "{address}" in hidden or "{port}" in hidden


def _without_address(text: str) -> str:
    """A command or a line of a reply with placeholders for the address in it."""
    if text.startswith(("PORT ", "227")):
        return _NUMBERS.sub("{address}", text, count=1)
    if text.startswith("EPRT "):
        return _EPRT.sub(r"\1\2\1{host}\1{port}\1", text)
    return _PORT.sub("{port}", text) if text.startswith(("229", "228")) else text


def _text(line: Line) -> str:
    if isinstance(line, Command | Reply):
        return (line.line() if isinstance(line, Command) else line.content()).decode("utf-8", "replace")
    return ""
