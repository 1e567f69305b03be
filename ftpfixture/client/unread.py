"""Lines of listings that were not understood, as callers see them.

One rule: a caller learns which lines they are, why they were not understood, and what helps.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from ftpfixture.errors import UnreadLinesError
from ftpfixture.wire.lines import printable

__all__ = ["UnreadEntry", "describe_unread", "unread_error"]

_SHOWN = 3  # lines that a message shows


class UnreadEntry(NamedTuple):
    """A line of a listing that was not understood, or not for certain: its end is missing, or its facts.

    Attributes:
        directory: What was listed.
        line: The line without its end, as it was sent.
        reason: Why it was not understood.
    """

    directory: PurePosixPath
    line: str
    reason: str


def describe_unread(unread: tuple[UnreadEntry, ...]) -> str:
    """How many lines of which listings were not understood, the first of them and why, and what helps."""
    lines = ", ".join(f"{line!a} ({printable(reason)})" for _, line, reason in unread[:_SHOWN])
    more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
    directories = ", ".join(dict.fromkeys(printable(str(directory)) for directory, _, _ in unread))
    count = "1 line" if len(unread) == 1 else f"{len(unread)} lines"
    helps = "a parse_list_line_custom of the client could read them"
    return f"{count} of the listing of {directories} not understood: {lines}{more}; {helps}"


def unread_error(call: str, unread: Iterable[UnreadEntry]) -> UnreadLinesError:
    """An error for a call that cannot be done without all lines.

    Args:
        call: What cannot be done, and why.
        unread: The lines.
    """
    lines = tuple(unread)
    return UnreadLinesError(f"{call}: {describe_unread(lines)}", lines)
