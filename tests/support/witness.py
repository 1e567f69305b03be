"""A raw client that compares all it reads on the control connection with the log, and knows how the connection ends."""

from __future__ import annotations

import socket
import ssl
from typing import Literal, Self

from ftpfixture import FtpServer
from ftpfixture.log.events import Event, FaultApplied, ReplySent
from ftpfixture.wire.reply import Reply
from tests.support.faulty import Line
from tests.support.ftps import FtpsClient

__all__ = ["End", "Witness", "shown"]

End = Literal["in order", "cut", "reset"]
"""How the other side ended a connection.

"in order" is FIN in clear, and close_notify before FIN under TLS; "cut" is FIN without close_notify; "reset" is RST.
"""

_A_MOMENT = 0.03  # seconds: what has not arrived by then was not sent


class Witness(FtpsClient):
    """A raw client; the bytes that it has read are always the beginning of the replies in the log.

    Args:
        server: The server to connect to.

    Attributes:
        server: The server.
        received: All bytes of the control connection so far, decrypted.
    """

    def __init__(self, server: FtpServer) -> None:
        super().__init__(server.address)
        self.server = server
        self.received = b""
        self._name = self.sock.getsockname()[:2]

    @property
    def number(self) -> int:
        """The number of the session."""
        sessions = [session.number for session in self.server.log.sessions if session.peer == self._name]
        return sessions[-1]

    def enter(self, user: str = "user", password: str = "password", level: str = "P") -> Self:
        """Start TLS if the server has it, log in, send TYPE I."""
        if not self.server.server.ssl:
            return self.login(user, password)
        if self.server.server.implicit_tls:
            self.encrypt_first()
        return super().enter(user, password, level)

    def _get(self, limit: int = 1 << 16) -> bytes:
        content = self.sock.recv(limit) if self.control is None else self.control.receive(limit)
        self.received += content
        assert self.logged.startswith(self.received), f"received {self.received!r}, logged {self.logged!r}"
        return content

    # The session in the log.

    def events(self, *kinds: type[Event]) -> list[Event]:
        """The events of the session, in order, of these kinds or of all."""
        return [
            event
            for event in self.server.log.events
            if event.session == self.number and isinstance(event, kinds or (Event,))
        ]

    @property
    def logged(self) -> bytes:
        """The bytes of all replies that were sent."""
        return b"".join(event.raw for event in self.events() if isinstance(event, ReplySent))

    @property
    def applied(self) -> list[str]:
        """The faults that were applied."""
        return [event.fault for event in self.events() if isinstance(event, FaultApplied)]

    # What the server sends.

    def begin(self, line: str, verb: str = "EPSV") -> Line:
        """Send a transfer command; returns its data connection, after the TLS handshake if it has TLS."""
        data = self.begin_data(verb)
        self.send(line)
        sock = data()
        if self.control is None:
            return Line(sock)
        wire = self.wire(sock)
        wire.do_handshake()
        return Line(sock, wire)

    def fetch_all(self, line: str) -> tuple[list[str], bytes]:
        """Download a whole file; returns the codes of the replies, and the bytes."""
        data = self.begin(line)
        came = data.rest()
        assert came.end == ("FIN" if self.control is None else "close_notify")
        return self.codes(2), came.content

    def replies(self, count: int) -> list[str]:
        """Codes and texts of the next replies."""
        return [shown(self.reply()) for _ in range(count)]

    def codes(self, count: int) -> list[str]:
        """Codes of the next replies."""
        return [self.reply().code for _ in range(count)]

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes, which are not parsed as replies."""
        content = b""
        while len(content) < count:
            piece = self._get(count - len(content))
            assert piece, f"the end came after {content!r}"
            content += piece
        return content

    def piece(self) -> bytes:
        """Read the bytes of one `recv`, decrypted, which are not parsed as replies."""
        return self._get()

    def until_noop(self) -> list[str]:
        """Send NOOP; returns the replies that come before its own."""
        self.send("NOOP")
        found = []
        while (text := shown(self.reply())) != "200 Nothing done":
            found.append(text)
        return found

    def is_silent(self) -> bool:
        """True if the server sends nothing and does not close, for a moment."""
        if self._replies:
            return False
        self.sock.settimeout(_A_MOMENT)
        try:
            content = self._get()
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(10)
        raise AssertionError(f"{content!r} came")

    def end(self) -> End:
        """Wait for the end of the control connection, with no reply before it; returns how it ends."""
        assert not self._replies, self._replies
        try:
            content = self._get()
        except ConnectionResetError:
            return "reset"
        except ssl.SSLEOFError:
            return "cut"
        assert not content, content
        if self.control is not None:
            assert self.sock.recv(1) == b""  # FIN after close_notify
        return "in order"

    def ends(self) -> End:
        """Wait for the end of the control connection, and ignore replies before it; returns how it ends."""
        while True:
            try:
                self.reply()
            except ConnectionResetError:
                return "reset"
            except ssl.SSLEOFError:
                return "cut"
            except EOFError:
                return "in order"

    def half_close(self) -> None:
        """Send FIN (under TLS close_notify and FIN); reading is still possible."""
        if self.control is not None:
            self.control.send_close_notify()
        self.sock.shutdown(socket.SHUT_WR)


def shown(reply: Reply) -> str:
    """Return a reply as text."""
    return f"{reply.code} {reply.text}"
