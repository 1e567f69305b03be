"""Whole listings: entries, headings and unread lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import (
    parse_eplf_line,
    parse_ls_date,
    parse_msdos_line,
    parse_unix_line,
    parse_unix_mode,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.msdos import msdos_line
from tests.support.listings import EPLF_LINES, MLSX_LINES, MSDOS_LINES, NOW, UNIX_LINES, parse_mlsx_line
from tests.support.rows import table


def test_unread_lines_have_a_reason() -> None:
    """Each line is an entry, a heading, or unread with a reason; the order is that of the lines."""
    good = "-rw-r--r-- 1 a b 5 Jun  1 09:00 x"
    bad = {
        "hello world": "it has no known form",
        " x": "it has no known form",
        "-rw-r--r--": "it has no known form",
        "-rw-r--r-- 1 a b 5": "as an entry of a Unix listing, no size, date and name follow the mode",
        "-rw-r--r-- 1 a b 5 Jun 31 09:00 x": "there is no date 'Jun 31 09:00'",
        "ls: x: Permission denied": "it has no known form",
        "a\rb": "it holds CR, LF or NUL",
    }
    reading = read_listing(["total 3", "", good, *bad, "\r\n", good.replace("x", "y")], now=NOW)
    assert [entry.name for entry in reading.entries] == ["x", "y"]
    assert {line.line: line.reason for line in reading.unread} == bad
    assert reading.headings == ("total 3", "", "")


def test_ends_of_lines() -> None:
    """CR CR LF ends lines where all but the last, which may be cut off, have it; elsewhere a CR belongs to the name."""
    a, b, c = ("-rw-r--r-- 1 a b 5 Jun  1 09:00 " + name for name in "abc")
    for text, names, unread in (
        (f"{a}\r\n{b}\r\n{c}", ["a", "b", "c"], []),
        (f"{a}\n{b}\r\n{c}\n", ["a", "b", "c"], []),
        (f"{a}\r\r\n{b}\r\r\n{c}\r\r\n", ["a", "b", "c"], []),
        (f"total 3\r\n{a}\r\r\n{b}\r\r\n\r\n{c}", ["a", "b", "c"], []),
        (f"{a}\r\r\n{b}\r\r\n{c}\r", ["a", "b", "c"], []),
        (f"{a}\r\r\r\n{b}\r\r\r\n", ["a", "b"], []),
        (f"{a}\r\r\n", ["a"], []),
        (f"{a}\r\n{b}\r\r\n{c}\r\n", ["a", "c"], [f"{b}\r"]),
        (f"{a}\r\n{b}\r\n{c}\r\r\n", ["a", "b"], [f"{c}\r"]),
    ):
        reading = read_listing(text.splitlines(keepends=True) if "\r\r" not in text else text.split("\n"), now=NOW)
        assert [entry.name for entry in reading.entries] == names, text
        assert [line.line for line in reading.unread] == unread, text


def test_formats_side_by_side() -> None:
    """Lines of each format are read together, and all entries stay in order."""
    lines = [next(iter(table)) for table in (UNIX_LINES, MSDOS_LINES, EPLF_LINES, MLSX_LINES)]
    reading = read_listing([*lines, *reversed(lines)], now=NOW)
    names = ["report.csv", "inetpub", "notes.html", "notes.html"]
    assert [entry.name for entry in reading.entries] == [*names, *reversed(names)]
    assert (reading.unread, reading.headings) == ((), ())


PARSERS: list[Callable[[str], object]] = [
    lambda line: parse_unix_line(line, now=NOW),
    parse_msdos_line,
    parse_eplf_line,
    parse_mlsx_line,
    parse_unix_mode,
    lambda line: read_listing([line], now=NOW),
    lambda line: parse_ls_date(line, now=NOW),
]
GOOD = [
    *UNIX_LINES,
    *MSDOS_LINES,
    *EPLF_LINES,
    *MLSX_LINES,
    msdos_line(Entry("x", "dir")),
    mlsx_line(Entry("x", "link", target="y"), MLSX_FACTS),
    "Jan 31 12:30",
    "2024-01-31 12:30",
    "rwxr-xr-x",
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return a line of a listing with a piece of it replaced."""
    line = draw(st.sampled_from(GOOD))
    first, last = sorted((draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))))
    piece = draw(st.text(max_size=4) | st.sampled_from(["9" * 5000, "0", " ", "  ", "-", ";", "=", "\u0663"]))
    return line[:first] + piece + line[last:]


@pytest.mark.parametrize("parse", PARSERS)
@given(line=st.text() | damaged())
def test_parsers_raise_one_error(parse: Callable[[str], object], line: str) -> None:
    """Any text is read or refused with a ReplySyntaxError, never anything else."""
    try:
        parse(line)
    except ReplySyntaxError:
        pass


@given(damaged(), st.sampled_from([1.0, 1e300, -1e300]))
def test_any_clock_is_accepted(line: str, now: float) -> None:
    """A clock that is far off moves dates without a year, and raises nothing."""
    read_listing([line], now=now, timezone=timezone(timedelta(hours=-14)))


@table("filler", [" ", "1 ", "a ", "5 Jan 1 12:00 ", "a=b;", ","])
def test_long_lines_are_read_in_time(filler: str) -> None:
    """A line of many kilobytes is read within the time limit of a test."""
    long = filler * (20_000 // len(filler))
    for line in (f"-rw-r--r-- {long}", f"-rw-r--r-- 1 a b 5 {long}", f"02-03-24  04:05PM {long}", f"+{long}", long):
        assert not read_listing([f"{line}\0"], now=NOW).entries
        read_listing([line], now=NOW)
