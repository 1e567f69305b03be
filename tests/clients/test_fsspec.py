"""The FTP file system of fsspec, which uses ftplib."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.ftp import FTPFileSystem

from ftpfixture import FtpServer
from tests.clients.samples import BREAKING, HOSTILE, LARGE, NAMES, TEXT, TREE, below, check, needs_ipv6, transfer


@pytest.fixture
def fs(ftp_server: FtpServer) -> Iterator[Any]:
    """A file system on this test's server."""
    user, password = ftp_server.credentials
    filesystem = FTPFileSystem(
        ftp_server.host, ftp_server.port, user, password, timeout=10, skip_instance_cache=True, use_listings_cache=False
    )
    with contextlib.closing(filesystem.ftp):
        yield filesystem


def names(fs: Any, path: str) -> list[str]:
    """The names in a directory."""
    return sorted(entry["name"] for entry in fs.ls(path))


@pytest.mark.parametrize("data", [b"x", LARGE], ids=["one", "large"])
def test_round_trip(ftp_server: FtpServer, fs: Any, data: bytes) -> None:
    """A file is written and read byte for byte, also in several blocks."""
    fs.pipe("/a.bin", data)
    assert ftp_server.files == {"/a.bin": data}
    assert fs.cat("/a.bin") == data
    check(transfer(ftp_server, "RETR"), data)
    stored = [record for record in ftp_server.log.transfers if record.verb == "STOR"]
    assert [record.offset for record in stored] == [sum(r.size for r in stored[:i]) for i in range(len(stored))]


def test_touch(ftp_server: FtpServer, fs: Any) -> None:
    """Touching creates an empty file."""
    fs.touch("/a.bin")
    assert ftp_server.files == {"/a.bin": b""}
    assert fs.cat("/a.bin") == b""


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
def test_ipv6(fs: Any) -> None:
    """Data is transferred over IPv6."""
    assert fs.cat("/a.bin") == LARGE


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_ranges(ftp_server: FtpServer, fs: Any) -> None:
    """Reads at several offsets, each ended by an urgent ABOR, give the right bytes on one connection."""
    with fs.open("/a.bin", "rb", block_size=10_000) as file:
        for start in (4_000_000, 17, 2_500_000, 5_242_000):
            file.seek(start)
            assert file.read(1000) == LARGE[start : start + 1000]
    assert fs.cat_file("/a.bin", start=100, end=200) == LARGE[100:200]
    assert fs.cat_file("/a.bin", start=5_000_000) == LARGE[5_000_000:]
    assert fs.tail("/a.bin", 10) == LARGE[-10:]
    ftp_server.log.assert_sent("ABOR")
    assert len(ftp_server.log.sessions) == 1


@pytest.mark.ftp(files=TREE)
def test_lists(fs: Any) -> None:
    """Listing, walking, finding and globbing show the tree."""
    files = {path for path, data in TREE.items() if data is not None}
    assert names(fs, "/tree") == ["/tree/a.txt", "/tree/empty.bin", "/tree/hollow", "/tree/sub"]
    assert set(fs.find("/tree")) == files
    assert fs.glob("/tree/**/*.bin") == ["/tree/empty.bin", "/tree/sub/with space.bin"]
    assert {f"{top}/{name}" for top, _, names in fs.walk("/tree") for name in names} == files
    assert fs.du("/tree") == sum(len(data or b"") for data in TREE.values())
    assert fs.info("/tree/a.txt")["size"] == 6
    assert fs.isdir("/tree/hollow")
    assert not fs.exists("/tree/missing")


@pytest.mark.ftp(files=TREE, disable=["MLSD"])
def test_lists_without_mlsd(fs: Any) -> None:
    """Without MLSD the same tree is read from LIST."""
    assert set(fs.find("/tree")) == {path for path, data in TREE.items() if data is not None}
    assert fs.info("/tree/sub/with space.bin")["size"] == 256


@pytest.mark.ftp(files=TREE)
def test_trees(ftp_server: FtpServer, fs: Any, tmp_path: Path) -> None:
    """A tree is downloaded, uploaded under another name, and removed."""
    fs.get("/tree/", str(tmp_path / "down") + "/", recursive=True)
    found = {path: (tmp_path / "down" / path).read_bytes() for path in below("/tree")}
    assert found == below("/tree")
    fs.put(str(tmp_path / "down"), "/up", recursive=True)
    assert {path: ftp_server.files[f"/up/{path}"] for path in below("/tree")} == below("/tree")
    fs.rm("/up", recursive=True)
    assert "/up" not in ftp_server.files


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_tree_is_changed(ftp_server: FtpServer, fs: Any) -> None:
    """Directories are created and removed, files renamed and removed."""
    fs.makedirs("/one/two words/three")
    fs.mv("/a.txt", "/one/b.txt")
    fs.rmdir("/one/two words/three")
    assert ftp_server.files == {"/one/b.txt": TEXT}
    assert ftp_server.files.directories == ["/one", "/one/two words"]
    fs.rm("/one/b.txt")
    assert ftp_server.files == {}
    ftp_server.log.assert_sequence("MKD -> 257", "RNFR -> 350", "RNTO -> 250", "RMD -> 250", "DELE -> 250")


@pytest.mark.parametrize("name", NAMES)
def test_names(ftp_server: FtpServer, fs: Any, name: str) -> None:
    """A name with any characters is written, listed, read and removed unchanged."""
    with fs.open(f"/{name}", "wb") as file:
        file.write(b"data")
    assert ftp_server.files == {f"/{name}": b"data"}
    assert names(fs, "/") == [f"/{name}"]
    with fs.open(f"/{name}", "rb") as file:
        assert file.read() == b"data"
    fs.rm_file(f"/{name}")
    assert ftp_server.files == {}


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
def test_hostile_names(fs: Any) -> None:
    """Names that imitate a listing are listed unchanged, and a name that would break it is left out."""
    assert names(fs, "/tree") == sorted(f"/tree/{name}" for name in HOSTILE)


@pytest.mark.ftp(files={"/in/a.txt": TEXT})
def test_addresses(ftp_server: FtpServer) -> None:
    """A file is opened by its URL, as text."""
    with fsspec.open(f"{ftp_server.url}/in/a.txt", "r", skip_instance_cache=True, timeout=10) as file:
        assert file.read() == TEXT.decode()


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_missing(fs: Any) -> None:
    """A missing file is a FileNotFoundError, and the file system still works."""
    with pytest.raises(FileNotFoundError):
        fs.cat("/missing.txt")
    with pytest.raises(FileNotFoundError):
        fs.open("/missing/a.txt")
    assert fs.cat("/a.txt") == TEXT
