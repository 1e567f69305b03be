"""Listings of directories, and the facts of one path.

Two rules: a listing is read to its end before the first entry is given, so that the client is free for other commands
while the caller iterates. A line that was not understood is never taken for a missing entry: `list` reports it, and
`stat` asks about one path with other commands.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.checks import wrong
from ftpfixture.client.operations import NOT_IMPLEMENTED, Operations, RemotePath, Texts
from ftpfixture.client.parsers import Info, Parsers
from ftpfixture.client.queries import (
    absolute_current_directory,
    decode_listing,
    inside,
    proved_type_of,
    receive_listing,
    stat_by_other_commands,
)
from ftpfixture.client.reading import (
    DirectoryListing,
    Lines,
    Listed,
    folded,
    lines_of,
    parse_lines,
    parse_list,
    parse_mlsd,
    with_type,
)
from ftpfixture.client.session import retried
from ftpfixture.client.settings import Parser
from ftpfixture.client.unread import UnreadEntry, describe_unread
from ftpfixture.client.walk import Walk
from ftpfixture.errors import NotInListing, StatusCodeError
from ftpfixture.wire.listing import without_ends
from ftpfixture.wire.listing.entry import DIRECTORIES

__all__ = ["Lister", "ListingOperations", "certain_type_of", "list_directory", "warn_unread"]

logger = logging.getLogger("ftpfixture.client")


class Lister(AbstractAsyncLister[Listed]):
    """Lists a directory, and with `recursive` all directories below it: await it for a list, or iterate.

    Args:
        client: Sends the commands.
        path: The directory; the paths of the entries are ``path / name``.
        recursive: Also list the directories that are found, level by level.
        raw_command: "MLSD" or "LIST"; None for the first that the server has.

    Attributes:
        unread: The lines that were not understood so far, in all directories: their entries exist, and were not
            given.
    """

    def __init__(self, client: Operations, path: RemotePath, recursive: bool, raw_command: str | None) -> None:
        super().__init__(timeout=client.path_timeout)
        fetch = partial(list_directory, client, raw_command=raw_command)
        self._walk = Walk(fetch, PurePosixPath(path), recursive=recursive, on_unread=warn_unread)

    @property
    def unread(self) -> tuple[UnreadEntry, ...]:
        """The lines that were not understood."""
        return self._walk.unread

    async def __anext__(self) -> Listed:
        found = await anext(self._walk)
        return found.path, found.info


def warn_unread(unread: tuple[UnreadEntry, ...]) -> None:
    """Log a warning about lines that were not understood, if there are any."""
    if unread:
        logger.warning("%s", describe_unread(unread))


class ListingOperations:
    """Operations of a client that list directories and look up paths."""

    def list(
        self: Operations, path: RemotePath = "", *, recursive: bool = False, raw_command: str | None = None
    ) -> Lister:
        """List a directory: await it for a list of (path, info), or iterate over it with ``async for``.

        Paths are ``path / name``, so they are relative when `path` is; `info` is described at `Info`. Entries for the
        directory itself and its parent are left out. For a server without MLSD the client changes to the directory,
        sends LIST without a path, because LIST treats some paths as options or patterns, and changes back.

        Lines that are not understood, and names that contain a path, are left out. The client logs a warning, and
        `Lister.unread` has them: ``lister = client.list("/in"); entries = await lister; assert not lister.unread``.

        Args:
            path: The directory; "" for the current one.
            recursive: Also list the directories that are found, level by level.
            raw_command: "MLSD" or "LIST" to use only that.

        Raises:
            StatusCodeError: The directory does not exist (550), or may not be listed.
            ConfigurationError: `raw_command` is something else.
        """
        return Lister(self, path, recursive, raw_command)

    async def nlst(self: Operations, path: RemotePath = "") -> Texts:
        """The names in a directory, as the server sends them: some servers put the directory before each.

        "." and ".." are left out. Empty when the server replies 450, which means that there are none.

        Raises:
            StatusCodeError: The directory does not exist; some servers also reply 550 for an empty one.

        Source: RFC 959 4.1.3.
        """
        try:
            data = await receive_listing(self, f"NLST {path}" if str(path) else "NLST", "A")
        except StatusCodeError as error:
            if error.received_codes[0] != "450":
                raise
            return []
        return [name for name in without_ends(decode_listing(self, data).split("\n")) if name not in ("", ".", "..")]

    def parse_list_line(self: Operations, b: bytes) -> Listed:
        """Parse a line of LIST in any known format, and with `parse_list_line_custom`.

        Raises:
            ValueError: No parser understands it; the arguments are a text, the line, and the error of each parser.
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

    async def stat(self: Operations, path: RemotePath) -> Info:
        """The facts of a path, as described at `Info`; `type` is always present.

        For a server without MLST the client lists the parent directory. It also asks with CWD, SIZE, MDTM and NLST when
        the path may exist although the listing does not have it: the listing was refused, lines of it were not
        understood, the name begins with a dot (many servers hide those), or it differs from another name only in what
        some servers ignore, such as upper and lower case.

        Raises:
            StatusCodeError: The path does not exist (550); `NotInListing` when only the listing shows that.
            UnreadLinesError: It is unknown whether the path exists: lines of the listing were not understood, and the
                server answers no other command.
        """
        path = PurePosixPath(path)
        if self.control.traits.has_mlst:
            try:
                _, lines = await self.ask(f"MLST {path}", "2xx")
            except StatusCodeError as error:
                if error.received_codes[0] not in NOT_IMPLEMENTED:
                    raise
                self.control.traits.has_mlst = False
            else:
                return _facts(self, lines)
        return await _stat_by_listing(self, path)

    async def exists(self: Operations, path: RemotePath) -> bool:
        """Whether a path exists.

        Raises:
            UnreadLinesError: It is unknown, because lines of the listing were not understood.
        """
        return await _type_of(self, path) is not None

    async def is_file(self: Operations, path: RemotePath) -> bool:
        """Whether a path is a file; False when it does not exist.

        Raises:
            UnreadLinesError: It is unknown, because lines of the listing were not understood.
        """
        return await certain_type_of(self, path) == "file"

    async def is_dir(self: Operations, path: RemotePath) -> bool:
        """Whether a path is a directory; False when it does not exist.

        Raises:
            UnreadLinesError: It is unknown, because lines of the listing were not understood.
        """
        return await certain_type_of(self, path) in DIRECTORIES


async def list_directory(client: Operations, path: PurePosixPath, raw_command: str | None = None) -> DirectoryListing:
    """List a directory, with the retries of the client.

    Raises:
        StatusCodeError: The directory does not exist, or may not be listed.
        ValueError: `raw_command` is neither "MLSD" nor "LIST" nor None.
    """
    return await retried(client, partial(_list_once, client, path, raw_command))


async def _list_once(client: Operations, path: PurePosixPath, raw_command: str | None) -> DirectoryListing:
    command = raw_command.upper() if raw_command is not None else None
    if command not in (None, "MLSD", "LIST"):
        raise wrong("raw_command", "'MLSD', 'LIST' or None", raw_command)
    if command == "LIST" or (command is None and not client.control.traits.has_mlsd):
        return await _list(client, path)
    try:
        return await _mlsd(client, path)
    except StatusCodeError as error:
        if command is not None or error.received_codes[0] not in NOT_IMPLEMENTED:
            raise
    client.control.traits.has_mlsd = False
    return await _list(client, path)


async def _mlsd(client: Operations, path: PurePosixPath) -> DirectoryListing:
    lines = await _lines_of(client, f"MLSD {path}" if path.parts else "MLSD")
    return parse_mlsd(path, lines, client.parse_mlsx_line)


async def _list(client: Operations, path: PurePosixPath) -> DirectoryListing:
    if not path.parts:
        return _read(client, path, await _lines_of(client, "LIST"))
    async with client.control.lock:
        back = await absolute_current_directory(client)
        if back is None:
            return _read(client, path, await _lines_of(client, f"LIST {path}"))
        async with inside(client, path, back):
            lines = await _lines_of(client, "LIST")
    return _read(client, path, lines)


async def _lines_of(client: Operations, command: str) -> Lines:
    return lines_of(decode_listing(client, await receive_listing(client, command, "I")))


_LINE_READERS = {
    "parse_list_line": ListingOperations.parse_list_line,
    "parse_list_line_unix": Parsers.parse_list_line_unix,
    "parse_list_line_windows": Parsers.parse_list_line_windows,
    "parse_list_line_eplf": Parsers.parse_list_line_eplf,
}
"""The parsers of a line when neither a subclass nor an attribute of the client replaces them."""


def _read(client: Operations, path: PurePosixPath, lines: Lines) -> DirectoryListing:
    own, kind = vars(client), type(client)
    if any(own.get(name, getattr(kind, name)) is not reader for name, reader in _LINE_READERS.items()):
        return parse_lines(path, lines, client.parse_list_line)  # a subclass replaces the known formats
    custom, custom_first = client.parse_list_line_custom, client.parse_list_line_custom_first
    return parse_list(path, lines, custom, custom_first=custom_first)


def _facts(client: Operations, lines: Texts) -> Info:
    # The line between the first and the last; some servers send everything in one line.
    line = lines[1 if len(lines) > 2 else 0].lstrip(" -")
    _, info = client.parse_mlsx_line(line)
    return with_type(info)


async def _stat_by_listing(client: Operations, path: PurePosixPath) -> Info:
    if ".." in path.parts or not path.name:
        here = await client.get_current_directory()
        path = PurePosixPath(posixpath.normpath(here / path))
    if not path.name:
        return {"type": "dir"}
    try:
        listing = await list_directory(client, path.parent)
    except StatusCodeError as error:
        if not error.received_codes[0].startswith("5"):
            raise
        return await stat_by_other_commands(client, path, DirectoryListing(path.parent, (), ()), error)
    for found, info in listing.entries:
        if found.name == path.name:
            return info
    if _may_hide(listing, path):
        return await stat_by_other_commands(client, path, listing)
    raise NotInListing(path, f"the listing of {path.parent}")


def _may_hide(listing: DirectoryListing, path: PurePosixPath) -> bool:
    """Whether a path may exist although the listing does not have it."""
    name = folded(path.name)
    names = [folded(found.name) for found, _ in listing.entries]
    cut = len(names) == 1 and name.startswith(names[0])  # one line without an end may be complete or truncated
    return bool(listing.unread) or path.name.startswith(".") or name in names or cut


async def _type_of(client: Operations, path: RemotePath) -> str | None:
    try:
        kind: str = (await client.stat(path))["type"]
    except StatusCodeError as error:
        if error.received_codes[0] != "550":
            raise
        return None
    return kind


async def certain_type_of(client: Operations, path: RemotePath) -> str | None:
    """The type of a path; None when it does not exist.

    When the listing gives no type, other commands are tried.
    """
    kind = await _type_of(client, path)
    if kind == "unknown":
        return await proved_type_of(client, PurePosixPath(path))
    return kind
