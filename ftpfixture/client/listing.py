"""What is on the server: listings, and what is told of one path.

Two rules: a listing is read to its end before the first entry is given, so that the client is free for other commands
while a caller goes through it. And what was not understood in it is never taken for what is not there: `list` tells of
it, and questions about one path are asked in another way.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.client.asking import NOT_IMPLEMENTED, AskingClient, RemotePath, Texts
from ftpfixture.client.parsers import Info
from ftpfixture.client.reading import (
    DirectoryListing,
    Lines,
    Listed,
    facts_of,
    folded,
    lines_of,
    one_by_one,
    together,
    with_type,
)
from ftpfixture.client.settings import Parser
from ftpfixture.client.unread import UnreadEntry, told
from ftpfixture.client.walk import Walk
from ftpfixture.errors import NotInListing, StatusCodeError
from ftpfixture.wire.listing.entry import DIRECTORIES

__all__ = ["Lister", "ListingClient", "warn_of"]

T = TypeVar("T")

logger = logging.getLogger("ftpfixture.client")


class Lister(AbstractAsyncLister[Listed]):
    """Goes through a directory, and through those below it if wanted: await it for a list, or iterate.

    Args:
        client: Whose server it is.
        path: The directory; what is given is ``path / name``.
        recursive: Go on with the directories that are found; those of one level come before those below.
        raw_command: "MLSD" or "LIST"; None for the first that the server has.

    Attributes:
        unread: The lines that were not understood so far, in all directories: what they tell of is there, and was not
            given.
    """

    def __init__(self, client: ListingClient, path: RemotePath, recursive: bool, raw_command: str | None) -> None:
        super().__init__(timeout=client.path_timeout)
        fetch = partial(client._listed, raw_command=raw_command)
        self._walk = Walk(fetch, PurePosixPath(path), recursive=recursive, tell=warn_of)

    @property
    def unread(self) -> tuple[UnreadEntry, ...]:
        """The lines that were not understood."""
        return self._walk.unread

    async def __anext__(self) -> Listed:
        found = await anext(self._walk)
        return found.path, found.info


def warn_of(unread: tuple[UnreadEntry, ...]) -> None:
    """Warn in the log of lines that were not understood, if there are any."""
    if unread:
        logger.warning("%s", told(unread))


class ListingClient(AskingClient):
    """A client that can see what is there."""

    def list(self, path: RemotePath = "", *, recursive: bool = False, raw_command: str | None = None) -> Lister:
        """List a directory: await it for a list of (path, info), or iterate over it with ``async for``.

        Paths are ``path / name``, so they are relative when `path` is; `info` is what `Info` says. Entries for the
        directory itself and its parent are left out. A server without MLSD is asked with LIST, in the directory itself,
        because LIST takes some paths for options or patterns; the current directory is the same afterwards.

        Lines that are not understood, and names that are paths in disguise, are left out. The log warns of them, and
        `Lister.unread` has them: ``lister = client.list("/in"); entries = await lister; assert not lister.unread``.

        Args:
            path: The directory; "" for the current one.
            recursive: Go on with the directories that are found; those of one level come before those below.
            raw_command: "MLSD" or "LIST" to use only that.

        Raises:
            StatusCodeError: There is no such directory (550), or it must not be listed.
            ValueError: `raw_command` is something else.
        """
        return Lister(self, path, recursive, raw_command)

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await ``call()``, which may be done again when it fails: subclasses say when."""
        return await call()

    async def _listed(self, path: PurePosixPath, raw_command: str | None = None) -> DirectoryListing:
        """List a directory, as often as it takes."""
        return await self._retried(partial(self._list_directory, path, raw_command))

    async def _list_directory(self, path: PurePosixPath, raw_command: str | None) -> DirectoryListing:
        command = raw_command.upper() if raw_command is not None else None
        if command not in (None, "MLSD", "LIST"):
            raise ValueError(f"raw_command={raw_command!r}: use 'MLSD', 'LIST' or None")
        if command == "LIST" or (command is None and "mlsd" in self._useless):
            return await self._list(path)
        try:
            return await self._mlsd(path)
        except StatusCodeError as error:
            if command is not None or error.received_codes[0] not in NOT_IMPLEMENTED:
                raise
        self._useless.add("mlsd")
        return await self._list(path)

    async def _mlsd(self, path: PurePosixPath) -> DirectoryListing:
        lines = await self._lines_of(f"MLSD {path}" if path.parts else "MLSD")
        return facts_of(path, lines, self.parse_mlsx_line)

    async def _list(self, path: PurePosixPath) -> DirectoryListing:
        if not path.parts:
            return self._read(path, await self._lines_of("LIST"))
        async with self._turns:
            back = await self._way_back()
            if back is None:
                return self._read(path, await self._lines_of(f"LIST {path}"))
            async with self._inside(path, back):
                lines = await self._lines_of("LIST")
        return self._read(path, lines)

    async def _lines_of(self, command: str) -> Lines:
        return lines_of(self._text(await self._data_of(command, "I")))

    def _read(self, path: PurePosixPath, lines: Lines) -> DirectoryListing:
        if any(vars(self).get(name, getattr(type(self), name)) is not reader for name, reader in _LINE_READERS.items()):
            return one_by_one(path, lines, self.parse_list_line)  # a subclass knows better than all formats
        custom, custom_first = self.parse_list_line_custom, self.parse_list_line_custom_first
        return together(path, lines, custom, custom_first=custom_first)

    def parse_list_line(self, b: bytes) -> Listed:
        """Read a line of LIST in any known shape, and in that of `parse_list_line_custom`.

        Raises:
            ValueError: No shape fits; its arguments are a text, the line, and the error of each.
        """
        parsers: Sequence[Parser] = [
            self.parse_list_line_unix,
            self.parse_list_line_windows,
            self.parse_list_line_eplf,
        ]
        if self.parse_list_line_custom is not None:
            custom = [self.parse_list_line_custom]
            parsers = [*custom, *parsers] if self.parse_list_line_custom_first else [*parsers, *custom]
        errors = []
        for parse in parsers:
            try:
                name, info = parse(b)
            except (ValueError, KeyError, IndexError) as error:
                errors.append(error)
            else:
                return PurePosixPath(name), info
        raise ValueError("no parser understands this line of LIST", b, errors)

    async def stat(self, path: RemotePath) -> Info:
        """Tell what is known of a path, see `Info`; `type` is always there.

        A server without MLST is asked for the listing of the directory that the path is in. When the path is not in it
        although it may be there, the server is asked with CWD, SIZE, MDTM and NLST: the listing is refused, lines of it
        were not understood, the name begins with a dot, which many servers hide, or differs from another only in what
        some servers ignore, such as upper and lower case.

        Raises:
            StatusCodeError: There is no such path (550); `NotInListing` when it was a listing that told so.
            UnreadLinesError: Nobody can know: lines of the listing were not understood, and the server answers no other
                question.
        """
        path = PurePosixPath(path)
        if "mlst" not in self._useless:
            try:
                _, lines = await self.ask(f"MLST {path}", "2xx")
            except StatusCodeError as error:
                if error.received_codes[0] not in NOT_IMPLEMENTED:
                    raise
                self._useless.add("mlst")
            else:
                return self._facts(lines)
        return await self._stat_by_listing(path)

    def _facts(self, lines: Texts) -> Info:
        # The line between the first and the last; some servers give all in one line.
        line = lines[1 if len(lines) > 2 else 0].lstrip(" -")
        _, info = self.parse_mlsx_line(line)
        return with_type(info)

    async def _stat_by_listing(self, path: PurePosixPath) -> Info:
        if ".." in path.parts or not path.name:
            here = await self.get_current_directory()
            path = PurePosixPath(posixpath.normpath(here / path))
        if not path.name:
            return {"type": "dir"}
        try:
            listing = await self._listed(path.parent)
        except StatusCodeError as error:
            if not error.received_codes[0].startswith("5"):
                raise
            return await self._stat_beside(path, DirectoryListing(path.parent, (), ()), error)
        for found, info in listing.entries:
            if found.name == path.name:
                return info
        if self._may_hide(listing, path):
            return await self._stat_beside(path, listing)
        raise NotInListing(path, f"the listing of {path.parent}")

    def _may_hide(self, listing: DirectoryListing, path: PurePosixPath) -> bool:
        """Say whether a path may be there that a listing does not name."""
        name = folded(path.name)
        names = [folded(found.name) for found, _ in listing.entries]
        cut = len(names) == 1 and name.startswith(names[0])  # one line without an end may be whole, or be cut off
        return bool(listing.unread) or path.name.startswith(".") or name in names or cut

    async def exists(self, path: RemotePath) -> bool:
        """Say whether there is something at a path.

        Raises:
            UnreadLinesError: Nobody can know, see `stat`.
        """
        return await self._type_of(path) is not None

    async def is_file(self, path: RemotePath) -> bool:
        """Say whether there is a file at a path; False when there is nothing. Raises as `exists` does."""
        return await self._certain_type_of(path) == "file"

    async def is_dir(self, path: RemotePath) -> bool:
        """Say whether there is a directory at a path; False when there is nothing. Raises as `exists` does."""
        return await self._certain_type_of(path) in DIRECTORIES

    async def _type_of(self, path: RemotePath) -> str | None:
        try:
            kind: str = (await self.stat(path))["type"]
        except StatusCodeError as error:
            if error.received_codes[0] != "550":
                raise
            return None
        return kind

    async def _certain_type_of(self, path: RemotePath) -> str | None:
        """The type; of what a listing calls unknown, the one that other commands prove, if they do."""
        kind = await self._type_of(path)
        if kind == "unknown":
            return await self._proved_type_of(PurePosixPath(path))
        return kind


_LINE_READERS = {
    name: getattr(ListingClient, name)
    for name in ("parse_list_line", "parse_list_line_unix", "parse_list_line_windows", "parse_list_line_eplf")
}
