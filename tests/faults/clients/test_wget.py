"""The program wget as a witness: what it treats as lost, what it tries again, and where it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Program
from tests.clients.samples import LARGE

pytestmark = [pytest.mark.illegal_replies, pytest.mark.ftp(files={"/in/a.bin": LARGE[:20_000]}, wait_future_timeout=10)]

DATA = LARGE[:20_000]
NETWORK, LOGIN_DENIED, SERVER_ERROR = 4, 6, 8
TRIES = 3


class Row(NamedTuple):
    """A fault; the exit code; sessions and downloads; where it resumed."""

    fault: str
    code: int = 0
    sessions: int = 1
    downloads: int = 1
    rest: tuple[str, ...] = ()


TABLE = [
    Row("CONNECT times=1: service_unavailable", sessions=2),
    Row("CONNECT: close", NETWORK, sessions=TRIES, downloads=0),
    Row("PASS: answer 530", LOGIN_DENIED, downloads=0),
    Row("PASS times=1: close", sessions=2),
    Row("CWD: deny", SERVER_ERROR, downloads=0),
    Row("TYPE: answer 504", NETWORK, sessions=TRIES, downloads=0),
    Row("SIZE: not_implemented"),
    Row("PASV: not_implemented", SERVER_ERROR, downloads=0),
    Row("PASV: malformed_address no-delimiter", NETWORK, downloads=0),
    Row("PASV: refuse_data", NETWORK, downloads=0),
    Row("PASV: wrong_address 127.0.0.2", NETWORK, downloads=0),
    Row("PASV times=1: ignore_data", sessions=2, downloads=2),
    Row("RETR: deny", SERVER_ERROR),
    Row("RETR: answer 450", NETWORK, sessions=TRIES, downloads=TRIES),
    Row("RETR #1,2: answer 450", sessions=3, downloads=3),
    Row("RETR times=1: drop_data after_bytes=1000", downloads=2, rest=("1000",)),
    Row("RETR times=1: reset_data after_bytes=1000", downloads=2, rest=("1000",)),
    Row("RETR times=2: fail 426 after_bytes=1000", downloads=3, rest=("1000", "2000")),
    Row("RETR: fail 426 after_bytes=1000", NETWORK, downloads=TRIES, rest=("1000", "2000")),
    Row("RETR times=1: stall_data after_bytes=1000", sessions=2, downloads=2, rest=("1000",)),
    Row("*: slice 1"),
]


@pytest.fixture
def wget(tmp_path: Path) -> Program:
    """The program without settings and proxies; it tries again at once."""
    settings = ("--no-config", "--no-netrc", "--no-hsts", "--no-proxy", "-nv")
    return Program("wget", tmp_path, *settings, f"--tries={TRIES}", "--waitretry=0", "--timeout=2")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.fault)
def test_tries_again(ftp_server: FtpServer, wget: Program, row: Row) -> None:
    """Wget ends with the right code after its tries, and has the file."""
    ftp_server.faults.add(row.fault)
    wget(f"{ftp_server.url}/in/a.bin", code=row.code)
    ftp_server.faults.assert_fired()
    log = ftp_server.log
    assert (len(log.sessions), len(log.find("RETR"))) == (row.sessions, row.downloads)
    assert tuple(record.argument for record in log.find("REST")) == row.rest
    if row.code == 0:
        assert wget.tree() == {"a.bin": DATA}

    ftp_server.faults.clear()
    wget("-O", "healthy.bin", f"{ftp_server.url}/in/a.bin")
    assert wget.read("healthy.bin") == DATA


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        ("RETR: truncate after_bytes=1000", DATA[:1000]),
        ("RETR: pad b'more'", DATA + b"more"),
        ("SIZE: wrong_size 10", DATA),
        ("REST: shift_offset 10", DATA[:1000] + DATA[1010:]),
    ],
)
def test_undetected_losses(ftp_server: FtpServer, wget: Program, fault: str, content: bytes) -> None:
    """Wget believes the 226, although only the size shows the loss."""
    ftp_server.faults.add(fault)
    ftp_server.faults.add("RETR times=1: fail 426 after_bytes=1000" if "REST" in fault else "RETR: reply 226")
    wget(f"{ftp_server.url}/in/a.bin")
    assert wget.tree() == {"a.bin": content}
