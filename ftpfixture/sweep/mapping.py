"""Runs without a fault, and the map that they give.

One rule: where two of them differ, no verdict would mean anything: there is no map, and the difference is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from ftpfixture.sweep.mapfile import VERSION, Header
from ftpfixture.sweep.points import Point, points_of
from ftpfixture.sweep.steps import Step

__all__ = ["AGAIN", "REAL", "RUNS", "SIMULATED", "CleanRun", "difference", "map_of"]

SIMULATED, REAL, AGAIN = RUNS = ("map-simulated", "map-real", "map-again")
"""The runs from which a map is made."""


@dataclass(frozen=True, slots=True)
class CleanRun:
    """A run without a fault.

    Attributes:
        steps: Its steps, in order.
        bytes: The bytes of its transfers.
        open: The connections that it left open when the test ended, before its fixtures.
        simulated: Whether all of its servers were simulated.
        error: Why it failed; "" when it passed.
    """

    steps: Sequence[Step]
    bytes: int = 0
    open: int = 0
    simulated: bool = False
    error: str = ""

    @property
    def names(self) -> list[str]:
        """The names of its steps."""
        return [step.name for step in self.steps]

    def sent(self) -> dict[str, Any]:
        """The run as a mapping of plain values."""
        return asdict(self)

    @classmethod
    def received(cls, values: Mapping[str, Any]) -> Self:
        """The run that `sent` has made."""
        steps = [Step(**{**step, "site": tuple(step["site"])}) for step in values["steps"]]
        return cls(**{**values, "steps": steps})


def map_of(test: str, runs: Mapping[str, CleanRun]) -> tuple[Header, list[Point]]:
    """Return the first line of a map, and its points.

    Args:
        test: Name of the test.
        runs: By their names, at least the two with real connections.

    Raises:
        ValueError: There can be none; the text has the reason.
    """
    real, again, simulated = runs[REAL], runs[AGAIN], runs.get(SIMULATED)
    for run in (real, again):
        if run.error:
            raise ValueError(f"it fails without a fault: {run.error}")
        if not run.steps:
            raise ValueError("no client connected to a server of it")
    if differs := difference(real.names, again.names):
        raise ValueError(f"two runs without a fault differ, so no verdict would mean anything: {differs}")
    chosen = real
    if simulated is not None and simulated.simulated and not simulated.error:
        chosen = real if difference(real.names, simulated.names) else simulated
    points, left = points_of(chosen.steps)
    header = Header(
        version=VERSION,
        test=test,
        simulated=chosen.simulated,
        steps=chosen.names,
        bytes=chosen.bytes,
        open=chosen.open,
        left=dict(left),
    )
    return header, points


def difference(expected: Sequence[str], seen: Sequence[str]) -> str:
    """How two runs differ in their steps, as text; "" if they have the same ones, in whatever order."""
    missing, new = Counter(expected) - Counter(seen), Counter(seen) - Counter(expected)
    texts = []
    if missing:
        texts.append(f"{', '.join(sorted(missing))} {'is' if missing.total() == 1 else 'are'} missing")
    if new:
        texts.append(f"{', '.join(sorted(new))} {'is' if new.total() == 1 else 'are'} new")
    return ", and ".join(texts)
