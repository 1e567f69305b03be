"""A network in memory: servers and clients of one loop connect without sockets.

One rule: it has the errors of a real one. A port without a listener refuses; with a full queue a connect waits.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
from collections import deque
from collections.abc import Callable

from ftpfixture.errors import ConfigurationError
from ftpfixture.net.hosts import family_of, is_numeric, is_wildcard, numeric, reachable, same_host, spelled
from ftpfixture.net.memory import WINDOW, WINDOW_SIZE, MemoryTransport, Readiness, memory_pair
from ftpfixture.net.network import ACCEPTED_AT_ONCE, BACKLOG, OnTransport
from ftpfixture.net.transport import Address

__all__ = ["MemoryListener", "MemoryNetwork"]

_FREE_PORTS = range(49152, 65536)  # the dynamic ports (RFC 6335 6)


class MemoryNetwork:
    """A separate network: only servers and clients that got the same object reach each other.

    Every numeric address is a host of it. The only name it resolves is "localhost".

    Args:
        window: Bytes that one side of a connection may send before the other receives any.
        ports: Those that are given when any will do.

    Attributes:
        on_unknown: Called with an address on which nothing listens when it is connected to; returns whether something
            listens there now.

    Raises:
        ConfigurationError: The window is too small.
    """

    def __init__(self, window: int = WINDOW, ports: range = _FREE_PORTS) -> None:
        self._window = WINDOW_SIZE("window", window)
        self._listeners: set[MemoryListener] = set()
        self._ports = itertools.cycle(ports)
        self._addresses: set[Address] = set()
        self.on_unknown: Callable[[Address], bool] | None = None

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> MemoryListener:
        """See Network."""
        if port and any(other.port == port and _overlap(other.host, host) for other in self._listeners):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        port = port or self._free_port()
        self._addresses.add((host, port))
        return MemoryListener(self._listeners, (host, port), on_transport, backlog)

    @property
    def ports(self) -> frozenset[int]:
        """The ports on which something listens, or has listened."""
        return frozenset(port for _, port in self._addresses)

    @property
    def hosts(self) -> frozenset[str]:
        """The addresses on which something listens, or has listened."""
        return frozenset(host for host, _ in self._addresses)

    def knows(self, address: Address) -> bool:
        """Whether something listens on this address, or has listened on it; the host is a numeric address."""
        return any(port == address[1] and _reaches(address[0], host) for host, port in self._addresses)

    def listens_on(self, port: int) -> bool:
        """Whether something listens on this port of any address now."""
        return any(listener.port == port for listener in self._listeners)

    def _free_port(self) -> int:
        taken = {listener.port for listener in self._listeners}
        return next(port for port in self._ports if port not in taken)

    async def connect(self, local: str | None, address: Address) -> MemoryTransport:
        """See Network.

        Raises:
            RuntimeError: The listener there runs on another loop.
        """
        known, port = _known(address[0]), address[1]
        if known is None:
            raise OSError(
                errno.EHOSTUNREACH,
                f"{address[0]!r} is not known in a network in memory: give a numeric address, or 'localhost'",
            )
        host = reachable(known)
        loop = asyncio.get_running_loop()
        while True:
            listener = self._listener(host, port)
            if listener is None and self.on_unknown is not None and self.on_unknown((host, port)):
                listener = self._listener(host, port)
            if listener is None:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            if _time_of(listener.loop) is not _time_of(loop):
                raise RuntimeError("a network in memory is for servers and clients of one loop")
            if not listener.full:
                break
            await listener.change()
        here = (local or host, self._free_port())
        near, far = memory_pair(loop, (here, (host, port)), self._window, listener.loop)
        listener.enqueue(far)
        return near

    def _listener(self, host: str, port: int) -> MemoryListener | None:
        return next((one for one in self._listeners if one.port == port and _reaches(host, one.host)), None)

    async def resolve(self, host: str) -> str:
        """See Network."""
        address = _known(host)
        if address is None:
            raise ConfigurationError(
                f"host={host!r} is not known in a network in memory: give a numeric address, or 'localhost'"
            )
        return await numeric(asyncio.get_running_loop(), address)


class MemoryListener:
    """A port of a network in memory.

    Args:
        listeners: All open listeners of the network.
        address: Host and port.
        on_transport: Called with every accepted connection, on the running loop.
        backlog: Connections that may wait.
    """

    def __init__(
        self, listeners: set[MemoryListener], address: Address, on_transport: OnTransport, backlog: int
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.host, self.port = address
        self._listeners = listeners
        self._listeners.add(self)
        self.on_transport = on_transport
        self._backlog = backlog
        self._waiting: deque[MemoryTransport] = deque()
        self._filled = False
        self._changes: dict[asyncio.Future[None], None] = {}  # in order
        self._acceptable = Readiness(self.loop, lambda: bool(self._waiting))
        self.resume()

    @property
    def closed(self) -> bool:
        """See Listener."""
        return self not in self._listeners

    @property
    def full(self) -> bool:
        """Whether the queue has no room for another connection."""
        return self._filled or len(self._waiting) > self._backlog

    async def change(self) -> None:
        """Wait until the queue has room again, or the listener is closed."""
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changes[change] = None
        try:
            await change
        finally:
            del self._changes[change]

    def _changed(self) -> None:
        for change in self._changes:
            if not change.done():
                change.set_result(None)

    def enqueue(self, transport: MemoryTransport) -> None:
        """Queue a connection until it is accepted."""
        self._waiting.append(transport)
        self._acceptable.look()

    def accept_now(self) -> None:
        """See Listener."""
        for _ in range(ACCEPTED_AT_ONCE):
            if not self._waiting:
                return
            transport = self._waiting.popleft()
            self._changed()
            self.on_transport(transport)

    def pause(self) -> None:
        """See Listener."""
        self._acceptable.set_callback(None)

    def resume(self) -> None:
        """See Listener."""
        if not self.closed:
            self._acceptable.set_callback(self.accept_now)

    def fill(self) -> None:
        """See Listener."""
        self.pause()
        self._filled = True

    def close(self) -> None:
        """See Listener."""
        self.pause()
        self._listeners.discard(self)
        while self._waiting:
            self._waiting.popleft().reset()
        self._changed()


def _time_of(loop: asyncio.AbstractEventLoop) -> object:
    """What two loops have in common that run in turns on one thread; a real loop has only itself."""
    return getattr(loop, "virtual", loop)


def _known(host: str) -> str | None:
    """The numeric address of a host; None for an unknown name."""
    if host == "localhost":
        return "127.0.0.1"
    return spelled(host) if is_numeric(host) else None


def _reaches(host: str, listening: str) -> bool:
    """Whether connecting to `host` reaches a listener on `listening`; "::" accepts both families."""
    if is_wildcard(listening):
        return listening == "::" or family_of(host) == family_of(listening)
    return same_host(host, listening)


def _overlap(one: str, other: str) -> bool:
    """Whether two listeners on the same port would accept each other's connections."""
    return _reaches(one, other) or _reaches(other, one)
