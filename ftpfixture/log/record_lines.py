"""Records as lines of text, for messages.

One rule: each line alone has what happened, when, and in which session.
"""

from __future__ import annotations

from collections.abc import Sequence

from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.wire.lines import printable

__all__ = ["command_line", "session_line", "some", "transfer_line"]

_MOST = 12  # lines of one kind


def some(lines: Sequence[str]) -> list[str]:
    """Return lines, indented; of many the first, and the number of the others."""
    shown = [f"    {line}" for line in lines[:_MOST]]
    return [*shown, f"    and {len(lines) - _MOST} more"] if len(lines) > _MOST else shown


def command_line(record: CommandRecord) -> str:
    """Return a command as a line: time, command, code, session."""
    return f"{record.time:.3f} {record} (session {record.session})"


def transfer_line(record: TransferRecord) -> str:
    """Return a data connection as a line: time, what it carried, how it ended, session."""
    offset = f" from byte {record.offset}" if record.offset else ""
    end = {True: "complete", None: "still running"}.get(record.completed, f"aborted: {record.error or 'by the client'}")
    what = f"{record.mode} {record.direction} of {printable(record.path)}{offset} ({record.verb})"
    return f"{record.time:.3f} {what}: {record.size} bytes, {end} (session {record.session})"


def session_line(record: SessionRecord) -> str:
    """Return a control connection as a line: number, user, how it ended."""
    user = f", user {printable(record.user)}" if record.user else ", not logged in"
    end = "still open" if record.closed_at is None else f"ended: {record.reason}"
    return f"session {record.number}{user}, {end}"
