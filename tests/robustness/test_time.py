"""All time on a server comes from its clock: hours pass in milliseconds, and no time passes while it is stopped.

The effects of a move of the clock are complete when `move` returns, so these tests read the log without waiting.
"""

from __future__ import annotations

import asyncio
import ftplib
import socket
import time
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from ftpfixture import Clock, Connection, FtpServer, MemoryPathIO, Server
from ftpfixture.testing.loopthread import shared_thread
from tests.support.ftps import FtpsClient
from tests.support.leaks import held
from tests.support.raw import RawClient, read_all

JAN_2026 = 1767225600.0
DAY = 86400
BIG = {"/big.bin": bytes(1 << 26)}  # more than the system keeps for a connection

Connect = Callable[[], RawClient]


def reasons(server: FtpServer) -> list[str | None]:
    """Return the reasons of the ends of sessions; None for an open session."""
    return [session.reason if session.closed_at is not None else None for session in server.log.sessions]


def last_code(server: FtpServer) -> str | None:
    """Return the code of the last final reply to the last command, or None."""
    codes = [code for code, _ in server.log.commands[-1].replies if not code.startswith("1")]
    return codes[-1] if codes else None


# Idle sessions.


@pytest.mark.ftp(idle_timeout=300)
def test_five_idle_minutes(ftp_server: FtpServer) -> None:
    """The server ends the session of ftplib exactly after its idle timeout; each command restarts the timeout."""
    ftp_server.clock.freeze()
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        for _ in range(3):
            ftp_server.clock.move(299)
            assert ftp.voidcmd("NOOP").startswith("200")

        ftp_server.clock.move(300)
        with pytest.raises(ftplib.error_temp, match="421 Idle timeout: no command for 300 seconds"):
            ftp.voidcmd("NOOP")
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.ftp(idle_timeout=300)
@pytest.mark.parametrize("steps", [[300], [299, 1], [0.1] * 3000, [1e6]], ids=["one", "two", "many", "far"])
def test_any_number_of_moves(ftp_server: FtpServer, raw: RawClient, steps: list[float]) -> None:
    """A session times out at the same time with one move or many, however far."""
    ftp_server.clock.freeze()
    assert raw.code("NOOP") == "200"
    for step in steps[:-1]:
        ftp_server.clock.move(step)
    assert reasons(ftp_server) == [None]

    ftp_server.clock.move(steps[-1])
    assert reasons(ftp_server) == ["idle"]
    assert raw.reply().code == "421"
    assert raw.is_closed()


@pytest.mark.ftp(idle_timeout=300)
def test_a_running_clock_can_be_moved(ftp_server: FtpServer, raw: RawClient) -> None:
    """A clock that is not frozen can be moved."""
    ftp_server.clock.move(200)
    assert raw.code("NOOP") == "200"
    ftp_server.clock.move(300)
    assert [raw.reply().code, reasons(ftp_server)] == ["421", ["idle"]]


@pytest.mark.ftp(idle_timeout=300)
def test_a_resumed_clock(ftp_server: FtpServer, raw: RawClient) -> None:
    """After `resume` a session times out after the rest of its time, in real time."""
    ftp_server.clock.freeze()
    assert raw.code("NOOP") == "200"
    ftp_server.clock.move(299.99)
    assert reasons(ftp_server) == [None]
    ftp_server.clock.resume()
    assert raw.reply().code == "421"


@pytest.mark.ftp(idle_timeout=300)
def test_a_hundred_idle_sessions(ftp_server: FtpServer, connect: Connect) -> None:
    """One move ends all idle sessions, also those without login, and no session with a recent command."""
    ftp_server.clock.freeze()
    idle = [connect() for _ in range(100)]
    for client in idle:
        assert client.reply().code == "220"
    talker = connect().login()
    ftp_server.clock.move(150)
    assert talker.code("NOOP") == "200"
    ftp_server.clock.move(150)
    assert reasons(ftp_server) == ["idle"] * 100 + [None]
    assert {client.reply().code for client in idle} == {"421"}
    assert talker.code("NOOP") == "200"


@pytest.mark.ftp(idle_timeout=300, files={"/a.txt": b"a"})
def test_a_session_with_a_transfer_is_not_idle(ftp_server: FtpServer, raw: RawClient) -> None:
    """A session does not time out during a transfer, and has its whole idle timeout after it."""
    ftp_server.clock.freeze()
    data = raw.passive()
    assert raw.code("STOR up.bin") == "150"
    data.sendall(b"first ")
    ftp_server.clock.move(3600)
    assert raw.code("NOOP") == "200"
    ftp_server.clock.move(3600)
    data.sendall(b"last")
    data.close()
    assert raw.reply().code == "226"

    ftp_server.clock.move(299)
    assert reasons(ftp_server) == [None]
    ftp_server.clock.move(1)
    assert reasons(ftp_server) == ["idle"]
    assert ftp_server.files["/up.bin"] == b"first last"


@pytest.mark.ftp(idle_timeout=300)
def test_site_idle(ftp_server: FtpServer, raw: RawClient) -> None:
    """SITE IDLE sets the idle timeout of the session."""
    ftp_server.clock.freeze()
    assert raw.code("SITE IDLE 900") == "200"
    ftp_server.clock.move(899)
    assert reasons(ftp_server) == [None]
    ftp_server.clock.move(1)
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.ftp(idle_timeout=300)
def test_a_tls_handshake_that_never_starts(ftps_server: FtpServer) -> None:
    """After AUTH TLS the idle timeout applies, and the server closes the connection without a reply."""
    ftps_server.clock.freeze()
    with RawClient(ftps_server.address) as client:
        assert [client.reply().code, client.code("AUTH TLS")] == ["220", "234"]
        ftps_server.clock.move(299)
        assert reasons(ftps_server) == [None]
        ftps_server.clock.move(1)
        assert reasons(ftps_server) == ["no TLS"]
        assert client.is_closed()


# Wrong passwords.


@pytest.mark.ftp(login_delay=3600, maximum_login_failures=2)
def test_the_reply_to_a_wrong_password(ftp_server: FtpServer, connect: Connect) -> None:
    """The 530, and the 421 of the last attempt, come after the delay; other sessions do not wait."""
    ftp_server.clock.freeze()
    client = connect()
    assert client.reply().code == "220"
    for code in ("530", "421"):
        assert client.code("USER user") == "331"
        client.send("PASS wrong")
        ftp_server.clock.move(3599)
        assert last_code(ftp_server) is None
        connect().login()
        ftp_server.clock.move(1)
        assert client.reply().code == code
    assert client.is_closed()


# Data connections.


@pytest.mark.ftp(wait_future_timeout=60)
@pytest.mark.parametrize("line", ["LIST", "STOR up.bin"])
def test_a_missing_data_connection(ftp_server: FtpServer, raw: RawClient, line: str) -> None:
    """The server sends 425 after the wait for a data connection, and the session continues."""
    ftp_server.clock.freeze()
    assert raw.code("EPSV") == "229"
    raw.send(line)
    ftp_server.clock.move(59)
    assert last_code(ftp_server) is None
    ftp_server.clock.move(1)
    assert last_code(ftp_server) == "425"
    assert raw.reply().code == "425"
    assert raw.fetch("NLST")[0] == ["150", "226"]


@pytest.fixture
def dead_end() -> Iterator[tuple[str, int]]:
    """An address where connecting neither succeeds nor fails."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as filler:
        filler.connect(listener.getsockname())
        yield listener.getsockname()


@pytest.mark.ftp(wait_future_timeout=60)
def test_a_client_that_does_not_accept_a_connection(
    ftp_server: FtpServer, raw: RawClient, dead_end: tuple[str, int]
) -> None:
    """In active mode the server sends 425 after the wait for a data connection."""
    ftp_server.clock.freeze()
    host, port = dead_end
    assert raw.code(f"EPRT |1|{host}|{port}|") == "200"
    raw.send("LIST")
    ftp_server.clock.move(59)
    assert last_code(ftp_server) is None
    ftp_server.clock.move(1)
    assert raw.reply().code == "425"


@pytest.mark.ftp(socket_timeout=120, files=BIG)
@pytest.mark.parametrize("line", ["RETR big.bin", "STOR up.bin"])
def test_a_stalled_data_connection(ftp_server: FtpServer, raw: RawClient, line: str) -> None:
    """The server sends 426 after the socket timeout, whether the client does not read or does not send."""
    ftp_server.clock.freeze()
    data = raw.passive()
    assert raw.code(line) == "150"
    ftp_server.clock.move(119)
    assert last_code(ftp_server) is None
    while last_code(ftp_server) is None:  # the system may have taken more meanwhile
        ftp_server.clock.move(1)
    assert raw.reply().code == "426"
    read_all(data)
    assert raw.code("NOOP") == "200"


@pytest.mark.ftp(socket_timeout=120, files=BIG)
def test_a_slow_data_connection(ftp_server: FtpServer, raw: RawClient) -> None:
    """Each received byte restarts the socket timeout, so a transfer of hours completes."""
    ftp_server.clock.freeze()
    data = raw.passive()
    assert raw.code("STOR slow.bin") == "150"
    for number in range(60):
        data.sendall(b"x")
        ftp_server.clock.move(119)
        assert (number, last_code(ftp_server)) == (number, None)
    data.close()
    assert raw.reply().code == "226"
    assert ftp_server.files["/slow.bin"] == b"x" * 60


@pytest.mark.ftp(handshake_timeout=600)
def test_a_data_connection_without_tls_handshake(ftps_server: FtpServer) -> None:
    """The server sends 522 after the timeout of the TLS handshake."""
    ftps_server.clock.freeze()
    with FtpsClient(ftps_server.address).enter() as client:
        data = RawClient.passive(client)
        assert client.code("STOR up.bin") == "150"
        ftps_server.clock.move(599)
        assert last_code(ftps_server) is None
        ftps_server.clock.move(1)
        assert client.reply().code == "522"
        data.close()


# Time of day.


def test_times_of_files(ftp_server: FtpServer) -> None:
    """MDTM, MLST and LIST show the time of the clock, which also decides what is "recent" in LIST."""
    clock = ftp_server.clock
    clock.freeze(at=JAN_2026)
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary("STOR a.txt", BytesIO(b"a"))
        assert ftp.sendcmd("MDTM a.txt") == "213 20260101000000"
        clock.move(3600)
        assert ftp.sendcmd("MDTM a.txt") == "213 20260101000000"
        ftp.storbinary("APPE a.txt", BytesIO(b"b"))
        ftp.mkd("d")
        assert ftp.sendcmd("MDTM a.txt") == "213 20260101010000"
        assert dict(ftp.mlsd())["d"]["modify"] == "20260101010000"

        lines: list[str] = []
        ftp.dir(lines.append)
        clock.move(200 * DAY)
        ftp.dir(lines.append)
    assert [line.split()[5:8] for line in lines] == [["Jan", "1", "01:00"]] * 2 + [["Jan", "1", "2026"]] * 2
    ftp_server.files["/b.txt"] = b""
    assert ftp_server.files.stat("/b.txt").modified == clock() == JAN_2026 + 3600 + 200 * DAY


@pytest.mark.ftp(clock=lambda: JAN_2026, files={"/a.txt": b"a"})
def test_a_function_as_the_clock(ftp_server: FtpServer, raw: RawClient) -> None:
    """The function is the time of day, from the first file on; a move of the clock is added to it."""
    assert raw.ask("MDTM a.txt").text == "20260101000000"
    ftp_server.clock.move(3600)
    assert raw.store("STOR b.txt", b"b") == ["150", "226"]
    assert raw.ask("MDTM b.txt").text == "20260101010000"
    assert ftp_server.clock() == JAN_2026 + 3600


def test_the_log_is_in_real_time() -> None:
    """Events have the real time at which they happened."""
    began = time.monotonic()
    with FtpServer(idle_timeout=DAY) as server, RawClient(server.address) as client:
        client.login()
        server.clock.move(DAY)
        assert client.reply().code == "421"
        assert server.log.events[-1].time <= time.monotonic() - began


# Servers and their clocks.


def test_every_server_has_its_own_clock() -> None:
    """Moving the clock of one server does not affect others in the same thread."""
    with (
        FtpServer(idle_timeout=300) as first,
        FtpServer(idle_timeout=300) as second,
        RawClient(first.address) as one,
        RawClient(second.address) as two,
    ):
        one.login()
        two.login()
        first.clock.freeze(at=5)
        second.clock.move(300)
        assert [one.code("NOOP"), two.reply().code] == ["200", "421"]
        assert (first.clock.frozen, second.clock.frozen) == (True, False)


def test_servers_can_share_a_clock() -> None:
    """Servers that were given one Clock share its moves."""
    clock = Clock()
    clock.freeze(at=JAN_2026)
    with (
        FtpServer(clock=clock, idle_timeout=300) as first,
        FtpServer(clock=clock, idle_timeout=100) as second,
        RawClient(first.address) as one,
        RawClient(second.address) as two,
    ):
        assert first.clock is second.clock is clock
        one.login()
        two.login()
        clock.move(100)
        assert [one.code("NOOP"), two.reply().code] == ["200", "421"]
        clock.move(300)
        assert one.reply().code == "421"


def test_a_clock_survives_starts_and_stops() -> None:
    """A clock can be frozen and moved before the start and after the stop, and stays frozen in a restart."""
    server = FtpServer(files={"/a.txt": b"a"}, idle_timeout=300)
    server.clock.freeze(at=JAN_2026)
    server.clock.move(60)
    server.start()
    with RawClient(server.address) as client:
        client.login()
        assert client.store("STOR b.txt", b"b") == ["150", "226"]
        assert client.ask("MDTM b.txt").text == "20260101000100"
        server.restart()
    with RawClient(server.address) as client:
        client.login()
        server.clock.move(300)
        assert client.reply().code == "421"
    server.stop()
    server.clock.move(60)
    assert server.clock() == JAN_2026 + 420
    server.clock.resume()
    assert server.clock() >= JAN_2026 + 420


class Napping(Server):
    """A server with a command that takes a while."""

    async def nap(self, connection: Connection, rest: str) -> bool:
        """NAP <SP> seconds: sleep in two halves."""
        for _ in range(2):
            await self.clock.sleep(float(rest) / 2)
        connection.response("200", "Good morning")
        return True

    async def site_later(self, connection: Connection, rest: str) -> bool:
        """SITE LATER <SP> seconds: move the clock, in the server's own thread."""
        self.clock.move(float(rest))
        connection.response("200", "Later")
        return True


@pytest.mark.ftp(server_class=Napping, idle_timeout=300)
def test_custom_commands_can_wait_on_the_clock(ftp_server: FtpServer, raw: RawClient) -> None:
    """A handler sleeps on ``self.clock``; the session is not idle during a long command."""
    ftp_server.clock.freeze()
    raw.send("NAP 7200")
    ftp_server.clock.move(7199)
    assert last_code(ftp_server) is None
    ftp_server.clock.move(1)
    assert last_code(ftp_server) == "200"
    assert raw.reply().code == "200"
    ftp_server.clock.move(300)
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.parametrize("state", ["idle", "login delayed", "waits for data", "in a transfer", "sleeps"])
def test_stopping_while_the_clock_is_frozen(state: str) -> None:
    """`stop` needs no time: it sends 421 to all clients, and leaves no timer."""
    with FtpServer():
        pass
    before = held()
    server = FtpServer(
        server_class=Napping,
        idle_timeout=300,
        login_delay=60,
        wait_future_timeout=60,
        socket_timeout=60,
        files=BIG,
    )
    server.clock.freeze()
    server.start()
    shared_thread().acquire()  # the thread lives longer than the server, to show its leaks
    with RawClient(server.address) as client:
        client.login()
        if state == "login delayed":
            assert client.code("USER user") == "331"
            client.send("PASS wrong")
        elif state == "waits for data":
            assert client.code("EPSV") == "229"
            client.send("LIST")
        elif state == "in a transfer":
            client.passive()
            assert client.code("RETR big.bin") == "150"
        elif state == "sleeps":
            client.send("NAP 7200")
        server.clock.move(1)

        server.stop()

        assert client.reply().code == "421"
        assert client.is_closed()
    assert reasons(server) == ["shut down"]
    assert len(server.clock._timers) == 0

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    assert shared_thread().await_(tasks()) == 1
    shared_thread().release()
    assert held() == before


# asyncio.


async def test_a_server_on_the_loop_of_the_test() -> None:
    """A move calls due callbacks at once, and tasks continue when the test awaits."""
    async with Server(path_io_factory=MemoryPathIO, idle_timeout=300) as server:
        server.clock.freeze(at=JAN_2026)
        reader, writer = await asyncio.open_connection(*server.address)
        assert (await reader.readline()).startswith(b"220")
        server.clock.move(299)
        writer.write(b"USER anonymous\r\nMKD d\r\nMLST d\r\n")
        lines = [await reader.readline() for _ in range(5)]
        assert b"modify=20260101000459;" in lines[3].lower()
        server.clock.move(300)
        assert (await reader.readline()).startswith(b"421")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.ftp(idle_timeout=300)
async def test_a_server_in_another_thread_is_moved_from_asyncio(ftp_server: FtpServer) -> None:
    """The server of the fixture has its own thread, so a move in a coroutine is complete when it returns."""
    reader, writer = await asyncio.open_connection(*ftp_server.address)
    assert (await reader.readline()).startswith(b"220")
    ftp_server.clock.move(300)
    assert reasons(ftp_server) == ["idle"]
    assert (await reader.readline()).startswith(b"421")
    writer.close()
    await writer.wait_closed()
