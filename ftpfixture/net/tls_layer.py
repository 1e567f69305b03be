"""TLS over any transport, by OpenSSL in memory; sockets have Python's own class for that, which is faster.

One rule: it takes one record at a time from the transport below. So what is readable below is what is readable here,
and what comes in clear behind the end of TLS is still there.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import TypeVar

from ftpfixture.net.transport import Buffer, TlsInfo, Transport

__all__ = ["TlsLayer"]

T = TypeVar("T")

_HEADER = 5  # bytes: type, version, length (RFC 8446 5.1)
_RECORD = 1 << 14  # bytes that one record carries at most


class TlsLayer:
    """TLS over a transport.

    It behaves as `ssl.SSLSocket` does on a socket that does not block, with ``suppress_ragged_eofs=False``.

    Args:
        below: In clear; the layer reads and writes it from now on.
        context: With certificates and what is asked of the other side.
        server_side: Whether this is the server of TLS.
        server_hostname: Whose certificate the other side must have, if the context checks that.
        session: An earlier one to resume.

    Raises:
        ValueError: The context checks the name of the other side, and none was given.
    """

    __slots__ = ("_below", "_header", "_incoming", "_missing", "_object", "_outgoing", "_taken", "_unsent")

    def __init__(
        self,
        below: Transport,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        if context.check_hostname and not server_side and not server_hostname:
            raise ValueError(
                "check_hostname requires server_hostname"
            )  # Python asks for that only where it has a socket
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object: ssl.SSLObject | None = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname, session=session
        )
        self._header = b""  # of the record that is being taken
        self._missing = 0  # bytes of its body
        self._unsent = memoryview(b"")  # records that the transport has not taken yet
        self._taken = 0  # bytes of the caller that are in these records

    @property
    def session(self) -> ssl.SSLSession | None:
        """See TlsTransport."""
        return self._object.session if self._object is not None else None

    def recv(self, size: int, /) -> bytes:
        """See TlsTransport."""
        if self._object is None:
            return self._below.recv(size)  # after the end of TLS
        connection = self._object
        return self._fed(lambda: connection.read(size), self._flush_some)

    def send(self, data: Buffer, /) -> int:
        """See TlsTransport."""
        if self._object is None:
            return self._below.send(data)
        if not self._taken:
            piece = memoryview(data)[:_RECORD]
            connection = self._object
            self._taken = self._fed(lambda: connection.write(piece))
        # As OpenSSL: a record that has to wait is not told of before it has gone, and the caller comes with it again.
        self._flush()
        taken, self._taken = self._taken, 0
        return taken

    def do_handshake(self) -> None:
        """See TlsTransport."""
        if self._object is not None:
            self._fed(self._object.do_handshake)
            self._flush()

    def info(self) -> TlsInfo:
        """See TlsTransport."""
        assert self._object is not None, "TLS is over"
        return TlsInfo.of(self._object)

    @property
    def established(self) -> bool:
        """See TlsTransport."""
        return self._object is not None and self._object.version() is not None

    def unwrap(self) -> None:
        """See TlsTransport."""
        if self._object is None:
            raise ValueError("TLS is over")
        self._fed(self._object.unwrap)
        self._flush()
        self._object = None

    def release(self) -> None:
        """See TlsTransport."""
        self._object = None

    # Records.

    def _fed(self, call: Callable[[], T], flush: Callable[[], None] | None = None) -> T:
        """What OpenSSL gives, fed with records for as long as there are any and it wants more.

        Before it is fed, the other side gets what OpenSSL has to say, all of it if there is no other `flush`.
        """
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                (flush or self._flush)()
                self._feed()
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # it is broken, and nobody is there to be told why
                    self._flush()  # the alert
                raise
            else:
                return result

    def _feed(self) -> None:
        """Take what there is of one record.

        Raises:
            ssl.SSLWantReadError: Nothing is there.
        """
        try:
            data = self._below.recv(self._missing or _HEADER - len(self._header))
        except BlockingIOError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the transport has nothing") from None
        if not data:
            self._incoming.write_eof()
            return
        self._incoming.write(data)
        if self._missing:
            self._missing -= len(data)
            return
        self._header += data
        if len(self._header) == _HEADER:
            self._missing = int.from_bytes(self._header[3:])
            self._header = b""

    def _flush(self) -> None:
        """Hand records to the transport.

        Raises:
            ssl.SSLWantWriteError: It has no room for all of them.
        """
        while self._unsent or self._outgoing.pending:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read())
            try:
                self._unsent = self._unsent[self._below.send(self._unsent) :]
            except BlockingIOError:
                raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "the transport has no room") from None

    def _flush_some(self) -> None:
        # Who receives must not wait for room, or two that send to each other wait for ever.
        with contextlib.suppress(ssl.SSLWantWriteError):
            self._flush()
