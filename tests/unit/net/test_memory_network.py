"""The network in memory: accepted, waiting and refused connections."""

from __future__ import annotations

import asyncio
import errno

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.net.memory_network import MemoryNetwork
from tests.support.guests import HOST, Guests
from tests.support.rows import table


@pytest.fixture
def network() -> MemoryNetwork:
    """A separate network."""
    return MemoryNetwork()


async def _turns() -> None:
    """Let all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_connect(network: MemoryNetwork, guests: Guests) -> None:
    """The listener gets the connection, and both ends have both addresses."""
    listener = network.listen(HOST, 0, guests)
    near = await network.connect(None, (HOST, listener.port))
    assert await guests.next() == near.local
    [far] = guests.transports
    assert (near.peer, far.local) == ((HOST, listener.port),) * 2
    near.send(b"hello")
    assert far.recv(100) == b"hello"
    other = await network.connect("127.0.0.9", ("localhost", listener.port))
    assert other.local[0] == "127.0.0.9"
    assert other.local[1] != near.local[1]
    listener.accept_now()
    assert len(guests.transports) == 2


async def test_pause_and_resume(network: MemoryNetwork, guests: Guests) -> None:
    """A paused listener lets connections wait, and accepts at most 16 in one turn of the loop after `resume`."""
    listener = network.listen(HOST, 0, guests)
    listener.pause()
    for _ in range(20):
        await network.connect(None, (HOST, listener.port))
    await _turns()
    assert guests.transports == []
    listener.resume()
    listener.accept_now()
    assert len(guests.transports) == 16
    await _turns()
    assert len(guests.transports) == 20


async def test_a_queue_that_is_full(network: MemoryNetwork, guests: Guests) -> None:
    """As on Linux one connection more than the backlog may wait; the next one connects when there is room."""
    listener = network.listen(HOST, 0, guests, backlog=1)
    listener.pause()
    for _ in range(2):
        await network.connect(None, (HOST, listener.port))
    late = asyncio.create_task(network.connect(None, (HOST, listener.port)))
    given_up = asyncio.create_task(network.connect(None, (HOST, listener.port)))
    await _turns()
    given_up.cancel()
    assert not late.done()
    listener.resume()
    await asyncio.wait_for(late, 5)
    await _turns()
    assert len(guests.transports) == 3


async def test_a_listener_that_is_filled(network: MemoryNetwork, guests: Guests) -> None:
    """No connection is accepted or refused any more, until it is closed."""
    listener = network.listen(HOST, 0, guests)
    listener.fill()
    waiting = asyncio.create_task(network.connect(None, (HOST, listener.port)))
    await _turns()
    assert (waiting.done(), guests.transports) == (False, [])
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.wait_for(waiting, 5)


async def test_close(network: MemoryNetwork, guests: Guests) -> None:
    """Waiting connections are reset, later ones refused, and the port is free; other calls do nothing."""
    listener = network.listen(HOST, 2121, guests)
    near = await network.connect(None, (HOST, 2121))
    listener.close()
    with pytest.raises(ConnectionResetError):
        near.recv(1)
    with pytest.raises(ConnectionRefusedError):
        await network.connect(None, (HOST, 2121))
    for call in (listener.pause, listener.resume, listener.accept_now, listener.close):
        call()
    assert listener.closed
    network.listen(HOST, 2121, guests).close()
    assert guests.transports == []


async def test_addresses(network: MemoryNetwork, guests: Guests) -> None:
    """A listener on all addresses is reached on each; two listeners may share a port only with different addresses."""
    everywhere, ipv4, here = (network.listen(host, 21, guests) for host in ("::1", "0.0.0.0", "::2"))
    for taken in ("::1", "::", "127.0.0.1", "0.0.0.0"):
        with pytest.raises(OSError, match="in use") as caught:
            network.listen(taken, 21, guests)
        assert caught.value.errno == errno.EADDRINUSE
    for listener in (everywhere, ipv4, here):
        listener.close()
    both = network.listen("::", 21, guests)
    for host in ("127.0.0.1", "::1", "10.0.0.7"):
        assert (await network.connect(None, (host, 21))).peer == (host, 21)
    assert (await network.connect(None, ("0.0.0.0", 21))).peer == ("127.0.0.1", 21)
    both.close()
    network.listen("0.0.0.0", 21, guests)
    with pytest.raises(ConnectionRefusedError):
        await network.connect(None, ("::1", 21))


async def test_names(network: MemoryNetwork) -> None:
    """It knows "localhost" and every numeric address; an error about another name gives these."""
    assert [await network.resolve(host) for host in ("localhost", "10.1.2.3", "::1")] == [
        "127.0.0.1",
        "10.1.2.3",
        "::1",
    ]
    with pytest.raises(ConfigurationError, match="give a numeric address, or 'localhost'"):
        await network.resolve("ftp.example.org")
    with pytest.raises(OSError, match=r"'ftp\.example\.org' is not known"):
        await network.connect(None, ("ftp.example.org", 21))


def test_two_loops(network: MemoryNetwork) -> None:
    """Connecting from another loop is an error, instead of a wait for ever."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def listen() -> int:
        return network.listen(HOST, 0, Guests()).port

    port = first.run_until_complete(listen())
    with pytest.raises(RuntimeError, match="of one loop"):
        second.run_until_complete(network.connect(None, (HOST, port)))
    first.close()
    second.close()


@table("window", [0, -1])
def test_no_window(window: int) -> None:
    """A window of 0 is refused."""
    with pytest.raises(ConfigurationError, match=r"^window takes a whole number of bytes, 1 or more, not "):
        MemoryNetwork(window)
