"""Listings of IBM i (AS/400) in its own format, LISTFMT 0: parser and writer.

One rule: the type of an entry is unknown unless it is a known file or directory, because few objects can be retrieved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from ftpfixture.wire.listing.dates import DMY, MDY, YMD, Calendar, Date
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import Clock, Format, outcome, pattern
from ftpfixture.wire.timestamps import local_time

__all__ = ["OS400", "os400_line"]

# The owner is missing for anonymous users, and size and date for objects without them, such as members.
_LINE = pattern(
    r"""
    (?P<owner>[A-Z0-9#@$_.]{1,10})?
    (?:\ +(?P<size>[0-9]{1,20}))?
    (?:\ +(?P<date>[0-9]{2}[-/.,][0-9]{2}[-/.,][0-9]{2}(?:[0-9]{2})?) \ +(?P<time>[0-9]{2}[:.,][0-9]{2}[:.,][0-9]{2}))?
    \ + (?P<type>\*[A-Z][A-Z0-9]{0,8}) (?=\ )
    """,
    re.VERBOSE,
)
_NAME_WIDTH = 11  # columns from the beginning of the type to the name
_TYPES = {
    **dict.fromkeys(("*DIR", "*DDIR", "*LIB", "*FLR"), "dir"),
    **dict.fromkeys(("*STMF", "*DSTMF", "*FILE", "*MEM", "*DOC"), "file"),
    "*SYMLNK": "link",
}
_DATELESS = ("*MEM", "*FILE")


class _Row(NamedTuple):
    found: re.Match[str]
    date: Date | None
    name: str


class _Os400(Format[_Row]):
    name = "an entry of an AS/400 listing"
    needs = "it needs a type with an asterisk, and a name"

    def match(self, text: str) -> _Row | str | None:
        found = _LINE().match(text)
        if found is None or (found["date"] is None and found["type"] not in _DATELESS):
            return None
        rest = text[found.end() :]
        first = len(text) - len(rest.lstrip(" "))
        name = text[min(first, found.start("type") + _NAME_WIDTH) :]
        return _Row(found, _date(found), name) if name.strip(" ") else "it has no name"

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        calendar = Calendar([row.date for row in rows if row.date is not None], clock, (MDY, DMY, YMD))
        return [outcome(_entry, row, calendar) for row in rows]


OS400 = _Os400()


def _date(found: re.Match[str]) -> Date | None:
    if found["date"] is None:
        return None
    hour, minute, second = map(int, re.split("[:.,]", found["time"]))
    first, middle, last = re.split("[-/.,]", found["date"])  # in the order of the server's job
    return Date(f"{found['date']} {found['time']}", numbers=(first, middle, last), time=(hour, minute, second))


def _entry(row: _Row, calendar: Calendar) -> Entry:
    name = row.name.rstrip("/")
    kind = "dir" if name != row.name else _TYPES.get(row.found["type"], "unknown")
    size = int(row.found["size"]) if row.found["size"] else None
    modify = None if row.date is None else calendar.stamp(row.date)
    return Entry(name, kind, size, modify, owner=row.found["owner"])


def os400_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of IBM i: owner, size, date, time, type and name, with a slash behind a directory.

    The date is month, day and year, which a client can only guess, as there: the order is that of the server's job.

    Args:
        entry: Its name has no space at its beginning.
        timezone: Of the date.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    owner = _NO_OWNER().sub("", (entry.owner or "").upper())[:10] or "QSYS"
    kind, mark = ("*DIR", "/") if entry.type in DIRECTORIES else ("*SYMLNK" if entry.type == "link" else "*STMF", "")
    date = f"{moment.month:02}/{moment.day:02}/{moment.year % 100:02}"
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return f"{owner:<10} {entry.size or 0:>11} {date} {clock} {kind:<10} {entry.name}{mark}"


_NO_OWNER = pattern(r"[^A-Z0-9#@$_.]+")
