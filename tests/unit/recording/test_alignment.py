"""Partners in two sequences: all parts, in order, with as few differences as possible, in bounded time."""

from __future__ import annotations

from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.recording.alignment import aligned, common
from tests.support.rows import table

few = st.lists(st.sampled_from("abc"), max_size=12)


def pairs(one: str | list[str], other: str | list[str]) -> list[tuple[str | None, str | None]]:
    """The partners of two sequences of letters."""
    return [*aligned(one, other, lambda letter: letter)]


@table(
    ("one", "other", "count"),
    [("", "", 0), ("a", "", 0), ("ab", "ab", 2), ("abc", "abx", 2), ("ab", "abc", 2), ("xb", "ab", 0)],
)
def test_what_is_equal_at_the_beginning(one: str, other: str, count: int) -> None:
    """Its length."""
    assert common(one, other) == count


@table(
    ("one", "other", "expected"),
    [
        ("", "", []),
        ("ab", "ab", ["aa", "bb"]),
        ("ab", "", ["a-", "b-"]),
        ("", "ab", ["-a", "-b"]),
        ("abc", "ac", ["aa", "b-", "cc"]),
        ("ac", "abc", ["aa", "-b", "cc"]),
        ("axxb", "ayb", ["aa", "xy", "x-", "bb"]),
        ("anbn", "nanbn", ["-n", "aa", "nn", "bb", "nn"]),
        ("abc", "xyz", ["ax", "by", "cz"]),
    ],
)
def test_partners(one: str, other: str, expected: list[str]) -> None:
    """Equal parts are partners, and those between them in their order."""
    assert ["".join(part or "-" for part in pair) for pair in pairs(one, other)] == expected


@given(few, few)
def test_nothing_is_lost_and_no_more_differs_than_must(one: list[str], other: list[str]) -> None:
    """Each part is there once, in order; at least as many are equal as `difflib` finds."""
    found = pairs(one, other)
    assert [mine for mine, _ in found if mine is not None] == one
    assert [its for _, its in found if its is not None] == other

    matcher = SequenceMatcher(None, one, other, autojunk=False)
    assert sum(mine == its for mine, its in found) >= sum(block.size for block in matcher.get_matching_blocks())


def test_long_sequences_without_anything_in_common() -> None:
    """Then the parts are partners in their order, after those that are equal at the beginning."""
    found = pairs("ab" + "n" * 3000, "ab" + "xn" * 3000)
    assert found[:4] == [("a", "a"), ("b", "b"), ("n", "x"), ("n", "n")]
    assert len(found) == 6002
