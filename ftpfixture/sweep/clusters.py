"""Failures by cause: many points often fail for one line of code.

One rule: a cause is an exception and the innermost line of the user's code; without one, the verdict and the fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ftpfixture.faults.trigger import counted
from ftpfixture.sweep.outcome import Outcome

__all__ = ["Cluster", "clusters"]

_SHOWN = 3  # points of a cause that are named


@dataclass(frozen=True, slots=True)
class Cluster:
    """The points that fail for one cause.

    Attributes:
        cause: The line and the exception, or the verdict and the fault.
        outcomes: The points.
    """

    cause: str
    outcomes: tuple[Outcome, ...]

    def lines(self) -> list[str]:
        """The cause with its first points, and how the first one repeats."""
        first = self.outcomes[0]
        names = [outcome.point for outcome in self.outcomes[:_SHOWN]]
        more = len(self.outcomes) - len(names)
        listed = ", ".join(names) + (f" and {more} more" if more else "")
        return [
            f"{counted(len(self.outcomes), 'point')}, one cause: {self.cause}",
            f"    {first.test}: {listed}",
            f"    {first.fault}",
        ]


def clusters(outcomes: Iterable[Outcome]) -> list[Cluster]:
    """Return the failing points by cause, the largest group first."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.passes:
            groups.setdefault(_key(outcome), []).append(outcome)
    found = [Cluster(_cause(group[0]), tuple(group)) for group in groups.values()]
    return sorted(found, key=lambda cluster: -len(cluster.outcomes))


def _key(outcome: Outcome) -> tuple[str, ...]:
    kind = "" if outcome.verdict in ("leaked", "hung") else outcome.error.partition(":")[0]
    if outcome.where:
        return outcome.test.partition("[")[0], outcome.verdict, outcome.where, kind
    return outcome.test.partition("[")[0], outcome.verdict, outcome.action.partition("-")[0], kind


def _cause(outcome: Outcome) -> str:
    if outcome.verdict == "leaked" and outcome.where:
        return f"{outcome.where}: leaked: a connection stays open when this fails"
    if outcome.where:
        return f"{outcome.where}: {outcome.verdict}: {outcome.error}"
    return f"{outcome.verdict} at {outcome.action.partition('-')[0]}{f': {outcome.error}' if outcome.error else ''}"
