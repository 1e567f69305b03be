"""Trees, on the server and here: what is in them, for whoever lists, copies, mirrors or removes one.

One rule: everybody goes through a tree in the same way. On the server:

- A link is what its listing says. MLSD of many servers shows a link to a directory as that directory, and it is gone
  into; where it is shown as a link (LIST, ``type=OS.unix=slink``), it is brought as the file that it leads to, and is
  not gone into.
- A directory that leads back to one above itself, by the fact `unique`, is not gone into.
- A name that is no plain file name on this side is not brought, nor is what is below it.
- What is neither file, directory nor link may be a file, and is tried.

Here links are what they lead to, and a directory that leads back to one above itself is not gone into.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from ftpfixture.client.parsers import Info
from ftpfixture.client.reading import DirectoryListing, known_size
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.files.base import AbstractPathIO

__all__ = ["Found", "Here", "Walk", "child_of", "walk_here"]

ListDirectory = Callable[[PurePosixPath], Awaitable[DirectoryListing]]
"""Lists a directory of the server."""

_KINDS = frozenset({"dir", "file", "link"})
_LEADS_BACK = "it leads to a directory above itself"
_NO_NAME_HERE = "it is no name here"
_NO_FILE = "it is no file, nor a link that leads to one"


@dataclass(frozen=True, slots=True)
class Found:
    """Something in a tree of the server.

    Attributes:
        path: On the server.
        name: From the root of the tree.
        local: Where it belongs on this side; None when nobody asked, or it must not be there.
        kind: "dir", "file", "link", or "unknown" for all else.
        info: What the listing tells.
        left_out: Why it is not gone into or brought; "" when it is.
    """

    path: PurePosixPath
    name: PurePosixPath
    local: PurePath | None
    kind: str
    info: Info
    left_out: str = ""

    @property
    def size(self) -> int | None:
        """Bytes; None when the listing does not tell, or tells those of the link itself."""
        return None if self.kind == "link" else known_size(self.info)


@dataclass(frozen=True, slots=True)
class _Directory:
    path: PurePosixPath
    name: PurePosixPath
    local: PurePath | None
    above: frozenset[str]  # those that lie above it, by the fact `unique`, as far as it is told


class Walk:
    """Goes through a tree of the server, of which the root itself is not given.

    A directory is listed when what is in it is wanted, and not before; so whoever goes through may use the client.

    Args:
        list_directory: Lists a directory.
        root: Where to begin.
        into: The directory on this side to which the root belongs; None when nothing is brought.
        recursive: Go into directories.
        deep: Go into each where it stands. Otherwise those of one level come before those below.
        tell: Told of lines that were not understood, of each directory that has some.

    Attributes:
        unread: Those lines, of all directories so far.
    """

    def __init__(
        self,
        list_directory: ListDirectory,
        root: PurePosixPath,
        into: PurePath | None = None,
        *,
        recursive: bool = True,
        deep: bool = False,
        tell: Callable[[tuple[UnreadEntry, ...]], object] | None = None,
    ) -> None:
        self.unread: tuple[UnreadEntry, ...] = ()
        self._list_directory = list_directory
        self._recursive = recursive
        self._deep = deep
        self._tell = tell
        self._ahead: deque[_Directory | tuple[Found, _Directory]] = deque()
        self._ahead.append(_Directory(root, PurePosixPath(), into, frozenset()))

    def __aiter__(self) -> Walk:
        return self

    async def __anext__(self) -> Found:
        while self._ahead:
            match self._ahead.popleft():
                case _Directory() as directory:
                    await self._look_into(directory)
                case found, parent:
                    if self._recursive and found.kind == "dir" and not found.left_out:
                        self._go_on(found, parent)
                    return found
        raise StopAsyncIteration

    async def _look_into(self, directory: _Directory) -> None:
        listing = await self._list_directory(directory.path)
        found = [(_judged(directory, path, info), directory) for path, info in listing.entries]
        if self._deep:
            self._ahead.extendleft(reversed(found))
        else:
            self._ahead.extend(found)
        if listing.unread:
            self.unread += listing.unread
            if self._tell is not None:
                self._tell(listing.unread)

    def _go_on(self, found: Found, parent: _Directory) -> None:
        unique = {found.info["unique"]} if found.info.get("unique") else set()
        directory = _Directory(found.path, found.name, found.local, parent.above | unique)
        if self._deep:
            self._ahead.appendleft(directory)
        else:
            self._ahead.append(directory)


def _judged(parent: _Directory, path: PurePosixPath, info: Info) -> Found:
    kind = info["type"] if info["type"] in _KINDS else "unknown"
    local = None if parent.local is None else child_of(parent.local, path.name)
    left_out = ""
    if kind == "dir" and info.get("unique") in parent.above:  # MLSD may show a link as the directory that it leads to
        left_out = _LEADS_BACK
    elif parent.local is not None and local is None:
        left_out = _NO_NAME_HERE
    return Found(path, parent.name / path.name, local, kind, info, left_out)


# Names on this side.

_UNFIT_FOR_WINDOWS = re.compile(r'[\x00-\x1f<>:"/\\|?*]|[ .]\Z')
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL)


def child_of(directory: PurePath, name: str) -> PurePath | None:
    """The path of a name in a directory on this side; None when it would be elsewhere, or be something else.

    Paths of Windows have separators, drives, streams (``a:b``), devices (``NUL.txt``) and ends of names (``a.``) of
    their own, which a name of a server may hold.
    """
    if name in ("", ".", "..") or "\0" in name:
        return None
    if isinstance(directory, PureWindowsPath) and (_UNFIT_FOR_WINDOWS.search(name) or _DEVICES.fullmatch(name)):
        return None
    inside = directory / name
    return inside if inside.parent == directory and inside.name == name else None


# Trees on this side.


@dataclass(frozen=True, slots=True)
class Here:
    """Something in a tree on this side.

    Attributes:
        path: On this side.
        name: From the root of the tree; the root has no name.
        is_dir: Whether it is a directory, or a link to one.
        left_out: Why it is not sent; "" when it is.
    """

    path: PurePath
    name: PurePosixPath
    is_dir: bool
    left_out: str = ""


async def walk_here(path_io: AbstractPathIO, root: PurePath) -> AsyncGenerator[Here, None]:
    """Go through a tree on this side, the root first, and each directory before what is in it."""
    ahead: list[tuple[PurePath, PurePosixPath, tuple[PurePath, ...]]] = [(root, PurePosixPath(), ())]
    while ahead:
        path, name, above = ahead.pop()
        if await path_io.is_file(path):
            yield Here(path, name, False)
        elif not await path_io.is_dir(path):
            yield Here(path, name, False, _NO_FILE)
        elif (real := await path_io.resolve(path)) in above:
            yield Here(path, name, True, _LEADS_BACK)
        else:
            yield Here(path, name, True)
            below = sorted(await path_io.list(path), reverse=True)
            ahead.extend((inside, name / inside.name, (*above, real)) for inside in below)
