"""Data streams: how they read, write and end, and what their tap gets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace

import pytest

from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, StreamIO, ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from tests.support.transports import socket_channel


class Tap:
    """Records the calls of a stream."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def describe(self, direction: str, path: str, offset: int, transfer_type: str) -> None:
        """Record the description."""
        self.calls.append(("describe", direction, path, offset, transfer_type))

    def moved(self, direction: str, piece: bytes | memoryview) -> None:
        """Record the piece."""
        self.calls.append(("moved", direction, bytes(piece)))

    def closed(self, completed: bool, error: str, end: str) -> None:
        """Record the end."""
        self.calls.append(("closed", completed, error, end))


class Far:
    """A stream, and the plain socket at its other end."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.sock = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
        self.sock.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.tap = Tap()
        self.stream = ThrottleStreamIO(socket_channel(accepted, address))
        self.stream.tap = self.tap

    def send(self, data: bytes, *, end: bool = True) -> None:
        """Send, and close when that is all."""
        if data:
            assert self.sock.send(data) == len(data)
        if end:
            self.sock.shutdown(socket.SHUT_WR)

    async def receive_all(self) -> bytes:
        """Everything to the end."""
        data = bytearray()
        while piece := await self.loop.sock_recv(self.sock, 1 << 16):
            data += piece
        return bytes(data)

    def reset(self) -> None:
        """Break the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    """A stream and its other end."""
    far = Far()
    yield far
    far.stream.close()
    far.sock.close()


# Receiving.


async def test_read_returns_what_has_arrived(far: Far) -> None:
    """`read(n)` returns what has arrived, at most n bytes, and b"" at the end."""
    far.send(b"abcdef")

    assert [await far.stream.read(count) for count in (4, 100, 100)] == [b"abcd", b"ef", b""]


async def test_read_everything(far: Far) -> None:
    """`read()` returns all to the end."""
    far.send(b"abcdef")

    assert await far.stream.read() == b"abcdef"
    assert await far.stream.read() == b""


async def test_read_of_nothing_does_not_wait(far: Far) -> None:
    """`read(0)` is empty, with or without bytes there, and is not the end."""
    assert await far.stream.read(0) == b""
    assert not far.stream.completed


async def test_readexactly_waits_for_all(far: Far) -> None:
    """`readexactly(n)` returns n bytes from any number of pieces, and leaves the rest."""
    far.send(b"abc", end=False)
    task = asyncio.create_task(far.stream.readexactly(5))
    await asyncio.sleep(0)
    assert not task.done()
    far.send(b"defg")

    assert await asyncio.wait_for(task, 5) == b"abcde"
    assert await far.stream.read() == b"fg"


async def test_readexactly_at_an_early_end(far: Far) -> None:
    """When the end comes first, the error has the bytes so far and the expected number."""
    far.send(b"abc")

    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await far.stream.readexactly(5)

    assert (caught.value.partial, caught.value.expected) == (b"abc", 5)


async def test_readline(far: Far) -> None:
    """A line comes with its line feed, the last one perhaps without, and then comes b""."""
    far.send(b"one\r\ntwo\n\nlast")

    assert [await far.stream.readline() for _ in range(5)] == [b"one\r\n", b"two\n", b"\n", b"last", b""]


async def test_readline_over_several_pieces(far: Far) -> None:
    """A line that arrives in pieces is one line."""
    far.send(b"one and a half", end=False)
    task = asyncio.create_task(far.stream.readline())
    await asyncio.sleep(0)
    far.send(b"\nmore")

    assert await asyncio.wait_for(task, 5) == b"one and a half\n"


async def test_iter_by_line(far: Far) -> None:
    """Iterating by line gives all lines to the end."""
    far.send(b"a\nb\nc")

    assert [line async for line in far.stream.iter_by_line()] == [b"a\n", b"b\n", b"c"]


async def test_iter_by_block_yields_exact_blocks(far: Far) -> None:
    """Every block but the last has exactly the requested size, however the bytes arrive."""
    blocks: asyncio.Queue[bytes] = asyncio.Queue()

    async def iterate() -> None:
        async for block in far.stream.iter_by_block(4):
            blocks.put_nowait(block)

    task = asyncio.create_task(iterate())
    far.send(b"abcdef", end=False)
    assert await asyncio.wait_for(blocks.get(), 5) == b"abcd"
    far.send(b"gh12345", end=False)
    assert [await asyncio.wait_for(blocks.get(), 5) for _ in range(2)] == [b"efgh", b"1234"]
    assert blocks.empty()
    far.send(b"")
    await asyncio.wait_for(task, 5)

    assert blocks.get_nowait() == b"5"


async def test_large_blocks_are_exact(far: Far) -> None:
    """Blocks joined from many pieces have the requested size, too, after a line or not."""
    data = bytes(range(256)) * 600
    far.send(b"head\n" + data)

    assert await far.stream.readline() == b"head\n"
    blocks = [block async for block in far.stream.iter_by_block(70_000)]
    assert [len(block) for block in blocks] == [70_000, 70_000, 13_600]
    assert b"".join(blocks) == data


async def test_kinds_of_reading_can_be_mixed(far: Far) -> None:
    """Nothing is lost between a line, a block and the rest."""
    far.send(b"head\nblockrest")

    assert await far.stream.readline() == b"head\n"
    assert await far.stream.readexactly(5) == b"block"
    assert await far.stream.read(2) == b"re"
    assert await far.stream.read() == b"st"


@pytest.mark.parametrize("count", [5, 500_000])
async def test_a_cancelled_read_loses_nothing(far: Far, count: int) -> None:
    """Bytes read before a cancelled read of a block, small or large, are kept for the next one."""
    taken = asyncio.Event()
    far.tap.moved = lambda direction, piece: taken.set()  # type: ignore[method-assign]
    far.send(b"abc", end=False)
    task = asyncio.create_task(far.stream.readexactly(count))
    await asyncio.wait_for(taken.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    far.send(b"de")

    assert await far.stream.read() == b"abcde"


async def test_the_end_of_an_upload_completes_it(far: Far) -> None:
    """A stream whose end was read is completed, and has counted its bytes."""
    far.send(b"abc")
    assert await far.stream.read(3) == b"abc"
    assert not far.stream.completed

    await far.stream.read()

    assert (far.stream.completed, far.stream.moved) == (True, 3)


async def test_a_broken_upload_is_not_complete(far: Far) -> None:
    """A reset by the client is an error, and no end."""
    far.reset()

    with pytest.raises(ConnectionResetError):
        await far.stream.read()
    assert not far.stream.completed


class Sizes:
    """Stands for a channel: returns full pieces of the requested size."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = False

    async def receive(self, size: int) -> bytes:
        """A full piece."""
        self.asked.append(size)
        return bytes(size)


async def test_pieces_grow_while_they_come_back_full() -> None:
    """Reads double from 64 KiB to the block size while bytes arrive fast, so that small files stay small."""
    channel = Sizes()
    stream = ThrottleStreamIO(channel)  # type: ignore[arg-type]

    for _ in range(7):
        await stream.receive()

    assert channel.asked == [1 << 16, 1 << 17, 1 << 18, 1 << 19, *[DEFAULT_BLOCK_SIZE] * 3]


# Sending.


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_write_sends_every_kind_of_buffer(far: Far, kind: Callable[[bytes], bytes]) -> None:
    """Bytes of every kind of buffer are sent and counted."""
    await far.stream.write(kind(b"content"))
    await far.stream.finish()

    assert await far.receive_all() == b"content"
    assert far.stream.moved == 7


async def test_write_sends_a_large_buffer(far: Far) -> None:
    """A buffer larger than the socket accepts is sent whole and in order."""
    much = bytes(range(256)) * (1 << 14)

    async def send() -> None:
        await far.stream.write(much)
        await far.stream.finish()

    _, received = await asyncio.gather(send(), far.receive_all())

    assert hash(received) == hash(much)
    assert far.stream.moved == len(much)


async def test_a_bytearray_may_be_used_again(far: Far) -> None:
    """The tap's piece does not change when the caller overwrites its buffer afterwards."""
    buffer = bytearray(b"before")
    pieces: list[bytes | memoryview] = []
    far.stream.tap = tap = Tap()
    tap.moved = lambda direction, piece: pieces.append(piece)  # type: ignore[method-assign]
    await far.stream.write(buffer)
    buffer[:] = b"after!"

    assert bytes(pieces[0]) == b"before"


# The end.


async def test_finish_completes(far: Far) -> None:
    """`finish` sends the end and closes: that is the end of the file for the receiver."""
    await far.stream.write(b"abc")
    await far.stream.finish()

    assert (far.stream.completed, far.stream.channel.closed) == (True, True)
    assert await far.receive_all() == b"abc"


async def test_leaving_the_context_finishes(far: Far) -> None:
    """A stream is its own context manager; leaving it without an error is the end of the file."""
    async with far.stream as stream:
        assert stream is far.stream
        await stream.write(b"abc")

    assert (far.stream.completed, far.stream.channel.closed, far.stream.error) == (True, True, "")


@pytest.mark.parametrize("inside", [False, True])
async def test_an_end_that_fails(far: Far, monkeypatch: pytest.MonkeyPatch, inside: bool) -> None:
    """A stream whose end fails is closed in any case, is not completed, and has the reason; the tap gets it once."""

    async def fail() -> None:
        raise TimeoutError("no reader")

    monkeypatch.setattr(far.stream, "_send_end", fail)
    with pytest.raises(TimeoutError, match="no reader"):
        await (far.stream.__aexit__(None, None, None) if inside else far.stream.finish())

    assert (far.stream.completed, far.stream.channel.closed, far.stream.error) == (False, True, "no reader")
    assert far.tap.calls == [("closed", False, "no reader", "eof")]


@pytest.mark.parametrize(("error", "text"), [(ValueError("disk is full"), "disk is full"), (KeyError(), "KeyError")])
async def test_leaving_the_context_with_an_error(far: Far, error: Exception, text: str) -> None:
    """An error closes the stream, which is not completed and has the reason; the error is raised."""
    with pytest.raises(type(error)):
        async with far.stream:
            raise error

    assert (far.stream.completed, far.stream.channel.closed, far.stream.error) == (False, True, text)


async def test_an_error_that_was_set_stays(far: Far) -> None:
    """A reason that was set before is not replaced by that of the exception."""
    far.stream.error = "cut by the test"
    with contextlib.suppress(ValueError):
        async with far.stream:
            raise ValueError("another")

    assert far.stream.error == "cut by the test"


# The tap.


async def test_the_tap_of_a_download(far: Far) -> None:
    """It gets description, pieces as they were sent, and the end, in this order."""
    far.stream.describe("download", "/a", 5, "I")
    await far.stream.write(b"abc")
    await far.stream.write(b"de")
    await far.stream.finish()

    assert far.tap.calls == [
        ("describe", "download", "/a", 5, "I"),
        ("moved", "download", b"abc"),
        ("moved", "download", b"de"),
        ("closed", True, "", "eof"),
    ]


async def test_the_tap_of_an_upload(far: Far) -> None:
    """It gets received bytes once, as they arrived, also if they are read in smaller pieces."""
    far.send(b"ab\ncd")
    assert [line async for line in far.stream.iter_by_line()] == [b"ab\n", b"cd"]
    far.stream.close()

    assert far.tap.calls == [("moved", "upload", b"ab\ncd"), ("closed", True, "", "eof")]


async def test_the_tap_gets_the_end_once(far: Far) -> None:
    """Closing again does not call it."""
    for _ in range(3):
        far.stream.close()
    await far.stream.finish()

    assert far.tap.calls == [("closed", False, "", "eof")]


async def test_the_tap_gets_the_end_after_a_reset(far: Far) -> None:
    """A stream whose channel was reset is still reported as closed; otherwise the log would wait for ever."""
    far.stream.error = "reset by the test"
    far.stream.channel.reset()

    far.stream.close()

    assert far.tap.calls == [("closed", False, "reset by the test", "eof")]


async def test_without_a_tap(far: Far) -> None:
    """The stream also works without one."""
    far.stream.tap = None
    far.stream.describe("download", "/a", 0, "I")
    await far.stream.write(b"abc")
    await far.stream.finish()

    assert await far.receive_all() == b"abc"


# Throttles.


class Clock:
    """A loop whose time passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, delay: float) -> None:
        """Let time pass at once."""
        self.now += delay


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the streams and throttles of a test."""
    clock = Clock()
    stand_in = SimpleNamespace(get_running_loop=lambda: clock)
    monkeypatch.setattr("ftpfixture.net.throttle.asyncio", stand_in)
    monkeypatch.setattr("ftpfixture.net.throttle.pause", clock.sleep)
    monkeypatch.setattr("ftpfixture.net.stream.asyncio", stand_in)
    return clock


async def test_a_download_keeps_to_the_write_limit(far: Far, clock: Clock) -> None:
    """Writing takes bytes divided by the limit, less the last portion, whose wait comes afterwards."""
    far.stream.throttles = {"one": StreamThrottle.from_limits(write_speed_limit=1000)}
    await far.stream.write(bytes(2000))

    assert clock.now == pytest.approx(1.95)
    assert [len(call[2]) for call in far.tap.calls if isinstance(call[2], bytes)] == [50] * 40


async def test_an_upload_keeps_to_the_read_limit(far: Far, clock: Clock) -> None:
    """Reading takes bytes divided by the limit, including the last portion, because it waits for the end."""
    far.stream.throttles = {"one": StreamThrottle.from_limits(read_speed_limit=1000)}
    far.send(bytes(2000))

    assert len(await far.stream.read()) == 2000
    assert clock.now == pytest.approx(2.0)


async def test_each_direction_has_its_own_limit(far: Far, clock: Clock) -> None:
    """A limit on uploads does not slow downloads, nor the other way round."""
    far.stream.throttles = {"one": StreamThrottle.from_limits(read_speed_limit=1)}
    await far.stream.write(bytes(1000))
    far.stream.throttles = {"one": StreamThrottle.from_limits(write_speed_limit=1)}
    far.send(bytes(1000))
    await far.stream.read()

    assert clock.now == 0


async def test_the_lowest_of_several_limits_applies(far: Far, clock: Clock) -> None:
    """All throttles of a stream are charged, and the stream waits for the slowest."""
    slow, fast = StreamThrottle.from_limits(None, 100), StreamThrottle.from_limits(None, 1000)
    far.stream.throttles = {"server": fast, "user": slow, "none": StreamThrottle.from_limits()}
    await far.stream.write(bytes(200))

    assert clock.now == pytest.approx(1.95)


async def test_a_limit_may_change_while_a_stream_runs(far: Far, clock: Clock) -> None:
    """The stream reads a limit for each piece, so it can be removed and set during a transfer."""
    pair = StreamThrottle.from_limits()
    far.stream.throttles = {"one": pair}
    await far.stream.write(bytes(1000))
    assert clock.now == 0

    pair.write.limit = 1000
    await far.stream.write(bytes(1000))

    assert clock.now == pytest.approx(0.95)


async def test_two_streams_share_a_throttle(clock: Clock) -> None:
    """Streams with one throttle get its rate together."""
    pair = StreamThrottle.from_limits(None, 1000)
    ends = [Far(), Far()]
    for far in ends:
        far.stream.throttles = {"server_global": pair}
        await far.stream.write(bytes(1000))
        await far.stream.finish()
        far.sock.close()

    assert clock.now == pytest.approx(1.95)


# Over asyncio's reader and writer.


@contextlib.asynccontextmanager
async def asyncio_pair(
    timeout: float | None = None,
) -> AsyncIterator[tuple[StreamIO, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A stream over an asyncio connection, and the reader and writer of the other end."""
    ends: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ends.put((reader, writer))

    async with await asyncio.start_server(accepted, "127.0.0.1", 0) as server:
        near = await asyncio.open_connection(*server.sockets[0].getsockname())
        reader, writer = await ends.get()
        try:
            yield StreamIO(*near, timeout=timeout), reader, writer
        finally:
            for end in (near[1], writer):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()


async def test_a_pair_reads_and_writes() -> None:
    """A stream also accepts the reader and writer of an asyncio connection."""
    async with asyncio_pair() as (stream, reader, writer):
        writer.write(b"one\ntwo\n3456")
        await stream.write(b"bytes")

        assert await reader.readexactly(5) == b"bytes"
        assert await stream.readline() == b"one\n"
        assert await stream.readexactly(6) == b"two\n34"
        assert stream.channel.peer == writer.get_extra_info("sockname")
        assert not stream.channel.closed
        stream.close()
        assert stream.channel.closed
        assert await reader.read() == b""


async def test_a_pair_has_timeouts() -> None:
    """A call of an asyncio connection that takes too long raises TimeoutError."""
    async with asyncio_pair(timeout=0.01) as (stream, _, _):
        assert stream.read_timeout == stream.write_timeout == 0.01
        with pytest.raises(TimeoutError):
            await stream.read(1)


async def test_a_pair_can_be_reset() -> None:
    """Resetting an asyncio connection ends it at once."""
    async with asyncio_pair() as (stream, reader, _):
        stream.channel.reset()

        assert stream.channel.closed
        assert await reader.read() == b""


async def test_a_reader_needs_its_writer() -> None:
    """A reader without a writer is an error at once."""
    with pytest.raises(TypeError, match="needs its writer"):
        StreamIO(asyncio.StreamReader())


async def test_own_bytes_are_charged_and_waited_for(clock: Clock) -> None:
    """`append` charges bytes that were sent another way, and `wait` waits for them."""
    far = Far()
    far.stream.throttles = {"_": StreamThrottle.from_limits(100, None)}

    far.stream.append("read", bytes(200), 0)
    far.stream.append("write", bytes(900), 0)
    await far.stream.wait("write")
    assert clock.now == 0
    await far.stream.wait("read")

    assert clock.now == pytest.approx(2)
    far.stream.close()
    far.sock.close()
