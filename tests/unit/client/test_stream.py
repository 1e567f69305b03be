"""The data stream: how it ends, normally and after every kind of failure."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import Client, DataConnectionThrottleStreamIO, StatusCodeError
from ftpfixture.client import resync
from ftpfixture.client import stream as stream_module
from ftpfixture.client.settings import Codes
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Step,
    close,
    connected,
    epsv,
    expect_data_reset,
    fetch,
    receive,
    reset,
    reset_data,
    send,
    signal,
    talk,
    transfer,
    until_closed,
)

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
PWD: list[Step] = ["PWD", b'257 "/"\r\n']


class Timers:
    """The timers of streams, which expire when a test says so.

    Attributes:
        set: Seconds of each timer that was set.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.set: list[float] = []
        self._loop = loop
        self._call_later = loop.call_later
        self._started = asyncio.Event()
        self._timers: list[tuple[asyncio.TimerHandle, Callable[..., object]]] = []

    def call_later(self, delay: float, callback: Callable[..., object], *rest: Any, **more: Any) -> asyncio.TimerHandle:
        """Replace the method of the loop."""
        if not isinstance(getattr(callback, "__self__", None), DataConnectionThrottleStreamIO):
            return self._call_later(delay, callback, *rest, **more)
        handle = self._loop.call_at(self._loop.time() + 3600, callback)
        self.set.append(delay)
        self._timers.append((handle, callback))
        self._started.set()
        return handle

    @property
    def pending(self) -> int:
        """The number of timers that may still expire."""
        return sum(not handle.cancelled() for handle, _ in self._timers)

    async def expire(self, session: object = None) -> None:
        """Wait for a timer, and let it expire; also a step of a script."""
        await self._started.wait()
        self._started.clear()
        handle, callback = self._timers.pop()
        assert not handle.cancelled()
        handle.cancel()
        callback()


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """The timers of streams, which expire when the test says so."""
    loop = asyncio.get_running_loop()
    timers = Timers(loop)
    monkeypatch.setattr(loop, "call_later", timers.call_later)
    return timers


async def cancelled(task: asyncio.Task[object]) -> None:
    """Cancel a task, and check that it ends with CancelledError."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# finish.


async def test_finish_twice() -> None:
    """`finish` reads the final reply; finishing or closing the stream again does nothing."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), *NOOP) as client:
        stream = await client.download_stream("a")
        assert (stream.client, stream.command, stream.finished) == (client, "RETR a", False)
        await stream.finish()
        assert stream.finished
        await stream.finish()
        stream.close()
        await client.noop()


async def test_finished_in_the_block() -> None:
    """A stream may be finished within its own block."""
    script = [*transfer("STOR a", receive(b"data"), first=True), *NOOP]
    async with talk(*script) as client, client.upload_stream("a") as stream:
        await stream.write(b"data")
        await stream.finish()
        await client.noop()


async def test_codes_of_finish() -> None:
    """`finish` skips 1xx and expects 2xx, unless it gets other masks."""
    script: list[Step] = [
        *(*TYPE_I, epsv, "A", b"150 a\r\n125 b\r\n250 c\r\n", epsv, "B", b"100 a\r\n200 b\r\n350 c\r\n"),
        *(epsv, "C", b"226 a\r\n", *NOOP),
    ]
    async with talk(*script) as client:
        await (await client.get_stream("A")).finish()
        await (await client.get_stream("B")).finish("350", ("1xx", "200"))
        stream = await client.get_stream("C")
        with pytest.raises(StatusCodeError, match=r"Waiting for 3xx\|250 but got 226"):
            await stream.finish(("3xx", "250"))
        await client.noop()


async def test_a_stream_is_finished_in_another_task() -> None:
    """A task that finishes a stream takes over its lock; all other tasks wait until then, also the opener."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), *NOOP, *NOOP) as client:
        stream = await asyncio.create_task(_opened(client))
        waiting = asyncio.create_task(client.noop())
        assert await stream.read() == b"data"
        assert not waiting.done()
        await asyncio.create_task(stream.finish())
        await waiting
        await client.noop()


async def _opened(client: Client) -> DataConnectionThrottleStreamIO:
    return await client.download_stream("a")


# close.


async def test_close_defers_the_reply() -> None:
    """`close` does not wait; the next command skips the final reply, whatever its code."""
    for reply in (b"226 done\r\n", b"426 broken\r\n", b"451-disk\r\n451 full\r\n"):
        async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), reply, *NOOP) as client:
            stream = await client.upload_stream("a")
            stream.close()
            assert stream.finished
            stream.close()
            await stream.finish()
            await client.noop()


async def test_several_closed_streams() -> None:
    """Each closed stream leaves a pending reply, and a new transfer skips them too."""
    script: list[Step] = [*TYPE_I]
    for _ in range(3):
        script += [epsv, "STOR a", b"150 go\r\n", receive(b""), b"426 broken\r\n"]
    async with talk(*script, *NOOP) as client:
        for _ in range(3):
            (await client.upload_stream("a")).close()
        await client.noop()


async def test_a_closed_stream_whose_reply_is_read() -> None:
    """After a command without a line has read the reply of a closed stream, no other call waits for it."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), b"426 broken\r\n", *NOOP, *NOOP) as client:
        (await client.upload_stream("a")).close()
        assert await client.command(None, "426") == ("426", [" broken"])
        await client.noop()
        await client.noop()


async def test_closed_before_the_command_was_accepted() -> None:
    """A stream closed before its 1xx leaves two replies; the reply to PWD separates them from later ones."""
    async with talk(*(*TYPE_I, epsv, "STOR a", receive(b""), b"150 go\r\n226 done\r\n", *PWD, *NOOP)) as client:
        (await client.get_stream("STOR a")).close()
        await client.noop()


async def test_a_closed_connection_without_command() -> None:
    """A stream without a command leaves no pending reply."""
    async with talk(*TYPE_I, epsv, receive(b""), *NOOP) as client:
        (await client.get_stream()).close()
        await client.noop()


async def test_the_client_is_closed() -> None:
    """Closing the client resets the running transfer, and releases its lock."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, until_closed) as client:
        stream = await client.upload_stream("a")
        client.close()
        assert stream.finished
        await stream.finish()
        with pytest.raises(ConnectionError, match=r"^closed: await connect"):
            await asyncio.create_task(client.noop())


async def test_the_client_is_closed_by_another_task() -> None:
    """After another task has closed the client, `finish` raises an error."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, until_closed) as client:
        stream = await client.upload_stream("a")
        asyncio.get_running_loop().call_soon(client.close)
        await asyncio.sleep(0)
        with pytest.raises(ConnectionAbortedError, match="with close"):
            await stream.finish()
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, until_closed) as client:
        stream = await client.upload_stream("a")
        await asyncio.create_task(_close(client))
        with pytest.raises(ConnectionAbortedError, match=r"^STOR a was aborted by another task, with close\(\)$"):
            await stream.finish()
        stream.close()


async def _close(client: Client) -> None:
    client.close()


async def test_a_stream_without_command_is_closed_with_its_client() -> None:
    """A data connection without a command is closed with the client, and its lock released."""
    async with talk(*TYPE_I, epsv, expect_data_reset, until_closed) as client:
        stream = await client.get_passive_connection()
        client.close()
        assert stream.channel.closed
        with pytest.raises(ConnectionError, match=r"await connect\(host, port\)"):
            await asyncio.create_task(client.noop())


async def test_a_client_is_closed_after_its_loop() -> None:
    """A client with an unfinished transfer can be closed after its loop was closed."""

    async def leave(address: tuple[str, int]) -> None:
        await client.connect(*address)
        await client.upload_stream("a")

    def run(address: tuple[str, int]) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave(address))
        client.close()
        loop.close()

    client = Client()
    async with ScriptedServer(
        [GREETING, *TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, until_closed]
    ) as server:
        await asyncio.to_thread(run, server.address)


# Errors in the body.


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_an_error_in_the_body(direction: str) -> None:
    """The data connection is reset, so no partial file is taken for a complete one; the final reply is read."""
    verb = "STOR" if direction == "up" else "RETR"
    script: list[Step] = [
        *TYPE_I,
        epsv,
        f"{verb} a",
        b"150 go\r\n",
        connected,
        expect_data_reset,
        b"426 broken\r\n",
        *NOOP,
    ]

    async def fail(client: Client) -> None:
        async with client.upload_stream("a") if direction == "up" else client.download_stream("a"):
            raise ZeroDivisionError

    async with talk(*script) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


@pytest.mark.parametrize("reply", [b"226 done\r\n", b"451 no\r\n", b"421 enough\r\n"])
async def test_any_reply_after_an_error(reply: bytes) -> None:
    """The error of the block is raised, whatever the final reply is."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, reply, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        await client.noop()


async def _failing(client: Client, codes: Codes = "1xx") -> None:
    async with client.get_stream("STOR a", codes):
        raise ZeroDivisionError


async def test_150_again_after_a_reset() -> None:
    """When a server sends 150 again after a reset, as Pure-FTPd does, the client reads up to the reply to PWD."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 go\r\n",
        expect_data_reset,
        b"150 go\r\n",
        "PWD",
        b"226 done\r\n",
        b'257 "/"\r\n',
    ]

    async with talk(*script, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        await client.noop()


async def test_an_error_before_anything_was_read() -> None:
    """An unread 1xx is skipped too."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 go\r\n",
        expect_data_reset,
        "PWD",
        b"426 no\r\n",
        b'257 "/"\r\n',
    ]

    async with talk(*script, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client, ())
        await client.noop()


@pytest.mark.parametrize("end", [close, reset])
async def test_the_session_ends_after_an_error(end: Step) -> None:
    """When the server ends the session, the error of the block is raised, and the next call reports the end."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, end) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        with pytest.raises(ConnectionError, match=r"connect again$"):
            await client.noop()


async def test_no_reply_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a missing final reply is limited, even without `socket_timeout`; the next call gives the reason."""
    monkeypatch.setattr(stream_module, "PATIENCE", 0.05)
    script: list[Step] = [*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, "PWD", until_closed]
    for limit in (None, 0.05):
        async with talk(*script, socket_timeout=None) as client:
            client.socket_timeout = limit
            with pytest.raises(ZeroDivisionError):
                await _failing(client)
            with pytest.raises(ConnectionError) as caught:
                await client.noop()
        assert str(caught.value) == (
            "closed, because the final reply of a failed transfer took longer than 0.05 s: connect again"
        )


async def test_no_reply_after_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout the client does not wait for the final reply for another `socket_timeout`."""
    monkeypatch.setattr(stream_module, "AFTER_TIMEOUT", 0.05)
    async with talk(
        *TYPE_I, epsv, "RETR a", b"150 go\r\n", connected, expect_data_reset, "PWD", until_closed
    ) as client:
        client.socket_timeout = 0.05
        with pytest.raises(TimeoutError, match=r"^the other side sent nothing for 0\.05 s$"):
            await _read_with_another_timeout(client, 3600)
        with pytest.raises(ConnectionError, match=r"final reply of a failed transfer took longer than 0.05 s: connect"):
            await client.noop()


async def test_a_late_reply_after_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout the session continues when the server replies in time, or only to PWD."""
    monkeypatch.setattr(stream_module, "AFTER_TIMEOUT", 20)
    monkeypatch.setattr(resync, "_SILENCE", 0.01)
    replies: list[list[Step]] = [[b"426 broken\r\n"], PWD]
    for final in replies:
        async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", connected, expect_data_reset, *final, *NOOP) as client:
            client.socket_timeout = 0.05
            with pytest.raises(TimeoutError):
                await _read_with_another_timeout(client, 3600)
            await client.noop()


async def _read_with_another_timeout(client: Client, seconds: float) -> None:
    async with client.download_stream("a") as stream:
        client.socket_timeout = seconds
        await stream.read()


async def test_no_code_after_an_error() -> None:
    """A final reply without a code closes the connection: commands and replies may be out of sync."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, b"what?\r\n", until_closed) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        with pytest.raises(ConnectionError) as caught:
            await client.noop()
    assert str(caught.value) == ("closed, because a transfer failed and its final reply did not arrive: connect again")


async def test_an_error_after_the_stream_was_closed() -> None:
    """A stream that was closed or finished in its block does nothing more when the block fails."""

    async def fail(client: Client, how: str) -> None:
        async with client.upload_stream("a") as stream:
            if how == "finish":
                await stream.finish()
            else:
                stream.close()
            raise ZeroDivisionError

    async with talk(
        *(*transfer("STOR a", receive(b""), first=True), *NOOP, *transfer("STOR a", receive(b"")), *NOOP)
    ) as client:
        for how in ("finish", "close"):
            with pytest.raises(ZeroDivisionError):
                await fail(client, how)
            await client.noop()


async def test_the_server_resets_a_download() -> None:
    """When the server resets the data connection, its reply is raised; the session continues."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", reset_data, b"451 disk\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError) as caught:
            await fetch(client)
        assert (caught.value.expected_codes, caught.value.received_codes) == (("2xx",), ("451",))
        assert isinstance(caught.value.__cause__, ConnectionResetError)
        await client.noop()


async def test_the_server_resets_an_upload() -> None:
    """The server's reply is raised for an upload too."""

    async def fill(client: Client) -> None:
        async with client.upload_stream("a") as stream:
            while True:
                await stream.write(bytes(1 << 16))

    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", reset_data, b"552 full\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError, match="552"):
            await fill(client)
        await client.noop()


async def test_a_reset_and_226() -> None:
    """After a reset of the data connection the transfer fails, even when the server replies 226."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", reset_data, b"226 done\r\n", *NOOP) as client:
        with pytest.raises(ConnectionResetError):
            await fetch(client)
        await client.noop()


async def test_a_reset_and_another_error_in_the_body() -> None:
    """Another error of the block is raised, even when the data connection was reset before."""

    async def fail(client: Client) -> None:
        async with client.download_stream("a") as stream:
            with contextlib.suppress(ConnectionResetError):
                await stream.read()
            raise ZeroDivisionError

    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", reset_data, b"451 disk\r\n", *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


async def test_an_error_without_a_command() -> None:
    """Without a command no reply is expected, and the session continues."""

    async def fail(client: Client) -> None:
        async with client.get_stream():
            raise ZeroDivisionError

    async with talk(*TYPE_I, epsv, expect_data_reset, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


async def test_an_error_after_a_separate_command() -> None:
    """The reply to a command that was sent separately is read, or the next command would get it."""

    async def fail(client: Client, codes: str | tuple[str, ...] = ()) -> None:
        async with client.get_stream():
            await client.command("RETR a", codes)
            raise ZeroDivisionError

    replies: list[Step] = [expect_data_reset, b"426 broken\r\n"]
    async with talk(
        *(*TYPE_I, epsv, "RETR a", b"150 go\r\n", *replies, *NOOP),
        *(epsv, "RETR a", b"150 go\r\n", *replies, "PWD", b'257 "/"\r\n', *NOOP),
        *(epsv, "RETR a", b"550 no\r\n", expect_data_reset, *NOOP),
    ) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client, "1xx")
        await client.noop()
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()
        with pytest.raises(ZeroDivisionError):
            await fail(client, "550")
        await client.noop()


async def test_an_unused_stream() -> None:
    """An unused stream is closed without waiting for a reply."""
    async with talk(*TYPE_I, epsv, *NOOP) as client:
        async with client.get_stream():
            pass
        await client.noop()


async def test_an_error_in_another_task() -> None:
    """After an error in the block of another task, commands and replies are synchronized too."""

    async def fail(stream: DataConnectionThrottleStreamIO) -> None:
        async with stream:
            raise ZeroDivisionError

    async with talk(
        *TYPE_I, epsv, "RETR a", b"150 go\r\n", connected, expect_data_reset, b"426 broken\r\n", *NOOP
    ) as client:
        stream = await asyncio.create_task(_opened(client))
        with pytest.raises(ZeroDivisionError):
            await fail(stream)
        await client.noop()


# Cancellation.


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_cancelled_in_the_body(direction: str) -> None:
    """A cancelled transfer resets its data connection and closes the session: later replies would be out of sync."""
    verb = "STOR" if direction == "up" else "RETR"
    begun = asyncio.Event()

    async def body(client: Client) -> None:
        async with client.upload_stream("a") if direction == "up" else client.download_stream("a"):
            begun.set()
            await asyncio.Event().wait()

    async with talk(*TYPE_I, epsv, f"{verb} a", b"150 go\r\n", connected, expect_data_reset, until_closed) as client:
        task = asyncio.create_task(body(client))
        await begun.wait()
        await cancelled(task)
        with pytest.raises(ConnectionError, match=r"^closed, because a transfer was cancelled: connect again$"):
            await client.noop()


async def test_cancelled_in_finish() -> None:
    """When the wait for the final reply is cancelled, the session is closed."""
    received = asyncio.Event()
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), signal(received), until_closed) as client:
        stream = await client.upload_stream("a")
        task = asyncio.create_task(stream.finish())
        await received.wait()
        await cancelled(task)
        with pytest.raises(ConnectionError, match="because a call was cancelled before its reply arrived: connect"):
            await asyncio.create_task(client.noop())


async def test_cancelled_without_a_command() -> None:
    """When the block of a stream without a command is cancelled, only the data connection is closed."""
    begun = asyncio.Event()

    async def body(client: Client) -> None:
        async with client.get_stream():
            begun.set()
            await asyncio.Event().wait()

    async with talk(*TYPE_I, epsv, expect_data_reset, *NOOP) as client:
        task = asyncio.create_task(body(client))
        await begun.wait()
        await cancelled(task)
        await client.noop()


async def test_an_unfinished_stream() -> None:
    """An unfinished stream is closed with its client, without a warning."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", expect_data_reset, until_closed) as client:
        await client.download_stream("a")
        gc.collect()
        client.close()


async def test_no_reference_to_an_ended_stream() -> None:
    """A client keeps no reference to a stream that was finished or closed."""
    script = transfer("RETR a", send(b"data"))
    async with talk(*TYPE_I, *script, *script, *script) as client:
        async with client.download_stream("a") as left:
            await left.read()
        finished = await client.download_stream("a")
        await finished.finish()
        closed = await client.download_stream("a")
        closed.close()
        streams = [weakref.ref(stream) for stream in (left, finished, closed)]
        del left, finished, closed
        gc.collect()
        assert [stream() for stream in streams] == [None] * 3


# keep_alive.


async def test_no_keep_alive(timers: Timers) -> None:
    """Without `keep_alive` nothing is sent during a transfer."""
    async with talk(*transfer("RETR a", send(b"data"), first=True)) as client:
        await fetch(client)
    assert timers.set == []


async def test_keep_alive_of_a_short_transfer(timers: Timers) -> None:
    """A transfer that ends before the interval sends no NOOP, and leaves no timer."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), *NOOP, keep_alive=30) as client:
        await fetch(client)
        await client.noop()
    assert timers.set == [30]
    assert timers.pending == 0


@pytest.mark.parametrize("answer", [b"200 fine\r\n", b"500 what?\r\n", b"502 no\r\n"])
@pytest.mark.parametrize("where", ["before", "between", "after", "never"])
async def test_keep_alive(timers: Timers, caplog: pytest.LogCaptureFixture, where: str, answer: bytes) -> None:
    """NOOP is sent repeatedly; its replies may come before the final reply, after it, or not at all."""
    caplog.set_level("DEBUG", "ftpfixture.client")
    replies: dict[str, list[Step]] = {
        "before": [answer, answer, b"226 done\r\n"],
        "between": [answer, b"226 done\r\n", answer],
        "after": [b"226 done\r\n", answer, answer],
        "never": [b"226 done\r\n"],
    }
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "RETR a",
        b"150 here\r\n",
        timers.expire,
        "NOOP",
        timers.expire,
        "NOOP",
        send(b"data"),
    ]

    async with talk(*script, *replies[where], *PWD, *NOOP, keep_alive=30) as client:
        assert await fetch(client) == b"data"
        await client.noop()
    assert timers.set == [30, 30, 30]
    assert timers.pending == 0
    assert caplog.messages.count("NOOP") == 3


@pytest.mark.parametrize("order", [[b"200 ok\r\n", b"426 broken\r\n"], [b"426 broken\r\n", b"200 ok\r\n"]])
async def test_keep_alive_of_a_transfer_that_fails(timers: Timers, order: list[bytes]) -> None:
    """With pending NOOPs, the failing reply of the transfer is raised too."""
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 x\r\n", timers.expire, "NOOP", send(b""), *order, *PWD, *NOOP]

    async with talk(*script, keep_alive=30) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 426"):
            await fetch(client)
        await client.noop()


async def test_keep_alive_and_the_codes_of_finish(timers: Timers) -> None:
    """`finish` compares the reply of the transfer with its masks."""
    received = asyncio.Event()
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "RETR a",
        b"150 x\r\n",
        timers.expire,
        "NOOP",
        signal(received),
        b"226 done\r\n",
    ]

    async with talk(*script, *PWD, *NOOP, keep_alive=30) as client:
        stream = await client.download_stream("a")
        await received.wait()
        with pytest.raises(StatusCodeError, match="Waiting for 250 but got 226"):
            await stream.finish("250")
        await client.noop()


async def test_keep_alive_and_a_final_reply_among_many(timers: Timers) -> None:
    """A repeated 150 and a final reply between replies to NOOPs are recognized."""
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 x\r\n", timers.expire, "NOOP", send(b"data")]
    answers: list[Step] = [b"150 x\r\n", "PWD", b"200 ok\r\n226 done\r\n", b'257 "/"\r\n']

    async with talk(*script, *answers, *NOOP, keep_alive=30) as client:
        assert await fetch(client) == b"data"
        await client.noop()


async def test_keep_alive_and_an_error_in_the_body(timers: Timers) -> None:
    """After an error in the block the replies to NOOPs are skipped too."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 x\r\n",
        timers.expire,
        "NOOP",
        expect_data_reset,
        b"426 no\r\n",
        *PWD,
        *NOOP,
    ]

    async def fail(client: Client, received: asyncio.Event) -> None:
        async with client.upload_stream("a"):
            await received.wait()
            raise ZeroDivisionError

    received = asyncio.Event()
    script.insert(script.index(expect_data_reset), signal(received))
    async with talk(*script, keep_alive=30) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client, received)
        await client.noop()


async def test_keep_alive_and_close(timers: Timers) -> None:
    """A closed stream sends no more NOOPs; the replies to earlier ones are skipped."""
    received = asyncio.Event()
    script: list[Step] = [*TYPE_I, epsv, "STOR a", b"150 x\r\n", timers.expire, "NOOP", b"200 ok\r\n", signal(received)]

    async with talk(*script, receive(b""), b"226 x\r\n", *PWD, *NOOP, keep_alive=30) as client:
        stream = await client.upload_stream("a")
        await received.wait()
        stream.close()
        assert timers.pending == 0
        await client.noop()


async def test_keep_alive_without_a_connection(timers: Timers, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the control connection is closed no NOOP is sent, and nothing fails."""
    async with talk(*TYPE_I, epsv, "RETR a", b"421 x\r\n", keep_alive=30) as client:
        stream = await client.get_stream("RETR a")
        with monkeypatch.context() as patched:
            patched.setattr(client.control, "_channel", None)
            await timers.expire()
        stream.close()


async def test_keep_alive_may_be_changed(timers: Timers) -> None:
    """The setting is read before each interval."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "RETR a",
        b"150 x\r\n",
        timers.expire,
        "NOOP",
        b"200 x\r\n",
        send(b""),
        b"226 x\r\n",
        *PWD,
    ]

    async with talk(*script, keep_alive=30) as client:
        stream = await client.download_stream("a")
        client.keep_alive = 7
        assert await stream.read() == b""
        await stream.finish()
    assert timers.set == [30, 7]
