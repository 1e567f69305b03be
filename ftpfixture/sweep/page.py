"""The report of a sweep as one HTML page, and a matrix as a picture.

One rule: the page loads nothing and runs nothing, whatever a server has sent: texts are escaped, there is no script,
and a policy in the page forbids all but its style.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from xml.sax.saxutils import escape

from jinja2 import Environment, PackageLoader, StrictUndefined

from ftpfixture.sweep.matrix import LETTERS, Matrix, cell_letter, matrices
from ftpfixture.sweep.outcome import VERDICTS, Outcome
from ftpfixture.sweep.points import LEFT_OUT

__all__ = ["page", "picture"]


def page(outcomes: Sequence[Outcome], left: Mapping[str, Mapping[str, int]], title: str) -> str:
    """Return the page.

    Args:
        outcomes: In the order of their maps, with dialogues.
        left: How many points were left out of the map of a test, by reason.
        title: Its heading.
    """
    environment = _environment()
    style = environment.get_template("page.css").render()
    found = matrices(outcomes)
    shown = [outcome for matrix in found for outcome in matrix.outcomes]
    return environment.get_template("page.html").render(
        title=title,
        points=len(shown),
        matrices=found,
        left=left,
        verdicts=VERDICTS,
        letters=LETTERS,
        reasons=LEFT_OUT,
        numbers={(outcome.test, outcome.point): f"p{number}" for number, outcome in enumerate(shown, 1)},
        style=style,
        style_hash=f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'",
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ftpfixture.sweep"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


# The picture.

_COLOURS = {
    "recovered": "#2da44e",
    "failed": "#8c959f",
    "lost-work": "#8250df",
    "wrong": "#cf222e",
    "crashed": "#bc4c00",
    "hung": "#a40e8f",
    "leaked": "#1b7c83",
}
_BY_LETTER = {LETTERS[verdict]: colour for verdict, colour in _COLOURS.items()}
_SIDE, _LEFT, _TOP, _LINE = 18, 190, 170, 20  # pixels: of a cell, of the names, and of a line of text
_GREY = "#768390"  # can be read on white and on black


def picture(matrix: Matrix, title: str = "") -> str:
    """Return a matrix as a picture in SVG, without fonts or styles of others.

    Args:
        matrix: The matrix.
        title: Shown above it; that of the test without one.
    """
    counts = ", ".join(f"{count} {verdict}" for verdict, count in matrix.counts().items())
    width = max(_LEFT + _SIDE * len(matrix.actions) + 10, 460)
    height = _TOP + _SIDE * len(matrix.steps) + 2 * _LINE
    text = f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11" fill="{_GREY}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{_quoted(title or matrix.test)}: {counts}">',
        f'<text x="4" y="14" {text} font-weight="bold">{escape(title or matrix.test)}</text>',
    ]
    for column, action in enumerate(matrix.actions):
        x = _LEFT + _SIDE * column + 12
        parts.append(f'<text {text} transform="translate({x} {_TOP - 6}) rotate(-60)">{escape(action)}</text>')
    for row, step in enumerate(matrix.steps):
        y = _TOP + _SIDE * row
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 13}" text-anchor="end" {text}>{escape(step[-26:])}</text>')
        for column, action in enumerate(matrix.actions):
            letter = cell_letter(matrix.cells.get((step, action), ()))
            if letter in _BY_LETTER:
                x = _LEFT + _SIDE * column
                parts.append(
                    f'<rect x="{x + 1}" y="{y + 1}" width="{_SIDE - 2}" height="{_SIDE - 2}" rx="3" '
                    f'fill="{_BY_LETTER[letter]}"/><text x="{x + _SIDE // 2}" y="{y + 13}" text-anchor="middle" '
                    f'font-family="ui-monospace, monospace" font-size="11" fill="#ffffff">{letter}</text>'
                )
    parts.append(f'<text x="4" y="{height - 8}" {text}>{counts}</text></svg>')
    return "\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
