"""Clients for faults of data connections: what they received, and how the connection ended at the socket."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import zlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ftpfixture import FtpServer
from ftpfixture.log.records import TransferRecord
from tests.support.ftps import FtpsClient
from tests.support.tls import Wire

__all__ = [
    "DATA",
    "FILES",
    "KINDS",
    "LINES",
    "End",
    "Line",
    "Received",
    "begin",
    "enter",
    "goes_on",
    "in_order",
    "inflated",
    "last",
]

KINDS = ("clear", "TLSv1.2", "TLSv1.3")
"""How connections may be protected."""

DATA = random.Random(5).randbytes((1 << 20) + 2)
"""A file that does not fit into the buffers of a socket, nor into whole records of TLS."""

LINES = "".join(f"line {number}\n" for number in range(20_000)).encode()
"""A file of text."""

FILES = {"/data.bin": DATA, "/lines.txt": LINES, "/in/": None, "/few/a.txt": b"aa", "/few/b.txt": b"bbb"}
"""What the servers have."""

End = Literal["FIN", "RST", "close_notify"]
"""How a connection ends: without TLS, FIN is the regular end; with TLS, close_notify is, and FIN alone is a cut."""


class Received(NamedTuple):
    """What came over a data connection to its end.

    Attributes:
        bytes: All of them.
        end: How it ended.
    """

    content: bytes
    end: End


@dataclass
class Line:
    """A data connection, with or without TLS.

    Attributes:
        sock: The socket.
        wire: Its TLS; None without TLS.
    """

    sock: socket.socket
    wire: Wire | None = None

    def receive(self, size: int = 1 << 16) -> bytes:
        """The next bytes; b"" at the end in order."""
        return self.sock.recv(size) if self.wire is None else self.wire.receive(size)

    def exactly(self, count: int) -> bytes:
        """Receive exactly `count` bytes."""
        content = b""
        while len(content) < count:
            piece = self.receive(count - len(content))
            assert piece, f"the end came after {len(content)} bytes"
            content += piece
        return content

    def is_silent(self) -> bool:
        """True when nothing comes, not even an end, for a moment."""
        timeout = self.sock.gettimeout()
        self.sock.settimeout(0.03)
        try:
            self.receive(1)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(timeout)
        return False

    def rest(self) -> Received:
        """Everything to the end."""
        pieces: list[bytes] = []
        end: End = "FIN" if self.wire is None else "close_notify"
        try:
            pieces.extend(iter(self.receive, b""))
        except ConnectionResetError:
            end = "RST"
        except ssl.SSLEOFError:
            end = "FIN"
        return Received(b"".join(pieces), end)

    def send(self, content: bytes) -> None:
        """Send all bytes."""
        if content and self.wire is None:
            self.sock.sendall(content)
        elif content and self.wire is not None:
            self.wire.send(content)

    def offer(self, content: bytes) -> None:
        """Send all bytes, or as many as the other side wants to have."""
        with contextlib.suppress(ConnectionError):
            self.send(content)

    def finish(self) -> None:
        """End an upload in order, and close."""
        if self.wire is not None:
            self.wire.send_close_notify()
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(1 << 16):
                pass  # with unread tickets the system would send RST, and discard the end of the upload
        self.sock.close()


def enter(server: FtpServer, kind: str = "clear") -> FtpsClient:
    """Return a client that is logged in, without TLS or with all connections encrypted."""
    if kind == "clear":
        return FtpsClient(server.address).login()
    return FtpsClient(server.address, kind).enter()


def begin(client: FtpsClient, line: str, verb: str = "EPSV") -> Line:
    """Start a transfer: read the 150, and complete the TLS handshake.

    Args:
        client: Logged in.
        line: The command.
        verb: PASV, EPSV, PORT or EPRT.
    """
    data = client.begin_data(verb)
    client.send(line)
    sock = data()
    assert client.reply().code == "150"
    if client.control is None:
        return Line(sock)
    wire = client.wire(sock)
    wire.do_handshake()
    return Line(sock, wire)


def in_order(kind: str) -> End:
    """The end that a whole download has."""
    return "FIN" if kind == "clear" else "close_notify"


def last(server: FtpServer) -> TransferRecord:
    """The last transfer in the log."""
    return server.log.transfers[-1]


def inflated(content: bytes) -> bytes:
    """What can be inflated of a stream of MODE Z, be it whole or not."""
    return zlib.decompressobj().decompress(content)


def goes_on(client: FtpsClient, server: FtpServer) -> bool:
    """True if this session and a new one still work: a file is uploaded and downloaded."""
    with enter(server, "clear" if client.control is None else "TLSv1.3") as other:
        return _is_well(client, server) and _is_well(other, server)


def _is_well(client: FtpsClient, server: FtpServer) -> bool:
    content = b"all is well\n" * 100
    line = begin(client, "STOR /well.txt")
    line.send(content)
    line.finish()
    if client.reply().code != "226" or server.files["/well.txt"] != content:
        return False
    came = begin(client, "RETR /well.txt").rest()
    end = "FIN" if client.control is None else "close_notify"
    return (came, client.reply().code) == ((content, end), "226")
