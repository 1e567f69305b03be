"""Many clients at once, many tasks on one client, and what breaks off at any moment: all arrives, and nothing stays."""

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
    """A server on its own thread, or in the loop of the test; in the latter its handle does not start it."""
    handle = FtpServer(**settings)
    if place == "thread":
        with handle:
            yield handle
    else:
        async with handle.server:
            yield handle
        handle.check()


@contextlib.asynccontextmanager
async def visit(server: FtpServer, **settings: Any) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with Client.context(*server.server.address, "user", "password", socket_timeout=20, **settings) as client:
        yield client


async def deserted(server: FtpServer) -> None:
    """Wait until the server has no session left; not on this thread, where the server may run."""
    await asyncio.to_thread(server.log.wait_for, lambda event: not server.sessions)


@pytest.fixture
def complaints() -> Iterator[list[dict[str, Any]]]:
    """What a loop has to complain of; there must be nothing in the end."""
    found: list[dict[str, Any]] = []
    yield found
    assert found == []


@contextlib.asynccontextmanager
async def nothing_left(complaints: list[dict[str, Any]]) -> AsyncIterator[None]:
    """Hold that after the block there is no task and no descriptor more than before, and nothing was dropped unread."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    await asyncio.to_thread(gc.collect)  # the loop's executor has its thread from now on
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


# Much at once.


@PLACES
@pytest.mark.parametrize("clients", [3, 1], ids=["three clients", "one client"])
async def test_one_large_file_three_times_at_once(place: str, clients: int) -> None:
    """Three downloads of one file at once bring the same octets, with a client each or as three tasks of one client."""

    async def fetch(client: Client) -> str:
        digest = hashlib.sha256()
        async with client.download_stream("large.bin") as stream:
            while piece := await stream.receive():
                digest.update(piece)
        return digest.hexdigest()

    async with serving(place, files={"/large.bin": LARGE}) as server, contextlib.AsyncExitStack() as stack:
        made = [await stack.enter_async_context(visit(server)) for _ in range(clients)]
        digests = await asyncio.gather(*(fetch(made[number % clients]) for number in range(3)))

    assert digests == [hashlib.sha256(LARGE).hexdigest()] * 3


@PLACES
async def test_fifty_clients_with_a_tree_each(place: str, complaints: list[dict[str, Any]]) -> None:
    """Each of fifty clients sends a tree of its own and gets it back as it was; none sees anything of the others."""

    async def there_and_back(server: FtpServer, number: int) -> None:
        mine = {name: data + bytes([number]) for name, data in SMALL.items()}
        tree = local_tree(mine)
        async with visit(server, path_io_factory=partial(MemoryPathIO, state=tree)) as client:
            await client.upload("/src", f"/{number}", write_into=True)
            await client.download(f"/{number}", "/back", write_into=True)
            assert content(tree, "/back") == mine
            assert {str(path) for path, _ in await client.list(f"/{number}")} == {
                f"/{number}/{part:02}" for part in range(3)
            }

    async with nothing_left(complaints), serving(place) as server:
        await asyncio.gather(*(there_and_back(server, number) for number in range(50)))
        await deserted(server)

    assert server.files == {
        f"/{number}/{name}": data + bytes([number]) for number in range(50) for name, data in SMALL.items()
    }


@PLACES
async def test_ten_tasks_on_one_client(place: str) -> None:
    """Uploads, downloads, listings and questions of ten tasks come one after another, each with its own answer."""

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
        async with visit(server) as client:
            await asyncio.gather(*(work(client, number) for number in range(10)))
        assert len(server.log.sessions) == 1

    written = {f"/{number}/old": bytes([number]) * (1000 * number + 1) for number in range(10)}
    assert server.files == {**files, **written}


@PLACES
async def test_two_clients_write_one_file(place: str) -> None:
    """Both are told that their file is stored, and it is as long as one of them and made of their octets only."""
    size = 3_000_000
    async with serving(place) as server, visit(server) as first, visit(server) as second:
        await asyncio.gather(write(first, "both", b"1" * size), write(second, "both", b"2" * size))
        counts = Counter(await read(first, "both"))
        assert set(counts) <= set(b"12")
        assert counts.total() == size
        await write(second, "both", b"3")
        assert await read(first, "both") == b"3"


@PLACES
async def test_two_clients_append_to_one_file(place: str) -> None:
    """Nothing of what either appends is lost or written over."""
    size = 3_000_000
    async with serving(place, files={"/both": b"0"}) as server, visit(server) as first, visit(server) as second:
        await asyncio.gather(
            *(write(client, "both", letter * size, append=True) for client, letter in ((first, b"1"), (second, b"2")))
        )
        data = await read(first, "both")
    assert (data[:1], Counter(data)) == (b"0", {ord("0"): 1, ord("1"): size, ord("2"): size})


# What is broken off.


class Reaper:
    """Cancels tasks, at most so many, one by chance at every so many events of a server."""

    def __init__(self, server: FtpServer, seed: int, *, most: int, mean: int) -> None:
        self._chance = random.Random(seed)
        self._most = most
        self._mean = mean
        self._loop = asyncio.get_running_loop()
        self.tasks: list[asyncio.Task[None]] = []
        self.cancelled = 0
        server.server.hub.subscribe(self._event)

    def _event(self, event: Event) -> None:
        if self._chance.randrange(self._mean) == 0:
            self._loop.call_soon_threadsafe(self._cancel_one)

    def _cancel_one(self) -> None:
        running = [task for task in self.tasks if not task.done() and not task.cancelling()]
        if running and self.cancelled < self._most:
            self._chance.choice(running).cancel()
            self.cancelled += 1


async def errand(server: FtpServer, number: int) -> None:
    """All that a client does, in a directory of its own."""
    tree = local_tree(SMALL)
    async with visit(server, path_io_factory=partial(MemoryPathIO, state=tree)) as client:
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
async def test_clients_cancelled_at_any_moment(place: str, seed: int, complaints: list[dict[str, Any]]) -> None:
    """Who is cancelled leaves nothing behind, on either side, and who is not finishes; the server is as good as new."""
    async with nothing_left(complaints), serving(place, files={"/large": bytes(500_000)}) as server:
        reaper = Reaper(server, seed, most=30, mean=120)
        reaper.tasks = [asyncio.create_task(errand(server, number)) for number in range(40)]
        outcomes = await asyncio.gather(*reaper.tasks, return_exceptions=True)
        await deserted(server)
        await errand(server, 99)
        await deserted(server)

    left = [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, asyncio.CancelledError)]
    assert left == []
    assert 10 <= outcomes.count(None) < 40
    assert reaper.cancelled == 40 - outcomes.count(None)


@PLACES
@SEEDS
async def test_tasks_of_one_client_cancelled_at_any_moment(
    place: str, seed: int, complaints: list[dict[str, Any]]
) -> None:
    """A task that is cancelled while it talks costs the connection, and the others are told; nobody waits for ever."""
    async with nothing_left(complaints), serving(place, files={"/large": bytes(500_000)}) as server:
        client = Client(socket_timeout=20)

        async def use(number: int) -> None:
            for _ in range(4):
                await write(client, f"/{number}", b"x" * number)
                assert len(await read(client, "/large")) == 500_000
                assert (await client.stat(f"/{number}"))["size"] == str(number)

        reaper = Reaper(server, seed, most=30, mean=60)
        for _ in range(3):
            await client.connect(*server.server.address)
            await client.login("user", "password")
            reaper.tasks = [asyncio.create_task(use(number)) for number in range(10)]
            outcomes = await asyncio.gather(*reaper.tasks, return_exceptions=True)
            wrong = [
                outcome
                for outcome in outcomes
                if not isinstance(outcome, asyncio.CancelledError | ConnectionError | None)
            ]
            assert wrong == []
            if any(isinstance(outcome, ConnectionError) for outcome in outcomes):
                assert any(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        client.close()
        await deserted(server)
    assert reaper.cancelled > 0


async def test_a_task_that_waits_for_its_turn_is_cancelled_without_harm(
    ftp_client: Client, ftp_server: FtpServer
) -> None:
    """Who has said nothing yet can go: the transfer that runs goes on, and so does who waits behind."""
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
async def test_abort_from_another_task(place: str, size: int, complaints: list[dict[str, Any]]) -> None:
    """The task whose download is broken off meets ConnectionAbortedError, unless it had all; the client goes on."""
    async with nothing_left(complaints), serving(place, files={"/a": bytes(size), "/b": b"b"}) as server:
        async with visit(server, retry=Retry(delay=0)) as client:
            for _ in range(5):
                begun = asyncio.Event()
                task = asyncio.create_task(_download(client, begun))
                await begun.wait()
                await client.abort()
                with contextlib.suppress(ConnectionAbortedError):
                    assert await task == size
                assert await read(client, "b") == b"b"
        await deserted(server)


async def _download(client: Client, begun: asyncio.Event) -> int:
    octets = 0
    async with client.download_stream("a") as stream:
        while piece := await stream.receive(1000):
            begun.set()
            octets += len(piece)
    return octets


async def test_abort_of_an_upload_from_another_task(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The task whose upload is broken off meets ConnectionAbortedError, and its file is known to be no whole one."""
    begun = asyncio.Event()

    async def send() -> None:
        async with ftp_client.upload_stream("a") as stream:
            while True:
                await stream.write(bytes(100_000))
                begun.set()

    task = asyncio.create_task(send())
    await begun.wait()
    await ftp_client.abort()
    with pytest.raises(ConnectionError):
        await task
    assert await ftp_client.get_current_directory() == PurePosixPath("/")
    assert ftp_server.log.transfers[-1].completed is False


async def test_abort_is_not_undone_by_a_retry(ftp_server: FtpServer) -> None:
    """What was broken off on purpose is not tried again."""
    ftp_server.files["/a"] = bytes(1 << 26)
    tree = MemoryFiles()
    begun = asyncio.Event()
    settings = {"retry": Retry(delay=0), "path_io_factory": partial(MemoryPathIO, state=tree)}
    async with visit(ftp_server, **settings) as client:
        task = asyncio.create_task(client.download("/a", "/", block_size=1000, progress=lambda *_: begun.set()))
        await begun.wait()
        await client.abort()
        with pytest.raises(ConnectionAbortedError):
            await task
        assert await client.get_current_directory() == PurePosixPath("/")
    assert len(ftp_server.log.find("RETR")) == 1


async def test_two_tasks_abort_at_once(ftp_server: FtpServer) -> None:
    """The second one finds nothing to break off, and both come back."""
    ftp_server.files["/a"] = bytes(1 << 26)
    async with visit(ftp_server) as client:
        begun = asyncio.Event()
        task = asyncio.create_task(_download(client, begun))
        await begun.wait()
        await asyncio.gather(client.abort(), client.abort())
        with pytest.raises(ConnectionAbortedError):
            await task
        assert await client.get_current_directory() == PurePosixPath("/")


async def test_an_abort_that_is_cancelled_closes(ftp_server: FtpServer, complaints: list[dict[str, Any]]) -> None:
    """After half an abort nobody knows what comes next: the client is closed, and can connect again."""
    ftp_server.files["/a"] = bytes(1 << 26)
    async with nothing_left(complaints):
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
        await deserted(ftp_server)


class _Breaker(Server):
    """A server that closes the control connection instead of every fourth download."""

    downloads = 0

    async def retr(self, connection: Connection, rest: str) -> bool:
        """Send a file, or close."""
        self.downloads += 1
        return self.downloads % 4 > 0 and await super().retr(connection, rest)


@pytest.mark.illegal_replies
@PLACES
async def test_tasks_that_lose_the_connection_share_a_new_one(place: str, complaints: list[dict[str, Any]]) -> None:
    """Of ten tasks with retries one connects again, for all of them, as often as the connection is lost."""
    files: dict[str, bytes | None] = {f"/{number}": bytes([number]) * 100_000 for number in range(10)}
    tree = MemoryFiles()
    settings = {"retry": Retry(attempts=10, delay=0), "path_io_factory": partial(MemoryPathIO, state=tree)}
    async with nothing_left(complaints), serving(place, server_class=_Breaker, files=files) as server:
        async with visit(server, **settings) as client:
            await asyncio.gather(*(client.download(path, "/here") for path in files))
        assert len(server.log.sessions) == 4  # thirteen downloads for ten files
        await deserted(server)
    assert {f"/{name}": data for name, data in content(tree, "/here").items()} == files


# Limits of speed and of time.


class Clock:
    """A loop's clock that goes on only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, delay: float) -> None:
        """Let time pass at once, and others have their turn."""
        self.now += delay
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that speed limits of clients go by; the server has none."""
    clock = Clock()
    for module in ("throttle", "stream"):
        names = {**vars(asyncio), "get_running_loop": lambda: clock}
        monkeypatch.setattr(f"ftpfixture.net.{module}.asyncio", SimpleNamespace(**names))
    monkeypatch.setattr("ftpfixture.net.throttle.pause", clock.sleep)
    return clock


@pytest.mark.parametrize("direction", ["read", "write"])
async def test_a_client_keeps_to_its_limits(ftp_server: FtpServer, clock: Clock, direction: str) -> None:
    """Octets divided by the limit is how long a transfer takes, that of the other direction takes no time."""
    ftp_server.files["/down"] = bytes(500_000)
    async with visit(ftp_server, **{f"{direction}_speed_limit": 100_000}) as client:
        assert await read(client, "down") == bytes(500_000)
        down = clock.now
        await write(client, "up", bytes(500_000))
        up = clock.now - down
    assert ftp_server.files["/up"] == bytes(500_000)
    # What went last is not waited for, nor is anything that went in the other direction.
    expected = (5, 0) if direction == "read" else (0, 5)
    assert (down, up) == pytest.approx(expected, abs=0.051)


async def test_a_limit_can_be_changed_while_it_acts(ftp_server: FtpServer, clock: Clock) -> None:
    """A limit that is set, changed and lifted in the middle of a transfer acts from then on."""
    ftp_server.files["/down"] = bytes(400_000)
    times = []
    async with visit(ftp_server) as client, client.download_stream("down") as stream:
        for limit in (None, 100_000, 50_000, None):
            client.throttle.read.limit = limit
            left = 100_000
            while left:
                left -= len(await stream.receive(left))
            times.append(clock.now)
    assert times == pytest.approx([0, 1, 3, 3], abs=0.11)


async def test_clients_have_limits_of_their_own(ftp_server: FtpServer, clock: Clock) -> None:
    """Two clients wait side by side, each for its own octets, and commands wait for nothing."""
    ftp_server.files["/down"] = bytes(100_000)
    async with visit(ftp_server, read_speed_limit=100_000) as slow, visit(ftp_server) as fast:
        for client in (fast, slow):
            await read(client, "down")
        assert clock.now == pytest.approx(1, abs=0.051)
        before = clock.now
        for _ in range(100):
            await slow.noop()
        assert clock.now == before


class _Silent(Server):
    """A server with a command that it does not answer."""

    async def hang(self, connection: Connection, rest: str) -> bool:
        """Wait for ever."""
        await asyncio.Event().wait()
        return True


async def test_a_time_limit_of_the_callers(complaints: list[dict[str, Any]]) -> None:
    """When the caller's time is over between command and reply, the client is closed, says why, and connects again."""
    async with nothing_left(complaints), serving("thread", server_class=_Silent) as server, visit(server) as client:
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
async def test_a_time_limit_in_a_transfer(
    ftp_server: FtpServer, complaints: list[dict[str, Any]], direction: str
) -> None:
    """When the caller's time is over in the middle of a file, nothing stays open, and the client can connect again."""
    loop = asyncio.get_running_loop()
    tree = MemoryFiles()
    tree.write_file("/b", bytes(10_000_000))
    client = Client(path_io_factory=partial(MemoryPathIO, state=tree))

    async def transfer() -> None:
        async with asyncio.timeout(None) as limit:
            begun = partial(_end_now, limit, loop)
            if direction == "down":
                await client.download("/a", "/", block_size=1000, progress=begun)
            else:
                await client.upload("/b", block_size=1000, progress=begun)

    async with nothing_left(complaints):
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        with pytest.raises(TimeoutError):
            await transfer()
        with pytest.raises(ConnectionError, match="cancelled"):
            await client.noop()
        await client.reconnect()
        assert await client.size("/a") == 10_000_000
        await client.quit()
        await deserted(ftp_server)
    assert ftp_server.log.transfers[0].completed is False


# Loops and servers that end.


@pytest.mark.parametrize("leave", ["quit", "close", "nothing", "stream", "task"])
def test_one_client_in_two_loops(ftp_server: FtpServer, leave: str) -> None:
    """A client connects in one loop after another, however the last one was left, and several tasks use it in each."""
    ftp_server.files["/a"] = bytes(1_000_000)
    client = Client()

    async def use() -> list[int]:
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        sizes = [len(data) for data in await asyncio.gather(*(read(client, "a") for _ in range(3)))]
        if leave == "quit":
            await client.quit()
        elif leave == "close":
            client.close()
        elif leave == "stream":
            await (await client.download_stream("a")).readexactly(10)
        elif leave == "task":
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
async def test_a_server_that_stops_in_the_middle_of_everything(
    place: str, seed: int, complaints: list[dict[str, Any]]
) -> None:
    """Every client learns of it by an error of the connection or by 421, at once; nothing is left on either side."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    now = asyncio.Event()
    left = chance.randrange(20, 600)

    def count(event: Event) -> None:
        nonlocal left
        left -= isinstance(event, ReplySent)
        if left == 0:
            loop.call_soon_threadsafe(now.set)

    async with nothing_left(complaints):
        server = FtpServer(files={"/large": bytes(500_000)})
        server.server.hub.subscribe(count)
        if place == "thread":
            server.start()
        else:
            await server.server.start()
        tasks = [asyncio.create_task(errand(server, number)) for number in range(20)]
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
