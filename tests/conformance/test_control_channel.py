"""The control connection where naive servers go wrong; the number in a name is that of the subtlety (1 to 14)."""

from __future__ import annotations

import ftplib
import socket
import sys
import time
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, Server
from ftpfixture.log.events import Disconnected, Event
from ftpfixture.log.records import CommandRecord
from ftpfixture.wire.pathname import parse_257
from tests.support.raw import RawClient, read_all

Connect = Callable[[], RawClient]

BIG = bytes(32 << 20)  # more than the buffers of two sockets ever take, so that an unread transfer stalls
EVERYTHING = {"/a.txt": b"hello", "/dir/inner.txt": b"inner"}

# Verbs that are known, or may become so, and that need no login; real servers agree on nearly all of them.
FOR_ANYBODY = "USER PASS ACCT REIN QUIT HOST LANG CLNT CSID AUTH PBSZ PROT CCC FEAT OPTS SYST STAT HELP NOOP"
NO_COMMANDS = ["START", "CLOSE", "GREETING", "RUN", "GET_PATHS", "__INIT__", "RELEASE", "RESET"]


def settle(other: RawClient) -> None:
    """Return when the server has read all that was sent before on any connection: after two rounds of its loop."""
    for _ in range(2):
        assert other.code("NOOP") == "200"


def begin_upload(raw: RawClient, line: str = "STOR /up.bin") -> socket.socket:
    """Begin an upload; it runs until the data socket is closed."""
    data = raw.passive()
    assert raw.code(line) == "150"
    return data


def handled(server: FtpServer, session: int | None = None) -> list[str]:
    """The commands that the server has begun to handle."""
    return [str(record).partition(" -> ")[0] for record in server.log.commands if session in (None, record.session)]


def moved(server: FtpServer, data: int) -> Callable[[Event], bool]:
    """A condition of events: the first transfer has moved this many bytes."""
    return lambda _: any(record.size >= data for record in server.log.transfers[:1])


def last(server: FtpServer) -> CommandRecord:
    """The newest command."""
    return server.log.commands[-1]


# 1. Telnet


@pytest.mark.parametrize(
    "line",
    [
        b"NO\xff\xf1OP",
        b"\xff\xf1NOOP",
        b"NOOP\xff\xf9",
        b"\xff\xfb\x01NOOP",
        b"\xff\xfc\x18\xff\xfd\x03\xff\xfe\x05NOOP",
        b"N\xff\xfd\x03O\xff\xf2O\xff\xf4P",
        b"NOOP \xff\xfb\x01",
    ],
)
def test_01_telnet_commands_are_stripped_anywhere(raw: RawClient, ftp_server: FtpServer, line: bytes) -> None:
    """Telnet commands and options vanish before, in the middle of, and behind a verb."""
    assert raw.code(line) == "200"
    assert (last(ftp_server).verb, last(ftp_server).argument) == ("NOOP", "")


def test_01_telnet_options_are_not_negotiated(raw: RawClient) -> None:
    """The server sends no byte for an offer to negotiate, only the reply (RFC 1123 4.1.2.12)."""
    raw.sock.sendall(b"\xff\xfd\x01\xff\xfb\x03NOOP\r\n\xff\xfd\x06SYST\r\n")
    data = b""
    while data.count(b"\r\n") < 2:
        data += raw.sock.recv(1024)
    assert data.startswith(b"200 ")
    assert b"\xff" not in data
    assert data.endswith(b"\r\n215 UNIX Type: L8\r\n")


def test_01_telnet_command_may_arrive_in_two_packets(raw: RawClient, connect: Connect) -> None:
    """An IAC at the end of one packet belongs to the next byte."""
    other = connect().login()
    for piece in (b"NO\xff", b"\xf1O\xff\xfb", b"\x01P"):
        raw.sock.sendall(piece)
        settle(other)
    assert raw.code(b"") == "200"


def test_01_doubled_iac_is_one_byte_of_a_name(raw: RawClient, ftp_server: FtpServer) -> None:
    """IAC IAC inside a path is the byte 255, on the way in and back."""
    assert raw.store(b"STOR /a\xff\xffb", b"data") == ["150", "226"]
    assert list(ftp_server.files) == ["/a\udcffb"]
    assert raw.fetch("NLST /") == (["150", "226"], b"/a\xffb\r\n")
    assert raw.fetch(b"RETR /a\xff\xffb") == (["150", "226"], b"data")


def test_01_interrupt_and_data_mark_before_abor(raw: RawClient) -> None:
    """IAC IP IAC DM before ABOR change nothing, idle or in a transfer."""
    assert raw.code(b"\xff\xf4\xff\xf2ABOR") == "226"
    begin_upload(raw)
    assert raw.code(b"\xff\xf4\xff\xf2ABOR") == "426"
    assert raw.reply().code == "226"
    assert raw.code("NOOP") == "200"


# 2. Urgent data


@pytest.mark.ftp(files={"/big.bin": BIG})
def test_02_ftplib_abort_stops_a_running_download(ftp_server: FtpServer) -> None:
    """`ftplib.FTP.abort`, all of it urgent data, gets 426 and 226, and the session continues."""
    with ftplib.FTP() as client:
        client.connect(ftp_server.host, ftp_server.port, 10)
        client.login(*ftp_server.credentials)
        client.voidcmd("TYPE I")
        with client.transfercmd("RETR /big.bin") as data:
            assert data.recv(1000)
            assert client.abort()[:3] == "426"
            assert client.getresp()[:3] == "226"
        assert client.pwd() == "/"
        assert client.size("/big.bin") == len(BIG)
    ftp_server.log.assert_sequence("RETR /big.bin -> 426", "ABOR -> 226", "PWD -> 257")
    assert ftp_server.log.transfers[0].size < len(BIG)


def test_02_ftplib_abort_does_no_harm_when_idle(ftp_server: FtpServer) -> None:
    """Without a transfer, the urgent ABOR gets one 226."""
    with ftplib.FTP() as client:
        client.connect(ftp_server.host, ftp_server.port, 10)
        client.login(*ftp_server.credentials)
        assert client.abort()[:3] == "226"
        assert client.pwd() == "/"


def test_02_urgent_data_mark_of_bsd_clients(raw: RawClient) -> None:
    """IAC IP IAC sent as urgent data, then DM ABOR in line, abort a transfer."""
    begin_upload(raw)
    raw.sock.send(b"\xff\xf4\xff", socket.MSG_OOB)
    assert raw.code(b"\xf2ABOR") == "426"
    assert raw.reply().code == "226"
    assert raw.code("NOOP") == "200"


def test_02_urgent_data_mark_alone(raw: RawClient) -> None:
    """A data mark that is the urgent byte is dropped like any other Telnet command."""
    raw.sock.sendall(b"NO\xff")
    raw.sock.send(b"\xf2", socket.MSG_OOB)
    assert raw.code(b"OP") == "200"


# 3. Line ends


def test_03_line_feed_alone_ends_a_line(raw: RawClient) -> None:
    """LF and CRLF end lines, in any mixture."""
    raw.sock.sendall(b"NOOP\nPWD\r\nSYST\n")
    assert [raw.reply().code for _ in range(3)] == ["200", "257", "215"]


def test_03_line_may_be_split_between_cr_and_lf(raw: RawClient, connect: Connect, ftp_server: FtpServer) -> None:
    """CR in one packet and LF in the next end one line, once."""
    other = connect().login()
    raw.sock.sendall(b"MKD /made\r")
    settle(other)
    assert "MKD /made" not in handled(ftp_server)
    raw.sock.sendall(b"\nPWD\r\n")
    assert [raw.reply().code for _ in range(2)] == ["257", "257"]
    assert ftp_server.files.directories == ["/made"]


def test_03_line_may_come_byte_by_byte(raw: RawClient, connect: Connect) -> None:
    """Packets of one byte make the same line."""
    other = connect().login()
    raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"SYST\r\n":
        raw.sock.sendall(bytes([byte]))
        settle(other)
    assert raw.reply().code == "215"


def test_03_cr_nul_is_a_carriage_return_in_a_name(raw: RawClient, ftp_server: FtpServer) -> None:
    """CR NUL stands for CR, in commands and in replies (RFC 2640 3.1)."""
    raw.sock.sendall(b"MKD /a\r\0b\r\n")
    data = raw.sock.recv(1024)
    assert data.startswith(b'257 "/a\r\0b"')
    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == 1
    assert ftp_server.files.directories == ["/a\rb"]


def test_03_cr_nul_lf_does_not_end_a_line(raw: RawClient, ftp_server: FtpServer) -> None:
    """LF behind CR NUL belongs to the name, and no reply line is broken by it."""
    assert raw.store(b"STOR /a\r\0\nb", b"x") == ["150", "226"]
    assert list(ftp_server.files) == ["/a\r\nb"]
    assert raw.fetch("NLST /")[1] == b""
    assert raw.code("NOOP") == "200"


# 4. One space


@pytest.mark.parametrize("name", [" leading", "   three", "double  space", "trailing ", "trailing   ", " ", "a b"])
def test_04_spaces_are_part_of_the_name(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """Exactly one space is removed; all others stay in STOR, SIZE, NLST, RETR, RNFR and DELE."""
    assert raw.store(f"STOR {name}", b"data") == ["150", "226"]
    assert ftp_server.files == {f"/{name}": b"data"}
    assert raw.ask(f"SIZE {name}").text == "4"
    assert raw.fetch("NLST") == (["150", "226"], f"{name}\r\n".encode())
    assert raw.fetch(f"RETR {name}") == (["150", "226"], b"data")
    assert raw.code(f"RNFR {name}") == "350"
    assert raw.code("RNTO plain") == "250"
    assert raw.code("RNFR plain") == "350"
    assert raw.code(f"RNTO {name}") == "250"
    assert ftp_server.files == {f"/{name}": b"data"}
    assert raw.code(f"DELE {name}") == "250"
    assert ftp_server.files == {}


@pytest.mark.parametrize("name", [" leading", "double  space", "trailing "])
def test_04_spaces_are_part_of_a_directory_name(raw: RawClient, name: str) -> None:
    """MKD, CWD, PWD and RMD keep every space."""
    assert parse_257(raw.ask(f"MKD {name}").text) == f"/{name}"
    assert raw.code(f"CWD {name}") == "250"
    assert parse_257(raw.ask("PWD").text) == f"/{name}"
    assert raw.code("CDUP") == "250"
    assert raw.code(f"RMD {name}") == "250"


# 5. Long lines


@pytest.mark.parametrize("length", [9_000, 100_000, 1_000_000])
def test_05_too_long_line_gets_one_500(raw: RawClient, ftp_server: FtpServer, length: int) -> None:
    """A line that is too long gets one 500, no part of it is a command, and the next line is in sync."""
    text = b"NOOP " * (length // 5)
    raw.sock.sendall(b"STOR " + text + b"\r\nSYST\r\n")
    assert [raw.reply().code for _ in range(2)] == ["500", "215"]
    assert raw.code("PWD") == "257"
    assert handled(ftp_server)[-2:] == ["SYST", "PWD"]
    ftp_server.log.assert_not_sent("NOOP")


@pytest.mark.ftp(files={"/" + "/".join(["d" * 200] * 20): b"deep"})
def test_05_path_of_4_kb_works(raw: RawClient, ftp_server: FtpServer) -> None:
    """A path of more than four thousand bytes is no line that is too long."""
    (path,) = ftp_server.files
    assert len(path) > 4000
    assert raw.fetch(f"RETR {path}") == (["150", "226"], b"deep")


# 6. Pipelining


def test_06_pipelined_commands_are_answered_in_order(raw: RawClient) -> None:
    """Three hundred commands in one packet get three hundred replies in their order."""
    verbs = {"NOOP": "200", "PWD": "257", "SYST": "215", "RETR": "501", "DELE /none": "550", "XYZZY": "502"}
    lines = [*verbs] * 50
    raw.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())
    assert [raw.reply().code for _ in lines] == [verbs[line] for line in lines]


def test_06_pipelined_login(connect: Connect) -> None:
    """A login whose three lines arrive in one packet works."""
    client = connect()
    client.sock.sendall(b"USER user\r\nPASS password\r\nPWD\r\n")
    assert [client.reply().code for _ in range(4)] == ["220", "331", "230", "257"]


def test_06_size_behind_stor_waits_for_the_upload(raw: RawClient) -> None:
    """STOR and SIZE in one packet: SIZE gets its reply after the 226, with the size of the stored file."""
    data = raw.passive()
    raw.sock.sendall(b"STOR /new.bin\r\nSIZE /new.bin\r\n")
    assert raw.reply().code == "150"
    data.sendall(b"seven!!")
    data.close()
    assert raw.reply().code == "226"
    assert raw.reply().text == "7"


@pytest.mark.ftp(files=EVERYTHING)
def test_06_commands_in_a_transfer_wait_in_order(raw: RawClient, connect: Connect, ftp_server: FtpServer) -> None:
    """Commands during a transfer are not begun before its final reply, and then run in order."""
    other = connect().login()
    data = begin_upload(raw)
    raw.sock.sendall(b"DELE /a.txt\r\nCWD /dir\r\nPWD\r\n")
    settle(other)
    assert handled(ftp_server, 1)[-1] == "STOR /up.bin"
    assert "/a.txt" in ftp_server.files
    data.close()
    replies = [raw.reply() for _ in range(4)]
    assert [reply.code for reply in replies] == ["226", "250", "250", "257"]
    assert parse_257(replies[3].text) == "/dir"


def test_06_noop_and_stat_in_a_transfer_are_answered_at_once(raw: RawClient, ftp_server: FtpServer) -> None:
    """NOOP and STAT get their replies while the transfer runs, again and again."""
    data = begin_upload(raw)
    assert [raw.code(line) for line in ("NOOP", "STAT", "NOOP", "noop")] == ["200", "211", "200", "200"]
    assert ftp_server.log.find("STOR")[0].code == ""
    data.sendall(b"late")
    data.close()
    assert raw.reply().code == "226"
    assert ftp_server.files == {"/up.bin": b"late"}


def test_06_abor_overtakes_commands_that_wait(raw: RawClient) -> None:
    """ABOR stops the transfer although other commands came before it; these get their replies afterwards."""
    begin_upload(raw)
    raw.sock.sendall(b"PWD\r\nSYST\r\nABOR\r\n")
    assert [raw.reply().code for _ in range(4)] == ["426", "226", "257", "215"]


def test_06_second_transfer_waits_for_the_first(raw: RawClient, ftp_server: FtpServer) -> None:
    """Two uploads in one packet, with an EPSV between, run one after the other."""
    first = raw.passive()
    raw.sock.sendall(b"STOR /1\r\nEPSV\r\n")
    assert raw.reply().code == "150"
    first.sendall(b"one")
    first.close()
    assert [raw.reply().code for _ in range(2)] == ["226", "229"]
    assert raw.store("STOR /2", b"two") == ["150", "226"]
    assert ftp_server.files == {"/1": b"one", "/2": b"two"}


# 7. STAT in a transfer


def test_07_stat_in_an_upload_counts_bytes(raw: RawClient, ftp_server: FtpServer) -> None:
    """STAT in an upload returns its path and the number of bytes so far."""
    data = begin_upload(raw)
    data.sendall(bytes(1000))
    ftp_server.log.wait_for(moved(ftp_server, 1000))
    text = raw.ask("STAT").text
    assert "/up.bin" in text
    assert "1000 bytes" in text
    data.sendall(bytes(234))
    ftp_server.log.wait_for(moved(ftp_server, 1234))
    assert "1234 bytes" in raw.ask("STAT").text
    data.close()
    assert raw.reply().code == "226"
    assert "bytes" not in raw.ask("STAT").text


@pytest.mark.ftp(files={"/big.bin": BIG})
def test_07_stat_in_a_download_counts_bytes(raw: RawClient, ftp_server: FtpServer) -> None:
    """STAT in a download that the client does not read returns a number between nothing and all."""
    data = raw.passive()
    assert raw.code("RETR /big.bin") == "150"
    ftp_server.log.wait_for(moved(ftp_server, 1))
    words = next(line for line in raw.ask("STAT").lines if "/big.bin" in line).split()
    assert 0 < int(words[words.index("bytes") - 1]) < len(BIG)
    assert len(read_all(data)) == len(BIG)
    assert raw.reply().code == "226"


@pytest.mark.ftp(wait_future_timeout=30, files=EVERYTHING)
def test_07_stat_before_the_data_connection(raw: RawClient) -> None:
    """The reply to STAT comes after the 150 of the transfer before it, as with servers of one process."""
    port = raw.ask("EPSV").text.split("|")[3]
    raw.send("STOR /up.bin")
    raw.send("STAT")
    data = socket.create_connection((raw.sock.getpeername()[0], int(port)), 10)
    assert raw.reply().code == "150"
    reply = raw.reply()
    assert reply.code == "211"
    assert "Transfer running: upload of /up.bin" in reply.text
    data.close()
    assert raw.reply().code == "226"


# 8. QUIT in a transfer


def test_08_quit_in_an_upload_lets_it_finish(raw: RawClient, ftp_server: FtpServer) -> None:
    """QUIT in an upload: 221, then all bytes, 226, and only then the end."""
    data = begin_upload(raw)
    data.sendall(b"before ")
    assert raw.code("QUIT") == "221"
    data.sendall(b"and after")
    data.close()
    assert raw.reply().code == "226"
    assert raw.is_closed()
    assert ftp_server.files == {"/up.bin": b"before and after"}
    assert ftp_server.log.sessions[0].reason == "quit"


@pytest.mark.ftp(files={"/big.bin": BIG})
def test_08_quit_in_a_download_lets_it_finish(raw: RawClient) -> None:
    """QUIT in a download: every byte still comes."""
    data = raw.passive()
    assert raw.code("RETR /big.bin") == "150"
    assert raw.code("QUIT") == "221"
    assert len(read_all(data)) == len(BIG)
    assert raw.reply().code == "226"
    assert raw.is_closed()


@pytest.mark.ftp(files=EVERYTHING)
def test_08_nothing_is_done_after_quit(raw: RawClient, ftp_server: FtpServer) -> None:
    """Commands after QUIT in the same packet are not handled."""
    raw.sock.sendall(b"QUIT\r\nDELE /a.txt\r\nNOOP\r\n")
    assert raw.reply().code == "221"
    assert raw.is_closed()
    ftp_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
    ftp_server.log.assert_not_sent("DELE")
    assert "/a.txt" in ftp_server.files


# 9. Empty lines and case


@pytest.mark.parametrize("line", [b"", b" ", b"   "])
def test_09_empty_line_is_no_hang(raw: RawClient, line: bytes) -> None:
    """An empty line gets one 500, and the session continues."""
    raw.sock.sendall(line + b"\r\n" + b"SYST\r\n")
    assert [raw.reply().code for _ in range(2)] == ["500", "215"]


@pytest.mark.parametrize("verb", ["noop", "NOOP", "nOOp", "Noop"])
def test_09_verbs_have_no_case(raw: RawClient, verb: str) -> None:
    """A verb may be written in any case."""
    assert raw.code(verb) == "200"


def test_09_arguments_keep_their_case(raw: RawClient, ftp_server: FtpServer) -> None:
    """The argument is unchanged, in any case of the verb."""
    assert raw.store("stor MiXeD.Txt", b"x") == ["150", "226"]
    assert list(ftp_server.files) == ["/MiXeD.Txt"]
    assert raw.code("size mixed.txt") == "550"
    assert raw.code("SiZe MiXeD.Txt") == "213"


def test_09_verb_in_other_letters_is_not_taken_for_another(raw: RawClient) -> None:
    """Letters whose upper case is ASCII make no known verb: a dotless i is no I."""
    assert raw.code("L\u0131st") == "500"
    assert raw.code("\u017fyst") == "500"


# 10. Time


@pytest.mark.ftp(idle_timeout=0.3)
def test_10_idle_session_gets_421(raw: RawClient, ftp_server: FtpServer) -> None:
    """A session without a command for too long gets 421 and is closed."""
    assert raw.reply().code == "421"
    assert raw.is_closed()
    ftp_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")
    assert ftp_server.log.sessions[0].reason == "idle"


@pytest.mark.ftp(idle_timeout=0.2)
def test_10_idle_before_login_gets_421(connect: Connect) -> None:
    """A client that never sends anything gets 421, too."""
    client = connect()
    assert [client.reply().code for _ in range(2)] == ["220", "421"]
    assert client.is_closed()


@pytest.mark.ftp(idle_timeout=0.3)
def test_10_half_a_line_is_not_idle_for_ever(connect: Connect) -> None:
    """A line that never ends does not keep a session alive."""
    client = connect()
    assert client.reply().code == "220"
    client.sock.sendall(b"USER us")
    assert client.reply().code == "421"
    assert client.is_closed()


@pytest.mark.ftp(idle_timeout=0.3)
def test_10_idle_time_does_not_run_in_a_transfer(raw: RawClient, connect: Connect, ftp_server: FtpServer) -> None:
    """A session with a running transfer outlives one that became idle later; after the transfer it can become idle."""
    data = begin_upload(raw)
    silent = connect()
    assert [silent.reply().code for _ in range(2)] == ["220", "421"]
    assert silent.is_closed()
    data.sendall(b"still here")
    data.close()
    assert [raw.reply().code for _ in range(2)] == ["226", "421"]
    assert ftp_server.files == {"/up.bin": b"still here"}


@pytest.mark.ftp(idle_timeout=0.3, wait_future_timeout=0.45, files=EVERYTHING)
def test_10_idle_time_begins_after_the_transfer(raw: RawClient, ftp_server: FtpServer) -> None:
    """After a transfer that took longer than the idle timeout the client has the whole timeout for its next command."""
    assert raw.code("EPSV") == "229"
    assert [raw.code("RETR /a.txt"), raw.reply().code] == ["425", "421"]
    ended, dismissed = (event.time for event in ftp_server.log.events if getattr(event, "code", "") in ("425", "421"))
    assert dismissed - ended > 0.29


@pytest.mark.ftp(wait_future_timeout=0.1, files=EVERYTHING)
@pytest.mark.parametrize("verb", ["EPSV", "PASV"])
@pytest.mark.parametrize("line", ["RETR /a.txt", "STOR /new.txt", "LIST"])
def test_10_passive_wait_ends_with_425(raw: RawClient, ftp_server: FtpServer, verb: str, line: str) -> None:
    """If the client does not connect, it gets a plain 425; the session continues and the next transfer works."""
    assert raw.ask(verb).code in ("227", "229")
    assert raw.code(line) == "425"
    assert raw.code("NOOP") == "200"
    assert raw.fetch("RETR /a.txt", verb) == (["150", "226"], b"hello")
    assert ftp_server.files == EVERYTHING


# 11. Shutdown


def test_11_shutdown_sends_421_to_every_session(raw: RawClient, connect: Connect, ftp_server: FtpServer) -> None:
    """Every session gets 421 before the server closes it, logged in or not, in a transfer or not."""
    busy, stranger = connect().login(), connect()
    assert stranger.reply().code == "220"
    data = begin_upload(busy)
    ftp_server.stop()
    for client in (raw, stranger, busy):
        assert client.reply().code == "421"
        assert client.is_closed()
    assert data.recv(1) == b""
    assert [session.reason for session in ftp_server.log.sessions] == ["shut down"] * 3


@pytest.mark.ftp(wait_future_timeout=None, files=EVERYTHING)
def test_11_shutdown_does_not_wait_for_a_data_connection(raw: RawClient, ftp_server: FtpServer) -> None:
    """A transfer that waits for its client does not delay the 421."""
    assert raw.ask("EPSV").code == "229"
    raw.send("RETR /a.txt")
    ftp_server.log.wait_for("RETR /a.txt")
    ftp_server.stop()
    assert raw.reply().code == "421"
    assert raw.is_closed()


# 12. Wrong passwords


@pytest.mark.ftp(maximum_connections_per_address=2)
def test_10_too_many_sessions_of_one_address(connect: Connect, ftp_server: FtpServer) -> None:
    """One session too many gets 421 and is closed; a place is free again when another session ends."""
    first, second, third = connect(), connect(), connect()
    assert [client.reply().code for client in (first, second)] == ["220", "220"]
    assert third.reply().text == "Too many connections from your address, try again later"
    assert third.is_closed()
    assert first.code("QUIT") == "221"
    assert first.is_closed()
    ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected) and event.session == 1)
    assert connect().reply().code == "220"


@pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")
@pytest.mark.ftp(maximum_connections_per_address=1)
def test_10_other_addresses_are_counted_separately(connect: Connect, ftp_server: FtpServer) -> None:
    """The limit counts each client address separately."""
    assert connect().reply().code == "220"
    with socket.create_connection(ftp_server.address, 10, source_address=("127.0.0.2", 0)) as other:
        assert other.recv(3) == b"220"
    assert connect().reply().code == "421"


@pytest.mark.real("the client looks at real time")
@pytest.mark.ftp(login_delay=0.2)
def test_12_reply_to_a_wrong_password_is_delayed(connect: Connect, ftp_server: FtpServer) -> None:
    """The 530 comes after `login_delay`; no other session waits for it."""
    client, other = connect(), connect()
    assert [client.reply().code, client.code("USER user")] == ["220", "331"]
    begun = time.monotonic()
    client.send("PASS wrong")
    ftp_server.log.wait_for("PASS wrong")
    other.login()
    assert client.reply().code == "530"
    assert time.monotonic() - begun >= 0.2
    ftp_server.log.assert_sequence("PASS wrong", "PASS password -> 230", session="any")
    answers = [event for event in ftp_server.log.events if getattr(event, "code", "") in ("230", "530")]
    assert [event.session for event in answers] == [2, 1]


def test_12_fifth_wrong_password_ends_the_session(connect: Connect) -> None:
    """The default is five: four times 530, then 421, and the connection is closed; the next may try again."""
    client = connect()
    assert client.reply().code == "220"
    codes = [client.code(line) for _ in range(5) for line in ("USER user", "PASS wrong")]
    assert codes == ["331", "530"] * 4 + ["331", "421"]
    assert client.is_closed()
    connect().login()


@pytest.mark.ftp(maximum_login_failures=None)
def test_12_no_limit(connect: Connect) -> None:
    """None is no limit."""
    client = connect()
    assert client.reply().code == "220"
    assert [client.code(line) for _ in range(12) for line in ("USER user", "PASS wrong")] == ["331", "530"] * 12


@pytest.mark.ftp(maximum_login_failures=3)
def test_12_third_wrong_password_ends_the_session(connect: Connect) -> None:
    """With a limit of three: 530, 530, 421, and the connection is closed."""
    client = connect()
    assert client.reply().code == "220"
    codes = [client.code(line) for _ in range(3) for line in ("USER user", "PASS wrong")]
    assert codes == ["331", "530", "331", "530", "331", "421"]
    assert client.is_closed()


@pytest.mark.ftp(maximum_login_failures=3)
def test_12_right_password_is_taken_after_wrong_ones(connect: Connect) -> None:
    """Below the limit the right password works, and the count is reset."""
    client = connect()
    assert client.reply().code == "220"
    tries = ["wrong", "wrong", "password", "wrong", "wrong", "password"]
    codes = [client.code(line) for word in tries for line in ("USER user", f"PASS {word}")]
    assert codes[1::2] == ["530", "530", "230", "530", "530", "230"]


# 13. Before login


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("FEAT", "211"),
        ("SYST", "215"),
        ("NOOP", "200"),
        ("HELP", "214"),
        ("OPTS UTF8 ON", "200"),
        ("OPTS MLST type;", "200"),
        ("HOST localhost", "220"),
        ("LANG EN", "200"),
        ("CLNT test", "200"),
        ("STAT", "211"),
        ("REIN", "220"),
        ("USER user", "331"),
        ("PASS password", "503"),
        ("ACCT info", "503"),
        ("QUIT", "221"),
    ],
)
def test_13_allowed_before_login(connect: Connect, line: str, code: str) -> None:
    """Commands about the server, or of a login, work before the login."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(line) == code


@pytest.mark.ftp(files=EVERYTHING)
def test_13_all_else_gets_530_before_login(connect: Connect, ftp_server: FtpServer) -> None:
    """Every other command that the server knows gets 530 and does nothing, argument or not."""
    client = connect()
    assert client.reply().code == "220"
    verbs = [verb.upper() for verb in ftp_server.server.commands_mapping if " " not in verb]
    refused = [verb for verb in verbs if verb not in FOR_ANYBODY.split()]
    assert {"RETR", "STOR", "LIST", "PASV", "PORT", "DELE", "ABOR", "TYPE", "SITE", "PWD"} <= set(refused)
    lines = [verb + argument for verb in refused for argument in ("", " /a.txt")] + ["STAT /", "SITE CHMOD 600 /a.txt"]
    assert {line: client.code(line) for line in lines} == dict.fromkeys(lines, "530")
    assert ftp_server.files == EVERYTHING


def test_13_user_without_password_is_not_logged_in(connect: Connect) -> None:
    """Between USER and PASS, and after a wrong PASS, the reply is still 530."""
    client = connect()
    assert client.reply().code == "220"
    lines = ["USER user", "PWD", "PASS wrong", "PWD", "USER user", "PASS password", "PWD", "USER user", "PWD"]
    assert [client.code(line) for line in lines] == ["331", "530", "530", "530", "331", "230", "257", "331", "530"]


@pytest.mark.parametrize("verb", ["XYZZY", "MAIL", "LPRT", "X", "RETRX", "A1_"])
def test_13_unknown_verb_gets_502(connect: Connect, verb: str) -> None:
    """An unknown verb gets 502 before and after the login."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(f"{verb} /a.txt") == "502"
    assert [client.code("USER user"), client.code("PASS password"), client.code(verb)] == ["331", "230", "502"]


@pytest.mark.parametrize("line", ["!?", "NOOP\t", "RETR\t/a.txt", "X" * 100, "N\u00d6\u00d6P", "<NOOP>"])
def test_13_what_is_no_verb_gets_500(raw: RawClient, line: str) -> None:
    """A first word that cannot be a verb is a syntax error."""
    assert raw.code(line) == "500"
    assert raw.code("NOOP") == "200"


@pytest.mark.parametrize("name", NO_COMMANDS)
def test_13_methods_that_are_no_commands_get_502(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """A client cannot call methods of the server that are no handlers."""
    assert hasattr(Server, name.lower()) or name in ("GREETING", "RUN")
    assert [raw.code(name), raw.code(name.lower()), raw.code(f"{name} x")] == ["502"] * 3
    assert [raw.code("NOOP"), len(ftp_server.sessions)] == ["200", 1]


def test_13_no_private_method_is_a_command(raw: RawClient) -> None:
    """Every attribute of the class gets 502 unless it is a marked command."""
    names = [name.upper() for name in dir(Server) if name.startswith("_")]
    assert {name: raw.code(name) for name in names} == dict.fromkeys(names, "502")


# 14. HTTP


@pytest.mark.ftp(files=EVERYTHING)
@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"])
def test_14_http_request_does_no_harm(connect: Connect, ftp_server: FtpServer, verb: str) -> None:
    """A web client gets errors and reaches nothing; the server continues for others."""
    lost = connect()
    assert lost.reply().code == "220"
    lost.sock.sendall(f"{verb} /a.txt HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n".encode())
    codes = [lost.reply().code for _ in range(5)]
    assert codes == ["502", "500", "500", "500", "500"]
    assert lost.code("NOOP") == "200"
    assert connect().login().fetch("RETR /a.txt") == (["150", "226"], b"hello")
    assert ftp_server.files == EVERYTHING


@pytest.mark.parametrize("line", ["EHLO localhost", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", "VRFY root"])
def test_14_smtp_verbs_do_no_harm(raw: RawClient, line: str) -> None:
    """Mail verbs are unknown, and the session continues."""
    assert raw.code(line) == "502"
    assert raw.code("NOOP") == "200"
