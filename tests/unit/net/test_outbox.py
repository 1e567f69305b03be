"""The order of outgoing bytes: sent at once, collected, held, in turns; and what happens to them at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ftpfixture.net.outbox import LIMIT, Outbox, Outgoing


class FakeSink:
    """Stands for a connection that accepts a number of bytes and no more until `make_room`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.sent: list[bytes] = []
        self.room = 1000
        self.closed = False
        self.watcher: Callable[[], None] | None = None

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Accept what there is room for."""
        piece = bytes(data[: self.room])
        self.room -= len(piece)
        if piece:
            self.sent.append(piece)
        return len(piece)

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Keep the callback."""
        self.watcher = callback

    def unwatch_room(self) -> None:
        """Drop the callback."""
        self.watcher = None

    def make_room(self, count: int = 1000) -> None:
        """Accept more, and call the callback."""
        self.room = count
        if self.watcher is not None:
            self.watcher()

    def close_after_flush(self) -> None:
        """Close, and call the callback."""
        self.closed = True
        if self.watcher is not None:
            self.watcher()


@pytest.fixture
async def sink() -> FakeSink:
    """A connection that accepts a thousand bytes."""
    return FakeSink()


@pytest.fixture
async def outbox(sink: FakeSink) -> Outbox:
    """Its outbox."""
    return Outbox(sink, "replies")


async def _one_turn() -> None:
    await asyncio.sleep(0)


async def test_write_sends_at_once(sink: FakeSink, outbox: Outbox) -> None:
    """Bytes that the socket accepts are sent within the call, one send for each write; nothing is left for the loop."""
    outbox.write(b"a")
    outbox.write(b"b")

    assert (sink.sent, sink.watcher) == ([b"a", b"b"], None)


async def test_cork_collects_until_uncork(sink: FakeSink, outbox: Outbox) -> None:
    """Between cork and uncork nothing is sent; then all of it, in one send. An empty cork has no effect."""
    outbox.cork()
    outbox.cork()
    for data in (b"a", b"b", b"c"):
        outbox.write(data)
    assert sink.sent == []

    outbox.uncork()
    outbox.cork()
    outbox.uncork()
    outbox.uncork()
    outbox.write(b"d")

    assert (sink.sent, sink.watcher) == ([b"abc", b"d"], None)


async def test_collected_bytes_that_do_not_fit(sink: FakeSink, outbox: Outbox) -> None:
    """The rest is sent when there is room."""
    outbox.cork()
    outbox.write(b"abc")
    sink.room = 1
    outbox.uncork()
    sink.make_room()

    assert (sink.sent, sink.watcher) == ([b"a", b"bc"], None)


async def test_the_next_turn_of_the_loop_uncorks(sink: FakeSink, outbox: Outbox) -> None:
    """Without `uncork` the loop's next turn sends the collected bytes."""
    outbox.cork()
    outbox.write(b"a")
    outbox.write(b"b")
    await _one_turn()

    assert sink.sent == [b"ab"]


async def test_the_backlog_keeps_its_order(sink: FakeSink, outbox: Outbox) -> None:
    """Bytes that the socket does not accept are kept, counted, and sent before later ones."""
    sink.room = 3
    outbox.write(b"abcde")
    assert sink.sent == [b"abc"]
    sink.room = 100
    outbox.write(b"f")  # there is room for it now, but not before the rest
    assert sink.sent == [b"abc"]

    sink.make_room(1)
    sink.make_room()

    assert (sink.sent, sink.watcher) == ([b"abc", b"d", b"ef"], None)


async def test_full(sink: FakeSink, outbox: Outbox) -> None:
    """The outbox is full while more than the limit waits, collected or not accepted."""
    outbox.cork()
    outbox.write(bytes(LIMIT))
    assert not outbox.full
    outbox.write(b"x")
    assert outbox.full
    outbox.uncork()
    assert not outbox.full
    sink.make_room(0)
    outbox.write(bytes(LIMIT))
    assert outbox.full
    sink.make_room(LIMIT)
    sink.make_room(LIMIT)
    assert not outbox.full


async def test_drain_waits_until_all_is_accepted(sink: FakeSink, outbox: Outbox) -> None:
    """It returns after the last byte, at once when there is none; a cancelled one does not end another."""
    await outbox.drain()
    sink.room = 1
    outbox.write(b"abc")
    cancelled, other = (asyncio.create_task(outbox.drain()) for _ in range(2))
    await _one_turn()
    cancelled.cancel()
    sink.make_room(1)
    await asyncio.gather(cancelled, return_exceptions=True)
    assert not other.done()

    sink.make_room()
    await asyncio.wait_for(other, 5)

    assert b"".join(sink.sent) == b"abc"


async def test_drain_sends_collected_bytes(sink: FakeSink, outbox: Outbox) -> None:
    """`drain` does not wait for the loop's next turn."""
    outbox.cork()
    outbox.write(b"a")
    with pytest.raises(StopIteration):
        outbox.drain().send(None)

    assert sink.sent == [b"a"]


async def test_drain_again(sink: FakeSink, outbox: Outbox) -> None:
    """`drain` waits for each backlog."""
    for _ in range(2):
        sink.room = 0
        outbox.write(b"a")
        drained = asyncio.create_task(outbox.drain())
        await _one_turn()
        assert not drained.done()
        sink.make_room()
        await asyncio.wait_for(drained, 5)


async def test_a_closed_connection_ends_the_backlog(sink: FakeSink, outbox: Outbox) -> None:
    """`drain` returns when the connection is closed, and nothing is kept; a cork that is left does nothing."""
    sink.room = 0
    outbox.write(b"lost")
    outbox.cork()
    drained = asyncio.create_task(outbox.drain())
    await _one_turn()
    sink.close_after_flush()
    await asyncio.wait_for(drained, 5)
    outbox.cork()
    outbox.uncork()

    assert sink.sent == []
    await outbox.drain()


async def test_flush_sends_collected_bytes(sink: FakeSink, outbox: Outbox) -> None:
    """Everything is tried once more, also if it is collected, or the socket was full before."""
    outbox.cork()
    outbox.write(b"221 bye")
    sink.room = 3
    outbox.flush()
    assert sink.sent == [b"221"]
    sink.room = 100
    outbox.flush()

    assert b"".join(sink.sent) == b"221 bye"


class Script:
    """Pieces that record when they are sent, and turns that last until they are released."""

    def __init__(self, outbox: Outbox) -> None:
        self.recorded: list[str] = []
        self.outbox = outbox
        self.go = asyncio.Event()

    def pieces(self, text: str) -> list[Outgoing]:
        """One piece."""
        return [(text.encode(), lambda: self.recorded.append(text))]

    def put(self, text: str) -> None:
        """Send as a gate without faults does."""
        if self.outbox.free:
            self.outbox.write(text.encode())
        else:
            self.outbox.put(lambda: self.outbox.send(self.pieces(text)))

    async def slow(self, text: str) -> None:
        """Send a piece when the script releases it."""
        self.outbox.send(self.pieces(f"{text}1 "))
        await self.go.wait()
        self.outbox.send(self.pieces(f"{text}2 "))


@pytest.fixture
async def script(outbox: Outbox) -> Script:
    """A script over the outbox."""
    return Script(outbox)


async def test_turns_keep_their_order(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """Bytes given after a turn are sent after it, and so are other turns; then everything is sent at once again."""
    script.put("at once ")
    outbox.take_turn(lambda: script.slow("a"))
    script.put("b ")
    outbox.take_turn(lambda: script.slow("c"))
    script.put("d")
    assert (outbox.free, outbox.busy) == (False, True)
    settled = asyncio.create_task(outbox.settle())
    over: list[bool] = []
    outbox.when_settled(lambda: over.append(outbox.busy))
    await _one_turn()
    assert (b"".join(sink.sent), settled.done()) == (b"at once a1 ", False)

    script.go.set()
    await asyncio.wait_for(settled, 5)
    await _one_turn()
    await outbox.settle()

    assert b"".join(sink.sent) == b"at once a1 a2 b c1 c2 d"
    assert script.recorded == ["a1 ", "a2 ", "b ", "c1 ", "c2 ", "d"]
    assert (outbox.free, outbox.busy, over) == (True, False, [False])


async def test_empty_waits_for_turns_and_bytes(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """It returns when the last turn has ended and the socket has accepted its bytes."""
    sink.room = 4
    outbox.take_turn(lambda: script.slow("a"))
    script.go.set()
    empty = asyncio.create_task(outbox.empty())
    await _one_turn()
    assert not empty.done()
    while sink.watcher is None:
        await _one_turn()
    assert not empty.done()
    sink.make_room()
    await asyncio.wait_for(empty, 5)

    assert b"".join(sink.sent) == b"a1 a2 "


async def test_held_pieces_are_sent_with_the_next(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """Their events are emitted when they are sent, in one send with the next piece; an empty send leaves them held."""
    outbox.hold(script.pieces("150 "))
    outbox.hold(script.pieces("226 "))
    assert (sink.sent, script.recorded, outbox.free, outbox.holds) == ([], [], False, True)

    script.put("200")
    script.put("!")

    assert (sink.sent, script.recorded) == ([b"150 226 200", b"!"], ["150 ", "226 ", "200"])
    assert (outbox.free, outbox.holds) == (True, False)


async def test_release(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """It emits the events of held and given pieces, and returns their bytes, which the caller sends."""
    outbox.hold(script.pieces("ab"))
    data = outbox.release(script.pieces("cd"))

    assert (data, sink.sent, script.recorded) == (b"abcd", [], ["ab", "cd"])


async def test_nothing_is_sent_after_the_end(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """Written bytes are still sent; held and later pieces are neither sent nor recorded."""
    sink.room = 1
    outbox.write(b"ab")
    outbox.hold(script.pieces("held"))
    outbox.end()
    script.put("late")
    sink.make_room()

    assert (sink.sent, script.recorded, outbox.free, outbox.holds) == ([b"a", b"b"], [], False, False)


async def test_end_acts_at_once(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """After `end` the outbox is not free."""
    outbox.end()

    assert (outbox.free, outbox.ended, outbox.busy) == (False, True, False)
    script.put("late")
    assert (sink.sent, script.recorded) == ([], [])


async def test_nothing_is_sent_on_a_closed_connection(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """No event is emitted, either."""
    sink.closed = True
    outbox.send(script.pieces("late"))

    assert (sink.sent, script.recorded) == ([], [])


async def test_a_turn_that_outlives_the_client(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """A turn that ends because the client has left closes the connection, and drops what waited behind it."""

    async def stand_still() -> None:
        outbox.cork()
        outbox.write(b"before")
        raise ConnectionAbortedError("the client has left")

    outbox.take_turn(stand_still)
    script.put("late")
    await outbox.settle()

    assert (sink.closed, sink.sent, script.recorded, outbox.busy) == (True, [b"before"], [], False)
    calls: list[str] = []

    async def turn() -> None:
        calls.append("turn")

    outbox.take_turn(turn)
    await outbox.settle()
    assert (calls, script.recorded) == (["turn"], [])


async def test_close_cancels_turns(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """Held and collected bytes are still sent; the turn and everything behind it are not."""
    outbox.take_turn(lambda: script.slow("a"))
    script.put("late")
    await _one_turn()
    outbox.hold(script.pieces("held"))
    outbox.cork()
    await outbox.close()

    assert (b"".join(sink.sent), script.recorded, outbox.busy) == (b"a1 held", ["a1 ", "held"], False)


async def test_close_waits_for_the_cancelled_turn(outbox: Outbox) -> None:
    """When it returns, the turn has cleaned up."""
    ended: list[str] = []

    async def turn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("turn")

    outbox.take_turn(turn)
    await _one_turn()
    await outbox.close()

    assert ended == ["turn"]


async def test_close_sends_collected_bytes(sink: FakeSink, outbox: Outbox) -> None:
    """Nothing else has to wait for that."""
    outbox.cork()
    outbox.write(b"bye")
    with pytest.raises(StopIteration):
        outbox.close().send(None)

    assert sink.sent == [b"bye"]


async def test_close_before_the_first_turn_has_begun(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """A turn that has not begun is cancelled without an effect."""
    outbox.take_turn(lambda: script.slow("a"))
    await outbox.close()

    assert (sink.sent, outbox.busy, outbox.free) == ([], False, True)
