"""TLS in its parts: `start_tls` over both kinds of connection, contexts that resume a session, and alerts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from ftpfixture import FtpServer, SSLSessionBoundContext, StreamIO
from ftpfixture.net.channel import Channel
from ftpfixture.net.dial import ClientNetwork
from ftpfixture.net.tls import refusal
from ftpfixture.testing.certificates import ServerTls
from tests.support.rows import table

Connected = Callable[[FtpServer], contextlib.AbstractAsyncContextManager[StreamIO]]


@contextlib.asynccontextmanager
async def _over_channel(server: FtpServer) -> AsyncIterator[StreamIO]:
    stream = StreamIO(Channel(await ClientNetwork().connect(None, server.address), timeout=5))
    try:
        yield stream
    finally:
        stream.close()


@contextlib.asynccontextmanager
async def _over_asyncio(server: FtpServer) -> AsyncIterator[StreamIO]:
    reader, writer = await asyncio.open_connection(*server.address)
    stream = StreamIO(reader, writer, timeout=5)
    try:
        yield stream
    finally:
        stream.close()
        with contextlib.suppress(ssl.SSLError):  # the error of the handshake, once more
            await writer.wait_closed()


@pytest.mark.parametrize("connected", [_over_channel, _over_asyncio])
async def test_start_tls(ftps_server: FtpServer, connected: Connected) -> None:
    """A stream that does the handshake itself is encrypted from then on, with the host name checked."""
    async with connected(ftps_server) as stream:
        assert await stream.readline() == b"220 welcome\r\n"
        await stream.write(b"AUTH TLS\r\n")
        assert (await stream.readline()).startswith(b"234 ")
        await stream.start_tls(ftps_server.tls.client_context(), "localhost")
        await stream.write(b"NOOP\r\n")
        assert (await stream.readline()).startswith(b"200 ")

    assert ftps_server.log.sessions[0].tls is not None


@pytest.mark.parametrize("connected", [_over_channel, _over_asyncio])
async def test_start_tls_with_a_wrong_name(ftps_server: FtpServer, connected: Connected) -> None:
    """A host name that is not in the certificate is an error."""
    async with connected(ftps_server) as stream:
        await stream.readline()
        await stream.write(b"AUTH TLS\r\n")
        await stream.readline()
        with pytest.raises(ssl.SSLCertVerificationError):
            await stream.start_tls(ftps_server.tls.client_context(), "elsewhere.example")


def _connected(server: FtpServer, context: ssl.SSLContext) -> tuple[ssl.SSLSession | None, bool]:
    with (
        socket.create_connection(server.address, 5) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as encrypted,
    ):
        assert encrypted.recv(100).startswith(b"220 ")
        return encrypted.session, bool(encrypted.session_reused)


@pytest.mark.ftp(tls="implicit")
def test_a_bound_context_resumes(ftps_server: FtpServer) -> None:
    """A connection of a bound context resumes its session; without a session it does not."""
    context = ftps_server.tls.client_context()
    session, resumed = _connected(ftps_server, context)
    assert (session is not None, resumed) == (True, False)

    bound = SSLSessionBoundContext(ssl.PROTOCOL_TLS_CLIENT, context, session)
    assert (bound.context, bound.session) == (context, session)
    assert _connected(ftps_server, bound)[1] is True
    assert _connected(ftps_server, SSLSessionBoundContext(ssl.PROTOCOL_TLS_CLIENT, context, None))[1] is False


@pytest.mark.ftp(tls="implicit")
async def test_a_bound_context_resumes_with_asyncio(ftps_server: FtpServer) -> None:
    """asyncio, which cannot pass a session, resumes one through it."""
    context = ftps_server.tls.client_context()
    session, _ = await asyncio.to_thread(_connected, ftps_server, context)
    bound = SSLSessionBoundContext(ssl.PROTOCOL_TLS_CLIENT, context, session)
    reader, writer = await asyncio.open_connection(*ftps_server.address, ssl=bound, server_hostname="localhost")
    assert await reader.readline() == b"220 welcome\r\n"
    writer.close()
    await writer.wait_closed()

    assert [record.tls.resumed for record in ftps_server.log.sessions if record.tls] == [False, True]


def test_a_bound_context_takes_no_session(ftps_server: FtpServer) -> None:
    """A second session is a ValueError, by name and by position."""
    context = ftps_server.tls.client_context()
    session: ssl.SSLSession = object()  # type: ignore[assignment]
    bound = SSLSessionBoundContext(ssl.PROTOCOL_TLS_CLIENT, context, None)
    with pytest.raises(ValueError, match="has its own session"):
        bound.wrap_socket(None, session=session)
    with pytest.raises(ValueError, match="has its own session"):
        bound.wrap_socket(None, False, False, False, False, None, session)
    with pytest.raises(ValueError, match="has its own session"):
        bound.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), False, None, session)


@table(
    ("alert", "reason"),
    [
        (42, "it is damaged, or its signature is wrong"),
        (43, "its kind is not supported"),
        (44, "it is revoked"),
        (45, "it has expired"),
        (46, "it is not acceptable"),
        (48, "its authority is unknown"),
        (116, "none was sent"),
        (40, ""),  # handshake_failure
    ],
)
def test_alerts_that_refuse_a_certificate(alert: int, reason: str) -> None:
    """Each alert that refuses a certificate (RFC 8446 6.2) has a text, and no other alert has one."""
    incoming = ssl.MemoryBIO()
    tls = ServerTls().client_context().wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    incoming.write(bytes((21, 3, 3, 0, 2, 2, alert)))
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    assert refusal(caught.value) == reason


def test_other_errors_refuse_no_certificate() -> None:
    """An error that is no alert has no text."""
    assert refusal(None) == refusal(ConnectionResetError()) == refusal(ssl.SSLEOFError()) == ""
