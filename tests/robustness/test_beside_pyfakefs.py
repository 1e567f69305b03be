"""Servers and pyfakefs in one test, in either order: TLS needs the real disk, the test has the fake file system."""

from __future__ import annotations

import ssl
from ftplib import FTP_TLS
from io import BytesIO
from pathlib import Path

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_filesystem_unittest import Patcher

from ftpfixture import FtpServer
from ftpfixture.testing import certificates
from ftpfixture.untouched import RealFiles


@pytest.fixture
def no_cached_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the cached file of the authority and the cached contexts of servers."""
    certificates.server_context.cache_clear()
    certificates._authority_path.cache_clear()


def talk(server: FtpServer) -> None:
    """Hold a dialogue with transfers over TLS, one of them into a file of the test."""
    with FTP_TLS(context=server.tls.client_context("ann")) as ftp:
        ftp.connect(*server.address, timeout=10)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.storbinary("STOR a.txt", BytesIO(b"abc"))
        ftp.mkd("d")
        ftp.rename("a.txt", "d/b.txt")
        assert ftp.nlst("d") == ["d/b.txt"]
        with Path("/b.txt").open("wb") as file:
            ftp.retrbinary("RETR d/b.txt", file.write)
    assert Path("/b.txt").read_bytes() == b"abc"


def trust(server: FtpServer) -> str:
    """Read the file of the authority with Python and with OpenSSL."""
    path = server.tls.ca_file
    assert Path(path).read_bytes() == server.tls.ca_pem
    assert len(ssl.create_default_context(cafile=path).get_ca_certs()) == 1
    return path


def test_the_file_system_first(no_cached_file: None, fs: FakeFilesystem, ftps_server: FtpServer) -> None:
    """The server starts under the fake file system, and the file of the authority is there and on the disk."""
    talk(ftps_server)
    trust(ftps_server)


def test_the_server_first(no_cached_file: None, ftps_server: FtpServer, fs: FakeFilesystem) -> None:
    """The fake file system starts while the server runs, and does not contain the file at first."""
    talk(ftps_server)
    trust(ftps_server)


def test_before_and_after(no_cached_file: None, ftps_server: FtpServer) -> None:
    """A file of the authority made under a fake file system exists after it, and under the next one."""
    with Patcher():
        path = trust(ftps_server)
    assert RealFiles.exists(path)
    assert trust(ftps_server) == path
    with Patcher():
        assert trust(ftps_server) == path


def test_every_kind_of_certificate(no_cached_file: None, fs: FakeFilesystem) -> None:
    """Contexts are made under the fake file system; private keys are never in it, and do not stay on the disk."""
    for kind in certificates.KINDS:
        with FtpServer(tls="implicit", certificate=kind):
            pass
    folder = Path(certificates._FOLDER)
    assert not folder.exists() or list(folder.glob("ftpfixture-*")) == []


def test_load_and_save_use_the_fake_file_system(fs: FakeFilesystem, ftp_server: FtpServer) -> None:
    """`files.load` and `files.save` read and write the file system of the test."""
    fs.create_file("/in/a/b.txt", contents="b")
    ftp_server.files.load("/in", "/up")
    assert ftp_server.files == {"/up/a/b.txt": b"b"}
    ftp_server.files.save("/out")
    assert Path("/out/up/a/b.txt").read_bytes() == b"b"


def test_a_removed_file(no_cached_file: None, ftps_server: FtpServer) -> None:
    """A removed file of the authority is written again on the next use."""
    path = ftps_server.tls.ca_file
    Path(path).unlink()
    assert trust(ftps_server) == path


FRESH = """
import ftplib

def talk(server):
    with ftplib.FTP_TLS(context=server.tls.client_context()) as ftp:
        ftp.connect(*server.address, timeout=10)
        ftp.login(*server.credentials)
        ftp.prot_p()
        assert ftp.nlst() == []

def test_1_under_the_fake_file_system(fs, ftps_server):
    talk(ftps_server)

def test_2_after_it(ftps_server):
    talk(ftps_server)
"""


def test_first_use_under_the_fake_file_system(pytester: pytest.Pytester) -> None:
    """Pyfakefs imports modules again that were first imported under it, and cryptography fails on that."""
    pytester.makepyfile(test_inner=FRESH)
    plugins_out = ("localftpserver", "randomly", "timeout")
    loaded = ["-o", "asyncio_default_fixture_loop_scope=function", *(f"-pno:{name}" for name in plugins_out)]
    pytester.runpytest_subprocess(*loaded, "-W", "error").assert_outcomes(passed=2)
