"""The dialogue of sessions as text: one line for each event that a reader of a report needs.

One rule: nothing secret and nothing that breaks a line of a report is in the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from ftpfixture.log.events import (
    ClientHung,
    CommandReceived,
    Connected,
    DataClosed,
    DataOpened,
    Disconnected,
    Event,
    FaultApplied,
    HandlerFailed,
    LoggedIn,
    ReplySent,
    TlsEnded,
    TlsEstablished,
    TlsFailed,
)
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = [
    "EMPTY",
    "TOO_LONG",
    "by_session",
    "command_text",
    "event_lines",
    "heading",
    "height",
    "render",
    "reply_texts",
]

EMPTY = "(no client connected)"
"""The transcript of a server without a session."""

TOO_LONG = "(a line that was too long)"
"""Replaces a command line that the server discarded."""


def render(events: Iterable[Event], sessions: Iterable[int], zero: float = 0) -> str:
    """The dialogues of these sessions, one after another; passwords are starred.

    Args:
        events: All events of a server, in order.
        sessions: Numbers of control connections.
        zero: Seconds after the server was made, from which the times count.
    """
    lines: list[str] = []
    for number, events_of_one in by_session(events, sessions).items():
        lines.append(heading(number))
        for event in events_of_one:
            lines += event_lines(event, zero)
    return "\n".join(lines) or EMPTY


def by_session(events: Iterable[Event], sessions: Iterable[int]) -> dict[int, list[Event]]:
    """The events of each of these sessions, in the order of `sessions`."""
    found: dict[int, list[Event]] = {number: [] for number in sessions}
    for event in events:
        if event.session in found:
            found[event.session].append(event)
    return found


def heading(session: int) -> str:
    """The line above the dialogue of a session."""
    return f"session {session}"


def event_lines(event: Event, zero: float = 0) -> list[str]:
    """The lines for one event, with the time; none for an event that a reader does not need.

    Args:
        event: Of any kind.
        zero: Seconds after the server was made, from which the times count.
    """
    return [f"{event.time - zero:9.3f} {line}" for line in _lines(event)]


def height(event: Event) -> int:
    """How many lines `event_lines` gives for an event, without making them."""
    if isinstance(event, ReplySent):
        return event.raw.removesuffix(b"\r\n").count(b"\r\n") + 1
    return int(_lines.dispatch(type(event)) is not _lines.dispatch(Event))


def command_text(event: CommandReceived) -> str:
    """A command as one line for a report: secrets are starred, control characters are escaped."""
    return printable(TOO_LONG if event.too_long else censor(event.verb, event.argument))


def reply_texts(event: ReplySent, encoding: str = "utf-8") -> list[str]:
    """A reply as the lines that the server sent; control characters and bytes outside of the encoding are escaped."""
    lines = event.raw.decode(encoding, "backslashreplace").removesuffix("\r\n").split("\r\n")
    return [printable(line) for line in lines]


@singledispatch
def _lines(event: Event) -> list[str]:
    """The lines without the time: ``>`` the client, ``<`` the server, ``=`` data, ``!`` faults, ``*`` the rest."""
    return []


@_lines.register(Connected)
def _(event: Connected) -> list[str]:
    return [f"* connected from {event.peer[0]}:{event.peer[1]}"]


@_lines.register(CommandReceived)
def _(event: CommandReceived) -> list[str]:
    return [f"> {command_text(event)}"]


@_lines.register(ReplySent)
def _(event: ReplySent) -> list[str]:
    return [f"< {line}" for line in reply_texts(event)]


@_lines.register(TlsEstablished)
def _(event: TlsEstablished) -> list[str]:
    resumed = ", resumed" if event.resumed else ""
    return [f"* {event.where} connection encrypted: {event.version}, {event.cipher}{resumed}"]


@_lines.register(TlsFailed)
def _(event: TlsFailed) -> list[str]:
    return [f"* no TLS on the {event.where} connection: {printable(event.error)}"]


@_lines.register(TlsEnded)
def _(event: TlsEnded) -> list[str]:
    return ["* control connection not encrypted any more"]


@_lines.register(LoggedIn)
def _(event: LoggedIn) -> list[str]:
    return [f"* {printable(event.user)} logged in"]


@_lines.register(DataOpened)
def _(event: DataOpened) -> list[str]:
    offset = f" from byte {event.offset}" if event.offset else ""
    return [f"= {event.mode} {event.direction} of {printable(event.path)}{offset}"]


@_lines.register(DataClosed)
def _(event: DataClosed) -> list[str]:
    end = "complete" if event.completed else "aborted" + (f": {event.error}" if event.error else "")
    return [f"= {event.payload.size} bytes, {end}"]


@_lines.register(FaultApplied)
def _(event: FaultApplied) -> list[str]:
    return [f"! {printable(event.fault)}"]


@_lines.register(ClientHung)
def _(event: ClientHung) -> list[str]:
    return [f"* {event}"]


@_lines.register(HandlerFailed)
def _(event: HandlerFailed) -> list[str]:
    first, *more = str(event.error).splitlines() or [""]
    text = printable(f"{type(event.error).__name__}: {first}") + " ..." * bool(more)
    return [f"* {event.verb or 'the session'} raised {text}"]


@_lines.register(Disconnected)
def _(event: Disconnected) -> list[str]:
    return [f"* closed: {event.reason}"]
