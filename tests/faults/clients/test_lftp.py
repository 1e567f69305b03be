"""The program lftp as a witness: what it treats as lost, what it tries again, and where it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Program
from tests.clients.samples import LARGE, check, transfer

DATA = LARGE[:20_000]
TRIES = 3
SETTINGS = (
    "set cmd:fail-exit yes",
    f"set net:max-retries {TRIES}",
    "set net:reconnect-interval-base 1",  # with 0 it may wait for its timeout
    "set net:reconnect-interval-multiplier 1",
    "set ftp:ssl-allow no",
    "set ftp:prefer-epsv no",
    "set ftp:use-mdtm no",
    "set xfer:use-temp-file no",
)

pytestmark = [pytest.mark.illegal_replies, pytest.mark.ftp(files={"/in/a.bin": DATA}, wait_future_timeout=10)]


class Row(NamedTuple):
    """A fault; the complaint of lftp, or none; sessions and transfers; where it resumed; its timeout.

    With None for `rest` this may differ: after a 426 that it reads first, lftp discards bytes that it has not read.
    """

    fault: str
    complaint: str = ""
    sessions: int = 1
    transfers: int = 1
    rest: tuple[str, ...] | None = ()
    timeout: int = 20


GET = [
    Row("CONNECT times=1: service_unavailable", sessions=2),
    Row("CONNECT: close", "max-retries exceeded", sessions=TRIES, transfers=0),
    Row("PASS: answer 530", "Login failed: 530", transfers=0),
    Row("PASS times=1: reset", sessions=2),
    Row("FEAT: not_implemented"),
    Row("SIZE: not_implemented"),
    Row("SIZE: wrong_size 10", "file size decreased"),
    Row("PASV: not_implemented", sessions=2),  # it tries active mode next
    Row("PASV: malformed_address no-delimiter", sessions=2),
    Row("PASV times=1: refuse_data", sessions=2),
    Row("PASV: refuse_data", "Connection refused", sessions=TRIES, transfers=0),
    Row("PASV times=1: ignore_data", sessions=2, transfers=2, timeout=2),
    Row("PASV: wrong_address"),  # it sees that the address is private, and uses the server's
    Row("RETR: deny", "550 Permission denied"),
    Row("RETR times=1: answer 450", transfers=2),
    Row("RETR: drop_data", "max-retries exceeded", transfers=TRIES),
    Row("RETR times=1: drop_data after_bytes=1000", transfers=2, rest=None),
    Row("RETR times=1: reset_data after_bytes=1000", transfers=2, rest=None),
    Row("RETR times=1: stall_data after_bytes=1000", sessions=2, transfers=2, rest=("1000",), timeout=2),
    Row("RETR: truncate after_bytes=1000", "file size decreased"),
    Row("*: slice 1"),
]
PUT = [
    Row("STOR: answer 552", "552"),
    Row("STOR times=1: drop_data after_bytes=1000", sessions=2, transfers=2, rest=("1000",)),
    Row("STOR times=1: reset_data after_bytes=1000", sessions=2, transfers=2, rest=("1000",)),
    Row("STOR times=1: reply 451", transfers=1),
]


@pytest.fixture
def lftp(tmp_path: Path) -> Program:
    """The program without a settings file."""
    program = Program("lftp", tmp_path, "--norc", "-c")
    program.write("large.bin", LARGE)
    return program


def run(lftp: Program, server: FtpServer, command: str, row: Row | None = None) -> None:
    """Run a command in a new session; with a complaint it must fail."""
    complaint, timeout = (row.complaint, row.timeout) if row else ("", 20)
    script = [*SETTINGS, f"set net:timeout {timeout}", f"open {server.url}", command]
    assert complaint in lftp("; ".join(script), code=1 if complaint else 0).text


def check_tries(server: FtpServer, verb: str, row: Row) -> None:
    """Compare the log with what lftp should have tried."""
    server.faults.assert_fired()
    assert (len(server.log.sessions), len(server.log.find(verb))) == (row.sessions, row.transfers)
    assert row.rest in (None, tuple(record.argument for record in server.log.find("REST")))


@pytest.mark.each_once
@pytest.mark.parametrize("row", GET, ids=lambda row: row.fault)
def test_downloads(ftp_server: FtpServer, lftp: Program, row: Row) -> None:
    """Lftp tries again, in another way or from where it was, or reports why not; the next run works."""
    ftp_server.faults.add(row.fault)
    run(lftp, ftp_server, "get in/a.bin", row)
    check_tries(ftp_server, "RETR", row)
    if not row.complaint:
        assert lftp.read("a.bin") == DATA

    ftp_server.faults.clear()
    run(lftp, ftp_server, "get in/a.bin -o healthy.bin")
    assert lftp.read("healthy.bin") == DATA


@pytest.mark.each_once
@pytest.mark.parametrize("row", PUT, ids=lambda row: row.fault)
def test_uploads(ftp_server: FtpServer, lftp: Program, row: Row) -> None:
    """An upload resumes where the server lost it, or ends with the server's reply; the next run works."""
    ftp_server.faults.add(row.fault)
    run(lftp, ftp_server, "put large.bin -o in/b.bin", row)
    check_tries(ftp_server, "STOR", row)
    if not row.complaint:
        assert len(ftp_server.files["/in/b.bin"]) == len(LARGE)

    ftp_server.faults.clear()
    run(lftp, ftp_server, "put large.bin -o in/c.bin")
    check(transfer(ftp_server, "STOR"), LARGE)
