"""One server for many tests: `reset` restores its first state, without traces of the previous test."""

from __future__ import annotations

import asyncio
import ftplib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import (
    Clock,
    ConfigurationError,
    Connection,
    FtpFixtureError,
    FtpServer,
    ScriptedUserManager,
    Server,
    ServerFailure,
    ServerStateError,
    User,
    on,
)
from ftpfixture.files.memory import MemoryPathIO
from tests.support.raw import RawClient

FILES = {"/a.txt": b"a", "/in/": None, "/in/b.txt": b"b"}


@pytest.fixture
def server(ftp_server_factory: Callable[..., FtpServer]) -> FtpServer:
    """A server with a few files."""
    return ftp_server_factory(files=FILES)


def _codes(server: FtpServer, *lines: str) -> list[str]:
    with RawClient(server.address) as client:
        client.login(*server.credentials)
        return [client.code(line) for line in lines]


def test_files(server: FtpServer) -> None:
    """The files of the settings are restored, all others are removed, and their space is free again."""
    address = server.address
    with RawClient(server.address) as client:
        client.login()
        assert client.code("DELE a.txt") == "250"
        assert client.store("STOR c.txt", b"c" * 100_000) == ["150", "226"]
        assert client.code("MKD d") == "257"
        assert client.code("SITE CHMOD 700 /") == "200"
    server.files.symlink("/link", "/in")
    server.files["/in/b.txt"] = b"changed"
    fresh = FtpServer(files=FILES)
    tree, other = server.server.path_io_factory.state, fresh.server.path_io_factory.state

    server.reset()

    assert server.address == address
    assert server.files == {"/a.txt": b"a", "/in/b.txt": b"b"}
    assert server.files.directories == ["/in"]
    assert "/link" not in server.files
    assert (tree.used, tree.root.mode, tree.root.nlink) == (other.used, other.root.mode, other.root.nlink)
    assert _codes(server, "SIZE a.txt", "SIZE c.txt") == ["213", "550"]


def test_many_files(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A reset of many files yields to the loop, as the watchdog of all tests checks."""
    server = ftp_server_factory(files={f"/many/{number}": b"x" for number in range(5000)})
    server.reset()
    assert len(server.files) == 5000


@pytest.mark.parametrize("state", ["idle", "waits for data", "in a transfer", "stalls"])
def test_open_sessions(ftp_server_factory: Callable[..., FtpServer], state: str) -> None:
    """Open sessions get 421 and are removed from the log; the next session is the first."""
    big = {"/big.bin": bytes(1 << 24)}
    server = ftp_server_factory(files=big, faults=[on("NOOP").stall().optional()], wait_future_timeout=60)
    with RawClient(server.address) as client, RawClient(server.address):
        client.login()
        if state == "waits for data":
            assert client.code("EPSV") == "229"
            client.send("LIST")
        elif state == "in a transfer":
            client.passive()
            assert client.code("RETR big.bin") == "150"
        elif state == "stalls":
            client.send("NOOP")
            server.log.wait_for("NOOP")

        server.reset()

        assert client.reply().code == "421"
        client.read_to_the_end()
    assert (server.log.events, server.log.sessions, server.log.transfers, server.sessions) == ([], [], [], [])
    assert _codes(server, "PWD") == ["257"]
    server.log.assert_sent("PWD", session=1)


def test_faults(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The first faults count from zero again, and seconds since the start from the reset."""
    first, late = on("NOOP").nth(1).reply("451"), on("PWD").since(100).reply("550").optional()
    server = ftp_server_factory(faults=[first, late])
    server.clock.move(200)
    server.faults.add("SYST: reply 500")
    assert _codes(server, "NOOP", "NOOP", "PWD", "SYST") == ["451", "200", "550", "500"]

    server.reset()

    assert [armed.fault for armed in server.faults.active] == [first, late]
    assert server.faults.fired == []
    assert _codes(server, "NOOP", "NOOP", "PWD", "SYST") == ["451", "200", "257", "215"]


def test_faults_added_before_the_start_stay(server: FtpServer) -> None:
    """A fault that was added before the start, as with `--ftp-fault`, is kept by `reset`."""
    with FtpServer() as late:
        late.stop()
        late.faults.add(on("NOOP").reply("451").optional())
        late.start()
        late.reset()
        assert _codes(late, "NOOP") == ["200"]  # it was started before
    early = FtpServer()
    early.faults.add(on("NOOP").reply("451"))
    with early:
        for _ in range(2):
            assert _codes(early, "NOOP") == ["451"]
            early.reset()
        assert _codes(early, "NOOP") == ["451"]


def test_a_fault_that_never_fired(server: FtpServer) -> None:
    """A fault that never fired makes `reset` fail, as it makes the stop fail; the state is restored nevertheless."""
    server.faults.add("SYST: reply 500")
    server.files["/new"] = b""
    with pytest.raises(AssertionError, match="happened 0 times"):
        server.reset()
    assert (server.faults.active, "/new" in server.files) == ([], False)
    server.reset()


class Broken(Server):
    """A server with commands that fail and that do not end."""

    async def fail(self, connection: Connection, rest: str) -> bool:
        """FAIL: raise."""
        raise ZeroDivisionError

    async def cling(self, connection: Connection, rest: str) -> bool:
        """CLING: wait and ignore cancellation."""
        self.free = asyncio.get_running_loop().create_future()
        while not self.free.done():
            try:
                await asyncio.shield(self.free)
            except asyncio.CancelledError:
                continue
        return True


def test_an_earlier_failure(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """`reset` raises an earlier failure once, with the dialogue."""
    server = ftp_server_factory(server_class=Broken)
    assert _codes(server, "FAIL") == ["451"]
    with pytest.raises(ServerFailure, match="FAIL raised ZeroDivisionError"):
        server.reset()
    assert server.log.events == []
    server.reset()


def test_a_session_that_does_not_end() -> None:
    """`reset` raises when a session does not end, because its later actions would be part of the next test."""
    server = FtpServer(server_class=Broken)
    server.start()
    with RawClient(server.address) as client:
        client.login()
        client.send("CLING")
        server.log.wait_for("CLING")
        with pytest.raises(ServerStateError, match="session 1 did not end within"):
            server.reset()
        server.driver.call(lambda: server.server.free.set_result(None))  # type: ignore[attr-defined]
    server.stop()


def test_users(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The users of the settings are restored; a user's own manager does not change."""
    server = ftp_server_factory(users=[User("ann", "secret", maximum_connections=1)])
    server.server.user_manager.users.append(User("bob", "x"))  # type: ignore[attr-defined]
    with RawClient(server.address) as client:
        client.login("ann", "secret")
        server.reset()
    assert _codes(server, "USER bob", "PASS x") == ["331", "530"]

    manager = ScriptedUserManager([User("ann", "secret")])
    manager.on("ann").reject(times=1)
    scripted = ftp_server_factory(users=manager)
    scripted.reset()
    assert scripted.server.user_manager is manager
    with RawClient(scripted.address) as client:
        client.reply()
        assert [client.code("USER ann"), client.code("PASS secret")] == ["331", "530"]


def test_time(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The server's own clock runs again, with the time of day; a clock that was given does not change."""
    own, given = ftp_server_factory(clock=lambda: 1000.0), ftp_server_factory(clock=Clock())
    for server in (own, given):
        server.clock.freeze(at=5)
        server.clock.move(100)
        before = server.clock.monotonic()
        server.reset()
        assert server.clock.monotonic() >= before
    assert (own.clock.frozen, own.clock()) == (False, 1000)
    assert (given.clock.frozen, given.clock()) == (True, 105)


def test_speed_limits_and_pause(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Limits of the settings are restored, and connections are accepted."""
    server = ftp_server_factory(write_speed_limit=1e9, files=FILES)
    server.throttle.write.limit = 1
    server.throttle.read.limit = 1
    server.pause()
    server.reset()
    assert [throttle.limit for throttle in server.throttle] == [None, 1e9]
    with RawClient(server.address) as client:
        assert client.login().fetch("RETR a.txt") == (["150", "226"], b"a")


def test_clients_that_connect_during_a_reset(server: FtpServer) -> None:
    """Clients in another thread get normal replies or 421, and leave no events and sessions."""
    codes: set[str] = set()

    def connect_often() -> None:
        for _ in range(50):
            with RawClient(server.address) as client:
                try:
                    client.reply()
                    codes.update((client.code("USER user"), client.code("PASS password"), client.code("PWD")))
                except (EOFError, ConnectionError):
                    codes.add("closed")

    thread = threading.Thread(target=connect_often)
    thread.start()
    while thread.is_alive():
        server.reset()
    thread.join()
    server.reset()
    assert codes <= {"331", "230", "257", "421", "closed"}
    assert (server.log.events, server.sessions) == ([], [])


@pytest.mark.parametrize("other", ["root", "layer"])
def test_files_that_are_not_in_memory(tmp_path: Path, other: str) -> None:
    """`reset` cannot restore them, and raises before any change."""

    class Layer(MemoryPathIO):
        """A path layer with its own state."""

        @property
        def state(self) -> Any:
            """No state that the server knows."""
            return None

    settings: dict[str, Any] = {"root": tmp_path} if other == "root" else {"path_io_factory": Layer}
    with FtpServer(**settings) as server, RawClient(server.address) as client:
        client.login()
        with pytest.raises(ConfigurationError, match=r"reset\(\) brings back files in memory"):
            server.reset()
        assert client.code("NOOP") == "200"


def test_a_server_that_does_not_run() -> None:
    """`reset` raises, and the message says how to start the server."""
    with pytest.raises(ServerStateError, match=r"call start\(\) first"):
        FtpServer().reset()


def test_in_virtual_time() -> None:
    """`reset` works with a driver that has no thread."""
    with FtpServer(simulate=True, files=FILES) as server:
        server.files.clear()
        assert server.files == {}
        assert server.files.directories == []
        server.reset()
        assert server.files == {"/a.txt": b"a", "/in/b.txt": b"b"}


# Other settings until the next reset.


def test_settings_until_the_next_reset(server: FtpServer) -> None:
    """Settings are those of the server with the given ones over them; address, files and log stay the same objects."""
    address, files, log, faults = server.address, server.files, server.log, server.faults

    server.reset(users={"ann": "secret"}, files={"/c.txt": b"c"}, disable=["SIZE"], faults=["CWD: answer 421 'Full'"])

    assert (server.address, server.files, server.log, server.faults) == (address, files, log, faults)
    assert server.credentials == ("ann", "secret")
    assert server.files == {"/c.txt": b"c"}
    assert _codes(server, "SIZE c.txt", "CWD /") == ["502", "421"]
    log.assert_sent("USER ann", times=1)
    assert [session.number for session in log.sessions] == [1]

    server.reset(system="OTHER")
    assert server.files == {"/a.txt": b"a", "/in/b.txt": b"b"}
    with RawClient(server.address) as client:
        client.login()
        assert client.ask("SYST").text == "OTHER"
        assert client.code("SIZE a.txt") == "213"

    server.reset()
    assert faults.active == []
    assert server.server.system != "OTHER"


def test_a_quota_until_the_next_reset(server: FtpServer) -> None:
    """The quota counts the files of the same reset."""
    server.reset(quota=10, files={"/a.txt": bytes(8)})
    with RawClient(server.address) as client:
        client.login()
        assert client.store("STOR b.txt", bytes(9)) == ["150", "452"]

    server.reset()
    with RawClient(server.address) as client:
        client.login()
        assert client.store("STOR b.txt", bytes(100_000)) == ["150", "226"]


def test_tls_until_the_next_reset(server: FtpServer) -> None:
    """A server has TLS for one test; under another name its certificate is for that name, before and after."""
    with server.as_host("ftp.partner.example"):
        server.reset(tls="implicit")
        context = server.tls.client_context()
        with (
            socket.create_connection(server.address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="ftp.partner.example") as client,
        ):
            assert client.recv(100).startswith(b"220")
    server.reset()
    assert _codes(server, "AUTH TLS") == ["502"]


def test_the_certificate_after_a_name_has_ended(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A name that ended while other settings were in force is in no certificate afterwards."""
    server = ftp_server_factory(tls="explicit")
    with server.as_host("ftp.partner.example"):
        server.reset(system="OTHER")
    server.reset()
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _secured(server, "ftp.partner.example")
    _secured(server, "localhost")


def _secured(server: FtpServer, name: str) -> None:
    """Make a TLS handshake as a client that knows the server under this name."""
    with ftplib.FTP_TLS(context=server.tls.client_context(), timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.host = name
        ftp.auth()


def test_a_server_class_of_the_user() -> None:
    """Settings of the class and what its constructor does are as for a new server."""

    class Greeting(Server):
        """Has a setting of its own."""

        def __init__(self, users: Any = None, *, motto: str = "none", **settings: Any) -> None:
            super().__init__(users, **settings)
            self.welcome_message = f"My motto: {motto}"

    changes: list[Any] = [{"motto": "new"}, {"system": "X"}, {}]
    with FtpServer(server_class=Greeting, motto="old") as server:  # type: ignore[call-arg]
        for change, text in zip(changes, ["new", "old", "old"], strict=True):
            server.reset(**change)
            with RawClient(server.address) as client:
                assert client.reply().text == f"My motto: {text}"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"port": 2121}, r"reset\(port=...\): a running server keeps its port; start another server"),
        ({"server_class": Server}, "a running server keeps its server_class"),
        ({"disable": ["NOPE"]}, "cannot disable 'NOPE'"),
        ({"idle_timout": 5}, "did you mean 'idle_timeout'"),
        ({"files": {"a": b""}}, "must be absolute"),
        ({"faults": ["RETR: dropdata"]}, "drop_data"),
        ({"users": 3}, "users takes"),
    ],
)
def test_settings_that_cannot_work(server: FtpServer, settings: dict[str, Any], text: str) -> None:
    """An error changes nothing: the session goes on, and so do the settings."""
    with RawClient(server.address) as client:
        client.login()
        with pytest.raises(FtpFixtureError, match=text):
            server.reset(**settings)
        assert client.code("SIZE a.txt") == "213"
