"""Progress bars of transfers, on a terminal.

One rule: bars stand below the dialogue, and are gone when no transfer runs.
"""

from __future__ import annotations

import re

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from ftpfixture.log.events import DataClosed, DataMoved, DataOpened, Event, ReplySent

__all__ = ["Bars"]

_SIZE = re.compile(r"\(([0-9]+) bytes\)")


class Bars:
    """A bar for each transfer that runs.

    Args:
        out: The terminal.
    """

    def __init__(self, out: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=out,
            transient=True,
        )
        self._tasks: dict[int, TaskID] = {}  # by the number of the command

    def take(self, event: Event) -> None:
        """Draw what an event has changed."""
        match event:
            case DataOpened():
                self._progress.start()
                self._tasks[event.command_seq] = self._progress.add_task(event.path, total=None)
            case DataMoved() if event.command_seq in self._tasks:
                self._progress.advance(self._tasks[event.command_seq], event.size)
            case ReplySent() if event.command_seq in self._tasks:
                self._learn_size(self._tasks[event.command_seq], event)
            case DataClosed() if event.command_seq in self._tasks:
                self._progress.remove_task(self._tasks.pop(event.command_seq))
                if not self._tasks:
                    self.stop()

    def _learn_size(self, task: TaskID, event: ReplySent) -> None:
        """Take the size of a file from the preliminary reply, where most servers have it."""
        found = _SIZE.search(" ".join(event.lines))
        if found is not None:
            self._progress.update(task, total=int(found[1]))

    def stop(self) -> None:
        """Remove all bars."""
        self._progress.stop()
