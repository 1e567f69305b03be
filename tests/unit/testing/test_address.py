"""What clients need to reach a server: URLs of files, and another name for code with a fixed host."""

from __future__ import annotations

import asyncio
import ftplib
import socket
import ssl
from typing import Any
from urllib.request import urlopen

import pytest

from ftpfixture import Client, ConfigurationError, FtpServer, PathIsNotAbsolute, ServerStateError, User
from tests.support.rows import table

PARTNER = "ftp.partner.example"


@table(
    ("path", "end"),
    [
        ("/", "/"),
        ("/a.txt", "/a.txt"),
        ("/in/", "/in/"),
        ("/in/a b;type=a?#%.txt", "/in/a%20b%3Btype%3Da%3F%23%25.txt"),
        ("/ü", "/%C3%BC"),
        ("//a", "//a"),
    ],
)
def test_url_for(path: str, end: str) -> None:
    """A path is quoted and follows the address."""
    with FtpServer() as server:
        assert server.url_for(path) == f"ftp://user:password@127.0.0.1:{server.port}{end}"


def test_url_for_begins_at_the_root() -> None:
    """A program finds the file where the session begins elsewhere, too: an FTP URL begins in that directory."""
    users = [User("ann", "secret", home_path="/home/ann")]
    with FtpServer(users=users, files={"/home/ann/": None, "/out/a.txt": b"hi"}) as server:
        assert server.url_for("/out/a.txt") == f"{server.url}/%2Fout/a.txt"
        with urlopen(server.url_for("/out/a.txt"), timeout=10) as response:
            assert response.read() == b"hi"


def test_url_for_in_another_encoding() -> None:
    """The bytes of the URL are those that the server takes."""
    with FtpServer(encoding="latin-1") as server:
        assert server.url_for("/ü").endswith("/%FC")


def test_url_for_a_relative_path() -> None:
    """The text suggests the absolute path."""
    with FtpServer() as server, pytest.raises(PathIsNotAbsolute, match=r"did you mean '/a\.txt'\?"):
        server.url_for("a.txt")


# Another name.


def _welcome(**settings: Any) -> str:
    """Log in as code with a fixed host does, and return the greeting."""
    with ftplib.FTP(PARTNER, "user", "password", timeout=10, **settings) as ftp:
        assert ftp.nlst() == ["a.txt"]
        return str(ftp.welcome)


def test_code_with_a_fixed_host() -> None:
    """The code reaches the server at port 21 of the name; outside of the block the name means nothing."""
    with FtpServer(files={"/a.txt": b"hi"}) as server:
        with server.as_host(PARTNER):
            assert _welcome() == "220 welcome"
        server.log.assert_sent("NLST -> 226", times=1)
    with pytest.raises(socket.gaierror):
        _welcome()


def test_asyncio_and_our_client() -> None:
    """Names are resolved by way of `socket` in asyncio, too."""

    async def talk() -> bytes:
        async with Client.context(PARTNER, 21, "user", "password") as client:
            assert [str(path) for path, _ in await client.list()] == ["a.txt"]
        reader, writer = await asyncio.open_connection(PARTNER, 21)
        try:
            return await reader.readline()
        finally:
            writer.close()
            await writer.wait_closed()

    with FtpServer(files={"/a.txt": b"hi"}) as server, server.as_host(PARTNER):
        assert asyncio.run(talk()) == b"220 welcome\r\n"


def test_several_servers() -> None:
    """Each server may have its own names and ports; the newest block counts for a name."""
    with (
        FtpServer(welcome_message="one", files={"/a.txt": b""}) as one,
        FtpServer(welcome_message="two", files={"/a.txt": b""}) as two,
        one.as_host(PARTNER),
        two.as_host(PARTNER, port=2121),
    ):
        assert _welcome() == "220 one"
        with two.as_host(PARTNER):
            assert _welcome() == "220 two"
        assert _welcome() == "220 one"
        with socket.create_connection((PARTNER, 2121), timeout=10) as sock:
            assert sock.getpeername() == two.address


def _subject_names(server: FtpServer, name: str) -> list[str]:
    """Make a TLS handshake as a client that checks the name, and return the names of the certificate."""
    with ftplib.FTP_TLS(context=server.tls.client_context(), timeout=10) as ftp:
        ftp.connect(name, 21 if name == PARTNER else server.port)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.nlst()
        assert isinstance(ftp.sock, ssl.SSLSocket)
        certificate: Any = ftp.sock.getpeercert()
        return [str(value) for kind, value in certificate["subjectAltName"] if kind == "DNS"]


@table("reuse", [False, True])
def test_the_certificate_is_for_the_name(reuse: bool) -> None:
    """A client that checks the name trusts the server, under its other names too; afterwards it is restored."""
    with FtpServer(tls="explicit") as server:
        with server.as_host(PARTNER), server.as_host("b.example"), server.as_host(PARTNER):
            assert set(_subject_names(server, PARTNER)) == {"localhost", PARTNER, "b.example"}
            assert PARTNER in _subject_names(server, "127.0.0.1")
        assert _subject_names(server, "127.0.0.1") == ["localhost"]


def test_a_session_over_the_end_of_a_block() -> None:
    """Sessions go on when the certificate changes, also where data connections must resume their TLS session."""

    class Resuming(ftplib.FTP_TLS):
        """Resumes the session of the control connection, which ftplib does not."""

        def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
            connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
            assert isinstance(self.sock, ssl.SSLSocket)
            return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size

    with FtpServer(tls="explicit", require_session_reuse=True, minimum_tls=None) as server:
        context = server.tls.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with Resuming(context=context, timeout=10) as ftp:
            with server.as_host(PARTNER):
                ftp.connect(PARTNER, 21)
                ftp.login(*server.credentials)
                ftp.prot_p()
                assert ftp.nlst() == []
            assert ftp.nlst() == []


def test_a_certificate_that_is_wrong_on_purpose() -> None:
    """A server with the certificate of another host presents it under every name."""
    with (
        FtpServer(tls="explicit", certificate="wrong-host") as server,
        server.as_host(PARTNER),
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        _subject_names(server, PARTNER)


def test_implicit_tls_has_its_own_port() -> None:
    """Without a port the name is redirected at the standard port of the server's mode."""
    with (
        FtpServer(tls="implicit") as server,
        server.as_host(PARTNER),
        socket.create_connection((PARTNER, 990), timeout=10) as sock,
    ):
        assert sock.getpeername() == server.address


def test_what_cannot_work() -> None:
    """An invalid host or port, and a server that does not run, are errors."""
    server = FtpServer()
    with pytest.raises(ServerStateError), server.as_host(PARTNER):
        pass
    with server:
        for name, port in (("ftp://x", None), ("", None), (PARTNER, 0), (PARTNER, "21")):
            with pytest.raises(ConfigurationError), server.as_host(name, port=port):  # type: ignore[arg-type]
                pass
