"""A raw client with TLS, which may stop between any two bytes: it sends and receives only what a test calls for."""

from __future__ import annotations

import functools
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ftpfixture.testing.certificates import ServerTls
from ftpfixture.wire.hostport import parse_229
from tests.support.raw import RawClient

__all__ = ["VERSIONS", "TlsClient", "Wire", "trusting", "visit"]

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

T = TypeVar("T")


@functools.cache
def trusting(version: str) -> ssl.SSLContext:
    """Return a context for one version of TLS that trusts the certificate authority of the tests."""
    context = ServerTls().client_context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class Wire:
    """TLS over a connected socket; the test may also send bytes on the socket itself.

    Args:
        sock: A connected, blocking socket.
        context: The context of a client.
        session: The session to resume; None for a new one.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.sock = sock
        # Otherwise the system keeps the second half of a ClientHello back until the first is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname="localhost", session=session)

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session to resume."""
        return self._tls.session

    @property
    def certificate(self) -> dict[str, Any]:
        """The certificate of the server, if it is trusted."""
        return dict(self._tls.getpeercert() or {})

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the cipher suite."""
        cipher = self._tls.cipher()
        assert cipher is not None
        return cipher[0]

    def hello(self) -> bytes:
        """Return the ClientHello, which the caller sends."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._goes.read()

    def feed(self) -> None:
        """Receive the next bytes for TLS, without decrypting them."""
        content = self.sock.recv(1 << 16)
        if content:
            self._came.write(content)
        else:
            self._came.write_eof()

    def do_handshake(self) -> None:
        """Complete the handshake."""
        self._do(self._tls.do_handshake)

    def wrapped(self, content: bytes) -> bytes:
        """Return bytes as TLS records, which the caller sends."""
        self._tls.write(content)
        return self._goes.read()

    def send(self, content: bytes) -> None:
        """Send all bytes."""
        self.sock.sendall(self.wrapped(content))

    def receive(self, size: int = 1 << 16) -> bytes:
        """Receive the next bytes; b"" after close_notify."""
        try:
            return self._do(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def ending(self) -> bytes:
        """Return close_notify, which the caller sends."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self._goes.read()

    def send_close_notify(self) -> None:
        """Send close_notify."""
        self.sock.sendall(self.ending())

    def _do(self, call: Callable[[], T]) -> T:
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                self._put()
                self.feed()
            else:
                self._put()
                return result

    def _put(self) -> None:
        content = self._goes.read()
        if content:  # sending b"" would raise for an RST although there are bytes to read before it
            self.sock.sendall(content)


class TlsClient(RawClient):
    """A `RawClient` that can encrypt its control connection.

    Args:
        address: The address of the server.
        version: The version of TLS.
    """

    def __init__(self, address: tuple[str, int], version: str = "TLSv1.3") -> None:
        super().__init__(address)
        self.context = trusting(version)
        self.control: Wire | None = None

    def encrypt(self) -> None:
        """Send AUTH TLS after the greeting, and complete the handshake."""
        assert self.code("AUTH TLS") == "234"
        wire = Wire(self.sock, self.context)
        wire.do_handshake()
        self.control = wire

    def protect(self) -> None:
        """Encrypt data connections from now on."""
        assert [self.code("PBSZ 0"), self.code("PROT P")] == ["200", "200"]

    def private(self) -> Wire:
        """Return a connected data socket before its handshake; it resumes the session of the control connection."""
        assert self.control is not None
        return Wire(self.passive(), self.context, self.control.session)

    def _put(self, content: bytes) -> None:
        if self.control is None:
            super()._put(content)
        else:
            self.control.send(content)

    def _get(self) -> bytes:
        return super()._get() if self.control is None else self.control.receive()


def visit(client: TlsClient, verb: str, *, implicit: bool) -> Iterator[str]:
    """Run a session stage by stage; yields the name of each stage.

    Args:
        client: A connected client that has received nothing.
        verb: RETR to download "big.bin", STOR to upload it.
        implicit: Whether TLS comes first.
    """
    if not implicit:
        assert client.reply().code == "220"
        client.send("AUTH TLS")
        yield "AUTH"
        assert client.reply().code == "234"
    yield "before TLS"
    wire = Wire(client.sock, client.context)
    yield from _handshake(wire, "")
    client.control = wire
    yield "encrypted"
    if implicit:
        assert client.reply().code == "220"
    assert client.code("USER user") == "331"
    assert client.code("PASS password") == "230"
    client.protect()
    assert client.code("TYPE I") == "200"
    yield "logged in"
    port = parse_229(client.ask("EPSV").text)
    yield "EPSV"
    sock = socket.create_connection((client.sock.getpeername()[0], port), 10)
    client.also(sock)
    yield "data connection"
    client.send(f"{verb} big.bin")
    yield "data connection and command"
    data = Wire(sock, client.context, wire.session)
    yield from _handshake(data, "data ")
    yield "data encrypted"
    assert client.reply().code == "150"
    if verb == "RETR":
        data.receive()
        yield "amidst the download"
        while data.receive():
            pass
    else:
        records = data.wrapped(bytes(1 << 18))
        sock.sendall(records[:-100])
        yield "amidst the upload"
        sock.sendall(records[-100:])
    data.send_close_notify()
    yield "close_notify"
    while verb == "STOR" and sock.recv(1 << 16):
        pass  # with unread tickets the system would send RST, and discard the end of the upload
    sock.close()
    assert client.reply().code == "226"


def _handshake(wire: Wire, of: str) -> Iterator[str]:
    hello = wire.hello()
    wire.sock.sendall(hello[: len(hello) // 2])
    yield f"half a {of}ClientHello"
    wire.sock.sendall(hello[len(hello) // 2 :])
    yield f"{of}ClientHello"
    wire.feed()
    yield f"answer to the {of}ClientHello"
    wire.do_handshake()
