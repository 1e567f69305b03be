"""The report of a sweep as text, as Markdown and as JSON.

One rule: what was left out is counted with its reason, and what fails says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ftpfixture.faults.trigger import counted
from ftpfixture.sweep.clusters import clusters
from ftpfixture.sweep.matrix import cell_letter, matrices, matrix_text
from ftpfixture.sweep.outcome import BAD, CLEAN, Outcome
from ftpfixture.sweep.points import LEFT_OUT

__all__ = ["json_report", "markdown", "summary"]

Left = Mapping[str, Mapping[str, int]]
"""How many points were left out of the map of a test, by reason."""


def summary(outcomes: Sequence[Outcome], left: Left, width: int = 100, *, has_map: bool = True) -> list[str]:
    """Return the report as lines of text.

    Args:
        outcomes: In the order of their maps.
        left: What was left out.
        width: Characters of a line.
        has_map: Whether there is a map that may accept what fails.
    """
    lines = []
    for matrix in matrices(outcomes):
        seconds = sum(outcome.seconds for outcome in matrix.outcomes)
        lines += ["", f"{matrix.test}: {counted(len(matrix.outcomes), 'point')} in {seconds:.1f} s"]
        lines += matrix_text(matrix, width)
        lines += _left_out(left.get(matrix.test, {}))
    for cluster in clusters(outcomes):
        lines += ["", *cluster.lines()]
    return [*lines, *(_advice(outcomes) if has_map else [])][1:]


def _left_out(left: Mapping[str, int]) -> list[str]:
    texts = [f"{count} ({LEFT_OUT[reason]})" for reason, count in left.items() if count]
    return [f"left out: {', '.join(texts)}"] if texts else []


def _advice(outcomes: Iterable[Outcome]) -> list[str]:
    failing = [outcome for outcome in outcomes if not outcome.passes]
    lines = []
    if any(outcome.verdict in BAD for outcome in failing):
        lines.append('a bad verdict is accepted by "accept": "the reason" in the line of its point in the map')
    if any(outcome.verdict not in BAD for outcome in failing):
        lines.append("a verdict that has changed is accepted by a run with --ftp-update")
    return ["", *lines] if lines else []


def json_report(outcomes: Iterable[Outcome]) -> str:
    """Return the report as JSON."""
    keys = ("test", "point", "fault", "verdict", "expected", "seconds")
    points = [
        {key: getattr(outcome, key) for key in keys} | {"seconds": round(outcome.seconds, 6)}
        for outcome in outcomes
        if outcome.point != CLEAN
    ]
    return json.dumps({"points": points}, indent=1, ensure_ascii=False) + "\n"


def markdown(outcomes: Sequence[Outcome], left: Left) -> str:
    """Return the report as Markdown, for the summary of a CI job."""
    lines = []
    for matrix in matrices(outcomes):
        counts = ", ".join(f"{count} {verdict}" for verdict, count in matrix.counts().items())
        lines += [f"### FTP sweep: {_cell(matrix.test)}", "", f"{counted(len(matrix.outcomes), 'point')}: {counts}", ""]
        lines += [f"| step | {' | '.join(map(_cell, matrix.actions))} |", "|---" * (len(matrix.actions) + 1) + "|"]
        for step, shown in matrix.steps.items():
            cells = [cell_letter(matrix.cells.get((step, action), ())) for action in matrix.actions]
            lines.append(f"| `{_cell(step)}` {_cell(shown.partition(' ')[2])} | {' | '.join(cells)} |")
        lines += ["", *_left_out(left.get(matrix.test, {})), ""]
    failing = clusters(outcomes)
    if failing:
        lines += ["### Failures by cause", ""]
        for cluster in failing:
            first = cluster.outcomes[0]
            lines.append(f"- {counted(len(cluster.outcomes), 'point')}: {_cell(cluster.cause)}: `{_cell(first.fault)}`")
    return "\n".join(lines).rstrip() + "\n"


def _cell(text: str) -> str:
    """A text that ends neither a cell nor a line of code."""
    return " ".join(text.replace("|", "\\|").replace("`", "'").replace("<", "&lt;").split())
