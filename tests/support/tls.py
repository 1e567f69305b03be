"""A client of bytes under TLS, which may stop between any two bytes: only what a test says is sent or received."""

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
    """A context that trusts the authority of the tests, for one version of TLS."""
    context = ServerTls().client_context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class Wire:
    """TLS over a connected socket, which stays the test's own: bytes that it sends itself go between ours.

    Args:
        sock: Connected, blocking.
        context: Of a client.
        session: To resume; None for a new one.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.sock = sock
        # The system would keep the second half of a ClientHello until the first is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname="localhost", session=session)

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session to resume."""
        return self._tls.session

    @property
    def certificate(self) -> dict[str, Any]:
        """What the server has shown, if it is trusted."""
        return dict(self._tls.getpeercert() or {})

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the suite."""
        cipher = self._tls.cipher()
        assert cipher is not None
        return cipher[0]

    def hello(self) -> bytes:
        """The ClientHello, which is for the caller to send."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._goes.read()

    def hear(self) -> None:
        """Receive what is next, which is not looked at yet."""
        content = self.sock.recv(1 << 16)
        if content:
            self._came.write(content)
        else:
            self._came.write_eof()

    def do_handshake(self) -> None:
        """Go on with the handshake to its end."""
        self._do(self._tls.do_handshake)

    def wrapped(self, content: bytes) -> bytes:
        """Bytes as records, which are for the caller to send."""
        self._tls.write(content)
        return self._goes.read()

    def send(self, content: bytes) -> None:
        """Send all bytes."""
        self.sock.sendall(self.wrapped(content))

    def receive(self, size: int = 1 << 16) -> bytes:
        """The next bytes; b"" after close_notify."""
        try:
            return self._do(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def ending(self) -> bytes:
        """close_notify, which is for the caller to send."""
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
                self.hear()
            else:
                self._put()
                return result

    def _put(self) -> None:
        content = self._goes.read()
        if content:  # to send nothing would be told of an RST that came behind what is still to be read
            self.sock.sendall(content)


class TlsClient(RawClient):
    """A client of bytes that can encrypt its control connection; see `RawClient`.

    Args:
        address: Of the server.
        version: Of TLS.
    """

    def __init__(self, address: tuple[str, int], version: str = "TLSv1.3") -> None:
        super().__init__(address)
        self.context = trusting(version)
        self.control: Wire | None = None

    def encrypt(self) -> None:
        """AUTH TLS, after the greeting, with the whole handshake."""
        assert self.code("AUTH TLS") == "234"
        wire = Wire(self.sock, self.context)
        wire.do_handshake()
        self.control = wire

    def protect(self) -> None:
        """Encrypt data connections from now on."""
        assert [self.code("PBSZ 0"), self.code("PROT P")] == ["200", "200"]

    def private(self) -> Wire:
        """A connected data socket, on which no hands are shaken yet; the control connection's session is resumed."""
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
    """Go through a session one stage at a time, and give the name of each.

    Args:
        client: Connected, and nothing is received yet.
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
        pass  # with tickets unread the system would say RST, and destroy the end of what was sent
    sock.close()
    assert client.reply().code == "226"


def _handshake(wire: Wire, of: str) -> Iterator[str]:
    hello = wire.hello()
    wire.sock.sendall(hello[: len(hello) // 2])
    yield f"half a {of}ClientHello"
    wire.sock.sendall(hello[len(hello) // 2 :])
    yield f"{of}ClientHello"
    wire.hear()
    yield f"answer to the {of}ClientHello"
    wire.do_handshake()
