"""From the path layer to directory entries: what LIST, NLST, MLSD, MLST and STAT show of a file.

One rule: facts that all files of a directory share are read once, and facts that a verb does not show are not read.
"""

from __future__ import annotations

import math
import stat
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from operator import attrgetter
from pathlib import PurePath, PurePosixPath
from typing import Any, NamedTuple

from ftpfixture.aio import in_order, take_turns
from ftpfixture.errors import PathIOError
from ftpfixture.files.base import Batch, batches
from ftpfixture.server.base import BaseServer
from ftpfixture.server.conditions import confined
from ftpfixture.server.connection import Connection
from ftpfixture.server.replies import reply_for
from ftpfixture.server.users import Permission, User
from ftpfixture.wire.listing.entry import Entry, listable
from ftpfixture.wire.listing.mlsx import mlsx_line
from ftpfixture.wire.listing.rows import MlsxRows, UnixRows, type_of, unique
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyle

__all__ = ["Entries", "Listing", "Page", "as_directory", "whole_seconds"]


Row = Callable[[str, Any], str | None]
"""Makes a line from a name and the result of `AbstractPathIO.lstat`; None if that is not enough."""


class Page(NamedTuple):
    """Some of the entries of a directory.

    Attributes:
        lines: The lines to send, without line ends.
        directories: Names of the directories among them, for a recursive listing.
    """

    lines: list[str]
    directories: list[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """The format of a listing.

    Attributes:
        style: Makes the line of an entry.
        row: Makes the same line without an entry, which is faster.
        perm: Whether the user's rights are shown.
        followed: Whether a link is shown as its target.
        hidden: Whether names that begin with a dot are shown.
        recursive: Whether `Page.directories` is filled.
    """

    style: Callable[[Entry], str]
    row: Row
    perm: bool = False
    followed: bool = False
    hidden: bool = True
    recursive: bool = False


class Entries(BaseServer):
    """Builds entries; a subclass may override `entry` to show files differently."""

    async def entry(self, connection: Connection, name: str, real: PurePath, virtual: PurePosixPath) -> Entry:
        """The entry of one file, directory or link.

        Args:
            connection: The session.
            name: The name to show.
            real: Real path.
            virtual: Virtual path; rights depend on it.

        Raises:
            PathIOError: The file no longer exists.
        """
        stats = await connection.path_io.lstat(real)
        kind = type_of(stats.st_mode)
        perm = _perm(kind, await connection.user.get_permissions(virtual), is_root=virtual == PurePosixPath("/"))
        target = await self._target(connection, real) if kind == "link" else None
        return replace(_entry_of(name, stats), target=target, perm=perm)

    async def followed(self, connection: Connection, entry: Entry, real: PurePath, virtual: PurePosixPath) -> Entry:
        """The target of a link, under the link's name; the link itself if it is broken or leads out of the base."""
        if entry.type != "link":
            return entry
        try:
            if not await confined(connection, real):
                return entry
            target = await connection.path_io.resolve(real)
            return await self.entry(connection, entry.name, target, virtual)
        except PathIOError as error:
            _raise_unexpected(error)
            return entry

    async def _target(self, connection: Connection, real: PurePath) -> str | None:
        try:
            target = await connection.path_io.readlink(real)
        except NotImplementedError:
            return None
        except PathIOError as error:
            _raise_unexpected(error)
            return None
        base = connection.user.base_path
        for top in (base, await connection.path_io.resolve(base)):
            if target.root and target.is_relative_to(top):
                return str(PurePosixPath("/", *target.relative_to(top).parts))
        return str(target)

    def list_listing(self, connection: Connection, *, hidden: bool, recursive: bool) -> Listing:
        """The format of LIST."""
        now, timezone, style = self.clock(), self.timezone, connection.list_style
        row: Row
        if style is LIST_STYLES["unix"]:
            row = UnixRows(now, timezone)
        elif style in LIST_STYLES.values():
            row = partial(_styled_row, style, now, timezone)
        else:
            row = _no_row  # a user's own style may show every fact, so it needs the entry
        return Listing(partial(style, now=now, timezone=timezone), row, hidden=hidden, recursive=recursive)

    async def mlsd_listing(self, connection: Connection, virtual: PurePosixPath) -> Listing:
        """The format of MLSD."""
        facts = connection.facts
        perm = "perm" in facts
        rights = await connection.user.get_permissions(virtual) if perm else Permission()
        row = MlsxRows(facts, partial(_perm, rights=rights, is_root=False))
        return Listing(partial(mlsx_line, facts=facts), row, perm=perm, followed=True)

    async def pages(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, listing: Listing
    ) -> AsyncGenerator[Page, None]:
        """Yield the listing of a directory in pages, sorted by name; other tasks run between two pages.

        Files that disappear meanwhile are left out, and so are names that would break a line in two.
        """
        names = await self._sorted_names(connection, real, hidden=listing.hidden)
        own_rights = _names_with_own_rights(connection.user, virtual) if listing.perm else frozenset[str]()
        if own_rights is None or self._entry_overridden:
            for batch in batches(names):
                yield await self._entry_page(connection, real, virtual, listing, batch)
            return
        row = partial(_row_unless, own_rights, listing.row) if own_rights else listing.row
        async with aclosing(connection.path_io.lstat_many(real, names)) as described:
            async for found in described:
                yield await self._page(connection, real, virtual, listing, row, found)
                await take_turns()

    async def _entry_page(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, listing: Listing, names: list[str]
    ) -> Page:
        """The page of some names, with an entry for each."""
        page = Page([], [])
        for name in names:
            entry = await self._show(connection, real / name, virtual / name, listing, page)
            if listing.recursive and entry is not None and entry.type == "dir":
                page.directories.append(name)
        return page

    async def _page(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, listing: Listing, row: Row, found: Batch
    ) -> Page:
        """The page of some names by `row`, with an entry only where that is not enough."""
        page = Page([], [])
        add = page.lines.append
        for name, stats in found:
            line = row(name, stats)
            if line is not None:
                add(line)
            else:
                await self._show(connection, real / name, virtual / name, listing, page)
        if listing.recursive:
            page.directories.extend(name for name, stats in found if stat.S_ISDIR(stats.st_mode))
        return page

    async def _show(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, listing: Listing, page: Page
    ) -> Entry | None:
        """Add a line that needs an entry: of a link, a file with its own rights, or where a subclass overrides it."""
        await take_turns()
        try:
            entry = await self.entry(connection, virtual.name, real, virtual)
        except PathIOError as error:
            _raise_unexpected(error)
            return None
        if listing.followed:
            entry = await self.followed(connection, entry, real, virtual)
        page.lines.append(listing.style(entry))
        return entry

    async def names(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, *, hidden: bool
    ) -> Iterable[str]:
        """The names in a directory for NLST, sorted; names that begin with a dot only if `hidden`."""
        if not self._entry_overridden:
            return await self._sorted_names(connection, real, hidden=hidden)
        pages = self.pages(connection, real, virtual, Listing(attrgetter("name"), _no_row, hidden=hidden))
        return [line async for page in pages for line in page.lines]

    async def _sorted_names(self, connection: Connection, real: PurePath, *, hidden: bool) -> Iterable[str]:
        return await in_order(await connection.path_io.list_names(real), listable if hidden else _without_hidden)

    @property
    def _entry_overridden(self) -> bool:
        """Whether a subclass overrides `entry`, which then makes every line."""
        return type(self).entry is not Entries.entry


def _raise_unexpected(error: PathIOError) -> None:
    """Raise an error that has no reply: it must not look like a missing file."""
    if reply_for(error) is None:
        raise error


def whole_seconds(timestamp: float) -> int:
    """A time without its fraction: RFC 3659 allows one, but no server sends it, and many clients fail on it."""
    return math.floor(timestamp)


def as_directory(entry: Entry, kind: str, name: str) -> Entry:
    """A copy of the entry as the "cdir" or "pdir" of an MLSD (RFC 3659 7.5.1)."""
    return replace(entry, type=kind, name=name)


def _entry_of(name: str, stats: Any) -> Entry:
    """The entry of a result of `AbstractPathIO.lstat`, without target and perm."""
    created = getattr(stats, "st_birthtime", None)
    return Entry(
        name=name,
        type=type_of(stats.st_mode),
        size=stats.st_size,
        modify=whole_seconds(stats.st_mtime),
        create=None if created is None else whole_seconds(created),
        mode=stat.S_IMODE(stats.st_mode),
        links=stats.st_nlink,
        owner=str(getattr(stats, "owner", "ftp")),
        group=str(getattr(stats, "group", "ftp")),
        unique=unique(stats),
    )


def _without_hidden(names: Sequence[str]) -> list[str]:
    return [name for name in listable(names) if not name.startswith(".")]


def _row_unless(names: frozenset[str], row: Row, name: str, stats: Any) -> str | None:
    return None if name in names else row(name, stats)


def _no_row(name: str, stats: Any) -> None:
    """Make no line, so that the entry makes it."""


def _styled_row(style: ListStyle, now: float, timezone: tzinfo, name: str, stats: Any) -> str | None:
    """The line of a built-in style without rows."""
    return None if stat.S_ISLNK(stats.st_mode) else style(_entry_of(name, stats), now=now, timezone=timezone)


def _names_with_own_rights(user: User, virtual: PurePosixPath) -> frozenset[str] | None:
    """Names in a directory with their own permission; None if a subclass of User or Permission decides."""
    plain = type(user).get_permissions is User.get_permissions
    if not plain or any(type(permission).is_parent is not Permission.is_parent for permission in user.permissions):
        return None
    return frozenset(permission.path.name for permission in user.permissions if permission.path.parent == virtual)


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
