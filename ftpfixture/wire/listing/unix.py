"""Listings of ``ls -l``, and of servers that copy it.

One rule: what stands between the mode and the date is read from both ends, because columns may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

from ftpfixture.wire.entry import MONTHS, Entry
from ftpfixture.wire.listing.dates import parse_ls_date
from ftpfixture.wire.listing.format import Clock, Format, outcome
from ftpfixture.wire.listing.unix_mode import parse_unix_mode

__all__ = ["UNIX", "parse_unix_line"]

_NUMBER = re.compile(r"[0-9]{1,20}")

_CLOCK = r"[0-9]{1,2}:[0-9]{2}"
_MONTH = f"(?i:{'|'.join(MONTHS)})"
_DATE = (
    rf"(?:{_MONTH} +[0-9]{{1,2}}|[0-9]{{1,2}} +{_MONTH}) +(?:{_CLOCK}|[0-9]{{4}})"
    rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK}(?::[0-9]{{2}})?"
    rf"|[0-9]{{2}}-[0-9]{{2}} {_CLOCK}"
)
"""Dates of ls: with the month first or the day first, and long-iso and iso of GNU's --time-style."""

_HEAD = re.compile(r"(?P<type>[-bcdlpsDP?])(?:(?P<mode>[-A-Za-z]{9})[+.@]?| ?\[[-A-Z]{8}\])(?= )")
"""Type and mode, with the mark for access control lists (POSIX ls) or the rights of NetWare."""

# All columns if they are there, else as few as stand before the first size that has a date behind it.
_COLUMNS = r"(?P<columns> +[0-9]+ +[^ ]+ +[^ ]+|(?: +[^ ]+)*?)"
_SIZE = r"(?P<size>[0-9]{1,20}|[0-9]+, *[0-9]+)"
_TAIL = re.compile(rf"{_COLUMNS} +{_SIZE} +(?P<date>{_DATE}) (?P<name>.+)")
_TYPES = {"-": "file", "d": "dir", "l": "link"}


@dataclass(frozen=True, slots=True)
class _Row:
    head: re.Match[str]
    tail: re.Match[str]


class _Unix(Format[_Row]):
    name = "an entry of a Unix listing"
    needs = "it does not begin with a mode"

    def match(self, text: str) -> _Row | str | None:
        head = _HEAD.match(text)
        if head is None:
            return None
        tail = _TAIL.fullmatch(text, head.end())
        return "no size, date and name follow the mode" if tail is None else _Row(head, tail)

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        return [outcome(_entry, row, clock) for row in rows]


UNIX = _Unix()


def parse_unix_line(line: str, *, now: float, timezone: tzinfo = UTC) -> Entry:
    """Read a line as ``ls -l`` has it: mode, links, owner, group, size, date and name.

    The number of links, the group and the owner may be missing. Devices have no size, and like sockets and pipes the
    type "unknown". The name begins one space after the date; in the lines of NetWare it begins at the first letter.

    Args:
        line: With or without its end.
        now: POSIX seconds, for dates without a year.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: It is something else, such as the ``total`` before the entries.
    """
    return UNIX.read_line(line, Clock(now, timezone))


def _entry(row: _Row, clock: Clock) -> Entry:
    head, tail = row.head, row.tail
    entry = Entry(
        name=tail["name"] if head["mode"] else tail["name"].lstrip(" "),
        type=_TYPES.get(head["type"], "unknown"),
        size=int(tail["size"]) if _NUMBER.fullmatch(tail["size"]) else None,
        modify=parse_ls_date(tail["date"], now=clock.now, timezone=clock.timezone),
        mode=parse_unix_mode(head["mode"]) if head["mode"] else None,
        **_columns(tail["columns"].split()),
    )
    return _with_target(entry)


def _columns(words: list[str]) -> dict[str, Any]:
    """Links, owner and group from the words between mode and size; a first word of digits is the links."""
    found: dict[str, Any] = {}
    if words and _NUMBER.fullmatch(words[0]):
        found["links"] = int(words.pop(0))
    if words:
        found["owner"] = words.pop(0)
    if words:
        found["group"] = " ".join(words)  # groups of Windows domains have spaces
    return found


def _with_target(entry: Entry) -> Entry:
    """A link with its name and target apart, at the last arrow; what is no link keeps its arrows."""
    name, arrow, target = entry.name.rpartition(" -> ")
    return replace(entry, name=name, target=target) if entry.type == "link" and arrow else entry
