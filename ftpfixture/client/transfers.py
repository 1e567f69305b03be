"""Files and trees, up and down: where they go, resumption, and the check that nothing was lost.

One rule: a transfer is done when the server says so; before that, what is on the other side is half a file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

from ftpfixture.client.asking import RemotePath
from ftpfixture.client.files import Download, FileClient, Progress, Upload
from ftpfixture.client.information import HASHES, offered_hashes
from ftpfixture.client.listing import warn_of
from ftpfixture.client.walk import Found, Walk, child_of, walk_here
from ftpfixture.errors import IntegrityError, StatusCodeError, UnsafeName
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.wire.lines import printable
from ftpfixture.wire.listing.entry import DIRECTORIES

__all__ = ["Fetch", "LocalPath", "TransferClient", "local_path"]

logger = logging.getLogger("ftpfixture.client")

LocalPath = str | PurePath

Fetch = Callable[[PurePosixPath, PurePath], Awaitable[None]]
"""Brings a file."""

_DIGESTS: dict[str, Callable[[], hashlib._Hash]] = {
    "SHA-512": hashlib.sha512,
    "SHA-256": hashlib.sha256,
    "SHA-1": partial(hashlib.sha1, usedforsecurity=False),
    "MD5": partial(hashlib.md5, usedforsecurity=False),
}


class TransferClient(FileClient):
    """A client that can transfer files."""

    # Down.

    async def download(
        self,
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
            block_size: Octets to read at once.
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
        info = await self._retried(partial(self.stat, source))
        fetch = partial(self._fetch, block_size=block_size, resume=resume, progress=progress, verify=verify)
        if info["type"] not in DIRECTORIES:
            await self.path_io.mkdir(target.parent, parents=True, exist_ok=True)
            await fetch(source, target)
            return
        await self.path_io.mkdir(target, parents=True, exist_ok=True)
        async for found in Walk(self._listed, source, target, deep=True, tell=warn_of):
            if found.local is None or found.left_out:
                logger.warning("%s is not downloaded: %s", _shown(found), found.left_out)
            elif found.kind == "dir":
                await self.path_io.mkdir(found.local, parents=True, exist_ok=True)
            else:
                await self._is_brought(fetch, found.path, found.local, found.kind)

    async def _is_brought(self, fetch: Fetch, source: PurePosixPath, target: PurePath, kind: str) -> bool:
        """Bring what may be a file; False when the server says that there is none.

        Raises:
            StatusCodeError: It may not be read, and its kind is "file".
        """
        try:
            await fetch(source, target)
        except StatusCodeError as error:
            if kind == "file" or error.received_codes[0] != "550":
                raise
            why = "it is a link that leads to no file" if kind == "link" else "it is no file"
            logger.warning("%s is not downloaded: %s", source, why)
            return False
        return True

    async def _fetch(
        self,
        source: PurePosixPath,
        target: PurePath,
        *,
        block_size: int,
        resume: bool,
        progress: Progress | None,
        verify: bool,
    ) -> None:
        asked = resume or progress is not None
        total = await self._retried(partial(self._size_if_known, source)) if asked else None
        done = await self._octets_here(target) if resume else 0
        if total is not None and done > total:
            done = 0
        if not done or done != total:
            await self._retried(Download(self, source, target, done, total, block_size, progress))
        elif progress is not None:
            progress(source, done, total)
        if verify:
            await self._retried(partial(self._verify, source, target))

    async def _octets_here(self, path: PurePath) -> int:
        return int((await self.path_io.stat(path)).st_size) if await self.path_io.is_file(path) else 0

    # Up.

    async def upload(
        self,
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
            block_size: Octets to send at once.
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
        store = partial(self._store, block_size=block_size, resume=resume, progress=progress, verify=verify)
        if await self.path_io.is_dir(local):
            async with contextlib.aclosing(walk_here(self.path_io, local)) as tree:
                async for here in tree:
                    if here.left_out:
                        logger.warning("%s is not uploaded: %s", here.path, here.left_out)
                    elif here.is_dir:
                        await self._retried(partial(self.make_directory, target / here.name))
                    else:
                        await store(here.path, target / here.name)
        elif await self.path_io.exists(local):
            await self._retried(partial(self.make_directory, target.parent))
            await store(local, target)
        else:
            raise FileNotFoundError(errno.ENOENT, "there is nothing to upload", str(source))

    async def _store(
        self,
        source: PurePath,
        target: PurePosixPath,
        *,
        block_size: int,
        resume: bool,
        progress: Progress | None,
        verify: bool,
    ) -> None:
        total = await self._octets_here(source)
        arrived = await self._retried(partial(self._size_if_known, target)) if resume else None
        done = arrived if arrived is not None and arrived <= total else 0
        if not done or done != total:
            await self._retried(Upload(self, source, target, done, total, block_size, progress))
        elif progress is not None:
            progress(source, done, total)
        if verify:
            await self._retried(partial(self._verify, target, source))

    # Whole?

    async def _verify(self, remote: PurePosixPath, local: PurePath) -> None:
        """Compare two copies by the strongest hash that the server computes, or else by size.

        Raises:
            IntegrityError: They differ.
            StatusCodeError: The server knows neither.
        """
        features = await self.features()
        there: object
        here: object
        if offered_hashes(features) & set(HASHES) or any(verb in features for _, verb in HASHES.values()):
            algorithm, there = await self.hash(remote)
            here = await self._digest_here(local, algorithm)
        else:
            algorithm, there, here = "size", await self.size(remote), await self._octets_here(local)
        if there != here:
            raise IntegrityError(
                f"{remote} on the server and {local} differ in {algorithm}: {there} there, {here} here"
            )

    async def _digest_here(self, path: PurePath, algorithm: str) -> str:
        checksum = 0
        digest = _DIGESTS[algorithm]() if algorithm in _DIGESTS else None
        async with self.path_io.open(path, mode="rb") as file:
            async for block in file.iter_by_block(DEFAULT_BLOCK_SIZE):
                if digest is not None:
                    digest.update(block)
                else:
                    checksum = zlib.crc32(block, checksum)
        return f"{checksum:08x}" if digest is None else digest.hexdigest()


def local_path(path: LocalPath) -> PurePath:
    """A path on this side, which need not be of the disk."""
    return Path(path) if isinstance(path, str) else path


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


def _shown(found: Found) -> str:
    return printable(repr(found.path.name)) if found.local is None else str(found.path)
