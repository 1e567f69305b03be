"""Calls that return at once, calls that wait and how long, and the turns of other tasks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from ftpfixture import aio
from ftpfixture.net.channel import Channel
from ftpfixture.net.memory import memory_pair
from tests.support.transports import BIG, SocketPair, fill, one_turn, reset, socket_channel

# Receiving.


async def test_receive_now_never_waits(pair: SocketPair) -> None:
    """It returns None if nothing has arrived, and b"" at the end of the stream."""
    assert pair.channel.receive_now(10) is None
    pair.peer.close()

    assert await pair.channel.receive(10) == b""
    assert pair.channel.receive_now(10) == b""


async def test_receive_returns_what_has_arrived(pair: SocketPair) -> None:
    """At most `size` bytes, in order, without waiting for more."""
    await pair.send(b"abcdef")

    assert [await pair.channel.receive(4), await pair.channel.receive(4)] == [b"abcd", b"ef"]


async def test_receive_waits_for_bytes(pair: SocketPair) -> None:
    """A receive waits until bytes arrive."""
    task = asyncio.create_task(pair.channel.receive(10))
    await one_turn()
    assert not task.done()

    await pair.send(b"late")

    assert await asyncio.wait_for(task, 5) == b"late"


async def test_a_cancelled_receive_loses_nothing(pair: SocketPair) -> None:
    """After a cancelled receive the next one gets the bytes."""
    task = asyncio.create_task(pair.channel.receive(10))
    await one_turn()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await pair.send(b"kept")

    assert await pair.channel.receive(10) == b"kept"


async def test_receive_times_out() -> None:
    """Nothing within `timeout` seconds raises TimeoutError, and the channel stays usable."""
    pair = SocketPair(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"^the other side sent nothing for 0\.01 s$"):
        await pair.channel.receive(10)

    pair.channel.timeout = None
    await pair.send(b"more")
    assert await pair.channel.receive(10) == b"more"
    pair.close()


async def test_a_reset_by_the_peer_is_an_error(pair: SocketPair) -> None:
    """Both ways of receiving raise ConnectionResetError after the peer's RST."""
    reset(pair.peer)

    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(10)


async def test_a_reset_is_an_error_without_waiting(pair: SocketPair) -> None:
    """`receive_now` raises ConnectionResetError, too."""
    gone = asyncio.Event()
    pair.channel.watch(gone.set)
    reset(pair.peer)
    await gone.wait()

    with pytest.raises(ConnectionResetError):
        pair.channel.receive_now(10)


async def test_bytes_that_arrive_as_a_receive_is_cancelled(pair: SocketPair) -> None:
    """They are not lost, although the loop reports them in the same turn."""
    task = asyncio.create_task(pair.channel.receive(1))
    await one_turn()
    pair.peer.send(b"x")
    pair.loop.call_soon(task.cancel)
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert await pair.channel.receive(1) == b"x"


async def test_watch_calls_until_unwatch(pair: SocketPair) -> None:
    """The callback of `watch` is called when something can be received, and not after `unwatch`."""
    called: asyncio.Queue[bytes | None] = asyncio.Queue()
    pair.channel.watch(lambda: called.put_nowait(pair.channel.receive_now(10)))
    await pair.send(b"one")
    assert await asyncio.wait_for(called.get(), 5) == b"one"

    pair.channel.unwatch()
    await pair.send(b"two")

    assert await pair.channel.receive(10) == b"two"
    assert called.empty()


@pytest.mark.parametrize("in_memory", [False, True])
async def test_urgent_data_is_noted(pair: SocketPair, in_memory: bool) -> None:
    """After `note_urgent` it is reported once for all bytes before and with it, wherever a receive ends."""
    near, far = pair.channel, socket_channel(pair.peer, pair.peer.getsockname())
    if in_memory:
        near, far = map(Channel, memory_pair(pair.loop))
    near.set_control_options()
    near.note_urgent()
    assert await far.send(b"NOOP\r\n") == 6
    assert await asyncio.wait_for(near.receive(100), 5) == b"NOOP\r\n"
    assert not near.take_urgent()

    far.send_urgent(b"\xff\xf4\xff\xf2")
    assert await far.send(b"ABOR\r\n") == 6
    received = b""
    while not received.endswith(b"\n"):
        received += await asyncio.wait_for(near.receive(100), 5)
    assert received == b"\xff\xf4\xff\xf2ABOR\r\n"
    assert [near.take_urgent(), near.take_urgent()] == [True, False]
    near.close()
    far.close()


async def test_urgent_bytes_stay_in_line(pair: SocketPair) -> None:
    """With the control options an urgent byte is received between the others."""
    pair.channel.set_control_options()
    pair.peer.send(b"AB")
    pair.peer.send(b"C", socket.MSG_OOB)

    received = b""
    while len(received) < 3:
        received += await asyncio.wait_for(pair.channel.receive(10), 5)

    assert received == b"ABC"
    assert pair.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# Sending.


async def test_send_now_sends_what_fits(pair: SocketPair) -> None:
    """`send_now` never waits: it sends what there is room for, and calls back when there is more."""
    assert pair.channel.send_now(b"220 hi\r\n") == 8
    went = pair.channel.send_now(BIG)
    assert 0 < went < len(BIG)
    assert pair.channel.send_now(b"no room") == 0
    room = asyncio.Event()
    pair.channel.watch_room(room.set)

    assert await pair.received(8 + went) == b"220 hi\r\n" + BIG[:went]

    await asyncio.wait_for(room.wait(), 5)
    pair.channel.unwatch_room()
    assert pair.channel.send_now(b"again") == 5


async def test_send_now_to_a_broken_connection(pair: SocketPair) -> None:
    """After the peer's reset, and after `close`, everything is discarded: the next receive raises the error."""
    reset(pair.peer)
    with pytest.raises(ConnectionResetError):
        await pair.channel.receive(1)

    assert [pair.channel.send_now(data) for data in (b"a", b"bc")] == [1, 2]
    pair.channel.close()
    assert pair.channel.send_now(b"abc") == 3


async def test_close_calls_the_callback_for_room(pair: SocketPair) -> None:
    """The callback of `watch_room` is called once when the channel is closed."""
    calls: list[bool] = []
    pair.channel.watch_room(lambda: calls.append(pair.channel.closed))

    pair.channel.close()
    pair.channel.close()

    assert calls == [True]


async def test_send_returns_the_number_of_bytes(pair: SocketPair) -> None:
    """It is the number that the socket accepted, which may be fewer than given."""
    sent = await pair.channel.send(memoryview(BIG))

    assert 0 < sent < len(BIG)
    assert hash(await pair.received(sent)) == hash(BIG[:sent])


async def test_send_to_a_broken_connection(pair: SocketPair) -> None:
    """A send after the peer's reset raises ConnectionError."""
    reset(pair.peer)

    with pytest.raises(ConnectionError):
        await fill(pair.channel)


async def test_send_waits_for_room() -> None:
    """A send without room waits until the peer has read."""
    # Not TCP, where the system moves bytes from one buffer to the next at any time, which makes room.
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
    """How often another task of the loop ran while a call was made many times."""
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


async def test_a_sender_that_never_waits_lets_other_tasks_run(
    pair: SocketPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small pieces that all find room do not block the loop."""
    monkeypatch.setattr(aio, "TURN_TIME", 60)
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 325) == 0
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 4) == 0
    assert await _turns_of_others(lambda: pair.channel.send(b"x"), 320) == 64
    assert await pair.received(649) == b"x" * 649


async def test_a_receiver_that_never_waits_lets_other_tasks_run(
    pair: SocketPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small pieces that have all arrived do not block the loop; a wait restarts the turn."""
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    await pair.send(b"x" * 324)
    assert await _turns_of_others(lambda: pair.channel.receive(1), 4) == 0
    assert await _turns_of_others(lambda: pair.channel.receive(1), 320) == 64
    waiting = asyncio.create_task(pair.channel.receive(1))
    for _ in range(3):
        await one_turn()
    await pair.send(b"y" * 5)
    assert await waiting == b"y"
    assert await _turns_of_others(lambda: pair.channel.receive(1), 4) == 0


async def test_send_times_out() -> None:
    """A peer that receives nothing within `timeout` seconds raises TimeoutError."""
    pair = SocketPair(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"^the other side received nothing for 0\.01 s$"):
        await fill(pair.channel)
    pair.close()
