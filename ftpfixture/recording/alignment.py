"""Partners in two sequences, such as the commands of two sessions.

One rule: pure, and the time is bounded: two long sequences that have nothing in common cost no more than any other.

The shortest way from one sequence to the other is found as E. W. Myers describes it ("An O(ND) difference algorithm and
its variations", Algorithmica 1, 1986): the time grows with the number of differences, and not with the square of the
lengths, which repeated commands such as NOOP would make of it with `difflib`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

__all__ = ["aligned", "common"]

_MOST = 400
"""Parts without an equal partner beyond which sequences count as different as a whole."""

Part = TypeVar("Part")
Pair = tuple[Part | None, Part | None]


def common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many values are equal at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, its) in pairs if mine != its), min(len(one), len(other)))


def aligned(one: Sequence[Part], other: Sequence[Part], key: Callable[[Part], Hashable]) -> Iterator[Pair[Part]]:
    """Yield each part with its partner, in order; None for a missing one.

    Parts with equal keys are partners, and so are those between them, one after another.

    Args:
        one: The first sequence.
        other: The second.
        key: Returns what is compared.
    """
    place = other_place = 0
    ends = (len(one), len(other))
    for low, high in (*_equal([*map(key, one)], [*map(key, other)]), ends):
        yield from zip_longest(one[place:low], other[other_place:high])
        if (low, high) != ends:
            yield one[low], other[high]
        place, other_place = low + 1, high + 1


def _equal(one: Sequence[Hashable], other: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The places of equal values on a shortest way from one sequence to the other.

    Where that takes more than `_MOST` steps, only those at the beginning.
    """
    furthest = {1: 0}  # by diagonal: the place in `one` that is reached with this number of steps
    rounds = []
    for steps in range(min(_MOST, len(one) + len(other)) + 1):
        rounds.append(furthest.copy())
        for diagonal in range(-steps, steps + 1, 2):
            before = _before(furthest, diagonal, steps)
            place = furthest[before] + (before < diagonal)
            other_place = place - diagonal
            while place < len(one) and other_place < len(other) and one[place] == other[other_place]:
                place, other_place = place + 1, other_place + 1
            furthest[diagonal] = place
            if place >= len(one) and other_place >= len(other):
                return _way(rounds, len(one), len(other))
    return [(place, place) for place in range(common(one, other))]


def _before(furthest: dict[int, int], diagonal: int, steps: int) -> int:
    """The diagonal from which a step leads furthest on this one."""
    if diagonal == -steps or (diagonal != steps and furthest[diagonal - 1] < furthest[diagonal + 1]):
        return diagonal + 1
    return diagonal - 1


def _way(rounds: list[dict[int, int]], place: int, other_place: int) -> list[tuple[int, int]]:
    """The equal places on the way that ends here, from its rounds."""
    found = []
    for steps, furthest in reversed([*enumerate(rounds)]):
        before = _before(furthest, place - other_place, steps)
        start, other_start = furthest[before], furthest[before] - before
        while place > max(start, 0) and other_place > max(other_start, 0):
            place, other_place = place - 1, other_place - 1
            found.append((place, other_place))
        place, other_place = start, other_start
    return found[::-1]
