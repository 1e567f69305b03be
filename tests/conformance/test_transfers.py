"""Data connections where naive servers go wrong: interruptions, guards, TYPE A, REST, empty transfers."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from ftpfixture.log.events import DataMoved, DataOpened, Event
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port
from tests.support.raw import RawClient, read_all

BIG = bytes(range(256)) * (1 << 15)  # 8 MiB: more than the buffers of both ends hold

needs_many_loopbacks = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def moved(content: int) -> Callable[[Event], bool]:
    """Whether an event has moved this many bytes over a data connection."""
    return lambda event: isinstance(event, DataMoved) and event.size == content


def has_ipv6() -> bool:
    """True when this machine has ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs ::1")


# 21. Clients that leave in the middle.


@pytest.mark.ftp(files={"/big.bin": BIG, "/small.txt": b"hello"})
@pytest.mark.parametrize("leave", [reset, socket.socket.close], ids=["RST", "FIN"])
def test_21_dropped_download_gets_426_and_the_session_lives(
    raw: RawClient, ftp_server: FtpServer, leave: Callable[[socket.socket], None]
) -> None:
    """A client that closes its data connection in a download gets 426, and may continue."""
    data = raw.passive()
    assert raw.code("RETR /big.bin") == "150"
    assert data.recv(1000)
    leave(data)

    assert raw.reply().code == "426"
    assert raw.fetch("RETR /small.txt") == (["150", "226"], b"hello")
    assert [transfer.completed for transfer in ftp_server.log.transfers] == [False, True]


@pytest.mark.ftp(files={"/big.bin": BIG})
def test_21_download_to_a_peer_that_has_closed_gets_426(raw: RawClient) -> None:
    """A download is aborted when the client closed the data connection with FIN before RETR."""
    raw.passive().close()

    assert raw.code("RETR /big.bin") == "150"
    assert raw.reply().code == "426"
    assert raw.code("NOOP") == "200"


@pytest.mark.ftp(files={"/big.bin": BIG})
def test_21_dropped_active_download_gets_426(raw: RawClient) -> None:
    """A data connection that the server made gets 426, too."""
    listener = raw.active()
    raw.send("RETR /big.bin")
    data, _ = listener.accept()
    assert raw.reply().code == "150"
    reset(data)

    assert raw.reply().code == "426"
    assert raw.code("NOOP") == "200"


def test_21_reset_upload_gets_426_and_the_session_lives(raw: RawClient, ftp_server: FtpServer) -> None:
    """An upload that ends with RST is no complete file: 426, not 226."""
    data = raw.passive()
    assert raw.code("STOR /up.bin") == "150"
    data.sendall(b"x" * 1000)
    ftp_server.log.wait_for(moved(1000))
    reset(data)

    assert raw.reply().code == "426"
    assert raw.store("STOR /whole.bin", b"whole") == ["150", "226"]
    assert ftp_server.files["/whole.bin"] == b"whole"
    assert ftp_server.log.transfers[0].completed is False


def test_21_upload_that_ends_with_fin_is_complete(raw: RawClient, ftp_server: FtpServer) -> None:
    """In MODE S the sender's FIN is the end of the file."""
    data = raw.passive()
    assert raw.code("STOR /up.bin") == "150"
    data.sendall(b"x" * 1000)
    data.shutdown(socket.SHUT_WR)

    assert raw.reply().code == "226"
    assert ftp_server.files["/up.bin"] == b"x" * 1000


# 22. Foreign peers.


@needs_many_loopbacks
@pytest.mark.ftp(files={"/secret.txt": b"secret"})
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_22_foreign_peer_is_dropped_and_the_listener_waits(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """A connection from another host than the client's gets no data, and the listener still waits."""
    reply = raw.ask(verb)
    port = parse_227(reply.text)[1] if verb == "PASV" else parse_229(reply.text)
    with socket.create_connection((ftp_server.host, port), 10, ("127.0.0.2", 0)) as thief:
        assert thief.recv(100) == b""

    with socket.create_connection((ftp_server.host, port), 10) as data:
        assert raw.code("RETR /secret.txt") == "150"
        assert read_all(data) == b"secret"
    assert raw.reply().code == "226"
    assert raw.code("NOOP") == "200"  # and no reply in between, such as a 425 for the thief


@needs_many_loopbacks
@pytest.mark.ftp(files={"/secret.txt": b"secret"})
def test_22_foreign_peer_does_not_answer_a_waiting_transfer(raw: RawClient, ftp_server: FtpServer) -> None:
    """A transfer that already waits for its data connection does not get the foreign one."""
    port = parse_229(raw.ask("EPSV").text)
    raw.send("RETR /secret.txt")
    with socket.create_connection((ftp_server.host, port), 10, ("127.0.0.2", 0)) as thief:
        assert thief.recv(100) == b""

    with socket.create_connection((ftp_server.host, port), 10) as data:
        assert raw.reply().code == "150"
        assert read_all(data) == b"secret"
    assert raw.reply().code == "226"


# 23. The guard of active mode.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PORT 192,0,2,1,200,10", "504"),
        ("PORT 127,0,0,2,200,10", "504"),
        ("PORT 0,0,0,0,200,10", "504"),
        ("PORT 127,0,0,1,3,255", "504"),
        ("PORT 127,0,0,1,0,25", "504"),
        ("PORT 127,0,0,1,0,0", "504"),
        ("PORT 127,0,0,1,256,1", "501"),
        ("PORT 127,0,0,1,4", "501"),
        ("PORT 127,0,0,1,4,1,1", "501"),
        ("PORT -127,0,0,1,4,1", "501"),
        ("PORT localhost,4,1", "501"),
        ("PORT", "501"),
        ("EPRT |1|192.0.2.1|51210|", "504"),
        ("EPRT |1|127.0.0.2|51210|", "504"),
        ("EPRT |1|127.0.0.1|1023|", "504"),
        ("EPRT |1|127.0.0.1|0|", "504"),
        ("EPRT |1|127.0.0.1|65536|", "501"),
        ("EPRT |1|127.0.0.1|-1|", "501"),
        ("EPRT |1|127.1|51210|", "501"),
        ("EPRT |1|localhost|51210|", "501"),
        ("EPRT |2|::1|51210|", "522"),
        ("EPRT |3|127.0.0.1|51210|", "522"),
    ],
)
def test_23_bounce_is_refused(raw: RawClient, line: str, code: str) -> None:
    """Addresses of others, system ports and malformed arguments are refused, and prepare nothing."""
    assert raw.code(line) == code
    assert raw.code("LIST") == "425"


@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
def test_23_own_address_is_accepted(raw: RawClient, verb: str) -> None:
    """PORT and EPRT accept the client's own address with a user port."""
    listener = raw.active(verb)
    raw.send("NLST")
    data, address = listener.accept()
    assert raw.reply().code == "150"
    assert read_all(data) == b""
    assert raw.reply().code == "226"
    assert address[0] == "127.0.0.1"


def test_23_refused_port_keeps_what_was_prepared(raw: RawClient) -> None:
    """A refused PORT changes nothing: the listener of the EPSV before it still waits."""
    data = raw.passive()
    assert raw.code("PORT 192,0,2,1,200,10") == "504"
    assert raw.code("NLST") == "150"
    assert read_all(data) == b""
    assert raw.reply().code == "226"


@pytest.mark.ftp(allow_privileged_ports=True)
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PORT 127,0,0,1,0,25", "200"),
        ("EPRT |1|127.0.0.1|1023|", "200"),
        ("EPRT |1|127.0.0.1|1|", "200"),
        ("PORT 127,0,0,1,0,0", "504"),
        ("EPRT |1|127.0.0.1|0|", "504"),
        ("PORT 127,0,0,2,0,25", "504"),
    ],
)
def test_23_privileged_ports_can_be_allowed(raw: RawClient, line: str, code: str) -> None:
    """Then all ports except 0 work; addresses of others are still refused."""
    assert raw.code(line) == code


@pytest.mark.ftp(allow_foreign_addresses=True)
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PORT 192,0,2,1,200,10", "200"),
        ("EPRT |1|127.0.0.2|51210|", "200"),
        ("PORT 127,0,0,2,3,255", "504"),
        ("EPRT |2|::1|51210|", "522"),
    ],
)
def test_23_foreign_addresses_can_be_allowed(raw: RawClient, line: str, code: str) -> None:
    """Then all addresses of the family work; privileged ports are still refused."""
    assert raw.code(line) == code


@needs_many_loopbacks
@pytest.mark.parametrize(("passive", "active"), [("PASV", "PORT"), ("EPSV", "EPRT")])
@pytest.mark.parametrize("source_listens", [True, False])
def test_23_files_go_from_server_to_server(
    ftp_server_factory: Callable[..., FtpServer], passive: str, active: str, source_listens: bool
) -> None:
    """FXP: the client lets one server listen and the other connect; the bytes do not pass the client."""
    content = bytes(range(256)) * 5000
    source = ftp_server_factory(host="127.0.0.2", files={"/a.bin": content}, allow_foreign_addresses=True)
    target = ftp_server_factory(host="127.0.0.3", files={}, allow_foreign_addresses=True)
    with RawClient(source.address) as sender, RawClient(target.address) as receiver:
        sender.login(), receiver.login()
        listening, server, connecting = (sender, source, receiver) if source_listens else (receiver, target, sender)
        reply = listening.ask(passive)
        port = parse_227(reply.text)[1] if passive == "PASV" else parse_229(reply.text)
        render = render_port if active == "PORT" else render_eprt
        assert connecting.code(f"{active} {render(server.host, port)}") == "200"
        receiver.send("STOR /b.bin")
        sender.send("RETR /a.bin")
        assert [client.reply().code for client in (sender, receiver) for _ in range(2)] == ["150", "226"] * 2
    assert target.files == {"/b.bin": content}


@needs_many_loopbacks
def test_23_no_server_takes_files_from_another_by_default(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """FXP with only one server that allows it: PORT is refused, and the passive port refuses the other server."""
    careful = ftp_server_factory(host="127.0.0.2", wait_future_timeout=0.2)
    lenient = ftp_server_factory(host="127.0.0.3", allow_foreign_addresses=True, files={"/a": b"a"})
    with RawClient(careful.address) as one, RawClient(lenient.address) as other:
        one.login(), other.login()
        port = parse_227(other.ask("PASV").text)[1]
        assert one.code(f"PORT {render_port(lenient.host, port)}") == "504"
        port = parse_227(one.ask("PASV").text)[1]
        assert other.code(f"PORT {render_port(careful.host, port)}") == "200"
        one.send("STOR /a")
        assert other.code("RETR /a") in ("150", "425")
        assert one.reply().code == "425"
    assert careful.files == {}


# 24. EPSV ALL.


@pytest.mark.parametrize("line", ["PORT 127,0,0,1,200,10", "EPRT |1|127.0.0.1|51210|", "PASV"])
def test_24_epsv_all_refuses_everything_else(raw: RawClient, line: str) -> None:
    """After EPSV ALL only EPSV makes data connections, and a new login does not change that."""
    assert raw.code("EPSV ALL") == "200"
    assert raw.code(line) == "503"
    assert raw.code("USER user") == "331"
    assert raw.code("PASS password") == "230"
    assert raw.code(line) == "503"
    assert raw.fetch("NLST") == (["150", "226"], b"")


@pytest.mark.parametrize("line", ["PORT 127,0,0,1,200,10", "EPRT |1|127.0.0.1|51210|", "PASV"])
def test_24_rein_clears_epsv_all(raw: RawClient, line: str) -> None:
    """Only REIN resets EPSV ALL."""
    assert raw.code("epsv all") == "200"
    assert raw.code("REIN") == "220"
    assert raw.code("USER user") == "331"
    assert raw.code("PASS password") == "230"
    assert raw.code(line) in ("200", "227")


# 25. What PASV names.


def test_25_pasv_names_the_local_address_of_the_control_connection(raw: RawClient) -> None:
    """227 has the address that the client is connected to."""
    reply = raw.ask("PASV")
    assert reply.code == "227"
    assert parse_227(reply.text)[0] == "127.0.0.1"


@needs_many_loopbacks
@pytest.mark.ftp(host="0.0.0.0", allow_remote=True)
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_25_pasv_never_names_the_wildcard(ftp_server: FtpServer, address: str) -> None:
    """A server on all addresses names the one address that this client is connected to."""
    with RawClient((address, ftp_server.port)) as client:
        client.login()
        assert parse_227(client.ask("PASV").text)[0] == address
        assert client.fetch("NLST", "PASV") == (["150", "226"], b"")


@pytest.mark.ftp(ipv4_pasv_forced_response_address="203.0.113.7", files={"/a.txt": b"hi"})
def test_25_forced_address_is_named_but_not_bound(raw: RawClient, ftp_server: FtpServer) -> None:
    """A forced address is only in the 227; the listener does not change, and neither does EPSV."""
    host, port = parse_227(raw.ask("PASV").text)
    assert host == "203.0.113.7"
    with socket.create_connection((ftp_server.host, port), 10) as data:
        assert raw.code("RETR /a.txt") == "150"
        assert read_all(data) == b"hi"
    assert raw.reply().code == "226"
    assert raw.fetch("RETR /a.txt", "EPSV") == (["150", "226"], b"hi")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.txt": b"hi"})
def test_25_pasv_makes_no_sense_over_ipv6(raw: RawClient) -> None:
    """On an IPv6 control connection PASV is 425, while EPSV and EPRT work."""
    assert raw.code("PASV") == "425"
    assert raw.code("PORT 127,0,0,1,200,10") == "504"
    assert raw.fetch("RETR /a.txt") == (["150", "226"], b"hi")
    listener = raw.active("EPRT")
    raw.send("RETR /a.txt")
    data, _ = listener.accept()
    assert raw.reply().code == "150"
    assert read_all(data) == b"hi"
    assert raw.reply().code == "226"


# 26. TYPE A.


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r", b"a\rb\r"),
        (b"\n\n", b"\r\n\r\n"),
        (b"no end", b"no end"),
        (b"", b""),
    ],
)
def test_26_ascii_download(raw: RawClient, ftp_server: FtpServer, stored: bytes, sent: bytes) -> None:
    """LF is sent as CRLF; CRLF and lone CR are sent unchanged."""
    ftp_server.files["/a.txt"] = stored
    assert raw.code("TYPE A") == "200"
    assert raw.fetch("RETR /a.txt") == (["150", "226"], sent)


@pytest.mark.ftp(block_size=3)
def test_26_ascii_download_in_any_pieces(raw: RawClient, ftp_server: FtpServer) -> None:
    """A line end that lies across two blocks of the file is still one line end."""
    ftp_server.files["/a.txt"] = b"12\r\n45\n\n8\r\n\r\r\n"
    assert raw.code("TYPE A") == "200"
    assert raw.fetch("RETR /a.txt")[1] == b"12\r\n45\r\n\r\n8\r\n\r\r\n"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\nb\n", b"a\nb\n"),
        (b"a\rb", b"a\rb"),
        (b"end\r", b"end\r"),
        (b"\r\r\n", b"\r\n"),
        (b"\r", b"\r"),
        (b"", b""),
    ],
)
def test_26_ascii_upload(raw: RawClient, ftp_server: FtpServer, sent: bytes, stored: bytes) -> None:
    """CRLF becomes LF; a lone CR stays, at the very end too."""
    assert raw.code("TYPE A N") == "200"
    assert raw.store("STOR /a.txt", sent) == ["150", "226"]
    assert ftp_server.files["/a.txt"] == stored


@pytest.mark.parametrize(
    ("pieces", "stored"),
    [
        ((b"ab\r", b"\ncd"), b"ab\ncd"),
        ((b"ab\r", b"cde"), b"ab\rcde"),
        ((b"ab\r", b"\r\n"), b"ab\r\n"),
    ],
)
def test_26_ascii_upload_with_torn_line_end(
    raw: RawClient, ftp_server: FtpServer, pieces: tuple[bytes, bytes], stored: bytes
) -> None:
    """CR and LF that arrive in two packets are one line end."""
    assert raw.code("TYPE A") == "200"
    data = raw.passive()
    assert raw.code("STOR /a.txt") == "150"
    first, second = pieces
    data.sendall(first)
    ftp_server.log.wait_for(moved(len(first)))
    data.sendall(second)
    data.close()

    assert raw.reply().code == "226"
    assert ftp_server.files["/a.txt"] == stored


@pytest.mark.parametrize("kind", ["A", "I", "L 8"])
@pytest.mark.parametrize("line", ["LIST", "NLST", "MLSD"])
@pytest.mark.ftp(files={"/one.txt": b"1", "/two.txt": b"2"})
def test_26_listings_are_crlf_in_every_type(raw: RawClient, kind: str, line: str) -> None:
    """Every line of a listing ends with exactly one CRLF, in any TYPE."""
    assert raw.code(f"TYPE {kind}") == "200"
    codes, data = raw.fetch(line)
    assert codes == ["150", "226"]
    lines = data.split(b"\r\n")
    assert lines.pop() == b""
    assert [text.rpartition(b" ")[2] for text in lines[-2:]] == [b"one.txt", b"two.txt"]
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)


@pytest.mark.ftp(files={"/a.txt": b"a\nb\n"})
def test_26_size_is_the_stored_size(raw: RawClient) -> None:
    """SIZE is the stored size in both types, as with vsftpd and Pure-FTPd, also where line ends change the length."""
    assert raw.ask("SIZE /a.txt").text == "4"
    assert raw.code("TYPE A") == "200"
    assert raw.ask("SIZE /a.txt").text == "4"
    assert raw.fetch("RETR /a.txt")[1] == b"a\r\nb\r\n"


@pytest.mark.ftp(files={"/a.txt": b"a\nb\n"}, refuse_size_in_ascii=True)
def test_26_size_can_be_for_type_i_only(raw: RawClient) -> None:
    """If SIZE must be exact, it is 550 where line ends change the length, as with ProFTPD and pyftpdlib."""
    assert raw.ask("SIZE /a.txt").text == "4"
    assert raw.code("TYPE A") == "200"
    assert raw.code("SIZE /a.txt") == "550"
    assert raw.code("TYPE I") == "200"
    assert raw.ask("SIZE /a.txt").text == "4"


@pytest.mark.ftp(files={"/a.txt": b"a\nb\n"})
def test_26_rest_is_for_type_i_only(raw: RawClient) -> None:
    """REST counts bytes of the wire, which cannot be mapped back in TYPE A; beginning at 0 means nothing."""
    assert raw.code("TYPE A") == "200"
    assert raw.code("REST 2") == "501"
    assert raw.code("REST 0") == "350"
    assert raw.fetch("RETR /a.txt")[1] == b"a\r\nb\r\n"


@pytest.mark.ftp(files={"/a.txt": b"a\nb\n"})
def test_26_rest_does_not_reach_type_a_on_a_detour(raw: RawClient) -> None:
    """A restart point that was set in TYPE I is not silently used, or ignored, in TYPE A."""
    assert raw.code("REST 2") == "350"
    assert raw.code("TYPE A") == "200"
    assert raw.fetch("RETR /a.txt") == (["554"], b"")
    assert raw.fetch("RETR /a.txt")[1] == b"a\r\nb\r\n"


def test_26_type_a_is_the_default(connect: Callable[[], RawClient], ftp_server: FtpServer) -> None:
    """A client that sends no TYPE gets TYPE A."""
    ftp_server.files["/a.txt"] = b"a\n"
    client = connect()
    codes = [client.reply().code, client.code("USER user"), client.code("PASS password")]
    assert codes == ["220", "331", "230"]
    assert client.fetch("RETR /a.txt")[1] == b"a\r\n"
    assert ftp_server.log.transfers[0].transfer_type == "A"


# 27. REST with uploads.


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize("verb", ["STOR", "APPE"])
@pytest.mark.parametrize(
    ("offset", "sent", "stored"),
    [
        (5, b"X", b"01234X6789"),
        (5, b"ABCDEFGH", b"01234ABCDEFGH"),
        (10, b"X", b"0123456789X"),
        (1, b"", b"0123456789"),
    ],
)
def test_27_rest_keeps_what_is_before_and_behind(
    raw: RawClient, ftp_server: FtpServer, verb: str, offset: int, sent: bytes, stored: bytes
) -> None:
    """After REST, STOR and APPE write at that place; an old tail that is not overwritten stays."""
    assert raw.code(f"REST {offset}") == "350"
    assert raw.store(f"{verb} /f", sent) == ["150", "226"]
    assert ftp_server.files["/f"] == stored
    assert ftp_server.log.transfers[0].offset == offset


@pytest.mark.ftp(files={"/f": b"0123456789"})
def test_27_without_rest_stor_truncates_and_appe_appends(raw: RawClient, ftp_server: FtpServer) -> None:
    """REST 0 is the same as none: STOR truncates, APPE appends."""
    assert raw.code("REST 0") == "350"
    assert raw.store("APPE /f", b"a") == ["150", "226"]
    assert ftp_server.files["/f"] == b"0123456789a"
    assert raw.code("REST 0") == "350"
    assert raw.store("STOR /f", b"b") == ["150", "226"]
    assert ftp_server.files["/f"] == b"b"


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize("line", ["RETR /f", "STOR /f", "APPE /f", "STOR /new", "APPE /new"])
def test_27_rest_beyond_the_end_fails_at_the_transfer(raw: RawClient, ftp_server: FtpServer, line: str) -> None:
    """REST itself is 350; the transfer is 554 without a preliminary reply, and nothing is changed or made."""
    assert raw.code("REST 11") == "350"
    assert raw.store(line, b"X") == ["554"]
    assert ftp_server.files == {"/f": b"0123456789"}


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize(("offset", "expected"), [(0, b"0123456789"), (1, b"123456789"), (9, b"9"), (10, b"")])
def test_27_rest_with_retr(raw: RawClient, offset: int, expected: bytes) -> None:
    """RETR begins at the restart point, which may be the end itself; the 150 has the remaining size."""
    assert raw.code(f"REST {offset}") == "350"
    data = raw.passive()
    preliminary = raw.ask("RETR /f")
    assert preliminary.code == "150"
    assert f"({len(expected)} bytes)" in preliminary.text
    assert read_all(data) == expected
    assert raw.reply().code == "226"


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize("argument", ["", "x", "-1", "1.5", "0x10", "1 2", "\uff19", "9" * 30])
def test_27_malformed_rest_is_501_and_leaves_no_offset(raw: RawClient, argument: str) -> None:
    """REST accepts only ASCII digits."""
    assert raw.code(f"REST {argument}") == "501"
    assert raw.fetch("RETR /f")[1] == b"0123456789"


# 28. REST applies once.


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize(
    "between", [["PASV"], ["EPSV"], ["TYPE I"], ["TYPE A", "TYPE I"], ["NOOP"], ["CWD /"], ["SIZE /f"], ["MODE S"]]
)
def test_28_rest_survives_preparations(raw: RawClient, between: list[str]) -> None:
    """Commands between REST and the transfer do not reset the offset."""
    assert raw.code("REST 7") == "350"
    for line in between:
        assert raw.code(line)[0] == "2"
    assert raw.fetch("RETR /f") == (["150", "226"], b"789")


@pytest.mark.ftp(files={"/f": b"0123456789"})
def test_28_rest_applies_to_one_transfer(raw: RawClient) -> None:
    """The second transfer begins at the start."""
    assert raw.code("REST 7") == "350"
    assert raw.fetch("RETR /f")[1] == b"789"
    assert raw.fetch("RETR /f")[1] == b"0123456789"


@pytest.mark.ftp(files={"/f": b"0123456789"})
def test_28_newest_rest_counts(raw: RawClient) -> None:
    """A second REST replaces the first."""
    assert raw.code("REST 7") == "350"
    assert raw.code("REST 8") == "350"
    assert raw.fetch("RETR /f")[1] == b"89"


@pytest.mark.ftp(files={"/f": b"0123456789", "/d/": None})
@pytest.mark.parametrize("line", ["RETR /missing", "RETR /d", "STOR /d", "STOR /no/dir", "APPE", "RETR"])
def test_28_refused_transfer_uses_rest_up(raw: RawClient, ftp_server: FtpServer, line: str) -> None:
    """A refused transfer resets the offset, so that the next one does not begin in the middle."""
    assert raw.code("REST 7") == "350"
    codes, _ = raw.fetch(line)
    assert len(codes) == 1
    assert codes[0][0] == "5"
    assert raw.fetch("RETR /f")[1] == b"0123456789"


@pytest.mark.ftp(files={"/f": b"0123456789"})
def test_28_transfer_without_data_connection_uses_rest_up(raw: RawClient) -> None:
    """A 425 resets the offset, too."""
    assert raw.code("REST 7") == "350"
    assert raw.code("RETR /f") == "425"
    assert raw.fetch("RETR /f")[1] == b"0123456789"


@pytest.mark.ftp(files={"/f": b"0123456789"})
def test_28_listing_uses_rest_up_and_is_whole(raw: RawClient) -> None:
    """A listing is a transfer: REST does not shorten it, and the next RETR is whole."""
    assert raw.code("REST 7") == "350"
    assert raw.fetch("NLST") == (["150", "226"], b"f\r\n")
    assert raw.fetch("RETR /f")[1] == b"0123456789"


@pytest.mark.ftp(files={"/f": BIG})
def test_28_interrupted_transfer_uses_rest_up(raw: RawClient) -> None:
    """An interrupted transfer resets the offset."""
    assert raw.code("REST 7") == "350"
    data = raw.passive()
    assert raw.code("RETR /f") == "150"
    reset(data)
    assert raw.reply().code == "426"
    assert raw.fetch("RETR /f")[1] == BIG


# 29. MODE Z.


@pytest.mark.ftp(files={"/f": b"0123456789"})
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MODE B", "504"),
        ("MODE C", "504"),
        ("MODE X", "501"),
        ("MODE", "501"),
        ("MODE S", "200"),
        ("mode s", "200"),
        ("STRU R", "504"),
        ("STRU P", "504"),
        ("STRU Z", "501"),
        ("STRU F", "200"),
    ],
)
def test_29_modes_that_are_not_offered(raw: RawClient, line: str, code: str) -> None:
    """Modes and structures that are not offered are 504, unknown ones 501, and files are transferred as before."""
    assert raw.code(line) == code
    assert raw.fetch("RETR /f") == (["150", "226"], b"0123456789")


# 30. Empty transfers.


@pytest.mark.ftp(files={"/empty.txt": b"", "/d/": None})
@pytest.mark.parametrize("line", ["RETR /empty.txt", "LIST /d", "NLST /d"])
@pytest.mark.parametrize("kind", ["A", "I"])
def test_30_empty_download_opens_and_closes_the_data_connection(
    raw: RawClient, ftp_server: FtpServer, line: str, kind: str
) -> None:
    """An empty download is a transfer: 150, end of file, 226."""
    assert raw.code(f"TYPE {kind}") == "200"
    data = raw.passive()
    assert raw.code(line) == "150"
    assert read_all(data) == b""
    assert raw.reply().code == "226"
    transfer = ftp_server.log.transfers[0]
    assert (transfer.size, transfer.completed) == (0, True)


@pytest.mark.ftp(files={"/old.txt": b"old"})
@pytest.mark.parametrize(
    ("line", "path", "stored"),
    [("STOR /new.txt", "/new.txt", b""), ("STOR /old.txt", "/old.txt", b""), ("APPE /old.txt", "/old.txt", b"old")],
)
@pytest.mark.parametrize("kind", ["A", "I"])
def test_30_empty_upload(raw: RawClient, ftp_server: FtpServer, line: str, path: str, stored: bytes, kind: str) -> None:
    """An upload of nothing makes or empties the file; APPE of nothing leaves it."""
    assert raw.code(f"TYPE {kind}") == "200"
    assert raw.store(line, b"") == ["150", "226"]
    assert ftp_server.files[path] == stored


@pytest.mark.ftp(files={"/empty.txt": b""})
def test_30_empty_active_download(raw: RawClient, ftp_server: FtpServer) -> None:
    """In active mode the server connects, sends nothing and closes."""
    listener = raw.active("PORT")
    raw.send("RETR /empty.txt")
    data, _ = listener.accept()
    assert raw.reply().code == "150"
    assert read_all(data) == b""
    assert raw.reply().code == "226"
    opened = [event for event in ftp_server.log.events if isinstance(event, DataOpened)]
    assert [event.mode for event in opened] == ["active"]
