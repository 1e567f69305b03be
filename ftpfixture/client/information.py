"""What the server reports about itself and about files: features, sizes, times, hashes, names.

One rule: when the server lacks a command, the client asks with the next best one; when there is none, it raises the
refusal.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ftpfixture.checks import wrong
from ftpfixture.client.hashes import HASHES, FileHash, offered_hashes
from ftpfixture.client.operations import NOT_IMPLEMENTED, Operations, RemotePath, Texts
from ftpfixture.client.queries import NUMBER, found, modified_by_mdtm, moment, size_by_size
from ftpfixture.errors import ReplySyntaxError, StatusCodeError
from ftpfixture.wire.timestamps import format_time

__all__ = ["InformationOperations", "size_if_known"]


class InformationOperations:
    """Operations of a client that query the server."""

    async def features(self: Operations) -> dict[str, str]:
        """The features of FEAT: upper-case names, each with its parameters.

        Empty when the server does not have FEAT. "AUTH TLS" and "AUTH SSL" become one item with "TLS;SSL".

        Source: RFC 2389 3.
        """
        try:
            _, lines = await self.control.query("FEAT", "211")
        except StatusCodeError as error:
            if error.received_codes[0] not in NOT_IMPLEMENTED:
                raise
            return {}
        found: dict[str, str] = {}
        for line in lines[1:-1]:
            name, _, parameters = line.lstrip(" -").partition(" ")
            name = name.upper()
            if not name:
                continue
            found[name] = f"{found[name]};{parameters}" if found.get(name) else parameters
        return found

    async def noop(self: Operations) -> None:
        """Send NOOP, to check that the server still answers."""
        await self.command("NOOP", "2xx")

    async def system(self: Operations) -> str:
        """The text of the SYST reply, such as "UNIX Type: L8"; every 2xx code is accepted."""
        _, lines = await self.control.query("SYST", "215")
        return lines[-1].strip()

    async def stat_server(self: Operations, path: RemotePath | None = None) -> Texts:
        """The lines of STAT: about the connection, or about a path in the form of LIST."""
        _, lines = await self.ask("STAT" if path is None else f"STAT {path}", "2xx")
        return [line.removeprefix("-").strip() for line in lines]

    async def size(self: Operations, path: RemotePath) -> int:
        """The size of a file: the bytes that a download in type I transfers.

        Raises:
            StatusCodeError: The file does not exist, or the server does not report sizes.

        Source: RFC 3659 4.
        """
        try:
            return await size_by_size(self, path)
        except StatusCodeError as error:
            if error.received_codes[0] not in NOT_IMPLEMENTED:
                raise
            info = await self.stat(path)
            if not info.get("size") or info["type"] != "file":
                raise
            return int(found(NUMBER, [info["size"]], "MLST"))

    async def modified(self: Operations, path: RemotePath) -> datetime:
        """The modification time of a file, in UTC.

        Raises:
            StatusCodeError: The file does not exist, or the server does not report times.

        Source: RFC 3659 3.
        """
        try:
            return await modified_by_mdtm(self, path)
        except StatusCodeError as error:
            if error.received_codes[0] not in NOT_IMPLEMENTED:
                raise
            info = await self.stat(path)
            if not info.get("modify"):
                raise
            return moment([info["modify"]], "MLST")

    async def set_modified(self: Operations, path: RemotePath, when: datetime | float) -> None:
        """Set the modification time of a file, to the second.

        Args:
            path: Of the file.
            when: A time (UTC when it has no time zone), or POSIX seconds.

        Raises:
            StatusCodeError: The file does not exist, or the server cannot set times.

        Source: draft-somers-ftp-mfxx 3.1; servers without MFMT accept a time before the path of MDTM.
        """
        if isinstance(when, datetime):
            when = (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
        stamp = format_time(int(when))
        try:
            await self.command(f"MFMT {stamp} {path}", "2xx")
        except StatusCodeError as error:
            if error.received_codes[0] not in NOT_IMPLEMENTED:
                raise
            await self.command(f"MDTM {stamp} {path}", "2xx")

    async def hash(self: Operations, path: RemotePath, algorithm: str | None = None) -> FileHash:
        """The hash of a file, computed by the server.

        Args:
            path: Of the file.
            algorithm: One of `HASHES`; None for the strongest that server and client both have.

        Raises:
            StatusCodeError: The file does not exist, or the server does not compute this hash.
            ConfigurationError: The algorithm is not in `HASHES`.

        Source: draft-bryan-ftpext-hash 3; XSHA256 and the like of servers without HASH.
        """
        if algorithm is not None and algorithm.upper() not in HASHES:
            raise wrong("algorithm", f"one of {', '.join(HASHES)}", algorithm)
        features = await self.features()
        offered = offered_hashes(features)
        wanted = list(HASHES) if algorithm is None else [algorithm.upper()]
        async with self.control.lock:
            await self.set_type("I")
            for name in wanted:
                if name in offered:
                    await self.command(f"OPTS HASH {name}", "2xx")
                    return await _hash(self, name, f"HASH {path}")
            # An algorithm that FEAT does not list is tried too: the server's refusal is the error.
            name = next((name for name in wanted if HASHES[name][1] in features), wanted[-1])
            return await _hash(self, name, f"{HASHES[name][1]} {path}")


async def _hash(client: Operations, algorithm: str, command: str) -> FileHash:
    _, lines = await client.ask(command, "2xx")
    digest = re.compile(rf"(?<![0-9A-Za-z-])[0-9A-Fa-f]{{{HASHES[algorithm][0]}}}(?![0-9A-Za-z])")
    return FileHash(algorithm, found(digest, lines, command.partition(" ")[0]).lower())


async def size_if_known(client: Operations, path: RemotePath) -> int | None:
    """The size of a file in bytes; None when it does not exist, or the server does not report it."""
    try:
        return await client.size(path)
    except ReplySyntaxError:
        return None
    except StatusCodeError as error:
        if error.received_codes[0] not in (*NOT_IMPLEMENTED, "550"):
            raise
        return None
