"""The public checks of transports and streams: all that we have passes them, and what is broken is found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.memory import memory_pair
from ftpfixture.net.socket_transport import SocketTransport
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


@pytest.mark.parametrize("connect", [sockets, memory], ids=["sockets", "memory"])
async def test_mode_z(connect: Callable[[], Awaitable[TransportPair]]) -> None:
    """A compressed connection is a stream one way at a time."""
    await check_two_way_stream(partial(compressed, connect), both_at_once=False)
