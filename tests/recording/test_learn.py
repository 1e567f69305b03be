"""A living server from the recording of another one of ours: other clients, other commands, faults."""

from __future__ import annotations

import ftplib
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.compare import compare
from ftpfixture.recording.store import load
from tests.support.kept_recordings import DATA, KEPT
from tests.support.recorded_clients import CLIENTS

LARGE = bytes(range(256)) * 40
FILES = {"/out/a.csv": b"a,b\n1,2\n", "/out/old/x.bin": LARGE, "/in/": None}

SHAPES = re.compile(r"data of (LIST|NLST|MLSD)\b|reply to (OPTS )?MLST\b")
"""Differences in columns and facts."""


def noon() -> float:
    """The time of all servers, so that recent dates are the same."""
    return 1_800_000_000.0


def work(server: FtpServer) -> object:
    """A client that lists, downloads, uploads, renames and removes."""
    received: list[bytes | str] = []
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        for command in ("SYST", "FEAT", "PWD", "TYPE I", "SIZE /out/a.csv", "MDTM /out/a.csv", "NOOP", "STAT"):
            received.append(ftp.sendcmd(command))
        ftp.cwd("/out")
        ftp.retrlines("LIST", received.append)
        ftp.retrlines("LIST old", received.append)
        received += ftp.mlsd(facts=["type", "size", "modify"])  # type: ignore[arg-type]
        ftp.retrbinary("RETR a.csv", received.append)
        ftp.retrbinary("RETR old/x.bin", received.append, rest=10_000)
        for command in ("RETR nothing", "CWD nowhere", "SIZE nothing", "DELE nothing", "XFOO", "MKD /out"):
            with pytest.raises(ftplib.error_perm) as refused:
                ftp.sendcmd(command)
            received.append(str(refused.value))
        ftp.storbinary("STOR /in/up", io.BytesIO(b"12345"))
        received += [ftp.rename("/in/up", "/in/b"), ftp.size("/in/b"), ftp.delete("a.csv"), ftp.mkd("new"), ftp.quit()]  # type: ignore[list-item]
    return received


def changed(server: FtpServer) -> list[str]:
    """A client of another kind: other commands, another order, another mode."""
    names: list[str] = []
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.set_pasv(False)
        names += ftp.nlst("/out/old")
        received = io.BytesIO()
        ftp.retrbinary("RETR /out/a.csv", received.write, rest=4)
        names.append(received.getvalue().decode())
    return names


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The recording of a client at work."""
    path = tmp_path / "work.ftp.jsonl"
    with FtpServer(
        files=FILES, system="Windows_NT", list_style="msdos4", welcome_message=["one", "two"], clock=noon
    ) as server:
        server.files.set("/out/a.csv", b"a,b\n1,2\n", modified=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp())
        with server.record(path):
            work(server)
    return path


@pytest.mark.illegal_replies
def test_the_recorded_client_gets_the_same_from_the_tape_and_from_the_living_server(recording: Path) -> None:
    """Both servers give it the same; the recordings differ in nothing."""
    again = recording.with_name("again.ftp.jsonl")
    with FtpServer(recording=recording, clock=noon) as tape:
        played = work(tape)
    with FtpServer.from_recording(recording, clock=noon) as server, server.record(again):
        assert work(server) == played

    assert [str(difference) for difference in compare(load(recording), load(again))] == []


def test_the_files_are_those_before_the_recording(recording: Path) -> None:
    """What the client removed is there, and what it uploaded is not; bytes before a restart point are zeros."""
    with FtpServer.from_recording(recording) as server:
        assert server.files == {
            "/out/a.csv": b"a,b\n1,2\n",
            "/out/old/x.bin": bytes(10_000) + LARGE[10_000:],
        }
        assert server.files.directories == ["/in", "/out", "/out/old"]
        assert server.files.stat("/out/a.csv").modified == datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()


def test_a_client_may_do_something_else(recording: Path) -> None:
    """NLST for MLSD, PORT for PASV, another restart point."""
    with FtpServer.from_recording(recording) as server:
        assert changed(server) == ["/out/old/x.bin", "1,2\n"]


@pytest.mark.illegal_replies
@pytest.mark.parametrize("name", KEPT)
def test_programs_at_a_learnt_server(name: str, tmp_path: Path) -> None:
    """The recorded program sends the same commands and gets the same replies; only listings have other columns."""
    client, _, _, work = KEPT[name]
    path, again = DATA / f"{name}.ftp.jsonl", tmp_path / "again.ftp.jsonl"
    with FtpServer.from_recording(path) as server, server.record(again, redact={"host": server.host}):
        CLIENTS[client](work, server, tmp_path)

    found = [each for each in compare(load(path), load(again)) if not SHAPES.match(each.what)]
    assert [str(each) for each in found] == []


def test_faults_work_on_a_learnt_server(recording: Path) -> None:
    """A client that retries meets a fault that the recorded server never had."""
    with FtpServer.from_recording(recording, faults=["RETR #1: drop_data after_bytes=2"]) as server:
        with pytest.raises(ftplib.error_temp, match="426"):
            changed(server)
        assert changed(server) == ["/out/old/x.bin", "1,2\n"]
