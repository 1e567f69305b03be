"""Lines of listings that were not understood, as callers see them.

One rule: every report gives the lines, the reason for each, and what helps.
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
    """A line of a listing that was not understood, or is uncertain because its line end or its facts are missing.

    Attributes:
        directory: The listed directory.
        line: The line without its end, as it was sent.
        reason: Why it was not understood.
    """

    directory: PurePosixPath
    line: str
    reason: str


def describe_unread(unread: tuple[UnreadEntry, ...]) -> str:
    """A message with the number of lines, their directories, the first lines with reasons, and what helps."""
    lines = ", ".join(f"{line!a} ({printable(reason)})" for _, line, reason in unread[:_SHOWN])
    more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
    directories = ", ".join(dict.fromkeys(printable(str(directory)) for directory, _, _ in unread))
    count = "1 line" if len(unread) == 1 else f"{len(unread)} lines"
    helps = "a parse_list_line_custom of the client could parse them"
    return f"{count} of the listing of {directories} not understood: {lines}{more}; {helps}"


def unread_error(call: str, unread: Iterable[UnreadEntry]) -> UnreadLinesError:
    """The error of a call that needs all lines to be understood.

    Args:
        call: What was not done, and why.
        unread: The lines.
    """
    lines = tuple(unread)
    return UnreadLinesError(f"{call}: {describe_unread(lines)}", lines)
