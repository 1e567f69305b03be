"""The extension API: code that users of the developer tutorial write, over real sockets.

Everything here is written as a user would: against the names that the package shows, in the shapes of the tutorial.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest

import ftpfixture
from ftpfixture import (
    AbstractPathIO,
    AbstractUserManager,
    Connection,
    ConnectionConditions,
    FtpServer,
    MemoryPathIO,
    MemoryUserManager,
    PathConditions,
    PathIOError,
    PathPermissions,
    Permission,
    Server,
    ServerFailure,
    StreamThrottle,
    Throttle,
    User,
)
from ftpfixture.server import command
from tests.support.raw import RawClient, read_all

Serve = Callable[..., RawClient]


@pytest.fixture
def serve(ftp_server_factory: Callable[..., FtpServer]) -> Iterator[Serve]:
    """Starts a server of a class, and returns a client of it; logged in, unless `login` is False."""
    clients: list[RawClient] = []

    def start(server_class: type[Server], *, login: bool = True, **settings: Any) -> RawClient:
        server = ftp_server_factory(server_class=server_class, **settings)
        client = RawClient(server.address)
        clients.append(client)
        if login:
            client.login()
        return client

    yield start
    for client in clients:
        client.close()


def replies(client: RawClient, *lines: str) -> list[str]:
    """The whole replies to some lines."""
    replies = [client.ask(line) for line in lines]
    return [f"{reply.code} {reply.text}" for reply in replies]


# A verb with a data connection, as the tutorial writes it.


class MyServer(ftpfixture.Server):
    """Replaces NOOP, and has the verb COLL: numbers, in eight bytes each."""

    async def noop(self, connection: Connection, rest: str) -> bool:
        """Reply differently."""
        connection.response("200", "boring")
        return True

    @ftpfixture.ConnectionConditions(
        ftpfixture.ConnectionConditions.login_required,
        ftpfixture.ConnectionConditions.passive_server_started,
    )
    async def coll(self, connection: Connection, rest: str) -> bool:
        """Send the given number of numbers."""

        @ftpfixture.ConnectionConditions(
            ftpfixture.ConnectionConditions.data_connection_made,
            wait=True,
            fail_code="425",
            fail_info="Can't open data connection",
        )
        @ftpfixture.server.worker
        async def coll_worker(self: MyServer, connection: Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                for number in range(count):
                    await stream.write(number.to_bytes(8, "big"))
            connection.response("200", "coll transfer done")
            return True

        count = int(rest)
        coro = coll_worker(self, connection, rest)
        task = connection.loop.create_task(coro)
        connection.extra_workers.add(task)
        connection.response("150", "coll transfer started")
        return True


class Bulk(Server):
    """Has the verb BULK: more data than the client reads."""

    async def bulk(self, connection: Connection, rest: str) -> bool:
        """Send it."""
        connection.response("150", "here it comes")
        connection.extra_workers.add(connection.loop.create_task(self._send_bulk(connection)))
        return True

    @ftpfixture.worker
    async def _send_bulk(self, connection: Connection) -> bool:
        async with await connection.wait_for("data_connection", 5) as stream:
            while True:
                await stream.write(bytes(1 << 20))


def numbers(count: int) -> bytes:
    """The data of COLL."""
    return b"".join(number.to_bytes(8, "big") for number in range(count))


def test_a_replaced_verb(serve: Serve) -> None:
    """A method with the name of a verb handles it, also before the login."""
    client = serve(MyServer, login=False)
    client.reply()

    assert replies(client, "NOOP", "noop and something") == ["200 boring", "200 boring"]


@pytest.mark.parametrize("verb", ["EPSV", "PASV"])
@pytest.mark.parametrize("count", [0, 1, 20, 5000])
def test_a_verb_with_a_data_connection(serve: Serve, verb: str, count: int) -> None:
    """All bytes arrive, the preliminary reply comes first, and the worker's own reply ends it."""
    client = serve(MyServer)
    data = client.passive(verb)

    assert replies(client, f"COLL {count}") == ["150 coll transfer started"]
    assert read_all(data) == numbers(count)
    assert client.reply().text == "coll transfer done"


def test_such_verbs_one_after_another(serve: Serve) -> None:
    """Each has its own data connection, and built-in transfers may come between them."""
    client = serve(MyServer, files={"/a.txt": b"hi"})

    for _ in range(3):
        assert client.fetch("COLL 3") == (["150", "200"], numbers(3))
        assert client.fetch("RETR a.txt") == (["150", "226"], b"hi")


def test_what_such_a_verb_needs(serve: Serve) -> None:
    """Before the login, and before PASV, the conditions reply and the method does not run."""
    client = serve(MyServer, login=False)
    client.reply()

    assert replies(client, "COLL 1") == ["530 Please login with USER and PASS"]
    assert [client.code("USER user"), client.code("PASS password")] == ["331", "230"]
    assert replies(client, "COLL 1", "COLL") == ["503 Use PASV or EPSV first"] * 2


def test_the_client_does_not_connect(serve: Serve) -> None:
    """The condition that waits times out after `wait_future_timeout`, with its code and text."""
    client = serve(MyServer, wait_future_timeout=0.05)
    assert client.code("EPSV") == "229"

    assert replies(client, "COLL 3") == ["150 coll transfer started"]
    reply = client.reply()
    assert (reply.code, reply.text) == ("425", "Can't open data connection")
    assert client.fetch("COLL 3") == (["150", "200"], numbers(3))


def test_a_second_one_needs_a_second_connection(serve: Serve) -> None:
    """The data connection was used: without another one there is none, and nothing hangs."""
    client = serve(MyServer, wait_future_timeout=0.05)
    client.fetch("COLL 1")

    assert [client.code("COLL 1"), client.reply().code] == ["150", "425"]


def test_commands_are_answered_while_it_runs(serve: Serve) -> None:
    """NOOP gets its reply during a transfer, whose small pieces do not block the loop; PWD waits for its end."""
    client = serve(MyServer)
    data = client.passive()
    assert client.code("COLL 100000000") == "150"

    assert replies(client, "NOOP") == ["200 boring"]
    client.send("PWD")
    data.close()
    assert [client.reply().code, client.reply().code] == ["426", "257"]


def test_abor_cancels_it(serve: Serve) -> None:
    """The worker gets 426, ABOR gets 226, the data connection is closed, and the session continues."""
    client = serve(MyServer)
    data = client.passive()
    assert client.code("COLL 100000000") == "150"
    assert len(data.recv(8, socket.MSG_WAITALL)) == 8

    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]
    assert len(read_all(data)) < 800_000_000
    assert client.fetch("COLL 2") == (["150", "200"], numbers(2))


def test_abor_while_it_waits_for_the_connection(serve: Serve) -> None:
    """The condition that waits is cancelled, too."""
    client = serve(MyServer, wait_future_timeout=None)
    client.ask("EPSV")
    assert client.code("COLL 1") == "150"

    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]
    assert client.code("NOOP") == "200"


def test_the_client_drops_the_data_connection(serve: Serve) -> None:
    """A worker whose data connection breaks gets 426; that is no failure of the server."""
    client = serve(MyServer)
    data = client.passive()
    assert client.code("COLL 100000000") == "150"
    data.close()

    reply = client.reply()
    assert (reply.code, reply.text) == ("426", "Data connection closed, transfer aborted")
    assert client.code("NOOP") == "200"


def test_a_data_connection_that_stalls(serve: Serve) -> None:
    """After `socket_timeout` the worker gets 426, too."""
    client = serve(Bulk, socket_timeout=0.05)
    client.passive()

    assert [client.code("BULK"), client.reply().code] == ["150", "426"]


def test_a_bug_in_a_verb(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """An unexpected exception is 451 for the client, and raised in the test; the session continues."""
    server = ftp_server_factory(server_class=MyServer)
    with RawClient(server.address) as client:
        client.login()
        client.ask("EPSV")
        assert client.code("COLL many") == "451"
        assert client.code("NOOP") == "200"

    with pytest.raises(ServerFailure, match="COLL raised ValueError: invalid literal"):
        server.check()


# What a verb may do with the connection.


class Signals(Server):
    """Verbs that wait for one another, by the futures of the connection."""

    async def item(self, connection: Connection, rest: str) -> bool:
        """Wait for ``connection["signal"]``."""
        return self._answer_when(connection, connection["signal"])

    async def view(self, connection: Connection, rest: str) -> bool:
        """Wait for ``connection.future.signal``."""
        return self._answer_when(connection, connection.future.signal)

    def _answer_when(self, connection: Connection, future: asyncio.Future[str]) -> bool:
        async def waiting() -> bool:
            connection.response("200", f"got {await future}")
            return True

        connection.extra_workers.add(connection.loop.create_task(waiting()))
        return True

    async def hold(self, connection: Connection, rest: str) -> bool:
        """Wait by a condition."""

        @ConnectionConditions(("signal", "No signal was given"), wait=True)
        async def holding(self: Signals, connection: Connection, rest: str) -> bool:
            connection.response("200", f"got {connection.signal}")
            return True

        connection.extra_workers.add(connection.loop.create_task(holding(self, connection, rest)))
        return True

    @command("SIGNAL", during_transfer=True)
    async def signal(self, connection: Connection, rest: str) -> bool:
        """Set the signal; a worker runs, so the marker allows it during transfers."""
        connection.response("200", "sent")
        connection.signal = rest
        return True

    @ConnectionConditions(("signal", "No signal was given"))
    async def show(self, connection: Connection, rest: str) -> bool:
        """Reply with the signal."""
        connection.response("200", connection.signal)
        return True

    @ConnectionConditions(("signal", "missing"), fail_code="550", fail_info="Signals are needed here")
    async def need(self, connection: Connection, rest: str) -> bool:
        """Reply differently without the signal."""
        connection.response("200", "fine")
        return True

    async def forget(self, connection: Connection, rest: str) -> bool:
        """Delete the signal, whether or not it is set."""
        del connection.signal
        del connection.signal
        del connection.future.signal
        present = "signal" in connection, hasattr(connection, "signal"), getattr(connection, "signal", "nothing")
        connection.response("200", str(present))
        return True


@pytest.mark.parametrize("verb", ["ITEM", "VIEW", "HOLD"])
def test_waiting_for_a_value(serve: Serve, verb: str) -> None:
    """A worker continues when another command sets the value that it waits for."""
    client = serve(Signals, wait_future_timeout=10)
    client.send(verb)

    assert replies(client, "SIGNAL green") == ["200 sent"]
    assert client.reply().text == "got green"
    # A set value needs no wait.
    assert replies(client, verb) == ["200 got green"]


def test_a_condition_that_times_out(serve: Serve) -> None:
    """Its text and code are the field's own when none are given."""
    assert replies(serve(Signals, wait_future_timeout=0.01), "HOLD") == ["503 No signal was given"]


def test_a_worker_that_waits_can_be_aborted(serve: Serve) -> None:
    """A task without the decorator `worker` gets its 426 from the session."""
    client = serve(Signals)
    client.send("ITEM")

    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]


def test_flags_of_handlers(serve: Serve) -> None:
    """An attribute that a handler sets stays on the connection, for conditions and other handlers, until `del`."""
    client = serve(Signals)

    assert replies(client, "SHOW", "NEED") == ["503 No signal was given", "550 Signals are needed here"]
    assert replies(client, "SIGNAL red", "SHOW", "NEED") == ["200 sent", "200 red", "200 fine"]
    assert replies(client, "FORGET", "SHOW") == ["200 (False, False, 'nothing')", "503 No signal was given"]


def test_flags_belong_to_one_connection(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Another session does not have them."""
    server = ftp_server_factory(server_class=Signals)
    with RawClient(server.address) as one, RawClient(server.address) as two:
        one.login()
        two.login()
        assert replies(one, "SIGNAL red") == ["200 sent"]
        assert replies(two, "SHOW") == ["503 No signal was given"]


def test_attributes_of_a_connection(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The entries that the server sets, with their types, before and after the login and PASV."""
    seen: list[dict[str, Any]] = []
    ports: list[int] = []

    class Looking(Server):
        async def look(self, connection: Connection, rest: str) -> bool:
            seen.append(dict(vars(connection)))
            ports.append(connection.passive_server.port if "passive_server" in connection else 0)
            connection.response("200", "seen")
            return True

    server = ftp_server_factory(server_class=Looking, files={"/in/": None}, path_timeout=7, block_size=4096)
    with RawClient(server.address) as client:
        client.reply()
        client.ask("LOOK")
        for line in ("USER user", "PASS password", "CWD in", "RNFR /in", "EPSV", "LOOK"):
            client.ask(line)
        host, port = client.sock.getsockname()[:2]
        before, after = seen

    assert (before["client_host"], before["client_port"]) == (host, port)
    assert (before["server_host"], before["server_port"]) == server.address
    assert (before["block_size"], before["path_timeout"], before["wait_future_timeout"]) == (4096, 7, 1)
    assert (before["socket_timeout"], before["idle_timeout"], before["restart_offset"]) == (None, None, 0)
    assert before["current_directory"] == PurePosixPath("/")
    assert before["extra_workers"] == set()
    assert isinstance(before["loop"], asyncio.AbstractEventLoop)
    assert isinstance(before["path_io"], MemoryPathIO)
    assert before["path_io_factory"] is server.server.path_io_factory
    assert callable(before["response"])
    assert set(before["throttles"]) >= {"server_global", "server_per_connection"}
    assert not {"user", "logged", "passive_server", "data_connection", "rename_from"} & set(before)
    assert (after["user"].login, after["logged"], after["transfer_type"]) == ("user", True, "A")
    assert after["current_directory"] == PurePosixPath("/in")
    assert after["rename_from"] == PurePosixPath("/in")
    assert ports == [0, after["passive_server_port"]]
    assert ports[1] > 0


def test_replies(serve: Serve) -> None:
    """`response` takes a code and a text, several lines, or a listing; the text may be omitted."""

    class Talking(Server):
        async def talk(self, connection: Connection, rest: str) -> bool:
            forms: dict[str, Callable[[], None]] = {
                "code": lambda: connection.response("200"),
                "text": lambda: connection.response("200", "text"),
                "lines": lambda: connection.response("200", ["one", "two", "three"]),
                "list": lambda: connection.response("200", ["head", "one", "two", "end"], list=True),
                "positional": lambda: connection.response("200", ("head", "one", "end"), True),
            }
            forms[rest]()
            return True

    wanted = {
        "code": b"200 \r\n",
        "text": b"200 text\r\n",
        "lines": b"200-one\r\n200-two\r\n200 three\r\n",
        "list": b"200-head\r\n one\r\n two\r\n200 end\r\n",
        "positional": b"200-head\r\n one\r\n200 end\r\n",
    }
    client = serve(Talking)
    seen = {}
    for form, data in wanted.items():
        client.send(f"TALK {form}")
        seen[form] = client.sock.recv(len(data), socket.MSG_WAITALL)

    assert seen == wanted
    assert client.code("NOOP") == "200"


def test_false_ends_the_session(serve: Serve) -> None:
    """A handler that returns False closes the connection after its reply; pipelined commands get none."""

    class Leaving(Server):
        async def bye(self, connection: Connection, rest: str) -> bool:
            connection.response("221", "so soon")
            return False

    client = serve(Leaving)
    client.send("BYE\r\nNOOP")

    assert client.reply().text == "so soon"
    assert client.is_closed()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PathIOError(reason=(FileNotFoundError, FileNotFoundError(), None)), "550"),  # type: ignore[arg-type]
        (PathIOError("tape jam"), "451"),
        (PermissionError(), "550"),
        (TimeoutError(), "451"),
    ],
)
def test_errors_of_storage_become_replies(serve: Serve, error: Exception, code: str) -> None:
    """An error of a path layer becomes a reply in every handler that does not catch it, and the session continues."""

    class Storing(Server):
        async def keep(self, connection: Connection, rest: str) -> bool:
            raise error

    client = serve(Storing)

    assert [client.code("KEEP"), client.code("NOOP")] == [code, "200"]


# Conditions.


class Guarded(Server):
    """A verb for each condition on paths, and for combinations."""

    @PathConditions(PathConditions.path_must_exists)
    async def must(self, connection: Connection, rest: str) -> bool:
        """Path must exist."""
        return self._pass(connection)

    @PathConditions(PathConditions.path_must_not_exists)
    async def new(self, connection: Connection, rest: str) -> bool:
        """Path must not exist."""
        return self._pass(connection)

    @PathConditions(PathConditions.path_must_be_dir)
    async def dir(self, connection: Connection, rest: str) -> bool:
        """Path must be a directory."""
        return self._pass(connection)

    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    async def file(self, connection: Connection, rest: str) -> bool:
        """Path must be there, and a file."""
        return self._pass(connection)

    @PathPermissions(PathPermissions.readable)
    async def read(self, connection: Connection, rest: str) -> bool:
        """Path must be readable."""
        return self._pass(connection)

    @PathPermissions(PathPermissions.writable)
    async def writ(self, connection: Connection, rest: str) -> bool:
        """Path must be writable."""
        return self._pass(connection)

    @PathPermissions(PathPermissions.readable, PathPermissions.writable)
    async def both(self, connection: Connection, rest: str) -> bool:
        """Path must be readable and writable."""
        return self._pass(connection)

    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def all(self, connection: Connection, rest: str) -> bool:
        """State, then path, then permission."""
        return self._pass(connection)

    @ConnectionConditions(ConnectionConditions.user_required)
    async def named(self, connection: Connection, rest: str) -> bool:
        """USER was sent."""
        return self._pass(connection)

    @ConnectionConditions(ConnectionConditions.rename_from_required)
    async def renaming(self, connection: Connection, rest: str) -> bool:
        """RNFR was sent."""
        return self._pass(connection)

    def _pass(self, connection: Connection) -> bool:
        connection.response("200", "passed")
        return True


PASSED = "200 passed"
GUARDED_FILES = {"/a.txt": b"hi", "/in/b.txt": b"ho", "/none/c.txt": b"", "/drop/": None}
GUARDED_USER = User(
    "user",
    "password",
    base_path=PurePosixPath("/"),
    permissions=[
        Permission("/"),
        Permission("/in", writable=False),
        Permission("/none", readable=False, writable=False),
        Permission("/drop", readable=False),
    ],
)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MUST /a.txt", PASSED),
        ("MUST /in", PASSED),
        ("MUST in/../a.txt", PASSED),
        ("MUST /../../a.txt", PASSED),
        ("MUST", PASSED),
        ("MUST /gone", "550 No such file or directory"),
        ("MUST /a.txt/below", "550 No such file or directory"),
        ("NEW /gone", PASSED),
        ("NEW /a.txt", "550 File exists"),
        ("NEW /in", "550 File exists"),
        ("DIR /in", PASSED),
        ("DIR /a.txt", "550 Not a directory"),
        ("DIR /gone", "550 Not a directory"),
        ("FILE /a.txt", PASSED),
        ("FILE /in", "550 Not a regular file"),
        ("FILE /gone", "550 No such file or directory"),
        ("READ /a.txt", PASSED),
        ("READ /in/b.txt", PASSED),
        ("READ /none/c.txt", "550 Permission denied"),
        ("READ /gone", PASSED),
        ("WRIT /a.txt", PASSED),
        ("WRIT /in/b.txt", "550 Permission denied"),
        ("WRIT /drop/new", PASSED),
        ("BOTH /a.txt", PASSED),
        ("BOTH /in/b.txt", "550 Permission denied"),
        ("BOTH /drop/new", "550 Permission denied"),
        ("BOTH /none/c.txt", "550 Permission denied"),
        ("ALL /a.txt", PASSED),
        ("ALL /none", "550 Not a regular file"),
        ("ALL /none/c.txt", "550 Permission denied"),
        ("NAMED", PASSED),
        ("RENAMING", "503 Use RNFR first"),
    ],
)
def test_conditions(serve: Serve, line: str, answer: str) -> None:
    """Every condition passes what it should; the first of several that fails replies, and all rights are checked."""
    assert replies(serve(Guarded, users=[GUARDED_USER], files=GUARDED_FILES), line) == [answer]


def test_conditions_of_state_come_first(serve: Serve) -> None:
    """A client that is not logged in learns nothing about paths."""
    client = serve(Guarded, login=False, files=GUARDED_FILES)
    client.reply()

    assert replies(client, "ALL /gone") == ["530 Please login with USER and PASS"]
    assert replies(client, "NAMED") == ["503 Login with USER first"]


def test_rename_from_required(serve: Serve) -> None:
    """After RNFR the condition holds."""
    client = serve(Guarded, files=GUARDED_FILES)
    client.ask("RNFR /a.txt")

    assert replies(client, "RENAMING") == [PASSED]


def test_a_link_out_of_the_base_is_missing(serve: Serve, tmp_path: Path) -> None:
    """Conditions on paths let no user look outside of the base, not even through a link."""
    (tmp_path / "secret.txt").write_bytes(b"x")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "out").symlink_to(tmp_path / "secret.txt")
    user = User("user", "password", base_path=tmp_path / "base")
    client = serve(Guarded, users=[user], path_io_factory=ftpfixture.PathIO)

    assert replies(client, "MUST out", "READ out") == ["550 No such file or directory"] * 2


# The table of commands.


async def mood(connection: Connection, rest: str) -> bool:
    """A handler that is no method."""
    connection.response("200", f"{rest or 'everything'} is fine")
    return True


def test_adding_to_the_mapping(serve: Serve) -> None:
    """A subclass may add handlers in `__init__`; they get the connection and the rest, and nothing else."""

    class Extended(Server):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.commands_mapping["mood"] = mood
            self.commands_mapping["feel"] = self._feel

        async def _feel(self, connection: Connection, rest: str) -> bool:
            connection.response("200", "good")
            return True

    client = serve(Extended)

    assert replies(client, "MOOD", "mood Ann", "FEEL") == ["200 everything is fine", "200 Ann is fine", "200 good"]
    assert [client.code("HELP"), client.code("FEAT"), client.code("HELP MOOD")] == ["214", "211", "214"]


def test_popping_and_replacing(ftp_server: FtpServer, raw: RawClient) -> None:
    """A removed verb is 502, a replaced one has its new handler, also in open sessions; other servers do not change."""
    mapping = ftp_server.server.commands_mapping
    mapping.pop("syst")
    mapping["noop"] = mood

    assert replies(raw, "SYST", "NOOP") == ["502 SYST is not implemented", "200 everything is fine"]
    assert {"syst", "noop"} <= set(Server().commands_mapping)
    assert Server().commands_mapping["noop"] is not mood


# Overrides.


def test_an_override_calls_what_it_overrides(serve: Serve) -> None:
    """``await super().verb(connection, rest)`` does what the server does, with any argument."""

    class Upper(Server):
        async def stor(self, connection: Connection, rest: str) -> bool:
            return await super().stor(connection, rest.upper())

        async def quit(self, connection: Connection, rest: str) -> bool:
            connection.response("200", "one more thing")
            return await super().quit(connection, rest)

        async def pass_(self, connection: Connection, rest: str) -> bool:
            return await super().pass_(connection, rest.removesuffix("!"))

    client = serve(Upper, login=False)
    client.reply()

    assert [client.code("USER user"), client.code("PASS password!"), client.code("TYPE I")] == ["331", "230", "200"]
    assert client.store("STOR a.txt", b"hi") == ["150", "226"]
    assert client.fetch("NLST")[1] == b"A.TXT\r\n"


def test_an_override_under_more_conditions(serve: Serve) -> None:
    """A verb without conditions may get some, and still call the original."""

    class Strict(Server):
        @ConnectionConditions(ConnectionConditions.login_required, fail_code="530", fail_info="Who are you?")
        async def noop(self, connection: Connection, rest: str) -> bool:
            return await super().noop(connection, rest)

    client = serve(Strict, login=False)
    client.reply()

    assert replies(client, "NOOP") == ["530 Who are you?"]
    assert [client.code("USER user"), client.code("PASS password"), client.code("NOOP")] == ["331", "230", "200"]


def test_hooks(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The steps of a server's and of a session's life may be extended, each with a call of the original."""
    steps: list[str] = []

    class Hooked(Server):
        async def start(self, host: str | None = None, port: int = 0) -> None:
            await super().start(host, port)
            steps.append("start")

        async def close(self) -> None:
            await super().close()
            steps.append("close")

        async def greeting(self, connection: Connection, rest: str) -> bool:
            steps.append("greeting")
            connection.response("220", ["Hello", connection.client_host])
            return True

        async def release(self, connection: Connection) -> None:
            steps.append(f"release to {connection.user.login}")
            await super().release(connection)

        def reset(self, connection: Connection) -> None:
            super().reset(connection)
            connection.points = 0

        async def score(self, connection: Connection, rest: str) -> bool:
            connection.points += 1
            connection.response("200", str(connection.points))
            return True

    server = ftp_server_factory(server_class=Hooked)
    with RawClient(server.address) as client:
        assert client.reply().lines == ("Hello", "127.0.0.1")
        client.ask("USER user")
        client.ask("PASS password")
        assert replies(client, "SCORE", "SCORE") == ["200 1", "200 2"]
        assert replies(client, "REIN", "SCORE") == ["220 Ready for a new user", "200 1"]
        client.ask("USER user")
        client.ask("PASS password")
        assert client.code("QUIT") == "221"
        assert client.is_closed()
    server.stop()

    assert steps == ["start", "greeting", "release to user", "close"]


def test_a_greeting_that_refuses(serve: Serve) -> None:
    """False from the greeting closes the connection after its reply."""

    class Closed(Server):
        async def greeting(self, connection: Connection, rest: str) -> bool:
            connection.response("421", "Come back tomorrow")
            return False

    client = serve(Closed, login=False)

    assert client.reply().text == "Come back tomorrow"
    assert client.is_closed()


@pytest.mark.parametrize("static", [True, False])
def test_an_override_of_get_paths(serve: Serve, static: bool) -> None:
    """Handlers and conditions call `get_paths`; it may be static, as in the server, or not."""

    def shout(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        return Server.get_paths(connection, str(path).upper())

    class Shouting(Server):
        get_paths = staticmethod(shout)

    class ShoutingMethod(Server):
        def get_paths(  # type: ignore[override]  # a user may write it with `self`, too
            self, connection: Connection, path: str | PurePosixPath
        ) -> tuple[PurePath, PurePosixPath]:
            return shout(connection, path)

    client = serve(Shouting if static else ShoutingMethod, files={"/IN/A.TXT": b"hi"})

    assert client.fetch("RETR in/a.txt") == (["150", "226"], b"hi")
    assert replies(client, "CWD in", "PWD") == ["250 Directory changed to /IN", '257 "/IN" is the current directory']
    assert client.code("DELE a.txt") == "250"


def test_settings_of_a_subclass(serve: Serve) -> None:
    """A subclass may take further settings; `FtpServer` and the marker read them from its signature."""

    class Moody(Server):
        def __init__(self, *args: Any, mood: str = "fine", **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.mood = mood

        async def feel(self, connection: Connection, rest: str) -> bool:
            connection.response("200", self.mood)
            return True

    assert replies(serve(Moody, mood="bad", welcome_message="hello"), "FEEL", "MOOD") == [
        "200 bad",
        "502 MOOD is not implemented",
    ]


# What must not be reached.


class Wide(MyServer):
    """Overrides every hook, and has methods that look like commands and are none."""

    answers: tuple[str, ...] = ()

    async def start(self, host: str | None = None, port: int = 0) -> None:
        """See BaseServer."""
        await super().start(host, port)

    async def close(self) -> None:
        """See BaseServer."""
        await super().close()

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """See BaseServer."""
        return await super().greeting(connection, rest)

    async def release(self, connection: Connection) -> None:
        """See BaseServer."""
        await super().release(connection)

    async def helper(self, connection: Connection, path: str) -> bool:
        """Its second parameter has another name."""
        raise AssertionError("reached")

    def plain(self, connection: Connection, rest: str) -> bool:
        """It is no coroutine."""
        raise AssertionError("reached")

    async def _private(self, connection: Connection, rest: str) -> bool:
        """It begins with an underscore."""
        raise AssertionError("reached")


NAMED_IN_THE_RULE = {"START", "CLOSE", "RUN", "GREETING", "GET_PATHS", "__INIT__", "DISPATCHER", "RESPONSE"}


def _no_commands(server: Server) -> list[str]:
    """Every name of a server that is no verb, as a verb."""
    names = {name.upper() for name in dir(server)} | {f"_{name}".upper() for name in dir(server)}
    return sorted((names | NAMED_IN_THE_RULE) - {verb.upper() for verb in server.commands_mapping})


@pytest.mark.parametrize("server_class", [Server, MyServer, Wide])
def test_nothing_else_is_reached(ftp_server_factory: Callable[..., FtpServer], server_class: type[Server]) -> None:
    """Names of attributes, hooks and helpers are unknown verbs, before and after login; the server does not change."""
    server = ftp_server_factory(server_class=server_class)
    names = _no_commands(server.server)
    assert set(names) > NAMED_IN_THE_RULE
    assert len(names) > 200
    with RawClient(server.address) as client:
        client.reply()
        assert {name: client.code(f"{name} x") for name in names} == dict.fromkeys(names, "502")
    with RawClient(server.address) as client:
        client.login()
        assert {name: client.code(name) for name in names} == dict.fromkeys(names, "502")
        assert client.code("NOOP") == "200"


def test_what_is_reached_is_marked() -> None:
    """Every verb of the server reaches a marked method; there are as many as there are commands."""
    server = Server()
    for verb, handler in server.commands_mapping.items():
        assert verb.upper() in server.specs[verb].verbs
        assert inspect.iscoroutinefunction(handler)
    assert {"pass", "stor", "retr", "quit", "opts mlst"} <= set(server.commands_mapping)
    assert not {"pass_", "opts_mlst", "greeting"} & set(server.commands_mapping)


# Users.


class OwnManager(AbstractUserManager):
    """A user's own user manager, which records its calls."""

    def __init__(self) -> None:
        super().__init__(timeout=5)
        self.calls: list[str] = []
        self.ann = User("ann", base_path=PurePosixPath("/"), home_path="/ann")
        self.bob = User("bob", base_path=PurePosixPath("/"))

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Accept ann, who needs a password, and bob, who does not."""
        self.calls.append(f"get {login}")
        if login == "ann":
            return self.GetUserResponse.PASSWORD_REQUIRED, self.ann, "And the password?"
        if login == "bob":
            return self.GetUserResponse.OK, self.bob, "Come in, Bob"
        return self.GetUserResponse.ERROR, None, f"No user {login}"

    async def authenticate(self, user: User, password: str) -> bool:
        """Accept the right password."""
        self.calls.append(f"authenticate {user.login} {password}")
        return password == "open sesame"

    async def notify_logout(self, user: User) -> None:
        """Record it."""
        self.calls.append(f"logout {user.login}")


def test_a_user_manager(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The server asks it for names and passwords, its texts are the replies, and each named user is logged out."""
    doorman = OwnManager()
    server = ftp_server_factory(users=doorman, files={"/ann/": None})
    with RawClient(server.address) as client:
        client.reply()
        assert replies(client, "USER eve", "PASS x") == ["530 No user eve", "530 Login incorrect"]
        assert replies(client, "USER bob", "PASS x") == ["230 Come in, Bob", "202 No password needed"]
        assert replies(client, "USER ann", "PASS x") == ["331 And the password?", "530 Login incorrect"]
        assert replies(client, "PASS open sesame") == ["230 Login successful"]
        assert replies(client, "PWD") == ['257 "/ann" is the current directory']
        assert replies(client, "PASS open sesame") == ["503 Already logged in"]
        assert client.code("USER ann") == "331"
    server.stop()

    assert doorman.timeout == 5
    assert doorman.calls == [
        *["get eve", "get bob", "logout bob", "get ann", "authenticate ann x", "authenticate ann open sesame"],
        *["logout ann", "get ann", "logout ann"],
    ]


@pytest.mark.parametrize(
    "answer",
    [
        (AbstractUserManager.GetUserResponse.OK, None, "come in"),
        (True, User("ann"), "come in"),
        (None, User("ann"), "come in"),
        ("OK", User("ann"), "come in"),
        (AbstractUserManager.GetUserResponse.OK, User("ann")),
    ],
)
def test_a_meaningless_result_logs_in_no_user(ftp_server_factory: Callable[..., FtpServer], answer: Any) -> None:
    """A wrong result of a manager is reported as its bug, and the client gets 451 and no access."""

    class Mistaken(OwnManager):
        async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
            found: tuple[AbstractUserManager.GetUserResponse, User | None, str] = answer
            return found

    server = ftp_server_factory(users=Mistaken())
    with RawClient(server.address) as client:
        client.reply()
        assert [client.code("USER ann"), client.code("PWD")] == ["451", "530"]
    with pytest.raises(ServerFailure, match=r"USER raised (TypeError|ValueError)"):
        server.check()


def test_an_error_with_a_user_logs_in_no_user(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A password cannot log in a user that comes with ERROR."""

    class Mistaken(OwnManager):
        async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
            return self.GetUserResponse.ERROR, self.ann, "No"

    server = ftp_server_factory(users=Mistaken())
    with RawClient(server.address) as client:
        client.reply()
        assert replies(client, "USER ann", "PASS open sesame") == ["530 No", "530 Login incorrect"]


def test_slots_of_users(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """USER takes a slot, and the end of the session releases it, logged in or not."""
    manager = MemoryUserManager([User("ann", "secret", maximum_connections=1)])
    server = ftp_server_factory(users=manager)
    with RawClient(server.address) as one, RawClient(server.address) as two:
        one.reply()
        two.reply()
        assert one.code("USER ann") == "331"
        assert replies(two, "USER ann") == ["530 Too many connections for ann"]
        assert one.code("QUIT") == "221"
        assert one.is_closed()
        assert two.code("USER ann") == "331"
    server.stop()

    assert manager.available_connections[manager.users[0]].value == 1


# Path layers.


def test_how_layers_are_made(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Each connection has its own layer, which gets the timeout and the connection; all share one state."""
    made: list[dict[str, Any]] = []

    class Layer(MemoryPathIO):
        def __init__(self, timeout: float | None = None, connection: Any = None, state: Any = None) -> None:
            super().__init__(timeout, connection, state)
            made.append({"timeout": timeout, "connection": connection, "state": state, "layer": self})

    server = ftp_server_factory(path_io_factory=Layer, path_timeout=3, files={"/a.txt": b"hi"})
    with RawClient(server.address) as one, RawClient(server.address) as two:
        assert one.login().store("STOR b.txt", b"ho") == ["150", "226"]
        assert two.login().fetch("RETR b.txt") == (["150", "226"], b"ho")
        connections = list(server.server.connections.values())

    seed, *others = made
    assert [layer["connection"] for layer in others] == connections
    assert [layer["timeout"] for layer in others] == [3, 3]
    assert all(layer["state"] is seed["layer"].state for layer in others)
    assert [connection.path_io for connection in connections] == [layer["layer"] for layer in others]
    assert server.files == {"/a.txt": b"hi", "/b.txt": b"ho"}


def test_a_layer_with_methods_replaced(serve: Serve) -> None:
    """The server uses what a subclass of a layer returns, in listings and transfers."""

    class Odd(MemoryPathIO):
        @ftpfixture.universal_exception
        async def unlink(self, path: PurePath) -> None:
            raise PermissionError("nothing is ever removed")

        async def read(self, file: Any, n: int = -1) -> bytes:
            return (await super().read(file, n)).upper()

        def list(self, path: PurePath) -> ftpfixture.AbstractAsyncLister[Any]:
            return Once([path / "only.txt"])

    class Once(ftpfixture.AbstractAsyncLister[PurePath]):
        def __init__(self, paths: list[PurePath]) -> None:
            super().__init__()
            self.paths = paths

        async def __anext__(self) -> PurePath:
            if not self.paths:
                raise StopAsyncIteration
            return self.paths.pop()

    client = serve(Server, path_io_factory=Odd, files={"/only.txt": b"hi", "/b.txt": b"ho"})

    assert client.fetch("NLST")[1] == b"only.txt\r\n"
    assert client.fetch("RETR only.txt") == (["150", "226"], b"HI")
    assert replies(client, "DELE only.txt") == ["550 Permission denied"]


# Speed limits.


def test_throttles_of_a_connection(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Four pairs, by name: the server's, a copy for each connection, the user's, and the user's for each connection."""
    user = User(
        "user", "password", base_path=PurePosixPath("/"), read_speed_limit=5e6, read_speed_limit_per_connection=6e6
    )
    server = ftp_server_factory(users=[user], write_speed_limit=7e6, write_speed_limit_per_connection=8e6)
    inner = server.server
    with RawClient(server.address) as one, RawClient(server.address) as two:
        one.login()
        inner.throttle_per_connection.write.limit = None  # existing sessions keep their limits
        two.login()
        first, second = (dict(connection.throttles) for connection in inner.connections.values())

    assert set(first) == set(second) == {"server_global", "server_per_connection", "user_global", "user_per_connection"}
    assert first["server_global"] is second["server_global"] is inner.throttle
    assert first["user_global"] is second["user_global"] is inner.throttle_per_user[user]
    assert first["server_per_connection"] is not second["server_per_connection"]
    assert first["user_per_connection"] is not second["user_per_connection"]
    limits = {name: (pair.read.limit, pair.write.limit) for name, pair in first.items()}
    assert limits == {
        "server_global": (None, 7e6),
        "server_per_connection": (None, 8e6),
        "user_global": (5e6, None),
        "user_per_connection": (6e6, None),
    }


@pytest.mark.parametrize("direction", ["read", "write"])
def test_a_limit_that_changes_while_it_applies(ftp_server_factory: Callable[..., FtpServer], direction: str) -> None:
    """`server.throttle` may be changed at any time: a transfer that would take hours continues at once."""
    settings: dict[str, Any] = {f"{direction}_speed_limit": 1}
    server = ftp_server_factory(files={"/a": b"x" * 10_000}, **settings)
    with RawClient(server.address) as client:
        client.login()
        data = client.passive()
        assert client.code("RETR a" if direction == "write" else "STOR b") == "150"
        if direction == "write":
            assert data.recv(1) == b"x"
        else:
            data.sendall(b"x" * 10_000)
            data.shutdown(socket.SHUT_WR)
            server.log.wait_for("STOR", timeout=5)
        getattr(server.server.throttle, direction).limit = None
        read_all(data)
        assert client.reply().code == "226"


def test_a_further_throttle(serve: Serve) -> None:
    """A handler may add a pair to the others; it applies to bytes from then on."""
    own = StreamThrottle(read=Throttle(), write=Throttle(limit=1e9, reset_rate=1))
    charged: list[int] = []

    class Counting(Throttle):
        def append(self, data: bytes | memoryview, start: float) -> None:
            charged.append(len(data))
            super().append(data, start)

    class Slow(Server):
        async def slow(self, connection: Connection, rest: str) -> bool:
            connection.throttles["own"] = own._replace(write=Counting(limit=1e9))
            connection.response("200", "slow now")
            return True

    client = serve(Slow, files={"/a": b"x" * 10_000})
    client.fetch("RETR a")
    assert charged == []
    client.ask("SLOW")
    client.fetch("RETR a")

    assert sum(charged) == 10_000


def test_pairs_of_throttles() -> None:
    """`from_limits` makes a pair, `clone` another one with the same settings; zero and less are no limit."""
    pair = StreamThrottle.from_limits(100, 0)
    pair.read.append(b"x" * 100, 0)
    copy = pair.clone()

    assert (pair.read.limit, pair.write.limit) == (100, None)
    assert (copy.read.limit, copy.write.limit) == (100, None)
    assert copy.read is not pair.read
    assert (Throttle().limit, Throttle(limit=-1).limit, Throttle(limit=2.5).limit) == (None, None, 2.5)
    assert repr(Throttle(limit=5, reset_rate=3)) == "Throttle(limit=5, reset_rate=3)"


# A server in the loop of the program that uses it.


async def _in_a_thread(address: tuple[str, int], talk: Callable[[RawClient], Any]) -> Any:
    def run() -> Any:
        with RawClient(address) as client:
            assert client.reply().code == "220"
            return talk(client)

    return await asyncio.to_thread(run)


async def test_seeding_a_server_in_memory() -> None:
    """`server.path_io_factory()` is a layer over the live files: before the start, while it runs, and afterwards."""
    server = Server(path_io_factory=MemoryPathIO)
    files: AbstractPathIO = server.path_io_factory()
    await files.mkdir(PurePosixPath("/in"))
    async with files.open(PurePosixPath("/in/a.txt"), mode="wb") as file:
        await file.write(b"hi")

    def talk(client: RawClient) -> list[Any]:
        login = client.code("USER anonymous")
        return [login, client.fetch("RETR in/a.txt"), client.store("STOR in/b.txt", b"ho")]

    await server.start()
    try:
        assert await _in_a_thread(server.address, talk) == ["230", (["150", "226"], b"hi"), ["150", "226"]]
    finally:
        await server.close()

    names = sorted(path.name for path in await files.list(PurePosixPath("/in")))
    async with files.open(PurePosixPath("/in/b.txt")) as file:
        assert (names, await file.read()) == (["a.txt", "b.txt"], b"ho")


async def test_starting_closing_and_the_address() -> None:
    """Host and port may be given or omitted, `address` is for clients, and closing is final."""
    server = MyServer()
    assert await server.start("127.0.0.1", 0) is None  # type: ignore[func-returns-value]
    address = server.address
    assert address == (server.server_host, server.server_port)
    assert await _in_a_thread(address, lambda client: client.code("NOOP")) == "200"
    await server.close()
    await server.close()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_connections_of_a_server() -> None:
    """`connections` has the state of each session, for as long as it lasts."""
    async with Server() as server:
        reader, writer = await asyncio.open_connection(*server.address)
        await reader.readline()
        [connection] = server.connections.values()
        assert isinstance(connection, Connection)
        assert (connection.client_host, connection.client_port) == writer.get_extra_info("sockname")
        writer.write(b"QUIT\r\n")
        await reader.read()
        writer.close()
    assert server.connections == {}


async def test_run_serves_until_it_is_cancelled() -> None:
    """`run` starts, serves, and closes when its task is cancelled."""
    started = asyncio.Event()

    class Telling(MyServer):
        async def start(self, host: str | None = None, port: int = 0) -> None:
            await super().start(host, port)
            started.set()

    server = Telling()
    task = asyncio.create_task(server.run("127.0.0.1"))
    await asyncio.wait_for(started.wait(), 5)
    address = server.address
    assert await _in_a_thread(address, lambda client: client.code("NOOP")) == "200"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
