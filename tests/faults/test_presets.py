"""Every preset by its name, and what a raw client sees of it on the wire."""

from __future__ import annotations

import re
import ssl

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.presets import PRESETS
from tests.support.ftps import FtpsClient, is_cut
from tests.support.raw import RawClient
from tests.support.rows import table
from tests.support.walker import Walker

pytestmark = pytest.mark.illegal_replies

FILES = {"/a.bin": bytes(range(250)) * 8, "/ä.txt": b"hi", "/d/": None}
TABLE = [
    # Name, steps, and results.
    ("pasv-behind-nat", "login; text PASV; EPSV", "login; Entering Passive Mode (10,0,0,1,P).; 229"),
    ("epsv-refused", "login; EPSV; PASV", "login; 500; 227"),
    ("data-port-unreachable", "login; connect EPSV; connect PASV; NOOP", "login; silence; silence; 200"),
    ("data-port-refused", "login; connect EPSV; connect PASV; NOOP", "login; refused; refused; 200"),
    ("data-port-silent", "login; connect EPSV; RETR /a.bin; NOOP", "login; connected; 425; 200"),
    ("data-connection-425", "login; get RETR /a.bin; get LIST; put STOR /b", "login; 425; 425; 425"),
    ("150-then-425", "login; get RETR /a.bin; put STOR /b", "login; 150 0 FIN 425; 150 425"),
    ("150-then-421", "login; get RETR /a.bin; NOOP", "login; 150 0 FIN 421; EOF"),
    ("data-black-hole", "login; get RETR /a.bin", "login; 150 0 silence silence"),
    ("data-ports-used-up", "login; EPSV; PASV; NOOP", "login; 425; 425; 200"),
    ("active-mode-refused", "login; PORT 127,0,0,1,200,1; EPRT |1|127.0.0.1|50000|", "login; 500; 500"),
    (
        "passive-reply-swapped",
        "login; text PASV; text EPSV",
        "login; Entering Extended Passive Mode (|||P|); Entering Passive Mode (127,0,0,1,P).",
    ),
    (
        "passive-reply-without-parentheses",
        "login; text PASV; text EPSV",
        "login; Entering Passive Mode 127,0,0,1,P; Entering Extended Passive Mode |||P|",
    ),
    ("passive-reply-without-delimiter", "login; text EPSV", "login; Entering Extended Passive Mode (|||P)"),
    ("passive-reply-out-of-range", "login; text PASV", "login; Entering Passive Mode (127,0,0,1,P)."),
    ("passive-reply-multi-line", "login; text PASV", "login; Entering Passive Mode\n(127,0,0,1,P)"),
    ("banner-multi-line", "+; NOOP", "220; 200"),
    ("banner-without-code", "raw", "Welcome\\r\\n220 Ready\\r\\n"),
    ("too-many-users", "+; +", "421; EOF"),
    ("no-transfer-timeout", "login; get RETR /a.bin; +", "login; 421; EOF"),
    ("replies-in-pieces", "login; text PWD", 'login; "/" is the current directory'),
    (
        "replies-together",
        "login; data EPSV; raw RETR /ä.txt",
        "login; connected; "
        "150 Opening BINARY mode data connection for /\\xc3\\xa4.txt (2 bytes).\\r\\n226 Transfer complete\\r\\n",
    ),
    ("multi-line-with-two-codes", "login; raw CWD /d", "login; 250-Directory changed to /d\\r\\n251 End\\r\\n"),
    ("control-lost-in-transfer", "login; get RETR /a.bin", "login; 150 2000 FIN EOF"),
    ("final-reply-lost", "login; get RETR /a.bin; NOOP", "login; 150 2000 FIN silence; 200"),
    ("noop-late-in-transfer", "login; NOOP", "login; 200"),
    ("two-replies-to-cwd", "login; CWD /d; +; PWD", "login; 250; 250; 257"),
    ("stale-reply", "+; USER user; PASS password; TYPE I; PWD; +", "220; 331; 230; 200; 200; 257"),
    ("abor-without-226", "login; hush ABOR; NOOP", "login; silence; 200"),
    ("abor-without-426", "login; get RETR /a.bin; NOOP", "login; 150 2000 FIN silence; 200"),
    ("abor-nothing-to-abort", "login; ABOR", "login; 225"),
    ("feat-missing", "FEAT; NOOP", "220; 502"),
    (
        "feat-with-code-on-every-line",
        "+; raw FEAT",
        "220; 211-Features:\\r\\n211-SIZE\\r\\n211-MDTM\\r\\n211 End\\r\\n",
    ),
    ("mlst-announced-then-silence", "login; hush MLST /; PWD; FEAT", "login; silence; 257; 211"),
    ("pwd-without-quotes", "login; text PWD", "login; / is the current directory"),
    ("pwd-not-utf8", "login; raw PWD", 'login; 257 "/\\xe4\\xf6"\\r\\n'),
    ("login-430", "+; USER user; PASS password; PASS password", "220; 331; 430; 430"),
    ("quit-without-221", "login; QUIT", "login; EOF"),
    ("early-226", "login; data EPSV; RETR /a.bin; +; NOOP", "login; connected; 150; 226; 200"),
    ("reset-in-transfer", "login; get RETR /a.bin; put STOR /b; PWD", "login; 150 RST 426; 150 426; 257"),
    ("short-file-226", "login; get RETR /a.bin", "login; 150 1000 FIN 226"),
    ("short-upload-226", "login; put STOR /b; text SIZE /b", "login; 150 226; 1"),
    ("250-for-226", "login; get RETR /a.bin; put STOR /b", "login; 150 2000 FIN 250; 150 250"),
    ("200-for-226", "login; get RETR /a.bin; put STOR /b", "login; 150 2000 FIN 200; 150 200"),
    ("125-for-150", "login; get RETR /a.bin; get LIST", "login; 125 2000 FIN 226; 125 198 FIN 226"),
    ("150-without-size", "login; data EPSV; text RETR /a.bin", "login; connected; Here it comes"),
    ("aborted-426", "login; get RETR /a.bin; PWD", "login; 150 1 FIN 426; 257"),
    ("local-error-451", "login; get RETR /a.bin; PWD", "login; 150 1 FIN 451; 257"),
    ("busy-450", "login; get RETR /a.bin; put STOR /b", "login; 450; 450"),
    ("quota-552", "login; put STOR /b; text SIZE /b", "login; 150 552; 1"),
    ("rest-refused", "login; REST 5", "login; 502"),
    ("rest-ignored", "login; REST 1000; get RETR /a.bin", "login; 350; 150 2000 FIN 226"),
    ("size-lies", "login; text SIZE /a.bin", "login; 3000"),
    ("growing-file", "login; text SIZE /a.bin; get RETR /a.bin", "login; 2000; 150 2015 FIN 226"),
    ("upload-half-closed", "login; put STOR /b", "login; 150 silence"),
    ("mlsd-missing", "login; get MLSD; MLST /; get LIST", "login; 502; 502; 150 198 FIN 226"),
    ("list-flags-unknown", "login; get LIST -a; get LIST", "login; 550; 150 198 FIN 226"),
    ("nlst-nothing-550", "login; get NLST /d", "login; 550"),
    ("nlst-nothing-450", "login; get NLST /d", "login; 450"),
    ("size-refused-in-ascii", "login; SIZE /a.bin; TYPE A; SIZE /a.bin", "login; 213; 200; 550"),
    ("size-missing", "login; SIZE /a.bin", "login; 502"),
    ("stou-without-file", "login; data EPSV; text STOU", "login; connected; Ready"),
    ("mkd-exists-521", "login; MKD /d", "login; 521"),
    ("prot-p-required", "login; get RETR /a.bin", "login; 521"),
    ("list-like-iis", "login; line LIST", "login; T                 2000 a.bin"),
    ("list-like-iis-four-digit-years", "login; line LIST", "login; T                 2000 a.bin"),
    ("list-with-total", "login; line LIST", "login; total 12"),
    ("list-without-link-count", "login; line LIST", "login; -rw-r--r-- ftp      ftp              2000 T a.bin"),
    ("names-in-latin-1", "login; line NLST /ä*", "login; /\\xe4.txt"),
    ("nlst-full-paths", "login; line NLST", "login; /a.bin"),
    ("mdtm-in-local-time", "login; text MDTM /a.bin", "login; 20231115001320"),
]

ENCRYPTED = {
    "auth-refused",
    "data-handshake-dropped",
    "handshake-dropped",
    "injection-behind-auth",
    "no-close-notify",
    "prot-c-refused",
}
"""Presets with their own tests below."""


_WITH_DATA = re.compile(r"(?:^|; )(?:\+|(?:hush|get|put|line|raw|data|connect)\b)")
_TRANSFER = re.compile(r"\b(?:get|put)\b")

at_a_fixed_time = pytest.mark.ftp(files=FILES, clock=lambda: 1_700_000_000.0)


def cases(*, transfers: bool) -> pytest.MarkDecorator:
    """The rows with transfers, or the others."""
    rows = [row for row in TABLE if bool(_TRANSFER.search(row[1])) == transfers]
    return pytest.mark.parametrize(("name", "script", "seen"), rows, ids=[row[0] for row in rows])


@at_a_fixed_time
@cases(transfers=False)
def test_preset(ftp_server: FtpServer, name: str, script: str, seen: str) -> None:
    """The preset has this effect, and the next session of the server works."""
    check_preset(ftp_server, name, script, seen)


@at_a_fixed_time
@cases(transfers=True)
def test_preset_of_transfers(ftp_server: FtpServer, name: str, script: str, seen: str) -> None:
    """The preset has this effect on a transfer, and the next session of the server works."""
    check_preset(ftp_server, name, script, seen)


def check_preset(ftp_server: FtpServer, name: str, script: str, seen: str) -> None:
    """Check the effect of a preset, and that the next session works."""
    armed = ftp_server.faults.add(name)
    walker = Walker(ftp_server.address)
    with walker.client:
        assert walker.walk(script) == seen
    ftp_server.faults.assert_fired(armed)
    ftp_server.faults.clear()
    with RawClient(ftp_server.address) as client:
        assert client.login().fetch("RETR /a.bin") == (["150", "226"], FILES["/a.bin"])


@at_a_fixed_time
def test_a_healthy_server_differs(ftp_server: FtpServer) -> None:
    """If a fault refuses a command, a server without the fault replies differently."""
    refusing = {name for name, known in PRESETS.items() if re.search(r": (answer|not_implemented)", known.text)}
    rows = [row for row in TABLE if row[0] in refusing and not _WITH_DATA.search(row[1])]
    assert "size-refused-in-ascii" in {name for name, _, _ in rows}
    for name, script, seen in rows:
        walker = Walker(ftp_server.address)
        with walker.client:
            assert walker.walk(script) != seen, name


def test_every_name_is_tested() -> None:
    """There is a row for each preset."""
    assert {row[0] for row in TABLE} | ENCRYPTED == set(PRESETS)


@table("name", PRESETS)
def test_names_and_their_text(name: str) -> None:
    """A name is parsed as its text form, and the fault is written as this text."""
    assert parse(name) == parse(PRESETS[name].text) == parse(str(parse(name)))
    assert PRESETS[name].source


def test_an_unknown_name() -> None:
    """The error for an unknown name suggests the nearest one."""
    with pytest.raises(ConfigurationError, match="unknown preset 'pasv-behind-nta': did you mean 'pasv-behind-nat'"):
        parse("pasv-behind-nta")
    with pytest.raises(ConfigurationError, match="unknown preset 'coffee-is-cold': see the table"):
        parse("coffee-is-cold")


@pytest.mark.ftp(faults=["auth-refused"])
def test_auth_refused(ftps_server: FtpServer) -> None:
    """TLS is not available."""
    with RawClient(ftps_server.address) as client:
        assert client.reply().code == "220"
        assert client.code("AUTH TLS") == "502"


@pytest.mark.ftp(faults=["injection-behind-auth"])
def test_injection_behind_auth(ftps_server: FtpServer) -> None:
    """Replies without TLS follow the 234, in the same packet."""
    with RawClient(ftps_server.address) as client:
        assert client.reply().code == "220"
        client.send("AUTH TLS")
        assert client.sock.recv(1000) == b"234 AUTH TLS successful\r\n331 Injected\r\n230 Injected\r\n"


@pytest.mark.ftp(faults=["handshake-dropped"])
def test_handshake_dropped(ftps_server: FtpServer) -> None:
    """The server closes the connection after the ClientHello."""
    with FtpsClient(ftps_server.address) as client:
        assert client.reply().code == "220"
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            client.encrypt()


@pytest.mark.ftp(files=FILES, faults=["data-handshake-dropped"])
def test_data_handshake_dropped(ftps_server: FtpServer) -> None:
    """The server closes the data connection after the ClientHello; the session continues."""
    with FtpsClient(ftps_server.address) as client:
        client.enter()
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            client.transfer("RETR /a.bin")
        assert client.reply().code == "522"
        client.play("NOOP=200")


@pytest.mark.ftp(files=FILES, faults=["no-close-notify"])
def test_no_close_notify(ftps_server: FtpServer) -> None:
    """All bytes are received, and then an end without close_notify."""
    with FtpsClient(ftps_server.address) as client:
        client.enter()
        wire = client.transfer("RETR /a.bin")
        assert b"".join(wire.receive() for _ in range(1)) == FILES["/a.bin"]
        assert is_cut(wire)
        wire.sock.close()
        assert client.reply().code == "226"


@pytest.mark.ftp(faults=["prot-c-refused"])
def test_prot_c_refused(ftps_server: FtpServer) -> None:
    """Data connections cannot go back to no TLS."""
    with FtpsClient(ftps_server.address) as client:
        client.enter()
        client.play("PROT P=200; PROT C=534")
