"""The examples of the program in the documentation."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import rich_click as click

from docs import tables
from ftpfixture.cli.main import COMMANDS, cli
from ftpfixture.faults.grammar import parse
from tests.support.rows import check_rows

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
HOWTO = (ROOT / "docs" / "howto" / "command-line.md").read_text(encoding="utf-8")


def test_every_command_line_can_be_parsed() -> None:
    """The lines of all pages, of the tables and of the program's own help have options that exist, and real faults."""
    with click.Context(cli, info_name="ftpfixture") as context:
        commands = {name: cli.get_command(context, name) for name in COMMANDS}
    texts = [page.read_text(encoding="utf-8") for page in PAGES] + tables.program()
    texts += [
        re.sub("`", "\n", f"$ {(command.epilog or '').partition('`')[2]}") for command in commands.values() if command
    ]
    lines = [
        line for text in texts for line in re.findall(r"^\$ ftpfixture (?!.*\[OPTIONS\])(.*)$", text, re.MULTILINE)
    ]

    def check(line: str) -> None:
        name, *arguments = shlex.split(line)
        command = commands[name]
        assert command is not None
        with click.Context(command, info_name=name) as one:
            values, _, _ = command.make_parser(one).parse_args(arguments)
        assert all(parse(fault) for fault in values.get("faults", ()))

    check_rows(lines, check)
    assert {shlex.split(line)[0] for line in lines} == {*COMMANDS}


def test_the_table_has_every_option() -> None:
    """Each command has a section with all its options."""
    rows = tables.program()
    assert [row for row in rows if row.startswith("## ")] == [f"## `ftpfixture {name}`" for name in COMMANDS]
    assert any(row.startswith("| `--port`, `-p` | `N` | ") and row.endswith(" [default: 2121] |") for row in rows)
    assert [row for row in rows if row.startswith("| `--") and len(row.split(" | ")[2]) < 10] == []


def test_the_script_of_the_guide(tmp_path: Path) -> None:
    """It finds the port, and its exit code is that of the server: 0, as the fault has happened."""
    [script] = re.findall(r"^```sh\n(ftpfixture serve .*?)^```$", HOWTO, re.MULTILINE | re.DOTALL)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_bytes(bytes(100))
    (tmp_path / "download.sh").write_text('#!/bin/sh\ncurl -s "$1" -o a.csv || echo "curl: $?"\n')
    (tmp_path / "download.sh").chmod(0o755)
    (tmp_path / "ftpfixture").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ftpfixture "$@"\n')
    (tmp_path / "ftpfixture").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "curl: 18\n", "")
