"""The program wget over TLS, here with GnuTLS; it only downloads, in passive mode or in active mode."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, client_certificate
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Outcome, Program
from tests.clients.samples import TREE, below, check, needs_ipv6, transfer
from tests.clients.test_wget import wget as wget

LOGIN_REFUSED = 4
CERTIFICATE_REFUSED = 5
Wget = Callable[..., Outcome]


def address(server: FtpServer, path: str) -> str:
    """The URL of a path with the scheme that wget uses for TLS, explicit or implicit."""
    return server.url.replace("ftp://", "ftps://") + path


def options(server: FtpServer) -> tuple[str, ...]:
    """The options for a server."""
    return ("--ca-certificate", server.tls.ca_file, *(["--ftps-implicit"] if server.server.implicit_tls else []))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
def fetch(wget: Program, ftps_server: FtpServer, version: str) -> Wget:
    """Runs the program with the certificate authority of this test's server."""

    def run(path: str, *more: str, code: int = 0) -> Outcome:
        priority = f"--ciphers=NORMAL:-VERS-ALL:+VERS-{version.replace('v', '')}"
        return wget(*options(ftps_server), priority, *more, address(ftps_server, path), code=code)

    return run


@pytest.mark.parametrize("more", [(), ("--no-passive-ftp",)], ids=["PASV", "PORT"])
@all_sizes
def test_download(
    ftps_server: FtpServer, wget: Program, fetch: Wget, version: str, data: bytes, more: tuple[str, ...]
) -> None:
    """A file is downloaded byte for byte, encrypted, in both modes, whatever its size."""
    ftps_server.files["/sub/a.bin"] = data
    fetch("/sub/a.bin", *more)
    assert wget.tree() == {"a.bin": data}
    check(transfer(ftps_server, "RETR"), data, mode="active" if more else "passive")
    check_tls(ftps_server, version)


@pytest.mark.ftp(tls="implicit", files={**TREE, "/tree/big.bin": BIG})
def test_implicit(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A tree is downloaded with implicit TLS."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("AUTH")


@pytest.mark.ftp(files={**TREE, "/tree/big.bin": BIG})
def test_tree(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A tree is downloaded from its encrypted listings."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
@pytest.mark.parametrize("more", [(), ("--no-passive-ftp",)], ids=["EPSV", "EPRT"])
def test_ipv6(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str, more: tuple[str, ...]) -> None:
    """Both modes work over IPv6, and the certificate is valid for its address."""
    fetch("/a.bin", *more)
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("EPRT |2|::1|*| -> 200" if more else "EPSV -> 229")


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_resume(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A partial file is completed."""
    wget.write("a.bin", BIG[:1_000_000])
    fetch("/a.bin", "-c")
    assert wget.read("a.bin") == BIG
    check(transfer(ftps_server, "RETR"), BIG[1_000_000:], offset=1_000_000)
    check_tls(ftps_server, version)


@pytest.mark.ftp(require_session_reuse=True, files={**TREE, "/tree/big.bin": BIG})
def test_session_is_resumed(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """The program resumes the session of the control connection; with --no-ftps-resume-ssl it is refused."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version, resumed=True)
    assert wget(*options(ftps_server), "--no-ftps-resume-ssl", address(ftps_server, "/tree/big.bin"), code=None).code
    refused = ftps_server.log.wait_for("RETR -> 522")
    assert refused.transfer.tls.resumed is False
    assert refused.transfer.size == 0


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_data(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """With --ftps-clear-data-connection data are in clear text, but not names and passwords."""
    fetch("/a.bin", "--ftps-clear-data-connection")
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version, data="C")


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], wget: Program, certificate: str, tls: str
) -> None:
    """An invalid certificate is refused before USER is sent, and accepted when it is not checked."""
    server = ftp_server_factory(tls=tls, certificate=certificate, files={"/a.bin": BIG})
    wget(*options(server), address(server, "/a.bin"), code=CERTIFICATE_REFUSED)
    server.log.assert_not_sent("USER")
    wget(*options(server), "--no-check-certificate", address(server, "/a.bin"))
    assert wget.read("a.bin") == BIG
    check_tls(server, "TLSv1.3", session=2)


def test_unknown_authority(ftps_server: FtpServer, wget: Program) -> None:
    """Without the file of the certificate authority the valid certificate is refused."""
    wget(address(ftps_server, "/a.bin"), code=CERTIFICATE_REFUSED)
    ftps_server.log.assert_not_sent("USER")


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
def test_client_certificate(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A client with a certificate is accepted, on data connections too; without one nothing is transferred."""
    own = str(client_certificate(ftps_server, wget.home))
    fetch("/a.bin", "--certificate", own, "--private-key", own)
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version)
    sent = [ftps_server.log.sessions[0].tls, transfer(ftps_server, "RETR").tls]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True] * 2
    wget(*options(ftps_server), "-O", "b.bin", address(ftps_server, "/a.bin"), code=None)
    ftps_server.log.assert_sent("RETR", times=1)


def test_no_tls(ftp_server: FtpServer, ftps_server: FtpServer, wget: Program) -> None:
    """Without TLS on the server the program gives up, or continues in clear text with --ftps-fallback-to-ftp."""
    ftp_server.files["/a.bin"] = BIG
    assert wget(*options(ftps_server), address(ftp_server, "/a.bin"), code=None).code
    ftp_server.log.assert_not_sent("USER")
    wget(*options(ftps_server), "--ftps-fallback-to-ftp", address(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == BIG
    assert transfer(ftp_server, "RETR").tls is None


@pytest.mark.ftp(tls="required", files={"/a.bin": BIG})
def test_required(ftp_server: FtpServer, wget: Program) -> None:
    """Where TLS is required, logins and data in clear text are refused."""
    wget(ftp_server.url + "/a.bin", code=LOGIN_REFUSED)
    wget(*options(ftp_server), "--ftps-clear-data-connection", address(ftp_server, "/a.bin"), code=None)
    ftp_server.log.assert_not_sent("RETR -> 226")
    wget(*options(ftp_server), "-O", "b.bin", address(ftp_server, "/a.bin"))
    assert wget.read("b.bin") == BIG
    check_tls(ftp_server, "TLSv1.3", session=3)
