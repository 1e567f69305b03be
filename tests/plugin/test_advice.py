"""The option --ftp-advice: each test runs pytest on a small suite."""

from __future__ import annotations

import pytest

from tests.plugin.test_fixtures import Run

SUITE = """
    def test_it(ftps_server):
        talk(ftps_server, "NOOP")

    def test_without_a_command(ftp_server):
        pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)


@pytest.mark.parametrize("args", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_advice_is_shown_at_the_end(run: Run, args: list[str]) -> None:
    """Each test with commands has its round trips and the advice; the outcome stays."""
    result = run(SUITE, args=["--ftp-advice", *args])

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*= FTP advice =*",
            "*::test_it",
            "    ftps_server: 2 to connect (TCP and greeting), 4 for commands; 0.3 s at 50 ms, 1.2 s at 200 ms",
            "    clear-password: the password went over the network in clear, *: send AUTH TLS before USER",
            "        * PASS [*]* -> 230 (session 1)",
            "    round-trips: 1 of 6 round trips could be saved: *",
            "        * NOOP -> 200 (session 1)",
        ]
    )
    result.stdout.no_fnmatch_line("*::test_without_a_command")


def test_without_the_option_there_is_no_advice(run: Run) -> None:
    """Nothing is judged unless it is asked for."""
    run(SUITE).stdout.no_fnmatch_line("*FTP advice*")


def test_no_commands_at_all(run: Run) -> None:
    """A run that shows nothing says so."""
    result = run("def test_it(): pass", args=["--ftp-advice"])

    result.stdout.fnmatch_lines(["*= FTP advice =*", "no test sent a command to a server of the fixtures"])


def test_a_log_that_has_forgotten_gives_none(run: Run) -> None:
    """What is forgotten may be what advice would be about; the run goes on."""
    result = run(
        """
        @pytest.mark.ftp(log_limit=1)
        def test_it(ftp_server):
            talk(ftp_server, "NOOP")
    """,
        args=["--ftp-advice"],
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    ftp_server: no advice, because the log has forgotten * commands (log_limit)"])
