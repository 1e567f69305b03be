"""Coming and going: greeting, login, goodbye, and the way back after the connection was lost."""

from __future__ import annotations

import asyncio
import re
from pathlib import PurePosixPath

import pytest

from ftpfixture import (
    Client,
    Connection,
    FtpServer,
    Retry,
    Server,
    StatusCodeError,
    User,
)
from tests.support.naps import Naps
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Session,
    Step,
    close,
    dropped,
    epsv,
    reset,
    send,
    talk,
    tell,
    transfer,
    until_closed,
)

AGAIN = Retry(delay=0)
LOGIN: list[Step] = ["USER ann", b"331 password?\r\n", "PASS secret", b"230 in\r\n"]
NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
QUIT: list[Step] = ["QUIT", b"221 bye\r\n"]


def go(path: str, code: int = 250) -> list[Step]:
    """CWD and its reply."""
    return [f"CWD {path}", f"{code} x\r\n".encode()]


def said(server: FtpServer, session: int) -> list[str]:
    """What a session of a server heard."""
    return [f"{record.verb} {record.argument}".strip() for record in server.log.commands if record.session == session]


# The greeting.


@pytest.mark.parametrize(
    ("greeting", "lines"),
    [
        (b"220 hello\r\n", [" hello"]),
        (b"220\r\n", [""]),
        (b"220-hello\r\n there\r\n220-and\r\n220 go\r\n", ["-hello", " there", "-and", " go"]),
        (b"120 wait a minute\r\n220 hello\r\n", [" hello"]),
        (b"120-wait\r\n120 wait\r\n120 wait\r\n220 hello\r\n", [" hello"]),
    ],
)
async def test_greeting(greeting: bytes, lines: list[str]) -> None:
    """The lines of the greeting are given; 120 only says that it comes later."""
    async with ScriptedServer([greeting, *NOOP]) as server:
        client = Client()
        assert await client.connect(*server.address) == lines
        await client.noop()
        client.close()


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (b"421 busy\r\n", "421"),
        (b"120 wait\r\n421 busy\r\n", "421"),
        (b"530 not you\r\n", "530"),
        (b"200 ok\r\n", "200"),
    ],
)
async def test_not_wanted(greeting: bytes, code: str) -> None:
    """Any other greeting is an error, and the connection is closed."""
    async with ScriptedServer([greeting, until_closed]) as server:
        client = Client()
        with pytest.raises(StatusCodeError, match=f"Waiting for 220 but got {code}"):
            await client.connect(*server.address)
        with pytest.raises(ConnectionError, match="connect"):
            await client.noop()


@pytest.mark.parametrize("end", [close, reset])
async def test_no_greeting(end: Step) -> None:
    """A server that hangs up without a word is an error of the connection."""
    async with ScriptedServer([end]) as server:
        with pytest.raises(OSError, match=r"(?i)connect"):
            await Client().connect(*server.address)


@pytest.mark.parametrize("said", [b"", b"22", b"120 wait\r\n", b"220-hello\r\n"])
async def test_no_whole_greeting_in_time(said: bytes) -> None:
    """The limit of a connect is for all of it: an accepted connection is none before the greeting is whole."""
    async with ScriptedServer([said, until_closed]) as server:
        client = Client(connection_timeout=0.05)
        with pytest.raises(TimeoutError, match=r"^connecting to 127.0.0.1:\d+ took longer than 0.05 s$"):
            await client.connect(*server.address)
        with pytest.raises(ConnectionError, match=r"took longer than 0.05 s: connect again"):
            await client.noop()


async def deaf(session: Session) -> None:
    """Read what the client says to the end, and answer nothing."""
    while await asyncio.get_running_loop().sock_recv(session.sock, 65536):
        pass
    session.close()


async def test_no_tls_in_time() -> None:
    """With implicit TLS the handshake is within the limit, too."""
    async with ScriptedServer([deaf]) as server:
        with pytest.raises(TimeoutError, match=r"no TLS on the control connection|took longer than 0.05 s"):
            await Client(connection_timeout=0.05, ssl=True).connect(*server.address)


async def test_no_greeting_again_and_again(naps: Naps) -> None:
    """Each attempt has the limit, and a server that is silent once is tried again."""
    async with ScriptedServer([until_closed], [GREETING, *NOOP]) as server:
        client = Client(connection_timeout=0.05, retry=Retry(attempts=2))
        await client.connect(*server.address)
        await client.noop()
        client.close()


async def test_no_way_back_in_time() -> None:
    """The same holds for a connection that is made anew."""
    async with ScriptedServer([GREETING, close], [until_closed]) as server:
        client = Client(connection_timeout=0.05)
        await client.connect(*server.address)
        with pytest.raises(TimeoutError, match="took longer than"):
            await client.reconnect()
        client.close()


async def test_no_answer_to_auth_in_time() -> None:
    """The limit is for AUTH, too, when nothing else bounds it."""
    async with talk("AUTH TLS", until_closed, connection_timeout=0.05, socket_timeout=None) as client:
        with pytest.raises(TimeoutError, match=r"^AUTH TLS took longer than 0.05 s$"):
            await client.upgrade_to_tls()


async def test_goodbye_is_not_answered_and_nothing_bounds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer QUIT is left after a while, even without a time limit."""
    monkeypatch.setattr("ftpfixture.client.session.PATIENCE", 0.05)
    async with talk("QUIT", until_closed, socket_timeout=None) as client:
        with pytest.raises(TimeoutError, match=r"^the reply to QUIT took longer than 0.05 s$"):
            await client.quit()


async def test_cancelled_before_the_greeting() -> None:
    """A connect that is cancelled leaves no connection behind."""
    connected = asyncio.Event()
    async with ScriptedServer([tell(connected), until_closed]) as server:
        client = Client()
        task = asyncio.create_task(client.connect(*server.address))
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionError, match="connect"):
            await client.noop()


async def test_refused(refusing: tuple[str, int]) -> None:
    """Where nobody listens the connection is refused."""
    with pytest.raises(ConnectionRefusedError):
        await Client().connect(*refusing)


async def test_connect_again() -> None:
    """Connecting is tried again when the server is busy, or hangs up."""
    async with ScriptedServer([b"421 busy\r\n", until_closed], [close], [GREETING, *NOOP]) as server:
        client = Client(retry=AGAIN)
        assert await client.connect(*server.address) == [" hello"]
        await client.noop()
        client.close()


async def test_connect_often_enough(refusing: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    """When all attempts are used up, the last error is told."""
    with pytest.raises(ConnectionRefusedError):
        await Client(retry=Retry(attempts=4, delay=0)).connect(*refusing)
    assert [message.rpartition(": ")[2] for message in caplog.messages] == ["retrying in 0 s"] * 3


async def test_not_connected_again() -> None:
    """A server that does not want us is not asked again."""
    async with ScriptedServer([b"530 not you\r\n", until_closed]) as server:
        with pytest.raises(StatusCodeError, match="530"):
            await Client(retry=AGAIN).connect(*server.address)


# Login.


@pytest.mark.parametrize(
    "script",
    [
        ["USER ann", b"230 in\r\n"],
        ["USER ann", b"232 in, by certificate\r\n"],
        ["USER ann", b"331 password?\r\n", "PASS secret", b"230 in\r\n"],
        ["USER ann", b"332 account?\r\n", "ACCT money", b"230 in\r\n"],
        ["USER ann", b"331 password?\r\n", "PASS secret", b"332 account?\r\n", "ACCT money", b"230 in\r\n"],
        ["USER ann", b"332 account?\r\n", "ACCT money", b"331 password?\r\n", "PASS secret", b"230 in\r\n"],
        ["USER ann", b"331 password?\r\n", "PASS secret", b"202 not needed\r\n"],
        ["USER ann", b"332 account?\r\n", "ACCT money", b"202 not needed\r\n"],
        ["USER ann", b"331-password\r\n 530 or what\r\n331 ?\r\n", "PASS secret", b"230-in\r\n230 in\r\n"],
    ],
)
async def test_login(script: list[Step]) -> None:
    """Password and account are said when they are asked for, in the order in which they are."""
    async with talk(*script, *NOOP) as client:
        await client.login("ann", "secret", "money")
        await client.noop()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (["USER ann", b"530 no\r\n"], "530"),
        (["USER ann", b"202 superfluous\r\n"], "202"),
        (["USER ann", b"331 password?\r\n", "PASS secret", b"530 no\r\n"], "530"),
        (["USER ann", b"331 password?\r\n", "PASS secret", b"332 account?\r\n", "ACCT money", b"530 no\r\n"], "530"),
        (["USER ann", b"331 password?\r\n", "PASS secret", b"331 password?\r\n"], "331"),
        (["USER ann", b"332 account?\r\n", "ACCT money", b"332 account?\r\n"], "332"),
        (["USER ann", b"336 challenge\r\n"], "336"),
        (["USER ann", b"331 password?\r\n", "PASS secret", b"334 what\r\n"], "334"),
    ],
)
async def test_not_let_in(script: list[Step], code: str) -> None:
    """What is asked twice, or is none of the two, cannot be answered; the session goes on."""
    async with talk(*script, *NOOP) as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.login("ann", "secret", "money")
        assert (caught.value.received_codes, caught.value.expected_codes[0]) == ((code,), "230")
        await client.noop()


async def test_anonymous() -> None:
    """Whoever says nothing is anonymous."""
    async with talk(
        "USER anonymous", b"331 mail?\r\n", "PASS anon@", b"332 account?\r\n", "ACCT ", b"230 in\r\n"
    ) as client:
        await client.login()


async def test_the_password_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log does not show passwords, nor accounts."""
    caplog.set_level("DEBUG", "ftpfixture.client")
    async with talk(
        "USER ann", b"331 ?\r\n", "PASS secret", b"332 ?\r\n", "ACCT money", b"530 no\r\n"
    ) as client:  # fmt: skip
        with pytest.raises(StatusCodeError) as caught:
            await client.login("ann", "secret", "money")
    assert "USER ann" in caplog.messages
    assert not re.search("secret|money", f"{caplog.text}{caught.value}")


@pytest.mark.ftp(users=[User("ann", "secret", account="money")])
async def test_login_with_an_account(ftp_server: FtpServer) -> None:
    """A real server that wants all three gets them."""
    async with Client.context(*ftp_server.address, "ann", "secret", "money"):
        ftp_server.log.assert_sequence("USER ann -> 331", "PASS secret -> 332", "ACCT money -> 230")


# Directories.


@pytest.mark.ftp(files={"/a/b/c/": None})
async def test_change_directory(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The parent, which is the default, is gone to with CDUP, and all else with CWD."""
    steps: list[tuple[str | PurePosixPath, str]] = [
        ("a", "/a"),
        (PurePosixPath("b/c"), "/a/b/c"),
        ("..", "/a/b"),
        (PurePosixPath(".."), "/a"),
    ]
    for path, now in steps:
        await ftp_client.change_directory(path)
        assert await ftp_client.get_current_directory() == PurePosixPath(now)
    await ftp_client.change_directory()
    assert await ftp_client.get_current_directory() == PurePosixPath("/")
    with pytest.raises(StatusCodeError, match="550"):
        await ftp_client.change_directory("none")
    ftp_server.log.assert_sequence("CWD a", "CWD b/c", "CDUP", "CDUP", "CDUP", "CWD none -> 550")


# The way back.


async def test_never_connected(refusing: tuple[str, int]) -> None:
    """There is no way back to where nobody was; a server that was never reached was asked for all the same."""
    client = Client()
    with pytest.raises(ConnectionError, match=r"^never connected: await connect\(host, port\) first$"):
        await client.reconnect()
    with pytest.raises(ConnectionRefusedError):
        await client.connect(*refusing)
    with pytest.raises(ConnectionRefusedError):
        await client.reconnect()


@pytest.mark.ftp(files={"/a/b/": None, "/c/d/": None, "/a/x/": None})
async def test_login_and_directory_are_as_before(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The steps since the last absolute path are gone again, those that failed left out."""
    await ftp_client.change_directory("a")
    await ftp_client.change_directory("/c")
    await ftp_client.change_directory("d")
    with pytest.raises(StatusCodeError):
        await ftp_client.change_directory("/none")
    await ftp_client.change_directory()
    await ftp_client.change_directory("../a")
    ftp_client.close()
    await ftp_client.reconnect()
    assert await ftp_client.get_current_directory() == PurePosixPath("/a")
    again = ["USER user", "PASS password", "CWD /c", "CWD d", "CDUP", "CWD ../a", "PWD"]
    assert said(ftp_server, 2) == again
    await ftp_client.change_directory("x")
    await ftp_client.reconnect()  # from a connection that is alive, too
    assert said(ftp_server, 3) == [*again[:-1], "CWD x"]


async def test_back_without_a_login(ftp_server: FtpServer) -> None:
    """Who was not logged in is not logged in again."""
    client = Client()
    await client.connect(*ftp_server.address)
    with pytest.raises(StatusCodeError, match="530"):
        await client.login("user", "wrong")
    await client.reconnect()
    await client.noop()
    assert said(ftp_server, 2) == ["NOOP"]
    client.close()


async def test_another_connect_forgets(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A connection of one's own begins anew; nothing is left of the login before it."""
    await ftp_client.change_directory("/")
    await ftp_client.connect(*ftp_server.address)
    await ftp_client.reconnect()
    await ftp_client.noop()
    assert (said(ftp_server, 2), said(ftp_server, 3)) == ([], ["NOOP"])


@pytest.mark.ftp(users={"ann": "a", "bob": "b"}, files={"/d/": None})
async def test_another_login_forgets_the_directory(ftp_client: Client, ftp_server: FtpServer) -> None:
    """Another user begins where the server puts them; it is they who come back."""
    await ftp_client.change_directory("d")
    await ftp_client.login("bob", "b")
    await ftp_client.reconnect()
    assert said(ftp_server, 2) == ["USER bob", "PASS b"]


@pytest.mark.parametrize(
    "broken",
    [
        ["USER ann", b"530 not now\r\n"],
        ["USER ann", b"331 password?\r\n", "PASS secret", b"421 busy\r\n"],
        [*LOGIN, *go("/a", 550)],
        [*LOGIN, *go("/a"), *go("b", 550)],
    ],
)
async def test_back_at_the_second_try(broken: list[Step]) -> None:
    """A way back that fails in the middle leaves no connection, and can be tried again from the beginning."""
    first = [GREETING, *LOGIN, *go("/a"), *go("b"), close]
    again = [GREETING, *LOGIN, *go("/a"), *go("b"), *NOOP]
    async with ScriptedServer(first, [GREETING, *broken, until_closed], again) as server:
        client = Client()
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("/a")
        await client.change_directory("b")
        with pytest.raises(StatusCodeError):
            await client.reconnect()
        with pytest.raises(ConnectionError, match="connect"):
            await client.noop()
        await client.reconnect()
        await client.noop()
        client.close()


async def test_back_after_a_cancelled_way_back() -> None:
    """The same holds for one that is cancelled, and for one that meets a greeting that is none."""
    heard = asyncio.Event()
    scripts: list[list[Step]] = [
        [GREETING, *LOGIN, *go("a"), close],
        [GREETING, *LOGIN, "CWD a", tell(heard), until_closed],
        [b"421 busy\r\n", until_closed],
        [GREETING, *LOGIN, *go("a")],
    ]
    async with ScriptedServer(*scripts) as server:
        client = Client()
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("a")
        task = asyncio.create_task(client.reconnect())
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(StatusCodeError, match="421"):
            await client.reconnect()
        await client.reconnect()
        client.close()


# Tried again.


class Shaky(Server):
    """Ends the first sessions that ask for a listing."""

    left = 2

    async def mlsd(self, connection: Connection, rest: str) -> bool:
        """Say 421 as often as it is left to."""
        if self.left:
            self.left -= 1
            connection.response("421", "Closing for a moment")
            return False
        return await super().mlsd(connection, rest)


@pytest.mark.ftp(server_class=Shaky, files={"/a/f": b""})
async def test_a_lost_connection_is_made_anew(ftp_server: FtpServer) -> None:
    """A client that may try again comes back to where it was by itself."""
    async with Client.context(*ftp_server.address, *ftp_server.credentials, retry=AGAIN) as client:
        await client.change_directory("a")
        assert [str(path) for path, _ in await client.list()] == ["f"]
    assert said(ftp_server, 3)[:3] == ["USER user", "PASS password", "CWD a"]


@pytest.mark.ftp(server_class=Shaky)
async def test_a_lost_connection_without_retry(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A client that may not try again does not."""
    with pytest.raises(StatusCodeError, match="421"):
        await ftp_client.list()
    with pytest.raises(ConnectionError, match="connect again"):
        await ftp_client.list()
    assert len(ftp_server.log.sessions) == 1


async def test_not_logged_in_and_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A connection on which nobody was logged in is not made anew."""
    async with talk(close, retry=AGAIN) as client:
        with pytest.raises(ConnectionError):
            await client.list()
    assert len(caplog.messages) == 2


async def test_the_way_back_is_tried_again() -> None:
    """Coming back is part of an attempt: when the server is busy for a moment, it is tried again, too."""
    listing = transfer("MLSD", send(b"type=file; f\r\n"), first=True)
    again = [GREETING, *LOGIN, *go("a"), *listing]
    scripts: list[list[Step]] = [[GREETING, *LOGIN, *go("a"), close], [b"421 busy\r\n", until_closed], again]
    async with ScriptedServer(*scripts) as server:
        client = Client(retry=AGAIN)
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("a")
        assert await client.list() == [(PurePosixPath("f"), {"type": "file"})]
        client.close()


# Goodbye.


async def test_quit() -> None:
    """QUIT is said, and the connection closed."""
    async with talk(*QUIT, until_closed) as client:
        await client.quit()
        with pytest.raises(ConnectionError, match=r"closed: await connect\(host, port\)"):
            await client.noop()


async def test_quit_is_refused() -> None:
    """The connection is closed whatever the server answers; an error is told."""
    async with talk("QUIT", b"500 what?\r\n", until_closed) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 500"):
            await client.quit()
        with pytest.raises(ConnectionError):
            await client.noop()


async def test_quit_after_the_end() -> None:
    """When the server was faster, or there is no connection, that is told."""
    async with talk(close) as client:
        with pytest.raises(ConnectionError):
            await client.quit()
        with pytest.raises(ConnectionError, match="closed by the server: connect again"):
            await client.quit()
    with pytest.raises(ConnectionError, match="not connected"):
        await Client().quit()


# The context.


async def test_context(ftp_server: FtpServer) -> None:
    """The client is logged in, has the settings that were given, and says goodbye."""

    class Mine(Client):
        """One's own."""

    async with Mine.context(*ftp_server.address, *ftp_server.credentials, encoding="latin-1", retry=AGAIN) as client:
        assert isinstance(client, Mine)
        assert (client.encoding, client.retry) == ("latin-1", AGAIN)
    with pytest.raises(ConnectionError):
        await client.noop()
    assert said(ftp_server, 1) == ["USER user", "PASS password", "QUIT"]


async def test_context_with_a_setting_that_is_none(refusing: tuple[str, int]) -> None:
    """A setting that nobody has is told before anybody connects."""
    with pytest.raises(TypeError, match="sockettimeout"):
        async with Client.context(*refusing, sockettimeout=1):
            pytest.fail("there is no such setting")


async def test_error_in_the_body() -> None:
    """The error goes on as it is, and the server is told goodbye."""
    error = ZeroDivisionError()
    async with ScriptedServer([GREETING, *LOGIN, *QUIT, until_closed]) as server:
        with pytest.raises(ZeroDivisionError) as caught:
            async with Client.context(*server.address, "ann", "secret"):
                raise error
    assert caught.value is error


async def test_nobody_there(refusing: tuple[str, int]) -> None:
    """Where nobody listens the body does not run."""
    with pytest.raises(ConnectionRefusedError):
        async with Client.context(*refusing):
            pytest.fail("nobody is there")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([b"421 busy\r\n", until_closed], "421"),
        ([GREETING, "USER ann", b"530 no\r\n", *QUIT, until_closed], "530"),
        ([GREETING, "USER ann", b"421 going down\r\n", until_closed], "421"),
    ],
)
async def test_not_let_in_by_context(script: list[Step], code: str) -> None:
    """Whoever is not let in says goodbye, if there is somebody left to hear it."""
    async with ScriptedServer(script) as server:
        with pytest.raises(StatusCodeError, match=code):
            async with Client.context(*server.address, "ann", "secret"):
                pytest.fail("the server let us in")


async def test_goodbye_is_refused() -> None:
    """A goodbye that the server refuses is an error, and the connection is closed."""
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", b"500 what?\r\n", until_closed]) as server:
        with pytest.raises(StatusCodeError, match="500"):
            async with Client.context(*server.address, "ann", "secret"):
                pass


@pytest.mark.parametrize("answer", [b"500 what?\r\n", close, reset, b"gibberish\r\n"])
async def test_goodbye_is_refused_after_an_error(answer: Step) -> None:
    """After an error in the body it is that error which is told, whatever becomes of the goodbye."""
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", answer]) as server:
        with pytest.raises(ZeroDivisionError):
            async with Client.context(*server.address, "ann", "secret"):
                raise ZeroDivisionError


@pytest.mark.parametrize(("socket_timeout", "patience"), [(0.5, 1000), (None, 0.5)])
async def test_goodbye_is_not_answered(
    socket_timeout: float | None, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error in the body nobody waits for long."""
    monkeypatch.setattr("ftpfixture.client.session.PATIENCE", patience)
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", until_closed]) as server:
        with pytest.raises(ZeroDivisionError):
            async with Client.context(*server.address, "ann", "secret", socket_timeout=socket_timeout):
                raise ZeroDivisionError


async def test_lost_in_the_body() -> None:
    """There is no goodbye on a connection that is lost; its error is told."""
    async with ScriptedServer([GREETING, *LOGIN, "NOOP", reset]) as server:
        with pytest.raises(ConnectionResetError):
            async with Client.context(*server.address, "ann", "secret") as client:
                await client.noop()


async def test_lost_and_not_noticed() -> None:
    """A connection that was lost while nobody looked is missed by the goodbye."""
    async with ScriptedServer([GREETING, *LOGIN, close]) as server:
        with pytest.raises(ConnectionError):
            async with Client.context(*server.address, "ann", "secret"):
                pass


async def test_cancelled() -> None:
    """Whoever is cancelled closes the connection, and does not wait for an answer."""
    inside = asyncio.Event()

    async def work(address: tuple[str, int]) -> None:
        async with Client.context(*address, "ann", "secret"):
            inside.set()
            await asyncio.Event().wait()

    async with ScriptedServer([GREETING, *LOGIN, until_closed]) as server:
        task = asyncio.create_task(work(server.address))
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_closed_inside() -> None:
    """A client that was closed or has quit in the body is left alone."""
    async with ScriptedServer([GREETING, *LOGIN, until_closed], [GREETING, *LOGIN, *QUIT, until_closed]) as server:
        async with Client.context(*server.address, "ann", "secret") as client:
            client.close()
        async with Client.context(*server.address, "ann", "secret") as client:
            await client.quit()


@pytest.mark.parametrize("fails", [False, True])
async def test_left_while_a_transfer_runs(fails: bool) -> None:
    """A transfer that another task has not finished is closed with the connection; nobody says goodbye meanwhile."""
    begun = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    script = [GREETING, *LOGIN, *TYPE_I, epsv, "RETR a", b"150 here\r\n", send(b"da", end=False), until_closed]

    async def download(client: Client) -> None:
        async with client.download_stream("a") as stream:
            assert await stream.readexactly(2) == b"da"
            begun.set()
            await stream.read()

    async def work(address: tuple[str, int]) -> None:
        async with Client.context(*address, "ann", "secret") as client:
            tasks.append(asyncio.create_task(download(client)))
            await begun.wait()
            if fails:
                raise ZeroDivisionError

    async with ScriptedServer(script) as server:
        [outcome] = await asyncio.gather(work(server.address), return_exceptions=True)
        assert isinstance(outcome, ZeroDivisionError if fails else type(None))
        with pytest.raises(ConnectionError):
            await tasks[0]


async def test_left_with_an_open_stream() -> None:
    """A stream that was opened and neither finished nor closed in the body is closed with the connection."""
    script = [GREETING, *LOGIN, *TYPE_I, epsv, "RETR a", b"150 here\r\n", send(b"da", end=False), until_closed]
    async with ScriptedServer(script) as server:
        async with Client.context(*server.address, "ann", "secret") as client:
            stream = await client.download_stream("a")
        with pytest.raises(ConnectionError):
            await stream.read()


async def test_goodbye_after_a_transfer() -> None:
    """A transfer that is over stands in nobody's way."""
    script = [GREETING, *LOGIN, *transfer("RETR a", send(b"data"), first=True), *QUIT]
    async with (
        ScriptedServer(script) as server,
        Client.context(*server.address, "ann", "secret") as client,
        client.download_stream("a") as stream,
    ):
        assert await stream.read() == b"data"


# Beside other tasks.


async def quiet(session: Session) -> None:
    """Hold that the client says nothing more before it has its answer."""
    for _ in range(5):
        await asyncio.sleep(0)
    session.nothing_said()


async def listed(client: Client) -> list[str]:
    """The names in the current directory."""
    return [str(path) for path, _ in await client.list()]


async def test_nobody_talks_during_a_login() -> None:
    """Other tasks wait until the login is over."""
    async with talk("USER ann", quiet, b"331 x\r\n", "PASS secret", quiet, b"230 x\r\n", *NOOP) as client:
        task = asyncio.create_task(client.login("ann", "secret"))
        await asyncio.sleep(0)
        await client.noop()
        await task


async def test_nobody_talks_on_the_way_back() -> None:
    """Other tasks wait until the client is where it was."""
    login: list[Step] = ["USER ann", quiet, b"331 x\r\n", "PASS secret", quiet, b"230 x\r\n"]
    async with ScriptedServer(
        [GREETING, *LOGIN, *go("/a")], [quiet, GREETING, *login, "CWD /a", quiet, b"250 x\r\n", *NOOP]
    ) as server:
        client = Client()
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("/a")
        task = asyncio.create_task(client.reconnect())
        await asyncio.sleep(0)
        await client.noop()
        await task
        client.close()


async def test_back_without_a_login_and_in_a_directory() -> None:
    """Who was not logged in and changed the directory nevertheless goes there once."""
    steps = [*go("a"), *go("b")]
    async with ScriptedServer([GREETING, *steps], [GREETING, *steps], [GREETING, *steps, *NOOP]) as server:
        client = Client()
        await client.connect(*server.address)
        for step in ("a", "b"):
            await client.change_directory(step)
        await client.reconnect()
        await client.reconnect()
        await client.noop()
        client.close()


async def test_back_from_a_transfer() -> None:
    """A transfer that runs, in this task or another, is broken off."""
    script = [GREETING, *TYPE_I, epsv, "STOR a", b"150 go\r\n", dropped, until_closed]

    async def begin(client: Client) -> None:
        await client.upload_stream("a")

    async with ScriptedServer(script, script, script, [GREETING, *NOOP]) as server:
        client = Client()
        await client.connect(*server.address)
        await begin(client)
        await client.reconnect()
        await asyncio.create_task(begin(client))
        await client.reconnect()
        await asyncio.create_task(begin(client))
        await client.connect(*server.address)
        await client.noop()
        client.close()


async def test_tasks_that_lose_their_connection() -> None:
    """Of several tasks that lost the connection the first makes it anew, and the others go on when all is as before."""
    listing = transfer("MLSD", send(b"type=file; f\r\n"))
    async with ScriptedServer(
        [GREETING, *LOGIN, *go("/a"), "TYPE I", close],
        [GREETING, *LOGIN, *go("/a"), *TYPE_I, *listing, *listing, *listing],
    ) as server:
        client = Client(retry=AGAIN)
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("/a")
        found = await asyncio.gather(*(listed(client) for _ in range(3)))
        client.close()
    assert found == [["f"]] * 3


async def test_tasks_that_connect() -> None:
    """When several tasks connect the last one stays connected, and no socket is forgotten."""
    async with ScriptedServer([GREETING, until_closed], [GREETING, *NOOP]) as server:
        client = Client()
        await asyncio.gather(client.connect(*server.address), client.connect(*server.address))
        await client.noop()
        client.close()


async def test_a_greeting_that_does_not_come() -> None:
    """A server that says nothing at all is left after `socket_timeout`."""
    async with ScriptedServer([until_closed]) as server:
        with pytest.raises(TimeoutError):
            await Client(socket_timeout=0.05).connect(*server.address)


async def test_a_closed_client_stays_closed(ftp_server: FtpServer) -> None:
    """A connection that was lost is made anew by a client that retries; one that was closed is not."""
    ftp_server.files["/a.txt"] = b"hi"
    client = Client(retry=Retry(attempts=2, delay=0))
    await client.connect(*ftp_server.address)
    await client.login(*ftp_server.credentials)
    ftp_server.restart()
    assert len(await client.list("/")) == 1
    client.close()

    with pytest.raises(ConnectionError, match="await connect"):
        await client.list("/")
