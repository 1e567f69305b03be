"""The control connection: commands, replies, and the state after an interrupted conversation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable

import pytest

from ftpfixture import (
    BaseClient,
    Client,
    ClientStateError,
    Code,
    InvalidCommand,
    StatusCodeError,
)
from ftpfixture.net.stream import ThrottleStreamIO
from tests.support.scripted import (
    GREETING,
    ScriptedServer,
    Session,
    Step,
    close,
    reset,
    send,
    signal,
    slowly,
    talk,
    transfer,
    turns,
    until_closed,
)
from tests.support.transports import descriptor

LOGGER = "ftpfixture.client"


# Connecting.


async def test_without_a_connection() -> None:
    """Every call that needs a connection raises an error with advice; `close` does nothing."""
    client = Client()
    client.close()

    for call in (client.command("NOOP", "2xx"), client.parse_response(), client.abort(), client.quit(), client.list()):
        with pytest.raises(ConnectionError) as caught:
            await call
        assert str(caught.value) == "not connected: await connect(host, port) first"
    for name in ("stream", "channel"):
        with pytest.raises(ConnectionError, match="not connected: await connect"):
            getattr(client, name)
    assert repr(client) == "<Client not connected>"


async def test_a_base_client_does_not_read_the_greeting(caplog: pytest.LogCaptureFixture) -> None:
    """`BaseClient.connect` opens the connection and reads nothing; the log records opening and closing."""
    caplog.set_level(logging.INFO, LOGGER)
    async with ScriptedServer([GREETING]) as server:
        client = BaseClient()
        assert await client.connect(*server.address) is None
        assert (client.server_host, client.server_port) == server.address
        assert repr(client) == "<BaseClient connected to {}:{}>".format(*server.address)
        assert await client.parse_response() == ("220", [" hello"])
        client.close()
        client.close()
        with pytest.raises(ConnectionError, match=r"^closed: await connect\(host, port\) to go on$"):
            await client.command("NOOP", "2xx")

    place = "{}:{}".format(*server.address)
    assert caplog.messages == [f"connected to {place}", f"closing connection to {place}"]


async def test_a_base_client_has_no_transfers() -> None:
    """A base client can send commands, and be closed before it has read a reply."""
    async with ScriptedServer([b"220 a\r\n", "NOOP", b"200 b\r\n", "XYZ"]) as server:
        client = BaseClient()
        await client.connect(*server.address)
        await client.parse_response()
        assert await client.command("NOOP", "2xx") == ("200", [" b"])
        await client.command("XYZ")
        client.close()


async def test_connecting_again_discards_old_replies() -> None:
    """A second connect closes the first connection, and discards the bytes that were received on it."""
    async with ScriptedServer(
        [b"220 one\r\n", "NOOP", b"200 fine\r\n200 too much\r\n200-half", until_closed], [b"220 two\r\n"]
    ) as server:
        client = Client()
        assert await client.connect(*server.address) == [" one"]
        await client.noop()
        assert await client.connect(*server.address) == [" two"]
        client.close()


async def test_small_commands_are_sent_at_once() -> None:
    """The system sends each command at once (TCP_NODELAY)."""
    async with talk() as client:
        with socket.socket(fileno=os.dup(descriptor(client.channel))) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_connection_refused(refusing: tuple[str, int]) -> None:
    """A refused connection is an OSError, and the client can connect again."""
    client = Client()
    with pytest.raises(ConnectionRefusedError):
        await client.connect(*refusing)
    with pytest.raises(ConnectionError, match="not connected: await connect"):
        await client.noop()

    async with ScriptedServer([GREETING]) as server:
        await client.connect(*server.address)
        client.close()


async def test_unknown_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved is an OSError."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        await Client().connect("ftp.invalid")


async def test_connecting_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """`connection_timeout` limits the time to open a connection."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    with pytest.raises(TimeoutError):
        await Client(connection_timeout=0.01).connect("127.0.0.1")


async def test_a_connection_that_is_reset_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that the server resets before the client has used it is an OSError, and leaves no socket open."""
    sockets: list[socket.socket] = []

    async def broken(sock: socket.socket, _: object) -> None:
        sockets.append(sock)
        sock.setblocking(True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sock.connect(listener.getsockname())
            accepted, _ = listener.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            accepted.close()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", broken)
    with pytest.raises(OSError):  # noqa: PT011, the number differs from system to system
        await Client().connect("127.0.0.1")

    assert sockets[0].fileno() == -1


# Commands.


@pytest.mark.parametrize("line", ["CWD a\r\nDELE b", "CWD a\nb", "CWD a\0b", "\rCWD"])
async def test_one_command_is_one_line(line: str) -> None:
    """CR, LF and NUL would end a command early: nothing is sent, and the error shows only the verb."""
    async with talk("NOOP", b"200 fine\r\n") as client:
        with pytest.raises(InvalidCommand, match=r"^CR, LF or NUL in CWD would end the command early$"):
            await client.command(line, "2xx")
        with pytest.raises(InvalidCommand):
            await client.get_stream(line, "1xx")
        await client.noop()


async def test_what_the_encoding_cannot_express() -> None:
    """A character that the encoding lacks is an error that does not show the line, which may have a password."""
    async with talk("NOOP", b"200 fine\r\n", encoding="latin-1") as client:
        with pytest.raises(InvalidCommand) as caught:
            await client.command("PASS żółć", "2xx")
        assert str(caught.value) == (
            "latin-1 cannot express a character of PASS (ordinal not in range(256)): give the client another encoding"
        )
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        await client.noop()


@pytest.mark.parametrize(("encoding", "data"), [("utf-8", b"\xc3\xbc"), ("latin-1", b"\xfc"), ("cp1251", b"\xe6")])
async def test_the_encoding_of_commands_and_replies(encoding: str, data: bytes) -> None:
    """Commands and replies use the client's encoding."""
    letter = data.decode(encoding)
    line = f"CWD {data.decode('utf-8', 'surrogateescape')}"

    async with talk(line, b"250 " + data + b"\r\n", encoding=encoding) as client:
        assert await client.command(f"CWD {letter}", "2xx") == ("250", [f" {letter}"])


async def test_bytes_that_do_not_fit_the_encoding() -> None:
    """Bytes that the encoding cannot decode are sent back unchanged."""
    async with talk("PWD", b'257 "/\xe9\xfc"\r\n', "CWD /\udce9\udcfc", b"250 fine\r\n") as client:
        await client.change_directory(await client.get_current_directory())


async def test_telnet_in_replies() -> None:
    """Telnet commands are removed from a line (RFC 959 5.3.1)."""
    async with talk("NOOP", b"200 fi\xff\xf1ne\r\n") as client:
        assert await client.command("NOOP", "2xx") == ("200", [" fine"])


async def test_a_long_command_is_sent_completely() -> None:
    """A line longer than the send buffer is sent to its end before the reply is read."""
    line = "SITE " + "x" * 8_000_000

    async with talk(line, b"200 fine\r\n") as client:
        await client.command(line, "2xx")


async def test_a_server_that_does_not_read() -> None:
    """When the server does not read a line for `socket_timeout`, the call times out and the connection is closed."""
    timed_out = asyncio.Event()

    async def swallow(session: Session) -> None:
        while await asyncio.get_running_loop().sock_recv(session.sock, 1 << 20):
            pass

    async with talk(timed_out, swallow, socket_timeout=0.05) as client:
        with pytest.raises(TimeoutError):
            await client.command("SITE " + "x" * 16_000_000, "2xx")
        with pytest.raises(ConnectionError, match=r"^closed after TimeoutError: connect again$"):
            await client.noop()
        timed_out.set()


# Expected codes.


async def test_no_codes_read_nothing() -> None:
    """Without codes a command is only sent; the next call reads its reply."""
    async with talk("NOOP", b"200 one\r\n", "NOOP", b"200 two\r\n") as client:
        assert await client.command("NOOP") is None
        assert await client.command("NOOP", "2xx") == ("200", [" one"])
        assert await client.command(None, "2xx") == ("200", [" two"])
        assert await client.command() is None
        assert await client.command("") is None


async def test_wait_codes_and_expected_codes() -> None:
    """Replies that match `wait_codes` are skipped; the next one is compared with `expected_codes`, if there are any."""
    replies = b"110 a\r\n120 b\r\n150 c\r\n226 d\r\n"

    async with talk("A", replies, "B", replies, "C", replies, "D", b"110 a\r\n999 b\r\n") as client:
        assert await client.command("A", "2xx", "1xx") == ("226", [" d"])
        assert await client.command("B", ("226", "250"), ("110", "120", "15x")) == ("226", [" d"])
        assert await client.command("C", (), Code("11x")) == ("120", [" b"])
        assert await client.command(None, Code("150")) == ("150", [" c"])
        assert await client.command(None, (Code("1xx"), Code("226"))) == ("226", [" d"])
        assert await client.command("D", wait_codes="1xx") == ("999", [" b"])


@pytest.mark.parametrize("expected", ["2xx", ("2xx", "331"), (Code("2xx"),), "22"])
async def test_an_unexpected_code(expected: str | tuple[str, ...]) -> None:
    """A code that matches no mask raises an error with the masks, the code and the lines; the session continues."""
    async with talk("X", b"550-no\r\n such\r\n550 file\r\n", "NOOP", b"200 fine\r\n") as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.command("X", expected)
        await client.noop()

    masks = (expected,) if isinstance(expected, str) else expected
    assert caught.value.expected_codes == tuple(masks)
    assert caught.value.received_codes == ("550",)
    assert caught.value.info == ["-no", " such", " file"]


def test_check_codes() -> None:
    """A code is compared with one mask or several; the lines are only for the error."""
    client = BaseClient()
    client.check_codes("2xx", Code("226"), "")
    client.check_codes(("1xx", Code("226")), Code("226"), [])
    with pytest.raises(StatusCodeError, match=r"Waiting for 1xx\|225 but got 226 'text'"):
        client.check_codes(("1xx", "225"), Code("226"), "text")
    with pytest.raises(StatusCodeError):
        client.check_codes((), Code("226"), [])


async def test_closed_with_421() -> None:
    """A reply 421 closes the connection of the client too, expected or not; the next call raises an error."""
    script: list[Step] = [GREETING, "NOOP", b"421 idle\r\n", until_closed]
    async with ScriptedServer(script, script) as server:
        for expected in ("2xx", "4xx"):
            client = Client()
            await client.connect(*server.address)
            with contextlib.suppress(StatusCodeError):
                assert await client.command("NOOP", expected) == ("421", [" idle"])
                assert expected == "4xx"
            with pytest.raises(ConnectionError, match=r"^closed by the server \(421\): connect again$"):
                await client.noop()


# The format of replies.


@pytest.mark.parametrize("say", [slowly, bytes])
@pytest.mark.parametrize(
    ("data", "code", "lines"),
    [
        (b"200 fine\r\n", "200", [" fine"]),
        (b"200 fine\n", "200", [" fine"]),
        (b"200\r\n", "200", [""]),
        (b"200 \r\n", "200", [" "]),
        (b"200fine\r\n", "200", ["fine"]),
        (b"200-a\r\n200 b\r\n", "200", ["-a", " b"]),
        (b"200-a\r\n200-b\r\n200 c\r\n", "200", ["-a", "-b", " c"]),
        (b"200-a\r\n b\r\nc\r\n\r\n200 d\r\n", "200", ["-a", " b", "c", "", " d"]),
        (b"200-a\r\n2001 Odyssey\r\n200, too\r\n200 d\r\n", "200", ["-a", "2001 Odyssey", "200, too", " d"]),
        (b"200-a\r\n550 of them\r\n226-x\r\n220 y\r\n200 d\r\n", "200", ["-a", "550 of them", "226-x", "220 y", " d"]),
        (b"200-a\r\n200\r\n", "200", ["-a", ""]),
        (b"200-\r\n200 \r\n", "200", ["-", " "]),
        (b"999 what\r\n", "999", [" what"]),
        (b"200 with\r\0CR\r\n", "200", [" with\rCR"]),
    ],
)
async def test_the_format_of_a_reply(say: Callable[[bytes], Step], data: bytes, code: str, lines: list[str]) -> None:
    """A reply is parsed in every format that servers use, in whatever segments it arrives."""
    async with talk("X", say(data), "NOOP", b"200 ok\r\n") as client:
        assert await client.command("X", "xxx") == (code, lines)
        await client.noop()


async def test_two_replies_in_one_segment() -> None:
    """Two replies in one segment are read one after the other."""
    async with talk("X", b"150 a\r\n226 b\r\n", "Y", b"200 c\r\n") as client:
        assert await client.command("X", "1xx") == ("150", [" a"])
        assert await client.command(None, "2xx") == ("226", [" b"])
        assert await client.command("Y", "2xx") == ("200", [" c"])


@pytest.mark.parametrize("line", ["hello", "", " 200 fine", "20", "2x0 fine", "\u0662\u0660\u0660 fine"])
async def test_a_first_line_without_a_code(line: str) -> None:
    """A first line without a code is an error that shows it; the next reply can be read."""
    async with talk("X", line.encode() + b"\r\n200 fine\r\n", "NOOP", b"200 two\r\n") as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.command("X", "2xx")
        assert (caught.value.expected_codes, caught.value.received_codes) == (("xxx",), (line[:3],))
        assert caught.value.info == [line]
        assert await client.parse_response() == ("200", [" fine"])
        await client.noop()


async def test_a_line_at_a_time() -> None:
    """`parse_line` returns the first three characters of a line and the rest."""
    async with talk("X", b"200-a\r\n b\r\n\r\n200 c\r\n") as client:
        await client.command("X")
        assert [await client.parse_line() for _ in range(4)] == [("200", "-a"), (" b", ""), ("", ""), ("200", " c")]


@pytest.mark.parametrize("data", [b"x" * (1 << 20) + b"x", b"x" * (3 << 20), b"200 " + b"x" * (1 << 20)])
async def test_a_line_that_does_not_end(data: bytes) -> None:
    """A line of more than a megabyte is an error that says so, and the connection is closed."""

    async def say(session: Session) -> None:
        with contextlib.suppress(ConnectionError):
            await session.send(data + b"\r\n")

    async with talk("X", say) as client:
        with pytest.raises(ConnectionAbortedError, match=r"^the server sent a line that does not end$"):
            await client.command("X", "2xx")
        with pytest.raises(ConnectionError) as caught:
            await client.noop()
    assert str(caught.value) == (
        "closed after ConnectionAbortedError (the server sent a line that does not end): connect again"
    )


async def test_a_line_of_a_megabyte() -> None:
    """A line of exactly a megabyte is accepted."""
    async with talk("X", b"200" + b"x" * ((1 << 20) - 3) + b"\r\n") as client:
        _, [text] = await client.ask("X", "2xx")
        assert len(text) == (1 << 20) - 3


# Interrupted conversations.


@pytest.mark.parametrize("data", [b"", b"20", b"200-fine\r\n", b"200 fine"])
async def test_the_server_closes_within_a_reply(data: bytes) -> None:
    """When the server closes before or within a reply, the call raises an error; the next call says what to do."""
    async with talk("X", data, close) as client:
        with pytest.raises(ConnectionResetError, match=r"^the server closed the control connection$"):
            await client.command("X", "2xx")
        with pytest.raises(ConnectionError, match=r"^closed by the server: connect again$"):
            await client.noop()


@pytest.mark.parametrize("data", [b"", b"200-fine\r\n"])
async def test_the_server_resets_the_connection(data: bytes) -> None:
    """When the server resets the connection before or within a reply, this call and the next one raise an error."""
    async with talk("X", data, turns, reset) as client:
        with pytest.raises(ConnectionResetError):
            await client.command("X", "2xx")
        with pytest.raises(ConnectionError, match=r"^closed after ConnectionResetError \(.+\): connect again$"):
            await client.noop()


@pytest.mark.parametrize("data", [b"", b"200-fine\r\n"])
async def test_the_server_sends_nothing(data: bytes) -> None:
    """When the server sends nothing for `socket_timeout` seconds, the connection is closed; the next call says so."""
    async with talk("X", data, until_closed) as client:
        client.channel.timeout = 0.05
        with pytest.raises(TimeoutError):
            await client.command("X", "2xx")
        with pytest.raises(ConnectionError) as caught:
            await client.noop()
    why = "the server sent nothing for 0.05 seconds"
    assert str(caught.value) == f"closed after TimeoutError ({why}): connect again"


async def test_a_cancelled_command() -> None:
    """A command cancelled before its reply arrives closes the connection: the reply would belong to no command."""
    received = asyncio.Event()
    async with talk("X", signal(received), until_closed) as client:
        task = asyncio.create_task(client.command("X", "2xx"))
        await received.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionError) as caught:
            await client.noop()
    assert str(caught.value) == "closed, because a call was cancelled before its reply arrived: connect again"


async def test_closed_while_other_tasks_wait() -> None:
    """`close` ends the wait of every other task with an error."""
    received = asyncio.Event()
    async with talk("X", signal(received), until_closed) as client:
        first = asyncio.create_task(client.command("X", "2xx"))
        await received.wait()
        second = asyncio.create_task(client.noop())
        await asyncio.sleep(0)
        client.close()
        for task in (first, second):
            with pytest.raises(ConnectionError, match="closed"):
                await task


# Several tasks, and transfers.


async def test_tasks_share_a_client() -> None:
    """Commands of several tasks are sent one after another, each when the one before it has its reply."""

    async def answer(session: Session) -> None:
        for _ in range(20):
            line = await session.read_line()
            await turns(session)
            session.check_no_command()
            await session.send(f"200 {line}\r\n".encode())

    async with talk(answer) as client:
        replies = await asyncio.gather(*(client.ask(f"SITE {number}", "2xx") for number in range(20)))
    assert replies == [("200", [f" SITE {number}"]) for number in range(20)]


async def test_a_command_during_a_transfer() -> None:
    """A command that would have to wait for the transfer of its own task is an error with advice; nothing is sent."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), "PWD", b'257 "/"\r\n') as client:
        async with client.download_stream("a") as stream:
            for command in ("PWD", "pwd", "RETR b"):
                with pytest.raises(ClientStateError) as caught:
                    await client.command(command, "2xx")
                assert str(caught.value) == (
                    f"{command.split()[0].upper()} has to wait for the running transfer (RETR a): finish or abort it "
                    "first, or use a second client"
                )
            with pytest.raises(ClientStateError, match=r"^EPSV has to wait for the running transfer \(RETR a\)"):
                await client.download_stream("b")
            assert await stream.read() == b"data"
        await client.get_current_directory()


@pytest.mark.parametrize("command", ["ABOR", "STAT", "NOOP", "QUIT", "noop"])
async def test_commands_allowed_during_a_transfer(command: str) -> None:
    """RFC 959 4.1.3: these commands may be sent while a transfer of the same task runs."""
    go_on = asyncio.Event()
    script = transfer("RETR a", command, b"200 fine\r\n", go_on, send(b"data"), first=True)

    async with talk(*script) as client, client.download_stream("a") as stream:
        await client.command(command, "200")
        go_on.set()
        assert await stream.read() == b"data"


async def test_other_tasks_wait_for_a_transfer() -> None:
    """A command of another task waits until the transfer has its final reply."""
    script = [*transfer("RETR a", send(b"data"), first=True), "PWD", b'257 "/"\r\n']

    async with talk(*script) as client:
        async with client.download_stream("a") as stream:
            task = asyncio.create_task(client.get_current_directory())
            assert await stream.read() == b"data"
            assert not task.done()
        await task


# The log.


async def test_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the log has every line in both directions, with passwords starred and control characters escaped."""
    caplog.set_level(logging.DEBUG, LOGGER)
    async with ScriptedServer(
        [
            b"220-hello\r\n220 there\r\n",
            *("USER ann", b"331 password\r\n", "PASS secret", b"332 account\r\n", "ACCT sales", b"230 in\r\n"),
            *("pass word", b"200 \x1b[1m\xff\r\n", "SITE a secret", b"200 b\r\n", "SITE a secret", b"200 b\r\n"),
            *("NOOP", b"200 b\r\n", "CWD \x1b", b"250 c\r\n"),
        ]
    ) as server:
        client = Client()
        await client.connect(*server.address)
        await client.login("ann", "secret", "sales")
        await client.command("pass word", "2xx")
        await client.command("SITE a secret", "2xx", censor_after=7)
        await client.command("SITE a secret", "2xx", censor_after=0)
        await client.command("NOOP", "2xx", censor_after=99)
        await client.command("CWD \x1b", "2xx")
        client.close()

    place = "{}:{}".format(*server.address)
    assert caplog.messages == [
        f"connected to {place}",
        *("220-hello", "220 there"),
        *("USER ann", "331 password", "PASS ******", "332 account", "ACCT *****", "230 in"),
        *("pass ****", r"200 \x1b[1m\udcff", "SITE a ******", "200 b", "*" * 13, "200 b"),
        *("NOOP", "200 b", r"CWD \x1b", "250 c"),
        f"closing connection to {place}",
    ]
    assert {record.name for record in caplog.records} == {LOGGER}


async def test_no_log_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    """Above DEBUG the log has no commands and replies."""
    caplog.set_level(logging.INFO, LOGGER)
    async with talk("NOOP", b"200 fine\r\n") as client:
        await client.noop()

    assert len(caplog.messages) == 2


# The stream.


async def test_the_control_connection_as_a_stream() -> None:
    """`stream` sends the user's own bytes, and `parse_response` reads the replies."""
    async with talk("SITE one", "SITE two", b"200 a\r\n200 b\r\n") as client:
        assert isinstance(client.stream, ThrottleStreamIO)
        await client.stream.write(b"SITE one\r\nSITE two\r\n")
        assert await client.parse_response() == ("200", [" a"])
        assert await client.parse_response() == ("200", [" b"])
