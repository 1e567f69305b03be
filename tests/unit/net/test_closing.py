"""Every way to end a connection in clear text: what the other side sees, and what is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.socket_transport import SocketTransport
from tests.support.transports import BIG, SocketPair, fill, one_turn, reset


async def test_close_sends_fin_after_the_last_byte(pair: SocketPair) -> None:
    """Bytes written before `close` still arrive, and then the end of the stream."""
    pair.channel.send_now(b"bye")
    pair.channel.close()

    assert await pair.received(3) == b"bye"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.channel.closed


async def test_close_ends_a_waiting_receive(pair: SocketPair) -> None:
    """A waiting receive raises ConnectionAbortedError when the channel is closed on this side."""
    receiver = asyncio.create_task(pair.channel.receive(1))
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(receiver, 5)


async def test_close_ends_a_waiting_send(pair: SocketPair) -> None:
    """A waiting send raises ConnectionAbortedError."""
    sender = asyncio.create_task(fill(pair.channel))
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(sender, 5)


async def test_a_closed_channel_discards_everything(pair: SocketPair) -> None:
    """After `close` all calls that cannot wait do nothing, and those that can wait raise OSError."""
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


async def test_close_after_flush_delivers_with_unread_bytes(pair: SocketPair) -> None:
    """With unread bytes on this side, the peer still reads the last reply and then the end, not a reset."""
    await pair.send(b"NOOP\r\n" * 1000)
    pair.channel.send_now(b"421 shutting down\r\n")

    pair.channel.close_after_flush()

    assert await pair.received(19) == b"421 shutting down\r\n"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    assert pair.peer.send(b"QUIT\r\n") == 6  # after an RST this send would fail
    assert pair.channel.closed


async def test_close_after_flush_under_a_flood(pair: SocketPair) -> None:
    """A peer that never stops sending does not keep the channel open."""
    pair.sock.flood = 0
    pair.channel.close_after_flush()

    assert pair.channel.closed
    assert 10 < pair.sock.flood < 1000


def test_close_after_the_loop() -> None:
    """A channel whose loop is closed can still be closed."""
    near, far = socket.socketpair()
    loop = asyncio.new_event_loop()
    channel = Channel(SocketTransport(near, loop, ("", 0)))
    loop.close()
    channel.close()

    with far:
        assert far.recv(1) == b""


async def test_close_after_flush_after_the_peer_closed(pair: SocketPair) -> None:
    """A peer that has closed before causes no error."""
    reset(pair.peer)

    pair.channel.close_after_flush()

    assert pair.channel.closed


@pytest.mark.parametrize("count", [0, 1, 1 << 16])
async def test_wait_sent_before_a_reset(pair: SocketPair, count: int) -> None:
    """Bytes sent reach the peer before RST after `wait_sent`, also if the peer reads late (Linux)."""
    await pair.channel.send(b"x" * count) if count else None
    await pair.channel.wait_sent()
    pair.channel.reset()

    assert await pair.received(count) == b"x" * count
    with pytest.raises(ConnectionResetError):
        await pair.received(1)


async def test_wait_sent_waits_for_the_reader(pair: SocketPair) -> None:
    """`wait_sent` returns when the peer has received enough, and does nothing on a closed channel."""
    rest = memoryview(BIG)
    while rest:
        try:
            rest = rest[pair.sock.send(rest) :]
        except BlockingIOError:
            break
    waiting = asyncio.ensure_future(pair.channel.wait_sent())
    await one_turn()
    assert not waiting.done()

    await pair.received(len(BIG) - len(rest))
    await waiting
    pair.channel.close()
    await pair.channel.wait_sent()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_wait_closed(pair: SocketPair, how: str) -> None:
    """`wait_closed` discards whatever arrives, until the peer closes or resets."""
    waiting = asyncio.ensure_future(pair.channel.wait_closed())
    await pair.send(bytes(1 << 17))
    await one_turn()
    assert not waiting.done()

    (reset if how == "reset" else socket.socket.close)(pair.peer)

    await waiting


async def test_wait_closed_on_this_side(pair: SocketPair) -> None:
    """`wait_closed` raises an error when the channel is closed."""
    waiting = asyncio.ensure_future(pair.channel.wait_closed())
    await one_turn()

    pair.channel.close()

    with pytest.raises(ConnectionAbortedError):
        await waiting


async def test_wait_closed_times_out() -> None:
    """Silence longer than the channel's timeout is an error."""
    pair = SocketPair(timeout=0.001)
    with pytest.raises(TimeoutError):
        await pair.channel.wait_closed()
    pair.close()


async def test_abort_fin_with_unread_bytes(pair: SocketPair) -> None:
    """`abort_fin` sends FIN after what was sent, and no RST, with unread bytes of the peer."""
    await pair.channel.send(b"some")
    await pair.send(bytes(1000))

    pair.channel.abort_fin()

    assert pair.channel.closed
    assert await pair.received(4) == b"some"
    assert await pair.loop.sock_recv(pair.peer, 1) == b""


async def test_shutdown_write(pair: SocketPair) -> None:
    """After `shutdown_write` the peer has its end, and can still send."""
    pair.channel.shutdown_write()

    assert await pair.loop.sock_recv(pair.peer, 1) == b""
    await pair.send(b"still here")
    assert await pair.channel.receive(100) == b"still here"
    pair.channel.shutdown_write()
