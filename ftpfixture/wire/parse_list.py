"""Lines of LIST, MLSD and MLST become entries again, whatever server they came from.

One rule: a line that is not understood is a ReplySyntaxError which names the line and says why; nothing is guessed
from half a line. Names come out exactly as they stand in the line, with every space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.entry import MONTHS, Entry, local_time

__all__ = [
    "parse_eplf_line",
    "parse_list_line",
    "parse_ls_date",
    "parse_mlsx_line",
    "parse_msdos_line",
    "parse_unix_line",
    "parse_unix_mode",
]

# [0-9] throughout, because \d and int() also take the digits of other scripts. Sizes end at 20 digits, which holds
# more than 64 bits and keeps int() from being asked for millions of them.
_NUMBER = re.compile(r"[0-9]{1,20}")
_BREAKING = re.compile(r"[\r\n\0]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _checked(line: str) -> str:
    """The line without its end.

    Raises:
        ReplySyntaxError: It holds another end of line, or a NUL.
    """
    text = line.removesuffix("\n").removesuffix("\r")
    if _BREAKING.search(text):
        raise ReplySyntaxError(f"{line!r} is not one line of a listing: it holds CR, LF or NUL")
    return text


def parse_list_line(line: str, *, now: float, timezone: tzinfo = UTC) -> Entry:
    """Read a line of LIST in any shape known here: EPLF, IIS, Unix, or facts as in MLSD.

    Args:
        line: With or without its end.
        now: POSIX seconds, for dates without a year.
        timezone: Of the dates in Unix and IIS lines; facts and EPLF have UTC.

    Raises:
        ReplySyntaxError: No shape fits; the text says why, for each.
    """
    reasons = []
    for parse in _SHAPES:
        try:
            return parse(line, now, timezone)
        except ReplySyntaxError as error:
            reasons.append(str(error))
    raise ReplySyntaxError("; ".join(reasons))


# Unix.

_CLOCK = r"[0-9]{1,2}:[0-9]{2}"
_MONTH = f"(?i:{'|'.join(MONTHS)})"
_DATE = (
    rf"(?:{_MONTH} +[0-9]{{1,2}}|[0-9]{{1,2}} +{_MONTH}) +(?:{_CLOCK}|[0-9]{{4}})"
    rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK}(?::[0-9]{{2}})?"
    rf"|[0-9]{{2}}-[0-9]{{2}} {_CLOCK}"
)
"""Dates of ls: with the month first or the day first, and long-iso and iso of GNU's --time-style."""

_TOTAL = re.compile(r"total [0-9.,]+[A-Za-z]?")
_UNIX_HEAD = re.compile(r"(?P<type>[-bcdlpsDP?])(?:(?P<mode>[-A-Za-z]{9})[+.@]?| ?\[(?P<rights>[-A-Z]{8})\])(?= )")
"""Type and mode, with the mark for access control lists (POSIX ls) or the rights of NetWare."""

_UNIX_TAIL = re.compile(
    rf"""
    # All four columns if they are there, else as few as there are before the first size that has a date behind it.
    (?P<columns>\ +[0-9]+\ +[^ ]+\ +[^ ]+ | (?:\ +[^ ]+)*?)
    \ +(?P<size>[0-9]{{1,20}} | [0-9]+,\ *[0-9]+)
    \ +(?P<date>{_DATE.replace(" ", r"\ ")})
    \ (?P<name>.+)
    """,
    re.VERBOSE,
)
_TYPES = {"-": "file", "d": "dir", "l": "link"}


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
    text = _checked(line)
    head = _UNIX_HEAD.match(text)
    if head is None:
        why = "it is the total of the listing" if _TOTAL.fullmatch(text) else "it does not begin with a mode"
        raise ReplySyntaxError(f"{line!r} is not an entry of a Unix listing: {why}")
    tail = _UNIX_TAIL.fullmatch(text, head.end())
    if tail is None:
        raise ReplySyntaxError(f"{line!r} is not an entry of a Unix listing: no size, date and name follow the mode")
    entry = Entry(
        name=tail["name"] if head["mode"] else tail["name"].lstrip(" "),
        type=_TYPES.get(head["type"], "unknown"),
        size=int(tail["size"]) if _NUMBER.fullmatch(tail["size"]) else None,
        modify=_explained(line, lambda: parse_ls_date(tail["date"], now=now, timezone=timezone)),
        mode=_explained(line, lambda: parse_unix_mode(head["mode"])) if head["mode"] else None,
        **_columns(tail["columns"].split()),
    )
    return _with_name(line, _with_target(entry))


def _explained(line: str, parse: Callable[[], Any]) -> Any:
    """What `parse` returns; its errors are made to name the line.

    Raises:
        ReplySyntaxError: It failed.
    """
    try:
        return parse()
    except (CommandSyntaxError, ReplySyntaxError) as error:
        raise ReplySyntaxError(f"{line!r} is not an entry of a listing: {error}") from error


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


def _with_name(line: str, entry: Entry) -> Entry:
    if not entry.name:
        raise ReplySyntaxError(f"{line!r} is not an entry of a listing: it has no name")
    return entry


_TRIPLET = {"-": 0, "r": 4, "w": 2, "x": 1}
_SPECIAL = (
    {"s": 0o4100, "S": 0o4000},
    {"s": 0o2010, "S": 0o2000, "l": 0o2000, "L": 0o2000},  # l: mandatory locking of System V, setgid without x
    {"t": 0o1001, "T": 0o1000},
)
_MODE_LETTERS: tuple[dict[str, int], ...] = tuple(
    {letter: _TRIPLET[letter] << shift for letter in f"-{right}"} | (special if right == "x" else {})
    for shift, special in zip((6, 3, 0), _SPECIAL, strict=True)
    for right in "rwx"
)
"""For each of nine positions, its letters and the bits they stand for."""


def parse_unix_mode(text9: str) -> int:
    """Return the permission bits of ``rwxr-xr-x``, with s, S, t and T for setuid, setgid and sticky.

    Raises:
        ReplySyntaxError: Not nine letters, or one that cannot be where it is.
    """
    if len(text9) != len(_MODE_LETTERS):
        raise ReplySyntaxError(f"{text9!r} is not a mode: it needs nine letters")
    mode = 0
    for letter, bits in zip(text9, _MODE_LETTERS, strict=True):
        if letter not in bits:
            raise ReplySyntaxError(f"{text9!r} is not a mode: {letter!r} cannot be where it is")
        mode |= bits[letter]
    return mode


_DATE_SHAPES = tuple(
    re.compile(shape, re.VERBOSE)
    for shape in (
        r"(?P<month>[A-Za-z]{3})\ +(?P<day>[0-9]{1,2})\ +(?:(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})|(?P<year>[0-9]{4}))",
        r"(?P<day>[0-9]{1,2})\ +(?P<month>[A-Za-z]{3})\ +(?:(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})|(?P<year>[0-9]{4}))",
        r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})\ "
        r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?",
        r"(?P<month>[0-9]{2})-(?P<day>[0-9]{2})\ (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})",
    )
)


def parse_ls_date(text: str, *, now: float, timezone: tzinfo = UTC) -> float:
    """Return the POSIX seconds of a date as ls writes it: ``Jan 31 12:30``, ``Jan 31  2024``, ``31 Jan 2024``, ISO.

    Without a year it is the one that brings the date nearest to `now`, before or after; for 29 February the nearest
    leap year. Without an hour it is midnight.

    Args:
        text: The date alone.
        now: POSIX seconds.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: It has another form, or there is no such day or hour.
    """
    found = next(filter(None, (shape.fullmatch(text) for shape in _DATE_SHAPES)), None)
    if found is None:
        raise ReplySyntaxError(f"{text!r} is not a date of a listing")
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    month = _month(parts.pop("month"))
    numbers = {name: int(value) for name, value in parts.items()}
    years = [numbers.pop("year")] if "year" in numbers else _near(month, numbers["day"], local_time(now, timezone).year)
    stamps = [stamp for year in years if (stamp := _stamp(timezone, year, month, **numbers)) is not None]
    if not stamps:
        raise ReplySyntaxError(f"there is no date {text!r}")
    return min(stamps, key=lambda stamp: abs(stamp - now))


def _month(text: str) -> int:
    """1 to 12; 0 for what is none, which no date has."""
    names = [name.lower() for name in MONTHS]
    return int(text) if _NUMBER.fullmatch(text) else 1 + names.index(text.lower()) if text.lower() in names else 0


def _near(month: int, day: int, year: int) -> list[int]:
    reach = 8 if (month, day) == (2, 29) else 1  # from 2096 the next leap year is 2104
    return list(range(year - reach, year + reach + 1))


def _stamp(
    timezone: tzinfo, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> float | None:
    """POSIX seconds; None when there is no such moment."""
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone)
        return (moment - _EPOCH).total_seconds()
    except (ValueError, OverflowError):
        return None


# IIS and others with the look of the DIR command.

_MSDOS = re.compile(
    r"""
    (?P<month>[0-9]{1,2})(?P<mark>[-/])(?P<day>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})
    \ +(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})\ ?(?P<half>[AaPp][Mm]?)?
    \ +(?:(?P<kind><[A-Z]+>)|(?P<size>[0-9][0-9,]*)\ )
    (?P<name>.+)
    """,
    re.VERBOSE,
)
_MSDOS_KINDS = {"<DIR>": "dir", "<JUNCTION>": "link", "<SYMLINKD>": "link", "<SYMLINK>": "link"}
_KIND_WIDTH = 15  # columns from the beginning of <DIR> to the name
_MSDOS_TARGET = re.compile(r"(?P<name>.+) \[(?P<target>.*)\]")


def parse_msdos_line(line: str, *, now: float = 0, timezone: tzinfo = UTC) -> Entry:
    """Read a line as IIS has it: ``MM-DD-YY  HH:MMAM``, ``<DIR>`` or size, and name.

    Years may have two digits (70 to 99 are of the twentieth century) or four, hours may be of the 24-hour clock, and
    sizes may have commas. The name begins one space after a size, and up to ten after ``<DIR>``.

    Args:
        line: With or without its end.
        now: Without meaning, because the year is always there; taken so that all shapes can be called alike.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: It is something else.
    """
    found = _MSDOS.fullmatch(_checked(line))
    if found is None:
        raise ReplySyntaxError(f"{line!r} is not an entry of an MS-DOS listing: it needs date, time, size and name")
    kind = found["kind"] or ""
    if kind and kind not in _MSDOS_KINDS:
        raise ReplySyntaxError(f"{line!r} is not an entry of an MS-DOS listing: {kind} is unknown")
    entry = Entry(
        name=_unpadded(found["name"], _KIND_WIDTH - len(kind)) if kind else found["name"],
        type=_MSDOS_KINDS.get(kind, "file"),
        size=_msdos_size(line, found["size"]),
        modify=_msdos_time(line, found, timezone),
    )
    return _with_name(line, _with_msdos_target(entry))


def _unpadded(name: str, width: int) -> str:
    padding = len(name) - len(name.lstrip(" "))
    return name[min(padding, width) :]


def _msdos_size(line: str, text: str | None) -> int | None:
    digits = (text or "").replace(",", "")
    if text is not None and not _NUMBER.fullmatch(digits):
        raise ReplySyntaxError(f"{line!r} is not an entry of an MS-DOS listing: its size is too long")
    return int(digits) if digits else None


def _msdos_time(line: str, found: re.Match[str], timezone: tzinfo) -> float:
    year, hour = int(found["year"]), int(found["hour"])
    if len(found["year"]) == 2:
        year += 1900 if year >= 70 else 2000
    if found["half"]:
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0) if hour <= 12 else 24
    stamp = _stamp(timezone, year, int(found["month"]), int(found["day"]), hour, int(found["minute"]))
    if stamp is None:
        raise ReplySyntaxError(f"{line!r} is not an entry of an MS-DOS listing: there is no such date")
    return stamp


def _with_msdos_target(entry: Entry) -> Entry:
    found = _MSDOS_TARGET.fullmatch(entry.name) if entry.type == "link" else None
    return entry if found is None else replace(entry, name=found["name"], target=found["target"])


# EPLF.


def parse_eplf_line(line: str) -> Entry:
    """Read a line of the easily parsed LIST format: ``+``, facts with a comma behind each, a tab, and the name.

    Raises:
        ReplySyntaxError: It is something else.

    Source: D. J. Bernstein, https://cr.yp.to/ftp/list/eplf.html.
    """
    facts, tab, name = _checked(line).partition("\t")
    if not facts.startswith("+") or not tab:
        raise ReplySyntaxError(f"{line!r} is not an entry of an EPLF listing: it needs a plus sign and a tab")
    values: dict[str, Any] = {"type": "unknown"}
    unknown = []
    for fact in filter(None, facts[1:].split(",")):
        known = _eplf_fact(fact)
        values |= known
        if not known:
            unknown.append((fact[0], fact[1:]))
    if values["type"] == "unknown" and "is_dir" in values:  # both marks: a directory that can be retrieved, say as tar
        values["type"] = "dir"
    values.pop("is_dir", None)
    return _with_name(line, Entry(name=name, facts=tuple(unknown), **values))
