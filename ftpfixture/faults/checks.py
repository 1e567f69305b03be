"""What the words of a fault take.

One rule: an error begins with the name of the parameter, so that the text form can point at the value.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable
from typing import TypeGuard, TypeVar

from ftpfixture.errors import ConfigurationError

__all__ = ["code", "host", "line", "lines", "number", "octets", "one_of", "part", "seconds", "truth", "whole"]

T = TypeVar("T", bound=str)


def whole(name: str, value: object, least: int | None = 0) -> int:
    """A whole number that is not too small.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise _wrong(name, "a whole number" if least is None else f"a whole number, {least} or more", value)
    return value


def seconds(name: str, value: object) -> float:
    """A number of seconds that is not negative.

    Raises:
        ConfigurationError: It is none.
    """
    if not _is_finite(value) or value < 0:
        raise _wrong(name, "a number of seconds, 0 or more", value)
    return value


def part(name: str, value: object) -> float:
    """A part of a whole, from 0 to 1.

    Raises:
        ConfigurationError: It is none.
    """
    if not _is_finite(value) or not 0 <= value <= 1:
        raise _wrong(name, "a number from 0 to 1, or 0% to 100% in text", value)
    return value


def number(name: str, value: object, above: float | None = None) -> float:
    """A number, greater than `above`.

    Raises:
        ConfigurationError: It is none.
    """
    if not _is_finite(value) or (above is not None and value <= above):
        raise _wrong(name, "a number" if above is None else f"a number, more than {above:g}", value)
    return value


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def truth(name: str, value: object) -> bool:
    """True or False, and nothing that is like them.

    Raises:
        ConfigurationError: It is neither.
    """
    if not isinstance(value, bool):
        raise _wrong(name, "True or False", value)
    return value


def one_of(name: str, value: object, known: Iterable[T]) -> T:
    """One of some texts.

    Raises:
        ConfigurationError: It is another.
    """
    names = list(known)
    for one in names:
        if one == value:
            return one
    raise _wrong(name, f"one of {', '.join(names)}", value)


def line(name: str, value: object) -> str:
    """Text.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, str):
        raise _wrong(name, "text", value)
    return value


def lines(name: str, value: object) -> tuple[str, ...]:
    """Text, or several lines of it.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(value, str):
        return tuple(value.split("\n"))
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, "text, or a list of lines", value)
    return tuple(value)


def octets(name: str, value: object) -> bytes:
    """Octets, not text.

    Raises:
        ConfigurationError: They are not.
    """
    if not isinstance(value, bytes):
        raise _wrong(name, "octets, such as b'226 Done\\r\\n'", value)
    return value


def code(name: str, value: object) -> str:
    """A reply code.

    Raises:
        ConfigurationError: It is none.
    """
    text = str(value) if isinstance(value, int | str) else ""
    if len(text) != 3 or not (text.isascii() and text.isdigit()):
        raise _wrong(name, "three digits, such as 550", value)
    return text


def host(name: str, value: object) -> str:
    """An IPv4 address.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        return str(ipaddress.IPv4Address(line(name, value)))
    except ValueError:
        raise _wrong(name, "an IPv4 address, such as 10.0.0.1", value) from None


def _wrong(name: str, wanted: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"{name} takes {wanted}, not {value!r}")
