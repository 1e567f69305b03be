"""Numbers and texts that the protocol fixes, or that clients use by default.

One rule: plain values only, so that every module may import them.
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_ACCOUNT",
    "DEFAULT_PASSWORD",
    "DEFAULT_PORT",
    "DEFAULT_USER",
    "END_OF_LINE",
    "HALF_OF_YEAR_IN_SECONDS",
    "TWO_YEARS_IN_SECONDS",
]

END_OF_LINE = "\r\n"
"""Ends every line of a control connection (RFC 959 5.3, RFC 854)."""

DEFAULT_PORT = 21
"""Port on which FTP servers listen for control connections (RFC 959 8)."""

DEFAULT_USER = "anonymous"
"""Default user name of a client (RFC 1635)."""

DEFAULT_PASSWORD = "anon@"
"""Password of an anonymous client: an address without a domain."""

DEFAULT_ACCOUNT = ""
"""Account that a client sends when a server asks for one (ACCT)."""

HALF_OF_YEAR_IN_SECONDS = 15778476
"""Half of 365.2425 days: listings show the time of younger files, and the year of older ones."""

TWO_YEARS_IN_SECONDS = 63115200.0
"""Half of the four years from one leap day to the next, of 365.25 days each."""
