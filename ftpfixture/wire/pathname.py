"""Path names: in the arguments of commands, and in the text of a 257 reply, in quotes, with quotes inside doubled.

One rule: parsing is the inverse of quoting, whatever the name.
"""

from __future__ import annotations

import re

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["parse_257", "path_in", "quote_257"]

_CURRENT = frozenset({"LIST", "NLST", "MLSD", "MLST", "AVBL"})
"""Verbs for which no argument means the current directory (RFC 959 4.1.3, RFC 3659 7)."""

_FLAGGED = frozenset({"LIST", "NLST", "STAT"})
"""Verbs that take flags as of `ls` in front of the path; de facto."""

_BEHIND = {
    **dict.fromkeys(("CWD", "XCWD", "RETR", "STOR", "APPE", "LIST", "NLST", "MLSD", "MLST", "STAT", "SMNT"), 0),
    **dict.fromkeys(("MKD", "XMKD", "RMD", "XRMD", "RMDA", "DELE", "RNFR", "RNTO", "SIZE", "MDTM", "STOU"), 0),
    **dict.fromkeys(("AVBL", "DSIZ", "HASH", "MD5"), 0),
    **dict.fromkeys(("XCRC", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512"), 0),
    **dict.fromkeys(("MFMT", "MFCT", "MFF", "PRET"), 1),
    **dict.fromkeys(("SITE MKDIR", "SITE RMDIR", "SITE CPFR", "SITE CPTO"), 1),
    **dict.fromkeys(("SITE CHMOD", "SITE CHGRP", "SITE CHOWN"), 2),
}
"""Verb, or verb and first word of its argument, to the number of words in front of the path."""


def path_in(verb: str, argument: str) -> str | None:
    """Return the path name in the argument of a command, as sent; None when it has none.

    A command that no RFC knows is taken to have a path as its whole argument.

    Args:
        verb: Upper case.
        argument: As sent.
    """
    words = _BEHIND.get(verb)
    if words is None:
        words = _BEHIND.get(f"{verb} {argument.partition(' ')[0].upper()}")
    if words is None:
        return argument if argument and verb not in LEGAL_REPLIES else None
    path = argument
    for _ in range(words):
        path = path.partition(" ")[2]
    while verb in _FLAGGED and path.startswith("-"):
        path = path.partition(" ")[2]
    return path if path or verb in _CURRENT else None


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
