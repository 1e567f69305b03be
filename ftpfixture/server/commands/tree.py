"""The directory tree: names, directories, times and modes (RFC 959 4.1.3, RFC 3659, draft-somers-ftp-mfxx)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import PurePath

from ftpfixture.errors import CommandRefused, CommandSyntaxError
from ftpfixture.server.conditions import (
    ConnectionConditions,
    PathConditions,
    PathPermissions,
    argument_required,
    demand,
    demand_movable,
    is_there,
)
from ftpfixture.server.connection import Connection
from ftpfixture.server.creation import DIRECTORY_MODE, apply_umask
from ftpfixture.server.dispatch import command
from ftpfixture.server.entries import whole_seconds
from ftpfixture.server.replies import offered
from ftpfixture.server.transfers import Transfers
from ftpfixture.wire.pathname import quote_257
from ftpfixture.wire.timestamps import format_time, parse_time

__all__ = ["TreeCommands", "parse_mode"]

_MODE = re.compile(r"[0-7]{3,4}")
_SETS_TIME = re.compile(r"([0-9]{14}(?:\.[0-9]+)?) (.+)", re.DOTALL)


class TreeCommands(Transfers):
    """PWD MKD RMD DELE RNFR RNTO SIZE MDTM MFMT MFCT MFF."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        del connection.rename_from

    @command("PWD", "XPWD")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def pwd(self, connection: Connection, rest: str) -> bool:
        """PWD: return the working directory.

        Replies: 257, quotes doubled (RFC 959 Appendix II).
        """
        connection.response("257", f"{quote_257(str(connection.current_directory))} is the current directory")
        return True

    @command("MKD", "XMKD")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathPermissions(PathPermissions.mkdirable)
    async def mkd(self, connection: Connection, rest: str) -> bool:
        """MKD <SP> pathname: make a directory; its parent must exist.

        Replies: 257 with the absolute path, 501, 550 exists, no parent or not allowed.
        """
        real, virtual = self.get_paths(connection, rest)
        await connection.path_io.mkdir(real)
        await apply_umask(connection, real, DIRECTORY_MODE)
        connection.response("257", f"{quote_257(str(virtual))} created")
        return True

    @command("RMD", "XRMD")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathPermissions(PathPermissions.deletable)
    async def rmd(self, connection: Connection, rest: str) -> bool:
        """RMD <SP> pathname: remove an empty directory.

        Replies: 250, 501, 550 missing, not a directory, not empty or not allowed.
        """
        real, virtual = self.get_paths(connection, rest)
        if str(virtual) == "/":
            raise CommandRefused("550", "The root cannot be removed")
        await connection.path_io.rmdir(real)
        connection.response("250", "Directory removed")
        return True

    @command("DELE")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathPermissions(PathPermissions.deletable)
    async def dele(self, connection: Connection, rest: str) -> bool:
        """DELE <SP> pathname: delete a file.

        Replies: 250, 450 busy, 501, 550 missing, a directory or not allowed.
        """
        real, _ = self.get_paths(connection, rest)
        await connection.path_io.unlink(real)
        connection.response("250", "File deleted")
        return True

    @command("RNFR")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathPermissions(PathPermissions.renamable)
    async def rnfr(self, connection: Connection, rest: str) -> bool:
        """RNFR <SP> pathname: name the file or directory to rename; the last RNFR counts.

        Replies: 350, 501, 550 missing or not allowed.
        """
        del connection.rename_from
        real, virtual = self.get_paths(connection, rest)
        await connection.path_io.lstat(real)
        if str(virtual) == "/":
            raise CommandRefused("550", "The root cannot be renamed")
        await demand_movable(connection, real, virtual)
        connection.rename_from = real
        connection.response("350", "Ready for RNTO")
        return True

    @command("RNTO")
    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.rename_from_required)
    @argument_required
    async def rnto(self, connection: Connection, rest: str) -> bool:
        """RNTO <SP> pathname: rename what RNFR named; an existing file is replaced.

        Replies: 250, 501, 503 RNFR first, 550 not allowed, 553 no such directory, an impossible name, or an existing
        file that the user may not replace.
        """
        source = connection.rename_from
        del connection.rename_from
        await demand(self, connection, rest, PathPermissions.renamable)
        real, virtual = self.get_paths(connection, rest)
        if not await connection.path_io.is_dir(real.parent):
            raise CommandRefused("553", "No such directory")
        await demand_movable(connection, real, virtual)
        if real != source and await is_there(connection, real):
            overwriting = PathPermissions(PathPermissions.overwritable)
            if await overwriting.refused(connection, real, virtual, follow=False) is not None:
                raise CommandRefused("553", "File exists, and may not be overwritten")
        await connection.path_io.rename(source, real)
        connection.response("250", "Renamed")
        return True

    @command("SIZE", feat="SIZE")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def size(self, connection: Connection, rest: str) -> bool:
        """SIZE <SP> pathname: return the size of a file in bytes.

        With TYPE A that is the stored size, as with vsftpd and Pure-FTPd, although RETR sends one byte more for each
        line; with the setting `refuse_size_in_ascii` the reply is 550, as with ProFTPD and pyftpdlib.

        Replies: 213, 550 missing, not a file, or refused with TYPE A. Source: RFC 3659 4.
        """
        if connection.transfer_type == "A" and self.refuse_size_in_ascii:
            raise CommandRefused("550", "SIZE needs TYPE I")
        real, _ = self.get_paths(connection, rest)
        connection.response("213", str((await connection.path_io.stat(real)).st_size))
        return True

    @command("MDTM", feat="MDTM")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def mdtm(self, connection: Connection, rest: str) -> bool:
        """MDTM [<SP> time] <SP> pathname: return the modification time of a file in UTC; with a time, set it.

        The form with a time is de facto (vsftpd, lftp); an existing file with the whole argument as its name has
        precedence.

        Replies: 213, 501, 550 missing, not a file or not allowed. Source: RFC 3659 3.
        """
        setting = _SETS_TIME.fullmatch(rest)
        if setting is None or await connection.path_io.exists(self.get_paths(connection, rest)[0]):
            return await self._reply_modified(connection, rest)
        modify = parse_time(setting[1])
        await self._change(connection, setting[2], lambda real: connection.path_io.set_times(real, modify=modify))
        connection.response("213", f"Modify={setting[1]}; {setting[2]}")
        return True

    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def _reply_modified(self, connection: Connection, rest: str) -> bool:
        real, _ = self.get_paths(connection, rest)
        connection.response("213", format_time(whole_seconds((await connection.path_io.stat(real)).st_mtime)))
        return True

    @command("MFMT", feat="MFMT")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def mfmt(self, connection: Connection, rest: str) -> bool:
        """MFMT <SP> time <SP> pathname: set the modification time of a file, in UTC.

        Replies: 213, 501 malformed, 504 the storage cannot, 550 missing or not allowed. Source: draft-somers-ftp-mfxx.
        """
        return await self._set_facts(connection, *_time_and_path(rest, "Modify"))

    @command("MFCT", feat="MFCT")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def mfct(self, connection: Connection, rest: str) -> bool:
        """MFCT <SP> time <SP> pathname: set the creation time of a file, in UTC.

        Replies: as MFMT.
        """
        return await self._set_facts(connection, *_time_and_path(rest, "Create"))

    @command("MFF", feat="MFF Create;Modify;UNIX.group;UNIX.mode;UNIX.owner;")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def mff(self, connection: Connection, rest: str) -> bool:
        """MFF <SP> fact=value; ... <SP> pathname: set several facts at once.

        Replies: 213, 501 malformed, 504 a fact that cannot be set, 550 missing or not allowed.
        """
        facts, space, path = rest.partition(" ")
        # NcFTP leaves out the last semicolon.
        pairs = [fact.partition("=")[::2] for fact in facts.split(";") if fact]
        if not space or not pairs or not all(name and value for name, value in pairs):
            raise CommandRefused("501", "MFF needs facts such as Modify=20260101000000; and a path")
        return await self._set_facts(connection, pairs, path)

    async def _set_facts(self, connection: Connection, pairs: list[tuple[str, str]], path: str) -> bool:
        # All values are parsed before the first is set: an error changes nothing.
        setters = [_setter(connection, name, value) for name, value in pairs]
        for setter in setters:
            await self._change(connection, path, setter)
        done = "".join(f"{name}={value};" for name, value in pairs)
        connection.response("213", f"{done} {path}")
        return True

    async def _change(self, connection: Connection, path: str, setter: Callable[[PurePath], Awaitable[None]]) -> None:
        """Change a property of the file or directory at `path`.

        Raises:
            CommandRefused: 501 without a path, 550 missing or not allowed.
        """
        if not path:
            raise CommandRefused("501", "A path is needed")
        real, _ = self.get_paths(connection, path)
        missing = await PathConditions(PathConditions.path_must_exists).failed(connection, real)
        if missing is not None:
            raise CommandRefused("550", missing)
        await demand(self, connection, path, PathPermissions.appendable)
        await offered(setter(real))


def _time_and_path(rest: str, fact: str) -> tuple[list[tuple[str, str]], str]:
    time, space, path = rest.partition(" ")
    if not space:
        raise CommandSyntaxError("A time and a path are needed")
    return [(fact, time)], path


def _setter(connection: Connection, name: str, value: str) -> Callable[[PurePath], Awaitable[None]]:
    path_io = connection.path_io
    match name.lower():
        case "modify":
            modify = parse_time(value)
            return lambda real: path_io.set_times(real, modify=modify)
        case "create":
            create = parse_time(value)
            return lambda real: path_io.set_times(real, create=create)
        case "unix.mode":
            mode = parse_mode(value)
            return lambda real: path_io.chmod(real, mode)
        case "unix.owner":
            return lambda real: path_io.chown(real, owner=value)
        case "unix.group":
            return lambda real: path_io.chown(real, group=value)
    raise CommandRefused("504", f"The fact {name} cannot be set")


def parse_mode(text: str) -> int:
    """Permission bits from three or four octal digits.

    Raises:
        CommandSyntaxError: The text is something else.
    """
    if not _MODE.fullmatch(text):
        raise CommandSyntaxError("A mode is three or four octal digits")
    return int(text, 8)
