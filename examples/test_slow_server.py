"""A server that stalls, or is very slow: the client gives up in time, and says why.

A careless client waits for ever. A client with a timeout for each read still waits for a server that sends a byte now
and then: only a limit for the whole transfer ends that.
"""

from __future__ import annotations

import ftplib
import io
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ftpfixture import CommandLog, FtpServer, on
from ftpfixture.log.events import FaultApplied

FILM = bytes(range(256)) * 400

pytestmark = pytest.mark.ftp(files={"/out/film": FILM})

# The code under test.


class TooSlow(Exception):
    """The server could be reached, but took too long; it may be faster another day."""


def fetch(
    server: FtpServer,
    path: str,
    *,
    silence: float = 10,
    limit: float = 60,
    timer: Callable[[], float] = time.monotonic,
) -> bytes:
    """The content of a file.

    Args:
        server: The server that has it.
        path: Its path.
        silence: Seconds that may pass without a byte.
        limit: Seconds for the whole file.
        timer: Returns seconds, from any start.

    Raises:
        TooSlow: One of the two limits is exceeded.
    """
    content = io.BytesIO()
    ends = timer() + limit

    def take(piece: bytes) -> None:
        content.write(piece)
        if timer() > ends:
            raise TooSlow(f"{path}: {content.tell()} bytes in {limit:g} s")

    ftp = ftplib.FTP(timeout=silence)
    try:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        ftp.retrbinary(f"RETR {path}", take)
    except TimeoutError as error:
        raise TooSlow(f"{path}: nothing came for {silence:g} s, after {content.tell()} bytes") from error
    finally:
        ftp.close()  # without QUIT, whose reply might not come either
    return content.getvalue()


# Its tests.


@pytest.mark.ftp(faults=["RETR: stall_data after_bytes=1000"])
def test_a_transfer_that_stalls(ftp_server: FtpServer) -> None:
    with pytest.raises(TooSlow, match=r"nothing came for 1 s, after 1000 bytes"):
        fetch(ftp_server, "/out/film", silence=1)


@pytest.mark.parametrize("verb", ["CONNECT", "PASS", "RETR"])
def test_a_reply_that_never_comes(ftp_server: FtpServer, verb: str) -> None:
    ftp_server.faults.add(on(verb).stall())

    with pytest.raises(TooSlow, match=r"nothing came for 1 s, after 0 bytes"):
        fetch(ftp_server, "/out/film", silence=1)


@pytest.mark.ftp(faults=["RETR: throttle_data 100000"])
def test_a_slow_transfer(ftp_server: FtpServer) -> None:
    with pytest.raises(TooSlow, match=r"bytes in 0\.2 s"):
        fetch(ftp_server, "/out/film", limit=0.2)  # it would take a second


@pytest.mark.ftp(faults=["RETR: throttle_data 200000"])
def test_a_timeout_for_each_read_is_not_enough(ftp_server: FtpServer) -> None:
    began = time.monotonic()

    assert fetch(ftp_server, "/out/film", silence=0.4, limit=math.inf) == FILM

    assert time.monotonic() - began > 0.4  # a slower server could go on like this for days


@pytest.mark.ftp(faults=["RETR: delay 3600"])
def test_an_hour_passes_at_once(ftp_server: FtpServer, ftp_log: CommandLog) -> None:
    ftp_server.clock.freeze()
    with ThreadPoolExecutor() as pool:
        fetching = pool.submit(fetch, ftp_server, "/out/film")
        ftp_log.wait_for(lambda event: isinstance(event, FaultApplied))
        ftp_server.clock.move(3599)
        assert not fetching.done()

        ftp_server.clock.move(1)
        assert fetching.result(timeout=10) == FILM
