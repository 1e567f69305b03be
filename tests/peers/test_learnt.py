"""Servers that are learnt from recordings of real servers: the same words, and any client."""

from __future__ import annotations

import ftplib
import io
import os
import subprocess
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.compare import compare
from ftpfixture.recording.store import load
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.reading import read_listing
from tests.support.servers import Peer, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

LARGE = bytes(range(256)) * 200
OLD = 981_173_106  # 2001-02-03 04:05:06
LEARNT = [Vsftpd, Proftpd, PureFtpd, Pyftpdlib]

pytestmark = [pytest.mark.illegal_replies, pytest.mark.parametrize("kind", LEARNT, indirect=True)]


def ask(ftp: ftplib.FTP, *commands: str) -> list[str]:
    """The replies, of success and of failure."""
    replies = []
    for command in commands:
        try:
            replies.append(ftp.sendcmd(command))
        except ftplib.Error as error:
            replies.append(str(error))
    return replies


def listed(ftp: ftplib.FTP, command: str) -> list[Entry]:
    """The entries of a listing."""
    lines: list[str] = []
    ftp.retrlines(command, lines.append)
    return sorted(read_listing(lines, now=OLD).entries, key=lambda entry: entry.name)


def work(server: FtpServer) -> list[str]:
    """A client that does a bit of everything; the replies to it, without listings."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        replies = [ftp.login(*server.credentials)]
        replies += ask(
            ftp, "SYST", "FEAT", "PWD", "TYPE I", "SIZE out/a.csv", "MDTM out/a.csv", "NOOP", "MODE S", "STRU F"
        )
        replies += ask(ftp, "CWD out", "CWD nowhere", "SIZE nothing", "SITE CHMOD 644 a.csv", "XFOO", "ALLO 5", "ABOR")
        replies += ask(ftp, "OPTS UTF8 ON", "HELP", "SITE HELP", "TYPE A", "TYPE X")
        ftp.retrlines("LIST", lambda _: None)
        ftp.nlst()
        replies += [ftp.retrbinary("RETR a.csv", lambda _: None), ftp.retrbinary("RETR a.csv", lambda _: None, rest=3)]
        replies += [ftp.retrlines("RETR a.csv", lambda _: None), ftp.storbinary("STOR new", io.BytesIO(b"12345"))]
        replies += [ftp.storbinary("APPE new", io.BytesIO(b"12345"))]
        ftp.sendcmd("EPSV")
        replies += ask(
            ftp, "RETR nothing", "MKD d", "MKD d", "RMD d", "RMD d", "RNFR new", "RNTO old", "DELE old", "DELE old"
        )
        return [*replies, *ask(ftp, "CDUP", "RNFR nothing", "QUIT")]


@pytest.fixture
def recording(peer: Peer, tmp_path: Path) -> Path:
    """The recording of a client at work on a real server, which has ended before a test begins."""
    path = tmp_path / "real.ftp.jsonl"
    (peer.root / "out").mkdir()
    for name, content in (("a.csv", b"a,b\n1,2\n"), ("b.bin", LARGE)):
        (peer.root / "out" / name).write_bytes(content)
        os.utime(peer.root / "out" / name, (OLD, OLD))
    with FtpServer(upstream=f"ftp://{peer.user}:{peer.password}@{peer.host}:{peer.port}") as proxy, proxy.record(path):
        work(proxy)
    peer.stop()
    return path


def through_a_proxy(learnt: FtpServer, path: Path) -> None:
    """Record the same client at a learnt server as it was recorded at the real one."""
    user, password = learnt.credentials
    host, port = learnt.address
    with FtpServer(upstream=f"ftp://{user}:{password}@{host}:{port}") as proxy, proxy.record(path):
        work(proxy)


def test_the_recorded_client_gets_the_same_codes_and_texts(recording: Path, tmp_path: Path) -> None:
    """Both recordings are the same, but for columns and order in listings, and for sums of a server on its sessions."""
    with FtpServer.from_recording(recording) as server:
        through_a_proxy(server, tmp_path / "learnt.ftp.jsonl")

    found = compare(load(recording), load(tmp_path / "learnt.ftp.jsonl"))
    other = [str(each) for each in found if each.what not in ("data of LIST", "data of NLST")]
    assert [text for text in other if "221-Goodbye. You uploaded" not in text] == []


def test_files_have_size_and_time_of_the_real_ones(recording: Path) -> None:
    """A file that was only listed is as long as the real one, and has zeros."""
    with FtpServer.from_recording(recording) as server:
        assert server.files == {"/out/a.csv": b"a,b\n1,2\n", "/out/b.bin": bytes(len(LARGE))}
        assert server.files.stat("/out/a.csv").modified == OLD
        assert server.files.directories == ["/out"]


def test_a_client_of_another_kind_meets_the_same_server(recording: Path, kind: type[Peer]) -> None:
    """Active mode and EPSV, another order, other names, MLSD where FEAT has it: with the words of the real server."""
    recorded = {line for line in recording.read_text().split("\n") if '"<"' in line}
    with FtpServer.from_recording(recording) as server, ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.set_pasv(False)
        if "MLSD" in kind.lacks:
            assert ask(ftp, "MLSD", "XBAR") == ["500 Unknown command.", "500 Unknown command."]
        else:
            names = {name: facts.get("size") for name, facts in ftp.mlsd("/out") if facts["type"] == "file"}
            assert names == {"a.csv": "8", "b.bin": str(len(LARGE))}
        assert [entry.size for entry in listed(ftp, "LIST /out")] == [8, len(LARGE)]
        [missing, made] = ask(ftp, "CWD elsewhere", "MKD other")
        received = io.BytesIO()
        ftp.retrbinary("RETR out/a.csv", received.write)

    assert received.getvalue() == b"a,b\n1,2\n"
    assert any(missing.replace("elsewhere", "nowhere") in line for line in recorded), missing
    quoted = made.replace("/other", "/out/d").replace("other", "d").replace('"', '\\"')
    assert any(quoted in line for line in recorded), made


def test_a_retry_after_a_fault(recording: Path, tmp_path: Path) -> None:
    """The program curl resumes a download that was cut, on a server that never failed like that."""
    target = tmp_path / "got.csv"
    with FtpServer.from_recording(recording, faults=["RETR #1: drop_data after_bytes=2"]) as server:
        user, password = server.credentials
        curl = ["curl", "--silent", "--show-error", "--user", f"{user}:{password}", "--continue-at", "-"]
        for expected in (18, 0):
            assert subprocess.run([*curl, "-o", target, f"{server.url_for('/out/a.csv')}"]).returncode == expected
        server.log.assert_sent("REST 2 -> 350")

    assert target.read_bytes() == b"a,b\n1,2\n"
