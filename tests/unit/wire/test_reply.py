"""Reply, ReplyParser and Code: strict rendering, tolerant parsing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.reply import Code, Reply, ReplyParser, wrap_into_codes, wrap_with_container
from tests.support.rows import table

codes = st.integers(0, 999).map("{:03}".format)
# The texts that a reply can hold: all but a lone LF and lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: text.replace("\n", "\r\n"))


def parse(data: bytes, encoding: str = "utf-8") -> list[Reply]:
    """Return all replies in the bytes, which must end with a complete reply."""
    parser, replies, last = ReplyParser(), [], None
    for line in LineReader().feed(data):
        assert line is not None
        last = parser.feed_line(line, encoding)
        if last is not None:
            replies.append(last)
    assert last is not None
    return replies


@table(
    ("code", "mask", "fits"),
    [
        ("226", "226", True),
        ("226", "2xx", True),
        ("226", "x2x", True),
        ("226", "22*", True),
        ("226", "2", True),
        ("226", "22", True),
        ("226", "225", False),
        ("226", "3xx", False),
        ("226", "x3", False),
        ("226", "2xxx", False),
        ("226", "2260", False),
        ("226", "", False),
        ("", "", False),
        ("", "2xx", False),
        ("2\u00b26", "2xx", False),
        ("226", "\u00b226", True),
    ],
)
def test_code_matches(code: str, mask: str, fits: bool) -> None:
    """Digits of a mask must be equal, other characters match any digit; a short mask compares the beginning."""
    assert Code(code).matches(mask) is fits


def test_code_is_a_str() -> None:
    """A code compares and hashes like its digits."""
    assert Code("226") == "226"
    assert {Code("226")} == {"226"}


def test_wrap_with_container() -> None:
    """A str becomes a tuple, any other object is returned as it is."""
    codes = ["226"]
    assert wrap_with_container("226") == ("226",)
    assert wrap_with_container(codes) is codes
    assert wrap_with_container(b"226") == b"226"


def test_wrap_into_codes_keeps_codes() -> None:
    """Strings become codes, and existing codes stay the same objects, in order."""
    code = Code("3xx")
    wrapped = wrap_into_codes(["2xx", code])
    assert wrapped == ("2xx", "3xx")
    assert all(isinstance(item, Code) for item in wrapped)
    assert wrapped[1] is code


@table("code", ["", "2", "22", "2260", "2x6", " 22", "-22", "\u00b2\u00b2\u00b2", "\u0661\u0662\u0663"])
def test_codes_that_are_no_codes(code: str) -> None:
    """Only three ASCII digits are a reply code."""
    with pytest.raises(ValueError, match="three digits"):
        Reply(code, ("text",))


@table(
    ("reply", "data"),
    [
        (Reply("200", ("Fine.",)), b"200 Fine.\r\n"),
        (Reply("200", ("",)), b"200 \r\n"),
        (Reply("200", ()), b"200 \r\n"),
        (Reply("200", ("Fine.",), listing=True), b"200 Fine.\r\n"),
        (Reply("220", ("a", "b")), b"220-a\r\n220 b\r\n"),
        (Reply("220", ("a", "", "c")), b"220-a\r\n220-\r\n220 c\r\n"),
        (Reply("211", ("a", "b"), listing=True), b"211-a\r\n211 b\r\n"),
        (Reply("211", ("a", "b", "211 c", "d"), listing=True), b"211-a\r\n b\r\n 211 c\r\n211 d\r\n"),
        (Reply("257", ('"\udce9"',)), b'257 "\xe9"\r\n'),
        (Reply("257", ("a\r\n530 b", "c\nd")), b"257-a\r\0\n530 b\r\n257 c\0d\r\n"),
    ],
)
def test_render(reply: Reply, data: bytes) -> None:
    """One line, several lines and listings have their own form, and no text ends its line early."""
    assert reply.render() == data


@table(
    ("encoding", "data"),
    [
        ("utf-8", b"\xc3\xa9\xd0\x96?\x80"),
        ("latin-1", b"\xe9??\x80"),
        ("cp1251", b"?\xc6?\x80"),
        ("gbk", b"\xa8\xa6\xa7\xa8?\x80"),
        ("ascii", b"???\x80"),
    ],
)
def test_render_in_other_encodings(encoding: str, data: bytes) -> None:
    """Characters that the encoding lacks become question marks, escaped bytes are restored."""
    assert Reply("200", ("\u00e9\u0416\ud800\udc80",)).render(encoding) == b"200 " + data + b"\r\n"


def test_the_lenient_encoding_does_not_decode() -> None:
    """The handler for question marks is for encoding only: in decoding it raises the original error."""
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "ftpfixture.bytes-or-question-mark")


def test_properties() -> None:
    """`is_preliminary` is true for 1xx, and `text` joins the lines with newlines."""
    assert Reply("150", ("a",)).is_preliminary
    assert not Reply("226", ("1",)).is_preliminary
    assert Reply("226", ("a", "b")).text == "a\nb"
    assert Reply("226", ()).text == ""


@table(
    ("data", "code", "lines"),
    [
        (b"226 Done.\r\n", "226", ("Done.",)),
        (b"226\r\n", "226", ("",)),
        (b"226 \r\n", "226", ("",)),
        (b"226  two\r\n", "226", (" two",)),
        (b"226Done.\r\n", "226", ("Done.",)),
        (b"220-a\r\n220-b\r\n220 c\r\n", "220", ("a", "b", "c")),
        (b"220-\r\n220\r\n", "220", ("", "")),
        (b"220-a\r\n b\r\n\r\n220c\r\n220 d\r\n", "220", ("a", " b", "", "220c", "d")),
        (b"220-a\r\n221 b\r\n530-c\r\n 220 d\r\n220 e\r\n", "220", ("a", "221 b", "530-c", " 220 d", "e")),
        (b"220-a\r\n2200 b\r\n22\r\n220 c\r\n", "220", ("a", "2200 b", "22", "c")),
        (b"220-a\n220 b\n", "220", ("a", "b")),
        (b"257 \xe9\r\0\nx\r\n", "257", ("\udce9\r\nx",)),
    ],
)
def test_parse(data: bytes, code: str, lines: tuple[str, ...]) -> None:
    """A multi-line reply ends at its code, alone or with a space; all lines between are text (RFC 959 4.2)."""
    assert parse(data) == [Reply(code, lines)]


@table("line", [b"", b"22", b" 226 a", b"HTTP/1.1 400", b"2x6 a", b"\xb2\xb2\xb2 a", b"-220 a"])
def test_parse_refuses_what_is_no_reply(line: bytes) -> None:
    """A line without three digits raises ReplySyntaxError, and the parser accepts the next reply."""
    parser = ReplyParser()
    with pytest.raises(ReplySyntaxError):
        parser.feed_line(line)
    assert parser.feed_line(b"220 b") == Reply("220", ("b",))


@table(
    ("texts", "code", "lines", "tails"),
    [
        (["220 a"], "220", ["a"], [" a"]),
        (["220"], "220", [""], [""]),
        (["220a"], "220", ["a"], ["a"]),
        (
            ["211-a", " b", "211-c", "211x", "212 d", "211 e"],
            "211",
            ["a", " b", "c", "211x", "212 d", "e"],
            ["-a", " b", "-c", "211x", "212 d", " e"],
        ),
        (["211-a", "211"], "211", ["a", ""], ["-a", ""]),
    ],
)
def test_tails_keep_the_separator(texts: list[str], code: str, lines: list[str], tails: list[str]) -> None:
    """`tails` keeps the space or hyphen after the code; the same parser reads the next reply."""
    parser = ReplyParser()
    for _ in range(2):
        assert [parser.feed_text(text) for text in texts] == [False] * (len(texts) - 1) + [True]
        assert (parser.code, parser.lines, parser.tails) == (code, lines, tails)


def test_parser_reads_reply_after_reply() -> None:
    """No part of one reply is left in the next."""
    data = Reply("150", ("a",)).render() + Reply("226", ("b", "c")).render() + Reply("221", ("d", "e")).render()
    assert parse(data) == [Reply("150", ("a",)), Reply("226", ("b", "c")), Reply("221", ("d", "e"))]


def test_parser_accepts_bytes_that_a_codec_cannot_escape() -> None:
    """Text that the encoding cannot escape is read as ASCII."""
    assert parse(b"200 ~x\xe9\r\n", "hz") == [Reply("200", ("~x\udce9",))]


@given(codes, st.lists(texts, min_size=1).map(tuple))
def test_round_trip(code: str, lines: tuple[str, ...]) -> None:
    """A rendered reply is parsed as the same reply, whatever the beginning of its lines."""
    assert parse(Reply(code, lines).render()) == [Reply(code, lines)]


@given(codes, st.lists(texts, min_size=1).map(tuple))
def test_round_trip_of_listings(code: str, lines: tuple[str, ...]) -> None:
    """A listing is parsed as the same lines, with the indentation of the middle ones."""
    indented = tuple(f" {line}" if 0 < index < len(lines) - 1 else line for index, line in enumerate(lines))
    assert parse(Reply(code, lines, listing=True).render()) == [Reply(code, indented)]


@given(st.binary().map(lambda data: data.translate(None, b"\n\xff")))
def test_round_trip_of_bytes(data: bytes) -> None:
    """Bytes that are not UTF-8 pass through a reply unchanged."""
    text = data.decode("utf-8", "surrogateescape")
    (reply,) = parse(Reply("257", (text,)).render())
    assert reply.text.encode("utf-8", "surrogateescape") == data
