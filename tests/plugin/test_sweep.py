"""The marker ``ftp_sweep`` in whole runs of pytest: maps, points, verdicts and options."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.timeout(240)  # several runs of pytest each

QUIET = (
    *("-p", "no:localftpserver", "-p", "no:randomly", "-W", "error"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)

SOURCE = """
import ftplib
import pytest

def fetch(address, credentials, path):
    with ftplib.FTP(timeout=30) as ftp:
        ftp.connect(*address)
        ftp.login(*credentials)
        with open(path, "wb") as out:
            ftp.retrbinary("RETR /a.csv", out.write)
        {check}

@pytest.mark.ftp_sweep(points={points})
@pytest.mark.ftp(files={{"/a.csv": b"a,b" * 1000}})
def test_fetch(ftp_server, tmp_path):
    fetch(ftp_server.address, ftp_server.credentials, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == ftp_server.files["/a.csv"]
"""
CHECK = 'assert_whole = ftp.size("/a.csv") == out.tell() or exec("raise EOFError")'


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are those of a developer, who may write maps."""
    monkeypatch.delenv("CI", raising=False)


def _write(pytester: pytest.Pytester, points: object = "quick", check: str = CHECK) -> None:
    check = check.replace("out.tell()", "__import__('os').stat(path).st_size")
    pytester.makepyfile(test_it=SOURCE.format(points=repr(points), check=check))


def _run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*QUIET, *options)


def _map(pytester: pytest.Pytester, name: str = "test_fetch") -> Path:
    return pytester.path / "ftp_sweeps" / "test_it" / f"{name}.jsonl"


def _rows(pytester: pytest.Pytester) -> dict[str, dict[str, object]]:
    lines = map(json.loads, _map(pytester).read_text().splitlines()[1:])
    return {line["point"]: line for line in lines}


def test_a_map_is_made_and_holds_what_was_seen(pytester: pytest.Pytester) -> None:
    """By itself in the first run; a changed verdict fails in a later one, until it is accepted.

    The points that wait for nothing run with real connections, too, from the second run on.
    """
    _write(pytester)
    first = _run(pytester)
    assert first.ret == 0, first.outlines
    rows = _rows(pytester)
    assert rows["RETR.1-data.half-truncate"]["seen"] == "failed"
    assert {row["seen"] for row in rows.values() if row["set"] == "quick"} == {"failed", "recovered"}
    assert not any(row.get("seen") for row in rows.values() if row["set"] != "quick")
    first.stdout.re_match_lines([r".*test_fetch\.jsonl: \d+ verdicts written: commit the file"])
    assert rows["RETR.1-data.half-stall_data"]["waits"] == 30
    again = _run(pytester, "-v")
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*test_fetch?RETR.1-data.half-reset_data+real? FAILED*"])
    assert _rows(pytester) == rows

    text = _map(pytester).read_text()
    [line] = [line for line in text.splitlines() if '"RETR.1-data.half-reset_data"' in line]
    changed = text.replace(line, line.replace('"seen": "failed"', '"seen": "recovered"'))
    _map(pytester).write_text(changed)
    failing = _run(pytester)
    failing.assert_outcomes(failed=2, passed=again.parseoutcomes()["passed"] - 2)  # simulated, and real
    failing.stdout.fnmatch_lines(["*failed*: the code raised one of the exceptions*", "its map has recovered"])
    assert _map(pytester).read_text() == changed
    assert _run(pytester, "--ftp-update").ret == 0
    assert _map(pytester).read_text() == text


def test_a_bad_verdict_fails_until_it_is_accepted_with_a_reason(pytester: pytest.Pytester) -> None:
    """The report has the line that repeats it in an ordinary test."""
    _write(pytester, ["truncate"], "pass")
    options = ("-k", "half-truncate and not forever and not real")
    for _ in range(2):
        result = _run(pytester, *options)
        result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
        result.stdout.fnmatch_lines(
            [
                "RETR.1-data.half-truncate (RETR /a.csv): wrong: an assertion of the test failed*",
                "it repeats with @pytest.mark.ftp(faults=['RETR #1: truncate at=50%'])",
                'to accept it, add "accept": "the reason" to the line of RETR.1-data.half-truncate in the map',
                "*FTP dialogue*",
            ]
        )
    text = _map(pytester).read_text()
    _map(pytester).write_text(text.replace('"seen": "wrong"', '"seen": "wrong", "accept": "issue 12"'))
    assert _run(pytester, *options).ret == 0


def test_runs_keep_no_servers(pytester: pytest.Pytester) -> None:
    """What a run had is freed after it, also when it failed: a sweep has thousands of runs."""
    pytester.makeconftest("""
        import gc

        def pytest_runtest_logfinish(nodeid):
            gc.collect()
            servers = [one for one in gc.get_objects() if type(one).__name__ == "FtpServer"]
            with open("servers", "a") as out:
                out.write(f"{len(servers)} ")
    """)
    _write(pytester, points=["reset", "close"])
    assert _run(pytester).ret == 0
    counts = [int(word) for word in (pytester.path / "servers").read_text().split()]
    assert len(counts) > 20
    assert max(counts) <= 1, counts  # pytest keeps the last error in sys.last_value


def test_ci_makes_no_map(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to run, and so does a run in several processes."""
    _write(pytester)
    missing = ["*test_it.py::test_fetch: it has no map", "*pytest --ftp-sweep=map 'test_it.py::test_fetch'*"]
    _run(pytester, "-n2").stdout.fnmatch_lines(missing)
    monkeypatch.setenv("CI", "true")
    result = _run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(missing)
    assert not _map(pytester).exists()
    made = _run(pytester, "--ftp-sweep=map")
    made.assert_outcomes(passed=3)
    made.stdout.re_match_lines([r".*test_fetch\.jsonl: \d+ points, \d+ of them new, 0 gone; simulated"])
    before = _map(pytester).read_text()
    assert _run(pytester).ret == 0
    assert _map(pytester).read_text() == before  # CI writes nothing


def test_selection(pytester: pytest.Pytester) -> None:
    """Off, by name, by mark, by number and by part; workers agree."""
    _write(pytester)
    _run(pytester)
    everything = _run(pytester).parseoutcomes()["passed"]
    _run(pytester, "--ftp-sweep=off").assert_outcomes(passed=1)
    _run(pytester, "-k", "RETR.1-data.half-reset_data and not real").assert_outcomes(
        passed=1, deselected=everything - 1
    )
    stalls = _run(pytester, "-m", "ftp_stall").parseoutcomes()
    assert stalls["passed"] + stalls["deselected"] == everything
    _run(pytester, "--ftp-sweep-max=3").assert_outcomes(passed=4, deselected=everything - 4)
    first = _run(pytester, "--ftp-sweep-max=1", "-v")
    first.stdout.fnmatch_lines(["*RETR.1-data.half-truncate?*FAILED*"])
    parts = [_run(pytester, f"--ftp-sweep-shard={part}/3").parseoutcomes()["passed"] for part in (1, 2, 3)]
    assert sum(parts) == everything + 2  # each part has the run without a fault
    few = _run(pytester, "-n2", "--ftp-sweep-max=5")
    few.assert_outcomes(passed=6)
    few.stdout.fnmatch_lines([f"{everything - 6} points are left out by the options"])


def test_the_report(pytester: pytest.Pytester) -> None:
    """The matrix, the causes and what was left out; the same under pytest-xdist; as a page, as JSON and for JUnit."""
    _write(pytester, check="pass")
    _run(pytester)
    files = ("--ftp-sweep-html=out/a.html", "--ftp-sweep-json=out/a.json", "--junitxml=out/a.xml")
    texts = []
    for options in ((), ("-n2", *files)):
        result = _run(pytester, *options)
        lines = result.outlines
        begin = next(number for number, line in enumerate(lines) if line.startswith("test_it.py::test_fetch: "))
        texts.append(lines[begin + 1 : begin + 12])
        result.stdout.fnmatch_lines(
            [
                "RETR.1 /a.csv *W*",
                "*W wrong 2*",
                "left out: * (another point puts the same bytes on the wire)*",
                "2 points, one cause: test_it.py:*: wrong: AssertionError: *",
                "    test_it.py::test_fetch: RETR.1-data.half-truncate, RETR.1-data.half-truncate+real",
            ]
        )
    assert texts[0] == texts[1]
    points = json.loads((pytester.path / "out/a.json").read_text())["points"]
    wrong = next(point for point in points if point["point"] == "RETR.1-data.half-truncate")
    assert (wrong["verdict"], wrong["expected"], wrong["fault"]) == ("wrong", "wrong", "RETR #1: truncate at=50%")
    page = (pytester.path / "out/a.html").read_text()
    assert page.count("<article") == len(points)
    assert "&gt; RETR /a.csv" in page
    junit = (pytester.path / "out/a.xml").read_text()
    assert '<property name="ftp_sweep_verdict" value="wrong"' in junit


def test_a_session_that_has_changed(pytester: pytest.Pytester) -> None:
    """The run without a fault says what differs, and a fault that never happens is no success."""
    _write(pytester)
    _run(pytester)
    _write(pytester, check="ftp.size('/a.csv') and ftp.sendcmd('NOOP')")
    result = _run(pytester, "-k", "clean")
    result.stdout.fnmatch_lines(
        ["*its session is another one than that of its map: NOOP.1 is new: make the map again*"]
    )
    _write(pytester, check="ftp.sendcmd('NOOP')")
    result = _run(pytester, "-k", "SIZE.1-command-550 and not real")
    result.stdout.fnmatch_lines(["*SIZE #1: answer 550 *never happened: its session is another one*"])
    again = _run(pytester, "--ftp-sweep=map")
    again.stdout.re_match_lines([r".* points, \d+ of them new, [1-9]\d* gone; simulated"])


WRONG = {
    "@pytest.mark.ftp_sweep(raise_=OSError)": "the marker ftp_sweep has no raise_: did you mean 'raises'?*",
    "@pytest.mark.ftp_sweep('RETR')": "the marker ftp_sweep takes names: *",
    "@pytest.mark.ftp_sweep(raises='OSError')": "raises of the marker ftp_sweep is an exception class or a tuple*",
    "@pytest.mark.ftp_sweep(points='fast')": "points of the marker ftp_sweep *quick*standard*all*",
    "@pytest.mark.ftp_sweep(points=['reset_dat'])": "points of the marker *no fault has the word 'reset_dat'*reset_*",
    "@pytest.mark.ftp_sweep(points=[])": "points of the marker ftp_sweep is one of quick, standard, all, or a list *",
    "@pytest.mark.ftp_sweep(timeout='x')": "timeout *",
}


def test_wrong_markers(pytester: pytest.Pytester) -> None:
    """Each with what would be right."""
    tests = [f"{marker}\ndef test_{number}(ftp_server): pass\n" for number, marker in enumerate(WRONG)]
    pytester.makepyfile("import pytest\n" + "\n".join(tests))
    result = _run(pytester, "--ftp-sweep=quick", "-n1")
    result.assert_outcomes(errors=len(WRONG))
    for text in WRONG.values():
        result.stdout.fnmatch_lines([f"*{text}"])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--ftp-sweep=fast", "*--ftp-sweep*off*map*quick*standard*all*"),
        ("--ftp-sweep-max=0", "*--ftp-sweep-max takes a number of points from 1, such as 100, and not '0'"),
        ("--ftp-sweep-budget=5x", "*--ftp-sweep-budget takes a time, such as 60s, 5m or 1h, and not '5x'"),
        ("--ftp-sweep-shard=5/4", "*--ftp-sweep-shard takes a part and how many there are, such as 1/4, and not '5/4'"),
    ],
)
def test_wrong_options(pytester: pytest.Pytester, option: str, text: str) -> None:
    """They end the run before it begins."""
    result = _run(pytester, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


def test_what_cannot_be_swept(pytester: pytest.Pytester) -> None:
    """A method of a TestCase, a test without a server, a test that fails by itself, sessions that differ."""
    source = """
    import ftplib
    import unittest
    import pytest

    @pytest.mark.ftp_sweep
    class TestOld(unittest.TestCase):
        def test_method(self):
            pass

    @pytest.mark.ftp_sweep
    def test_nothing():
        pass

    @pytest.mark.ftp_sweep
    def test_wrong(ftp_server):
        with ftplib.FTP(timeout=5) as ftp:
            ftp.connect(*ftp_server.address)
        assert 1 == 2

    @pytest.mark.ftp_sweep
    @pytest.mark.skipif("True")
    def test_skipped(ftp_server):
        pass

    @pytest.mark.ftp_sweep
    def test_skips_itself(ftp_server):
        pytest.skip("not here")

    RUNS = []

    @pytest.mark.ftp_sweep
    def test_different(ftp_server):
        RUNS.append(1)
        with ftplib.FTP(timeout=5) as ftp:
            ftp.connect(*ftp_server.address)
            for _ in RUNS:
                ftp.sendcmd("NOOP")
    """
    pytester.makepyfile(dedent(source))
    result = _run(pytester)
    result.assert_outcomes(failed=3, errors=1, skipped=2)
    for text in (
        "*methods of a unittest.TestCase cannot have: write the test as a function",
        "*test_nothing: no map: no client connected to a server of it",
        "E       assert 1 == 2",
        "*test_different: no map: two runs without a fault differ, * NOOP.3 is new",
    ):
        result.stdout.fnmatch_lines([text])


def test_parameters_classes_and_fixtures_with_connections(pytester: pytest.Pytester) -> None:
    """Each set of parameters has its map; what a fixture leaves open until its end is no leak."""
    source = """
    import ftplib
    import pytest

    @pytest.fixture
    def ftp(ftp_server):
        with ftplib.FTP(timeout=30) as ftp:
            ftp.connect(*ftp_server.address)
            ftp.login(*ftp_server.credentials)
            yield ftp
            ftp.quit()

    class TestAll:
        @pytest.mark.ftp_sweep(points="quick")
        @pytest.mark.parametrize("verb", ["PWD", "NOOP/x"])
        def test_one(self, ftp, ftp_server, verb):
            ftp.sendcmd(verb.partition("/")[0])
    """
    pytester.makepyfile(test_it=dedent(source))
    for _ in range(2):
        result = _run(pytester)
        assert result.ret == 0, result.outlines
    folder = _map(pytester).parent
    assert sorted(file.name for file in folder.iterdir()) == [
        "TestAll.test_one[NOOP%2Fx].jsonl",
        "TestAll.test_one[PWD].jsonl",
    ]
    text = (folder / "TestAll.test_one[PWD].jsonl").read_text()
    assert "PWD.1-command-reset" in text
    assert "NOOP" not in text
    assert re.search(r'"point": "QUIT.1-command-reset".*"seen": "failed"', text), text


def test_other_servers(pytester: pytest.Pytester) -> None:
    """Those of many tests, two of one test, and a recorded one."""
    source = """
    import ftplib
    import io
    import pytest
    from ftpfixture import FtpServer

    FILES = {"/a": b"x" * 5000}

    def use(server):
        with ftplib.FTP(timeout=0.4) as ftp:
            ftp.connect(*server.address)
            ftp.login("user", "password")
            content = io.BytesIO()
            ftp.retrbinary("RETR /a", content.write)
            if content.tell() != 5000:
                raise EOFError

    with FtpServer(files=FILES) as server, server.record("a.ftp.jsonl"):
        use(server)

    @pytest.fixture(scope="session")
    def shared(ftp_session_server_factory):
        return ftp_session_server_factory(files=FILES)

    @pytest.mark.ftp_sweep(points="quick")
    def test_shared(shared):
        use(shared)

    @pytest.mark.ftp_sweep(points="quick")
    def test_two(ftp_server_factory):
        one, other = ftp_server_factory(files=FILES), ftp_server_factory(files=FILES)
        use(one)
        use(other)

    @pytest.mark.ftp_sweep(points="quick")
    @pytest.mark.ftp_recording(path="a.ftp.jsonl")
    def test_recorded(ftp_recording):
        use(ftp_recording)
    """
    pytester.makepyfile(test_it=dedent(source))
    result = _run(pytester)
    assert result.ret == 0, result.outlines
    result.stdout.fnmatch_lines(["srv2.RETR.1 /a *fff"])
    heads = [
        _map(pytester, name).read_text().partition("\n")[0] for name in ("test_shared", "test_two", "test_recorded")
    ]
    assert ['"simulated": true' in head for head in heads] == [False, True, False]


def test_a_hang_with_real_connections(pytester: pytest.Pytester) -> None:
    """Silence ends it: also that of a program, and that of a client for which nothing is withheld."""
    source = """
    import socket
    import subprocess
    import sys
    import pytest

    CODE = "import ftplib, sys; f = ftplib.FTP(); f.connect('::1', int(sys.argv[1])); f.login('user', 'password')"

    @pytest.mark.ftp_sweep(points=["ignore"], raises=subprocess.CalledProcessError, timeout=0.5)
    @pytest.mark.ftp(host="::1")
    def test_program(ftp_server):
        subprocess.run([sys.executable, "-c", CODE, str(ftp_server.port)], check=True, capture_output=True)

    @pytest.mark.ftp_sweep(points=["answer"], timeout=0.5)
    @pytest.mark.ftp(simulate=False)
    def test_reads_on(ftp_server):
        with socket.create_connection(ftp_server.address) as sock:
            sock.recv(100)
            for line in ("NOOP", "QUIT"):
                sock.sendall(f"{line}\\r\\n".encode())
                while not (reply := sock.recv(100)).startswith(b"2"):
                    if not reply:
                        raise EOFError
    """
    pytester.makepyfile(test_it=dedent(source))
    result = _run(pytester)
    failed = [found[1] for line in result.outlines if (found := re.match(r"([A-Z]+) test_it.py::", line))]
    for command in ("USER user", "NOOP"):
        assert f"the client waited 0.5 s at {command} without giving up" in result.stdout.str()
    assert failed == ["HUNG"] * 4, result.outlines
    text = _map(pytester, "test_program").read_text()
    assert text.count('"seen": "hung"') == 2, text
    assert '"simulated"' not in text
