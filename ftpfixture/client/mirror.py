"""Two trees made equal, up or down, by as few transfers as that takes.

One rule: a file of the same size that is newer where it is copied to is not overwritten, and nothing is deleted unless
it was asked for.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

from ftpfixture.client.listing import NOWHERE, RemotePath, further, leads_back
from ftpfixture.client.transfers import LocalPath, Progress, TransferClient
from ftpfixture.errors import StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.wire.entry import parse_time

__all__ = ["MirrorClient", "Mirrored"]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What was done to make two trees equal; paths are relative to both, in the order of the alphabet.

    Attributes:
        transferred: Files that were copied.
        unchanged: Files that were not.
        deleted: Files and directories that were removed, those in removed directories not named.
    """

    transferred: tuple[PurePosixPath, ...]
    unchanged: tuple[PurePosixPath, ...]
    deleted: tuple[PurePosixPath, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    is_dir: bool
    size: int = 0
    modified: int | None = None  # POSIX seconds

    def differs_from(self, other: _Item | None) -> bool:
        """Say whether this file must be copied over the other."""
        if other is None or other.is_dir or other.size != self.size:
            return True
        return self.modified is not None and other.modified is not None and self.modified > other.modified


_Tree = dict[PurePosixPath, _Item]


class MirrorClient(TransferClient):
    """A client that can mirror directories."""

    async def mirror_down(
        self,
        source: RemotePath,
        destination: LocalPath,
        *,
        delete: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> Mirrored:
        """Make a directory here equal to one on the server.

        Files are brought that are missing here, have another size, or are newer there; they get the times that they
        have there.

        Args:
            source: The directory on the server.
            destination: The directory here; it is made if it is missing.
            delete: Remove here what is not there.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size of every file that is brought.

        Raises:
            StatusCodeError: There is no such directory, or something in it must not be read.
            PathIOError: Something cannot be written or removed here.
            IntegrityError: With `verify`: a file differs after all.
        """
        remote, local = PurePosixPath(source), _path(destination)
        theirs = await self._tree_there(remote)
        ours = await self._tree_here(local)
        await self.path_io.mkdir(local, parents=True, exist_ok=True)
        surplus = _surplus(theirs, ours) if delete else []
        deleted = [name for name in surplus if not await self._is_behind_link(local, name)]
        for name in deleted:
            await self._remove_here(local / name)
            _forget(ours, name)
        transferred = []
        for name, item in sorted(theirs.items()):
            if item.is_dir:
                await self.path_io.mkdir(local / name, parents=True, exist_ok=True)
            elif item.differs_from(ours.get(name)):
                await self._fetch(
                    remote / name,
                    local / name,
                    block_size=DEFAULT_BLOCK_SIZE,
                    resume=False,
                    progress=progress,
                    verify=verify,
                )
                await self._set_time_here(local / name, item.modified)
                transferred.append(name)
        return _report(theirs, transferred, deleted)

    async def mirror_up(
        self,
        source: LocalPath,
        destination: RemotePath,
        *,
        delete: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> Mirrored:
        """Make a directory on the server equal to one here; the counterpart of `mirror_down`.

        Args:
            source: The directory here.
            destination: The directory on the server; it is made if it is missing.
            delete: Remove there what is not here.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size of every file that is sent.

        Raises:
            NotADirectoryError: There is no such directory here.
            StatusCodeError: Something cannot be stored or removed there.
            IntegrityError: With `verify`: a file differs after all.
        """
        local, remote = _path(source), PurePosixPath(destination)
        if not await self.path_io.is_dir(local):
            raise NotADirectoryError(f"there is no directory {local} to mirror")
        ours = await self._tree_here(local)
        await self._retried(partial(self.make_directory, remote))
        theirs = await self._tree_there(remote)
        deleted = _surplus(ours, theirs) if delete else []
        for name in deleted:
            await self.remove(remote / name)
            _forget(theirs, name)
        transferred = []
        for name, item in sorted(ours.items()):
            if item.is_dir:
                if name not in theirs:
                    await self._retried(partial(self.make_directory, remote / name))
            elif item.differs_from(theirs.get(name)):
                await self._store(
                    local / name,
                    remote / name,
                    block_size=DEFAULT_BLOCK_SIZE,
                    resume=False,
                    progress=progress,
                    verify=verify,
                )
                await self._set_time_there(remote / name, item.modified)
                transferred.append(name)
        return _report(ours, transferred, deleted)

    async def _tree_there(self, root: PurePosixPath) -> _Tree:
        tree: _Tree = {}
        directories = [(root, NOWHERE)]
        while directories:
            directory, way = directories.pop()
            for path, info in await self._retried(partial(self._list_directory, directory, None)):
                if info["type"] == "dir":
                    if not leads_back(info, way):
                        directories.append((path, further(info, way)))
                    tree[path.relative_to(root)] = _Item(True)
                elif info["type"] == "file":
                    modified = await self._time_there(path, info.get("modify"))
                    tree[path.relative_to(root)] = _Item(False, int(info.get("size", -1)), modified)
        return tree

    async def _time_there(self, path: PurePosixPath, modify: str | None) -> int | None:
        if "mlsd" not in self._useless and modify is not None:
            return int(parse_time(modify))
        # Times of LIST have no seconds, and their time zone is anybody's guess.
        try:
            return int((await self._mdtm(path)).timestamp())
        except StatusCodeError:
            return None

    async def _tree_here(self, root: PurePath) -> _Tree:
        tree: _Tree = {}
        directories: list[tuple[PurePath, tuple[PurePath, ...]]] = []
        if await self.path_io.is_dir(root):
            directories.append((root, ()))
        while directories:
            directory, above = directories.pop()
            real = await self.path_io.resolve(directory)
            if real in above:
                continue  # a link leads back
            for path in await self.path_io.list(directory):
                name = PurePosixPath(*path.relative_to(root).parts)
                if await self.path_io.is_dir(path):
                    directories.append((path, (*above, real)))
                    tree[name] = _Item(True)
                elif await self.path_io.is_file(path):
                    about = await self.path_io.stat(path)
                    tree[name] = _Item(False, about.st_size, int(about.st_mtime))
        return tree

    async def _is_behind_link(self, root: PurePath, name: PurePosixPath) -> bool:
        """Say whether a name leads out of the tree: what is there does not belong to it, and is not removed."""
        for parent in name.parents[:-1]:
            if stat.S_ISLNK((await self.path_io.lstat(root / parent)).st_mode):
                return True
        return False

    async def _remove_here(self, path: PurePath) -> None:
        about = await self.path_io.lstat(path)
        if not stat.S_ISDIR(about.st_mode):
            await self.path_io.unlink(path)  # of a link, and not of what it leads to
            return
        for below in await self.path_io.list(path):
            await self._remove_here(below)
        await self.path_io.rmdir(path)

    async def _set_time_here(self, path: PurePath, modified: int | None) -> None:
        if modified is not None:
            try:
                await self.path_io.set_times(path, modify=modified)
            except NotImplementedError:
                return  # then it is as new as the transfer, which is newer than what was transferred

    async def _set_time_there(self, path: PurePosixPath, modified: int | None) -> None:
        if modified is not None and "mfmt" not in self._useless:
            try:
                await self.set_modified(path, modified)
            except StatusCodeError:
                self._useless.add("mfmt")  # then it is as new as the transfer


def _surplus(wanted: _Tree, there: _Tree) -> list[PurePosixPath]:
    """What is too much, or of the wrong kind; of a directory that is, not what is in it."""
    names = {name for name, item in there.items() if name not in wanted or wanted[name].is_dir is not item.is_dir}
    return sorted(name for name in names if names.isdisjoint(name.parents))


def _forget(tree: _Tree, name: PurePosixPath) -> None:
    for gone in [other for other in tree if other == name or name in other.parents]:
        del tree[gone]


def _report(source: _Tree, transferred: list[PurePosixPath], deleted: list[PurePosixPath]) -> Mirrored:
    files = sorted(name for name, item in source.items() if not item.is_dir)
    unchanged = tuple(name for name in files if name not in set(transferred))
    return Mirrored(tuple(transferred), unchanged, tuple(deleted))


def _path(path: LocalPath) -> PurePath:
    return Path(path) if isinstance(path, str) else path
