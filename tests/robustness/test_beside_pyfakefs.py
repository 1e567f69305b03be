"""Servers and pyfakefs in one test, in either order: TLS needs the disk, the test has the fake file system."""

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
def no_file_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody in this process has asked for the authority's file so far, nor for the contexts of servers."""
    certificates.server_context.cache_clear()
    certificates._authority_path.cache_clear()


def talk(server: FtpServer) -> None:
    """A dialogue with transfers over TLS, one of them into a file of the test."""
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
    """Read the authority's file as a test does, and as OpenSSL does."""
    path = server.tls.ca_file
    assert Path(path).read_bytes() == server.tls.ca_pem
    assert len(ssl.create_default_context(cafile=path).get_ca_certs()) == 1
    return path


def test_the_file_system_first(no_file_yet: None, fs: FakeFilesystem, ftps_server: FtpServer) -> None:
    """The server starts under the fake file system, and is trusted by what is read there and on the disk."""
    talk(ftps_server)
    trust(ftps_server)


def test_the_server_first(no_file_yet: None, ftps_server: FtpServer, fs: FakeFilesystem) -> None:
    """The fake file system comes while the server runs, and begins without the file."""
    talk(ftps_server)
    trust(ftps_server)


def test_before_and_after(no_file_yet: None, ftps_server: FtpServer) -> None:
    """The file that was first asked for under a fake file system is there without it, and under the next."""
    with Patcher():
        path = trust(ftps_server)
    assert RealFiles.exists(path)
    assert trust(ftps_server) == path
    with Patcher():
        assert trust(ftps_server) == path


def test_every_kind_of_certificate(no_file_yet: None, fs: FakeFilesystem) -> None:
    """Contexts are made under the fake file system, which private keys never enter, nor stay on the disk."""
    for kind in certificates.KINDS:
        with FtpServer(tls="implicit", certificate=kind):
            pass
    folder = Path(certificates._FOLDER)
    assert not folder.exists() or list(folder.glob("ftpfixture-*")) == []


def test_folders_are_those_of_the_test(fs: FakeFilesystem, ftp_server: FtpServer) -> None:
    """`files.load` and `files.save` read and write the file system that the test sees."""
    fs.create_file("/in/a/b.txt", contents="b")
    ftp_server.files.load("/in", "/up")
    assert ftp_server.files == {"/up/a/b.txt": b"b"}
    ftp_server.files.save("/out")
    assert Path("/out/up/a/b.txt").read_bytes() == b"b"


def test_a_file_that_somebody_removed(no_file_yet: None, ftps_server: FtpServer) -> None:
    """It is written anew for the next who asks."""
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


def test_a_process_that_begins_with_it(pytester: pytest.Pytester) -> None:
    """What pyfakefs finds imported under itself it imports anew afterwards, and cryptography does not bear that."""
    pytester.makepyfile(test_inner=FRESH)
    plugins_out = ("localftpserver", "randomly", "timeout")
    loaded = ["-o", "asyncio_default_fixture_loop_scope=function", *(f"-pno:{name}" for name in plugins_out)]
    pytester.runpytest_subprocess(*loaded, "-W", "error").assert_outcomes(passed=2)
