"""Lines of IIS and DIR, and whole listings of them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import (
    parse_msdos_line,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.msdos import msdos_line
from tests.support.entries import (
    any_name,
    any_size,
    any_zone,
    cut,
)
from tests.support.listings import LISTINGS, MSDOS_LINES, NOW, at, listed
from tests.support.rows import table


def test_msdos_lines() -> None:
    """Date, size or mark, and the name with all its spaces are read."""
    for line, entry in MSDOS_LINES.items():
        for end in ("", "\r\n", "\r\r\n"):
            assert parse_msdos_line(line + end) == entry
            assert read_listing([line + end], now=NOW).entries == (entry,)


@table(
    ("line", "why"),
    [
        ("", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>x", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>          ", "it has no name"),
        ("02-03-24  04:05PM       <FOO>          x", "<FOO> is unknown"),
        ("02-03-24  04:05PM          5", "needs date, time, size and name"),
        ("02-03-24  04:05PM          123456789012345678901 x", "its size is too long"),
        ("02-03/24  04:05PM          5 x", "needs date, time, size and name"),
        ("02-03-024  04:05PM          5 x", "needs date, time, size and name"),
        ("13-13-24  04:05PM          5 x", "there is no date '13-13-24  04:05PM'"),
        ("02-30-24  04:05PM          5 x", "there is no date"),
        ("02-03-0000  04:05PM          5 x", "there is no date"),
        ("02-03-24  13:05PM          5 x", "there is no date"),
        ("02-03-24  24:05          5 x", "there is no date"),
    ],
)
def test_lines_that_are_not_msdos(line: str, why: str) -> None:
    """Other lines are refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_msdos_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


def test_msdos_lines_have_a_time_zone() -> None:
    """The date is local to the given time zone."""
    zone = timezone(timedelta(hours=9))
    assert parse_msdos_line("01-01-24  09:00AM    5 x", timezone=zone).modify == at(2024, 1, 1)


# Whole listings.


def test_padding_is_not_part_of_names() -> None:
    """Names begin in the column of the leftmost name; further spaces belong to the name."""
    for lines, names in {
        (" 7/26/2018   1:11 PM           189  win10.sh",): ["win10.sh"],
        (
            " 7/26/2018   1:11 PM           189  win10.sh",
            "12/26/2018  11:11 AM       1892345   lead.sh",
            " 7/26/2018   1:11 PM    <DIR>        sub dir",
        ): ["win10.sh", " lead.sh", " sub dir"],
        ("1/2/2018 1:11 PM 5  a", "1/2/2018 1:11 PM 1234   b"): ["a", " b"],
        ("1/2/2018 1:11 PM 5 a", "1/2/2018 1:11 PM 1234  b"): ["a", " b"],
        ("02-03-24  04:05PM                    5  a",): [" a"],  # the columns of IIS
        ("02-03-24  04:05PM                    5   ",): ["  "],
        ("02-03-2024  04:05PM                    5  a",): [" a"],
        ("02/03/2024  04:05 PM                 5  a",): [" a"],  # the columns of DIR
        ("26/07/2018  13:11                 5  a",): [" a"],
        ("11-02-18  14:12                    5  a",): [" a"],  # the columns of Windows CE
        ("11-02-18  14:12       <DIR>           a",): [" a"],
    }.items():
        assert [name for name, *_ in listed(lines, NOW)] == names, lines


def test_orders_of_dates() -> None:
    """The order that puts every date into the past is that of the listing; IIS has the month first."""
    for dates, days in {
        ("02/03/2018",): [at(2018, 2, 3)],
        ("02/03/2018", "26/07/2018"): [at(2018, 3, 2), at(2018, 7, 26)],
        ("02/03/2018", "07/26/2018"): [at(2018, 2, 3), at(2018, 7, 26)],
        ("02-03-18", "26-07-18"): [at(2018, 3, 2), at(2018, 7, 26)],
        ("10/06/2024",): [at(2024, 6, 10)],  # October is in the future
        ("10-06-24",): [at(2024, 10, 6)],  # but IIS has the month first
        ("26.07.2018",): [at(2018, 7, 26)],
        ("02.03.18",): [at(2018, 3, 2)],
        ("2018/07/26",): [at(2018, 7, 26)],
        ("2018-07-26", "2018-02-03"): [at(2018, 7, 26), at(2018, 2, 3)],
    }.items():
        lines = [f"{date}  00:00       5 {number}" for number, date in enumerate(dates)]
        assert [modify for *_, modify in listed(lines, NOW)] == days, dates


def test_the_month_comes_first_in_a_single_line() -> None:
    """Without other lines and without a clock the month comes first, unless that month does not exist."""
    for date, day in {"02/01/70": at(1970, 2, 1), "02/03/99": at(1999, 2, 3), "26/07/18": at(2018, 7, 26)}.items():
        assert parse_msdos_line(f"{date}  00:00  5 x").modify == day, date


def test_dates_that_contradict_each_other() -> None:
    """Where no order fits all lines, the lines of the most frequent order are read."""
    dates = ("26/07/2018", "07/26/2018", "25/07/2018")
    reading = read_listing([f"{date}  00:00       5 {date[:2]}" for date in dates], now=NOW)
    assert [entry.name for entry in reading.entries] == ["26", "25"]
    assert [line.reason for line in reading.unread] == ["there is no date '07/26/2018  00:00'"]


def test_other_times_and_sizes() -> None:
    """Seconds, a.m. and p.m. with dots, separators of thousands, and directories in French are read."""
    for line, entry in {
        "2002-09-02  18:48       <DIR>          longyear": ("longyear", "dir", None, at(2002, 9, 2, 18, 48)),
        "2002-09-02  18:48                9730 longyear.html": ("longyear.html", "file", 9730, at(2002, 9, 2, 18, 48)),
        "02/03/2024  04:05:06 PM     5 x": ("x", "file", 5, at(2024, 2, 3, 16, 5, 6)),
        "02/03/2024  04:05 p.m.     5 x": ("x", "file", 5, at(2024, 2, 3, 16, 5)),
        "26.07.2018  13:11             1.204 x": ("x", "file", 1204, at(2018, 7, 26, 13, 11)),
        "26/07/2018  13:11             1\u00a0204 x": ("x", "file", 1204, at(2018, 7, 26, 13, 11)),
        "26/07/2018  13:11    <REP>          x": ("x", "dir", None, at(2018, 7, 26, 13, 11)),
        "03/05/13 12:00 AM       <DIR>          x": ("x", "dir", None, at(2013, 3, 5)),
        "11-02-18  14:12       <DIR>          images": ("images", "dir", None, at(2018, 11, 2, 14, 12)),
    }.items():
        assert listed([line], NOW) == [entry], line


def test_dir() -> None:
    """Headings and totals of DIR are no entries."""
    reading = read_listing(LISTINGS["DIR"], now=NOW)
    assert [(entry.name, entry.size) for entry in reading.entries] == [("sub dir", None), ("a b.txt", 1204)]
    assert reading.unread == ()


def test_msdos_line() -> None:
    """Files have a size and directories a mark, and the names are in one column."""
    assert msdos_line(Entry("a.txt", "file", 5, at(2024, 6, 1, 9, 5))) == "06-01-24  09:05AM                    5 a.txt"
    assert msdos_line(Entry("sub", "dir", 5, at(2024, 6, 1, 9, 5))) == "06-01-24  09:05AM       <DIR>          sub"


@table(
    ("hour", "clock"),
    [(0, "12:30AM"), (1, "01:30AM"), (11, "11:30AM"), (12, "12:30PM"), (13, "01:30PM"), (23, "11:30PM")],
)
def test_msdos_line_clock(hour: int, clock: str) -> None:
    """Midnight is 12 AM and noon is 12 PM."""
    assert msdos_line(Entry("x", "file", modify=at(2009, 12, 31, hour, 30))).startswith(f"12-31-09  {clock} ")


def test_msdos_line_years_and_zone() -> None:
    """Years may have four digits, and the date is that of the given time zone."""
    entry = Entry("x", "file", modify=at(1999, 12, 31, 23, 0))
    zone = timezone(timedelta(hours=2))
    assert msdos_line(entry, timezone=zone, four_digit_year=True).startswith("01-01-2000  01:00AM ")
    assert msdos_line(entry, timezone=zone).startswith("01-01-00  01:00AM ")


@given(any_name, st.sampled_from(["file", "dir"]), any_size, st.floats(at(1970, 1, 2), at(2069, 12, 30)), any_zone)
def test_msdos_line_survives(name: str, kind: str, size: int, modify: float, zone: timezone) -> None:
    """A line of IIS preserves name, type, size and minute, with both kinds of years."""
    entry = Entry(name, kind, size if kind == "file" else None, modify)
    for four in (False, True):
        line = msdos_line(entry, timezone=zone, four_digit_year=four)
        wanted = dataclasses.replace(entry, modify=cut(modify, zone))
        assert parse_msdos_line(line, timezone=zone) == wanted
        assert read_listing([line], now=NOW, timezone=zone).entries == (wanted,)
