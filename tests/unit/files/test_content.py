"""The content of files in memory: references and copies, and readers beside writers."""

from __future__ import annotations

import errno
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftpfixture.files import content as content_module
from ftpfixture.files.content import JOINED, SMALL, Content
from ftpfixture.files.memory import MemoryFiles, MemoryPathIO
from tests.support.memory_files import FILE, file_node, get, put, reason, traced


def chunks(content: Content) -> list[bytes | memoryview]:
    """Return the chunks of a content, from a snapshot, which joins pending pieces."""
    return list(content.snapshot()._chunks)


@pytest.mark.parametrize("size", [1, SMALL - 1, SMALL, JOINED + 1])
async def test_bytes_are_stored_and_returned_by_reference(size: int) -> None:
    """A bytes object that is written is the same object when it is read."""
    layer = MemoryPathIO()
    data = bytes([7]) * size
    await put(layer, FILE, data)
    assert await get(layer, FILE) is data
    assert layer.state.read_file(FILE) is data
    async with layer.open(FILE) as file:
        assert await file.read_some(size + 1) is data
        assert await file.read_some(1) == b""
    layer.state.write_file("/second", data)
    assert layer.state.read_file("/second") is data


async def test_other_buffers_are_copied() -> None:
    """A buffer that changes after the write does not change the file."""
    layer = MemoryPathIO()
    for kind in (bytearray, lambda data: memoryview(bytearray(data))):
        data = kind(b"abc")
        async with layer.open(FILE, "wb") as file:
            assert await file.write(data) == 3
        data[0] = 0
        assert await get(layer, FILE) == b"abc"


async def test_read_some_returns_views() -> None:
    """A piece of a chunk is a view of the chunk, not a copy."""
    layer = MemoryPathIO()
    data = bytes(range(256))
    await put(layer, FILE, data)
    async with layer.open(FILE) as file:
        await file.seek(10)
        piece = await file.read_some(100)
        assert isinstance(piece, memoryview)
        assert piece.obj is data
        assert piece == data[10:110]
        assert await file.read_some(0) == b""
        assert await file.read_some(-1) == data[110:]


async def test_reader_sees_the_content_at_the_time_of_opening() -> None:
    """An open reader reads the old content to the end, whatever happens to the file."""
    layer = MemoryPathIO()
    data = bytes(range(256)) * 1000
    await put(layer, FILE, data)
    readers = [await layer.open(FILE) for _ in range(4)]
    await put(layer, FILE, b"more", "ab")
    assert await readers[0].read() == data
    async with layer.open(FILE, "r+b") as file:
        await file.seek(5)
        await file.write(b"changed")
    assert await readers[1].read() == data
    await put(layer, FILE, b"new")
    assert await readers[2].read() == data
    await layer.unlink(FILE)
    assert await readers[3].read() == data
    assert await readers[3].seek(0, io.SEEK_END) == len(data)
    for reader in readers:
        await reader.close()


async def test_append_ignores_the_position() -> None:
    """With "ab" every write appends to the end, also after a write through another open file."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"0")
    async with layer.open(FILE, "ab") as one, layer.open(FILE, "ab") as two:
        await one.seek(0)
        await one.write(b"1")
        await two.write(b"2")
        await one.write(b"3")
    assert await get(layer, FILE) == b"0123"


async def test_two_writers() -> None:
    """Opening with "wb" starts a new content without the bytes of an earlier writer."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as one, layer.open(FILE, "wb") as two:
        await two.write(b"two")
        await one.write(b"one more")
    assert await get(layer, FILE) == b"two"
    assert layer.state.used == 3


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Random reads, writes and seeks; sizes around the limits for joining pieces."""
    size = st.one_of(st.integers(0, 40), st.sampled_from([63, 64, 65, 255, 256, 257, 700]))
    kind = st.sampled_from(["read", "some", "write", "seek", "seek", "end", "current", "snapshot"])
    return draw(st.lists(st.tuples(kind, size, size), max_size=30))


@settings(max_examples=300)
@given(steps(), st.lists(st.integers(0, 300), max_size=4))
def test_like_a_file_of_python(taken: list[tuple[str, int, int]], first: list[int]) -> None:
    """Any sequence of steps reads the same as with BytesIO, and snapshots do not change."""
    with pytest.MonkeyPatch.context() as patch:
        # Small limits, so that small examples reach all branches.
        patch.setattr(content_module, "SMALL", 64)
        patch.setattr(content_module, "JOINED", 256)
        patch.setattr(content_module, "ZEROS", bytes(100))
        tree, model = MemoryFiles(), io.BytesIO()
        writer = tree.open(FILE, "wb")
        for number, count in enumerate(first):
            data = bytes([number + 1]) * count
            assert writer.write(data) == model.write(data)
        file, snapshots = tree.open(FILE, "r+b"), []
        model.seek(0)
        for number, (kind, one, two) in enumerate(taken):
            if kind == "read":
                assert file.read(one) == model.read(one)
            elif kind == "some":
                piece = file.read_some(one)
                assert piece == model.read(len(piece))
                assert piece or not one or model.read(1) == b""
            elif kind == "write":
                data = bytes([number + 100]) * one
                assert file.write(data) == model.write(data)
            elif kind == "seek":
                assert file.seek(one + two) == model.seek(one + two)
            elif kind == "end":
                assert file.seek(one, io.SEEK_END) == model.seek(one, io.SEEK_END)
            elif kind == "current":
                assert file.seek(one, io.SEEK_CUR) == model.seek(one, io.SEEK_CUR)
            else:
                snapshots.append((tree.open(FILE), model.getvalue()))
            assert tree.stat(FILE).st_size == len(model.getvalue()) == tree.used
        assert tree.read_file(FILE) == model.getvalue()
        for reader, wanted in snapshots:
            assert reader.read() == wanted
        parts = chunks(file_node(tree).content)
        assert all(parts)
        assert all(isinstance(part, bytes) or len(part) >= 64 for part in parts)


def test_reading_allocates_nothing() -> None:
    """A file of 256 MiB is read in pieces without a copy."""
    tree = MemoryFiles()
    tree.write_file(FILE, bytes(256 * 1024 * 1024))
    with_chunks = tree.open("/chunks", "wb")
    chunk = bytes(1024 * 1024)
    for _ in range(256):
        with_chunks.write(chunk)
    for path in ("/file", "/chunks"):
        with traced() as peak:
            reader, total = tree.open(path), 0
            while piece := reader.read_some(65536):
                total += len(piece)
            reader.close()
        assert total == 256 * 1024 * 1024
        assert peak() < 100_000


def test_small_appends_are_joined_once() -> None:
    """A hundred thousand small writes make a few chunks, and each byte is joined once."""
    tree = MemoryFiles()
    file = tree.open(FILE, "wb")
    content = file_node(tree).content
    flushed = 0
    for _ in range(100_000):
        before = len(content._chunks)
        file.write(b"0123456789")
        flushed += len(content._chunks) != before
    file.close()
    assert flushed == 1_000_000 // JOINED
    assert len(chunks(content)) == 1_000_000 // JOINED + 1
    assert tree.read_file(FILE) == b"0123456789" * 100_000


def test_small_appends_between_reads_make_few_chunks() -> None:
    """A file that is read after each small write still has few chunks."""
    tree = MemoryFiles()
    for _ in range(5000):
        file = tree.open(FILE, "ab")
        file.write(b"0123456789")
        file.close()
    assert len(chunks(file_node(tree).content)) <= 50_000 // SMALL + 1
    assert tree.read_file(FILE) == b"0123456789" * 5000


def test_small_overwrites_make_few_chunks() -> None:
    """Writing over a large chunk in small steps neither copies the chunk each time nor makes one chunk per step."""
    tree = MemoryFiles()
    size = 16 * 1024 * 1024
    tree.write_file(FILE, bytes(size))
    file = tree.open(FILE, "r+b")
    with traced() as peak:
        for _ in range(10_000):
            file.write(b"0123456789")
    # One copy of the large chunk would be far above this.
    assert peak() < 1024 * 1024
    file.close()
    assert len(chunks(file_node(tree).content)) <= 100_000 // SMALL + 3
    data = tree.read_file(FILE)
    assert (data[:100_000], data[100_000:]) == (b"0123456789" * 10_000, bytes(size - 100_000))


async def test_gap_counts() -> None:
    """Zeros between the end and the position count in the quota, and are written only as far as they fit."""
    layer = MemoryPathIO(quota=10)
    async with layer.open(FILE, "wb") as file:
        await file.seek(8)
        assert (await reason(file.write(b"abc"))).errno == errno.ENOSPC
    assert await get(layer, FILE) == bytes(8) + b"ab"
