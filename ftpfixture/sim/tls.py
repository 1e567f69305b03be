"""TLS of blocking clients over a connection in memory.

One rule: it is an `ssl.SSLSocket` for those who ask, and `TlsLayer` does the work.
"""

from __future__ import annotations

import socket
import ssl
import sys
from typing import Any

from ftpfixture.sim.ends import End, state_of
from ftpfixture.sim.sockets import SimulatedSocket, hand_over

__all__ = ["SimulatedTlsSocket", "wrap"]

# Before 3.13 Python raises SSLEOFError for RST, too, and so it is the end of the file for most clients.
_RAGGED = (ssl.SSLEOFError,) if sys.version_info >= (3, 13) else (ssl.SSLEOFError, ConnectionResetError)


def wrap(
    context: ssl.SSLContext,
    sock: socket.socket,
    server_side: bool = False,
    do_handshake_on_connect: bool = True,
    suppress_ragged_eofs: bool = True,
    server_hostname: str | None = None,
    session: ssl.SSLSession | None = None,
) -> SimulatedTlsSocket:
    """As `ssl.SSLContext.wrap_socket`, for a simulated socket, which is detached.

    Raises:
        OSError: The handshake failed, or the connection is broken.
        ValueError: The context does not fit.
    """
    wrapped = SimulatedTlsSocket.__new__(SimulatedTlsSocket)
    end = hand_over(sock, wrapped)
    wrapped.prepare(context, server_side, suppress_ragged_eofs, server_hostname)
    try:
        end.tls = end.open().start_tls(
            context, server_side=server_side, server_hostname=server_hostname, session=session
        )
        if do_handshake_on_connect:
            wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


class SimulatedTlsSocket(SimulatedSocket, ssl.SSLSocket):  # type: ignore[misc]
    """A simulated socket with TLS; `wrap` makes it."""

    def prepare(
        self, context: ssl.SSLContext, server_side: bool, suppress_ragged_eofs: bool, server_hostname: str | None
    ) -> None:
        """Set the attributes that users of an SSLSocket read."""
        self.server_side = server_side
        self.server_hostname = server_hostname
        self.suppress_ragged_eofs = suppress_ragged_eofs
        self._given_context = context
        self._closed = False

    @property
    def _end(self) -> End:
        return state_of(self)

    @property
    def _connection(self) -> ssl.SSLObject:
        tls = self._end.tls
        if tls is None or tls.connection is None:
            raise ValueError("No SSL wrapper around " + str(self))
        return tls.connection

    # Bytes.

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """See `ssl.SSLSocket.recv`."""
        end = self._end
        if end.tls is None:
            return super().recv(buflen, flags)
        if flags:
            raise ValueError(f"non-zero flags not allowed in calls to recv() on {type(self)}")
        tls = end.tls
        end.open()
        try:
            return end.complete(lambda: tls.recv(buflen), "bytes")
        except ssl.SSLZeroReturnError:
            return b""
        except _RAGGED:
            if self.suppress_ragged_eofs:
                return b""
            raise

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002
        """See `ssl.SSLSocket.read`."""
        return self.recv(len) if buffer is None else self.recv_into(buffer, len)

    def send(self, data: Any, flags: int = 0) -> int:
        """See `ssl.SSLSocket.send`."""
        end = self._end
        if end.tls is None:
            return super().send(data, flags)
        if flags:
            raise ValueError(f"non-zero flags not allowed in calls to send() on {type(self)}")
        tls, view = end.tls, memoryview(data).cast("B")
        end.open()
        sent = end.complete(lambda: tls.send(view), "room to send") if view else 0
        end.driver.sent += 1
        if end.timeout != 0:
            end.driver.go_on()
        return sent

    def write(self, data: Any) -> int:
        """See `ssl.SSLSocket.write`."""
        return self.send(data)

    # TLS.

    def do_handshake(self, block: bool = False) -> None:
        """See `ssl.SSLSocket.do_handshake`."""
        end = self._end
        if end.tls is not None:
            end.complete(end.tls.do_handshake, "the TLS handshake")
            end.driver.go_on()

    def unwrap(self) -> socket.socket:
        """See `ssl.SSLSocket.unwrap`: the same socket, in clear from now on."""
        end = self._end
        if end.tls is None:
            raise ValueError("No SSL wrapper around " + str(self))
        end.complete(end.tls.unwrap, "close_notify")
        end.tls = None
        end.driver.go_on()
        return self

    def shutdown(self, how: int) -> None:
        """See `ssl.SSLSocket.shutdown`: in clear from now on."""
        self._end.tls = None
        super().shutdown(how)

    def pending(self) -> int:
        """See `ssl.SSLSocket.pending`."""
        return self._connection.pending() if self._end.tls is not None else 0

    @property
    def context(self) -> ssl.SSLContext:
        """The context that was given."""
        return self._given_context

    @context.setter
    def context(self, context: ssl.SSLContext) -> None:
        self._given_context = self._connection.context = context

    @property
    def session(self) -> ssl.SSLSession | None:  # type: ignore[override]
        """The session to resume on another connection."""
        tls = self._end.tls
        return tls.session if tls is not None else None

    @property
    def session_reused(self) -> bool | None:
        """Whether the session of another connection was resumed."""
        return self._connection.session_reused if self._end.tls is not None else None

    def version(self) -> str | None:
        """See `ssl.SSLSocket.version`."""
        return self._connection.version() if self._end.tls is not None else None

    def cipher(self) -> Any:
        """See `ssl.SSLSocket.cipher`."""
        return self._connection.cipher() if self._end.tls is not None else None

    def getpeercert(self, binary_form: bool = False) -> Any:
        """See `ssl.SSLSocket.getpeercert`."""
        return self._connection.getpeercert(binary_form)

    def selected_alpn_protocol(self) -> str | None:
        """See `ssl.SSLSocket.selected_alpn_protocol`."""
        return self._connection.selected_alpn_protocol() if self._end.tls is not None else None

    def get_channel_binding(self, cb_type: str = "tls-unique") -> bytes | None:
        """See `ssl.SSLSocket.get_channel_binding`."""
        return self._connection.get_channel_binding(cb_type) if self._end.tls is not None else None
