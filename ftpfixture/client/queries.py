"""Queries about one path with commands that nearly every server has: PWD, CWD, SIZE, MDTM, NLST.

One rule: a reply means what its text proves; a code alone proves nothing, and a failed query does not mean "no".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from ftpfixture.client.operations import NOT_IMPLEMENTED, Operations, RemotePath, Texts
from ftpfixture.client.parsers import Info
from ftpfixture.client.reading import DirectoryListing
from ftpfixture.client.unread import unread_error
from ftpfixture.errors import NotInListing, ReplySyntaxError, StatusCodeError
from ftpfixture.wire.timestamps import format_time, parse_time

__all__ = [
    "NUMBER",
    "absolute_current_directory",
    "decode_listing",
    "found",
    "inside",
    "modified_by_mdtm",
    "moment",
    "proved_type_of",
    "receive_listing",
    "size_by_size",
    "stat_by_other_commands",
]

# Whole numbers only: some servers say -1 for "not known", and 19101 for the year 2001.
_TIME = re.compile(r"(?<![0-9])[0-9]{14}(?:\.[0-9]+)?(?![0-9])")
NUMBER = re.compile(r"(?<![0-9-])[0-9]{1,20}(?![0-9])")
_ONLY_A_NUMBER = re.compile(r"\A\s*[0-9]{1,20}\s*\Z")


async def absolute_current_directory(client: Operations) -> PurePosixPath | None:
    """The current directory; None when the server sends no absolute path, with which the client could return."""
    before = await client.get_current_directory()
    return before if before.is_absolute() else None


@contextlib.asynccontextmanager
async def inside(client: Operations, path: PurePosixPath, back: PurePosixPath) -> AsyncIterator[None]:
    """Change to a directory for the body, and back at the end.

    Raises:
        StatusCodeError: The server refused one of the two commands.
    """
    await client.command(f"CWD {path}", "2xx")
    try:
        yield
    finally:
        if client.control.is_open:
            await client.command(f"CWD {back}", "2xx")


async def size_by_size(client: Operations, path: RemotePath) -> int:
    """The size of a file in type I, with SIZE.

    Raises:
        StatusCodeError: The file does not exist, or the server does not have SIZE.
        ReplySyntaxError: The reply has no number.
    """
    async with client.control.lock:
        await client.set_type("I")
        code, lines = await client.control.query(f"SIZE {path}", "213")
    if code == "213":
        return int(found(NUMBER, lines, "SIZE"))
    return int(found(_ONLY_A_NUMBER, lines, "SIZE"))  # "250 done in 3 ms" has no size


async def modified_by_mdtm(client: Operations, path: RemotePath) -> datetime:
    """The modification time of a file, with MDTM.

    Raises:
        StatusCodeError: The file does not exist, or the server does not have MDTM.
        ReplySyntaxError: The reply has no time.
    """
    _, lines = await client.control.query(f"MDTM {path}", "213")
    return moment(lines, "MDTM")


async def receive_listing(client: Operations, command: str, conn_type: str) -> bytes:
    """The bytes of a listing; it is requested again when it was not UTF-8 and the server accepts OPTS UTF8 ON."""
    data = await _receive(client, command, conn_type)
    if client.control.parameters.may_ask_utf8 and not _is_utf8(data) and await client.control.utf8.ask():
        data = await _receive(client, command, conn_type)
    return data


async def _receive(client: Operations, command: str, conn_type: str) -> bytes:
    async with client.get_stream(command, "1xx", conn_type=conn_type) as stream:
        return await stream.read()


def decode_listing(client: Operations, data: bytes) -> str:
    """The bytes of a listing as text."""
    return data.decode(client.encoding, "surrogateescape")


async def stat_by_other_commands(
    client: Operations, path: PurePosixPath, listing: DirectoryListing, refusal: StatusCodeError | None = None
) -> Info:
    """The facts of a path that a listing does not have, although it may exist.

    Args:
        client: Sends the commands.
        path: A path with a name.
        listing: Of its directory; lines of it were not understood, or the server hides some names.
        refusal: Why there is no listing.

    Raises:
        StatusCodeError: The path does not exist, by the server's reply.
        NotInListing: The path does not exist, by NLST.
        UnreadLinesError: It is unknown whether the path exists.
    """
    if await _can_be_entered(client, path):
        return {"type": "dir"}
    for question in (_file_by_size, _something_by_time):
        try:
            return await question(client, path)
        except StatusCodeError as error:
            if error.received_codes[0] not in NOT_IMPLEMENTED:
                refusal = error
        except ReplySyntaxError:
            pass  # a reply without the value: the next command may give one
    return await _named_by_nlst(client, path, listing, refusal)


async def proved_type_of(client: Operations, path: PurePosixPath) -> str:
    """The type "dir" when CWD succeeds, "file" when SIZE does, else "unknown"."""
    if await _can_be_entered(client, path):
        return "dir"
    try:
        await size_by_size(client, path)
    except (StatusCodeError, ReplySyntaxError):
        return "unknown"
    return "file"


async def _can_be_entered(client: Operations, path: PurePosixPath) -> bool:
    async with client.control.lock:
        try:
            back = await absolute_current_directory(client)
        except StatusCodeError:
            return False  # the server does not have PWD; other commands are tried next
        if back is None:
            return False
        try:
            await client.command(f"CWD {path}", "2xx")
        except StatusCodeError as error:
            if not error.received_codes[0].startswith("5"):
                raise
            return False
        await client.command(f"CWD {back}", "2xx")
        return True


async def _file_by_size(client: Operations, path: PurePosixPath) -> Info:
    return {"type": "file", "size": str(await size_by_size(client, path))}


async def _something_by_time(client: Operations, path: PurePosixPath) -> Info:
    return {"type": "unknown", "modify": format_time((await modified_by_mdtm(client, path)).timestamp())}


async def _named_by_nlst(
    client: Operations, path: PurePosixPath, listing: DirectoryListing, refusal: StatusCodeError | None
) -> Info:
    try:
        names = await client.nlst(listing.path if listing.path.parts else "")
    except StatusCodeError as error:
        if refusal is not None:
            raise refusal from None
        if not listing.unread:
            raise NotInListing(path, f"the listing of {listing.path}") from error
        raise unread_error(f"it is unknown whether {path} exists", listing.unread) from error
    if any(PurePosixPath(name).name == path.name for name in names):
        return {"type": "unknown"}
    raise refusal or NotInListing(path, f"the names (NLST) of {listing.path}")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def found(pattern: re.Pattern[str], lines: Texts, verb: str) -> str:
    """The part of a reply that matches a pattern.

    Raises:
        ReplySyntaxError: Nothing matches.
    """
    match = pattern.search("\n".join(lines))
    if match is None:
        raise _lacking(lines, verb)
    return match[0]


def moment(lines: Texts, verb: str) -> datetime:
    """The time in a reply, in UTC.

    Raises:
        ReplySyntaxError: The reply has no valid time.
    """
    text = found(_TIME, lines, verb)
    try:
        return datetime.fromtimestamp(parse_time(text), UTC)
    except ValueError as error:  # no such day or hour
        raise _lacking(lines, verb) from error


def _lacking(lines: Texts, verb: str) -> ReplySyntaxError:
    return ReplySyntaxError(f"the reply to {verb} lacks the expected value: {lines!r}")
