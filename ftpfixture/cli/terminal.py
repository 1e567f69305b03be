"""What a running server prints: where it listens, and the dialogue of its clients.

One rule: nothing waits for the terminal. Events are printed by the main thread, so a terminal that stands still stops
no session; and a reader of the output that goes away does not end the server.
"""

from __future__ import annotations

import os
import sys
from queue import SimpleQueue

from rich.console import Console
from rich.text import Text

from ftpfixture.cli.progress import Bars
from ftpfixture.log.events import DataMoved, Event
from ftpfixture.log.transcript import event_lines

__all__ = ["Dialogue", "console"]

_STYLES = {">": "cyan", "<": "green", "=": "magenta", "!": "bold yellow", "*": "dim"}
_FAILED = "red"


class _Console(Console):
    """Standard output: text stays as it is, with colours on a terminal."""

    def on_broken_pipe(self) -> None:
        """Print nothing more: the reader of the output is gone, as in ``ftpfixture serve | head -1``."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def console() -> Console:
    """Standard output, which is written at once."""
    return _Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


class Dialogue:
    """The events of a server as lines, and a request to end; subscribe it to the server's `Hub`.

    Args:
        out: Where lines are printed.
        quiet: Print none.
        bars: Whether transfers have progress bars, on a terminal.
    """

    def __init__(self, out: Console, quiet: bool = False, bars: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._bars = Bars(out) if bars and out.is_terminal else None
        self._events: SimpleQueue[Event | None] = SimpleQueue()

    def __call__(self, event: Event) -> None:
        """Take an event, on any thread."""
        if self._bars is not None or not (self._quiet or type(event) is DataMoved):
            self._events.put(event)

    def end(self) -> None:
        """Let `show` return when all events before are printed; may be called by the handler of a signal."""
        self._events.put(None)

    def show(self) -> None:
        """Print events until `end` is called."""
        while (event := self._events.get()) is not None:
            if self._bars is not None:
                self._bars.take(event)
            for line in () if self._quiet else event_lines(event):
                self._out.print(Text(f"{event.session:>3} {line}", _style(line)))
        if self._bars is not None:
            self._bars.stop()


def _style(line: str) -> str:
    """The style of a line of a transcript; a reply that refuses is marked."""
    sign, _, text = line.split(maxsplit=1)[1].partition(" ")
    return _FAILED if sign == "<" and text.startswith(("4", "5")) else _STYLES[sign]
