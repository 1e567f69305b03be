"""check_path_io: a correct layer passes, and each broken rule is reported."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest

from ftpfixture.errors import PathIOError
from ftpfixture.files.base import AbstractPathIO, NameLister
from ftpfixture.files.disk import AsyncPathIO, PathIO
from ftpfixture.files.handles import universal_exception
from ftpfixture.files.memory import MemoryFiles, MemoryPathIO
from ftpfixture.testing.pathio_check import check_path_io


async def test_memory_passes() -> None:
    """The layer in memory needs only its class to pass, and is empty afterwards."""
    tree = MemoryFiles()
    await check_path_io(MemoryPathIO)
    await check_path_io(lambda timeout=None, connection=None, state=None: MemoryPathIO(state=tree))
    assert list(tree.walk()) == []


@pytest.mark.parametrize("factory", [PathIO, AsyncPathIO])
async def test_disk_passes(factory: type[AbstractPathIO], tmp_path: Path) -> None:
    """The layers over the disk pass, and leave nothing behind."""
    (tmp_path / "ftpfixture-check-0").touch()
    await check_path_io(factory, tmp_path)
    assert os.listdir(tmp_path) == ["ftpfixture-check-0"]


class Modest(MemoryPathIO):
    """A layer that offers the required methods only."""

    resolve = AbstractPathIO.resolve
    lstat = AbstractPathIO.lstat
    readlink = AbstractPathIO.readlink
    symlink = AbstractPathIO.symlink
    chmod = AbstractPathIO.chmod
    set_times = AbstractPathIO.set_times
    chown = AbstractPathIO.chown
    free_space = AbstractPathIO.free_space
    read_some = AbstractPathIO.read_some


async def test_a_layer_may_offer_less() -> None:
    """Optional methods that are not implemented are not checked."""
    await check_path_io(Modest)


async def test_root_must_exist() -> None:
    """A root that is missing is named in the error."""
    with pytest.raises(AssertionError, match="give a root that exists: /missing"):
        await check_path_io(MemoryPathIO, PurePosixPath("/missing"))


# Broken layers, one for each rule. Each changes one method of the layer in memory.

Method = Callable[..., Any]


def raises(error: Exception) -> Method:
    """A method that raises."""

    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error

    return method


def returns(value: Any) -> Method:
    """A method that returns one value for all arguments."""

    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return value

    return method


def when(name: str, condition: Callable[..., bool], instead: Method) -> dict[str, Method]:
    """Replace a method where the condition holds for its arguments."""
    original = getattr(MemoryPathIO, name)

    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = instead if condition(*args, **kwargs) else original
        return await chosen(self, *args, **kwargs)

    return {name: method}


def named(name: str) -> Callable[..., bool]:
    """A condition: the last path has that name."""
    return lambda *args, **kwargs: [arg.name for arg in args if isinstance(arg, PurePath)][-1:] == [name]


def mode_is(wanted: str) -> Callable[..., bool]:
    """A condition: a file is opened in that mode."""
    return lambda path, mode: mode == wanted


def replaced_mode(mode: str) -> Method:
    """Open in another mode than the given one."""

    async def method(self: Any, path: PurePath, **kwargs: Any) -> Any:
        return await MemoryPathIO._open(self, path, mode)

    return method


def lists(names: Callable[[PurePath, list[str]], list[str]]) -> dict[str, Method]:
    """A lister of other names."""

    def method(self: Any, path: PurePath) -> NameLister:
        async def fetch(path: PurePath) -> list[str]:
            return names(path, list(await MemoryPathIO._children(self, path)))

        return NameLister(path, fetch)

    return {"list": method}


def changed_stats(condition: Callable[..., bool] = lambda *args: True, **changes: Any) -> dict[str, Method]:
    """Statistics with other fields."""

    @universal_exception
    async def method(self: Any, path: PurePath) -> Any:
        found = await MemoryPathIO.stat(self, path)
        return found._replace(**changes) if condition(path) else found

    return {"stat": method, "lstat": MemoryPathIO.lstat}


@universal_exception
async def unwrapped_stat(self: Any, path: PurePath) -> Any:
    """Return fewer fields than are needed."""
    await MemoryPathIO.stat(self, path)
    return SimpleNamespace(st_size=5, st_mtime=0, st_ctime=0, st_mode=0)


@universal_exception
async def recreate_missing(self: Any, path: PurePath, mode: str) -> Any:
    """Make the file that r+b should find."""
    if mode == "r+b" and not await self.exists(path):
        mode = "wb"
    return await MemoryPathIO._open(self, path, mode)


async def keep_old(self: Any, path: PurePath, mode: str) -> Any:
    """Do not truncate."""
    if mode == "wb" and await self.is_file(path):
        mode = "r+b"
    return await MemoryPathIO._open(self, path, mode)


@universal_exception
async def truncate_always(self: Any, path: PurePath, mode: str) -> Any:
    """Lose the content of a file that is opened to be changed."""
    file = await MemoryPathIO._open(self, path, mode)
    if mode == "r+b":
        file._content._cut(0)
        file._content._snapshot = None
    return file


class AwaitedOnly:
    """A list that can be awaited only, in place of a lister."""

    def __init__(self, layer: Any, path: PurePath) -> None:
        self.lister = MemoryPathIO.list(layer, path)

    def __await__(self) -> Any:
        return self.lister.__await__()


async def append_once(self: Any, path: PurePath, mode: str) -> Any:
    """Go to the end at the beginning only."""
    file = await MemoryPathIO._open(self, path, "r+b" if mode == "ab" else mode)
    if mode == "ab":
        file.seek(0, io.SEEK_END)
    return file


async def one_position(self: Any, path: PurePath, mode: str) -> Any:
    """Give all readers one open file."""
    shared = self.state.__dict__.setdefault("shared", {})
    if mode != "rb":
        shared.pop(path, None)
        return await MemoryPathIO._open(self, path, mode)
    if path not in shared:
        shared[path] = await MemoryPathIO._open(self, path, mode)
    return shared[path]


async def close_nothing(self: Any, file: Any) -> None:
    """Leave the file as it is."""
    if file._mode == "rb":
        file.seek(0)


async def short_read(self: Any, file: Any, n: int = -1) -> bytes:
    """Read less than the given size."""
    return bytes(file.read(min(n, 4096) if n > 0 else n))


async def greedy_read(self: Any, file: Any, count: int) -> bytes:
    """Read more than the given size."""
    return bytes(file.read(count + 1))


async def seek_nothing(self: Any, file: Any, offset: int, whence: int = 0) -> int:
    """Seek, but do not return the position."""
    file.seek(offset, whence)
    return 0


async def write_to_start_of_gap(self: Any, file: Any, data: Any) -> int:
    """Write at the end when the position is past it."""
    end = file._content.size
    if file._position > end:
        file.seek(end)
    return int(file.write(data))


async def rename_loses_itself(self: Any, source: PurePath, destination: PurePath) -> None:
    """Remove a file that is renamed to itself."""
    if source == destination:
        await self.unlink(source)
    else:
        await MemoryPathIO.rename(self, source, destination)


async def rename_copies(self: Any, source: PurePath, destination: PurePath) -> None:
    """Leave the source where it was."""
    await MemoryPathIO.rename(self, source, destination)
    if source != destination and await self.is_file(destination):
        self.state.write_file(source, b"still here")


async def resolve_parent(self: Any, path: PurePath) -> PurePath:
    """Forget the last part."""
    return path.parent


async def fail_on_missing(self: Any, path: PurePath) -> bool:
    """Raise where False should be returned."""
    if not await MemoryPathIO.exists(self, path):
        raise PathIOError("missing")
    return await MemoryPathIO.is_dir(self, path)


NOT_FOUND = PathIOError(reason=None)
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"state": property(lambda self: None)}, "instances that share a state"),
    ({"is_dir": fail_on_missing}, "return what missing is; but it raised PathIOError"),
    ({"is_file": MemoryPathIO.exists}, "exists, is_dir and is_file return what folder is; but it gave"),
    ({"is_file": raises(NotImplementedError())}, "To do: implement it"),
    (when("mkdir", lambda path, **kwargs: path.name == "file", returns(None)), "mkdir over a file is FileExistsError"),
    (
        when("mkdir", lambda path, **kwargs: "exist_ok" in kwargs and path.name == "folder", raises(NOT_FOUND)),
        "mkdir with exist_ok accepts an existing directory",
    ),
    (
        when("mkdir", lambda path, parents=False, exist_ok=False: parents and path.name == "c", returns(None)),
        "mkdir with parents makes the missing parents; but the directory is not there",
    ),
    ({"mkdir": lambda self, path, **kwargs: MemoryPathIO.mkdir(self, path, parents=True)}, "without its parent"),
    (when("rmdir", named("empty"), returns(None)), "rmdir removes an empty directory; but it is still there"),
    (when("rmdir", named("missing"), returns(None)), "rmdir of nothing is FileNotFoundError; but nothing was raised"),
    (when("rmdir", named("file"), raises(OSError())), "but OSError was raised without a PathIOError around it"),
    (when("rmdir", named("file"), raises(NOT_FOUND)), "rmdir of a file is NotADirectoryError; but the reason is None"),
    (
        when("rmdir", lambda path: path.name == "ftpfixture-check-0", returns(None)),
        "a removed directory does not exist any more",
    ),
    (when("unlink", named("folder"), returns(None)), "unlink of a directory is IsADirectoryError or PermissionError"),
    (when("unlink", named("file"), returns(None)), "unlink removes a file; but it is still there"),
    (lists(lambda path, names: [name for name in names if name[0] != "."]), "hidden ones too"),
    (lists(lambda path, names: names or ["ghost"] if path.name == "missing" else names), r"no directory \(missing\)"),
    (
        {"list": lambda self, path: AwaitedOnly(self, path)},
        "a lister can be iterated as well as awaited; but it raised TypeError",
    ),
    (
        {"seek": raises(OSError("tape jam"))},
        "the usual calls of the server succeed; but OSError was raised: tape jam",
    ),
    ({"stat": unwrapped_stat, "lstat": MemoryPathIO.lstat}, "stat has st_nlink"),
    (changed_stats(st_size=4), "st_size is the number of bytes; but it gave 4 instead of 5"),
    (changed_stats(st_mode=0), "st_mode of a file is that of a file"),
    (changed_stats(lambda path: path.name != "file", st_mode=0o100644), "st_mode of a directory is that of one"),
    ({"_open": recreate_missing}, "r.b of a missing file is FileNotFoundError"),
    (when("_open", mode_is("r"), replaced_mode("rb")), "mode 'r' is ValueError"),
    ({"_open": keep_old}, "wb truncates the file"),
    ({"_open": append_once}, "ab writes at the end"),
    ({"write": lambda self, file, data: MemoryPathIO.write(self, file, data[:5])}, "what was written is read"),
    (when("write", lambda file, data: type(data) is bytearray, raises(TypeError())), "write takes bytes, bytearray"),
    ({"_open": truncate_always}, "r.b reads, and writes in place"),
    ({"write": write_to_start_of_gap}, "a write past the end fills with zeros"),
    ({"read": short_read}, "exactly n bytes before the end of the file"),
    ({"read_some": greedy_read}, "read_some returns at most count bytes; but it returned 5001"),
    ({"read_some": raises(NotImplementedError())}, "read_some reads a piece; but it is not implemented"),
    ({"seek": seek_nothing}, "seek returns the new position"),
    ({"_open": one_position, "close": close_nothing}, "each open file has its own position"),
    (when("rename", named("new"), returns(None)), "rename of nothing is FileNotFoundError"),
    ({"rename": rename_loses_itself}, "rename to the same name changes nothing"),
    ({"rename": rename_copies}, "replaces it; but the old name is still there"),
    (when("rename", named("moved"), returns(None)), "its content is lost"),
    ({"stat": MemoryPathIO.lstat, "lstat": MemoryPathIO.lstat}, "stat follows links"),
    ({"lstat": MemoryPathIO.stat}, "lstat does not follow"),
    ({"readlink": MemoryPathIO.resolve}, "readlink returns the target of a link"),
    ({"symlink": raises(PathIOError("no"))}, "symlink makes a link; but it raised PathIOError"),
    ({"resolve": returns(PurePosixPath("/"))}, "resolve follows all links"),
    (when("resolve", named("loop"), returns(PurePosixPath("/"))), "resolve of a loop is OSError ELOOP"),
    (when("exists", named("dangling"), returns(True)), "a dangling link"),
    ({"symlink": AbstractPathIO.symlink, "resolve": resolve_parent}, "resolve changes no path in a layer without"),
    ({"chmod": returns(None)}, "chmod sets the permission bits; but it gave '0o600' instead of '0o400'"),
    ({"set_times": returns(None)}, "set_times sets the time of modification"),
    (
        when("set_times", lambda path, **kwargs: "create" in kwargs, returns(None)),
        "set_times sets the time of creation",
    ),
    ({"chown": raises(PathIOError("no"))}, "chown without names changes nothing"),
    ({"free_space": returns(-1)}, "free_space is a number of bytes; but it returned -1"),
]


@pytest.mark.parametrize(("methods", "wanted"), BROKEN, ids=[re.sub(r"\W+", "-", text)[:50] for _, text in BROKEN])
async def test_broken_layers(methods: dict[str, Any], wanted: str) -> None:
    """Each broken rule is found, and the message has the remedy."""
    broken = type("Broken", (MemoryPathIO,), methods)
    with pytest.raises(AssertionError, match=wanted) as caught:
        await check_path_io(broken)
    assert "To do: " in str(caught.value)


async def test_cleans_up_after_a_broken_rule() -> None:
    """A failure leaves nothing behind, if the layer can remove it."""
    tree = MemoryFiles()
    broken = type("Broken", (MemoryPathIO,), {"chmod": returns(None)})
    with pytest.raises(AssertionError):
        await check_path_io(lambda state=None: broken(state=tree))
    assert list(tree.walk()) == []
