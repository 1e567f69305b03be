"""The public checks of transports and streams: all that we have passes them, and what is broken is found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.faultystream import FaultyStream
from ftpfixture.net.memory import MemoryTransport, memory_pair
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.transport import Transport
from ftpfixture.testing.certificates import ServerTls, server_context
from ftpfixture.testing.stream_check import TwoWayStream, check_two_way_stream
from ftpfixture.testing.transport_check import check_transport
from tests.support.transports import tcp_pair

TransportPair = tuple[Transport, Transport]
StreamPair = tuple[TwoWayStream, TwoWayStream]


async def sockets() -> TransportPair:
    """Two ends of a TCP connection."""
    loop, (near, far) = asyncio.get_running_loop(), tcp_pair()
    return SocketTransport(near, loop, far.getsockname()), SocketTransport(far, loop, near.getsockname())


async def memory() -> TransportPair:
    """Two ends of a connection in memory."""
    return memory_pair(asyncio.get_running_loop())


async def narrow_memory() -> TransportPair:
    """The same with little room."""
    return memory_pair(asyncio.get_running_loop(), window=20_000)


async def in_clear(connect: Callable[[], Awaitable[TransportPair]]) -> tuple[Channel, Channel]:
    """Channels over transports."""
    near, far = await connect()
    return Channel(near), Channel(far)


CONTEXTS = server_context("valid", None, None, None), ServerTls().client_context()


async def encrypted(connect: Callable[[], Awaitable[TransportPair]]) -> tuple[Channel, Channel]:
    """Channels with TLS, whose handshake goes on."""
    near, far = await in_clear(connect)
    near.start_tls(CONTEXTS[0], server_side=True)
    far.start_tls(CONTEXTS[1], server_side=False, server_hostname="localhost")
    return near, far


async def compressed(connect: Callable[[], Awaitable[TransportPair]]) -> StreamPair:
    """MODE Z over channels."""
    near, far = await in_clear(connect)
    return Deflated(near), Deflated(far)


class StreamEnd:
    """A data connection as handlers have it, which writes all or nothing."""

    def __init__(self, stream: ThrottleStreamIO) -> None:
        self._stream = stream
        self.receive = stream.receive
        self.send_end = stream.channel.send_end
        self.leave = stream.finish
        self.close = stream.close
        self.reset = stream.channel.reset

    async def send(self, data: bytes | memoryview) -> int:
        """All of it."""
        await self._stream.write(data)
        return len(data)


async def handled(
    kind: Callable[[Channel], ThrottleStreamIO], connect: Callable[[], Awaitable[TransportPair]]
) -> StreamPair:
    """What handlers have of channels."""
    near, far = await in_clear(connect)
    return StreamEnd(kind(near)), StreamEnd(kind(far))


def faulty(channel: Channel) -> FaultyStream:
    """A stream on which things go wrong when a command has faults; here none has."""
    return FaultyStream(cast(Any, None), channel, {})


KINDS: dict[str, Callable[[], Awaitable[StreamPair]]] = {
    "sockets": partial(in_clear, sockets),
    "sockets with TLS": partial(encrypted, sockets),
    "memory": partial(in_clear, memory),
    "memory with TLS": partial(encrypted, memory),
    "narrow memory": partial(in_clear, narrow_memory),
    "narrow memory with TLS": partial(encrypted, narrow_memory),
}


@pytest.mark.parametrize("connect", [sockets, memory, narrow_memory], ids=["sockets", "memory", "narrow memory"])
async def test_transports(connect: Callable[[], Awaitable[TransportPair]]) -> None:
    """Sockets do what the check expects, and so does memory, whatever its window."""
    await check_transport(connect)


@pytest.mark.parametrize("kind", KINDS)
async def test_channels(kind: str) -> None:
    """Channels are two-way streams over each transport, in clear and with TLS."""
    await check_two_way_stream(KINDS[kind])


@pytest.mark.parametrize("kind", [ThrottleStreamIO, faulty], ids=["stream", "faulty stream"])
@pytest.mark.parametrize("connect", [sockets, memory], ids=["sockets", "memory"])
async def test_streams_of_handlers(
    kind: Callable[[Channel], ThrottleStreamIO], connect: Callable[[], Awaitable[TransportPair]]
) -> None:
    """The streams of data connections are two-way streams, those that faults may change, too."""
    await check_two_way_stream(partial(handled, kind, connect))


@pytest.mark.parametrize("connect", [sockets, memory], ids=["sockets", "memory"])
async def test_mode_z(connect: Callable[[], Awaitable[TransportPair]]) -> None:
    """A compressed connection is a stream one way at a time."""
    await check_two_way_stream(partial(compressed, connect), both_at_once=False)


# What is broken.


def _recv_nothing(self: MemoryTransport, size: int) -> bytes:
    """The end, where there is nothing yet."""
    try:
        return MemoryTransport.recv(self, size)
    except BlockingIOError:
        return b""


def _peek_takes(self: MemoryTransport, size: int) -> bytes:
    data = MemoryTransport.peek(self, size)
    del self._arrived[: len(data)]
    return data


def _send_backwards(self: MemoryTransport, data: Any) -> int:
    return MemoryTransport.send(self, bytes(data)[::-1])


def _close_without_reset(self: MemoryTransport) -> None:
    if not self._closed:
        self._arrived.clear()
        MemoryTransport.close(self)


def _move_and_join(self: MemoryTransport, far: MemoryTransport) -> None:
    self.local = ("127.0.0.1", 3)
    MemoryTransport.join(self, far)


def _forgetful_reset(self: MemoryTransport) -> None:
    self._far._arrived.clear()
    MemoryTransport.reset(self)


def _call_once(self: MemoryTransport, callback: Callable[..., object] | None, *args: object) -> None:
    def once() -> None:
        MemoryTransport.on_readable(self, None)
        assert callback is not None
        callback(*args)

    MemoryTransport.on_readable(self, callback and once)


def _never_writable(self: MemoryTransport, callback: Callable[..., object] | None, *args: object) -> None:
    """Nobody is called."""


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"recv": _recv_nothing}, "nothing to receive is BlockingIOError; but it gave b''"),
    ({"peek": _peek_takes}, "peek gives what recv will give; but"),
    ({"send": _send_backwards}, "peek gives what recv will give; but it gave b'210'"),
    ({"send": lambda self, data: MemoryTransport.send(self, data) and 0}, "few bytes find room"),
    ({"on_readable": _call_once}, "called in each turn until the bytes are received; but he was called 1 times"),
    ({"on_writable": _never_writable}, "what is closed on this side is an OSError"),
    ({"shutdown_write": MemoryTransport.close}, "what a channel does every day succeeds; but OSError was raised"),
    ({"close": MemoryTransport.shutdown_write}, "what is closed on this side is an OSError"),
    ({"close": _close_without_reset}, "a close with bytes unread is ConnectionResetError once"),
    ({"reset": _close_without_reset}, "a close with bytes unread is ConnectionResetError once; but it gave b''"),
    ({"reset": _forgetful_reset}, "what came before a close with bytes unread can be received; but it gave b''"),
    ({"urgent_inline": lambda self: None}, "after urgent_inline urgent bytes are between the others"),
    ({"send_urgent": MemoryTransport.send}, "without urgent_inline the urgent byte is not received"),
    ({"join": _move_and_join}, "each end has the address of the other as its peer"),
]


@pytest.mark.parametrize(("members", "wanted"), BROKEN)
async def test_broken_transports(members: dict[str, Any], wanted: str) -> None:
    """Each broken rule is found, and told with what to do."""
    kind = type("Broken", (MemoryTransport,), members)

    async def connect() -> TransportPair:
        loop = asyncio.get_running_loop()
        here, there = ("127.0.0.1", 1), ("127.0.0.1", 2)
        near, far = kind(loop, here, there, 1 << 20), kind(loop, there, here, 1 << 20)
        near.join(far)
        return near, far

    with pytest.raises(AssertionError, match=wanted) as caught:
        await check_transport(connect)
    assert "To do: " in str(caught.value)


async def test_a_transport_that_takes_everything() -> None:
    """A window that never fills is told, and not waited for."""

    async def connect() -> TransportPair:
        return memory_pair(asyncio.get_running_loop(), window=1 << 40)

    with pytest.raises(AssertionError, match="send raises BlockingIOError when nobody receives; but 67"):
        await check_transport(connect)


class BrokenStream:
    """One end of a stream that breaks a rule."""

    def __init__(self, channel: Channel, rule: str) -> None:
        self._channel = channel
        self._rule = rule
        self.send_end = channel.send_end
        self.leave = channel.leave
        self.close = channel.close
        self.reset = channel.close if rule == "reset" else channel.reset

    async def receive(self, size: int) -> bytes:
        """Receive, more than was asked for or twice."""
        data = await self._channel.receive(size + (self._rule == "size"))
        return data[::-1] if self._rule == "order" else data

    async def send(self, data: bytes | memoryview) -> int:
        """Send, and tell something else."""
        sent = await self._channel.send(data)
        return 0 if self._rule == "count" else sent


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("size", "receive gives at most `size` bytes; but it gave 4 for 3|but it gave 65537 for 65536"),
        ("order", "all bytes arrive, in order, and then the end; but"),
        ("count", "send tells how many bytes went, at least one; but it gave 0"),
        ("reset", "reset is an error on the other side, not an end; but it gave b''"),
    ],
)
async def test_broken_streams(rule: str, wanted: str) -> None:
    """Each broken rule is found, and told with what to do."""

    async def connect() -> StreamPair:
        near, far = await in_clear(memory)
        return BrokenStream(near, rule), BrokenStream(far, rule)

    with pytest.raises(AssertionError, match=wanted) as caught:
        await check_two_way_stream(connect)
    assert "To do: " in str(caught.value)
