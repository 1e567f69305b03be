"""Lines of MLSD and MLST."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import (
    UnreadLine,
    read_listing,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from tests.support.entries import (
    any_mode,
    any_name,
    any_size,
    any_word,
)
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
    """Other lines are refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_mlsx_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)


def test_facts_that_cannot_be_read_are_unknown() -> None:
    """An empty value is left out, an unreadable one is kept as sent, and the entry is read (RFC 3659 7.2)."""
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


def test_lines_of_mlsd_in_a_listing() -> None:
    """Entries with odd facts and line ends are read, and other lines are reported as unread."""
    reading = read_listing(
        ["type=file;size=;modify=20240101000000; a\r\r\n", "type=file;size=5;modify=; b\r\r\n", "\r\r\n", "c"],
        now=NOW,
    )
    assert reading.entries == (Entry("a", "file", modify=at(2024, 1, 1)), Entry("b", "file", 5))
    assert reading.unread == (UnreadLine("c", "it has no known form"),)
    assert reading.headings == ("",)


FULL = Entry("a; b", "file", 5, 0.25, 86400.0, 0o4755, 2, "ann", "staff", None, "1g2", "adfrw")


def test_mlsx_line_in_full() -> None:
    """All facts are in the order of the table, under the names of RFC 3659."""
    assert mlsx_line(FULL, MLSX_FACTS) == (
        "type=file;size=5;modify=19700101000000.250;create=19700102000000;perm=adfrw;unique=1g2;"
        "UNIX.mode=4755;UNIX.owner=ann;UNIX.group=staff; a; b"
    )


@table(
    ("facts", "line"),
    [
        ((), " a; b"),
        (("size", "type"), "type=file;size=5; a; b"),
        ({"SIZE", "Unix.Mode"}, "size=5;UNIX.mode=4755; a; b"),
        (["color", "lang"], " a; b"),
    ],
)
def test_mlsx_line_has_the_requested_facts(facts: tuple[str, ...], line: str) -> None:
    """Facts may be requested in any case and order; unknown ones are left out."""
    assert mlsx_line(FULL, facts) == line


@table(
    ("entry", "line"),
    [
        (Entry("x", "file"), "type=file; x"),
        (Entry("x", "dir", 4096), "type=dir; x"),
        (Entry("x", "cdir", 4096), "type=cdir; x"),
        (Entry("x", "pdir", 4096), "type=pdir; x"),
        (Entry("x", "unknown"), "type=unknown; x"),
        (Entry("x", "link", 3, target="/a=b"), "type=OS.unix=slink:/a=b;size=3; x"),
        (Entry("x", "link", target="/a b"), "type=OS.unix=slink; x"),
        (Entry("x", "link", target="a;b"), "type=OS.unix=slink; x"),
        (Entry("x", "link", target=""), "type=OS.unix=slink; x"),
        (Entry("x", "link"), "type=OS.unix=slink; x"),
        (Entry("x", "file", owner="a b", group="a;b", unique="a\r\nb", perm=""), "type=file;perm=; x"),
        (Entry("x", "file", owner="ä", mode=0o7), "type=file;UNIX.mode=0007;UNIX.owner=ä; x"),
    ],
)
def test_mlsx_line_leaves_out(entry: Entry, line: str) -> None:
    """Values that are unknown, have no meaning or would break the line are left out; empty values are not."""
    assert mlsx_line(entry, MLSX_FACTS) == line


values = st.none() | any_word.filter(lambda word: ";" not in word)


kinds = st.sampled_from(["file", "dir", "cdir", "pdir", "unknown", "link"])


any_millisecond = st.none() | st.integers(int(at(1900, 1, 1)) * 1000, int(at(2200, 1, 1)) * 1000).map(
    lambda ms: ms / 1000
)


@given(
    name=any_name,
    kind=kinds,
    size=st.none() | any_size,
    modify=any_millisecond,
    create=any_millisecond,
    mode=st.none() | any_mode,
    owner=values,
    group=values,
    target=values,
    unique=values,
    perm=values,
)
def test_mlsx_line_survives(
    name: str,
    kind: str,
    size: int | None,
    modify: float | None,
    create: float | None,
    mode: int | None,
    owner: str | None,
    group: str | None,
    target: str | None,
    unique: str | None,
    perm: str | None,
) -> None:
    """A line of MLSD preserves every field, also with the leading space of MLST."""
    entry = Entry(
        name=name,
        type=kind,
        size=None if kind in ("dir", "cdir", "pdir") else size,
        modify=modify,
        create=create,
        mode=mode,
        owner=owner,
        group=group,
        target=target if kind == "link" else None,
        unique=unique,
        perm=perm,
    )
    line = mlsx_line(entry, MLSX_FACTS)
    assert parse_mlsx_line(line) == entry
    assert parse_mlsx_line(f" {line}") == entry
    assert read_listing([line], now=NOW).entries == (entry,)


@given(any_name.filter(lambda name: re.match("(?:[^ ;=]+=[^ ;]*;)+ ", name) is None))
def test_mlsx_name_without_facts_survives(name: str) -> None:
    """Without facts the name keeps its spaces, unless it looks like facts."""
    assert parse_mlsx_line(mlsx_line(FULL, ()).removesuffix(FULL.name) + name) == Entry(name, "unknown")
