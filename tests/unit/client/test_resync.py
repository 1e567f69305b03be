"""Aborts: ABOR, and every sequence of replies that servers send to it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ftpfixture import Client, Retry, StatusCodeError
from ftpfixture.client import resync
from tests.support.scripted import (
    TYPE_I,
    Step,
    close,
    connected,
    epsv,
    expect_data_reset,
    receive,
    reset,
    reset_data,
    send,
    signal,
    talk,
    until_closed,
)

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
PWD: list[Step] = ["PWD", b'257 "/"\r\n']
BEGIN: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 here\r\n", send(b"some", end=False)]


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server gets hardly any time to end a transfer by itself, unless a test sets more."""
    monkeypatch.setattr(resync, "_GRACE", 0.01)


# Replies of servers. Each is sent before the data connection is closed, or after.
SEQUENCES: list[tuple[str, list[Step]]] = [
    ("426 226", ["ABOR", b"426 broken\r\n226 aborted\r\n", expect_data_reset]),
    ("426 225", ["ABOR", b"426 broken\r\n225 aborted\r\n", expect_data_reset]),
    ("426 226, late", ["ABOR", expect_data_reset, b"426 broken\r\n", b"226 aborted\r\n"]),
    ("426 226, data broken first", ["ABOR", reset_data, b"426 broken\r\n226 aborted\r\n"]),
    ("426, then 226 late", ["ABOR", b"426 broken\r\n", expect_data_reset, b"226 aborted\r\n"]),
    ("451 226", ["ABOR", b"451 broken\r\n226 aborted\r\n", expect_data_reset]),
    ("226 226", ["ABOR", b"226 done\r\n226 nothing to abort\r\n", expect_data_reset, *PWD]),
    ("226 226, late", ["ABOR", expect_data_reset, b"226 done\r\n", "PWD", b'226 nothing to abort\r\n257 "/"\r\n']),
    ("226 225", ["ABOR", b"226 done\r\n225 nothing to abort\r\n", expect_data_reset, *PWD]),
    (
        "226 226, PWD with another code",
        ["ABOR", b"226 done\r\n", expect_data_reset, "PWD", b'226 x\r\n250 "/" is here\r\n'],
    ),
    ("226 alone", ["ABOR", b"226 aborted\r\n", expect_data_reset, *PWD]),
    ("225 alone", ["ABOR", b"225 aborted\r\n", expect_data_reset, *PWD]),
    ("502 426", ["ABOR", b"502 no\r\n", expect_data_reset, "PWD", b'426 broken\r\n257 "/"\r\n']),
    ("426 502", ["ABOR", expect_data_reset, b"426 broken\r\n502 no\r\n", *PWD]),
    ("500 226", ["ABOR", b"500 what?\r\n", expect_data_reset, "PWD", b'226 done\r\n257 "/"\r\n']),
    ("426 226, no PWD", ["ABOR", b"226 done\r\n", expect_data_reset, "PWD", b"226 aborted\r\n502 no\r\n"]),
]


@pytest.mark.parametrize("script", [script for _, script in SEQUENCES], ids=[name for name, _ in SEQUENCES])
@pytest.mark.parametrize("how", ["in its block", "outside"])
async def test_abort(script: list[Step], how: str) -> None:
    """After every sequence of replies to ABOR the data connection is reset, and the next command gets its own reply."""
    async with talk(*BEGIN, *script, *NOOP, *NOOP) as client:
        stream = await client.download_stream("a")
        assert await stream.readexactly(4) == b"some"
        if how == "outside":
            await client.abort()
            await client.noop()
        else:
            async with stream:
                await client.abort()
                await client.noop()
        assert stream.finished
        await stream.finish()
        stream.close()
        await client.noop()


async def test_abort_of_an_upload() -> None:
    """The reset discards data that were not received yet, so the server takes no partial file for a complete one."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 go\r\n",
        "ABOR",
        expect_data_reset,
        b"426 broken\r\n226 aborted\r\n",
    ]

    async with talk(*script, *NOOP) as client:
        async with client.upload_stream("a") as stream:
            await stream.write(b"half")
            await client.abort()
        await client.noop()


async def test_a_server_that_ends_the_transfer_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server gets time to end the transfer before the data connection is reset; the client does not wait longer."""
    monkeypatch.setattr(resync, "_GRACE", 3600)
    script: list[Step] = ["ABOR", connected, b"426 broken\r\n", expect_data_reset, b"226 aborted\r\n"]

    async with talk(*BEGIN, *script, *NOOP) as client, client.download_stream("a") as stream:
        await stream.readexactly(4)
        await client.abort()
        await client.noop()


async def test_replies_that_were_received_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client does not wait for a reply that it has received already."""
    monkeypatch.setattr(resync, "_GRACE", 3600)
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 here\r\n226 done\r\n", "ABOR", expect_data_reset, "PWD"]

    async with talk(*script, b'225 nothing to abort\r\n257 "/"\r\n', *NOOP) as client:
        await client.download_stream("a")
        await client.abort()
        await client.noop()


@pytest.mark.parametrize(
    ("reply", "right"), [(b"226 ok\r\n", True), (b"225 ok\r\n", True), (b"502 no\r\n", False), (b"500 no\r\n", False)]
)
async def test_no_transfer_runs(reply: bytes, right: bool) -> None:
    """Without a transfer ABOR is a command like others: a refusal is an error."""
    async with talk("ABOR", reply, *NOOP) as client:
        with contextlib.nullcontext() if right else pytest.raises(StatusCodeError, match=reply[:3].decode()):
            await client.abort()
        await client.noop()


async def test_a_second_abort() -> None:
    """A transfer that was aborted is not aborted again."""
    script: list[Step] = [
        "ABOR",
        b"426 broken\r\n226 aborted\r\n",
        expect_data_reset,
        "ABOR",
        b"225 nothing to abort\r\n",
    ]

    async with talk(*BEGIN, *script, *NOOP) as client:
        async with client.download_stream("a"):
            await client.abort()
            await client.abort()
        await client.noop()


async def test_without_waiting() -> None:
    """With wait=False ABOR is only sent: `finish` reads the 426, and the next call reads the 226."""
    async with talk(*BEGIN, "ABOR", reset_data, b"426 broken\r\n226 aborted\r\n", *NOOP) as client:
        stream = await client.download_stream("a")
        await client.abort(wait=False)
        with pytest.raises(StatusCodeError, match="426"):
            await stream.finish()
        assert await client.command(None, "226") == ("226", [" aborted"])
        await client.noop()


async def test_without_waiting_and_without_a_transfer() -> None:
    """With wait=False ABOR is sent even when no transfer runs."""
    async with talk("ABOR", b"225 nothing\r\n", *NOOP) as client:
        await client.abort(wait=False)
        assert await client.command(None, "2xx") == ("225", [" nothing"])
        await client.noop()


@pytest.mark.parametrize(
    "data", [expect_data_reset, reset_data, send(b"")], ids=["expect_data_reset", "reset_data", "ended"]
)
async def test_from_another_task(data: Step) -> None:
    """The task that reads gets an error, never a complete file; the task that aborts reads the replies."""
    reading = asyncio.Event()

    async def download(client: Client) -> None:
        async with client.download_stream("a") as stream:
            assert await stream.readexactly(4) == b"some"
            reading.set()
            await stream.read()

    async with talk(*BEGIN, "ABOR", data, b"426 broken\r\n226 aborted\r\n", *NOOP, *NOOP) as client:
        task = asyncio.create_task(download(client))
        await reading.wait()
        await client.abort()
        with pytest.raises((ConnectionAbortedError, ConnectionResetError)):
            await task
        await client.noop()
        await asyncio.create_task(client.noop())


async def test_the_other_task_sees_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server ends the data connection normally, the reading task still gets the abort as an error."""
    monkeypatch.setattr(resync, "_GRACE", 3600)
    reading, ended = asyncio.Event(), asyncio.Event()

    async def download(client: Client) -> None:
        async with client.download_stream("a") as stream:
            await stream.readexactly(4)
            reading.set()
            assert await stream.read() == b""
            ended.set()

    script: list[Step] = [*BEGIN, "ABOR", send(b""), ended, b"426 broken\r\n226 aborted\r\n"]
    async with talk(*script, *NOOP) as client:
        task = asyncio.create_task(download(client))
        await reading.wait()
        await client.abort()
        with pytest.raises(ConnectionAbortedError, match=r"^RETR a was aborted by another task, with abort\(\)$"):
            await task
        await client.noop()


async def test_a_transfer_that_was_aborted_is_not_retried() -> None:
    """A transfer that was aborted on purpose is not retried."""
    reading = asyncio.Event()

    async def attempt(client: Client) -> None:
        async with client.download_stream("a") as stream:
            await stream.readexactly(4)
            reading.set()
            await stream.read()

    async with talk(*BEGIN, "ABOR", expect_data_reset, b"426 x\r\n226 x\r\n", *NOOP) as client:
        retry = Retry(delay=0)
        task = asyncio.create_task(retry.run(lambda: attempt(client)))
        await reading.wait()
        await client.abort()
        with pytest.raises(ConnectionAbortedError):
            await task
        await client.noop()


@pytest.mark.parametrize("end", [close, reset])
@pytest.mark.parametrize("reply", [b"", b"426 broken\r\n"])
async def test_the_server_ends_the_session(end: Step, reply: bytes) -> None:
    """A server that ends the session instead, as aioftp does, is an error; the data connection is closed."""
    async with talk(*BEGIN, "ABOR", reply, end) as client:
        stream = await client.download_stream("a")
        with pytest.raises(ConnectionResetError):
            await client.abort()
        assert stream.finished
        with pytest.raises(ConnectionError, match="connect again"):
            await client.noop()


async def test_no_reply() -> None:
    """When the server does not answer ABOR within `socket_timeout`, the call times out."""
    async with talk(*BEGIN, "ABOR", expect_data_reset, until_closed) as client:
        stream = await client.download_stream("a")
        client.channel.timeout = 0.05
        with pytest.raises(TimeoutError):
            await client.abort()
        assert stream.finished
        with pytest.raises(ConnectionError, match="connect again"):
            await client.noop()


@pytest.mark.parametrize("where", ["grace", "replies"])
async def test_cancelled(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A cancelled abort closes both connections."""
    received = asyncio.Event()
    if where == "grace":
        monkeypatch.setattr(resync, "_GRACE", 3600)
    script: list[Step] = [signal(received)] if where == "grace" else [expect_data_reset, signal(received)]

    async with talk(*BEGIN, "ABOR", *script, until_closed) as client:
        stream = await client.download_stream("a")
        task = asyncio.create_task(client.abort())
        await received.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stream.channel.closed
        with pytest.raises(ConnectionError, match="cancelled before its reply arrived: connect again"):
            await asyncio.create_task(client.noop())


async def test_closed_during_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """`close` in another task ends an abort."""
    monkeypatch.setattr(resync, "_GRACE", 3600)
    received = asyncio.Event()

    async with talk(*BEGIN, "ABOR", signal(received), until_closed) as client:
        await client.download_stream("a")
        task = asyncio.create_task(client.abort())
        await received.wait()
        client.close()
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionError, match="closed"):
                await task


async def test_pending_replies_are_read_before_abort() -> None:
    """The pending reply of a closed transfer is skipped before the reply to ABOR."""
    async with talk(
        *(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), b"426 broken\r\n", "ABOR", b"225 nothing\r\n")
    ) as client:
        (await client.upload_stream("a")).close()
        await client.abort()


async def test_a_server_that_sends_no_reply_after_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no final reply comes, as from pyftpdlib after a reset, the reply to PWD proves that."""
    monkeypatch.setattr(resync, "_SILENCE", 0.01)
    script: list[Step] = [*TYPE_I, epsv, "STOR a", b"150 here\r\n", expect_data_reset, *PWD, *NOOP]

    async def fail(client: Client) -> None:
        async with client.upload_stream("a") as stream:
            await stream.write(b"some")
            raise ZeroDivisionError

    async with talk(*script) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()
