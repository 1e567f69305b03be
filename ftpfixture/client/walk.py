"""The walk through a tree, remote or local, that listing, copying, mirroring and removing share.

One rule: every operation walks a tree in the same way. On the server:

- A link is what its listing shows. MLSD of many servers shows a link to a directory as that directory, and the walk
  enters it. Where it is shown as a link (LIST, ``type=OS.unix=slink``), it is downloaded as the file that it leads to,
  and not entered.
- A directory that leads back to one above itself, by the fact `unique`, is not entered.
- A name that is no plain local file name is not downloaded, nor is anything below it.
- An entry that is neither file, directory nor link may be a file: a download is tried.

Local links are treated as their targets, and a directory that leads back to one above itself is not entered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import Generic, Protocol, TypeVar

from ftpfixture.client.local import child_of, list_here, unique_here
from ftpfixture.client.parsers import Info
from ftpfixture.client.reading import known_size
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.files.base import AbstractPathIO

__all__ = ["Found", "Walk", "walk_here"]

P = TypeVar("P", bound=PurePath)
P_co = TypeVar("P_co", bound=PurePath, covariant=True)

_KINDS = frozenset({"dir", "file", "link"})
_LEADS_BACK = "it leads to a directory above itself"
_NO_LOCAL_NAME = "it is no local name"
_NO_FILE = "it is no file, nor a link that leads to one"


class Listing(Protocol[P_co]):
    """The content of a directory."""

    @property
    def entries(self) -> Sequence[tuple[P_co, Info]]:
        """The entries that were understood."""

    @property
    def unread(self) -> tuple[UnreadEntry, ...]:
        """The lines that were not understood."""


@dataclass(frozen=True, slots=True)
class Found(Generic[P]):
    """An entry of a tree.

    Attributes:
        path: Its path.
        name: Its path relative to the root of the tree.
        local: Its local path for a download; None without a download, or when its name is not allowed locally.
        kind: "dir", "file", "link", or "unknown" for everything else.
        info: Its facts in the listing.
        left_out: Why it is not entered or downloaded; "" when it is.
    """

    path: P
    name: PurePosixPath
    local: PurePath | None
    kind: str
    info: Info
    left_out: str = ""

    @property
    def size(self) -> int | None:
        """The size in bytes; None when the listing does not have it, or has that of the link itself."""
        return None if self.kind == "link" else known_size(self.info)


@dataclass(frozen=True, slots=True)
class _Directory(Generic[P]):
    path: P
    name: PurePosixPath
    local: PurePath | None
    above: frozenset[str]  # the directories above it, by the fact `unique` where it is known


class Walk(Generic[P]):
    """Iterates over the entries of a tree, without the root itself.

    A directory is listed only when its entries are requested, so the caller may use the client during the iteration.

    Args:
        list_directory: Lists a directory.
        root: The root of the tree.
        into: The local directory into which the root is downloaded; None without a download.
        recursive: Enter directories.
        deep: Walk depth first. Otherwise level by level.
        unique: The fact `unique` of the root, if known.
        others: Why entries that are neither directory, file nor link are left out; "" when they may be files.
        on_unread: Called with the lines that were not understood, once for each directory that has some.

    Attributes:
        unread: The lines that were not understood, of all directories so far.
    """

    def __init__(
        self,
        list_directory: Callable[[P], Awaitable[Listing[P]]],
        root: P,
        into: PurePath | None = None,
        *,
        recursive: bool = True,
        deep: bool = False,
        unique: str = "",
        others: str = "",
        on_unread: Callable[[tuple[UnreadEntry, ...]], object] | None = None,
    ) -> None:
        self.unread: tuple[UnreadEntry, ...] = ()
        self._list_directory = list_directory
        self._recursive = recursive
        self._deep = deep
        self._others = others
        self._on_unread = on_unread
        self._pending: deque[_Directory[P] | tuple[Found[P], _Directory[P]]] = deque()
        self._pending.append(_Directory(root, PurePosixPath(), into, frozenset({unique} - {""})))

    def __aiter__(self) -> Walk[P]:
        return self

    async def __anext__(self) -> Found[P]:
        while self._pending:
            match self._pending.popleft():
                case _Directory() as directory:
                    await self._list(directory)
                case found, parent:
                    if self._recursive and found.kind == "dir" and not found.left_out:
                        self._enter(found, parent)
                    return found
        raise StopAsyncIteration

    async def _list(self, directory: _Directory[P]) -> None:
        listing = await self._list_directory(directory.path)
        found = [(self._classified(directory, path, info), directory) for path, info in listing.entries]
        if self._deep:
            self._pending.extendleft(reversed(found))
        else:
            self._pending.extend(found)
        if listing.unread:
            self.unread += listing.unread
            if self._on_unread is not None:
                self._on_unread(listing.unread)

    def _enter(self, found: Found[P], parent: _Directory[P]) -> None:
        unique = {found.info["unique"]} if found.info.get("unique") else set()
        directory = _Directory(found.path, found.name, found.local, parent.above | unique)
        if self._deep:
            self._pending.appendleft(directory)
        else:
            self._pending.append(directory)

    def _classified(self, parent: _Directory[P], path: P, info: Info) -> Found[P]:
        kind = info["type"] if info["type"] in _KINDS else "unknown"
        local = None if parent.local is None else child_of(parent.local, path.name)
        left_out = ""
        if kind == "dir" and info.get("unique") in parent.above:  # MLSD may show a link as the directory it leads to
            left_out = _LEADS_BACK
        elif parent.local is not None and local is None:
            left_out = _NO_LOCAL_NAME
        elif kind == "unknown":
            left_out = self._others
        return Found(path, parent.name / path.name, local, kind, info, left_out)


async def walk_here(path_io: AbstractPathIO, root: PurePath) -> Walk[PurePath]:
    """A walk through a local tree, depth first."""
    unique = await unique_here(path_io, root)
    return Walk(partial(list_here, path_io), root, deep=True, unique=unique, others=_NO_FILE)
