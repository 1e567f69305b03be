"""Operations on many files at once: remove, measure, copy and combine (draft-peterson, mod_copy).

One rule: a command checks every right before it changes anything, and lets other sessions run meanwhile.
"""

from __future__ import annotations

import re
import stat
from collections.abc import AsyncIterator
from pathlib import PurePath, PurePosixPath
from typing import Any, NamedTuple

from ftpfixture.aio import take_turns
from ftpfixture.errors import CommandRefused
from ftpfixture.server.commands.content import ContentCommands
from ftpfixture.server.conditions import (
    ConnectionConditions,
    PathConditions,
    PathPermissions,
    argument_required,
    demand,
)
from ftpfixture.server.connection import Connection
from ftpfixture.server.creation import DIRECTORY_MODE, apply_umask, creating
from ftpfixture.server.dispatch import command
from ftpfixture.server.replies import offered

__all__ = ["BulkCommands"]

_NAME = re.compile(r'"((?:[^"]|"")+)"|([^" ]+)')


class _Found(NamedTuple):
    """A file, directory or link below a directory; a link is not followed."""

    real: PurePath
    virtual: PurePosixPath
    stats: Any

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.stats.st_mode)


class BulkCommands(ContentCommands):
    """RMDA DSIZ COMB, SITE CPFR, SITE CPTO."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        del connection.copy_from

    @command("RMDA", feat="RMDA directoryname")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathPermissions(PathPermissions.deletable)
    async def rmda(self, connection: Connection, rest: str) -> bool:
        """RMDA <SP> directory: remove a directory and everything in it; of a link only the link, not its target.

        If the user may not delete something in it, nothing is removed.

        Replies: 250, 501, 550 missing, not a directory or not allowed.
        Source: draft-peterson-streamlined-ftp-command-extensions.
        """
        real, virtual = self.get_paths(connection, rest)
        if str(virtual) == "/":
            raise CommandRefused("550", "The root cannot be removed")
        top = _Found(real, virtual, await connection.path_io.lstat(real))
        if not top.is_dir:
            raise CommandRefused("550", "Not a directory")
        doomed = [top, *[found async for found in _below(connection, real, virtual)]]
        for found in doomed:
            rights = (
                (PathPermissions.deletable, PathPermissions.listable) if found.is_dir else (PathPermissions.deletable,)
            )
            await demand(self, connection, str(found.virtual), *rights)
            await take_turns()
        for found in reversed(doomed):  # a directory comes before its contents
            await (connection.path_io.rmdir if found.is_dir else connection.path_io.unlink)(found.real)
            await take_turns()
        connection.response("250", "Directory removed with all that was in it")
        return True

    @command("DSIZ", feat="DSIZ")
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_dir)
    @PathPermissions(PathPermissions.listable)
    async def dsiz(self, connection: Connection, rest: str) -> bool:
        """DSIZ [<SP> directory]: return the total size in bytes of the files in and below a directory.

        Directories that the user may not list do not count, and neither do the targets of links.

        Replies: 213, 550 missing, not a directory or not allowed.
        Source: draft-peterson-streamlined-ftp-command-extensions.
        """
        total = 0
        async for found in _below(connection, *self.get_paths(connection, rest)):
            if stat.S_ISREG(found.stats.st_mode):
                total += found.stats.st_size
        connection.response("213", str(total))
        return True

    @command("COMB", feat="COMB target;source_list")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def comb(self, connection: Connection, rest: str) -> bool:
        """COMB <SP> "target" <SP> "part" ...: append the parts to the target, in this order, and delete them.

        Names without spaces need no quotes; a quote within quotes is doubled. A missing target is created.

        Replies: 250, 452, 501, 550 a part is missing, is no file or is not allowed, 552, 553. Source: Serv-U,
        GlobalSCAPE EFT.
        """
        target, *parts = _names(rest)
        if not parts:
            raise CommandRefused("501", 'COMB takes "target" "part" ...')
        goal, _ = self.get_paths(connection, target)
        await self._check_target(connection, target, appends=True)
        if len({self.get_paths(connection, part)[0] for part in parts}) < len(parts):
            raise CommandRefused("501", "A part is named twice")
        for part in parts:
            await self._check_part(connection, part, goal)
        async with creating(connection, goal, "ab") as file:
            for part in parts:
                await _append_file(connection, self.get_paths(connection, part)[0], file)
        for part in parts:
            await connection.path_io.unlink(self.get_paths(connection, part)[0])
        connection.response("250", f"{len(parts)} files combined")
        return True

    async def _check_part(self, connection: Connection, part: str, goal: PurePath) -> None:
        real, _ = self.get_paths(connection, part)
        await demand(self, connection, part, PathPermissions.readable)
        await demand(self, connection, part, PathPermissions.deletable)
        if not await connection.path_io.is_file(real):
            raise CommandRefused("550", f"{part}: no such file")
        if await connection.path_io.resolve(real) == await connection.path_io.resolve(goal):
            raise CommandRefused("553", "The target cannot be one of its parts")

    @command("SITE CPFR")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.readable)
    async def site_cpfr(self, connection: Connection, rest: str) -> bool:
        """SITE CPFR <SP> pathname: name the file or directory to copy; the last SITE CPFR counts.

        Replies: 350, 501, 550 missing or not allowed. Source: mod_copy of ProFTPD.
        """
        connection.copy_from = str(self.get_paths(connection, rest)[1])
        connection.response("350", "Ready for SITE CPTO")
        return True

    @command("SITE CPTO")
    @ConnectionConditions(ConnectionConditions.login_required, ("copy_from", "Use SITE CPFR first"))
    @argument_required
    async def site_cpto(self, connection: Connection, rest: str) -> bool:
        """SITE CPTO <SP> pathname: copy what SITE CPFR named; existing files are replaced.

        A directory is copied with everything in it, links as links; it is merged into an existing directory.

        Replies: 250, 452, 501, 503 SITE CPFR first, 550 missing or not allowed, 552, 553 no such directory, or a copy
        onto or into itself.
        """
        source = connection.copy_from
        del connection.copy_from
        await demand(self, connection, source, PathPermissions.readable)
        real, virtual = self.get_paths(connection, source)
        goal, shown = self.get_paths(connection, rest)
        plan = [(_Found(real, virtual, await connection.path_io.stat(real)), goal, shown)]
        if plan[0][0].is_dir:
            async for found in _below(connection, real, virtual):
                plan.append((found, goal / found.real.relative_to(real), shown / found.virtual.relative_to(virtual)))
        if await _is_within(connection, goal, real):
            raise CommandRefused("553", "Nothing can be copied onto or into itself")
        if not await connection.path_io.is_dir(goal.parent):
            raise CommandRefused("553", "No such directory")
        for found, target, name in plan:
            await self._check_copy(connection, found, target, str(name))
            await take_turns()
        for found, target, _ in plan:
            await _copy(connection, found, target)
            await take_turns()
        connection.response("250", "Copied")
        return True

    async def _check_copy(self, connection: Connection, found: _Found, target: PurePath, name: str) -> None:
        """Refuse a copy that the user may not read or create, or that would replace something of another kind.

        Raises:
            CommandRefused: 550 or 553.
        """
        exists = await connection.path_io.exists(target)
        link = stat.S_ISLNK(found.stats.st_mode)
        if exists and (link or found.is_dir != await connection.path_io.is_dir(target)):
            raise CommandRefused("553", f"{name} is in the way")
        if not link:  # the target of a link is not read
            right = PathPermissions.listable if found.is_dir else PathPermissions.readable
            await demand(self, connection, str(found.virtual), right)
        if not found.is_dir:
            right = PathPermissions.overwritable if exists else PathPermissions.creatable
            await demand(self, connection, name, right)
        elif not exists:
            await demand(self, connection, name, PathPermissions.mkdirable)


def _names(text: str) -> list[str]:
    """The names of COMB, in quotes or not.

    Raises:
        CommandRefused: 501; there is another character between two names, or no name.
    """
    names: list[str] = []
    place = 0
    while place < len(text):
        found = _NAME.match(text, place)
        if found is None or text[found.end() : found.end() + 1] not in ("", " "):
            raise CommandRefused("501", 'COMB takes "target" "part" ...')
        names.append(found[2] or found[1].replace('""', '"'))
        place = found.end() + 1
    return names or [""]


async def _below(connection: Connection, real: PurePath, virtual: PurePosixPath) -> AsyncIterator[_Found]:
    """Everything in and below a directory, each directory before its contents; links are not followed.

    The contents of directories that the user may not list are left out.
    """
    waiting = [(real, virtual)]
    while waiting:
        folder, shown = waiting.pop()
        if not (await connection.user.get_permissions(shown)).list:
            continue
        async for path in connection.path_io.list(folder):
            found = _Found(path, shown / path.name, await connection.path_io.lstat(path))
            if found.is_dir:
                waiting.append((found.real, found.virtual))
            yield found
            await take_turns()


async def _is_within(connection: Connection, path: PurePath, top: PurePath) -> bool:
    inner, outer = await connection.path_io.resolve(path), await connection.path_io.resolve(top)
    return inner == outer or outer in inner.parents


async def _copy(connection: Connection, found: _Found, target: PurePath) -> None:
    path_io = connection.path_io
    if stat.S_ISLNK(found.stats.st_mode):
        await offered(path_io.symlink(await path_io.readlink(found.real), target))
    elif not found.is_dir:
        async with creating(connection, target, "wb") as file:
            await _append_file(connection, found.real, file)
    elif not await path_io.is_dir(target):
        await path_io.mkdir(target)
        await apply_umask(connection, target, DIRECTORY_MODE)


async def _append_file(connection: Connection, source: PurePath, file: Any) -> None:
    """Append the contents of `source` to an open file."""
    async with connection.path_io.open(source, mode="rb") as part:
        while piece := await part.read_some(connection.block_size):
            await file.write(piece)
            await take_turns()
