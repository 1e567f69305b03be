"""The dialogue in a file: saved as a recording, and compared with one.

One rule: a file has the whole dialogue. When the log does not have all of it any more, nothing is written or compared.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ftpfixture.errors import ServerStateError
from ftpfixture.log.events import Connected, DataClosed, DataMoved, Event
from ftpfixture.log.failures import failure
from ftpfixture.log.payload import Payload
from ftpfixture.log.record_lines import some
from ftpfixture.log.retention import CONTENT_LIMIT
from ftpfixture.log.view import LogView

__all__ = ["Keeper", "Keeping"]

_RECORD = "put the part of the test that is about it into `with server.record(path):`"


class Keeper(Protocol):
    """Makes recordings of events: the rooms above have their format."""

    def save(self, events: Sequence[Event], path: str | os.PathLike[str], redact: Mapping[str, str]) -> None:
        """Write a recording of whole sessions."""

    def differences(
        self, events: Sequence[Event], path: str | os.PathLike[str], redact: Mapping[str, str]
    ) -> list[str]:
        """One sentence for each difference from a recording; raises FileNotFoundError when there is none."""


class Keeping(LogView):
    """The methods of a log for recordings."""

    _keeper: Keeper | None

    @abstractmethod
    def wait_idle(self, timeout: float = 5) -> None:
        """Wait until no command and no transfer runs."""

    @property
    @abstractmethod
    def is_whole(self) -> bool:
        """Whether the log has all events since it was made or cleared."""

    def save(self, path: str | os.PathLike[str], *, redact: Mapping[str, str] | None = None) -> None:
        """Write the dialogue of all sessions as a recording, which `assert_matches` and ``FtpServer(recording=)`` take.

        Passwords, accounts, logins, addresses and ports are placeholders. Sessions that are open end there.

        Args:
            path: Path of the file, such as ``feed.ftp.jsonl``.
            redact: More secrets, by the names of their placeholders.

        Raises:
            ConfigurationError: A name of `redact` is invalid.
            RecordingError: A password is in a file that was transferred; nothing is written.
            ServerStateError: The log does not have the whole dialogue, or no client connected; nothing is written.
            AssertionError: A command or a transfer runs for more than five seconds; likewise.
        """
        __tracebackhide__ = True
        keeper, events = self._dialogue("log.save")
        if not self.sessions:
            raise ServerStateError(
                "log.save has nothing to write: no client connected since the log was made or cleared"
            )
        keeper.save(events, path, redact or {})

    def assert_matches(self, path: str | os.PathLike[str], *, redact: Mapping[str, str] | None = None) -> None:
        """Assert that the dialogue of all sessions is that of a recording: commands, replies, data, and their order.

        What is different in each run does not count: addresses, ports, passwords, recent dates, the version of TLS.
        ``pytest --ftp-update`` writes the file from the dialogue.

        Args:
            path: Path of the recording; a relative one begins at the folder of the test, and without pytest at the
                current one.
            redact: The secrets that the recording was made with, by the names of their placeholders.

        Raises:
            ConfigurationError: A name of `redact` is invalid.
            AssertionError: They differ, the file is not there, or no client connected; the text has each difference.
            RecordingError: The file is damaged.
            ServerStateError: The log does not have the whole dialogue.
        """
        __tracebackhide__ = True
        keeper, events = self._dialogue("log.assert_matches")
        if not self.sessions:
            raise AssertionError(failure(f"expected the dialogue of {path}, and no client connected", [], self))
        try:
            found = keeper.differences(events, path, redact or {})
        except FileNotFoundError as error:
            text = f"{error.filename} is not there: 'pytest --ftp-update' writes it from this dialogue"
            raise AssertionError(failure(text, [], self)) from None
        if found:
            headline = f"the dialogue is not that of {path}; differences: {len(found)}"
            remedy = "when the new dialogue is right, 'pytest --ftp-update' writes it"
            raise AssertionError(failure(headline, [*some(found), remedy], self))

    def _dialogue(self, call: str) -> tuple[Keeper, list[Event]]:
        """What makes recordings, and all events, with contents that the log cannot release."""
        if self._keeper is None:
            raise ServerStateError(f"{call} is for the log of an FtpServer: this log belongs to no server")
        self.wait_idle()
        events = self.events
        begun = {event.session for event in events if isinstance(event, Connected)}
        if not self.is_whole:
            raise ServerStateError(f"{call} needs the whole dialogue, and log_limit has cut it: {_RECORD}")
        cut = [session.number for session in self.sessions if session.number not in begun]
        if cut:
            raise ServerStateError(
                f"{call} needs whole sessions, and log.clear() has cut session {cut[0]}: clear the log before a client "
                f"connects, or {_RECORD}"
            )
        # The whole content comes with the end of a transfer; the log may release its pieces meanwhile.
        kept = [event for event in events if not isinstance(event, DataMoved)]
        return self._keeper, [_held(event, call) if isinstance(event, DataClosed) else event for event in kept]


def _held(event: DataClosed, call: str) -> DataClosed:
    content = event.payload.content()
    if content is None and event.payload.size:
        raise ServerStateError(
            f"{call} needs the contents of all transfers, and the log has released {event.payload.size} bytes, because "
            f"it keeps {CONTENT_LIMIT} bytes at most: {_RECORD}"
        )
    payload = Payload()
    payload.add(content or b"")
    return replace(event, payload=payload)
