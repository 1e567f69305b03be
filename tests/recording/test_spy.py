"""A server that plays a recording, and goes live where it ends."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.spy import Spy
from tests.support.rows import check_rows

FILES = {"/a.txt": b"a", "/dir/": None, "/dir/b.txt": b"bb", "/dir/c.txt": b"ccc"}


@pytest.fixture
def real() -> Iterator[FtpServer]:
    """The real server, which says something else than the tape after it was recorded."""
    with FtpServer(files=FILES, users={"ann": "secret"}) as server:
        yield server


def _login(server: FtpServer, passive: bool = True) -> ftplib.FTP:
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    ftp.set_pasv(passive)
    return ftp


def _get(ftp: ftplib.FTP, path: str) -> bytes:
    content = io.BytesIO()
    ftp.retrbinary(f"RETR {path}", content.write)
    return content.getvalue()


@pytest.fixture
def tape(real: FtpServer, tmp_path: Path) -> Path:
    """One session: CWD, RETR, QUIT."""
    path = tmp_path / "tape.ftp.jsonl"
    with FtpServer(upstream=real.url) as proxy, proxy.record(path):
        ftp = _login(proxy)
        ftp.cwd("/dir")
        assert _get(ftp, "b.txt") == b"bb"
        ftp.quit()
    real.files["/dir/b.txt"] = b"changed since"
    return path


def _spy(server: FtpServer) -> Spy:
    assert isinstance(server.server, Spy)
    return server.server


def test_the_tape_is_enough(real: FtpServer, tape: Path) -> None:
    """The real server is not asked."""
    real.log.clear()
    with FtpServer(recording=tape, upstream=real.url) as server:
        ftp = _login(server)
        ftp.cwd("/dir")
        assert _get(ftp, "b.txt") == b"bb"
        ftp.quit()
        assert _spy(server).live == []
    assert real.log.sessions == []


@pytest.mark.parametrize("passive", [True, False])
def test_a_new_command(real: FtpServer, tape: Path, passive: bool) -> None:
    """The session goes on at the real server with its login and its directory, and stays there."""
    real.log.clear()
    with FtpServer(recording=tape, upstream=real.url) as server:
        ftp = _login(server, passive)
        ftp.cwd("/dir")
        assert ftp.size("c.txt") == 3
        assert _get(ftp, "c.txt") == b"ccc"
        assert _get(ftp, "b.txt") == b"changed since"
        ftp.quit()
        assert _spy(server).live == [1]
        server.log.assert_sent("RETR c.txt -> 226")
    real.log.assert_sequence("USER ann", "PASS -> 230", "CWD /dir -> 250", "SIZE c.txt -> 213", "RETR c.txt")


@pytest.mark.parametrize("passive", [True, False])
def test_a_data_connection_that_was_negotiated(real: FtpServer, tape: Path, passive: bool) -> None:
    """The tape has answered PASV, and the transfer after it is another one."""
    with FtpServer(recording=tape, upstream=real.url) as server:
        ftp = _login(server, passive)
        ftp.cwd("/dir")
        assert _get(ftp, "c.txt") == b"ccc"
        ftp.quit()
        assert _spy(server).live == [1]


def test_a_new_session(real: FtpServer, tape: Path) -> None:
    """It is live from its greeting on."""
    with FtpServer(recording=tape, upstream=real.url) as server:
        for expected in (b"bb", b"changed since"):
            ftp = _login(server)
            ftp.cwd("/dir")
            assert _get(ftp, "b.txt") == expected
            ftp.quit()
        assert _spy(server).live == [2]
        assert _spy(server).tape.unplayed_sessions() == []


def test_tls_on_both_sides(tmp_path: Path) -> None:
    """The session that goes live is encrypted to the real server, too."""
    path = tmp_path / "tape.ftp.jsonl"
    with FtpServer(files=FILES, tls="required") as real:

        def session(server: FtpServer, *paths: str) -> list[bytes]:
            with ftplib.FTP_TLS(context=server.tls.client_context(), timeout=10) as ftp:
                ftp.connect(*server.address)
                ftp.login(*server.credentials)
                ftp.prot_p()
                return [_get(ftp, path) for path in paths]

        with FtpServer(upstream=real.url, tls="explicit") as proxy, proxy.record(path):
            session(proxy, "/a.txt")
        with FtpServer(recording=path, upstream=real.url) as server:
            assert session(server, "/a.txt", "/dir/b.txt") == [b"a", b"bb"]
            assert _spy(server).live == [1]


def test_a_real_server_that_is_not_there(real: FtpServer, tape: Path) -> None:
    """The client gets 421 with the reason."""
    real.stop()
    with FtpServer(recording=tape, upstream="127.0.0.1:1") as server:
        ftp = _login(server)
        with pytest.raises(ftplib.error_temp, match=r"421 No connection to 127\.0\.0\.1:1"):
            ftp.size("/a.txt")
        ftp.close()


def test_a_real_server_that_refuses_what_the_tape_allows(real: FtpServer, tape: Path) -> None:
    """The client gets 421 with the command and the reply, and no other state than the one it believes in."""
    faults = [
        ("PASS: answer 530 'Go away'", "PASS: 530 Go away"),
        ("CWD: answer 550 'No such directory'", "CWD: 550 No such directory"),
        ("PASV: answer 502 'No'", "PASV: 502 No"),
    ]

    def check(row: tuple[str, str]) -> None:
        fault, text = row
        real.faults.clear()
        real.faults.add(fault)
        with FtpServer(recording=tape, upstream=real.url) as server:
            ftp = _login(server)
            ftp.cwd("/dir")
            with pytest.raises(ftplib.error_temp, match=f"421 The real server does not go on from here: {text}"):
                _get(ftp, "c.txt")
            ftp.close()

    check_rows(faults, check)


@pytest.mark.illegal_replies
def test_in_the_middle_of_a_transfer(real: FtpServer, tmp_path: Path) -> None:
    """A command that was not recorded cannot go live while the tape sends a file: it fails as without an upstream."""
    path = tmp_path / "tape.ftp.jsonl"
    real.files["/big"] = bytes(20_000_000)
    with FtpServer(upstream=real.url) as proxy, proxy.record(path):
        ftp = _login(proxy)
        assert len(_get(ftp, "/big")) == 20_000_000
        ftp.quit()
    server = FtpServer(recording=path, upstream=real.url)
    with server:
        ftp = _login(server)
        ftp.voidcmd("TYPE I")
        data = ftp.transfercmd("RETR /big")
        ftp.putcmd("STAT")
        assert [ftp.getline()[:3], ftp.getline()[:3]] == ["426", "503"]
        data.close()
        ftp.close()
        with pytest.raises(Exception, match="STAT was not recorded here"):
            server.check()
