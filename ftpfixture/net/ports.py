"""Listening and connecting: the control port, passive data ports, the port pool, active connections."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable

from ftpfixture.errors import NoAvailablePort
from ftpfixture.net.channel import peer_name
from ftpfixture.net.hosts import endpoint, family_of, is_wildcard, reachable, same_host
from ftpfixture.net.sockets import Socket

__all__ = [
    "Listener",
    "PassiveListener",
    "PortPool",
    "connect",
]

OnSocket = Callable[[socket.socket, tuple[str, int]], None]
"""What a listener calls with an accepted socket and the address of its other end."""

_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 16  # connections; what a session needs is made for each
_ACCEPT_AGAIN = 0.1  # seconds of rest after accept failed for want of descriptors or memory


class Listener:
    """A listening socket: bound and listening when the constructor returns.

    On "::" it also takes IPv4 connections, as other servers do, where the system can; their addresses are IPv4 then.

    Args:
        loop: The running loop.
        host: Numeric address.
        port: 0 for one the system chooses.
        on_socket: Called with every accepted socket, on the loop.

    Raises:
        OSError: The port is taken, or the address is not of this machine.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, on_socket: OnSocket) -> None:
        self._loop = loop
        self._on_socket = on_socket
        self._retry: asyncio.TimerHandle | None = None
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
            self._sock.listen(_BACKLOG)
        except BaseException:
            self._sock.close()
            raise
        self.host, self.port = peer_name(self._sock.getsockname())
        self._loop.add_reader(self._sock.fileno(), self.accept_now)

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._sock.fileno() < 0

    def accept_now(self) -> None:
        """Take the connections that are waiting; of very many the rest in the loop's next turns."""
        for _ in range(_ACCEPTED_AT_ONCE):
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
            self._on_socket(sock, peer_name(address))

    def pause(self) -> None:
        """Leave connections waiting in the system's queue."""
        if not self.closed:
            self._loop.remove_reader(self._sock.fileno())

    def resume(self) -> None:
        """Accept again."""
        if not self.closed:
            self._loop.add_reader(self._sock.fileno(), self.accept_now)

    def fill(self) -> socket.socket:
        """Let no connection in any more, not even into the system's queue: connecting times out, as on a dead address.

        Returns:
            What fills the queue; close it after the listener.
        """
        self.pause()
        self._sock.listen(0)
        filler = Socket(self._sock.family, socket.SOCK_STREAM)
        filler.settimeout(1)  # it takes no time, and before it is done there is room for somebody else
        with contextlib.suppress(OSError):
            filler.connect(endpoint(reachable(self.host), self.port))
        return filler

    def close(self) -> None:
        """Stop listening; connections still waiting are reset by the system."""
        if self._retry is not None:
            self._retry.cancel()
        self.pause()
        self._sock.close()


class PortPool:
    """Data ports that listeners may use, handed out in turn.

    Args:
        ports: The candidates.
    """

    def __init__(self, ports: Iterable[int]) -> None:
        self._free = deque(ports)

    def listen(self, loop: asyncio.AbstractEventLoop, host: str, on_socket: OnSocket) -> Listener:
        """Listen on the first free port; give it back with `release`.

        Raises:
            NoAvailablePort: All are taken, by us or by others.
        """
        for _ in range(len(self._free)):
            port = self._free.popleft()
            try:
                return Listener(loop, host, port, on_socket)
            except OSError as error:
                self._free.append(port)
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
        raise NoAvailablePort(errno.EADDRINUSE, "every data port is in use")

    def release(self, port: int) -> None:
        """Take a port back."""
        self._free.append(port)

    def __len__(self) -> int:
        return len(self._free)


class PassiveListener:
    """The data listener of one session, armed by PASV or EPSV for one connection at a time.

    It stays open between transfers (opening one costs more than keeping it, and thousands of transfers would use up
    ports in TIME_WAIT), unless its port comes from a pool that others wait for. A connection that nobody asked for,
    or from a host that may not connect (RFC 2577 4), is closed at once.

    Args:
        loop: The running loop.
        host: Numeric local address.
        client: Numeric address that may connect; None for all.
        pool: Where ports come from; None for any.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, client: str | None, pool: PortPool | None) -> None:
        self._loop = loop
        self._host = host
        self._client = client
        self._pool = pool
        self._listener: Listener | None = None
        self._on_connection: OnSocket | None = None
        self._filler: socket.socket | None = None
        self._deaf = False

    def arm(self, on_connection: OnSocket) -> int:
        """Expect one connection; it will be handed to `on_connection`.

        Returns:
            The port.

        Raises:
            NoAvailablePort: The pool is used up.
            OSError: The system has no port left.
        """
        self._on_connection = None
        if self._deaf:
            self.close()
        if self._listener is not None:
            # What connected for the last PASV and was not used belongs to nobody now.
            self._listener.accept_now()
        elif self._pool is not None:
            self._listener = self._pool.listen(self._loop, self._host, self._accepted)
        else:
            self._listener = Listener(self._loop, self._host, 0, self._accepted)
        self._on_connection = on_connection
        return self._listener.port

    @property
    def port(self) -> int:
        """The port in use, 0 when there is none."""
        return self._listener.port if self._listener is not None else 0

    def accept_now(self) -> None:
        """Look whether the expected connection is there already."""
        if self._listener is not None and not self._deaf:
            self._listener.accept_now()

    def ignore(self, *, unreachable: bool = False) -> None:
        """Take no connection until armed again.

        Args:
            unreachable: Whether connecting shall time out; else it succeeds, and nothing comes.
        """
        if self._listener is not None:
            self._deaf = True
            if unreachable:
                self._filler = self._listener.fill()
            else:
                self._listener.pause()

    def disarm(self) -> None:
        """Expect nothing any more; a port of the pool goes back to it."""
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
        if self._filler is not None:
            self._filler.close()
            self._filler = None
        self._deaf = False

    def _accepted(self, sock: socket.socket, address: tuple[str, int]) -> None:
        expected = self._on_connection
        if expected is None or not (self._client is None or same_host(address[0], self._client)):
            sock.close()
            return
        self.disarm()
        expected(sock, address)


async def connect(loop: asyncio.AbstractEventLoop, local_host: str, address: tuple[str, int]) -> socket.socket:
    """Connect from `local_host` to a numeric address.

    Raises:
        OSError: Refused or unreachable.
    """
    sock = Socket(family_of(address[0]), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(endpoint(local_host, 0))
        await loop.sock_connect(sock, endpoint(*address))
    except BaseException:
        sock.close()
        raise
    return sock
