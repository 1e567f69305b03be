"""Files and names that clients transfer, and the check of a transfer in the log."""

from __future__ import annotations

import hashlib
import random
import socket

import pytest

from ftpfixture import FtpServer
from ftpfixture.log.records import TransferRecord

__all__ = [
    "BREAKING",
    "HOSTILE",
    "LARGE",
    "MODIFIED",
    "NAMES",
    "TEXT",
    "TREE",
    "UNDECODABLE",
    "below",
    "check",
    "needs_ipv6",
    "transfer",
]

LARGE = random.Random(5).randbytes(5 * 1024 * 1024 + 3)
TEXT = b"one\ntwo\n\nfour\n"
MODIFIED = 1_600_000_000.0  # 2020-09-13 12:26:40 UTC

TREE: dict[str, bytes | None] = {
    "/tree/a.txt": b"alpha\n",
    "/tree/empty.bin": b"",
    "/tree/hollow/": None,
    "/tree/sub/with space.bin": bytes(range(256)),
    "/tree/sub/deep/\u00fcn\u00efc\u00f6de \u65e5\u672c.txt": b"names\n",
}

NAMES = [
    "with  two spaces.txt",
    'quo"te.txt',
    "apo'strophe.txt",
    "semi;type=x;size=1; colon.txt",
    "\u00fcn\u00efc\u00f6de \u65e5\u672c \U0001f600.txt",
    "-dash.txt",
    "#hash&amp%41+plus.txt",
    "back\\slash.txt",
    "[brackets]{}~.txt",
    ".hidden",
]

HOSTILE = [
    "a -> b.txt",
    "-rw-r--r-- 1 root root 5 Jan  1  2020 fake.txt",
    "type=dir;size=5; fake.txt",
    "226 Transfer complete.txt",
    "12345.txt",
    "total 5",
    "tab\there.txt",
]
BREAKING = "two\r\nlines.txt"  # cannot be sent in a listing, so it is left out

UNDECODABLE = "caf\udce9 \udcff.txt"  # bytes E9 and FF, which are not valid UTF-8 here


def below(top: str) -> dict[str, bytes]:
    """The files of TREE below a directory, by relative path."""
    prefix = top.rstrip("/") + "/"
    return {
        path.removeprefix(prefix): data for path, data in TREE.items() if data is not None and path.startswith(prefix)
    }


def transfer(server: FtpServer, verb: str, number: int = -1) -> TransferRecord:
    """The last transfer of a verb, or another one by `number`."""
    return [record for record in server.log.transfers if record.verb == verb][number]


def check(record: TransferRecord, data: bytes, *, mode: str = "passive", offset: int = 0, kind: str = "I") -> None:
    """Check a transfer against the bytes that must have been sent."""
    __tracebackhide__ = True
    direction = "upload" if record.verb in ("STOR", "STOU", "APPE") else "download"
    assert record.completed, record.error
    assert (record.direction, record.mode, record.offset) == (direction, mode, offset)
    assert (record.transfer_type, record.size) == (kind, len(data))
    assert record.sha256 == hashlib.sha256(data).hexdigest()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")
