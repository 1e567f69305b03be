"""TLS in memory behaves as `ssl.SSLSocket` on a socket, record by record, with any room."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.memory import memory_pair
from ftpfixture.testing.certificates import ServerTls, server_context

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Ends:
    """Two channels in memory; `near` is the TLS server."""

    def __init__(self, window: int = 1 << 16) -> None:
        self.transports = memory_pair(asyncio.get_running_loop(), window=window)
        self.near, self.far = (Channel(transport, timeout=10) for transport in self.transports)
        self.contexts = server_context("valid", None, None, None), ServerTls().client_context()

    def begin(self, version: str = "TLSv1.3", session: ssl.SSLSession | None = None) -> None:
        """Begin the handshake at both ends."""
        server, client = self.contexts
        client.minimum_version = client.maximum_version = VERSIONS[version]
        self.near.start_tls(server, server_side=True)
        self.far.start_tls(client, server_side=False, server_hostname="localhost", session=session)

    async def handshake(self, version: str = "TLSv1.3", session: ssl.SSLSession | None = None) -> None:
        """Do the handshake."""
        self.begin(version, session)
        await asyncio.gather(self.near.secured(), self.far.secured())

    def close(self) -> None:
        """Close both."""
        self.near.close()
        self.far.close()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Two channels in clear text."""
    ends = Ends()
    yield ends
    ends.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_info(ends: Ends, version: str) -> None:
    """Both sides know version and cipher, the client knows the certificate, and a session can be resumed."""
    await ends.handshake(version)
    await ends.near.send(b"hi")
    assert await ends.far.receive(2) == b"hi"
    for channel in (ends.near, ends.far):
        assert channel.tls is not None
        assert (channel.tls.version, channel.tls.resumed) == (version, False)
    assert ends.far.tls is not None
    assert ends.far.tls.certificate is not None
    other = Ends()
    other.contexts = ends.contexts
    await other.handshake(version, ends.far.session)
    assert other.near.tls is not None
    assert other.near.tls.resumed
    other.close()


@pytest.mark.parametrize("window", [1, 100])
async def test_room_for_few_bytes(window: int) -> None:
    """Records are sent in pieces, and so is a handshake."""
    ends = Ends(window)
    ends.begin()
    sending = asyncio.create_task(ends.near.send(bytes(3000)))
    received = b""
    while len(received) < 3000:
        received += await ends.far.receive(5000)
    assert (await sending, received) == (3000, bytes(3000))
    ends.close()


async def test_a_record_that_comes_in_pieces(ends: Ends) -> None:
    """It is received after its last piece, and bytes after it stay unread."""
    await ends.handshake()
    await ends.near.send(b"")
    near, far = ends.transports
    for piece in (b"\x17\x03", b"\x03\x00\x20", bytes(10)):
        near.send(piece)
        assert ends.far.receive_now(10) is None
    near.send(bytes(22) + b"behind")
    with pytest.raises(ConnectionAbortedError, match="TLS failed: DECRYPTION_FAILED_OR_BAD_RECORD_MAC"):
        ends.far.receive_now(10)
    assert far.recv(10) == b"behind"
    with pytest.raises(ConnectionAbortedError, match=r"TLS failed: .*BAD_RECORD_MAC"):
        await ends.near.receive(10)  # the other side gets the alert


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_end(ends: Ends, version: str) -> None:
    """close_notify is the end; an end without it is a truncation, and a reset is an error, too."""
    await ends.handshake(version)
    await ends.near.send(b"all")
    await ends.near.send_eof()
    assert [await ends.far.receive(5), await ends.far.receive(5)] == [b"all", b""]
    for cut in ("close", "reset"):
        other = Ends()
        await other.handshake(version)
        getattr(other.near, cut)()
        with pytest.raises(ConnectionResetError):
            await other.far.receive(5)
        other.close()
        await other.near.send_eof()  # the other side has left
    await ends.far.send_eof()
    await ends.far.send_eof()


@pytest.mark.parametrize("version", VERSIONS)
async def test_back_to_clear_text(ends: Ends, version: str) -> None:
    """Bytes right after the end of TLS are clear text, and TLS can begin again."""
    await ends.handshake(version)
    ending = asyncio.create_task(ends.near.end_tls())
    await ends.far.end_tls()
    ends.far.send_raw(b"clear text")
    await ending
    assert await ends.near.receive(100) == b"clear text"
    assert not ends.near.is_tls
    await ends.handshake(version)
    assert await ends.near.send(b"x") == 1
    assert await ends.far.receive(100) == b"x"


async def test_before_the_handshake(ends: Ends) -> None:
    """A server can return to clear text while no byte of the handshake was read."""
    ends.near.start_tls(ends.contexts[0], server_side=True)
    ends.near.cancel_tls()
    assert not ends.near.is_tls
    await ends.far.send(b"clear")
    assert await ends.near.receive(10) == b"clear"
    await ends.handshake()


async def test_what_cannot_begin(ends: Ends) -> None:
    """TLS needs the name that the context checks, and a connection that is neither broken nor closed."""
    with pytest.raises(ValueError, match="check_hostname requires server_hostname"):
        ends.far.start_tls(ends.contexts[1], server_side=False)
    assert ends.far.closed
    ends.near.reset()
    near, far = memory_pair(asyncio.get_running_loop())
    far.reset()
    with pytest.raises(ConnectionResetError):
        near.start_tls(ends.contexts[0], server_side=True)
    with pytest.raises(OSError, match="Bad file descriptor"):
        far.start_tls(ends.contexts[0], server_side=True)


async def test_another_certificate(ends: Ends) -> None:
    """The client refuses a server that it does not trust, and the server gets the reason."""
    ends.contexts = ends.contexts[0], ssl.create_default_context()
    ends.begin()
    results = await asyncio.gather(ends.near.secured(), ends.far.secured(), return_exceptions=True)
    assert isinstance(results[1], ssl.SSLCertVerificationError)
    with pytest.raises(OSError, match="UNKNOWN_CA"):
        await ends.near.receive(1)
