"""Logs of FluentFTP."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of


def test_a_session() -> None:
    """Calls and messages mean nothing, durations are cut off, and the lines of FEAT get their space again."""
    log = """
        # Connect(False)
        Status:   FluentFTP 49.0.2.0(.NET 6.0)
        Status:   Connecting to IP #1= ***:21
        Response: 220-FileZilla Server 1.8.1
        Response: 220 Please visit [738969.366d]
        Command:  USER ***
        Status:   Waiting for response to: USER ***
        Response: 331 Please, specify the password. [3ms]
        Command:  PASS ***
        Response: 230 Login successful. [2,326s]
        Command:  FEAT
        Response: 211-Features:
        Response: MDTM
        Response: 211 End [<1ms]

        # OpenPassiveDataStream(AutoPassive, "LIST", 0)
        Command:  EPSV
        Response: 229 Entering Extended Passive Mode (|||33055|)
        Status:   Connecting to ***:33055
        Command:  LIST
        Response: 150 Go
        +---------------------------------------+
        Listing:  -rw-r--r-- 1 a b 8 Jan  1  2020 a.csv
        -----------------------------------------
        Status:   Disposing FtpSocketStream...
        Timed out trying to read data from the socket stream!
          + FluentFTP.FtpSocketStream.Read(byte[], int, int)
    """
    result = imported(log)
    assert result.format == "fluentftp"
    assert events_of(result.recording).splitlines() == [
        "* connected",
        "< 220-FileZilla Server 1.8.1|220 Please visit",
        "> USER {user}",
        "< 331 Please, specify the password.",
        "> PASS {password}",
        "< 230 Login successful.",
        "> FEAT",
        "< 211-Features:| MDTM|211 End",
        "> EPSV passive",
        "< 229 Entering Extended Passive Mode (|||{port}|)",
        "> LIST",
        "< 150 Go",
        "= down AS 39 eof",
        "* closed client eof",
    ]
    assert remarks_of(result) == (
        "20 LIST has no final reply in the log: the server sends the data and no reply, and the client waits\n"
    )


def test_replies_with_the_last_line_first() -> None:
    """Older versions write the last line of a reply before the others."""
    log = """
        # Connect()
        Status:   Connecting to X
        Response: 220 Hello!
        Command:  FEAT
        Response: 211 End
        Response: 211-Extensions supported:
        Response: MDTM
        Response: UTF8
        Command:  SYST
        Response: 215 UNIX
    """
    result = imported(log)
    assert events_of(result.recording).splitlines()[1:-1] == [
        "< 220 Hello!",
        "> FEAT",
        "< 211-Extensions supported:| MDTM| UTF8|211 End",
        "> SYST",
        "< 215 UNIX",
    ]
    assert remarks_of(result) == "5 the last line of this reply, which the log has first, was moved\n"


def test_implicit_tls() -> None:
    """A handshake before the greeting is that of implicit TLS."""
    log = """
        # Connect()
        Status:   Connecting to 192.0.2.7:990
        Status:   FTPS Authentication Successful
        Response: 220 WS_FTP
        Command:  USER a
        Response: 530 No
    """
    recording = imported(log).recording
    assert recording.header.tls == "implicit"
    assert events_of(recording).splitlines()[:3] == ["* connected", "* tls", "< 220 WS_FTP"]
