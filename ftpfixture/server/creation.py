"""The permission bits of new files and directories after SITE UMASK.

One rule: without SITE UMASK the path layer chooses the bits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import Any

from ftpfixture.server.connection import Connection
from ftpfixture.server.replies import offered

__all__ = ["DIRECTORY_MODE", "FILE_MODE", "apply_umask", "creating"]

FILE_MODE = 0o666
"""Bits of a new file, before the umask clears some."""

DIRECTORY_MODE = 0o777
"""Bits of a new directory, before the umask clears some."""


async def apply_umask(connection: Connection, real: PurePath, mode: int) -> None:
    """Set the permission bits of a new file or directory: `mode` without the bits of the session's umask."""
    if connection.umask is not None:
        await offered(connection.path_io.chmod(real, mode & ~connection.umask))


@asynccontextmanager
async def creating(connection: Connection, real: PurePath, mode: str) -> AsyncIterator[Any]:
    """Open a file with the path layer, and apply the session's umask if this makes the file."""
    is_new = connection.umask is not None and not await connection.path_io.exists(real)
    async with connection.path_io.open(real, mode=mode) as file:
        if is_new:
            await apply_umask(connection, real, FILE_MODE)
        yield file
