"""Lines of ls, of its copies, and whole listings of them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import (
    parse_unix_line,
    parse_unix_mode,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.unix import unix_line
from tests.support.entries import (
    any_mode,
    any_name,
    any_size,
    any_stamp,
    any_word,
    any_zone,
    cut,
)
from tests.support.listings import LISTINGS, NOW, UNIX_LINES, at, listed
from tests.support.rows import table


def unix(line: str) -> Entry:
    """Read a Unix line in the summer of 2024."""
    return parse_unix_line(line, now=NOW)


def test_unix_lines() -> None:
    """Every existing column is read, and the name with all its spaces."""
    for line, entry in UNIX_LINES.items():
        for end in ("", "\n", "\r\n", "\r\r\n"):
            assert unix(line + end) == entry
            assert read_listing([line + end], now=NOW).entries == (entry,)


@table(
    ("line", "why"),
    [
        ("", "does not begin with a mode"),
        ("totals 24", "does not begin with a mode"),
        ("ls: /x: No such file", "does not begin with a mode"),
        ("-rw-r--r- 1 a b 5 Jun  1 09:00 x", "does not begin with a mode"),
        ("-rw-r--r--- 1 a b 5 Jun  1 09:00 x", "does not begin with a mode"),
        ("-rw-r--r--", "does not begin with a mode"),
        ("-rw-r--r-- ", "no size, date and name"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00", "no size, date and name"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00 ", "no size, date and name"),
        ("-rw-r--r-- 1 a b x Jun  1 09:00 x", "no size, date and name"),
        ("-rw-r--r-- 1 a b 5 Jum  1 09:00 x", "'Jum' in 'Jum  1 09:00' is not the name of a month"),
        ("-rw-r--r-- 1 a b 123456789012345678901 Jun  1 09:00 x", "no size, date and name"),
        ("-rw-r--r-- 1 a b 5 Jun 31 09:00 x", "there is no date 'Jun 31 09:00'"),
        ("-rw-r--r-- 1 a b 5 Jun  1 24:00 x", "there is no date 'Jun  1 24:00'"),
        ("-rw-r--r-- 1 a b 5 Feb 29  2023 x", "there is no date 'Feb 29  2023'"),
        ("-rw-r--r-- 1 a b 5 Jun  1  0000 x", "there is no date 'Jun  1  0000'"),
        ("-wr-r--r-- 1 a b 5 Jun  1 09:00 x", "'wr-r--r--' is not a mode: 'w' is not valid at its position"),
        ("lrwxrwxrwx 1 a b 5 Jun  1 09:00  -> x", "it has no name"),
        ("- [R----F--] guest 7 Oct 20  2003    ", "it has no name"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00 x\ny", "CR, LF or NUL"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00 x\0", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_unix(line: str, why: str) -> None:
    """Other lines are refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        unix(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


@table(
    ("text", "mode"),
    [
        ("---------", 0),
        ("rwxrwxrwx", 0o777),
        ("rw-r-----", 0o640),
        ("--s--s--t", 0o7111),
        ("--S--S--T", 0o7000),
        ("r-xr-lr-x", 0o2545),
        ("r-xr-Lr-x", 0o2545),
    ],
)
def test_unix_modes(text: str, mode: int) -> None:
    """Nine letters hold twelve bits; capital letters mean no execution."""
    assert parse_unix_mode(text) == mode


@table("text", ["", "rwxrwxrw", "rwxrwxrwxx", "xwrrwxrwx", "rwtrwxrwx", "rwxrwxrws", "rwxrw-rw1"])
def test_texts_that_are_no_modes(text: str) -> None:
    """A mode has nine letters, each valid at its position."""
    with pytest.raises(ReplySyntaxError, match="is not a mode"):
        parse_unix_mode(text)


@given(st.integers(0, 0o7777))
def test_modes_survive(mode: int) -> None:
    """All twelve bits survive the letters of a line."""
    assert parse_unix_mode(unix_line(Entry("x", "file", mode=mode), now=NOW)[1:10]) == mode


# Whole listings.


def names(*lines: str, now: float = NOW) -> list[str]:
    """Return the names of a listing without unread lines."""
    return [name for name, *_ in listed(lines, now)]


def line(rest: str, columns: str = "1 a b 5") -> str:
    """Return a Unix line with this date and name."""
    return f"-rw-r--r-- {columns} {rest}"


def test_dates_of_other_systems() -> None:
    """Dates of ls with options, of BusyBox, and of servers with their own formats are read."""
    day, noon = at(2023, 5, 28), at(2023, 5, 28, 19, 50)
    for date, moment in {
        "2023-05-28 19:50:01.123456789 +0200": at(2023, 5, 28, 17, 50, 1) + 0.123456789,
        "2023-05-28 19:50:01.500000000 -0330": at(2023, 5, 28, 23, 20, 1) + 0.5,
        "2023-05-28 19:50:01 +0000": noon + 1,
        "2023-05-28T19:50:01Z": noon + 1,
        "2023-05-28 19:50": noon,
        "2023-05-28 ": day,
        "2023-05-28": day,
        "2023/05/28 19:50": noon,
        "2023/5/28 9:50": at(2023, 5, 28, 9, 50),
        "28.05.2023 19:50": noon,
        "28.05.23 19:50": noon,
        "05/28/2023 19:50": noon,
        "28/05/2023 19:50": noon,
        "28-05-2023 19:50": noon,
        "28-May-2023 19:50": noon,
        "28-May-23 19:50:01": noon + 1,
        "Sun May 28 19:50:01 2023": noon + 1,
        "Sun May 28  2023": day,
        "28. Mai 2023": day,
        "05-28 19:50": at(2024, 5, 28, 19, 50),
        "3月 28 19:50": at(2024, 3, 28, 19, 50),
        " 3月 28日  2023": at(2023, 3, 28),
        "3월 28 19:50": at(2024, 3, 28, 19, 50),
    }.items():
        assert listed([line(f"{date} x  y")], NOW) == [("x  y", "file", 5, moment)], date


def test_time_and_year() -> None:
    """A year after the time belongs to the date if every line has one and one date is older than half a year."""
    year, time = "May 28 19:50 2023 x.txt", "May 28 2023 19:50 x.txt"
    late = at(2026, 11, 30, 12)
    assert listed([line(year)], late) == [("x.txt", "file", 5, at(2023, 5, 28, 19, 50))]
    assert listed([line(year), line("Nov 29 19:50 2026 2023 y")], late)[1] == (
        "2023 y",
        "file",
        5,
        at(2026, 11, 29, 19, 50),
    )
    assert listed([line("28 May 19:50:00 2023 x")], late) == [("x", "file", 5, at(2023, 5, 28, 19, 50))]
    assert listed([line("Nov 28 19:50:01 2026 x")], late) == [("x", "file", 5, at(2026, 11, 28, 19, 50, 1))]
    assert listed([line(time), line("Jun  1 2022 9:05 y")], late)[1] == ("y", "file", 5, at(2022, 6, 1, 9, 5))
    recent = [line(f"Nov 29 19:50 2026 {name}") for name in (".", "..", "a")]
    assert names(*recent, now=late) == [".", "..", "a"]


def test_names_that_begin_like_years() -> None:
    """A number after the time is part of the name where all lines can come from ls."""
    late = at(2026, 11, 30, 12)
    for lines, found in {
        ("Nov 29 19:50 2023 x",): ["2023 x"],  # within half a year, where ls shows no year
        ("May 28 19:50 2023 x", "May 28  2022 y"): ["2023 x", "y"],
        ("May 28 19:50 2023 x", "May 28 19:50 y"): ["2023 x", "y"],
        ("May 28 19:50 2023 x", "May 28 19:50 2022 x"): ["2023 x", "2022 x"],  # a name occurs only once in a directory
        ("May 28 19:50 2023 x", "May 28 19:50 2027 x"): ["2023 x", "2027 x"],  # no year is in the future
        ("May 28 19:50 2023", "May 28 19:50 2024"): ["2023", "2024"],
        ("Nov 29 19:50 2023 .", "Nov 29 19:50 2023 x"): ["2023 .", "2023 x"],
        ("May 28 19:50 2023 x", "2022-05-28 19:50 2023 y"): ["2023 x", "2023 y"],
        ("Jun  1  2020 09:00 x",): ["09:00 x"],  # ls has two spaces before a year
        ("Jun 1 2020 09:00 x", "Jun 1 2020 y"): ["09:00 x", "y"],
        ("Feb 28 19:50 2023 x", "Feb 29 19:50 2023 y"): ["2023 x", "2023 y"],
    }.items():
        assert names(*map(line, lines), now=late) == found, lines


def test_months_in_other_languages() -> None:
    """Each name is one month, also in capitals, with a full stop, without its marks, or in another encoding."""
    for number, words in enumerate(
        (
            "Jan ene gen janv. jän ian tammi sty led янв oca sij січ",
            "Feb fev fév févr. helmi lut úno uno фев şub vel",
            "Mar Mär mär. mrz mars mrt maalis bře bre мар már ožu M\udce4r",
            "Apr abr avr. avril huhti kwi dub апр ápr nis",
            "May mai maj mei mag touko kvě kve май мая svi máj",
            "Jun juin jun. juni giu kesä cze čen июн iun haz",
            "Jul juil. jul juli lug heinä čec июл iul tem",
            "Aug ago août aoû aout ao\udcfbt elo sie авг avg ağu kol",
            "Sep sept. set syys wrz zář сен eyl ruj",
            "Oct okt ott out loka paź paz říj окт eki",
            "Nov nov. marras ноя noi kas",
            "Dec dez dic déc. d\udce9c des joulu gru pro дек ara",
        ),
        1,
    ):
        for word in words.split():
            assert listed([line(f"{word} 14  2020 x")], NOW)[0][3] == at(2020, number, 14), word
            assert listed([line(f"14 {word.upper()} 2020 x")], NOW)[0][3] == at(2020, number, 14), word


def test_months_that_are_not_read() -> None:
    """A name with several meanings is read only beside names that leave one meaning."""
    for word in ("lip", "lis", "srp", "jui", "Jum", "foo", "Ju月", "0月", "13月"):
        assert read_listing([line(f"{word} 14  2020 x")], now=NOW).entries == (), word
    for word, beside, month in (("lip", "kwi", 7), ("lip", "tra", 6), ("lis", "kwi", 11), ("lis", "kol", 10)):
        lines = [line(f"{word} 14  2020 x"), line(f"{beside} 14  2020 y")]
        assert listed(lines, NOW)[0][3] == at(2020, month, 14), (word, beside)
    reading = read_listing([line("foo 14  2020 x"), line("Mai 14  2020 y"), line("lip 14  2020 z")], now=NOW)
    assert [entry.name for entry in reading.entries] == ["y"]
    assert [unread.reason for unread in reading.unread] == [
        "as an entry of a Unix listing, 'foo' in 'foo 14  2020' is not the name of a month",
        "'lip' in 'lip 14  2020' is not the name of one month alone",
    ]


def test_joined_columns() -> None:
    """A count of links may touch the mode; a size may touch the group if another line has that group."""
    (entry,) = read_listing(["drwxr-x---+1464 chrism chrism 41472 Feb 25 13:17 20090225"], now=NOW).entries
    assert (entry.links, entry.owner, entry.size, entry.name) == (1464, "chrism", 41472, "20090225")
    joined = "-rw-r--r-- 1 mia accounts1234567 Jun  1 09:00 x"
    for others, group, size in (
        ((), None, None),
        (("accounts",), "accounts", 1234567),
        (("accounts1",), "accounts1", 234567),
        (("accounts", "accounts1"), None, None),
        (("staff",), None, None),
    ):
        lines = [f"-rw-r--r-- 1 mia {other} 5 Jun  1 09:00 y" for other in others]
        entry = read_listing([*lines, joined], now=NOW).entries[-1]
        assert (entry.name, entry.owner, entry.group, entry.size) == ("x", "mia", group, size), others


def test_sizes_that_are_unknown() -> None:
    """Rounded sizes, numbers of devices and question marks give no size."""
    for text, kind, size in (
        ("-rw-r--r-- 1 a b 1.5K Jun  1 09:00 x", "file", None),
        ("-rw-r--r-- 1 a b 12M Jun  1 09:00 x", "file", None),
        ("-rw-r--r-- 1 a b 1,234,567 Jun  1 09:00 x", "file", 1234567),
        ("crw-r--r-- 1 a b 1,234 Jun  1 09:00 x", "unknown", None),
        ("crw-r--r-- 1 a b 0x3000002 Jun  1 09:00 x", "unknown", None),
        ("-????????? ? ?    ?         ?            ? x", "file", None),
        ("d????????? ? ?    ?         ?            ? x", "dir", None),
    ):
        assert [found[:3] for found in listed([text], NOW)] == [("x", kind, size)], text


def test_netware() -> None:
    """Lines of NetWare have rights in brackets, no links and no group; names begin at the first letter."""
    assert listed(LISTINGS["NetWare"], NOW) == [
        ("ledger.dat", "file", 2048, at(2023, 11, 11, 14, 8)),
        ("login", "dir", 512, at(2024, 1, 16, 18, 53)),
        ("my pub", "dir", 512, at(2022, 3, 1)),
        ("SYS VOL", "dir", 512, at(2024, 6, 15, 9)),
        ("disk.img", "file", 1 << 40, at(2024, 2, 29, 10, 11)),
    ]


def test_other_directories() -> None:
    """Entries that ls -R adds from subdirectories are unread, and a message is no heading."""
    a, b = line("Jun  1 09:00 a"), line("Jun  1 09:00 b")
    for lines, found, unread in (
        (LISTINGS["ls -R"], ["sub"], []),
        ((".:", "total 1", a, "", "./sub:", "total 1", b), ["a"], [b]),
        (("/pub/my files:", a, "", "/pub/my files/c:", "", "/pub/my files/d:", b), ["a"], [b]),
        ((a, "sub:", b), ["a", "b"], ["sub:"]),
        ((f"{a}:", b), ["a:", "b"], []),  # the name of an entry, not the heading of the second line
        ((b, "", f"{a}:", b), ["b", "a:", "b"], []),
        ((a, "", "no permission for:"), ["a"], ["no permission for:"]),
        (("cannot open:",), [], ["cannot open:"]),
        (("ls: x: Permission denied", a), ["a"], ["ls: x: Permission denied"]),
        (("insgesamt 12", a), ["a"], []),
        (("total 12", "総計 12", a), ["a"], ["総計 12"]),
    ):
        reading = read_listing(lines, now=NOW)
        assert [entry.name for entry in reading.entries] == found, lines
        assert [one.line for one in reading.unread] == unread, lines


DAY = 86400


def test_unix_line_of_a_file() -> None:
    """Every column is filled, and one space precedes the name."""
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
    """Unknown fields have default values, so that clients find all columns."""
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
    """Setuid, setgid and sticky are s and t with execution, S and T without; bits of the type are ignored."""
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
    """A date has a time for 180 days back, else the year; times outside of the years 1 to 9999 are limited."""
    assert unix_line(Entry("x", "file", 7, modify), now=NOW).endswith(f" 7 {date} x")


def test_unix_line_has_the_time_of_its_zone() -> None:
    """The date is local to the given time zone."""
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
    """A size wider than its column moves the rest and is not cut."""
    line = unix_line(Entry("x", "file", 2**63), now=NOW)
    assert line.endswith(" ftp      9223372036854775808 Jan  1  1970 x")


any_now = st.floats(at(1970, 1, 2), at(2200, 1, 1))


@given(
    any_name,
    st.sampled_from(["file", "dir", "unknown"]),
    any_size,
    any_stamp,
    any_now,
    any_mode,
    any_word,
    any_word,
    any_zone,
)
def test_unix_line_survives(
    name: str, kind: str, size: int, modify: float, now: float, mode: int, owner: str, group: str, zone: timezone
) -> None:
    """A Unix line preserves name, type, size, mode, links, owner and group, and the time to its precision."""
    entry = Entry(name, kind, size, modify, mode=mode, links=3, owner=owner, group=group)
    line = unix_line(entry, now=now, timezone=zone)
    wanted = dataclasses.replace(entry, modify=cut(modify, zone, whole_day=not 0 <= now - modify <= 180 * DAY))
    assert parse_unix_line(line, now=now, timezone=zone) == wanted
    assert read_listing([line], now=now, timezone=zone).entries == (wanted,)


@given(any_name, any_now, st.floats(0, 180 * DAY), any_zone)
def test_recent_dates_survive(name: str, now: float, age: float, zone: timezone) -> None:
    """A date without a year survives to the minute, on both sides of a new year and of 29 February."""
    modify = now - age
    assume(modify <= now)
    line = unix_line(Entry(name, "file", modify=modify), now=now, timezone=zone)
    assert parse_unix_line(line, now=now, timezone=zone).modify == cut(modify, zone)


@given(any_name, any_name)
def test_unix_link_survives(name: str, target: str) -> None:
    """A link keeps name and target, unless the target has an arrow itself."""
    assume(" -> " not in f"-> {target}")
    entry = parse_unix_line(unix_line(Entry(name, "link", target=target), now=NOW), now=NOW)
    assert (entry.type, entry.name, entry.target) == ("link", name, target)
