"""The tables of README.md are complete, and its commands are those that .ci/run takes from it."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

from ftpfixture import Client, FtpServer
from ftpfixture.testing import plugin
from tests.support.readme_tables import with_tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
