"""Assertions on the log: what they return, and what they say when they fail."""

from __future__ import annotations

import textwrap

import pytest

from ftpfixture.errors import ConfigurationError
from tests.support.story import Story, failure_of


def test_assert_sent_returns_the_first_match(story: Story) -> None:
    """A command that was sent passes, and the record of the first match comes back."""
    story.connect()
    story.say("SIZE /a", "213")
    number = story.say("SIZE /b", "213")
    story.say("SIZE /b", "550")

    assert story.log.assert_sent("SIZE /b").seq == number
    assert story.log.assert_sent("size /b -> 5xx").code == "550"


def test_assert_sent_shows_the_nearest_line_the_difference_and_the_dialogue(story: Story) -> None:
    """The message has the pattern, how often it was seen, the nearest command, what differs, and the transcript."""
    story.login()
    story.transfer("STOR /in/reprot.csv", b"ab")
    story.disconnect(reason="quit")

    message = failure_of(lambda: story.log.assert_sent("STOR /in/report.csv -> 226"))

    assert message == textwrap.dedent(
        """\
        STOR /in/report.csv -> 226: expected at least once, seen never
        nearest: STOR /in/reprot.csv -> 226 (session 1): the argument differs: \
sent '/in/reprot.csv', expected '/in/report.csv'

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > USER ann
            0.750 < 331 ok
            1.000 > PASS ******
            1.250 * ann logged in
            1.500 < 230 ok
            1.750 > STOR /in/reprot.csv
            2.000 = passive upload of /in/reprot.csv
            2.250 < 150 ok
            2.750 = 2 bytes, complete
            3.000 < 226 ok
            3.250 * closed: quit"""
    )


def test_assert_sent_names_the_code_that_differs(story: Story) -> None:
    """When only the reply is another one, the message says which it was."""
    story.connect()
    story.say("SIZE /a", "550")

    lines = failure_of(lambda: story.log.assert_sent("SIZE /a -> 213")).splitlines()

    assert lines[:2] == [
        "SIZE /a -> 213: expected at least once, seen never",
        "nearest: SIZE /a -> 550 (session 1): the reply was 550, not 213",
    ]


def test_assert_sent_to_a_silent_server(story: Story) -> None:
    """Without any command or session the message says so."""
    assert failure_of(lambda: story.log.assert_sent("NOOP")) == (
        "NOOP: expected at least once, seen never\nno other command was sent\n\n(no client connected)"
    )


def test_assert_sent_with_times(story: Story) -> None:
    """`times` means exactly: neither fewer nor more pass, and the message tells both numbers."""
    story.connect()
    for _ in range(2):
        story.say("NOOP", "200")
    story.log.assert_sent("NOOP", times=2)

    assert failure_of(lambda: story.log.assert_sent("NOOP", times=1)).startswith("NOOP: expected once, seen twice\n")
    assert failure_of(lambda: story.log.assert_sent("NOOP", times=3)).startswith("NOOP: expected 3 times, seen twice\n")


def test_the_nearest_line_is_never_one_that_matches(story: Story) -> None:
    """When a command was sent too seldom, the nearest line is one that differs, not one that was counted."""
    story.connect()
    story.say("SIZE /a", "213")
    story.say("SIZE /b", "213")

    message = failure_of(lambda: story.log.assert_sent("SIZE /a", times=2))

    assert "nearest: SIZE /b -> 213 (session 1)" in message


@pytest.mark.parametrize("times", [0, -1])
def test_assert_sent_zero_times_points_to_assert_not_sent(story: Story, times: int) -> None:
    """Zero times is another assertion, and the error names it."""
    with pytest.raises(ValueError, match="use assert_not_sent"):
        story.log.assert_sent("NOOP", times=times)


def test_assert_sent_in_one_session(story: Story) -> None:
    """With `session` the other sessions do not count, neither for the match nor for the nearest line."""
    story.connect(1)
    story.connect(2)
    story.say("SIZE /a", "213", session=1)
    story.say("SIZE /bb", "213", session=2)
    story.log.assert_sent("SIZE /a", times=1, session=1)

    message = failure_of(lambda: story.log.assert_sent("SIZE /a", session=2))

    assert "nearest: SIZE /bb -> 213 (session 2)" in message


def test_assert_sent_never_shows_a_password(story: Story) -> None:
    """A message about a PASS shows neither the password that came nor the one that was expected."""
    story.login()

    message = failure_of(lambda: story.log.assert_sent("PASS other-secret"))

    assert "secret" not in message
    assert "nearest: PASS ****** -> 230 (session 1)" in message


def test_assertions_see_the_true_password(story: Story) -> None:
    """A password can be asserted on, although it is shown nowhere."""
    story.login()

    assert story.log.assert_sent("PASS secret -> 230").argument == "secret"
    story.log.assert_not_sent("PASS other")


def test_assert_not_sent(story: Story) -> None:
    """What was not sent passes; what was fails with the number, the first match and the dialogue."""
    story.connect()
    story.say("DELE /a", "250")
    story.say("DELE /a", "550")
    story.log.assert_not_sent("DELE /b")

    message = failure_of(lambda: story.log.assert_not_sent("DELE"))

    assert message == textwrap.dedent(
        """\
        DELE was sent twice, expected never; first as
            DELE /a -> 250 in session 1

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > DELE /a
            0.750 < 250 ok
            1.000 > DELE /a
            1.250 < 550 ok"""
    )


def test_assert_not_sent_in_one_session(story: Story) -> None:
    """With `session` only that one must not have said it."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=2)

    story.log.assert_not_sent("NOOP", session=1)
    with pytest.raises(AssertionError):
        story.log.assert_not_sent("NOOP", session=2)


def test_assert_sequence(story: Story) -> None:
    """Commands in the given order pass, whatever stands between them, and their records come back."""
    story.login()
    story.say("SYST", "215")
    story.say("CWD /in", "250")
    story.say("QUIT", "221")

    found = story.log.assert_sequence("USER ann", "PASS", "CWD /in -> 2xx", "QUIT")

    assert [record.verb for record in found] == ["USER", "PASS", "CWD", "QUIT"]


def test_assert_sequence_needs_one_command_for_each_pattern(story: Story) -> None:
    """One command does not stand for two patterns."""
    story.connect()
    story.say("NOOP", "200")

    with pytest.raises(AssertionError):
        story.log.assert_sequence("NOOP", "NOOP")


def test_assert_sequence_names_the_first_that_is_missing(story: Story) -> None:
    """A wrong order fails, with the place in the sequence and what stood before it."""
    story.connect()
    story.say("SIZE /a", "213")
    story.say("MDTM /a", "213")

    lines = failure_of(lambda: story.log.assert_sequence("MDTM /a", "SIZE /a", "QUIT")).splitlines()

    assert lines[:3] == [
        "SIZE /a: expected as number 2, missing after MDTM /a -> 213",
        "nearest: MDTM /a -> 213 (session 1): the verb is MDTM, not SIZE",
        "",
    ]
    assert lines[3] == "session 1"


def test_assert_sequence_that_does_not_begin(story: Story) -> None:
    """When the first pattern is missing there is nothing to stand before it."""
    message = failure_of(lambda: story.log.assert_sequence("USER"))

    assert message.splitlines()[0] == "USER: expected as number 1, not sent"


def test_assert_sequence_in_one_session(story: Story) -> None:
    """Commands of different sessions make no sequence when one session is asked for."""
    story.connect(1)
    story.connect(2)
    story.say("PWD", "257", session=1)
    story.say("NOOP", "200", session=2)
    story.log.assert_sequence("PWD", "NOOP")

    with pytest.raises(AssertionError):
        story.log.assert_sequence("PWD", "NOOP", session=1)


def test_a_wrong_pattern_is_no_failed_assertion(story: Story) -> None:
    """A pattern that cannot be read is an error of its own kind, in negative assertions too."""
    with pytest.raises(ConfigurationError):
        story.log.assert_not_sent("RETR ->")
