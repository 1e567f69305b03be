"""Data ports that do not work, and the next data connection."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator

import pytest

from ftpfixture import Fault, FtpServer, on
from ftpfixture.wire.hostport import parse_227, parse_229
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, Line, begin, enter, goes_on
from tests.support.ftps import FtpsClient

each_passive = pytest.mark.parametrize("verb", ["PASV", "EPSV"])
each_active = pytest.mark.parametrize("verb", ["PORT", "EPRT"])
each_word = pytest.mark.parametrize("word", ["refuse_data", "ignore_data", "unreachable_data"])
each_command = pytest.mark.parametrize("command", ["RETR data.bin", "STOR new.bin", "LIST"])


def announced(client: FtpsClient, verb: str) -> tuple[str, int]:
    """The address in the reply to PASV or EPSV."""
    reply = client.ask(verb)
    return parse_227(reply.text) if verb == "PASV" else (client.sock.getpeername()[0], parse_229(reply.text))


@contextlib.contextmanager
def connecting(address: tuple[str, int], word: str) -> Iterator[socket.socket]:
    """Connect: it is refused, times out, or gets no data."""
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as sock:
        sock.settimeout(10 if word == "refuse_data" else 0.1)
        match word:
            case "refuse_data":
                with pytest.raises(ConnectionRefusedError):
                    sock.connect(address)
            case "unreachable_data":
                with pytest.raises(TimeoutError):
                    sock.connect(address)
            case _:
                sock.connect(address)
        yield sock


@each_kind
@each_word
@each_passive
@each_command
def test_passive(ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, verb: str, command: str) -> None:
    """The connection fails; a command sent anyway waits for its timeout by the server's clock, and gets 425."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(verb), word)().times(1))
    address = announced(client, verb)
    assert is_logged_once(ftp_server)

    with connecting(address, word) as sock:
        client.send(command)
        ftp_server.log.wait_for(command, timeout=10)
        assert Line(client.sock, client.control).is_silent()
        if word == "ignore_data":
            assert Line(sock).is_silent()
        ftp_server.clock.move(10)
        assert client.reply().code == "425"

        assert goes_on(client, ftp_server)
        if word == "ignore_data":
            with pytest.raises(ConnectionResetError):
                sock.recv(1)  # the next PASV is for another connection
    assert "/new.bin" not in ftp_server.files
    assert ftp_server.log.commands[-1].transfer is not None


@pytest.mark.ftp(host="::1")
@each_word
def test_ipv6(ftp_server: FtpServer, client: FtpsClient, word: str) -> None:
    """Over IPv6 the connection fails, too."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on("EPSV"), word)().times(1))

    with connecting(announced(client, "EPSV"), word):
        client.send("RETR data.bin")
        ftp_server.log.wait_for("RETR", timeout=10)
        ftp_server.clock.move(10)
        assert client.reply().code == "425"
    assert goes_on(client, ftp_server)


@each_passive
def test_several_clients_that_try(ftp_server: FtpServer, client: FtpsClient, verb: str) -> None:
    """A port that does not answer does not answer the second, third and fourth client at the same time, either."""
    ftp_server.faults.add(on(verb).unreachable_data().times(1))
    address = announced(client, verb)

    with contextlib.ExitStack() as tries:
        for _ in range(4):
            tries.enter_context(connecting(address, "unreachable_data"))
        assert goes_on(client, ftp_server)


@each_word
def test_without_a_command(ftp_server: FtpServer, client: FtpsClient, word: str) -> None:
    """A client that cannot connect only needs to send PASV again: another port, which works."""
    ftp_server.faults.add(getattr(on("EPSV"), word)().times(1))
    first = announced(client, "EPSV")
    with connecting(first, word):
        assert goes_on(client, ftp_server)
        assert announced(client, "EPSV") != first


@each_word
def test_epsv_all_announces_nothing(ftp_server: FtpServer, client: FtpsClient, word: str) -> None:
    """EPSV ALL announces no address: the next EPSV has the fault."""
    armed = ftp_server.faults.add(getattr(on("EPSV"), word)().times(1))

    assert client.code("EPSV ALL") == "200"
    assert armed.fired == 0

    with connecting(announced(client, "EPSV"), word):
        assert armed.fired == 1
    assert goes_on(client, ftp_server)


# Active mode: the server does not connect.


@each_kind
@each_active
@each_command
def test_active_refused(ftp_server: FtpServer, client: FtpsClient, kind: str, verb: str, command: str) -> None:
    """As if the client's port were closed: 425 at once, and no connection."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on(verb).refuse_data().times(1))
    listener = client.active(verb)
    assert is_logged_once(ftp_server)

    assert client.code(command) == "425"

    assert no_connection(listener)
    assert "/new.bin" not in ftp_server.files
    assert goes_on(client, ftp_server)


@each_kind
@each_active
@each_command
@pytest.mark.parametrize("word", ["ignore_data", "unreachable_data"])
def test_active_unanswered(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, verb: str, command: str
) -> None:
    """As if the client did not answer: no connection, and 425 after the timeout by the server's clock."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(verb), word)().times(1))
    listener = client.active(verb)
    assert is_logged_once(ftp_server)

    client.send(command)
    ftp_server.log.wait_for(command, timeout=10)
    ftp_server.clock.move(9.999)
    assert Line(client.sock, client.control).is_silent()
    assert no_connection(listener)
    ftp_server.clock.move(0.001)

    assert client.reply().code == "425"
    assert "/new.bin" not in ftp_server.files
    assert goes_on(client, ftp_server)


def no_connection(listener: socket.socket) -> bool:
    """True if no connection is made for a moment."""
    listener.settimeout(0.03)
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return True
    return False


# Ways to end the wait.


def waiting(client: FtpsClient, server: FtpServer, verb: str, word: str) -> None:
    """A command that waits for a data connection that is never made."""
    server.faults.add(getattr(on(verb), word)().times(1))
    if verb in ("PASV", "EPSV"):
        announced(client, verb)
    else:
        client.active(verb)
    client.send("RETR data.bin")
    server.log.wait_for("RETR", timeout=10)


each_wait = pytest.mark.parametrize(
    ("verb", "word"),
    [
        ("PASV", "refuse_data"),
        ("EPSV", "ignore_data"),
        ("EPSV", "unreachable_data"),
        ("PORT", "ignore_data"),
        ("EPRT", "unreachable_data"),
    ],
)


@pytest.mark.ftp(wait_future_timeout=None)
@each_wait
def test_abor(ftp_server: FtpServer, client: FtpsClient, verb: str, word: str) -> None:
    """ABOR ends the wait, which has no limit here."""
    waiting(client, ftp_server, verb, word)

    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]
    assert goes_on(client, ftp_server)


@each_wait
@pytest.mark.parametrize("goodbye", ["vanish", "close"])
def test_a_client_that_closes(ftp_server: FtpServer, client: FtpsClient, verb: str, word: str, goodbye: str) -> None:
    """When the client closes its session ends, at the latest after the timeout of the data connection."""
    ftp_server.clock.freeze()
    waiting(client, ftp_server, verb, word)

    getattr(client, goodbye)()
    ftp_server.clock.move(10)

    assert ftp_server.log.wait_until(lambda: ftp_server.log.sessions[0].closed_at is not None, 10)
    assert ftp_server.log.sessions[0].reason in ("connection reset", "client closed")


@pytest.mark.ftp(wait_future_timeout=None)
@each_wait
def test_stop(monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer, client: FtpsClient, verb: str, word: str) -> None:
    """The server stops at once, although a command waits."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)  # the time that the test would wait
    waiting(client, ftp_server, verb, word)

    ftp_server.stop()

    assert ftp_server.log.sessions[0].reason == "shut down"


# Data connections from before the fault.


@each_kind
@pytest.mark.parametrize("verb", ["PASV", "EPSV", "PORT", "EPRT"])
def test_a_fault_and_an_earlier_data_connection(
    ftp_server: FtpServer, client: FtpsClient, kind: str, verb: str
) -> None:
    """A fault applies to the next command, even if the data connection was announced or made before."""
    data = client.begin_data(verb)
    ftp_server.faults.add(on("RETR").drop_data(after_bytes=10).times(1))
    client.send("RETR data.bin")
    sock = data()
    assert client.reply().code == "150"
    wire = None if client.control is None else client.wire(sock)
    if wire is not None:
        wire.do_handshake()

    assert Line(sock, wire).rest() == (DATA[:10], "FIN")
    assert client.reply().code == "426"
    assert goes_on(client, ftp_server)


@each_word
def test_a_fault_and_an_earlier_epsv(ftp_server: FtpServer, client: FtpsClient, word: str) -> None:
    """A fault of EPSV does not affect the earlier data connection, only the next one."""
    data = client.begin_data()
    armed = ftp_server.faults.add(getattr(on("EPSV"), word)().times(1))

    client.send("RETR data.bin")
    assert client.reply().code == "150"
    assert Line(data()).rest() == (DATA, "FIN")
    assert (client.reply().code, armed.fired) == ("226", 0)

    with connecting(announced(client, "EPSV"), word):
        assert armed.fired == 1


# Pools.


FIRST = 20_000 + os.getpid() % 4000 * 3
"""The first of three ports that belong to this process, and that the system gives to no other."""


@pytest.fixture
def pool(ftp_server_factory: Callable[..., FtpServer]) -> FtpServer:
    """A server with three data ports."""
    return ftp_server_factory(data_ports=range(FIRST, FIRST + 3))


def free_ports(server: FtpServer) -> int:
    """The number of free data ports."""
    ports = server.server.available_data_ports
    assert ports is not None
    return len(ports)


FAULTS = [
    *(getattr(on("EPSV"), word)() for word in ("refuse_data", "ignore_data", "unreachable_data")),
    *(getattr(on("EPSV|RETR"), word)() for word in ("refuse_handshake", "cut_handshake", "stall_handshake")),
    *(getattr(on("RETR"), word)(after_bytes=5) for word in ("drop_data", "reset_data", "truncate", "half_close_data")),
    *(
        getattr(on("RETR"), word)(after_bytes=5)
        for word in ("stall_data", "close", "reset", "half_close", "read_error")
    ),
    *(
        getattr(on("EPSV"), word)()
        for word in ("no_reply", "close", "reset", "half_close", "not_implemented", "ignore")
    ),
    on("EPSV").wrong_address(port=9),
]
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.mark.each_once
@each_fault
@pytest.mark.parametrize("kind", ["clear", "TLSv1.3"])
@pytest.mark.parametrize("goodbye", ["vanish", "close", "abor"])
def test_ports_come_back(pool: FtpServer, fault: Fault, kind: str, goodbye: str) -> None:
    """After any fault, and any way in which the client closes, all ports of the pool are free again."""
    pool.clock.freeze()
    pool.faults.add(fault.times(1).optional())  # faults of handshakes do not happen without TLS
    with enter(pool, kind) as client:
        client.limit(0.1)  # a client that waits gives up; the result does not matter here
        with contextlib.suppress(Exception):
            begin(client, "RETR data.bin").rest()
        if goodbye != "abor":
            getattr(client, goodbye)()
        else:
            with contextlib.suppress(Exception):
                client.send("ABOR")
                client.reply()
    pool.clock.move(10)  # ends waits for a data connection
    assert pool.log.wait_until(lambda: not pool.sessions, 10)

    assert free_ports(pool) == 3
    pool.faults.clear()
    with enter(pool, kind) as client:
        for _ in range(4):
            assert goes_on(client, pool)


@each_word
def test_a_port_that_did_not_answer_is_used_again(ftp_server_factory: Callable[..., FtpServer], word: str) -> None:
    """With only one port, it works after the next PASV, and earlier clients are not connected."""
    server = ftp_server_factory(data_ports=[FIRST])
    server.faults.add(getattr(on("EPSV"), word)().times(1))
    with enter(server) as client:
        with connecting(announced(client, "EPSV"), word):
            pass
        assert begin(client, "RETR data.bin").rest() == (DATA, "FIN")
        assert client.reply().code == "226"
    assert server.log.wait_until(lambda: not server.sessions, 10)
    assert free_ports(server) == 1
