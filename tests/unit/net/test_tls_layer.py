"""TLS in memory does what `ssl.SSLSocket` does on a socket, record by record, whatever there is room for."""

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
    """Two channels in memory; `near` is the server of TLS."""

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

    async def shake(self, version: str = "TLSv1.3", session: ssl.SSLSession | None = None) -> None:
        """Do the handshake."""
        self.begin(version, session)
        await asyncio.gather(self.near.secured(), self.far.secured())

    def close(self) -> None:
        """Close both."""
        self.near.close()
        self.far.close()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Two channels in clear."""
    ends = Ends()
    yield ends
    ends.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_told_of_it(ends: Ends, version: str) -> None:
    """Both know version and cipher, the client knows the certificate, and a session can be resumed."""
    await ends.shake(version)
    await ends.near.send(b"hi")
    assert await ends.far.receive(2) == b"hi"
    for channel in (ends.near, ends.far):
        assert channel.tls is not None
        assert (channel.tls.version, channel.tls.resumed) == (version, False)
    assert ends.far.tls is not None
    assert ends.far.tls.certificate is not None
    other = Ends()
    other.contexts = ends.contexts
    await other.shake(version, ends.far.session)
    assert other.near.tls is not None
    assert other.near.tls.resumed
    other.close()


@pytest.mark.parametrize("window", [1, 100])
async def test_room_for_few_bytes(window: int) -> None:
    """Records go in pieces, and a handshake does, too."""
    ends = Ends(window)
    ends.begin()
    sending = asyncio.create_task(ends.near.send(bytes(3000)))
    received = b""
    while len(received) < 3000:
        received += await ends.far.receive(5000)
    assert (await sending, received) == (3000, bytes(3000))
    ends.close()


async def test_a_record_that_comes_in_pieces(ends: Ends) -> None:
    """It is received when the last of them is there, and what is behind it is left where it is."""
    await ends.shake()
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
        await ends.near.receive(10)  # the other side was told why


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_end(ends: Ends, version: str) -> None:
    """close_notify is the end; a connection that ends without it was cut, and reset is an error, too."""
    await ends.shake(version)
    await ends.near.send(b"all")
    await ends.near.send_eof()
    assert [await ends.far.receive(5), await ends.far.receive(5)] == [b"all", b""]
    for cut in ("close", "reset"):
        other = Ends()
        await other.shake(version)
        getattr(other.near, cut)()
        with pytest.raises(ConnectionResetError):
            await other.far.receive(5)
        other.close()
        await other.near.send_eof()  # nobody is there any more to be told
    await ends.far.send_eof()
    await ends.far.send_eof()


@pytest.mark.parametrize("version", VERSIONS)
async def test_back_to_clear_text(ends: Ends, version: str) -> None:
    """What follows the end of TLS at once is clear text, and TLS can begin anew."""
    await ends.shake(version)
    ending = asyncio.create_task(ends.near.end_tls())
    await ends.far.end_tls()
    ends.far.send_raw(b"in clear")
    await ending
    assert await ends.near.receive(100) == b"in clear"
    assert not ends.near.is_tls
    await ends.shake(version)
    assert await ends.near.send(b"x") == 1
    assert await ends.far.receive(100) == b"x"


async def test_before_the_handshake(ends: Ends) -> None:
    """A server goes back to clear text for as long as nothing of the handshake was read."""
    ends.near.start_tls(ends.contexts[0], server_side=True)
    ends.near.cancel_tls()
    assert not ends.near.is_tls
    await ends.far.send(b"clear")
    assert await ends.near.receive(10) == b"clear"
    await ends.shake()


async def test_what_cannot_begin(ends: Ends) -> None:
    """Without the name that the context checks there is no TLS, nor on a connection that is broken or closed."""
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
    """A server that is not trusted is refused, and told why."""
    ends.contexts = ends.contexts[0], ssl.create_default_context()
    ends.begin()
    results = await asyncio.gather(ends.near.secured(), ends.far.secured(), return_exceptions=True)
    assert isinstance(results[1], ssl.SSLCertVerificationError)
    with pytest.raises(OSError, match="UNKNOWN_CA"):
        await ends.near.receive(1)
