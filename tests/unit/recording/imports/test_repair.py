"""The beginning and the end of a session that a log does not have."""

from __future__ import annotations

from tests.support.logs import events_of, imported
from tests.support.rows import check_rows

GREETING = ["< 220 Service ready"]
USER = ["> USER {user}", "< 331 Password required"]
PASS = ["> PASS {password}", "< 230 Logged in"]


def test_the_beginning() -> None:
    """A log that begins later gets the greeting and the login; one that has them, or ends before, gets nothing."""

    def check(row: tuple[str, list[str]]) -> None:
        log, events = row
        assert events_of(imported(log, "curl").recording).splitlines()[1:-1] == events

    check_rows(
        [
            ("> CWD a\n< 250 ok", [*GREETING, *USER, *PASS, "> CWD a", "< 250 ok"]),
            ("< 220 Hi\n> CWD a\n< 250 ok", ["< 220 Hi", *USER, *PASS, "> CWD a", "< 250 ok"]),
            ("< 220 Hi\n> CWD a\n< 530 No", ["< 220 Hi", "> CWD a", "< 530 No"]),
            ("> PASS b\n< 230 ok", [*GREETING, *USER, "> PASS {password}", "< 230 ok"]),
            ("> USER a\n< 230 ok", [*GREETING, "> USER {user}", "< 230 ok"]),
            ("> FEAT\n< 502 No", [*GREETING, "> FEAT", "< 502 No"]),
            ("> FEAT\n< 502 No\n> PWD\n< 257 /", [*GREETING, "> FEAT", "< 502 No", *USER, *PASS, "> PWD", "< 257 /"]),
            ("< 331 Go on\n> PASS b\n< 230 ok", [*GREETING, USER[0], "< 331 Go on", "> PASS {password}", "< 230 ok"]),
            ("< 230 In\n> PWD\n< 257 /", [*GREETING, *USER, PASS[0], "< 230 In", "> PWD", "< 257 /"]),
            ("< 226 Done\n> PWD\n< 257 /", [*GREETING, *USER, *PASS, "> PWD", "< 257 /"]),
            ("< 421 Full\n> FEAT", ["< 421 Full", "> FEAT"]),
        ],
        check,
    )


def test_the_end() -> None:
    """The server closes where the log says so, and after 221 and 421; QUIT is answered."""

    def check(row: tuple[str, list[str]]) -> None:
        log, events = row
        assert events_of(imported(f"< 220 Hi\n{log}", "curl").recording).splitlines()[2:] == events

    check_rows(
        [
            ("> QUIT\n< 221 Bye", ["> QUIT", "< 221 Bye", "* closed server eof"]),
            ("> FEAT\n< 502 No\n> QUIT", ["> FEAT", "< 502 No", "* closed client eof"]),
            ("> FEAT\n< 421 Idle", ["> FEAT", "< 421 Idle", "* closed server eof"]),
            ("> FEAT", ["> FEAT", "* closed client eof"]),
            ("> FEAT\n* response reading failed", ["> FEAT", "* closed server eof"]),
        ],
        check,
    )
