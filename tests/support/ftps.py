"""A raw client for whole dialogues over FTPS; it starts and ends TLS as the protocol says."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Self

from tests.support.tls import TlsClient, Wire

__all__ = ["DATA_VERBS", "FtpsClient", "is_cut", "not_a_word", "read_to_close_notify"]

DATA_VERBS = ["PASV", "EPSV", "PORT", "EPRT"]


class FtpsClient(TlsClient):
    """A `TlsClient` that encrypts the connections as negotiated.

    Args:
        address: The address of the server.
        version: The version of TLS.
        context: The context; None for one of that version that trusts the certificate authority of the tests.
    """

    def __init__(
        self, address: tuple[str, int], version: str = "TLSv1.3", context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(address, version)
        self.context = context or self.context
        self.implicit = False

    # The control connection.

    def encrypt_first(self) -> Self:
        """Do the TLS handshake before the greeting: implicit TLS."""
        wire = Wire(self.sock, self.context)
        wire.do_handshake()
        self.control = wire
        self.implicit = True
        return self

    def enter(self, user: str = "user", password: str = "password", level: str = "P") -> Self:
        """Read the greeting, start TLS if needed, log in, send TYPE I; `level` is the argument of PROT."""
        assert self.reply().code == "220"
        if self.control is None:
            self.encrypt()
        self.play(f"PBSZ 0=200; PROT {level}=200; USER {user}=331; PASS {password}=230; TYPE I=200")
        return self

    def play(self, script: str) -> None:
        """Send each line, and compare the code of its reply: ``"PBSZ 0=200; PROT X=504"``.

        A 234 starts a TLS handshake; after CCC and REIN TLS ends.
        """
        for line, _, expected in (step.strip().rpartition("=") for step in script.split(";")):
            code = self.code(line)
            assert f"{line}={code}" == f"{line}={expected}"
            if code == "234":
                wire = Wire(self.sock, self.context)
                wire.do_handshake()
                self.control = wire
            elif self.control is not None and (
                (line, code) == ("CCC", "200") or (line == "REIN" and not self.implicit)
            ):
                self.end_tls()

    def end_tls(self) -> None:
        """Read close_notify, send close_notify, and continue without TLS."""
        assert self.control is not None
        assert self.control.receive() == b""
        self.control.send_close_notify()
        self.control = None

    # Data connections.

    def begin_data(self, verb: str = "EPSV") -> Callable[[], socket.socket]:
        """Send a data command; returns a function that gives the connected socket after the transfer command."""
        if verb in ("PASV", "EPSV"):
            sock = self.passive(verb)
            return lambda: sock
        listener = self.active(verb)

        def accept() -> socket.socket:
            sock, _ = listener.accept()
            sock.settimeout(10)
            self.also(sock)
            return sock

        return accept

    def wire(self, sock: socket.socket, *, resume: bool = True) -> Wire:
        """Return TLS for a data connection; it resumes the session of the control connection, if there is one."""
        session = self.control.session if resume and self.control is not None else None
        return Wire(sock, self.context, session)

    def transfer(self, line: str, verb: str = "EPSV", *, early: bool = False, resume: bool = True) -> Wire:
        """Start a transfer: read the 150, and complete the TLS handshake.

        Args:
            line: The command.
            verb: PASV, EPSV, PORT or EPRT.
            early: Do the handshake before the 150 and, on a passive connection, before the command.
            resume: As for `wire`.
        """
        data = self.begin_data(verb)
        if early and verb in ("PASV", "EPSV"):
            wire = self.wire(data(), resume=resume)
            wire.do_handshake()
            assert self.code(line) == "150"
            return wire
        self.send(line)
        wire = self.wire(data(), resume=resume)
        if early:
            wire.do_handshake()
        assert self.reply().code == "150"
        if not early:
            wire.do_handshake()
        return wire

    def download(self, line: str, verb: str = "EPSV", *, early: bool = False, resume: bool = True) -> bytes:
        """Download with a complete transfer, whose reply must be 226."""
        wire = self.transfer(line, verb, early=early, resume=resume)
        content = read_to_close_notify(wire)
        wire.send_close_notify()
        wire.sock.close()
        assert self.reply().code == "226"
        return content

    def upload(self, line: str, content: bytes, verb: str = "EPSV", *, early: bool = False) -> None:
        """Upload with a complete transfer, whose reply must be 226."""
        wire = self.transfer(line, verb, early=early)
        if content:
            wire.send(content)
        wire.send_close_notify()
        assert read_to_close_notify(wire) == b""
        wire.sock.close()
        assert self.reply().code == "226"


def read_to_close_notify(wire: Wire) -> bytes:
    """Read to close_notify; ssl.SSLEOFError if the connection ends without it."""
    return b"".join(iter(wire.receive, b""))


def is_cut(wire: Wire) -> bool:
    """Wait for the end; True if there is no close_notify."""
    try:
        read_to_close_notify(wire)
    except (ssl.SSLEOFError, ConnectionResetError):
        return True
    return False


def not_a_word(sock: socket.socket) -> bool:
    """Wait for the other side to close; True if it sends nothing before."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
