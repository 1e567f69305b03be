"""Active mode: the server connects to the client before or after its reply, or not at all."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

from ftpfixture import Client, StatusCodeError
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Session,
    Step,
    dial_back,
    eprt,
    fetch,
    foreign,
    not_listening,
    port,
    receive,
    reset,
    send,
    signal,
    slowly,
    talk,
    until_closed,
)

talk_actively = partial(talk, passive_commands=["eprt", "port"])


@pytest.mark.parametrize("command", [eprt, port])
async def test_each_active_command(command: Step) -> None:
    """The client sends an address on which it listens until the connection is accepted, and no longer."""
    script: list[Step] = [*TYPE_I, command, "RETR a", b"150 here\r\n", dial_back, not_listening]

    async with talk(*script, passive_commands=["eprt" if command is eprt else "port"]) as client:
        stream = await client.download_stream("a")
        assert stream.channel.peer[0] == "127.0.0.1"
        stream.close()


async def test_eprt_refused() -> None:
    """For a server that refuses EPRT the client sends PORT from then on."""
    got: list[Step] = ["RETR a", b"150 here\r\n", dial_back, send(b"data"), b"226 done\r\n"]

    async def refuse(session: Session) -> None:
        assert (await session.read_line()).startswith("EPRT |1|127.0.0.1|")
        await session.send(b"502 no\r\n")

    async with talk_actively(*TYPE_I, refuse, port, *got, port, *got) as client:
        assert await fetch(client) == b"data"
        assert await fetch(client) == b"data"


async def test_a_refused_address_is_not_listened_on() -> None:
    """After a refused EPRT the client does not listen any more."""

    async def refuse(session: Session) -> None:
        session.target = "127.0.0.1", int((await session.read_line()).split("|")[3])
        await session.send(b"500 no\r\n")

    async with talk(*TYPE_I, refuse, "NOOP", not_listening, b"200 ok\r\n", passive_commands=["eprt"]) as client:
        with pytest.raises(StatusCodeError, match="500"):
            await fetch(client)
        await client.noop()


async def test_passive_commands_before_active_ones() -> None:
    """Passive and active commands may be mixed, in any order."""
    script: list[Step] = ["EPSV", b"502 no\r\n", eprt, "RETR a", b"150 x\r\n", dial_back, send(b"data"), b"226 x\r\n"]

    async with talk(*TYPE_I, *script, passive_commands=["epsv", "eprt"]) as client:
        assert await fetch(client) == b"data"


@pytest.mark.parametrize(
    "steps",
    [
        [b"150 here\r\n", dial_back, send(b"data"), b"226 done\r\n"],
        [dial_back, b"150 here\r\n", send(b"data"), b"226 done\r\n"],
        [dial_back, send(b"data"), b"150 here\r\n226 done\r\n"],
        [dial_back, send(b"data"), slowly(b"150 here\r\n226 done\r\n")],
        [b"125 go\r\n150 here\r\n", dial_back, send(b"data"), b"226 done\r\n"],
        [b"150-here\r\n150 it comes\r\n", foreign, dial_back, send(b"data"), b"226 done\r\n"],
        [foreign, foreign, dial_back, send(b"data"), b"150 here\r\n", b"226 done\r\n"],
    ],
)
async def test_when_the_server_connects(steps: list[Step]) -> None:
    """The server may connect before or after 150, or finish before the client reads; other hosts are rejected."""
    async with talk_actively(*TYPE_I, eprt, "RETR a", *steps, "NOOP", b"200 ok\r\n") as client:
        assert await fetch(client) == b"data"
        await client.noop()


async def test_an_upload() -> None:
    """Uploaded data arrive completely, and their end too."""
    script: list[Step] = [*TYPE_I, eprt, "STOR a", b"150 go\r\n", dial_back, receive(b"data"), b"226 done\r\n"]

    async with talk_actively(*script) as client, client.upload_stream("a") as stream:
        await stream.write(b"data")


@pytest.mark.parametrize("early", [b"150 here\r\n", b""])
async def test_the_server_cannot_connect(early: bytes) -> None:
    """A 425 after 150, or instead of it, ends the wait with that error; the client does not listen any more."""
    script: list[Step] = [
        *TYPE_I,
        eprt,
        "RETR a",
        early,
        b"425 cannot connect\r\n",
        "NOOP",
        not_listening,
        b"200 ok\r\n",
    ]

    async with talk_actively(*script) as client:
        with pytest.raises(StatusCodeError) as caught:
            await fetch(client)
        assert (caught.value.expected_codes, caught.value.received_codes) == (("1xx",), ("425",))
        await client.noop()


async def test_no_codes() -> None:
    """Without codes the replies before the connection are read while waiting for it, the others at the end."""
    script: list[Step] = [*TYPE_I, eprt, "RETR a", b"150 here\r\n", dial_back, send(b"data"), b"226 done\r\n"]

    async with talk_actively(*script) as client, client.get_stream("RETR a") as stream:
        assert await stream.read() == b"data"


async def test_the_command_is_refused() -> None:
    """When the command is refused the client stops listening, and closes a connection that the server opened anyway."""
    script: list[Step] = [
        *(*TYPE_I, eprt, "RETR a", dial_back, b"550 no\r\n", receive(b""), not_listening),
        *(eprt, "RETR a", b"550 no\r\n", "NOOP", not_listening, b"200 ok\r\n"),
    ]
    async with talk_actively(*script) as client:
        for _ in range(2):
            with pytest.raises(StatusCodeError, match="550"):
                await fetch(client)
        await client.noop()


async def test_the_server_never_connects() -> None:
    """`connection_timeout` limits the wait for the server; its later reply is skipped."""
    timed_out = asyncio.Event()
    script: list[Step] = [
        *TYPE_I,
        eprt,
        "RETR a",
        b"150 x\r\n",
        timed_out,
        not_listening,
        b"425 x\r\n",
        "NOOP",
        b"200 ok\r\n",
    ]

    async with talk_actively(*script) as client:
        client.connection_timeout = 0.05
        with pytest.raises(TimeoutError):
            await fetch(client)
        timed_out.set()
        await client.noop()


@pytest.mark.parametrize("reply", [b"", b"150 here\r\n"])
async def test_the_control_connection_ends(reply: bytes) -> None:
    """When the control connection ends before the data connection arrives, the call raises an error."""
    async with talk_actively(*TYPE_I, eprt, "RETR a", reply, reset) as client:
        with pytest.raises(ConnectionError):
            await fetch(client)
        with pytest.raises(ConnectionError, match="connect again"):
            await client.noop()


async def test_cancelled_while_the_server_connects() -> None:
    """A cancelled wait closes both connections, because the server has begun; the next call says to connect again."""
    received = asyncio.Event()
    async with talk_actively(*TYPE_I, eprt, "RETR a", b"150 here\r\n", signal(received), until_closed) as client:
        task = asyncio.create_task(fetch(client))
        await received.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionError, match=r"^closed, because a transfer was cancelled: connect again$"):
            await client.noop()


async def test_closed_while_the_server_connects() -> None:
    """`close` in another task ends the wait for the server's connection."""
    received = asyncio.Event()
    async with talk_actively(*TYPE_I, eprt, "RETR a", b"150 here\r\n", signal(received), until_closed) as client:
        task = asyncio.create_task(fetch(client))
        await received.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        client.close()
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionError, match=r"^closed: await connect\(host, port\) to go on$"):
                await task


async def test_no_port_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the client cannot listen, the next command is tried; after the last one the error is raised."""

    def bind(*_: object) -> None:
        raise OSError(98, "no port left")

    async with talk(*TYPE_I, "NOOP", b"200 ok\r\n", passive_commands=["eprt", "port"]) as client:
        monkeypatch.setattr(socket.socket, "bind", bind)
        with pytest.raises(OSError, match="no port left"):
            await fetch(client)
        await client.noop()


async def test_ipv6_hosts_are_compared() -> None:
    """Over IPv6 too, only connections from the server's address are accepted."""
    script: list[Step] = [GREETING, *TYPE_I, eprt, "RETR a", b"150 x\r\n", dial_back, send(b"data"), b"226 x\r\n"]
    async with ScriptedServer(script, host="::1") as server:
        client = Client(passive_commands=["eprt"])
        await client.connect(*server.address)
        assert await fetch(client) == b"data"
        client.close()
