"""A pasted log as numbered rows, without what the paste and the terminal have added to them.

One rule: a row keeps the number of its line in the text, so that every remark can be looked up there.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

__all__ = ["TIME", "Row", "rows_of"]

TIME = (
    r"[\[(<]?(?:(?:[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})[T ])?"
    r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?: ?[AP]M)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?[\])>]?"
)
"""The pattern of a time, with or without a date, as logs have it at the beginning of a line."""

_PREFIX = re.compile(rf"(?:[VDIWE]/[\w.]+ ?\( *[0-9]+\): )?(?:{TIME}:?(?: |\t|$))?")  # logcat of Android, and a time
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_QUOTE = re.compile(r"> ?")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a log.

    Attributes:
        number: In the text, from 1.
        text: Without its end.
    """

    number: int
    text: str


def rows_of(log: bytes | str) -> list[Row]:
    """Return the lines of a log that have any text.

    Taken away are: colours, fences of Markdown, quoting of all lines with ``>``, indentation of all lines, entities of
    HTML, and times at the beginning of lines.
    """
    lines = (log if isinstance(log, str) else _decoded(log)).split("\n")
    rows = [
        Row(number, part)
        for number, line in enumerate(lines, 1)
        for part in _COLOUR.sub("", line).split("\r")  # a progress bar is drawn again and again on one line
        if part.strip() and not _FENCE.match(part)
    ]
    if any(row.text.lstrip().startswith(("&gt;", "&lt;")) for row in rows):
        rows = _each(rows, html.unescape)
    rows = _dedented(rows)
    while len(rows) > 1 and all(row.text.startswith(">") for row in rows):
        rows = _dedented(_each(rows, lambda text: _QUOTE.sub("", text, count=1)))
    return _each(rows, lambda text: _PREFIX.sub("", text, count=1))


def _decoded(log: bytes) -> str:
    if log.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return log.decode("utf-16", "replace")
    try:
        return log.decode("utf-8-sig")
    except UnicodeDecodeError:
        return log.decode("latin-1")


def _each(rows: Iterable[Row], change: Callable[[str], str]) -> list[Row]:
    changed = (replace(row, text=change(row.text)) for row in rows)
    return [row for row in changed if row.text.strip()]


def _dedented(rows: list[Row]) -> list[Row]:
    margin = min((len(row.text) - len(row.text.lstrip(" \t")) for row in rows), default=0)
    return _each(rows, lambda text: text[margin:])
