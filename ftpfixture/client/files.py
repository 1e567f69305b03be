"""Single files: streams, and copies that go on where an attempt before them stopped.

One rule: what has arrived is never sent again, unless the other side cannot go on there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from ftpfixture.aio import AsyncEnterable
from ftpfixture.client.access import AccessClient
from ftpfixture.client.asking import NOT_IMPLEMENTED, RemotePath
from ftpfixture.client.streams import DataConnectionThrottleStreamIO
from ftpfixture.errors import ReplySyntaxError, StatusCodeError

__all__ = ["Download", "FileClient", "Progress", "Upload"]

Progress = Callable[[PurePath, int, int | None], object]
"""Told of a transfer: the path that is read from, bytes so far (those of an earlier attempt included), and bytes in
all, None if nobody knows. Called before the first byte and after every piece."""


class FileClient(AccessClient):
    """A client that can read and write files on the server."""

    def download_stream(self, source: RemotePath, *, offset: int = 0) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that reads a file. Enter it with ``async with``; or await it, and `finish` it in the end.

        Args:
            source: Of the file.
            offset: Bytes to skip.

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
            offset: Bytes of the old file to keep.

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

    async def _size_if_known(self, path: RemotePath) -> int | None:
        try:
            return await self.size(path)
        except ReplySyntaxError:
            return None
        except StatusCodeError as error:
            if error.received_codes[0] not in (*NOT_IMPLEMENTED, "550"):
                raise
            return None


@dataclass(slots=True, eq=False)
class _Copy:
    """One file to the other side, in as many attempts as it takes: each goes on where the one before it stopped.

    Attributes:
        client: Has the data connections, and the files of this side.
        source: What is read.
        target: What is written.
        done: Bytes that are on the other side already.
        total: Bytes of the source; None if nobody knows.
        block_size: Bytes to move at once.
        progress: Told of every piece.
    """

    client: FileClient
    source: PurePath
    target: PurePath
    done: int
    total: int | None
    block_size: int
    progress: Progress | None

    def _count(self, size: int) -> None:
        self.done += size
        if self.progress is not None:
            self.progress(self.source, self.done, self.total)


@dataclass(slots=True, eq=False)
class Download(_Copy):
    """One file from the server."""

    source: PurePosixPath

    async def __call__(self) -> None:
        """Make one attempt."""
        try:
            stream = await self.client.download_stream(self.source, offset=self.done)
        except StatusCodeError as error:
            if error.expected_codes != ("350",) or error.received_codes[0].startswith("4"):
                raise  # a 4xx may pass: what is here must not be lost for it
            self.done = 0  # the server cannot skip
            stream = await self.client.download_stream(self.source)
        async with stream, self.client.path_io.open(self.target, mode="ab" if self.done else "wb") as file:
            self._count(0)
            while piece := await stream.receive(self.block_size):
                await file.write(piece)
                self._count(len(piece))


@dataclass(slots=True, eq=False)
class Upload(_Copy):
    """One file to the server.

    What goes on where it stopped is appended (APPE), as curl does, because not every server takes REST before STOR.
    """

    target: PurePosixPath
    total: int
    _begun: bool = False

    async def __call__(self) -> None:
        """Make one attempt."""
        if self._begun:
            arrived = await self.client._size_if_known(self.target) or 0
            self.done = arrived if arrived <= self.total else 0
        open_stream = self.client.append_stream if self.done else self.client.upload_stream
        # First the file: one that cannot be read must not cost what is on the server.
        async with self.client.path_io.open(self.source, mode="rb") as file, open_stream(self.target) as stream:
            self._begun = True
            if self.done:
                await file.seek(self.done)
            self._count(0)
            async for piece in file.iter_by_block(self.block_size):
                await stream.write(piece)
                self._count(len(piece))
