"""A program that replaces a file at its partner's: tests assert which commands it sends, and in which order."""

from __future__ import annotations

import ftplib
from io import BytesIO

import pytest

from ftpfixture import FtpServer, sent


def replace(host: str, port: int, user: str, password: str, name: str, data: bytes) -> None:
    """Upload a file under another name, and rename it when it is complete."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(host, port)
        ftp.login(user, password)
        ftp.cwd("/in")
        ftp.storbinary(f"STOR {name}.tmp", BytesIO(data))
        ftp.rename(f"{name}.tmp", name)


pytestmark = pytest.mark.ftp(files={"/in/": None})


def test_upload_and_rename(ftp_server: FtpServer) -> None:
    """The file is stored under another name; paths are told absolutely, although the client sent names."""
    replace(*ftp_server.address, *ftp_server.credentials, "report.csv", b"a,b\n")

    log = ftp_server.log
    log.assert_sequence("STOR /in/report.csv.tmp -> 226", "RNFR", "RNTO /in/report.csv -> 250", "QUIT")
    log.assert_sequence("RNFR", "RNTO", strict=True)
    log.assert_order("TYPE I", before="UPLOADS")
    log.assert_not_sent("UPLOADS /in/report.csv")
    log.assert_sent(sent("UPLOADS", reply="2xx", offset=0), times=1)


def test_nothing_else_is_sent(ftp_server: FtpServer) -> None:
    """The whole dialogue is known."""
    replace(*ftp_server.address, *ftp_server.credentials, "report.csv", b"a,b\n")

    ftp_server.log.assert_exactly(
        ["USER", "PASS", "CWD /in", "TYPE I", "PASSIVE", "STOR -> 226", "RNFR -> 350", "RNTO -> 250", "QUIT"]
    )


@pytest.mark.ftp(faults=["STOR: answer 552 'Quota exceeded'"])
def test_it_stops_at_an_error(ftp_server: FtpServer) -> None:
    """After the refused upload only QUIT is sent: nothing is renamed."""
    with pytest.raises(ftplib.error_perm, match="552"):
        replace(*ftp_server.address, *ftp_server.credentials, "report.csv", b"a,b\n")

    ftp_server.log.assert_nothing_after_error()


@pytest.mark.ftp(strict=True, loose=["LOGIN", "TYPE", "PASSIVE", "CWD", "QUIT"])
def test_the_partner_is_busy(ftp_server: FtpServer) -> None:
    """What must come is declared before; the server answers as the test says, and takes no other command."""
    ftp_server.expect("STOR", "/in/*.tmp").answer(450, "Busy, try again")

    with pytest.raises(ftplib.error_temp, match="450 Busy"):
        replace(*ftp_server.address, *ftp_server.credentials, "report.csv", b"a,b\n")
