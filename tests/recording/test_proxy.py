"""A proxy in front of another server: clients send and receive the same as without it."""

from __future__ import annotations

import asyncio
import ftplib
import io
import select
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ftpfixture import Client, ConfigurationError, FtpServer, ReplySent, StatusCodeError
from ftpfixture.recording.proxy import Proxy
from ftpfixture.recording.target import Target
from tests.support.ftps import FtpsClient
from tests.support.raw import RawClient, read_all
from tests.support.rows import check_rows

BIG = bytes(range(256)) * 20_000
FILES = {"/a.txt": b"a,b\n1,2\n", "/big": BIG, "/dir/": None, "/dir/b.txt": b"b"}


@pytest.fixture
def real() -> Iterator[FtpServer]:
    """The server behind the proxy."""
    with FtpServer(files=FILES) as server:
        yield server


@pytest.fixture
def proxy(real: FtpServer) -> Iterator[FtpServer]:
    """The proxy in front of it, without TLS."""
    with FtpServer(upstream=real.url) as server:
        yield server


def _dialogue(server: FtpServer) -> list[tuple[str, list[tuple[str, str]]]]:
    """Commands with their replies, without what differs between two servers."""
    return [
        (str(record).partition(" ->")[0], record.replies)
        for record in server.log.commands
        if record.verb not in ("PASV", "EPSV", "PORT", "EPRT")
    ]


def _session(server: FtpServer, passive: bool) -> list[bytes]:
    """Run a session of ftplib, and return the bytes that it received."""
    got: list[bytes] = []
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    ftp.set_pasv(passive)
    ftp.retrbinary("RETR /a.txt", got.append)
    ftp.storbinary("STOR /u.txt", io.BytesIO(BIG))
    ftp.cwd("/dir")
    ftp.retrlines("LIST", lambda line: got.append(line.encode()))
    ftp.retrbinary("RETR b.txt", got.append, rest=0)
    with pytest.raises(ftplib.error_perm, match="550"):
        ftp.retrbinary("RETR nothing", got.append)
    got.append(ftp.pwd().encode())
    ftp.quit()
    return got


def _noon() -> float:
    """The time of all files, so that listings are the same."""
    return 1_800_000_000.0


@pytest.mark.parametrize("passive", [True, False])
def test_the_same_session_with_and_without_a_proxy(passive: bool) -> None:
    """Ftplib gets the same bytes, and the dialogues differ in addresses only."""
    with FtpServer(files=FILES, clock=_noon) as real, FtpServer(upstream=real.url) as proxy:
        through = _session(proxy, passive)
        uploaded = real.files["/u.txt"]
        behind, front = _dialogue(real), _dialogue(proxy)
    with FtpServer(files=FILES, clock=_noon) as alone:
        direct = _session(alone, passive)
        dialogue = _dialogue(alone)

    assert through == direct
    assert uploaded == BIG
    assert front == behind == dialogue


def test_ipv6() -> None:
    """A proxy works over ::1 on both sides, passive and active."""
    with FtpServer(files=FILES, host="::1") as real, FtpServer(upstream=real.url, host="::1") as proxy:
        for passive in (True, False):
            assert _session(proxy, passive)[0] == FILES["/a.txt"]


async def test_our_client(real: FtpServer, proxy: FtpServer) -> None:
    """Our client resumes, uploads, lists, and gets a refusal."""
    async with Client.context(*proxy.address, *proxy.credentials) as client:
        async with client.download_stream("/big", offset=1000) as stream:
            assert await stream.read() == BIG[1000:]
        async with client.upload_stream("/x") as upload:
            await upload.write(b"hello")
        with pytest.raises(StatusCodeError, match="550"):
            await client.remove_file("/nothing")
        assert await client.exists("/dir/b.txt")
    assert real.files["/x"] == b"hello"


def test_replies_keep_their_order_when_a_transfer_is_aborted(real: FtpServer, proxy: FtpServer) -> None:
    """The client has read little when it sends ABOR: first the reply to RETR, then that to ABOR."""
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        client.ask("TYPE I")
        data = client.passive()
        assert client.ask("RETR /big").code == "150"
        assert data.recv(10) == BIG[:10]
        client.send("ABOR")
        codes = [client.reply().code, client.reply().code]
        data.close()
        assert client.ask("NOOP").code == "200"
    assert codes in (["226", "226"], ["426", "226"])
    assert [record.code for record in proxy.log.find("ABOR")] == ["226"]


def test_commands_during_an_upload(proxy: FtpServer, real: FtpServer) -> None:
    """Replies to NOOP and STAT do not end an upload that pauses meanwhile."""
    with RawClient(proxy.address) as client:
        data = client.login(*proxy.credentials).passive()
        assert client.ask("STOR /paused").code == "150"
        data.sendall(b"first")
        for line, code in (("NOOP", "200"), ("STAT", "211")):
            assert client.ask(line).code == code
        assert not select.select([client.sock], [], [], 0.3)[0]
        data.sendall(b" second")
        data.close()
        assert client.reply().code == "226"
    assert real.files["/paused"] == b"first second"


def test_pipelined_commands(proxy: FtpServer) -> None:
    """Replies come in the order of the commands."""
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        client.send(b"NOOP\r\nPWD\r\nXYZZ\r\nTYPE I")
        assert [client.reply().code for _ in range(4)] == ["200", "257", "502", "200"]


def test_replies_are_passed_on_byte_for_byte(real: FtpServer, proxy: FtpServer) -> None:
    """Replies of many lines, odd lines, and bytes that are not UTF-8 are unchanged."""
    raw = b"211-Odd\r\n odd \xff\r\n211-more\r\n211 End\r\n"
    real.faults.add(f"FEAT: answer_raw {raw!r}")
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        client.send("FEAT")
        client.reply()
    (record,) = proxy.log.find("FEAT")
    sent = [event for event in proxy.log.events if isinstance(event, ReplySent) and event.command_seq == record.seq]
    assert [event.raw for event in sent] == [raw]


@pytest.mark.parametrize(("word", "end"), [("drop_data", None), ("reset_data", ConnectionResetError)])
def test_the_end_of_a_download_is_passed_on(
    real: FtpServer, proxy: FtpServer, word: str, end: type[OSError] | None
) -> None:
    """An end of file stays one, a reset stays a reset, and the reply is that of the real server."""
    real.faults.add(f"RETR: {word} after_bytes=1000")
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        client.ask("TYPE I")
        data = client.passive()
        assert client.ask("RETR /big").code == "150"
        content, found = _rest(data)
        assert client.reply().code == "426"

    assert found is end
    assert content == BIG[:1000] or end is not None  # a reset may destroy what was on its way


def _rest(sock: socket.socket) -> tuple[bytes, type[OSError] | None]:
    """Receive everything, and the error at the end."""
    got = b""
    try:
        while piece := sock.recv(1 << 16):
            got += piece
    except OSError as error:
        return got, type(error)
    return got, None


def test_the_real_server_closes_the_session(real: FtpServer, proxy: FtpServer) -> None:
    """421 and the end of the connection reach the client."""
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        real.stop()
        assert client.reply().code == "421"
        assert client.is_closed()


def test_no_server_behind_it() -> None:
    """The client gets 421 with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with FtpServer(upstream=f"127.0.0.1:{port}") as proxy, RawClient(proxy.address) as client:
        reply = client.reply()
        assert reply.code == "421"
        assert reply.text.startswith(f"No connection to 127.0.0.1:{port}: ")


FAULTS = [
    ("RETR: drop_data after_bytes=3", "426", b"a,b"),
    ("RETR: fail 552 'No room' after_bytes=3", "552", b"a,b"),
    ("RETR: truncate after_bytes=3", "226", b"a,b"),
    ("RETR: pad b'more'", "226", b"a,b\n1,2\nmore"),
    ("RETR: answer 550 'No'", "550", None),
    ("RETR: reply 250", "250", b"a,b\n1,2\n"),
    ("RETR: garble_data mask=1", "226", b"`,b\n1,2\n"),
]


def test_faults_in_front_of_the_real_server(real: FtpServer, proxy: FtpServer) -> None:
    """The client gets the fault; the real server has none."""

    def check(row: tuple[str, str, bytes | None]) -> None:
        fault, code, content = row
        with proxy.faults(fault), RawClient(proxy.address) as client:
            client.login(*proxy.credentials)
            client.ask("TYPE I")
            data = client.passive()
            reply = client.ask("RETR /a.txt")
            if content is not None:
                assert reply.code == "150"
                assert _rest(data)[0] == content
                reply = client.reply()
            assert reply.code == code
            assert client.ask("NOOP").code == "200"

    check_rows(FAULTS, check)
    assert real.log.failures == []


def test_faults_that_a_proxy_cannot_have(proxy: FtpServer) -> None:
    """Words that change files or settings of the server itself are refused with what to use."""
    for fault in ("STOR: disk_full", "LIST: list_style msdos", "NLST: absolute_names", "MKD: refuse_if_exists 521"):
        with pytest.raises(ConfigurationError, match=r"which a proxy or a recording does not have"):
            proxy.faults.add(fault)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"upstream": ""}, "upstream takes"),
        ({"upstream": "http://x"}, "upstream takes"),
        ({"upstream": "x/path"}, "upstream takes"),
        ({"upstream": "x", "files": {"/a": b""}}, "files= with upstream=: the real server has that"),
        ({"upstream": "x", "disable": ["MLSD"]}, "disable= with upstream="),
    ],
)
def test_settings_that_do_not_go_with_a_proxy(settings: dict[str, object], text: str) -> None:
    """They are refused before a server listens."""
    with pytest.raises(ConfigurationError, match=text):
        FtpServer(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("host", Target("host")),
        ("host:2121", Target("host", 2121)),
        ("ftp://ann:s%40crt@host", Target("host", 21, user="ann", password="s@crt")),
        ("ftps://[::1]:990", Target("::1", 990, "implicit")),
        ("ftps://host", Target("host", 990, "implicit")),
    ],
)
def test_targets(text: str, target: Target) -> None:
    """The forms of an upstream; a password is not in the repr."""
    assert Target.parse(text) == target
    assert "crt" not in repr(target)


def test_tls_that_the_real_server_does_not_have(real: FtpServer) -> None:
    """Its refusal of AUTH reaches the client, with the setting for TLS with the client alone."""
    with FtpServer(upstream=real.url, tls="explicit") as proxy, RawClient(proxy.address) as client:
        client.reply()
        reply = client.ask("AUTH TLS")
    assert reply.code == "502"
    assert reply.text == (
        'AUTH is not implemented (from the server behind the proxy; Target(..., tls="none") uses TLS with the client '
        "alone)"
    )


def test_uploads_over_tls_get_no_tickets(real: FtpServer) -> None:
    """After the handshake the proxy sends nothing: lftp reads no ticket, and its close would be a reset."""
    behind = Target(real.host, real.port, "none", user="user", password="password")
    with FtpServer(upstream=behind, tls="explicit") as proxy, ftplib.FTP_TLS(timeout=10) as ftp:
        ftp.context = proxy.tls.client_context()
        ftp.connect(*proxy.address)
        ftp.login(*proxy.credentials)
        ftp.prot_p()
        with ftp.transfercmd("STOR /u.txt") as data:
            data.sendall(BIG)
            assert select.select([data], [], [], 0)[0] == []
            assert isinstance(data, ssl.SSLSocket)
            data.unwrap()
        assert ftp.voidresp().startswith("226")
    assert real.files["/u.txt"] == BIG


@pytest.mark.parametrize("behind", ["none", "client", "explicit"])
def test_tls_that_the_proxy_does_not_have(behind: Any) -> None:
    """Without a certificate it passes no command of TLS on: the server would encrypt what the proxy does not."""
    with FtpServer(tls="explicit") as real:
        target = Target(real.host, real.port, behind)
        with FtpServer(upstream=target) as proxy, RawClient(proxy.address) as client:
            client.reply()
            for verb in ("AUTH TLS", "PBSZ 0", "PROT C", "CCC"):
                reply = client.ask(verb)
                assert reply.code == "502"
                assert reply.text.endswith("is not implemented: the proxy has no certificate, give it tls=")


@pytest.mark.parametrize("behind", ["client", "explicit", "implicit"])
def test_a_certificate_that_the_target_does_not_trust(behind: Any) -> None:
    """The client gets 421 with the reason, and nothing of it reaches the real server in clear text."""
    tls: Any = "implicit" if behind == "implicit" else "explicit"
    with FtpServer(tls=tls) as real:
        target = Target(real.host, real.port, behind, ssl.create_default_context())
        with FtpServer(upstream=target, tls="explicit") as proxy, RawClient(proxy.address) as client:
            reply = client.reply()
            if behind == "client":
                assert reply.code == "220"
                reply = client.ask("AUTH TLS")
            assert reply.code == "421"
            assert f"the certificate of the control connection to 127.0.0.1:{real.port} was refused" in reply.text
            assert client.is_closed()
        assert [record.verb for record in real.log.commands] in ([], ["AUTH"])


def test_many_sessions_at_once(real: FtpServer, proxy: FtpServer) -> None:
    """Forty sessions transfer side by side, each its own bytes."""

    def session(number: int) -> bool:
        with RawClient(proxy.address) as client:
            client.login(*proxy.credentials)
            content = BIG[number : number + 50_000]
            stored = client.store(f"STOR /{number}", content)
            return (stored, client.fetch(f"RETR /{number}")) == (["150", "226"], (["150", "226"], content))

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(session, range(40)))
    assert proxy.log.wait_until(lambda: not proxy.sessions, 5)


def test_rein(real: FtpServer, proxy: FtpServer) -> None:
    """REIN forgets the directory; over TLS it is refused, because servers differ in whether they end TLS with it."""
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials).ask("CWD /dir")
        assert [client.ask(line).code for line in ("REIN", "USER user", "PASS password")] == ["220", "331", "230"]
        assert client.fetch("RETR a.txt")[0] == ["150", "226"]
    assert [record.path for record in proxy.log.transfers] == ["/a.txt"]

    with (
        FtpServer(tls="explicit") as secret,
        FtpServer(upstream=secret.url, tls="explicit") as encrypted,
        FtpsClient(encrypted.address) as secure,
    ):
        secure.enter()
        assert [secure.ask("REIN").code, secure.ask("NOOP").code] == ["502", "200"]


def test_an_abort_that_follows_at_once(real: FtpServer, proxy: FtpServer) -> None:
    """ABOR does not overtake the command before it, nor a reply of the proxy itself the reply to ABOR."""
    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials).ask("EPSV")
        client.send("RETR /missing\r\nABOR\r\nPORT 1,2,3")
        assert [client.reply().code for _ in range(3)] == ["550", "226", "501"]
    assert [record.verb for record in real.log.commands][-2:] == ["RETR", "ABOR"]


def test_an_abort_of_a_refused_transfer_leaves_no_timer(proxy: FtpServer) -> None:
    """What looks again whether an aborted transfer has ended stops with a transfer that never began."""

    def looks() -> list[asyncio.TimerHandle]:
        loop: Any = asyncio.get_running_loop()
        return [handle for handle in loop._scheduled if "_cut" in repr(handle) and not handle.cancelled()]

    def left() -> int:
        found: Any = looks()
        for handle in found:
            look = handle._callback
            handle.cancel()
            look()
        return len(looks())

    with RawClient(proxy.address) as client:
        client.login(*proxy.credentials).ask("EPSV")
        client.send("RETR /missing\r\nABOR")
        assert [client.reply().code, client.reply().code] == ["550", "226"]
        assert client.ask("NOOP").code == "200"
        assert proxy.driver.call(left) == 0


def test_implicit_tls_of_the_client_is_used_behind_it(real: FtpServer) -> None:
    """A client with implicit TLS sends no command for it, so the target has it too, unless it says otherwise."""
    with FtpServer(files=FILES, tls="implicit") as secret, FtpServer(upstream=secret.url, tls="implicit") as proxy:
        assert isinstance(proxy.server, Proxy)
        assert proxy.server.target.tls == "implicit"
    target = Target(real.host, real.port)
    with FtpServer(upstream=target, tls="implicit") as proxy, FtpsClient(proxy.address) as client:
        reply = client.encrypt_first().reply()
    assert reply.code == "421"
    assert reply.text.startswith(f"No connection to 127.0.0.1:{real.port}: no TLS on the control connection")


@pytest.mark.parametrize("verb", ["PASV", "EPSV", "PORT", "EPRT"])
def test_ipv4_in_front_of_ipv6(verb: str) -> None:
    """Each side has the addresses of its family: the server gets EPSV for PASV, and EPRT for PORT."""
    with FtpServer(files=FILES, host="::1") as real, FtpServer(upstream=real.url) as proxy:
        with RawClient(proxy.address) as client:
            client.login(*proxy.credentials)
            if verb in ("PASV", "EPSV"):
                assert client.fetch("RETR /a.txt", verb) == (["150", "226"], FILES["/a.txt"])
            else:
                listener = client.active(verb)
                client.send("RETR /a.txt")
                data, _ = listener.accept()
                assert read_all(data) == FILES["/a.txt"]
                assert [client.reply().code, client.reply().code] == ["150", "226"]
        assert len(real.log.find("EPSV" if verb in ("PASV", "EPSV") else "EPRT")) == 1


def test_ipv6_in_front_of_ipv4(real: FtpServer) -> None:
    """EPSV and EPRT work, and PASV is refused, because it cannot name the proxy."""
    with FtpServer(upstream=real.url, host="::1") as proxy, RawClient(proxy.address) as client:
        client.login(*proxy.credentials)
        assert client.fetch("RETR /a.txt") == (["150", "226"], FILES["/a.txt"])
        assert client.ask("PASV").code == "425"
        client.active("EPRT")


@pytest.mark.parametrize("front", ["clear", "explicit"])
@pytest.mark.parametrize("behind", ["client", "explicit", "implicit"])
def test_tls_on_each_side(front: str, behind: str) -> None:
    """Each side has its own TLS, or the server has the TLS of the client."""
    if (front, behind) == ("clear", "client"):
        behind = "none"
    tls = "implicit" if behind == "implicit" else "explicit"
    with FtpServer(files=FILES, tls=tls) as real:  # type: ignore[arg-type]
        target = Target(real.host, real.port, behind, user=real.user, password=real.password)  # type: ignore[arg-type]
        settings = {"tls": "explicit"} if front == "explicit" else {}
        with FtpServer(upstream=target, **settings) as proxy:  # type: ignore[arg-type]
            got: list[bytes] = []
            ftp = ftplib.FTP(timeout=10)
            if front == "explicit":
                ftp = ftplib.FTP_TLS(context=proxy.tls.client_context(), timeout=10)
            ftp.connect(*proxy.address)
            ftp.login(*proxy.credentials)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
            ftp.retrbinary("RETR /big", got.append)
            ftp.storbinary("STOR /u", io.BytesIO(BIG))
            ftp.quit()
            assert b"".join(got) == BIG
            assert real.files["/u"] == BIG
            assert {record.tls is not None for record in proxy.log.transfers} == {front == "explicit"}
            assert {record.tls is not None for record in real.log.transfers} == {behind != "none"}
