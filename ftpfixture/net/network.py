"""Where connections come from: who listens, and who connects.

One rule: servers and clients ask a `Network`, and only the networks of this room make sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ftpfixture import checks
from ftpfixture.net.hosts import endpoint, family_of, is_wildcard, numeric, reachable
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.sockets import Socket
from ftpfixture.net.transport import Address, Transport, peer_name

__all__ = [
    "ACCEPTED_AT_ONCE",
    "A_NETWORK",
    "BACKLOG",
    "Listener",
    "Network",
    "OnTransport",
    "SocketListener",
    "SocketNetwork",
]

OnTransport = Callable[[Transport], None]
"""What a listener calls with each connection that it has accepted, and that belongs to whoever is called."""

BACKLOG = 1024
"""Connections that may wait to be accepted."""

ACCEPTED_AT_ONCE = 16
"""Connections that are accepted in one turn of the loop; what a session needs is made for each."""

_ACCEPT_AGAIN = 0.1  # seconds of rest after accept failed for want of descriptors or memory


class Listener(Protocol):
    """A port on which connections are accepted.

    Attributes:
        host: Numeric address.
        port: Never 0.
    """

    host: str
    port: int

    @property
    def closed(self) -> bool:
        """True after `close`."""

    def accept_now(self) -> None:
        """Take the connections that are waiting; of very many the rest in the loop's next turns."""

    def pause(self) -> None:
        """Leave connections waiting, as many as the backlog holds."""

    def resume(self) -> None:
        """Accept again."""

    def fill(self) -> None:
        """Let no connection in any more, not even to wait: connecting times out, as on a dead address."""

    def close(self) -> None:
        """Stop listening; connections still waiting are reset."""


@runtime_checkable
class Network(Protocol):
    """Listens and connects for a server or a client, on the running loop."""

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> Listener:
        """Listen; connections are accepted when this returns.

        Args:
            host: Numeric address. On "::" IPv4 connections are taken, too, where that is possible.
            port: 0 for one that is free.
            on_transport: Called with each accepted connection, on the loop.
            backlog: Connections that may wait.

        Raises:
            OSError: The port is taken, or the address is not of this machine.
        """

    async def connect(self, local: str | None, address: Address) -> Transport:
        """Connect.

        Args:
            local: Numeric address to connect from; None for any.
            address: Host and port; a client's network takes names, too.

        Raises:
            OSError: Refused or unreachable.
        """

    async def resolve(self, host: str) -> str:
        """The numeric address on which a server listens that is told to listen on `host`.

        Raises:
            ConfigurationError: There is none.
        """


A_NETWORK = checks.instance_of("a network, with listen, connect and resolve", Network)
"""What a server or a client may be given as its network."""


class SocketNetwork:
    """The network of this machine, for servers: what tests do to `socket.socket` does not reach it."""

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> SocketListener:
        """See Network."""
        return SocketListener(asyncio.get_running_loop(), host, port, on_transport, backlog)

    async def connect(self, local: str | None, address: Address) -> SocketTransport:
        """See Network."""
        loop = asyncio.get_running_loop()
        sock = Socket(family_of(address[0]), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if local is not None:
                sock.bind(endpoint(local, 0))
            await loop.sock_connect(sock, endpoint(*address))
            return SocketTransport(sock, loop, address)
        except BaseException:
            sock.close()
            raise

    async def resolve(self, host: str) -> str:
        """See Network."""
        return await numeric(asyncio.get_running_loop(), host)


class SocketListener:
    """A listening socket: bound and listening when the constructor returns.

    On "::" it also takes IPv4 connections, as other servers do, where the system can; their addresses are IPv4 then.

    Args:
        loop: The running loop.
        host: Numeric address.
        port: 0 for one the system chooses.
        on_transport: Called with every accepted connection, on the loop.
        backlog: Connections that may wait.

    Raises:
        OSError: The port is taken, or the address is not of this machine.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG
    ) -> None:
        self._loop = loop
        self._on_transport = on_transport
        self._retry: asyncio.TimerHandle | None = None
        self._filler: socket.socket | None = None
        self._sock = Socket(family_of(host), socket.SOCK_STREAM)
        try:
            self._sock.setblocking(False)
            if os.name == "posix":
                # So that a port can be used again at once; on Windows the option would let two servers share one.
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._sock.family == socket.AF_INET6:
                with contextlib.suppress(OSError):  # OpenBSD keeps the families apart: there "::" is IPv6 alone
                    self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not is_wildcard(host))
            self._sock.bind(endpoint(host, port))
            self._sock.listen(backlog)
        except BaseException:
            self._sock.close()
            raise
        self.host, self.port = peer_name(self._sock.getsockname())
        self.resume()

    @property
    def closed(self) -> bool:
        """See Listener."""
        return self._sock.fileno() < 0

    def accept_now(self) -> None:
        """See Listener."""
        for _ in range(ACCEPTED_AT_ONCE):
            if self.closed:
                return
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # the client gave up while it waited; the next one may be fine
            except OSError:
                # Out of descriptors or memory: the socket stays readable, so look away for a moment.
                self.pause()
                self._retry = self._loop.call_later(_ACCEPT_AGAIN, self.resume)
                return
            try:
                transport = SocketTransport(sock, self._loop, peer_name(address))
            except OSError:
                sock.close()  # reset before we looked
                continue
            self._on_transport(transport)

    def pause(self) -> None:
        """See Listener."""
        if not self.closed:
            self._loop.remove_reader(self._sock.fileno())

    def resume(self) -> None:
        """See Listener."""
        if not self.closed:
            self._loop.add_reader(self._sock.fileno(), self.accept_now)

    def fill(self) -> None:
        """See Listener."""
        self.pause()
        self._sock.listen(0)
        self._filler = Socket(self._sock.family, socket.SOCK_STREAM)
        self._filler.settimeout(1)  # it takes no time, and before it is done there is room for somebody else
        with contextlib.suppress(OSError):
            self._filler.connect(endpoint(reachable(self.host), self.port))

    def close(self) -> None:
        """See Listener."""
        if self._retry is not None:
            self._retry.cancel()
        self.pause()
        self._sock.close()
        if self._filler is not None:
            self._filler.close()
