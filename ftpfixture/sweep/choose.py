"""Which points a run tries: by set, by word, by number, by time, by part.

One rule: what is chosen follows from the maps and the options alone, so that all processes of a run choose the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ftpfixture.sweep.kinds import LEVELS, Harm, harm_of
from ftpfixture.sweep.mapfile import Row

__all__ = ["Choice", "cost_of", "is_in", "is_stall", "ranked"]

_SIMULATED = 5  # milliseconds of a point whose time is not known
_REAL = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run takes of its points.

    Attributes:
        most: How many points; None for all.
        budget: How many seconds they may take together, by their maps; None for any.
        shard: Which part, and of how many: (1, 4).
    """

    most: int | None = None
    budget: float | None = None
    shard: tuple[int, int] = (1, 1)

    def taken(self, costs: Sequence[float]) -> set[int]:
        """Return the positions of the points to take.

        Args:
            costs: Of each point, the most telling first: the seconds that it takes.
        """
        part, parts = self.shard
        positions: Sequence[int] = range(len(costs))[part - 1 :: parts]
        if self.budget is not None:
            spent, within = 0.0, []
            for position in positions:
                spent += costs[position]
                if spent > self.budget:
                    break
                within.append(position)
            positions = within
        return set(positions if self.most is None else positions[: self.most])


def is_in(row: Row, points: str | tuple[str, ...]) -> bool:
    """Whether a point is in a set, or has one of some words in its faults."""
    if isinstance(points, str):
        return LEVELS.index(row.set) <= LEVELS.index(points)
    return any(word in points for word in row.value.fault.replace(":", " ").split())


def is_stall(row: Row) -> bool:
    """Whether nothing more comes at a point, so that a client without a timeout waits for ever."""
    return harm_of(row.value.action) == Harm.STALL


def ranked(rows: Sequence[tuple[str, Row]]) -> list[int]:
    """Return the positions of points, the most telling first: each kind once, corruption before loss, stalls last.

    Args:
        rows: Each with the test that it belongs to.
    """
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for position, (test, row) in enumerate(rows):
        action = row.value.action
        keys.append((is_stall(row), seen[test, action], harm_of(action), position))
        seen[test, action] += 1
    return [key[-1] for key in sorted(keys)]


def cost_of(row: Row, simulated: bool, timeout: float) -> float:
    """The seconds that a point takes, by its map."""
    if row.ms:
        return row.ms / 1000
    if is_stall(row) and not simulated:
        return timeout
    return (_SIMULATED if simulated else _REAL) / 1000
