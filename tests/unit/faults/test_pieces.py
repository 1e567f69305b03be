"""Bits are flipped at their position in the stream, in any pieces; bytes are split into replies."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.faults.pieces import Content, flip_bits, split_replies
from ftpfixture.wire.reply import Reply

FLIPPED = [
    ((0, None, 1), b"\x01\0\0\0\0\0\0\0"),
    ((3, None, 1), b"\0\0\0\x01\0\0\0\0"),
    ((7, None, 0xFF), b"\0\0\0\0\0\0\0\xff"),
    ((8, None, 1), b"\0\0\0\0\0\0\0\0"),
    ((0, 1, 1), b"\x01\x01\x01\x01\x01\x01\x01\x01"),
    ((1, 3, 0x80), b"\0\x80\0\0\x80\0\0\x80"),
    ((6, 5, 1), b"\0\0\0\0\0\0\x01\0"),
]
"""First byte, distance, bits, and the result for eight zeros."""


def test_which_bits_are_flipped() -> None:
    """The bits of the mask, in byte `first`, and in every `every`-th byte after it."""
    for chosen, content in FLIPPED:
        assert flip_bits(bytes(8), 0, *chosen) == content
        assert flip_bits(memoryview(content), 0, *chosen) == bytes(8)


@given(
    st.binary(max_size=60),
    st.lists(st.integers(0, 60), max_size=5),
    st.tuples(st.integers(0, 70), st.none() | st.integers(1, 70), st.integers(1, 255)),
)
def test_flips_do_not_depend_on_pieces(data: bytes, cuts: list[int], chosen: tuple[int, int | None, int]) -> None:
    """However a stream is split into pieces, the same bytes are changed."""
    ends = [0, *sorted(cuts), len(data)]
    pieces = [flip_bits(data[start:end], start, *chosen) for start, end in itertools.pairwise(ends)]

    first, every, mask = chosen
    numbers = range(first, len(data), every or len(data) + 1)
    wanted = bytes(byte ^ mask if number in numbers else byte for number, byte in enumerate(data))
    assert b"".join(pieces) == flip_bits(data, 0, *chosen) == wanted


CUT_UP: list[tuple[Content, list[tuple[Reply, bytes]]]] = [
    (Reply("226", ("Done",)), [(Reply("226", ("Done",)), b"226 Done\r\n")]),
    (b"226 Done\r\n", [(Reply("226", ("Done",)), b"226 Done\r\n")]),
    (
        b"226 A\r\n200 B\r\n",
        [(Reply("226", ("A",)), b"226 A\r\n"), (Reply("200", ("B",)), b"200 B\r\n")],
    ),
    (b"Hello\r\n220 Ready\r\n", [(Reply("220", ("Ready",)), b"Hello\r\n220 Ready\r\n")]),
    (b"226 Done", [(Reply("226", ("Done",)), b"226 Done")]),
    (b"nothing", [(Reply("000", ("nothing",)), b"nothing")]),
    (b"211-A\r\n", [(Reply("211", ("211-A",)), b"211-A\r\n")]),
    (b"", []),
]
"""Bytes, and the replies that a client finds in them."""


def test_bytes_are_the_replies_that_a_client_finds_in_them() -> None:
    """Every byte belongs to one piece, and each piece has the code that a client would read."""
    for content, pieces in CUT_UP:
        assert split_replies(content, "utf-8") == pieces


@given(st.binary(max_size=60) | st.from_regex(rb"([1-5][0-9][0-9][ -].{0,5}\r?\n?){0,4}", fullmatch=True))
def test_no_byte_is_lost(content: bytes) -> None:
    """All bytes are kept."""
    assert b"".join(raw for _, raw in split_replies(content, "utf-8")) == content
