"""A client of bytes that holds all it reads on the control connection against the log, and sees how that ends."""

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

_A_MOMENT = 0.03  # seconds: what has not come by then was not on its way


class Witness(FtpsClient):
    """A client of bytes; what it has read is at any moment the beginning of what the log says was sent.

    Args:
        server: Whose control port is connected to; nothing is said or read yet.

    Attributes:
        received: All bytes of the control connection so far, decrypted.
    """

    def __init__(self, server: FtpServer) -> None:
        super().__init__(server.address)
        self.server = server
        self.received = b""
        self._name = self.sock.getsockname()[:2]

    @property
    def number(self) -> int:
        """Of the session."""
        sessions = [session.number for session in self.server.log.sessions if session.peer == self._name]
        return sessions[-1]

    def enter(self, user: str = "user", password: str = "password", level: str = "P") -> Self:
        """Shake hands where the server has TLS, log in, choose TYPE I."""
        if not self.server.server.ssl:
            return self.login(user, password)
        if self.server.server.implicit_tls:
            self.encrypt_first()
        return super().enter(user, password, level)

    def _get(self, limit: int = 1 << 16) -> bytes:
        content = self.sock.recv(limit) if self.control is None else self.control.receive(limit)
        self.received += content
        assert self.logged.startswith(self.received), f"read {self.received!r}, told {self.logged!r}"
        return content

    # What the log says of the session.

    def events(self, *kinds: type[Event]) -> list[Event]:
        """Those of the session, in order; of all kinds when none is given."""
        return [
            event
            for event in self.server.log.events
            if event.session == self.number and isinstance(event, kinds or (Event,))
        ]

    @property
    def logged(self) -> bytes:
        """All bytes of replies that were sent."""
        return b"".join(event.raw for event in self.events() if isinstance(event, ReplySent))

    @property
    def applied(self) -> list[str]:
        """The faults that were applied."""
        return [event.fault for event in self.events() if isinstance(event, FaultApplied)]

    # What comes.

    def begin(self, line: str, verb: str = "EPSV") -> Line:
        """Say a transfer command; its data connection is there, and hands are shaken where they must be."""
        data = self.begin_data(verb)
        self.send(line)
        sock = data()
        if self.control is None:
            return Line(sock)
        wire = self.wire(sock)
        wire.do_handshake()
        return Line(sock, wire)

    def fetch_all(self, line: str) -> tuple[list[str], bytes]:
        """Codes and bytes of a whole download, which ends in order."""
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
        """Exactly so many bytes, which are not read as replies."""
        content = b""
        while len(content) < count:
            piece = self._get(count - len(content))
            assert piece, f"the end came after {content!r}"
            content += piece
        return content

    def piece(self) -> bytes:
        """What one look at the socket gives, in clear or decrypted; it is not read as replies."""
        return self._get()

    def until_noop(self) -> list[str]:
        """Say NOOP, and give the replies that come before its own."""
        self.send("NOOP")
        found = []
        while (text := shown(self.reply())) != "200 Nothing done":
            found.append(text)
        return found

    def is_silent(self) -> bool:
        """True when no reply and no end comes, for a moment."""
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
        """How the server ends the control connection, before which it says nothing more; waits for that."""
        assert not self._replies, self._replies
        try:
            content = self._get()
        except ConnectionResetError:
            return "reset"
        except ssl.SSLEOFError:
            return "cut"
        assert not content, content
        if self.control is not None:
            assert self.sock.recv(1) == b""  # FIN behind close_notify
        return "in order"

    def ends(self) -> End:
        """The same when replies may come before."""
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
        """Say that nothing more comes, and go on reading."""
        if self.control is not None:
            self.control.send_close_notify()
        self.sock.shutdown(socket.SHUT_WR)


def shown(reply: Reply) -> str:
    """A reply as one text."""
    return f"{reply.code} {reply.text}"
