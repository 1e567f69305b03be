"""Clients that connect to a listener."""

from __future__ import annotations

import asyncio
import socket

from ftpfixture.net.transport import Address, Transport

__all__ = ["HOST", "Guests", "is_gone"]

HOST = "127.0.0.1"


class Guests:
    """The accepted connections."""

    def __init__(self) -> None:
        self.transports: list[Transport] = []
        self._came: asyncio.Queue[Transport] = asyncio.Queue()

    def __call__(self, transport: Transport) -> None:
        """Let one in."""
        self.transports.append(transport)
        self._came.put_nowait(transport)

    async def next(self) -> Address:
        """The address of the next one."""
        transport = await asyncio.wait_for(self._came.get(), 5)
        return transport.peer


def is_gone(sock: socket.socket) -> bool:
    """True when the other side closes without a word; waits for that."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
