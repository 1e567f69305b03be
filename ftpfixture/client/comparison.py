"""The comparison of two trees: what to copy, what to delete, and what to remove before copying.

One rule: an entry is never deleted because its listing line was not understood, or because it could not be copied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ftpfixture.client.reading import folded
from ftpfixture.client.unread import UnreadEntry

__all__ = ["Item", "Mirrored", "Report", "Tree", "conflicting", "forget", "surplus_of", "without"]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a mirror did to make two trees equal; paths are relative to both roots, sorted.

    Attributes:
        transferred: Files that were copied.
        unchanged: Files that were equal already.
        deleted: Files and directories that were removed, without the content of removed directories.
        left_out: Entries of the source that were not copied: links to a directory above themselves, entries that are no
            file and lead to none, names that are no local file name, and dot files that LIST hides. An entry of the
            same name on the other side is not deleted.
        unread: Lines of the server's listings that were not understood; their entries were neither copied nor compared.
    """

    transferred: tuple[PurePosixPath, ...]
    unchanged: tuple[PurePosixPath, ...]
    deleted: tuple[PurePosixPath, ...]
    left_out: tuple[PurePosixPath, ...] = ()
    unread: tuple[UnreadEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a tree.

    Attributes:
        kind: As in `Found`.
        size: Bytes; None when unknown.
        modified: POSIX seconds; None when unknown.
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
        """Whether it is certainly a directory or a file."""
        return self.kind in ("dir", "file")

    def differs_from(self, other: Item | None) -> bool:
        """Whether this file must be copied over the other."""
        if other is None or other.kind != "file" or self.size is None or other.size != self.size:
            return True
        return self.modified is not None and other.modified is not None and self.modified > other.modified


Tree = dict[PurePosixPath, Item]
"""The entries of a tree by their path relative to its root."""


@dataclass(slots=True)
class Report:
    """What a mirror did so far."""

    transferred: list[PurePosixPath] = field(default_factory=list)
    unchanged: list[PurePosixPath] = field(default_factory=list)
    left_out: list[PurePosixPath] = field(default_factory=list)

    def result(self, deleted: list[PurePosixPath], unread: tuple[UnreadEntry, ...]) -> Mirrored:
        """The finished report."""
        return Mirrored(
            tuple(self.transferred), tuple(self.unchanged), tuple(deleted), tuple(sorted(self.left_out)), unread
        )


def surplus_of(wanted: Tree, there: Tree, kinds: Container[str]) -> list[PurePosixPath]:
    """The names to delete: they are not wanted, or have the wrong kind; without the content of such directories.

    The name of an entry that could not be copied stays on the other side, with everything below it.
    """
    kept = {name for name, item in wanted.items() if item.left_out or not item.is_known}
    names = {name for name, item in there.items() if item.kind in kinds and _is_surplus(name, item, wanted, kept)}
    return sorted(name for name in names if names.isdisjoint(name.parents))


def _is_surplus(name: PurePosixPath, item: Item, wanted: Tree, kept: set[PurePosixPath]) -> bool:
    if name in kept or not kept.isdisjoint(name.parents):
        return False
    return name not in wanted or wanted[name].kind != item.kind


async def conflicting(
    surplus: list[PurePosixPath], wanted: Tree, there: Tree, exists: Callable[[PurePosixPath], Awaitable[bool]]
) -> list[PurePosixPath]:
    """The surplus that must be removed before files are copied; the rest is removed when all files have arrived.

    Either the name is wanted for another kind, or the other side treats it as equal to a wanted name: then the wanted
    name exists there, although no listing has it.
    """
    spellings: dict[tuple[str, ...], list[PurePosixPath]] = {}
    for name in wanted.keys() - there.keys():
        spellings.setdefault(_folded_path(name), []).append(name)
    conflicts = []
    for name in surplus:
        if name in wanted or any([await exists(other) for other in spellings.get(_folded_path(name), ())]):
            conflicts.append(name)
    return conflicts


def _folded_path(name: PurePosixPath) -> tuple[str, ...]:
    return tuple(folded(part) for part in name.parts)


def without(names: list[PurePosixPath], others: list[PurePosixPath]) -> list[PurePosixPath]:
    """The names that are not in `others`."""
    excluded = frozenset(others)
    return [name for name in names if name not in excluded]


def forget(tree: Tree, name: PurePosixPath) -> None:
    """Delete a name from a tree, with everything below it."""
    for removed in [other for other in tree if other == name or name in other.parents]:
        del tree[removed]
