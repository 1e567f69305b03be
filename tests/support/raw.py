"""A raw client: it sends exactly the bytes of a test, and parses nothing except replies."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.reply import Reply, ReplyParser

__all__ = ["RawClient"]


class RawClient:
    """A control connection over a blocking socket.

    Args:
        address: The address of the server.
        timeout: The longest wait in seconds.
    """

    def __init__(self, address: tuple[str, int], timeout: float = 10) -> None:
        self._timeout = timeout
        self.sock = self._connect(address)
        self._lines = LineReader(1 << 20)
        self._parser = ReplyParser()
        self._replies: list[Reply] = []
        self._open: list[socket.socket] = [self.sock]

    def _connect(self, address: tuple[str, int]) -> socket.socket:
        return socket.create_connection(address, self._timeout)

    def limit(self, timeout: float) -> None:
        """Set the longest wait in seconds, for this connection and for later ones."""
        self._timeout = timeout
        self.sock.settimeout(timeout)

    def send(self, line: str | bytes) -> None:
        """Send a line with CRLF."""
        content = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
        self._put(content + b"\r\n")

    def _put(self, content: bytes) -> None:
        self.sock.sendall(content)

    def _get(self) -> bytes:
        return self.sock.recv(65536)

    def reply(self) -> Reply:
        """Read the next reply; EOFError if the server has closed."""
        while not self._replies:
            data = self._get()
            if not data:
                raise EOFError("the server closed the control connection")
            for line in self._lines.feed(data):
                assert line is not None
                reply = self._parser.feed_line(line)
                if reply is not None:
                    self._replies.append(reply)
        return self._replies.pop(0)

    def ask(self, line: str | bytes) -> Reply:
        """Send a line and read one reply."""
        self.send(line)
        return self.reply()

    def code(self, line: str | bytes) -> str:
        """Send a line and read the code of one reply."""
        return self.ask(line).code

    def flood(self) -> None:
        """Send commands and read nothing, until the buffers of both sides are full."""
        self.sock.settimeout(0.2)
        try:
            while True:
                self.sock.sendall(b"HELP\r\n" * 1000)
        except TimeoutError:
            self.sock.settimeout(self._timeout)

    def read_to_the_end(self) -> None:
        """Read all replies until the server closes; TimeoutError if it does not."""
        try:
            while True:
                self.reply()
        except (EOFError, ConnectionResetError):
            pass

    def is_closed(self) -> bool:
        """Wait for the end of the connection; True if the server sends nothing more."""
        try:
            return not self._replies and self._get() == b""
        except ConnectionResetError:
            return True

    def login(self, user: str = "user", password: str = "password") -> Self:
        """Read the greeting, log in, choose TYPE I."""
        assert self.reply().code == "220"
        assert self.code(f"USER {user}") == "331"
        assert self.code(f"PASS {password}") == "230"
        assert self.code("TYPE I") == "200"
        return self

    def passive(self, verb: str = "EPSV") -> socket.socket:
        """Return a connected data socket."""
        reply = self.ask(verb)
        if verb == "PASV":
            assert reply.code == "227", reply
            address = parse_227(reply.text)
        else:
            assert reply.code == "229", reply
            address = (self.sock.getpeername()[0], parse_229(reply.text))
        sock = self._connect(address)
        self._open.append(sock)
        return sock

    def active(self, verb: str = "EPRT") -> socket.socket:
        """Return a listening socket, announced with PORT or EPRT."""
        host = self.sock.getsockname()[0]
        listener = socket.create_server((host, 0), family=self.sock.family)
        listener.settimeout(self._timeout)
        self._open.append(listener)
        port = listener.getsockname()[1]
        argument = render_port(host, port) if verb == "PORT" else render_eprt(host, port)
        assert self.code(f"{verb} {argument}") == "200"
        return listener

    def fetch(self, line: str | bytes, verb: str = "EPSV") -> tuple[list[str], bytes]:
        """Download with a command; returns the codes of its replies, and the bytes."""
        data = self.passive(verb)
        first = self.ask(line)
        if not first.is_preliminary:
            data.close()
            return [first.code], b""
        content = read_all(data)
        return [first.code, self.reply().code], content

    def store(self, line: str | bytes, content: bytes, verb: str = "EPSV") -> list[str]:
        """Upload with a command; returns the codes of its replies."""
        data = self.passive(verb)
        first = self.ask(line)
        if first.is_preliminary:
            data.sendall(content)
        data.close()
        return [first.code, self.reply().code] if first.is_preliminary else [first.code]

    def also(self, sock: socket.socket) -> None:
        """Close another socket together with the client."""
        self._open.append(sock)

    def close(self) -> None:
        """Close all sockets."""
        for sock in self._open:
            sock.close()

    def vanish(self) -> None:
        """Reset all connections (RST)."""
        for sock in self._open:
            if sock.fileno() < 0:
                continue  # the test has closed it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_all(sock: socket.socket) -> bytes:
    """Read to the end, and close the socket."""
    with sock:
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))
