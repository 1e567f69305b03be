"""One directory entry, and the line that each kind of listing makes of it.

One rule: rendering knows nothing of files; whoever fills an `Entry` has asked already.
"""

from __future__ import annotations

import stat
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from ftpfixture.errors import CommandSyntaxError

__all__ = [
    "MLSX_FACTS",
    "Entry",
    "eplf_line",
    "format_time",
    "is_listable",
    "mlsx_line",
    "msdos_line",
    "nlst_line",
    "parse_time",
    "unix_line",
]

MLSX_FACTS = ("type", "size", "modify", "create", "perm", "unique", "UNIX.mode", "UNIX.owner", "UNIX.group")
"""The facts that can be rendered, in their order on the line (RFC 3659 7.5; the UNIX ones are de facto)."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HALF_A_YEAR = 365.2425 / 2 * 86400
"""Seconds; `ls` and vsftpd show the time of day of what is newer than this, and not in the future."""

_KINDS = {"dir": stat.S_IFDIR, "cdir": stat.S_IFDIR, "pdir": stat.S_IFDIR, "link": stat.S_IFLNK}
_BREAKS_A_LINE = frozenset("\r\n\0/")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a listing tells of one name.

    Attributes:
        name: As shown; a path only where the command says so.
        type: "file", "dir", "link", "cdir", "pdir" or "unknown".
        size: Octets.
        modify: POSIX seconds.
        create: POSIX seconds.
        mode: Permission bits, with setuid, setgid and sticky.
        links: Number of hard links.
        owner: Name.
        group: Name.
        target: Where a link points.
        unique: Same for two names exactly if they are one file.
        perm: Letters of RFC 3659 7.5.5.
        facts: Names and values of further facts, when parsed.
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
    """Say whether a name can stand on a line of a listing: it has no CR, LF, NUL or slash, and is not empty."""
    return bool(name) and _BREAKS_A_LINE.isdisjoint(name)


# Listings for people.


def unix_line(entry: Entry, *, now: float, timezone: tzinfo = UTC) -> str:
    """Return the line of ``ls -l``: mode, links, owner, group, size, time, one space, name.

    The time has hours and minutes within the last half year, and the year otherwise.

    Args:
        entry: What to show.
        now: POSIX seconds.
        timezone: Of the time shown.
    """
    default = 0o755 if entry.type in ("dir", "cdir", "pdir") else 0o644
    mode = stat.filemode(_KINDS.get(entry.type, stat.S_IFREG) | (default if entry.mode is None else entry.mode))
    when = _ls_time(entry.modify or 0.0, now, timezone)
    arrow = f" -> {_one_line(entry.target)}" if entry.target is not None else ""
    links = 1 if entry.links is None else entry.links
    return (
        f"{mode} {links:>3} {_word(entry.owner):<8} {_word(entry.group):<8} {entry.size or 0:>8} {when} "
        f"{entry.name}{arrow}"
    )


def _ls_time(modify: float, now: float, timezone: tzinfo) -> str:
    when = datetime.fromtimestamp(modify, timezone)
    day = f"{MONTHS[when.month - 1]} {when.day:>2}"
    if now - HALF_A_YEAR < modify <= now:
        return f"{day} {when.hour:02}:{when.minute:02}"
    return f"{day}  {when.year:04}"


def msdos_line(entry: Entry, *, timezone: tzinfo = UTC, four_digit_year: bool = False) -> str:
    """Return the line of IIS: date, twelve-hour clock, ``<DIR>`` or size, name.

    Args:
        entry: What to show.
        timezone: Of the time shown.
        four_digit_year: IIS has it as a setting; the default there is two digits.
    """
    when = datetime.fromtimestamp(entry.modify or 0.0, timezone)
    year = f"{when.year:04}" if four_digit_year else f"{when.year % 100:02}"
    half = "AM" if when.hour < 12 else "PM"
    date = f"{when.month:02}-{when.day:02}-{year}  {when.hour % 12 or 12:02}:{when.minute:02}{half}"
    is_dir = _KINDS.get(entry.type) == stat.S_IFDIR
    return f"{date} {'      <DIR>          ' if is_dir else format(entry.size or 0, '>20') + ' '}{entry.name}"


def eplf_line(entry: Entry) -> str:
    """Return the line of Easily Parsed LIST Format: facts with commas, a tab, the name."""
    facts = [f"i{entry.unique}" if entry.unique else "", f"m{int(entry.modify)}" if entry.modify is not None else ""]
    if _KINDS.get(entry.type) == stat.S_IFDIR:
        facts.append("/")
    else:
        facts += ["r", f"s{entry.size}" if entry.size is not None else ""]
    return "+" + "".join(f"{fact}," for fact in facts if fact) + f"\t{entry.name}"


def nlst_line(entry: Entry) -> str:
    """Return the name."""
    return entry.name


# Listings for programs.


def mlsx_line(entry: Entry, facts: Collection[str]) -> str:
    """Return the line of MLSD and MLST: facts, a space, the name; what is not known is left out.

    Args:
        entry: What to show.
        facts: Those wanted, out of `MLSX_FACTS`; their order there is the order here.

    Source: RFC 3659 7.2.
    """
    values = ((fact, _fact(entry, fact)) for fact in MLSX_FACTS if fact in facts)
    return "".join(f"{fact}={value};" for fact, value in values if value is not None) + f" {entry.name}"


def _fact(entry: Entry, fact: str) -> str | None:
    match fact:
        case "type":
            return _type_fact(entry)
        case "size":
            return None if entry.size is None or entry.type in ("dir", "cdir", "pdir") else str(entry.size)
        case "modify":
            return None if entry.modify is None else format_time(entry.modify)
        case "create":
            return None if entry.create is None else format_time(entry.create)
        case "perm":
            return entry.perm
        case "unique":
            return entry.unique
        case "UNIX.mode":
            return None if entry.mode is None else f"{entry.mode:04o}"
        case "UNIX.owner":
            return None if entry.owner is None else _word(entry.owner)
    return None if entry.group is None else _word(entry.group)


def _type_fact(entry: Entry) -> str:
    """Value of the type fact; a link has one that is de facto, with the target where it fits into a fact."""
    if entry.type != "link":
        return entry.type
    target = entry.target or ""
    fits = target and is_listable(target.replace("/", "")) and not {";", " "}.intersection(target)
    return f"OS.unix=slink:{target}" if fits else "OS.unix=symlink"


def format_time(timestamp: float) -> str:
    """Return POSIX seconds as ``YYYYMMDDHHMMSS`` in UTC, with milliseconds where there are some.

    Source: RFC 3659 2.3.
    """
    milliseconds = round(timestamp * 1000)
    when = datetime.fromtimestamp(milliseconds // 1000, UTC)
    fraction = f".{milliseconds % 1000:03}" if milliseconds % 1000 else ""
    return f"{when.year:04}{when.month:02}{when.day:02}{when.hour:02}{when.minute:02}{when.second:02}{fraction}"


def parse_time(text: str) -> float:
    """Read ``YYYYMMDDHHMMSS[.sss]`` in UTC as POSIX seconds.

    Raises:
        CommandSyntaxError: It is something else, or no such time ever was; second 60 is a leap second.

    Source: RFC 3659 2.3.
    """
    whole, dot, fraction = text.partition(".")
    if not (len(whole) == 14 and _is_digits(whole) and (not dot or _is_digits(fraction))):
        raise CommandSyntaxError(f"{text!r} is not a time: use YYYYMMDDHHMMSS")
    year, *rest = int(whole[:4]), *(int(whole[start : start + 2]) for start in range(4, 14, 2))
    month, day, hour, minute, second = rest
    try:
        start = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError as error:
        raise CommandSyntaxError(f"{text!r} is not a time: {error}") from error
    if second > 60:
        raise CommandSyntaxError(f"{text!r} is not a time: second must be in 0..60")
    return start.timestamp() + (second == 60) + (float(f"0.{fraction}") if fraction else 0.0)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _word(text: str | None) -> str:
    """A name of an owner or group as one word of a line."""
    return "".join(text.split()).replace(";", "") or "ftp" if text else "ftp"


def _one_line(text: str) -> str:
    return "".join("?" if letter in "\r\n\0" else letter for letter in text)
