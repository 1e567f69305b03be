"""``--ftp-update``: recordings that tests compare dialogues with are written from the dialogues of this run.

One rule: a file is written when the test that compares it has passed its phase, and the summary has each such file.

`ftpfixture.log.keeping` compares; what it compares with is decided here, for the test that runs.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ftpfixture.errors import FtpFixtureError, RecordingError
from ftpfixture.faults.trigger import counted

if TYPE_CHECKING:
    from ftpfixture.recording.redact import Secrets
    from ftpfixture.recording.store import Recording

__all__ = ["Golden", "running"]

_PROPERTY = "ftp_update"
_SHOWN = 5  # differences of a file in the summary


@dataclass(frozen=True, slots=True)
class _Update:
    place: Path
    recording: Recording
    secrets: Secrets


@dataclass(slots=True)
class Golden:
    """The files that a test compares with.

    Attributes:
        folder: Where relative paths begin.
        updates: Whether the files are written.
        written: Those of this run, with the test that has written each.
    """

    folder: Path
    updates: bool
    written: dict[Path, tuple[Recording, str]]
    _pending: list[_Update] = field(default_factory=list)

    def write(self, place: Path, recording: Recording, secrets: Secrets) -> None:
        """Write a file when the test has passed."""
        self._pending.append(_Update(place, recording, secrets))

    def finish(self, passed: bool, node: str) -> list[str]:
        """Write the files of a phase of the test, if it has passed.

        Args:
            passed: Whether it has.
            node: Name of the test.

        Returns:
            What was done, for the summary: one text for each file that was written.

        Raises:
            RecordingError: A secret would be in a file, or another test has written it.
            OSError: A file cannot be written.
        """
        pending, self._pending = self._pending, []
        return [text for update in pending if passed and (text := self._finish(update, node))]

    def _finish(self, update: _Update, node: str) -> str:
        from ftpfixture.recording.compare import compare  # a run without recordings imports no msgspec
        from ftpfixture.recording.store import load, save

        place, recording = update.place, update.recording
        first, by = self.written.setdefault(place, (recording, node))
        if compare(first, recording):
            text = f"{by} has written this file in the same run, with another dialogue: use a file for each test"
            raise RecordingError(place, 0, text)
        try:
            old = load(place)
        except FileNotFoundError:
            lines = ["written: it was not there"]
        except RecordingError as error:
            lines = ["rewritten: it was damaged", error.text]
        else:
            found = compare(old, recording)
            if not found:
                return ""
            lines = [f"rewritten: {counted(len(found), 'difference')}", *map(str, found[:_SHOWN])]
            recording = recording.with_loose(old.header.loose)
        save(place, recording, update.secrets)
        return "\n    ".join([f"{place}: {lines[0]}", *lines[1:]])


_RUNNING: list[Golden] = []


def running() -> Golden | None:
    """The files of the test that runs; None when pytest runs none."""
    return _RUNNING[-1] if _RUNNING else None


_WRITTEN = pytest.StashKey[dict[Path, "tuple[Recording, str]"]]()
_GOLDEN = pytest.StashKey[Golden]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes files."""
    text = "write the recordings of log.assert_matches(...) from the dialogues of this run, when the tests pass"
    parser.getgroup("ftp").addoption("--ftp-update", action="store_true", default=False, help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse the option in CI, where all such assertions would pass whatever the dialogue was."""
    config.stash[_WRITTEN] = {}
    if config.getoption("--ftp-update") and os.environ.get("CI"):
        raise pytest.UsageError(
            "--ftp-update writes the recordings that it should compare with, and CI is set: run it on your machine and "
            "commit the files, or unset CI for it"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Say which test runs."""
    golden = Golden(item.path.parent, item.config.getoption("--ftp-update"), item.config.stash[_WRITTEN])
    item.stash[_GOLDEN] = golden
    _RUNNING.append(golden)
    try:
        return (yield)
    finally:
        _RUNNING.remove(golden)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the files of a phase that has passed; pytest-xdist passes the texts on with the report."""
    report = yield
    try:
        done = item.stash[_GOLDEN].finish(report.passed, item.nodeid)
    except (FtpFixtureError, OSError) as error:
        report.outcome, report.longrepr = "failed", f"--ftp-update: {error}"
    else:
        report.user_properties += [(_PROPERTY, text) for text in done]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the files that were written."""
    if not terminalreporter.config.getoption("--ftp-update"):
        return
    reports = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    texts = {str(text) for one in reports for name, text in one.user_properties if name == _PROPERTY}
    terminalreporter.section("FTP recordings")
    for text in sorted(texts):
        terminalreporter.write_line(text)
    if not texts:
        terminalreporter.write_line("all recordings are as they were")
