"""Listings of MVS: data sets, and members of a partitioned data set."""

from __future__ import annotations

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from tests.support.listings import LISTINGS, NOW, at


def test_mvs_data_sets() -> None:
    """The organization is file or directory; tracks are no size, and the date of use is no time of modification."""
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
    """Members have statistics, attributes of a load module, or only a name."""
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
