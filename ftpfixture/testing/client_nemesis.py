"""What goes wrong while the code of a user transfers files: lines of faults, by the operation that they disturb.

One rule: a line is in the table only if some client can notice it; what it takes to notice it is said in its row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse

__all__ = ["NOTICES", "Means", "Nemesis", "Row"]

Means = Literal["size", "checksum", "stray"]

NOTICES: dict[Means, str] = {
    "size": "it compares the number of bytes with SIZE, MLST or a listing",
    "checksum": "it compares a checksum (HASH, XCRC and the like)",
    "stray": "it looks for replies to no command before it sends the next one",
}
"""What a client may do to notice a fault, beside reading replies and ends of connections."""

_UP = ("upload", "resume_upload")
_DOWN = ("download", "resume_download")
_DATA = (*_UP, *_DOWN, "list")
_RESUMED = ("resume_upload", "resume_download")

_VERBS = {
    "upload": ("STOR",),
    "resume_upload": ("STOR|APPE", "REST"),
    "download": ("RETR",),
    "resume_download": ("RETR", "REST"),
    "rename": ("RNTO", "RNFR"),
    "delete": ("DELE",),
    "mkdir": ("MKD",),
    "list": ("LISTINGS",),
    "close": ("QUIT",),
}
"""The verbs of an operation, for words that can happen at any command."""

_OWN = {
    "upload": {"STOR", "APPE", "STOU"},
    "download": {"RETR"},
    "rename": {"RNFR", "RNTO"},
    "delete": {"DELE"},
    "mkdir": {"MKD"},
    "list": {"LIST", "NLST", "MLSD"},
}
"""The commands by which an operation is known to be a part of another one."""

_MOST = 24  # commands of an operation at which a fault of any command happens

_PARTS = ("50%", "0%", "1%", "99%")
_COUNTS = ("10", "0", "1", "5000")
_PHASES = ("command", "before_reply", "after_reply")

_REFUSALS = ("answer 450 Busy", "answer 550 Denied", "answer 500 'Not understood'", "not_implemented")
_CONTROL = (
    *_REFUSALS,
    "service_unavailable",
    "reply 451 'Local error'",
    *(f"{word} phase={phase}" for word in ("close", "reset") for phase in _PHASES),
    "half_close",
    "no_reply",
    "ignore",
    "stall",
    "stall {pause}",
    "delay {pause}",
    "delay_to_next",
    "slice 1",
    "garble",
)
_STRAYS = ("repeat_reply", "say 226 Late", "say 421 Timeout")

# Words of a transfer; {place} is where within the data.
_LOSSES = (
    "drop_data {place}",
    "reset_data {place}",
    "fail 426 Aborted {place}",
    "fail 451 'Local error' {place}",
    "close {place}",
    "reset {place}",
    "stall_data {place}",
    "stall_data {pause} {place}",
    "half_close_data {place}",
)
_DISK = (
    *("disk_full after_bytes={count}", "disk_full after_bytes={count} keep=False"),
    *("quota_exceeded after_bytes={count}", "write_error after_bytes={count}"),
)
_PORTS = (
    *("refuse_data", "ignore_data", "unreachable_data", "answer 425 'No port is free'"),
    *(f"malformed_address {shape}" for shape in ("no-parentheses", "out-of-range", "multi-line", "empty")),
)


_TELLING = {
    *("answer", "fail", "drop_data", "reset_data", "close", "reset", "disk_full", "no_reply", "reply", "stall"),
    *("stall_data", "half_close_data", "delay"),
}
"""Words that are more telling than most others: what they break is half done."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault for some operations.

    Attributes:
        operations: Those that it disturbs.
        line: Its text.
        word: Its first word.
        needs: What a client does to notice it; None if replies and ends of connections tell.
        blinds: Whether it takes from a client the means to notice other faults.
        alone: Whether no client can notice another fault that happens together with it.
    """

    operations: Collection[str]
    line: str
    word: str
    needs: Means | None = None
    blinds: bool = False
    alone: bool = False

    def goes_with(self, other: Row) -> bool:
        """Whether a client can notice both faults when they happen together."""
        return not (self.alone or other.alone or (self.needs and other.blinds) or (self.blinds and other.needs))


def _rows(
    operations: Collection[str],
    verbs: str,
    words: Iterable[str],
    needs: Means | None = None,
    blinds: bool = False,
    alone: bool = False,
    when: Iterable[str] = ("", "", " #1", " #2"),  # twice as often at every one
    **values: Collection[str],
) -> Iterator[Row]:
    """A row for each of these words, each value in it, and each moment."""
    for word in words:
        name = next((name for name in ("place", "count") if f"{{{name}}}" in word), None)
        for value in ("",) if name is None else values[name]:
            text = word.replace(f"{{{name}}}", value)
            for moment in when:
                yield Row(operations, f"{verbs}{moment}: {text}", text.split()[0], needs, blinds, alone)


def _table() -> Iterator[Row]:
    for operation, verbs in _VERBS.items():
        for verb in verbs:
            yield from _rows((operation,), verb, _CONTROL)
            yield from _rows((operation,), verb, _STRAYS, "stray", when=("", " #1"))
    everywhere = [f" #{number}" for number in range(1, _MOST + 1)]
    for word in _CONTROL:
        yield from _rows((*_VERBS,), "*", [word], blinds=word in _REFUSALS, when=everywhere)
    yield from _rows((*_VERBS,), "*", _STRAYS, "stray", when=everywhere)
    yield from _rows((*_VERBS,), "CONNECT", ("service_unavailable", "close", "reset", "no_reply"), when=("", " #1"))
    yield from _rows((*_VERBS,), "PASS", ("answer 530 Denied", "answer 430 Later"), when=("", " #1"))

    parts, counts = [f"at={part}" for part in _PARTS], [f"after_bytes={count}" for count in _COUNTS]
    yield from _rows(_DOWN, "RETR", _LOSSES, place=parts)
    yield from _rows(_UP, "UPLOADS", _LOSSES, place=counts)
    yield from _rows(("list",), "LISTINGS", _LOSSES, place=counts[:2])
    yield from _rows(_UP, "UPLOADS", _DISK, count=_COUNTS)
    yield from _rows(_DOWN, "RETR", ["read_error after_bytes={count}"], count=_COUNTS)
    yield from _rows(_DATA, "PASSIVE", _PORTS)
    yield from _rows(_DATA, "TRANSFERS", ("no_preliminary", "preliminary 125", "reply 250", "coalesce"), when=[""])
    yield from _rows(_DATA, "TRANSFERS", ["early_reply"], alone=True, when=[""])
    yield from _rows(("list",), "MLSD|MLST", ["not_implemented"], blinds=True)

    yield from _rows(_DOWN, "RETR", ["truncate {place}"], "size", place=parts)
    yield from _rows(_DOWN, "RETR", ["pad b'grown'"], "size")
    yield from _rows(_UP, "UPLOADS", ["truncate {place}"], "size", place=counts)
    yield from _rows(_RESUMED, "REST", ("answer 350 Restarting", "shift_offset 3"), "size")
    yield from _rows(_DOWN, "RETR", ["garble_data"], "checksum")
    yield from _rows(_UP, "UPLOADS", ["garble_data"], "checksum")
    yield from _rows((*_UP, *_DOWN), "SIZE", ("not_implemented", "answer 550 Denied"), blinds=True)
    yield from _rows(("upload", "download"), "SIZE", ["wrong_size 1000"], alone=True, when=[""])


_TABLE = tuple(_table())


class Nemesis:
    """The faults of a check.

    Args:
        notices: What the client is said to notice; faults that need more are left out.
        leave_out: Words that are left out, too.
        more: Lines of the user, which may happen in all operations.
        pause: Virtual or real seconds of delays and of stalls that end; several are different cases.

    Attributes:
        words: All that may happen, in groups: the lines of the user and what is broken in silence, what is half done,
            and the others.
        left_out: For each word that is left out: why.
        spoiling: Lines of faults that change what is written: after a failure, the file may have any content.

    Raises:
        ConfigurationError: There is no such means, no such word, or a line is wrong.
    """

    def __init__(
        self,
        notices: Iterable[str],
        leave_out: Collection[str] = (),
        more: Iterable[str | Fault] = (),
        pause: Iterable[float] = (2, 100),
    ) -> None:
        noticed = frozenset(notices)
        if isinstance(notices, str) or not noticed <= set(NOTICES):
            raise ConfigurationError(f"notices={notices!r}: use some of {', '.join(NOTICES)}, as in notices=('size',)")
        unknown = [] if isinstance(leave_out, str) else sorted(set(leave_out) - {row.word for row in _TABLE})
        if isinstance(leave_out, str) or unknown:
            known = ", ".join(sorted({row.word for row in _TABLE}))
            raise ConfigurationError(f"leave_out={leave_out!r}: use words such as ('garble', 'stall'); known: {known}")
        own = {str(line): parse(str(line)).trigger.verbs for line in more}
        rows = [row for row in _TABLE if row.word not in leave_out and (row.needs is None or row.needs in noticed)]
        self._own = {Row((), line, line): frozenset(verbs) for line, verbs in own.items()}
        pauses = [f"{seconds:g}" for seconds in pause]
        rows = [
            replace(row, line=row.line.replace("{pause}", seconds))
            for row in rows
            for seconds in (pauses if "{pause}" in row.line else [""])
        ]
        self._rows = rows
        words = sorted({row.word for row in rows})
        silent = {row.word for row in rows if row.needs is not None}
        telling = _TELLING - silent
        self.words = (
            [*own, *(word for word in words if word in silent)],
            [word for word in words if word in telling],
            [word for word in words if word not in telling | silent | {*own}],
        )
        self.spoiling = frozenset(row.line for row in rows if row.needs is not None)
        kept = {row.word for row in rows}
        self.left_out = dict.fromkeys(leave_out, "leave_out")
        for row in _TABLE:
            if row.needs is not None and row.needs not in noticed:
                self.left_out.setdefault(row.line if row.word in kept else row.word, row.needs)

    def lines(self, operation: str, sent: Sequence[str]) -> dict[str, list[Row]]:
        """The faults that can disturb an operation, by word.

        Args:
            operation: Its name.
            sent: The verbs that the client sends for it when nothing goes wrong; from them it is known that a rename
                is a copy, for example.
        """
        parts = {part for part, verbs in _OWN.items() if verbs & {*sent}}
        last = max(9, len(sent) + 2)
        found: dict[str, list[Row]] = {}
        for row, verbs in self._own.items():
            if verbs & {"*", "CONNECT", *sent}:
                found[row.word] = [row]
        for row in self._rows:
            number = re.match(r"\* #(\d+):", row.line)
            if number is not None and int(number[1]) > last:
                continue
            if operation in row.operations or (parts & {*row.operations} and row.word != "wrong_size"):
                found.setdefault(row.word, []).append(row)
        return found
