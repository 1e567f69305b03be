"""Servers that live as long as a session, module or class: each test gets them as new, with its own settings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.plugin import test_fixtures

SHARED = """
@pytest.fixture(scope="session")
def warehouse(ftp_session_server_factory):
    return ftp_session_server_factory(files={"/out/a.txt": b"hi"}, users={"ann": "secret"})

PORTS = set()

def say(server, *commands):
    PORTS.add(server.port)
    assert len(PORTS) == 1
    return talk(server, *commands, user=server.user, password=server.password)
"""

BROKEN = """
from ftpfixture import Server

class Broken(Server):
    async def boom(self, connection, rest):
        raise ZeroDivisionError("what a pity")

@pytest.fixture(scope="session")
def broken(ftp_session_server_factory):
    return ftp_session_server_factory(server_class=Broken)

def boom(server):
    with pytest.raises(ftplib.error_temp, match="451"):
        talk(server, "BOOM")
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> test_fixtures.Run:
    """Runs pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "200")
    return test_fixtures.Run(pytester)


def test_each_test_gets_the_server_as_new(run: test_fixtures.Run) -> None:
    """Files, faults, log, clock and sessions of one test are not there in the next, on the same port."""
    result = run(
        SHARED,
        """
        KEPT = []

        @pytest.mark.parametrize("number", range(3))
        def test_it(warehouse, number):
            assert warehouse.files == {"/out/a.txt": b"hi"}
            assert warehouse.faults.active == [] and warehouse.log.sessions == [] and not warehouse.clock.frozen
            warehouse.faults.add("NOOP: answer 450 'Busy'")
            with pytest.raises(ftplib.error_temp, match="450 Busy"):
                say(warehouse, "DELE /out/a.txt", "NOOP")
            warehouse.clock.freeze()
            KEPT.append(ftplib.FTP())
            KEPT[-1].connect(*warehouse.address)
            if number:
                assert KEPT[-2].getline().startswith("421")

        def test_the_end():
            for ftp in KEPT:
                ftp.close()
    """,
    )
    result.assert_outcomes(passed=4)


def test_markers(run: test_fixtures.Run) -> None:
    """The marker of a test gives the server settings for that test alone, also for the first test that starts it."""
    result = run(
        SHARED,
        """
        @pytest.mark.ftp(files={"/b.txt": b"b"}, disable=["SIZE"], users={"bob": "other"})
        def test_first(warehouse):
            assert warehouse.files == {"/b.txt": b"b"} and warehouse.user == "bob"
            with pytest.raises(ftplib.error_perm, match="502"):
                say(warehouse, "SIZE /b.txt")

        def test_second(warehouse):
            assert say(warehouse, "TYPE I", "SIZE /out/a.txt")[1] == "213 2" and warehouse.user == "ann"

        @pytest.mark.ftp(faults=["PWD: answer 550 'No'"])
        class TestThird:
            def test_it(self, warehouse):
                with pytest.raises(ftplib.error_perm, match="550 No"):
                    say(warehouse, "PWD")
    """,
    )
    result.assert_outcomes(passed=3)


def test_a_fault_never_outlives_its_test(run: test_fixtures.Run) -> None:
    """A fault that never happened fails its own test, and no other; one of the factory counts for each test."""
    result = run(
        SHARED,
        """
        @pytest.fixture(scope="module")
        def flaky(ftp_session_server_factory):
            return ftp_session_server_factory(faults=["NOOP: answer 450 'Busy'"])

        @pytest.mark.ftp(faults=["RETR: reset"])
        def test_never(warehouse):
            say(warehouse, "PWD")

        def test_next(warehouse):
            say(warehouse, "PWD")

        @pytest.mark.parametrize("number", range(2))
        def test_flaky(flaky, number):
            with pytest.raises(ftplib.error_temp):
                talk(flaky, "NOOP")

        def test_flaky_never(flaky):
            talk(flaky, "PWD")
    """,
        args=["-rA"],
    )
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines_random(["FAILED *::test_never - *RETR*", "FAILED *::test_flaky_never - *NOOP*"])


def test_scripts_of_logins(run: test_fixtures.Run) -> None:
    """`ftp_users` is for the shared server of the test; the next test has the users of the settings again."""
    result = run(
        SHARED,
        """
        def test_script(warehouse, ftp_users):
            ftp_users.on("ann").reject("Not today").accept()
            with pytest.raises(ftplib.error_perm, match="530 Not today"):
                say(warehouse)
            say(warehouse)

        @pytest.mark.ftp(users={"eve": "x"})
        def test_marker(ftp_users, warehouse):
            ftp_users.on("eve").reject()
            with pytest.raises(ftplib.error_perm, match="530"):
                talk(warehouse, user="eve", password="x")

        def test_next(warehouse):
            say(warehouse)
    """,
    )
    result.assert_outcomes(passed=3)


def test_reports(run: test_fixtures.Run) -> None:
    """A failing test shows the dialogue of its shared servers by name, a passing one leaves nothing for the next."""
    result = run(
        SHARED,
        """
        @pytest.fixture(scope="class")
        def backup(ftp_session_server_factory):
            return ftp_session_server_factory(name="the backup")

        class TestIt:
            def test_one(self, warehouse):
                say(warehouse, "SYST")

            def test_two(self, warehouse, backup):
                say(warehouse, "NOOP")
                talk(backup, "PWD")
                assert 0
    """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*- FTP dialogue of warehouse -*", "*> NOOP", "*- FTP dialogue of the backup -*", "*> PWD"]
    )
    result.stdout.no_fnmatch_line("*> SYST")


def test_a_failure_inside_the_server(run: test_fixtures.Run) -> None:
    """An exception fails the test that caused it; one in teardown is an error beside."""
    result = run(
        BROKEN,
        """
        def test_fails(broken):
            boom(broken)

        def test_passes(broken):
            talk(broken, "NOOP")

        def test_own(broken):
            boom(broken)
            assert 0

        @pytest.fixture
        def late(broken):
            yield
            boom(broken)

        def test_late(late):
            pass

        def test_passes_again(broken):
            talk(broken, "NOOP")
    """,
    )
    result.assert_outcomes(passed=3, failed=2, errors=2)


def test_the_life_of_a_server(run: test_fixtures.Run) -> None:
    """It stops with the fixture that started it; a fixture of that name in another module is another server."""
    run.pytester.makepyfile(
        test_other="""
        import socket
        import pytest

        @pytest.fixture(scope="module")
        def store(ftp_session_server_factory):
            return ftp_session_server_factory(system="OTHER")

        def test_it(store):
            assert store.server.system == "OTHER"
    """
    )
    result = run("""
        import socket
        ADDRESSES = []

        @pytest.fixture(scope="module")
        def store(ftp_session_server_factory):
            server = ftp_session_server_factory(system="ONE")
            yield server
            talk(server, "NOOP")

        class TestIt:
            @pytest.fixture(scope="class")
            @classmethod
            def local(cls, ftp_session_server_factory):
                return ftp_session_server_factory()

            def test_it(self, store, local):
                assert store.server.system == "ONE"
                ADDRESSES.append(local.address)

        def test_after():
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(ADDRESSES[0])
    """)
    result.assert_outcomes(passed=3)


def test_servers_reached_by_other_fixtures(run: test_fixtures.Run) -> None:
    """A test has the servers of the fixtures that its fixtures use, by autouse and usefixtures too."""
    result = run(
        SHARED,
        """
        @pytest.fixture(scope="session")
        def app(warehouse):
            return lambda: say(warehouse, "MKD /seen")

        @pytest.mark.parametrize("number", range(2))
        def test_by_app(app, number):
            app()

        @pytest.mark.usefixtures("warehouse")
        @pytest.mark.ftp(faults=["NOOP: answer 450 'Busy'"])
        def test_fails():
            pass
    """,
    )
    result.assert_outcomes(passed=2, failed=1)


def test_unittest_classes(run: test_fixtures.Run) -> None:
    """A TestCase has the server by a fixture of its class, with markers for each method."""
    result = run(
        SHARED,
        """
        import unittest

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _server(self, warehouse):
                self.server = warehouse

            def test_one(self):
                say(self.server, "DELE /out/a.txt")
                self.assertEqual(self.server.files, {})

            @pytest.mark.ftp(system="UNITTEST")
            def test_two(self):
                self.assertEqual(say(self.server, "SYST"), ["215 UNITTEST"])
                self.assertEqual(list(self.server.files), ["/out/a.txt"])

            def test_fails(self):
                self.server.faults.add("NOOP: reset")
    """,
    )
    result.assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize("args", [(), ("-p", "no:randomly", "-n", "2")], ids=["random order", "several processes"])
def test_any_order_and_any_process(run: test_fixtures.Run, args: Sequence[str]) -> None:
    """In any order, and with a server for each process, a test sees nothing of the others."""
    tests = """
@pytest.mark.ftp(disable=["NOOP"])
def test_marked(warehouse):
    with pytest.raises(ftplib.error_perm):
        say(warehouse, "NOOP")

@pytest.mark.parametrize("number", range(12))
def test_it(warehouse, number):
    assert warehouse.files == {"/out/a.txt": b"hi"}
    say(warehouse, "DELE /out/a.txt", "NOOP")
    warehouse.log.assert_sent("NOOP", times=1)
"""
    run.pytester.makepyfile(test_inner="\n".join((test_fixtures.TALK, SHARED, tests)))
    result = run.pytester.runpytest_subprocess("-W", "error", "-p", "no:localftpserver", "-p", "no:timeout", *args)
    result.assert_outcomes(passed=13)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "def test_it(ftp_session_server_factory):\n    ftp_session_server_factory()",
            "*ftp_session_server_factory is for fixtures of the scope session, * use ftp_server_factory",
        ),
        (
            "@pytest.fixture\ndef one(ftp_session_server_factory):\n    return ftp_session_server_factory()\n"
            "def test_it(one):\n    pass",
            "*ftp_session_server_factory is for fixtures of the scope session, * use ftp_server_factory",
        ),
        (
            "@pytest.fixture(scope='session')\ndef one(ftp_session_server_factory, tmp_path_factory):\n"
            "    return ftp_session_server_factory(root=tmp_path_factory.mktemp('r'))\ndef test_it(one):\n    pass",
            "*reset() brings back files in memory, and this server has others*",
        ),
        (
            "@pytest.mark.ftp('warehoose', system='X')\ndef test_it(warehouse):\n    pass",
            "*the marker ftp('warehoose') reaches no server: did you mean 'warehouse'?",
        ),
        (
            "@pytest.fixture(scope='session')\ndef two(ftp_session_server_factory):\n"
            "    return ftp_session_server_factory()\n"
            "@pytest.mark.ftp(system='X')\ndef test_it(warehouse, two):\n    pass",
            "*the marker ftp needs the name of a server, as in ftp('warehouse', ...): warehouse, two",
        ),
        (
            "@pytest.mark.ftp(port=2121)\ndef test_it(warehouse):\n    pass",
            "*reset(port=...): a running server keeps its port; start another server",
        ),
    ],
    ids=["in a test", "in a fixture of a test", "root", "name", "which", "port"],
)
def test_what_cannot_work(run: test_fixtures.Run, source: str, text: str) -> None:
    """The text says what would work."""
    result = run(SHARED, source)
    assert result.ret == 1
    result.stdout.fnmatch_lines([text])


def test_a_marker_by_name(run: test_fixtures.Run) -> None:
    """With a name the marker is for that server; without, it is for the test's own."""
    result = run(
        SHARED,
        """
        @pytest.fixture(scope="session")
        def two(ftp_session_server_factory):
            return ftp_session_server_factory(name="second")

        @pytest.mark.ftp("second", system="TWO")
        @pytest.mark.ftp("warehouse", system="ONE")
        @pytest.mark.ftp(system="OWN")
        def test_it(warehouse, two, ftp_server):
            assert say(warehouse, "SYST") == ["215 ONE"]
            assert talk(two, "SYST") == ["215 TWO"]
            assert talk(ftp_server, "SYST") == ["215 OWN"]
    """,
    )
    result.assert_outcomes(passed=1)
