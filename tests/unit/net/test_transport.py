"""Addresses of sockets as text, and the description of TLS."""

from __future__ import annotations

from ftpfixture.net.transport import TlsInfo, peer_name
from tests.support.rows import table


@table(
    ("address", "name"),
    [
        (("127.0.0.1", 21), ("127.0.0.1", 21)),
        (("::1", 21, 0, 0), ("::1", 21)),
        (("::ffff:127.0.0.1", 21, 0, 0), ("127.0.0.1", 21)),
        (("::ffff:1", 21, 0, 0), ("::ffff:1", 21)),
        ("/tmp/socket", ("", 0)),
        (None, ("", 0)),
        ((), ("", 0)),
    ],
)
def test_peer_name(address: object, name: tuple[str, int]) -> None:
    """A name is host and port for every kind of address; IPv4 in IPv6 is IPv4."""
    assert peer_name(address) == name


def test_subject() -> None:
    """The parts of a subject have their usual short names, or else their long ones."""
    names = ((("commonName", "ann"),), (("organizationName", "example"), ("title", "Dr")))

    assert TlsInfo("", "", False, {"subject": names}).subject == "CN=ann,O=example,title=Dr"
    assert TlsInfo("", "", False, {}).subject == ""
