"""Data connections where naive servers go wrong; the number in a name is that of the subtlety (15 to 20)."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from ftpfixture.log.events import DataClosed, DataMoved, ReplySent
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port
from tests.support.raw import RawClient, read_all

Connect = Callable[[], RawClient]

FILES = {"/a.txt": b"hello", "/dir/inner.txt": b"inner"}
MEGABYTE = bytes(range(256)) * 4096
DATA_VERBS = ["PASV", "EPSV", "PORT", "EPRT"]


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs an IPv6 loopback address")


def settle(other: RawClient) -> None:
    """Return when the server has read all that was sent before on any connection: after two rounds of its loop."""
    for _ in range(2):
        assert other.code("NOOP") == "200"


def address_of(raw: RawClient, verb: str = "EPSV") -> tuple[str, int]:
    """Ask for a passive port, and do not connect to it."""
    reply = raw.ask(verb)
    if verb == "PASV":
        assert reply.code == "227"
        return parse_227(reply.text)
    assert reply.code == "229"
    return str(raw.sock.getpeername()[0]), parse_229(reply.text)


def is_closed(sock: socket.socket) -> bool:
    """Wait for the other side to close; False when a byte arrives."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def begin_data(raw: RawClient, verb: str) -> Callable[[], socket.socket]:
    """Send a data command; the result returns the connected socket after the transfer command."""
    if verb in ("PASV", "EPSV"):
        sock = raw.passive(verb)
        return lambda: sock
    listener = raw.active(verb)
    return lambda: listener.accept()[0]


# 15. Order


@pytest.mark.ftp(files=FILES, wait_future_timeout=30)
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("RETR /none", "550"),
        ("RETR /dir", "550"),
        ("STOR /none/x", "553"),
        ("STOR /dir", "553"),
        ("APPE /none/x", "553"),
        ("APPE /dir", "553"),
        ("STOU /none/x", "553"),
        ("LIST /none", "550"),
        ("NLST /none", "550"),
        ("MLSD /none", "550"),
        ("MLSD /a.txt", "501"),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_15_path_is_checked_before_anything_else(raw: RawClient, line: str, code: str, connected: bool) -> None:
    """A wrong path gets one final reply, without a preliminary one, whether or not the client connected."""
    if connected:
        raw.passive()
    else:
        address_of(raw)
    assert raw.code(line) == code
    assert raw.code("NOOP") == "200"


@pytest.mark.ftp(files=FILES)
def test_15_data_connection_survives_a_refused_path(raw: RawClient) -> None:
    """After a 550 the same data connection serves the next transfer, as with real servers."""
    data = raw.passive()
    assert raw.code("RETR /none") == "550"
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(data) == b"hello"
    assert raw.reply().code == "226"


@pytest.mark.ftp(files={"/m.bin": MEGABYTE})
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_15_download_is_150_data_close_226(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """On the wire: 150, then the bytes, then the close of the data connection, then 226, each once."""
    data = begin_data(raw, verb)
    assert raw.code("RETR /m.bin") == "150"
    assert read_all(data()) == MEGABYTE
    assert raw.reply().code == "226"
    (record,) = ftp_server.log.find("RETR /m.bin -> 226")
    story = [
        event.code if isinstance(event, ReplySent) else type(event).__name__
        for event in ftp_server.log.events
        if isinstance(event, ReplySent | DataMoved | DataClosed) and event.command_seq == record.seq
    ]
    assert (story[0], story[-2:]) == ("150", ["DataClosed", "226"])
    assert set(story[1:-2]) == {"DataMoved"}


@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["STOR /m.bin", "APPE /m.bin"])
def test_15_file_is_complete_for_others_at_the_226(
    raw: RawClient, connect: Connect, ftp_server: FtpServer, verb: str, line: str
) -> None:
    """When the 226 is read, another session already sees every byte."""
    other = connect().login()
    data = begin_data(raw, verb)
    assert raw.code(line) == "150"
    with data() as sock:
        sock.sendall(MEGABYTE)
    assert raw.reply().code == "226"
    assert other.ask("SIZE /m.bin").text == str(len(MEGABYTE))
    assert other.fetch("RETR /m.bin") == (["150", "226"], MEGABYTE)
    assert ftp_server.files["/m.bin"] == MEGABYTE


def test_15_upload_is_not_over_before_the_end_of_file(raw: RawClient, connect: Connect, ftp_server: FtpServer) -> None:
    """A pause is no end: there is no 226 until the sender closes."""
    other = connect().login()
    data = raw.passive()
    assert raw.code("STOR /p.bin") == "150"
    data.sendall(b"first ")
    ftp_server.log.wait_for(lambda event: isinstance(event, DataMoved))
    settle(other)
    assert ftp_server.log.find("STOR")[0].code == ""
    data.sendall(b"second")
    data.close()
    assert raw.reply().code == "226"
    assert ftp_server.files == {"/p.bin": b"first second"}


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("line", ["RETR /a.txt", "LIST", "NLST", "MLSD"])
def test_15_download_does_not_wait_for_the_peers_close(raw: RawClient, line: str) -> None:
    """226 comes although the client has neither read nor closed its end."""
    data = raw.passive()
    assert raw.code(line) == "150"
    assert raw.reply().code == "226"
    assert raw.code("NOOP") == "200"
    assert read_all(data)


def test_15_half_close_ends_an_upload(raw: RawClient, ftp_server: FtpServer) -> None:
    """A client that only shuts down its sending side gets 226, and the server closes the rest."""
    data = raw.passive()
    assert raw.code("STOR /h.bin") == "150"
    data.sendall(b"half")
    data.shutdown(socket.SHUT_WR)
    assert raw.reply().code == "226"
    assert is_closed(data)
    assert ftp_server.files == {"/h.bin": b"half"}


# 16. Order of connection and command


@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
@pytest.mark.parametrize("content", [b"", b"x", MEGABYTE[:60_000]], ids=["nothing", "one", "60k"])
def test_16_early_data_is_not_lost(raw: RawClient, ftp_server: FtpServer, verb: str, content: bytes) -> None:
    """A client that connects, sends all, closes, and then sends STOR, has stored its file."""
    data = raw.passive(verb)
    data.sendall(content)
    data.close()
    assert [raw.code("STOR /early.bin"), raw.reply().code] == ["150", "226"]
    assert ftp_server.files == {"/early.bin": content}


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize(("line", "stored"), [("APPE /a.txt", b"hello!"), ("REST 4;STOR /a.txt", b"hell!")])
def test_16_early_data_of_other_uploads(raw: RawClient, ftp_server: FtpServer, line: str, stored: bytes) -> None:
    """Early data is stored as APPE, or REST and STOR, require."""
    data = raw.passive()
    data.sendall(b"!")
    data.close()
    *before, command = line.split(";")
    assert [raw.code(each) for each in before] == ["350"] * len(before)
    assert [raw.code(command), raw.reply().code] == ["150", "226"]
    assert ftp_server.files["/a.txt"] == stored


def test_16_early_data_survives_commands_between(raw: RawClient, ftp_server: FtpServer) -> None:
    """Early data waits while other commands are handled."""
    data = raw.passive()
    data.sendall(b"early")
    data.close()
    assert [raw.code(line) for line in ("NOOP", "PWD", "MKD /d", "CWD /d")] == ["200", "257", "257", "250"]
    assert [raw.code("STOR f"), raw.reply().code] == ["150", "226"]
    assert ftp_server.files == {"/d/f": b"early"}


@pytest.mark.ftp(files=FILES, wait_future_timeout=30)
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_16_client_may_connect_after_retr(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """The data connection may come after the server has received the command."""
    address = address_of(raw, verb)
    raw.send("RETR /a.txt")
    ftp_server.log.wait_for("RETR /a.txt")
    with socket.create_connection(address, 10) as data:
        assert raw.reply().code == "150"
        assert read_all(data) == b"hello"
    assert raw.reply().code == "226"


@pytest.mark.ftp(wait_future_timeout=30)
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_16_client_may_connect_after_stor(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """The data connection of an upload, with its bytes, may come before the client reads the 150."""
    address = address_of(raw, verb)
    raw.send("STOR /late.bin")
    ftp_server.log.wait_for("STOR /late.bin")
    with socket.create_connection(address, 10) as data:
        data.sendall(b"late")
    assert [raw.reply().code for _ in range(2)] == ["150", "226"]
    assert ftp_server.files == {"/late.bin": b"late"}


def test_16_early_reset_is_no_complete_upload(raw: RawClient, ftp_server: FtpServer) -> None:
    """A data connection that was reset before STOR gets an error, and the session continues."""
    data = raw.passive()
    data.sendall(b"gone")
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    data.close()
    codes = [raw.code("STOR /r.bin")]
    if codes == ["150"]:
        codes.append(raw.reply().code)
    assert codes[-1] in ("425", "426")
    assert raw.code("NOOP") == "200"
    assert ftp_server.log.find("STOR -> 226") == []


# 17. One PASV, one connection, one transfer


@pytest.mark.ftp(files=FILES, wait_future_timeout=30)
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /a.txt", "LIST", "STOR /a.txt"])
def test_17_second_transfer_needs_a_new_data_command(
    raw: RawClient, ftp_server: FtpServer, verb: str, line: str
) -> None:
    """After one transfer the next gets 425 at once, nothing is written, and a new data command works."""
    data = begin_data(raw, verb)
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(data()) == b"hello"
    assert raw.reply().code == "226"
    assert raw.code(line) == "425"
    assert ftp_server.files == FILES
    assert raw.fetch("RETR /a.txt") == (["150", "226"], b"hello")


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_17_second_connection_to_the_port_is_closed(raw: RawClient, verb: str) -> None:
    """Of two connections to one passive port the first is used, the second closed."""
    address = address_of(raw, verb)
    with socket.create_connection(address, 10) as first, socket.create_connection(address, 10) as second:
        assert is_closed(second)
        assert raw.code("RETR /a.txt") == "150"
        assert read_all(first) == b"hello"
        assert raw.reply().code == "226"


@pytest.mark.ftp(files=FILES)
def test_17_connection_after_the_transfer_is_not_used(raw: RawClient) -> None:
    """A connection to the port of a finished transfer is closed or refused, and not used for a new one."""
    address = address_of(raw)
    with socket.create_connection(address, 10) as data:
        assert raw.code("RETR /a.txt") == "150"
        assert read_all(data) == b"hello"
    assert raw.reply().code == "226"
    try:
        late = socket.create_connection(address, 10)
    except ConnectionRefusedError:
        late = None
    assert raw.code("RETR /a.txt") == "425"
    if late is not None:
        with late:
            assert is_closed(late)


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", ["PASV", "EPSV", "PORT", "EPRT", "ABOR", "REIN", "QUIT"])
def test_17_unused_connection_is_dropped(raw: RawClient, verb: str) -> None:
    """A data connection that no transfer used is closed by the next data command, ABOR, REIN and QUIT."""
    data = raw.passive()
    if verb in DATA_VERBS:
        begin_data(raw, verb)
    else:
        assert raw.code(verb) in ("226", "220", "221")
    assert is_closed(data)


@pytest.mark.ftp(files=FILES)
def test_17_abor_drops_the_data_connection(raw: RawClient) -> None:
    """After ABOR no data connection is prepared: 425."""
    raw.passive()
    assert raw.code("ABOR") == "226"
    assert raw.code("RETR /a.txt") == "425"
    address_of(raw)
    assert raw.code("ABOR") == "226"
    assert raw.code("RETR /a.txt") == "425"


@pytest.mark.ftp(files=FILES)
def test_17_bytes_of_a_dropped_connection_are_not_stored(raw: RawClient, ftp_server: FtpServer) -> None:
    """Bytes of a connection that a new EPSV replaced are not part of the next upload."""
    old = raw.passive()
    old.sendall(b"old")
    assert raw.store("STOR /new.txt", b"new") == ["150", "226"]
    assert is_closed(old)
    assert ftp_server.files["/new.txt"] == b"new"


# 18. The last one wins


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("first", DATA_VERBS)
@pytest.mark.parametrize("second", DATA_VERBS)
def test_18_last_data_command_wins(raw: RawClient, ftp_server: FtpServer, first: str, second: str) -> None:
    """Of two data commands the second is used, and the first has no effect."""
    unused = begin_data(raw, first)
    data = begin_data(raw, second)
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(data()) == b"hello"
    assert raw.reply().code == "226"
    assert ftp_server.log.transfers[0].mode == ("active" if second in ("PORT", "EPRT") else "passive")
    if first in ("PASV", "EPSV"):
        assert is_closed(unused())


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_18_other_commands_do_not_disturb(raw: RawClient, verb: str) -> None:
    """TYPE, NOOP, SIZE, CWD and REST between a data command and its transfer leave the data connection alone."""
    data = begin_data(raw, verb)
    lines = ["TYPE A", "NOOP", "TYPE I", "SIZE /a.txt", "CWD /dir", "MDTM inner.txt", "PWD", "STAT", "REST 2"]
    codes = ["200", "200", "200", "213", "250", "213", "257", "211", "350"]
    assert [raw.code(line) for line in lines] == codes
    assert raw.code("RETR inner.txt") == "150"
    assert read_all(data()) == b"ner"
    assert raw.reply().code == "226"


# 19. No data command


@pytest.mark.ftp(files=FILES, wait_future_timeout=30)
@pytest.mark.parametrize(
    "line", ["RETR /a.txt", "STOR /a.txt", "STOR /new.txt", "APPE /a.txt", "STOU new.txt", "LIST", "NLST", "MLSD"]
)
def test_19_no_data_command_is_425_at_once(raw: RawClient, ftp_server: FtpServer, line: str) -> None:
    """Without PORT or PASV a transfer gets 425, without waiting and without touching a file."""
    assert raw.code(line) == "425"
    assert raw.code("NOOP") == "200"
    assert ftp_server.files == FILES


@pytest.mark.ftp(files=FILES)
def test_19_path_comes_before_the_data_connection(raw: RawClient) -> None:
    """With both a wrong path and no data command, the error is that of the path."""
    assert raw.code("RETR /none") == "550"


# 20. Active mode


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
def test_20_server_connects_at_transfer_time(raw: RawClient, connect: Connect, verb: str) -> None:
    """After PORT or EPRT the server does not connect before the transfer command."""
    other = connect().login()
    listener = raw.active(verb)
    settle(other)
    assert not select.select([listener], [], [], 0)[0]
    assert raw.code("RETR /a.txt") == "150"
    sock, address = listener.accept()
    assert address[0] == raw.sock.getpeername()[0]
    assert read_all(sock) == b"hello"
    assert raw.reply().code == "226"


@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
def test_20_active_upload(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """An upload over an active connection stores every byte."""
    listener = raw.active(verb)
    assert raw.code("STOR /up.bin") == "150"
    with listener.accept()[0] as sock:
        sock.sendall(MEGABYTE)
    assert raw.reply().code == "226"
    assert ftp_server.files["/up.bin"] == MEGABYTE
    assert ftp_server.log.transfers[0].mode == "active"


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
@pytest.mark.parametrize("line", ["RETR /a.txt", "STOR /a.txt", "LIST"])
def test_20_refused_connection_is_425(raw: RawClient, ftp_server: FtpServer, verb: str, line: str) -> None:
    """When the client does not listen: 425 without a preliminary reply, no file is changed, the session continues."""
    raw.active(verb).close()
    assert raw.code(line) == "425"
    assert raw.code("NOOP") == "200"
    assert ftp_server.files == FILES
    listener = raw.active(verb)
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(listener.accept()[0]) == b"hello"
    assert raw.reply().code == "226"


@needs_ipv6
@pytest.mark.ftp(host="::1", files=FILES)
def test_20_active_mode_over_ipv6(raw: RawClient, ftp_server: FtpServer) -> None:
    """EPRT with address family 2 works on an IPv6 control connection."""
    listener = raw.active("EPRT")
    assert ftp_server.log.commands[-1].argument == render_eprt("::1", listener.getsockname()[1])
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(listener.accept()[0]) == b"hello"
    assert raw.reply().code == "226"
    assert raw.fetch("RETR /a.txt", "EPSV") == (["150", "226"], b"hello")


@needs_ipv6
@pytest.mark.ftp(host="::1")
@pytest.mark.parametrize("argument", ["|2|0:0:0:0:0:0:0:1|{}|", "!2!::1!{}!", "|2|0000::0001|{}|"])
def test_20_ipv6_address_has_many_spellings(raw: RawClient, argument: str) -> None:
    """Any spelling of the client's own address, and any delimiter, is accepted."""
    listener = raw.active("EPRT")
    assert raw.code("EPRT " + argument.format(listener.getsockname()[1])) == "200"


@needs_ipv6
@pytest.mark.ftp(host="::1", files=FILES)
def test_20_ipv6_connection_refused_is_425(raw: RawClient) -> None:
    """A refused connection is 425 over IPv6, too."""
    raw.active("EPRT").close()
    assert raw.code("RETR /a.txt") == "425"
    assert raw.code("NOOP") == "200"


@pytest.mark.ftp(files=FILES)
def test_20_malformed_port_does_not_disturb_the_one_before(raw: RawClient) -> None:
    """A refused PORT or EPRT leaves what was prepared before it."""
    listener = raw.active("PORT")
    port = listener.getsockname()[1]
    assert [raw.code("PORT 1,2,3"), raw.code(f"EPRT |9|127.0.0.1|{port}|")] == ["501", "522"]
    assert [raw.code(f"PORT {render_port('127.0.0.2', port)}"), raw.code("EPSV 9")] == ["504", "522"]
    assert raw.code("RETR /a.txt") == "150"
    assert read_all(listener.accept()[0]) == b"hello"
    assert raw.reply().code == "226"
