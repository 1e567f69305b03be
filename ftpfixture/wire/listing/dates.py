"""Dates as listings have them.

One rule: a date that does not say its year is never more than a day in the future.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.entry import MONTHS, local_time

__all__ = ["parse_ls_date", "stamp_of"]

_SKEW = 86400  # seconds that a clock may be ahead, its time zone included
_NUMBER = re.compile(r"[0-9]{1,20}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
_NAMED_MONTH = r"(?P<month>[A-Za-z]{3})"
_NAMED_DAY = r"(?P<day>[0-9]{1,2})"
_DATE_SHAPES = (
    re.compile(rf"{_NAMED_MONTH} +{_NAMED_DAY} +(?:{_NAMED_CLOCK}|(?P<year>[0-9]{{4}}))"),
    re.compile(rf"{_NAMED_DAY} +{_NAMED_MONTH} +(?:{_NAMED_CLOCK}|(?P<year>[0-9]{{4}}))"),
    re.compile(rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-{_NAMED_DAY} {_NAMED_CLOCK}(?::(?P<second>[0-9]{{2}}))?"),
    re.compile(rf"(?P<month>[0-9]{{2}})-{_NAMED_DAY} {_NAMED_CLOCK}"),
)


def parse_ls_date(text: str, *, now: float, timezone: tzinfo = UTC) -> float:
    """Return the POSIX seconds of a date as ls writes it: ``Jan 31 12:30``, ``Jan 31  2024``, ``31 Jan 2024``, ISO.

    Without a year it is the last such date that is not more than a day after `now`, because ls shows the year of what
    lies in the future; a day is what clocks and time zones may differ. Without an hour it is midnight.

    Args:
        text: The date alone.
        now: POSIX seconds.
        timezone: Of the date.

    Raises:
        ReplySyntaxError: It has another form, or there is no such day or hour.
    """
    found = next(filter(None, (shape.fullmatch(text) for shape in _DATE_SHAPES)), None)
    if found is None:
        raise ReplySyntaxError(f"{text!r} is not a date of a listing")
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    month = _month(parts.pop("month"))
    numbers = {name: int(value) for name, value in parts.items()}
    years = [numbers.pop("year")] if "year" in numbers else _near(month, numbers["day"], local_time(now, timezone).year)
    stamps = [stamp for year in years if (stamp := stamp_of(timezone, year, month, **numbers)) is not None]
    if not stamps:
        raise ReplySyntaxError(f"there is no date {text!r}")
    return max((stamp for stamp in stamps if stamp <= now + _SKEW), default=stamps[0])


_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}


def _month(text: str) -> int:
    """1 to 12; 0, which no date has, for a name that is no month."""
    return int(text) if _NUMBER.fullmatch(text) else _MONTH_NUMBERS.get(text.lower(), 0)


def _near(month: int, day: int, year: int) -> list[int]:
    reach = 8 if (month, day) == (2, 29) else 1  # the leap year before 2104 is 2096
    return list(range(year - reach, year + 2))


def stamp_of(
    timezone: tzinfo, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> float | None:
    """POSIX seconds; None when there is no such moment."""
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone)
        return (moment - _EPOCH).total_seconds()
    except (ValueError, OverflowError):
        return None
