"""Values as words of the text form, and back.

One rule: what is written here is read here as the same value.
"""

from __future__ import annotations

import ast
import re
import warnings

from ftpfixture.errors import ConfigurationError

__all__ = ["QUOTED", "read_text", "read_value", "write_value"]

QUOTED = r"[bB]?\"(?:[^\"\\]|\\.)*\"|[bB]?'(?:[^'\\]|\\.)*'"
"""A regular expression for text or octets in quotes."""

_BARE = re.compile(r"[A-Za-z0-9_*?/.,+-][A-Za-z0-9_*?/.,+\[\]{}-]*")
_OPENING_QUOTE = re.compile(r"[bB]?[\"']")
# A number that begins with 0 is text, as it is most likely a code; so are inf, nan and digits of other scripts.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,999})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=e))(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)%")
_CONSTANTS = {"none": None, "true": True, "false": False}


def read_value(text: str) -> object:
    """What a word stands for; text when it is nothing else.

    Raises:
        ConfigurationError: Its quotes do not fit together.
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
    """What a word stands for where only text can stand: itself, but for quotes.

    Raises:
        ConfigurationError: Its quotes do not fit together.
    """
    return str(_read_literal(text)) if text[:1] in ("'", '"') else text


def _read_literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backslash that means nothing is one
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise ConfigurationError("what begins with a quote ends with the same quote") from None


def write_value(value: object) -> str:
    """A word that stands for a value: bare where that is not misread."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and read_value(value) == value else repr(value)
    return repr(list(value) if isinstance(value, tuple) else value)
