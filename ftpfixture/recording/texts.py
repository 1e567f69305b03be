"""The lines of a recording as text for readers: of a report, a table, a page.

One rule: nothing secret and nothing that breaks a line is in the text. Passwords are placeholders in a recording; one
that an edited file has in clear is starred.
"""

from __future__ import annotations

import re

from ftpfixture.recording.format import Command, Data, Note, Reply
from ftpfixture.recording.redact import fill
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["command_text", "data_text", "note_text", "reply_code", "reply_texts", "transfer_text", "verb_of"]

_DIRECTIONS = {"down": "download", "up": "upload"}
_ENDS = {
    "eof": "",
    "rst": "reset",
    "half-close": "half closed",
    "no-close-notify": "closed without close_notify",
}
_NOTES = {"connected": "connected", "tls": "control connection encrypted", "clear": "control connection not encrypted"}
_PLACEHOLDERS = re.compile(r"(?:\{[a-z_]+\})*")


def verb_of(command: Command) -> str:
    """The verb, upper case."""
    return command.line().partition(b" ")[0].decode("utf-8", "surrogateescape").upper()


def command_text(command: Command) -> str:
    """The command as one line."""
    verb, _, argument = command.line().decode("utf-8", "surrogateescape").partition(" ")
    if _PLACEHOLDERS.fullmatch(argument):
        return _shown(f"{verb} {argument}" if argument else verb)
    return _shown(censor(verb, argument))


def reply_code(reply: Reply) -> str:
    """The three digits; other characters in a reply without them."""
    return _shown(reply.content()[:3].decode("utf-8", "surrogateescape").rstrip())


def reply_texts(reply: Reply) -> list[str]:
    """The lines as sent, with their codes."""
    text = reply.content().decode("utf-8", "backslashreplace").removesuffix("\r\n")
    return [_shown(line) for line in text.split("\r\n")]


def transfer_text(data: Data) -> str:
    """What a data connection was for, and how it ended, without its content."""
    offset = f" from byte {data.offset}" if data.offset else ""
    details = [f"TYPE {data.type}", "MODE Z" * (data.mode == "Z"), "encrypted" * bool(data.tls), _ENDS[data.end]]
    return ", ".join([_DIRECTIONS[data.direction] + offset, *filter(None, details)])


def data_text(data: Data) -> str:
    """A data connection as one line, with the size of its content."""
    generated = "generated " * data.synthetic
    return f"{transfer_text(data)}, {data.size} {generated}{'byte' if data.size == 1 else 'bytes'}"


def note_text(note: Note) -> str:
    """What happened to a session."""
    if note.what == "closed":
        how = "reset" if note.end == "rst" else "closed"
        return f"{how} by {note.by}" if note.by else how
    return _NOTES[note.what] + (f": {note.version}" if note.version else "")


def _shown(text: str) -> str:
    return printable(fill(text, {}))
