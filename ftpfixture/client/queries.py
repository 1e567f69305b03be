"""Questions about one path, each answered by one command that every server of some age has: PWD, CWD, SIZE, MDTM, NLST.

One rule: an answer is taken for what its text proves; a code alone proves nothing, and no answer is not a no.
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
    """The current directory; None when the server does not tell an absolute path, and there would be no way back."""
    before = await client.get_current_directory()
    return before if before.is_absolute() else None


@contextlib.asynccontextmanager
async def inside(client: Operations, path: PurePosixPath, back: PurePosixPath) -> AsyncIterator[None]:
    """Go to a directory, and back in the end.

    Raises:
        StatusCodeError: One of the two was refused.
    """
    await client.command(f"CWD {path}", "2xx")
    try:
        yield
    finally:
        if client.control.is_open:
            await client.command(f"CWD {back}", "2xx")


async def size_by_size(client: Operations, path: RemotePath) -> int:
    """Bytes of a file in type I, by SIZE.

    Raises:
        StatusCodeError: There is no such file, or the server has no SIZE.
        ReplySyntaxError: There is no number in the answer.
    """
    async with client.control.lock:
        await client.set_type("I")
        code, lines = await client.control.query(f"SIZE {path}", "213")
    if code == "213":
        return int(found(NUMBER, lines, "SIZE"))
    return int(found(_ONLY_A_NUMBER, lines, "SIZE"))  # "250 done in 3 ms" tells no size


async def modified_by_mdtm(client: Operations, path: RemotePath) -> datetime:
    """When a file was modified, by MDTM; raises as `size_by_size` does."""
    _, lines = await client.control.query(f"MDTM {path}", "213")
    return moment(lines, "MDTM")


async def receive_listing(client: Operations, command: str, conn_type: str) -> bytes:
    """What a listing sends; once more when it was no UTF-8, and the server can speak it."""
    data = await _received_by(client, command, conn_type)
    if client.control.parameters.may_ask_utf8 and not _is_utf8(data) and await client.control.utf8.ask():
        data = await _received_by(client, command, conn_type)
    return data


async def _received_by(client: Operations, command: str, conn_type: str) -> bytes:
    async with client.get_stream(command, "1xx", conn_type=conn_type) as stream:
        return await stream.read()


def decode_listing(client: Operations, data: bytes) -> str:
    """What a listing sent, as text."""
    return data.decode(client.encoding, "surrogateescape")


async def stat_by_other_commands(
    client: Operations, path: PurePosixPath, listing: DirectoryListing, refusal: StatusCodeError | None = None
) -> Info:
    """What is at a path that a listing does not name, though it may be there.

    Args:
        client: Asks.
        path: With a name.
        listing: Of the directory it is in; lines of it were not understood, or the server hides some names.
        refusal: Why there is no listing.

    Raises:
        StatusCodeError: There is nothing, as the server says.
        NotInListing: There is nothing, as NLST says.
        UnreadLinesError: Nobody can know.
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
            pass  # an answer that tells nothing: the next question may be understood
    return await _named_by_nlst(client, path, listing, refusal)


async def proved_type_of(client: Operations, path: PurePosixPath) -> str:
    """The type "dir" for what can be entered, "file" for what has a size, else "unknown"."""
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
            return False  # without PWD; other questions follow
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
        raise unread_error(f"whether there is {path} cannot be known", listing.unread) from error
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
    """What a reply must hold.

    Raises:
        ReplySyntaxError: It does not.
    """
    match = pattern.search("\n".join(lines))
    if match is None:
        raise _lacking(lines, verb)
    return match[0]


def moment(lines: Texts, verb: str) -> datetime:
    """The time that a reply must hold, with the time zone UTC.

    Raises:
        ReplySyntaxError: It does not.
    """
    text = found(_TIME, lines, verb)
    try:
        return datetime.fromtimestamp(parse_time(text), UTC)
    except ValueError as error:  # no such day or hour
        raise _lacking(lines, verb) from error


def _lacking(lines: Texts, verb: str) -> ReplySyntaxError:
    return ReplySyntaxError(f"the reply to {verb} does not hold what it must: {lines!r}")
