"""Single files on the server, as streams.

One rule: whoever opens a stream finishes it; only then is the file known to be whole.
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
        """Open a stream that reads a file. Enter it with ``async with``; or await it, and `finish` it in the end.

        Args:
            source: Of the file.
            offset: Bytes to skip.

        Raises:
            StatusCodeError: There is no such file; the data connection is closed.
        """
        return self.get_stream(f"RETR {source}", "1xx", offset=offset)

    def upload_stream(
        self: Operations, destination: RemotePath, *, offset: int = 0
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
        self: Operations, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a stream that writes to the end of a file, as `download_stream` does.

        Args:
            destination: Of the file, which is made if it is not there.
            offset: Said with REST; servers differ in what it means here (RFC 3659 5.3).

        Raises:
            StatusCodeError: It cannot be stored; the data connection is closed.
        """
        return self.get_stream(f"APPE {destination}", "1xx", offset=offset)
