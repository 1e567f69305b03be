"""Mirrors a tree, up or down, with as few transfers as possible.

Two rules: a file of the same size that is newer in the destination is not overwritten; and nothing is deleted unless
the caller asked for it and the whole listing of the server was understood.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pathlib import PurePath, PurePosixPath

from ftpfixture.client.comparison import Item, Mirrored, Report, Tree, conflicting, forget, surplus_of, without
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
        """Make a local directory equal to one on the server.

        A file is downloaded when it is missing locally, has another or an unknown size, or is newer on the server; it
        gets the modification time of the server. A link is downloaded as the file that it leads to; a link to a
        directory is entered only where MLSD shows it as a directory. The result lists what was left out, and lines of
        listings that were not understood.

        Args:
            source: The directory on the server.
            destination: The local directory; it is created if it is missing.
            delete: Remove local entries that are not on the server, when all files have arrived; only entries that
                conflict with a file are removed before. The name of an entry that was left out stays.
            progress: Called after every block, see `Progress`.
            verify: Compare hash or size of every file that is downloaded.

        Raises:
            StatusCodeError: The directory does not exist, or something in it may not be read.
            UnreadLinesError: With `delete`: lines of a listing were not understood. Nothing was removed or copied.
            PathIOError: Something cannot be written or removed locally.
            IntegrityError: With `verify`: a copy differs from its source.
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
        """Make a directory on the server equal to a local one.

        Local links are treated as their targets. With `delete`, surplus links on the server are removed, but not their
        targets; entries of the server that are neither file, directory nor link stay.

        Args:
            source: The local directory.
            destination: The directory on the server; it is created if it is missing.
            delete: Remove entries of the server that are not local, when all files have arrived; only entries that
                conflict with a file are removed before.
            progress: Called after every block, see `Progress`.
            verify: Compare hash or size of every file that is uploaded.

        Raises:
            NotADirectoryError: The local directory does not exist.
            StatusCodeError: The server cannot store or remove something.
            UnreadLinesError: With `delete`: lines of a listing were not understood; nothing was removed or copied.
                Without `delete`: it is unknown whether a file would be overwritten.
            IntegrityError: With `verify`: a copy differs from its source.
        """
        local = local_path(source)
        if not await self.path_io.is_dir(local):
            raise NotADirectoryError(f"cannot mirror {local}: it is not an existing directory")
        options = TransferOptions(progress=progress, verify=verify)
        return await _MirrorUp(self, PurePosixPath(destination), local, options).run(delete=delete)


class _Mirror(ABC):
    """Makes one tree equal to another."""

    def __init__(self, client: Operations, remote: PurePosixPath, local: PurePath, options: TransferOptions) -> None:
        self.client = client
        self.remote = remote
        self.local = local
        self.options = options
        self.remote_tree: Tree = {}
        self.local_tree: Tree = {}
        self.unread: tuple[UnreadEntry, ...] = ()

    async def run(self, *, delete: bool) -> Mirrored:
        """Copy what differs, and with `delete` remove the surplus."""
        source, target = await self._read_trees(delete=delete)
        surplus, hidden = await self._surplus() if delete else ([], [])
        first = await conflicting(surplus, source, target, self._exists)
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

    async def _read_remote_tree(self, refusal: str, *, delete: bool, into: PurePath | None = None) -> None:
        """List the tree on the server, and log a warning about lines that were not understood.

        Raises:
            UnreadLinesError: With `delete`: entries of lines that were not understood would be deleted.
        """
        self.remote_tree, self.unread = await tree_there(self.client, self.remote, into)
        if delete and self.unread:
            raise unread_error(f"{refusal}, because its content on the server is not fully known", self.unread)
        warn_unread(self.unread)

    @abstractmethod
    async def _read_trees(self, *, delete: bool) -> tuple[Tree, Tree]:
        """Read both trees, source and destination; the root of the destination exists afterwards."""

    @abstractmethod
    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        """The names to delete, and the names that stay because the source may have them without listing them."""

    @abstractmethod
    async def _exists(self, name: PurePosixPath) -> bool:
        """Whether a name exists in the destination."""

    @abstractmethod
    async def _remove(self, name: PurePosixPath) -> None:
        """Remove a name from the destination."""

    @abstractmethod
    async def _make_directory(self, name: PurePosixPath) -> None:
        """Create a directory, unless it exists."""

    @abstractmethod
    async def _counterpart(self, name: PurePosixPath) -> Item | None:
        """The entry that the copy would overwrite."""

    @abstractmethod
    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        """Copy a file with its modification time; False when the source has no such file."""


class _MirrorDown(_Mirror):
    """Makes a local tree equal to one on the server."""

    async def _read_trees(self, *, delete: bool) -> tuple[Tree, Tree]:
        await self._read_remote_tree(f"{self.local} is not mirrored with delete=True", delete=delete, into=self.local)
        self.local_tree = await tree_here(self.client.path_io, self.local)
        await self.client.path_io.mkdir(self.local, parents=True, exist_ok=True)
        return self.remote_tree, self.local_tree

    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        surplus = surplus_of(self.remote_tree, self.local_tree, ("dir", "file"))
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
        return self.local_tree.get(name)

    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        download = Download(self.client, self.remote / name, self.local / name, self.options)
        if not await download_if_file(download, item.listed_as):
            return False
        await set_time_here(self.client.path_io, self.local / name, item.modified)
        return True


class _MirrorUp(_Mirror):
    """Makes a tree on the server equal to a local one."""

    async def _read_trees(self, *, delete: bool) -> tuple[Tree, Tree]:
        self.local_tree = await tree_here(self.client.path_io, self.local)
        await retried(self.client, partial(self.client.make_directory, self.remote))
        await self._read_remote_tree(f"{self.remote} is not made a mirror with delete=True", delete=delete)
        return self.local_tree, self.remote_tree

    async def _surplus(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        return surplus_of(self.local_tree, self.remote_tree, ("dir", "file", "link")), []

    async def _exists(self, name: PurePosixPath) -> bool:
        return await self.client.exists(self.remote / name)

    async def _remove(self, name: PurePosixPath) -> None:
        if self.remote_tree[name].kind == "dir":
            await remove_tree(self.client, self.remote / name)
        else:
            await self.client.remove_file(self.remote / name)

    async def _make_directory(self, name: PurePosixPath) -> None:
        if name not in self.remote_tree:
            await retried(self.client, partial(self.client.make_directory, self.remote / name))

    async def _counterpart(self, name: PurePosixPath) -> Item | None:
        return self.remote_tree.get(name) or await overlooked(self.client, self.remote / name, self.unread)

    async def _copy_file(self, name: PurePosixPath, item: Item) -> bool:
        await Upload(self.client, self.remote / name, self.local / name, self.options).run()
        await set_time_there(self.client, self.remote / name, item.modified)
        return True
