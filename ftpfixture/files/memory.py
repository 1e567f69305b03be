"""The path layer over files in memory.

One rule: the content of a file is never copied between writer and readers, and never part of a repr.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import PurePath, PurePosixPath
from typing import Any

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.files.base import AbstractPathIO, Batch, NameLister, batches
from ftpfixture.files.content import MemoryFile
from ftpfixture.files.handles import defend_file_methods, universal_exception
from ftpfixture.files.nodes import DirectoryNode, FileNode, LinkNode, MemoryStats, Node
from ftpfixture.files.tree import MemoryFiles
from ftpfixture.untouched import wall_time

__all__ = ["DirectoryNode", "FileNode", "LinkNode", "MemoryFiles", "MemoryPathIO", "MemoryStats", "Node"]


class MemoryPathIO(AbstractPathIO):
    """Files in memory. Any number of layers may share one tree, and any number of openers one file.

    A subclass that overrides `read` need not override `read_some`: the server then reads through `read`. Likewise, one
    that overrides `stat` need not override `lstat`.

    Args:
        timeout: Stored, not used; nothing here waits.
        connection: Stored; its clock is the default for a new tree.
        state: The `state` of another instance, or a MemoryFiles, to use its tree; None for a new tree.
        cwd: Directory that relative paths start from; None for "/".
        quota: Bytes that a new tree may hold; None for no limit.
        clock: Returns the time for a new tree, in POSIX seconds; None for the clock of the connection, or else of the
            system.
    """

    Stats = MemoryStats
    umask = 0o022

    def __init__(
        self,
        timeout: float | None = None,
        connection: Any = None,
        state: MemoryFiles | None = None,
        cwd: str | PurePath | None = None,
        *,
        quota: int | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if state is None:
            default: Callable[[], float] = getattr(connection, "clock", wall_time)
            state = MemoryFiles(quota=quota, clock=default if clock is None else clock)
        super().__init__(timeout, connection, state)
        self._tree = state
        self.cwd = PurePosixPath("/" if cwd is None else cwd)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._tree!r})"

    @property
    def state(self) -> MemoryFiles:
        """The tree; pass it to another instance to share it."""
        return self._tree

    def get_node(self, path: str | PurePath) -> Node | None:
        """Return the node of a path, links followed, or None."""
        return self._tree.lookup(self._absolute(path))

    def _absolute(self, path: str | PurePath) -> PurePath:
        pure = PurePosixPath(path) if isinstance(path, str) else path
        return pure if pure.root else type(pure)(self.cwd, pure)

    @universal_exception
    async def exists(self, path: PurePath) -> bool:
        """Return True when the path exists, links followed."""
        return self.get_node(path) is not None

    @universal_exception
    async def is_dir(self, path: PurePath) -> bool:
        """Return True for a directory, links followed."""
        return isinstance(self.get_node(path), DirectoryNode)

    @universal_exception
    async def is_file(self, path: PurePath) -> bool:
        """Return True for a regular file, links followed."""
        return isinstance(self.get_node(path), FileNode)

    @universal_exception
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory."""
        self._tree.mkdir(self._absolute(path), parents=parents, exist_ok=exist_ok)

    @universal_exception
    async def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory."""
        self._tree.rmdir(self._absolute(path))

    @universal_exception
    async def unlink(self, path: PurePath) -> None:
        """Remove a file, or a link but not its target."""
        self._tree.unlink(self._absolute(path))

    def list(self, path: PurePath) -> AbstractAsyncLister[PurePath]:
        """List the children of a directory, in the order in which they were added."""
        return NameLister(path, self._children, timeout=self.timeout)

    async def _children(self, path: PurePath) -> tuple[str, ...]:
        node = self.get_node(path)
        return tuple(node.children) if isinstance(node, DirectoryNode) else ()

    @universal_exception
    async def list_names(self, path: PurePath) -> tuple[str, ...]:
        """List the names of the children of a directory."""
        return await self._children(path)

    async def lstat_many(self, path: PurePath, names: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """Yield names and nodes of children; a node has the attributes of a `stat` result, and is faster."""
        directory = self.get_node(path)
        children = directory.children if isinstance(directory, DirectoryNode) else {}
        for batch in batches(names):
            yield [(name, node) for name in batch if (node := children.get(name)) is not None]

    @universal_exception
    async def stat(self, path: PurePath) -> MemoryStats:
        """Describe a file or directory, links followed; st_ctime is the time of creation."""
        return self._tree.stat(self._absolute(path))

    @universal_exception
    async def lstat(self, path: PurePath) -> MemoryStats:
        """Describe a file or directory; a link at the end is not followed."""
        return self._tree.stat(self._absolute(path), follow=False)

    @universal_exception
    async def _open(self, path: PurePath, mode: str = "rb") -> MemoryFile:
        return self._tree.open(self._absolute(path), mode)

    @universal_exception
    @defend_file_methods
    async def seek(self, file: MemoryFile, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of a raw file."""
        return file.seek(offset, whence)

    @universal_exception
    @defend_file_methods
    async def write(self, file: MemoryFile, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the position of a raw file; a `bytes` object is kept, anything else copied."""
        return file.write(data)

    @universal_exception
    @defend_file_methods
    async def read(self, file: MemoryFile, n: int = -1) -> bytes:
        """Read `n` bytes from a raw file, or all that are left."""
        return file.read(n)

    @universal_exception
    @defend_file_methods
    async def read_some(self, file: MemoryFile, count: int) -> bytes | memoryview:
        """Return a chunk of a raw file or a view of one, at most `count` bytes, never copied."""
        return file.read_some(count)

    @universal_exception
    @defend_file_methods
    async def close(self, file: MemoryFile) -> None:
        """Close a raw file."""
        file.close()

    @universal_exception
    async def rename(self, source: PurePath, destination: PurePath) -> None:
        """Rename or move a file or directory; a file at the destination is replaced."""
        self._tree.rename(self._absolute(source), self._absolute(destination))

    @universal_exception
    async def resolve(self, path: PurePath) -> PurePath:
        """Return a path with all links followed."""
        return self._tree.resolve(self._absolute(path))

    @universal_exception
    async def readlink(self, path: PurePath) -> PurePath:
        """Return the target of a symbolic link, of the same class as `path`."""
        return type(path)(self._tree.read_link(self._absolute(path)))

    @universal_exception
    async def symlink(self, target: PurePath, path: PurePath) -> None:
        """Make a symbolic link."""
        self._tree.make_link(self._absolute(path), target)

    @universal_exception
    async def chmod(self, path: PurePath, mode: int) -> None:
        """Set permission bits, which are stored and not enforced."""
        self._tree.chmod(self._absolute(path), mode)

    @universal_exception
    async def set_times(
        self,
        path: PurePath,
        *,
        modify: float | None = None,
        create: float | None = None,
        access: float | None = None,
    ) -> None:
        """Set times, in POSIX seconds; None leaves one as it is."""
        self._tree.set_times(self._absolute(path), modify=modify, create=create, access=access)

    @universal_exception
    async def chown(self, path: PurePath, *, owner: str | None = None, group: str | None = None) -> None:
        """Set owner and group, by any names; None leaves one as it is."""
        self._tree.chown(self._absolute(path), owner=owner, group=group)

    @universal_exception
    async def free_space(self, path: PurePath) -> int:
        """Return the bytes left in the quota, the same for all paths."""
        return self._tree.free
