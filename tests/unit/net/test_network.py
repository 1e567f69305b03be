"""The network of sockets: accepted and refused connections, and how to connect."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

import pytest

from ftpfixture.net import network
from ftpfixture.net.network import SocketListener, SocketNetwork
from ftpfixture.net.sockets import Socket
from tests.support.guests import HOST, Guests, is_gone


def _listener(on_transport: Guests, port: int = 0) -> SocketListener:
    return SocketNetwork().listen(HOST, port, on_transport)


async def _poll(dial: Callable[[int], socket.socket]) -> None:
    """Let the loop check all of its sockets once, so that a connection that arrived is accepted."""
    others = Guests()
    listener = _listener(others)
    dial(listener.port)
    await others.next()
    others.transports[0].close()
    listener.close()


# Listener.


async def test_a_listener_listens_at_once(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """When the constructor returns there is a port, and the callback gets each connection with its address."""
    listener = _listener(guests)
    client = dial(listener.port)

    assert (listener.host, listener.port) == client.getpeername()
    assert await guests.next() == client.getsockname()
    listener.close()


async def test_accept_now(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """`accept_now` accepts every connection that has arrived, without the loop."""
    listener = _listener(guests)
    for _ in range(3):
        dial(listener.port)
    listener.accept_now()

    assert len(guests.transports) == 3
    listener.close()


async def test_pause_leaves_clients_waiting(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """While it is paused a listener accepts no connection, but clients can connect; `resume` accepts them first."""
    listener = _listener(guests)
    listener.pause()
    client = dial(listener.port)
    await _poll(dial)
    assert guests.transports == []

    listener.resume()

    assert await guests.next() == client.getsockname()
    listener.close()


async def test_close_ends_listening(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """After `close` no client can connect, waiting ones are reset, and the other calls do nothing."""
    listener = _listener(guests)
    waiting = dial(listener.port)
    listener.close()

    assert listener.closed
    assert is_gone(waiting)
    with pytest.raises(ConnectionRefusedError):
        dial(listener.port)
    for call in (listener.pause, listener.resume, listener.accept_now, listener.close):
        call()
    assert guests.transports == []


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
    guests.transports[0].close()
    assert is_gone(client)
    client.close()

    _listener(guests, first.port).close()


async def test_out_of_descriptors(
    guests: Guests, dial: Callable[[int], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When accept fails for lack of descriptors the listener pauses, and accepts later by itself."""
    failures = [OSError(errno.EMFILE, "too many open files")]
    accept = Socket.accept

    def scarce(self: Socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(self)

    monkeypatch.setattr(Socket, "accept", scarce)
    monkeypatch.setattr(network, "_ACCEPT_AGAIN", 0.001)
    listener = _listener(guests)
    client = dial(listener.port)

    assert await guests.next() == client.getsockname()
    assert failures == []
    listener.close()


async def test_a_client_that_gave_up_is_skipped(
    guests: Guests, dial: Callable[[int], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that broke while it waited does not prevent the next one from being accepted."""
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

    assert len(guests.transports) == 1
    listener.close()


# connect.


async def test_connect(guests: Guests) -> None:
    """An active connection comes from the given local address, and does not block."""
    listener = _listener(guests)
    transport = await SocketNetwork().connect(HOST, (HOST, listener.port))

    assert await guests.next() == transport.local
    assert transport.peer == (HOST, listener.port)
    with pytest.raises(BlockingIOError):
        transport.recv(1)
    transport.close()
    listener.close()


async def test_connect_that_is_refused(spare: int) -> None:
    """Without a listener it raises ConnectionRefusedError, and no socket stays open."""
    with pytest.raises(ConnectionRefusedError):
        await SocketNetwork().connect(HOST, (HOST, spare))


async def test_connect_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the connect is cancelled, no socket stays open."""
    loop = asyncio.get_running_loop()
    seen: list[socket.socket] = []

    async def never(sock: socket.socket, address: object) -> None:
        seen.append(sock)
        await loop.create_future()

    monkeypatch.setattr(loop, "sock_connect", never)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await SocketNetwork().connect(HOST, (HOST, 1))
    assert [sock.fileno() for sock in seen] == [-1]
