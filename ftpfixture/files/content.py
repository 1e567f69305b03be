"""Content of files in memory: lists of chunks that never change, and the open files that read and write them.

One rule: a chunk that a reader has never changes; a write adds new chunks.
"""

from __future__ import annotations

import errno
import io
import os
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LARGEST_FILE", "Content", "MemoryFile", "Snapshot", "Space", "as_bytes"]

Chunk = bytes | memoryview
"""Immutable bytes: a memoryview is always one over bytes."""

# Smaller pieces are collected and joined, because each chunk costs a list entry and, when it is sent, a call. A
# loopback socket accepts 64 KiB at once.
SMALL = 16 * 1024
JOINED = 64 * 1024

# A gap is filled with references to one chunk of zeros, so it costs 16 bytes per MiB, and its size is limited.
ZEROS = bytes(1024 * 1024)

LARGEST_FILE = 2**40
"""Bytes (1 TiB). ext4 allows 16 TiB, FAT 4 GiB; a larger size can only be a mistake in a test."""


@dataclass(slots=True, eq=False)
class Space:
    """The limit of storage, and the bytes that are used.

    Attributes:
        quota: Bytes; None for no limit.
        used: Bytes.
    """

    quota: int | None = None
    used: int = 0

    @property
    def free(self) -> int:
        """Free bytes; a large number when there is no limit."""
        return max(0, (LARGEST_FILE if self.quota is None else self.quota) - self.used)


class Snapshot:
    """The content of a file at one moment.

    Args:
        chunks: All bytes in order.
        starts: Offset of each chunk.
        size: Total number of bytes.
    """

    __slots__ = ("_chunks", "_starts", "size")

    def __init__(self, chunks: list[Chunk], starts: list[int], size: int) -> None:
        self._chunks = tuple(chunks)
        self._starts = tuple(starts)
        self.size = size

    def piece(self, position: int, count: int) -> Chunk:
        """Return the part of one chunk at `position`: at most `count` bytes, never copied; empty at the end."""
        if position >= self.size or count == 0:
            return b""
        index = bisect_right(self._starts, position) - 1
        chunk, offset = self._chunks[index], position - self._starts[index]
        end = len(chunk) if count < 0 else min(len(chunk), offset + count)
        return chunk if end - offset == len(chunk) else memoryview(chunk)[offset:end]

    def read(self, position: int, count: int = -1) -> bytes:
        """Return `count` bytes, or the rest; not copied when they are one whole chunk."""
        end = self.size if count < 0 else min(self.size, position + count)
        pieces: list[Chunk] = []
        while position < end:
            pieces.append(self.piece(position, end - position))
            position += len(pieces[-1])
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            return pieces[0]
        return b"".join(pieces)


class Content:
    """The content of a file.

    Args:
        space: The storage that its bytes count in; None when they do not count.

    Attributes:
        size: Bytes.
    """

    __slots__ = ("_chunks", "_pending", "_pending_size", "_snapshot", "_space", "_starts", "size")

    def __init__(self, space: Space | None = None) -> None:
        self.size = 0
        self._space = space
        self._chunks: list[Chunk] = []
        self._starts: list[int] = []
        self._pending: list[Chunk] = []
        self._pending_size = 0
        self._snapshot: Snapshot | None = None

    def __repr__(self) -> str:
        return f"<Content of {self.size} bytes>"

    def snapshot(self) -> Snapshot:
        """Return the content as it is now; later writes do not change it."""
        if self._snapshot is None:
            self.flush()
            self._snapshot = Snapshot(self._chunks, self._starts, self.size)
        return self._snapshot

    def release(self) -> None:
        """Free the space; open files of this content stay usable, and their bytes do not count any more."""
        if self._space is not None:
            self._space.used -= self.size
            self._space = None

    def write(self, position: int, data: bytes) -> int:
        """Write at an offset; a gap between the end and the offset is filled with zeros.

        Returns:
            The number of bytes written: fewer than all when the space is used up.

        Raises:
            OSError: EFBIG: the file would be larger than `LARGEST_FILE`.
        """
        if position + len(data) > LARGEST_FILE:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        growth = position + len(data) - self.size
        if self._space is not None and growth > self._space.free:
            data = data[: max(0, len(data) - growth + self._space.free)]
            growth = position + len(data) - self.size
        if not data:
            return 0
        if self._space is not None and growth > 0:
            self._space.used += growth
        self._snapshot = None
        if growth < 0:
            self._replace(position, data)
        else:
            self._cut(position)
            while self.size < position:
                self._append(_part(ZEROS, 0, min(len(ZEROS), position - self.size)))
            self._append(data)
        return len(data)

    def flush(self) -> None:
        """Join the small pieces at the end into one chunk."""
        if not self._pending:
            return
        start = self.size - self._pending_size
        if self._chunks and len(self._chunks[-1]) < SMALL:
            # Otherwise a file that is read after each of many small appends would have as many chunks.
            self._pending.insert(0, self._chunks.pop())
            start = self._starts.pop()
        self._chunks.append(self._pending[0] if len(self._pending) == 1 else b"".join(self._pending))
        self._starts.append(start)
        self._pending = []
        self._pending_size = 0

    def _append(self, data: Chunk) -> None:
        if len(data) >= SMALL:
            self.flush()
            self._chunks.append(data)
            self._starts.append(self.size)
        else:
            self._pending.append(data)
            self._pending_size += len(data)
        self.size += len(data)
        if self._pending_size >= JOINED:
            self.flush()

    def _cut(self, size: int) -> None:
        """Drop all but the first `size` bytes."""
        if size >= self.size:
            return
        self.flush()
        index = bisect_right(self._starts, size) - 1
        head = _part(self._chunks[index], 0, size - self._starts[index])
        self._chunks[index:] = [head] if head else []
        del self._starts[index + bool(head) :]
        self.size = size

    def _replace(self, position: int, data: bytes) -> None:
        """Overwrite existing bytes, before the end."""
        self.flush()
        end = position + len(data)
        first = bisect_right(self._starts, position) - 1
        last = bisect_right(self._starts, end - 1) - 1
        pieces: list[Chunk] = [
            _part(self._chunks[first], 0, position - self._starts[first]),
            data,
            _part(self._chunks[last], end - self._starts[last], len(self._chunks[last])),
        ]
        if first and not pieces[0] and len(self._chunks[first - 1]) < SMALL:
            # The write before this one ended here: many small ones in a row must not make as many chunks.
            first -= 1
            pieces[0] = self._chunks[first]
        joined: list[Chunk] = []
        for piece in pieces:
            if not piece:
                continue
            if joined and len(joined[-1]) < SMALL and len(piece) < SMALL:
                joined[-1] = b"".join((joined[-1], piece))
            else:
                joined.append(piece)
        start = self._starts[first]
        starts = []
        for piece in joined:
            starts.append(start)
            start += len(piece)
        self._chunks[first : last + 1] = joined
        self._starts[first : last + 1] = starts


def as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """Return `data` itself when it is bytes, otherwise a copy.

    Raises:
        TypeError: It is not a buffer.
    """
    # Through a memoryview, because bytes(5) would be five zeros.
    return data if type(data) is bytes else bytes(memoryview(data))


def _part(chunk: Chunk, start: int, end: int) -> Chunk:
    """Return a part of a chunk; a small part is copied, because a view of it would keep the whole chunk alive."""
    if end - start == len(chunk):
        return chunk
    part = memoryview(chunk)[start:end]
    return part if len(part) >= SMALL else bytes(part)


class MemoryFile:
    """An open file with its own position.

    With "rb" it reads the content at the time of opening, whatever happens to the file later. With "ab" each write
    appends to the end, wherever the position is.

    Args:
        content: The content to read and write.
        mode: One of rb, wb, ab, r+b.
        written: Called after each write.
    """

    __slots__ = ("_content", "_mode", "_position", "_snapshot", "_written", "closed")

    def __init__(self, content: Content, mode: str, written: Callable[[], None]) -> None:
        self.closed = False
        self._content = content
        self._mode = mode
        self._written = written
        self._position = content.size if mode == "ab" else 0
        self._snapshot = content.snapshot() if mode == "rb" else None

    def __repr__(self) -> str:
        return f"<MemoryFile {self._mode} at {self._position} of {self._size}{' closed' if self.closed else ''}>"

    @property
    def _size(self) -> int:
        return (self._snapshot or self._content).size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position and return it; it may go past the end.

        Raises:
            OSError: EINVAL: the position would be before the start.
            ValueError: Unknown `whence`, or the file is closed.
        """
        self._check_open()
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def read(self, n: int = -1) -> bytes:
        """Return `n` bytes, or all that are left."""
        data = self._readable().read(self._position, n)
        self._position += len(data)
        return data

    def read_some(self, count: int) -> bytes | memoryview:
        """Return at most `count` bytes of one chunk, not copied; empty at the end."""
        piece = self._readable().piece(self._position, count)
        self._position += len(piece)
        return piece

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data`; bytes are kept as they are, anything else is copied.

        Raises:
            OSError: ENOSPC, after the bytes that fit were written; EFBIG.
            ValueError: The file is closed, or was opened for reading.
        """
        self._check_open()
        if self._mode == "rb":
            raise io.UnsupportedOperation("not open for writing")
        content = as_bytes(data)
        if self._mode == "ab":
            self._position = self._content.size
        count = self._content.write(self._position, content)
        self._position += count
        if count:
            self._written()
        if count < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return count

    def close(self) -> None:
        """Close the file; a second call has no effect."""
        if not self.closed:
            self.closed = True
            self._content.flush()
            self._content = Content()
            self._snapshot = None

    def _readable(self) -> Snapshot:
        self._check_open()
        if self._snapshot is not None:
            return self._snapshot
        if self._mode != "r+b":
            raise io.UnsupportedOperation("not open for reading")
        return self._content.snapshot()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
