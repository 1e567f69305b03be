"""Directory listings (RFC 959 4.1.3, RFC 3659 7)."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import PurePath, PurePosixPath
from typing import Any

from ftpfixture.aio import take_turns
from ftpfixture.errors import CommandRefused
from ftpfixture.files.base import batches
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions, confined, demand
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.entries import as_directory
from ftpfixture.server.patterns import Patterns, prefix_of
from ftpfixture.server.transfer import Transfer
from ftpfixture.server.transfers import Transfers
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.styles import heading_of
from ftpfixture.wire.reply import LENIENT

__all__ = ["ListingCommands"]

Lines = list[str]
"""Text without line ends; named here because `list` is a command in the class below."""

Pages = AsyncGenerator[Lines, None]
"""The lines of a listing in pages; a caller that stops early closes the generator."""


_PIECE = 1 << 16  # characters of a listing that are encoded and sent together
_COMPLETE = 1 << 18  # bytes of a listing that is complete before the 150: about 3000 lines of LIST


class ListingCommands(Transfers, Patterns):
    """LIST NLST MLSD MLST, and OPTS MLST."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.facts = MLSX_FACTS
        connection.absolute_names = False

    @command("LIST")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def list(self, connection: Connection, rest: str) -> bool:
        """LIST [<SP> flags] [<SP> pathname or pattern]: list in the format of `ls -l`.

        The flag -a shows dot files, -d the directory itself, -R is recursive; others have no effect.

        Replies: 150 then 226, 425, 426, 550 missing or not allowed.
        """
        flags, argument = await self._flags(connection, rest)
        return await self._start_listing(connection, argument, self._list_pages(connection, flags, argument))

    @command("NLST")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def nlst(self, connection: Connection, rest: str) -> bool:
        """NLST [<SP> flags] [<SP> pathname or pattern]: list names that RETR accepts.

        Replies: 150 then 226, 425, 426, 550 missing or not allowed. Source: RFC 1123 4.1.2.7.
        """
        flags, argument = await self._flags(connection, rest)
        return await self._start_listing(connection, argument, self._names(connection, flags, argument))

    @command("MLSD")
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.listable)
    async def mlsd(self, connection: Connection, rest: str) -> bool:
        """MLSD [<SP> pathname]: list a directory in a machine-readable format.

        Replies: 150 then 226, 425, 426, 501 not a directory, 550 missing or not allowed. Source: RFC 3659 7.
        """
        real, virtual = self.get_paths(connection, rest)
        if not await connection.path_io.is_dir(real):
            raise CommandRefused("501", "MLSD lists directories: use MLST")
        return await self._start_listing(connection, rest, self._facts(connection, real, virtual))

    async def _facts(self, connection: Connection, real: PurePath, virtual: PurePosixPath) -> Pages:
        if "type" in connection.facts:
            entries = [await self._directory(connection, virtual, "cdir", ".")]
            if virtual != PurePosixPath("/"):
                entries.append(await self._directory(connection, virtual.parent, "pdir", ".."))
            yield [mlsx_line(entry, connection.facts) for entry in entries]
        listing = await self.mlsd_listing(connection, virtual)
        async with aclosing(self.pages(connection, real, virtual, listing)) as pages:
            async for page in pages:
                yield page.lines

    async def _directory(self, connection: Connection, virtual: PurePosixPath, kind: str, name: str) -> Entry:
        real, _ = self.get_paths(connection, virtual)
        return as_directory(await self.entry(connection, name, real, virtual), kind, name)

    @command("MLST", feat=lambda server, connection: _mlst_feature(server, connection))
    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.readable)
    async def mlst(self, connection: Connection, rest: str) -> bool:
        """MLST [<SP> pathname]: return the facts of one file or directory on the control connection.

        Replies: 250, 550 missing or not allowed. Source: RFC 3659 7.
        """
        real, virtual = self.get_paths(connection, rest)
        entry = await self.entry(connection, str(virtual), real, virtual)
        entry = await self.followed(connection, entry, real, virtual)
        connection.response("250", [f"Listing {virtual}", mlsx_line(entry, connection.facts), "End"], list=True)
        return True

    @command("OPTS MLST")
    async def opts_mlst(self, connection: Connection, rest: str) -> bool:
        """OPTS MLST [<SP> fact;fact;]: choose the facts of MLSD and MLST; unknown ones are left out.

        Replies: 200, 501. Source: RFC 3659 7.9.
        """
        if " " in rest or (rest and not rest.endswith(";")):
            raise CommandRefused("501", "Facts are named with a semicolon behind each, such as type;size;")
        wanted = {name.lower() for name in rest.split(";")}
        connection.facts = tuple(fact for fact in MLSX_FACTS if fact.lower() in wanted)
        chosen = "".join(f"{fact};" for fact in connection.facts)
        connection.response("200", f"MLST OPTS {chosen}".rstrip())
        return True

    # Listings as text.

    async def _start_listing(self, connection: Connection, argument: str, pages: Pages) -> bool:
        """Send lines over a data connection; each ends with CRLF in any TYPE (RFC 959 4.1.3).

        A listing of up to `_COMPLETE` bytes is made before the 150: an error replaces the 150, and the size is known.
        The rest of a longer one is made while it is sent.
        """
        pieces = _encoded(pages, connection.encoding)
        first, size = [], 0
        most = math.inf if connection.session.gate.looks_at_all() else _COMPLETE
        while size <= most and (piece := await anext(pieces, None)) is not None:
            first.append(piece)
            size += len(piece)

        async def move(stream: ThrottleStreamIO, _: Any) -> None:
            async with aclosing(pieces):
                await stream.write(b"".join(first))
                transfer.entries = sum([piece.count(b"\n") for piece in first])
                async for piece in pieces:
                    await stream.write(piece)
                    transfer.entries += piece.count(b"\n")

        _, virtual = self.get_paths(connection, argument)
        known = size if size <= most else None
        transfer = Transfer("download", virtual, "Here comes the listing", move, size=known)
        try:
            return self.start_transfer(connection, transfer)
        except CommandRefused:
            await pieces.aclose()
            raise

    async def list_lines(self, connection: Connection, flags: str, argument: str) -> AsyncIterator[str]:
        """The lines of LIST and STAT for a path, without line ends; a subclass may override it.

        Raises:
            CommandRefused: 550; the path is missing, or not allowed.
        """
        async for page in self._own_pages(connection, flags, argument):
            for line in page:
                yield line

    async def _list_pages(self, connection: Connection, flags: str, argument: str) -> Pages:
        """The lines of LIST and STAT in pages, which is faster where no subclass overrides `list_lines`."""
        if type(self).list_lines is ListingCommands.list_lines:
            async with aclosing(self._own_pages(connection, flags, argument)) as pages:
                async for page in pages:
                    yield page
        else:
            async for line in self.list_lines(connection, flags, argument):
                yield [line]

    async def _own_pages(self, connection: Connection, flags: str, argument: str) -> Pages:
        listing = self.list_listing(connection, hidden="a" in flags, recursive="R" in flags)
        directories: Lines = []
        names = await self._found(connection, argument, "LIST")
        heading = heading_of(connection.list_style)
        above = [] if heading is None else [heading]
        for name in names:
            await take_turns()
            real, virtual = self.get_paths(connection, name)
            if "d" not in flags and await self._enterable(connection, real):
                directories.append(name)
            else:
                await demand(self, connection, name, PathPermissions.listable, follow=False)
                yield [*above, listing.style(await self.entry(connection, name or ".", real, virtual))]
                above = []
        headed = len(directories) > 1 or "R" in flags
        directories.reverse()
        while directories:
            name = directories.pop()
            await take_turns()
            await demand(self, connection, name, PathPermissions.listable)
            if above or headed:
                yield [*above, _heading(name)] if headed else above
                above = []
            below: Lines = []
            async with aclosing(self.pages(connection, *self.get_paths(connection, name), listing)) as pages:
                async for page in pages:
                    yield page.lines
                    below += page.directories
            directories += [prefix_of(name) + each for each in reversed(below)]
            if directories:
                yield [""]

    async def _names(self, connection: Connection, flags: str, argument: str) -> Pages:
        found = await self._found(connection, argument, "NLST")
        if found == [argument]:
            real, virtual = self.get_paths(connection, argument)
            as_entry = "d" in flags or not await self._enterable(connection, real)
            await demand(self, connection, argument, PathPermissions.listable, follow=not as_entry)
            if not as_entry:
                prefix = prefix_of(str(virtual) if connection.absolute_names else argument)
                for names in batches(await self.names(connection, real, virtual, hidden="a" in flags)):
                    yield [prefix + name for name in names]
                    await take_turns()
                return
        for names in batches(found):
            yield [str(self.get_paths(connection, name)[1]) for name in names] if connection.absolute_names else names
            await take_turns()

    async def _enterable(self, connection: Connection, real: Any) -> bool:
        return await confined(connection, real) and await connection.path_io.is_dir(real)

    async def _found(self, connection: Connection, argument: str, verb: str) -> Lines:
        found = await self.matches(connection, argument)
        if not found and verb not in self.empty_if_missing:
            raise CommandRefused("550", "No such file or directory")
        return found


def _heading(name: str) -> str:
    """The line above a directory's entries, as in `ls -R`."""
    return f"{name or '.'}:"


async def _encoded(pages: Pages, encoding: str) -> AsyncGenerator[bytes, None]:
    """Lines as bytes, in pieces of about `_PIECE` characters."""
    lines: Lines = []
    length = 0
    async with aclosing(pages):
        async for page in pages:
            lines += page
            length += sum(map(len, page))
            if length >= _PIECE:
                yield "".join([f"{line}\r\n" for line in lines]).encode(encoding, LENIENT)
                lines, length = [], 0
    yield "".join([f"{line}\r\n" for line in lines]).encode(encoding, LENIENT)


def _mlst_feature(server: ListingCommands, connection: Connection) -> str:
    """FEAT's line of facts, a star after each chosen one; empty without MLSD (RFC 3659 7.8)."""
    if "mlsd" not in server.commands_mapping:
        return ""
    return "MLST " + "".join(f"{fact}{'*' if fact in connection.facts else ''};" for fact in MLSX_FACTS)
