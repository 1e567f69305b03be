"""Transfers of file contents, and their parameters (RFC 959 4.1.3, RFC 3659 5, draft-bryan-ftp-range)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import cached_property, partial
from pathlib import PurePath, PurePosixPath
from typing import Any

from ftpfixture.aio import take_turns
from ftpfixture.errors import CommandRefused
from ftpfixture.net.gate import EXCHANGE
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.server.conditions import (
    ConnectionConditions,
    PathConditions,
    PathPermissions,
    argument_required,
    demand,
)
from ftpfixture.server.connection import Connection
from ftpfixture.server.creation import creating, hidden_creation
from ftpfixture.server.dispatch import command
from ftpfixture.server.transfer import Transfer
from ftpfixture.server.transfers import Transfers
from ftpfixture.wire.numbers import parse_number
from ftpfixture.wire.textmode import AsciiDecoder, AsciiEncoder

__all__ = ["ContentCommands"]

_TEXT_BLOCK = 1 << 18  # bytes whose line ends are translated at once: 3 ms if all of them are line ends


class ContentCommands(Transfers):
    """RETR STOR STOU APPE ALLO REST RANG ABOR."""

    @cached_property
    def _reserved_names(self) -> set[PurePath]:
        """Names that STOU has chosen in any session, and whose files do not exist yet."""
        return set()

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.range = None

    # Download.

    @command("RETR")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def retr(self, connection: Connection, rest: str) -> bool:
        """RETR <SP> pathname: send a file over the data connection.

        Replies: 150 then 226, 425, 426, 451, 550 missing or not allowed, 554 the restart point is beyond the end.
        """
        first, count = _taken_range(connection)
        return await self._download(connection, rest, first, count)

    @argument_required
    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def _download(self, connection: Connection, rest: str, first: int, count: int | None) -> bool:
        real, virtual = self.get_paths(connection, rest)
        left = (await connection.path_io.stat(real)).st_size - first
        if left < 0:
            raise CommandRefused("554", f"Restart point {first} is beyond the end at {left + first}")
        transfer = Transfer(
            "download",
            virtual,
            _preliminary(connection, rest, size := left if count is None else min(count, left)),
            partial(self._send, connection, first, count),
            partial(connection.path_io.open, real, mode="rb"),
            first,
            size,
        )
        return self.start_transfer(connection, transfer)

    async def _send(
        self, connection: Connection, first: int, count: int | None, stream: ThrottleStreamIO, file: Any
    ) -> None:
        if first:
            await file.seek(first)
        encoder = AsciiEncoder() if connection.transfer_type == "A" else None
        size = connection.block_size if encoder is None else min(connection.block_size, _TEXT_BLOCK)
        # Closed here: otherwise the loop would close the generator in a task of its own, at a later time.
        async with aclosing(_pieces(file, size, count)) as pieces:
            async for piece in pieces:
                await stream.write(piece if encoder is None else encoder.feed(piece))
                await take_turns()
        if encoder is not None:
            await stream.write(encoder.finish())

    # Upload.

    @command("STOR")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def stor(self, connection: Connection, rest: str) -> bool:
        """STOR <SP> pathname: receive a file; after REST, keep the bytes before the restart point.

        Replies: 150 then 226, 425, 426, 452, 501, 550, 551, 552, 553, 554.
        """
        return await self._upload(connection, rest, "wb")

    @command("APPE")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def appe(self, connection: Connection, rest: str) -> bool:
        """APPE <SP> pathname: append the received data to a file; after REST, the same as STOR (RFC 3659 5.3).

        Replies: as STOR.
        """
        return await self._upload(connection, rest, "ab")

    @command("STOU")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def stou(self, connection: Connection, rest: str) -> bool:
        """STOU [<SP> pathname]: receive a file under an unused name, which the 150 contains.

        Replies: 150 FILE: name, then 226; else as STOR. Source: RFC 959 4.1.3, RFC 1123 4.1.2.9.
        """
        name, reserved = await self._unused_name(connection, rest or "ftp")
        release = partial(self._reserved_names.discard, reserved)
        try:
            return await self._upload(connection, name, "wb", f"FILE: {PurePosixPath(name).name}", release)
        except BaseException:
            release()
            raise

    async def _unused_name(self, connection: Connection, wanted: str) -> tuple[str, PurePath]:
        """An unused name and its real path, which is reserved from now on.

        Two sessions may send STOU at the same time, before either has made its file.
        """
        while True:
            name = _numbered(wanted, await self._unused_number(connection, wanted))
            real, _ = self.get_paths(connection, name)
            if real not in self._reserved_names:  # another session may have reserved it meanwhile
                self._reserved_names.add(real)
                return name, real

    async def _unused_number(self, connection: Connection, wanted: str) -> int:
        """A number that makes the name unused: found by doubling it, and then by bisection."""
        taken, free = -1, 0
        while await self._is_taken(connection, _numbered(wanted, free)):
            taken, free = free, max(1, 2 * free)
        while free - taken > 1:
            middle = (taken + free) // 2
            if await self._is_taken(connection, _numbered(wanted, middle)):
                taken = middle
            else:
                free = middle
        return free

    async def _is_taken(self, connection: Connection, name: str) -> bool:
        real, _ = self.get_paths(connection, name)
        return real in self._reserved_names or await connection.path_io.exists(real)

    async def _upload(
        self,
        connection: Connection,
        rest: str,
        mode: str,
        preliminary: str = "",
        on_end: Callable[[], object] | None = None,
    ) -> bool:
        offset, _ = _taken_range(connection)
        return await self._store(
            connection, rest, mode, offset, preliminary or _preliminary(connection, rest, None), on_end
        )

    @argument_required
    async def _store(
        self,
        connection: Connection,
        rest: str,
        mode: str,
        offset: int,
        preliminary: str,
        on_end: Callable[[], object] | None,
    ) -> bool:
        real, virtual = self.get_paths(connection, rest)
        await self._check_target(connection, rest, appends=mode == "ab" and not offset)
        if self.hidden_uploads:
            _refuse_parts(mode, offset)
        size = 0
        if offset or mode == "ab":
            size = (await connection.path_io.stat(real)).st_size if await connection.path_io.exists(real) else 0
        if offset > size:
            raise CommandRefused("554", f"Restart point {offset} is beyond the end at {size}")
        transfer = Transfer(
            "upload",
            virtual,
            preliminary,
            partial(self._receive, connection, offset),
            partial(hidden_creation, connection, real)
            if self.hidden_uploads
            else partial(creating, connection, real, "r+b" if offset else mode),
            offset,
            on_end=on_end,
        )
        return self.start_transfer(connection, transfer)

    async def _check_target(self, connection: Connection, rest: str, appends: bool) -> None:
        """Refuse a target that is impossible, or that the user may not write.

        Raises:
            CommandRefused: 550 or 553.
        """
        real, _ = self.get_paths(connection, rest)
        exists = await connection.path_io.exists(real)
        if not exists:
            right = PathPermissions.creatable
        elif appends:
            right = PathPermissions.appendable
        else:
            right = PathPermissions.overwritable
        await demand(self, connection, rest, right)
        if exists and await connection.path_io.is_dir(real):
            raise CommandRefused("553", "Is a directory")
        if not await connection.path_io.is_dir(real.parent):
            raise CommandRefused("553", "No such directory")

    async def _receive(self, connection: Connection, offset: int, stream: ThrottleStreamIO, file: Any) -> None:
        if offset:
            await file.seek(offset)
        if connection.transfer_type == "I":
            while piece := await stream.receive(connection.block_size):
                await file.write(piece)
            return
        decoder = AsciiDecoder()
        while piece := await stream.receive(min(connection.block_size, _TEXT_BLOCK)):
            await file.write(decoder.feed(piece))
            await take_turns()
        await file.write(decoder.finish())

    # Before and after a transfer.

    @command("ALLO")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def allo(self, connection: Connection, rest: str) -> bool:
        """ALLO <SP> bytes [<SP> R <SP> bytes]: reserve space, which this server does not need.

        Replies: 202, 501, 552 not enough space.
        """
        words = rest.upper().split(" ")
        if len(words) != 1 and (len(words) != 3 or words[1] != "R"):
            raise CommandRefused("501", "ALLO takes a number of bytes, or two with R between them")
        size, *_ = [parse_number(word, "What ALLO takes") for word in words[::2]]
        try:
            free = await connection.path_io.free_space(connection.user.base_path)
        except NotImplementedError:
            free = size
        if size > free:
            raise CommandRefused("552", f"Only {free} bytes are free")
        connection.response("202", "Nothing needs to be allocated")
        return True

    @command("REST", feat="REST STREAM")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def rest(self, connection: Connection, rest: str) -> bool:
        """REST <SP> bytes: begin the next RETR, STOR or APPE at this byte; it applies to one transfer.

        Replies: 350, 501 not a number, or TYPE A, whose bytes cannot be counted. Source: RFC 3659 5.
        """
        connection.restart_offset = 0
        offset = parse_number(rest, "The restart point")
        if connection.transfer_type == "A" and offset:
            raise CommandRefused("501", "REST needs TYPE I")
        connection.restart_offset = offset
        connection.range = None
        connection.response("350", f"Restarting at {offset}, send RETR, STOR or APPE")
        return True

    @command("RANG", feat="RANG STREAM")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def rang(self, connection: Connection, rest: str) -> bool:
        """RANG <SP> first <SP> last: choose these bytes, both included, for the next RETR or HASH; 1 0 for all.

        Replies: 350, 501. Source: draft-bryan-ftp-range.
        """
        words = rest.split(" ")
        if len(words) != 2:
            raise CommandRefused("501", "RANG takes the first and the last byte")
        first, last = (parse_number(word, "Each end of RANG") for word in words)
        if last < first and (first, last) != (1, 0):
            raise CommandRefused("501", "The last byte comes before the first")
        connection.range = None if last < first else (first, last - first + 1)
        connection.restart_offset = 0
        connection.response("350", "Range reset" if last < first else f"Range set to {first}-{last}")
        return True

    @command("ABOR", during_transfer=True, overtakes=True)
    @ConnectionConditions(ConnectionConditions.login_required)
    async def abor(self, connection: Connection, rest: str) -> bool:
        """ABOR: abort the running transfer, which gets 426; without one, drop the prepared data connection.

        Replies: 226.
        """
        await connection.extra_workers.cancel()
        self.forget_data(connection)
        if not EXCHANGE.get().finals:
            connection.response("226", "Nothing to abort")
        return True


def _refuse_parts(mode: str, offset: int) -> None:
    """Refuse an upload that begins with what there is: a hidden one has nothing yet.

    Raises:
        CommandRefused: As ProFTPD with HiddenStores.
    """
    if offset:
        raise CommandRefused("501", "REST is not possible: uploads are hidden until they are complete")
    if mode == "ab":
        raise CommandRefused("550", "APPE is not possible: uploads are hidden until they are complete")


def _taken_range(connection: Connection) -> tuple[int, int | None]:
    """First byte and number of bytes of the next transfer; the call resets both, also if the transfer fails."""
    first, count = connection.range or (connection.restart_offset, None)
    connection.restart_offset, connection.range = 0, None
    if first and connection.transfer_type == "A":
        raise CommandRefused("554", "A restart point needs TYPE I")
    return first, count


async def _pieces(file: Any, size: int, count: int | None) -> AsyncGenerator[bytes | memoryview, None]:
    """The file from its position, `count` bytes of it or all, in pieces that cost the path layer least."""
    while count is None or count > 0:
        piece = await file.read_some(size if count is None else min(size, count))
        if not piece:
            return
        if count is not None:
            count -= len(piece)
        yield piece


def _preliminary(connection: Connection, name: str, size: int | None) -> str:
    """Text of the 150, with the size if it is exact: clients such as ftplib and curl read it.

    The dot is that of vsftpd: java.net.URL reads the size only if a character follows the parenthesis.
    """
    kind = "ASCII" if connection.transfer_type == "A" else "BINARY"
    known = f" ({size} bytes)" if size is not None and connection.transfer_type == "I" else ""
    return f"Opening {kind} mode data connection for {name}{known}{'.' if known else ''}"


def _numbered(name: str, number: int) -> str:
    return f"{name}.{number}" if number else name
