"""How clients connect.

One rule: it uses the names of `socket` as any program does, so that a test that patches them patches the client, too.
"""

from __future__ import annotations

import asyncio
import socket

from ftpfixture.net.network import BACKLOG, Listener, Network, OnTransport, SocketNetwork
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.transport import Address, Transport

__all__ = ["ClientNetwork"]


class ClientNetwork:
    """The network of clients: that of their loop, if it has one, else the network of this machine."""

    def __init__(self) -> None:
        self._machine = SocketNetwork()

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> Listener:
        """See Network."""
        return (_of_loop() or self._machine).listen(host, port, on_transport, backlog)

    async def resolve(self, host: str) -> str:
        """See Network."""
        return await (_of_loop() or self._machine).resolve(host)

    async def connect(self, local: str | None, address: Address) -> Transport:
        """See Network: on this machine host names are resolved, and each address is tried in turn.

        Raises:
            OSError: The host has no address, or no address accepts; then it is the error of the last one.
        """
        network = _of_loop()
        if network is not None:
            return await network.connect(local, address)
        loop, (host, port) = asyncio.get_running_loop(), address
        problem = OSError(f"{host} has no address")
        try:
            # The loop would resolve in another thread, which costs more than all the rest of a data connection.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, place in found:
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                problem = error  # a family that this machine does not have
                continue
            try:
                sock.setblocking(False)
                if local is not None:
                    sock.bind((local, 0))
                await loop.sock_connect(sock, place)
                return SocketTransport(sock, loop, sock.getpeername()[:2])
            except OSError as error:
                sock.close()
                problem = error
            except BaseException:
                sock.close()
                raise
        raise problem


def _of_loop() -> Network | None:
    """The network of the running loop, if it is a simulated one."""
    network: Network | None = getattr(asyncio.get_running_loop(), "network", None)
    return network
