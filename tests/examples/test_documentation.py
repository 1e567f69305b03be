"""Every block of Python in README.md and docs runs unchanged.

pytest runs a block with tests, Python runs any other as a script, in a folder for each page. A block of text after a
block of Python is the output of its failing test, or of the script. A block whose first line is the name of a file,
such as ``# conftest.py``, is a file of that name in the folder.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ftpfixture.testing import plugin
from tests.support.documentation import FIXTURE_TYPES, ROOT, Block, blocks, pages

PROGRAMS = ("curl", "lftp", "rclone")


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in pages()])
def test_blocks_of_a_page_run(page: str, pytester: pytest.Pytester) -> None:
    """Examples that users copy work unchanged."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    runnable = [block for block in blocks(ROOT / page) if not any(f'"{name}"' in block.source for name in missing)]
    modules: dict[str, Block] = {}
    for stage in range(1, max(block.stage for block in runnable) + 1):
        of_stage = [block for block in runnable if block.stage == stage]
        modules |= {block.name: block for block in of_stage if not block.is_test and not block.is_script}
        folder = pytester.mkdir(f"stage{stage}")
        for block in (*of_stage, *modules.values()):
            (folder / block.name).write_text(block.source, encoding="utf-8")
        _run_tests(pytester, folder, [block for block in of_stage if block.is_test])
        _run_scripts(folder, [block for block in of_stage if block.is_script])
    if len(runnable) < len(blocks(ROOT / page)):
        pytest.skip(f"not installed: {', '.join(missing)}")


def _run_tests(pytester: pytest.Pytester, folder: Path, tests: list[Block]) -> None:
    """Run all blocks with tests at once; a block with a report after it fails, and prints this report."""
    if not tests:
        return
    result = pytester.runpytest_inprocess(
        *(folder, "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"),
        *("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:localftpserver", "-p", "no:timeout"),
    )
    reports = [block.printed for block in tests if block.printed]
    outcomes = result.parseoutcomes()
    assert set(outcomes) <= {"passed", "failed"}, outcomes
    assert outcomes.get("failed", 0) == len(reports)
    assert sum(outcomes.values()) >= sum(block.tests for block in tests) >= len(tests)
    output = _timeless(result.stdout.str())
    for report in reports:
        assert _timeless(report) in output


def _run_scripts(folder: Path, scripts: list[Block]) -> None:
    for block in scripts:
        command = [sys.executable, "-W", "error", block.name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert _timeless(block.printed) in _timeless(done.stdout)


def _timeless(text: str) -> str:
    """Replace what differs from run to run: times, ports, and blanks at the ends of lines."""
    text = re.sub(r"\d+\.\d{3} (?=[*<>=!] )", "0.000 ", text)
    text = re.sub(r"(?<=127\.0\.0\.1:)\d+", "0", text)
    text = re.sub(r"\(127,0,0,1,\d+,\d+\)", "(127,0,0,1,0,0)", text)
    text = re.sub(r"(?<=\(\|\|\|)\d+(?=\|\))", "0", text)
    return re.sub(r"[ ]+$", "", text, flags=re.MULTILINE)


def test_mypy_knows_every_fixture() -> None:
    """The blocks are checked with the types of all fixtures of the plugin."""
    assert set(plugin.__all__) <= set(FIXTURE_TYPES)


def test_links_have_targets() -> None:
    """Every relative link of a page names a file of this project."""
    wrong = []
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose) if "://" not in link]
        wrong += [f"{page.name}: {link}" for link in links if not (page.parent / link).exists()]
    assert wrong == []


def test_tables_have_all_their_cells() -> None:
    """A bar in a cell, even in code, is escaped: it would begin another cell, which is not shown."""
    wrong = []
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for table in re.findall(r"(?:^\|.*\|\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
            head, *rows = table.splitlines()
            wrong += [f"{page.name}: {row}" for row in rows if _cells(row) != _cells(head)]
    assert wrong == []


def _cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))
