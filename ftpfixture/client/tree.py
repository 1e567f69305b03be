"""Create directories; remove and rename files and directories.

Two rules: a directory that exists already, or a path that is removed already, is no error where the caller asked for
that state; and nothing is removed before the whole tree below it is known.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath

from ftpfixture.client.listing import certain_type_of, list_directory
from ftpfixture.client.operations import Operations, RemotePath
from ftpfixture.client.unread import unread_error
from ftpfixture.client.walk import Found, Walk
from ftpfixture.errors import StatusCodeError
from ftpfixture.wire.listing.entry import DIRECTORIES

__all__ = ["TreeOperations", "remove_tree"]

Below = dict[PurePosixPath, list[Found[PurePosixPath]]]
"""The entries of each directory of a tree."""


class TreeOperations:
    """Operations of a client that change directories and names."""

    async def get_current_directory(self: Operations) -> PurePosixPath:
        """The current directory, to which relative paths belong.

        Source: RFC 959 4.1.3, PWD. Some servers reply with another code than 257; the path in quotes counts.
        """
        _, info = await self.control.query("PWD", "257")
        if not _is_text(info[-1]) and await self.control.utf8.ask():
            _, info = await self.control.query("PWD", "257")
        return self.parse_directory_response(info[-1])

    async def make_directory(self: Operations, path: RemotePath, *, parents: bool = True) -> None:
        """Create a directory.

        Args:
            path: Of the directory.
            parents: Also create missing parent directories; then a directory that exists already is no error.

        Raises:
            StatusCodeError: It cannot be created, or is a file.
        """
        path = PurePosixPath(path)
        if not path.name:
            return
        try:
            await self.command(f"MKD {path}", "2xx")
        except StatusCodeError as error:
            if not parents or not error.received_codes[0].startswith("5"):
                raise
            if await self.is_dir(path):
                return
            if not path.parent.name or await self.is_dir(path.parent):
                raise
            await self.make_directory(path.parent)
            await self.command(f"MKD {path}", "2xx")

    async def remove_directory(self: Operations, path: RemotePath) -> None:
        """Remove an empty directory.

        Raises:
            StatusCodeError: It is not empty, or does not exist.
        """
        await self.command(f"RMD {path}", "2xx")

    async def remove_file(self: Operations, path: RemotePath) -> None:
        """Remove a file.

        Raises:
            StatusCodeError: It does not exist, or cannot be removed.
        """
        await self.command(f"DELE {path}", "2xx")

    async def remove(self: Operations, path: RemotePath) -> None:
        """Remove a file, or a directory with its content; a link is removed, but not its target.

        Does nothing when the path does not exist. The whole directory is listed before anything in it is removed; where
        MLSD shows links to directories as directories, they are listed too.

        Raises:
            StatusCodeError: Something cannot be removed.
            UnreadLinesError: Lines of a listing were not understood. Nothing was removed.
        """
        kind = await certain_type_of(self, path)
        if kind in DIRECTORIES:
            await remove_tree(self, PurePosixPath(path))
        elif kind is not None:
            await self.remove_file(path)

    async def rename(self: Operations, source: RemotePath, destination: RemotePath) -> None:
        """Rename a file or directory, or move it.

        Raises:
            StatusCodeError: The source does not exist, or the destination is not possible.

        Source: RFC 959 4.1.3, RNFR and RNTO.
        """
        async with self.control.lock:
            await self.control.utf8.before(f"RNFR {source}{destination}")  # nothing may come between the two
            await self.control.query(f"RNFR {source}", "350", "2xx")  # the reply to RNTO shows whether this meant 350
            await self.command(f"RNTO {destination}", "2xx")

    async def chmod(self: Operations, path: RemotePath, mode: int) -> None:
        """Set permission bits with SITE CHMOD, a command of Unix servers.

        Args:
            path: Of the file or directory.
            mode: Permission bits, such as 0o640.

        Raises:
            StatusCodeError: The server refused, or does not have the command.
        """
        await self.command(f"SITE CHMOD {mode:03o} {path}", "2xx")


def _is_text(text: str) -> bool:
    """Whether all received bytes fitted the encoding (surrogateescape)."""
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


async def remove_tree(client: Operations, path: PurePosixPath) -> None:
    """Remove a directory with its content, as `TreeOperations.remove` does."""
    below: Below = {}
    walk = Walk(partial(list_directory, client), path)
    async for found in walk:
        below.setdefault(found.path.parent, []).append(found)
    if walk.unread:
        raise unread_error(f"{path} is not removed, because its content is not fully known", walk.unread)
    if not await _is_removed_as_link(client, path):
        await _remove_known(client, path, below)


async def _remove_known(client: Operations, path: PurePosixPath, below: Below) -> None:
    for found in below.get(path, ()):
        if found.kind != "dir":
            await client.remove_file(found.path)
        elif not client.control.traits.has_mlsd or not await _is_removed_as_link(client, found.path):
            await _remove_known(client, found.path, below)
    await client.remove_directory(path)


async def _is_removed_as_link(client: Operations, path: PurePosixPath) -> bool:
    """Remove a link to a directory, which MLST, MLSD and CWD often show as that directory; whether it was one.

    DELE removes the link itself and refuses directories; without it the content of the target would be removed. LIST
    shows links as links.
    """
    try:
        await client.remove_file(path)
    except StatusCodeError:
        return False
    return True
