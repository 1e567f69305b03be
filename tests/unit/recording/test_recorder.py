"""What is recorded of real dialogues: each line of the wire, in its order, without secrets, the same in every run."""

from __future__ import annotations

import ftplib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ftpfixture import FtpServer, RecordingError, User
from ftpfixture.recording.format import Command, Data, Header, Note, Reply
from ftpfixture.recording.recorder import Recorder
from ftpfixture.recording.store import Recording, load, save
from tests.support.raw import RawClient

FILES = {"/a.txt": b"a,b\n1,2\n", "/long": b"x" * 5000, "/dir/": None}


@contextmanager
def recorded(server: FtpServer) -> Iterator[Callable[[], Recording]]:
    """Record the dialogue of the server inside the block."""
    recorder = Recorder()
    server.server.hub.subscribe(recorder)

    def result() -> Recording:
        server.log.wait_until(lambda: all(one.closed_at is not None for one in server.log.sessions), 5)
        return server.driver.call(recorder.recording)

    yield result


def _session(server: FtpServer) -> None:
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login("ann", "s3cret!")
    ftp.retrbinary("RETR /a.txt", lambda _: None)
    ftp.set_pasv(False)
    ftp.storbinary("STOR /u.txt", io.BytesIO(b"1\r\n2\r\n"))
    ftp.quit()


@pytest.mark.ftp(files=FILES, users=[User("ann", "s3cret!")])
def test_a_session(ftp_server: FtpServer) -> None:
    """Commands, replies, data and the end are in order; ports, addresses, user and password are placeholders."""
    with recorded(ftp_server) as result:
        _session(ftp_server)
        recording = result()

    lines = recording.lines
    assert recording.header == Header(version=1, source="server", redacted=("password", "user"))
    assert [line.text for line in lines if isinstance(line, Command)] == [
        "USER {user}",
        "PASS {password}",
        "TYPE I",
        "PASV",
        "RETR /a.txt",
        "TYPE I",
        "PORT {address}",
        "STOR /u.txt",
        "QUIT",
    ]
    assert [line.opens for line in lines if isinstance(line, Command) and line.opens] == ["passive", "active"]
    assert "227 Entering Passive Mode ({address})." in [
        text for line in lines if isinstance(line, Reply) and line.lines for text in line.lines
    ]
    download, upload = (line for line in lines if isinstance(line, Data))
    assert (download.direction, download.number, download.text, download.end) == ("down", 1, "a,b\n1,2\n", "eof")
    assert (upload.direction, upload.number, upload.lines, upload.size) == ("up", 2, ("1", "2"), 6)
    assert lines[0] == Note(session=1, what="connected")
    assert lines[-1] == Note(session=1, what="closed", by="server", end="eof")


def test_the_same_session_twice_is_the_same_file(tmp_path: Path) -> None:
    """Two servers on two ports give the same recording."""
    paths = [tmp_path / "one.ftp.jsonl", tmp_path / "two.ftp.jsonl"]
    for path in paths:
        with FtpServer(files=FILES, users=[User("ann", "s3cret!")]) as server, recorded(server) as result:
            _session(server)
            save(path, result())

    assert paths[0].read_bytes() == paths[1].read_bytes()
    save(paths[1], load(paths[0]))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize(
    ("fault", "end", "size"),
    [
        ("RETR: drop_data after_bytes=3", "eof", 3),
        ("RETR: reset_data after_bytes=3", "rst", 3),
        ("RETR times=1: half_close_data after_bytes=3", "half-close", 3),
        ("RETR: truncate after_bytes=3", "eof", 3),
    ],
)
def test_how_data_connections_end(ftp_server: FtpServer, fault: str, end: str, size: int) -> None:
    """The recording has the end that the client got."""
    ftp_server.faults.add(fault)
    with recorded(ftp_server) as result:
        with RawClient(ftp_server.address) as client:
            client.login(*ftp_server.credentials)
            client.ask("TYPE I")
            data = client.passive()
            client.send("RETR /a.txt")
            ftp_server.log.wait_until(lambda: bool(ftp_server.faults.fired), 5)
            data.close()
        recording = result()

    (line,) = (line for line in recording.lines if isinstance(line, Data))
    assert (line.end, line.size) == (end, size)


def test_tls(tmp_path: Path) -> None:
    """Handshakes are recorded at their places, and data connections have their TLS version."""
    with FtpServer(tls="explicit", files=FILES) as server, recorded(server) as result:
        ftp = ftplib.FTP_TLS(context=server.tls.client_context(), timeout=10)
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.retrbinary("RETR /long", lambda _: None)
        ftp.quit()
        recording = result()

    kinds = [line.what for line in recording.lines if isinstance(line, Note)]
    assert kinds == ["connected", "tls", "closed"]
    (data,) = (line for line in recording.lines if isinstance(line, Data))
    assert (data.tls, data.blob, recording.content(data)) == ("TLSv1.3", True, FILES["/long"])
    save(tmp_path / "tls.ftp.jsonl", recording)
    assert load(tmp_path / "tls.ftp.jsonl") == recording


@pytest.mark.ftp(files={"/a.txt": b"the password is s3cret!"}, users=[User("ann", "s3cret!")])
def test_a_secret_in_a_file_is_not_written(ftp_server: FtpServer, tmp_path: Path) -> None:
    """The dialogue has placeholders; a secret in a file is an error with the line."""
    recorder = Recorder()
    ftp_server.server.hub.subscribe(recorder)
    with RawClient(ftp_server.address) as client:
        client.login("ann", "s3cret!")
        client.ask("TYPE I")
        client.fetch("RETR /a.txt")
        client.ask("MKD /s3cret!")

    ftp_server.log.wait_idle()
    recording = ftp_server.driver.call(recorder.recording)
    assert Command(session=1, text="MKD /{password}") in recording.lines
    with pytest.raises(
        RecordingError, match="nothing was written: this line would have the password as it is: the data"
    ):
        save(tmp_path / "x.ftp.jsonl", recording, recorder.secrets)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_text(ftp_server: FtpServer) -> None:
    """Bytes that are not UTF-8 are recorded as bytes, in commands and in replies."""
    ftp_server.faults.add("NOOP: answer_raw b'200 \\xff\\r\\n'")
    with recorded(ftp_server) as result:
        with RawClient(ftp_server.address) as client:
            client.login(*ftp_server.credentials)
            client.send(b"NOOP \xfe")
            client.reply()
        recording = result()

    assert Command(session=1, raw=b"NOOP \xfe") in recording.lines
    assert Reply(session=1, raw=b"200 \xff\r\n") in recording.lines


@pytest.mark.ftp(files={"/z": zlib.compress(b"a,b\n1,2\n"), "/plain": b"no zlib stream"})
def test_mode_z_of_a_proxy(ftp_server: FtpServer) -> None:
    """Compressed content is recorded before compression, and content that is no zlib stream unchanged."""
    recorder = Recorder("proxy")
    ftp_server.server.hub.subscribe(recorder)
    with RawClient(ftp_server.address) as client:
        client.login()
        client.ask("MODE Z")
        client.fetch("RETR /z")
        client.fetch("RETR /plain")
    ftp_server.log.wait_idle()
    recording = ftp_server.driver.call(recorder.recording)

    data = [line for line in recording.lines if isinstance(line, Data)]
    assert [(line.mode, line.text) for line in data] == [("Z", "a,b\n1,2\n"), ("S", "no zlib stream")]
