"""Dialogues of logs as recordings: written and compared whole, or not at all."""

from __future__ import annotations

import ftplib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftpfixture import Client, CommandLog, ConfigurationError, FtpServer, RecordingError, ServerStateError
from ftpfixture.log.events import Hub
from tests.support.raw import RawClient


@pytest.fixture
def server() -> Iterator[FtpServer]:
    """A running server."""
    with FtpServer(files={"/a": b"1,2\n", "/secret": b"password"}) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where recordings are written."""
    return tmp_path / "new" / "feed.ftp.jsonl"


def fetch(server: FtpServer, name: str = "/a") -> bytes:
    """Download a file in a session of its own, and list the directory."""
    got: list[bytes] = []
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.retrbinary(f"RETR {name}", got.append)
        ftp.retrlines("LIST", lambda line: got.append(line.encode()))
    return b"".join(got)


@pytest.mark.parametrize("source", ["server", "proxy"])
def test_a_saved_log_is_a_recording(server: FtpServer, path: Path, source: str) -> None:
    """It is what `record` writes, it is replayed, and the same dialogue on another day matches it."""
    server.clock.move(864000)
    with FtpServer(**({"upstream": server.url} if source == "proxy" else {"files": {"/a": b"1,2\n"}})) as recorded:
        with recorded.record(path.with_name("other.ftp.jsonl")):
            through = fetch(recorded)
        recorded.log.save(path)
        assert path.read_bytes() == path.with_name("other.ftp.jsonl").read_bytes()

        recorded.log.clear()
        recorded.clock.move(259200)
        recorded.files["/a"] = b"1,2\n"
        fetch(recorded)
        recorded.log.assert_matches(path)
    with FtpServer(recording=path) as replayed:
        assert fetch(replayed) == through
    replayed.log.assert_matches(path)


def test_what_differs_is_shown(server: FtpServer, path: Path) -> None:
    """The assertion has each difference, and the dialogue."""
    fetch(server)
    server.log.save(path)
    server.log.clear()
    server.files["/a"] = b"1,3\n"
    fetch(server, "a")

    with pytest.raises(AssertionError) as caught:
        server.log.assert_matches(path)
    assert str(caught.value).startswith(
        f"the dialogue is not that of {path}; differences: 3\n"
        "    session 1, line 12: command: expected RETR /a; seen RETR a\n"
        "    session 1, line 13: reply to RETR /a: expected 150 Opening BINARY mode data connection for /a (4 bytes).; "
        "seen 150 Opening BINARY mode data connection for a (4 bytes).\n"
        "    session 1, line 14: data of RETR /a: expected '1,2' in line 1 (byte 1 of 4); seen '1,3' in line 1 (byte 1 "
        "of 4)\n"
        "when the new dialogue is right, 'pytest --ftp-update' writes it\n\nsession 2\n"
    )


def test_nothing_at_all(server: FtpServer, path: Path) -> None:
    """Without a client nothing is written, and nothing matches; a missing file is an error with the remedy."""
    with pytest.raises(ServerStateError, match=r"log\.save has nothing to write: no client connected"):
        server.log.save(path)
    with pytest.raises(AssertionError, match=r"expected the dialogue of .*, and no client connected"):
        server.log.assert_matches(path)
    fetch(server)
    with pytest.raises(AssertionError, match=f"{re.escape(str(path))} is not there: 'pytest --ftp-update' writes it"):
        server.log.assert_matches(path)
    assert not path.parent.exists()


def test_a_secret_is_not_written(server: FtpServer, path: Path) -> None:
    """A password in a transferred file is an error, and the file is not there."""
    fetch(server, "/secret")
    with pytest.raises(RecordingError, match="nothing was written: this line would have the password"):
        server.log.save(path)
    assert not path.exists()


def test_more_secrets(server: FtpServer, path: Path) -> None:
    """They are placeholders in the file, and match the same dialogue with another value."""
    for value in "t0ken", "other":
        server.log.clear()
        with RawClient(server.address) as client:
            client.login()
            client.ask(f"SITE {value}")
        redact = {"token": value}
        if not path.exists():
            server.log.save(path, redact=redact)
        server.log.assert_matches(path, redact=redact)
    assert '"SITE {token}"' in path.read_text()
    with pytest.raises(AssertionError, match=r"expected SITE \{token\}; seen SITE other"):
        server.log.assert_matches(path)
    with pytest.raises(ConfigurationError, match="redact takes names of lower-case letters"):
        server.log.save(path, redact={"TOKEN": "t0ken"})


def test_long_contents(path: Path) -> None:
    """They are in files of their own, and no other file is left."""
    with FtpServer(files={"/a": bytes(range(256)) * 300}) as server:
        content = fetch(server)
        server.log.save(path)
        server.log.assert_matches(path)
        server.log.save(path)
    assert sorted(one.name for one in path.parent.iterdir()) == ["feed.ftp.blobs", "feed.ftp.jsonl"]
    assert len([*(path.parent / "feed.ftp.blobs").iterdir()]) == 1
    with FtpServer(recording=path) as replayed:
        assert fetch(replayed) == content


def test_open_sessions_end_in_the_file(server: FtpServer, path: Path) -> None:
    """A dialogue may be saved while a client is connected."""
    with RawClient(server.address) as client:
        client.login()
        server.log.save(path)
        server.log.assert_matches(path)
    with FtpServer(recording=path) as replayed, RawClient(replayed.address) as client:
        client.login()
        client.read_to_the_end()


def test_a_log_that_is_not_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was cleared, forgotten or released is an error with the remedy, and nothing is written."""
    remedy = re.escape("put the part of the test that is about it into `with server.record(path):`")
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()
        server.log.clear()
        with pytest.raises(ServerStateError, match=rf"log\.save needs whole sessions, and log\.clear\(\).* {remedy}"):
            server.log.save(path)
    with FtpServer(log_limit=4) as server:
        for _ in range(4):
            RawClient(server.address).close()
        server.wait_idle()
        with pytest.raises(ServerStateError, match=f"needs the whole dialogue, and log_limit has cut it: {remedy}"):
            server.log.assert_matches(path)
    monkeypatch.setattr("ftpfixture.log.retention.CONTENT_LIMIT", 10)
    with FtpServer(files={"/a": b"x" * 9}) as server:
        fetch(server)
        with pytest.raises(ServerStateError, match=f"released 9 bytes, because it keeps .* bytes at most: {remedy}"):
            server.log.save(path)
    with pytest.raises(ServerStateError, match=r"log\.save is for the log of an FtpServer"):
        CommandLog(Hub(lambda: 0)).save(path)
    assert not path.exists()


async def test_in_a_coroutine(server: FtpServer, path: Path) -> None:
    """A dialogue that is over is saved and compared there, too."""
    async with Client.context(*server.address, *server.credentials) as client:
        await client.command("NOOP", "200")
    await server.log.wait_idle_async()
    server.log.save(path)
    server.log.assert_matches(path)
