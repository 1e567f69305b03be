"""Servers on another driver, without thread and patches: in virtual time, minutes pass at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ftpfixture import Client, Clock, ConfigurationError, FtpServer, ScriptedUserManager, User, on
from ftpfixture.log.events import Disconnected
from ftpfixture.net.memory_network import MemoryNetwork
from tests.support.virtual_time import BEGIN, VirtualClient, VirtualTime

BIG = {"/a.txt": b"a" * 1_000_000}


@pytest.fixture
def driver() -> Iterator[VirtualTime]:
    """Virtual time; a test in it takes a few real seconds at most, and uses one thread."""
    threads, began = threading.active_count(), time.monotonic()
    driver = VirtualTime()
    yield driver
    assert threading.active_count() == threads
    assert time.monotonic() - began < 10


@pytest.fixture
def make(driver: VirtualTime, ftp_server_factory: Callable[..., FtpServer]) -> Callable[..., FtpServer]:
    """Return a function that starts servers in virtual time."""
    return lambda **settings: ftp_server_factory(driver=driver, **settings)


def _dialogue(driver: VirtualTime, server: FtpServer) -> None:
    with VirtualClient(driver, server.address) as client:
        client.login()
        assert client.fetch("RETR a.txt") == (["150", "226"], BIG["/a.txt"])
        assert client.store("STOR b.txt", b"b") == ["150", "226"]
        assert client.code("QUIT") == "221"
        assert client.is_closed()


def test_files_log_stop_and_restart(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """Files, log, stop, start and restart work; no time passes while all are busy."""
    server = make(files=BIG)
    _dialogue(driver, server)
    server.wait_idle()
    assert server.files["/b.txt"] == b"b"
    assert server.files.stat("/b.txt").modified == BEGIN
    server.log.assert_sequence("PASS -> 230", "RETR a.txt -> 226", "STOR b.txt -> 226", "QUIT -> 221")
    assert server.sessions == []
    server.restart()
    _dialogue(driver, server)
    assert driver.monotonic() == 0
    server.stop()
    server.stop()
    assert server.files["/b.txt"] == b"b"


def test_wait_for_the_log(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """Sent commands are read before the wait; a missing command times out exactly at its timeout."""
    server = make()
    client = VirtualClient(driver, server.address)
    client.send("NOOP")
    assert server.log.wait_for("NOOP", timeout=0).code == "200"
    with pytest.raises(AssertionError, match="PWD: not seen within 3600 s"):
        server.log.wait_for("PWD", timeout=3600)
    assert driver.monotonic() == 3600
    client.close()


@pytest.mark.parametrize("how", ["wait for the event", "client waits", "move", "frozen and moved"])
def test_idle_sessions_end(driver: VirtualTime, make: Callable[..., FtpServer], how: str) -> None:
    """A session times out after five minutes, however the time passes."""
    server = make(idle_timeout=300)
    with VirtualClient(driver, server.address, timeout=1000) as client:
        client.login()
        if how == "frozen and moved":
            server.clock.freeze()
            assert not driver.wait_until(lambda: not server.sessions, 3000)
        if how == "wait for the event":
            server.log.wait_for(lambda event: isinstance(event, Disconnected), timeout=1000)
        elif how != "client waits":
            server.clock.move(299)
            assert len(server.sessions) == 1
            server.clock.move(1)
            assert server.sessions == []
        assert client.reply().code == "421"
        assert server.log.sessions[0].reason == "idle"
        expected = {"wait for the event": 300, "client waits": 300, "move": 0, "frozen and moved": 3000}
        assert driver.monotonic() == expected[how]


def test_delays_and_limits(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """Delays of faults and wrong passwords, missing data connections and speed limits take their virtual time."""
    server = make(
        files={"/a.txt": b"a" * 60_000},
        login_delay=600,
        wait_future_timeout=60,
        write_speed_limit=1000,
        faults=[on("NOOP").delay(120), on("PWD").stall(3600)],
    )
    spent: list[float] = []
    with VirtualClient(driver, server.address, timeout=10_000) as client:
        assert client.reply().code == "220"
        assert client.code("USER user") == "331"
        for line, code in (("PASS wrong", "530"), ("NOOP", "200"), ("USER user", "331"), ("PASS password", "230")):
            began = driver.monotonic()
            assert client.code(line) == code
            spent.append(driver.monotonic() - began)
        began = driver.monotonic()
        assert client.code("EPSV") == "229"
        assert client.code("LIST") == "425"
        spent.append(driver.monotonic() - began)
        began = driver.monotonic()
        assert client.fetch("RETR a.txt")[0] == ["150", "226"]
        spent.append(driver.monotonic() - began)
        client.send("PWD")
        began = driver.monotonic()
        assert client.reply().code == "257"
        spent.append(driver.monotonic() - began)
    assert spent == pytest.approx([600, 120, 0, 0, 60, 60, 3600], rel=0.01)


def test_a_client_times_out(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """A client of a stalled command times out after its own five minutes."""
    server = make(faults=[on("NOOP").stall()])
    with VirtualClient(driver, server.address, timeout=300) as client:
        client.login()
        client.send("NOOP")
        with pytest.raises(TimeoutError):
            client.reply()
        assert driver.monotonic() == 300
    server.log.wait_for(lambda event: isinstance(event, Disconnected))
    server.faults.assert_fired("NOOP: stall")
    assert driver.monotonic() == 300


def test_scripted_users(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """A user manager waits in the time of the driver of its server."""
    users = ScriptedUserManager([User("ann", "secret")])
    users.on("ann").delay(60).usual()
    server = make(users=users, idle_timeout=300)
    with VirtualClient(driver, server.address, timeout=100) as client:
        client.login("ann", "secret")
        assert driver.monotonic() == 60
        users.wait_for_attempts("ann", "accepted")
        users.wait_for_logout("ann", timeout=1000)
    assert driver.monotonic() == 360


def test_two_servers_are_in_one_time(driver: VirtualTime, make: Callable[..., FtpServer]) -> None:
    """Two servers share the driver and a clock."""
    clock = Clock(time_source=driver)
    servers = [make(clock=clock, idle_timeout=seconds) for seconds in (100, 200)]
    clients = [VirtualClient(driver, server.address) for server in servers]
    for client in clients:
        client.login()
    clock.move(100)
    assert [len(server.sessions) for server in servers] == [0, 1]
    clock.move(100)
    assert [len(server.sessions) for server in servers] == [0, 0]
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("settings", "wall"),
    [({}, BEGIN), ({"clock": lambda: 5.0}, 5), ({"clock": "own"}, BEGIN)],
    ids=["none", "function", "own"],
)
def test_the_time_of_day(
    driver: VirtualTime, make: Callable[..., FtpServer], settings: dict[str, Any], wall: float
) -> None:
    """A function sets the time of day only; timeouts use the time of the driver."""
    if settings.get("clock") == "own":
        settings = {"clock": Clock(time_source=driver)}
    server = make(idle_timeout=300, **settings)
    assert server.clock() == wall
    with VirtualClient(driver, server.address, timeout=300) as client:
        client.login()
        assert client.reply().code == "421"


@pytest.mark.parametrize("clock", [Clock(), Clock(lambda: 5.0), Clock(time_source=VirtualTime())])
def test_a_clock_of_another_time_is_refused(driver: VirtualTime, clock: Clock) -> None:
    """A clock with another time source raises ConfigurationError, with the way to make one."""
    with pytest.raises(ConfigurationError, match=r"make it with Clock\(time_source=driver\)"):
        FtpServer(driver=driver, clock=clock)


@pytest.mark.parametrize("tls", [None, "explicit", "implicit"])
def test_without_sockets_too(driver: VirtualTime, make: Callable[..., FtpServer], tls: str | None) -> None:
    """On a network in memory neither the server nor our client has a socket; timeouts of the client pass at once."""
    network = MemoryNetwork()
    with ExitStack() as leases:
        driver.acquire()  # the client lives longer than the server
        leases.callback(driver.release)
        before = os.listdir("/proc/self/fd")
        server = make(network=network, tls=tls, files=BIG, faults=["RETR #2: stall after_bytes=500000"])
        context = server.tls.client_context() if tls else None
        client = Client(network=network, socket_timeout=300, ssl=context if tls == "implicit" else None)
        leases.callback(client.close)

        async def work() -> bytes:
            await client.connect(*server.address)
            if tls == "explicit":
                await client.upgrade_to_tls(context)
            await client.login(*server.credentials)
            async with client.upload_stream("/b.txt") as stream:
                await stream.write(b"b")
            return await read()

        async def read() -> bytes:
            async with client.download_stream("/a.txt") as stream:
                return await stream.read()

        assert driver.await_(work()) == BIG["/a.txt"]
        assert os.listdir("/proc/self/fd") == before
        assert server.files["/b.txt"] == b"b"
        assert driver.monotonic() == 0
        with pytest.raises(TimeoutError):
            driver.await_(read())
        assert driver.monotonic() == 301  # for the data, and then one second more for the reply
        server.stop()
