"""The path layer over a fake file system of pyfakefs: the test, its code and FTP clients see one tree.

One rule: it belongs to the `FakeFilesystem` object, and works the same whether pyfakefs has patched the process or not.
"""

from __future__ import annotations

import copy
import errno
import io
import os
import stat
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from functools import partial
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_open import FakeFileOpen
from pyfakefs.fake_os import FakeOsModule

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.errors import ConfigurationError
from ftpfixture.files.base import AbstractPathIO, Batch, NameLister, batches
from ftpfixture.files.disk import DiskStats
from ftpfixture.files.handles import check_mode, defend_file_methods, universal_exception
from ftpfixture.server import AbstractUserManager, User

__all__ = ["FakeFsPathIO", "factory_of", "root_of", "users_of"]


class FakeFsPathIO(AbstractPathIO):
    """The files of a fake file system, with its modes, its size, its links, and the rules of its system for names.

    An upload that is larger than the disk gets 552. Use it in one thread at a time: a test that waits for its client
    does.

    Args:
        filesystem: Of pyfakefs, such as the fixture `fs`.
        timeout: Stored, not used; nothing here waits.
        connection: Stored, not used.
        state: Stored, not used.
    """

    def __init__(
        self, filesystem: FakeFilesystem, timeout: float | None = None, connection: Any = None, state: Any = None
    ) -> None:
        super().__init__(timeout, connection, state)
        self.filesystem = filesystem
        self._os: Any = FakeOsModule(filesystem)
        self._open_file: Callable[..., Any] = FakeFileOpen(filesystem)

    @universal_exception
    async def exists(self, path: PurePath) -> bool:
        """Return True when the path exists, links followed."""
        return bool(self._os.path.exists(str(path)))

    @universal_exception
    async def is_dir(self, path: PurePath) -> bool:
        """Return True for a directory, links followed."""
        return bool(self._os.path.isdir(str(path)))

    @universal_exception
    async def is_file(self, path: PurePath) -> bool:
        """Return True for a regular file, links followed."""
        return bool(self._os.path.isfile(str(path)))

    @universal_exception
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory."""
        self._make(path, parents, exist_ok)

    def _make(self, path: PurePath, parents: bool, exist_ok: bool) -> None:
        try:
            self._os.mkdir(str(path))
        except FileNotFoundError:
            if not parents or path.parent == path:
                raise
            self._make(path.parent, parents=True, exist_ok=True)
            self._make(path, parents=False, exist_ok=exist_ok)
        except OSError:
            if not exist_ok or not self._os.path.isdir(str(path)):
                raise

    @universal_exception
    async def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory."""
        self._os.rmdir(str(path))

    @universal_exception
    async def unlink(self, path: PurePath) -> None:
        """Remove a file, or a link but not its target."""
        self._os.unlink(str(path))

    def list(self, path: PurePath) -> AbstractAsyncLister[PurePath]:
        """List the children of a directory."""
        return NameLister(path, self._children, timeout=self.timeout)

    async def _children(self, path: PurePath) -> Sequence[str]:
        try:
            return list(self._os.listdir(str(path)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return []  # a loop of links leads nowhere

    @universal_exception
    async def list_names(self, path: PurePath) -> Sequence[str]:
        """List the names of the children of a directory."""
        return await self._children(path)

    async def lstat_many(self, path: PurePath, names: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """Describe many children of a directory."""
        for batch in batches(names):
            yield [(name, found) for name in batch if (found := self._found(path / name)) is not None]

    def _found(self, path: PurePath) -> DiskStats | None:
        try:
            return DiskStats(self._os.lstat(str(path)))
        except OSError:  # it was removed meanwhile
            return None

    @universal_exception
    async def stat(self, path: PurePath) -> DiskStats:
        """Describe a file or directory, links followed."""
        return DiskStats(self._os.stat(str(path)))

    @universal_exception
    async def lstat(self, path: PurePath) -> DiskStats:
        """Describe a file or directory; a link at the end is not followed."""
        return DiskStats(self._os.lstat(str(path)))

    @universal_exception
    async def _open(self, path: PurePath, mode: str = "rb") -> Any:
        check_mode(mode)
        return self._open_file(str(path), mode, buffering=0)  # what is written is seen at once

    @universal_exception
    @defend_file_methods
    async def seek(self, file: Any, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of a raw file."""
        return int(file.seek(offset, whence))

    @universal_exception
    @defend_file_methods
    async def write(self, file: Any, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the position of a raw file."""
        try:
            file.write(bytes(data))
        except OSError as error:
            if error.errno == errno.ENOSPC:  # the size of a fake disk is what the test allows: 552
                raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)) from error
            raise
        return len(data)

    @universal_exception
    @defend_file_methods
    async def read(self, file: Any, n: int = -1) -> bytes:
        """Read `n` bytes from a raw file, or all that are left."""
        return bytes(file.read(n))

    @universal_exception
    @defend_file_methods
    async def close(self, file: Any) -> None:
        """Close a raw file."""
        file.close()

    @universal_exception
    async def rename(self, source: PurePath, destination: PurePath) -> None:
        """Rename or move a file or directory; a file at the destination is replaced."""
        self._os.replace(str(source), str(destination))

    @universal_exception
    async def resolve(self, path: PurePath) -> PurePath:
        """Return a path with all links followed, as an absolute path."""
        resolved = self._os.path.realpath(str(path))
        try:
            self._os.stat(resolved)
        except OSError as error:
            # A resolved path has a link only where a loop stopped the resolution.
            if error.errno == errno.ELOOP or self._os.path.islink(resolved):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
        return type(path)(resolved)

    @universal_exception
    async def readlink(self, path: PurePath) -> PurePath:
        """Return the target of a symbolic link."""
        return type(path)(self._os.readlink(str(path)))

    @universal_exception
    async def symlink(self, target: PurePath, path: PurePath) -> None:
        """Make a symbolic link."""
        self._os.symlink(str(target), str(path))

    @universal_exception
    async def chmod(self, path: PurePath, mode: int) -> None:
        """Set permission bits."""
        self._os.chmod(str(path), stat.S_IMODE(mode))

    @universal_exception
    async def set_times(
        self,
        path: PurePath,
        *,
        modify: float | None = None,
        create: float | None = None,
        access: float | None = None,
    ) -> None:
        """Set times, in POSIX seconds; the time of creation cannot be set."""
        if create is not None:
            raise NotImplementedError("a disk does not let the time of creation be set")
        now = self._os.stat(str(path))
        times = (now.st_atime if access is None else access, now.st_mtime if modify is None else modify)
        self._os.utime(str(path), times)

    @universal_exception
    async def chown(self, path: PurePath, *, owner: str | None = None, group: str | None = None) -> None:
        """Set owner and group, by their numbers; None leaves one as it is."""
        self._os.chown(str(path), _number(owner), _number(group))

    @universal_exception
    async def free_space(self, path: PurePath) -> int:
        """Return the number of bytes that can still be written; a large number where the disk has no size."""
        return int(self.filesystem.get_disk_usage(str(path))[2])


def _number(name: str | None) -> int:
    """The number of an owner; -1 to leave it.

    Raises:
        OSError: EINVAL, it is no number: a fake file system knows no names of users.
    """
    if name is None:
        return -1
    if not name.isdigit():
        raise OSError(errno.EINVAL, "a fake file system has numbers in place of names of users", name)
    return int(name)


def factory_of(filesystem: FakeFilesystem) -> Callable[..., AbstractPathIO]:
    """The setting `path_io_factory` for a fake file system."""
    return partial(FakeFsPathIO, filesystem)


def root_of(filesystem: FakeFilesystem, root: str | os.PathLike[str] | None) -> PurePath:
    """The folder of a fake file system that clients see as "/": its root, unless another one is given.

    Raises:
        ConfigurationError: There is no such folder.
    """
    path: Any = FakeOsModule(filesystem).path
    text = filesystem.root_dir_name if root is None else os.fspath(root)
    if not path.isdir(text):
        raise ConfigurationError(f"root={text!r} is no folder of the fake file system: make it with fs.create_dir")
    return (PureWindowsPath if filesystem.is_windows_fs else PurePosixPath)(path.realpath(text))


def users_of(users: list[User] | AbstractUserManager, root: PurePath) -> list[User] | AbstractUserManager:
    """The users of a server whose base paths are below the folder; a manager of your own gives base paths itself."""
    if isinstance(users, AbstractUserManager):
        return users
    return [_below(user, root) for user in users]


def _below(user: User, root: PurePath) -> User:
    moved = copy.copy(user)
    moved.base_path = root.joinpath(*user.base_path.parts[user.base_path.is_absolute() :])
    return moved
