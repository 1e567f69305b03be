"""MemoryPathIO fails like the disk: every operation in every situation, with the same errno."""

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

# The content of the root of each layer: directories, files, and links with their targets.
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


def _opens(mode: str) -> Operation:
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
    **{f"open {mode}": _opens(mode) for mode in ("rb", "wb", "ab", "r+b")},
}


async def outcome(call: Awaitable[object]) -> object:
    """Return the name of the errno of a failed call; True, False or "done" otherwise."""
    try:
        result = await call
    except PathIOError as error:
        cause = error.__cause__
        assert isinstance(cause, OSError), repr(cause)
        return errno.errorcode.get(cause.errno or 0, repr(cause))
    return result if isinstance(result, bool) else "done"


async def fill(layer: AbstractPathIO, root: PurePath) -> None:
    """Make the directories, files and links."""
    for name in DIRECTORIES:
        await layer.mkdir(root / name)
    for name in FILES:
        await _write(layer, root / name, "wb")
    for name, target in LINKS.items():
        await layer.symlink(PurePosixPath(target), root / name)


class Trees:
    """The same tree in memory and on the disk; made again after each operation that changed one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._trees: list[tuple[AbstractPathIO, PurePath]] = []

    async def differ(self, operation: Callable[[AbstractPathIO, PurePath], Awaitable[object]]) -> str:
        """Describe the results of an operation in memory and on the disk; "" when they are equal."""
        if not self._trees:
            folder = self._folder / str(next(self._numbers))
            folder.mkdir()
            memory = MemoryPathIO()
            await memory.mkdir(PurePosixPath("/root"))
            self._trees = [(memory, PurePosixPath("/root")), (PathIO(), folder)]
            for layer, root in self._trees:
                await fill(layer, root)
        in_memory, on_disk = [await outcome(operation(layer, root)) for layer, root in self._trees]
        if "done" in (in_memory, on_disk):
            self._trees.clear()
        return "" if in_memory == on_disk else f"{in_memory}, on the disk {on_disk}"


async def test_every_operation_on_one_path(tmp_path: Path) -> None:
    """Each operation gives the same result for every kind of path."""
    trees, unlike = Trees(tmp_path), []
    for name, run in ONE_PATH.items():
        for path in PATHS:
            difference = await trees.differ(lambda layer, root: run(layer, root / path))  # noqa: B023
            unlike += [f"{name} {path}: {difference}"] if difference else []
    assert not unlike, "\n".join(unlike)


async def test_rename_between_any_two_paths(tmp_path: Path) -> None:
    """A rename gives the same result for every pair of paths; of two errors, the same one is raised."""
    trees, unlike = Trees(tmp_path), []
    for source, target in itertools.product(PATHS, PATHS):
        difference = await trees.differ(lambda layer, root: layer.rename(root / source, root / target))  # noqa: B023
        unlike += [f"{source} to {target}: {difference}"] if difference else []
    assert not unlike, "\n".join(unlike)
