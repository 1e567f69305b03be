"""Our client over TLS against servers that nobody here wrote: TLS 1.2 and 1.3, data that must resume the session."""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import trustme

from ftpfixture import Client, StatusCodeError
from ftpfixture.errors import TlsError
from ftpfixture.net.channel import Channel
from tests.peers.test_client import BIG, TREE, goes_on, grown, plant
from tests.support.servers import Aioftp, Peer, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

# What a server is told to have TLS, with the files of a certificate; data connections may be clear, too.
TLS = {
    Vsftpd: (
        "ssl_enable=YES",
        "rsa_cert_file={chain}",
        "rsa_private_key_file={key}",
        "ssl_ciphers=HIGH",
        "require_ssl_reuse=YES",
        "force_local_logins_ssl=YES",
        "force_local_data_ssl=NO",
    ),
    Proftpd: (  # which asks for the reuse of sessions by itself
        "LoadModule mod_tls.c",
        "TLSEngine on",
        "TLSRequired auth",  # and not "ctrl", which would forbid CCC
        "TLSRSACertificateFile {chain}",
        "TLSRSACertificateKeyFile {key}",
    ),
    PureFtpd: ("-Y", "2", "-2", "{chain},{key}"),
    Pyftpdlib: ("certfile={both}", "tls_control_required=1"),
    # From the first octet. It gives up on a data connection whose handshake takes it longer than a second, and leaves
    # the connection open for ever, so that the client waits, too: no clock shall decide that.
    Aioftp: ("certfile={chain}", "keyfile={key}", "wait_future_timeout=3600"),
}
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@functools.cache
def authority() -> trustme.CA:
    """Whom the clients trust; RSA, because vsftpd and proftpd are told of such keys."""
    return trustme.CA(key_type=trustme.KeyType.RSA)


@functools.cache
def certificate(host: str) -> trustme.LeafCert:
    """Of a server."""
    return authority().issue_cert(host, key_type=trustme.KeyType.RSA)


def context(version: str = "TLSv1.3") -> ssl.SSLContext:
    """Of a client, for one version of TLS."""
    made = ssl.create_default_context()
    authority().configure_trust(made)
    made.minimum_version = made.maximum_version = VERSIONS[version]
    return made


def encrypted(kind: type[Peer], folder: Path, *extra: str, host: str = "127.0.0.1") -> Peer:
    """A server with TLS, and a certificate for a host."""
    leaf = certificate(host)
    files = {name: folder / f"{name}.pem" for name in ("key", "chain", "both")}
    files["key"].write_bytes(leaf.private_key_pem.bytes())
    files["chain"].write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    files["both"].write_bytes(files["key"].read_bytes() + files["chain"].read_bytes())
    return kind(folder / "peer", *(word.format(**files) for word in TLS[kind]), *extra)


@asynccontextmanager
async def log_in(peer: Peer, tls: ssl.SSLContext, **settings: Any) -> AsyncIterator[Client]:
    """A client that has encrypted its connection and is logged in; aioftp knows nothing but TLS from the start."""
    settings = {"socket_timeout": 20, "connection_timeout": 20, **settings}
    way: dict[str, Any] = {"ssl": tls} if peer.name == "aioftp" else {"upgrade_to_tls": tls}
    async with Client.context(peer.host, peer.port, peer.user, peer.password, **way, **settings) as client:
        yield client


@pytest.fixture
def peer(kind: type[Peer], tmp_path: Path) -> Iterator[Peer]:
    """A server with TLS."""
    with encrypted(kind, tmp_path) as server:
        yield server


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Of TLS."""
    name: str = request.param
    return name


@pytest.fixture
async def client(peer: Peer, version: str) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with log_in(peer, context(version)) as client:
        yield client


# What a server is told besides to have TLS from the first octet, if it can.
FROM_THE_START: dict[type[Peer], tuple[str, ...]] = {
    Vsftpd: ("implicit_ssl=YES",),
    Proftpd: ("TLSOptions UseImplicitSSL",),
    Aioftp: (),
}


@pytest.mark.parametrize("kind", FROM_THE_START, ids=lambda kind: kind.name, indirect=True)
async def test_from_the_first_octet(kind: type[Peer], version: str, tmp_path: Path) -> None:
    """TLS may begin before the greeting, and data connections are encrypted then, too."""
    with encrypted(kind, tmp_path, *FROM_THE_START[kind]) as peer:
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
    """No server is left out."""
    assert kind in TLS


async def test_how_it_is_encrypted(client: Client, version: str) -> None:
    """The control connection has the version that was asked for, and the server has shown its certificate."""
    tls = client.channel.tls

    assert client.encrypted
    assert tls is not None
    assert (tls.version, tls.resumed) == (version, False)
    assert tls.certificate is not None
    assert ("IP Address", "127.0.0.1") in tls.certificate["subjectAltName"]


@pytest.mark.parametrize("way", ["epsv", "pasv", "eprt", "port"])
async def test_every_way_to_a_data_connection(peer: Peer, version: str, way: str) -> None:
    """Large and empty files and listings go over encrypted data connections, passive and active ones."""
    if way in ("eprt", "port") and "active" in peer.lacks:
        way = "epsv"
    async with log_in(peer, context(version), passive_commands=[way]) as client:
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
    """An empty listing is a whole handshake and nothing else."""
    (peer.root / "empty").mkdir()

    assert await client.list("/empty") == []
    assert await client.list("/empty", raw_command="LIST") == []


@pytest.mark.each_once
async def test_streams(client: Client, peer: Peer) -> None:
    """Streams read and write all of a file, from an offset on, and at its end."""
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
    """A file that stopped half way goes on where it stopped, both ways."""
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
    """A tree comes back as it went."""
    plant(tmp_path / "src", TREE)

    await client.upload(tmp_path / "src", "/in/deep", verify=True)
    assert grown(peer.root / "in/deep/src") == TREE
    await client.download("in/deep/src", tmp_path / "back", verify=True)
    assert grown(tmp_path / "back" / "src") == TREE


@pytest.mark.each_once
async def test_abort_of_a_download(client: Client, peer: Peer) -> None:
    """A download can be broken off, and the session goes on."""
    (peer.root / "big.bin").write_bytes(BIG)

    async with client.download_stream("big.bin") as stream:
        assert await stream.readexactly(1000) == BIG[:1000]
        await client.abort()
    assert await client.get_current_directory() == PurePosixPath("/")
    async with client.download_stream("big.bin") as stream:
        assert await stream.read() == BIG


@pytest.mark.each_once
async def test_abort_of_an_upload(client: Client, peer: Peer) -> None:
    """An upload can be broken off, and the session goes on."""
    async with client.upload_stream("big.bin") as stream:
        await stream.write(BIG[:100_000])
        await client.abort()

    assert await client.get_current_directory() == PurePosixPath("/")
    assert all(len(data) <= 100_000 for data in grown(peer.root).values())


@pytest.mark.each_once
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_errors_in_the_body(client: Client, peer: Peer, direction: str) -> None:
    """An error in the block of a stream comes out as it is, and the session goes on in step."""
    (peer.root / "down.bin").write_bytes(BIG)

    async def fail() -> None:
        open_stream = client.upload_stream if direction == "up" else client.download_stream
        async with open_stream(f"{direction}.bin") as stream:
            await (stream.write(BIG[:100_000]) if direction == "up" else stream.readexactly(1000))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    if peer.name == "aioftp":  # under TLS it does not always see that its writing failed, and then the session lives
        with suppress(ConnectionError):
            await client.get_current_directory()
        await client.reconnect()
    else:
        await goes_on(client, peer)
    async with client.download_stream("down.bin") as stream:
        assert await stream.read() == BIG


@pytest.mark.each_once
async def test_cancelled(client: Client, peer: Peer) -> None:
    """A cancelled transfer closes its connections; the client that connects again is encrypted again."""
    (peer.root / "big.bin").write_bytes(BIG)
    begun = asyncio.Event()

    async def download() -> None:
        async with client.download_stream("big.bin") as stream:
            await stream.readexactly(1000)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(download())
    await begun.wait()
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
    """After PROT C files go in clear, and after PROT P encrypted again; aioftp does not know PROT."""
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


# What CCC is answered by those who do not have it, or not as they are told to be here.
NO_CCC = {"vsftpd": "500", "pyftpdlib": "500", "aioftp": "502"}


async def test_clear_command_channel(client: Client, peer: Peer) -> None:
    """After CCC commands go in clear and data are encrypted as before; who has no CCC refuses it, and goes on."""
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


# What a data connection is answered that does not resume the session of the control connection.
ANEW = {"vsftpd": "522", "proftpd": "425"}


async def test_without_the_session(client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that insist on the session of the control connection say so, and the client stays in step."""
    monkeypatch.setattr(Channel, "session", None)

    for _ in range(2):
        if peer.name in ANEW:
            with pytest.raises(StatusCodeError, match=ANEW[peer.name]):
                await client.list()
        else:
            assert await client.list() == []
        if peer.name == "vsftpd":  # it ends the session
            with pytest.raises(ConnectionError):
                await client.get_current_directory()
            await client.reconnect()
        assert await client.get_current_directory() == PurePosixPath("/")


@pytest.mark.each_once
async def test_a_stranger(peer: Peer) -> None:
    """A certificate of an authority that is not trusted is refused, with a word of which connection and why."""
    with pytest.raises(TlsError) as caught:
        async with log_in(peer, ssl.create_default_context()):
            pytest.fail("anybody could be that")

    assert f"the certificate of the control connection to 127.0.0.1:{peer.port} was refused" in str(caught.value)
    assert "unable to get local issuer certificate" in str(caught.value)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_the_wrong_host(kind: type[Peer], tmp_path: Path) -> None:
    """A certificate for somebody else is refused, with a word of who was wanted."""
    wanted = r"control connection to 127\.0\.0\.1:\d+ was refused: .*'127\.0\.0\.1'"
    with encrypted(kind, tmp_path, host="elsewhere.example") as peer, pytest.raises(TlsError, match=wanted):
        async with log_in(peer, context()):
            pytest.fail("that is somebody else")


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
    assert len(grown(peer.root)) == 5


@pytest.mark.parametrize("secret", [False, True], ids=["clear", "tls"])
async def test_compressed(tmp_path: Path, secret: bool) -> None:
    """MODE Z carries large and empty files and listings, from an offset on too; MODE S is there afterwards."""
    text = b"0123456789abcdef" * 5000  # mod_deflate 0.6 loses its place when 128 KiB or more come out of one read
    extra = "LoadModule mod_deflate.c", "DeflateEngine on"
    made = encrypted(Proftpd, tmp_path, *extra) if secret else Proftpd(tmp_path / "peer", *extra)
    settings: dict[str, Any] = {"upgrade_to_tls": context() if secret else False, "socket_timeout": 20}
    with made as peer:
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
