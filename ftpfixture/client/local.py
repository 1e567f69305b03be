"""Local files and directories: their names, their content, and how they are removed.

One rule: a link is treated as its target, but removing it removes only the link.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from ftpfixture.client.parsers import Info
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.files.base import AbstractPathIO

__all__ = [
    "LocalListing",
    "LocalPath",
    "child_of",
    "is_behind_link",
    "list_here",
    "local_path",
    "remove_here",
    "set_time_here",
    "size_here",
    "unique_here",
]

LocalPath = str | PurePath

_UNFIT_FOR_WINDOWS = re.compile(r'[\x00-\x1f<>:"/\\|?*]|[ .]\Z')
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL)


class LocalListing(NamedTuple):
    """The content of a local directory; `unread` is always empty."""

    entries: Sequence[tuple[PurePath, Info]]
    unread: tuple[UnreadEntry, ...] = ()


def local_path(path: LocalPath) -> PurePath:
    """A local path, which need not be on the disk."""
    return Path(path) if isinstance(path, str) else path


def child_of(directory: PurePath, name: str) -> PurePath | None:
    """The path of a name in a local directory; None when the name would lead elsewhere, or mean something else.

    A name of a server may hold what is special in a Windows path: separators, drives, streams (``a:b``), devices
    (``NUL.txt``), and a dot or space at the end.
    """
    if name in ("", ".", "..") or "\0" in name:
        return None
    if isinstance(directory, PureWindowsPath) and (_UNFIT_FOR_WINDOWS.search(name) or _DEVICES.fullmatch(name)):
        return None
    inside = directory / name
    return inside if inside.parent == directory and inside.name == name else None


async def list_here(path_io: AbstractPathIO, directory: PurePath) -> LocalListing:
    """The content of a directory, sorted by path."""
    return LocalListing([(path, await _info(path_io, path)) for path in sorted(await path_io.list(directory))])


async def _info(path_io: AbstractPathIO, path: PurePath) -> Info:
    if await path_io.is_file(path):
        return {"type": "file"}
    if await path_io.is_dir(path):
        return {"type": "dir", "unique": await unique_here(path_io, path)}
    return {"type": "unknown"}


async def unique_here(path_io: AbstractPathIO, directory: PurePath) -> str:
    """An identity of a directory, which all links to it share."""
    return str(await path_io.resolve(directory))


async def size_here(path_io: AbstractPathIO, path: PurePath) -> int:
    """The size of a file in bytes; 0 when it does not exist."""
    return int((await path_io.stat(path)).st_size) if await path_io.is_file(path) else 0


async def is_behind_link(path_io: AbstractPathIO, root: PurePath, name: PurePosixPath) -> bool:
    """Whether a name is below a link: then it does not belong to the tree, and is not removed."""
    for parent in name.parents[:-1]:
        if stat.S_ISLNK((await path_io.lstat(root / parent)).st_mode):
            return True
    return False


async def remove_here(path_io: AbstractPathIO, path: PurePath) -> None:
    """Remove a file, a link, or a directory with its content."""
    about = await path_io.lstat(path)
    if not stat.S_ISDIR(about.st_mode):
        await path_io.unlink(path)  # a link itself, not its target
        return
    for below in await path_io.list(path):
        await remove_here(path_io, below)
    await path_io.rmdir(path)


async def set_time_here(path_io: AbstractPathIO, path: PurePath, modified: int | None) -> None:
    """Set the modification time of a file (POSIX seconds), if the path layer can."""
    if modified is not None:
        try:
            await path_io.set_times(path, modify=modified)
        except NotImplementedError:
            return  # then its time is that of the transfer, which is later than that of the source
