"""The files of a server as a mapping: ``server.files["/in/report.csv"] == b"..."``."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ftpfixture import checks
from ftpfixture.driver import Driver
from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute
from ftpfixture.files.content import Snapshot
from ftpfixture.files.memory import DirectoryNode, FileNode, LinkNode, MemoryFiles
from ftpfixture.files.stored import Stored
from ftpfixture.forks import Origin

__all__ = ["FileStat", "Files"]

T = TypeVar("T")

_QUOTA = checks.whole_number().or_none("no limit")


@dataclass(frozen=True, slots=True)
class FileStat:
    """The attributes of a file, directory or link.

    Attributes:
        type: "file", "dir" or "link".
        size: In bytes; 0 for a directory or a link.
        modified: POSIX seconds.
        mode: Permission bits.
        owner: Name.
        group: Name.
    """

    type: str
    size: int
    modified: float
    mode: int
    owner: str
    group: str


class Files(MutableMapping[str, bytes]):
    """The files of a server, from absolute path to content; directories are not counted, but `in` finds them.

    Every access is one step on the server's loop; a file that a client is uploading has the bytes received so far.

    Args:
        driver: Of the server.
        tree: The files in memory; None for a server with another path layer, whose files this cannot read.
        root: The folder of the disk that is served instead; None for none.
        origin: Of the server; the files of one that runs in a parent process are there.
    """

    def __init__(
        self, driver: Driver, tree: MemoryFiles | None, root: Path | None = None, origin: Origin | None = None
    ) -> None:
        self._driver = driver
        self._tree = tree
        self._root = root
        self._origin = origin or Origin()

    @property
    def in_memory(self) -> bool:
        """Whether the server's files can be read and changed here."""
        return self._tree is not None

    def __getitem__(self, path: str) -> bytes:
        """Content of a file; links are followed.

        Raises:
            KeyError: There is no file of that name; the text names those there are.
        """
        opened = self._run(lambda tree: tree.open(_absolute(path)) if _is_file(tree, path) else None)
        if opened is None:
            raise KeyError(f"{path}: no such file; there are {', '.join(self) or 'none'}")
        return opened.read()  # the snapshot; on this thread, because a large file takes long to copy

    def __setitem__(self, path: str, data: bytes) -> None:
        """Store a file, with the directories above it; a path that ends in "/" makes a directory."""
        self.put(path, data)

    def put(self, path: str, data: bytes | Stored | None) -> None:
        """Store a file, or make a directory when `data` is None or the path ends in "/".

        Args:
            path: Absolute.
            data: Content, or a `Stored` with attributes.

        Raises:
            ConfigurationError: There is content for a directory.
        """
        if isinstance(data, Stored):
            where = _absolute(path)
            self._run(lambda tree: data.put(tree, where))
            return
        if data and str(path).endswith("/"):
            raise ConfigurationError(f"{path!r} is a directory, which has no content: leave out one or the other")
        if data is None or str(path).endswith("/"):
            self.mkdir(path)
        else:
            self.set(path, data)

    def __delitem__(self, path: str) -> None:
        """Remove a file, a link, or a directory with all that is in it.

        Raises:
            KeyError: There is no file, directory or link of that name.
        """
        if not self._run(lambda tree: _removed(tree, _absolute(path))):
            raise KeyError(f"{path}: no such file or directory")

    def clear(self) -> None:
        """Remove everything: files, directories and links."""
        self._run(lambda tree: tree.clear())

    @property
    def quota(self) -> int | None:
        """Bytes that all files together may have; None for no limit. It may be changed at any time."""
        return self._run(lambda tree: tree.quota)

    @quota.setter
    def quota(self, quota: int | None) -> None:
        self._run(lambda tree: setattr(tree, "quota", _QUOTA("quota", quota)))

    @property
    def used(self) -> int:
        """Bytes that all files together have."""
        return self._run(lambda tree: tree.used)

    def begin_again(self, quota: int | None) -> None:
        """Remove everything, and set the quota."""

        def begin(tree: MemoryFiles) -> None:
            tree.quota = quota
            tree.clear()

        self._run(begin)

    def __contains__(self, path: object) -> bool:
        """True for a file, a directory or a link that is there."""
        return isinstance(path, str) and self._run(lambda tree: tree.lookup(_absolute(path), follow=False) is not None)

    def __iter__(self) -> Iterator[str]:
        """The paths of all files, sorted."""
        return iter(
            self._run(lambda tree: sorted(str(path) for path, node in tree.walk() if isinstance(node, FileNode)))
        )

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.as_dict() == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = (f"{path!r}: {len(data)} bytes" for path, data in self.as_dict().items())
        return f"<Files {', '.join(sizes) or 'none'}>"

    def as_dict(self) -> dict[str, bytes]:
        """All files at one moment, in the order of their paths."""

        def contents(tree: MemoryFiles) -> dict[str, Snapshot]:
            return {str(path): node.content.snapshot() for path, node in tree.walk() if isinstance(node, FileNode)}

        return {path: content.read(0) for path, content in sorted(self._run(contents).items())}

    def below(self, path: str) -> dict[str, bytes]:
        """All files below a directory, from absolute path to content.

        Raises:
            KeyError: There is no such directory; the text names those there are.
            ConfigurationError: The files are not in memory.
        """
        top = _absolute(path)
        if str(top) not in ("/", *self.directories):
            raise KeyError(f"{path}: no such directory; there are {', '.join(['/', *self.directories])}")
        return {name: data for name, data in self.as_dict().items() if PurePosixPath(name).is_relative_to(top)}

    def text(self, path: str, encoding: str = "utf-8") -> str:
        """The content of a file as text, with its line ends as they are stored.

        Raises:
            KeyError: There is no file of that name; the text names those there are.
            UnicodeDecodeError: The content is not text of this encoding.
            ConfigurationError: The files are not in memory, or there is no such encoding.
        """
        return self[path].decode(checks.encoding("encoding", encoding))

    @property
    def directories(self) -> list[str]:
        """The paths of all directories but the root, sorted."""
        return self._run(
            lambda tree: sorted(
                str(path) for path, node in tree.walk() if isinstance(node, DirectoryNode) and str(path) != "/"
            )
        )

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it; one that is there already is left as it is."""
        self._run(lambda tree: tree.make_directory(_absolute(path)))

    def set(
        self,
        path: str,
        data: bytes,
        *,
        modified: float | None = None,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> None:
        """Store a file, with the directories above it.

        Args:
            path: Absolute.
            data: Content.
            modified: POSIX seconds; None for now.
            mode: Permission bits, such as 0o640.
            owner: Name.
            group: Name.

        Raises:
            TypeError: `data` is not bytes.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"{path}: files hold bytes, not {type(data).__name__}: use b'...' or .encode()")
        where, content = _absolute(path), bytes(data)
        self._run(lambda tree: tree.write_file(where, content, modify=modified, mode=mode, owner=owner, group=group))

    def symlink(self, path: str, target: str) -> None:
        """Make a symbolic link at `path`; its target need not exist."""
        self._run(lambda tree: tree.make_link(_absolute(path), PurePosixPath(target)))

    def stat(self, path: str) -> FileStat:
        """Return the facts of a file, directory or link; a link is not followed.

        Raises:
            KeyError: There is no file, directory or link of that name.
        """
        found = self._run(lambda tree: _stat(tree, _absolute(path)))
        if found is None:
            raise KeyError(f"{path}: no such file or directory")
        return found

    def load(self, folder: str | Path, path: str = "/") -> None:
        """Copy a local folder with all that is in it to `path`; modification times are kept."""
        root = Path(folder)
        if not root.is_dir():
            raise NotADirectoryError(f"{folder} is not a folder")
        self.mkdir(path)
        for source in sorted(root.rglob("*")):
            target = str(PurePosixPath(path) / PurePosixPath(*source.relative_to(root).parts))
            if source.is_dir():
                self.mkdir(target)
            elif source.is_file():
                self.set(target, source.read_bytes(), modified=source.stat().st_mtime)

    def save(self, folder: str | Path, path: str = "/") -> None:
        """Copy everything below `path` to a local folder, which is made when missing."""
        root, top = Path(folder), _absolute(path)
        root.mkdir(parents=True, exist_ok=True)
        for name in self.directories:
            if PurePosixPath(name).is_relative_to(top):
                (root / PurePosixPath(name).relative_to(top)).mkdir(parents=True, exist_ok=True)
        for name, data in self.as_dict().items():
            if PurePosixPath(name).is_relative_to(top):
                target = root / PurePosixPath(name).relative_to(top)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)

    def _run(self, step: Callable[[MemoryFiles], T]) -> T:
        self._origin.check()
        tree = self._tree
        if tree is None and self._root is not None:
            raise ConfigurationError(f"this server serves a folder of the disk: look at the files in {self._root}")
        if tree is None:
            raise ConfigurationError("this server has its own path layer: look at the files where that keeps them")
        return self._driver.call(lambda: step(tree))


def _absolute(path: str) -> PurePosixPath:
    absolute = PurePosixPath(path)
    if not absolute.is_absolute() or ".." in absolute.parts:
        raise PathIsNotAbsolute(f"{str(path)!r} must be absolute: did you mean {'/' + str(path).lstrip('/.')!r}?")
    return absolute


def _is_file(tree: MemoryFiles, path: str) -> bool:
    return isinstance(tree.lookup(_absolute(path)), FileNode)


def _removed(tree: MemoryFiles, path: PurePosixPath) -> bool:
    if tree.lookup(path, follow=False) is None:
        return False
    tree.remove(path)
    return True


def _stat(tree: MemoryFiles, path: PurePosixPath) -> FileStat | None:
    node = tree.lookup(path, follow=False)
    if node is None:
        return None
    kind = {FileNode: "file", DirectoryNode: "dir", LinkNode: "link"}[type(node)]
    size = node.content.size if isinstance(node, FileNode) else 0
    return FileStat(kind, size, node.modify, stat.S_IMODE(node.mode), node.owner, node.group)
