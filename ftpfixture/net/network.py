"""Listening and connecting.

One rule: servers and clients get connections from a `Network`, and only the networks of `net` make sockets.
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
"""What a listener calls with each accepted connection; the callee owns the connection."""

BACKLOG = 1024
"""Connections that may wait to be accepted."""

ACCEPTED_AT_ONCE = 16
"""Connections that are accepted in one turn of the loop, because a new session costs time."""

_ACCEPT_AGAIN = 0.1  # seconds until the next accept after one failed for lack of descriptors or memory


class Listener(Protocol):
    """A port on which connections are accepted.

    Attributes:
        host: Numeric address.
        port: Never 0.
        on_transport: Called with each accepted connection; may be assigned.
    """

    host: str
    port: int
    on_transport: OnTransport

    @property
    def closed(self) -> bool:
        """True after `close`."""

    def accept_now(self) -> None:
        """Accept the waiting connections, `ACCEPTED_AT_ONCE` now and the rest in the loop's next turns."""

    def pause(self) -> None:
        """Accept no more connections; the backlog holds those that arrive."""

    def resume(self) -> None:
        """Accept again."""

    def fill(self) -> None:
        """Accept no more connections, and fill the backlog: connecting times out, as to an unused address."""

    def close(self) -> None:
        """Stop listening; connections still waiting are reset."""


@runtime_checkable
class Network(Protocol):
    """Listens and connects for a server or a client, on the running loop."""

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> Listener:
        """Listen; connections are accepted as soon as this returns.

        Args:
            host: Numeric address. "::" accepts IPv4 connections, too, where the system supports that.
            port: 0 for any free port.
            on_transport: Called with each accepted connection, on the loop.
            backlog: Connections that may wait.

        Raises:
            OSError: The port is in use, or the machine does not have the address.
        """

    async def connect(self, local: str | None, address: Address) -> Transport:
        """Connect.

        Args:
            local: Numeric address to connect from; None for any.
            address: Host and port; a client's network accepts host names, too.

        Raises:
            OSError: The connection is refused, or the host is unreachable.
        """

    async def resolve(self, host: str) -> str:
        """The numeric address on which a server with the setting `host` listens.

        Raises:
            ConfigurationError: `host` has no address.
        """


A_NETWORK = checks.instance_of("a network, with listen, connect and resolve", Network)
"""The check of the setting `network`."""


class SocketNetwork:
    """The network of this machine, for servers: tests that patch `socket.socket` do not affect it."""

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

    "::" also accepts IPv4 connections, as other servers do, where the system supports that; their addresses are IPv4.

    Args:
        loop: The running loop.
        host: Numeric address.
        port: 0 for any free port.
        on_transport: Called with every accepted connection, on the loop.
        backlog: Connections that may wait.

    Raises:
        OSError: The port is in use, or the machine does not have the address.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG
    ) -> None:
        self._loop = loop
        self.on_transport = on_transport
        self._retry: asyncio.TimerHandle | None = None
        self._filler: socket.socket | None = None
        self._sock = Socket(family_of(host), socket.SOCK_STREAM)
        try:
            self._sock.setblocking(False)
            if os.name == "posix":
                # A port can be used again at once; on Windows the option would let two servers share one.
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._sock.family == socket.AF_INET6:
                with contextlib.suppress(OSError):  # OpenBSD does not allow it: there "::" is IPv6 only
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
                continue  # the client closed while it waited; the next connection may be open
            except OSError:
                # Out of descriptors or memory: the socket stays readable, so a pause avoids a busy loop.
                self.pause()
                self._retry = self._loop.call_later(_ACCEPT_AGAIN, self.resume)
                return
            try:
                transport = SocketTransport(sock, self._loop, peer_name(address))
            except OSError:
                sock.close()  # the client reset it before this accept
                continue
            self.on_transport(transport)

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
        self._filler.settimeout(1)  # blocks for a moment, so that no other connection takes the last place
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
