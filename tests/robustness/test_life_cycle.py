"""Starting and stopping: bounded in time, without leaks."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, Server, ServerStateError
from ftpfixture.files.memory import MemoryPathIO
from ftpfixture.testing.loopthread import LoopThread
from tests.support.leaks import held
from tests.support.raw import RawClient

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")


def _dialogue(server: FtpServer) -> None:
    with RawClient(server.address) as client:
        client.login()
        assert client.store("STOR a.bin", b"x" * 1000) == ["150", "226"]
        assert client.fetch("RETR a.bin") == (["150", "226"], b"x" * 1000)
        assert client.code("QUIT") == "221"


def test_200_cycles_leave_nothing() -> None:
    """After 200 servers were started, used and stopped, no thread, socket or descriptor is left."""
    with FtpServer() as server:
        _dialogue(server)
    before = held()

    for _ in range(200):
        with FtpServer(files={"/b.txt": b"b"}) as server:
            _dialogue(server)

    assert held() == before


def test_200_cycles_with_connected_clients_leave_nothing() -> None:
    """Servers that are stopped while clients are connected or transfer a file leave nothing."""
    with FtpServer() as server:
        _dialogue(server)
    before = held()

    for number in range(200):
        with FtpServer(files={"/big.bin": bytes(1 << 22)}) as server:
            client = RawClient(server.address)
            client.login()
            data = client.passive()
            if number % 2:
                client.send("RETR big.bin")
                server.log.wait_for("RETR")
        data.close()
        client.close()

    assert held() == before


def _idle(server: FtpServer, client: RawClient) -> None:
    pass


def _waits_for_data(server: FtpServer, client: RawClient) -> None:
    assert client.code("EPSV") == "229"
    client.send("RETR big.bin")
    server.log.wait_for("RETR")


def _reads_nothing(server: FtpServer, client: RawClient) -> None:
    client.passive()
    client.send("RETR big.bin")
    assert client.reply().code == "150"


def _sends_nothing(server: FtpServer, client: RawClient) -> None:
    client.passive()
    assert client.code("STOR up.bin") == "150"


def _reads_no_replies(server: FtpServer, client: RawClient) -> None:
    client.flood()


def _incomplete_line(server: FtpServer, client: RawClient) -> None:
    client.sock.sendall(b"NOO")


def _quit_in_transfer(server: FtpServer, client: RawClient) -> None:
    _reads_nothing(server, client)
    assert client.code("QUIT") == "221"


@pytest.mark.parametrize(
    "state",
    [_idle, _waits_for_data, _reads_nothing, _sends_nothing, _reads_no_replies, _incomplete_line, _quit_in_transfer],
)
def test_stop_returns_within_a_second(state: Callable[[FtpServer, RawClient], None]) -> None:
    """`stop` takes less than a second whatever clients do, and they see the end of the connection."""
    server = FtpServer(files={"/big.bin": bytes(1 << 26)}, wait_future_timeout=60)
    server.start()
    with RawClient(server.address) as client:
        client.login()
        state(server, client)

        began = time.monotonic()
        server.stop()

        assert time.monotonic() - began < 1
        client.sock.settimeout(10)
        client.read_to_the_end()


@pytest.mark.parametrize("stage", ["connected", "USER", "PASS", "EPSV", "data", "RETR", "STOR", "half a line"])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_client_that_vanishes_leaves_nothing(stage: str, how: str) -> None:
    """A client may close or reset at every stage: its session ends, and the next session works."""
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    with FtpServer(files={"/big.bin": bytes(1 << 25)}) as server:
        client = RawClient(server.address)
        _go_to(client, stage)
        for sock in client._open:
            if how == "rst":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()

        server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")

        assert server.sessions == []
        _dialogue(server)


def _go_to(client: RawClient, stage: str) -> None:
    client.reply()
    if stage == "connected":
        return
    assert client.code("USER user") == "331"
    if stage == "USER":
        return
    assert client.code("PASS password") == "230"
    if stage == "half a line":
        client.sock.sendall(b"STO")
    if stage in ("PASS", "half a line"):
        return
    if stage == "EPSV":
        client.ask("EPSV")
        return
    client.passive()
    if stage in ("RETR", "STOR"):
        assert client.code(f"{stage} big.bin") == "150"


def test_1000_sessions_at_once() -> None:
    """1000 sessions are logged in at once, each gets its replies, and all end with QUIT."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # both ends of each are in this process
    with FtpServer() as server:
        clients = [RawClient(server.address) for _ in range(1000)]
        for client in clients:
            client.login()

        assert len(server.sessions) == 1000
        assert {client.code("NOOP") for client in clients} == {"200"}
        for client in clients:
            assert client.code("QUIT") == "221"
            client.close()
        server.log.wait_for(lambda event: type(event).__name__ == "Disconnected", times=1000)
        assert {session.reason for session in server.log.sessions} == {"quit"}


async def test_no_task_is_left_in_the_users_own_loop() -> None:
    """A server in the loop of the test leaves no task when it is closed while a client is connected."""
    before = asyncio.all_tasks()
    server = Server(path_io_factory=MemoryPathIO)
    await server.start()
    host, port = server.address
    reader, writer = await asyncio.open_connection(host, port)
    assert (await reader.readline()).startswith(b"220")

    await server.close()

    assert (await reader.readline()).startswith(b"421")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert asyncio.all_tasks() == before


def test_restart_keeps_port_users_files_and_log() -> None:
    """After a restart the server is at the same address with the same files, and the log continues."""
    with FtpServer(users={"ann": "secret"}, files={"/a.txt": b"a"}) as server:
        address = server.address
        with RawClient(server.address) as client:
            client.login("ann", "secret")
            server.restart()

            assert server.address == address
            assert client.reply().code == "421"
        with RawClient(server.address) as client:
            client.login("ann", "secret")
            assert client.fetch("RETR a.txt")[1] == b"a"
        assert len(server.log.find("PASS -> 230")) == 2


def test_pause_leaves_new_connections_waiting() -> None:
    """While the server is paused, a client connects but gets no reply; after `resume` it gets the greeting."""
    with FtpServer() as server:
        server.pause()
        with RawClient(server.address, timeout=0.1) as client:
            with pytest.raises(TimeoutError):
                client.reply()
            client.sock.settimeout(10)

            server.resume()

            assert client.reply().code == "220"


def test_starting_twice_and_using_after_stop_raise() -> None:
    """Misuse of the life cycle raises ServerStateError, and the message says what to do."""
    server = FtpServer()
    with pytest.raises(ServerStateError, match=r"call start\(\) first"):
        _ = server.port
    server.start()
    with pytest.raises(ServerStateError, match="runs already, at ftp://user:password@127"):
        server.start()
    server.stop()
    server.stop()
    for use in (lambda: server.url, server.pause, server.resume, server.restart, server.wait_idle):
        with pytest.raises(ServerStateError, match="does not run"):
            use()


def test_the_loop_thread_lives_while_it_is_leased() -> None:
    """The first lease starts the thread, and the last release ends it, whatever still runs in it."""
    before = threading.active_count()
    leased = LoopThread()
    leased.acquire()
    leased.acquire()
    leased.release()

    async def hang() -> None:
        await asyncio.Event().wait()

    leased.call(lambda: asyncio.ensure_future(hang()))
    assert leased.await_(asyncio.sleep(0, "ran")) == "ran"
    leased.release()

    assert threading.active_count() == before
    with pytest.raises(ServerStateError, match="loop is stopped"):
        leased.await_(asyncio.sleep(0))


def test_files_are_used_while_another_server_ends_the_thread() -> None:
    """A call runs in the thread of the servers or, while that ends, in the thread of the caller; none is lost."""
    idle = FtpServer(files={"/a.txt": b"a"})
    over = threading.Event()

    def start_and_stop() -> None:
        for _ in range(200):
            with FtpServer():
                pass
        over.set()

    other = threading.Thread(target=start_and_stop)
    other.start()
    steps = 0
    while not over.is_set():
        assert idle.files == {"/a.txt": b"a"}
        steps += 1
    other.join()
    assert steps > 0


class Interrupting(Server):
    """Interrupts the waiting main thread after it started to listen, or before it closes."""

    when = ""

    async def start(self, host: str | None = None, port: int = 0) -> None:
        """Start, and perhaps interrupt."""
        await super().start(host, port)
        self.listens_on = self.address
        if self.when == "start":
            await _interrupt()

    async def close(self) -> None:
        """Perhaps interrupt, and close."""
        if self.when == "stop":
            self.when = ""
            await _interrupt()
        await super().close()


async def _interrupt() -> None:
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


class Failing(Server):
    """Starts to listen, and then fails."""

    async def start(self, host: str | None = None, port: int = 0) -> None:
        """Start, and raise."""
        await super().start(host, port)
        self.listens_on = self.address
        raise ZeroDivisionError


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize(("kind", "error"), [(Interrupting, KeyboardInterrupt), (Failing, ZeroDivisionError)])
def test_a_failed_start_leaves_nothing(kind: type[Server], error: type[BaseException]) -> None:
    """A failed start leaves no listening socket and no thread; after an interrupt the server can start again."""
    before = held()
    server = FtpServer(server_class=kind)
    server.server.when = "start"  # type: ignore[attr-defined]
    with pytest.raises(error):
        server.start()
    assert held() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.server.listens_on)  # type: ignore[attr-defined]
    if kind is Interrupting:
        server.server.when = ""  # type: ignore[attr-defined]
        with server:
            _dialogue(server)


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize("lives", [True, False], ids=["thread lives", "thread ends"])
def test_an_interrupted_stop_closes_everything(lives: bool) -> None:
    """Control port, sessions and passive ports are closed, whether the thread continues or ends with the server."""
    before = held()
    thread = LoopThread()
    thread.acquire()
    server = FtpServer(server_class=Interrupting, driver=thread)
    server.start()
    with RawClient(server.address) as client:
        client.login()
        assert client.code("EPSV") == "229"
        server.server.when = "stop"  # type: ignore[attr-defined]
        if not lives:
            thread.release()
        with pytest.raises(KeyboardInterrupt):
            server.stop()
        client.read_to_the_end()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.server.listens_on)  # type: ignore[attr-defined]
    if lives:
        thread.release()
    assert held() == before
