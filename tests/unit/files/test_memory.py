"""MemoryPathIO: a file system in memory that behaves like a disk, and copies as little as possible."""

from __future__ import annotations

import errno
import io
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture.files.content import LARGEST_FILE
from ftpfixture.files.memory import DirectoryNode, MemoryFiles, MemoryPathIO
from tests.support.memory_files import FILE, ROOT, file_node, get, put, reason, traced


def test_made_without_a_loop() -> None:
    """A layer needs no argument and no loop, and its state can be read."""
    layer = MemoryPathIO()
    assert isinstance(layer.state, MemoryFiles)
    assert MemoryPathIO(state=layer.state).state is layer.state


def test_shared_tree_is_used_as_it_is() -> None:
    """Quota and clock belong to the tree, so a shared one keeps its own."""
    tree = MemoryFiles(quota=5)
    assert MemoryPathIO(state=tree, quota=10).state.quota == 5
    assert MemoryPathIO(quota=10).state.quota == 10


async def test_repr_shows_no_content() -> None:
    """Reprs are short, whatever the content."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"secret" * 1000)
    assert repr(layer) == "MemoryPathIO(<MemoryFiles 1 in /, 6000 bytes>)"
    node = file_node(layer.state)
    async with layer.open(FILE) as file:
        for shown in (node, layer.state.root, node.content, file.file):
            assert "secret" not in repr(shown)
            assert len(repr(shown)) < 250
        raw = file.file
        assert repr(raw) == "<MemoryFile rb at 0 of 6000>"
    assert repr(raw) == "<MemoryFile rb at 0 of 0 closed>"


async def test_relative_paths() -> None:
    """Relative paths start from cwd, and children have the same prefix as the directory."""
    layer = MemoryPathIO(cwd="/a")
    layer.state.write_file("/a/b/c", b"x")
    assert await get(layer, PurePosixPath("b/c")) == b"x"
    assert await layer.list(PurePosixPath("b")) == [PurePosixPath("b/c")]
    assert isinstance(layer.get_node("b"), DirectoryNode)
    assert await layer.resolve(PurePosixPath("b/c")) == PurePosixPath("/a/b/c")
    assert await MemoryPathIO().is_dir(PurePosixPath("."))


async def test_windows_paths() -> None:
    """Paths of Windows, as for the base of a user there, work with and without a drive."""
    layer = MemoryPathIO()
    for folder in (PureWindowsPath("\\new"), PureWindowsPath("C:\\drive"), PureWindowsPath("relative")):
        await layer.mkdir(folder)
        await put(layer, folder / "f", b"x")
        await layer.symlink(folder / "f", folder / "link")
        assert type(await layer.readlink(folder / "link")) is PureWindowsPath
        assert await layer.list(folder) == [folder / "f", folder / "link"]
    assert list(layer.state.root.children) == ["new", "drive", "relative"]
    assert await layer.resolve(PureWindowsPath("C:\\drive\\f")) == PureWindowsPath("C:\\drive\\f")


async def test_list_keeps_the_order() -> None:
    """Children are listed in the order in which they were added."""
    layer = MemoryPathIO()
    for name in ("c", "a", ".b"):
        await put(layer, ROOT / name, b"")
    assert [path.name for path in await layer.list(ROOT)] == ["c", "a", ".b"]


async def test_list_while_files_come_and_go() -> None:
    """A listing shows the children at the time of its start."""
    layer = MemoryPathIO()
    for name in "abc":
        await put(layer, ROOT / name, b"")
    seen = []
    async for path in layer.list(ROOT):
        seen.append(path.name)
        await layer.unlink(path)
        await put(layer, ROOT / f"new-{path.name}", b"")
    assert seen == ["a", "b", "c"]


async def test_links_of_a_directory() -> None:
    """A directory has two links, and one more for each directory in it, after any additions and removals."""
    layer = MemoryPathIO()
    await layer.mkdir(ROOT / "a")
    await layer.mkdir(ROOT / "b" / "c", parents=True)
    await put(layer, FILE, b"")
    assert (await layer.stat(ROOT)).st_nlink == 4
    await layer.rename(ROOT / "a", ROOT / "b" / "c")
    assert (await layer.stat(ROOT)).st_nlink == 3
    assert (await layer.stat(ROOT / "b")).st_nlink == 3
    await layer.rmdir(ROOT / "b" / "c")
    await layer.unlink(FILE)
    assert (await layer.stat(ROOT / "b")).st_nlink == 2
    layer.state.remove("/")
    assert (await layer.stat(ROOT)).st_nlink == 2


async def test_the_root() -> None:
    """The root can be neither made, removed, renamed nor opened, and ".." of the root is the root."""
    layer = MemoryPathIO()
    await layer.mkdir(ROOT / "a")
    assert (await reason(layer.mkdir(ROOT))).errno == errno.EEXIST
    assert (await reason(layer.rmdir(ROOT))).errno == errno.EBUSY
    assert (await reason(layer.unlink(ROOT))).errno == errno.EISDIR
    for source, destination in ((ROOT, ROOT / "a" / "b"), (ROOT / "a", ROOT), (ROOT, ROOT)):
        assert (await reason(layer.rename(source, destination))).errno == errno.EBUSY
    assert (await reason(layer.open(ROOT, "wb")._open())).errno == errno.EISDIR
    assert (await reason(layer.symlink(FILE, ROOT))).errno == errno.EEXIST
    await layer.mkdir(ROOT, exist_ok=True)
    assert await layer.is_dir(PurePosixPath("/a/../../a"))
    assert await layer.resolve(PurePosixPath("/a/../../x")) == PurePosixPath("/x")


@pytest.mark.parametrize(
    ("source", "destination", "code"),
    [
        ("missing", "x", errno.ENOENT),
        ("file", "none/x", errno.ENOENT),
        ("file", "other/x", errno.ENOTDIR),
        ("file/x", "x", errno.ENOTDIR),
        ("file", "empty", errno.EISDIR),
        ("link", "empty", errno.EISDIR),
        ("empty", "file", errno.ENOTDIR),
        ("empty", "link", errno.ENOTDIR),
        ("empty", "full", errno.ENOTEMPTY),
        ("full/in", "full", errno.ENOTEMPTY),
        ("full", "full/new", errno.EINVAL),
        ("full", "full/in/new", errno.EINVAL),
        ("full", "full/in", errno.EINVAL),
    ],
)
async def test_rename_refused(source: str, destination: str, code: int) -> None:
    """A rename that is impossible fails as on a disk, and changes nothing."""
    layer = MemoryPathIO()
    tree = layer.state
    for name in ("empty", "full/in"):
        tree.make_directory(ROOT / name)
    for name in ("file", "other"):
        tree.write_file(ROOT / name, b"x")
    tree.make_link("/link", "/file")
    before = [(path, node.inode, node.modify) for path, node in tree.walk()]
    assert (await reason(layer.rename(ROOT / source, ROOT / destination))).errno == code
    assert [(path, node.inode, node.modify) for path, node in tree.walk()] == before


async def test_rename_over_links() -> None:
    """A link as source or destination is not followed."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"data")
    await layer.symlink(FILE, ROOT / "link")
    await put(layer, ROOT / "other", b"other")
    await layer.rename(ROOT / "other", ROOT / "link")
    assert (await get(layer, ROOT / "link"), await get(layer, FILE)) == (b"other", b"data")


async def test_parents_below_a_file() -> None:
    """Below a file no directory is made."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"")
    assert (await reason(layer.mkdir(FILE / "a" / "b", parents=True))).errno == errno.ENOTDIR
    assert (await reason(layer.open(FILE / "a", "wb")._open())).errno == errno.ENOTDIR
    assert (await reason(layer.stat(FILE / "a"))).errno == errno.ENOTDIR


async def test_errors_of_open_files() -> None:
    """Errors: reading in a write mode, writing in "rb", seeking before the start, and using a closed file."""
    layer = MemoryPathIO()
    for mode, calls in (("wb", ("read", "read_some")), ("ab", ("read",)), ("rb", ("write",))):
        async with layer.open(FILE, mode) as file:
            for name in calls:
                argument = b"x" if name == "write" else 1
                assert isinstance(await reason(getattr(file, name)(argument)), io.UnsupportedOperation)
            assert (await reason(file.seek(-1))).errno == errno.EINVAL
            assert isinstance(await reason(file.seek(0, 3)), ValueError)
            raw = file.file
        for call in (layer.seek(raw, 0), layer.read(raw), layer.read_some(raw, 1), layer.write(raw, b"")):
            assert isinstance(await reason(call), ValueError)
        await layer.close(raw)


@pytest.mark.parametrize("data", [5, "text", None, [1]])
async def test_write_accepts_bytes_only(data: Any) -> None:
    """An argument that is not a buffer raises TypeError: 5 is not five zeros."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        assert isinstance(await reason(file.write(data)), TypeError)
    with pytest.raises(TypeError):
        layer.state.write_file("/new", data)
    assert layer.get_node("/new") is None


async def test_too_large() -> None:
    """A write after a seek beyond the largest size raises EFBIG and does not fill the memory."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        await file.seek(2**62)
        assert (await reason(file.write(b"x"))).errno == errno.EFBIG
        await file.seek(LARGEST_FILE // 2**10 - 1)
        with traced() as peak:
            await file.write(b"x")
        assert peak() < 1_000_000
    assert (await layer.stat(FILE)).st_size == 2**30
