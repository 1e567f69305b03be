"""A raw client for tests that patch what every other client needs."""

from __future__ import annotations

import socket

from ftpfixture.net.sockets import PlainSocket
from tests.support.raw import RawClient

__all__ = ["UndisturbedClient"]


class UndisturbedClient(RawClient):
    """Connects without looking up anything in `socket`; for servers on 127.0.0.1."""

    def _connect(self, address: tuple[str, int]) -> socket.socket:
        sock = PlainSocket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(self._timeout)
        sock.connect(address)
        return sock
