"""The program curl as a witness: its exit code says what went wrong.

The codes are those of the section EXIT CODES of its manual. Where these leave a choice, or curl does something
unexpected, the table gives the reason. Certificates are not faults: see ``tests/clients/test_tls_curl.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Program
from tests.clients.samples import LARGE, check, transfer

pytestmark = pytest.mark.illegal_replies

OK = 0
NO_CONNECTION = 7
WEIRD_REPLY = 8
ACCESS_DENIED = 9
ACCEPT_FAILED = 10
WEIRD_PASV = 13
WEIRD_227 = 14
NO_TYPE = 17
PARTIAL = 18
NO_FILE = 19
QUOTE_ERROR = 21
UPLOAD_FAILED = 25
TIMED_OUT = 28
NO_PORT = 30
NO_REST = 31
NO_HANDSHAKE = 35
BAD_RESUME = 36
SEND_ERROR = 55
RECEIVE_ERROR = 56
TOO_LARGE = 63
NO_TLS = 64
LOGIN_DENIED = 67
DISK_FULL = 70
NOT_FOUND = 78

EPSV, PASV, EPRT, PORT = "EPSV", "PASV", "EPRT", "PORT"
TLS, IMPLICIT = "TLS", "implicit TLS"
MODES: dict[str, tuple[str, ...]] = {
    EPSV: (),
    PASV: ("--disable-epsv",),
    EPRT: ("-P", "127.0.0.1"),
    PORT: ("-P", "127.0.0.1", "--disable-eprt"),
    TLS: ("--ssl-reqd",),  # passive: curl 7.88 leaves active data connections in clear, see test_tls_curl.py
    IMPLICIT: ("--ssl-reqd",),
}
CLEAR, SECURE = (EPSV, EPRT), (TLS, IMPLICIT)
PASSIVE, MOST = (EPSV, TLS), (EPSV, EPRT, TLS)

DATA = LARGE[:20_000]
GET = ("-o", "got.bin", "{url}/in/a.bin")
RESUME = ("-C", "-", *GET)
PUT = ("-T", "a.bin", "{url}/in/b.bin")
LIST = ("{url}/in/",)
NAMES = ("-l", "{url}/in/")
BRIEF = ("--max-time", "2")  # for endless waits; long enough for a busy machine

PUT_FOR_EVER = (
    "-T",
    "/dev/zero",
    "{url}/in/b.bin",
)  # more than the buffers: curl is sending at the fault

OF_421 = "curl takes every 421 for a timeout (curl test1120)"
SIZE_IS_BELIEVED = "curl trusts SIZE, and reads no byte more"
TOO_FAST = "it has not looked for a data connection yet when the reply comes, or it has"
NO_NOTIFY = "whether close_notify is missed depends on the versions of curl and OpenSSL (curl#17471)"


class Row(NamedTuple):
    """A fault, the exit code of curl, and the action; if the code may differ, `also` is the other one."""

    fault: str
    code: int
    call: tuple[str, ...]
    modes: tuple[str, ...]
    why: str = ""
    also: int | None = None


TABLE = [
    # The greeting.
    Row("CONNECT: close", RECEIVE_ERROR, GET, PASSIVE),
    Row("CONNECT: garble", WEIRD_REPLY, GET, PASSIVE, "320 is not the code of a greeting"),
    Row("CONNECT: answer 500", WEIRD_REPLY, GET, PASSIVE),
    Row("CONNECT: mismatched_lines", WEIRD_REPLY, GET, PASSIVE, "the code of the last line counts"),
    Row("CONNECT: service_unavailable", TIMED_OUT, GET, PASSIVE, OF_421),
    Row(r"CONNECT: reply_raw b'Hello.\r\n220 Go on\r\n'", OK, GET, PASSIVE, "lines without a code are passed over"),
    Row(r"CONNECT: answer_raw b'220-Hello\r\n'", TIMED_OUT, (*BRIEF, *GET), (EPSV,)),
    Row("CONNECT: stall", TIMED_OUT, ("--connect-timeout", "2", *GET), (EPSV,), "the greeting is part of connecting"),
    # Login.
    Row("USER: answer 530", LOGIN_DENIED, GET, PASSIVE),
    Row("USER: answer 332", LOGIN_DENIED, GET, PASSIVE),
    Row("PASS: answer 530 'Not today'", LOGIN_DENIED, GET, PASSIVE),
    Row("PASS: answer 332", LOGIN_DENIED, GET, PASSIVE),
    Row("PASS: service_unavailable", TIMED_OUT, GET, PASSIVE, OF_421),
    Row("PASS: close", RECEIVE_ERROR, GET, PASSIVE),
    Row("PASS: reset", RECEIVE_ERROR, GET, PASSIVE),
    Row("PASS: stall", TIMED_OUT, (*BRIEF, *GET), (TLS,)),
    Row("PASS: repeat_reply", WEIRD_PASV, GET, PASSIVE, "replies are out of sync: PASV gets the reply to EPSV"),
    Row("PWD: not_implemented", OK, GET, PASSIVE, "the reply is not needed"),
    Row(r"PWD: reply_raw b'257 somewhere\r\n'", OK, GET, PASSIVE, "the reply is not needed"),
    # Before a transfer.
    Row("CWD: deny", ACCESS_DENIED, GET, MOST),
    Row("MKD: deny", ACCESS_DENIED, ("--ftp-create-dirs", "-T", "a.bin", "{url}/new/b.bin"), PASSIVE),
    Row("DELE: deny", QUOTE_ERROR, ("-Q", "DELE /in/a.bin", *GET), PASSIVE),
    Row("DELE: deny", QUOTE_ERROR, ("-Q", "-DELE /in/a.bin", *GET), MOST),
    Row("TYPE: answer 504", NO_TYPE, GET, MOST),
    Row("SIZE: not_implemented", OK, GET, MOST, "the 150 has it, too"),
    Row("SIZE: deny", NOT_FOUND, GET, MOST, "550 is a file that is not there"),
    Row("SIZE: wrong_size 10", PARTIAL, GET, MOST),
    Row("SIZE: wrong_size -10", OK, GET, MOST, SIZE_IS_BELIEVED),
    Row("SIZE: wrong_size 10000000", TOO_LARGE, ("--max-filesize", "9000000", *GET), MOST),
    Row("SIZE: reply 213 '999'", BAD_RESUME, RESUME, MOST, "it has 1000"),
    Row("REST: not_implemented", NO_REST, RESUME, MOST),
    Row("REST: shift_offset 1", PARTIAL, RESUME, MOST),
    Row("REST: shift_offset -1", OK, RESUME, MOST, SIZE_IS_BELIEVED),
    # The way to a data connection.
    Row("EPSV: not_implemented", OK, GET, PASSIVE, "PASV is next"),
    Row("EPSV|PASV: not_implemented", WEIRD_PASV, GET, PASSIVE),
    Row("EPSV: malformed_address no-parentheses", WEIRD_PASV, GET, (EPSV,)),
    Row("EPSV: malformed_address no-delimiter", WEIRD_PASV, GET, (EPSV,)),
    Row("EPSV: malformed_address out-of-range", WEIRD_PASV, GET, (EPSV,)),
    Row("EPSV: malformed_address empty", WEIRD_PASV, GET, (EPSV,)),
    Row("EPSV: malformed_address port-zero", OK, GET, (EPSV,), "the connection fails, and PASV is next"),
    Row("EPSV: malformed_address swapped", OK, GET, (EPSV,), "the code is not 229, and PASV is next"),
    Row("EPSV: malformed_address multi-line", OK, GET, (EPSV,), "the last line counts"),
    Row("PASV: malformed_address no-delimiter", WEIRD_227, GET, (PASV,)),
    Row("PASV: malformed_address out-of-range", WEIRD_227, GET, (PASV,)),
    Row("PASV: malformed_address empty", WEIRD_227, GET, (PASV,)),
    Row("PASV: malformed_address swapped", WEIRD_PASV, GET, (PASV,), "the code is wrong, not the format"),
    Row("PASV: malformed_address port-zero", NO_CONNECTION, GET, (PASV,)),
    Row("PASV: malformed_address no-parentheses", OK, GET, (PASV,), "RFC 1123 4.1.2.6: do not require them"),
    Row("PASV: malformed_address multi-line", OK, GET, (PASV,), "the last line counts"),
    Row("PASV: wrong_address", OK, GET, (PASV,), "the address is ignored since 7.74"),
    Row("PASV: wrong_address 127.0.0.2", NO_CONNECTION, ("--no-ftp-skip-pasv-ip", *GET), (PASV,)),
    Row("EPSV: refuse_data", OK, GET, PASSIVE, "PASV is next"),
    Row("EPSV|PASV: refuse_data", NO_CONNECTION, GET, PASSIVE),
    Row("EPSV: ignore_data", TIMED_OUT, (*BRIEF, *GET), (EPSV,)),
    Row("PASV: unreachable_data", TIMED_OUT, (*BRIEF, *GET), (PASV,)),
    Row("EPRT: not_implemented", OK, GET, (EPRT,), "PORT is next"),
    Row("EPRT|PORT: not_implemented", NO_PORT, GET, (EPRT,)),
    Row("EPRT: refuse_data", NO_FILE, GET, (EPRT,), "425 comes in place of 150"),
    Row("RETR: say 150 phase=command; answer 425", ACCEPT_FAILED, GET, (EPRT, PORT), "425 follows 150"),
    Row("PORT: ignore_data", TIMED_OUT, (*BRIEF, *GET), (PORT,), "12 is for its own limit of 60 s"),
    # Downloads.
    Row("RETR: deny", NOT_FOUND, GET, MOST, "550 is a file that is not there"),
    Row("RETR: not_implemented", NO_FILE, GET, MOST),
    Row("RETR: answer 450", NO_FILE, GET, MOST),
    Row("RETR: service_unavailable", TIMED_OUT, GET, MOST, OF_421),
    Row("RETR: ignore", TIMED_OUT, (*BRIEF, *GET), (EPSV,)),
    Row("RETR: no_preliminary", NO_FILE, GET, PASSIVE, "226 is not preliminary"),
    Row("RETR: preliminary 125", OK, GET, MOST),
    Row("RETR: early_reply", OK, GET, PASSIVE),
    Row("RETR: coalesce", OK, GET, PASSIVE),
    Row("RETR: repeat_reply", OK, GET, MOST, "the second is not read"),
    Row("RETR: drop_data after_bytes=1000", PARTIAL, GET, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("RETR: drop_data after_bytes=1000", PARTIAL, GET, (EPRT,), TOO_FAST, also=ACCEPT_FAILED),
    Row("RETR: drop_data", PARTIAL, GET, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("RETR: reset_data after_bytes=1000", RECEIVE_ERROR, GET, PASSIVE),
    Row("RETR: reset_data after_bytes=1000", RECEIVE_ERROR, GET, (EPRT,), TOO_FAST, also=ACCEPT_FAILED),
    Row("RETR: half_close_data at=50%", PARTIAL, GET, CLEAR),
    Row("RETR: fail 451 after_bytes=1000", PARTIAL, GET, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("RETR: fail 451 after_bytes=1000", PARTIAL, GET, (EPRT,), TOO_FAST, also=ACCEPT_FAILED),
    Row("RETR: read_error after_bytes=1000", PARTIAL, GET, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("RETR: truncate at=50%", PARTIAL, GET, MOST),
    Row("RETR: pad b'more'", OK, GET, MOST, SIZE_IS_BELIEVED),
    Row("RETR: garble_data", OK, GET, MOST, "curl verifies no checksum"),
    Row("RETR: stall_data after_bytes=1000", TIMED_OUT, (*BRIEF, *GET), MOST),
    Row("RETR: no_reply", TIMED_OUT, (*BRIEF, *GET), (EPSV,)),
    Row("RETR: reply 250", OK, GET, MOST),
    Row("RETR: reply 451", PARTIAL, GET, PASSIVE),
    Row("RETR: reply 451", PARTIAL, GET, (EPRT,), TOO_FAST, also=ACCEPT_FAILED),
    Row("RETR: mismatched_lines", NO_FILE, GET, MOST, "the code of the last line counts: 151 for 150"),
    Row("RETR: close phase=before_reply", RECEIVE_ERROR, GET, MOST),
    Row("RETR: reset phase=before_reply", RECEIVE_ERROR, GET, MOST),
    # Listings, whose size is unknown.
    Row("LIST: not_implemented", NO_FILE, LIST, MOST),
    Row("LIST: truncate after_bytes=10", OK, LIST, MOST, "curl cannot know"),
    Row("LIST: drop_data after_bytes=10", PARTIAL, LIST, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("LIST: reset_data after_bytes=10", RECEIVE_ERROR, LIST, PASSIVE),
    Row("LIST: no_close_notify", OK, LIST, SECURE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("NLST: answer 450", OK, NAMES, MOST, "an empty directory is listed so by some"),
    Row("NLST: answer 550", NO_FILE, NAMES, MOST, "only 450 is taken for an empty directory"),
    # Uploads.
    Row("STOR: deny", UPLOAD_FAILED, PUT, MOST),
    Row("STOR: not_implemented", UPLOAD_FAILED, PUT, MOST),
    Row("STOR: answer 552", UPLOAD_FAILED, PUT, MOST, "70 is for a disk that is full later"),
    Row("STOR: drop_data after_bytes=1000", SEND_ERROR, PUT_FOR_EVER, MOST),
    Row("STOR: reset_data after_bytes=1000", SEND_ERROR, PUT_FOR_EVER, MOST),
    Row("STOR: quota_exceeded after_bytes=1000", SEND_ERROR, PUT_FOR_EVER, MOST),
    Row("STOR: truncate after_bytes=1000", OK, PUT, MOST, "curl cannot know"),
    Row("STOR: stall_data after_bytes=1000", TIMED_OUT, (*BRIEF, *PUT_FOR_EVER), PASSIVE),
    Row("STOR: reply 552", DISK_FULL, PUT, MOST, "the manual says TFTP, libcurl-errors(3) any server"),
    Row("STOR: reply 452", PARTIAL, PUT, MOST, "only 552 is taken for a full disk (curl#6016)"),
    Row("STOR: no_reply", TIMED_OUT, (*BRIEF, *PUT), (EPSV,)),
    Row("STOR: close phase=before_reply", RECEIVE_ERROR, PUT, MOST),
    Row("STOR: reset phase=before_reply", RECEIVE_ERROR, PUT, MOST),
    # Everywhere, and QUIT.
    Row("*: slice 1", OK, GET, MOST),
    Row("*: delay 0.01", OK, GET, MOST),
    Row("QUIT: reset", OK, GET, MOST),
    Row("QUIT: close", OK, GET, MOST),
    # Encryption.
    Row("AUTH: not_implemented", NO_TLS, GET, (TLS,)),
    Row("AUTH: refuse_handshake", NO_HANDSHAKE, GET, (TLS,)),
    Row("AUTH: cut_handshake", NO_HANDSHAKE, GET, (TLS,)),
    Row("AUTH: stall_handshake", TIMED_OUT, (*BRIEF, *GET), (TLS,)),
    Row("CONNECT: refuse_handshake", NO_HANDSHAKE, GET, (IMPLICIT,)),
    Row("CONNECT: cut_handshake", NO_HANDSHAKE, GET, (IMPLICIT,)),
    Row("CONNECT: stall_handshake", TIMED_OUT, (*BRIEF, *GET), (IMPLICIT,)),
    Row("PBSZ: not_implemented", NO_TLS, GET, SECURE, "without PBSZ there is no PROT (RFC 4217 9)"),
    Row("PROT: not_implemented", NO_TLS, GET, SECURE),
    Row("EPSV: stall_handshake", TIMED_OUT, (*BRIEF, *GET), (TLS,)),
    Row("RETR: no_close_notify", OK, GET, SECURE, SIZE_IS_BELIEVED),
]

NAMED = [
    # From bug reports.
    Row("too-many-users", TIMED_OUT, GET, PASSIVE, OF_421),
    Row("banner-multi-line", OK, GET, PASSIVE),
    Row("login-430", LOGIN_DENIED, GET, PASSIVE),
    Row("pwd-not-utf8", OK, GET, PASSIVE, "the reply is not needed"),
    Row("two-replies-to-cwd", WEIRD_PASV, GET, PASSIVE, "replies are out of sync: PASV gets the reply to EPSV"),
    Row("stale-reply", NO_FILE, GET, MOST, "replies are read one too late: RETR gets what is SIZE's"),
    Row("epsv-refused", OK, GET, PASSIVE, "PASV is next"),
    Row("data-ports-used-up", WEIRD_PASV, GET, PASSIVE),
    Row("active-mode-refused", NO_PORT, GET, (EPRT,)),
    Row("data-connection-425", NO_FILE, GET, MOST),
    Row("150-then-425", PARTIAL, GET, PASSIVE, NO_NOTIFY, also=RECEIVE_ERROR),
    Row("150-then-425", PARTIAL, GET, (EPRT,), TOO_FAST, also=ACCEPT_FAILED),
    Row("no-transfer-timeout", TIMED_OUT, GET, MOST, OF_421),
    Row("control-lost-in-transfer", RECEIVE_ERROR, GET, CLEAR),
    Row("150-without-size", OK, GET, MOST),
    Row("200-for-226", PARTIAL, GET, MOST, "only 226 and 250 are taken for the end"),
    Row("rest-ignored", OK, RESUME, MOST, SIZE_IS_BELIEVED),
    Row("mdtm-in-local-time", OK, ("-R", *GET), PASSIVE),
    Row("upload-half-closed", TIMED_OUT, (*BRIEF, *PUT), (EPSV,)),
    Row("prot-p-required", NO_FILE, GET, (EPSV,)),
    Row("auth-refused", NO_TLS, GET, (TLS,)),
    Row(
        "injection-behind-auth", WEIRD_REPLY, GET, (TLS,), "what comes before the handshake is no reply (curl test983)"
    ),
]


@pytest.fixture
def ftp_config() -> dict[str, Any]:
    """Settings of all servers: no server times out before curl does."""
    return {"files": {"/in/a.bin": DATA}, "wait_future_timeout": 10}


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """The program without a settings file, in a folder with a file to send, and a part of a file to get."""
    program = Program("curl", tmp_path, "-q", "-sS", "--noproxy", "*")
    program.write("a.bin", DATA)
    program.write("got.bin", DATA[:1000])
    return program


def cases(rows: list[Row]) -> pytest.MarkDecorator:
    """Each row in each of its modes."""
    params = [pytest.param(row, mode, id=f"{row.fault}, {mode}") for row in rows for mode in row.modes]
    return pytest.mark.parametrize(("row", "mode"), params)


@pytest.mark.each_once
@cases(TABLE)
def test_exit_codes(ftp_server_factory: Callable[..., FtpServer], curl: Program, row: Row, mode: str) -> None:
    """Curl ends with the code of the fault."""
    check_exit_code(ftp_server_factory, curl, row, mode)


@pytest.mark.each_once
@cases(NAMED)
def test_named_faults(ftp_server_factory: Callable[..., FtpServer], curl: Program, row: Row, mode: str) -> None:
    """Curl ends with the code of a preset; the next run works."""
    server = check_exit_code(ftp_server_factory, curl, row, mode)

    server.faults.clear()
    options = (*MODES[mode], "--cacert", server.tls.ca_file)
    curl(*options, "-o", "healthy.bin", f"{server.url}/in/a.bin")
    curl(*options, "-T", "healthy.bin", f"{server.url}/in/c.bin")
    for verb in ("RETR", "STOR"):
        check(transfer(server, verb), DATA, mode="active" if mode in (EPRT, PORT) else "passive")


def check_exit_code(make: Callable[..., FtpServer], curl: Program, row: Row, mode: str) -> FtpServer:
    """Curl ends with the code of the fault, and the log has the fault; the server continues."""
    tls = "implicit" if mode == IMPLICIT else "explicit" if mode == TLS else None
    server = make(tls=tls, faults=[row.fault])
    call = (part.replace("{url}", server.url) for part in row.call)
    outcome = curl(*MODES[mode], "--cacert", server.tls.ca_file, *call, code=None)
    assert outcome.code in (row.code, row.also), f"{row.why}\n{outcome.text}"
    server.faults.assert_fired()
    assert {event.fault for event in server.faults.fired} == {str(armed.fault) for armed in server.faults.active}
    return server


@pytest.mark.parametrize("word", ["refuse_handshake", "cut_handshake"])
@pytest.mark.parametrize("call", [GET, PUT], ids=["download", "upload"])
def test_data_handshake(
    ftp_server_factory: Callable[..., FtpServer], curl: Program, word: str, call: tuple[str, ...]
) -> None:
    """A failed handshake on the data connection ends with the code for handshakes.

    Curl 7.88 may have sent TYPE by then, and gets out of sync with replies if that is answered first; after EPSV it
    even tries PASV. So TYPE waits, and EPSV is not sent.
    """
    faults = [f"PASV: {word}", "TYPE optional: delay 0.5"]
    server = ftp_server_factory(tls="explicit", faults=faults)
    options = ("--ssl-reqd", "--disable-epsv", "--cacert", server.tls.ca_file)
    curl(*options, *(part.replace("{url}", server.url) for part in call), code=NO_HANDSHAKE)
    server.faults.assert_fired()


def test_a_server_that_is_stopped_or_paused(ftp_server: FtpServer, curl: Program) -> None:
    """A stopped server refuses connections, a paused one does not answer, and a resumed one works again."""
    curl("-o", "got.bin", stopped := f"{ftp_server.url}/in/a.bin")
    ftp_server.stop()
    curl(stopped, code=NO_CONNECTION)
    ftp_server.start()
    ftp_server.pause()
    curl("--connect-timeout", "1", f"{ftp_server.url}/in/a.bin", code=TIMED_OUT)
    ftp_server.resume()
    curl("-o", "got.bin", f"{ftp_server.url}/in/a.bin")
    check(transfer(ftp_server, "RETR"), DATA)
