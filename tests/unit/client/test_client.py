"""The whole client: what several calls have in common, above all when they are cancelled at any point."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path, PurePosixPath
from typing import Any, Unpack

import pytest

from ftpfixture import BaseClient, Client, Code, FtpServer, MemoryPathIO, Retry, Server, StatusCodeError
from ftpfixture.client import ClientSettings, resync
from tests.support.interrupt import Interrupted

FILES = {"/d/f": b"data" * 100, "/d/e/g": b"", "/x": b"123"}


def plant(layer: MemoryPathIO, files: dict[str, bytes]) -> None:
    """Create files in a layer."""
    for path, data in files.items():
        layer.state.write_file(PurePosixPath(path), data)


async def begin(server: Server, **settings: Any) -> Client:
    """A client that is logged in, with its own files in memory."""
    client = Client(**{"path_io_factory": MemoryPathIO, "connection_timeout": 20, **settings})
    assert isinstance(client.path_io, MemoryPathIO)
    plant(client.path_io, {"/own/f": b"own" * 100, "/own/e/g": b"", "/own/half": b"12345"})
    await client.connect(*server.address)
    await client.login()
    return client


# Cancelled at any point.


async def use_streams(client: Client) -> None:
    """Read one file and write another."""
    async with client.download_stream("/d/f", offset=4) as stream:
        assert await stream.readexactly(4) == b"data"
        assert len(await stream.read()) == 392
    async with client.upload_stream("/new") as stream:
        await stream.write(b"new")
    stream = await client.append_stream("/new")
    await stream.write(b"er")
    await stream.finish()


async def close_a_stream(client: Client) -> None:
    """Close a stream, so that the next command skips its reply."""
    stream = await client.download_stream("/d/f")
    stream.close()
    await client.noop()


async def fail_in_a_stream(client: Client) -> None:
    """Raise an error in the block of a stream."""
    try:
        async with client.upload_stream("/new") as stream:
            await stream.write(b"new")
            raise ZeroDivisionError
    except ZeroDivisionError:
        await client.noop()


async def abort(client: Client) -> None:
    """Abort a transfer."""
    async with client.download_stream("/d/f") as stream:
        await stream.read(1)
        await client.abort()
    await client.noop()


async def command_afterwards(client: Client) -> None:
    """Open data connections, and send the commands afterwards."""
    async with client.get_stream() as stream:
        await client.command("RETR /x", "1xx")
        await stream.read()
    stream = await client.get_passive_connection()
    await client.command("RETR /x", "1xx")
    await stream.read()
    await stream.finish()


async def ask(client: Client) -> None:
    """Send every query of the client."""
    await client.features()
    await client.system()
    await client.stat_server()
    await client.size("/x")
    await client.modified("/x")
    await client.set_modified("/x", 5)
    await client.hash("/x")
    await client.stat("/x")
    await client.exists("/none")
    await client.get_current_directory()


async def change(client: Client) -> None:
    """Change names and directories."""
    await client.make_directory("/p/q/r")
    await client.rename("/p/q/r", "/p/s")
    await client.chmod("/p/s", 0o700)
    await client.change_directory("/p")
    await client.change_directory()
    await client.remove_directory("/p/s")
    await client.remove_file("/x")
    await client.remove("/d")
    await client.command("NOOP", "2xx")


async def connect_again(client: Client) -> None:
    """Reconnect in several ways."""
    await client.change_directory("/d")
    await client.reconnect()
    await client.quit()
    await client.reconnect()


async def connect_while_connected(client: Client) -> None:
    """Connect and log in with a client that is connected."""
    await client.connect(client.server_host, client.server_port)
    await client.login()


async def a_context(client: Client) -> None:
    """Use another client as a context manager."""
    async with Client.context(client.server_host, client.server_port) as other:
        await other.noop()


async def a_context_with_an_error(client: Client) -> None:
    """Use another client as a context manager, and raise an error."""
    try:
        async with Client.context(client.server_host, client.server_port):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


async def everything_listed(client: Client) -> None:
    """List everything, with every command."""
    assert len(await client.list("/", recursive=True)) == 5
    assert len(await client.list("/d", raw_command="LIST")) == 2
    assert len(await client.nlst("/")) == 2


async def mirror(client: Client) -> None:
    """Mirror both ways."""
    await client.mirror_up("/own", "/mirror")
    await client.mirror_down("/d", "/own", delete=True)


async def download(client: Client) -> None:
    """Download a tree."""
    await client.download("/d", "/in", verify=True, progress=lambda *_: None)


async def upload(client: Client) -> None:
    """Upload a tree."""
    await client.upload("/own", "/in", verify=True)


async def resume(client: Client) -> None:
    """Resume a transfer, both ways."""
    async with client.upload_stream("/half") as stream:
        await stream.write(b"123")
    await client.upload("/own/half", "/", resume=True)
    await client.download("/half", "/own", resume=True)


PASSIVE = [use_streams, close_a_stream, fail_in_a_stream, abort, command_afterwards, ask, change, connect_again]
PASSIVE += [
    connect_while_connected,
    a_context,
    a_context_with_an_error,
    everything_listed,
    mirror,
    download,
    upload,
    resume,
]
PASSIVE += [resume]
ACTIVE = [use_streams, close_a_stream, fail_in_a_stream, abort, everything_listed]

Scenario = Callable[[Client], Coroutine[Any, Any, None]]
SCENARIOS: list[tuple[Scenario, dict[str, Any]]] = [
    *((scenario, {}) for scenario in PASSIVE),
    *((scenario, {"passive_commands": ["eprt"]}) for scenario in ACTIVE),
    (download, {"retry": Retry(delay=0)}),
    (connect_again, {"retry": Retry(delay=0)}),
]
NAMES = ["-".join([scenario.__name__, *settings]) for scenario, settings in SCENARIOS]


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """All network sockets that are created."""
    sockets: list[socket.socket] = []

    class Counted(socket.socket):
        """A socket that is recorded."""

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            if self.family in (socket.AF_INET, socket.AF_INET6):  # others belong to loops
                sockets.append(self)

    monkeypatch.setattr(socket, "socket", Counted)
    return sockets


async def still_works(client: Client) -> None:
    """Check that a client still gets the right replies, or raises an error that says to connect."""
    if not client.control.is_open:
        with pytest.raises(ConnectionError, match=r"connect again$|await connect\(host, port\)"):
            await client.noop()
        return
    await client.noop()
    async with client.upload_stream("/check") as stream:
        await stream.write(b"check")
    async with client.download_stream("/check") as stream:
        assert await stream.read() == b"check"
    await client.command("SITE UNKNOWN", "5xx")
    await client.get_current_directory()


@pytest.mark.each_once
@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize(("scenario", "settings"), SCENARIOS, ids=NAMES)
async def test_cancelled_anywhere(
    scenario: Scenario,
    settings: dict[str, Any],
    late: bool,
    monkeypatch: pytest.MonkeyPatch,
    created: list[socket.socket],
) -> None:
    """A call may be cancelled at any point: it leaves nothing open or running; the client works, or says what to do."""
    monkeypatch.setattr(resync, "_GRACE", 0.001)
    others = asyncio.all_tasks()
    number, reached = 0, True
    while reached:
        server = Server(path_io_factory=MemoryPathIO)
        plant(server.path_io_factory(), FILES)  # type: ignore[arg-type]
        await server.start()
        client = await begin(server, **settings)
        call = Interrupted(scenario(client), number, late=late)
        [outcome] = await asyncio.gather(_run(call), return_exceptions=True)
        reached = call.reached
        assert outcome is None or (reached and isinstance(outcome, asyncio.CancelledError)), (number, outcome)
        async with asyncio.timeout(20):
            await asyncio.create_task(still_works(client))
        client.close()
        await server.close()
        running = asyncio.all_tasks() - others
        if running:
            _, pending = await asyncio.wait(running, timeout=20)
            assert not pending
        assert created
        assert [sock for sock in created if sock.fileno() != -1] == [], number
        created.clear()
        number += 1
    assert number > 2


async def _run(call: Interrupted[None]) -> None:
    await call


# Shared.


@pytest.mark.ftp(files={"/d/f": b"data"})
async def test_one_client_for_many_tasks(ftp_client: Client, ftp_server: FtpServer) -> None:
    """Tasks that share a client do not disturb each other."""

    async def write_and_read(number: int) -> None:
        data = bytes([number]) * 1000
        async with ftp_client.upload_stream(f"/{number}") as stream:
            await stream.write(data)
        async with ftp_client.download_stream(f"/{number}") as stream:
            assert await stream.read() == data
        assert await ftp_client.size(f"/{number}") == 1000
        assert [path.name for path, _ in await ftp_client.list("/d", raw_command="LIST")] == ["f"]
        with pytest.raises(StatusCodeError, match="550"):
            await ftp_client.download_stream("/none")
        await ftp_client.rename(f"/{number}", f"/d/{number}")
        await ftp_client.remove(f"/d/{number}")

    await asyncio.gather(*(write_and_read(number) for number in range(8)))

    assert ftp_server.files == {"/d/f": b"data"}


async def test_one_loop_after_another(ftp_server: FtpServer) -> None:
    """A client may be used in several event loops, one after another, when it connects again in each."""
    client = Client()

    async def use() -> list[Any]:
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        found = await client.list()
        client.close()
        return found

    assert await asyncio.to_thread(lambda: [asyncio.run(use()) for _ in range(3)]) == [[], [], []]


# The class.


def test_client_takes_the_settings_of_its_bases() -> None:
    """`retry` is a setting of the client; all others are settings of the base client."""
    retry = Retry()
    client = Client(retry=retry, encoding="latin-1", socket_timeout=3)
    assert (client.retry, client.encoding, client.socket_timeout) == (retry, "latin-1", 3)
    assert Client().retry is None
    assert isinstance(client, BaseClient)


async def test_a_subclass_adds_operations(ftp_server: FtpServer) -> None:
    """A subclass can build its own operations from the public ones."""

    class Mine(Client):
        """A client with one more operation."""

        async def help(self, verb: str) -> str:
            """The text of the HELP reply."""
            _, lines = await self.ask(f"HELP {verb}", "2xx")
            return " ".join(lines)

    async with Mine.context(*ftp_server.address, *ftp_server.credentials) as client:
        assert "NOOP" in await client.help("NOOP")


class Recording(Client):
    """Overrides the methods that all operations use, and narrows the type of a setting."""

    socket_timeout: float

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        settings.setdefault("socket_timeout", 30)
        super().__init__(**settings)
        self.sent: list[str] = []

    async def command(
        self,
        command: str | None = None,
        expected_codes: str | tuple[str, ...] = (),
        wait_codes: str | tuple[str, ...] = (),
        censor_after: int | None = None,
    ) -> tuple[Code, list[str]] | None:
        """Record the command."""
        self.sent.append(command or "-")
        return await super().command(command, expected_codes, wait_codes, censor_after)

    async def parse_line(self) -> tuple[Code, str]:
        """Return the text in upper case."""
        code, rest = await super().parse_line()
        return code, rest.upper()

    async def parse_response(self) -> tuple[Code, list[str]]:
        """Add a line."""
        code, lines = await super().parse_response()
        return code, [*lines, "more"]

    async def stat(self, path: str | PurePosixPath) -> dict[str, Any]:
        """Answer without a command."""
        return {"type": "file", "path": str(path)}


@pytest.mark.ftp(files={"/a.txt": b"hello"})
async def test_all_operations_use_what_a_subclass_overrides(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Operations call each other on the client, so an override in a subclass is used by all of them."""
    async with Recording.context(*ftp_server.address, *ftp_server.credentials) as client:
        assert await client.ask("NOOP", "2xx") == ("200", [" NOTHING DONE", "more"])
        client.sent.clear()
        await client.download("a.txt", tmp_path)
        assert await client.is_file("nothing")
    assert client.sent == ["TYPE I", "EPSV", "RETR a.txt", "-", "QUIT"]
    assert (tmp_path / "a.txt").read_bytes() == b"hello"
