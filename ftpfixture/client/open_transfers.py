"""The transfers of a control connection that are not finished.

One rule: a transfer that is closed before its final reply was read is counted, so that its replies are read later.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["OpenTransfers", "Transfer"]


class Transfer(Protocol):
    """What a control connection must know of a transfer."""

    said: str
    finished: bool

    def hand_over(self) -> None:
        """Leave its replies to the current task, which will abandon it."""

    def abandon(self) -> int:
        """Close its data connection at once, and return how many NOOPs were sent meanwhile."""


class OpenTransfers:
    """Transfers, by how far they are.

    Attributes:
        running: The one whose command was sent and whose final reply was not read.
        abandoned: Of each that was closed and not finished, how many NOOPs were sent while it ran.
    """

    def __init__(self) -> None:
        self.running: Transfer | None = None
        self.abandoned: list[int] = []
        self._open: set[Transfer] = set()  # that one, and data connections whose command is still to be sent

    def add(self, transfer: Transfer, *, running: bool) -> None:
        """A data connection was opened; `running` says whether its command was sent."""
        self._open.add(transfer)
        if running:
            self.running = transfer

    def remove(self, transfer: Transfer) -> None:
        """It is over, and its final reply was read or is counted."""
        self._open.discard(transfer)
        if self.running is transfer:
            self.running = None

    def leave(self, transfer: Transfer, noops: int) -> None:
        """Its final reply is left to the next command."""
        if self.running is transfer:
            self.abandoned.append(noops)

    def abandon_all(self) -> None:
        """Close all data connections, because the control connection ends."""
        for transfer in tuple(self._open):
            transfer.abandon()
