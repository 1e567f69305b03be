"""How a file is made: its permission bits after SITE UMASK, and under a hidden name until it is complete.

One rule: without SITE UMASK the path layer chooses the bits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import Any

from ftpfixture.server.connection import Connection
from ftpfixture.server.replies import offered

__all__ = ["DIRECTORY_MODE", "FILE_MODE", "apply_umask", "creating", "hidden_creation"]

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


@asynccontextmanager
async def hidden_creation(connection: Connection, real: PurePath) -> AsyncIterator[Any]:
    """Open a file under a hidden name, which gets its own name when the context ends; after an error it is removed.

    The hidden name of "a" is ".in.a.", as with HiddenStores of ProFTPD.
    """
    hidden = real.with_name(f".in.{real.name}.")
    try:
        async with creating(connection, hidden, "wb") as file:
            yield file
        await connection.path_io.rename(hidden, real)
    except BaseException:
        if await connection.path_io.exists(hidden):
            await connection.path_io.unlink(hidden)
        raise
