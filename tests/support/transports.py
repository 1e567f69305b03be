"""Connected transports and channels for tests."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from ftpfixture.net.channel import Channel
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.transport import Address

__all__ = [
    "BIG",
    "CountingSocket",
    "SocketPair",
    "descriptor",
    "fill",
    "one_turn",
    "reset",
    "socket_channel",
    "socket_transport",
    "tcp_pair",
]


def socket_transport(sock: socket.socket, peer: Address = ("", 0)) -> SocketTransport:
    """A connected socket as a transport of the running loop."""
    return SocketTransport(sock, asyncio.get_running_loop(), peer)


def socket_channel(sock: socket.socket, peer: Address = ("", 0), timeout: float | None = None) -> Channel:
    """A connected socket as a channel of the running loop."""
    return Channel(socket_transport(sock, peer), timeout)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two TCP sockets that are connected with each other; the first one was accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        return listener.accept()[0], far


def descriptor(channel: Channel) -> int:
    """The descriptor of the socket that a channel stands on."""
    transport = channel._transport
    assert isinstance(transport, SocketTransport)
    return transport._fd


BIG = bytes(range(256)) * (1 << 16)
"""More than any system keeps for a connection."""


async def one_turn() -> None:
    """Let everything that can run do so once."""
    await asyncio.sleep(0)


async def fill(channel: Channel) -> None:
    """Send until the socket takes no more."""
    while True:
        await channel.send(BIG)


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class CountingSocket(socket.socket):
    """Notes each send that the kernel is asked for."""

    sends: list[bytes]
    flood: int | None = None

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send, and note how that begins."""
        self.sends.append(bytes(data[:10]))
        return super().send(data, flags)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive; in a flood there is always more, and it is counted how often that was asked for."""
        if self.flood is None:
            return super().recv(bufsize, flags)
        self.flood += 1
        return b"x"


class SocketPair:
    """A channel and the plain socket at its other end."""

    def __init__(self, timeout: float | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
        self.sock = CountingSocket(fileno=accepted.detach())
        self.sock.sends = []
        self.peer.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.channel = socket_channel(self.sock, address, timeout)

    async def received(self, count: int) -> bytes:
        """The next `count` bytes that arrive at the peer."""
        content = bytearray()
        while len(content) < count:
            piece = await self.loop.sock_recv(self.peer, count - len(content))
            assert piece, f"the end came after {len(content)} bytes"
            content += piece
        return bytes(content)

    async def send(self, data: bytes) -> None:
        """Send to the channel."""
        await self.loop.sock_sendall(self.peer, data)

    def close(self) -> None:
        """Close both ends."""
        self.channel.close()
        self.peer.close()
