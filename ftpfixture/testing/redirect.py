"""Redirects host names to servers of this process: name resolution and `connect` of `socket`, for one name and port.

One rule: a call for another name or another port reaches the original function, with its own arguments.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ftpfixture.errors import ConfigurationError
from ftpfixture.forks import lock
from ftpfixture.net.transport import Address

__all__ = ["check_host", "redirected"]

_SERVICES = {"ftp": 21, "ftps": 990}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class _Redirect(NamedTuple):
    """Clients that connect to `port` of the host `name` reach `target`."""

    name: str
    port: int
    target: Address


_LOCK = lock()
_redirects: tuple[_Redirect, ...] = ()  # the newest last; replaced as a whole, so that readers need no lock


def check_host(name: object) -> str:
    """Return a host name, or a numeric address, in the spelling in which names are compared.

    Raises:
        ConfigurationError: It is neither.
    """
    if isinstance(name, str):
        folded = _folded(name)
        if _HOST.fullmatch(folded) or _is_address(folded):
            return folded
    raise ConfigurationError(f"as_host({name!r}): give the host alone, such as 'ftp.partner.com', and port= beside it")


def _folded(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@contextmanager
def redirected(name: str, port: int, target: Address) -> Iterator[None]:
    """Let clients in this process that connect to a port of a host reach another address.

    Blocks may be nested, and entered and left in any thread and any order; of two for the same name and port the newer
    counts.

    Args:
        name: Host name or numeric address, as `check_host` returns it.
        port: The port that clients connect to.
        target: Numeric host and port that they reach.
    """
    redirect = _Redirect(name, port, target)
    _change(lambda all_redirects: (*all_redirects, redirect))
    try:
        yield
    finally:
        _change(lambda all_redirects: _without(redirect, all_redirects))


def _change(change: Callable[[tuple[_Redirect, ...]], tuple[_Redirect, ...]]) -> None:
    """Change the redirects; the patches are installed while there is one."""
    global _redirects
    with _LOCK:
        before, _redirects = _redirects, change(_redirects)
        if _redirects and not before:
            for patch in _PATCHES:
                patch.install()
        elif before and not _redirects:
            for patch in reversed(_PATCHES):
                patch.remove()


def _without(redirect: _Redirect, all_redirects: tuple[_Redirect, ...]) -> tuple[_Redirect, ...]:
    index = next(number for number, one in enumerate(all_redirects) if one is redirect)
    return all_redirects[:index] + all_redirects[index + 1 :]


def _target(host: object, port: object) -> Address | None:
    """Return the target of a host and a port; None when they are not redirected."""
    name, number = _text(host), _number(port)
    for redirect in reversed(_redirects):
        if redirect.name == name and redirect.port == number:
            return redirect.target
    return None


def _host_of(host: object) -> str | None:
    """Return the numeric target of a host; None when no port of it is redirected."""
    name = _text(host)
    return next((redirect.target[0] for redirect in reversed(_redirects) if redirect.name == name), None)


def _text(host: object) -> str:
    if isinstance(host, bytes | bytearray):
        return _folded(host.decode("ascii", "replace"))
    return _folded(host) if isinstance(host, str) else ""


def _number(port: object) -> int | None:
    text = port.decode("ascii", "replace") if isinstance(port, bytes | bytearray) else str(port)
    return int(text) if text.isdecimal() else _SERVICES.get(text)


class _Patch:
    """Replaces a function of `socket`, or of a class there.

    Args:
        owner: Returns the module or the class that has the function now.
        name: Name of the function.
        make: Makes the new function from the original one.
    """

    def __init__(self, owner: Callable[[], Any], name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
        self._find_owner = owner
        self._name = name
        self._make = make
        self._owner: Any = None
        self._own: Any = None
        self._before: tuple[Any, ...] = ()

    def install(self) -> None:
        """Install the new function."""
        self._owner = self._find_owner()
        original = getattr(self._owner, self._name)
        self._before = (vars(self._owner)[self._name],) if self._name in vars(self._owner) else ()
        self._own = functools.wraps(original)(self._make(original))
        setattr(self._owner, self._name, self._own)

    def remove(self) -> None:
        """Restore the original; a later patch over this one stays, and calls it."""
        if vars(self._owner).get(self._name) is not self._own:
            return
        if self._before:
            setattr(self._owner, self._name, self._before[0])
        else:
            delattr(self._owner, self._name)


def _resolves(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
        target = None if flags & socket.AI_NUMERICHOST and not _is_address(_text(host)) else _target(host, port)
        if target is None and port in (None, 0, "0", b"0") and not flags & socket.AI_NUMERICHOST:
            target = (numeric, port) if (numeric := _host_of(host)) is not None else None
        return original(*(target or (host, port)), family, type, proto, flags)

    return getaddrinfo


def _resolves_host(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname(hostname: Any) -> Any:
        numeric = _host_of(hostname)
        return original(hostname if numeric is None else numeric)

    return gethostbyname


def _connects(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any, /) -> Any:
        target = _target(*address[:2]) if isinstance(address, tuple) and len(address) > 1 else None
        return original(self, address if target is None else target)

    return connect


_PATCHES = (
    _Patch(lambda: socket, "getaddrinfo", _resolves),
    _Patch(lambda: socket, "gethostbyname", _resolves_host),
    _Patch(lambda: socket, "gethostbyname_ex", _resolves_host),
    _Patch(lambda: socket.socket, "connect", _connects),
    _Patch(lambda: socket.socket, "connect_ex", _connects),
)
