"""A server on "::" serves both families (RFC 3493 5.3), and each client sees addresses of its own family."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import Connected
from ftpfixture.net.hosts import endpoint
from ftpfixture.wire.hostport import parse_227, parse_229
from tests.clients.samples import needs_ipv6
from tests.support.raw import RawClient

FILES = {"/a.txt": b"hello"}

pytestmark = [needs_ipv6, pytest.mark.ftp(host="::", allow_remote=True, files=FILES)]


def test_both_families(ftp_server: FtpServer) -> None:
    """PASV, EPSV, PORT and EPRT work for a client of either family, as they do on a server of that family alone."""
    rows = {
        "127.0.0.1": {"PASV": "227", "EPSV": "229", "EPSV 1": "229", "EPSV 2": "522"},
        "::1": {"PASV": "425", "EPSV": "229", "EPSV 1": "522", "EPSV 2": "229"},
    }
    for host, replies in rows.items():
        with RawClient((host, ftp_server.port)) as client:
            client.login()
            assert {line: client.code(line) for line in replies} == replies
            assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
            assert client.store(f"STOR /{len(host)}", b"x") == ["150", "226"]


@pytest.mark.parametrize(("host", "verb"), [("127.0.0.1", "PORT"), ("127.0.0.1", "EPRT"), ("::1", "EPRT")])
def test_active_mode(ftp_server: FtpServer, host: str, verb: str) -> None:
    """The server connects from the address that the client is connected to."""
    with RawClient((host, ftp_server.port)) as client:
        listener = client.login().active(verb)
        client.send("RETR /a.txt")
        data, peer = listener.accept()
        with data:
            assert peer[0] == host
            assert data.makefile("rb").read() == b"hello"
        assert [client.reply().code for _ in range(2)] == ["150", "226"]


def test_ipv4_client_is_an_ipv4_client(ftp_server: FtpServer) -> None:
    """An address mapped into IPv6 is shown nowhere: in the log, in 227, in the argument of EPRT."""
    with RawClient(("127.0.0.1", ftp_server.port)) as client:
        client.login()
        assert parse_227(client.ask("PASV").text)[0] == "127.0.0.1"
        assert client.code("EPRT |2|::ffff:127.0.0.1|50000|") == "522"
        assert client.code("PORT 127,0,0,2,200,10") == "504"
        assert "Connected from 127.0.0.1" in client.ask("STAT").text
    (connected,) = [event for event in ftp_server.log.events if isinstance(event, Connected)]
    assert (connected.peer[0], connected.local[0]) == ("127.0.0.1", "127.0.0.1")


def test_address_is_one_that_clients_reach(ftp_server: FtpServer) -> None:
    """Host, address and URL are those of loopback; the inner `server_host` is the address it listens on."""
    assert ftp_server.server.server_host == "::"
    assert ftp_server.address == ("::1", ftp_server.port)
    assert ftp_server.url == f"ftp://user:password@[::1]:{ftp_server.port}"
    with socket.create_connection(ftp_server.address, 10) as sock:
        assert sock.recv(3) == b"220"


@pytest.mark.ftp(host="0.0.0.0")
def test_every_ipv4_address(ftp_server: FtpServer) -> None:
    """The wildcard of IPv4 accepts only IPv4."""
    assert ftp_server.address == ("127.0.0.1", ftp_server.port)
    assert ftp_server.url == f"ftp://user:password@127.0.0.1:{ftp_server.port}"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("::1", ftp_server.port), 10)


@pytest.mark.ftp(host="::1", allow_remote=False)
def test_one_ipv6_address(ftp_server: FtpServer) -> None:
    """An address that is no wildcard accepts only its family."""
    assert ftp_server.address == ("::1", ftp_server.port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ftp_server.port), 10)


@pytest.mark.ftp(maximum_connections_per_address=1)
def test_families_are_different_addresses(ftp_server: FtpServer) -> None:
    """A limit for each address counts IPv4 and IPv6 separately."""
    with RawClient(("127.0.0.1", ftp_server.port)) as one, RawClient(("::1", ftp_server.port)) as other:
        assert [one.reply().code, other.reply().code] == ["220", "220"]
        with RawClient(("127.0.0.1", ftp_server.port)) as third:
            assert third.reply().code == "421"


@pytest.mark.parametrize(
    ("host", "address"),
    [("localhost", "127.0.0.1"), ("::ffff:127.0.0.1", "127.0.0.1"), ("0:0:0:0:0:0:0:1", "::1")],
)
def test_other_spellings_of_loopback(ftp_server_factory: Callable[..., FtpServer], host: str, address: str) -> None:
    """The address is numeric and in its shortest form; a name is its IPv4 address."""
    assert ftp_server_factory(host=host, allow_remote=False).host == address


def test_empty_host() -> None:
    """An empty host is an error that says what would work."""
    with pytest.raises(ConfigurationError, match=r"host='' names no address: use '127.0.0.1'"):
        FtpServer(host="").start()


LINK_LOCAL = "20"  # how Linux writes the scope in this file
ADDRESSES = Path("/proc/net/if_inet6")


def link_local() -> list[str]:
    """The addresses of this machine that need a zone."""
    lines = ADDRESSES.read_text().splitlines() if ADDRESSES.exists() else []
    found = [line.split() for line in lines]
    return [
        f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))}%{name}"
        for digits, _, _, scope, _, name in found
        if scope == LINK_LOCAL
    ]


@pytest.mark.skipif(not link_local(), reason="this machine has no link-local address")
def test_an_address_with_a_zone(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The zone stays in the address, is escaped in the URL, and is not needed in EPRT."""
    server = ftp_server_factory(host=link_local()[0], allow_remote=True, files=FILES)
    assert server.host == link_local()[0]
    assert f"@[{server.host.replace('%', '%25')}]:" in server.url
    with RawClient(server.address) as client:
        port = parse_229(client.login().ask("EPSV").text)
        with socket.create_connection((server.host, port), 10) as data:
            assert client.code("RETR /a.txt") == "150"
            assert data.makefile("rb").read() == b"hello"
        assert client.reply().code == "226"
        with socket.socket(socket.AF_INET6) as listener:
            listener.bind(endpoint(server.host, 0))
            listener.listen()
            listener.settimeout(10)
            bare = server.host.partition("%")[0]
            assert client.code(f"EPRT |2|{bare}|{listener.getsockname()[1]}|") == "200"
            client.send("RETR /a.txt")
            data, _ = listener.accept()
            with data:
                assert data.makefile("rb").read() == b"hello"
        assert [client.reply().code for _ in range(2)] == ["150", "226"]
