"""Changed data: pieces, flipped bits, trailing bytes, and half-closed connections."""

from __future__ import annotations

import socket
import struct

import pytest

from ftpfixture import ConfigurationError, FtpServer, on
from ftpfixture.log.events import DataMoved
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, LINES, Line, begin, goes_on, in_order, inflated, last
from tests.support.ftps import DATA_VERBS, FtpsClient

SMALL = DATA[:10_000]
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def moved(server: FtpServer) -> list[int]:
    """The number of bytes of each write."""
    return [event.size for event in server.log.events if isinstance(event, DataMoved)]


# In pieces.


@each_kind
def test_pieces_with_pauses(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """Between two pieces nothing is sent until the pause is over; after the last one the end follows at once."""
    ftp_server.files["/small.bin"] = SMALL
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("RETR").slice_data(1024, pause=5).times(1))
    line = begin(client, "RETR small.bin")

    for start in range(0, 9 * 1024, 1024):
        assert line.exactly(1024) == SMALL[start : start + 1024]
        assert line.is_silent()
        assert is_logged_once(ftp_server)
        ftp_server.clock.move(5)

    assert line.rest() == (SMALL[9 * 1024 :], in_order(kind))
    assert client.reply().code == "226"
    assert moved(ftp_server) == [1024] * 9 + [784]
    assert goes_on(client, ftp_server)


@each_kind
@pytest.mark.parametrize("size", [1000, 1024, 9999, 10_000, 10_001])
def test_pieces_without_pauses(ftp_server: FtpServer, client: FtpsClient, kind: str, size: int) -> None:
    """All pieces except the last have exactly this number of bytes; no time needs to pass."""
    ftp_server.files["/small.bin"] = SMALL
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("RETR").slice_data(size))

    assert begin(client, "RETR small.bin").rest() == (SMALL, in_order(kind))

    assert client.reply().code == "226"
    assert moved(ftp_server) == [len(SMALL[start : start + size]) for start in range(0, 10_000, size)]


@pytest.mark.real("packets are not simulated")
def test_each_piece_is_a_packet(ftp_server: FtpServer, client: FtpsClient) -> None:
    """The system never joins two pieces, even without a pause (Linux counts packets)."""
    ftp_server.files["/small.bin"] = SMALL
    ftp_server.faults.add(on("RETR").slice_data(1000))
    line = begin(client, "RETR small.bin")

    assert line.exactly(10_000) == SMALL

    information = line.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    assert struct.unpack_from("I", information, 152) == (10,)  # tcpi_data_segs_in


def test_pieces_of_blocks_and_listings(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A piece also ends at the end of a block of the file; listings are sent in pieces, too."""
    ftp_server.faults.add(on("RETR").slice_data(300_000))
    assert begin(client, "RETR data.bin").rest() == (DATA, "FIN")
    assert client.reply().code == "226"
    assert moved(ftp_server) == [300_000, 300_000, 300_000, len(DATA) - 900_000 - 2, 2]

    ftp_server.faults.clear()
    ftp_server.log.clear()
    ftp_server.faults.add(on("MLSD").slice_data(7))
    came = begin(client, "MLSD few").rest()
    assert client.reply().code == "226"
    assert moved(ftp_server) == [len(came.content[start : start + 7]) for start in range(0, len(came.content), 7)]


def test_pieces_of_mode_z(ftp_server: FtpServer, client: FtpsClient) -> None:
    """In MODE Z each piece can be inflated before the next one is sent."""
    ftp_server.clock.freeze()
    ftp_server.files["/abc"] = ALPHABET
    ftp_server.faults.add(on("RETR").slice_data(10, pause=1))
    assert client.code("MODE Z") == "200"
    line = begin(client, "RETR abc")

    content = line.receive()
    while not inflated(content):
        content += line.receive()
    assert inflated(content) == ALPHABET[:10]
    assert line.is_silent()
    ftp_server.clock.move(1)
    while inflated(content) == ALPHABET[:10]:
        content += line.receive()
    assert inflated(content) == ALPHABET[:20]
    ftp_server.clock.move(1)

    assert inflated(content + line.rest().content) == ALPHABET
    assert client.reply().code == "226"


def test_uploads_have_no_pieces(ftp_server: FtpServer) -> None:
    """The sender makes the pieces, so the server cannot do it for an upload."""
    with pytest.raises(ConfigurationError, match="it can happen only with LIST, MLSD, NLST, RETR, not with STOR"):
        ftp_server.faults.add(on("STOR").slice_data(5))


# With flipped bits.


def flipped(content: bytes, first: int, every: int | None, mask: int) -> bytes:
    """Bytes with flipped bits."""
    changed = bytearray(content)
    for number in [first] if every is None else range(first, len(content), every):
        changed[number] ^= mask
    return bytes(changed)


each_garbling = pytest.mark.parametrize(
    ("first", "every", "mask"),
    [(0, None, 1), (0, 1, 255), (5, None, 128), (1 << 20, None, 3), (3, 1000, 1), (len(DATA) - 1, None, 1)],
)


@each_kind
@each_garbling
def test_a_garbled_download(
    ftp_server: FtpServer, client: FtpsClient, kind: str, first: int, every: int | None, mask: int
) -> None:
    """Only these bits of a download are flipped; everything else is normal, also in the log."""
    ftp_server.faults.add(on("RETR").garble_data(first, every, mask).times(1))

    came = begin(client, "RETR data.bin").rest()

    assert is_logged_once(ftp_server)
    assert came == (flipped(DATA, first, every, mask), in_order(kind))
    assert client.reply().code == "226"
    assert (last(ftp_server).completed, last(ftp_server).size) == (True, len(DATA))
    assert ftp_server.files["/data.bin"] == DATA
    assert goes_on(client, ftp_server)


@each_kind
@each_garbling
def test_a_garbled_upload(
    ftp_server: FtpServer, client: FtpsClient, kind: str, first: int, every: int | None, mask: int
) -> None:
    """Only these bits of the stored upload are flipped, in however many pieces it arrived."""
    ftp_server.faults.add(on("STOR").garble_data(first, every, mask).times(1))
    line = begin(client, "STOR new.bin")

    line.send(DATA)
    line.finish()

    assert client.reply().code == "226"
    assert is_logged_once(ftp_server)
    assert ftp_server.files["/new.bin"] == flipped(DATA, first, every, mask)
    assert goes_on(client, ftp_server)


def test_what_is_not_reached_is_not_garbled(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A file that ends before the first byte to change is complete, and the fault has not happened."""
    armed = ftp_server.faults.add(on("RETR").garble_data(len(DATA)).optional())

    assert client.fetch("RETR data.bin") == (["150", "226"], DATA)
    assert armed.fired == 0


def test_bytes_count_from_the_restart_point(ftp_server: FtpServer, client: FtpsClient) -> None:
    """After REST, byte 0 is the first byte of the transfer."""
    ftp_server.files["/abc"] = ALPHABET
    ftp_server.faults.add(on("RETR").garble_data(mask=0x20))
    assert client.code("REST 10") == "350"

    assert client.fetch("RETR abc") == (["150", "226"], b"Klmnopqrstuvwxyz")


def test_a_garbled_listing(ftp_server: FtpServer, client: FtpsClient) -> None:
    """One letter of a listing of NLST is changed."""
    ftp_server.faults.add(on("NLST").garble_data(first=2))

    assert client.fetch("NLST few") == (["150", "226"], b"fev/a.txt\r\nfew/b.txt\r\n")


def test_a_garbled_file_in_mode_z(ftp_server: FtpServer, client: FtpsClient) -> None:
    """In MODE Z the file is changed, not the compressed bytes: they can be inflated."""
    ftp_server.faults.add(on("RETR").garble_data(every=1, mask=0xFF))
    assert client.code("MODE Z") == "200"

    assert inflated(begin(client, "RETR lines.txt").rest().content) == flipped(LINES, 0, 1, 0xFF)
    assert client.reply().code == "226"


# Trailing bytes.


@each_kind
@pytest.mark.parametrize("mode", ["S", "Z"])
@pytest.mark.parametrize("command", ["RETR data.bin", "NLST few", "RETR nothing"])
def test_trailing_bytes(ftp_server: FtpServer, client: FtpsClient, kind: str, mode: str, command: str) -> None:
    """After the file more bytes are sent, and then the connection ends in order."""
    ftp_server.files["/nothing"] = b""
    ftp_server.faults.add(on(command.split()[0]).pad(b"\0and more").times(1))
    content = {"RETR data.bin": DATA, "NLST few": b"few/a.txt\r\nfew/b.txt\r\n"}.get(command, b"")
    assert client.code(f"MODE {mode}") == "200"

    came = begin(client, command).rest()

    assert is_logged_once(ftp_server)
    assert (came.content if mode == "S" else inflated(came.content)) == content + b"\0and more"
    assert came.end == in_order(kind)
    assert client.reply().code == "226"
    assert (last(ftp_server).completed, last(ftp_server).size) == (True, len(content) + 9)
    assert client.code("MODE S") == "200"
    assert goes_on(client, ftp_server)


def test_other_bytes_in_place_of_the_rest(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Words combine: the rest of the file is lost, and other bytes are sent in its place."""
    ftp_server.faults.add(on("RETR").truncate(after_bytes=3).pad(b"???"))

    assert begin(client, "RETR data.bin").rest() == (DATA[:3] + b"???", "FIN")
    assert client.reply().code == "226"


# Half-closed connections.


@each_kind
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("command", ["RETR data.bin", "STOR new.bin"])
def test_half_closed(ftp_server: FtpServer, client: FtpsClient, kind: str, verb: str, command: str) -> None:
    """The server sends FIN and keeps the connection open, and sends no reply until the client ends it."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on(command.split()[0]).half_close_data(after_bytes=5).times(1))
    line = begin(client, command, verb)
    if command.startswith("STOR"):
        line.send(DATA[:5])

    assert line.rest() == (DATA[:5] if command.startswith("RETR") else b"", "FIN")

    assert is_logged_once(ftp_server)
    ftp_server.clock.move(1e6)
    line.sock.sendall(b"is there")
    line.sock.sendall(b"hello?")  # the second would fail on a connection that is closed
    assert Line(client.sock, client.control).is_silent()
    assert (last(ftp_server).completed, last(ftp_server).size) == (None, 5)
    assert client.code("ABOR") == "426"
    assert client.reply().code == "226"
    assert goes_on(client, ftp_server)


@pytest.mark.parametrize("moment", [{"after_bytes": len(LINES)}, {"at": 1}], ids=str)
def test_half_closed_after_the_last_byte(ftp_server: FtpServer, client: FtpsClient, moment: dict[str, float]) -> None:
    """In MODE Z, too: all bytes and the end of file are received, and no reply."""
    ftp_server.faults.add(on("RETR").half_close_data(**moment).times(1))  # type: ignore[arg-type]
    assert client.code("MODE Z") == "200"

    came = begin(client, "RETR lines.txt").rest()

    assert (inflated(came.content), came.end) == (LINES, "FIN")
    assert Line(client.sock).is_silent()
    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]
