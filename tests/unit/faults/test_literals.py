"""Values in the text form: what is written is read back as the same value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.literals import read_text, read_value, write_value
from tests.support.faults import texts
from tests.support.rows import table

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.binary()


@given(values | texts | st.lists(texts))
def test_what_is_written_is_read(value: object) -> None:
    """Every kind of value that words take is read back as the same value of the same type."""
    again = read_value(write_value(value))

    assert again == value
    assert type(again) is type(value)


@given(st.lists(texts).map(tuple))
def test_a_tuple_is_written_as_a_list(lines: tuple[str, ...]) -> None:
    """There is one form for several lines."""
    assert read_value(write_value(lines)) == list(lines)


@table(
    ("word", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("1" * 400, int("1" * 400)),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("50%", 0.5),
        ("12.5%", 0.125),
        (".5%", 0.005),
        ("none", None),
        ("True", True),
        ("FALSE", False),
        ("'a b'", "a b"),
        ('"a"', "a"),
        ("'\\d'", "\\d"),
        ("b'\\x00'", b"\x00"),
        ("['a', 'b']", ["a", "b"]),
        ("[]", []),
        ("[ab]*.csv", "[ab]*.csv"),
        ("[{[]}]", "[{[]}]"),
        ("[" * 500, "[" * 500),
        ("", ""),
        ("007", "007"),
        ("-", "-"),
        (".", "."),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("1.2.3%", "1.2.3%"),
        ("%", "%"),
        ("inf", "inf"),
        ("nan", "nan"),
        ("\u0663", "\u0663"),
        ("1" * 5000, "1" * 5000),
        ("it's", "it's"),
        ("b", "b"),
    ],
)
def test_values_of_words(word: str, value: object) -> None:
    """Numbers, parts, constants, text, bytes and lists are recognized; everything else is text."""
    assert read_value(word) == value
    assert type(read_value(word)) is type(value)


@table(
    ("value", "word"),
    [
        ("*.csv", "*.csv"),
        ("/in/[ab]?.csv", "/in/[ab]?.csv"),
        ("50%", "'50%'"),
        ("None", "'None'"),
        ("007", "007"),
        ("5", "'5'"),
        ("a b", "'a b'"),
        ("", "''"),
        (5, "5"),
        (None, "None"),
        (b"a", "b'a'"),
        (["a"], "['a']"),
    ],
)
def test_text_without_quotes(value: object, word: str) -> None:
    """Quotes are used only if they are needed."""
    assert write_value(value) == word


@table("word", ["'a", '"a', "'a'b", "b'a", "'''", "'\x00'", "'\\"])
def test_quotes_that_do_not_match(word: str) -> None:
    """A word that begins with a quote must end with it."""
    with pytest.raises(ConfigurationError, match="the quotes do not match"):
        read_value(word)


@table(
    ("word", "text"), [("5", "5"), ("none", "none"), ("b'a'", "b'a'"), ("['a']", "['a']"), ("'a b'", "a b"), ("", "")]
)
def test_where_only_text_is_valid(word: str, text: str) -> None:
    """A path or a user name is read unchanged, without quotes around it."""
    assert read_text(word) == text


def test_text_in_quotes_that_do_not_match() -> None:
    """Quotes around a path or a name must match, too."""
    with pytest.raises(ConfigurationError):
        read_text("'a")
