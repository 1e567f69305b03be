"""Names, times and sizes of directory entries, as strategies and as constants."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo

from hypothesis import strategies as st

from ftpfixture.wire.listing.entry import is_listable
from ftpfixture.wire.timestamps import local_time
from tests.support.listings import at

__all__ = [
    "any_bytes",
    "any_mode",
    "any_name",
    "any_size",
    "any_stamp",
    "any_word",
    "any_zone",
    "awkward_text",
    "cut",
    "dated_text",
]

any_bytes = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


awkward_text = st.text(alphabet=st.sampled_from(" ;=->.,+\t\"'ax1:é\udcff"), min_size=1, max_size=12)


dated_text = st.sampled_from(["5 Jan 10 12:00 x", " Jan  1  2020 y", "type=dir; z", "<DIR>          w", "a -> b"])


any_name = (any_bytes | awkward_text | dated_text | st.text(min_size=1)).filter(is_listable)


any_stamp = st.floats(at(1, 1, 2), at(9999, 12, 30))


any_size = st.integers(0, 2**64)


any_mode = st.integers(0, 0o7777)


any_word = st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=9).filter(
    lambda word: not word.isdigit()
)


any_zone = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def cut(timestamp: float, zone: tzinfo, whole_day: bool = False) -> float:
    """The timestamp cut to the minute, or to the midnight before it."""
    moment = local_time(timestamp, zone).replace(second=0, microsecond=0)
    return (moment.replace(hour=0, minute=0) if whole_day else moment).timestamp()
