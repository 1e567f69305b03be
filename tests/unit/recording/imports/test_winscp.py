"""Session logs of WinSCP."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of


def test_a_session() -> None:
    """Lines of a listing and the size of a transfer are messages; all other messages mean nothing."""
    log = """
        . 2017-06-03 23:27:07.001 --------------------------------------------------------------------------
        . 2017-06-03 23:27:07.001 WinSCP Version 5.9
        . 2017-06-03 23:27:07.001 Connecting to ftp.example.com ...
        . 2017-06-03 23:27:07.002 Connected with ftp.example.com. Waiting for welcome message...
        < 2017-06-03 23:27:07.003 220 ftp.example.com
        > 2017-06-03 23:27:07.003 USER ann
        < 2017-06-03 23:27:07.003 331 Password
        > 2017-06-03 23:27:07.003 PASS ********
        < 2017-06-03 23:27:07.003 230 In
        > 2017-06-03 23:27:07.434 EPSV
        < 2017-06-03 23:27:07.434 229 Entering Extended Passive Mode (|||5233|)
        > 2017-06-03 23:27:07.434 MLSD
        . 2017-06-03 23:27:07.434 Connecting to 0000:0000:0000:0000:0000:0000:0000:0001:5242 ...
        < 2017-06-03 23:27:07.435 150 Go
        . 2017-06-03 23:27:07.443 Data connection closed
        . 2017-06-03 23:27:07.443 type=dir;modify=20160930164600; $RECYCLE.BIN
        < 2017-06-03 23:27:07.443 226 Done
        . 2017-06-03 23:27:07.443 Directory listing successful
        > 2017-06-03 23:27:07.448 TYPE I
        < 2017-06-03 23:27:07.448 200 I
        > 2017-06-03 23:27:07.449 EPSV
        < 2017-06-03 23:27:07.449 229 Entering Extended Passive Mode (|||5235|)
        > 2017-06-03 23:27:07.434 RETR a.exe
        < 2017-06-03 23:27:07.435 150 Go
        < 2017-06-03 23:27:07.443 226 Done
        . 2017-06-03 23:27:07.444 Transfer done: 'a.exe' [36]
        . 2017-06-03 23:27:09.444 Disconnected from server
    """
    result = imported(log)
    assert result.format == "winscp"
    assert events_of(result.recording).splitlines()[1:] == [
        "< 220 {host}",
        "> USER {user}",
        "< 331 Password",
        "> PASS {password}",
        "< 230 In",
        "> EPSV passive",
        "< 229 Entering Extended Passive Mode (|||{port}|)",
        "> MLSD",
        "< 150 Go",
        "= down AS 46 eof",
        "< 226 Done",
        "> TYPE I",
        "< 200 I",
        "> EPSV passive",
        "< 229 Entering Extended Passive Mode (|||{port}|)",
        "> RETR a.exe",
        "< 150 Go",
        "= down IS 36 generated eof",
        "< 226 Done",
        "* closed server eof",
    ]
    assert remarks_of(result) == "23 the log does not have the data of RETR: 36 bytes were generated\n"


def test_transfers_in_the_background() -> None:
    """Each has a connection of its own, named in brackets; a log that begins inside a session gets a login."""
    log = """
        > 2017-09-10 13:32:47.704 [Background 1] TYPE I
        > 2017-09-10 13:32:47.704 PWD
        < 2017-09-10 13:32:47.804 [Background 1] 200 TYPE is now 8-bit binary
        < 2017-09-10 13:32:47.804 257 "/"
    """
    result = imported(log)
    assert [line for line in events_of(result.recording).splitlines() if line[:8] not in ("> USER {", "> PASS {")] == [
        *("* connected", "< 220 Service ready", "< 331 Password required", "< 230 Logged in"),
        *("> TYPE I", "< 200 TYPE is now 8-bit binary", "* closed client eof"),
        *("* connected", "< 220 Service ready", "< 331 Password required", "< 230 Logged in"),
        *("> PWD", '< 257 "/"', "* closed client eof"),
    ]
