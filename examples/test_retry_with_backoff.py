"""A busy server: the client tries again after a temporary error, with growing pauses, and never after a permanent one.

A careless client fails because the server was busy for a moment, or asks all night for a file that does not exist. And
a client that keeps the data of the failed attempt gets the beginning of the file twice.
"""

from __future__ import annotations

import ftplib
import io
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from ftpfixture import Fault, FtpServer, on

ORDERS = b"1,apples\n2,pears\n3,plums\n4,grapes\n"

# The code under test.

T = TypeVar("T")

TEMPORARY = ("421", "425", "426", "450")  # closing, no data connection, transfer aborted, file busy (RFC 959 4.2)


def with_backoff(attempt: Callable[[], T], wait: Callable[[float], None], attempts: int = 4, delay: float = 1) -> T:
    """Call `attempt` until it succeeds; after a temporary error call `wait` with 1, 2, 4, ... seconds.

    Raises:
        ftplib.Error: The error is permanent, or the last attempt failed.
        OSError, EOFError: The connection was lost in the last attempt, too.
    """
    for number in range(attempts):
        try:
            return attempt()
        except ftplib.all_errors as error:
            refused = isinstance(error, ftplib.Error) and not str(error).startswith(TEMPORARY)
            if refused or number == attempts - 1:
                raise
            wait(delay * 2**number)
    raise ValueError(f"attempts={attempts}: at least one is needed")


def download(server: FtpServer, path: str, sink: Callable[[bytes], object]) -> None:
    """One attempt, in a new session: the state of the previous one is unknown."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        ftp.retrbinary(f"RETR {path}", sink)


def fetch(server: FtpServer, path: str, wait: Callable[[float], None]) -> bytes:
    """The content of a file; each attempt starts with an empty buffer."""

    def attempt() -> bytes:
        content = io.BytesIO()
        download(server, path, content.write)
        return content.getvalue()

    return with_backoff(attempt, wait)


# Its tests.


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def server(ftp_server: FtpServer) -> FtpServer:
    ftp_server.files["/out/orders.csv"] = ORDERS
    return ftp_server


@pytest.mark.parametrize(
    "fault",
    [
        on("CONNECT").times(2).service_unavailable("Too many users"),
        on("RETR").times(2).service_unavailable("Going down"),
        on("RETR").times(2).answer("425", "Cannot open data connection"),
        on("RETR").times(2).drop_data(at=0.5),  # the reply is 426
        on("RETR").times(2).answer("450", "File busy"),
        on("RETR").times(2).reset(after_bytes=0),  # no reply at all: the control connection is gone
    ],
    ids=str,
)
def test_temporary_errors_are_tried_again(server: FtpServer, waits: list[float], fault: Fault) -> None:
    armed = server.faults.add(fault)

    assert fetch(server, "/out/orders.csv", waits.append) == ORDERS

    assert armed.fired == 2
    assert waits == [1, 2]
    server.log.assert_sent("RETR /out/orders.csv -> 226", times=1)


def test_a_missing_file_is_requested_once(server: FtpServer, waits: list[float]) -> None:
    with pytest.raises(ftplib.error_perm, match="550"):
        fetch(server, "/out/prices.csv", waits.append)

    server.log.assert_sent("RETR", times=1)
    assert waits == []


def test_it_gives_up(server: FtpServer, waits: list[float]) -> None:
    server.faults.add(on("RETR").answer("450", "File busy"))

    with pytest.raises(ftplib.error_temp, match="450"):
        fetch(server, "/out/orders.csv", waits.append)

    server.log.assert_sent("RETR -> 450", times=4)
    assert waits == [1, 2, 4]


@pytest.mark.ftp(simulate=True, simulate_time=True, faults=["CONNECT #1,2,3: service_unavailable"])
def test_the_pauses_themselves(server: FtpServer) -> None:
    """With virtual time `time.sleep` need not be replaced, however long it sleeps."""
    began = time.monotonic()

    content = io.BytesIO()
    with_backoff(lambda: download(server, "/out/orders.csv", content.write), time.sleep, delay=600)

    assert content.getvalue() == ORDERS
    assert time.monotonic() - began == 600 + 1200 + 2400


def test_careless_code_gets_the_beginning_twice(server: FtpServer, waits: list[float]) -> None:
    server.faults.add(on("RETR").times(1).drop_data(after_bytes=9))
    content = io.BytesIO()  # one for all attempts

    with_backoff(lambda: download(server, "/out/orders.csv", content.write), waits.append)

    assert content.getvalue() == ORDERS[:9] + ORDERS
