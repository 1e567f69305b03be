"""Digests of stored files: HASH with its range, and the de facto X commands (draft-bryan-ftpext-hash)."""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import PurePath
from typing import Protocol

from ftpfixture.aio import take_turns
from ftpfixture.errors import CommandRefused
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions, argument_required
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.transfers import Transfers
from ftpfixture.wire.numbers import parse_number

__all__ = ["IntegrityCommands"]

_ALGORITHMS = {"SHA-256": "sha256", "SHA-512": "sha512", "SHA-1": "sha1", "MD5": "md5", "CRC32": "crc32"}
_QUOTED = re.compile(r'"(?P<path>(?:[^"]|"")*)"(?: (?P<range>[0-9]+ [0-9]+))?')
_WITH_RANGE = re.compile(r"(?P<path>.+) (?P<range>[0-9]+ [0-9]+)", re.DOTALL)


class Digest(Protocol):
    """The used methods of hashlib's objects."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """The digest so far, in hexadecimal."""


class _Crc32:
    """CRC-32 with the methods of hashlib's objects."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


class IntegrityCommands(Transfers):
    """HASH, OPTS HASH, XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.hash_algorithm = "SHA-256"

    @command("HASH", feat=lambda _, connection: _hash_feature(connection))
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def hash(self, connection: Connection, rest: str) -> bool:
        """HASH <SP> pathname: return the digest of a file, or of the bytes that RANG chose.

        Replies: 213, 550 missing or not allowed, 551 the range is beyond the end, 553 a directory.
        Source: draft-bryan-ftpext-hash.
        """
        chosen, connection.range = connection.range, None
        return await self._hash(connection, rest, chosen)

    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.readable)
    async def _hash(self, connection: Connection, rest: str, chosen: tuple[int, int] | None) -> bool:
        real, _ = self.get_paths(connection, rest)
        if await connection.path_io.is_dir(real):
            raise CommandRefused("553", "Is a directory")
        size = (await connection.path_io.stat(real)).st_size
        first, count = chosen or (0, size)
        if first > size:
            raise CommandRefused("551", f"The range begins beyond the end at {size}")
        name = connection.hash_algorithm
        digest = await _digest(connection, real, name, first, count)
        end = max(min(first + count, size) - 1, 0)
        connection.response("213", f"{name} {first}-{end} {digest} {rest}")
        return True

    @command("OPTS HASH")
    async def opts_hash(self, connection: Connection, rest: str) -> bool:
        """OPTS HASH [<SP> algorithm]: choose or return the algorithm of HASH.

        Replies: 200, 501 unknown algorithm.
        """
        if rest and rest.upper() not in _ALGORITHMS:
            raise CommandRefused("501", f"Unknown algorithm: choose one of {', '.join(_ALGORITHMS)}")
        connection.hash_algorithm = rest.upper() or connection.hash_algorithm
        connection.response("200", connection.hash_algorithm)
        return True

    @command("XCRC", feat="XCRC")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def xcrc(self, connection: Connection, rest: str) -> bool:
        """XCRC <SP> pathname [<SP> start <SP> end]: return the CRC-32 of a file; the path may be in quotes.

        Replies: 250, 501, 550.
        """
        return await self._reply_digest(connection, rest, "CRC32")

    @command("XMD5", feat="XMD5")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def xmd5(self, connection: Connection, rest: str) -> bool:
        """XMD5 <SP> pathname [<SP> start <SP> end]: return the MD5 of a file.

        Replies: as XCRC.
        """
        return await self._reply_digest(connection, rest, "MD5")

    @command("XSHA1", "XSHA", feat="XSHA1")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def xsha1(self, connection: Connection, rest: str) -> bool:
        """XSHA1 <SP> pathname [<SP> start <SP> end]: return the SHA-1 of a file.

        Replies: as XCRC.
        """
        return await self._reply_digest(connection, rest, "SHA-1")

    @command("XSHA256", feat="XSHA256")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def xsha256(self, connection: Connection, rest: str) -> bool:
        """XSHA256 <SP> pathname [<SP> start <SP> end]: return the SHA-256 of a file.

        Replies: as XCRC.
        """
        return await self._reply_digest(connection, rest, "SHA-256")

    @command("XSHA512", feat="XSHA512")
    @ConnectionConditions(ConnectionConditions.login_required)
    @argument_required
    async def xsha512(self, connection: Connection, rest: str) -> bool:
        """XSHA512 <SP> pathname [<SP> start <SP> end]: return the SHA-512 of a file.

        Replies: as XCRC.
        """
        return await self._reply_digest(connection, rest, "SHA-512")

    async def _reply_digest(self, connection: Connection, rest: str, algorithm: str) -> bool:
        path, span = rest, ""
        if quoted := _QUOTED.fullmatch(rest):
            path, span = quoted["path"].replace('""', '"'), quoted["range"] or ""
        elif (ranged := _WITH_RANGE.fullmatch(rest)) and not await self._exists(connection, rest):
            path, span = ranged["path"], ranged["range"]
        return await self._reply_file_digest(connection, path, span, algorithm)

    async def _exists(self, connection: Connection, path: str) -> bool:
        return await connection.path_io.exists(self.get_paths(connection, path)[0])

    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def _reply_file_digest(self, connection: Connection, rest: str, span: str, algorithm: str) -> bool:
        real, _ = self.get_paths(connection, rest)
        size = (await connection.path_io.stat(real)).st_size
        start, end = (parse_number(word, "Each end of the range") for word in span.split(" ")) if span else (0, size)
        if not start <= end <= size:
            raise CommandRefused("501", f"Start and end must lie within the file's {size} bytes")
        digest = await _digest(connection, real, algorithm, start, end - start)
        connection.response("250", digest.upper())
        return True


def _hash_feature(connection: Connection) -> str:
    return "HASH " + "".join(f"{name}{'*' if name == connection.hash_algorithm else ''};" for name in _ALGORITHMS)


async def _digest(connection: Connection, real: PurePath, algorithm: str, first: int, count: int) -> str:
    digest: Digest = _Crc32() if algorithm == "CRC32" else hashlib.new(_ALGORITHMS[algorithm], usedforsecurity=False)
    async with connection.path_io.open(real, mode="rb") as file:
        if first:
            await file.seek(first)
        while count > 0 and (piece := await file.read_some(min(count, connection.block_size))):
            digest.update(piece)
            count -= len(piece)
            await take_turns()
    return digest.hexdigest()
