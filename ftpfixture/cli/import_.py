"""``ftpfixture import``: the dialogue of a bug report as a recording."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from ftpfixture.cli.secrets import named_secrets
from ftpfixture.cli.terminal import console
from ftpfixture.recording.format import Command
from ftpfixture.recording.imports.formats import FORMATS
from ftpfixture.recording.imports.importer import Imported, import_log
from ftpfixture.recording.store import save

__all__ = ["import_"]


@click.command("import", epilog="Example: `ftpfixture import issue-130.txt -o issue-130.ftp.jsonl`")
@click.argument("log", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The recording; by default LOG with the ending .ftp.jsonl, in the current folder.",
)
@click.option(
    "--format",
    "-f",
    "kind",
    type=click.Choice([*FORMATS]),
    help="The program that wrote the log; by default this is detected.",
)
@click.option(
    "--redact",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A text that gets a placeholder; without a value, that of the environment variable NAME. May be repeated.",
)
def import_(log: str, output: Path | None, kind: str | None, redact: tuple[str, ...]) -> int:
    """Make a recording of LOG, a dialogue as people paste it into bug reports; - reads it from standard input.

    It is what `curl -v`, `ftplib` with a debug level, `lftp -d`, FileZilla, WinSCP, FluentFTP or `basic-ftp` write.
    Lines that were repaired or not understood, and data that the log does not have, are reported on standard error with
    their line numbers. `ftpfixture replay` makes a server of the recording.
    """
    if log == "-" and output is None:
        raise click.UsageError("A log from standard input has no name: add -o FILE for the recording.")
    path = Path(f"{Path(log).stem}.ftp.jsonl") if output is None else output
    content = sys.stdin.buffer.read() if log == "-" else Path(log).read_bytes()
    result = import_log(content, kind, log, named_secrets("--redact", redact))
    save(path, result.recording, result.secrets)
    for remark in result.remarks:
        click.echo(f"{log}:{remark.line}: {remark.text}", err=True)
    console().print(f"imported: {path} ({_summary(result)})", highlight=False)
    return 0


def _summary(result: Imported) -> str:
    events = result.recording.lines
    sessions = len({event.session for event in events})
    commands = sum(isinstance(event, Command) for event in events)
    return f"a log of {result.format}: {sessions} session{'s' * (sessions != 1)}, {commands} commands"
