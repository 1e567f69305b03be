"""Times of MDTM and MLSx: parsed, written, and refused."""

from __future__ import annotations

import math
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import CommandSyntaxError
from ftpfixture.wire.timestamps import format_time, local_time, parse_time
from tests.support.listings import at
from tests.support.rows import table

STAMPS = [
    ("19700101000000", 0.0),
    ("20240229123456", at(2024, 2, 29, 12, 34, 56)),
    ("20000229000000", at(2000, 2, 29)),
    ("19691231235959", -1.0),
    ("00010102000000", at(1, 1, 2)),
    ("99991230235959", at(9999, 12, 30, 23, 59, 59)),
    ("20240101000000.500", at(2024, 1, 1) + 0.5),
    ("19691231235959.750", -0.25),
]


@table(("text", "timestamp"), STAMPS)
def test_times(text: str, timestamp: float) -> None:
    """Times in UTC are written and read in the same form."""
    assert format_time(timestamp) == text
    assert parse_time(text) == timestamp


@table(
    ("text", "timestamp"),
    [
        ("20161231235960", at(2017, 1, 1)),
        ("20240101000060", at(2024, 1, 1, 0, 1)),
        ("20240101000000.5", at(2024, 1, 1) + 0.5),
        ("20240101000000.000", at(2024, 1, 1)),
        ("20240101000000.1234567890123", at(2024, 1, 1) + 0.1234567890123),
        ("00010101000000", at(1, 1, 1)),
        ("99991231235960", at(9999, 12, 31, 23, 59, 59) + 1),
    ],
)
def test_times_that_are_only_read(text: str, timestamp: float) -> None:
    """Leap seconds and fractions of any length are read."""
    assert parse_time(text) == pytest.approx(timestamp, abs=1e-6)


@table(
    "text",
    [
        "",
        "now",
        "2024010100000",
        "202401010000000",
        "20240101000000.",
        "20240101000000,5",
        "20240101000000Z",
        " 20240101000000",
        "20240101000000\n",
        "-0240101000000",
        "2024010100000\N{ARABIC-INDIC DIGIT ZERO}",
        "00000101000000",
        "20240001000000",
        "20241301000000",
        "20240100000000",
        "20240132000000",
        "20240431000000",
        "20230229000000",
        "19000229000000",
        "20240101240000",
        "20240101006000",
        "20240101000061",
    ],
)
def test_texts_that_are_no_times(text: str) -> None:
    """Other texts, and days that do not exist, are refused with the text in the message."""
    with pytest.raises(CommandSyntaxError) as refusal:
        parse_time(text)
    assert repr(text) in str(refusal.value)


def test_format_time_rounds_to_milliseconds() -> None:
    """Milliseconds are rounded, up into the next second too."""
    assert format_time(0.0004) == "19700101000000"
    assert format_time(0.0016) == "19700101000000.002"
    assert format_time(0.9996) == "19700101000001"


@given(st.integers(int(at(1, 1, 2)) * 1000, int(at(9999, 12, 30)) * 1000))
def test_times_survive(milliseconds: int) -> None:
    """Every millisecond from the year 1 to 9999 survives."""
    assert round(parse_time(format_time(milliseconds / 1000)) * 1000) == milliseconds


@given(st.text() | st.from_regex(r"[0-9]{14}(\.[0-9]{1,9})?", fullmatch=True))
def test_parse_time_raises_one_error(text: str) -> None:
    """Any text is a time or a CommandSyntaxError."""
    try:
        assert math.isfinite(parse_time(text))
    except CommandSyntaxError:
        pass


def test_local_time_is_held_in_bounds() -> None:
    """No timestamp and no time zone leads out of the years 1 to 9999."""
    zones = [timezone(timedelta(hours=hours)) for hours in (-23, 23)]
    assert {local_time(stamp, zone).year for stamp in (math.inf, 1e300) for zone in zones} <= {9999}
    assert {local_time(stamp, zone).year for stamp in (-math.inf, -1e300) for zone in zones} <= {1}
