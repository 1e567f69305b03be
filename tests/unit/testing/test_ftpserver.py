"""The blocking handle: settings, life cycle, what clients need, and failures."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture import (
    ANY_PASSWORD,
    AbstractUserManager,
    ConfigurationError,
    Connection,
    FtpServer,
    MemoryPathIO,
    MemoryUserManager,
    PathIO,
    PathIsNotAbsolute,
    ScriptedUserManager,
    Server,
    ServerFailure,
    ServerStateError,
    Throttle,
    UnknownSetting,
    User,
)
from ftpfixture.log.events import Disconnected, ReplyWithheld
from tests.support.raw import RawClient, read_all
from tests.support.rows import table


def _logs_in(server: FtpServer, user: str, password: str | None) -> list[str]:
    """Return the codes of a login and of two commands after it."""
    with RawClient(server.address) as client:
        client.reply()
        codes = [client.code(f"USER {user}")]
        if password is not None:
            codes.append(client.code(f"PASS {password}"))
        return codes


# Users.


def test_the_default_user() -> None:
    """Without users there is one, with the credentials of `credentials`."""
    with FtpServer() as server:
        assert (server.user, server.password) == server.credentials == ("user", "password")
        assert _logs_in(server, *server.credentials) == ["331", "230"]


def test_users_as_a_mapping() -> None:
    """A mapping from login to password makes users; None is no password."""
    with FtpServer(users={"ann": "secret", "bob": None}) as server:
        assert server.credentials == ("ann", "secret")
        assert _logs_in(server, "ann", "secret") == ["331", "230"]
        assert _logs_in(server, "bob", None) == ["230"]
        assert _logs_in(server, "ann", "wrong") == ["331", "530"]


def test_users_as_objects() -> None:
    """User objects are taken as they are, in any sequence."""
    users = (User("ann", "secret", home_path="/home"), User("bob", "other"))
    with FtpServer(users=users, files={"/home/": None}) as server, RawClient(server.address) as client:
        client.login("ann", "secret")
        assert client.ask("PWD").text.startswith('"/home"')
        assert server.credentials == ("ann", "secret")


def test_an_anonymous_user() -> None:
    """A user without a name stands for all; its credentials are those that anonymous clients send."""
    with FtpServer(users=[User()]) as server:
        assert server.credentials == ("anonymous", "anonymous@")
        assert _logs_in(server, "anonymous", "me@example.org") == ["331", "230"]
        assert _logs_in(server, "ftp", "") == ["331", "230"]
        assert _logs_in(server, "whoever", None) == ["230"]


@table("users", [[User("anonymous")], [User("ftp", ANY_PASSWORD)], {"anonymous": None}])
def test_anonymous_by_name(users: Any) -> None:
    """Both names of the anonymous user are asked for a password, and any will do, as with vsftpd."""
    with FtpServer(users=users) as server:
        assert _logs_in(server, "anonymous", "me@example.org") == ["331", "230"]
        assert _logs_in(server, "ftp", "") == ["331", "230"]
        assert _logs_in(server, "whoever", "me@example.org") == ["331", "530"]


def test_any_password() -> None:
    """A user with any password is asked for one; None asks for none; an empty password counts as one."""
    with FtpServer(users={"ann": ANY_PASSWORD, "bob": None, "eve": ""}) as server:
        assert server.credentials == ("ann", "anonymous@")
        assert server.url.startswith("ftp://ann:anonymous%40@")
        assert [_logs_in(server, "ann", word) for word in ("", "x")] == [["331", "230"]] * 2
        assert _logs_in(server, "bob", None) == ["230"]
        assert [_logs_in(server, "eve", word) for word in ("", "x")] == [["331", "230"], ["331", "530"]]
        assert _logs_in(server, "ftp", "x") == ["331", "530"]
    assert FtpServer(users={"eve": ""}).credentials == ("eve", "")


def test_a_user_manager() -> None:
    """`credentials` has those of the first user of a manager."""
    manager = MemoryUserManager([User("ann", "secret")])
    with FtpServer(users=manager) as server:
        assert server.credentials == ("ann", "secret")
        assert _logs_in(server, "ann", "secret") == ["331", "230"]


class Bouncer(AbstractUserManager):
    """Logs in every user."""

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Accept every name."""
        return self.GetUserResponse.OK, User(login, base_path=PurePosixPath("/")), "welcome"

    async def authenticate(self, user: User, password: str) -> bool:
        """Accept every password."""
        return True


def test_your_own_user_manager() -> None:
    """It decides on logins; only it has the credentials, and the error names it."""
    with FtpServer(users=Bouncer()) as server:
        assert _logs_in(server, "whoever", None) == ["230"]
        with pytest.raises(ConfigurationError, match="in its user manager: ask that for credentials"):
            _ = server.credentials


@table("users", [[], {}, ["ann"], [("ann", "secret")], "ann", [User("ann"), None]])
def test_users_that_cannot_work(users: Any) -> None:
    """Other values are refused, and the error has the right forms."""
    with pytest.raises(
        ConfigurationError, match=r'users takes a list of User objects, or a mapping such as \{"ann": "secret"\}'
    ):
        FtpServer(users=users)


def test_a_single_user_is_no_list() -> None:
    """One User without a list is a common mistake, and the error asks for a list."""
    with pytest.raises(ConfigurationError, match="users takes a list of User objects"):
        FtpServer(users=User("ann"))  # type: ignore[arg-type]


# What clients need.


def test_address() -> None:
    """Host and port are those that a client connects to."""
    with FtpServer() as server:
        assert (server.host, server.port) == server.address
        assert server.host == "127.0.0.1"
        socket.create_connection(server.address, 5).close()


def test_url() -> None:
    """The URL has everything that a client needs, and no slash at the end."""
    with FtpServer(users={"ann": "secret"}) as server:
        assert server.url == f"ftp://ann:secret@127.0.0.1:{server.port}"


def test_url_with_quoting() -> None:
    """Characters that would mean something in a URL are quoted."""
    with FtpServer(users={"ann@x": "a:b/c%ü"}) as server:
        assert server.url == f"ftp://ann%40x:a%3Ab%2Fc%25%C3%BC@127.0.0.1:{server.port}"


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 on this machine")
def test_url_with_ipv6() -> None:
    """An IPv6 address stands in brackets."""
    with FtpServer(host="::1") as server:
        assert server.url == f"ftp://user:password@[::1]:{server.port}"


def test_repr() -> None:
    """The repr has the address of a running server."""
    server = FtpServer()
    assert repr(server) == "<FtpServer not running>"
    with server:
        assert repr(server) == f"<FtpServer 127.0.0.1:{server.port}>"


# Settings.


@table(
    ("name", "hint"),
    [
        ("idle_timout", "did you mean 'idle_timeout'?"),
        ("user", "did you mean 'users'?"),
        ("welcome", "did you mean 'welcome_message'?"),
        ("xyzzy", "use one of allow_foreign_addresses, allow_privileged_ports, allow_remote, "),
    ],
)
def test_an_unknown_setting(name: str, hint: str) -> None:
    """An unknown name is refused with the nearest one, or with all settings."""
    settings: dict[str, Any] = {name: 1}
    with pytest.raises(ConfigurationError) as caught:
        FtpServer(**settings)

    assert str(caught.value).startswith(f"unknown setting '{name}': {hint}")


@table(
    ("settings", "text"),
    [
        ({"port": "2121"}, "port takes a port number from 1 to 65535, or 0 for a free one, not '2121'"),
        ({"port": 65536}, "port takes a port number from 1 to 65535, or 0 for a free one, not 65536"),
        ({"port": True}, "port takes a port number from 1 to 65535, or 0 for a free one, not True"),
        ({"host": None}, "host takes text, not None"),
        (
            {"files": [("/a", b"a")]},
            'files takes a mapping from absolute path to bytes, or "random:N" with a number of ',
        ),
        ({"quota": "5"}, "quota takes a whole number of bytes, 0 or more, or None for no limit, not '5'"),
        ({"server_class": Server()}, "server_class takes a subclass of Server, not "),
        ({"server_class": dict}, "server_class takes a subclass of Server, not <class 'dict'>"),
        ({"driver": 5}, "driver takes a Driver, or None for real time, on a thread that all servers of the process"),
        ({"network": 5}, "network takes a network, with listen, connect and resolve, or None for the sockets of this"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], text: str) -> None:
    """They are refused where the server is made, with values that would work."""
    with pytest.raises(ConfigurationError) as caught:
        FtpServer(**settings)
    assert str(caught.value).startswith(text)


def test_settings_reach_the_server() -> None:
    """The settings of Server can be given here."""
    with FtpServer(welcome_message="hello", disable=["MLSD"]) as server, RawClient(server.address) as client:
        assert client.reply().text == "hello"
        assert server.server.disabled == {"MLSD"}


def test_settings_of_your_own_class() -> None:
    """A subclass may have its own settings besides those of Server."""

    class Own(Server):
        def __init__(self, *args: Any, colour: str = "blue", **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.colour = colour

    own: dict[str, Any] = {"server_class": Own, "colour": "red"}
    server = FtpServer(**own, system="OWN")

    assert (server.server.colour, server.server.system) == ("red", "OWN")  # type: ignore[attr-defined]
    for wrong, right in {"color": "colour", "fils": "files", "idle_timout": "idle_timeout"}.items():
        with pytest.raises(UnknownSetting, match=f"^unknown setting '{wrong}': did you mean '{right}'"):
            FtpServer(**{**own, wrong: "red"})


@pytest.mark.parametrize("setting", [{"files": {"/a": b"a"}}, {"files": {}}, {"quota": 10}])
def test_your_own_path_layer_has_its_own_files(setting: dict[str, Any], tmp_path: Path) -> None:
    """Files and quota cannot be given to a server over another path layer, nor over a folder."""
    with pytest.raises(ConfigurationError, match="files, quota and rules for names are for servers in memory"):
        FtpServer(path_io_factory=PathIO, users=[User(base_path=tmp_path)], **setting)
    with pytest.raises(ConfigurationError, match="for servers in memory; this one has the files of root="):
        FtpServer(root=tmp_path, **setting)


def test_quota() -> None:
    """All files together have at most `quota` bytes, and one more is refused to clients."""
    with FtpServer(quota=10, files={"/a": b"12345"}) as server, RawClient(server.address) as client:
        client.login()
        assert client.store("STOR b", b"123456")[-1] in ("452", "552")


def test_files_below_a_file() -> None:
    """Files that cannot all be there are refused when the server is made."""
    with pytest.raises(ConfigurationError, match="files cannot be stored"):
        FtpServer(files={"/a": b"a", "/a/b": b"b"})


def test_a_relative_file() -> None:
    """A path that is not absolute is refused, and the error suggests one."""
    with pytest.raises(PathIsNotAbsolute, match=r"did you mean '/a\.txt'"):
        FtpServer(files={"a.txt": b"a"})


# Life cycle.


def test_the_context_starts_and_stops() -> None:
    """The server runs within the context, and is stopped after it."""
    with FtpServer() as server:
        address = server.address
        socket.create_connection(address, 5).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


def test_a_started_server_can_be_entered() -> None:
    """A server that was started by hand is stopped by its context."""
    server = FtpServer()
    server.start()
    with server:
        address = server.address
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


def test_starting_twice() -> None:
    """A second start is refused, with the URL of the server."""
    with FtpServer() as server, pytest.raises(ServerStateError, match=f"runs already, at {server.url}"):
        server.start()


def test_stopping_twice() -> None:
    """A second stop changes nothing."""
    server = FtpServer()
    server.stop()
    server.start()
    server.stop()
    server.stop()


@table("name", ["host", "port", "address", "url"])
def test_a_server_that_does_not_run_has_no_address(name: str) -> None:
    """Before the start and after the stop the error has the remedy."""
    server = FtpServer()
    for _ in range(2):
        with pytest.raises(ServerStateError, match="use it as a context manager, or call start"):
            getattr(server, name)
        with server:
            getattr(server, name)


@table("name", ["pause", "resume", "wait_idle", "restart"])
def test_what_needs_a_running_server(name: str) -> None:
    """These calls need a server that runs."""
    with pytest.raises(ServerStateError):
        getattr(FtpServer(), name)()


def test_restart_keeps_everything_but_the_sessions() -> None:
    """After a restart port, files, users and log are the same; the sessions are closed."""
    with FtpServer(files={"/a": b"a"}) as server, RawClient(server.address) as client:
        client.login()
        before = server.address
        server.restart()

        assert client.reply().code == "421"
        assert client.is_closed()
        assert server.address == before
        assert server.files == {"/a": b"a"}
        assert _logs_in(server, *server.credentials) == ["331", "230"]
        server.log.assert_sent("USER user", times=2)


def test_pause_and_resume() -> None:
    """While the server is paused, new clients wait and open sessions go on; afterwards the new ones get a greeting."""
    with FtpServer() as server, RawClient(server.address) as early:
        early.login()
        server.pause()
        with RawClient(server.address) as late:
            # The reply came after the connection, so the server has polled its sockets since.
            assert [early.code("NOOP") for _ in range(3)] == ["200"] * 3
            assert len(server.sessions) == 1

            server.resume()

            assert late.reply().code == "220"


def test_a_failed_start_can_be_repeated() -> None:
    """When the port was taken at first, the same server can be started later."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = FtpServer(port=other.getsockname()[1])
        with pytest.raises(OSError, match="use port=0 for a free port"):
            server.start()
        assert repr(server) == "<FtpServer not running>"
    with server:
        assert server.port > 0


def test_servers_do_not_share_anything() -> None:
    """Any number of servers may run at once, each with its own files, users and log."""
    with FtpServer(users={"ann": "1"}) as one, FtpServer(users={"bob": "2"}) as two:
        assert one.port != two.port
        one.files["/a"] = b"a"
        assert _logs_in(one, "ann", "1") == ["331", "230"]
        assert _logs_in(two, "ann", "1") == ["331", "530"]
        assert two.files == {}
        assert len(one.log.sessions) == len(two.log.sessions) == 1


# Sessions and waiting.


def test_sessions_are_those_that_live() -> None:
    """A session is listed while its control connection is open, with the name of its user."""
    with FtpServer() as server:
        with RawClient(server.address) as client, RawClient(server.address) as other:
            client.login()
            other.reply()
            assert [session.user for session in server.sessions] == ["user", ""]
            assert client.code("QUIT") == "221"
            server.log.wait_for(lambda event: isinstance(event, Disconnected))
            assert [session.number for session in server.sessions] == [2]
        server.log.wait_for(lambda event: isinstance(event, Disconnected), times=2)
        assert server.sessions == []


def test_wait_idle_waits_for_a_transfer() -> None:
    """While a transfer runs the server is busy, and the error names it; afterwards it is idle."""
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()
        data = client.passive()
        client.send("STOR a")
        assert client.reply().code == "150"
        with pytest.raises(AssertionError, match=r"still busy after 0\.01 s with STOR a"):
            server.wait_idle(timeout=0.01)

        data.close()
        server.wait_idle()

        assert server.files == {"/a": b""}


def test_wait_idle_does_not_wait_for_a_login_that_is_never_answered() -> None:
    """`wait_idle` does not wait for a script that withholds replies: the record has `reply_withheld`."""
    users = ScriptedUserManager()
    users.on("ann").time_out()
    with FtpServer(users=users) as server, RawClient(server.address) as client:
        client.reply()
        client.code("USER ann")
        client.send("PASS x")
        server.log.wait_for(lambda event: isinstance(event, ReplyWithheld))

        server.wait_idle()

        assert [record.reply_withheld for record in server.log.commands] == [False, True]


# Failures.


class Failing(Server):
    """Fails on demand."""

    async def boom(self, connection: Connection, rest: str) -> bool:
        """BOOM: fail."""
        raise RuntimeError(f"boom {rest}")


def _boom(server: FtpServer) -> None:
    with RawClient(server.address) as client:
        client.login()
        assert client.code("BOOM here") == "451"


def test_a_failure_is_raised_once_with_its_cause() -> None:
    """`check` raises the exception of a handler, with verb, text and dialogue; a second one raises nothing."""
    server = FtpServer(server_class=Failing)
    server.start()
    with RawClient(server.address) as client:
        client.login()
        assert client.code("BOOM one") == "451"
        assert client.code("BOOM two") == "451"
        assert client.code("NOOP") == "200"

    with pytest.raises(ServerFailure) as caught:
        server.check()

    text = str(caught.value)
    assert text.startswith("BOOM raised RuntimeError: boom one (and 1 more)\n\nsession 1\n")
    assert "> BOOM one" in text
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.__cause__.__traceback__ is not None
    server.check()
    server.stop()


def test_leaving_the_context_checks() -> None:
    """A failure that `check` has not raised is raised when the context is left."""

    def fail() -> None:
        with FtpServer(server_class=Failing) as server:
            _boom(server)

    with pytest.raises(ServerFailure, match="BOOM raised RuntimeError: boom here\n"):
        fail()


def test_the_error_of_the_test_goes_first() -> None:
    """When the body of the context raises, that error comes out, and the server is stopped too."""
    server = FtpServer(server_class=Failing)

    def fail() -> None:
        with server:
            _boom(server)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert repr(server) == "<FtpServer not running>"
    assert len(server.log.failures) == 1


def test_error_replies_are_no_failures() -> None:
    """An exception that becomes a reply, as for a missing file, is no failure."""
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()
        assert client.code("DELE nothing") == "550"
        server.check()


def test_a_path_layer_that_fails_is_a_failure() -> None:
    """A bug in a path layer is raised like one in a handler."""

    class Broken(MemoryPathIO):
        async def unlink(self, path: PurePath) -> None:
            raise ZeroDivisionError("bug")

    server = FtpServer(path_io_factory=Broken, files={"/a": b"a"})
    server.start()
    with RawClient(server.address) as client:
        client.login()
        assert client.code("DELE a") == "451"
    server.stop()

    with pytest.raises(ServerFailure, match="DELE raised ZeroDivisionError: bug"):
        server.check()


def test_a_user_manager_that_fails_is_a_failure() -> None:
    """A bug in a user manager is raised like one in a handler."""

    class Broken(Bouncer):
        async def authenticate(self, user: User, password: str) -> bool:
            raise ZeroDivisionError("bug")

        async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
            return self.GetUserResponse.PASSWORD_REQUIRED, User(login), "password"

    server = FtpServer(users=Broken())
    server.start()
    assert _logs_in(server, "ann", "x") == ["331", "451"]
    server.stop()

    with pytest.raises(ServerFailure, match="PASS raised ZeroDivisionError: bug"):
        server.check()


# Data ports.


@pytest.fixture
def spare() -> Iterator[int]:
    """A port that the test holds without listening, so that only a server that names it gets it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_one_data_port_for_two_sessions(spare: int) -> None:
    """A pool of one port serves two sessions in turn; a session that needs it meanwhile gets 425."""
    with (
        FtpServer(data_ports=[spare], files={"/a": b"abc"}) as server,
        RawClient(server.address) as one,
        RawClient(server.address) as two,
    ):
        one.login()
        two.login()
        reply = one.ask("EPSV")
        assert f"|||{spare}|" in reply.text
        assert two.code("EPSV") == "425"
        with socket.create_connection(("127.0.0.1", spare), 5) as data:
            assert one.code("RETR a") == "150"
            assert data.recv(10) == b"abc"
        assert one.reply().code == "226"

        assert two.fetch("RETR a") == (["150", "226"], b"abc")
        assert one.fetch("RETR a") == (["150", "226"], b"abc")


def test_a_data_port_goes_back_with_its_session(spare: int) -> None:
    """A session that ends with a listening port releases it for the next one."""
    with FtpServer(data_ports=[spare]) as server, RawClient(server.address) as two:
        two.login()
        with RawClient(server.address) as one:
            one.login()
            assert one.code("EPSV") == "229"
            assert one.code("QUIT") == "221"
            server.log.wait_for(lambda event: isinstance(event, Disconnected))

        assert two.code("EPSV") == "229"


# Speed limits.

LIMIT = 200_000
SIZE = 60_000


@pytest.fixture
def charges(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """The time, by the loop's clock, and the size of each piece that went through limited throttles."""
    charged: list[tuple[float, int]] = []
    append = Throttle.append

    def note(self: Throttle, data: bytes | memoryview, start: float) -> None:
        if self.limit == LIMIT:
            charged.append((start, len(data)))
        append(self, data, start)

    monkeypatch.setattr(Throttle, "append", note)
    return charged


def _never_too_fast(charges: list[tuple[float, int]]) -> bool:
    """Whether no more was sent between any two pieces than the limit allows; long waits are compensated."""
    slack = 0.042  # the compensation, and the resolution of the loop's timer
    return all(
        sum(size for _, size in charges[first:last]) / LIMIT <= charges[last][0] - charges[first][0] + slack
        for first, last in itertools.combinations(range(len(charges)), 2)
    )


def _settings(kind: str, direction: str) -> dict[str, Any]:
    whose, _, connection = kind.rpartition(" ")
    limit: dict[str, Any] = {f"{direction}_speed_limit" + ("_per_connection" if connection == "session" else ""): LIMIT}
    return limit if whose == "server's" else {"users": [User("user", "password", **limit)]}


KINDS = ["server's sum", "server's session", "user's sum", "user's session"]


@pytest.mark.parametrize("kind", KINDS)
def test_downloads_keep_to_the_write_limit(kind: str, charges: list[tuple[float, int]]) -> None:
    """Every byte of a download is charged, in small portions, and none is sent before its time."""
    content = bytes(range(256)) * (SIZE // 256)
    with FtpServer(files={"/a": content}, **_settings(kind, "write")) as server, RawClient(server.address) as client:
        client.login()
        assert client.fetch("RETR a") == (["150", "226"], content)

    assert sum(size for _, size in charges) == len(content)
    assert max(size for _, size in charges) <= LIMIT // 20
    assert _never_too_fast(charges)


@pytest.mark.parametrize("kind", KINDS)
def test_uploads_keep_to_the_read_limit(kind: str, charges: list[tuple[float, int]]) -> None:
    """Every byte of an upload is charged, in small portions, and none is read before its time."""
    content = bytes(range(256)) * (SIZE // 256)
    with FtpServer(**_settings(kind, "read")) as server, RawClient(server.address) as client:
        client.login()
        assert client.store("STOR a", content) == ["150", "226"]
        assert server.files == {"/a": content}

    assert sum(size for _, size in charges) == len(content)
    assert max(size for _, size in charges) <= LIMIT // 20
    assert _never_too_fast(charges)


@pytest.mark.parametrize(("direction", "other"), [("read", "RETR a"), ("write", "STOR a")])
def test_a_limit_has_one_direction(direction: str, other: str, charges: list[tuple[float, int]]) -> None:
    """A limit on one direction charges nothing of the other."""
    files, settings = {"/a": b"x" * SIZE}, _settings("server's sum", direction)
    with FtpServer(files=files, **settings) as server, RawClient(server.address) as client:
        client.login()
        if other.startswith("RETR"):
            client.fetch(other)
        else:
            client.store(other, b"y" * SIZE)

    assert charges == []


def test_sessions_share_the_limit_of_the_server(charges: list[tuple[float, int]]) -> None:
    """Two downloads at once have one rate between them."""
    with (
        FtpServer(files={"/a": b"x" * SIZE}, write_speed_limit=LIMIT) as server,
        RawClient(server.address) as one,
        RawClient(server.address) as two,
    ):
        streams = []
        for client in (one, two):
            client.login()
            streams.append(client.passive())
            client.send("RETR a")
        assert [len(read_all(stream)) for stream in streams] == [SIZE, SIZE]
        server.wait_idle()

    # Both may send at the same moment, and then wait for both: so the rate holds over the whole.
    elapsed = charges[-1][0] - charges[0][0]
    paid = sum(size for _, size in charges) - 2 * LIMIT // 20
    assert sum(size for _, size in charges) == 2 * SIZE
    assert elapsed >= paid / LIMIT - 0.01


def test_a_user_of_two_sessions_has_one_throttle() -> None:
    """The limit belongs to the user object, so all of its sessions share it."""
    user = User("user", "password", write_speed_limit=LIMIT)
    with FtpServer(users=[user]) as server, RawClient(server.address) as one, RawClient(server.address) as two:
        for client in (one, two):
            client.login()
        connections = list(server.server.connections.values())

        throttles = [connection.throttles["user_global"] for connection in connections]
        own = [connection.throttles["user_per_connection"] for connection in connections]

    assert throttles[0] is throttles[1] is server.server.throttle_per_user[user]
    assert own[0] is not own[1]
