"""The function smart_open.open, which reads, writes and appends by URL."""

from __future__ import annotations

import gzip
from urllib.parse import quote

import pytest
import smart_open

from ftpfixture import FtpServer, User
from tests.clients.samples import LARGE, NAMES, TEXT, check, transfer

PARAMETERS = {"timeout": 10}


def url(server: FtpServer, path: str) -> str:
    """The URL of a path, with special characters in hexadecimal."""
    return server.url + quote(path)


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
def test_round_trip(ftp_server: FtpServer, data: bytes) -> None:
    """A file is written and read byte for byte, whatever its size."""
    with smart_open.open(url(ftp_server, "/a.bin"), "wb", transport_params=PARAMETERS) as file:
        file.write(data)
    assert ftp_server.files == {"/a.bin": data}
    with smart_open.open(url(ftp_server, "/a.bin"), "rb", transport_params=PARAMETERS) as file:
        assert file.read() == data
    ftp_server.wait_idle()  # this client closes without waiting for the final reply
    check(transfer(ftp_server, "STOR"), data)
    check(transfer(ftp_server, "RETR"), data)


@pytest.mark.ftp(files={"/a.bin": b"0123"})
def test_append(ftp_server: FtpServer) -> None:
    """Appending writes after the end of the file."""
    with smart_open.open(url(ftp_server, "/a.bin"), "ab", transport_params=PARAMETERS) as file:
        file.write(b"45")
    assert ftp_server.files == {"/a.bin": b"012345"}
    ftp_server.log.assert_sequence("TYPE I", "APPE /a.bin -> 226")


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_text(ftp_server: FtpServer) -> None:
    """Text is read line by line."""
    with smart_open.open(url(ftp_server, "/a.txt"), "r", encoding="utf-8", transport_params=PARAMETERS) as file:
        assert list(file) == TEXT.decode().splitlines(keepends=True)


def test_compressed(ftp_server: FtpServer) -> None:
    """A file with the suffix .gz is compressed for the upload and decompressed after the download."""
    with smart_open.open(url(ftp_server, "/a.txt.gz"), "wb", transport_params=PARAMETERS) as file:
        file.write(TEXT * 1000)
    assert gzip.decompress(ftp_server.files["/a.txt.gz"]) == TEXT * 1000
    with smart_open.open(url(ftp_server, "/a.txt.gz"), "rb", transport_params=PARAMETERS) as file:
        assert file.read() == TEXT * 1000


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_part_of_a_file(ftp_server: FtpServer) -> None:
    """Closing a partly read file ends its session, and the next open begins a new one."""
    for _ in range(3):
        with smart_open.open(url(ftp_server, "/a.bin"), "rb", transport_params=PARAMETERS) as file:
            assert file.read(10) == LARGE[:10]
    ftp_server.log.assert_sent("RETR /a.bin", times=3)


@pytest.mark.ftp(users=[User("a@b:c", "p/w#1?")])
@pytest.mark.parametrize("name", NAMES)
def test_names(ftp_server: FtpServer, name: str) -> None:
    """A name with any characters, in a URL with special characters in the login, is written and read unchanged."""
    with smart_open.open(url(ftp_server, f"/{name}"), "wb", transport_params=PARAMETERS) as file:
        file.write(b"data")
    assert ftp_server.files == {f"/{name}": b"data"}
    with smart_open.open(url(ftp_server, f"/{name}"), "rb", transport_params=PARAMETERS) as file:
        assert file.read() == b"data"


def test_missing(ftp_server: FtpServer) -> None:
    """A missing file is an error with the reply."""
    with pytest.raises(Exception, match=r"^550"):
        smart_open.open(url(ftp_server, "/missing.txt"), "rb", transport_params=PARAMETERS)
