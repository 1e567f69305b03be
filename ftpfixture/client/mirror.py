"""Two trees made equal, up or down, by as few transfers as that takes.

Two rules: a file of the same size that is newer where it is copied to is not overwritten; and nothing is deleted unless
that was asked for, and all of the tree on the server was understood.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pathlib import PurePath, PurePosixPath

from ftpfixture.client.comparison import Item, Mirrored, Report, Tree, forget, in_the_way, surplus_of, without
from ftpfixture.client.copies import Download, Progress, TransferOptions, Upload
from ftpfixture.client.listing import warn_unread
from ftpfixture.client.local import LocalPath, is_behind_link, local_path, remove_here, set_time_here
from ftpfixture.client.operations import Operations, RemotePath
from ftpfixture.client.session import retried
from ftpfixture.client.snapshot import may_be_hidden, overlooked, set_time_there, tree_here, tree_there
from ftpfixture.client.transfers import download_if_file
from ftpfixture.client.tree import remove_tree
from ftpfixture.client.unread import UnreadEntry, unread_error

__all__ = ["MirrorOperations"]


class MirrorOperations:
    """Operations of a client that mirror directories."""

    async def mirror_down(
        self: Operations,
        source: RemotePath,
        destination: LocalPath,
        *,
        delete: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> Mirrored:
        """Make a directory here equal to one on the server.

        Files are brought that are missing here, have another or an unknown size, or are newer there; they get the times
        that they have there. A link is brought as the file that it leads to; a link to a directory is gone into only
        where MLSD shows it as a directory. What is left out is told in the result, and so are lines of listings that
        were not understood.

        Args:
            source: The directory on the server.
            destination: The directory here; it is made if it is missing.
            delete: Remove here what is not there, when all files have arrived; before that only what is in their way.
                What has the name of something there that was not brought stays.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size of every file that is brought.

        Raises:
            StatusCodeError: There is no such directory, or something in it must not be read.
            UnreadLinesError: With `delete`: lines of a listing were not understood. Nothing was removed or copied.
            PathIOError: Something cannot be written or removed here.
            IntegrityError: With `verify`: a file differs after all.
        """
        options = TransferOptions(progress=progress, verify=verify)
        return await _MirrorDown(self, PurePosixPath(source), local_path(destination), options).run(delete=delete)

    async def mirror_up(
        self: Operations,
        source: LocalPath,
        destination: RemotePath,
        *,
        delete: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> Mirrored:
        """Make a directory on the server equal to one here; the counterpart of `mirror_down`.

        Links here are what they lead to. With `delete`, links there that are too much are removed, and what they lead
        to is not; what is there and is neither file, directory nor link stays.

        Args:
            source: The directory here.
            destination: The directory on the server; it is made if it is missing.
            delete: Remove there what is not here, when all files have arrived; before that only what is in their way.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size of every file that is sent.

        Raises:
            NotADirectoryError: There is no such directory here.
            StatusCodeError: Something cannot be stored or removed there.
            UnreadLinesError: With `delete`: lines of a listing were not understood; nothing was removed or copied.
                Without: nobody can know whether a file would be overwritten.
            IntegrityError: With `verify`: a file differs after all.
        """
        local = local_path(source)
        if not await self.path_io.is_dir(local):
            raise NotADirectoryError(f"there is no directory {local} to mirror")
        options = TransferOptions(progress=progress, verify=verify)
        return await _MirrorUp(self, PurePosixPath(destination), local, options).run(delete=delete)


class _Mirror(ABC):
    """One tree made equal to another."""

    def __init__(self, client: Operations, remote: PurePosixPath, local: PurePath, options: TransferOptions) -> None:
        self.client = client
        self.remote = remote
        self.local = local
        self.options = options
        self.theirs: Tree = {}
        self.ours: Tree = {}
        self.unread: tuple[UnreadEntry, ...] = ()

    async def run(self, *, delete: bool) -> Mirrored:
        """Copy what differs, and delete what is too much if that is wanted."""
        source, target = await self._look(delete=delete)
        surplus, hidden = await self._surplus() if delete else ([], [])
        first = await in_the_way(surplus, source, target, self._exists)
        for name in first:
            await self._remove(name)
            forget(target, name)
        report = Report(left_out=hidden)
        for name, item in sorted(source.items()):
            await self._copy(name, item, report)
        for name in without(surplus, first):
            await self._remove(name)
        return report.result(surplus, self.unread)

    async def _copy(self, name: PurePosixPath, item: Item, report: Report) -> None:
        if item.left_out:
            report.left_out.append(name)
        elif item.kind == "dir":
            await self._make_directory(name)
        elif not item.differs_from(await self._counterpart(name)):
            report.unchanged.append(name)
        elif await self._copy_file(name, item):
            report.transferred.append(name)
        else:
            report.left_out.append(name)

    async def _look_there(self, refusal: str, *, delete: bool, into: PurePath | None = None) -> None:
        """Go through the tree on the server, and warn of lines that were not understood.

        Raises:
            UnreadLinesError: Something would be deleted because it was not understood.
        """
        self.theirs, self.unread = await tree_there(self.client, self.remote, into)
        if delete and self.unread:
            raise unread_error(f"{refusal}, because it is not known what is there", self.unread)
        warn_unread(self.unread)

    @abstractmethod
    async def _look(self, *, delete: bool) -> tuple[Tree, Tree]:
        """Go through both trees: the one to copy, and the one to make equal, whose root is there afterwards."""

    @abstractmethod
    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        """What is too much, and what stays because the source may have it without showing it."""

    @abstractmethod
    async def _exists(self, name: PurePosixPath) -> bool:
        """Say whether a name is there on the side that is made equal."""

    @abstractmethod
    async def _remove(self, name: PurePosixPath) -> None:
        """Remove what is too much."""

    @abstractmethod
    async def _make_directory(self, name: PurePosixPath) -> None:
        """Make a directory, unless it is there."""

    @abstractmethod
    async def _counterpart(self, name: PurePosixPath) -> Item | None:
        """What would be overwritten."""

    @abstractmethod
    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        """Copy a file with its time; False when the source says that there is none."""


class _MirrorDown(_Mirror):
    """A tree on this side made equal to one on the server."""

    async def _look(self, *, delete: bool) -> tuple[Tree, Tree]:
        await self._look_there(f"{self.local} is not mirrored with delete=True", delete=delete, into=self.local)
        self.ours = await tree_here(self.client.path_io, self.local)
        await self.client.path_io.mkdir(self.local, parents=True, exist_ok=True)
        return self.theirs, self.ours

    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        surplus = surplus_of(self.theirs, self.ours, ("dir", "file"))
        hidden = [name for name in surplus if await self._is_hidden_there(name)]
        path_io = self.client.path_io
        return [
            name for name in without(surplus, hidden) if not await is_behind_link(path_io, self.local, name)
        ], hidden

    async def _is_hidden_there(self, name: PurePosixPath) -> bool:
        path = self.remote / name
        return may_be_hidden(self.client, path) and await self.client.exists(path)

    async def _exists(self, name: PurePosixPath) -> bool:
        return await self.client.path_io.exists(self.local / name)

    async def _remove(self, name: PurePosixPath) -> None:
        await remove_here(self.client.path_io, self.local / name)

    async def _make_directory(self, name: PurePosixPath) -> None:
        await self.client.path_io.mkdir(self.local / name, parents=True, exist_ok=True)

    async def _counterpart(self, name: PurePosixPath) -> Item | None:
        return self.ours.get(name)

    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        download = Download(self.client, self.remote / name, self.local / name, self.options)
        if not await download_if_file(download, item.listed_as):
            return False
        await set_time_here(self.client.path_io, self.local / name, item.modified)
        return True


class _MirrorUp(_Mirror):
    """A tree on the server made equal to one on this side."""

    async def _look(self, *, delete: bool) -> tuple[Tree, Tree]:
        self.ours = await tree_here(self.client.path_io, self.local)
        await retried(self.client, partial(self.client.make_directory, self.remote))
        await self._look_there(f"{self.remote} is not made a mirror with delete=True", delete=delete)
        return self.ours, self.theirs

    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        return surplus_of(self.ours, self.theirs, ("dir", "file", "link")), []

    async def _exists(self, name: PurePosixPath) -> bool:
        return await self.client.exists(self.remote / name)

    async def _remove(self, name: PurePosixPath) -> None:
        if self.theirs[name].kind == "dir":
            await remove_tree(self.client, self.remote / name)
        else:
            await self.client.remove_file(self.remote / name)

    async def _make_directory(self, name: PurePosixPath) -> None:
        if name not in self.theirs:
            await retried(self.client, partial(self.client.make_directory, self.remote / name))

    async def _counterpart(self, name: PurePosixPath) -> Item | None:
        return self.theirs.get(name) or await overlooked(self.client, self.remote / name, self.unread)

    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        await Upload(self.client, self.remote / name, self.local / name, self.options).run()
        await set_time_there(self.client, self.remote / name, item.modified)
        return True
