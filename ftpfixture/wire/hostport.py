"""Addresses in commands and replies: PORT and EPRT, 227 and 229.

One rule: the argument of a command is parsed strictly, because the server connects to that address; a reply is searched
for the numbers, because its text is free.
"""

from __future__ import annotations

import ipaddress
import re

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.numbers import parse_number

__all__ = [
    "parse_227",
    "parse_229",
    "parse_eprt",
    "parse_port",
    "render_227",
    "render_229",
    "render_eprt",
    "render_port",
]

# [0-9] throughout, because \d and int() also take the digits of other scripts.
_SIX_NUMBERS = re.compile(r"[0-9]{1,3}(?:,[0-9]{1,3}){5}")
# Possessive: a number matches as a whole or not at all, so the search does not restart at each of its digits.
_SIX_NUMBERS_ANYWHERE = re.compile(r"(?<![0-9])[0-9]++(?:,[0-9]++){5}")
_EXTENDED_PORT = re.compile(r"\(([!-~])\1\1([0-9]{1,5})\1\)")

_ADDRESS_CLASSES = {1: ipaddress.IPv4Address, 2: ipaddress.IPv6Address}


def parse_port(argument: str) -> tuple[str, int]:
    """Read the argument of PORT: ``h1,h2,h3,h4,p1,p2``.

    Returns:
        The address with dots, and the port, which may be 0.

    Raises:
        CommandSyntaxError: Not six decimal numbers up to 255 with nothing but commas between them.

    Source: RFC 959 4.1.2.
    """
    if _SIX_NUMBERS.fullmatch(argument) is None:
        raise CommandSyntaxError(f"PORT takes h1,h2,h3,h4,p1,p2, not {argument!r}")
    return _join([parse_number(number, "Each part of PORT", most=255) for number in argument.split(",")])


def _join(numbers: list[int]) -> tuple[str, int]:
    return ".".join(map(str, numbers[:4])), numbers[4] * 256 + numbers[5]


def render_port(host: str, port: int) -> str:
    """Return an IPv4 address and a port as ``h1,h2,h3,h4,p1,p2``.

    Raises:
        ValueError: The host is not an IPv4 address, the only kind that this form can hold.
    """
    if ":" in host or host.count(".") != 3:
        raise ValueError(f"only an IPv4 address has the form h1,h2,h3,h4, not {host!r}")
    return f"{host.replace('.', ',')},{port // 256},{port % 256}"


def parse_eprt(argument: str) -> tuple[int, str, int]:
    """Read the argument of EPRT: ``|family|host|port|`` with any delimiter of the codes 33 to 126.

    Returns:
        The number of the family, the host as it was written, and the port. The host is checked for the families 1
        (IPv4) and 2 (IPv6), and not for another number, because the reply to that is 522 and not 501.

    Raises:
        CommandSyntaxError: Anything else.

    Source: RFC 2428 2.
    """
    delimiter = argument[:1]
    parts = argument.split(delimiter) if "!" <= delimiter <= "~" else []
    if len(parts) != 5 or parts[0] or parts[4]:
        raise CommandSyntaxError(f"EPRT takes |family|host|port|, not {argument!r}")
    family, host = parse_number(parts[1], "The address family of EPRT"), parts[2]
    port = parse_number(parts[3], "The port of EPRT", most=65535)
    if family in _ADDRESS_CLASSES:
        try:
            _ADDRESS_CLASSES[family](host)
        except ValueError as error:
            raise CommandSyntaxError(f"not an address of family {family}: {host!r}") from error
    return family, host, port


def render_eprt(host: str, port: int) -> str:
    """Return the argument of EPRT for an IPv4 or IPv6 address."""
    return f"|{2 if ':' in host else 1}|{host}|{port}|"


def render_227(host: str, port: int) -> str:
    """Return the text of the reply to PASV.

    Raises:
        ValueError: The host is not an IPv4 address.
    """
    return f"Entering Passive Mode ({render_port(host, port)})."


def render_229(port: int) -> str:
    """Return the text of the reply to EPSV."""
    return f"Entering Extended Passive Mode (|||{port}|)"


def parse_227(text: str) -> tuple[str, int]:
    """Find the address in the text of a reply to PASV: the first six numbers with commas, in parentheses or not.

    Raises:
        ReplySyntaxError: There are no six numbers, or one is above 255.

    Source: RFC 1123 4.1.2.6.
    """
    match = _SIX_NUMBERS_ANYWHERE.search(text)
    if match is None:
        raise ReplySyntaxError(f"a reply to PASV holds h1,h2,h3,h4,p1,p2: {text!r}")
    numbers = match[0].split(",")
    # The length is checked first: int() raises an error of its own for thousands of digits.
    if any(len(number) > 3 or int(number) > 255 for number in numbers):
        raise ReplySyntaxError(f"a reply to PASV holds numbers up to 255: {text!r}")
    return _join([int(number) for number in numbers])


def parse_229(text: str) -> int:
    """Find the port in the text of a reply to EPSV: ``(|||port|)``, the last one, with any delimiter.

    Raises:
        ReplySyntaxError: There is no such group, or the port is above 65535.

    Source: RFC 2428 3.
    """
    groups = _EXTENDED_PORT.findall(text)
    if not groups or int(groups[-1][1]) > 65535:
        raise ReplySyntaxError(f"a reply to EPSV holds (|||port|): {text!r}")
    return int(groups[-1][1])
