"""What a line of a log says: the common words of all formats, which a dialogue is made of.

One rule: an item is what its line says, and nothing else; `dialogue` decides what follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ftpfixture.recording.imports.rows import Row

__all__ = [
    "Closed",
    "Counted",
    "DataFailed",
    "Format",
    "Item",
    "Opened",
    "Received",
    "Remarked",
    "Rules",
    "Secured",
    "Sent",
    "Shown",
    "items_by",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """The base of all items.

    Attributes:
        source: Which of several connections the log names; "" for the only one.
    """

    number: int
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(_Item):
    """A control connection was opened.

    Attributes:
        hosts: Names and addresses of the server.
        begins: Whether a session begins here; False for a line that only names the server.
    """

    hosts: tuple[str, ...] = ()
    begins: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(_Item):
    """A command."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(_Item):
    """A line of a reply."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured(_Item):
    """A TLS handshake completed.

    Attributes:
        version: Such as "TLSv1.3"; "" where the log does not have it.
        implicit: Whether it began with the connection; None where the place in the log decides.
    """

    version: str = ""
    implicit: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(_Item):
    """Bytes of a data connection.

    Attributes:
        size: Their number.
        whole: Whether these were all of them.
    """

    size: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFailed(_Item):
    """A data connection was not established."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_Item):
    """The server closed the control connection."""

    end: Literal["eof", "rst"] = "eof"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(_Item):
    """A line without the sign of its format: it may be a line of the data, or not belong to the log.

    Attributes:
        text: The line.
        known: Whether it is a message of the program when it is no data.
    """

    text: str
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked(_Item):
    """A line was repaired."""

    text: str


Item = Opened | Sent | Received | Secured | Counted | DataFailed | Closed | Shown | Remarked


@dataclass(frozen=True, slots=True)
class Format:
    """A format of logs.

    Attributes:
        name: As in ``--format``.
        made_by: How the program writes such a log, for messages.
        sign: The pattern of lines of a dialogue; other formats may have them, too.
        mark: The pattern of lines that only this program writes.
        read: Returns the items of a log.
    """

    name: str
    made_by: str
    sign: re.Pattern[str]
    mark: re.Pattern[str]
    read: Callable[[Sequence[Row]], Iterator[Item]]


Rules = Sequence[tuple[str, Callable[[int, "re.Match[str]"], Item | None]]]
"""Patterns of lines, and the item of each, None for a line without a meaning; the first that fits counts."""


def items_by(rules: Rules, rows: Iterable[Row]) -> Iterator[Item]:
    """Yield the items of rows by a table; a row that fits no pattern is `Shown`."""
    table = [(re.compile(pattern), make) for pattern, make in rules]
    for row in rows:
        for pattern, make in table:
            match = pattern.match(row.text)
            if match is not None:
                item = make(row.number, match)
                if item is not None:
                    yield item
                break
        else:
            yield Shown(number=row.number, text=row.text)
