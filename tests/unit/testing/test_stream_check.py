"""The check of two-way streams passes those of the package, and finds each broken rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.faultstream import FaultyStream
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.testing.certificates import ServerTls, server_context
from ftpfixture.testing.stream_check import TwoWayStream, check_two_way_stream
from tests.support.transport_pairs import TransportPair, memory, narrow_memory, sockets

StreamPair = tuple[TwoWayStream, TwoWayStream]


async def in_clear(connect: Callable[[], Awaitable[TransportPair]]) -> tuple[Channel, Channel]:
    """Channels over transports."""
    near, far = await connect()
    return Channel(near), Channel(far)


CONTEXTS = server_context("valid", None, None, None), ServerTls().client_context()


async def encrypted(connect: Callable[[], Awaitable[TransportPair]]) -> tuple[Channel, Channel]:
    """Channels with TLS, whose handshake is in progress."""
    near, far = await in_clear(connect)
    near.start_tls(CONTEXTS[0], server_side=True)
    far.start_tls(CONTEXTS[1], server_side=False, server_hostname="localhost")
    return near, far


async def compressed(connect: Callable[[], Awaitable[TransportPair]]) -> StreamPair:
    """MODE Z over channels."""
    near, far = await in_clear(connect)
    return Deflated(near), Deflated(far)


class StreamEnd:
    """A data connection as handlers have it: a write sends everything or fails."""

    def __init__(self, stream: ThrottleStreamIO) -> None:
        self._stream = stream
        self.receive = stream.receive
        self.send_eof = stream.channel.send_eof
        self.close_when_peer_closes = stream.finish
        self.close = stream.close
        self.reset = stream.channel.reset

    async def send(self, data: bytes | memoryview) -> int:
        """Write everything."""
        await self._stream.write(data)
        return len(data)


async def handled(
    kind: Callable[[Channel], ThrottleStreamIO], connect: Callable[[], Awaitable[TransportPair]]
) -> StreamPair:
    """The streams that handlers have."""
    near, far = await in_clear(connect)
    return StreamEnd(kind(near)), StreamEnd(kind(far))


def faulty(channel: Channel) -> FaultyStream:
    """A stream that performs the faults of a command, here without one."""
    return FaultyStream(cast(Any, None), channel, {})


KINDS: dict[str, Callable[[], Awaitable[StreamPair]]] = {
    "sockets": partial(in_clear, sockets),
    "sockets with TLS": partial(encrypted, sockets),
    "memory": partial(in_clear, memory),
    "memory with TLS": partial(encrypted, memory),
    "narrow memory": partial(in_clear, narrow_memory),
    "narrow memory with TLS": partial(encrypted, narrow_memory),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_channels(kind: str) -> None:
    """Channels are two-way streams over each transport, in clear and with TLS."""
    await check_two_way_stream(KINDS[kind])


@pytest.mark.parametrize("kind", [ThrottleStreamIO, faulty], ids=["stream", "faulty stream"])
@pytest.mark.parametrize("connect", [sockets, memory], ids=["sockets", "memory"])
async def test_streams_of_handlers(
    kind: Callable[[Channel], ThrottleStreamIO], connect: Callable[[], Awaitable[TransportPair]]
) -> None:
    """The streams of data connections are two-way streams, with and without faults."""
    await check_two_way_stream(partial(handled, kind, connect))


@pytest.mark.parametrize("connect", [sockets, memory], ids=["sockets", "memory"])
async def test_mode_z(connect: Callable[[], Awaitable[TransportPair]]) -> None:
    """A compressed connection is a two-way stream that carries one direction at a time."""
    await check_two_way_stream(partial(compressed, connect), both_at_once=False)


class BrokenStream:
    """One end of a stream that breaks a rule."""

    def __init__(self, channel: Channel, rule: str) -> None:
        self._channel = channel
        self._rule = rule
        self.send_eof = channel.send_eof
        self.close_when_peer_closes = channel.close_when_peer_closes
        self.close = channel.close
        self.reset = channel.close if rule == "reset" else channel.reset

    async def receive(self, size: int) -> bytes:
        """Receive, more than was asked for or twice."""
        data = await self._channel.receive(size + (self._rule == "size"))
        return data[::-1] if self._rule == "order" else data

    async def send(self, data: bytes | memoryview) -> int:
        """Send, and return another number."""
        sent = await self._channel.send(data)
        return 0 if self._rule == "count" else sent


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("size", "receive gives at most `size` bytes; but it gave 4 for 3|but it gave 65537 for 65536"),
        ("order", "all bytes arrive, in order, and then the end; but"),
        ("count", "send returns the number of bytes sent, at least one; but it gave 0"),
        ("reset", "reset is an error on the other side, not an end; but it gave b''"),
    ],
)
async def test_broken_streams(rule: str, wanted: str) -> None:
    """Each broken rule is found, and the message has the remedy."""

    async def connect() -> StreamPair:
        near, far = await in_clear(memory)
        return BrokenStream(near, rule), BrokenStream(far, rule)

    with pytest.raises(AssertionError, match=wanted) as caught:
        await check_two_way_stream(connect)
    assert "To do: " in str(caught.value)
