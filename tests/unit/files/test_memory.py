"""MemoryPathIO: a file system in memory that behaves as a disk does, and copies nothing it need not."""

from __future__ import annotations

import errno
import io
import stat
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftpfixture.errors import PathIOError, PathIsNotAbsolute
from ftpfixture.files import content as content_module
from ftpfixture.files.content import JOINED, LARGEST_FILE, SMALL, Content, Space
from ftpfixture.files.memory import DirectoryNode, FileNode, LinkNode, MemoryFiles, MemoryPathIO
from tests.support.rows import table

ROOT = PurePosixPath("/")
FILE = PurePosixPath("/file")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def reason(call: Awaitable[Any]) -> OSError:
    """What the PathIOError of a call was raised over."""
    with pytest.raises(PathIOError) as caught:
        await call
    assert caught.value.reason is not None
    return cast(OSError, caught.value.reason[1])


async def put(layer: MemoryPathIO, path: PurePath, data: bytes, mode: str = "wb") -> None:
    """Write a file."""
    async with layer.open(path, mode) as file:
        await file.write(data)


async def get(layer: MemoryPathIO, path: PurePath) -> bytes:
    """Read a file."""
    async with layer.open(path) as file:
        return await file.read()


def file_node(tree: MemoryFiles, path: PurePath = FILE) -> FileNode:
    """The node of a file that must be there."""
    node = tree.lookup(path)
    assert isinstance(node, FileNode)
    return node


def chunks(content: Content) -> list[bytes | memoryview]:
    """The chunks of a content, by a snapshot that joins what is pending."""
    return list(content.snapshot()._chunks)


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Trace memory; what is given tells, afterwards, how many octets were allocated at most."""
    peaks: list[int] = []
    tracemalloc.start()
    try:
        yield lambda: peaks[0]
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


# The layer itself.


def test_made_without_a_loop() -> None:
    """No argument and no loop is needed, and the state can be read."""
    layer = MemoryPathIO()
    assert isinstance(layer.state, MemoryFiles)
    assert MemoryPathIO(state=layer.state).state is layer.state


def test_shared_tree_is_used_as_it_is() -> None:
    """Quota and clock belong to the tree, so a shared one keeps its own."""
    tree = MemoryFiles(quota=5)
    assert MemoryPathIO(state=tree, quota=10).state.quota == 5
    assert MemoryPathIO(quota=10).state.quota == 10


async def test_repr_shows_no_content() -> None:
    """Reprs are short, whatever is stored."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"secret" * 1000)
    assert repr(layer) == "MemoryPathIO(<MemoryFiles 1 in /, 6000 octets>)"
    node = file_node(layer.state)
    async with layer.open(FILE) as file:
        for shown in (node, layer.state.root, node.content, file.file):
            assert "secret" not in repr(shown)
            assert len(repr(shown)) < 250
        raw = file.file
        assert repr(raw) == "<MemoryFile rb at 0 of 6000>"
    assert repr(raw) == "<MemoryFile rb at 0 of 0 closed>"


async def test_relative_paths() -> None:
    """They are relative to cwd, and children are named as the directory was."""
    layer = MemoryPathIO(cwd="/a")
    layer.state.write_file("/a/b/c", b"x")
    assert await get(layer, PurePosixPath("b/c")) == b"x"
    assert await layer.list(PurePosixPath("b")) == [PurePosixPath("b/c")]
    assert isinstance(layer.get_node("b"), DirectoryNode)
    assert await layer.resolve(PurePosixPath("b/c")) == PurePosixPath("/a/b/c")
    assert await MemoryPathIO().is_dir(PurePosixPath("."))


async def test_windows_paths() -> None:
    """Paths of Windows, as a user's base may be there, work with and without a drive."""
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
    """Children are listed in the order in which they came."""
    layer = MemoryPathIO()
    for name in ("c", "a", ".b"):
        await put(layer, ROOT / name, b"")
    assert [path.name for path in await layer.list(ROOT)] == ["c", "a", ".b"]


async def test_list_while_files_come_and_go() -> None:
    """A listing that has begun shows what was there when it began."""
    layer = MemoryPathIO()
    for name in "abc":
        await put(layer, ROOT / name, b"")
    seen = []
    async for path in layer.list(ROOT):
        seen.append(path.name)
        await layer.unlink(path)
        await put(layer, ROOT / f"new-{path.name}", b"")
    assert seen == ["a", "b", "c"]


# Nodes and times.


async def test_new_nodes() -> None:
    """Nodes begin with usual modes, "ftp" as owner and group, the clock's time, and inodes of their own."""
    layer = MemoryPathIO(clock=Clock())
    await layer.mkdir(ROOT / "folder")
    await put(layer, FILE, b"12345")
    await layer.symlink(FILE, ROOT / "link")
    folder, file = await layer.stat(ROOT / "folder"), await layer.stat(FILE)
    link = await layer.lstat(ROOT / "link")
    assert isinstance(file, MemoryPathIO.Stats)
    assert [oct(stats.st_mode) for stats in (folder, file, link)] == ["0o40755", "0o100644", "0o120777"]
    assert [stats.st_size for stats in (folder, file, link)] == [0, 5, 5]
    assert [stats.st_nlink for stats in (folder, file, link)] == [2, 1, 1]
    assert len({stats.st_ino for stats in (folder, file, link)}) == 3
    assert {(stats.owner, stats.group) for stats in (folder, file, link)} == {("ftp", "ftp")}
    assert {file.st_mtime, file.st_ctime, file.st_atime, file.st_birthtime} == {1000.0}


async def test_links_of_a_directory() -> None:
    """A directory has two links, and one more for each directory in it, whatever comes and goes."""
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


async def test_times() -> None:
    """Writes and truncation change the file's time; what comes and goes changes the directory's; reading, nothing."""
    clock = Clock()
    layer = MemoryPathIO(clock=clock)

    async def times() -> tuple[float, float, float]:
        file = await layer.stat(FILE)
        return (await layer.stat(ROOT)).st_mtime, file.st_mtime, file.st_ctime

    clock.now = 1001.5
    await put(layer, FILE, b"")
    assert await times() == (1001.5, 1001.5, 1001.5)
    clock.now = 1002
    async with layer.open(FILE, "ab") as file:
        clock.now = 1003
        await file.write(b"")
        assert await times() == (1001.5, 1001.5, 1001.5)
        await file.write(b"x")
        assert await times() == (1001.5, 1003, 1001.5)
        clock.now = 1004
    await get(layer, FILE)
    assert await times() == (1001.5, 1003, 1001.5)
    async with layer.open(FILE, "wb"):
        assert await times() == (1001.5, 1004, 1001.5)
    clock.now = 1005
    inode = (await layer.stat(FILE)).st_ino
    await layer.mkdir(ROOT / "d")
    clock.now = 1006
    await layer.rename(FILE, ROOT / "d" / "new")
    moved = await layer.stat(ROOT / "d" / "new")
    assert (moved.st_ino, moved.st_mtime) == (inode, 1004)
    assert ((await layer.stat(ROOT)).st_mtime, (await layer.stat(ROOT / "d")).st_mtime) == (1006, 1006)
    clock.now = 1007
    await layer.unlink(ROOT / "d" / "new")
    assert (await layer.stat(ROOT / "d")).st_mtime == 1007
    clock.now = 1008
    await layer.rmdir(ROOT / "d")
    assert (await layer.stat(ROOT)).st_mtime == 1008


async def test_changes() -> None:
    """Mode, times and owners are set through links; what is not named stays."""
    layer = MemoryPathIO(clock=Clock())
    await put(layer, FILE, b"")
    link = ROOT / "link"
    await layer.symlink(FILE, link)
    await layer.chmod(link, 0o104750)
    await layer.set_times(link, modify=1.5)
    await layer.set_times(link, create=2.5, access=3.5)
    await layer.chown(link, owner="ann")
    await layer.chown(link, group="staff")
    stats = await layer.stat(FILE)
    assert oct(stats.st_mode) == "0o104750"
    assert (stats.st_mtime, stats.st_birthtime, stats.st_atime) == (1.5, 2.5, 3.5)
    assert (stats.owner, stats.group) == ("ann", "staff")
    for call in (layer.chmod(ROOT / "x", 0), layer.set_times(ROOT / "x"), layer.chown(ROOT / "x")):
        assert isinstance(await reason(call), FileNotFoundError)


# Errors that only this layer has, beside those of check_path_io.


async def test_the_root() -> None:
    """The root can be neither made, removed, renamed nor opened, and is what ".." of the root is."""
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
    """What cannot be renamed is refused as a disk does, and nothing is changed."""
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
    """A link at either end is the link itself."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"data")
    await layer.symlink(FILE, ROOT / "link")
    await put(layer, ROOT / "other", b"other")
    await layer.rename(ROOT / "other", ROOT / "link")
    assert (await get(layer, ROOT / "link"), await get(layer, FILE)) == (b"other", b"data")


async def test_parents_below_a_file() -> None:
    """Where a file is in the way nothing is made."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"")
    assert (await reason(layer.mkdir(FILE / "a" / "b", parents=True))).errno == errno.ENOTDIR
    assert (await reason(layer.open(FILE / "a", "wb")._open())).errno == errno.ENOTDIR
    assert (await reason(layer.stat(FILE / "a"))).errno == errno.ENOTDIR


async def test_errors_of_open_files() -> None:
    """Reading what is written, writing what is read, seeking before the start and using what is closed are errors."""
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
async def test_write_takes_octets_only(data: Any) -> None:
    """What is no buffer is TypeError: five is not five zeros."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        assert isinstance(await reason(file.write(data)), TypeError)
    with pytest.raises(TypeError):
        layer.state.write_file("/new", data)
    assert layer.get_node("/new") is None


async def test_too_large() -> None:
    """A seek beyond all reason is EFBIG at the write, rather than all of the memory."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        await file.seek(2**62)
        assert (await reason(file.write(b"x"))).errno == errno.EFBIG
        await file.seek(LARGEST_FILE // 2**10 - 1)
        with traced() as peak:
            await file.write(b"x")
        assert peak() < 1_000_000
    assert (await layer.stat(FILE)).st_size == 2**30


# Links.


async def test_links_are_followed_part_by_part() -> None:
    """Targets may be absolute or relative, hold "..", and lead to further links, in any part of a path."""
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
    """Files and directories are made where links lead, also where nothing was."""
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
    """More than 40 links on the way are ELOOP; forty are not."""
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


# Content.


@pytest.mark.parametrize("size", [1, SMALL - 1, SMALL, JOINED + 1])
async def test_bytes_are_kept_and_given_by_reference(size: int) -> None:
    """One bytes object written is the very one that is read."""
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
    """A buffer that its owner changes later is not the file's."""
    layer = MemoryPathIO()
    for kind in (bytearray, lambda data: memoryview(bytearray(data))):
        data = kind(b"abc")
        async with layer.open(FILE, "wb") as file:
            assert await file.write(data) == 3
        data[0] = 0
        assert await get(layer, FILE) == b"abc"


async def test_read_some_gives_views() -> None:
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


async def test_reader_sees_what_was_there_when_it_opened() -> None:
    """Whatever happens to the file, an open reader reads the old content to the end."""
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
    """With ab every write goes to the end, also behind what another opener has written there."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"0")
    async with layer.open(FILE, "ab") as one, layer.open(FILE, "ab") as two:
        await one.seek(0)
        await one.write(b"1")
        await two.write(b"2")
        await one.write(b"3")
    assert await get(layer, FILE) == b"0123"


async def test_two_writers() -> None:
    """Opening with wb begins a new content: the earlier writer's octets do not get into it."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as one, layer.open(FILE, "wb") as two:
        await two.write(b"two")
        await one.write(b"one more")
    assert await get(layer, FILE) == b"two"
    assert layer.state.used == 3


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Random reads, writes and seeks; sizes around those at which pieces are joined."""
    size = st.one_of(st.integers(0, 40), st.sampled_from([63, 64, 65, 255, 256, 257, 700]))
    kind = st.sampled_from(["read", "some", "write", "seek", "seek", "end", "current", "snapshot"])
    return draw(st.lists(st.tuples(kind, size, size), max_size=30))


@settings(max_examples=300)
@given(steps(), st.lists(st.integers(0, 300), max_size=4))
def test_like_a_file_of_python(taken: list[tuple[str, int, int]], first: list[int]) -> None:
    """Any sequence of steps reads the same as with BytesIO, and snapshots stay what they were."""
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
    """A file of 256 MiB is read in pieces without a copy of any of it."""
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
    """A hundred thousand small writes make a few chunks, of which none is joined more often than needed."""
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
    """A file that is read after each small write does not fall to pieces."""
    tree = MemoryFiles()
    for _ in range(5000):
        file = tree.open(FILE, "ab")
        file.write(b"0123456789")
        file.close()
    assert len(chunks(file_node(tree).content)) <= 50_000 // SMALL + 1
    assert tree.read_file(FILE) == b"0123456789" * 5000


def test_small_overwrites_make_few_chunks() -> None:
    """Writing over a large chunk in small steps neither copies the chunk each time nor makes as many chunks."""
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


# Space.


async def test_quota() -> None:
    """The write that does not fit writes what does, then fails with ENOSPC; what is freed can be used again."""
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


async def test_gap_counts() -> None:
    """Zeros between the end and the position are counted, and only made where they fit."""
    layer = MemoryPathIO(quota=10)
    async with layer.open(FILE, "wb") as file:
        await file.seek(8)
        assert (await reason(file.write(b"abc"))).errno == errno.ENOSPC
    assert await get(layer, FILE) == bytes(8) + b"ab"


async def test_removed_files_are_not_counted() -> None:
    """Who still writes into a removed file takes no space from the others."""
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


# The tree, as the handle of a test uses it.


def test_write_file() -> None:
    """A file is stored with all that is told of it, and keeps the rest when stored again."""
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
    """Missing parents without `parents`, files and directories in the way, and no space are errors of the system."""
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
    """Directories are made with those above them, and may be there already; a file may not."""
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
    """No depth is too deep: nothing here calls itself."""
    tree = MemoryFiles()
    path = PurePosixPath("/", *["d"] * 3000)
    tree.write_file(path / "file", b"1")
    assert sum(1 for _ in tree.walk()) == 3001
    tree.remove("/d")
    assert (tree.used, list(tree.walk())) == (0, [])


def test_remove() -> None:
    """Files, links and whole directories are removed; of the root, all that is in it."""
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
    """The tree is as new, with its quota; a file that is still open takes no space from the new ones."""
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
    """All nodes but the root come, each directory before its children, links unfollowed, changes in between allowed."""
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
    """What is there is found, links followed or not; all else is None."""
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


async def test_mode_bits_only() -> None:
    """A mode with the bits of a type does not change the type."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"")
    await layer.chmod(FILE, stat.S_IFDIR | 0o600)
    assert await layer.is_file(FILE)
    assert stat.S_ISREG((await layer.stat(FILE)).st_mode)
