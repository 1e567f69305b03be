"""An upload that breaks: a reader of the inbox must see either the whole file or no file.

With careless code a file has its final name from its first byte on. During the upload, or after a lost connection, the
reader takes half a report and cannot know it. So upload under another name, check the size, and rename: that is atomic.
"""

from __future__ import annotations

import ftplib
import io
from pathlib import PurePosixPath

import pytest

from ftpfixture import FtpServer

REPORT = b"".join(b"%d,apples\n" % number for number in range(1000))
PART = ".part"

# The code under test: one side delivers, the other reads the inbox.


def deliver(ftp: ftplib.FTP, path: str, content: bytes) -> None:
    """Upload a file; it gets its name only when it is complete.

    Raises:
        ftplib.Error, OSError, EOFError: It failed; an older file of this name is unchanged.
        ValueError: The server reported success, but has only a part of the file.
    """
    ftp.storbinary(f"STOR {path}{PART}", io.BytesIO(content))
    if ftp.size(path + PART) != len(content):
        raise ValueError(f"{path}: not all of it arrived")
    ftp.rename(path + PART, path)


def deliver_directly(ftp: ftplib.FTP, path: str, content: bytes) -> None:
    """Careless: the file has its name from its first byte on."""
    ftp.storbinary(f"STOR {path}", io.BytesIO(content))


def take(server: FtpServer, directory: str) -> dict[str, bytes]:
    """Read every file of the inbox that has its final name."""
    found = {}
    with connect(server) as ftp:
        for name in ftp.nlst(directory):
            if not name.endswith(PART):
                content = io.BytesIO()
                ftp.retrbinary(f"RETR {name}", content.write)
                found[PurePosixPath(name).name] = content.getvalue()
    return found


def connect(server: FtpServer) -> ftplib.FTP:
    """A session that is logged in."""
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(server.host, server.port)
    ftp.login(*server.credentials)
    return ftp


# Its tests.


def test_a_complete_file_is_seen(ftp_server: FtpServer) -> None:
    with connect(ftp_server) as ftp:
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {"report.csv": REPORT}
    ftp_server.log.assert_sequence("STOR /in/report.csv.part -> 226", "RNFR", "RNTO /in/report.csv -> 250")


def test_half_a_file_is_not_seen(ftp_server: FtpServer) -> None:
    with (
        ftp_server.faults("STOR: reset_data after_bytes=2000"),
        pytest.raises(ftplib.all_errors),
        connect(ftp_server) as ftp,
    ):
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {}
    ftp_server.log.assert_not_sent("RNFR")

    with connect(ftp_server) as ftp:
        deliver(ftp, "/in/report.csv", REPORT)  # the part of the last attempt is overwritten
    assert take(ftp_server, "/in") == {"report.csv": REPORT}


def test_careless_code_shows_half_a_file(ftp_server: FtpServer) -> None:
    with (
        ftp_server.faults("STOR: reset_data after_bytes=2000"),
        pytest.raises(ftplib.all_errors),
        connect(ftp_server) as ftp,
    ):
        deliver_directly(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {"report.csv": REPORT[:2000]}


def test_the_old_report_stays_until_the_new_one_is_complete(ftp_server: FtpServer) -> None:
    ftp_server.files["/in/report.csv"] = b"yesterday\n"

    with (
        ftp_server.faults("STOR: reset_data after_bytes=2000"),
        pytest.raises(ftplib.all_errors),
        connect(ftp_server) as ftp,
    ):
        deliver(ftp, "/in/report.csv", REPORT)
    assert take(ftp_server, "/in") == {"report.csv": b"yesterday\n"}

    with connect(ftp_server) as ftp:
        deliver(ftp, "/in/report.csv", REPORT)
    assert take(ftp_server, "/in") == {"report.csv": REPORT}


@pytest.mark.ftp(faults=["STOR: truncate after_bytes=2000"])
def test_false_success_is_noticed(ftp_server: FtpServer) -> None:
    with connect(ftp_server) as ftp, pytest.raises(ValueError, match="not all of it arrived"):
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {}
    ftp_server.log.assert_sent("STOR -> 226")
