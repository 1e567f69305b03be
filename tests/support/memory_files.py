"""Short ways to make and read files of the path layer in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath, PurePosixPath
from typing import Any, cast

import pytest

from ftpfixture.errors import PathIOError
from ftpfixture.files.memory import FileNode, MemoryFiles, MemoryPathIO

__all__ = ["FILE", "ROOT", "Clock", "file_node", "get", "put", "reason", "traced"]

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


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Trace memory; the yielded object has, afterwards, the peak number of allocated bytes."""
    peaks: list[int] = []
    tracemalloc.start()
    try:
        yield lambda: peaks[0]
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
