"""One entry of a directory, and names that a listing can show.

One rule: an entry knows no format; the code that writes a line leaves out what its format cannot show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DIRECTORIES", "Entry", "is_listable", "is_one_line", "listable"]

DIRECTORIES = frozenset({"dir", "cdir", "pdir"})
"""Types that are directories: any, the listed one itself, and its parent (RFC 3659 7.5.1)."""

_BREAKING = frozenset("\r\n\0")  # line ends, and what a client may read as one
_UNFIT = (*_BREAKING, "/")  # for a name in a listing


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory; unknown fields are None.

    Attributes:
        name: As shown, without a directory; a path in MLST only.
        type: "file", "dir", "link", "cdir" (the listed directory), "pdir" (its parent) or "unknown".
        size: Bytes.
        modify: When it was modified, POSIX seconds (UTC).
        create: When it was created, POSIX seconds (UTC).
        mode: Permission bits with setuid, setgid and sticky.
        links: Number of hard links.
        owner: Name or number of the user.
        group: Name or number of the group.
        target: Path that a link holds.
        unique: Equal for two names of one file (RFC 3659 7.5.2).
        perm: What the user may do to it, in letters (RFC 3659 7.5.5).
        facts: Received facts that have no field here, names as received.
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
    """Return whether a listing can show this name: it is not empty, and holds no CR, LF, NUL or slash."""
    return bool(name) and "/" not in name and is_one_line(name)


def listable(names: Sequence[str]) -> Sequence[str]:
    """Return the names that `is_listable` accepts; fast for many names."""
    together = "".join(names)
    if all(names) and not any(unfit in together for unfit in _UNFIT):
        return names
    return [name for name in names if is_listable(name)]


def is_one_line(text: str) -> bool:
    """Return whether a text fits in one line: it holds no CR, LF or NUL."""
    return _BREAKING.isdisjoint(text)
