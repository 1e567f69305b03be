"""The program lftp over TLS, here with GnuTLS.

CCC is not tested: lftp 4.9 often treats the close_notify of any server as the end of the session.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, User
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, client_certificate
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Outcome, Program
from tests.clients.samples import LARGE, MODIFIED, TEXT, TREE, below, check, needs_ipv6, transfer
from tests.clients.test_lftp import lftp as lftp

SETTINGS = (
    "set cmd:fail-exit yes",
    "set net:max-retries 1",
    "set net:timeout 12",
    "set net:reconnect-interval-base 1",
    "set mirror:set-permissions yes",
    "set xfer:use-temp-file no",
    "set ftp:ssl-force yes",
    "set ftp:use-mode-z no",
)
PRIORITIES = {name: f"set ssl:priority NORMAL:-VERS-ALL:+VERS-{name.replace('v', '')}" for name in VERSIONS}
Script = Callable[..., Outcome]


def commands(server: FtpServer, *more: str, login: str | None = None) -> str:
    """A script that trusts the certificate authority of the server, and opens it."""
    scheme = "ftps://" if server.server.implicit_tls else ""
    user = login or ",".join(server.credentials)
    open_ = f"open -p {server.port} -u {user} {scheme}{server.host}"
    trust = f"set ssl:ca-file {server.tls.ca_file}"
    settings = [command for command in more if command.startswith("set ")]
    return "; ".join([*SETTINGS, trust, *settings, open_, *(command for command in more if command not in settings)])


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.mark.parametrize("protection", ["P", "C"])
def test_implicit_tls_before_prot(ftp_server_factory: Callable[..., FtpServer], lftp: Program, protection: str) -> None:
    """The program sends PROT P, so its data are encrypted, whatever the server expects before that."""
    server = ftp_server_factory(tls="implicit", implicit_protection=protection, files={"/a.bin": BIG})
    assert lftp("-c", commands(server, "cat a.bin")).output == BIG
    server.log.assert_sequence("PROT P -> 200", "RETR -> 226")
    check_tls(server, None)


@pytest.fixture
def script(ftps_server: FtpServer, lftp: Program, version: str) -> Script:
    """Runs settings and then commands in one session with this test's server."""

    def run(*words: str, code: int | None = 0, login: str | None = None) -> Outcome:
        return lftp("-c", commands(ftps_server, PRIORITIES[version], *words, login=login), code=code)

    return run


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("set ftp:prefer-epsv no", "PASV -> 227"),
        ("set ftp:prefer-epsv yes", "EPSV -> 229"),
        ("set ftp:passive-mode no", "PORT -> 200"),
    ],
    ids=["PASV", "EPSV", "PORT"],
)
@all_sizes
def test_round_trip(
    ftps_server: FtpServer, lftp: Program, script: Script, version: str, data: bytes, setting: str, command: str
) -> None:
    """A file is uploaded and downloaded byte for byte, encrypted, in all modes, whatever its size."""
    mode = "active" if "PORT" in command else "passive"
    lftp.write("a.bin", data)
    script(setting, "put a.bin", "get a.bin -o b.bin")
    assert ftps_server.files == {"/a.bin": data}
    assert lftp.read("b.bin") == data
    check(transfer(ftps_server, "STOR"), data, mode=mode)
    check(transfer(ftps_server, "RETR"), data, mode=mode)
    check_tls(ftps_server, version)
    ftps_server.log.assert_sequence("AUTH TLS -> 234", "USER -> 331", "PROT P -> 200", command, "STOR -> 226")


@pytest.mark.ftp(tls="implicit", files=TREE)
@pytest.mark.parametrize("passive", ["yes", "no"])
def test_implicit(ftps_server: FtpServer, lftp: Program, script: Script, version: str, passive: str) -> None:
    """A URL with ftps:// means implicit TLS, for mirrors both ways."""
    script(f"set ftp:passive-mode {passive}", "mirror /tree down", "mirror -R down /up")
    assert lftp.tree("down") == below("/tree")
    assert {name: ftps_server.files[f"/up/{name}"] for name in below("/tree")} == below("/tree")
    check_tls(ftps_server, version)
    assert {record.mode for record in ftps_server.log.transfers} == {"passive" if passive == "yes" else "active"}
    ftps_server.log.assert_not_sent("AUTH")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={**TREE, "/tree/big.bin": BIG})
def test_ipv6(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """A mirror works over IPv6, and the certificate is valid for its address."""
    script("mirror /tree down")
    assert lftp.tree("down") == {**below("/tree"), "big.bin": BIG}
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("EPSV -> 229")


@pytest.mark.ftp(files={**TREE, "/tree/big.bin": BIG})
@pytest.mark.parametrize("setting", ["set ftp:use-mlsd yes", "set ftp:use-mlsd no"], ids=["MLSD", "LIST"])
def test_mirror_down(ftps_server: FtpServer, lftp: Program, script: Script, version: str, setting: str) -> None:
    """A tree is mirrored with its empty files and directories from encrypted listings of both kinds."""
    script(setting, "mirror -P 3 /tree down")
    assert lftp.tree("down") == {**below("/tree"), "big.bin": BIG}
    assert (lftp.folder / "down" / "hollow").is_dir()
    check_tls(ftps_server, version)


def test_mirror_up(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """A tree is mirrored to the server with times and modes, and a second mirror transfers nothing."""
    files = {**below("/tree"), "big.bin": BIG}
    for name, data in files.items():
        lftp.write(f"up/{name}", data, MODIFIED).chmod(0o600)
    script("mirror -R up /tree")
    script("mirror -R up /tree")
    assert ftps_server.files == {f"/tree/{name}": data for name, data in files.items()}
    stat = ftps_server.files.stat("/tree/big.bin")
    assert (stat.modified, stat.mode) == (MODIFIED, 0o600)
    ftps_server.log.assert_sent("STOR", times=len(files))
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG, "/b.bin": BIG[:1_000_000], "/c.bin": b"old"})
def test_resume(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """Partial files are completed, locally and on the server, with old commands and new ones."""
    lftp.write("a.bin", BIG[:1_000_000])
    lftp.write("b.bin", BIG)
    lftp.write("d.bin", BIG[:1_100_000])
    script("reget a.bin", "put -c b.bin", "get -c a.bin -o d.bin")
    assert lftp.read("a.bin") == lftp.read("d.bin") == ftps_server.files["/b.bin"] == BIG
    check(transfer(ftps_server, "RETR", 0), BIG[1_000_000:], offset=1_000_000)
    check(transfer(ftps_server, "RETR", 1), BIG[1_100_000:], offset=1_100_000)
    check(transfer(ftps_server, "STOR"), BIG[1_000_000:], offset=1_000_000)
    check_tls(ftps_server, version)


def test_ascii(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """In ASCII mode lines end with CRLF inside TLS and with LF at both ends."""
    lftp.write("a.txt", TEXT * 5000)
    script("put -a a.txt", "get -a a.txt -o b.txt")
    assert ftps_server.files["/a.txt"] == lftp.read("b.txt") == TEXT * 5000
    check(transfer(ftps_server, "RETR"), (TEXT * 5000).replace(b"\n", b"\r\n"), kind="A")
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/text.bin": TEXT * 100_000, "/noise.bin": BIG, "/void.bin": b"", **TREE})
def test_compressed(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """MODE Z within TLS transfers files of every kind both ways, and listings."""
    on = "set ftp:use-mode-z yes"
    script(on, "get text.bin", "get noise.bin", "get void.bin", "mirror /tree down")
    assert lftp.read("text.bin") == TEXT * 100_000
    assert lftp.read("noise.bin") == BIG
    assert lftp.read("void.bin") == b""
    assert lftp.tree("down") == below("/tree")
    script(on, "mkdir up", "mput -O up text.bin noise.bin void.bin")
    for name in ("text.bin", "noise.bin", "void.bin"):
        assert ftps_server.files[f"/up/{name}"] == ftps_server.files[f"/{name}"]
    ftps_server.log.assert_sent("MODE Z -> 200", session=1)
    ftps_server.log.assert_sent("MODE Z -> 200", session=2)
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={"/a.bin": BIG, **TREE})
@pytest.mark.parametrize(("files", "lists"), [("no", "no"), ("no", "yes"), ("yes", "no")])
def test_clear_data(
    ftps_server: FtpServer, lftp: Program, script: Script, version: str, files: str, lists: str
) -> None:
    """Files and listings are encrypted or not, each by its setting; names and passwords are always encrypted."""
    lftp.write("b.bin", BIG)
    script(
        f"set ftp:ssl-protect-data {files}",
        f"set ftp:ssl-protect-list {lists}",
        *("get a.bin", "put b.bin", "ls /tree", "nlist /tree"),
    )
    assert lftp.read("a.bin") == ftps_server.files["/b.bin"] == BIG
    expected = {"RETR": files, "STOR": files, "LIST": lists, "NLST": lists}
    seen = {record.verb: record.tls and record.tls.version for record in ftps_server.log.transfers}
    assert seen == {verb: version if secret == "yes" else None for verb, secret in expected.items()}
    with pytest.raises(AssertionError, match=r"not encrypted: the (up|down)load of"):
        ftps_server.log.assert_encrypted()


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG, **TREE})
@pytest.mark.parametrize("passive", ["yes", "no"])
def test_session_is_resumed(ftps_server: FtpServer, lftp: Program, script: Script, version: str, passive: str) -> None:
    """The program resumes the session of the control connection on every data connection, as some servers require."""
    lftp.write("b.bin", BIG)
    script(f"set ftp:passive-mode {passive}", "get a.bin", "put b.bin", "mirror /tree down")
    assert lftp.read("a.bin") == ftps_server.files["/b.bin"] == BIG
    assert lftp.tree("down") == below("/tree")
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
def test_session_is_not_resumed(ftps_server: FtpServer, script: Script, version: str) -> None:
    """With `ftp:ssl-copy-sid no` it is refused, and shows the reason."""
    assert "522" in script("set ftp:ssl-copy-sid no", "get a.bin", code=1).text
    assert transfer(ftps_server, "RETR").size == 0
    check_tls(ftps_server, version, resumed=False)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], lftp: Program, certificate: str, tls: str
) -> None:
    """An invalid certificate is refused before PASS is sent, and accepted when it is not checked."""
    server = ftp_server_factory(tls=tls, certificate=certificate, files={"/a.bin": BIG})
    assert "Certificate verification" in lftp("-c", commands(server, "get a.bin"), code=1).text
    server.log.assert_not_sent("PASS")
    lftp("-c", commands(server, "set ssl:verify-certificate no", "get a.bin"))
    assert lftp.read("a.bin") == BIG
    check_tls(server, "TLSv1.3", session=len(server.log.sessions))


def test_unknown_authority(ftps_server: FtpServer, lftp: Program) -> None:
    """Without the file of the certificate authority the valid certificate is refused."""
    login = f"open -p {ftps_server.port} -u user,password {ftps_server.host}"
    outcome = lftp("-c", "; ".join([*SETTINGS, login, "ls"]), code=1)
    assert "Certificate verification: The certificate is NOT trusted" in outcome.text
    ftps_server.log.assert_not_sent("PASS")


@pytest.mark.ftp(files={"/a.bin": BIG})
def test_tls_is_forced(ftps_server: FtpServer, ftp_server_factory: Callable[..., FtpServer], lftp: Program) -> None:
    """The program uses TLS where it is available; otherwise it gives up with `ftp:ssl-force yes`."""
    lftp("-c", commands(ftps_server, "set ftp:ssl-force no", "get a.bin"))
    assert lftp.read("a.bin") == BIG
    check_tls(ftps_server, "TLSv1.3")
    clear = ftp_server_factory(files={"/a.bin": BIG})
    assert "ssl-force" in lftp("-c", commands(clear, "get a.bin -o b.bin"), code=1).text
    clear.log.assert_not_sent("USER")
    clear.log.assert_not_sent("PASS")


@pytest.mark.ftp(tls="required", files={"/a.bin": BIG})
def test_required(ftp_server: FtpServer, lftp: Program) -> None:
    """Where TLS is required, logins and data in clear text are refused."""
    assert "530" in lftp("-c", commands(ftp_server, "set ftp:ssl-allow no", "get a.bin"), code=1).text
    assert "PROT" not in {record.verb for record in ftp_server.log.commands}
    lftp("-c", commands(ftp_server, "get a.bin"))
    assert lftp.read("a.bin") == BIG
    check_tls(ftp_server, "TLSv1.3", session=len(ftp_server.log.sessions))


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
def test_client_certificate(ftps_server: FtpServer, lftp: Program, script: Script, version: str) -> None:
    """A client with a certificate is accepted, on data connections too; without one nothing is transferred."""
    own = client_certificate(ftps_server, lftp.folder)
    lftp.write("b.bin", BIG)
    script(f"set ssl:cert-file {own}", f"set ssl:key-file {own}", "get a.bin", "put b.bin")
    assert lftp.read("a.bin") == ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version)
    sent = [ftps_server.log.sessions[0].tls, *(record.tls for record in ftps_server.log.transfers)]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True] * 3
    script("get a.bin -o c.bin", code=1)
    ftps_server.log.assert_sent("RETR", times=1)


@pytest.mark.ftp(minimum_tls="TLSv1.3", files={"/a.bin": BIG})
def test_minimum(ftps_server: FtpServer, lftp: Program) -> None:
    """With `minimum_tls="TLSv1.3"` version 1.2 is refused, and 1.3 accepted."""
    lftp("-c", commands(ftps_server, PRIORITIES["TLSv1.2"], "get a.bin"), code=1)
    ftps_server.log.assert_not_sent("PASS")
    lftp("-c", commands(ftps_server, PRIORITIES["TLSv1.3"], "get a.bin"))
    assert lftp.read("a.bin") == BIG
    check_tls(ftps_server, "TLSv1.3", session=len(ftps_server.log.sessions))


@pytest.mark.ftp(files={"/huge.bin": LARGE * 6, "/a.bin": BIG}, users=[User("ann", "secret")])
def test_interruptions_and_refusals(ftps_server: FtpServer, script: Script, version: str) -> None:
    """After an interrupted download, a missing file and a wrong password, the server serves the next session."""
    assert script("cat huge.bin | head -c 10", code=None).output == LARGE[:10]
    assert "550" in script("get missing.bin", code=1).text
    assert "530" in script("ls", code=1, login="ann,wrong").text
    assert script("cat a.bin").output == BIG
    check(transfer(ftps_server, "RETR"), BIG)
    check_tls(ftps_server, version)


def test_server_to_server(ftp_server_factory: Callable[..., FtpServer], lftp: Program) -> None:
    """A file is copied from one encrypted server to another through the client, byte for byte."""
    source, target = ftp_server_factory(tls="implicit", files={"/a.bin": BIG}), ftp_server_factory(tls="implicit")
    trust = f"set ssl:ca-file {source.tls.ca_file}"
    lftp("-c", "; ".join([*SETTINGS, trust, "set ftp:use-fxp no", f"get {source.url}/a.bin -o {target.url}/b.bin"]))
    assert target.files == {"/b.bin": BIG}
    check_tls(source, "TLSv1.3")
    check_tls(target, "TLSv1.3")
