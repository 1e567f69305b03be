"""The bytes of a transfer, for the log and for recordings.

One rule: bytes are kept by reference, and hashed little by little while they move.
"""

from __future__ import annotations

import hashlib
import threading

from ftpfixture.errors import ServerStateError

__all__ = ["HASHED_AT_ONCE", "Payload"]

HASHED_AT_ONCE = 1 << 21
"""Bytes that are hashed for each piece that moves: some milliseconds, and faster than bytes can arrive."""


class Payload:
    """The bytes of one transfer, kept by reference until the log releases them.

    Hashing costs more than moving bytes between memory and a socket, and most tests never read the digest; so the
    pieces (immutable, shared with the stored file) are kept, and hashed when they are released.

    Args:
        limit: Number of bytes from which all are hashed and released while they come; None where another part of the
            program holds them in any case.

    Attributes:
        size: How many bytes.
    """

    __slots__ = ("_digest", "_hash", "_limit", "_lock", "_next", "_offset", "_pieces", "_released", "size")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._released = False
        self._pieces: list[bytes | memoryview] | None = []
        self._hash: hashlib._Hash | None = None
        self._next = 0  # index of the piece to hash next, and how much of it is hashed
        self._offset = 0
        self._digest = ""
        self._lock = threading.Lock()
        self.size = 0

    def add(self, piece: bytes | memoryview) -> None:
        """Keep the next piece, which must never change again."""
        assert self._pieces is not None
        if self._limit is not None and self.size + len(piece) > self._limit:
            self._release_some()
        self._pieces.append(piece)
        self.size += len(piece)

    def since(self, start: int) -> list[memoryview]:
        """The bytes from a position on, as pieces; the newest piece is always there while the transfer runs.

        Raises:
            ServerStateError: Some of them are released.
        """
        found, end = list[memoryview](), self.size
        for piece in reversed(self._pieces or ()):
            if end <= start:
                break
            end -= len(piece)
            found.append(memoryview(piece)[max(start - end, 0) :])
        if end > start:
            raise ServerStateError(f"{end - start} bytes of a transfer are released")
        return found[::-1]

    def _release_some(self) -> None:
        if self._pieces is not None and self._lock.acquire(blocking=False):
            try:
                self._released = True
                self._hash_on(HASHED_AT_ONCE)
                del self._pieces[: self._next]
                self._next = 0
            finally:
                self._lock.release()

    def buffers(self) -> dict[int, int]:
        """The buffers held, from identity to size; pieces of one stored file share theirs."""
        wholes = (memoryview(piece.obj if isinstance(piece, memoryview) else piece) for piece in self._pieces or ())
        return {id(whole.obj): whole.nbytes for whole in wholes}

    def hash_some(self, most: int) -> int:
        """Hash some of the bytes, to release them all at the end; do nothing while another thread hashes them all.

        Args:
            most: How many bytes.

        Returns:
            How many of these were not needed; 0 until the digest is known.
        """
        if not self._lock.acquire(blocking=False):
            return most
        try:
            left = self._hash_on(most)
            if left > 0:
                self._digest = self._hexdigest()
                self._pieces = self._hash = None
            return left
        finally:
            self._lock.release()

    @property
    def sha256(self) -> str:
        """SHA-256 of all the bytes, in hexadecimal."""
        with self._lock:
            self._hash_on(self.size + 1)
            return self._hexdigest()

    def _hexdigest(self) -> str:
        return self._digest if self._hash is None else self._hash.hexdigest()

    def _hash_on(self, most: int) -> int:
        if self._pieces is None:
            return most
        self._hash = self._hash or hashlib.sha256()
        while self._next < len(self._pieces) and most > 0:
            piece = self._pieces[self._next]
            part = piece if len(piece) - self._offset <= most and not self._offset else self._part(piece, most)
            self._hash.update(part)
            most -= len(part)
            self._offset += len(part)
            if self._offset == len(piece):
                self._next, self._offset = self._next + 1, 0
        return most

    def _part(self, piece: bytes | memoryview, most: int) -> memoryview:
        return memoryview(piece)[self._offset : self._offset + most]

    def content(self) -> bytes | None:
        """All the bytes, in one piece; None when they were released."""
        with self._lock:
            return None if self._released or self._pieces is None else b"".join(self._pieces)

    def __repr__(self) -> str:
        return f"<Payload of {self.size} bytes>"
