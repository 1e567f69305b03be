"""Logs of Python's ``ftplib`` with ``set_debuglevel(1)`` or ``(2)``: each line has a sign and a literal of Python.

One rule: with level 2 the bytes of the wire count (``*put*``, ``*get*``), with level 1 what ftplib makes of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from ftpfixture.recording.imports.items import (
    Closed,
    Format,
    Item,
    Received,
    Remarked,
    Rules,
    Sent,
    Shown,
    items_by,
)
from ftpfixture.recording.imports.rows import Row

__all__ = ["FTPLIB"]

_SIGN = re.compile(r".*?\*(cmd|resp|put|put urgent|get|welcome|retr)\* (?=b?['\"])")
_OTHERS: Rules = (
    (r"(?:\w+\.)*EOFError\b", lambda number, match: Closed(number=number)),
    (r"(?:\w+\.)*(?:ConnectionResetError|BrokenPipeError)\b", lambda number, match: Closed(number=number, end="rst")),
    (
        r".*\b(?:Connection reset by peer|Broken pipe|forcibly closed by the remote host)",
        lambda number, match: Closed(number=number, end="rst"),
    ),
    (r"(?:\w+\.)*(?:TimeoutError|timeout|error_(?:temp|perm|reply|proto))\b", lambda number, match: None),
    (r">>> ", lambda number, match: None),
)


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    is_raw = any(_sign_of(row) in ("put", "get") for row in rows)
    signs: dict[str, type[Sent | Received]]
    signs = {"put": Sent, "put urgent": Sent, "get": Received} if is_raw else {"cmd": Sent, "resp": Received}
    waiting = [*_without_tracebacks(rows)]
    while waiting:
        row = waiting.pop(0)
        match = _SIGN.match(row.text)
        if match is None:
            yield from items_by(_OTHERS, [row])
            continue
        text = row.text[match.end() :]
        while (value := _literal(text)) is None and waiting and _sign_of(waiting[0]) == "":
            text += waiting.pop(0).text
        if value is None or text != row.text[match.end() :]:
            yield Remarked(number=row.number, text=_repaired(value))
        lines = (text[1:] if value is None else value).rstrip("\r\n").split("\n")
        if match[1] == "retr":
            yield Shown(number=row.number, text=lines[0])
        elif match[1] in signs:
            yield from (signs[match[1]](number=row.number, text=line) for line in lines)


def _sign_of(row: Row) -> str:
    match = _SIGN.match(row.text)
    return "" if match is None else match[1]


def _literal(text: str) -> str | None:
    """The text of a literal of Python; None when it is incomplete."""
    try:
        value = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _repaired(value: str | None) -> str:
    return "the end of this text is missing" if value is None else "lines of a text that was wrapped were joined"


def _without_tracebacks(rows: Iterable[Row]) -> Iterator[Row]:
    """All rows but the calls of tracebacks; the line with the exception stays."""
    inside = False
    for row in rows:
        if row.text.startswith("Traceback (most recent call last)"):
            inside = True
        elif not inside or not row.text.startswith(" "):
            inside = False
            yield row


FTPLIB = Format(
    "ftplib",
    "ftplib.FTP.set_debuglevel(1)",
    _SIGN,
    re.compile(r".*?\*(?:cmd|resp|put|get)\* "),
    _read,
)
