"""The order of what is said: at once, collected, held, in its turn; and what becomes of it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ftpfixture.net.outbox import LIMIT, Outbox, Outgoing


class FakeSink:
    """Stands for a connection that takes so many bytes and no more until `make_room`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.sent: list[bytes] = []
        self.room = 1000
        self.closed = False
        self.watcher: Callable[[], None] | None = None

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Take what there is room for."""
        piece = bytes(data[: self.room])
        self.room -= len(piece)
        if piece:
            self.sent.append(piece)
        return len(piece)

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Remember whom to tell."""
        self.watcher = callback

    def unwatch_room(self) -> None:
        """Forget."""
        self.watcher = None

    def make_room(self, count: int = 1000) -> None:
        """Take more, and say so to who watches."""
        self.room = count
        if self.watcher is not None:
            self.watcher()

    def close_after_flush(self) -> None:
        """Close, and say so to who watches."""
        self.closed = True
        if self.watcher is not None:
            self.watcher()


@pytest.fixture
async def sink() -> FakeSink:
    """A connection that takes a thousand bytes."""
    return FakeSink()


@pytest.fixture
async def outbox(sink: FakeSink) -> Outbox:
    """What is said on it."""
    return Outbox(sink, "replies")


async def _one_turn() -> None:
    await asyncio.sleep(0)


async def test_write_goes_out_at_once(sink: FakeSink, outbox: Outbox) -> None:
    """What the socket takes is sent within the call, each write by itself; nothing is left for the loop."""
    outbox.write(b"a")
    outbox.write(b"b")

    assert (sink.sent, sink.watcher) == ([b"a", b"b"], None)


async def test_cork_collects_until_uncork(sink: FakeSink, outbox: Outbox) -> None:
    """Between cork and uncork nothing goes out; then all of it does, in one send. An empty cork leaves no trace."""
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


async def test_what_was_collected_and_does_not_fit(sink: FakeSink, outbox: Outbox) -> None:
    """The rest leaves when there is room."""
    outbox.cork()
    outbox.write(b"abc")
    sink.room = 1
    outbox.uncork()
    sink.make_room()

    assert (sink.sent, sink.watcher) == ([b"a", b"bc"], None)


async def test_a_forgotten_cork_pops_with_the_next_turn(sink: FakeSink, outbox: Outbox) -> None:
    """Without `uncork` the loop's next turn sends what was collected."""
    outbox.cork()
    outbox.write(b"a")
    outbox.write(b"b")
    await _one_turn()

    assert sink.sent == [b"ab"]


async def test_backlog_goes_out_in_order(sink: FakeSink, outbox: Outbox) -> None:
    """What the socket does not take is kept, counted, and sent before what is written later."""
    sink.room = 3
    outbox.write(b"abcde")
    assert sink.sent == [b"abc"]
    sink.room = 100
    outbox.write(b"f")  # there is room for it now, but not before the rest
    assert sink.sent == [b"abc"]

    sink.make_room(1)
    sink.make_room()

    assert (sink.sent, sink.watcher) == ([b"abc", b"d", b"ef"], None)


async def test_too_much_that_is_not_read(sink: FakeSink, outbox: Outbox) -> None:
    """The outbox is full while more than the limit waits, be it that it is collected or not taken."""
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


async def test_drain_waits_until_all_is_taken(sink: FakeSink, outbox: Outbox) -> None:
    """It returns when the last byte is taken, at once when there is none; a cancelled one does not wake another."""
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


async def test_drain_sends_what_is_collected(sink: FakeSink, outbox: Outbox) -> None:
    """Whoever waits for it does not wait for the loop's next turn."""
    outbox.cork()
    outbox.write(b"a")
    with pytest.raises(StopIteration):
        outbox.drain().send(None)

    assert sink.sent == [b"a"]


async def test_one_may_drain_again(sink: FakeSink, outbox: Outbox) -> None:
    """Each backlog is waited for by itself."""
    for _ in range(2):
        sink.room = 0
        outbox.write(b"a")
        drained = asyncio.create_task(outbox.drain())
        await _one_turn()
        assert not drained.done()
        sink.make_room()
        await asyncio.wait_for(drained, 5)


async def test_the_end_of_the_connection_ends_the_backlog(sink: FakeSink, outbox: Outbox) -> None:
    """Whoever drains returns when the connection is closed, and nothing is kept; a cork that is left does nothing."""
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


async def test_flush_sends_what_is_collected(sink: FakeSink, outbox: Outbox) -> None:
    """Before the end everything is tried once more, though it is collected, or the socket was full before."""
    outbox.cork()
    outbox.write(b"221 bye")
    sink.room = 3
    outbox.flush()
    assert sink.sent == [b"221"]
    sink.room = 100
    outbox.flush()

    assert b"".join(sink.sent) == b"221 bye"


class Script:
    """Pieces that note when they are told of, and turns that last until they are let go."""

    def __init__(self, outbox: Outbox) -> None:
        self.told: list[str] = []
        self.outbox = outbox
        self.go = asyncio.Event()

    def said(self, text: str) -> list[Outgoing]:
        """One piece."""
        return [(text.encode(), lambda: self.told.append(text))]

    def put(self, text: str) -> None:
        """Say something as a gate does that lets everything pass."""
        if self.outbox.free:
            self.outbox.write(text.encode())
        else:
            self.outbox.put(lambda: self.outbox.send(self.said(text)))

    async def slow(self, text: str) -> None:
        """Say something when it may."""
        self.outbox.send(self.said(f"{text}1 "))
        await self.go.wait()
        self.outbox.send(self.said(f"{text}2 "))


@pytest.fixture
async def script(outbox: Outbox) -> Script:
    """Of the outbox."""
    return Script(outbox)


async def test_what_takes_time_is_waited_for(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """What is given behind a turn leaves behind it, turns among it; then everything goes at once again."""
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
    assert script.told == ["a1 ", "a2 ", "b ", "c1 ", "c2 ", "d"]
    assert (outbox.free, outbox.busy, over) == (True, False, [False])


async def test_empty_waits_for_turns_and_bytes(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """It returns when the last turn is over and the socket has taken what that said."""
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


async def test_what_is_held_leaves_with_what_comes_next(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """It is told of when it leaves, in one send with the next; nothing said is nothing to leave with."""
    outbox.hold(script.said("150 "))
    outbox.hold(script.said("226 "))
    assert (sink.sent, script.told, outbox.free, outbox.holds) == ([], [], False, True)

    script.put("200")
    script.put("!")

    assert (sink.sent, script.told) == ([b"150 226 200", b"!"], ["150 ", "226 ", "200"])
    assert (outbox.free, outbox.holds) == (True, False)


async def test_release_leaves_the_sending_to_others(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """The bytes of what was held and of what is said now are told of, and sent by whoever asked, in pieces."""
    outbox.hold(script.said("ab"))
    data = outbox.release(script.said("cd"))

    assert (data, sink.sent, script.told) == (b"abcd", [], ["ab", "cd"])


async def test_nothing_is_said_behind_the_last_word(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """What was written is still sent; what was held and what comes later is neither sent nor told of."""
    sink.room = 1
    outbox.write(b"ab")
    outbox.hold(script.said("held"))
    outbox.end()
    script.put("late")
    sink.make_room()

    assert (sink.sent, script.told, outbox.free, outbox.holds) == ([b"a", b"b"], [], False, False)


async def test_the_last_word_is_the_last(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """It is known at once that nothing may go any more."""
    outbox.end()

    assert (outbox.free, outbox.ended, outbox.busy) == (False, True, False)
    script.put("late")
    assert (sink.sent, script.told) == ([], [])


async def test_nothing_is_said_on_a_closed_connection(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """Nothing is told of, either."""
    sink.closed = True
    outbox.send(script.said("late"))

    assert (sink.sent, script.told) == ([], [])


async def test_a_turn_that_outlives_the_client(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """A turn that ends because the client is gone closes the connection, and drops what waited behind it."""

    async def stand_still() -> None:
        outbox.cork()
        outbox.write(b"before")
        raise ConnectionAbortedError("the client is gone")

    outbox.take_turn(stand_still)
    script.put("late")
    await outbox.settle()

    assert (sink.closed, sink.sent, script.told, outbox.busy) == (True, [b"before"], [], False)
    calls: list[str] = []

    async def turn() -> None:
        calls.append("turn")

    outbox.take_turn(turn)
    await outbox.settle()
    assert (calls, script.told) == (["turn"], [])


async def test_close_gives_up_what_waits(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """What is held and what is collected still goes; the turn and what is behind it does not."""
    outbox.take_turn(lambda: script.slow("a"))
    script.put("late")
    await _one_turn()
    outbox.hold(script.said("held"))
    outbox.cork()
    await outbox.close()

    assert (b"".join(sink.sent), script.told, outbox.busy) == (b"a1 held", ["a1 ", "held"], False)


async def test_close_waits_for_the_turn_that_it_gives_up(outbox: Outbox) -> None:
    """When it returns, whatever the turn has to put away is put away."""
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


async def test_close_sends_what_is_collected(sink: FakeSink, outbox: Outbox) -> None:
    """Though nothing else waits."""
    outbox.cork()
    outbox.write(b"bye")
    with pytest.raises(StopIteration):
        outbox.close().send(None)

    assert sink.sent == [b"bye"]


async def test_close_before_the_first_turn_has_begun(sink: FakeSink, outbox: Outbox, script: Script) -> None:
    """A turn that was only given is given up without a trace."""
    outbox.take_turn(lambda: script.slow("a"))
    await outbox.close()

    assert (sink.sent, outbox.busy, outbox.free) == ([], False, True)
