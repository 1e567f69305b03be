"""Listeners that a client opens while it is connected to simulated servers: those of active mode, and others.

One rule: a listener is a real one until a simulated server connects to its port. Until then its client may also accept
real connections with it, of another thread or program.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

from ftpfixture.net.hosts import is_wildcard, same_host
from ftpfixture.net.transport import Address, peer_name
from ftpfixture.sim import sockets
from ftpfixture.sim.driver import SimulatedTime

__all__ = ["Listeners"]

Select = Callable[..., tuple[list[Any], list[Any], list[Any]]]


class Listeners:
    """The real listeners of the thread of a test.

    Args:
        driver: Of the servers that may connect to them.
        select: The real `select.select`.
    """

    def __init__(self, driver: SimulatedTime, select: Select) -> None:
        self._driver = driver
        self._select = select
        self._found: WeakKeyDictionary[socket.socket, tuple[int, int]] = WeakKeyDictionary()

    def add(self, sock: socket.socket, backlog: int) -> None:
        """Take a listener.

        The system may give it the port of one that is simulated by now, which has no descriptor. It then becomes
        simulated as well, with a port of its own.
        """
        self._found[sock] = (backlog, self._driver.sent)
        if self._driver.network.listens_on(peer_name(sock.getsockname())[1]):
            sockets.listen(sock, self._driver, backlog)

    def __contains__(self, sock: object) -> bool:
        """Whether a socket is a listener here, to which no simulated server has connected."""
        return isinstance(sock, socket.socket) and sock in self._found and not sockets.is_simulated(sock)

    def adopt(self, address: Address) -> bool:
        """Make the listener at an address a simulated one; False if there is none.

        Connections of others that it has not accepted are closed.
        """
        for sock, (backlog, _) in tuple(self._found.items()):
            if sock in self and sock.fileno() >= 0:
                host, port = peer_name(sock.getsockname())
                if port == address[1] and (is_wildcard(host) or same_host(host, address[0])):
                    sockets.listen(sock, self._driver, backlog)
                    return True
        return False

    def has_come(self, sock: socket.socket) -> bool:
        """Whether `accept` would not wait: a simulated server has connected, or another program."""
        if sockets.is_simulated(sock):
            return sockets.is_acceptable(sock)
        return bool(self._select([sock], [], [], 0)[0])

    def wait(self, sock: socket.socket) -> None:
        """Let the servers run while a client waits for a connection, if it may have told them its port.

        Raises:
            HangError: None will ever come, and the socket has no timeout.
            TimeoutError: The timeout of the socket is over.
        """
        driver, timeout = self._driver, sock.gettimeout()
        if driver.sent == self._found[sock][1] or timeout == 0:  # no server can know its port; or no wait
            driver.go_on()
            return
        what = "a connection to {}:{}".format(*peer_name(sock.getsockname()))
        if not driver.wait(lambda: self.has_come(sock), inf if timeout is None else timeout, what):
            raise TimeoutError("timed out")
