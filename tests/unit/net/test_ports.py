"""Listening and connecting: who is accepted, who is turned away, and which ports are used."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftpfixture.errors import NoAvailablePort
from ftpfixture.net import ports
from ftpfixture.net.dial import dial as dial_a_host
from ftpfixture.net.hosts import family_of
from ftpfixture.net.ports import Listener, PassiveListener, PortPool, connect
from ftpfixture.net.sockets import Socket

HOST = "127.0.0.1"


class Guests:
    """Who was accepted."""

    def __init__(self) -> None:
        self.socks: list[socket.socket] = []
        self._came: asyncio.Queue[tuple[socket.socket, tuple[str, int]]] = asyncio.Queue()

    def __call__(self, sock: socket.socket, address: tuple[str, int]) -> None:
        """Let one in."""
        self.socks.append(sock)
        self._came.put_nowait((sock, address))

    async def next(self) -> tuple[str, int]:
        """The address of the next one."""
        _, address = await asyncio.wait_for(self._came.get(), 5)
        return address


@pytest.fixture
def guests() -> Iterator[Guests]:
    """Who was accepted; closed at the end."""
    guests = Guests()
    yield guests
    for sock in guests.socks:
        sock.close()


@pytest.fixture
def dial() -> Iterator[Callable[[int], socket.socket]]:
    """Connects to a port of this machine."""
    socks: list[socket.socket] = []

    def connect_to(port: int) -> socket.socket:
        socks.append(socket.create_connection((HOST, port), 5))
        return socks[-1]

    yield connect_to
    for sock in socks:
        sock.close()


def _listener(on_socket: Guests, port: int = 0) -> Listener:
    return Listener(asyncio.get_running_loop(), HOST, port, on_socket)


async def _poll(dial: Callable[[int], socket.socket]) -> None:
    """Let the loop look at all of its sockets once: a connection that comes later than others is accepted."""
    others = Guests()
    listener = _listener(others)
    dial(listener.port)
    await others.next()
    others.socks[0].close()
    listener.close()


def _is_gone(sock: socket.socket) -> bool:
    """True when the other side closes without a word; waits for that."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


# Listener.


async def test_a_listener_listens_at_once(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """When the constructor returns there is a port, and who connects to it is handed over with its address."""
    listener = _listener(guests)
    client = dial(listener.port)

    assert (listener.host, listener.port) == client.getpeername()
    assert await guests.next() == client.getsockname()
    listener.close()


async def test_a_listener_accepts_all_who_wait(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """`accept_now` takes every connection that is there, without the loop."""
    listener = _listener(guests)
    for _ in range(3):
        dial(listener.port)
    listener.accept_now()

    assert len(guests.socks) == 3
    listener.close()


async def test_pause_leaves_clients_waiting(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """While it is paused a listener accepts nobody, but they can connect; `resume` takes them first."""
    listener = _listener(guests)
    listener.pause()
    client = dial(listener.port)
    await _poll(dial)
    assert guests.socks == []

    listener.resume()

    assert await guests.next() == client.getsockname()
    listener.close()


async def test_close_ends_listening(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """After `close` nobody can connect, who waits is turned away, and the other calls do nothing."""
    listener = _listener(guests)
    waiting = dial(listener.port)
    listener.close()

    assert listener.closed
    assert _is_gone(waiting)
    with pytest.raises(ConnectionRefusedError):
        dial(listener.port)
    for call in (listener.pause, listener.resume, listener.accept_now, listener.close):
        call()
    assert guests.socks == []


async def test_a_taken_port_is_an_error(guests: Guests) -> None:
    """Two listeners cannot share a port, and the one that failed leaves no socket open."""
    listener = _listener(guests)

    with pytest.raises(OSError, match="in use") as caught:
        _listener(guests, listener.port)

    assert caught.value.errno == errno.EADDRINUSE
    listener.close()


async def test_a_port_can_be_used_again_at_once(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """A port that was just used, with connections closed by the server, can be listened on again."""
    first = _listener(guests)
    client = dial(first.port)
    await guests.next()
    first.close()
    guests.socks[0].close()
    assert _is_gone(client)
    client.close()

    _listener(guests, first.port).close()


async def test_out_of_descriptors(
    guests: Guests, dial: Callable[[int], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When accept fails for want of descriptors the listener rests, and accepts later on its own."""
    failures = [OSError(errno.EMFILE, "too many open files")]
    accept = Socket.accept

    def scarce(self: Socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(self)

    monkeypatch.setattr(Socket, "accept", scarce)
    monkeypatch.setattr(ports, "_ACCEPT_AGAIN", 0.001)
    listener = _listener(guests)
    client = dial(listener.port)

    assert await guests.next() == client.getsockname()
    assert failures == []
    listener.close()


async def test_a_client_that_gave_up_is_skipped(
    guests: Guests, dial: Callable[[int], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was broken while it waited does not keep the next one from being accepted."""
    failures = [ConnectionAbortedError(errno.ECONNABORTED, "gave up")]
    accept = Socket.accept

    def broken(self: Socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(self)

    monkeypatch.setattr(Socket, "accept", broken)
    listener = _listener(guests)
    dial(listener.port)
    listener.accept_now()

    assert len(guests.socks) == 1
    listener.close()


# PortPool.


@pytest.fixture
def spare() -> Iterator[int]:
    """A port of the test's own: held without listening, so that only those who ask for it get it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, 0))
        yield sock.getsockname()[1]


async def test_a_pool_hands_out_its_ports(guests: Guests, spare: int) -> None:
    """A pool listens on its own port, has none left then, and has it again when it was given back."""
    pool = PortPool([spare])
    listener = pool.listen(asyncio.get_running_loop(), HOST, guests)
    assert (listener.port, len(pool)) == (spare, 0)

    listener.close()
    pool.release(listener.port)

    assert len(pool) == 1
    pool.listen(asyncio.get_running_loop(), HOST, guests).close()


async def test_an_empty_pool(guests: Guests, spare: int) -> None:
    """When all ports are handed out the error is NoAvailablePort, which is an OSError."""
    pool = PortPool([spare])
    listener = pool.listen(asyncio.get_running_loop(), HOST, guests)

    with pytest.raises(NoAvailablePort) as caught:
        pool.listen(asyncio.get_running_loop(), HOST, guests)

    assert caught.value.errno == errno.EADDRINUSE
    listener.close()


async def test_a_pool_passes_over_ports_that_others_use(guests: Guests, spare: int) -> None:
    """A port that another program listens on is left out, and tried again another time."""
    with socket.create_server((HOST, 0)) as other:
        pool = PortPool([other.getsockname()[1], spare])
        listener = pool.listen(asyncio.get_running_loop(), HOST, guests)
        assert (listener.port, len(pool)) == (spare, 1)
        with pytest.raises(NoAvailablePort):
            pool.listen(asyncio.get_running_loop(), HOST, guests)

    # The other program has gone.
    pool.listen(asyncio.get_running_loop(), HOST, guests).close()
    listener.close()


async def test_a_pool_hides_no_other_error(guests: Guests, spare: int) -> None:
    """An address that is not of this machine is told as such, not as a want of ports."""
    pool = PortPool([spare])

    with pytest.raises(OSError, match="assign") as caught:
        pool.listen(asyncio.get_running_loop(), "192.0.2.1", guests)

    assert not isinstance(caught.value, NoAvailablePort)
    assert len(pool) == 1


# PassiveListener.


def _passive(pool: PortPool | None = None, client: str = HOST) -> PassiveListener:
    return PassiveListener(asyncio.get_running_loop(), HOST, client, pool)


async def test_an_armed_listener_hands_over_one_connection(
    guests: Guests, dial: Callable[[int], socket.socket]
) -> None:
    """After `arm` the first connection is handed over, and the next one is closed."""
    passive = _passive()
    port = passive.arm(guests)
    assert passive.port == port
    first, second = dial(port), dial(port)

    assert await guests.next() == first.getsockname()
    assert _is_gone(second)
    assert len(guests.socks) == 1
    passive.close()


async def test_accept_now_looks_without_the_loop(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """`accept_now` hands over what has connected already."""
    passive = _passive()
    dial(passive.arm(guests))
    passive.accept_now()

    assert len(guests.socks) == 1
    passive.close()


async def test_a_listener_keeps_its_port(guests: Guests) -> None:
    """Without a pool, arming again uses the same port."""
    passive = _passive()
    ports_used = {passive.arm(guests) for _ in range(3)}
    passive.disarm()

    assert ports_used == {passive.port} == {passive.arm(guests)}
    passive.close()


async def test_arming_again_drops_who_came_before(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """A connection made for the last PASV and not used is closed by the next one, whose own is accepted."""
    passive = _passive()
    old = dial(passive.arm(guests))
    new = dial(passive.arm(guests))

    assert await guests.next() == new.getsockname()
    assert _is_gone(old)
    assert len(guests.socks) == 1
    passive.close()


async def test_a_disarmed_listener_closes_who_comes(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """A connection that nobody asked for is closed at once and handed to nobody."""
    passive = _passive()
    port = passive.arm(guests)
    passive.disarm()
    stranger = dial(port)
    passive.accept_now()

    assert _is_gone(stranger)
    assert guests.socks == []
    passive.close()


async def test_another_host_is_turned_away(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """A connection from another address than the client's is closed, and the client's own is still waited for."""
    passive = _passive(client="127.0.0.77")
    stranger = dial(passive.arm(guests))
    passive.accept_now()

    assert _is_gone(stranger)
    assert guests.socks == []

    passive._client = HOST
    dial(passive.port)
    passive.accept_now()
    assert len(guests.socks) == 1
    passive.close()


async def test_a_port_of_a_pool_goes_back_when_the_connection_is_there(
    guests: Guests, dial: Callable[[int], socket.socket], spare: int
) -> None:
    """With a pool the port is free for others as soon as the expected connection was handed over."""
    pool = PortPool([spare])
    passive = _passive(pool)
    port = passive.arm(guests)
    assert (port, len(pool)) == (spare, 0)

    dial(port)
    await guests.next()

    assert (len(pool), passive.port) == (1, 0)


async def test_a_port_of_a_pool_goes_back_once(guests: Guests, spare: int) -> None:
    """`disarm` and `close` give a port back, and never twice."""
    pool = PortPool([spare])
    passive = _passive(pool)
    passive.arm(guests)
    passive.disarm()
    passive.close()
    passive.close()

    assert len(pool) == 1


async def test_arming_without_a_free_port(guests: Guests, spare: int) -> None:
    """When the pool is used up, arming raises NoAvailablePort and the other listener is not disturbed."""
    pool = PortPool([spare])
    first, second = _passive(pool), _passive(pool)
    first.arm(guests)

    with pytest.raises(NoAvailablePort):
        second.arm(guests)

    assert (first.port, second.port) == (spare, 0)
    first.disarm()
    assert second.arm(guests) == spare
    second.close()


async def test_a_closed_passive_listener_refuses(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """After `close` nobody can connect."""
    passive = _passive()
    port = passive.arm(guests)
    passive.close()

    with pytest.raises(ConnectionRefusedError):
        dial(port)
    assert passive.port == 0
    passive.accept_now()


# connect.


async def test_connect(guests: Guests) -> None:
    """An active connection comes from the address that was asked for, and does not block."""
    listener = _listener(guests)
    sock = await connect(asyncio.get_running_loop(), HOST, (HOST, listener.port))

    assert await guests.next() == sock.getsockname()
    assert sock.gettimeout() == 0
    sock.close()
    listener.close()


async def test_connect_that_is_refused(spare: int) -> None:
    """Nobody there is a ConnectionRefusedError, and no socket stays open."""
    with pytest.raises(ConnectionRefusedError):
        await connect(asyncio.get_running_loop(), HOST, (HOST, spare))


async def test_connect_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody waits for the answer any more, no socket stays open."""
    loop = asyncio.get_running_loop()
    seen: list[socket.socket] = []

    async def never(sock: socket.socket, address: object) -> None:
        seen.append(sock)
        await loop.create_future()

    monkeypatch.setattr(loop, "sock_connect", never)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await connect(loop, HOST, (HOST, 1))
    assert [sock.fileno() for sock in seen] == [-1]


# dial.


@pytest.fixture
def refusing() -> Iterator[tuple[str, int]]:
    """An address where connections are refused: the port is taken, and nobody listens."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        yield sock.getsockname()


def _names(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(
        host: str,
        port: int,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        if flags == socket.AI_NUMERICHOST:
            return list(real(host, port, family, type, proto, flags))
        assert (host, port, family, type, proto, flags) == ("ftp.invalid", 21, 0, socket.SOCK_STREAM, 0, 0)
        return [(family_of(address[0]), socket.SOCK_STREAM, 0, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_dial_a_number(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address is connected to at once, and no other thread is asked for it."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", None)
    for host in (HOST, "::1"):
        listener = Listener(loop, host, 0, guests)
        with await dial_a_host(loop, host, listener.port) as sock:
            assert sock.getpeername()[:2] == (host, listener.port)
            assert await guests.next() == sock.getsockname()[:2]
        listener.close()


async def test_dial_a_name(guests: Guests, monkeypatch: pytest.MonkeyPatch, refusing: tuple[str, int]) -> None:
    """The addresses of a name are tried in turn, and the first that answers is it."""
    loop = asyncio.get_running_loop()
    first, second = _listener(guests), _listener(guests)
    _names(monkeypatch, refusing, (first.host, first.port), (second.host, second.port))
    with await dial_a_host(loop, "ftp.invalid", 21) as sock:
        assert sock.getpeername() == (first.host, first.port)
    first.close()
    second.close()


async def test_dial_a_family_that_is_not_there(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a family that this machine lacks does not keep others from being tried."""
    loop = asyncio.get_running_loop()
    listener = _listener(guests)
    _names(monkeypatch, ("::1", listener.port), (listener.host, listener.port))
    make = socket.socket
    failures = [OSError(errno.EAFNOSUPPORT, "not supported")]

    def scarce(*arguments: int) -> socket.socket:
        if failures:
            raise failures.pop()
        return make(*arguments)

    monkeypatch.setattr(socket, "socket", scarce)
    with await dial_a_host(loop, "ftp.invalid", 21) as sock:
        assert sock.getpeername() == (listener.host, listener.port)
    listener.close()


async def test_dial_in_vain(monkeypatch: pytest.MonkeyPatch, refusing: tuple[str, int]) -> None:
    """When no address answers it is the error of the last; a name without any is an error with the name."""
    loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionRefusedError):
        await dial_a_host(loop, *refusing)
    _names(monkeypatch, refusing, refusing)
    with pytest.raises(ConnectionRefusedError):
        await dial_a_host(loop, "ftp.invalid", 21)
    _names(monkeypatch)
    with pytest.raises(OSError, match=r"^ftp.invalid has no address$"):
        await dial_a_host(loop, "ftp.invalid", 21)


async def test_dial_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled attempt closes its socket, and tries no other address."""
    loop = asyncio.get_running_loop()
    _names(monkeypatch, (HOST, 1), (HOST, 2))
    tried: list[socket.socket] = []
    trying = asyncio.Event()

    async def never(sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(sock)
        trying.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "sock_connect", never)
    task = asyncio.create_task(dial_a_host(loop, "ftp.invalid", 21))
    await trying.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [sock.fileno() for sock in tried] == [-1]
