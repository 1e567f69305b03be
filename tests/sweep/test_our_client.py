"""Our own client with every fault at every step: nothing wrong, crashed, hung or leaked.

`--ftp-sweep=all` runs all points; those that the maps accept have their reason there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import Client, FtpFixtureError, FtpServer, Retry

FILES = {
    "/a.csv": b"a,b\n1,2\n" * 1000,
    "/dir/b.bin": bytes(range(256)) * 20,
    "/dir/sub/c.txt": b"c" * 3000,
    "/dir/empty": b"",
}
NEW = b"new" * 3000

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.ftp(files=FILES),
    pytest.mark.ftp_sweep(raises=(OSError, EOFError, FtpFixtureError), points="quick"),
]


def _context(server: FtpServer, **options: Any) -> Any:
    limits: dict[str, Any] = {"socket_timeout": 10, "connection_timeout": 10, "path_timeout": 10}
    return Client.context(*server.address, *server.credentials, **limits | options)


def _check(local: Path, files: Mapping[str, bytes], prefix: str) -> None:
    for path, data in files.items():
        if path.startswith(prefix):
            assert (local / path[1:]).read_bytes() == data


async def test_download(ftp_server: FtpServer, tmp_path: Path) -> None:
    """A file, compared with that of the server."""
    async with _context(ftp_server) as client:
        await client.download("/a.csv", tmp_path / "a.csv", write_into=True, verify=True)
    _check(tmp_path, FILES, "/a.csv")


async def test_download_of_a_tree(ftp_server: FtpServer, tmp_path: Path) -> None:
    """A listing in each folder."""
    async with _context(ftp_server) as client:
        await client.download("/dir", tmp_path, verify=True)
    _check(tmp_path, FILES, "/dir/")


async def test_upload(ftp_server: FtpServer, tmp_path: Path) -> None:
    """A file, compared with that of the server."""
    (tmp_path / "x").write_bytes(NEW)
    async with _context(ftp_server) as client:
        await client.upload(tmp_path / "x", "/x", write_into=True, verify=True)
    assert ftp_server.files["/x"] == NEW


async def test_listing(ftp_server: FtpServer) -> None:
    """Names and kinds."""
    async with _context(ftp_server) as client:
        names = sorted((str(path), info["type"]) for path, info in await client.list("/dir"))
    assert names == [("/dir/b.bin", "file"), ("/dir/empty", "file"), ("/dir/sub", "dir")]


async def test_changes(ftp_server: FtpServer) -> None:
    """MKD, RNFR and RNTO, DELE and RMD of a tree."""
    async with _context(ftp_server) as client:
        await client.make_directory("/new")
        await client.rename("/a.csv", "/new/a.csv")
        await client.remove("/dir")
        assert await client.exists("/new/a.csv")
    assert dict(ftp_server.files) == {"/new/a.csv": FILES["/a.csv"]}


@pytest.mark.ftp(files=FILES, tls="explicit")
async def test_tls(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Control and data connections are encrypted."""
    client = Client(socket_timeout=10, connection_timeout=10, path_timeout=10)
    try:
        await client.connect(*ftp_server.address)
        await client.upgrade_to_tls(ftp_server.tls.client_context())
        await client.login(*ftp_server.credentials)
        await client.download("/a.csv", tmp_path / "a.csv", write_into=True, verify=True)
        await client.quit()
    finally:
        client.close()
    _check(tmp_path, FILES, "/a.csv")


async def test_download_with_retries(ftp_server: FtpServer, tmp_path: Path) -> None:
    """What happens once is survived, and no byte is transferred again."""
    async with _context(ftp_server, retry=Retry(attempts=3)) as client:
        await client.download("/a.csv", tmp_path / "a.csv", write_into=True, verify=True)
    _check(tmp_path, FILES, "/a.csv")


async def test_upload_with_retries(ftp_server: FtpServer, tmp_path: Path) -> None:
    """The same for an upload."""
    (tmp_path / "x").write_bytes(NEW)
    async with _context(ftp_server, retry=Retry(attempts=3)) as client:
        await client.upload(tmp_path / "x", "/x", write_into=True, verify=True)
    assert ftp_server.files["/x"] == NEW


async def test_mirror(ftp_server: FtpServer, tmp_path: Path) -> None:
    """A tree, with retries."""
    async with _context(ftp_server, retry=Retry(attempts=3)) as client:
        await client.mirror_down("/dir", tmp_path / "dir", verify=True)
    _check(tmp_path, FILES, "/dir/")
