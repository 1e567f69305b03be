"""Numbers of arguments: limits are checked before those of Python."""

from __future__ import annotations

import pytest

from ftpfixture.errors import CommandSyntaxError
from ftpfixture.wire.numbers import LARGEST_OFFSET, is_number, parse_number

HUGE = "9" * 5000  # more digits than int() takes


def test_numbers_within_their_limits() -> None:
    """Any number of leading zeros is ignored."""
    for text, number in [
        ("0", 0),
        ("000", 0),
        ("7", 7),
        ("007", 7),
        ("0" * 5000 + "42", 42),
        (str(LARGEST_OFFSET), LARGEST_OFFSET),
    ]:
        assert is_number(text)
        assert parse_number(text, "It") == number
    assert parse_number("9", "It", least=1, most=9) == 9


def test_everything_else_is_a_syntax_error() -> None:
    """The message has the valid range, and does not repeat thousands of digits."""
    for text in ["", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1 ", "1\n", "1_0", "٣", "²", "10", "0", HUGE, "x" + HUGE]:
        assert not is_number(text, least=1, most=9)
        with pytest.raises(CommandSyntaxError, match=r"^The level is a number from 1 to 9$"):
            parse_number(text, "The level", least=1, most=9)
    assert not is_number(str(LARGEST_OFFSET + 1))
    assert not is_number(HUGE)
