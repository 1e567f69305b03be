"""A whole listing, whatever server it came from.

One rule: what was not understood is never taken for what is not there. Every line is an entry, a line that is known to
be none (`Reading.headings`), or unread. Lines of one format are judged together: one line alone often can be read in
two ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from ftpfixture.wire.entry import Entry
from ftpfixture.wire.listing.eplf import EPLF
from ftpfixture.wire.listing.format import Clock, Format, broken, without_end
from ftpfixture.wire.listing.headings import is_heading
from ftpfixture.wire.listing.mlsx import FACTS, MLSX
from ftpfixture.wire.listing.msdos import MSDOS
from ftpfixture.wire.listing.unix import UNIX

__all__ = ["Reading", "UnreadLine", "read_listing", "read_mlsx_listing"]

# The format that needs most comes first.
_FORMATS: tuple[Format[Any], ...] = (EPLF, MSDOS, UNIX, FACTS)


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line of a listing that was not understood.

    Attributes:
        line: Without its end.
        reason: Why, as the end of a sentence about the line.
    """

    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a listing says; each part is in the order of the lines.

    Attributes:
        entries: What is in the directory, as far as it was understood.
        unread: Lines that may hold entries, but were not understood.
        headings: Lines that are known to hold none, such as ``total 12`` and empty lines.
    """

    entries: tuple[Entry, ...]
    unread: tuple[UnreadLine, ...]
    headings: tuple[str, ...] = ()


def read_listing(lines: Iterable[str], *, now: float, timezone: tzinfo = UTC) -> Reading:
    """Read what LIST sent.

    Args:
        lines: All lines of the listing, with or without their ends.
        now: POSIX seconds, for dates without a year.
        timezone: Of dates that do not say theirs.
    """
    return _read([without_end(line) for line in lines], _FORMATS, Clock(now, timezone))


def read_mlsx_listing(lines: Iterable[str]) -> Reading:
    """Read what MLSD sent.

    A fact whose value is empty or cannot be read is unknown, and its entry is there all the same.

    Args:
        lines: All lines of the listing, with or without their ends.

    Source: RFC 3659 7.2.
    """
    return _read([without_end(line) for line in lines], (MLSX,), Clock())


def _read(texts: Sequence[str], formats: Sequence[Format[Any]], clock: Clock) -> Reading:
    headings = []
    outcomes: dict[int, Entry | str] = {}
    rows: dict[Format[Any], dict[int, Any]] = {}
    for number, text in enumerate(texts):
        if is_heading(text):
            headings.append(text)
            continue
        shape, found = _matched(text, formats)
        if shape is None:
            outcomes[number] = found
        else:
            rows.setdefault(shape, {})[number] = found
    for shape, numbered in rows.items():
        outcomes.update(zip(numbered, shape.read([*numbered.values()], clock), strict=True))
    entries = []
    unread = []
    for number in sorted(outcomes):
        found = outcomes[number]
        if isinstance(found, Entry):
            entries.append(found)
        else:
            unread.append(UnreadLine(texts[number], found))
    return Reading(tuple(entries), tuple(unread), tuple(headings))


def _matched(text: str, formats: Sequence[Format[Any]]) -> tuple[Format[Any] | None, Any]:
    """The first format that the line has and its row there; or None, and a reason."""
    reason = broken(text)
    for shape in formats if reason is None else ():
        found = shape.match(text)
        if isinstance(found, str):
            reason = reason or f"as {shape.name}, {found}"
        elif found is not None:
            return shape, found
    return None, reason or "it has no known form"
