"""Directory entries and the lines that show them, and back through the parsers."""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ftpfixture.errors import CommandSyntaxError
from ftpfixture.wire.listing import (
    parse_eplf_line,
    parse_msdos_line,
    parse_unix_line,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry, is_listable
from ftpfixture.wire.listing.eplf import eplf_line
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.unix import unix_line
from ftpfixture.wire.timestamps import format_time, local_time, parse_time
from tests.support.listings import parse_mlsx_line
from tests.support.rows import table

DAY = 86400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(*numbers: int) -> float:
    """POSIX seconds of a time in UTC."""
    return (datetime(*numbers, tzinfo=UTC) - EPOCH).total_seconds()  # type: ignore[arg-type, misc]


NOW = at(2024, 6, 15, 12, 0)


# Unix.


def test_unix_line_of_a_file() -> None:
    """Every column is filled, and one space stands before the name."""
    entry = Entry("a.txt", "file", 5, at(2024, 6, 1, 9, 5), mode=0o640, links=2, owner="ann", group="staff")
    assert unix_line(entry, now=NOW) == "-rw-r-----    2 ann      staff               5 Jun  1 09:05 a.txt"


@table(
    ("kind", "head"),
    [
        ("file", "-rw-r--r--    1 ftp      ftp                 0 Jan  1  1970 x"),
        ("dir", "drwxr-xr-x    1 ftp      ftp                 0 Jan  1  1970 x"),
        ("cdir", "drwxr-xr-x    1 ftp      ftp                 0 Jan  1  1970 x"),
        ("pdir", "drwxr-xr-x    1 ftp      ftp                 0 Jan  1  1970 x"),
        ("link", "lrwxrwxrwx    1 ftp      ftp                 0 Jan  1  1970 x"),
        ("unknown", "?rw-r--r--    1 ftp      ftp                 0 Jan  1  1970 x"),
    ],
)
def test_unix_line_without_knowledge(kind: str, head: str) -> None:
    """What is not known is shown as something usual, so that clients find all columns."""
    assert unix_line(Entry("x", kind), now=NOW) == head


@table(
    ("mode", "letters"),
    [
        (0o000, "---------"),
        (0o777, "rwxrwxrwx"),
        (0o4755, "rwsr-xr-x"),
        (0o4644, "rwSr--r--"),
        (0o2755, "rwxr-sr-x"),
        (0o2644, "rw-r-Sr--"),
        (0o1777, "rwxrwxrwt"),
        (0o1666, "rw-rw-rwT"),
        (0o7000, "--S--S--T"),
        (0o100644, "rw-r--r--"),
    ],
)
def test_unix_line_modes(mode: int, letters: str) -> None:
    """Setuid, setgid and sticky are s and t with execution, S and T without; bits of the type do not show."""
    assert unix_line(Entry("x", "file", mode=mode), now=NOW)[:11] == f"-{letters} "


@table(
    ("modify", "date"),
    [
        (NOW, "Jun 15 12:00"),
        (NOW + 1, "Jun 15  2024"),
        (NOW - 180 * DAY, "Dec 18 12:00"),
        (NOW - 180 * DAY - 1, "Dec 18  2023"),
        (NOW + 365 * DAY, "Jun 15  2025"),
        (at(2024, 2, 29, 0, 0), "Feb 29 00:00"),
        (at(999, 3, 4), "Mar  4  0999"),
        (-1.0, "Dec 31  1969"),
        (1e30, "Dec 30  9999"),
        (-1e30, "Jan  2  0001"),
    ],
)
def test_unix_line_dates(modify: float, date: str) -> None:
    """Hour and minute for 180 days back, the year beyond and in the future; impossible times are held in bounds."""
    assert unix_line(Entry("x", "file", 7, modify), now=NOW).endswith(f" 7 {date} x")


def test_unix_line_has_the_time_of_its_zone() -> None:
    """The date is the one on the wall in the given time zone."""
    entry = Entry("x", "file", modify=NOW - 60)
    assert unix_line(entry, now=NOW, timezone=timezone(timedelta(hours=14))).endswith("Jun 16 01:59 x")


@table(
    ("owner", "shown"),
    [("two words", "two_words"), (" ann\n", "ann"), ("", "ftp"), ("a\r\nb", "a_b"), ("\0", "ftp"), ("x\u2028y", "x_y")],
)
def test_unix_line_keeps_columns(owner: str, shown: str) -> None:
    """An owner or group is always one word, whatever its name."""
    line = unix_line(Entry("x", "file", owner=owner, group=owner), now=NOW)
    assert line.split()[2:4] == [shown, shown]


@table(
    ("kind", "target", "end"),
    [
        ("link", "/a b", " name -> /a b"),
        ("link", None, " name"),
        ("link", "", " name"),
        ("link", "a\r\nb", " name"),
        ("file", "/a", " name"),
    ],
)
def test_unix_line_targets(kind: str, target: str | None, end: str) -> None:
    """Links show their target, unless it would break the line."""
    assert unix_line(Entry("name", kind, target=target), now=NOW).endswith("1970" + end)


def test_unix_line_of_a_large_file() -> None:
    """A size that fills its column pushes the rest aside and is not cut."""
    line = unix_line(Entry("x", "file", 2**63), now=NOW)
    assert line.endswith(" ftp      9223372036854775808 Jan  1  1970 x")


# IIS.


def test_msdos_line() -> None:
    """Files have a size and directories a mark, and the names stand below each other."""
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


# EPLF and NLST.


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
    """Facts come in a fixed order, those that are unknown or would break the line are left out."""
    assert eplf_line(entry) == line


# MLSD.

FULL = Entry("a; b", "file", 5, 0.25, 86400.0, 0o4755, 2, "ann", "staff", None, "1g2", "adfrw")


def test_mlsx_line_in_full() -> None:
    """All facts stand in the order of the table, under the names of RFC 3659."""
    assert mlsx_line(FULL, MLSX_FACTS) == (
        "type=file;size=5;modify=19700101000000.250;create=19700102000000;perm=adfrw;unique=1g2;"
        "UNIX.mode=4755;UNIX.owner=ann;UNIX.group=staff; a; b"
    )


@table(
    ("facts", "line"),
    [
        ((), " a; b"),
        (("size", "type"), "type=file;size=5; a; b"),
        ({"SIZE", "Unix.Mode"}, "size=5;UNIX.mode=4755; a; b"),
        (["color", "lang"], " a; b"),
    ],
)
def test_mlsx_line_has_the_facts_asked_for(facts: tuple[str, ...], line: str) -> None:
    """Facts may be asked for in any case and order; unknown ones are left out."""
    assert mlsx_line(FULL, facts) == line


@table(
    ("entry", "line"),
    [
        (Entry("x", "file"), "type=file; x"),
        (Entry("x", "dir", 4096), "type=dir; x"),
        (Entry("x", "cdir", 4096), "type=cdir; x"),
        (Entry("x", "pdir", 4096), "type=pdir; x"),
        (Entry("x", "unknown"), "type=unknown; x"),
        (Entry("x", "link", 3, target="/a=b"), "type=OS.unix=slink:/a=b;size=3; x"),
        (Entry("x", "link", target="/a b"), "type=OS.unix=slink; x"),
        (Entry("x", "link", target="a;b"), "type=OS.unix=slink; x"),
        (Entry("x", "link", target=""), "type=OS.unix=slink; x"),
        (Entry("x", "link"), "type=OS.unix=slink; x"),
        (Entry("x", "file", owner="a b", group="a;b", unique="a\r\nb", perm=""), "type=file;perm=; x"),
        (Entry("x", "file", owner="ä", mode=0o7), "type=file;UNIX.mode=0007;UNIX.owner=ä; x"),
    ],
)
def test_mlsx_line_leaves_out(entry: Entry, line: str) -> None:
    """What is unknown, has no meaning or would break the line is left out; an empty value is one."""
    assert mlsx_line(entry, MLSX_FACTS) == line


# Names.


@table("name", ["a", " ", " a ", ";=", "a -> b", "-x", "ä", "\udcff", "\t", "\x85", "\u2028", ".."])
def test_listable_names(name: str) -> None:
    """Any name that stays in one line of its own directory can be listed."""
    assert is_listable(name)


@table("name", ["", "/", "a/b", "\r", "a\nb", "a\r\nb", "a\0b"])
def test_names_that_cannot_be_listed(name: str) -> None:
    """Names that would break a line, or that are paths, cannot be listed."""
    assert not is_listable(name)


# Times.

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
    """Times in UTC are written and read alike."""
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
    """Leap seconds and fractions of any length are understood."""
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
def test_times_that_are_none(text: str) -> None:
    """Anything else, and days that do not exist, is refused by name."""
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
    """Every millisecond from the year 1 to 9999 comes back."""
    assert round(parse_time(format_time(milliseconds / 1000)) * 1000) == milliseconds


@given(st.text() | st.from_regex(r"[0-9]{14}(\.[0-9]{1,9})?", fullmatch=True))
def test_parse_time_raises_one_error(text: str) -> None:
    """Any text is a time or a CommandSyntaxError."""
    try:
        assert math.isfinite(parse_time(text))
    except CommandSyntaxError:
        pass


def test_local_time_is_held_in_bounds() -> None:
    """No timestamp and no time zone leads out of the years that dates can have."""
    zones = [timezone(timedelta(hours=hours)) for hours in (-23, 23)]
    assert {local_time(stamp, zone).year for stamp in (math.inf, 1e300) for zone in zones} <= {9999}
    assert {local_time(stamp, zone).year for stamp in (-math.inf, -1e300) for zone in zones} <= {1}


# There and back.

# Text without surrogates in pairs is what surrogateescape gives; lone ones stand for octets that are not UTF-8.
octets = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
awkward = st.text(alphabet=st.sampled_from(" ;=->.,+\t\"'ax1:é\udcff"), min_size=1, max_size=12)
dated = st.sampled_from(["5 Jan 10 12:00 x", " Jan  1  2020 y", "type=dir; z", "<DIR>          w", "a -> b"])
names = (octets | awkward | dated | st.text(min_size=1)).filter(is_listable)
stamps = st.floats(at(1, 1, 2), at(9999, 12, 30))
nows = st.floats(at(1970, 1, 2), at(2200, 1, 1))
sizes = st.integers(0, 2**64)
modes = st.integers(0, 0o7777)
words = st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=9).filter(
    lambda word: not word.isdigit()
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def cut(timestamp: float, zone: tzinfo, whole_day: bool = False) -> float:
    """The timestamp cut to the minute, or to the midnight before it."""
    moment = local_time(timestamp, zone).replace(second=0, microsecond=0)
    return (moment.replace(hour=0, minute=0) if whole_day else moment).timestamp()


@given(names, st.sampled_from(["file", "dir", "unknown"]), sizes, stamps, nows, modes, words, words, zones)
def test_unix_line_survives(
    name: str, kind: str, size: int, modify: float, now: float, mode: int, owner: str, group: str, zone: timezone
) -> None:
    """A Unix line gives back name, type, size, mode, links, owner and group, and the time as exactly as it has it."""
    entry = Entry(name, kind, size, modify, mode=mode, links=3, owner=owner, group=group)
    line = unix_line(entry, now=now, timezone=zone)
    wanted = dataclasses.replace(entry, modify=cut(modify, zone, whole_day=not 0 <= now - modify <= 180 * DAY))
    assert parse_unix_line(line, now=now, timezone=zone) == wanted
    assert read_listing([line], now=now, timezone=zone).entries == (wanted,)


@given(names, nows, st.floats(0, 180 * DAY), zones)
def test_recent_dates_survive(name: str, now: float, age: float, zone: timezone) -> None:
    """A date without a year comes back to the minute, on both sides of a new year and of 29 February."""
    modify = now - age
    assume(modify <= now)
    line = unix_line(Entry(name, "file", modify=modify), now=now, timezone=zone)
    assert parse_unix_line(line, now=now, timezone=zone).modify == cut(modify, zone)


@given(names, names)
def test_unix_link_survives(name: str, target: str) -> None:
    """A link gives back name and target, unless the target has an arrow itself."""
    assume(" -> " not in f"-> {target}")
    entry = parse_unix_line(unix_line(Entry(name, "link", target=target), now=NOW), now=NOW)
    assert (entry.type, entry.name, entry.target) == ("link", name, target)


@given(names, st.sampled_from(["file", "dir"]), sizes, st.floats(at(1970, 1, 2), at(2069, 12, 30)), zones)
def test_msdos_line_survives(name: str, kind: str, size: int, modify: float, zone: timezone) -> None:
    """A line of IIS gives back name, type, size and minute, with both kinds of years."""
    entry = Entry(name, kind, size if kind == "file" else None, modify)
    for four in (False, True):
        line = msdos_line(entry, timezone=zone, four_digit_year=four)
        wanted = dataclasses.replace(entry, modify=cut(modify, zone))
        assert parse_msdos_line(line, timezone=zone) == wanted
        assert read_listing([line], now=NOW, timezone=zone).entries == (wanted,)


@given(names, st.sampled_from(["file", "dir", "unknown"]), sizes, stamps, st.none() | words)
def test_eplf_line_survives(name: str, kind: str, size: int, modify: float, unique: str | None) -> None:
    """A line of EPLF gives back name, type, size, identity and whole seconds."""
    assume(unique is None or "," not in unique)
    entry = Entry(name, kind, None if kind == "dir" else size, modify, unique=unique)
    wanted = dataclasses.replace(entry, modify=math.floor(modify))
    assert parse_eplf_line(eplf_line(entry)) == wanted
    assert read_listing([eplf_line(entry)], now=NOW).entries == (wanted,)


values = st.none() | words.filter(lambda word: ";" not in word)
kinds = st.sampled_from(["file", "dir", "cdir", "pdir", "unknown", "link"])
milliseconds = st.none() | st.integers(int(at(1900, 1, 1)) * 1000, int(at(2200, 1, 1)) * 1000).map(lambda ms: ms / 1000)


@given(
    name=names,
    kind=kinds,
    size=st.none() | sizes,
    modify=milliseconds,
    create=milliseconds,
    mode=st.none() | modes,
    owner=values,
    group=values,
    target=values,
    unique=values,
    perm=values,
)
def test_mlsx_line_survives(
    name: str,
    kind: str,
    size: int | None,
    modify: float | None,
    create: float | None,
    mode: int | None,
    owner: str | None,
    group: str | None,
    target: str | None,
    unique: str | None,
    perm: str | None,
) -> None:
    """A line of MLSD gives back everything, also with the space that MLST has before it."""
    entry = Entry(
        name=name,
        type=kind,
        size=None if kind in ("dir", "cdir", "pdir") else size,
        modify=modify,
        create=create,
        mode=mode,
        owner=owner,
        group=group,
        target=target if kind == "link" else None,
        unique=unique,
        perm=perm,
    )
    line = mlsx_line(entry, MLSX_FACTS)
    assert parse_mlsx_line(line) == entry
    assert parse_mlsx_line(f" {line}") == entry
    assert read_listing([line], now=NOW).entries == (entry,)


@given(names.filter(lambda name: re.match("(?:[^ ;=]+=[^ ;]*;)+ ", name) is None))
def test_mlsx_name_without_facts_survives(name: str) -> None:
    """Without facts the name comes back with its spaces, unless it looks like facts."""
    assert parse_mlsx_line(mlsx_line(FULL, ()).removesuffix(FULL.name) + name) == Entry(name, "unknown")
