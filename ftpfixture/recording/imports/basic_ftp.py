"""Logs of basic-ftp for Node with ``verbose``, and of clients that write as it does.

One rule: a line of a reply that is not its first has no sign; it belongs to the reply until that is complete.
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

__all__ = ["BASIC_FTP"]

_RULES: Rules = (
    (r"> ?(.*)", lambda number, match: Sent(number=number, text=match[1])),
    (r"< ?(.*)", lambda number, match: Received(number=number, text=match[1])),
    (
        r"Connected to (\S+?):[0-9]+(?: \((TLS\S*)[^)]*\))?",
        lambda number, match: Opened(number=number, hosts=(match[1],)),
    ),
    (
        r"(?:Control socket is using|Login security): (TLS\S*)",
        lambda number, match: Secured(number=number, version=match[1]),
    ),
    (r"Error: .*(?:ECONNRESET)", lambda number, match: Closed(number=number, end="rst")),
    (
        r"(?:Error: )?Server sent FIN packet|(?:Error: )?Client is closed because",
        lambda number, match: Closed(number=number),
    ),
    (r"Error: .*(?:data socket|connect (?:ETIMEDOUT|ECONNREFUSED))", lambda number, match: DataFailed(number=number)),
    (
        r"Login security: |Trying to find optimal|Optimal transfer strategy|(?:Down|Up)loading (?:from|to) |Error: |"
        r" +at |Timeout |Connecting\.\.\.|Connected!|Opening DataSocket|Start (?:down|up)loading|"
        r"File (?:Down|Up)loaded",
        lambda number, match: None,
    ),
)
_FIRST = re.compile(r"< ?([0-9]{3})-")


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    return items_by(_RULES, _signed(rows))


def _signed(rows: Sequence[Row]) -> Iterator[Row]:
    """All rows, with the sign of replies at each of their lines."""
    code = ""
    for row in rows:
        first = _FIRST.match(row.text)
        if first is not None:
            code = first[1]
        elif code and re.match(r"[<>] |>|Error: ", row.text) is None:
            row = Row(row.number, f"< {row.text}")
        if (code and re.match(rf"< ?{code}(?: |$)", row.text)) or row.text.startswith(">"):
            code = ""
        yield row


BASIC_FTP = Format(
    "basic-ftp",
    "basic-ftp with client.ftp.verbose",
    re.compile(r"[<>](?: |$)"),
    re.compile(r"Login security: |Trying to find optimal|Connected to \S+:[0-9]+|Opening DataSocket|Connected!"),
    _read,
)
