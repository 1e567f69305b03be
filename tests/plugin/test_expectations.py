"""Expectations under pytest: what is not met, and what a strict server did not expect, fails the test that says so."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

CLIENT = """
    import ftplib

    import pytest

    @pytest.fixture
    def ftp(ftp_server):
        with ftplib.FTP(timeout=10) as ftp:
            ftp.connect(*ftp_server.address)
            ftp.login(*ftp_server.credentials)
            yield ftp
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run tests that may have a client of ftplib, with the lines of an ini file."""
    monkeypatch.setenv("COLUMNS", "250")

    def run(body: str, *ini: str) -> pytest.RunResult:
        pytester.makeini("\n".join(["[pytest]", *ini]))
        pytester.makeconftest(textwrap.dedent(CLIENT))
        pytester.makepyfile(test_inner=body)
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:localftpserver")

    return run


def test_what_is_not_met_fails_the_test(run: Run) -> None:
    """The report has the reason, once, and the dialogue; the next test is not concerned."""
    result = run("""
        def test_it(ftp_server, ftp):
            ftp_server.expect("STOR", "/in/*.csv").times(2)
            ftp.mkd("/in")

        def test_other(ftp_server, ftp):
            ftp_server.expect("MKD -> 257")
            ftp.mkd("/in")
    """)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "STOR /in/[*].csv: expected twice, seen never",
            "    the commands were USER, PASS, MKD",
            "session 1",
            "*> MKD /in",
        ]
    )
    assert result.stdout.str().count("> MKD /in") == 1


def test_another_failure_is_told_first(run: Run) -> None:
    """A test that fails on its own tells what was not met in a section of its report."""
    result = run("""
        def test_it(ftp_server):
            ftp_server.expect("NOOP")
            assert 1 == 2
    """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2", "*never happened*", "NOOP: expected once, seen never"])


def test_strict_by_marker_and_ini(run: Run) -> None:
    """The ini file makes all servers strict, and names once what is loose; a marker decides for its test."""
    body = """
        import pytest

        def test_it(ftp):
            ftp.voidcmd("NOOP")

        @pytest.mark.ftp(strict=False)
        def test_lenient(ftp):
            ftp.voidcmd("NOOP")

        @pytest.mark.ftp(loose=["LOGIN", "NOOP", "QUIT"], strict=True)
        def test_loose(ftp):
            ftp.voidcmd("NOOP")
    """
    result = run(body, "ftp_strict = true", "ftp_loose =", "    LOGIN", "    QUIT")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["not expected: NOOP -> 200 (session 1)", "    nothing is expected: expect(...) a *"])
    run(body).assert_outcomes(passed=3)


def test_a_wrong_loose_command(run: Run) -> None:
    """A loose command that no client can send is an error of each test, which names the setting."""
    result = run("def test_it(ftp_server): pass", "ftp_loose = QIUT")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*loose: the server has no command 'QIUT': did you mean 'QUIT'*"])
