"""A path layer whose disk fails; everything else is that of the layer inside."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ftpfixture.faults.actions import Disk
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.opened import AsyncPathIOContext, universal_exception

__all__ = ["FaultyFiles"]


@dataclass(slots=True)
class _Opened:
    """A file that may fail.

    Attributes:
        file: The raw file of the layer inside.
        path: Where it is.
        octets: Read or written so far.
        failed: Whether it has.
    """

    file: Any
    path: PurePath
    octets: int = 0
    failed: bool = False


class FaultyFiles:
    """Fails as a `Disk` says, when it may.

    Args:
        inner: The layer.
        disk: How it fails.
        happens: Asked when it would fail; False to go on.
    """

    def __init__(self, inner: AbstractPathIO, disk: Disk, happens: Callable[[], bool]) -> None:
        self._inner = inner
        self._disk = disk
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, path: PurePath, mode: str = "rb") -> AsyncPathIOContext:
        """See AbstractPathIO."""
        return AsyncPathIOContext(self, path, mode)

    async def _open(self, path: PurePath, mode: str) -> _Opened:
        return _Opened(await self._inner._open(path, mode), path)

    async def seek(self, file: _Opened, offset: int, whence: int = io.SEEK_SET) -> int:
        """See AbstractPathIO."""
        return await self._inner.seek(file.file, offset, whence)

    @universal_exception
    async def write(self, file: _Opened, data: bytes | bytearray | memoryview) -> int:
        """See AbstractPathIO."""
        room = None if self._disk.reading else self._disk.after - file.octets
        if room is None or len(data) <= room or not (file.failed or self._happens()):
            written = await self._inner.write(file.file, data)
            file.octets += written
            return written
        file.failed = True
        if room > 0:
            file.octets += await self._inner.write(file.file, bytes(data[:room]))
        raise self._error()

    async def read(self, file: _Opened, n: int = -1) -> bytes:
        """See AbstractPathIO."""
        return bytes(await self._read(file, n, self._inner.read))

    async def read_some(self, file: _Opened, count: int) -> bytes | memoryview:
        """See AbstractPathIO."""
        return await self._read(file, count, self._inner.read_some)

    @universal_exception
    async def _read(self, file: _Opened, count: int, read: Callable[[Any, int], Any]) -> bytes | memoryview:
        left = self._disk.after - file.octets
        fails = self._disk.reading
        if fails and left <= 0 and (file.failed or self._happens()):
            file.failed = True
            raise self._error()
        piece: bytes | memoryview = await read(file.file, min(count, left) if fails and 0 < left < count else count)
        file.octets += len(piece)
        return piece

    async def close(self, file: _Opened) -> None:
        """See AbstractPathIO."""
        await self._inner.close(file.file)
        if file.failed and not self._disk.keep:
            await self._inner.unlink(file.path)

    def _error(self) -> OSError:
        return OSError(self._disk.error, os.strerror(self._disk.error))
