"""The fixture `ftp_users`: each test runs pytest on a small suite."""

from __future__ import annotations

import pytest

from tests.plugin import test_fixtures
from tests.plugin.test_fixtures import Run

literal = test_fixtures._literal


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a suite of one module, with lines long enough for its summary."""
    monkeypatch.setenv("COLUMNS", "250")
    return Run(pytester)


def test_the_server_uses_these_users(run: Run) -> None:
    """Without settings there is the default user, and server and client use the script."""
    result = run("""
        def test_it(ftp_server, ftp_users):
            assert ftp_server.credentials == ("user", "password")
            talk(ftp_server, "NOOP")
            ftp_users.on("user").reject("Too busy").accept()
            with pytest.raises(ftplib.error_perm, match="^530 Too busy$"):
                talk(ftp_server)
            talk(ftp_server, password="wrong")
            ftp_users.assert_attempts("user", "accepted", "rejected", "accepted")

        def test_before_the_server(ftp_users, ftp_server):
            assert ftp_users.attempts == []
            ftp_users.on("eve").accept(stage="USER")
            talk(ftp_server, user="eve")

        @pytest.mark.usefixtures("ftp_users")
        def test_by_name(ftp_server, request):
            request.getfixturevalue("ftp_users").on().close()
            with pytest.raises(ftplib.error_temp, match="421"):
                talk(ftp_server)

        def test_without(ftp_server):
            assert not hasattr(ftp_server.server.user_manager, "on")
    """)
    result.assert_outcomes(passed=4)


def test_over_a_folder(run: Run) -> None:
    """The users of a server over a folder see that folder, with and without a script, and with the factory, too."""
    (run.pytester.path / "served").mkdir()
    (run.pytester.path / "served" / "a.txt").touch()
    result = run("""
        @pytest.mark.ftp(root="served", users={"ann": "secret"})
        def test_it(ftp_server, ftp_users):
            assert talk(ftp_server, "SIZE /a.txt", user="ann", password="secret") == ["213 0"]
            ftp_users.on("eve").accept(stage="USER")
            assert talk(ftp_server, "SIZE /a.txt", user="eve") == ["213 0"]
            assert talk(ftp_server, "PWD", user="ann", password="secret")

        @pytest.mark.ftp(root="served")
        def test_without(ftp_server):
            assert talk(ftp_server, "SIZE /a.txt") == ["213 0"]

        def test_factory(ftp_server_factory, tmp_path):
            assert talk(ftp_server_factory(root=tmp_path), "MKD x")[0].startswith("257")
            assert (tmp_path / "x").is_dir()

        @pytest.mark.ftp(users={"anonymous": None})
        def test_anonymous(ftp_server, ftp_users):
            assert talk(ftp_server, "NOOP", user="ftp", password="me@example.org")
            ftp_users.assert_attempts("ftp", "accepted")
            ftp_server.log.assert_sequence("USER ftp -> 331", "PASS -> 230")
    """)
    result.assert_outcomes(passed=4)


def test_with_tls_and_with_the_client_fixture(run: Run) -> None:
    """`ftps_server` and `ftp_client` use the same users."""
    result = run("""
        def test_tls(ftp_users, ftps_server):
            ftp_users.on("user").accept()
            with ftplib.FTP_TLS(context=ftps_server.tls.client_context()) as ftp:
                ftp.connect(ftps_server.host, ftps_server.port)
                ftp.login("user", "wrong")
            assert ftp_users.attempts[0].password_matched is False

        @pytest.mark.asyncio
        async def test_client(ftp_client, ftp_users):
            ftp_users.assert_attempts("user", "accepted")

        def test_factory(ftp_users, ftp_server_factory):
            ftp_users.on("user").reject()
            talk(ftp_server_factory())
            with pytest.raises(ftplib.error_perm):
                talk(ftp_server_factory(users=ftp_users))
    """)
    result.assert_outcomes(passed=3)


def test_users_of_the_settings(run: Run) -> None:
    """The users are those of the marker or `ftp_config`, and the changes of a test end with it."""
    result = run("""
        from ftpfixture import Permission, User

        ANN = User("ann", "secret", maximum_connections=1)

        @pytest.fixture(scope="session")
        def ftp_config():
            return {"users": [ANN], "files": {"/a.txt": b"hi"}}

        @pytest.mark.parametrize("number", range(2))
        def test_config(ftp_users, ftp_server, number):
            assert ftp_server.credentials == ("ann", "secret")
            talk(ftp_server, "MDTM /a.txt", user="ann", password="secret")
            ftp_users.wait_for_logout("ann")
            ftp_users.permit("ann", Permission("/", readable=False))
            with pytest.raises(ftplib.error_perm, match="550"):
                talk(ftp_server, "MDTM /a.txt", user="ann", password="secret")
            ftp_users.wait_for_logout("ann", times=2)
            ftp_users.limit("ann", 0)
            ftp_users.lock("ann")

        @pytest.mark.ftp(users={"bob": "dragon"})
        def test_marker(ftp_users, ftp_server):
            talk(ftp_server, user="bob", password="dragon")
            ftp_users.assert_attempts("bob", "accepted")
    """)
    result.assert_outcomes(passed=3)


def test_a_scripted_manager_of_the_settings(run: Run) -> None:
    """If the setting is a manager with scripts, it is the fixture."""
    result = run("""
        from ftpfixture import ScriptedUserManager, User

        class Strict(ScriptedUserManager):
            pass

        @pytest.fixture
        def ftp_config():
            return {"users": Strict([User("ann", "secret")], lock_after=1)}

        def test_it(ftp_users, ftp_server):
            assert type(ftp_users) is Strict
            for _ in range(2):
                with pytest.raises(ftplib.error_perm):
                    talk(ftp_server, user="ann", password="wrong")
            ftp_users.assert_attempts("ann", "rejected", "locked")
    """)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("users", "text"),
    [
        (
            "MemoryUserManager([])",
            "the setting users= is a MemoryUserManager, which takes no scripts: give a list of User objects or a "
            "mapping, or derive MemoryUserManager from ScriptedUserManager",
        ),
        ("['ann']", "users takes a list of User objects, or a mapping"),
    ],
)
def test_users_that_take_no_scripts(run: Run, users: str, text: str) -> None:
    """They are an error of that test only, which says what would work."""
    result = run(f"""
        from ftpfixture import MemoryUserManager

        @pytest.mark.ftp(users={users})
        def test_it(ftp_server, ftp_users):
            pass

        def test_other(ftp_server, ftp_users):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([literal(f"ftp_users of test_inner.py::test_it: {text}") + "*"])
    assert "Traceback" not in result.stdout.str()


def test_too_late(run: Run) -> None:
    """The error for a request after the start of the server says to request it before."""
    result = run("""
        def test_it(ftp_server, request):
            request.getfixturevalue("ftp_users")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ftp_server runs already, with other users: make ftp_users an argument of the test"])


def test_a_scripted_exception_does_not_fail_the_test(run: Run) -> None:
    """An exception of the script is intended; an exception of a manager is a failure."""
    result = run("""
        from ftpfixture import ScriptedUserManager

        class Broken(ScriptedUserManager):
            async def authenticate(self, user, password):
                raise KeyError("no such table")

        def test_meant(ftp_server, ftp_users):
            ftp_users.on("user").raises(KeyError("no such table"))
            with pytest.raises(ftplib.error_temp, match="451"):
                talk(ftp_server)

        @pytest.mark.ftp(users=Broken([]))
        def test_not_meant(ftp_server, ftp_users):
            ftp_users.on("user").accept()
            with pytest.raises(ftplib.error_temp, match="451"):
                talk(ftp_server)
    """)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*PASS raised KeyError: 'no such table'*"])


def test_a_failed_assertion_points_at_the_test(run: Run) -> None:
    """The message has the first difference and all attempts; no frame of the package is shown, and no password."""
    result = run(
        """
        def test_it(ftp_server, ftp_users):
            with pytest.raises(ftplib.error_perm):
                talk(ftp_server, password="hunter2")
            ftp_users.assert_attempts("user", "rejected", "accepted")
    """,
        args=("--no-showlocals",),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: attempts of 'user': expected rejected, accepted; seen rejected",
            "E *number 2 is missing: accepted",
            "E *+0.000 user rejected (530) in session 1, wrong password",
        ]
    )
    result.stdout.no_fnmatch_line("*visits.py:*")
    assert "hunter2" not in result.stdout.str().partition("AssertionError")[2]


def test_fixtures_shows_the_fixture(run: Run) -> None:
    """--fixtures shows it."""
    output = run.pytester.runpytest_inprocess(*test_fixtures.PLAIN, "--fixtures").stdout
    output.fnmatch_lines(["ftp_users -- *", "*whose logins go by script*"])
