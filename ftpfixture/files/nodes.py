"""What stands in a tree of files in memory.

One rule: nodes only hold; what may be done to them is up to the tree.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from ftpfixture.files.content import Content

__all__ = ["DirectoryNode", "FileNode", "LinkNode", "MemoryStats", "Node", "Place", "describe"]


@dataclass(slots=True, eq=False)
class _Node:
    """What files, directories and links have in common.

    Attributes:
        mode: Permission bits; stored, not enforced.
        inode: Number within the tree.
        modify: POSIX seconds.
        create: POSIX seconds.
        access: POSIX seconds; reading does not change it.
        owner: Name.
        group: Name.
        nlink: Names that lead here: 1, or for a directory 2 and 1 for each directory in it.
    """

    mode: int
    inode: int
    modify: float
    create: float
    access: float
    owner: str = field(default="ftp", kw_only=True)
    group: str = field(default="ftp", kw_only=True)
    nlink: int = field(default=1, kw_only=True)

    # What `os.stat` calls these, so that a node can be looked at like its description, which takes a while to make.

    @property
    def st_mtime(self) -> float:
        """See MemoryStats."""
        return self.modify

    @property
    def st_birthtime(self) -> float:
        """See MemoryStats."""
        return self.create

    @property
    def st_nlink(self) -> int:
        """See MemoryStats."""
        return self.nlink

    @property
    def st_ino(self) -> int:
        """See MemoryStats."""
        return self.inode


@dataclass(slots=True, eq=False)
class FileNode(_Node):
    """A file; `content` is what it holds."""

    content: Content

    @property
    def st_size(self) -> int:
        """See MemoryStats."""
        return self.content.size

    @property
    def st_mode(self) -> int:
        """See MemoryStats."""
        return stat.S_IFREG | self.mode


@dataclass(slots=True, eq=False)
class DirectoryNode(_Node):
    """A directory; `children` are by name, in the order in which they came."""

    children: dict[str, Node] = field(default_factory=dict, repr=False)

    @property
    def st_size(self) -> int:
        """See MemoryStats."""
        return 0

    @property
    def st_mode(self) -> int:
        """See MemoryStats."""
        return stat.S_IFDIR | self.mode


@dataclass(slots=True, eq=False)
class LinkNode(_Node):
    """A symbolic link to `target`: absolute, or relative to the directory of the link."""

    target: PurePosixPath

    @property
    def st_size(self) -> int:
        """See MemoryStats."""
        return len(os.fsencode(self.target))

    @property
    def st_mode(self) -> int:
        """See MemoryStats."""
        return stat.S_IFLNK | self.mode


Node = FileNode | DirectoryNode | LinkNode


class MemoryStats(NamedTuple):
    """What `stat` tells of a node; times are POSIX seconds with their fraction."""

    st_size: int
    st_ctime: float
    st_mtime: float
    st_nlink: int
    st_mode: int
    st_atime: float
    st_birthtime: float
    st_ino: int
    owner: str
    group: str


def describe(node: Node) -> MemoryStats:
    """Return what `stat` tells of a node, as it is now."""
    return MemoryStats(
        node.st_size,
        node.create,
        node.modify,
        node.nlink,
        node.st_mode,
        node.access,
        node.create,
        node.inode,
        node.owner,
        node.group,
    )


class Place:
    """Where a path leads: its names once links are followed, and the node of each, None where there is nothing."""

    __slots__ = ("followed", "names", "trail")

    def __init__(self, root: DirectoryNode) -> None:
        self.names: list[str] = []
        self.trail: list[Node | None] = [root]
        self.followed = 0

    @property
    def node(self) -> Node | None:
        """The node at the end; None where there is nothing."""
        return self.trail[-1]

    def directory(self) -> DirectoryNode:
        """The directory that the last name is in.

        Raises:
            OSError: There is none, or this is "/", which is in none (EBUSY).
        """
        if not self.names:
            raise self.error(errno.EBUSY)
        parent = self.trail[-2]
        if not isinstance(parent, DirectoryNode):
            raise self.missing()
        return parent

    def existing(self) -> Node:
        """The node itself.

        Raises:
            OSError: There is none.
        """
        if self.node is None:
            raise self.missing()
        return self.node

    def missing(self) -> OSError:
        """The error for a path that leads nowhere."""
        below_file = any(isinstance(node, FileNode) for node in self.trail[:-1])
        return self.error(errno.ENOTDIR if below_file else errno.ENOENT)

    def error(self, code: int) -> OSError:
        """An error about this path; OSError picks the subclass."""
        return OSError(code, os.strerror(code), "/" + "/".join(self.names))
