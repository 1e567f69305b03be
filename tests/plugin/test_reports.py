"""The reports of failing tests: each test runs pytest on a small suite."""

from __future__ import annotations

import pytest

from tests.plugin.test_fixtures import BROKEN, Run


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)


# The dialogue.


def test_a_failing_test_shows_the_dialogue(run: Run) -> None:
    """The report of a failing test has a section with the dialogue, passwords starred."""
    result = run(
        """
        @pytest.mark.ftp(users={"ann": "dragon"})
        def test_it(ftp_server):
            talk(ftp_server, "NOOP", user="ann", password="dragon")
            assert "apples" == "pears"
    """,
        args=["--no-showlocals"],
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- FTP dialogue -*",
            "session 1",
            "* connected from 127.0.0.1:*",
            "*< 220 welcome",
            "*> USER ann",
            "*> PASS [*][*][*]*",
            "*ann logged in",
            "*> NOOP",
            "*< 200 *",
            "*> QUIT",
        ]
    )
    dialogue = result.stdout.str().partition("FTP dialogue")[2]
    assert "dragon" not in dialogue


def test_the_dialogues_of_two_servers(run: Run) -> None:
    """With several servers each has a section, in the order of their start."""
    result = run("""
        def test_it(ftp_server_factory):
            first, second = ftp_server_factory(), ftp_server_factory()
            talk(second, "SYST")
            assert False
    """)
    result.stdout.fnmatch_lines(
        [
            "*- FTP dialogue of server 1 -*",
            "(no client connected)",
            "*- FTP dialogue of server 2 -*",
            "*> SYST",
        ]
    )


def test_a_set_up_that_fails_shows_the_dialogue(run: Run) -> None:
    """A fixture that fails after it used the server shows the dialogue, too."""
    result = run("""
        @pytest.fixture
        def filled(ftp_server):
            talk(ftp_server, "CWD /missing")

        def test_it(filled):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*- FTP dialogue -*", "*> CWD /missing", "*< 550 *"])


def test_a_passing_test_shows_nothing(run: Run) -> None:
    """Tests that pass or are skipped have no section, even with -rA."""
    result = run(
        """
        def test_it(ftp_server):
            talk(ftp_server, "NOOP")

        def test_skipped(ftp_server):
            pytest.skip("later")
    """,
        args=["-rA"],
    )
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.no_fnmatch_line("*FTP dialogue*")


def test_failed_assertion_on_the_log_points_at_the_test(run: Run) -> None:
    """The traceback of a failed log assertion ends in the test, with the nearest line and the dialogue."""
    result = run("""
        def test_it(ftp_server):
            talk(ftp_server, "CWD /", "PWD")
            ftp_server.log.assert_sent("CWD /in -> 250")
    """)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: CWD /in -> 250: expected at least once, seen never",
            "E *nearest: CWD / -> 250 (session 1): the argument differs: sent '*/', expected '*/in'",
        ]
    )
    result.stdout.no_fnmatch_line("*ftpfixture/log.py:*")


# Failures inside the server.


def test_a_failure_of_the_server_fails_the_test_that_caused_it(run: Run) -> None:
    """An unexpected exception in a handler fails that test in its call phase, and no other."""
    result = run(
        BROKEN,
        """
        def test_before(ftp_server):
            talk(ftp_server, "NOOP")

        def test_it(ftp_server):
            boom(ftp_server)

        def test_after(ftp_server):
            talk(ftp_server, "NOOP")
    """,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *ZeroDivisionError: what a pity",
            "E *ftpfixture.errors.ServerFailure: BOOM raised ZeroDivisionError: what a pity",
            "*> BOOM",
            "*BOOM raised ZeroDivisionError: what a pity",
            "*< 451 *",
            "FAILED *::test_it - ftpfixture.errors.ServerFailure: BOOM raised *",
        ]
    )


def test_several_failures_are_counted(run: Run) -> None:
    """The first failure is shown, the others are counted."""
    result = run(
        BROKEN,
        """
        def test_it(ftp_server):
            boom(ftp_server)
            boom(ftp_server)
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *BOOM raised ZeroDivisionError: what a pity (and 1 more)"])


def test_a_failure_that_the_test_takes(run: Run) -> None:
    """A test that causes a failure on purpose may take it."""
    result = run(
        BROKEN,
        """
        from ftpfixture import ServerFailure

        def test_it(ftp_server):
            boom(ftp_server)
            with pytest.raises(ServerFailure) as caught:
                ftp_server.check()
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
    """,
    )
    result.assert_outcomes(passed=1)


def test_a_failure_in_a_server_of_the_factory_counts_too(run: Run) -> None:
    """Servers of the factory are checked, too."""
    result = run(
        BROKEN,
        """
        def test_it(ftp_server_factory):
            ftp_server_factory()
            boom(ftp_server_factory())
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *ServerFailure: BOOM raised ZeroDivisionError: what a pity"])


def test_a_failing_test_keeps_its_own_error(run: Run) -> None:
    """If test and server fail, the test's error is the failure, and the server's is an additional error."""
    result = run(
        BROKEN,
        """
        def test_it(ftp_server):
            talk(ftp_server, "BOOM")
    """,
    )
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["FAILED *::test_it - ftplib.error_temp: 451 *", "ERROR *::test_it - *ServerFailure*"])


# Recordings.


@pytest.mark.illegal_replies
def test_a_recording_that_is_not_played(run: Run) -> None:
    """The test fails that has the server: for what its client sent otherwise, and for what it did not send."""
    result = run(
        """
        from ftpfixture.recording.format import Command, Header, Note, Reply
        from ftpfixture.recording.store import Recording

        def recording(last):
            login = [("USER {user}", "331 Password"), ("PASS {password}", "230 In")]
            pairs = [*login, (last, "200 OK"), ("QUIT", "221 Bye")]
            lines = [Note(session=1, what="connected"), Reply(session=1, lines=("220 Hi",))]
            for command, reply in pairs:
                lines += [Command(session=1, text=command), Reply(session=1, lines=(reply,))]
            return Recording(Header(version=1, source="proxy"), (*lines, Note(session=1, what="closed", by="client")))

        @pytest.mark.ftp(recording=recording("NOOP"))
        def test_as_recorded(ftp_server):
            talk(ftp_server, "NOOP")

        @pytest.mark.ftp(recording=recording("SITE HELP"))
        def test_otherwise(ftp_server):
            with pytest.raises(ftplib.error_perm, match="503 This command was not recorded"):
                talk(ftp_server, "SITE CHMOD 644 a")

        @pytest.mark.ftp(recording=recording("NOOP"))
        def test_not_all(ftp_server):
            with ftplib.FTP(timeout=10) as ftp:
                ftp.connect(*ftp_server.address)
                ftp.login(*ftp_server.credentials)
    """
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*SITE CHMOD 644 a was not recorded here: session 1 of the recording goes on with SITE HELP (line 8)",
            "*nearest: SITE HELP (line 8): the argument is 'CHMOD 644 a', recorded 'HELP'",
            "*session 1 ended before NOOP (line 8)",
            "*(allow_unplayed=True accepts a recording that is not played to its end)",
        ]
    )
