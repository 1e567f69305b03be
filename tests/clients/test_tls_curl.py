"""The program curl over TLS, here with OpenSSL."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer, User
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, client_certificate
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Outcome, Program
from tests.clients.samples import LARGE, TEXT, TREE, check, needs_ipv6, transfer

PARTIAL = 18
HANDSHAKE_FAILED = 35
RECEIVE_ERROR = 56
CERTIFICATE_REFUSED = 60
NO_TLS = 64
LOGIN_DENIED = 67
NOT_FOUND = 78

OPTIONS = {"TLSv1.2": ("--tlsv1.2", "--tls-max", "1.2"), "TLSv1.3": ("--tlsv1.3",)}
Curl = Callable[..., Outcome]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program without a settings file and with short timeouts."""
    return Program("curl", tmp_path, "-q", "-sS", "--noproxy", "*", "--connect-timeout", "5", "--max-time", "15")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
def curl(program: Program, ftps_server: FtpServer, version: str) -> Curl:
    """Runs the program with the certificate authority of this test's server; it sends nothing in clear text."""

    def run(*arguments: str, stdin: bytes = b"", code: int = 0) -> Outcome:
        options = ("--ssl-reqd", "--cacert", ftps_server.tls.ca_file, *OPTIONS[version])
        return program(*options, *arguments, stdin=stdin, code=code)

    return run


@all_sizes
def test_round_trip(ftps_server: FtpServer, program: Program, curl: Curl, version: str, data: bytes) -> None:
    """A file is uploaded and downloaded byte for byte, encrypted, whatever its size."""
    program.write("a.bin", data)
    curl("-T", "a.bin", f"{ftps_server.url}/")
    assert ftps_server.files == {"/a.bin": data}
    assert curl(f"{ftps_server.url}/a.bin").output == data
    check(transfer(ftps_server, "STOR"), data)
    check(transfer(ftps_server, "RETR"), data)
    check_tls(ftps_server, version)
    ftps_server.log.assert_sequence(
        "AUTH -> 234", "USER -> 331", "PASS -> 230", "PBSZ 0 -> 200", "PROT P -> 200", "EPSV -> 229", "STOR -> 226"
    )


@pytest.mark.ftp(tls="implicit", files={"/a.bin": BIG, **TREE})
def test_implicit(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """A URL with ftps:// means implicit TLS, for uploads, downloads and listings."""
    program.write("b.bin", BIG)
    assert ftps_server.url.startswith("ftps://")
    assert curl(f"{ftps_server.url}/a.bin").output == BIG
    curl("-T", "b.bin", f"{ftps_server.url}/")
    assert ftps_server.files["/b.bin"] == BIG
    assert b"a.txt" in curl(f"{ftps_server.url}/tree/").output
    assert curl("-l", f"{ftps_server.url}/tree/hollow/").output == b""
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("AUTH")


def lacks_tls_in_active_mode(program: Program) -> bool:
    """Whether this version of curl leaves active data connections in clear text after PROT P.

    Source: curl issue 10666. vsftpd, ProFTPD, Pure-FTPd and pyftpdlib get no handshake from them either.
    """
    return re.match(rb"curl 7\.8[78]\.", program("-V").output) is not None


def check_nothing_in_clear(ftps_server: FtpServer, program: Program, curl: Curl, *options: str) -> None:
    """Check what such a version gets: 522 both ways, an empty upload, no byte of a download; the session continues."""
    program.write("up.bin", b"in clear")
    ftps_server.files["/down.bin"] = BIG
    curl(*options, "-T", "up.bin", f"{ftps_server.url}/", code=PARTIAL)
    ftps_server.server.handshake_timeout = 0.1  # in a download this curl sends nothing and waits
    assert curl(*options, f"{ftps_server.url}/down.bin", code=RECEIVE_ERROR).output == b""
    assert ftps_server.files["/up.bin"] == b""
    for verb in ("STOR", "RETR"):
        ftps_server.log.wait_for(f"{verb} -> 522")
        record = transfer(ftps_server, verb)
        assert (record.mode, record.size, record.completed, record.tls) == ("active", 0, False, None)
    ftps_server.log.assert_sequence("STOR -> 522", "QUIT -> 221", session=1)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        pytest.param(("--disable-epsv",), "PASV -> 227", id="PASV"),
        pytest.param(("-P", "127.0.0.1"), "EPRT |1|127.0.0.1|*| -> 200", id="EPRT"),
        pytest.param(("-P", "127.0.0.1", "--disable-eprt"), "PORT 127,0,0,1,* -> 200", id="PORT"),
    ],
)
@pytest.mark.ftp(files={"/a.bin": BIG, "/void/": None})
def test_modes(
    ftps_server: FtpServer, program: Program, curl: Curl, version: str, options: tuple[str, ...], command: str
) -> None:
    """Uploads, downloads and listings are encrypted with every data connection command, empty ones too."""
    mode = "passive" if "PASV" in command else "active"
    if mode == "active" and lacks_tls_in_active_mode(program):
        check_nothing_in_clear(ftps_server, program, curl, *options)
        return
    program.write("b.bin", BIG)
    curl(*options, "-T", "b.bin", f"{ftps_server.url}/")
    assert curl(*options, f"{ftps_server.url}/a.bin").output == BIG
    assert b"a.bin" in curl(*options, f"{ftps_server.url}/").output
    assert curl(*options, "-l", f"{ftps_server.url}/void/").output == b""
    assert ftps_server.files["/b.bin"] == BIG
    check(transfer(ftps_server, "STOR"), BIG, mode=mode)
    check(transfer(ftps_server, "RETR"), BIG, mode=mode)
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent(command, times=4)


@pytest.mark.parametrize("protection", ["P", "C"])
def test_implicit_tls_before_prot(
    ftp_server_factory: Callable[..., FtpServer], program: Program, protection: str
) -> None:
    """The program sends PROT P, so its data are encrypted, whatever the server expects before that."""
    server = ftp_server_factory(tls="implicit", implicit_protection=protection, files={"/a.bin": BIG})
    assert program("--cacert", server.tls.ca_file, f"{server.url}/a.bin").output == BIG
    server.log.assert_sequence("PBSZ 0 -> 200", "PROT P -> 200", "RETR -> 226")
    check_tls(server, None)


@needs_ipv6
@pytest.mark.ftp(host="::1")
@pytest.mark.parametrize(
    ("options", "command"),
    [
        pytest.param((), "EPSV -> 229", id="EPSV"),
        pytest.param(("-P", "::1"), "EPRT |2|::1|*| -> 200", id="EPRT"),
    ],
)
def test_ipv6(
    ftps_server: FtpServer, program: Program, curl: Curl, version: str, options: tuple[str, ...], command: str
) -> None:
    """Both modes work over IPv6, and the certificate is valid for its address."""
    if options and lacks_tls_in_active_mode(program):
        check_nothing_in_clear(ftps_server, program, curl, "-g", *options)
        return
    program.write("a.bin", BIG)
    curl("-g", *options, "-T", "a.bin", f"{ftps_server.url}/")
    assert ftps_server.files == {"/a.bin": BIG}
    assert curl("-g", *options, f"{ftps_server.url}/a.bin").output == BIG
    check(transfer(ftps_server, "RETR"), BIG, mode="active" if options else "passive")
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent(command, times=2)


@pytest.mark.ftp(files={"/a.bin": BIG[:1_000_000], "/b.bin": BIG, "/c.bin": b"0123"})
def test_resume_and_append(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """Partial files are completed, locally and on the server; a range is cut out, and APPE appends."""
    program.write("a.bin", BIG)
    program.write("b.bin", BIG[:1_000_000])
    curl("-C", "-", "-T", "a.bin", f"{ftps_server.url}/")
    curl("-C", "-", "-O", f"{ftps_server.url}/b.bin")
    curl("-a", "-T", "-", f"{ftps_server.url}/c.bin", stdin=b"45")
    assert ftps_server.files == {"/a.bin": BIG, "/b.bin": BIG, "/c.bin": b"012345"}
    assert program.read("b.bin") == BIG
    check(transfer(ftps_server, "APPE", 0), BIG[1_000_000:])
    check(transfer(ftps_server, "RETR"), BIG[1_000_000:], offset=1_000_000)
    assert curl("-r", "1000000-1000009", f"{ftps_server.url}/b.bin").output == BIG[1_000_000:1_000_010]
    check_tls(ftps_server, version)


def test_ascii(ftps_server: FtpServer, curl: Curl, version: str) -> None:
    """In ASCII mode lines end with CRLF inside TLS."""
    curl("-B", "--crlf", "-T", "-", f"{ftps_server.url}/a.txt", stdin=TEXT * 5000)
    assert ftps_server.files["/a.txt"] == TEXT * 5000
    assert curl("-B", f"{ftps_server.url}/a.txt").output.replace(b"\r\n", b"\n") == TEXT * 5000
    check(transfer(ftps_server, "STOR"), (TEXT * 5000).replace(b"\n", b"\r\n"), kind="A")
    check_tls(ftps_server, version)


@pytest.mark.ftp(files=TREE)
def test_listings(ftps_server: FtpServer, curl: Curl, version: str) -> None:
    """LIST, NLST and MLSD show the same entries, encrypted."""
    listed = curl(f"{ftps_server.url}/tree/").output.decode().splitlines()
    named = curl("-l", f"{ftps_server.url}/tree/").output.decode().splitlines()
    facts = curl("-X", "MLSD", f"{ftps_server.url}/tree/").output.decode().splitlines()
    assert sorted(named) == ["a.txt", "empty.bin", "hollow", "sub"]
    assert {line.split(maxsplit=8)[8] for line in listed if not line.startswith("total")} == set(named)
    assert set(named) <= {line.partition(" ")[2] for line in facts}
    check_tls(ftps_server, version)


@pytest.mark.ftp(require_session_reuse=True, files={f"/{number}.bin": LARGE[number::20] for number in range(3)})
def test_session_is_resumed(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """The program resumes the session on each of many data connections, and is refused with --no-sessionid."""
    outcome = curl(ftps_server.url + "/[0-2].bin")
    assert outcome.output == b"".join(LARGE[number::20] for number in range(3))
    program.write("a.bin", BIG)
    curl("-T", "a.bin", f"{ftps_server.url}/")
    assert ftps_server.files["/a.bin"] == BIG
    check_tls(ftps_server, version, resumed=True)
    assert curl("--no-sessionid", f"{ftps_server.url}/0.bin", code=PARTIAL).output == b""
    refused = ftps_server.log.wait_for("RETR -> 522")
    assert refused.transfer.tls.resumed is False
    assert refused.transfer.size == 0


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_data(ftps_server: FtpServer, program: Program, version: str) -> None:
    """With --ftp-ssl-control names and passwords are encrypted, and data are not."""
    options = ("--ftp-ssl-control", "--cacert", ftps_server.tls.ca_file, *OPTIONS[version])
    program.write("b.bin", BIG)
    assert program(*options, f"{ftps_server.url}/a.bin").output == BIG
    program(*options, "-T", "b.bin", f"{ftps_server.url}/")
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version, data="C")
    ftps_server.log.assert_sent("PROT C -> 200", times=2)


@pytest.mark.parametrize("initiator", ["active", "passive"])
@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_commands(ftps_server: FtpServer, program: Program, curl: Curl, version: str, initiator: str) -> None:
    """After CCC commands are in clear text and data are not, whichever side ends TLS first."""
    options = ("--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", initiator)
    program.write("b.bin", BIG)
    assert curl(*options, f"{ftps_server.url}/a.bin").output == BIG
    curl(*options, "-T", "b.bin", f"{ftps_server.url}/")
    assert ftps_server.files["/b.bin"] == BIG
    ftps_server.log.assert_sent("CCC -> 200", times=2)
    for number, verb in enumerate(("RETR", "STOR"), 1):
        [record] = ftps_server.log.find(f"{verb} -> 226", session=number)
        cleared = ftps_server.log.sessions[number - 1].tls_ended_seq
        assert cleared is not None
        assert cleared < record.seq
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_optional_tls(ftps_server: FtpServer, ftp_server_factory: Callable[..., FtpServer], program: Program) -> None:
    """With --ssl TLS is used if available; otherwise --ssl continues in clear text, and --ssl-reqd fails."""
    clear = ftp_server_factory(files={"/a.bin": BIG})
    assert program("--ssl", "--cacert", ftps_server.tls.ca_file, f"{ftps_server.url}/a.bin").output == BIG
    assert program("--ssl", f"{clear.url}/a.bin").output == BIG
    assert clear.log.transfers[0].tls is None
    check_tls(ftps_server, "TLSv1.3")
    assert program("--ssl-reqd", f"{clear.url}/a.bin", code=NO_TLS).output == b""
    clear.log.assert_not_sent("USER", session=2)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], program: Program, certificate: str, tls: str
) -> None:
    """An invalid certificate ends the program before USER is sent; with -k it is not checked."""
    server = ftp_server_factory(tls=tls, certificate=certificate, files={"/a.bin": BIG})
    options = ("--ssl-reqd", "--cacert", server.tls.ca_file)
    assert program(*options, f"{server.url}/a.bin", code=CERTIFICATE_REFUSED).output == b""
    server.log.assert_not_sent("USER")
    assert program("--ssl-reqd", "-k", f"{server.url}/a.bin").output == BIG
    check_tls(server, "TLSv1.3", session=2)


def test_unknown_authority(ftps_server: FtpServer, program: Program) -> None:
    """Without the file of the certificate authority the valid certificate is refused."""
    program("--ssl-reqd", f"{ftps_server.url}/", code=CERTIFICATE_REFUSED)
    ftps_server.log.assert_not_sent("USER")


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
def test_client_certificate(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """A client with a certificate is accepted, on data connections too; without one it sends nothing."""
    own = str(client_certificate(ftps_server, program.folder))
    program.write("b.bin", BIG)
    assert curl("--cert", own, f"{ftps_server.url}/a.bin").output == BIG
    curl("--cert", own, "-T", "b.bin", f"{ftps_server.url}/")
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version)
    sent = [transfer(ftps_server, verb).tls for verb in ("RETR", "STOR")]
    sent += [session.tls for session in ftps_server.log.sessions]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True] * 4
    options = ("--ssl-reqd", "--cacert", ftps_server.tls.ca_file, *OPTIONS[version])
    assert program(*options, f"{ftps_server.url}/a.bin", code=None).code != 0
    ftps_server.log.assert_sent("PASS", times=2)


@pytest.mark.ftp(client_certificates="optional", users=[User("ann", "secret", certificate="ann")])
def test_certificate_instead_of_password(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """A certificate replaces the password (232)."""
    own = str(client_certificate(ftps_server, program.folder))
    program.write("a.bin", BIG)
    address = f"ftp://ann@{ftps_server.host}:{ftps_server.port}/"
    curl("--cert", own, "-T", "a.bin", address)
    curl("-T", "a.bin", f"{address}b.bin", code=LOGIN_DENIED)
    assert ftps_server.files == {"/a.bin": BIG}
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("USER ann -> 232", session=1)


@pytest.mark.ftp(minimum_tls="TLSv1.3", files={"/a.bin": BIG})
def test_minimum(ftps_server: FtpServer, program: Program) -> None:
    """With `minimum_tls="TLSv1.3"` version 1.2 is refused, and 1.3 accepted."""
    options = ("--ssl-reqd", "--cacert", ftps_server.tls.ca_file)
    program(*options, *OPTIONS["TLSv1.2"], f"{ftps_server.url}/a.bin", code=HANDSHAKE_FAILED)
    ftps_server.log.assert_not_sent("USER")
    assert program(*options, *OPTIONS["TLSv1.3"], f"{ftps_server.url}/a.bin").output == BIG
    check_tls(ftps_server, "TLSv1.3", session=2)


@pytest.mark.ftp(tls="required", files={"/a.bin": BIG})
def test_required(ftp_server: FtpServer, program: Program) -> None:
    """Where TLS is required, a login in clear text is refused."""
    program(f"{ftp_server.url}/a.bin", code=LOGIN_DENIED)
    ftp_server.log.assert_not_sent("RETR")
    assert program("--ssl-reqd", "--cacert", ftp_server.tls.ca_file, f"{ftp_server.url}/a.bin").output == BIG
    check_tls(ftp_server, "TLSv1.3", session=2)


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_refusals(ftps_server: FtpServer, curl: Curl, version: str) -> None:
    """A wrong password and missing files give the right errors under TLS too."""
    curl("-u", "user:wrong", f"ftp://{ftps_server.host}:{ftps_server.port}/", code=LOGIN_DENIED)
    assert curl(f"{ftps_server.url}/missing.bin", code=NOT_FOUND).output == b""
    assert curl(f"{ftps_server.url}/a.bin").output == BIG
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={f"/{number}.bin": LARGE[number::8] for number in range(8)})
def test_many_at_once(ftps_server: FtpServer, program: Program, curl: Curl, version: str) -> None:
    """Many files are transferred over several encrypted connections at the same time."""
    curl("-Z", "--parallel-max", "4", "--remote-name-all", ftps_server.url + "/[0-7].bin")
    assert program.tree() == {f"{number}.bin": LARGE[number::8] for number in range(8)}
    check_tls(ftps_server, version)
