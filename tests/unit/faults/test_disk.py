"""A disk that fails after exactly this number of bytes; everything else is done by the true layer."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import PathIOError
from ftpfixture.faults.disk import DiskError, FaultyFiles
from ftpfixture.files.memory import MemoryPathIO

FILE = PurePosixPath("/file")
DATA = bytes(range(100))


class Decider:
    """Decides whether a fault may happen, and counts the calls.

    Args:
        answers: The first results; the last one is repeated for ever.
    """

    def __init__(self, *answers: bool) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self) -> bool:
        """Return the next result."""
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Bench:
    """A layer in memory, wrapped in a layer that fails.

    Args:
        disk: How it fails.
        content: The content of the file; None for no file.
        answers: Whether it may fail.
    """

    def __init__(self, disk: DiskError, content: bytes | None = None, answers: Sequence[bool] = (True,)) -> None:
        self.inner = MemoryPathIO()
        self.happens = Decider(*answers)
        self.files: Any = FaultyFiles(self.inner, disk, self.happens)
        self._content = content

    async def fill(self) -> Bench:
        """Create the file."""
        if self._content is not None:
            async with self.inner.open(FILE, "wb") as file:
                await file.write(self._content)
        return self

    async def content(self) -> bytes | None:
        """The content of the file; None if there is none."""
        if not await self.inner.exists(FILE):
            return None
        async with self.inner.open(FILE) as file:
            return await file.read()

    async def store(self, pieces: Iterable[bytes], mode: str = "wb", offset: int = 0) -> OSError | None:
        """Write pieces one after another; returns the error."""
        try:
            async with self.files.open(FILE, mode) as file:
                if offset:
                    await file.seek(offset)
                for piece in pieces:
                    assert await file.write(piece) == len(piece)
        except PathIOError as error:
            return _reason(error)
        return None

    async def fetch(self, size: int, offset: int = 0, method: str = "read") -> tuple[bytes, OSError | None]:
        """Read pieces of a size to the end; returns the bytes and the error."""
        raw = b""
        try:
            async with self.files.open(FILE) as file:
                if offset:
                    await file.seek(offset)
                while piece := await getattr(file, method)(size):
                    raw += bytes(piece)
        except PathIOError as error:
            return raw, _reason(error)
        return raw, None


def _reason(error: PathIOError) -> OSError:
    assert isinstance(error.__cause__, OSError)
    return error.__cause__


def _pieces(size: int) -> list[bytes]:
    return [DATA[start : start + size] for start in range(0, len(DATA), size)]


# Writing.


@pytest.mark.parametrize("after", [0, 1, 9, 10, 11, 99])
@pytest.mark.parametrize("size", [1, 10, 100])
async def test_a_disk_is_full_at_the_byte(after: int, size: int) -> None:
    """Exactly this number of bytes is written, in any pieces, and then the error is raised."""
    bench = Bench(DiskError(errno.EDQUOT, reading=False, after_bytes=after))

    error = await bench.store(_pieces(size))

    assert error is not None
    assert (error.errno, error.strerror) == (errno.EDQUOT, os.strerror(errno.EDQUOT))
    assert await bench.content() == DATA[:after]


@pytest.mark.parametrize("size", [7, 10, 100])
async def test_a_disk_that_is_large_enough(size: int) -> None:
    """A file that just fits is stored, and the fault is not consulted."""
    bench = Bench(DiskError(errno.EDQUOT, reading=False, after_bytes=100))

    assert await bench.store([*_pieces(size), b""]) is None
    assert await bench.content() == DATA
    assert bench.happens.asked == 0


async def test_a_full_disk_stays_full() -> None:
    """Writing after the error raises it again, and the fault is consulted once."""
    bench = Bench(DiskError(errno.ENOSPC, reading=False, after_bytes=5))

    async with bench.files.open(FILE, "wb") as file:
        for _ in range(3):
            with pytest.raises(PathIOError, match=os.strerror(errno.ENOSPC)):
                await file.write(DATA)

    assert await bench.content() == DATA[:5]
    assert bench.happens.asked == 1


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
async def test_all_kinds_of_buffers(buffer: type) -> None:
    """The piece that fills the disk may be any buffer."""
    bench = Bench(DiskError(errno.EIO, reading=False, after_bytes=3))

    assert await bench.store([buffer(DATA[:2]), buffer(DATA[2:9])]) is not None
    assert await bench.content() == DATA[:3]


@pytest.mark.parametrize(
    ("mode", "offset", "before", "kept", "removed"),
    [
        ("wb", 0, None, b"new", None),
        ("wb", 0, b"old content", b"new", None),
        ("ab", 0, None, b"new", None),
        ("ab", 0, b"old content", b"old contentnew", b"old content"),
        ("r+b", 4, b"old content", b"old newtent", b"old content"),
    ],
)
async def test_the_content_after_a_failed_upload(
    mode: str, offset: int, before: bytes | None, kept: bytes, removed: bytes | None
) -> None:
    """With `keep` the written part stays; otherwise the file has its earlier content, or is removed if it was new."""
    for keep, left in ((True, kept), (False, removed)):
        bench = await Bench(DiskError(errno.EIO, reading=False, after_bytes=3, keep=keep), before).fill()

        assert await bench.store([b"newer"], mode, offset) is not None
        assert await bench.content() == left


async def test_an_upload_that_does_not_fail_stays() -> None:
    """Without an error nothing is removed, with or without `keep`."""
    bench = await Bench(DiskError(errno.EIO, reading=False, after_bytes=9, keep=False), b"old").fill()

    assert await bench.store([b"new"], "ab") is None
    assert await bench.content() == b"oldnew"


async def test_a_part_that_was_deleted() -> None:
    """It is no error if the file was deleted meanwhile."""
    bench = Bench(DiskError(errno.EIO, reading=False, keep=False))

    async with bench.files.open(FILE, "wb") as file:
        with pytest.raises(PathIOError):
            await file.write(b"x")
        await bench.inner.unlink(FILE)

    assert await bench.content() is None


async def test_a_restarted_upload_counts_its_own_bytes() -> None:
    """`after_bytes` counts the bytes that this transfer writes, and no earlier ones."""
    bench = await Bench(DiskError(errno.EIO, reading=False, after_bytes=10), DATA[:50]).fill()

    assert await bench.store([DATA[50:]], "r+b", 50) is not None
    assert await bench.content() == DATA[:60]


# Reading.


@pytest.mark.parametrize("method", ["read", "read_some"])
@pytest.mark.parametrize("after", [0, 1, 9, 10, 11, 100])
@pytest.mark.parametrize("size", [1, 10, 1000])
async def test_a_file_fails_at_the_byte(method: str, after: int, size: int) -> None:
    """Exactly this number of bytes is read, in any pieces; then, even at the end of the file, the error is raised."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=after), DATA).fill()

    raw, error = await bench.fetch(size, method=method)

    assert error is not None
    assert error.errno == errno.EIO
    assert raw == DATA[:after]
    assert bench.happens.asked == 1


async def test_a_file_that_is_short_enough() -> None:
    """A file that ends before is read completely, and the fault is not consulted."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=101), DATA).fill()

    assert await bench.fetch(7) == (DATA, None)
    assert bench.happens.asked == 0


async def test_a_restarted_download_counts_its_own_bytes() -> None:
    """`after_bytes` counts the bytes that this transfer reads, from any offset."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=10), DATA).fill()

    assert (await bench.fetch(7, offset=30))[0] == DATA[30:40]


@pytest.mark.parametrize("after", [0, 10, 100])
async def test_reading_to_the_end_returns_no_part(after: int) -> None:
    """Reading to the end raises the error, and returns no part."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=after), DATA).fill()

    async with bench.files.open(FILE) as file:
        with pytest.raises(PathIOError):
            await file.read()


async def test_a_whole_file_that_is_short_enough() -> None:
    """Reading to the end works if the file ends before the error."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=101), DATA).fill()

    async with bench.files.open(FILE) as file:
        assert await file.read() == DATA


async def test_a_failed_download_changes_nothing() -> None:
    """A file that cannot be read is not changed."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=5), DATA).fill()
    await bench.fetch(7)

    assert await bench.content() == DATA


# A fault that may not happen.


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_fault_that_may_not_happen_changes_nothing(size: int) -> None:
    """Everything is written and read."""
    writing = Bench(DiskError(errno.EIO, reading=False, after_bytes=5, keep=False), answers=[False])
    reading = await Bench(DiskError(errno.EIO, reading=True, after_bytes=5), DATA, answers=[False]).fill()

    assert await writing.store(_pieces(size)) is None
    assert await writing.content() == DATA
    assert await reading.fetch(size) == (DATA, None)
    async with reading.files.open(FILE) as file:
        assert await file.read() == DATA


async def test_each_direction_has_its_own_errors() -> None:
    """A disk with a read error can be written, and a full disk can be read."""
    reading = Bench(DiskError(errno.EIO, reading=True))
    full = await Bench(DiskError(errno.EIO, reading=False), DATA).fill()

    assert await reading.store(_pieces(7)) is None
    assert await full.fetch(7) == (DATA, None)
    assert reading.happens.asked + full.happens.asked == 0


async def test_everything_else_is_done_by_the_true_layer() -> None:
    """Directories, sizes and names are unchanged, and so are errors of the true layer."""
    bench = await Bench(DiskError(errno.EIO, reading=True), DATA).fill()

    await bench.files.mkdir(PurePosixPath("/d"))
    await bench.files.rename(FILE, PurePosixPath("/d/f"))

    assert await bench.inner.exists(PurePosixPath("/d/f"))
    assert (await bench.files.stat(PurePosixPath("/d/f"))).st_size == 100
    assert bench.files.state is bench.inner.state
    with pytest.raises(PathIOError) as caught:
        await bench.files.open(FILE)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


async def test_seeking() -> None:
    """The position is that of the true file."""
    bench = await Bench(DiskError(errno.EIO, reading=True, after_bytes=50), DATA).fill()

    async with bench.files.open(FILE) as file:
        assert await file.seek(-10, os.SEEK_END) == 90
        assert await file.read(100) == DATA[90:]


@given(st.lists(st.binary(max_size=20), max_size=8), st.integers(0, 100))
async def test_the_file_has_the_first_bytes(pieces: list[bytes], after: int) -> None:
    """With any pieces, the file has all bytes or the first `after_bytes` of them."""
    bench = Bench(DiskError(errno.EIO, reading=False, after_bytes=after))
    whole = b"".join(pieces)

    error = await bench.store(pieces)

    assert (error is None) is (len(whole) <= after)
    assert await bench.content() == whole[:after]
