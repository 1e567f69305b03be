"""One entry of a directory, and names that a listing can show.

One rule: an entry knows no format; what a format cannot show is left out where the line is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DIRECTORIES", "Entry", "is_listable", "is_one_line", "listable"]

DIRECTORIES = frozenset({"dir", "cdir", "pdir"})
"""Types that are directories: any, the listed one itself, and its parent (RFC 3659 7.5.1)."""

_BREAKING = frozenset("\r\n\0")  # what ends a line, or what a client takes for the end of one
_UNFIT = (*_BREAKING, "/")  # for a name in a listing


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
    return bool(name) and "/" not in name and is_one_line(name)


def listable(names: Sequence[str]) -> Sequence[str]:
    """Return those of many names that `is_listable` is True for, at little cost."""
    together = "".join(names)
    if all(names) and not any(unfit in together for unfit in _UNFIT):
        return names
    return [name for name in names if is_listable(name)]


def is_one_line(text: str) -> bool:
    """Say whether a text can stand in a line: it holds no CR, LF or NUL."""
    return _BREAKING.isdisjoint(text)
