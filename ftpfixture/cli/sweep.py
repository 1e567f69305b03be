"""``ftpfixture sweep``: any program, with every fault at every step of its session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import rich_click as click

from ftpfixture.cli.options import FOLDER, file_options, server_of, tls_options, with_files
from ftpfixture.cli.programsweep import Program, Sweep, check_program
from ftpfixture.sweep.choose import Choice, is_in, ranked
from ftpfixture.sweep.mapfile import Row
from ftpfixture.sweep.outcome import BAD, Outcome
from ftpfixture.sweep.page import page
from ftpfixture.sweep.points import Point
from ftpfixture.sweep.summary import json_report, markdown, summary
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.loopthread import shared_thread

__all__ = ["sweep"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog='Example: `ftpfixture sweep --file a.csv --check "cmp {dir}/a.csv a.csv" -- curl -sSO {url}/a.csv`',
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@file_options
@click.option("--recording", type=_FILE, help="Serve this recording in place of files.")
@click.option("--upstream", metavar="HOST[:PORT]", help="Stand in front of this real server in place of files.")
@tls_options
@click.option("--check", default="", metavar="COMMAND", help="A shell command that fails when the result is wrong.")
@click.option("--input", "folder", type=FOLDER, help="Copy this folder into the folder {dir} of each run.")
@click.option(
    "--set",
    "level",
    type=click.Choice(["quick", "standard", "all"]),
    default="standard",
    show_default=True,
    help="Which points.",
)
@click.option("--max", "most", type=click.IntRange(1), metavar="N", help="At most N points, the most telling first.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Silence after which the program hangs: its connections are reset.",
)
@click.option("--jobs", "-j", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Runs at a time.")
@click.option("--html", type=_FILE, help="Write a page with all points and their dialogues.")
@click.option("--json", "json_file", type=_FILE, help="Write the points and their verdicts as JSON.")
@click.option(
    "--markdown", "markdown_file", type=_FILE, help="Write a summary. [default: $GITHUB_STEP_SUMMARY, if set]"
)
def sweep(
    command: tuple[str, ...],
    copied: Path | None,
    files: tuple[str, ...],
    recording: Path | None,
    upstream: str | None,
    check: str,
    folder: Path | None,
    level: Literal["quick", "standard", "all"],
    most: int | None,
    timeout: float,
    jobs: int,
    html: Path | None,
    json_file: Path | None,
    markdown_file: Path | None,
    **settings: Any,
) -> int:
    """Run COMMAND once for each fault at each step of its session.

    In the command and in the check, `{url}`, `{host}`, `{port}`, `{user}`, `{password}`, `{dir}` (an empty folder, in
    which they run) and `{ca}` (the file of the authority) stand for those of a run, and in the check `{served}` for a
    folder with the files that the server has when COMMAND has ended. It recovered when it exits with 0
    and the check agrees, and failed when it exits with another code. The exit code is 1 when it was wrong, hung, or
    ended by a signal, and when a fault never happened.
    """
    if sum(one is not None for one in (recording, upstream)) + bool(copied or files) > 1:
        raise click.UsageError("--recording, --upstream, and --copy or --file are for different servers: use one")
    check_program(command)
    extra = {name: value for name, value in (("recording", recording), ("upstream", upstream)) if value is not None}

    def make() -> FtpServer:
        server = server_of(settings, host="127.0.0.1", port=0, **extra)
        with_files(server, copied, files)
        return server

    swept = Sweep(Program(command, check, timeout, make, folder))
    with shared_thread().leased():
        points, left = swept.points()
        chosen = _chosen(points, level, most)
        click.echo(f"{len(chosen)} of {len(points)} points", err=True)
        with ThreadPoolExecutor(jobs) as pool:
            results = list(pool.map(swept.run, chosen))
    outcomes = [outcome for outcome in results if outcome is not None]
    _report(outcomes, {" ".join(command): left}, html, json_file, markdown_file)
    missed = [point for point, outcome in zip(chosen, results, strict=True) if outcome is None]
    for point in missed:
        faults = " + ".join(point.faults)
        click.echo(f"{point.name}: {faults!r} never happened: COMMAND does not say the same in each run", err=True)
    return 1 if missed or any(outcome.verdict in BAD for outcome in outcomes) else 0


def _chosen(points: Sequence[Point], level: str, most: int | None) -> list[Point]:
    rows = [row for row in map(Row.of, points) if is_in(row, level)]
    order = ranked([("", row) for row in rows])
    taken = {order[rank] for rank in Choice(most).taken([0.0] * len(order))}
    return [row.value for position, row in enumerate(rows) if position in taken]


def _report(
    outcomes: Sequence[Outcome], left: Any, html: Path | None, json_file: Path | None, markdown_file: Path | None
) -> None:
    for line in summary(outcomes, left, has_map=False):
        click.echo(line)
    if html is not None:
        html.write_text(page(outcomes, left, "FTP sweep"), encoding="utf-8")
    if json_file is not None:
        json_file.write_text(json_report(outcomes), encoding="utf-8")
    place = markdown_file or (Path(text) if (text := os.environ.get("GITHUB_STEP_SUMMARY")) else None)
    if place is not None:
        with place.open("a" if markdown_file is None else "w", encoding="utf-8") as file:
            file.write(markdown(outcomes, left))
