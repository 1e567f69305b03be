"""The ways to close a connection, each a few steps, and what they cost the other side.

One rule: a way is a row of this table and nothing else.

| way    | close_notify | FIN or RST          | bytes that came unread | what the other side sees             |
|--------|--------------|---------------------|------------------------|--------------------------------------|
| CLOSE  | no           | FIN; RST if unread  | left                   | an end in clear, a cut under TLS     |
| GENTLY | yes          | FIN                 | dropped                | an end, behind all that was sent     |
| CUT    | no           | FIN                 | dropped                | an end in clear, a cut under TLS     |
| RESET  | no           | RST                 | left                   | an error, perhaps before what came   |
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable

from ftpfixture.net.transport import TlsTransport, Transport

__all__ = ["CLOSE", "CUT", "GENTLY", "RESET", "Way", "close", "say_fin"]

Step = Callable[[Transport, TlsTransport | None], None]

Way = tuple[Step, ...]
"""What is done before a transport is closed, as far as the connection is not broken."""

_DROPPED = 64  # reads of what nobody wants, before a connection is closed all the same
_READ = 1 << 16


def close(way: Way, transport: Transport, tls: TlsTransport | None) -> None:
    """Close a connection in one of the ways.

    Args:
        way: The steps.
        transport: In clear, or what is below TLS.
        tls: TLS over it, if there is any.
    """
    for step in way:
        try:
            step(transport, tls)
        except OSError:
            break  # it is broken: nobody is there for the other steps
    transport.close()


def say_close_notify(transport: Transport, tls: TlsTransport | None) -> None:
    """Say the end of TLS; the other side's is not waited for, nor is a handshake that goes on."""
    if tls is not None and tls.established:
        with contextlib.suppress(ssl.SSLError):
            tls.unwrap()


def say_fin(transport: Transport, tls: TlsTransport | None = None) -> None:
    """Say FIN behind what was sent; it goes on receiving."""
    transport.shutdown_write()


def drop_unread(transport: Transport, tls: TlsTransport | None) -> None:
    """Read and drop what has come: a system that closes with bytes unread sends RST, behind the FIN or in its place.

    RST may throw away what the other side has not read yet, such as the last reply.
    """
    for _ in range(_DROPPED):
        if not transport.recv(_READ):
            return


def abort(transport: Transport, tls: TlsTransport | None) -> None:
    """Send RST; what is not on its way yet is lost."""
    transport.reset()


CLOSE: Way = ()
GENTLY: Way = (say_close_notify, say_fin, drop_unread)
CUT: Way = (say_fin, drop_unread)
RESET: Way = (abort,)
