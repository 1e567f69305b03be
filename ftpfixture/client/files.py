"""Single files on the server, as streams.

One rule: the caller that opens a stream finishes it; only then is the file known to be complete.
"""

from __future__ import annotations

from ftpfixture.aio import AsyncEnterable
from ftpfixture.client.operations import Operations, RemotePath
from ftpfixture.client.stream import DataConnectionThrottleStreamIO

__all__ = ["FileOperations"]


class FileOperations:
    """Operations of a client that read and write files on the server."""

    def download_stream(
        self: Operations, source: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that reads a file: enter it with ``async with``, or await it and call `finish` at the end.

        Args:
            source: Path of the file.
            offset: Bytes to skip.

        Raises:
            StatusCodeError: The file does not exist or cannot be read; the data connection is closed.
        """
        return self.get_stream(f"RETR {source}", "1xx", offset=offset)

    def upload_stream(
        self: Operations, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that writes a file: enter it with ``async with``, or await it and call `finish` at the end.

        Args:
            destination: Path of the file, which is replaced; with an offset it is overwritten from there.
            offset: Bytes of the old file to keep.

        Raises:
            StatusCodeError: The file cannot be stored; the data connection is closed.
        """
        return self.get_stream(f"STOR {destination}", "1xx", offset=offset)

    def append_stream(
        self: Operations, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that appends to a file: enter it with ``async with``, or await it and call `finish` at the end.

        Args:
            destination: Path of the file, which is created if it does not exist.
            offset: Sent with REST; servers differ in what it means before APPE (RFC 3659 5.3).

        Raises:
            StatusCodeError: The file cannot be stored; the data connection is closed.
        """
        return self.get_stream(f"APPE {destination}", "1xx", offset=offset)
