"""Bodies while they are recorded: a long one goes to a temporary file, so that memory is bounded.

One rule: the recorder runs inside the server, so a disk that is full ends the recording, and no transfer. The error is
kept, and raised when the recording is read.
"""

from __future__ import annotations

import hashlib
import shutil
import weakref
import zlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

from ftpfixture.recording.bodies import Body, FileBody, MemoryBody, pieces_of
from ftpfixture.recording.format import INLINE_LIMIT

__all__ = ["Spool", "Spooled", "inflated"]

_INFLATED_AT_ONCE = 1 << 20


class Spool:
    """A temporary folder, made for the first long body, and removed by `close` or with the last body of it.

    Args:
        parent: Existing or future folder that it is in; None for that of the system.
        prefix: How its name begins.

    Attributes:
        error: Why a body could not be stored; None while all were.
    """

    def __init__(self, parent: Path | None = None, prefix: str = "ftpfixture.") -> None:
        self._parent = parent
        self._prefix = prefix
        self._folder: Path | None = None
        self._count = 0
        self._remove: weakref.finalize[..., Spool] | None = None
        self._open: set[BinaryIO] = set()
        self.error: OSError | None = None

    def create(self) -> tuple[Path, BinaryIO]:
        """A new file, open for writing.

        Raises:
            OSError: It cannot be made.
        """
        if self._folder is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(mkdtemp(prefix=self._prefix, dir=self._parent))
            self._remove = weakref.finalize(self, _remove, self._folder, self._open)
        self._count += 1
        path = self._folder / str(self._count)
        file = path.open("wb", buffering=0)
        self._open.add(file)
        return path, file

    def end(self, file: BinaryIO) -> None:
        """Close a file."""
        file.close()
        self._open.discard(file)

    def close(self) -> None:
        """Remove all files that are still here, also those that are written."""
        if self._remove is not None:
            self._remove()


def _remove(folder: Path, files: set[BinaryIO]) -> None:
    for file in files:
        file.close()
    shutil.rmtree(folder, ignore_errors=True)


class Spooled:
    """A body that is being recorded.

    Args:
        spool: Where a long one goes.

    Attributes:
        size: Bytes so far.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._head = bytearray()
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, piece: bytes | memoryview) -> None:
        """Add the next bytes."""
        self.size += len(piece)
        self._digest.update(piece)
        if self._spool.error is not None:
            return
        try:
            self._store(piece)
        except OSError as error:
            self._spool.error = error
            self.discard()

    def _store(self, piece: bytes | memoryview) -> None:
        if self._file is None and self.size <= INLINE_LIMIT:
            self._head += piece
            return
        if self._file is None:
            self._path, self._file = self._spool.create()
            _write(self._file, bytes(self._head))
            self._head.clear()
        _write(self._file, piece)

    @property
    def sha256(self) -> str:
        """Digest of the bytes so far, in hexadecimal."""
        return self._digest.hexdigest()

    def end(self) -> Body:
        """The whole body."""
        path = self._path
        self._close()
        return MemoryBody(bytes(self._head)) if path is None else FileBody(path, self.size, self._spool)

    def discard(self) -> None:
        """Remove what was stored."""
        self._close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._head.clear()

    def _close(self) -> None:
        if self._file is not None:
            self._spool.end(self._file)
            self._file = None


def _write(file: BinaryIO, piece: bytes | memoryview) -> None:
    """Write all of a piece: an unbuffered file may take less of it."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def inflated(body: Body, spool: Spool) -> Spooled | None:
    """A body of MODE Z without compression; None where it is no zlib stream."""
    result, inflate = Spooled(spool), zlib.decompressobj()
    try:
        for piece in _inflate(pieces_of(body), inflate):
            result.add(piece)
    except zlib.error:
        result.discard()
        return None
    return result


def _inflate(pieces: Iterable[bytes], inflate: zlib._Decompress) -> Iterable[bytes]:
    for piece in pieces:
        rest = piece
        while rest and not inflate.eof:
            yield inflate.decompress(rest, _INFLATED_AT_ONCE)
            rest = inflate.unconsumed_tail
    yield inflate.flush()
