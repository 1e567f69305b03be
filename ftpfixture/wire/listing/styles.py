"""The styles of LIST that a server can write.

One rule: a style is a name and a function; its format is in the module of that name.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import partial
from typing import Literal, Protocol

from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.eplf import eplf_line
from ftpfixture.wire.listing.months import months_in
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.os400 import os400_line
from ftpfixture.wire.listing.small_systems import os2_line, vxworks_line
from ftpfixture.wire.listing.unix import full_iso_line, localized_line, netware_line, unix_line

__all__ = ["LIST_STYLES", "ListStyle", "ListStyleName"]


class ListStyle(Protocol):
    """Renders the line of one entry in LIST."""

    def __call__(self, entry: Entry, *, now: float, timezone: tzinfo) -> str:
        """Return the line, without its end."""


ListStyleName = Literal[
    "unix", "msdos", "msdos4", "eplf", "full-iso", "unix-de", "unix-fr", "unix-ru", "netware", "os2", "os400", "vxworks"
]
"""A style of LIST, a key of `LIST_STYLES`."""

LIST_STYLES: dict[ListStyleName, ListStyle] = {
    "unix": unix_line,
    "msdos": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone),
    "msdos4": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone, four_digit_year=True),
    "eplf": lambda entry, *, now, timezone: eplf_line(entry),
    "full-iso": lambda entry, *, now, timezone: full_iso_line(entry, timezone=timezone),
    "unix-de": partial(localized_line, months=[month.title() for month in months_in("de")]),
    "unix-fr": partial(localized_line, months=months_in("fr")),
    "unix-ru": partial(localized_line, months=months_in("ru")),
    "netware": netware_line,
    "os2": lambda entry, *, now, timezone: os2_line(entry, timezone=timezone),
    "os400": lambda entry, *, now, timezone: os400_line(entry, timezone=timezone),
    "vxworks": lambda entry, *, now, timezone: vxworks_line(entry, timezone=timezone),
}
