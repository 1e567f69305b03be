"""Lines of many servers' listings, and what must be read from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.entry import MLSX_FACTS, Entry, mlsx_line, msdos_line, unix_line
from ftpfixture.wire.listing import (
    UnreadLine,
    parse_eplf_line,
    parse_ls_date,
    parse_mlsx_line,
    parse_msdos_line,
    parse_unix_line,
    parse_unix_mode,
    read_listing,
    read_mlsx_listing,
)


def at(*numbers: int) -> float:
    """POSIX seconds of a time in UTC."""
    return datetime(*numbers, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


NOW = at(2024, 6, 15, 12, 0)


def unix(line: str) -> Entry:
    """Read a Unix line in the summer of 2024."""
    return parse_unix_line(line, now=NOW)


# Unix.

UNIX_LINES = {
    # vsftpd
    "-rw-r--r--    1 1000     1000         2048 Mar 05 14:02 report.csv": Entry(
        "report.csv", "file", 2048, at(2024, 3, 5, 14, 2), None, 0o644, 1, "1000", "1000"
    ),
    "drwxr-xr-x    2 0        0            4096 Nov 30  2021 pub": Entry(
        "pub", "dir", 4096, at(2021, 11, 30), None, 0o755, 2, "0", "0"
    ),
    "lrwxrwxrwx    1 ftp      ftp             9 Jan 01 00:00 latest -> pub/v2 -> x": Entry(
        "latest -> pub/v2", "link", 9, at(2024, 1, 1), None, 0o777, 1, "ftp", "ftp", "x"
    ),
    # ProFTPD
    "-rw-rw-r--   1 mia      (?)       1536000 Jun 14 08:30 Holiday Photos (1).zip": Entry(
        "Holiday Photos (1).zip", "file", 1536000, at(2024, 6, 14, 8, 30), None, 0o664, 1, "mia", "(?)"
    ),
    # Pure-FTPd
    "drwxr-xr-x   14 ole        ole              4096 May  1  2020 .": Entry(
        ".", "dir", 4096, at(2020, 5, 1), None, 0o755, 14, "ole", "ole"
    ),
    # FileZilla Server
    "-rw-rw-rw- 1 ftp ftp          314159 Feb 29 23:59 pi.txt": Entry(
        "pi.txt", "file", 314159, at(2024, 2, 29, 23, 59), None, 0o666, 1, "ftp", "ftp"
    ),
    # IIS with the Unix style
    "-rwxrwxrwx   1 owner    group             117 Dec 24 18:00 wish.txt": Entry(
        "wish.txt", "file", 117, at(2023, 12, 24, 18, 0), None, 0o777, 1, "owner", "group"
    ),
    # busybox
    "-rwsr-xr-x    1 root     root       1131168 Apr 10  2023 busybox": Entry(
        "busybox", "file", 1131168, at(2023, 4, 10), None, 0o4755, 1, "root", "root"
    ),
    "drwxrwxrwt    6 root     root           120 Jun 15 11:59 tmp": Entry(
        "tmp", "dir", 120, at(2024, 6, 15, 11, 59), None, 0o1777, 6, "root", "root"
    ),
    # Access control lists and attributes
    "-rw-rw----+ 1 eve staff 10 Jun  1 09:00 acl": Entry(
        "acl", "file", 10, at(2024, 6, 1, 9), None, 0o660, 1, "eve", "staff"
    ),
    "drwxr-xr-x. 1 eve staff 10 Jun  1 09:00 selinux": Entry(
        "selinux", "dir", 10, at(2024, 6, 1, 9), None, 0o755, 1, "eve", "staff"
    ),
    "drwx------@ 1 eve staff 10 Jun  1 09:00 mac": Entry(
        "mac", "dir", 10, at(2024, 6, 1, 9), None, 0o700, 1, "eve", "staff"
    ),
    # Columns that are missing
    "-rw-r--r-- 1 ann 77 Jun  1 09:00 no group": Entry(
        "no group", "file", 77, at(2024, 6, 1, 9), None, 0o644, 1, "ann"
    ),
    "-rw-r--r-- ann staff 77 Jun  1 09:00 no links": Entry(
        "no links", "file", 77, at(2024, 6, 1, 9), None, 0o644, None, "ann", "staff"
    ),
    "-rw-r--r-- ann 77 Jun  1 09:00 owner": Entry("owner", "file", 77, at(2024, 6, 1, 9), None, 0o644, None, "ann"),
    "-rw-r--r-- 77 Jun  1 09:00 size": Entry("size", "file", 77, at(2024, 6, 1, 9), None, 0o644),
    "-rw-r--r-- 1 ann Domain Users 77 Jun  1 09:00 wide": Entry(
        "wide", "file", 77, at(2024, 6, 1, 9), None, 0o644, 1, "ann", "Domain Users"
    ),
    # A name that looks like the columns before it
    "-rw-r--r-- 1 ann 77 Jun  1 09:00 5 Jun  2 10:00 x": Entry(
        "5 Jun  2 10:00 x", "file", 77, at(2024, 6, 1, 9), None, 0o644, 1, "ann"
    ),
    # Names with spaces and arrows
    "-rw-r--r-- 1 a b 0 Jun  1 09:00  two  and ": Entry(
        " two  and ", "file", 0, at(2024, 6, 1, 9), None, 0o644, 1, "a", "b"
    ),
    "-rw-r--r-- 1 a b 0 Jun  1  2020  x": Entry(" x", "file", 0, at(2020, 6, 1), None, 0o644, 1, "a", "b"),
    "-rw-r--r-- 1 a b 0 Jun  1 09:00 a -> b": Entry("a -> b", "file", 0, at(2024, 6, 1, 9), None, 0o644, 1, "a", "b"),
    "lrwxrwxrwx 1 a b 0 Jun  1 09:00 unread": Entry("unread", "link", 0, at(2024, 6, 1, 9), None, 0o777, 1, "a", "b"),
    # Devices, pipes, sockets, and what ls cannot tell
    "crw-rw-rw- 1 root root 1, 3 Jun  1 09:00 null": Entry(
        "null", "unknown", None, at(2024, 6, 1, 9), None, 0o666, 1, "root", "root"
    ),
    "brw-rw---- 1 root disk 8,   0 Jun  1 09:00 sda": Entry(
        "sda", "unknown", None, at(2024, 6, 1, 9), None, 0o660, 1, "root", "disk"
    ),
    "prw-r--r-- 1 a b 0 Jun  1 09:00 pipe": Entry("pipe", "unknown", 0, at(2024, 6, 1, 9), None, 0o644, 1, "a", "b"),
    "?rw-r--r-- 1 a b 0 Jun  1 09:00 gone": Entry("gone", "unknown", 0, at(2024, 6, 1, 9), None, 0o644, 1, "a", "b"),
    # Other dates
    "-rw-r--r-- 1 a b 5 2024-01-31 12:30 long-iso": Entry(
        "long-iso", "file", 5, at(2024, 1, 31, 12, 30), None, 0o644, 1, "a", "b"
    ),
    "-rw-r--r-- 1 a b 5 2024-01-31 12:30:59 seconds": Entry(
        "seconds", "file", 5, at(2024, 1, 31, 12, 30, 59), None, 0o644, 1, "a", "b"
    ),
    "-rw-r--r-- 1 a b 5 01-31 12:30 iso": Entry("iso", "file", 5, at(2024, 1, 31, 12, 30), None, 0o644, 1, "a", "b"),
    "-rw-r--r-- 1 a b 5 31 Jan 12:30 day first": Entry(
        "day first", "file", 5, at(2024, 1, 31, 12, 30), None, 0o644, 1, "a", "b"
    ),
    "-rw-r--r-- 1 a b 5  1 jan  2019 day first": Entry(
        "day first", "file", 5, at(2019, 1, 1), None, 0o644, 1, "a", "b"
    ),
    # NetWare
    "d [RWCEAFMS] supervisor            512 Jan 16 18:53    SYS VOL": Entry(
        "SYS VOL", "dir", 512, at(2024, 1, 16, 18, 53), owner="supervisor"
    ),
    "- [R----F--] guest              214059 Oct 20  2003    setup.exe": Entry(
        "setup.exe", "file", 214059, at(2003, 10, 20), owner="guest"
    ),
    "-[RWCEAFMS] guest 7 Oct 20  2003 x": Entry("x", "file", 7, at(2003, 10, 20), owner="guest"),
    # NetPresenz: a word in place of the links of a folder
    "drwxrwxr-x               folder        2 May 10  1996 network": Entry(
        "network", "dir", 2, at(1996, 5, 10), None, 0o775, None, "folder"
    ),
    # Full paths, as some servers answer LIST of a file
    "-rw-r--r-- 1 a b 5 Jun  1 09:00 /in/a.txt": Entry(
        "/in/a.txt", "file", 5, at(2024, 6, 1, 9), None, 0o644, 1, "a", "b"
    ),
}


@pytest.mark.parametrize("line", UNIX_LINES)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_unix_lines(line: str, end: str) -> None:
    """Every column that is there is read, and the name with all its spaces."""
    assert unix(line + end) == UNIX_LINES[line]
    assert read_listing([line + end], now=NOW).entries == (UNIX_LINES[line],)


@pytest.mark.parametrize(
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
        ("-rw-r--r-- 1 a b 5 Jum  1 09:00 x", "no size, date and name"),
        ("-rw-r--r-- 1 a b 123456789012345678901 Jun  1 09:00 x", "no size, date and name"),
        ("-rw-r--r-- 1 a b 5 Jun 31 09:00 x", "there is no date 'Jun 31 09:00'"),
        ("-rw-r--r-- 1 a b 5 Jun  1 24:00 x", "there is no date 'Jun  1 24:00'"),
        ("-rw-r--r-- 1 a b 5 Feb 29  2023 x", "there is no date 'Feb 29  2023'"),
        ("-rw-r--r-- 1 a b 5 Jun  1  0000 x", "there is no date 'Jun  1  0000'"),
        ("-wr-r--r-- 1 a b 5 Jun  1 09:00 x", "'wr-r--r--' is not a mode: 'w' cannot be where it is"),
        ("lrwxrwxrwx 1 a b 5 Jun  1 09:00  -> x", "it has no name"),
        ("- [R----F--] guest 7 Oct 20  2003    ", "it has no name"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00 x\ny", "CR, LF or NUL"),
        ("-rw-r--r-- 1 a b 5 Jun  1 09:00 x\0", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_unix(line: str, why: str) -> None:
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        unix(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


@pytest.mark.parametrize(
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
    """Nine letters are twelve bits; capital letters are without execution."""
    assert parse_unix_mode(text) == mode


@pytest.mark.parametrize("text", ["", "rwxrwxrw", "rwxrwxrwxx", "xwrrwxrwx", "rwtrwxrwx", "rwxrwxrws", "rwxrw-rw1"])
def test_what_is_no_mode(text: str) -> None:
    """Letters must be nine, each where it can be."""
    with pytest.raises(ReplySyntaxError, match="is not a mode"):
        parse_unix_mode(text)


@given(st.integers(0, 0o7777))
def test_modes_survive(mode: int) -> None:
    """All twelve bits come back from the letters of a line."""
    assert parse_unix_mode(unix_line(Entry("x", "file", mode=mode), now=NOW)[1:10]) == mode


@pytest.mark.parametrize(
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
    """The date is one on the wall of the given time zone, and so is the year that is nearest."""
    zone = timezone(timedelta(hours=-5))
    assert parse_ls_date("Jan  1 00:00", now=at(2024, 1, 1, 2), timezone=zone) == at(2024, 1, 1, 5)
    assert parse_ls_date("Jan  1  2000", now=NOW, timezone=zone) == at(2000, 1, 1, 5)


@pytest.mark.parametrize(
    "text", ["", "Jan", "Jan 1", "Jan 1 12", "Jum 1 2020", "Jan 32 2020", "13-01 12:00", "1-1 12:00"]
)
def test_what_is_no_date(text: str) -> None:
    """Dates that have another form or do not exist are refused by name."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_ls_date(text, now=NOW)
    assert repr(text) in str(refusal.value)


# IIS and Windows.

MSDOS_LINES = {
    # IIS, with two and four digits
    "02-03-24  04:05PM       <DIR>          inetpub": Entry("inetpub", "dir", None, at(2024, 2, 3, 16, 5)),
    "02-03-24  12:05AM                 1234 web.config": Entry("web.config", "file", 1234, at(2024, 2, 3, 0, 5)),
    "02-03-2024  12:05PM                 1234 web config": Entry("web config", "file", 1234, at(2024, 2, 3, 12, 5)),
    "12-31-99  11:59AM                    0 y2k": Entry("y2k", "file", 0, at(1999, 12, 31, 11, 59)),
    "12-31-70  11:59AM                    0 y": Entry("y", "file", 0, at(1970, 12, 31, 11, 59)),
    "12-31-69  11:59AM                    0 y": Entry("y", "file", 0, at(2069, 12, 31, 11, 59)),
    # The DIR command of Windows, and servers that copy it
    "02/03/2024  04:05 PM    <DIR>          Program Files": Entry("Program Files", "dir", None, at(2024, 2, 3, 16, 5)),
    "02/03/2024  04:05 PM         1,234,567 big.iso": Entry("big.iso", "file", 1234567, at(2024, 2, 3, 16, 5)),
    "02-03-2024  16:05                 1234 24 hours": Entry("24 hours", "file", 1234, at(2024, 2, 3, 16, 5)),
    "2-3-24  4:05p                 1234 short": Entry("short", "file", 1234, at(2024, 2, 3, 16, 5)),
    "02/03/2024  04:05 PM    <JUNCTION>     old [C:\\new dir]": Entry(
        "old", "link", None, at(2024, 2, 3, 16, 5), target="C:\\new dir"
    ),
    "02/03/2024  04:05 PM    <SYMLINKD>     sub": Entry("sub", "link", None, at(2024, 2, 3, 16, 5)),
    # Spaces and brackets belong to names
    "02-03-24  04:05PM       <DIR>            two": Entry("  two", "dir", None, at(2024, 2, 3, 16, 5)),
    "02-03-24  04:05PM       <DIR> near": Entry("near", "dir", None, at(2024, 2, 3, 16, 5)),
    "02-03-24  04:05PM                    5  a  b ": Entry(" a  b ", "file", 5, at(2024, 2, 3, 16, 5)),
    "02-03-24  04:05PM                    5 a [b]": Entry("a [b]", "file", 5, at(2024, 2, 3, 16, 5)),
}


@pytest.mark.parametrize("line", MSDOS_LINES)
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_msdos_lines(line: str, end: str) -> None:
    """Date, size or mark, and the name with all its spaces are read."""
    assert parse_msdos_line(line + end) == MSDOS_LINES[line]
    assert read_listing([line + end], now=NOW).entries == (MSDOS_LINES[line],)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>x", "needs date, time, size and name"),
        ("02-03-24  04:05PM       <DIR>          ", "it has no name"),
        ("02-03-24  04:05PM       <FOO>          x", "<FOO> is unknown"),
        ("02-03-24  04:05PM          5", "needs date, time, size and name"),
        ("02-03-24  04:05PM          123456789012345678901 x", "its size is too long"),
        ("02-03/24  04:05PM          5 x", "needs date, time, size and name"),
        ("02-03-024  04:05PM          5 x", "needs date, time, size and name"),
        ("13-03-24  04:05PM          5 x", "there is no such date"),
        ("02-30-24  04:05PM          5 x", "there is no such date"),
        ("02-03-0000  04:05PM          5 x", "there is no such date"),
        ("02-03-24  13:05PM          5 x", "there is no such date"),
        ("02-03-24  24:05          5 x", "there is no such date"),
    ],
)
def test_lines_that_are_not_msdos(line: str, why: str) -> None:
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_msdos_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


def test_msdos_lines_have_a_time_zone() -> None:
    """The date is one on the wall of the given time zone."""
    zone = timezone(timedelta(hours=9))
    assert parse_msdos_line("01-01-24  09:00AM    5 x", timezone=zone).modify == at(2024, 1, 1)


# EPLF, as publicfile has it.

EPLF_LINES = {
    "+i2049.77,m1717200000,r,s640,\tnotes.html": Entry("notes.html", "file", 640, 1717200000.0, unique="2049.77"),
    "+i2049.78,m1717200000,/,\t..": Entry("..", "dir", None, 1717200000.0, unique="2049.78"),
    "+m-5,r,/,\tboth": Entry("both", "dir", None, -5.0),
    "+\tnothing": Entry("nothing", "unknown"),
    "+r,up644,xyz,i,\t a\tb ": Entry(" a\tb ", "file", mode=0o644, facts=(("x", "yz"), ("i", ""))),
    "+,r\tcommas": Entry("commas", "file"),
}


@pytest.mark.parametrize("line", EPLF_LINES)
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_eplf_lines(line: str, end: str) -> None:
    """Facts are read in any order, unknown ones are kept, and the name begins behind the first tab."""
    assert parse_eplf_line(line + end) == EPLF_LINES[line]
    assert read_listing([line + end], now=NOW).entries == (EPLF_LINES[line],)


@pytest.mark.parametrize(
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
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_eplf_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


# MLSD and MLST.

MLSX_LINES = {
    # ProFTPD
    "modify=20240203160500;perm=adfrw;size=640;type=file;unique=801U4D;UNIX.group=100;UNIX.groupname=users;"
    "UNIX.mode=0644;UNIX.owner=1000; notes.html": Entry(
        "notes.html",
        "file",
        640,
        at(2024, 2, 3, 16, 5),
        mode=0o644,
        owner="1000",
        group="100",
        unique="801U4D",
        perm="adfrw",
        facts=(("UNIX.groupname", "users"),),
    ),
    "type=OS.unix=symlink;perm=adfrw; link": Entry("link", "link", perm="adfrw"),
    # Pure-FTPd
    "type=dir;sizd=4096;modify=20240203160500;UNIX.mode=0755; pub": Entry(
        "pub", "dir", None, at(2024, 2, 3, 16, 5), mode=0o755, facts=(("sizd", "4096"),)
    ),
    # FileZilla Server and IIS
    "type=file;modify=20240203160500.125;size=5;perm=awr; a;b=c d ": Entry(
        "a;b=c d ", "file", 5, at(2024, 2, 3, 16, 5) + 0.125, perm="awr"
    ),
    # aioftp
    "Size=0;Create=20240203160500;Modify=20240203160500;Type=dir; ": Entry(
        "", "dir", 0, at(2024, 2, 3, 16, 5), at(2024, 2, 3, 16, 5)
    ),
    # RFC 3659 7.7
    "Type=cdir;Perm=el;Unique=keVO1+ZF4; /tmp": Entry("/tmp", "cdir", perm="el", unique="keVO1+ZF4"),
    "Type=OS.unix=slink:/foobar;Perm=; foobar": Entry("foobar", "link", target="/foobar", perm=""),
    "Type=OS.unix=chr-13/29; device": Entry("device", "unknown", facts=(("Type", "OS.unix=chr-13/29"),)),
    "Media-Type=text/plain;Lang=x=y; text": Entry(
        "text", "unknown", facts=(("Media-Type", "text/plain"), ("Lang", "x=y"))
    ),
    "TYPE=PDIR;unix.MODE=0100755; ..": Entry("..", "pdir", mode=0o755),
}


@pytest.mark.parametrize("line", MLSX_LINES)
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_mlsx_lines(line: str, end: str) -> None:
    """Facts are read in any case and order, with or without the space of MLST; those without a field are kept."""
    assert parse_mlsx_line(line + end) == MLSX_LINES[line]
    assert parse_mlsx_line(f" {line}{end}") == MLSX_LINES[line]
    assert read_listing([line + end], now=NOW).entries == (MLSX_LINES[line],)


@pytest.mark.parametrize(
    ("line", "name"), [(" x", "x"), ("  x ", " x "), (" a;b c", "a;b c"), (" a=b;c", "a=b;c"), (" a=b; ", "")]
)
def test_mlsx_lines_without_facts(line: str, name: str) -> None:
    """A space and a name are an entry without facts, unless they look like facts."""
    assert parse_mlsx_line(line).name == name


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "facts with semicolons"),
        ("x", "facts with semicolons"),
        ("type=file x", "facts with semicolons"),
        ("type=file;", "facts with semicolons"),
        ("type=file;x y", "facts with semicolons"),
        ("=file; y", "facts with semicolons"),
        ("type=file;;size=5; x", "facts with semicolons"),
        ("type=file; x\ry", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_mlsx(line: str, why: str) -> None:
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_mlsx_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


# All of them.


def test_facts_that_cannot_be_read_are_unknown() -> None:
    """An empty value is left out, one that cannot be read is kept as it was sent; the entry is there (RFC 3659 7.2)."""
    for facts, kept in {
        "size=": (),
        "modify=": (),
        "UNIX.owner=": (),
        "type=": (),
        "x=": (),
        "size=x": (("size", "x"),),
        "Size=-1": (("Size", "-1"),),
        "size=123456789012345678901": (("size", "123456789012345678901"),),
        "UNIX.mode=0888": (("UNIX.mode", "0888"),),
        "modify=20230229000000": (("modify", "20230229000000"),),
        "create=now": (("create", "now"),),
    }.items():
        assert parse_mlsx_line(f"{facts};perm=; a b") == Entry("a b", "unknown", perm="", facts=kept), facts


# All of them.


def test_what_is_not_read_is_told() -> None:
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


def test_what_mlsd_sent_is_read() -> None:
    """Odd facts and line ends cost no entry, and what is no line of MLSD is told."""
    reading = read_mlsx_listing(
        ["type=file;size=;modify=20240101000000; a\r\r\n", "type=file;size=5;modify=; b\r\n", "c"]
    )
    assert reading.entries == (Entry("a", "file", modify=at(2024, 1, 1)), Entry("b", "file", 5))
    assert reading.unread == (UnreadLine("c", "it has no known form"),)


PARSERS: list[Callable[[str], object]] = [
    unix,
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
    """A line of a listing with a piece of it replaced by something else."""
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
def test_any_clock_will_do(line: str, now: float) -> None:
    """A clock that is far off moves dates without a year, and breaks nothing."""
    read_listing([line], now=now, timezone=timezone(timedelta(hours=-14)))


@pytest.mark.parametrize("filler", [" ", "1 ", "a ", "5 Jan 1 12:00 ", "a=b;", ","])
def test_long_lines_are_read_at_once(filler: str) -> None:
    """A line of many kilobytes takes no longer than one may expect of its length; the time limit of tests tells."""
    long = filler * (20_000 // len(filler))
    for line in (f"-rw-r--r-- {long}", f"-rw-r--r-- 1 a b 5 {long}", f"02-03-24  04:05PM {long}", f"+{long}", long):
        assert not read_listing([f"{line}\0"], now=NOW).entries
        read_listing([line], now=NOW)
