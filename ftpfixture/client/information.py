"""What the server tells of itself and of files: features, sizes, times, hashes, names.

One rule: a question that the server has no command for is asked in the next best way, and when there is none, its
refusal is the answer.
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
    """Operations of a client that ask."""

    async def features(self: Operations) -> dict[str, str]:
        """What the server offers beyond RFC 959: upper-case names, and what FEAT says behind them.

        Empty when the server does not know FEAT. "AUTH TLS" and "AUTH SSL" are one item, with "TLS;SSL".

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
        """Do nothing, but see whether the server is still there."""
        await self.command("NOOP", "2xx")

    async def system(self: Operations) -> str:
        """What SYST says, such as "UNIX Type: L8"; some servers say it with another code than 215."""
        _, lines = await self.control.query("SYST", "215")
        return lines[-1].strip()

    async def stat_server(self: Operations, path: RemotePath | None = None) -> Texts:
        """The lines of STAT: about the connection, or about a path, much as LIST would say it."""
        _, lines = await self.ask("STAT" if path is None else f"STAT {path}", "2xx")
        return [line.removeprefix("-").strip() for line in lines]

    async def size(self: Operations, path: RemotePath) -> int:
        """Bytes of a file, as a download in type I will bring.

        Raises:
            StatusCodeError: There is no such file, or the server cannot tell.

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
        """When a file was modified, with the time zone UTC.

        Raises:
            StatusCodeError: There is no such file, or the server cannot tell.

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
        """Set when a file was modified, to the second.

        Args:
            path: Of the file.
            when: A time, without a time zone in UTC; or POSIX seconds.

        Raises:
            StatusCodeError: There is no such file, or the server cannot set times.

        Source: draft-somers-ftp-mfxx 3.1; servers without MFMT take a time before the path of MDTM.
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
        """Let the server compute the hash of a file.

        Args:
            path: Of the file.
            algorithm: One of `HASHES`; None for the strongest that server and client both know.

        Raises:
            StatusCodeError: There is no such file, or the server computes no such hash.
            ConfigurationError: The algorithm is none of `HASHES`.

        Source: draft-bryan-ftpext-hash 3; XSHA256 and its kin of servers without HASH.
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
            # What nobody offers is tried all the same: the refusal is the answer.
            name = next((name for name in wanted if HASHES[name][1] in features), wanted[-1])
            return await _hash(self, name, f"{HASHES[name][1]} {path}")


async def _hash(client: Operations, algorithm: str, command: str) -> FileHash:
    _, lines = await client.ask(command, "2xx")
    digest = re.compile(rf"(?<![0-9A-Za-z-])[0-9A-Fa-f]{{{HASHES[algorithm][0]}}}(?![0-9A-Za-z])")
    return FileHash(algorithm, found(digest, lines, command.partition(" ")[0]).lower())


async def size_if_known(client: Operations, path: RemotePath) -> int | None:
    """Bytes of a file; None when it is not there, or the server cannot tell."""
    try:
        return await client.size(path)
    except ReplySyntaxError:
        return None
    except StatusCodeError as error:
        if error.received_codes[0] not in (*NOT_IMPLEMENTED, "550"):
            raise
        return None
