"""The outcomes of one test as a matrix: steps down, faults across.

One rule: every point is in one cell, and a cell shows the worst of its points: once, for ever, with real connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ftpfixture.sweep.kinds import KINDS
from ftpfixture.sweep.outcome import BAD, CLEAN, VERDICTS, Outcome
from ftpfixture.wire.lines import printable

__all__ = ["LETTERS", "Matrix", "cell_letter", "matrices", "matrix_text"]

LETTERS = {verdict: verdict[0].upper() if verdict in BAD else verdict[0] for verdict in VERDICTS}
"""The letter of each verdict in a matrix: capitals for those that fail."""

_ORDER = {kind.action: number for number, kind in enumerate(KINDS)}
_LABEL = 34  # characters of the name of a step
_RANK = {verdict: number for number, verdict in enumerate(VERDICTS)}


@dataclass(slots=True)
class Matrix:
    """The outcomes of one test.

    Attributes:
        test: Its name.
        steps: The names of its steps, each with the command; in the order of the wire.
        actions: What goes wrong, without "-forever"; in the order of the table of kinds.
        cells: The outcomes by step and action.
    """

    test: str
    steps: dict[str, str] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    cells: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[Outcome]:
        """All outcomes, step by step."""
        return [outcome for cell in self.cells.values() for outcome in cell]

    def counts(self) -> dict[str, int]:
        """How many points have each verdict, the best first."""
        verdicts = [outcome.verdict for outcome in self.outcomes]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}


def matrices(outcomes: Iterable[Outcome]) -> list[Matrix]:
    """Return the matrix of each test, in the order of the outcomes; runs without a fault are left out."""
    found: dict[str, Matrix] = {}
    for outcome in outcomes:
        if outcome.point == CLEAN:
            continue
        matrix = found.setdefault(outcome.test, Matrix(outcome.test))
        action = outcome.action.removesuffix("-forever")
        matrix.steps.setdefault(outcome.step, outcome.shown)
        if action not in matrix.actions:
            matrix.actions.append(action)
        matrix.cells.setdefault((outcome.step, action), []).append(outcome)
    for matrix in found.values():
        matrix.actions.sort(key=lambda action: _ORDER.get(action, len(_ORDER)))
    return list(found.values())


def cell_letter(outcomes: Sequence[Outcome]) -> str:
    """The letter of a cell; "." without a point."""
    return LETTERS[max((outcome.verdict for outcome in outcomes), key=_RANK.__getitem__)] if outcomes else "."


def matrix_text(matrix: Matrix, width: int = 100) -> list[str]:
    """Return a matrix as lines of text.

    Args:
        matrix: The matrix.
        width: Characters of a line; columns that do not fit follow in another block.
    """
    labels = {step: _label(step, shown) for step, shown in matrix.steps.items()}
    left = max(map(len, labels.values()), default=0)
    columns = max(10, width - left - 2)
    lines = []
    for begin in range(0, len(matrix.actions), columns):
        numbers = range(begin, min(begin + columns, len(matrix.actions)))
        if len(matrix.actions) > 9:
            lines.append(" " * left + "  " + "".join(str((number + 1) // 10 or " ") for number in numbers))
        lines.append(" " * left + "  " + "".join(str((number + 1) % 10) for number in numbers))
        for step, label in labels.items():
            letters = [cell_letter(matrix.cells.get((step, matrix.actions[number]), ())) for number in numbers]
            lines.append(f"{label:<{left}}  {''.join(letters)}")
    return [line.rstrip() for line in [*lines, *_legend(matrix, width)]]


def _label(step: str, shown: str) -> str:
    """A step with its argument, shortened."""
    head, tilde, last = step.rpartition("~")
    text = f"{last} after {head}" if tilde else f"{last} {shown.partition(' ')[2]}"
    text = printable(text).strip()
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def _legend(matrix: Matrix, width: int) -> list[str]:
    """What the columns and the letters are."""
    texts = [f"{number} {action}" for number, action in enumerate(matrix.actions, 1)]
    column = max(map(len, texts), default=0) + 2
    per_line = max(1, width // column)
    rows = iter(texts)
    lines = ["".join(f"{text:<{column}}" for text in row) for row in iter(lambda: list(islice(rows, per_line)), [])]
    seen = matrix.counts()
    return [*lines, ", ".join(f"{LETTERS[verdict]} {verdict} {count}" for verdict, count in seen.items())]
