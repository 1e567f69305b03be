"""The map of a session: every step with everything that can go wrong there.

Theory of operation. A run without faults gives the steps. Each step is crossed with the rows of `kinds`, once and, for
some, for ever. Then points are left out, in this order, and counted by reason:

1. what cannot make a difference there: a refusal of what was refused, a place in the data of an empty file;
2. what puts the same bytes on the wire as another point: the half of a file of one byte; a lost reply to a command that
   changes nothing, which is a command that was not carried out;
3. the middle of a run of equal commands: the first, the second and the last one stay;
4. steps at which the code of the client is at the same place as at an earlier one, with the same verb and kind of
   reply: one stands for all, and only the set "all" has the others. Places are known of simulated runs.

Depth 2: a client that goes on after a fault makes new steps (it connects again, restarts, tries again), and something
can go wrong at these, too. They are known when the point has run: `points_after` gives them, for the set "all".

One rule: the same steps give the same points, with the same names, in the same order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ftpfixture.sweep.kinds import ALL, CHANGES, KINDS, LEVELS, QUICK, Kind
from ftpfixture.sweep.steps import CONNECT, Step
from ftpfixture.wire.states import TRANSFERS

__all__ = ["LEFT_OUT", "Point", "points_after", "points_of"]

LEFT_OUT = {
    "no difference": "the fault cannot make a difference there",
    "same bytes": "another point puts the same bytes on the wire",
    "same run": "it is in the middle of a run of equal commands",
    "same place": "the code of the client is at the same place as at an earlier point (in the set all)",
}
"""Why points are left out of a map, or of all sets but "all"."""

_SHOWN = 60  # characters of a command in the map


@dataclass(frozen=True, slots=True)
class Point:
    """A step and what goes wrong there.

    Attributes:
        name: Such as "RETR.1-data.half-reset_data", with "-forever" if it goes wrong from there on; a second fault
            follows after "~".
        faults: One or two faults as text.
        shown: The command of the step, secrets starred; shortened.
        level: The smallest set that has it: "quick", "standard" or "all".
        server: Number of its server among those of the test, from 1.
    """

    name: str
    faults: tuple[str, ...]
    shown: str
    level: str
    server: int = 1

    @property
    def step(self) -> str:
        """Name of the step, such as "RETR.1"; after the first fault that of a second one."""
        head, tilde, last = self.name.rpartition("~")
        return head + tilde + last.partition("-")[0]

    @property
    def action(self) -> str:
        """Where and what, such as "data.half-reset_data-forever"."""
        return self.name.rpartition("~")[2].partition("-")[2]

    @property
    def fault(self) -> str:
        """The faults in one line."""
        return " + ".join(self.faults)


def points_of(steps: Sequence[Step]) -> tuple[list[Point], Counter[str]]:
    """Return the points of a session, in the order of its steps, and how many were left out for each reason.

    Args:
        steps: The steps of a run without faults.
    """
    left: Counter[str] = Counter()
    middle = _middle_of_runs(steps)
    followers = _followers(steps)
    points: list[Point] = []
    for step in steps:
        found = list(_points_at(step, left))
        if step in middle:
            left["same run"] += len(found)
            continue
        if step in followers:
            left["same place"] += len(found)
            found = [replace(point, level=ALL) for point in found]
        points += found
    return points, left


def points_after(first: Point, clean: Iterable[str], steps: Iterable[Step]) -> list[Point]:
    """Return the points of depth 2: at the steps that a client makes only after a fault, the first with each verb.

    Args:
        first: The point with that fault.
        clean: The names of the steps without a fault.
        steps: The steps with it.
    """
    known = set(clean)
    seen: set[str] = set()
    points = []
    for step in steps:
        if step.name in known or step.verb in seen:
            continue
        seen.add(step.verb)
        for point in _points_at(step, Counter()):
            if point.level == QUICK and "stall" not in point.action and "forever" not in point.action:
                name = f"{first.name}~{point.name}"
                points.append(replace(point, name=name, faults=(*first.faults, *point.faults), level=ALL))
    return points


def _points_at(step: Step, left: Counter[str]) -> Iterable[Point]:
    """The points of one step."""
    seen: set[str] = set()
    for kind in KINDS:
        if not kind.verbs(step.verb):
            continue
        if not kind.where(step) or not _fits(kind, step):
            left["no difference"] += 1
            continue
        key = f"{kind.name}@{kind.place(step.size or 0)}" if kind.place else kind.fault(step)
        if key in seen or _is_the_same(kind, step):
            left["same bytes"] += 1
            continue
        seen.add(key)
        yield _point(kind, step, forever=False)
        if kind.forever:
            yield _point(kind, step, forever=True)


def _fits(kind: Kind, step: Step) -> bool:
    """Whether the place of a fault is within the data."""
    if kind.place is None:
        return True
    place, size = kind.place(step.size or 0), step.size or 0
    return place < size or (kind.phase == "data.end" and place == size)


def _is_the_same(kind: Kind, step: Step) -> bool:
    """Whether a lost reply looks like a command that was not carried out: it changed nothing and moved nothing."""
    is_lost = kind.phase == "reply" and kind.name in ("close", "never")
    return is_lost and (step.verb not in CHANGES | TRANSFERS or not step.succeeded)


def _point(kind: Kind, step: Step, *, forever: bool) -> Point:
    name = f"{step.name}-{kind.action}{'-forever' if forever else ''}"
    shown = step.shown if len(step.shown) <= _SHOWN else step.shown[: _SHOWN - 1] + "…"
    level = max(kind.forever, kind.level, key=LEVELS.index) if forever else kind.level
    return Point(name, (f"{_when(step, forever)}: {kind.fault(step)}",), shown, level, step.server)


def _when(step: Step, forever: bool) -> str:
    """The part of a fault before its colon."""
    if forever:
        return step.verb if step.total == 1 else f"{step.verb} skip={step.total - 1}"
    if step.verb == CONNECT or step.nth == step.total:
        return f"{step.verb} #{step.total}"
    return f"{step.verb} session={step.session} #{step.nth}"


# What is left out.


def _middle_of_runs(steps: Sequence[Step]) -> set[Step]:
    """The steps with a verb that is neither the first, the second nor the last of a run of it in a session."""
    runs: dict[object, list[Step]] = defaultdict(list)
    for step in steps:
        runs[step.server, step.session, step.verb, step.code, bool(step.size), step.site].append(step)
    return {step for run in runs.values() for step in run[2:-1]}


def _followers(steps: Sequence[Step]) -> set[Step]:
    """The steps for which an earlier one stands."""
    first: dict[object, Step] = {}
    for step in steps:
        if step.site:
            first.setdefault(_class_of(step), step)
    return {step for step in steps if step.site and first[_class_of(step)] != step}


def _class_of(step: Step) -> object:
    return step.server, step.verb, step.code[:1], bool(step.size), step.handshake, step.site
