"""``ftpfixture faults``: the words and the named faults that ``--fault`` takes."""

from __future__ import annotations

from collections.abc import Iterable

import rich_click as click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ftpfixture.faults.dsl import table
from ftpfixture.faults.presets import PRESETS

__all__ = ["faults"]

_Row = tuple[str, str, str]


@click.command(epilog="Example: `ftpfixture faults reset data`")
@click.argument("text", nargs=-1)
def faults(text: tuple[str, ...]) -> int:
    """List the faults that a server can have: words that say what goes wrong, and faults that have a name.

    With TEXT, list those that have all of these texts anywhere in their rows. A fault for `--fault` says when, and
    what: `"RETR *.csv #2: reset_data at=50%"` resets the data connection of the second download of a CSV file in its
    middle.
    """
    words = [(row.name, " ".join(row.text.replace("``", "").split()), row.source) for row in table()]
    named = [(name, known.text, known.source) for name, known in PRESETS.items()]
    tables = [
        _table(("word", "what goes wrong", "seen in"), _with(text, words)),
        _table(("name", "the fault", "seen in"), _with(text, named)),
    ]
    if not any(one.row_count for one in tables):
        click.echo(f"No fault has {' and '.join(map(repr, text))} in its row.", err=True)
        return 1
    for one in tables:
        if one.row_count:
            Console().print(one)
    return 0


def _with(texts: Iterable[str], rows: Iterable[_Row]) -> list[_Row]:
    return [row for row in rows if all(text.casefold() in " ".join(row).casefold() for text in texts)]


def _table(columns: _Row, rows: Iterable[_Row]) -> Table:
    made = Table(*columns, box=SIMPLE_HEAD)
    made.columns[0].no_wrap = columns[0] == "name"
    for row in rows:
        made.add_row(*(cell.replace("[", r"\[") for cell in row))
    return made
