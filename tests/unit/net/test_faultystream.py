"""Bits of a stream are flipped at their place in the whole, whatever pieces it goes in."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.faults.actions import Garble
from ftpfixture.net.faultystream import flipped
from tests.support.rows import table


@table(
    ("garble", "octets"),
    [
        (Garble("data"), b"\x01\0\0\0\0\0\0\0"),
        (Garble("data", first=3), b"\0\0\0\x01\0\0\0\0"),
        (Garble("data", first=7, mask=0xFF), b"\0\0\0\0\0\0\0\xff"),
        (Garble("data", first=8), b"\0\0\0\0\0\0\0\0"),
        (Garble("data", every=1), b"\x01\x01\x01\x01\x01\x01\x01\x01"),
        (Garble("data", first=1, every=3, mask=0x80), b"\0\x80\0\0\x80\0\0\x80"),
        (Garble("data", first=6, every=5), b"\0\0\0\0\0\0\x01\0"),
    ],
)
def test_which_bits_are_flipped(garble: Garble, octets: bytes) -> None:
    """Those of the mask, in the octet `first`, and in each so-many-th after it."""
    assert flipped(bytes(8), 0, garble) == octets
    assert flipped(memoryview(octets), 0, garble) == bytes(8)


@given(
    st.binary(max_size=60),
    st.lists(st.integers(0, 60), max_size=5),
    st.builds(Garble, st.just("data"), st.integers(0, 70), st.none() | st.integers(1, 70), st.integers(1, 255)),
)
def test_pieces_are_garbled_as_the_whole(data: bytes, cuts: list[int], garble: Garble) -> None:
    """Wherever a stream is cut into pieces, the same octets of it are changed, and no others."""
    ends = [0, *sorted(cuts), len(data)]
    pieces = [flipped(data[start:end], start, garble) for start, end in itertools.pairwise(ends)]

    numbers = range(garble.first, len(data), garble.every or len(data) + 1)
    wanted = bytes(octet ^ garble.mask if number in numbers else octet for number, octet in enumerate(data))
    assert b"".join(pieces) == flipped(data, 0, garble) == wanted
