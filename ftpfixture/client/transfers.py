"""Uploads and downloads of files and trees.

One rule: a transfer is complete when the server's final reply confirms it; before that, the copy is partial.
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
        """Download a file, or a directory with its content.

        A link is downloaded as the file that it leads to. Left out are links that lead to no file, entries that are
        neither file nor directory, directories that lead back to one above themselves, and names that are no local file
        name. The client logs a warning about each, and about lines of listings that were not understood.

        Args:
            source: The path on the server.
            destination: The local directory to download into; it is created if it is missing.
            write_into: `destination` is the new name itself, not a directory for it.
            block_size: Bytes to read at once.
            resume: Append to partial local files; a local file that is longer than its source is replaced.
            progress: Called after every block, see `Progress`.
            verify: Compare hash or size afterwards.

        Raises:
            StatusCodeError: The path does not exist, or may not be read.
            UnsafeName: The name of the source is no local file name: give another one with `write_into`.
            PathIOError: A local file cannot be written.
            IntegrityError: With `verify`: the copy differs from the source.
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
        async for found in Walk(partial(list_directory, self), source, target, deep=True, on_unread=warn_unread):
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
        """Upload a file, or a directory with its content.

        Args:
            source: The local path. Links are followed; links that lead to a directory above themselves are left out,
                and so are entries that are neither file nor directory.
            destination: The directory on the server to upload into; it is created if it is missing.
            write_into: `destination` is the new name itself, not a directory for it.
            block_size: Bytes to send at once.
            resume: Append to partial files on the server; a file that is longer there than its source is replaced.
            progress: Called after every block, see `Progress`.
            verify: Compare hash or size afterwards.

        Raises:
            FileNotFoundError: The source does not exist.
            StatusCodeError: The server cannot store it.
            IntegrityError: With `verify`: the copy differs from the source.
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
    """Download an entry that may be a file; False when the server replies that it is none.

    Args:
        download: The download.
        kind: The kind of the entry, as in `Found`.

    Raises:
        StatusCodeError: It may not be read, or its kind is "file" and it does not exist.
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
    """The local path of an entry of the server in a local directory.

    Raises:
        UnsafeName: Its name would lead out of the directory.
    """
    if not source.name:
        return directory
    inside = child_of(directory, source.name)
    if inside is None:
        raise UnsafeName(f"{source.name!r} is no local file name: give another one with write_into=True")
    return inside


def _shown(found: Found[PurePosixPath]) -> str:
    return printable(repr(found.path.name)) if found.local is None else str(found.path)
