"""``ftpfixture show``: a recording as a table, as an HTML page, or as a diagram."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftpfixture.recording.ladder import Exchange, Ladder, Rung, ladders, mermaid
from ftpfixture.recording.page import page
from ftpfixture.recording.store import load

__all__ = ["show"]

_SIGNS = {"command": ">", "reply": "<", "download": "=", "upload": "=", "note": "*"}
_STYLES = {"1": "magenta", "2": "green", "3": "magenta", "4": "yellow", "5": "red"}
_KINDS = {"command": "bold blue", "download": "cyan", "upload": "cyan", "note": "dim"}


@click.command(epilog="Example: `ftpfixture show --html feed.html feed.ftp.jsonl`")
@click.argument("file", type=click.Path())
@click.argument("text", nargs=-1)
@click.option("--session", type=click.IntRange(min=1), help="The only session that is shown.")
@click.option("--html", type=click.Path(), help="Write one HTML page with the diagram of every session and a filter.")
@click.option("--mermaid", "diagram", is_flag=True, help="Write the sessions as a diagram in the language of Mermaid.")
def show(file: str, text: tuple[str, ...], session: int | None, html: str | None, diagram: bool) -> int:
    """Show the recording FILE: commands, replies and data of each session, with their lines in the file.

    With TEXT, show only commands that have all of these texts in them or in what the server did: `550`, `STOR`.
    Secrets are placeholders in a recording, and here.
    """
    if html is not None and (diagram or text or session is not None):
        raise click.UsageError("--html writes the whole recording: the page has a filter of its own")
    recording = load(file)
    if html is not None:
        Path(html).write_text(page(recording, Path(file).name), encoding="utf-8")
        click.echo(f"written: {html}")
        return 0
    sessions = ladders(recording)
    chosen = [found for one in sessions if session in (None, one.session) and (found := _with(text, one)).exchanges]
    if not chosen:
        click.echo(f"{file}: {_nothing(sessions, text, session)}", err=True)
        return 1
    if diagram:
        click.echo(mermaid(chosen), nl=False)
        return 0
    console = Console()
    for one in chosen:
        console.print(_table(one))
    return 0


def _with(texts: Iterable[str], ladder: Ladder) -> Ladder:
    """A session with the exchanges that have all of these texts."""
    wanted = [text.casefold() for text in texts]

    def fits(exchange: Exchange) -> bool:
        text = exchange.text.casefold()
        return all(one in text for one in wanted)

    return Ladder(ladder.session, tuple(filter(fits, ladder.exchanges)))


def _nothing(sessions: list[Ladder], texts: tuple[str, ...], session: int | None) -> str:
    if not sessions:
        return "the recording has no session"
    numbers = ", ".join(str(one.session) for one in sessions)
    if session is not None and all(session != one.session for one in sessions):
        return f"there is no session {session}; it has: {numbers}"
    return f"no command has {' and '.join(map(repr, texts))}"


def _table(ladder: Ladder) -> Table:
    made = Table("", "", "", box=None, show_header=False, title=f"session {ladder.session}", title_justify="left")
    made.columns[0].justify = "right"
    for rung in ladder.rungs:
        style = _STYLES.get(rung.code[:1], "") if rung.kind == "reply" else _KINDS[rung.kind]
        made.add_row(str(rung.number), _SIGNS[rung.kind], Text("\n".join(_lines(rung)), style))
    return made


def _lines(rung: Rung) -> list[str]:
    time = f"  ({rung.ms} ms)" if rung.ms is not None else ""
    return [rung.lines[0] + time, *rung.lines[1:]]
