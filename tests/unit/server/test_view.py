"""What a gate may ask a session: whether a file is at a path."""

from __future__ import annotations

import errno
from pathlib import PurePath, PurePosixPath
from typing import Any, cast

import pytest

from ftpfixture import MemoryPathIO, Server, User
from ftpfixture.files.handles import universal_exception
from ftpfixture.files.memory import MemoryStats
from ftpfixture.net.channel import Channel
from ftpfixture.server.connection import Connection
from ftpfixture.server.view import View


class Broken(MemoryPathIO):
    """Files one of which cannot be described."""

    @universal_exception
    async def lstat(self, path: PurePath) -> MemoryStats:
        """See AbstractPathIO."""
        if path.name == "broken":
            raise OSError(errno.EIO, "it is broken")
        return await super().lstat(path)


async def _view(**values: Any) -> View:
    """A session in the directory /dir, which contains a file."""
    path_io = Broken()
    await path_io.mkdir(PurePosixPath("/dir"))
    async with path_io.open(PurePosixPath("/dir/file.txt"), "wb") as file:
        await file.write(b"")
    user = User(base_path="/")
    state = {"user": user, "path_io": path_io, "current_directory": PurePosixPath("/dir"), "server_host": "127.0.0.1"}
    return View(1, Server(), cast(Channel, None), Connection(**{**state, **values}), lambda reason: None)


@pytest.mark.parametrize("pattern", [False, True])
async def test_exists(pattern: bool) -> None:
    """A path in the client's form; a pattern exists if something matches, and only where a pattern is allowed."""
    view = await _view(logged=True)
    wanted = {
        **dict.fromkeys(["", "file.txt", "/dir", "../dir/file.txt"], True),
        **dict.fromkeys(["other.txt", "/file.txt", "file.txt/a", "*.csv"], False),
        **dict.fromkeys(["*.txt", "/*/file.txt"], pattern),
        **dict.fromkeys(["a\0b", "broken"], None),
    }

    assert {path: await view.exists(path, pattern=pattern) for path in wanted} == wanted


async def test_before_the_login() -> None:
    """A client that is not logged in has no files."""
    assert await (await _view()).exists("file.txt", pattern=False) is None
