"""The servers of other projects with TLS, explicit or implicit, and clients' contexts that trust their certificates."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import trustme

from tests.support.servers import Aioftp, Peer, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

__all__ = ["IMPLICIT", "TLS", "VERSIONS", "authority", "context", "encrypted"]

# Settings for TLS, with the files of a certificate; data connections may be in clear text too.
TLS = {
    Vsftpd: (
        "ssl_enable=YES",
        "rsa_cert_file={chain}",
        "rsa_private_key_file={key}",
        "ssl_ciphers=HIGH",
        "require_ssl_reuse=YES",
        "force_local_logins_ssl=YES",
        "force_local_data_ssl=NO",
    ),
    Proftpd: (  # it requires session reuse by default
        "LoadModule mod_tls.c",
        "TLSEngine on",
        "TLSRequired auth",  # "ctrl" would forbid CCC
        "TLSRSACertificateFile {chain}",
        "TLSRSACertificateKeyFile {key}",
    ),
    PureFtpd: ("-Y", "2", "-2", "{chain},{key}"),
    Pyftpdlib: ("certfile={both}", "tls_control_required=1"),
    # Implicit TLS. When the handshake of a data connection takes longer than a second, it gives up and leaves the
    # connection open forever, so that the client waits too: a longer timeout avoids that.
    Aioftp: ("certfile={chain}", "keyfile={key}", "wait_future_timeout=3600"),
}
# Further settings for implicit TLS, if the server has it.
IMPLICIT: dict[type[Peer], tuple[str, ...]] = {
    Vsftpd: ("implicit_ssl=YES",),
    Proftpd: ("TLSOptions UseImplicitSSL",),
    Aioftp: (),
}

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@functools.cache
def authority() -> trustme.CA:
    """The certificate authority of the tests; RSA, because the settings of vsftpd and proftpd are for RSA keys."""
    return trustme.CA(key_type=trustme.KeyType.RSA)


@functools.cache
def certificate(host: str) -> trustme.LeafCert:
    """The certificate of a server."""
    return authority().issue_cert(host, key_type=trustme.KeyType.RSA)


def context(version: str = "TLSv1.3") -> ssl.SSLContext:
    """The context of a client, for one version of TLS."""
    created = ssl.create_default_context()
    authority().configure_trust(created)
    created.minimum_version = created.maximum_version = VERSIONS[version]
    return created


def encrypted(kind: type[Peer], folder: Path, *extra: str, host: str = "127.0.0.1", named: str = "") -> Peer:
    """A server with TLS, and a certificate for its host or another name; it requires session reuse, if it can."""
    leaf = certificate(named or host)
    files = {name: folder / f"{name}.pem" for name in ("key", "chain", "both")}
    files["key"].write_bytes(leaf.private_key_pem.bytes())
    files["chain"].write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    files["both"].write_bytes(files["key"].read_bytes() + files["chain"].read_bytes())
    return kind(folder / "peer", *(word.format(**files) for word in TLS[kind]), *extra, host=host)
