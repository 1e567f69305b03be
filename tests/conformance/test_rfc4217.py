"""RFC 4217 (and of RFC 2228 what it uses): AUTH, PBSZ, PROT, CCC and REIN, with every reply, and rights."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import trustme

from ftpfixture import FtpServer, MemoryUserManager, Server, User
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import TlsEstablished, TlsFailed
from ftpfixture.testing.certificates import KINDS, ServerTls
from tests.support.ftps import DATA_VERBS, FtpsClient, read_to_close_notify
from tests.support.raw import read_all
from tests.support.rows import check_rows, table
from tests.support.tls import VERSIONS, Wire, trusting

FILES = {"/a.txt": b"hello", "/empty": b"", "/m.bin": bytes(range(256)) * 4096}
LOGIN = "USER user=331; PASS password=230; TYPE I=200"

pytestmark = pytest.mark.ftp(files=FILES, wait_future_timeout=30)

both_versions = pytest.mark.parametrize("version", VERSIONS)
Factory = Callable[..., FtpServer]


@pytest.fixture
def version() -> str:
    """TLS version; tests that depend on it run with both."""
    return "TLSv1.3"


@pytest.fixture
def client(ftps_server: FtpServer, version: str) -> Iterator[FtpsClient]:
    """A client that has read the greeting, inside TLS if TLS is implicit."""
    with FtpsClient(ftps_server.address, version) as made:
        if ftps_server.server.implicit_tls:
            made.encrypt_first()
        assert made.reply().code == "220"
        yield made


def refused(server: FtpServer, context: ssl.SSLContext) -> str:
    """The log's text about the failed handshake of a client with this context; the server continues."""
    with FtpsClient(server.address, context=context) as client, suppress(ssl.SSLError, ConnectionError, EOFError):
        client.enter()
    event = server.log.wait_for(lambda event: isinstance(event, TlsFailed))
    assert isinstance(event, TlsFailed)
    assert [record.verb for record in server.log.commands] == ["AUTH"]
    return event.error.upper().replace(" ", "_")


# Dialogues.


DIALOGUES = [
    # 4: the beginning.
    ("4", "AUTH TLS=234; PBSZ 0=200"),
    ("4", "auth tls=234; PBSZ 0=200"),
    ("4", "AUTH TLS-C=234; PBSZ 0=200"),
    ("4", "AUTH TLS-P=234; PBSZ 0=200"),
    ("4", "AUTH SSL=234; PBSZ 0=200"),
    ("4", "AUTH=504; AUTH TLS=234"),
    ("4", "AUTH X=504; AUTH TLS=234"),
    ("4", "AUTH KERBEROS_V4=504"),
    ("4", "AUTH GSSAPI=504"),
    ("4", "AUTH TLS TLS=504"),
    ("4", "AUTH TLS =504"),
    ("4", "AUTH TLS=234; AUTH TLS=503"),
    ("4", "AUTH TLS=234; AUTH X=503"),
    ("4", "ADAT AAAA=502; MIC AAAA=502; CONF AAAA=502; ENC AAAA=502"),
    ("4", f"{LOGIN}; PWD=257"),
    ("4", f"AUTH TLS=234; {LOGIN}; PWD=257"),
    ("4", f"{LOGIN}; AUTH TLS=234; PWD=530; PASS password=503; {LOGIN}; PWD=257"),
    ("4", "USER user=331; AUTH TLS=234; PASS password=503"),
    ("4", "USER user=331; AUTH X=504; PASS password=230"),
    # 8: PBSZ.
    ("8", "PBSZ 0=503"),
    ("8", "AUTH TLS=234; PBSZ 0=200; PBSZ 0=200"),
    ("8", "AUTH TLS=234; PBSZ 1024=200"),
    ("8", "AUTH TLS=234; PBSZ 4294967295=200"),
    ("8", "AUTH TLS=234; PBSZ 4294967296=501; PROT P=503"),
    ("8", "AUTH TLS=234; PBSZ 42949672950=501"),
    ("8", "AUTH TLS=234; PBSZ=501; PBSZ x=501; PBSZ -1=501; PBSZ 1 1=501; PBSZ ²=501; PROT P=503"),
    ("8", f"AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT P=200"),
    # 9: PROT.
    ("9", "PROT P=503; PROT C=503; PROT X=503"),
    ("9", "AUTH TLS=234; PROT P=503; PROT C=503"),
    ("9", "AUTH TLS=234; PBSZ 0=200; PROT P=200; PROT C=200; PROT P=200"),
    ("9", "AUTH TLS=234; PBSZ 0=200; PROT p=200; prot c=200"),
    ("9", "AUTH TLS=234; PBSZ 0=200; PROT S=536; PROT E=536; PROT s=536"),
    ("9", "AUTH TLS=234; PBSZ 0=200; PROT X=504; PROT=504; PROT P P=504; PROT PC=504"),
    # 11: REIN.
    ("11", f"{LOGIN}; REIN=220; PWD=530; AUTH TLS=234"),
    (
        "11",
        f"AUTH TLS=234; {LOGIN}; REIN=220; PWD=530; PROT P=503; AUTH TLS=234; PROT P=503; PBSZ 0=200; PROT P=200",
    ),
    ("11", "AUTH TLS=234; REIN=220; REIN=220; AUTH TLS=234; REIN=220; QUIT=221"),
    # 12.3: CCC.
    ("12.3", "CCC=533"),
    ("12.3", f"AUTH TLS=234; {LOGIN}; CCC=200; PWD=257; CCC=533"),
    ("12.3", "AUTH TLS=234; CCC=200; AUTH TLS=234; CCC=200; NOOP=200"),
    ("12.3", "AUTH TLS=234; PBSZ 0=200; CCC=200; PROT P=200; PBSZ 0=200"),
    ("12.3", "AUTH TLS=234; PBSZ 0=200; CCC=200; AUTH TLS=234; PROT P=503"),
    # 12.1 and 12.2: HELP and STAT name it.
    ("6", "HELP AUTH=214; HELP PBSZ=214; HELP PROT=214; HELP CCC=214; HELP REIN=214"),
]


@both_versions
@pytest.mark.parametrize("section", dict.fromkeys(section for section, _ in DIALOGUES))
def test_explicit(ftps_server: FtpServer, version: str, section: str) -> None:
    """Each line gets its reply in a session that begins in clear text, and the session continues."""

    def check(script: str) -> None:
        with FtpsClient(ftps_server.address, version) as client:
            assert client.reply().code == "220"
            client.play(script)
            if "QUIT" not in script:
                client.play("NOOP=200; QUIT=221")
            assert client.is_closed()

    check_rows([script for other, script in DIALOGUES if other == section], check)


@pytest.mark.ftp(tls="implicit")
@both_versions
@pytest.mark.parametrize(
    "script",
    [
        "AUTH TLS=503; AUTH SSL=503; AUTH X=503",
        "PROT P=503; PBSZ 0=200; PROT P=200; PROT C=200; PROT X=504; PROT S=536",
        f"{LOGIN}; PWD=257; REIN=220; PWD=530; AUTH TLS=503; {LOGIN}",
        "PBSZ 0=200; REIN=220; PROT C=503; PBSZ 0=200; PROT C=200",
        f"{LOGIN}; CCC=534; PWD=257; AUTH TLS=503; REIN=220; CCC=534",
    ],
)
def test_implicit(client: FtpsClient, script: str) -> None:
    """Each line gets its reply in a session with implicit TLS."""
    client.play(f"{script}; NOOP=200; QUIT=221")
    assert client.is_closed()


@pytest.mark.ftp(tls="required")
@both_versions
@pytest.mark.parametrize(
    "script",
    [
        "USER user=530; PASS password=503; ACCT x=503; PWD=530; AUTH TLS=234",
        f"AUTH TLS=234; {LOGIN}; CCC=534; PWD=257",
        f"AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT C=534; EPSV=229; LIST=521; RETR /a.txt=521; PROT P=200; PROT C=534",
        f"AUTH TLS=234; {LOGIN}; STOR /new=521; EPSV=229; STOR /new=521; SIZE /new=550",
        f"AUTH TLS-P=234; {LOGIN}; REIN=220; USER user=530; AUTH TLS=234; {LOGIN}",
    ],
)
def test_required(client: FtpsClient, script: str) -> None:
    """Each line gets its reply on a server that requires TLS."""
    client.play(f"{script}; NOOP=200; QUIT=221")
    assert client.is_closed()


@pytest.mark.ftp(require_tls=["login"])
@both_versions
def test_required_for_login(client: FtpsClient) -> None:
    """Names and passwords must be encrypted, data need not be."""
    client.play(f"USER user=530; AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT C=200; CCC=534")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")


@pytest.mark.ftp(require_tls=["data"])
@both_versions
def test_required_for_data(client: FtpsClient) -> None:
    """Data must be encrypted, names and passwords need not be; CCC is allowed, and a data connection stays private."""
    client.play(f"{LOGIN}; EPSV=229; LIST=521; AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT C=534; PROT P=200; CCC=200")
    assert client.download("RETR /a.txt") == b"hello"


@pytest.mark.parametrize("line", ["AUTH TLS", "AUTH", "PBSZ 0", "PROT P", "CCC"])
def test_server_without_tls(ftp_server: FtpServer, line: str) -> None:
    """A server without a certificate has none of these commands, and FEAT lists none."""
    with FtpsClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        client.play(f"{line}=502; HELP {line.partition(' ')[0]}=501")
        assert not {" AUTH TLS", " AUTH SSL", " PBSZ", " PROT", " CCC"} & set(client.ask("FEAT").lines)


@pytest.mark.parametrize("tls", ["explicit", "implicit", "required"])
def test_features(ftp_server_factory: Factory, tls: str) -> None:
    """FEAT has a line for each command and mechanism, before and after the handshake (6)."""
    with FtpsClient(ftp_server_factory(tls=tls).address) as client:
        if tls == "implicit":
            client.encrypt_first()
        assert client.reply().code == "220"
        security = {" AUTH TLS", " AUTH SSL", " PBSZ", " PROT", " CCC"}
        expected = security if tls == "explicit" else security - {" CCC"}
        assert security & set(client.ask("FEAT").lines) == expected
        if tls != "implicit":
            client.play("AUTH TLS=234")
            assert security & set(client.ask("FEAT").lines) == expected


@pytest.mark.ftp(disable=["CCC", "AUTH"])
def test_features_that_are_disabled(client: FtpsClient) -> None:
    """A disabled command is 502 and not in FEAT."""
    client.play("AUTH TLS=502; CCC=502; PBSZ 0=503")
    assert not {" AUTH TLS", " AUTH SSL", " CCC"} & set(client.ask("FEAT").lines)


# 17: the mechanism decides how data are protected at first.


@both_versions
@pytest.mark.parametrize(("mechanism", "level"), [("TLS", "C"), ("TLS-C", "C"), ("SSL", "P"), ("TLS-P", "P")])
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_first_level(client: FtpsClient, mechanism: str, level: str, verb: str) -> None:
    """After AUTH SSL and TLS-P data connections are private without PROT, after the others they are clear."""
    client.play(f"AUTH {mechanism}=234; {LOGIN}")
    if level == "P":
        assert client.download("RETR /a.txt", verb) == b"hello"
        return
    data = client.begin_data(verb)
    client.send("RETR /a.txt")
    assert read_all(data()) == b"hello"
    assert [client.reply().code for _ in range(2)] == ["150", "226"]


# Versions and ciphers.


@pytest.mark.ftp(minimum_tls="TLSv1.3")
def test_minimum_version(ftps_server: FtpServer) -> None:
    """A client below the minimum is refused, and the log has the reason."""
    assert "UNSUPPORTED_PROTOCOL" in refused(ftps_server, trusting("TLSv1.2"))
    with FtpsClient(ftps_server.address) as client:
        assert client.enter().download("RETR /a.txt") == b"hello"


@pytest.mark.ftp(minimum_tls="TLSv1.2")
@both_versions
def test_minimum_version_and_above(ftps_server: FtpServer, version: str) -> None:
    """Clients with the minimum or more are served, with the best version of both."""
    with FtpsClient(ftps_server.address, version) as client:
        assert client.enter().download("RETR /a.txt") == b"hello"
    (session,) = ftps_server.log.sessions
    assert session.tls is not None
    assert session.tls.version == version


@pytest.mark.ftp(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
def test_ciphers(ftps_server: FtpServer) -> None:
    """Only the configured suites are used, and a client without them is refused."""
    context = trusting_with("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "NO_SHARED_CIPHER" in refused(ftps_server, context)
    with FtpsClient(ftps_server.address, "TLSv1.2") as client:
        assert client.enter().download("RETR /a.txt") == b"hello"
    tls = [session.tls for session in ftps_server.log.sessions][1]
    assert tls is not None
    assert tls.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"


def trusting_with(ciphers: str) -> ssl.SSLContext:
    """A context of TLS 1.2 with these suites only."""
    context = ServerTls().client_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    return context


@table(
    "settings",
    [
        {"minimum_tls": "TLSv9"},
        {"minimum_tls": "1.2"},
        {"ciphers": "NONE-OF-THESE"},
        {"certificate": "excellent"},
        {"client_certificates": "perhaps"},
        {"tls": "sometimes"},
        {"require_tls": ["all"]},
    ],
)
def test_wrong_settings(settings: dict[str, Any]) -> None:
    """A mistake raises at once, with the value and what would work."""
    (value,) = settings.values()
    with pytest.raises(ConfigurationError, match=str(value).strip("[]'")):
        FtpServer(**{"tls": "explicit", **settings})


@table("settings", [{"tls": "explicit"}, {"require_tls": ["data"]}, {"tls": "required"}])
def test_tls_without_certificate(settings: dict[str, Any]) -> None:
    """A server class without a context cannot have TLS."""
    with pytest.raises(ConfigurationError, match=r"certificate|ssl"):
        Server(**settings)


# Certificates of the server.


@both_versions
@pytest.mark.parametrize("verb", ["EPSV", "EPRT"])
@pytest.mark.parametrize("kind", KINDS)
def test_certificates(ftp_server_factory: Factory, version: str, kind: str, verb: str) -> None:
    """A client that checks accepts only the valid certificate; one that does not check gets everything, with data."""
    server = ftp_server_factory(tls="explicit", certificate=kind, files=FILES)
    with FtpsClient(server.address, version) as client:
        assert client.reply().code == "220"
        if kind == "valid":
            client.play("AUTH TLS=234")
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                client.play("AUTH TLS=234")
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    careless.minimum_version = careless.maximum_version = VERSIONS[version]
    with FtpsClient(server.address, context=careless) as client:
        assert client.enter().download("RETR /a.txt", verb) == b"hello"


@both_versions
@pytest.mark.parametrize("tls", ["explicit", "implicit", "required"])
@pytest.mark.parametrize("setting", ["certificate", "ssl"])
def test_a_given_context(ftp_server_factory: Factory, version: str, tls: str, setting: str) -> None:
    """An SSLContext instead of a kind of certificate is used unchanged, on all connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ServerTls().ca.issue_cert("localhost", common_name="my own").configure_cert(context)
    server = ftp_server_factory(tls=tls, files=FILES, **{setting: context})
    assert server.server.ssl is context
    with FtpsClient(server.address, version) as client:
        if tls == "implicit":
            client.encrypt_first()
        client.enter()
        wire = client.transfer("RETR /a.txt", resume=False)
        for each in (client.control, wire):
            assert each is not None
            assert (("commonName", "my own"),) in each.certificate["subject"]
        assert read_to_close_notify(wire) == b"hello"


# Certificates of clients (4217 4 and 15.2).

ANN_BY_CERTIFICATE = User("ann", "secret", certificate="ann")
USERS = [ANN_BY_CERTIFICATE, User("bob", "secret", certificate="bob"), User("eve", "secret"), User("joe", None)]

with_users = pytest.mark.ftp(users=USERS)
optional = pytest.mark.ftp(client_certificates="optional")
required = pytest.mark.ftp(client_certificates="required")


def with_certificate(name: str | None, version: str) -> ssl.SSLContext:
    """A context for one version with a client certificate."""
    context = ServerTls().client_context(name)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def untrusted(version: str) -> ssl.SSLContext:
    """A context with a client certificate that the server does not trust."""
    context = with_certificate(None, version)
    trustme.CA().issue_cert("ann@somewhere.example", common_name="ann").configure_cert(context)
    return context


@both_versions
@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("asked", ["optional", "required"])
def test_login_by_certificate(ftp_server_factory: Factory, version: str, tls: str, asked: str) -> None:
    """The certificate of a user replaces the password: 232, then all is allowed, and PASS is a 202."""
    server = ftp_server_factory(tls=tls, client_certificates=asked, users=USERS, files=FILES)
    with FtpsClient(server.address, context=with_certificate("ann", version)) as client:
        if tls == "implicit":
            client.encrypt_first()
        assert client.reply().code == "220"
        client.play("USER ann=232; PWD=257" if tls == "implicit" else "AUTH TLS=234; USER ann=232; PWD=257")
        client.play("PASS whatever=202; TYPE I=200; PBSZ 0=200; PROT P=200")
        assert client.download("RETR /a.txt") == b"hello"
        client.upload("STOR /new", b"new")
    (session,) = server.log.sessions
    assert session.user == "ann"
    assert session.tls is not None
    assert "CN=ann" in session.tls.subject
    server.log.assert_encrypted()


@with_users
@optional
@both_versions
@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("ann", "USER ann=232; USER bob=331; PASS secret=230; USER ann=232"),
        ("ann", "USER eve=331; PASS secret=230"),
        ("ann", "USER joe=230; PWD=257"),
        ("ann", "USER zoe=331; PASS x=530; USER ann=232"),
        ("bob", "USER ann=331; PASS wrong=530; PWD=530; USER bob=232"),
        ("Ann", "USER ann=331; PASS secret=230"),
        ("mallory", "USER ann=331; PASS secret=230"),
        (None, "USER ann=331; PASS secret=230"),
        ("ann", "CCC=200; USER ann=331; PASS secret=230"),
        ("ann", "USER ann=232; CCC=200; PWD=257; REIN=220; USER ann=331; AUTH TLS=234; USER ann=232"),
    ],
)
def test_certificates_of_users(ftps_server: FtpServer, version: str, name: str | None, script: str) -> None:
    """A certificate is valid only for its user, while the control connection is encrypted; others need passwords."""
    with FtpsClient(ftps_server.address, context=with_certificate(name, version)) as client:
        assert client.reply().code == "220"
        client.play(f"AUTH TLS=234; {script}; QUIT=221")


@with_users
@both_versions
def test_certificate_that_the_server_does_not_request(client: FtpsClient, version: str) -> None:
    """Without client_certificates= the server requests none, and a password is needed."""
    client.context = with_certificate("ann", version)
    client.play("AUTH TLS=234; USER ann=331; PASS secret=230")


@with_users
@required
@both_versions
def test_certificate_is_required(ftps_server: FtpServer, version: str) -> None:
    """A client without a certificate is refused, and the log has the reason; one with a trusted one may log in."""
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in refused(ftps_server, with_certificate(None, version))
    with FtpsClient(ftps_server.address, context=with_certificate("mallory", version)) as client:
        client.enter("ann", "secret")
        assert client.download("RETR /a.txt") == b"hello"


@both_versions
@pytest.mark.parametrize("asked", ["optional", "required"])
def test_certificate_of_another_authority(ftp_server_factory: Factory, version: str, asked: str) -> None:
    """With an untrusted certificate the handshake fails."""
    server = ftp_server_factory(tls="explicit", client_certificates=asked, users=USERS)
    assert "CERTIFICATE_VERIFY_FAILED" in refused(server, untrusted(version))


@required
@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_certificate_is_required_for_data_too(ftps_server: FtpServer, version: str, verb: str) -> None:
    """A data connection without the certificate is 522, with it or with a resumed session it works."""
    with FtpsClient(ftps_server.address, context=with_certificate("ann", version)) as client:
        client.enter()
        for resume in (True, False):
            assert client.download("RETR /a.txt", verb, resume=resume) == b"hello"
        data = client.begin_data(verb)
        client.send("RETR /a.txt")
        wire = Wire(data(), with_certificate(None, version))
        assert client.reply().code == "150"
        with suppress(ssl.SSLError, ConnectionError):
            wire.do_handshake()
            assert read_to_close_notify(wire) == b""
        assert client.reply().code == "522"
    assert ftps_server.log.transfers[-1].size == 0


@pytest.mark.ftp(users=[User("ann", "secret", certificate="ann", account="gold")], client_certificates="optional")
def test_certificate_and_account(ftps_server: FtpServer) -> None:
    """A user who needs an account needs it with a certificate, too: 332 instead of 232."""
    with FtpsClient(ftps_server.address, context=with_certificate("ann", "TLSv1.3")) as client:
        assert client.reply().code == "220"
        client.play("AUTH TLS=234; USER ann=332; PWD=530; ACCT gold=230; PWD=257")


def test_a_users_own_user_manager(ftp_server_factory: Factory) -> None:
    """A user manager gets the whole certificate, as getpeercert returns it."""
    seen = []

    class ByMail(MemoryUserManager):
        async def authenticate_certificate(self, user: User, certificate: object) -> bool:
            seen.append(certificate)
            return ("email", f"{user.login}@ftpfixture.example") in dict(certificate)["subjectAltName"]  # type: ignore[call-overload]

    server = ftp_server_factory(tls="explicit", client_certificates="optional", users=ByMail(USERS))
    with FtpsClient(server.address, context=with_certificate("eve", "TLSv1.3")) as client:
        assert client.reply().code == "220"
        client.play("AUTH TLS=234; USER eve=232; USER ann=331; USER joe=230")
    assert len(seen) == 2


# The log.


@both_versions
@pytest.mark.parametrize("tls", ["explicit", "implicit"])
def test_log_of_tls(ftp_server_factory: Factory, version: str, tls: str) -> None:
    """Sessions and transfers have version, cipher and resumption; so has the transcript."""
    server = ftp_server_factory(tls=tls, files=FILES)
    with FtpsClient(server.address, version) as client:
        if tls == "implicit":
            client.encrypt_first()
        client.enter()
        client.download("RETR /a.txt")
        client.download("MLSD", "EPRT", resume=False)
        client.upload("STOR /new", b"new")
        assert client.control is not None
        cipher = client.control.cipher
    (session,) = server.log.sessions
    told = [session.tls, *(record.tls for record in server.log.transfers)]
    assert [tls and (tls.version, tls.cipher, tls.resumed, tls.subject) for tls in told] == [
        (version, cipher, resumed, "") for resumed in (False, True, False, True)
    ]
    assert [tls and tls.where for tls in told] == ["control", "data", "data", "data"]
    verbs = {record.seq: record.verb for record in server.log.commands}
    events = [event for event in server.log.events if isinstance(event, TlsEstablished)]
    first = "AUTH" if tls == "explicit" else None
    assert [verbs.get(event.command_seq) for event in events] == [first, "RETR", "MLSD", "STOR"]
    transcript = server.log.transcript()
    assert transcript.count(f"* control connection encrypted: {version}, {cipher}\n") == 1
    assert transcript.count(f"* data connection encrypted: {version}, {cipher}, resumed\n") == 2


@both_versions
def test_assert_encrypted(client: FtpsClient, ftps_server: FtpServer) -> None:
    """It passes when every name, password and byte was encrypted, with any number of ends of TLS in between."""
    client.play(f"FEAT=211; AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT P=200")
    client.download("RETR /a.txt")
    client.play(f"CCC=200; PWD=257; AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT P=200")
    client.upload("STOR /new", b"new")
    client.play(f"REIN=220; NOOP=200; AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT P=200")
    client.download("LIST")
    ftps_server.log.assert_encrypted()
    assert [record.encrypted for record in ftps_server.log.find("USER")] == [True] * 3
    assert [record.encrypted for record in ftps_server.log.find("AUTH")] == [False] * 3


@pytest.mark.parametrize(
    ("script", "offender"),
    [
        ("NOOP=200", "no client logged in"),
        ("USER user=331", "not encrypted: USER user -> 331 in session 1"),
        (
            "USER user=331; AUTH TLS=234; USER user=331; PASS password=230",
            "not encrypted: USER user -> 331 in session 1",
        ),
        ("AUTH TLS=234; USER user=331; CCC=200; PASS password=230", r"not encrypted: PASS \*+ -> 230 in session 1"),
        (f"AUTH TLS=234; {LOGIN}; REIN=220; USER ann=331", "not encrypted: USER ann -> 331 in session 1"),
        (f"AUTH TLS=234; {LOGIN}; CCC=200; ACCT gold=202; AUTH TLS=234; {LOGIN}", r"not encrypted: ACCT \*+ -> 202"),
    ],
)
def test_assert_encrypted_names_the_command(
    client: FtpsClient, ftps_server: FtpServer, script: str, offender: str
) -> None:
    """A name or password in clear text is reported with its session, then the dialogue, without the password."""
    client.play(script)
    with pytest.raises(AssertionError, match=offender) as caught:
        ftps_server.log.assert_encrypted()
    assert "session 1" in str(caught.value)
    assert "password\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "offender"), [("RETR /a.txt", "the download of /a.txt"), ("RETR /empty", "the download of /empty")]
)
def test_assert_encrypted_names_the_transfer(
    client: FtpsClient, ftps_server: FtpServer, line: str, offender: str
) -> None:
    """A transfer in clear text is reported with its direction and path, also an empty one."""
    client.play(f"AUTH TLS=234; {LOGIN}; PBSZ 0=200; PROT P=200")
    client.download("RETR /m.bin")
    ftps_server.log.assert_encrypted()
    client.play("PROT C=200")
    client.fetch(line)
    with pytest.raises(AssertionError, match=f"not encrypted: {offender} in session 1"):
        ftps_server.log.assert_encrypted()


def test_assert_encrypted_of_one_session(ftps_server: FtpServer) -> None:
    """Clear text of another session does not count."""
    with FtpsClient(ftps_server.address) as first, FtpsClient(ftps_server.address) as second:
        first.enter().download("RETR /a.txt")
        second.login().fetch("RETR /a.txt")
    ftps_server.log.assert_encrypted(session=1)
    for session in (2, None):
        with pytest.raises(AssertionError, match="not encrypted: USER user -> 331 in session 2"):
            ftps_server.log.assert_encrypted(session=session)
