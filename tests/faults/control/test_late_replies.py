"""Replies that are delayed, withheld, or sent in pieces; the clock is frozen, and moved."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

import pytest

from ftpfixture.log.events import LoggedIn
from tests.support.lab import BIG, Lab
from tests.support.witness import Witness, shown

# Delays and stalls.


class Stand(NamedTuple):
    """The state while a download is stalled, and what follows.

    Attributes:
        when: The moment of the pause.
        codes: The codes of the replies before it.
        bytes: The number of bytes received before it.
        ended: Whether the data connection has ended in order before it.
        talks: Whether NOOP gets a reply meanwhile: the transfer waits, and not a reply.
        rest: The codes of the replies after it.
    """

    when: str
    codes: list[str]
    content: bytes
    ended: bool
    talks: bool
    rest: list[str]


STANDS = [
    Stand("phase=command", [], b"", False, False, ["150", "226"]),
    Stand("phase=before_150", [], b"", False, False, ["150", "226"]),
    Stand("phase=after_150", ["150"], b"", False, False, ["226"]),
    Stand("after_bytes=0", ["150"], b"", False, True, ["226"]),
    Stand("after_bytes=3", ["150"], b"012", False, True, ["226"]),
    Stand("at=50%", ["150"], b"01234", False, True, ["226"]),
    Stand("at=100%", ["150"], b"0123456789", False, True, ["226"]),
    Stand("phase=before_close", ["150"], b"0123456789", False, True, ["226"]),
    Stand("phase=before_reply", ["150"], b"0123456789", True, False, ["226"]),
    Stand("phase=after_reply", ["150", "226"], b"0123456789", True, False, []),
]


@pytest.mark.parametrize("word", ["delay 100", "stall 100"])
@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.when)
def test_a_download_waits(lab: Lab, stand: Stand, word: str) -> None:
    """It stalls exactly at this moment until the time is over, then it continues normally."""
    client = lab.enter(f"RETR: {word} {stand.when}")
    lab.clock.freeze()
    data = client.begin("RETR b.txt")
    assert client.codes(len(stand.codes)) == stand.codes
    assert data.exactly(len(stand.content)) == stand.content
    assert data.rest().content == b"" if stand.ended else data.is_silent()
    lab.wait_applied()
    lab.clock.move(99)
    client.send("NOOP")
    if stand.talks:
        assert client.reply().code == "200"
    assert client.is_silent()
    lab.clock.move(1)
    if not stand.ended:
        assert data.rest().content == b"0123456789"[len(stand.content) :]
    if stand.talks:
        assert client.codes(1) == ["226"]
    elif stand.ended:
        assert client.codes(len(stand.rest) + 1) == [*stand.rest, "200"]
    else:
        # The reply to NOOP may overtake the transfer, but never its first reply.
        codes = client.codes(len(stand.rest) + 1)
        assert codes in ([*stand.rest[:-1], "200", "226"], [*stand.rest, "200"])
    assert len(client.applied) == 1


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.when)
def test_a_download_stalls_for_ever(lab: Lab, stand: Stand) -> None:
    """No time ends it, other sessions are served, and it ends when the client closes."""
    client = lab.enter(f"RETR #1: stall {stand.when}")
    lab.clock.freeze()
    data = client.begin("RETR b.txt")
    assert client.codes(len(stand.codes)) == stand.codes
    assert data.exactly(len(stand.content)) == stand.content
    lab.wait_applied()
    lab.clock.move(1_000_000)
    assert lab.enter().fetch_all("RETR b.txt") == (["150", "226"], b"0123456789")
    assert client.is_silent()
    assert data.rest().content == b"" if stand.ended else data.is_silent()
    client.close()
    assert lab.reason(client) in ("client closed", "connection reset")
    assert lab.server.log.find("RETR")[0].replies[len(stand.codes) :] in (
        [],
        [("426", "Data connection closed, transfer aborted")],
    )


@pytest.mark.parametrize(
    ("phase", "codes", "done"),
    [("command", [], False), ("before_reply", [], True), ("after_reply", ["250"], True)],
)
@pytest.mark.parametrize("word", ["delay 100", "stall 100"])
def test_a_command_waits(lab: Lab, word: str, phase: str, codes: list[str], done: bool) -> None:
    """It waits before it is carried out, or before or after its reply, and later commands wait with it."""
    client = lab.enter(f"DELE: {word} phase={phase}")
    lab.clock.freeze()
    client._put(b"DELE a.txt\r\nMKD new\r\n")
    assert client.codes(len(codes)) == codes
    lab.wait_applied()
    lab.clock.move(99)
    assert client.is_silent()
    assert ("/a.txt" not in lab.server.files) == done
    lab.server.log.assert_not_sent("MKD")
    lab.clock.move(1)
    rest = [*["250"][len(codes) :], "257"]
    assert client.codes(len(rest)) == rest
    assert "/a.txt" not in lab.server.files


@pytest.mark.parametrize(("phase", "codes"), [("command", []), ("before_reply", []), ("after_reply", ["230"])])
def test_a_login_waits(lab: Lab, phase: str, codes: list[str]) -> None:
    """Before PASS is carried out no user is logged in; after it the user is."""
    client = lab.visit()
    lab.add(f"PASS #1: delay 5 phase={phase}")
    lab.clock.freeze()
    assert client.code("USER user") == "331"
    client.send("PASS password")
    assert client.codes(len(codes)) == codes
    lab.wait_applied()
    assert client.is_silent()
    assert bool(client.events(LoggedIn)) == (phase != "command")
    lab.clock.move(5)
    assert client.codes(1 - len(codes)) == ["230"][len(codes) :]
    assert client.code("PWD") == "257"


@pytest.mark.parametrize("phase", ["command", "before_reply", "after_reply"])
def test_a_greeting_waits(lab: Lab, phase: str) -> None:
    """The phase `command` is before TLS; the others are inside TLS if the connection begins with TLS."""
    lab.add(f"CONNECT #1: delay 5 phase={phase}")
    lab.clock.freeze()
    client = lab.connect()
    if phase == "command":
        lab.wait_applied()
        assert client.is_silent()
        lab.clock.move(5)
    if lab.is_implicit:
        client.encrypt_first()
    if phase == "before_reply":
        lab.wait_applied()
        assert client.is_silent()
        lab.clock.move(5)
    assert client.reply().code == "220"
    client.send("NOOP")
    if phase == "after_reply":
        assert client.is_silent()
        lab.clock.move(5)
    assert client.reply().code == "200"


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
@pytest.mark.parametrize("phase", ["command", "before_reply", "after_reply"])
def test_auth_waits(lab: Lab, phase: str) -> None:
    """234 waits, or the TLS handshake does."""
    lab.add(f"AUTH #1: delay 5 phase={phase}")
    client = lab.connect()
    assert client.reply().code == "220"
    lab.clock.freeze()
    client.send("AUTH TLS")
    if phase != "after_reply":
        lab.wait_applied()
        assert client.is_silent()
        lab.clock.move(5)
    assert client.reply().code == "234"
    if phase == "after_reply":
        lab.wait_applied()
        client.sock.sendall(client.wire(client.sock).hello()[:1])  # the first byte of a handshake is not a command
        assert client.is_silent()
        client.vanish()
        lab.clock.move(5)  # otherwise the end of the test waits for it
    else:
        client.encrypt_first()
        assert client.code("NOOP") == "200"


@pytest.mark.parametrize(("phase", "codes"), [("command", []), ("before_reply", []), ("after_reply", ["221"])])
def test_quit_waits(lab: Lab, phase: str, codes: list[str]) -> None:
    """The connection stays open until the time is over, and ends after 221."""
    client = lab.enter(f"QUIT: delay 5 phase={phase}")
    lab.clock.freeze()
    client.send("QUIT")
    assert client.codes(len(codes)) == codes
    lab.wait_applied()
    assert client.is_silent()
    lab.clock.move(5)
    assert client.codes(1 - len(codes)) == ["221"][len(codes) :]
    assert client.end() == "in order"


def test_an_upload_waits(lab: Lab) -> None:
    """A stalled upload has received this number of bytes; bytes sent meanwhile are received later."""
    client = lab.enter("STOR: delay 5 after_bytes=3")
    lab.clock.freeze()
    data = client.begin("STOR new.txt")
    data.send(b"0123456789")
    if data.wire is not None:
        data.wire.send_close_notify()
    data.sock.shutdown(socket.SHUT_WR)
    lab.wait_applied()
    assert client.reply().code == "150"
    assert client.is_silent()
    assert lab.server.log.transfers[-1].size == 3
    lab.clock.move(5)
    assert client.reply().code == "226"
    assert lab.server.files["/new.txt"] == b"0123456789"


def test_a_delayed_unsolicited_reply(lab: Lab) -> None:
    """The actions of a phase run in order: a reply after a delay is sent after it."""
    client = lab.enter("CWD: delay 5 phase=after_reply; say 299 Late")
    lab.clock.freeze()
    client.send("CWD dir")
    assert client.reply().code == "250"
    assert client.is_silent()
    lab.clock.move(5)
    assert shown(client.reply()) == "299 Late"


def test_an_unsolicited_reply_and_a_delay_before_the_reply(lab: Lab) -> None:
    """A reply before the true reply is sent at its turn."""
    client = lab.enter("CWD: say 298 a phase=before_reply; delay 5 phase=before_reply; say 299 b phase=before_reply")
    lab.clock.freeze()
    client.send("CWD dir")
    assert shown(client.reply()) == "298 a"
    assert client.is_silent()
    lab.clock.move(5)
    assert client.piece() == b"299 b\r\n250 Directory changed to /dir\r\n"


def test_an_unsolicited_reply_before_a_delay(lab: Lab) -> None:
    """In the other order it is sent with the reply."""
    client = lab.enter("CWD: say 299 Soon; delay 5 phase=after_reply")
    lab.clock.freeze()
    client.send("CWD dir")
    assert client.codes(2) == ["250", "299"]
    client.send("NOOP")
    assert client.is_silent()
    lab.clock.move(5)
    assert client.reply().code == "200"


def test_jitter(lab: Lab) -> None:
    """Delays differ by at most the jitter, and are the same in every session."""
    lab.add("NOOP: delay 1 jitter=2")
    lab.clock.freeze()
    first, second = (_waits(lab, lab.enter()) for _ in range(2))
    assert first == second
    assert len(set(first)) > 1
    assert all(10 <= steps <= 30 for steps in first)


def _waits(lab: Lab, client: Witness) -> list[int]:
    """The delay of each of some replies, in tenths of a second."""
    found = []
    for _ in range(4):
        applied, before = len(lab.server.faults.fired), client.logged
        client.send("NOOP")
        lab.wait_applied(applied + 1)
        steps = 0
        while client.logged == before:
            lab.clock.move(0.1)
            steps += 1
        assert client.reply().code == "200"
        found.append(steps)
    return found


# A session that waits is not idle.


@pytest.mark.lab(idle_timeout=60)
@pytest.mark.parametrize("phase", ["command", "before_reply", "after_reply"])
def test_a_session_that_waits_is_not_idle(lab: Lab, phase: str) -> None:
    """The idle time of the client begins when all replies are sent."""
    client = lab.enter(f"CWD #1: delay 600 phase={phase}")
    lab.clock.freeze()
    client.send("CWD dir")
    lab.wait_applied()
    lab.clock.move(600)
    assert client.reply().code == "250"
    lab.clock.move(59)
    assert client.code("NOOP") == "200"
    lab.clock.move(59)
    assert client.is_silent()
    lab.clock.move(1)
    assert client.reply().code == "421"
    assert client.end() == "in order"


@pytest.mark.lab(idle_timeout=60)
def test_a_stalled_session_is_not_idle(lab: Lab) -> None:
    """A stall for ever does not end: no 421 interrupts it."""
    client = lab.enter("CWD #1: stall phase=before_reply")
    lab.clock.freeze()
    client.send("CWD dir")
    lab.wait_applied()
    lab.clock.move(600)
    assert client.is_silent()


# In pieces.


def test_slices(lab: Lab) -> None:
    """A reply is sent in pieces of this number of bytes, one after each pause, and logged before the first."""
    client = lab.enter("NOOP #1: slice 5 pause=1")
    lab.clock.freeze()
    client.send("NOOP")
    assert client.piece() == b"200 N"
    assert client.logged.endswith(b"200 Nothing done\r\n")
    assert client.is_silent()
    for expected in (b"othin", b"g don", b"e\r\n"):
        lab.clock.move(0.9)
        assert client.is_silent()
        lab.clock.move(0.1)
        assert client.piece() == expected
    client.send("NOOP")
    assert client.piece() == b"200 Nothing done\r\n"


def test_every_reply_in_slices(lab: Lab) -> None:
    """A session whose replies come in pieces of three bytes works, and each piece is sent separately."""
    lab.add("*: slice 3 pause=1")
    lab.clock.freeze()
    client = lab.connect()
    if lab.is_implicit:
        client.encrypt_first()
    for line, reply in [
        ("", b"220 welcome\r\n"),
        ("USER user", b"331 Password required\r\n"),
        ("PASS password", b"230 Login successful\r\n"),
        ("PWD", b'257 "/" is the current directory\r\n'),
        ("QUIT", b"221 Goodbye\r\n"),
    ]:
        if line:
            client.send(line)
        for start in range(0, len(reply), 3):
            assert client.piece() == reply[start : start + 3]
            lab.clock.move(1)
    assert client.end() == "in order"
    assert len(client.applied) == 5


@pytest.mark.real("packets are not simulated")
def test_slices_are_packets(lab: Lab) -> None:
    """Without a pause each piece is still a packet, and under TLS a record."""
    client = lab.enter("NOOP #1: slice 3")
    before = _packets(client.sock)
    client.send("NOOP")
    content, records = b"", 0
    while not content.endswith(b"\r\n"):
        content += client.piece()
        records += 1
    assert content == b"200 Nothing done\r\n"
    assert _packets(client.sock) - before >= 6  # a system that waits long for an acknowledgement retransmits
    assert client.control is None or records == 6


def _packets(sock: socket.socket) -> int:
    """The number of received packets with data."""
    if not hasattr(socket, "TCP_INFO"):
        pytest.skip("TCP_INFO of Linux")
    information = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    packets: int = struct.unpack_from("I", information, 152)[0]  # tcpi_data_segs_in
    return packets


def test_a_slice_as_long_as_the_reply(lab: Lab) -> None:
    """There is one piece, and no pause."""
    client = lab.enter("NOOP: slice 18 pause=1")
    lab.clock.freeze()
    assert client.code("NOOP") == "200"


def test_slices_of_a_transfer(lab: Lab) -> None:
    """Both replies are sent in pieces, and the data between them."""
    client = lab.enter("RETR: slice 40 pause=1")
    lab.clock.freeze()
    data = client.begin("RETR big.bin")
    assert client.piece() == b"150 Opening BINARY mode data connection "
    assert data.is_silent()
    lab.clock.move(1)
    assert client.piece() == b"for big.bin (8388608 bytes).\r\n"
    assert data.rest().content == BIG
    assert client.piece() == b"226 Transfer complete\r\n"


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
def test_slices_of_auth(lab: Lab) -> None:
    """The TLS handshake follows the last piece."""
    lab.add("AUTH #1: slice 10 pause=1")
    client = lab.connect()
    assert client.reply().code == "220"
    lab.clock.freeze()
    client.send("AUTH TLS")
    for expected in (b"234 AUTH T", b"LS success", b"ful\r\n"):
        assert client.piece() == expected
        lab.clock.move(1)
    client.encrypt_first()
    assert client.code("NOOP") == "200"
