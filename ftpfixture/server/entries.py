"""From the path layer to directory entries: what LIST, NLST, MLSD, MLST and STAT show of a file."""

from __future__ import annotations

import fnmatch
import math
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import Any

from ftpfixture.errors import PathIOError
from ftpfixture.server.base import BaseServer
from ftpfixture.server.conditions import confined, is_there
from ftpfixture.server.connection import Connection
from ftpfixture.server.replies import reply_for
from ftpfixture.server.users import Permission
from ftpfixture.wire.entry import Entry, is_listable

__all__ = ["Entries", "as_directory", "whole_seconds"]

_GLOB = frozenset("*?[")


class Entries(BaseServer):
    """Builds entries; a subclass may show files otherwise by overriding `entry`."""

    async def entry(self, connection: Connection, name: str, real: PurePath, virtual: PurePosixPath) -> Entry:
        """The entry of one file, directory or link.

        Args:
            connection: Who asks.
            name: As it shall be shown.
            real: Real path.
            virtual: Virtual path; rights depend on it.

        Raises:
            PathIOError: It is gone.
        """
        stats = await connection.path_io.lstat(real)
        kind = _kind(stats.st_mode)
        created = getattr(stats, "st_birthtime", None)
        return Entry(
            name=name,
            type=kind,
            size=stats.st_size,
            modify=whole_seconds(stats.st_mtime),
            create=None if created is None else whole_seconds(created),
            mode=stat.S_IMODE(stats.st_mode),
            links=stats.st_nlink,
            owner=str(getattr(stats, "owner", "ftp")),
            group=str(getattr(stats, "group", "ftp")),
            target=await self._target(connection, real) if kind == "link" else None,
            unique=_unique(stats),
            perm=_perm(kind, await connection.user.get_permissions(virtual), is_root=virtual == PurePosixPath("/")),
        )

    async def followed(self, connection: Connection, entry: Entry, real: PurePath, virtual: PurePosixPath) -> Entry:
        """What a link stands for, under the link's name; the link itself when it leads nowhere, or out of the base."""
        if entry.type != "link":
            return entry
        try:
            if not await confined(connection, real):
                return entry
            target = await connection.path_io.resolve(real)
            return await self.entry(connection, entry.name, target, virtual)
        except PathIOError as error:
            _only_foreseen(error)
            return entry

    async def _target(self, connection: Connection, real: PurePath) -> str | None:
        try:
            target = await connection.path_io.readlink(real)
        except NotImplementedError:
            return None
        except PathIOError as error:
            _only_foreseen(error)
            return None
        base = connection.user.base_path
        for top in (base, await connection.path_io.resolve(base)):
            if target.root and target.is_relative_to(top):
                return str(PurePosixPath("/", *target.relative_to(top).parts))
        return str(target)

    async def children(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, *, hidden: bool = True
    ) -> AsyncIterator[tuple[Entry, PurePath, PurePosixPath]]:
        """The entries of a directory in the order of their names, with their real and virtual paths.

        What vanishes meanwhile is left out, and so are names that would break a line in two.
        """
        names = sorted([path.name async for path in connection.path_io.list(real)])
        for name in names:
            if is_listable(name) and (hidden or not name.startswith(".")):
                try:
                    entry = await self.entry(connection, name, real / name, virtual / name)
                except PathIOError as error:
                    _only_foreseen(error)
                    continue
                yield entry, real / name, virtual / name

    async def matches(self, connection: Connection, argument: str) -> list[str]:
        """What the argument of LIST or NLST names: itself when it is there, else all that it matches as a pattern.

        Patterns know ``*``, ``?`` and ``[...]`` in any part of the path. Sorted; empty when nothing matches.
        """
        real, _ = self.get_paths(connection, argument)
        if await self._is_there(connection, real):
            return [argument]
        if not _GLOB.intersection(argument):
            return []
        found = ["/" if argument.startswith("/") else ""]
        for part in PurePosixPath(argument).parts[argument.startswith("/") :]:
            found = [name for parent in found for name in await self._expanded(connection, parent, part)]
        return found

    async def _expanded(self, connection: Connection, parent: str, pattern: str) -> list[str]:
        prefix = parent if parent in ("", "/") else f"{parent}/"
        real, virtual = self.get_paths(connection, parent)
        if not _GLOB.intersection(pattern):
            there = await self._is_there(connection, self.get_paths(connection, prefix + pattern)[0])
            return [prefix + pattern] if there else []
        if not await confined(connection, real) or not (await connection.user.get_permissions(virtual)).list:
            return []
        hidden = pattern.startswith(".")
        return [
            prefix + entry.name
            async for entry, _, _ in self.children(connection, real, virtual, hidden=hidden)
            if fnmatch.fnmatchcase(entry.name, pattern)
        ]

    async def _is_there(self, connection: Connection, real: PurePath) -> bool:
        return await confined(connection, real, follow=False) and await is_there(connection, real)


def _only_foreseen(error: PathIOError) -> None:
    """Let nothing pass for a missing file that a path layer should never raise."""
    if reply_for(error) is None:
        raise error


def whole_seconds(timestamp: float) -> int:
    """A time as servers tell it: RFC 3659 allows fractions, but none sends them, and many clients trip over them."""
    return math.floor(timestamp)


def as_directory(entry: Entry, kind: str, name: str) -> Entry:
    """The same entry as the "cdir" or "pdir" of an MLSD (RFC 3659 7.5.1)."""
    return replace(entry, type=kind, name=name)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "dir"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "unknown"


def _unique(stats: Any) -> str | None:
    inode = getattr(stats, "st_ino", None)
    return None if inode is None else f"{getattr(stats, 'st_dev', 0):x}g{inode:x}"


def _perm(kind: str, rights: Permission, *, is_root: bool) -> str:
    """The perm fact of RFC 3659 7.5.5, letters in alphabetical order; the root can be neither removed nor renamed."""
    if kind == "dir":
        letters = {
            "c": rights.create,
            "d": rights.delete and not is_root,
            "e": rights.readable,
            "f": rights.rename and not is_root,
            "l": rights.list,
            "m": rights.mkdir,
            "p": rights.delete,
        }
    else:
        letters = {
            "a": rights.append,
            "d": rights.delete,
            "f": rights.rename,
            "r": rights.readable,
            "w": rights.overwrite,
        }
    return "".join(letter for letter, granted in letters.items() if granted)
