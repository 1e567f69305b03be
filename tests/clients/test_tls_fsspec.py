"""The file system of fsspec over TLS: ``tls=True`` is AUTH TLS, and ``tls="tls"`` is implicit TLS.

It uses `ftplib` and does not check certificates; it has no setting for the TLS version, so the server sets it.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.ftp import FTPFileSystem

from ftpfixture import FtpServer
from ftpfixture.testing.certificates import ServerTls
from tests.clients.encrypted import BIG, VERSIONS, all_sizes, check_tls, limited
from tests.clients.samples import LARGE, TREE, below, check, needs_ipv6, transfer


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
def ftp_config(version: str) -> dict[str, Any]:
    """Settings of all servers, which accept one version only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ServerTls().ca.issue_cert("localhost").configure_cert(context)
    return {"wait_future_timeout": 10, "certificate": limited(context, version)}


@contextlib.contextmanager
def connected(server: FtpServer, **settings: Any) -> Iterator[Any]:
    """A file system on a server."""
    user, password = server.credentials
    settings = {"tls": True, "timeout": 10, "skip_instance_cache": True, "use_listings_cache": False, **settings}
    filesystem = FTPFileSystem(server.host, server.port, user, password, **settings)
    try:
        yield filesystem
    finally:
        filesystem.ftp.close()


@pytest.fixture
def fs(ftps_server: FtpServer) -> Iterator[Any]:
    """A file system on this test's server."""
    with connected(ftps_server) as filesystem:
        yield filesystem


@all_sizes
def test_round_trip(ftps_server: FtpServer, fs: Any, version: str, data: bytes) -> None:
    """A file is written and read byte for byte, encrypted, also in several blocks."""
    if data:
        fs.pipe("/a.bin", data)
    else:
        fs.touch("/a.bin")
    assert ftps_server.files == {"/a.bin": data}
    assert fs.cat("/a.bin") == data
    check(transfer(ftps_server, "RETR"), data)
    check_tls(ftps_server, version, resumed=False)


@pytest.fixture
def fs_of(ftp_server_factory: Any) -> Iterator[Any]:
    """Creates a server with TLS and a file system on it."""
    with contextlib.ExitStack() as stack:

        def make(**settings: Any) -> tuple[FtpServer, Any]:
            server = ftp_server_factory(**{"tls": "explicit", **settings})
            kind: bool | str = "tls" if server.server.implicit_tls else True
            return server, stack.enter_context(connected(server, tls=kind))

        yield make


def test_implicit(fs_of: Any, version: str) -> None:
    """Implicit TLS encrypts commands; data are encrypted after PROT P of the client."""
    server, fs = fs_of(tls="implicit", files={"/a.bin": BIG})
    fs.ftp.prot_p()
    assert fs.cat("/a.bin") == BIG
    fs.pipe("/b.bin", BIG)
    assert server.files["/b.bin"] == BIG
    check_tls(server, version)
    server.log.assert_not_sent("AUTH")


def test_implicit_data_in_clear(fs_of: Any) -> None:
    """With implicit TLS and without PROT, no data are transferred: not in clear text, and not encrypted."""
    server, fs = fs_of(tls="implicit", files={"/a.bin": BIG}, handshake_timeout=0.3)
    with pytest.raises((OSError, EOFError)):
        fs.cat("/a.bin")
    server.log.wait_for("RETR -> 522")
    assert transfer(server, "RETR").size == 0


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
def test_ipv6(ftps_server: FtpServer, fs: Any, version: str) -> None:
    """Data is transferred over IPv6."""
    assert fs.cat("/a.bin") == BIG
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_ranges(ftps_server: FtpServer, fs: Any, version: str) -> None:
    """Reads at several offsets, each ended by an ABOR within TLS, give the right bytes on one connection."""
    with fs.open("/a.bin", "rb", block_size=10_000) as file:
        for start in (4_000_000, 17, 2_500_000, 5_242_000):
            file.seek(start)
            assert file.read(1000) == LARGE[start : start + 1000]
    assert fs.cat_file("/a.bin", start=100, end=200) == LARGE[100:200]
    assert fs.cat_file("/a.bin", start=5_000_000) == LARGE[5_000_000:]
    assert fs.tail("/a.bin", 10) == LARGE[-10:]
    ftps_server.log.assert_sent("ABOR")
    assert len(ftps_server.log.sessions) == 1
    check_tls(ftps_server, version)


@pytest.mark.ftp(files=TREE)
def test_lists(ftps_server: FtpServer, fs: Any, version: str) -> None:
    """Listing and finding show the tree."""
    files = {path for path, data in TREE.items() if data is not None}
    assert set(fs.find("/tree")) == files
    assert fs.ls("/tree/hollow") == []
    assert fs.info("/tree/a.txt")["size"] == 6
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={**TREE, "/tree/big.bin": BIG})
def test_trees(ftps_server: FtpServer, fs: Any, version: str, tmp_path: Path) -> None:
    """A tree is downloaded, uploaded under another name, and removed."""
    expected = {**below("/tree"), "big.bin": BIG}
    fs.get("/tree/", str(tmp_path / "down") + "/", recursive=True)
    assert {path: (tmp_path / "down" / path).read_bytes() for path in expected} == expected
    fs.put(str(tmp_path / "down"), "/up", recursive=True)
    assert {path: ftps_server.files[f"/up/{path}"] for path in expected} == expected
    fs.rm("/up", recursive=True)
    assert "/up" not in ftps_server.files
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_missing(ftps_server: FtpServer, fs: Any, version: str) -> None:
    """A missing file is a FileNotFoundError, and the file system still works."""
    with pytest.raises(FileNotFoundError):
        fs.cat("/missing.txt")
    assert fs.cat("/a.bin") == BIG
    check_tls(ftps_server, version)
