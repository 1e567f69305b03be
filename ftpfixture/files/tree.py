"""The tree of files in memory: directories, files, links, and the operations of a file system.

One rule: every method leaves a consistent tree, or raises the OSError that a disk would raise.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator
from pathlib import PurePath, PurePosixPath

from ftpfixture.errors import PathIsNotAbsolute
from ftpfixture.files.content import Content, MemoryFile, Space, as_bytes
from ftpfixture.files.handles import check_mode
from ftpfixture.files.names import AS_THEY_COME, NamedNodes, NameRule
from ftpfixture.files.nodes import DirectoryNode, FileNode, LinkNode, MemoryStats, Node, Place, describe
from ftpfixture.untouched import wall_time

__all__ = ["MemoryFiles"]

# MAXSYMLINKS of Linux.
LINK_LIMIT = 40


class MemoryFiles:
    """A tree of files that any number of path layers may share. It has no lock: use it in one thread.

    Methods follow links, and raise PathIsNotAbsolute for a relative path.

    Args:
        quota: Bytes that all files together may hold; None for no limit.
        clock: Returns the time in POSIX seconds.
        names: Which names are one.

    Attributes:
        root: The directory "/".
        clock: As given.
        names: As given; `clear` follows when you change it.
    """

    def __init__(
        self, *, quota: int | None = None, clock: Callable[[], float] = wall_time, names: NameRule = AS_THEY_COME
    ) -> None:
        self.clock = clock
        self.names = names
        self._space = Space(quota)
        self._last_inode = 0
        self.root = self._new_directory()

    def __repr__(self) -> str:
        return f"<MemoryFiles {len(self.root.children)} in /, {self.used} bytes>"

    @property
    def quota(self) -> int | None:
        """Bytes that all files together may hold, None for no limit; you may change it at any time."""
        return self._space.quota

    @quota.setter
    def quota(self, quota: int | None) -> None:
        self._space.quota = quota

    @property
    def used(self) -> int:
        """Bytes that all files together hold."""
        return self._space.used

    @property
    def free(self) -> int:
        """Bytes left in the quota; a large number without one."""
        return self._space.free

    # Methods for owners of the tree, such as the server handle of a test.

    def lookup(self, path: str | PurePath, follow: bool = True) -> Node | None:
        """Return the node of a path, or None.

        Args:
            path: Absolute.
            follow: Return the target of a link at the end, not the link.
        """
        try:
            return self._trace(path, follow=follow).node
        except OSError:
            return None

    def walk(self) -> Iterator[tuple[PurePosixPath, Node]]:
        """Yield all paths and nodes but the root, a directory before its children; links are not followed."""
        ahead = [(PurePosixPath("/"), iter(list(self.root.children.items())))]
        while ahead:
            path, children = ahead[-1]
            for name, node in children:
                yield path / name, node
                if isinstance(node, DirectoryNode):
                    ahead.append((path / name, iter(list(node.children.items()))))
                    break
            else:
                ahead.pop()

    def read_file(self, path: str | PurePath) -> bytes:
        """Return the content of a file; a file in one chunk is not copied.

        Raises:
            OSError: The file is missing, or is a directory.
        """
        return self.open(path, "rb").read()

    def write_file(
        self,
        path: str | PurePath,
        data: bytes | bytearray | memoryview,
        *,
        parents: bool = True,
        modify: float | None = None,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> None:
        """Store a file; a `bytes` object is stored without a copy, in one chunk.

        Args:
            path: Absolute.
            data: Content.
            parents: Make missing parent directories.
            modify: POSIX seconds; None for now.
            mode: Permission bits; None for those it has, or 0o644.
            owner: Name; None for the one it has, or "ftp".
            group: Name, likewise.

        Raises:
            OSError: The path is a directory, a parent is not a directory, or the quota is used up.
        """
        data = as_bytes(data)
        place = self._trace(path)
        if parents and len(place.trail) > 1 and place.trail[-2] is None:
            self._make_missing(place, len(place.names) - 1)
        file = self.open(path, "wb")
        try:
            file.write(data)
        finally:
            file.close()
        self.set_times(path, modify=modify)
        self.chown(path, owner=owner, group=group)
        if mode is not None:
            self.chmod(path, mode)

    def make_directory(self, path: str | PurePath, parents: bool = True) -> None:
        """Make a directory; an existing directory stays as it is.

        Raises:
            OSError: The path or a parent is a file, or a parent is missing and `parents` is False.
        """
        self.mkdir(path, parents=parents, exist_ok=True)

    def make_link(self, path: str | PurePath, target: str | PurePath) -> None:
        """Make a symbolic link at `path`, to an absolute target or one relative to its directory; it need not exist.

        Raises:
            OSError: `path` exists already, or its directory does not.
        """
        place = self._trace(path, follow=False)
        if place.node is not None:
            raise place.error(errno.EEXIST)
        directory, now = place.directory(), self.clock()
        link = LinkNode(0o777, self._new_inode(), now, now, now, PurePosixPath(_slashed(target)))
        self._attach(directory, place.names[-1], link)

    def remove(self, path: str | PurePath) -> None:
        """Remove a file, a link, or a directory with its content; for "/" only the content.

        Raises:
            OSError: The path does not exist.
        """
        place = self._trace(path, follow=False)
        self._release(place.existing())
        if place.names:
            self._detach(place)
        else:
            self.root.children.clear()
            self.root.nlink = 2
            self.root.modify = self.clock()

    def clear(self) -> None:
        """Start again with an empty tree; the quota stays, and open files do not count in it any more."""
        self._space = Space(self.quota)
        self._last_inode = 0
        self.root = self._new_directory()

    # Methods for the path layer.

    def resolve(self, path: PurePath) -> PurePath:
        """Return the path with all links followed, even if its last parts do not exist, as the same class.

        Raises:
            OSError: ELOOP.
        """
        place = self._trace(path)
        if not place.followed and ".." not in path.parts:
            return path
        return type(path)(path.anchor, *place.names)

    def stat(self, path: str | PurePath, follow: bool = True) -> MemoryStats:
        """Describe a file, directory or link.

        Raises:
            OSError: It does not exist.
        """
        return describe(self._trace(path, follow=follow).existing())

    def mkdir(self, path: str | PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory.

        Args:
            path: Absolute.
            parents: Make missing parent directories.
            exist_ok: An existing directory is no error.

        Raises:
            OSError: See AbstractPathIO.mkdir.
        """
        place = self._trace(path, follow=False)
        if place.node is not None:
            if not exist_ok or not isinstance(self.lookup(path), DirectoryNode):
                raise place.error(errno.EEXIST)
            return
        if parents and place.trail[-2] is None and place.missing().errno == errno.ENOENT:
            # One parent after another as written: a dangling link among them is an error.
            names = _names(path)
            for depth in range(1, len(names)):
                self.mkdir("/" + "/".join(names[:depth]), exist_ok=True)
            place = self._trace(path, follow=False)
        self._attach(place.directory(), place.names[-1], self._new_directory())

    def rmdir(self, path: str | PurePath) -> None:
        """Remove an empty directory.

        Raises:
            OSError: See AbstractPathIO.rmdir; EBUSY for "/".
        """
        place = self._trace(path, follow=False)
        node = place.existing()
        if not isinstance(node, DirectoryNode):
            raise place.error(errno.ENOTDIR)
        if node is self.root:
            raise place.error(errno.EBUSY)
        if node.children:
            raise place.error(errno.ENOTEMPTY)
        self._detach(place)

    def unlink(self, path: str | PurePath) -> None:
        """Remove a file or a link.

        Raises:
            OSError: See AbstractPathIO.unlink.
        """
        place = self._trace(path, follow=False)
        node = place.existing()
        if isinstance(node, DirectoryNode):
            raise place.error(errno.EISDIR)
        self._release(node)
        self._detach(place)

    def rename(self, source: str | PurePath, destination: str | PurePath) -> None:
        """Move a file, directory or link; links at the end of either path are not followed.

        A file or an empty directory at the destination is replaced. Inode and times stay.

        Raises:
            OSError: See AbstractPathIO.rename; EISDIR, ENOTDIR or ENOTEMPTY when another node is at the
                destination, EINVAL when the destination is within the source, EBUSY for "/".
        """
        # The order of checks in Linux: both directories come first, so that of two errors the same one is raised.
        old = self._trace(source, follow=False)
        old.directory()
        new = self._trace(destination, follow=False)
        directory = new.directory()
        node, replaced = old.existing(), new.node
        if node in new.trail[:-1]:
            raise new.error(errno.EINVAL)
        if replaced is not None and replaced in old.trail[:-1]:
            raise new.error(errno.ENOTEMPTY)
        if replaced is node:
            if old.names[-1] == new.names[-1]:
                return
            replaced = None  # it gets another spelling
        if isinstance(replaced, DirectoryNode):
            if not isinstance(node, DirectoryNode):
                raise new.error(errno.EISDIR)
            if replaced.children:
                raise new.error(errno.ENOTEMPTY)
        elif replaced is not None and isinstance(node, DirectoryNode):
            raise new.error(errno.ENOTDIR)
        if replaced is not None:
            self._release(replaced)
            self._detach(new)
        self._detach(old)
        self._attach(directory, new.names[-1], node)

    def open(self, path: str | PurePath, mode: str = "rb") -> MemoryFile:
        """Open a file; "wb" and "ab" make a missing file.

        Raises:
            OSError: See AbstractPathIO._open.
            ValueError: Unknown mode.
        """
        check_mode(mode)
        place = self._trace(path)
        node = place.node
        # Links are followed.
        assert not isinstance(node, LinkNode)
        if isinstance(node, DirectoryNode):
            raise place.error(errno.EISDIR)
        if node is None:
            if mode in ("rb", "r+b"):
                raise place.missing()
            directory, now = place.directory(), self.clock()
            node = FileNode(0o644, self._new_inode(), now, now, now, Content(self._space))
            self._attach(directory, place.names[-1], node)
        elif mode == "wb":
            # Open readers keep the old content.
            node.content.release()
            node.content = Content(self._space)
            node.modify = self.clock()
        return MemoryFile(node.content, mode, lambda: self._touch(node))

    def read_link(self, path: str | PurePath) -> PurePosixPath:
        """Return the target of a link.

        Raises:
            OSError: The path does not exist, or is no link (EINVAL).
        """
        place = self._trace(path, follow=False)
        node = place.existing()
        if not isinstance(node, LinkNode):
            raise place.error(errno.EINVAL)
        return node.target

    def chmod(self, path: str | PurePath, mode: int) -> None:
        """Set permission bits."""
        self._trace(path).existing().mode = stat.S_IMODE(mode)

    def set_times(
        self,
        path: str | PurePath,
        *,
        modify: float | None = None,
        create: float | None = None,
        access: float | None = None,
    ) -> None:
        """Set times, in POSIX seconds; None leaves one as it is."""
        node = self._trace(path).existing()
        node.modify = node.modify if modify is None else modify
        node.create = node.create if create is None else create
        node.access = node.access if access is None else access

    def chown(self, path: str | PurePath, *, owner: str | None = None, group: str | None = None) -> None:
        """Set names of owner and group; None leaves one as it is."""
        node = self._trace(path).existing()
        node.owner = node.owner if owner is None else owner
        node.group = node.group if group is None else group

    # Helpers of these methods.

    def _trace(self, path: str | PurePath, follow: bool = True) -> Place:
        """Follow a path name by name.

        Raises:
            OSError: ELOOP.
            PathIsNotAbsolute: The path is relative.
        """
        ahead = _names(path)
        ahead.reverse()
        place = Place(self.root)
        names, trail = place.names, place.trail
        while ahead:
            name = ahead.pop()
            if name == "..":
                if names:
                    del names[-1], trail[-1]
                continue
            parent = trail[-1]
            node = parent.children.get(name) if isinstance(parent, DirectoryNode) else None
            if isinstance(node, LinkNode) and (follow or ahead):
                place.followed += 1
                if place.followed > LINK_LIMIT:
                    raise place.error(errno.ELOOP)
                ahead.extend(reversed(node.target.parts[node.target.is_absolute() :]))
                if node.target.is_absolute():
                    del names[:], trail[1:]
            else:
                names.append(name)
                trail.append(node)
        return place

    def _make_missing(self, place: Place, depth: int) -> None:
        """Make the missing directories among the first `depth` names.

        Raises:
            OSError: A file is among them.
        """
        for index in range(depth):
            directory = place.trail[index]
            if not isinstance(directory, DirectoryNode):
                raise place.missing()
            if place.trail[index + 1] is None:
                made = self._new_directory()
                self._attach(directory, place.names[index], made)
                place.trail[index + 1] = made

    def _new_directory(self) -> DirectoryNode:
        now = self.clock()
        made = DirectoryNode(0o755, self._new_inode(), now, now, now, nlink=2)
        if self.names:
            made.children = NamedNodes(self.names)
        return made

    def _new_inode(self) -> int:
        self._last_inode += 1
        return self._last_inode

    def _attach(self, directory: DirectoryNode, name: str, node: Node) -> None:
        directory.children[name] = node
        directory.nlink += isinstance(node, DirectoryNode)
        self._touch(directory)

    def _detach(self, place: Place) -> None:
        directory = place.directory()
        directory.nlink -= isinstance(directory.children.pop(place.names[-1]), DirectoryNode)
        self._touch(directory)

    def _touch(self, node: Node) -> None:
        node.modify = self.clock()

    def _release(self, node: Node) -> None:
        """Free the space of a node and all below it."""
        ahead = [node]
        while ahead:
            node = ahead.pop()
            if isinstance(node, FileNode):
                node.content.release()
            elif isinstance(node, DirectoryNode):
                ahead.extend(node.children.values())


def _slashed(path: str | PurePath) -> str:
    return path if isinstance(path, str) else path.as_posix()


def _names(path: str | PurePath) -> list[str]:
    """Return the names of an absolute path. A drive does not count: a Windows path without one is absolute here."""
    pure = PurePosixPath(path) if isinstance(path, str) else path
    if not pure.root:
        raise PathIsNotAbsolute(path)
    return list(pure.parts[1:])
