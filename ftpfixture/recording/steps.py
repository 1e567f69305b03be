"""A recorded session as steps: each command, and everything that the server does until the next command.

One rule: pure. A step is what is played, `ftpfixture.recording.tape` chooses it, and `replay` plays it.

Loose commands are no steps. A client may send them at any time or not at all, so each is taken out of the sequence with
its own reply, and kept with its place: the number of the steps before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from ftpfixture.errors import ConfigurationError
from ftpfixture.recording.format import Command, Data, Line, Note, Reply
from ftpfixture.recording.redact import pattern_of
from ftpfixture.recording.store import Recording
from ftpfixture.wire.command import censor, censored_argument
from ftpfixture.wire.lines import printable
from ftpfixture.wire.states import TRANSFERS, legal_reply

__all__ = ["OPENERS", "Loose", "Step", "Track", "check_loose", "tracks_of"]

OPENERS = frozenset({"PASV", "EPSV", "PORT", "EPRT"})
"""Verbs of one kind: a client may send one of them where another was recorded."""

_NEVER_LOOSE = (
    TRANSFERS | OPENERS | {"USER", "PASS", "ACCT", "AUTH", "CCC", "REIN", "REST", "RNFR", "RNTO", "QUIT", "*"}
)

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and the lines that follow it.

    Steps of different sessions are equal when the same bytes were received and sent.

    Attributes:
        verb: Upper case; "" for the beginning of a session, before its first command.
        argument: With placeholders.
        opens: "passive" or "active" when it negotiates a data connection.
        lines: Replies, ends of data connections and notes, in order.
        sent: The same lines without their times.
        data: The data connection of the command, which may end in a later step; None when it has none.
        whole: Whether the server reported a complete transfer: a 2xx reply, and no error.
        number: Of the command's line in the file.
        ms: Time of the command in its session; None in a recording without times.
    """

    verb: str
    argument: str = ""
    opens: str = ""
    lines: tuple[Line, ...] = field(default=(), compare=False)
    sent: tuple[Line, ...] = field(default=(), repr=False)
    data: Data | None = field(default=None, compare=False)
    whole: bool = False
    number: int = field(default=0, compare=False)
    ms: int | None = field(default=None, compare=False)

    def match(self, verb: str, argument: str) -> Values | None:
        """The value of each placeholder when a command fits; None when it does not fit."""
        if self.opens and {verb, self.verb} <= OPENERS and argument.upper() != "ALL":
            return {}
        name, found = pattern_of(self.verb).fullmatch(verb), pattern_of(self.argument).fullmatch(argument)
        return None if name is None or found is None else name.groupdict() | found.groupdict()

    def delay(self, line: Line) -> float:
        """How long after the command a line was sent, in seconds; 0 in a recording without times."""
        return 0.0 if self.ms is None or line.ms is None else (line.ms - self.ms) / 1000

    def differences(self, verb: str, argument: str) -> list[str]:
        """The fields in which a command differs, in words."""
        found = []
        if pattern_of(self.verb).fullmatch(verb) is None:
            found.append(f"the verb is {printable(censor(verb, ''))}, recorded {printable(self.verb)}")
        if pattern_of(self.argument).fullmatch(argument) is None:
            sent = printable(censored_argument(verb, argument))
            found.append(f"the argument is {sent!r}, recorded {printable(self.argument)!r}")
        return found

    def __str__(self) -> str:
        return printable(f"{self.verb} {self.argument}" if self.argument else self.verb)


@dataclass(frozen=True, slots=True)
class Loose:
    """A command that a client may send at any time, with its reply.

    Attributes:
        step: Command and reply.
        place: How many steps came before it.
    """

    step: Step
    place: int


@dataclass(frozen=True, slots=True)
class Track:
    """A recorded session.

    Attributes:
        session: Its number.
        steps: The first is its beginning, without a command.
        loose: Commands that are no steps, those with the same verb and argument together, in their order.
    """

    session: int
    steps: tuple[Step, ...]
    loose: Mapping[tuple[str, str], list[Loose]]


def check_loose(verbs: Iterable[str]) -> None:
    """Make sure that a replay can take these verbs at any time.

    Args:
        verbs: Upper case.

    Raises:
        ConfigurationError: Later commands depend on one of them.
    """
    if wrong := sorted({*verbs} & _NEVER_LOOSE):
        raise ConfigurationError(
            f"{wrong[0]} cannot be loose, because later commands depend on it; loose are commands such as NOOP, TYPE, "
            "FEAT, SYST, PWD"
        )


def tracks_of(recording: Recording) -> list[Track]:
    """The sessions of a recording, in the order in which they began.

    Raises:
        ConfigurationError: The recording cannot be played; the text has the line and what to do.
    """
    loose = frozenset(map(str.upper, recording.header.loose))
    try:
        check_loose(loose)
    except ConfigurationError as error:
        raise ConfigurationError(f"recording, line 1: {error}") from None
    sessions: dict[int, list[tuple[int, Line]]] = {}
    for number, line in enumerate(recording.lines, 2):
        sessions.setdefault(line.session, []).append((number, msgspec.structs.replace(line, session=0)))
    return [_Builder(loose, lines).track(session) for session, lines in sessions.items()]


class _Builder:
    """Makes a track of the lines of one session, each with its number."""

    def __init__(self, loose: frozenset[str], lines: list[tuple[int, Line]]) -> None:
        self._lines = lines
        self._replies_of_loose: dict[int, Reply] = {}
        self._taken: set[int] = set()
        for index, (_, line) in enumerate(lines):
            if isinstance(line, Command) and _parsed(line)[0] in loose:
                self._take_out(index, *_parsed(line))
        self._data = self._owners()

    def _take_out(self, index: int, verb: str, argument: str) -> None:
        """Find the reply of a loose command; one that ended the session is not loose."""
        for place in range(index + 1, len(self._lines)):
            line = self._lines[place][1]
            if isinstance(line, Reply) and place not in self._taken:
                code = _code(line)
                if code == "421":
                    return
                if not code.startswith("1") and legal_reply(verb, argument, code):
                    self._replies_of_loose[index] = line
                    self._taken.add(place)
                    return

    def _owners(self) -> dict[int, Data]:
        """Index of each command that has a data connection, and that connection."""
        owners: dict[int, Data] = {}
        last, transfer = -1, None
        for index, (number, line) in enumerate(self._lines):
            if isinstance(line, Command) and index not in self._replies_of_loose:
                last = index
            elif isinstance(line, Reply) and last >= 0 and _code(line).startswith("1") and _code(line) != "110":
                transfer = last
            elif isinstance(line, Data):
                owner = last if transfer is None else transfer
                if owner in owners or owner < 0:
                    raise ConfigurationError(f"recording, line {number}: no command has this data connection")
                owners[owner], transfer = line, None
        return owners

    def track(self, session: int) -> Track:
        """The steps and the loose commands."""
        steps, lines = [Step("", ms=0)], list[Line]()
        loose: dict[tuple[str, str], list[Loose]] = {}
        for index, (number, line) in enumerate(self._lines):
            if index in self._replies_of_loose:
                assert isinstance(line, Command)
                step = Step(*_parsed(line), lines=(self._replies_of_loose[index],), number=number, ms=line.ms)
                loose.setdefault((step.verb, step.argument), []).append(Loose(step, len(steps)))
            elif isinstance(line, Command):
                steps[-1] = _with(steps[-1], lines)
                steps.append(Step(*_parsed(line), line.opens, data=self._data.get(index), number=number, ms=line.ms))
                lines = []
            elif index not in self._taken and not (isinstance(line, Note) and _is_of_client(line)):
                lines.append(line)
        steps[-1] = _with(steps[-1], lines)
        for index, step in enumerate(steps):
            if step.data is not None:
                steps[index] = replace(step, whole=_is_whole(steps, index, step.data))
        return Track(session, tuple(steps), loose)


def _with(step: Step, lines: Iterable[Line]) -> Step:
    """A step with more lines after its command."""
    kept = tuple(lines)
    reply = next((line for line in kept if isinstance(line, Reply)), None)
    opens = step.opens if reply is not None and _code(reply) in _OPENED[step.opens] else ""
    if opens == "passive" and reply is not None:
        _check_address(step, reply)
    return replace(step, opens=opens, lines=kept, sent=tuple(map(_without_time, kept)))


def _without_time(line: Line) -> Line:
    return line if line.ms is None else msgspec.structs.replace(line, ms=None)


def _is_whole(steps: list[Step], first: int, data: Data) -> bool:
    """Whether a transfer was complete, by the replies of all steps from its own to that in which its data ended."""
    last = first
    while not any(line is data for line in steps[last].lines):
        last += 1
    kinds = {_code(line)[:1] for step in steps[first : last + 1] for line in step.lines if isinstance(line, Reply)}
    return "2" in kinds and not kinds & {"4", "5"}


_OPENED = {"passive": ("227", "228", "229"), "active": ("200",), "": ()}
"""Replies that negotiate a data connection; 200 to EPSV ALL is none."""

_PLACES = {"227": ("{address}", "h1,h2,h3,h4,p1,p2"), "229": ("{port}", "the port")}


def _check_address(step: Step, reply: Reply) -> None:
    """Refuse the address of the recorded server."""
    placeholder, text = _PLACES.get(_code(reply), _PLACES["229"])
    if placeholder not in reply.content().decode("utf-8", "surrogateescape").replace("{{", ""):
        raise ConfigurationError(
            f"recording, line {step.number}: the reply to {step} names a port of the recorded server, where nothing "
            f"listens now: write {placeholder} in place of {text}"
        )


def _is_of_client(note: Note) -> bool:
    """Whether a note is about the client only."""
    return note.what == "connected" or (note.what == "closed" and note.by != "server")


def _parsed(command: Command) -> tuple[str, str]:
    """Verb and argument of a recorded command, as a server reads them."""
    text = command.line().decode("utf-8", "surrogateescape")
    verb, _, argument = text.lstrip(" ").partition(" ")
    return (verb if "{" in verb else verb.upper()), argument


def _code(reply: Reply) -> str:
    return reply.content()[:3].decode("latin-1")
