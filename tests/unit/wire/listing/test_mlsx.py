"""Lines of MLSD and MLST."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import UnreadLine, read_listing
from ftpfixture.wire.listing.entry import Entry
from tests.support.listings import MLSX_LINES, NOW, at, parse_mlsx_line
from tests.support.rows import table


def test_mlsx_lines() -> None:
    """Facts are read in any case and order, with or without the space of MLST; those without a field are kept."""
    for line, entry in MLSX_LINES.items():
        for end in ("", "\r\n"):
            assert parse_mlsx_line(line + end) == entry
            assert parse_mlsx_line(f" {line}{end}") == entry
            assert read_listing([line + end], now=NOW).entries == (entry,)


@table(("line", "name"), [(" x", "x"), ("  x ", " x "), (" a;b c", "a;b c"), (" a=b;c", "a=b;c"), (" a=b; ", "")])
def test_mlsx_lines_without_facts(line: str, name: str) -> None:
    """A space and a name are an entry without facts, unless they look like facts."""
    assert parse_mlsx_line(line).name == name


@table(
    ("line", "why"),
    [
        ("", "facts with semicolons"),
        ("x", "facts with semicolons"),
        ("type=file x", "facts with semicolons"),
        ("type=file;", "facts with semicolons"),
        ("type=file;x y", "facts with semicolons"),
        ("=file; y", "facts with semicolons"),
        ("type=file;;size=5; x", "facts with semicolons"),
        ("type=file; x\ry", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_mlsx(line: str, why: str) -> None:
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_mlsx_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


def test_facts_that_cannot_be_read_are_unknown() -> None:
    """An empty value is left out, one that cannot be read is kept as it was sent; the entry is there (RFC 3659 7.2)."""
    for facts, kept in {
        "size=": (),
        "modify=": (),
        "UNIX.owner=": (),
        "type=": (),
        "x=": (),
        "size=x": (("size", "x"),),
        "Size=-1": (("Size", "-1"),),
        "size=123456789012345678901": (("size", "123456789012345678901"),),
        "UNIX.mode=0888": (("UNIX.mode", "0888"),),
        "modify=20230229000000": (("modify", "20230229000000"),),
        "create=now": (("create", "now"),),
    }.items():
        assert parse_mlsx_line(f"{facts};perm=; a b") == Entry("a b", "unknown", perm="", facts=kept), facts


def test_what_mlsd_sent_is_read() -> None:
    """Odd facts and line ends cost no entry, and what is no line of MLSD is told."""
    reading = read_listing(
        ["type=file;size=;modify=20240101000000; a\r\r\n", "type=file;size=5;modify=; b\r\r\n", "\r\r\n", "c"],
        now=NOW,
    )
    assert reading.entries == (Entry("a", "file", modify=at(2024, 1, 1)), Entry("b", "file", 5))
    assert reading.unread == (UnreadLine("c", "it has no known form"),)
    assert reading.headings == ("",)
