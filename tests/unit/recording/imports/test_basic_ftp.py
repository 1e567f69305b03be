"""Logs of basic-ftp."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of


def test_a_session() -> None:
    """Only the first line of a reply has a sign; a reply to EPSV with the form of PASV stays one."""
    log = """
        Connected to ftp.example.com:21 (No encryption)
        < 220-Welcome
        220-to ftp.example.com

        220 Ready

        Login security: No encryption
        > USER ###
        < 331 Password required for ###

        > PASS ###
        < 230 Logged on

        > FEAT
        < 211-Extensions:
         UTF8
        211 End.

        Trying to find optimal transfer strategy...
        > EPSV
        < 227 Entering Passive Mode (192,0,2,7,119,66).

        Error: Can't parse response to 'EPSV': 227 Entering Passive Mode (192,0,2,7,119,66).
            at parseEpsvResponse (transfer.js:1:1)
    """
    result = imported(log)
    assert result.format == "basic-ftp"
    assert events_of(result.recording).splitlines()[1:] == [
        "< 220-Welcome|220-to {host}|220 Ready",
        "> USER {user}",
        "< 331 Password required for ###",
        "> PASS {password}",
        "< 230 Logged on",
        "> FEAT",
        "< 211-Extensions:| UTF8|211 End.",
        "> EPSV passive",
        "< 227 Entering Passive Mode ({address}).",
        "* closed client eof",
    ]
    assert remarks_of(result) == ""


def test_clients_that_write_the_same() -> None:
    """Signs of ftpConnect for Flutter: it has the same signs behind a time and the prefix of Android's log."""
    log = """
        I/flutter ( 6516): [10.03.2022 09:19:23.090] < 230 Login successful.
        I/flutter ( 6516): [10.03.2022 09:19:23.092] Connected!
        I/flutter ( 6516): [10.03.2022 09:19:23.125] > SIZE /a.zip
        I/flutter ( 6516): [10.03.2022 09:19:23.931] < 213 100
        I/flutter ( 6516): [10.03.2022 09:19:24.782] > EPSV
        I/flutter ( 6516): [10.03.2022 09:19:25.589] < 229 Entering Extended Passive Mode (|||30000|)
        I/flutter ( 6516): [10.03.2022 09:19:25.589] > RETR /a.zip
        I/flutter ( 6516): [10.03.2022 09:19:25.589] < 150 Go
        I/flutter ( 6516): [10.03.2022 09:19:25.589] < 426 Broken
    """
    result = imported(log)
    assert result.format == "basic-ftp"
    assert events_of(result.recording).splitlines() == [
        "* connected",
        "< 220 Service ready",
        "> USER {user}",
        "< 331 Password required",
        "> PASS {password}",
        "< 230 Login successful.",
        "> SIZE /a.zip",
        "< 213 100",
        "> EPSV passive",
        "< 229 Entering Extended Passive Mode (|||{port}|)",
        "> RETR /a.zip",
        "< 150 Go",
        "= down AS 100 generated eof",
        "< 426 Broken",
        "* closed client eof",
    ]
