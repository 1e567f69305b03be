"""Information about the server and the session (RFC 959 4.1.3, RFC 2389, RFC 2640)."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version

from ftpfixture.checks import is_utf8
from ftpfixture.errors import CommandRefused
from ftpfixture.server.commands.listing import ListingCommands
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.replies import offered
from ftpfixture.wire.numbers import parse_number

__all__ = ["InformationCommands"]

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_HELP_WIDTH = 8


class InformationCommands(ListingCommands):
    """SYST STAT HELP NOOP FEAT OPTS CLNT CSID LANG AVBL."""

    @command("SYST")
    async def syst(self, connection: Connection, rest: str) -> bool:
        """SYST: return the kind of system, from which clients guess the format of LIST.

        Replies: 215.
        """
        connection.response("215", self.system)
        return True

    @command("NOOP", during_transfer=True)
    async def noop(self, connection: Connection, rest: str) -> bool:
        """NOOP: do nothing but reply.

        Replies: 200.
        """
        connection.response("200", "Nothing done")
        return True

    @command("STAT", during_transfer=True)
    async def stat(self, connection: Connection, rest: str) -> bool:
        """STAT [<SP> pathname]: return the status of the session and its transfer, or list on the control connection.

        Replies: 211 state, 212 directory, 213 file, 530, 550 missing or not allowed.
        """
        if rest:
            return await self._stat_path(connection, rest)
        connection.response("211", ["Status of the server", *self._status(connection), "End of status"], list=True)
        return True

    @ConnectionConditions(ConnectionConditions.login_required)
    async def _stat_path(self, connection: Connection, rest: str) -> bool:
        flags, argument = await self._flags(connection, rest)
        lines = [line async for page in self._list_pages(connection, flags, argument) for line in page]
        is_dir = await connection.path_io.is_dir(self.get_paths(connection, argument)[0])
        title = f"Status of {argument or connection.current_directory}"
        connection.response("212" if is_dir else "213", [title, *lines, "End of status"], list=True)
        return True

    def _status(self, connection: Connection) -> list[str]:
        is_in = connection.login_state.is_in
        logged = f"Logged in as {connection.login or connection.user.login}" if is_in else "Not logged in"
        lines = [
            f"Connected from {connection.client_host}",
            logged,
            f"TYPE: {'ASCII' if connection.transfer_type == 'A' else 'Image'}; STRUcture: File; transfer MODE: Stream",
        ]
        if not connection.extra_workers:
            return [*lines, "No data connection"]
        transfer = connection.transfer
        if transfer is not None and transfer.stream is not None:
            moved = transfer.stream.moved
            lines.append(f"Transfer running: {transfer.direction} of {transfer.path}, {moved} bytes so far")
        else:
            lines.append("Transfer running")
        return lines

    @command("HELP")
    async def help(self, connection: Connection, rest: str) -> bool:
        """HELP [<SP> command]: list the commands, or explain one.

        Replies: 214, 501 unknown command.
        """
        self._explain(connection, "", rest)
        return True

    def _explain(self, connection: Connection, prefix: str, name: str) -> None:
        """Reply to HELP and SITE HELP.

        Args:
            connection: The session.
            prefix: Lower-case prefix of the commands: "" or "site ".
            name: Name of one command; empty for a list of all.

        Raises:
            CommandRefused: 501; the command is unknown.
        """
        verb = prefix + name.lower()
        if not name:
            title = f"These {prefix.upper()}commands are known:"
            connection.response("214", [title, *self._verbs(prefix), "End of help"], list=True)
        elif verb not in self.commands_mapping:
            raise CommandRefused(
                "501", f"Unknown command {verb.upper()}: {prefix.upper()}HELP lists those that are known"
            )
        else:
            below = self._verbs(f"{verb} ")  # NcFTP reads from HELP SITE which commands it may use
            text = (verb in self.specs and self.specs[verb].text) or verb.upper()
            connection.response("214", [text, *below, "End of help"] if below else text, list=True)

    def _verbs(self, prefix: str) -> list[str]:
        """The known verbs with `prefix`, without it, in rows."""
        verbs = [
            verb.upper() for verb in self.commands_mapping if verb.startswith(prefix) and " " not in verb[len(prefix) :]
        ]
        names = sorted(verb[len(prefix) :] for verb in verbs)
        rows = [names[start : start + _HELP_WIDTH] for start in range(0, len(names), _HELP_WIDTH)]
        return ["".join(f"{name:<9}" for name in row).rstrip() for row in rows]

    @command("FEAT", feat="TVFS")
    async def feat(self, connection: Connection, rest: str) -> bool:
        """FEAT: list the extensions beyond RFC 959.

        Replies: 211, 501 it takes no argument. Source: RFC 2389 3.
        """
        if rest:
            raise CommandRefused("501", "FEAT takes no argument")
        lines = list(self.features) if self.features is not None else self._features(connection)
        if lines:
            connection.response("211", ["Extensions supported:", *lines, "End"], list=True)
        else:
            connection.response("211", "No extensions")
        return True

    def _features(self, connection: Connection) -> list[str]:
        lines = []
        for verb in self.commands_mapping:
            for line in self.specs[verb].feat if verb in self.specs else ():
                text = line if isinstance(line, str) else line(self, connection)
                if text:
                    lines.append(text)
        return sorted(set(lines))

    @command("OPTS")
    async def opts(self, connection: Connection, rest: str) -> bool:
        """OPTS <SP> command [<SP> options]: set options of a command.

        Replies: 200, 501 the command has no options. Source: RFC 2389 4.
        """
        return await self._subcommand(connection, "opts", rest, "501")

    async def _subcommand(self, connection: Connection, verb: str, rest: str, unknown: str) -> bool:
        name, _, argument = rest.partition(" ")
        if not name:
            raise CommandRefused("501", f"{verb.upper()} needs a command")
        handler = self.commands_mapping.get(f"{verb} {name.lower()}")
        if handler is None:
            raise CommandRefused(unknown, f"{verb.upper()} {name} is not known")
        return await handler(connection, argument)

    @command("OPTS UTF8", "OPTS UTF-8", feat=lambda _, connection: "UTF8" if is_utf8(connection.encoding) else "")
    async def opts_utf8(self, connection: Connection, rest: str) -> bool:
        """OPTS UTF8 [<SP> ON]: use UTF-8 in names, which is this server's default.

        Replies: 200, 501 the encoding cannot be changed.
        """
        if rest.upper() not in ("", "ON") or not is_utf8(connection.encoding):
            raise CommandRefused("501", f"Names are in {connection.encoding}")
        connection.response("200", "UTF8 is on")
        return True

    @command("OPTS MODE")
    async def opts_mode(self, connection: Connection, rest: str) -> bool:
        """OPTS MODE <SP> Z LEVEL <SP> 0-9: set the compression level of the server.

        Replies: 200, 501. Source: draft-preston-ftpext-deflate 4.
        """
        match rest.upper().split():
            case ["Z", "LEVEL", level]:
                connection.compression_level = parse_number(level, "The level of MODE Z", most=9)
                connection.response("200", f"MODE Z LEVEL set to {connection.compression_level}")
            case _:
                raise CommandRefused("501", "OPTS MODE takes Z LEVEL and a number from 0 to 9")
        return True

    @command("CLNT", feat="CLNT")
    async def clnt(self, connection: Connection, rest: str) -> bool:
        """CLNT <SP> name: name the client program.

        Replies: 200.
        """
        connection.client_name = rest
        connection.response("200", "Noted")
        return True

    @command("CSID", feat="CSID Name; Version;")
    async def csid(self, connection: Connection, rest: str) -> bool:
        """CSID <SP> name=value; ...: exchange the names and versions of the client and the server program.

        Replies: 200 with facts of the server, 501 malformed. Source: draft-peterson-streamlined-ftp-command-extensions.
        """
        facts = [fact.strip().partition("=") for fact in rest.split(";") if fact.strip()]
        if not facts or not all(name and equals for name, equals, _ in facts):
            raise CommandRefused("501", "CSID takes facts such as Name=program; Version=1.0;")
        given = {name.strip().lower(): value.strip() for name, _, value in facts}
        connection.client_name = " ".join(given[name] for name in ("name", "version") if name in given) or rest
        system = self.system.partition(" ")[0]
        connection.response("200", f"Name=ftpfixture;Version={_version()};OS={system};CaseSensitive=1;DirSep=/;")
        return True

    @command("LANG", feat="LANG EN*")
    async def lang(self, connection: Connection, rest: str) -> bool:
        """LANG [<SP> tag]: choose the language of replies; only English is available.

        Replies: 200, 501 not a tag, 504 not available. Source: RFC 2640 4.
        """
        if rest and not _LANGUAGE.fullmatch(rest):
            raise CommandRefused("501", "That is not a language tag")
        if rest and rest.lower().partition("-")[0] != "en":
            raise CommandRefused("504", f"Language {rest} is not available")
        connection.response("200", "Replies are in English")
        return True

    @command("AVBL", feat="AVBL")
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_dir)
    @PathPermissions(PathPermissions.readable)
    async def avbl(self, connection: Connection, rest: str) -> bool:
        """AVBL [<SP> directory]: return the number of free bytes.

        Replies: 213, 504 the storage does not know, 550. Source: draft-peterson-streamlined-ftp-command-extensions 4.
        """
        real, _ = self.get_paths(connection, rest)
        connection.response("213", str(await offered(connection.path_io.free_space(real))))
        return True


@cache
def _version() -> str:
    return version("ftpfixture")
