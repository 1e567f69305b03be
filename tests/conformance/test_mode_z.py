"""MODE Z: every transfer is a separate zlib stream, and all else is as in MODE S (draft-preston-ftpext-deflate)."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from ftpfixture import Client, FtpServer, StatusCodeError
from tests.support.raw import RawClient, read_all

TEXT = b"the same words again and again\n" * 10_000
BIG = bytes(range(256)) * 32768  # 8 MiB
FILES = {"/text": TEXT, "/big": BIG, "/empty": b"", "/d/": None, "/lines": b"one\ntwo\r\n"}
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.ftp(files=FILES)


def connect(server: FtpServer, **settings: Any) -> Any:
    """A client that is logged in."""
    return Client.context(*server.address, *server.credentials, **settings)


def bomb(size: int) -> bytes:
    """A stream of zeros."""
    deflate = zlib.compressobj(9)
    return b"".join([*(deflate.compress(bytes(MEBIBYTE)) for _ in range(size // MEBIBYTE)), deflate.flush()])


def listed(raw: RawClient, line: str) -> list[bytes]:
    """The names in a compressed listing."""
    codes, data = raw.fetch(line)
    assert codes == ["150", "226"]
    return sorted(entry.rpartition(b" ")[2] for entry in zlib.decompress(data).splitlines())


# Raw commands.


@pytest.mark.parametrize("line", ["OPTS MODE Z LEVEL 0", "OPTS MODE Z LEVEL 9", "opts mode z level 5"])
def test_levels(raw: RawClient, line: str) -> None:
    """OPTS MODE Z LEVEL sets the compression level of the server, from none to best, also before MODE Z."""
    assert raw.code(line) == "200"
    assert raw.code("MODE Z") == "200"
    codes, data = raw.fetch("RETR /text")

    assert codes == ["150", "226"]
    assert zlib.decompress(data) == TEXT
    assert (len(data) > len(TEXT)) == line.endswith("0")


@pytest.mark.parametrize("rest", ["", " Z", " Z LEVEL", " Z LEVEL 10", " Z LEVEL -1", " Z LEVEL x", " Z LEVEL ²", " S"])
def test_wrong_levels(raw: RawClient, rest: str) -> None:
    """Any other argument of OPTS MODE is malformed, and changes nothing."""
    assert raw.code(f"OPTS MODE{rest}") == "501"
    raw.code("MODE Z")
    assert zlib.decompress(raw.fetch("RETR /text")[1]) == TEXT


def test_every_transfer_is_a_separate_stream(raw: RawClient) -> None:
    """Each transfer begins a new stream; after MODE S there is none."""
    raw.code("MODE Z")
    for _ in range(2):
        assert zlib.decompress(raw.fetch("RETR /text")[1]) == TEXT
        assert raw.store("STOR /copy", zlib.compress(TEXT)) == ["150", "226"]
    assert raw.code("MODE S") == "200"
    assert raw.fetch("RETR /copy") == (["150", "226"], TEXT)


def test_listings(raw: RawClient) -> None:
    """LIST, NLST and MLSD are compressed, too, also an empty listing."""
    raw.code("MODE Z")
    names = sorted(name[1:].rstrip("/").encode() for name in FILES)
    for verb in ("LIST", "NLST", "MLSD"):
        assert [name for name in listed(raw, verb) if name not in (b".", b"..")] == names
        assert raw.fetch(f"{verb} /d")[0] == ["150", "226"]
    assert zlib.decompress(raw.fetch("NLST /d")[1]) == b""


def test_sizes_and_offsets(raw: RawClient) -> None:
    """SIZE and REST count the bytes of the file, not those on the wire."""
    raw.code("MODE Z")
    assert raw.ask("SIZE /text").text == str(len(TEXT))
    assert raw.code("REST 1000") == "350"
    assert zlib.decompress(raw.fetch("RETR /text")[1]) == TEXT[1000:]
    assert raw.code("REST 5") == "350"
    assert raw.store("STOR /lines", zlib.compress(b"!")) == ["150", "226"]
    assert zlib.decompress(raw.fetch("RETR /lines")[1])[:6] == b"one\nt!"
    assert raw.store("APPE /empty", zlib.compress(b"more")) == ["150", "226"]
    assert zlib.decompress(raw.fetch("RETR /empty")[1]) == b"more"


def test_text(raw: RawClient) -> None:
    """In TYPE A the lines within the stream end with CRLF, both ways."""
    raw.code("MODE Z")
    raw.code("TYPE A")
    assert zlib.decompress(raw.fetch("RETR /lines")[1]) == b"one\r\ntwo\r\n"
    assert raw.store("STOR /new", zlib.compress(b"a\r\nb\r\n")) == ["150", "226"]
    raw.code("TYPE I")
    assert zlib.decompress(raw.fetch("RETR /new")[1]) == b"a\nb\n"


def test_empty_files(raw: RawClient) -> None:
    """An empty file is an empty stream; an upload without any byte is an empty file as well."""
    raw.code("MODE Z")
    assert zlib.decompress(raw.fetch("RETR /empty")[1]) == b""
    for data in (zlib.compress(b""), b""):
        assert raw.store("STOR /text", data) == ["150", "226"]
        assert raw.ask("SIZE /text").text == "0"


@pytest.mark.parametrize(
    "data",
    [
        zlib.compress(TEXT)[:-1],
        zlib.compress(TEXT)[:100],
        b"x",
        b"clear text" * 1000,
        zlib.compress(TEXT)[:-4] + b"sums",
    ],
)
def test_a_corrupt_upload(raw: RawClient, data: bytes) -> None:
    """An upload that is no whole stream gets 426, and the session continues."""
    raw.code("MODE Z")
    assert raw.store("STOR /new", data) == ["150", "426"]
    assert raw.store("STOR /new", zlib.compress(TEXT)) == ["150", "226"]
    assert zlib.decompress(raw.fetch("RETR /new")[1]) == TEXT


def test_bytes_after_the_stream(raw: RawClient) -> None:
    """Bytes after the end of the stream are no part of the file."""
    raw.code("MODE Z")
    assert raw.store("STOR /new", zlib.compress(TEXT) + b"more" * 100_000) == ["150", "226"]
    assert zlib.decompress(raw.fetch("RETR /new")[1]) == TEXT


@pytest.mark.ftp(inflation_limit=MEBIBYTE)
@pytest.mark.parametrize(("size", "codes"), [(1, ["150", "226"]), (2, ["150", "552"]), (64, ["150", "552"])])
def test_a_bomb(raw: RawClient, size: int, codes: list[str]) -> None:
    """An upload may inflate up to the limit and no further; the session continues after the 552."""
    raw.code("MODE Z")
    assert raw.store("STOR /new", bomb(size * MEBIBYTE)) == codes
    assert raw.store("STOR /new", zlib.compress(TEXT)) == ["150", "226"]


@pytest.mark.ftp(inflation_limit=0)
def test_a_limit_of_zero(raw: RawClient) -> None:
    """A limit of 0 allows only empty files, and does not affect MODE S."""
    raw.code("MODE Z")
    assert raw.store("STOR /new", zlib.compress(b"")) == ["150", "226"]
    assert raw.store("STOR /new", zlib.compress(b"x")) == ["150", "552"]
    raw.code("MODE S")
    assert raw.store("STOR /new", b"x") == ["150", "226"]


@pytest.mark.ftp(quota=len(TEXT) + len(BIG) + 2 * MEBIBYTE)
def test_a_bomb_and_a_quota(raw: RawClient) -> None:
    """The quota counts inflated bytes, also below the limit."""
    raw.code("MODE Z")
    assert raw.store("STOR /new", bomb(16 * MEBIBYTE)) == ["150", "452"]
    assert raw.code("NOOP") == "200"


def test_abort(raw: RawClient) -> None:
    """A download that is aborted gets its 426, and the next one is a whole stream."""
    raw.code("OPTS MODE Z LEVEL 0")  # or all of it would fit into the system's buffers
    raw.code("MODE Z")
    with raw.passive() as data:
        assert raw.code("RETR /big") == "150"
        assert data.recv(1)
        assert raw.code("ABOR") == "426"
    assert raw.reply().code == "226"
    assert zlib.decompress(raw.fetch("RETR /text")[1]) == TEXT


def test_active(raw: RawClient) -> None:
    """Active mode works, too."""
    raw.code("MODE Z")
    listener = raw.active()
    assert raw.code("RETR /text") == "150"
    assert zlib.decompress(read_all(listener.accept()[0])) == TEXT
    assert raw.reply().code == "226"


def test_reinitialized(raw: RawClient, ftp_server: FtpServer) -> None:
    """REIN returns to MODE S."""
    raw.code("MODE Z")
    assert raw.code("REIN") == "220"
    raw.code(f"USER {ftp_server.user}")
    raw.code(f"PASS {ftp_server.password}")
    raw.code("TYPE I")
    assert raw.fetch("RETR /lines")[1] == FILES["/lines"]


# By our client.


@pytest.mark.parametrize("way", ["epsv", "pasv", "eprt", "port"])
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
async def test_client(ftps_server: FtpServer, way: str, tls: bool) -> None:
    """Uploads, downloads and listings are compressed, over every way, with TLS and without, until MODE S."""
    context = ftps_server.tls.client_context() if tls else False
    async with connect(ftps_server, upgrade_to_tls=context, passive_commands=[way]) as client:
        await client.set_mode("z", 9)
        await client.command("OPTS MODE Z LEVEL 9", "2xx")
        for data in (TEXT, BIG, b"", b"x"):
            async with client.upload_stream("f") as stream:
                await stream.write(data)
                assert (stream.channel.tls is not None) == tls
            assert ftps_server.files["/f"] == data
            async with client.download_stream("f") as stream:
                assert await stream.read() == data
        async with client.append_stream("f") as stream:
            await stream.write(TEXT)
        async with client.download_stream("f", offset=1001) as stream:
            assert await stream.read() == TEXT[1000:]
        assert len(await client.list()) == len(FILES) + 1
        assert len(await client.list(raw_command="LIST")) == len(FILES) + 1
        assert await client.list("/d") == []
        await client.set_mode("S")
        async with client.download_stream("f") as stream:
            assert await stream.read() == b"x" + TEXT


async def test_a_new_connection_begins_in_mode_s(ftp_server: FtpServer) -> None:
    """MODE Z belongs to one connection."""
    async with connect(ftp_server) as client:
        await client.set_mode("Z")
        await client.reconnect()
        async with client.download_stream("text") as stream:
            assert await stream.read() == TEXT


@pytest.mark.ftp(disable=["MODE"])
async def test_a_server_without_it(ftp_server: FtpServer) -> None:
    """The refusal is raised, and the client continues in MODE S."""
    async with connect(ftp_server) as client:
        with pytest.raises(StatusCodeError, match="502"):
            await client.set_mode("Z")
        async with client.download_stream("text") as stream:
            assert await stream.read() == TEXT


@pytest.mark.ftp(inflation_limit=MEBIBYTE)
async def test_an_upload_that_is_too_large(ftp_server: FtpServer) -> None:
    """The server's 552 is raised, and the session continues."""
    async with connect(ftp_server) as client:
        await client.set_mode("Z")
        with pytest.raises(StatusCodeError, match="552"):
            async with client.upload_stream("f") as stream:
                await stream.write(BIG)
        async with client.download_stream("text") as stream:
            assert await stream.read() == TEXT


async def test_client_aborts(ftp_server: FtpServer) -> None:
    """A transfer can be aborted, and an error in its block leaves the session in sync."""
    async with connect(ftp_server) as client:
        await client.command("OPTS MODE Z LEVEL 0", "2xx")
        await client.set_mode("Z", 0)
        async with client.download_stream("big") as stream:
            assert await stream.readexactly(1000) == BIG[:1000]
            await client.abort()
        for open_stream in (client.upload_stream("f"), client.download_stream("big")):
            with pytest.raises(ZeroDivisionError):
                async with open_stream as stream:
                    raise ZeroDivisionError
        async with client.download_stream("text") as stream:
            assert await stream.read() == TEXT


async def test_downloads_that_are_not_compressed(ftp_server: FtpServer) -> None:
    """A server that does not compress although it accepted MODE Z is an error that names the cause."""
    async with connect(ftp_server) as client:
        client.control.parameters.deflate_level = -1
        with pytest.raises(ConnectionAbortedError, match="no zlib stream, which MODE Z requires"):
            async with client.download_stream("text") as stream:
                await stream.read()
        client.control.parameters.deflate_level = None
        async with client.download_stream("text") as stream:
            assert await stream.read() == TEXT
