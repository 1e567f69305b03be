"""Data ports: the pool of a server, and the passive listener of a session."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable

from ftpfixture.errors import NoAvailablePort
from ftpfixture.net.hosts import same_host
from ftpfixture.net.network import Listener, Network, OnTransport
from ftpfixture.net.transport import Transport

__all__ = ["PassiveListener", "PortPool"]


class PortPool:
    """The data ports that listeners may use, in turn.

    Args:
        ports: The port numbers.
    """

    def __init__(self, ports: Iterable[int]) -> None:
        self._free = deque(ports)

    def listen(self, network: Network, host: str, on_transport: OnTransport) -> Listener:
        """Listen on the first free port; `release` returns it to the pool.

        Raises:
            NoAvailablePort: All ports are in use, by this server or by other programs.
        """
        for _ in range(len(self._free)):
            port = self._free.popleft()
            try:
                return network.listen(host, port, on_transport)
            except OSError as error:
                self._free.append(port)
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
        raise NoAvailablePort(errno.EADDRINUSE, "every data port is in use")

    def release(self, port: int) -> None:
        """Return a port to the pool."""
        self._free.append(port)

    def __len__(self) -> int:
        return len(self._free)


class PassiveListener:
    """The data listener of one session, armed by PASV or EPSV for one connection at a time.

    It stays open between transfers (opening one costs more than keeping it, and thousands of transfers would use up
    ports in TIME_WAIT), unless its port comes from a pool that other sessions share. An unexpected connection, or one
    from a host that may not connect (RFC 2577 4), is closed at once.

    Args:
        network: Listens.
        host: Numeric local address.
        client: Numeric address that may connect; None for all.
        pool: The ports to use; None for any port.

    Attributes:
        ignoring: Whether it accepts no connection until the next `arm`.
    """

    def __init__(self, network: Network, host: str, client: str | None, pool: PortPool | None) -> None:
        self._network = network
        self._host = host
        self._client = client
        self._pool = pool
        self._listener: Listener | None = None
        self._on_connection: OnTransport | None = None
        self.ignoring = False

    def arm(self, on_connection: OnTransport) -> int:
        """Expect one connection; `on_connection` gets it.

        Returns:
            The port.

        Raises:
            NoAvailablePort: Every port of the pool is in use.
            OSError: The system has no free port.
        """
        self._on_connection = None
        if self.ignoring:
            self.close()
        if self._listener is not None:
            # A connection that arrived for an earlier PASV and was not used is closed.
            self._listener.accept_now()
        elif self._pool is not None:
            self._listener = self._pool.listen(self._network, self._host, self._accepted)
        else:
            self._listener = self._network.listen(self._host, 0, self._accepted)
        self._on_connection = on_connection
        return self._listener.port

    @property
    def port(self) -> int:
        """The port of the listener; 0 without one."""
        return self._listener.port if self._listener is not None else 0

    def accept_now(self) -> None:
        """Accept the expected connection if it has arrived."""
        if self._listener is not None and not self.ignoring:
            self._listener.accept_now()

    def ignore(self, *, unreachable: bool = False) -> None:
        """Accept no connection until `arm` is called again.

        Args:
            unreachable: Whether connecting times out; else it succeeds, and the server sends nothing.
        """
        if self._listener is not None:
            self.ignoring = True
            if unreachable:
                self._listener.fill()
            else:
                self._listener.pause()

    def disarm(self) -> None:
        """Stop expecting a connection; a port of the pool is returned to it."""
        self._on_connection = None
        if self._pool is not None:
            self.close()

    def close(self) -> None:
        """Stop listening."""
        self._on_connection = None
        if self._listener is not None:
            self._listener.close()
            if self._pool is not None:
                self._pool.release(self._listener.port)
            self._listener = None
        self.ignoring = False

    def _accepted(self, transport: Transport) -> None:
        expected = self._on_connection
        if expected is None or not (self._client is None or same_host(transport.peer[0], self._client)):
            transport.close()
            return
        self.disarm()
        expected(transport)
