"""The client of the standard library over TLS, with common subclasses for certain servers."""

from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftpfixture import Connection, FtpServer, Server, User
from ftpfixture.server.transfer import Transfer
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, limited
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.samples import LARGE, TEXT, TREE, check, needs_ipv6, transfer

Connect = Callable[..., ftplib.FTP_TLS]


class Implicit(ftplib.FTP_TLS):
    """Implicit TLS."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        """The control connection."""
        return self._sock

    @sock.setter
    def sock(self, value: socket.socket | None) -> None:
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value


class Resuming(ftplib.FTP_TLS):
    """Resumes the session of the control connection on data connections, as vsftpd requires."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]
            session = self.sock.session  # type: ignore[union-attr]
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=session)
        return conn, size


class WithoutCloseNotify(ssl.SSLSocket):
    """A socket that does not send close_notify."""

    def unwrap(self) -> socket.socket:
        """Do nothing."""
        return self


class ResumingWithoutCloseNotify(ftplib.FTP_TLS):
    """Resumes, and does not end TLS: with some servers `ftplib` waits for that end forever."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]
            session = self.sock.session  # type: ignore[union-attr]
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=session)
            conn.__class__ = WithoutCloseNotify
        return conn, size


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Creates clients that are logged in with encrypted data connections, and closes them."""
    clients: list[ftplib.FTP_TLS] = []

    def make(
        server: FtpServer,
        version: str | None = None,
        kind: type[ftplib.FTP_TLS] = ftplib.FTP_TLS,
        certificate: str | None = None,
    ) -> ftplib.FTP_TLS:
        client = kind(context=limited(server.tls.client_context(certificate), version), timeout=10)
        clients.append(client)
        client.connect(server.host, server.port)
        client.login(*server.credentials)
        client.prot_p()
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ftps(ftps_server: FtpServer, connect: Connect, version: str) -> ftplib.FTP_TLS:
    """A client of this test's server."""
    return connect(ftps_server, version)


def fetch(ftp: ftplib.FTP, path: str, rest: int | None = None) -> bytes:
    """Content of a file."""
    content = io.BytesIO()
    ftp.retrbinary(f"RETR {path}", content.write, rest=rest)
    return content.getvalue()


@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
@all_sizes
def test_round_trip(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str, data: bytes, passive: bool) -> None:
    """A file is stored and retrieved byte for byte in both modes, encrypted, and TLS ends properly each time."""
    ftps.set_pasv(passive)
    mode = "passive" if passive else "active"
    ftps.storbinary("STOR a.bin", io.BytesIO(data))
    assert ftps_server.files == {"/a.bin": data}
    assert fetch(ftps, "a.bin") == data
    assert ftps.quit().startswith("221")
    check(transfer(ftps_server, "STOR"), data, mode=mode)
    check(transfer(ftps_server, "RETR"), data, mode=mode)
    check_tls(ftps_server, version, resumed=False)
    ftps_server.log.assert_sequence(
        "AUTH TLS -> 234", "USER -> 331", "PASS -> 230", "PBSZ 0 -> 200", "PROT P -> 200", "STOR -> 226", "QUIT -> 221"
    )


@pytest.mark.ftp(tls="implicit", files={"/big.bin": BIG, "/void/": None})
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_implicit(ftps_server: FtpServer, connect: Connect, version: str, passive: bool) -> None:
    """Implicit TLS encrypts greeting, login and data; AUTH is not needed."""
    ftps = connect(ftps_server, version, Implicit)
    ftps.set_pasv(passive)
    assert ftps.getwelcome().startswith("220")
    assert fetch(ftps, "big.bin") == BIG
    ftps.storbinary("STOR a.bin", io.BytesIO(BIG))
    assert ftps.nlst("/void") == []
    assert ftps_server.files == {"/a.bin": BIG, "/big.bin": BIG}
    check(transfer(ftps_server, "STOR"), BIG, mode="passive" if passive else "active")
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("AUTH")


class WithoutProt(Implicit):
    """Sends neither PBSZ nor PROT, as promise-ftp; it expects data in clear text."""

    def prot_p(self) -> str:
        """Send nothing."""
        return ""


class WithoutProtPrivate(WithoutProt):
    """Sends neither PBSZ nor PROT, and expects encrypted data."""

    def prot_p(self) -> str:
        """Encrypt data, and send nothing."""
        self._prot_p = True
        return ""


@pytest.mark.parametrize(("protection", "kind"), [("C", WithoutProt), ("P", WithoutProtPrivate)])
def test_implicit_without_prot(
    ftp_server_factory: Callable[..., FtpServer], connect: Connect, protection: str, kind: type[ftplib.FTP_TLS]
) -> None:
    """Without PROT data are in clear text or encrypted, as the setting says."""
    server = ftp_server_factory(tls="implicit", implicit_protection=protection, files={"/a.bin": BIG})
    ftps = connect(server, None, kind)
    assert fetch(ftps, "a.bin") == BIG
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert server.files["/b.bin"] == BIG
    check_tls(server, None, data=protection)
    server.log.assert_not_sent("PROT")


@pytest.mark.parametrize("protection", ["C", "P"])
def test_implicit_with_prot(ftp_server_factory: Callable[..., FtpServer], connect: Connect, protection: str) -> None:
    """PROT decides, whatever the setting is."""
    server = ftp_server_factory(tls="implicit", implicit_protection=protection, files={"/a.bin": BIG})
    ftps = connect(server, None, Implicit)
    assert fetch(ftps, "a.bin") == BIG
    check_tls(server, None)
    ftps.prot_c()
    assert fetch(ftps, "a.bin") == BIG


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG, "/empty.bin": b""})
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_session_is_resumed(ftps_server: FtpServer, connect: Connect, version: str, passive: bool) -> None:
    """A client that resumes the session is accepted by a server that requires it, in every transfer."""
    ftps = connect(ftps_server, version, Resuming)
    ftps.set_pasv(passive)
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    ftps.storbinary("STOR c.bin", io.BytesIO(b""))
    assert ftps_server.files == {"/a.bin": BIG, "/b.bin": BIG, "/c.bin": b"", "/empty.bin": b""}
    assert fetch(ftps, "a.bin") == BIG
    assert fetch(ftps, "empty.bin") == b""
    assert len(ftps.nlst()) == 4
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_session_is_not_resumed(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str, passive: bool) -> None:
    """The plain class gets 522, receives no byte, and its session continues."""
    ftps.set_pasv(passive)
    for _ in range(3):
        with pytest.raises(ftplib.error_perm, match=r"^522"):
            fetch(ftps, "a.bin")
        with pytest.raises(ftplib.error_perm, match=r"^522"):
            ftps.nlst()
    assert ftps.pwd() == "/"
    assert {record.size for record in ftps_server.log.transfers} == {0}
    check_tls(ftps_server, version, resumed=False)


@pytest.mark.ftp(require_session_reuse=True)
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_session_is_not_resumed_by_an_upload(
    ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str, passive: bool
) -> None:
    """An upload of the plain class is refused too, though it may notice the closed data connection first."""
    ftps.set_pasv(passive)
    with pytest.raises((ftplib.error_perm, OSError)):
        ftps.storbinary("STOR a.bin", io.BytesIO(BIG))
    ftps_server.log.wait_for("STOR -> 522")
    assert ftps_server.files.get("/a.bin", b"") == b""
    check_tls(ftps_server, version, resumed=False)


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
def test_tls_does_not_end(ftps_server: FtpServer, connect: Connect, version: str) -> None:
    """Without close_notify downloads succeed, but an upload may be partial, so it fails."""
    ftps = connect(ftps_server, version, ResumingWithoutCloseNotify)
    assert fetch(ftps, "a.bin") == BIG
    assert ftps.nlst() == ["a.bin"]
    with pytest.raises(ftplib.error_temp, match=r"^426"):
        ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert ftps.pwd() == "/"
    assert [record.completed for record in ftps_server.log.transfers] == [True, True, False]
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_tickets(ftps_server: FtpServer, connect: Connect) -> None:
    """Connections get TLS 1.3 tickets, except uploads: unread bytes at the client would reset the connection."""
    ftps = connect(ftps_server, "TLSv1.3")
    ftps.voidcmd("TYPE I")
    with ftps.transfercmd("RETR a.bin") as data:
        assert b"".join(iter(lambda: data.recv(65536), b"")) == BIG
        tickets = [sock.session and sock.session.has_ticket for sock in (ftps.sock, data)]  # type: ignore[union-attr]
    assert ftps.voidresp().startswith("226")
    assert tickets == [True, True]
    with ftps.transfercmd("STOR b.bin") as data:
        data.sendall(BIG)  # more than the buffers hold: the server has begun to read
        data.settimeout(0)
        with pytest.raises(BlockingIOError):
            socket.socket.recv(data, 1, socket.MSG_PEEK)
        data.settimeout(10)
        data.unwrap()  # type: ignore[attr-defined]
    assert ftps.voidresp().startswith("226")
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, "TLSv1.3")


class Blocking(Server):
    """Blocks the server when an upload waits for its data connection or NOOP arrives, until the test continues."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blocked = threading.Semaphore(0)
        self.may_continue = threading.Semaphore(0)

    def start_transfer(self, connection: Connection, transfer: Transfer) -> bool:
        """Begin it, and block the server."""
        begun = super().start_transfer(connection, transfer)
        self.block()
        return begun

    async def noop(self, connection: Connection, rest: str) -> bool:
        """Block the server, and reply."""
        self.block()
        return await super().noop(connection, rest)

    def block(self) -> None:
        """Signal that the server is blocked, and wait until it may continue."""
        self.blocked.release()
        assert self.may_continue.acquire(timeout=10)


@contextlib.contextmanager
def client_hello(ftps: ftplib.FTP_TLS, address: tuple[str, int]) -> Iterator[ssl.SSLSocket]:
    """A data connection on which the first message of the TLS handshake was sent."""
    raw = socket.create_connection(address, timeout=10)
    with ftps.context.wrap_socket(raw, do_handshake_on_connect=False, server_hostname=ftps.host) as data:
        data.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            data.do_handshake()
        data.settimeout(10)
        yield data


def upload_without_tickets(ftps: ftplib.FTP_TLS, data: ssl.SSLSocket) -> None:
    """Complete the handshake and send a file: the server sends nothing."""
    data.do_handshake()
    data.sendall(BIG)
    assert next_unread(data) == b""
    data.unwrap()
    assert ftps.getresp().startswith("150")
    assert ftps.voidresp().startswith("226")


@pytest.mark.ftp(server_class=Blocking)
def test_no_tickets_for_an_upload_that_waits(ftps_server: FtpServer, connect: Connect) -> None:
    """A client that sends its command and then encrypts at once, as Net::FTP does, gets no tickets either."""
    server = ftps_server.server
    assert isinstance(server, Blocking)
    ftps = connect(ftps_server, "TLSv1.3")
    ftps.voidcmd("TYPE I")
    for verb in ("STOR", "APPE"):
        address = ftps.makepasv()
        ftps.putcmd(f"{verb} a.bin")
        assert server.blocked.acquire(timeout=10)
        with client_hello(ftps, address) as data:
            server.may_continue.release()
            upload_without_tickets(ftps, data)
    assert ftps_server.files == {"/a.bin": BIG * 2}


@pytest.mark.ftp(server_class=Blocking)
def test_no_tickets_after_an_early_handshake(ftps_server: FtpServer, connect: Connect) -> None:
    """Parts of a handshake that came before the command are kept when tickets are withheld."""
    server = ftps_server.server
    assert isinstance(server, Blocking)
    ftps, other = connect(ftps_server, "TLSv1.3"), connect(ftps_server, "TLSv1.3")
    ftps.voidcmd("TYPE I")
    address = ftps.makepasv()
    other.putcmd("NOOP")
    assert server.blocked.acquire(timeout=10)
    with client_hello(ftps, address) as data:
        ftps.putcmd("STOR a.bin")
        server.may_continue.release(2)
        upload_without_tickets(ftps, data)
    assert other.getresp().startswith("200")
    assert ftps_server.files == {"/a.bin": BIG}


def test_tickets_of_an_upload_come_before_its_150(ftps_server: FtpServer, connect: Connect) -> None:
    """A client that begins the TLS handshake before its command gets 150 after the tickets, and not before.

    curl reads them when it closes. If they came later, its system would reset the connection, and data in transit
    would be lost.
    """
    ftps, other = connect(ftps_server, "TLSv1.3"), connect(ftps_server, "TLSv1.3")
    ftps.voidcmd("TYPE I")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    data = ftps.context.wrap_bio(incoming, outgoing, server_hostname=ftps.host)
    with socket.create_connection(ftps.makepasv(), timeout=10) as raw:
        with pytest.raises(ssl.SSLWantReadError):
            data.do_handshake()
        while True:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                data.do_handshake()
                break
        ftps.putcmd("STOR a.bin")
        for _ in range(10):
            other.voidcmd("NOOP")  # now the server has begun STOR
        assert ftps.sock is not None
        assert next_unread(ftps.sock) == b""
        raw.sendall(outgoing.read())  # the end of the handshake
        assert ftps.getresp().startswith("150")
        assert next_unread(raw) != b""
        data.write(BIG)
        with pytest.raises(ssl.SSLWantReadError):
            data.unwrap()
        raw.sendall(outgoing.read())
        assert ftps.voidresp().startswith("226")
    assert ftps_server.files == {"/a.bin": BIG}


def next_unread(sock: socket.socket) -> bytes:
    """The first byte that was received and not read, below TLS; b"" if there is none."""
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        return socket.socket.recv(sock, 1, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
    finally:
        sock.settimeout(timeout)


@pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning")
@pytest.mark.parametrize("protocol", [ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLS_SERVER], ids=["old", "new"])
def test_context_of_the_user(
    ftps_server: FtpServer, ftp_server_factory: Callable[..., FtpServer], connect: Connect, protocol: ssl._SSLMethod
) -> None:
    """A server may use the user's own context, created in the old way or the new one, and does not change it."""
    context = ssl.SSLContext(protocol)
    ftps_server.tls.ca.issue_cert("127.0.0.1").configure_cert(context)
    tickets = context.num_tickets
    server = ftp_server_factory(tls="explicit", certificate=context)
    ftps = connect(server)
    ftps.storbinary("STOR a.bin", io.BytesIO(BIG))
    assert fetch(ftps, "a.bin") == BIG
    assert server.files == {"/a.bin": BIG}
    assert context.num_tickets == tickets
    check_tls(server, "TLSv1.3")


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_data_in_between(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """PROT C leaves data in clear text, PROT P encrypts again; the control connection stays encrypted."""
    assert fetch(ftps, "a.bin") == BIG
    assert ftps.prot_c().startswith("200")
    assert fetch(ftps, "a.bin") == BIG
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert ftps.prot_p().startswith("200")
    assert fetch(ftps, "b.bin") == BIG
    levels = [record.tls and record.tls.version for record in ftps_server.log.transfers]
    assert levels == [version, None, None, version]
    with pytest.raises(AssertionError, match=r"not encrypted: the download of /a\.bin"):
        ftps_server.log.assert_encrypted()


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_commands(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """After CCC commands are in clear text, and data are encrypted as before, both ways."""
    assert ftps.ccc().startswith("200")
    assert ftps.pwd() == "/"
    assert fetch(ftps, "a.bin") == BIG
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert ftps_server.files["/b.bin"] == BIG
    assert ftps.quit().startswith("221")
    check_tls(ftps_server, version)
    [session] = ftps_server.log.sessions
    assert session.tls_ended_seq is not None
    [pwd] = ftps_server.log.find("PWD -> 257")
    assert session.tls_ended_seq < pwd.seq


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
@pytest.mark.parametrize("passive", [True, False], ids=["EPSV", "EPRT"])
def test_ipv6(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str, passive: bool) -> None:
    """EPSV and EPRT transfer encrypted data over IPv6, and the certificate is valid for its address."""
    ftps.set_pasv(passive)
    assert fetch(ftps, "a.bin") == BIG
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("EPSV -> 229" if passive else "EPRT |2|::1|*| -> 200", times=2)


@pytest.mark.ftp(files={"/a.bin": BIG, "/b.bin": b"0123456789", "/c.bin": b"0123"})
def test_resume_and_append(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """Downloads and uploads start at an offset, and APPE writes after the end."""
    assert fetch(ftps, "a.bin", rest=1_000_001) == BIG[1_000_001:]
    check(transfer(ftps_server, "RETR"), BIG[1_000_001:], offset=1_000_001)
    assert fetch(ftps, "a.bin", rest=len(BIG)) == b""
    ftps.storbinary("STOR b.bin", io.BytesIO(b"abcdef"), rest=5)
    ftps.storbinary("APPE c.bin", io.BytesIO(BIG))
    assert ftps_server.files == {"/a.bin": BIG, "/b.bin": b"01234abcdef", "/c.bin": b"0123" + BIG}
    check_tls(ftps_server, version)


def test_ascii(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """Lines end with CRLF within TLS and with LF in the file, both ways, for few lines and many."""
    many = TEXT * 3_000
    for text in (b"", TEXT, many):
        ftps.storlines("STOR a.txt", io.BytesIO(text))
        assert ftps_server.files["/a.txt"] == text
        lines: list[str] = []
        ftps.retrlines("RETR a.txt", lines.append)
        assert lines == text.decode().splitlines()
    check(transfer(ftps_server, "STOR"), many.replace(b"\n", b"\r\n"), kind="A")
    check(transfer(ftps_server, "RETR"), many.replace(b"\n", b"\r\n"), kind="A")
    check_tls(ftps_server, version)


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_listings(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str, passive: bool) -> None:
    """LIST, NLST and MLSD give the same names over encrypted connections, and none for an empty directory."""
    ftps.set_pasv(passive)
    names = {"a.txt", "empty.bin", "hollow", "sub"}
    lines: list[str] = []
    ftps.dir("/tree", lines.append)
    assert {line.split(maxsplit=8)[8] for line in lines if not line.startswith("total")} == names
    assert {name for name, facts in ftps.mlsd("/tree") if facts["type"] in ("file", "dir")} == names
    ftps.cwd("/tree")
    assert set(ftps.nlst()) == names
    for _ in range(3):
        assert ftps.nlst("hollow") == []
    check_tls(ftps_server, version)
    assert len(ftps_server.log.transfers) == 6


@pytest.mark.ftp(files={"/huge.bin": LARGE * 6, "/a.bin": BIG})
def test_abort(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """ABOR, which is not urgent under TLS, ends a download in the middle, and the session continues."""
    ftps.voidcmd("TYPE I")
    with ftps.transfercmd("RETR huge.bin") as data:
        assert data.recv(10) == LARGE[:10]
        first = ftps.abort()
    assert first.startswith("426")
    assert ftps.getmultiline().startswith("226")
    assert transfer(ftps_server, "RETR").completed is False
    assert fetch(ftps, "a.bin") == BIG
    check(transfer(ftps_server, "RETR"), BIG)
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/huge.bin": LARGE * 6, "/a.bin": BIG})
def test_data_connection_closed_early(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """When the client closes the data connection early, the final reply is an error, and the session continues."""
    ftps.voidcmd("TYPE I")
    with ftps.transfercmd("RETR huge.bin") as data:
        assert data.recv(10) == LARGE[:10]
    with pytest.raises(ftplib.error_temp, match=r"^426"):
        ftps.voidresp()
    assert fetch(ftps, "a.bin") == BIG
    assert [record.completed for record in ftps_server.log.transfers] == [False, True]
    check_tls(ftps_server, version)


def test_refusals(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """Refusals before or after a data connection was prepared do not disturb the session."""
    for _ in range(3):
        with pytest.raises(ftplib.error_perm, match=r"^550"):
            fetch(ftps, "missing.bin")
    with pytest.raises(ftplib.error_perm, match=r"^503"):
        ftps.voidcmd("AUTH TLS")
    with pytest.raises(ftplib.error_perm, match=r"^530"):
        ftps.login("user", "wrong")
    ftps.login(*ftps_server.credentials)
    ftps.storbinary("STOR a.bin", io.BytesIO(BIG))
    assert ftps_server.files == {"/a.bin": BIG}
    check_tls(ftps_server, version)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], connect: Connect, version: str, certificate: str, tls: str
) -> None:
    """An invalid certificate is refused before USER and PASS are sent; the server still works."""
    server = ftp_server_factory(tls=tls, certificate=certificate)
    for _ in range(2):
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(server, version, Implicit if tls == "implicit" else ftplib.FTP_TLS)
    server.log.assert_not_sent("USER")
    server.log.assert_not_sent("PASS")
    assert len(server.log.sessions) == 2


def test_unknown_authority(ftps_server: FtpServer) -> None:
    """A client that trusts the default authorities does not trust the valid certificate."""
    with ftplib.FTP_TLS(context=ssl.create_default_context(), timeout=10) as ftps:
        ftps.connect(ftps_server.host, ftps_server.port)
        with pytest.raises(ssl.SSLCertVerificationError):
            ftps.login(*ftps_server.credentials)
    ftps_server.log.assert_not_sent("USER")


@pytest.mark.parametrize("certificate", ["valid", *REFUSED])
def test_certificates_are_not_checked(ftp_server_factory: Callable[..., FtpServer], certificate: str) -> None:
    """Without a context the class checks no certificate, and works with every one."""
    server = ftp_server_factory(tls="explicit", certificate=certificate)
    with ftplib.FTP_TLS(timeout=10) as ftps:
        ftps.connect(server.host, server.port)
        ftps.login(*server.credentials)
        ftps.prot_p()
        ftps.storbinary("STOR a.bin", io.BytesIO(BIG))
    assert server.files == {"/a.bin": BIG}
    check_tls(server, "TLSv1.3")


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
def test_client_certificate(ftps_server: FtpServer, connect: Connect, version: str) -> None:
    """A client with a certificate is accepted, and the log has its name, on data connections too."""
    ftps = connect(ftps_server, version, certificate="ann")
    assert fetch(ftps, "a.bin") == BIG
    ftps.storbinary("STOR b.bin", io.BytesIO(BIG))
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version)
    sent = [ftps_server.log.sessions[0].tls, *(record.tls for record in ftps_server.log.transfers)]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True] * 3


@pytest.mark.ftp(client_certificates="required")
def test_no_client_certificate(ftps_server: FtpServer, connect: Connect, version: str) -> None:
    """A client without a certificate is refused where one is required."""
    with pytest.raises((OSError, EOFError)):  # with TLS 1.3 the error comes with the first reply
        connect(ftps_server, version)
    ftps_server.log.assert_not_sent("PASS")


@pytest.mark.ftp(
    client_certificates="optional",
    users=[User("ann", "secret", certificate="ann"), User("bob", "secret")],
    files={"/a.bin": BIG},
)
def test_certificate_instead_of_password(ftps_server: FtpServer, version: str) -> None:
    """Ann's certificate replaces her password (232); Bob, and Ann without it, need a password."""
    with ftplib.FTP_TLS(context=limited(ftps_server.tls.client_context("ann"), version), timeout=10) as ftps:
        ftps.connect(ftps_server.host, ftps_server.port)
        assert ftps.login("ann", "").startswith("232")
        ftps.prot_p()
        assert fetch(ftps, "a.bin") == BIG
        assert ftps.sendcmd("USER bob").startswith("331")
    with ftplib.FTP_TLS(context=limited(ftps_server.tls.client_context(), version), timeout=10) as ftps:
        ftps.connect(ftps_server.host, ftps_server.port)
        with pytest.raises(ftplib.error_perm, match=r"^530"):
            ftps.login("ann", "")
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("PASS", session=1)


@pytest.mark.ftp(minimum_tls="TLSv1.3")
def test_minimum(ftps_server: FtpServer, connect: Connect) -> None:
    """With `minimum_tls="TLSv1.3"` version 1.2 is refused, and 1.3 accepted."""
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        connect(ftps_server, "TLSv1.2")
    ftps_server.log.assert_not_sent("USER")
    connect(ftps_server, "TLSv1.3").storbinary("STOR a.bin", io.BytesIO(BIG))
    assert ftps_server.files == {"/a.bin": BIG}
    assert ftps_server.log.sessions[1].tls is not None
    assert ftps_server.log.sessions[1].tls.version == "TLSv1.3"
    ftps_server.log.assert_encrypted()


@pytest.mark.ftp(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
def test_ciphers(ftps_server: FtpServer, connect: Connect) -> None:
    """The cipher suite of the setting is used in TLS 1.2 on every connection."""
    connect(ftps_server, "TLSv1.2").storbinary("STOR a.bin", io.BytesIO(BIG))
    assert ftps_server.files == {"/a.bin": BIG}
    used = [ftps_server.log.sessions[0].tls, transfer(ftps_server, "STOR").tls]
    assert [tls and tls.cipher for tls in used] == ["ECDHE-ECDSA-AES128-GCM-SHA256"] * 2
    check_tls(ftps_server, "TLSv1.2")


@pytest.mark.ftp(tls="required", files={"/a.bin": BIG})
def test_required(ftp_server: FtpServer, connect: Connect, version: str) -> None:
    """Where TLS is required, logins and data in clear text are refused, and encrypted ones accepted."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        with pytest.raises(ftplib.error_perm, match=r"^530"):
            ftp.login(*ftp_server.credentials)
    ftps = connect(ftp_server, version)
    with pytest.raises(ftplib.error_perm, match=r"^534"):
        ftps.prot_c()
    assert fetch(ftps, "a.bin") == BIG
    ftp_server.log.assert_sent("PASS", times=1)
    assert transfer(ftp_server, "RETR").tls is not None


@pytest.mark.ftp(files={f"/{number}.bin": LARGE[number::40] for number in range(40)})
def test_many_transfers(ftps_server: FtpServer, ftps: ftplib.FTP_TLS, version: str) -> None:
    """Many small transfers in one session succeed."""
    for number in range(40):
        assert fetch(ftps, f"{number}.bin") == LARGE[number::40]
    assert len(ftps_server.log.transfers) == 40
    check_tls(ftps_server, version)
