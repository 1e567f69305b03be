"""The pytest plugin as a user sees it: each test runs pytest on a small suite."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Sequence
from textwrap import dedent

import pytest

# For the suites inside: they have no settings of their own, and this project's plugins are loaded there too.
PLUGINS_OUT = ("randomly", "cacheprovider", "localftpserver", "timeout")
PLAIN = (
    "-W",
    "error",
    "-o",
    "asyncio_default_fixture_loop_scope=function",
    *(word for name in PLUGINS_OUT for word in ("-p", f"no:{name}")),
)

TALK = """
import ftplib
import pytest

def talk(server, *commands, user="user", password="password"):
    with ftplib.FTP() as ftp:
        ftp.connect(server.host, server.port, timeout=10)
        ftp.login(user, password)
        return [ftp.sendcmd(command) for command in commands]
"""

BROKEN = """
from ftpfixture import Server

class Broken(Server):
    async def boom(self, connection, rest):
        raise ZeroDivisionError("what a " + (rest or "pity"))

@pytest.fixture
def ftp_config():
    return {"server_class": Broken}

def boom(server):
    with pytest.raises(ftplib.error_temp, match="451"):
        talk(server, "BOOM")
"""


class Run:
    """Runs pytest, in this process, on a module made from pieces of text."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester

    def __call__(self, *sources: str, args: Sequence[str] = ()) -> pytest.RunResult:
        """Run pytest on the sources, with `talk` before them."""
        self.pytester.makepyfile(test_inner="\n".join(map(dedent, (TALK, *sources))))
        return self.pytester.runpytest_inprocess(*PLAIN, *args)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)


# The fixtures.


def test_ftp_server_runs_when_the_test_begins(run: Run) -> None:
    """The fixture is a listening server with a user, files and a log."""
    result = run("""
        def test_it(ftp_server):
            assert ftp_server.credentials == ("user", "password")
            assert ftp_server.url == f"ftp://user:password@127.0.0.1:{ftp_server.port}"
            ftp_server.files["/a.txt"] = b"hi"
            assert talk(ftp_server, "TYPE I", "SIZE /a.txt")[1] == "213 2"
            ftp_server.log.assert_sequence("USER user", "PASS -> 230", "SIZE /a.txt -> 213", "QUIT")
    """)
    result.assert_outcomes(passed=1)


def test_each_test_has_its_own_server(run: Run) -> None:
    """A test has nothing from an earlier one, and a stopped server keeps its files."""
    result = run("""
        SEEN = []

        @pytest.mark.parametrize("number", range(3))
        def test_it(ftp_server, number):
            assert ftp_server.files == {} and ftp_server.log.commands == []
            ftp_server.files["/a.txt"] = b"hi"
            talk(ftp_server)
            SEEN.append(ftp_server)

        def test_all_are_stopped():
            for server in SEEN:
                with pytest.raises(RuntimeError, match="does not run"):
                    server.port
                assert server.files == {"/a.txt": b"hi"}
    """)
    result.assert_outcomes(passed=4)


def test_ftp_log_is_the_log_of_ftp_server(run: Run) -> None:
    """`ftp_log` is the log of the same test's server."""
    result = run("""
        def test_it(ftp_log, ftp_server):
            talk(ftp_server, "NOOP")
            assert ftp_log is ftp_server.log
            assert ftp_log.assert_sent("NOOP -> 200", times=1).session == 1
    """)
    result.assert_outcomes(passed=1)


def test_servers_of_the_factory_are_independent(run: Run) -> None:
    """`ftp_server_factory` starts any number of servers, with `ftp_config`, together with `ftp_server`."""
    result = run("""
        @pytest.fixture
        def ftp_config():
            return {"files": {"/base.txt": b"base"}, "welcome_message": "from the config"}

        def test_it(ftp_server_factory, ftp_server):
            one = ftp_server_factory(users={"ann": "one"})
            two = ftp_server_factory(users={"bob": "two"}, files={})
            assert len({one.port, two.port, ftp_server.port}) == 3
            assert list(one.files) == ["/base.txt"] and list(two.files) == []
            talk(one, user="ann", password="one")
            with pytest.raises(ftplib.error_perm, match="530"):
                talk(two, user="ann", password="one")
            assert len(one.log.sessions) == 1 and ftp_server.log.sessions == []
    """)
    result.assert_outcomes(passed=1)


# Settings.


def test_marker_settings_reach_the_server(run: Run) -> None:
    """The marker of the test overrides each setting of the markers of its class and module."""
    result = run("""
        pytestmark = pytest.mark.ftp(files={"/module.txt": b"m"}, system="MODULE")

        def test_module(ftp_server):
            assert talk(ftp_server, "SYST") == ["215 MODULE"]

        @pytest.mark.ftp(system="CLASS")
        class TestClass:
            def test_class(self, ftp_server):
                assert talk(ftp_server, "SYST") == ["215 CLASS"]
                assert list(ftp_server.files) == ["/module.txt"]

            @pytest.mark.ftp(system="TEST", disable=["NOOP"], users={"ann": None})
            def test_test(self, ftp_server):
                assert talk(ftp_server, "SYST", user="ann") == ["215 TEST"]
                with pytest.raises(ftplib.error_perm, match="502"):
                    talk(ftp_server, "NOOP", user="ann")
    """)
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ("ftp(fils={})", "unknown setting 'fils': did you mean 'files'?"),
        ("ftp(['MLSD'])", "test_it: the marker ftp takes names, as in ftp(disable=['MLSD'])"),
        ("ftp(disable=['MLSX'])", "cannot disable 'MLSX': no such command; did you mean one of MLSD, MLST, NLST?"),
        ("ftp(disable='MLSD')", "disable takes a list of verbs, such as ['MLSD'], not 'MLSD'"),
        ("ftp(files={'a.txt': b''})", "'a.txt' must be absolute: did you mean '/a.txt'?"),
        ("ftp(files={'/a.txt': 'hi'})", "/a.txt: files hold bytes, not str: use b'...' or .encode()"),
        ("ftp(list_style='VMS')", "list_style takes one of unix, msdos, msdos4, eplf, full-iso, unix-de, "),
        ("ftp(root='/no/such/folder')", "root='/no/such/folder' cannot be served"),
        (
            "ftp(path_io_factory=__import__('ftpfixture').PathIO)",
            "would show 'user' the whole disk, to change and to delete: use root=tmp_path",
        ),
        ("ftp(users=[])", 'users takes a list of User objects, or a mapping such as {"ann": "secret"}'),
        ("ftp(host='0.0.0.0')", "use 127.0.0.1 or ::1, or set allow_remote=True"),
    ],
)
def test_an_invalid_marker(run: Run, marker: str, text: str) -> None:
    """An invalid setting is an error of that test only, and the message has a remedy."""
    result = run(f"""
        @pytest.mark.{marker}
        def test_it(ftp_server):
            pass

        def test_other(ftp_server):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*{_literal(text)}*"])


@pytest.mark.parametrize("fixture", ["ftp_server", "ftps_server", "ftp_users", "ftp_server_factory"])
def test_an_ftp_config_that_has_no_settings(run: Run, fixture: str) -> None:
    """The error names the fixture that returns nothing."""
    result = run(f"""
        @pytest.fixture
        def ftp_config():
            pass

        def test_it({fixture}):
            {fixture}()
    """)
    assert sum(result.parseoutcomes().values()) == 1
    text = "ftp_config takes a mapping from setting to value, such as {'disable': ['MLSD']}, not None"
    result.stdout.fnmatch_lines([f"*{_literal(text)}*"])


def test_a_wrong_marker_shows_nothing_but_its_text(run: Run) -> None:
    """The error does not show the source of the plugin."""
    result = run("""
        @pytest.mark.ftp(fils={})
        def test_it(ftp_server):
            pass
    """)
    report = result.stdout.str()
    assert "ftp_server of test_inner.py::test_it: unknown setting" in report
    assert "Traceback" not in report
    assert "plugin.py" not in report


def test_a_port_that_is_in_use(run: Run) -> None:
    """A fixed port that is in use is an error that names the port and the remedy."""
    result = run("""
        import socket

        @pytest.fixture
        def taken():
            with socket.create_server(("127.0.0.1", 0)) as sock:
                yield sock.getsockname()[1]

        @pytest.fixture
        def ftp_config(taken):
            return {"port": taken}

        def test_it(ftp_server):
            pass
    """)
    result.assert_outcomes(errors=1)
    assert re.search(r"cannot listen on 127\.0\.0\.1:\d+; use port=0 for a free port", result.stdout.str())


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_ftp_config_may_be_overridden_at_any_scope(run: Run, scope: str) -> None:
    """A fixture of this name in a module changes the settings there, and the marker overrides it."""
    result = run(f"""
        @pytest.fixture(scope="{scope}")
        def ftp_config():
            return {{"system": "CONFIG", "files": {{"/a.txt": b"a"}}}}

        def test_config(ftp_server):
            assert talk(ftp_server, "SYST") == ["215 CONFIG"]

        @pytest.mark.ftp(system="MARKER")
        def test_marker(ftp_server):
            assert talk(ftp_server, "SYST") == ["215 MARKER"]
            assert list(ftp_server.files) == ["/a.txt"]
    """)
    result.assert_outcomes(passed=2)


def test_ftp_config_of_conftest_class_and_module(run: Run) -> None:
    """The nearest `ftp_config` counts, and may extend the one above it."""
    run.pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def ftp_config():
            return {"system": "CONFTEST", "welcome_message": "hello"}
    """)
    result = run("""
        def test_conftest(ftp_server):
            assert talk(ftp_server, "SYST") == ["215 CONFTEST"]

        class TestClass:
            @pytest.fixture
            def ftp_config(self, ftp_config):
                return {**ftp_config, "system": "CLASS"}

            def test_class(self, ftp_server):
                assert talk(ftp_server, "SYST") == ["215 CLASS"]
                with ftplib.FTP() as ftp:
                    assert ftp.connect(*ftp_server.address) == "220 hello"
    """)
    result.assert_outcomes(passed=2)


# Other ways to write and run tests.


def test_unittest_classes(run: Run) -> None:
    """A TestCase gets the server from an autouse fixture; markers, report sections and failures work."""
    result = run(
        BROKEN,
        """
        import unittest

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _server(self, ftp_server):
                self.server = ftp_server

            @pytest.mark.ftp(system="UNITTEST")
            def test_marker(self):
                self.assertEqual(talk(self.server, "SYST"), ["215 UNITTEST"])

            def test_failing(self):
                talk(self.server, "PWD")
                self.fail("no")

            def test_server_fails(self):
                boom(self.server)
    """,
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*- FTP dialogue -*", "*> PWD"])
    result.stdout.fnmatch_lines(["E *ServerFailure: BOOM raised ZeroDivisionError: what a pity"])


def test_a_test_case_without_the_fixture(run: Run) -> None:
    """FtpServer in setUp and addCleanup needs no pytest."""
    run.pytester.makepyfile(
        test_plain="""
        import ftplib
        import unittest
        from ftpfixture import FtpServer

        class TestIt(unittest.TestCase):
            def setUp(self):
                self.server = FtpServer()
                self.server.start()
                self.addCleanup(self.server.stop)

            def test_it(self):
                with ftplib.FTP() as ftp:
                    ftp.connect(*self.server.address)
                self.server.log.assert_sent("QUIT -> 221")
    """
    )
    result = run.pytester.run(sys.executable, "-W", "error", "-m", "unittest", "-v", "test_plain")
    result.stderr.fnmatch_lines(["Ran 1 test *", "OK"])


def test_xdist(run: Run) -> None:
    """Tests in several processes have their own servers, and the report has their sections."""
    result = run(
        """
        @pytest.mark.parametrize("number", range(12))
        def test_it(ftp_server, number):
            talk(ftp_server, "NOOP")
            ftp_server.log.assert_sent("NOOP", times=1)
            assert number != 7
    """,
        args=["-n", "2"],
    )
    result.assert_outcomes(passed=11, failed=1)
    result.stdout.fnmatch_lines(["*- FTP dialogue -*", "*> NOOP"])


def test_async_tests(run: Run) -> None:
    """In an asyncio test server and client run on different loops, so neither blocks the other."""
    result = run(
        BROKEN,
        """
        import asyncio

        async def greeting(server):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            try:
                return await reader.readline()
            finally:
                writer.close()
                await writer.wait_closed()

        async def test_stream(ftp_server):
            assert await greeting(ftp_server) == b"220 welcome\\r\\n"

        @pytest.fixture
        async def greeted(ftp_server):
            return await greeting(ftp_server)

        async def test_async_fixture(greeted):
            assert greeted.startswith(b"220")

        async def test_blocking_client_in_a_thread(ftp_server):
            assert await asyncio.to_thread(talk, ftp_server, "NOOP") == ["200 Nothing done"]

        async def test_server_fails(ftp_server):
            with pytest.raises(ftplib.error_temp):
                await asyncio.to_thread(talk, ftp_server, "BOOM")
    """,
        args=["-o", "asyncio_mode=auto"],
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_server_fails - ftpfixture.errors.ServerFailure: BOOM raised *"])


def test_strict_markers_know_ours(run: Run) -> None:
    """--strict-markers accepts the marker, and --markers and --fixtures show marker and fixtures."""
    result = run(
        """
        @pytest.mark.ftp(disable=["MLSD"])
        def test_it(ftp_server):
            pass
    """,
        args=["--strict-markers", "--strict-config"],
    )
    result.assert_outcomes(passed=1)
    run.pytester.runpytest_inprocess(*PLAIN, "--markers").stdout.fnmatch_lines(["@pytest.mark.ftp(**settings): *"])
    output = run.pytester.runpytest_inprocess(*PLAIN, "--fixtures").stdout
    output.fnmatch_lines_random(["ftp_server -- *", "ftp_server_factory -- *", "ftp_log -- *", "ftp_config *"])
    output.no_fnmatch_line("*ftp*no docstring available*")


def test_no_thread_without_a_server(run: Run) -> None:
    """A suite without servers starts no thread; the outer run may have one already."""
    result = run(f"""
        import threading

        def test_it():
            assert threading.active_count() == {threading.active_count()}
    """)
    result.assert_outcomes(passed=1)


def _literal(text: str) -> str:
    """A pattern for `fnmatch_lines` that means this text."""
    return re.sub(r"([\[*?])", r"[\1]", text)


def test_servers_do_not_outlive_their_tests(pytester: pytest.Pytester) -> None:
    """A server is released when its test is over, not at the end of the run."""
    pytester.makepyfile(
        """
        import gc
        import weakref

        SEEN = []

        def test_one(ftp_server):
            SEEN.append(weakref.ref(ftp_server))

        def test_two(ftp_server):
            gc.collect()
            assert SEEN[0]() is None
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:localftpserver").assert_outcomes(passed=2)
