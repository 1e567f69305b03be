"""TLS where naive servers go wrong; the number in a name is that of the subtlety (41 to 53)."""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ftpfixture import Connection, ConnectionConditions, FtpServer, Server
from ftpfixture.log.events import Connected, DataMoved, Disconnected, ReplySent, TlsEnded, TlsEstablished, TlsFailed
from ftpfixture.server import worker
from ftpfixture.testing.loopthread import shared_thread
from ftpfixture.wire.hostport import parse_229
from tests.support.ftps import DATA_VERBS, FtpsClient, is_cut, not_a_word, read_to_close_notify
from tests.support.raw import RawClient, read_all
from tests.support.tls import VERSIONS, Wire, trusting

MEGABYTE = bytes(range(256)) * 4096
BIG = MEGABYTE * 8  # more than the system keeps for an unread connection
FILES = {"/a.txt": b"hello", "/m.bin": MEGABYTE, "/big.bin": BIG, "/empty": b"", "/d/": None}
NAMES = b"".join(b"%s\r\n" % name.strip("/").encode() for name in sorted(FILES))

pytestmark = pytest.mark.ftp(files=FILES, wait_future_timeout=30)

Begin = Callable[[], FtpsClient]


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs an IPv6 loopback address")
both_versions = pytest.mark.parametrize("version", VERSIONS)
implicitly = pytest.mark.ftp(tls="implicit")


@pytest.fixture
def version() -> str:
    """TLS version; tests that depend on it run with both."""
    return "TLSv1.3"


@pytest.fixture
def begin(ftps_server: FtpServer, version: str) -> Iterator[Begin]:
    """Makes clients that have sent nothing yet, and not read the greeting."""
    clients: list[FtpsClient] = []

    def make() -> FtpsClient:
        clients.append(FtpsClient(ftps_server.address, version))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(begin: Begin, ftps_server: FtpServer) -> FtpsClient:
    """A client that is encrypted and logged in, with PROT P and TYPE I."""
    made = begin()
    if ftps_server.server.implicit_tls:
        made.encrypt_first()
    return made.enter()


def auth(client: FtpsClient) -> FtpsClient:
    """Send AUTH; the server then waits for a ClientHello."""
    assert client.reply().code == "220"
    assert client.code("AUTH TLS") == "234"
    return client


def handshake(client: FtpsClient) -> Wire:
    """Do the handshake on the control connection, and use TLS from then on."""
    wire = Wire(client.sock, client.context)
    wire.do_handshake()
    client.control = wire
    return wire


def settle(other: RawClient) -> None:
    """Return when the server has read all that was sent before on any connection: after two rounds of its loop."""
    for _ in range(2):
        assert other.code("NOOP") == "200"


def lives(server: FtpServer, begin: Begin) -> bool:
    """Whether the server serves the next client."""
    other = begin()
    if server.server.implicit_tls:
        other.encrypt_first()
    return other.enter().download("RETR /a.txt") == b"hello"


def failure(server: FtpServer, where: str = "control") -> TlsFailed:
    """The failed handshake; waits for it."""
    event = server.log.wait_for(lambda event: isinstance(event, TlsFailed))
    assert isinstance(event, TlsFailed)
    assert event.where == where
    return event


def ended(server: FtpServer, session: int = 1) -> str:
    """Why a session has ended; waits for it."""
    event = server.log.wait_for(lambda event: isinstance(event, Disconnected) and event.session == session)
    assert isinstance(event, Disconnected)
    return event.reason


# 41. AUTH TLS


@both_versions
@pytest.mark.parametrize("before", ["", "NOOP\r\nFEAT\r\n"])
def test_41_commands_in_the_segment_of_auth_are_dropped(begin: Begin, ftps_server: FtpServer, before: str) -> None:
    """Clear text that came with the AUTH is no command: neither before the handshake nor after it."""
    client = begin()
    client.sock.sendall(f"{before}AUTH TLS\r\nUSER user\r\nPASS password\r\nMKD /injected\r\nDELE /a.txt\r\n".encode())
    codes = [client.reply().code for _ in range(1 + len(before.split()) + 1)]
    assert codes == ["220", *(["200", "211"] if before else []), "234"]
    handshake(client)
    client.play("NOOP=200; PWD=530; USER user=331; PASS password=230; MKD /mine=257")
    verbs = [record.verb for record in ftps_server.log.commands]
    assert verbs == [*before.split(), "AUTH", "NOOP", "PWD", "USER", "PASS", "MKD"]


@both_versions
def test_41_half_a_line_in_the_segment_of_auth_is_dropped(begin: Begin, ftps_server: FtpServer) -> None:
    """Bytes under TLS do not complete a line that began in clear text."""
    client = begin()
    assert client.reply().code == "220"
    client.sock.sendall(b"AUTH TLS\r\nMKD /")
    assert client.reply().code == "234"
    handshake(client)
    client.play("NOOP=200")
    assert [record.verb for record in ftps_server.log.commands] == ["AUTH", "NOOP"]


def test_41_flood_behind_auth_is_dropped(begin: Begin, ftps_server: FtpServer) -> None:
    """Any amount of clear text after AUTH gets no reply: it is dropped, or makes the handshake fail."""
    client = begin()
    client.sock.sendall(b"AUTH TLS\r\n" + b"MKD /injected\r\n" * 5000)
    assert [client.reply().code for _ in range(2)] == ["220", "234"]
    with suppress(OSError):
        handshake(client)
        client.code("NOOP")
    assert ftps_server.log.find("MKD") == []
    assert "/injected" not in ftps_server.files.directories


@both_versions
@pytest.mark.parametrize("injected", [b"USER user\r\n", b"\r\n", b"NOOP\r\n" * 1000])
def test_41_commands_before_the_client_hello_end_the_session(
    begin: Begin, ftps_server: FtpServer, injected: bytes
) -> None:
    """Clear text after the 234 makes the handshake fail, and is no command; the server continues."""
    client = auth(begin())
    client.sock.sendall(injected + Wire(client.sock, client.context).hello())
    with suppress(ssl.SSLError, ConnectionError):
        handshake(client)
    assert failure(ftps_server).session == 1
    assert ended(ftps_server) == "no TLS"
    assert [record.verb for record in ftps_server.log.commands] == ["AUTH"]
    assert lives(ftps_server, begin)


@both_versions
@pytest.mark.parametrize("size", [1, 7, 100])
def test_41_handshake_in_pieces(begin: Begin, size: int) -> None:
    """A ClientHello may come in any number of segments."""
    client = auth(begin())
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire = Wire(client.sock, client.context)
    hello = wire.hello()
    for start in range(0, len(hello), size):
        client.sock.sendall(hello[start : start + size])
    wire.do_handshake()
    client.control = wire
    client.play("NOOP=200")


def test_41_client_hello_may_come_late(begin: Begin, ftps_server: FtpServer) -> None:
    """While one client waits between 234 and ClientHello others are served."""
    slow = auth(begin())
    assert lives(ftps_server, begin)
    handshake(slow)
    slow.play("NOOP=200")


@both_versions
def test_41_many_commands_inside_tls(client: FtpsClient) -> None:
    """Pipelining works under TLS: hundreds of commands in one record, and in many, get their replies in order."""
    assert client.control is not None
    lines = b"".join(b"NOOP\r\nPWD\r\nSIZE /a.txt\r\n" for _ in range(1000))
    client.control.send(lines)
    for start in range(0, 300, 10):
        client.control.send(lines[start : start + 10])
    count = 1000 + lines[:300].count(b"\n") // 3
    assert [client.reply().code for _ in range(count * 3)] == ["200", "257", "213"] * count


# 42. Clear text does not count


@both_versions
def test_42_user_has_to_log_in_again(begin: Begin, ftps_server: FtpServer) -> None:
    """After AUTH no user is logged in, and no login has begun."""
    for script in ("USER user=331; PASS password=230", "USER user=331"):
        client = begin()
        client.play(f"{script}; AUTH TLS=234" if client.reply().code == "220" else "")
        client.play("PWD=530; PASS password=503; STAT=211; USER user=331; PASS password=230; PWD=257")


@both_versions
def test_42_parameters_are_reset(begin: Begin) -> None:
    """After AUTH type, mode, directory, restart point, name to rename and EPSV ALL are those of a new session."""
    client = begin().login()
    client.play("CWD /d=250; MODE Z=200; EPSV ALL=200; RNFR /a.txt=350; REST 3=350; AUTH TLS=234")
    client.play("USER user=331; PASS password=230; RNTO /b.txt=503")
    assert client.ask("PWD").text.startswith('"/"')
    assert "TYPE: ASCII" in "".join(client.ask("STAT").lines)
    client.active("PORT")
    assert client.fetch("RETR /a.txt", "PASV") == (["150", "226"], b"hello")


def test_42_data_connection_is_dropped(begin: Begin) -> None:
    """A data connection from before AUTH is closed, and none is prepared."""
    client = begin().login()
    data = client.passive()
    client.play("AUTH TLS=234; USER user=331; PASS password=230; RETR /a.txt=425")
    assert not_a_word(data)


@both_versions
def test_42_second_auth(client: FtpsClient) -> None:
    """AUTH under TLS is a 503, with any mechanism, and changes nothing."""
    client.play("AUTH TLS=503; AUTH SSL=503; AUTH X=503; PWD=257")
    assert client.download("RETR /a.txt") == b"hello"


# 43. PBSZ and PROT


@both_versions
def test_43_pbsz_comes_first(begin: Begin) -> None:
    """PROT without PBSZ is a 503; PBSZ and PROT without AUTH are, too."""
    client = begin()
    assert client.reply().code == "220"
    client.play("PBSZ 0=503; PROT P=503; AUTH TLS=234; PROT P=503; PROT C=503; PBSZ 0=200; PROT P=200; PROT C=200")


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_43_data_is_clear_at_first(begin: Begin, ftps_server: FtpServer, verb: str) -> None:
    """After AUTH TLS data connections are clear until PROT P."""
    client = begin()
    assert client.reply().code == "220"
    client.play("AUTH TLS=234; USER user=331; PASS password=230; TYPE I=200")
    data = client.begin_data(verb)
    client.send("RETR /a.txt")
    assert read_all(data()) == b"hello"
    assert [client.reply().code for _ in range(2)] == ["150", "226"]
    assert ftps_server.log.transfers[0].tls is None


@both_versions
def test_43_prot_changes_from_transfer_to_transfer(client: FtpsClient, ftps_server: FtpServer) -> None:
    """Each transfer follows the last PROT."""
    for level in "PCPPCC":
        client.play(f"PROT {level}=200")
        if level == "P":
            assert client.download("RETR /a.txt") == b"hello"
        else:
            assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
    assert ["P" if record.tls else "C" for record in ftps_server.log.transfers] == list("PCPPCC")


@both_versions
@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("line", ["RETR /a.txt", "STOR /new.txt"])
def test_43_prot_p_for_a_connection_that_is_there(
    begin: Begin, ftps_server: FtpServer, accepted: bool, early: bool, line: str
) -> None:
    """PROT P between EPSV and the transfer applies to a data connection that was made before it."""
    client = begin().enter(level="C")
    wire = client.wire(client.passive())
    if accepted:
        settle(client)
    client.play("PROT P=200")
    if early:
        wire.do_handshake()
    assert client.code(line) == "150"
    wire.do_handshake()
    if line.startswith("STOR"):
        wire.send(b"hello")
        wire.send_close_notify()
        assert read_to_close_notify(wire) == b""
    else:
        assert read_to_close_notify(wire) == b"hello"
    assert client.reply().code == "226"
    assert ftps_server.log.transfers[0].tls is not None
    assert ftps_server.files.get("/new.txt", b"hello") == b"hello"


@both_versions
@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_43_prot_c_for_a_connection_that_is_there(
    client: FtpsClient, ftps_server: FtpServer, accepted: bool, verb: str
) -> None:
    """PROT C between EPSV and the transfer applies to a data connection without a handshake."""
    data = client.passive(verb)
    if accepted:
        settle(client)
    client.play("PROT C=200; PROT P=200; PROT C=200; RETR /a.txt=150")
    assert read_all(data) == b"hello"
    assert client.reply().code == "226"
    data = client.passive(verb)
    if accepted:
        settle(client)
    assert client.control is not None
    client.control.send(b"PROT C\r\nSTOR /new.txt\r\n")
    data.sendall(b"clear text")
    data.close()
    assert [client.reply().code for _ in range(3)] == ["200", "150", "226"]
    assert ftps_server.files["/new.txt"] == b"clear text"
    data = client.passive(verb)
    data.close()
    client.play("PROT P=200")
    if accepted:
        settle(client)
    client.play("PROT C=200; STOR /none=150")
    assert client.reply().code == "226"
    assert [record.tls for record in ftps_server.log.transfers] == [None] * 3


@both_versions
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("accepted", [False, True])
def test_43_prot_c_after_the_handshake(client: FtpsClient, ftps_server: FtpServer, whole: bool, accepted: bool) -> None:
    """A data connection whose handshake has begun stays encrypted when PROT C comes after that."""
    wire = client.wire(client.passive())
    if whole:
        wire.do_handshake()
    else:
        wire.sock.sendall(wire.hello())
    if accepted:
        settle(client)
    client.play("PROT C=200; RETR /a.txt=150")
    wire.do_handshake()
    assert read_to_close_notify(wire) == b"hello"
    assert client.reply().code == "226"
    assert ftps_server.log.transfers[0].tls is not None


@contextmanager
def blocked_loop() -> Iterator[None]:
    """The loop of all servers is blocked meanwhile, and then finds everything that arrived at once."""
    stands, goes = threading.Event(), threading.Event()

    def stand() -> None:
        stands.set()
        goes.wait(10)

    thread = threading.Thread(target=shared_thread().call, args=(stand,))
    thread.start()
    stands.wait(10)
    try:
        yield
    finally:
        goes.set()
        thread.join()


@both_versions
@pytest.mark.parametrize("hello", [False, True])
def test_43_order_of_the_client_counts(client: FtpsClient, ftps_server: FtpServer, hello: bool) -> None:
    """The result does not depend on which of handshake and PROT C the server reads first."""
    port = parse_229(client.ask("EPSV").text)
    assert client.control is not None
    record = client.control.wrapped(b"PROT C\r\n")
    with blocked_loop():
        client.sock.sendall(record[:5])  # so that the loop reads the control connection first
        sock = socket.create_connection((ftps_server.host, port), 10)
        client.also(sock)
        wire = client.wire(sock)
        if hello:
            sock.sendall(wire.hello())
        client.sock.sendall(record[5:])
    assert client.reply().code == "200"
    client.play("RETR /a.txt=150")
    if hello:
        wire.do_handshake()
        assert read_to_close_notify(wire) == b"hello"
    else:
        assert read_all(sock) == b"hello"
    assert client.reply().code == "226"


@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
def test_43_prot_after_port(client: FtpsClient, ftps_server: FtpServer, verb: str) -> None:
    """In active mode the last PROT before the transfer counts."""
    listener = client.active(verb)
    client.play("PROT C=200")
    client.send("RETR /a.txt")
    assert read_all(listener.accept()[0]) == b"hello"
    assert [client.reply().code for _ in range(2)] == ["150", "226"]
    listener = client.active(verb)
    client.play("PROT P=200")
    client.send("RETR /a.txt")
    with listener.accept()[0] as sock:
        wire = client.wire(sock)
        wire.do_handshake()
        assert read_to_close_notify(wire) == b"hello"
    assert [client.reply().code for _ in range(2)] == ["150", "226"]
    assert [record.tls is None for record in ftps_server.log.transfers] == [True, False]


# 44. Which side is the TLS client


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /a.txt", "STOR /new.txt", "MLSD"])
def test_44_client_begins_the_handshake(client: FtpsClient, verb: str, line: str) -> None:
    """The FTP client sends the ClientHello in active mode, too, and the server sends nothing before it."""
    data = client.begin_data(verb)
    client.send(line)
    sock = data()
    assert client.reply().code == "150"
    settle(client)
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(1)
    sock.settimeout(10)
    wire = client.wire(sock)
    wire.do_handshake()
    if line.startswith("STOR"):
        wire.send_close_notify()
    read_to_close_notify(wire)
    assert client.reply().code == "226"


@needs_ipv6
@pytest.mark.ftp(host="::1")
@both_versions
@pytest.mark.parametrize("verb", ["EPSV", "EPRT"])
def test_44_over_ipv6(client: FtpsClient, ftps_server: FtpServer, verb: str) -> None:
    """TLS works over IPv6."""
    assert client.download("RETR /m.bin", verb) == MEGABYTE
    client.upload("STOR /new.bin", MEGABYTE, verb)
    assert ftps_server.files["/new.bin"] == MEGABYTE
    ftps_server.log.assert_encrypted()


# 45. Time of the handshake


@both_versions
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_45_handshake_before_or_after_the_150(
    client: FtpsClient, ftps_server: FtpServer, verb: str, early: bool
) -> None:
    """Clients may do the handshake before they send the command, or after the 150, in each kind of transfer."""
    for line, data in (("RETR /m.bin", MEGABYTE), ("RETR /a.txt", b"hello"), ("NLST", NAMES)):
        assert client.download(line, verb, early=early) == data
    client.upload("STOR /up.bin", MEGABYTE, verb, early=early)
    client.upload("APPE /up.bin", b"more", verb, early=early)
    assert ftps_server.files["/up.bin"] == MEGABYTE + b"more"
    for record in ftps_server.log.transfers:
        assert record.completed
        assert record.tls is not None
        assert record.mode == ("active" if verb in ("PORT", "EPRT") else "passive")


@both_versions
def test_45_handshake_before_the_command_is_known(client: FtpsClient) -> None:
    """The handshake completes before the server knows the command, with other commands in between."""
    wire = client.wire(client.passive())
    wire.do_handshake()
    client.play("NOOP=200; TYPE I=200; SIZE /a.txt=213; REST 2=350; RETR /a.txt=150")
    assert read_to_close_notify(wire) == b"llo"
    assert client.reply().code == "226"


@both_versions
def test_45_early_upload(client: FtpsClient, ftps_server: FtpServer) -> None:
    """A client that does the handshake, sends all, ends, and then sends STOR, has stored its file."""
    wire = client.wire(client.passive())
    wire.do_handshake()
    wire.send(b"early")
    wire.send_close_notify()
    client.play("STOR /early.txt=150")
    assert client.reply().code == "226"
    assert ftps_server.files["/early.txt"] == b"early"


@both_versions
@pytest.mark.parametrize("early", [False, True])
def test_45_restart(client: FtpsClient, ftps_server: FtpServer, early: bool) -> None:
    """REST counts bytes of the file, with TLS and without."""
    client.play("REST 1000000=350")
    assert client.download("RETR /m.bin", early=early) == MEGABYTE[1000000:]
    client.play("REST 4=350")
    client.upload("STOR /a.txt", b"!", early=early)
    assert ftps_server.files["/a.txt"] == b"hell!"


@both_versions
def test_45_data_connection_after_the_command(client: FtpsClient, ftps_server: FtpServer) -> None:
    """The data connection itself may come after the command, and its handshake after that."""
    port = parse_229(client.ask("EPSV").text)
    client.send("RETR /a.txt")
    ftps_server.log.wait_for("RETR")
    with socket.create_connection((ftps_server.host, port), 10) as sock:
        wire = client.wire(sock)
        wire.do_handshake()
        assert read_to_close_notify(wire) == b"hello"
    assert [client.reply().code for _ in range(2)] == ["150", "226"]


@both_versions
def test_45_mode_z(client: FtpsClient, ftps_server: FtpServer) -> None:
    """MODE Z is inside TLS: deflated data is encrypted."""
    client.play("MODE Z=200")
    assert zlib.decompress(client.download("RETR /m.bin")) == MEGABYTE
    assert zlib.decompress(client.download("RETR /empty")) == b""
    client.upload("STOR /z.bin", zlib.compress(MEGABYTE))
    assert ftps_server.files["/z.bin"] == MEGABYTE
    wire = client.transfer("STOR /half.bin")
    wire.send(zlib.compress(MEGABYTE)[:-3])
    wire.send_close_notify()
    assert client.reply().code == "426"
    ftps_server.log.assert_encrypted()


# 46. No handshake


def silent(sock: socket.socket) -> None:
    """Send nothing."""


def clear_text(sock: socket.socket) -> None:
    """Send bytes that are no handshake."""
    sock.sendall(b"clear text" * 10)


def half_close(sock: socket.socket) -> None:
    """Send FIN before the handshake."""
    sock.shutdown(socket.SHUT_WR)


def half_a_hello(sock: socket.socket) -> None:
    """Send half a ClientHello."""
    sock.sendall(Wire(sock, trusting("TLSv1.3")).hello()[:100])


@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /m.bin", "STOR /new.bin", "NLST"])
@pytest.mark.parametrize("what", [silent, clear_text, half_close, half_a_hello])
def test_46_no_handshake_on_a_data_connection(
    client: FtpsClient, ftps_server: FtpServer, verb: str, line: str, what: Callable[[socket.socket], None]
) -> None:
    """A client with PROT P and no handshake gets no byte of the file, 522 after the 150, and may continue."""
    data = client.begin_data(verb)
    client.send(line)
    sock = data()
    what(sock)
    assert client.reply().code == "150"
    if what in (silent, half_a_hello):
        ftps_server.clock.move(10)
    assert client.reply().code == "522"
    received = b""
    with suppress(ConnectionResetError):
        while piece := sock.recv(1 << 16):
            received += piece
    assert received[:1] in (b"", b"\x15")  # nothing, or the alert with the error
    assert len(received) < 10
    assert failure(ftps_server, "data").error
    (record,) = ftps_server.log.transfers
    assert (record.completed, record.size, record.tls) == (False, 0, None)
    assert not ftps_server.files.get("/new.bin")
    client.play("PROT C=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")


def test_46_abort_of_a_handshake_that_does_not_begin(client: FtpsClient, ftps_server: FtpServer) -> None:
    """ABOR ends a transfer that waits for its handshake, and the next one works."""
    data = client.passive()
    client.play("RETR /a.txt=150; NOOP=200; STAT=211; ABOR=426")
    assert client.reply().code == "226"
    assert not_a_word(data)
    assert client.download("RETR /a.txt") == b"hello"


def test_46_quit_while_a_handshake_is_waited_for(client: FtpsClient) -> None:
    """QUIT waits for the transfer, as always."""
    wire = client.wire(client.passive())
    client.play("RETR /a.txt=150; QUIT=221")
    wire.do_handshake()
    assert read_to_close_notify(wire) == b"hello"
    assert client.reply().code == "226"
    assert client.is_closed()


@pytest.mark.ftp(require_tls=["data"])
@both_versions
@pytest.mark.parametrize("line", ["RETR /a.txt", "STOR /new", "APPE /new", "STOU", "LIST", "NLST", "MLSD"])
def test_46_policy_applies_to_the_transfer(begin: Begin, ftps_server: FtpServer, line: str) -> None:
    """If data must be encrypted PROT C is a 534, and a transfer without PROT P a 521 that changes nothing."""
    client = begin()
    assert client.reply().code == "220"
    client.play("AUTH TLS=234; USER user=331; PASS password=230; PBSZ 0=200; PROT C=534")
    data = client.passive()
    client.play(f"{line}=521; PROT P=200")
    assert ftps_server.files == {path: content for path, content in FILES.items() if content is not None}
    wire = client.wire(data)
    wire.do_handshake()
    client.play("RETR /a.txt=150")
    assert read_to_close_notify(wire) == b"hello"
    assert client.reply().code == "226"


@pytest.mark.ftp(require_tls=["data"])
def test_46_policy_in_clear_text(begin: Begin) -> None:
    """Without TLS, too: users may log in and ask, but no data connection is used."""
    client = begin().login()
    assert client.fetch("RETR /a.txt") == (["521"], b"")
    client.play("SIZE /a.txt=213; MLST /a.txt=250")


class Counting(Server):
    """A server with a command over a data connection, in the form that users write."""

    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.passive_server_started)
    async def coll(self, connection: Connection, rest: str) -> bool:
        """Send numbers."""

        @ConnectionConditions(ConnectionConditions.data_connection_made, wait=True)
        @worker
        async def numbers(self: Counting, connection: Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                await stream.write(bytes(range(int(rest))))
            connection.response("226", "done")
            return True

        connection.extra_workers.add(connection.loop.create_task(numbers(self, connection, rest)))
        connection.response("150", "now")
        return True


@pytest.mark.ftp(server_class=Counting)
@both_versions
def test_46_commands_of_users_are_encrypted(client: FtpsClient, ftps_server: FtpServer) -> None:
    """PROT P applies to data connections of users' commands, and the log has it; no handshake is a 426."""
    assert client.download("COLL 100") == bytes(range(100))
    ftps_server.log.assert_encrypted()
    data = client.passive()
    client.send("COLL 100")
    data.sendall(b"clear text")
    assert [client.reply().code for _ in range(2)] == ["150", "426"]
    assert client.download("COLL 3") == bytes(range(3))


# 47. Reuse of sessions


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("resume", [False, True])
def test_47_resumption_is_offered(client: FtpsClient, ftps_server: FtpServer, verb: str, resume: bool) -> None:
    """A data connection may resume the control connection's session, or not, and the log has which."""
    for _ in range(2):
        assert client.download("RETR /a.txt", verb, resume=resume) == b"hello"
    for record in ftps_server.log.transfers:
        assert record.tls is not None
        assert record.tls.resumed is resume
    (session,) = ftps_server.log.sessions
    assert session.tls is not None
    assert not session.tls.resumed


@pytest.mark.ftp(require_session_reuse=True)
@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("early", [False, True])
def test_47_resumption_is_required(client: FtpsClient, ftps_server: FtpServer, verb: str, early: bool) -> None:
    """If it is required, a new session on the data connection is a 522 and no byte; a resumed one works."""
    for line in ("RETR /a.txt", "LIST", "STOR /new"):
        wire = client.transfer(line, verb, early=early, resume=False)
        assert client.reply().code == "522"
        with suppress(ssl.SSLEOFError, ConnectionResetError):
            assert read_to_close_notify(wire) == b""
    assert client.download("RETR /a.txt", verb, early=early) == b"hello"
    client.upload("STOR /new", b"hello", verb, early=early)
    assert [record.size for record in ftps_server.log.transfers] == [0, 0, 0, 5, 5]


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("required", [False, True])
def test_47_session_of_another_control_connection(
    ftp_server_factory: Callable[..., FtpServer], version: str, verb: str, required: bool
) -> None:
    """If resumption is required it must be that of its own control connection, as with vsftpd and ProFTPD."""
    server = ftp_server_factory(tls="explicit", files=FILES, require_session_reuse=required)
    with FtpsClient(server.address, version) as other, FtpsClient(server.address, version) as client:
        other.enter()
        data = client.enter().begin_data(verb)
        client.send("RETR /a.txt")
        wire = other.wire(data())
        wire.do_handshake()
        received = read_to_close_notify(wire)
        assert [client.reply().code for _ in range(2)] == ["150", "522" if required else "226"]
        assert received == (b"" if required else b"hello")
        (record,) = server.log.transfers
        assert record.tls is not None
        assert record.tls.resumed is not required
        assert client.download("RETR /a.txt", verb) == b"hello"


@pytest.mark.ftp(require_session_reuse=True)
def test_47_clear_data_has_no_session(client: FtpsClient) -> None:
    """The requirement does not apply to data connections in clear text."""
    client.play("PROT C=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")


# 48. close_notify


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /m.bin", "RETR /empty", "LIST /", "NLST /d", "MLSD /d"])
def test_48_download_ends_with_close_notify(client: FtpsClient, verb: str, line: str) -> None:
    """close_notify comes before FIN, and 226 without waiting for the client's."""
    wire = client.transfer(line, verb)
    read_to_close_notify(wire)
    assert client.reply().code == "226"
    client.play("NOOP=200")
    assert not_a_word(wire.sock)


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_48_upload_ends_with_close_notify_both_ways(client: FtpsClient, ftps_server: FtpServer, verb: str) -> None:
    """The client's close_notify ends an upload, without FIN, and the server sends its own."""
    wire = client.transfer("STOR /up.bin", verb)
    wire.send(MEGABYTE)
    wire.send_close_notify()
    assert read_to_close_notify(wire) == b""
    assert client.reply().code == "226"
    assert ftps_server.files["/up.bin"] == MEGABYTE


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["STOR /up.bin", "APPE /up.bin", "STOU up.bin"])
@pytest.mark.parametrize("data", [b"", b"half", MEGABYTE], ids=["empty", "half", "megabyte"])
def test_48_truncated_upload(client: FtpsClient, ftps_server: FtpServer, verb: str, line: str, data: bytes) -> None:
    """FIN without close_notify may be a truncation: 426, and the log has the reason; the session continues."""
    wire = client.transfer(line, verb)
    if data:
        wire.send(data)
    wire.sock.shutdown(socket.SHUT_WR)
    assert client.reply().code == "426"
    (record,) = ftps_server.log.transfers
    assert (record.completed, record.size) == (False, len(data))
    assert "close_notify" in record.error
    client.upload("STOR /up.bin", data, verb)


@both_versions
def test_48_upload_cut_within_a_record(client: FtpsClient, ftps_server: FtpServer) -> None:
    """An incomplete record is not stored, and the end in it is a 426."""
    wire = client.transfer("STOR /up.bin")
    wire.send(b"whole")
    wire.sock.sendall(wire.wrapped(b"not whole")[:-1])
    wire.sock.shutdown(socket.SHUT_WR)
    assert client.reply().code == "426"
    assert ftps_server.log.transfers[0].size == 5


@both_versions
def test_48_reset_is_no_end(client: FtpsClient) -> None:
    """RST before close_notify is a 426, too."""
    wire = client.transfer("STOR /up.bin")
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.sock.close()
    assert client.reply().code == "426"
    client.play("NOOP=200")


@pytest.mark.ftp(require_close_notify=False)
@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("early", [False, True])
def test_48_truncation_may_be_accepted(client: FtpsClient, ftps_server: FtpServer, verb: str, early: bool) -> None:
    """With require_close_notify=False any end is the end of the file, also of a client that leaves tickets unread."""
    for data, end in itertools.product((b"some", b""), (half_close, socket.socket.close)):
        wire = client.transfer("STOR /up.bin", verb, early=early)
        if data:
            wire.send(data)
        end(wire.sock)
        assert client.reply().code == "226"
        assert ftps_server.files["/up.bin"] == data
    client.upload("STOR /up.bin", b"in order", verb, early=early)
    assert ftps_server.files["/up.bin"] == b"in order"


@both_versions
def test_48_client_that_closes_behind_its_close_notify(client: FtpsClient, ftps_server: FtpServer) -> None:
    """An upload with close_notify is whole, although the client closes at once and leaves tickets unread."""
    for early in (False, True) * 5:
        wire = client.wire(client.passive()) if early else client.transfer("STOR /up.bin")
        wire.do_handshake()
        wire.send(b"all of it")
        wire.send_close_notify()
        wire.sock.close()
        if early:
            assert client.code("STOR /up.bin") == "150"
        assert client.reply().code == "226"
        assert ftps_server.files["/up.bin"] == b"all of it"


@both_versions
def test_48_close_notify_to_a_client_that_has_closed(client: FtpsClient) -> None:
    """An empty file for a client that has closed is a 226, as in clear text: only the end had to be sent."""
    wire = client.wire(client.passive())
    wire.do_handshake()
    settle(client)
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.sock.close()
    client.play("RETR /empty=150")
    assert client.reply().code == "226"


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_48_aborted_download_has_no_close_notify(client: FtpsClient, verb: str) -> None:
    """Half a file does not look whole: a download that ends with 426 sends no close_notify."""
    wire = client.transfer("RETR /big.bin", verb)
    assert wire.receive(1000)
    client.play("ABOR=426")
    assert client.reply().code == "226"
    assert is_cut(wire)


@both_versions
@pytest.mark.parametrize("how", ["quit", "refused", "client"])
@pytest.mark.ftp(maximum_login_failures=1)
def test_48_session_ends_with_close_notify(begin: Begin, ftps_server: FtpServer, how: str) -> None:
    """The control connection ends with close_notify after the last reply, whichever side ends it."""
    client = begin().enter()
    assert client.control is not None
    if how == "quit":
        client.play("QUIT=221")
    elif how == "refused":
        client.play("USER user=331; PASS wrong=421")
    else:
        client.control.send_close_notify()
    assert read_to_close_notify(client.control) == b""
    assert not_a_word(client.sock)
    assert ended(ftps_server) == ("client closed" if how == "client" else "quit")


@both_versions
def test_48_session_that_is_truncated(begin: Begin, ftps_server: FtpServer) -> None:
    """A control connection that ends without close_notify ends its session, and an incomplete line is no command."""
    client = begin().enter()
    assert client.control is not None
    client.control.send(b"DELE /a.txt")
    client.sock.shutdown(socket.SHUT_WR)
    assert ended(ftps_server) == "connection reset"
    assert "/a.txt" in ftps_server.files
    assert lives(ftps_server, begin)


# 49. Empty data


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("early", [False, True])
def test_49_empty_data_has_a_whole_handshake(
    client: FtpsClient, ftps_server: FtpServer, verb: str, early: bool
) -> None:
    """Empty files and listings have a handshake and close_notify each, with new and resumed sessions."""
    for resume in (True, False):
        for line in ("RETR /empty", "LIST /d", "NLST /d", "MLSD /d"):
            data = client.download(line, verb, early=early, resume=resume)
            assert (data == b"") or line == "MLSD /d"
        client.upload("STOR /empty", b"", verb, early=early)
    assert ftps_server.files["/empty"] == b""
    assert all(record.completed and record.tls for record in ftps_server.log.transfers)


@both_versions
def test_49_handshake_in_steps(client: FtpsClient) -> None:
    """The end of an empty file waits for the handshake, however slow the client is."""
    sock = client.passive()
    client.play("RETR /empty=150")
    wire = client.wire(sock, resume=False)
    hello = wire.hello()
    sock.sendall(hello[:50])
    settle(client)
    sock.sendall(hello[50:])
    settle(client)
    wire.do_handshake()
    assert read_to_close_notify(wire) == b""
    assert client.reply().code == "226"


# 50. CCC


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_50_ccc(client: FtpsClient, ftps_server: FtpServer, verb: str) -> None:
    """The reply to CCC is inside TLS, both sides send close_notify, and clear text follows, but data stay encrypted."""
    client.play("CWD /d=250; CCC=200")
    assert client.control is None
    assert client.ask("PWD").text.startswith('"/d"')
    assert client.download("RETR /m.bin", verb) == MEGABYTE
    client.upload("STOR /up.bin", MEGABYTE, verb)
    client.play("PROT C=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
    client.play("PROT P=200")
    assert client.download("RETR /a.txt", verb) == b"hello"
    assert [record.tls is None for record in ftps_server.log.transfers] == [False, False, True, False]
    assert isinstance(ftps_server.log.wait_for(lambda event: isinstance(event, TlsEnded)), TlsEnded)
    client.play("QUIT=221")
    assert client.sock.recv(1) == b""


@both_versions
def test_50_close_notify_and_a_command_in_one_segment(client: FtpsClient) -> None:
    """Clear text directly after the client's close_notify is the next command."""
    assert client.control is not None
    client.send("CCC")
    assert client.reply().code == "200"
    assert client.control.receive() == b""
    data = client.control.ending()
    client.control = None
    client.sock.sendall(data + b"NOOP\r\nPWD\r\n")
    assert [client.reply().code for _ in range(2)] == ["200", "257"]


@both_versions
def test_50_close_notify_before_the_200_is_read(client: FtpsClient) -> None:
    """A client that sends CCC and close_notify at once gets both replies, and continues in clear text."""
    for _ in range(5):
        wire = client.control
        assert wire is not None
        client.sock.sendall(wire.wrapped(b"CCC\r\n") + wire.ending())
        assert client.reply().code == "200"
        assert wire.receive() == b""
        client.control = None
        client.play("NOOP=200; AUTH TLS=234")


@pytest.mark.ftp(login_delay=0.05)
@both_versions
def test_50_close_notify_behind_commands_that_wait(client: FtpsClient) -> None:
    """The server may receive close_notify before it handles the CCC."""
    wire = client.control
    assert wire is not None
    client.sock.sendall(wire.wrapped(b"USER user\r\nPASS wrong\r\nCCC\r\n") + wire.ending())
    assert [client.reply().code for _ in range(3)] == ["331", "530", "200"]
    assert wire.receive() == b""
    client.control = None
    client.play("NOOP=200; AUTH TLS=234")


@both_versions
def test_50_auth_again(client: FtpsClient, ftps_server: FtpServer) -> None:
    """After CCC the connection can be encrypted again; login and PBSZ are reset then, and the log has each change."""
    for _ in range(3):
        client.play("CCC=200; PWD=257; CCC=533; AUTH TLS=234; PWD=530; PROT P=503; CCC=200; CCC=533; AUTH SSL=234")
        client.play("PBSZ 0=200; PROT P=200; USER user=331; PASS password=230; TYPE I=200")
        assert client.download("RETR /a.txt") == b"hello"
    ftps_server.log.assert_encrypted()
    client.play("CCC=200; USER user=331")
    with pytest.raises(AssertionError, match="not encrypted: USER user"):
        ftps_server.log.assert_encrypted()


def test_50_ccc_in_clear_text(begin: Begin) -> None:
    """CCC without TLS is a 533."""
    client = begin().login()
    client.play("CCC=533; PWD=257")


@pytest.mark.ftp(tls="required")
@both_versions
def test_50_ccc_where_tls_must_stay(client: FtpsClient) -> None:
    """If names and passwords must be encrypted CCC is a 534, and TLS continues."""
    client.play("CCC=534; PWD=257")
    assert client.download("RETR /a.txt") == b"hello"


@both_versions
@pytest.mark.parametrize("how", ["continues", "closes"])
def test_50_client_that_does_not_agree(client: FtpsClient, ftps_server: FtpServer, begin: Begin, how: str) -> None:
    """A client that continues under TLS after CCC loses its session: nothing that it sends is a command."""
    assert client.control is not None
    client.send("CCC")
    assert client.reply().code == "200"
    assert client.control.receive() == b""
    if how == "closes":
        client.sock.shutdown(socket.SHUT_WR)
    else:
        client.sock.sendall(client.control.wrapped(b"DELE /a.txt\r\n"))
    assert ended(ftps_server) == "no end of TLS"
    assert ftps_server.log.find("DELE") == []
    assert lives(ftps_server, begin)


@both_versions
def test_50_client_that_continues_in_clear_text(client: FtpsClient) -> None:
    """A client may send no close_notify, as curl does, and continue after it has received the server's."""
    assert client.control is not None
    client.send("CCC")
    assert client.reply().code == "200"
    assert client.control.receive() == b""
    client.control = None
    client.play("NOOP=200; PWD=257")
    assert client.download("RETR /a.txt") == b"hello"


@both_versions
def test_50_half_a_line_is_not_completed_in_clear_text(client: FtpsClient, ftps_server: FtpServer) -> None:
    """The beginning of a line under TLS and its end in clear text are no command."""
    assert client.control is not None
    client.control.send(b"CCC\r\nDELE ")
    assert client.reply().code == "200"
    client.end_tls()
    client.play("NOOP=200")
    assert [record.verb for record in ftps_server.log.commands][-2:] == ["CCC", "NOOP"]


# 51. REIN, and bytes that have no meaning in TLS


@both_versions
def test_51_rein_ends_tls(client: FtpsClient, ftps_server: FtpServer) -> None:
    """The reply to REIN is inside TLS, which then ends both ways; no user is logged in, and no setting is kept."""
    client.play("CWD /d=250; REIN=220")
    assert client.control is None
    client.play("PWD=530; PBSZ 0=503; PROT P=503; CCC=533; USER user=331; PASS password=230; TYPE I=200")
    assert client.ask("PWD").text.startswith('"/"')
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
    client.play(
        "REIN=220; AUTH TLS=234; PROT P=503; PBSZ 0=200; PROT P=200; USER user=331; PASS password=230; TYPE I=200"
    )
    assert client.download("RETR /a.txt") == b"hello"
    client.play("CCC=200; REIN=220; PBSZ 0=503; AUTH TLS=234; REIN=220; QUIT=221")
    assert [record.encrypted for record in ftps_server.log.find("REIN")] == [True, False, False, True]
    assert len([event for event in ftps_server.log.events if isinstance(event, TlsEnded)]) == 3


def test_51_rein_in_clear_text(begin: Begin) -> None:
    """REIN without TLS stays in clear text."""
    client = begin().login()
    client.play("REIN=220; PWD=530; AUTH TLS=234; PWD=530")


@implicitly
@both_versions
def test_51_rein_with_implicit_tls(client: FtpsClient, ftps_server: FtpServer) -> None:
    """With implicit TLS, REIN does not end it; data connections are private again, and PBSZ is reset."""
    client.play("PROT C=200; REIN=220; PWD=530; PROT P=503; USER user=331; PASS password=230; TYPE I=200")
    assert client.download("RETR /a.txt") == b"hello"
    ftps_server.log.assert_encrypted()


@pytest.mark.ftp(tls="required")
@both_versions
def test_51_rein_where_tls_is_required(client: FtpsClient, ftps_server: FtpServer) -> None:
    """After REIN a login needs AUTH again."""
    client.play("REIN=220; USER user=530; AUTH TLS=234; USER user=331; PASS password=230; PBSZ 0=200; PROT P=200")
    client.play("TYPE I=200")
    assert client.download("RETR /a.txt") == b"hello"
    assert [record.argument for record in ftps_server.log.find("USER -> 530")] == ["user"]


@both_versions
def test_51_rein_during_a_transfer(client: FtpsClient) -> None:
    """A running transfer is finished first, still encrypted."""
    wire = client.transfer("RETR /m.bin")
    client.send("REIN")
    assert read_to_close_notify(wire) == MEGABYTE
    assert [client.reply().code for _ in range(2)] == ["226", "220"]
    client.end_tls()
    client.play("PWD=530")


@both_versions
def test_51_client_that_continues_after_rein(client: FtpsClient, ftps_server: FtpServer) -> None:
    """A client that does not end TLS after REIN loses its session."""
    assert client.control is not None
    client.send("REIN")
    assert client.reply().code == "220"
    assert client.control.receive() == b""
    client.sock.sendall(client.control.wrapped(b"USER user\r\n"))
    assert ended(ftps_server) == "no end of TLS"


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /big.bin", "STOR /up.bin"])
def test_51_abor_inside_tls(client: FtpsClient, ftps_server: FtpServer, verb: str, line: str) -> None:
    """ABOR is like any command, and aborts both directions: 426, 226; the next transfer is whole."""
    wire = client.transfer(line, verb)
    if line.startswith("STOR"):
        wire.send(b"half")
        ftps_server.log.wait_for(lambda event: isinstance(event, DataMoved))
    else:
        assert wire.receive()
    client.play("NOOP=200; ABOR=426")
    assert client.reply().code == "226"
    assert is_cut(wire)
    assert ftps_server.log.transfers[0].completed is False
    assert client.download("RETR /m.bin", verb) == MEGABYTE


@both_versions
def test_51_urgent_bytes(client: FtpsClient, ftps_server: FtpServer, begin: Begin) -> None:
    """Urgent data are no part of TLS: they end their session like any unencrypted byte, and no other one."""
    other = begin().enter()
    client.sock.send(b"!", socket.MSG_OOB)
    client.send("DELE /a.txt")
    assert ended(ftps_server) == "connection reset"
    assert ftps_server.log.find("DELE") == []
    other.play("NOOP=200")
    assert lives(ftps_server, begin)


# 52. Implicit TLS


@implicitly
@both_versions
def test_52_tls_first(begin: Begin, ftps_server: FtpServer) -> None:
    """The server sends nothing before the ClientHello; the greeting comes inside TLS."""
    client = begin()
    ftps_server.log.wait_for(lambda event: isinstance(event, Connected))
    assert ftps_server.log.commands == []
    client.encrypt_first()
    assert client.reply().code == "220"
    first = next(event for event in ftps_server.log.events if isinstance(event, TlsEstablished | ReplySent))
    assert isinstance(first, TlsEstablished)
    assert (first.where, first.command_seq) == ("control", 0)


@implicitly
@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
def test_52_data_is_private_at_first(begin: Begin, ftps_server: FtpServer, verb: str) -> None:
    """Without PBSZ and PROT data connections are encrypted."""
    client = begin().encrypt_first()
    assert client.reply().code == "220"
    client.play("USER user=331; PASS password=230; TYPE I=200")
    assert client.download("RETR /m.bin", verb) == MEGABYTE
    client.upload("STOR /up.bin", MEGABYTE, verb)
    ftps_server.log.assert_encrypted()


@implicitly
@both_versions
def test_52_pbsz_and_prot_are_honoured(begin: Begin) -> None:
    """PROT C makes data connections clear, PBSZ must come before it, and AUTH is a 503."""
    client = begin().encrypt_first()
    assert client.reply().code == "220"
    client.play("AUTH TLS=503; PROT C=503; PBSZ 0=200; PROT C=200; USER user=331; PASS password=230; TYPE I=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
    client.play("PROT P=200")
    assert client.download("RETR /a.txt") == b"hello"


@implicitly
@both_versions
def test_52_ccc(client: FtpsClient) -> None:
    """CCC is refused and not in FEAT: implicit TLS has no command to encrypt again."""
    assert " CCC" not in client.ask("FEAT").lines
    client.play("CCC=534; PWD=257; REIN=220; CCC=534; USER user=331; PASS password=230; TYPE I=200")
    assert client.download("RETR /a.txt") == b"hello"


@pytest.mark.ftp(tls="implicit", files=FILES, implicit_protection="C")
@both_versions
def test_52_data_that_are_clear_at_first(begin: Begin) -> None:
    """With implicit_protection="C" data are clear until PROT P, and again after REIN."""
    client = begin().encrypt_first()
    assert client.reply().code == "220"
    client.play("USER user=331; PASS password=230; TYPE I=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")
    client.play("PBSZ 0=200; PROT P=200")
    assert client.download("RETR /a.txt") == b"hello"
    client.play("REIN=220; USER user=331; PASS password=230; TYPE I=200")
    assert client.fetch("RETR /a.txt") == (["150", "226"], b"hello")


@pytest.mark.ftp(tls="implicit", files=FILES, implicit_protection="C", require_tls=["data"])
def test_52_data_that_must_be_encrypted(begin: Begin) -> None:
    """Clear at first, and refused until PROT P."""
    client = begin().encrypt_first()
    assert client.reply().code == "220"
    client.play("USER user=331; PASS password=230; TYPE I=200")
    client.play("EPSV=229; RETR /a.txt=521; PBSZ 0=200; PROT P=200")
    assert client.download("RETR /a.txt") == b"hello"


@implicitly
def test_52_client_in_clear_text(begin: Begin, ftps_server: FtpServer) -> None:
    """A client that sends clear text first gets no reply, and nothing that it sends is a command."""
    client = begin()
    client.send("USER user")
    assert first_bytes(client.sock)[:1] in (b"", b"\x15")
    failure(ftps_server)
    assert ftps_server.log.commands == []
    assert lives(ftps_server, begin)


@implicitly
@needs_ipv6
@pytest.mark.ftp(host="::1")
@both_versions
def test_52_over_ipv6(client: FtpsClient) -> None:
    """Implicit TLS over IPv6."""
    assert client.download("RETR /m.bin") == MEGABYTE


def test_52_both_kinds_side_by_side(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Implicit and explicit servers run side by side, on different ports, with URLs that distinguish them."""
    implicit, explicit = ftp_server_factory(tls="implicit"), ftp_server_factory(tls="explicit")
    assert implicit.port != explicit.port
    assert (implicit.url.partition(":")[0], explicit.url.partition(":")[0]) == ("ftps", "ftp")
    with FtpsClient(implicit.address) as first, FtpsClient(explicit.address) as second:
        first.encrypt_first().enter().upload("STOR /a", b"a")
        second.enter().upload("STOR /b", b"b")
    assert implicit.files == {"/a": b"a"}
    assert explicit.files == {"/b": b"b"}


# 53. Failed handshakes of the control connection


def first_bytes(sock: socket.socket) -> bytes:
    """The bytes before the end."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := sock.recv(1 << 16):
            received += piece
    return received


GARBAGE = {
    "commands": b"USER user\r\nPASS password\r\n",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(100),
    "record": b"\x16\x03\x01\x00\x05hello",
    "alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x05hello",
    "large": bytes(range(256)) * 4096,
}


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_53_garbage(ftp_server_factory: Callable[..., FtpServer], tls: str, data: bytes) -> None:
    """Bytes that are no ClientHello end the session with only an alert, and the server continues."""
    server = ftp_server_factory(tls=tls)
    with FtpsClient(server.address) as client:
        if tls == "explicit":
            auth(client)
        with suppress(OSError):
            client.sock.sendall(data)
        answer = first_bytes(client.sock)
    assert answer[:1] in (b"", b"\x15")
    assert failure(server).error
    assert ended(server) == "no TLS"
    assert server.log.find("USER") == []
    with FtpsClient(server.address) as client:
        if tls == "implicit":
            client.encrypt_first()
        client.enter().play("QUIT=221")


@pytest.mark.parametrize("size", [0, 1, 5, 6, 100])
def test_53_client_that_ends_within_the_handshake(begin: Begin, ftps_server: FtpServer, size: int) -> None:
    """A client that closes before or within its ClientHello ends its session only."""
    client = auth(begin())
    client.sock.sendall(Wire(client.sock, client.context).hello()[:size])
    client.sock.shutdown(socket.SHUT_WR)
    assert first_bytes(client.sock)[:1] in (b"", b"\x15")
    failure(ftps_server)
    assert lives(ftps_server, begin)


@both_versions
def test_53_client_that_refuses_the_certificate(begin: Begin, ftps_server: FtpServer, version: str) -> None:
    """A client that does not trust the certificate sends an alert, which the log has."""
    client = auth(begin())
    client.context = ssl.create_default_context()
    client.context.minimum_version = client.context.maximum_version = VERSIONS[version]
    wire = Wire(client.sock, client.context)
    with pytest.raises(ssl.SSLCertVerificationError):
        wire.do_handshake()
    client.sock.sendall(wire._goes.read())
    assert "UNKNOWN_CA" in failure(ftps_server).error.upper().replace(" ", "_")
    assert lives(ftps_server, begin)


@pytest.mark.ftp(tls="implicit", idle_timeout=60)
@pytest.mark.parametrize("size", [0, 1, 100])
def test_53_half_a_handshake_takes_no_longer_than_the_idle_limit(
    begin: Begin, ftps_server: FtpServer, size: int
) -> None:
    """A client that sends nothing, or only half a ClientHello, is closed after `idle_timeout`, without a reply."""
    client = begin()
    client.sock.sendall(Wire(client.sock, client.context).hello()[:size])
    ftps_server.log.wait_for(lambda event: isinstance(event, Connected))
    ftps_server.clock.move(60)
    assert first_bytes(client.sock) == b""
    assert failure(ftps_server).error == "TimeoutError"
    assert ended(ftps_server) == "no TLS"
    assert [event for event in ftps_server.log.events if isinstance(event, ReplySent)] == []


@pytest.mark.ftp(idle_timeout=60)
def test_53_no_handshake_after_auth(begin: Begin, ftps_server: FtpServer) -> None:
    """After AUTH TLS, too: 234 is the last clear text."""
    client = begin()
    client.send("AUTH TLS")
    assert [client.reply().code for _ in range(2)] == ["220", "234"]
    ftps_server.clock.move(60)
    assert first_bytes(client.sock) == b""
    assert failure(ftps_server).error == "TimeoutError"


@pytest.mark.parametrize("size", [0, 1, 100])
def test_53_stop_during_a_handshake(begin: Begin, ftps_server: FtpServer, size: int) -> None:
    """`stop` ends a session during its handshake, and sends no clear text; the log has no failure."""
    client = auth(begin())
    client.sock.sendall(Wire(client.sock, client.context).hello()[:size])
    ftps_server.stop()
    assert first_bytes(client.sock) == b""
    assert ended(ftps_server) == "shut down"
    assert [event.code for event in ftps_server.log.events if isinstance(event, ReplySent)] == ["220", "234"]


@both_versions
@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("line", ["RETR /big.bin", "STOR /up.bin"])
def test_53_stop_during_an_encrypted_transfer(client: FtpsClient, ftps_server: FtpServer, verb: str, line: str) -> None:
    """`stop` aborts a transfer so that it does not look whole, and sends 421 and close_notify on the control one."""
    wire = client.transfer(line, verb)
    if line.startswith("STOR"):
        wire.send(b"half")
        ftps_server.log.wait_for(lambda event: isinstance(event, DataMoved))
    ftps_server.stop()
    assert is_cut(wire)
    assert client.control is not None
    assert read_to_close_notify(client.control).startswith(b"421 ")
    assert ftps_server.log.transfers[0].completed is False


def test_53_stop_while_the_end_of_tls_is_waited_for(client: FtpsClient, ftps_server: FtpServer) -> None:
    """`stop` ends a session that waits for the client's close_notify."""
    assert client.control is not None
    client.send("CCC")
    assert client.reply().code == "200"
    assert client.control.receive() == b""
    ftps_server.stop()
    assert first_bytes(client.sock) == b""
    assert ended(ftps_server) == "shut down"
    assert [event.code for event in ftps_server.log.events if isinstance(event, ReplySent)][-1] == "200"
