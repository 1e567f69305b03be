"""A test with `ftp_recording`: what its server is in each mode, and what becomes of the dialogue that was recorded.

One rule: a file changes only when the test, its fixtures and its server have ended without a failure.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from ftpfixture.driver import REAL_TIME
from ftpfixture.errors import ConfigurationError, RecordingError, ReplayError
from ftpfixture.faults.trigger import counted
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.loopbackonly import LoopbackOnly
from ftpfixture.testing.recording import clock_of_listings, recorder_of, recording_of, subscribed
from ftpfixture.testing.recordmarker import RecordingMarker
from ftpfixture.testing.recordmodes import Mode
from ftpfixture.testing.settings import FtpServerSettings
from ftpfixture.wire.timestamps import local_time

if TYPE_CHECKING:
    from ftpfixture.recording.compare import Difference
    from ftpfixture.recording.redact import Secrets
    from ftpfixture.recording.spool import Spool
    from ftpfixture.recording.store import Recording

__all__ = ["RecordedTest"]

_FROM_CONFIG = ("host", "allow_remote", "clock", "faults", "hang_after", "log_limit", "strict", "loose")
"""Settings of `ftp_config` that do not change what a server replies: a recording, or a real server, has the rest."""

_MOST = 20  # differences in a failure; the summary has all


class RecordedTest:
    """A test with the fixture `ftp_recording`.

    Args:
        marker: Its values.
        place: Path of its recording.
        mode: Of the run.
        others: The tests that have the same recording.

    Attributes:
        passed: Whether the test function has passed.
        failed: Whether a part of it has failed.
        drift: How the real server differs from the recording.
        written: Whether the recording was written.
        network: Where the test may connect.
    """

    def __init__(self, marker: RecordingMarker, place: Path, mode: Mode, others: Collection[str] = ()) -> None:
        self.place = place
        self.passed = False
        self.failed = False
        self.drift: list[Difference] = []
        self.written = False
        self.network = LoopbackOnly(place) if not (mode.connects or marker.allow_network) else None
        self._marker = marker
        self._mode = mode
        self._others = others
        self._records = False
        self._server: FtpServer | None = None
        self._spool: Spool | None = None
        self._made: tuple[Recording, Secrets] | None = None

    # The server.

    def settings(self, config: FtpServerSettings) -> FtpServerSettings:
        """The settings of the server.

        Args:
            config: Those of `ftp_config`, of which it takes what does not change replies.

        Raises:
            ConfigurationError: There is nothing to play, and nothing may be or can be recorded; the text says what to
                set.
        """
        common: Mapping[str, Any] = {name: config[name] for name in _FROM_CONFIG if name in config}  # type: ignore[literal-required]
        chosen = self._played() if self._mode.plays and self.place.is_file() else self._live()
        self._records = "upstream" in chosen and (self._mode.keeps or self._mode.name == "verify")
        if self._records and self._mode.keeps:
            self._check_alone()
        return cast(FtpServerSettings, {**common, "simulate": False, **chosen})

    def _played(self) -> dict[str, Any]:
        marker = self._marker
        settings: dict[str, Any] = {
            "recording": self.place,
            "compare_uploads": marker.compare_uploads,
            "allow_unplayed": marker.allow_unplayed,
        }
        if marker.tls is not None:
            settings["tls"] = "explicit" if marker.tls == "required" else marker.tls  # a recording has the refusals
        if self._mode.goes_on and marker.upstream is not None:
            settings["upstream"] = marker.upstream
        return settings

    def _live(self) -> dict[str, Any]:
        name, upstream = self._mode.name, self._marker.upstream
        if not self._mode.connects:
            raise ConfigurationError(
                f"there is no recording {self.place}, and --ftp-record={name}, which is the default where CI is set, "
                "makes none: run the test with --ftp-record=once where the real server can be reached, and commit the "
                "file"
            )
        if name == "verify" and not self.place.is_file():
            raise ConfigurationError(
                f"--ftp-record=verify has no recording {self.place} to compare with: make it with --ftp-record=once"
            )
        if upstream is None:
            missing = f"there is no recording {self.place}" if self._mode.plays else f"--ftp-record={name} records"
            raise ConfigurationError(
                f"{missing}, and the real server is not known: give the marker ftp_recording upstream="
                "'ftp://user:password@HOST', or, when it has upstream=os.environ.get(...), set that variable of the "
                "environment"
            )
        return {"upstream": upstream, "tls": self._marker.tls}

    def _check_alone(self) -> None:
        """Refuse to record a file that belongs to several tests: each would replace what the other has recorded.

        Raises:
            ConfigurationError: It does.
        """
        if self._others:
            raise ConfigurationError(
                f"{self.place} is the recording of {' and '.join(sorted(self._others))}, too: several tests can play "
                "one recording, but none of them can record it; give each its own path=, or leave out path="
            )

    @contextmanager
    def recording(self, server: FtpServer) -> Iterator[None]:
        """Record the sessions of the server, if this mode does."""
        self._server = server
        self._check_age(server)
        if not self._records:
            yield
            return
        inside, marker = server.server, self._marker
        clock, path = clock_of_listings(inside), self.place if self._mode.keeps else None
        recorder = recorder_of(inside, clock, redact=marker.secrets, loose=marker.loose, path=path)
        self._spool = recorder.spool
        with subscribed(inside, server.driver, recorder):
            yield
        self._made = recording_of(inside, recorder), recorder.secrets

    def _check_age(self, server: FtpServer) -> None:
        """Warn when the server plays an old recording."""
        from ftpfixture.recording.replay import ReplayServer

        most = self._marker.max_age
        if most is None or not isinstance(server.server, ReplayServer):
            return
        day = server.server.tape.recording.header.on
        age = None if day is None else (_today() - day).days
        if age is None or age > most:
            known = "has no day" if age is None else f"is {counted(age, 'day')} old"
            text = f"{self.place} {known}, and max_age is {most}d: record it again with --ftp-record=all"
            warnings.warn(pytest.PytestWarning(text), stacklevel=2)

    # The end.

    def finish(self) -> None:
        """Write the recording, or compare it, after a test without a failure.

        Raises:
            RecordingError: It must not be written: nothing was recorded, or not the real server alone, or a secret is
                in it.
            ReplayError: The real server differs from the recording.
            OSError: The file cannot be written.
        """
        from ftpfixture.recording.store import save  # a run without recordings imports no msgspec

        if self._made is None or not self.passed or self.failed:
            return
        recording, secrets = self._made
        self._check_content(recording)
        if self._mode.name == "verify":
            self._compare(recording)
        elif (whole := self._with_unplayed(recording)) is not None:
            dated = whole if self._marker.max_age is None else whole.with_date(_today())
            save(self.place, dated, secrets)
            self.written = True

    def close(self) -> None:
        """Give back what was recorded."""
        self._made = None
        if self._spool is not None:
            self._spool.close()

    def _check_content(self, recording: Recording) -> None:
        assert self._server is not None
        if not recording.lines:
            text = "no client connected to ftp_recording, so that there is nothing to record"
            raise RecordingError(self.place, 0, text)
        if fired := self._server.faults.fired:
            raise RecordingError(
                self.place,
                0,
                f"nothing was written: {counted(len(fired), 'fault')} changed what the real server had sent, and when "
                f"the recording is played they would change it a second time ({fired[0]}): record without faults",
            )

    def _with_unplayed(self, recording: Recording) -> Recording | None:
        """The recording to write: in the mode "new" with the sessions that no client has begun; None for none."""
        from ftpfixture.recording.merging import with_sessions
        from ftpfixture.recording.spy import Spy

        assert self._server is not None
        server = self._server.server
        if not isinstance(server, Spy):
            return recording
        if not server.live:
            return None  # all that was said is in the file
        return with_sessions(recording, server.tape.recording, server.tape.unplayed_sessions())

    def _compare(self, recording: Recording) -> None:
        from ftpfixture.recording.compare import compare
        from ftpfixture.recording.store import load

        self.drift = compare(load(self.place), recording, strict=False)
        if self.drift:
            lines = [str(difference) for difference in self.drift[:_MOST]]
            more = [f"... and {len(self.drift) - _MOST} more"] if len(self.drift) > _MOST else []
            raise ReplayError(
                "\n".join(
                    [
                        f"the real server is not as in {os.path.relpath(self.place)}:",
                        *lines,
                        *more,
                        "when the client works with it as it is now, --ftp-record=all records it",
                    ]
                )
            )


def _today() -> date:
    """The day in UTC, by which all machines count."""
    return local_time(REAL_TIME.wall(), UTC).date()
