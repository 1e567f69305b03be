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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Any, TypeVar
from weakref import ReferenceType, ref

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
    number: int = field(default_factory=count(FIRST_NUMBER).__next__)

    def close(self, how: str = "close") -> None:
        """Close everything, and let the servers go on.

        Args:
            how: "close", or "reset" for the connection.
        """
        if self._close(how) and self.driver.leased and not self.driver.loop.is_running():
            self.driver.go_on()

    def _close(self, how: str) -> bool:
        """Close everything; return whether there was a connection."""
        transport, self.transport = self.transport, None
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.close()
            while self.accepted:
                self.accepted.popleft().reset()
        if transport is not None:
            transport.reset() if how == "reset" else transport.close()
        return transport is not None

    def abandon(self) -> None:
        """The socket is gone, and was not closed.

        Servers do not go on here: this is called in the middle of any other code, perhaps of a later simulation.
        """
        if self.transport is not None or self.listener is not None:
            text = str(self)
            self.driver.abandoned.append(text)
            self._close("close")
            warnings.warn(f"unclosed socket of a simulated connection: {text}", ResourceWarning, stacklevel=2)

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


class Ends:
    """The ends by their sockets, which they do not keep.

    A socket removes itself when it is freed. Weak references would not do: those to objects that are freed together
    are gone when the first of these closes its socket.
    """

    def __init__(self) -> None:
        self._ends: dict[int, tuple[ReferenceType[socket.socket], End]] = {}

    def __getitem__(self, sock: socket.socket) -> End:
        if sock not in self:  # an object that is freed with it uses it after its end
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._ends[id(sock)][1]

    def __setitem__(self, sock: socket.socket, end: End) -> None:
        self._ends[id(sock)] = ref(sock), end

    def __contains__(self, sock: socket.socket) -> bool:
        return id(sock) in self._ends

    def remove(self, sock: socket.socket) -> End:
        """Forget a socket that is freed; return its end."""
        return self._ends.pop(id(sock))[1]

    def items(self) -> Iterator[tuple[socket.socket, End]]:
        """The sockets that are in use, with their ends."""
        for reference, end in tuple(self._ends.values()):
            if (sock := reference()) is not None:
                yield sock, end


ENDS = Ends()


def state_of(sock: socket.socket) -> End:
    """What stands behind a simulated socket."""
    return ENDS[sock]


def ends_of(driver: SimulatedTime) -> list[socket.socket]:
    """The open sockets of the clients of a driver."""
    return [sock for sock, end in ENDS.items() if end.driver is driver and (end.transport or end.listener)]


def described(transport: Transport) -> str:
    """A connection with both addresses, for errors."""
    return "on the connection from {}:{} to {}:{}".format(*transport.local, *transport.peer)
