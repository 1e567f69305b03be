"""The client of aioftp, which has only passive mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import aioftp
import pytest

from ftpfixture import FtpServer, Permission, User
from tests.clients.samples import (
    BREAKING,
    HOSTILE,
    LARGE,
    MODIFIED,
    NAMES,
    TEXT,
    TREE,
    below,
    check,
    needs_ipv6,
    transfer,
)


@pytest.fixture
async def client(ftp_server: FtpServer) -> AsyncIterator[aioftp.Client]:
    """A client of this test's server."""
    user, password = ftp_server.credentials
    async with aioftp.Client.context(
        ftp_server.host, ftp_server.port, user, password, socket_timeout=10, path_timeout=10
    ) as client:
        yield client


async def read(client: aioftp.Client, path: str, offset: int = 0) -> bytes:
    """Content of a file from an offset on."""
    async with client.download_stream(path, offset=offset) as stream:
        return b"".join([block async for block in stream.iter_by_block()])


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
async def test_round_trip(ftp_server: FtpServer, client: aioftp.Client, data: bytes) -> None:
    """A file is uploaded and downloaded byte for byte, whatever its size."""
    async with client.upload_stream("a.bin") as stream:
        await stream.write(data)
    assert ftp_server.files == {"/a.bin": data}
    assert await read(client, "/a.bin") == data
    check(transfer(ftp_server, "STOR"), data)
    check(transfer(ftp_server, "RETR"), data)


@pytest.mark.parametrize("command", ["epsv", "pasv"])
@pytest.mark.ftp(files={"/a.bin": LARGE})
async def test_passive_commands(ftp_server: FtpServer, command: str) -> None:
    """EPSV and PASV both work."""
    async with aioftp.Client.context(
        ftp_server.host, ftp_server.port, "user", "password", passive_commands=(command,), socket_timeout=10
    ) as client:
        assert await read(client, "a.bin") == LARGE
    ftp_server.log.assert_sequence(command.upper(), "RETR a.bin -> 226", "QUIT -> 221")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
async def test_ipv6(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """Data is transferred over IPv6."""
    assert await read(client, "a.bin") == LARGE
    ftp_server.log.assert_sent("EPSV -> 229")


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": b"0123456789"})
async def test_resume(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """Downloads and uploads begin at an offset."""
    assert await read(client, "a.bin", 2_000_000) == LARGE[2_000_000:]
    async with client.upload_stream("b.bin", offset=5) as stream:
        await stream.write(b"abcdefg")
    assert ftp_server.files["/b.bin"] == b"01234abcdefg"
    check(transfer(ftp_server, "RETR"), LARGE[2_000_000:], offset=2_000_000)
    check(transfer(ftp_server, "STOR"), b"abcdefg", offset=5)


@pytest.mark.ftp(files={"/a.bin": b"0123"})
async def test_append(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """Appending writes after the end of the file."""
    async with client.append_stream("a.bin") as stream:
        await stream.write(b"45")
    assert ftp_server.files == {"/a.bin": b"012345"}
    check(transfer(ftp_server, "APPE"), b"45")


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize("raw_command", ["MLSD", "LIST"])
async def test_list(client: aioftp.Client, raw_command: Literal["MLSD", "LIST"]) -> None:
    """The whole tree is listed, with both commands, with types and sizes."""
    listed = await client.list("/tree", recursive=True, raw_command=raw_command)
    files = {str(path): int(info["size"]) for path, info in listed if info["type"] == "file"}
    assert files == {path: len(data) for path, data in TREE.items() if data is not None}
    directories = {str(path) for path, info in listed if info["type"] == "dir"}
    assert directories == {"/tree/hollow", "/tree/sub", "/tree/sub/deep"}


async def test_stat(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """MLST reports size and time; a missing file does not exist."""
    ftp_server.files.set("/in/a.txt", TEXT, modified=MODIFIED)
    info = await client.stat("/in/a.txt")
    assert (info["type"], info["size"], info["modify"]) == ("file", str(len(TEXT)), "20200913122640")
    assert await client.is_dir("/in")
    assert await client.is_file("/in/a.txt")
    assert not await client.exists("/in/b.txt")


@pytest.mark.ftp(files=TREE)
async def test_tree_down(client: aioftp.Client, tmp_path: Path) -> None:
    """A tree is downloaded with all its files and directories."""
    await client.download("/tree", str(tmp_path / "down"), write_into=True)
    found = {
        str(path.relative_to(tmp_path / "down")): path.read_bytes()
        for path in (tmp_path / "down").rglob("*")
        if path.is_file()
    }
    assert found == below("/tree")
    assert (tmp_path / "down" / "hollow").is_dir()


async def test_tree_up(ftp_server: FtpServer, client: aioftp.Client, tmp_path: Path) -> None:
    """A tree is uploaded with all its files and directories."""
    for name, data in below("/tree").items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(data)
    (tmp_path / "tree" / "hollow").mkdir()
    await client.upload(tmp_path / "tree")
    assert ftp_server.files == {path: data for path, data in TREE.items() if data is not None}
    assert "/tree/hollow" in ftp_server.files


@pytest.mark.ftp(files={"/a.txt": b"a", **TREE})
async def test_tree_is_changed(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """Directories are created, entered and shown; files are renamed; a whole tree is removed."""
    await client.make_directory('/one/two "words" more')
    await client.change_directory('/one/two "words" more')
    assert await client.get_current_directory() == PurePosixPath('/one/two "words" more')
    await client.change_directory()
    assert await client.get_current_directory() == PurePosixPath("/one")
    await client.rename("/a.txt", "b.txt")
    await client.remove("/tree")
    assert ftp_server.files == {"/one/b.txt": b"a"}
    assert ftp_server.files.directories == ["/one", '/one/two "words" more']
    ftp_server.log.assert_sequence(
        "MKD /one -> 257", "CWD -> 250", "PWD -> 257", "RNFR -> 350", "RNTO -> 250", "RMD -> 250"
    )


@pytest.mark.parametrize("name", NAMES)
async def test_names(ftp_server: FtpServer, client: aioftp.Client, name: str) -> None:
    """A name with any characters is written, listed with both commands, read and removed unchanged."""
    async with client.upload_stream(f"/in {name}") as stream:
        await stream.write(b"data")
    assert ftp_server.files == {f"/in {name}": b"data"}
    for command in ("MLSD", "LIST"):
        assert [str(path) for path, _ in await client.list("/", raw_command=command)] == [f"/in {name}"]
    assert await read(client, f"/in {name}") == b"data"
    await client.remove(f"/in {name}")
    assert ftp_server.files == {}


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
@pytest.mark.parametrize("raw_command", ["MLSD", "LIST"])
async def test_hostile_names(client: aioftp.Client, raw_command: Literal["MLSD", "LIST"]) -> None:
    """Names that imitate a listing are listed unchanged, and a name that would break it is left out."""
    listed = await client.list("/tree", raw_command=raw_command)
    assert sorted(path.name for path, _ in listed) == sorted(HOSTILE)


@pytest.mark.ftp(files={"/a.bin": LARGE})
async def test_abort(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """After an aborted download, another session reads the complete file."""
    stream = await client.download_stream("a.bin")
    assert await stream.read(10) == LARGE[:10]
    await client.abort()
    stream.close()
    assert transfer(ftp_server, "RETR").completed is False
    async with aioftp.Client.context(ftp_server.host, ftp_server.port, "user", "password") as other:
        assert await read(other, "a.bin") == LARGE


@pytest.mark.ftp(files={"/a.txt": b"a"}, users=[User("ann", "secret", permissions=[Permission(writable=False)])])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # aioftp leaves data connections open
async def test_refusals(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """Missing files and forbidden changes raise errors with the codes, and the session continues."""
    with pytest.raises(aioftp.StatusCodeError, match="550"):
        await read(client, "../../etc/passwd")
    with pytest.raises(aioftp.StatusCodeError, match="55"):
        await client.upload_stream("b.txt").__aenter__()
    with pytest.raises(aioftp.StatusCodeError, match="550"):
        await client.remove_file("a.txt")
    assert await read(client, "a.txt") == b"a"
    with pytest.raises(aioftp.StatusCodeError, match="530"):
        async with aioftp.Client.context(ftp_server.host, ftp_server.port, "ann", "wrong"):
            pass


@pytest.mark.ftp(files={f"/{number}.bin": LARGE[number::8] for number in range(8)})
async def test_many_sessions(ftp_server: FtpServer) -> None:
    """Several clients of one loop read at the same time."""

    async def fetch(number: int) -> bytes:
        async with aioftp.Client.context(ftp_server.host, ftp_server.port, "user", "password") as client:
            return await read(client, f"{number}.bin")

    assert await asyncio.gather(*map(fetch, range(8))) == [LARGE[number::8] for number in range(8)]


async def test_times_in_lists(ftp_server: FtpServer, client: aioftp.Client) -> None:
    """The time of a file is the same in both kinds of listing."""
    ftp_server.files.set(
        "/new.txt", b"", modified=datetime.now(UTC).replace(second=0, microsecond=0).timestamp() - 3600
    )
    ftp_server.files.set("/old.txt", b"", modified=datetime(2020, 2, 29, tzinfo=UTC).timestamp())
    machine, unix = [dict(await client.list("/", raw_command=command)) for command in ("MLSD", "LIST")]
    for path in machine:
        assert machine[path]["modify"] == unix[path]["modify"]
