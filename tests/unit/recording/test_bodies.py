"""Bodies in memory and in files are read in the same way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ftpfixture.errors import ReplayError
from ftpfixture.recording.bodies import Body, FileBody, MemoryBody, digest_of, pieces_of

CONTENT = bytes(range(256)) * 5000  # more than one piece


@pytest.fixture(params=["memory", "file"])
def body(request: pytest.FixtureRequest, tmp_path: Path) -> Body:
    """The same bytes in both forms."""
    if request.param == "memory":
        return MemoryBody(CONTENT)
    (tmp_path / "body").write_bytes(CONTENT)
    return FileBody(tmp_path / "body", len(CONTENT))


def test_parts(body: Body) -> None:
    """A part ends where the body ends."""
    assert body.size == len(CONTENT)
    assert [body.read(3, 5), body.read(len(CONTENT) - 1, len(CONTENT) + 9), body.read(len(CONTENT), 1 << 30)] == [
        b"\x03\x04",
        b"\xff",
        b"",
    ]


def test_all_of_it(body: Body) -> None:
    """Pieces have at most 1 MiB, and make up the whole."""
    pieces = list(pieces_of(body))
    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) == 1 << 20
    assert digest_of(body) == hashlib.sha256(CONTENT).hexdigest()


def test_a_file_that_was_truncated_later(tmp_path: Path) -> None:
    """The end of a file that was longer when it was loaded is an error, and no end of the body."""
    path = tmp_path / "body"
    path.write_bytes(CONTENT)
    body = FileBody(path, len(CONTENT))
    path.write_bytes(CONTENT[:10])

    assert body.read(0, 10) == CONTENT[:10]
    with pytest.raises(ReplayError, match=f"{path} was truncated after the recording was loaded"):
        body.read(5, 15)
