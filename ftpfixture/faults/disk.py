"""A disk that fails: the action, and the path layer that replaces the true one.

One rule: except for the failure, all calls go to the true layer.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ftpfixture.faults.action import Action, Context
from ftpfixture.faults.effects import Hook, Use
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.handles import AsyncPathIOContext, universal_exception
from ftpfixture.wire.states import DOWNLOADS, UPLOADS

__all__ = ["DiskError", "FaultyFiles"]


@dataclass(frozen=True, slots=True)
class DiskError(Action):
    """Reading or writing a file fails.

    Attributes:
        error: The errno.
        reading: Whether reading fails; otherwise writing fails.
        after_bytes: The number of bytes that are read or written before it fails.
        keep: Whether the written bytes stay in the file.
    """

    error: int
    reading: bool
    after_bytes: int = 0
    keep: bool = True

    in_front = "fail(452), fail(552) or fail(451) with after_bytes="

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return DOWNLOADS if self.reading else UPLOADS

    def command(self, context: Context, argument: str) -> Hook[str]:
        """See Action."""
        yield Use("path_io", lambda inner, now: FaultyFiles(inner, self, lambda: now(context.happens())))
        return argument


@dataclass(slots=True)
class _Opened:
    """A file that may fail.

    Attributes:
        file: The open file of the true layer.
        path: Its path.
        before: The earlier content, if a failure must restore it; None otherwise, or if there was no file.
        done: Bytes read or written so far.
        failed: Whether it has failed.
    """

    file: Any
    path: PurePath
    before: bytes | None = None
    done: int = 0
    failed: bool = False


class FaultyFiles:
    """A path layer whose files fail as a `DiskError` says.

    Args:
        inner: The true layer.
        disk: How files fail.
        happens: Called before a failure; returns False for no failure.
    """

    def __init__(self, inner: AbstractPathIO, disk: DiskError, happens: Callable[[], bool]) -> None:
        self._inner = inner
        self._disk = disk
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, path: PurePath, mode: str = "rb") -> AsyncPathIOContext:
        """See AbstractPathIO."""
        return AsyncPathIOContext(self, path, mode)

    async def _open(self, path: PurePath, mode: str) -> _Opened:
        before = None
        if mode in ("ab", "r+b") and not self._disk.keep and await self._inner.exists(path):
            async with self._inner.open(path, "rb") as file:
                before = await file.read()
        return _Opened(await self._inner._open(path, mode), path, before)

    async def seek(self, file: _Opened, offset: int, whence: int = io.SEEK_SET) -> int:
        """See AbstractPathIO."""
        return await self._inner.seek(file.file, offset, whence)

    @universal_exception
    async def write(self, file: _Opened, data: bytes | bytearray | memoryview) -> int:
        """See AbstractPathIO."""
        allowed = len(data) if self._disk.reading else self._disk.after_bytes - file.done
        if allowed < len(data) and self._fails(file):
            if allowed > 0:
                file.done += await self._inner.write(file.file, bytes(data[:allowed]))
            raise self._error()
        written = await self._inner.write(file.file, data)
        file.done += written
        return written

    async def read(self, file: _Opened, n: int = -1) -> bytes:
        """See AbstractPathIO."""
        return bytes(await self._read(file, n, self._inner.read))

    async def read_some(self, file: _Opened, count: int) -> bytes | memoryview:
        """See AbstractPathIO."""
        return await self._read(file, count, self._inner.read_some)

    @universal_exception
    async def _read(self, file: _Opened, count: int, read: Callable[[Any, int], Any]) -> bytes | memoryview:
        left = self._disk.after_bytes - file.done if self._disk.reading else None
        if left is not None and left <= 0 and self._fails(file):
            raise self._error()
        whole = count < 0
        if left is not None and left > 0:
            count = left if whole else min(count, left)
        piece: bytes | memoryview = await read(file.file, count)
        file.done += len(piece)
        if whole and len(piece) == count:  # there may be more, and the caller wants all of it
            return b"".join((piece, await self._read(file, -1, read)))
        return piece

    def _fails(self, file: _Opened) -> bool:
        file.failed = file.failed or self._happens()
        return file.failed

    async def close(self, file: _Opened) -> None:
        """See AbstractPathIO."""
        await self._inner.close(file.file)
        if not file.failed or self._disk.keep or not await self._inner.exists(file.path):
            return
        await self._inner.unlink(file.path)
        if file.before is not None:
            async with self._inner.open(file.path, "wb") as again:
                await again.write(file.before)

    def _error(self) -> OSError:
        return OSError(self._disk.error, os.strerror(self._disk.error))
