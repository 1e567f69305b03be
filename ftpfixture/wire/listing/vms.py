"""Listings of OpenVMS: MultiNet, TCP/IP Services (UCX), TCPware, MadGoat.

One rule: a name keeps its version, because the version is part of the name; a size is unknown, because a count of
blocks of 512 bytes is only an upper limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ftpfixture.wire.listing.dates import Calendar, Date, full_year
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.format import Clock, Format, outcome, pattern

__all__ = ["VMS", "continued"]

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
