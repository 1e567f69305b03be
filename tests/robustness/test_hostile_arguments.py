"""Invalid arguments of commands: each gets the right reply, over every path layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ftpfixture import AsyncPathIO, FtpServer, MemoryPathIO, PathIO, User
from tests.support.raw import RawClient

HUGE = "9" * 5000  # Python's int() refuses more than 4300 digits
BEYOND = str(1 << 63)  # no file has this position

NUMBERS = {
    **dict.fromkeys((f"EPSV {HUGE}", f"EPSV {BEYOND}", "EPSV -1", "EPSV ²"), "501"),
    **dict.fromkeys((f"EPRT |{HUGE}|127.0.0.1|5000|", f"EPRT |1|127.0.0.1|{HUGE}|", "EPRT |1|127.0.0.1|65536|"), "501"),
    **dict.fromkeys((f"PORT 127,0,0,1,{HUGE},1", f"PORT {HUGE}", "PORT 127,0,0,1,256,1"), "501"),
    **dict.fromkeys((f"TYPE L {HUGE}", f"TYPE {HUGE}", "TYPE L 0"), "501"),
    **dict.fromkeys((f"SITE IDLE {HUGE}", "SITE IDLE 86401", "SITE IDLE 0"), "501"),
    **dict.fromkeys((f"OPTS MODE Z LEVEL {HUGE}", "OPTS MODE Z LEVEL 10", "OPTS MODE Z LEVEL ٣"), "501"),
    **dict.fromkeys((f"REST {HUGE}", f"REST {BEYOND}", "REST 10000000000000000000", "REST -1", "REST"), "501"),
    **dict.fromkeys((f"ALLO {HUGE}", f"ALLO 1 R {HUGE}", f"ALLO {BEYOND}", "ALLO"), "501"),
    **dict.fromkeys((f"RANG {HUGE} 0", f"RANG 0 {HUGE}", f"RANG 0 {BEYOND}", "RANG 1"), "501"),
    **dict.fromkeys(
        (f"MFMT {HUGE} f", "MFMT 99999999999999 f", "MFMT 00000101000000 f", "MFMT 20240230000000 f"), "501"
    ),
    **dict.fromkeys((f"SITE UTIME {HUGE} f", "SITE UTIME 999999999999 f", "SITE UTIME 20240230000000 f"), "501"),
    **dict.fromkeys((f"SITE CHMOD {HUGE} f", f"SITE CHMOD {'7' * 5000} f", "SITE CHMOD 8 f"), "501"),
    **dict.fromkeys((f"XCRC f {HUGE} 1", f"XMD5 f 0 {HUGE}", f'XSHA "f" 0 {BEYOND}'), "501"),
    # Within their limits; the transfer compares them with the file.
    "RANG 0 9223372036854775807": "350",
    "HASH f": "213",
    "REST 9223372036854775807": "350",
    "MFMT 99991231235959 f": "213",
    "SITE UTIME 99991231235959 f": "200",
    "MFMT 00010101000000 f": "213",
    f"MFMT 20240101000000.{HUGE} f": "213",
    f"REST {'0' * 5000}3": "350",
    # Not a time, so it is a path.
    "MDTM ٢٠٢٤٠١٠١٠٠٠٠٠٠ f": "550",
}

MAKERS = {"memory": MemoryPathIO, "disk": PathIO, "disk in threads": AsyncPathIO}


@pytest.fixture(params=MAKERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FtpServer]:
    """A server over each path layer, with a file, a directory and a link."""
    base: Any = PurePosixPath("/") if request.param == "memory" else tmp_path
    users = [User("user", "password", base_path=base)]
    with FtpServer(users=users, path_io_factory=MAKERS[request.param]) as made, RawClient(made.address) as client:
        client.login()
        assert client.store("STOR f", b"hello") == ["150", "226"]
        assert client.code("MKD d") == "257"
        assert client.code("SITE SYMLINK f link") == "200"
        yield made


def test_numbers_out_of_limits_get_501(server: FtpServer) -> None:
    """A number of any length never causes an error of the server."""
    with RawClient(server.address) as client:
        client.login()
        for line, code in NUMBERS.items():
            assert client.code(line) == code, line[:60]


def test_nul_in_a_path_gets_501(server: FtpServer) -> None:
    """NUL ends a name on every operating system, so no verb passes it to a path layer."""
    paths = [b"a\0b", b"\0", b"d/\0x", b"f\0", b"../\0", b"-a \0", b"*\0*"]
    verbs = [
        *(b"CWD", b"XCWD", b"MKD", b"XMKD", b"RMD", b"XRMD", b"DELE", b"RNFR", b"SIZE", b"MDTM", b"MLST", b"MLSD"),
        *(b"LIST", b"NLST", b"STAT", b"RETR", b"STOR", b"APPE", b"STOU", b"HASH", b"XCRC", b"XMD5", b"XSHA", b"AVBL"),
        *(b"MFMT 20240101000000", b"MFF Modify=20240101000000;", b"MDTM 20240101000000", b"SITE CHMOD 644"),
        *(b"SITE UTIME 20240101000000", b"SITE SYMLINK f", b"MFF UNIX.mode=644;"),
    ]
    with RawClient(server.address) as client:
        client.login()
        client.passive()
        for verb in verbs:
            for path in paths:
                assert client.code(verb + b" " + path) == "501", (verb, path)
        assert client.code("RNFR f") == "350"
        assert client.code(b"RNTO \0") == "501"
        assert client.code("SIZE f") == "213"


def test_names_that_no_disk_accepts(server: FtpServer) -> None:
    """Names that are too long, below a file, or in no encoding are refused or work, and never get 451."""
    long, undecodable = "x" * 256, b"\xff\xfe\xed\xa0\x80"
    with RawClient(server.address) as client:
        client.login()
        for verb in VERBS:
            for path in (long, f"{long}/f", "f/below", "/" + "d/" * 3000):
                code = client.code(f"{verb} {path}")
                # Memory has no limit for names, and the client made no data connection.
                assert code in {"501", "550", "553", *IN_MEMORY.get(verb, ())}, (verb, path[:10])
        for line, code in {b"MKD": "257", b"CWD": "250", b"RMD": "550", b"MLST": "550"}.items():
            assert client.code(line + b" " + undecodable) == code, line
    server.check()


IN_MEMORY = {"STOR": {"425"}, "APPE": {"425"}, "MKD": {"257"}}
VERBS = ("RETR", "STOR", "APPE", "DELE", "RNFR", "SIZE", "MLST", "LIST", "NLST", "CWD", "RMD", "HASH", "XCRC", "MKD")


def test_unknown_owners(server: FtpServer) -> None:
    """An owner that the system does not know gets 504 on a disk; memory accepts any owner."""
    expected = "213" if server.server.path_io_factory.factory is MemoryPathIO else "504"
    with RawClient(server.address) as client:
        client.login()
        for value in ("no-such-user", HUGE, "4294967295", "٣"):
            for fact in ("UNIX.owner", "UNIX.group"):
                assert client.code(f"MFF {fact}={value}; f") == expected, (fact, value[:20])
