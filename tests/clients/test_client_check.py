"""check_client over real clients: ours keeps its word, with and without retries; aioftp and ftplib do not always."""

from __future__ import annotations

import ftplib
import io
import posixpath
from pathlib import PurePosixPath
from typing import Any

import aioftp
import pytest
from hypothesis import settings

from ftpfixture import Client, MemoryPathIO, ProtocolError, Retry, StatusCodeError, check_client

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")

EXAMPLES = settings(max_examples=60, stateful_step_count=15, derandomize=True, database=None)
MANY = settings(EXAMPLES, max_examples=600)

LOCAL = PurePosixPath("/local")


class Ours:
    """Our client with all its operations; it compares checksums."""

    retry: Retry | None = None

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._client = Client(connection_timeout=10, socket_timeout=10, path_io_factory=MemoryPathIO, retry=self.retry)
        self._arguments = (host, port, user, password)

    async def connect(self) -> None:
        """Connect and log in, or close."""
        host, port, user, password = self._arguments
        try:
            await self._client.connect(host, port)
            await self._client.login(user, password)
        except BaseException:
            self._client.close()
            raise

    async def close(self) -> None:
        """QUIT."""
        await self._client.quit()

    async def upload(self, path: str, data: bytes) -> None:
        """Upload from memory."""
        await self._up(path, data, resume=False)

    async def resume_upload(self, path: str, data: bytes) -> None:
        """Upload what is missing."""
        await self._up(path, data, resume=True)

    async def _up(self, path: str, data: bytes, resume: bool) -> None:
        async with self._client.path_io.open(LOCAL, "wb") as file:
            await file.write(data)
        await self._client.upload(LOCAL, path, write_into=True, verify=True, resume=resume)

    async def download(self, path: str) -> bytes:
        """Download into memory."""
        return await self._down(path, resume=False)

    async def resume_download(self, path: str, begin: bytes) -> bytes:
        """Download what is missing."""
        async with self._client.path_io.open(LOCAL, "wb") as file:
            await file.write(begin)
        return await self._down(path, resume=True)

    async def _down(self, path: str, resume: bool) -> bytes:
        await self._client.download(path, LOCAL, write_into=True, verify=True, resume=resume)
        async with self._client.path_io.open(LOCAL, "rb") as file:
            return bytes(await file.read())

    async def rename(self, path: str, new: str) -> None:
        """RNFR, RNTO."""
        await self._client.rename(path, new)

    async def delete(self, path: str) -> None:
        """DELE."""
        await self._client.remove_file(path)

    async def mkdir(self, path: str) -> None:
        """MKD."""
        await self._client.make_directory(path)

    async def list(self, path: str) -> list[str]:
        """MLSD or LIST."""
        return [name.name for name, _ in await self._client.list(path)]


class OursWithRetries(Ours):
    """Our client, which tries three times."""

    retry = Retry(attempts=3)


@pytest.mark.parametrize("ours", [Ours, OursWithRetries])
def test_our_client_keeps_its_word(ours: type[Ours]) -> None:
    """It notices all that a client can notice, and loses, doubles and mixes nothing."""
    report = check_client(
        ours,
        raises=(OSError, EOFError, StatusCodeError, ProtocolError),
        notices=("size", "checksum", "stray"),
        settings=EXAMPLES,
    )

    assert report.not_checked == {}
    assert sum(report.faults.values()) > report.examples


class Aioftp:
    """The client of aioftp."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._client = aioftp.Client(connection_timeout=10, socket_timeout=10)
        self._arguments = (host, port, user, password)

    async def connect(self) -> None:
        """Connect and log in, or close."""
        host, port, user, password = self._arguments
        try:
            await self._client.connect(host, port)
            await self._client.login(user, password)
        except BaseException:
            self._client.close()
            raise

    async def close(self) -> None:
        """QUIT."""
        try:
            await self._client.quit()
        finally:
            self._client.close()

    async def upload(self, path: str, data: bytes) -> None:
        """STOR."""
        async with self._client.upload_stream(path) as stream:
            await stream.write(data)

    async def list(self, path: str) -> list[str]:
        """MLSD or LIST."""
        return [name.name for name, _ in await self._client.list(path)]


class Ftplib:
    """One connection of ftplib, which resumes with what `size` says."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._ftp = ftplib.FTP(timeout=10)
        try:
            self._ftp.connect(host, port)
            self._ftp.login(user, password)
        except BaseException:
            self._ftp.close()
            raise

    def close(self) -> None:
        """Close without QUIT."""
        self._ftp.close()

    def resume_upload(self, path: str, data: bytes) -> None:
        """APPE what is missing."""
        self._ftp.storbinary(f"APPE {path}", io.BytesIO(data[self._ftp.size(path) :]))

    def list(self, path: str) -> list[str]:
        """NLST."""
        return [posixpath.basename(name) for name in self._ftp.nlst(path)]


@pytest.mark.parametrize(
    ("adapter", "raises", "told"),
    [
        (
            Aioftp,
            (OSError, EOFError, aioftp.AIOFTPException),
            r"^(crashed: .*IndexError|leaked: a closed client )",
        ),
        (Ftplib, (ftplib.Error, OSError, EOFError), "^doubled: resume_upload returned"),
    ],
    ids=["aioftp", "ftplib"],
)
def test_what_is_found_in_others(adapter: type[Any], raises: tuple[type[Exception], ...], told: str) -> None:
    """With faults of which replies alone tell, aioftp crashes or leaks, and a resumed upload by ftplib is doubled."""
    with pytest.raises(AssertionError, match=told):
        check_client(adapter, raises=raises, notices=(), settings=MANY)
