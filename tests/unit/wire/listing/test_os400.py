"""Listings of IBM i (OS/400)."""

from __future__ import annotations

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from tests.support.listings import LISTINGS, NOW, at


def test_as400() -> None:
    """Type, name, size and date of IBM i are read; one date of the listing decides the order of all."""
    assert read_listing(LISTINGS["AS/400"], now=NOW).entries == (
        Entry("reports", "dir", 77824, at(2000, 2, 23, 15, 9, 55), owner="QSYS"),
        Entry("month end.csv", "file", 135168, at(2003, 5, 23, 10, 12, 44), owner="QPGMR"),
        Entry("QCLSRC.PAYROLL", "file", owner="QPGMR"),
        Entry("BACKUP", "file", 36864, at(2001, 4, 24, 8, 0, 1), owner="QSECOFR"),
        Entry("anonymous.txt", "file", 4096, at(2001, 4, 24, 8, 0, 1)),
    )


def test_as400_lines() -> None:
    """Single lines are read; an object that is neither file nor directory has the type "unknown"."""
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
