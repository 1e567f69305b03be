"""Changes within replies, listings and arguments: exactly one value, and nothing that looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.faults.edits import (
    SHAPES,
    Edit,
    MalformedAddress,
    MismatchedLines,
    NoLinkCounts,
    ShiftOffset,
    ShiftTime,
    TotalLine,
    WrongAddress,
    WrongSize,
)
from ftpfixture.wire.hostport import parse_227, parse_229, render_227, render_229
from ftpfixture.wire.reply import Reply
from tests.support.rows import table

HOST = "127.0.0.1"
PASV = Reply("227", (render_227(HOST, 1025),))
EPSV = Reply("229", (render_229(1025),))


def _edited(edit: Edit, reply: Reply, host: str = HOST, encoding: str = "utf-8") -> str:
    """The sent reply as text, with its code."""
    changed = edit.edit_reply(reply, host, encoding)
    return (changed.render(encoding) if isinstance(changed, Reply) else changed).decode(encoding)


# Addresses.


@table(
    ("edit", "reply", "sent"),
    [
        (WrongAddress("10.0.0.1"), PASV, "227 Entering Passive Mode (10,0,0,1,4,1).\r\n"),
        (WrongAddress("10.0.0.1", 7), PASV, "227 Entering Passive Mode (10,0,0,1,0,7).\r\n"),
        (WrongAddress("10.0.0.1"), EPSV, "229 Entering Extended Passive Mode (|||1025|)\r\n"),
        (WrongAddress("10.0.0.1", 7), EPSV, "229 Entering Extended Passive Mode (|||7|)\r\n"),
    ],
)
def test_wrong_addresses(edit: Edit, reply: Reply, sent: str) -> None:
    """227 has the given host and port; 229 has no host."""
    assert _edited(edit, reply) == sent


MALFORMED = {
    "no-parentheses": (
        "227 Entering Passive Mode 127,0,0,1,4,1\r\n",
        "229 Entering Extended Passive Mode |||1025|\r\n",
    ),
    "no-delimiter": (
        "227 Entering Passive Mode (127,0,0,1,41).\r\n",
        "229 Entering Extended Passive Mode (|||1025)\r\n",
    ),
    "out-of-range": (
        "227 Entering Passive Mode (127,0,0,1,260,1).\r\n",
        "229 Entering Extended Passive Mode (|||66561|)\r\n",
    ),
    "multi-line": (
        "227-Entering Passive Mode\r\n227 (127,0,0,1,4,1)\r\n",
        "229-Entering\r\n229 Extended Passive Mode (|||1025|)\r\n",
    ),
    "swapped": (
        "229 Entering Extended Passive Mode (|||1025|)\r\n",
        "227 Entering Passive Mode (127,0,0,1,4,1).\r\n",
    ),
    "port-zero": (
        "227 Entering Passive Mode (127,0,0,1,0,0).\r\n",
        "229 Entering Extended Passive Mode (|||0|)\r\n",
    ),
    "empty": ("227 Entering Passive Mode\r\n", "229 Entering Passive Mode\r\n"),
}


def test_every_shape_is_in_the_table() -> None:
    """A new shape needs a row here."""
    assert set(MALFORMED) == set(SHAPES)


@table("shape", SHAPES)
def test_shapes_of_227_and_229(shape: str) -> None:
    """Each shape is what its name says, made from the true address."""
    assert (_edited(MalformedAddress(shape), PASV), _edited(MalformedAddress(shape), EPSV)) == MALFORMED[shape]


@table("shape", SHAPES)
def test_shapes_of_229_over_ipv6(shape: str) -> None:
    """A server without an IPv4 address has every shape, too."""
    assert _edited(MalformedAddress(shape), EPSV, host="::1") == MALFORMED[shape][1]


@given(st.sampled_from(sorted(SHAPES)), st.integers(1, 65535), st.booleans())
def test_shapes_keep_the_port_where_they_have_one(shape: str, port: int, extended: bool) -> None:
    """A reply that can still be parsed has the true port, or none."""
    reply = Reply("229", (render_229(port),)) if extended else Reply("227", (render_227(HOST, port),))
    sent = _edited(MalformedAddress(shape), reply)

    if shape in ("multi-line", "swapped"):
        assert port == (parse_229(sent[4:]) if sent.startswith("229") else parse_227(sent[4:])[1])
    if shape == "no-parentheses" and not extended:
        assert parse_227(sent[4:]) == (HOST, port)
    assert sent != reply.render().decode()


@pytest.mark.parametrize("edit", [WrongAddress("10.0.0.1"), *map(MalformedAddress, SHAPES)], ids=repr)
@pytest.mark.parametrize(
    "reply",
    [
        Reply("200", ("ok (1,2,3,4,5,6) (|||7|)",)),
        Reply("425", ("No data port is free",)),
        Reply("227", ("of a handler of a user's own",)),
        Reply("229", ("of a handler of a user's own",)),
    ],
)
def test_replies_without_an_address(edit: Edit, reply: Reply) -> None:
    """A refusal, or a reply without an address, is not changed."""
    assert edit.edit_reply(reply, HOST, "utf-8") is reply


# Sizes and times.


@table(
    ("by", "reply", "sent"),
    [
        (5, Reply("213", ("100",)), "213 105\r\n"),
        (-5, Reply("213", ("100",)), "213 95\r\n"),
        (-500, Reply("213", ("100",)), "213 0\r\n"),
        (5, Reply("150", ("Here it comes (100 bytes)",)), "150 Here it comes (105 bytes)\r\n"),
        (5, Reply("150", ("7 (8) 9 bytes (100 bytes)",)), "150 7 (8) 9 bytes (105 bytes)\r\n"),
        (
            5,
            Reply("250", ("Listing", "type=file;Size=100;modify=20260101000000; size=7", "End"), True),
            "250-Listing\r\n type=file;Size=105;modify=20260101000000; size=7\r\n250 End\r\n",
        ),
        (5, Reply("213", ("20260101000000",)), "213 20260101000000\r\n"),
        (5, Reply("213", ("\u0663",)), "213 \u0663\r\n"),
        (5, Reply("213", ("Status", "5", "End"), True), "213-Status\r\n 5\r\n213 End\r\n"),
        (5, Reply("226", ("100",)), "226 100\r\n"),
    ],
)
def test_sizes(by: int, reply: Reply, sent: str) -> None:
    """A size is wrong in 213, in the 150 and as a fact, and never negative; times and names are unchanged."""
    assert _edited(WrongSize(by), reply) == sent


@table(
    ("by", "reply", "sent"),
    [
        (7200, Reply("213", ("20251231230000",)), "213 20260101010000\r\n"),
        (-1, Reply("213", ("20260101000000",)), "213 20251231235959\r\n"),
        (
            60,
            Reply("250", ("Listing", "Modify=20260101000000;create=20260101000000; 20260101000000", "End"), True),
            "250-Listing\r\n Modify=20260101000100;create=20260101000100; 20260101000000\r\n250 End\r\n",
        ),
        (60, Reply("213", ("Modify=20260101000000; /a",)), "213 Modify=20260101000100; /a\r\n"),
        (60, Reply("213", ("100",)), "213 100\r\n"),
        (60, Reply("213", ("20261399000000",)), "213 20261399000000\r\n"),
        (-1e12, Reply("213", ("20260101000000",)), "213 20260101000000\r\n"),
        (1e300, Reply("213", ("20260101000000",)), "213 20260101000000\r\n"),
        (-1, Reply("213", ("10000101000000",)), "213 09991231235959\r\n"),
        (60, Reply("150", ("Here comes 20260101000000",)), "150 Here comes 20260101000000\r\n"),
    ],
)
def test_times(by: float, reply: Reply, sent: str) -> None:
    """A time is wrong in 213 and as a fact; invalid times and names are unchanged."""
    assert _edited(ShiftTime(by), reply) == sent


def test_listings_of_facts() -> None:
    """Facts are changed on every line; a name that looks like a fact is not."""
    listing = "type=file;size=5;modify=20260101000000; size=5\r\ntype=dir;modify=20260101000000; 20260101000000\r\n"

    assert WrongSize(5).edit_listing(listing) == listing.replace("size=5;", "size=10;")
    assert ShiftTime(60).edit_listing(listing) == listing.replace("=20260101000000;", "=20260101000100;")
    assert ShiftOffset(5).edit_listing(listing) == listing


def test_listings_with_a_total() -> None:
    """The first line is the number of blocks, as `ls` prints it."""
    listing = "-rw-r--r-- 1 none none 5 Jan  1 00:00 a\r\n" * 2

    assert TotalLine().edit_listing(listing) == f"total 8\r\n{listing}"
    assert TotalLine().edit_listing("") == "total 0\r\n"


def test_listings_without_links() -> None:
    """Every line with a link count loses it."""
    lines = ["-rw-r--r-- 1 none none 5 Jan  1 00:00 a", "drwxr-xr-x 12 none none 5 Jan  1 00:00 -rw-r--r-- 1 b"]
    short = ["-rw-r--r-- none none 5 Jan  1 00:00 a", "drwxr-xr-x none none 5 Jan  1 00:00 -rw-r--r-- 1 b"]

    assert NoLinkCounts().edit_listing("\r\n".join(lines)) == "\r\n".join(short)
    assert NoLinkCounts().edit_listing("01-01-26  12:00AM  5 a\r\n") == "01-01-26  12:00AM  5 a\r\n"


@table(
    ("argument", "by", "changed"),
    [
        ("100", 5, "105"),
        ("100", -500, "0"),
        ("0", 1, "1"),
        ("", 5, ""),
        ("x", 5, "x"),
        ("-1", 5, "-1"),
        ("\u0663", 5, "\u0663"),
        ("9" * 5000, 5, "9" * 5000),
    ],
)
def test_arguments_of_rest(argument: str, by: int, changed: str) -> None:
    """A number is changed, and never negative; other arguments are unchanged."""
    assert ShiftOffset(by).edit_argument(argument) == changed
    assert WrongSize(by).edit_argument(argument) == argument


# Different codes in one reply.


@table(
    ("reply", "sent"),
    [
        (Reply("250", ("ok",)), "250-ok\r\n251 End\r\n"),
        (Reply("229", ()), "229-\r\n220 End\r\n"),
        (Reply("214", ("a", "b", "c")), "214-a\r\n214-b\r\n214-c\r\n215 End\r\n"),
        (Reply("211", ("a", "b", "c"), True), "211-a\r\n b\r\n c\r\n212 End\r\n"),
    ],
)
def test_two_codes_in_one_reply(reply: Reply, sent: str) -> None:
    """The reply has several lines in its own form, and the last line has another code with the same first digits."""
    assert _edited(MismatchedLines(), reply) == sent


def test_two_codes_in_any_encoding() -> None:
    """A reply is sent although the encoding lacks a character; control characters do not end a line."""
    reply = Reply("250", ("\u0416\udce4\n",))

    assert MismatchedLines().edit_reply(reply, HOST, "latin-1") == b"250-?\xe4\x00\r\n251 End\r\n"


@given(st.from_regex(r"[1-5][0-9][0-9]", fullmatch=True), st.lists(st.text(max_size=5), max_size=4), st.booleans())
def test_two_codes_always_differ(code: str, lines: list[str], listing: bool) -> None:
    """First and last code share two digits and differ in the third, for any reply."""
    sent = MismatchedLines().edit_reply(Reply(code, tuple(lines), listing), HOST, "utf-8")

    assert isinstance(sent, bytes)
    first, *_, last = sent.removesuffix(b"\r\n").split(b"\r\n")
    assert first[:4] == f"{code}-".encode()
    assert last[:2] == first[:2]
    assert last[2:3] != first[2:3]
    assert last[3:] == b" End"
