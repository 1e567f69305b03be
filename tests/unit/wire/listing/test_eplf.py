"""Lines of the easily parsed LIST format."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import (
    parse_eplf_line,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.eplf import eplf_line
from tests.support.entries import (
    any_name,
    any_size,
    any_stamp,
    any_word,
)
from tests.support.listings import EPLF_LINES, NOW
from tests.support.rows import table


def test_eplf_lines() -> None:
    """Facts are read in any order, unknown ones are kept, and the name begins after the first tab."""
    for line, entry in EPLF_LINES.items():
        for end in ("", "\r\n"):
            assert parse_eplf_line(line + end) == entry
            assert read_listing([line + end], now=NOW).entries == (entry,)


@table(
    ("line", "why"),
    [
        ("", "plus sign and a tab"),
        ("+r,s5, x", "plus sign and a tab"),
        ("r,\tx", "plus sign and a tab"),
        ("+r,\t", "it has no name"),
        ("+sx,\tx", "'sx' is not a number"),
        ("+s-1,\tx", "'s-1' is not a number"),
        ("+m1.5,\tx", "'m1.5' is not a number"),
        ("+m1234567890123,\tx", "'m1234567890123' is not a number"),
        ("+r,\tx\0", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_eplf(line: str, why: str) -> None:
    """Other lines are refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_eplf_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


@table(
    ("entry", "line"),
    [
        (Entry("a b", "file", 5, 12.9, unique="1g2"), "+i1g2,m12,s5,r,\ta b"),
        (Entry("d", "dir", 4096, -0.5), "+m-1,/,\td"),
        (Entry("d", "pdir"), "+/,\td"),
        (Entry("l", "link", 3, target="x"), "+s3,r,\tl"),
        (Entry("u", "unknown"), "+\tu"),
        (Entry("x", "file", unique="1,2"), "+r,\tx"),
        (Entry("x", "file", unique="1\t2"), "+r,\tx"),
        (Entry("x", "file", unique=""), "+r,\tx"),
    ],
)
def test_eplf_line(entry: Entry, line: str) -> None:
    """Facts have a fixed order; unknown ones, and those that would break the line, are left out."""
    assert eplf_line(entry) == line


@given(any_name, st.sampled_from(["file", "dir", "unknown"]), any_size, any_stamp, st.none() | any_word)
def test_eplf_line_survives(name: str, kind: str, size: int, modify: float, unique: str | None) -> None:
    """A line of EPLF preserves name, type, size, identity and whole seconds."""
    assume(unique is None or "," not in unique)
    entry = Entry(name, kind, None if kind == "dir" else size, modify, unique=unique)
    wanted = dataclasses.replace(entry, modify=math.floor(modify))
    assert parse_eplf_line(eplf_line(entry)) == wanted
    assert read_listing([eplf_line(entry)], now=NOW).entries == (wanted,)
