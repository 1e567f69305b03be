"""Listings of OpenVMS: MultiNet, TCP/IP Services (UCX), TCPware, MadGoat; parser and writer.

One rule: a name keeps its version, because the version is part of the name; a size is unknown, because a count of
blocks of 512 bytes is only an upper limit.
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

__all__ = ["VMS", "continued", "vms_line"]

_NAME = r"(?P<name>[^\s;][^;]*;[0-9]{1,5})"
_BLOCKS = r"[0-9]{1,10}(?:/[0-9]{1,10})?"
_DATE = (
    r"(?P<day>[0-9]{1,2})-(?P<word>[A-Za-z]{3})-(?P<year>[0-9]{4})"
    r" +(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]{1,2})?))?"
)
_OWNER = r"(?: +\[(?P<owner>[^\]]*)\])?(?: +\([A-Za-z, =:]*\))? *"
_DETAILS = rf"(?:{_BLOCKS} +{_DATE}|{_DATE.replace('?P<', '?P<late_')} +{_BLOCKS}){_OWNER}"
_LINE = pattern(rf"{_NAME} +{_DETAILS}")
_NAME_ALONE = pattern(rf"{_NAME} *")
_DETAILS_ALONE = pattern(rf" *{_DETAILS}")
# A file with attributes that the user may not read is an entry, too.
_REFUSED = pattern(rf"{_NAME} +(?:%RMS-E-PRV\b|(?i:no privilege|insufficient privilege)).*")
_DIRECTORY = pattern(r"\.DIR;[0-9]+", re.IGNORECASE)


class _Row(NamedTuple):
    name: str
    date: Date | None
    owner: str | None


class _Vms(Format[_Row]):
    name = "an entry of a VMS listing"
    needs = "it needs a name with a version, blocks and a date"

    def match(self, text: str) -> _Row | str | None:
        found = _LINE().fullmatch(text)
        if found is not None:
            return _Row(found["name"], _date(found), found["owner"])
        refused = _REFUSED().fullmatch(text)
        if refused is not None:
            return _Row(refused["name"], None, None)
        return "no blocks and date follow the name" if _NAME_ALONE().fullmatch(text) else None

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        calendar = Calendar([row.date for row in rows if row.date is not None], clock)
        return [outcome(_entry, row, calendar) for row in rows]


VMS = _Vms()


def vms_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the entry of OpenVMS: name with version, blocks, date, owner and protection.

    A name that fills its column has the rest on a second line, after CRLF. A file without a version gets version 1.

    Args:
        entry: Its name has no space at its beginning, and no semicolon but that of its version.
        timezone: Of the date.
    """
    if entry.type in DIRECTORIES:
        name = f"{entry.name}.DIR;1"
    else:
        name = entry.name if _VERSION().search(entry.name) else f"{entry.name};1"
    moment = local_time(entry.modify or 0.0, timezone)
    month = _MONTHS[moment.month - 1]
    date = f"{moment.day:>2}-{month}-{moment.year:04} {moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    used = -(-(entry.size or 0) // _BLOCK)
    blocks = f"{used}/{-(-used // _CLUSTER) * _CLUSTER}"
    owner = "".join(letter for letter in (entry.owner or "SYSTEM").upper() if letter.isalnum()) or "SYSTEM"
    break_ = f"\r\n{'':<{_COLUMN}}" if len(name) >= _COLUMN else ""
    return f"{name:<{_COLUMN}}{break_}{blocks:>12}  {date}  [{owner}]  (RWED,RWED,RE,)"


_VERSION = pattern(r";[0-9]{1,5}\Z")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_COLUMN = 20
_BLOCK = 512
_CLUSTER = 3


def continued(text: str, following: str) -> bool:
    """Return whether a line is only a name too long for its column, and the next line has the rest."""
    return _NAME_ALONE().fullmatch(text) is not None and _DETAILS_ALONE().fullmatch(following) is not None


def _date(found: re.Match[str]) -> Date:
    late = "late_" if found["day"] is None else ""
    day, word, year, hour, minute, second = (
        found[late + part] for part in ("day", "word", "year", "hour", "minute", "second")
    )
    time = int(hour), int(minute), float(second or 0)
    return Date(f"{day}-{word}-{year}", word=word, day=int(day), year=full_year(year), time=time)


def _entry(row: _Row, calendar: Calendar) -> Entry:
    modify = None if row.date is None else calendar.stamp(row.date)
    directory = _DIRECTORY().search(row.name)
    if directory is not None and directory.end() == len(row.name):
        return Entry(row.name[: directory.start()], "dir", modify=modify, owner=row.owner)
    return Entry(row.name, "file", modify=modify, owner=row.owner)
