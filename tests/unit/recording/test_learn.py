"""What a living server gets from a recording."""

from __future__ import annotations

from pathlib import PurePosixPath

from ftpfixture.recording.learn import Account, learn
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import table

NOW = 1_767_225_600.0


@table(
    ("session", "account"),
    [
        (LOGIN, Account("user", "password", None, PurePosixPath("/"))),
        (LOGIN + '> PWD\n< 257 "/home/x"', Account("user", "password", None, PurePosixPath("/home/x"))),
        (LOGIN.replace("> USER {user}", "> USER ann"), Account("ann", "password", None, PurePosixPath("/"))),
        ("< 220 Hi\n> USER ftp\n< 230 In", Account("ftp", None, None, PurePosixPath("/"))),
        (
            LOGIN.replace("230 Welcome", "332 Account") + "> ACCT {account}\n< 230 In",
            Account("user", "password", "account", PurePosixPath("/")),
        ),
        (LOGIN.replace("230 Welcome", "530 No"), None),
    ],
)
def test_users_are_those_who_have_logged_in(session: str, account: Account | None) -> None:
    """With what they sent, and where they were then."""
    assert learn(recorded(session), NOW).users == (() if account is None else (account,))


def test_one_user_of_many_sessions_is_one() -> None:
    """A refused attempt before counts for nothing."""
    failed = LOGIN.replace("230 Welcome", "530 No")

    assert [account.login for account in learn(recorded(failed, LOGIN, LOGIN), NOW).users] == ["user"]


@table(
    ("line", "style"),
    [
        ("-rw-r--r-- 1 ann staff 8 Jan 01 2000 a", "unix"),
        ("01-02-20  03:04PM                 8 a", "msdos"),
        ("01-02-2020  03:04PM                 8 a", "msdos4"),
        ("+r,s8,\\ta", "eplf"),
        ("QSYS                  8 11/14/23 22:13:20 *STMF      a", "os400"),
        ("       8    NOV-14-2023  22:13:20   a", "vxworks"),
        ("                 8          A 11-14-23 22:13  a", "os2"),
        ("- [RWCEAFMS] ann                         8 Jan 01 2000 a", "netware"),
        ("-rw-r--r-- 1 ann staff 8 2023-11-14 22:13:20.000000000 +0000 a", "full-iso"),
        ("A.TXT;1              1/2   1-JAN-2020 12:00:00  [ANN]     (RWED,RWED,RE,)", "vms"),
    ],
)
def test_the_format_of_listings(line: str, style: str) -> None:
    """That of most lines of LIST, or the nearest that a server can write."""
    dialogue = "> EPSV opens passive\n< 229 (|||{port}|)\n> LIST\n< 150 Go\n= down " + line + "\\r\\n eof\n< 226 Done"

    assert learn(recorded(LOGIN + dialogue), NOW).persona.list_style == style


def test_tls_is_that_of_the_recording() -> None:
    """Clients of a learnt server ask for TLS in the same way."""
    assert learn(recorded(LOGIN), NOW).tls is None
    assert learn(recorded(LOGIN, tls="explicit"), NOW).tls == "explicit"
