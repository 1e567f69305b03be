"""What a simulation has proved: that a client of a server waits, or repeats something, for ever.

One rule: the log and the report name the command at which the client waits.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ftpfixture.driver import Driver
from ftpfixture.log import CommandLog
from ftpfixture.log.events import ClientHung, CommandReceived, DataOpened, Event, Hub
from ftpfixture.net.hangs import Hangs
from ftpfixture.net.transport import Address

if TYPE_CHECKING:
    from ftpfixture.log.records import SessionRecord

__all__ = ["HangWatch"]


class HangWatch:
    """Records the hung clients of one server, if its driver can prove that they hang.

    Args:
        driver: Of the server.
        log: Of the server.
        hangs: Where hung clients are recorded.
        hub: Of the server.
    """

    def __init__(self, driver: Driver, log: CommandLog, hangs: Hangs, hub: Hub) -> None:
        self._callbacks: list[Any] | None = getattr(driver, "on_hang", None)
        self._endless: Any = getattr(driver, "endless", None)
        self._log = log
        self._hangs = hangs
        self._hub = hub

    def begin(self) -> None:
        """Begin to watch."""
        if self._callbacks is not None:
            self._callbacks.append(self._hung)
        if self._endless is not None:
            self.restart()
            self._endless.on_found.append(self._repeats)
            self._hub.subscribe(self._on_event)

    def restart(self) -> None:
        """Count again from now on what clients repeat."""
        if self._endless is not None:
            self._endless.restart()

    def end(self) -> None:
        """Watch no more."""
        if self._callbacks is not None and self._hung in self._callbacks:
            self._callbacks.remove(self._hung)
        if self._endless is not None and self._repeats in self._endless.on_found:
            self._endless.on_found.remove(self._repeats)
            self._hub.unsubscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        if type(event) is CommandReceived:
            self._endless.sends(event.verb, event.argument)

    def _repeats(self, what: str, count: int) -> None:
        """Record that a client repeats something for ever."""
        session = self._latest_session()
        if session is not None:
            self._record(session, (0, what), count)

    def _hung(self, end: Address | None) -> None:
        """Record that a client waits for ever at this end of a connection, or, for None, anywhere."""
        session = self._latest_session() if end is None else self._session(end)
        if session is None:
            return
        latest = next((one for one in reversed(self._log.commands) if one.session == session.number), None)
        command = (0, "the greeting") if latest is None else (latest.seq, str(latest).partition(" ->")[0])
        self._record(session, command)

    def _record(self, session: SessionRecord, command: tuple[int, str], repeats: int = 0) -> None:
        event = ClientHung(*self._hub.stamp(session.number), *command, inf, repeats)
        self._hangs.found.append(event)
        self._hub.emit(event)

    def _latest_session(self) -> SessionRecord | None:
        """The open session with the latest command."""
        sessions = {session.number: session for session in self._log.sessions if session.closed_at is None}
        numbers = (command.session for command in reversed(self._log.commands) if command.session in sessions)
        latest = next(numbers, None)
        return next(reversed(sessions.values()), None) if latest is None else sessions[latest]

    def _session(self, end: Address) -> SessionRecord | None:
        """The session of a control connection, or of a data connection."""
        sessions = {session.number: session for session in self._log.sessions if session.closed_at is None}
        for session in sessions.values():
            if session.peer == end:
                return session
        numbers = [event.session for event in self._log.events if isinstance(event, DataOpened) and event.peer == end]
        return sessions.get(numbers[-1]) if numbers else None
