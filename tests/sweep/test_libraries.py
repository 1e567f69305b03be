"""What libraries do with every fault at every step: ``pytest -m exhaustive tests/sweep/test_libraries.py``.

The maps have what was seen with the versions in docs/sweeps.md. They are no part of the ordinary run, because another
version may do otherwise.
"""

from __future__ import annotations

import ftplib
import io
import warnings
from pathlib import Path
from typing import Any

import aioftp
import fsspec
import pytest
import smart_open

from ftpfixture import FtpServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its next version needs another Python
    import ftputil
    import ftputil.error

FILES = {"/a.csv": b"a,b\n1,2\n" * 1000, "/dir/b.bin": bytes(range(256)) * 20, "/dir/sub/c.txt": b"c" * 3000}
NEW = b"new" * 3000
RAISES = (OSError, EOFError, ftplib.Error)

pytestmark = [pytest.mark.exhaustive, pytest.mark.ftp(files=FILES)]


@pytest.mark.ftp_sweep(raises=RAISES)
def test_ftplib_download(ftp_server: FtpServer, tmp_path: Path) -> None:
    """FTP.retrbinary."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with (tmp_path / "a").open("wb") as file:
            ftp.retrbinary("RETR /a.csv", file.write)
    assert (tmp_path / "a").read_bytes() == FILES["/a.csv"]


@pytest.mark.ftp_sweep(raises=RAISES)
def test_ftplib_upload(ftp_server: FtpServer) -> None:
    """FTP.storbinary."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary("STOR /x", io.BytesIO(NEW))
    assert ftp_server.files["/x"] == NEW


def _file_system(server: FtpServer) -> Any:
    user, password = server.credentials
    return fsspec.filesystem(
        "ftp",
        host=server.host,
        port=server.port,
        username=user,
        password=password,
        timeout=10,
        skip_instance_cache=True,
        use_listings_cache=False,
    )


@pytest.mark.ftp_sweep(raises=RAISES)
def test_fsspec_get(ftp_server: FtpServer, tmp_path: Path) -> None:
    """FTPFileSystem.get."""
    files = _file_system(ftp_server)
    try:
        files.get("/dir/b.bin", str(tmp_path / "b"))
    finally:
        files.ftp.close()
    assert (tmp_path / "b").read_bytes() == FILES["/dir/b.bin"]


@pytest.mark.ftp_sweep(raises=RAISES)
def test_fsspec_put(ftp_server: FtpServer, tmp_path: Path) -> None:
    """FTPFileSystem.put."""
    (tmp_path / "x").write_bytes(NEW)
    files = _file_system(ftp_server)
    try:
        files.put(str(tmp_path / "x"), "/x")
    finally:
        files.ftp.close()
    assert ftp_server.files["/x"] == NEW


class _Session(ftplib.FTP):
    """As the documentation of ftputil makes a session with a port and a timeout."""

    def __init__(self, host: str, user: str, password: str, port: int) -> None:
        super().__init__(timeout=10)
        self.connect(host, port)
        self.login(user, password)


@pytest.mark.ftp_sweep(raises=(*RAISES, ftputil.error.FTPError))
def test_ftputil_download(ftp_server: FtpServer, tmp_path: Path) -> None:
    """FTPHost.download."""
    user, password = ftp_server.credentials
    with ftputil.FTPHost(ftp_server.host, user, password, port=ftp_server.port, session_factory=_Session) as host:
        host.download("/a.csv", str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == FILES["/a.csv"]


@pytest.mark.ftp_sweep(raises=RAISES)
def test_smart_open_read(ftp_server: FtpServer) -> None:
    """smart_open.open for reading."""
    with smart_open.open(f"{ftp_server.url}/a.csv", "rb", transport_params={"timeout": 10}) as file:
        assert file.read() == FILES["/a.csv"]


def _aioftp(server: FtpServer) -> Any:
    limits: dict[str, Any] = {"socket_timeout": 10, "connection_timeout": 10, "path_timeout": 10}
    return aioftp.Client.context(server.host, server.port, *server.credentials, **limits)


@pytest.mark.asyncio
@pytest.mark.ftp_sweep(raises=(OSError, EOFError, aioftp.AIOFTPException))
async def test_aioftp_download(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Client.download."""
    async with _aioftp(ftp_server) as client:
        await client.download("/a.csv", tmp_path / "a.csv", write_into=True)
    assert (tmp_path / "a.csv").read_bytes() == FILES["/a.csv"]


@pytest.mark.asyncio
@pytest.mark.ftp_sweep(raises=(OSError, EOFError, aioftp.AIOFTPException))
async def test_aioftp_upload(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Client.upload."""
    (tmp_path / "x").write_bytes(NEW)
    async with _aioftp(ftp_server) as client:
        await client.upload(tmp_path / "x", "/x", write_into=True)
    assert ftp_server.files["/x"] == NEW
