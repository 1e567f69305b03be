"""Lines of LIST, MLSD and MLST become entries again, whatever server they came from.

One rule: a line that is not understood is a ReplySyntaxError which names the line and says why; nothing is guessed
from half a line. Names come out exactly as they stand in the line, with every space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any, ParamSpec, TypeVar

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.entry import DIRECTORIES, MONTHS, Entry, local_time, parse_time

__all__ = [
    "parse_eplf_line",
    "parse_list_line",
    "parse_ls_date",
    "parse_mlsx_line",
    "parse_msdos_line",
    "parse_unix_line",
    "parse_unix_mode",
    "split_mlsx_line",
]

P = ParamSpec("P")
T = TypeVar("T")

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
            reasons.append(str(error).removeprefix(f"{line!r} is "))
    raise ReplySyntaxError(f"{line!r} has no known shape: it is {'; '.join(reasons)}")


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
_UNIX_HEAD = re.compile(r"(?P<type>[-bcdlpsDP?])(?:(?P<mode>[-A-Za-z]{9})[+.@]?| ?\[[-A-Z]{8}\])(?= )")
"""Type and mode, with the mark for access control lists (POSIX ls) or the rights of NetWare."""

# All columns if they are there, else as few as stand before the first size that has a date behind it.
_COLUMNS = r"(?P<columns> +[0-9]+ +[^ ]+ +[^ ]+|(?: +[^ ]+)*?)"
_SIZE = r"(?P<size>[0-9]{1,20}|[0-9]+, *[0-9]+)"
_UNIX_TAIL = re.compile(rf"{_COLUMNS} +{_SIZE} +(?P<date>{_DATE}) (?P<name>.+)")
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
        modify=_explained(line, parse_ls_date, tail["date"], now=now, timezone=timezone),
        mode=_explained(line, parse_unix_mode, head["mode"]) if head["mode"] else None,
        **_columns(tail["columns"].split()),
    )
    return _with_name(line, _with_target(entry))


def _explained(line: str, parse: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `parse` returns; its errors are made to name the line.

    Raises:
        ReplySyntaxError: It failed.
    """
    try:
        return parse(*args, **kwargs)
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


_NAMED_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
_NAMED_MONTH = r"(?P<month>[A-Za-z]{3})"
_NAMED_DAY = r"(?P<day>[0-9]{1,2})"
_DATE_SHAPES = (
    re.compile(rf"{_NAMED_MONTH} +{_NAMED_DAY} +(?:{_NAMED_CLOCK}|(?P<year>[0-9]{{4}}))"),
    re.compile(rf"{_NAMED_DAY} +{_NAMED_MONTH} +(?:{_NAMED_CLOCK}|(?P<year>[0-9]{{4}}))"),
    re.compile(rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-{_NAMED_DAY} {_NAMED_CLOCK}(?::(?P<second>[0-9]{{2}}))?"),
    re.compile(rf"(?P<month>[0-9]{{2}})-{_NAMED_DAY} {_NAMED_CLOCK}"),
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


_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}


def _month(text: str) -> int:
    """1 to 12; 0, which no date has, for a name that is no month."""
    return int(text) if _NUMBER.fullmatch(text) else _MONTH_NUMBERS.get(text.lower(), 0)


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
    \ +(?:(?P<kind><[A-Z]+>)(?=\ )|(?P<size>[0-9][0-9,]*)\ )
    (?P<name>.+)
    """,
    re.VERBOSE,
)
_MSDOS_KINDS = {"<DIR>": "dir", "<JUNCTION>": "link", "<SYMLINKD>": "link", "<SYMLINK>": "link"}
_KIND_WIDTH = 15  # columns from the beginning of <DIR> to the name
_MSDOS_TARGET = re.compile(r"(?P<name>.+) \[(?P<target>.*)\]")


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

_EPLF_FACTS: dict[str, tuple[re.Pattern[str], str, Callable[[str], Any]]] = {
    "i": (re.compile(r"i(.+)"), "unique", str),
    "m": (re.compile(r"m(-?[0-9]{1,12})"), "modify", float),
    "s": (re.compile(r"s([0-9]{1,20})"), "size", int),
    "u": (re.compile(r"up([0-7]{1,4})"), "mode", lambda digits: int(digits, 8)),
}
"""First letter of a fact to its form, the field it fills, and what makes the value."""


def parse_eplf_line(line: str) -> Entry:
    """Read a line of the easily parsed LIST format: ``+``, facts with a comma behind each, a tab, and the name.

    Raises:
        ReplySyntaxError: It is something else.

    Source: D. J. Bernstein, https://cr.yp.to/ftp/list/eplf.html.
    """
    head, tab, name = _checked(line).partition("\t")
    if not head.startswith("+") or not tab:
        raise ReplySyntaxError(f"{line!r} is not an entry of an EPLF listing: it needs a plus sign and a tab")
    facts = [fact for fact in head[1:].split(",") if fact]
    kind = "dir" if "/" in facts else "file" if "r" in facts else "unknown"
    values: dict[str, Any] = {}
    unknown = []
    for fact in facts:
        form, field, value_of = _EPLF_FACTS.get(fact[0], _NO_FACT)
        found = form.fullmatch(fact)
        if found is not None:
            values[field] = value_of(found[1])
        elif fact[0] in "ms":
            raise ReplySyntaxError(f"{line!r} is not an entry of an EPLF listing: {fact!r} is not a number")
        elif fact not in ("/", "r"):
            unknown.append((fact[0], fact[1:]))
    return _with_name(line, Entry(name=name, type=kind, facts=tuple(unknown), **values))


_NO_FACT: tuple[re.Pattern[str], str, Callable[[str], Any]] = (re.compile(r"(?!)"), "", str)  # matches nothing

# MLSD and MLST.

# RFC 3659 7.2: facts without spaces, each with a semicolon behind it, one space, and the name.
_MLSX = re.compile(r"(?P<facts>(?:[^ ;=]+=[^ ;]*;)*) (?P<name>.*)")
_MLSX_WITH_FACTS = re.compile(r" ?(?:[^ ;=]+=[^ ;]*;)+ ")
_LINK_TYPE = re.compile(r"OS\.unix=(?:slink|symlink)(?::(?P<target>.*))?", re.IGNORECASE)
_KNOWN_TYPES = DIRECTORIES | {"file", "unknown"}
_MODE_DIGITS = re.compile(r"[0-7]{1,7}")


def parse_mlsx_line(line: str) -> Entry:
    """Read a line of MLSD, or the middle line of the answer to MLST with or without the space before it.

    Facts may be in any case and order. Those that have no field here are kept in `Entry.facts`, and so is a type that
    RFC 3659 does not define. A line that begins with a space and has no facts behind it is a name without facts; so
    of a line without facts, a name that itself looks like facts would be taken for them. The name may be empty,
    because some servers have it so for the root.

    Args:
        line: With or without its end.

    Raises:
        ReplySyntaxError: It has another form, or a fact has a value that it cannot have.

    Source: RFC 3659 7.2.
    """
    facts, path = split_mlsx_line(line)
    fields: dict[str, Any] = {"type": "unknown"}
    unknown = []
    for name, value in facts:
        known = _explained(line, _mlsx_fields, name.lower(), value)
        fields |= known
        if not known:
            unknown.append((name, value))
    return Entry(name=path, facts=tuple(unknown), **fields)


def split_mlsx_line(line: str) -> tuple[list[tuple[str, str]], str]:
    """Take a line of MLSD or MLST apart without asking what the facts mean.

    Returns:
        Pairs of fact and value, both as sent, in their order; and the name.

    Raises:
        ReplySyntaxError: It has another form.

    Source: RFC 3659 7.2.
    """
    text = _checked(line)
    found = _MLSX.fullmatch(text[1:] if text.startswith(" ") and _MLSX_WITH_FACTS.match(text) else text)
    if found is None:
        raise ReplySyntaxError(f"{line!r} is not an entry of MLSD: it needs facts with semicolons, a space and a name")
    pairs = [fact.partition("=") for fact in found["facts"].split(";")[:-1]]
    return [(name, value) for name, _, value in pairs], found["name"]


def _mlsx_fields(name: str, value: str) -> dict[str, Any]:
    """The fields of an entry that a fact fills; none when it means nothing here.

    Raises:
        CommandSyntaxError: A time that is none.
        ReplySyntaxError: A number that is none.
    """
    match name:
        case "type":
            return _type_fields(value)
        case "size":
            return {"size": int(_digits(_NUMBER, name, value))}
        case "modify" | "create":
            return {name: parse_time(value)}
        case "unix.mode":  # some servers send the bits of the type too
            return {"mode": int(_digits(_MODE_DIGITS, name, value), 8) & 0o7777}
        case "perm" | "unique" | "unix.owner" | "unix.group":
            return {name.removeprefix("unix."): value}
    return {}


def _type_fields(value: str) -> dict[str, Any]:
    if value.lower() in _KNOWN_TYPES:
        return {"type": value.lower()}
    link = _LINK_TYPE.fullmatch(value)
    return {} if link is None else {"type": "link", "target": link["target"] or None}


def _digits(form: re.Pattern[str], name: str, value: str) -> str:
    if form.fullmatch(value) is None:
        raise ReplySyntaxError(f"{value!r} is not a value of the fact {name}")
    return value


def _parse_fact_line(line: str) -> Entry:
    """A line of MLSD that has facts: without any, every line with a space at its head would be one."""
    if _MLSX_WITH_FACTS.match(line) is None:
        raise ReplySyntaxError(f"{line!r} is not an entry of MLSD: it has no facts")
    return parse_mlsx_line(line)


# The shape that needs most comes first.
_SHAPES: tuple[Callable[[str, float, tzinfo], Entry], ...] = (
    lambda line, now, timezone: parse_eplf_line(line),
    lambda line, now, timezone: parse_msdos_line(line, timezone=timezone),
    lambda line, now, timezone: parse_unix_line(line, now=now, timezone=timezone),
    lambda line, now, timezone: _parse_fact_line(line),
)
