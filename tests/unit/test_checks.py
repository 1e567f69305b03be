"""Checks of parameters: they return the value, or raise an error that begins with the name of the parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from tests.support.rows import table

HUGE = 10**400


@table(
    ("check", "value", "checked"),
    [
        (checks.whole, 0, 0),
        (checks.whole, HUGE, HUGE),
        (lambda name, value: checks.whole(name, value, None), -5, -5),
        (lambda name, value: checks.whole(name, value, 1), 1, 1),
        (checks.seconds, 0, 0),
        (checks.seconds, 1.5, 1.5),
        (checks.part, 0, 0),
        (checks.part, 1.0, 1.0),
        (checks.number, -1.5, -1.5),
        (checks.number, HUGE, HUGE),
        (lambda name, value: checks.number(name, value, above=0), 0.1, 0.1),
        (checks.truth, False, False),
        (lambda name, value: checks.one_of(name, value, ["a", "b"]), "b", "b"),
        (checks.line, "", ""),
        (checks.lines, "a\nb", ("a", "b")),
        (checks.lines, ["a", "b"], ("a", "b")),
        (checks.lines, (), ()),
        (checks.byte_string, b"", b""),
        (checks.code, 550, "550"),
        (checks.code, "042", "042"),
        (checks.host, "10.0.0.1", "10.0.0.1"),
        (checks.encoding, "utf-8", "utf-8"),
        (checks.whole_number().or_none("no limit"), None, None),
        (checks.whole_number().or_none("no limit"), 5, 5),
        (checks.number_of("bytes per second"), 0.5, 0.5),
    ],
)
def test_valid_values_are_returned(check: Callable[[str, Any], object], value: object, checked: object) -> None:
    """A valid value is returned in its stored form."""
    assert check("it", value) == checked


@table(
    ("check", "wanted", "values"),
    [
        (checks.whole, "a whole number, 0 or more", [-1, 1.0, "1", True, None]),
        (lambda name, value: checks.whole(name, value, None), "a whole number", [1.0, "1", False]),
        (lambda name, value: checks.whole(name, value, 1), "a whole number, 1 or more", [0]),
        (checks.seconds, "a number of seconds, 0 or more", [-1, math.inf, math.nan, "1", True, None]),
        (checks.part, "a number from 0 to 1, or 0% to 100% in text", [-0.1, 1.1, math.nan, "1", True, HUGE]),
        (checks.number, "a number", [math.inf, -math.inf, math.nan, "1", True]),
        (lambda name, value: checks.number(name, value, above=0), "a number, more than 0", [0, -1]),
        (checks.truth, "True or False", [0, 1, "yes", None]),
        (lambda name, value: checks.one_of(name, value, ["a", "b"]), "one of a, b", ["c", 1, ["a"], None]),
        (checks.line, "text", [1, b"a", ["a"], None]),
        (checks.lines, "text, or a list of lines", [1, b"a", ["a", 1], {"a"}, None]),
        (checks.byte_string, "bytes, such as b'226 Done\\r\\n'", ["a", 1, None, bytearray(b"a")]),
        (checks.code, "three digits, such as 550", [55, 5500, "55x", "\u0665\u0665\u0660", True, 5.5, b"550", None]),
        (checks.host, "an IPv4 address, such as 10.0.0.1", ["::1", "localhost", "10.0.0", 5, None]),
        (
            checks.encoding,
            "an encoding of Python's, such as 'utf-8' or 'latin-1'",
            ["utf-9", "", "a\0b", b"utf-8", 8, None],
        ),
        (checks.whole_number(1).or_none(), "a whole number, 1 or more, or None", [0, "1", False]),
        (
            checks.whole_number(of="connections").or_none("no limit"),
            "a whole number of connections, 0 or more, or None for no limit",
            [-1, 1.5],
        ),
        (checks.number_of("bytes per second", 1), "a number of bytes per second, 1 or more", [0.5, None, math.inf]),
    ],
)
def test_wrong_values_raise(check: Callable[[str, Any], object], wanted: str, values: list[object]) -> None:
    """The error has the parameter, its valid values, and the wrong value."""
    for value in values:
        with pytest.raises(ConfigurationError) as caught:
            check("it", value)
        assert str(caught.value) == f"it takes {wanted}, not {value!r}"


@table(
    ("name", "most", "otherwise", "hint"),
    [
        ("fils", 1, None, "did you mean 'files'?"),
        ("fils", 3, None, "did you mean one of file, files?"),
        ("xyzzy", 1, None, "use one of files, file, port"),
        ("xyzzy", 1, "see the table", "see the table"),
        ("xyzzy", 3, None, "use one of files, file, port"),
        ("", 1, None, "use one of files, file, port"),
        ("FILES", 1, "see the table", "see the table"),
    ],
)
def test_suggestions_for_an_unknown_name(name: str, most: int, otherwise: str | None, hint: str) -> None:
    """The suggestion has the nearest known names; without one, all names or the text of the caller."""
    assert checks.suggest(name, iter(["files", "file", "port"]), otherwise, most) == hint


def test_utf8_has_many_names() -> None:
    """All names of UTF-8 in Python are recognized."""
    names = ("utf-8", "UTF8", "U8", "latin-1", "utf-16", "utf-8-sig")
    assert [name for name in names if checks.is_utf8(name)] == ["utf-8", "UTF8", "U8"]
