"""Commands that open a data connection: their order, what the client remembers, and what is closed on errors."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from ftpfixture import Client, ClientStateError, ConfigurationError, ReplySyntaxError, StatusCodeError
from ftpfixture.wire.hostport import render_227
from tests.support.scripted import (
    GREETING,
    HOST,
    TYPE_I,
    ScriptedServer,
    Session,
    Step,
    close,
    connected,
    dial_back,
    eprt,
    epsv,
    expect_data_reset,
    fetch,
    pasv,
    port,
    receive,
    reset,
    send,
    talk,
    transfer,
    until_closed,
)

NOT_AVAILABLE = ["425", "500", "501", "502", "503", "504", "522", "550"]


def refuse(verb: str, code: str) -> list[Step]:
    """Refuse a command."""
    return [re.compile(f"{verb}( .*)?"), f"{code} no\r\n".encode()]


def answer(line: str, reply: str) -> Step:
    """Receive a command, listen for a data connection, and send a reply with the port."""

    async def step(session: Session) -> None:
        await session.play(line)
        number = session.listen()
        await session.send(reply.format(port=number, high=number // 256, low=number % 256).encode() + b"\r\n")

    return step


RETR = ["RETR a", b"150 here\r\n", send(b"data"), b"226 done\r\n"]


# Passive.


@pytest.mark.parametrize(
    ("commands", "expected"), [(["epsv"], epsv), (["pasv"], pasv), ("EPSV", epsv), (["PASV"], pasv)]
)
async def test_one_passive_command(commands: str, expected: Step) -> None:
    """The client uses the only command of the setting; case does not matter."""
    async with talk(*TYPE_I, expected, *RETR, expected, *RETR, passive_commands=commands) as client:
        assert await fetch(client) == b"data"
        assert await fetch(client) == b"data"


@pytest.mark.parametrize("code", NOT_AVAILABLE)
async def test_refused_epsv_is_not_sent_again(code: str) -> None:
    """After a server refused EPSV, the client sends PASV for the rest of the session."""
    async with talk(*TYPE_I, *refuse("EPSV", code), pasv, *RETR, pasv, *RETR) as client:
        assert await fetch(client) == b"data"
        assert await fetch(client) == b"data"


async def test_other_refusals_are_errors() -> None:
    """Other refusals are errors: the next command would get the same."""
    async with talk(*TYPE_I, "EPSV", b"530 log in first\r\n", "EPSV", b"451 broken\r\n") as client:
        for code in ("530", "451"):
            with pytest.raises(StatusCodeError, match=code):
                await fetch(client)


async def test_a_port_that_refuses() -> None:
    """When the port of EPSV refuses connections, as behind some routers, the client uses PASV from then on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        gone = f"229 (|||{taken.getsockname()[1]}|)\r\n".encode()
        async with talk(*TYPE_I, "EPSV", gone, pasv, *RETR, pasv, *RETR) as client:
            assert await fetch(client) == b"data"
            assert await fetch(client) == b"data"


async def test_a_port_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """`connection_timeout` limits data connections too; after a timeout the client tries the next command."""
    loop = asyncio.get_running_loop()
    sock_connect = loop.sock_connect

    async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
        if address[1] == 9:
            try:
                await asyncio.Event().wait()
            finally:
                client.connection_timeout = None  # no limit for the next connection
        await sock_connect(sock, address)

    async with talk(*TYPE_I, "EPSV", b"229 (|||9|)\r\n", pasv, *RETR) as client:
        monkeypatch.setattr(loop, "sock_connect", connect)
        client.connection_timeout = 0.05
        assert await fetch(client) == b"data"


@pytest.mark.parametrize("reply", ["229 no port", "229 (|||99999|)", "229 (||12|)", "229 ", "229 (1,2,3,4,5,6)"])
async def test_a_reply_to_epsv_without_a_port(reply: str) -> None:
    """After a 229 without a port PASV is tried; when there is no other command, the error shows the reply."""
    async with talk(*TYPE_I, "EPSV", reply.encode() + b"\r\n", pasv, *RETR) as client:
        assert await fetch(client) == b"data"
    async with talk(*TYPE_I, "EPSV", reply.encode() + b"\r\n", passive_commands=["epsv"]) as client:
        with pytest.raises(ReplySyntaxError, match=re.escape(reply[3:])):
            await fetch(client)


@pytest.mark.parametrize("reply", ["227 garbage", "227 (1,2,3,4,5)", "227 (256,0,0,1,1,1)", "227 "])
async def test_a_reply_to_pasv_without_an_address(reply: str) -> None:
    """A 227 without an address is an error that shows it, and the session continues."""
    async with talk(
        *TYPE_I, "PASV", reply.encode() + b"\r\n", "NOOP", b"200 ok\r\n", passive_commands=["pasv"]
    ) as client:
        with pytest.raises(ReplySyntaxError, match=re.escape(reply[3:])):
            await fetch(client)
        await client.noop()


@pytest.mark.parametrize(
    "reply",
    [
        "227 Entering Passive Mode (127,0,0,1,{high},{low}).",
        "227 Entering Passive Mode 127,0,0,1,{high},{low}",
        "227 =127,0,0,1,{high},{low}",
        "200 127,0,0,1,{high},{low}",
        "227 Entering Passive Mode (0,0,0,0,{high},{low})",
        "227 Entering Passive Mode (10,20,30,40,{high},{low})",
        "227-Entering\r\n Passive\r\n227 Mode (127,0,0,1,{high},{low})",
    ],
)
async def test_the_format_of_227(reply: str) -> None:
    """Parentheses may be missing, and the client ignores a host other than the server's (RFC 2577 3)."""
    async with talk(*TYPE_I, answer("PASV", reply), *RETR, passive_commands=["pasv"]) as client:
        assert await fetch(client) == b"data"


@pytest.mark.parametrize(
    "reply",
    [
        "229 Extended (|||{port}|)",
        "200 Extended (|||{port}|)",
        "229 (!!!{port}!)",
        "229-a\r\n229 b (|||{port}|)",
        "229 (x) (|||{port}|)",
    ],
)
async def test_the_format_of_229(reply: str) -> None:
    """Every delimiter is accepted, in every line of the reply."""
    async with talk(*TYPE_I, answer("EPSV", reply), *RETR, passive_commands=["epsv"]) as client:
        assert await fetch(client) == b"data"


@pytest.mark.parametrize(("named", "trusted"), [("127.0.0.2", True), ("127.0.0.2", False), ("0.0.0.0", True)])
async def test_another_host_in_227(named: str, trusted: bool) -> None:
    """With `trust_pasv_host` the client connects to the host in the 227 reply, unless that is 0.0.0.0."""
    follows = trusted and named != "0.0.0.0"

    async def elsewhere(session: Session) -> None:
        await session.play("PASV")
        await session.send(f"227 {render_227(named, session.listen(named if follows else HOST))}\r\n".encode())

    async with talk(*TYPE_I, elsewhere, *RETR, passive_commands=["pasv"], trust_pasv_host=trusted) as client:
        assert await fetch(client) == b"data"


async def test_the_last_command_is_tried_again() -> None:
    """The last command is always tried again: the server may have been out of ports."""
    refused = [*refuse("EPSV", "425"), *refuse("PASV", "425")]
    async with talk(*TYPE_I, *refused, *refuse("PASV", "425"), pasv, *RETR) as client:
        for _ in range(2):
            with pytest.raises(StatusCodeError, match="425"):
                await fetch(client)
        assert await fetch(client) == b"data"


async def test_all_commands_refused() -> None:
    """When all commands were refused before, they are tried again from the first one."""
    script = [*refuse("EPSV", "502"), *refuse("PASV", "502"), *refuse("EPRT", "502"), port]
    async with talk(
        *TYPE_I, *script, "RETR a", b"550 no\r\n", *refuse("EPSV", "502"), *refuse("PASV", "425"),
        passive_commands=["epsv", "pasv", "eprt", "port"],
    ) as client:  # fmt: skip
        with pytest.raises(StatusCodeError, match="550"):
            await fetch(client)
        with pytest.raises(StatusCodeError, match="425"):
            await client.get_passive_connection()


async def test_a_new_connection_begins_anew() -> None:
    """Refused commands and the TYPE are discarded with the connection."""
    script = [GREETING, *TYPE_I, *refuse("EPSV", "502"), pasv, *RETR]
    async with ScriptedServer(script, script) as server:
        client = Client()
        for _ in range(2):
            await client.connect(*server.address)
            assert await fetch(client) == b"data"
        client.close()


@pytest.mark.parametrize("end", [close, reset])
async def test_the_server_closes_within_the_first_command(end: Step) -> None:
    """When the control connection ends within the first command, the second one is not tried."""
    async with talk(*TYPE_I, "EPSV", end) as client:
        with pytest.raises(ConnectionResetError):
            await fetch(client)
        with pytest.raises(ConnectionError, match="connect again"):
            await client.noop()


async def test_421_in_place_of_a_port() -> None:
    """After 421 no other command is tried."""
    async with talk(*TYPE_I, "EPSV", b"421 going down\r\n", until_closed) as client:
        with pytest.raises(StatusCodeError, match="421"):
            await fetch(client)
        with pytest.raises(ConnectionError, match=r"\(421\): connect again"):
            await client.noop()


async def test_ipv6() -> None:
    """Over IPv6 the client sends EPSV or EPRT; PORT cannot express the address, so the next command is tried."""
    for command, commands in ((epsv, ["epsv"]), (eprt, ["eprt"]), (epsv, ["port", "epsv"])):
        steps = RETR if command is epsv else ["RETR a", b"150 here\r\n", dial_back, send(b"data"), b"226 done\r\n"]
        async with ScriptedServer([GREETING, *TYPE_I, command, *steps], host="::1") as server:
            client = Client(passive_commands=commands)
            await client.connect(*server.address)
            assert await fetch(client) == b"data"
            client.close()


# TYPE.


async def test_type_is_sent_when_it_changes() -> None:
    """TYPE is sent before the first transfer and when another type is needed; a login may change it."""
    script: list[Step] = [
        *("TYPE I", b"200 ok\r\n"),
        *("TYPE A", b"200 ok\r\n"),
        *("TYPE I", b"504 no\r\n", "TYPE I", b"200 ok\r\n"),
        *("USER x", b"230 ok\r\n", "TYPE I", b"200 ok\r\n"),
        *("TYPE E", b"200 ok\r\n", "TYPE I", b"200 ok\r\n"),
        *("rein", b"220 ok\r\n", "TYPE I", b"200 ok\r\n"),
    ]
    async with talk(*script) as client:
        await client.set_type("I")
        await client.set_type("I")
        await client.set_type("A")
        with pytest.raises(StatusCodeError, match="504"):
            await client.set_type("I")
        await client.set_type("I")
        await client.login("x")
        await client.set_type("I")
        await client.command("TYPE E", "200")
        await client.set_type("I")
        await client.command("rein", "220")
        await client.set_type("I")


async def test_type_of_a_stream() -> None:
    """A stream is opened with the type that the call asks for."""
    async with talk("TYPE A", b"200 ok\r\n", epsv, *RETR, *TYPE_I, epsv, *RETR) as client:
        async with client.get_stream("RETR a", "1xx", conn_type="A") as stream:
            await stream.read()
        await fetch(client)


# Streams and refused commands.


async def test_a_refused_command() -> None:
    """When the command is refused the data connection is closed without data, and the session continues."""
    async with talk(*TYPE_I, epsv, "RETR a", b"550 no such file\r\n", receive(b""), epsv, *RETR) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.download_stream("a")
        assert await fetch(client) == b"data"


async def test_refused_entering() -> None:
    """A refused command raises an error when the stream is entered, and the block does not run."""
    async with talk(*TYPE_I, epsv, "STOR a", b"553 no\r\n", receive(b"")) as client:
        with pytest.raises(StatusCodeError, match="553"):
            async with client.upload_stream("a"):
                pytest.fail("there is no stream")


async def test_offset() -> None:
    """An offset is sent with REST, directly before the command; offset 0 needs no REST."""
    rest: list[Step] = ["REST 12", b"350 ok\r\n"]
    async with talk(
        *TYPE_I,
        *(epsv, *rest, *RETR),
        *(epsv, *rest, "STOR a", b"150 ok\r\n", receive(b"up"), b"226 done\r\n"),
        *(epsv, *rest, "APPE a", b"150 ok\r\n", receive(b"up"), b"226 done\r\n"),
    ) as client:
        async with client.download_stream("a", offset=12) as stream:
            assert await stream.read() == b"data"
        for open_stream in (client.upload_stream, client.append_stream):
            async with open_stream("a", offset=12) as stream:
                await stream.write(b"up")


async def test_an_offset_that_no_transfer_used() -> None:
    """After REST and a refused transfer the next one begins with REST 0; the one after that needs none."""
    async with talk(
        *TYPE_I,
        *(epsv, "REST 12", b"350 ok\r\n", "RETR a", b"550 no\r\n", receive(b"")),
        *(epsv, "REST 0", b"350 ok\r\n", "STOR a", b"150 ok\r\n", receive(b"up"), b"226 done\r\n"),
        *(epsv, "STOR a", b"150 ok\r\n", receive(b"up"), b"226 done\r\n"),
    ) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.download_stream("a", offset=12)
        for _ in range(2):
            async with client.upload_stream("a") as stream:
                await stream.write(b"up")


async def test_rest_refused() -> None:
    """When REST is refused the data connection is closed, and the command is not sent."""
    async with talk(*TYPE_I, epsv, "REST 5", b"502 no\r\n", receive(b""), "NOOP", b"200 ok\r\n") as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.download_stream("a", offset=5)
        assert caught.value.expected_codes == ("350",)
        await client.noop()


async def test_an_unexpected_preliminary_reply() -> None:
    """When the server sends an unexpected 1xx, the final reply of the transfer is skipped later."""
    async with talk(
        *TYPE_I, epsv, "RETR a", b"150 here\r\n", receive(b""), b"426 broken\r\n", "NOOP", b"200 ok\r\n"
    ) as client:
        with pytest.raises(StatusCodeError) as caught:
            await client.get_stream("RETR a", "125")
        assert caught.value.received_codes == ("150",)
        await client.noop()


async def test_no_codes() -> None:
    """Without codes no reply is read before the stream is finished, which then reads both."""
    async with talk(*TYPE_I, epsv, *RETR) as client, client.get_stream("RETR a") as stream:
        assert await stream.read() == b"data"


async def test_wait_codes_and_stars(caplog: pytest.LogCaptureFixture) -> None:
    """`wait_codes` and `censor_after` work as in `command`."""
    caplog.set_level("DEBUG", "ftpfixture.client")
    secret = "SITE GET secret"
    script: list[Step] = [secret, b"100 wait\r\n150 here\r\n", send(b"data"), b"226 done\r\n"]
    async with talk(*TYPE_I, epsv, *script) as client, client.get_stream(secret, "150", "100", 9) as stream:
        assert await stream.read() == b"data"
    assert "SITE GET ******" in caplog.messages


async def test_226_before_150() -> None:
    """A 226 instead of 1xx is an error, and nothing is left open.

    Before its next command the client finds out whether the 226 was the reply to another command.
    """
    replies = b'150 here\r\n426 broken\r\n257 "/"\r\n'
    script = [*TYPE_I, epsv, "RETR a", b"226 done\r\n", receive(b""), "PWD", replies, "NOOP", b"200 ok\r\n"]
    async with talk(*script) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 1xx but got 226"):
            await fetch(client)
        await client.noop()


async def test_a_missing_226() -> None:
    """When the final reply does not arrive within `socket_timeout`, the call times out."""
    async with talk(*TYPE_I, epsv, "RETR a", b"150 here\r\n", send(b"data"), until_closed) as client:
        stream = await client.download_stream("a")
        assert await stream.read() == b"data"
        client.channel.timeout = 0.05
        with pytest.raises(TimeoutError):
            await stream.finish()
        with pytest.raises(ConnectionError, match="connect again"):
            await client.noop()


@pytest.mark.parametrize("reply", ["426 broken", "451 disk", "552 full"])
async def test_a_transfer_that_fails_at_the_end(reply: str) -> None:
    """An error in the final reply is raised by the stream, and the session continues."""
    async with talk(
        *TYPE_I, epsv, "STOR a", b"150 go\r\n", receive(b"data"), reply.encode() + b"\r\n", "NOOP", b"200 ok\r\n"
    ) as client:
        with pytest.raises(StatusCodeError, match=reply[:3]):
            async with client.upload_stream("a") as stream:
                await stream.write(b"data")
        await client.noop()


# The connection first, and the command afterwards.


async def test_the_connection_only() -> None:
    """Without a command only the data connection is opened; the command is sent afterwards, in the block."""
    async with talk(*transfer("RETR a", send(b"data"), first=True), epsv, connected, *RETR) as client:
        async with client.get_stream() as stream:
            await client.command("RETR a", "1xx")
            assert await stream.read() == b"data"
        stream = await client.get_stream()
        await client.command("RETR a", "1xx")
        assert await stream.readexactly(4) == b"data"
        await stream.finish()


async def test_a_passive_connection() -> None:
    """`get_passive_connection` uses the given commands, and its stream reads the final reply."""
    async with talk(*TYPE_I, pasv, *RETR, "TYPE A", b"200 ok\r\n", epsv, *RETR, epsv, *RETR) as client:
        for arguments in (("I", ["PASV"]), ("A", ("epsv",)), ("A",)):
            stream = await client.get_passive_connection(*arguments)
            await client.command("RETR a", "1xx")
            assert await stream.read() == b"data"
            await stream.finish()


async def test_commands_for_a_passive_connection() -> None:
    """No command or an unknown one is an error before anything is sent; else the last refusal is raised."""
    async with talk(*TYPE_I, *refuse("EPSV", "502"), *refuse("PASV", "500"), "NOOP", b"200 ok\r\n") as client:
        for commands in ([], ["lpsv"]):
            with pytest.raises(ConfigurationError, match="takes some of epsv, pasv, eprt, port"):
                await client.get_passive_connection(commands=commands)
        with pytest.raises(StatusCodeError, match="500"):
            await client.get_passive_connection()
        await client.noop()


async def test_active_mode_needs_the_command() -> None:
    """In active mode the server connects after the command, so a stream without one is an error that says so."""
    async with talk("NOOP", b"200 ok\r\n", passive_commands=["eprt", "port"]) as client:
        for call in (client.get_stream(), client.get_passive_connection()):
            with pytest.raises(ConfigurationError) as caught:
                await call
            assert str(caught.value) == "in active mode the server connects after the command: give it to get_stream"
        await client.noop()


async def test_both_modes_without_a_command() -> None:
    """Where passive and active commands are allowed, a stream without a command uses the passive ones."""
    async with talk(*TYPE_I, epsv, *RETR, passive_commands=["port", "epsv"]) as client:
        stream = await client.get_stream()
        await client.command("RETR a", "1xx")
        await stream.finish()


async def test_one_stream_at_a_time() -> None:
    """A second stream in the same task is an error with advice; the first one is not disturbed."""
    script = transfer("RETR a", send(b"data"), first=True)
    async with talk(*script) as client, client.download_stream("a") as stream:
        with pytest.raises(ClientStateError, match="use a second client"):
            await client.download_stream("b")
        assert await stream.read() == b"data"


async def test_speed_limits_are_those_of_the_client() -> None:
    """Streams use the client's throttle, which may be changed at any time."""
    script = transfer("RETR a", send(b"data"), first=True)
    async with talk(*script, read_speed_limit=1 << 20) as client, client.download_stream("a") as stream:
        assert stream.throttles == {"_": client.throttle}
        client.throttle.read.limit = None
        assert await stream.read() == b"data"


async def test_streams_have_the_timeout_of_the_client() -> None:
    """A data connection without data for `socket_timeout` seconds times out, and the session continues."""
    async with talk(
        *(
            *TYPE_I,
            epsv,
            "RETR a",
            b"150 here\r\n",
            connected,
            b"426 too slow\r\n",
            expect_data_reset,
            "NOOP",
            b"200 ok\r\n",
        )
    ) as client:
        client.socket_timeout = 0.05
        with pytest.raises(TimeoutError):
            await fetch(client)
        await client.noop()
