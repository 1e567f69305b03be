"""What programs need for TLS with a server, and the check of what the log must show."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import FtpServer
from tests.clients.samples import LARGE

__all__ = ["BIG", "REFUSED", "VERSIONS", "all_sizes", "check_tls", "client_certificate", "ftp_config", "limited"]

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

BIG = LARGE[:1_500_001]  # many records of TLS, the last of them not full
_SIZES = {"empty": b"", "one": b"x", "records": LARGE[-40_000:], "big": BIG}
all_sizes = pytest.mark.parametrize("data", _SIZES.values(), ids=_SIZES)

REFUSED = ["expired", "wrong-host", "self-signed", "untrusted"]
"""The certificates that no client may accept."""


@pytest.fixture
def ftp_config() -> dict[str, Any]:
    """Settings of all servers: test machines are shared, and a program may need time for the TLS handshake."""
    return {"wait_future_timeout": 10}


def limited(context: ssl.SSLContext, version: str | None) -> ssl.SSLContext:
    """The context, limited to one version of TLS; None does not limit it."""
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def client_certificate(server: FtpServer, folder: Path, name: str = "ann") -> Path:
    """A file with a private key and a client certificate that the server trusts."""
    leaf = server.tls.ca.issue_cert(f"{name}@client.example", common_name=name)
    path = folder / f"{name}.pem"
    path.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    return path


def check_tls(
    server: FtpServer,
    version: str | None,
    *,
    data: str = "P",
    resumed: bool | None = None,
    session: int | None = None,
) -> None:
    """Check in the log that all names and passwords were encrypted, and data as `data` requires.

    Args:
        server: The server.
        version: Of TLS, on every connection; None for any.
        data: "P" when all transfers must have been encrypted, "C" when none.
        resumed: Whether data connections must have resumed a session; None for either.
        session: Number of the only session to check; None for all.
    """
    __tracebackhide__ = True
    log = server.log
    control = [record.tls for record in log.sessions if session in (None, record.number)]
    transferred = [record.tls for record in log.transfers if session in (None, record.session)]
    assert transferred, "nothing was transferred"
    if data == "P":
        log.assert_encrypted(session=session)
        if resumed is not None:
            assert {tls.resumed for tls in transferred if tls} == {resumed}
    else:
        # The message lists names and passwords first.
        with pytest.raises(AssertionError, match=r"not encrypted: the (upload|download) of"):
            log.assert_encrypted(session=session)
        assert transferred == [None] * len(transferred)
    for tls in [*control, *(tls for tls in transferred if tls)]:
        assert tls is not None
        assert version in (None, tls.version)
        assert re.fullmatch(r"TLSv1\.[23]", tls.version)
        assert tls.cipher
