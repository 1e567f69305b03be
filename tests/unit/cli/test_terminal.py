"""What a running server prints."""

from __future__ import annotations

import io

from rich.console import Console

from ftpfixture.cli.terminal import Dialogue
from ftpfixture.log.events import CommandReceived, Connected, DataMoved, Disconnected, Event, FaultApplied, ReplySent


def _reply(session: int, seq: int, time: float, raw: bytes) -> ReplySent:
    return ReplySent(session, seq, time, raw[:3].decode(), ("",), 1, raw)


EVENTS: list[Event] = [
    Connected(1, 1, 0.5, ("127.0.0.1", 1024), ("127.0.0.1", 21)),
    _reply(1, 2, 0.5, b"220 one [red]\r\n"),
    CommandReceived(1, 3, 1.0, "PASS", "secret"),
    _reply(1, 4, 1.0, b"530 no\r\n"),
    DataMoved(1, 5, 1.0, 3, 8),
    FaultApplied(12, 6, 99999.5, 3, "RETR: close"),
    _reply(12, 7, 100000.25, b"\r\n"),
    Disconnected(12, 8, 100000.25, "cut off"),
]


def printed(quiet: bool = False, terminal: bool = False) -> str:
    """What a dialogue with these events prints."""
    out = Console(file=io.StringIO(), force_terminal=terminal, soft_wrap=True, highlight=False, markup=False)
    dialogue = Dialogue(out, quiet)
    for event in EVENTS:
        dialogue(event)
    dialogue.end()
    dialogue.show()
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_each_line_has_its_session_and_its_time() -> None:
    """Lines are those of the transcript after the number of the session; passwords are starred."""
    assert printed().splitlines() == [
        "  1     0.500 * connected from 127.0.0.1:1024",
        "  1     0.500 < 220 one [red]",
        "  1     1.000 > PASS ******",
        "  1     1.000 < 530 no",
        " 12 99999.500 ! RETR: close",
        " 12 100000.250 < ",
        " 12 100000.250 * closed: cut off",
    ]
    assert printed(quiet=True) == ""


def test_a_terminal_has_colours() -> None:
    """Replies are green, and red when they refuse; faults are yellow."""
    lines = printed(terminal=True).splitlines()

    assert [line for line in lines if line.startswith("\x1b[32m") and "220 one" in line]
    assert [line for line in lines if line.startswith("\x1b[31m") and "530 no" in line]
    assert [line for line in lines if line.startswith("\x1b[1;33m") and "RETR: close" in line]
