"""Connections through a SOCKS proxy: the requests to it, and the errors when it refuses."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import pytest

from ftpfixture import Client, ConfigurationError, StatusCodeError
from ftpfixture.net.socks import SocksProxy
from tests.support.rows import table
from tests.support.scripted import (
    GREETING,
    HOST,
    TYPE_I,
    ScriptedServer,
    Session,
    Step,
    close,
    fetch,
    until_closed,
)

# A session of the proxy becomes that of the server that it connects to, so one script plays both.


async def read_exactly(session: Session, count: int) -> bytes:
    """Exactly `count` bytes from the client."""
    received = b""
    while len(received) < count:
        piece = await asyncio.get_running_loop().sock_recv(session.sock, count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received


async def text(session: Session) -> bytes:
    """Bytes up to a NUL."""
    received = b""
    while not received.endswith(b"\0"):
        received += await read_exactly(session, 1)
    return received[:-1]


def socks4(port: int, *, user: bytes = b"", code: int = 0x5A) -> Step:
    """Receive a request of version 4 for a port of the loopback, and reply to it."""

    async def step(session: Session) -> None:
        assert await read_exactly(session, 8) == b"\x04\x01" + port.to_bytes(2) + b"\x7f\0\0\x01"
        assert await text(session) == user
        await session.send(bytes([0, code]) + bytes(6))

    return step


def socks5(host: str, port: int, *, login: tuple[bytes, bytes] | None = None, code: int = 0) -> Step:
    """Receive a request of version 5 (RFC 1928) and reply to it; with a login, ask for that first (RFC 1929)."""

    async def step(session: Session) -> None:
        version, count = await read_exactly(session, 2)
        methods = await read_exactly(session, count)
        method = 0 if login is None else 2
        assert version == 5
        assert method in methods
        await session.send(bytes([5, method]))
        if login is not None:
            user, password = login
            subnegotiation = bytes([1, len(user)]) + user + bytes([len(password)]) + password
            assert await read_exactly(session, len(subnegotiation)) == subnegotiation
            await session.send(b"\x01\0")
        request = b"\x05\x01\0" + address_bytes(host) + port.to_bytes(2)
        assert await read_exactly(session, len(request)) == request
        await session.send(bytes([5, code, 0, 1]) + bytes(6))

    return step


def address_bytes(host: str) -> bytes:
    """A host in the form of version 5: its kind, and its bytes or name."""
    if ":" in host:
        return b"\x04" + socket.inet_pton(socket.AF_INET6, host)
    if host[0].isdigit():
        return b"\x01" + socket.inet_aton(host)
    return bytes([3, len(host)]) + host.encode()


async def wrong_password(session: Session) -> None:
    """Ask for a password and refuse it."""
    _, count = await read_exactly(session, 2)
    await read_exactly(session, count)
    await session.send(b"\x05\x02")
    _, length = await read_exactly(session, 2)
    await read_exactly(session, length)
    await read_exactly(session, (await read_exactly(session, 1))[0])
    await session.send(b"\x01\x01")


async def data(session: Session) -> None:
    """Send a file on this connection, which is a data connection, and end it."""
    await session.send(b"data")
    session.sock.shutdown(socket.SHUT_WR)


def through(proxy: ScriptedServer, **settings: Any) -> Client:
    """A client behind a proxy."""
    host, port = proxy.address
    return Client(socks_host=host, socks_port=port, **settings)


# Requests.


@pytest.mark.parametrize("host", [HOST, "192.0.2.7", "2001:db8::7", "server.example", "localhost"])
async def test_version_5(host: str) -> None:
    """Control and data connections come from the proxy, which gets the unresolved name or address."""
    control = [
        *(socks5(host, 2121), GREETING, *TYPE_I, "EPSV", b"229 (|||4321|)\r\n"),
        *("RETR a", b"150 here\r\n226 done\r\n"),
    ]
    async with ScriptedServer(control, [socks5(host, 4321), data]) as proxy:
        client = through(proxy)
        assert await client.connect(host, 2121) == [" hello"]
        assert (client.server_host, client.server_port) == (host, 2121)
        assert await fetch(client) == b"data"
        client.close()


async def test_a_proxy_on_ipv6() -> None:
    """The proxy itself may have an IPv6 address."""
    async with ScriptedServer([socks5(HOST, 21), GREETING], host="::1") as proxy:
        client = through(proxy)
        await client.connect(HOST)
        assert (client.server_host, client.server_port) == (HOST, 21)
        client.close()


async def test_user_and_password() -> None:
    """The client sends user and password when the proxy asks for them, also for the data connection."""
    login = (b"ann", b"secret")
    control = [
        *(socks5(HOST, 21, login=login), GREETING, *TYPE_I, "EPSV", b"229 (|||4321|)\r\n"),
        *("RETR a", b"150 here\r\n226 done\r\n"),
    ]
    async with ScriptedServer(control, [socks5(HOST, 4321, login=login), data]) as proxy:
        client = through(proxy, username="ann", password="secret")
        await client.connect(HOST)
        assert await fetch(client) == b"data"
        client.close()


@pytest.mark.parametrize(("username", "user"), [(None, b""), ("ann", b"ann")])
async def test_version_4(username: str | None, user: bytes) -> None:
    """Version 4 has users and no passwords."""
    control = [
        *(socks4(2121, user=user), GREETING, *TYPE_I, "PASV", b"227 (127,0,0,1,16,225)\r\n"),
        *("RETR a", b"150 here\r\n226 done\r\n"),
    ]
    async with ScriptedServer(control, [socks4(4321, user=user), data]) as proxy:
        client = through(proxy, socks_version=4, username=username, passive_commands=["pasv"])
        await client.connect(HOST, 2121)
        assert await fetch(client) == b"data"
        client.close()


# Errors.


@pytest.mark.parametrize(("version", "step"), [(4, socks4(2121, code=0x5B)), (5, socks5(HOST, 2121, code=5))])
async def test_refused(version: int, step: Step) -> None:
    """A refusal of the proxy is an error of the connection, with the requested address."""
    async with ScriptedServer([step, until_closed]) as proxy:
        with pytest.raises(ConnectionError, match=rf"^the SOCKS proxy does not connect to {HOST}:2121: .*[a-z]"):
            await through(proxy, socks_version=version).connect(HOST, 2121)


async def test_refused_data_connection() -> None:
    """If the proxy refuses one kind of data connection, the client tries the next one."""
    control = [
        *(socks5(HOST, 21), GREETING, *TYPE_I, "EPSV", b"229 (|||4321|)\r\n"),
        *("PASV", b"227 (127,0,0,1,16,226)\r\n", "RETR a", b"150 here\r\n226 done\r\n"),
    ]
    async with ScriptedServer(
        control, [socks5(HOST, 4321, code=2), until_closed], [socks5(HOST, 4322), data]
    ) as proxy:  # fmt: skip
        client = through(proxy)
        await client.connect(HOST)
        assert await fetch(client) == b"data"
        client.close()


async def test_wrong_password() -> None:
    """A proxy that refuses the password does not connect."""
    async with ScriptedServer([wrong_password, until_closed]) as proxy:
        with pytest.raises(ConnectionError, match=f"the SOCKS proxy does not connect to {HOST}:21: "):
            await through(proxy, username="ann", password="wrong").connect(HOST)


@pytest.mark.parametrize("answer", [close, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_no_proxy(answer: Step) -> None:
    """A server that is no proxy does not connect, either."""

    async def receive(session: Session) -> None:
        await read_exactly(session, 3)

    async with ScriptedServer([receive, answer]) as proxy:
        with pytest.raises(ConnectionError, match="the SOCKS proxy does not connect"):
            await through(proxy).connect(HOST)


async def test_no_proxy_listens() -> None:
    """The error has the address of the proxy."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionError, match=rf"the SOCKS proxy does not connect to {HOST}:21: .*{HOST}:{port}"):
            await Client(socks_host=HOST, socks_port=port).connect(HOST)


async def test_a_proxy_that_does_not_reply() -> None:
    """`connection_timeout` applies to the proxy, too."""
    async with ScriptedServer([until_closed]) as proxy:
        with pytest.raises(TimeoutError):
            await through(proxy, connection_timeout=0.05).connect(HOST)


async def test_a_greeting_that_does_not_come() -> None:
    """A missing greeting of the server behind the proxy is no error of the proxy."""
    async with ScriptedServer([socks5(HOST, 21), b"421 busy\r\n", until_closed]) as proxy:
        with pytest.raises(StatusCodeError, match="421"):
            await through(proxy).connect(HOST)


@pytest.mark.parametrize("way", ["eprt", "port"])
async def test_active_mode(way: str) -> None:
    """The server cannot connect to a client behind a proxy: the error names what would work; the session continues."""
    async with ScriptedServer([socks5(HOST, 21), GREETING, *TYPE_I, "NOOP", b"200 fine\r\n"]) as proxy:
        client = through(proxy, passive_commands=[way])
        await client.connect(HOST)
        with pytest.raises(ConfigurationError, match="behind a SOCKS proxy: use passive commands"):
            await fetch(client)
        await client.noop()
        client.close()


# Settings.


@table("version", [0, 3, 6, "5"])
def test_wrong_version(version: Any) -> None:
    """There are two versions."""
    with pytest.raises(ConfigurationError, match=f"^socks_version takes 4 or 5, not {version!r}$"):
        Client(socks_host=HOST, socks_version=version)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; without a proxy the package is not imported."""
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(
        ConfigurationError, match=r"^socks_host needs the package python-socks: pip install 'ftpfixture\[socks\]'$"
    ) as caught:
        SocksProxy(HOST, 1080, 5, None, None)
    assert isinstance(caught.value.__cause__, ImportError)
    Client(socks_port=1, socks_version=4)
