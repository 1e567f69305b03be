"""Keeps a test that only plays recordings from other machines.

One rule: nothing is patched. An audit hook of Python sees each call of `socket`, below all that redirects hosts, and
raises before the call is made.

Other programs that a test starts are not stopped: give them addresses of this machine alone.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from typing import Any

__all__ = ["LoopbackOnly"]

_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_NAME = {"socket.getaddrinfo", "socket.gethostbyname"}
_active: list[LoopbackOnly] = []
_installed: list[bool] = []  # an audit hook cannot be removed


class LoopbackOnly:
    """Refuses connections to other machines, of all threads of this process.

    Args:
        place: Path of the recording that is played.

    Attributes:
        refused: The hosts, in order.
    """

    def __init__(self, place: Path) -> None:
        self.refused: list[str] = []
        self._place = place

    @contextmanager
    def active(self) -> Iterator[None]:
        """Refuse them inside the context."""
        if not _installed:
            sys.addaudithook(_audit)
            _installed.append(True)
        _active.append(self)
        try:
            yield
        finally:
            _active.remove(self)

    def refuse(self, host: str) -> None:
        """Refuse to reach a host.

        Raises:
            PermissionError: Always.
        """
        self.refused.append(host)
        raise PermissionError(self.text(host))

    def text(self, host: str) -> str:
        """Why a host is not reached, and what to do."""
        return (
            f"{host} is another machine, and a test with ftp_recording connects to none where nothing is recorded "
            f"(--ftp-record=none, which plays {self._place.name}): connect to ftp_recording.address, or mark the test "
            "with ftp_recording(allow_network=True)"
        )


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _active and event in _ADDRESS:
        address = args[1]
        if isinstance(address, tuple) and address and not _is_here(address[0]):
            _active[-1].refuse(str(address[0]))
    elif _active and event in _NAME and not _is_here(args[0]):
        _active[-1].refuse(_text(args[0]))


def _is_here(host: object) -> bool:
    """Whether a host is this machine, as far as its name or address alone says so."""
    name = _text(host).rstrip(".").lower()
    if name in ("", "localhost", gethostname().lower()) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
