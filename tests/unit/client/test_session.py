"""Sessions: greeting, login, QUIT, and reconnecting after the connection was lost."""

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
    epsv,
    expect_data_reset,
    reset,
    send,
    signal,
    talk,
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


def commands(server: FtpServer, session: int) -> list[str]:
    """The commands of one session of a server."""
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
    """The lines of the greeting are returned; 120 only announces it."""
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
async def test_refused_by_the_greeting(greeting: bytes, code: str) -> None:
    """Any other greeting is an error, and the connection is closed."""
    async with ScriptedServer([greeting, until_closed]) as server:
        client = Client()
        with pytest.raises(StatusCodeError, match=f"Waiting for 220 but got {code}"):
            await client.connect(*server.address)
        with pytest.raises(ConnectionError, match="connect"):
            await client.noop()


@pytest.mark.parametrize("end", [close, reset])
async def test_no_greeting(end: Step) -> None:
    """When the server closes the connection without a greeting, connecting fails."""
    async with ScriptedServer([end]) as server:
        with pytest.raises(OSError, match=r"(?i)connect"):
            await Client().connect(*server.address)


@pytest.mark.parametrize("part", [b"", b"22", b"120 wait\r\n", b"220-hello\r\n"])
async def test_no_complete_greeting_in_time(part: bytes) -> None:
    """`connection_timeout` covers the whole connect, including the complete greeting."""
    async with ScriptedServer([part, until_closed]) as server:
        client = Client(connection_timeout=0.05)
        with pytest.raises(TimeoutError, match=r"^connecting to 127.0.0.1:\d+ took longer than 0.05 s$"):
            await client.connect(*server.address)
        with pytest.raises(ConnectionError, match=r"took longer than 0.05 s: connect again"):
            await client.noop()


async def read_only(session: Session) -> None:
    """Read everything that the client sends, and answer nothing."""
    while await asyncio.get_running_loop().sock_recv(session.sock, 65536):
        pass
    session.close()


async def test_no_tls_in_time() -> None:
    """With implicit TLS the timeout includes the handshake."""
    async with ScriptedServer([read_only]) as server:
        with pytest.raises(TimeoutError, match=r"no TLS on the control connection|took longer than 0.05 s"):
            await Client(connection_timeout=0.05, ssl=True).connect(*server.address)


async def test_no_greeting_and_a_retry(naps: Naps) -> None:
    """Each attempt has its own timeout; after a timeout the client tries again."""
    async with ScriptedServer([until_closed], [GREETING, *NOOP]) as server:
        client = Client(connection_timeout=0.05, retry=Retry(attempts=2))
        await client.connect(*server.address)
        await client.noop()
        client.close()


async def test_reconnecting_times_out() -> None:
    """`connection_timeout` also limits a reconnect."""
    async with ScriptedServer([GREETING, close], [until_closed]) as server:
        client = Client(connection_timeout=0.05)
        await client.connect(*server.address)
        with pytest.raises(TimeoutError, match="took longer than"):
            await client.reconnect()
        client.close()


async def test_no_reply_to_auth_in_time() -> None:
    """`connection_timeout` limits AUTH too, when there is no `socket_timeout`."""
    async with talk("AUTH TLS", until_closed, connection_timeout=0.05, socket_timeout=None) as client:
        with pytest.raises(TimeoutError, match=r"^AUTH TLS took longer than 0.05 s$"):
            await client.upgrade_to_tls()


async def test_quit_times_out_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server does not answer QUIT, the call times out even without a timeout setting."""
    monkeypatch.setattr("ftpfixture.client.session.PATIENCE", 0.05)
    async with talk("QUIT", until_closed, socket_timeout=None) as client:
        with pytest.raises(TimeoutError, match=r"^the reply to QUIT took longer than 0.05 s$"):
            await client.quit()


async def test_cancelled_before_the_greeting() -> None:
    """A connect that is cancelled leaves no connection open."""
    connected = asyncio.Event()
    async with ScriptedServer([signal(connected), until_closed]) as server:
        client = Client()
        task = asyncio.create_task(client.connect(*server.address))
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionError, match="connect"):
            await client.noop()


async def test_refused(refusing: tuple[str, int]) -> None:
    """When no server listens, the connection is refused."""
    with pytest.raises(ConnectionRefusedError):
        await Client().connect(*refusing)


async def test_connect_is_retried() -> None:
    """Connecting is retried when the server is busy, or closes the connection."""
    async with ScriptedServer([b"421 busy\r\n", until_closed], [close], [GREETING, *NOOP]) as server:
        client = Client(retry=AGAIN)
        assert await client.connect(*server.address) == [" hello"]
        await client.noop()
        client.close()


async def test_connect_attempts_are_used_up(refusing: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    """When all attempts are used up, the last error is raised."""
    with pytest.raises(ConnectionRefusedError):
        await Client(retry=Retry(attempts=4, delay=0)).connect(*refusing)
    assert [message.rpartition(": ")[2] for message in caplog.messages] == ["retrying in 0 s"] * 3


async def test_a_permanent_refusal_is_not_retried() -> None:
    """Connecting is not retried after a permanent refusal."""
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
    """Password and account are sent when the server asks for them, in its order."""
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
async def test_login_refused(script: list[Step], code: str) -> None:
    """A second request, or an unknown one, is an error; the session continues."""
    async with talk(*script, *NOOP) as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.login("ann", "secret", "money")
        assert (caught.value.received_codes, caught.value.expected_codes[0]) == ((code,), "230")
        await client.noop()


async def test_anonymous() -> None:
    """Without arguments the login is anonymous."""
    async with talk(
        "USER anonymous", b"331 mail?\r\n", "PASS anon@", b"332 account?\r\n", "ACCT ", b"230 in\r\n"
    ) as client:
        await client.login()


async def test_the_password_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log shows neither passwords nor accounts."""
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
    """A server that asks for user, password and account gets all three."""
    async with Client.context(*ftp_server.address, "ann", "secret", "money"):
        ftp_server.log.assert_sequence("USER ann -> 331", "PASS secret -> 332", "ACCT money -> 230")


# Directories.


@pytest.mark.ftp(files={"/a/b/c/": None})
async def test_change_directory(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The parent, which is the default, is entered with CDUP, and everything else with CWD."""
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


# Reconnecting.


async def test_never_connected(refusing: tuple[str, int]) -> None:
    """A client that was never connected cannot reconnect; after a failed connect it can."""
    client = Client()
    with pytest.raises(ConnectionError, match=r"^never connected: await connect\(host, port\) first$"):
        await client.reconnect()
    with pytest.raises(ConnectionRefusedError):
        await client.connect(*refusing)
    with pytest.raises(ConnectionRefusedError):
        await client.reconnect()


@pytest.mark.ftp(files={"/a/b/": None, "/c/d/": None, "/a/x/": None})
async def test_login_and_directory_are_as_before(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The changes of directory since the last absolute path are repeated, without those that failed."""
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
    assert commands(ftp_server, 2) == again
    await ftp_client.change_directory("x")
    await ftp_client.reconnect()  # also while connected
    assert commands(ftp_server, 3) == [*again[:-1], "CWD x"]


async def test_reconnect_without_a_login(ftp_server: FtpServer) -> None:
    """A client that was not logged in is not logged in after a reconnect."""
    client = Client()
    await client.connect(*ftp_server.address)
    with pytest.raises(StatusCodeError, match="530"):
        await client.login("user", "wrong")
    await client.reconnect()
    await client.noop()
    assert commands(ftp_server, 2) == ["NOOP"]
    client.close()


async def test_another_connect_discards_the_history(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A new `connect` begins anew, without the earlier login."""
    await ftp_client.change_directory("/")
    await ftp_client.connect(*ftp_server.address)
    await ftp_client.reconnect()
    await ftp_client.noop()
    assert (commands(ftp_server, 2), commands(ftp_server, 3)) == ([], ["NOOP"])


@pytest.mark.ftp(users={"ann": "a", "bob": "b"}, files={"/d/": None})
async def test_another_login_discards_the_directory(ftp_client: Client, ftp_server: FtpServer) -> None:
    """After another login, a reconnect repeats that login, without earlier changes of directory."""
    await ftp_client.change_directory("d")
    await ftp_client.login("bob", "b")
    await ftp_client.reconnect()
    assert commands(ftp_server, 2) == ["USER bob", "PASS b"]


@pytest.mark.parametrize(
    "failing",
    [
        ["USER ann", b"530 not now\r\n"],
        ["USER ann", b"331 password?\r\n", "PASS secret", b"421 busy\r\n"],
        [*LOGIN, *go("/a", 550)],
        [*LOGIN, *go("/a"), *go("b", 550)],
    ],
)
async def test_reconnect_after_a_failed_reconnect(failing: list[Step]) -> None:
    """A reconnect that fails leaves no connection, and can be repeated from the beginning."""
    first = [GREETING, *LOGIN, *go("/a"), *go("b"), close]
    again = [GREETING, *LOGIN, *go("/a"), *go("b"), *NOOP]
    async with ScriptedServer(first, [GREETING, *failing, until_closed], again) as server:
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


async def test_reconnect_after_a_cancelled_reconnect() -> None:
    """A reconnect can also be repeated after a cancelled one, and after a refusing greeting."""
    received = asyncio.Event()
    scripts: list[list[Step]] = [
        [GREETING, *LOGIN, *go("a"), close],
        [GREETING, *LOGIN, "CWD a", signal(received), until_closed],
        [b"421 busy\r\n", until_closed],
        [GREETING, *LOGIN, *go("a")],
    ]
    async with ScriptedServer(*scripts) as server:
        client = Client()
        await client.connect(*server.address)
        await client.login("ann", "secret")
        await client.change_directory("a")
        task = asyncio.create_task(client.reconnect())
        await received.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(StatusCodeError, match="421"):
            await client.reconnect()
        await client.reconnect()
        client.close()


# Retries.


class Closing(Server):
    """Ends the first sessions that ask for a listing."""

    left = 2

    async def mlsd(self, connection: Connection, rest: str) -> bool:
        """Reply 421 as long as `left` is not 0."""
        if self.left:
            self.left -= 1
            connection.response("421", "Closing for a moment")
            return False
        return await super().mlsd(connection, rest)


@pytest.mark.ftp(server_class=Closing, files={"/a/f": b""})
async def test_a_lost_connection_is_restored(ftp_server: FtpServer) -> None:
    """A client with retries reconnects by itself, to the same directory."""
    async with Client.context(*ftp_server.address, *ftp_server.credentials, retry=AGAIN) as client:
        await client.change_directory("a")
        assert [str(path) for path, _ in await client.list()] == ["f"]
    assert commands(ftp_server, 3)[:3] == ["USER user", "PASS password", "CWD a"]


@pytest.mark.ftp(server_class=Closing)
async def test_a_lost_connection_without_retry(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A client without retries does not reconnect."""
    with pytest.raises(StatusCodeError, match="421"):
        await ftp_client.list()
    with pytest.raises(ConnectionError, match="connect again"):
        await ftp_client.list()
    assert len(ftp_server.log.sessions) == 1


async def test_not_logged_in_and_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A lost connection without a login is not restored."""
    async with talk(close, retry=AGAIN) as client:
        with pytest.raises(ConnectionError):
            await client.list()
    assert len(caplog.messages) == 2


async def test_reconnecting_is_retried() -> None:
    """Reconnecting is part of an attempt: when the server is busy, it is retried too."""
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


# QUIT.


async def test_quit() -> None:
    """QUIT is sent, and the connection closed."""
    async with talk(*QUIT, until_closed) as client:
        await client.quit()
        with pytest.raises(ConnectionError, match=r"closed: await connect\(host, port\)"):
            await client.noop()


async def test_quit_is_refused() -> None:
    """The connection is closed whatever the reply is; an error is raised."""
    async with talk("QUIT", b"500 what?\r\n", until_closed) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 500"):
            await client.quit()
        with pytest.raises(ConnectionError):
            await client.noop()


async def test_quit_without_a_connection() -> None:
    """When the server has closed already, or the client is not connected, an error is raised."""
    async with talk(close) as client:
        with pytest.raises(ConnectionError):
            await client.quit()
        with pytest.raises(ConnectionError, match="closed by the server: connect again"):
            await client.quit()
    with pytest.raises(ConnectionError, match="not connected"):
        await Client().quit()


# The context.


async def test_context(ftp_server: FtpServer) -> None:
    """The client is logged in, has the given settings, and sends QUIT at the end."""

    class Mine(Client):
        """A subclass."""

    async with Mine.context(*ftp_server.address, *ftp_server.credentials, encoding="latin-1", retry=AGAIN) as client:
        assert isinstance(client, Mine)
        assert (client.encoding, client.retry) == ("latin-1", AGAIN)
    with pytest.raises(ConnectionError):
        await client.noop()
    assert commands(ftp_server, 1) == ["USER user", "PASS password", "QUIT"]


async def test_context_with_an_unknown_setting(refusing: tuple[str, int]) -> None:
    """An unknown setting is an error before the client connects."""
    with pytest.raises(TypeError, match="sockettimeout"):
        async with Client.context(*refusing, sockettimeout=1):
            pytest.fail("there is no such setting")


async def test_error_in_the_body() -> None:
    """The error is raised unchanged, and QUIT is sent."""
    error = ZeroDivisionError()
    async with ScriptedServer([GREETING, *LOGIN, *QUIT, until_closed]) as server:
        with pytest.raises(ZeroDivisionError) as caught:
            async with Client.context(*server.address, "ann", "secret"):
                raise error
    assert caught.value is error


async def test_context_without_a_server(refusing: tuple[str, int]) -> None:
    """When no server listens, the block does not run."""
    with pytest.raises(ConnectionRefusedError):
        async with Client.context(*refusing):
            pytest.fail("there is no server")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([b"421 busy\r\n", until_closed], "421"),
        ([GREETING, "USER ann", b"530 no\r\n", *QUIT, until_closed], "530"),
        ([GREETING, "USER ann", b"421 going down\r\n", until_closed], "421"),
    ],
)
async def test_login_refused_in_context(script: list[Step], code: str) -> None:
    """After a refused login the client sends QUIT, if it is still connected."""
    async with ScriptedServer(script) as server:
        with pytest.raises(StatusCodeError, match=code):
            async with Client.context(*server.address, "ann", "secret"):
                pytest.fail("the login succeeded")


async def test_quit_is_refused_in_context() -> None:
    """A refused QUIT is an error, and the connection is closed."""
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", b"500 what?\r\n", until_closed]) as server:
        with pytest.raises(StatusCodeError, match="500"):
            async with Client.context(*server.address, "ann", "secret"):
                pass


@pytest.mark.parametrize("answer", [b"500 what?\r\n", close, reset, b"gibberish\r\n"])
async def test_quit_is_refused_after_an_error(answer: Step) -> None:
    """After an error in the block that error is raised, whatever happens to QUIT."""
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", answer]) as server:
        with pytest.raises(ZeroDivisionError):
            async with Client.context(*server.address, "ann", "secret"):
                raise ZeroDivisionError


@pytest.mark.parametrize(("socket_timeout", "patience"), [(0.5, 1000), (None, 0.5)])
async def test_quit_times_out_after_an_error(
    socket_timeout: float | None, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error in the block the wait for the reply to QUIT is limited."""
    monkeypatch.setattr("ftpfixture.client.session.PATIENCE", patience)
    async with ScriptedServer([GREETING, *LOGIN, "QUIT", until_closed]) as server:
        with pytest.raises(ZeroDivisionError):
            async with Client.context(*server.address, "ann", "secret", socket_timeout=socket_timeout):
                raise ZeroDivisionError


async def test_lost_in_the_body() -> None:
    """On a lost connection no QUIT is sent; the error of the connection is raised."""
    async with ScriptedServer([GREETING, *LOGIN, "NOOP", reset]) as server:
        with pytest.raises(ConnectionResetError):
            async with Client.context(*server.address, "ann", "secret") as client:
                await client.noop()


async def test_lost_before_quit() -> None:
    """When the connection was lost unnoticed, QUIT raises the error."""
    async with ScriptedServer([GREETING, *LOGIN, close]) as server:
        with pytest.raises(ConnectionError):
            async with Client.context(*server.address, "ann", "secret"):
                pass


async def test_cancelled() -> None:
    """After a cancellation the connection is closed without waiting for a reply."""
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


async def test_closed_in_the_body() -> None:
    """For a client that was closed or has quit in the block, no QUIT is sent."""
    async with ScriptedServer([GREETING, *LOGIN, until_closed], [GREETING, *LOGIN, *QUIT, until_closed]) as server:
        async with Client.context(*server.address, "ann", "secret") as client:
            client.close()
        async with Client.context(*server.address, "ann", "secret") as client:
            await client.quit()


@pytest.mark.parametrize("fails", [False, True])
async def test_context_ends_during_a_transfer(fails: bool) -> None:
    """A transfer that another task has not finished is closed with the connection, without QUIT."""
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


async def test_context_ends_with_an_open_stream() -> None:
    """A stream that was neither finished nor closed in the block is closed with the connection."""
    script = [GREETING, *LOGIN, *TYPE_I, epsv, "RETR a", b"150 here\r\n", send(b"da", end=False), until_closed]
    async with ScriptedServer(script) as server:
        async with Client.context(*server.address, "ann", "secret") as client:
            stream = await client.download_stream("a")
        with pytest.raises(ConnectionError):
            await stream.read()


async def test_quit_after_a_transfer() -> None:
    """After a finished transfer QUIT is sent."""
    script = [GREETING, *LOGIN, *transfer("RETR a", send(b"data"), first=True), *QUIT]
    async with (
        ScriptedServer(script) as server,
        Client.context(*server.address, "ann", "secret") as client,
        client.download_stream("a") as stream,
    ):
        assert await stream.read() == b"data"


# Several tasks.


async def quiet(session: Session) -> None:
    """Check that the client sends nothing more before it has its reply."""
    for _ in range(5):
        await asyncio.sleep(0)
    session.check_no_command()


async def listed(client: Client) -> list[str]:
    """The names in the current directory."""
    return [str(path) for path, _ in await client.list()]


async def test_other_tasks_wait_for_a_login() -> None:
    """Other tasks wait until the login is complete."""
    async with talk("USER ann", quiet, b"331 x\r\n", "PASS secret", quiet, b"230 x\r\n", *NOOP) as client:
        task = asyncio.create_task(client.login("ann", "secret"))
        await asyncio.sleep(0)
        await client.noop()
        await task


async def test_other_tasks_wait_for_a_reconnect() -> None:
    """Other tasks wait until the session is restored."""
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


async def test_reconnect_without_a_login_to_a_directory() -> None:
    """Without a login, each change of directory is repeated once at every reconnect."""
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


async def test_reconnect_during_a_transfer() -> None:
    """A reconnect resets a running transfer, of this task or another."""
    script = [GREETING, *TYPE_I, epsv, "STOR a", b"150 go\r\n", expect_data_reset, until_closed]

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
    """When several tasks lose the connection, the first one reconnects, and the others continue afterwards."""
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
    """When several tasks connect, the last connection stays open, and no socket leaks."""
    async with ScriptedServer([GREETING, until_closed], [GREETING, *NOOP]) as server:
        client = Client()
        await asyncio.gather(client.connect(*server.address), client.connect(*server.address))
        await client.noop()
        client.close()


async def test_greeting_times_out() -> None:
    """When the server sends nothing for `socket_timeout`, connecting times out."""
    async with ScriptedServer([until_closed]) as server:
        with pytest.raises(TimeoutError):
            await Client(socket_timeout=0.05).connect(*server.address)


async def test_a_closed_client_stays_closed(ftp_server: FtpServer) -> None:
    """A client with retries restores a lost connection, but not one that was closed."""
    ftp_server.files["/a.txt"] = b"hi"
    client = Client(retry=Retry(attempts=2, delay=0))
    await client.connect(*ftp_server.address)
    await client.login(*ftp_server.credentials)
    ftp_server.restart()
    assert len(await client.list("/")) == 1
    client.close()

    with pytest.raises(ConnectionError, match="await connect"):
        await client.list("/")
