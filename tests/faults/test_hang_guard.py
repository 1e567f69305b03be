"""Clients without a timeout and faults that withhold something for ever: the client gets an error, the test fails."""

from __future__ import annotations

import ftplib
import io
import socket
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, HangError

LIMIT = 0.3  # seconds


def _client(server: FtpServer) -> ftplib.FTP:
    ftp = ftplib.FTP()
    ftp.connect(*server.address)
    return ftp


def _download(ftp: ftplib.FTP) -> None:
    ftp.retrbinary("RETR /a.csv", lambda data: None)


def _upload(ftp: ftplib.FTP) -> None:
    ftp.storbinary("STOR /b.csv", io.BytesIO(bytes(20_000_000)))


ROWS: list[tuple[str, Callable[[ftplib.FTP], object], str]] = [
    ("RETR: stall", _download, "RETR /a.csv"),
    ("RETR: stall phase=before_reply", _download, "RETR /a.csv"),
    ("RETR: stall_data after_bytes=2", _download, "RETR /a.csv"),
    ("STOR: stall_data after_bytes=100000", _upload, "STOR /b.csv"),
    ("STOR: no_reply", _upload, "STOR /b.csv"),
    ("RETR: half_close_data", _download, "RETR /a.csv"),
    ("NOOP: ignore", lambda ftp: ftp.voidcmd("NOOP"), "NOOP"),
    ("PASV: ignore_data", _download, "RETR /a.csv"),
    ("PASV: unreachable_data", _download, "PASV"),
]


@pytest.mark.parametrize(("fault", "act", "where"), ROWS, ids=[row[0] for row in ROWS])
def test_a_client_without_a_timeout(fault: str, act: Callable[[ftplib.FTP], object], where: str) -> None:
    """Whatever it waits for, it gets an error, and the failure names the command and shows the dialogue."""
    with FtpServer(files={"/a.csv": b"12345"}, faults=[fault], hang_after=LIMIT, wait_future_timeout=None) as server:
        with _client(server) as ftp:
            ftp.login(*server.credentials)
            with pytest.raises(OSError):  # noqa: PT011 - a reset, or what the system makes of it
                act(ftp)
        with pytest.raises(HangError) as caught:
            server.check()
    told = str(caught.value)
    assert told.startswith(f"the client waited {LIMIT:g} s at {where} without giving up: give the client a timeout\n\n")
    assert f"> {where}" in told


def _secret_download(server: FtpServer) -> None:
    with ftplib.FTP_TLS(context=server.tls.client_context()) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.retrbinary("RETR /a", lambda data: None)


@pytest.mark.parametrize(
    ("fault", "where"), [("AUTH: stall_handshake", "AUTH TLS"), ("RETR: stall_handshake", "RETR /a")]
)
def test_a_tls_handshake(fault: str, where: str) -> None:
    """A handshake that the server never answers is such a wait, on either connection."""
    with FtpServer(
        files={"/a": b"a"}, tls="explicit", faults=[fault], hang_after=LIMIT, handshake_timeout=None
    ) as server:
        with pytest.raises(OSError):  # noqa: PT011 - a reset, or what OpenSSL makes of it
            _secret_download(server)
        with pytest.raises(HangError, match=where):
            server.check()


def test_the_error_of_the_client_is_the_context() -> None:
    """At the end of the `with` block the failure is that the client hung; its reset stands before it."""
    with (
        pytest.raises(HangError, match="at NOOP") as caught,
        FtpServer(faults=["NOOP: stall"], hang_after=LIMIT) as server,
        _client(server) as ftp,
    ):
        ftp.voidcmd("NOOP")
    assert isinstance(caught.value.__context__, ConnectionResetError)


def test_a_transfer_that_is_slow_but_moves() -> None:
    """Bytes that come now and then are no hang, however long the transfer takes."""
    with FtpServer(files={"/a": bytes(40)}, faults=["RETR: slice_data 4 pause=0.05"], hang_after=0.2) as server:
        with _client(server) as ftp:
            ftp.login(*server.credentials)
            ftp.retrbinary("RETR /a", lambda data: None)
        server.check()


def test_a_client_that_gives_up_first() -> None:
    """A client with a timeout is not disturbed, and its test passes."""
    with FtpServer(files={"/a.csv": b"12345"}, faults=["RETR: stall_data"]) as server, ftplib.FTP(timeout=0.2) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        with pytest.raises(TimeoutError):
            _download(ftp)


def test_several_clients() -> None:
    """One that hangs does not touch the other; the failure says how many there were."""
    with (
        FtpServer(faults=["NOOP: stall"], hang_after=LIMIT) as server,
        socket.create_connection(server.address) as other,
    ):
        for _ in range(2):
            with _client(server) as ftp, pytest.raises(ConnectionResetError):
                ftp.voidcmd("NOOP")
        assert other.recv(100).startswith(b"220")
        other.sendall(b"USER user\r\n")
        assert other.recv(100).startswith(b"331")
        with pytest.raises(HangError, match=r"at NOOP without giving up \(and 1 more\)"):
            server.check()
