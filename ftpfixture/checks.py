"""Checks of parameters, and the messages for wrong values.

One rule: a wrong value raises where it is passed, in one form: ``idle_timeout takes a number of seconds, 0 or more, or
None for no limit, not '5'``. The name comes first, so that the text form of faults can point at the value.
"""

from __future__ import annotations

import codecs
import difflib
import ipaddress
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ftpfixture.errors import ConfigurationError

__all__ = [
    "Check",
    "anything",
    "byte_string",
    "code",
    "encoding",
    "function",
    "host",
    "instance_of",
    "is_utf8",
    "line",
    "lines",
    "list_of",
    "nearest",
    "number",
    "number_of",
    "one_of",
    "one_of_these",
    "part",
    "port",
    "port_to_listen",
    "seconds",
    "suggest",
    "truth",
    "whole",
    "whole_number",
    "wrong",
]

T = TypeVar("T")
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Check(Generic[T]):
    """The valid values of a parameter; call it with the name and the value.

    Attributes:
        wanted: The valid values, in the words of the error message.
        read: Converts the value to its stored form; raises ValueError or TypeError for an invalid one.
    """

    wanted: str
    read: Callable[[Any], T]

    def __call__(self, name: str, value: object) -> T:
        """Return the value in its stored form.

        Raises:
            ConfigurationError: The value is invalid.
        """
        try:
            return self.read(value)
        except (TypeError, ValueError, OverflowError):
            raise wrong(name, self.wanted, value) from None

    def or_none(self, meaning: str = "") -> Check[T | None]:
        """Return a check that also accepts None, with this meaning."""
        wanted = f"{self.wanted}, or None{' for ' * bool(meaning)}{meaning}"
        return Check(wanted, lambda value: None if value is None else self.read(value))


def wrong(name: str, wanted: str, value: object) -> ConfigurationError:
    """Return the error for a parameter with an invalid value."""
    return ConfigurationError(f"{name} takes {wanted}, not {value!r}")


def _when(fits: Callable[[Any], bool], convert: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return a function that converts a value that fits, and raises ValueError for others."""

    def read(value: object) -> T:
        if not fits(value):
            raise ValueError
        return convert(value)

    return read


def _same(value: Any) -> Any:
    return value


# Numbers.


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def whole_number(least: int | None = 0, of: str = "") -> Check[int]:
    """Return the check for a whole number of a unit, `least` or more."""
    kind = f"a whole number{' of ' * bool(of)}{of}"
    wanted = kind if least is None else f"{kind}, {least} or more"
    return Check(wanted, _when(lambda value: _is_whole(value) and (least is None or value >= least), _same))


def number_of(unit: str = "", least: float = 0) -> Check[float]:
    """Return the check for a number of a unit, `least` or more."""
    wanted = f"a number{' of ' * bool(unit)}{unit}, {least:g} or more"
    return Check(wanted, _when(lambda value: _is_finite(value) and value >= least, _same))


def whole(name: str, value: object, least: int | None = 0) -> int:
    """Return a whole number of at least `least`.

    Raises:
        ConfigurationError: It is not.
    """
    return whole_number(least)(name, value)


def number(name: str, value: object, above: float | None = None) -> float:
    """Return a number greater than `above`.

    Raises:
        ConfigurationError: It is not.
    """
    wanted = "a number" if above is None else f"a number, more than {above:g}"
    check: Check[float] = Check(
        wanted, _when(lambda value: _is_finite(value) and (above is None or value > above), _same)
    )
    return check(name, value)


def _port_from(least: int) -> Callable[[Any], int]:
    return _when(lambda value: _is_whole(value) and least <= value <= 65535, _same)


port: Check[int] = Check("a port number from 1 to 65535", _port_from(1))
"""A port."""

port_to_listen: Check[int] = Check("a port number from 1 to 65535, or 0 for a free one", _port_from(0))
"""A port to listen on."""

seconds = number_of("seconds")
"""A number of seconds that is not negative."""

part: Check[float] = Check(
    "a number from 0 to 1, or 0% to 100% in text", _when(lambda value: _is_finite(value) and 0 <= value <= 1, _same)
)
"""A part of a whole, from 0 to 1."""

truth: Check[bool] = Check("True or False", _when(lambda value: isinstance(value, bool), _same))
"""True or False; not a text, because "no" would count as true."""


# Text.


def one_of_these(known: Iterable[Name]) -> Check[Name]:
    """Return the check for one of some texts."""
    names = {name: name for name in known}

    def read(value: object) -> Name:
        if not isinstance(value, str) or value not in names:
            raise ValueError
        return names[value]

    return Check(f"one of {', '.join(names)}", read)


def one_of(name: str, value: object, known: Iterable[Name]) -> Name:
    """Return one of some texts.

    Raises:
        ConfigurationError: It is not one of them.
    """
    return one_of_these(known)(name, value)


line: Check[str] = Check("text", _when(lambda value: isinstance(value, str), _same))
"""Text."""


def _read_lines(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split("\n"))
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError
    return tuple(value)


lines: Check[tuple[str, ...]] = Check("text, or a list of lines", _read_lines)
"""Text, or several lines of it."""

byte_string: Check[bytes] = Check(
    "bytes, such as b'226 Done\\r\\n'", _when(lambda value: isinstance(value, bytes), _same)
)
"""Bytes, not text."""


def _is_code(value: object) -> bool:
    text = str(value) if isinstance(value, int | str) else ""
    return len(text) == 3 and text.isascii() and text.isdigit()


code: Check[str] = Check("three digits, such as 550", _when(_is_code, str))
"""A reply code."""

host: Check[str] = Check(
    "an IPv4 address, such as 10.0.0.1",
    _when(lambda value: isinstance(value, str), lambda value: str(ipaddress.IPv4Address(value))),
)
"""An IPv4 address: the reply to PASV can hold no other."""


def _read_encoding(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise ValueError from None
    return value


encoding: Check[str] = Check("an encoding of Python's, such as 'utf-8' or 'latin-1'", _read_encoding)
"""The name of an encoding of Python."""


def is_utf8(name: str) -> bool:
    """Return whether the name of an encoding means UTF-8."""
    return codecs.lookup(name).name == "utf-8"


# Objects.

anything: Check[Any] = Check("anything", _same)
"""Any value; the code that uses it checks it, because it depends on other values."""


def instance_of(wanted: str, *kinds: type) -> Check[Any]:
    """Return the check for an object of one of these classes."""
    return Check(wanted, _when(lambda value: isinstance(value, kinds), _same))


def function(wanted: str) -> Check[Any]:
    """Return the check for a callable."""
    return Check(wanted, _when(callable, _same))


def list_of(what: str, example: str) -> Check[list[str]]:
    """Return the check for texts in any iterable; a single text is invalid, because it would be a list of letters."""

    def read(value: Iterable[str]) -> list[str]:
        found = [] if isinstance(value, str) else list(value)
        if isinstance(value, str) or not all(isinstance(one, str) for one in found):
            raise ValueError
        return found

    return Check(f"a list of {what}, such as {example}", read)


# Unknown names.


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return the known names that are most similar to this one, the nearest first; empty when none is similar."""
    return difflib.get_close_matches(name, list(known), most, 0.6 if most == 1 else 0.5)


def suggest(name: str, known: Iterable[str], otherwise: str | None = None, most: int = 1) -> str:
    """Return what to write in place of an unknown name.

    Args:
        name: The unknown name.
        known: All valid names.
        otherwise: The text when no name is similar; None to list all names.
        most: The largest number of similar names in the text.
    """
    names = list(known)
    near = nearest(name, names, most)
    if len(near) == 1:
        return f"did you mean {near[0]!r}?"
    if near:
        return f"did you mean one of {', '.join(sorted(near))}?"
    return otherwise or f"use one of {', '.join(names)}"
