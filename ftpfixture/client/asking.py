"""Questions about one path, each answered by one command that every server of some age has: PWD, CWD, SIZE, MDTM, NLST.

One rule: an answer is taken for what its text proves; a code alone proves nothing, and no answer is not a no.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from ftpfixture.client.data import DataClient
from ftpfixture.client.parsers import Info, Parsers
from ftpfixture.client.reading import DirectoryListing
from ftpfixture.client.unread import unread_error
from ftpfixture.errors import NotInListing, ReplySyntaxError, StatusCodeError
from ftpfixture.wire.listing import without_ends
from ftpfixture.wire.timestamps import format_time, parse_time

__all__ = ["NOT_IMPLEMENTED", "NUMBER", "AskingClient", "RemotePath", "Texts", "found", "moment"]

RemotePath = str | PurePosixPath
Texts = list[str]

NOT_IMPLEMENTED = ("500", "502", "504")
"""What servers answer to a command that they do not have (RFC 959 4.2.1)."""

# Whole numbers only: some servers say -1 for "not known", and 19101 for the year 2001.
_TIME = re.compile(r"(?<![0-9])[0-9]{14}(?:\.[0-9]+)?(?![0-9])")
NUMBER = re.compile(r"(?<![0-9-])[0-9]{1,20}(?![0-9])")
_ONLY_A_NUMBER = re.compile(r"\A\s*[0-9]{1,20}\s*\Z")


class AskingClient(DataClient, Parsers):
    """A client that can ask about one path."""

    async def get_current_directory(self) -> PurePosixPath:
        """The directory to which relative paths belong.

        Source: RFC 959 4.1.3, PWD. Some servers answer it with another code than 257; the path in quotes counts.
        """
        _, info = await self._ask_for_content("PWD", "257")
        if not _is_text(info[-1]) and await self._ask_for_utf8():
            _, info = await self._ask_for_content("PWD", "257")
        return self.parse_directory_response(info[-1])

    async def _way_back(self) -> PurePosixPath | None:
        """Where the client is now; None when the server does not say it, and there would be no way back."""
        before = await self.get_current_directory()
        return before if before.is_absolute() else None

    @contextlib.asynccontextmanager
    async def _inside(self, path: PurePosixPath, back: PurePosixPath) -> AsyncIterator[None]:
        """Go to a directory, and back in the end.

        Raises:
            StatusCodeError: One of the two was refused.
        """
        await self.command(f"CWD {path}", "2xx")
        try:
            yield
        finally:
            if self._channel is not None:
                await self.command(f"CWD {back}", "2xx")

    async def _size(self, path: RemotePath) -> int:
        """Bytes of a file in type I, by SIZE.

        Raises:
            StatusCodeError: There is no such file, or the server has no SIZE.
            ReplySyntaxError: There is no number in the answer.
        """
        async with self._turns:
            await self.set_type("I")
            code, lines = await self._ask_for_content(f"SIZE {path}", "213")
        if code == "213":
            return int(found(NUMBER, lines, "SIZE"))
        return int(found(_ONLY_A_NUMBER, lines, "SIZE"))  # "250 done in 3 ms" tells no size

    async def _mdtm(self, path: RemotePath) -> datetime:
        """When a file was modified, by MDTM; raises as `_size` does."""
        _, lines = await self._ask_for_content(f"MDTM {path}", "213")
        return moment(lines, "MDTM")

    async def _data_of(self, command: str, conn_type: str) -> bytes:
        """What a listing sends; once more when it was no UTF-8, and the server can speak it."""
        data = await self._received_by(command, conn_type)
        if self._may_ask and not _is_utf8(data) and await self._ask_for_utf8():
            data = await self._received_by(command, conn_type)
        return data

    async def _received_by(self, command: str, conn_type: str) -> bytes:
        async with self.get_stream(command, "1xx", conn_type=conn_type) as stream:
            return await stream.read()

    async def nlst(self, path: RemotePath = "") -> Texts:
        """The names in a directory, as the server gives them: some put the directory before each.

        "." and ".." are left out. Empty when the server says with 450 that there are none.

        Raises:
            StatusCodeError: There is no such directory; some servers say so of an empty one, too.

        Source: RFC 959 4.1.3.
        """
        try:
            data = await self._data_of(f"NLST {path}" if str(path) else "NLST", "A")
        except StatusCodeError as error:
            if error.received_codes[0] != "450":
                raise
            return []
        return [name for name in without_ends(self._text(data).split("\n")) if name not in ("", ".", "..")]

    def _text(self, data: bytes) -> str:
        return data.decode(self.encoding, "surrogateescape")

    async def _stat_beside(
        self, path: PurePosixPath, listing: DirectoryListing, refusal: StatusCodeError | None = None
    ) -> Info:
        """What is at a path that a listing does not name, though it may be there.

        Args:
            path: With a name.
            listing: Of the directory it is in; lines of it were not understood, or the server hides some names.
            refusal: Why there is no listing.

        Raises:
            StatusCodeError: There is nothing, as the server says.
            NotInListing: There is nothing, as NLST says.
            UnreadLinesError: Nobody can know.
        """
        if await self._can_be_entered(path):
            return {"type": "dir"}
        for question in (self._file_by_size, self._something_by_time):
            try:
                return await question(path)
            except StatusCodeError as error:
                if error.received_codes[0] not in NOT_IMPLEMENTED:
                    refusal = error
            except ReplySyntaxError:
                pass  # an answer that tells nothing: the next question may be understood
        return await self._named_by_nlst(path, listing, refusal)

    async def _proved_type_of(self, path: PurePosixPath) -> str:
        """The type "dir" for what can be entered, "file" for what has a size, else "unknown"."""
        if await self._can_be_entered(path):
            return "dir"
        try:
            await self._size(path)
        except (StatusCodeError, ReplySyntaxError):
            return "unknown"
        return "file"

    async def _can_be_entered(self, path: PurePosixPath) -> bool:
        async with self._turns:
            try:
                back = await self._way_back()
            except StatusCodeError:
                return False  # without PWD; other questions follow
            if back is None:
                return False
            try:
                await self.command(f"CWD {path}", "2xx")
            except StatusCodeError as error:
                if not error.received_codes[0].startswith("5"):
                    raise
                return False
            await self.command(f"CWD {back}", "2xx")
            return True

    async def _file_by_size(self, path: PurePosixPath) -> Info:
        return {"type": "file", "size": str(await self._size(path))}

    async def _something_by_time(self, path: PurePosixPath) -> Info:
        return {"type": "unknown", "modify": format_time((await self._mdtm(path)).timestamp())}

    async def _named_by_nlst(
        self, path: PurePosixPath, listing: DirectoryListing, refusal: StatusCodeError | None
    ) -> Info:
        try:
            names = await self.nlst(listing.path if listing.path.parts else "")
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


def _is_text(text: str) -> bool:
    """Say whether all bytes of what was received fitted the encoding (surrogateescape)."""
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


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
