"""Logs of Python's ftplib with a debug level."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of
from tests.support.rows import check_rows


def test_level_1() -> None:
    """Replies of several lines are one literal; a listing is printed between the two replies."""
    log = r"""
        >>> ftp.login()
        *resp* '220 Hello'
        *cmd* 'USER anonymous'
        *resp* '331 Password'
        *cmd* 'PASS **********'
        *resp* '230-Long\n  text\n230 In'
        *welcome* '220 Hello'
        *cmd* 'TYPE A'
        *resp* '200 ok'
        *cmd* 'PASV'
        *resp* '227 Entering Passive Mode (192,0,2,7,4,1).'
        *cmd* 'LIST'
        *resp* '150 Here'
        total 2
        -rw-r--r--    1 0        0               8 Aug 20  2004 a.csv
        *resp* '226 Done'
        *cmd* 'QUIT'
        *resp* '221 Bye'
    """
    result = imported(log)
    assert result.format == "ftplib"
    assert events_of(result.recording).splitlines()[5:] == [
        "< 230-Long|  text|230 In",
        "> TYPE A",
        "< 200 ok",
        "> PASV passive",
        "< 227 Entering Passive Mode ({address}).",
        "> LIST",
        "< 150 Here",
        "= down AS 72 eof",
        "< 226 Done",
        "> QUIT",
        "< 221 Bye",
        "* closed server eof",
    ]
    assert remarks_of(result) == ""


def test_level_2() -> None:
    """The lines of the wire count; `*cmd*` and `*resp*` say the same again."""
    log = r"""
        *get* '220 Hi\r\n'
        *resp* '220 Hi'
        *cmd* 'SYST'
        *put* 'SYST\r\n'
        *get* '215-UNIX\n'
        *get* '215 Type: L8\n'
        *resp* '215-UNIX\n215 Type: L8'
        *put urgent* b'ABOR\r\n'
        *get* '225 Nothing\n'
        *resp* '225 Nothing'
    """
    assert events_of(imported(log).recording).splitlines()[1:-1] == [
        "< 220 Hi",
        "> SYST",
        "< 215-UNIX|215 Type: L8",
        "> ABOR",
        "< 225 Nothing",
    ]


def test_wrapped_and_truncated() -> None:
    """A literal goes on in the next line; one without an end is the end of the log."""
    log = """
        *resp* '220 A text that a terminal has wr
        apped'
        *cmd* 'FEAT'
        *resp* '211-Features
    """
    result = imported(log)
    assert events_of(result.recording).splitlines()[1:4] == [
        "< 220 A text that a terminal has wrapped",
        "> FEAT",
        "< 211-Features",
    ]
    assert remarks_of(result) == (
        "1 lines of a text that was wrapped were joined\n4 the end of this text is missing\n"
        "4 this reply has no last line in the log: the server stops here, and the client waits\n"
    )


def test_exceptions_are_the_end() -> None:
    """The exception of a traceback says how the server closed; a timeout is a server that waits."""
    rows = {
        "EOFError": "* closed server eof",
        "ConnectionResetError: [Errno 104] Connection reset by peer": "* closed server rst",
        "TimeoutError: timed out": "* closed client eof",
        "socket.timeout: timed out": "* closed client eof",
    }

    def check(row: tuple[str, str]) -> None:
        error, end = row
        log = (
            "*resp* '220 Hi'\n*cmd* 'FEAT'\nTraceback (most recent call last):\n"
            f'  File "a.py", line 1, in <module>\n    ftp.sendcmd("FEAT")\n{error}\n'
        )
        result = imported(log)
        assert events_of(result.recording).splitlines()[-1] == end
        assert len(result.remarks) == 1

    check_rows(rows.items(), check)
