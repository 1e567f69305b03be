"""Clients that close, reset or stall at every stage of TLS."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pytest

from ftpfixture import FtpServer, TlsMode
from ftpfixture.log.events import Disconnected
from ftpfixture.net.channel import Channel
from ftpfixture.testing.loopthread import shared_thread
from tests.support.leaks import held
from tests.support.raw import RawClient
from tests.support.tls import VERSIONS, TlsClient, visit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")

BEGIN = (
    "before TLS",
    "half a ClientHello",
    "ClientHello",
    "answer to the ClientHello",
    "encrypted",
    "logged in",
    "EPSV",
    "data connection",
    "data connection and command",
    "half a data ClientHello",
    "data ClientHello",
    "answer to the data ClientHello",
    "data encrypted",
)
# Explicit TLS or implicit, the command of the transfer, and the stage where a client stops, from `visit`.
STAGES = [
    (mode, verb, stage)
    for mode in ("explicit", "implicit")
    for verb, stages in (
        ("RETR", (*(("AUTH",) if mode == "explicit" else ()), *BEGIN, "amidst the download", "close_notify")),
        ("STOR", ("data encrypted", "amidst the upload", "close_notify")),
    )
    for stage in stages
]

FILES = {"/big.bin": Random(5).randbytes(1 << 23)}  # more than the system keeps for a connection


@pytest.fixture(autouse=True)
def _thread() -> Iterator[None]:
    """Keep the thread of all servers alive after the servers of a test, to show their leaks."""
    shared_thread().acquire()
    yield
    shared_thread().release()


def go_to(client: TlsClient, mode: str, verb: str, stage: str) -> None:
    """Run a client up to a stage."""
    assert stage in visit(client, verb, implicit=mode == "implicit")


def iterations(count: int = 20) -> None:
    """Let the loop of all servers check its sockets `count` times."""
    for _ in range(count):
        shared_thread().call(lambda: None)


@dataclass(frozen=True)
class Left:
    """The state of a server without clients: every value should be empty or zero."""

    sessions: tuple[int, ...]
    connections: tuple[int, ...]
    session_tasks: int
    listeners: tuple[int, ...]
    tasks: tuple[str, ...]
    channels: int


NOTHING = Left((), (), 0, (), (), 0)


def left(server: FtpServer) -> Left:
    """Return what is left in a server, on its loop, and of the connections of this process."""

    async def names() -> tuple[str, ...]:
        return tuple(sorted(str(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()}))

    tasks = shared_thread().await_(names())
    gc.collect()
    inner = server.server
    return Left(
        tuple(session.number for session in server.sessions),
        tuple(inner.connections),
        len(inner._tasks),
        tuple(inner._passive),
        tasks,
        sum(type(one) is Channel and not one.closed for one in gc.get_objects()),
    )


def dialogue(server: FtpServer, mode: str, version: str = "TLSv1.3") -> None:
    """Run a healthy session with a download and an upload."""
    for verb in ("RETR", "STOR"):
        with TlsClient(server.address, version) as client:
            assert list(visit(client, verb, implicit=mode == "implicit"))[-1] == "close_notify"
            assert client.code("QUIT") == "221"
            assert client.is_closed()


@pytest.mark.parametrize("mode", ["explicit", "implicit"])
def test_200_clients_that_close_at_every_stage_leave_nothing(mode: TlsMode) -> None:
    """After 200 clients closed or reset at every stage, the server has no leaks, and the next session works."""
    stages = [(verb, stage) for tls, verb, stage in STAGES if tls == mode]
    ways: list[Callable[[TlsClient], None]] = [TlsClient.close, TlsClient.vanish]
    visits = list(itertools.product(stages, VERSIONS, ways, (False, True)))
    visits += visits[: max(0, 200 - len(visits))]
    # The server does not see a data connection that is reset before it is accepted; its command waits for another.
    with FtpServer(tls=mode, files=FILES, wait_future_timeout=0.1, handshake_timeout=60) as server:
        dialogue(server, mode)
        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=2)
        before = held()
        for number, ((verb, stage), version, end, checked) in enumerate(visits):
            server.files["/big.bin"] = FILES["/big.bin"]
            client = TlsClient(server.address, version)
            go_to(client, mode, verb, stage)
            if checked:  # otherwise the server may see only the end of the connection
                iterations()
            if number % 3 == 0:
                client._open.reverse()
            end(client)

        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=2 + len(visits), timeout=10)

        assert left(server) == NOTHING
        assert held() == before
        assert len(visits) >= 200
        reasons = {session.reason.partition(":")[0] for session in server.log.sessions[2:]}
        assert reasons <= {"client closed", "connection reset", "no TLS"}
        dialogue(server, mode)
        server.check()


@pytest.mark.each_once
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("mode", "verb", "stage"), STAGES)
def test_stop_returns_while_a_client_stalls(mode: TlsMode, verb: str, stage: str, version: str) -> None:
    """`stop` takes less than a second while a client stalls at any stage of TLS, and leaves nothing."""
    before = held()
    server = FtpServer(tls=mode, files=FILES, wait_future_timeout=60)
    server.start()
    with TlsClient(server.address, version) as client:
        go_to(client, mode, verb, stage)
        iterations()

        began = time.monotonic()
        server.stop()

        assert time.monotonic() - began < 1
        assert left(server) == NOTHING
        server.check()
        drain(client)
    assert held() == before


def drain(client: RawClient) -> None:
    """Read every socket to its end."""
    for sock in client._open:
        try:
            while sock.recv(1 << 16):
                pass
        except ConnectionError:
            pass


@pytest.mark.parametrize("mode", ["explicit", "implicit"])
def test_50_handshakes_do_not_delay_a_transfer(mode: TlsMode) -> None:
    """During 50 unfinished TLS handshakes another client transfers files; then the handshakes complete."""
    with FtpServer(tls=mode, files=FILES) as server:
        waiting = [TlsClient(server.address, version) for version in VERSIONS for _ in range(25)]
        visits = [visit(client, "STOR", implicit=mode == "implicit") for client in waiting]
        for number, going in enumerate(visits):
            assert ("half a ClientHello" if number % 2 else "ClientHello") in going

        with TlsClient(server.address) as busy:
            assert "logged in" in visit(busy, "RETR", implicit=mode == "implicit")
            assert fetch(busy, "/big.bin") == FILES["/big.bin"]
            store(busy, "/copy.bin", FILES["/big.bin"])

        assert server.files["/copy.bin"] == FILES["/big.bin"]
        assert [session.tls for session in server.sessions[:50]] == [None] * 50
        for client, going in zip(waiting, visits, strict=True):
            assert "logged in" in going
            assert client.code("NOOP") == "200"
            client.close()
        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=51)
        assert left(server) == NOTHING


def fetch(client: TlsClient, path: str) -> bytes:
    """Download a file over TLS."""
    data = client.private()
    assert client.code(f"RETR {path}") == "150"
    data.do_handshake()
    content = b"".join(iter(data.receive, b""))
    data.send_close_notify()
    data.sock.close()
    assert client.reply().code == "226"
    return content


def store(client: TlsClient, path: str, content: bytes) -> None:
    """Upload a file over TLS."""
    data = client.private()
    assert client.code(f"STOR {path}") == "150"
    data.do_handshake()
    data.send(content)
    data.send_close_notify()
    assert client.reply().code == "226"


def test_garbage_where_tls_should_be_ends_the_session_only() -> None:
    """Bytes that are no TLS handshake end the session, with the reason in the transcript; the next session works."""
    source = Random(20261122)
    with FtpServer(tls="explicit", files=FILES) as server:
        for size in range(1, 40):
            with RawClient(server.address) as client:
                client.reply()
                assert client.code("AUTH TLS") == "234"
                client.sock.sendall(source.randbytes(size) + bytes(6))
                client.sock.shutdown(1)
                drain(client)
        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=39)

        assert left(server) == NOTHING
        assert server.log.transcript().count("* no TLS on the control connection: ") == 39
        dialogue(server, "explicit")


def test_garbage_where_records_should_be_ends_the_session_only() -> None:
    """Bytes that are no TLS record, on an encrypted connection, end that session."""
    with FtpServer(tls="explicit", files=FILES) as server:
        for version in VERSIONS:
            client = TlsClient(server.address, version)
            go_to(client, "explicit", "RETR", "logged in")
            client.sock.sendall(b"NOOP\r\n")
            drain(client)
            client.close()
        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=2)

        assert left(server) == NOTHING
        assert not server.log.find("NOOP")
        dialogue(server, "explicit")
