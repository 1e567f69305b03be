"""Files and trees, up and down.

One rule: a transfer is done when the server says so; before that, what is on the other side is half a file.
"""

from __future__ import annotations

import errno
import logging
from functools import partial
from pathlib import PurePath, PurePosixPath

from ftpfixture.client.copies import Download, Progress, TransferOptions, Upload
from ftpfixture.client.listing import list_directory, warn_unread
from ftpfixture.client.local import LocalPath, child_of, local_path
from ftpfixture.client.operations import Operations, RemotePath
from ftpfixture.client.session import retried
from ftpfixture.client.walk import Found, Walk, walk_here
from ftpfixture.errors import StatusCodeError, UnsafeName
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.wire.lines import printable
from ftpfixture.wire.listing.entry import DIRECTORIES

__all__ = ["TransferOperations", "download_if_file"]

logger = logging.getLogger("ftpfixture.client")


class TransferOperations:
    """Operations of a client that copy files and trees."""

    async def download(
        self: Operations,
        source: RemotePath,
        destination: LocalPath = "",
        *,
        write_into: bool = False,
        block_size: int = DEFAULT_BLOCK_SIZE,
        resume: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> None:
        """Bring a file, or a directory with all that is in it.

        A link is brought as the file that it leads to; one that leads to no file is left out, and so is what is neither
        file nor directory, a directory that leads back to one above itself, and a name that is no file name here: the
        log says so, and tells of lines of a listing that were not understood.

        Args:
            source: On the server.
            destination: On this side: the directory that it goes into, which is made if it is missing.
            write_into: `destination` is the name that it gets here, and not a directory for it.
            block_size: Bytes to read at once.
            resume: Files that are here go on where they end; those that are longer here than there begin anew.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size afterwards.

        Raises:
            StatusCodeError: It is not there, or may not be read.
            UnsafeName: The name of the source is no file name here: give one, with `write_into`.
            PathIOError: It cannot be written.
            IntegrityError: With `verify`: what is here now differs.
        """
        source = PurePosixPath(source)
        target = local_path(destination) if write_into else _inside(local_path(destination), source)
        options = TransferOptions(block_size, resume, progress, verify)
        info = await retried(self, partial(self.stat, source))
        if info["type"] not in DIRECTORIES:
            await self.path_io.mkdir(target.parent, parents=True, exist_ok=True)
            await Download(self, source, target, options).run()
            return
        await self.path_io.mkdir(target, parents=True, exist_ok=True)
        async for found in Walk(partial(list_directory, self), source, target, deep=True, tell=warn_unread):
            if found.local is None or found.left_out:
                logger.warning("%s is not downloaded: %s", _shown(found), found.left_out)
            elif found.kind == "dir":
                await self.path_io.mkdir(found.local, parents=True, exist_ok=True)
            else:
                await download_if_file(Download(self, found.path, found.local, options), found.kind)

    async def upload(
        self: Operations,
        source: LocalPath,
        destination: RemotePath = "",
        *,
        write_into: bool = False,
        block_size: int = DEFAULT_BLOCK_SIZE,
        resume: bool = False,
        progress: Progress | None = None,
        verify: bool = False,
    ) -> None:
        """Send a file, or a directory with all that is in it.

        Args:
            source: On this side. Links are followed; one that leads to a directory above itself is left out, and so is
                what is neither a file nor a directory.
            destination: On the server: the directory that it goes into, which is made if it is missing.
            write_into: `destination` is the name that it gets there, and not a directory for it.
            block_size: Bytes to send at once.
            resume: Files that are there go on where they end; those that are longer there than here begin anew.
            progress: Told of every piece, see `Progress`.
            verify: Compare hash or size afterwards.

        Raises:
            FileNotFoundError: There is nothing to send.
            StatusCodeError: It cannot be stored.
            IntegrityError: With `verify`: what is there now differs.
        """
        local = local_path(source)
        target = PurePosixPath(destination) if write_into else PurePosixPath(destination) / local.name
        options = TransferOptions(block_size, resume, progress, verify)
        if await self.path_io.is_dir(local):
            await retried(self, partial(self.make_directory, target))
            async for found in await walk_here(self.path_io, local):
                if found.left_out:
                    logger.warning("%s is not uploaded: %s", found.path, found.left_out)
                elif found.kind == "dir":
                    await retried(self, partial(self.make_directory, target / found.name))
                else:
                    await Upload(self, target / found.name, found.path, options).run()
        elif await self.path_io.exists(local):
            await retried(self, partial(self.make_directory, target.parent))
            await Upload(self, target, local, options).run()
        else:
            raise FileNotFoundError(errno.ENOENT, "there is nothing to upload", str(source))


async def download_if_file(download: Download, kind: str) -> bool:
    """Bring what may be a file; False when the server says that there is none.

    Args:
        download: Brings it.
        kind: As in `Found`.

    Raises:
        StatusCodeError: It may not be read, and its kind is "file".
    """
    try:
        await download.run()
    except StatusCodeError as error:
        if kind == "file" or error.received_codes[0] != "550":
            raise
        why = "it is a link that leads to no file" if kind == "link" else "it is no file"
        logger.warning("%s is not downloaded: %s", download.remote, why)
        return False
    return True


def _inside(directory: PurePath, source: PurePosixPath) -> PurePath:
    """Where something of the server goes, within a directory on this side.

    Raises:
        UnsafeName: Its name would lead elsewhere.
    """
    if not source.name:
        return directory
    inside = child_of(directory, source.name)
    if inside is None:
        raise UnsafeName(f"{source.name!r} is no file name here: give another with write_into=True")
    return inside


def _shown(found: Found[PurePosixPath]) -> str:
    return printable(repr(found.path.name)) if found.local is None else str(found.path)
