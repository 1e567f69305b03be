"""Simulated sockets of blocking clients, beside real ones."""

from __future__ import annotations

import asyncio
import errno
import gc
import select
import socket
import struct
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.net.memory import MemoryTransport
from ftpfixture.sim.ends import ends_of
from ftpfixture.sim.simulation import Simulation
from ftpfixture.sim.sockets import is_simulated
from tests.support.rows import check_rows

HOST = "127.0.0.1"


class Peer:
    """The server's side of connections, real or simulated.

    Attributes:
        address: Where it listens.
        sock: Of the client, connected.
    """

    def __init__(self, simulation: Simulation | None) -> None:
        self._simulation = simulation
        self._accepted: list[MemoryTransport] = []
        if simulation is None:
            self._listener = socket.create_server((HOST, 0))
            self.address = self._listener.getsockname()
        else:
            listener = simulation.call(lambda: simulation.network.listen(HOST, 0, self._accepted.append))  # type: ignore[arg-type]
            self.address = (listener.host, listener.port)
        self.sock = socket.create_connection(self.address, timeout=5)
        if simulation is None:
            self._far: Any = self._listener.accept()[0]
        else:
            self._far = self._accepted[0]

    def send(self, data: bytes) -> None:
        """Send to the client."""
        self._far.send(data)

    def receive(self) -> bytes:
        """What the client has sent."""
        received: bytes = self._far.recv(1 << 16)
        return received

    def finish(self) -> None:
        """Send FIN."""
        if self._simulation is None:
            self._far.shutdown(socket.SHUT_WR)
        else:
            self._far.shutdown_write()

    def reset(self) -> None:
        """Close with RST."""
        if self._simulation is None:
            self._far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._far.close()
        else:
            self._far.reset()

    def close(self) -> None:
        """Close everything."""
        self.sock.close()
        self._far.close()
        if self._simulation is None:
            self._listener.close()


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """A simulation that runs."""
    simulation = Simulation()
    simulation.acquire()
    yield simulation
    simulation.release()


@pytest.fixture(params=["real", "simulated"])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """A connection."""
    if request.param == "real":
        own = Peer(None)
        assert not is_simulated(own.sock)
    else:
        own = Peer(request.getfixturevalue("simulation"))
        assert is_simulated(own.sock)
    yield own
    own.close()


def _error(call: Callable[[], object]) -> int | None:
    try:
        call()
    except OSError as error:
        return error.errno
    return None


def test_bytes(peer: Peer) -> None:
    """All ways to receive and to send."""
    sock = peer.sock
    peer.send(b"hello world")
    assert sock.recv(2, socket.MSG_PEEK) == b"he"
    assert sock.recv(6) == b"hello "
    buffer = bytearray(10)
    assert sock.recv_into(buffer) == 5
    assert buffer[:5] == b"world"
    peer.send(b"12345")
    assert sock.recv(5, socket.MSG_WAITALL) == b"12345"
    assert sock.send(b"abc") == 3
    sock.sendall(memoryview(b"def"))
    assert sock.send(b"") == 0
    assert peer.receive() == b"abcdef"
    with sock.makefile("rb") as file:
        peer.send(b"a line\r\n")
        assert file.readline() == b"a line\r\n"


def test_ends(peer: Peer) -> None:
    """FIN, half close and what follows."""
    sock = peer.sock
    peer.send(b"x")
    peer.finish()
    assert sock.recv(10) == b"x"
    assert sock.recv(10) == b""
    sock.sendall(b"still open")
    assert peer.receive() == b"still open"
    sock.shutdown(socket.SHUT_WR)
    assert peer.receive() == b""
    assert _error(lambda: sock.send(b"x")) == errno.EPIPE


def test_shut_both_ways(peer: Peer) -> None:
    """Nothing is received any more."""
    peer.sock.shutdown(socket.SHUT_RDWR)
    assert peer.sock.recv(10) == b""
    assert peer.receive() == b""


def test_reset(peer: Peer) -> None:
    """RST is an error, once."""
    peer.reset()
    assert _error(lambda: peer.sock.recv(10)) == errno.ECONNRESET
    assert peer.sock.recv(10) == b""
    assert _error(lambda: peer.sock.send(b"x")) == errno.EPIPE


def test_a_client_that_resets(peer: Peer) -> None:
    """SO_LINGER with 0 seconds sends RST."""
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()
    assert _error(peer.receive) == errno.ECONNRESET


def test_addresses_and_settings(peer: Peer) -> None:
    """Names, timeouts and options."""
    sock = peer.sock
    assert sock.getpeername() == peer.address
    assert sock.getsockname()[0] == HOST
    assert sock.family == socket.AF_INET
    assert sock.gettimeout() == sock.timeout == 5
    sock.settimeout(2.5)
    assert sock.timeout == 2.5
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    with pytest.raises(ValueError, match="Timeout value out of range"):
        sock.settimeout(-1)
    assert sock.fileno() > 0
    sock.setblocking(False)
    assert not sock.getblocking()
    assert _error(lambda: sock.recv(1)) == errno.EAGAIN
    sock.setblocking(True)
    assert sock.getblocking()
    sock.close()
    assert sock.fileno() == -1
    assert _error(lambda: sock.recv(1)) == errno.EBADF
    assert _error(lambda: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)) == errno.EBADF


def test_select(peer: Peer) -> None:
    """It says what is ready, and times out."""
    sock = peer.sock
    assert select.select([sock], [sock], [], 0) == ([], [sock], [])
    assert select.select([sock], [], [], 0.01) == ([], [], [])
    peer.send(b"x")
    assert select.select([sock], [], [sock], 5) == ([sock], [], [])


def test_timeouts_are_virtual(simulation: Simulation) -> None:
    """A timeout of an hour is exact; without one a wait that never ends is proved."""
    peer = Peer(simulation)
    peer.sock.settimeout(3600)
    with pytest.raises(TimeoutError, match="timed out"):
        peer.sock.recv(1)
    assert simulation.monotonic() == 3600
    peer.sock.settimeout(None)
    with pytest.raises(HangError, match="waits for bytes on the connection from 127"):
        peer.sock.recv(1)
    peer.close()


def test_a_full_window(simulation: Simulation) -> None:
    """A client waits for room as it does on a real connection."""
    peer = Peer(simulation)
    with pytest.raises(TimeoutError):
        peer.sock.sendall(bytes(1 << 23))
    assert simulation.monotonic() == 5
    peer.sock.settimeout(0)
    with pytest.raises(BlockingIOError):
        peer.sock.send(b"x")
    peer.close()


def test_listening(simulation: Simulation) -> None:
    """A client in active mode: its listener is real until a simulated server connects to it."""
    peer = Peer(simulation)
    with socket.create_server(("", 0)) as listener:
        assert not is_simulated(listener)
        port = listener.getsockname()[1]
        peer.sock.sendall(b"PORT")
        listener.settimeout(60)
        with pytest.raises(TimeoutError):
            listener.accept()
        assert simulation.monotonic() == 60
        listener.settimeout(None)
        with pytest.raises(HangError, match=f"waits for a connection to 0.0.0.0:{port}"):
            listener.accept()
        transport = simulation.await_(simulation.network.connect(None, (HOST, port)))
        assert is_simulated(listener)
        assert listener.getsockname()[1] == port
        sock, address = listener.accept()
        assert address == transport.local == sock.getpeername()
        listener.setblocking(False)
        assert _error(listener.accept) == errno.EAGAIN
        listener.listen()
        transport.send(b"x")
        assert sock.recv(9) == b"x"
        sock.close()
        assert _error(lambda: transport.send(b"x")) is None  # answered with RST
        waiting = simulation.await_(simulation.network.connect(None, (HOST, port)))
    assert _error(lambda: waiting.recv(1)) == errno.ECONNRESET  # it was never accepted
    peer.close()


def test_a_server_connects_while_the_client_waits(simulation: Simulation) -> None:
    """In `accept` and in `select`, after a while."""
    peer = Peer(simulation)
    for wait in (lambda sock: sock.accept()[0].close(), lambda sock: select.select([sock, peer.sock], [], [])):
        with socket.create_server((HOST, 0)) as listener:
            peer.sock.sendall(b"PORT")
            begin = simulation.monotonic()

            async def connect(address: tuple[str, int]) -> None:
                await asyncio.sleep(30)
                await simulation.network.connect(None, address)

            task = simulation.loop.create_task(connect(listener.getsockname()))
            wait(listener)
            assert simulation.monotonic() == begin + 30
            assert is_simulated(listener)
            simulation.await_(_wait_for(task))
    peer.close()


async def _wait_for(task: asyncio.Task[None]) -> None:
    await task


def test_real_listeners_stay_real(simulation: Simulation) -> None:
    """What no simulated server connects to accepts real connections, also beside a simulated one."""
    with socket.create_server((HOST, 0)) as before:
        peer = Peer(simulation)
        with socket.create_server((HOST, 0)) as listener:
            for one in (before, listener):
                with socket.create_connection(one.getsockname()[:2]) as client:
                    peer.sock.sendall(b"x")
                    assert not is_simulated(client)
                    accepted, address = one.accept()
                    assert address == client.getsockname()
                    accepted.close()
            assert _error(lambda: _listen_again(listener)) is None
        assert _error(peer.sock.listen) == errno.EINVAL
        peer.close()
        assert _error(peer.sock.listen) == errno.EBADF


def _listen_again(listener: socket.socket) -> None:
    listener.listen(5)


def test_calls_with_nothing_or_too_much(peer: Peer) -> None:
    """Sizes of zero and below, and buffers that are too small."""
    sock = peer.sock
    assert sock.recv(0) == b""
    assert sock.recv_into(bytearray(0)) == 0
    rows: list[tuple[Callable[[], object], str]] = [
        (lambda: sock.recv(-1), "negative buffersize in recv"),
        (lambda: sock.recv_into(bytearray(1), -1), "negative buffersize in recv_into"),
        (lambda: sock.recv_into(bytearray(1), 2), "buffer"),
    ]
    for call, text in rows:
        with pytest.raises(ValueError, match=text):
            call()
    peer.send(b"x")
    assert sock.recv(1) == b"x"
    sock.close()
    assert sock.recv(0) == b""


def test_options(peer: Peer) -> None:
    """Those that were not set are those of a new socket."""
    sock = peer.sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 0
    assert len(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == 8
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    with pytest.raises(OSError, match="Protocol not available"):
        sock.getsockopt(socket.SOL_SOCKET, 12345)


CLOSED: dict[str, Callable[[socket.socket], object]] = {
    "recv": lambda sock: sock.recv(1),
    "recv_into": lambda sock: sock.recv_into(bytearray(1)),
    "send": lambda sock: sock.send(b"x"),
    "sendall": lambda sock: sock.sendall(b"x"),
    "shutdown": lambda sock: sock.shutdown(socket.SHUT_WR),
    "accept": lambda sock: sock.accept(),
    "listen": lambda sock: sock.listen(),
    "connect": lambda sock: sock.connect((HOST, 1)),
    "getsockname": lambda sock: sock.getsockname(),
    "getpeername": lambda sock: sock.getpeername(),
    "settimeout": lambda sock: sock.settimeout(1),
    "setblocking": lambda sock: sock.setblocking(True),
    "setsockopt": lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    "getsockopt": lambda sock: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
}


@pytest.mark.parametrize("call", CLOSED)
def test_calls_on_a_closed_socket(peer: Peer, call: str) -> None:
    """EBADF, and nothing else."""
    peer.sock.close()
    assert _error(lambda: CLOSED[call](peer.sock)) == errno.EBADF
    peer.sock.close()


def test_select_of_numbers_and_files(peer: Peer) -> None:
    """What has a `fileno` stands for its socket, and is what comes back; a closed socket is an error."""
    sock = peer.sock
    peer.send(b"x")
    with sock.makefile("rb") as file:
        number = sock.fileno()
        reading: list[Any] = [file, number]
        assert select.select(reading, [number], [], 5) == (reading, [number], [])
    sock.close()
    with pytest.raises(ValueError, match="negative"):
        select.select([sock], [], [], 0)


def test_hosts_as_bytes_and_of_other_families(peer: Peer) -> None:
    """What a real socket takes, and what it refuses."""
    for host in (HOST, HOST.encode(), bytearray(HOST.encode()), "localhost"):
        with socket.socket() as sock:
            sock.connect((host, peer.address[1]))
            assert is_simulated(sock) is is_simulated(peer.sock)
    for family, host in ((socket.AF_INET6, HOST), (socket.AF_INET, "::1")):
        with socket.socket(family) as sock, pytest.raises(socket.gaierror):
            sock.connect((host, peer.address[1]))


@pytest.mark.parametrize("name", [name for name in ("poll", "epoll", "kqueue") if hasattr(select, name)])
def test_what_waits_for_descriptors_is_refused(simulation: Simulation, name: str) -> None:
    """Objects of `select` that are made while a simulated server runs; for others they do what they do."""
    peer = Peer(simulation)
    poll = getattr(select, name)()
    for one in (peer.sock, peer.sock.fileno()):
        with pytest.raises(SimulationError, match=r"use select\.select, which works, or use real connections"):
            poll.register(one)
    with socket.create_server((HOST, 0)) as real:
        poll.register(real)
        assert poll.poll(0) == []
    getattr(poll, "close", bool)()
    peer.close()


def test_errors_of_connect(simulation: Simulation) -> None:
    """A port on which a server listened refuses; a socket that does not block, and what it cannot do, says so."""
    peer = Peer(simulation)
    listener = next(iter(simulation.network._listeners))
    listener.close()
    assert _error(lambda: socket.create_connection(peer.address)) == errno.ECONNREFUSED
    other = Peer(simulation)
    with socket.socket() as sock:
        sock.setblocking(False)
        with pytest.raises(SimulationError, match="a socket that does not block connects"):
            sock.connect(other.address)
    with socket.socket() as sock:
        assert sock.connect_ex(other.address) == 0
        assert is_simulated(sock)

    def refused(call: Callable[[socket.socket], object]) -> None:
        with pytest.raises(SimulationError, match="use real connections for this test, with simulate=False"):
            call(other.sock)

    rows: list[Callable[[socket.socket], object]] = [
        lambda sock: sock.detach(),
        lambda sock: sock.dup(),
        lambda sock: sock.recvfrom(1),
        lambda sock: sock.sendmsg([b"x"]),
        lambda sock: sock.recv(1, socket.MSG_OOB),
        lambda sock: sock.send(b"x", socket.MSG_DONTWAIT),
    ]
    check_rows(rows, refused)
    with socket.socket() as real, pytest.raises(SimulationError, match="select waits for connections to a simulated"):
        select.select([real, other.sock], [], [], 0)
    assert _error(lambda: other.sock.connect(other.address)) == errno.EISCONN
    assert other.sock.connect_ex(other.address) == errno.EISCONN
    other.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # it is as it was
    assert _error(other.sock.accept) == errno.EINVAL
    peer.close()
    other.close()


def test_a_socket_that_is_left_open(simulation: Simulation) -> None:
    """It is closed with its last reference, with a warning, as a real one."""
    gc.collect()
    peer = Peer(simulation)
    assert ends_of(simulation) == [peer.sock]
    assert "Simulated" in repr(peer.sock)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        del peer.sock
        gc.collect()
    assert [str(one.message)[:46] for one in found] == ["unclosed socket of a simulated connection: on "]
    assert peer.receive() == b""
    assert ends_of(simulation) == []


def test_ipv6(simulation: Simulation) -> None:
    """Addresses have four parts."""
    accepted: list[MemoryTransport] = []
    listener = simulation.call(lambda: simulation.network.listen("::1", 0, accepted.append))  # type: ignore[arg-type]
    with socket.create_connection(("::1", listener.port)) as sock:
        assert sock.getpeername() == ("::1", listener.port, 0, 0)
        assert sock.family == socket.AF_INET6
