"""``ftpfixture record``: a proxy in front of a real server that writes a recording."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from ftpfixture.cli.options import listening, server_of, tls_options
from ftpfixture.cli.running import run
from ftpfixture.cli.secrets import named_secrets
from ftpfixture.cli.terminal import console
from ftpfixture.cli.upstream import UpstreamTls, about_upstream, target_of, upstream_options
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["record"]


@click.command(epilog="Example: `ftpfixture record --upstream ftp.example.com feed.ftp.jsonl`")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@upstream_options
@click.option(
    "--redact",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A secret that gets a placeholder; without a value, that of the environment variable NAME. May be repeated.",
)
@click.option(
    "--loose",
    multiple=True,
    metavar="VERB",
    help="A command that a replay takes more often or less often than it was recorded, such as NOOP. May be repeated.",
)
@click.option("--timing", is_flag=True, help="Record times, too: a second recording is another file then.")
@tls_options
@listening
def record(
    file: Path,
    upstream: str,
    upstream_tls: UpstreamTls | None,
    redact: tuple[str, ...],
    loose: tuple[str, ...],
    timing: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Record the sessions of clients with a real server into FILE, until Ctrl-C.

    Point your client at `HOST:PORT` of the first line of the output, and log in as at the real server; end with Ctrl-C
    when it is done. Passwords, accounts, logins and the host are placeholders in FILE. `ftpfixture replay FILE` plays
    it.
    """
    _check_place(file)
    target = target_of(upstream, upstream_tls)
    secrets = named_secrets("--redact", redact)
    if target.password:
        secrets["password"] = target.password
    server = server_of(settings, upstream=target)
    return run(
        server,
        lambda: about_upstream(server, target),
        quiet,
        lambda: _recorded(server, file, server.record(file, redact=secrets, loose=loose, timing=timing)),
    )


def _check_place(file: Path) -> None:
    """Check before the sessions that their recording can be written after them.

    Raises:
        UsageError: It cannot.
    """
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise click.UsageError(f"{file} cannot be written: {folder} is no folder to which you may write")


@contextmanager
def _recorded(server: FtpServer, file: Path, recording: AbstractContextManager[None]) -> Iterator[None]:
    """Record; a recording of nothing replaces no other.

    Raises:
        ClickException: No client connected.
    """
    with recording:
        yield
        if not server.log.sessions:
            raise click.ClickException(f"No client connected: {file} was not written.")
    for transfer in server.log.transfers:
        if transfer.completed is None:
            click.echo(
                f"session {transfer.session}: {transfer.verb} {transfer.path} was under way: not recorded", err=True
            )
    console().print(f"recorded: {file}")
