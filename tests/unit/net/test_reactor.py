"""What is tried at once, what waits, for how long, and who else has a turn meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from ftpfixture import aio
from tests.support.transports import BIG, SocketPair, fill, one_turn, reset, socket_channel

# Receiving.


async def test_receive_now_never_waits(pair: SocketPair) -> None:
    """Without anything there the answer is None; the end of the stream is empty."""
    assert pair.channel.receive_now(10) is None
    pair.peer.close()

    assert await pair.channel.receive(10) == b""
    assert pair.channel.receive_now(10) == b""


async def test_receive_gives_what_is_there(pair: SocketPair) -> None:
    """At most so many octets as were asked for, in order, without waiting for more."""
    await pair.say(b"abcdef")

    assert [await pair.channel.receive(4), await pair.channel.receive(4)] == [b"abcd", b"ef"]


async def test_receive_waits_for_octets(pair: SocketPair) -> None:
    """A receive that finds nothing waits until something comes."""
    task = asyncio.create_task(pair.channel.receive(10))
    await one_turn()
    assert not task.done()

    await pair.say(b"late")

    assert await asyncio.wait_for(task, 5) == b"late"


async def test_a_cancelled_receive_loses_nothing(pair: SocketPair) -> None:
    """After a receive was cancelled the next one gets what comes."""
    task = asyncio.create_task(pair.channel.receive(10))
    await one_turn()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await pair.say(b"kept")

    assert await pair.channel.receive(10) == b"kept"


async def test_receive_runs_out_of_time() -> None:
    """Nothing within `timeout` seconds is a TimeoutError, and the channel can be used on."""
    pair = SocketPair(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"^the other side sent nothing for 0\.01 s$"):
        await pair.channel.receive(10)

    pair.channel.timeout = None
    await pair.say(b"more")
    assert await pair.channel.receive(10) == b"more"
    pair.close()


async def test_a_reset_by_the_peer_is_an_error(pair: SocketPair) -> None:
    """Both ways of receiving raise ConnectionResetError after the peer's RST."""
    reset(pair.peer)

    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(10)


async def test_a_reset_is_an_error_for_those_who_do_not_wait(pair: SocketPair) -> None:
    """`receive_now` raises ConnectionResetError, too."""
    gone = asyncio.Event()
    pair.channel.watch(gone.set)
    reset(pair.peer)
    await gone.wait()

    with pytest.raises(ConnectionResetError):
        pair.channel.receive_now(10)


async def test_octets_that_come_as_a_receive_is_cancelled(pair: SocketPair) -> None:
    """They are not lost, though the loop tells of them in the same turn."""
    task = asyncio.create_task(pair.channel.receive(1))
    await one_turn()
    pair.peer.send(b"x")
    pair.loop.call_soon(task.cancel)
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert await pair.channel.receive(1) == b"x"


async def test_watch_calls_until_unwatch(pair: SocketPair) -> None:
    """The callback of `watch` is called when something can be received, and no more after `unwatch`."""
    called: asyncio.Queue[bytes | None] = asyncio.Queue()
    pair.channel.watch(lambda: called.put_nowait(pair.channel.receive_now(10)))
    await pair.say(b"one")
    assert await asyncio.wait_for(called.get(), 5) == b"one"

    pair.channel.unwatch()
    await pair.say(b"two")

    assert await pair.channel.receive(10) == b"two"
    assert called.empty()


async def test_urgent_octets_stay_in_line(pair: SocketPair) -> None:
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


async def test_send_now_takes_what_fits(pair: SocketPair) -> None:
    """`send_now` never waits: it takes all that there is room for, and tells when there is more."""
    assert pair.channel.send_now(b"220 hi\r\n") == 8
    went = pair.channel.send_now(BIG)
    assert 0 < went < len(BIG)
    assert pair.channel.send_now(b"no room") == 0
    room = asyncio.Event()
    pair.channel.watch_room(room.set)

    assert await pair.heard(8 + went) == b"220 hi\r\n" + BIG[:went]

    await asyncio.wait_for(room.wait(), 5)
    pair.channel.unwatch_room()
    assert pair.channel.send_now(b"again") == 5


async def test_send_now_to_a_broken_connection_is_silent(pair: SocketPair) -> None:
    """After the peer's reset, and after `close`, everything is taken: the reading side sees what happened."""
    reset(pair.peer)
    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(1)

    assert [pair.channel.send_now(data) for data in (b"a", b"bc")] == [1, 2]
    pair.channel.close()
    assert pair.channel.send_now(b"abc") == 3


async def test_close_tells_who_waits_for_room(pair: SocketPair) -> None:
    """Whoever watches for room is told once when the channel is closed: there will be none."""
    told: list[bool] = []
    pair.channel.watch_room(lambda: told.append(pair.channel.closed))

    pair.channel.close()
    pair.channel.close()

    assert told == [True]


async def test_send_says_how_much_went(pair: SocketPair) -> None:
    """`send` gives the number of octets the socket took, which may be fewer than there are."""
    sent = await pair.channel.send(memoryview(BIG))

    assert 0 < sent < len(BIG)
    assert hash(await pair.heard(sent)) == hash(BIG[:sent])


async def test_send_to_a_broken_connection(pair: SocketPair) -> None:
    """A send after the peer's reset raises ConnectionError."""
    reset(pair.peer)

    with pytest.raises(ConnectionError):
        await fill(pair.channel)


async def test_send_waits_for_room() -> None:
    """A send that finds no room waits until the peer has read."""
    # Not TCP, where the system moves octets on from one buffer to the next whenever it likes, which makes room.
    near, far = socket.socketpair()
    channel = socket_channel(near)
    far.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            near.send(bytes(1 << 16))
    sender = asyncio.create_task(channel.send(b"more"))
    await one_turn()
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


async def test_a_sender_that_never_has_to_wait_lets_others_have_their_turn(
    pair: SocketPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small pieces that all find room do not keep the loop: every few of them it is asked whether time is over."""
    monkeypatch.setattr(aio, "TURN_TIME", 60)
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 325) == 0
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 4) == 0
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 320) == 64
    assert await pair.heard(649) == b"x" * 649


async def test_a_receiver_that_never_has_to_wait_lets_others_have_their_turn(
    pair: SocketPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small pieces that are all there do not keep the loop; after a wait there is a whole turn again."""
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    await pair.say(b"x" * 324)
    assert await _turns_of_others(lambda: pair.channel.receive(1), 4) == 0
    assert await _turns_of_others(lambda: pair.channel.receive(1), 320) == 64
    waiting = asyncio.create_task(pair.channel.receive(1))
    for _ in range(3):
        await one_turn()
    await pair.say(b"y" * 5)
    assert await waiting == b"y"
    assert await _turns_of_others(lambda: pair.channel.receive(1), 4) == 0


async def test_send_runs_out_of_time() -> None:
    """A peer that takes nothing within `timeout` seconds is a TimeoutError."""
    pair = SocketPair(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"^the other side received nothing for 0\.01 s$"):
        await fill(pair.channel)
    pair.close()
