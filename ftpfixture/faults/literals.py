"""Values in the text form of faults: reading and writing.

One rule: a value that is written is read back as the same value.
"""

from __future__ import annotations

import ast
import re
import warnings

from ftpfixture.errors import ConfigurationError

__all__ = ["QUOTED", "read_text", "read_value", "write_value"]

QUOTED = r"[bB]?\"(?:[^\"\\]|\\.)*\"|[bB]?'(?:[^'\\]|\\.)*'"
"""A regular expression for text or bytes in quotes."""

_BARE = re.compile(r"[A-Za-z0-9_*?/.,+-][A-Za-z0-9_*?/.,+\[\]{}-]*")
_OPENING_QUOTE = re.compile(r"[bB]?[\"']")
# A number that begins with 0 is text, because it is probably a code; inf, nan and non-ASCII digits are text, too.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,999})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=e))(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)%")
_CONSTANTS = {"none": None, "true": True, "false": False}


def read_value(text: str) -> object:
    """Return the value of a word of the text; a word that is no other value is text.

    Raises:
        ConfigurationError: The quotes do not match.
    """
    if _OPENING_QUOTE.match(text):
        return _read_literal(text)
    if text.startswith("["):
        try:
            return _read_literal(text)
        except ConfigurationError:
            return text  # a shell pattern such as [ab]*.csv
    if (percent := _PERCENT.fullmatch(text)) is not None:
        return float(percent[1]) / 100
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read_text(text: str) -> str:
    """Return the text of a word where only text is valid: the word without its quotes.

    Raises:
        ConfigurationError: The quotes do not match.
    """
    return str(_read_literal(text)) if text[:1] in ("'", '"') else text


def _read_literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown escape keeps its backslash
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            text = "the quotes do not match: a value that begins with a quote must end with the same quote"
            raise ConfigurationError(text) from None


def write_value(value: object) -> str:
    """Return the word for a value, without quotes if it is read back as the same value."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and read_value(value) == value else repr(value)
    return repr(list(value) if isinstance(value, tuple) else value)
