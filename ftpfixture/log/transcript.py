"""The dialogue of sessions as text for people: in the report of a failing test, and behind every failed assertion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ftpfixture.log.events import (
    Cleared,
    CommandReceived,
    Connected,
    DataClosed,
    DataOpened,
    Disconnected,
    Encrypted,
    EncryptionFailed,
    Event,
    FaultApplied,
    HandlerFailed,
    LoggedIn,
    ReplySent,
)
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["TOO_LONG", "command_text", "render", "reply_texts"]

TOO_LONG = "(a line that was too long)"
"""Stands for a command line whose text was thrown away."""


def render(events: Sequence[Event], sessions: Iterable[int]) -> str:
    """The dialogues of these sessions, one after another; passwords are starred.

    Args:
        events: All events of a server, in order.
        sessions: Numbers of control connections.
    """
    lines: list[str] = []
    for number in sessions:
        lines.append(f"session {number}")
        for event in events:
            if event.session == number:
                lines += _told(event)
    return "\n".join(lines) or "(nobody connected)"


def command_text(event: CommandReceived) -> str:
    """A command as one line that may be shown: secrets starred, control characters escaped."""
    return printable(TOO_LONG if event.too_long else censor(event.verb, event.argument))


def reply_texts(event: ReplySent, encoding: str = "utf-8") -> list[str]:
    """A reply as the lines that went over the wire, control characters and what is not of the encoding escaped."""
    lines = event.raw.decode(encoding, "backslashreplace").removesuffix("\r\n").split("\r\n")
    return [printable(line) for line in lines]


def _told(event: Event) -> list[str]:
    """Lines of the transcript: ``>`` the client, ``<`` the server, ``=`` data, ``!`` faults, ``*`` the rest."""
    at = f"{event.at:9.3f} "
    match event:
        case Connected():
            return [f"{at}* connected from {event.peer[0]}:{event.peer[1]}"]
        case CommandReceived():
            return [f"{at}> {command_text(event)}"]
        case ReplySent():
            return [f"{at}< {line}" for line in reply_texts(event)]
        case Encrypted():
            resumed = ", resumed" if event.resumed else ""
            return [f"{at}* {event.where} connection encrypted: {event.version}, {event.cipher}{resumed}"]
        case EncryptionFailed():
            return [f"{at}* no TLS on the {event.where} connection: {printable(event.error)}"]
        case Cleared():
            return [f"{at}* control connection in clear again"]
        case LoggedIn():
            return [f"{at}* {printable(event.user)} logged in"]
        case DataOpened():
            offset = f" from octet {event.offset}" if event.offset else ""
            return [f"{at}= {event.mode} {event.direction} of {printable(event.path)}{offset}"]
        case DataClosed():
            end = "complete" if event.completed else f"broken off: {event.error or 'aborted'}"
            return [f"{at}= {event.payload.octets} octets, {end}"]
        case FaultApplied():
            return [f"{at}! {printable(event.fault)}"]
        case HandlerFailed():
            return [f"{at}* {event.verb or 'the session'} raised {type(event.error).__name__}: {event.error}"]
        case Disconnected():
            return [f"{at}* closed: {event.reason}"]
    return []
