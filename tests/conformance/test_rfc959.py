"""RFC 959: every command, its success, and each of its failures, as tables of (section, script, expected).

A script is commands with ";" between. `<` before a command: a download over a new data connection; `>`: an upload of
`CONTENT`. What is expected is one word for each command: the codes of its replies, joined by "+".
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

import pytest

from ftpfixture import FtpServer, MemoryPathIO, Permission, ServerFailure, User
from ftpfixture.files.handles import universal_exception
from ftpfixture.wire.pathname import parse_257
from tests.support.raw import RawClient
from tests.support.rows import check_rows

Factory = Callable[..., FtpServer]

CONTENT = b"0123456789"
FILES = {"/a.txt": b"hello", "/b.txt": b"other", "/dir/inner.txt": b"inner", "/empty/": None, '/q"d/': None}


class Case(NamedTuple):
    """One row: section of the standard, script, expected replies, settings of the server."""

    section: str
    script: str
    expected: str
    settings: Mapping[str, Any] = {}

    def __str__(self) -> str:
        return f"{self.section} {self.script or 'connect'} -> {self.expected}"


def play(client: RawClient, script: str) -> str:
    """Run a script; the replies, in the notation of the tables."""
    return " ".join("+".join(_step(client, step)) for step in script.split(";"))


def _step(client: RawClient, step: str) -> list[str]:
    if step.startswith("<"):
        return client.fetch(step[1:])[0]
    if step.startswith(">"):
        return client.store(step[1:], CONTENT)
    return [client.code(step)]


def rights(*, path: str = "/", **given: bool) -> dict[str, Any]:
    """Settings for a user "user" with one permission."""
    return {"users": [User("user", "password", permissions=[Permission(path, **given)])]}


def failing(method: str, error: BaseException) -> dict[str, Any]:
    """Settings for a path layer one method of which raises `error`."""

    @universal_exception
    async def fail(*_: Any, **__: Any) -> Any:
        raise error

    return {"path_io_factory": type("FailingPathIO", (MemoryPathIO,), {method: fail})}


def os_error(number: int) -> OSError:
    """The error of a disk."""
    return OSError(number, os.strerror(number))


NO_PASSWORD = {"users": [User("ann", None), User(None, None)]}
ACCOUNT = {"users": [User("ann", "secret", account="ledger"), User("bob", None, account="purse")]}
BLANKS = {"users": [User("ann", ""), User("bob", "  a  b "), User("with space", "x")]}

COMMANDS = (
    "USER PASS ACCT CWD CDUP SMNT REIN QUIT PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO ABOR "
    "DELE RMD MKD PWD LIST NLST SITE SYST STAT HELP NOOP XCWD XCUP XPWD XMKD XRMD"
)
NEED_LOGIN = (
    "CWD /dir;CDUP;PORT 127,0,0,1,8,8;PASV;TYPE I;STRU F;MODE S;RETR /a.txt;STOR /x;STOU;APPE /x;ALLO 1;REST 0;"
    "RNFR /a.txt;RNTO /x;ABOR;DELE /a.txt;RMD /empty;MKD /x;PWD;LIST;NLST;SITE HELP;STAT /;XCWD /;XCUP;XPWD;"
    "XMKD /x;XRMD /empty"
)

ACCESS = {
    "USER": [
        Case("4.1.1", "USER user", "331"),
        Case("4.1.1", "USER nobody", "331"),
        Case("4.1.1", "USER", "501"),
        Case("4.1.1", "USER ann;PWD", "230 257", NO_PASSWORD),
        Case("4.1.1", "USER who-ever;PWD", "230 257", NO_PASSWORD),
        Case("4.1.1", "USER bob;PWD", "332 530", ACCOUNT),
        Case("4.1.1", "USER user;PASS password;USER user;PWD;PASS password;PWD", "331 230 331 530 230 257"),
        Case("4.1.1", "USER user;PASS password;USER zoe;PWD", "331 230 331 530"),
        Case("4.1.1", "USER user;USER with;PASS password", "331 331 530"),
        Case("4.1.1", "USER zoe;USER user;PASS password", "331 331 230"),
        Case("5.3.1", "user user;pass password", "331 230"),
    ],
    "PASS": [
        Case("4.1.1", "USER user;PASS password", "331 230"),
        Case("4.1.1", "USER user;PASS wrong;PWD", "331 530 530"),
        Case("4.1.1", "USER user;PASS", "331 530"),
        Case("4.1.1", "USER user;PASS password ", "331 530"),
        Case("4.1.1", "USER user;PASS PASSWORD", "331 530"),
        Case("4.1.1", "USER zoe;PASS password", "331 530"),
        Case("4.1.1", "PASS password", "503"),
        Case("4.1.1", "USER user;PASS password;PASS password", "331 230 503"),
        Case("4.1.1", "USER user;PASS wrong;PASS password;PWD", "331 530 230 257"),
        Case("4.1.1", "USER ann;PASS x;PWD", "230 202 257", NO_PASSWORD),
        Case("4.1.1", "USER ann;PASS secret", "331 332", ACCOUNT),
        Case("4.1.1", "USER ann;PASS wrong", "331 530", ACCOUNT),
        Case("4.1.1", "USER ann;PASS ", "331 230", BLANKS),
        Case("4.1.1", "USER ann;PASS", "331 230", BLANKS),
        Case("4.1.1", "USER bob;PASS   a  b ", "331 230", BLANKS),
        Case("4.1.1", "USER bob;PASS a  b", "331 530", BLANKS),
        Case("4.1.1", "USER with space;PASS x", "331 230", BLANKS),
    ],
    "ACCT": [
        Case("4.1.1", "USER ann;PASS secret;ACCT ledger;PWD", "331 332 230 257", ACCOUNT),
        Case("4.1.1", "USER bob;ACCT purse;PWD", "332 230 257", ACCOUNT),
        Case("4.1.1", "USER bob;ACCT ledger;PWD;ACCT purse;PWD", "332 530 530 230 257", ACCOUNT),
        Case("4.1.1", "USER ann;PASS secret;PWD;RETR /a.txt", "331 332 530 530", ACCOUNT),
        Case("4.1.1", "USER ann;ACCT ledger", "331 503", ACCOUNT),
        Case("4.1.1", "USER ann;PASS secret;USER ann;ACCT ledger", "331 332 331 503", ACCOUNT),
        Case("4.1.1", "ACCT ledger", "503"),
        Case("4.1.1", "USER user;PASS password;ACCT ledger", "331 230 202"),
    ],
    "REIN and QUIT": [
        Case("4.1.1", "REIN;USER user;PASS password", "220 331 230"),
        Case("4.1.1", "USER user;PASS password;REIN;PWD;PASS password", "331 230 220 530 503"),
        Case("4.1.1", "USER user;REIN;PASS password", "331 220 503"),
        Case("4.1.1", "QUIT", "221"),
        Case("4.1.1", "USER user;QUIT", "331 221"),
    ],
    "what needs a login": [
        *(Case("5.4", line, "530") for line in NEED_LOGIN.split(";")),
    ],
    "what needs none": [
        Case("5.4", "SYST;HELP;NOOP;STAT", "215 214 200 211"),
    ],
}

LOGGED_IN = {
    "access control": [
        Case("4.1.1", "CWD dir;CWD /empty;CWD /", "250 250 250"),
        Case("4.1.1", "CWD /none", "550"),
        Case("4.1.1", "CWD /a.txt", "550"),
        Case("4.1.1", "CWD dir;CWD", "250 250"),
        Case("4.1.1", "CWD /dir", "550", rights(path="/dir", readable=False)),
        Case("4.1.1", "CWD dir;CDUP;SIZE a.txt", "250 250 213"),
        Case("4.1.1", "CDUP;CDUP", "250 250"),
        Case(
            "4.1.1",
            "CWD dir;CDUP",
            "250 550",
            {"users": [User("user", "password", permissions=[Permission("/", readable=False), Permission("/dir")])]},
        ),
        Case("4.1.1", "SMNT /dir", "502"),
        Case("4.1.1", "CWD dir;REIN;USER user;PASS password;TYPE I;SIZE a.txt", "250 220 331 230 200 213"),
        Case("4.1.1", "RANG 0 1;REIN;USER user;PASS password;REST 1", "350 220 331 230 501"),  # TYPE A
        Case("4.1.1", "RNFR a.txt;REIN;USER user;PASS password;RNTO x", "350 220 331 230 503"),
        Case("4.1.1", "EPSV;REIN;USER user;PASS password;RETR a.txt", "229 220 331 230 425"),
        Case("4.1.1", "QUIT", "221"),
    ],
    "transfer parameters": [
        Case("4.1.2", "PORT 127,0,0,1,200,1", "200"),
        Case("4.1.2", "PORT", "501"),
        Case("4.1.2", "PORT 127,0,0,1,200", "501"),
        Case("4.1.2", "PORT 127,0,0,1,200,256", "501"),
        Case("4.1.2", "PORT 127,0,0,1,200,1,1", "501"),
        Case("4.1.2", "PORT 127.0.0.1.200.1", "501"),
        Case("4.1.2", "PORT a,b,c,d,e,f", "501"),
        Case("4.1.2", "PORT 127,0,0,2,200,1", "504"),
        Case("4.1.2", "PORT 127,0,0,1,3,255", "504"),
        Case("4.1.2", "PORT 127,0,0,1,0,25", "504"),
        Case("4.1.2", "EPSV ALL;PORT 127,0,0,1,200,1;PASV;EPSV", "200 503 503 229"),
        Case("4.1.2", "PASV", "227"),
        Case("4.1.2", "PASV;PASV", "227 227"),
        Case("4.1.2", "PASV x", "501"),
        Case("4.1.2", "TYPE A;TYPE A N;TYPE I;TYPE L 8;TYPE i;TYPE a n", "200 200 200 200 200 200"),
        Case("4.1.2", "TYPE A T;TYPE A C;TYPE E;TYPE E N;TYPE L 36", "504 504 504 504 504"),
        Case("4.1.2", "TYPE;TYPE X;TYPE A X;TYPE L;TYPE L 0;TYPE L x;TYPE I N", "501 501 501 501 501 501 501"),
        Case("4.1.2", "TYPE X;SIZE a.txt", "501 213"),
        Case("4.1.2", "STRU F;STRU f", "200 200"),
        Case("4.1.2", "STRU R;STRU P", "504 504"),
        Case("4.1.2", "STRU X;STRU;STRU FF", "501 501 501"),
        Case("4.1.2", "MODE S;MODE s", "200 200"),
        Case("4.1.2", "MODE B;MODE C", "504 504"),
        Case("4.1.2", "MODE X;MODE;MODE SS", "501 501 501"),
    ],
    "RETR": [
        Case("4.1.3", "<RETR a.txt", "150+226"),
        Case("4.1.3", "<RETR /dir/../dir/inner.txt", "150+226"),
        Case("4.1.3", "<RETR none;<RETR dir;<RETR a.txt/x;<RETR", "550 550 550 501"),
        Case("4.1.3", "<RETR a.txt", "550", rights(readable=False)),
        Case("4.1.3", "RETR a.txt", "425"),
        Case("4.1.3", "REST 6;<RETR a.txt;<RETR a.txt", "350 554 150+226"),
        Case("4.1.3", "<RETR a.txt", "450", failing("_open", os_error(errno.EBUSY))),
        Case("4.1.3", "<RETR a.txt", "550", failing("_open", os_error(errno.EACCES))),
        Case("4.1.3", "<RETR a.txt", "150+451", failing("read", os_error(errno.EIO))),
    ],
    "STOR": [
        Case("4.1.3", ">STOR new.txt;>STOR new.txt;SIZE new.txt", "150+226 150+226 213"),
        Case("4.1.3", ">STOR dir;>STOR /;>STOR none/x;>STOR a.txt/x", "553 553 553 553"),
        Case("4.1.3", ">STOR", "501"),
        Case("4.1.3", "STOR new.txt;SIZE new.txt", "425 550"),
        Case("4.1.3", ">STOR new.txt;>STOR a.txt", "550 550", rights(writable=False)),
        Case("4.1.3", ">STOR new.txt;>STOR a.txt", "550 150+226", rights(create=False)),
        Case("4.1.3", ">STOR new.txt;>STOR new.txt", "150+226 550", rights(overwrite=False)),
        Case("4.1.3", ">STOR dir/new.txt;>STOR new.txt", "550 150+226", rights(path="/dir", create=False)),
        Case("4.1.3", "REST 1;>STOR a.txt", "350 550", rights(overwrite=False)),
        Case("4.1.3", "REST 9;>STOR a.txt;>STOR a.txt", "350 554 150+226"),
        Case("4.1.3", ">STOR new.txt;DELE new.txt;>STOR b.txt", "150+452 250 150+226", {"quota": 24}),
        Case("4.1.3", ">STOR new.txt", "150+452", failing("write", os_error(errno.ENOSPC))),
        Case("4.1.3", ">STOR new.txt", "150+552", failing("write", os_error(errno.EDQUOT))),
        Case("4.1.3", ">STOR new.txt", "150+552", failing("write", os_error(errno.EFBIG))),
        Case("4.1.3", ">STOR new.txt", "150+451", failing("write", os_error(errno.EIO))),
        Case("4.1.3", ">STOR new.txt", "150+450", failing("write", os_error(errno.EBUSY))),
        Case("4.1.3", ">STOR new.txt", "450", failing("_open", os_error(errno.ETXTBSY))),
        Case("4.1.3", ">STOR new.txt", "553", failing("_open", os_error(errno.ENAMETOOLONG))),
        Case("4.1.3", ">STOR new.txt", "550", failing("_open", os_error(errno.EROFS))),
    ],
    "STOU": [
        Case("4.1.3", ">STOU;>STOU;>STOU a.txt", "150+226 150+226 150+226"),
        Case("4.1.3", "STOU", "425"),
        Case("4.1.3", ">STOU none/x", "553"),
        Case("4.1.3", ">STOU", "550", rights(create=False)),
        Case("4.1.3", ">STOU;>STOU a.txt", "150+226 150+226", rights(overwrite=False)),
        Case("4.1.3", ">STOU", "150+452", failing("write", os_error(errno.ENOSPC))),
    ],
    "APPE": [
        Case("4.1.3", ">APPE new.txt;>APPE a.txt", "150+226 150+226"),
        Case("4.1.3", ">APPE", "501"),
        Case("4.1.3", "APPE a.txt", "425"),
        Case("4.1.3", ">APPE dir;>APPE none/x", "553 553"),
        Case("4.1.3", ">APPE a.txt;>APPE new.txt", "550 150+226", rights(append=False)),
        Case("4.1.3", ">APPE a.txt;>APPE new.txt", "150+226 550", rights(create=False)),
        Case("4.1.3", ">APPE a.txt", "150+226", rights(overwrite=False)),
        Case("4.1.3", ">APPE a.txt", "150+552", failing("write", os_error(errno.EDQUOT))),
        Case("4.1.3", ">APPE a.txt", "450", failing("_open", os_error(errno.EBUSY))),
    ],
    "ALLO, REST": [
        Case("4.1.3", "ALLO 10;ALLO 10 R 5;ALLO 0;allo 10 r 5", "202 202 202 202"),
        Case("4.1.3", "ALLO;ALLO x;ALLO -1;ALLO 10 R;ALLO 10 X 5;ALLO 10 R x", "501 501 501 501 501 501"),
        Case("4.1.3", "ALLO 99;ALLO 100;ALLO 84", "552 552 202", {"quota": 99}),
        Case("4.1.3", "REST 0;REST 3;<RETR a.txt", "350 350 150+226"),
        Case("4.1.3", "REST;REST x;REST -1;REST 1 2;REST 0x1", "501 501 501 501 501"),
        Case("4.1.3", "TYPE A;REST 3;REST 0", "200 501 350"),
    ],
    "RNFR, RNTO": [
        Case("4.1.3", "RNFR a.txt;RNTO c.txt;SIZE c.txt;SIZE a.txt", "350 250 213 550"),
        Case("4.1.3", "RNFR dir;RNTO moved;SIZE moved/inner.txt", "350 250 213"),
        Case("4.1.3", "RNFR a.txt;RNTO b.txt;SIZE a.txt", "350 250 550"),
        Case("4.1.3", "RNFR none;RNFR a.txt/x;RNFR /;RNFR", "550 550 550 501"),
        Case("4.1.3", "RNTO c.txt", "503"),
        Case("4.1.3", "RNFR none;RNTO c.txt", "550 503"),
        Case("4.1.3", "RNFR a.txt;RNFR none;RNTO c.txt", "350 550 503"),
        Case("4.1.3", "RNFR a.txt;RNFR b.txt;RNTO c.txt;SIZE a.txt;SIZE b.txt", "350 350 250 213 550"),
        Case("4.1.3", "RNFR a.txt;RNTO none/x;RNTO c.txt;SIZE a.txt", "350 553 503 213"),
        Case("4.1.3", "RNFR a.txt;RNTO", "350 501"),
        Case("4.1.3", "RNFR dir;RNTO dir/x", "350 553"),
        Case("4.1.3", "RNFR a.txt;RNTO dir", "350 550"),
        Case("4.1.3", "RNFR a.txt", "550", rights(rename=False)),
        Case("4.1.3", "RNFR a.txt;RNTO dir/x", "350 550", rights(path="/dir", rename=False)),
        Case("4.1.3", "RNFR a.txt;RNTO x", "350 450", failing("rename", os_error(errno.EBUSY))),
        Case("4.1.3", "RNFR a.txt;RNTO x", "350 553", failing("rename", os_error(errno.EXDEV))),
    ],
    "ABOR": [
        Case("4.1.3", "ABOR", "226"),
        Case("4.1.3", "PASV;ABOR;RETR a.txt", "227 226 425"),
        Case("4.1.3", "PORT 127,0,0,1,200,1;ABOR;RETR a.txt", "200 226 425"),
    ],
    "DELE, RMD, MKD, PWD": [
        Case("4.1.3", "DELE a.txt;DELE a.txt", "250 550"),
        Case("4.1.3", "DELE none;DELE dir;DELE *.txt;DELE", "550 550 550 501"),
        Case("4.1.3", "DELE a.txt", "550", rights(delete=False)),
        Case("4.1.3", "DELE a.txt", "450", failing("unlink", os_error(errno.EBUSY))),
        Case("4.1.3", "DELE a.txt", "451", failing("unlink", os_error(errno.EIO))),
        Case("4.1.3", "RMD empty;RMD empty", "250 550"),
        Case("4.1.3", "RMD none;RMD a.txt;RMD dir;RMD /;RMD", "550 550 550 550 501"),
        Case("4.1.3", "RMD empty", "550", rights(delete=False)),
        Case("4.1.3", "RMD empty", "450", failing("rmdir", os_error(errno.EBUSY))),
        Case("4.1.3", "MKD new;CWD new", "257 250"),
        Case("4.1.3", "MKD dir;MKD a.txt;MKD none/x;MKD a.txt/x;MKD /;MKD", "550 550 550 550 550 501"),
        Case("4.1.3", "MKD new", "550", rights(mkdir=False)),
        Case("4.1.3", "MKD new;MKD dir/new", "257 550", rights(path="/dir", mkdir=False)),
        Case("4.1.3", "MKD new", "452", failing("mkdir", os_error(errno.ENOSPC))),
        Case("4.1.3", "PWD", "257"),
    ],
    "LIST, NLST": [
        Case("4.1.3", "<LIST;<LIST dir;<LIST a.txt;<LIST empty;<LIST -la", " ".join(["150+226"] * 5)),
        Case("4.1.3", "<LIST none;<LIST *.none", "550 550"),
        Case("4.1.3", "LIST", "425"),
        Case("4.1.3", "<LIST;<LIST dir", "550 550", rights(list=False)),
        Case("4.1.3", "<LIST;<LIST dir", "150+226 550", rights(path="/dir", list=False)),
        Case("4.1.3", "<LIST;<NLST;<RETR a.txt", "550 550 150+226", rights(list=False)),
        Case("4.1.3", "<NLST;<NLST dir;<NLST a.txt;<NLST empty", " ".join(["150+226"] * 4)),
        Case("4.1.3", "<NLST none", "550"),
        Case("4.1.3", "NLST", "425"),
        Case("4.1.3", "<NLST;<NLST dir", "150+226 550", rights(path="/dir", list=False)),
    ],
    "SITE, SYST, STAT, HELP, NOOP": [
        Case("4.1.3", "SITE HELP;SITE;SITE XYZZY", "214 501 504"),
        Case("4.1.3", "SYST", "215"),
        Case("4.1.3", "STAT;STAT dir;STAT a.txt;STAT /;STAT none", "211 212 213 212 550"),
        Case("4.1.3", "STAT dir", "550", rights(list=False)),
        Case("4.1.3", "HELP;HELP RETR;help retr;HELP XYZZY", "214 214 214 501"),
        Case("4.1.3", "NOOP", "200"),
    ],
    "what is not known": [
        Case("5.4", "XYZZY;XYZZY x", "502 502"),
    ],
    "experimental forms": [
        Case("1123 4.1.3.1", "XCWD dir;XPWD;XCUP;XPWD", "250 257 250 257"),
        Case("1123 4.1.3.1", "XMKD new;XRMD new;XRMD new", "257 250 550"),
        Case("1123 4.1.3.1", "XCWD none;XMKD dir;XRMD dir;XMKD;XRMD", "550 550 550 501 501"),
        Case("1123 4.1.3.1", "XMKD new;XRMD empty", "550 550", rights(writable=False)),
    ],
}


@pytest.mark.parametrize("subject", ACCESS)
def test_before_login(subject: str, ftp_server_factory: Factory) -> None:
    """Commands after the greeting get the replies of the table."""

    def check(case: Case) -> None:
        server = ftp_server_factory(**{"files": FILES, **case.settings})
        with RawClient(server.address) as client:
            assert client.reply().code == "220"
            assert play(client, case.script) == case.expected

    check_rows(ACCESS[subject], check)


@pytest.mark.parametrize("subject", LOGGED_IN)
def test_logged_in(subject: str, ftp_server_factory: Factory) -> None:
    """Commands after the login, in TYPE I, get the replies of the table, and the session continues."""

    def check(case: Case) -> None:
        server = ftp_server_factory(**{"files": FILES, **case.settings})
        with RawClient(server.address) as client:
            assert play(client.login(), case.script) == case.expected
            if not case.script.endswith("QUIT"):
                assert client.code("NOOP") == "200"

    check_rows(LOGGED_IN[subject], check)


def test_every_command_has_rows() -> None:
    """The tables have every command of RFC 959."""
    cases = [case for cases in (*ACCESS.values(), *LOGGED_IN.values()) for case in cases]
    steps = [step for case in cases for step in case.script.split(";")]
    assert set(COMMANDS.split()) <= {step.lstrip("<>").partition(" ")[0] for step in steps}


# Connecting and leaving


@pytest.mark.ftp(welcome_message="hello there")
def test_greeting_is_220(connect: Callable[[], RawClient]) -> None:
    """5.4: the first reply is 220, with the text of the setting."""
    reply = connect().reply()
    assert (reply.code, reply.text) == ("220", "hello there")


@pytest.mark.ftp(welcome_message=["one", "220 two", "three"])
def test_greeting_of_several_lines(connect: Callable[[], RawClient]) -> None:
    """4.2: a greeting may have several lines, with any text."""
    client = connect()
    assert client.reply().lines == ("one", "220 two", "three")
    assert client.code("NOOP") == "200"


@pytest.mark.ftp(maximum_connections=2)
def test_too_many_connections_get_421(connect: Callable[[], RawClient], ftp_server: FtpServer) -> None:
    """5.4: one session too many gets 421 instead of the greeting; the end of another makes room again."""
    first, second, third = connect(), connect(), connect()
    assert [client.reply().code for client in (first, second, third)] == ["220", "220", "421"]
    assert third.is_closed()
    assert first.code("QUIT") == "221"
    ftp_server.log.wait_for(lambda event: getattr(event, "reason", "") == "quit")
    assert connect().reply().code == "220"
    assert connect().reply().code == "421"
    assert second.code("NOOP") == "200"
    assert {session.reason for session in ftp_server.log.sessions} == {"refused", "quit", ""}


@pytest.mark.ftp(maximum_connections=2)
def test_of_connections_at_one_moment_the_first_stay(connect: Callable[[], RawClient], ftp_server: FtpServer) -> None:
    """If four clients were accepted before any greeting, the last two get the 421."""
    ftp_server.pause()
    clients = [connect() for _ in range(4)]
    ftp_server.resume()
    assert [client.reply().code for client in clients] == ["220", "220", "421", "421"]


def test_limit_per_user_is_530(ftp_server_factory: Factory) -> None:
    """5.4: a user with all sessions in use gets 530 at USER; others do not, and a session that ends makes room."""
    users = [User("user", "password", maximum_connections=1), User("ann", "secret")]
    server = ftp_server_factory(users=users)
    with RawClient(server.address) as first, RawClient(server.address) as second:
        first.login()
        assert second.reply().code == "220"
        assert play(second, "USER user;PASS password;PWD;USER ann;PASS secret") == "530 530 530 331 230"
        assert play(first, "REIN") == "220"
        assert play(second, "USER user;PASS password") == "331 230"
        assert play(first, "USER user") == "530"
        assert second.code("QUIT") == "221"
        server.log.wait_for(lambda event: getattr(event, "reason", "") == "quit")
        assert play(first, "USER user;PASS password") == "331 230"


def test_quit_closes(raw: RawClient, ftp_server: FtpServer) -> None:
    """4.1.1: after 221 the server closes."""
    assert raw.code("QUIT") == "221"
    assert raw.is_closed()
    ftp_server.log.wait_for(lambda event: getattr(event, "reason", "") == "quit")


# Texts that clients read


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize("verb", ["PWD", "XPWD"])
def test_pwd_doubles_quotes(raw: RawClient, verb: str) -> None:
    """Appendix II: the path is in quotes, and its own quotes are doubled."""
    assert raw.ask(verb).text.startswith('"/" ')
    assert raw.code('CWD q"d') == "250"
    assert raw.ask(verb).text.startswith('"/q""d" ')


@pytest.mark.parametrize("verb", ["MKD", "XMKD"])
def test_mkd_returns_the_absolute_path(raw: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """Appendix II: the 257 has the path so that CWD accepts it in any directory."""
    assert raw.code("MKD sub") == "257"
    assert raw.code("CWD sub") == "250"
    path = parse_257(raw.ask(f'{verb} new "one"').text)
    assert path == '/sub/new "one"'
    assert [raw.code("CWD /"), raw.code(f"CWD {path}")] == ["250", "250"]
    assert path in ftp_server.files.directories


def test_pasv_names_the_address_of_the_control_connection(raw: RawClient) -> None:
    """4.1.2 and RFC 1123: the 227 has six numbers, which are a listening port of the same host."""
    numbers = re.search(r"\((\d+,\d+,\d+,\d+,\d+,\d+)\)", raw.ask("PASV").text)
    assert numbers is not None
    *host, high, low = numbers[1].split(",")
    with socket.create_connection((".".join(host), int(high) * 256 + int(low)), 10) as data:
        assert data.getpeername()[0] == raw.sock.getpeername()[0]
        assert raw.code("LIST") == "150"
        assert raw.reply().code == "226"


@pytest.mark.real("sockets of the test occupy the ports")
def test_pasv_without_a_free_port_is_425(ftp_server_factory: Factory) -> None:
    """5.4: when every port of the range is in use PASV and EPSV get 425; a released port is used again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = ftp_server_factory(data_ports=[port], files=FILES)
        with RawClient(server.address) as client:
            assert play(client.login(), "PASV;EPSV;RETR a.txt;NOOP") == "425 425 425 200"
            taken.close()
            assert play(client, "<RETR a.txt;<RETR a.txt") == "150+226 150+226"


def test_one_data_port_serves_one_session_at_a_time(ftp_server_factory: Factory) -> None:
    """With one data port a second session gets 425 while the first waits, and the port after ABOR."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = ftp_server_factory(data_ports=[port])
    with RawClient(server.address) as first, RawClient(server.address) as second:
        first.login()
        second.login()
        assert [first.code("EPSV"), second.code("EPSV"), first.code("ABOR"), second.code("EPSV")] == [
            "229",
            "425",
            "226",
            "229",
        ]


@pytest.mark.ftp(files={"/a.txt": b"hello", "/a.txt.1": b"taken"})
@pytest.mark.parametrize(("line", "folder", "stem"), [("STOU", "/", "ftp"), ("STOU a.txt", "/", "a.txt")])
def test_stou_names_a_file_that_is_new(
    raw: RawClient, ftp_server: FtpServer, line: str, folder: str, stem: str
) -> None:
    """RFC 1123 4.1.2.9: the 1xx is `FILE: name`, and the bytes are under that name and nowhere else."""
    before = ftp_server.files.as_dict()
    names = []
    for number in range(3):
        data = raw.passive()
        reply = raw.ask(line)
        assert reply.code == "150"
        assert reply.text.startswith("FILE: ")
        names.append(reply.text.removeprefix("FILE: "))
        data.sendall(b"%d" % number)
        data.close()
        assert raw.reply().code == "226"
    assert len(set(names)) == 3
    assert all(name.startswith(stem) and folder + name not in before for name in names)
    assert ftp_server.files == {**before, **{folder + name: b"%d" % n for n, name in enumerate(names)}}


@pytest.mark.ftp(files={"/a.txt": b"hello"})
def test_150_has_the_size(raw: RawClient) -> None:
    """The 150 of a download in TYPE I has the exact size, which ftplib and curl read, and java.net.URL with a dot."""
    raw.passive()
    assert raw.ask("RETR a.txt").text.endswith("(5 bytes).")


def test_help_lists_every_command(raw: RawClient, ftp_server: FtpServer) -> None:
    """4.1.3: HELP names all commands that the server has, HELP with one of them explains it."""
    words = set(raw.ask("HELP").text.split())
    verbs = {verb.upper() for verb in ftp_server.server.commands_mapping if " " not in verb}
    assert verbs <= words
    assert {verb: raw.ask(f"HELP {verb}").code for verb in verbs} == dict.fromkeys(verbs, "214")
    assert "RETR <SP> pathname" in raw.ask("HELP retr").text


@pytest.mark.ftp(files=FILES)
def test_stat_of_a_path_lists_on_the_control_connection(raw: RawClient, ftp_server: FtpServer) -> None:
    """4.1.3: STAT with a path lists as LIST does, without a data connection."""
    reply = raw.ask("STAT dir")
    assert reply.code == "212"
    listed = raw.fetch("LIST dir")[1].decode().splitlines()
    assert [line.strip() for line in reply.lines[1:-1]] == listed
    assert len(ftp_server.log.transfers) == 1


# What transfers do to files


@pytest.mark.ftp(files=FILES)
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (">STOR a.txt", b"0123456789"),
        (">APPE a.txt", b"hello0123456789"),
        ("REST 2;>STOR a.txt", b"he0123456789"),
        ("REST 2;>APPE a.txt", b"he0123456789"),
        ("REST 2;REST 0;>STOR a.txt", b"0123456789"),
        ("REST 2;<RETR b.txt;>STOR a.txt", b"0123456789"),
        ("REST 2;>STOR none/x;>STOR a.txt", b"0123456789"),
        ("RNFR b.txt;RNTO a.txt", b"other"),
    ],
)
def test_content_after(raw: RawClient, ftp_server: FtpServer, script: str, expected: bytes) -> None:
    """4.1.3 and RFC 3659 5: STOR replaces, APPE appends, REST keeps the bytes before it and applies to one transfer."""
    play(raw, script)
    assert ftp_server.files["/a.txt"] == expected


@pytest.mark.ftp(files=FILES)
def test_rest_applies_once(raw: RawClient) -> None:
    """4.1.3: RETR after REST begins there; the next one begins at the start."""
    assert raw.code("REST 2") == "350"
    assert raw.fetch("RETR a.txt") == (["150", "226"], b"llo")
    assert raw.fetch("RETR a.txt") == (["150", "226"], b"hello")
    assert raw.code("REST 5") == "350"
    assert raw.fetch("RETR a.txt") == (["150", "226"], b"")


@pytest.mark.ftp(quota=24, files={"/a.txt": b"hello"})
def test_452_leaves_the_session_and_other_files_alone(raw: RawClient, ftp_server: FtpServer) -> None:
    """5.4: an upload over the quota gets 452; nothing else changes, and smaller files are still stored."""
    data = raw.passive()
    assert raw.code("STOR big.bin") == "150"
    data.sendall(bytes(100))
    data.close()
    assert raw.reply().code == "452"
    assert ftp_server.files["/a.txt"] == b"hello"
    assert sum(map(len, ftp_server.files.values())) <= 24
    ftp_server.files.pop("/big.bin", None)
    assert raw.store("STOR fits.bin", CONTENT) == ["150", "226"]


# ABOR in a transfer


def test_abor_in_an_upload(raw: RawClient, ftp_server: FtpServer) -> None:
    """4.1.3: the transfer gets 426, the ABOR 226, and both connections are as the RFC requires."""
    data = raw.passive()
    assert raw.code("STOR new.bin") == "150"
    assert [raw.code("ABOR"), raw.reply().code] == ["426", "226"]
    assert data.recv(1) == b""
    assert raw.code("NOOP") == "200"
    ftp_server.log.assert_sequence("STOR new.bin -> 426", "ABOR -> 226")


@pytest.mark.ftp(files=FILES, wait_future_timeout=30)
def test_abor_while_a_transfer_waits_for_its_data_connection(raw: RawClient, ftp_server: FtpServer) -> None:
    """A transfer without its data connection is aborted in the same way."""
    assert raw.code("EPSV") == "229"
    raw.send("RETR a.txt")
    ftp_server.log.wait_for("RETR")
    assert [raw.code("ABOR"), raw.reply().code] == ["426", "226"]
    assert play(raw, "NOOP;<RETR a.txt") == "200 150+226"


@pytest.mark.ftp(files={"/big.bin": bytes(32 << 20)})
def test_client_that_drops_a_download_gets_426(raw: RawClient, ftp_server: FtpServer) -> None:
    """5.4: when the data connection breaks the transfer gets 426, and the session continues."""
    data = raw.passive()
    assert raw.code("RETR big.bin") == "150"
    assert data.recv(1)
    data.close()
    assert raw.reply().code == "426"
    assert raw.code("NOOP") == "200"
    assert ftp_server.log.transfers[0].completed is False


# Unexpected exceptions


@pytest.mark.parametrize(
    ("method", "script", "expected", "verb"),
    [
        ("unlink", "DELE a.txt", "451", "DELE"),
        ("mkdir", "MKD new", "451", "MKD"),
        ("rename", "RNFR a.txt;RNTO b.txt", "350 451", "RNTO"),
        ("read", "<RETR a.txt", "150+451", "RETR"),
        ("write", ">STOR new.txt", "150+451", "STOR"),
        ("_open", "<RETR a.txt", "451", "RETR"),
        ("lstat", "<LIST", "451", "LIST"),
    ],
)
def test_unexpected_exception_is_451_and_a_failure(
    ftp_server_factory: Factory, method: str, script: str, expected: str, verb: str
) -> None:
    """5.4: an unexpected error of a path layer is 451 for the client, and check() raises it in the test, once."""
    server = ftp_server_factory(files=FILES, **failing(method, ZeroDivisionError("layer")))
    with RawClient(server.address) as client:
        assert play(client.login(), script) == expected
        assert client.code("NOOP") == "200"
    with pytest.raises(ServerFailure, match=f"{verb} raised .*") as caught:
        server.check()
    assert "layer" in str(caught.value)
    server.check()


def test_expected_errors_are_no_failures(ftp_server_factory: Factory) -> None:
    """An OSError of a path layer is a reply, not a failure of the server."""
    server = ftp_server_factory(files=FILES, **failing("unlink", os_error(errno.EIO)))
    with RawClient(server.address) as client:
        assert play(client.login(), "DELE a.txt") == "451"
    server.check()


class NoNewFiles(MemoryPathIO):
    """A user's path layer: its errors have no number."""

    @universal_exception
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Refuse."""
        raise PermissionError("not here")


def test_error_without_a_number_is_known_by_its_class(ftp_server_factory: Factory) -> None:
    """A PermissionError without an errno is 550, like one with it."""
    server = ftp_server_factory(path_io_factory=NoNewFiles)
    with RawClient(server.address) as client:
        assert play(client.login(), "MKD new") == "550"


@pytest.mark.parametrize(
    "verb", ["RETR", "STOR", "APPE", "DELE", "RMD", "MKD", "RNFR", "SIZE", "MDTM", "HASH", "XMD5", "XCRC"]
)
def test_a_missing_path_is_501(raw: RawClient, verb: str) -> None:
    """5.4: a command that needs a path gets 501 without one."""
    assert raw.code(verb) == "501"
