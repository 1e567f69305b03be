"""Whole reports of failing tests, as files in `golden`: each is read as by a stranger, and says what to do next.

Times, ports and addresses in them are normal: every time is 0.000, every port is 40000.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plugin.test_fixtures import BROKEN, PLAIN, TALK

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def not_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pytest does not shorten its summary where these are set, and so has other reports there."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


SUITES = {
    "command_never_sent": """
        def test_it(ftp_server):
            talk(ftp_server, "CWD /", "PWD")
            ftp_server.log.assert_sent("CWD /in -> 250")
    """,
    "verb_that_does_not_exist": """
        def test_it(ftp_server):
            talk(ftp_server, "MKD /x")
            ftp_server.log.assert_not_sent("MDK")
    """,
    "command_sent_too_often": """
        def test_it(ftp_server):
            talk(ftp_server, "NOOP", "NOOP")
            ftp_server.log.assert_sent("NOOP", times=1)
    """,
    "command_that_must_not_be_sent": """
        def test_it(ftp_server):
            talk(ftp_server, "MKD /in")
            ftp_server.log.assert_not_sent("MKD")
    """,
    "wrong_order": """
        def test_it(ftp_server):
            talk(ftp_server, "NOOP")
            ftp_server.log.assert_sequence("QUIT", "USER")
    """,
    "fault_that_did_not_raise": """
        @pytest.mark.ftp(files={"/in/a.csv": b"1"}, faults=["SIZE /in/b.csv: answer 550"])
        def test_it(ftp_server):
            with pytest.raises(ftplib.error_perm):
                talk(ftp_server, "TYPE I", "SIZE /in/a.csv")
    """,
    "faults_that_never_happened": """
        @pytest.mark.ftp(faults=["NOOP #2: answer 450", "SYST: answer 450", "PWD optional: answer 450"])
        def test_it(ftp_server):
            talk(ftp_server, "NOOP")
    """,
    "fault_that_was_never_added": """
        from ftpfixture import on

        def test_it(ftp_server):
            on("NOOP").answer(450)
            talk(ftp_server, "NOOP")
    """,
    "fault_of_a_command_that_does_not_exist": """
        def test_it(ftp_server):
            ftp_server.faults.add("GET: reset")
    """,
    "fault_with_a_wrong_word": """
        def test_it(ftp_server):
            ftp_server.faults.add("RETR *.csv: dropdata after_bytes=10")
    """,
    "script_that_was_never_used": """
        def test_it(ftp_server, ftp_users):
            ftp_users.on("usr").reject()
            talk(ftp_server)
    """,
    "script_without_a_step": """
        def test_it(ftp_server, ftp_users):
            ftp_users.on("user")
            talk(ftp_server)
    """,
    "marker_that_reaches_no_server": """
        @pytest.mark.ftp(system="VMS")
        def test_it(ftp_server_factory):
            talk(ftp_server_factory())
    """,
    "marker_with_a_wrong_setting": """
        @pytest.mark.ftp(fils={"/a": b""})
        def test_it(ftp_server):
            pass
    """,
    "setting_of_a_wrong_type": """
        from ftpfixture import FtpServer

        def test_it():
            FtpServer(port="2121")
    """,
    "path_layer_of_the_whole_disk": """
        from ftpfixture import PathIO

        @pytest.mark.ftp(path_io_factory=PathIO)
        def test_it(ftp_server):
            pass
    """,
    "files_that_are_assigned": """
        def test_it(ftp_server):
            ftp_server.files = {"/a": b"1"}
    """,
    "nothing_to_assert": """
        def test_it(ftp_server):
            ftp_server.faults.assert_fired()
    """,
    "files_that_differ": """
        @pytest.mark.ftp(files={"/out/a.csv": b"id;name\\n1;ann\\n", "/out/b.csv": b"2"})
        def test_it(ftp_server):
            assert ftp_server.files == {"/out/a.csv": b"id;name\\n1;Ann\\n", "/out/c.csv": b"3"}
    """,
    "log_that_is_compared": """
        def test_it(ftp_server):
            assert ftp_server.log == ["USER user"]
    """,
    "failure_of_the_server": """
        def test_it(ftp_server):
            boom(ftp_server)
    """,
    "two_servers": """
        def test_it(ftp_server, ftp_server_factory):
            talk(ftp_server, "NOOP")
            talk(ftp_server_factory(), "SYST")
            ftp_server.log.assert_sent("SYST")
    """,
    "long_dialogue": """
        def test_it(ftp_server):
            talk(ftp_server, *["NOOP"] * 50, *(f"MKD /{number}" for number in range(50)), "CWD /1", "PWD")
            ftp_server.log.assert_sent("MKD /25 -> 550")
    """,
}


def report(text: str) -> str:
    """What a run said of its failing test, without what is another in every run."""
    start = re.search(r"(?m)^=+ (FAILURES|ERRORS) =+$", text)
    assert start is not None, text
    text = text[start.start() :]
    for pattern, normal in (
        (r"(?m)^ *[0-9]+\.[0-9]{3} (?=[*<>=!] )", "    0.000 "),
        (r"(?<=until )[0-9.]+", "0.000"),
        (r"\b[0-9]+\.[0-9]{3} s:", "0.000 s:"),
        (r"127\.0\.0\.1:[0-9]+", "127.0.0.1:40000"),
        (r" in [0-9.]+s", " in 0.00s"),
        (r"0x[0-9a-f]{8,}", "0x0"),
        (r"(?m)^[^\s]*/(?=[a-z_]+\.py:[0-9]+: )", ""),
        (r"(?m)[ \t]+$", ""),
        (r"(?m)^ +0\.000 \* closed: quit\n", ""),  # which may come later than the report
    ):
        text = re.sub(pattern, normal, text)
    return text.rstrip() + "\n"


def report_of(name: str, pytester: pytest.Pytester) -> str:
    """The report of a suite."""
    before = (TALK, BROKEN) if "boom(" in SUITES[name] else (TALK,)
    pytester.makepyfile(test_inner="\n".join(map(dedent, (*before, SUITES[name]))))
    return report(
        pytester.runpytest_inprocess(*PLAIN, "-p", "no:logging", "--color=no", "--no-showlocals").stdout.str()
    )


@pytest.mark.parametrize("name", SUITES)
def test_report(name: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is the golden one; where it should be another, its file is changed, after reading it."""
    monkeypatch.setenv("COLUMNS", "100")

    assert report_of(name, pytester) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_report_has_its_suite() -> None:
    """No file is left of a suite that is gone."""
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(SUITES)


@pytest.mark.parametrize("mode", ["short", "all", "none"])
def test_how_much_of_the_dialogue(mode: str, pytester: pytest.Pytester) -> None:
    """The option, or else the ini file, says how much of the dialogue is shown; the message never repeats it."""
    source = SUITES["long_dialogue"]
    pytester.makepyfile(test_inner="\n".join((dedent(TALK), dedent(source))))
    pytester.makeini(f"[pytest]\nftp_dialogue = {mode}\n")
    by_ini = pytester.runpytest_inprocess(*PLAIN).stdout.str()
    pytester.makeini("[pytest]\nftp_dialogue = short\n")
    by_option = pytester.runpytest_inprocess(*PLAIN, f"--ftp-dialogue={mode}").stdout.str()

    for text in (by_ini, by_option):
        assert text.count("> USER user") == (mode != "none")
        assert text.count("> NOOP") == {"short": 1, "all": 50, "none": 0}[mode]
        assert "MKD /25 -> 550: expected at least once, seen never" in text


def test_without_sections(pytester: pytest.Pytester) -> None:
    """Where pytest shows no sections, the message keeps the dialogue, unless none is wanted."""
    pytester.makepyfile(test_inner="\n".join((dedent(TALK), dedent(SUITES["command_never_sent"]))))

    for args, count in (((), 1), (("--ftp-dialogue=none",), 0)):
        text = pytester.runpytest_inprocess(*PLAIN, "--show-capture=no", *args).stdout.str()
        assert text.count("> USER user") == count


def test_a_wrong_mode(pytester: pytest.Pytester) -> None:
    """It ends the run, with those that there are."""
    pytester.makeini("[pytest]\nftp_dialogue = long\n")
    result = pytester.runpytest_inprocess(*PLAIN)

    result.stderr.fnmatch_lines(["ERROR: ftp_dialogue takes one of short, all, none, not 'long' (in the ini file)"])


@pytest.mark.parametrize("way", ["xdist", "unittest", "asyncio"])
def test_the_dialogue_is_shown_once(way: str, pytester: pytest.Pytester) -> None:
    """However a test is written and run, its report has the dialogue once, and what never happened."""
    sources = {
        "unittest": """
            import unittest

            class TestIt(unittest.TestCase):
                @pytest.fixture(autouse=True)
                def _server(self, ftp_server):
                    self.server = ftp_server

                @pytest.mark.ftp(faults=["SYST: answer 450"])
                def test_it(self):
                    talk(self.server)
                    self.server.log.assert_sent("NOOP")
        """,
        "asyncio": """
            import asyncio

            @pytest.mark.asyncio
            @pytest.mark.ftp(faults=["SYST: answer 450"])
            async def test_it(ftp_server):
                await asyncio.to_thread(talk, ftp_server)
                ftp_server.log.assert_sent("NOOP")
        """,
    }
    plain = """
        @pytest.mark.ftp(faults=["SYST: answer 450"])
        def test_it(ftp_server):
            talk(ftp_server)
            ftp_server.log.assert_sent("NOOP")
    """
    pytester.makepyfile(test_inner="\n".join((dedent(TALK), dedent(sources.get(way, plain)))))
    args = {"xdist": ("-n", "1")}.get(way, ())
    text = pytester.runpytest_inprocess(*PLAIN, *args).stdout.str()

    assert text.count("> USER user") == 1
    assert text.count("on('SYST').answer(450) happened 0 times: QUIT was seen, but the fault is for SYST") == 1
