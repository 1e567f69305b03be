"""Bodies while they are recorded: short ones in memory, long ones in files that do not stay."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from ftpfixture.recording.bodies import FileBody, MemoryBody
from ftpfixture.recording.format import INLINE_LIMIT
from ftpfixture.recording.spool import Spool, Spooled, inflated

LONG = b"0123456789" * 1000


def _spooled(spool: Spool, content: bytes, step: int = 999) -> Spooled:
    body = Spooled(spool)
    for start in range(0, len(content), step):
        body.add(memoryview(content)[start : start + step])
    return body


def test_a_short_body_makes_no_file(tmp_path: Path) -> None:
    """Up to the size that stands in the recording itself."""
    spooled = _spooled(Spool(tmp_path), LONG[:INLINE_LIMIT])

    assert spooled.end() == MemoryBody(LONG[:INLINE_LIMIT])
    assert spooled.sha256 == hashlib.sha256(LONG[:INLINE_LIMIT]).hexdigest()
    assert os.listdir(tmp_path) == []


def test_a_long_body_is_in_a_file(tmp_path: Path) -> None:
    """It is read like any other; `close` removes all files, and so does the end of the last body."""
    parent = tmp_path / "new"
    spool = Spool(parent, ".feed.")
    spooled = _spooled(spool, LONG)
    body = spooled.end()

    assert isinstance(body, FileBody)
    assert (body.size, body.read(0, body.size)) == (len(LONG), LONG)
    assert spooled.sha256 == hashlib.sha256(LONG).hexdigest()
    assert [name[:6] for name in os.listdir(parent)] == [".feed."]
    del spool, spooled
    gc.collect()
    assert body.read(0, 10) == LONG[:10]
    del body
    gc.collect()
    assert os.listdir(parent) == []

    other = Spool(parent)
    _spooled(other, LONG)
    other.close()
    other.close()
    assert os.listdir(parent) == []


def test_a_body_is_discarded(tmp_path: Path) -> None:
    """Its file is removed before the others."""
    spool = Spool(tmp_path)
    _spooled(spool, LONG).discard()
    [folder] = tmp_path.iterdir()
    assert os.listdir(folder) == []


class FullDisk(io.FileIO):
    """A file on a disk that takes some bytes of each piece, 5000 in all."""

    def write(self, piece: Any) -> int:
        """Take some of a piece."""
        room = 5000 - self.tell()
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device", self.name)
        return super().write(piece[: min(room, 700)])


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is kept and the file removed; the size stays right, and no later body is stored."""
    spool = Spool(tmp_path)
    path = tmp_path / "body"
    monkeypatch.setattr(spool, "create", lambda: (path, FullDisk(path, "w")))
    spooled = _spooled(spool, LONG)
    later = _spooled(spool, LONG)

    assert isinstance(spool.error, OSError)
    assert "No space left" in str(spool.error)
    assert (spooled.size, later.size) == (len(LONG), len(LONG))
    assert spooled.sha256 == later.sha256 == hashlib.sha256(LONG).hexdigest()
    assert os.listdir(tmp_path) == []


def test_without_compression(tmp_path: Path) -> None:
    """A zlib stream is inflated in pieces, whatever its ratio; what is none gives None and leaves nothing."""
    spool = Spool(tmp_path)
    for content in (b"", b"short", LONG, b"x" * 5_000_000):
        result = inflated(_spooled(spool, zlib.compress(content)).end(), spool)
        assert result is not None
        body = result.end()
        assert body.read(0, body.size) == content

    truncated = inflated(_spooled(spool, zlib.compress(LONG)[:-20]).end(), spool)
    assert truncated is not None
    assert truncated.size < len(LONG)
    assert inflated(_spooled(spool, LONG).end(), spool) is None
