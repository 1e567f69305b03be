"""Two trees compared: what must be copied, what is too much, and what is in the way.

One rule: nothing is taken for too much because it was not understood, or could not be copied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ftpfixture.client.reading import folded
from ftpfixture.client.unread import UnreadEntry

__all__ = ["Item", "Mirrored", "Report", "Tree", "forget", "in_the_way", "surplus_of", "without"]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What was done to make two trees equal; paths are relative to both, in the order of the alphabet.

    Attributes:
        transferred: Files that were copied.
        unchanged: Files that were not.
        deleted: Files and directories that were removed, those in removed directories not named.
        left_out: What is in the source and was not copied: it leads back to a directory above itself, is no file or
            leads to none, has a name that is no file name here, or is a dot file that LIST hides. What has the same
            name on the other side is not deleted.
        unread: Lines of the server's listings that were not understood: what they tell of was neither copied nor
            compared.
    """

    transferred: tuple[PurePosixPath, ...]
    unchanged: tuple[PurePosixPath, ...]
    deleted: tuple[PurePosixPath, ...]
    left_out: tuple[PurePosixPath, ...] = ()
    unread: tuple[UnreadEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """Something in a tree.

    Attributes:
        kind: As in `Found`.
        size: Bytes; None when nobody knows.
        modified: POSIX seconds; None when nobody knows.
        left_out: Why it is not copied; "" when it is.
        listed_as: Its kind in the listing, which may be a link to this file.
    """

    kind: str
    size: int | None = None
    modified: int | None = None
    left_out: str = ""
    listed_as: str = "file"

    @property
    def is_known(self) -> bool:
        """Whether it is a directory or a file."""
        return self.kind in ("dir", "file")

    def differs_from(self, other: Item | None) -> bool:
        """Say whether this file must be copied over the other."""
        if other is None or other.kind != "file" or self.size is None or other.size != self.size:
            return True
        return self.modified is not None and other.modified is not None and self.modified > other.modified


Tree = dict[PurePosixPath, Item]
"""What is in a tree, by its path from the root of the tree."""


@dataclass(slots=True)
class Report:
    """What was done so far."""

    transferred: list[PurePosixPath] = field(default_factory=list)
    unchanged: list[PurePosixPath] = field(default_factory=list)
    left_out: list[PurePosixPath] = field(default_factory=list)

    def result(self, deleted: list[PurePosixPath], unread: tuple[UnreadEntry, ...]) -> Mirrored:
        """All of it."""
        return Mirrored(
            tuple(self.transferred), tuple(self.unchanged), tuple(deleted), tuple(sorted(self.left_out)), unread
        )


def surplus_of(wanted: Tree, there: Tree, kinds: Container[str]) -> list[PurePosixPath]:
    """What is too much, or of the wrong kind; of a directory that is, not what is in it.

    What could not be copied keeps its name on the other side, whatever is there, with all that is below it.
    """
    kept = {name for name, item in wanted.items() if item.left_out or not item.is_known}
    names = {name for name, item in there.items() if item.kind in kinds and _is_surplus(name, item, wanted, kept)}
    return sorted(name for name in names if names.isdisjoint(name.parents))


def _is_surplus(name: PurePosixPath, item: Item, wanted: Tree, kept: set[PurePosixPath]) -> bool:
    if name in kept or not kept.isdisjoint(name.parents):
        return False
    return name not in wanted or wanted[name].kind != item.kind


async def in_the_way(
    surplus: list[PurePosixPath], wanted: Tree, there: Tree, exists: Callable[[PurePosixPath], Awaitable[bool]]
) -> list[PurePosixPath]:
    """What must be removed before anything is copied; all else is removed when everything has arrived.

    Its name is wanted for another kind, or the other side takes it for a name that is wanted: that one exists there,
    though no listing has it.
    """
    spellings: dict[tuple[str, ...], list[PurePosixPath]] = {}
    for name in wanted.keys() - there.keys():
        spellings.setdefault(_folded_path(name), []).append(name)
    found = []
    for name in surplus:
        if name in wanted or any([await exists(other) for other in spellings.get(_folded_path(name), ())]):
            found.append(name)
    return found


def _folded_path(name: PurePosixPath) -> tuple[str, ...]:
    return tuple(folded(part) for part in name.parts)


def without(names: list[PurePosixPath], others: list[PurePosixPath]) -> list[PurePosixPath]:
    """The names that are not among the others."""
    left_out = frozenset(others)
    return [name for name in names if name not in left_out]


def forget(tree: Tree, name: PurePosixPath) -> None:
    """A name was removed, with all that was below it."""
    for gone in [other for other in tree if other == name or name in other.parents]:
        del tree[gone]
