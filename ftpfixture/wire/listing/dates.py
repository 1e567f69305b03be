"""Dates in listings.

One rule: a date without a year is at most one day in the future, and the order of its numbers and the language of its
month are those of the whole listing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing.format import Clock, pattern
from ftpfixture.wire.listing.months import is_month, months_of
from ftpfixture.wire.timestamps import local_time

__all__ = ["DATE", "DMY", "MDY", "SKEW", "YMD", "Calendar", "Date", "full_year", "parse_date", "parse_ls_date"]

SKEW = 86400
"""Seconds that the clock of a server may be ahead, its time zone included."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Order = tuple[int, int, int]
"""Positions of year, month and day among three numbers."""

MDY: Order = (2, 0, 1)
DMY: Order = (2, 1, 0)
YMD: Order = (0, 1, 2)

# [0-9] throughout, because \d and int() also take the digits of other scripts.
# Letters with their marks, and bytes that are not UTF-8, because servers send names in the encoding of their system.
_WORD = r"(?:(?:[^\W\d_]|[\u0300-\u036f\udc80-\udcff]){3,9}\.?|[0-9]{1,2}[月월])"
_MONTH = rf"(?P<word>{_WORD})"
_DAY = r"(?P<day>[0-9]{1,2})(?:\.|日|일)?"
_YEAR = r"(?P<year>[0-9]{4})"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:[.,][0-9]{1,9})?))?"
_ZONE = r"(?: ?(?P<zone>[+-][0-9]{2}:?[0-9]{2}|Z))?"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +)"

_SHAPES = (
    rf"{_WEEKDAY}{_MONTH} +{_DAY} +{_CLOCK} +{_YEAR}",  # BusyBox with -e, and ctime()
    rf"{_WEEKDAY}?{_MONTH} +{_DAY} +(?:{_CLOCK}|{_YEAR})",
    rf"{_DAY} +{_MONTH} +(?:{_CLOCK}|{_YEAR})",
    rf"(?P<day>[0-9]{{1,2}})-(?P<word>{_WORD})-(?P<year>[0-9]{{4}}|[0-9]{{2}}) +{_CLOCK}",
    *(rf"{_YEAR}{mark}(?P<month>[0-9]{{1,2}}){mark}(?P<day>[0-9]{{1,2}})[ T] ?{_CLOCK}{_ZONE}" for mark in ("-", "/")),
    rf"{_YEAR}\.(?P<month>[0-9]{{1,2}})\.(?P<day>[0-9]{{1,2}})\.? {_CLOCK}",
    rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})\.(?P<year>[0-9]{{4}}|[0-9]{{2}}) +{_CLOCK}",
    *(rf"(?P<first>[0-9]{{1,2}}){mark}(?P<next>[0-9]{{1,2}}){mark}{_YEAR} +{_CLOCK}" for mark in ("-", "/")),
    rf"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}}) ?",  # iso of GNU, which pads the missing hour
    rf"(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}}) {_CLOCK}",  # iso of GNU, where the year is missing
)
_PARSERS = tuple(pattern(shape) for shape in _SHAPES)

DATE = "(?:" + "|".join(re.sub(r"\?P<\w+>", "?:", shape) for shape in _SHAPES) + ")"
"""Any date, as a part of a regular expression."""


class Date(NamedTuple):
    """A date as written.

    Attributes:
        text: All of it.
        word: The name of the month.
        month: Its number.
        day: Of the month.
        year: In full; None when the date has no year.
        numbers: In place of month, day and year: digits of all three, in an order that depends on the whole listing.
        time: Hour, minute and second; None when the date has no time.
        zone: Time zone in the date; None when it has none.
    """

    text: str
    word: str | None = None
    month: int = 0
    day: int = 0
    year: int | None = None
    numbers: tuple[str, str, str] | None = None
    time: tuple[int, int, float] | None = None
    zone: tzinfo | None = None

    @property
    def needs_year(self) -> bool:
        """Whether the year depends on the clock."""
        return self.year is None and self.numbers is None


def full_year(digits: str) -> int:
    """Return a year from four digits, or two: 70 to 99 mean 1970 to 1999. OS/2 counts on: 103 is 2003."""
    year = int(digits)
    if len(digits) > 3:
        return year
    return year + (1900 if year >= 70 else 2000)


def parse_date(text: str) -> Date:
    """Parse a date.

    Raises:
        ReplySyntaxError: It has another form, or its month is unknown.
    """
    found = next(filter(None, (parser().fullmatch(text) for parser in _PARSERS)), None)
    if found is None:
        raise ReplySyntaxError(f"{text!r} is not a date of a listing")
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    word = parts.get("word")
    if word is not None and not _is_numbered(word) and not is_month(word):
        raise ReplySyntaxError(f"{word!r} in {text!r} is not the name of a month")
    year = full_year(parts["year"]) if "year" in parts else None
    time = None
    if "hour" in parts:
        time = int(parts["hour"]), int(parts["minute"]), float(parts.get("second", "0").replace(",", "."))
    if "first" in parts:
        return Date(text, numbers=(parts["first"], parts["next"], parts["year"]), time=time)
    month, day = int(parts.get("month", "0")), int(parts["day"])
    return Date(text, word, month, day, year, time=time, zone=_zone(parts.get("zone")))


def _is_numbered(word: str) -> bool:
    """Return whether a month is a number and the word for month, as in Japanese, Chinese and Korean."""
    return "0" <= word[0] <= "9"


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes)) if minutes < 24 * 60 else None


class Calendar:
    """Converts the dates of one listing to POSIX seconds.

    Args:
        dates: All dates of the listing.
        clock: The current time and the time zone.
        orders: Possible orders of three numbers. The calendar takes the order that makes most of them a date in the
            past, and the first of equal ones.
    """

    def __init__(self, dates: Iterable[Date], clock: Clock, orders: Sequence[Order] = (MDY, DMY)) -> None:
        dates = [*dates]
        self._clock = clock
        self._year = local_time(clock.now, clock.timezone).year
        self._months = months_of(date.word for date in dates if date.word is not None)
        self._order = min(orders, key=lambda order: self._faults(dates, order))

    def _faults(self, dates: Iterable[Date], order: Order) -> tuple[int, int]:
        """Count the dates that an order makes impossible, and those that it puts into the future.

        The future does not count for dates with dashes: IIS writes them, always the month before the day, and may list
        files of any time.
        """
        impossible = future = 0
        for date in dates:
            if date.numbers is not None:
                stamp = self._stamp(date, *_ordered(date.numbers, order))
                impossible += stamp is None
                future += stamp is not None and stamp > self._clock.now + SKEW and "-" not in date.text
        return impossible, future

    def stamp(self, date: Date) -> float:
        """Return the POSIX seconds of a date: midnight without a time, the last possible year without a year.

        Raises:
            ReplySyntaxError: There is no such day or hour, or the name of the month has several meanings.
        """
        if date.word is not None:
            date = self._named(date)
        if date.numbers is not None:
            stamps = [self._stamp(date, *_ordered(date.numbers, self._order))]
        else:
            years = _near(date, self._year) if date.year is None else [date.year]
            stamps = [self._stamp(date, year, date.month, date.day) for year in years]
        possible = [stamp for stamp in stamps if stamp is not None]
        if not possible:
            raise ReplySyntaxError(f"there is no date {date.text!r}")
        return max((stamp for stamp in possible if stamp <= self._clock.now + SKEW), default=possible[0])

    def _named(self, date: Date) -> Date:
        word = date.word or ""
        month = int(word[:-1]) if _is_numbered(word) else self._months.get(word)
        if month is None:
            raise ReplySyntaxError(f"{word!r} in {date.text!r} is not the name of one month alone")
        return Date(date.text, None, month, date.day, date.year, None, date.time, date.zone)

    def _stamp(self, date: Date, year: int, month: int, day: int) -> float | None:
        """Return POSIX seconds; None when there is no such moment."""
        hour, minute, second = date.time or (0, 0, 0.0)
        try:
            moment = datetime(year, month, day, hour, minute, tzinfo=date.zone or self._clock.timezone)
            # The seconds are added last, because only this sum is exact as a float.
            return (moment - _EPOCH).total_seconds() + second if second < 60 else None
        except (ValueError, OverflowError):
            return None


def _ordered(numbers: tuple[str, str, str], order: Order) -> tuple[int, int, int]:
    year, month, day = (numbers[place] for place in order)
    return full_year(year), int(month), int(day)


def _near(date: Date, year: int) -> Sequence[int]:
    reach = 8 if (date.month, date.day) == (2, 29) else 1  # the leap year before 2104 is 2096
    return range(year - reach, year + 2)


def parse_ls_date(text: str, *, now: float, timezone: tzinfo = UTC) -> float:
    """Return the POSIX seconds of a date as ls writes it, such as ``Jan 31 12:30``, ``Jan 31  2024`` or ISO.

    The month may be a name in another language, and the day may come first. Without a year it is the last such date
    that is at most one day after `now`, because ls shows the year of a date in the future; the day allows for clocks
    and time zones that differ. Without an hour it is midnight.

    Args:
        text: The date alone.
        now: POSIX seconds.
        timezone: Of the date, unless it has one.

    Raises:
        ReplySyntaxError: It has another form, or there is no such day or hour.
    """
    date = parse_date(text)
    return Calendar([date], Clock(now, timezone)).stamp(date)
