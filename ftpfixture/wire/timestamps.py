"""Times in commands and listings: ``YYYYMMDDHHMMSS`` in UTC.

One rule: a time outside of the years 1 to 9999 is set to the nearest time within them, and is no error.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from ftpfixture.errors import CommandSyntaxError

__all__ = ["format_time", "local_time", "parse_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(timestamp: float, timezone: tzinfo) -> datetime:
    """Return POSIX seconds as local time in `timezone`, limited to the years 1 to 9999."""
    seconds = min(max(timestamp, _FIRST), _LAST)
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(timezone)


# One day inside the range of datetime, so that no time zone leads out of it.
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH).total_seconds()
_LAST = (datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()


def format_time(timestamp: float) -> str:
    """Return POSIX seconds as ``YYYYMMDDHHMMSS`` in UTC, followed by ``.sss`` unless that is ``.000``.

    Rounded to the millisecond, because a float cannot hold most of them exactly.

    Source: RFC 3659 2.3.
    """
    seconds, milliseconds = divmod(round(timestamp * 1000), 1000)
    moment = local_time(seconds, UTC)
    fraction = f".{milliseconds:03}" if milliseconds else ""
    return f"{moment.year:04}{moment.month:02}{moment.day:02}{moment:%H%M%S}{fraction}"


# RFC 3659 2.3; [0-9] because \d also takes the digits of other scripts.
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]+)?")


def parse_time(text: str) -> float:
    """Return the POSIX seconds of ``YYYYMMDDHHMMSS[.sss]`` in UTC.

    Second 60 is read as the second after 59, in any minute.

    Raises:
        CommandSyntaxError: It has another form, or there is no such day or hour.

    Source: RFC 3659 2.3.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise CommandSyntaxError(f"A time is YYYYMMDDHHMMSS or YYYYMMDDHHMMSS.sss in UTC, not {text!r}")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    leap = int(second == 60)
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
    except ValueError as error:
        raise CommandSyntaxError(f"There is no time {text!r}: {error}") from error
    # Decimal, because a sum of floats may differ from the float that is nearest to the text.
    return float((moment - _EPOCH) // timedelta(seconds=1) + leap + Decimal(found[7] or 0))
