"""The sockets of servers, which work although a test patches `socket.socket`.

pytest-socket and `unittest.mock` replace that name, or its `connect`, to block the code under test; a server still
listens, accepts and connects. One rule: a forked child has no open socket of a server.
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
    # Found in the bases of the current class: this module may be imported while pytest-socket is active.
    PlainSocket = next(kind for kind in socket.socket.__mro__ if kind.__module__ == "socket")
    """The unpatched `socket.socket`; its methods also work below TLS."""

_OPEN: WeakSet[socket.socket] = WeakSet()


class Socket(PlainSocket):
    """A socket of a server; it is closed in a forked child.

    Args:
        family: As for `socket.socket`.
        type: As for `socket.socket`.
        proto: As for `socket.socket`.
        fileno: An existing descriptor.
    """

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
        super().__init__(family, type, proto, fileno)
        _OPEN.add(self)

    def accept(self) -> tuple[Socket, Any]:
        """Accept a waiting connection; `socket.socket.accept` would use the patched class."""
        own: Any = self  # the method in C has no types
        descriptor, address = own._accept()
        return Socket(self.family, self.type, self.proto, descriptor), address

    def connect(self, address: Any) -> None:
        """See `socket.socket.connect`."""
        _socket.socket.connect(self, address)


def inherit(new: socket.socket, old: socket.socket) -> None:
    """Register `new`, which has the descriptor of `old`, as a server's socket if `old` was one."""
    if old in _OPEN:
        _OPEN.add(new)


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets that are connected to each other."""
    if not hasattr(_socket, "socketpair"):
        return _pair()
    first, second = _socket.socketpair()
    return Socket(fileno=first.detach()), Socket(fileno=second.detach())


_pair = socket.socketpair  # on Windows: made of two connected sockets


@in_child
def _close_all() -> None:
    # The parent has the same sockets open, so closing sends no FIN; and the parent can free its ports.
    for sock in tuple(_OPEN):
        sock.close()
    _OPEN.clear()
