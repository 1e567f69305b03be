"""Data ports: accepted and refused connections, and the ports that are used."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import pytest

from ftpfixture.errors import NoAvailablePort
from ftpfixture.net.network import SocketNetwork
from ftpfixture.net.ports import PassiveListener, PortPool
from tests.support.guests import HOST, Guests, is_gone

# PortPool.


async def test_a_pool_uses_its_ports(guests: Guests, spare: int) -> None:
    """A pool listens on its own port, has none left then, and has it again after `release`."""
    pool = PortPool([spare])
    listener = pool.listen(SocketNetwork(), HOST, guests)
    assert (listener.port, len(pool)) == (spare, 0)

    listener.close()
    pool.release(listener.port)

    assert len(pool) == 1
    pool.listen(SocketNetwork(), HOST, guests).close()


async def test_an_empty_pool(guests: Guests, spare: int) -> None:
    """When all ports are in use the error is NoAvailablePort, which is an OSError."""
    pool = PortPool([spare])
    listener = pool.listen(SocketNetwork(), HOST, guests)

    with pytest.raises(NoAvailablePort) as caught:
        pool.listen(SocketNetwork(), HOST, guests)

    assert caught.value.errno == errno.EADDRINUSE
    listener.close()


async def test_a_pool_passes_over_ports_that_others_use(guests: Guests, spare: int) -> None:
    """A port that another program listens on is skipped, and tried again later."""
    with socket.create_server((HOST, 0)) as other:
        pool = PortPool([other.getsockname()[1], spare])
        listener = pool.listen(SocketNetwork(), HOST, guests)
        assert (listener.port, len(pool)) == (spare, 1)
        with pytest.raises(NoAvailablePort):
            pool.listen(SocketNetwork(), HOST, guests)

    # The other program has closed it.
    pool.listen(SocketNetwork(), HOST, guests).close()
    listener.close()


async def test_a_pool_hides_no_other_error(guests: Guests, spare: int) -> None:
    """An address that the machine does not have is reported as such, not as a lack of ports."""
    pool = PortPool([spare])

    with pytest.raises(OSError, match="assign") as caught:
        pool.listen(SocketNetwork(), "192.0.2.1", guests)

    assert not isinstance(caught.value, NoAvailablePort)
    assert len(pool) == 1


# PassiveListener.


def _passive(pool: PortPool | None = None, client: str = HOST) -> PassiveListener:
    return PassiveListener(SocketNetwork(), HOST, client, pool)


async def test_an_armed_listener_accepts_one_connection(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """After `arm` the callback gets the first connection, and the next one is closed."""
    passive = _passive()
    port = passive.arm(guests)
    assert passive.port == port
    first, second = dial(port), dial(port)

    assert await guests.next() == first.getsockname()
    assert is_gone(second)
    assert len(guests.transports) == 1
    passive.close()


async def test_accept_now_works_without_the_loop(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """`accept_now` accepts what has connected before."""
    passive = _passive()
    dial(passive.arm(guests))
    passive.accept_now()

    assert len(guests.transports) == 1
    passive.close()


async def test_a_listener_keeps_its_port(guests: Guests) -> None:
    """Without a pool, arming again uses the same port."""
    passive = _passive()
    ports_used = {passive.arm(guests) for _ in range(3)}
    passive.disarm()

    assert ports_used == {passive.port} == {passive.arm(guests)}
    passive.close()


async def test_arming_again_closes_an_unused_connection(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """The next PASV closes an unused connection of the last PASV, and accepts its own."""
    passive = _passive()
    old = dial(passive.arm(guests))
    new = dial(passive.arm(guests))

    assert await guests.next() == new.getsockname()
    assert is_gone(old)
    assert len(guests.transports) == 1
    passive.close()


async def test_a_disarmed_listener_closes_connections(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """An unexpected connection is closed at once, without a call of the callback."""
    passive = _passive()
    port = passive.arm(guests)
    passive.disarm()
    stranger = dial(port)
    passive.accept_now()

    assert is_gone(stranger)
    assert guests.transports == []
    passive.close()


async def test_another_host_is_refused(guests: Guests, dial: Callable[[int], socket.socket]) -> None:
    """A connection from another address than the client's is closed, and the client's own is still accepted."""
    passive = _passive(client="127.0.0.77")
    stranger = dial(passive.arm(guests))
    passive.accept_now()

    assert is_gone(stranger)
    assert guests.transports == []

    passive._client = HOST
    dial(passive.port)
    passive.accept_now()
    assert len(guests.transports) == 1
    passive.close()


async def test_a_port_returns_to_the_pool_after_the_connection(
    guests: Guests, dial: Callable[[int], socket.socket], spare: int
) -> None:
    """With a pool the port is free for others as soon as the expected connection was accepted."""
    pool = PortPool([spare])
    passive = _passive(pool)
    port = passive.arm(guests)
    assert (port, len(pool)) == (spare, 0)

    dial(port)
    await guests.next()

    assert (len(pool), passive.port) == (1, 0)


async def test_a_port_returns_to_the_pool_once(guests: Guests, spare: int) -> None:
    """`disarm` and `close` return a port, and never twice."""
    pool = PortPool([spare])
    passive = _passive(pool)
    passive.arm(guests)
    passive.disarm()
    passive.close()
    passive.close()

    assert len(pool) == 1


async def test_arming_without_a_free_port(guests: Guests, spare: int) -> None:
    """With all ports in use, arming raises NoAvailablePort and the other listener keeps working."""
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
    """After `close` no client can connect."""
    passive = _passive()
    port = passive.arm(guests)
    passive.close()

    with pytest.raises(ConnectionRefusedError):
        dial(port)
    assert passive.port == 0
    passive.accept_now()
