"""Logs of FluentFTP, and of its forerunner System.Net.FtpClient.

One rule: replies are in the order of the wire. Versions before 36 wrote the last line of a reply first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ftpfixture.recording.imports.filezilla import indented
from ftpfixture.recording.imports.items import (
    Closed,
    DataFailed,
    Format,
    Item,
    Received,
    Remarked,
    Rules,
    Secured,
    Sent,
    Shown,
    items_by,
)
from ftpfixture.recording.imports.rows import Row

__all__ = ["FLUENTFTP"]

_TOOK = r"(?: \[<?[0-9.,]+ ?(?:ms|s|m|h|d)\])?$"
_RULES: Rules = (
    (r"Command: *(.*)", lambda number, match: Sent(number=number, text=match[1])),
    (rf"Response: *(.*?){_TOOK}", lambda number, match: Received(number=number, text=indented(match[1]))),
    (r"Listing: *(.*)", lambda number, match: Shown(number=number, text=match[1])),
    (r"Status: +FTPS Authentication Successful", lambda number, match: Secured(number=number)),
    (
        r"(?:Status: +)?Timed out trying to connect|Error: +.*[Dd]ata connection",
        lambda number, match: DataFailed(number=number),
    ),
    (
        r"(?:Status: +|Error: +)?.*(?:forcibly closed|remote host closed|Connection reset)",
        lambda number, match: Closed(number=number, end="rst"),
    ),
    (
        r"Status:|Warn(?:ing)?:|Error:|# \w+\(|> +\w+(?:\.\w+)?\(|\+?-{3,}\+?$|Timed out trying to read|"
        r" *\+ FluentFTP\.",
        lambda number, match: None,
    ),
)


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    return _in_order(items_by(_RULES, rows))


def _in_order(items: Iterator[Item]) -> Iterator[Item]:
    """Items with the last line of a reply behind its others, where the log has it first."""
    last: Received | None = None
    moved = False
    for item in items:
        if isinstance(item, Received):
            if last is not None and (item.text.startswith((f"{last.text[:3]}-", " "))):
                moved = True
                yield item
                continue
            yield from _ended(last, moved)
            last, moved = (item, False) if re.match(r"[0-9]{3} ", item.text) else (None, False)
            if last is None:
                yield item
                last = None
        else:
            yield from _ended(last, moved)
            last, moved = None, False
            yield item
    yield from _ended(last, moved)


def _ended(last: Received | None, moved: bool) -> Iterator[Item]:
    if last is not None:
        if moved:
            yield Remarked(number=last.number, text="the last line of this reply, which the log has first, was moved")
        yield last


FLUENTFTP = Format(
    "fluentftp",
    "FluentFTP's log",
    re.compile(r"(?:Command|Response|Status|Listing|Error): "),
    re.compile(r"# \w+\(|> +\w+(?:\.\w+)?\(|Command:  \S|Status:   \S|Response: .* \[<?[0-9.,]+ ?(?:ms|s|m|h|d)\]$"),
    _read,
)
