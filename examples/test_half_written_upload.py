"""An upload that breaks: who looks into the inbox must see all of a file or nothing of it.

Without the care a file has its final name from the first octet on. The other side takes what is there, half a report in
the middle of the upload or after a cut, and nothing ever tells it. So a file comes under another name, is looked at,
and is renamed, which happens at once.
"""

from __future__ import annotations

import ftplib
import io
from pathlib import PurePosixPath

import pytest

from ftpfixture import FtpServer

REPORT = b"".join(b"%d,apples\n" % number for number in range(1000))
PART = ".part"

# The code under test: one side delivers, the other takes what is there.


def deliver(ftp: ftplib.FTP, path: str, content: bytes) -> None:
    """Upload a file, which has its name only when it is whole.

    Raises:
        ftplib.Error, OSError, EOFError: It is not there; of an older one nothing was changed.
        ValueError: The server said that it has the file, and has not.
    """
    ftp.storbinary(f"STOR {path}{PART}", io.BytesIO(content))
    if ftp.size(path + PART) != len(content):
        raise ValueError(f"{path}: not all of it arrived")
    ftp.rename(path + PART, path)


def deliver_directly(ftp: ftplib.FTP, path: str, content: bytes) -> None:
    """The careless way."""
    ftp.storbinary(f"STOR {path}", io.BytesIO(content))


def take(server: FtpServer, directory: str) -> dict[str, bytes]:
    """What is in the inbox, by name; the consumer knows of nothing but names."""
    found = {}
    with connect(server) as ftp:
        for name in ftp.nlst(directory):
            if not name.endswith(PART):
                content = io.BytesIO()
                ftp.retrbinary(f"RETR {name}", content.write)
                found[PurePosixPath(name).name] = content.getvalue()
    return found


def connect(server: FtpServer) -> ftplib.FTP:
    """A session of one side."""
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(server.host, server.port)
    ftp.login(*server.credentials)
    return ftp


# Its tests.


def test_a_file_that_arrives_is_seen(ftp_server: FtpServer) -> None:
    with connect(ftp_server) as ftp:
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {"report.csv": REPORT}
    ftp_server.log.assert_sequence("STOR /in/report.csv.part -> 226", "RNFR", "RNTO /in/report.csv -> 250")


def test_nothing_is_seen_of_half_a_file(ftp_server: FtpServer) -> None:
    with (
        ftp_server.faults("STOR: reset_data after_bytes=2000"),
        pytest.raises(ftplib.all_errors),
        connect(ftp_server) as ftp,
    ):
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {}
    ftp_server.log.assert_not_sent("RNFR")

    with connect(ftp_server) as ftp:
        deliver(ftp, "/in/report.csv", REPORT)  # the rest of the last attempt is in nobody's way
    assert take(ftp_server, "/in") == {"report.csv": REPORT}


def test_the_careless_way_shows_half_a_file(ftp_server: FtpServer) -> None:
    with (
        ftp_server.faults("STOR: reset_data after_bytes=2000"),
        pytest.raises(ftplib.all_errors),
        connect(ftp_server) as ftp,
    ):
        deliver_directly(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {"report.csv": REPORT[:2000]}


def test_the_report_of_yesterday_stays_until_the_new_one_is_there(ftp_server: FtpServer) -> None:
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
def test_success_is_not_believed(ftp_server: FtpServer) -> None:
    with connect(ftp_server) as ftp, pytest.raises(ValueError, match="not all of it arrived"):
        deliver(ftp, "/in/report.csv", REPORT)

    assert take(ftp_server, "/in") == {}
    ftp_server.log.assert_sent("STOR -> 226")
