"""The dialogue of sessions as text for people: in the report of a failing test, and behind every failed assertion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from ftpfixture.log.events import (
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
                lines += [f"{event.time:9.3f} {line}" for line in _told(event)]
    return "\n".join(lines) or "(nobody connected)"


def command_text(event: CommandReceived) -> str:
    """A command as one line that may be shown: secrets starred, control characters escaped."""
    return printable(TOO_LONG if event.too_long else censor(event.verb, event.argument))


def reply_texts(event: ReplySent, encoding: str = "utf-8") -> list[str]:
    """A reply as the lines that went over the wire, control characters and what is not of the encoding escaped."""
    lines = event.raw.decode(encoding, "backslashreplace").removesuffix("\r\n").split("\r\n")
    return [printable(line) for line in lines]


@singledispatch
def _told(event: Event) -> list[str]:
    """Lines of the transcript: ``>`` the client, ``<`` the server, ``=`` data, ``!`` faults, ``*`` the rest."""
    return []


@_told.register(Connected)
def _(event: Connected) -> list[str]:
    return [f"* connected from {event.peer[0]}:{event.peer[1]}"]


@_told.register(CommandReceived)
def _(event: CommandReceived) -> list[str]:
    return [f"> {command_text(event)}"]


@_told.register(ReplySent)
def _(event: ReplySent) -> list[str]:
    return [f"< {line}" for line in reply_texts(event)]


@_told.register(TlsEstablished)
def _(event: TlsEstablished) -> list[str]:
    resumed = ", resumed" if event.resumed else ""
    return [f"* {event.where} connection encrypted: {event.version}, {event.cipher}{resumed}"]


@_told.register(TlsFailed)
def _(event: TlsFailed) -> list[str]:
    return [f"* no TLS on the {event.where} connection: {printable(event.error)}"]


@_told.register(TlsEnded)
def _(event: TlsEnded) -> list[str]:
    return ["* control connection in clear again"]


@_told.register(LoggedIn)
def _(event: LoggedIn) -> list[str]:
    return [f"* {printable(event.user)} logged in"]


@_told.register(DataOpened)
def _(event: DataOpened) -> list[str]:
    offset = f" from octet {event.offset}" if event.offset else ""
    return [f"= {event.mode} {event.direction} of {printable(event.path)}{offset}"]


@_told.register(DataClosed)
def _(event: DataClosed) -> list[str]:
    end = "complete" if event.completed else f"broken off: {event.error or 'aborted'}"
    return [f"= {event.payload.size} octets, {end}"]


@_told.register(FaultApplied)
def _(event: FaultApplied) -> list[str]:
    return [f"! {printable(event.fault)}"]


@_told.register(HandlerFailed)
def _(event: HandlerFailed) -> list[str]:
    return [f"* {event.verb or 'the session'} raised {type(event.error).__name__}: {event.error}"]


@_told.register(Disconnected)
def _(event: Disconnected) -> list[str]:
    return [f"* closed: {event.reason}"]
