"""Commands that are carried out and get other replies: changed, repeated, withheld, early, in one piece."""

from __future__ import annotations

import pytest

from ftpfixture.log.events import DataClosed, ReplySent
from tests.support.lab import BIG, Lab
from tests.support.witness import Witness, shown

explicit_only = pytest.mark.parametrize("lab", ["explicit"], indirect=True)

# Changed replies.

DIR = "Directory changed to /dir"
MOVED = ("PWD", '257 "/dir" is the current directory')
NOTHING = ("NOOP", "200 Nothing done")


@pytest.mark.parametrize(
    ("fault", "line", "answer", "then"),
    [
        ("CWD: reply 200", "CWD dir", f"200 {DIR}\r\n", MOVED),
        ("CWD: reply 250 'So be it: {text}'", "CWD dir", f"250 So be it: {DIR}\r\n", MOVED),
        ("CWD: reply 250 '{argument}? {text}'", "CWD dir", f"250 dir? {DIR}\r\n", MOVED),
        ("CWD: reply 250 ['a', '{text}', 'c']", "CWD dir", f"250-a\r\n250-{DIR}\r\n250 c\r\n", MOVED),
        ("CWD: reply 550 No", "CWD dir", "550 No\r\n", MOVED),
        ("CWD: reply 250 Yes", "CWD nowhere", "250 Yes\r\n", ("PWD", '257 "/" is the current directory')),
        ("DELE: reply 450 Busy", "DELE a.txt", "450 Busy\r\n", ("SIZE a.txt", "550 No such file or directory")),
        ("PASV: reply 227 'No address'", "PASV", "227 No address\r\n", NOTHING),
        ("EPSV: reply 200 Listening", "EPSV", "200 Listening\r\n", NOTHING),
        ("USER: reply 332 Account", "USER user", "332 Account\r\n", ("PWD", "530 Please login with USER and PASS")),
        ("ABOR: reply 225 'No transfer'", "ABOR", "225 No transfer\r\n", NOTHING),
        ("PWD: reply_raw b'257 /\\xe4\\n'", "PWD", "257 /\udce4\n", NOTHING),
        ("PWD: reply_raw b'257 /\\r\\n257 again\\r\\n'", "PWD", "257 /\r\n257 again\r\n", NOTHING),
        ("PWD: reply_raw b'PWD!\\r\\n'", "PWD", "PWD!\r\n", NOTHING),
        ("CWD: mismatched_lines", "CWD dir", f"250-{DIR}\r\n251 End\r\n", MOVED),
    ],
    ids=lambda value: value if isinstance(value, str) and ": " in value[:7] else "",
)
def test_a_changed_reply(lab: Lab, fault: str, line: str, answer: str, then: tuple[str, str]) -> None:
    """The command is carried out, and the reply is these bytes."""
    client = lab.enter(fault)
    content = answer.encode("utf-8", "surrogateescape")
    client.send(line)
    assert client.read(len(content)) == content
    assert client.applied == [fault]
    assert shown(client.ask(then[0])) == then[1]


@pytest.mark.parametrize(("fault", "content"), [("reply 200 Bye", b"200 Bye\r\n"), ("reply_raw b'22'", b"22")])
def test_a_changed_reply_to_quit(lab: Lab, fault: str, content: bytes) -> None:
    """After any reply to QUIT, the connection ends in order."""
    client = lab.enter(f"QUIT: {fault}")
    client.send("QUIT")
    assert client.read(len(content)) == content
    assert client.end() == "in order"
    assert lab.reason(client) == "quit"


@pytest.mark.parametrize("code", ["202", "332", "421", "530"])
def test_a_changed_reply_to_the_password(lab: Lab, code: str) -> None:
    """After any reply, a user with the right password is logged in."""
    client = lab.visit()
    lab.add(f"PASS #1: reply {code} Hm")
    assert client.code("USER user") == "331"
    assert shown(client.ask("PASS password")) == f"{code} Hm"
    assert client.code("PWD") == "257"


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        ("reply 220 ['Odd', '{text}']", b"220-Odd\r\n220 welcome\r\n"),
        ("reply_raw b'welcome\\r\\n220\\r\\n'", b"welcome\r\n220\r\n"),
        ("repeat_reply", b"220 welcome\r\n220 welcome\r\n"),
        ("mismatched_lines", b"220-welcome\r\n221 End\r\n"),
        ("say 120 'One moment' phase=before_reply", b"120 One moment\r\n220 welcome\r\n"),
        ("say 230 'You are in'", b"220 welcome\r\n230 You are in\r\n"),
    ],
)
def test_a_changed_greeting(lab: Lab, fault: str, content: bytes) -> None:
    """The greeting is a reply, too; it is sent inside TLS if the connection begins with TLS."""
    lab.add(f"CONNECT #1: {fault}")
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    assert client.read(len(content)) == content
    assert client.applied == [f"CONNECT #1: {fault}"]
    assert client.code("NOOP") == "200"


def test_a_reply_before_the_greeting(lab: Lab) -> None:
    """The phase `command` of a connection is before everything else: its bytes are sent without TLS."""
    lab.add("CONNECT #1: say_raw b'what?\\r\\n' phase=command")
    client = lab.connect()
    assert client.read(7) == b"what?\r\n"
    if lab.is_implicit:
        client.encrypt_first()
    assert client.code("NOOP") == "220"


@explicit_only
@pytest.mark.parametrize("code", ["234", "200"])
def test_a_changed_reply_to_auth(lab: Lab, code: str) -> None:
    """After any reply, the TLS handshake follows."""
    lab.add(f"AUTH #1: reply {code} 'Go ahead'")
    client = lab.connect()
    assert client.reply().code == "220"
    assert shown(client.ask("AUTH TLS")) == f"{code} Go ahead"
    client.encrypt_first()
    assert client.code("NOOP") == "200"


# Transfers.


@pytest.mark.parametrize(
    ("fault", "replies"),
    [
        ("preliminary 125", ["125 {preliminary}", "226 Transfer complete"]),
        ("preliminary 150 'Here (7 bytes)'", ["150 Here (7 bytes)", "226 Transfer complete"]),
        ("reply 250", ["150 {preliminary}", "250 Transfer complete"]),
        ("reply 451 'Oh, {text}'", ["150 {preliminary}", "451 Oh, Transfer complete"]),
        ("preliminary 125 a; reply 250 b", ["125 a", "250 b"]),
        ("no_preliminary", ["226 Transfer complete"]),
        ("no_reply", ["150 {preliminary}"]),
        ("no_preliminary; no_reply", []),
        ("repeat_reply", ["150 {preliminary}", "226 Transfer complete", "226 Transfer complete"]),
        ("early_reply", ["150 {preliminary}", "226 Transfer complete"]),
        ("early_reply 250 Done", ["150 {preliminary}", "250 Done"]),
        ("no_preliminary; early_reply", ["226 Transfer complete"]),
        ("coalesce", ["150 {preliminary}", "226 Transfer complete"]),
        ("mismatched_lines", None),
    ],
)
@pytest.mark.parametrize("line", ["RETR a.txt", "STOR new.txt", "NLST dir"])
def test_replies_of_a_transfer(lab: Lab, line: str, fault: str, replies: list[str] | None) -> None:
    """The transfer is complete after any reply; the next reply is for the next command."""
    client = lab.enter()
    preliminary = _preliminary(client, line)
    fault = f"{line[:4]}: {fault}"
    lab.add(fault)
    _transfer(client, line, 2)
    if replies is None:
        assert client.read(20).startswith(b"150-")
        client.send("NOOP")
        lab.server.log.wait_for("NOOP -> 200")
        assert client.logged.endswith(b"226-Transfer complete\r\n227 End\r\n200 Nothing done\r\n")
    else:
        assert client.until_noop() == [reply.replace("{preliminary}", preliminary) for reply in replies]
    record = lab.server.log.find(line[:4])[-1]
    assert record.faults == [fault]
    assert record.transfer is not None
    assert record.transfer.completed


def _preliminary(client: Witness, line: str) -> str:
    _transfer(client, line, 1)
    preliminary = client.reply().text
    assert client.reply().code == "226"
    return preliminary


def _transfer(client: Witness, line: str, number: int) -> None:
    data = client.begin(line)
    if line.startswith("STOR"):
        data.send(b"new")
        data.finish()
        client.server.log.wait_for(lambda event: isinstance(event, DataClosed), times=number)
        assert client.server.files["/new.txt"] == b"new"
    else:
        assert data.rest().content == (b"hello\n" if line.startswith("RETR") else b"")


@pytest.mark.parametrize("word", ["no_preliminary", "early_reply", "coalesce", "preliminary 125"])
def test_a_refused_transfer_has_no_preliminary_reply(lab: Lab, word: str) -> None:
    """A fault of the preliminary reply does not happen to a refused transfer: its reply is the true one."""
    client = lab.enter(f"RETR optional: {word}")
    assert client.code("EPSV") == "229"
    assert client.code("RETR nowhere") == "550"
    assert not client.applied


# A final reply before the data.


def test_an_early_reply_to_a_download(lab: Lab) -> None:
    """It is sent in one piece with the preliminary reply while the data are stalled; no reply follows the data."""
    client = lab.enter("RETR: early_reply")
    data = client.begin("RETR big.bin")
    preliminary = b"150 Opening BINARY mode data connection for big.bin (8388608 bytes).\r\n"
    assert client.piece() == preliminary + b"226 Transfer complete\r\n"
    assert client.is_silent()
    assert data.rest().content == BIG
    assert client.until_noop() == []


def test_an_early_reply_to_an_upload(lab: Lab) -> None:
    """It is sent before the first byte of the upload."""
    client = lab.enter("STOR: early_reply")
    data = client.begin("STOR new.bin")
    assert client.codes(2) == ["150", "226"]
    data.send(b"new")
    data.finish()
    lab.server.log.wait_until(lambda: bool(lab.server.log.transfers[-1].completed), 10)
    assert client.until_noop() == []
    assert lab.server.files["/new.bin"] == b"new"


def test_an_early_reply_and_a_failed_transfer(lab: Lab) -> None:
    """A transfer that fails after its early reply gets no second one."""
    client = lab.enter("RETR: early_reply")
    data = client.begin("RETR big.bin")
    assert client.codes(2) == ["150", "226"]
    data.sock.close()  # unread bytes turn this into RST
    lab.server.log.wait_until(lambda: lab.server.log.transfers[-1].completed is False, 10)
    assert client.until_noop() == []
    assert lab.server.log.find("RETR")[0].replies[1:] == [("226", "Transfer complete")]


# More replies.


@pytest.mark.parametrize("line", ["CWD dir", "PASV", "NOOP", "DELE a.txt", "ABOR", "XYZZY"])
def test_a_repeated_reply(lab: Lab, line: str) -> None:
    """The reply is sent twice, in one piece, and the command is carried out once."""
    client = lab.enter("* #1: repeat_reply")
    client.send(line)
    piece = client.piece()
    assert piece[: len(piece) // 2] * 2 == piece
    assert client.until_noop() == []
    record = lab.server.log.find(line)[0]
    assert len(record.replies) == 2
    assert record.replies[0] == record.replies[1]


def test_a_repeated_221(lab: Lab) -> None:
    """Both are sent before the connection ends."""
    client = lab.enter("QUIT: repeat_reply")
    client.send("QUIT")
    assert client.replies(2) == ["221 Goodbye", "221 Goodbye"]
    assert client.end() == "in order"


@pytest.mark.parametrize(
    ("phase", "content"),
    [
        ("command", b"299 Extra\r\n200 Nothing done\r\n"),
        ("before_reply", b"299 Extra\r\n200 Nothing done\r\n"),
        ("after_reply", b"200 Nothing done\r\n299 Extra\r\n"),
    ],
)
@pytest.mark.parametrize("word", ["say 299 Extra", "say_raw b'299 Extra\\r\\n'"])
def test_an_unsolicited_reply(lab: Lab, word: str, phase: str, content: bytes) -> None:
    """An unsolicited reply is sent before or after the true reply."""
    fault = f"NOOP #1: {word} phase={phase}"
    client = lab.enter(fault)
    client.send("NOOP")
    assert client.read(len(content)) == content
    assert client.applied == [fault]
    assert client.until_noop() == []


@pytest.mark.parametrize(
    ("phase", "piece"),
    [("before_reply", f"299 Extra\r\n250 {DIR}\r\n"), ("after_reply", f"250 {DIR}\r\n299 Extra\r\n")],
)
def test_an_unsolicited_reply_is_in_one_piece_with_the_true_one(lab: Lab, phase: str, piece: str) -> None:
    """Replies that follow each other are in the same packet, or in the same TLS record."""
    client = lab.enter(f"CWD: say 299 Extra phase={phase}")
    client.send("CWD dir")
    assert client.piece() == piece.encode()


def test_bytes_between_replies(lab: Lab) -> None:
    """Bytes that are not a line precede the next reply, and change it."""
    client = lab.enter("CWD: say_raw b'2' phase=before_reply")
    client.send("CWD dir")
    assert client.read(32) == f"2250 {DIR}\r\n".encode()


@pytest.mark.parametrize(
    ("phase", "at_first", "at_last"),
    [
        ("command", ["299", "150"], ["226"]),
        ("before_150", ["299", "150"], ["226"]),
        ("after_150", ["150", "299"], ["226"]),
        ("before_close", ["150"], ["299", "226"]),
        ("before_reply", ["150"], ["299", "226"]),
        ("after_reply", ["150"], ["226", "299"]),
    ],
)
def test_an_unsolicited_reply_in_a_transfer(lab: Lab, phase: str, at_first: list[str], at_last: list[str]) -> None:
    """In each phase of a transfer it has its place among the replies, and before or after the data."""
    client = lab.enter(f"RETR: say 299 phase={phase}")
    data = client.begin("RETR big.bin")
    assert client.codes(len(at_first)) == at_first
    assert client.is_silent()
    assert data.rest().content == BIG
    assert client.codes(2 if len(at_last) == 2 else 1) == at_last
    assert client.until_noop() == []


@explicit_only
def test_bytes_injected_after_auth(lab: Lab) -> None:
    """After 234 they are sent without TLS and in the same packet; the TLS handshake still follows."""
    injected = b"331 Injected\r\n230 Injected\r\n"
    lab.add(f"AUTH #1: say_raw {injected!r}")
    client = lab.connect()
    assert client.reply().code == "220"
    client.send("AUTH TLS")
    assert client.piece() == b"234 AUTH TLS successful\r\n" + injected
    client.encrypt_first()
    assert client.code("NOOP") == "200"
    assert lab.server.log.find("AUTH")[0].replies[1:] == [("331", "Injected"), ("230", "Injected")]


# Replies in one piece.


def test_coalesced_replies(lab: Lab) -> None:
    """The preliminary reply is held back, and sent in one piece with the final reply."""
    client = lab.enter("RETR: coalesce")
    data = client.begin("RETR big.bin")
    data.receive()
    assert client.is_silent()
    assert not lab.server.log.find("RETR")[0].replies
    data.rest()
    preliminary = b"150 Opening BINARY mode data connection for big.bin (8388608 bytes).\r\n"
    assert client.piece() == preliminary + b"226 Transfer complete\r\n"


def test_coalesced_with_the_next_reply(lab: Lab) -> None:
    """A reply to a command during the transfer is sent in one piece with the held preliminary reply."""
    client = lab.enter("RETR: coalesce")
    data = client.begin("RETR big.bin")
    data.receive()
    client.send("NOOP")
    preliminary = b"150 Opening BINARY mode data connection for big.bin (8388608 bytes).\r\n"
    assert client.piece() == preliminary + b"200 Nothing done\r\n"
    data.rest()
    assert client.reply().code == "226"


CHANGED = f"250 {DIR}\r\n".encode()


@pytest.mark.parametrize(("line", "reply"), [("NOOP", b"200 Nothing done\r\n"), ("QUIT", b"221 Goodbye\r\n")])
def test_a_held_reply(lab: Lab, line: str, reply: bytes) -> None:
    """The reply is sent in one piece with the next reply; the log has it, and the command was carried out."""
    client = lab.enter("CWD: delay_to_next")
    client.send("CWD dir")
    lab.wait_applied()
    assert client.is_silent()
    assert not lab.server.log.find("CWD")[0].replies
    client.send(line)
    assert client.piece() == CHANGED + reply
    assert lab.server.log.find("CWD")[0].replies == [("250", DIR)]


def test_two_held_replies(lab: Lab) -> None:
    """Each reply waits for the next one."""
    client = lab.enter("CWD: delay_to_next")
    client.send("CWD dir")
    client.send("CWD /")
    lab.wait_applied(2)
    assert client.is_silent()
    client.send("NOOP")
    assert client.piece() == CHANGED + b"250 Directory changed to /\r\n200 Nothing done\r\n"


def test_a_held_greeting(lab: Lab) -> None:
    """A client that sends first gets the greeting with the first reply."""
    lab.add("CONNECT #1: delay_to_next")
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    lab.wait_applied()
    assert client.is_silent()
    client.send("NOOP")
    assert client.piece() == b"220 welcome\r\n200 Nothing done\r\n"


def test_held_back_when_the_client_closes_its_side(lab: Lab) -> None:
    """There is no next command: the reply is sent before the connection ends."""
    client = lab.enter("CWD: delay_to_next")
    client.send("CWD dir")
    client.half_close()
    assert client.piece() == CHANGED
    assert client.end() == "in order"


def test_held_back_when_the_server_stops(lab: Lab) -> None:
    """The server's 421 is the next reply."""
    client = lab.enter("CWD: delay_to_next")
    client.send("CWD dir")
    lab.wait_applied()
    lab.server.stop()
    assert client.piece() == CHANGED + b"421 Service is shutting down\r\n"
    assert client.end() == "in order"
    lab.server.start()


def test_held_back_when_the_connection_ends(lab: Lab) -> None:
    """When a fault closes the connection, the held reply is sent."""
    client = lab.enter("CWD: delay_to_next", "NOOP: close")
    client.send("CWD dir")
    client.send("NOOP")
    assert client.piece() == CHANGED
    assert client.end() == "in order"


def test_held_back_when_the_connection_is_reset(lab: Lab) -> None:
    """The held reply is lost, and the log does not have it as sent."""
    client = lab.enter("CWD: delay_to_next", "NOOP: reset")
    client.send("CWD dir")
    client.send("NOOP")
    assert client.end() == "reset"
    assert CHANGED not in client.logged
    assert lab.reason(client) == "cut off"


def test_no_reply_waits_behind_a_held_one(lab: Lab) -> None:
    """Replies without a fault are sent at once, and in order."""
    client = lab.enter("CWD #1: delay_to_next")
    client._put(b"CWD dir\r\nPWD\r\nNOOP\r\n")
    assert client.codes(3) == ["250", "257", "200"]


# Pipelined commands.


def test_faults_on_pipelined_commands(lab: Lab) -> None:
    """The replies keep the order of the commands, whatever faults apply."""
    client = lab.enter("PWD: repeat_reply", "CWD: no_reply", "NOOP #2: answer 500 Tired", "DELE: ignore")
    client._put(b"NOOP\r\nPWD\r\nCWD dir\r\nNOOP\r\nDELE /a.txt\r\nPWD\r\nSYST\r\n")
    expected = ["200 Nothing done", *['257 "/" is the current directory'] * 2, "500 Tired"]
    expected += [*['257 "/dir" is the current directory'] * 2, "215 UNIX Type: L8"]
    assert client.replies(7) == expected
    assert [event.raw[:3] for event in client.events() if isinstance(event, ReplySent)][-7:] == [
        text[:3].encode() for text in expected
    ]


# The end of TLS.


@explicit_only
@pytest.mark.parametrize("line", ["CCC", "REIN"])
@pytest.mark.parametrize(
    ("word", "replies"),
    [
        ("reply 250 Clear", ["250 Clear"]),
        ("repeat_reply", None),
        ("say 299 Hm", None),
        ("slice 3", None),
        ("no_reply", []),
        ("delay 0.01 phase=after_reply", None),
    ],
)
def test_the_end_of_tls(lab: Lab, line: str, word: str, replies: list[str] | None) -> None:
    """The replies to CCC and REIN are sent completely inside TLS; then TLS ends, and the session continues."""
    client = lab.enter(f"{line}: {word}")
    client.send(line)
    if replies is None:
        true = {"CCC": "200 Clearing the control connection", "REIN": "220 Ready for a new user"}[line]
        replies = [true, *{"repeat_reply": [true], "say 299 Hm": ["299 Hm"]}.get(word, [])]
    assert client.replies(len(replies)) == replies
    client.end_tls()
    assert shown(client.ask("NOOP")) == "200 Nothing done"
