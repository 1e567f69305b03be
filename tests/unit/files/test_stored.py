"""Files, directories and links with attributes."""

from __future__ import annotations

from pathlib import PurePosixPath

from ftpfixture.files.memory import MemoryFiles
from ftpfixture.files.stored import Stored
from tests.support.rows import table

GIB = 1 << 30


@table(
    ("stored", "content"),
    [
        (Stored(), b""),
        (Stored(content=((0, b"ab"),)), b"ab"),
        (Stored(size=3), b"\0\0\0"),
        (Stored(content=((0, b"ab"),), size=4), b"ab\0\0"),
        (Stored(content=((0, b"ab"), (4, b"ef"))), b"ab\0\0ef"),
        (Stored(content=((0, b"abcd"), (2, b"cdef")), size=6), b"abcdef"),
        (Stored(content=((0, b"abcd"),), size=2), b"abcd"),  # what was seen counts more than what was said
    ],
)
def test_bytes_that_are_not_known_are_zeros(stored: Stored, content: bytes) -> None:
    """A file has its pieces at their places, and its size."""
    tree = MemoryFiles()
    stored.put(tree, PurePosixPath("/in/a"))

    assert tree.read_file("/in/a") == content


def test_a_large_file_without_content_costs_no_memory() -> None:
    """Its zeros are one chunk, used again and again."""
    tree = MemoryFiles()
    Stored(size=64 * GIB).put(tree, PurePosixPath("/large"))

    assert tree.stat("/large").st_size == 64 * GIB


def test_attributes() -> None:
    """Times, permission bits and names of a file and of a directory; a link has its target."""
    tree = MemoryFiles(clock=lambda: 5.0)
    Stored(modified=7.0, mode=0o600, owner="ann", group="staff").put(tree, PurePosixPath("/out/a"))
    Stored("link", target="a").put(tree, PurePosixPath("/out/b"))
    Stored("dir", modified=8.0, mode=0o700).put(tree, PurePosixPath("/out"))

    file, directory = tree.lookup("/out/a"), tree.lookup("/out")
    assert file is not None
    assert directory is not None
    assert (file.modify, file.mode & 0o777, file.owner, file.group) == (7.0, 0o600, "ann", "staff")
    assert (directory.modify, directory.mode & 0o777, directory.owner) == (8.0, 0o700, "ftp")
    assert tree.read_link("/out/b") == PurePosixPath("a")
