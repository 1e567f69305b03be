"""The open file of a path layer, and the decorators for methods of layers.

One rule: nothing here knows a concrete layer; `Layer` is all that an open file needs.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Coroutine, Generator
from pathlib import PurePath
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from ftpfixture.aio import AsyncStreamIterator
from ftpfixture.errors import PathIOError

__all__ = ["MODES", "AsyncPathIOContext", "check_mode", "defend_file_methods", "universal_exception"]

P = ParamSpec("P")
R = TypeVar("R")

MODES = ("rb", "wb", "ab", "r+b")
"""Modes for opening files: read, replace, append, read and write in place."""


def universal_exception(coroutine: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Turn exceptions of a method of a path layer into PathIOError, with the original in `reason` and as the cause.

    CancelledError, NotImplementedError, StopAsyncIteration and PathIOError pass unchanged.
    """

    @functools.wraps(coroutine)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await coroutine(*args, **kwargs)
        except (NotImplementedError, StopAsyncIteration, PathIOError):
            raise
        except Exception as error:
            raise PathIOError(reason=sys.exc_info()) from error

    return wrapped


def defend_file_methods(coroutine: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make `seek`, `write`, `read` and `close` of a layer reject the context of a file in place of the raw file.

    Raises:
        ValueError: The argument is an AsyncPathIOContext, which has its own methods of these names.
    """

    @functools.wraps(coroutine)
    async def defended(*args: P.args, **kwargs: P.kwargs) -> R:
        if len(args) > 1 and isinstance(args[1], AsyncPathIOContext):
            raise ValueError(
                f"path_io.{coroutine.__name__} takes the raw file of _open; "
                f"call {coroutine.__name__} of the opened context instead"
            )
        return await coroutine(*args, **kwargs)

    return defended


def check_mode(mode: str) -> None:
    """Check the mode for opening a file.

    Raises:
        ValueError: It is not one of `MODES`.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}")


class Layer(Protocol):
    """The methods of a path layer that take a raw file."""

    async def _open(self, path: PurePath, mode: str) -> Any: ...

    async def seek(self, file: Any, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""

    async def write(self, file: Any, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data`."""

    async def read(self, file: Any, n: int = -1) -> bytes:
        """Read `n` bytes, or all that are left."""

    async def read_some(self, file: Any, count: int) -> bytes | memoryview:
        """Read one piece of at most `count` bytes."""

    async def close(self, file: Any) -> None:
        """Close the file."""


class AsyncPathIOContext:
    """A file that a path layer opens when this is awaited or entered; both return this object.

    Leaving the context closes the file. A second close has no effect.

    Args:
        path_io: The layer.
        path: Path of the file.
        mode: One of `MODES`.

    Attributes:
        file: The raw file of the layer while it is open, else None.
    """

    __slots__ = ("_mode", "_path", "_path_io", "file")

    def __init__(self, path_io: Layer, path: PurePath, mode: str) -> None:
        self._path_io = path_io
        self._path = path
        self._mode = mode
        self.file: Any = None

    def __repr__(self) -> str:
        state = "closed" if self.file is None else "open"
        return f"<{type(self).__name__} {self._path} {self._mode} {state}>"

    async def _open(self) -> Self:
        if self.file is None:
            self.file = await self._path_io._open(self._path, mode=self._mode)
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._open().__await__()

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _opened(self) -> Any:
        if self.file is None:
            raise ValueError(f"{self._path} is not open: use `async with path_io.open(...)`, or await it first")
        return self.file

    # These return the coroutine of the layer, because an `async def` around it would be one more frame per block.

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> Coroutine[Any, Any, int]:
        """Move the position; see AbstractPathIO."""
        return self._path_io.seek(self._opened(), offset, whence)

    def write(self, data: bytes | bytearray | memoryview) -> Coroutine[Any, Any, int]:
        """Write all of `data`; see AbstractPathIO."""
        return self._path_io.write(self._opened(), data)

    def read(self, n: int = -1) -> Coroutine[Any, Any, bytes]:
        """Read `n` bytes, or all that are left; see AbstractPathIO."""
        return self._path_io.read(self._opened(), n)

    def read_some(self, count: int) -> Coroutine[Any, Any, bytes | memoryview]:
        """Read one piece of at most `count` bytes; see AbstractPathIO."""
        return self._path_io.read_some(self._opened(), count)

    async def close(self) -> None:
        """Close the file; a closed file stays closed."""
        file, self.file = self.file, None
        if file is not None:
            await self._path_io.close(file)

    def iter_by_block(self, count: int = 8192) -> AsyncStreamIterator[bytes]:
        """Iterate over the rest of the file in blocks of `count` bytes; only the last may be shorter."""
        self._opened()
        return AsyncStreamIterator(lambda: self.read(count))
