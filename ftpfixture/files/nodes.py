"""Nodes of a tree of files in memory.

One rule: nodes only hold data; the tree changes them.
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
    """The common base of files, directories and links.

    Attributes:
        mode: Permission bits; stored, not enforced.
        inode: Number within the tree.
        modify: POSIX seconds.
        create: POSIX seconds.
        access: POSIX seconds; reading does not change it.
        owner: Name.
        group: Name.
        nlink: Number of names of this node: 1; for a directory 2, and 1 for each directory in it.
    """

    mode: int
    inode: int
    modify: float
    create: float
    access: float
    owner: str = field(default="ftp", kw_only=True)
    group: str = field(default="ftp", kw_only=True)
    nlink: int = field(default=1, kw_only=True)

    # The names of `os.stat`, so that a node can be used as its description, which takes longer to make.

    @property
    def st_mtime(self) -> float:
        """Modification time, in POSIX seconds."""
        return self.modify

    @property
    def st_birthtime(self) -> float:
        """Creation time, in POSIX seconds."""
        return self.create

    @property
    def st_nlink(self) -> int:
        """Number of names."""
        return self.nlink

    @property
    def st_ino(self) -> int:
        """Number within the tree."""
        return self.inode


@dataclass(slots=True, eq=False)
class FileNode(_Node):
    """A file; `content` holds its bytes."""

    content: Content

    @property
    def st_size(self) -> int:
        """Size of the content, in bytes."""
        return self.content.size

    @property
    def st_mode(self) -> int:
        """Type and permission bits."""
        return stat.S_IFREG | self.mode


@dataclass(slots=True, eq=False)
class DirectoryNode(_Node):
    """A directory; `children` maps names to nodes, in the order in which they were added."""

    children: dict[str, Node] = field(default_factory=dict, repr=False)

    @property
    def st_size(self) -> int:
        """0: a directory has no content."""
        return 0

    @property
    def st_mode(self) -> int:
        """Type and permission bits."""
        return stat.S_IFDIR | self.mode


@dataclass(slots=True, eq=False)
class LinkNode(_Node):
    """A symbolic link to `target`: absolute, or relative to the directory of the link."""

    target: PurePosixPath

    @property
    def st_size(self) -> int:
        """Length of the target, in bytes."""
        return len(os.fsencode(self.target))

    @property
    def st_mode(self) -> int:
        """Type and permission bits."""
        return stat.S_IFLNK | self.mode


Node = FileNode | DirectoryNode | LinkNode


class MemoryStats(NamedTuple):
    """The result of `stat` for a node; times are POSIX seconds with fractions."""

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
    """Return the current result of `stat` for a node."""
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
    """The result of following a path: its names after links are followed, and the node of each, or None."""

    __slots__ = ("followed", "names", "trail")

    def __init__(self, root: DirectoryNode) -> None:
        self.names: list[str] = []
        self.trail: list[Node | None] = [root]
        self.followed = 0

    @property
    def node(self) -> Node | None:
        """The node at the end; None for a missing file."""
        return self.trail[-1]

    def directory(self) -> DirectoryNode:
        """Return the directory that the last name is in.

        Raises:
            OSError: It is missing, or this is "/", which has no directory (EBUSY).
        """
        if not self.names:
            raise self.error(errno.EBUSY)
        parent = self.trail[-2]
        if not isinstance(parent, DirectoryNode):
            raise self.missing()
        return parent

    def existing(self) -> Node:
        """Return the node itself.

        Raises:
            OSError: It is missing.
        """
        if self.node is None:
            raise self.missing()
        return self.node

    def missing(self) -> OSError:
        """Return the error for a path that does not exist."""
        below_file = any(isinstance(node, FileNode) for node in self.trail[:-1])
        return self.error(errno.ENOTDIR if below_file else errno.ENOENT)

    def error(self, code: int) -> OSError:
        """Return an error about this path; OSError picks the subclass."""
        return OSError(code, os.strerror(code), "/" + "/".join(self.names))
