"""MODE Z over any connection: round trips, errors in broken data, and limits of memory."""

from __future__ import annotations

import asyncio
import random
import ssl
import tracemalloc
import zlib
from collections.abc import Iterable
from typing import Unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import aio
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.transport import Duplex, TlsInfo, TlsOptions

TEXT = b"the same words again and again, " * 4096  # 128 KiB


class Wire(Duplex):
    """The other end of a connection: returns its data piece by piece, and accepts a limited size at once."""

    closed = False
    is_tls = True
    tls = TlsInfo("TLSv1.3", "X", False, None)
    offers_tickets = True

    def __init__(self, pieces: Iterable[bytes] = (), takes: int = 1 << 30) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._takes = takes
        self.sent = bytearray()
        self.calls: list[str] = []
        self.peer = ("127.0.0.1", 2121)

    async def receive(self, size: int) -> bytes:
        """The next piece, or what of it may be given."""
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    async def send(self, data: bytes | memoryview) -> int:
        """Take some."""
        taken = bytes(data[: self._takes])
        self.sent += taken
        return len(taken)

    async def send_eof(self) -> None:
        """Note it."""
        self.calls.append("send_eof")

    async def close_when_peer_closes(self) -> None:
        """Note it."""
        self.calls.append("close_when_peer_closes")

    def start_tls(self, context: ssl.SSLContext, *, server_side: bool, **options: Unpack[TlsOptions]) -> None:
        """Note it."""
        self.calls.append(f"start_tls {server_side} {options}")

    async def secured(self) -> None:
        """Note it."""
        self.calls.append("secured")

    def put_off_tls(self) -> None:
        """Note it."""
        self.calls.append("put_off_tls")

    def cancel_tls(self) -> None:
        """Note it."""
        self.calls.append("cancel_tls")

    def close_after_flush(self) -> None:
        """Note it."""
        self.calls.append("close_after_flush")

    def close(self) -> None:
        """Note it."""
        self.closed = True
        self.calls.append("close")

    def reset(self) -> None:
        """Note it."""
        self.calls.append("reset")


def cut(data: bytes, size: int) -> list[bytes]:
    """Pieces of one size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


async def read(deflated: Deflated, size: int = 1 << 16) -> bytes:
    """Everything to the end, no piece longer than `size`."""
    found = bytearray()
    while piece := await deflated.receive(size):
        assert len(piece) <= size
        found += piece
    assert await deflated.receive(size) == b""
    return bytes(found)


async def write(deflated: Deflated, data: bytes) -> None:
    """All of some bytes."""
    view = memoryview(data)
    while view:
        view = view[await deflated.send(view) :]


# Round trips.


@given(
    data=st.lists(st.binary(max_size=400) | st.integers(0, 70_000).map(bytes), max_size=6),
    takes=st.integers(1, 300),
    cuts=st.integers(1, 3000),
    size=st.integers(1, 3000),
    level=st.integers(-1, 9),
)
def test_round_trips(data: list[bytes], takes: int, cuts: int, size: int, level: int) -> None:
    """However the data are written, cut, read and compressed, all of them come back, from one zlib stream."""

    async def trip() -> None:
        wire = Wire(takes=takes)
        sender = Deflated(wire, level)
        for piece in data:
            await write(sender, piece)
        await sender.send_eof()
        whole = b"".join(data)
        assert zlib.decompress(wire.sent) == whole
        assert await read(Deflated(Wire(cut(bytes(wire.sent), cuts))), size) == whole

    asyncio.run(trip())


@given(data=st.binary(max_size=2000), level=st.integers(0, 9), size=st.integers(1, 70))
def test_byte_by_byte(data: bytes, level: int, size: int) -> None:
    """A stream that arrives byte by byte, and is read in small pieces, is inflated unchanged."""
    assert asyncio.run(read(Deflated(Wire(cut(zlib.compress(data * 9, level), 1))), size)) == data * 9


@pytest.mark.parametrize("level", range(-1, 10))
async def test_levels(level: int) -> None:
    """Every level is zlib's own: none is longer than the text, all others are much shorter."""
    wire = Wire()
    sender = Deflated(wire, level)
    await write(sender, TEXT)
    await sender.send_eof()

    assert zlib.decompress(wire.sent) == TEXT
    assert (len(wire.sent) > len(TEXT)) == (level == 0)
    assert level == 0 or len(wire.sent) < len(TEXT) / 50


async def test_flush() -> None:
    """After `flush` all that was sent can be inflated; it sends nothing when zlib keeps nothing back."""
    wire = Wire()
    sender, receiver = Deflated(wire), zlib.decompressobj()
    await sender.flush()
    assert wire.sent == b""

    await write(sender, b"some bytes")
    await sender.flush()
    flushed = bytes(wire.sent)
    assert receiver.decompress(flushed) == b"some bytes"

    await sender.flush()
    assert wire.sent == flushed
    await write(sender, b" and more")
    await sender.send_eof()
    assert zlib.decompress(wire.sent) == b"some bytes and more"


async def test_a_large_piece_is_sent_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """`send` accepts no more than it can deflate in one turn of the loop, and returns how much that was."""
    spent = iter([0.0] * 40 + [0.0, 1.0] * 3)  # seconds of computing, before and after each piece
    monkeypatch.setattr("ftpfixture.net.deflate.computed", lambda: next(spent))
    sender = Deflated(Wire())
    assert await sender.send(bytes(1 << 20)) == 1 << 12
    assert [await sender.send(bytes(1 << 20)) for _ in range(19)][-1] == 1 << 18
    assert [await sender.send(bytes(1 << 20)) for _ in range(2)] == [1 << 18, 1 << 17]
    assert await sender.send(b"short") == 5


async def test_data_that_are_slow_to_deflate_are_sent_in_small_pieces() -> None:
    """For some texts zlib's best level deflates a few hundred bytes in a millisecond."""
    sender = Deflated(Wire(), 9)
    hard = bytes(random.Random(1).choices(b"ab", k=1 << 15))
    while hard:
        taken = await sender.send(hard)
        hard = hard[taken:]
    assert taken <= 1 << 12


@pytest.mark.parametrize("end", ["send_eof", "close_when_peer_closes"])
async def test_no_data(end: str) -> None:
    """No data are an empty zlib stream, which inflates to nothing."""
    wire = Wire()
    await getattr(Deflated(wire), end)()

    assert zlib.decompress(wire.sent) == b""
    assert wire.calls == [end]
    assert await read(Deflated(Wire([bytes(wire.sent)]))) == b""


async def test_no_stream_at_all() -> None:
    """A connection that is closed without a byte is empty: some clients send nothing for an empty file."""
    assert await read(Deflated(Wire())) == b""


async def test_the_end_is_sent_once() -> None:
    """A second end sends nothing."""
    wire = Wire()
    sender = Deflated(wire)
    await write(sender, TEXT)
    for _ in range(2):
        await sender.send_eof()
    await sender.close_when_peer_closes()

    assert zlib.decompress(wire.sent) == TEXT
    assert wire.calls == ["send_eof", "send_eof", "close_when_peer_closes"]


@pytest.mark.parametrize("end", ["send_eof", "close_when_peer_closes"])
async def test_a_receiver_sends_no_stream(end: str) -> None:
    """The receiver of a file sends nothing, not even the end of a stream."""
    wire = Wire([zlib.compress(TEXT)])
    receiver = Deflated(wire)
    await read(receiver)
    await getattr(receiver, end)()

    assert wire.sent == b""
    assert wire.calls == [end]


async def test_delegated_members() -> None:
    """Peer, encryption, `closed` and all ways to close are those of the connection below."""
    wire = Wire()
    deflated = Deflated(wire)
    assert deflated.peer == wire.peer
    assert deflated.tls is wire.tls
    assert (deflated.is_tls, deflated.offers_tickets, deflated.closed) == (True, True, False)
    deflated.start_tls(ssl.create_default_context(), server_side=True, tickets=False)
    await deflated.secured()
    for call in (deflated.put_off_tls, deflated.cancel_tls, deflated.close_after_flush, deflated.reset, deflated.close):
        call()

    assert deflated.closed
    tls = ["start_tls True {'tickets': False}", "secured", "put_off_tls", "cancel_tls"]
    assert wire.calls == [*tls, "close_after_flush", "reset", "close"]
    assert wire.sent == b""


# Broken data.


@given(data=st.binary(max_size=300), size=st.integers(1, 100), part=st.floats(0, 1, exclude_max=True))
def test_truncated(data: bytes, size: int, part: float) -> None:
    """A stream that ends early is an error, not a short file."""
    whole = zlib.compress(data)
    there = max(1, int(len(whole) * part))

    with pytest.raises(ConnectionAbortedError, match="end in the middle"):
        asyncio.run(read(Deflated(Wire([whole[:there]])), size))


@pytest.mark.parametrize("position", [0, 1, 50, -1])
async def test_corrupt(position: int) -> None:
    """A stream with one wrong byte is an error that names the cause."""
    data = bytearray(zlib.compress(bytes(range(256)) * 3))
    data[position] ^= 0xFF

    with pytest.raises(ConnectionAbortedError, match="no zlib stream, which MODE Z requires: Error -3"):
        await read(Deflated(Wire([bytes(data)])))


async def test_uncompressed_data() -> None:
    """An uncompressed file is an error."""
    with pytest.raises(ConnectionAbortedError, match="incorrect header check"):
        await read(Deflated(Wire([b"hello, world"])))


@pytest.mark.parametrize("cuts", [1, 100, 1 << 20])
async def test_bytes_after_the_end(cuts: int) -> None:
    """Bytes after the end of the stream are discarded, any number of them, and the end is the end."""
    behind = zlib.compress(b"another") + bytes(1000)

    assert await read(Deflated(Wire(cut(zlib.compress(TEXT) + behind, cuts)))) == TEXT


# Limits.


def bomb(size: int) -> bytes:
    """A stream of zeros."""
    deflate = zlib.compressobj(9)
    return b"".join([*(deflate.compress(bytes(1 << 20)) for _ in range(size >> 20)), deflate.flush()])


@pytest.mark.parametrize(("limit", "fits"), [(len(TEXT), True), (len(TEXT) - 1, False), (0, False), (None, True)])
async def test_the_limit(limit: int | None, fits: bool) -> None:
    """Exactly `limit` bytes may be inflated, and not one more."""
    receiver = Deflated(Wire([zlib.compress(TEXT)]), limit=limit)
    if fits:
        assert await read(receiver) == TEXT
    else:
        with pytest.raises(OverflowError, match="exceed the limit"):
            await read(receiver)


async def test_a_bomb_does_not_fill_the_memory() -> None:
    """A small stream that inflates to a thousand times its size uses no more memory than the caller requests."""
    data = bomb(64 << 20)
    receiver = Deflated(Wire([data]))
    total = 0
    tracemalloc.start()
    try:
        while piece := await receiver.receive(1 << 16):
            total += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert total == 64 << 20
    assert peak < 1 << 20


async def test_bytes_after_the_end_do_not_fill_the_memory() -> None:
    """A flood after the end of the stream is discarded as it arrives."""
    receiver = Deflated(Wire([zlib.compress(b"x"), *[bytes(1 << 16)] * 500]))
    tracemalloc.start()
    try:
        assert await read(receiver) == b"x"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20


async def _turns_of_others(work: asyncio.Task[None]) -> int:
    """How often another task runs while a task works."""
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    await work
    return turns


async def test_a_bomb_does_not_block_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tasks run while a stream is inflated, although the connection never has to wait."""
    monkeypatch.setattr(aio, "TURN_TIME", -1)

    async def receive() -> None:
        receiver = Deflated(Wire([bomb(8 << 20)]))
        while await receiver.receive(1 << 16):
            pass

    assert await _turns_of_others(asyncio.create_task(receive())) >= 100


async def test_a_sender_does_not_block_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tasks run while much data is deflated into a small packet."""
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    sender = Deflated(Wire())

    assert await _turns_of_others(asyncio.create_task(write(sender, bytes(8 << 20)))) >= 32
