"""A client that performs the steps of a fuzzer, right or wrong, and continues after any failure.

One rule: it never waits long, and keeps all that it receives.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.net.socket_transport import close_half_made
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.reply import Reply, ReplyParser
from tests.support.fuzz_words import Step

__all__ = ["LAST_WORDS", "Player"]

_ANSWER_LIMIT = 10  # seconds for what every server answers at once
LAST_WORDS = b"from the player"  # the argument of the last QUIT
_LIMIT = 5  # seconds that the client waits for anything else
_ABORT = struct.pack("ii", 1, 0)


class Player:
    """A client that performs the steps, and never waits long.

    Args:
        address: Of the server.
        tls: "explicit" or "implicit" to encrypt everything; None for no TLS.
        context: To encrypt with.

    Attributes:
        received: All bytes from the control connection.
        closed: Whether the control connection is closed.
        broken: Whether that was by a reset, which may destroy what came before it.
    """

    def __init__(self, address: tuple[str, int], tls: str | None, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._encrypts_data = False
        self._lines, self._parser = LineReader(1 << 24), ReplyParser()
        self._replies: list[Reply] = []
        self._data: list[socket.socket] = []
        self._listeners: list[socket.socket] = []
        self.received = b""
        self._sock = socket.create_connection(address, _LIMIT)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.closed = False
        self.broken = False
        if tls == "implicit":
            self._encrypt()
            self._encrypts_data = True
        elif tls == "explicit":
            self._receive(_ANSWER_LIMIT)  # the greeting
            self._ask(b"AUTH TLS", _ANSWER_LIMIT)
            self._encrypt()
            self._ask(b"PBSZ 0", _ANSWER_LIMIT)
            self._ask(b"PROT P", _ANSWER_LIMIT)
            self._encrypts_data = True

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._sock, *self._data, *self._listeners):
            sock.close()

    def _encrypt(self) -> None:
        assert self._context is not None
        self._sock = self._context.wrap_socket(self._sock, server_hostname="127.0.0.1")

    def play(self, steps: tuple[Step, ...]) -> None:
        """Take the steps until they end or the server closes the connection."""
        for what, content in steps:
            if self.closed:
                return
            try:
                self._take(what, content)
            except (OSError, ReplySyntaxError):
                pass  # refused, reset, or in the way: whatever it is, the next step may follow

    def _take(self, what: str, content: bytes) -> None:
        match what:
            case "send":
                self._put(content)
            case "urgent":
                if not isinstance(self._sock, ssl.SSLSocket):
                    self._sock.send(b"\xff\xf4\xff", socket.MSG_OOB)
                self._put(b"\xf2" + content)
            case "listen":
                self._receive(0)
            case "passive":
                self._dial(content)
            case "active":
                self._listen(content == b"PASV")
            case "feed" | "drain" | "half" | "hang up" | "drop":
                self._on_data(what, content)
            case "shut":
                self._sock.shutdown(socket.SHUT_WR)
            case "close" | "reset":
                if what == "reset":
                    self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                self._sock.close()
                self.closed = True

    def _put(self, content: bytes) -> None:
        if content:
            self._sock.sendall(content)

    def _receive(self, timeout: float) -> bool:
        """Wait for bytes from the server, and take them; False if none arrived."""
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        if not pending and not select.select([self._sock], [], [], timeout)[0]:
            return False
        self._sock.settimeout(0)
        try:
            data = self._sock.recv(1 << 16)
        except ssl.SSLWantReadError:
            return True  # a TLS record without data
        except OSError:
            data = b""
            self.broken = True
        finally:
            self._sock.settimeout(_LIMIT)
        if not data:
            self.closed = True
            return False
        self.received += data
        for line in self._lines.feed(data):
            with contextlib.suppress(ReplySyntaxError):  # a fault may break replies
                if line is not None and (reply := self._parser.feed_line(line)) is not None:
                    self._replies.append(reply)
        return True

    def _ask(self, line: bytes, timeout: float = 0.3) -> Reply | None:
        """Send a line and take replies until one comes that is probably its own."""
        while self._receive(0):
            pass
        known = len(self._replies)
        self._put(line + b"\r\n")
        deadline = time.monotonic() + timeout
        while len(self._replies) == known and time.monotonic() < deadline and not self.closed:
            self._receive(timeout)
        return self._replies[-1] if len(self._replies) > known else None

    def _dial(self, verb: bytes) -> None:
        reply = self._ask(verb)
        if reply is None or reply.code not in ("227", "229"):
            return
        address = parse_227(reply.text) if reply.code == "227" else ("127.0.0.1", parse_229(reply.text))
        self._take_data(socket.create_connection(address, 0.2))

    def _listen(self, old: bool) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        self._listeners.append(listener)
        port = listener.getsockname()[1]
        self._put(
            (f"PORT {render_port('127.0.0.1', port)}" if old else f"EPRT {render_eprt('127.0.0.1', port)}").encode()
        )
        self._put(b"\r\n")

    def _take_data(self, sock: socket.socket) -> None:
        sock.settimeout(0.03)
        if self._encrypts_data and self._context is not None:
            try:
                sock = self._context.wrap_socket(sock, server_hostname="127.0.0.1", do_handshake_on_connect=False)
            except OSError as error:  # it was reset at once
                close_half_made(error)
                raise
        self._data.append(sock)

    def _on_data(self, what: str, content: bytes) -> None:
        if self._listeners and not self._data:
            with self._listeners.pop() as listener:
                self._take_data(listener.accept()[0])
        if not self._data:
            return
        sock = self._data[-1]
        if what in ("hang up", "drop"):
            if what == "drop":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._data.pop().close()
        elif what == "feed":
            sock.sendall(content)
        elif what == "half":
            sock.shutdown(socket.SHUT_WR)
        else:
            while sock.recv(1 << 16):
                pass

    def leave(self) -> bool:
        """Send QUIT and read to the end; True if the connection ended in order, after all replies."""
        for sock in (*self._data, *self._listeners):
            sock.close()
        if self.closed:
            return False
        try:
            self._put(b"\r\nQUIT " + LAST_WORDS + b"\r\n")
            while self._receive(_ANSWER_LIMIT):
                pass
        except OSError:
            self.closed = True
            return False
        return self.closed
