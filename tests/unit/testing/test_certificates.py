"""Certificates for tests: which clients accept each kind, what servers ask of clients, and what it all costs."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from ftpfixture import ConfigurationError, FtpServer
from ftpfixture.testing import certificates
from ftpfixture.testing.certificates import KINDS, ServerTls, server_context
from tests.support.rows import table

Ends = tuple[ssl.SSLObject, ssl.SSLObject]

# Numbers of OpenSSL's X509_V_ERR_...
EXPIRED, SELF_SIGNED, NO_ISSUER, HOST_MISMATCH, ADDRESS_MISMATCH = 10, 18, 20, 62, 64


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost") -> Ends:
    """Make a TLS handshake in memory; each side then receives something, so that both have completed it."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True)
    for call in (ssl.SSLObject.do_handshake, _exchange):
        waiting = set(ends)
        while waiting:
            for end in ends:
                try:
                    call(end)
                except ssl.SSLWantReadError:
                    continue
                waiting.discard(end)
    return ends


def _exchange(end: ssl.SSLObject) -> None:
    end.write(b"x")
    end.read(1)


def client_context() -> ssl.SSLContext:
    """A context that trusts the authority of the tests."""
    return ServerTls().client_context()


def plain(kind: str = "valid", client_certificates: str | None = None) -> ssl.SSLContext:
    """A context of a server, with defaults for the rest."""
    return server_context(kind, client_certificates, None, None)


# Which clients accept each kind.


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_valid_one_is_trusted(host: str, version: ssl.TLSVersion) -> None:
    """A client that trusts the authority accepts it under all names of this machine, with both versions."""
    context = client_context()
    context.minimum_version = context.maximum_version = version

    client, _ = handshake(plain(), context, host)

    assert client.version() == version.name.replace("_", ".")
    certificate = client.getpeercert()
    assert certificate is not None
    assert ("DNS", "localhost") in certificate["subjectAltName"]


@table(
    ("kind", "host", "problem"),
    [
        ("expired", "localhost", EXPIRED),
        ("wrong-host", "localhost", HOST_MISMATCH),
        ("wrong-host", "127.0.0.1", ADDRESS_MISMATCH),
        ("self-signed", "localhost", SELF_SIGNED),
        ("untrusted", "localhost", NO_ISSUER),
        ("valid", "elsewhere.example", HOST_MISMATCH),
    ],
)
def test_the_others_are_refused(kind: str, host: str, problem: int) -> None:
    """A client that verifies refuses each kind, and for the reason that its name gives."""
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        handshake(plain(kind), client_context(), host)

    assert caught.value.verify_code == problem


def test_wrong_host_is_valid_for_its_own_host() -> None:
    """Only the host of "wrong-host" is wrong."""
    handshake(plain("wrong-host"), client_context(), "wrong-host.example")


@table("kind", KINDS)
def test_a_client_without_verification_takes_all(kind: str) -> None:
    """Without verification the handshake completes with every kind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    handshake(plain(kind), context)


@table("kind", KINDS)
def test_the_machine_trusts_none(kind: str) -> None:
    """A client that trusts what this machine trusts refuses every kind."""
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(plain(kind), ssl.create_default_context())


# What servers ask.


@table(("asked", "shown"), [(None, False), ("optional", True), ("required", True)])
def test_the_server_reads_a_client_s_certificate(asked: str | None, shown: bool) -> None:
    """A server that asks sees the name in the certificate of `client_context`; one that does not ask sees none."""
    _, server = handshake(plain("valid", asked), ServerTls().client_context("ann"))

    certificate = server.getpeercert()
    assert ((("commonName", "ann"),) in (certificate or {}).get("subject", ())) is shown


@table("asked", [None, "optional"])
def test_a_client_without_certificate(asked: str | None) -> None:
    """Where none is required a client needs none."""
    _, server = handshake(plain("valid", asked), client_context())

    assert not server.getpeercert()


def test_a_client_without_certificate_is_refused() -> None:
    """Where one is required a client without is refused."""
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(plain("valid", "required"), client_context())


@table("asked", ["optional", "required"])
def test_a_certificate_of_another_authority_is_refused(asked: str) -> None:
    """A certificate of another authority is refused, even where none is required."""
    context = client_context()
    trustme.CA().issue_cert("ann@example.org", common_name="ann").configure_cert(context)

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(plain("valid", asked), context)


def test_the_minimum_version() -> None:
    """A client whose newest version is older than the minimum is refused."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    handshake(server_context("valid", None, "TLSv1.2", None), context)

    with pytest.raises(ssl.SSLError, match=r"(?i)unsupported_protocol|protocol_version"):
        handshake(server_context("valid", None, "TLSv1.3", None), context)


def test_ciphers() -> None:
    """With TLS 1.2 the server takes the ciphers that it was given, and no other."""
    name = "ECDHE-ECDSA-CHACHA20-POLY1305"
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    client, _ = handshake(server_context("valid", None, None, name), context)

    cipher = client.cipher()
    assert cipher is not None
    assert cipher[0] == name


# Settings that are refused.


CLIENT_S = ssl.create_default_context()
SERVER_S = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@table(
    ("settings", "text"),
    [
        (
            {"certificate": "bogus"},
            "certificate takes one of valid, expired, wrong-host, self-signed, untrusted, or an ssl.SSLContext, not",
        ),
        ({"certificate": 42}, "certificate takes one of valid, expired, wrong-host,"),
        ({"certificate": None}, "or an ssl.SSLContext, not None"),
        ({"certificate": CLIENT_S}, "this SSLContext is for a client: make one with ssl.PROTOCOL_TLS_SERVER"),
        (
            {"client_certificates": "yes"},
            "client_certificates takes one of optional, required, or None for not asking",
        ),
        (
            {"client_certificates": True},
            "client_certificates takes one of optional, required, or None",
        ),
        (
            {"minimum_tls": "1.3"},
            "minimum_tls takes one of TLSv1.2, TLSv1.3, or None for Python's own minimum",
        ),
        ({"minimum_tls": "SSLv3"}, "minimum_tls takes one of TLSv1.2, TLSv1.3, or None"),
        ({"minimum_tls": ssl.TLSVersion.TLSv1_3}, "minimum_tls takes one of TLSv1.2, TLSv1.3, or None"),
        ({"ciphers": "NOPE"}, "ciphers takes names that OpenSSL knows, not 'NOPE'"),
        ({"ciphers": ["AES128-SHA"]}, "ciphers takes text, or None for Python's own, not ['AES128-SHA']"),
        ({"certificate": SERVER_S, "minimum_tls": "TLSv1.3"}, "minimum_tls='TLSv1.3': set that on your own SSLContext"),
        ({"ssl": SERVER_S, "ciphers": "ALL"}, "ciphers='ALL': set that on your own SSLContext"),
        ({"ssl": "valid"}, "ssl takes an ssl.SSLContext, or a function that makes one, or None"),
        ({"ssl": lambda: SERVER_S, "ciphers": "ALL"}, "ciphers='ALL': set that on your own SSLContext"),
        ({"tls": "yes"}, "tls takes one of explicit, implicit, required, or None"),
        ({"tls": None, "certificate": "expired"}, "certificate='expired': no effect without TLS; use the fixture"),
        ({"tls": None, "minimum_tls": "TLSv1.3"}, "minimum_tls='TLSv1.3': no effect without TLS"),
        ({"tls": None, "client_certificates": "required", "ciphers": "ALL"}, "client_certificates='required', ciphers"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], text: str) -> None:
    """Settings that cannot work or have no effect are refused when the server is made, with a remedy."""
    with pytest.raises(ConfigurationError) as caught:
        FtpServer(**{"tls": "explicit", **settings})

    assert text in str(caught.value)


@table("name", ["certificate", "ssl"])
def test_your_own_context(name: str) -> None:
    """A context may be given under either name, and is used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings: dict[str, Any] = {name: context}

    assert FtpServer(tls="explicit", **settings).server.ssl is context


# What it costs.


def test_nothing_is_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers and clients of every kind, made again, make no key, no certificate and no context of a server."""

    def make_all() -> None:
        for kind in KINDS:
            for asked in (None, "optional", "required"):
                FtpServer(tls="explicit", certificate=kind, client_certificates=asked)
        ServerTls().client_context("ann")
        assert ServerTls().ca_file

    make_all()
    made: list[str] = []

    def count(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def counted(*args: object, **settings: object) -> object:
            made.append(f"{owner.__name__}.{name}")
            return original(*args, **settings)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in (
        (trustme.CA, "__init__"),
        (trustme.CA, "issue_cert"),
        (ssl.SSLContext, "load_cert_chain"),
    ):
        count(owner, name)
    for _ in range(5):
        make_all()
    # All of these are of client_context, which the caller may change, so each call makes a new one.
    assert made == ["SSLContext.load_cert_chain"] * 5

    for kind in KINDS:
        server_context.__wrapped__(kind, None, None, None)
    assert set(made) == {"SSLContext.load_cert_chain"}  # another context has the same key

    trustme.CA().issue_cert("a.example")
    assert {"CA.__init__", "CA.issue_cert"} < set(made)  # the counters count


def test_keys_do_not_stay_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL reads keys from files only; these are removed when the context is made."""
    monkeypatch.setattr(certificates, "_FOLDER", str(tmp_path))
    read: list[str] = []
    original = ssl.SSLContext.load_cert_chain

    def load(self: ssl.SSLContext, path: str) -> None:
        read.append(path)
        original(self, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load)

    server_context.__wrapped__("valid", None, None, None)

    assert [Path(path).parent for path in read] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


# What clients get.


def test_a_client_s_context_trusts_this_authority_only() -> None:
    """The context has one authority, checks certificates and names, and is a new one for each call."""
    context = client_context()

    assert context.cert_store_stats()["x509_ca"] == 1
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert client_context() is not context


def test_the_authority_in_every_shape() -> None:
    """`ca`, `ca_pem` and `ca_file` are the same authority, of all servers of a process."""
    tls = ServerTls()
    by_trustme, by_pem, by_file = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(3))
    tls.ca.configure_trust(by_trustme)
    by_pem.load_verify_locations(cadata=tls.ca_pem.decode())
    by_file.load_verify_locations(tls.ca_file)

    for context in (by_trustme, by_pem, by_file):
        handshake(plain(), context)
    assert (ServerTls().ca, ServerTls().ca_file) == (tls.ca, tls.ca_file)
    assert b"PRIVATE KEY" not in Path(tls.ca_file).read_bytes()


PROGRAM = """
import os, sys
from ftpfixture.testing.certificates import ServerTls
path = ServerTls().ca_file
if "fork" in sys.argv:
    child = os.fork()
    if not child:
        sys.exit()
    os.waitpid(child, 0)
print(path, os.path.exists(path))
if "fail" in sys.argv:
    raise SystemExit("failed")
"""


@pytest.mark.parametrize(
    "how", ["end", "fail", pytest.param("fork", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"))]
)
def test_the_file_lives_as_long_as_the_process(how: str, tmp_path: Path) -> None:
    """`ca_file` exists until the process that made it ends, in whichever way, and the end of a child keeps it."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, how],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    path, there = done.stdout.split()
    assert there == "True"
    assert Path(path).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_kinds_have_descriptions() -> None:
    """Each kind has a description in words, and another certificate."""
    assert all(KINDS.values())
    assert len({certificates._files(kind)[1] for kind in KINDS}) == len(KINDS)
