"""Many clients at once, many tasks on one client, and interruptions at any moment: all data arrive, nothing leaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest

from ftpfixture import (
    Client,
    Connection,
    FtpServer,
    MemoryPathIO,
    Retry,
    Server,
    StatusCodeError,
)
from ftpfixture.files.memory import FileNode, MemoryFiles
from ftpfixture.log.events import Event, ReplySent
from tests.support.leaks import held

LARGE = random.Random(20).randbytes(20_000_000)
SMALL = {f"{number:02}/{name}.bin": f"{name} {number}".encode() * number for number in range(3) for name in "ab"}

SEEDS = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in (1, 2))])
PLACES = pytest.mark.parametrize("place", ["thread", "loop"])


@contextlib.asynccontextmanager
async def serving(place: str, **settings: Any) -> AsyncIterator[FtpServer]:
    """A server on its own thread, or in the loop of the test; then its handle does not start it."""
    handle = FtpServer(**settings)
    if place == "thread":
        with handle:
            yield handle
    else:
        async with handle.server:
            yield handle
        handle.check()


@contextlib.asynccontextmanager
async def logged_in(server: FtpServer, **settings: Any) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with Client.context(*server.server.address, "user", "password", socket_timeout=20, **settings) as client:
        yield client


async def wait_for_no_sessions(server: FtpServer) -> None:
    """Wait until the server has no session left; not on this thread, where the server may run."""
    await asyncio.to_thread(server.log.wait_for, lambda event: not server.sessions)


@pytest.fixture
def loop_errors() -> Iterator[list[dict[str, Any]]]:
    """The errors that the loop reports; there must be none at the end."""
    found: list[dict[str, Any]] = []
    yield found
    assert found == []


@contextlib.asynccontextmanager
async def no_leaks(loop_errors: list[dict[str, Any]]) -> AsyncIterator[None]:
    """Check that after the block there are no more tasks and descriptors than before, and no errors of the loop."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: loop_errors.append(context))
    await asyncio.to_thread(gc.collect)  # from now on the loop's executor has its thread
    tasks, before = asyncio.all_tasks(), held()
    yield
    assert asyncio.all_tasks() == tasks
    if sys.platform == "linux":
        assert held().descriptors == before.descriptors


async def read(client: Client, path: str) -> bytes:
    """Content of a file."""
    async with client.download_stream(path) as stream:
        return await stream.read()


async def write(client: Client, path: str, data: bytes, *, append: bool = False) -> None:
    """Store a file, or append to it."""
    async with client.append_stream(path) if append else client.upload_stream(path) as stream:
        await stream.write(data)


def local_tree(files: dict[str, bytes]) -> MemoryFiles:
    """Local files in memory, below /src."""
    tree = MemoryFiles()
    for name, data in files.items():
        tree.write_file(PurePosixPath("/src", name), data)
    return tree


def content(tree: MemoryFiles, top: str) -> dict[str, bytes]:
    """The files below a directory, by relative path."""
    files = [path for path, node in tree.walk() if path.is_relative_to(top) and isinstance(node, FileNode)]
    return {str(path.relative_to(top)): tree.read_file(path) for path in files}


# Many at once.


@PLACES
@pytest.mark.parametrize("clients", [3, 1], ids=["three clients", "one client"])
async def test_one_large_file_three_times_at_once(place: str, clients: int) -> None:
    """Three downloads of one file at once are equal, with one client each or with three tasks of one client."""

    async def fetch(client: Client) -> str:
        digest = hashlib.sha256()
        async with client.download_stream("large.bin") as stream:
            while piece := await stream.receive():
                digest.update(piece)
        return digest.hexdigest()

    async with serving(place, files={"/large.bin": LARGE}) as server, contextlib.AsyncExitStack() as stack:
        connected = [await stack.enter_async_context(logged_in(server)) for _ in range(clients)]
        digests = await asyncio.gather(*(fetch(connected[number % clients]) for number in range(3)))

    assert digests == [hashlib.sha256(LARGE).hexdigest()] * 3


@PLACES
async def test_fifty_clients_with_a_tree_each(place: str, loop_errors: list[dict[str, Any]]) -> None:
    """Each of fifty clients uploads its own tree and downloads it unchanged; none sees the others."""

    async def round_trip(server: FtpServer, number: int) -> None:
        mine = {name: data + bytes([number]) for name, data in SMALL.items()}
        tree = local_tree(mine)
        async with logged_in(server, path_io_factory=partial(MemoryPathIO, state=tree)) as client:
            await client.upload("/src", f"/{number}", write_into=True)
            await client.download(f"/{number}", "/back", write_into=True)
            assert content(tree, "/back") == mine
            assert {str(path) for path, _ in await client.list(f"/{number}")} == {
                f"/{number}/{part:02}" for part in range(3)
            }

    async with no_leaks(loop_errors), serving(place) as server:
        await asyncio.gather(*(round_trip(server, number) for number in range(50)))
        await wait_for_no_sessions(server)

    assert server.files == {
        f"/{number}/{name}": data + bytes([number]) for number in range(50) for name, data in SMALL.items()
    }


@PLACES
async def test_ten_tasks_on_one_client(place: str) -> None:
    """Uploads, downloads, listings and queries of ten tasks run one after another, each with its own reply."""

    async def work(client: Client, number: int) -> None:
        data = bytes([number]) * (1000 * number + 1)
        steps: list[Callable[[], Awaitable[None]]] = []

        async def rewrite() -> None:
            await write(client, f"/{number}/new", data)
            assert await read(client, f"/{number}/new") == data
            await client.rename(f"/{number}/new", f"/{number}/old")

        async def ask() -> None:
            assert (await client.stat(f"/{number}/kept"))["size"] == str(number)
            assert await client.size(f"/{number}/kept") == number
            assert not await client.exists(f"/{number}/missing")

        async def look() -> None:
            assert f"/{number}/kept" in {str(path) for path, _ in await client.list(f"/{number}", raw_command="LIST")}

        async def refuse() -> None:
            with pytest.raises(StatusCodeError, match=f"/{number}|550"):
                await read(client, f"/{number}/missing")

        steps = [rewrite, ask, look, refuse] * 3
        random.Random(number).shuffle(steps)
        for step in steps:
            await step()

    files: dict[str, bytes | None] = {f"/{number}/kept": b"x" * number for number in range(10)}
    async with serving(place, files=files) as server:
        async with logged_in(server) as client:
            await asyncio.gather(*(work(client, number) for number in range(10)))
        assert len(server.log.sessions) == 1

    written = {f"/{number}/old": bytes([number]) * (1000 * number + 1) for number in range(10)}
    assert server.files == {**files, **written}


@PLACES
async def test_two_clients_write_one_file(place: str) -> None:
    """Both uploads succeed, and the file has the size of one of them and only their bytes."""
    size = 3_000_000
    async with serving(place) as server, logged_in(server) as first, logged_in(server) as second:
        await asyncio.gather(write(first, "both", b"1" * size), write(second, "both", b"2" * size))
        counts = Counter(await read(first, "both"))
        assert set(counts) <= set(b"12")
        assert counts.total() == size
        await write(second, "both", b"3")
        assert await read(first, "both") == b"3"


@PLACES
async def test_two_clients_append_to_one_file(place: str) -> None:
    """No appended data are lost or overwritten."""
    size = 3_000_000
    async with serving(place, files={"/both": b"0"}) as server, logged_in(server) as first, logged_in(server) as second:
        await asyncio.gather(
            *(write(client, "both", letter * size, append=True) for client, letter in ((first, b"1"), (second, b"2")))
        )
        data = await read(first, "both")
    assert (data[:1], Counter(data)) == (b"0", {ord("0"): 1, ord("1"): size, ord("2"): size})


# Interruptions.


class Canceller:
    """Cancels at most `most` tasks, one at random at about every `mean`-th event of a server."""

    def __init__(self, server: FtpServer, seed: int, *, most: int, mean: int) -> None:
        self._random = random.Random(seed)
        self._most = most
        self._mean = mean
        self._loop = asyncio.get_running_loop()
        self.tasks: list[asyncio.Task[None]] = []
        self.cancelled = 0
        server.server.hub.subscribe(self._event)

    def _event(self, event: Event) -> None:
        if self._random.randrange(self._mean) == 0:
            self._loop.call_soon_threadsafe(self._cancel_one)

    def _cancel_one(self) -> None:
        running = [task for task in self.tasks if not task.done() and not task.cancelling()]
        if running and self.cancelled < self._most:
            self._random.choice(running).cancel()
            self.cancelled += 1


async def use_everything(server: FtpServer, number: int) -> None:
    """Use everything of a client, in its own directory."""
    tree = local_tree(SMALL)
    async with logged_in(server, path_io_factory=partial(MemoryPathIO, state=tree)) as client:
        await client.upload("/src", f"/{number}")
        await write(client, f"/{number}/more", b"more" * 100_000)
        await client.list(f"/{number}", recursive=True)
        await client.download(f"/{number}/src", "/back")
        async with client.download_stream("/large") as stream:
            await stream.readexactly(100)
            await client.abort()
        await client.rename(f"/{number}/more", f"/{number}/less")
        assert await read(client, "/large") == bytes(500_000)
        await client.remove(f"/{number}")


@PLACES
@SEEDS
async def test_clients_cancelled_at_any_moment(place: str, seed: int, loop_errors: list[dict[str, Any]]) -> None:
    """A cancelled client leaks nothing, on either side; the others finish, and the server still works."""
    async with no_leaks(loop_errors), serving(place, files={"/large": bytes(500_000)}) as server:
        canceller = Canceller(server, seed, most=30, mean=120)
        canceller.tasks = [asyncio.create_task(use_everything(server, number)) for number in range(40)]
        outcomes = await asyncio.gather(*canceller.tasks, return_exceptions=True)
        await wait_for_no_sessions(server)
        await use_everything(server, 99)
        await wait_for_no_sessions(server)

    left = [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, asyncio.CancelledError)]
    assert left == []
    assert 10 <= outcomes.count(None) < 40
    assert canceller.cancelled == 40 - outcomes.count(None)


@PLACES
@SEEDS
async def test_tasks_of_one_client_cancelled_at_any_moment(
    place: str, seed: int, loop_errors: list[dict[str, Any]]
) -> None:
    """A task cancelled during an exchange closes the connection, and the others get an error; no task hangs."""
    async with no_leaks(loop_errors), serving(place, files={"/large": bytes(500_000)}) as server:
        client = Client(socket_timeout=20)

        async def use(number: int) -> None:
            for _ in range(4):
                await write(client, f"/{number}", b"x" * number)
                assert len(await read(client, "/large")) == 500_000
                assert (await client.stat(f"/{number}"))["size"] == str(number)

        canceller = Canceller(server, seed, most=30, mean=60)
        for _ in range(3):
            await client.connect(*server.server.address)
            await client.login("user", "password")
            canceller.tasks = [asyncio.create_task(use(number)) for number in range(10)]
            outcomes = await asyncio.gather(*canceller.tasks, return_exceptions=True)
            wrong = [
                outcome
                for outcome in outcomes
                if not isinstance(outcome, asyncio.CancelledError | ConnectionError | None)
            ]
            assert wrong == []
            if any(isinstance(outcome, ConnectionError) for outcome in outcomes):
                assert any(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        client.close()
        await wait_for_no_sessions(server)
    assert canceller.cancelled > 0


async def test_a_waiting_task_is_cancelled(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A task that has sent nothing yet can be cancelled: the transfer continues, and so do the other tasks."""
    async with ftp_client.upload_stream("a") as stream:
        waiting = [asyncio.create_task(ftp_client.size("a")) for _ in range(3)]
        await stream.write(b"1")
        waiting[1].cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.create_task(ftp_client.noop())
        await stream.write(b"2")
    assert await waiting[0] == await waiting[2] == 2
    assert waiting[1].cancelled()


@PLACES
@pytest.mark.parametrize("size", [1000, 200_000, 1 << 26])
async def test_abort_from_another_task(place: str, size: int, loop_errors: list[dict[str, Any]]) -> None:
    """The task with the aborted download gets ConnectionAbortedError, unless it had all data; the client continues."""
    async with no_leaks(loop_errors), serving(place, files={"/a": bytes(size), "/b": b"b"}) as server:
        async with logged_in(server, retry=Retry(delay=0)) as client:
            for _ in range(5):
                started = asyncio.Event()
                task = asyncio.create_task(_download(client, started))
                await started.wait()
                await client.abort()
                with contextlib.suppress(ConnectionAbortedError):
                    assert await task == size
                assert await read(client, "b") == b"b"
        await wait_for_no_sessions(server)


async def _download(client: Client, started: asyncio.Event) -> int:
    received = 0
    async with client.download_stream("a") as stream:
        while piece := await stream.receive(1000):
            started.set()
            received += len(piece)
    return received


async def test_abort_of_an_upload_from_another_task(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The task with the aborted upload gets ConnectionAbortedError, and its file is known to be partial."""
    started = asyncio.Event()

    async def send() -> None:
        async with ftp_client.upload_stream("a") as stream:
            while True:
                await stream.write(bytes(100_000))
                started.set()

    task = asyncio.create_task(send())
    await started.wait()
    await ftp_client.abort()
    with pytest.raises(ConnectionError):
        await task
    assert await ftp_client.get_current_directory() == PurePosixPath("/")
    assert ftp_server.log.transfers[-1].completed is False


async def test_abort_is_not_undone_by_a_retry(ftp_server: FtpServer) -> None:
    """An aborted transfer is not retried."""
    ftp_server.files["/a"] = bytes(1 << 26)
    tree = MemoryFiles()
    started = asyncio.Event()
    settings = {"retry": Retry(delay=0), "path_io_factory": partial(MemoryPathIO, state=tree)}
    async with logged_in(ftp_server, **settings) as client:
        task = asyncio.create_task(client.download("/a", "/", block_size=1000, progress=lambda *_: started.set()))
        await started.wait()
        await client.abort()
        with pytest.raises(ConnectionAbortedError):
            await task
        assert await client.get_current_directory() == PurePosixPath("/")
    assert len(ftp_server.log.find("RETR")) == 1


async def test_two_tasks_abort_at_once(ftp_server: FtpServer) -> None:
    """The second abort finds no transfer, and both return."""
    ftp_server.files["/a"] = bytes(1 << 26)
    async with logged_in(ftp_server) as client:
        started = asyncio.Event()
        task = asyncio.create_task(_download(client, started))
        await started.wait()
        await asyncio.gather(client.abort(), client.abort())
        with pytest.raises(ConnectionAbortedError):
            await task
        assert await client.get_current_directory() == PurePosixPath("/")


async def test_a_cancelled_abort_closes_the_client(ftp_server: FtpServer, loop_errors: list[dict[str, Any]]) -> None:
    """After a cancelled abort replies may be out of sync: the client is closed, and can connect again."""
    ftp_server.files["/a"] = bytes(1 << 26)
    async with no_leaks(loop_errors):
        client = Client()
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        stream = await client.download_stream("a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.abort()
        with pytest.raises(ConnectionError, match="cancelled"):
            await client.noop()
        with pytest.raises(ConnectionAbortedError):
            await stream.read()
        await client.reconnect()
        await client.noop()
        await client.quit()
        await wait_for_no_sessions(ftp_server)


class _ClosingServer(Server):
    """A server that closes the control connection instead of every fourth download."""

    downloads = 0

    async def retr(self, connection: Connection, rest: str) -> bool:
        """Send a file, or close."""
        self.downloads += 1
        return self.downloads % 4 > 0 and await super().retr(connection, rest)


@pytest.mark.illegal_replies
@PLACES
async def test_tasks_that_lose_the_connection_share_a_new_one(place: str, loop_errors: list[dict[str, Any]]) -> None:
    """Of ten tasks with retries one reconnects, for all of them, each time the connection is lost."""
    files: dict[str, bytes | None] = {f"/{number}": bytes([number]) * 100_000 for number in range(10)}
    tree = MemoryFiles()
    settings = {"retry": Retry(attempts=10, delay=0), "path_io_factory": partial(MemoryPathIO, state=tree)}
    async with no_leaks(loop_errors), serving(place, server_class=_ClosingServer, files=files) as server:
        async with logged_in(server, **settings) as client:
            await asyncio.gather(*(client.download(path, "/here") for path in files))
        assert len(server.log.sessions) == 4  # thirteen downloads for ten files
        await wait_for_no_sessions(server)
    assert {f"/{name}": data for name, data in content(tree, "/here").items()} == files


# Speed limits and timeouts.


class Clock:
    """A clock of a loop that advances only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, delay: float) -> None:
        """Advance the time at once, and let other tasks run."""
        self.now += delay
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock for the speed limits of clients; the server has none."""
    clock = Clock()
    for module in ("throttle", "stream"):
        names = {**vars(asyncio), "get_running_loop": lambda: clock}
        monkeypatch.setattr(f"ftpfixture.net.{module}.asyncio", SimpleNamespace(**names))
    monkeypatch.setattr("ftpfixture.net.throttle.pause", clock.sleep)
    return clock


@pytest.mark.parametrize("direction", ["read", "write"])
async def test_a_client_keeps_to_its_limits(ftp_server: FtpServer, clock: Clock, direction: str) -> None:
    """A transfer takes its size divided by the limit; the other direction takes no time."""
    ftp_server.files["/down"] = bytes(500_000)
    async with logged_in(ftp_server, **{f"{direction}_speed_limit": 100_000}) as client:
        assert await read(client, "down") == bytes(500_000)
        down = clock.now
        await write(client, "up", bytes(500_000))
        up = clock.now - down
    assert ftp_server.files["/up"] == bytes(500_000)
    # There is no wait after the last block, and none in the other direction.
    expected = (5, 0) if direction == "read" else (0, 5)
    assert (down, up) == pytest.approx(expected, abs=0.051)


async def test_a_limit_can_be_changed_during_a_transfer(ftp_server: FtpServer, clock: Clock) -> None:
    """A limit that is set, changed and removed during a transfer takes effect at once."""
    ftp_server.files["/down"] = bytes(400_000)
    times = []
    async with logged_in(ftp_server) as client, client.download_stream("down") as stream:
        for limit in (None, 100_000, 50_000, None):
            client.throttle.read.limit = limit
            left = 100_000
            while left:
                left -= len(await stream.receive(left))
            times.append(clock.now)
    assert times == pytest.approx([0, 1, 3, 3], abs=0.11)


async def test_each_client_has_its_own_limits(ftp_server: FtpServer, clock: Clock) -> None:
    """Each client waits only for its own bytes, and commands do not wait."""
    ftp_server.files["/down"] = bytes(100_000)
    async with logged_in(ftp_server, read_speed_limit=100_000) as slow, logged_in(ftp_server) as fast:
        for client in (fast, slow):
            await read(client, "down")
        assert clock.now == pytest.approx(1, abs=0.051)
        before = clock.now
        for _ in range(100):
            await slow.noop()
        assert clock.now == before


class _WithoutReply(Server):
    """A server with a command to which it does not reply."""

    async def hang(self, connection: Connection, rest: str) -> bool:
        """Wait forever."""
        await asyncio.Event().wait()
        return True


async def test_a_timeout_of_the_caller(loop_errors: list[dict[str, Any]]) -> None:
    """When the caller's timeout expires between command and reply, the client is closed, and can reconnect."""
    async with (
        no_leaks(loop_errors),
        serving("thread", server_class=_WithoutReply) as server,
        logged_in(server) as client,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.command("HANG", "2xx")
        with pytest.raises(ConnectionError, match="a call was cancelled before its reply arrived"):
            await client.noop()
        await client.reconnect()
        await client.noop()


def _end_now(limit: asyncio.Timeout, loop: asyncio.AbstractEventLoop, *_: object) -> None:
    limit.reschedule(loop.time())


@pytest.mark.ftp(files={"/a": bytes(10_000_000)})
@pytest.mark.parametrize("direction", ["down", "up"])
async def test_a_timeout_of_the_caller_in_a_transfer(
    ftp_server: FtpServer, loop_errors: list[dict[str, Any]], direction: str
) -> None:
    """When the caller's timeout expires within a file, nothing stays open, and the client can reconnect."""
    loop = asyncio.get_running_loop()
    tree = MemoryFiles()
    tree.write_file("/b", bytes(10_000_000))
    client = Client(path_io_factory=partial(MemoryPathIO, state=tree))

    async def transfer() -> None:
        async with asyncio.timeout(None) as limit:
            started = partial(_end_now, limit, loop)
            if direction == "down":
                await client.download("/a", "/", block_size=1000, progress=started)
            else:
                await client.upload("/b", block_size=1000, progress=started)

    async with no_leaks(loop_errors):
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        with pytest.raises(TimeoutError):
            await transfer()
        with pytest.raises(ConnectionError, match="cancelled"):
            await client.noop()
        await client.reconnect()
        assert await client.size("/a") == 10_000_000
        await client.quit()
        await wait_for_no_sessions(ftp_server)
    assert ftp_server.log.transfers[0].completed is False


# The end of loops and servers.


@pytest.mark.parametrize("ending", ["quit", "close", "nothing", "stream", "task"])
def test_one_client_in_two_loops(ftp_server: FtpServer, ending: str) -> None:
    """A client connects in one loop after another, however it ended in the last one, with several tasks in each."""
    ftp_server.files["/a"] = bytes(1_000_000)
    client = Client()

    async def use() -> list[int]:
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        sizes = [len(data) for data in await asyncio.gather(*(read(client, "a") for _ in range(3)))]
        if ending == "quit":
            await client.quit()
        elif ending == "close":
            client.close()
        elif ending == "stream":
            await (await client.download_stream("a")).readexactly(10)
        elif ending == "task":
            task = asyncio.create_task(_download(client, asyncio.Event()))  # asyncio.run cancels it
            await asyncio.sleep(0)
            assert not task.done()
        return sizes

    for _ in range(3):
        assert asyncio.run(use()) == [1_000_000] * 3
    client.close()


@pytest.mark.each_once
@PLACES
@pytest.mark.parametrize("seed", range(4))
async def test_a_server_that_stops_during_transfers(place: str, seed: int, loop_errors: list[dict[str, Any]]) -> None:
    """Every client gets an error of the connection or 421 at once; nothing leaks on either side."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    now = asyncio.Event()
    left = chance.randrange(20, 600)

    def count(event: Event) -> None:
        nonlocal left
        left -= isinstance(event, ReplySent)
        if left == 0:
            loop.call_soon_threadsafe(now.set)

    async with no_leaks(loop_errors):
        server = FtpServer(files={"/large": bytes(500_000)})
        server.server.hub.subscribe(count)
        if place == "thread":
            server.start()
        else:
            await server.server.start()
        tasks = [asyncio.create_task(use_everything(server, number)) for number in range(20)]
        await now.wait()
        if place == "thread":
            await asyncio.to_thread(server.stop)
        else:
            await server.server.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        server.check()

    assert any(outcomes)
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, OSError | StatusCodeError)
        if isinstance(outcome, StatusCodeError):
            assert outcome.received_codes[0] in ("421", "426")
