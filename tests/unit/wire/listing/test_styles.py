"""What a server writes in a style is read back: months, owners, links and fractions of seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyleName, lines_of
from tests.support.rows import table

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()
DAY = 86_400
WITH_OWNERS: tuple[ListStyleName, ...] = (
    "unix",
    "full-iso",
    "unix-de",
    "unix-fr",
    "unix-ru",
    "netware",
    "os400",
    "vms",
    "pds",
)
WITH_LINKS: tuple[ListStyleName, ...] = ("unix", "full-iso", "unix-de", "unix-fr", "unix-ru", "os400")


@pytest.mark.parametrize("style", [style for style in LIST_STYLES if style != "mvs"])  # it has the date of the last use
def test_dates_of_two_years(style: ListStyleName) -> None:
    """Every month, with the hour and with the year."""
    entries = [Entry(f"X{week}", "file", 1, NOW - week * 7 * DAY) for week in range(104)]
    found = read_listing(lines_of(style, entries, now=NOW, timezone=UTC), now=NOW).entries
    assert [round((entry.modify or 0) // DAY) for entry in found] == [
        round((entry.modify or 0) // DAY) for entry in entries
    ]


@table("owner", ["ann", "José", "sales_1", "a b", "ünïcödé", "x" * 30, "ann]"])
def test_owners(owner: str) -> None:
    """An owner that a system cannot have costs no entry."""
    for style in WITH_OWNERS:
        (entry,) = read_listing(
            lines_of(style, [Entry("A.TXT", "file", 1, NOW, owner=owner)], now=NOW, timezone=UTC), now=NOW
        ).entries
        assert entry.name.startswith("A.TXT"), style
        assert entry.owner, style


@pytest.mark.parametrize("style", WITH_LINKS)
def test_links(style: ListStyleName) -> None:
    """They are links, where a system shows them."""
    lines = lines_of(style, [Entry("A", "link", 1, NOW, target="/b")], now=NOW, timezone=UTC)
    (entry,) = read_listing(lines, now=NOW).entries
    assert (entry.name, entry.type) == ("A", "link")


@table(("second", "shown"), [(0.25, "00.250000000"), (1 - 2**-40, "00.999999999"), (59.0, "59.000000000")])
def test_fractions(second: float, shown: str) -> None:
    """A fraction is cut and never rounded up."""
    entry = Entry("a", "file", 1, 60.0 + second if second >= 1 else second)
    (line,) = lines_of("full-iso", [entry], now=NOW, timezone=UTC)
    assert f":{shown} +0000 a" in line
