"""What assertions read: the records of a log, and the dialogue as text.

One rule: nothing here changes the log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from ftpfixture.errors import ConfigurationError, ServerStateError
from ftpfixture.log.events import Event
from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.wire.matching import Pattern

__all__ = ["LogView"]


class LogView(ABC):
    """The records of a log."""

    @property
    @abstractmethod
    def commands(self) -> list[CommandRecord]:
        """All commands in the order in which they were handled."""

    @property
    @abstractmethod
    def transfers(self) -> list[TransferRecord]:
        """All data connections that were used."""

    @property
    @abstractmethod
    def sessions(self) -> list[SessionRecord]:
        """All control connections, in the order in which they were accepted."""

    @property
    @abstractmethod
    def events(self) -> list[Event]:
        """All events, in order."""

    @abstractmethod
    def transcript(self, session: int | None = None) -> str:
        """The dialogue of all sessions, or of one."""

    @abstractmethod
    def dialogue(self, around: Collection[int] = ()) -> str:
        """The folded dialogue, with the surroundings of the commands of these `seq`."""

    @abstractmethod
    def find(self, pattern: str | Pattern, session: int | None = None) -> list[CommandRecord]:
        """The commands that match, in order; perhaps none."""

    @abstractmethod
    def server_time(self, time: float) -> float:
        """Return the time of the server's clock, in seconds since an arbitrary start, at the `time` of an event."""

    @property
    @abstractmethod
    def forgotten(self) -> int:
        """How many commands were forgotten because of the limit of the log."""

    def need_all(self, call: str) -> None:
        """Make sure that nothing is forgotten, for an assertion about all commands.

        Raises:
            ServerStateError: Commands were forgotten: the assertion could pass although one of them contradicts it.
        """
        if self.forgotten:
            raise ServerStateError(
                f"{call} looks at all commands, and the log has forgotten {self.forgotten} of them: give the server a "
                "larger log_limit, or call log.clear() before the part of the test that is asserted on"
            )

    def sessions_of(self, session: int | None) -> list[SessionRecord]:
        """Return the session of this number, or all for None.

        Raises:
            ConfigurationError: No session has this number; the text lists those that exist.
        """
        known = self.sessions
        chosen = [record for record in known if session in (None, record.number)]
        if session is not None and not chosen:
            there = ", ".join(str(record.number) for record in known) or "none: no client connected"
            raise ConfigurationError(f"there is no session {session!r}; the log has: {there}")
        return chosen
