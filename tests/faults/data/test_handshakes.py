"""TLS on data connections: handshakes that fail, and ends without close_notify."""

from __future__ import annotations

import ssl

import pytest

from ftpfixture import FtpServer, on
from ftpfixture.log.events import TlsFailed
from tests.support.endings import is_logged_once
from tests.support.faulty import DATA, FILES, KINDS, Line, begin, enter, goes_on, last
from tests.support.ftps import DATA_VERBS, FtpsClient
from tests.support.tls import Wire

each_version = pytest.mark.parametrize("kind", KINDS[1:])
each_verb = pytest.mark.parametrize("verb", DATA_VERBS)
each_command = pytest.mark.parametrize("command", ["RETR data.bin", "STOR new.bin", "MLSD few"])
each_word = pytest.mark.parametrize("word", ["refuse_handshake", "cut_handshake", "stall_handshake"])


def fails(wire: Wire, word: str, server: FtpServer) -> None:
    """Try a handshake: the client gets an alert, an end of file, or nothing."""
    match word:
        case "refuse_handshake":
            with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
                wire.do_handshake()
            assert wire.sock.recv(1) == b""  # FIN
        case "cut_handshake":
            with pytest.raises(ssl.SSLEOFError):
                wire.do_handshake()
        case _:
            wire.sock.settimeout(0.03)
            with pytest.raises(TimeoutError):
                wire.do_handshake()
            server.log.wait_until(lambda: is_logged_once(server), 10)  # nothing was sent before, either
    assert is_logged_once(server)


def is_logged(server: FtpServer, command: str) -> None:
    """The log has the fault, its command, and the result."""
    verb = command.split()[0]
    assert [record.verb for record in server.log.commands if record.faults] == [verb]
    assert [event.where for event in server.log.events if isinstance(event, TlsFailed)] == ["data"]
    assert (last(server).completed, last(server).size, last(server).tls) == (False, 0, None)


@each_version
@each_word
@each_verb
@each_command
def test_late_handshakes_and_faults_of_the_transfer(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, verb: str, command: str
) -> None:
    """A client that does the handshake after the 150, as ftplib and curl do, fails on this transfer's connection."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(command.split()[0]), word)().times(1))
    data = client.begin_data(verb)
    client.send(command)
    wire = client.wire(data())
    assert client.reply().code == "150"

    fails(wire, word, ftp_server)

    if word == "stall_handshake":
        wire.sock.close()
    assert client.reply().code == "522"
    is_logged(ftp_server, command)
    assert ("/new.bin" in ftp_server.files) is command.startswith("STOR")
    assert goes_on(client, ftp_server)


@each_version
@each_word
@each_verb
def test_late_handshakes_and_faults_of_pasv(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, verb: str
) -> None:
    """A fault of PASV and the like happens to the next data connection, for any command."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(verb), word)().times(1))
    data = client.begin_data(verb)
    client.send("RETR data.bin")
    wire = client.wire(data())
    assert client.reply().code == "150"

    fails(wire, word, ftp_server)

    if word == "stall_handshake":
        wire.sock.close()
    assert client.reply().code == "522"
    is_logged(ftp_server, verb)
    assert goes_on(client, ftp_server)


@each_version
@each_word
@pytest.mark.parametrize("verb", ["PASV", "EPSV"])
def test_early_handshakes_and_faults_of_pasv(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str, verb: str
) -> None:
    """A client that does the handshake before the command, as aioftp does, fails there; the command gets 522."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on(verb), word)().times(1))
    wire = client.wire(client.begin_data(verb)())

    fails(wire, word, ftp_server)
    wire.sock.close()

    assert [client.code("RETR data.bin"), client.reply().code] == ["150", "522"]
    is_logged(ftp_server, verb)
    assert goes_on(client, ftp_server)


@each_version
@each_word
def test_an_early_client_tries_again(ftp_server: FtpServer, client: FtpsClient, kind: str, word: str) -> None:
    """After giving up, the client can open another data connection."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on("EPSV"), word)().times(1))
    fails(client.wire(client.passive()), word, ftp_server)

    assert goes_on(client, ftp_server)


@each_version
@each_word
def test_a_completed_handshake_does_not_fail_later(
    ftp_server: FtpServer, client: FtpsClient, kind: str, word: str
) -> None:
    """An early client has completed it when RETR is received: nothing happens, now or to the next data connection."""
    armed = ftp_server.faults.add(getattr(on("RETR"), word)().times(1).optional())

    assert client.download("RETR data.bin", early=True) == DATA
    line = begin(client, "MLSD few")
    assert line.rest().end == "close_notify"
    assert client.reply().code == "226"

    assert armed.fired == 0
    with pytest.raises(AssertionError, match="never reached the point where the fault acts"):
        ftp_server.faults.assert_fired(armed)


@each_word
def test_a_refused_transfer_does_not_affect_the_next_one(ftp_server: FtpServer, word: str) -> None:
    """The data connection survives a 550; its handshake belongs to the transfer that uses it."""
    armed = ftp_server.faults.add(getattr(on("RETR", path="missing"), word)().times(1).optional())
    with enter(ftp_server, "TLSv1.3") as client:
        sock = client.passive()
        assert client.code("RETR missing") == "550"
        assert client.code("MLSD few") == "150"

        wire = client.wire(sock)
        wire.do_handshake()
        assert Line(sock, wire).rest().end == "close_notify"
        assert client.reply().code == "226"
    assert armed.fired == 0


@each_word
def test_another_epsv_is_another_data_connection(ftp_server: FtpServer, word: str) -> None:
    """A fault of the first EPSV does not happen to the second, although the client never connected to the first."""
    armed = ftp_server.faults.add(getattr(on("EPSV").nth(1), word)().optional())
    with enter(ftp_server, "TLSv1.3") as client:
        assert client.code("EPSV") == "229"
        assert goes_on(client, ftp_server)
    assert armed.fired == 0


def test_two_faults_one_after_the_other(ftp_server: FtpServer) -> None:
    """The first fault that can happen does; the others wait for the next data connection."""
    first = ftp_server.faults.add(on("EPSV").refuse_handshake().times(1))
    second = ftp_server.faults.add(on("RETR").cut_handshake().times(1))
    with enter(ftp_server, "TLSv1.3") as client:
        for word, fired in (("refuse_handshake", (1, 0)), ("cut_handshake", (1, 1))):
            data = client.begin_data()
            client.send("RETR data.bin")
            assert client.reply().code == "150"
            error = ssl.SSLEOFError if word == "cut_handshake" else ssl.SSLError
            with pytest.raises(error):
                client.wire(data()).do_handshake()
            assert client.reply().code == "522"
            assert (first.fired, second.fired) == fired
        assert goes_on(client, ftp_server)


def test_without_tls_there_is_no_handshake(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Without TLS the fault does not happen."""
    faults = [on("EPSV").refuse_handshake(), on("RETR").stall_handshake(), on("RETR").no_close_notify()]
    armed = [ftp_server.faults.add(fault.optional()) for fault in faults]

    assert begin(client, "RETR data.bin").rest() == (DATA, "FIN")

    assert client.reply().code == "226"
    assert [one.fired for one in armed] == [0, 0, 0]


# Stalls, and all ways to end them.


def stalled(client: FtpsClient, server: FtpServer, command: str = "RETR data.bin", verb: str = "EPSV") -> Wire:
    """A transfer whose handshake is never answered."""
    server.clock.freeze()
    server.faults.add(on(command.split()[0]).stall_handshake().times(1))
    data = client.begin_data(verb)
    client.send(command)
    wire = client.wire(data())
    assert client.reply().code == "150"
    fails(wire, "stall_handshake", server)
    wire.sock.settimeout(10)
    return wire


@each_version
@each_command
def test_the_handshake_timeout(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """A stall lasts until the handshake times out, by the server's clock: 522 and RST."""
    wire = stalled(client, ftp_server, command)

    ftp_server.clock.move(9.999)
    assert Line(client.sock, client.control).is_silent()
    ftp_server.clock.move(0.001)

    assert client.reply().code == "522"
    with pytest.raises(ConnectionResetError):
        wire.sock.recv(1)
    assert goes_on(client, ftp_server)


@pytest.mark.ftp(handshake_timeout=None)
@each_version
@each_verb
def test_abor(ftp_server: FtpServer, client: FtpsClient, kind: str, verb: str) -> None:
    """ABOR ends a stall without a limit."""
    wire = stalled(client, ftp_server, verb=verb)
    ftp_server.clock.move(1e6)
    assert Line(wire.sock).is_silent()

    assert [client.code("NOOP"), client.code("ABOR"), client.reply().code] == ["200", "426", "226"]

    assert wire.sock.recv(1) == b""
    assert goes_on(client, ftp_server)


@pytest.mark.ftp(handshake_timeout=None)
@each_version
@pytest.mark.parametrize("goodbye", ["vanish", "close"])
def test_a_client_that_closes(ftp_server: FtpServer, client: FtpsClient, kind: str, goodbye: str) -> None:
    """When the client closes, the session ends."""
    stalled(client, ftp_server)

    getattr(client, goodbye)()

    assert ftp_server.log.wait_until(lambda: ftp_server.log.sessions[0].closed_at is not None, 10)
    assert ftp_server.log.sessions[0].reason in ("connection reset", "client closed")


@pytest.mark.ftp(handshake_timeout=None)
@each_version
def test_quit(ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """QUIT does not wait for a stalled handshake: 221, 522 for the transfer, and the end of both connections."""
    wire = stalled(client, ftp_server)

    assert [client.code("QUIT"), client.reply().code] == ["221", "522"]

    assert client.is_closed()
    assert wire.sock.recv(1) == b""


@pytest.mark.ftp(handshake_timeout=None)
@each_version
def test_stop(monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer, client: FtpsClient, kind: str) -> None:
    """The server stops at once, although a handshake is stalled."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)  # the time that the test would wait
    stalled(client, ftp_server)

    ftp_server.stop()

    assert ftp_server.log.sessions[0].reason == "shut down"


@pytest.mark.ftp(handshake_timeout=None)
def test_stop_before_any_command(monkeypatch: pytest.MonkeyPatch, ftp_server: FtpServer) -> None:
    """The server stops at once, although an early client waits before any transfer command."""
    monkeypatch.setattr("ftpfixture.server.base._STOP_TIME", 3600)
    ftp_server.faults.add(on("EPSV").stall_handshake())
    with enter(ftp_server, "TLSv1.3") as client:
        fails(client.wire(client.passive()), "stall_handshake", ftp_server)

        ftp_server.stop()


# The end of TLS.


@each_version
@each_verb
@pytest.mark.parametrize("mode", ["S", "Z"])
@pytest.mark.parametrize("command", ["RETR data.bin", "NLST few"])
def test_no_close_notify_after_a_download(
    ftp_server: FtpServer, client: FtpsClient, kind: str, verb: str, mode: str, command: str
) -> None:
    """All bytes are received, then FIN, and 226: the client cannot know whether that was everything."""
    assert client.code(f"MODE {mode}") == "200"
    whole = begin(client, command).rest()
    assert (whole.end, client.reply().code) == ("close_notify", "226")
    ftp_server.faults.add(on(command.split()[0]).no_close_notify().times(1))

    came = begin(client, command, verb).rest()

    assert is_logged_once(ftp_server)
    assert came == (whole.content, "FIN")
    assert client.reply().code == "226"
    assert last(ftp_server).completed
    assert client.code("MODE S") == "200"
    assert goes_on(client, ftp_server)


@each_version
@pytest.mark.parametrize("command", ["STOR new.bin", "APPE new.bin", "STOU new.bin"])
def test_no_close_notify_after_an_upload(ftp_server: FtpServer, client: FtpsClient, kind: str, command: str) -> None:
    """The server does not answer the client's close_notify: FIN, and 226, and everything is stored."""
    ftp_server.faults.add(on(command.split()[0]).no_close_notify().times(1))
    line = begin(client, command)

    line.send(DATA)
    assert line.wire is not None
    line.wire.send_close_notify()

    assert line.rest() == (b"", "FIN")
    assert is_logged_once(ftp_server)
    assert client.reply().code == "226"
    assert ftp_server.files["/new.bin"] == DATA
    assert goes_on(client, ftp_server)


@pytest.mark.ftp(tls="implicit", files=FILES)
@each_word
def test_implicit_tls(ftp_server: FtpServer, word: str) -> None:
    """With implicit TLS the faults of data connections are the same."""
    ftp_server.clock.freeze()
    ftp_server.faults.add(getattr(on("RETR"), word)().times(1))
    with FtpsClient(ftp_server.address).encrypt_first() as client:
        client.enter()
        data = client.begin_data()
        client.send("RETR data.bin")
        wire = client.wire(data())
        assert client.reply().code == "150"
        fails(wire, word, ftp_server)
        wire.sock.close()
        assert client.reply().code == "522"
        assert client.download("RETR few/a.txt") == b"aa"
