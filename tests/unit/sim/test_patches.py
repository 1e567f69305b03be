"""What is patched while a simulated server runs, and what is not."""

from __future__ import annotations

import asyncio
import errno
import ftplib
import selectors
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import SimulationError
from ftpfixture.net.sockets import PlainSocket
from ftpfixture.sim.simulation import Simulation
from ftpfixture.sim.sockets import is_simulated
from ftpfixture.wire.hostport import render_port
from tests.support.raw import RawClient

PLACES = (
    *((PlainSocket, name) for name in ("connect", "connect_ex", "listen")),
    (ssl.SSLContext, "wrap_socket"),
    (subprocess.Popen, "__init__"),
    (selectors.DefaultSelector, "register"),
    (asyncio, "new_event_loop"),
    (asyncio.events, "new_event_loop"),
)


def _patched() -> list[object]:
    return [getattr(owner, name) for owner, name in PLACES]


@pytest.fixture
def server() -> Iterator[FtpServer]:
    """A simulated server."""
    with FtpServer(simulate=True) as server:
        yield server


def test_all_is_put_back() -> None:
    """After the last server; a second one on the same simulation changes nothing."""
    before = _patched()
    with FtpServer(simulate=True):
        during = _patched()
        assert not any(one is other for one, other in zip(before, during, strict=True))
        with FtpServer(simulate=True):
            assert _patched() == during
        assert _patched() == during
    assert _patched() == before


def test_other_servers_stay_real(server: FtpServer) -> None:
    """A socket to another port connects for real, with `connect` and `connect_ex`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not is_simulated(listener)
        with socket.create_connection(listener.getsockname()) as sock:
            assert not is_simulated(sock)
        with socket.socket() as sock:
            assert sock.connect_ex(listener.getsockname()) == 0
            assert not is_simulated(sock)
    with FtpServer() as real, socket.create_connection(real.address) as sock:
        assert sock.recv(3) == b"220"
        assert not is_simulated(sock)


def test_a_real_server_beside_a_simulated_client(server: FtpServer) -> None:
    """While a client is connected to a simulated server, real servers and other threads listen for real."""
    with (
        FtpServer(files={"/r": b"r"}) as real,
        socket.create_connection(server.address),
        ftplib.FTP(timeout=10) as ftp,
    ):
        ftp.connect(*real.address)
        ftp.login(*real.credentials)
        assert ftp.nlst() == ["r"]
    with (
        socket.create_connection(server.address),
        ThreadPoolExecutor() as pool,
        pool.submit(socket.create_server, ("127.0.0.1", 0)).result() as listener,
    ):
        assert not is_simulated(listener)


def test_a_port_that_the_system_gives_twice(server: FtpServer) -> None:
    """A simulated listener holds no port of the system, which may give it to the next one; they stay two."""
    with RawClient(server.address) as client:
        client.login()
        first = client.active("PORT")
        assert client.code("NLST") == "150"
        first.accept()[0].close()
        client.reply()
        assert is_simulated(first)
        with socket.create_server(first.getsockname()) as second:
            second.settimeout(10)
            host, port = second.getsockname()
            assert port != first.getsockname()[1]
            assert client.code(f"PORT {render_port(host, port)}") == "200"
            assert client.code("NLST") == "150"
            second.accept()[0].close()
            assert client.reply().code[0] in "24"


def test_names_of_this_machine(server: FtpServer) -> None:
    """A simulated server is reached by name, and on IPv4 only, as a real one."""
    with socket.create_connection(("localhost", server.port)) as sock:
        assert is_simulated(sock)
    address = server.address
    with FtpServer(simulate=True):
        server.stop()
        with socket.socket() as sock:
            assert sock.connect_ex(address) == errno.ECONNREFUSED


def test_processes(server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is told the port, in its arguments or in its environment, is refused; another one runs."""
    with pytest.raises(SimulationError, match=f"'curl' is another process, which cannot reach .* port {server.port}"):
        subprocess.run(["curl", server.url], check=False)
    with pytest.raises(SimulationError, match=r"'wget'"):
        subprocess.run(f"wget {server.url}", shell=True, check=False)
    with pytest.raises(SimulationError, match=rf"port {server.port}"):
        subprocess.run(["upload.sh"], env={"FTP_URL": server.url}, check=False)
    monkeypatch.setenv("FTP_PORT", str(server.port))
    with pytest.raises(SimulationError, match=r"'upload.sh'"):
        subprocess.run(["upload.sh"], check=False)
    monkeypatch.delenv("FTP_PORT")
    assert subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, check=True).stdout.strip() == b"7"


def test_selectors(server: FtpServer) -> None:
    """A selector cannot wait for a simulated connection; for others it can."""
    with socket.create_connection(server.address) as sock, selectors.DefaultSelector() as selector:
        with pytest.raises(SimulationError, match="a selector, or an event loop that has one"):
            selector.register(sock, selectors.EVENT_READ)
        with pytest.raises(SimulationError, match="a selector, or an event loop that has one"):
            selector.register(sock.fileno(), selectors.EVENT_READ)
        one, other = socket.socketpair()
        with one, other:
            assert selector.register(one, selectors.EVENT_READ).fileobj is one


def test_an_event_loop_that_was_there_before() -> None:
    """Its clients are refused, with what to do."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with FtpServer(simulate=True) as server, socket.socket() as sock:
            sock.setblocking(False)
            with pytest.raises(SimulationError, match="asyncio on a simulated loop"):
                await loop.sock_connect(sock, server.address)

    asyncio.run(main())


def test_time() -> None:
    """It is real, unless the test asks for virtual time."""
    real = time.time
    with FtpServer(simulate=True) as server:
        assert time.time is real
        assert server.driver.monotonic() == 0
    with FtpServer(simulate=True, simulate_time=True) as server:
        began = time.time()
        time.sleep(3600)
        assert time.time() - began == pytest.approx(3600)
        assert server.driver.monotonic() == 3600
    assert time.time is real


def test_pytest_socket_keeps_the_patch(server: FtpServer) -> None:
    """It puts back its own `connect` at the end of each test, before fixtures have ended."""
    import pytest_socket

    pytest_socket._remove_restrictions()
    with socket.create_connection(server.address) as sock:
        assert is_simulated(sock)
    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    try:
        with socket.create_connection(server.address) as sock:
            assert is_simulated(sock)
    finally:
        pytest_socket._remove_restrictions()


def test_the_driver_is_its_own(server: FtpServer) -> None:
    """The servers of a test share it."""
    assert isinstance(server.driver, Simulation)
    with FtpServer(simulate=True) as other:
        assert other.driver is server.driver
