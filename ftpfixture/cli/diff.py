"""``ftpfixture diff``: what differs in two recordings."""

from __future__ import annotations

import rich_click as click

from ftpfixture.recording.compare import Difference, compare
from ftpfixture.recording.store import load

__all__ = ["diff"]


@click.command(epilog="Example: `ftpfixture diff old.ftp.jsonl new.ftp.jsonl`")
@click.argument("old", type=click.Path())
@click.argument("new", type=click.Path())
@click.option(
    "--lenient",
    is_flag=True,
    help="Compare only what a client depends on: codes of replies, features, formats of listings, contents of files.",
)
def diff(old: str, new: str, lenient: bool) -> int:
    """Show what differs in the recordings OLD and NEW, session by session and command by command.

    Addresses, ports, recent dates and the version of TLS do not count, and commands that are loose in OLD may be in one
    of them only. The exit code is 1 when they differ.
    """
    found = compare(load(old), load(new), strict=not lenient)
    if not found:
        click.echo("no difference")
        return 0
    click.secho(f"--- {old}\n+++ {new}", bold=True)
    for difference in found:
        _show(difference)
    return 1


def _show(difference: Difference) -> None:
    lines = [f"{sign}{line}" for sign, line in (("-", difference.line), ("+", difference.seen_line)) if line]
    click.echo(f"@@ session {difference.session}, line {' '.join(lines)} @@ {difference.what}")
    for sign, value, colour in (("-", difference.expected, "red"), ("+", difference.seen, "green")):
        if value:
            click.secho(f"  {sign} {value}", fg=colour)
