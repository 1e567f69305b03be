"""Directory listings (RFC 959 4.1.3, RFC 3659 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions, confined, demand
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.entries import Entries, as_directory
from ftpfixture.server.replies import Refusal
from ftpfixture.server.transfers import Transfer, Transfers
from ftpfixture.wire.entry import MLSX_FACTS, Entry, mlsx_line, nlst_line
from ftpfixture.wire.reply import LENIENT

__all__ = ["ListingCommands"]

Lines = list[str]
"""Text without line ends; named here because `list` is a command in the class below."""


class ListingCommands(Transfers, Entries):
    """LIST NLST MLSD MLST, and OPTS MLST."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.facts = MLSX_FACTS
        connection.full_names = False

    @command("LIST")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def list(self, connection: Connection, rest: str) -> bool:
        """LIST [<SP> flags] [<SP> pathname or pattern]: list for people, as `ls -l`.

        Of the flags -a shows dot files, -d the directory itself, -R goes down; others are tolerated.

        Replies: 150 then 226, 425, 426, 550 nothing there or not allowed.
        """
        flags, argument = await self._flags(connection, rest)
        return self._start_listing(
            connection, argument, [line async for line in self.list_lines(connection, flags, argument)]
        )

    @command("NLST")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def nlst(self, connection: Connection, rest: str) -> bool:
        """NLST [<SP> flags] [<SP> pathname or pattern]: list names that RETR understands.

        Replies: 150 then 226, 425, 426, 550 nothing there or not allowed. Source: RFC 1123 4.1.2.7.
        """
        flags, argument = await self._flags(connection, rest)
        names = await self._names(connection, flags, argument)
        if connection.full_names:
            names = [str(self.get_paths(connection, name)[1]) for name in names]
        return self._start_listing(connection, argument, names)

    @command("MLSD")
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.listable)
    async def mlsd(self, connection: Connection, rest: str) -> bool:
        """MLSD [<SP> pathname]: list a directory for programs.

        Replies: 150 then 226, 425, 426, 501 not a directory, 550 missing or not allowed. Source: RFC 3659 7.
        """
        real, virtual = self.get_paths(connection, rest)
        if not await connection.path_io.is_dir(real):
            raise Refusal("501", "MLSD lists directories: use MLST")
        entries = [await self._directory(connection, virtual, "cdir", ".")] if "type" in connection.facts else []
        if entries and virtual != PurePosixPath("/"):
            entries.append(await self._directory(connection, virtual.parent, "pdir", ".."))
        async for entry, child, path in self.children(connection, real, virtual):
            entries.append(await self.followed(connection, entry, child, path))
        return self._start_listing(connection, rest, [mlsx_line(entry, connection.facts) for entry in entries])

    async def _directory(self, connection: Connection, virtual: PurePosixPath, kind: str, name: str) -> Entry:
        real, _ = self.get_paths(connection, virtual)
        return as_directory(await self.entry(connection, name, real, virtual), kind, name)

    @command("MLST", feat=lambda server, connection: _mlst_feature(server, connection))
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.readable)
    async def mlst(self, connection: Connection, rest: str) -> bool:
        """MLST [<SP> pathname]: tell the facts of one file or directory on the control connection.

        Replies: 250, 550 missing or not allowed. Source: RFC 3659 7.
        """
        real, virtual = self.get_paths(connection, rest)
        entry = await self.entry(connection, str(virtual), real, virtual)
        entry = await self.followed(connection, entry, real, virtual)
        connection.response("250", [f"Listing {virtual}", mlsx_line(entry, connection.facts), "End"], list=True)
        return True

    @command("OPTS MLST")
    async def opts_mlst(self, connection: Connection, rest: str) -> bool:
        """OPTS MLST [<SP> fact;fact;]: choose the facts; unknown ones are left out.

        Replies: 200, 501. Source: RFC 3659 7.9.
        """
        if " " in rest or (rest and not rest.endswith(";")):
            raise Refusal("501", "Facts are named with a semicolon behind each, such as type;size;")
        wanted = {name.lower() for name in rest.split(";")}
        connection.facts = tuple(fact for fact in MLSX_FACTS if fact.lower() in wanted)
        chosen = "".join(f"{fact};" for fact in connection.facts)
        connection.response("200", f"MLST OPTS {chosen}".rstrip())
        return True

    # Listings as text.

    def _start_listing(self, connection: Connection, argument: str, lines: Lines) -> bool:
        """Send lines over a data connection; each ends with CRLF whatever the TYPE (RFC 959 4.1.3)."""
        text = "".join(f"{line}\r\n" for line in lines)
        octets = text.encode(connection.encoding, LENIENT)

        async def move(stream: ThrottleStreamIO, _: Any) -> None:
            await stream.write(octets)

        _, virtual = self.get_paths(connection, argument)
        return self.start_transfer(
            connection, Transfer("download", virtual, "Here comes the listing", move, size=len(octets))
        )

    async def list_lines(self, connection: Connection, flags: str, argument: str) -> AsyncIterator[str]:
        """The lines of LIST and of STAT for a path, without line ends.

        Raises:
            Refusal: 550; nothing there, or not allowed.
        """
        style = partial(connection.list_style, now=self.clock(), timezone=self.timezone)
        directories: Lines = []
        for name in await self._found(connection, argument):
            real, virtual = self.get_paths(connection, name)
            if "d" not in flags and await self._enterable(connection, real):
                directories.append(name)
            else:
                await demand(self, connection, name, PathPermissions.listable, follow=False)
                yield style(await self.entry(connection, name or ".", real, virtual))
        headed = len(directories) > 1 or "R" in flags
        while directories:
            name = directories.pop(0)
            await demand(self, connection, name, PathPermissions.listable)
            if headed:
                yield from_head(name)
            below = []
            async for entry, _, _ in self.children(connection, *self.get_paths(connection, name), hidden="a" in flags):
                yield style(entry)
                if entry.type == "dir" and "R" in flags:
                    below.append(_joined(name, entry.name))
            if directories or below:
                yield ""
            directories[:0] = below

    async def _names(self, connection: Connection, flags: str, argument: str) -> Lines:
        found = await self._found(connection, argument)
        if len(found) > 1 or found != [argument]:
            return found
        real, virtual = self.get_paths(connection, argument)
        as_entry = "d" in flags or not await self._enterable(connection, real)
        await demand(self, connection, argument, PathPermissions.listable, follow=not as_entry)
        if as_entry:
            return found
        children = self.children(connection, real, virtual, hidden="a" in flags)
        return [_joined(argument, nlst_line(entry)) async for entry, _, _ in children]

    async def _enterable(self, connection: Connection, real: Any) -> bool:
        return await confined(connection, real) and await connection.path_io.is_dir(real)

    async def _found(self, connection: Connection, argument: str) -> Lines:
        found = await self.matches(connection, argument)
        if not found:
            raise Refusal("550", "No such file or directory")
        return found

    async def _flags(self, connection: Connection, rest: str) -> tuple[str, str]:
        """The letters of leading words such as -la, and what follows; a path that exists is never a flag."""
        flags = ""
        while rest.startswith("-") and not await self.matches(connection, rest):
            word, _, rest = rest.partition(" ")
            flags += word[1:]
        return flags, rest


def from_head(name: str) -> str:
    """The line above a directory's entries, as `ls -R` writes it."""
    return f"{name or '.'}:"


def _joined(directory: str, name: str) -> str:
    if not directory or directory == ".":
        return name
    return f"{directory.rstrip('/')}/{name}"


def _mlst_feature(server: ListingCommands, connection: Connection) -> str:
    """The facts, those chosen with a star; a server without MLSD does not offer the feature (RFC 3659 7.8)."""
    if "mlsd" not in server.commands_mapping:
        return ""
    return "MLST " + "".join(f"{fact}{'*' if fact in connection.facts else ''};" for fact in MLSX_FACTS)
