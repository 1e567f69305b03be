"""``ftpfixture replay``: a server that plays a recording."""

from __future__ import annotations

from typing import Any

import rich_click as click

from ftpfixture.cli.options import listening, server_of
from ftpfixture.cli.running import about_tls, run
from ftpfixture.recording.store import load

__all__ = ["replay"]


@click.command(epilog="Example: `ftpfixture replay --port 0 feed.ftp.jsonl`")
@click.argument("file", type=click.Path())
@click.option(
    "--compare-uploads",
    type=click.Choice(["exact", "size", "ignore"]),
    default="exact",
    show_default=True,
    help="What an upload must have as recorded: all bytes, their number, or nothing.",
)
@click.option("--allow-unplayed", is_flag=True, help="Exit with 0 also when clients have not played all of it.")
@click.option("--allow-repeats", is_flag=True, help="Play it again when clients have played all its sessions.")
@click.option(
    "--timing",
    "replay_timing",
    is_flag=True,
    help="Let replies and transfers take as long as they were recorded with `record --timing`.",
)
@listening
def replay(file: str, quiet: bool, **settings: Any) -> int:
    """Play the recording FILE to clients, without the real server, until Ctrl-C.

    A command that was not recorded gets 503. The exit code is 1 when a client differs from the recording, or does not
    play all of it.
    """
    server = server_of(settings, recording=load(file))
    return run(server, lambda: about_tls(server), quiet)
