"""TLS of blocking clients over connections in memory, beside `ssl.SSLSocket`."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable, Iterator

import pytest

from ftpfixture import FtpServer
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.tls import SimulatedTlsSocket

KINDS = {"real": {}, "simulated": {"simulate": True}}


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, ftp_server_factory: Callable[..., FtpServer]) -> FtpServer:
    """A server with implicit TLS."""
    return ftp_server_factory(tls="implicit", **KINDS[request.param])


@pytest.fixture
def sock(server: FtpServer) -> Iterator[ssl.SSLSocket]:
    """A client after the TLS handshake."""
    context = server.tls.client_context()
    plain = socket.create_connection(server.address, timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        assert plain.fileno() == -1  # as a real one, it was handed over
        yield sock


def test_what_is_known(server: FtpServer, sock: ssl.SSLSocket) -> None:
    """Version, cipher, certificate, session and context."""
    assert isinstance(sock, SimulatedTlsSocket) is isinstance(server.driver, SimulatedTime)
    assert sock.version() == "TLSv1.3"
    cipher = sock.cipher()
    assert cipher is not None
    assert cipher[1] == "TLSv1.3"
    certificate = sock.getpeercert()
    assert certificate is not None
    assert certificate["subject"]
    assert sock.getpeercert(binary_form=True)
    assert sock.read(4) == b"220 "
    assert sock.pending() > 0
    assert sock.session is not None
    assert sock.session_reused is False
    assert sock.selected_alpn_protocol() is None
    assert sock.server_hostname == "127.0.0.1"
    assert sock.server_side is False
    assert sock.get_channel_binding() is not None
    context = sock.context
    sock.context = context
    assert sock.context is context


def test_bytes_and_the_end(server: FtpServer, sock: ssl.SSLSocket) -> None:
    """All ways to receive and send; after QUIT the end is in order."""
    buffer = bytearray(4)
    assert sock.recv_into(buffer) == 4
    assert sock.read(1024, None).startswith(b"welcome"[:0])
    assert sock.write(b"NOOP\r\n") == 6
    assert sock.recv(1024).startswith(b"200")
    sock.sendall(b"QUIT\r\n")
    assert sock.recv(1024).startswith(b"221")
    assert sock.recv(1024) == b""
    with pytest.raises(ValueError, match="non-zero flags not allowed"):
        sock.recv(1, socket.MSG_PEEK)
    with pytest.raises(ValueError, match="non-zero flags not allowed"):
        sock.send(b"x", socket.MSG_OOB)


def test_in_clear_again(request: pytest.FixtureRequest, ftp_server_factory: Callable[..., FtpServer]) -> None:
    """After CCC and `unwrap` the same socket is in clear."""
    for settings in KINDS.values():
        server = ftp_server_factory(tls="explicit", **settings)
        plain = socket.create_connection(server.address, timeout=10)
        plain.recv(1024)
        plain.sendall(b"AUTH TLS\r\n")
        plain.recv(1024)
        sock = server.tls.client_context().wrap_socket(plain, server_hostname="127.0.0.1")
        for line in (b"USER user", b"PASS password", b"CCC"):
            sock.sendall(line + b"\r\n")
            assert sock.recv(1024)[:1] in b"23"
        clear = sock.unwrap()
        clear.sendall(b"NOOP\r\n")
        assert clear.recv(1024).startswith(b"200")
        assert sock.version() is None
        assert sock.cipher() is None
        assert sock.session is None
        assert sock.pending() == 0
        with pytest.raises(ValueError, match="No SSL wrapper"):
            sock.unwrap()
        sock.close()


def test_shutdown_ends_tls(server: FtpServer, sock: ssl.SSLSocket) -> None:
    """Without close_notify; what is received is in clear then."""
    sock.recv(1024)
    sock.shutdown(socket.SHUT_WR)
    assert sock.version() is None
    server.log.wait_until(lambda: not server.sessions, 10)
    assert not server.sessions


def test_a_certificate_that_is_not_trusted(server: FtpServer) -> None:
    """The handshake fails with the error of OpenSSL."""
    plain = socket.create_connection(server.address, timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_context_that_does_not_fit(server: FtpServer) -> None:
    """A name is missing."""
    with (
        socket.create_connection(server.address, timeout=10) as plain,
        pytest.raises(ValueError, match="server_hostname"),
    ):
        ssl.create_default_context().wrap_socket(plain)


def test_a_reset(server: FtpServer, sock: ssl.SSLSocket) -> None:
    """As Python has it: before 3.13 the end of the stream, unless ragged ends are errors."""
    sock.recv(1024)
    server.faults.add("NOOP: reset")
    sock.sendall(b"NOOP\r\n")
    if sys.version_info < (3, 13):
        assert sock.recv(1024) == b""
    else:
        with pytest.raises(ConnectionResetError):
            sock.recv(1024)


def test_an_end_without_close_notify(server: FtpServer) -> None:
    """It is the end, or an error for those who asked for it."""
    context = server.tls.client_context()
    server.faults.add("NOOP: half_close")
    plain = socket.create_connection(server.address, timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as sock:
        sock.recv(1024)
        sock.sendall(b"NOOP\r\n")
        with pytest.raises(ssl.SSLEOFError):
            sock.recv(1024)


def test_a_handshake_later(server: FtpServer) -> None:
    """`do_handshake` begins it."""
    plain = socket.create_connection(server.address, timeout=10)
    context = server.tls.client_context()
    with context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False) as sock:
        sock.do_handshake()
        assert sock.recv(1024).startswith(b"220")
