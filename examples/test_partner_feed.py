"""Tests of partner_feed.py: a real server in memory for each test, and no mock of ftplib anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.partner_feed import FeedError, Partner, session, sync
from ftpfixture import CommandLog, FtpServer, Permission, User

REPORT = b"day,files\n2024-05-01,2\n"


@pytest.fixture
def partner(ftp_server: FtpServer) -> Partner:
    return Partner(ftp_server.host, ftp_server.port, "user", "password", timeout=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "feed"
    folder.mkdir()
    return folder


@pytest.fixture
def report(tmp_path: Path) -> Path:
    report = tmp_path / "report.csv"
    report.write_bytes(REPORT)
    return report


# Files in, files out, and the dialogue.


def test_new_files_are_fetched(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    ftp_server.files["/out/orders.csv"] = b"1,apples\n"
    ftp_server.files["/out/prices.csv"] = b"apples,3\n"
    ftp_server.files.mkdir("/out/archive")
    (folder / "prices.csv").write_bytes(b"fetched last night")

    assert sync(partner, folder, report) == [folder / "orders.csv"]

    assert (folder / "orders.csv").read_bytes() == b"1,apples\n"
    assert (folder / "prices.csv").read_bytes() == b"fetched last night"
    ftp_server.log.assert_not_sent("RETR /out/prices.csv")


def test_report_is_uploaded_under_a_temporary_name(
    ftp_server: FtpServer, partner: Partner, folder: Path, report: Path
) -> None:
    sync(partner, folder, report)

    assert ftp_server.files == {"/in/report.csv": REPORT}
    ftp_server.log.assert_sequence(
        "USER", "PASS", "STOR /in/report.csv.part -> 226", "RNFR", "RNTO /in/report.csv -> 250", "QUIT"
    )


@pytest.mark.ftp(disable=["MLSD"], files={"/out/orders.csv": b"1,apples\n", "/out/archive/": None, "/in/": None})
def test_server_without_mlsd(ftp_log: CommandLog, partner: Partner, folder: Path, report: Path) -> None:
    assert sync(partner, folder, report) == [folder / "orders.csv"]

    ftp_log.assert_sequence("MLSD /out -> 502", "NLST /out -> 226", "SIZE /out/orders.csv -> 213", "RETR -> 226")


# Resuming.


def test_partial_download_is_resumed(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    ftp_server.files["/out/orders.csv"] = b"1,apples\n2,pears\n"
    (folder / "orders.csv.part").write_bytes(b"1,apples\n")

    sync(partner, folder, report)

    assert (folder / "orders.csv").read_bytes() == b"1,apples\n2,pears\n"
    transfer = ftp_server.log.assert_sent("RETR /out/orders.csv -> 226").transfer
    assert transfer is not None
    assert (transfer.offset, transfer.size) == (9, 8)


def test_partial_upload_is_resumed(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    ftp_server.files["/in/report.csv.part"] = REPORT[:10]

    sync(partner, folder, report)

    assert ftp_server.files == {"/in/report.csv": REPORT}
    listing, upload = ftp_server.log.transfers
    assert (listing.verb, listing.path) == ("MLSD", "/out")
    assert (upload.verb, upload.offset, upload.size) == ("STOR", 10, len(REPORT) - 10)


# Failures.


def test_wrong_password(ftp_server: FtpServer, folder: Path, report: Path) -> None:
    partner = Partner(ftp_server.host, ftp_server.port, "user", "guess")

    with pytest.raises(FeedError, match="530"):
        sync(partner, folder, report)

    ftp_server.log.assert_sent("PASS guess -> 530", times=1)
    ftp_server.log.assert_not_sent("MLSD")


@pytest.mark.ftp(users=[User("user", "password", permissions=[Permission("/"), Permission("/in", writable=False)])])
def test_inbox_is_read_only(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    with pytest.raises(FeedError, match="550"):
        sync(partner, folder, report)

    assert ftp_server.files == {}


@pytest.mark.ftp(quota=15)
def test_partner_disk_is_full(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    with pytest.raises(FeedError, match="452"):
        sync(partner, folder, report)

    assert "/in/report.csv" not in ftp_server.files
    ftp_server.log.assert_not_sent("RNFR")


def test_server_shuts_down(ftp_server: FtpServer, partner: Partner) -> None:
    with pytest.raises(FeedError, match="421"), session(partner):
        ftp_server.stop()

    assert ftp_server.log.sessions[0].reason == "shut down"


def test_the_next_night_continues(ftp_server: FtpServer, partner: Partner, folder: Path, report: Path) -> None:
    ftp_server.files["/out/orders.csv"] = b"1,apples\n"
    with pytest.raises(FeedError), session(partner):
        ftp_server.restart()  # on the same port

    assert sync(partner, folder, report) == [folder / "orders.csv"]
    assert ftp_server.log.sessions[0].reason == "shut down"
    ftp_server.log.assert_sequence("RETR /out/orders.csv -> 226", "QUIT -> 221", session=2)
