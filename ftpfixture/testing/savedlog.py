"""Recordings of the log of a server, for `CommandLog.save` and `CommandLog.assert_matches`.

One rule: they are made as `FtpServer.record` makes them.

A server that saves nothing imports nothing of `ftpfixture.recording`, nor msgspec, nor pytest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ftpfixture.log.events import Event
from ftpfixture.server import Server
from ftpfixture.testing.recording import recorder_of, recording_of

if TYPE_CHECKING:
    from ftpfixture.recording.redact import Secrets
    from ftpfixture.recording.store import Recording

__all__ = ["LogKeeper"]


class LogKeeper:
    """Makes recordings of the events of a server.

    Args:
        server: The server inside.
        clock: The current time of the server that writes listings.

    Attributes:
        server: As given; a reset changes it.
    """

    def __init__(self, server: Server, clock: Callable[[], float]) -> None:
        self.server = server
        self._clock = clock
        self._began = clock()

    def _recorded(self, events: Sequence[Event], redact: Mapping[str, str]) -> tuple[Recording, Secrets]:
        recorder = recorder_of(self.server, self._clock, redact=redact, began=self._began)
        for event in events:
            recorder(event)
        return recording_of(self.server, recorder), recorder.secrets

    def save(self, events: Sequence[Event], path: str | os.PathLike[str], redact: Mapping[str, str]) -> None:
        """Write a recording of whole sessions.

        Raises:
            RecordingError: A secret would be in it; nothing is written.
        """
        from ftpfixture.recording.store import save

        recording, secrets = self._recorded(events, redact)
        save(path, recording, secrets)

    def differences(
        self, events: Sequence[Event], path: str | os.PathLike[str], redact: Mapping[str, str]
    ) -> list[str]:
        """One sentence for each difference from a recording; with ``--ftp-update`` it is written instead.

        Raises:
            FileNotFoundError: There is no such recording.
            RecordingError: It is damaged.
        """
        from ftpfixture.recording.compare import compare
        from ftpfixture.recording.store import load
        from ftpfixture.testing.golden import running

        (recording, secrets), golden = self._recorded(events, redact), running()
        place = Path(path) if golden is None else golden.folder / path
        if golden is not None and golden.updates:
            golden.write(place, recording, secrets)
            return []
        return [str(difference) for difference in compare(load(place), recording)]
