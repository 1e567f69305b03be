"""Code that moves local files and uploads them: the test, the code and the server have one fake file system."""

import ftplib
from pathlib import Path

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem

from ftpfixture import FtpServer, FtpServerSettings


def publish(folder: str, server: FtpServer) -> None:
    """Upload all reports of a folder; each is moved away when it has arrived."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        for report in sorted(Path(folder).glob("*.csv")):
            with report.open("rb") as file:
                ftp.storbinary(f"STOR /upload/{report.name}", file)
            report.rename(report.parent / "sent" / report.name)


@pytest.fixture
def ftp_config() -> FtpServerSettings:
    """The files of the other examples are in memory; this server has those of the fake file system."""
    return {}


@pytest.fixture
def reports(fs: FakeFilesystem) -> FakeFilesystem:
    """Two reports that wait, and the folders of both sides."""
    for name in ("a.csv", "b.csv"):
        fs.create_file(f"/reports/{name}", contents=name)
    fs.create_dir("/reports/sent")
    fs.create_dir("/upload")
    return fs


def test_publish(reports: FakeFilesystem, ftp_fakefs: FtpServer) -> None:
    publish("/reports", ftp_fakefs)
    assert sorted(path.name for path in Path("/upload").iterdir()) == ["a.csv", "b.csv"]
    assert list(Path("/reports").glob("*.csv")) == []


@pytest.mark.ftp(faults=["STOR #2: drop_data after_bytes=2"])
def test_what_has_not_arrived_stays(reports: FakeFilesystem, ftp_fakefs: FtpServer) -> None:
    with pytest.raises((ftplib.Error, OSError, EOFError)):
        publish("/reports", ftp_fakefs)
    assert [path.name for path in Path("/reports").glob("*.csv")] == ["b.csv"]
