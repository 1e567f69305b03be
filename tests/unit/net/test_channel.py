"""One socket: what is tried at once, what waits, what is kept back, and every way to end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ftpfixture.net.channel import Channel, peer_name


class CountingSocket(socket.socket):
    """Notes each send that the kernel is asked for."""

    sends: list[bytes]

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send, and note how that begins."""
        self.sends.append(bytes(data[:10]))
        return super().send(data, flags)


class Pair:
    """A channel and the plain socket at its other end."""

    def __init__(self, timeout: float | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
        self.sock = CountingSocket(fileno=accepted.detach())
        self.sock.sends = []
        self.peer.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.channel = Channel(self.sock, self.loop, address, timeout)

    async def heard(self, count: int) -> bytes:
        """The next octets that arrive at the peer, exactly so many."""
        octets = bytearray()
        while len(octets) < count:
            piece = await self.loop.sock_recv(self.peer, count - len(octets))
            assert piece, f"the end came after {len(octets)} octets"
            octets += piece
        return bytes(octets)

    async def say(self, data: bytes) -> None:
        """Send to the channel."""
        await self.loop.sock_sendall(self.peer, data)

    def close(self) -> None:
        """Close both ends."""
        self.channel.close()
        self.peer.close()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """A connected channel without time limit."""
    pair = Pair()
    yield pair
    pair.close()


async def _one_turn() -> None:
    """Let everything that can run do so once."""
    await asyncio.sleep(0)


BIG = bytes(range(256)) * (1 << 16)  # more than any system keeps for a connection


# Receiving.


async def test_receive_now_never_waits(pair: Pair) -> None:
    """Without anything there the answer is None; the end of the stream is empty."""
    assert pair.channel.receive_now(10) is None
    pair.peer.close()

    assert await pair.channel.receive(10) == b""
    assert pair.channel.receive_now(10) == b""


async def test_receive_gives_what_is_there(pair: Pair) -> None:
    """At most so many octets as were asked for, in order, without waiting for more."""
    await pair.say(b"abcdef")

    assert [await pair.channel.receive(4), await pair.channel.receive(4)] == [b"abcd", b"ef"]


async def test_receive_waits_for_octets(pair: Pair) -> None:
    """A receive that finds nothing waits until something comes."""
    task = asyncio.create_task(pair.channel.receive(10))
    await _one_turn()
    assert not task.done()

    await pair.say(b"late")

    assert await asyncio.wait_for(task, 5) == b"late"


async def test_a_cancelled_receive_loses_nothing(pair: Pair) -> None:
    """After a receive was cancelled the next one gets what comes."""
    task = asyncio.create_task(pair.channel.receive(10))
    await _one_turn()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await pair.say(b"kept")

    assert await pair.channel.receive(10) == b"kept"


async def test_receive_runs_out_of_time() -> None:
    """Nothing within `timeout` seconds is a TimeoutError, and the channel can be used on."""
    pair = Pair(timeout=0.01)
    with pytest.raises(TimeoutError):
        await pair.channel.receive(10)

    pair.channel.timeout = None
    await pair.say(b"more")
    assert await pair.channel.receive(10) == b"more"
    pair.close()


async def test_a_reset_by_the_peer_is_an_error(pair: Pair) -> None:
    """Both ways of receiving raise ConnectionResetError after the peer's RST."""
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.peer.close()

    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(10)


async def test_watch_calls_until_unwatch(pair: Pair) -> None:
    """The callback of `watch` is called when something can be received, and no more after `unwatch`."""
    called: asyncio.Queue[bytes | None] = asyncio.Queue()
    pair.channel.watch(lambda: called.put_nowait(pair.channel.receive_now(10)))
    await pair.say(b"one")
    assert await asyncio.wait_for(called.get(), 5) == b"one"

    pair.channel.unwatch()
    await pair.say(b"two")

    assert await pair.channel.receive(10) == b"two"
    assert called.empty()


async def test_urgent_octets_stay_in_line(pair: Pair) -> None:
    """With the control options an urgent octet is received between the others."""
    pair.channel.set_control_options()
    pair.peer.send(b"AB")
    pair.peer.send(b"C", socket.MSG_OOB)

    received = b""
    while len(received) < 3:
        received += await asyncio.wait_for(pair.channel.receive(10), 5)

    assert received == b"ABC"
    assert pair.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# Sending.


async def test_write_goes_out_at_once(pair: Pair) -> None:
    """What the socket takes is sent within the call; nothing is left for the loop."""
    pair.channel.write(b"220 hi\r\n")

    assert pair.sock.sends == [b"220 hi\r\n"]
    assert pair.channel.backlog == 0
    assert await pair.heard(8) == b"220 hi\r\n"


async def test_without_cork_each_write_is_a_packet(pair: Pair) -> None:
    """Writes are sent one by one unless somebody collects them."""
    for data in (b"a", b"b"):
        pair.channel.write(data)

    assert pair.sock.sends == [b"a", b"b"]


async def test_cork_collects_until_uncork(pair: Pair) -> None:
    """Between cork and uncork nothing goes out; then all of it does, in one send."""
    pair.channel.cork()
    for data in (b"a", b"b", b"c"):
        pair.channel.write(data)
    assert (pair.sock.sends, pair.channel.backlog) == ([], 3)

    pair.channel.uncork()

    assert (pair.sock.sends, pair.channel.backlog) == ([b"abc"], 0)
    pair.channel.write(b"d")
    assert await pair.heard(4) == b"abcd"


async def test_a_forgotten_cork_pops_with_the_next_turn(pair: Pair) -> None:
    """Without `uncork` the loop's next turn sends what was collected."""
    pair.channel.cork()
    pair.channel.write(b"a")
    pair.channel.write(b"b")
    await _one_turn()

    assert pair.sock.sends == [b"ab"]


async def test_uncork_without_anything_sends_nothing(pair: Pair) -> None:
    """A cork under which nothing was written leaves no trace."""
    pair.channel.cork()
    pair.channel.uncork()
    pair.channel.uncork()

    assert pair.sock.sends == []


async def test_backlog_goes_out_in_order(pair: Pair) -> None:
    """What the socket does not take is kept, counted, and sent before what is written later."""
    pair.channel.write(BIG)
    assert pair.channel.backlog > 0
    heard = bytearray()
    with contextlib.suppress(BlockingIOError):
        while True:
            heard += pair.peer.recv(1 << 20)
    pair.channel.write(b"the end")  # there is room for it now, but not before the rest
    assert pair.channel.backlog > 7

    heard += await pair.heard(len(BIG) + 7 - len(heard))

    # Compared in one step: a diff of millions of octets helps nobody.
    assert hash(bytes(heard)) == hash(BIG + b"the end")
    assert pair.channel.backlog == 0


async def test_drain_waits_until_all_is_taken(pair: Pair) -> None:
    """`drain` returns when the socket has taken the last octet, and at once when there is none."""
    await pair.channel.drain()
    pair.channel.write(BIG)
    task = asyncio.create_task(pair.channel.drain())
    await _one_turn()
    assert not task.done()

    await pair.heard(len(BIG))
    await asyncio.wait_for(task, 5)

    assert pair.channel.backlog == 0


async def test_two_may_drain_and_one_be_cancelled(pair: Pair) -> None:
    """A cancelled drain does not wake or break another one."""
    pair.channel.write(BIG)
    cancelled, other = (asyncio.create_task(pair.channel.drain()) for _ in range(2))
    await _one_turn()
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert not other.done()

    await pair.heard(len(BIG))

    await asyncio.wait_for(other, 5)


async def test_write_to_a_broken_connection_is_silent(pair: Pair) -> None:
    """A write after the peer's reset raises nothing and leaves no backlog: the reading side sees it."""
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.peer.close()
    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(1)

    pair.channel.write(b"a")
    pair.channel.write(b"b")

    assert pair.channel.backlog == 0


async def test_send_says_how_much_went(pair: Pair) -> None:
    """`send` gives the number of octets the socket took, which may be fewer than there are."""
    sent = await pair.channel.send(memoryview(BIG))

    assert 0 < sent < len(BIG)
    assert hash(await pair.heard(sent)) == hash(BIG[:sent])


async def _fill(channel: Channel) -> None:
    """Send until the socket takes no more."""
    while True:
        await channel.send(BIG)


async def test_send_waits_for_room() -> None:
    """A send that finds no room waits until the peer has read."""
    # Not TCP, where the system moves octets on from one buffer to the next whenever it likes, which makes room.
    near, far = socket.socketpair()
    channel = Channel(near, asyncio.get_running_loop(), ("", 0))
    far.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            near.send(bytes(1 << 16))
    sender = asyncio.create_task(channel.send(b"more"))
    await _one_turn()
    assert not sender.done()

    async with asyncio.timeout(10):
        while not sender.done():
            await asyncio.get_running_loop().sock_recv(far, 1 << 20)

    assert sender.result() == 4
    channel.close()
    far.close()


async def _turns_of_others(call: Callable[[], Awaitable[object]], times: int) -> int:
    """How often something else on the loop had its turn while a call was made so many times."""
    turns = 0
    done = False

    async def count() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    for _ in range(times):
        await call()
    done = True
    await other
    return turns


async def test_a_sender_that_never_has_to_wait_lets_others_have_their_turn(pair: Pair) -> None:
    """Many small pieces that all find room do not keep the loop."""
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 32) == 0
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 320) == 10
    assert await pair.heard(352) == b"x" * 352


async def test_a_receiver_that_never_has_to_wait_lets_others_have_their_turn(pair: Pair) -> None:
    """Many small pieces that are all there do not keep the loop; after a wait there is a whole turn again."""
    await pair.say(b"x" * 344)
    assert await _turns_of_others(lambda: pair.channel.receive(1), 24) == 0
    assert await _turns_of_others(lambda: pair.channel.receive(1), 320) == 10
    waiting = asyncio.create_task(pair.channel.receive(1))
    await _one_turn()
    await pair.say(b"y" * 33)
    assert await waiting == b"y"
    assert await _turns_of_others(lambda: pair.channel.receive(1), 32) == 0


async def test_send_runs_out_of_time() -> None:
    """A peer that takes nothing within `timeout` seconds is a TimeoutError."""
    pair = Pair(timeout=0.01)
    with pytest.raises(TimeoutError):
        await _fill(pair.channel)
    pair.close()


# The end.


async def test_close_says_fin_after_the_last_octet(pair: Pair) -> None:
    """What was written before `close` still arrives, and then the end of the stream."""
    pair.channel.write(b"bye")
    pair.channel.close()

    assert await pair.heard(3) == b"bye"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.channel.closed


async def test_close_sends_what_is_corked(pair: Pair) -> None:
    """A reply that is still collected when the channel is closed is not lost."""
    pair.channel.cork()
    pair.channel.write(b"221 bye")
    pair.channel.close()

    assert await pair.heard(7) == b"221 bye"
    await _one_turn()


async def test_close_wakes_who_waits(pair: Pair) -> None:
    """Whoever waits to receive gets a ConnectionAbortedError when the channel is closed on this side."""
    receiver = asyncio.create_task(pair.channel.receive(1))
    await _one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(receiver, 5)


async def test_close_wakes_who_sends(pair: Pair) -> None:
    """Whoever waits to send gets a ConnectionAbortedError."""
    sender = asyncio.create_task(_fill(pair.channel))
    await _one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(sender, 5)


async def test_close_wakes_who_drains(pair: Pair) -> None:
    """Whoever waits for the backlog to go returns: it never will."""
    pair.channel.write(BIG)
    task = asyncio.create_task(pair.channel.drain())
    await _one_turn()

    pair.channel.close()

    await asyncio.wait_for(task, 5)


async def test_a_closed_channel_takes_everything_and_does_nothing(pair: Pair) -> None:
    """After `close` all the calls that cannot wait do nothing, and those that can raise OSError."""
    calls: list[Callable[[], object]] = [
        pair.channel.close,
        pair.channel.close_gently,
        pair.channel.reset,
        pair.channel.cork,
        pair.channel.uncork,
        pair.channel.unwatch,
        lambda: pair.channel.watch(lambda: None),
        lambda: pair.channel.write(b"lost"),
    ]
    pair.channel.close()
    for call in calls:
        call()

    assert pair.channel.backlog == 0
    with pytest.raises(ConnectionAbortedError, match="closed on this side"):
        await pair.channel.receive(1)
    with pytest.raises(ConnectionAbortedError, match="closed on this side"):
        await pair.channel.send(b"x")


async def test_reset_is_seen_by_the_peer(pair: Pair) -> None:
    """After `reset` the peer gets ECONNRESET, not the end of the stream."""
    pair.channel.reset()

    with pytest.raises(ConnectionResetError):
        await pair.loop.sock_recv(pair.peer, 1)
    assert pair.channel.closed


async def test_close_gently_delivers_under_unread_octets(pair: Pair) -> None:
    """With octets unread on this side, the peer still reads the last reply and then a clean end, not a reset."""
    await pair.say(b"NOOP\r\n" * 1000)
    pair.channel.write(b"421 shutting down\r\n")

    pair.channel.close_gently()

    assert await pair.heard(19) == b"421 shutting down\r\n"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.peer.send(b"QUIT\r\n") == 6  # a peer that was sent an RST could not even say this
    assert pair.channel.closed


async def test_close_gently_after_the_peer_went(pair: Pair) -> None:
    """A peer that is gone already makes no error."""
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.peer.close()

    pair.channel.close_gently()

    assert pair.channel.closed


# Names.


async def test_a_channel_knows_both_ends(pair: Pair) -> None:
    """`peer` and `local` are the addresses of the two ends, `family` is that of the socket."""
    assert pair.channel.peer == pair.peer.getsockname()
    assert pair.channel.local == pair.peer.getpeername()
    assert pair.channel.family is socket.AF_INET


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("127.0.0.1", 21), ("127.0.0.1", 21)),
        (("::1", 21, 0, 0), ("::1", 21)),
        (("::ffff:127.0.0.1", 21, 0, 0), ("127.0.0.1", 21)),
        (("::ffff:1", 21, 0, 0), ("::ffff:1", 21)),
        ("/tmp/socket", ("", 0)),
        (None, ("", 0)),
        ((), ("", 0)),
    ],
)
def test_peer_name(address: object, name: tuple[str, int]) -> None:
    """A name is host and port for every kind of address; IPv4 in IPv6 is IPv4."""
    assert peer_name(address) == name
