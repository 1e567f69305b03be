"""The abstract path layer, its listers, and the factory that shares one state between layers.

One rule: every failure in a layer is raised as PathIOError, so that the server handles one kind of failure.
"""

from __future__ import annotations

import inspect
import io
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.errors import PathIOError
from ftpfixture.files.handles import (
    AsyncPathIOContext,
    universal_exception,
)

__all__ = ["BATCH", "AbstractPathIO", "Batch", "NameLister", "PathIONursery", "batches"]

P = ParamSpec("P")
R = TypeVar("R")

# Methods that call others by default: a subclass that overrides only one of those changes both.
_DERIVED = {"read_some": ("read",), "lstat": ("stat",), "list_names": ("list",), "lstat_many": ("lstat", "stat")}

Batch = list[tuple[str, Any]]
"""Names, each with its result of `AbstractPathIO.lstat`."""

BATCH = 128
"""Files that `AbstractPathIO.lstat_many` describes at once: on a disk about a millisecond."""


class NameLister(AbstractAsyncLister[PurePath]):
    """Lists a directory and fetches all names at once, when the first is needed.

    Args:
        path: The directory; what is listed is ``path / name``.
        fetch: Returns the names; its exceptions become PathIOError.
        timeout: Seconds, see AbstractAsyncLister; stored, not used here.
    """

    def __init__(
        self, path: PurePath, fetch: Callable[[PurePath], Awaitable[Iterable[str]]], *, timeout: float | None = None
    ) -> None:
        super().__init__(timeout=timeout)
        self._path = path
        self._fetch = fetch
        self._names: Iterator[str] | None = None

    @universal_exception
    async def __anext__(self) -> PurePath:
        if self._names is None:
            self._names = iter(await self._fetch(self._path))
        for name in self._names:
            return self._path / name
        raise StopAsyncIteration


def batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield the names in lists of `BATCH`."""
    ahead = iter(names)
    while batch := list(itertools.islice(ahead, BATCH)):
        yield batch


class AbstractPathIO(ABC):
    """The interface of a file system for the server. Subclass it, or one of the layers in this package, for your own.

    Only the abstract methods are required; decorate each with `universal_exception`. Without one of the others the
    server offers less. `ftpfixture.testing.check_path_io` reports what a layer does wrong.

    Args:
        timeout: Seconds that one call may take; None for no limit.
        connection: The connection that this layer was made for, or None.
        state: The `state` of an earlier instance, to see the same files as that one.

    Attributes:
        timeout: As given.
        connection: As given.
        umask: Permission bits that new files and directories lack; None where the layer does not know them.
    """

    umask: int | None = None
    timeout: float | None = None
    connection: Any = None
    _state: Any = None

    def __init__(self, timeout: float | None = None, connection: Any = None, state: Any = None) -> None:
        self.timeout = timeout
        self.connection = connection
        self._state = state

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for derived, plain in _DERIVED.items():
            provider = next(base for base in cls.__mro__ if not vars(base).keys().isdisjoint((derived, *plain)))
            if derived not in vars(provider):
                setattr(cls, derived, getattr(AbstractPathIO, derived))

    @property
    def state(self) -> Any:
        """State that instances over the same files share, or None. It works without an event loop."""
        return self._state

    @abstractmethod
    async def exists(self, path: PurePath) -> bool:
        """Return True when the path exists, links followed. A path below a file does not exist."""

    @abstractmethod
    async def is_dir(self, path: PurePath) -> bool:
        """Return True for a directory, links followed."""

    @abstractmethod
    async def is_file(self, path: PurePath) -> bool:
        """Return True for a regular file, links followed."""

    @abstractmethod
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory.

        Args:
            path: Its path.
            parents: Make missing parent directories, too.
            exist_ok: An existing directory is no error.

        Raises:
            PathIOError: Over FileExistsError, FileNotFoundError (no parent) or NotADirectoryError (it is a file).
        """

    @abstractmethod
    async def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory.

        Raises:
            PathIOError: Over FileNotFoundError, NotADirectoryError, or OSError when it is not empty.
        """

    @abstractmethod
    async def unlink(self, path: PurePath) -> None:
        """Remove a file, or a link but not its target.

        Raises:
            PathIOError: Over FileNotFoundError, or IsADirectoryError or PermissionError for a directory.
        """

    @abstractmethod
    def list(self, path: PurePath) -> AbstractAsyncLister[Any]:
        """List the children of a directory: ``path / name`` of each, hidden ones too, in any order.

        Returns:
            An iterator that can also be awaited; empty when the path is missing or no directory.
        """

    @abstractmethod
    async def stat(self, path: PurePath) -> Any:
        """Describe a file or directory, links followed.

        Returns:
            An object with st_size (bytes), st_mtime and st_ctime (POSIX seconds), st_nlink, st_mode; it may also
            have st_ino, st_dev, st_birthtime, and the names `owner` and `group`.

        Raises:
            PathIOError: Over FileNotFoundError.
        """

    @abstractmethod
    async def _open(self, path: PurePath, mode: str) -> Any:
        """Open a file for `open`, which callers use.

        Returns:
            A raw file for `seek`, `write`, `read` and `close`, with its own position.

        Raises:
            PathIOError: Over FileNotFoundError (the file for rb and r+b, its directory for the others),
                IsADirectoryError, or ValueError for a mode that is none of `MODES`.
        """

    @abstractmethod
    async def seek(self, file: Any, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of a raw file, as Python's files do; it may go past the end.

        Returns:
            The new position, in bytes from the start.
        """

    @abstractmethod
    async def write(self, file: Any, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the position of a raw file; with "ab", at the end.

        Returns:
            The number of bytes written.
        """

    @abstractmethod
    async def read(self, file: Any, n: int = -1) -> bytes:
        """Read from a raw file.

        Returns:
            Exactly `n` bytes, fewer at the end of the file; all remaining bytes when `n` is negative.
        """

    @abstractmethod
    async def close(self, file: Any) -> None:
        """Close a raw file."""

    @abstractmethod
    async def rename(self, source: PurePath, destination: PurePath) -> None:
        """Rename or move a file or directory; a file at the destination is replaced.

        Raises:
            PathIOError: Over FileNotFoundError when the source, or the directory of the destination, is missing;
                over OSError when it would replace a directory.
        """

    def open(self, path: PurePath, mode: str = "rb") -> AsyncPathIOContext:
        """Open a file with ``async with``, or with ``await`` and `close`.

        Args:
            path: Its path.
            mode: One of `MODES`.
        """
        return AsyncPathIOContext(self, path, mode)

    async def read_some(self, file: Any, count: int) -> bytes | memoryview:
        """Read one piece, as cheaply as the layer can.

        Returns:
            Between 1 and `count` bytes; empty at the end of the file.
        """
        return await self.read(file, count)

    async def resolve(self, path: PurePath) -> PurePath:
        """Return a path with all links followed, even if its last parts do not exist. Without links it is unchanged.

        Raises:
            PathIOError: Over OSError ELOOP: the links form a loop.
        """
        return path

    async def lstat(self, path: PurePath) -> Any:
        """Describe a file or directory as `stat` does; a link at the end is not followed."""
        return await self.stat(path)

    async def list_names(self, path: PurePath) -> Sequence[str]:
        """List the names of the children of a directory, as cheaply as the layer can; see `list`."""
        return [child.name async for child in self.list(path)]

    async def lstat_many(self, path: PurePath, names: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """Describe many children of a directory, as cheaply as the layer can; see `lstat`.

        Args:
            path: The directory.
            names: Names of the children, consumed one batch after another.

        Yields:
            Names, each with its result of `lstat`, in the order of the names, at most `BATCH` at once. A name that does
            not exist any more, or cannot be described, is left out.
        """
        for batch in batches(names):
            found: Batch = []
            for name in batch:
                try:
                    found.append((name, await self.lstat(path / name)))
                except PathIOError as error:
                    if not isinstance(error.original, OSError | None):
                        raise  # not an error of the file system, but a mistake in the layer
            yield found

    async def readlink(self, path: PurePath) -> PurePath:
        """Return the target of a symbolic link, absolute or relative to its directory.

        Raises:
            NotImplementedError: The layer has no links.
        """
        raise NotImplementedError("this path layer has no symbolic links")

    async def symlink(self, target: PurePath, path: PurePath) -> None:
        """Make a symbolic link.

        Args:
            target: Path that the link holds, absolute or relative to its directory; it need not exist.
            path: Path of the link.

        Raises:
            NotImplementedError: The layer has no links.
        """
        raise NotImplementedError("this path layer has no symbolic links")

    async def chmod(self, path: PurePath, mode: int) -> None:
        """Set permission bits.

        Raises:
            NotImplementedError: The layer has no permissions.
        """
        raise NotImplementedError("this path layer has no permissions")

    async def set_times(
        self,
        path: PurePath,
        *,
        modify: float | None = None,
        create: float | None = None,
        access: float | None = None,
    ) -> None:
        """Set times, in POSIX seconds; None leaves one as it is.

        Raises:
            NotImplementedError: The layer cannot set one of them.
        """
        raise NotImplementedError("this path layer cannot set times")

    async def chown(self, path: PurePath, *, owner: str | None = None, group: str | None = None) -> None:
        """Set the names of owner and group; None leaves one as it is.

        Raises:
            NotImplementedError: The layer has no owners.
        """
        raise NotImplementedError("this path layer has no owners")

    async def free_space(self, path: PurePath) -> int:
        """Return the number of bytes that can still be written below a path.

        Raises:
            NotImplementedError: The layer does not know it.
        """
        raise NotImplementedError("this path layer does not know its free space")


class PathIONursery:
    """Makes path layers that share the state of the first one.

    Args:
        factory: A path layer class, or a callable that returns a layer; it need not take all three of ``timeout``,
            ``connection`` and ``state``.

    Attributes:
        factory: As given.
        state: The shared state; None before the first call.
    """

    def __init__(self, factory: Callable[..., AbstractPathIO]) -> None:
        self.factory = factory
        self.state: Any = None
        known = _known_of_class if isinstance(factory, type) else _known_settings
        self._known, self._needs_state = known(factory)

    def __call__(self, timeout: float | None = None, connection: Any = None, state: Any = None) -> AbstractPathIO:
        """Make a layer with the shared state; `state` is ignored, and exists for compatibility with layer classes."""
        settings = {"timeout": timeout, "connection": connection, "state": self.state}
        if self.state is None and not self._needs_state:
            # None would hide the state that a functools.partial brings.
            del settings["state"]
        made = self.factory(**{name: value for name, value in settings.items() if name in self._known})
        if self.state is None:
            self.state = made.state
        return made


def _known_settings(factory: Callable[..., AbstractPathIO]) -> tuple[tuple[str, ...], bool]:
    """Return the settings that a factory takes, and whether it requires a state."""
    settings = ("timeout", "connection", "state")
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        # Not written in Python, so it has no signature.
        return settings, False
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return settings, False
    known = tuple(name for name in settings if name in parameters)
    return known, "state" in known and parameters["state"].default is inspect.Parameter.empty


_known_of_class = lru_cache(maxsize=64)(_known_settings)
