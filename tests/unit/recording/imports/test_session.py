"""Replies find their commands, and transfers their data connections."""

from __future__ import annotations

from tests.support.logs import events_of, imported, remarks_of
from tests.support.rows import check_rows

BEGIN = "< 220 Hi\n> USER ann\n< 230 In\n"


def _events(log: str) -> list[str]:
    """The events after the login, without the end."""
    return events_of(imported(f"{BEGIN}{log}").recording).splitlines()[4:-1]


def test_replies_during_a_transfer_stand_at_their_places() -> None:
    """NOOP, STAT and ABOR get their replies while a transfer runs; its end stands before its final reply."""
    log = """> PASV
< 227 ok (1,2,3,4,5,6)
> RETR a
< 150 Go
> NOOP
< 200 ok
> ABOR
< 426 Aborted
< 226 ABOR ok
> SYST
< 215 UNIX
"""
    assert _events(log) == [
        "> PASV passive",
        "< 227 ok ({address})",
        "> RETR a",
        "< 150 Go",
        "> NOOP",
        "< 200 ok",
        "> ABOR",
        "= down AS 0 generated eof",
        "< 426 Aborted",
        "< 226 ABOR ok",
        "> SYST",
        "< 215 UNIX",
    ]


def test_a_client_that_does_not_wait() -> None:
    """Commands that were sent at once get their own replies at once, so that another client gets them, too."""
    log = "> TYPE I\n> CWD a\n> PWD\n< 200 ok\n< 550 No\n< 257 /\n"
    assert _events(log) == ["> TYPE I", "< 200 ok", "> CWD a", "< 550 No", "> PWD", "< 257 /"]
    assert remarks_of(imported(f"{BEGIN}{log}")) == (
        "7 this reply was put at its command on line 4: TYPE\n8 this reply was put at its command on line 5: CWD\n"
    )


def test_what_is_missing_stays_missing() -> None:
    """A command without a reply gets none; a reply that no command waits for is sent where it was."""
    log = "> NOOP\n> PWD\n< 257 /\n< 200 late\n> SYST\n< 215 a\n< 215 again\n"
    assert _events(log) == ["> NOOP", "< 200 late", "> PWD", "< 257 /", "> SYST", "< 215 a", "< 215 again"]
    assert "10 no command waits for this reply" in remarks_of(imported(f"{BEGIN}{log}"))
    log = "> NOOP\n> PWD\n< 257 /\n"
    assert _events(log) == ["> NOOP", "> PWD", "< 257 /"]
    assert remarks_of(imported(f"{BEGIN}{log}")) == "4 NOOP has no reply in the log: the server sends none\n"
    assert imported(f"{BEGIN}{log}").recording.header.loose == ("PWD",), "NOOP has no reply that a replay could send"


def test_a_reply_without_its_last_line() -> None:
    """When a command follows, the line was cut out; at the end of the log, the server stops there."""
    assert _events("> FEAT\n< 211-A\n<  SIZE\n> PWD\n< 257 /\n")[:2] == ["> FEAT", "< 211-A| SIZE|211 End"]
    result = imported(f"{BEGIN}> FEAT\n< 211-A\n<  SIZE\n")
    assert events_of(result.recording).splitlines()[4:] == ["> FEAT", "< 211-A| SIZE", "* closed client eof"]


def test_lines_inside_a_reply_without_their_sign() -> None:
    """They belong to the reply, with a remark.

    Seen in: lavv17/lftp#184.
    """
    log = "> FEAT\n< 211-A\n SIZE\n MDTM\n< 211 End\n"
    assert _events(log) == ["> FEAT", "< 211-A| SIZE| MDTM|211 End"]
    assert remarks_of(imported(f"{BEGIN}{log}")) == (
        "6 this line was taken for one of the reply that begins on line 5\n"
        "7 this line was taken for one of the reply that begins on line 5\n"
    )


def test_data_connections() -> None:
    """What the replies to a transfer say of its data connection."""

    def check(row: tuple[str, list[str]]) -> None:
        replies, events = row
        log = f"> PASV\n< 227 ok (1,2,3,4,5,6)\n> {replies}"
        assert _events(log)[2:] == events

    check_rows(
        [
            ("RETR a\n< 550 No\n", ["> RETR a", "< 550 No"]),
            ("RETR a\n< 226 Done\n", ["> RETR a", "= down AS 0 generated eof", "< 226 Done"]),
            (
                "RETR a\n< 150 a (1,234 bytes)\n< 426 No\n",
                ["> RETR a", "< 150 a (1,234 bytes)", "= down AS 1234 generated eof", "< 426 No"],
            ),
            (
                "STOR a\n< 150 Go\n} [7 bytes data]\n< 226 ok\n",
                ["> STOR a", "< 150 Go", "= up AS 7 generated eof", "< 226 ok"],
            ),
            ("LIST\n< 150 Go\n* Connection timed out after 9 ms\n< 425 No\n", ["> LIST", "< 150 Go", "< 425 No"]),
            ("RETR a\n< 150 Go\n", ["> RETR a", "< 150 Go"]),
            (
                "RETR a\n< 150 Go\n{ [7 bytes data]\n* Recv failure: Connection reset by peer\n",
                ["> RETR a", "< 150 Go", "= down AS 7 generated rst"],
            ),
        ],
        check,
    )


def test_settings_of_a_transfer() -> None:
    """TYPE, MODE, REST and PROT count when the server accepts them."""
    log = "> TYPE I\n< 504 No\n> MODE Z\n< 200 ok\n> PROT P\n< 534 No\n> REST 3\n< 350 ok\n"
    log += "> PASV\n< 227 (1,2,3,4,5,6)\n> RETR a\n< 150 a (10 bytes)\n< 226 Done\n"
    assert "= down AZ 7 at 3 generated eof" in _events(log)


def test_several_sessions() -> None:
    """A greeting that no command waits for begins the next session; the replies to HOST and REIN are no greetings."""
    log = "> REIN\n< 220 Again\n> HOST a\n< 220 ok\n> FEAT\n< 220 Hi\n> QUIT\n< 221 Bye\n< 220 Hi\n"
    events = events_of(imported(f"{BEGIN}{log}").recording)
    assert events.count("* connected") == 3
    assert events.splitlines()[4:11] == [
        *("> REIN", "< 220 Again", "> HOST a", "< 220 ok", "> FEAT", "* closed client eof", "* connected"),
    ]


def test_an_end_of_tls_on_the_control_connection() -> None:
    """CCC ends it where the server accepts it."""
    log = "> AUTH TLS\n< 234 Go\n> CCC\n< 200 Clear\n"
    assert _events(log) == ["> AUTH TLS", "< 234 Go", "* tls", "> CCC", "< 200 Clear", "* clear"]
