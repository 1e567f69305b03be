"""The tree of files in memory: links, quotas, and the methods for tests."""

from __future__ import annotations

import errno
import io
from pathlib import PurePosixPath

import pytest

from ftpfixture.errors import PathIsNotAbsolute
from ftpfixture.files.content import LARGEST_FILE, Content, Space
from ftpfixture.files.memory import DirectoryNode, FileNode, LinkNode, MemoryFiles, MemoryPathIO
from tests.support.memory_files import FILE, ROOT, Clock, get, put, reason
from tests.support.rows import table


async def test_links_are_followed_part_by_part() -> None:
    """Targets may be absolute or relative, contain "..", and point to further links, in any part of a path."""
    layer = MemoryPathIO()
    tree = layer.state
    tree.write_file("/a/b/file", b"data")
    tree.make_link("/a/up", "..")
    tree.make_directory("/c")
    tree.make_link("/c/abs", "/a/b")
    tree.make_link("/c/rel", "../a/./b/../b")
    tree.make_link("/c/chain", "rel")
    for path in ("/c/abs/file", "/c/rel/file", "/c/chain/file", "/a/up/c/chain/file", "/a/up/a/up/a/b/file"):
        assert await get(layer, PurePosixPath(path)) == b"data"
        assert await layer.resolve(PurePosixPath(path)) == PurePosixPath("/a/b/file")
    assert await layer.resolve(PurePosixPath("/c/chain/new/x")) == PurePosixPath("/a/b/new/x")
    plain = PurePosixPath("/a/b/file")
    assert await layer.resolve(plain) is plain
    assert await layer.list(PurePosixPath("/c/chain")) == [PurePosixPath("/c/chain/file")]


async def test_writing_through_links() -> None:
    """Files and directories are made at the targets of links, also at missing ones."""
    layer = MemoryPathIO()
    tree = layer.state
    tree.make_directory("/real")
    tree.make_link("/link", "real")
    tree.make_link("/dangling", "/real/new")
    await put(layer, ROOT / "link" / "file", b"1")
    await put(layer, ROOT / "dangling", b"2")
    await layer.mkdir(ROOT / "link" / "sub" / "sub", parents=True)
    tree.write_file("/link/deep/file", b"3")
    assert [str(path) for path, _ in tree.walk()] == [
        "/real",
        "/real/file",
        "/real/new",
        "/real/sub",
        "/real/sub/sub",
        "/real/deep",
        "/real/deep/file",
        "/link",
        "/dangling",
    ]
    assert (await reason(layer.mkdir(ROOT / "link"))).errno == errno.EEXIST
    await layer.mkdir(ROOT / "link", exist_ok=True)
    assert (await reason(layer.rmdir(ROOT / "link"))).errno == errno.ENOTDIR
    assert (await reason(layer.symlink(ROOT, ROOT / "link"))).errno == errno.EEXIST
    assert (await reason(layer.symlink(ROOT, ROOT / "no" / "link"))).errno == errno.ENOENT


async def test_link_loops() -> None:
    """A path over more than 40 links raises ELOOP; one over 40 links does not."""
    layer = MemoryPathIO()
    tree = layer.state
    tree.write_file("/0", b"data")
    for number in range(1, 42):
        tree.make_link(f"/{number}", str(number - 1))
    tree.make_link("/self", "self")
    assert await get(layer, ROOT / "40") == b"data"
    for path in (ROOT / "41", ROOT / "self", ROOT / "self" / "x"):
        for call in (layer.stat(path), layer.resolve(path), layer.open(path)._open()):
            assert (await reason(call)).errno == errno.ELOOP
        assert not await layer.exists(path)
        assert await layer.list(path) == []
    assert (await reason(layer.readlink(ROOT / "0"))).errno == errno.EINVAL
    assert (await reason(layer.readlink(ROOT / "x"))).errno == errno.ENOENT


async def test_quota() -> None:
    """A write that does not fit writes the bytes that fit, then raises ENOSPC; freed space can be used again."""
    layer = MemoryPathIO(quota=10)
    assert await layer.free_space(ROOT) == 10
    async with layer.open(FILE, "wb") as file:
        await file.write(b"123456")
        assert (await reason(file.write(b"abcdef"))).errno == errno.ENOSPC
        assert (await reason(file.write(b"x"))).errno == errno.ENOSPC
        assert await file.seek(0, io.SEEK_CUR) == 10
    assert await get(layer, FILE) == b"123456abcd"
    assert await layer.free_space(ROOT) == 0
    async with layer.open(FILE, "r+b") as file:
        await file.write(b"--")
        await file.seek(9)
        assert (await reason(file.write(b"!!"))).errno == errno.ENOSPC
        await file.seek(20)
        assert (await reason(file.write(b"x"))).errno == errno.ENOSPC
    assert await get(layer, FILE) == b"--3456abc!"
    async with layer.open(FILE, "wb"):
        assert await layer.free_space(ROOT) == 10
    await put(layer, FILE, b"1234")
    await put(layer, ROOT / "other", b"12345")
    assert layer.state.used == 9
    await layer.rename(ROOT / "other", FILE)
    assert layer.state.used == 5
    await layer.unlink(FILE)
    assert layer.state.used == 0
    layer.state.quota = None
    assert layer.state.free == LARGEST_FILE


async def test_removed_files_are_not_counted() -> None:
    """Writes into a removed file do not count in the quota."""
    layer = MemoryPathIO(quota=10)
    async with layer.open(FILE, "wb") as file:
        await file.write(b"12345")
        await layer.unlink(FILE)
        assert layer.state.used == 0
        await file.write(b"1234567890")
    assert layer.state.used == 0
    content = Content(Space())
    content.release()
    content.release()


def test_write_file() -> None:
    """A file is stored with the given attributes, and keeps them when it is stored again without."""
    clock = Clock()
    tree = MemoryFiles(clock=clock)
    tree.write_file("/a/b/file", b"1", modify=5.0, mode=0o100600, owner="ann", group="staff")
    stats = tree.stat("/a/b/file")
    assert (stats.st_mtime, oct(stats.st_mode), stats.owner, stats.group) == (5.0, "0o100600", "ann", "staff")
    clock.now = 2000
    tree.write_file("/a/b/file", bytearray(b"22"))
    again = tree.stat("/a/b/file")
    assert again == stats._replace(st_size=2, st_mtime=2000)
    assert tree.read_file("/a/b/file") == b"22"


def test_write_file_refused() -> None:
    """Missing parents without `parents`, a file or directory at the path, and no space raise OSError."""
    tree = MemoryFiles(quota=3)
    tree.write_file("/file", b"12")
    tree.make_directory("/folder")
    with pytest.raises(FileNotFoundError):
        tree.write_file("/no/file", b"", parents=False)
    with pytest.raises(NotADirectoryError):
        tree.write_file("/file/x/y", b"")
    with pytest.raises(IsADirectoryError):
        tree.write_file("/folder", b"")
    with pytest.raises(IsADirectoryError):
        tree.read_file("/")
    with pytest.raises(OSError, match="No space left"):
        tree.write_file("/large", b"12")
    assert tree.used == 3


def test_make_directory() -> None:
    """Directories are made with their parents, and may exist already; a file at the path is an error."""
    tree = MemoryFiles()
    tree.make_directory("/a/b/c")
    tree.make_directory("/a/b")
    assert isinstance(tree.lookup("/a/b/c"), DirectoryNode)
    with pytest.raises(FileNotFoundError):
        tree.make_directory("/x/y", parents=False)
    tree.write_file("/file", b"")
    with pytest.raises(FileExistsError):
        tree.make_directory("/file")


def test_very_deep_directories() -> None:
    """Any depth works, because no method is recursive."""
    tree = MemoryFiles()
    path = PurePosixPath("/", *["d"] * 3000)
    tree.write_file(path / "file", b"1")
    assert sum(1 for _ in tree.walk()) == 3001
    tree.remove("/d")
    assert (tree.used, list(tree.walk())) == (0, [])


def test_remove() -> None:
    """Files, links and whole directories are removed; for the root, its content is removed."""
    tree = MemoryFiles()
    tree.write_file("/a/b/file", b"123")
    tree.make_link("/link", "/a/b/file")
    tree.remove("/link")
    assert tree.used == 3
    tree.remove("/a")
    assert (tree.used, list(tree.walk())) == (0, [])
    tree.write_file("/a/file", b"123")
    tree.remove("/")
    assert (tree.used, list(tree.walk())) == (0, [])
    with pytest.raises(FileNotFoundError):
        tree.remove("/a")


async def test_clear() -> None:
    """The tree is empty, with its quota; an open file does not count in it."""
    layer = MemoryPathIO(quota=10)
    tree = layer.state
    tree.chmod("/", 0o700)
    async with layer.open(FILE, "wb") as file:
        await file.write(b"1234567890")
        tree.clear()
        assert (tree.used, tree.free, list(tree.walk())) == (0, 10, [])
        assert (tree.root.mode, tree.root.nlink, tree.root.inode) == (0o755, 2, 1)
        tree.write_file("/new", b"12345")
    assert (tree.used, tree.free) == (5, 5)


def test_walk() -> None:
    """`walk` yields all nodes but the root, directories before children, without following links."""
    tree = MemoryFiles()
    tree.write_file("/b/2", b"")
    tree.write_file("/b/1/x", b"")
    tree.write_file("/a", b"")
    tree.make_link("/l", "/b")
    seen = []
    for path, node in tree.walk():
        seen.append((str(path), type(node)))
        if len(seen) == 1:
            tree.write_file("/late", b"")
    assert seen == [
        ("/b", DirectoryNode),
        ("/b/2", FileNode),
        ("/b/1", DirectoryNode),
        ("/b/1/x", FileNode),
        ("/a", FileNode),
        ("/l", LinkNode),
    ]


def test_lookup() -> None:
    """An existing path gives its node, links followed or not; any other gives None."""
    tree = MemoryFiles()
    tree.write_file("/a/file", b"")
    tree.make_link("/link", "a/file")
    tree.make_link("/loop", "loop")
    assert isinstance(tree.lookup("/link"), FileNode)
    assert isinstance(tree.lookup("/link", follow=False), LinkNode)
    assert tree.lookup("/") is tree.root
    for path in ("/missing", "/a/file/x", "/loop", "/missing/x"):
        assert tree.lookup(path) is None


@table("path", ["", "a", "./a", "../a"])
def test_paths_are_absolute(path: str) -> None:
    """The tree has no current directory."""
    tree = MemoryFiles()
    for call in (tree.lookup, tree.read_file, tree.make_directory, tree.remove):
        with pytest.raises(PathIsNotAbsolute):
            call(path)
    with pytest.raises(PathIsNotAbsolute):
        tree.write_file(path, b"")
