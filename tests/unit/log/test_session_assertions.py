"""Assertions on sessions: what passes, and the text of failures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.log import CommandLog
from ftpfixture.wire.patterns import sent
from tests.support.story import Story, failure_of


def failure_lines(check: Callable[[], object]) -> list[str]:
    """Return the lines of a failure above the dialogue."""
    return failure_of(check).partition("\n\n")[0].splitlines()


def quit_(story: Story, session: int = 1) -> None:
    """A client sends QUIT, and the session ends."""
    story.say("QUIT", "221", session)
    story.disconnect(session, "quit")


# Logins.


def test_a_login(story: Story) -> None:
    """The first session of the user is returned."""
    story.login(1, "ann")
    story.login(2, "bob")

    assert story.log.assert_logged_in().number == 1
    assert story.log.assert_logged_in("bob").number == 2
    assert story.log.assert_logged_in("bob", session=2).number == 2


def test_a_login_of_another_user_fails(story: Story) -> None:
    """The text has the users who logged in, and the refused logins."""
    story.login(1, "ann")
    story.connect(2)
    story.say("USER bob", "331", 2)
    story.say("PASS wrong", "530", 2)

    assert failure_lines(lambda: story.log.assert_logged_in("bob")) == [
        "expected a login as 'bob'; logged in: ann",
        "refused:",
        "    2.500 PASS ***** -> 530 (session 2)",
    ]
    assert failure_lines(lambda: story.log.assert_logged_in("bob", session=1)) == [
        "expected a login as 'bob' in session 1; logged in: ann"
    ]


def test_no_login_fails(story: Story) -> None:
    """The text reports that there was no login."""
    assert failure_lines(story.log.assert_logged_in) == ["expected a login; logged in: no user"]


def test_an_earlier_login_of_a_session_counts(story: Story) -> None:
    """After REIN a session may have another user; both logged in. `clear` forgets the first."""
    story.login(1, "ann")
    story.say("REIN", "220")
    story.login(1, "bob")
    assert story.log.assert_logged_in("ann").user == "bob"

    story.log.clear()

    assert story.log.assert_logged_in("bob").number == 1
    assert failure_lines(lambda: story.log.assert_logged_in("ann"))[0] == "expected a login as 'ann'; logged in: bob"


# The end.


def test_all_sessions_quit(story: Story) -> None:
    """A QUIT that was accepted is enough: the connection may close later."""
    story.login(1)
    story.login(2)
    quit_(story, 1)
    story.say("QUIT", "221", 2)

    story.log.assert_all_quit()


def test_sessions_without_quit_fail(story: Story) -> None:
    """The text lists them, and how they ended."""
    for session in range(1, 5):
        story.login(session)
    quit_(story, 1)
    story.disconnect(2, "client closed")
    story.say("QUIT", "500", 3)

    assert failure_lines(story.log.assert_all_quit) == [
        "expected QUIT in each session; 3 of 4 had none:",
        "    session 2, user ann, ended: client closed",
        "    session 3, user ann, still open",
        "    session 4, user ann, still open",
    ]


def test_without_a_session_no_session_quit(story: Story) -> None:
    """An empty log is a failure."""
    assert failure_lines(story.log.assert_all_quit) == ["expected QUIT in each session; no client connected"]


# How many.


def test_the_number_of_sessions(story: Story) -> None:
    """`count` is exact; the text lists the sessions."""
    story.log.assert_sessions(0)
    assert failure_lines(lambda: story.log.assert_sessions(1)) == ["expected 1 session, seen 0"]
    story.login(1)
    story.connect(2)
    story.log.assert_sessions(2)

    assert failure_lines(lambda: story.log.assert_sessions(count=3)) == [
        "expected 3 sessions, seen 2:",
        "    session 1, user ann, still open",
        "    session 2, not logged in, still open",
    ]


def test_sessions_at_once(story: Story) -> None:
    """A session lasts until its QUIT or, without one, until its connection closed."""
    story.login(1)
    story.say("QUIT", "221", 1)
    story.login(2)
    story.disconnect(1, "quit")
    story.disconnect(2, "client closed")
    story.login(3)
    story.log.assert_sessions(3, at_most_at_once=1)

    story.login(4)

    assert failure_lines(lambda: story.log.assert_sessions(at_most_at_once=1)) == [
        "expected at most 1 session at once; 2 at 5.750:",
        "    session 3, user ann, still open",
        "    session 4, user ann, still open",
    ]
    story.log.assert_sessions(at_most_at_once=2)


def test_sessions_at_once_need_a_session(story: Story) -> None:
    """An empty log is a failure."""
    assert failure_lines(lambda: story.log.assert_sessions(at_most_at_once=1)) == [
        "expected sessions, at most 1 at once; no client connected"
    ]


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (lambda log: log.assert_sessions(), "give count= or at_most_at_once="),
        (lambda log: log.assert_sessions(-1), "count takes a whole number, 0 or more"),
        (lambda log: log.assert_sessions(at_most_at_once=0), "at_most_at_once takes a whole number, 1 or more"),
        (lambda log: log.assert_round_trips(at_most=0), "at_most takes a whole number, 1 or more"),
        (lambda log: log.assert_waited(between="RETR", at_least=1), "between takes two patterns"),
        (lambda log: log.assert_waited(between=sent("RETR"), at_least=1), "between takes two patterns"),
        (lambda log: log.assert_waited(between=("RETR",), at_least=1), "between takes two patterns"),
        (lambda log: log.assert_waited(between=("RETR", "RETR"), at_least=-1), "at_least takes a number of seconds"),
        (lambda log: log.assert_waited(between=("RETR", "RETR"), at_least=0, at_most="1"), "at_most takes a number"),
        (lambda log: log.assert_passive(session=7), "there is no session 7"),
        (lambda log: log.assert_active(session=7), "there is no session 7"),
        (lambda log: log.assert_logged_in(session=7), "there is no session 7"),
        (lambda log: log.assert_encrypted(session=7), "there is no session 7"),
        (lambda log: log.assert_round_trips(at_most=7, session=7), "there is no session 7"),
    ],
)
def test_wrong_arguments_are_errors(story: Story, check: Callable[[CommandLog], object], reason: str) -> None:
    """A wrong argument is no failed assertion; the error has the valid ones."""
    story.connect()

    with pytest.raises(ConfigurationError, match=reason):
        check(story.log)


# Data connections.


def test_the_mode_of_data_connections(story: Story) -> None:
    """All must have the mode; the text lists the others."""
    story.login()
    story.transfer("STOR /a", b"ab")
    story.log.assert_passive()

    assert failure_lines(story.log.assert_active) == [
        "expected active data connections only (PORT or EPRT); 1 of 1 differ:",
        "    2.000 passive upload of /a (STOR): 2 bytes, complete (session 1)",
    ]


def test_without_data_connections_there_is_no_mode(story: Story) -> None:
    """The commands of the client are shown, although no data connection was opened."""
    story.login(1)
    story.say("PASV", "227")
    story.login(2)

    assert failure_lines(story.log.assert_passive) == [
        "expected passive data connections only (PASV or EPSV); there was none",
        "    1.750 PASV -> 227 (session 1)",
    ]
    assert failure_lines(lambda: story.log.assert_passive(session=2)) == [
        "expected passive data connections only (PASV or EPSV) in session 2; there was none"
    ]


# Waiting.


def test_waits_are_measured_from_the_reply(story: Story) -> None:
    """Each pair counts, from the final reply to the next command, whatever the session."""
    story.connect(1)
    story.say("RETR /a", "450")
    story.say("RETR /a", "450")
    story.disconnect(1)
    story.connect(2)
    story.say("RETR /a", "550", 2)

    waits = story.log.assert_waited(between=("RETR -> 4xx", "RETR"), at_least=0.25, at_most=1)

    assert waits == [0.25, 0.75]
    assert story.log.assert_waited(between=("RETR", "RETR"), at_least=0.25, session=1) == [0.25]
    assert story.log.assert_waited(between=(sent("RETR", reply="4xx"), "RETR"), at_least=0.25) == [0.25, 0.75]


def test_a_wait_that_is_too_short_or_too_long_fails(story: Story) -> None:
    """The text has each that differs."""
    story.connect()
    story.say("RETR /a", "450")
    story.say("RETR /a", "450")
    story.say("NOOP", "200")
    story.say("RETR /a", "550")

    assert failure_lines(lambda: story.log.assert_waited(between=("RETR -> 4xx", "RETR"), at_least=0.5)) == [
        "expected a wait of at least 0.5 s between RETR -> 4xx and RETR; 1 of 2 differ:",
        "    0.250 s from 0.500 RETR /a -> 450 (session 1) to 1.000 RETR /a -> 450 (session 1)",
    ]
    assert failure_lines(lambda: story.log.assert_waited(between=("RETR -> 4xx", "RETR"), at_least=0, at_most=0.5)) == [
        "expected a wait of at least 0 s, at most 0.5 s between RETR -> 4xx and RETR; 1 of 2 differ:",
        "    0.750 s from 1.000 RETR /a -> 450 (session 1) to 2.000 RETR /a -> 550 (session 1)",
    ]


def test_a_wait_needs_both_commands(story: Story) -> None:
    """The text names the command that was not sent."""
    story.connect()
    assert failure_lines(lambda: story.log.assert_waited(between=("RETR", "RETR"), at_least=1)) == [
        "expected a wait of at least 1 s between RETR and RETR; no RETR came"
    ]
    story.say("RETR /a", "450")

    assert failure_lines(lambda: story.log.assert_waited(between=("RETR", "RETR"), at_least=1)) == [
        "expected a wait of at least 1 s between RETR and RETR; no RETR came after 0.500 RETR /a -> 450 (session 1)"
    ]


# Round trips.


def test_round_trips(story: Story) -> None:
    """Their number is returned; too many fail with their purposes."""
    story.login()
    story.say("NOOP", "200")
    story.say("NOOP", "200")
    assert story.log.assert_round_trips(at_most=6) == 6

    assert failure_lines(lambda: story.log.assert_round_trips(at_most=5)) == [
        "expected at most 5 round trips, seen 6: 2 to connect (TCP and greeting), 4 for commands; "
        "0.3 s at 50 ms, 1.2 s at 200 ms",
        "    NOOP: 2",
        "    USER: 1",
        "    PASS: 1",
    ]


def test_round_trips_of_one_session(story: Story) -> None:
    """With `session` only that one counts."""
    story.login(1)
    story.connect(2)

    assert story.log.assert_round_trips(at_most=2, session=2) == 2


def test_no_round_trips_fail(story: Story) -> None:
    """An empty log is a failure."""
    assert failure_lines(lambda: story.log.assert_round_trips(at_most=1)) == [
        "expected at most 1 round trip; there was none"
    ]
