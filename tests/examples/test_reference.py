"""The reference in docs is complete: its tables are generated from the package."""

from __future__ import annotations

import re

import ftpfixture
from docs import tables
from ftpfixture import Client
from ftpfixture.faults.dsl import table
from ftpfixture.faults.presets import PRESETS
from ftpfixture.server.dispatch import build_table
from ftpfixture.testing import plugin
from tests.support.documentation import ROOT

REFERENCE = ROOT / "docs" / "reference"
PAGES = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")}


def first_cells(rows: list[str]) -> list[str]:
    """The code in the first cell of each row below the head."""
    assert rows[1].startswith("| --- |")
    return [re.match(r"\| `([^`]*)`", row)[1] for row in rows[2:]]  # type: ignore[index]


def test_every_table_is_on_a_page() -> None:
    """Each table is inserted by a page; sphinx-build reports names that do not exist."""
    used = {name for text in PAGES.values() for name in re.findall(r"^```\{from-package\} (\S+)$", text, re.MULTILINE)}
    source = (ROOT / "docs" / "from_package.py").read_text(encoding="utf-8")
    assert used == set(re.findall(r'^    "([a-z-]+)": tables\.', source, re.MULTILINE))


def test_tables_of_faults() -> None:
    """They have every word and every preset."""
    assert first_cells(tables.fault_words()) == [row.name for row in table()]
    assert first_cells(tables.fault_presets()) == list(PRESETS)


def test_table_of_fixtures() -> None:
    """It has every fixture, with its docstring."""
    rows = tables.fixtures()
    assert first_cells(rows) == sorted(plugin.__all__)
    assert all(len(row.split(" | ")[1]) > len("|") for row in rows)


def test_options() -> None:
    """The page names every option of the plugin, and every setting of the ini file."""
    modules = sorted((ROOT / "ftpfixture" / "testing").glob("*.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in modules)
    names = re.findall(r'add(?:option|ini)\(\s*"([^"]+)"', source)
    assert len(names) >= 2
    assert [name for name in names if f"`{name}" not in PAGES[REFERENCE / "fixtures.md"]] == []


def test_table_of_commands() -> None:
    """It has every verb, with its meaning and its replies."""
    rows = tables.commands()
    pattern = re.compile(r"`((?:SITE |OPTS )?[A-Z][A-Z0-9-]+)")
    verbs = {verb for row in rows[2:] for verb in pattern.findall(row.split(" | ")[0])}
    assert {verb.upper() for verb in build_table(ftpfixture.Server)} <= verbs
    assert [row for row in rows if len(row.split(" | ")[2].strip()) < 3] == []


def test_table_of_the_client() -> None:
    """It has every method."""
    assert {"connect", "login", "download", "mirror_up"} < set(first_cells(tables.client_methods()))
    assert all(hasattr(Client, name) for name in first_cells(tables.client_methods()))


def test_tables_of_architecture() -> None:
    """Every package has a box, and a row that says what it is for."""
    packages = first_cells(tables.packages())
    assert sorted(packages) == sorted(line.strip("`") for line in tables.layers() if line.startswith("`"))
    assert {"wire", "net", "server", "client", "testing"} < set(packages)
    assert [row for row in tables.packages() if len(row.split(" | ")[1]) < 3] == []


def test_every_public_name_is_documented() -> None:
    """Every name that can be imported from the package is in the reference of classes and functions."""
    text = "\n".join(text for page, text in PAGES.items() if page.parent.name == "api")
    automatic = {name for part in re.findall(r"automodule:: (\S+)", text) for name in _names(part)}
    named = set(re.findall(r"auto\w+:: ftpfixture\.(\w+)$", text, re.MULTILINE))
    assert sorted(set(ftpfixture.__all__) - automatic - named) == []


def _names(module: str) -> list[str]:
    public: list[str] = __import__(module, fromlist=["__all__"]).__all__
    return public
