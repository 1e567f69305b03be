"""`ftp_log.assert_matches` and the option --ftp-update: each test runs pytest on a small suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.test_fixtures import Run

SUITE = """
    @pytest.mark.parametrize("command", ["NOOP"])
    def test_it(ftp_server, ftp_log, command):
        talk(ftp_server, command)
        ftp_log.assert_matches("golden/feed.ftp.jsonl")
"""
CHANGED = SUITE.replace("NOOP", "SYST")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on a suite of one module, outside of CI, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CI", raising=False)
    return Run(pytester)


def _file(run: Run) -> Path:
    return run.pytester.path / "golden" / "feed.ftp.jsonl"


def test_a_file_is_written_on_request_and_compared_ever_after(run: Run) -> None:
    """A missing file and a changed dialogue fail with the remedy; the summary has each file that was written."""
    result = run(SUITE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*feed.ftp.jsonl is not there: 'pytest --ftp-update' writes it from this dialogue"])
    assert not _file(run).exists()

    result = run(SUITE, args=["--ftp-update"])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= FTP recordings =*", "*feed.ftp.jsonl: written: it was not there"])
    run(SUITE).assert_outcomes(passed=1)

    result = run(CHANGED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*AssertionError: the dialogue is not that of golden/feed.ftp.jsonl; differences: 1",
            "E*    session 1, line 8: command: expected NOOP; seen SYST",
            "E*when the new dialogue is right, 'pytest --ftp-update' writes it",
            "*FTP dialogue*",
        ]
    )

    result = run(CHANGED, args=["--ftp-update"])
    result.stdout.fnmatch_lines(
        [
            "*= FTP recordings =*",
            "*feed.ftp.jsonl: rewritten: 1 difference",
            "    session 1, line 8: command: expected NOOP; seen SYST",
        ]
    )
    run(CHANGED).assert_outcomes(passed=1)


def test_under_xdist(run: Run) -> None:
    """The main process has the files that its workers have written in its summary."""
    result = run(SUITE, args=["--ftp-update", "-n", "1"])

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= FTP recordings =*", "*feed.ftp.jsonl: written: it was not there"])
    assert _file(run).exists()


def test_long_contents_are_written(run: Run) -> None:
    """They are files beside the recording."""
    suite = """
    @pytest.mark.ftp(files={"/a": b"x" * 9000})
    def test_it(ftp_server, ftp_log):
        with ftplib.FTP() as ftp:
            ftp.connect(*ftp_server.address)
            ftp.login(*ftp_server.credentials)
            ftp.retrbinary("RETR /a", len)
        ftp_log.assert_matches("golden/feed.ftp.jsonl")
    """
    run(suite, args=["--ftp-update"]).assert_outcomes(passed=1)
    [blob] = (run.pytester.path / "golden" / "feed.ftp.blobs").iterdir()
    assert blob.read_bytes() == b"x" * 9000
    run(suite).assert_outcomes(passed=1)


def test_what_is_equal_is_not_rewritten(run: Run) -> None:
    """The file keeps its bytes, such as a loose verb that was added by hand, also when the dialogue changes."""
    run(SUITE, args=["--ftp-update"])
    edited = _file(run).read_text().replace('"user"]', '"user"], "loose": ["PWD"]', 1)
    _file(run).write_text(edited)

    result = run(SUITE, args=["--ftp-update"])
    result.stdout.fnmatch_lines(["*= FTP recordings =*", "all recordings are as they were"])
    assert _file(run).read_text() == edited

    run(CHANGED, args=["--ftp-update"]).assert_outcomes(passed=1)
    first, *others = _file(run).read_text().splitlines()
    assert first == edited.partition("\n")[0]
    assert '{"s": 1, ">": "SYST"}' in others


def test_a_damaged_file_is_rewritten(run: Run) -> None:
    """Without the option it is an error with its line."""
    run(SUITE, args=["--ftp-update"])
    whole = _file(run).read_text()
    _file(run).write_text(whole + "<<<<<<< mine\n")

    run(SUITE).stdout.fnmatch_lines(["E*RecordingError: *feed.ftp.jsonl:13: a conflict of a merge was not resolved*"])
    result = run(SUITE, args=["--ftp-update"])
    result.stdout.fnmatch_lines(["*feed.ftp.jsonl: rewritten: it was damaged", "    a conflict of a merge *"])
    assert _file(run).read_text() == whole


def test_a_failed_test_writes_nothing(run: Run) -> None:
    """Its dialogue may be wrong, too."""
    result = run(SUITE + "        assert command == 'SYST'", args=["--ftp-update"])

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*= FTP recordings =*", "all recordings are as they were"])
    assert not _file(run).exists()


def test_two_tests_with_one_file(run: Run) -> None:
    """The second of two that differ fails, and so does one that would write a password."""
    result = run(SUITE.replace('["NOOP"]', '["NOOP", "SYST"]'), args=["--ftp-update"])
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["--ftp-update: *feed.ftp.jsonl: *::test_it?NOOP? has written this file in the same run, with another *"]
    )

    result = run(
        """
        @pytest.mark.ftp(files={"/a": b"the password"})
        def test_it(ftp_server, ftp_log):
            with ftplib.FTP() as ftp:
                ftp.connect(*ftp_server.address)
                ftp.login(*ftp_server.credentials)
                ftp.retrbinary("RETR /a", print)
            ftp_log.assert_matches("secret.ftp.jsonl")
        """,
        args=["--ftp-update"],
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["--ftp-update: *secret.ftp.jsonl:*: nothing was written: *"])


def test_not_in_ci(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """There nothing would be compared."""
    monkeypatch.setenv("CI", "true")
    result = run(SUITE, args=["--ftp-update"])

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --ftp-update writes the recordings *, and CI is set: *"])
