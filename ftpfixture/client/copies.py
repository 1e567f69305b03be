"""Copies of single files that resume where an earlier attempt stopped, and the check that they are complete.

One rule: bytes that have arrived are never sent again, unless the other side cannot resume there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath, PurePosixPath

from ftpfixture.client.hashes import HASHES, digest_of, offered_hashes
from ftpfixture.client.information import size_if_known
from ftpfixture.client.local import size_here
from ftpfixture.client.operations import Operations
from ftpfixture.client.session import retried
from ftpfixture.errors import IntegrityError, StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE

__all__ = ["Download", "Progress", "TransferOptions", "Upload"]

Progress = Callable[[PurePath, int, int | None], object]
"""Called with the source path, the bytes copied so far (those of an earlier attempt included), and the total number of
bytes (None if unknown): before the first byte, and after every block."""


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How files are copied.

    Attributes:
        block_size: Bytes to copy at once.
        resume: Append to a partial copy on the other side; a copy that is longer than the source is replaced.
        progress: Called after every block.
        verify: Compare hash or size afterwards.
    """

    block_size: int = DEFAULT_BLOCK_SIZE
    resume: bool = False
    progress: Progress | None = None
    verify: bool = False


class FileTransfer(ABC):
    """The copy of one file, in several attempts if necessary: each resumes where the one before it stopped.

    Args:
        client: Opens the data connections and the local files.
        remote: The file on the server.
        local: The local file.
        options: How it is copied.
    """

    def __init__(self, client: Operations, remote: PurePosixPath, local: PurePath, options: TransferOptions) -> None:
        self.client = client
        self.remote = remote
        self.local = local
        self.options = options
        self.done = 0  # bytes that are on the other side already
        self.total: int | None = None  # bytes of the source; None if unknown

    async def run(self) -> None:
        """Copy the file.

        Raises:
            StatusCodeError: The server cannot read or store it.
            IntegrityError: With `verify`: the copy differs from the source.
        """
        self.total, self.done = await self._sizes()
        if self.total is not None and self.done > self.total:
            self.done = 0
        if not self.done or self.done != self.total:
            await retried(self.client, self._attempt)
        else:
            self._report()
        if self.options.verify:
            await retried(self.client, partial(_verify, self.client, self.remote, self.local))

    @property
    @abstractmethod
    def _source(self) -> PurePath:
        """The path to read from."""

    @abstractmethod
    async def _sizes(self) -> tuple[int | None, int]:
        """Bytes of the source, None if unknown, and bytes of a partial copy that may stay."""

    @abstractmethod
    async def _attempt(self) -> None:
        """Copy the bytes that are not on the other side yet."""

    def _report(self) -> None:
        if self.options.progress is not None:
            self.options.progress(self._source, self.done, self.total)

    def _count(self, size: int) -> None:
        self.done += size
        self._report()


class Download(FileTransfer):
    """One file from the server."""

    @property
    def _source(self) -> PurePath:
        return self.remote

    async def _sizes(self) -> tuple[int | None, int]:
        needed = self.options.resume or self.options.progress is not None
        total = await retried(self.client, partial(size_if_known, self.client, self.remote)) if needed else None
        return total, await size_here(self.client.path_io, self.local) if self.options.resume else 0

    async def _attempt(self) -> None:
        try:
            stream = await self.client.download_stream(self.remote, offset=self.done)
        except StatusCodeError as error:
            if error.expected_codes != ("350",) or error.received_codes[0].startswith("4"):
                raise  # a 4xx is temporary: the partial copy must not be overwritten because of it
            self.done = 0  # the server has no REST
            stream = await self.client.download_stream(self.remote)
        async with stream, self.client.path_io.open(self.local, mode="ab" if self.done else "wb") as file:
            self._report()
            while piece := await stream.receive(self.options.block_size):
                await file.write(piece)
                self._count(len(piece))


class Upload(FileTransfer):
    """One file to the server.

    It resumes with APPE, as curl does, because not every server accepts REST before STOR.
    """

    _begun = False

    @property
    def _source(self) -> PurePath:
        return self.local

    async def _sizes(self) -> tuple[int | None, int]:
        total = await size_here(self.client.path_io, self.local)
        return total, await retried(self.client, self._size_there) if self.options.resume else 0

    async def _size_there(self) -> int:
        return await size_if_known(self.client, self.remote) or 0

    async def _attempt(self) -> None:
        if self._begun:
            arrived = await self._size_there()
            self.done = arrived if self.total is not None and arrived <= self.total else 0
        open_stream = self.client.append_stream if self.done else self.client.upload_stream
        # Open the local file first: if it cannot be read, the file on the server must not be truncated.
        async with self.client.path_io.open(self.local, mode="rb") as file, open_stream(self.remote) as stream:
            self._begun = True
            if self.done:
                await file.seek(self.done)
            self._report()
            async for piece in file.iter_by_block(self.options.block_size):
                await stream.write(piece)
                self._count(len(piece))


async def _verify(client: Operations, remote: PurePosixPath, local: PurePath) -> None:
    """Compare two copies by the strongest hash that the server computes, or else by size.

    Raises:
        IntegrityError: They differ.
        StatusCodeError: The server has neither hash nor size.
    """
    features = await client.features()
    there: object
    here: object
    if offered_hashes(features) & set(HASHES) or any(verb in features for _, verb in HASHES.values()):
        algorithm, there = await client.hash(remote)
        here = await digest_of(client.path_io, local, algorithm)
    else:
        algorithm, there, here = "size", await client.size(remote), await size_here(client.path_io, local)
    if there != here:
        raise IntegrityError(f"{remote} on the server and {local} differ in {algorithm}: {there} there, {here} here")
