"""The ways to close a connection, each a few steps, and their effect on the other side.

One rule: a way is a row of this table and nothing else.

| way         | close_notify | FIN or RST         | unread bytes | what the other side sees                       |
|-------------|--------------|--------------------|--------------|------------------------------------------------|
| CLOSE       | no           | FIN; RST if unread | left         | the end in clear text, a truncation under TLS  |
| AFTER_FLUSH | yes          | FIN                | discarded    | the end, after all that was sent               |
| ABORT_FIN   | no           | FIN                | discarded    | the end in clear text, a truncation under TLS  |
| RESET       | no           | RST                | left         | an error, perhaps before what was sent         |
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable

from ftpfixture.net.transport import TlsTransport, Transport

__all__ = ["ABORT_FIN", "AFTER_FLUSH", "CLOSE", "RESET", "Way", "close", "send_fin"]

Step = Callable[[Transport, TlsTransport | None], None]

Way = tuple[Step, ...]
"""The steps before a transport is closed; the first that finds the connection broken is the last."""

_DISCARDS = 64  # reads of unread bytes, before a connection is closed in any case
_READ = 1 << 16


def close(way: Way, transport: Transport, tls: TlsTransport | None) -> None:
    """Close a connection.

    Args:
        way: The steps before the close.
        transport: The connection in clear text, or what is below TLS.
        tls: TLS over it, if there is any.
    """
    for step in way:
        try:
            step(transport, tls)
        except OSError:
            break  # the connection is broken: the other steps have no effect
    transport.close()


def send_close_notify(transport: Transport, tls: TlsTransport | None) -> None:
    """Send close_notify, without waiting for the other side's or for the end of a handshake."""
    if tls is not None and tls.established:
        with contextlib.suppress(ssl.SSLError):
            tls.unwrap()


def send_fin(transport: Transport, tls: TlsTransport | None = None) -> None:
    """Send FIN after what was sent; receiving stays possible."""
    transport.shutdown_write()


def drop_unread(transport: Transport, tls: TlsTransport | None) -> None:
    """Receive and discard unread bytes: a system that closes with unread bytes sends RST, after the FIN or instead.

    RST may discard what the other side has not read yet, such as the last reply.
    """
    for _ in range(_DISCARDS):
        if not transport.recv(_READ):
            return


def send_rst(transport: Transport, tls: TlsTransport | None) -> None:
    """Send RST; what the system has not transmitted is lost."""
    transport.reset()


CLOSE: Way = ()
AFTER_FLUSH: Way = (send_close_notify, send_fin, drop_unread)
ABORT_FIN: Way = (send_fin, drop_unread)
RESET: Way = (send_rst,)
