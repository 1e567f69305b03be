"""Session logs of WinSCP, and of programs with its FTP engine, such as NetBox for Far.

One rule: ``>`` and ``<`` are the dialogue, and ``.`` is a message; transfers in the background have a name in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ftpfixture.recording.imports.items import (
    Closed,
    Counted,
    Format,
    Item,
    Opened,
    Received,
    Rules,
    Secured,
    Sent,
    Shown,
    items_by,
)
from ftpfixture.recording.imports.rows import TIME, Row

__all__ = ["WINSCP"]

_LINE = re.compile(rf"([<>.!*]) ?(?:{TIME} ?)?(?:\[(Background [0-9]+)\] ?)?(.*)")
_MESSAGES: Rules = (
    (
        r"Connected with (\S+?)[,.] |Connected with (\S+?)\. Waiting for welcome message",
        lambda number, match: Opened(number=number, hosts=(match[1] or match[2],)),
    ),
    (
        r"(?:TLS|SSL) connection established",
        lambda number, match: Secured(number=number),
    ),
    (r"Using (TLSv?[0-9.]+)", lambda number, match: Secured(number=number, version=match[1])),
    (
        r"Transfer done: .* \[([0-9]+)\]$",
        lambda number, match: Counted(number=number, size=int(match[1]), whole=True),
    ),
    (
        r"(?:Disconnected from server|Connection closed|Connection with the server has been (?:lost|closed))",
        lambda number, match: Closed(number=number),
    ),
    (r"(.*)", lambda number, match: Shown(number=number, text=match[1], known=True)),
)


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    for row in rows:
        match = _LINE.match(row.text)
        if match is None:
            yield Shown(number=row.number, text=row.text)
        elif match[1] == ">":
            yield Sent(number=row.number, source=match[2] or "", text=match[3])
        elif match[1] == "<":
            yield Received(number=row.number, source=match[2] or "", text=match[3])
        else:
            for item in items_by(_MESSAGES, [Row(row.number, match[3])]):
                yield replace(item, source=match[2] or "")


WINSCP = Format(
    "winscp",
    "WinSCP's session log",
    re.compile(rf"[<>.!*] (?:{TIME} |\S)"),
    re.compile(rf"[<>.!*] {TIME} |\. (?:-{{20}}|(?:WinSCP|NetBox) Version|Session name|Transfer Protocol)"),
    _read,
)
