"""Listings of IIS, and of other servers with the look of the DIR command.

One rule: the name begins where the columns say, so that padding never becomes part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.entry import Entry
from ftpfixture.wire.listing.dates import stamp_of
from ftpfixture.wire.listing.format import Clock, Format, outcome

__all__ = ["MSDOS", "parse_msdos_line"]

_NUMBER = re.compile(r"[0-9]{1,20}")
_MSDOS = re.compile(
    r"""
    (?P<month>[0-9]{1,2})(?P<mark>[-/])(?P<day>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})
    \ +(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})\ ?(?P<half>[AaPp][Mm]?)?
    \ +(?:(?P<kind><[A-Z]+>)(?=\ )|(?P<size>[0-9][0-9,]*)\ )
    (?P<name>.+)
    """,
    re.VERBOSE,
)
_MSDOS_KINDS = {"<DIR>": "dir", "<JUNCTION>": "link", "<SYMLINKD>": "link", "<SYMLINK>": "link"}
_KIND_WIDTH = 15  # columns from the beginning of <DIR> to the name
_MSDOS_TARGET = re.compile(r"(?P<name>.+) \[(?P<target>.*)\]")


class _Msdos(Format[re.Match[str]]):
    name = "an entry of an MS-DOS listing"
    needs = "it needs date, time, size and name"

    def match(self, text: str) -> re.Match[str] | None:
        return _MSDOS.fullmatch(text)

    def read(self, rows: Sequence[re.Match[str]], clock: Clock) -> list[Entry | str]:
        return [outcome(_entry, row, clock.timezone) for row in rows]


MSDOS = _Msdos()


def parse_msdos_line(line: str, *, timezone: tzinfo = UTC) -> Entry:
    """Read a line as IIS has it: ``MM-DD-YY  HH:MMAM``, ``<DIR>`` or size, and name.

    Years may have two digits (70 to 99 are of the twentieth century) or four, hours may be of the 24-hour clock, and
    sizes may have commas. The name begins one space after a size, and up to ten after ``<DIR>``.

    Args:
        line: With or without its end.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: It is something else.
    """
    return MSDOS.read_line(line, Clock(timezone=timezone))


def _entry(found: re.Match[str], timezone: tzinfo) -> Entry:
    kind = found["kind"] or ""
    if kind and kind not in _MSDOS_KINDS:
        raise ReplySyntaxError(f"{kind} is unknown")
    entry = Entry(
        name=_unpadded(found["name"], _KIND_WIDTH - len(kind)) if kind else found["name"],
        type=_MSDOS_KINDS.get(kind, "file"),
        size=_msdos_size(found["size"]),
        modify=_msdos_time(found, timezone),
    )
    return _with_msdos_target(entry)


def _unpadded(name: str, width: int) -> str:
    padding = len(name) - len(name.lstrip(" "))
    return name[min(padding, width) :]


def _msdos_size(text: str | None) -> int | None:
    digits = (text or "").replace(",", "")
    if text is not None and not _NUMBER.fullmatch(digits):
        raise ReplySyntaxError("its size is too long")
    return int(digits) if digits else None


def _msdos_time(found: re.Match[str], timezone: tzinfo) -> float:
    year, hour = int(found["year"]), int(found["hour"])
    if len(found["year"]) == 2:
        year += 1900 if year >= 70 else 2000
    if found["half"]:
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0) if hour <= 12 else 24
    stamp = stamp_of(timezone, year, int(found["month"]), int(found["day"]), hour, int(found["minute"]))
    if stamp is None:
        raise ReplySyntaxError("there is no such date")
    return stamp


def _with_msdos_target(entry: Entry) -> Entry:
    found = _MSDOS_TARGET.fullmatch(entry.name) if entry.type == "link" else None
    return entry if found is None else replace(entry, name=found["name"], target=found["target"])
