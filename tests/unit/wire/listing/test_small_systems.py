"""Listings of small systems: VxWorks and OS/2; and the order of the parts of a date."""

from __future__ import annotations

from ftpfixture.wire.listing import read_listing
from tests.support.listings import LISTINGS, NOW, at, listed


def test_orders_of_dates() -> None:
    """The order of numbers that puts every date of the listing into the past is taken."""
    line = "QSYS 1 {} 10:00:00 *STMF      x"
    for dates, days in {
        ("02/03/04",): [at(2004, 2, 3, 10)],
        ("02/03/04", "23/03/04"): [at(2004, 3, 2, 10), at(2004, 3, 23, 10)],
        ("02/03/04", "03/23/04"): [at(2004, 2, 3, 10), at(2004, 3, 23, 10)],
        ("02/03/04", "99/12/31"): [at(2002, 3, 4, 10), at(1999, 12, 31, 10)],
        ("09/05/24",): [at(2024, 5, 9, 10)],  # September is in the future
    }.items():
        assert [modify for *_, modify in listed(map(line.format, dates), NOW)] == days, dates


def test_vxworks() -> None:
    """The mark of a directory follows its name, and is not part of it."""
    assert listed(LISTINGS["VxWorks"], NOW) == [
        (".", "dir", 512, at(1980, 1, 1)),
        ("boot files", "dir", 512, at(2003, 3, 14, 10, 20, 30)),
        ("vxWorks.st", "file", 93107, at(1999, 2, 5, 12, 10, 4)),
    ]
    for line, name, kind in (
        ("        0    JAN-01-1980  00:00:00   <DIR>", "<DIR>", "file"),
        ("        0    JAN-01-1980  00:00:00   a<DIR>", "a<DIR>", "file"),
        ("        0    JAN-01-1980  00:00:00   a <DIR>  ", "a", "dir"),
        ("        0    Jan-01-1980  00:00:00   a ", "a ", "file"),
        ("4294967296 jan-01-1980 00:00:00 <DIR> b", "<DIR> b", "file"),
    ):
        assert [(found, of) for found, of, *_ in listed([line, "value = 0 = 0x0"], NOW)] == [(name, kind)], line
    for line in (
        "0 JAN-32-1980 00:00:00 x",
        "0 JAN-01-1980 00:00:00 ",
        "0 JAN-01-1980 00:00 x",
        "0 JAM-01-1980 00:00:00 x",
    ):
        assert len(read_listing([line], now=NOW).unread) == 1, line


def test_os2() -> None:
    """Attributes may be missing, and years count on after 99."""
    assert listed(LISTINGS["OS/2"], NOW) == [
        ("Desktop", "dir", 0, at(1995, 4, 24, 14, 31)),
        ("READ ME", "file", 7098, at(1997, 6, 30, 9, 5)),
        ("EA DATA. SF", "file", 512, at(2003, 11, 2, 23, 59)),
    ]
    for line, entry in {
        "  1  DIR A  10-05-100  23:38  x": ("x", "dir", 1, at(2000, 10, 5, 23, 38)),
        "  1  A DIR  10-05-00  23:38  x": ("x", "dir", 1, at(2000, 10, 5, 23, 38)),
        "  1  10-05-2000  23:38  x  y": ("x  y", "file", 1, at(2000, 10, 5, 23, 38)),
        "1 R 10-05-00 23:38 10-05-00": ("10-05-00", "file", 1, at(2000, 10, 5, 23, 38)),
    }.items():
        assert listed([line], NOW) == [entry], line
    for line in ("1 X 10-05-00 23:38 x", "1 A 13-05-00 23:38 x", "1 A 10-05-00 23:38", "A 10-05-00 23:38 x"):
        assert len(read_listing([line], now=NOW).unread) == 1, line
