"""Patches of the standard library do not affect a server, started before the patch or under it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock, patch

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient
from tests.support.undisturbed import UndisturbedClient

ROOT = Path(__file__).parents[2]

THIS_TIME = time.time
"""The function itself, not the patched name."""

TARGETS = [
    *("asyncio.create_task", "asyncio.gather", "asyncio.new_event_loop", "asyncio.open_connection", "asyncio.run"),
    *("asyncio.shield", "asyncio.sleep", "asyncio.start_server", "asyncio.timeout", "asyncio.to_thread"),
    *(
        "asyncio.wait",
        "asyncio.wait_for",
        "asyncio.Event",
        "asyncio.Lock",
        "asyncio.Queue",
        "asyncio.SelectorEventLoop",
    ),
    *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.sleep", "time.time", "time.time_ns"),
    *("socket.create_connection", "socket.create_server", "socket.getaddrinfo", "socket.gethostbyname"),
    *("socket.socket", "socket.socketpair", "socket.getfqdn", "socket.gethostname"),
    *("ssl.create_default_context", "ssl.SSLContext", "ssl.get_server_certificate"),
    *("select.select", "select.epoll", "select.poll", "selectors.DefaultSelector", "selectors.EpollSelector"),
    *("threading.Thread", "threading.Timer"),
    *("os.listdir", "os.stat", "os.remove", "os.rename", "os.makedirs", "os.path.exists", "os.path.isfile"),
    *("random.random", "random.randint", "random.choice", "random.shuffle", "secrets.token_hex"),
    *("tempfile.mkstemp", "tempfile.NamedTemporaryFile", "subprocess.run", "subprocess.Popen", "datetime.datetime"),
]
"""Names that tests are known to patch."""

FILES = {"/big.bin": bytes(30_000), "/a.txt": b"a"}
SETTINGS: dict[str, Any] = {
    "files": FILES,
    "wait_future_timeout": 0.05,
    "write_speed_limit": 300_000,
    "tls": "explicit",
}


@contextmanager
def everything_patched() -> Iterator[dict[str, MagicMock]]:
    """Patch all of them with mocks that raise when they are called."""
    with ExitStack() as patches:
        mocks = {}
        for target in TARGETS:
            module, _, name = target.rpartition(".")
            if hasattr(sys.modules[module], name):  # some systems have no epoll
                kind = AsyncMock if target in ("asyncio.sleep", "asyncio.wait_for") else MagicMock
                mocks[target] = patches.enter_context(patch(target, kind(side_effect=AssertionError(target))))
        yield mocks


def dialogue(server: FtpServer, client: RawClient) -> None:
    """Log in, transfer files with a speed limit, wait in all ways, and check the files."""
    client.login()
    assert client.fetch("RETR big.bin") == (["150", "226"], FILES["/big.bin"])  # a tenth of a second, in pauses
    assert client.store("STOR b.txt", b"b") == ["150", "226"]
    assert client.ask("MDTM b.txt").code == "213"
    with server.faults("NOOP: delay 0.05"):
        assert client.code("NOOP") == "200"
    assert client.code("EPSV") == "229"
    assert client.code("LIST") == "425"
    assert client.fetch("NLST")[0] == ["150", "226"]
    assert client.code("QUIT") == "221"
    server.wait_idle()
    assert server.files["/b.txt"] == b"b"


def test_a_server_started_before_the_patch() -> None:
    """A running server calls none of the patched names."""
    with FtpServer(**SETTINGS) as server, everything_patched() as mocks:
        with UndisturbedClient(server.address) as client:
            dialogue(server, client)
        called = [target for target, mock in mocks.items() if mock.called]
    assert called == []


def test_a_server_started_under_the_patch() -> None:
    """Start, restart and stop of a server and its thread call none of the patched names."""
    with FtpServer(tls="explicit"):
        pass  # a library makes certificates once a process, and reads the time
    before = threading.active_count()
    with everything_patched() as mocks:
        with FtpServer(**SETTINGS) as server:
            server.restart()
            with UndisturbedClient(server.address) as client:
                dialogue(server, client)
        called = [target for target, mock in mocks.items() if mock.called]
    assert called == []
    assert threading.active_count() == before


def _values(*values: float) -> Callable[[], float]:
    return iter(values).__next__


def test_mocked_values_are_for_the_code_under_test_only(caplog: pytest.LogCaptureFixture) -> None:
    """A server, its log included, takes no value of a mock that returns one value a call; file times are right."""
    caplog.set_level(logging.DEBUG, "ftpfixture.server")
    with patch("time.time", side_effect=[1.0, 2.0]), FtpServer(clock=_values(*range(5, 100)), files=FILES) as server:
        with UndisturbedClient(server.address) as client:
            client.login()
            assert client.store("STOR b.txt", b"b") == ["150", "226"]
        assert [time.time(), time.time()] == [1.0, 2.0]
        server.stop()
        assert "STOR b.txt" in caplog.messages
        assert all(abs(record.created - THIS_TIME()) < 60 for record in caplog.records)
        assert server.files.stat("/a.txt").modified < server.files.stat("/b.txt").modified


@pytest.mark.ftp(write_speed_limit=100_000, files=FILES)
def test_a_limited_transfer_beside_a_patched_sleep(ftp_server: FtpServer) -> None:
    """The server serves another client meanwhile: the transfer waits with timers of the loop."""
    with patch("asyncio.sleep", AsyncMock()) as sleep:
        with RawClient(ftp_server.address) as slow, RawClient(ftp_server.address) as other:
            slow.login()
            data = slow.passive()
            assert slow.code("RETR big.bin") == "150"
            other.login()
            assert other.code("NOOP") == "200"
            assert ftp_server.log.transfers[0].completed is None
            data.close()
        assert sleep.await_count == 0


IMPORTS = """
import sys, socket, time
from unittest.mock import patch
import freezegun, pytest_socket

def start():
    from ftpfixture import FtpServer
    from ftpfixture.untouched import wall_time
    with FtpServer(files={"/a.txt": b"a"}) as server:
        return wall_time(), server.files.stat("/a.txt").modified

real = time.time
if sys.argv[1] == "mock":
    with patch("time.time", side_effect=AssertionError), patch("time.monotonic", side_effect=AssertionError):
        start()
elif sys.argv[1] == "frozen":
    with freezegun.freeze_time("2012-01-01"):
        assert start() == (1325376000, 1325376000)
else:
    pytest_socket.disable_socket()
    start()
    pytest_socket.enable_socket()
assert all(abs(moment - real()) < 60 for moment in start())
"""


@pytest.mark.parametrize("state", ["mock", "frozen", "sockets blocked"])
def test_first_import_under_a_patch(state: str) -> None:
    """The package binds the real functions, under the patch and after it."""
    subprocess.run([sys.executable, "-c", IMPORTS, state], check=True, timeout=50, cwd=ROOT)
