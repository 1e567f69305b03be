"""The styles of LIST that a server can write.

One rule: a style is a name and a function; its format is in the module of that name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import Literal, Protocol

from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.eplf import eplf_line
from ftpfixture.wire.listing.format import pattern
from ftpfixture.wire.listing.months import months_in
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.mvs import MVS_HEADING, PDS_HEADING, mvs_line, pds_line
from ftpfixture.wire.listing.os400 import os400_line
from ftpfixture.wire.listing.small_systems import os2_line, vxworks_line
from ftpfixture.wire.listing.unix import full_iso_line, localized_line, netware_line, unix_line
from ftpfixture.wire.listing.vms import vms_line

__all__ = ["LIST_STYLES", "ListStyle", "ListStyleName", "fitting", "heading_of", "lines_of"]


class ListStyle(Protocol):
    """Renders the line of one entry in LIST."""

    def __call__(self, entry: Entry, *, now: float, timezone: tzinfo) -> str:
        """Return the line, without its end; of OpenVMS sometimes two."""


ListStyleName = Literal[
    "unix",
    "msdos",
    "msdos4",
    "eplf",
    "full-iso",
    "unix-de",
    "unix-fr",
    "unix-ru",
    "netware",
    "os2",
    "os400",
    "vxworks",
    "vms",
    "mvs",
    "pds",
]
"""A style of LIST, a key of `LIST_STYLES`."""

LIST_STYLES: dict[ListStyleName, ListStyle] = {
    "unix": unix_line,
    "msdos": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone),
    "msdos4": lambda entry, *, now, timezone: msdos_line(entry, timezone=timezone, four_digit_year=True),
    "eplf": lambda entry, *, now, timezone: eplf_line(entry),
    "full-iso": lambda entry, *, now, timezone: full_iso_line(entry, timezone=timezone),
    "unix-de": partial(localized_line, months=[month.title() for month in months_in("de")], order="{day}. {month}"),
    "unix-fr": partial(localized_line, months=months_in("fr"), order="{day} {month}"),
    "unix-ru": partial(localized_line, months=months_in("ru")),
    "netware": netware_line,
    "os2": lambda entry, *, now, timezone: os2_line(entry, timezone=timezone),
    "os400": lambda entry, *, now, timezone: os400_line(entry, timezone=timezone),
    "vxworks": lambda entry, *, now, timezone: vxworks_line(entry, timezone=timezone),
    "vms": lambda entry, *, now, timezone: vms_line(entry, timezone=timezone),
    "mvs": lambda entry, *, now, timezone: mvs_line(entry, timezone=timezone),
    "pds": lambda entry, *, now, timezone: pds_line(entry, timezone=timezone),
}

_UNFIT = pattern(r"[^A-Z0-9]+")
_HEADINGS = {LIST_STYLES["mvs"]: MVS_HEADING, LIST_STYLES["pds"]: PDS_HEADING}


def heading_of(style: ListStyle) -> str | None:
    """The line above a listing in a style; None in most."""
    return _HEADINGS.get(style)


def fitting(style: ListStyleName, entry: Entry) -> Entry:
    """Return an entry with a name that the system of a style can have: OpenVMS and z/OS allow few letters."""
    if style not in ("vms", "mvs", "pds"):
        return entry
    base, _, suffix = entry.name.upper().partition(".")
    name = f"X{_UNFIT().sub('', base)}"
    if style != "vms":
        return replace(entry, name=name[:8])
    return replace(entry, name=name if entry.type in DIRECTORIES else f"{name}.{_UNFIT().sub('', suffix)};1")


def lines_of(style: ListStyleName, entries: Iterable[Entry], *, now: float, timezone: tzinfo) -> list[str]:
    """Return a listing in a style: the heading, and the lines of the entries."""
    write = LIST_STYLES[style]
    heading = heading_of(write)
    lines = [] if heading is None else [heading]
    for entry in entries:
        lines += write(entry, now=now, timezone=timezone).split("\r\n")
    return lines
