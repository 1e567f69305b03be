"""The differences of two recordings.

One rule: pure. A difference names a field and has its value on both sides, so that a reader need not open the files.

Sessions are compared in the order in which they began, whatever their numbers, and in each session the commands, each
with all that the server did until the next one. A command that only one side has is one difference, and the commands
after it are compared with their own partners.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple, Protocol

from ftpfixture.faults.trigger import counted
from ftpfixture.recording.alignment import aligned, common
from ftpfixture.recording.format import Command, Data, Note, Reply, content_of
from ftpfixture.recording.shape import LISTINGS, shape_of
from ftpfixture.recording.store import Recording
from ftpfixture.recording.texts import (
    command_text,
    data_text,
    note_text,
    reply_code,
    reply_texts,
    transfer_text,
    verb_of,
)

__all__ = ["Difference", "compare"]

_SHOWN = 20  # bytes of a content that are shown on each side of the first difference
_WIDTH = 200  # characters of a value in the sentence about a difference


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two recordings; as text one sentence.

    Attributes:
        session: Number of the expected session; that of the seen one when none was expected.
        line: Line in the expected file; 0 when it has none.
        seen_line: Line in the other file; 0 when it has none.
        what: The field, such as "reply to RETR /a.csv".
        expected: Its value; "" for none.
        seen: Its value on the other side; "" for none.
    """

    session: int
    line: int
    seen_line: int
    what: str
    expected: str
    seen: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else f"line {self.seen_line} of what was seen"
        values = f"expected {_cut(self.expected) or 'none'}; seen {_cut(self.seen) or 'none'}"
        return f"session {self.session}, {place}: {self.what}: {values}"


def _cut(value: str) -> str:
    return value if len(value) <= _WIDTH else f"{value[:_WIDTH]}..."


class _Part(Protocol):
    """A part of a recording."""

    @property
    def number(self) -> int:
        """Of its line."""


class _Event(NamedTuple):
    number: int
    line: Reply | Data | Note

    @property
    def kind(self) -> str:
        """What it is, for finding its partner."""
        match self.line:
            case Reply() as reply:
                return reply_code(reply)
            case Data() as data:
                return data.direction
            case Note() as note:
                return note.what

    def __str__(self) -> str:
        match self.line:
            case Reply() as reply:
                return " / ".join(reply_texts(reply))
            case Data() as data:
                return data_text(data)
            case Note() as note:
                return note_text(note)


class _Exchange(NamedTuple):
    """A command and all that the server did until the next one, or the begin or the end of a session.

    Attributes:
        number: Of the first line.
        verb: Of the command, upper case; "" for none.
        name: The command as text, or what it is.
        events: In order.
    """

    number: int
    verb: str
    name: str
    events: list[_Event]

    def __str__(self) -> str:
        return self.name


class _Session(NamedTuple):
    session: int
    number: int
    exchanges: list[_Exchange]

    def __str__(self) -> str:
        return f"one with {counted(sum(exchange.verb != '' for exchange in self.exchanges), 'command')}"


def compare(expected: Recording, seen: Recording, *, strict: bool = True) -> list[Difference]:
    """Return the differences, in the order of the expected recording; an empty list when there are none.

    A command that is loose in the expected recording may be on one side only. Not compared are bytes that were
    generated, because an imported log does not have the real ones, and versions of TLS: only whether a connection was
    encrypted.

    Args:
        expected: Such as a file that is kept with the tests.
        seen: What took place.
        strict: Whether texts of replies, contents of listings, and the place where a data connection ended count, too.
            Otherwise the server is compared as a client depends on it: codes of replies, features in the reply to FEAT,
            formats of listings, contents of all other transfers.
    """
    comparison = _Comparison(expected, seen, strict)
    for one, other in zip_longest(_sessions(expected), _sessions(seen)):
        comparison.compare(one, other)
    return comparison.found


def _sessions(recording: Recording) -> list[_Session]:
    sessions: dict[int, _Session] = {}
    for number, line in enumerate(recording.lines, 2):
        beginning = _Session(line.session, number, [_Exchange(number, "", "the connection", [])])
        exchanges = sessions.setdefault(line.session, beginning).exchanges
        if isinstance(line, Command):
            exchanges.append(_Exchange(number, verb_of(line), command_text(line), []))
        elif isinstance(line, Note) and line.what == "closed":
            exchanges.append(_Exchange(number, "", "the end", [_Event(number, line)]))
        else:
            exchanges[-1].events.append(_Event(number, line))
    return [*sessions.values()]


class _Comparison:
    """Compares two recordings.

    Attributes:
        found: The differences so far.
    """

    def __init__(self, expected: Recording, seen: Recording, strict: bool) -> None:
        self.found: list[Difference] = []
        self._expected = expected
        self._seen = seen
        self._strict = strict
        self._loose = frozenset(map(str.upper, expected.header.loose))
        self._session = 0

    def _add(self, what: str, one: _Part | None, other: _Part | None, values: tuple[str, str] | None = None) -> None:
        """Add a difference, unless the value is the same on both sides.

        Args:
            what: The field.
            one: The expected part.
            other: The seen part.
            values: Those of the field; None for the texts of the parts.
        """
        if values is None:
            values = "" if one is None else str(one), "" if other is None else str(other)
        if values[0] != values[1]:
            line, seen_line = (0 if part is None else part.number for part in (one, other))
            self.found.append(Difference(self._session, line, seen_line, what, *values))

    def compare(self, one: _Session | None, other: _Session | None) -> None:
        """Compare two sessions; one of them may be missing."""
        either = one or other
        assert either is not None
        self._session = either.session
        if one is None or other is None:
            self._add("session", one, other)
            return
        for mine, its in aligned(one.exchanges, other.exchanges, str):
            self._exchange(mine, its)

    def _exchange(self, one: _Exchange | None, other: _Exchange | None) -> None:
        if one is None or other is None:
            if not self._loose & {exchange.verb for exchange in (one, other) if exchange is not None}:
                self._add("command", one, other)
            return
        if one.verb != other.verb and not self._loose.isdisjoint({one.verb, other.verb}):
            self._exchange(one, None)
            self._exchange(None, other)
            return
        self._add("command", one, other)
        if one.verb != other.verb:
            return
        mine, its = one.events, other.events
        kinds = [[event.kind for event in events] for events in (mine, its)]
        if kinds[0] != kinds[1] and (not self._strict or sorted(kinds[0]) == sorted(kinds[1])):
            if self._strict:
                self._add(f"order after {one}", one, other, (", ".join(kinds[0]), ", ".join(kinds[1])))
            mine, its = _by_type(mine), _by_type(its)
        for event, partner in aligned(mine, its, lambda event: event.kind):
            self._event(one, event, partner)

    def _event(self, exchange: _Exchange, one: _Event | None, other: _Event | None) -> None:
        if one is None or other is None or type(one.line) is not type(other.line):
            for mine, its in ((one, None), (None, other)):
                self._add(f"after {exchange}", mine, its)
            return
        match one.line, other.line:
            case Reply() as reply, Reply() as seen_reply:
                self._add(f"reply to {exchange}", one, other, self._replies(exchange.verb, reply, seen_reply))
            case Data() as data, Data() as seen_data:
                kinds = transfer_text(data), transfer_text(seen_data)
                self._add(f"data connection of {exchange}", one, other, kinds)
                self._add(f"data of {exchange}", one, other, self._contents(exchange.verb, data, seen_data))
            case _:
                self._add("session", one, other)

    def _replies(self, verb: str, one: Reply, other: Reply) -> tuple[str, str]:
        """What differs in two replies: the lines that only one of them has, or all when the codes differ."""
        mine, its = reply_texts(one), reply_texts(other)
        if reply_code(one) == reply_code(other):
            if not self._strict:
                mine, its = _features(verb, mine), _features(verb, its)
            only = [line for line in mine if line not in its], [line for line in its if line not in mine]
            mine, its = only if any(only) else (mine, its)
        return " / ".join(mine), " / ".join(its)

    def _contents(self, verb: str, one: Data, other: Data) -> tuple[str, str]:
        """What differs in the content of two data connections; generated bytes are no content."""
        if one.synthetic or other.synthetic:
            return "", ""
        if not self._strict and verb in LISTINGS:
            return shape_of(verb, self._expected.content(one)), shape_of(verb, self._seen.content(other))
        if (one.size, one.sha256) == (other.size, other.sha256):
            return "", ""
        mine, its = content_of(one), content_of(other)
        if mine is None or its is None:
            return _size(one), _size(other)
        place = common(mine, its)
        number = mine.count(b"\n", 0, place) + 1
        return _around(mine, place, number), _around(its, place, number)


def _features(verb: str, texts: list[str]) -> list[str]:
    """The lines of a reply that a client depends on, beside its code: the features in that to FEAT."""
    return sorted(text.strip().upper() for text in texts[1:-1]) if verb == "FEAT" else []


def _size(data: Data) -> str:
    return f"{counted(data.size, 'byte')} with SHA-256 {data.sha256}"


def _around(content: bytes, place: int, number: int) -> str:
    """The bytes around a place, as far as they are in its line."""
    start = max(content.rfind(b"\n", 0, place) + 1, place - _SHOWN)
    text = content[start : place + _SHOWN].partition(b"\n")[0].removesuffix(b"\r")
    shown = text.decode("utf-8", "backslashreplace")
    return f"{shown!r} in line {number} (byte {start + 1} of {len(content)})"


def _by_type(events: list[_Event]) -> list[_Event]:
    """Replies, data connections, notes, each in their order."""
    return sorted(events, key=lambda event: (Reply, Data, Note).index(type(event.line)))
