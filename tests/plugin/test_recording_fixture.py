"""The fixture `ftp_recording` and the option --ftp-record: each test runs pytest on a small suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.store import load
from tests.plugin import test_fixtures
from tests.support.servers import PASSWORD, Peer, Vsftpd

FETCH = """
    import os

    def fetch(server, *commands, path="/a.csv"):
        received = []
        with ftplib.FTP(timeout=10) as ftp:
            ftp.connect(*server.address)
            ftp.login(*server.credentials)
            for command in commands:
                ftp.sendcmd(command)
            ftp.retrbinary(f"RETR {path}", received.append)
        return b"".join(received)

    pytestmark = pytest.mark.ftp_recording(upstream=os.environ.get("REAL_FTP_URL"))
"""
FEED = """
    def test_feed(ftp_recording):
        assert fetch(ftp_recording) == b"a,b"
"""
PLACE = Path("recordings") / "test_inner"


class Run(test_fixtures.Run):
    """Runs pytest on a module with a client, with a real server or without one."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(pytester)
        self._monkeypatch = monkeypatch

    def __call__(
        self, *sources: str, args: Sequence[str] = (), mode: str = "", real: FtpServer | Peer | None = None
    ) -> pytest.RunResult:
        """Run pytest on the sources."""
        if isinstance(real, Peer):
            url = f"ftp://{real.user}:{PASSWORD}@{real.host}:{real.port}"
        else:
            url = "" if real is None else real.url
        self._monkeypatch.setenv("REAL_FTP_URL", url)
        return super().__call__(FETCH, *sources, args=[*args, *([f"--ftp-record={mode}"] if mode else [])])

    def files(self) -> list[str]:
        """The recordings, by their paths below the folder for recordings."""
        folder = self.pytester.path / "recordings"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.ftp.jsonl"))

    def place(self, name: str = "test_feed") -> Path:
        """The path of a recording."""
        return self.pytester.path / PLACE / f"{name}.ftp.jsonl"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, outside of CI, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CI", raising=False)
    return Run(pytester, monkeypatch)


@pytest.fixture
def real() -> Iterator[FtpServer]:
    """A server that stands for the real one."""
    with FtpServer(files={"/a.csv": b"a,b"}, users={"ann": "se cret"}) as server:
        yield server


# The modes.


def test_once_records_what_is_not_there_and_plays_it_ever_after(run: Run, real: FtpServer) -> None:
    """The recording is beside the test, without the password; with it, no real server is needed."""
    result = run(FEED, real=real)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= FTP recordings =*", "recorded: recordings/test_inner/test_feed.ftp.jsonl"])
    content = run.place().read_text(encoding="utf-8")
    assert '">": "PASS {password}"' in content
    assert "cret" not in content
    assert len(real.log.sessions) == 1

    result = run(FEED)
    result.assert_outcomes(passed=1)
    assert "recorded:" not in result.stdout.str()
    run(FEED, real=real).assert_outcomes(passed=1)
    assert len(real.log.sessions) == 1
    assert run.place().read_text(encoding="utf-8") == content


def test_the_default_in_ci_is_none(run: Run, real: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI is set nothing is recorded unless the command line or the ini file says so; a recording is played."""
    monkeypatch.setenv("CI", "true")
    result = run(FEED, real=real)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*there is no recording *test_feed.ftp.jsonl, and --ftp-record=none, *commit the file"]
    )
    assert real.log.sessions == []

    run.pytester.makeini("[pytest]\nftp_record = once\n")
    run(FEED, real=real, mode="none").assert_outcomes(errors=1)
    run(FEED, real=real).assert_outcomes(passed=1)
    (run.pytester.path / "tox.ini").unlink()
    run(FEED, real=real).assert_outcomes(passed=1)
    assert len(real.log.sessions) == 1


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_all_records_again(run: Run, real: FtpServer, mode: str) -> None:
    """A recording that is there is replaced, when the test passes."""
    run(FEED, real=real).assert_outcomes(passed=1)
    before = run.place().read_bytes()
    run(FEED, real=real, mode=mode).assert_outcomes(passed=1)
    assert run.place().read_bytes() == before
    real.files["/a.csv"] = b"new"
    run(FEED, real=real, mode=mode).assert_outcomes(failed=1)
    assert run.place().read_bytes() == before
    run(FEED.replace("a,b", "new"), real=real, mode=mode).assert_outcomes(passed=1)
    assert b'"text": "new"' in run.place().read_bytes()


@pytest.mark.illegal_replies
def test_new_adds_what_is_not_recorded(run: Run, real: FtpServer) -> None:
    """A session goes on at the real server; what was said is recorded, and sessions that no client began are kept."""
    both = """
    def test_feed(ftp_recording):
        fetch(ftp_recording)
        fetch(ftp_recording, "SYST")
    """
    run(both, real=real).assert_outcomes(passed=1)
    before = run.place().read_bytes()
    result = run(both.replace('"SYST"', '"NOOP"'), real=real, mode="none")
    result.assert_outcomes(failed=1, errors=1)
    assert len(real.log.sessions) == 2

    run(both, real=real, mode="new").assert_outcomes(passed=1)
    assert run.place().read_bytes() == before
    assert len(real.log.sessions) == 2

    first = both.replace("fetch(ftp_recording)", 'fetch(ftp_recording, "PWD")').replace(
        'fetch(ftp_recording, "SYST")', ""
    )
    run(first, real=real, mode="spy").assert_outcomes(passed=1)
    assert run.place().read_bytes() == before
    run(first, real=real, mode="new").assert_outcomes(passed=1)
    sessions = {line.session for line in load(run.place()).lines}
    assert sessions == {1, 2}
    content = run.place().read_text(encoding="utf-8")
    assert ('{"s": 1, ">": "PWD"}' in content, '{"s": 2, ">": "SYST"}' in content) == (True, True)
    run(first + "    fetch(ftp_recording, 'SYST')\n", mode="none").assert_outcomes(passed=1)


@pytest.mark.illegal_replies
@pytest.mark.parametrize("mode", ["once", "none", "new", "spy"])
def test_without_a_real_server_a_recording_is_played(run: Run, real: FtpServer, mode: str) -> None:
    """``upstream=None`` with a recording replays it; a command that is not recorded fails the test."""
    run(FEED, real=real)
    run(FEED, mode=mode).assert_outcomes(passed=1)
    result = run(FEED.replace("(ftp_recording) ==", '(ftp_recording, "SYST") =='), mode=mode)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*SYST was not recorded here*"])


def test_spy_without_a_recording(run: Run, real: FtpServer) -> None:
    """The real server replies, and nothing is written."""
    run(FEED, real=real, mode="spy").assert_outcomes(passed=1)
    assert len(real.log.sessions) == 1
    assert run.files() == []


def test_a_server_of_another_project(run: Run, tmp_path: Path) -> None:
    """A session with vsftpd is recorded, played without it, and verified in another run of vsftpd."""
    with Vsftpd(tmp_path / "one") as peer:
        (peer.root / "a.csv").write_bytes(b"a,b")
        run(FEED, real=peer).assert_outcomes(passed=1)
    run(FEED, mode="none").assert_outcomes(passed=1)
    with Vsftpd(tmp_path / "two") as peer:
        (peer.root / "a.csv").write_bytes(b"a,b")
        run(FEED, real=peer, mode="verify").assert_outcomes(passed=1)
        (peer.root / "a.csv").write_bytes(b"a,c")
        run(FEED.replace("a,b", "a,c"), real=peer, mode="verify").assert_outcomes(passed=1, errors=1)


# What is kept.


def test_a_recording_of_a_failed_test_is_not_kept(run: Run, real: FtpServer) -> None:
    """Neither when the test fails, nor when a fixture fails after it, nor when it is skipped or expected to fail."""
    result = run(
        """
        @pytest.fixture
        def broken(ftp_recording):
            yield
            raise OSError("what a pity")

        def test_failed(ftp_recording):
            fetch(ftp_recording)
            assert False

        def test_broken(ftp_recording, broken):
            fetch(ftp_recording)

        def test_skipped(ftp_recording):
            fetch(ftp_recording)
            pytest.skip("no more")

        @pytest.mark.xfail
        def test_expected(ftp_recording):
            fetch(ftp_recording)
            assert False
        """,
        real=real,
    )
    result.assert_outcomes(failed=1, passed=1, errors=1, skipped=1, xfailed=1)
    assert run.files() == []


def test_what_cannot_be_recorded(run: Run, real: FtpServer) -> None:
    """No client, a fault that changed the dialogue, a password in a file: an error, and no recording."""
    real.files["/b.csv"] = b"the se cret"
    result = run(
        """
        def test_silent(ftp_recording):
            pass

        def test_fault(ftp_recording, ftp_faults):
            ftp_faults.add("RETR: deny")
            with pytest.raises(ftplib.error_perm):
                fetch(ftp_recording)

        def test_secret(ftp_recording):
            fetch(ftp_recording, path="/b.csv")
        """,
        real=real,
    )
    result.assert_outcomes(passed=3, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*test_silent.ftp.jsonl: no client connected to ftp_recording, so that there is nothing to record",
            "*test_fault.ftp.jsonl: nothing was written: 1 fault changed what the real server had sent*",
            "*test_secret.ftp.jsonl:*: nothing was written: this line would have the password*",
        ]
    )
    assert run.files() == []


def test_what_is_not_played_fails(run: Run, real: FtpServer) -> None:
    """A session of the recording that no client plays fails the test, unless the marker allows it."""
    run(FEED, real=real)
    nothing = "def test_feed(ftp_recording):\n    pass\n"
    result = run(nothing)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["no client connected for session 1, which begins with USER {user} (line 4)"])
    run("@pytest.mark.ftp_recording(allow_unplayed=True)\n" + nothing).assert_outcomes(passed=1)


def test_a_test_that_runs_again(run: Run, real: FtpServer) -> None:
    """A plugin repeats failed tests: each run has its own server, and the last one is recorded."""
    run.pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):  # as pytest-rerunfailures does
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            if any(report.failed for report in runtestprotocol(item, nextitem=nextitem, log=False)):
                item._initrequest()
                runtestprotocol(item, nextitem=nextitem)
            return True
        """
    )
    flaky = """
    RUNS = []

    def test_feed(ftp_recording):
        fetch(ftp_recording)
        RUNS.append(1)
        assert len(RUNS) > 1
    """
    run(flaky, real=real).assert_outcomes(passed=1)
    assert len({line.session for line in load(run.place()).lines}) == 1
    assert len(real.log.sessions) == 2
    run(flaky).assert_outcomes(passed=1)


def test_an_old_recording_gets_a_warning(run: Run, real: FtpServer) -> None:
    """With `max_age` the day of the recording is in the file; without it, no day is."""
    aged = "    @pytest.mark.ftp_recording(max_age='30d')\n" + FEED.strip("\n")
    run(FEED, real=real)
    assert '"on"' not in run.place().read_text(encoding="utf-8")
    result = run(aged, args=["-W", "default"])
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*test_feed.ftp.jsonl has no day, and max_age is 30d: record it again with *"])
    run(aged, real=real, mode="all").assert_outcomes(passed=1)
    run(aged).assert_outcomes(passed=1)

    day = load(run.place()).header.on
    assert day is not None
    text = run.place().read_text(encoding="utf-8")
    run.place().write_text(text.replace(str(day), str(day - timedelta(days=31))), encoding="utf-8")
    result = run(aged, args=["-W", "default"])
    result.stdout.fnmatch_lines(["*test_feed.ftp.jsonl is 31 days old, and max_age is 30d: *"])


# Names.


def test_each_test_has_its_own_file(run: Run, real: FtpServer) -> None:
    """Classes and parameters are in the name, in safe characters."""
    suite = """
    class TestFeed:
        @pytest.mark.parametrize("text", ["one", "a/b", "a-b", "long" * 100])
        def test_it(self, ftp_recording, text):
            fetch(ftp_recording)
    """
    run(suite, real=real).assert_outcomes(passed=4)
    names = [Path(name).name.removesuffix(".ftp.jsonl") for name in run.files()]
    assert {"TestFeed.test_it-one", "TestFeed.test_it-a-b"} < set(names)
    assert len(names) == 4
    assert max(map(len, names)) <= 110
    run(suite).assert_outcomes(passed=4)


def test_several_tests_with_one_file(run: Run, real: FtpServer) -> None:
    """They can all play it, and none can record it."""
    suite = """
    def test_{}(ftp_recording):
        fetch(ftp_recording)
    """
    marked = '@pytest.mark.ftp_recording(path="shared/Feed.ftp.jsonl")'
    one, two = (f"{marked}\n{suite.format(name).strip()}".replace("\n    ", "\n") for name in "ab")
    result = run(one, two, real=real)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*Feed.ftp.jsonl is the recording of test_inner.py::test_b, too:*its own path=*"])
    run(one, real=real).assert_outcomes(passed=1)
    assert (run.pytester.path / "shared" / "Feed.ftp.jsonl").is_file()
    run(one, two, mode="none").assert_outcomes(passed=2)


# The marker and other fixtures.


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ("upstrem='x'", "*the marker ftp_recording has no upstrem=: did you mean 'upstream'?"),
        ("upstream='http://x'", "*ftp_recording(upstream) takes a server, such as *, not 'http://x'"),
        ("path='feed.json'", "*ftp_recording(path) takes a path that ends in .ftp.jsonl, *not 'feed.json'"),
        ("'feed.ftp.jsonl'", "*the marker ftp_recording takes names, as in ftp_recording(path='feed.ftp.jsonl')"),
        ("tls='tls'", "*ftp_recording(tls) takes one of explicit, implicit, required, or None*, not 'tls'"),
        ("upstream=None", "*there is no recording *, and the real server is not known: *set that variable*"),
        (
            "redact={'token': None}",
            "*redact={'token': None}: to record, the text that {token} stands for must be known*",
        ),
    ],
    ids=["unknown", "upstream", "path", "positional", "tls", "no-server", "no-secret"],
)
def test_wrong_markers(run: Run, real: FtpServer, marker: str, text: str) -> None:
    """Each is an error with what would work."""
    result = run(f"@pytest.mark.ftp_recording({marker})\ndef test_it(ftp_recording):\n    pass\n", real=real)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([text])


def test_a_marker_without_the_fixture(run: Run) -> None:
    """A marker that reaches no server fails its test; that of a module is a default."""
    result = run("@pytest.mark.ftp_recording()\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*the marker ftp_recording reached no server: make ftp_recording an argument*"])


def test_a_wrong_mode(run: Run) -> None:
    """The error has the list, from the command line and from the ini file."""
    result = run(FEED, args=["--ftp-record=twice"])
    result.stderr.fnmatch_lines(["*--ftp-record: invalid choice: 'twice' (choose from *none*once*new*all*"])
    run.pytester.makeini("[pytest]\nftp_record = twice\n")
    result = run(FEED)
    result.stderr.fnmatch_lines(["ERROR: ftp_record takes one of none, once, new, *, not 'twice' (in the ini file)"])


def test_other_fixtures_belong_to_it(run: Run, real: FtpServer) -> None:
    """`ftp_log`, `ftp_faults` and `ftp_client` are of the server that records or plays, also with TLS."""
    suite = """
    def test_log(ftp_log, ftp_faults, ftp_recording):
        assert ftp_log is ftp_recording.log and ftp_faults is ftp_recording.faults
        fetch(ftp_recording)
        assert ftp_log.commands

    @pytest.mark.asyncio
    @pytest.mark.ftp_recording(tls="explicit")
    async def test_client(ftp_client, ftp_recording, ftp_log):
        assert str(await ftp_client.get_current_directory()) == "/"
        assert ftp_log.commands
    """
    with FtpServer(files={"/a.csv": b"a,b"}, tls="explicit") as secure:
        run(suite, real=secure).assert_outcomes(passed=2)
    run(suite).assert_outcomes(passed=2)
    faulty = """
    def test_log(ftp_recording, ftp_faults):
        ftp_faults.add("RETR: reset_data")
        with pytest.raises((OSError, EOFError, ftplib.Error)):
            fetch(ftp_recording)
    """
    run(faulty).assert_outcomes(passed=1)


def test_settings_of_the_project(run: Run, real: FtpServer) -> None:
    """Files of `ftp_config` are for other servers; a marker `ftp` is for the recorded one, unless there is another."""
    result = run(
        """
        @pytest.fixture
        def ftp_config():
            return {"files": {"/b.csv": b"c"}, "hang_after": 5}

        def test_feed(ftp_recording, ftp_server):
            assert fetch(ftp_recording) == b"a,b"
            assert ftp_server.files == {"/b.csv": b"c"}

        @pytest.mark.ftp(name="partner")
        def test_name(ftp_recording):
            fetch(ftp_recording)
            assert ftp_recording.name == "partner"

        @pytest.mark.ftp(files={})
        def test_files(ftp_recording):
            pass

        def test_scripts(ftp_recording, ftp_users):
            pass
        """,
        real=real,
    )
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines_random(["*files= with upstream=*", "*takes no scripts: leave out ftp_users"])


# No other machine.


def test_none_reaches_this_machine_alone(run: Run, real: FtpServer) -> None:
    """A test in the mode "none" fails when it connects elsewhere; a redirected host is this machine."""
    run(FEED, real=real)
    suite = """
    import socket
    import types

    def test_feed(ftp_recording):
        partner = types.SimpleNamespace(
            address=("ftp.partner.example", 21), credentials=ftp_recording.credentials
        )
        with ftp_recording.as_host("ftp.partner.example"):
            assert fetch(partner) == b"a,b"
        socket.getaddrinfo("localhost", 21)
    """
    run(suite, mode="none").assert_outcomes(passed=1)
    for host in ("192.0.2.1", "2001:db8::1", "ftp.other.example"):
        away = f"""
        with pytest.raises(PermissionError, match="is another machine"):
            socket.create_connection(({host!r}, 21), timeout=5)
        """
        result = run(suite.rstrip() + away, mode="none")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"{host} is another machine, and a test with ftp_recording connects to none*"])


# The summary.


def test_verify_tells_what_has_changed(run: Run, real: FtpServer) -> None:
    """The test fails with the differences, the summary has a table, also under xdist, and the recording stays."""
    suite = """
    def test_feed(ftp_recording):
        fetch(ftp_recording, "PWD")
    """
    result = run(suite, real=real, mode="verify")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--ftp-record=verify has no recording *: make it with --ftp-record=once"])
    run(suite, real=real).assert_outcomes(passed=1)
    before = run.place().read_bytes()
    run(suite, real=real, mode="verify").assert_outcomes(passed=1)

    real.files["/a.csv"] = b"a;b"
    result = run(suite, real=real, mode="verify", args=["-n", "1"])
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*the real server is not as in *test_feed.ftp.jsonl:",
            "session 1, line *: data of RETR /a.csv: expected 'a,b' *; seen 'a;b' *",
            "*= FTP servers that differ from their recordings =*",
            "recording * line * what * recorded * now",
            "recordings/test_inner/test_feed.ftp.jsonl *data of RETR /a.csv *'a,b' in line 1*'a;b' in line 1*",
        ]
    )
    assert run.place().read_bytes() == before


STALE = "stale: recordings/test_inner/test_gone.ftp.jsonl"


@pytest.mark.parametrize(
    ("args", "told"),
    [([], True), (["-n", "1"], True), (["-m", "slow"], True), (["-k", "feed"], False), (["test_inner.py"], False)],
    ids=["all", "xdist", "marked", "keyword", "file"],
)
def test_stale_recordings_are_told_after_a_full_run(run: Run, real: FtpServer, args: list[str], told: bool) -> None:
    """Only a run that has collected all tests knows; a test that is skipped or deselected still has its recording."""
    suite = """
    def test_gone(ftp_recording):
        fetch(ftp_recording)

    @pytest.mark.slow
    def test_feed(ftp_recording):
        fetch(ftp_recording)
    """
    run.pytester.makeini("[pytest]\nmarkers = slow\n")
    run(suite, real=real)
    rest = suite.replace("test_gone(ftp_recording)", "test_gone()").replace("fetch(ftp_recording)", "pass", 1)
    skipped = rest.replace("@pytest.mark.slow", "@pytest.mark.slow\n    @pytest.mark.skip")
    output = run(skipped, args=args).stdout.str()
    assert (STALE in output) is told
    assert "stale: recordings/test_inner/test_feed" not in output


def test_rewrite_removes_stale_recordings(run: Run, real: FtpServer) -> None:
    """It does after a full run that passed, and not those of a module whose tests are unknown."""
    both = FEED + FEED.replace("test_feed", "test_gone")
    run(both, real=real).assert_outcomes(passed=2)
    result = run(FEED + "    def test_other():\n        assert False\n", real=real, mode="rewrite")
    assert STALE in result.stdout.str()
    result = run(FEED, real=real, mode="rewrite")
    result.stdout.fnmatch_lines(["removed: recordings/test_inner/test_gone.ftp.jsonl"])
    assert run.files() == ["test_inner/test_feed.ftp.jsonl"]

    run("pytest.skip('not here', allow_module_level=True)", real=real, mode="rewrite")
    assert run.files() == ["test_inner/test_feed.ftp.jsonl"]
