"""The session: order of replies, its end, and what is reported when it fails."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import pytest

from ftpfixture import (
    Connection,
    ConnectionConditions,
    FtpServer,
    MemoryPathIO,
    Server,
    ServerFailure,
    ServerStateError,
    aio,
)
from ftpfixture.errors import CommandRefused, NoReply
from ftpfixture.files.handles import universal_exception
from ftpfixture.log.events import CommandReceived, Disconnected
from ftpfixture.net.gate import Exchange, Gate
from ftpfixture.server.connection import SESSION
from tests.support.leaks import held
from tests.support.raw import RawClient


class Tasks(Server):
    """Commands that run tasks beside the session, without the frame of transfers."""

    @ConnectionConditions(ConnectionConditions.login_required)
    async def hang(self, connection: Connection, rest: str) -> bool:
        """Start a task that never ends by itself, and is no `worker`."""
        connection.response("150", "hanging")
        connection.extra_workers.add(connection.loop.create_task(asyncio.Event().wait()))
        return True

    @ConnectionConditions(ConnectionConditions.login_required)
    async def leave(self, connection: Connection, rest: str) -> bool:
        """Start a task whose result ends the session."""

        async def last_word() -> bool:
            connection.response("221", "that was all")
            return False

        connection.extra_workers.add(connection.loop.create_task(last_word()))
        return True


class OddLinks(MemoryPathIO):
    """Links cannot be read, and one name vanishes while its directory is listed."""

    async def readlink(self, path: PurePath) -> PurePath:
        """See AbstractPathIO."""
        raise NotImplementedError

    @universal_exception
    async def lstat(self, path: PurePath) -> Any:
        """See AbstractPathIO."""
        if path.name == "gone":
            raise FileNotFoundError(errno.ENOENT, "gone")
        return await super().lstat(path)


class BrokenGate(Gate):
    """Fails when a command passes."""

    async def command(self, verb: str, argument: str, too_long: bool = False) -> Exchange:
        """See Gate."""
        raise RuntimeError("the gate is stuck")


@pytest.mark.ftp(quota=10)
def test_the_reply_of_a_failed_transfer_comes_before_that_of_the_next_command(raw: RawClient) -> None:
    """A command that waits behind an upload gets its reply after the upload's 452."""
    data = raw.passive()
    raw.sock.sendall(b"STOR a.bin\r\nPWD\r\nSIZE a.bin\r\n")
    assert raw.reply().code == "150"
    data.sendall(bytes(100))
    data.close()

    assert [raw.reply().code for _ in range(3)] == ["452", "257", "213"]


@pytest.mark.ftp(server_class=Tasks)
def test_abor_replies_for_a_task_without_a_reply(raw: RawClient) -> None:
    """A cancelled task that sends no reply gets its 426 from the session, and ABOR its 226."""
    assert raw.code("HANG") == "150"
    assert [raw.code("ABOR"), raw.reply().code] == ["426", "226"]
    assert raw.code("NOOP") == "200"


@pytest.mark.ftp(server_class=Tasks)
def test_a_task_can_end_the_session(ftp_server: FtpServer, raw: RawClient) -> None:
    """False as the result of a task closes the session, as that of a handler does."""
    assert raw.code("LEAVE") == "221"
    assert raw.is_closed()
    ftp_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
    assert ftp_server.log.sessions[0].reason == "quit"


def test_more_commands_than_are_read_ahead(raw: RawClient) -> None:
    """Five thousand commands at once all get replies, although the server stops reading in between."""
    raw.sock.sendall(b"NOOP\r\n" * 5000)
    assert {raw.reply().code for _ in range(5000)} == {"200"}


@pytest.mark.ftp(path_io_factory=OddLinks, files={"/a.txt": b"a", "/gone": b""})
def test_listings_leave_out_missing_files_and_unreadable_targets(ftp_server: FtpServer, raw: RawClient) -> None:
    """A file that no longer exists is left out; a link with an unreadable target is listed without it."""
    ftp_server.files.symlink("/link", "a.txt")
    _, data = raw.fetch("LIST")
    names = [line.rpartition(" ")[2] for line in data.decode().splitlines()]
    assert names == ["a.txt", "link"]


def test_a_failure_of_the_session_itself_ends_it_and_is_raised(ftp_server: FtpServer) -> None:
    """An exception outside of any handler closes the session and is raised in the test."""
    ftp_server.server.gate_factory = BrokenGate
    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        client.send("NOOP")
        assert client.is_closed()
    ftp_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
    assert ftp_server.log.sessions[0].reason == "failure"
    with pytest.raises(ServerFailure, match="the session raised RuntimeError: the gate is stuck"):
        ftp_server.check()


async def test_a_server_as_an_asynchronous_context() -> None:
    """`async with Server()` starts it if it is not started, and closes it at the end."""
    async with Server(path_io_factory=MemoryPathIO) as server:
        address = server.address
        reader, writer = await asyncio.open_connection(*address)
        assert (await reader.readline()).startswith(b"220")
        writer.close()
        await writer.wait_closed()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    with pytest.raises(ServerStateError, match="or closed"):
        _ = server.address


class Bare(MemoryPathIO):
    """A storage without modes, times, links or a notion of space."""

    async def chmod(self, path: PurePath, mode: int) -> None:
        """See AbstractPathIO."""
        raise NotImplementedError

    async def set_times(self, path: PurePath, **times: float | None) -> None:
        """See AbstractPathIO."""
        raise NotImplementedError

    async def symlink(self, target: PurePath, path: PurePath) -> None:
        """See AbstractPathIO."""
        raise NotImplementedError

    async def free_space(self, path: PurePath) -> int:
        """See AbstractPathIO."""
        raise NotImplementedError


@pytest.mark.ftp(path_io_factory=Bare, files={"/a.txt": b"a"})
def test_what_a_storage_cannot_do_is_refused(raw: RawClient) -> None:
    """A storage with only the required operations works: the rest is 504, and ALLO assumes enough space."""
    lines = ("SITE CHMOD 600 a.txt", "MFMT 20200101000000 a.txt", "SITE SYMLINK a.txt b", "AVBL", "ALLO 5")
    assert [raw.code(line) for line in lines] == ["504", "504", "504", "504", "202"]


async def test_a_session_with_many_commands_lets_other_tasks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """While thousands of commands of one packet are handled, other tasks of the loop run."""
    monkeypatch.setattr(aio, "TURN_TIME", -1)
    async with Server(path_io_factory=MemoryPathIO) as server:
        loop, turns = asyncio.get_running_loop(), [0]

        def turn() -> None:
            turns[0] += 1
            loop.call_soon(turn)

        reader, writer = await asyncio.open_connection(*server.address)
        await reader.readline()
        seen: list[int] = []
        server.hub.subscribe(lambda event: seen.append(turns[0]) if isinstance(event, CommandReceived) else None)
        turn()
        writer.write(b"NOOP\r\n" * 2000)
        for _ in range(2000):
            assert (await reader.readline()).startswith(b"200")
        writer.close()
        await writer.wait_closed()

    assert max(seen.count(number) for number in set(seen)) <= 16


class Failing(MemoryPathIO):
    """Raises for some names what is no missing file."""

    @universal_exception
    async def lstat(self, path: PurePath) -> Any:
        """See AbstractPathIO."""
        if path.name == "broken":
            raise OSError(errno.EIO, "the disk hums")
        return await super().lstat(path)

    @universal_exception
    async def readlink(self, path: PurePath) -> PurePath:
        """See AbstractPathIO."""
        raise ZeroDivisionError("a mistake in the layer")


@pytest.mark.ftp(path_io_factory=Failing)
def test_listings_do_not_take_a_broken_disk_for_a_missing_file(raw: RawClient) -> None:
    """LIST of an unreadable directory is 451, not 550."""
    assert raw.fetch("LIST broken")[0] == ["451"]


@pytest.mark.ftp(path_io_factory=Failing, files={"/a.txt": b"a"})
def test_a_bug_while_a_link_is_read_is_raised(ftp_server: FtpServer, raw: RawClient) -> None:
    """An unexpected exception while a link is listed is raised in the test, and the client gets 451."""
    ftp_server.files.symlink("/link", "a.txt")
    assert raw.fetch("LIST")[0] == ["451"]
    with pytest.raises(ServerFailure, match="ZeroDivisionError"):
        ftp_server.check()


class Refusing(Server):
    """Commands that raise a refusal, or never reply, from inside."""

    async def full(self, connection: Connection, rest: str) -> bool:
        """Refuse with the code that ends the session."""
        raise CommandRefused("421", "Too many of you")

    async def full_later(self, connection: Connection, rest: str) -> bool:
        """Do so in a task beside the session."""

        async def refuse() -> bool:
            raise CommandRefused("421", "Too many of you")

        connection.response("150", "We will see")
        connection.extra_workers.add(connection.loop.create_task(refuse()))
        return True

    async def never(self, connection: Connection, rest: str) -> bool:
        """Never reply."""
        raise NoReply

    async def number(self, connection: Connection, rest: str) -> bool:
        """Reply with the session of the task, and of a worker's task."""

        async def reply() -> bool:
            connection.response("200", f"{SESSION.get()}")
            return True

        connection.response("150", f"{SESSION.get()}")
        connection.extra_workers.add(connection.loop.create_task(reply()))
        return True


@pytest.mark.parametrize("lines", ["FULL", "NOOP\r\nFULL\r\nNOOP", "FULL_LATER"])
@pytest.mark.ftp(server_class=Refusing)
def test_a_refusal_with_421_ends_the_session(ftp_server: FtpServer, raw: RawClient, lines: str) -> None:
    """RFC 959 4.2.2: the server closes the control connection, and sends no more replies."""
    raw.send(lines)
    replies = [raw.reply() for _ in range(1 if lines == "FULL" else 2)]

    assert (replies[-1].code, replies[-1].text) == ("421", "Too many of you")
    assert raw.is_closed()
    ended = ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected))
    assert ended.reason == "refused"


@pytest.mark.ftp(server_class=Refusing, idle_timeout=60)
def test_no_reply_lasts_until_the_client_closes(ftp_server: FtpServer, raw: RawClient) -> None:
    """Neither the command nor later ones get a reply, and the idle timeout does not count."""
    raw.send("NOOP\r\nNEVER\r\nNOOP")
    assert raw.reply().code == "200"
    ftp_server.log.wait_for("NEVER")
    ftp_server.server.clock.move(1000)
    raw.send("NOOP")
    raw.sock.shutdown(socket.SHUT_WR)

    assert raw.is_closed()
    assert ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected)).reason == "client closed"
    ftp_server.log.assert_sent("NOOP", times=1)


def test_no_reply_ends_with_the_server() -> None:
    """A client that waits for ever does not delay the close of the server."""
    before = held()
    with FtpServer(server_class=Refusing) as server, RawClient(server.address) as client:
        client.login().send("NEVER")
        server.log.wait_for("NEVER")
        server.stop()
        client.read_to_the_end()
        assert server.log.sessions[0].reason == "shut down"
    assert held() == before


@pytest.mark.ftp(server_class=Refusing)
def test_tasks_know_their_session(connect: Callable[[], RawClient]) -> None:
    """Handlers and their workers have its number; outside there is none."""
    assert SESSION.get() == 0
    clients = [connect().login(), connect().login()]
    for number, client in enumerate(clients, 1):
        assert [client.ask("NUMBER").text, client.reply().text] == [str(number)] * 2
