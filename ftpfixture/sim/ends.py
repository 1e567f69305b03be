"""The ends of simulated connections that stand behind the sockets of blocking clients.

One rule: a call that would block lets the servers run, and one that would block for ever is an error.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from ftpfixture.net.memory import MemoryTransport
from ftpfixture.net.memory_network import MemoryListener
from ftpfixture.net.tls_layer import TlsLayer
from ftpfixture.net.transport import NOT_NOW, Transport
from ftpfixture.sim.driver import SimulatedTime

__all__ = ["ENDS", "FIRST_NUMBER", "End", "described", "ends_of", "state_of"]

T = TypeVar("T")

FIRST_NUMBER = 1 << 30
"""The numbers of simulated sockets begin here, above those of all descriptors."""


@dataclass(eq=False)
class End:
    """What stands behind a simulated socket.

    Attributes:
        driver: Runs the servers.
        timeout: Virtual seconds; None for no limit, 0 for calls that never wait.
        transport: The connection; None while it listens, or after close.
        listener: Where it listens.
        tls: TLS over the connection.
        accepted: Connections that wait for `accept`.
        options: Those that were set, by level and name.
        read_shut: Whether it receives no more.
        finalizer: Closes what was left open, as the end of a real socket does.
        number: Stands for a descriptor.
    """

    driver: SimulatedTime
    timeout: float | None
    transport: MemoryTransport | None = None
    listener: MemoryListener | None = None
    tls: TlsLayer | None = None
    accepted: deque[MemoryTransport] = field(default_factory=deque)
    options: dict[tuple[int, int], Any] = field(default_factory=dict)
    read_shut: bool = False
    finalizer: Any = None
    number: int = field(default_factory=count(FIRST_NUMBER).__next__)

    def close(self, how: str = "close") -> None:
        """Close everything.

        Args:
            how: "close", or "reset" for the connection.
        """
        transport, self.transport = self.transport, None
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.close()
            while self.accepted:
                self.accepted.popleft().reset()
        if transport is not None:
            transport.reset() if how == "reset" else transport.close()
            if not self.driver.loop.is_running():
                self.driver.go_on()

    def abandon(self) -> None:
        """The socket is gone, and was not closed."""
        if self.transport is not None or self.listener is not None:
            warnings.warn(f"unclosed socket of a simulated connection: {self}", ResourceWarning, stacklevel=2)
            self.close()

    def __str__(self) -> str:
        if self.listener is not None:
            return f"listening on {self.listener.host}:{self.listener.port}"
        return "closed" if self.transport is None else described(self.transport)

    def open(self) -> MemoryTransport:
        """The connection.

        Raises:
            OSError: There is none.
        """
        if self.transport is None:
            number = errno.ENOTCONN if self.listener is not None else errno.EBADF
            raise OSError(number, os.strerror(number))
        return self.transport

    def is_readable(self) -> bool:
        """Whether `recv` or `accept` would not wait."""
        return bool(self.accepted) if self.transport is None else self.transport.is_readable()

    def is_writable(self) -> bool:
        """Whether `send` would not wait."""
        return self.transport is not None and self.transport.is_writable()

    def complete(self, call: Callable[[], T], what: str, writes: bool = False) -> T:
        """The result of a call that may have to wait.

        Args:
            call: Raises one of `NOT_NOW` as long as it would block.
            what: What it waits for, for errors.
            writes: Whether it waits for room, where it does not say for which.

        Raises:
            TimeoutError: It takes longer than the timeout of the socket.
            BlockingIOError: The timeout is 0, and it would block.
            HangError: There is no timeout, and it will block for ever.
        """
        self.driver.virtual.check_thread()
        deadline = inf if self.timeout is None else self.driver.virtual.now + self.timeout
        while True:
            try:
                return call()
            except NOT_NOW as error:
                if self.timeout == 0:
                    raise
                transport = self.open()
                for_room = isinstance(error, ssl.SSLWantWriteError) or (writes and isinstance(error, BlockingIOError))
                ready = transport.is_writable if for_room else transport.is_readable
                left = deadline - self.driver.virtual.now
                if not self.driver.wait(ready, left, f"{what} {described(transport)}", transport.local):
                    raise TimeoutError("timed out") from None


ENDS: WeakKeyDictionary[socket.socket, End] = WeakKeyDictionary()


def state_of(sock: socket.socket) -> End:
    """What stands behind a simulated socket."""
    return ENDS[sock]


def ends_of(driver: SimulatedTime) -> list[socket.socket]:
    """The open sockets of the clients of a driver."""
    return [sock for sock, end in ENDS.items() if end.driver is driver and (end.transport or end.listener)]


def described(transport: Transport) -> str:
    """A connection with both addresses, for errors."""
    return "on the connection from {}:{} to {}:{}".format(*transport.local, *transport.peer)
