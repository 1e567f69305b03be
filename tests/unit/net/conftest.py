"""Fixtures of connections for these tests."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.support.guests import HOST, Guests
from tests.support.transports import SocketPair


@pytest.fixture
def guests() -> Iterator[Guests]:
    """The accepted connections; closed at the end."""
    guests = Guests()
    yield guests
    for transport in guests.transports:
        transport.close()


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


@pytest.fixture
def spare() -> Iterator[int]:
    """A port that is held without listening, so that no other program gets it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, 0))
        yield sock.getsockname()[1]


@pytest.fixture
async def pair() -> AsyncIterator[SocketPair]:
    """A connected channel without a timeout, and the plain socket at its other end."""
    pair = SocketPair()
    yield pair
    pair.close()
