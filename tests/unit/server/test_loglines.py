"""The records of a server in `logging`."""

from __future__ import annotations

import ftplib
import io
import logging
import re
from collections.abc import Iterator
from io import BytesIO

import pytest

from ftpfixture import Connection, FtpServer, Server
from ftpfixture.log.events import CommandReceived, Connected, Disconnected, Event, HandlerFailed, Hub, ReplySent
from ftpfixture.server.loglines import LogLines, logger, place
from ftpfixture.wire.reply import Reply
from tests.support.raw import RawClient
from tests.support.rows import table

PEER = ("192.0.2.1", 50000)


@pytest.fixture
def hub() -> Hub:
    """A hub whose events are logged."""
    hub = Hub(lambda: 0.0)
    hub.subscribe(LogLines("utf-8"))
    return hub


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged, including command and reply lines."""
    with caplog.at_level(logging.DEBUG, logger="ftpfixture.server"):
        yield caplog


def records(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Level and text of the records of the server's logger."""
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "ftpfixture.server"]


def received(hub: Hub, verb: str, argument: str = "", *, too_long: bool = False) -> None:
    """A command arrives."""
    hub.emit(CommandReceived(*hub.stamp(1), verb, argument, too_long))


def sent(hub: Hub, reply: Reply, encoding: str = "utf-8") -> None:
    """A reply is sent."""
    hub.emit(ReplySent(*hub.stamp(1), reply.code, reply.lines, 0, reply.render(encoding)))


def connected(hub: Hub, session: int, peer: tuple[str, int]) -> None:
    """A client connects."""
    hub.emit(Connected(*hub.stamp(session), peer, ("127.0.0.1", 21)))


def disconnected(hub: Hub, session: int) -> None:
    """A session ends."""
    hub.emit(Disconnected(*hub.stamp(session), "quit"))


# A whole session.


def test_a_session(lines: pytest.LogCaptureFixture) -> None:
    """Connections at INFO, and each line in the order of the wire at DEBUG."""
    with FtpServer() as server, ftplib.FTP() as ftp:
        ftp.connect(*server.address)
        assert ftp.sock is not None
        peer = "{}:{}".format(*ftp.sock.getsockname()[:2])
        ftp.login(*server.credentials)
        ftp.storbinary("STOR /a.txt", BytesIO(b"hi"))
        ftp.sendcmd("MLST /a.txt")
        ftp.quit()
        address = "{}:{}".format(*server.address)
    logged = [
        (level, re.sub(r"\(127,.*?\)|Modify=.*?;|Create=.*?;|Unique=.*?;", "…", text)) for level, text in records(lines)
    ]

    assert logged == [
        (logging.INFO, f"serving on {address}"),
        (logging.INFO, f"new connection from {peer}"),
        (logging.DEBUG, "220 welcome"),
        (logging.DEBUG, "USER user"),
        (logging.DEBUG, "331 Password required"),
        (logging.DEBUG, "PASS ********"),
        (logging.DEBUG, "230 Login successful"),
        (logging.DEBUG, "TYPE I"),
        (logging.DEBUG, "200 Type set to I"),
        (logging.DEBUG, "PASV"),
        (logging.DEBUG, "227 Entering Passive Mode …."),
        (logging.DEBUG, "STOR /a.txt"),
        (logging.DEBUG, "150 Opening BINARY mode data connection for /a.txt"),
        (logging.DEBUG, "226 Transfer complete"),
        (logging.DEBUG, "MLST /a.txt"),
        (logging.DEBUG, "250-Listing /a.txt"),
        (logging.DEBUG, logged[16][1]),
        (logging.DEBUG, "250 End"),
        (logging.DEBUG, "QUIT"),
        (logging.DEBUG, "221 Goodbye"),
        (logging.INFO, f"closing connection from {peer}"),
    ]
    assert logged[16][1].startswith(" ")
    assert logged[16][1].endswith("; /a.txt")


def test_without_debug_there_are_no_lines(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO connections are logged, and no line."""
    caplog.set_level(logging.INFO, "ftpfixture.server")
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()

    logged = [text.partition(" ")[0] for _, text in records(caplog)]
    assert logged == ["serving", "new", "closing"]


class Failing(Server):
    """Has a verb with a bug in it."""

    async def oops(self, connection: Connection, rest: str) -> bool:
        """OOPS: fail."""
        raise KeyError("a mistake")


@pytest.mark.illegal_replies
def test_failures_have_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception is logged at ERROR, with verb and traceback."""
    server = FtpServer(server_class=Failing)
    server.start()
    with RawClient(server.address) as client:
        assert client.login().code("OOPS") == "451"
    server.stop()

    [failure] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (failure.name, failure.getMessage()) == ("ftpfixture.server", "OOPS failed")
    assert failure.exc_info is not None
    assert isinstance(failure.exc_info[1], KeyError)


# Single events.


def test_each_line_of_a_reply(hub: Hub, lines: pytest.LogCaptureFixture) -> None:
    """A reply of several lines is several records."""
    sent(hub, Reply("211", ("Features", "MLST", "End"), listing=True))
    sent(hub, Reply("220", ("one", "two", "")))
    sent(hub, Reply("200", ()))

    assert [text for _, text in records(lines)] == [
        "211-Features",
        " MLST",
        "211 End",
        "220-one",
        "220-two",
        "220 ",
        "200 ",
    ]


@pytest.mark.parametrize(
    ("verb", "argument", "text"),
    [
        ("PASS", "secret", "PASS ******"),
        ("PASS", "", "PASS"),
        ("ACCT", "münchen", "ACCT *******"),
        ("PASS\tSECRET", "", "PASS*******"),
        ("PASS\0", "secret", "PASS* ******"),
        ("\udcffpass", "secret", "\\udcffpass ******"),
        ("\x00ACCT", "gold", "\\x00ACCT ****"),
        ("PASSWORD", "secret", "PASS**** ******"),
        ("XPASS", "secret", "XPASS ******"),
        ("PASSSECRET", "", "PASS******"),
        ("PAS", "secret", "PAS ******"),
        ("PSAS", "secret", "PSAS ******"),
        ("PAXSS", "secret", "PAXSS ******"),
        ("OASS", "secret", "OASS ******"),
        ("PAS\tSECRET", "two", "PAS******* ***"),
        ("ACT", "gold", "ACT ****"),
        ("\udcff\udcf1PAS", "secret", "\\udcff\\udcf1PAS ******"),
        ("PASV", "no secret", "PASV no secret"),
        ("APPE", "no secret", "APPE no secret"),
        ("SITE", "PASS me", "SITE PASS me"),
        ("SITE", "PSWD old new", "SITE PSWD *******"),
        ("SITE", "PSWD", "SITE PSWD"),
    ],
)
def test_secrets(hub: Hub, lines: pytest.LogCaptureFixture, verb: str, argument: str, text: str) -> None:
    """Passwords and accounts are as many asterisks, also where the line is broken."""
    received(hub, verb, argument)

    assert records(lines) == [(logging.DEBUG, text)]


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("/a\r\n[12:00:00]: closing", "RETR /a\\r\\n[12:00:00]: closing"),
        ("/a\x1b[2J\x00\x85\u2028", "RETR /a\\x1b[2J\\x00\\x85\\u2028"),
        ("/\udce4\udcff", "RETR /\\udce4\\udcff"),
        ("/100% sure %s", "RETR /100% sure %s"),
        ("/grün", "RETR /grün"),
    ],
)
def test_control_characters(hub: Hub, lines: pytest.LogCaptureFixture, argument: str, text: str) -> None:
    """A peer's bytes start no new line, move no cursor, and mean nothing to `logging`."""
    received(hub, "RETR", argument)
    sent(hub, Reply("550", (argument,)))

    [command, reply] = [logged for _, logged in records(lines)]
    assert command == text
    assert reply.isprintable()


def test_every_stream_accepts_every_line(hub: Hub) -> None:
    """A log handler that writes bytes accepts bytes that are no text."""
    data = io.BytesIO()
    handler = logging.StreamHandler(io.TextIOWrapper(data, "utf-8", write_through=True))
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        received(hub, "CWD", "/\udcff\r\n")
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)

    assert data.getvalue() == b"CWD /\\udcff\\r\\n\n"


def test_replies_are_read_in_the_encoding_of_the_server(lines: pytest.LogCaptureFixture) -> None:
    """A reply in Latin-1 is decoded correctly, and undecodable bytes are escaped."""
    hub = Hub(lambda: 0.0)
    hub.subscribe(LogLines("latin-1"))
    sent(hub, Reply("257", ('"/grün"',)), "latin-1")
    other = Hub(lambda: 0.0)
    other.subscribe(LogLines("utf-8"))
    sent(other, Reply("257", ('"/grün"',)), "latin-1")

    assert [text for _, text in records(lines)] == ['257 "/grün"', '257 "/gr\\xfcn"']


def test_a_line_that_was_too_long(hub: Hub, lines: pytest.LogCaptureFixture) -> None:
    """Its text is lost; the record says that there was one."""
    received(hub, "", too_long=True)

    assert records(lines) == [(logging.DEBUG, "(a line that was too long)")]


def test_sessions_are_named_by_their_peers(caplog: pytest.LogCaptureFixture) -> None:
    """Each end of a session has the client's address, and nothing is kept of ended sessions."""
    lines = LogLines("utf-8")
    hub = Hub(lambda: 0.0)
    hub.subscribe(lines)
    caplog.set_level(logging.INFO, "ftpfixture.server")
    connected(hub, 1, PEER)
    connected(hub, 2, ("::1", 50001))
    disconnected(hub, 1)
    disconnected(hub, 2)

    assert records(caplog) == [
        (logging.INFO, "new connection from 192.0.2.1:50000"),
        (logging.INFO, "new connection from [::1]:50001"),
        (logging.INFO, "closing connection from 192.0.2.1:50000"),
        (logging.INFO, "closing connection from [::1]:50001"),
    ]
    assert lines._peers == {}


def test_a_failure_outside_of_commands(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Without a current command the session itself failed."""
    hub.emit(HandlerFailed(*hub.stamp(1), "", ValueError("no")))

    assert records(caplog) == [(logging.ERROR, "session failed")]


def test_nothing_is_made_for_a_disabled_level(
    hub: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without DEBUG a command or reply is not even turned into text."""
    caplog.set_level(logging.INFO, "ftpfixture.server")
    for name in ("command_text", "reply_texts"):
        monkeypatch.setattr(f"ftpfixture.server.loglines.{name}", None)
    received(hub, "NOOP")
    sent(hub, Reply("200", ("OK",)))

    assert records(caplog) == []


def test_a_level_may_change_at_any_time(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Lines begin with the next one after DEBUG was enabled, and the peers of older sessions are known."""
    connected(hub, 1, PEER)
    received(hub, "NOOP")
    caplog.set_level(logging.DEBUG, "ftpfixture.server")
    received(hub, "SYST")
    disconnected(hub, 1)

    assert [text for _, text in records(caplog)] == ["SYST", "closing connection from 192.0.2.1:50000"]


def test_other_events_are_not_logged(hub: Hub, lines: pytest.LogCaptureFixture) -> None:
    """An event without a line makes none."""
    hub.emit(Event(*hub.stamp(1)))

    assert records(lines) == []


@table(("address", "text"), [(("127.0.0.1", 21), "127.0.0.1:21"), (("::1", 21), "[::1]:21")])
def test_place(address: tuple[str, int], text: str) -> None:
    """The colons of an address are distinct from that of the port."""
    assert place(address) == text
