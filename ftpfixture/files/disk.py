"""The path layers over the disk: one blocks the loop while the disk works, the other does not.

One rule: plain functions do the work on the disk; the two layers differ only in where these run.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import io
import os
import re
import shutil
from asyncio import Future, shield
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

from ftpfixture.aio import AbstractAsyncLister, with_timeout
from ftpfixture.files.base import AbstractPathIO, Batch, NameLister, batches
from ftpfixture.files.handles import check_mode, defend_file_methods, universal_exception

__all__ = ["AsyncPathIO", "DiskStats", "PathIO"]

P = ParamSpec("P")
R = TypeVar("R")

_OWNER = re.compile("[0-9]{1,10}")
_NO_OWNER = (1 << 32) - 1  # (uid_t) -1, which chown(2) reads as "unchanged"

# ERROR_CANT_RESOLVE_FILENAME, the ELOOP of Windows, which has no errno of its own.
_WINDOWS_LOOP = 1921


class DiskStats:
    """The result of `os.stat`, with the names of owner and group.

    Args:
        result: Result of `os.stat` or `os.lstat`.

    Attributes:
        owner: Name, or the number when it has none.
        group: Name, or the number when it has none.
    """

    __slots__ = ("_result", "group", "owner")

    def __init__(self, result: os.stat_result) -> None:
        self._result = result
        self.owner = _owner_name(result.st_uid)
        self.group = _group_name(result.st_gid)

    def __getattr__(self, name: str) -> Any:
        # Only these, because an incomplete copy, which has no result yet, would look it up without end.
        if not name.startswith("st_"):
            raise AttributeError(name)
        return getattr(self._result, name)

    def __repr__(self) -> str:
        return f"<DiskStats {self.owner} {self.group} {self._result}>"


class PathIO(AbstractPathIO):
    """The files of the disk, by calls that block: simple, and fast while the disk answers from its cache."""

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function that may block, at once."""
        return function(*args, **kwargs)

    @universal_exception
    async def exists(self, path: PurePath) -> bool:
        """Return True when the path exists, links followed."""
        return await self._run(os.path.exists, path)

    @universal_exception
    async def is_dir(self, path: PurePath) -> bool:
        """Return True for a directory, links followed."""
        return await self._run(os.path.isdir, path)

    @universal_exception
    async def is_file(self, path: PurePath) -> bool:
        """Return True for a regular file, links followed."""
        return await self._run(os.path.isfile, path)

    @universal_exception
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory."""
        await self._run(Path(path).mkdir, parents=parents, exist_ok=exist_ok)

    @universal_exception
    async def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory."""
        await self._run(os.rmdir, path)

    @universal_exception
    async def unlink(self, path: PurePath) -> None:
        """Remove a file, or a link but not its target."""
        await self._run(os.unlink, path)

    def list(self, path: PurePath) -> AbstractAsyncLister[PurePath]:
        """List the children of a directory, in the order of the file system."""
        return NameLister(path, self._children, timeout=self.timeout)

    async def _children(self, path: PurePath) -> Sequence[str]:
        return await self._run(_names, path)

    @universal_exception
    async def list_names(self, path: PurePath) -> Sequence[str]:
        """List the names of the children of a directory."""
        return await self._children(path)

    async def lstat_many(self, path: PurePath, names: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """Describe many children of a directory."""
        for batch in batches(names):
            yield await self._described(path, batch)

    @universal_exception
    async def _described(self, path: PurePath, names: Sequence[str]) -> Batch:
        return await self._run(_described, path, names)

    @universal_exception
    async def stat(self, path: PurePath) -> DiskStats:
        """Describe a file or directory, links followed."""
        return await self._run(_stats, path, follow=True)

    @universal_exception
    async def lstat(self, path: PurePath) -> DiskStats:
        """Describe a file or directory; a link at the end is not followed."""
        return await self._run(_stats, path, follow=False)

    @universal_exception
    async def _open(self, path: PurePath, mode: str = "rb") -> BinaryIO:
        return await self._run(_opened, path, mode)

    @universal_exception
    @defend_file_methods
    async def seek(self, file: BinaryIO, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of a raw file."""
        return await self._run(file.seek, offset, whence)

    @universal_exception
    @defend_file_methods
    async def write(self, file: BinaryIO, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the position of a raw file."""
        return await self._run(file.write, data)

    @universal_exception
    @defend_file_methods
    async def read(self, file: BinaryIO, n: int = -1) -> bytes:
        """Read `n` bytes from a raw file, or all that are left."""
        return await self._run(file.read, n)

    @universal_exception
    @defend_file_methods
    async def close(self, file: BinaryIO) -> None:
        """Close a raw file."""
        await self._run(file.close)

    @universal_exception
    async def rename(self, source: PurePath, destination: PurePath) -> None:
        """Rename or move a file or directory; a file at the destination is replaced."""
        await self._run(os.replace, source, destination)

    @universal_exception
    async def resolve(self, path: PurePath) -> PurePath:
        """Return a path with all links followed, as an absolute path."""
        return await self._run(_resolved, path)

    @universal_exception
    async def readlink(self, path: PurePath) -> PurePath:
        """Return the target of a symbolic link."""
        return await self._run(Path(path).readlink)

    @universal_exception
    async def symlink(self, target: PurePath, path: PurePath) -> None:
        """Make a symbolic link."""
        await self._run(os.symlink, target, path)

    @universal_exception
    async def chmod(self, path: PurePath, mode: int) -> None:
        """Set permission bits."""
        await self._run(os.chmod, path, mode)

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
        await self._run(_set_times, path, modify, access)

    @universal_exception
    async def chown(self, path: PurePath, *, owner: str | None = None, group: str | None = None) -> None:
        """Set owner and group, by names that the system knows or by numbers; None leaves one as it is."""
        if not hasattr(os, "chown"):
            raise NotImplementedError("this system has no owners that can be set")
        if owner is not None or group is not None:
            await self._run(shutil.chown, path, _number(owner), _number(group))

    @universal_exception
    async def free_space(self, path: PurePath) -> int:
        """Return the number of bytes that can still be written below a path."""
        return (await self._run(shutil.disk_usage, path)).free


class AsyncPathIO(PathIO):
    """The files of the disk, by calls in other threads: the loop continues while the disk works.

    Args:
        timeout: Seconds that one call may take; None for no limit. The call itself cannot be stopped: it runs to its
            end, and its result is ignored.
        connection: Stored, not used.
        state: Stored, not used.
        executor: Runs the calls; None for the executor of the loop.
    """

    def __init__(
        self,
        timeout: float | None = None,
        connection: Any = None,
        state: Any = None,
        executor: Executor | None = None,
    ) -> None:
        super().__init__(timeout, connection, state)
        self.executor = executor

    @with_timeout("timeout")
    async def _in_executor(self, function: Callable[[], R]) -> R:
        future = asyncio.get_running_loop().run_in_executor(self.executor, function)
        try:
            return await shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_forget)
            raise

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._in_executor(functools.partial(function, *args, **kwargs))


def _forget(future: Future[Any]) -> None:
    """Take the result of a call after its caller was cancelled, and close it when it is a file."""
    if not future.cancelled() and future.exception() is None and isinstance(future.result(), io.IOBase):
        future.result().close()


def _names(path: PurePath) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        if not _is_loop(error):
            raise
        return []  # a loop of links leads nowhere


def _is_loop(error: OSError) -> bool:
    return error.errno == errno.ELOOP or getattr(error, "winerror", None) == _WINDOWS_LOOP


def _stats(path: PurePath, *, follow: bool) -> DiskStats:
    return DiskStats(os.stat(path, follow_symlinks=follow))


def _described(path: PurePath, names: Sequence[str]) -> Batch:
    found: Batch = []
    for name in names:
        with contextlib.suppress(OSError):  # it was removed meanwhile, or is not accessible
            found.append((name, DiskStats(os.lstat(path / name))))
    return found


def _opened(path: PurePath, mode: str) -> BinaryIO:
    check_mode(mode)
    return cast(BinaryIO, open(path, mode))


def _resolved(path: PurePath) -> Path:
    """Follow all links; raise ELOOP for a loop in every version of Python."""
    resolved = os.path.realpath(path)
    try:
        os.stat(resolved)
    except OSError as error:
        # A resolved path has a link only where a loop stopped the resolution.
        if _is_loop(error):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    return Path(resolved)


def _set_times(path: PurePath, modify: float | None, access: float | None) -> None:
    now = os.stat(path)
    os.utime(
        path,
        ns=(
            now.st_atime_ns if access is None else round(access * 1e9),
            now.st_mtime_ns if modify is None else round(modify * 1e9),
        ),
    )


def _number(name: str | None) -> Any:
    """Return the number of an owner given as digits, because `shutil.chown` reads a str as a name."""
    return int(name) if name is not None and _OWNER.fullmatch(name) and int(name) < _NO_OWNER else name


@functools.lru_cache(maxsize=1024)
def _owner_name(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)


@functools.lru_cache(maxsize=1024)
def _group_name(number: int) -> str:
    try:
        import grp

        return grp.getgrgid(number).gr_name
    except (ImportError, KeyError):
        return str(number)
