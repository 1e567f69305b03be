"""``ftpfixture check``: whether recordings are whole, and have no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import rich_click as click

from ftpfixture.cli.secrets import named_secrets
from ftpfixture.errors import RecordingError
from ftpfixture.recording.redact import Secrets
from ftpfixture.recording.repair import repair
from ftpfixture.recording.store import load, secrets_in

__all__ = ["check"]


@click.command(epilog="Example: `ftpfixture check --secret FTP_PASSWORD tests/**/*.ftp.jsonl`")
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True)
@click.option(
    "--secret",
    "names",
    multiple=True,
    metavar="NAME",
    help="A text that no file may have, in clear, percent-encoded or in base64: the value of the environment variable "
    "NAME. May be repeated.",
)
@click.option(
    "--secrets",
    "lists",
    type=click.File(encoding="utf-8"),
    multiple=True,
    metavar="FILE",
    help="A file with such texts, one a line. May be repeated.",
)
@click.option(
    "--repair", "repairs", is_flag=True, help="First write the sizes and digests of contents that were edited."
)
def check(files: tuple[Path, ...], names: tuple[str, ...], lists: tuple[TextIO, ...], repairs: bool) -> int:
    """Check recordings: every line, digest and content, and that no secret is in them.

    The exit code is 1 when a file is damaged or has a secret.
    """
    secrets = Secrets()
    for name, value in named_secrets("--secret", names).items():
        secrets.add(name, value)
    for one in lists:
        for number, line in enumerate(one, 1):
            secrets.add(f"secret in line {number} of {one.name}", line.strip())
    wrong = 0
    for file in files:
        if repairs and (changed := repair(file)):
            click.echo(f"{file}: repaired in line {', '.join(map(str, changed))}")
        for finding in _findings(file, secrets):
            wrong += 1
            click.echo(finding, err=True)
    return 1 if wrong else 0


def _findings(file: Path, secrets: Secrets) -> Iterator[str]:
    try:
        recording = load(file)
    except RecordingError as error:
        yield str(error)
        return
    found = list(secrets_in(recording, secrets))
    yield from (f"{file}:{number}: has {text}" for number, text in found)
    if not found:
        count = len({line.session for line in recording.lines})
        click.echo(f"{file}: in order; {count} session{'s' * (count != 1)}, {len(recording.lines)} lines")
