"""Logs of ``curl -v`` and ``curl --trace-ascii``.

One rule: lines with ``>`` and ``<`` are the dialogue; of the others only those count that say what the dialogue cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ftpfixture.recording.imports.items import (
    Closed,
    Counted,
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

__all__ = ["CURL"]

_NUMBER = r"[0-9.]+[kMGTP]?"
_TIME = r"(?:--:--:--|[0-9]+:[0-9]{2}:[0-9]{2}|[0-9]+d [0-9]{2}h|[0-9]+d)"
_METER = re.compile(
    rf"(?:\s*([0-9]{{1,3}})\s+({_NUMBER})(?:\s+{_NUMBER}){{6}}(?:\s+{_TIME}){{3}}\s+(?:{_NUMBER})?)+(?![0-9:])"
)
"""The progress meter: twelve columns, drawn in place; the next line may follow it without a space."""

_RULES: Rules = (
    (r"> ?(.*)", lambda number, match: Sent(number=number, text=match[1])),
    (r"< ?(.*)", lambda number, match: Received(number=number, text=match[1])),
    (r"[{}] \[([0-9]+) bytes data\]", lambda number, match: Counted(number=number, size=int(match[1]), whole=False)),
    (r"\* Getting file with size: ([0-9]+)", lambda number, match: None),  # from the reply to SIZE, or from 150
    (
        r"\* +Connected to (\S+) \(([^)]*)\)",  # also written for data connections, with the same name
        lambda number, match: Opened(number=number, hosts=(match[1], match[2]), begins=False),
    ),
    (r"\* SSL connection using ([\w.]+)", lambda number, match: Secured(number=number, version=match[1])),
    (r"\* schannel: SSL/TLS handshake complete", lambda number, match: Secured(number=number)),
    (
        r"(?:\* |curl: \([0-9]+\) )(?:Recv|Send) failure: Connection (?:was )?reset",
        lambda number, match: Closed(number=number, end="rst"),
    ),
    (
        r"(?:\* |curl: \([0-9]+\) )(?:FTP )?response reading failed|\* server did not report OK, got 0",
        lambda number, match: Closed(number=number),
    ),
    (
        r"\* (?:Failed to connect to|connect to) .* port|\* Connection timed out after|\* Accept timeout",
        lambda number, match: DataFailed(number=number),
    ),
    (r"\*(?: |$)|curl: \([0-9]+\)|Warning: |Note: |\s*% Total|\s*Dload", lambda number, match: None),
)

_HEADER = re.compile(r"(=>|<=) (?:Send|Recv) header, [0-9]+ bytes")
_DATA = re.compile(r"(?:=> Send|<= Recv) data, ([0-9]+) bytes")
_INFO = re.compile(r"== Info: ?(.*)")
_DUMP = re.compile(r"[0-9a-f]{4,}: ?(.*)")


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    if any(_HEADER.match(row.text) for row in rows):
        rows = [*_without_trace(rows)]
    left = []
    for row in rows:
        text, total = _without_meter(row.text)
        if text:
            left.append(Row(row.number, text))
        if total is not None:
            yield from items_by(_RULES, left)
            yield Counted(number=row.number, size=total, whole=True)
            left = []
    yield from items_by(_RULES, left)


def _without_meter(text: str) -> tuple[str, int | None]:
    """A line without the progress meter before it, and the number of bytes when it shows all of them."""
    match = _METER.match(text)
    if match is None:
        return text, None
    done = match[1] == "100" and match[2].isdigit()
    return text[match.end() :].strip(), int(match[2]) if done else None


def _without_trace(rows: Iterable[Row]) -> Iterator[Row]:
    """The lines of a trace as ``curl -v`` writes them: a header is dumped line by line, 64 bytes in each row."""
    sign, is_whole = "", True
    kept: Row | None = None
    for row in rows:
        dump = _DUMP.match(row.text)
        if dump is not None:
            if kept is not None and not is_whole:
                kept = Row(kept.number, kept.text + dump[1])
            elif sign:
                if kept is not None:
                    yield kept
                kept = Row(row.number, f"{sign} {dump[1]}")
            is_whole = len(dump[1]) < 64
            continue
        if kept is not None:
            yield kept
        kept, is_whole = None, True
        header, data, info = _HEADER.match(row.text), _DATA.match(row.text), _INFO.match(row.text)
        sign = {"=>": ">", "<=": "<"}[header[1]] if header is not None else ""
        if data is not None:
            yield Row(row.number, f"{{ [{data[1]} bytes data]")
        elif info is not None:
            yield Row(row.number, f"* {info[1]}")
    if kept is not None:
        yield kept


CURL = Format(
    "curl",
    "curl -v",
    re.compile(r"[<>*{}](?: |$)|== Info: |(?:=>|<=) (?:Send|Recv) "),
    re.compile(r"\* (?:Connected to|Trying|Connection #|ftp_perform|Closing connection|Entry path)|== Info: "),
    _read,
)
