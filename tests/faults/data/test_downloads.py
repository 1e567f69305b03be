"""The ends of downloads: an exact number of bytes is received, and then FIN, RST, close_notify or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ftpfixture import FtpServer, on
from tests.support.endings import Ending, check, each_ending, each_kind, is_logged_once
from tests.support.faulty import DATA, LINES, begin, goes_on, inflated, last
from tests.support.ftps import DATA_VERBS, FtpsClient

MOMENTS: list[tuple[dict[str, Any], int]] = [
    ({}, 0),
    *(({"after_bytes": after}, after) for after in (0, 1, 1023, (1 << 20) + 1, len(DATA))),
    ({"at": 0}, 0),
    ({"at": 0.5}, len(DATA) // 2),
    ({"at": 1}, len(DATA)),
]


@each_kind
@each_ending
@pytest.mark.parametrize(("moment", "size"), MOMENTS, ids=lambda value: str(value) if value != {} else "at once")
def test_the_exact_number_of_bytes(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, moment: dict[str, Any], size: int
) -> None:
    """The client receives N bytes, or a part of the file, and then the end; the log and the reply agree."""
    ftp_server.faults.add(ending.fault("RETR", **moment))

    came = begin(client, "RETR data.bin").rest()

    assert came == (DATA[:size], ending.of(kind))
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, size)


@each_ending
def test_what_is_not_reached_does_not_happen(ftp_server: FtpServer, client: FtpsClient, ending: Ending) -> None:
    """One byte more than the file is never reached: the file is complete, and the message names the number."""
    armed = ftp_server.faults.add(ending.fault("RETR", after_bytes=len(DATA) + 1).optional())

    assert client.fetch("RETR data.bin") == (["150", "226"], DATA)

    assert (armed.fired, last(ftp_server).completed) == (0, True)
    with pytest.raises(AssertionError, match=f"seen 1 time, but no transfer reached {len(DATA) + 1} bytes"):
        ftp_server.faults.assert_fired(armed)


@each_kind
@each_ending
@pytest.mark.parametrize("line", ["LIST few", "NLST few", "MLSD few"])
def test_listings_end_in_the_same_way(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, line: str
) -> None:
    """The client receives the first bytes of a listing, and then the end."""
    whole = begin(client, line).rest().content
    assert client.reply().code == "226"
    ftp_server.faults.add(ending.fault(line.split()[0], after_bytes=7))

    came = begin(client, line).rest()

    assert came == (whole[:7], ending.of(kind))
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, 7)


@each_ending
@pytest.mark.parametrize(
    ("moment", "size"), [({"after_bytes": 1000}, 1000), ({"at": 0.5}, 500_001), ({"at": 1}, 1_000_002)]
)
def test_bytes_count_from_the_restart_point(
    ftp_server: FtpServer, client: FtpsClient, ending: Ending, moment: dict[str, Any], size: int
) -> None:
    """Bytes that REST skips are not part of the transfer: neither `after_bytes` nor `at` counts them."""
    ftp_server.faults.add(ending.fault("RETR", **moment))
    offset = len(DATA) - 1_000_002
    assert client.code(f"REST {offset}") == "350"

    came = begin(client, "RETR data.bin").rest()

    assert came == (DATA[offset:][:size], ending.clear)
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, size)


@each_ending
@pytest.mark.parametrize(
    ("moment", "size"),
    [({"after_bytes": 7}, 7), ({"at": 0.5}, len(LINES) // 2), ({"at": 1}, len(LINES) + LINES.count(b"\n"))],
)
def test_type_a(ftp_server: FtpServer, client: FtpsClient, ending: Ending, moment: dict[str, Any], size: int) -> None:
    """In TYPE A bytes are counted as on the wire; `at` is a part of the stored file, and 1 is its end."""
    ftp_server.faults.add(ending.fault("RETR", **moment))
    assert client.code("TYPE A") == "200"

    came = begin(client, "RETR lines.txt").rest()

    assert came == (LINES.replace(b"\n", b"\r\n")[:size], ending.clear)
    assert is_logged_once(ftp_server)
    assert client.reply().code == ending.code
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, size)
    assert client.code("TYPE I") == "200"
    assert goes_on(client, ftp_server)


@each_kind
@each_ending
@pytest.mark.parametrize("moment", [{"after_bytes": 0}, {"after_bytes": 70_000}, {"at": 1}], ids=str)
def test_mode_z(ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, moment: dict[str, Any]) -> None:
    """In MODE Z bytes are counted before compression, and the client can inflate all of them."""
    ftp_server.faults.add(ending.fault("RETR", **moment))
    content = int(moment.get("after_bytes", len(LINES)))
    assert client.code("MODE Z") == "200"

    bytes_on_wire, end = begin(client, "RETR lines.txt").rest()

    assert (inflated(bytes_on_wire), end) == (LINES[:content], ending.of(kind))
    assert client.reply().code == ending.code
    assert client.code("MODE S") == "200"
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, content)
    assert goes_on(client, ftp_server)


@each_kind
@each_ending
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_all_ways_to_a_data_connection(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, verb: str
) -> None:
    """Passive or active, with old or new commands: the ends are the same."""
    ftp_server.faults.add(ending.fault("RETR", after_bytes=4711))

    came = begin(client, "RETR data.bin", verb).rest()

    assert came == (DATA[:4711], ending.of(kind))
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, 4711)


@each_kind
@each_ending
@pytest.mark.parametrize("size", [70_000, len(DATA)])
def test_a_client_that_reads_late_gets_everything(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, size: int
) -> None:
    """Bytes in the buffers of the system are not lost at the end, not even with RST."""
    ftp_server.faults.add(ending.fault("RETR", after_bytes=size))
    line = begin(client, "RETR data.bin")
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)

    assert line.rest() == (DATA[:size], ending.of(kind))

    check(client, ftp_server, ending, size)


@pytest.mark.real("the window of a simulated connection holds the whole file")
@each_kind
def test_a_reset_and_a_client_that_does_not_read(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """RST waits until the bytes before it are sent; ABOR does not wait for it."""
    ftp_server.faults.add(on("RETR").reset_data(after_bytes=len(DATA)).times(1))
    line = begin(client, "RETR data.bin")
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)

    assert last(ftp_server).completed is None
    assert [client.code("ABOR"), client.reply().code] == ["426", "226"]

    assert line.rest() == (DATA, "FIN")
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, len(DATA))
    assert goes_on(client, ftp_server)


def test_stop_does_not_wait_for_a_reset(
    monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer, client: FtpsClient
) -> None:
    """The server stops at once, although the client does not read the bytes before RST."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)  # the time that the test would wait
    ftp_server.faults.add(on("RETR").reset_data(after_bytes=len(DATA)))
    begin(client, "RETR data.bin")
    assert ftp_server.log.wait_until(lambda: is_logged_once(ftp_server), 10)

    ftp_server.stop()

    assert last(ftp_server).completed is False


@pytest.mark.ftp(host="::1")
@each_ending
@pytest.mark.parametrize("verb", ["EPSV", "EPRT"])
def test_ipv6(ftp_server: FtpServer, client: FtpsClient, ending: Ending, verb: str) -> None:
    """Over IPv6 the ends are the same."""
    ftp_server.faults.add(ending.fault("RETR", after_bytes=4711))

    came = begin(client, "RETR data.bin", verb).rest()

    assert came == (DATA[:4711], ending.clear)
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, 4711)
