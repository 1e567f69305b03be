"""The client as its groups of operations see it: what one group may call of another.

One rule: every method here is public and callable by users; the groups use nothing else of each other.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from ftpfixture.aio import AsyncEnterable
from ftpfixture.client.control import Controlled
from ftpfixture.client.data_channels import DataChannels
from ftpfixture.client.hashes import FileHash
from ftpfixture.client.parsers import Info
from ftpfixture.client.reading import Listed
from ftpfixture.client.retry import Retry
from ftpfixture.client.settings import Codes, Parser
from ftpfixture.client.stream import DataConnectionThrottleStreamIO
from ftpfixture.files.base import AbstractPathIO

__all__ = ["NOT_IMPLEMENTED", "Operations", "RemotePath", "Texts"]

RemotePath = str | PurePosixPath
Texts = list[str]

NOT_IMPLEMENTED = ("500", "502", "504")
"""The codes of replies to a command that the server does not have (RFC 959 4.2.1)."""


class Operations(Controlled, Protocol):
    """A client with all its operations; they are described at `Client`."""

    @property
    def data_channels(self) -> DataChannels:
        """Prepares data connections."""

    @property
    def parse_list_line_custom_first(self) -> bool:
        """Whether the user's own parser is tried first."""

    @property
    def passive_commands(self) -> tuple[str, ...]:
        """Commands for a data connection, in order."""

    @property
    def path_io(self) -> AbstractPathIO:
        """The layer for local files."""

    @property
    def path_timeout(self) -> float | None:
        """Seconds, for the path layer."""

    @property
    def retry(self) -> Retry | None:
        """When to retry; None for never."""

    @property
    def parse_list_line_custom(self) -> Parser | None:
        """The user's own parser of lines of LIST; a subclass may have it as a method."""

    # The session.

    @property
    def encrypted(self) -> bool:
        """Whether the control connection is encrypted now."""

    async def upgrade_to_tls(self, sslcontext: ssl.SSLContext | None = None) -> None:
        """AUTH TLS, PBSZ, PROT."""

    async def protect(self, level: str = "P") -> None:
        """PROT: choose whether data connections are encrypted."""

    async def login(self, user: str = ..., password: str = ..., account: str = ...) -> None:
        """USER, and PASS and ACCT when the server asks."""

    async def change_directory(self, path: RemotePath = "..") -> None:
        """CWD or CDUP."""

    async def reconnect(self) -> None:
        """Connect, log in and change the directory as before."""

    def close(self) -> None:
        """Close the control connection."""

    # Data.

    async def set_type(self, conn_type: str) -> None:
        """TYPE, unless it is set already."""

    def get_stream(
        self,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
        conn_type: str = "I",
        offset: int = 0,
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """Open a data connection and send the command that uses it."""

    def download_stream(self, source: RemotePath, *, offset: int = 0) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """RETR."""

    def upload_stream(
        self, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """STOR."""

    def append_stream(
        self, destination: RemotePath, *, offset: int = 0
    ) -> AsyncEnterable[DataConnectionThrottleStreamIO]:
        """APPE."""

    # Lines of listings.

    def parse_directory_response(self, s: str) -> PurePosixPath:
        """The path of a 257 reply."""

    def parse_mlsx_line(self, b: bytes | str) -> Listed:
        """Parse a line of MLSD or MLST."""

    def parse_list_line(self, b: bytes) -> Listed:
        """Parse a line of LIST in any known format."""

    def parse_list_line_unix(self, b: bytes | str) -> Listed:
        """Parse a line of LIST as ``ls -l`` writes it."""

    def parse_list_line_windows(self, b: bytes | str) -> Listed:
        """Parse a line of LIST as IIS writes it."""

    def parse_list_line_eplf(self, b: bytes | str) -> Listed:
        """Parse a line of LIST in the easily parsed format (EPLF)."""

    # Paths.

    async def get_current_directory(self) -> PurePosixPath:
        """PWD."""

    async def nlst(self, path: RemotePath = "") -> Texts:
        """The names in a directory."""

    async def stat(self, path: RemotePath) -> Info:
        """The facts of a path."""

    async def exists(self, path: RemotePath) -> bool:
        """Whether a path exists."""

    async def is_dir(self, path: RemotePath) -> bool:
        """Whether there is a directory."""

    async def size(self, path: RemotePath) -> int:
        """Bytes of a file."""

    async def features(self) -> dict[str, str]:
        """The features of FEAT."""

    async def hash(self, path: RemotePath, algorithm: str | None = None) -> FileHash:
        """The digest of a file."""

    # Changes.

    async def make_directory(self, path: RemotePath, *, parents: bool = True) -> None:
        """MKD."""

    async def remove_directory(self, path: RemotePath) -> None:
        """RMD."""

    async def remove_file(self, path: RemotePath) -> None:
        """DELE."""

    async def set_modified(self, path: RemotePath, when: datetime | float) -> None:
        """MFMT."""
