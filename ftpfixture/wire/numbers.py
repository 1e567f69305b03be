"""Decimal numbers in the arguments of commands.

One rule: a number is compared with its limit as text, because `int` accepts at most 4300 digits and raises an error of
its own for more.
"""

from __future__ import annotations

import re

from ftpfixture.errors import CommandSyntaxError

__all__ = ["LARGEST_OFFSET", "is_number", "parse_number"]

LARGEST_OFFSET = (1 << 63) - 1
"""The largest size and position of a file (off_t); no file is larger."""

# [0-9], because \d, isdigit and int() also take the digits of other scripts.
_DIGITS = re.compile(r"0*([0-9]+)")


def is_number(text: str, *, least: int = 0, most: int = LARGEST_OFFSET) -> bool:
    """Return True for a decimal number from `least` to `most`; leading zeros are allowed."""
    found = _DIGITS.fullmatch(text)
    return found is not None and len(found[1]) <= len(str(most)) and least <= int(found[1]) <= most


def parse_number(text: str, name: str, *, least: int = 0, most: int = LARGEST_OFFSET) -> int:
    """Read a decimal number, of any length; leading zeros are allowed.

    Args:
        text: Digits and nothing else.
        name: What the number is, for the text of the 501.
        least: The smallest valid number.
        most: The largest valid number.

    Raises:
        CommandSyntaxError: It is not a number, or out of its limits.
    """
    if not is_number(text, least=least, most=most):
        raise CommandSyntaxError(f"{name} is a number from {least} to {most}")
    return int(text.lstrip("0") or "0")
