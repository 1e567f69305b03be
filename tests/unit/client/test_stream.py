"""The data stream: how it ends, in good order and in every other way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import Client, DataConnectionThrottleStreamIO, StatusCodeError
from ftpfixture.client import stream as stream_module
from ftpfixture.client.settings import Codes
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Step,
    broken,
    close,
    connected,
    dropped,
    epsv,
    fetch,
    receive,
    reset,
    send,
    talk,
    tell,
    transfer,
    until_closed,
)

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
PWD: list[Step] = ["PWD", b'257 "/"\r\n']


class Ticks:
    """The timers of streams, which ring when a test says so.

    Attributes:
        set: Seconds of each timer that was set.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.set: list[float] = []
        self._loop = loop
        self._call_later = loop.call_later
        self._there = asyncio.Event()
        self._timers: list[tuple[asyncio.TimerHandle, Callable[..., object]]] = []

    def call_later(self, delay: float, callback: Callable[..., object], *rest: Any, **more: Any) -> asyncio.TimerHandle:
        """In place of the method of the loop."""
        if not isinstance(getattr(callback, "__self__", None), DataConnectionThrottleStreamIO):
            return self._call_later(delay, callback, *rest, **more)
        handle = self._loop.call_at(self._loop.time() + 3600, callback)
        self.set.append(delay)
        self._timers.append((handle, callback))
        self._there.set()
        return handle

    @property
    def pending(self) -> int:
        """How many timers may still ring."""
        return sum(not handle.cancelled() for handle, _ in self._timers)

    async def ring(self, session: object = None) -> None:
        """Wait for a timer, and let it ring; also a step of a script."""
        await self._there.wait()
        self._there.clear()
        handle, callback = self._timers.pop()
        assert not handle.cancelled()
        handle.cancel()
        callback()


@pytest.fixture
async def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """The timers of streams ring when the test says so."""
    loop = asyncio.get_running_loop()
    ticks = Ticks(loop)
    monkeypatch.setattr(loop, "call_later", ticks.call_later)
    return ticks


async def cancelled(task: asyncio.Task[object]) -> None:
    """Cancel a task, and hold that it ends so."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# finish.


async def test_finish_is_once() -> None:
    """A stream that is finished reads its reply, and finishing or closing it again does nothing."""
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
    """`finish` passes over 1xx and wants 2xx, or what it is told."""
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
    """Whoever finishes a stream takes over its turn; others wait until then, the one that began it included."""
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


async def test_close_leaves_the_reply() -> None:
    """`close` waits for nothing; the final reply, good or bad, is passed over by the next command."""
    for reply in (b"226 done\r\n", b"426 broken\r\n", b"451-disk\r\n451 full\r\n"):
        async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), reply, *NOOP) as client:
            stream = await client.upload_stream("a")
            stream.close()
            assert stream.finished
            stream.close()
            await stream.finish()
            await client.noop()


async def test_several_closed_streams() -> None:
    """Each closed stream leaves a reply, and a new transfer passes over it, too."""
    script: list[Step] = [*TYPE_I]
    for _ in range(3):
        script += [epsv, "STOR a", b"150 go\r\n", receive(b""), b"426 broken\r\n"]
    async with talk(*script, *NOOP) as client:
        for _ in range(3):
            (await client.upload_stream("a")).close()
        await client.noop()


async def test_a_closed_stream_whose_reply_is_read() -> None:
    """Who reads the reply of a closed stream, by a command without a line, has it, and it is not waited for again."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), b"426 broken\r\n", *NOOP, *NOOP) as client:
        (await client.upload_stream("a")).close()
        assert await client.command(None, "426") == ("426", [" broken"])
        await client.noop()
        await client.noop()


async def test_closed_before_the_command_was_accepted() -> None:
    """A stream whose 1xx nobody read leaves both replies; they are told apart by an answer of its own."""
    async with talk(*(*TYPE_I, epsv, "STOR a", receive(b""), b"150 go\r\n226 done\r\n", *PWD, *NOOP)) as client:
        (await client.get_stream("STOR a")).close()
        await client.noop()


async def test_a_closed_connection_without_command() -> None:
    """A stream for which nothing was said leaves no reply."""
    async with talk(*TYPE_I, epsv, receive(b""), *NOOP) as client:
        (await client.get_stream()).close()
        await client.noop()


async def test_the_client_is_closed() -> None:
    """Closing the client breaks the transfer that runs, and gives its turn back."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed) as client:
        stream = await client.upload_stream("a")
        client.close()
        assert stream.finished
        await stream.finish()
        with pytest.raises(ConnectionError, match=r"^closed: await connect"):
            await asyncio.create_task(client.noop())


async def test_the_client_is_closed_by_another_task() -> None:
    """A transfer that another task broke off by closing the client has not succeeded: `finish` says so."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed) as client:
        stream = await client.upload_stream("a")
        asyncio.get_running_loop().call_soon(client.close)
        await asyncio.sleep(0)
        with pytest.raises(ConnectionAbortedError, match="with close"):
            await stream.finish()
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed) as client:
        stream = await client.upload_stream("a")
        await asyncio.create_task(_close(client))
        with pytest.raises(ConnectionAbortedError, match=r"^STOR a was aborted by another task, with close\(\)$"):
            await stream.finish()
        stream.close()


async def _close(client: Client) -> None:
    client.close()


async def test_a_stream_without_command_is_closed_with_its_client() -> None:
    """A data connection whose command was never said goes with the client, and nobody waits for its turn then."""
    async with talk(*TYPE_I, epsv, dropped, until_closed) as client:
        stream = await client.get_passive_connection()
        client.close()
        assert stream.channel.closed
        with pytest.raises(ConnectionError, match=r"await connect\(host, port\)"):
            await asyncio.create_task(client.noop())


async def test_a_client_is_closed_after_its_loop() -> None:
    """A client that was left in a transfer can be closed when its loop is over."""

    async def leave(address: tuple[str, int]) -> None:
        await client.connect(*address)
        await client.upload_stream("a")

    def run(address: tuple[str, int]) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave(address))
        client.close()
        loop.close()

    client = Client()
    async with ScriptedServer([GREETING, *TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed]) as server:
        await asyncio.to_thread(run, server.address)


# Errors in the body.


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_an_error_in_the_body(direction: str) -> None:
    """The data connection is reset, so that half a file is not taken for a whole one; the final reply is read."""
    verb = "STOR" if direction == "up" else "RETR"
    script: list[Step] = [*TYPE_I, epsv, f"{verb} a", b"150 go\r\n", connected, dropped, b"426 broken\r\n", *NOOP]

    async def fail(client: Client) -> None:
        async with client.upload_stream("a") if direction == "up" else client.download_stream("a"):
            raise ZeroDivisionError

    async with talk(*script) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


@pytest.mark.parametrize("reply", [b"226 done\r\n", b"451 no\r\n", b"421 enough\r\n"])
async def test_whatever_the_server_says_after_an_error(reply: bytes) -> None:
    """Only the error of the body comes out, whatever the final reply is."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, reply, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        await client.noop()


async def _failing(client: Client, codes: Codes = "1xx") -> None:
    async with client.get_stream("STOR a", codes):
        raise ZeroDivisionError


async def test_150_once_more() -> None:
    """A server that says 150 again when it is broken off, as Pure-FTPd does, is asked something with its own answer."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 go\r\n",
        dropped,
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
    """When the 1xx was left unread it is passed over, too."""
    script: list[Step] = [*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, "PWD", b"426 no\r\n", b'257 "/"\r\n']

    async with talk(*script, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client, ())
        await client.noop()


@pytest.mark.parametrize("end", [close, reset])
async def test_the_server_goes_after_an_error(end: Step) -> None:
    """When the server ends the session instead, the error is that of the body, and the next call tells of the other."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, end) as client:
        with pytest.raises(ZeroDivisionError):
            await _failing(client)
        with pytest.raises(ConnectionError, match=r"connect again$"):
            await client.noop()


async def test_no_reply_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A final reply that does not come is not waited for without end, even when there is no `socket_timeout`."""
    monkeypatch.setattr(stream_module, "PATIENCE", 0.05)
    for limit in (None, 0.05):
        async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed, socket_timeout=None) as client:
            client.socket_timeout = limit
            with pytest.raises(ZeroDivisionError):
                await _failing(client)
            with pytest.raises(ConnectionError, match=r"connect again$"):
                await client.noop()


async def test_no_code_after_an_error() -> None:
    """A final reply that is none closes the connection: nobody knows what comes next."""
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, b"what?\r\n", until_closed) as client:
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


async def test_the_server_breaks_a_download() -> None:
    """When the server breaks the data connection, what is raised is its reason; the session goes on."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", broken, b"451 disk\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError) as caught:
            await fetch(client)
        assert (caught.value.expected_codes, caught.value.received_codes) == (("2xx",), ("451",))
        assert isinstance(caught.value.__cause__, ConnectionResetError)
        await client.noop()


async def test_the_server_breaks_an_upload() -> None:
    """Of an upload, too, the server's reason is what is raised."""

    async def fill(client: Client) -> None:
        async with client.upload_stream("a") as stream:
            while True:
                await stream.write(bytes(1 << 16))

    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", broken, b"552 full\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError, match="552"):
            await fill(client)
        await client.noop()


async def test_the_server_breaks_and_knows_no_reason() -> None:
    """A server that breaks the data connection and says that all is well is not believed."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", broken, b"226 done\r\n", *NOOP) as client:
        with pytest.raises(ConnectionResetError):
            await fetch(client)
        await client.noop()


async def test_the_server_breaks_and_the_body_has_another_error() -> None:
    """An error of the body is what it is, even when the data connection broke before."""

    async def fail(client: Client) -> None:
        async with client.download_stream("a") as stream:
            with contextlib.suppress(ConnectionResetError):
                await stream.read()
            raise ZeroDivisionError

    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", broken, b"451 disk\r\n", *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


async def test_an_error_without_a_command() -> None:
    """When nothing was said there is no reply to wait for, and the session goes on."""

    async def fail(client: Client) -> None:
        async with client.get_stream():
            raise ZeroDivisionError

    async with talk(*TYPE_I, epsv, dropped, *NOOP) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client)
        await client.noop()


async def test_an_error_after_a_command_of_ones_own() -> None:
    """A command that was said on a stream without one has its reply read, or the next command would get it."""

    async def fail(client: Client, codes: str | tuple[str, ...] = ()) -> None:
        async with client.get_stream():
            await client.command("RETR a", codes)
            raise ZeroDivisionError

    replies: list[Step] = [dropped, b"426 broken\r\n"]
    async with talk(
        *(*TYPE_I, epsv, "RETR a", b"150 go\r\n", *replies, *NOOP),
        *(epsv, "RETR a", b"150 go\r\n", *replies, "PWD", b'257 "/"\r\n', *NOOP),
        *(epsv, "RETR a", b"550 no\r\n", dropped, *NOOP),
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


async def test_left_without_a_command() -> None:
    """A stream that nobody used is left without waiting for a reply that nobody owes."""
    async with talk(*TYPE_I, epsv, *NOOP) as client:
        async with client.get_stream():
            pass
        await client.noop()


async def test_an_error_in_another_task() -> None:
    """A stream that was begun in one task and fails in the block of another is brought back into step, too."""

    async def fail(stream: DataConnectionThrottleStreamIO) -> None:
        async with stream:
            raise ZeroDivisionError

    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", connected, dropped, b"426 broken\r\n", *NOOP) as client:
        stream = await asyncio.create_task(_opened(client))
        with pytest.raises(ZeroDivisionError):
            await fail(stream)
        await client.noop()


# Cancelled.


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_cancelled_in_the_body(direction: str) -> None:
    """A cancelled transfer resets its connection and closes the session, so that no reply is taken for another's."""
    verb = "STOR" if direction == "up" else "RETR"
    begun = asyncio.Event()

    async def body(client: Client) -> None:
        async with client.upload_stream("a") if direction == "up" else client.download_stream("a"):
            begun.set()
            await asyncio.Event().wait()

    async with talk(*TYPE_I, epsv, f"{verb} a", b"150 go\r\n", connected, dropped, until_closed) as client:
        task = asyncio.create_task(body(client))
        await begun.wait()
        await cancelled(task)
        with pytest.raises(ConnectionError, match=r"^closed, because a transfer was cancelled: connect again$"):
            await client.noop()


async def test_cancelled_in_finish() -> None:
    """When the wait for the final reply is cancelled the session is closed."""
    heard = asyncio.Event()
    async with talk(*TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b""), tell(heard), until_closed) as client:
        stream = await client.upload_stream("a")
        task = asyncio.create_task(stream.finish())
        await heard.wait()
        await cancelled(task)
        with pytest.raises(ConnectionError, match="because a call was cancelled before its reply arrived: connect"):
            await asyncio.create_task(client.noop())


async def test_cancelled_without_a_command() -> None:
    """A stream for which nothing was said goes alone when its block is cancelled."""
    begun = asyncio.Event()

    async def body(client: Client) -> None:
        async with client.get_stream():
            begun.set()
            await asyncio.Event().wait()

    async with talk(*TYPE_I, epsv, dropped, *NOOP) as client:
        task = asyncio.create_task(body(client))
        await begun.wait()
        await cancelled(task)
        await client.noop()


async def test_a_forgotten_stream() -> None:
    """A stream that nobody finished goes with its client, without a warning."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 go\r\n", dropped, until_closed) as client:
        await client.download_stream("a")
        gc.collect()
        client.close()


async def test_a_stream_that_is_over_is_forgotten() -> None:
    """A client keeps no stream that was finished, closed or left."""
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


# Keeping alive.


async def test_no_keep_alive(ticks: Ticks) -> None:
    """Without `keep_alive` nothing is said while a transfer runs."""
    async with talk(*transfer("RETR a", send(b"data"), first=True)) as client:
        await fetch(client)
    assert ticks.set == []


async def test_keep_alive_of_a_short_transfer(ticks: Ticks) -> None:
    """A transfer that is over before it rings says nothing, and leaves no timer."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), *NOOP, keep_alive=30) as client:
        await fetch(client)
        await client.noop()
    assert ticks.set == [30]
    assert ticks.pending == 0


@pytest.mark.parametrize("answer", [b"200 fine\r\n", b"500 what?\r\n", b"502 no\r\n"])
@pytest.mark.parametrize("where", ["before", "between", "after", "never"])
async def test_keep_alive(ticks: Ticks, caplog: pytest.LogCaptureFixture, where: str, answer: bytes) -> None:
    """NOOP is said again and again; its replies may come before the final reply, after it, or not at all."""
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
        ticks.ring,
        "NOOP",
        ticks.ring,
        "NOOP",
        send(b"data"),
    ]

    async with talk(*script, *replies[where], *PWD, *NOOP, keep_alive=30) as client:
        assert await fetch(client) == b"data"
        await client.noop()
    assert ticks.set == [30, 30, 30]
    assert ticks.pending == 0
    assert caplog.messages.count("NOOP") == 3


@pytest.mark.parametrize("order", [[b"200 ok\r\n", b"426 broken\r\n"], [b"426 broken\r\n", b"200 ok\r\n"]])
async def test_keep_alive_of_a_transfer_that_fails(ticks: Ticks, order: list[bytes]) -> None:
    """With NOOPs under way, too, the reply of a failed transfer is its error."""
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 x\r\n", ticks.ring, "NOOP", send(b""), *order, *PWD, *NOOP]

    async with talk(*script, keep_alive=30) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 426"):
            await fetch(client)
        await client.noop()


async def test_keep_alive_and_the_codes_of_finish(ticks: Ticks) -> None:
    """`finish` compares the transfer's reply with the masks that it was given."""
    heard = asyncio.Event()
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 x\r\n", ticks.ring, "NOOP", tell(heard), b"226 done\r\n"]

    async with talk(*script, *PWD, *NOOP, keep_alive=30) as client:
        stream = await client.download_stream("a")
        await heard.wait()
        with pytest.raises(StatusCodeError, match="Waiting for 250 but got 226"):
            await stream.finish("250")
        await client.noop()


async def test_keep_alive_and_a_final_reply_among_many(ticks: Ticks) -> None:
    """A server that says 150 again, and then its end, with answers in between, is understood."""
    script: list[Step] = [*TYPE_I, epsv, "RETR a", b"150 x\r\n", ticks.ring, "NOOP", send(b"data")]
    answers: list[Step] = [b"150 x\r\n", "PWD", b"200 ok\r\n226 done\r\n", b'257 "/"\r\n']

    async with talk(*script, *answers, *NOOP, keep_alive=30) as client:
        assert await fetch(client) == b"data"
        await client.noop()


async def test_keep_alive_and_an_error_in_the_body(ticks: Ticks) -> None:
    """After an error the replies of NOOPs are passed over, too."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "STOR a",
        b"150 x\r\n",
        ticks.ring,
        "NOOP",
        dropped,
        b"426 no\r\n",
        *PWD,
        *NOOP,
    ]

    async def fail(client: Client, heard: asyncio.Event) -> None:
        async with client.upload_stream("a"):
            await heard.wait()
            raise ZeroDivisionError

    heard = asyncio.Event()
    script.insert(script.index(dropped), tell(heard))
    async with talk(*script, keep_alive=30) as client:
        with pytest.raises(ZeroDivisionError):
            await fail(client, heard)
        await client.noop()


async def test_keep_alive_and_close(ticks: Ticks) -> None:
    """A closed stream says no more NOOPs, and those that were said are accounted for."""
    heard = asyncio.Event()
    script: list[Step] = [*TYPE_I, epsv, "STOR a", b"150 x\r\n", ticks.ring, "NOOP", b"200 ok\r\n", tell(heard)]

    async with talk(*script, receive(b""), b"226 x\r\n", *PWD, *NOOP, keep_alive=30) as client:
        stream = await client.upload_stream("a")
        await heard.wait()
        stream.close()
        assert ticks.pending == 0
        await client.noop()


async def test_keep_alive_without_a_server(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the control connection is gone NOOP is not said, and nothing fails for it."""
    async with talk(*TYPE_I, epsv, "RETR a", b"421 x\r\n", keep_alive=30) as client:
        stream = await client.get_stream("RETR a")
        with monkeypatch.context() as patched:
            patched.setattr(client.control, "_channel", None)
            await ticks.ring()
        stream.close()


async def test_keep_alive_may_be_changed(ticks: Ticks) -> None:
    """The setting is looked at each time."""
    script: list[Step] = [
        *TYPE_I,
        epsv,
        "RETR a",
        b"150 x\r\n",
        ticks.ring,
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
    assert ticks.set == [30, 7]
