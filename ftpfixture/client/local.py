"""Files and directories on this side: their names, what is in them, and how they are removed.

One rule: a link is what it leads to, until it is to be removed.
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
    """What is in a directory on this side; all of it is understood."""

    entries: Sequence[tuple[PurePath, Info]]
    unread: tuple[UnreadEntry, ...] = ()


def local_path(path: LocalPath) -> PurePath:
    """A path on this side, which need not be of the disk."""
    return Path(path) if isinstance(path, str) else path


def child_of(directory: PurePath, name: str) -> PurePath | None:
    """The path of a name in a directory on this side; None when it would be elsewhere, or be something else.

    Paths of Windows have separators, drives, streams (``a:b``), devices (``NUL.txt``) and ends of names (``a.``) of
    their own, which a name of a server may hold.
    """
    if name in ("", ".", "..") or "\0" in name:
        return None
    if isinstance(directory, PureWindowsPath) and (_UNFIT_FOR_WINDOWS.search(name) or _DEVICES.fullmatch(name)):
        return None
    inside = directory / name
    return inside if inside.parent == directory and inside.name == name else None


async def list_here(path_io: AbstractPathIO, directory: PurePath) -> LocalListing:
    """What is in a directory, in the order of the alphabet."""
    return LocalListing([(path, await _info(path_io, path)) for path in sorted(await path_io.list(directory))])


async def _info(path_io: AbstractPathIO, path: PurePath) -> Info:
    if await path_io.is_file(path):
        return {"type": "file"}
    if await path_io.is_dir(path):
        return {"type": "dir", "unique": await unique_here(path_io, path)}
    return {"type": "unknown"}


async def unique_here(path_io: AbstractPathIO, directory: PurePath) -> str:
    """What a directory has in common with all links to it."""
    return str(await path_io.resolve(directory))


async def size_here(path_io: AbstractPathIO, path: PurePath) -> int:
    """Bytes of a file; 0 when there is none."""
    return int((await path_io.stat(path)).st_size) if await path_io.is_file(path) else 0


async def is_behind_link(path_io: AbstractPathIO, root: PurePath, name: PurePosixPath) -> bool:
    """Say whether a name leads out of the tree: what is there does not belong to it, and is not removed."""
    for parent in name.parents[:-1]:
        if stat.S_ISLNK((await path_io.lstat(root / parent)).st_mode):
            return True
    return False


async def remove_here(path_io: AbstractPathIO, path: PurePath) -> None:
    """Remove a file, a link, or a directory with all that is in it."""
    about = await path_io.lstat(path)
    if not stat.S_ISDIR(about.st_mode):
        await path_io.unlink(path)  # of a link, and not of what it leads to
        return
    for below in await path_io.list(path):
        await remove_here(path_io, below)
    await path_io.rmdir(path)


async def set_time_here(path_io: AbstractPathIO, path: PurePath, modified: int | None) -> None:
    """Set when a file was modified, where the path layer can."""
    if modified is not None:
        try:
            await path_io.set_times(path, modify=modified)
        except NotImplementedError:
            return  # then it is as new as the transfer, which is newer than what was transferred
