"""Two servers in one test, each with its own users, files and log."""

from __future__ import annotations

import ftplib
from io import BytesIO

from ftpfixture import FtpServer, FtpServerFactory


def copy(source: FtpServer, target: FtpServer, path: str) -> None:
    """The code under test: copy a file from server to server."""
    with ftplib.FTP() as reader, ftplib.FTP() as writer:
        for ftp, server in ((reader, source), (writer, target)):
            ftp.connect(*server.address)
            ftp.login(*server.credentials)
        content = BytesIO()
        reader.retrbinary(f"RETR {path}", content.write)
        content.seek(0)
        writer.storbinary(f"STOR {path}", content)


def test_copy_from_server_to_server(ftp_server_factory: FtpServerFactory) -> None:
    old = ftp_server_factory(users={"ann": "old secret"}, files={"/report.csv": b"a,b\n"})
    new = ftp_server_factory(users={"bob": "new secret"}, files={})

    copy(old, new, "/report.csv")

    assert new.files == {"/report.csv": b"a,b\n"}
    old.log.assert_not_sent("STOR")
    new.log.assert_sequence("USER bob", "STOR /report.csv -> 226")
