"""Checks of what users set, so that a mistake is told where it was made and with what would be right."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyle

__all__ = [
    "check_flags",
    "check_ipv4",
    "check_numbers",
    "check_ports",
    "check_protection",
    "check_style",
    "check_timezone",
    "check_tls",
    "unknown_verb",
]


def check_style(name: str) -> ListStyle:
    """The style of LIST that has this name.

    Raises:
        ConfigurationError: There is none; like all errors here, it says what there is.
    """
    if name not in LIST_STYLES:
        raise ConfigurationError(f"unknown list_style {name!r}: use one of {', '.join(LIST_STYLES)}")
    return LIST_STYLES[name]


def check_numbers(**settings: Any) -> None:
    """Seconds, octets and counts are numbers that are not negative, or None for no limit."""
    for name, value in settings.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and value >= 0):
            raise ConfigurationError(f"{name}={value!r}: give a number that is not negative, or None for no limit")


def check_flags(**settings: Any) -> None:
    """Yes or no is said by True or False: "no" would be yes."""
    for name, value in settings.items():
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}={value!r}: use True or False")


def check_ports(ports: Iterable[Any]) -> list[int]:
    """Data ports, at least one."""
    found = list(ports)
    if not found or not all(isinstance(port, int) and 0 < port < 65536 for port in found):
        raise ConfigurationError("data_ports takes port numbers from 1 to 65535, such as range(50000, 50010)")
    return found


def check_timezone(zone: tzinfo) -> tzinfo:
    """A time zone object."""
    if not isinstance(zone, tzinfo):
        raise ConfigurationError(f"timezone={zone!r}: use datetime.UTC, or zoneinfo.ZoneInfo('Europe/Berlin')")
    return zone


def check_tls(has_context: bool, mode: str | None, required: Iterable[str]) -> tuple[bool, frozenset[str]]:
    """Whether TLS comes first, and what is refused without it."""
    names = frozenset([required] if isinstance(required, str) else required)
    if mode not in (None, "explicit", "implicit", "required"):
        raise ConfigurationError(f"tls={mode!r}: use 'explicit', 'implicit', 'required' or None")
    if not names <= {"login", "data"}:
        raise ConfigurationError(f"require_tls={sorted(names)}: use 'login', 'data' or both")
    if not has_context and (mode is not None or names):
        raise ConfigurationError("TLS needs a certificate: give an ssl.SSLContext as ssl=")
    return has_context and mode in (None, "implicit"), names | ({"login", "data"} if mode == "required" else set())


def check_protection(level: str, implicit: bool) -> str:
    """What data connections are with implicit TLS before anybody says PROT."""
    if level not in ("P", "C"):
        raise ConfigurationError(f"implicit_protection={level!r}: use 'P' (private) or 'C' (clear)")
    if level != "P" and not implicit:
        raise ConfigurationError(
            f"implicit_protection={level!r} is for tls='implicit': with explicit TLS data are clear until PROT P"
        )
    return level


def check_ipv4(address: str | None) -> str | None:
    """A numeric IPv4 address, because nothing else fits into the reply to PASV."""
    if address is not None:
        try:
            ipaddress.IPv4Address(address)
        except ValueError:
            raise ConfigurationError(
                f"ipv4_pasv_forced_response_address={address!r}: use a numeric address such as '192.0.2.1'"
            ) from None
    return address


def unknown_verb(verb: str, known: Iterable[str]) -> ConfigurationError:
    """The error for a verb that cannot be switched off; it names the nearest that can."""
    names = [name.upper() for name in known]
    return ConfigurationError(f"cannot disable {verb!r}: no such command; {suggest(verb, sorted(names), most=3)}")
