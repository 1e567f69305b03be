"""Certificates for tests: trustme makes them during the run, and only the tests trust them.

One rule: each key is made once per process, because it takes longer than a test.
"""

from __future__ import annotations

import atexit
import functools
import os
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from secrets import token_hex
from ssl import SSLContext
from tempfile import gettempdir
from typing import Any, Literal, Protocol

import trustme
from cryptography.x509 import RevokedCertificateBuilder

from ftpfixture.checks import wrong
from ftpfixture.errors import ConfigurationError
from ftpfixture.untouched import RealFiles

__all__ = [
    "KINDS",
    "CertificateKind",
    "Certified",
    "ServerTls",
    "context_for",
    "contexts_for",
    "refuse_without_tls",
    "server_context",
]

_HOSTS = ("localhost", "127.0.0.1", "::1")
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC)

CertificateKind = Literal["valid", "expired", "wrong-host", "self-signed", "untrusted"]
"""A certificate that a server may have, see `KINDS`."""

KINDS: dict[CertificateKind, str] = {
    "valid": "signed by a CA that the test may trust, for localhost and loopback",
    "expired": "signed by that CA, valid in the year 2001 only",
    "wrong-host": "signed by that CA, for wrong-host.example",
    "self-signed": "signed by itself",
    "untrusted": "signed by another CA, which no client knows",
}
"""The certificates that a server may have."""


if getattr(datetime, "__base__", None) is date:  # not while it is patched: freezegun, mocks
    # cryptography keeps the first class of times that it gets, for the whole process; under freezegun that class would
    # reject real times. The builder here has no other use.
    RevokedCertificateBuilder().serial_number(1).revocation_date(_LONG_AGO[0]).build()


@functools.cache
def _authority() -> trustme.CA:
    return trustme.CA(organization_name="ftpfixture")


@functools.cache
def _files(kind: str, names: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
    """Return private key and certificate chain of a kind, in PEM."""
    if kind == "self-signed":
        own = trustme.CA(organization_name="ftpfixture self-signed")
        return own.private_key_pem.bytes(), own.cert_pem.bytes()
    authority = trustme.CA(organization_name="ftpfixture unknown") if kind == "untrusted" else _authority()
    if kind == "expired":
        leaf = authority.issue_cert(*_HOSTS, *names, not_before=_LONG_AGO[0], not_after=_LONG_AGO[1])
    elif kind == "wrong-host":
        leaf = authority.issue_cert("wrong-host.example")
    else:
        leaf = authority.issue_cert(*_HOSTS, *names)
    return leaf.private_key_pem.bytes(), b"".join(pem.bytes() for pem in leaf.cert_chain_pems)


class Certified(Protocol):
    """Makes the context of a server whose certificate is for more host names."""

    def __call__(self, *, names: tuple[str, ...] = ()) -> SSLContext | Callable[[], SSLContext]:
        """Return the context, or a function that makes one for each session."""


def context_for(
    certificate: Any, names: tuple[str, ...] = (), **settings: Any
) -> SSLContext | Callable[[], SSLContext]:
    """Return the context of a server, for the setting `certificate` or ``ssl`` of `FtpServer`.

    Args:
        certificate: One of `KINDS`, or a context of the user, or a function of the user that makes one.
        names: Further host names in a certificate that is made here.
        settings: `client_certificates`, `minimum_tls` and `ciphers`; they are for contexts that are made here.

    Raises:
        ConfigurationError: A setting is invalid, or does not go with the context.
    """
    if isinstance(certificate, str):
        return server_context(certificate, *(settings[name] for name in _SETTINGS), names)
    if isinstance(certificate, SSLContext) and certificate.protocol is ssl.PROTOCOL_TLS_CLIENT:
        raise ConfigurationError("this SSLContext is for a client: make one with ssl.PROTOCOL_TLS_SERVER")
    given = {name: value for name, value in settings.items() if value is not None}
    if given:
        raise ConfigurationError(f"{_text(given)}: set that on your own SSLContext")
    own: SSLContext | Callable[[], SSLContext] = certificate
    return own


def contexts_for(
    certificate: Any, names: tuple[str, ...] = (), **settings: Any
) -> SSLContext | Callable[[], SSLContext]:
    """Return the context of a server whose data connections must resume the session of their control connection.

    Returns:
        A function that makes a context for each session if `certificate` is one of `KINDS`; else the user's own.
    """
    context = context_for(certificate, names, **settings)
    if not isinstance(certificate, str):
        return context
    return functools.partial(server_context.__wrapped__, certificate, *(settings[name] for name in _SETTINGS), names)


def refuse_without_tls(certificate: object, **settings: str | None) -> None:
    """Refuse settings of TLS for a server without TLS.

    Raises:
        ConfigurationError: There is such a setting.
    """
    all_settings = {"certificate": None if certificate == "valid" else certificate, **settings}
    given = {name: value for name, value in all_settings.items() if value is not None}
    if given:
        raise ConfigurationError(
            f"{_text(given)}: no effect without TLS; use the fixture ftps_server, or set tls='explicit' or 'implicit'"
        )


_SETTINGS = ("client_certificates", "minimum_tls", "ciphers")


def _text(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


@functools.cache
def server_context(
    kind: str,
    client_certificates: str | None,
    minimum_version: str | None,
    ciphers: str | None,
    names: tuple[str, ...] = (),
) -> SSLContext:
    """Return a context for a server.

    Args:
        kind: One of `KINDS`.
        client_certificates: "optional" to ask for one, "required" to insist; None not to ask.
        minimum_version: "TLSv1.2" or "TLSv1.3"; None for Python's own.
        ciphers: In the format of ``openssl ciphers``, for TLS 1.2; None for Python's own.
        names: Further host names in the certificate.

    Raises:
        ConfigurationError: OpenSSL does not know the ciphers.
    """
    modes = {None: ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key, chain = _files(kind, names)
    _show(context, key + chain)
    _trust(context)
    context.verify_mode = modes[client_certificates]
    if minimum_version is not None:
        context.minimum_version = _VERSIONS[minimum_version]
    if ciphers is not None:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError as error:
            raise wrong("ciphers", "names that OpenSSL knows", ciphers) from error
    return context


def _show(context: SSLContext, pem: bytes) -> None:
    """Load a private key and its certificates into a context; OpenSSL reads them from files only."""
    path = _new_path()
    RealFiles.create(path, pem)
    try:
        context.load_cert_chain(path)
    finally:
        RealFiles.remove(path)


def _trust(context: SSLContext) -> None:
    context.load_verify_locations(cadata=_authority().cert_pem.bytes().decode("ascii"))


def _new_path() -> str:
    return f"{_FOLDER}{os.sep}ftpfixture-{token_hex(8)}.pem"


_FOLDER = gettempdir()
_authority_path = functools.cache(_new_path)


def _authority_file() -> str:
    """Return the path of the authority's certificate: on the disk, and under pyfakefs in its files, too."""
    path, pem = _authority_path(), _authority().cert_pem.bytes()
    if not RealFiles.exists(path):
        RealFiles.create(path, pem)
        atexit.register(_remove, path, os.getpid())
    if not os.path.exists(path):  # pyfakefs is active: OpenSSL reads the disk, the test the fake files
        os.makedirs(_FOLDER, exist_ok=True)
        with open(path, "wb") as file:
            file.write(pem)
    return path


def _remove(path: str, process: int) -> None:
    # A forked child inherits the registration, but the file belongs to the parent; another program may have removed it.
    if process == os.getpid() and RealFiles.exists(path):
        RealFiles.remove(path)


class ServerTls:
    """What clients need to trust a server."""

    @property
    def ca(self) -> trustme.CA:
        """The certificate authority of the valid certificates: ``ca.configure_trust(context)``."""
        return _authority()

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate in PEM."""
        return self.ca.cert_pem.bytes()

    @property
    def ca_file(self) -> str:
        """Path of a file with the authority's certificate, for programs; it exists until the process ends.

        Under pyfakefs it exists in the fake file system, too, so that the test can open it; OpenSSL and other programs
        read the file on the disk.
        """
        return _authority_file()

    def client_context(self, certificate: str | None = None) -> SSLContext:
        """Return a context that trusts only the authority.

        Args:
            certificate: Common name of the client certificate; None for no certificate.
        """
        context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context)
        if certificate is not None:
            _show(context, _client_certificate(certificate))
        return context


@functools.cache
def _client_certificate(name: str) -> bytes:
    """Return private key and certificate chain, in PEM."""
    certificate = _authority().issue_cert(f"{name}@ftpfixture.example", common_name=name)
    return certificate.private_key_and_cert_chain_pem.bytes()
