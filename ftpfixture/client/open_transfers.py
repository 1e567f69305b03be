"""The unfinished transfers of a control connection.

One rule: a transfer that is closed before its final reply was read is recorded, so that its replies are read later.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["OpenTransfers", "Transfer"]


class Transfer(Protocol):
    """A transfer, as the control connection sees it."""

    command: str
    finished: bool

    def begin_abort(self) -> None:
        """Give its replies to the current task, which will `abandon` it."""

    def abandon(self) -> int:
        """Close its data connection at once, and return how many NOOPs were sent during the transfer."""


class OpenTransfers:
    """The unfinished transfers, by state.

    Attributes:
        running: The transfer between its command and its final reply.
        abandoned: For each transfer that was closed and not finished, the number of NOOPs sent while it ran.
    """

    def __init__(self) -> None:
        self.running: Transfer | None = None
        self.abandoned: list[int] = []
        self._open: set[Transfer] = set()  # `running`, and data connections without a command yet

    def add(self, transfer: Transfer, *, running: bool) -> None:
        """Add a transfer after its data connection was opened; `running` is whether its command was sent."""
        self._open.add(transfer)
        if running:
            self.running = transfer

    def remove(self, transfer: Transfer) -> None:
        """Remove a transfer after its final reply was read or recorded in `abandoned`."""
        self._open.discard(transfer)
        if self.running is transfer:
            self.running = None

    def defer(self, transfer: Transfer, noops: int) -> None:
        """Record a transfer with replies that the next command must read first."""
        if self.running is transfer:
            self.abandoned.append(noops)

    def abandon_all(self) -> None:
        """Close all data connections, because the control connection ends."""
        for transfer in tuple(self._open):
            transfer.abandon()
