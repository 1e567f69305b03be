"""How ftplib handles faults of the control connection, and the command after the fault."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.lab import Lab

both = pytest.mark.parametrize("lab", ["clear", "explicit"], indirect=True)

SILENT = "TimeoutError: timed out"
DEAD = "OSError: cannot read from timed out object"  # the error of a socket after a timeout
END = "EOFError: "
RESET = "ConnectionResetError: Connection reset by peer"
GOES_ON = "200 Nothing done"


class Row(NamedTuple):
    """An action, a fault, the outcome, and the outcome of a NOOP after it."""

    action: str
    fault: str
    outcome: str
    then: str = GOES_ON


TABLE = [
    Row("greet", "CONNECT: service_unavailable Full", "error_temp: 421 Full", END),
    Row("greet", "CONNECT: answer 500 Closed", "error_perm: 500 Closed"),
    Row("greet", "CONNECT: answer 120 Soon", "120 Soon"),
    Row("greet", "CONNECT: answer_raw b'Welcome\\r\\n220 Ready\\r\\n'", "error_proto: Welcome", "220 Ready"),
    Row("greet", "CONNECT: ignore", SILENT, DEAD),
    Row("greet", "CONNECT: stall", SILENT, DEAD),
    Row("greet", "CONNECT: close", END, END),
    Row("greet", "CONNECT: half_close phase=before_reply", END, END),
    Row("greet", "CONNECT: mismatched_lines", SILENT, DEAD),
    Row("greet", "CONNECT: repeat_reply", "220 welcome", "220 welcome"),
    Row("greet", "CONNECT: garble", "320 welcome"),
    Row("greet", "CONNECT: slice 1", "220 welcome"),
    Row("greet", "CONNECT: say 230 In phase=before_reply", "230 In", "220 welcome"),
    Row("login", "USER: answer 230 In", "230 In"),
    Row("login", "USER: service_unavailable Full", "error_temp: 421 Full", END),
    Row("login", "USER: ignore", SILENT, DEAD),
    Row("login", "USER: reply 332 Account", "230 Login successful"),
    Row("login", "PASS: deny", "error_perm: 550 Permission denied"),
    Row("login", "PASS: answer 430 Later", "error_temp: 430 Later"),
    Row("login", "PASS: answer 332 Account", "error_perm: 503 Login first"),
    Row("login", "PASS: reply 202 Superfluous", "202 Superfluous"),
    Row("login", "PASS: close", END, END),
    Row("login", "PASS: reset", RESET, RESET),
    Row("login", "PASS: stall phase=before_reply", SILENT, DEAD),
    Row("login", "PASS: repeat_reply", "230 Login successful", "230 Login successful"),
    Row("cwd", "CWD: not_implemented", "error_perm: 502 Command not implemented"),
    Row("cwd", "CWD: answer 450 Busy", "error_temp: 450 Busy"),
    Row("cwd", "CWD: answer 350 More", "error_reply: 350 More"),
    Row("cwd", "CWD: service_unavailable Bye", "error_temp: 421 Bye", END),
    Row("cwd", "CWD: ignore", SILENT, DEAD),
    Row("cwd", "CWD: no_reply", SILENT, DEAD),
    Row("cwd", "CWD: delay_to_next", SILENT, DEAD),
    Row("cwd", "CWD: stall", SILENT, DEAD),
    Row("cwd", "CWD: mismatched_lines", SILENT, DEAD),
    Row("cwd", "CWD: answer_raw b'250\\n'", "250"),
    Row("cwd", "CWD: answer_raw b'nonsense\\r\\n'", "error_proto: nonsense"),
    Row("cwd", "CWD: reply 200 Fine", "200 Fine"),
    Row("cwd", "CWD: repeat_reply", "250 Directory changed to /dir", "250 Directory changed to /dir"),
    Row("cwd", "CWD: say 226 Late", "250 Directory changed to /dir", "226 Late"),
    Row("cwd", "CWD: say 226 Early phase=before_reply", "226 Early", "250 Directory changed to /dir"),
    Row("cwd", "CWD: slice 1", "250 Directory changed to /dir"),
    Row("cwd", "CWD: delay 0.01 jitter=0.01", "250 Directory changed to /dir"),
    Row("cwd", "CWD: close", END, END),
    Row("cwd", "CWD: half_close", END, END),
    Row("cwd", "CWD: reset", RESET, RESET),
    Row("cwd", "CWD: close phase=after_reply", "250 Directory changed to /dir", END),
    Row("size", "SIZE: wrong_size 4", "10"),
    Row("size", "SIZE: not_implemented", "error_perm: 502 Command not implemented"),
    Row("size", "SIZE: reply_raw b'213 x\\r\\n'", "ValueError: invalid literal for int() with base 10: 'x'"),
    Row("get", "PASV: not_implemented", "error_perm: 502 Command not implemented"),
    Row("get", "PASV: answer 425 Full", "error_temp: 425 Full"),
    Row("get", "PASV: wrong_address", "226 Transfer complete"),
    Row("get", "PASV: wrong_address 127.0.0.1 1", "ConnectionRefusedError: Connection refused"),
    Row("get", "PASV: malformed_address", "226 Transfer complete"),
    Row("get", "PASV: malformed_address multi-line", "226 Transfer complete"),
    Row("get", "PASV: malformed_address empty", "error_proto: 227 Entering Passive Mode"),
    Row("get", "PASV: stall", SILENT, DEAD),
    Row("get", "PASV: repeat_reply", "226 Transfer complete"),
    Row("get", "RETR: deny", "error_perm: 550 Permission denied"),
    Row("get", "RETR: answer 425 'No data'", "error_temp: 425 No data"),
    Row("get", "RETR: service_unavailable Bye", "error_temp: 421 Bye", END),
    Row("get", "RETR: ignore", SILENT, DEAD),
    Row("get", "RETR: preliminary 125", "226 Transfer complete"),
    Row("get", "RETR: no_preliminary", SILENT, DEAD),
    Row("get", "RETR: no_reply", SILENT, DEAD),
    Row("get", "RETR: delay_to_next", SILENT, DEAD),
    Row("get", "RETR: mismatched_lines", SILENT, DEAD),
    Row("get", "RETR: reply 250 Done", "250 Done"),
    Row("get", "RETR: reply 451 Oh", "error_temp: 451 Oh"),
    Row("get", "RETR: early_reply", "226 Transfer complete"),
    Row("get", "RETR: wrong_size 4", "226 Transfer complete"),
    Row("get", "RETR: slice 1", "226 Transfer complete"),
    Row("get", "RETR: repeat_reply", "226 Transfer complete", "226 Transfer complete"),
    Row("get", "RETR: say 299 Hm phase=after_150", "299 Hm", "226 Transfer complete"),
    Row("get", "RETR: say 299 Hm phase=before_reply", "299 Hm", "226 Transfer complete"),
    Row("get", "RETR: say 299 Hm", "226 Transfer complete", "299 Hm"),
    Row("get", "RETR: close after_bytes=3", END, END),
    Row("get", "RETR: half_close after_bytes=3", END, END),
    Row("get", "RETR: reset after_bytes=3", RESET, RESET),
    Row("get", "RETR: close phase=before_reply", END, END),
    Row("get", "RETR: reset phase=before_150", RESET, RESET),
    Row("get", "RETR: stall phase=before_150", SILENT, DEAD),
    Row("get", "RETR: stall phase=before_reply", SILENT, DEAD),
    Row("put", "STOR: answer 552 Full", "error_perm: 552 Full"),
    Row("put", "STOR: service_unavailable Bye", "error_temp: 421 Bye", END),
    Row("put", "STOR: no_reply", SILENT, DEAD),
    Row("put", "STOR: reply 452 Full", "error_temp: 452 Full"),
    Row("put", "STOR: early_reply", "226 Transfer complete"),
    Row("put", "STOR: repeat_reply", "226 Transfer complete", "226 Transfer complete"),
    Row("put", "STOR: close phase=before_reply", END, END),
    Row("put", "STOR: reset phase=before_reply", RESET, RESET),
    Row("nlst", "NLST: answer 450 Empty", "error_temp: 450 Empty"),
    Row("nlst", "NLST: answer 226 Empty", SILENT, DEAD),
    Row("nlst", "NLST: repeat_reply", "['a.txt', 'b.txt', 'big.bin', 'c.txt', 'dir']", "226 Transfer complete"),
    Row("quit", "QUIT: ignore", SILENT, DEAD),
    Row("quit", "QUIT: stall", SILENT, DEAD),
    Row("quit", "QUIT: no_reply", END, END),
    Row("quit", "QUIT: close", END, END),
    Row("quit", "QUIT: reset", RESET, RESET),
    Row("quit", "QUIT: answer 500 Stay", "error_perm: 500 Stay"),
    Row("quit", "QUIT: repeat_reply", "221 Goodbye", "closed"),
    Row("abort", "ABOR: not_implemented", "error_proto: 502 Command not implemented", ""),
    Row("abort", "ABOR: ignore", SILENT, DEAD),
    Row("abort", "ABOR: no_reply", "426 Transfer aborted"),
    Row("abort", "RETR: no_reply", "226 Abort successful"),
    Row("abort", "ABOR: repeat_reply", "426 Transfer aborted", "226 Abort successful"),
]


def text_of(error: Exception) -> str:
    """The class of an error, and its message."""
    if isinstance(error, TimeoutError):
        return SILENT  # SSL has other messages for it
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


@pytest.fixture
def ftp(lab: Lab) -> Iterator[ftplib.FTP]:
    """A client that is not connected."""
    client = ftplib.FTP_TLS(context=lab.server.tls.client_context()) if lab.server.server.ssl else ftplib.FTP()
    yield client
    client.close()


def act(ftp: ftplib.FTP, action: str) -> object:
    """Perform an action with a client that is logged in; returns its result."""
    match action:
        case "cwd":
            return ftp.cwd("dir")
        case "size":
            return ftp.size("a.txt")
        case "get":
            content: list[bytes] = []
            reply = ftp.retrbinary("RETR b.txt", content.append)
            assert b"".join(content) == b"0123456789"
            return reply
        case "put":
            return ftp.storbinary("STOR new.txt", io.BytesIO(b"new"))
        case "nlst":
            return ftp.nlst()
        case "quit":
            return ftp.quit()
        case "abort":
            with ftp.transfercmd("RETR big.bin") as data:
                data.recv(10)
                return ftp.abort()
    raise AssertionError(action)


def attempt(ftp: ftplib.FTP, lab: Lab, row: Row) -> object:
    """Prepare the action of a row, add the fault, and perform the action."""
    server, patience = lab.server, 0.3 if row.outcome == SILENT else 10
    if row.action == "greet":
        lab.add(row.fault)
        return ftp.connect(server.host, server.port, patience)
    ftp.connect(server.host, server.port, 10)
    if isinstance(ftp, ftplib.FTP_TLS):
        ftp.auth()
    if row.action != "login":
        ftp.login(*server.credentials)
        ftp.voidcmd("TYPE I")
    if isinstance(ftp, ftplib.FTP_TLS) and row.action != "login":
        ftp.prot_p()
    lab.add(row.fault)
    ftp.timeout = patience
    ftp.sock.settimeout(patience)  # type: ignore[union-attr]
    return ftp.login(*server.credentials) if row.action == "login" else act(ftp, row.action)


@pytest.mark.each_once
@both
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.fault)
def test_ftplib(ftp: ftplib.FTP, lab: Lab, row: Row) -> None:
    """The outcome is this value or this exception, and the next command has this outcome."""
    try:
        outcome = str(attempt(ftp, lab, row))
    except Exception as error:
        outcome = text_of(error)
    # Before 3.13 ftplib sees a reset under TLS as a close.
    assert outcome == row.outcome or (lab.server.server.ssl and (outcome, row.outcome) == (END, RESET))
    lab.server.faults.assert_fired()
    lab.server.faults.clear()
    try:
        then = ftp.sendcmd("NOOP") if ftp.sock else "closed"
    except Exception as error:
        then = text_of(error)
    if row.then in (END, DEAD, RESET):
        assert not then[:3].isdigit()
    else:
        assert row.then in (then, "")


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("not_implemented", "error_perm: 502 Command not implemented"),
        ("answer 431 Later", "error_temp: 431 Later"),
        ("service_unavailable Bye", "error_temp: 421 Bye"),
        ("close", END),
        ("reset", RESET),
        ("stall", SILENT),
        ("no_reply", SILENT),
        ("stall phase=after_reply", SILENT),
        ("slice 1", "234 AUTH TLS successful"),
        ("repeat_reply", "234 AUTH TLS successful"),
        ("say_raw b'331 Injected\\r\\n230 Injected\\r\\n'", "234 AUTH TLS successful"),
    ],
)
def test_ftplib_at_auth(ftp: ftplib.FTP_TLS, lab: Lab, fault: str, outcome: str) -> None:
    """Faults of AUTH; ftplib does not read bytes after its reply that were sent without TLS."""
    ftp.connect(lab.server.host, lab.server.port, 10)
    lab.add(f"AUTH #1: {fault}")
    ftp.sock.settimeout(0.3 if outcome == SILENT else 10)  # type: ignore[union-attr]
    try:
        what = ftp.auth()
        assert ftp.login(*lab.server.credentials) == "230 Login successful"
    except Exception as error:
        what = text_of(error)
    assert what == outcome
    lab.server.faults.assert_fired()
