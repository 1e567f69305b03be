"""TLS of the client: when it begins and ends, certificates, session resumption, and failures."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import PurePosixPath
from typing import Any

import pytest
import trustme

from ftpfixture import Client, ClientStateError, FtpServer, Retry, StatusCodeError, TlsError
from ftpfixture.client.security import protect_if_known
from ftpfixture.client.traits import SessionParameters
from ftpfixture.testing.certificates import ServerTls, server_context

BIG = bytes(range(256)) * 4096  # 1 MiB
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

Talk = Callable[["Script"], Awaitable[None]]


def trusting(version: str | None = None, certificate: str | None = None) -> ssl.SSLContext:
    """A context that trusts the certificate authority of the tests."""
    context = ServerTls().client_context(certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class Script:
    """A server that sends what a test says; its data connection may be used in any way."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.data: asyncio.Future[tuple[StreamReader, StreamWriter]] = asyncio.get_running_loop().create_future()

    def send(self, text: str) -> None:
        """Send lines."""
        self.writer.write(text.replace("\n", "\r\n").encode())

    async def answer(self, *replies: str) -> None:
        """Read a command for each reply, and send the reply."""
        for reply in replies:
            await self.reader.readline()
            self.send(f"{reply}\n")

    async def encrypt(self) -> None:
        """Read AUTH, and complete the TLS handshake."""
        await self.answer("234 go on")
        await self.writer.start_tls(server_context("valid", None, None, None))

    async def passive(self, before_reply: Callable[[], None] = lambda: None) -> None:
        """Answer the commands of a transfer with a data connection, which is then in `data`.

        Args:
            before_reply: Called between the transfer command and its reply, when the client has connected.
        """
        # Leaving `async with` would wait for the end of the connection itself, since Python 3.12.
        with closing(await asyncio.start_server(self._on_connection, "127.0.0.1", 0)) as server:
            port = server.sockets[0].getsockname()[1]
            await self.answer("200 type", f"229 (|||{port}|)")
            await self.reader.readline()
            before_reply()
            self.send("150 here it comes\n")
            await asyncio.shield(self.data)

    def _on_connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.data.set_result((reader, writer))

    def reset(self) -> None:
        """Reset the control connection."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def scripted(talk: Talk, greeting: str = "220 hi\n", **settings: Any) -> AsyncIterator[Client]:
    """A client that is connected to a server with a script; at the end it waits for the script."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        script = Script(reader, writer)
        script.send(greeting)
        try:
            await talk(script)
        except OSError:
            pass
        finally:
            for one in (writer, script.data.result()[1]) if script.data.done() else (writer,):
                one.close()
                with suppress(OSError):
                    await one.wait_closed()
            ended.set()

    ended = asyncio.Event()
    client = Client(**settings)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        try:
            client.control.history.address = server.sockets[0].getsockname()
            await client.connect(*server.sockets[0].getsockname())
            yield client
        finally:
            client.close()
            await ended.wait()


def until_closed(script: Script) -> Coroutine[Any, Any, bytes]:
    """Read what the client sends until it closes the connection."""
    return script.reader.read()


def closed(client: Client) -> bool:
    """Whether a client has no connection."""
    return "not connected" in repr(client)


@asynccontextmanager
async def log_in(server: FtpServer, **settings: Any) -> AsyncIterator[Client]:
    """A client over AUTH TLS, logged in."""
    settings = {"upgrade_to_tls": trusting(), **settings}
    async with Client.context(*server.address, *server.credentials, **settings) as client:
        yield client


# AUTH TLS.


@pytest.mark.ftp(files={"/a.bin": BIG, "/empty": b""})
@pytest.mark.parametrize("command", ["epsv", "eprt"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_everything_is_encrypted(ftps_server: FtpServer, version: str, command: str) -> None:
    """After `upgrade_to_tls` commands and data are encrypted, and data connections resume the TLS session."""
    tls = trusting(version)
    async with log_in(ftps_server, upgrade_to_tls=tls, passive_commands=[command]) as client:
        assert client.encrypted
        for path, data in (("a.bin", BIG), ("empty", b"")):
            async with client.download_stream(path) as stream:
                assert await stream.read() == data
            async with client.upload_stream(f"/{path}.copy") as stream:
                await stream.write(data)
        assert len(await client.list()) == 4

    assert ftps_server.files["/a.bin.copy"] == BIG
    assert [record.verb for record in ftps_server.log.commands[:4]] == ["AUTH", "PBSZ", "PROT", "USER"]
    [session] = ftps_server.log.sessions
    assert session.tls is not None
    assert (session.tls.version, session.tls.resumed) == (version, False)
    for record in ftps_server.log.transfers:
        assert record.completed
        assert record.tls is not None
        assert (record.tls.version, record.tls.resumed) == (version, True)
    assert len(ftps_server.log.transfers) == 5


@pytest.mark.ftp(files={"/a": b"a"})
async def test_no_tls_without_upgrade(ftps_server: FtpServer) -> None:
    """A server with TLS also accepts clients in clear text."""
    async with log_in(ftps_server, upgrade_to_tls=False) as client:
        assert not client.encrypted
        assert len(await client.list()) == 1

    assert ftps_server.log.sessions[0].tls is None
    assert ftps_server.log.transfers[0].tls is None


async def test_encrypted_already(ftps_server: FtpServer, ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A second `upgrade_to_tls`, or one after implicit TLS, is an error; the session continues."""
    async with log_in(ftps_server) as client:
        with pytest.raises(ClientStateError, match="encrypted already"):
            await client.upgrade_to_tls(trusting())
        assert await client.list() == []
    async with log_in(ftp_server_factory(tls="implicit"), upgrade_to_tls=False, ssl=trusting()) as client:
        with pytest.raises(ClientStateError, match="encrypted already"):
            await client.upgrade_to_tls(trusting())
        assert await client.list() == []


async def test_a_server_without_tls(ftp_server: FtpServer) -> None:
    """The refusal of AUTH is raised, and the session continues in clear text."""
    client = Client()
    await client.connect(*ftp_server.address)
    assert not client.encrypted
    with pytest.raises(StatusCodeError, match="502"):
        await client.upgrade_to_tls(trusting())
    assert not client.encrypted
    await client.login(*ftp_server.credentials)
    assert await client.list() == []
    await client.quit()
    assert not client.encrypted


async def test_no_login_when_a_server_has_no_tls(ftp_server: FtpServer) -> None:
    """`Client.context` does not send the password in clear text when it should be encrypted."""
    with pytest.raises(StatusCodeError, match="502"):
        async with log_in(ftp_server):
            pytest.fail("it logged in")

    assert [record.verb for record in ftp_server.log.commands] == ["AUTH", "QUIT"]


@pytest.mark.parametrize("behind", ["200 PBSZ\n", "2", "\n"])
async def test_clear_text_after_the_reply_to_auth(behind: str) -> None:
    """Data in clear text after the 234 may come from an attacker: the connection is closed."""

    async def talk(script: Script) -> None:
        await script.answer(f"234 go on\n{behind}".removesuffix("\n"))
        await until_closed(script)

    async with scripted(talk) as client:
        with pytest.raises(TlsError, match="in clear text after its reply to AUTH TLS"):
            await client.upgrade_to_tls(trusting())
        with pytest.raises(ConnectionError, match="in clear text after its reply to AUTH TLS"):
            await client.noop()


async def test_clear_text_instead_of_the_handshake() -> None:
    """Data in clear text instead of a handshake are a TlsError."""

    async def talk(script: Script) -> None:
        await script.answer("234 go on")
        await script.reader.read(100)  # the client's part of the handshake
        script.send("200 PBSZ\n")
        await until_closed(script)

    async with scripted(talk) as client:
        with pytest.raises(TlsError, match=r"no TLS on the control connection to 127\.0\.0\.1:\d+: WRONG_VERSION"):
            await client.upgrade_to_tls(trusting())
        assert closed(client)
        with pytest.raises(ConnectionError, match="closed after TlsError"):
            await client.noop()


@pytest.mark.parametrize("how", ["end", "reset", "reset later"])
async def test_the_connection_ends_before_the_handshake(how: str) -> None:
    """When the server closes instead of the handshake, the TlsError names the connection."""

    async def talk(script: Script) -> None:
        await script.answer("234 go on")
        if how == "reset later":
            await script.reader.read(100)
        if how != "end":
            await script.writer.drain()
            script.reset()

    async with scripted(talk) as client:
        with pytest.raises((TlsError, ConnectionResetError)) as caught:
            await client.upgrade_to_tls(trusting())
        if isinstance(caught.value, TlsError):  # else the reset came before the answer was read
            assert "no TLS on the control connection to 127.0.0.1:" in str(caught.value)
        assert how == "reset" or isinstance(caught.value, TlsError)
        assert closed(client)


async def test_a_refused_pbsz_leaves_data_in_clear() -> None:
    """When the server refuses PBSZ, the error is raised; commands are encrypted and data are not."""

    async def talk(script: Script) -> None:
        await script.encrypt()
        await script.answer("500 PBSZ?", '257 "/"')
        await until_closed(script)

    async with scripted(talk) as client:
        with pytest.raises(StatusCodeError, match="500"):
            await client.upgrade_to_tls(trusting())
        assert client.encrypted
        assert await client.get_current_directory() == PurePosixPath("/")
        assert client.control.parameters.protection == "C"


# Certificates.

REASONS = {
    "expired": "certificate has expired",
    "wrong-host": "IP address mismatch, certificate is not valid for '127.0.0.1'",
    "self-signed": "self-signed certificate",
    "untrusted": "unable to get local issuer certificate",
}


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("kind", REASONS)
async def test_certificates_that_are_refused(ftp_server_factory: Callable[..., FtpServer], kind: str, tls: str) -> None:
    """A certificate that is not valid is a TlsError with the connection and the reason, and nothing stays open."""
    server = ftp_server_factory(tls=tls, certificate=kind)
    command: dict[str, Any] = {"ssl": trusting(), "upgrade_to_tls": False} if tls == "implicit" else {}
    with pytest.raises(TlsError) as caught:
        async with log_in(server, **command):
            pytest.fail("it was accepted")

    place = f"the certificate of the control connection to 127.0.0.1:{server.port} was refused: "
    assert str(caught.value).startswith(place)
    assert REASONS[kind] in str(caught.value)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.ftp(tls="implicit")
async def test_a_client_is_closed_after_a_refused_certificate(ftps_server: FtpServer) -> None:
    """After a failed handshake there is no connection, and the next call gives the reason."""
    client = Client(ssl=True)
    with pytest.raises(TlsError, match="self-signed certificate in certificate chain"):
        await client.connect(*ftps_server.address)
    assert closed(client)
    assert not client.encrypted
    with pytest.raises(ConnectionError, match="closed after TlsError"):
        await client.noop()


@pytest.mark.ftp(tls="implicit", certificate="self-signed")
async def test_a_refused_certificate_is_not_retried(ftps_server: FtpServer) -> None:
    """`Retry` does not retry after a refused certificate, but after another failed handshake."""
    client = Client(ssl=trusting(), retry=Retry(attempts=3, delay=0))
    with pytest.raises(TlsError):
        await client.connect(*ftps_server.address)

    assert len(ftps_server.log.sessions) == 1
    assert Retry().is_worth_it(TlsError("no TLS"))


async def test_the_default_context(ftps_server: FtpServer) -> None:
    """Without a context the client trusts only the authorities of this machine, not the authority of the tests."""
    client = Client()
    await client.connect(*ftps_server.address)
    with pytest.raises(TlsError, match="self-signed certificate in certificate chain"):
        await client.upgrade_to_tls()
    assert closed(client)
    with pytest.raises(TlsError, match="self-signed certificate in certificate chain"):
        async with log_in(ftps_server, upgrade_to_tls=True):
            pytest.fail("it was accepted")


@pytest.mark.ftp(certificate="wrong-host", files={"/a": b"a"})
async def test_a_context_of_the_user(ftps_server: FtpServer) -> None:
    """A context that checks no names, or nothing at all, accepts what others refuse."""
    careless = trusting()
    careless.check_hostname = False
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    for context in (careless, blind):
        async with log_in(ftps_server, upgrade_to_tls=context) as client:
            assert len(await client.list()) == 1
            assert client.channel.tls is not None
            assert (client.channel.tls.certificate is None) == (context is blind)


async def test_the_name_in_the_certificate(ftps_server: FtpServer) -> None:
    """The certificate must match the name or address of `connect`, for data connections too."""
    async with Client.context(
        "localhost", ftps_server.port, *ftps_server.credentials, upgrade_to_tls=trusting()
    ) as client:
        assert await client.list() == []
    client = Client()
    await client.connect(*ftps_server.address)
    client.control.connector.host_name = "127.0.0.2"
    with pytest.raises(TlsError, match=r"to 127\.0\.0\.2:\d+ was refused: IP address mismatch"):
        await client.upgrade_to_tls(trusting())


@pytest.mark.ftp(host="::1")
async def test_ipv6(ftps_server: FtpServer) -> None:
    """An IPv6 address is checked too."""
    async with log_in(ftps_server) as client:
        assert await client.list() == []


# Client certificates.


@pytest.mark.ftp(client_certificates="required")
@pytest.mark.parametrize("version", VERSIONS)
async def test_client_certificates(ftps_server: FtpServer, version: str) -> None:
    """The context's certificate is sent on every connection."""
    async with log_in(ftps_server, upgrade_to_tls=trusting(version, "ann")) as client:
        assert await client.list() == []
    tls = ftps_server.log.sessions[0].tls
    assert tls is not None
    assert "CN=ann" in tls.subject.split(",")


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("sent", "reason"), [(False, "none was sent"), (True, "its authority is unknown")])
async def test_a_client_certificate_that_is_refused(
    ftp_server_factory: Callable[..., FtpServer], version: str, tls: str, sent: bool, reason: str
) -> None:
    """A refused client certificate is a TlsError with the reason, although TLS 1.3 refuses it after the handshake."""
    server = ftp_server_factory(tls=tls, client_certificates="required")
    context = trusting(version)
    if sent:
        trustme.CA().issue_cert("ann@somewhere.example").configure_cert(context)
    command: dict[str, Any] = (
        {"ssl": context, "upgrade_to_tls": False} if tls == "implicit" else {"upgrade_to_tls": context}
    )
    with pytest.raises(TlsError) as caught:
        async with log_in(server, **command):
            pytest.fail("it was accepted")

    place = f"the control connection to 127.0.0.1:{server.port}"
    expected = f"the server refused this client's certificate on {place}: {reason}"
    if version == "TLSv1.2" and not sent:  # it has no alert for that
        expected = f"no TLS on {place}: SSLV3_ALERT_HANDSHAKE_FAILURE"
    assert str(caught.value) == expected
    assert Retry().is_worth_it(caught.value) == expected.startswith("no TLS")


# Implicit TLS.


@pytest.mark.ftp(tls="implicit", files={"/a.bin": BIG})
@pytest.mark.parametrize("version", VERSIONS)
async def test_implicit(ftps_server: FtpServer, version: str) -> None:
    """With `ssl` everything is encrypted from the first byte, also after a reconnect."""
    client = Client(ssl=trusting(version))
    for connect in (lambda: client.connect(*ftps_server.address), client.reconnect):
        await connect()
        assert client.encrypted
        await client.login(*ftps_server.credentials)
        async with client.download_stream("a.bin") as stream:
            assert await stream.read() == BIG
    await client.quit()

    assert [record.tls is not None and record.tls.resumed for record in ftps_server.log.transfers] == [True] * 2
    assert [record.verb for record in ftps_server.log.commands[:3]] == ["PBSZ", "PROT", "USER"]


async def test_implicit_without_prot() -> None:
    """A server with implicit TLS that has neither PBSZ nor PROT gets encrypted data connections."""

    async def talk(script: Script) -> None:
        await script.answer("502 PBSZ?")
        await until_closed(script)

    async with scripted(talk) as client:
        client.ssl = trusting()
        client.control.parameters = SessionParameters.of_new_session(client.ssl)
        await protect_if_known(client)
        assert client.control.parameters.protection == "P"


async def test_false_is_no_tls(ftp_server: FtpServer) -> None:
    """`ssl=False` means no TLS."""
    async with log_in(ftp_server, upgrade_to_tls=False, ssl=False) as client:
        assert await client.list() == []


# Protection of data connections.


@pytest.mark.ftp(files={"/a.bin": BIG})
async def test_protect(ftps_server: FtpServer) -> None:
    """Data connections are in clear text after "C", and encrypted again after "P", in upper or lower case."""
    async with log_in(ftps_server) as client:
        for level, secret in (("c", False), ("P", True), ("C", False), ("p", True)):
            await client.protect(level)
            async with client.download_stream("a.bin") as stream:
                assert (stream.channel.tls is not None) == secret
                assert await stream.read() == BIG
        with pytest.raises(StatusCodeError, match="536"):
            await client.protect("S")
        async with client.download_stream("a.bin") as stream:
            assert stream.channel.tls is not None
            assert await stream.read() == BIG
    assert [record.tls is not None for record in ftps_server.log.transfers] == [False, True, False, True, True]


@pytest.mark.ftp(files={"/a.bin": BIG})
async def test_connections_before_their_commands(ftps_server: FtpServer) -> None:
    """A data connection that is opened before its command is encrypted too, unless PROT C was sent."""
    async with log_in(ftps_server) as client:
        stream = await client.get_passive_connection()
        await client.command("RETR a.bin", "1xx")
        assert await stream.read() == BIG
        await stream.finish()
        async with client.get_stream() as stream:
            await client.command("STOR b.bin", "1xx")
            await stream.write(BIG)
        async with client.get_stream() as stream:
            await client.command("STOR empty", "1xx")
        assert await client.get_current_directory() == PurePosixPath("/")
        await client.protect("C")
        async with client.get_stream() as stream:
            await client.command("RETR a.bin", "1xx")
            assert await stream.read() == BIG

    assert ftps_server.files["/b.bin"] == BIG
    assert ftps_server.files["/empty"] == b""
    resumed = [record.tls is not None and record.tls.resumed for record in ftps_server.log.transfers]
    assert resumed == [True, True, True, False]


async def test_a_handshake_that_cannot_begin(ftps_server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the handshake cannot even begin, nothing stays open."""
    async with log_in(ftps_server) as client:
        monkeypatch.setattr(client.control.connector, "host_name", "")  # a context that checks names rejects this
        for call in (client.get_passive_connection, client.get_stream):
            with pytest.raises(ValueError, match="server_hostname"):
                await call()
        with pytest.raises(ValueError, match="server_hostname"):
            await client.get_stream("LIST", "1xx")
    gc.collect()


@pytest.mark.ftp(files={"/a": b"a"})
async def test_parameters_are_discarded(ftps_server: FtpServer) -> None:
    """AUTH resets TYPE and MODE, and REIN the protection; the client does not rely on earlier values."""
    async with log_in(ftps_server, upgrade_to_tls=False) as client:
        await client.set_type("I")
        await client.set_mode("Z")
        await client.upgrade_to_tls(trusting())
        parameters = client.control.parameters
        assert (parameters.type, parameters.deflate_level, parameters.protection) == ("", None, "P")
        await client.login(*ftps_server.credentials)
        async with client.download_stream("a") as stream:
            assert await stream.read() == b"a"
        parameters.forget("REIN", client.ssl)
        assert parameters.protection == "C"


# CCC.


@pytest.mark.ftp(files={"/a.bin": BIG})
@pytest.mark.parametrize("version", VERSIONS)
async def test_clear_command_channel(ftps_server: FtpServer, version: str) -> None:
    """After CCC commands are in clear text, and data connections still resume the TLS session."""
    async with log_in(ftps_server, upgrade_to_tls=trusting(version)) as client:
        await client.clear_command_channel()
        assert not client.encrypted
        for _ in range(2):
            async with client.download_stream("a.bin") as stream:
                assert await stream.read() == BIG
        with pytest.raises(ClientStateError, match="not encrypted"):
            await client.clear_command_channel()

    assert ftps_server.log.sessions[0].tls_ended_seq is not None
    assert [record.tls is not None and record.tls.resumed for record in ftps_server.log.transfers] == [True] * 2


@pytest.mark.ftp(files={"/a.bin": BIG})
async def test_encrypted_once_more(ftps_server: FtpServer) -> None:
    """After CCC the control connection can be encrypted again, with another context."""
    async with log_in(ftps_server) as client:
        await client.clear_command_channel()
        await client.upgrade_to_tls(trusting())
        assert client.encrypted
        await client.login(*ftps_server.credentials)
        async with client.download_stream("a.bin") as stream:
            assert await stream.read() == BIG


@pytest.mark.ftp(tls="required")
async def test_a_refused_ccc(ftps_server: FtpServer) -> None:
    """When the server refuses CCC, everything stays encrypted."""
    async with log_in(ftps_server) as client:
        with pytest.raises(StatusCodeError, match="534"):
            await client.clear_command_channel()
        assert client.encrypted
        assert await client.list() == []


async def test_no_end_of_tls() -> None:
    """When the server sends data instead of ending TLS, that is a TlsError, and the connection is closed."""

    async def talk(script: Script) -> None:
        await script.encrypt()
        await script.answer("200 PBSZ", "200 PROT", "200 CCC\r\n200 more")
        script.writer.write(b"and more")
        await until_closed(script)

    async with scripted(talk) as client:
        await client.upgrade_to_tls(trusting())
        with pytest.raises(TlsError, match="TLS did not end properly on the control connection"):
            await client.clear_command_channel()
        assert closed(client)


# Reconnecting.


@pytest.mark.ftp(tls="required")
async def test_reconnect(ftps_server: FtpServer, unused_tcp_port: int) -> None:
    """A client that reconnects is encrypted as before, also after a failed attempt."""
    async with log_in(ftps_server) as client:
        client.close()
        await client.reconnect()
        assert client.encrypted
        assert await client.list() == []
        address, client.control.history.address = client.control.history.address, ("127.0.0.1", unused_tcp_port)
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await client.reconnect()
        client.control.history.address = address
        await client.reconnect()
        assert client.encrypted
        assert await client.list() == []
    assert all(session.tls is not None for session in ftps_server.log.sessions)


async def test_no_reconnect_in_clear_text(ftps_server: FtpServer, ftp_server_factory: Callable[..., FtpServer]) -> None:
    """When the server does not have TLS any more, the client never reconnects in clear text."""
    clear = ftp_server_factory()
    async with log_in(ftps_server) as client:
        client.control.history.address = clear.address
        for _ in range(2):
            with pytest.raises(StatusCodeError, match="502"):
                await client.reconnect()
            assert closed(client)
    assert {record.verb for record in clear.log.commands} == {"AUTH"}


# Timeouts.


@pytest.mark.parametrize("limit", ["socket_timeout", "connection_timeout"])
async def test_a_handshake_that_does_not_end(limit: str) -> None:
    """Each timeout limits the handshake; the error names the connection, which is closed."""

    async def talk(script: Script) -> None:
        await script.reader.readline()
        # Not before, or the timeout would also limit the reply to AUTH.
        setattr(client, limit, 0.02)
        client.channel.timeout = client.socket_timeout
        script.send("234 go on\n")
        await until_closed(script)

    async with scripted(talk) as client:
        with pytest.raises(TimeoutError, match=r"no TLS on the control connection to 127\.0\.0\.1:\d+: the handshake"):
            await client.upgrade_to_tls(trusting())
        assert closed(client)


async def test_a_server_that_sends_nothing() -> None:
    """With implicit TLS the connect times out when the server sends nothing."""

    async def talk(script: Script) -> None:
        await until_closed(script)

    with pytest.raises(TimeoutError, match="no TLS on the control connection"):
        async with scripted(talk, "", ssl=trusting(), socket_timeout=0.02):
            pytest.fail("it connected")


# Data connections that cannot be encrypted.


@pytest.mark.parametrize("how", ["close", "garbage", "nothing"])
async def test_a_data_connection_without_handshake(how: str) -> None:
    """A data connection that fails after the 150 is an error, and the next command gets its own reply."""

    def before_reply() -> None:
        if how == "nothing":
            client.connection_timeout = 0.05  # only from now on: it also limits connecting

    async def talk(script: Script) -> None:
        await script.encrypt()
        await script.answer("200 PBSZ", "200 PROT")
        await script.passive(before_reply)
        reader, writer = await script.data
        if how != "close":
            await reader.read(100)
        if how == "garbage":
            writer.write(b"no handshake")
        if how != "nothing":
            writer.close()
        script.send("425 no TLS\n")
        await script.answer('257 "/"')
        await until_closed(script)

    async with scripted(talk) as client:
        await client.upgrade_to_tls(trusting())
        expected = TimeoutError if how == "nothing" else TlsError
        with pytest.raises(expected, match=r"no TLS on the data connection to 127\.0\.0\.1:\d+"):
            await client.get_stream("RETR a", "1xx")
        assert await client.get_current_directory() == PurePosixPath("/")


@pytest.mark.ftp(files={"/a.bin": BIG})
@pytest.mark.parametrize("command", ["epsv", "eprt"])
async def test_another_certificate_for_data(ftps_server: FtpServer, command: str) -> None:
    """A data connection with an invalid certificate is refused, and commands and replies stay in sync."""
    async with log_in(ftps_server, passive_commands=[command]) as client:
        good = ftps_server.server.ssl
        for _ in range(2):
            ftps_server.server.ssl = server_context("untrusted", None, None, None)
            with pytest.raises(TlsError, match="the certificate of the data connection to 127"):
                await client.download_stream("a.bin")
            ftps_server.server.ssl = good
            assert await client.get_current_directory() == PurePosixPath("/")
            async with client.download_stream("a.bin") as stream:
                assert await stream.read() == BIG
    assert [record.code for record in ftps_server.log.commands if record.verb == "RETR"] == ["522", "226"] * 2


@pytest.mark.ftp(require_session_reuse=True, files={"/a.bin": BIG})
@pytest.mark.parametrize("version", VERSIONS)
async def test_reuse_is_required(ftps_server: FtpServer, version: str) -> None:
    """A server that requires session reuse gets it, from the first data connection to the last."""
    async with log_in(ftps_server, upgrade_to_tls=trusting(version)) as client:
        for number in range(5):
            async with client.upload_stream(f"{number}") as stream:
                await stream.write(BIG)
            async with client.download_stream("a.bin") as stream:
                assert await stream.read() == BIG


# Streams.


@pytest.mark.ftp(files={"/a.bin": BIG * 8})
async def test_streams_that_are_not_read(ftps_server: FtpServer) -> None:
    """A download that is finished early, or before its first byte, ends at once with the server's reply."""
    async with log_in(ftps_server) as client:
        for count in (0, 1000):
            stream = await client.download_stream("a.bin")
            await stream.read(count)
            with pytest.raises(StatusCodeError, match="426"):
                await stream.finish()
            await stream.finish()
            assert await client.get_current_directory() == PurePosixPath("/")
    assert all(record.size < 8 * len(BIG) for record in ftps_server.log.transfers)


@pytest.mark.ftp(files={"/a.bin": BIG * 8})
@pytest.mark.parametrize("verb", ["RETR", "STOR"])
async def test_abort(ftps_server: FtpServer, verb: str) -> None:
    """A transfer can be aborted, and the next one is complete."""
    async with log_in(ftps_server) as client:
        async with client.get_stream(f"{verb} a.bin" if verb == "RETR" else "STOR b.bin", "1xx") as stream:
            await (stream.readexactly(1000) if verb == "RETR" else stream.write(BIG))
            await client.abort()
        async with client.download_stream("a.bin") as stream:
            assert await stream.read() == BIG * 8


@pytest.mark.ftp(files={"/a.bin": BIG * 8})
@pytest.mark.parametrize("direction", ["down", "up"])
async def test_errors_in_the_body(ftps_server: FtpServer, direction: str) -> None:
    """An error in the block of a stream is raised; a partial upload is not complete, and replies stay in sync."""
    async with log_in(ftps_server) as client:
        with pytest.raises(ZeroDivisionError):
            await fail_in_the_body(client, direction)
        assert await client.get_current_directory() == PurePosixPath("/")
    [record] = ftps_server.log.transfers
    assert not record.completed


async def fail_in_the_body(client: Client, direction: str) -> None:
    """Begin a transfer, and raise an error."""
    async with client.download_stream("a.bin") if direction == "down" else client.upload_stream("b.bin") as stream:
        await (stream.readexactly(1000) if direction == "down" else stream.write(BIG))
        raise ZeroDivisionError


@pytest.mark.ftp(quota=1000)
async def test_an_upload_that_the_server_refuses(ftps_server: FtpServer) -> None:
    """When the server ends an upload, its reply is raised."""
    async with log_in(ftps_server) as client:
        with pytest.raises(StatusCodeError, match="452"):
            async with client.upload_stream("b.bin") as stream:
                await stream.write(BIG * 8)
        assert await client.get_current_directory() == PurePosixPath("/")


@pytest.mark.parametrize("code", ["426", "226"])
async def test_a_truncated_download(code: str) -> None:
    """A partial file is never taken for a complete one, whatever the reply: TLS shows a missing close_notify."""

    async def talk(script: Script) -> None:
        await script.encrypt()
        await script.answer("200 PBSZ", "200 PROT")
        await script.passive()
        _, writer = await script.data
        await writer.start_tls(server_context("valid", None, None, None))
        writer.write(b"half")
        await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.shutdown(socket.SHUT_RDWR)
        script.send(f"{code} that is it\n")
        await script.answer('257 "/"')
        await until_closed(script)

    async with scripted(talk) as client:
        await client.upgrade_to_tls(trusting())
        expected, text = (StatusCodeError, "426") if code == "426" else (ConnectionResetError, "without close_notify")
        with pytest.raises(expected, match=text):
            async with client.get_stream("RETR a", "1xx") as stream:
                assert await stream.read() == b"half"
        assert await client.get_current_directory() == PurePosixPath("/")


# Cancelled.


class CancelledAt:
    """Awaits a coroutine, and cancels the task when it waits for the n-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], number: int) -> None:
        self._coroutine = coroutine
        self._left = number
        self.done = False

    def __await__(self) -> Generator[Any, None, None]:
        """Pass each wait to the loop."""
        inner = self._coroutine.__await__()
        task = asyncio.current_task()
        assert task is not None
        error: BaseException | None = None
        while True:
            try:
                waited = next(inner) if error is None else inner.throw(error)
            except StopIteration:
                self.done = True
                return
            if self._left == 0:
                task.cancel()
            self._left -= 1
            error = None
            try:
                yield waited
            except BaseException as thrown:
                error = thrown


async def cancelled_everywhere(
    connect: Callable[[], Awaitable[Client]], call: Callable[[Client], Coroutine[Any, Any, None]]
) -> int:
    """Cancel a call at each of its waits in turn, and check what remains; returns the number of waits."""
    loop: Any = asyncio.get_running_loop()
    watched = len(loop._selector.get_map())
    number = 0
    done = False
    while not done:
        client = await connect()
        attempt = CancelledAt(call(client), number)

        async def run(attempt: CancelledAt = attempt) -> None:
            await attempt

        task = asyncio.create_task(run())
        with suppress(asyncio.CancelledError):
            await task
        done = attempt.done
        with suppress(ConnectionError):  # either it is closed, or in sync
            assert await client.get_current_directory() == PurePosixPath("/")
        client.close()
        await asyncio.sleep(0)  # tasks that were woken end
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}, f"after the wait number {number}"
        assert len(loop._selector.get_map()) == watched, f"after the wait number {number}"
        number += 1
    gc.collect()  # an open socket would raise a ResourceWarning
    return number


async def test_cancelled_upgrade(ftps_server: FtpServer) -> None:
    """Wherever the upgrade is cancelled, the connection is closed or works, and no task remains."""

    async def connect() -> Client:
        client = Client()
        await client.connect(*ftps_server.address)
        return client

    async def call(client: Client) -> None:
        await client.upgrade_to_tls(trusting())
        await client.login(*ftps_server.credentials)

    async def logged_in(client: Client) -> None:
        await client.login(*ftps_server.credentials)
        await call(client)

    assert await cancelled_everywhere(connect, logged_in) > 1


@pytest.mark.ftp(tls="implicit")
async def test_cancelled_connect(ftps_server: FtpServer) -> None:
    """Wherever connecting with implicit TLS is cancelled, nothing remains open."""

    async def connect() -> Client:
        return Client(ssl=trusting())

    async def call(client: Client) -> None:
        await client.connect(*ftps_server.address)
        await client.login(*ftps_server.credentials)

    assert await cancelled_everywhere(connect, call) > 1


async def test_cancelled_ccc(ftps_server: FtpServer) -> None:
    """Wherever the return to clear text is cancelled, the connection is closed or works."""

    async def connect() -> Client:
        client = Client()
        await client.connect(*ftps_server.address)
        await client.upgrade_to_tls(trusting())
        await client.login(*ftps_server.credentials)
        return client

    async def call(client: Client) -> None:
        await client.clear_command_channel()

    assert await cancelled_everywhere(connect, call) > 0


@pytest.mark.ftp(files={"/a.bin": BIG})
@pytest.mark.parametrize("what", ["epsv down", "eprt down", "epsv up", "eprt up", "epsv list", "epsv before"])
async def test_cancelled_transfers(ftps_server: FtpServer, what: str) -> None:
    """Wherever a transfer is cancelled, its connections are closed, and no task remains."""
    command, what = what.split()

    async def connect() -> Client:
        client = Client(passive_commands=[command])
        await client.connect(*ftps_server.address)
        await client.upgrade_to_tls(trusting())
        await client.login(*ftps_server.credentials)
        return client

    async def call(client: Client) -> None:
        if what == "down":
            async with client.download_stream("a.bin") as stream:
                assert await stream.read() == BIG
        elif what == "up":
            async with client.upload_stream("b.bin") as stream:
                await stream.write(BIG[:100_000])
        elif what == "before":
            async with client.get_stream() as stream:
                await client.command("STOR b.bin", "1xx")
                await stream.write(BIG[:100_000])
        else:
            assert await client.list()

    assert await cancelled_everywhere(connect, call) > 1
