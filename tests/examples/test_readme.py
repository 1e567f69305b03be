"""README.md does what it says: every block of Python in it runs, and its tables are complete.

A block with tests is run by pytest, any other as a script. A block of text after a block of Python is what a failing
test in that prints.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from ftpfixture import Client, FtpServer
from ftpfixture.testing import plugin
from tests.support.readme_tables import with_tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = ("curl", "lftp")


@dataclass(frozen=True)
class Block:
    """A block of Python, the heading above it, and what it must print."""

    number: int
    heading: str
    source: str
    printed: str

    def __str__(self) -> str:
        return f"{self.number}-{self.heading.replace(' ', '-')}"


def blocks() -> list[Block]:
    """All blocks of Python."""
    found_blocks = []
    heading, number = "", 0
    for found in re.finditer(
        r"^#+ (?P<heading>[^\n]+)$|^```python\n(?P<source>.*?)^```$(?:\s*^```text\n(?P<printed>.*?)^```$)?",
        README,
        re.MULTILINE | re.DOTALL,
    ):
        if found["heading"]:
            heading = found["heading"]
        else:
            number += 1
            found_blocks.append(Block(number, heading, found["source"], found["printed"] or ""))
    return found_blocks


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_block_runs(block: Block, pytester: pytest.Pytester) -> None:
    """What people copy works as it stands."""
    for program in PROGRAMS:
        if f'"{program}"' in block.source and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    path = pytester.makepyfile(test_block=block.source)
    if not re.search(r"def test_", block.source):
        done = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    result = pytester.runpytest_inprocess(
        *("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"),
        *("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:localftpserver", "-p", "no:timeout"),
    )
    if block.printed:
        result.assert_outcomes(failed=1)
        assert _timeless(block.printed) in _timeless(result.stdout.str())
    else:
        outcomes = result.parseoutcomes()
        assert set(outcomes) == {"passed"}, outcomes


def _timeless(text: str) -> str:
    """What differs from run to run is replaced: times, ports, and blanks at the ends of lines."""
    text = re.sub(r"\d+\.\d{3} (?=[*<>=!] )", "0.000 ", text)
    text = re.sub(r"(?<=127\.0\.0\.1:)\d+", "0", text)
    text = re.sub(r"\(127,0,0,1,\d+,\d+\)", "(127,0,0,1,0,0)", text)
    return re.sub(r"[ ]+$", "", text, flags=re.MULTILINE)


def test_table_of_client_methods_is_true() -> None:
    """The client has every method that the table names, and the table names nearly all that it has."""
    table = README.partition("| about | methods |")[2].partition("\n\n")[0]
    told = {name for names in re.findall(r"`([^`]+)`", table) for name in names.split()}
    there = {
        name for name, value in inspect.getmembers(Client, callable) if not name.startswith(("_", "parse_", "format_"))
    }
    plumbing = {"ask", "check_codes", "get_passive_connection", "set_type"}
    assert told - {"parse_response"} == there - plumbing


def test_table_of_fixtures_is_complete() -> None:
    """The table has every fixture of the plugin, and what it says of ftp_server exists."""
    table = README.partition("| fixture | what it gives |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert sorted(rows) == sorted(plugin.__all__)
    with FtpServer() as server:
        for name in " ".join(re.findall(r"`([^`]+)`", rows["ftp_server"])).split():
            assert hasattr(server, name), name


def test_tables_are_true() -> None:
    """The tables of settings, and of the words and names of faults, are what the package has."""
    assert with_tables(README) == README, "run: python -m tests.support.readme_tables"


def test_set_up_commands() -> None:
    """The two commands are one line each, and name an extra that exists."""
    lines = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert lines == [
        "python -m pip install -e . && python -m pytest examples\n",
        'python -m pip install -e ".[test]" && python -m pytest\n',
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "test" in project["optional-dependencies"]


def test_links_lead_somewhere() -> None:
    """Every relative link names a file of this project."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
