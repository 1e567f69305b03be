"""The tables of README.md that are made from the package; ``python -m tests.support.readme_tables`` writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ftpfixture.client.client import CLIENT_SETTINGS
from ftpfixture.faults.catalog import table
from ftpfixture.faults.known import KNOWN
from ftpfixture.settings import Table
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS

__all__ = ["README", "with_tables"]

README = Path(__file__).parents[2] / "README.md"


def words() -> list[str]:
    """The words of faults."""
    rows = ["| word | what goes wrong | seen in |", "| --- | --- | --- |"]
    return rows + [f"| `{row.name}` | {row.text.replace('``', '`')} | {row.source} |" for row in table()]


def names() -> list[str]:
    """The faults that have a name."""
    rows = ["| name | the fault | seen in |", "| --- | --- | --- |"]
    return rows + [f"| `{name}` | `{_escaped(known.text)}` | {known.source} |" for name, known in KNOWN.items()]


def settings(table: Table[Any]) -> list[str]:
    """The settings of a table."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    return rows + [f"| `{row.name}` | `{_shown(row.default)}` | {_told(row.doc)} |" for row in table.rows.values()]


def _shown(default: object) -> str:
    return getattr(default, "__name__", None) or ("UTC" if str(default) == "UTC" else repr(default))


def _told(doc: str) -> str:
    """Without the quotes and backticks of a docstring."""
    return _escaped(re.sub(r"``(.*?)``|\bNone\b", lambda found: f"`{found[1] or found[0]}`", doc))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def with_tables(text: str) -> str:
    """The README with its tables as they should be."""
    tables = {
        "words": words(),
        "names": names(),
        "settings": settings(FTP_SERVER_SETTINGS),
        "settings of the client": settings(CLIENT_SETTINGS),
    }
    for name, rows in tables.items():
        begin, end = f"<!-- table of {name} -->", f"<!-- end of the table of {name} -->"
        assert text.count(begin) == text.count(end) == 1, name
        before, _, rest = text.partition(begin)
        text = "\n".join([before + begin, "", *rows, "", end + rest.partition(end)[2]])
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
