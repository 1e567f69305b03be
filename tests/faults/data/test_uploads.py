"""The ends of uploads: what the client sees, and exactly which bytes the server has stored."""

from __future__ import annotations

import zlib

import pytest

from ftpfixture import FtpServer
from tests.support.endings import TRUNCATE, Ending, check, each_cut, each_ending, each_kind, is_logged_once
from tests.support.faulty import DATA, LINES, begin, goes_on, last
from tests.support.ftps import DATA_VERBS, FtpsClient

each_count = pytest.mark.parametrize("count", [0, 1, 1023, (1 << 20) + 1, len(DATA)])


@each_kind
@each_cut
@each_count
def test_the_exact_number_of_bytes(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, count: int
) -> None:
    """After N bytes the connection ends, and the server keeps these N bytes."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=count))
    line = begin(client, "STOR new.bin")

    line.send(DATA[:count])

    assert line.rest() == (b"", ending.of(kind))
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, count)
    assert ftp_server.files["/new.bin"] == DATA[:count]


@each_kind
@each_cut
@each_count
def test_later_bytes_are_not_stored(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, count: int
) -> None:
    """Bytes after the N bytes are not stored, even if they arrived before the connection ended."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=count))
    line = begin(client, "STOR new.bin")

    line.offer(DATA)

    if "FIN" in ending:
        assert line.rest() == (b"", "FIN")
    check(client, ftp_server, ending, count)
    assert ftp_server.files["/new.bin"] == DATA[:count]


@each_kind
@each_count
def test_truncate(ftp_server: FtpServer, client: FtpsClient, kind: str, count: int) -> None:
    """The client can send everything, and the reply is success; the server has stored the first N bytes."""
    ftp_server.faults.add(TRUNCATE.fault("STOR", after_bytes=count))
    line = begin(client, "STOR new.bin")

    line.send(DATA)
    line.finish()

    check(client, ftp_server, TRUNCATE, len(DATA))
    assert ftp_server.files["/new.bin"] == DATA[:count]


@each_ending
def test_what_is_not_reached_does_not_happen(ftp_server: FtpServer, client: FtpsClient, ending: Ending) -> None:
    """One byte more than the client sends is never reached: everything is stored."""
    armed = ftp_server.faults.add(ending.fault("STOR", after_bytes=len(DATA) + 1).optional())

    assert client.store("STOR new.bin", DATA) == ["150", "226"]

    assert (armed.fired, last(ftp_server).completed) == (0, True)
    assert ftp_server.files["/new.bin"] == DATA


def _sent(ending: Ending, content: bytes, count: int) -> bytes:
    """The bytes of a client that notices a close at once, and does not notice lost bytes."""
    return content if ending is TRUNCATE else content[:count]


@each_kind
@each_ending
@pytest.mark.parametrize(
    ("rest", "line", "stored"),
    [
        (None, "STOR old.bin", DATA[:5]),
        (None, "APPE old.bin", b"0123456789" + DATA[:5]),
        (None, "APPE new.bin", DATA[:5]),
        ("REST 8", "STOR old.bin", b"01234567" + DATA[:5]),
        ("REST 2", "STOR old.bin", b"01" + DATA[:5] + b"789"),
        ("REST 8", "APPE old.bin", b"01234567" + DATA[:5]),
        (None, "STOU in/new", DATA[:5]),
    ],
    ids=str,
)
def test_all_commands(
    ftp_server: FtpServer,
    client: FtpsClient,
    kind: str,
    ending: Ending,
    rest: str | None,
    line: str,
    stored: bytes,
) -> None:
    """Earlier content does not count, and stays as the command specifies."""
    verb, _, path = line.partition(" ")
    ftp_server.faults.add(ending.fault(verb, after_bytes=5))
    ftp_server.files["/old.bin"] = b"0123456789"
    if rest is not None:
        assert client.code(rest) == "350"

    data = begin(client, line)
    data.send(_sent(ending, DATA[:20], 5))
    if ending is TRUNCATE:
        data.finish()
    else:
        assert data.rest() == (b"", ending.of(kind))

    check(client, ftp_server, ending, len(_sent(ending, DATA[:20], 5)))
    assert ftp_server.files[f"/{path}"] == stored


@each_ending
@pytest.mark.parametrize("count", [9, 10, 4711])
def test_type_a(ftp_server: FtpServer, client: FtpsClient, ending: Ending, count: int) -> None:
    """In TYPE A bytes count as received; half a line end counts as none."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=count))
    text = LINES.replace(b"\n", b"\r\n")
    assert client.code("TYPE A") == "200"

    data = begin(client, "STOR new.txt")
    data.send(_sent(ending, text, count))
    if ending is TRUNCATE:
        data.finish()
    else:
        assert data.rest() == (b"", ending.clear)

    assert client.reply().code == ending.code
    half = b"\r" if ending is TRUNCATE and text[:count].endswith(b"\r") else b""
    assert ftp_server.files["/new.txt"] == text[:count].replace(b"\r\n", b"\n").removesuffix(b"\r") + half


@each_kind
@each_ending
@pytest.mark.parametrize("count", [0, 4711])
def test_mode_z(ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, count: int) -> None:
    """In MODE Z bytes are counted after inflation; the faults of downloads do not apply."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=count))
    assert client.code("MODE Z") == "200"

    data = begin(client, "STOR new.txt")
    data.send(zlib.compress(LINES)[: None if ending is TRUNCATE or count else 0])
    if ending is TRUNCATE:
        data.finish()
    else:
        assert data.rest() == (b"", ending.of(kind))

    assert client.reply().code == ending.code
    assert ftp_server.files["/new.txt"] == LINES[:count]
    assert last(ftp_server).size == (len(LINES) if ending is TRUNCATE else count)
    assert client.code("MODE S") == "200"
    assert goes_on(client, ftp_server)


@each_kind
@each_cut
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_all_ways_to_a_data_connection(
    ftp_server: FtpServer, client: FtpsClient, kind: str, ending: Ending, verb: str
) -> None:
    """Passive or active, with old or new commands: the ends are the same."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=4711))
    line = begin(client, "STOR new.bin", verb)

    line.send(DATA[:4711])

    assert line.rest() == (b"", ending.of(kind))
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, 4711)
    assert ftp_server.files["/new.bin"] == DATA[:4711]


@pytest.mark.ftp(host="::1")
@each_cut
@pytest.mark.parametrize("verb", ["EPSV", "EPRT"])
def test_ipv6(ftp_server: FtpServer, client: FtpsClient, ending: Ending, verb: str) -> None:
    """Over IPv6 the ends are the same."""
    ftp_server.faults.add(ending.fault("STOR", after_bytes=4711))
    line = begin(client, "STOR new.bin", verb)

    line.send(DATA[:4711])

    assert line.rest() == (b"", ending.clear)
    assert is_logged_once(ftp_server)
    check(client, ftp_server, ending, 4711)
    assert ftp_server.files["/new.bin"] == DATA[:4711]
