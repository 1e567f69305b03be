"""A job that runs all night: it polls for a partner's file, sleeps, and gives up in the morning.

Server, client and clock are simulated: ten hours of the job take milliseconds, and no line of it is changed for the
tests. A client without a timeout is found, too: its wait would never end, and that is proved.
"""

from __future__ import annotations

import ftplib
import io
import time

import pytest

from ftpfixture import FtpServer, HangError

# The code under test.

Address = tuple[str, int]
Login = tuple[str, str]

QUARTER = 15 * 60


def fetch_when_there(address: Address, login: Login, path: str, hours: float, timeout: float) -> bytes:
    """Poll every quarter of an hour until the file is there.

    Raises:
        TimeoutError: It did not come.
    """
    deadline = time.monotonic() + hours * 3600
    while time.monotonic() < deadline:
        try:
            with ftplib.FTP(timeout=timeout) as ftp:
                ftp.connect(*address)
                ftp.login(*login)
                content = io.BytesIO()
                ftp.retrbinary(f"RETR {path}", content.write)
                return content.getvalue()
        except ftplib.all_errors:
            time.sleep(QUARTER)
    raise TimeoutError(f"{path} did not come within {hours:g} hours")


def fetch_without_timeout(address: Address, login: Login, path: str) -> bytes:
    """As many programs do it: ftplib has no timeout unless it is given one."""
    with ftplib.FTP() as ftp:
        ftp.connect(*address)
        ftp.login(*login)
        content = io.BytesIO()
        ftp.retrbinary(f"RETR {path}", content.write)
        return content.getvalue()


# Its tests.

FEED = {"/feed": b"1,2\n"}


@pytest.mark.ftp(
    simulate=True, simulate_time=True, faults=["RETR #1,2,3: answer 550 'Not yet'"], files={"/feed": b"1,2\n"}
)
def test_the_file_comes_late(ftp_server: FtpServer) -> None:
    began = time.monotonic()

    assert fetch_when_there(ftp_server.address, ftp_server.credentials, "/feed", 10, 60) == b"1,2\n"

    assert time.monotonic() - began == 3 * QUARTER
    ftp_server.log.assert_sent("RETR /feed -> 550", times=3)


@pytest.mark.ftp(simulate=True, simulate_time=True)
def test_the_file_never_comes(ftp_server: FtpServer) -> None:
    began = time.monotonic()

    with pytest.raises(TimeoutError, match="did not come within 10 hours"):
        fetch_when_there(ftp_server.address, ftp_server.credentials, "/feed", 10, 60)

    assert time.monotonic() - began == 10 * 3600
    ftp_server.log.assert_sent("RETR /feed -> 550", times=40)


@pytest.mark.ftp(simulate=True, simulate_time=True, files=FEED, faults=["RETR #1: stall_data"])
def test_a_transfer_that_stops_is_tried_again(ftp_server: FtpServer) -> None:
    began = time.monotonic()

    assert fetch_when_there(ftp_server.address, ftp_server.credentials, "/feed", 10, 60) == b"1,2\n"

    assert time.monotonic() - began == 60 + QUARTER  # the timeout of ftplib, and the pause


@pytest.mark.ftp(simulate=True, files=FEED, faults=["RETR: stall_data"])
def test_a_client_without_a_timeout_is_caught(ftp_server: FtpServer) -> None:
    with pytest.raises(HangError, match="without a timeout, and nothing is left to happen"):
        fetch_without_timeout(ftp_server.address, ftp_server.credentials, "/feed")

    with pytest.raises(HangError, match="the client waits for ever at RETR /feed"):
        ftp_server.check_hangs()  # a hang fails its test, unless the test asks for it
