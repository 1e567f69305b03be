"""The sockets of blocking clients: after `connect` to a simulated server, a socket is an end of a connection in memory.

One rule: for a client it is the socket that it was, with the errors of one; what it cannot be, it refuses by name.
While a call waits, the servers run, in the same thread.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from math import inf
from typing import Any, NoReturn, cast

from ftpfixture.errors import SimulationError
from ftpfixture.net.hosts import is_wildcard
from ftpfixture.net.memory import MemoryTransport
from ftpfixture.net.memory_network import MemoryListener
from ftpfixture.net.network import OnTransport
from ftpfixture.net.sockets import PlainSocket
from ftpfixture.net.transport import Address, peer_name
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.ends import ENDS, End

__all__ = ["SimulatedSocket", "check_listen", "connect", "hand_over", "is_acceptable", "is_simulated", "listen"]


def is_simulated(sock: object) -> bool:
    """Whether a socket is one end of a connection in memory."""
    return isinstance(sock, SimulatedSocket)


def is_acceptable(sock: socket.socket) -> bool:
    """Whether `accept` of a simulated listener would not wait."""
    return bool(ENDS[sock].accepted)


def check_listen(sock: socket.socket) -> None:
    """Raise the error of `listen` on a simulated socket; one that listens already may do it again.

    Raises:
        OSError: It is connected, or closed.
    """
    end = ENDS[sock]
    if end.listener is None:
        number = errno.EBADF if end.transport is None else errno.EINVAL
        raise OSError(number, os.strerror(number))


# Becoming simulated.


def connect(sock: socket.socket, driver: SimulatedTime, address: Address) -> None:
    """Connect a socket in memory.

    Raises:
        OSError: As for a socket.
        SimulationError: It does not block.
    """
    timeout = sock.gettimeout()
    if timeout == 0:
        raise SimulationError(
            f"a socket that does not block connects to {address[0]}:{address[1]}, which is a simulated server: "
            "simulated are blocking clients, and asyncio on a simulated loop; use simulate=False for others"
        )
    driver.virtual.check_thread()
    local = peer_name(sock.getsockname())[0]
    start = driver.network.connect(None if is_wildcard(local) or not local else local, address)
    limit = inf if timeout is None else timeout
    what = f"the connection to {address[0]}:{address[1]}"
    transport = driver.finish(driver.loop.create_task(start), limit, what)
    _become(sock, End(driver, timeout, transport))
    driver.go_on()


def listen(sock: socket.socket, driver: SimulatedTime, backlog: int) -> None:
    """Let a bound socket listen in memory."""
    host, port = peer_name(sock.getsockname())
    end = End(driver, sock.gettimeout())
    accept = cast(OnTransport, end.accepted.append)  # a network in memory gives its own transports

    def begin() -> MemoryListener:
        try:
            return driver.network.listen(host, port, accept, backlog)
        except OSError:  # the system and the network have chosen the same port
            return driver.network.listen(host, 0, accept, backlog)

    end.listener = driver.call(begin)
    _become(sock, end)


def _become(sock: socket.socket, end: End) -> None:
    """Close the descriptor, and give the same object the methods of a simulated socket."""
    _stand_behind(sock, end)
    sock.__class__ = _simulated(type(sock))


def _stand_behind(sock: socket.socket, end: End) -> None:
    """Close the descriptor of a socket, and give it an end."""
    socket.close(PlainSocket.detach(sock))  # that of `os` is another one under pyfakefs
    sock._closed = False  # type: ignore[attr-defined]  # which detach has set
    ENDS[sock] = end


_CLASSES: dict[type[socket.socket], type[socket.socket]] = {}


def _simulated(kind: type[socket.socket]) -> type[socket.socket]:
    """A class with the layout of the given one, so that its objects may change to it."""
    if kind not in _CLASSES:
        name = f"Simulated{kind.__name__.capitalize()}"
        _CLASSES[kind] = type(name, (SimulatedSocket, kind), {"__slots__": ()})
    return _CLASSES[kind]


def hand_over(sock: socket.socket, wrapper: socket.socket) -> End:
    """Give the connection of a socket to another one that wraps it; the first has none any more."""
    end = ENDS[sock]
    ENDS[sock] = End(end.driver, end.timeout)
    PlainSocket.__init__(wrapper, sock.family, sock.type, sock.proto)
    _stand_behind(wrapper, end)
    sock.close()
    return end


def _made(driver: SimulatedTime, timeout: float | None, transport: MemoryTransport) -> socket.socket:
    sock = PlainSocket(transport.family, socket.SOCK_STREAM)
    _become(sock, End(driver, timeout, transport))
    return sock


class SimulatedSocket:
    """The methods of a simulated socket, in front of those of `socket.socket`."""

    __slots__ = ()

    # Bytes.

    def recv(self: Any, size: int, flags: int = 0) -> bytes:
        """See `socket.socket.recv`."""
        end = ENDS[self]
        if size < 0:
            raise ValueError("negative buffersize in recv")
        if end.read_shut or not size:
            return b""
        transport = end.open()
        if flags & ~(socket.MSG_PEEK | socket.MSG_WAITALL):
            _refuse(f"recv with flags={flags}")
        receive = transport.peek if flags & socket.MSG_PEEK else transport.recv
        data = end.complete(lambda: receive(size), "bytes")
        while flags == socket.MSG_WAITALL and len(data) < size:
            missing = size - len(data)
            piece = end.complete(lambda: transport.recv(missing), "bytes")  # noqa: B023 (called at once)
            if not piece:
                break
            data += piece
        return data

    def recv_into(self: Any, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """See `socket.socket.recv_into`."""
        view = memoryview(buffer).cast("B")
        if nbytes < 0:
            raise ValueError("negative buffersize in recv_into")
        if nbytes > len(view):
            raise ValueError("nbytes is greater than the length of the buffer")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def send(self: Any, data: Any, flags: int = 0) -> int:
        """See `socket.socket.send`."""
        end = ENDS[self]
        transport = end.open()
        view = memoryview(data).cast("B")
        if flags & ~(socket.MSG_OOB | getattr(socket, "MSG_NOSIGNAL", 0)):
            _refuse(f"send with flags={flags}")
        if not view:
            return 0
        send = transport.send_urgent if flags & socket.MSG_OOB else transport.send
        sent = end.complete(lambda: send(bytes(view)), "room to send", writes=True)
        end.driver.sent += 1
        if end.timeout != 0:
            end.driver.go_on()
        return sent

    def sendall(self: Any, data: Any, flags: int = 0) -> None:
        """See `socket.socket.sendall`."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view, flags) :]

    def shutdown(self: Any, how: int) -> None:
        """See `socket.socket.shutdown`."""
        end = ENDS[self]
        transport = end.open()
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            transport.shutdown_write()
        end.read_shut = end.read_shut or how in (socket.SHUT_RD, socket.SHUT_RDWR)
        end.driver.go_on()

    def accept(self: Any) -> tuple[socket.socket, Any]:
        """See `socket.socket.accept`."""
        end = ENDS[self]
        self._check_open()
        if end.listener is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if end.timeout == 0 and not end.accepted:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        limit = inf if end.timeout is None else end.timeout
        what = f"a connection to {end.listener.host}:{end.listener.port}"
        if not end.driver.wait(lambda: bool(end.accepted), limit, what):
            raise TimeoutError("timed out")
        sock = _made(end.driver, socket.getdefaulttimeout(), end.accepted.popleft())
        return sock, sock.getpeername()

    # The end.

    def _real_close(self: Any, *args: Any) -> None:
        """Called by `close`, when no file of `makefile` is open."""
        if self not in ENDS:
            return
        end = ENDS[self]
        lingers = end.options.get((socket.SOL_SOCKET, socket.SO_LINGER))
        end.close("reset" if lingers is not None and struct.unpack("ii", lingers) == (1, 0) else "close")

    def __del__(self: Any) -> None:
        if self in ENDS:
            ENDS.remove(self).abandon()

    def detach(self: Any) -> int:
        """Refuse: there is no descriptor."""
        _refuse("detach")

    def dup(self: Any) -> socket.socket:
        """Refuse: there is no descriptor."""
        _refuse("dup")

    def fileno(self: Any) -> int:
        """A number that no descriptor has; -1 after close."""
        return -1 if self._closed else ENDS[self].number

    # Settings and addresses.

    def settimeout(self: Any, value: float | None) -> None:
        """See `socket.socket.settimeout`."""
        if value is not None and value < 0:
            raise ValueError("Timeout value out of range")
        self._check_open()
        ENDS[self].timeout = value

    def gettimeout(self: Any) -> float | None:
        """See `socket.socket.gettimeout`."""
        return ENDS[self].timeout

    timeout = property(gettimeout)

    def setblocking(self: Any, flag: bool) -> None:
        """See `socket.socket.setblocking`."""
        self._check_open()
        ENDS[self].timeout = None if flag else 0.0

    def getblocking(self: Any) -> bool:
        """See `socket.socket.getblocking`."""
        return ENDS[self].timeout != 0

    def setsockopt(self: Any, level: int, name: int, value: Any, *size: int) -> None:
        """See `socket.socket.setsockopt`: SO_LINGER decides how the socket closes, the others change nothing."""
        end = ENDS[self]
        self._check_open()
        end.options[level, name] = value
        if end.transport is not None and (level, name) == (socket.SOL_SOCKET, socket.SO_OOBINLINE) and value:
            end.transport.urgent_inline()

    def getsockopt(self: Any, level: int, name: int, size: int = 0) -> Any:
        """See `socket.socket.getsockopt`: what a real socket with the same options has."""
        self._check_open()
        with PlainSocket(self.family, socket.SOCK_STREAM) as real:
            for (set_level, set_name), value in ENDS[self].options.items():
                real.setsockopt(set_level, set_name, value)
            return real.getsockopt(level, name, size) if size else real.getsockopt(level, name)

    def _check_open(self: Any) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def getsockname(self: Any) -> Any:
        """See `socket.socket.getsockname`."""
        end = ENDS[self]
        if end.listener is not None:
            return _place(self, (end.listener.host, end.listener.port))
        return _place(self, end.open().local)

    def getpeername(self: Any) -> Any:
        """See `socket.socket.getpeername`."""
        return _place(self, ENDS[self].open().peer)

    def __repr__(self: Any) -> str:
        return f"<{type(self).__name__} {ENDS[self]}>"

    def connect(self: Any, address: Any) -> None:
        """See `socket.socket.connect`: it is connected already, or closed."""
        number = self.connect_ex(address)
        raise OSError(number, os.strerror(number))

    def connect_ex(self: Any, address: Any) -> int:
        """See `socket.socket.connect_ex`."""
        return errno.EBADF if self._closed else errno.EISCONN


for _name in ("recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "sendto", "sendmsg", "sendfile"):

    def _refused(self: Any, *args: Any, _name: str = _name, **options: Any) -> NoReturn:
        _refuse(_name)

    setattr(SimulatedSocket, _name, _refused)


def _refuse(what: str) -> NoReturn:
    raise SimulationError(
        f"{what} does not work on the connection to a simulated server: use real connections for this test, with "
        "simulate=False"
    )


def _place(sock: socket.socket, address: Address) -> tuple[Any, ...]:
    host, port = address
    return (host, port, 0, 0) if sock.family == socket.AF_INET6 else (host, port)
