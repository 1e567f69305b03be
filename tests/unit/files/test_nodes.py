"""Files, directories and links in memory: their times, permission bits and counts of links."""

from __future__ import annotations

import stat

from ftpfixture.files.memory import MemoryPathIO
from tests.support.memory_files import FILE, ROOT, Clock, get, put, reason


async def test_new_nodes() -> None:
    """New nodes have default modes, "ftp" as owner and group, the time of the clock, and their own inodes."""
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


async def test_times() -> None:
    """Writes change the time of the file, new and removed names that of the directory; reading changes none."""
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
    """Mode, times and owners are set through links; other values stay."""
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


async def test_mode_bits_only() -> None:
    """A mode with the bits of a type does not change the type."""
    layer = MemoryPathIO()
    await put(layer, FILE, b"")
    await layer.chmod(FILE, stat.S_IFDIR | 0o600)
    assert await layer.is_file(FILE)
    assert stat.S_ISREG((await layer.stat(FILE)).st_mode)
