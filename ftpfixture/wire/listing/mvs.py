"""Listings of z/OS (MVS): data sets, and the members of partitioned ones; parsers and writers.

One rule: these lines are read only below the heading of their columns, because some of them are only a name. A size is
unknown, because z/OS counts tracks and records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo

from ftpfixture.wire.listing.dates import Calendar, Date
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import Clock, Format, outcome, pattern
from ftpfixture.wire.timestamps import local_time

__all__ = ["MVS_HEADING", "PDS_HEADING", "mvs_line", "pds_line", "section_of"]

_DATA_SETS = pattern(r" *Volume +Unit +Referred +Ext +Used +Recfm +Lrecl +BlkSz +Dsorg +Dsname *", re.IGNORECASE)
_MEMBERS = pattern(r" *Name +(?:VV\.MM +Created +Changed|Size +TTR +Alias-of)\b.*", re.IGNORECASE)

_DATA_SET = pattern(
    r"""
    (?:
        \S{1,6} \ + \S{1,8} \ + (?:[0-9]{4}/[0-9]{2}/[0-9]{2}|\*\*NONE\*\*)  # volume, unit, and when it was used
        \ + [0-9?]+ (?:\ +[0-9]+|\ *\++)?  # extents and tracks, without a space between them when they are large
        \ + [A-Z?]{1,5} \ + [0-9?]+ \ + [0-9?]+ \ + (?P<dsorg>[A-Z*?-]{1,5})
      | (?P<directory>Pseudo\ Directory)
      | Migrated | (?:\S{1,8}\ +)? Not\ Direct\ Access\ Device | Error\ determining\ attributes
      | \S{1,6} \ + \S{1,8} \ + (?:VSAM|Tape|GDG)
    )
    \ + (?P<name>\S+) \ *
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ORGANIZATIONS = {"PO": "dir", "PO-E": "dir", "PS": "file", "PS-E": "file", "DA": "file"}

_DAY = r"(?P<{0}_year>[0-9]{{4}})/(?P<{0}_month>[0-9]{{2}})/(?P<{0}_day>[0-9]{{2}})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
_MEMBER = pattern(
    rf" ?(?P<name>[^\s]{{1,8}})"
    rf"(?: +[0-9]{{2}}\.[0-9]{{2}} +{_DAY.format('create')} +{_DAY.format('modify')} +{_CLOCK}"
    rf"(?: +[0-9]{{1,9}}){{3}}(?: +(?P<owner>\S+))?|(?: +[0-9A-F]{{6}}){{1,2}}(?: +\S.*)?)? *"
)


class _DataSets(Format[re.Match[str]]):
    name = "a data set of an MVS listing"
    needs = "it needs volume, unit, date, extents, tracks, format, two lengths, organization and name"

    def match(self, text: str) -> re.Match[str] | None:
        return _DATA_SET().fullmatch(text)

    def read(self, rows: Sequence[re.Match[str]], clock: Clock) -> list[Entry | str]:
        # The date is that of the last use, not of the last modification.
        return [Entry(row["name"], _organization(row)) for row in rows]


class _Members(Format[re.Match[str]]):
    name = "a member of an MVS data set"
    needs = "it needs a name of at most eight letters, alone or with its statistics"

    def match(self, text: str) -> re.Match[str] | None:
        return _MEMBER().fullmatch(text)

    def read(self, rows: Sequence[re.Match[str]], clock: Clock) -> list[Entry | str]:
        return [outcome(_member, row, Calendar((), clock)) for row in rows]


_SECTIONS: tuple[tuple[Callable[[], re.Pattern[str]], Format[re.Match[str]]], ...] = (
    (_DATA_SETS, _DataSets()),
    (_MEMBERS, _Members()),
)


def section_of(text: str) -> Format[re.Match[str]] | None:
    """Return the format of all lines below this one if it is a heading of columns, else None."""
    return next((shape for heading, shape in _SECTIONS if heading().fullmatch(text)), None)


MVS_HEADING = "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname"
"""The line above data sets, without which they are not read."""
PDS_HEADING = " Name     VV.MM   Created       Changed      Size  Init   Mod   Id"
"""The line above members, without which they are not read."""


def mvs_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of a data set: a directory is a partitioned one.

    Args:
        entry: Its name has no space.
        timezone: Of the date, which is that of the last use on z/OS.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    date = f"{moment.year:04}/{moment.month:02}/{moment.day:02}"
    tracks = max(1, -(-(entry.size or 0) // _TRACK))
    organization = "PO" if entry.type in DIRECTORIES else "PS"
    return f"FTP001 3390   {date}  1 {tracks:>4}  FB      80 27920  {organization}  {entry.name}"


def pds_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of a member of a partitioned data set, which has no directories.

    Args:
        entry: Its name has no space, and at most eight letters.
        timezone: Of the date.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    date = f"{moment.year:04}/{moment.month:02}/{moment.day:02}"
    records = -(-(entry.size or 0) // _RECORD) % 100_000
    owner = "".join(letter for letter in (entry.owner or "FTP").upper() if letter.isalnum())[:7] or "FTP"
    numbers = f"{records:>5} {records:>5} {0:>5}"
    return f" {entry.name:<8}  01.00 {date} {date} {moment.hour:02}:{moment.minute:02} {numbers} {owner}"


_TRACK = 56_664
_RECORD = 80


def _organization(found: re.Match[str]) -> str:
    return "dir" if found["directory"] else _ORGANIZATIONS.get((found["dsorg"] or "").upper(), "unknown")


def _member(found: re.Match[str], calendar: Calendar) -> Entry:
    if found["create_year"] is None:
        return Entry(found["name"], "file")
    time = int(found["hour"]), int(found["minute"]), float(found["second"] or 0)
    create, modify = (
        Date("/".join(numbers), year=int(numbers[0]), month=int(numbers[1]), day=int(numbers[2]), time=clock)
        for kind, clock in (("create", None), ("modify", time))
        for numbers in [found.group(f"{kind}_year", f"{kind}_month", f"{kind}_day")]
    )
    return Entry(
        found["name"],
        "file",
        modify=calendar.stamp(modify),
        create=calendar.stamp(create),
        owner=found["owner"],
    )
