"""`FtpServer.record`: a block is recorded, and replayed from the file without the server."""

from __future__ import annotations

import errno
import ftplib
import hashlib
import io
import os
import re
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ftpfixture import ConfigurationError, FtpServer, RecordingError
from ftpfixture.recording.format import Command, Data, Header, Line, Note, Reply
from ftpfixture.recording.format import Reply as Recorded
from ftpfixture.recording.store import Recording, load, save
from ftpfixture.wire.reply import Reply as Answer
from tests.support.raw import RawClient
from tests.support.rows import table

NOW = 1.8e9
FILES = {"/a.csv": b"a,b\n1,2\n", "/long": b"x" * 5000}


@pytest.fixture(params=["server", "proxy"])
def recorded(request: pytest.FixtureRequest) -> Iterator[FtpServer]:
    """A server that is recorded: one with files, and a proxy in front of it."""
    with FtpServer(files=FILES, users={"ann": "s3cret!"}, clock=lambda: NOW) as server:
        if request.param == "server":
            yield server
        else:
            with FtpServer(upstream=server.url) as proxy:
                yield proxy


def _session(server: FtpServer) -> list[bytes]:
    got: list[bytes] = []
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.retrbinary("RETR /a.csv", got.append)
        ftp.retrbinary("RETR /long", got.append)
        ftp.storbinary("STOR /b.csv", io.BytesIO(b"3,4\n"))
        ftp.retrlines("LIST", lambda line: got.append(line.encode()))
    return [b"".join(got)]


def test_what_was_recorded_is_replayed(recorded: FtpServer, tmp_path: Path) -> None:
    """The same client gets the same bytes with no server behind, and all of it is played."""
    path = tmp_path / "feed.ftp.jsonl"
    with recorded.record(path):
        through = _session(recorded)
    assert b"s3cret!" not in path.read_bytes()
    recorded.stop()

    with FtpServer(recording=path, clock=lambda: NOW) as replayed:
        assert _session(replayed) == through


def test_the_same_session_twice_is_the_same_file(recorded: FtpServer, tmp_path: Path) -> None:
    """The second session of a server gives the same file."""
    paths = [tmp_path / "one.ftp.jsonl", tmp_path / "two.ftp.jsonl"]
    for path in paths:
        with recorded.record(path):
            _session(recorded)
    assert paths[0].read_bytes() == paths[1].read_bytes()


SOME = ["MFMT 20200102030405 /{old}", "LIST", "MLSD", "MDTM /new", "MDTM /{old}"]


def _dates(server: FtpServer) -> list[bytes]:
    """What a client gets for each of the commands."""
    with RawClient(server.address) as client:
        client.login(*server.credentials)
        return [client.fetch(line)[1] if line in ("LIST", "MLSD") else client.ask(line).text.encode() for line in SOME]


@pytest.mark.ftp(files={"/new": b"new", "/{old}": b"old", **{f"/{number:0100}": b"" for number in range(50)}})
def test_recent_dates_are_those_of_the_replay(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Files that were new are new at the time of the first session, and older ones have the recorded dates."""
    path = tmp_path / "feed.ftp.jsonl"
    with ftp_server.record(path):
        recorded = _dates(ftp_server)

    later = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()
    with FtpServer(recording=path, clock=lambda: later) as replayed:
        _, rows, facts, new, old = got = _dates(replayed)
    assert (len(rows), len(new)) == (len(recorded[1]), len(recorded[3]))
    assert got[0] == recorded[0]
    assert (rows.count(b" Feb  3 04:05 "), rows.count(b" Jan  2  2020 {old}\r\n")) == (51, 1)
    assert (facts.count(b"modify=20310203040506;"), facts.count(b"modify=20200102030405;")) == (
        52,
        1,
    )  # one is of the directory
    assert (new, old) == (b"20310203040506", b"20200102030405")


@pytest.mark.ftp(files=FILES)
def test_sessions_that_run_at_the_same_time(ftp_server: FtpServer, tmp_path: Path) -> None:
    """They are written one after another, in the order in which they began."""
    path = tmp_path / "feed.ftp.jsonl"
    with (
        ftp_server.record(path),
        RawClient(ftp_server.address) as first,
        RawClient(ftp_server.address) as second,
    ):
        second.login(*ftp_server.credentials)
        first.login(*ftp_server.credentials)
        second.ask("NOOP")
    lines = load(path).lines
    assert [line.session for line in lines] == [1] * 9 + [2] * 11
    assert [line.text for line in lines if isinstance(line, Command)] == [
        *("USER {user}", "PASS {password}", "TYPE I"),
        *("USER {user}", "PASS {password}", "TYPE I", "NOOP"),
    ]


def test_only_sessions_of_the_block(recorded: FtpServer, tmp_path: Path) -> None:
    """A session that began before is not in the file; one that has not ended is, as far as it came."""
    path = tmp_path / "feed.ftp.jsonl"
    with RawClient(recorded.address) as before:
        before.login(*recorded.credentials)
        with recorded.record(path):
            before.ask("NOOP")
            open_ = RawClient(recorded.address)
            open_.login(*recorded.credentials)
        open_.ask("NOOP")
        open_.close()
    texts = [line.text for line in load(path).lines if isinstance(line, Command)]
    assert texts == ["USER {user}", "PASS {password}", "TYPE I"]


def test_nothing_is_written_when_the_block_fails(recorded: FtpServer, tmp_path: Path) -> None:
    """A test that fails leaves no recording, and no recorder."""

    def fail() -> None:
        with recorded.record(tmp_path / "feed.ftp.jsonl"):
            _session(recorded)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.listdir(tmp_path) == []


@pytest.mark.ftp(files={"/a": b"my s3cret! password"}, users={"ann": "s3cret!"})
def test_a_password_in_a_file(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Nothing is written, and the error names the line."""

    def record() -> None:
        with ftp_server.record(tmp_path / "feed.ftp.jsonl"), RawClient(ftp_server.address) as client:
            client.login("ann", "s3cret!")
            client.fetch("RETR /a")

    with pytest.raises(RecordingError, match="nothing was written: this line would have the password"):
        record()
    assert os.listdir(tmp_path) == []


GREETING = "Token t0k3n of 127.0.0.1"


def _replies(path: Path) -> list[tuple[str, ...] | None]:
    return [line.lines for line in load(path).lines if isinstance(line, Reply)]


@pytest.mark.ftp(welcome_message=GREETING, files={"/t0k3n/a": b"1", "/b": b"t0k3n"})
def test_more_secrets(ftp_server: FtpServer, tmp_path: Path) -> None:
    """They have placeholders everywhere, their names are the replayed values, and a content with one is not written."""
    path = tmp_path / "feed.ftp.jsonl"

    def session(server: FtpServer, name: str, token: str) -> bytes:
        with RawClient(server.address) as client:
            client.login(*server.credentials)
            return client.fetch(name.format(token=token))[1]

    with FtpServer(upstream=ftp_server.url) as proxy, proxy.record(path, redact={"token": "t0k3n"}):
        assert session(proxy, "RETR /{token}/a", "t0k3n") == b"1"
    lines = load(path)
    assert lines.header.redacted == ("host", "password", "token", "user")
    assert _replies(path)[0] == ("220 Token {token} of {host}",)
    assert b"t0k3n" not in path.read_bytes()
    assert b"127.0.0.1" not in path.read_bytes()

    with FtpServer(recording=path) as replayed:
        with RawClient(replayed.address) as client:
            assert client.reply() == Answer("220", ("Token token of 127.0.0.1",))
        assert session(replayed, "RETR /{token}/a", "other") == b"1"

    with (
        pytest.raises(RecordingError, match="would have the token as it is: the data of transfer 1 in session 1"),
        ftp_server.record(path, redact={"token": "t0k3n"}),
    ):
        session(ftp_server, "RETR /b", "")


@table(
    ("arguments", "text"),
    [
        ({"redact": {"Token": "x"}}, "redact takes names of lower-case letters and _, such as token, not 'Token'"),
        ({"redact": {"port": "x"}}, "redact takes another name: a recording has this one for a text that is no secret"),
        ({"redact": {"rate": "x"}}, "redact takes another name"),
        ({"redact": {"token": ""}}, "redact['token'] takes the text that the placeholder stands for, not ''"),
        ({"loose": ["RETR"]}, "RETR cannot be loose, because later commands depend on it"),
        ({"loose": "*"}, "* cannot be loose"),
        ({"loose": ["NOPE"]}, "the server has no command 'NOPE': did you mean 'NOOP'?"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], text: str) -> None:
    """The error comes before the block begins."""
    with FtpServer() as server, pytest.raises(ConfigurationError, match=re.escape(text)):
        server.record("never.ftp.jsonl", **arguments).__enter__()


def test_loose_commands(ftp_server: FtpServer, tmp_path: Path) -> None:
    """They are in the header, and a replay takes them at any time."""
    path = tmp_path / "feed.ftp.jsonl"
    with ftp_server.record(path, loose=("noop", "SYST|FEAT")), RawClient(ftp_server.address) as client:
        client.login(*ftp_server.credentials)
        syst = client.ask("SYST")
    assert load(path).header.loose == ("NOOP", "SYST", "FEAT")

    with FtpServer(recording=path) as replayed, RawClient(replayed.address) as client:
        client.login(*replayed.credentials)
        assert client.ask("NOOP") == Answer("200", ("OK",))
        assert [client.ask("SYST") for _ in range(2)] == [syst, syst]


def test_times(ftp_server: FtpServer, tmp_path: Path) -> None:
    """With `timing` each line has the milliseconds since its session began; without it none has."""
    path = tmp_path / "feed.ftp.jsonl"
    for timing in (True, False):
        with ftp_server.record(path, timing=timing), RawClient(ftp_server.address) as client:
            client.login(*ftp_server.credentials)
        times = [line.ms for line in load(path).lines]
        if timing:
            assert times[0] == 0
            assert times == sorted(time for time in times if time is not None)
        else:
            assert set(times) == {None}


LARGE = bytes(range(256)) * 40_000  # 10 MB: several pieces


@pytest.mark.parametrize("mode", ["S", "Z"])
def test_large_transfers(ftp_server: FtpServer, tmp_path: Path, mode: str) -> None:
    """Through a proxy, in both directions, and replayed: the same bytes, in a blob, and no other file beside it."""
    path = tmp_path / "feed.ftp.jsonl"
    ftp_server.files["/a"] = LARGE

    def session(server: FtpServer) -> bytes:
        with RawClient(server.address) as client:
            client.login(*server.credentials)
            assert client.code(f"MODE {mode}") == "200"
            received = client.fetch("RETR /a")[1]
            client.store("STOR /b", received)
            return received

    with FtpServer(upstream=ftp_server.url) as proxy, proxy.record(path):
        through = session(proxy)
    assert (zlib.decompress(through) if mode == "Z" else through) == LARGE
    data = [line for line in load(path).lines if isinstance(line, Data)]
    digest = hashlib.sha256(LARGE).hexdigest()
    assert [(line.direction, line.size, line.sha256, line.blob) for line in data] == [
        ("down", len(LARGE), digest, True),
        ("up", len(LARGE), digest, True),
    ]
    assert sorted(os.listdir(tmp_path)) == ["feed.ftp.blobs", "feed.ftp.jsonl"]
    assert [blob.read_bytes() == LARGE for blob in (tmp_path / "feed.ftp.blobs").iterdir()] == [True]

    with FtpServer(recording=path) as replayed:
        assert session(replayed) == through


@pytest.mark.ftp(files={"/a": LARGE})
def test_an_interrupted_recording(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a transfer: no file is left, neither of the recording nor of its bodies."""

    def record() -> None:
        with ftp_server.record(tmp_path / "feed.ftp.jsonl"), RawClient(ftp_server.address) as client:
            client.login(*ftp_server.credentials)
            data = client.passive()
            client.also(data)
            client.send("RETR /a")
            assert data.recv(100_000)
            ftp_server.log.wait_until(lambda: ftp_server.log.transfers[0].size > 0, 5)
            ftp_server.driver.call(lambda: None)  # the recorder has the piece too
            assert any(name.startswith(".feed.ftp.jsonl.") for name in os.listdir(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert os.listdir(tmp_path) == []


@pytest.mark.ftp(files={"/a": LARGE})
def test_a_full_disk(ftp_server: FtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transfer is complete, the recording fails with the reason, and no file is left."""
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("ftpfixture.recording.spool._write", Mock(side_effect=full))

    def record() -> None:
        with ftp_server.record(tmp_path / "feed.ftp.jsonl"), RawClient(ftp_server.address) as client:
            client.login(*ftp_server.credentials)
            assert client.fetch("RETR /a")[1] == LARGE
            assert client.code("NOOP") == "200"

    with pytest.raises(OSError, match="No space left on device"):
        record()
    assert os.listdir(tmp_path) == []
    ftp_server.check()


def test_a_recording_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transfer of 48 MiB from disk through a proxy, and replayed: neither the log nor the recorder holds it whole."""
    most = 1 << 22
    monkeypatch.setattr("ftpfixture.log.retention.CONTENT_LIMIT", most)
    monkeypatch.setattr("ftpfixture.recording.forwarding.CONTENT_LIMIT", most)
    monkeypatch.setattr("ftpfixture.recording.replay.CONTENT_LIMIT", most)
    monkeypatch.setattr("ftpfixture.testing.ftpserver.CONTENT_LIMIT", most)
    path, root = tmp_path / "feed.ftp.jsonl", tmp_path / "root"
    root.mkdir()
    (root / "large").write_bytes(bytes(1 << 20) * 48)

    def session(server: FtpServer) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with RawClient(server.address) as client:
            client.login(*server.credentials)
            data = client.passive()
            client.also(data)
            client.send("RETR /large")
            while piece := data.recv(1 << 18):
                digest.update(piece)
                size += len(piece)
        return size, digest.hexdigest()

    tracemalloc.start()
    try:
        with FtpServer(root=root) as real, FtpServer(upstream=real.url) as proxy, proxy.record(path):
            through = session(proxy)
        with FtpServer(recording=path) as replayed:
            assert session(replayed) == through
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert through[0] == 48 << 20
    assert peak < 24 << 20


def test_original_timing(tmp_path: Path) -> None:
    """Replies wait by the clock of the server as long as they were recorded, and no longer than it takes to stop."""
    path = tmp_path / "feed.ftp.jsonl"
    lines: list[Line] = [
        Note(session=1, what="connected", ms=0),
        Recorded(session=1, lines=("220 Hi",), ms=0),
        Command(session=1, text="NOOP", ms=10),
        Recorded(session=1, lines=("200 OK",), ms=300_010),
        Command(session=1, text="SYST", ms=300_020),
        Recorded(session=1, lines=("215 UNIX",), ms=600_020),
        Note(session=1, what="closed", by="client", ms=600_030),
    ]
    save(path, Recording(Header(version=1, source="proxy"), tuple(lines)))

    with FtpServer(recording=path, replay_timing=True, allow_unplayed=True) as server:
        server.clock.freeze()
        with RawClient(server.address) as client:
            client.reply()
            client.send("NOOP")
            server.log.wait_until(lambda: len(server.log.commands) == 1, 5)
            server.clock.move(299)
            assert server.log.commands[0].code == ""
            server.clock.move(1)
            assert client.reply().code == "200"
            client.send("SYST")
            server.log.wait_until(lambda: len(server.log.commands) == 2, 5)
    assert server.log.commands[1].code in ("", "421")


def test_timing_without_times(ftp_server: FtpServer, tmp_path: Path) -> None:
    """It is an error with what to do; without the setting, times of a recording mean nothing."""
    path = tmp_path / "feed.ftp.jsonl"
    with ftp_server.record(path), RawClient(ftp_server.address) as client:
        client.login(*ftp_server.credentials)
    with pytest.raises(ConfigurationError, match=re.escape("record it again with record(path, timing=True)")):
        FtpServer(recording=path, replay_timing=True)
    with pytest.raises(ConfigurationError, match="replay_timing= is for a server with a recording"):
        FtpServer(replay_timing=True)
