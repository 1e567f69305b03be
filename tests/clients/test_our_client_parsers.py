"""The parsers of our client compared with those of aioftp: equal where aioftp is right.

Ours are static and need no client. Differences are in tables of (input, ours, theirs).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import aioftp
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ftpfixture import Client
from ftpfixture.wire.hostport import render_227, render_229
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.unix import unix_line
from ftpfixture.wire.pathname import quote_257
from tests.support.rows import table

THEIRS = aioftp.Client()


def outcome(parse: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """The result of a parser; ValueError for every error, because aioftp raises many classes."""
    try:
        return parse(*arguments, **settings)
    except Exception:
        return ValueError


def mine(name: str, *arguments: Any, **settings: Any) -> Any:
    """The result of our parser, or ValueError: it may raise no other class of error."""
    try:
        return getattr(Client, name)(*arguments, **settings)
    except ValueError:
        return ValueError


def check(name: str, *arguments: Any, **settings: Any) -> Any:
    """Check that both parsers give the same result, and return it."""
    found = mine(name, *arguments, **settings)
    assert found == outcome(getattr(THEIRS, name), *arguments, **settings)
    return found


def check_differs(name: str, argument: Any, ours: Any, theirs: Any, **settings: Any) -> None:
    """Check the results of both parsers where they differ."""
    assert (mine(name, argument, **settings), outcome(getattr(THEIRS, name), argument, **settings)) == (ours, theirs)


# Replies.


@table(
    "text",
    [
        " Entering (|||1234|)",
        " Entering (!!!99!)",
        "(|||1|) and (|||2|)",
        "(|||0|)",
        "(|||5|) (",
        "()",
        "(|||x|)",
        "(||1|)",
        "|||1|",
        "(|1|1.2.3.4|5|)",
        "(|||-1|)",
        "",
    ],
)
def test_epsv(text: str) -> None:
    """The port is that of the last group in the right form, with any delimiter."""
    check("parse_epsv_response", text)


@table(
    ("text", "theirs"),
    [("(|||70000|)", 70000), ("(|||123456|)", 123456), ("(   5 )", 5), ("(\xe9\xe9\xe95\xe9)", 5)],
)
def test_epsv_differs(text: str, theirs: int) -> None:
    """Ports end at 65535, and a delimiter is a printable ASCII character (RFC 2428 2); aioftp checks neither."""
    check_differs("parse_epsv_response", text, ValueError, (None, theirs))


@given(st.integers(0, 65535), st.text(max_size=20), st.text(max_size=20))
def test_any_epsv(port: int, before: str, after: str) -> None:
    """Every port is found in every text without other parentheses."""
    assume(not set("()") & set(before + after))
    assert check("parse_epsv_response", f"{before}{render_229(port)}{after}") == (None, port)


@table(
    "text",
    [
        " Entering Passive Mode (127,0,0,1,4,5).",
        "(1,2,3,4,5,6)",
        "(1,2,3,4,0,0) (9,9,9,9,9,9)",
        "(01,002,3,4,5,6)",
        "(1,2,3,4,5,6,7)",
        "(1,2,3,4,5)",
        "(a,b,c,d,e,f)",
        "",
    ],
)
def test_pasv(text: str) -> None:
    """Host and port are the first six numbers in parentheses."""
    check("parse_pasv_response", text)


@table(
    ("text", "ours", "theirs"),
    [
        ("127,0,0,1,4,5", ("127.0.0.1", 1029), ValueError),  # RFC 1123 4.1.2.6: parentheses may be missing
        ("=127,0,0,1,4,5", ("127.0.0.1", 1029), ValueError),
        ("(1)(1,2,3,4,5,6)", ("1.2.3.4", 1286), ValueError),
        ("(256,2,3,4,5,6)", ValueError, ("256.2.3.4", 1286)),
        ("(1,2,3,4,500,6)", ValueError, ("1.2.3.4", 128006)),
        ("(-1,2,3,4,5,6)", ("1.2.3.4", 1286), ("-1.2.3.4", 1286)),
        ("( 1, 2,3,4,5,6)", ValueError, ("1.2.3.4", 1286)),
    ],
)
def test_pasv_differs(text: str, ours: Any, theirs: Any) -> None:
    """Numbers end at 255, and are found without parentheses; aioftp does neither."""
    check_differs("parse_pasv_response", text, ours, theirs)


@given(st.tuples(*[st.integers(0, 255)] * 4), st.integers(0, 65535), st.text(max_size=20))
def test_any_pasv(numbers: tuple[int, ...], port: int, after: str) -> None:
    """Every address is found."""
    host = ".".join(map(str, numbers))
    assert check("parse_pasv_response", f" {render_227(host, port)}{after}") == (host, port)


@table("text", ['"/a"', ' "/a" is the current directory', '"/a""b" x', '""', "none", "", '"a"b"', 'x "/p" "q"'])
def test_directory(text: str) -> None:
    """The path is in the first quotes, with doubled quotes inside; without quotes it is the current directory."""
    check("parse_directory_response", text)


@table(
    ("text", "ours", "theirs"),
    [
        ('"', ValueError, "."),
        ('"a', ValueError, "a"),
        ('"a""', ValueError, "a"),
        ('"a"""', 'a"', "a"),
        ('""""', '"', "."),
        ('"a""" is current', 'a"', "a is current"),
    ],
)
def test_directory_differs(text: str, ours: Any, theirs: str) -> None:
    """A name that ends with a quote is read completely, and a missing closing quote is an error; aioftp guesses."""
    expected = PurePosixPath(ours) if isinstance(ours, str) else ours
    check_differs("parse_directory_response", text, expected, PurePosixPath(theirs))


@given(st.text())
@example('"')
def test_any_directory(path: str) -> None:
    """Every quoted path is read back; with aioftp only paths without quotes at the end or in a row."""
    text = f" {quote_257(path)} is the current directory"
    assert Client.parse_directory_response(text) == PurePosixPath(path)
    if not path.endswith('"') and '""' not in path:
        check("parse_directory_response", text)


# Modes and dates.


@table(
    "text", ["rwxrwxrwx", "---------", "r-xr-xr-x", "-w--w--w-", "--x--x--x", "rwxr-xr-", "", "wrx------", "abcdefghi"]
)
def test_unix_mode(text: str) -> None:
    """Nine letters are permission bits; anything else is an error."""
    check("parse_unix_mode", text)


@table(
    ("text", "ours", "theirs"),
    [
        ("rwxr-xr-t", 0o1755, 0o1754),  # t means x, too
        ("rwSr-Sr-T", 0o7644, ValueError),  # capital letters mean no x
        ("rwxr-lr-x", 0o2745, ValueError),  # mandatory locking of System V
        ("rwxr-xr-xx", ValueError, 0o755),
        ("rwxr-xr-x+", ValueError, 0o755),
    ],
)
def test_unix_mode_differs(text: str, ours: Any, theirs: Any) -> None:
    """All letters of ls are known, and there must be nine."""
    check_differs("parse_unix_mode", text, ours, theirs)


@given(st.integers(0, 0o777))
def test_any_unix_mode(mode: int) -> None:
    """All permissions are read as ls writes them."""
    letters = "".join(letter if mode >> (8 - place) & 1 else "-" for place, letter in enumerate("rwx" * 3))
    assert check("parse_unix_mode", letters) == mode


@given(st.datetimes())
def test_format_date_time(moment: datetime) -> None:
    """A time is formatted to the minute."""
    assert check("format_date_time", moment).endswith("00")


NOW = datetime(2020, 9, 13, 12, 0)


@table(
    "text",
    [
        "Mar 15 12:00",
        "Sep 13 12:00",
        "Sep 14 12:00",
        "Feb 29 10:00",
        "Feb 29  2020",
        "Feb 29  2019",
        "Nov 18  1958",
        "Jan 03 2018",
        "Jan  3  2018",
        "Feb 30 10:00",
        "Jan 01 24:00",
        "bogus",
        "",
    ],
)
def test_ls_date(text: str) -> None:
    """Dates of ls have a time or a year; without a year it is the last such date."""
    check("parse_ls_date", text, now=NOW)


@table(
    ("text", "ours", "theirs"),
    [
        ("13 Sep 10:00", "20200913100000", ValueError),  # day first, as in many locales
        ("2020-01-01 10:00", "20200101100000", ValueError),  # long-iso of GNU ls
        ("01-02 10:00", "20200102100000", ValueError),  # iso of GNU ls
        ("Jan 01 10:00", "20200101100000", "20210101100000"),  # ls shows the year of dates in the future
        ("Mar 14 12:00", "20200314120000", "20210314120000"),
        ("Dec 31 23:59", "20191231235900", "20201231235900"),
        ("Jan 1 1:1", ValueError, "20210101010100"),
    ],
)
def test_ls_date_differs(text: str, ours: Any, theirs: Any) -> None:
    """The styles of GNU ls are known, no date is in the future, and minutes have two digits."""
    check_differs("parse_ls_date", text, ours, theirs, now=NOW)


DATES = st.datetimes(datetime(1972, 1, 1), datetime(2090, 1, 1))


@given(DATES, st.integers(-180, 0), st.integers(0, 1439))
@example(datetime(2023, 1, 1), -1, 0)
def test_any_recent_ls_date(now: datetime, days: int, minutes: int) -> None:
    """A date less than half a year ago is read correctly on every day."""
    moment = datetime(now.year, now.month, now.day) + timedelta(days=days, minutes=minutes)
    text = moment.strftime("%b %d %H:%M")
    assert check("parse_ls_date", text, now=now) == moment.strftime("%Y%m%d%H%M00")


@given(DATES)
def test_any_old_ls_date(moment: datetime) -> None:
    """A date with a year is midnight of that day."""
    assert check("parse_ls_date", moment.strftime("%b %d  %Y")) == moment.strftime("%Y%m%d000000")


# Lines of listings.


UNIX_LINES = [
    b"-rw-r--r--  1 poh poh   6595 Feb 27  2018 history.rst\r\n",
    b"drwxr-xr-x  8 poh poh   4096 Feb 27  2018 tests\n",
    b"-rw-r--r-- 1 a b 5 Jan  1  2018 a -> b\n",
    b"-rw-r--r-- 1 a b 5 Jan 01 2018 xyz\n",
    b"-rwsr-sr-x 1 a b 5 Jan  1  2018 s\n",
    b"srw-r--r-- 1 a b 5 Jan  1  2018 socket\n",
    b"-rw-r--r-- 1 a b 5 Jan  1  2018 caf\xc3\xa9\n",
    b"-rw-r--r-- 1 a b 99999999999999999 Jan  1  2018 large\n",
    b"-rw-r--r-- 1 a b 5 Jan  1  2018 two  spaces\n",
    b"-rw-r--r-- 1 a b x Jan  1  2018 f\n",
    b"-rw-r--r-- 1 a b 5 Jan 99  2018 f\n",
    b"total 12\r\n",
    b"what?\n",
    b"\n",
    b"",
]


@pytest.mark.parametrize("name", ["parse_list_line_unix", "parse_list_line"])
@pytest.mark.parametrize("line", UNIX_LINES)
def test_unix_line(line: bytes, name: str) -> None:
    """The facts of a line of ls have the same names, or the line is an error."""
    if name == "parse_list_line":
        assert outcome(Client().parse_list_line, line) == outcome(THEIRS.parse_list_line, line)
    else:
        check(name, line)


def known(name: str, **more: Any) -> tuple[PurePosixPath, dict[str, Any]]:
    """The facts of a file of five bytes."""
    info = {
        "type": "file",
        "size": "5",
        "modify": "20180101000000",
        "unix.mode": 0o644,
        "unix.links": "1",
        "unix.owner": "a",
        "unix.group": "b",
    }
    return PurePosixPath(name), {key: value for key, value in (info | more).items() if value is not None}


@table(
    ("line", "ours", "theirs"),
    [
        (b"lrw-r--r-- 1 a b 5 Jan  1  2018 x -> y", known("x", type="link", link_dst="y"), known("x", link_dst="y")),
        (
            b"lrw-r--r-- 1 a b 5 Jan  1  2018 x -> y/",
            known("x", type="link", link_dst="y/"),
            known("x", type="dir", link_dst="y/"),
        ),
        (b"lrw-r--r-- 1 a b 5 Jan  1  2018 x", known("x", type="link"), ValueError),
        (b"-rw-r--r--+ 1 a b 5 Jan  1  2018 acl", known("acl"), ValueError),
        (b"-rw-r--r-- 1 a b 5 2018-01-01 00:00 iso", known("iso"), ValueError),
        (b"-rw-r--r-- 1 a 5 Jan  1  2018 f", known("f", **{"unix.group": None}), ValueError),
        (b"crw-r--r-- 1 a b 5, 1 Jan  1  2018 f", known("f", type="unknown", size=None), ValueError),
        (b"-rw-r--r-- 1 a b 5 Jan  1  2018  lead", known(" lead"), known("lead")),
        (b"-rw-r--r-- 1 a b 5 Jan  1  2018 trail ", known("trail "), known("trail")),
        (b"-rw-r--r-- 1 a b 5 Jan  1  2018", ValueError, known(".")),
        (b"-rw-r--r-- 01 a b 0005 Jan  1  2018 f", known("f"), known("f", size="0005", **{"unix.links": "01"})),
        (b"-rw-r--r-- 1 a b 5 Jan  1  2018 caf\xe9", known("caf\udce9"), ValueError),
        (b"Xrw-r--r-- 1 a b 5 Jan  1  2018 f", ValueError, known("f", type="unknown")),
        (b"-rw-r--r-- 1 a b c d 5 Jan  1  2018 f", known("f", **{"unix.group": "b c d"}), ValueError),
    ],
)
def test_unix_line_differs(line: bytes, ours: Any, theirs: Any) -> None:
    """Links are links; marks, dates, columns and bytes of real servers are read; names keep their spaces."""
    check_differs("parse_list_line_unix", line, ours, theirs)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
NAMES = st.builds(" ".join, st.lists(WORDS, min_size=1, max_size=3)).filter(
    lambda name: "/" not in name and name not in (".", "..")
)


@given(
    NAMES,
    st.sampled_from(["file", "dir"]),
    st.integers(0, 1 << 60),
    DATES,
    st.integers(0, 0o777),
    st.integers(0, 99999),
    WORDS,
    WORDS,
)
def test_any_unix_line(
    name: str, kind: str, size: int, moment: datetime, mode: int, links: int, owner: str, group: str
) -> None:
    """Both read what our server writes correctly; but aioftp uses the clock of this machine."""
    modify = moment.replace(tzinfo=UTC).timestamp()
    entry = Entry(name, kind, size=size, modify=modify, mode=mode, links=links, owner=owner, group=group)
    path, info = check("parse_list_line_unix", unix_line(entry, now=modify + 366 * 86400).encode() + b"\r\n")
    assert (str(path), info["type"], info["size"], info["unix.mode"]) == (name, kind, str(size), mode)
    assert (info["modify"], info["unix.owner"], info["unix.group"]) == (moment.strftime("%Y%m%d000000"), owner, group)


@table(
    "line",
    [
        b"10/19/2018  10:13 PM    <DIR>          bin\r\n",
        b"10/19/2018  10:13 PM             1,234 a b.txt\r\n",
        b"10/19/2018  12:13 AM    1234 midnight\n",
        b"10/19/2018  12:13 PM    1234 noon\n",
        b"10/19/2018  10:13 PM  5  a",
        b"10/19/2018  10:13 AM    x y\n",
        b"13/19/2018  10:13 AM    5 y\n",
        b"what?\n",
        b"",
    ],
)
def test_windows_line(line: bytes) -> None:
    """Lines of Windows with slashes and four-digit years are the same for both."""
    check("parse_list_line_windows", line)


@table(
    ("line", "ours", "theirs"),
    [
        (b"10-19-18  10:13PM   5 a", ("a", {"type": "file", "size": "5"}), ValueError),  # the format of IIS
        (b"10-19-2018  10:13PM   5 a", ("a", {"type": "file", "size": "5"}), ValueError),
        (b"10/19/2018  22:13   5 a", ("a", {"type": "file", "size": "5"}), ValueError),
        (b"10/19/2018  10:13 PM  <JUNCTION>  a [b]", ("a", {"type": "link", "link_dst": "b"}), ValueError),
        (b"10/19/2018  10:13 PM    <DIR>          .", (".", {"type": "dir"}), ValueError),
    ],
)
def test_windows_line_differs(line: bytes, ours: Any, theirs: Any) -> None:
    """The formats of IIS are read; the directory itself is an entry, which `list` leaves out."""

    def expected(found: Any) -> Any:
        return found if found is ValueError else (PurePosixPath(found[0]), {**found[1], "modify": "20181019221300"})

    check_differs("parse_list_line_windows", line, expected(ours), expected(theirs))


@given(NAMES, st.sampled_from(["file", "dir"]), st.integers(0, 1 << 60), DATES)
def test_any_msdos_line(name: str, kind: str, size: int, moment: datetime) -> None:
    """Our client reads what our server writes in the style of IIS; aioftp does not."""
    modify = moment.replace(tzinfo=UTC).timestamp()
    line = msdos_line(Entry(name, kind, size=size, modify=modify), four_digit_year=True).encode()
    path, info = Client.parse_list_line_windows(line)
    assert (str(path), info["type"], info["modify"]) == (name, kind, moment.strftime("%Y%m%d%H%M00"))
    assert outcome(THEIRS.parse_list_line_windows, line) is ValueError


@table("first", [True, False])
def test_list_line_with_a_custom_parser(first: bool) -> None:
    """A custom parser is tried first or last; the others get what it rejects, and errors show the line."""

    def parse(line: bytes) -> tuple[PurePosixPath, Any]:
        if not line.startswith(b"-"):
            raise KeyError
        return PurePosixPath("mine"), {"type": "file"}

    for client in (
        Client(parse_list_line_custom=parse, parse_list_line_custom_first=first),
        aioftp.Client(parse_list_line_custom=parse, parse_list_line_custom_first=first),  # type: ignore[arg-type]
    ):
        assert str(client.parse_list_line(UNIX_LINES[0])[0]) == ("mine" if first else "history.rst")
        assert str(client.parse_list_line(b"- mine alone")[0]) == "mine"
        assert str(client.parse_list_line(UNIX_LINES[1])[0]) == "tests"
        with pytest.raises(ValueError, match="what") as raised:
            client.parse_list_line(b"what?\n")
        assert raised.value.args[1] == b"what?\n"


@table(
    "line",
    [
        b"type=file;size=5;modify=20200101000000; a b.txt\r\n",
        "Type=file;Size=5; x",
        "type=cdir; .",
        "type=file;UNIX.mode=0644; n",
        "type=file;a=b=c; n",
        "type=file; a\tb",
        "type=file; semi;type=dir; x",
        "type=dir;type=file; d",
        "type=file;size=5;  lead",
        "type=file; caf\xe9",
    ],
)
def test_mlsx_line(line: bytes | str) -> None:
    """Facts have names in lower case, and values as sent; the rest of the line is the name."""
    check("parse_mlsx_line", line)


@table(
    ("line", "ours", "theirs"),
    [
        ("type=OS.unix=slink:/x; l", ("l", {"type": "link", "link_dst": "/x"}), ("l", {"type": "OS.unix=slink:/x"})),
        ("type=OS.unix=symlink; l", ("l", {"type": "link"}), ("l", {"type": "OS.unix=symlink"})),
        ("type=file;x=; n", ("n", {"type": "file"}), ("n", {"type": "file", "x": ""})),  # RFC 3659 7.2: unknown
        ("type=FILE; x", ("x", {"type": "file"}), ("x", {"type": "FILE"})),
        ("size=5; x", ("x", {"size": "5", "type": "unknown"}), ("x", {"size": "5"})),
        ("type=file; trail ", ("trail ", {"type": "file"}), ("trail", {"type": "file"})),
        (" type=file; x", ("x", {"type": "file"}), ("type=file; x", {"": ""})),
        (" x", ("x", {"type": "unknown"}), ("x", {"": ""})),
        (b"type=file; caf\xe9", ("caf\udce9", {"type": "file"}), ValueError),
        ("x", ValueError, (".", {"": ""})),
        ("", ValueError, (".", {"": ""})),
        ("type=file;;size=5; n", ValueError, ("n", {"type": "file", "": "", "size": "5"})),
        ("type=file;size=5 n", ValueError, ("n", {"type": "file", "size": ""})),
    ],
)
def test_mlsx_line_differs(line: bytes | str, ours: Any, theirs: Any) -> None:
    """A type is always present, links have the type "link", names keep their spaces, a truncated line is an error."""

    def expected(found: Any) -> Any:
        return found if found is ValueError else (PurePosixPath(found[0]), found[1])

    check_differs("parse_mlsx_line", line, expected(ours), expected(theirs))


@given(NAMES, st.sampled_from(["file", "dir", "cdir", "pdir"]), st.integers(0, 1 << 60), DATES, WORDS)
def test_any_mlsx_line(name: str, kind: str, size: int, moment: datetime, unique: str) -> None:
    """Both read what our server writes correctly."""
    assume(not {";", "="} & set(unique))
    entry = Entry(name, kind, size=size, modify=int(moment.replace(tzinfo=UTC).timestamp()), unique=unique)
    path, info = check("parse_mlsx_line", mlsx_line(entry, MLSX_FACTS).encode() + b"\r\n")
    assert (str(path), info["type"], info["unique"]) == (name, kind, unique)
    assert info["modify"] == moment.strftime("%Y%m%d%H%M%S")


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_bytes(line: bytes) -> None:
    """For any input, each parser gives a result or a ValueError."""
    for name in ("parse_list_line_unix", "parse_list_line_windows", "parse_list_line_eplf", "parse_mlsx_line"):
        mine(name, line)
    text = line.decode("utf-8", "surrogateescape")
    for name in (
        "parse_epsv_response",
        "parse_pasv_response",
        "parse_directory_response",
        "parse_unix_mode",
        "parse_ls_date",
    ):
        mine(name, text)
