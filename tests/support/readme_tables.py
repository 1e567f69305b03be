"""The tables of README.md that are made from the package; ``python -m tests.support.readme_tables`` writes them."""

from __future__ import annotations

from pathlib import Path

from ftpfixture.faults.catalog import table
from ftpfixture.faults.known import KNOWN

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


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def with_tables(text: str) -> str:
    """The README with its tables as they should be."""
    for name, rows in {"words": words(), "names": names()}.items():
        begin, end = f"<!-- table of {name} -->", f"<!-- end of the table of {name} -->"
        assert text.count(begin) == text.count(end) == 1, name
        before, _, rest = text.partition(begin)
        text = "\n".join([before + begin, "", *rows, "", end + rest.partition(end)[2]])
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
