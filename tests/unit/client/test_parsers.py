"""The parsers of replies and listings, without a connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

import pytest

from ftpfixture import Client, ReplySyntaxError
from ftpfixture.client.parsers import Parsers
from tests.support.rows import table

NOW = datetime(2024, 3, 15, tzinfo=UTC)


@table(
    ("text", "port"),
    [
        ("Entering Extended Passive Mode (|||6446|)", 6446),
        ("(!!!1!)", 1),
        ("(|||1|) and (|||2|)", 2),
        ("a\n(|||65535|)", 65535),
    ],
)
def test_epsv(text: str, port: int) -> None:
    """A 229 gives None for the host and the port of the last group, with any delimiter."""
    assert Client.parse_epsv_response(text) == (None, port)


@table("text", ["", "6446", "(||6446|)", "(|||65536|)", "(|||a|)", "(|!|6446|)"])
def test_epsv_without_a_port(text: str) -> None:
    """A 229 without a port is a ValueError that shows it."""
    with pytest.raises(ReplySyntaxError, match="EPSV"):
        Client.parse_epsv_response(text)


@table("text", ["Mode (127,0,0,1,4,210).", "Mode 127,0,0,1,4,210", "=127,0,0,1,4,210 ok"])
def test_pasv(text: str) -> None:
    """A 227 gives host and port, in parentheses or not."""
    assert Client.parse_pasv_response(text) == ("127.0.0.1", 1234)


@table("text", ["", "(127.0.0.1:1234)", "(1,2,3,4,5)", "(1,2,3,4,5,256)"])
def test_pasv_without_an_address(text: str) -> None:
    """A 227 without six numbers up to 255 is a ValueError."""
    with pytest.raises(ValueError, match="PASV"):
        Client.parse_pasv_response(text)


@table(
    ("text", "path"),
    [
        ('"/"', "/"),
        (' "/a b" is the current directory', "/a b"),
        ('"/with ""quotes""" created "not this"', '/with "quotes"'),
        ('"" nothing', "."),
        ("no quotes /a", "."),
        ("", "."),
    ],
)
def test_directory(text: str, path: str) -> None:
    """A 257 gives the first path in quotes, with doubled quotes inside; "." when there is no quoted path."""
    assert Client.parse_directory_response(text) == PurePosixPath(path)


def test_directory_without_end() -> None:
    """A missing closing quote is an error: part of a path is another path."""
    with pytest.raises(ReplySyntaxError):
        Client.parse_directory_response('"/a')


def test_mode() -> None:
    """Nine letters are permission bits, the special ones included."""
    assert Client.parse_unix_mode("rwxr-xr--") == 0o754
    assert Client.parse_unix_mode("rwsr-Srwt") == 0o7747
    for text in ("", "rwxrwxrw", "rwxrwxrwxx", "xwrxwrxwr"):
        with pytest.raises(ValueError, match="mode"):
            Client.parse_unix_mode(text)


def test_format_date_time() -> None:
    """A time is formatted to the minute."""
    assert Client.format_date_time(datetime(2002, 1, 2, 3, 4, 5)) == "20020102030400"


@table(
    ("text", "stamp"),
    [
        ("Mar 14 12:30", "20240314123000"),
        ("Dec 31 12:30", "20231231123000"),
        ("Feb 29 12:30", "20240229123000"),
        ("Jan  1  1999", "19990101000000"),
    ],
)
def test_ls_date(text: str, stamp: str) -> None:
    """A date without a year is the nearest one to `now`."""
    assert Client.parse_ls_date(text, now=NOW) == stamp


def test_ls_date_of_today() -> None:
    """Without `now`, a date is the nearest one to the current time."""
    today = datetime.now(UTC)
    assert Client.parse_ls_date(f"Jan {1:2} 00:00")[:4] in (str(today.year), str(today.year + 1))
    with pytest.raises(ReplySyntaxError):
        Client.parse_ls_date("yesterday")


@table(
    ("text", "now", "stamp"),
    [
        ("31 Dec 2001", NOW, "20011231000000"),
        ("2001-12-31 23:59", NOW, "20011231235900"),
        ("12-31 23:59", NOW, "20231231235900"),
        ("jan 1 00:00", datetime(2023, 12, 31, 23, 59, tzinfo=UTC), "20240101000000"),
        ("Feb 29 00:00", datetime(2021, 6, 1, tzinfo=UTC), "20200229000000"),
        ("Feb 29 00:00", datetime(2023, 6, 1, tzinfo=UTC), "20200229000000"),
        ("Mar 15 01:00", datetime(2024, 3, 15, 1, tzinfo=timezone(timedelta(hours=1))), "20240315010000"),
    ],
)
def test_other_forms_of_a_date(text: str, now: datetime, stamp: str) -> None:
    """The day may come first, the month may be a number, and 29 February is that of the last leap year."""
    assert Client.parse_ls_date(text, now=now) == stamp


@table("text", ["", "Feb 30  2024", "Feb 29  2023", "Jan 32 00:00", "Foo  1 00:00", "Jan  1 24:00"])
def test_no_ls_date(text: str) -> None:
    """An impossible day or hour is a ValueError that shows it."""
    with pytest.raises(ReplySyntaxError, match=repr(text)):
        Client.parse_ls_date(text, now=NOW)


UNIX = "drwxr-sr-x   2 ann      staff        4096 Jan 31  2001 a b"
INFO = {
    "type": "dir",
    "size": "4096",
    "modify": "20010131000000",
    "unix.mode": 0o2755,
    "unix.links": "2",
    "unix.owner": "ann",
    "unix.group": "staff",
}


@table("line", [UNIX, UNIX.encode(), UNIX.encode() + b"\r\n", UNIX + "\n"])
def test_unix_line(line: bytes | str) -> None:
    """A line of ``ls -l``, as bytes or text, with or without its line end, gives all its facts."""
    assert Client.parse_list_line_unix(line) == (PurePosixPath("a b"), INFO)


def test_unix_link() -> None:
    """A link gives its name and its target."""
    path, info = Client.parse_list_line_unix(b"lrwxrwxrwx 1 a b 3 Jan 31 2001 x -> y -> ../z")
    assert (path, info["type"], info["link_dst"]) == (PurePosixPath("x -> y"), "link", "../z")


def test_unknown_facts_are_missing() -> None:
    """A device has no size, and without columns there is no owner."""
    _, info = Client.parse_list_line_unix(b"crw-rw-rw- 1, 3 Jan 31 2001 null")
    assert info == {"type": "unknown", "modify": "20010131000000", "unix.mode": 0o666}


def test_bytes_that_are_not_utf8() -> None:
    """Bytes that cannot be decoded are kept in the name."""
    path, _ = Client.parse_list_line_unix(b"-rw-r--r-- 1 a b 3 Jan 31 2001 \xff\xc3\xbc")
    assert str(path) == "\udcffü"


@table(
    ("line", "name", "info"),
    [
        ("01-31-01  12:30PM       <DIR>          a b", "a b", {"type": "dir", "modify": "20010131123000"}),
        ("01-31-2001  12:30AM  1,234 f", "f", {"type": "file", "modify": "20010131003000", "size": "1234"}),
        (
            r"01-31-01  12:30PM       <SYMLINKD>     l [C:\x]",
            "l",
            {"type": "link", "modify": "20010131123000", "link_dst": r"C:\x"},
        ),
    ],
)
def test_windows_line(line: str, name: str, info: dict[str, str]) -> None:
    """A line of IIS gives type, time and size."""
    assert Client.parse_list_line_windows(line.encode() + b"\r\n") == (PurePosixPath(name), info)


def test_eplf_line() -> None:
    """A line of the easily parsed format (EPLF) gives type, time, size and mode."""
    assert Client.parse_list_line_eplf(b"+i8388621.48594,m980944200,r,s280,up644,\ta.html\r\n") == (
        PurePosixPath("a.html"),
        {"type": "file", "size": "280", "modify": "20010131123000", "unix.mode": 0o644},
    )


def test_eplf_directory() -> None:
    """A slash among the facts marks a directory, and unknown facts are ignored; without either, the type is unknown."""
    assert Client.parse_list_line_eplf("+x9,/,\td") == (PurePosixPath("d"), {"type": "dir"})
    assert Client.parse_list_line_eplf("+,\t d ") == (PurePosixPath(" d "), {"type": "unknown"})


@pytest.mark.parametrize(
    "parse", [Client.parse_list_line_unix, Client.parse_list_line_windows, Client.parse_list_line_eplf]
)
@pytest.mark.parametrize("line", [b"", b"total 12", b"hello world", b"\xff"])
def test_a_line_in_another_form(parse: Callable[[bytes], Any], line: bytes) -> None:
    """A line in another form is a ValueError."""
    with pytest.raises(ReplySyntaxError):
        parse(line)


@table(
    ("line", "name", "info"),
    [
        ("Type=FILE;Size=12;x.Y=aB=c; a b", "a b", {"type": "file", "size": "12", "x.y": "aB=c"}),
        ("size=12; f", "f", {"size": "12", "type": "unknown"}),
        (" f", "f", {"type": "unknown"}),
        ("type=cdir;modify=x; /", "/", {"type": "cdir", "modify": "x"}),
        ("type=file;size=;modify=20240101000000; a", "a", {"type": "file", "modify": "20240101000000"}),
        ("type=file;Size=;Modify=;UNIX.mode=;UNIX.owner=;x=;perm=; a", "a", {"type": "file", "perm": ""}),
        ("type=file;  two  ", " two  ", {"type": "file"}),
        ("type=OS.unix=slink:../a:b; l", "l", {"type": "link", "link_dst": "../a:b"}),
        ("type=OS.UNIX=Symlink; l", "l", {"type": "link"}),
        ("type=OS.unix=slink:; l", "l", {"type": "link", "link_dst": ""}),
        ("type=OS.unix=CHR-1/3; null", "null", {"type": "os.unix=chr-1/3"}),
        (" type=dir; /indented", "/indented", {"type": "dir"}),
    ],
)
def test_mlsx_line(line: str, name: str, info: dict[str, str]) -> None:
    """A line of MLSD gives its facts: names in lower case, values as sent; a link gets the type "link"."""
    for form in (line, line.encode(), line.encode() + b"\r\n"):
        assert Client.parse_mlsx_line(form) == (PurePosixPath(name), info)


@table("line", ["", "type=file;f", "type=file f", "f"])
def test_no_mlsx_line(line: str) -> None:
    """A line without facts or without a space is a ValueError."""
    with pytest.raises(ReplySyntaxError, match="MLSD"):
        Client.parse_mlsx_line(line)


def test_parsers_need_no_client() -> None:
    """Every parser can be called on the class, and overridden in a subclass."""
    names = [name for name in vars(Parsers) if name.startswith(("parse_", "format_"))]
    assert len(names) == 10
    assert all(isinstance(vars(Parsers)[name], staticmethod) for name in names)
