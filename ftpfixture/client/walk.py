"""A walk through a tree, on the server or here, for whoever lists, copies, mirrors or removes one.

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
_NO_NAME_HERE = "it is no name here"
_NO_FILE = "it is no file, nor a link that leads to one"


class Listing(Protocol[P_co]):
    """What is in a directory."""

    @property
    def entries(self) -> Sequence[tuple[P_co, Info]]:
        """What was understood."""

    @property
    def unread(self) -> tuple[UnreadEntry, ...]:
        """The lines that were not."""


@dataclass(frozen=True, slots=True)
class Found(Generic[P]):
    """Something in a tree.

    Attributes:
        path: Where it is.
        name: From the root of the tree.
        local: Where it belongs on this side; None when nobody asked, or it must not be there.
        kind: "dir", "file", "link", or "unknown" for all else.
        info: What the listing tells.
        left_out: Why it is not gone into or brought; "" when it is.
    """

    path: P
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
class _Directory(Generic[P]):
    path: P
    name: PurePosixPath
    local: PurePath | None
    above: frozenset[str]  # those that lie above it, by the fact `unique`, as far as it is told


class Walk(Generic[P]):
    """Goes through a tree, of which the root itself is not given.

    A directory is listed when what is in it is wanted, and not before; so whoever goes through may use the client.

    Args:
        list_directory: Lists a directory.
        root: Where to begin.
        into: The directory on this side to which the root belongs; None when nothing is brought.
        recursive: Go into directories.
        deep: Go into each where it stands. Otherwise those of one level come before those below.
        unique: The fact `unique` of the root, where it is known.
        others: Why what is neither directory, file nor link is left out; "" when it may be a file all the same.
        tell: Told of lines that were not understood, of each directory that has some.

    Attributes:
        unread: Those lines, of all directories so far.
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
        tell: Callable[[tuple[UnreadEntry, ...]], object] | None = None,
    ) -> None:
        self.unread: tuple[UnreadEntry, ...] = ()
        self._list_directory = list_directory
        self._recursive = recursive
        self._deep = deep
        self._others = others
        self._tell = tell
        self._ahead: deque[_Directory[P] | tuple[Found[P], _Directory[P]]] = deque()
        self._ahead.append(_Directory(root, PurePosixPath(), into, frozenset({unique} - {""})))

    def __aiter__(self) -> Walk[P]:
        return self

    async def __anext__(self) -> Found[P]:
        while self._ahead:
            match self._ahead.popleft():
                case _Directory() as directory:
                    await self._look_into(directory)
                case found, parent:
                    if self._recursive and found.kind == "dir" and not found.left_out:
                        self._go_on(found, parent)
                    return found
        raise StopAsyncIteration

    async def _look_into(self, directory: _Directory[P]) -> None:
        listing = await self._list_directory(directory.path)
        found = [(self._judged(directory, path, info), directory) for path, info in listing.entries]
        if self._deep:
            self._ahead.extendleft(reversed(found))
        else:
            self._ahead.extend(found)
        if listing.unread:
            self.unread += listing.unread
            if self._tell is not None:
                self._tell(listing.unread)

    def _go_on(self, found: Found[P], parent: _Directory[P]) -> None:
        unique = {found.info["unique"]} if found.info.get("unique") else set()
        directory = _Directory(found.path, found.name, found.local, parent.above | unique)
        if self._deep:
            self._ahead.appendleft(directory)
        else:
            self._ahead.append(directory)

    def _judged(self, parent: _Directory[P], path: P, info: Info) -> Found[P]:
        kind = info["type"] if info["type"] in _KINDS else "unknown"
        local = None if parent.local is None else child_of(parent.local, path.name)
        left_out = ""
        if kind == "dir" and info.get("unique") in parent.above:  # MLSD may show a link as the directory it leads to
            left_out = _LEADS_BACK
        elif parent.local is not None and local is None:
            left_out = _NO_NAME_HERE
        elif kind == "unknown":
            left_out = self._others
        return Found(path, parent.name / path.name, local, kind, info, left_out)


async def walk_here(path_io: AbstractPathIO, root: PurePath) -> Walk[PurePath]:
    """A walk through a tree on this side, into each directory where it stands."""
    unique = await unique_here(path_io, root)
    return Walk(partial(list_here, path_io), root, deep=True, unique=unique, others=_NO_FILE)
