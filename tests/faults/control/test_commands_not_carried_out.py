"""Commands that are not carried out: refused with a reply or with bytes, ignored, or ended with 421."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ftpfixture.log.events import CommandReceived, FaultApplied, LoggedIn, ReplySent
from tests.support.lab import Lab
from tests.support.witness import Witness, shown

MANY = b"".join(b"550-line %d\r\n" % number for number in range(20_000)) + b"550 enough\r\n"


GONE_AWAY = ("client closed", "connection reset")  # reasons of a client that closes; under TLS its system may send RST


class Row(NamedTuple):
    """What goes wrong with a command, the bytes of the reply, and how to see that the command had no effect."""

    fault: str
    line: str
    answer: bytes
    then: str = "NOOP"
    shows: str = "200 Nothing done"


HERE = ("PWD", '257 "/" is the current directory')
OUTSIDE = ("PWD", "530 Please login with USER and PASS")
STILL_THERE = ("SIZE a.txt", "213 6")
NOT_THERE = ("SIZE new.txt", "550 No such file or directory")

LOGGED_IN = [
    Row("CWD: answer 450 Busy", "CWD dir", b"450 Busy\r\n", *HERE),
    Row("CWD: answer 550", "CWD dir", b"550 \r\n", *HERE),
    Row("CWD: answer 250 'But no'", "CWD dir", b"250 But no\r\n", *HERE),
    Row("CWD: answer 550 ['No', 'such', 'place']", "CWD dir", b"550-No\r\n550-such\r\n550 place\r\n", *HERE),
    Row("CWD: answer 550 'No\\nsuch'", "CWD dir", b"550-No\r\n550 such\r\n", *HERE),
    Row("CWD: not_implemented", "CWD dir", b"502 Command not implemented\r\n", *HERE),
    Row("CWD: deny", "CWD dir", b"550 Permission denied\r\n", *HERE),
    Row("DELE a.*: deny", "DELE a.txt", b"550 Permission denied\r\n", *STILL_THERE),
    Row("USER: answer 500", "USER eve", b"500 \r\n", *HERE),
    Row("PASV: answer 425 'No port'", "PASV", b"425 No port\r\n"),
    Row("EPSV: not_implemented", "EPSV", b"502 Command not implemented\r\n"),
    Row("RETR: answer 425 'No data connection'", "RETR a.txt", b"425 No data connection\r\n"),
    Row("STOR: answer 553 Name", "STOR new.txt", b"553 Name\r\n", *NOT_THERE),
    Row("NOOP: answer 599 Odd", "NOOP", b"599 Odd\r\n", *HERE),
    Row("ABOR: not_implemented", "ABOR", b"502 Command not implemented\r\n"),
    Row("QUIT: answer 500 Stay", "QUIT", b"500 Stay\r\n"),
    Row("*: answer 200 'A hollow voice'", "XYZZY", b"200 A hollow voice\r\n", "PWD", "200 A hollow voice"),
    # Exact bytes.
    Row("CWD: answer_raw b'250\\n'", "CWD dir", b"250\n", *HERE),
    Row("CWD: answer_raw b'no code\\r\\n250 Hm\\r\\n'", "CWD dir", b"no code\r\n250 Hm\r\n", *HERE),
    Row("CWD: answer_raw b'250 a\\x00b\\xff\\xe4\\r\\n'", "CWD dir", b"250 a\0b\xff\xe4\r\n", *HERE),
    Row("CWD: answer_raw b'550-a\\r\\n550-b\\r\\n551 c\\r\\n'", "CWD dir", b"550-a\r\n550-b\r\n551 c\r\n", *HERE),
    Row(f"CWD: answer_raw {MANY!r}", "CWD dir", MANY, *HERE),
]

OUTSIDERS = [
    Row("USER: answer 530 'Not you'", "USER user", b"530 Not you\r\n", "PASS password", "503 Login with USER first"),
    Row("USER user: deny", "USER user", b"550 Permission denied\r\n", "PASS password", "503 Login with USER first"),
    Row("PWD: answer 257 Nowhere", "PWD", b"257 Nowhere\r\n", "CWD dir", OUTSIDE[1]),
]


@pytest.mark.parametrize("row", LOGGED_IN, ids=lambda row: row.fault[:40])
def test_not_carried_out(lab: Lab, row: Row) -> None:
    """The bytes replace the reply, the command has no effect, and the session continues."""
    _not_carried_out(lab.enter(row.fault), row)


@pytest.mark.parametrize("row", OUTSIDERS, ids=lambda row: row.fault)
def test_not_carried_out_before_the_login(lab: Lab, row: Row) -> None:
    """The bytes replace the reply to a command before the login, too."""
    client = lab.visit()
    lab.add(row.fault)
    _not_carried_out(client, row)


def _not_carried_out(client: Witness, row: Row) -> None:
    client.send(row.line)
    assert client.read(len(row.answer)) == row.answer
    assert client.applied[0] == row.fault
    assert shown(client.ask(row.then)) == row.shows


def test_a_refused_password_logs_no_user_in(lab: Lab) -> None:
    """PASS that a fault answers, even with 230, logs no user in; the next PASS does."""
    client = lab.visit()
    lab.add("PASS #1: answer 230 Welcome")
    assert [client.code("USER user"), client.code("PASS password"), client.code("PWD")] == ["331", "230", "530"]
    assert not client.events(LoggedIn)
    assert [client.code("PASS password"), client.code("PWD")] == ["230", "257"]


def test_a_refused_auth_encrypts_nothing(lab: Lab) -> None:
    """AUTH that a fault answers, even with 234, starts no TLS."""
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert client.reply().code == "220"
    lab.add("AUTH: answer 234 'Go on'")
    assert [client.code("AUTH TLS"), client.code("NOOP")] == ["234", "200"]


@pytest.mark.parametrize("greeting", [b"220 Odd\r\n", b"500 Go away\r\n", b"220-1\r\n220 2\r\n"])
@pytest.mark.parametrize("word", ["answer", "answer_raw"])
def test_a_replaced_greeting(lab: Lab, word: str, greeting: bytes) -> None:
    """The bytes replace the greeting; they are sent inside TLS if the connection begins with TLS."""
    lines = [line[4:] for line in greeting.decode().splitlines()]
    [armed] = lab.add(f"CONNECT #1: answer_raw {greeting!r}" if word == "answer_raw" else _greet(greeting[:3], lines))
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert client.read(len(greeting)) == greeting
    assert (armed.fired, client.logged, client.events(FaultApplied)[0].command_seq) == (1, greeting, 0)  # type: ignore[attr-defined]
    assert client.code("NOOP") == "200"


def _greet(code: bytes, lines: list[str]) -> str:
    return f"CONNECT #1: answer {code.decode()} {lines!r}"


def test_the_log_has_the_replies_that_were_sent(client: Witness, lab: Lab) -> None:
    """The record of a command has the replies that were sent, split as a client reads them, and the fault."""
    lab.add("CWD: answer_raw b'150 a\\r\\n250-b\\r\\n250 c\\r\\nrest'")
    client.send("CWD dir")
    client.read(25)
    [record] = lab.server.log.find("CWD")
    assert record.replies == [("150", "a"), ("250", "b\nc"), ("000", "rest")]
    assert record.faults == ["CWD: answer_raw b'150 a\\r\\n250-b\\r\\n250 c\\r\\nrest'"]
    kinds = [type(event) for event in client.events(CommandReceived, FaultApplied, ReplySent)]
    assert kinds[-5:] == [CommandReceived, FaultApplied, ReplySent, ReplySent, ReplySent]


def test_a_refused_transfer_uses_no_data_connection(lab: Lab) -> None:
    """The data connection of a transfer that a fault refused is used by the next transfer."""
    client = lab.enter("RETR #1: answer 450 Later")
    data = client.begin("RETR a.txt")
    assert shown(client.reply()) == "450 Later"
    client.send("RETR a.txt")
    assert data.rest().content == b"hello\n"
    assert client.codes(2) == ["150", "226"]


# No reply.


@pytest.mark.parametrize(
    ("line", "then"),
    [
        ("CWD dir", HERE),
        ("DELE a.txt", STILL_THERE),
        ("STOR new.txt", NOT_THERE),
        ("RETR a.txt", HERE),
        ("PASV", HERE),
        ("USER eve", HERE),
        ("REIN", HERE),
        ("QUIT", HERE),
        ("ABOR", HERE),
        ("NOOP", HERE),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_ignored(lab: Lab, line: str, then: tuple[str, str]) -> None:
    """An ignored command has no effect and no reply: the next reply is for the next command."""
    client = lab.enter(f"{line.split()[0]}: ignore")
    client.send(line)
    assert shown(client.ask(then[0])) == then[1]
    assert len(client.applied) == 1
    assert lab.server.log.commands[-2].replies == []


def test_an_ignored_connection_gets_no_greeting(lab: Lab) -> None:
    """Without a greeting commands are still answered."""
    lab.add("CONNECT #1: ignore")
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert shown(client.ask("NOOP")) == "200 Nothing done"
    assert client.applied == ["CONNECT #1: ignore"]


def test_an_ignored_quit_and_a_client_that_closes(client: Witness, lab: Lab) -> None:
    """A client that gets no reply to QUIT and closes ends its session."""
    lab.add("QUIT: ignore")
    client.send("QUIT")
    lab.wait_applied()
    assert client.is_silent()
    client.close()
    assert lab.reason(client) in GONE_AWAY


@pytest.mark.lab(idle_timeout=60)
def test_a_session_with_an_ignored_command_is_idle(client: Witness, lab: Lab) -> None:
    """A session whose last command was ignored is idle."""
    lab.add("CWD: ignore")
    lab.clock.freeze()
    client.send("CWD dir")
    lab.wait_applied()
    lab.clock.move(61)
    assert client.reply().code == "421"
    assert client.end() == "in order"


# 421.

GONE = b"421 Service not available, closing control connection\r\n"


@pytest.mark.parametrize("line", ["USER eve", "CWD dir", "PASV", "RETR a.txt", "STOR new.txt", "NOOP", "ABOR", "QUIT"])
def test_service_unavailable(lab: Lab, line: str) -> None:
    """421 is the reply, then the connection ends in order; later commands are not carried out."""
    client = lab.enter(f"{line.split()[0]}: service_unavailable")
    client._put(f"{line}\r\nDELE a.txt\r\n".encode())
    assert client.read(len(GONE)) == GONE
    assert client.end() == "in order"
    assert lab.reason(client) == "cut off"
    assert lab.server.files["/a.txt"] == b"hello\n"
    lab.server.log.assert_not_sent("DELE")


@pytest.mark.parametrize("line", ["USER user", "PASS password"])
def test_service_unavailable_at_the_login(lab: Lab, line: str) -> None:
    """A login may end with 421."""
    client = lab.visit()
    lab.add(f"{line.split()[0]} #1: service_unavailable 'Too many users'")
    if line.startswith("PASS"):
        assert client.code("USER user") == "331"
    assert shown(client.ask(line)) == "421 Too many users"
    assert client.end() == "in order"
    assert not client.events(LoggedIn)


def test_service_unavailable_at_once(lab: Lab) -> None:
    """421 replaces the greeting and nothing follows; the next connection gets a greeting."""
    lab.add("CONNECT #1: service_unavailable ['Too', 'many']")
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert client.read(19) == b"421-Too\r\n421 many\r\n"
    assert client.end() == "in order"
    assert lab.reason(client) == "cut off"


def test_service_unavailable_before_tls(lab: Lab) -> None:
    """The reply to AUTH may be 421."""
    lab.add("AUTH #1: service_unavailable")
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert client.reply().code == "220"
    assert client.code("AUTH TLS") == "421"
    assert client.end() == "in order"


def test_service_unavailable_during_a_transfer(lab: Lab) -> None:
    """The transfer runs to its end, as after a lost connection, and its reply is lost."""
    client = lab.enter("NOOP: service_unavailable")
    data = client.begin("RETR big.bin")
    assert client.reply().code == "150"
    assert client.code("NOOP") == "421"
    assert client.end() == "in order"
    assert len(data.rest().content) == 1 << 23
    assert lab.reason(client) == "cut off"
    assert lab.server.log.transfers[-1].completed
    assert lab.server.log.find("RETR")[0].code == ""
