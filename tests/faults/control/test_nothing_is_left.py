"""Clients that close, hang or half-close during a fault, and servers that stop then: no task or socket is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from ftpfixture.log.events import CommandReceived, DataClosed, FaultApplied
from tests.support.lab import Lab
from tests.support.leaks import held
from tests.support.witness import Witness

# Faults that make a server wait, and the command to which they apply.
WAITING = [
    ("CONNECT #1: stall", ""),
    ("CONNECT #1: delay 3600", ""),
    ("CONNECT #1: stall phase=before_reply", ""),
    ("CONNECT #1: slice 1 pause=3600", ""),
    ("DELE: stall", "DELE a.txt"),
    ("DELE: delay 3600", "DELE a.txt"),
    ("DELE: stall phase=before_reply", "DELE a.txt"),
    ("DELE: delay 3600 phase=before_reply", "DELE a.txt"),
    ("DELE: stall phase=after_reply", "DELE a.txt"),
    ("DELE: slice 3 pause=3600", "DELE a.txt"),
    ("DELE: ignore", "DELE a.txt"),
    ("DELE: no_reply", "DELE a.txt"),
    ("DELE: delay_to_next", "DELE a.txt"),
    ("DELE: half_close", "DELE a.txt"),
    ("QUIT: stall", "QUIT"),
    ("QUIT: stall phase=before_reply", "QUIT"),
    ("QUIT: stall phase=after_reply", "QUIT"),
    ("QUIT: slice 1 pause=3600", "QUIT"),
    ("RETR: stall", "RETR big.bin"),
    ("RETR: stall phase=before_150", "RETR big.bin"),
    ("RETR: stall phase=after_150", "RETR big.bin"),
    ("RETR: stall after_bytes=1000", "RETR big.bin"),
    ("RETR: slice 5 pause=3600", "RETR big.bin"),
    ("RETR: coalesce", "RETR big.bin"),
    ("RETR: early_reply", "RETR big.bin"),
    ("RETR: half_close after_bytes=10", "RETR big.bin"),
    ("RETR: close after_bytes=10", "RETR big.bin"),
    ("STOR: stall phase=before_150", "STOR new.txt"),
    ("STOR: stall after_bytes=0", "STOR new.txt"),
]
waiting = pytest.mark.parametrize(("fault", "line"), WAITING, ids=[row[0] for row in WAITING])


def begin(lab: Lab, fault: str, line: str) -> Witness:
    """Return a client that waits for the server, which has reached the fault."""
    if line:
        client = lab.enter(fault)
        if line.startswith(("RETR", "STOR")):
            client.begin(line)
        else:
            client.send(line)
    else:
        lab.add(fault)
        client = lab.connect()
        if lab.is_implicit and "CONNECT #1: stall" != fault != "CONNECT #1: delay 3600":
            client.encrypt_first()
    lab.wait_applied()
    return client


@waiting
@pytest.mark.parametrize("leave", [Witness.vanish, Witness.close], ids=["RST", "FIN"])
def test_the_client_closes(lab: Lab, fault: str, line: str, leave: Callable[[Witness], None]) -> None:
    """The session ends without waiting for any timer."""
    lab.clock.freeze()
    client = begin(lab, fault, line)
    leave(client)
    assert lab.reason(client) in ("client closed", "connection reset", "cut off", "quit", "no TLS")


@waiting
def test_the_server_stops(lab: Lab, fault: str, line: str) -> None:
    """Stopping waits for no timer, and the client sees the end."""
    lab.clock.freeze()
    client = begin(lab, fault, line)
    lab.server.stop()
    assert lab.server.log.sessions[-1].reason
    assert client.ends()
    if lab.is_implicit and client.control is None:
        assert client.received == b""  # not even 421 is sent without TLS
    lab.server.start()


@pytest.mark.parametrize("fault", ["DELE: stall", "DELE: stall phase=before_reply", "DELE: stall phase=after_reply"])
def test_a_client_that_half_closes_during_a_stall(lab: Lab, fault: str) -> None:
    """The connection ends with no reply before it; commands that were not started are never carried out."""
    client = lab.enter(fault)
    client._put(b"DELE a.txt\r\nDELE c.txt\r\n")
    lab.wait_applied()
    if "after_reply" in fault:
        assert client.reply().code == "250"
    client.half_close()
    assert client.end() == "in order"
    assert ("/a.txt" in lab.server.files) == (fault == "DELE: stall")
    assert "/c.txt" in lab.server.files
    assert lab.reason(client) == "client closed"


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        ("DELE #1: delay 3600", b"250 File deleted\r\n250 File deleted\r\n"),
        ("DELE #1: delay 3600 phase=before_reply", b"250 File deleted\r\n250 File deleted\r\n"),
        ("DELE #1: delay 3600 phase=after_reply", b"250 File deleted\r\n250 File deleted\r\n"),
        ("DELE #1: slice 5 pause=3600", b"250 File deleted\r\n250 File deleted\r\n"),
        ("DELE #1: delay_to_next", b"250 File deleted\r\n250 File deleted\r\n"),
        ("DELE #1: ignore", b"250 File deleted\r\n"),
        ("DELE #1: no_reply", b"250 File deleted\r\n"),
    ],
)
def test_a_client_that_half_closes(lab: Lab, fault: str, content: bytes) -> None:
    """Commands sent before it get their replies, without the delays."""
    client = lab.enter()
    lab.clock.freeze()
    lab.add(fault)
    client._put(b"DELE a.txt\r\nDELE c.txt\r\n")
    client.half_close()
    assert client.read(len(content)) == content
    assert client.end() == "in order"


@pytest.mark.parametrize("word", ["delay 3600", "delay 3600 phase=before_reply", "slice 5 pause=3600", "delay_to_next"])
def test_a_client_that_half_closes_after_its_last_command(lab: Lab, word: str) -> None:
    """The reply is sent although no other command follows."""
    client = lab.enter(f"DELE: {word}")
    lab.clock.freeze()
    client.send("DELE a.txt")
    lab.wait_applied()
    client.half_close()
    assert client.read(18) == b"250 File deleted\r\n"
    assert client.end() == "in order"


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
@pytest.mark.parametrize(
    "word", ["stall", "stall phase=before_reply", "delay 3600 phase=before_reply", "ignore", "no_reply"]
)
def test_a_client_that_closes_before_tls(lab: Lab, word: str) -> None:
    """The server notices it between AUTH and the handshake, too."""
    lab.add(f"AUTH #1: {word}")
    lab.clock.freeze()
    client = lab.connect()
    assert client.reply().code == "220"
    client.send("AUTH TLS")
    lab.wait_applied()
    client.close()
    assert lab.reason(client) in ("client closed", "no TLS")


@pytest.mark.parametrize("lab", ["implicit"], indirect=True)
def test_a_client_that_closes_after_its_client_hello(lab: Lab) -> None:
    """A connection stalled before TLS reads and discards the client's bytes, so it notices the end."""
    lab.add("CONNECT #1: stall")
    client = lab.connect()
    client.sock.sendall(client.wire(client.sock).hello())
    lab.wait_applied()
    client.close()
    assert lab.reason(client) == "client closed"


@pytest.mark.parametrize("lab", ["explicit", "implicit"], indirect=True)
def test_a_client_that_closes_in_a_handshake_that_is_never_answered(lab: Lab) -> None:
    """The server notices it during a handshake that is never answered."""
    lab.add(f"{'CONNECT' if lab.is_implicit else 'AUTH'} #1: stall_handshake")
    client = lab.connect()
    if not lab.is_implicit:
        assert client.reply().code == "220"
        assert client.code("AUTH TLS") == "234"
    client.sock.sendall(client.wire(client.sock).hello())
    lab.wait_applied()
    client.close()
    assert lab.reason(client) == "no TLS"


def test_a_transfer_whose_control_connection_was_closed_by_the_client(lab: Lab) -> None:
    """A client that closes while its data are stalled for ever gets no more of them."""
    client = lab.enter("RETR: stall after_bytes=1000")
    data = client.begin("RETR big.bin")
    lab.wait_applied()
    client.sock.close()
    came = data.rest()
    assert len(came.content) == 1000
    lab.server.log.wait_for(lambda event: isinstance(event, DataClosed))
    assert lab.server.log.transfers[-1].completed is False


def test_many_clients_that_hang(lab: Lab) -> None:
    """Fifty clients that wait for ever do not keep other clients from being served, or the server from stopping."""
    lab.add("PWD: stall phase=before_reply")
    clients = [lab.enter() for _ in range(50 if not lab.server.server.ssl else 10)]
    for client in clients:
        client.send("PWD")
    lab.wait_applied(len(clients))
    assert lab.enter().fetch_all("RETR b.txt")[0] == ["150", "226"]
    lab.server.stop()
    assert {client.ends() for client in clients} == {"in order"}
    lab.server.start()


@pytest.mark.parametrize(
    "word", ["stall", "delay 3600", "slice 3 pause=3600", "delay_to_next", "stall phase=after_reply"]
)
def test_nothing_is_held(word: str) -> None:
    """A server that stops during a fault leaves no thread and no descriptor."""
    before = held()
    with FtpServer(faults=[f"NOOP: {word}"]) as server, Witness(server) as client:
        client.login()
        client.send("NOOP")
        server.log.wait_for(lambda event: isinstance(event, CommandReceived | FaultApplied), times=5)
        server.stop()
        client.read_to_the_end()
    assert held() == before
