"""Listings of OpenVMS, with entries on one or two lines."""

from __future__ import annotations

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from tests.support.listings import LISTINGS, NOW, at, listed


def test_openvms() -> None:
    """Names keep their versions, directories lose their suffix, and long names have their columns on the next line."""
    assert read_listing(LISTINGS["OpenVMS"], now=NOW).entries == (
        Entry("NOTES.TXT;3", "file", modify=at(1998, 6, 2, 7, 32, 4), owner="GROUP,OWNER"),
        Entry("TOOLS", "dir", modify=at(2001, 11, 19, 21, 41, 12) + 0.07, owner="SYSTEM"),
        Entry(
            "A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.DAT;12", "file", modify=at(2013, 4, 28, 23, 12, 59), owner="OPS,MIA"
        ),
        Entry("SECRET.DAT;1", "file"),
    )


def test_openvms_lines() -> None:
    """MultiNet, TCP/IP Services and others have different columns, or none."""
    day = at(2019, 3, 4)
    for lines, entries in {
        ("A.TXT;1  4-MAR-2019 00:00 5/6",): [("A.TXT;1", "file", None, day)],
        ("A.TXT;1 5 4-MAR-2019 00:00",): [("A.TXT;1", "file", None, day)],
        ("A.DIR;1 5 4-MAR-2019 00:00 [A,B] (RWED,,,)",): [("A", "dir", None, day)],
        ("a.dir;32767 5 4-mar-2019 00:00:00.00 [A]",): [("a", "dir", None, day)],
        ("A.DIR.TXT;1 5 4-MAR-2019 00:00",): [("A.DIR.TXT;1", "file", None, day)],
        ("README.;1 5 4-MAR-2019 00:00",): [("README.;1", "file", None, day)],
        ("FILE.DAT;1", "64   4-MAR-2019 00:00 [USR,GRP] (RWED,RWED,RWED,R)"): [("FILE.DAT;1", "file", None, day)],
        ("A.TXT;2 no privilege for attempted operation",): [("A.TXT;2", "file", None, None)],
        ("A.TXT;2 5 4-MAR-2019 00:00", "A.TXT;1 5 4-MAR-2019 00:00"): [
            ("A.TXT;2", "file", None, day),
            ("A.TXT;1", "file", None, day),
        ],
        ("%DIRECT-W-NOFILES, no files found",): [],
        ("Directory DKA0:[X]", "", "A.TXT;1 5 4-MAR-2019 00:00", "", "Total of 1 file, 5/6 blocks."): [
            ("A.TXT;1", "file", None, day)
        ],
    }.items():
        assert listed(lines, NOW) == entries, lines


def test_openvms_lines_that_are_not_read() -> None:
    """A name without columns, columns without a name, and entries of other directories are unread."""
    for lines, unread in {
        ("A.TXT;1",): ["A.TXT;1"],
        ("A.TXT;1", "B.TXT;1 5 4-MAR-2019 00:00"): ["A.TXT;1"],
        ("   5 4-MAR-2019 00:00",): ["   5 4-MAR-2019 00:00"],
        ("A.TXT;1 5 31-FEB-2019 00:00",): ["A.TXT;1 5 31-FEB-2019 00:00"],
        ("A.TXT 5 4-MAR-2019 00:00",): ["A.TXT 5 4-MAR-2019 00:00"],
        ("Directory D:[X]", "A.TXT;1 5 4-MAR-2019 00:00", "", "Directory D:[X.Y]", "B.TXT;1 5 4-MAR-2019 00:00"): [
            "B.TXT;1 5 4-MAR-2019 00:00"
        ],
        ("%RMS-E-FNF, file not found",): ["%RMS-E-FNF, file not found"],
    }.items():
        assert [line.line for line in read_listing(lines, now=NOW).unread] == unread, lines


def test_openvms_lines_elsewhere() -> None:
    """The second half of an entry is read only directly below the first, and only in a listing of OpenVMS."""
    name, columns = "A.TXT;1", "     5 4-MAR-2019 00:00"
    heading, *_ = LISTINGS["z/OS data sets"]
    there = ("Directory D:[X]", "B.TXT;1 5 4-MAR-2019 00:00", "", "Directory D:[X.Y]")
    for lines in ((heading, name, columns), (name, "", columns), (columns, name), (*there, name, columns)):
        assert {line.line for line in read_listing(lines, now=NOW).unread} == {name, columns}, lines
