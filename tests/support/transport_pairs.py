"""Pairs of transports, of sockets and in memory."""

from __future__ import annotations

import asyncio

from ftpfixture.net.memory import memory_pair
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.transport import Transport
from tests.support.transports import tcp_pair

__all__ = ["TransportPair", "memory", "narrow_memory", "sockets"]

TransportPair = tuple[Transport, Transport]


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
