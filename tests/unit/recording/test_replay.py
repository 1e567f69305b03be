"""A recording plays the server: replies, data and ends as they were recorded, and what differs fails the test."""

from __future__ import annotations

import ftplib
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import Client, ConfigurationError, Fault, FtpServer, ReplayError, on
from ftpfixture.log.events import DataClosed
from ftpfixture.recording.format import Data, Line, Reply, body_of
from ftpfixture.recording.store import save
from tests.support.ftps import FtpsClient, is_cut, read_to_close_notify
from tests.support.raw import RawClient, read_all
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import check_rows

OPEN = "> EPSV opens passive\n< 229 Entering Extended Passive Mode (|||{port}|)\n"
GET = f"{OPEN}> RETR /out/a.csv\n< 150 Opening\n= down a,b\\n1,2\\n eof\n< 226 Done\n"
PUT = f"{OPEN}> STOR /in/b.csv\n< 150 Send\n= up x,y\\n3,4\\n eof\n< 226 Got it\n"
BYE = "> QUIT\n< 221 See you\n* closed server\n"


def login(client: RawClient, user: str = "user", password: str = "password") -> None:
    """Play the login."""
    assert client.reply().code == "220"
    assert [client.code(f"USER {user}"), client.code(f"PASS {password}")] == ["331", "230"]


def test_ftplib() -> None:
    """A client of ftplib gets the recorded bytes; its PASV gets 227 where EPSV was recorded."""
    kinds = f"{LOGIN}> TYPE I\n< 200 Binary\n{GET}> TYPE I\n< 200 Binary\n{PUT}{BYE}"
    with FtpServer(recording=recorded(kinds)) as server:
        ftp = ftplib.FTP(timeout=10)
        assert ftp.connect(*server.address) == "220 Hello"
        ftp.login(*server.credentials)
        content = io.BytesIO()
        assert ftp.retrbinary("RETR /out/a.csv", content.write) == "226 Done"
        assert ftp.storbinary("STOR /in/b.csv", io.BytesIO(b"x,y\n3,4\n")) == "226 Got it"
        assert ftp.quit() == "221 See you"

        assert content.getvalue() == b"a,b\n1,2\n"
        server.log.assert_sequence("USER user -> 331", "PASV -> 227", "RETR /out/a.csv -> 226", "STOR -> 226", "QUIT")
        server.log.assert_logged_in("user")


async def test_our_client() -> None:
    """FEAT and the listing are as recorded."""
    facts = "type=file;size=8;modify=20260102030405; a.csv"
    session = (
        f"{LOGIN}> FEAT\n< 211-Features:\n<  MLST type*;size*;modify*;\n<  EPSV\n< 211 End\n"
        f"> TYPE I\n< 200 OK\n{OPEN}> MLSD /out\n< 150 Here\n= down {facts}\\r\\n eof\n< 226 Done\n{BYE}"
    )
    with FtpServer(recording=recorded(session, loose=("TYPE", "FEAT")), allow_unplayed=True) as server:
        async with Client.context(*server.address, *server.credentials) as client:
            names = [(str(path), info["size"]) async for path, info in client.list("/out")]
        assert names == [("/out/a.csv", "8")]


@pytest.mark.parametrize("verb", ["EPSV", "PASV", "EPRT", "PORT"])
@pytest.mark.parametrize("opens", ["passive", "active"])
def test_every_way_to_a_data_connection(verb: str, opens: str) -> None:
    """Whichever form was recorded, each command gets the reply of its own form."""
    session = (
        LOGIN + GET if opens == "passive" else (LOGIN + GET).replace(OPEN, "> PORT {address} opens active\n< 200 X\n")
    )
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        login(client)
        if verb in ("EPSV", "PASV"):
            data = client.passive(verb)
            assert client.code("RETR /out/a.csv") == "150"
        else:
            listener = client.active(verb)
            assert client.code("RETR /out/a.csv") == "150"
            data, _ = listener.accept()
        assert read_all(data) == b"a,b\n1,2\n"
        assert client.reply().text == "Done"
        assert server.log.transfers[0].mode == ("passive" if verb in ("EPSV", "PASV") else "active")


def test_texts_are_as_recorded() -> None:
    """Placeholders have the values of this client, replies keep their form, and other bytes are sent, too."""
    session: list[Any] = [
        "< 220 Hello {{you}}",
        "> USER {user}",
        "< 331 Who is {user}?",
        "> PASS {password}",
        "< 230-Hi {user}",
        "<  of 100%",
        "< 230 In",
        "> SITE X",
        Reply(session=1, raw=b"200 \xff {user}\n"),
        "> PASV opens passive",
        "< 227 Here ({address})",
    ]
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        got = [client.sock.recv(100)]
        for line in (b"USER ann\r\n", b"PASS secret\r\n", b"SITE X\r\n"):
            client.sock.sendall(line)
            got.append(client.sock.recv(100))
        client.passive("PASV")

        assert got == [
            b"220 Hello {you}\r\n",
            b"331 Who is ann?\r\n",
            b"230-Hi ann\r\n of 100%\r\n230 In\r\n",
            b"200 \xff ann\n",
        ]
        assert "secret" not in server.log.transcript()


# How data connections end, and where.


@pytest.mark.parametrize(
    ("lines", "replies", "end"),
    [
        ("< 150 Go\n= down abc eof\n< 226 Done", ["150", "226"], "eof"),
        ("< 150 Go\n< 226 Early\n= down abc eof", ["150", "226"], "eof"),
        ("= down abc eof\n< 226 Done", ["226"], "eof"),
        ("< 150 Go\n= down abc rst\n< 426 Cut", ["150", "426"], "rst"),
        ("< 150 Go\n= down abc half-close\n< 226 Done", ["150", "226"], "half-close"),
    ],
)
@pytest.mark.illegal_replies
def test_ends_of_data_connections(lines: str, replies: list[str], end: str) -> None:
    """The client gets the same end as the recorded client."""
    with FtpServer(recording=recorded(f"{LOGIN}{OPEN}> RETR a\n{lines}\n> NOOP\n< 200 OK")) as server:
        with RawClient(server.address) as client:
            login(client)
            data = client.passive()
            client.send("RETR a")
            assert [client.reply().code for _ in replies] == replies
            if end == "rst":
                with pytest.raises(ConnectionResetError):
                    read_all(data)
            else:
                assert data.recv(10) == b"abc"
                assert data.recv(10) == b""
            if end == "half-close":
                data.sendall(b"x")
                data.shutdown(1)
            assert client.code("NOOP") == "200"
        [closed] = [server.log.wait_for(lambda event: isinstance(event, DataClosed))]
        assert closed.end == end


def test_abort() -> None:
    """ABOR stops what moves; the transfer has its 426 and ABOR its own reply, as recorded."""
    content = "x" * 5_000_000
    session = (
        f"{LOGIN}{OPEN}> RETR a\n< 150 Go\n> ABOR\n= down {content} rst\n< 426 Cut\n< 226 Aborted\n> NOOP\n< 200 OK"
    )
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        login(client)
        data = client.passive()
        assert client.code("RETR a") == "150"
        assert data.recv(10) == b"x" * 10
        client.send("ABOR")
        assert [client.reply().code, client.reply().code, client.code("NOOP")] == ["426", "226", "200"]
        retr, abor = server.log.find("RETR")[0], server.log.find("ABOR")[0]
        assert ([code for code, _ in retr.replies], abor.code) == (["150", "426"], "226")


def test_an_abort_that_comes_early() -> None:
    """The replies of the transfer are sent before the reply to ABOR, without a wait for the client to read."""
    session = f"{LOGIN}{OPEN}> RETR a\n< 150 Go\n= down {'x' * 5_000_000} eof\n< 226 Done\n> ABOR\n< 226 Nothing"
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        login(client)
        client.passive()
        assert client.code("RETR a") == "150"
        assert client.code("ABOR") == "226"
        assert client.reply().text == "Nothing"


@pytest.mark.parametrize("noop_first", [True, False])
def test_commands_during_a_transfer(noop_first: bool) -> None:
    """Their replies come at the recorded place, before or after the transfer."""
    lines = "= up abc eof\n< 226 Got it\n" if noop_first else ""
    rest = "" if noop_first else "= up abc eof\n< 226 Got it\n"
    session = f"{LOGIN}{OPEN}> STOR a\n< 150 Go\n> NOOP\n{lines}< 200 OK\n{rest}"
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        login(client)
        data = client.passive()
        assert client.code("STOR a") == "150"
        client.send("NOOP")
        if not noop_first:
            assert client.reply().code == "200"
        data.sendall(b"abc")
        data.close()
        assert client.reply().code == "226"
        if noop_first:
            assert client.reply().code == "200"
        assert server.log.find("STOR")[0].code == "226"


@pytest.mark.parametrize(("direction", "sent"), [("down", b""), ("up", b"a,b\n" * 1000)])
def test_mode_z(direction: Any, sent: bytes) -> None:
    """What was recorded before compression is compressed, and inflated before it is compared."""
    content = b"a,b\n" * 1000
    data = Data(session=1, direction=direction, number=1, type="I", mode="Z", end="eof", **body_of(content))
    verb = "RETR" if direction == "down" else "STOR"
    lines: list[str | Line] = [
        *f"{LOGIN}> MODE Z\n< 200 OK\n{OPEN}> {verb} a\n< 150 Go".split("\n"),
        data,
        "< 226 Done",
    ]
    with FtpServer(recording=recorded(lines)) as server, RawClient(server.address) as client:
        login(client)
        assert client.code("MODE Z") == "200"
        if direction == "up":
            assert client.store("STOR a", zlib.compress(sent, 9)) == ["150", "226"]
        else:
            assert zlib.decompress(client.fetch("RETR a")[1]) == content


@pytest.mark.parametrize("end", ["eof", "no-close-notify"])
def test_ends_of_encrypted_data(end: str) -> None:
    """Without close_notify where there was none."""
    auth = "< 220 Hello\n> AUTH TLS\n< 234 Go\n* tls\n> PBSZ 0\n< 200 .\n> PROT P\n< 200 .\n"
    session = f"{auth}{LOGIN.replace('< 220 Hello', '')}> TYPE I\n< 200 .\n{GET.replace(' eof', f' {end}')}"
    server = FtpServer(recording=recorded(session, tls="explicit", data_tls="TLSv1.3"))
    with server, FtpsClient(server.address, context=server.tls.client_context()) as client:
        wire = client.enter().transfer("RETR /out/a.csv")
        if end == "eof":
            assert read_to_close_notify(wire) == b"a,b\n1,2\n"
        else:
            assert is_cut(wire)
        assert client.reply().code == "226"


def test_replies_that_nobody_asked_for() -> None:
    """A session that the server ended after a while ends at once."""
    session = f"{LOGIN}< 421 Timeout\n* closed server"
    with FtpServer(recording=recorded(session)) as server, RawClient(server.address) as client:
        login(client)
        assert client.reply().code == "421"
        assert client.is_closed()
        assert server.log.find("PASS")[0].replies == [("230", "Welcome")]


def test_a_refused_connection() -> None:
    """The greeting may be the end."""
    with FtpServer(recording=recorded("< 421 Full\n* closed server")) as server, RawClient(server.address) as client:
        assert client.reply().code == "421"
        assert client.is_closed()


def test_sessions_of_one_client() -> None:
    """Two at once, each with its own; they are chosen by what they do."""
    whole = recorded(f"{LOGIN}{PUT}{BYE}", f"{LOGIN}{GET}{BYE}")
    with FtpServer(recording=whole) as server, RawClient(server.address) as one, RawClient(server.address) as other:
        login(one)
        login(other)
        assert one.fetch("RETR /out/a.csv") == (["150", "226"], b"a,b\n1,2\n")
        assert other.store("STOR /in/b.csv", b"x,y\n3,4\n") == ["150", "226"]
        assert [one.code("QUIT"), other.code("QUIT")] == ["221", "221"]


# TLS.


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
def test_tls(tls: Any) -> None:
    """Handshakes are made where they were recorded, and a certificate of the tests is enough."""
    auth = "< 220 Hello\n> AUTH TLS\n< 234 Go\n* tls\n" if tls == "explicit" else "* tls\n< 220 Hello\n"
    session = (
        f"{auth}> USER {{user}}\n< 331 .\n> PASS {{password}}\n< 230 .\n> PBSZ 0\n< 200 .\n> PROT P\n< 200 .\n"
        f"> TYPE I\n< 200 .\n{GET}> TYPE I\n< 200 .\n{PUT}{BYE}"
    )
    with FtpServer(recording=recorded(session, tls=tls, data_tls="TLSv1.3")) as server:
        ftp: ftplib.FTP_TLS = (ftplib.FTP_TLS if tls == "explicit" else _Implicit)(
            context=server.tls.client_context(), timeout=10
        )
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.prot_p()
        content = io.BytesIO()
        ftp.retrbinary("RETR /out/a.csv", content.write)
        ftp.storbinary("STOR /in/b.csv", io.BytesIO(b"x,y\n3,4\n"))
        ftp.quit()
        assert content.getvalue() == b"a,b\n1,2\n"
        server.log.assert_encrypted("data")


class _Implicit(ftplib.FTP_TLS):
    """TLS before the greeting."""

    def connect(self, host: str = "", port: int = 0, timeout: float = 10, source_address: Any = None) -> str:
        """Encrypt first."""
        import socket

        self.sock = self.context.wrap_socket(socket.create_connection((host, port), timeout), server_hostname=host)
        self.host, self.port, self.af = host, port, self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome


# Faults, and what fails.


def test_faults_act_on_a_recording() -> None:
    """As on any other server: by verb, path, number; the recorded reply to what a fault spoilt is not sent."""
    get = f"{OPEN}> RETR a\n< 150 Go\n= down {'x' * 100} eof\n< 226 Done\n"
    session = f"{LOGIN}> CWD /out\n< 250 OK\n{get}> XSHA a\n< 250 abc"
    faults: list[Fault | str] = ["RETR /out/a: reset_data after_bytes=10", on("XSHA").reply(550, "No")]
    with FtpServer(recording=recorded(session), faults=faults) as server, RawClient(server.address) as client:
        login(client)
        assert client.code("CWD /out") == "250"
        data = client.passive()
        assert client.code("RETR a") == "150"
        with pytest.raises(ConnectionResetError):
            read_all(data)
        assert client.reply().code == "426"
        assert client.ask("XSHA a").text == "No"


def _miss(client: RawClient) -> None:
    assert client.ask("DELE /x").code == "503"
    assert client.is_closed()


def _upload(content: bytes) -> Callable[[RawClient], None]:
    def upload(client: RawClient) -> None:
        assert client.store("STOR /in/b.csv", content) == ["150", "226"]

    return upload


def _broken(client: RawClient) -> None:
    data = client.passive()
    data.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: close with RST
    assert client.code("RETR /big") == "150"
    data.recv(10)
    data.close()
    client.reply()


def _once_more(client: RawClient) -> None:
    with RawClient(client.sock.getpeername()[:2]) as other:
        assert other.reply().code == "421"
        assert other.is_closed()


FAILURES: list[tuple[str, Callable[[RawClient], None], str]] = [
    (
        f"{LOGIN}> DELE /y\n< 250 Gone",
        _miss,
        "DELE /x was not recorded here: session 1 of the recording goes on with DELE /y (line 8)\n"
        "nearest: DELE /y (line 8): the argument is '/x', recorded '/y'\n",
    ),
    (LOGIN + PUT, _upload(b"x,y\n3,5\n"), "byte 7, in line 2, is different: sent '3,5', recorded '3,4'"),
    (LOGIN + PUT, _upload(b"x,y\n"), "the upload of STOR /in/b.csv is not the recorded one: 4 bytes were sent, 8 were"),
    (LOGIN + PUT, _upload(b"x,y\n3,4\n5"), "9 bytes were sent, 8 were recorded"),
    (
        f"{LOGIN}{OPEN}> RETR /big\n< 150 Go\n= down {'x' * 9_000_000} eof\n< 226 Done",
        _broken,
        "the client aborted the data connection of RETR /big after ",
    ),
    (
        LOGIN,
        _once_more,
        "the client connected once more than was recorded: 1 session; record again if that is right, or set ",
    ),
    (
        LOGIN + GET,
        lambda client: None,
        "not all that was recorded was played:\nsession 1 ended before EPSV (line 8) and 1 more\n"
        "(allow_unplayed=True accepts a recording that is not played to its end)\n",
    ),
]


def _play(server: FtpServer, act: Callable[[RawClient], None] = lambda client: None) -> None:
    """Log in to a server, do something, and let the server check that it was right."""
    with server, RawClient(server.address) as client:
        login(client)
        act(client)


@pytest.mark.illegal_replies
def test_failures() -> None:
    """Any difference of a client fails the test, with the place in the recording and the difference."""

    def check(row: tuple[str, Callable[[RawClient], None], str]) -> None:
        session, act, text = row
        with pytest.raises(ReplayError, match=re.escape(text)) as caught:
            _play(FtpServer(recording=recorded(session)), act)
        assert "session 1\n" in str(caught.value)

    check_rows(FAILURES, check)


@pytest.mark.parametrize(("compare", "content"), [("size", b"12345678"), ("ignore", b"1")])
def test_uploads_that_may_differ(compare: Any, content: bytes) -> None:
    """Uploads are compared by size only, or not at all."""
    _play(FtpServer(recording=recorded(LOGIN + PUT), compare_uploads=compare), _upload(content))


def test_unplayed_is_allowed() -> None:
    """With the setting the test passes."""
    _play(FtpServer(recording=recorded(LOGIN + GET, LOGIN), allow_unplayed=True))


def test_repeats_are_allowed() -> None:
    """With the setting, clients connect more often than was recorded."""
    with FtpServer(recording=recorded(LOGIN), allow_repeats=True) as server:
        for _ in range(3):
            with RawClient(server.address) as client:
                login(client)


def test_reset_rewinds() -> None:
    """One server plays the recording for each test, from its beginning."""
    with FtpServer(recording=recorded(LOGIN)) as server:
        for _ in range(2):
            with RawClient(server.address) as client:
                login(client)
            server.log.wait_until(lambda: not server.sessions, 5)
            server.reset()
        with pytest.raises(ConfigurationError, match="a running server keeps its recording; start another server"):
            server.reset(recording=recorded("< 421 Full"))
        with pytest.raises(ReplayError, match="no client connected for session 1"):
            server.reset()
        with RawClient(server.address) as client:
            login(client)
        server.log.wait_until(lambda: not server.sessions, 5)


def test_files(tmp_path: Path) -> None:
    """A path is accepted in place of a Recording."""
    path = tmp_path / "feed.ftp.jsonl"
    save(path, recorded(LOGIN))
    for given in (path, str(path)):
        _play(FtpServer(recording=given))


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"recording": "no/such.ftp.jsonl"}, "recording='no/such.ftp.jsonl' cannot be read: "),
    ({"recording": 5}, "recording takes the path of a recording, or a Recording"),
    ({"recording": recorded(LOGIN), "files": {}}, "recording= with files=: the recording has the replies"),
    ({"recording": recorded(LOGIN), "disable": ["MLSD"]}, "recording= with disable="),
    ({"recording": recorded(LOGIN), "tls": "explicit"}, "recording= with tls='explicit': it was made with tls=None"),
    ({"recording": recorded(LOGIN), "compare_uploads": "all"}, "compare_uploads"),
    ({"compare_uploads": "size"}, "compare_uploads= is for a server with a recording"),
    ({"allow_unplayed": True}, "allow_unplayed= is for a server with a recording"),
    ({"allow_repeats": True}, "allow_repeats= is for a server with a recording"),
]


def test_settings_that_do_not_go_with_a_recording() -> None:
    """Each is an error with its reason."""

    def check(row: tuple[dict[str, Any], str]) -> None:
        with pytest.raises(ConfigurationError, match=re.escape(row[1])):
            FtpServer(**row[0])

    check_rows(SETTINGS, check)
