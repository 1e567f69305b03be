"""Listings of systems that are neither Unix nor Windows."""

from __future__ import annotations

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from tests.support.listings import LISTINGS, NOW, at, told


def test_as400() -> None:
    """Type, name, size and date of IBM i; one date of the listing tells the order of all."""
    assert read_listing(LISTINGS["AS/400"], now=NOW).entries == (
        Entry("reports", "dir", 77824, at(2000, 2, 23, 15, 9, 55), owner="QSYS"),
        Entry("month end.csv", "file", 135168, at(2003, 5, 23, 10, 12, 44), owner="QPGMR"),
        Entry("QCLSRC.PAYROLL", "file", owner="QPGMR"),
        Entry("BACKUP", "file", 36864, at(2001, 4, 24, 8, 0, 1), owner="QSECOFR"),
        Entry("anonymous.txt", "file", 4096, at(2001, 4, 24, 8, 0, 1)),
    )


def test_as400_lines() -> None:
    """Each line alone; what is known to be neither file nor directory has the type "unknown"."""
    for line, entry in {
        "QSYS            77824 02/23/00 15:09:55 *STMF      data.csv": ("data.csv", "file", 77824, "QSYS"),
        "QSYS            77824 02/23/00 15:09:55 *DIR       reports/": ("reports", "dir", 77824, "QSYS"),
        "QSYS            77824 23.02.00 15.09.55 *DIR       no slash": ("no slash", "dir", 77824, "QSYS"),
        "QSYS            77824 23/02/2000 15:09:55 *LIB       QGPL/": ("QGPL", "dir", 77824, "QSYS"),
        "QSYS                  02-23-00 15:09:55 *FLR       QDLS": ("QDLS", "dir", None, "QSYS"),
        "QPGMR                                   *MEM       QCLSRC.PAYROLL": ("QCLSRC.PAYROLL", "file", None, "QPGMR"),
        "QPGMR          135168 02,23,00 15:09:55 *FILE      QCLSRC": ("QCLSRC", "file", 135168, "QPGMR"),
        "QPGMR          135168 02/23/00 15:09:55 *FILE      QCLSRC/": ("QCLSRC", "dir", 135168, "QPGMR"),
        "QPGMR           40960 02/23/00 15:09:55 *PGM       PAYROLL": ("PAYROLL", "unknown", 40960, "QPGMR"),
        "                40960 02/23/00 15:09:55 *STMF      anonymous": ("anonymous", "file", 40960, None),
        "QSYS            77824 02/23/00 15:09:55 *STMF       two  spaces": (" two  spaces", "file", 77824, "QSYS"),
    }.items():
        reading = read_listing([line], now=NOW)
        assert [(e.name, e.type, e.size, e.owner) for e in reading.entries] == [entry], line
        assert reading.entries[0].modify in (None, at(2000, 2, 23, 15, 9, 55)), line


def test_orders_of_dates() -> None:
    """What only one order of numbers makes a date of the past in every line is that order."""
    line = "QSYS 1 {} 10:00:00 *STMF      x"
    for dates, days in {
        ("02/03/04",): [at(2004, 2, 3, 10)],
        ("02/03/04", "23/03/04"): [at(2004, 3, 2, 10), at(2004, 3, 23, 10)],
        ("02/03/04", "03/23/04"): [at(2004, 2, 3, 10), at(2004, 3, 23, 10)],
        ("02/03/04", "99/12/31"): [at(2002, 3, 4, 10), at(1999, 12, 31, 10)],
        ("09/05/24",): [at(2024, 5, 9, 10)],  # September is still to come
    }.items():
        assert [modify for *_, modify in told(map(line.format, dates), NOW)] == days, dates


def test_openvms() -> None:
    """Names keep their versions, directories lose what makes them one, and long names have their columns below."""
    assert read_listing(LISTINGS["OpenVMS"], now=NOW).entries == (
        Entry("NOTES.TXT;3", "file", modify=at(1998, 6, 2, 7, 32, 4), owner="GROUP,OWNER"),
        Entry("TOOLS", "dir", modify=at(2001, 11, 19, 21, 41, 12) + 0.07, owner="SYSTEM"),
        Entry(
            "A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.DAT;12", "file", modify=at(2013, 4, 28, 23, 12, 59), owner="OPS,MIA"
        ),
        Entry("SECRET.DAT;1", "file"),
    )


def test_openvms_lines() -> None:
    """MultiNet, TCP/IP Services and others put their columns in different places, and may have none."""
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
        assert told(lines, NOW) == entries, lines


def test_openvms_lines_that_are_not_read() -> None:
    """A name whose columns are missing, columns without a name, and what is in other directories."""
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
    """Only below its own line is the second half of an entry one, and only where entries of OpenVMS can be."""
    name, columns = "A.TXT;1", "     5 4-MAR-2019 00:00"
    heading, *_ = LISTINGS["z/OS data sets"]
    there = ("Directory D:[X]", "B.TXT;1 5 4-MAR-2019 00:00", "", "Directory D:[X.Y]")
    for lines in ((heading, name, columns), (name, "", columns), (columns, name), (*there, name, columns)):
        assert {line.line for line in read_listing(lines, now=NOW).unread} == {name, columns}, lines


def test_mvs_data_sets() -> None:
    """Organizations tell files from directories; sizes in tracks and dates of use are not told as what they are not."""
    heading, *_ = LISTINGS["z/OS data sets"]
    for line, entry in {
        "PRD001 3390   2024/05/02  1    2  FB      80 27920  PS  MIA.LETTERS.TEXT": ("MIA.LETTERS.TEXT", "file"),
        "PRD002 3390   2024/06/11  3   45  VB     255 27998  PO  MIA.SOURCE.COBOL  ": ("MIA.SOURCE.COBOL", "dir"),
        "PRD002 3390   2024/06/11  1    1  FB      80  3120  PO-E MIA.SOURCE.PDSE": ("MIA.SOURCE.PDSE", "dir"),
        "PRD003 3390   **NONE**    1   15  U        0  6144  PO  MIA.LOADLIB": ("MIA.LOADLIB", "dir"),
        "PRD004 3390   2024/01/31 123 4567 FB     133 13300  DA  MIA.DIRECT": ("MIA.DIRECT", "file"),
        "PRD005 3390   2024/01/31  1213000 U        0 27998  PO  MIA.GLUED": ("MIA.GLUED", "dir"),
        "PRD006 3390   2024/01/31  1+++++ FB       80 27920  PS  MIA.HUGE": ("MIA.HUGE", "file"),
        "PRD007 3390   VSAM                                      MIA.CLUSTER": ("MIA.CLUSTER", "unknown"),
        "Migrated                                                MIA.OLD.LEDGER": ("MIA.OLD.LEDGER", "unknown"),
        "TAPE01 Not Direct Access Device                         MIA.ON.TAPE": ("MIA.ON.TAPE", "unknown"),
        "Error determining attributes                            MIA.BROKEN": ("MIA.BROKEN", "unknown"),
        "Pseudo Directory                                        MIA.TEST": ("MIA.TEST", "dir"),
    }.items():
        assert read_listing([heading, line], now=NOW).entries == (Entry(*entry),), line
        assert read_listing([line], now=NOW).entries == (), line
        assert len(read_listing([line], now=NOW).unread) == 1, line


def test_mvs_members() -> None:
    """Members have statistics, attributes of a load module, or nothing but a name."""
    source, *_ = LISTINGS["z/OS members"]
    load = " Name      Size     TTR     Alias-of AC --------- Attributes --------- Amode Rmode"
    created, changed = at(2019, 3, 4), at(2024, 5, 30, 16, 21)
    for heading, line, entry in (
        (
            source,
            " PAYROLL   01.07 2019/03/04 2024/05/30 16:21   118    90     0 MIA",
            Entry("PAYROLL", "file", None, changed, created, owner="MIA"),
        ),
        (
            source,
            " $$INDEX#  01.07 2019/03/04 2024/05/30 16:21:30   118    90     0 MIA     ",
            Entry("$$INDEX#", "file", None, changed + 30, created, owner="MIA"),
        ),
        (source, " SHORT", Entry("SHORT", "file")),
        (source, "@X       ", Entry("@X", "file")),
        (source, "total", Entry("total", "file")),
        (
            load,
            " CBLDBG   0009E8   000217          00 FO             RN RU            31    ANY",
            Entry("CBLDBG", "file"),
        ),
        (
            load,
            " CBLRUN   0009E8   000217 CBLDBG   00 FO             RN RU            31    ANY",
            Entry("CBLRUN", "file"),
        ),
        (load, " SHORT", Entry("SHORT", "file")),
    ):
        assert read_listing([heading, line], now=NOW).entries == (entry,), line
    for line in (
        " TOOLONGNAME",
        " A B",
        " PAYROLL 01.07 2019/03/04",
        " PAYROLL 01.07 2019/13/04 2024/05/30 16:21 1 1 0 MIA",
    ):
        assert [unread.line for unread in read_listing([source, line], now=NOW).unread] == [line]


def test_vxworks() -> None:
    """The mark of a directory stands behind its name, and is no part of it."""
    assert told(LISTINGS["VxWorks"], NOW) == [
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
        assert [(found, of) for found, of, *_ in told([line, "value = 0 = 0x0"], NOW)] == [(name, kind)], line
    for line in (
        "0 JAN-32-1980 00:00:00 x",
        "0 JAN-01-1980 00:00:00 ",
        "0 JAN-01-1980 00:00 x",
        "0 JAM-01-1980 00:00:00 x",
    ):
        assert len(read_listing([line], now=NOW).unread) == 1, line


def test_os2() -> None:
    """Attributes may be missing, and years go on counting after 99."""
    assert told(LISTINGS["OS/2"], NOW) == [
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
        assert told([line], NOW) == [entry], line
    for line in ("1 X 10-05-00 23:38 x", "1 A 13-05-00 23:38 x", "1 A 10-05-00 23:38", "A 10-05-00 23:38 x"):
        assert len(read_listing([line], now=NOW).unread) == 1, line
