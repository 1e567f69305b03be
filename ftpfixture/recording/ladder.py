"""A recording as steps between a client and a server, for tables, pages and diagrams.

One rule: pure. All text of a step is printable: no control character, no direction of text, no byte outside of UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ftpfixture.recording.format import Command, Data, Line, Note, Reply
from ftpfixture.recording.redact import fill
from ftpfixture.recording.store import Recording
from ftpfixture.recording.texts import command_text, data_text, note_text, reply_code, reply_texts
from ftpfixture.wire.lines import printable

__all__ = ["Exchange", "Ladder", "Rung", "ladders", "mermaid"]

_SHOWN = 40  # lines of a content
_WIDTH = 100  # characters of a message in a diagram
_MERMAID = re.compile(r"[#;<>&$%]|(?<=wrap):")  # ends of a text, HTML, formulas, and a prefix of a text


@dataclass(frozen=True, slots=True)
class Rung:
    """One line of a recording.

    Attributes:
        number: Of the line in the file.
        kind: "command", "reply", "download", "upload" or "note".
        code: Of a reply.
        lines: The text, at least one line.
        content: The beginning of what was sent on a data connection, by lines.
        more: What else was sent on it, in words; "" when `content` is all.
        digest: SHA-256 of a data connection; "" for other steps.
        ms: Milliseconds since the session began; None when they were not recorded.
    """

    number: int
    kind: Literal["command", "reply", "download", "upload", "note"]
    lines: tuple[str, ...]
    code: str = ""
    content: tuple[str, ...] = ()
    more: str = ""
    digest: str = ""
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command and what the server did until the next one, or the steps before the first command.

    Attributes:
        rungs: In order.
    """

    rungs: tuple[Rung, ...]

    @property
    def text(self) -> str:
        """All that a search looks at, one line each."""
        return "\n".join([line for rung in self.rungs for line in (*rung.lines, *rung.content)])


@dataclass(frozen=True, slots=True)
class Ladder:
    """A session.

    Attributes:
        session: Its number.
        exchanges: In order.
    """

    session: int
    exchanges: tuple[Exchange, ...]

    @property
    def rungs(self) -> Iterator[Rung]:
        """All steps, in order."""
        return (rung for exchange in self.exchanges for rung in exchange.rungs)

    @property
    def commands(self) -> int:
        """How many commands there are."""
        return sum(rung.kind == "command" for rung in self.rungs)


def ladders(recording: Recording) -> list[Ladder]:
    """The sessions of a recording, in the order in which they began."""
    sessions: dict[int, list[list[Rung]]] = {}
    for number, line in enumerate(recording.lines, 2):
        exchanges = sessions.setdefault(line.session, [[]])
        if isinstance(line, Command) or (isinstance(line, Note) and line.what == "closed"):
            exchanges.append([])
        exchanges[-1].append(_rung(number, line))
    return [
        Ladder(session, tuple(Exchange(tuple(rungs)) for rungs in exchanges if rungs))
        for session, exchanges in sessions.items()
    ]


def _rung(number: int, line: Line) -> Rung:
    match line:
        case Command():
            return Rung(number, "command", (command_text(line),), ms=line.ms)
        case Reply():
            return Rung(number, "reply", tuple(reply_texts(line)), reply_code(line), ms=line.ms)
        case Data():
            content, more = _preview(line)
            kind: Literal["download", "upload"] = "download" if line.direction == "down" else "upload"
            return Rung(number, kind, (data_text(line),), "", content, more, line.sha256, line.ms)
        case Note():
            return Rung(number, "note", (note_text(line),), ms=line.ms)


def _preview(data: Data) -> tuple[tuple[str, ...], str]:
    """The first lines of a content, and the rest in words."""
    if data.blob:
        return (), "the content is in a file of its own"
    if data.base64 is not None:
        return (), "the content is not text" if data.base64 else ""
    lines = data.lines if data.lines is not None else tuple((data.text or "").removesuffix("\n").split("\n"))
    if data.placeholders:
        lines = tuple(fill(line, {}) for line in lines)
    more = f"and {len(lines) - _SHOWN} more lines" if len(lines) > _SHOWN else ""
    return tuple(printable(line) for line in lines[:_SHOWN]) if data.size else (), more


_ARROWS = {"command": "C->>S", "reply": "S-->>C", "download": "S-)C", "upload": "C-)S"}


def mermaid(sessions: list[Ladder]) -> str:
    """The sessions as a sequence diagram in the language of Mermaid; long texts are cut."""
    rows = ["sequenceDiagram", "    participant C as client", "    participant S as server"]
    for ladder in sessions:
        rows.append(f"    Note over C,S: session {ladder.session}")
        for rung in ladder.rungs:
            text = "<br/>".join([_escaped(line) for line in rung.lines])
            arrow = _ARROWS.get(rung.kind)
            rows.append(f"    Note over C,S: {text}" if arrow is None else f"    {arrow}: {text}")
    return "\n".join(rows) + "\n"


def _escaped(text: str) -> str:
    """A text in which Mermaid finds no syntax."""
    cut = text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."
    return _MERMAID.sub(lambda found: f"#{ord(found[0])};", cut)
