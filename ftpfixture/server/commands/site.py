"""SITE: commands that the standards leave to each server (RFC 959 4.1.3)."""

from __future__ import annotations

import re

from ftpfixture.errors import CommandRefused
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.server.commands.information import InformationCommands
from ftpfixture.server.commands.tree import TreeCommands, parse_mode
from ftpfixture.server.conditions import ConnectionConditions, PathPermissions, demand
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.replies import offered
from ftpfixture.wire.numbers import parse_number
from ftpfixture.wire.timestamps import parse_time

__all__ = ["SiteCommands"]

_MASK = re.compile(r"[0-7]{1,4}")
_ALL_BITS = 0o777
_TIME = r"[0-9]{12}(?:[0-9]{2})?"
_UTIME_SHORT = re.compile(rf"(?P<modify>{_TIME}) (?P<path>.+)", re.DOTALL)
_UTIME_LONG = re.compile(rf"(?P<path>.+) (?P<access>{_TIME}) (?P<modify>{_TIME}) (?P<create>{_TIME}) UTC", re.DOTALL)


class SiteCommands(InformationCommands, TreeCommands):
    """SITE HELP CHMOD UMASK UTIME SYMLINK IDLE."""

    @command("SITE")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site(self, connection: Connection, rest: str) -> bool:
        """SITE <SP> command [<SP> arguments]: run a command that is specific to this server; SITE HELP lists them.

        Replies: 200, 214, 501, 504 no such SITE command, 530, 550.
        """
        return await self._subcommand(connection, "site", rest, "504")

    @command("SITE HELP")
    async def site_help(self, connection: Connection, rest: str) -> bool:
        """SITE HELP [<SP> command]: list the SITE commands, or explain one.

        Replies: 214, 501 unknown command.
        """
        self._explain(connection, "site ", rest)
        return True

    @command("SITE CHMOD")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site_chmod(self, connection: Connection, rest: str) -> bool:
        """SITE CHMOD <SP> octal-mode <SP> pathname: set the permission bits.

        Replies: 200, 501 malformed, 504 the storage cannot, 550 missing or not allowed.
        """
        mode, _, path = rest.partition(" ")
        bits = parse_mode(mode)
        await self._change(connection, path, lambda real: connection.path_io.chmod(real, bits))
        connection.response("200", "Mode changed")
        return True

    @command("SITE UMASK")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site_umask(self, connection: Connection, rest: str) -> bool:
        """SITE UMASK [<SP> octal-mask]: return or set the permission bits that new files and directories lack.

        It applies to the session, and REIN resets it.

        Replies: 200, 501 malformed, 504 the storage has no permissions.
        """
        if type(connection.path_io).chmod is AbstractPathIO.chmod:
            raise CommandRefused("504", "This storage does not offer that")
        if rest and not (_MASK.fullmatch(rest) and int(rest, 8) <= _ALL_BITS):
            raise CommandRefused("501", "SITE UMASK takes an octal number from 0 to 777")
        if rest:
            connection.umask = int(rest, 8)
        mask = connection.path_io.umask if connection.umask is None else connection.umask
        connection.response("200", "The umask is that of the storage" if mask is None else f"The umask is {mask:03o}")
        return True

    @command("SITE UTIME")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site_utime(self, connection: Connection, rest: str) -> bool:
        """SITE UTIME <SP> time <SP> pathname, or pathname <SP> atime <SP> mtime <SP> ctime <SP> UTC: set times.

        A time is YYYYMMDDhhmm[ss] in UTC.

        Replies: 200, 501 malformed, 504 the storage cannot, 550 missing or not allowed.
        """
        found = _UTIME_LONG.fullmatch(rest) or _UTIME_SHORT.fullmatch(rest)
        if found is None:
            raise CommandRefused("501", "SITE UTIME needs a time and a path, or a path and three times and UTC")
        modify = _seconds(found["modify"])
        access = _seconds(found["access"]) if "access" in found.groupdict() else None
        await self._change(
            connection, found["path"], lambda real: connection.path_io.set_times(real, modify=modify, access=access)
        )
        connection.response("200", "Times changed")
        return True

    @command("SITE SYMLINK")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site_symlink(self, connection: Connection, rest: str) -> bool:
        """SITE SYMLINK <SP> target <SP> pathname: make a symbolic link; neither name may contain a space.

        Replies: 200, 501 malformed, 504 the storage cannot, 550 exists or not allowed.
        """
        words = rest.split(" ")
        if len(words) != 2 or not all(words):
            raise CommandRefused("501", "SITE SYMLINK needs a target and a path")
        target, path = words
        # The rights at the target are checked now and again whenever the link is followed.
        await demand(self, connection, target, PathPermissions.readable)
        await demand(self, connection, path, PathPermissions.creatable)
        real, _ = self.get_paths(connection, target)
        # Absolute, because a relative target is resolved from the link's directory; the last part may be a link.
        absolute = (await connection.path_io.resolve(real.parent)) / real.name
        await offered(connection.path_io.symlink(absolute, self.get_paths(connection, path)[0]))
        connection.response("200", "Link made")
        return True

    @command("SITE IDLE")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def site_idle(self, connection: Connection, rest: str) -> bool:
        """SITE IDLE [<SP> seconds]: return or set the idle timeout of the session.

        Replies: 200, 501.
        """
        if rest:
            connection.idle_timeout = parse_number(rest, "The idle limit in seconds", least=1, most=86400)
        limit = connection.idle_timeout
        connection.response(
            "200", "There is no idle limit" if limit is None else f"The idle limit is {limit:g} seconds"
        )
        return True


def _seconds(text: str) -> float:
    return parse_time(text if len(text) == 14 else text + "00")
