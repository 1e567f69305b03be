"""The fixture `ftp_fakefs`: the test, the code under test and FTP clients see one fake file system."""

from __future__ import annotations

import ftplib
import io
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem

from ftpfixture import Client, FtpServer
from ftpfixture.untouched import RealFiles


def archive(folder: str) -> None:
    """Code under test, which knows nothing of FTP: it moves files that have arrived."""
    for path in sorted(Path(folder).glob("*.csv")):
        shutil.move(str(path), str(Path(folder, "done", path.name)))


@pytest.mark.ftp(root="/in")
@pytest.mark.parametrize("root", ["/in"])
def test_code_and_clients_see_one_tree(root: str, fs: FakeFilesystem, request: pytest.FixtureRequest) -> None:
    """What a client uploads is what the code finds, and the other way round; the disk has none of it."""
    fs.create_dir("/in/done")
    server: FtpServer = request.getfixturevalue("ftp_fakefs")
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.storbinary("STOR a.csv", io.BytesIO(b"a,b\n"))
        assert Path("/in/a.csv").read_bytes() == b"a,b\n"
        archive(root)
        assert ftp.nlst() == ["done"]
        assert ftp.nlst("done") == ["done/a.csv"]
        Path("/in/done/a.csv").chmod(0o600)
        assert ftp.voidcmd("MLST done/a.csv").count("0600") == 1
    assert not RealFiles.exists("/in/done/a.csv")


async def test_asyncio(ftp_fakefs: FtpServer, fs: FakeFilesystem) -> None:
    """Our client in the loop of the test, which may open fake files meanwhile."""
    fs.create_file("/data/a.csv", contents="1,2\n")
    async with Client.context(*ftp_fakefs.address, *ftp_fakefs.credentials) as client:
        await client.download("/data/a.csv", "/copy.csv", write_into=True)
    assert fs.get_object("/copy.csv").contents == "1,2\n"


def test_everything_is_put_back(fs: FakeFilesystem, ftp_fakefs: FtpServer, ftp_server: FtpServer) -> None:
    """Beside an ordinary server, which has its files in memory; `server.files` says where the others are."""
    ftp_server.files["/a"] = b"memory"
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_fakefs.address)
        ftp.login(*ftp_fakefs.credentials)
        ftp.storbinary("STOR tmp/x", io.BytesIO(b"fake"))
    assert (fs.get_object("/tmp/x").contents, ftp_server.files["/a"]) == ("fake", b"memory")


@pytest.mark.ftp(faults=["STOR: drop_data after_bytes=3"])
def test_faults(ftp_fakefs: FtpServer, fs: FakeFilesystem) -> None:
    """A part of an upload is in the file system, as on a disk."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_fakefs.address)
        ftp.login(*ftp_fakefs.credentials)
        with pytest.raises((ftplib.Error, OSError)):
            ftp.storbinary("STOR part", io.BytesIO(b"abcdef"))
    ftp_fakefs.wait_idle()
    assert fs.get_object("/part").contents == "abc"


def test_time_machines(fs: FakeFilesystem, ftp_fakefs: FtpServer) -> None:
    """Files have the time that freezegun or time-machine sets; connections go on."""
    import time_machine

    with time_machine.travel(981_173_106, tick=False), ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_fakefs.address)
        ftp.login(*ftp_fakefs.credentials)
        ftp.storbinary("STOR old", io.BytesIO(b""))
        assert ftp.voidcmd("MDTM old") == "213 20010203040506"
    assert time.time() > 1_700_000_000


@pytest.mark.ftp(simulate=True)
def test_simulated(ftp_fakefs: FtpServer, fs: FakeFilesystem) -> None:
    """Without sockets."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_fakefs.address)
        ftp.login(*ftp_fakefs.credentials)
        ftp.mkd("/made")
    assert Path("/made").is_dir()


BESIDE = """
import ftplib, io, os, warnings
import freezegun, pytest, pytest_socket

def fetch(server, name):
    content = io.BytesIO()
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.retrbinary(f"RETR {name}", content.write)
    return content.getvalue()

def test_pytest_socket(fs, ftp_fakefs, ftps_server):
    fs.create_file("/a.txt", contents="fake")
    ftps_server.files["/b.txt"] = b"memory"
    assert (fetch(ftp_fakefs, "/a.txt"), fetch(ftps_server, "/b.txt")) == (b"fake", b"memory")
    with pytest.raises(pytest_socket.SocketConnectBlockedError), pytest.warns(UserWarning):
        ftplib.FTP("192.0.2.1", timeout=10)

def test_freezegun(fs, ftp_fakefs):
    with freezegun.freeze_time("2001-02-03 04:05:06"):
        fs.create_file("/a.txt", contents="fake")
        assert fetch(ftp_fakefs, "/a.txt") == b"fake"
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_fakefs.address)
        ftp.login(*ftp_fakefs.credentials)
        assert ftp.voidcmd("MDTM /a.txt") == "213 20010203040506"

def test_a_forked_child(fs, ftp_fakefs):
    fs.create_file("/a.txt", contents="fake")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads
        child = os.fork()
    if child == 0:
        try:
            fs.create_file("/child.txt", contents="of the child")
            os._exit(0 if fetch(ftp_fakefs, "/a.txt") == b"fake" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not fs.exists("/child.txt")
"""


def test_beside_what_changes_the_process(pytester: pytest.Pytester) -> None:
    """pytest-socket with loopback allowed, freezegun, and a child, whose fake file system is a copy of its own."""
    pytester.makepyfile(test_it=BESIDE)
    quiet = ("-p", "no:localftpserver", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    options = ("--disable-socket", "--allow-hosts=127.0.0.1")
    pytester.runpytest_subprocess(*quiet, *options).assert_outcomes(passed=3)


def test_first_use_while_it_is_active(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules that are imported then see the classes of pyfakefs: names of Windows are refused all the same."""
    # coverage would write down the path of such a module as one of the fake Windows, and then not find its source.
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(
        test_it="""
        import ftplib, io
        import pytest
        from pyfakefs.fake_filesystem import OSType

        @pytest.fixture
        def windows(fs):
            fs.os = OSType.WINDOWS

        @pytest.mark.parametrize("number", range(2))
        def test_it(windows, ftp_fakefs, number):
            with ftplib.FTP(timeout=10) as ftp:
                ftp.connect(*ftp_fakefs.address)
                ftp.login(*ftp_fakefs.credentials)
                with pytest.raises(ftplib.error_perm, match="553"):
                    ftp.storbinary("STOR NUL", io.BytesIO(b""))
        """
    )
    quiet = ("-p", "no:localftpserver", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    pytester.runpytest_subprocess(*quiet).assert_outcomes(passed=2)


def test_pyfakefs_is_imported_on_use() -> None:
    """Not by the plugin, and not by a server without a fake file system."""
    code = """if True:
        import sys
        import ftpfixture.testing.plugin
        ftpfixture.FtpServer()
        print("pyfakefs" in sys.modules)
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "False"
