"""One entry of a directory, and how LIST, NLST, MLSD and MLST show it.

One rule: a line is built from the entry alone, never from the locale or the clock of this machine. Lines have no end;
whoever sends them adds CRLF, and leaves out names for which `is_listable` is False.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from ftpfixture.errors import CommandSyntaxError

__all__ = [
    "DIRECTORIES",
    "LIST_STYLES",
    "MLSX_FACTS",
    "MONTHS",
    "Entry",
    "ListStyle",
    "eplf_line",
    "format_time",
    "is_listable",
    "listable",
    "local_time",
    "ls_date",
    "ls_head",
    "mlsx_facts",
    "mlsx_line",
    "msdos_line",
    "nlst_line",
    "parse_time",
    "unix_line",
]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Months as listings have them, in English whatever the locale is."""

DIRECTORIES = frozenset({"dir", "cdir", "pdir"})
"""Types that are directories: any, the listed one itself, and its parent (RFC 3659 7.5.1)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECENT = 180 * 86400  # seconds; GNU ls takes half a Gregorian year, vsftpd 182 days
_BREAKING = frozenset("\r\n\0")  # what ends a line, or what a client takes for the end of one
_UNFIT = (*_BREAKING, "/")  # for a name in a listing
_NAMELESS = "ftp"  # owner and group that nobody told, as vsftpd shows them with hide_ids
_MODES = {"dir": 0o755, "cdir": 0o755, "pdir": 0o755, "link": 0o777}  # permission bits that nobody told
_FILE_MODE = 0o644
_LETTERS = {"file": "-", "dir": "d", "cdir": "d", "pdir": "d", "link": "l"}
_UNKNOWN_LETTER = "?"  # as ls of GNU has it


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory; what is not known is None.

    Attributes:
        name: As shown, without a directory; MLST alone has paths here.
        type: "file", "dir", "link", "cdir" (the listed directory), "pdir" (its parent) or "unknown".
        size: Octets.
        modify: When it was modified, POSIX seconds (UTC).
        create: When it was made, POSIX seconds (UTC).
        mode: Permission bits with setuid, setgid and sticky.
        links: Number of hard links.
        owner: Name or number of the user.
        group: Name or number of the group.
        target: Where a link leads.
        unique: Equal for two names of one file (RFC 3659 7.5.2).
        perm: What the user may do to it, in letters (RFC 3659 7.5.5).
        facts: Facts that were received and mean nothing here, names as received.
    """

    name: str
    type: str
    size: int | None = None
    modify: float | None = None
    create: float | None = None
    mode: int | None = None
    links: int | None = None
    owner: str | None = None
    group: str | None = None
    target: str | None = None
    unique: str | None = None
    perm: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


def is_listable(name: str) -> bool:
    """Say whether a listing can show this name: it is not empty, and holds no CR, LF, NUL or slash."""
    return bool(name) and "/" not in name and _is_one_line(name)


def listable(names: Sequence[str]) -> Sequence[str]:
    """Return those of many names that `is_listable` is True for, at little cost."""
    together = "".join(names)
    if all(names) and not any(unfit in together for unfit in _UNFIT):
        return names
    return [name for name in names if is_listable(name)]


def _is_one_line(text: str) -> bool:
    return _BREAKING.isdisjoint(text)


def local_time(timestamp: float, timezone: tzinfo) -> datetime:
    """Return POSIX seconds as the time on the wall in `timezone`, held within the years that dates can have."""
    seconds = min(max(timestamp, _FIRST), _LAST)
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(timezone)


# A day off each end of what datetime can hold, so that no time zone leads out of it.
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH).total_seconds()
_LAST = (datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()

# LIST.


def unix_line(entry: Entry, *, now: float, timezone: tzinfo = UTC) -> str:
    """Return the line of ``ls -l``: mode, links, owner, group, size, date and name.

    The date has hour and minute when it is at most 180 days before `now`, and the year when it is older or in the
    future. There is no allowance for skewed clocks, as in GNU ls and vsftpd. What is not known is shown as one link,
    owner and group "ftp", size 0, 1 January 1970, and the mode that such things usually have.

    Args:
        entry: Its name follows exactly one space.
        now: POSIX seconds.
        timezone: Of the date.
    """
    date = ls_date(entry.modify or 0.0, now, timezone)
    return f"{ls_head(entry)} {entry.size or 0:>12} {date} {entry.name}{_arrow(entry)}"


def ls_head(entry: Entry) -> str:
    """Return what stands in front of the size in a line of ``ls -l``: mode, links, owner and group."""
    return (
        f"{_LETTERS.get(entry.type, _UNKNOWN_LETTER)}{_permissions(entry)} {_or(entry.links, 1):>4} "
        f"{_word(entry.owner):<8} {_word(entry.group):<8}"
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _permissions(entry: Entry) -> str:
    # S_IFREG only keeps filemode from guessing: its first letter is cut off.
    return stat.filemode(stat.S_IFREG | stat.S_IMODE(_or(entry.mode, _MODES.get(entry.type, _FILE_MODE))))[1:]


def _word(name: str | None) -> str:
    """An owner or group as one word, because clients count columns."""
    return "_".join((name or "").replace("\0", " ").split()) or _NAMELESS


def _arrow(entry: Entry) -> str:
    return f" -> {entry.target}" if entry.type == "link" and entry.target and _is_one_line(entry.target) else ""


def ls_date(timestamp: float, now: float, timezone: tzinfo) -> str:
    """Return the date in a line of ``ls -l``; see `unix_line`."""
    moment = local_time(timestamp, timezone)
    recent = 0 <= now - timestamp <= _RECENT
    clock = f"{moment.hour:02}:{moment.minute:02}" if recent else f" {moment.year:04}"
    return f"{MONTHS[moment.month - 1]} {moment.day:>2} {clock}"


def msdos_line(entry: Entry, *, timezone: tzinfo = UTC, four_digit_year: bool = False) -> str:
    """Return the line of IIS: date, time of the twelve-hour clock, ``<DIR>`` or size, and name.

    This form has no links: they are shown as files.

    Args:
        entry: Its name follows exactly one space after a size, or ten after ``<DIR>``.
        timezone: Of the date.
        four_digit_year: IIS has a setting for it; two digits are its default.
    """
    moment = local_time(entry.modify or 0.0, timezone)
    year = f"{moment.year:04}" if four_digit_year else f"{moment.year % 100:02}"
    clock = f"{moment.hour % 12 or 12:02}:{moment.minute:02}{'AM' if moment.hour < 12 else 'PM'}"
    middle = f"{'<DIR>':>12}{'':9}" if entry.type in DIRECTORIES else f"{entry.size or 0:>21}"
    return f"{moment.month:02}-{moment.day:02}-{year}  {clock}{middle} {entry.name}"


def eplf_line(entry: Entry) -> str:
    """Return the line of the easily parsed LIST format: facts, a tab and the name.

    The facts are ``i`` (identity), ``m`` (modified, whole POSIX seconds), ``s`` (size), ``/`` for directories and
    ``r`` for what can be retrieved. Source: D. J. Bernstein, https://cr.yp.to/ftp/list/eplf.html.
    """
    facts = []
    if entry.unique and not _UNFIT_FOR_EPLF.search(entry.unique):
        facts.append(f"i{entry.unique}")
    if entry.modify is not None:
        facts.append(f"m{int(entry.modify // 1)}")
    if entry.size is not None and entry.type not in DIRECTORIES:
        facts.append(f"s{entry.size}")
    if entry.type != "unknown":
        facts.append("/" if entry.type in DIRECTORIES else "r")
    return "+" + "".join(f"{fact}," for fact in facts) + f"\t{entry.name}"


_UNFIT_FOR_EPLF = re.compile(r"[,\t\r\n\0]")

# NLST.


def nlst_line(entry: Entry) -> str:
    """Return the line of NLST, the name alone (RFC 1123 4.1.2.7)."""
    return entry.name


# MLSD and MLST.


def mlsx_line(entry: Entry, facts: Collection[str]) -> str:
    """Return the line of MLSD and MLST: ``fact=value;`` repeated, a space, and the name.

    What is not known is left out, and so is the size of a directory and any value that would break the line (with a
    space, a semicolon or a control character). A link has the type ``OS.unix=slink:target``, or ``OS.unix=slink``
    when such a value would hold one of these. Without facts the line is a space and the name.

    Args:
        entry: Its name stands behind the first space of the line.
        facts: Names of the facts that are asked for, in any case and order; the line has the order of `MLSX_FACTS`.

    Source: RFC 3659 7.2.
    """
    values = ((name, _FACT_VALUES[name](entry)) for name in mlsx_facts(facts))
    return "".join(f"{name}={value};" for name, value in values if value is not None) + f" {entry.name}"


def mlsx_facts(facts: Collection[str]) -> list[str]:
    """Return those of `MLSX_FACTS` that are among `facts`, in any case and order."""
    wanted = {fact.lower() for fact in facts}
    return [name for name in MLSX_FACTS if name.lower() in wanted]


# RFC 3659 7.2: a value is any run of octets without space, semicolon and control characters.
_UNFIT_FOR_FACTS = re.compile(r"[\x00-\x20;\x7f]")


def _fact(value: str | None) -> str | None:
    return None if value is None or _UNFIT_FOR_FACTS.search(value) else value


def _type_fact(entry: Entry) -> str | None:
    if entry.type != "link":
        return _fact(entry.type)
    target = _fact(entry.target)
    return f"OS.unix=slink:{target}" if target else "OS.unix=slink"


def _size_fact(entry: Entry) -> str | None:
    return None if entry.size is None or entry.type in DIRECTORIES else str(entry.size)


def _time_fact(timestamp: float | None) -> str | None:
    return None if timestamp is None else format_time(timestamp)


def _mode_fact(entry: Entry) -> str | None:
    return None if entry.mode is None else f"{entry.mode:04o}"


_FACT_VALUES: dict[str, Callable[[Entry], str | None]] = {
    "type": _type_fact,  # RFC 3659 7.5.1
    "size": _size_fact,  # RFC 3659 7.5.7
    "modify": lambda entry: _time_fact(entry.modify),  # RFC 3659 7.5.3
    "create": lambda entry: _time_fact(entry.create),  # RFC 3659 7.5.4
    "perm": lambda entry: _fact(entry.perm),  # RFC 3659 7.5.5
    "unique": lambda entry: _fact(entry.unique),  # RFC 3659 7.5.2
    "UNIX.mode": _mode_fact,
    "UNIX.owner": lambda entry: _fact(entry.owner),
    "UNIX.group": lambda entry: _fact(entry.group),
}

MLSX_FACTS: tuple[str, ...] = tuple(_FACT_VALUES)
"""The facts that `mlsx_line` knows, in its order."""

# Times.


def format_time(timestamp: float) -> str:
    """Return POSIX seconds as ``YYYYMMDDHHMMSS`` in UTC, with ``.sss`` behind it unless that is ``.000``.

    Rounded to the millisecond, because a float cannot hold most of them exactly.

    Source: RFC 3659 2.3.
    """
    seconds, milliseconds = divmod(round(timestamp * 1000), 1000)
    moment = local_time(seconds, UTC)
    fraction = f".{milliseconds:03}" if milliseconds else ""
    return f"{moment.year:04}{moment.month:02}{moment.day:02}{moment:%H%M%S}{fraction}"


# RFC 3659 2.3; [0-9] because \d also takes the digits of other scripts.
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]+)?")


def parse_time(text: str) -> float:
    """Return the POSIX seconds of ``YYYYMMDDHHMMSS[.sss]`` in UTC.

    Second 60 is read as the second after 59, in any minute.

    Raises:
        CommandSyntaxError: It is not of that form, or there is no such day or hour.

    Source: RFC 3659 2.3.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise CommandSyntaxError(f"A time is YYYYMMDDHHMMSS or YYYYMMDDHHMMSS.sss in UTC, not {text!r}")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    leap = int(second == 60)
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
    except ValueError as error:
        raise CommandSyntaxError(f"There is no time {text!r}: {error}") from error
    # Decimal, because a sum of floats need not be the float that is nearest to the text.
    return float((moment - _EPOCH) // timedelta(seconds=1) + leap + Decimal(found[7] or 0))


class ListStyle(Protocol):
    """Renders the line of one entry in LIST."""

    def __call__(self, entry: Entry, *, now: float, timezone: tzinfo) -> str:
        """The line, without its end."""


LIST_STYLES: dict[str, ListStyle] = {
    "unix": unix_line,
    "msdos": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone),
    "msdos4": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone, four_digit_year=True),
    "eplf": lambda entry, *, now, timezone: eplf_line(entry),
}
