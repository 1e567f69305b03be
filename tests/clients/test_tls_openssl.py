"""The program openssl: one s_client process for the control connection, another one for each data connection."""

from __future__ import annotations

import os
import re
import string
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from ftpfixture import FtpServer, User
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, client_certificate
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Program
from tests.clients.samples import TEXT, TREE, check, needs_ipv6, transfer

OPTIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
SESSION = "session.pem"
Connect = Callable[..., "ControlConnection"]


def sendable(data: bytes) -> bytes:
    """The bytes without letters: s_client treats some letters at the beginning of a read as commands, even in files."""
    return data.translate(None, string.ascii_letters.encode())


PLAIN = sendable(BIG)


def target(server: FtpServer, port: int | None = None) -> list[str]:
    """The arguments that every call needs: address, certificate authority, and expected host."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    trust = ["-CAfile", server.tls.ca_file, "-verify_return_error", "-verify_ip", server.host]
    return ["s_client", "-quiet", "-connect", f"{host}:{port or server.port}", *trust]


def start_of_tls(server: FtpServer) -> list[str]:
    """The arguments for the start of TLS on the control connection."""
    return [] if server.server.implicit_tls else ["-starttls", "ftp"]


class ControlConnection:
    """A control connection.

    Args:
        openssl: The program.
        server: The server to connect to.
        arguments: Further arguments of every process.
    """

    def __init__(self, openssl: Program, server: FtpServer, *arguments: str) -> None:
        self._openssl = openssl
        self._server = server
        self._arguments = arguments
        self._process = subprocess.Popen(
            [openssl.name, *target(server), *start_of_tls(server), *arguments, "-crlf", "-sess_out", SESSION],
            cwd=openssl.folder,
            env={"HOME": str(openssl.home), "PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def read_reply(self) -> str:
        """The last line of the next reply."""
        assert self._process.stdout is not None
        line = ""
        while not re.match(r"\d{3} ", line):
            read = self._process.stdout.readline()
            assert read, f"the connection ended after {line!r}"
            line = read.decode().rstrip("\r\n")
        return line

    def ask(self, command: str) -> str:
        """Send a command, and return the last line of its reply."""
        self.send(command)
        return self.read_reply()

    def quit(self) -> int:
        """Send QUIT, wait until the process has ended, and return its exit code."""
        assert self.ask("QUIT").startswith("221")
        return self._process.wait(20)

    def transfer(self, command: str, data: bytes = b"", resume: bool = True) -> bytes:
        """Run a transfer with another process, and return the received data; the command must succeed."""
        port = int(re.findall(r"\|\|\|(\d+)\|", self.ask("EPSV"))[0])
        self.send(command)
        session = ["-sess_in", SESSION] if resume else []
        # At the end of its input an uploading process closes with close_notify; a downloading one waits for the end.
        sends = ["-no_ign_eof"] if command.startswith(("STOR", "APPE")) else []
        finished = self._openssl(*target(self._server, port), *self._arguments, *session, *sends, stdin=data)
        assert self.read_reply().startswith("150")
        assert self.read_reply().startswith("226")
        return finished.output


@pytest.fixture
def openssl(tmp_path: Path) -> Program:
    """The program."""
    return Program("openssl", tmp_path)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
def connect(openssl: Program) -> Iterator[Connect]:
    """Creates control connections that are logged in with encrypted data connections, and ends them."""
    with ExitStack() as stack:

        def make(server: FtpServer, version: str, *arguments: str) -> ControlConnection:
            control = stack.enter_context(ControlConnection(openssl, server, OPTIONS[version], *arguments))
            if server.server.implicit_tls:
                assert control.read_reply().startswith("220")
            assert control.ask(f"USER {server.user}").startswith("331")
            assert control.ask(f"PASS {server.password}").startswith("230")
            assert control.ask("PBSZ 0").startswith("200")
            assert control.ask("PROT P").startswith("200")
            assert control.ask("TYPE I").startswith("200")
            return control

        yield make


@pytest.fixture
def control(connect: Connect, ftps_server: FtpServer, version: str) -> ControlConnection:
    """A control connection to this test's server."""
    return connect(ftps_server, version)


@all_sizes
def test_round_trip(ftps_server: FtpServer, control: ControlConnection, version: str, data: bytes) -> None:
    """A file is stored and retrieved byte for byte over connections that resume the session, whatever its size."""
    data = sendable(data) or data[:1]
    control.transfer("STOR a.bin", data)
    assert ftps_server.files == {"/a.bin": data}
    assert control.transfer("RETR a.bin") == data
    assert control.quit() == 0
    check(transfer(ftps_server, "STOR"), data)
    check(transfer(ftps_server, "RETR"), data)
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.ftp(tls="implicit", files={"/a.bin": BIG})
def test_implicit(ftps_server: FtpServer, control: ControlConnection, version: str) -> None:
    """Implicit TLS encrypts the greeting and everything after it."""
    assert control.transfer("RETR a.bin") == BIG
    control.transfer("STOR b.bin", PLAIN)
    assert ftps_server.files["/b.bin"] == PLAIN
    check_tls(ftps_server, version, resumed=True)
    ftps_server.log.assert_not_sent("AUTH")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
def test_ipv6(ftps_server: FtpServer, control: ControlConnection, version: str) -> None:
    """It works over IPv6, and the certificate is valid for its address."""
    assert control.transfer("RETR a.bin") == BIG
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG, "/b.bin": b"0123456789", "/c.bin": b"0123"})
def test_resume_and_append(ftps_server: FtpServer, control: ControlConnection, version: str) -> None:
    """REST starts downloads and uploads at an offset, and APPE writes after the end."""
    assert control.ask("REST 1000001").startswith("350")
    assert control.transfer("RETR a.bin") == BIG[1_000_001:]
    assert control.ask("REST 5").startswith("350")
    control.transfer("STOR b.bin", b"abcdefg")
    control.transfer("APPE c.bin", PLAIN)
    assert ftps_server.files == {"/a.bin": BIG, "/b.bin": b"01234abcdefg", "/c.bin": b"0123" + PLAIN}
    check(transfer(ftps_server, "RETR"), BIG[1_000_001:], offset=1_000_001)
    check(transfer(ftps_server, "STOR"), b"abcdefg", offset=5)
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.txt": TEXT, **TREE})
def test_listings_and_text(ftps_server: FtpServer, control: ControlConnection, version: str) -> None:
    """LIST, NLST and MLSD give the same names, none for an empty directory; in ASCII mode lines end with CRLF."""
    names = ["a.txt", "empty.bin", "hollow", "sub"]
    assert control.transfer("NLST /tree").decode().split() == [f"/tree/{name}" for name in names]
    listed = control.transfer("LIST /tree").decode().splitlines()
    assert [line.split()[-1] for line in listed if not line.startswith("total")] == names
    assert set(names) <= {line.partition(" ")[2] for line in control.transfer("MLSD /tree").decode().splitlines()}
    assert control.transfer("NLST /tree/hollow") == b""
    assert control.ask("TYPE A").startswith("200")
    assert control.transfer("RETR a.txt") == TEXT.replace(b"\n", b"\r\n")
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_resumption_is_logged(ftps_server: FtpServer, control: ControlConnection, version: str) -> None:
    """The log shows for each connection whether it resumed a session."""
    assert control.transfer("RETR a.bin", resume=False) == BIG
    assert control.transfer("RETR a.bin", resume=True) == BIG
    assert control.transfer("RETR a.bin", resume=False) == BIG
    tls = [ftps_server.log.sessions[0].tls, *(record.tls for record in ftps_server.log.transfers)]
    assert [info and info.resumed for info in tls] == [False, False, True, False]
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_session_of_another_connection(ftps_server: FtpServer, connect: Connect, version: str) -> None:
    """A control connection may resume the session of an earlier one."""
    first = connect(ftps_server, version)
    assert first.quit() == 0
    second = connect(ftps_server, version, "-sess_in", SESSION)
    assert second.transfer("RETR a.bin") == BIG
    assert [session.tls and session.tls.resumed for session in ftps_server.log.sessions] == [False, True]
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
def test_session_is_required(
    ftps_server: FtpServer, openssl: Program, control: ControlConnection, version: str
) -> None:
    """Where resumption is required, a data connection without it is closed properly, without a byte."""
    port = re.findall(r"\|\|\|(\d+)\|", control.ask("EPSV"))[0]
    control.send("RETR a.bin")
    assert openssl(*target(ftps_server, int(port)), OPTIONS[version]).output == b""
    assert control.read_reply().startswith("150")
    assert control.read_reply().startswith("522")
    assert control.transfer("RETR a.bin") == BIG
    assert [record.tls and record.tls.resumed for record in ftps_server.log.transfers] == [False, True]
    check_tls(ftps_server, version)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], openssl: Program, version: str, certificate: str, tls: str
) -> None:
    """An invalid certificate is refused with the right reason, and nothing is sent."""
    reasons = {
        "expired": "certificate has expired",
        "wrong-host": "IP address mismatch",
        "self-signed": "self-signed certificate",
        "untrusted": "unable to get local issuer certificate",
    }
    server = ftp_server_factory(tls=tls, certificate=certificate)
    arguments = [*target(server), *start_of_tls(server), OPTIONS[version]]
    for _ in range(2):
        text = openssl(*arguments, stdin="USER user\n", code=1).text
        assert reasons[certificate] in text.replace("self signed", "self-signed")
    server.log.assert_not_sent("USER")
    assert len(server.log.sessions) == 2


@pytest.mark.ftp(
    client_certificates="required", users=[User("ann", "secret", certificate="ann")], files={"/a.bin": BIG}
)
def test_client_certificate(ftps_server: FtpServer, openssl: Program, version: str) -> None:
    """A client certificate replaces the password, and is sent on data connections too."""
    own = str(client_certificate(ftps_server, openssl.home))
    with ControlConnection(openssl, ftps_server, OPTIONS[version], "-cert", own, "-key", own) as control:
        assert control.ask("USER ann").startswith("232")
        assert control.ask("PBSZ 0").startswith("200")
        assert control.ask("PROT P").startswith("200")
        assert control.ask("TYPE I").startswith("200")
        for resume in (True, False):
            assert control.transfer("RETR a.bin", resume=resume) == BIG
    check_tls(ftps_server, version)
    sent = [ftps_server.log.sessions[0].tls, *(record.tls for record in ftps_server.log.transfers)]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True] * 3


@pytest.mark.ftp(minimum_tls="TLSv1.3")
def test_minimum(ftps_server: FtpServer, openssl: Program, connect: Connect) -> None:
    """With `minimum_tls="TLSv1.3"` version 1.2 is refused with the right alert, and 1.3 accepted."""
    arguments = [*target(ftps_server), *start_of_tls(ftps_server), "-tls1_2"]
    assert "alert protocol version" in openssl(*arguments, code=1).text
    control = connect(ftps_server, "TLSv1.3")
    control.transfer("STOR a.bin", PLAIN)
    assert ftps_server.files == {"/a.bin": PLAIN}
    check_tls(ftps_server, "TLSv1.3", session=2)


@pytest.mark.ftp(ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
def test_ciphers(ftps_server: FtpServer, openssl: Program, connect: Connect) -> None:
    """In TLS 1.2 only the cipher suites of the setting are available."""
    arguments = [*target(ftps_server), *start_of_tls(ftps_server), "-tls1_2"]
    assert "alert handshake failure" in openssl(*arguments, "-cipher", "AES128-SHA", code=1).text
    connect(ftps_server, "TLSv1.2").transfer("STOR a.bin", PLAIN)
    assert ftps_server.files == {"/a.bin": PLAIN}
    used = [ftps_server.log.sessions[1].tls, transfer(ftps_server, "STOR").tls]
    assert [tls and tls.cipher for tls in used] == ["ECDHE-ECDSA-CHACHA20-POLY1305"] * 2
    check_tls(ftps_server, "TLSv1.2", session=2)
