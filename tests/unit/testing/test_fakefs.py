"""The path layer over a fake file system, without pyfakefs patching anything."""

from __future__ import annotations

import ftplib
import io
from pathlib import Path, PurePosixPath

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem, OSType

from ftpfixture import FtpServer, User
from ftpfixture.errors import ConfigurationError
from ftpfixture.testing import check_path_io
from ftpfixture.testing.fakefs import FakeFsPathIO


@pytest.fixture
def fake() -> FakeFilesystem:
    """A file system of Linux, which is not that of the process."""
    filesystem = FakeFilesystem()
    filesystem.os = OSType.LINUX
    filesystem.set_disk_usage(100_000)
    filesystem.create_dir("/srv/in")
    filesystem.create_file("/srv/a.csv", contents="a,b\n", st_mode=0o100640)
    return filesystem


async def test_the_check_of_path_layers() -> None:
    """It keeps the contract of the path layer."""
    filesystem = FakeFilesystem()
    filesystem.os = OSType.LINUX
    filesystem.create_dir("/checked")
    await check_path_io(lambda: FakeFsPathIO(filesystem), PurePosixPath("/checked"))


def connect(server: FtpServer, user: str = "user", password: str = "password") -> ftplib.FTP:
    """A client that has logged in."""
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login(user, password)
    return ftp


def test_one_tree(fake: FakeFilesystem) -> None:
    """What a client changes is in the file system, with modes and links; the disk of the process is not touched."""
    with FtpServer(fakefs=fake, root="/srv") as server, connect(server) as ftp:
        ftp.storbinary("STOR in/b.bin", io.BytesIO(b"123"))
        assert fake.get_object("/srv/in/b.bin").contents == "123"
        facts = dict(ftp.mlsd())
        assert (facts["a.csv"]["size"], facts["a.csv"]["unix.mode"]) == ("4", "0640")
        ftp.sendcmd("SITE CHMOD 600 a.csv")
        assert fake.stat("/srv/a.csv").st_mode & 0o777 == 0o600
        ftp.sendcmd("MFMT 20010203040506 a.csv")
        assert fake.stat("/srv/a.csv").st_mtime == 981_173_106
        ftp.rename("a.csv", "in/moved")
        ftp.mkd("new")
        fake.create_symlink("/srv/out", "/etc")
        fake.create_file("/etc/secret", contents="no")
        with pytest.raises(ftplib.error_perm, match="550"):
            ftp.retrbinary("RETR out/secret", print)
        assert sorted(ftp.nlst()) == ["in", "new", "out"]
    assert not Path("/srv/in/b.bin").exists()


def test_a_full_disk(fake: FakeFilesystem) -> None:
    """552, as for a disk."""
    with FtpServer(fakefs=fake, root="/srv") as server, connect(server) as ftp:
        with pytest.raises((ftplib.Error, OSError)):  # the data connection ends, perhaps before all was sent
            ftp.storbinary("STOR big", io.BytesIO(bytes(200_000)))
        server.wait_idle()
        server.log.assert_sent("STOR -> 552")
        ftp.close()


def test_windows() -> None:
    """Names without case, drives, and names that Windows does not have."""
    fake = FakeFilesystem()
    fake.os = OSType.WINDOWS
    fake.create_file("C:/data/A.csv", contents="a")
    with FtpServer(fakefs=fake, root="C:/data") as server, connect(server) as ftp:
        assert ftp.size("a.CSV") == 1
        ftp.storbinary("STOR a.csv", io.BytesIO(b"12"))
        assert fake.get_object("C:/data/A.csv").contents == "12"
        with pytest.raises(ftplib.error_perm, match=r"55[03]"):
            ftp.storbinary("STOR NUL", io.BytesIO(b""))


def test_users_have_folders(fake: FakeFilesystem) -> None:
    """A base path counts from the root."""
    users = [User("ann", "secret", base_path="in")]
    fake.create_file("/srv/in/x", contents="1")
    with FtpServer(fakefs=fake, root="/srv", users=users) as server, connect(server, "ann", "secret") as ftp:
        assert ftp.nlst() == ["x"]


def test_settings_that_cannot_work(fake: FakeFilesystem) -> None:
    """Each says what would work."""
    for settings, text in (
        ({"fakefs": "fs"}, "fakefs takes a FakeFilesystem of pyfakefs"),
        (
            {"fakefs": fake, "root": "/none"},
            "root='/none' is no folder of the fake file system: make it with fs.create",
        ),
        ({"fakefs": fake, "path_io_factory": FakeFsPathIO}, "fakefs= with path_io_factory=: the fake file system is a"),
        ({"fakefs": fake, "files": {"/a": b""}}, "files, quota and rules for names are for servers in memory"),
    ):
        with pytest.raises(ConfigurationError, match=text):
            FtpServer(**settings)
