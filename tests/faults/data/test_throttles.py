"""Limits of speed: of faults, servers, sessions and users, changed while a transfer runs.

tests/unit/net/test_throttle.py checks their precision with its own clock; here time is real, so the tests check only
what holds on a busy machine: never faster than the limit, and a change has an effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import FtpServer, User, on
from ftpfixture.log.events import DataMoved
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, FILES, Line, begin, enter, goes_on, in_order, last
from tests.support.ftps import FtpsClient

LIMIT = 100_000
SIZE = 130_000  # a little more than one second's worth
PART = DATA[:SIZE]


@pytest.fixture
def ftp_config() -> dict[str, Any]:
    """Settings of all servers: a file that takes more than a second."""
    return {"tls": "explicit", "files": {**FILES, "/part.bin": PART}}


def keeps_to(server: FtpServer, limit: float, first: int = 0) -> bool:
    """Whether the server moved at most 1.1 times the limit in every second.

    Args:
        server: The server.
        limit: The limit in bytes per second.
        first: The number of bytes at the beginning that do not count.
    """
    went = []
    before = 0
    for event in server.log.events:
        if isinstance(event, DataMoved):
            before += event.size
            if before > first:
                went.append((event.time, event.size))
    rates = [sum(content for at, content in went if start <= at < start + 1) for start, _ in went]
    return bool(went) and max(rates) <= 1.1 * limit


each_direction = pytest.mark.parametrize("command", ["RETR part.bin", "STOR new.bin"])


def transfer(client: FtpsClient, server: FtpServer, command: str) -> None:
    """Run a whole transfer of the part."""
    line = begin(client, command)
    if command.startswith("RETR"):
        assert line.rest() == (PART, in_order("clear" if client.control is None else "tls"))
    else:
        line.send(PART)
        line.finish()
    assert client.reply().code == "226"
    if command.startswith("STOR"):
        assert server.files["/new.bin"] == PART
    assert (last(server).completed, last(server).size) == (True, SIZE)


@each_kind
@each_direction
def test_a_fault(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """One transfer has a limit, and the next one has none."""
    armed = ftp_server.faults.add(on(command.split()[0]).throttle_data(LIMIT).times(1))

    transfer(client, ftp_server, command)

    assert is_logged_once(ftp_server)
    assert keeps_to(ftp_server, LIMIT)
    assert armed.fired == 1
    assert goes_on(client, ftp_server)


@each_direction
def test_a_fault_and_a_cut(ftp_server: FtpServer, client: FtpsClient, command: str) -> None:
    """Words combine: a slow transfer ends after exactly this number of bytes."""
    ftp_server.faults.add(on(command.split()[0]).throttle_data(LIMIT).drop_data(after_bytes=12_345).times(1))
    line = begin(client, command)

    if command.startswith("STOR"):
        line.send(PART[:12_345])
    assert line.rest() == (PART[:12_345] if command.startswith("RETR") else b"", "FIN")

    assert client.reply().code == "426"
    assert last(ftp_server).size == 12_345
    assert max(event.size for event in ftp_server.log.events if isinstance(event, DataMoved)) <= LIMIT / 20
    assert goes_on(client, ftp_server)


def limits(server: FtpServer, where: str, read: float | None, write: float | None) -> None:
    """Set limits from the thread of the test."""
    throttle = server.throttle if where == "server" else server.session_throttle(1)
    throttle.read.limit, throttle.write.limit = read, write


each_place = pytest.mark.parametrize("where", ["server", "session"])


@each_place
@each_direction
def test_a_limit_that_is_removed(ftp_server: FtpServer, client: FtpsClient, where: str, command: str) -> None:
    """A transfer that would take a day ends at once when the limit is removed or raised."""
    limits(ftp_server, where, 1, 1)
    line = begin(client, command)
    if command.startswith("STOR"):
        line.send(PART)
    assert ftp_server.log.wait_until(lambda: last(ftp_server).size >= 1, 10)
    assert last(ftp_server).size < 60

    limits(ftp_server, where, 1e9, None)

    if command.startswith("RETR"):
        assert line.rest() == (PART, "FIN")
    else:
        line.finish()
    assert client.reply().code == "226"


@each_place
@each_direction
def test_a_limit_that_is_set(ftp_server: FtpServer, client: FtpsClient, where: str, command: str) -> None:
    """A fast transfer keeps to the limit from the moment when it is set."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on(command.split()[0]).stall_data(60, after_bytes=1000))
    line = begin(client, command)
    if command.startswith("STOR"):
        line.send(PART)
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)

    limits(ftp_server, where, LIMIT, LIMIT)
    ftp_server.clock.move(60)

    if command.startswith("RETR"):
        assert line.rest() == (PART, "FIN")
    else:
        line.finish()
    assert client.reply().code == "226"
    assert keeps_to(ftp_server, LIMIT, first=1000)


@each_direction
def test_the_other_direction_is_free(ftp_server: FtpServer, client: FtpsClient, command: str) -> None:
    """A limit of one direction, with which a transfer would take a day, does not slow the other."""
    write = None if command.startswith("RETR") else 1.0
    limits(ftp_server, "server", None if write else 1.0, write)

    transfer(client, ftp_server, command)


@each_direction
def test_the_other_session_is_free(ftp_server: FtpServer, client: FtpsClient, command: str) -> None:
    """A limit of one session does not slow another."""
    limits(ftp_server, "session", 1, 1)

    with enter(ftp_server) as other:
        transfer(other, ftp_server, command)


def test_sessions_share_the_limit_of_the_server(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Two transfers at once share the limit of the server."""
    ftp_server.files["/half.bin"] = PART[: SIZE // 2]
    limits(ftp_server, "server", None, LIMIT)
    with enter(ftp_server) as other:
        lines = [begin(one, "RETR half.bin") for one in (client, other)]
        assert [line.rest().content for line in lines] == [PART[: SIZE // 2]] * 2
        assert [one.reply().code for one in (client, other)] == ["226", "226"]

    assert keeps_to(ftp_server, LIMIT)


USERS = {
    "user": User("user", "password", base_path="/", write_speed_limit=LIMIT, read_speed_limit=LIMIT),
    "session of the user": User(
        "user",
        "password",
        base_path="/",
        write_speed_limit_per_connection=LIMIT,
        read_speed_limit_per_connection=LIMIT,
    ),
}


@each_direction
@pytest.mark.parametrize("user", USERS.values(), ids=USERS)
def test_users(ftp_server_factory: Callable[..., FtpServer], user: User, command: str) -> None:
    """A user's own limit applies, with any faults."""
    server = ftp_server_factory(users=[user])
    server.faults.add(on("*").garble_data(first=10**9).optional())
    with enter(server) as client:
        transfer(client, server, command)
    assert keeps_to(server, LIMIT)


def test_the_lowest_limit_counts(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A fault cannot exceed the limit of the server, and the server's limit cannot exceed the fault's."""
    limits(ftp_server, "server", None, LIMIT)
    ftp_server.faults.add(on("RETR").throttle_data(100 * LIMIT).times(1))
    transfer(client, ftp_server, "RETR part.bin")
    assert keeps_to(ftp_server, LIMIT)


@pytest.mark.parametrize(
    ("command", "goodbye"),
    [
        *(("RETR part.bin", goodbye) for goodbye in ("ABOR", "stop", "vanish", "close")),
        ("STOR new.bin", "ABOR"),
        ("STOR new.bin", "stop"),
        ("STOR new.bin", "vanish"),  # after a close in order the server would receive everything before it
    ],
)
def test_a_throttled_transfer_can_be_ended(
    monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer, client: FtpsClient, command: str, goodbye: str
) -> None:
    """ABOR, the end of the client and the end of the server all end a transfer that waits."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)  # the time that the test would wait
    ftp_server.faults.add(on(command.split()[0]).throttle_data(1))
    line = begin(client, command)
    if command.startswith("STOR"):
        line.send(b"ab")
    assert ftp_server.log.wait_until(lambda: last(ftp_server).size >= 1, 10)

    match goodbye:
        case "ABOR":
            assert [client.code("ABOR"), client.reply().code] == ["426", "226"]
            ftp_server.faults.clear()
            assert goes_on(client, ftp_server)
        case "stop":
            ftp_server.stop()
        case _:
            getattr(client, goodbye)()
            assert ftp_server.log.wait_until(lambda: not ftp_server.sessions, 20)
    assert ftp_server.log.transfers[0].completed is False


def test_control_is_not_throttled(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Replies are sent at once while data are slow."""
    ftp_server.faults.add(on("RETR").throttle_data(1))
    begin(client, "RETR part.bin")

    assert [client.code("NOOP") for _ in range(100)] == ["200"] * 100
    assert Line(client.sock).is_silent()
