"""freezegun and time-machine set the time of day; timeouts of a server stay in real time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import freezegun
import pytest
import time_machine

from ftpfixture import FtpServer
from tests.support.raw import RawClient

THEN = datetime(2012, 1, 14, 3, 21, 34, tzinfo=UTC)
Freeze = Callable[[], AbstractContextManager[object]]

TOOLS: dict[str, Freeze] = {
    "freezegun": lambda: freezegun.freeze_time(THEN),
    "freezegun, ticking": lambda: freezegun.freeze_time(THEN, tick=True),
    "time-machine": lambda: time_machine.travel(THEN, tick=False),
    "time-machine, ticking": lambda: time_machine.travel(THEN, tick=True),
}
SETTINGS: dict[str, Any] = {"wait_future_timeout": 0.05, "idle_timeout": 0.3, "files": {"/big.bin": bytes(30_000)}}


def waits(server: FtpServer, client: RawClient) -> None:
    """Check all kinds of waiting: data connection, delay, speed limit, idle timeout."""
    client.login()
    assert client.code("EPSV") == "229"
    assert client.code("LIST") == "425"
    with server.faults("NOOP: delay 0.05"):
        assert client.code("NOOP") == "200"
    server.throttle.write.limit = 300_000
    assert client.fetch("RETR big.bin")[0] == ["150", "226"]
    assert client.reply().code == "421"
    assert client.is_closed()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_server_in_frozen_time(tool: str) -> None:
    """A server starts and stops while the time of day is frozen."""
    with TOOLS[tool](), FtpServer(**SETTINGS) as server, RawClient(server.address) as client:
        waits(server, client)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_server_before_and_after_frozen_time(tool: str) -> None:
    """A session continues before, in and after frozen time, and files have the time of the test."""
    with FtpServer(**SETTINGS | {"idle_timeout": None}) as server:
        client = RawClient(server.address)
        client.login()
        began = time.time()
        with TOOLS[tool]():
            assert client.store("STOR then.txt", b"") == ["150", "226"]
            assert client.ask("MDTM then.txt").text.startswith("201201140321")
            assert client.code("EPSV") == "229"
            assert client.code("LIST") == "425"
            client.send("NLST")  # its 425 comes when the time is real again
        assert client.reply().code == "425"
        assert client.store("STOR now.txt", b"") == ["150", "226"]
        client.close()
        assert server.files.stat("/then.txt").modified == pytest.approx(THEN.timestamp(), abs=30)
        assert server.files.stat("/now.txt").modified >= began - 1
        assert max(event.time for event in server.log.events) < 60  # the log is on real time


def test_waiting_for_the_log_ends() -> None:
    """A wait for a missing command times out in real time."""
    missed = pytest.raises(AssertionError, match=r"not seen within 0\.05 s")
    with freezegun.freeze_time(THEN), FtpServer() as server, missed:
        server.log.wait_for("RETR", timeout=0.05)


def test_the_clock_of_the_server_has_priority() -> None:
    """A time set in ``server.clock`` is that of the server, and moving it makes timers due."""
    with freezegun.freeze_time(THEN), FtpServer(idle_timeout=300) as server, RawClient(server.address) as client:
        client.login()
        server.clock.freeze(at=1767225600)
        assert client.code("MKD d") == "257"
        assert server.files.stat("/d").modified == 1767225600
        server.clock.move(300)
        assert client.reply().code == "421"


FIRST = """
import ssl
import sys
from datetime import datetime

import freezegun

if sys.argv[1] == "imported before":
    import ftpfixture

def handshake(server):
    context = server.tls.client_context()
    with ftplib.FTP_TLS(context=context) as client:
        client.connect(*server.address, timeout=20)
        client.login(*server.credentials)
        client.prot_p()
        assert client.nlst() == ["a"]

with freezegun.freeze_time("2020-01-01"):
    import ftplib
    from ftpfixture import FtpServer
    with FtpServer(files={"/a": b""}) as server, ftplib.FTP() as client:
        client.connect(*server.address, timeout=20)
        client.login(*server.credentials)
    if sys.argv[1] == "imported before":
        with FtpServer(tls="explicit", files={"/a": b""}) as server:
            handshake(server)
with FtpServer(tls="implicit", certificate="expired", files={"/a": b""}) as server:
    assert server.tls.ca_pem
with FtpServer(tls="explicit", files={"/a": b""}) as server:
    handshake(server)
"""


@pytest.mark.parametrize("state", ["imported before", "imported within"])
def test_the_first_server_of_a_process(state: str) -> None:
    """Certificates are made on first use, also in frozen time; without TLS none are made."""
    subprocess.run([sys.executable, "-c", FIRST, state], check=True, timeout=50)
