"""The library ftputil, which uses LIST."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import FtpServer
from tests.clients.samples import BREAKING, HOSTILE, LARGE, MODIFIED, NAMES, TEXT, TREE, check, needs_ipv6, transfer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about its next release when it is imported
    import ftputil
    import ftputil.error
    import ftputil.session


@pytest.fixture(params=[True, False], ids=["passive", "active"])
def passive(request: pytest.FixtureRequest) -> bool:
    """The mode of the client."""
    return bool(request.param)


@pytest.fixture
def host(ftp_server: FtpServer, passive: bool) -> Iterator[Any]:
    """A host of this test's server."""
    factory = ftputil.session.session_factory(port=ftp_server.port, use_passive_mode=passive, encoding="utf-8")
    with ftputil.FTPHost(ftp_server.host, *ftp_server.credentials, session_factory=factory) as connected:
        connected.set_time_shift(0)
        yield connected


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
def test_round_trip(ftp_server: FtpServer, host: Any, passive: bool, data: bytes, tmp_path: Path) -> None:
    """A file is uploaded and downloaded byte for byte, in both modes, whatever its size."""
    (tmp_path / "a.bin").write_bytes(data)
    host.upload(str(tmp_path / "a.bin"), "/a.bin")
    host.download("/a.bin", str(tmp_path / "b.bin"))
    assert ftp_server.files == {"/a.bin": data}
    assert (tmp_path / "b.bin").read_bytes() == data
    mode = "passive" if passive else "active"
    check(transfer(ftp_server, "STOR"), data, mode=mode)
    check(transfer(ftp_server, "RETR"), data, mode=mode)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
def test_ipv6(ftp_server: FtpServer, host: Any, passive: bool) -> None:
    """Both modes work over IPv6."""
    with host.open("/a.bin", "rb") as file:
        assert file.read() == LARGE
    ftp_server.log.assert_sent("EPSV -> 229" if passive else "EPRT -> 200")


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": b"0123456789"})
def test_resume(ftp_server: FtpServer, host: Any) -> None:
    """Reading and writing start at an offset."""
    with host.open("/a.bin", "rb", rest=5_000_000) as file:
        assert file.read() == LARGE[5_000_000:]
    with host.open("/b.bin", "wb", rest=5) as file:
        file.write(b"abcdefg")
    assert ftp_server.files["/b.bin"] == b"01234abcdefg"


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_text(ftp_server: FtpServer, host: Any) -> None:
    """Text is read line by line, and written with the line ends of this machine."""
    with host.open("/a.txt", "r", encoding="utf-8") as file:
        assert list(file) == TEXT.decode().splitlines(keepends=True)
    with host.open("/b.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write(TEXT.decode())
    assert ftp_server.files["/b.txt"] == TEXT


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.txt": TEXT})
def test_part_of_a_file(host: Any) -> None:
    """Closing a partly read file does not disturb the next one."""
    with host.open("/a.bin", "rb") as file:
        assert file.read(10) == LARGE[:10]
    with host.open("/b.txt", "rb") as file:
        assert file.read() == TEXT


@pytest.mark.ftp(files=TREE)
def test_walk(host: Any) -> None:
    """The tree is walked and every entry has type and size."""
    files = {
        host.path.join(top, name): host.stat(host.path.join(top, name)).st_size
        for top, _, names in host.walk("/tree")
        for name in names
    }
    assert files == {path: len(data) for path, data in TREE.items() if data is not None}
    assert sorted(host.listdir("/tree")) == ["a.txt", "empty.bin", "hollow", "sub"]
    assert host.path.isdir("/tree/hollow")
    assert not host.path.exists("/tree/missing")
    assert host.listdir("/tree/hollow") == []


@pytest.mark.ftp(files={"/tree/a.txt": TEXT})
def test_links(ftp_server: FtpServer, host: Any) -> None:
    """A symbolic link is shown as a link with its target."""
    ftp_server.files.symlink("/tree/link.txt", "a.txt")
    assert host.path.islink("/tree/link.txt")
    assert host.stat("/tree/link.txt").st_size == len(TEXT)
    assert host.lstat("/tree/link.txt")._st_target == "a.txt"


@pytest.mark.ftp(files={"/a.txt": TEXT, **TREE})
def test_tree_is_changed(ftp_server: FtpServer, host: Any) -> None:
    """Directories are created, entered and removed; files are renamed, removed, and get other modes."""
    host.makedirs("/one/two words/three")
    host.chdir("/one/two words")
    assert host.getcwd() == "/one/two words"
    host.rename("/a.txt", "/one/b.txt")
    host.chmod("/one/b.txt", 0o600)
    host.rmtree("/tree")
    host.rmdir("/one/two words/three")
    assert ftp_server.files == {"/one/b.txt": TEXT}
    assert ftp_server.files.stat("/one/b.txt").mode == 0o600
    assert host.stat("/one/b.txt").st_mode & 0o777 == 0o600
    host.remove("/one/b.txt")
    assert ftp_server.files.directories == ["/one", "/one/two words"]


def test_times(ftp_server: FtpServer, host: Any, tmp_path: Path) -> None:
    """The client measures the server's time zone, and then copies only newer files."""
    host.synchronize_times()
    assert host.time_shift() == 0
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED)
    local = tmp_path / "a.txt"
    assert host.download_if_newer("/a.txt", str(local))
    assert not host.download_if_newer("/a.txt", str(local))
    os.utime(local, (MODIFIED - 86400 * 3, MODIFIED - 86400 * 3))
    assert not host.upload_if_newer(str(local), "/a.txt")
    assert host.download_if_newer("/a.txt", str(local))
    local.write_bytes(TEXT * 2)
    assert host.upload_if_newer(str(local), "/a.txt")
    assert ftp_server.files == {"/a.txt": TEXT * 2}


def test_two_files_at_once(ftp_server: FtpServer, host: Any) -> None:
    """Two files are open at the same time, each in its own session."""
    with host.open("/a.txt", "wb") as first, host.open("/b.txt", "wb") as second:
        second.write(b"b")
        first.write(b"a")
    assert ftp_server.files == {"/a.txt": b"a", "/b.txt": b"b"}
    assert len(ftp_server.log.sessions) == 3


@pytest.mark.parametrize("name", NAMES)
def test_names(ftp_server: FtpServer, host: Any, name: str) -> None:
    """A name with any characters is written, listed, read and removed unchanged."""
    with host.open(f"/in {name}", "wb") as file:
        file.write(b"data")
    assert ftp_server.files == {f"/in {name}": b"data"}
    assert host.listdir("/") == [f"in {name}"]
    assert host.stat(f"/in {name}").st_size == 4
    with host.open(f"/in {name}", "rb") as file:
        assert file.read() == b"data"
    host.remove(f"/in {name}")
    assert ftp_server.files == {}


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
def test_hostile_names(host: Any) -> None:
    """Names that imitate a listing are listed unchanged, and a name that would break it is left out."""
    expected = [name.partition(" -> ")[0] for name in HOSTILE]  # this client treats every arrow as that of a link
    assert sorted(host.listdir("/tree")) == sorted(expected)


@pytest.mark.ftp(files={"/a.txt": TEXT, "/full/b.txt": b"b"})
def test_refusals(ftp_server: FtpServer, host: Any) -> None:
    """An operation that fails raises the right error, and the host still works."""
    with pytest.raises(ftputil.error.FTPIOError):
        host.open("/missing.txt", "rb")
    with pytest.raises(ftputil.error.PermanentError):
        host.mkdir("/full")
    with pytest.raises(ftputil.error.PermanentError):
        host.remove("/missing.txt")
    assert host.path.getsize("/a.txt") == len(TEXT)
