"""Records made from events: each event changes the record of its command, transfer or session.

One rule: code that reads or changes more than one attribute holds the lock of the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    Disconnecting,
    Event,
    FaultApplied,
    HandlerFailed,
    LoggedIn,
    ReplySent,
    ReplyWithheld,
    TlsEnded,
    TlsEstablished,
)
from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.log.retention import Retention
from ftpfixture.log.transcript import TOO_LONG

__all__ = ["Projection"]


class Projection:
    """The records that the events so far make.

    Attributes:
        events: All, in order; always the same list.
        commands: By the number of their event.
        transfers: By the number of their command's event.
        sessions: By number.
        failures: The exceptions of handlers that are no replies.
        takers: The functions that make or change a record, by the class of their event; other events have none.
        retention: Keeps the bytes of transfers.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.commands: dict[int, CommandRecord] = {}
        self.transfers: dict[int, TransferRecord] = {}
        self.sessions: dict[int, SessionRecord] = {}
        self.failures: list[HandlerFailed] = []
        self.retention = Retention()
        self.takers: dict[type[Event], Callable[[Any], None]] = {
            CommandReceived: self._take_command,
            ReplySent: self._take_reply,
            Connected: self._take_connected,
            TlsEstablished: self._take_tls_established,
            TlsEnded: self._take_tls_ended,
            LoggedIn: self._take_logged_in,
            DataOpened: self._take_opened,
            DataMoved: self._take_moved,
            DataClosed: self._take_closed,
            FaultApplied: self._take_fault,
            ReplyWithheld: self._take_withheld,
            HandlerFailed: self._take_failure,
            Disconnecting: self._take_disconnecting,
            Disconnected: self._take_disconnected,
        }

    def clear(self) -> None:
        """Forget everything but the open sessions and the running transfers."""
        self.events.clear()
        self.commands, self.failures = {}, []
        self.sessions = {number: one for number, one in self.sessions.items() if one.closed_at is None}
        self.transfers = {number: one for number, one in self.transfers.items() if one.completed is None}
        self.retention.clear()

    def forget(self, keep: int) -> int:
        """Forget the oldest events and their records, but for what still runs.

        Args:
            keep: How many events stay.

        Returns:
            How many commands were forgotten.
        """
        del self.events[: len(self.events) - keep]
        first = self.events[0]
        before = len(self.commands)
        old = {number for number, record in self.commands.items() if number < first.seq and not self._runs(record)}
        self.commands = {number: record for number, record in self.commands.items() if number not in old}
        self.transfers = {
            number: record
            for number, record in self.transfers.items()
            if number in self.commands or number >= first.seq or record.completed is None
        }
        self.sessions = {
            number: record
            for number, record in self.sessions.items()
            if record.closed_at is None or record.closed_at >= first.time
        }
        return before - len(self.commands)

    def busy(self) -> list[str]:
        """The commands without a final reply, the running transfers, and the sessions that are ending."""
        # A transfer outlives `clear`, its command does not.
        orphans = [record for number, record in self.transfers.items() if number not in self.commands]
        return [
            *(str(record) for record in self.commands.values() if self._runs(record)),
            *(f"{record.verb} of {record.path}" for record in orphans if record.completed is None),
            *(
                f"the end of session {number} ({session.reason})"
                for number, session in self.sessions.items()
                if session.reason and session.closed_at is None
            ),
        ]

    def _runs(self, record: CommandRecord) -> bool:
        session = self.sessions.get(record.session)
        transfer = record.transfer
        unanswered = not record.code and not record.reply_withheld and session is not None and session.closed_at is None
        return unanswered or (transfer is not None and transfer.completed is None)

    # One event.

    def _take_command(self, event: CommandReceived) -> None:
        verb, argument = event.verb, TOO_LONG if event.too_long else event.argument
        record = CommandRecord(event.session, event.seq, event.time, verb, argument)
        record._directory = event.directory
        session = self.sessions.get(event.session)
        if session is not None:
            record.encrypted = session.tls is not None and session.tls_ended_seq is None
            if verb == "USER" or verb == "REIN":
                session._login = argument
            record.user = session._login
        self.commands[event.seq] = record

    def _take_reply(self, event: ReplySent) -> None:
        record = self.commands.get(event.command_seq)
        if record is not None:
            record.replies.append((event.code, "\n".join(event.lines)))

    def _take_connected(self, event: Connected) -> None:
        self.sessions[event.session] = SessionRecord(event.session, event.peer, event.time)

    def _take_tls_established(self, event: TlsEstablished) -> None:
        if event.where == "control":
            session = self.sessions[event.session]
            session.tls, session.tls_ended_seq = event, None
        else:
            self.transfers[event.command_seq].tls = event

    def _take_tls_ended(self, event: TlsEnded) -> None:
        self.sessions[event.session].tls_ended_seq = event.seq

    def _take_logged_in(self, event: LoggedIn) -> None:
        self.sessions[event.session].user = event.user

    def _take_opened(self, event: DataOpened) -> None:
        record = TransferRecord(
            event.session,
            event.verb,
            event.direction,
            event.path,
            event.mode,
            event.offset,
            event.transfer_type,
            event.time,
        )
        self.transfers[event.command_seq] = record
        if event.command_seq in self.commands:
            self.commands[event.command_seq].transfer = record

    def _take_moved(self, event: DataMoved) -> None:
        self.transfers[event.command_seq].size += event.size
        self.retention.hash_some()

    def _take_closed(self, event: DataClosed) -> None:
        record = self.transfers[event.command_seq]
        record._payload, record.error = event.payload, event.error
        record.completed = event.completed  # last: a reader that sees the end sees the rest, too
        self.retention.keep(event.payload)

    def _take_fault(self, event: FaultApplied) -> None:
        if event.command_seq in self.commands:
            self.commands[event.command_seq].faults.append(event.fault)

    def _take_withheld(self, event: ReplyWithheld) -> None:
        if event.command_seq in self.commands:
            self.commands[event.command_seq].reply_withheld = True

    def _take_failure(self, event: HandlerFailed) -> None:
        self.failures.append(event)

    def _take_disconnecting(self, event: Disconnecting) -> None:
        self.sessions[event.session].reason = event.reason

    def _take_disconnected(self, event: Disconnected) -> None:
        session = self.sessions[event.session]
        session.reason, session.closed_at = event.reason, event.time
