"""How clients connect: to numbers, and to names, whose addresses are tried in turn."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ftpfixture.net.dial import ClientNetwork
from ftpfixture.net.hosts import family_of
from tests.support.guests import HOST, Guests


@pytest.fixture
def refusing() -> Iterator[tuple[str, int]]:
    """An address where connections are refused: the port is bound, and no program listens."""
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
    """A numeric address is connected to at once, without another thread."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", None)
    for host in (HOST, "::1"):
        listener = ClientNetwork().listen(host, 0, guests)
        transport = await ClientNetwork().connect(None, (host, listener.port))
        assert transport.peer == (host, listener.port)
        assert await guests.next() == transport.local
        transport.close()
        listener.close()


async def test_dial_a_name(guests: Guests, monkeypatch: pytest.MonkeyPatch, refusing: tuple[str, int]) -> None:
    """The addresses of a name are tried in turn, and the first that accepts is used."""
    first, second = ClientNetwork().listen(HOST, 0, guests), ClientNetwork().listen(HOST, 0, guests)
    _names(monkeypatch, refusing, (first.host, first.port), (second.host, second.port))
    transport = await ClientNetwork().connect(None, ("ftp.invalid", 21))
    assert transport.peer == (first.host, first.port)
    transport.close()
    first.close()
    second.close()


async def test_dial_an_unsupported_family(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a family that this machine lacks does not prevent the others from being tried."""
    listener = ClientNetwork().listen(HOST, 0, guests)
    _names(monkeypatch, ("::1", listener.port), (listener.host, listener.port))
    make = socket.socket
    failures = [OSError(errno.EAFNOSUPPORT, "not supported")]

    def scarce(*arguments: int) -> socket.socket:
        if failures:
            raise failures.pop()
        return make(*arguments)

    monkeypatch.setattr(socket, "socket", scarce)
    transport = await ClientNetwork().connect(None, ("ftp.invalid", 21))
    assert transport.peer == (listener.host, listener.port)
    transport.close()
    listener.close()


async def test_dial_without_success(monkeypatch: pytest.MonkeyPatch, refusing: tuple[str, int]) -> None:
    """When no address accepts, the error is that of the last; a name without an address is an error with the name."""
    with pytest.raises(ConnectionRefusedError):
        await ClientNetwork().connect(None, refusing)
    _names(monkeypatch, refusing, refusing)
    with pytest.raises(ConnectionRefusedError):
        await ClientNetwork().connect(None, ("ftp.invalid", 21))
    _names(monkeypatch)
    with pytest.raises(OSError, match=r"^ftp.invalid has no address$"):
        await ClientNetwork().connect(None, ("ftp.invalid", 21))


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
    task = asyncio.create_task(ClientNetwork().connect(None, ("ftp.invalid", 21)))
    await trying.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [sock.fileno() for sock in tried] == [-1]
