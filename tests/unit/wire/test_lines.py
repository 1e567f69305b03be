"""LineReader and escape_line: the same lines from bytes in any chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ftpfixture.wire import lines
from ftpfixture.wire.lines import LineReader, escape_line
from tests.support.rows import table

# The bytes with a meaning, the edges of their ranges, and two without.
SPECIAL_BYTES = b"\r\n\0\xff\xef\xf0\xf9\xfa\xfb\xfeAB"
special_data = st.lists(st.sampled_from(SPECIAL_BYTES), max_size=40).map(bytes)


@st.composite
def chopped(draw: st.DrawFn, data: st.SearchStrategy[bytes] = special_data) -> list[bytes]:
    """Return bytes in random chunks, some of them empty."""
    whole = draw(data)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def read(*chunks: bytes, limit: int = 8192) -> list[bytes | None]:
    """Return all lines of a new reader for the chunks."""
    reader = LineReader(limit)
    return [line for chunk in chunks for line in reader.feed(chunk)]


def one_by_one(data: bytes) -> list[bytes]:
    """Return the bytes as chunks of one."""
    return [bytes([byte]) for byte in data]


@table(
    ("data", "lines"),
    [
        (b"", []),
        (b"NOOP\r\n", [b"NOOP"]),
        (b"NOOP\n", [b"NOOP"]),
        (b"\r\n", [b""]),
        (b"\n", [b""]),
        (b"\n\r\n\n", [b"", b"", b""]),
        (b"NOOP", []),
        (b"NOOP\r", []),
        (b"USER a\r\nPASS b\r\nQU", [b"USER a", b"PASS b"]),
        (b"RETR a \r\n", [b"RETR a "]),
        (b"RETR a\rb\r\n", [b"RETR a\rb"]),
        (b"RETR a\r\r\n", [b"RETR a\r"]),
        (b"RETR a\0b\r\n", [b"RETR a\0b"]),
    ],
)
def test_line_ends(data: bytes, lines: list[bytes]) -> None:
    """CRLF and LF end a line and are not part of it; nothing else ends a line, and nothing else is removed."""
    assert read(data) == lines
    assert read(*one_by_one(data)) == lines


@table(
    ("data", "lines"),
    [
        (b"RETR a\r\0b\r\n", [b"RETR a\rb"]),
        (b"RETR a\r\0\nb\r\n", [b"RETR a\r\nb"]),
        (b"RETR a\r\0\r\n", [b"RETR a\r"]),
        (b"RETR a\r\0\0\r\n", [b"RETR a\r\0"]),
        (b"RETR a\0\nNOOP\n", [b"RETR a\0", b"NOOP"]),
        (b"RETR \r\0\n\nNOOP\n", [b"RETR \r\n", b"NOOP"]),
        (b"RETR a\r\xff\xf1\0\xff\xf1\nb\n", [b"RETR a\r\nb"]),
    ],
)
def test_cr_nul_is_a_cr_inside_the_line(data: bytes, lines: list[bytes]) -> None:
    """CR NUL is a CR of the line, and a LF right after it belongs to the line (RFC 2640 3.1)."""
    assert read(data) == lines
    assert read(*one_by_one(data)) == lines


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"RETR \xff\xff", b"RETR \xff"),
        (b"RETR \xff\xff\xff\xf1", b"RETR \xff"),
        (b"RETR \xff\xff\xf1", b"RETR \xff\xf1"),
        (b"\xff\xf4\xff\xf2ABOR", b"ABOR"),
        (b"NO\xff\xf1OP", b"NOOP"),
        (b"NOOP\xff\xf0\xff\xf9", b"NOOP"),
        (b"\xff\xfb\x01\xff\xfc\x02\xff\xfd\x03\xff\xfe\xffNOOP", b"NOOP"),
        (b"NO\xff\xfa\x1f\0\x50\0\x0a\xff\xf0OP", b"NOOP"),
        (b"NO\xff\xfa\x1f\xff\xff\xf0\r\0\xff\xf0OP", b"NOOP"),
        (b"NO\xff\xfa\xff\xf0OP", b"NOOP"),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_telnet_is_removed(data: bytes, line: bytes, end: bytes) -> None:
    """Telnet commands, negotiations and subnegotiations are removed; IAC IAC becomes one byte 255 (RFC 854)."""
    assert read(data + end) == [line]
    assert read(*one_by_one(data + end)) == [line]


@table(
    "line",
    [
        b"RETR \xff",
        b"RETR \xffa\xe9",
        b"RETR \xff\xef",
        b"RETR \xff\xfa",
        b"RETR \xff\xfab\xff\xfab",
        b"RETR \xff\xfb",
        b"RETR \xff\xfe",
        b"RETR \xff\xfa" + b"b" * 513 + b"\xff\xefc",
    ],
)
def test_names_in_latin_1_survive_and_end(line: bytes) -> None:
    """An IAC that begins no command stays, as does the byte after it, and never hides the end of the line."""
    assert read(line + b"\r\nNOOP\r\n") == [line, b"NOOP"]
    assert read(*one_by_one(line + b"\r\nNOOP\r\n")) == [line, b"NOOP"]


def test_a_subnegotiation_without_end_is_text() -> None:
    """After 512 bytes an open subnegotiation is text, and a LF in it ends a line."""
    assert read(b"NOOP\xff\xfa\n" + b"b" * 511) == []
    assert read(b"NOOP\xff\xfa\n" + b"b" * 512) == [b"NOOP\xff\xfa"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("length", [7, 8])
def test_a_line_of_the_limit_is_read(length: int, end: bytes) -> None:
    """A line may be as long as the limit, its end not counted."""
    assert read(b"a" * length + end, limit=8) == [b"a" * length]
    assert read(*one_by_one(b"a" * length + end), limit=8) == [b"a" * length]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("length", [9, 10, 11, 300])
def test_a_line_over_the_limit_is_none(length: int, end: bytes) -> None:
    """A line that is too long becomes one None, and the next line is in sync again."""
    data = b"a" * length + end + b"NOOP" + end
    assert read(data, limit=8) == [None, b"NOOP"]
    assert read(*one_by_one(data), limit=8) == [None, b"NOOP"]


@table("name", [b"\r\0\n", b"b\r\0\nc", b"\r\0\nc", b"\r\0\n\0"])
def test_cr_nul_counts_in_a_line_over_the_limit(name: bytes) -> None:
    """A LF after CR NUL does not end a line that is being dropped."""
    data = b"a" * 12 + name + b"\r\nNOOP\r\n"
    assert read(data, limit=8) == [None, b"NOOP"]
    assert read(*one_by_one(data), limit=8) == [None, b"NOOP"]


def test_memory_is_bounded() -> None:
    """Without a LF the buffer stays small, for a line and for a Telnet command."""
    reader = LineReader(100)
    for chunk in (b"a" * 1000, b"\r\0\n" * 1000, b"\xff\xfa" + b"b" * 10000, b"\xff" * 999):
        assert reader.feed(chunk) == []
        assert len(reader._line) + len(reader._held) <= 101 + 104
    assert reader.feed(b"\r\nNOOP\r\n") == [None, b"NOOP"]


def searched(chunks: Iterable[bytes], monkeypatch: pytest.MonkeyPatch, limit: int = 8192) -> int:
    """Return how many bytes a new reader searches for Telnet in these chunks, counting repeated searches."""
    total = 0
    end = lines._end

    def counted(pattern: re.Pattern[bytes], data: bytes, start: int, *rest: int) -> int:
        nonlocal total
        found = end(pattern, data, start, *rest)
        total += found - start + 1
        return found

    reader = LineReader(limit)
    with monkeypatch.context() as patch:
        patch.setattr(lines, "_end", counted)
        for chunk in chunks:
            reader.feed(chunk)
    return total


@pytest.mark.parametrize("size", [1, 7, 511, 3000])
def test_bytes_are_searched_a_few_times(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is proportional to the received bytes, whatever they are and in whatever chunks."""
    for piece in (
        b"\xff\xfa",
        b"\xff\xfaa",
        b"\xff\xfa\n",
        b"\xff\xfa\r",
        b"\xff\xfa\r\n",
        b"\xff\xfa\xff",
        b"\xff\xfa\xff\xf0",
        b"\xff\xfd\xff\xfa",
        b"\xff\xff\xfa",
        b"\xff\xff",
        b"\xff\xfb",
        b"\xff\xfb\r",
        b"\xff",
        b"\xffa",
        b"a" * 600 + b"\xff\xfa",
        b"\xff\xfa" + b"a" * 511,
        b"\xff\xfa" + b"a" * 509 + b"\xff\xf0",
        b"\xff\xfa" + b"\r\0" * 300,
    ):
        data = piece * (3000 // len(piece))
        for limit in (8, 8192):
            chunks = (data[start : start + size] for start in range(0, len(data), size))
            assert searched(chunks, monkeypatch, limit) <= 5 * len(data), piece


@given(chopped(special_data.map(lambda data: data * 50)))
def test_random_bytes_are_searched_a_few_times(chunks: list[bytes]) -> None:
    """No combination of bytes with a meaning makes the reader search them more than a few times."""
    with pytest.MonkeyPatch.context() as patch:
        assert searched(chunks, patch) <= 5 * sum(map(len, chunks)) + 8 * len(chunks)


def test_subnegotiations_do_not_hide_a_line_that_is_too_long() -> None:
    """An incomplete subnegotiation counts in the length of its line; a complete one does not."""
    assert read(b"\xff\xfa" * 32768 + b"\r\nNOOP\r\n") == [None, b"NOOP"]
    assert read(b"\xff\xfa\x18" * 4096 + b"\r\nNOOP\r\n") == [None, b"NOOP"]
    assert read(b"\xff\xfa\x18\0xterm\xff\xf0" * 32768 + b"NOOP\r\n") == [b"NOOP"]
    assert read(b"\xff\xfa" + b"b" * 9, b"\r\nNOOP\r\n", limit=8) == [None, b"NOOP"]


@table("start", [b"NO", b"\r", b"\xff", b"\xff\xfb", b"\xff\xfa1", b"a" * 50])
def test_pending_and_clear(start: bytes) -> None:
    """A line that has begun is pending until its end or until it is dropped."""
    reader = LineReader(20)
    assert not reader.pending
    reader.feed(start)
    assert reader.pending
    reader.clear()
    assert not reader.pending
    assert reader.feed(b"QUIT\r\n") == [b"QUIT"]
    assert not reader.pending


@given(chopped())
@example([b"A\r", b"\n"])
@example([b"A\r", b"\0", b"\nB\n"])
@example([b"A\xff", b"\r\n"])
@example([b"A\xff\xfa\r", b"\n"])
def test_chunks_do_not_matter(chunks: list[bytes]) -> None:
    """The same bytes give the same lines, whole, in chunks or one by one, and leave the same rest."""
    whole = b"".join(chunks)
    for limit in (3, 8192):
        lines = read(whole + b"C\n", limit=limit)
        assert read(*chunks, b"C\n", limit=limit) == lines
        assert read(*one_by_one(whole + b"C\n"), limit=limit) == lines


@given(st.binary(max_size=60))
def test_plain_bytes_pass(data: bytes) -> None:
    """Bytes without CR, LF and IAC stay unchanged."""
    line = data.translate(None, b"\r\n\xff")
    assert read(line + b"\r\n") == read(line + b"\n") == [line]


@table(
    ("text", "escaped"),
    [
        (b"", b""),
        (b"plain \0 \xff", b"plain \0 \xff"),
        (b"a\rb", b"a\r\0b"),
        (b"a\nb\n", b"a\0b\0"),
        (b"a\r\nb", b"a\r\0\nb"),
        (b"\n\r\r\n\n", b"\0\r\0\r\0\n\0"),
    ],
)
def test_escape_line(text: bytes, escaped: bytes) -> None:
    """CR becomes CR NUL, a LF without CR becomes NUL, all else stays."""
    assert escape_line(text) == escaped


@given(special_data)
def test_an_escaped_line_is_one_line(text: bytes) -> None:
    """No text without IAC ends its line early or joins the next one."""
    text = text.replace(b"\xff", b"")
    assert len(read(escape_line(text) + b"\r\n")) == 1


@given(st.lists(st.text(st.sampled_from("\r\n\0 AB\u00e9\u0416"))), st.data())
def test_lines_round_trip(texts: list[str], data: st.DataObject) -> None:
    """Escaped lines are read unchanged, in any chunks, if each LF follows a CR."""
    lines = [text.replace("\n", "\r\n").encode() for text in texts]
    stream = b"".join(escape_line(line) + b"\r\n" for line in lines)
    assert read(*data.draw(chopped(st.just(stream)))) == lines
