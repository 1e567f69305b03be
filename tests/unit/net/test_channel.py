"""One connection: its addresses, and how TLS begins, carries bytes and ends on it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from ftpfixture.net.channel import Channel
from ftpfixture.net.outbox import Outbox
from ftpfixture.testing.certificates import ServerTls, server_context
from tests.support.transports import BIG, SocketPair, one_turn, socket_channel

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class RaisingSocket(ssl.SSLSocket):
    """A socket whose calls first raise what a test has listed; OpenSSL raises it only now and then."""

    errors: ClassVar[dict[str, list[type[ssl.SSLError]]]] = {}

    def _raise_next(self, call: str) -> None:
        if self.errors.get(call):
            raise self.errors[call].pop(0)()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive."""
        self._raise_next("recv")
        return super().recv(buflen, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send."""
        self._raise_next("send")
        return super().send(data, flags)

    def do_handshake(self, block: bool = False) -> None:
        """Do the handshake."""
        self._raise_next("do_handshake")
        super().do_handshake(block)

    def unwrap(self) -> socket.socket:
        """End."""
        self._raise_next("unwrap")
        return super().unwrap()


class Ends:
    """Two channels at the ends of one connection; `near` is the TLS server."""

    def __init__(self, timeout: float | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            far = socket.create_connection(listener.getsockname())
            near, address = listener.accept()
        self.near = socket_channel(near, address, timeout)
        self.far = socket_channel(far, far.getpeername(), timeout)
        self.contexts = server_context("valid", None, None, None), ServerTls().client_context()
        self.contexts[1].sslsocket_class = RaisingSocket

    def begin(self, version: str = "TLSv1.3", session: ssl.SSLSession | None = None) -> None:
        """Begin the handshake on both sides, with one version."""
        self.begin_near()
        self.begin_far(version, session)

    def begin_near(self) -> None:
        """Begin at the server."""
        self.near.start_tls(self.contexts[0], server_side=True)

    def begin_far(self, version: str = "TLSv1.3", session: ssl.SSLSession | None = None) -> None:
        """Begin at the client."""
        context = self.contexts[1]
        context.minimum_version = context.maximum_version = VERSIONS[version]
        self.far.start_tls(context, server_side=False, server_hostname="localhost", session=session)

    async def handshake(self, version: str = "TLSv1.3") -> None:
        """Do the handshake on both sides."""
        self.begin(version)
        await asyncio.gather(self.near.secured(), self.far.secured())

    def close(self) -> None:
        """Close both."""
        self.near.close()
        self.far.close()


@pytest.fixture
async def ends(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ends]:
    """Two channels in clear text, without a timeout; in the end no socket is open, and no task is left."""
    monkeypatch.setattr(RaisingSocket, "errors", {})
    ends = Ends()
    yield ends
    ends.close()
    await one_turn()
    await one_turn()
    gc.collect()


async def _receive_exactly(channel: Channel, count: int) -> bytes:
    """Exactly `count` bytes."""
    data = bytearray()
    while len(data) < count:
        piece = await asyncio.wait_for(channel.receive(count - len(data)), 10)
        assert piece, f"the end came after {len(data)} bytes"
        data += piece
    return bytes(data)


# The handshake.


@pytest.mark.parametrize("version", VERSIONS)
async def test_handshake(ends: Ends, version: str) -> None:
    """After the handshake both sides know version and cipher, and the client the server's certificate."""
    assert not ends.near.is_tls
    assert ends.far.session is None
    ends.begin(version)
    assert (ends.near.is_tls, ends.near.tls) == (True, None)
    await asyncio.gather(ends.near.secured(), ends.far.secured())

    for channel in (ends.near, ends.far):
        assert channel.tls is not None
        assert (channel.tls.version, channel.tls.resumed) == (version, False)
        assert channel.tls.cipher.isascii()
    assert ends.near.tls is not None
    assert (ends.near.tls.certificate, ends.near.tls.subject) == (None, "")
    assert ends.far.tls is not None
    assert ends.far.tls.certificate is not None
    assert "ftpfixture" in str(ends.far.tls.certificate["issuer"]) or ends.far.tls.subject
    assert ends.far.session is not None


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_is_resumed(ends: Ends, version: str) -> None:
    """The TLS session of a connection can be resumed on another one, after something was received on it."""
    await ends.handshake(version)
    ends.near.send_now(b"hi")
    assert await _receive_exactly(ends.far, 2) == b"hi"
    other = Ends()
    other.contexts = ends.contexts
    other.begin(version, ends.far.session)
    await asyncio.gather(other.near.secured(), other.far.secured())

    for channel in (other.near, other.far):
        assert channel.tls is not None
        assert channel.tls.resumed
    other.close()


async def test_a_second_start_tls_does_nothing(ends: Ends) -> None:
    """`start_tls` on a connection that is encrypted, or about to be, does nothing."""
    ends.begin()
    ends.begin()
    await asyncio.gather(ends.near.secured(), ends.far.secured())
    before = ends.near.tls
    ends.begin()
    await ends.near.secured()

    assert ends.near.tls is before


async def test_send_and_receive_wait_for_the_handshake(ends: Ends) -> None:
    """`send` and `receive` may be called before the handshake; nothing is sent in clear text."""
    ends.begin()
    receiver = asyncio.create_task(ends.far.receive(10))
    assert await ends.near.send(b"secret") == 6

    assert await receiver == b"secret"
    assert ends.near.tls is not None


async def test_secured_in_clear_text(ends: Ends) -> None:
    """Without a handshake `secured` does not wait."""
    await ends.near.secured()

    assert ends.near.tls is None


async def test_a_cancelled_wait_does_not_end_the_handshake(ends: Ends) -> None:
    """A task that waits for the handshake may be cancelled; the handshake continues."""
    ends.begin_near()
    waiting = asyncio.create_task(ends.near.secured())
    await one_turn()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    ends.begin_far()

    await asyncio.gather(ends.near.secured(), ends.far.secured())


async def test_a_handshake_that_has_to_wait_for_room() -> None:
    """When the socket has no room, the handshake continues as soon as it has."""
    near, far = socket.socketpair()
    channel = socket_channel(near)
    far.setblocking(False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += near.send(bytes(1 << 16))
    channel.start_tls(ServerTls().client_context(), server_side=False, server_hostname="localhost")
    await one_turn()
    await one_turn()
    while filled:
        filled -= len(await asyncio.get_running_loop().sock_recv(far, min(filled, 1 << 20)))
    async with asyncio.timeout(10):
        hello = await asyncio.get_running_loop().sock_recv(far, 1)

    assert hello == b"\x16"  # a record of a handshake
    channel.close()
    far.close()
    await one_turn()


async def test_a_handshake_that_has_to_write(ends: Ends) -> None:
    """OpenSSL may have to write before it continues."""
    RaisingSocket.errors["do_handshake"] = [ssl.SSLWantWriteError, ssl.SSLWantReadError]
    ends.begin_far()
    await one_turn()
    ends.near.send_now(b"")  # nothing, so the client waits to read, until the server sends
    ends.begin_near()
    RaisingSocket.errors.clear()

    await asyncio.gather(ends.near.secured(), ends.far.secured())


async def test_a_handshake_that_takes_too_long() -> None:
    """If the peer sends nothing within `timeout`, each waiting call raises TimeoutError, then and later."""
    ends = Ends(timeout=0.01)
    ends.begin_near()
    waiting = [asyncio.create_task(ends.near.secured()), asyncio.create_task(ends.near.receive(1))]
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, TimeoutError)
    with pytest.raises(TimeoutError):
        await ends.near.send(b"x")
    with pytest.raises(TimeoutError):
        await ends.near.send_eof()
    ends.close()


async def test_garbage_instead_of_a_handshake(ends: Ends) -> None:
    """Bytes that are no handshake raise OpenSSL's own SSLError."""
    ends.far.send_now(b"USER ann\r\nPASS secret\r\n")
    ends.begin_near()

    with pytest.raises(ssl.SSLError, match=r"WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|HTTP_REQUEST|UNKNOWN_PROTOCOL"):
        await ends.near.secured()


async def test_the_end_instead_of_a_handshake(ends: Ends) -> None:
    """A peer that closes raises an error, and so does one that resets."""
    ends.far.close()
    ends.begin_near()

    with pytest.raises(OSError, match=r"EOF|reset"):
        await ends.near.secured()


async def test_a_handshake_that_begins_when_the_connection_is_closed(ends: Ends) -> None:
    """It ends at once, and watches no other connection that reuses the number of the descriptor."""
    ends.begin_near()
    ends.near.close()
    others = socket.socketpair()  # one of them has the lowest number that is free, which was that of the channel
    with pytest.raises(OSError, match="Bad file descriptor"):
        async with asyncio.timeout(10):
            await ends.near.secured()
    for other in others:
        assert not asyncio.get_running_loop().remove_reader(other)
        other.close()


async def test_a_handshake_on_a_connection_that_was_reset(ends: Ends) -> None:
    """On a broken connection `start_tls` raises, and leaves no socket open."""
    ends.far.reset()
    gone = asyncio.Event()
    ends.near.watch(gone.set)
    await gone.wait()
    ends.near.unwatch()

    with pytest.raises(OSError, match="reset"):
        ends.begin_near()
    assert ends.near.closed


async def test_an_impossible_handshake(ends: Ends) -> None:
    """An error of Python is raised, and leaves no socket open."""
    with pytest.raises(ValueError, match="server_hostname"):
        ends.far.start_tls(ends.contexts[1], server_side=False)
    assert ends.far.closed


async def test_close_during_the_handshake(ends: Ends) -> None:
    """A call that waits for the handshake raises ConnectionAbortedError; without one the error is ignored."""
    ends.begin_near()
    waiting = asyncio.create_task(ends.near.secured())
    await one_turn()
    await one_turn()
    ends.near.close()
    with pytest.raises(ConnectionAbortedError, match="closed on this side"):
        await waiting
    ends.begin_far()
    await one_turn()
    ends.far.close()


async def test_close_before_the_first_step(ends: Ends) -> None:
    """A channel that is closed at once does no handshake."""
    ends.begin()
    ends.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        await ends.near.secured()


# Bytes.


@pytest.mark.parametrize("version", VERSIONS)
async def test_more_than_all_buffers_hold(ends: Ends, version: str) -> None:
    """Bytes arrive whole and in order, however often either side has to wait."""
    await ends.handshake(version)

    async def send() -> None:
        view = memoryview(BIG)
        while view:
            view = view[await ends.near.send(view) :]
        await ends.near.send_eof()

    sender = asyncio.create_task(send())
    received = bytearray()
    while piece := await ends.far.receive(1 << 16):
        received += piece
    await sender

    assert hash(bytes(received)) == hash(BIG)


async def test_backlog_under_tls(ends: Ends) -> None:
    """`write` keeps in order what the socket does not accept; `drain` waits for it; `cork` makes one record of many."""
    await ends.handshake()
    outbox = Outbox(ends.near)
    outbox.write(BIG)
    outbox.cork()
    for data in (b"a", b"b", b"c"):
        outbox.write(data)
    outbox.uncork()
    assert outbox.full
    drained = asyncio.create_task(outbox.drain())
    assert hash(await _receive_exactly(ends.far, len(BIG))) == hash(BIG)
    assert await _receive_exactly(ends.far, 3) == b"abc"
    await asyncio.wait_for(drained, 10)

    outbox.cork()
    for data in (b"a", b"b", b"c"):
        outbox.write(data)
    outbox.uncork()
    assert await ends.far.receive(10) == b"abc"


async def test_receive_now_under_tls(ends: Ends) -> None:
    """None if nothing has arrived, else the bytes; empty at the end; `watch` calls when to receive."""
    await ends.handshake()
    assert ends.near.receive_now(10) is None
    called: asyncio.Queue[bytes | None] = asyncio.Queue()
    ends.near.watch(lambda: called.put_nowait(ends.near.receive_now(10)))
    ends.far.send_now(b"hello")
    found = None
    while found is None:
        found = await asyncio.wait_for(called.get(), 5)
    assert found == b"hello"
    await ends.far.send_eof()
    while (found := await asyncio.wait_for(called.get(), 5)) is None:
        pass
    assert found == b""
    ends.near.unwatch()


async def test_a_long_record_is_read_in_pieces(ends: Ends) -> None:
    """Bytes that OpenSSL has buffered are returned without waiting."""
    await ends.handshake()
    ends.far.send_now(b"0123456789")

    assert [await asyncio.wait_for(ends.near.receive(4), 5) for _ in range(3)] == [b"0123", b"4567", b"89"]


async def test_a_receive_that_has_to_write(ends: Ends) -> None:
    """OpenSSL may have to write before it can read, and read before it can write."""
    await ends.handshake()
    ends.near.send_now(b"hello")
    RaisingSocket.errors["recv"] = [ssl.SSLWantWriteError]
    assert await asyncio.wait_for(ends.far.receive(10), 5) == b"hello"

    RaisingSocket.errors["send"] = [ssl.SSLWantReadError]
    ends.near.send_now(b"again")
    assert await asyncio.wait_for(ends.far.send(b"x"), 5) == 1
    assert await ends.far.receive(10) == b"again"


# The end of TLS.


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_close_notify(ends: Ends, version: str) -> None:
    """A connection that ends without close_notify may be truncated: that is an error."""
    await ends.handshake(version)
    ends.near.send_now(b"half")
    assert await _receive_exactly(ends.far, 4) == b"half"
    assert ends.near.receive_now(1) is None
    ends.near.close()

    with pytest.raises(ConnectionResetError, match=r"closed without close_notify|reset by peer"):
        await ends.far.receive(10)
    with pytest.raises(ConnectionResetError):
        ends.far.receive_now(10)


async def test_garbage_between_records(ends: Ends) -> None:
    """Bytes that the peer did not encrypt raise an error that names the cause."""
    await ends.handshake()
    ends.near.send_raw(b"\x17\x03\x03\0\x20" + bytes(32))

    with pytest.raises(ConnectionAbortedError, match="TLS failed: DECRYPTION_FAILED_OR_BAD_RECORD_MAC"):
        await ends.far.receive(10)


@pytest.mark.parametrize("version", VERSIONS)
async def test_send_eof(ends: Ends, version: str) -> None:
    """After `send_eof` the other side reads the end; another call, also after both have sent it, does nothing."""
    await ends.handshake(version)
    await ends.near.send(b"all")
    await ends.near.send_eof()
    await ends.near.send_eof()
    assert await _receive_exactly(ends.far, 3) == b"all"
    assert await ends.far.receive(10) == b""
    for _ in range(2):
        await ends.far.send_eof()
    ends.close()
    await ends.near.send_eof()
    await ends.far.send_eof()


async def test_send_eof_in_clear_text(ends: Ends) -> None:
    """In clear text the close itself is the end."""
    await ends.near.send_eof()
    ends.near.close()

    assert await ends.far.receive(1) == b""


async def test_send_eof_waits_for_the_handshake(ends: Ends) -> None:
    """An end without data comes after a whole handshake: an empty file is no attack."""
    ends.begin()
    await asyncio.gather(ends.near.send_eof(), ends.far.secured())

    assert await ends.far.receive(1) == b""


async def test_send_eof_that_has_to_wait(ends: Ends) -> None:
    """When the socket has no room, the end waits until it has."""
    await ends.handshake()
    RaisingSocket.errors["unwrap"] = [ssl.SSLWantWriteError]
    await ends.far.send_eof()

    assert await ends.near.receive(1) == b""


@pytest.mark.parametrize("version", VERSIONS)
async def test_close_when_peer_closes(ends: Ends, version: str) -> None:
    """`close_when_peer_closes` closes after the other side has read everything, with bytes of it unread."""
    await ends.handshake(version)
    await ends.far.send(b"all")
    leaving = asyncio.create_task(ends.far.close_when_peer_closes())
    assert await _receive_exactly(ends.near, 3) == b"all"
    assert await ends.near.receive(1) == b""
    assert not leaving.done()
    await ends.near.send_eof()
    await asyncio.wait_for(leaving, 5)

    assert ends.far.closed
    await ends.far.close_when_peer_closes()


@pytest.mark.parametrize("how", ["close", "send", "reset"])
async def test_close_when_peer_closes_with_another_end(ends: Ends, how: str) -> None:
    """A peer that closes without close_notify, sends more bytes, or resets, does not delay the close."""
    await ends.handshake()
    leaving = asyncio.create_task(ends.far.close_when_peer_closes())
    assert await ends.near.receive(1) == b""
    if how == "send":
        ends.near.send_now(BIG)
    else:
        (ends.near.close if how == "close" else ends.near.reset)()
    await asyncio.wait_for(leaving, 5)

    assert ends.far.closed


async def test_close_when_peer_closes_times_out() -> None:
    """A peer that never closes raises TimeoutError."""
    ends = Ends()
    await ends.handshake()
    ends.far.timeout = 0.05
    with pytest.raises(TimeoutError):
        await ends.far.close_when_peer_closes()
    ends.close()


async def test_close_when_peer_closes_in_clear_text(ends: Ends) -> None:
    """In clear text it does the same as `close`."""
    ends.near.send_now(b"all")
    await ends.near.close_when_peer_closes()

    assert ends.near.closed
    assert await _receive_exactly(ends.far, 3) == b"all"
    assert await ends.far.receive(1) == b""


@pytest.mark.parametrize("version", VERSIONS)
async def test_end_tls(ends: Ends, version: str) -> None:
    """After both sides have ended TLS they continue in clear text, and can begin a new handshake."""
    await ends.handshake(version)
    for _ in range(2):
        ends.near.send_now(b"200 CCC\r\n")
        assert await _receive_exactly(ends.far, 9) == b"200 CCC\r\n"
        await asyncio.gather(ends.near.end_tls(), ends.far.end_tls())
        assert (ends.near.is_tls, ends.near.tls, ends.near.session) == (False, None, None)
        ends.near.send_now(b"clear")
        assert await _receive_exactly(ends.far, 5) == b"clear"
        assert ends.far.send_now(b"clear") == 5
        assert await _receive_exactly(ends.near, 5) == b"clear"
        await ends.handshake(version)
        assert ends.near.tls is not None


async def test_end_tls_in_clear_text(ends: Ends) -> None:
    """Without TLS `end_tls` does nothing."""
    await ends.near.end_tls()

    assert not ends.near.is_tls


async def test_end_tls_that_has_to_wait(ends: Ends) -> None:
    """When the socket has no room, the end waits until it has."""
    await ends.handshake()
    RaisingSocket.errors["unwrap"] = [ssl.SSLWantWriteError]
    await asyncio.gather(ends.near.end_tls(), ends.far.end_tls())

    assert ends.near.tls is ends.far.tls is None


async def test_end_tls_with_a_peer_that_sends_more(ends: Ends) -> None:
    """A peer that sends more instead of the end raises SSLError."""
    await ends.handshake()
    ends.near.send_now(b"more")
    ends.near.send_now(b"and more")

    with pytest.raises(ssl.SSLError, match="APPLICATION_DATA_AFTER_CLOSE_NOTIFY"):
        await ends.far.end_tls()


async def test_close_after_flush_sends_close_notify(ends: Ends) -> None:
    """close_notify comes after the last reply."""
    await ends.handshake()
    ends.far.send_now(b"QUIT\r\n")
    assert await _receive_exactly(ends.near, 6) == b"QUIT\r\n"
    ends.near.send_now(b"221 bye\r\n")
    ends.near.close_after_flush()

    assert await _receive_exactly(ends.far, 9) == b"221 bye\r\n"
    assert await ends.far.receive(1) == b""


async def test_close_after_flush_after_the_peers_close_notify(ends: Ends) -> None:
    """When the other side has ended TLS, this side only sends its own close_notify."""
    await ends.handshake()
    await ends.far.send_eof()
    assert await ends.near.receive(1) == b""
    await ends.near.send_eof()
    ends.near.close_after_flush()

    assert await ends.far.receive(1) == b""
    assert ends.far.receive_now(1) == b""


async def test_close_after_flush_during_the_handshake(ends: Ends) -> None:
    """A handshake that has not completed is aborted without close_notify."""
    ends.begin_near()
    await one_turn()
    ends.near.close_after_flush()

    assert ends.near.closed


async def test_close_sends_no_close_notify(ends: Ends) -> None:
    """Half a file must not look whole."""
    await ends.handshake()
    ends.far.close()

    with pytest.raises(ConnectionResetError, match=r"close_notify|reset by peer"):
        await ends.near.receive(1)


async def test_send_now_to_a_broken_connection_under_tls(ends: Ends) -> None:
    """After the peer's reset everything is discarded; the next receive raises the error."""
    await ends.handshake()
    ends.far.reset()
    with pytest.raises(ConnectionResetError):
        await ends.near.receive(1)

    assert [ends.near.send_now(data) for data in (b"a", b"bc")] == [1, 2]


# Names.


async def test_a_channel_knows_both_ends(pair: SocketPair) -> None:
    """`peer` and `local` are the addresses of the two ends."""
    assert pair.channel.peer == pair.peer.getsockname()
    assert pair.channel.local == pair.peer.getpeername()
