"""Lines of LIST and MLSD for many plain files and directories, straight from the results of `os.lstat`.

One rule: they are the lines that `unix` and `mlsx` write, character for character. Those modules write the parts that
files have in common once, and only the rest is filled in per file: that takes a tenth of the time.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection
from datetime import tzinfo
from math import floor
from typing import Any

from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_facts, mlsx_line
from ftpfixture.wire.listing.unix import ls_date, ls_head
from ftpfixture.wire.timestamps import format_time

__all__ = ["MlsxRows", "UnixRows", "type_of", "unique"]

_KEPT = 4096  # cached texts of times; the files of a directory share a few times, or each has its own


def type_of(mode: int) -> str:
    """Return the type of an entry: "file", "dir", "link" or "unknown".

    Args:
        mode: The st_mode of `os.lstat`.
    """
    if stat.S_ISDIR(mode):
        return "dir"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "unknown"


def unique(stats: Any) -> str | None:
    """Return the unique fact (RFC 3659 7.5.2); None when the path layer knows no inodes.

    Args:
        stats: Result of `AbstractPathIO.lstat`.
    """
    inode = getattr(stats, "st_ino", None)
    return None if inode is None else f"{getattr(stats, 'st_dev', 0):x}g{inode:x}"


class _Moments(dict[int, str]):
    """The texts of whole seconds, each made on first use.

    Args:
        text: Makes the text of a second.
    """

    def __init__(self, text: Callable[[int], str]) -> None:
        super().__init__()
        self._text = text

    def __missing__(self, seconds: int) -> str:
        if len(self) >= _KEPT:
            self.clear()
        text = self[seconds] = self._text(seconds)
        return text


class UnixRows:
    """Makes the lines that `unix_line` makes.

    Args:
        now: POSIX seconds.
        timezone: Of the dates.
    """

    __slots__ = ("_dates", "_heads")

    def __init__(self, now: float, timezone: tzinfo) -> None:
        self._dates = _Moments(lambda seconds: ls_date(seconds, now, timezone))
        self._heads: dict[tuple[Any, ...], str] = {}

    def __call__(self, name: str, stats: Any) -> str | None:
        """Return the line of a file or directory; None for a link, which needs its target.

        Args:
            name: As shown.
            stats: Result of `AbstractPathIO.lstat`.
        """
        key = (stats.st_mode, stats.st_nlink, getattr(stats, "owner", "ftp"), getattr(stats, "group", "ftp"))
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._head(*key)
        if not head:
            return None
        return f"{head} {stats.st_size:>12} {self._dates[floor(stats.st_mtime)]} {name}"

    @staticmethod
    def _head(st_mode: int, links: int, owner: Any, group: Any) -> str:
        kind = type_of(st_mode)
        sample = Entry("", kind, mode=stat.S_IMODE(st_mode), links=links, owner=str(owner), group=str(group))
        return "" if kind == "link" else ls_head(sample)


class MlsxRows:
    """Makes the lines that `mlsx_line` makes.

    Args:
        facts: Names of the requested facts.
        perm: Returns the perm fact of a type.
    """

    __slots__ = ("_facts", "_perm", "_templates", "_times")

    def __init__(self, facts: Collection[str], perm: Callable[[str], str]) -> None:
        self._facts = mlsx_facts(facts)
        self._perm = perm
        self._times = _Moments(format_time)
        self._templates: dict[tuple[Any, ...], str] = {}

    def __call__(self, name: str, stats: Any) -> str | None:
        """Return the line of a file or directory; None for a link, which needs its target.

        Args:
            name: As shown.
            stats: Result of `AbstractPathIO.lstat`.
        """
        inode, create = getattr(stats, "st_ino", None), getattr(stats, "st_birthtime", None)
        owner, group = getattr(stats, "owner", "ftp"), getattr(stats, "group", "ftp")
        key = (stats.st_mode, owner, group, create is None, inode is None, getattr(stats, "st_dev", 0))
        template = self._templates.get(key)
        if template is None:
            template = self._templates[key] = self._template(*key)
        if not template:
            return None
        modify = stats.st_mtime
        modified = self._times[floor(modify)]
        created = modified if create is None or create == modify else self._times[floor(create)]
        return template % (stats.st_size, modified, created, inode, name)

    def _template(self, st_mode: int, owner: Any, group: Any, no_create: bool, no_inode: bool, device: int) -> str:
        """Return the line with a placeholder for each varying fact, in order; one that is not shown has no width."""
        kind = type_of(st_mode)
        if kind == "link":
            return ""
        perm = self._perm(kind)
        sample = Entry("", kind, mode=stat.S_IMODE(st_mode), owner=str(owner), group=str(group), perm=perm)
        varying = {"size": "%d", "modify": "%s", "create": "%s", "unique": f"{device:x}g%x"}
        unknown = {"size": kind == "dir", "create": no_create, "unique": no_inode}
        parts = []
        for fact in MLSX_FACTS:
            shown = fact in self._facts and not unknown.get(fact)
            if fact in varying:
                parts.append(f"{fact}={varying[fact]};" if shown else "%.0s")
            elif shown:
                parts.append(mlsx_line(sample, [fact]).removesuffix(" ").replace("%", "%%"))
        return "".join(parts) + " %s"
