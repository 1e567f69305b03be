"""A connection that is lost in the middle of a file: the next session resumes the download or upload where it ended.

With careless code a large file starts again each time and never arrives, or a part of it passes for the whole. In an
upload only the server knows how much has arrived: bytes that were sent may be lost, and resuming after them leaves a
gap.
"""

from __future__ import annotations

import ftplib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ftpfixture import FtpServer, on

CONTENT = random.Random(1).randbytes(400_000)

# The code under test.


class Incomplete(Exception):
    """Only a part of the file has arrived; it is kept, and the next call continues from there."""


@contextmanager
def session(server: FtpServer) -> Iterator[ftplib.FTP]:
    """A session for one attempt: in the old one, replies may still be on their way."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        ftp.voidcmd("TYPE I")  # offsets and sizes are those of TYPE I
        yield ftp


def download(server: FtpServer, path: str, target: Path, attempts: int = 3) -> None:
    """Download a file in up to `attempts` sessions; only its size proves that it is complete."""
    for _ in range(attempts):
        try:
            with session(server) as ftp, target.open("ab") as file:
                ftp.retrbinary(f"RETR {path}", file.write, rest=file.tell() or None)
                if file.tell() == ftp.size(path):
                    return
        except (ftplib.error_temp, OSError, EOFError):
            continue
    raise Incomplete(path)


def upload(server: FtpServer, source: Path, path: str, attempts: int = 3) -> None:
    """Upload a new file in up to `attempts` sessions; each asks the server where to continue."""
    for _ in range(attempts):
        try:
            with session(server) as ftp, source.open("rb") as file:
                file.seek(uploaded(ftp, path))
                ftp.storbinary(f"APPE {path}", file)
                if uploaded(ftp, path) == file.tell():
                    return
        except (ftplib.error_temp, OSError, EOFError):
            continue
    raise Incomplete(path)


def uploaded(ftp: ftplib.FTP, path: str) -> int:
    """The size of the file on the server in bytes."""
    try:
        return ftp.size(path) or 0
    except ftplib.error_perm:  # 550: there is no such file
        return 0


# Its tests.


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "film"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    return source


def test_download_resumes_after_a_close(ftp_server: FtpServer, target: Path) -> None:
    ftp_server.files["/out/film"] = CONTENT
    ftp_server.faults.add(on("RETR").times(1).drop_data(at=0.5))

    download(ftp_server, "/out/film", target)

    assert target.read_bytes() == CONTENT
    assert [(one.offset, one.size) for one in ftp_server.log.transfers] == [(0, 200_000), (200_000, 200_000)]


def test_download_resumes_after_a_reset(ftp_server: FtpServer, target: Path) -> None:
    ftp_server.files["/out/film"] = CONTENT
    ftp_server.faults.add(on("RETR").times(1).reset_data(at=0.5))

    download(ftp_server, "/out/film", target)

    assert target.read_bytes() == CONTENT
    cut, rest = ftp_server.log.transfers
    assert rest.offset <= cut.size == 200_000  # a reset may discard bytes that were on their way
    ftp_server.log.assert_sequence("RETR -> 426", "RETR -> 226", session="any")


def test_false_success_is_noticed(ftp_server: FtpServer, target: Path) -> None:
    ftp_server.files["/out/film"] = CONTENT
    ftp_server.faults.add("RETR times=1: truncate at=50%")  # 226 for half a file

    download(ftp_server, "/out/film", target)

    assert target.read_bytes() == CONTENT
    ftp_server.log.assert_sent("RETR -> 226", times=2)


def test_the_part_is_kept_for_the_next_call(ftp_server: FtpServer, target: Path) -> None:
    ftp_server.files["/out/film"] = CONTENT
    with ftp_server.faults("RETR: drop_data after_bytes=1000"), pytest.raises(Incomplete):  # of each attempt
        download(ftp_server, "/out/film", target)
    assert target.read_bytes() == CONTENT[:3000]

    download(ftp_server, "/out/film", target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("cut", ["drop_data", "reset_data"])
def test_upload_resumes_at_the_size_on_the_server(ftp_server: FtpServer, source: Path, cut: str) -> None:
    ftp_server.faults.add(f"APPE times=1: {cut} after_bytes=1000")

    upload(ftp_server, source, "/in/film")

    assert ftp_server.files["/in/film"] == CONTENT
    ftp_server.log.assert_sequence("SIZE -> 550", "APPE -> 426", "SIZE -> 213", "APPE -> 226", session="any")


def test_careless_code_leaves_a_gap(ftp_server: FtpServer, source: Path) -> None:
    ftp_server.faults.add("APPE times=1: drop_data after_bytes=1000")

    with source.open("rb") as file:
        with pytest.raises((ftplib.error_temp, OSError)), session(ftp_server) as ftp:
            ftp.storbinary("APPE /in/film", file)
        sent = file.tell()  # not the reply to SIZE
        with session(ftp_server) as ftp:
            ftp.storbinary("APPE /in/film", file)

    assert sent > 1000
    assert ftp_server.files["/in/film"] == CONTENT[:1000] + CONTENT[sent:]
