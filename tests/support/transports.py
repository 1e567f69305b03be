"""Connected transports and channels for tests."""

from __future__ import annotations

import asyncio
import socket

from ftpfixture.net.channel import Channel
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.transport import Address

__all__ = ["descriptor", "socket_channel", "socket_transport", "tcp_pair"]


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
