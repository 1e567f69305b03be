"""All that is time on a server goes by its clock: hours pass in milliseconds, and nothing passes while it stands.

What a move of the clock makes happen has happened when `move` returns, so the log is looked at without waiting.
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
    """Why sessions ended; None for those that did not."""
    return [session.reason if session.closed_at is not None else None for session in server.log.sessions]


def last_code(server: FtpServer) -> str | None:
    """Code of the last final reply to the last command; None when it has none yet."""
    codes = [code for code, _ in server.log.commands[-1].replies if not code.startswith("1")]
    return codes[-1] if codes else None


# Silence.


@pytest.mark.ftp(idle_timeout=300)
def test_five_idle_minutes(ftp_server: FtpServer) -> None:
    """Ftplib is dismissed after exactly as long as it may be silent; each command begins that time anew."""
    ftp_server.clock.freeze()
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        for _ in range(3):
            ftp_server.clock.move(299)
            assert ftp.voidcmd("NOOP").startswith("200")

        ftp_server.clock.move(300)
        with pytest.raises(ftplib.error_temp, match="421 Timeout: nothing was said for 300 seconds"):
            ftp.voidcmd("NOOP")
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.ftp(idle_timeout=300)
@pytest.mark.parametrize("steps", [[300], [299, 1], [0.1] * 3000, [1e6]], ids=["one", "two", "many", "far"])
def test_it_does_not_matter_how_time_is_moved(ftp_server: FtpServer, raw: RawClient, steps: list[float]) -> None:
    """In one step or many, and as far as one likes."""
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
def test_a_clock_that_goes_can_be_moved(ftp_server: FtpServer, raw: RawClient) -> None:
    """It need not be frozen."""
    ftp_server.clock.move(200)
    assert raw.code("NOOP") == "200"
    ftp_server.clock.move(300)
    assert [raw.reply().code, reasons(ftp_server)] == ["421", ["idle"]]


@pytest.mark.ftp(idle_timeout=300)
def test_time_that_goes_on(ftp_server: FtpServer, raw: RawClient) -> None:
    """After `resume` a session may be silent for the rest of its time, and that is real."""
    ftp_server.clock.freeze()
    assert raw.code("NOOP") == "200"
    ftp_server.clock.move(299.99)
    assert reasons(ftp_server) == [None]
    ftp_server.clock.resume()
    assert raw.reply().code == "421"


@pytest.mark.ftp(idle_timeout=300)
def test_a_hundred_silent_sessions(ftp_server: FtpServer, connect: Connect) -> None:
    """All are dismissed in one move, those that were never logged in too, and who has just spoken is not."""
    ftp_server.clock.freeze()
    silent = [connect() for _ in range(100)]
    for client in silent:
        assert client.reply().code == "220"
    talker = connect().login()
    ftp_server.clock.move(150)
    assert talker.code("NOOP") == "200"
    ftp_server.clock.move(150)
    assert reasons(ftp_server) == ["idle"] * 100 + [None]
    assert {client.reply().code for client in silent} == {"421"}
    assert talker.code("NOOP") == "200"


@pytest.mark.ftp(idle_timeout=300, files={"/a.txt": b"a"})
def test_a_transfer_is_no_silence(ftp_server: FtpServer, raw: RawClient) -> None:
    """However long it takes; after it the client has all of its time."""
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
    """What the client asks for counts from the next time it is looked at."""
    ftp_server.clock.freeze()
    assert raw.code("SITE IDLE 900") == "200"
    ftp_server.clock.move(899)
    assert reasons(ftp_server) == [None]
    ftp_server.clock.move(1)
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.ftp(idle_timeout=300)
def test_a_tls_handshake_that_never_begins(ftps_server: FtpServer) -> None:
    """After AUTH TLS a client may be silent as long as ever, and is let go without a word."""
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
def test_the_answer_to_a_wrong_password(ftp_server: FtpServer, connect: Connect) -> None:
    """It comes when its time has come, and so does the 421 of the last one; nobody else waits."""
    ftp_server.clock.freeze()
    client = connect()
    assert client.reply().code == "220"
    for answer in ("530", "421"):
        assert client.code("USER user") == "331"
        client.send("PASS wrong")
        ftp_server.clock.move(3599)
        assert last_code(ftp_server) is None
        connect().login()
        ftp_server.clock.move(1)
        assert client.reply().code == answer
    assert client.is_closed()


# Data connections.


@pytest.mark.ftp(wait_future_timeout=60)
@pytest.mark.parametrize("line", ["LIST", "STOR up.bin"])
def test_a_data_connection_that_never_comes(ftp_server: FtpServer, raw: RawClient, line: str) -> None:
    """425 after the time that a transfer waits, and the session goes on."""
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
def test_a_client_that_never_answers_a_connection(
    ftp_server: FtpServer, raw: RawClient, dead_end: tuple[str, int]
) -> None:
    """In active mode too: 425 after the time that a transfer waits."""
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
def test_a_data_connection_that_stands_still(ftp_server: FtpServer, raw: RawClient, line: str) -> None:
    """426 after the time that it may, whether the client does not read or does not send."""
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
def test_a_data_connection_that_is_slow(ftp_server: FtpServer, raw: RawClient) -> None:
    """Whatever comes in time begins the time anew: a transfer of hours is whole in the end."""
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
def test_a_data_connection_on_which_nobody_shakes_hands(ftps_server: FtpServer) -> None:
    """522 after the time that hands may be shaken."""
    ftps_server.clock.freeze()
    with FtpsClient(ftps_server.address).enter() as client:
        data = RawClient.passive(client)
        assert client.code("STOR up.bin") == "150"
        ftps_server.clock.move(599)
        assert last_code(ftps_server) is None
        ftps_server.clock.move(1)
        assert client.reply().code == "522"
        data.close()


# What time it is.


def test_times_of_files(ftp_server: FtpServer) -> None:
    """MDTM, MLST and LIST tell the time of the clock, and what "recent" is in LIST goes by it, too."""
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
    """It says what time it is, from the first file on, until somebody moves the clock; then it is ahead by that."""
    assert raw.ask("MDTM a.txt").text == "20260101000000"
    ftp_server.clock.move(3600)
    assert raw.store("STOR b.txt", b"b") == ["150", "226"]
    assert raw.ask("MDTM b.txt").text == "20260101010000"
    assert ftp_server.clock() == JAN_2026 + 3600


def test_the_log_stays_on_real_time() -> None:
    """Events say when they really happened."""
    began = time.monotonic()
    with FtpServer(idle_timeout=DAY) as server, RawClient(server.address) as client:
        client.login()
        server.clock.move(DAY)
        assert client.reply().code == "421"
        assert server.log.events[-1].time <= time.monotonic() - began


# Servers and their clocks.


def test_every_server_has_a_clock_of_its_own() -> None:
    """Moving one leaves the others alone, though all live on one thread."""
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
    """A Clock that is given is the server's; one move is for all that have it."""
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


def test_a_clock_outlives_starts_and_stops() -> None:
    """It can be frozen and moved before the start, and after the stop, and stands through a restart."""
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
    """Has a command that takes a while."""

    async def nap(self, connection: Connection, rest: str) -> bool:
        """NAP <SP> seconds: sleep in two halves."""
        for _ in range(2):
            await self.clock.sleep(float(rest) / 2)
        connection.response("200", "Good morning")
        return True

    async def site_later(self, connection: Connection, rest: str) -> bool:
        """SITE LATER <SP> seconds: move the clock, on the server's own thread."""
        self.clock.move(float(rest))
        connection.response("200", "Later")
        return True


@pytest.mark.ftp(server_class=Napping, idle_timeout=300)
def test_commands_of_ones_own_can_wait_by_it(ftp_server: FtpServer, raw: RawClient) -> None:
    """A handler sleeps by ``self.clock``; a long one is no silence."""
    ftp_server.clock.freeze()
    raw.send("NAP 7200")
    ftp_server.clock.move(7199)
    assert last_code(ftp_server) is None
    ftp_server.clock.move(1)
    assert last_code(ftp_server) == "200"
    assert raw.reply().code == "200"
    ftp_server.clock.move(300)
    assert reasons(ftp_server) == ["idle"]


@pytest.mark.parametrize("state", ["silent", "login delayed", "waits for data", "amidst a transfer", "sleeps"])
def test_stopping_while_time_stands(state: str) -> None:
    """`stop` needs no time: it says 421 to everybody and leaves nothing, and no timer either."""
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
    shared_thread().acquire()  # the thread outlives the server, and so shows what that leaves
    with RawClient(server.address) as client:
        client.login()
        if state == "login delayed":
            assert client.code("USER user") == "331"
            client.send("PASS wrong")
        elif state == "waits for data":
            assert client.code("EPSV") == "229"
            client.send("LIST")
        elif state == "amidst a transfer":
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


async def test_a_server_on_the_tests_own_loop() -> None:
    """There a move calls what is due at once, and tasks go on when the test awaits something."""
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
async def test_a_server_elsewhere_is_moved_from_asyncio_too(ftp_server: FtpServer) -> None:
    """The server of the fixture has a thread of its own, so that a move within a coroutine is complete, too."""
    reader, writer = await asyncio.open_connection(*ftp_server.address)
    assert (await reader.readline()).startswith(b"220")
    ftp_server.clock.move(300)
    assert reasons(ftp_server) == ["idle"]
    assert (await reader.readline()).startswith(b"421")
    writer.close()
    await writer.wait_closed()
