"""A test whose client hangs, or that is interrupted: it ends, and its report has the dialogue."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from tests.plugin import test_fixtures

HANGS = """
@pytest.fixture
def hang():
    def act(server):
        with ftplib.FTP() as ftp:
            ftp.connect(server.host, server.port)
            ftp.login(server.user, server.password)
            ftp.retrbinary("RETR /a.csv", lambda data: None)
    return act
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> test_fixtures.Run:
    """Runs pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return test_fixtures.Run(pytester)


def test_a_client_without_a_timeout(run: test_fixtures.Run) -> None:
    """The test fails with a sentence, the line that waited and the dialogue, also where it expected an error."""
    result = run(
        HANGS,
        """
        pytestmark = pytest.mark.ftp(files={"/a.csv": b"x"}, faults=["RETR: stall_data"])

        def test_it(ftp_server, hang):
            hang(ftp_server)

        def test_raises(ftp_server, hang):
            with pytest.raises(OSError):
                hang(ftp_server)

        @pytest.mark.ftp(faults=[])
        def test_other(ftp_server, hang):
            hang(ftp_server)
    """,
        args=["-o", "ftp_hang_after=0.3"],
    )
    result.assert_outcomes(passed=1, failed=2)
    sentence = "the client waited 0.3 s at RETR /a.csv without giving up"
    result.stdout.fnmatch_lines(
        ["*in act", "*ftp.retrbinary(*", f"E *HangError: {sentence}: give the client a timeout", "*> RETR /a.csv"]
    )
    result.stdout.fnmatch_lines_random([f"FAILED *::test_it - *{sentence}*", f"FAILED *::test_raises - *{sentence}*"])


def test_a_shared_server(run: test_fixtures.Run) -> None:
    """The next test of the server knows nothing of it."""
    result = run(
        HANGS,
        """
        @pytest.fixture(scope="session")
        def store(ftp_session_server_factory):
            return ftp_session_server_factory(files={"/a.csv": b"x"}, hang_after=0.3)

        @pytest.mark.ftp(faults=["RETR: no_reply"])
        def test_it(store, hang):
            hang(store)

        def test_next(store, hang):
            hang(store)
    """,
    )
    result.assert_outcomes(passed=1, failed=1)


def test_the_ini_setting(run: test_fixtures.Run) -> None:
    """It is for servers that are not given another; "none" is no limit, and what is no number is told of."""
    source = """
        @pytest.mark.ftp(hang_after=7)
        def test_marker(ftp_server, ftp_server_factory):
            assert (ftp_server._hangs.limit, ftp_server_factory()._hangs.limit) == (7, None)
    """
    run(source, args=["-o", "ftp_hang_after=none"]).assert_outcomes(passed=1)
    result = run(source, args=["-o", "ftp_hang_after=soon"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: ftp_hang_after of the ini file takes seconds, such as 30, or none, not 'soon'"]
    )


def _interrupted(run: test_fixtures.Run, source: str) -> pytest.RunResult:
    """Run pytest in a process of its own, and return the result of a run that was interrupted."""
    run.pytester.makepyfile(test_inner="\n".join((test_fixtures.TALK, dedent(source))))
    result = run.pytester.runpytest_subprocess(*test_fixtures.PLAIN)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    return result


def test_ctrl_c(run: test_fixtures.Run) -> None:
    """The dialogues of the test that was interrupted are printed, and only those."""
    result = _interrupted(
        run,
        """
        def test_before(ftp_server):
            talk(ftp_server, "SYST")

        def test_it(ftp_server, ftp_server_factory):
            talk(ftp_server, "NOOP")
            talk(ftp_server_factory(name="the other"), "PWD")
            raise KeyboardInterrupt
    """,
    )
    result.stdout.fnmatch_lines(
        ["*- FTP dialogue of ftp_server -*", "*> NOOP", "*- FTP dialogue of the other -*", "*> PWD", "*Interrupt*"]
    )
    result.stdout.no_fnmatch_line("*> SYST")


def test_ctrl_c_between_tests(run: test_fixtures.Run) -> None:
    """Without a test nothing is printed."""
    run.pytester.makeconftest("def pytest_collection_finish():\n    raise KeyboardInterrupt\n")
    _interrupted(run, "def test_it(ftp_server): pass").stdout.no_fnmatch_line("*FTP dialogue*")


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_pytest_timeout(run: test_fixtures.Run, method: str) -> None:
    """Both ways in which pytest-timeout ends a test show what was said, also where the process ends."""
    if method == "signal" and sys.platform == "win32":
        method = "thread"
    run.pytester.makepyfile(
        test_inner=f"""
        import threading
        {test_fixtures.TALK.strip().replace(chr(10), chr(10) + " " * 8)}

        def test_before(ftp_server):
            talk(ftp_server, "SYST")

        def test_it(ftp_server):
            talk(ftp_server, "NOOP")
            threading.Event().wait()
        """
    )
    result = run.pytester.runpytest_subprocess(
        *("-p", "no:localftpserver", "-p", "no:randomly", "--timeout=1", f"--timeout-method={method}")
    )
    assert result.ret == 1
    told = result.stdout.str() + result.stderr.str()
    assert "FTP dialogue" in told
    assert "> NOOP" in told
    assert "> SYST" not in told
