"""Files and trees, up and down: streams, whole files, resumption, progress, and the check that nothing was lost.

One rule: a transfer is done when the server says so; before that, what is on the other side is half a file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import zlib
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

from ftpfixture.aio import AsyncEnterable
from ftpfixture.client.access import AccessClient
from ftpfixture.client.information import HASHES, offered_hashes
from ftpfixture.client.listing import NOT_IMPLEMENTED, NOWHERE, RemotePath, further, leads_back
from ftpfixture.client.streams import DataConnectionThrottleStreamIO
from ftpfixture.errors import IntegrityError, StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.wire.lines import printable

__all__ = ["LocalPath", "Progress", "TransferClient"]

logger = logging.getLogger("ftpfixture.client")

LocalPath = str | PurePath

Progress = Callable[[PurePath, int, int | None], object]
"""Told of a transfer: the path that is read from, octets so far (those of an earlier attempt included), and octets in
all, None if nobody knows. Called before the first octet and after every piece."""

_DIGESTS: dict[str, Callable[[], hashlib._Hash]] = {
    "SHA-512": hashlib.sha512,
    "SHA-256": hashlib.sha256,
    "SHA-1": partial(hashlib.sha1, usedforsecurity=False),
    "MD5": partial(hashlib.md5, usedforsecurity=False),
}


class TransferClient(AccessClient):
    """A client that can transfer files."""

    def download_stream(self, source: RemotePath, *, offset: int = 0) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that reads a file. Enter it with ``async with``; or await it, and `finish` it in the end.

        Args:
            source: Of the file.
            offset: Octets to skip.

        Raises:
            StatusCodeError: There is no such file; the data connection is closed.
        """
        return self.get_stream(f"RETR {source}", "1xx", offset=offset)

    def upload_stream(
        self, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that writes a file, as `download_stream` does.

        Args:
            destination: Of the file, which is replaced, or with an offset written into.
            offset: Octets of the old file to keep.

        Raises:
            StatusCodeError: It cannot be stored; the data connection is closed.
        """
        return self.get_stream(f"STOR {destination}", "1xx", offset=offset)

    def append_stream(
        self, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that writes to the end of a file, as `download_stream` does.

        Args:
            destination: Of the file, which is made if it is not there.
            offset: Said with REST; servers differ in what it means here (RFC 3659 5.3).

        Raises:
            StatusCodeError: It cannot be stored; the data connection is closed.
        """
        return self.get_stream(f"APPE {destination}", "1xx", offset=offset)

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
            PathIOError: It cannot be written.
            IntegrityError: With `verify`: what is here now differs.
        """
        source = PurePosixPath(source)
        target = _local(destination) if write_into else _local(destination) / source.name
        info = await self._retried(partial(self.stat, source))
        fetch = partial(self._fetch, block_size=block_size, resume=resume, progress=progress, verify=verify)
        if info["type"] not in ("dir", "cdir", "pdir"):
            await self.path_io.mkdir(target.parent, parents=True, exist_ok=True)
            await fetch(source, target)
            return
        async with contextlib.aclosing(self._remote_tree(source, target)) as tree:
            async for path, local, kind in tree:
                if kind == "dir":
                    await self.path_io.mkdir(local, parents=True, exist_ok=True)
                    continue
                try:
                    await fetch(path, local)
                except StatusCodeError as error:
                    if kind != "link" or error.received_codes[0] != "550":
                        raise
                    logger.warning("%s is not downloaded: it is a link that leads to no file", path)

    async def _remote_tree(
        self, source: PurePosixPath, target: PurePath
    ) -> AsyncGenerator[tuple[PurePosixPath, PurePath, str], None]:
        """All that is below a directory, itself first: remote path, local path, type."""
        ahead = [(source, target, "dir", NOWHERE)]
        while ahead:
            directory, local, kind, way = ahead.pop()
            yield directory, local, kind
            if kind != "dir":
                continue
            below = []
            for path, info in await self._retried(partial(self._list_directory, directory, None)):
                inside = local / path.name
                if leads_back(info, way):
                    logger.warning("%s is not downloaded: it leads to a directory above itself", path)
                elif inside.parent == local and inside.name == path.name:
                    below.append((path, inside, info["type"], further(info, way)))
                else:
                    # With the separators and drives of this side it would be written elsewhere.
                    logger.warning("%s is not downloaded: it is no name here", printable(repr(path.name)))
            ahead.extend(reversed(below))

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
            await self._retried(_Download(self, source, target, done, total, block_size, progress))
        elif progress is not None:
            progress(source, done, total)
        if verify:
            await self._retried(partial(self._verify, source, target))

    async def _octets_here(self, path: PurePath) -> int:
        return int((await self.path_io.stat(path)).st_size) if await self.path_io.is_file(path) else 0

    async def _size_if_known(self, path: RemotePath) -> int | None:
        try:
            return await self.size(path)
        except StatusCodeError as error:
            if error.received_codes[0] not in (*NOT_IMPLEMENTED, "550"):
                raise
            return None

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
        local = _local(source)
        target = PurePosixPath(destination) if write_into else PurePosixPath(destination) / local.name
        store = partial(self._store, block_size=block_size, resume=resume, progress=progress, verify=verify)
        if await self.path_io.is_dir(local):
            async with contextlib.aclosing(self._local_tree(local, target)) as tree:
                async for path, remote, is_dir in tree:
                    if is_dir:
                        await self._retried(partial(self.make_directory, remote))
                    else:
                        await store(path, remote)
        elif await self.path_io.exists(local):
            await self._retried(partial(self.make_directory, target.parent))
            await store(local, target)
        else:
            raise FileNotFoundError(errno.ENOENT, "there is nothing to upload", str(source))

    async def _local_tree(
        self, source: PurePath, target: PurePosixPath
    ) -> AsyncGenerator[tuple[PurePath, PurePosixPath, bool], None]:
        """All that is below a directory, itself first: local path, remote path, whether it is a directory."""
        ahead: list[tuple[PurePath, PurePosixPath, tuple[PurePath, ...]]] = [(source, target, ())]
        while ahead:
            path, remote, above = ahead.pop()
            if await self.path_io.is_file(path):
                yield path, remote, False
            elif not await self.path_io.is_dir(path):
                logger.warning("%s is not uploaded: it is no file, nor a link that leads to one", path)
            elif (real := await self.path_io.resolve(path)) in above:
                logger.warning("%s is not uploaded: it leads to a directory above itself", path)
            else:
                yield path, remote, True
                below = sorted(await self.path_io.list(path), reverse=True)
                ahead.extend((inside, remote / inside.name, (*above, real)) for inside in below)

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
            await self._retried(_Upload(self, source, target, done, total, block_size, progress))
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


class _Download:
    """One file from the server, in as many attempts as it takes: each goes on where the one before it stopped."""

    def __init__(
        self,
        client: TransferClient,
        source: PurePosixPath,
        target: PurePath,
        done: int,
        total: int | None,
        block_size: int,
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._source = source
        self._target = target
        self._done = done
        self._total = total
        self._block_size = block_size
        self._progress = progress

    async def __call__(self) -> None:
        try:
            stream = await self._client.download_stream(self._source, offset=self._done)
        except StatusCodeError as error:
            if error.expected_codes != ("350",) or error.received_codes[0].startswith("4"):
                raise  # a 4xx may pass: what is here must not be lost for it
            self._done = 0  # the server cannot skip
            stream = await self._client.download_stream(self._source)
        async with stream, self._client.path_io.open(self._target, mode="ab" if self._done else "wb") as file:
            self._tell()
            while piece := await stream.receive(self._block_size):
                await file.write(piece)
                self._done += len(piece)
                self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._source, self._done, self._total)


class _Upload:
    """One file to the server, in as many attempts as it takes.

    What goes on where it stopped is appended (APPE), as curl does, because not every server takes REST before STOR.
    """

    def __init__(
        self,
        client: TransferClient,
        source: PurePath,
        target: PurePosixPath,
        done: int,
        total: int,
        block_size: int,
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._source = source
        self._target = target
        self._done = done
        self._total = total
        self._block_size = block_size
        self._progress = progress
        self._begun = False

    async def __call__(self) -> None:
        if self._begun:
            arrived = await self._client._size_if_known(self._target) or 0
            self._done = arrived if arrived <= self._total else 0
        open_stream = self._client.append_stream if self._done else self._client.upload_stream
        # First the file: one that cannot be read must not cost what is on the server.
        async with self._client.path_io.open(self._source, mode="rb") as file, open_stream(self._target) as stream:
            self._begun = True
            if self._done:
                await file.seek(self._done)
            self._tell()
            async for piece in file.iter_by_block(self._block_size):
                await stream.write(piece)
                self._done += len(piece)
                self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._source, self._done, self._total)


def _local(path: LocalPath) -> PurePath:
    return Path(path) if isinstance(path, str) else path
