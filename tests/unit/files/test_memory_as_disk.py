"""MemoryPathIO fails as the disk does: every operation in every situation, with the same errno."""

from __future__ import annotations

import errno
import itertools
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath, PurePosixPath

import pytest

from ftpfixture.errors import PathIOError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.disk import PathIO
from ftpfixture.files.memory import MemoryPathIO

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the errors of other systems differ")

# What there is below the root of each layer: directories, files, and links with what they hold.
DIRECTORIES = ("empty", "full", "full/sub", "full/sub/deep")
FILES = ("file", "other", "full/file")
LINKS = {
    "to-file": "file",
    "to-full": "full",
    "to-empty": "empty",
    "dangling": "missing",
    "circle": "circle",
    "up": "full/sub/../file",
}
PATHS = (
    *("empty", "full", "full/sub", "full/sub/deep", "file", "other", "full/file", *LINKS),
    *("missing", "missing/below", "missing/below/more", "file/below", "file/below/more"),
    *("to-file/below", "to-full/file", "to-full/sub", "to-full/new", "dangling/below", "circle/below"),
    *("full/new", "full/sub/new", "full/sub/missing/new", "empty/new"),
)

Operation = Callable[[AbstractPathIO, PurePath], Awaitable[object]]


async def _write(layer: AbstractPathIO, path: PurePath, mode: str) -> None:
    async with layer.open(path, mode):
        pass


def _opening(mode: str) -> Operation:
    return lambda layer, path: _write(layer, path, mode)


ONE_PATH: dict[str, Operation] = {
    "exists": lambda layer, path: layer.exists(path),
    "is_dir": lambda layer, path: layer.is_dir(path),
    "is_file": lambda layer, path: layer.is_file(path),
    "mkdir": lambda layer, path: layer.mkdir(path),
    "mkdir parents": lambda layer, path: layer.mkdir(path, parents=True),
    "mkdir exist_ok": lambda layer, path: layer.mkdir(path, exist_ok=True),
    "mkdir parents exist_ok": lambda layer, path: layer.mkdir(path, parents=True, exist_ok=True),
    "rmdir": lambda layer, path: layer.rmdir(path),
    "unlink": lambda layer, path: layer.unlink(path),
    "stat": lambda layer, path: layer.stat(path),
    "lstat": lambda layer, path: layer.lstat(path),
    "readlink": lambda layer, path: layer.readlink(path),
    "resolve": lambda layer, path: layer.resolve(path),
    "symlink": lambda layer, path: layer.symlink(PurePosixPath("file"), path),
    "chmod": lambda layer, path: layer.chmod(path, 0o755),
    "set_times": lambda layer, path: layer.set_times(path, modify=1.0),
    "list_names": lambda layer, path: layer.list_names(path),
    **{f"open {mode}": _opening(mode) for mode in ("rb", "wb", "ab", "r+b")},
}


async def outcome(call: Awaitable[object]) -> object:
    """The name of the errno that a call failed with; True, False or "done" otherwise."""
    try:
        result = await call
    except PathIOError as error:
        cause = error.__cause__
        assert isinstance(cause, OSError), repr(cause)
        return errno.errorcode.get(cause.errno or 0, repr(cause))
    return result if isinstance(result, bool) else "done"


async def fill(layer: AbstractPathIO, root: PurePath) -> None:
    """Make what there is."""
    for name in DIRECTORIES:
        await layer.mkdir(root / name)
    for name in FILES:
        await _write(layer, root / name, "wb")
    for name, target in LINKS.items():
        await layer.symlink(PurePosixPath(target), root / name)


class Trees:
    """The same tree in memory and on the disk; made anew after each operation that has changed one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._trees: list[tuple[AbstractPathIO, PurePath]] = []

    async def differ(self, operation: Callable[[AbstractPathIO, PurePath], Awaitable[object]]) -> str:
        """What an operation gives in memory and on the disk, in words; "" when that is the same."""
        if not self._trees:
            folder = self._folder / str(next(self._numbers))
            folder.mkdir()
            memory = MemoryPathIO()
            await memory.mkdir(PurePosixPath("/root"))
            self._trees = [(memory, PurePosixPath("/root")), (PathIO(), folder)]
            for layer, root in self._trees:
                await fill(layer, root)
        memory_does, disk_does = [await outcome(operation(layer, root)) for layer, root in self._trees]
        if "done" in (memory_does, disk_does):
            self._trees.clear()
        return "" if memory_does == disk_does else f"{memory_does}, on the disk {disk_does}"


async def test_every_operation_on_one_path(tmp_path: Path) -> None:
    """Whatever is at the path, above it or behind it."""
    trees, unlike = Trees(tmp_path), []
    for name, run in ONE_PATH.items():
        for path in PATHS:
            difference = await trees.differ(lambda layer, root: run(layer, root / path))  # noqa: B023
            unlike += [f"{name} {path}: {difference}"] if difference else []
    assert not unlike, "\n".join(unlike)


async def test_rename_between_any_two_paths(tmp_path: Path) -> None:
    """Source and destination: of two things that are wrong the same one is told."""
    trees, unlike = Trees(tmp_path), []
    for source, target in itertools.product(PATHS, PATHS):
        difference = await trees.differ(lambda layer, root: layer.rename(root / source, root / target))  # noqa: B023
        unlike += [f"{source} to {target}: {difference}"] if difference else []
    assert not unlike, "\n".join(unlike)
