"""How clients connect.

One rule: it asks `socket` as any program does, so that what a test does to that is true for a client, too.
"""

from __future__ import annotations

import asyncio
import socket

__all__ = ["dial"]


async def dial(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Connect to a host by name or address; its addresses are tried in turn.

    Raises:
        OSError: It has none, or none of them answers; then it is the error of the last.
    """
    problem = OSError(f"{host} has no address")
    try:
        # The loop would ask in another thread, which costs more than all the rest of a data connection.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            problem = error  # a family that this machine does not have
            continue
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise problem
