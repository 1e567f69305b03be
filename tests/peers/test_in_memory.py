"""The whole server and the whole client without a socket, over a network in memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import pytest

from ftpfixture import Client, MemoryPathIO, Server, StatusCodeError, User
from ftpfixture.log import CommandLog
from ftpfixture.net import socket_transport
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.testing.certificates import ServerTls, server_context

BIG = bytes(range(256)) * (1 << 15)  # 8 MiB: more than the window
MODES = {"passive": ("epsv", "pasv"), "active": ("eprt", "port")}


class Pair:
    """A server and a client on their own network."""

    def __init__(self, *, tls: bool, mode: str, **settings: Any) -> None:
        self.network = MemoryNetwork()
        context = server_context("valid", None, None, None) if tls else None
        self.server = Server(
            [User("ann", "secret", base_path="/")],
            path_io_factory=MemoryPathIO,
            network=self.network,
            ssl=context,
            tls="explicit" if tls else None,
            **settings,
        )
        self.log = CommandLog(self.server.hub)
        self.client = Client(network=self.network, passive_commands=MODES[mode], socket_timeout=10)
        self._tls = tls

    @asynccontextmanager
    async def logged_in(self) -> AsyncIterator[Client]:
        """The client, logged in; at the end both are closed."""
        async with self.server:
            try:
                await self.client.connect(*self.server.address)
                if self._tls:
                    await self.client.upgrade_to_tls(ServerTls().client_context())
                await self.client.login("ann", "secret")
                yield self.client
            finally:
                self.client.close()


@pytest.fixture(autouse=True)
async def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the loop has its own sockets, creating another one is an error."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was created")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket_transport.SocketTransport, "__init__", refuse)


VARIANTS = [(mode, tls) for mode in MODES for tls in (False, True)]


@pytest.mark.parametrize(("mode", "tls"), VARIANTS)
async def test_files(mode: str, tls: bool) -> None:
    """Login, STOR, LIST, RETR and DELE, with files that are empty, small, and larger than the window."""
    pair = Pair(tls=tls, mode=mode)
    async with pair.logged_in() as client:
        for name, data in (("empty", b""), ("small", b"some bytes"), ("big", BIG)):
            async with client.upload_stream(name) as stream:
                await stream.write(data)
            async with client.download_stream(name) as stream:
                assert await stream.read() == data
        assert sorted(str(path) for path, _ in await client.list()) == ["big", "empty", "small"]
        await client.remove("big")
        await client.quit()

    commands = [str(record) for record in pair.log.commands]
    assert sum(line.startswith("STOR") for line in commands) == 3
    assert any(line.startswith("EPSV" if mode == "passive" else "EPRT") for line in commands)


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "TLS"])
async def test_abor_of_a_download(tls: bool) -> None:
    """A transfer that is not read is aborted, and the session continues."""
    async with Pair(tls=tls, mode="passive").logged_in() as client:
        async with client.upload_stream("big") as stream:
            await stream.write(BIG * 2)
        download = await client.download_stream("big")
        assert await download.receive(10)
        await client.abort()
        async with client.download_stream("big") as stream:
            assert len(await stream.read()) == 2 * len(BIG)


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "TLS"])
async def test_a_data_connection_that_is_reset(tls: bool) -> None:
    """The server replies 426 to an upload after a reset of its data connection."""
    async with Pair(tls=tls, mode="passive").logged_in() as client:
        stream = await client.upload_stream("cut")
        await stream.write(b"half")
        stream.channel.reset()
        with pytest.raises(StatusCodeError) as caught:
            await stream.finish()
        assert caught.value.received_codes[-1] == "426"
        await client.command("NOOP", "200")


async def test_many_clients_at_once() -> None:
    """Each client has its own session."""
    pair = Pair(tls=False, mode="passive")
    async with pair.logged_in() as first:
        clients = [Client(network=pair.network) for _ in range(50)]

        async def visit(client: Client, number: int) -> None:
            await client.connect(*pair.server.address)
            await client.login("ann", "secret")
            async with client.upload_stream(f"file{number}") as stream:
                await stream.write(b"%d" % number)
            await client.quit()

        await asyncio.gather(*(visit(client, number) for number, client in enumerate(clients)))
        assert len(await first.list()) == 50


async def test_connection_refused() -> None:
    """A closed server and an unknown host give the same errors as on other networks."""
    pair = Pair(tls=False, mode="passive")
    async with pair.logged_in():
        address = pair.server.address
    with pytest.raises(ConnectionRefusedError):
        await Client(network=pair.network).connect(*address)
    with pytest.raises(OSError, match="not known in a network in memory"):
        await Client(network=pair.network).connect("ftp.example.org")


@pytest.mark.parametrize("window", [1, 500])
async def test_a_narrow_window(window: int) -> None:
    """With any window size all bytes arrive."""
    network = MemoryNetwork(window)
    server = Server([User("ann", "secret", base_path="/")], path_io_factory=MemoryPathIO, network=network)
    async with server:
        client = Client(network=network)
        await client.connect(*server.address)
        await client.login("ann", "secret")
        async with client.upload_stream("file") as stream:
            await stream.write(BIG[:3000])
        async with client.download_stream("file") as stream:
            assert await stream.read() == BIG[:3000]
        await client.quit()
