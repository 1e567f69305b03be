"""Addresses of hosts, as text: kinds, comparison, and the address by which a client reaches a server.

One rule: nothing here opens a socket.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import lru_cache, partial
from socket import getaddrinfo

from ftpfixture.errors import ConfigurationError

__all__ = [
    "endpoint",
    "family_of",
    "is_loopback",
    "is_numeric",
    "is_wildcard",
    "numeric",
    "reachable",
    "same_host",
    "spelled",
]

_LOOPBACKS = {4: "127.0.0.1", 6: "::1"}
"""IP version to the address by which a machine reaches itself."""


def is_loopback(host: str) -> bool:
    """True when `host` is a numeric loopback address."""
    address = _address(host)
    return address is not None and address.is_loopback


def is_numeric(host: str) -> bool:
    """True when `host` is an address, and not a name."""
    return _address(host) is not None


def is_wildcard(host: str) -> bool:
    """True when `host` stands for all addresses of this machine: "0.0.0.0" or "::"."""
    address = _address(host)
    return address is not None and address.is_unspecified


def same_host(first: str, second: str) -> bool:
    """True when two numeric addresses are equal: spelling, zone and IPv4 mapped into IPv6 make no difference."""
    return (_address(first) or first) == (_address(second) or second)


@lru_cache(maxsize=256)
def spelled(host: str) -> str:
    """A numeric address as the system spells it, such as "::1" for "0:0:0:0:0:0:0:1"; its zone stays."""
    address, percent, zone = host.partition("%")
    return f"{ipaddress.ip_address(address)}{percent}{zone}"


@lru_cache(maxsize=256)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address without its zone, IPv4 where it is mapped into IPv6; None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def family_of(host: str) -> socket.AddressFamily:
    """Address family of a numeric address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def endpoint(host: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """What bind and connect take for a numeric address: Python takes the zone as a separate number.

    Raises:
        OSError: The machine has no such zone.
    """
    address, _, zone = host.partition("%")
    if not zone:
        return host, port
    return address, port, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)


def reachable(host: str) -> str:
    """The address by which a client on this machine reaches a server that listens on `host`.

    No standard lets a client connect to a wildcard address: Windows refuses it.
    """
    address = _address(host)
    return _LOOPBACKS[address.version] if address is not None and address.is_unspecified else host


def _check_zone(host: str) -> None:
    zone = host.partition("%")[2]
    if not zone or zone.isdecimal():
        return
    names = [name for _, name in socket.if_nameindex()]
    if zone not in names:
        raise ConfigurationError(f"host={host!r}: this machine has no interface {zone!r}, only {', '.join(names)}")


async def numeric(loop: asyncio.AbstractEventLoop, host: str) -> str:
    """The address that a server listens on: the first IPv4 address of a name, or else its first address.

    A numeric address stays unchanged, but an IPv4 address mapped into IPv6 becomes IPv4.

    Raises:
        ConfigurationError: The name has no address, or the machine lacks the zone.
    """
    if not host:
        raise ConfigurationError(
            "host='' names no address: use '127.0.0.1' or '::1', or with allow_remote=True '0.0.0.0' or '::'"
        )
    address = _address(host)
    if address is not None:
        _check_zone(host)
        return host if address.version == 6 else str(address)
    try:
        found = await loop.run_in_executor(
            None, partial(getaddrinfo, host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        )
    except OSError as error:
        raise ConfigurationError(f"host={host!r} has no address: {error}") from error
    # Every other default is 127.0.0.1; machines differ in the family that "localhost" has first.
    ordered = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return str(ordered[0][4][0])
