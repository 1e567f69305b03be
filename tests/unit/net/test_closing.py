"""Every way to end a connection in clear: what the other side sees, and what is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.socket_transport import SocketTransport
from tests.support.transports import BIG, SocketPair, fill, one_turn, reset


async def test_close_says_fin_after_the_last_octet(pair: SocketPair) -> None:
    """What was written before `close` still arrives, and then the end of the stream."""
    pair.channel.send_now(b"bye")
    pair.channel.close()

    assert await pair.heard(3) == b"bye"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.channel.closed


async def test_close_wakes_who_waits(pair: SocketPair) -> None:
    """Whoever waits to receive gets a ConnectionAbortedError when the channel is closed on this side."""
    receiver = asyncio.create_task(pair.channel.receive(1))
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(receiver, 5)


async def test_close_wakes_who_sends(pair: SocketPair) -> None:
    """Whoever waits to send gets a ConnectionAbortedError."""
    sender = asyncio.create_task(fill(pair.channel))
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(sender, 5)


async def test_a_closed_channel_takes_everything_and_does_nothing(pair: SocketPair) -> None:
    """After `close` all the calls that cannot wait do nothing, and those that can raise OSError."""
    calls: list[Callable[[], object]] = [
        pair.channel.close,
        pair.channel.close_after_flush,
        pair.channel.reset,
        pair.channel.unwatch,
        pair.channel.unwatch_room,
        lambda: pair.channel.watch(lambda: None),
        lambda: pair.channel.watch_room(lambda: None),
        lambda: pair.channel.send_now(b"lost"),
    ]
    pair.channel.close()
    for call in calls:
        call()

    with pytest.raises(ConnectionAbortedError, match="closed on this side"):
        await pair.channel.receive(1)
    with pytest.raises(ConnectionAbortedError, match="closed on this side"):
        await pair.channel.send(b"x")


async def test_reset_is_seen_by_the_peer(pair: SocketPair) -> None:
    """After `reset` the peer gets ECONNRESET, not the end of the stream."""
    pair.channel.reset()

    with pytest.raises(ConnectionResetError):
        await pair.loop.sock_recv(pair.peer, 1)
    assert pair.channel.closed


async def test_close_gently_delivers_under_unread_octets(pair: SocketPair) -> None:
    """With octets unread on this side, the peer still reads the last reply and then a clean end, not a reset."""
    await pair.say(b"NOOP\r\n" * 1000)
    pair.channel.send_now(b"421 shutting down\r\n")

    pair.channel.close_after_flush()

    assert await pair.heard(19) == b"421 shutting down\r\n"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.peer.send(b"QUIT\r\n") == 6  # a peer that was sent an RST could not even say this
    assert pair.channel.closed


async def test_close_gently_under_a_flood(pair: SocketPair) -> None:
    """A peer that never stops talking does not keep the channel open."""
    pair.sock.flood = 0
    pair.channel.close_after_flush()

    assert pair.channel.closed
    assert 10 < pair.sock.flood < 1000


def test_close_after_the_loop() -> None:
    """A channel that outlived its loop can still be closed."""
    near, far = socket.socketpair()
    loop = asyncio.new_event_loop()
    channel = Channel(SocketTransport(near, loop, ("", 0)))
    loop.close()
    channel.close()

    with far:
        assert far.recv(1) == b""


async def test_close_gently_after_the_peer_went(pair: SocketPair) -> None:
    """A peer that is gone already makes no error."""
    reset(pair.peer)

    pair.channel.close_after_flush()

    assert pair.channel.closed


@pytest.mark.parametrize("count", [0, 1, 1 << 16])
async def test_sent_before_a_reset(pair: SocketPair, count: int) -> None:
    """What was sent reaches the peer before RST when `sent` was awaited, also if the peer reads late (Linux)."""
    await pair.channel.send(b"x" * count) if count else None
    await pair.channel.wait_sent()
    pair.channel.reset()

    assert await pair.heard(count) == b"x" * count
    with pytest.raises(ConnectionResetError):
        await pair.heard(1)


async def test_sent_waits_for_who_does_not_read(pair: SocketPair) -> None:
    """`sent` is over when the peer has taken enough, and does nothing on a channel that is closed."""
    rest = memoryview(BIG)
    while rest:
        try:
            rest = rest[pair.sock.send(rest) :]
        except BlockingIOError:
            break
    waiting = asyncio.ensure_future(pair.channel.wait_sent())
    await one_turn()
    assert not waiting.done()

    await pair.heard(len(BIG) - len(rest))
    await waiting
    pair.channel.close()
    await pair.channel.wait_sent()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_gone(pair: SocketPair, how: str) -> None:
    """`gone` takes whatever comes for nothing, until the peer is gone, in order or not."""
    waiting = asyncio.ensure_future(pair.channel.wait_closed())
    await pair.say(bytes(1 << 17))
    await one_turn()
    assert not waiting.done()

    (reset if how == "reset" else socket.socket.close)(pair.peer)

    await waiting


async def test_gone_on_this_side(pair: SocketPair) -> None:
    """`gone` ends with an error when the channel is closed."""
    waiting = asyncio.ensure_future(pair.channel.wait_closed())
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await waiting


async def test_gone_runs_out_of_time() -> None:
    """Silence that lasts longer than the channel's limit is an error."""
    pair = SocketPair(timeout=0.001)
    with pytest.raises(TimeoutError):
        await pair.channel.wait_closed()
    pair.close()


async def test_cut_under_unread_octets(pair: SocketPair) -> None:
    """`cut` is FIN behind what was sent, and no RST, though the peer has sent what nobody read."""
    await pair.channel.send(b"some")
    await pair.say(bytes(1000))

    pair.channel.abort_fin()

    assert pair.channel.closed
    assert await pair.heard(4) == b"some"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""


async def test_half_close(pair: SocketPair) -> None:
    """After `half_close` the peer has its end, and can still be heard."""
    pair.channel.shutdown_write()

    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    await pair.say(b"still here")
    assert await pair.channel.receive(100) == b"still here"
    pair.channel.shutdown_write()
