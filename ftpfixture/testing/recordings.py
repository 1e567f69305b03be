"""The hooks of pytest for `ftp_recording`: the marker, the end of each test, and the summary of the run.

One rule: what a run has written, removed or found to be different is in its summary, under pytest-xdist too.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ftpfixture.errors import ConfigurationError, FtpFixtureError
from ftpfixture.testing.marker import has_other_server, settings_of
from ftpfixture.testing.recordedfiles import RecordedFiles, is_full, remove
from ftpfixture.testing.recordedtest import RecordedTest
from ftpfixture.testing.recordmarker import FIXTURE, MARKER, marker_of, place_of
from ftpfixture.testing.recordmodes import RECORD, add_option, read_mode
from ftpfixture.testing.settings import FtpServerSettings

__all__ = ["recorded_test"]

_TEST = pytest.StashKey[RecordedTest]()
_FILES = pytest.StashKey[RecordedFiles]()
_SENT = "ftp_recordings"
_WRITTEN = "ftp_recording_written"
_DRIFT = "ftp_recording_drift"
_WIDTH = 60  # characters of a column of the table


@contextmanager
def recorded_test(item: pytest.Item, config: FtpServerSettings) -> Iterator[tuple[RecordedTest, FtpServerSettings]]:
    """Begin a test with the fixture, and yield it with the settings of its server.

    Raises:
        ConfigurationError: Something of the test does not go with a recording, or there is nothing to play or record.
    """
    if "ftp_users" in getattr(item, "fixturenames", ()):
        raise ConfigurationError("the recording has the replies to logins, and takes no scripts: leave out ftp_users")
    marker, files = marker_of(item), item.config.stash[_FILES]
    place = place_of(item, marker.path)
    files.add(place, item.nodeid)
    test = RecordedTest(marker, place, item.config.stash[RECORD], files.others(place, item.nodeid))
    settings = test.settings(config)
    own: FtpServerSettings = {} if has_other_server(item) else settings_of(item, None)
    item.stash[_TEST] = test
    if test.network is None:
        yield test, {**settings, **own}
    else:
        with test.network.active():
            yield test, {**settings, **own}


# The run.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for recordings."""
    add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the option, and make the marker known."""
    config.addinivalue_line("markers", MARKER)
    config.stash[RECORD] = read_mode(config)
    config.stash[_FILES] = RecordedFiles()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the recordings of all tests, before some are deselected."""
    config.stash[_FILES].collected(items)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Take the modules whose tests are not known, because they cannot be imported or skip themselves."""
    report = yield
    if report.outcome != "passed":
        collector.config.stash[_FILES].in_part(collector.path)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist has collected; one that crashed has sent nothing."""
    sent = getattr(node, "workeroutput", {}).get(_SENT)
    if sent is not None:
        node.config.stash[_FILES].received(sent)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find stale recordings after a full run, and remove them where that was asked for."""
    config = session.config
    files = config.stash[_FILES]
    if hasattr(config, "workeroutput"):
        config.workeroutput[_SENT] = files.sent()
        return
    if is_full(config, exitstatus):
        files.look()
        if config.stash[RECORD].name == "rewrite" and exitstatus == pytest.ExitCode.OK:
            for place in files.stale:
                remove(place)
            files.stale, files.removed = [], files.stale


# A test.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose marker reached no server, or that tried to reach another machine."""
    __tracebackhide__ = True
    test = item.stash.get(_TEST, None)
    if test is None and any(marker.name == FIXTURE for marker in item.own_markers):
        _fail(f"the marker {FIXTURE} reached no server: make {FIXTURE} an argument of the test")
    result = yield
    if test is not None and test.network is not None and test.network.refused:
        _fail(test.network.text(test.network.refused[0]))
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Write or compare the recording after all fixtures have ended."""
    __tracebackhide__ = True
    result = yield
    test = item.stash.get(_TEST, None)
    if test is not None:
        try:
            test.finish()
        except (FtpFixtureError, OSError) as error:
            _fail(f"{FIXTURE} of {item.nodeid}: {error}")
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take whether the test passed; add to its last report what became of its recording."""
    report = yield
    test = item.stash.get(_TEST, None)
    if test is None:
        return report
    if call.when == "call":
        test.passed, test.failed = report.passed, test.failed or report.failed
    elif call.when == "teardown":
        place = os.path.relpath(test.place, item.config.rootpath)
        if test.written:
            report.user_properties.append((_WRITTEN, place))
        for one in test.drift:
            report.user_properties.append((_DRIFT, [place, str(one.line or ""), one.what, one.expected, one.seen]))
        test.close()
        del item.stash[_TEST]
    return report


def _fail(text: str) -> None:
    __tracebackhide__ = True
    raise pytest.fail.Exception(text, pytrace=False)


# The summary.


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show recordings that were written, are stale, or are not what the real server does now."""
    files = terminalreporter.config.stash[_FILES]
    written = [f"recorded: {place}" for place in sorted(map(str, _properties(terminalreporter, _WRITTEN)))]
    removed = [f"removed: {_shown(terminalreporter, place)}" for place in files.removed]
    stale = [f"stale: {_shown(terminalreporter, place)}" for place in files.stale]
    if stale:
        stale.append("no test has the stale recordings: remove them, as --ftp-record=rewrite does")
    if lines := [*written, *removed, *stale]:
        terminalreporter.section("FTP recordings")
        for line in lines:
            terminalreporter.write_line(line)
    if rows := _properties(terminalreporter, _DRIFT):
        terminalreporter.section("FTP servers that differ from their recordings")
        for line in _table([("recording", "line", "what", "recorded", "now"), *rows]):
            terminalreporter.write_line(line)


def _properties(reporter: pytest.TerminalReporter, name: str) -> list[Any]:
    reports = (one for some in reporter.stats.values() for one in some if isinstance(one, pytest.TestReport))
    return [value for one in reports for key, value in one.user_properties if key == name]


def _shown(reporter: pytest.TerminalReporter, place: Path) -> str:
    return os.path.relpath(place, reporter.config.rootpath)


def _table(rows: list[Any]) -> list[str]:
    """Rows as lines with columns of equal width; a long value is cut."""
    cut = [[text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..." for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cut]
