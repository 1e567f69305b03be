"""Replies with wrong values: addresses, sizes, times and offsets, and bytes with flipped bits."""

from __future__ import annotations

import re
import socket

import pytest

from tests.support.lab import Lab
from tests.support.witness import Witness, shown

pytestmark = pytest.mark.parametrize("lab", ["clear", "explicit"], indirect=True)

# Addresses.


@pytest.mark.parametrize(
    ("verb", "word", "pattern"),
    [
        ("PASV", "wrong_address", r"227 Entering Passive Mode \(10,0,0,1,(\d+),(\d+)\)\.\r\n"),
        ("PASV", "wrong_address 192.0.2.7", r"227 Entering Passive Mode \(192,0,2,7,(\d+),(\d+)\)\.\r\n"),
        ("EPSV", "wrong_address", None),
        ("PASV", "malformed_address", r"227 Entering Passive Mode 127,0,0,1,(\d+),(\d+)\r\n"),
        ("EPSV", "malformed_address", r"229 Entering Extended Passive Mode \|\|\|(\d+)\|\r\n"),
        ("EPSV", "malformed_address no-delimiter", r"229 Entering Extended Passive Mode \(\|\|\|(\d+)\)\r\n"),
        ("PASV", "malformed_address multi-line", r"227-Entering Passive Mode\r\n227 \(127,0,0,1,(\d+),(\d+)\)\r\n"),
        ("EPSV", "malformed_address multi-line", r"229-Entering\r\n229 Extended Passive Mode \(\|\|\|(\d+)\|\)\r\n"),
        ("PASV", "malformed_address swapped", r"229 Entering Extended Passive Mode \(\|\|\|(\d+)\|\)\r\n"),
        ("EPSV", "malformed_address swapped", r"227 Entering Passive Mode \(127,0,0,1,(\d+),(\d+)\)\.\r\n"),
    ],
)
def test_addresses_with_the_true_port(lab: Lab, verb: str, word: str, pattern: str | None) -> None:
    """The reply is exactly this; a client that uses only the port gets the file."""
    fault = f"{verb} optional: {word}" if pattern is None else f"{verb}: {word}"
    client = lab.enter(fault)
    reply = _bytes_of(client, verb)
    assert client.applied == ([] if pattern is None else [fault])
    found = re.fullmatch(pattern or r"229 Entering Extended Passive Mode \(\|\|\|(\d+)\|\)\r\n", reply)
    assert found, reply
    numbers = [int(group) for group in found.groups()]
    port = numbers[0] if len(numbers) == 1 else numbers[0] * 256 + numbers[1]
    with socket.create_connection((lab.server.host, port), 10):
        assert client.code("TYPE I") == "200"


@pytest.mark.parametrize(
    ("verb", "word", "pattern"),
    [
        ("PASV", "wrong_address 127.0.0.1 1", r"227 Entering Passive Mode \(127,0,0,1,0,1\)\.\r\n"),
        ("PASV", "wrong_address port=514", r"227 Entering Passive Mode \(10,0,0,1,2,2\)\.\r\n"),
        ("EPSV", "wrong_address port=1", r"229 Entering Extended Passive Mode \(\|\|\|1\|\)\r\n"),
        ("PASV", "malformed_address no-delimiter", r"227 Entering Passive Mode \(127,0,0,1,\d+\)\.\r\n"),
        ("PASV", "malformed_address out-of-range", r"227 Entering Passive Mode \(127,0,0,1,\d{3},\d+\)\.\r\n"),
        ("EPSV", "malformed_address out-of-range", r"229 Entering Extended Passive Mode \(\|\|\|\d{5,6}\|\)\r\n"),
        ("PASV", "malformed_address port-zero", r"227 Entering Passive Mode \(127,0,0,1,0,0\)\.\r\n"),
        ("EPSV", "malformed_address port-zero", r"229 Entering Extended Passive Mode \(\|\|\|0\|\)\r\n"),
        ("PASV", "malformed_address empty", r"227 Entering Passive Mode\r\n"),
        ("EPSV", "malformed_address empty", r"229 Entering Passive Mode\r\n"),
    ],
)
def test_addresses_without_a_server(lab: Lab, verb: str, word: str, pattern: str) -> None:
    """The reply is exactly this; the next data command gets a true reply, and its connection works."""
    client = lab.enter(f"{verb} #1: {word}")
    assert re.fullmatch(pattern, _bytes_of(client, verb))
    assert client.applied == [f"{verb} #1: {word}"]
    data = client.begin("RETR a.txt", verb)
    assert data.rest().content == b"hello\n"
    assert client.codes(2) == ["150", "226"]


def _bytes_of(client: Witness, line: str) -> str:
    """The reply to a line, as received."""
    client.send(line)
    client.server.log.wait_for(line)
    lines = b""
    while not re.search(rb"^[0-9]{3} .*\r\n\Z", lines, re.MULTILINE):
        lines += client.piece()
    return lines.decode()


# Sizes, times, offsets.


@pytest.mark.parametrize(
    ("fault", "line", "reply"),
    [
        ("SIZE: wrong_size 4", "SIZE a.txt", "213 10"),
        ("SIZE: wrong_size -2", "SIZE a.txt", "213 4"),
        ("SIZE: wrong_size -99", "SIZE a.txt", "213 0"),
        ("MDTM: shift_time 3600", "MDTM a.txt", "213 20010909024640"),
        ("MDTM: shift_time -1.5", "MDTM a.txt", "213 20010909014638"),
        ("MDTM: shift_time -1000000000", "MDTM a.txt", "213 19700101000000"),
    ],
)
@pytest.mark.lab(clock=lambda: 1_000_000_000.0)
def test_sizes_and_times(lab: Lab, fault: str, line: str, reply: str) -> None:
    """The value for a file is wrong by this number."""
    client = lab.enter(fault)
    assert shown(client.ask(line)) == reply
    assert client.applied == [fault]


@pytest.mark.lab(clock=lambda: 1_000_000_000.0)
def test_facts(lab: Lab) -> None:
    """Sizes and times are wrong in MLST and MLSD, too, and no other fact is."""
    client = lab.enter()
    facts, listing = client.ask("MLST a.txt").lines[1], client.fetch_all("MLSD /")[1].decode()
    lab.add("MLST|MLSD: wrong_size 4; shift_time 60")
    changed, other = client.ask("MLST a.txt").lines[1], client.fetch_all("MLSD /")[1].decode()
    assert changed == facts.replace("size=6;", "size=10;").replace("20010909014640", "20010909014740")
    expected = re.sub(r"(?<=size=)\d+", lambda found: str(int(found[0]) + 4), listing)
    assert other == expected.replace("20010909014640", "20010909014740")
    assert len(client.applied) == 2


def test_the_size_in_the_preliminary_reply(lab: Lab) -> None:
    """The size in the 150 is wrong, the file is complete."""
    client = lab.enter("RETR: wrong_size -1")
    data = client.begin("RETR a.txt")
    assert data.rest().content == b"hello\n"
    assert client.reply().text == "Opening BINARY mode data connection for a.txt (5 bytes)."
    assert client.reply().code == "226"


@pytest.mark.parametrize(("by", "content"), [(1, b"456789"), (-2, b"123456789"), (-9, b"0123456789")])
def test_offsets(lab: Lab, by: int, content: bytes) -> None:
    """The reply to REST is normal, and the file begins at another offset."""
    client = lab.enter(f"REST: shift_offset {by}")
    assert client.code("REST 3") == "350"
    assert client.applied == [f"REST: shift_offset {by}"]
    assert client.fetch_all("RETR b.txt") == (["150", "226"], content)


# Bytes.


@pytest.mark.parametrize(
    ("word", "line", "content"),
    [
        ("garble", "NOOP", b"300 Nothing done\r\n"),
        ("garble mask=255", "NOOP", b"\xcd00 Nothing done\r\n"),
        ("garble first=2 mask=3", "NOOP", b"203 Nothing done\r\n"),
        ("garble first=1 every=2", "NOOP", b"210!Nntiiog!dnnd\r\x0b"),
        ("garble first=17 mask=16", "NOOP", b"200 Nothing done\r\x1a"),
        ("repeat_reply; garble", "NOOP", b"300 Nothing done\r\n300 Nothing done\r\n"),
    ],
)
def test_garbled(lab: Lab, word: str, line: str, content: bytes) -> None:
    """Only the bits of the fault are flipped; the log shows the result."""
    fault = f"NOOP #1: {word}"
    client = lab.enter(fault)
    client.send(line)
    assert client.read(len(content)) == content
    assert client.applied == [fault]
    [record] = lab.server.log.find("NOOP")
    start = content[:3].decode("ascii", "replace")
    assert {code for code, _ in record.replies} == {start if start.isdigit() else "000"}


def test_a_reply_that_is_too_short_to_be_garbled(lab: Lab) -> None:
    """If the reply has no such byte nothing is flipped, and the fault has not happened."""
    client = lab.enter("NOOP optional: garble first=18")
    assert shown(client.ask("NOOP")) == "200 Nothing done"
    assert not client.applied
