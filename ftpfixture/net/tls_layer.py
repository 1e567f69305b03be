"""TLS over any transport, by OpenSSL in memory; sockets use `ssl.SSLSocket`, which is faster.

One rule: it receives one record at a time from the transport below. So the layer is readable when the transport is, and
clear text after the end of TLS stays in the transport.
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

    It behaves as `ssl.SSLSocket` on a non-blocking socket, with ``suppress_ragged_eofs=False``.

    Args:
        below: A transport in clear text, which the layer reads and writes from now on.
        context: Holds the certificates and the requirements for the other side.
        server_side: Whether this side is the TLS server.
        server_hostname: Name that the other side's certificate must have, if the context checks it.
        session: TLS session of an earlier connection to resume.

    Raises:
        ValueError: The context checks the name of the other side, and `server_hostname` is missing.
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
            raise ValueError("check_hostname requires server_hostname")  # Python checks this only for sockets
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object: ssl.SSLObject | None = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname, session=session
        )
        self._header = b""  # of the record that is being received
        self._missing = 0  # bytes of its body
        self._unsent = memoryview(b"")  # records that the transport has not accepted yet
        self._taken = 0  # bytes of the caller in these records

    @property
    def connection(self) -> ssl.SSLObject | None:
        """OpenSSL's connection; None after the end of TLS."""
        return self._object

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
        # As OpenSSL: a record that waits is not reported before it was sent, and the caller sends it again.
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
        assert self._object is not None, "TLS has ended"
        return TlsInfo.of(self._object)

    @property
    def established(self) -> bool:
        """See TlsTransport."""
        return self._object is not None and self._object.version() is not None

    def unwrap(self) -> None:
        """See TlsTransport."""
        if self._object is None:
            raise ValueError("TLS has ended")
        self._fed(self._object.unwrap)
        self._flush()
        self._object = None

    def release(self) -> None:
        """See TlsTransport."""
        self._object = None

    # Records.

    def _fed(self, call: Callable[[], T], flush: Callable[[], None] | None = None) -> T:
        """The result of `call`, which gets records from the transport for as long as OpenSSL needs more.

        Before each record `flush` sends what OpenSSL has written; the default sends all of it.
        """
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                (flush or self._flush)()
                self._feed()
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # a broken connection cannot deliver the alert
                    self._flush()  # the alert
                raise
            else:
                return result

    def _feed(self) -> None:
        """Receive what has arrived of one record.

        Raises:
            ssl.SSLWantReadError: Nothing has arrived.
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
        """Send the records to the transport.

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
        # A receive must not wait for room: two sides that send to each other would wait for ever.
        with contextlib.suppress(ssl.SSLWantWriteError):
            self._flush()
