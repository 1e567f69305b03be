"""Data connections that stall for a time by the server's clock, and all ways to end the stall."""

from __future__ import annotations

from typing import Any

import pytest

from ftpfixture import FtpServer, on
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, FILES, Line, begin, enter, goes_on, in_order, inflated, last
from tests.support.ftps import DATA_VERBS, FtpsClient

each_word = pytest.mark.parametrize("word", ["stall_data", "stall", "delay"])


def stalls_at(server: FtpServer, size: int) -> None:
    """Wait until a transfer has reached the place where it stalls."""
    server.log.wait_until(lambda: bool(server.faults.fired), 10)
    assert is_logged_once(server)
    assert (last(server).completed, last(server).size) == (None, size)


@each_kind
@each_word
@pytest.mark.parametrize(
    ("moment", "size"),
    [
        *(({"after_bytes": count}, count) for count in (0, 1, 1023, (1 << 20) + 1, len(DATA))),
        ({"at": 0.5}, len(DATA) // 2),
        ({"at": 1}, len(DATA)),
    ],
    ids=str,
)
def test_a_download_stalls_and_continues(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, moment: dict[str, Any], size: int
) -> None:
    """After N bytes nothing is sent until the time is over; then the rest and the reply are sent."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on("RETR"), word)(60, **moment).times(1))
    line = begin(client, "RETR data.bin")

    came = line.exactly(size)
    stalls_at(ftp_server, size)
    ftp_server.clock.move(59.999)
    assert line.is_silent()
    ftp_server.clock.move(0.001)
    rest = line.rest()

    assert (came + rest.content, rest.end) == (DATA, in_order(kind))
    assert client.reply().code == "226"
    assert last(ftp_server).completed
    assert goes_on(client, ftp_server)


@each_kind
@each_word
@pytest.mark.parametrize("count", [0, 1, 1023, (1 << 20) + 1, len(DATA)])
def test_an_upload_stalls_and_continues(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, count: int
) -> None:
    """After N bytes the server reads nothing until the time is over; then it reads the rest."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on("STOR"), word)(60, after_bytes=count).times(1))
    line = begin(client, "STOR new.bin")

    line.send(DATA[: count + 20_000])
    stalls_at(ftp_server, count)
    ftp_server.clock.move(59.999)
    stalls_at(ftp_server, count)
    ftp_server.clock.move(0.001)
    line.send(DATA[count + 20_000 :])
    line.finish()

    assert client.reply().code == "226"
    assert (last(ftp_server).completed, ftp_server.files["/new.bin"]) == (True, DATA)
    assert goes_on(client, ftp_server)


@pytest.mark.parametrize("command", ["LIST few", "NLST few", "MLSD few", "RETR lines.txt"])
@pytest.mark.parametrize("setting", ["TYPE I", "TYPE A", "MODE Z"])
def test_all_downloads(ftp_server: FtpServer, client: FtpsClient, command: str, setting: str) -> None:
    """Every kind of download stalls after these bytes, and is complete in the end."""
    ftp_server.clock.freeze()
    assert client.code(setting) == "200"
    whole = begin(client, command).rest().content
    assert client.reply().code == "226"
    ftp_server.faults.add(on(command.split()[0]).stall_data(60, after_bytes=9).times(1))
    line = begin(client, command)

    stalls_at(ftp_server, 9)
    if setting == "MODE Z":
        ftp_server.clock.move(60)
        assert inflated(line.rest().content) == inflated(whole)
    else:
        came = line.exactly(9)
        assert line.is_silent()
        ftp_server.clock.move(60)
        assert came + line.rest().content == whole
    assert client.reply().code == "226"
    assert (client.code("TYPE I"), client.code("MODE S")) == ("200", "200")
    assert goes_on(client, ftp_server)


def test_jitter_makes_a_delay_longer(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A delay lasts at least its seconds, and at most the jitter longer."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("RETR").delay(60, jitter=10, after_bytes=5))
    line = begin(client, "RETR data.bin")

    assert line.exactly(5) == DATA[:5]
    ftp_server.clock.move(60)
    assert line.is_silent()
    ftp_server.clock.move(10)

    assert line.rest().content == DATA[5:]
    assert client.reply().code == "226"


# Stalls for ever.


def stalled(client: FtpsClient, server: FtpServer, command: str, verb: str = "EPSV") -> Line:
    """A transfer that stalls for ever, after five bytes."""
    server.clock.freeze()
    server.faults.add(on(command.split()[0]).stall_data(after_bytes=5).times(1))
    line = begin(client, command, verb)
    if command.startswith("RETR"):
        assert line.exactly(5) == DATA[:5]
    else:
        line.send(DATA[:20])
    stalls_at(server, 5)
    return line


each_direction = pytest.mark.parametrize("command", ["RETR data.bin", "STOR new.bin"])


@each_kind
@each_direction
def test_a_stall_for_ever(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """It never continues."""
    line = stalled(client, ftp_server, command)

    ftp_server.clock.move(1e6)

    assert line.is_silent()
    stalls_at(ftp_server, 5)


@each_kind
@each_direction
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_abor(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str, verb: str) -> None:
    """ABOR aborts the stalled transfer with 426, and gets 226; the session continues."""
    line = stalled(client, ftp_server, command, verb)

    client.send("ABOR")

    assert [client.reply().code, client.reply().code] == ["426", "226"]
    assert line.rest().content == b""
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, 5)
    if command.startswith("STOR"):
        assert ftp_server.files["/new.bin"] == DATA[:5]
    assert goes_on(client, ftp_server)


@each_direction
@pytest.mark.parametrize("moment", [{"after_bytes": len(DATA)}, {"at": 1}], ids=str)
def test_abor_after_the_last_byte(
    ftp_server: FtpServer, client: FtpsClient, command: str, moment: dict[str, Any]
) -> None:
    """A download that stalls between its last byte and its end can be aborted, too."""
    ftp_server.faults.add(on("RETR").stall_data(**moment).times(1))
    line = begin(client, "RETR data.bin")
    assert line.exactly(len(DATA)) == DATA
    stalls_at(ftp_server, len(DATA))

    client.send("ABOR")

    assert [client.reply().code, client.reply().code] == ["426", "226"]
    assert line.rest() == (b"", "FIN")
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, len(DATA))
    assert goes_on(client, ftp_server)


@each_kind
@each_direction
def test_stat_and_noop_during_a_stall(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """STAT and NOOP get replies while a transfer is stalled, which does not change it."""
    line = stalled(client, ftp_server, command)

    assert [client.code("STAT"), client.code("NOOP"), client.code("STAT")] == ["211", "200", "211"]

    assert line.is_silent()
    stalls_at(ftp_server, 5)


@each_kind
@each_direction
@pytest.mark.parametrize("goodbye", ["vanish", "close"])
def test_a_client_that_closes(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str, goodbye: str) -> None:
    """When the client closes, the stall and the session end, and the received bytes are kept."""
    stalled(client, ftp_server, command)

    getattr(client, goodbye)()

    assert ftp_server.log.wait_until(lambda: ftp_server.log.sessions[0].closed_at is not None, 10)
    assert ftp_server.log.sessions[0].reason in ("connection reset", "client closed")
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, 5)
    if command.startswith("STOR"):
        assert ftp_server.files["/new.bin"] == DATA[:5]
    with enter(ftp_server, kind) as other:
        assert goes_on(other, ftp_server)


@each_kind
@each_direction
def test_stop(
    monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer, client: FtpsClient, kind: str, command: str
) -> None:
    """The server stops at once, although a transfer is stalled."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)  # the time that the test would wait
    stalled(client, ftp_server, command)

    ftp_server.stop()

    assert ftp_server.log.sessions[0].reason == "shut down"
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, 5)


def test_restart(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A server that is restarted during a stall works again."""
    stalled(client, ftp_server, "RETR data.bin")

    ftp_server.restart()

    with enter(ftp_server) as other:
        assert goes_on(other, ftp_server)


@each_kind
def test_only_one_of_two_transfers_at_once(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """A fault with `times(1)` happens to the transfer that reaches it first; the other is complete."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("RETR").stall_data(60, after_bytes=1000).times(1))
    with enter(ftp_server, kind) as other:
        line = begin(client, "RETR data.bin")
        assert line.exactly(1000) == DATA[:1000]

        assert begin(other, "RETR data.bin").rest() == (DATA, in_order(kind))
        assert other.reply().code == "226"

    assert line.is_silent()
    ftp_server.clock.move(60)
    assert line.rest() == (DATA[1000:], in_order(kind))
    assert client.reply().code == "226"


@pytest.mark.ftp(files={**FILES, "/small.txt": b"123"})
def test_a_transfer_that_is_too_short(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A transfer that is too short leaves the fault to one that is long enough."""
    (armed,) = [ftp_server.faults.add(on("RETR").drop_data(after_bytes=1000).times(1))]

    assert begin(client, "RETR small.txt").rest() == (b"123", "FIN")
    assert (client.reply().code, armed.fired) == ("226", 0)

    assert begin(client, "RETR data.bin").rest() == (DATA[:1000], "FIN")
    assert (client.reply().code, armed.fired) == ("426", 1)
    assert goes_on(client, ftp_server)


@each_kind
@each_direction
def test_quit(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """QUIT does not wait for a stall for ever: 221, 426 for the transfer, and the end."""
    stalled(client, ftp_server, command)

    assert [client.code("QUIT"), client.reply().code] == ["221", "426"]

    assert client.is_closed()
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, 5)


@each_kind
def test_quit_before_the_time_is_over(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """A stall with a limit continues after QUIT, and the transfer is completed."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(on("RETR").stall_data(60, after_bytes=5))
    line = begin(client, "RETR data.bin")
    assert line.exactly(5) == DATA[:5]

    assert client.code("QUIT") == "221"

    assert line.rest() == (DATA[5:], in_order(kind))
    assert client.reply().code == "226"
    assert client.is_closed()
