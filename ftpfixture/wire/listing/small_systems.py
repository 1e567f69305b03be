"""Listings of VxWorks and OS/2, which have the size first: parsers and writers.

One rule: a line is read only when its columns are all there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from ftpfixture.wire.listing.dates import Calendar, Date, full_year
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import Clock, Format, outcome, pattern
from ftpfixture.wire.timestamps import local_time

__all__ = ["OS2", "VXWORKS", "os2_line", "vxworks_line"]

_VXWORKS = pattern(
    r" *(?P<size>[0-9]{1,20}) +(?P<month>[A-Za-z]{3})-(?P<day>[0-9]{2})-(?P<year>[0-9]{4})"
    r" +(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) +(?=[^ ])"
)
_OS2 = pattern(
    r" *(?P<size>[0-9]{1,20}) +(?P<attributes>(?:(?:DIR|[ARHS]{1,4}) +){0,5})"
    r"(?P<month>[0-9]{2})-(?P<day>[0-9]{2})-(?P<year>[0-9]{2,4}) +(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}) +(?=[^ ])"
)


class _Row(NamedTuple):
    found: re.Match[str]
    name: str
    kind: str
    date: Date


class _SizeFirst(Format[_Row]):
    needs = "it needs size, date, time and name"

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        calendar = Calendar([row.date for row in rows], clock)
        return [outcome(_entry, row, calendar) for row in rows]


class _VxWorks(_SizeFirst):
    name = "an entry of a VxWorks listing"

    def match(self, text: str) -> _Row | None:
        found = _VXWORKS().match(text)
        if found is None:
            return None
        name = text[found.end() :]
        directory = name.rstrip(" ").endswith(" <DIR>")
        name = name.rstrip(" ").removesuffix("<DIR>").rstrip(" ") if directory else name
        time = int(found["hour"]), int(found["minute"]), float(found["second"])
        date = Date(found[0].strip(), found["month"], 0, int(found["day"]), int(found["year"]), time=time)
        return _Row(found, name, "dir" if directory else "file", date)


class _Os2(_SizeFirst):
    name = "an entry of an OS/2 listing"

    def match(self, text: str) -> _Row | None:
        found = _OS2().match(text)
        if found is None:
            return None
        kind = "dir" if "DIR" in found["attributes"].split() else "file"
        time = int(found["hour"]), int(found["minute"]), 0.0
        date = Date(found[0].strip(), None, int(found["month"]), int(found["day"]), full_year(found["year"]), time=time)
        return _Row(found, text[found.end() :], kind, date)


VXWORKS = _VxWorks()
OS2 = _Os2()


def _entry(row: _Row, calendar: Calendar) -> Entry:
    return Entry(row.name, row.kind, int(row.found["size"]), calendar.stamp(row.date))


def vxworks_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of VxWorks: size, date, time, name, and ``<DIR>`` behind a directory.

    Args:
        entry: Its name has no space at its end.
        timezone: Of the date.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    date = f"{_MONTHS[moment.month - 1]}-{moment.day:02}-{moment.year:04}"
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    mark = "        <DIR>" if entry.type in DIRECTORIES else ""
    return f"{entry.size or 0:>8}    {date}  {clock}   {entry.name}{mark}"


def os2_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of OS/2: size, attributes, date, time and name.

    Args:
        entry: Its name has no space at its beginning.
        timezone: Of the date.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    attributes = "DIR" if entry.type in DIRECTORIES else "A"
    date = f"{moment.month:02}-{moment.day:02}-{moment.year % 100:02}"
    return f"{entry.size or 0:>18} {attributes:>10} {date} {moment.hour:>2}:{moment.minute:02}  {entry.name}"


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
