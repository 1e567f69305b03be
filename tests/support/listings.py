"""Lines of real servers' listings, and what must be read from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ftpfixture.wire.listing import read_listing
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.format import Clock
from ftpfixture.wire.listing.mlsx import MLSX

__all__ = [
    "EPLF_LINES",
    "LISTINGS",
    "MLSX_LINES",
    "MSDOS_LINES",
    "NOW",
    "UNIX_LINES",
    "at",
    "listed",
    "parse_mlsx_line",
]


def at(*numbers: int) -> float:
    """POSIX seconds of a time in UTC."""
    return datetime(*numbers, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def listed(lines: Iterable[str], now: float) -> list[tuple[str, str, int | None, float | None]]:
    """Return name, type, size and time of all entries of a listing without unread lines."""
    reading = read_listing(lines, now=now)
    assert reading.unread == ()
    return [(entry.name, entry.type, entry.size, entry.modify) for entry in reading.entries]


def parse_mlsx_line(line: str) -> Entry:
    """Return the entry of one line of MLSD."""
    return MLSX.read_line(line, Clock())


NOW = at(2024, 6, 15, 12, 0)
"""When these lines were sent."""

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
"""Lines of ``ls -l`` and its copies, each to its entry."""

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
"""Lines of IIS and of the DIR command."""

# As publicfile has it.
EPLF_LINES = {
    "+i2049.77,m1717200000,r,s640,\tnotes.html": Entry("notes.html", "file", 640, 1717200000.0, unique="2049.77"),
    "+i2049.78,m1717200000,/,\t..": Entry("..", "dir", None, 1717200000.0, unique="2049.78"),
    "+m-5,r,/,\tboth": Entry("both", "dir", None, -5.0),
    "+\tnothing": Entry("nothing", "unknown"),
    "+r,up644,xyz,i,\t a\tb ": Entry(" a\tb ", "file", mode=0o644, facts=(("x", "yz"), ("i", ""))),
    "+,r\tcommas": Entry("commas", "file"),
    "+/,m824255907,i1.2,\tsrc": Entry("src", "dir", None, 824255907.0, unique="1.2"),
    "+s0,r,m0,\tempty": Entry("empty", "file", 0, 0.0),
    "+r,s10376,m824255907,up644,\t100% done.txt": Entry("100% done.txt", "file", 10376, 824255907.0, mode=0o644),
    "+i7.31,m839956783,r,s2,\tREADME": Entry("README", "file", 2, 839956783.0, unique="7.31"),
}
"""Lines of the easily parsed LIST format."""

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
    # ProFTPD with users of a Windows domain
    "modify=20240203160500;UNIX.groupname=domain users;UNIX.mode=0777;UNIX.owner=DOM mia; a; b": Entry(
        "a; b",
        "unknown",
        modify=at(2024, 2, 3, 16, 5),
        mode=0o777,
        owner="DOM mia",
        facts=(("UNIX.groupname", "domain users"),),
    ),
    # Values that are empty, as RFC 3659 7.2 has it
    "type=file;size=;modify=20240101000000; a": Entry("a", "file", modify=at(2024, 1, 1)),
    "type=file;size=5;modify=; a": Entry("a", "file", 5),
    # RFC 3659 7.7
    "Type=cdir;Perm=el;Unique=keVO1+ZF4; /tmp": Entry("/tmp", "cdir", perm="el", unique="keVO1+ZF4"),
    "Type=OS.unix=slink:/foobar;Perm=; foobar": Entry("foobar", "link", target="/foobar", perm=""),
    "Type=OS.unix=chr-13/29; device": Entry("device", "unknown", facts=(("Type", "OS.unix=chr-13/29"),)),
    "Media-Type=text/plain;Lang=x=y; text": Entry(
        "text", "unknown", facts=(("Media-Type", "text/plain"), ("Lang", "x=y"))
    ),
    "TYPE=PDIR;unix.MODE=0100755; ..": Entry("..", "pdir", mode=0o755),
}
"""Lines of MLSD and MLST."""

LISTINGS: dict[str, list[str]] = {
    "NetWare": [
        "total 0",
        "- [RWCEAFMS] mia                         2048 Nov 11 14:08 ledger.dat",
        "d [R----F--] supervisor                   512 Jan 16 18:53 login",
        "d [RWCEMFA-] guest                        512 Mar  1  2022 my pub",
        "d [RWCEAFMS] supervisor                   512 Jun 15 09:00 SYS VOL",
        "- [-R--F---] 1000                 1099511627776 Feb 29 10:11 disk.img",
    ],
    "ls -R": [".:", "total 4", "drwxr-xr-x 2 a b 4096 Jun  1 09:00 sub", "", "./sub:", "total 0"],
    "AS/400": [
        "QSYS            77824 02/23/00 15:09:55 *DIR       reports/",
        "QPGMR          135168 05/23/03 10:12:44 *STMF      month end.csv",
        "QPGMR                                   *MEM       QCLSRC.PAYROLL",
        "QSECOFR         36864 04/24/01 08:00:01 *FILE      BACKUP",
        "                 4096 04/24/01 08:00:01 *STMF      anonymous.txt",
    ],
    "OpenVMS": [
        "Directory DKA0:[PUB]",
        "",
        "NOTES.TXT;3   4/9   2-JUN-1998 07:32:04  [GROUP,OWNER]  (RWED,RWED,RE,)",
        "TOOLS.DIR;1              1/3          19-NOV-2001 21:41:12.07 [SYSTEM]   (RWE,RWE,RE,RE)",
        "A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.DAT;12",
        "                       102/104      28-APR-2013 23:12:59  [OPS,MIA]    (RWED,RWED,RWED,R)",
        "SECRET.DAT;1   %RMS-E-PRV, insufficient privilege or file protection violation",
        "",
        "Total of 4 files, 107/116 blocks.",
    ],
    "z/OS data sets": [
        "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
        "PRD001 3390   2024/05/02  1    2  FB      80 27920  PS  MIA.LETTERS.TEXT",
        "PRD002 3390   2024/06/11  3   45  VB     255 27998  PO  MIA.SOURCE.COBOL",
        "Migrated                                                MIA.OLD.LEDGER",
    ],
    "z/OS members": [
        " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
        " PAYROLL   01.07 2019/03/04 2024/05/30 16:21   118    90     0 MIA",
        " SHORT",
    ],
    "VxWorks": [
        "  size          date       time       name",
        "--------       ------     ------    --------",
        "    512    JAN-01-1980  00:00:00   .                 <DIR>",
        "    512    MAR-14-2003  10:20:30   boot files        <DIR>",
        "  93107    FEB-05-1999  12:10:04   vxWorks.st",
    ],
    "OS/2": [
        "     0           DIR   04-24-95   14:31  Desktop",
        "  7098      A          06-30-97    9:05  READ ME",
        "   512      AHRS       11-02-103  23:59  EA DATA. SF",
    ],
    "DIR": [
        " Volume in drive C is SYSTEM",
        " Volume Serial Number is 1A2B-3C4D",
        "",
        " Directory of C:\\ftp",
        "",
        "26/07/2018  13:11    <DIR>          sub dir",
        "01/08/2018  09:05             1.204 a b.txt",
        "               1 File(s)          1.204 bytes",
        "               1 Dir(s)   8.112.128 bytes free",
    ],
}
"""Whole listings, by the system that they are from."""
