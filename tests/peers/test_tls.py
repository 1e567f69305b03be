"""Our client over TLS with servers of other projects: TLS 1.2 and 1.3, and session resumption."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ftpfixture import Client, StatusCodeError
from ftpfixture.errors import TlsError
from ftpfixture.net.channel import Channel
from tests.peers.test_client import BIG, TREE, create_files, files_below, session_continues
from tests.support.encrypted_servers import IMPLICIT, TLS, VERSIONS, context, encrypted
from tests.support.servers import Peer, Proftpd


@asynccontextmanager
async def log_in(peer: Peer, tls: ssl.SSLContext, **settings: Any) -> AsyncIterator[Client]:
    """A client with TLS that is logged in; aioftp has only implicit TLS."""
    settings = {"socket_timeout": 20, "connection_timeout": 20, **settings}
    command: dict[str, Any] = {"ssl": tls} if peer.name == "aioftp" else {"upgrade_to_tls": tls}
    async with Client.context(peer.host, peer.port, peer.user, peer.password, **command, **settings) as client:
        yield client


@pytest.fixture
def peer(kind: type[Peer], tmp_path: Path) -> Iterator[Peer]:
    """A server with TLS."""
    with encrypted(kind, tmp_path) as server:
        yield server


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
async def client(peer: Peer, version: str) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with log_in(peer, context(version)) as client:
        yield client


@pytest.mark.parametrize("kind", IMPLICIT, ids=lambda kind: kind.name, indirect=True)
async def test_implicit(kind: type[Peer], version: str, tmp_path: Path) -> None:
    """With implicit TLS data connections are encrypted too."""
    with encrypted(kind, tmp_path, *IMPLICIT[kind]) as peer:
        settings: dict[str, Any] = {"ssl": context(version), "socket_timeout": 20}
        async with Client.context(peer.host, peer.port, peer.user, peer.password, **settings) as client:
            assert client.encrypted
            async with client.upload_stream("f") as stream:
                assert stream.channel.tls is not None
                await stream.write(BIG)
            async with client.download_stream("f") as stream:
                assert await stream.read() == BIG
            assert [str(path) for path, _ in await client.list()] == ["f"]


def test_all_have_tls(kind: type[Peer]) -> None:
    """Every server has TLS settings."""
    assert kind in TLS


async def test_version_and_certificate(client: Client, version: str) -> None:
    """The control connection has the requested version, and the client has the server's certificate."""
    tls = client.channel.tls

    assert client.encrypted
    assert tls is not None
    assert (tls.version, tls.resumed) == (version, False)
    assert tls.certificate is not None
    assert ("IP Address", "127.0.0.1") in tls.certificate["subjectAltName"]


@pytest.mark.parametrize("command", ["epsv", "pasv", "eprt", "port"])
async def test_every_data_command(peer: Peer, version: str, command: str) -> None:
    """Large and empty files and listings are transferred over encrypted data connections, passive and active."""
    if command in ("eprt", "port") and "active" in peer.lacks:
        command = "epsv"
    async with log_in(peer, context(version), passive_commands=[command]) as client:
        for data in (BIG, b"", b"x"):
            async with client.upload_stream("f") as stream:
                await stream.write(data)
            assert (peer.root / "f").read_bytes() == data
            async with client.download_stream("f") as stream:
                assert stream.channel.tls is not None
                assert stream.channel.tls.version == version
                if peer.name in ("vsftpd", "proftpd"):
                    assert stream.channel.tls.resumed
                assert await stream.read() == data
        assert [str(path) for path, _ in await client.list()] == ["f"]
        with pytest.raises(StatusCodeError, match="550"):
            await client.download_stream("none")
        assert [str(path) for path, _ in await client.list()] == ["f"]


@pytest.mark.each_once
async def test_an_empty_directory(client: Client, peer: Peer) -> None:
    """An empty listing needs a complete handshake without data."""
    (peer.root / "empty").mkdir()

    assert await client.list("/empty") == []
    assert await client.list("/empty", raw_command="LIST") == []


@pytest.mark.each_once
async def test_streams(client: Client, peer: Peer) -> None:
    """Streams read and write whole files, from an offset on, and at the end."""
    async with client.upload_stream("a.bin") as stream:
        await stream.write(b"0123456789")
    async with client.append_stream("a.bin") as stream:
        await stream.write(b"abc")
    async with client.download_stream("a.bin", offset=8) as stream:
        assert await stream.read() == b"89abc"
    async with client.upload_stream("a.bin", offset=10) as stream:
        await stream.write(b"ABC")
    async with client.download_stream("a.bin") as stream:
        assert await stream.read() == b"0123456789ABC"


@pytest.mark.each_once
async def test_resume(client: Client, peer: Peer, tmp_path: Path) -> None:
    """A partial file is resumed, both ways."""
    (peer.root / "down.bin").write_bytes(BIG)
    (tmp_path / "down.bin").write_bytes(BIG[:3_000_000])
    await client.download("down.bin", tmp_path, resume=True)
    assert (tmp_path / "down.bin").read_bytes() == BIG

    (tmp_path / "up.bin").write_bytes(BIG)
    (peer.root / "up.bin").write_bytes(BIG[:5_000_000])
    await client.upload(tmp_path / "up.bin", resume=True)
    assert (peer.root / "up.bin").read_bytes() == BIG


@pytest.mark.each_once
async def test_trees_up_and_down(client: Client, peer: Peer, tmp_path: Path) -> None:
    """A tree is uploaded and downloaded unchanged."""
    create_files(tmp_path / "src", TREE)

    await client.upload(tmp_path / "src", "/in/deep", verify=True)
    assert files_below(peer.root / "in/deep/src") == TREE
    await client.download("in/deep/src", tmp_path / "back", verify=True)
    assert files_below(tmp_path / "back" / "src") == TREE


@pytest.mark.each_once
async def test_abort_of_a_download(client: Client, peer: Peer) -> None:
    """A download can be aborted, and the session continues."""
    (peer.root / "big.bin").write_bytes(BIG)

    async with client.download_stream("big.bin") as stream:
        assert await stream.readexactly(1000) == BIG[:1000]
        await client.abort()
    assert await client.get_current_directory() == PurePosixPath("/")
    async with client.download_stream("big.bin") as stream:
        assert await stream.read() == BIG


@pytest.mark.each_once
async def test_abort_of_an_upload(client: Client, peer: Peer) -> None:
    """An upload can be aborted, and the session continues."""
    async with client.upload_stream("big.bin") as stream:
        await stream.write(BIG[:100_000])
        await client.abort()

    assert await client.get_current_directory() == PurePosixPath("/")
    assert all(len(data) <= 100_000 for data in files_below(peer.root).values())


@pytest.mark.each_once
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
    if peer.name == "aioftp":  # under TLS it does not always notice the failed write, and then the session continues
        with suppress(ConnectionError):
            await client.get_current_directory()
        await client.reconnect()
    else:
        await session_continues(client, peer)
    async with client.download_stream("down.bin") as stream:
        assert await stream.read() == BIG


@pytest.mark.each_once
async def test_cancelled(client: Client, peer: Peer) -> None:
    """A cancelled transfer closes its connections; after a reconnect the client is encrypted again."""
    (peer.root / "big.bin").write_bytes(BIG)
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
    assert client.encrypted
    async with client.download_stream("big.bin") as stream:
        assert stream.channel.tls is not None
        assert await stream.read() == BIG


@pytest.mark.each_once
async def test_clear_data(client: Client, peer: Peer) -> None:
    """After PROT C files are in clear text, and after PROT P encrypted again; aioftp does not have PROT."""
    if peer.name == "aioftp":
        with pytest.raises(StatusCodeError, match="502"):
            await client.protect("C")
        return
    await client.protect("C")
    async with client.upload_stream("f") as stream:
        assert stream.channel.tls is None
        await stream.write(BIG)
    async with client.download_stream("f") as stream:
        assert await stream.read() == BIG
    await client.protect("P")
    async with client.download_stream("f") as stream:
        assert stream.channel.tls is not None
        assert await stream.read() == BIG


# Replies to CCC of servers that do not have it with these settings.
NO_CCC = {"vsftpd": "500", "pyftpdlib": "500", "aioftp": "502"}


async def test_clear_command_channel(client: Client, peer: Peer) -> None:
    """After CCC commands are in clear text and data are encrypted; a refused CCC does not disturb the session."""
    if peer.name in NO_CCC:
        with pytest.raises(StatusCodeError, match=NO_CCC[peer.name]):
            await client.clear_command_channel()
        assert client.encrypted
    else:
        await client.clear_command_channel()
        assert not client.encrypted
    async with client.upload_stream("f") as stream:
        assert stream.channel.tls is not None
        await stream.write(BIG)
    async with client.download_stream("f") as stream:
        assert await stream.read() == BIG


# Replies to a data connection that does not resume the session of the control connection.
NOT_RESUMED = {"vsftpd": "522", "proftpd": "425"}


async def test_without_the_session(client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that require session resumption refuse, and replies stay in sync."""
    monkeypatch.setattr(Channel, "session", None)

    for _ in range(2):
        if peer.name in NOT_RESUMED:
            with pytest.raises(StatusCodeError, match=NOT_RESUMED[peer.name]):
                await client.list()
        else:
            assert await client.list() == []
        if peer.name == "vsftpd":  # it ends the session
            with pytest.raises(ConnectionError):
                await client.get_current_directory()
            await client.reconnect()
        assert await client.get_current_directory() == PurePosixPath("/")


@pytest.mark.each_once
async def test_an_untrusted_certificate(peer: Peer) -> None:
    """A certificate of an untrusted authority is refused; the error names the connection and the reason."""
    with pytest.raises(TlsError) as caught:
        async with log_in(peer, ssl.create_default_context()):
            pytest.fail("the certificate was accepted")

    assert f"the certificate of the control connection to 127.0.0.1:{peer.port} was refused" in str(caught.value)
    assert "unable to get local issuer certificate" in str(caught.value)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_the_wrong_host(kind: type[Peer], tmp_path: Path) -> None:
    """A certificate for another host is refused; the error names the expected host."""
    expected = r"control connection to 127\.0\.0\.1:\d+ was refused: .*'127\.0\.0\.1'"
    with encrypted(kind, tmp_path, named="elsewhere.example") as peer, pytest.raises(TlsError, match=expected):
        async with log_in(peer, context()):
            pytest.fail("the certificate was accepted")


@pytest.mark.each_once
async def test_many_clients(peer: Peer) -> None:
    """Five clients at once do not disturb each other."""
    tls = context()

    async def walk(number: int) -> None:
        async with log_in(peer, tls) as client:
            data = BIG[number : number + 100_000]
            async with client.upload_stream(f"/{number}") as stream:
                await stream.write(data)
            async with client.download_stream(f"/{number}") as stream:
                assert await stream.read() == data

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(walk(number))
    assert len(files_below(peer.root)) == 5


@pytest.mark.parametrize("secret", [False, True], ids=["clear", "tls"])
async def test_compressed(tmp_path: Path, secret: bool) -> None:
    """MODE Z transfers large and empty files and listings, also from an offset on; MODE S works afterwards."""
    text = b"0123456789abcdef" * 5000  # mod_deflate 0.6 fails when one read inflates to 128 KiB or more
    extra = "LoadModule mod_deflate.c", "DeflateEngine on"
    created = encrypted(Proftpd, tmp_path, *extra) if secret else Proftpd(tmp_path / "peer", *extra)
    settings: dict[str, Any] = {"upgrade_to_tls": context() if secret else False, "socket_timeout": 20}
    with created as peer:
        (peer.root / "big").write_bytes(BIG)
        (peer.root / "empty").mkdir()
        async with Client.context(peer.host, peer.port, peer.user, peer.password, **settings) as client:
            assert "MODE" in await client.features()
            await client.set_mode("Z", 9)
            for data in (text, b"", os.urandom(len(text)), b"x"):
                async with client.upload_stream("f") as stream:
                    await stream.write(data)
                assert (peer.root / "f").read_bytes() == data
                async with client.download_stream("f") as stream:
                    assert await stream.read() == data
            async with client.append_stream("f") as stream:
                await stream.write(text)
            async with client.download_stream("f", offset=100) as stream:
                assert await stream.read() == (b"x" + text)[100:]
            async with client.download_stream("big") as stream:
                assert await stream.read() == BIG
            assert sorted(str(path) for path, _ in await client.list()) == ["big", "empty", "f"]
            assert sorted(path.name for path, _ in await client.list(raw_command="LIST")) == ["big", "empty", "f"]
            assert await client.list("empty") == []
            async with client.download_stream("big") as stream:
                await stream.readexactly(1000)
                await client.abort()
            await client.set_mode("S")
            async with client.download_stream("f") as stream:
                assert await stream.read() == b"x" + text
