"""Listings of IIS, and of other servers that copy the DIR command.

One rule: the column of the name is that of the system, or else that of the whole listing, so that padding never becomes
part of a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import NamedTuple

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing.dates import Calendar, Date, full_year
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import NUMBER, Clock, Format, outcome, pattern
from ftpfixture.wire.timestamps import local_time

__all__ = ["MSDOS", "msdos_date", "msdos_line", "parse_msdos_line"]

_LINE = pattern(
    r"""
    \ *(?P<stamp>
        (?:(?P<a>[0-9]{1,2}) (?P<mark>[-/.]) (?P<b>[0-9]{1,2}) (?P=mark) (?P<c>[0-9]{4}|[0-9]{2})
          |(?P<year>[0-9]{4}) (?P<sign>[-/.]) (?P<month>[0-9]{1,2}) (?P=sign) (?P<day>[0-9]{1,2}))
        \ + (?P<hour>[0-9]{1,2}) : (?P<minute>[0-9]{2}) (?: : (?P<second>[0-9]{2}))?
        (?: \ ? (?P<half>[AaPp]) \.? (?:[Mm]\.?)? )?
    )
    \ + (?: (?P<kind><[A-Z]+>) | (?P<size>[0-9]{1,3}(?:[.,'\u00a0\u202f][0-9]{3})+|[0-9]+) ) (?=\ )
    """,
    re.VERBOSE,
)
_KINDS = {"<DIR>": "dir", "<REP>": "dir", "<JUNCTION>": "link", "<SYMLINKD>": "link", "<SYMLINK>": "link"}
_KIND_WIDTH = 15  # columns from the beginning of <DIR> to the name
_NAME_COLUMNS = {15: (37,), 17: (39, 36), 19: (41,), 20: (39,)}
"""Where the name begins, by the length of date and time: in Windows CE, in IIS with a year of two digits and DIR of 24
hours, in IIS with a year of four, and in DIR of twelve hours."""

_TARGET = pattern(r"(?P<name>.+) \[(?P<target>.*)\]")


class _Row(NamedTuple):
    text: str
    found: re.Match[str]
    date: Date

    @property
    def start(self) -> int:
        """Where size or kind begins."""
        return self.found.start("kind") if self.found["kind"] else self.found.start("size")

    @property
    def first(self) -> int:
        """Where the text after size or kind begins."""
        rest = self.text[self.found.end() :]
        return len(self.text) - len(rest.lstrip(" "))

    @property
    def column(self) -> int | None:
        """Where the name begins in a line of a known system."""
        column = self.start + _KIND_WIDTH if self.found["kind"] else self.found.end() + 1
        return column if column in _NAME_COLUMNS.get(self.found.end("stamp"), ()) else None


class _Msdos(Format[_Row]):
    name = "an entry of an MS-DOS listing"
    needs = "it needs date, time, size and name"

    def match(self, text: str) -> _Row | str | None:
        found = _LINE().match(text)
        if found is None:
            return None
        row = _Row(text, found, _date(found))
        return row if min(row.first, row.column or row.first) < len(text) else "it has no name"

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        calendar = Calendar([row.date for row in rows], clock)
        columns = _columns(rows)
        return [outcome(_entry, row, calendar, _name(row, column)) for row, column in zip(rows, columns, strict=True)]


MSDOS = _Msdos()


def parse_msdos_line(line: str, *, timezone: tzinfo = UTC) -> Entry:
    """Read a line as IIS has it: ``MM-DD-YY  HH:MMAM``, ``<DIR>`` or size, and name.

    Years may have two digits (70 to 99 mean 1970 to 1999) or four, hours may be of the 24-hour clock, and sizes may
    have separators between thousands. Where the columns are not those of a known system, the name begins at the first
    letter. `read_listing` reads more, because it knows the other lines.

    Args:
        line: With or without its end.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: The line has another format.
    """
    return MSDOS.read_line(line, Clock(timezone=timezone))


def _date(found: re.Match[str]) -> Date:
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0) if hour <= 12 else 24
    time = hour, int(found["minute"]), float(found["second"] or 0)
    if found["year"]:
        return Date(
            found["stamp"], month=int(found["month"]), day=int(found["day"]), year=int(found["year"]), time=time
        )
    if found["mark"] == ".":  # with dots the day comes first
        return Date(found["stamp"], month=int(found["b"]), day=int(found["a"]), year=full_year(found["c"]), time=time)
    return Date(found["stamp"], numbers=(found["a"], found["b"], found["c"]), time=time)


def _columns(rows: Sequence[_Row]) -> list[int]:
    """Return where the name of each row begins, without padding.

    In a known system the line decides. Elsewhere all names begin in one column, or, where sizes do not end in one
    column, after the same number of spaces behind the size.
    """
    columns = [row.column for row in rows if row.column is not None]
    if len(columns) == len(rows):
        return columns
    sized = [row for row in rows if row.found["size"]]
    if len({row.found.end() for row in sized}) == 1:
        return [min(row.first for row in rows)] * len(rows)
    gap = min((row.first - row.found.end() for row in sized), default=1)
    return [row.start + _KIND_WIDTH if row.found["kind"] else row.found.end() + gap for row in rows]


def _name(row: _Row, column: int) -> str:
    return row.text[max(min(column, row.first), row.found.end() + 1) :]


def _entry(row: _Row, calendar: Calendar, name: str) -> Entry:
    kind = row.found["kind"] or ""
    if kind and kind not in _KINDS:
        raise ReplySyntaxError(f"{kind} is unknown")
    size = None if kind else _size(row.found["size"])
    return _with_target(Entry(name, _KINDS.get(kind, "file"), size, calendar.stamp(row.date)))


def _size(text: str) -> int:
    digits = re.sub(r"[^0-9]", "", text)
    if not NUMBER.fullmatch(digits):
        raise ReplySyntaxError("its size is too long")
    return int(digits)


def _with_target(entry: Entry) -> Entry:
    found = _TARGET().fullmatch(entry.name) if entry.type == "link" else None
    return entry if found is None else replace(entry, name=found["name"], target=found["target"])


# Writing.


def msdos_line(entry: Entry, *, timezone: tzinfo = UTC, four_digit_year: bool = False) -> str:
    """Return the line of IIS: date, time of the twelve-hour clock, ``<DIR>`` or size, and name.

    This form has no links; they appear as files.

    Args:
        entry: Its name follows exactly one space after a size, or ten after ``<DIR>``.
        timezone: Of the date.
        four_digit_year: IIS has a setting for it; two digits are its default.
    """
    date = msdos_date(entry.modify or 0.0, timezone, four_digit_year=four_digit_year)
    middle = f"{'<DIR>':>12}{'':9}" if entry.type in DIRECTORIES else f"{entry.size or 0:>21}"
    return f"{date}{middle} {entry.name}"


def msdos_date(timestamp: float, timezone: tzinfo, *, four_digit_year: bool = False) -> str:
    """Return date and time in a line of IIS, as in `msdos_line`."""
    moment = local_time(timestamp, timezone)
    year = f"{moment.year:04}" if four_digit_year else f"{moment.year % 100:02}"
    clock = f"{moment.hour % 12 or 12:02}:{moment.minute:02}{'AM' if moment.hour < 12 else 'PM'}"
    return f"{moment.month:02}-{moment.day:02}-{year}  {clock}"
