"""The sockets of servers, which what tests do to `socket.socket` and to the process does not reach.

pytest-socket and `unittest.mock` put something else in the place of that name, and of its `connect`, to stop the code
under test; a server listens, accepts and connects back all the same. One rule: a forked child has none of them.
"""

from __future__ import annotations

import _socket
import socket
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ftpfixture.forks import in_child

__all__ = ["PlainSocket", "Socket", "inherit", "socket_pair"]

if TYPE_CHECKING:
    from socket import socket as PlainSocket
else:
    # Of the class that has the name now, because this module may be imported while pytest-socket is active.
    PlainSocket = next(kind for kind in socket.socket.__mro__ if kind.__module__ == "socket")
    """What `socket.socket` is when nobody has patched it; its methods work below TLS, too."""

_OPEN: WeakSet[socket.socket] = WeakSet()


class Socket(PlainSocket):
    """A socket of a server, on this machine as a rule; it is closed in a forked child.

    Args:
        family: As for `socket.socket`, like the others.
        type: The kind.
        proto: The protocol.
        fileno: Of a descriptor that there is already.
    """

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
        super().__init__(family, type, proto, fileno)
        _OPEN.add(self)

    def accept(self) -> tuple[Socket, Any]:
        """Take a connection that waits; see `socket.socket.accept`, which makes whatever has that name at the time."""
        own: Any = self  # the method of the C part has no types
        descriptor, address = own._accept()
        return Socket(self.family, self.type, self.proto, descriptor), address

    def connect(self, address: Any) -> None:
        """See `socket.socket.connect`."""
        _socket.socket.connect(self, address)


def inherit(new: socket.socket, old: socket.socket) -> None:
    """Count `new`, which has the descriptor that `old` had, among the sockets of servers if that was one."""
    if old in _OPEN:
        _OPEN.add(new)


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets that are connected to each other."""
    if not hasattr(_socket, "socketpair"):
        return _pair()
    first, second = _socket.socketpair()
    return Socket(fileno=first.detach()), Socket(fileno=second.detach())


_pair = socket.socketpair  # on Windows: made of two connected ones


@in_child
def _close_all() -> None:
    # Closing says nothing while the parent has the same socket open, and lets it free its ports.
    for sock in tuple(_OPEN):
        sock.close()
    _OPEN.clear()
