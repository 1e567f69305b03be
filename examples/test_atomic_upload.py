"""Assertions on files: a job that uploads reports so that no reader ever sees half of one.

The partner reads everything in /in that ends with .csv, at any moment. So a report is uploaded under another name, and
renamed when all of it is there.
"""

from __future__ import annotations

import ftplib
from collections.abc import Mapping
from io import BytesIO

import pytest

from ftpfixture import FtpServer

REPORTS = {"/in/monday.csv": b"a,1\r\n", "/in/tuesday.csv": b"b,2\r\n"}

# The code under test.


def upload(server: FtpServer, reports: Mapping[str, bytes]) -> None:
    """Upload reports, each under another name at first; one that the server refuses for now is tried once more."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        for path, content in reports.items():
            try:
                ftp.storbinary(f"STOR {path}.tmp", BytesIO(content))
            except ftplib.error_temp:
                ftp.storbinary(f"STOR {path}.tmp", BytesIO(content))
            ftp.rename(f"{path}.tmp", path)


# Its tests.


def test_all_reports_arrive(ftp_server: FtpServer) -> None:
    upload(ftp_server, REPORTS)

    assert ftp_server.files.below("/in") == REPORTS
    assert ftp_server.files.text("/in/monday.csv") == "a,1\r\n"


def test_no_reader_sees_half_of_a_report(ftp_server: FtpServer) -> None:
    upload(ftp_server, REPORTS)

    final_names = ftp_server.log.assert_uploaded_atomically(suffix=".tmp")

    assert final_names == list(REPORTS)


def test_reports_are_sent_once_and_as_they_are(ftp_server: FtpServer) -> None:
    upload(ftp_server, REPORTS)

    ftp_server.log.assert_uploads({f"{path}.tmp": content for path, content in REPORTS.items()})
    ftp_server.log.assert_no_path_transferred_twice()
    ftp_server.log.assert_transferred("/in/*.tmp", direction="upload", type="I", mode="passive", offset=0)


@pytest.mark.ftp(faults=["STOR times=1: reset_data after_bytes=2"])
def test_an_upload_that_was_cut_does_not_count(ftp_server: FtpServer) -> None:
    upload(ftp_server, REPORTS)

    ftp_server.log.assert_uploads({f"{path}.tmp": content for path, content in REPORTS.items()})
    assert [transfer.completed for transfer in ftp_server.log.transfers] == [False, True, True]


def test_the_careless_way_is_noticed(ftp_server: FtpServer) -> None:
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary("STOR /in/monday.csv", BytesIO(REPORTS["/in/monday.csv"]))

    with pytest.raises(AssertionError, match="never renamed"):
        ftp_server.log.assert_uploaded_atomically("/in/monday.csv")
    assert [advice.rule for advice in ftp_server.log.advice()] == ["straight-upload"]
