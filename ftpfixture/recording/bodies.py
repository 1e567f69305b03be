"""The bytes of data connections, in memory or in a file: read in parts, so that a long one is never held whole.

One rule: a body has a size and gives any part of it, wherever it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ftpfixture.errors import ReplayError

__all__ = ["Body", "FileBody", "MemoryBody", "digest_of", "pieces_of"]

_PIECE = 1 << 20


class Body(Protocol):
    """The bytes of a data connection."""

    @property
    def size(self) -> int:
        """How many bytes."""

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`; fewer where the body ends."""


@dataclass(frozen=True, slots=True)
class MemoryBody:
    """Bytes in memory.

    Attributes:
        content: All of them.
    """

    content: bytes

    @property
    def size(self) -> int:
        """See Body."""
        return len(self.content)

    def read(self, start: int, end: int) -> bytes:
        """See Body."""
        return self.content[start:end]


@dataclass(frozen=True, slots=True)
class FileBody:
    """Bytes in a file, which is opened for each part that is read.

    Attributes:
        path: Of the file.
        size: Its size.
        owner: Keeps a temporary file while this body is in use.
    """

    path: Path
    size: int
    owner: object = field(default=None, repr=False, compare=False)

    def read(self, start: int, end: int) -> bytes:
        """See Body.

        Raises:
            ReplayError: The file is shorter than it was.
            OSError: It cannot be read.
        """
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            part = file.read(min(end, self.size) - start) if start < self.size else b""
        if start + len(part) < min(end, self.size):
            raise ReplayError(f"{self.path} was truncated after the recording was loaded: restore it, or record again")
        return part


def pieces_of(body: Body) -> Iterator[bytes]:
    """All bytes in pieces of at most 1 MiB."""
    for start in range(0, body.size, _PIECE):
        yield body.read(start, start + _PIECE)


def digest_of(body: Body) -> str:
    """SHA-256 of all bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in pieces_of(body):
        digest.update(piece)
    return digest.hexdigest()
