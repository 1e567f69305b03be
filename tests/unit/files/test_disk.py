"""PathIO and AsyncPathIO: the disk, blocking and in other threads, by the same functions."""

from __future__ import annotations

import asyncio
import copy
import errno
import io
import os
import stat
import sys
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Any, cast

import pytest

from ftpfixture.errors import PathIOError
from ftpfixture.files import disk
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.disk import AsyncPathIO, DiskStats, PathIO

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file system")


@pytest.fixture(params=[PathIO, AsyncPathIO])
def layer(request: pytest.FixtureRequest) -> AbstractPathIO:
    """Each of the two layers."""
    return cast(AbstractPathIO, request.param())


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """An executor with one thread, which ends after the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def reason(call: Awaitable[Any]) -> OSError:
    """Return the original error of the PathIOError of a call."""
    with pytest.raises(PathIOError) as caught:
        await call
    assert caught.value.reason is not None
    return cast(OSError, caught.value.reason[1])


async def test_files_are_on_the_disk(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Bytes that the layer writes are on the disk, and the layer reads bytes on the disk."""
    async with layer.open(tmp_path / "file", "wb") as file:
        await file.write(b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    (tmp_path / "file").write_bytes(b"other")
    async with layer.open(tmp_path / "file") as file:
        assert await file.read_some(3) == b"oth"
        assert await file.read() == b"er"


async def test_pure_paths(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Paths without file system methods are accepted."""
    folder = PurePath(tmp_path)
    await layer.mkdir(folder / "d")
    assert await layer.list(folder) == [folder / "d"]
    assert await layer.resolve(folder / "d") == (tmp_path / "d").resolve()


async def test_list(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Hidden files are listed; a missing directory is empty; any other failure raises PathIOError."""
    for name in ("b", ".a"):
        (tmp_path / name).touch()
    assert sorted(await layer.list(tmp_path)) == [tmp_path / ".a", tmp_path / "b"]
    lister = layer.list(tmp_path)
    assert await anext(lister) in (tmp_path / ".a", tmp_path / "b")
    assert await layer.list(tmp_path / "gone") == []
    with pytest.raises(PathIOError):
        await layer.list(tmp_path / "nul\0")


@posix
async def test_names_outside_of_the_encoding(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Names that are not in the encoding of the file system are listed and opened."""
    name = os.fsdecode(b"caf\xe9")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    async with layer.open(tmp_path / name, "wb") as file:
        await file.write(b"x")
    assert await layer.list(tmp_path) == [tmp_path / name]
    assert await layer.exists(tmp_path / name)


async def test_stat_has_names(layer: AbstractPathIO, tmp_path: Path) -> None:
    """The result has all attributes of os.stat, and owner and group as names."""
    (tmp_path / "file").write_bytes(b"12345")
    stats, wanted = await layer.stat(tmp_path / "file"), (tmp_path / "file").stat()
    for name in ("st_size", "st_mtime", "st_ctime", "st_nlink", "st_mode", "st_ino", "st_dev"):
        assert getattr(stats, name) == getattr(wanted, name)
    assert isinstance(stats.owner, str)
    assert isinstance(stats.group, str)
    assert not hasattr(stats, "other")
    assert f"<DiskStats {stats.owner} {stats.group} " in repr(stats)
    assert copy.copy(stats).st_size == 5


@posix
def test_owner_names() -> None:
    """Owners without a name are shown by number."""
    import pwd

    known = pwd.getpwall()[0]
    assert disk._owner_name(known.pw_uid) == pwd.getpwuid(known.pw_uid).pw_name
    assert disk._owner_name(3_999_999_999) == disk._group_name(3_999_999_999) == "3999999999"


def test_owner_names_without_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems without pwd and grp show numbers."""
    for function in (disk._owner_name, disk._group_name):
        function.cache_clear()
    monkeypatch.setitem(sys.modules, "pwd", None)
    monkeypatch.setitem(sys.modules, "grp", None)
    assert (disk._owner_name(0), disk._group_name(0)) == ("0", "0")
    for function in (disk._owner_name, disk._group_name):
        function.cache_clear()


@posix
async def test_links(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Links are made, read, followed and distinguished from their targets."""
    (tmp_path / "file").touch()
    link = tmp_path / "link"
    await layer.symlink(PurePath("file"), link)
    assert await layer.readlink(link) == Path("file")
    assert stat.S_ISLNK((await layer.lstat(link)).st_mode)
    assert stat.S_ISREG((await layer.stat(link)).st_mode)
    assert await layer.resolve(link) == (tmp_path / "file").resolve()


@posix
async def test_link_loops(layer: AbstractPathIO, tmp_path: Path) -> None:
    """A loop of links raises ELOOP in all versions of Python, also inside a path; missing parts do not."""
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for path in (tmp_path / "one", tmp_path / "two" / "x" / "y"):
        assert (await reason(layer.resolve(path))).errno == errno.ELOOP
    assert await layer.resolve(tmp_path / "no" / "thing") == await layer.resolve(tmp_path) / "no" / "thing"


async def test_set_times(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Each time is set alone; with a time of creation the call raises NotImplementedError and sets nothing."""
    path = tmp_path / "file"
    path.touch()
    await layer.set_times(path, modify=1_000_000_000.25)
    await layer.set_times(path, access=1_100_000_000)
    assert (path.stat().st_mtime, path.stat().st_atime) == (1_000_000_000.25, 1_100_000_000)
    with pytest.raises(NotImplementedError):
        await layer.set_times(path, create=1, modify=1)
    assert path.stat().st_mtime == 1_000_000_000.25


@posix
async def test_chmod(layer: AbstractPathIO, tmp_path: Path) -> None:
    """The file has the bits."""
    (tmp_path / "file").touch()
    await layer.chmod(tmp_path / "file", 0o640)
    assert oct((tmp_path / "file").stat().st_mode) == "0o100640"


@posix
async def test_chown(layer: AbstractPathIO, tmp_path: Path) -> None:
    """Names and numbers are accepted; unknown names are errors; a call without either does nothing."""
    path = tmp_path / "file"
    path.touch()
    stats = await layer.stat(path)
    await layer.chown(path, owner=stats.owner, group=str(path.stat().st_gid))
    await layer.chown(path, owner=str(path.stat().st_uid), group=stats.group)
    await layer.chown(tmp_path / "missing")
    assert isinstance(await reason(layer.chown(path, owner="no such user")), LookupError)


async def test_chown_on_systems_without_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems without owners raise NotImplementedError."""
    monkeypatch.delattr(os, "chown", raising=False)
    with pytest.raises(NotImplementedError):
        await PathIO().chown(tmp_path, owner="ann")


async def test_free_space(layer: AbstractPathIO, tmp_path: Path) -> None:
    """The free space is that of the disk with the path."""
    assert await layer.free_space(tmp_path) > 0


async def test_relative_and_odd_paths(layer: AbstractPathIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths are relative to the current directory of the process; a path with NUL does not exist."""
    monkeypatch.chdir(tmp_path)
    await layer.mkdir(Path("a/b"), parents=True)
    assert (tmp_path / "a" / "b").is_dir()
    assert await layer.list(Path("a")) == [Path("a/b")]
    assert not await layer.exists(Path("a\0b"))
    assert isinstance(await reason(layer.stat(Path("a\0b"))), ValueError)


# The asynchronous layer only.


async def test_async_settings() -> None:
    """The executor is the fourth argument; the timeout applies to calls and listers."""
    with ThreadPoolExecutor(1) as pool:
        made = AsyncPathIO(2, "connection", None, pool)
        assert (made.timeout, made.connection, made.state, made.executor) == (2, "connection", None, pool)
        assert made.list(Path()).timeout == 2


async def test_async_runs_in_the_executor(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Calls run in the executor's thread; one call lists a directory of any size."""
    calls: list[threading.Thread] = []

    class Counting(AsyncPathIO):
        async def _run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            def counted(*args: Any, **kwargs: Any) -> Any:
                calls.append(threading.current_thread())
                return function(*args, **kwargs)

            return await super()._run(counted, *args, **kwargs)

    for number in range(500):
        (tmp_path / str(number)).touch()
    assert len(await Counting(executor=executor).list(tmp_path)) == 500
    assert len(calls) == 1
    assert threading.main_thread() not in calls


async def test_async_timeout(executor: ThreadPoolExecutor) -> None:
    """A call that takes too long raises PathIOError over TimeoutError."""
    layer, stop = AsyncPathIO(timeout=0.001, executor=executor), threading.Event()

    class Stuck:
        def seek(self, offset: int, whence: int) -> None:
            stop.wait()
            raise OSError("ignored")

    try:
        assert isinstance(await reason(layer.seek(cast(Any, Stuck()), 0)), TimeoutError)
    finally:
        stop.set()


async def test_async_late_file_is_closed(
    executor: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is opened after its caller was cancelled is closed."""
    stop, closed = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Reporting(io.FileIO):
        def close(self) -> None:
            super().close()
            loop.call_soon_threadsafe(closed.set)

    def slow(path: Any, mode: str) -> io.IOBase:
        stop.wait()
        return Reporting(path, mode)

    monkeypatch.setattr(disk, "open", slow, raising=False)
    (tmp_path / "file").touch()
    task = asyncio.create_task(AsyncPathIO(executor=executor).open(tmp_path / "file")._open())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stop.set()
    await asyncio.wait_for(closed.wait(), 5)


def test_disk_stats_of_anything() -> None:
    """DiskStats wraps a result of os.stat."""
    assert DiskStats(Path(__file__).stat()).st_size > 0
