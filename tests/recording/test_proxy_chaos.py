"""A proxy and servers or clients that hang, close early, reset or send nonsense: nothing hangs, nothing is left."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.target import Target
from ftpfixture.wire.hostport import parse_229
from tests.support.raw import RawClient, read_all
from tests.support.scripted import ScriptedServer, Session, Step, accept, close, epsv, reset, reset_data, send
from tests.support.walker import Walker

pytestmark = pytest.mark.illegal_replies

SIZE = 30_000_000
LOGIN: list[Step] = [
    b"220 hi\r\n",
    *("USER user", b"331 x\r\n"),
    *("PASS password", b"230 x\r\n"),
    *("TYPE I", b"200 x\r\n"),
]
RETR: list[Step] = [*LOGIN, epsv, "RETR a", accept, b"150 go\r\n"]
STOR: list[Step] = [*LOGIN, epsv, "STOR a", accept, b"150 go\r\n"]


async def closed_port(session: Session) -> None:
    """Receive EPSV, and name a port that refuses connections."""
    await session.play("EPSV")
    port = session.listen()
    session.close_data()
    await session.send(f"229 x (|||{port}|)\r\n".encode())


async def receive_some(session: Session) -> None:
    """Receive the beginning of an upload."""
    assert await asyncio.get_running_loop().sock_recv(await session.accept(), 1000)


async def receive_reset(session: Session) -> None:
    """Receive an upload that ends with a reset."""
    with pytest.raises(ConnectionResetError):
        await session.drain()


async def close_control(session: Session) -> None:
    """Close the control connection, and leave the data connection open."""
    session.sock.shutdown(socket.SHUT_WR)


async def flood(session: Session) -> None:
    """Send more bytes of a line than a reply may have, until the proxy closes."""
    with pytest.raises(ConnectionError):
        await session.send(b"x" * (1 << 25))


NO_GREETING = "No connection to HOST: "
SERVERS: dict[str, tuple[Sequence[Step], str, str]] = {
    # Name: the script of the server, the steps of the client, and what it sees.
    "no greeting": ([], "text; +", f"{NO_GREETING}no greeting within 0.2 s; EOF"),
    "no greeting, the client leaves": ([], "", ""),
    "closed at once": ([close], "text; +", f"{NO_GREETING}the server closed the control connection; EOF"),
    "another protocol": (
        [b"SSH-2.0-x\r\n"],
        "text; +",
        f"{NO_GREETING}no greeting within 0.2 s, only b'SSH-2.0-x\\r\\n'; EOF",
    ),
    "another protocol, closed": (
        [b"HTTP/1.0 400\r\n", close],
        "text; +",
        f"{NO_GREETING}the server closed the control connection after b'HTTP/1.0 400\\r\\n', which is no reply; EOF",
    ),
    "421 for a greeting": ([b"421 full\r\n", close], "text; +", "full; EOF"),
    "two greetings": ([b"220 a\r\n220 b\r\n"], "+; +", "220; 220"),
    "no reply, the client leaves": ([*LOGIN, "NOOP"], "login; hush NOOP", "login; silence"),
    "no reply to many commands": ([*LOGIN, "NOOP"], "login; hush NOOP\r\nNOOP\r\nNOOP", "login; silence"),
    "closed instead of a reply": ([*LOGIN, "NOOP", close], "login; NOOP", "login; EOF"),
    "reset instead of a reply": ([*LOGIN, "NOOP", reset], "login; NOOP", "login; EOF"),
    "a part of a reply": ([*LOGIN, "NOOP", b"200 pa", close], "login; raw NOOP; raw", "login; 200 pa; "),
    "nonsense before a reply": (
        [*LOGIN, "NOOP", b"what?\r\n\xff\n200 x\r\n"],
        "login; raw NOOP",
        "login; what?\\r\\n\\xff\\n200 x\\r\\n",
    ),
    "a line without an end": ([*LOGIN, "NOOP", flood], "login; end NOOP", "login; EOF"),
    "two replies": (
        [*LOGIN, "NOOP", b"200 a\r\n200 b\r\n", "PWD", b'257 "/"\r\n'],
        "login; NOOP; +; PWD",
        "login; 200; 200; 257",
    ),
    "229 without a port": (
        [*LOGIN, "EPSV", b"229 x\r\n", "RETR a", b"425 x\r\n"],
        "login; EPSV; RETR a",
        "login; 229; 425",
    ),
    "421 in a download": (
        [*RETR, send(b"x" * 1000, end=False), b"421 bye\r\n", close],
        "login; get RETR a; +",
        "login; 150 1000 FIN 421; EOF",
    ),
    "421, and the data stay open": (
        [*RETR, send(b"x" * 1000, end=False), b"421 bye\r\n", close_control],
        "login; get RETR a; +",
        "login; 150 1000 FIN 421; EOF",
    ),
    "closed in a download": (
        [*RETR, send(b"x" * 1000, end=False), close_control],
        "login; get RETR a",
        "login; 150 1000 FIN EOF",
    ),
    "a reset of the data": ([*RETR, reset_data, b"426 x\r\n"], "login; get RETR a", "login; 150 RST 426"),
    "data without a final reply": (
        [*RETR, send(b"x" * 1000)],
        "login; get RETR a",
        "login; 150 1000 FIN silence",
    ),
    "data that stall": (
        [*RETR, send(b"x" * 1000, end=False)],
        "login; get RETR a",
        "login; 150 1000 silence silence",
    ),
    "no preliminary reply": ([*LOGIN, epsv, "RETR a"], "login; data EPSV; hush RETR a", "login; connected; silence"),
    "no data port": (
        [*LOGIN, closed_port, "RETR a", b"150 go\r\n425 no\r\n", "NOOP", b"200 x\r\n"],
        "login; get RETR a; NOOP",
        "login; 150 RST 425; 200",
    ),
    "no data port and no final reply": (
        [*LOGIN, closed_port, "RETR a", b"150 go\r\n"],
        "login; get RETR a",
        "login; 150 RST silence",
    ),
    "a refusal before the data": (
        [*LOGIN, epsv, "RETR a", b"550 no\r\n", "NOOP", b"200 x\r\n"],
        "login; get RETR a; NOOP",
        "login; 550; 200",
    ),
    "an early final reply": (
        [*RETR, b"226 x\r\n", send(b"x" * 1000), "NOOP", b"200 x\r\n"],
        "login; get RETR a; NOOP",
        "login; 150 1000 FIN 226; 200",
    ),
    "552 in an upload": (
        [*STOR, receive_some, b"552 full\r\n", "NOOP", b"200 x\r\n"],
        "login; put STOR a; NOOP",
        "login; 150 552; 200",
    ),
    "an upload that is never read": ([*STOR], "login; put STOR a", "login; 150 silence"),
    "one reply to RETR and ABOR": (
        [*RETR, "ABOR", b"226 x\r\n", "PWD", b'257 "/"\r\n', "NOOP", b"200 x\r\n"],
        "login; data EPSV; RETR a; ABOR; PWD; NOOP",
        "login; connected; 150; 226; 257; 200",
    ),
}


def tasks(proxy: FtpServer) -> int:
    """The number of tasks of all servers."""
    return proxy.driver.call(lambda: len(asyncio.all_tasks()))


def check_nothing_left(before: int, *servers: FtpServer) -> None:
    """Check that all sessions end, and that no task or error of them is left."""
    for server in servers:
        assert server.log.wait_until(partial(_is_empty, server), 3), server.log.transcript()
        assert server.log.failures == []
    assert tasks(servers[0]) == before


def _is_empty(server: FtpServer) -> bool:
    return not server.sessions


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_that_fails(name: str) -> None:
    """The client sees what the server does, and the session ends with the client at the latest."""
    script, steps, seen = SERVERS[name]

    def run() -> str:
        with FtpServer(upstream=Target(host, port, timeout=0.2)) as proxy:
            before = tasks(proxy)
            walker = Walker(proxy.address)
            with walker.client:
                found = walker.walk(steps) if steps else ""
            check_nothing_left(before, proxy)
        return found.replace(f"{host}:{port}", "HOST")

    async with ScriptedServer(script) as server:
        host, port = server.address
        assert await asyncio.to_thread(run) == seen


@pytest.fixture
def real() -> Iterator[FtpServer]:
    """The real server."""
    with FtpServer(files={"/big": bytes(SIZE), "/a": b"x" * 1000}) as server:
        yield server


@pytest.fixture
def proxy(real: FtpServer) -> Iterator[FtpServer]:
    """A proxy in front of it."""
    with FtpServer(upstream=Target(*real.address, user=real.user, password=real.password, timeout=0.2)) as server:
        yield server


def stop_reading(client: RawClient) -> None:
    """Begin a download, and read almost nothing of it."""
    data = client.passive()
    client.ask("RETR /big")
    assert data.recv(10)


def stop_sending(client: RawClient) -> None:
    """Begin an upload, and send no end of it."""
    data = client.passive()
    client.ask("STOR /new")
    data.sendall(b"x" * 1000)


def many_commands(client: RawClient) -> None:
    """Send 100 commands at once, and read nothing."""
    client.send(b"NOOP\r\nPWD\r\n" * 50 + b"NOOP")


def half_close(client: RawClient) -> None:
    """Send 100 commands and FIN at once: all replies come."""
    client.send(b"\r\n".join([b"NOOP", b"PWD"] * 50))
    client.sock.shutdown(socket.SHUT_WR)
    assert [client.reply().code for _ in range(100)] == ["200", "257"] * 50
    assert client.is_closed()


def leave_the_data_open(client: RawClient) -> None:
    """Close the control connection in a download: the data come to their end."""
    data = client.passive()
    client.ask("RETR /big")
    client.sock.close()
    assert len(read_all(data)) == SIZE


def pipelined_transfer(client: RawClient) -> None:
    """Send commands behind RETR: their replies come after its final one."""
    data = client.passive()
    client.send("RETR /a\r\nNOOP\r\nPWD")
    assert read_all(data) == b"x" * 1000
    assert [client.reply().code for _ in range(4)] == ["150", "226", "200", "257"]


def late_connection(client: RawClient) -> None:
    """Connect the data connection only after the command."""
    port = parse_229(client.ask("EPSV").text)
    client.send("RETR /a")
    with socket.create_connection((client.sock.getpeername()[0], port), 10) as data:
        assert read_all(data) == b"x" * 1000
    assert [client.reply().code, client.reply().code] == ["150", "226"]


def no_connection(client: RawClient) -> None:
    """Never connect the data connection: 425, and the upload of the real server is no complete one."""
    client.ask("EPSV")
    assert client.ask("STOR /new").code == "425"
    assert client.ask("NOOP").code == "200"


def reset_an_upload(client: RawClient) -> None:
    """Reset the data connection of an upload: it fails at the real server, too."""
    data = client.passive()
    client.ask("STOR /new")
    data.sendall(b"x" * 1000)
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    data.close()
    assert client.reply().code == "426"
    assert client.ask("NOOP").code == "200"


def many_data_connections(client: RawClient) -> None:
    """Open data connections, and use none of them."""
    for _ in range(20):
        client.passive()


CLIENTS: list[Callable[[RawClient], None]] = [
    *(stop_reading, stop_sending, many_commands, half_close, leave_the_data_open, pipelined_transfer),
    *(late_connection, no_connection, reset_an_upload, many_data_connections),
]


@pytest.mark.parametrize("end", [RawClient.close, RawClient.vanish])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_fails(
    proxy: FtpServer, real: FtpServer, client: Callable[[RawClient], None], end: Callable[[RawClient], None]
) -> None:
    """Whatever it does, the sessions of the proxy and of the real server end."""
    before = tasks(proxy)
    connected = RawClient(proxy.address)
    client(connected.login())
    end(connected)
    check_nothing_left(before, proxy, real)


@pytest.mark.parametrize("client", [no_connection, reset_an_upload])
def test_a_failed_upload_is_no_complete_one(client: Callable[[RawClient], None]) -> None:
    """The data connection of the real server is reset, because a close would be the end of the file."""
    with FtpServer() as real, FtpServer(upstream=real.url) as proxy:
        with RawClient(proxy.address) as connected:
            client(connected.login())
        (transfer,) = real.log.transfers
        assert (transfer.direction, transfer.completed) == ("upload", False)


def test_aborted_while_a_fault_stalls(proxy: FtpServer) -> None:
    """ABOR ends a download or an upload that a fault has stopped, and the session continues."""
    for verb, path in (("RETR", "/big"), ("STOR", "/new")):
        with proxy.faults(f"{verb}: stall_data after_bytes=10"), RawClient(proxy.address) as client:
            data = client.login().passive()
            assert client.ask(f"{verb} {path}").code == "150"
            if verb == "STOR":
                data.sendall(b"x" * 1000)
            client.send("ABOR")
            assert [client.reply().code, client.reply().code] == ["426", "226"]
            assert client.ask("NOOP").code == "200"


def test_faults_while_the_proxy_stops(real: FtpServer) -> None:
    """A proxy stops in the middle of stalled transfers, and leaves no session at the real server."""
    with FtpServer(upstream=real.url, faults=["RETR: stall_data"]) as proxy:
        clients = [RawClient(proxy.address).login() for _ in range(3)]
        for client in clients:
            client.passive()
            client.ask("RETR /big")
        proxy.stop()
        for client in clients:
            assert client.reply().code == "421"
            client.close()
    assert real.log.wait_until(lambda: not real.sessions, 3)
