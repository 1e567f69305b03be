"""Path names in the text of a 257 reply: in quotes, with quotes inside the name doubled.

One rule: parsing is the inverse of quoting, whatever the name.
"""

from __future__ import annotations

import re

from ftpfixture.errors import ReplySyntaxError

__all__ = ["parse_257", "quote_257"]

# Possessive: a pair of quotes that matched is never split again, so an unterminated name is not read as a shorter one.
_QUOTED = re.compile(r'[^"]*+"((?:[^"]|"")*+)"')


def quote_257(path: str) -> str:
    """Return the path in quotes, its own quotes doubled.

    Source: RFC 959 Appendix II.
    """
    return '"' + path.replace('"', '""') + '"'


def parse_257(text: str) -> str:
    """Find the path in the text of a 257 reply: from the first quote up to the next one that is not doubled.

    Raises:
        ReplySyntaxError: There is no quote, or the last one is missing.

    Source: RFC 959 Appendix II.
    """
    match = _QUOTED.match(text)
    if match is None:
        raise ReplySyntaxError(f"a 257 reply holds a path in quotes: {text!r}")
    return match[1].replace('""', '"')
