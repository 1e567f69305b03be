"""Two trees made equal, up or down, by as few transfers as that takes.

Two rules: a file of the same size that is newer where it is copied to is not overwritten; and nothing is deleted unless
that was asked for, and all of the tree on the server was understood.
"""

from __future__ import annotations

import contextlib
import logging
import stat
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath, PurePosixPath

from ftpfixture.client.asking import RemotePath
from ftpfixture.client.files import Progress
from ftpfixture.client.listing import warn_of
from ftpfixture.client.reading import DirectoryListing, folded, known_time
from ftpfixture.client.transfers import LocalPath, TransferClient, local_path
from ftpfixture.client.unread import UnreadEntry, unread_error
from ftpfixture.client.walk import Found, Here, Walk, walk_here
from ftpfixture.errors import ReplySyntaxError, StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.wire.lines import printable

__all__ = ["MirrorClient", "Mirrored"]

logger = logging.getLogger("ftpfixture.client")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What was done to make two trees equal; paths are relative to both, in the order of the alphabet.

    Attributes:
        transferred: Files that were copied.
        unchanged: Files that were not.
        deleted: Files and directories that were removed, those in removed directories not named.
        left_out: What is in the source and was not copied: it leads back to a directory above itself, is no file or
            leads to none, has a name that is no file name here, or is a dot file that LIST hides. What has the same
            name on the other side is not deleted.
        unread: Lines of the server's listings that were not understood: what they tell of was neither copied nor
            compared.
    """

    transferred: tuple[PurePosixPath, ...]
    unchanged: tuple[PurePosixPath, ...]
    deleted: tuple[PurePosixPath, ...]
    left_out: tuple[PurePosixPath, ...] = ()
    unread: tuple[UnreadEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    kind: str  # as in `Found`
    size: int | None = None
    modified: int | None = None  # POSIX seconds
    left_out: str = ""  # why it is not copied
    told: str = "file"  # the kind that the listing tells

    @property
    def is_known(self) -> bool:
        return self.kind in ("dir", "file")

    def differs_from(self, other: _Item | None) -> bool:
        """Say whether this file must be copied over the other."""
        if other is None or other.kind != "file" or self.size is None or other.size != self.size:
            return True
        return self.modified is not None and other.modified is not None and self.modified > other.modified


_Tree = dict[PurePosixPath, _Item]


@dataclass(frozen=True, slots=True)
class _TreeThere:
    items: _Tree
    unread: tuple[UnreadEntry, ...]


@dataclass(slots=True)
class _Report:
    transferred: list[PurePosixPath] = field(default_factory=list)
    unchanged: list[PurePosixPath] = field(default_factory=list)
    left_out: list[PurePosixPath] = field(default_factory=list)

    def told(self, deleted: list[PurePosixPath], unread: tuple[UnreadEntry, ...]) -> Mirrored:
        return Mirrored(
            tuple(self.transferred), tuple(self.unchanged), tuple(deleted), tuple(sorted(self.left_out)), unread
        )


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
        remote, local = PurePosixPath(source), local_path(destination)
        theirs = await self._tree_there(remote, local)
        self._check_unread(theirs, f"{local} is not mirrored with delete=True", delete)
        ours = await self._tree_here(local)
        await self.path_io.mkdir(local, parents=True, exist_ok=True)
        surplus, hidden = await self._surplus_here(theirs.items, ours, remote, local) if delete else ([], [])
        in_the_way = await _in_the_way(surplus, theirs.items, ours, lambda name: self.path_io.exists(local / name))
        for name in in_the_way:
            await self._remove_here(local / name)
            _forget(ours, name)
        fetch = partial(self._fetch, block_size=DEFAULT_BLOCK_SIZE, resume=False, progress=progress, verify=verify)
        report = _Report(left_out=hidden)
        for name, item in sorted(theirs.items.items()):
            if item.left_out:
                report.left_out.append(name)
            elif item.kind == "dir":
                await self.path_io.mkdir(local / name, parents=True, exist_ok=True)
            elif not item.differs_from(ours.get(name)):
                report.unchanged.append(name)
            elif await self._is_brought(fetch, remote / name, local / name, item.told):
                await self._set_time_here(local / name, item.modified)
                report.transferred.append(name)
            else:
                report.left_out.append(name)
        for name in _without(surplus, in_the_way):
            await self._remove_here(local / name)
        return report.told(surplus, theirs.unread)

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
        local, remote = local_path(source), PurePosixPath(destination)
        if not await self.path_io.is_dir(local):
            raise NotADirectoryError(f"there is no directory {local} to mirror")
        ours = await self._tree_here(local)
        await self._retried(partial(self.make_directory, remote))
        theirs = await self._tree_there(remote)
        self._check_unread(theirs, f"{remote} is not made a mirror with delete=True", delete)
        surplus = _surplus(ours, theirs.items, ("dir", "file", "link")) if delete else []
        in_the_way = await _in_the_way(surplus, ours, theirs.items, lambda name: self.exists(remote / name))
        for name in in_the_way:
            await self._remove_there(remote / name, theirs.items[name])
            _forget(theirs.items, name)
        store = partial(self._store, block_size=DEFAULT_BLOCK_SIZE, resume=False, progress=progress, verify=verify)
        report = _Report()
        for name, item in sorted(ours.items()):
            if item.left_out:
                report.left_out.append(name)
            elif item.kind == "dir":
                if name not in theirs.items:
                    await self._retried(partial(self.make_directory, remote / name))
            elif item.differs_from(theirs.items.get(name) or await self._overlooked(remote / name, theirs)):
                await store(local / name, remote / name)
                await self._set_time_there(remote / name, item.modified)
                report.transferred.append(name)
            else:
                report.unchanged.append(name)
        for name in _without(surplus, in_the_way):
            await self._remove_there(remote / name, theirs.items[name])
        return report.told(surplus, theirs.unread)

    def _check_unread(self, theirs: _TreeThere, refusal: str, delete: bool) -> None:
        """Warn of lines that were not understood.

        Raises:
            UnreadLinesError: Something would be deleted because it was not understood.
        """
        if delete and theirs.unread:
            raise unread_error(f"{refusal}, because it is not known what is there", theirs.unread)
        warn_of(theirs.unread)

    async def _tree_there(self, root: PurePosixPath, into: PurePath | None = None) -> _TreeThere:
        walk = Walk(self._listed, root, into)
        items: _Tree = {}
        async for found in walk:
            items[found.name] = await self._item_there(found)
            if found.left_out:
                logger.warning("%s is not mirrored: %s", printable(str(found.path)), found.left_out)
        return _TreeThere(items, walk.unread)

    async def _item_there(self, found: Found) -> _Item:
        if found.kind == "dir" or found.left_out:
            return _Item(found.kind, left_out=found.left_out)
        if found.kind == "file":
            return _Item("file", found.size, await self._time_there(found))
        size = await self._size_if_known(found.path)  # of what a link leads to
        if size is None:
            return _Item(found.kind, told=found.kind)
        return _Item("file", size, await self._time_there(found), told=found.kind)

    async def _time_there(self, found: Found) -> int | None:
        told = known_time(found.info)
        if "mlsd" not in self._useless and found.kind == "file" and told is not None:
            return told
        # Times of LIST have no seconds, and their time zone is anybody's guess.
        try:
            return int((await self._mdtm(found.path)).timestamp())
        except (StatusCodeError, ReplySyntaxError):
            return None

    async def _overlooked(self, path: PurePosixPath, theirs: _TreeThere) -> _Item | None:
        """The file at a path that a listing does not name though it may be there.

        Raises:
            UnreadLinesError: Nobody can know whether it is there.
        """
        unread = tuple(line for line in theirs.unread if line.directory == path.parent)
        if not unread and not self._may_be_hidden(path):
            return None
        try:
            info = await self._stat_beside(path, DirectoryListing(path.parent, (), unread))
        except StatusCodeError as error:
            if error.received_codes[0] != "550":
                raise
            return None
        return await self._item_there(Found(path, path, None, "file", info))

    def _may_be_hidden(self, path: PurePosixPath) -> bool:
        """Say whether a listing of its directory may have left it out, as LIST of many servers does with dot files."""
        return path.name.startswith(".") and "mlsd" in self._useless

    async def _is_hidden_there(self, path: PurePosixPath) -> bool:
        return self._may_be_hidden(path) and await self.exists(path)

    async def _remove_there(self, path: PurePosixPath, item: _Item) -> None:
        await (self._remove_tree(path) if item.kind == "dir" else self.remove_file(path))

    async def _tree_here(self, root: PurePath) -> _Tree:
        tree: _Tree = {}
        if not await self.path_io.is_dir(root):
            return tree
        async with contextlib.aclosing(walk_here(self.path_io, root)) as found:
            async for here in found:
                tree[here.name] = await self._item_here(here)
        del tree[PurePosixPath()]
        return tree

    async def _item_here(self, here: Here) -> _Item:
        if here.is_dir or here.left_out:
            return _Item("dir" if here.is_dir else "unknown", left_out=here.left_out)
        about = await self.path_io.stat(here.path)
        return _Item("file", about.st_size, int(about.st_mtime))

    async def _surplus_here(
        self, theirs: _Tree, ours: _Tree, remote: PurePosixPath, local: PurePath
    ) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        """What is not there and shall go, and the names that stay because LIST hides them there."""
        surplus = _surplus(theirs, ours, ("dir", "file"))
        hidden = [name for name in surplus if await self._is_hidden_there(remote / name)]
        surplus = _without(surplus, hidden)
        return [name for name in surplus if not await self._is_behind_link(local, name)], hidden

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


def _surplus(wanted: _Tree, there: _Tree, kinds: Container[str]) -> list[PurePosixPath]:
    """What is too much, or of the wrong kind; of a directory that is, not what is in it.

    What could not be copied keeps its name on the other side, whatever is there, with all that is below it.
    """
    kept = {name for name, item in wanted.items() if item.left_out or not item.is_known}
    names = {name for name, item in there.items() if item.kind in kinds and _is_surplus(name, item, wanted, kept)}
    return sorted(name for name in names if names.isdisjoint(name.parents))


def _is_surplus(name: PurePosixPath, item: _Item, wanted: _Tree, kept: set[PurePosixPath]) -> bool:
    if name in kept or not kept.isdisjoint(name.parents):
        return False
    return name not in wanted or wanted[name].kind != item.kind


async def _in_the_way(
    surplus: list[PurePosixPath], wanted: _Tree, there: _Tree, exists: Callable[[PurePosixPath], Awaitable[bool]]
) -> list[PurePosixPath]:
    """What must be removed before anything is copied; all else is removed when everything has arrived.

    Its name is wanted for another kind, or the other side takes it for a name that is wanted: that one exists there,
    though no listing has it.
    """
    spellings: dict[tuple[str, ...], list[PurePosixPath]] = {}
    for name in wanted.keys() - there.keys():
        spellings.setdefault(_folded_path(name), []).append(name)
    found = []
    for name in surplus:
        if name in wanted or any([await exists(other) for other in spellings.get(_folded_path(name), ())]):
            found.append(name)
    return found


def _folded_path(name: PurePosixPath) -> tuple[str, ...]:
    return tuple(folded(part) for part in name.parts)


def _without(names: list[PurePosixPath], others: list[PurePosixPath]) -> list[PurePosixPath]:
    left_out = frozenset(others)
    return [name for name in names if name not in left_out]


def _forget(tree: _Tree, name: PurePosixPath) -> None:
    for gone in [other for other in tree if other == name or name in other.parents]:
        del tree[gone]
