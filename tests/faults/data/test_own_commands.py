"""Commands of a user's server: their handlers know nothing of faults, but faults apply to them."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ftpfixture import Connection, ConnectionConditions, FtpServer, Server, on, worker
from ftpfixture.net.stream import ThrottleStreamIO
from tests.support.endings import ENDINGS, TRUNCATE, Ending, check, each_cut, each_ending, each_kind, is_logged_once
from tests.support.faulty import FILES, Line, begin, goes_on, in_order, last
from tests.support.ftps import FtpsClient

LINES = [b"one\n", b"two\n", b"three\n", b"four\n"]
WHOLE = b"".join(LINES)


class OwnServer(Server):
    """Sends and receives lines in all ways that streams offer, and stores what it received."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.got: list[bytes] = []

    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.data_source_chosen)
    async def give(self, connection: Connection, rest: str) -> bool:
        """GIVE: send four lines."""

        async def send(stream: ThrottleStreamIO) -> None:
            for line in LINES:
                await stream.write(line)

        return self._begin(connection, send)

    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.data_source_chosen)
    async def take(self, connection: Connection, rest: str) -> bool:
        """TAKE <SP> way: receive lines."""

        async def receive(stream: ThrottleStreamIO) -> None:
            if rest == "lines":
                async for line in stream.iter_by_line():
                    self.got.append(line)
            elif rest == "blocks":
                async for block in stream.iter_by_block(4):
                    self.got.append(block)
            elif rest == "exactly":
                self.got.append(await stream.readexactly(5))
                self.got.append(await stream.readexactly(len(WHOLE) - 5))
            else:
                self.got.append(await stream.read())

        return self._begin(connection, receive)

    def _begin(self, connection: Connection, move: Callable[[ThrottleStreamIO], Awaitable[None]]) -> bool:
        @ConnectionConditions(ConnectionConditions.data_connection_made, wait=True)
        @worker
        async def carry(self: OwnServer, connection: Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                await move(stream)
            connection.response("226", "Done")
            return True

        connection.extra_workers.add(connection.loop.create_task(carry(self, connection, "")))
        connection.response("150", "Go on")
        return True


pytestmark = pytest.mark.ftp(server_class=OwnServer)


def got(server: FtpServer) -> list[bytes]:
    """What the server has stored."""
    assert isinstance(server.server, OwnServer)
    return server.server.got


@each_kind
@each_ending
@pytest.mark.parametrize("count", [1, 4, 9, len(WHOLE)])
def test_a_download_ends(ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, count: int) -> None:
    """The client receives exactly this number of bytes, the end, and the reply of the built-in commands."""
    ftp_server.faults.add(ending.fault("GIVE", after_bytes=count))

    assert begin(client, "GIVE").rest() == (WHOLE[:count], ending.of(kind))

    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, count)


@each_kind
@each_ending
def test_a_download_ends_at_once(ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending) -> None:
    """The client receives only the end."""
    ftp_server.faults.add(ending.fault("GIVE"))

    assert begin(client, "GIVE").rest() == (b"", ending.of(kind))

    assert is_logged_once(ftp_server)
    assert client.reply().code == ending.code
    assert goes_on(client, ftp_server)


# The result of each way to receive when only eleven bytes arrive; incomplete lines and blocks are lost.
WAYS = {
    "lines": ([b"one\n", b"two\n"], [b"one\n", b"two\n", b"thr"]),
    "blocks": ([b"one\n", b"two\n"], [b"one\n", b"two\n", b"thr"]),
    "all": ([], [b"one\ntwo\nthr"]),
}


@each_kind
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.word)
def test_an_upload_ends(ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, way: str) -> None:
    """Eleven bytes are received, by line, by block or at once, and then the end, in order or not."""
    ftp_server.faults.add(ending.fault("TAKE", after_bytes=11))
    line = begin(client, f"TAKE {way}")

    if ending is TRUNCATE:
        line.send(WHOLE)
        line.finish()
    else:
        line.send(WHOLE[:11])
        assert line.rest() == (b"", ending.of(kind))
        assert is_logged_once(ftp_server)

    check(client, ftp_server, ending, len(WHOLE) if ending is TRUNCATE else 11)
    assert got(ftp_server) == WAYS[way][ending is TRUNCATE]


@each_kind
@each_cut
@pytest.mark.parametrize(("count", "pieces"), [(4, []), (5, [WHOLE[:5]]), (11, [WHOLE[:5]])])
def test_reading_an_exact_number_of_bytes(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, count: int, pieces: list[bytes]
) -> None:
    """A complete read returns its bytes, even if the next byte is the one that fails."""
    ftp_server.faults.add(ending.fault("TAKE", after_bytes=count))
    line = begin(client, "TAKE exactly")

    line.offer(WHOLE)

    assert client.reply().code == ending.code
    assert is_logged_once(ftp_server)
    assert got(ftp_server) == pieces
    assert last(ftp_server).size == count
    assert goes_on(client, ftp_server)


@each_kind
@pytest.mark.parametrize("way", WAYS)
def test_an_upload_stalls_and_continues(ftp_server: FtpServer, client: FtpsClient, kind: str, way: str) -> None:
    """The transfer pauses between two bytes, and no byte is lost or repeated."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("TAKE").stall_data(60, after_bytes=6).times(1))
    line = begin(client, f"TAKE {way}")

    line.send(WHOLE)
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)
    assert last(ftp_server).size == 6
    ftp_server.clock.move(60)
    line.finish()

    assert client.reply().code == "226"
    assert b"".join(got(ftp_server)) == WHOLE
    assert goes_on(client, ftp_server)


@each_kind
def test_a_download_stalls(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """It stalls for ever, until ABOR."""
    ftp_server.faults.add(on("GIVE").stall_data(after_bytes=6).times(1))
    line = begin(client, "GIVE")
    assert line.exactly(6) == WHOLE[:6]
    assert line.is_silent()

    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]

    assert line.rest().content == b""
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, 6)
    assert goes_on(client, ftp_server)


@each_kind
def test_bytes(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """They are garbled, sent in pieces, and followed by trailing bytes."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("GIVE").slice_data(4, pause=5).garble_data(first=5, mask=0x20).pad(b"!").times(1))
    line = begin(client, "GIVE")

    assert line.exactly(4) == b"one\n"
    assert line.is_silent()
    ftp_server.clock.move(5)
    assert line.exactly(4) == b"tWo\n"
    ftp_server.clock.move(5)
    assert line.exactly(4) == b"thre"
    ftp_server.clock.move(15)

    assert line.rest().content == b"e\nfour\n!"
    assert client.reply().code == "226"
    assert goes_on(client, ftp_server)


def test_garbled_lines(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A garbled line end is no line end."""
    ftp_server.faults.add(on("TAKE").garble_data(first=3, mask=0x2A))

    assert client.store("TAKE lines", WHOLE) == ["150", "226"]

    assert got(ftp_server) == [b"one two\n", b"three\n", b"four\n"]


@each_kind
@pytest.mark.parametrize("moment", [{"at": 0}, {"at": 1}], ids=str)
def test_parts_of_an_unknown_size(
    ftp_server: FtpServer, client: FtpsClient, kind: str, moment: dict[str, float]
) -> None:
    """If the size is not known, only 0 and 1 of it are; a part between them is never reached."""
    between = ftp_server.faults.add(on("GIVE").drop_data(at=0.5).optional())
    ftp_server.faults.add(on("GIVE").drop_data(**moment).times(1))  # type: ignore[arg-type]

    assert begin(client, "GIVE").rest() == (WHOLE if moment["at"] else b"", "FIN")

    assert client.reply().code == "426"
    assert between.fired == 0
    assert goes_on(client, ftp_server)


@each_kind
@pytest.mark.parametrize("word", ["refuse_handshake", "cut_handshake"])
def test_handshakes(ftp_server: FtpServer, client: FtpsClient, kind: str, word: str) -> None:
    """Under TLS the handshake fails, and the reply is 426: only a handler that sends waits for the handshake."""
    armed = ftp_server.faults.add(getattr(on("GIVE"), word)().times(1).optional())
    data = client.begin_data()
    client.send("GIVE")
    assert client.reply().code == "150"

    if kind == "clear":
        assert Line(data()).rest() == (WHOLE, "FIN")
        assert (client.reply().code, armed.fired) == ("226", 0)
    else:
        wire = client.wire(data())
        with pytest.raises(ssl.SSLError):
            wire.do_handshake()
        assert (client.reply().code, armed.fired) == ("426", 1)
    assert goes_on(client, ftp_server)


@pytest.mark.ftp(wait_future_timeout=10, files=FILES)
@pytest.mark.parametrize(("verb", "word"), [("EPSV", "refuse_data"), ("EPSV", "ignore_data"), ("PORT", "refuse_data")])
def test_no_data_connection(ftp_server: FtpServer, client: FtpsClient, verb: str, word: str) -> None:
    """If there is no data connection, the reply is 425 after the timeout."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(verb), word)().times(1))
    if verb == "EPSV":
        assert client.code(verb) == "229"
    else:
        client.active(verb)

    assert client.code("GIVE") == "150"
    ftp_server.clock.move(10)

    assert client.reply().code == "425"
    assert goes_on(client, ftp_server)


@each_kind
def test_no_close_notify(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """Under TLS a download ends without close_notify; without TLS nothing happens."""
    ftp_server.faults.add(on("GIVE").no_close_notify().times(1).optional())

    assert begin(client, "GIVE").rest() == (WHOLE, "FIN")
    assert client.reply().code == "226"

    assert len(ftp_server.faults.fired) == (kind != "clear")
    assert begin(client, "GIVE").rest() == (WHOLE, in_order(kind))
    assert client.reply().code == "226"
