"""Every word and every named fault in front of vsftpd, as a raw client sees it; or the sentence that refuses it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import table as words
from ftpfixture.faults.presets import PRESETS
from ftpfixture.recording.target import Target
from tests.faults.test_presets import TABLE
from tests.support.encrypted_servers import encrypted
from tests.support.ftps import FtpsClient, is_cut
from tests.support.raw import RawClient
from tests.support.rows import check_rows
from tests.support.servers import Peer, Vsftpd
from tests.support.walker import Walker

pytestmark = pytest.mark.illegal_replies

FILES = {"a.bin": bytes(range(250)) * 8, "ä.txt": b"hi"}
TIME = 1_700_000_000

Row = tuple[str, str, str, str]

# Word, fault, steps, and results.
CONTROL: list[Row] = [
    ("answer", "PWD: answer 550 'Not now'", "login; text PWD; NOOP", "login; Not now; 200"),
    ("answer_raw", "PWD: answer_raw b'257 odd\\r\\n'", "login; raw PWD; NOOP", "login; 257 odd\\r\\n; 200"),
    ("close", "NOOP: close", "login; NOOP", "login; EOF"),
    ("delay", "NOOP: delay 0.01", "login; NOOP; NOOP", "login; 200; 200"),
    ("delay_to_next", "PWD: delay_to_next", "login; hush PWD; NOOP; +", "login; silence; 257; 200"),
    ("deny", "CWD: deny", "login; text CWD /d; PWD", "login; Permission denied; 257"),
    (
        "garble",
        "PWD: garble first=4 mask=1",
        "login; raw PWD; NOOP",
        'login; 257 #/" is the current directory\\r\\n; 200',
    ),
    ("half_close", "NOOP: half_close", "login; NOOP", "login; EOF"),
    ("ignore", "PWD: ignore", "login; hush PWD; NOOP", "login; silence; 200"),
    (
        "malformed_address",
        "PASV: malformed_address no-parentheses",
        "login; text PASV",
        "login; Entering Passive Mode 127,0,0,1,P",
    ),
    (
        "mismatched_lines",
        "CWD: mismatched_lines",
        "login; raw CWD /d",
        "login; 250-Directory successfully changed.\\r\\n251 End\\r\\n",
    ),
    ("no_reply", "NOOP: no_reply", "login; hush NOOP; PWD", "login; silence; 257"),
    ("not_implemented", "SIZE: not_implemented", "login; SIZE /a.bin; NOOP", "login; 502; 200"),
    ("repeat_reply", "NOOP: repeat_reply", "login; NOOP; +; PWD", "login; 200; 200; 257"),
    ("reply_raw", "PWD: reply_raw b'257 odd\\r\\n'", "login; raw PWD", "login; 257 odd\\r\\n"),
    ("reset", "NOOP: reset", "login; NOOP", "login; RST"),
    ("say", "NOOP: say 211 Hello", "login; NOOP; text PWD; +", "login; 200; Hello; 257"),
    ("say_raw", "NOOP: say_raw b'211 Hello\\r\\n'", "login; NOOP; PWD; +", "login; 200; 211; 257"),
    ("service_unavailable", "NOOP: service_unavailable", "login; NOOP; +", "login; 421; EOF"),
    ("shift_time", "MDTM: shift_time 3600", "login; text MDTM /a.bin", "login; 20231114231320"),
    ("slice", "PWD: slice 2", "login; text PWD; NOOP", 'login; "/" is the current directory; 200'),
    ("stall", "NOOP: stall", "login; hush NOOP", "login; silence"),
    ("wrong_address", "PASV: wrong_address", "login; text PASV", "login; Entering Passive Mode (10,0,0,1,P)."),
    ("wrong_size", "SIZE: wrong_size 1", "login; text SIZE /a.bin", "login; 2001"),
]
DATA: list[Row] = [
    (
        "coalesce",
        "RETR: coalesce",
        "login; data EPSV; raw RETR /ä.txt",
        "login; connected; 150 Opening BINARY mode data connection for /\\xc3\\xa4.txt (2 bytes).\\r\\n"
        "226 Transfer complete.\\r\\n",
    ),
    ("drop_data", "RETR: drop_data after_bytes=10", "login; get RETR /a.bin; PWD", "login; 150 10 FIN 426; 257"),
    ("early_reply", "RETR: early_reply", "login; data EPSV; RETR /a.bin; +; NOOP", "login; connected; 150; 226; 200"),
    ("fail", "RETR: fail 552 at=50%", "login; get RETR /a.bin; PWD", "login; 150 1000 FIN 552; 257"),
    ("garble_data", "RETR: garble_data", "login; get RETR /a.bin; NOOP", "login; 150 2000 FIN 226; 200"),
    ("half_close_data", "RETR: half_close_data after_bytes=10", "login; get RETR /a.bin", "login; 150 10 FIN silence"),
    ("ignore_data", "EPSV: ignore_data", "login; connect EPSV; RETR /a.bin; NOOP", "login; connected; 425; 200"),
    ("list_total", "LIST: list_total", "login; line LIST", "login; total 12"),
    (
        "list_without_links",
        "LIST: list_without_links",
        "login; line LIST",
        "login; -rw-r--r-- 0        0            2000 Nov 14  2023 a.bin",
    ),
    ("listing", "LIST: listing 'a line'", "login; line LIST", "login; a line"),
    ("no_preliminary", "RETR: no_preliminary", "login; get RETR /a.bin", "login; 226"),
    ("pad", "RETR: pad b'more'", "login; get RETR /a.bin", "login; 150 2004 FIN 226"),
    ("preliminary", "RETR: preliminary 125 Hi", "login; data EPSV; text RETR /a.bin", "login; connected; Hi"),
    ("refuse_data", "PASV: refuse_data", "login; connect PASV; NOOP", "login; refused; 200"),
    ("reply", "RETR: reply 250", "login; get RETR /a.bin; NOOP", "login; 150 2000 FIN 250; 200"),
    ("reset_data", "RETR: reset_data at=0.5", "login; get RETR /a.bin; NOOP", "login; 150 RST 426; 200"),
    ("shift_offset", "REST: shift_offset 10", "login; REST 100; get RETR /a.bin", "login; 350; 150 1890 FIN 226"),
    ("slice_data", "RETR: slice_data 100", "login; get RETR /a.bin", "login; 150 2000 FIN 226"),
    ("stall_data", "RETR: stall_data after_bytes=10", "login; get RETR /a.bin", "login; 150 10 silence silence"),
    ("throttle_data", "RETR: throttle_data 1000000", "login; get RETR /a.bin", "login; 150 2000 FIN 226"),
    ("truncate", "RETR: truncate at=50%", "login; get RETR /a.bin; NOOP", "login; 150 1000 FIN 226; 200"),
    ("unreachable_data", "PASV: unreachable_data", "login; connect PASV; NOOP", "login; silence; 200"),
]

REFUSED = {
    "absolute_names": ("NLST: absolute_names", "listing(...) with the lines, or with bytes"),
    "disk_full": ("STOR: disk_full", "fail(452), fail(552) or fail(451) with after_bytes="),
    "encoding": ("LIST: encoding latin-1", "listing(...) with the lines, or with bytes"),
    "list_style": ("LIST: list_style msdos", "listing(...) with the lines, or with bytes"),
    "missing_as_empty": ("LIST: missing_as_empty", "listing([])"),
    "quota_exceeded": ("STOR: quota_exceeded", "fail(452), fail(552) or fail(451) with after_bytes="),
    "read_error": ("RETR: read_error", "fail(452), fail(552) or fail(451) with after_bytes="),
    "refuse_if_exists": ("MKD: refuse_if_exists 521", "answer(550) with path="),
    "write_error": ("STOR: write_error", "fail(452), fail(552) or fail(451) with after_bytes="),
}
"""Words that change the server itself, each with a fault and what its refusal recommends."""

ENCRYPTED = {
    "cut_handshake": "data-handshake-dropped",
    "no_close_notify": "no-close-notify",
    "refuse_handshake": "auth-refused",
    "stall_handshake": "prot-c-refused",
}
"""Words that need TLS, which have tests of their own below, with named faults beside them."""

# What vsftpd does in another way than our server; the effects of all other named faults are the same.
OF_VSFTPD = {
    "125-for-150": "login; 125 2000 FIN 226; 125 186 FIN 226",
    "banner-multi-line": "220; 530",
    "list-flags-unknown": "login; 550; 150 186 FIN 226",
    "list-without-link-count": "login; -rw-r--r-- 0        0            2000 Nov 14  2023 a.bin",
    "mlsd-missing": "login; 502; 502; 150 186 FIN 226",
    "multi-line-with-two-codes": "login; 250-Directory successfully changed.\\r\\n251 End\\r\\n",
    "replies-together": "login; connected; 150 Opening BINARY mode data connection for /\\xc3\\xa4.txt (2 bytes).\\r\\n"
    "226 Transfer complete.\\r\\n",
}
REFUSED_NAMES = {
    "list-like-iis",
    "list-like-iis-four-digit-years",
    "names-in-latin-1",
    "nlst-full-paths",
    "quota-552",
}
ENCRYPTED_NAMES = {"auth-refused", "handshake-dropped", "injection-behind-auth", *ENCRYPTED.values()}
NAMED = [row for row in TABLE if row[0] not in REFUSED_NAMES]


def test_every_word_and_name_has_a_row() -> None:
    """A new word or a new named fault needs a row here."""
    assert sorted([*ENCRYPTED, *REFUSED, *(row[0] for row in CONTROL + DATA)]) == sorted(
        row.name.partition("(")[0] for row in words()
    )
    assert {row[0] for row in NAMED} | REFUSED_NAMES | ENCRYPTED_NAMES == set(PRESETS)


@pytest.fixture(scope="module")
def vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The real server."""
    with Vsftpd(tmp_path_factory.mktemp("vsftpd") / "peer") as peer:
        yield peer


@pytest.fixture(scope="module")
def proxy(vsftpd: Peer) -> Iterator[FtpServer]:
    """A proxy in front of it."""
    with FtpServer(upstream=Target(vsftpd.host, vsftpd.port, user=vsftpd.user, password=vsftpd.password)) as server:
        yield server


def make_files(root: Path) -> None:
    """Give the server its files, and no others."""
    for path in root.iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    (root / "d").mkdir()
    for name, content in FILES.items():
        (root / name).write_bytes(content)
        os.utime(root / name, (TIME, TIME))


def check(proxy: FtpServer, vsftpd: Peer, fault: str, script: str, seen: str) -> None:
    """Check what a client sees of a fault, that it happened, and that nothing of the session is left."""
    make_files(vsftpd.root)
    armed = proxy.faults.add(fault)
    walker = Walker(proxy.address)
    with walker.client:
        assert walker.walk(script) == seen
    proxy.faults.assert_fired(armed)
    proxy.faults.clear()
    proxy.wait_idle()
    assert proxy.log.failures == []
    with RawClient(proxy.address) as client:
        assert client.login().fetch("RETR /a.bin") == (["150", "226"], FILES["a.bin"])


@pytest.mark.parametrize("rows", [CONTROL, DATA], ids=["control", "data"])
def test_words(proxy: FtpServer, vsftpd: Peer, rows: list[Row]) -> None:
    """Each word has the effect that it has on our own server, and the next session is that of vsftpd again."""
    check_rows(rows, lambda row: check(proxy, vsftpd, *row[1:]))


@pytest.mark.parametrize("half", [0, 1])
def test_named_faults(proxy: FtpServer, vsftpd: Peer, half: int) -> None:
    """Each named fault has the effect that it has on our own server, with the texts of vsftpd."""
    check_rows(NAMED[half::2], lambda row: check(proxy, vsftpd, row[0], row[1], OF_VSFTPD.get(row[0], row[2])))


def test_refused_words(proxy: FtpServer) -> None:
    """A word that changes the server itself is refused, with what to use."""

    def refused(row: tuple[str, str]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            proxy.faults.add(row[0])
        assert str(caught.value).endswith(
            "this word changes files or settings of the server itself, which a proxy or a recording does not have: "
            f"use {row[1]}"
        )

    check_rows(REFUSED.values(), refused)
    by_word = {row[0].partition(": ")[2].split()[0]: row[1] for row in REFUSED.values()}
    check_rows([(name, by_word[PRESETS[name].text.partition(": ")[2].split()[0]]) for name in REFUSED_NAMES], refused)


@pytest.fixture(scope="module")
def ftps_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    """A proxy with TLS in front of vsftpd with TLS."""
    with encrypted(Vsftpd, tmp_path_factory.mktemp("vsftpd")) as peer:
        make_files(peer.root)
        with FtpServer(upstream=Target(peer.host, peer.port), tls="explicit") as server:
            yield server


@pytest.mark.parametrize(("name", "code"), [("auth-refused", "502"), ("handshake-dropped", "234")])
def test_no_tls_of_the_control_connection(ftps_proxy: FtpServer, name: str, code: str) -> None:
    """AUTH is refused, or its handshake ends with a close."""
    with ftps_proxy.faults(name), FtpsClient(ftps_proxy.address) as client:
        assert client.reply().code == "220"
        if code == "502":
            assert client.ask("AUTH TLS").code == code
        else:
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                client.encrypt()


def test_injection_behind_auth(ftps_proxy: FtpServer) -> None:
    """Replies in clear text follow the 234."""
    with ftps_proxy.faults("injection-behind-auth"), RawClient(ftps_proxy.address) as client:
        assert client.reply().code == "220"
        client.send("AUTH TLS")
        received = b""
        while received.count(b"\n") < 3:
            received += client.sock.recv(1000)
    assert received == b"234 Proceed with negotiation.\r\n331 Injected\r\n230 Injected\r\n"


def test_prot_c_refused(ftps_proxy: FtpServer) -> None:
    """PROT C is refused, and PROT P is still in effect."""
    with ftps_proxy.faults("prot-c-refused"), FtpsClient(ftps_proxy.address) as client:
        client.enter()
        client.play("PROT C=534")
        client.transfer("RETR /a.bin").sock.close()


@pytest.mark.parametrize("word", ["cut_handshake", "refuse_handshake"])
def test_no_tls_of_a_data_connection(ftps_proxy: FtpServer, word: str) -> None:
    """The handshake of a data connection fails with 522, and the session continues."""
    with ftps_proxy.faults(f"RETR: {word}"), FtpsClient(ftps_proxy.address) as client:
        client.enter()
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            client.transfer("RETR /a.bin")
        assert client.reply().code == "522"
        client.play("NOOP=200")


def test_a_handshake_that_stalls(ftps_proxy: FtpServer) -> None:
    """The client gets no byte of the handshake, and the session ends when it leaves."""
    with ftps_proxy.faults("RETR: stall_handshake"):
        with FtpsClient(ftps_proxy.address) as client:
            client.enter()
            client.limit(0.3)
            with pytest.raises(TimeoutError):
                client.transfer("RETR /a.bin")
        ftps_proxy.wait_idle()


def test_no_close_notify(ftps_proxy: FtpServer) -> None:
    """The data end without close_notify, although vsftpd has sent it."""
    with ftps_proxy.faults("no-close-notify"), FtpsClient(ftps_proxy.address) as client:
        client.enter()
        wire = client.transfer("RETR /a.bin")
        assert wire.receive() == FILES["a.bin"]
        assert is_cut(wire)
        wire.sock.close()
        assert client.reply().code == "226"
