"""What was really said, for tests to assert on: a view over events that may be read from any thread.

One rule: whoever looks at more than one attribute holds the lock, the servers' thread included, and nobody waits for
anything while holding it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ftpfixture.events import (
    Cleared,
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    Encrypted,
    Event,
    FaultApplied,
    HandlerFailed,
    Hub,
    LoggedIn,
    ReplySent,
    Silenced,
)
from ftpfixture.forks import Origin, rlock
from ftpfixture.matching import Pattern, nearest
from ftpfixture.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.retention import Retention
from ftpfixture.transcript import TOO_LONG, render
from ftpfixture.untouched import monotonic

__all__ = ["CommandLog"]


class CommandLog:
    """Every command, reply and transfer of a server, in order.

    Args:
        hub: Where the events come from.
        origin: Of the server; reading the log of one that runs in a parent process is an error.
    """

    def __init__(self, hub: Hub, origin: Origin | None = None) -> None:
        self._origin = origin or Origin()
        self._lock = rlock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._seen = 0
        self._events: list[Event] = []
        self._commands: dict[int, CommandRecord] = {}
        self._transfers: dict[int, TransferRecord] = {}
        self._sessions: dict[int, SessionRecord] = {}
        self._failures: list[HandlerFailed] = []
        self._retention = Retention()
        self._take: dict[type[Event], Callable[[Any], None]] = {
            CommandReceived: self._take_command,
            ReplySent: self._take_reply,
            Connected: self._take_connected,
            Encrypted: self._take_encrypted,
            Cleared: self._take_cleared,
            LoggedIn: self._take_logged_in,
            DataOpened: self._take_opened,
            DataMoved: self._take_moved,
            DataClosed: self._take_closed,
            FaultApplied: self._take_fault,
            Silenced: self._take_silenced,
            HandlerFailed: self._take_failure,
            Disconnected: self._take_disconnected,
        }
        hub.subscribe(self._on_event)

    # What comes in, on the loop thread.

    def _on_event(self, event: Event) -> None:
        take = self._take.get(type(event))
        with self._lock:
            if take is not None:
                take(event)
            self._events.append(event)
            self._seen += 1
            if self._waiting:
                self._changed.notify_all()

    def _take_command(self, event: CommandReceived) -> None:
        argument = TOO_LONG if event.too_long else event.argument
        record = CommandRecord(event.session, event.seq, event.at, event.verb, argument)
        session = self._sessions.get(event.session)
        record.encrypted = session is not None and session.tls is not None and session.cleared_at is None
        self._commands[event.seq] = record

    def _take_reply(self, event: ReplySent) -> None:
        record = self._commands.get(event.to)
        if record is not None:
            record.replies.append((event.code, "\n".join(event.lines)))

    def _take_connected(self, event: Connected) -> None:
        self._sessions[event.session] = SessionRecord(event.session, event.peer, event.at)

    def _take_encrypted(self, event: Encrypted) -> None:
        if event.where == "control":
            session = self._sessions[event.session]
            session.tls, session.cleared_at = event, None
        else:
            self._transfers[event.to].tls = event

    def _take_cleared(self, event: Cleared) -> None:
        self._sessions[event.session].cleared_at = event.seq

    def _take_logged_in(self, event: LoggedIn) -> None:
        self._sessions[event.session].user = event.user

    def _take_opened(self, event: DataOpened) -> None:
        record = TransferRecord(
            event.session,
            event.verb,
            event.direction,
            event.path,
            event.mode,
            event.offset,
            event.transfer_type,
            event.at,
        )
        self._transfers[event.to] = record
        if event.to in self._commands:
            self._commands[event.to].transfer = record

    def _take_moved(self, event: DataMoved) -> None:
        self._transfers[event.to].octets += event.octets
        self._retention.hash_some()

    def _take_closed(self, event: DataClosed) -> None:
        record = self._transfers[event.to]
        record._payload, record.error = event.payload, event.error
        record.completed = event.completed  # last: who reads that it is over reads the rest
        self._retention.keep(event.payload)

    def _take_fault(self, event: FaultApplied) -> None:
        if event.to in self._commands:
            self._commands[event.to].faults.append(event.fault)

    def _take_silenced(self, event: Silenced) -> None:
        if event.to in self._commands:
            self._commands[event.to].silent = True

    def _take_failure(self, event: HandlerFailed) -> None:
        self._failures.append(event)

    def _take_disconnected(self, event: Disconnected) -> None:
        session = self._sessions[event.session]
        session.reason, session.closed_at = event.reason, event.at

    # What tests read.

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Read, or change, what belongs together while no event comes in."""
        self._origin.check()
        with self._lock:
            yield

    @property
    def commands(self) -> list[CommandRecord]:
        """All commands in the order in which they were handled; live records in a new list."""
        with self._at_rest():
            return list(self._commands.values())

    @property
    def transfers(self) -> list[TransferRecord]:
        """All data connections that were used, in the order in which they opened."""
        with self._at_rest():
            return list(self._transfers.values())

    @property
    def sessions(self) -> list[SessionRecord]:
        """All control connections, in the order in which they were accepted."""
        with self._at_rest():
            return list(self._sessions.values())

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        with self._at_rest():
            return list(self._events)

    @property
    def failures(self) -> list[HandlerFailed]:
        """What handlers raised and nobody foresaw."""
        with self._at_rest():
            return list(self._failures)

    def take_failures(self) -> list[HandlerFailed]:
        """The failures, which are then forgotten."""
        with self._at_rest():
            taken, self._failures = self._failures, []
        return taken

    def clear(self) -> None:
        """Forget everything but the sessions that live; for tests that share a server."""
        with self._at_rest():
            self._events, self._commands, self._failures = [], {}, []
            self._sessions = {number: one for number, one in self._sessions.items() if one.closed_at is None}
            self._transfers = {number: one for number, one in self._transfers.items() if one.completed is None}
            self._retention.clear()

    # Assertions.

    def find(self, pattern: str, session: int | None = None) -> list[CommandRecord]:
        """The commands that match, in order; perhaps none."""
        wanted = Pattern.parse(pattern)
        return [record for record in self._of(session) if wanted.matches(record)]

    def assert_sent(self, pattern: str, *, times: int | None = None, session: int | None = None) -> CommandRecord:
        """Assert that a command was sent.

        Args:
            pattern: Such as ``"STOR /in/*.csv -> 226"``; see `ftpfixture.matching`.
            times: How often exactly; None for at least once.
            session: Number of the only session that counts; None for all.

        Returns:
            The first match (with ``times=0`` there is none to return, so use `assert_not_sent`).

        Raises:
            AssertionError: It was not; the text shows the nearest command and the whole dialogue.
        """
        __tracebackhide__ = True
        if times is not None and times < 1:
            raise ValueError("times must be 1 or more: use assert_not_sent(...)")
        found = self.find(pattern, session)
        if len(found) == (times if times is not None else max(1, len(found))):
            return found[0]
        expected = "at least once" if times is None else _times(times)
        raise AssertionError(self._missed(pattern, f"expected {expected}, seen {_times(len(found))}", session))

    def assert_not_sent(self, pattern: str, *, session: int | None = None) -> None:
        """Assert that no command matches.

        Raises:
            AssertionError: One does.
        """
        __tracebackhide__ = True
        found = self.find(pattern, session)
        if found:
            raise AssertionError(
                f"{Pattern.parse(pattern)} was sent {_times(len(found))}, expected never; first as\n"
                f"    {found[0]} in session {found[0].session}\n\n{self.transcript()}"
            )

    def assert_sequence(self, *patterns: str, session: int | None = None) -> list[CommandRecord]:
        """Assert that commands were sent in this order; others may stand between them.

        Returns:
            The matches, one for each pattern.

        Raises:
            AssertionError: They were not; the text names the first that is missing.
        """
        __tracebackhide__ = True
        rest = iter(self._of(session))
        found: list[CommandRecord] = []
        for pattern in patterns:
            wanted = Pattern.parse(pattern)
            match = next((record for record in rest if wanted.matches(record)), None)
            if match is None:
                place = f"missing after {found[-1]}" if found else "not sent"
                raise AssertionError(self._missed(pattern, f"expected as number {len(found) + 1}, {place}", session))
            found.append(match)
        return found

    def assert_encrypted(self, *, session: int | None = None) -> None:
        """Assert that no name and no password went over a control connection in clear, and no octet of data.

        Args:
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: Something did, or nothing was said at all; the text names the first.
        """
        __tracebackhide__ = True
        secrets = [record for record in self._of(session) if record.verb in ("USER", "PASS", "ACCT")]
        naked = [f"{record} in session {record.session}" for record in secrets if not record.encrypted]
        naked += [
            f"the {record.direction} of {record.path} in session {record.session}"
            for record in self.transfers
            if session in (None, record.session) and record.tls is None
        ]
        if naked:
            raise AssertionError(f"not encrypted: {naked[0]}\n\n{self.transcript()}")
        if not secrets:
            raise AssertionError(f"nobody has logged in, so nothing was encrypted\n\n{self.transcript()}")

    def wait_for(
        self, wanted: str | Callable[[Event], bool], *, timeout: float = 5, times: int = 1, session: int | None = None
    ) -> Any:
        """Wait until something has happened, without polling; what happened before the call counts too.

        Args:
            wanted: A pattern, or a function that says of an event whether it is the one.
            timeout: Seconds.
            times: How many there must be.
            session: For patterns: number of the only session that counts.

        Returns:
            The last of them: a CommandRecord, or the event.

        Raises:
            AssertionError: It did not happen in time.
        """
        __tracebackhide__ = True

        def look() -> list[Any]:
            if callable(wanted):
                return [event for event in self.events if wanted(event)]
            return list(self.find(wanted, session))

        found: list[Any] = []

        def enough() -> bool:
            found[:] = look()  # kept: another thread may clear the log before it is looked at again
            return len(found) >= times

        if not self.wait_until(enough, timeout):
            seen = f"not seen within {timeout:g} s (wanted {_times(times)}, seen {_times(len(found))})"
            if callable(wanted):
                raise AssertionError(f"the event was {seen}\n\n{self.transcript()}")
            raise AssertionError(self._missed(wanted, seen, session))
        return found[times - 1]

    def wait_idle(self, timeout: float = 5) -> None:
        """Wait until every command of a live session is answered, or is not going to be, and no transfer runs.

        Raises:
            AssertionError: It takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        busy: list[str] = []

        def idle() -> bool:
            busy[:] = self._busy()
            return not busy

        if not self.wait_until(idle, timeout):
            raise AssertionError(f"still busy after {timeout:g} s with {', '.join(busy)}\n\n{self.transcript()}")

    @property
    def is_busy(self) -> bool:
        """Whether a command of a live session waits for its answer, or a transfer runs."""
        return bool(self._busy())

    def _busy(self) -> list[str]:
        def runs(record: CommandRecord) -> bool:
            session = self._sessions.get(record.session)
            transfer = record.transfer
            unanswered = not record.code and not record.silent and session is not None and session.closed_at is None
            return unanswered or (transfer is not None and transfer.completed is None)

        with self._at_rest():
            # A transfer outlives `clear`, its command does not.
            orphans = [record for number, record in self._transfers.items() if number not in self._commands]
            return [
                *(str(record) for record in self._commands.values() if runs(record)),
                *(f"{record.verb} of {record.path}" for record in orphans if record.completed is None),
            ]

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until `holds` is true, looking once at first and then after each event; False when time is up."""
        self._origin.check()
        deadline = monotonic() + timeout
        with self._changed:
            self._waiting += 1
        try:
            while True:
                seen = self._seen
                if holds():  # outside of the lock: it may ask the server, whose thread may be about to tell of an event
                    return True
                left = deadline - monotonic()
                with self._changed:
                    if not (self._changed.wait(left) if self._seen == seen else left > 0):
                        break
            return holds()
        finally:
            with self._changed:
                self._waiting -= 1

    def _of(self, session: int | None) -> list[CommandRecord]:
        return [record for record in self.commands if session is None or record.session == session]

    def _missed(self, pattern: str, what: str, session: int | None) -> str:
        wanted = Pattern.parse(pattern)
        lines = [f"{wanted}: {what}"]
        near = nearest(wanted, (record for record in self._of(session) if not wanted.matches(record)))
        if isinstance(near, CommandRecord):
            lines.append(f"nearest: {near} (session {near.session}): {wanted.difference(near)}")
        else:
            lines.append("no other command was sent")
        return "\n".join(lines) + f"\n\n{self.transcript()}"

    # The dialogue as text.

    def transcript(self, session: int | None = None) -> str:
        """The dialogue of all sessions, or of one, for people; passwords are starred."""
        with self._at_rest():
            numbers = [number for number in sorted(self._sessions) if session in (None, number)]
            events = list(self._events)
        return render(events, numbers)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
