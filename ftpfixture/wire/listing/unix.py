"""Listings of ``ls -l``, and of servers that copy it: parser and writer.

One rule: the columns between mode and date are read from both ends, because some may be missing; trailing years and
joined columns are decided for the whole listing.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing.dates import DATE, SKEW, Calendar, Date, parse_date
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry, is_one_line
from ftpfixture.wire.listing.format import NUMBER, Clock, Format, outcome, pattern
from ftpfixture.wire.listing.unix_mode import parse_unix_mode
from ftpfixture.wire.timestamps import local_time

__all__ = [
    "UNIX",
    "full_iso_line",
    "localized_line",
    "ls_date",
    "ls_head",
    "netware_line",
    "parse_unix_line",
    "unix_line",
]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Months in listings, in English whatever the locale is."""

_RECENT = 180 * 86400  # seconds; GNU ls takes half a Gregorian year, vsftpd 182 days
_NAMELESS = "ftp"  # unknown owner and group, as vsftpd shows them with hide_ids
_MODES = {"dir": 0o755, "cdir": 0o755, "pdir": 0o755, "link": 0o777}  # unknown permission bits
_FILE_MODE = 0o644
_LETTERS = {"file": "-", "dir": "d", "cdir": "d", "pdir": "d", "link": "l"}
_UNKNOWN_LETTER = "?"  # as in GNU ls

_HEAD = pattern(
    r"(?P<type>[-bcdlpsDP?])(?:(?P<mode>[-A-Za-z]{9})[+.@]?|(?P<gone>\?{9})|(?P<rights> ?\[[-A-Z]{8}\]))(?=[ 0-9])"
)
"""Type and mode, with the mark for access control lists (POSIX ls), or the rights of NetWare."""

# In the order of precedence: devices have two numbers, on macOS one hexadecimal number; -h rounds; a group as long as
# its column may touch the size.
_SIZE = (
    r"(?:(?P<size>[0-9]{1,20}|[0-9]{1,3}(?:,[0-9]{3})+)|(?P<device>[0-9]+, *[0-9]+|0x[0-9a-f]+)"
    r"|(?P<rounded>[0-9]+(?:[.,][0-9]+)?[KMGTPEkB])|(?P<glued>[^ ]*[^ 0-9])(?P<rest>[0-9]{1,20}))"
)
_TAIL = pattern(rf" {_SIZE} +(?P<date>{DATE}) (?=.)")
_GONE = pattern(r"(?: +\?){5} (?=.)")  # GNU ls, for a file that was removed meanwhile
_TYPES = {"-": "file", "d": "dir", "l": "link"}
_YEAR_BEHIND = pattern(r"([0-9]{4}) (?=.)")
_TIME_BEHIND = pattern(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?) (?=.)")
_HALF_A_YEAR = 183 * 86400  # seconds, the longest that ls leaves out the year: 180 days, 182, or half of 365.2425


class _Row(NamedTuple):
    head: re.Match[str]
    columns: list[str]
    size: re.Match[str] | None
    date: Date | None
    name: str


class _Unix(Format[_Row]):
    name = "an entry of a Unix listing"
    needs = "it does not begin with a mode"

    def match(self, text: str) -> _Row | str | None:
        head = _HEAD().match(text)
        if head is None:
            return None
        gone = _GONE().match(text, head.end()) if head["gone"] else None
        if gone is not None:
            return _Row(head, [], None, None, text[gone.end() :])
        return _tail(text, head)

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        rows = _with_whole_dates(rows, clock)
        calendar = Calendar(_dates(rows), clock)
        groups = {group for row in rows if (group := _columns(row.columns).get("group"))}
        return [outcome(_entry, row, calendar, groups) for row in rows]


UNIX = _Unix()


def parse_unix_line(line: str, *, now: float, timezone: tzinfo = UTC) -> Entry:
    """Read a line of ``ls -l``: mode, links, owner, group, size, date and name.

    The number of links, the group and the owner may be missing. Devices have no size and the type "unknown", as sockets
    and pipes do. The name begins one space after the date; in the lines of NetWare it begins at the first letter.
    `read_listing` reads more, because it knows the other lines.

    Args:
        line: With or without its end.
        now: POSIX seconds, for dates without a year.
        timezone: Of the date, unless it has one.

    Raises:
        ReplySyntaxError: The line has another format, such as the ``total`` before the entries.
    """
    return UNIX.read_line(line, Clock(now, timezone))


def _tail(text: str, head: re.Match[str]) -> _Row | str:
    """Parse the text after the mode: columns up to the first size that a date follows, then the date and name."""
    reason = "no size, date and name follow the mode"
    tail = _TAIL().search(text, head.end())
    while tail is not None:
        try:
            date = parse_date(tail["date"])
        except ReplySyntaxError as error:
            reason = str(error)
        else:
            return _Row(head, text[head.end() : tail.start()].split(), tail, date, text[tail.end() :])
        tail = _TAIL().search(text, tail.start() + 1)
    return reason


def _with_whole_dates(rows: Sequence[_Row], clock: Clock) -> Sequence[_Row]:
    """Return the rows with the year or time after the date moved into it, where every row has one.

    Some servers send both time and year, so that the second of them looks like the beginning of the name.
    """
    dated = [row for row in rows if row.date is not None]
    for complete, proved in ((_with_year, _has_years_behind), (_with_time, _has_times_behind)):
        whole = {id(row): complete(row) for row in dated}
        names = [row.name for row in whole.values() if row is not None]
        if dated and len({*names}) == len(dated) and proved(dated, clock):
            return [whole.get(id(row)) or row for row in rows]
    return rows


def _with_year(row: _Row) -> _Row | None:
    found = _YEAR_BEHIND().match(row.name)
    if found is None or row.date is None or not row.date.needs_year or row.date.time is None:
        return None
    date = row.date._replace(year=int(found[1]), text=f"{row.date.text} {found[1]}")
    return row._replace(date=date, name=row.name[found.end() :])


def _with_time(row: _Row) -> _Row | None:
    found = _TIME_BEHIND().match(row.name)
    if found is None or row.date is None or row.date.word is None or row.date.time is not None:
        return None
    hour, minute, second = (*found[1].split(":"), "0")[:3]
    date = row.date._replace(time=(int(hour), int(minute), float(second)), text=f"{row.date.text} {found[1]}")
    return row._replace(date=date, name=row.name[found.end() :])


def _has_years_behind(rows: Sequence[_Row], clock: Clock) -> bool:
    """Return whether the numbers after the times must be years, because a name may begin with a number, too.

    ls leaves out the year for half a year at most, and never shows seconds. So an older date, a date with seconds, or
    entries for the directory and its parent show that the server does not copy ls. A year is never in the future.
    """
    whole = [row for row in map(_with_year, rows) if row is not None]
    if {".", ".."} <= {row.name for row in whole}:
        return True
    dates, full_dates = _dates(rows), _dates(whole)
    try:
        oldest = min(_stamps(dates, clock))
        newest = max(_stamps(full_dates, clock), default=oldest)
    except ReplySyntaxError:
        return False
    has_seconds = any(date.text.count(":") == 2 for date in dates)
    return newest <= clock.now + SKEW and (clock.now - oldest > _HALF_A_YEAR or has_seconds)


def _dates(rows: Sequence[_Row]) -> list[Date]:
    return [row.date for row in rows if row.date is not None]


def _stamps(dates: Sequence[Date], clock: Clock) -> list[float]:
    calendar = Calendar(dates, clock)
    return [calendar.stamp(date) for date in dates]


def _has_times_behind(rows: Sequence[_Row], clock: Clock) -> bool:
    """Return whether the times after the years belong to them: ls has two spaces before a year and no time after it."""
    return all(row.date is not None and "  " not in row.date.text[-6:] for row in rows)


def _entry(row: _Row, calendar: Calendar, groups: set[str]) -> Entry:
    head = row.head
    fields = _columns(row.columns)
    if row.size is not None and head["type"] not in "bc":
        fields |= _size(row.size, groups)
    entry = Entry(
        name=row.name.lstrip(" ") if head["rights"] else row.name,
        type=_TYPES.get(head["type"], "unknown"),
        modify=None if row.date is None else calendar.stamp(row.date),
        mode=parse_unix_mode(head["mode"]) if head["mode"] else None,
        **fields,
    )
    return _with_target(entry)


def _size(found: re.Match[str], groups: set[str]) -> dict[str, Any]:
    """Return the size; empty for a device, a rounded size, and a size that cannot be split from its group."""
    if found["size"]:
        return {"size": int(found["size"].replace(",", ""))}
    text = f"{found['glued']}{found['rest']}" if found["glued"] else ""
    splits = [group for group in groups if text.startswith(group) and NUMBER.fullmatch(text, len(group))]
    return {"group": splits[0], "size": int(text[len(splits[0]) :])} if len(splits) == 1 else {}


def _columns(words: list[str]) -> dict[str, Any]:
    """Return links, owner and group from the words between mode and size; a first word of digits is the links."""
    found: dict[str, Any] = {}
    rest = list(words)
    if rest and NUMBER.fullmatch(rest[0]):
        found["links"] = int(rest.pop(0))
    if rest:
        found["owner"] = rest.pop(0)
    if rest:
        found["group"] = " ".join(rest)  # groups of Windows domains have spaces
    return found


def _with_target(entry: Entry) -> Entry:
    """Split name and target of a link at the last arrow; other entries keep their arrows."""
    name, arrow, target = entry.name.rpartition(" -> ")
    return replace(entry, name=name, target=target) if entry.type == "link" and arrow else entry


# Writing.


def unix_line(entry: Entry, *, now: float, timezone: tzinfo = UTC) -> str:
    """Return the line of ``ls -l``: mode, links, owner, group, size, date and name.

    The date has hour and minute when it is at most 180 days before `now`, and the year when it is older or in the
    future, without allowance for skewed clocks, as in GNU ls and vsftpd. Defaults for unknown fields: one link, owner
    and group "ftp", size 0, 1 January 1970, mode 0o644, 0o755 for directories and 0o777 for links.

    Args:
        entry: Its name follows exactly one space.
        now: POSIX seconds.
        timezone: Of the date.
    """
    date = ls_date(entry.modify or 0.0, now, timezone)
    return f"{ls_head(entry)} {entry.size or 0:>12} {date} {entry.name}{_arrow(entry)}"


def ls_head(entry: Entry) -> str:
    """Return the part of a line of ``ls -l`` before the size: mode, links, owner and group."""
    return (
        f"{_LETTERS.get(entry.type, _UNKNOWN_LETTER)}{_permissions(entry)} {_or(entry.links, 1):>4} "
        f"{_word(entry.owner):<8} {_word(entry.group):<8}"
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _permissions(entry: Entry) -> str:
    # S_IFREG only gives filemode a type; its first letter is cut off.
    return stat.filemode(stat.S_IFREG | stat.S_IMODE(_or(entry.mode, _MODES.get(entry.type, _FILE_MODE))))[1:]


def _word(name: str | None) -> str:
    """Return an owner or group as one word, because clients count columns."""
    return "_".join((name or "").replace("\0", " ").split()) or _NAMELESS


def _arrow(entry: Entry) -> str:
    return f" -> {entry.target}" if entry.type == "link" and entry.target and is_one_line(entry.target) else ""


def ls_date(timestamp: float, now: float, timezone: tzinfo) -> str:
    """Return the date in a line of ``ls -l``, with the time or the year as in `unix_line`."""
    moment = local_time(timestamp, timezone)
    recent = 0 <= now - timestamp <= _RECENT
    clock = f"{moment.hour:02}:{moment.minute:02}" if recent else f" {moment.year:04}"
    return f"{_MONTHS[moment.month - 1]} {moment.day:>2} {clock}"


def full_iso_line(entry: Entry, *, timezone: tzinfo = UTC) -> str:
    """Return the line of ``ls -l --full-time`` of GNU: the date in ISO form, with fractions and the time zone."""
    timestamp = entry.modify or 0.0
    moment = local_time(math.floor(timestamp), timezone)
    nanoseconds = int(timestamp % 1 * 1e9)
    zone = moment.strftime("%z") or "+0000"
    date = f"{moment.year:04}-{moment.month:02}-{moment.day:02} {moment:%H:%M:%S}.{nanoseconds:09} {zone}"
    return f"{ls_head(entry)} {entry.size or 0:>12} {date} {entry.name}{_arrow(entry)}"


def localized_line(
    entry: Entry, *, now: float, timezone: tzinfo = UTC, months: Sequence[str], order: str = "{month} {day}"
) -> str:
    """Return the line of ``ls -l`` with the names of months in another language.

    Args:
        entry: As for `unix_line`.
        now: POSIX seconds.
        timezone: Of the date.
        months: Twelve names.
        order: Of month and day, as in the translations of GNU coreutils: "{day}. {month}" in German.
    """
    date = ls_date(entry.modify or 0.0, now, timezone)
    day = order.format(month=months[_MONTHS.index(date[:3])], day=date[4:6])
    return f"{ls_head(entry)} {entry.size or 0:>12} {day}{date[6:]} {entry.name}{_arrow(entry)}"


def netware_line(entry: Entry, *, now: float, timezone: tzinfo = UTC) -> str:
    """Return the line of NetWare: type, rights in brackets, owner, size, date and name.

    Args:
        entry: Its name has no space at its beginning.
        now: POSIX seconds.
        timezone: Of the date.
    """
    letter = "d" if entry.type in DIRECTORIES else "-"
    date = ls_date(entry.modify or 0.0, now, timezone)
    return f"{letter} [RWCEAFMS] {_word(entry.owner):<24} {entry.size or 0:>9} {date} {entry.name}"
