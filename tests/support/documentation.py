"""The pages of the documentation and their blocks of Python, for tests and mypy.

One rule: blocks run unchanged; for mypy only the types of fixtures are added.

``python -m tests.support.documentation FOLDER`` writes every block into the folder, for ``mypy FOLDER``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["FIXTURE_TYPES", "ROOT", "Block", "blocks", "pages", "typed", "write_for_mypy"]

ROOT = Path(__file__).parents[2]

FIXTURE_TYPES = {
    "ftp_client": "ftpfixture.Client",
    "ftp_config": "ftpfixture.FtpServerSettings",
    "ftp_faults": "ftpfixture.testing.faults.Faults",
    "ftp_log": "ftpfixture.CommandLog",
    "ftp_recording": "ftpfixture.FtpServer",
    "ftp_fakefs": "ftpfixture.FtpServer",
    "ftp_tree": "dict[str, bytes]",
    "ftp_hostile_names": "list[str]",
    "ftp_server": "ftpfixture.FtpServer",
    "ftp_session_server_factory": "ftpfixture.FtpServerFactory",
    "ftp_server_factory": "ftpfixture.FtpServerFactory",
    "ftp_users": "ftpfixture.ScriptedUserManager",
    "ftps_server": "ftpfixture.FtpServer",
    "monkeypatch": "pytest.MonkeyPatch",
    "server": "ftpfixture.FtpServer",  # the parameter of helpers
    "tmp_path": "pathlib.Path",
}
"""Types of the parameters, which have none on the pages."""

_FENCE = re.compile(r"^(?P<mark>```+)(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=mark)$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (?P<name>\w+\.py)\n")


@dataclass(frozen=True)
class Block:
    """A block of Python on a page.

    Attributes:
        name: The file name: from its first line, such as ``# conftest.py``, or from its number.
        source: The code.
        printed: The next block of text: the output of its failing test, or of the script.
        stage: Counted from 1; a new stage begins where a page changes an earlier file.
    """

    name: str
    source: str
    printed: str
    stage: int

    @property
    def is_test(self) -> bool:
        """Whether pytest runs it."""
        return self.name.startswith("test_")

    @property
    def is_script(self) -> bool:
        """Whether Python runs it: a block without tests that is not a module of its page."""
        return self.name.startswith("script_")

    @property
    def tests(self) -> int:
        """The number of test functions."""
        return len(re.findall(r"^ *(?:async )?def test_", self.source, re.MULTILINE)) if self.is_test else 0


def pages() -> list[Path]:
    """The pages with blocks of Python."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and "```python\n" in page.read_text(encoding="utf-8")]


def blocks(page: Path) -> list[Block]:
    """All blocks of Python of a page, in order."""
    found: list[Block] = []
    stage = 1
    for fence in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if fence["language"] == "python":
            name = _name(fence["text"], len(found) + 1)
            stage += name in {block.name for block in found if block.stage == stage}
            found.append(Block(name, fence["text"], "", stage))
        elif fence["language"] == "text":
            found[-1] = replace(found[-1], printed=fence["text"])
    return found


def _name(source: str, number: int) -> str:
    named = _NAMED.match(source)
    if named:
        return named["name"]
    kind = "test" if re.search(r"def test_", source) else "script"
    return f"{kind}_{number:02}.py"


def typed(source: str, modules: set[str]) -> str:
    """A block with the types of its fixtures, for mypy; modules of its page become relative imports.

    Args:
        source: The block.
        modules: Names of the other blocks of the page that it may import.
    """
    tree = ast.parse(source)
    needed = {"ftpfixture.testing.faults", "pathlib", "pytest"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for argument in node.args.args:
                kind = FIXTURE_TYPES.get(argument.arg)
                if argument.annotation is None and kind is not None:
                    argument.annotation = ast.parse(kind, mode="eval").body
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in modules:
            node.level = 1
    return "\n".join([*(f"import {name}" for name in sorted(needed)), ast.unparse(tree), ""])


def write_for_mypy(folder: Path) -> Iterator[Path]:
    """Write every block into a folder for each page."""
    for page in pages():
        name = "_".join(page.relative_to(ROOT).with_suffix("").parts).replace("-", "_")
        of_page = blocks(page)
        modules = {block.name.removesuffix(".py") for block in of_page}
        for block in of_page:
            path = folder / "documentation_blocks" / f"{name}_{block.stage}" / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            for package in (path.parent, path.parents[1]):
                (package / "__init__.py").touch()
            path.write_text(typed(block.source, modules), encoding="utf-8")
            yield path


if __name__ == "__main__":
    print(f"{len(list(write_for_mypy(Path(sys.argv[1]))))} blocks of {len(pages())} pages")
