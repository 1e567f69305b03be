"""Logs of lftp."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of


def test_a_session() -> None:
    """Messages of lftp are known; the data are not in the log, and replies are in the order of the log."""
    log = """
        ---- Connecting to ftp.example.com (192.0.2.7) port 21
        <--- 220 ftp.example.com ready
        ---> FEAT
        <--- 211-Extensions:
        <---  MLSD
        <--- 211 End
        ---> AUTH TLS
        <--- 234 Go
        ---> USER ann
        Certificate: CN=ftp
         Issued by: CN=ca
        WARNING: Certificate verification: hostname checking disabled
        <--- 331 Password
        ---> PASS XXXX
        <--- 230 In
        ---> PROT P
        <--- 200 Private
        ---> PASV
        <--- 227 Entering Passive Mode (X,X,X,X,32,2)
        ---- Connecting data socket to (192.0.2.7) port 8194
        ---- Data connection established
        ---> RETR a
        <--- 150 Opening for a (12 bytes)
        <--- 226-Done
        <--- 226 in no time
        ---- Got EOF on data connection
        ---- Closing data socket
        ---> QUIT
        ---- Closing control socket
    """
    result = imported(log)
    assert result.format == "lftp"
    assert events_of(result.recording).splitlines() == [
        "* connected",
        "< 220 {host} ready",
        "> FEAT",
        "< 211-Extensions:| MLSD|211 End",
        "> AUTH TLS",
        "< 234 Go",
        "* tls",
        "> USER {user}",
        "< 331 Password",
        "> PASS {password}",
        "< 230 In",
        "> PROT P",
        "< 200 Private",
        "> PASV passive",
        "< 227 Entering Passive Mode ({address})",
        "> RETR a",
        "< 150 Opening for a (12 bytes)",
        "= down AS 12 generated eof TLS",
        "< 226-Done|226 in no time",
        "* closed client eof",
    ]
    assert remarks_of(result) == (
        "22 the log does not have the data of RETR: 12 bytes were generated\n"
        "28 QUIT has no reply in the log: the server sends 221\n"
    )


def test_a_log_file_and_a_second_session() -> None:
    """A log file has time and host before each sign; a new connection is a new session."""
    log = """
        2022-11-28 18:03:10 ftp.example.com ---- Connecting to ftp.example.com (192.0.2.7) port 21
        2022-11-28 18:03:10 ftp.example.com <--- 220 Hi
        2022-11-28 18:03:10 ftp.example.com ---> FEAT
        2022-11-28 18:03:10 ftp.example.com **** Peer closed connection
        2022-11-28 18:04:10 ftp.example.com ---- Connecting to ftp.example.com (192.0.2.7) port 21
        2022-11-28 18:04:10 ftp.example.com <--- 421 Too many
    """
    result = imported(log)
    assert events_of(result.recording).splitlines() == [
        *("* connected", "< 220 Hi", "> FEAT", "* closed server eof"),
        *("* connected", "< 421 Too many", "* closed server eof"),
    ]
