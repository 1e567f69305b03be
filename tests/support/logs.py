"""Logs of clients that are imported, and what the recording has then, a line for each event."""

from __future__ import annotations

from textwrap import dedent

from ftpfixture.recording.format import Command, Data, Line, Note
from ftpfixture.recording.imports.importer import Imported, import_log
from ftpfixture.recording.store import Recording

__all__ = ["events_of", "imported", "remarks_of"]


def imported(log: str, format: str | None = None) -> Imported:  # noqa: A002
    """Import a log whose text is indented in the test; its first line is empty."""
    return import_log(dedent(log).removeprefix("\n"), format)


def events_of(recording: Recording) -> str:
    """The events, in the signs of the format: the first line of a session is "* connected", with its TLS after it."""
    return "".join(f"{_event(recording, line)}\n" for line in recording.lines)


def remarks_of(result: Imported) -> str:
    """The remarks, each with the number of its line."""
    return "".join(f"{remark.line} {remark.text}\n" for remark in result.remarks)


def _event(recording: Recording, line: Line) -> str:
    match line:
        case Command():
            return " ".join(filter(None, [">", line.text, line.opens]))
        case Data():
            tls = f" {line.tls}" if line.tls else ""
            made = " generated" if line.synthetic else ""
            place = f" at {line.offset}" if line.offset else ""
            return f"= {line.direction} {line.type}{line.mode} {line.size}{place}{made} {line.end}{tls}"
        case Note():
            return " ".join(filter(None, ["*", line.what, line.version, line.by, line.end]))
        case _:
            return "< " + "|".join(line.lines or ())
