"""The permission bits of what a session makes, where its client has said SITE UMASK.

One rule: a session without an umask of its own leaves the bits to the path layer.
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
"""Bits of a new file, before the umask takes away some."""

DIRECTORY_MODE = 0o777
"""Bits of a new directory, before the umask takes away some."""


async def apply_umask(connection: Connection, real: PurePath, mode: int) -> None:
    """Give what was just made the bits of `mode` that the session's umask leaves."""
    if connection.umask is not None:
        await offered(connection.path_io.chmod(real, mode & ~connection.umask))


@asynccontextmanager
async def creating(connection: Connection, real: PurePath, mode: str) -> AsyncIterator[Any]:
    """Open a file as the path layer does; one that this makes gets the bits of the session's umask."""
    is_new = connection.umask is not None and not await connection.path_io.exists(real)
    async with connection.path_io.open(real, mode=mode) as file:
        if is_new:
            await apply_umask(connection, real, FILE_MODE)
        yield file
