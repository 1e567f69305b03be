"""How our client handles faults of the control connection: what it raises, and what it does next.

Three rules hold for every row: with timeouts it never waits for ever, a connection that is out of sync is closed, and
on any other connection the next command gets its own reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from ftpfixture import Client, StatusCodeError
from tests.support.lab import Lab

SILENT = "TimeoutError: the server sent nothing for 0.3 seconds"
END = "ConnectionResetError: the server closed the control connection"
RESET = "ConnectionResetError: Connection reset by peer"
CUT = "ConnectionResetError: closed without close_notify: the received data may be incomplete"
FINE = "fine"


class Row(NamedTuple):
    """An action, a fault, and the outcome."""

    action: str
    fault: str
    outcome: str = FINE
    closed: bool = False


TABLE = [
    Row("greet", "CONNECT: service_unavailable Full", "220, not 421 Full", True),
    Row("greet", "CONNECT: answer 500 Closed", "220, not 500 Closed", True),
    Row("greet", "CONNECT: answer 120 Soon", SILENT, True),
    Row("greet", "CONNECT: say 120 Soon phase=before_reply"),
    Row("greet", "CONNECT: answer_raw b'Welcome\\r\\n220 Ready\\r\\n'", "xxx, not Wel Welcome", True),
    Row("greet", "CONNECT: ignore", SILENT, True),
    Row("greet", "CONNECT: stall", SILENT, True),
    Row("greet", "CONNECT: close", END, True),
    Row("greet", "CONNECT: half_close phase=before_reply", END, True),
    Row("greet", "CONNECT: mismatched_lines", SILENT, True),
    Row("greet", "CONNECT: garble", "220, not 320 welcome", True),
    Row("greet", "CONNECT: repeat_reply"),
    Row("greet", "CONNECT: slice 1"),
    Row("greet", "CONNECT: say 230 In phase=before_reply", "220, not 230 In", True),
    Row("login", "USER: answer 230 In"),
    Row("login", "USER: service_unavailable Full", "230|232|33x, not 421 Full", True),
    Row("login", "USER: ignore", SILENT, True),
    Row("login", "USER: reply 332 Account", "230|202|33x, not 503 Login first"),
    Row("login", "PASS: deny", "230|202|33x, not 550 Permission denied"),
    Row("login", "PASS: answer 430 Later", "230|202|33x, not 430 Later"),
    Row("login", "PASS: reply 202 Superfluous"),
    Row("login", "PASS: close", END, True),
    Row("login", "PASS: reset", RESET, True),
    Row("login", "PASS: stall phase=before_reply", SILENT, True),
    Row("login", "PASS: repeat_reply"),
    Row("cwd", "CWD: not_implemented", "2xx, not 502 Command not implemented"),
    Row("cwd", "CWD: answer 450 Busy", "2xx, not 450 Busy"),
    Row("cwd", "CWD: service_unavailable Bye", "2xx, not 421 Bye", True),
    Row("cwd", "CWD: ignore", SILENT, True),
    Row("cwd", "CWD: no_reply", SILENT, True),
    Row("cwd", "CWD: delay_to_next", SILENT, True),
    Row("cwd", "CWD: stall", SILENT, True),
    Row("cwd", "CWD: mismatched_lines", SILENT, True),
    Row("cwd", "CWD: answer_raw b'250\\n'"),
    Row("cwd", "CWD: answer_raw b'nonsense\\r\\n'", "xxx, not non nonsense"),
    Row("cwd", "CWD: answer_raw b'no\\r\\n250 Hm\\r\\n'", "xxx, not no no"),
    Row("cwd", "CWD: reply 200 Fine"),
    Row("cwd", "CWD: repeat_reply"),
    Row("cwd", "CWD: say 226 Late"),
    Row("cwd", "CWD: say_raw b'half a li'"),
    Row("cwd", "CWD: say 226 Early phase=before_reply"),
    Row("cwd", "CWD: slice 1"),
    Row("cwd", "CWD: delay 0.01 jitter=0.01"),
    Row("cwd", "CWD: close", END, True),
    Row("cwd", "CWD: reset", RESET, True),
    Row("cwd", "CWD: half_close", END, True),
    Row("facts", "MLST: wrong_size 4", "'10'"),
    Row("get", "EPSV: not_implemented"),
    Row("get", "PASV|EPSV: not_implemented", "227, not 502 Command not implemented"),
    Row("get", "EPSV: wrong_address port=1"),
    Row("get", "EPSV: malformed_address empty"),
    Row("get", "EPSV: stall", SILENT, True),
    Row("get", "EPSV: repeat_reply"),
    Row("get", "RETR: deny", "1xx, not 550 Permission denied"),
    Row("get", "RETR: answer 425 'No data'", "1xx, not 425 No data"),
    Row("get", "RETR: service_unavailable Bye", "1xx, not 421 Bye", True),
    Row("get", "RETR: ignore", SILENT, True),
    Row("get", "RETR: preliminary 125"),
    Row("get", "RETR: no_reply", SILENT, True),
    Row("get", "RETR: delay_to_next", SILENT, True),
    Row("get", "RETR: mismatched_lines", SILENT, True),
    Row("get", "RETR: reply 250 Done"),
    Row("get", "RETR: reply 451 Oh", "2xx, not 451 Oh"),
    Row("get", "RETR: early_reply"),
    Row("get", "RETR: wrong_size 4"),
    Row("get", "RETR: slice 1"),
    Row("get", "RETR: repeat_reply"),
    Row("get", "RETR: say 299 Hm phase=before_150", "1xx, not 299 Hm"),
    Row("get", "RETR: say 299 Hm"),
    Row("get", "RETR: close after_bytes=3", END, True),
    Row("get", "RETR: half_close after_bytes=3", END, True),
    Row("get", "RETR: reset after_bytes=3", RESET, True),
    Row("get", "RETR: close phase=before_reply", END, True),
    Row("get", "RETR: reset phase=before_150", RESET, True),
    Row("get", "RETR: stall phase=before_150", SILENT, True),
    Row("get", "RETR: stall phase=before_reply", SILENT, True),
    Row("put", "STOR: answer 552 Full", "1xx, not 552 Full"),
    Row("put", "STOR: service_unavailable Bye", "1xx, not 421 Bye", True),
    Row("put", "STOR: no_reply", SILENT, True),
    Row("put", "STOR: reply 452 Full", "2xx, not 452 Full"),
    Row("put", "STOR: early_reply"),
    Row("put", "STOR: repeat_reply"),
    Row("put", "STOR: close phase=before_reply", END, True),
    Row("put", "STOR: reset phase=before_reply", RESET, True),
    Row("nlst", "NLST: answer 450 Empty", "[]"),
    Row("nlst", "NLST: answer 226 Empty", "1xx, not 226 Empty"),
    Row("nlst", "NLST: repeat_reply", "['a.txt', 'b.txt', 'big.bin', 'c.txt', 'dir']"),
    Row("quit", "QUIT: ignore", SILENT, True),
    Row("quit", "QUIT: stall", SILENT, True),
    Row("quit", "QUIT: no_reply", END, True),
    Row("quit", "QUIT: close", END, True),
    Row("quit", "QUIT: reset", RESET, True),
    Row("quit", "QUIT: answer 500 Stay", "2xx, not 500 Stay", True),
    Row("quit", "QUIT: repeat_reply", FINE, True),
    Row("abort", "ABOR: not_implemented"),
    Row("abort", "ABOR: ignore", SILENT, True),
    Row("abort", "ABOR: no_reply", SILENT, True),
    Row("abort", "RETR: no_reply"),
    Row("abort", "RETR: reply 226 Done"),
    Row("abort", "ABOR: reply 225 Nothing"),
    Row("abort", "ABOR: repeat_reply"),
    Row("abort", "RETR: repeat_reply"),
    Row("abort", "ABOR: say 225 phase=before_reply"),
]
IN_CLEAR = [
    Row("get", "RETR: no_preliminary", "1xx, not 226 Transfer complete"),
    Row("get", "RETR: coalesce"),
    Row("put", "STOR: coalesce", SILENT, True),
]
IN_TLS = [
    # The TLS handshake follows the 150, which is not sent.
    Row("get", "RETR: no_preliminary", SILENT, True),
    Row("get", "RETR: coalesce", SILENT, True),
]
ROWS = [
    *[pytest.param(row, kind, id=f"{row.fault}-{kind}") for row in TABLE for kind in ("clear", "explicit")],
    *[pytest.param(row, "clear", id=f"{row.fault}-clear") for row in IN_CLEAR],
    *[pytest.param(row, "explicit", id=f"{row.fault}-explicit") for row in IN_TLS],
]


@pytest.fixture
async def client(lab: Lab) -> AsyncIterator[Client]:
    """A client that is not connected."""
    client = Client(connection_timeout=10)
    yield client
    client.close()


def text_of(error: Exception) -> str:
    """The message of an error: the expected and the received codes, and the text of the reply."""
    if isinstance(error, StatusCodeError):
        text = " ".join(line.strip() for line in error.info)
        return f"{'|'.join(error.expected_codes)}, not {error.received_codes[0]} {text}"
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


async def act(client: Client, action: str) -> object:
    """Perform an action with a client that is logged in; returns its result."""
    match action:
        case "cwd":
            await client.change_directory("dir")
        case "facts":
            return repr((await client.stat("a.txt"))["size"])
        case "get":
            async with client.download_stream("b.txt") as stream:
                assert await stream.read() == b"0123456789"
        case "put":
            async with client.upload_stream("new.txt") as stream:
                await stream.write(b"new")
        case "nlst":
            return sorted(await client.nlst())
        case "quit":
            await client.quit()
        case "abort":
            stream = await client.download_stream("big.bin")
            assert await stream.readexactly(10)
            await client.abort()
    return FINE


async def attempt(client: Client, lab: Lab, row: Row) -> object:
    """Prepare the action of a row, add the fault, and perform the action."""
    server, patience = lab.server, 0.3 if row.outcome == SILENT else 10
    client.socket_timeout = patience if row.action == "greet" else 10
    if row.action == "greet":
        lab.add(row.fault)
    await client.connect(server.host, server.port)
    if row.action == "greet":
        return FINE
    if server.server.ssl:
        await client.upgrade_to_tls(server.tls.client_context())
    if row.action != "login":
        await client.login(*server.credentials)
    lab.add(row.fault)
    client.channel.timeout = client.socket_timeout = patience
    if row.action == "login":
        await client.login(*server.credentials)
        return FINE
    return await act(client, row.action)


@pytest.mark.each_once
@pytest.mark.parametrize(("row", "lab"), ROWS, indirect=["lab"])
async def test_our_client(client: Client, lab: Lab, row: Row) -> None:
    """The outcome is this; then the connection is closed and says so, or the next command gets its own reply."""
    try:
        outcome = str(await attempt(client, lab, row))
    except Exception as error:
        outcome = text_of(error)
    cut = lab.server.server.ssl and ("half_close" in row.fault or row.outcome == RESET)
    assert outcome == row.outcome or (cut and outcome == CUT)  # Python reports RST under TLS only since 3.13
    await asyncio.to_thread(lab.server.faults.assert_fired)
    lab.server.faults.clear()
    if row.closed:
        with pytest.raises(ConnectionError, match=r"connect again|to go on"):
            await client.command("NOOP", "2xx")
    else:
        client.channel.timeout = client.socket_timeout = 10
        assert await client.command("NOOP", "2xx") == ("200", [" Nothing done"])


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("not_implemented", "234, not 502 Command not implemented"),
        ("answer 431 Later", "234, not 431 Later"),
        ("service_unavailable Bye", "234, not 421 Bye"),
        ("close", END),
        ("stall", SILENT),
        ("no_reply", SILENT),
        ("slice 1", FINE),
        ("close phase=after_reply", "TlsError: no TLS on the control connection"),
        ("stall phase=after_reply", "TimeoutError: no TLS on the control connection"),
        ("repeat_reply", "TlsError: the server sent data in clear text after its reply to AUTH TLS"),
        ("say_raw b'230 In\\r\\n'", "TlsError: the server sent data in clear text after its reply to AUTH TLS"),
        ("say_raw b'2'", "TlsError: the server sent data in clear text after its reply to AUTH TLS"),
    ],
)
async def test_our_client_at_auth(client: Client, lab: Lab, fault: str, outcome: str) -> None:
    """Faults of AUTH; nothing that was sent without TLS counts as encrypted."""
    await client.connect(lab.server.host, lab.server.port)
    lab.add(f"AUTH #1: {fault}")
    client.channel.timeout = client.socket_timeout = 0.3 if outcome == SILENT else 10
    client.connection_timeout = 0.3 if outcome.startswith("TimeoutError") else 10
    try:
        await client.upgrade_to_tls(lab.server.tls.client_context())
        await client.login(*lab.server.credentials)
        what = FINE
    except Exception as error:
        what = text_of(error)
    assert what.startswith(outcome)
    await asyncio.to_thread(lab.server.faults.assert_fired)


async def test_an_unsolicited_421(client: Client, lab: Lab) -> None:
    """Unsolicited replies are discarded before a command, except 421: it is the reason why the next command fails."""
    await connect(client, lab)
    lab.add("CWD: say 299 Hm; say 421 'Idle for too long'; close phase=after_reply")
    await client.change_directory("dir")
    with pytest.raises(StatusCodeError) as caught:
        await client.command("NOOP", "2xx")
    assert text_of(caught.value) == "2xx, not 421 Idle for too long"


async def connect(client: Client, lab: Lab) -> None:
    """Connect in the way that the server requires, and log in."""
    if lab.is_implicit:
        client.ssl = lab.server.tls.client_context()
    await client.connect(lab.server.host, lab.server.port)
    if lab.server.server.ssl and not lab.is_implicit:
        await client.upgrade_to_tls(lab.server.tls.client_context())
    await client.login(*lab.server.credentials)
