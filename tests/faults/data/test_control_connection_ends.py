"""Control connections that end during a transfer: after a number of bytes, or after a part of the file."""

from __future__ import annotations

from typing import Any

import pytest

from ftpfixture import FtpServer, on
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, End, Line, begin, enter, goes_on, in_order, last
from tests.support.ftps import DATA_VERBS, FtpsClient

ENDS: dict[str, tuple[End, End]] = {
    "close": ("FIN", "close_notify"),
    "reset": ("RST", "RST"),
    "half_close": ("FIN", "FIN"),
}
"""How the control connection ends for each word, without and with TLS."""

each_word = pytest.mark.parametrize("word", ENDS)


def end_of(word: str, kind: str) -> End:
    """How the control connection ends."""
    return ENDS[word][kind != "clear"]


def works_after(server: FtpServer, client: FtpsClient, kind: str) -> None:
    """The client closes, its session ends without further replies, and the next one works."""
    client.close()
    assert server.log.wait_until(lambda: server.log.sessions[0].closed_at is not None, 10)
    with enter(server, kind) as other:
        assert goes_on(other, server)


@each_kind
@each_word
@pytest.mark.parametrize(
    ("moment", "size"),
    [
        *(({"after_bytes": count}, count) for count in (0, 1, 1023, (1 << 20) + 1, len(DATA))),
        *(({"at": part}, int(part * len(DATA))) for part in (0, 0.5, 1)),
    ],
    ids=str,
)
def test_a_download_continues(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, moment: dict[str, Any], size: int
) -> None:
    """The control connection ends after N bytes; the data are complete, and the client gets no reply."""
    ftp_server.clock.freeze()
    # The stall is before the end, so that the test can see when the end happens.
    fault = on("RETR").stall_data(60, **moment)
    ftp_server.faults.add(getattr(fault, word)(**moment).times(1))
    line = begin(client, "RETR data.bin")
    control = Line(client.sock, client.control)

    came = line.exactly(size)
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)
    assert control.is_silent()
    ftp_server.clock.move(60)
    assert control.rest() == (b"", end_of(word, kind))
    assert is_logged_once(ftp_server)
    rest = line.rest()

    assert (came + rest.content, rest.end) == (DATA, in_order(kind))
    works_after(ftp_server, client, kind)
    record = ftp_server.log.find("RETR", session=1)[0]
    assert record.code == ""
    assert (ftp_server.log.sessions[0].reason == "cut off") is (word != "half_close")
    assert record.transfer is not None
    assert (record.transfer.completed, record.transfer.size) == (True, len(DATA))


@each_kind
@each_word
@pytest.mark.parametrize("count", [0, 1, 1023, (1 << 20) + 1, len(DATA)])
def test_an_upload_continues(ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, count: int) -> None:
    """The control connection ends after N bytes; the client can send the rest, and it is stored."""
    ftp_server.faults.add(getattr(on("STOR"), word)(after_bytes=count).times(1))
    line = begin(client, "STOR new.bin")
    control = Line(client.sock, client.control)

    line.send(DATA[:count])
    assert control.rest() == (b"", end_of(word, kind))
    assert is_logged_once(ftp_server)
    line.send(DATA[count:])
    line.finish()

    assert ftp_server.log.wait_until(lambda: last(ftp_server).completed is not None, 10)
    assert (last(ftp_server).completed, ftp_server.files["/new.bin"]) == (True, DATA)
    works_after(ftp_server, client, kind)


@each_word
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("command", ["LIST", "NLST few", "MLSD few", "APPE new.bin", "STOU new.bin"])
def test_all_commands(ftp_server: FtpServer, client: FtpsClient, word: str, verb: str, command: str) -> None:
    """For every transfer command, and every way to open a data connection."""
    ftp_server.faults.add(getattr(on(command.split()[0]), word)(after_bytes=3).times(1))
    line = begin(client, command, verb)

    if command.endswith("new.bin"):
        line.send(b"abc")
    assert Line(client.sock).rest() == (b"", end_of(word, "clear"))
    assert is_logged_once(ftp_server)
    if command.endswith("new.bin"):
        line.send(b"def")
        line.finish()
    else:
        assert len(line.rest().content) > 3

    assert ftp_server.log.wait_until(lambda: last(ftp_server).completed is not None, 10)
    assert last(ftp_server).completed
    if command.endswith("new.bin"):
        assert ftp_server.files["/new.bin"] == b"abcdef"
    works_after(ftp_server, client, "clear")


@each_kind
def test_commands_after_half_close(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """After half_close commands are carried out, and their replies are lost."""
    ftp_server.faults.add(on("RETR").half_close(after_bytes=5).times(1))
    assert begin(client, "RETR data.bin").rest().content == DATA
    assert Line(client.sock, client.control).rest() == (b"", "FIN")

    if client.control is None:
        client.send("DELE lines.txt")
        client.send("QUIT")
        assert ftp_server.log.wait_until(lambda: ftp_server.log.sessions[0].closed_at is not None, 10)
        assert "/lines.txt" not in ftp_server.files

    works_after(ftp_server, client, kind)


@each_kind
@pytest.mark.parametrize("word", ["close", "reset"])
def test_both_connections_end(ftp_server: FtpServer, client: FtpsClient, kind: str, word: str) -> None:
    """Words combine: both connections end after the same byte."""
    ftp_server.faults.add(getattr(on("RETR"), word)(after_bytes=5).drop_data(after_bytes=5).times(1))
    line = begin(client, "RETR data.bin")

    assert line.rest() == (DATA[:5], "FIN")
    assert Line(client.sock, client.control).rest() == (b"", end_of(word, kind))
    works_after(ftp_server, client, kind)
