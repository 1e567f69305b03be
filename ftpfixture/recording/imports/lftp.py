"""Logs of ``lftp -d``, and of its setting ``log:file`` for debug messages.

One rule: ``--->`` is a command, ``<---`` a line of a reply; lines with ``----`` and ``****`` are messages of lftp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ftpfixture.recording.imports.items import (
    Closed,
    DataFailed,
    Format,
    Item,
    Opened,
    Received,
    Rules,
    Secured,
    Sent,
    items_by,
)
from ftpfixture.recording.imports.rows import Row

__all__ = ["LFTP"]

_HOST = r" *(?:\S+ )?"  # in a log file, the host is between the time and the sign
_RULES: Rules = (
    (rf"{_HOST}---> ?(.*)", lambda number, match: Sent(number=number, text=match[1])),
    (rf"{_HOST}<--- ?(.*)", lambda number, match: Received(number=number, text=match[1])),
    (
        rf"{_HOST}---- Connecting to (\S+) \(([^)]*)\) port",
        lambda number, match: Opened(number=number, hosts=(match[1], match[2])),
    ),
    (
        rf"{_HOST}(?:\*\*\*\*|----) .*(?:[Pp]eer closed connection|EOF on control connection)",
        lambda number, match: Closed(number=number),
    ),
    (rf"{_HOST}\*\*\*\* .*[Cc]onnection reset", lambda number, match: Closed(number=number, end="rst")),
    (rf"{_HOST}\*\*\*\* data socket: ", lambda number, match: DataFailed(number=number)),
    (rf"{_HOST}---- (?:Using|Negotiated) (TLS[\w.]+)", lambda number, match: Secured(number=number, version=match[1])),
    (rf"{_HOST}(?:----|\*\*\*\*)(?: |$)", lambda number, match: None),
    (r"Loaded [0-9]+ C|Certificate|WARNING: Certificate| *(?:Issued by|Checking against|Trusted)", lambda *_: None),
)


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    return items_by(_RULES, rows)


LFTP = Format(
    "lftp",
    "lftp -d (or the command 'debug 9')",
    re.compile(rf"{_HOST}(?:--->|<---|----|\*\*\*\*)(?: |$)"),
    re.compile(rf"{_HOST}(?:--->|<---) "),
    _read,
)
