"""Our client with servers of other projects: the same operations on each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture import Client, Retry, StatusCodeError
from tests.support.servers import Peer

BIG = bytes(range(256)) * 32768  # 8 MiB: more than all socket buffers of a machine hold
TREE = {
    "top.txt": b"top\n",
    "a b/c d.bin": b"\0\r\n\xff" * 1000,
    "a b/deep/er/x.txt": b"",
    "żółć/ü.txt": b"unicode",
    "-l/-R": b"not an option",
    "{x},~/f": b"not a pattern",
}


def log_in(peer: Peer, **settings: Any) -> AbstractAsyncContextManager[Client]:
    """A client that is logged in, with timeouts."""
    settings = {"socket_timeout": 20, "connection_timeout": 20, **settings}
    return Client.context(peer.host, peer.port, peer.user, peer.password, **settings)


async def session_continues(client: Client, peer: Peer) -> None:
    """Check that the session works after a reset data connection; aioftp ends it, and the client reports that."""
    if peer.name == "aioftp":
        with pytest.raises(ConnectionError):
            await client.get_current_directory()
        await client.reconnect()
    assert await client.get_current_directory() == PurePosixPath("/")


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with log_in(peer) as client:
        yield client


def create_files(root: Path, tree: dict[str, bytes]) -> None:
    """Create files below a directory."""
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def files_below(root: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


async def test_login_and_quit(peer: Peer) -> None:
    """A client logs in with the right password and not with another, and quits."""
    client = Client(socket_timeout=20)
    await client.connect(peer.host, peer.port)
    await client.login(peer.user, peer.password)
    assert await client.get_current_directory() == PurePosixPath("/")
    await client.quit()
    with pytest.raises(ConnectionError, match="connect"):
        await client.command("NOOP", "2xx")

    with pytest.raises(StatusCodeError, match="530"):
        async with Client.context(peer.host, peer.port, peer.user, "wrong", socket_timeout=20):
            pytest.fail("the login succeeded")


async def test_listings(client: Client, peer: Peer) -> None:
    """Listings have all entries, with types and sizes, flat and recursive, with MLSD or LIST."""
    create_files(peer.root, TREE)
    everything = {path.relative_to(peer.root) for path in peer.root.rglob("*")}

    found = {path.relative_to("/"): info for path, info in await client.list("/", recursive=True)}
    assert {Path(path) for path in found} == everything
    for path, info in found.items():
        real = peer.root / path
        assert info["type"] == ("dir" if real.is_dir() else "file")
        if real.is_file():
            assert int(info["size"]) == real.stat().st_size

    top = sorted(os.listdir(peer.root))
    assert sorted(str(path) for path, _ in await client.list()) == top
    assert sorted(path.name for path, _ in await client.list("/", raw_command="LIST")) == top
    assert sorted(str(path) for path, _ in await client.list("a b", raw_command="LIST")) == ["a b/c d.bin", "a b/deep"]
    with pytest.raises(StatusCodeError, match=r"550|501"):  # pyftpdlib sends 501
        await client.list("/missing")


async def test_facts_of_a_path(client: Client, peer: Peer) -> None:
    """`stat`, `exists`, `is_file`, `is_dir`, `size` and `modified` agree with the disk."""
    create_files(peer.root, TREE)
    os.utime(peer.root / "top.txt", (1_000_000_000, 1_000_000_000))

    assert (await client.stat("/a b/c d.bin"))["type"] == "file"
    assert int((await client.stat("a b/c d.bin"))["size"]) == 4000
    assert [await client.exists(path) for path in ("/", "a b", "top.txt", "none", "none/none")] == [1, 1, 1, 0, 0]
    assert [await client.is_file(path) for path in ("/", "a b", "top.txt", "none")] == [0, 0, 1, 0]
    assert [await client.is_dir(path) for path in ("/", "a b", "top.txt", "none")] == [1, 1, 0, 0]
    assert await client.size("a b/c d.bin") == 4000
    assert await client.modified("top.txt") == datetime.fromtimestamp(1_000_000_000, UTC)
    with pytest.raises(StatusCodeError, match="550"):
        await client.stat("none")


async def test_streams(client: Client, peer: Peer) -> None:
    """Streams read and write whole files, from an offset on, and at the end."""
    async with client.upload_stream("a.bin") as stream:
        await stream.write(b"0123456789")
    async with client.append_stream("a.bin") as stream:
        await stream.write(b"abc")
    async with client.download_stream("a.bin") as stream:
        assert await stream.read() == b"0123456789abc"
    async with client.download_stream("a.bin", offset=8) as stream:
        assert await stream.read() == b"89abc"
    async with client.upload_stream("a.bin", offset=10) as stream:
        await stream.write(b"ABC")
    assert (peer.root / "a.bin").read_bytes() == b"0123456789ABC"

    with pytest.raises(StatusCodeError, match="550"):
        async with client.download_stream("none"):
            pytest.fail("there is no such file")
    await client.get_current_directory()  # the session continues


async def test_trees_up_and_down(client: Client, peer: Peer, tmp_path: Path) -> None:
    """A tree is uploaded and downloaded unchanged, whatever its names are, to the given destination."""
    create_files(tmp_path / "src", TREE)

    await client.upload(tmp_path / "src", "/in/deep", verify=True)
    await client.upload(tmp_path / "src", "other/name", write_into=True)
    assert files_below(peer.root / "in/deep/src") == TREE
    assert files_below(peer.root / "other/name") == TREE
    await client.download("in/deep/src", tmp_path / "back", verify=True)
    await client.download("/other/name", tmp_path / "back" / "again", write_into=True)
    assert files_below(tmp_path / "back" / "src") == TREE
    assert files_below(tmp_path / "back" / "again") == TREE


async def test_resume(client: Client, peer: Peer, tmp_path: Path) -> None:
    """A partial file is resumed, both ways, and only the rest is transferred."""
    reported: list[int] = []

    def progress(_: PurePath, done: int, __: int | None) -> None:
        reported.append(done)

    (peer.root / "down.bin").write_bytes(BIG)
    (tmp_path / "down.bin").write_bytes(BIG[:3_000_000])
    await client.download("down.bin", tmp_path, resume=True, progress=progress)
    assert (tmp_path / "down.bin").read_bytes() == BIG
    assert (reported[0], reported[-1]) == (3_000_000, len(BIG))

    reported.clear()
    (tmp_path / "up.bin").write_bytes(BIG)
    (peer.root / "up.bin").write_bytes(BIG[:5_000_000])
    await client.upload(tmp_path / "up.bin", resume=True, progress=progress)
    assert (peer.root / "up.bin").read_bytes() == BIG
    assert (reported[0], reported[-1]) == (5_000_000, len(BIG))


async def test_names(client: Client, peer: Peer) -> None:
    """Directories are created with their parents, files renamed and moved, and trees removed."""
    await client.make_directory("/x/y/z")
    await client.make_directory("/x/y/z")
    create_files(peer.root, {"x/one.txt": b"1", "x/y/two.txt": b"22"})
    await client.rename("/x/one.txt", "/x/y/z/uno.txt")
    await client.rename("/x/y", "/x/why")
    assert files_below(peer.root) == {"x/why/two.txt": b"22", "x/why/z/uno.txt": b"1"}

    await client.change_directory("x/why")
    assert await client.get_current_directory() == PurePosixPath("/x/why")
    await client.remove("two.txt")
    await client.change_directory()
    assert await client.get_current_directory() == PurePosixPath("/x")
    await client.remove("/x/why")
    await client.remove("/x/why")
    assert os.listdir(peer.root / "x") == []
    with pytest.raises(StatusCodeError, match=r"5\d\d"):
        await client.make_directory("/x", parents=False)
    with pytest.raises(StatusCodeError, match="550"):
        await client.rename("/none", "/some")


async def test_abort_of_a_download(client: Client, peer: Peer) -> None:
    """A download can be aborted, inside its block or outside, and the session continues."""
    (peer.root / "big.bin").write_bytes(BIG)

    async with client.download_stream("big.bin") as stream:
        assert await stream.readexactly(1000) == BIG[:1000]
        await client.abort()
    assert await client.get_current_directory() == PurePosixPath("/")
    stream = await client.download_stream("big.bin")
    await stream.readexactly(1000)
    await client.abort()
    await client.abort()  # no transfer runs
    async with client.download_stream("big.bin") as stream:
        assert await stream.read() == BIG


async def test_abort_of_an_upload(client: Client, peer: Peer) -> None:
    """An upload can be aborted, and the session continues."""
    async with client.upload_stream("big.bin") as stream:
        await stream.write(BIG[:100_000])
        await client.abort()

    assert await client.get_current_directory() == PurePosixPath("/")
    assert all(len(data) <= 100_000 for data in files_below(peer.root).values())


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_errors_in_the_body(client: Client, peer: Peer, direction: str) -> None:
    """An error in the block of a stream is raised, and replies stay in sync."""
    (peer.root / "down.bin").write_bytes(BIG)

    async def fail() -> None:
        open_stream = client.upload_stream if direction == "up" else client.download_stream
        async with open_stream(f"{direction}.bin") as stream:
            await (stream.write(BIG[:100_000]) if direction == "up" else stream.readexactly(1000))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await session_continues(client, peer)
    async with client.download_stream("down.bin") as stream:
        assert await stream.read() == BIG


async def test_the_reply_of_a_closed_stream_is_skipped(client: Client, peer: Peer) -> None:
    """A stream may be closed without reading the final reply; the next command still gets its own."""
    (peer.root / "big.bin").write_bytes(BIG)

    stream = await client.download_stream("big.bin")
    await stream.readexactly(1000)
    stream.close()

    await session_continues(client, peer)


async def test_cancelled(peer: Peer) -> None:
    """A cancelled transfer closes its connections, and the client can reconnect."""
    (peer.root / "big.bin").write_bytes(BIG)
    async with log_in(peer) as client:
        started = asyncio.Event()

        async def download() -> None:
            async with client.download_stream("big.bin") as stream:
                await stream.readexactly(1000)
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(download())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionError, match="cancelled: connect again"):
            await client.get_current_directory()
        await client.reconnect()
        assert await client.get_current_directory() == PurePosixPath("/")


@pytest.mark.parametrize("command", ["epsv", "pasv", "eprt", "port"])
async def test_every_data_command(peer: Peer, command: str) -> None:
    """Passive and active mode, old and new, transfer listings, downloads and uploads, empty ones too."""
    if command in ("eprt", "port") and "active" in peer.lacks:
        with pytest.raises(StatusCodeError, match="502"):
            async with log_in(peer, passive_commands=[command]) as client:
                await client.list()
        return
    async with log_in(peer, passive_commands=[command]) as client:
        for data in (BIG, b"", b"x"):
            async with client.upload_stream("f") as stream:
                await stream.write(data)
            assert (peer.root / "f").read_bytes() == data
            async with client.download_stream("f") as stream:
                assert await stream.read() == data
        assert [str(path) for path, _ in await client.list()] == ["f"]
        with pytest.raises(StatusCodeError, match="550"):
            await client.download_stream("none")
        assert [str(path) for path, _ in await client.list()] == ["f"]


async def test_ipv6(peer6: Peer) -> None:
    """Everything works over IPv6, with EPSV and EPRT."""
    for command in ("epsv",) if "active" in peer6.lacks else ("epsv", "eprt"):
        await transfer_over_ipv6(peer6, command)


async def transfer_over_ipv6(peer6: Peer, command: str) -> None:
    """Upload, download and list with one data connection command."""
    async with log_in(peer6, passive_commands=[command]) as client:
        async with client.upload_stream("f") as stream:
            await stream.write(BIG)
        async with client.download_stream("f") as stream:
            assert await stream.read() == BIG
        assert [str(path) for path, _ in await client.list("/")] == ["/f"]


async def test_mirror(client: Client, peer: Peer, tmp_path: Path) -> None:
    """A mirror copies a tree, then nothing, then only the changes, and removes surplus files on request."""
    create_files(tmp_path / "src", TREE)
    names = sorted(map(PurePosixPath, TREE))

    first = await client.mirror_up(tmp_path / "src", "/mirror")
    assert list(first.transferred) == names
    assert files_below(peer.root / "mirror") == TREE
    assert (await client.mirror_up(tmp_path / "src", "/mirror")).transferred == ()
    (tmp_path / "src" / "top.txt").write_bytes(b"longer than before")
    (tmp_path / "src" / "żółć" / "ü.txt").unlink()
    third = await client.mirror_up(tmp_path / "src", "/mirror", delete=True)
    assert third.transferred == (PurePosixPath("top.txt"),)
    assert third.deleted == (PurePosixPath("żółć/ü.txt"),)
    assert files_below(peer.root / "mirror") == files_below(tmp_path / "src")

    down = await client.mirror_down("/mirror", tmp_path / "dst")
    assert files_below(tmp_path / "dst") == files_below(tmp_path / "src")
    assert len(down.transferred) == len(TREE) - 1
    assert (await client.mirror_down("/mirror", tmp_path / "dst")).transferred == ()


async def test_times(client: Client, peer: Peer) -> None:
    """The time of a file is set with MFMT, or with MDTM, where the server has one of them."""
    create_files(peer.root, {"f": b""})

    when = datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    if peer.lacks >= {"MFMT", "mdtm-set"}:
        with pytest.raises(StatusCodeError, match="502"):
            await client.set_modified("f", when)
    else:
        await client.set_modified("f", when)
        assert int((peer.root / "f").stat().st_mtime) == 1_000_000_000


async def test_keep_alive(peer: Peer) -> None:
    """The replies to NOOPs sent during a transfer are recognized, whenever they come."""
    (peer.root / "big.bin").write_bytes(BIG)
    async with log_in(peer, keep_alive=0.01, read_speed_limit=20_000_000) as client:
        async with client.upload_stream("up.bin") as stream:
            for start in range(0, len(BIG), 1 << 20):
                await stream.write(BIG[start : start + (1 << 20)])
        assert (peer.root / "up.bin").read_bytes() == BIG
        assert await outcome_of_a_download(client) in {"226", "426" if peer.name == "pure-ftpd" else "226"}
        assert await client.get_current_directory() == PurePosixPath("/")
        async with client.download_stream("big.bin") as stream:
            await stream.readexactly(1000)
            await client.abort()
        assert await client.get_current_directory() == PurePosixPath("/")


async def outcome_of_a_download(client: Client) -> str:
    """The final code. pure-ftpd treats every command as ABOR while it writes: that must not count as success."""
    try:
        async with client.download_stream("big.bin") as stream:
            data = await stream.read()
    except StatusCodeError as error:
        return str(error.received_codes[0])
    assert data == BIG
    return "226"


async def test_features_and_names(client: Client, peer: Peer) -> None:
    """The status replies of servers are understood, or known to be missing."""
    create_files(peer.root, {"one": b"1", "two": b"22"})
    features = await client.features()

    if "FEAT" not in peer.lacks:
        assert "SIZE" in features
    if "NLST" not in peer.lacks:
        assert sorted(await client.nlst()) == ["one", "two"]
    if "NOOP" not in peer.lacks:
        await client.noop()
    if "STAT" not in peer.lacks:
        assert await client.stat_server()


async def test_many_clients(peer: Peer) -> None:
    """Ten clients at once do not disturb each other."""

    async def walk(number: int) -> None:
        async with log_in(peer, retry=Retry()) as client:
            data = BIG[number : number + 100_000]
            await client.make_directory(f"/{number}/deep")
            async with client.upload_stream(f"/{number}/deep/f") as stream:
                await stream.write(data)
            async with client.download_stream(f"/{number}/deep/f") as stream:
                assert await stream.read() == data

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(walk(number))
    assert len(files_below(peer.root)) == 10
