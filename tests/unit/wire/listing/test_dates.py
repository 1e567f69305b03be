"""Dates in listings, in any order and language."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import parse_ls_date
from tests.support.listings import NOW, at
from tests.support.rows import table


@table(
    ("text", "now", "moment"),
    [
        ("Dec 31 23:59", at(2024, 1, 1), at(2023, 12, 31, 23, 59)),
        ("Jan  1 00:01", at(2023, 12, 31, 1), at(2024, 1, 1, 0, 1)),
        ("Jan  1 00:01", at(2023, 6, 1), at(2023, 1, 1, 0, 1)),
        ("Dec 15 00:00", at(2024, 6, 14), at(2023, 12, 15)),
        ("Dec 12 00:00", at(2024, 6, 14), at(2023, 12, 12)),
        ("Feb 29 12:00", at(2024, 8, 1), at(2024, 2, 29, 12)),
        ("Feb 29 12:00", at(2025, 8, 1), at(2024, 2, 29, 12)),
        ("Feb 29 12:00", at(2026, 8, 1), at(2024, 2, 29, 12)),
        ("Feb 29 12:00", at(2099, 1, 1), at(2096, 2, 29, 12)),
        ("Feb 29 12:00", at(2101, 1, 1), at(2096, 2, 29, 12)),
        ("Feb 29 00:30", at(2024, 2, 28, 23), at(2024, 2, 29, 0, 30)),
        ("May 28 18:29", at(2026, 11, 30, 12), at(2026, 5, 28, 18, 29)),
        ("Jan 02 18:29", at(2026, 11, 30, 12), at(2026, 1, 2, 18, 29)),
        ("Dec 01 11:59", at(2026, 11, 30, 12), at(2026, 12, 1, 11, 59)),
        ("Dec 01 12:01", at(2026, 11, 30, 12), at(2025, 12, 1, 12, 1)),
        ("29 feb 12:00", at(2024, 8, 1), at(2024, 2, 29, 12)),
        ("02-29 12:00", at(2024, 8, 1), at(2024, 2, 29, 12)),
        ("JAN 5 2020", NOW, at(2020, 1, 5)),
        ("5 Jan 2020", NOW, at(2020, 1, 5)),
        ("2020-01-05 1:02", NOW, at(2020, 1, 5, 1, 2)),
    ],
)
def test_dates(text: str, now: float, moment: float) -> None:
    """A missing year is the last one that puts the date at most a day after now; for 29 February it is a leap year."""
    assert parse_ls_date(text, now=now) == moment


def test_dates_have_a_time_zone() -> None:
    """The date is local to the given time zone, and so is the nearest year."""
    zone = timezone(timedelta(hours=-5))
    assert parse_ls_date("Jan  1 00:00", now=at(2024, 1, 1, 2), timezone=zone) == at(2024, 1, 1, 5)
    assert parse_ls_date("Jan  1  2000", now=NOW, timezone=zone) == at(2000, 1, 1, 5)


@table("text", ["", "Jan", "Jan 1", "Jan 1 12", "Jum 1 2020", "Jan 32 2020", "13-01 12:00", "1-1 12:00"])
def test_texts_that_are_no_dates(text: str) -> None:
    """Dates that have another form or do not exist are refused with the text in the message."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_ls_date(text, now=NOW)
    assert repr(text) in str(refusal.value)
