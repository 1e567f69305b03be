"""Single files: streams, and copies that go on where an attempt before them stopped.

One rule: what has arrived is never sent again, unless the other side cannot go on there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath, PurePosixPath

from ftpfixture.aio import AsyncEnterable
from ftpfixture.client.access import AccessClient
from ftpfixture.client.asking import NOT_IMPLEMENTED, RemotePath
from ftpfixture.client.streams import DataConnectionThrottleStreamIO
from ftpfixture.errors import ReplySyntaxError, StatusCodeError

__all__ = ["Download", "FileClient", "Progress", "Upload"]

Progress = Callable[[PurePath, int, int | None], object]
"""Told of a transfer: the path that is read from, octets so far (those of an earlier attempt included), and octets in
all, None if nobody knows. Called before the first octet and after every piece."""


class FileClient(AccessClient):
    """A client that can read and write files on the server."""

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

    async def _size_if_known(self, path: RemotePath) -> int | None:
        try:
            return await self.size(path)
        except ReplySyntaxError:
            return None
        except StatusCodeError as error:
            if error.received_codes[0] not in (*NOT_IMPLEMENTED, "550"):
                raise
            return None


class Download:
    """One file from the server, in as many attempts as it takes: each goes on where the one before it stopped."""

    def __init__(
        self,
        client: FileClient,
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
        """Make one attempt."""
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


class Upload:
    """One file to the server, in as many attempts as it takes.

    What goes on where it stopped is appended (APPE), as curl does, because not every server takes REST before STOR.
    """

    def __init__(
        self,
        client: FileClient,
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
        """Make one attempt."""
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
