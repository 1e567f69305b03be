"""The client of aioftp over TLS; it does the TLS handshake of data connections before it sends the command."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import aioftp
import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import BIG, REFUSED, VERSIONS, all_sizes, check_tls, limited
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.samples import LARGE, TREE, below, check, needs_ipv6, transfer


class Client(aioftp.Client):
    """Records its connections, so that all are closed at the end of a test."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(socket_timeout=10, path_timeout=10, **settings)
        self._writers: list[asyncio.StreamWriter] = []

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await super()._open_connection(host, port)
        self._writers.append(writer)
        return reader, writer

    async def end(self) -> None:
        """Close all connections, and wait until they are closed."""
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def connect(server: FtpServer, context: ssl.SSLContext, **settings: Any) -> AsyncIterator[aioftp.Client]:
    """A client that is logged in over TLS: implicit or with AUTH TLS, as the server is set."""
    implicit = server.server.implicit_tls
    client = Client(ssl=context if implicit else None, **settings)
    try:
        await client.connect(server.host, server.port)
        if not implicit:
            await client.upgrade_to_tls(context)
        await client.login(*server.credentials)
        yield client
        await client.quit()
    finally:
        await client.end()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The TLS version."""
    name: str = request.param
    return name


@pytest.fixture
async def client(ftps_server: FtpServer, version: str) -> AsyncIterator[aioftp.Client]:
    """A client of this test's server."""
    async with connect(ftps_server, limited(ftps_server.tls.client_context(), version)) as client:
        yield client


async def read(client: aioftp.Client, path: str, offset: int = 0) -> bytes:
    """Content of a file from an offset on."""
    async with client.download_stream(path, offset=offset) as stream:
        return b"".join([block async for block in stream.iter_by_block()])


async def write(client: aioftp.Client, path: str, data: bytes, offset: int = 0) -> None:
    """Store a file, or its rest from an offset on."""
    async with client.upload_stream(path, offset=offset) as stream:
        await stream.write(data)


@all_sizes
async def test_round_trip(ftps_server: FtpServer, client: aioftp.Client, version: str, data: bytes) -> None:
    """A file is uploaded and downloaded byte for byte, encrypted, whatever its size."""
    await write(client, "a.bin", data)
    assert ftps_server.files == {"/a.bin": data}
    assert await read(client, "/a.bin") == data
    check(transfer(ftps_server, "STOR"), data)
    check(transfer(ftps_server, "RETR"), data)
    check_tls(ftps_server, version)
    ftps_server.log.assert_sequence("AUTH TLS -> 234", "PBSZ 0 -> 200", "PROT P -> 200", "USER -> 331", "PASS -> 230")


@pytest.mark.ftp(tls="implicit", files={"/a.bin": BIG, **TREE})
async def test_implicit(ftps_server: FtpServer, client: aioftp.Client, version: str) -> None:
    """Implicit TLS encrypts uploads, downloads and listings, although the client does not send PROT P."""
    assert await read(client, "a.bin") == BIG
    await write(client, "b.bin", BIG)
    assert ftps_server.files["/b.bin"] == BIG
    assert {path.name for path, _ in await client.list("/tree")} == {"a.txt", "empty.bin", "hollow", "sub"}
    assert await client.list("/tree/hollow") == []
    check_tls(ftps_server, version)
    ftps_server.log.assert_not_sent("AUTH")
    ftps_server.log.assert_not_sent("PROT")


@pytest.mark.parametrize("command", ["epsv", "pasv"])
@pytest.mark.ftp(files={"/a.bin": BIG})
async def test_passive_commands(ftps_server: FtpServer, version: str, command: str) -> None:
    """Data connections are encrypted with EPSV and with PASV."""
    context = limited(ftps_server.tls.client_context(), version)
    async with connect(ftps_server, context, passive_commands=(command,)) as client:
        assert await read(client, "a.bin") == BIG
    check_tls(ftps_server, version)
    ftps_server.log.assert_sequence(command.upper(), "RETR a.bin -> 226", "QUIT -> 221")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": BIG})
async def test_ipv6(ftps_server: FtpServer, client: aioftp.Client, version: str) -> None:
    """Data is transferred over IPv6, and the certificate is valid for its address."""
    assert await read(client, "a.bin") == BIG
    check_tls(ftps_server, version)
    ftps_server.log.assert_sent("EPSV -> 229")


@pytest.mark.ftp(files={"/a.bin": BIG, "/b.bin": b"0123456789", "/c.bin": b"0123"})
async def test_resume_and_append(ftps_server: FtpServer, client: aioftp.Client, version: str) -> None:
    """Downloads and uploads start at an offset, and appending writes after the end."""
    assert await read(client, "a.bin", 1_000_001) == BIG[1_000_001:]
    await write(client, "b.bin", b"abcdefg", offset=5)
    async with client.append_stream("c.bin") as stream:
        await stream.write(BIG)
    assert ftps_server.files == {"/a.bin": BIG, "/b.bin": b"01234abcdefg", "/c.bin": b"0123" + BIG}
    check(transfer(ftps_server, "RETR"), BIG[1_000_001:], offset=1_000_001)
    check_tls(ftps_server, version)


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize("raw_command", ["MLSD", "LIST"])
async def test_list(
    ftps_server: FtpServer, client: aioftp.Client, version: str, raw_command: Literal["MLSD", "LIST"]
) -> None:
    """The whole tree is listed with both commands over encrypted connections."""
    listed = await client.list("/tree", recursive=True, raw_command=raw_command)
    files = {str(path): int(info["size"]) for path, info in listed if info["type"] == "file"}
    assert files == {path: len(data) for path, data in TREE.items() if data is not None}
    check_tls(ftps_server, version)


@pytest.mark.ftp(files={**TREE, "/tree/big.bin": BIG})
async def test_trees(ftps_server: FtpServer, client: aioftp.Client, version: str, tmp_path: Path) -> None:
    """A tree is downloaded and uploaded again with all its files and directories."""
    await client.download("/tree", str(tmp_path / "down"), write_into=True)
    expected = {**below("/tree"), "big.bin": BIG}
    assert {path: (tmp_path / "down" / path).read_bytes() for path in expected} == expected
    await client.upload(tmp_path / "down", "/up", write_into=True)
    assert {path: ftps_server.files[f"/up/{path}"] for path in expected} == expected
    assert "/up/hollow" in ftps_server.files
    check_tls(ftps_server, version)


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
async def test_session_is_resumed(ftps_server: FtpServer, client: aioftp.Client, version: str) -> None:
    """The client resumes the session of the control connection every time, as some servers require."""
    await write(client, "b.bin", BIG)
    for _ in range(3):
        assert await read(client, "a.bin") == BIG
    assert len(await client.list()) == 2
    assert ftps_server.files["/b.bin"] == BIG
    check_tls(ftps_server, version, resumed=True)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("certificate", REFUSED)
async def test_bad_certificates(
    ftp_server_factory: Callable[..., FtpServer], version: str, certificate: str, tls: str
) -> None:
    """An invalid certificate is refused before USER is sent; the server still works."""
    server = ftp_server_factory(tls=tls, certificate=certificate)
    for _ in range(2):
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server, limited(server.tls.client_context(), version)).__aenter__()
    server.log.assert_not_sent("USER")
    assert len(server.log.sessions) == 2


@pytest.mark.ftp(client_certificates="required", files={"/a.bin": BIG})
async def test_client_certificate(ftps_server: FtpServer, version: str) -> None:
    """A client with a certificate is accepted, on data connections too; a client without one is refused."""
    with pytest.raises((OSError, aioftp.AIOFTPException)):
        await connect(ftps_server, limited(ftps_server.tls.client_context(), version)).__aenter__()
    ftps_server.log.assert_not_sent("PASS")
    async with connect(ftps_server, limited(ftps_server.tls.client_context("ann"), version)) as client:
        assert await read(client, "a.bin") == BIG
    check_tls(ftps_server, version, session=2)
    sent = [ftps_server.log.sessions[1].tls, transfer(ftps_server, "RETR").tls]
    assert ["CN=ann" in tls.subject.split(",") for tls in sent if tls] == [True, True]


@pytest.mark.ftp(minimum_tls="TLSv1.3", files={"/a.bin": BIG})
async def test_minimum(ftps_server: FtpServer) -> None:
    """With `minimum_tls="TLSv1.3"` version 1.2 is refused, and 1.3 accepted."""
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        await connect(ftps_server, limited(ftps_server.tls.client_context(), "TLSv1.2")).__aenter__()
    ftps_server.log.assert_not_sent("USER")
    async with connect(ftps_server, limited(ftps_server.tls.client_context(), "TLSv1.3")) as client:
        assert await read(client, "a.bin") == BIG
    check_tls(ftps_server, "TLSv1.3", session=2)


@pytest.mark.ftp(files={"/huge.bin": LARGE * 6, "/a.bin": BIG})
async def test_abort(ftps_server: FtpServer, client: aioftp.Client, version: str) -> None:
    """An aborted download is incomplete, and the server serves the next client."""
    stream = await client.download_stream("huge.bin")
    assert await stream.read(10) == LARGE[:10]
    await client.abort()
    stream.close()
    assert transfer(ftps_server, "RETR").completed is False
    async with connect(ftps_server, limited(ftps_server.tls.client_context(), version)) as other:
        assert await read(other, "a.bin") == BIG
    check_tls(ftps_server, version)
