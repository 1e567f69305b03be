"""The easily parsed LIST format.

One rule: unknown facts are kept, and the name is all that follows the first tab.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import Clock, Format, outcome

__all__ = ["EPLF", "eplf_line", "parse_eplf_line"]

_FACTS: dict[str, tuple[re.Pattern[str], str, Callable[[str], Any]]] = {
    "i": (re.compile(r"i(.+)"), "unique", str),
    "m": (re.compile(r"m(-?[0-9]{1,12})"), "modify", float),
    "s": (re.compile(r"s([0-9]{1,20})"), "size", int),
    "u": (re.compile(r"up([0-7]{1,4})"), "mode", lambda digits: int(digits, 8)),
}
"""First letter of a fact to its form, the field it fills, and the function that makes the value."""

_NO_FACT: tuple[re.Pattern[str], str, Callable[[str], Any]] = (re.compile(r"(?!)"), "", str)  # matches nothing


class _Row(NamedTuple):
    facts: list[str]
    name: str


class _Eplf(Format[_Row]):
    name = "an entry of an EPLF listing"
    needs = "it needs a plus sign and a tab"

    def match(self, text: str) -> _Row | None:
        head, tab, name = text.partition("\t")
        if not head.startswith("+") or not tab:
            return None
        return _Row([fact for fact in head[1:].split(",") if fact], name)

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        return [outcome(_entry, row) for row in rows]


EPLF = _Eplf()


def parse_eplf_line(line: str) -> Entry:
    """Read a line of the easily parsed LIST format: ``+``, facts, each followed by a comma, a tab, and the name.

    Raises:
        ReplySyntaxError: The line has another format.

    Source: D. J. Bernstein, https://cr.yp.to/ftp/list/eplf.html.
    """
    return EPLF.read_line(line, Clock())


def _entry(row: _Row) -> Entry:
    kind = "dir" if "/" in row.facts else "file" if "r" in row.facts else "unknown"
    values: dict[str, Any] = {}
    unknown = []
    for fact in row.facts:
        form, field, value_of = _FACTS.get(fact[0], _NO_FACT)
        found = form.fullmatch(fact)
        if found is not None:
            values[field] = value_of(found[1])
        elif fact[0] in "ms":
            raise ReplySyntaxError(f"{fact!r} is not a number")
        elif fact not in ("/", "r"):
            unknown.append((fact[0], fact[1:]))
    return Entry(name=row.name, type=kind, facts=tuple(unknown), **values)


# Writing.


def eplf_line(entry: Entry) -> str:
    """Return the line of the easily parsed LIST format: facts, a tab and the name.

    The facts are ``i`` (identity), ``m`` (modified, whole POSIX seconds), ``s`` (size), ``/`` for directories and
    ``r`` for files that can be retrieved. Source: D. J. Bernstein, https://cr.yp.to/ftp/list/eplf.html.
    """
    facts = []
    if entry.unique and not _UNFIT_FOR_EPLF.search(entry.unique):
        facts.append(f"i{entry.unique}")
    if entry.modify is not None:
        facts.append(f"m{int(entry.modify // 1)}")
    if entry.size is not None and entry.type not in DIRECTORIES:
        facts.append(f"s{entry.size}")
    if entry.type != "unknown":
        facts.append("/" if entry.type in DIRECTORIES else "r")
    return "+" + "".join(f"{fact}," for fact in facts) + f"\t{entry.name}"


_UNFIT_FOR_EPLF = re.compile(r"[,\t\r\n\0]")
