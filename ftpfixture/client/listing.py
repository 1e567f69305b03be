"""What is on the server: listings, and what is told of one path.

One rule: a listing is read to its end before the first entry is given, so that the client is free for other commands
while a caller goes through it; and a name that is a path in disguise is never given.
"""

from __future__ import annotations

import logging
import posixpath
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.client.data import DataClient
from ftpfixture.client.parsers import Info, Parsers
from ftpfixture.client.settings import Parser
from ftpfixture.errors import StatusCodeError
from ftpfixture.wire.entry import is_listable
from ftpfixture.wire.lines import printable
from ftpfixture.wire.reply import Code

__all__ = ["Listed", "Lister", "ListingClient", "RemotePath"]

T = TypeVar("T")

logger = logging.getLogger("ftpfixture.client")

RemotePath = str | PurePosixPath
Listed = tuple[PurePosixPath, Info]
Listing = list[Listed]  # in the class below, `list` is a method
Lines = list[bytes]
Texts = list[str]

NOT_IMPLEMENTED = ("500", "502", "504")
"""What servers answer to a command that they do not have (RFC 959 4.2.1)."""

_TOTAL = b"total "


Way = frozenset[str]
"""The directories that lie above one, by the fact `unique`, as far as the server tells it (RFC 3659 7.5.2)."""

NOWHERE: Way = frozenset()


def leads_back(info: Info, way: Way) -> bool:
    """Say whether a directory is one of those above it: MLSD may show a link to a directory as what it leads to."""
    return info.get("unique") in way


def further(info: Info, way: Way) -> Way:
    """The way to what is in a directory."""
    return way | {info["unique"]} if "unique" in info else way


class Lister(AbstractAsyncLister[Listed]):
    """Goes through a directory, and through those below it if wanted: await it for a list, or iterate.

    Args:
        client: Whose server it is.
        path: The directory; what is given is ``path / name``.
        recursive: Go on with the directories that are found; those of one level come before those below.
        raw_command: "MLSD" or "LIST"; None for the first that the server has.
    """

    def __init__(self, client: ListingClient, path: RemotePath, recursive: bool, raw_command: str | None) -> None:
        super().__init__(timeout=client.path_timeout)
        self._client = client
        self._recursive = recursive
        self._raw_command = raw_command
        self._directories = deque([(PurePosixPath(path), NOWHERE)])
        self._entries: deque[tuple[Listed, Way]] = deque()

    async def __anext__(self) -> Listed:
        while not self._entries:
            if not self._directories:
                raise StopAsyncIteration
            directory, way = self._directories.popleft()
            fetch = partial(self._client._list_directory, directory, self._raw_command)
            self._entries.extend((entry, way) for entry in await self._client._retried(fetch))
        (path, info), way = self._entries.popleft()
        if self._recursive and info["type"] == "dir" and not leads_back(info, way):
            self._directories.append((path, further(info, way)))
        return path, info


class ListingClient(DataClient, Parsers):
    """A client that can see what is there."""

    def list(self, path: RemotePath = "", *, recursive: bool = False, raw_command: str | None = None) -> Lister:
        """List a directory: await it for a list of (path, info), or iterate over it with ``async for``.

        Paths are ``path / name``, so they are relative when `path` is; `info` is what `Info` says. Entries for the
        directory itself and its parent are left out. Lines that cannot be read are skipped, with a warning in the log.
        A server without MLSD is asked with LIST, in the directory itself, because LIST takes some paths for options or
        patterns; the current directory is the same afterwards.

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

    async def _list_directory(self, path: PurePosixPath, raw_command: str | None) -> Listing:
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

    async def _mlsd(self, path: PurePosixPath) -> Listing:
        lines = await self._lines_of(f"MLSD {path}" if path.parts else "MLSD")
        return self._understood(path, lines, self.parse_mlsx_line)

    async def _list(self, path: PurePosixPath) -> Listing:
        if not path.parts:
            return self._understood(path, await self._lines_of("LIST"), self.parse_list_line)
        async with self._turns:
            before = await self.get_current_directory()
            if not before.is_absolute():  # it does not say where we are, so there would be no way back
                return self._understood(path, await self._lines_of(f"LIST {path}"), self.parse_list_line)
            await self.command(f"CWD {path}", "2xx")
            try:
                lines = await self._lines_of("LIST")
            finally:
                if self._channel is not None:
                    await self.command(f"CWD {before}", "2xx")
        return self._understood(path, lines, self.parse_list_line)

    async def _lines_of(self, command: str) -> Lines:
        async with self.get_stream(command, "1xx") as stream:
            data = await stream.read()
        return [line + b"\n" for line in data.split(b"\n")]

    def _understood(self, directory: PurePosixPath, lines: Lines, parse: Parser) -> Listing:
        entries = []
        for line in lines:
            if not line.strip() or line.lower().startswith(_TOTAL):
                continue
            try:
                name, info = parse(self._as_utf8(line))
                info.setdefault("type", "unknown")
            except (ValueError, KeyError, IndexError) as error:
                logger.warning("a line of the listing of %s is skipped: %s", directory, printable(str(error)))
                continue
            if str(name) in (".", "..") or info["type"] in ("cdir", "pdir"):  # RFC 3659 7.5.1: these may have paths
                continue
            if is_listable(str(name)):
                entries.append((directory / name, info))
            else:
                # Whoever downloads it could be made to write anywhere.
                logger.warning(
                    "%s in the listing of %s is skipped: it is no name", printable(repr(str(name))), directory
                )
        return entries

    def _as_utf8(self, line: bytes) -> bytes:
        """A line for the parsers, which know one encoding."""
        if self.encoding.lower() in ("utf-8", "utf8"):
            return line
        return line.decode(self.encoding, "surrogateescape").encode("utf-8", "surrogateescape")

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

        A server without MLST is asked for the listing of the directory that the path is in.

        Raises:
            StatusCodeError: There is no such path (550).
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
        return info

    async def _stat_by_listing(self, path: PurePosixPath) -> Info:
        if ".." in path.parts or not path.name:
            here = await self.get_current_directory()
            path = PurePosixPath(posixpath.normpath(here / path))
        if not path.name:
            return {"type": "dir"}
        for found, info in await self.list(path.parent):
            if found.name == path.name:
                return info
        raise StatusCodeError("2xx", Code("550"), [f" {path.name} is not in the listing of {path.parent}"])

    async def exists(self, path: RemotePath) -> bool:
        """Say whether there is something at a path."""
        return await self._type_of(path) is not None

    async def is_file(self, path: RemotePath) -> bool:
        """Say whether there is a file at a path; False when there is nothing."""
        return await self._type_of(path) == "file"

    async def is_dir(self, path: RemotePath) -> bool:
        """Say whether there is a directory at a path; False when there is nothing."""
        return await self._type_of(path) in ("dir", "cdir", "pdir")

    async def _type_of(self, path: RemotePath) -> str | None:
        try:
            kind: str = (await self.stat(path))["type"]
        except StatusCodeError as error:
            if error.received_codes[0] != "550":
                raise
            return None
        return kind

    async def get_current_directory(self) -> PurePosixPath:
        """The directory to which relative paths belong.

        Source: RFC 959 4.1.3, PWD.
        """
        _, info = await self.ask("PWD", "257")
        return self.parse_directory_response(info[-1])
