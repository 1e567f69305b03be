"""Faults in pytest: the marker, `ftp_faults`, ini and command line; each test runs pytest on a small suite."""

from __future__ import annotations

import json

import pytest

from tests.plugin import test_fixtures
from tests.plugin.test_fixtures import PLAIN, Run

literal = test_fixtures._literal


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "250")
    return Run(pytester)


REFUSED = """
from ftpfixture import on

def refused(server, command="NOOP"):
    with pytest.raises(ftplib.error_perm, match="502"):
        talk(server, command)
"""


# The marker.


def test_the_marker_takes_both_forms(run: Run) -> None:
    """`faults=[...]` takes faults as objects and as text, and they apply to the greeting, too."""
    result = run(
        REFUSED,
        """
        @pytest.mark.ftp(faults=[on("NOOP").not_implemented(), "SYST: not_implemented", "CONNECT: answer 220 changed"])
        def test_it(ftp_server):
            with ftplib.FTP() as ftp:
                assert ftp.connect(*ftp_server.address) == "220 changed"
            refused(ftp_server)
            refused(ftp_server, "SYST")
            ftp_server.faults.assert_fired("NOOP: not_implemented", times=1)

        @pytest.mark.ftp(faults="NOOP: not_implemented")
        def test_one_alone(ftp_server):
            refused(ftp_server)

        def test_other(ftp_server):
            talk(ftp_server, "NOOP", "SYST")
    """,
    )
    result.assert_outcomes(passed=3)


def test_faults_from_json(run: Run) -> None:
    """A list of texts in a JSON file is a list of faults."""
    faults = ["NOOP #2: answer 450 'try again'", "PWD: answer_raw b'257 \"/x\"\\r\\n'", "SYST: slice 3; reply 215 'Ä'"]
    run.pytester.makefile(".json", faults=json.dumps(faults))
    result = run(
        """
        import json
        import pathlib

        FAULTS = json.loads(pathlib.Path("faults.json").read_text())

        @pytest.mark.ftp(faults=FAULTS)
        def test_it(ftp_server):
            assert talk(ftp_server, "NOOP", "PWD", "SYST")[1:] == ['257 "/x"', "215 Ä"]
            with pytest.raises(ftplib.error_temp, match="450 try again"):
                talk(ftp_server, "NOOP")
            assert [armed.fired for armed in ftp_server.faults.active] == [1, 1, 1]
            assert [str(armed.fault) for armed in ftp_server.faults.active] == FAULTS
    """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("faults", "lines"),
    [
        (
            "['NOOP: not_implementd']",
            [
                "unknown word 'not_implementd': did you mean 'not_implemented'?",
                "    NOOP: not_implementd",
                "          ^^^^^^^^^^^^^^",
            ],
        ),
        (
            "['NOOOP: not_implemented']",
            [
                "on('NOOOP').not_implemented(): the server has no command 'NOOOP': did you mean 'NOOP'? "
                "(write '?NOOOP' for a command that no server knows)"
            ],
        ),
        ("['NOOP: refuse_data']", ["it can happen only with EPRT, EPSV, PASV, PORT, not with NOOP"]),
        ("5", ["5 is no fault: use on('RETR').drop_data(), or text 'RETR: drop_data'"]),
    ],
)
def test_an_invalid_fault(run: Run, faults: str, lines: list[str]) -> None:
    """An invalid fault is an error of that test only, and the message marks the word."""
    result = run(f"""
        @pytest.mark.ftp(faults={faults})
        def test_it(ftp_server):
            pass

        def test_other(ftp_server):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*{literal(line)}" for line in lines])
    assert "Traceback" not in result.stdout.str()
    assert "plugin.py" not in result.stdout.str()


def test_markers_and_config(run: Run) -> None:
    """The nearest setting counts, as for all settings."""
    result = run(
        REFUSED,
        """
        @pytest.fixture
        def ftp_config():
            return {"faults": ["NOOP: not_implemented"]}

        def test_config(ftp_server):
            refused(ftp_server)

        @pytest.mark.ftp(faults=["SYST: not_implemented"])
        def test_marker(ftp_server):
            talk(ftp_server, "NOOP")
            refused(ftp_server, "SYST")

        @pytest.mark.ftp(faults=[])
        def test_none(ftp_server):
            talk(ftp_server, "NOOP")
    """,
    )
    result.assert_outcomes(passed=3)


# The fixture.


def test_ftp_faults_are_those_of_ftp_server(run: Run) -> None:
    """`ftp_faults` adds to the server of the same test, in any order of fixtures."""
    result = run(
        REFUSED,
        """
        @pytest.mark.ftp(faults=["SYST: not_implemented"])
        def test_it(ftp_faults, ftp_server):
            assert ftp_faults is ftp_server.faults
            armed = ftp_faults.add(on("NOOP").times(1).not_implemented())
            refused(ftp_server)
            refused(ftp_server, "SYST")
            assert talk(ftp_server, "NOOP") == ["200 Nothing done"]
            assert armed.fired == 1
            with ftp_faults("NOOP: not_implemented"):
                refused(ftp_server)
            talk(ftp_server, "NOOP")

        def test_other(ftp_server):
            talk(ftp_server, "NOOP", "SYST")
            assert ftp_server.faults.active == []
    """,
    )
    result.assert_outcomes(passed=2)


def test_faults_of_ftps_server(run: Run) -> None:
    """Faults apply to a server with TLS, too."""
    result = run(
        REFUSED,
        """
        def tls(server, *commands):
            with ftplib.FTP_TLS(context=server.tls.client_context()) as ftp:
                ftp.connect(*server.address)
                ftp.login(*server.credentials)
                return [ftp.sendcmd(command) for command in commands]

        @pytest.mark.ftp(faults=["NOOP #2: not_implemented"])
        def test_it(ftps_server):
            tls(ftps_server, "NOOP")
            with pytest.raises(ftplib.error_perm, match="502"):
                tls(ftps_server, "NOOP")

        @pytest.mark.ftp(faults=["NOOP #2: not_implemented"])
        def test_unfired(ftps_server):
            tls(ftps_server, "NOOP")
    """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED *::test_unfired - Failed: on('NOOP').nth(2).not_implemented() happened 0 times*"]
    )


def test_faults_in_async_tests(run: Run) -> None:
    """Faults apply in an async test, and one that never happened fails it."""
    result = run(
        """
        from ftpfixture import StatusCodeError

        @pytest.mark.ftp(faults=["MKD: not_implemented"])
        async def test_it(ftp_client):
            with pytest.raises(StatusCodeError):
                await ftp_client.make_directory("/d")

        @pytest.mark.ftp(faults=["MKD: not_implemented"])
        async def test_unfired(ftp_client):
            await ftp_client.get_current_directory()
    """,
        args=["-o", "asyncio_mode=auto"],
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_unfired - Failed: on('MKD').not_implemented() happened 0 times: *"])


# Faults that never happened.


def test_a_fault_that_never_happened_fails_the_test(run: Run) -> None:
    """The test fails in its call phase, with the fault, the reason and the dialogue; other tests pass."""
    result = run(
        REFUSED,
        """
        def test_before(ftp_server):
            talk(ftp_server)

        @pytest.mark.ftp(faults=["NOOP #2: not_implemented", "SYST: not_implemented", "PWD: not_implemented"])
        def test_it(ftp_server):
            talk(ftp_server, "NOOP")
            refused(ftp_server, "PWD")

        def test_after(ftp_server):
            talk(ftp_server)
    """,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "on('NOOP').nth(2).not_implemented() happened 0 times: NOOP was seen 1 time, the fault waits for the 2nd",
            "on('SYST').not_implemented() happened 0 times: QUIT was seen, but the fault is for SYST",
            "session 1",
            "*> NOOP",
            "FAILED *::test_it - Failed: on('NOOP').nth(2).not_implemented() happened 0 times*",
        ]
    )
    report = result.stdout.str()
    assert "on('PWD').not_implemented() happened" not in report
    assert report.count("session 1") == 1
    assert "ftpfixture/testing" not in report
    assert "traceback" not in report


def test_a_fault_that_need_not_happen(run: Run) -> None:
    """Optional and removed faults do not fail a test."""
    result = run("""
        @pytest.mark.ftp(faults=["NOOP optional: not_implemented"])
        def test_optional(ftp_server):
            talk(ftp_server)

        @pytest.mark.ftp(faults=["NOOP: not_implemented"])
        def test_cleared(ftp_server):
            talk(ftp_server)
            ftp_server.faults.clear()

        def test_nothing_at_all(ftp_faults):
            ftp_faults.remove(ftp_faults.add("NOOP: not_implemented"))
    """)
    result.assert_outcomes(passed=3)


def test_a_failing_test_keeps_its_own_error(run: Run) -> None:
    """A test that fails for another reason has it as its failure, and the faults that never happened in a section."""
    result = run("""
        pytestmark = pytest.mark.ftp(faults=["NOOP: not_implemented"])

        def test_it(ftp_server):
            talk(ftp_server)
            assert "apples" == "pears"

        def test_skipped(ftp_server):
            pytest.skip("later")

        @pytest.mark.xfail(strict=True)
        def test_expected(ftp_server):
            assert False
    """)
    result.assert_outcomes(failed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "*FTP: what never happened*",
            "on('NOOP').not_implemented() happened 0 times: QUIT was seen, but the fault is for NOOP",
            "*FTP dialogue*",
            "FAILED *::test_it - AssertionError: assert 'apples' == 'pears'",
        ]
    )


def test_a_failure_in_the_server_comes_first(run: Run) -> None:
    """A fault may not have happened because the server failed: the failure is reported."""
    result = run(
        test_fixtures.BROKEN,
        """
        @pytest.mark.ftp(faults=["NOOP: not_implemented"])
        def test_it(ftp_server):
            boom(ftp_server)
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_it - *ServerFailure: BOOM raised ZeroDivisionError*"])


def test_servers_of_the_factory_count_too(run: Run) -> None:
    """All servers of a test are checked; each has its own faults."""
    result = run(
        REFUSED,
        """
        def test_it(ftp_server_factory):
            one = ftp_server_factory(faults=["NOOP: not_implemented"])
            two = ftp_server_factory(faults=["NOOP: not_implemented"])
            refused(one)
            refused(two)

        def test_unfired(ftp_server_factory):
            one = ftp_server_factory(faults=["NOOP: not_implemented"])
            two = ftp_server_factory(faults=["NOOP #3: not_implemented"])
            refused(one)
            talk(two)
    """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED *::test_unfired - Failed: on('NOOP').nth(3).not_implemented() happened 0 times*"]
    )


def test_a_fault_during_setup(run: Run) -> None:
    """A fault may happen during the setup of the test."""
    result = run(
        REFUSED,
        """
        @pytest.fixture
        def refusing(ftp_server):
            refused(ftp_server)
            return ftp_server

        @pytest.mark.ftp(faults=["NOOP times=1: not_implemented"])
        def test_it(refusing):
            talk(refusing, "NOOP")
    """,
    )
    result.assert_outcomes(passed=1)


def test_xdist(run: Run) -> None:
    """Tests in several processes have their own faults, and the report has their failures."""
    result = run(
        REFUSED,
        """
        @pytest.mark.ftp(faults=[on("NOOP").not_implemented(), "SYST #2: not_implemented"])
        @pytest.mark.parametrize("number", range(8))
        def test_it(ftp_server, number):
            refused(ftp_server)
            talk(ftp_server, "SYST")
            if number != 5:
                refused(ftp_server, "SYST")
            assert ftp_server.faults.fired[0].session == 1
            with pytest.raises(ftplib.error_temp, match="450 from the command line"):
                talk(ftp_server, "PWD")
    """,
        args=["-n", "2", "--ftp-fault", "PWD: answer 450 'from the command line'"],
    )
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED *::test_it[[]5[]] - Failed: on('SYST').nth(2).not_implemented() happened 0 times*"]
    )


# For a whole run.

FOR_ALL = """
def test_one(ftp_server):
    refused(ftp_server)

def test_factory(ftp_server_factory):
    refused(ftp_server_factory())

@pytest.mark.ftp(faults=["SYST: not_implemented"])
def test_beside_others(ftp_server):
    refused(ftp_server)
    refused(ftp_server, "SYST")

def test_that_says_nothing(ftp_server):
    talk(ftp_server)
"""


def test_faults_from_the_command_line(run: Run) -> None:
    """--ftp-fault may be given several times, applies to every server, and fails no test if it never happens."""
    args = ["--ftp-fault", "NOOP: not_implemented", "--ftp-fault=LIST #99: deny", "--ftp-fault", "mlsd-missing"]
    result = run(REFUSED, FOR_ALL, args=args)
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("kind", ["ini", "toml"])
def test_faults_from_the_configuration(run: Run, kind: str) -> None:
    """`ftp_faults` has one fault on each line, in the form of the command line, and both apply."""
    if kind == "ini":
        run.pytester.makeini(
            "[pytest]\nftp_faults =\n    NOOP #1: not_implemented\n    LIST '/a;b' #2: deny; delay 1\n"
        )
    else:
        faults = ["NOOP #1: not_implemented", "LIST '/a;b' #2: deny; delay 1"]
        run.pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\nftp_faults = {faults}\n")
    result = run(
        REFUSED,
        FOR_ALL,
        """
        def test_all_are_there(ftp_server):
            output = [str(armed.fault) for armed in ftp_server.faults.active]
            assert output == [
                "NOOP #1 optional: not_implemented",
                "LIST '/a;b' #2 optional: deny; delay 1",
                "PWD optional: not_implemented",
            ]
            refused(ftp_server, "PWD")
    """,
        args=["--ftp-fault", "PWD: not_implemented"],
    )
    result.assert_outcomes(passed=5)


@pytest.mark.parametrize("place", ["line", "ini"])
@pytest.mark.parametrize(
    ("fault", "lines"),
    [
        ("RETR: drop_dta", ["*unknown word 'drop_dta': did you mean 'drop_data'[?]", "*    RETR: drop_dta"]),
        (
            "RETR drop_data",
            ["*a fault is a verb, a colon and a space, and a word for what goes wrong, *", "*    RETR drop_data"],
        ),
        ("mlsd-mising", ["*unknown preset 'mlsd-mising': did you mean 'mlsd-missing'[?]"]),
    ],
)
def test_a_wrong_fault_for_all_is_an_error_of_usage(run: Run, place: str, fault: str, lines: list[str]) -> None:
    """No test runs, and the error marks the word."""
    if place == "ini":
        run.pytester.makeini(f"[pytest]\nftp_faults = {fault}\n")
    result = run("def test_it(): pass", args=["--ftp-fault", fault] if place == "line" else [])

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --ftp-fault, or ftp_faults of the ini file: *", *lines[1:]])
    result.stderr.fnmatch_lines(lines)
    if len(lines) > 1:
        *_, text, pointer = result.stderr.str().rstrip().split("\n")
        assert text[pointer.index("^") : len(pointer)] in ("drop_dta", "drop_data")


def test_a_fault_for_all_that_a_server_does_not_know(run: Run) -> None:
    """A verb that a server does not have is an error of the tests that use it."""
    result = run(
        """
        def test_it(ftp_server):
            pass

        def test_other():
            pass
    """,
        args=["--ftp-fault", "NOOOP: not_implemented"],
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the server has no command 'NOOOP': did you mean 'NOOP'[?] (*"])


# The help of pytest.


def test_help_and_markers(run: Run) -> None:
    """--help shows the option and the ini setting, --markers and --fixtures show the rest."""
    output = run.pytester.runpytest_inprocess(*PLAIN, "--help").stdout
    output.fnmatch_lines(["*--ftp-fault=FAULT*"])
    output.fnmatch_lines(["*ftp_faults (linelist):*"])
    markers = run.pytester.runpytest_inprocess(*PLAIN, "--markers").stdout
    markers.fnmatch_lines(
        ["@pytest.mark.ftp(**settings): * faults=[[]'RETR [*].csv #2: drop_data after_bytes=1024'[]]*"]
    )
    run.pytester.runpytest_inprocess(*PLAIN, "--fixtures").stdout.fnmatch_lines(["ftp_faults -- *"])
