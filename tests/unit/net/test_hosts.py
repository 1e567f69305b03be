"""Addresses of hosts: their kinds, and the address by which a client reaches a server."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.net.hosts import (
    endpoint,
    family_of,
    is_loopback,
    is_wildcard,
    numeric,
    reachable,
    same_host,
)
from tests.support.rows import table

NUMBER, NAME = socket.if_nameindex()[0]  # of an interface of this machine


@table(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("localhost", False),
        ("::ffff:127.0.0.1", True),
    ],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    """Only addresses that other machines cannot reach are loopback; a name is none."""
    assert is_loopback(host) is loopback


@table(
    ("first", "second", "same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("2001:DB8::1", "2001:db8::1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::1", "127.0.0.1", False),
        ("localhost", "localhost", True),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_same_host(first: str, second: str, same: bool) -> None:
    """Addresses are compared by value, not by spelling."""
    assert same_host(first, second) is same
    assert same_host(second, first) is same


def test_family_of() -> None:
    """The family follows from the address."""
    assert (family_of("127.0.0.1"), family_of("::1")) == (socket.AF_INET, socket.AF_INET6)


def test_endpoint() -> None:
    """A zone is a separate number, whether it was written as a name or a number."""
    assert endpoint("127.0.0.1", 21) == ("127.0.0.1", 21)
    assert endpoint("::1", 21) == ("::1", 21)
    assert endpoint(f"fe80::1%{NAME}", 21) == endpoint(f"fe80::1%{NUMBER}", 21) == ("fe80::1", 21, 0, NUMBER)
    with pytest.raises(OSError, match="no interface with this name"):
        endpoint("fe80::1%nowhere", 21)


def test_wildcards_are_reached_by_loopback() -> None:
    """A server on a wildcard address is reached by the loopback of the same family, any other by its own address."""
    rows = [
        ("0.0.0.0", True, "127.0.0.1"),
        ("::", True, "::1"),
        ("0:0:0:0:0:0:0:0", True, "::1"),
        ("127.0.0.2", False, "127.0.0.2"),
        ("::1", False, "::1"),
        ("fe80::1%eth0", False, "fe80::1%eth0"),
        ("example.org", False, "example.org"),
    ]
    assert [(host, is_wildcard(host), reachable(host)) for host, _, _ in rows] == rows


async def test_numeric_addresses_stay() -> None:
    """Only an IPv4 address mapped into IPv6 changes, to IPv4."""
    loop = asyncio.get_running_loop()
    hosts = ["127.0.0.1", "::1", "::", f"fe80::1%{NAME}", "::ffff:127.0.0.1"]
    assert [await numeric(loop, host) for host in hosts] == [*hosts[:4], "127.0.0.1"]


@pytest.mark.parametrize(
    ("families", "address"),
    [
        ([socket.AF_INET6, socket.AF_INET], "127.0.0.1"),
        ([socket.AF_INET, socket.AF_INET6], "127.0.0.1"),
        ([socket.AF_INET6], "::1"),
    ],
)
async def test_a_name_is_its_first_ipv4_address(
    monkeypatch: pytest.MonkeyPatch, families: list[socket.AddressFamily], address: str
) -> None:
    """In any order of the system's list, "localhost" is the same on every machine that has IPv4."""
    loop = asyncio.get_running_loop()
    known = {socket.AF_INET: ("127.0.0.1", 0), socket.AF_INET6: ("::1", 0, 0, 0)}

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", known[family]) for family in families]

    monkeypatch.setattr("ftpfixture.net.hosts.getaddrinfo", getaddrinfo)
    assert await numeric(loop, "localhost") == address


async def test_a_host_that_has_no_address() -> None:
    """An empty host and an unknown name raise errors with what would work, or the cause."""
    loop = asyncio.get_running_loop()
    with pytest.raises(ConfigurationError, match=r"use '127.0.0.1' or '::1', or with allow_remote=True '0.0.0.0'"):
        await numeric(loop, "")
    with pytest.raises(ConfigurationError, match=f"this machine has no interface 'nowhere', only {NAME}"):
        await numeric(loop, "fe80::1%nowhere")
    with pytest.raises(ConfigurationError, match=r"host='no\.such\.host\.invalid' has no address"):
        await numeric(loop, "no.such.host.invalid")
