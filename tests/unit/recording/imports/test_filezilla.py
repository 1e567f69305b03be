"""Message logs of FileZilla."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of


def test_a_window() -> None:
    """Copied from the window: tabs or spaces after the word; a line of a reply without its space gets it again."""
    log = """
        Status:\tConnecting to 192.0.2.7:21...
        Status:\tConnection established, waiting for welcome message...
        Response:\t220 Hi
        Command:\tUSER ann
        Response:\t331 Password
        Command:\tPASS *****
        Response:\t230 In
        Command:\tFEAT
        Response:\t211-Features
        Response:\tUTF8
        Response:\t211 End
        Status:\tRetrieving directory listing...
        Command:\tPASV
        Response:\t227 Entering passive mode (192,0,XXX,XXX,128,133).
        Command:\tMLSD
        Response:\t150 Go
        Error:\tThe data connection could not be established: ETIMEDOUT - Connection attempt timed out
        Response:\t421 Timeout.
        Error:\tFailed to retrieve directory listing
    """
    result = imported(log)
    assert result.format == "filezilla"
    assert events_of(result.recording).splitlines()[6:] == [
        "> FEAT",
        "< 211-Features| UTF8|211 End",
        "> PASV passive",
        "< 227 Entering passive mode ({address}).",
        "> MLSD",
        "< 150 Go",
        "< 421 Timeout.",
        "* closed server eof",
    ]
    assert remarks_of(result) == "", "the client could not connect, so the log has no data"


def test_the_login_that_is_left_out() -> None:
    """FileZilla shows the login of explicit TLS as messages only: the commands are added, and reported."""
    log = """
        Status: Connection established, waiting for welcome message...
        Status: Initializing TLS...
        Status: TLS connection established.
        Status: Logged in
        Status: Starting download of /a.csv
        Command: PASV
        Response: 227 Entering Passive Mode (192,0,2,7,4,1)
        Command: RETR a.csv
        Response: 150 Go
        Response: 226 Done
        Status: File transfer successful, transferred 1,234 bytes in 1 second
    """
    result = imported(log)
    assert events_of(result.recording).splitlines() == [
        "* connected",
        "< 220 Service ready",
        "> AUTH TLS",
        "< 234 Ready for TLS",
        "* tls",
        "> USER {user}",
        "< 331 Password required",
        "> PASS {password}",
        "< 230 Logged in",
        "> PBSZ 0",
        "< 200 PBSZ=0",
        "> PROT P",
        "< 200 Private",
        "> PASV passive",
        "< 227 Entering Passive Mode ({address})",
        "> RETR a.csv",
        "< 150 Go",
        "= down AS 1234 generated eof TLS",
        "< 226 Done",
        "* closed client eof",
    ]
    assert remarks_of(result) == (
        "3 the log begins later than the session: '220 Service ready' was added\n"
        "6 the log has TLS without its commands: AUTH TLS with positive replies was added\n"
        "6 the log has no login: USER {user}, PASS {password}, PBSZ 0, PROT P with positive replies were added\n"
        "8 the log does not have the data of RETR: 1234 bytes were generated\n"
    )


def test_a_log_file_with_two_connections() -> None:
    """In a log file the number of the connection says whose line it is; implicit TLS begins before the greeting."""
    log = """
        2025-10-06 09:24:23 45012 1 Status: Connection established, initializing TLS...
        2025-10-06 09:24:23 45012 2 Status: Connection established, initializing TLS...
        2025-10-06 09:24:23 45012 1 Response: 220 Hi
        2025-10-06 09:24:23 45012 2 Response: 220 Hi
        2025-10-06 09:24:23 45012 1 Command: FEAT
        2025-10-06 09:24:23 45012 2 Command: SYST
        2025-10-06 09:24:23 45012 1 Trace: CFtpControlSocket::OnReceive()
        2025-10-06 09:24:23 45012 1 Response: 502 No
        2025-10-06 09:24:23 45012 2 Error: Disconnected from server: ECONNABORTED - Connection aborted
    """
    result = imported(log)
    assert result.recording.header.tls == "implicit"
    assert events_of(result.recording).splitlines() == [
        *("* connected", "* tls", "< 220 Hi", "> FEAT", "< 502 No", "* closed client eof"),
        *("* connected", "* tls", "< 220 Hi", "> SYST", "* closed server eof"),
    ]


def test_other_languages() -> None:
    """The words before the colon are those of FileZilla in the language of the user."""
    for command, reply in (
        ("Befehl", "Antwort"),
        ("Commande", "Réponse"),
        ("Comando", "Respuesta"),
        ("Команда", "Ответ"),
    ):
        result = imported(f"{reply}:\t220 Hi\n{command}:\tUSER a\n{reply}:\t530 No\n")
        assert result.format == "filezilla"
        assert events_of(result.recording).splitlines()[1:4] == ["< 220 Hi", "> USER {user}", "< 530 No"]
