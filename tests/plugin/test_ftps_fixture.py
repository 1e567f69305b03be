"""The fixture `ftps_server`, and TLS settings of other fixtures: each test runs pytest on a small suite."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from tests.plugin import test_fixtures

literal = test_fixtures._literal

TALK = """
import ssl

class Implicit(ftplib.FTP_TLS):
    # What ftplib does not know: TLS before the greeting.
    def connect(self, host, port):
        import socket
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), 10)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

def secret(server, *commands, context=None, kind=ftplib.FTP_TLS):
    # Log in and store a file, both encrypted; the replies to the commands.
    import io
    with kind(context=context or server.tls.client_context()) as ftp:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.storbinary("STOR /a.txt", io.BytesIO(b"hi"))
        return [ftp.sendcmd(command) for command in commands]
"""


class Run(test_fixtures.Run):
    """Runs pytest on a module with a helper for TLS."""

    def __call__(self, *sources: str, args: Sequence[str] = ()) -> pytest.RunResult:
        """Run pytest on the sources."""
        return super().__call__(TALK, *sources, args=args)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)


# Modes.


def test_explicit_tls_by_default(run: Run) -> None:
    """Without settings the fixture is a server with AUTH TLS, and its client context trusts its certificate."""
    result = run("""
        def test_it(ftps_server):
            assert ftps_server.url == f"ftp://user:password@127.0.0.1:{ftps_server.port}"
            assert secret(ftps_server, "NOOP") == ["200 Nothing done"]
            assert ftps_server.files == {"/a.txt": b"hi"}
            ftps_server.log.assert_sequence("AUTH TLS -> 234", "USER", "PASS -> 230", "PROT P", "STOR -> 226")
            ftps_server.log.assert_encrypted()
            assert ftps_server.log.sessions[0].tls.version == "TLSv1.3"
            assert ftps_server.log.transfers[0].tls.where == "data"

        def test_clear(ftps_server):
            talk(ftps_server, "NOOP")
            with pytest.raises(AssertionError, match="not encrypted: USER user"):
                ftps_server.log.assert_encrypted()
    """)
    result.assert_outcomes(passed=2)


def test_implicit(run: Run) -> None:
    """With "implicit" TLS begins before the greeting, for `ftps_server` and `ftp_server`, and the URL is ftps."""
    result = run("""
        @pytest.mark.ftp(tls="implicit")
        @pytest.mark.parametrize("name", ["ftp_server", "ftps_server"])
        def test_it(request, name):
            server = request.getfixturevalue(name)
            assert server.url.startswith("ftps://")
            secret(server, kind=Implicit)
            server.log.assert_encrypted()
            server.log.assert_not_sent("AUTH")
    """)
    result.assert_outcomes(passed=2)


def test_the_mode_of_the_configuration(run: Run) -> None:
    """The TLS mode of `ftp_config` overrides the default of `ftps_server`, and the marker overrides both."""
    result = run("""
        @pytest.fixture
        def ftp_config():
            return {"tls": "implicit"}

        def test_config(ftps_server):
            assert ftps_server.url.startswith("ftps://")

        @pytest.mark.ftp(tls="explicit")
        def test_marker(ftps_server):
            assert ftps_server.url.startswith("ftp://")
            secret(ftps_server)
    """)
    result.assert_outcomes(passed=2)


def test_explicit_and_required(run: Run) -> None:
    """The mode "required" needs AUTH and PROT P; "explicit" needs neither."""
    result = run("""
        @pytest.mark.ftp(tls="explicit")
        def test_explicit(ftp_server):
            talk(ftp_server, "NOOP")
            secret(ftp_server)

        @pytest.mark.ftp(tls="required")
        @pytest.mark.parametrize("name", ["ftp_server", "ftps_server"])
        def test_required(request, name):
            server = request.getfixturevalue(name)
            with pytest.raises(ftplib.error_perm, match="530 Encrypt the control connection first: use AUTH TLS"):
                talk(server)
            with ftplib.FTP_TLS(context=server.tls.client_context()) as ftp:
                ftp.connect(server.host, server.port)
                ftp.login(*server.credentials)
                with pytest.raises(ftplib.error_perm, match="52"):
                    ftp.nlst()
                ftp.prot_p()
                assert ftp.nlst() == []
    """)
    result.assert_outcomes(passed=3)


def test_a_plain_server_has_no_tls(run: Run) -> None:
    """Without settings `ftp_server` has no AUTH."""
    result = run("""
        def test_it(ftp_server):
            with pytest.raises(ftplib.error_perm, match="502"):
                secret(ftp_server)
    """)
    result.assert_outcomes(passed=1)


def test_settings_of_every_kind_reach_ftps_server(run: Run) -> None:
    """`ftp_config` and markers apply to `ftps_server`, too; a test may also use `ftp_server`."""
    result = run("""
        @pytest.fixture
        def ftp_config():
            return {"users": {"ann": "dragon"}, "system": "CONFIG"}

        @pytest.mark.ftp(system="MARKER")
        def test_it(ftps_server, ftp_server):
            assert ftps_server.port != ftp_server.port
            assert secret(ftps_server, "SYST") == ["215 MARKER"]
            assert ftps_server.user == "ann"
            assert ftp_server.log.sessions == [] and ftp_server.files == {}
    """)
    result.assert_outcomes(passed=1)


def test_factory(run: Run) -> None:
    """The factory starts servers in every mode, each with its own kind of certificate, of one authority."""
    result = run("""
        def test_it(ftp_server_factory):
            plain = ftp_server_factory()
            explicit = ftp_server_factory(tls="explicit")
            implicit = ftp_server_factory(tls="implicit")
            expired = ftp_server_factory(tls="required", certificate="expired")
            context = plain.tls.client_context()
            talk(plain)
            secret(explicit, context=context)
            secret(implicit, context=context, kind=Implicit)
            with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
                secret(expired, context=context)
            for server in (explicit, implicit):
                server.log.assert_encrypted()
    """)
    result.assert_outcomes(passed=1)


# Certificates.


def test_each_kind_of_certificate(run: Run) -> None:
    """A test with a kind of certificate shows whether the client verifies it."""
    result = run("""
        PROBLEMS = {
            "expired": "certificate has expired",
            "wrong-host": "IP address mismatch",
            "self-signed": "self.signed certificate",
            "untrusted": "unable to get local issuer certificate",
        }
        SEEN = []

        @pytest.fixture(params=PROBLEMS)
        def ftp_config(request):
            return {"certificate": request.param}

        def test_it(ftps_server, ftp_config):
            with pytest.raises(ssl.SSLCertVerificationError, match=PROBLEMS[ftp_config["certificate"]]):
                secret(ftps_server)
            ftps_server.log.assert_not_sent("USER")
            with pytest.raises(AssertionError, match="no client logged in"):
                ftps_server.log.assert_encrypted()
            careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
            secret(ftps_server, context=careless)
            ftps_server.log.assert_encrypted(session=2)
    """)
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        (
            "ftp(certificate='bogus')",
            "certificate takes one of valid, expired, wrong-host, self-signed, untrusted, or an ssl.SSLContext, not",
        ),
        ("ftp(tls='yes')", "tls takes one of explicit, implicit, required, or None"),
        (
            "ftp(client_certificates='yes')",
            "client_certificates takes one of optional, required, or None for not",
        ),
        ("ftp(minimum_tls='TLSv9')", "minimum_tls takes one of TLSv1.2, TLSv1.3, or None"),
        ("ftp(ciphers='NOPE')", "ciphers takes names that OpenSSL knows, not 'NOPE'"),
        ("ftp(require_tls=['all'])", "require_tls takes 'login', 'data' or both, not ['all']"),
        ("ftp(certifcate='expired')", "unknown setting 'certifcate': did you mean 'certificate'?"),
    ],
)
def test_an_invalid_marker(run: Run, marker: str, text: str) -> None:
    """An invalid setting is an error of that test only, on one line with a remedy."""
    result = run(f"""
        @pytest.mark.{marker}
        def test_it(ftps_server):
            pass

        def test_other(ftps_server):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([literal(f"ftps_server of test_inner.py::test_it: {text}") + "*"])
    assert "Traceback" not in result.stdout.str()


def test_a_certificate_for_a_plain_server_is_refused(run: Run) -> None:
    """A certificate without TLS is an error: the test would run without encryption."""
    result = run("""
        @pytest.mark.ftp(certificate="expired")
        def test_it(ftp_server):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*certificate='expired': no effect without TLS; use the fixture ftps_server, or *"])


def test_client_certificates(run: Run) -> None:
    """Servers that require certificates accept those of `client_context`, for some users in place of a password."""
    result = run("""
        from ftpfixture import User

        USERS = [User("ann", "dragon", base_path="/", certificate="ann")]

        @pytest.mark.ftp(client_certificates="required")
        def test_required(ftps_server):
            secret(ftps_server, context=ftps_server.tls.client_context("ann"))
            assert "CN=ann" in ftps_server.log.sessions[0].tls.subject
            ftps_server.log.assert_encrypted()

        @pytest.mark.ftp(client_certificates="required", minimum_tls=None)
        def test_required_and_missing(ftps_server):
            context = ftps_server.tls.client_context()
            with pytest.raises((ssl.SSLError, OSError, EOFError)):
                secret(ftps_server, context=context)
            failed = ftps_server.log.wait_for(lambda event: type(event).__name__ == "TlsFailed")
            assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in failed.error
            assert ftps_server.log.sessions[0].tls is None

        @pytest.mark.ftp(client_certificates="optional", users=USERS)
        def test_optional(ftps_server):
            with ftplib.FTP_TLS(context=ftps_server.tls.client_context("ann")) as ftp:
                ftp.connect(ftps_server.host, ftps_server.port)
                ftp.auth()
                assert ftp.sendcmd("USER ann")[:3] == "232"
            with ftplib.FTP_TLS(context=ftps_server.tls.client_context()) as ftp:
                ftp.connect(ftps_server.host, ftps_server.port)
                ftp.auth()
                assert ftp.sendcmd("USER ann")[:3] == "331"
    """)
    result.assert_outcomes(passed=3)


def test_minimum_tls(run: Run) -> None:
    """A client with TLS 1.2 is refused if 1.3 is the minimum, and only then."""
    result = run("""
        def old(server):
            context = server.tls.client_context()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

        @pytest.mark.ftp(minimum_tls="TLSv1.3")
        def test_refused(ftps_server):
            with pytest.raises(ssl.SSLError, match="(?i)version"):
                secret(ftps_server, context=old(ftps_server))
            secret(ftps_server)

        @pytest.mark.ftp(minimum_tls="TLSv1.2", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
        def test_served(ftps_server):
            secret(ftps_server, context=old(ftps_server))
            tls = ftps_server.log.sessions[0].tls
            assert (tls.version, tls.cipher) == ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305")
    """)
    result.assert_outcomes(passed=2)


def test_your_own_context(run: Run) -> None:
    """A context of the user is used unchanged; the error for a client's context says what would work."""
    result = run("""
        import trustme

        CA = trustme.CA()

        @pytest.fixture
        def ftp_config():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            CA.issue_cert("127.0.0.1").configure_cert(context)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return {"certificate": context}

        def test_it(ftps_server):
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            CA.configure_trust(trusting)
            secret(ftps_server, context=trusting)
            assert ftps_server.log.sessions[0].tls.version == "TLSv1.2"
            with pytest.raises(ssl.SSLCertVerificationError):
                secret(ftps_server)

        @pytest.mark.ftp(certificate=ssl.create_default_context())
        def test_client_s(ftps_server):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*: this SSLContext is for a client: make one with ssl.PROTOCOL_TLS_SERVER"])


# The file of the certificate authority.


CHILD = """
import subprocess, sys
from pathlib import Path

PROGRAM = '''
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with socket.create_connection(("127.0.0.1", int(sys.argv[2])), 10) as sock:
    with context.wrap_socket(sock, server_hostname="localhost") as tls:
        print(tls.recv(100).decode(), end="")
'''

@pytest.mark.ftp(tls="implicit")
@pytest.mark.parametrize("number", range(4))
def test_program(ftps_server, number):
    path = ftps_server.tls.ca_file
    Path(f"{number}.path").write_text(path)
    command = [sys.executable, "-c", PROGRAM, path, str(ftps_server.port)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "220 welcome\\n", done.stderr
"""


@pytest.mark.parametrize(("args", "processes"), [((), 1), (("-n", "2"), 2)])
def test_ca_file_is_for_programs(run: Run, args: tuple[str, ...], processes: int) -> None:
    """A program with `ca_file` trusts the server; each process has one file, and removes it at its end."""
    folder = run.pytester.mkdir("temporary")
    run.pytester.makepyfile(test_inner="\n".join(("import pytest", CHILD)))
    run.pytester._monkeypatch.setenv("TMPDIR", str(folder))

    result = run.pytester.runpytest_subprocess(*test_fixtures.PLAIN, *args)

    result.assert_outcomes(passed=4)
    paths = [file.read_text() for file in run.pytester.path.glob("*.path")]
    assert len(paths) == 4
    assert len(set(paths)) == processes
    assert {os.path.dirname(path) for path in paths} == {str(folder)}
    if not args:  # xdist kills the processes of a busy machine that take their time to end
        assert [name for name in os.listdir(folder) if name.endswith(".pem")] == []


def test_xdist(run: Run) -> None:
    """Tests in several processes have their own authorities and servers, and TLS works in all."""
    result = run(
        """
        @pytest.mark.parametrize("number", range(8))
        def test_it(ftps_server, number):
            secret(ftps_server, "NOOP")
            ftps_server.log.assert_encrypted()
            assert number != 5
    """,
        args=("-n", "2"),
    )
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*- FTP dialogue -*", "*control connection encrypted: TLSv1.3, *", "*> NOOP"])


# Reports.


def test_a_failing_test_shows_tls_in_the_dialogue(run: Run) -> None:
    """The report shows the TLS handshakes between the commands; passwords are starred."""
    result = run(
        """
        @pytest.mark.ftp(users={"ann": "dragon"})
        def test_it(ftps_server):
            secret(ftps_server)
            assert "apples" == "pears"
    """,
        args=("--no-showlocals",),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- FTP dialogue -*",
            "session 1",
            "*> AUTH TLS",
            "*< 234 *",
            "*[*] control connection encrypted: TLSv1.3, TLS_*",
            "*> USER ann",
            "*> PASS [*][*][*]*",
            "*> PROT P",
            "*> STOR /a.txt",
            "*= passive upload of /a.txt",
            "*[*] data connection encrypted: TLSv1.3, TLS_*",
            "*= 2 bytes, complete",
        ]
    )
    assert "dragon" not in result.stdout.str().partition("FTP dialogue")[2]


def test_a_client_that_refuses_the_certificate(run: Run) -> None:
    """If a test fails because its client does not trust the server, the dialogue has the server's error."""
    result = run("""
        @pytest.mark.ftp(certificate="untrusted")
        def test_it(ftps_server):
            try:
                secret(ftps_server)
            finally:
                ftps_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- FTP dialogue -*", "*> AUTH TLS", "*< 234 *", "*[*] no TLS on the control connection: *UNKNOWN_CA*"]
    )


def test_a_failed_assertion_on_encryption_points_at_the_test(run: Run) -> None:
    """The traceback of `assert_encrypted` ends in the test, and its message names what was not encrypted."""
    result = run("""
        def test_it(ftps_server):
            talk(ftps_server)
            ftps_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
            ftps_server.log.assert_encrypted()
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *AssertionError: not encrypted: USER user -> 331 in session 1"])
    result.stdout.no_fnmatch_line("*ftpfixture/log.py:*")
    assert result.stdout.str().count("> USER user") == 1


def test_fixtures_shows_the_fixture(run: Run) -> None:
    """--fixtures shows it."""
    output = run.pytester.runpytest_inprocess(*test_fixtures.PLAIN, "--fixtures").stdout
    output.fnmatch_lines(["ftps_server -- *", "*An `ftp_server` with TLS*"])
