"""The program wget over TLS, here with GnuTLS; it downloads only, in passive mode or in active mode."""

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
    """Of a path, with the scheme that means TLS here, be it explicit or implicit."""
    return server.url.replace("ftp://", "ftps://") + path


def options(server: FtpServer) -> tuple[str, ...]:
    """What it is told for a server."""
    return ("--ca-certificate", server.tls.ca_file, *(["--ftps-implicit"] if server.server.implicit_tls else []))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Of TLS."""
    name: str = request.param
    return name


@pytest.fixture
def fetch(wget: Program, ftps_server: FtpServer, version: str) -> Wget:
    """Runs the program with the authority of this test's server."""

    def run(path: str, *more: str, code: int = 0) -> Outcome:
        priority = f"--ciphers=NORMAL:-VERS-ALL:+VERS-{version.replace('v', '')}"
        return wget(*options(ftps_server), priority, *more, address(ftps_server, path), code=code)

    return run


@pytest.mark.parametrize("more", [(), ("--no-passive-ftp",)], ids=["PASV", "PORT"])
@all_sizes
def test_download(
    ftps_server: FtpServer, wget: Program, fetch: Wget, version: str, data: bytes, more: tuple[str, ...]
) -> None:
    """A file arrives octet by octet, encrypted, in both modes, whatever its size."""
    ftps_server.files["/sub/a.bin"] = data
    fetch("/sub/a.bin", *more)
    assert wget.tree() == {"a.bin": data}
    check(transfer(ftps_server, "RETR"), data, mode="active" if more else "passive")
    check_tls(ftps_server, version)


@pytest.mark.ftp(tls="implicit", files={**TREE, "/tree/big.bin": BIG})
def test_implicit(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A tree is fetched with TLS from the first octet."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("AUTH")


@pytest.mark.ftp(files={**TREE, "/tree/big.bin": BIG})
def test_tree(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A tree is fetched by its encrypted listings."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
@pytest.mark.parametrize("more", [(), ("--no-passive-ftp",)], ids=["EPSV", "EPRT"])
def test_ipv6(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str, more: tuple[str, ...]) -> None:
    """Both modes work over IPv6, for which the certificate is good, too."""
    fetch("/a.bin", *more)
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("EPRT |2|::1|*| -> 200" if more else "EPSV -> 229")


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_resume(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """A file that is there in part is completed."""
    wget.write("a.bin", BIG[:1_000_000])
    fetch("/a.bin", "-c")
    assert wget.read("a.bin") == BIG
    check(transfer(ftps_server, "RETR"), BIG[1_000_000:], offset=1_000_000)
    check_tls(ftps_server, version)


@pytest.mark.ftp(require_session_reuse=True, files={**TREE, "/tree/big.bin": BIG})
def test_session_is_resumed(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """It resumes the session of the control connection every time, unless told not to: then it is refused."""
    fetch("/tree/", "-r", "-nH")
    assert wget.tree("tree") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version, resumed=True)
    assert wget(*options(ftps_server), "--no-ftps-resume-ssl", address(ftps_server, "/tree/big.bin"), code=None).code
    refused = ftps_server.log.wait_for("RETR -> 522")
    assert refused.transfer.tls.resumed is False
    assert refused.transfer.size == 0


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_clear_data(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """Data goes in clear when it is told so, and names and passwords do not."""
    fetch("/a.bin", "--ftps-clear-data-connection")
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version, data="C")


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], wget: Program, certificate: str, tls: str
) -> None:
    """A certificate that is not good is refused before a password is said, and works where nobody looks."""
    server = ftp_server_factory(tls=tls, certificate=certificate, files={"/a.bin": BIG})
    wget(*options(server), address(server, "/a.bin"), code=CERTIFICATE_REFUSED)
    server.log.assert_not_sent("USER")
    wget(*options(server), "--no-check-certificate", address(server, "/a.bin"))
    assert wget.read("a.bin") == BIG
    check_tls(server, "TLSv1.3", session=2)


def test_authority_is_unknown(ftps_server: FtpServer, wget: Program) -> None:
    """Without the authority's file the valid certificate is refused."""
    wget(address(ftps_server, "/a.bin"), code=CERTIFICATE_REFUSED)
    ftps_server.log.assert_not_sent("USER")


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
def test_client_certificate(ftps_server: FtpServer, wget: Program, fetch: Wget, version: str) -> None:
    """The certificate of a client lets it in, on data connections, too; without one nothing is transferred."""
    own = str(client_certificate(ftps_server, wget.home))
    fetch("/a.bin", "--certificate", own, "--private-key", own)
    assert wget.read("a.bin") == BIG
    check_tls(ftps_server, version)
    shown = [ftps_server.log.sessions[0].tls, transfer(ftps_server, "RETR").tls]
    assert ["CN=ann" in tls.subject.split(",") for tls in shown if tls] == [True] * 2
    wget(*options(ftps_server), "-O", "b.bin", address(ftps_server, "/a.bin"), code=None)
    ftps_server.log.assert_sent("RETR", times=1)


def test_no_tls(ftp_server: FtpServer, ftps_server: FtpServer, wget: Program) -> None:
    """Where there is no TLS it gives up, or goes on in clear when it may."""
    ftp_server.files["/a.bin"] = BIG
    assert wget(*options(ftps_server), address(ftp_server, "/a.bin"), code=None).code
    ftp_server.log.assert_not_sent("USER")
    wget(*options(ftps_server), "--ftps-fallback-to-ftp", address(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == BIG
    assert transfer(ftp_server, "RETR").tls is None


@pytest.mark.ftp(tls="required", files={"/a.bin": BIG})
def test_required(ftp_server: FtpServer, wget: Program) -> None:
    """Where TLS is required, neither a login nor data go in clear."""
    wget(ftp_server.url + "/a.bin", code=LOGIN_REFUSED)
    wget(*options(ftp_server), "--ftps-clear-data-connection", address(ftp_server, "/a.bin"), code=None)
    ftp_server.log.assert_not_sent("RETR -> 226")
    wget(*options(ftp_server), "-O", "b.bin", address(ftp_server, "/a.bin"))
    assert wget.read("b.bin") == BIG
    check_tls(ftp_server, "TLSv1.3", session=3)
