"""The styles of LIST that a server can write.

One rule: a style is a name and a function; its format is in the module of that name.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Literal, Protocol

from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.eplf import eplf_line
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.unix import unix_line

__all__ = ["LIST_STYLES", "ListStyle", "ListStyleName"]


class ListStyle(Protocol):
    """Renders the line of one entry in LIST."""

    def __call__(self, entry: Entry, *, now: float, timezone: tzinfo) -> str:
        """Return the line, without its end."""


ListStyleName = Literal["unix", "msdos", "msdos4", "eplf"]
"""A style of LIST, a key of `LIST_STYLES`."""

LIST_STYLES: dict[ListStyleName, ListStyle] = {
    "unix": unix_line,
    "msdos": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone),
    "msdos4": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone, four_digit_year=True),
    "eplf": lambda entry, *, now, timezone: eplf_line(entry),
}
