"""The checks of a path layer that concern content: open files, reading, writing, positions.

One rule: each check has its own empty directory, and uses nothing outside of it.
"""

from __future__ import annotations

from pathlib import PurePath

from ftpfixture.files.base import AbstractPathIO
from ftpfixture.testing.pathio_steps import PathCheck, done, get, put, refused
from ftpfixture.testing.rules import hold, same

__all__ = ["CONTENT_CHECKS"]


async def _check_open(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await put(path_io, root / "file", b"x")
    for mode in ("rb", "r+b"):
        rule = f"{mode} of a missing file is FileNotFoundError"
        await refused(rule, _opened(path_io, root / "missing", mode), FileNotFoundError)
    for mode in ("wb", "ab"):
        rule = f"{mode} in a missing directory is FileNotFoundError"
        await refused(rule, _opened(path_io, root / "missing" / "file", mode), FileNotFoundError)
    for mode in ("rb", "wb", "ab", "r+b"):
        rule = f"{mode} of a directory is IsADirectoryError"
        await refused(rule, _opened(path_io, root / "folder", mode), IsADirectoryError, PermissionError)
    for mode in ("r", "w", "xb", ""):
        await refused(f"mode {mode!r} is ValueError", _opened(path_io, root / "file", mode), ValueError)


async def _opened(path_io: AbstractPathIO, path: PurePath, mode: str) -> None:
    async with path_io.open(path, mode=mode):
        pass


async def _check_write(path_io: AbstractPathIO, root: PurePath) -> None:
    path = root / "file"
    await done("wb makes a file", put(path_io, path, b"0123456789"), "make it")
    same("what was written is read", await get(path_io, path), b"0123456789", "keep all bytes in order")
    await put(path_io, path, b"abc")
    same("wb truncates the file", await get(path_io, path), b"abc", "drop the old content when opening")
    async with path_io.open(path, mode="ab") as file:
        await file.seek(0)
        for data in (b"d", bytearray(b"e"), memoryview(b"f")):
            await done("write takes bytes, bytearray and memoryview", file.write(data), "take any buffer")
    same("ab writes at the end, wherever the position is", await get(path_io, path), b"abcdef", "go to the end first")
    async with path_io.open(path, mode="r+b") as file:
        await file.seek(2)
        await file.write(b"--")
        await file.seek(0)
        same("r+b reads, and writes in place", await file.read(), b"ab--ef", "keep the bytes around it")
        await file.seek(9)
        await file.write(b"!")
    same(
        "a write past the end fills with zeros",
        await get(path_io, path),
        b"ab--ef\0\0\0!",
        "put zeros between the old end and the position",
    )


async def _check_read(path_io: AbstractPathIO, root: PurePath) -> None:
    data = bytes(range(256)) * 1000
    await put(path_io, root / "file", data)
    async with path_io.open(root / "file") as file:
        rule = "read(n) returns exactly n bytes before the end of the file"
        same(rule, await file.read(100_000), data[:100_000], "read until there are n")
        same("read() returns all bytes that are left", await file.read(), data[100_000:], "read to the end")
        same("read at the end returns no bytes", await file.read(10), b"", "return b''")
        same("seek returns the new position", await file.seek(-6, 2), len(data) - 6, "return it")
        same("seek counts from the end with whence 2", await file.read(), data[-6:], "add the offset to the size")
        await file.seek(10)
        await file.seek(5, 1)
        same("seek counts from the position with whence 1", await file.read(1), data[15:16], "add the offset to it")
        await file.seek(len(data) + 5)
        same("read past the end returns no bytes", await file.read(1), b"", "return b''")
        await file.seek(0)
        seen = b""
        while piece := await done("read_some reads a piece", file.read_some(5000), "return bytes"):
            hold(
                "read_some returns at most count bytes", len(piece) <= 5000, f"it returned {len(piece)}", "return fewer"
            )
            seen += bytes(piece)
        same("read_some returns all bytes, piece by piece", seen, data, "move the position by the returned bytes")
        await file.seek(0)
        blocks = [len(block) async for block in file.iter_by_block(100_000)]
        same("iter_by_block returns blocks of count bytes", blocks, [100_000, 100_000, 56_000], "let read(n) return n")


async def _check_two_openers(path_io: AbstractPathIO, root: PurePath) -> None:
    await put(path_io, root / "file", b"0123456789")
    first = await path_io.open(root / "file")
    async with first, path_io.open(root / "file") as second:
        seen = [await first.read(4), await second.read(4), await first.read(4), await second.read(4)]
    same(
        "each open file has its own position",
        seen,
        [b"0123", b"0123", b"4567", b"4567"],
        "keep the position in what _open returns, not in the stored file",
    )


CONTENT_CHECKS: tuple[PathCheck, ...] = (
    _check_open,
    _check_write,
    _check_read,
    _check_two_openers,
)
