"""Assertions on the log: what they return, and the text of their failures."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import CommandLog, Pattern, sent
from ftpfixture.errors import ConfigurationError
from tests.support.rows import table
from tests.support.story import Story, failure_of

VERBS, PATHS, CODES = ("SIZE", "MDTM", "DELE"), ("/a", "b", "/in/c.csv"), ("450", "451", "550")
PATTERNS = st.builds(
    lambda verb, path, code, other, negated: (
        (~sent(verb, path=path) if negated else sent(verb, path=path, reply=code)) | sent(other, path="/a")
    ),
    st.sampled_from(("*", "SIZE|DELE", *VERBS)),
    st.sampled_from((None, "*", "/*", "/b", "*.csv", *PATHS)),
    st.sampled_from((None, "45x", *CODES)),
    st.sampled_from(("NOOP", *VERBS)),
    st.booleans(),
)


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
    """When only the reply differs, the message has the one that was sent."""
    story.connect()
    story.say("SIZE /a", "550")

    lines = failure_of(lambda: story.log.assert_sent("SIZE /a -> 213")).splitlines()

    assert lines[:2] == [
        "SIZE /a -> 213: expected at least once, seen never",
        "nearest: SIZE /a -> 550 (session 1): the reply was 550, not 213",
    ]


def test_assert_sent_without_a_command(story: Story) -> None:
    """The message reports that there was no command and no client."""
    assert failure_of(lambda: story.log.assert_sent("NOOP")) == (
        "NOOP: expected at least once, seen never\nno command was sent\n\n(no client connected)"
    )


def test_assert_sent_with_times(story: Story) -> None:
    """`times` means exactly: neither fewer nor more pass, and the message has both numbers."""
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


def test_assertions_compare_the_real_password(story: Story) -> None:
    """A password can be asserted on, although it is shown nowhere."""
    story.login()

    assert story.log.assert_sent("PASS secret -> 230").argument == "secret"
    story.log.assert_not_sent("PASS other")


def test_assert_not_sent(story: Story) -> None:
    """A command that was not sent passes; one that was fails with the number, the matches and the dialogue."""
    story.connect()
    story.say("DELE /a", "250")
    story.say("DELE /a", "550")
    story.log.assert_not_sent("DELE /b")

    message = failure_of(lambda: story.log.assert_not_sent("DELE"))

    assert message == textwrap.dedent(
        """\
        DELE: expected never, seen twice
            0.500 s: DELE /a -> 250 (session 1)
            1.000 s: DELE /a -> 550 (session 1)

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > DELE /a
            0.750 < 250 ok
            1.000 > DELE /a
            1.250 < 550 ok"""
    )


def test_assert_not_sent_in_one_session(story: Story) -> None:
    """With `session` only the commands of that session count."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=2)

    story.log.assert_not_sent("NOOP", session=1)
    with pytest.raises(AssertionError):
        story.log.assert_not_sent("NOOP", session=2)


def test_assert_sequence(story: Story) -> None:
    """Commands in the given order pass, with others between them, and their records are returned."""
    story.login()
    story.say("SYST", "215")
    story.say("CWD /in", "250")
    story.say("QUIT", "221")

    found = story.log.assert_sequence("USER ann", "PASS", "CWD /in -> 2xx", "QUIT")

    assert [record.verb for record in found] == ["USER", "PASS", "CWD", "QUIT"]


def test_assert_sequence_needs_one_command_for_each_pattern(story: Story) -> None:
    """One command does not match two patterns."""
    story.connect()
    story.say("NOOP", "200")

    with pytest.raises(AssertionError):
        story.log.assert_sequence("NOOP", "NOOP")


def test_assert_sequence_names_the_first_that_is_missing(story: Story) -> None:
    """A wrong order fails, with the place in the sequence and the command before it."""
    story.connect()
    story.say("SIZE /a", "213")
    story.say("MDTM /a", "213")

    lines = failure_of(lambda: story.log.assert_sequence("MDTM /a", "SIZE /a", "QUIT")).splitlines()

    assert lines[:3] == [
        "SIZE /a: expected as number 2 of the sequence, missing after MDTM /a -> 213 (session 1)",
        "SIZE came as number 1, before MDTM /a: SIZE /a -> 213 (session 1)",
        "",
    ]
    assert lines[3] == "session 1"


def test_assert_sequence_that_does_not_begin(story: Story) -> None:
    """When the first pattern is missing, the message names no command before it."""
    message = failure_of(lambda: story.log.assert_sequence("USER"))

    assert message.splitlines()[0] == "USER: expected as number 1 of the sequence, not sent"


def test_a_sequence_is_of_one_session(story: Story) -> None:
    """By default one session must have them all; "any" counts all together, and a number only that one."""
    story.connect(1)
    story.connect(2)
    story.say("PWD", "257", session=1)
    story.say("NOOP", "200", session=2)
    story.say("PWD", "257", session=2)
    story.say("QUIT", "221", session=2)

    story.log.assert_sequence("PWD", "QUIT")
    story.log.assert_sequence("PWD", "NOOP", session="any")
    story.log.assert_sequence("NOOP", "QUIT", session=2)
    assert failure_of(lambda: story.log.assert_sequence("PWD", "NOOP")).splitlines()[:3] == [
        "NOOP: expected as number 2 of the sequence, missing after PWD -> 257 (session 1)",
        "the commands were PWD",
        "no one session sent them all; session='any' counts all sessions together",
    ]
    with pytest.raises(AssertionError):
        story.log.assert_sequence("NOOP", "QUIT", session=1)


def test_assert_sequence_strict(story: Story) -> None:
    """Commands of a strict sequence follow one another directly; the text has what came in between."""
    story.connect()
    for line, code in (("RNFR /a", "350"), ("NOOP", "200"), ("RNFR /a", "350"), ("RNTO /b", "250")):
        story.say(line, code)

    found = story.log.assert_sequence("RNFR /a", "RNTO /b", strict=True)
    assert [record.seq for record in found] == [record.seq for record in story.log.commands[2:]]
    assert failure_of(lambda: story.log.assert_sequence("NOOP", "RNTO", strict=True)).splitlines()[:2] == [
        "RNTO: expected as number 2 of the sequence, directly after NOOP -> 200 (session 1)",
        "after it came RNFR /a -> 350 (session 1): the verb is RNFR, not RNTO",
    ]
    assert failure_of(lambda: story.log.assert_sequence("RNTO", "NOOP", strict=True)).splitlines()[0] == (
        "NOOP: expected as number 2 of the sequence, "
        "directly after RNTO /b -> 250 (session 1), and nothing came after it"
    )


def test_a_wrong_order_names_the_place(story: Story) -> None:
    """For a command that came too early the message has its number in place of a nearest command."""
    story.login()
    story.say("QUIT", "221")

    assert failure_of(lambda: story.log.assert_sequence("QUIT", "USER")).splitlines()[:2] == [
        "USER: expected as number 2 of the sequence, missing after QUIT -> 221 (session 1)",
        "USER came as number 1, before QUIT: USER ann -> 331 (session 1)",
    ]


def test_assert_sent_between_limits(story: Story) -> None:
    """`at_least` and `at_most` are inclusive; the text has the matches, and the nearest where there are too few."""
    story.connect()
    for line in ("SIZE /a", "SIZE /a", "SIZE /b"):
        story.say(line, "213")

    story.log.assert_sent("SIZE", at_least=3)
    story.log.assert_sent("SIZE", at_most=3)
    story.log.assert_sent("SIZE", at_least=1, at_most=3)
    assert failure_of(lambda: story.log.assert_sent("SIZE /a", at_least=3)).splitlines()[:4] == [
        "SIZE /a: expected at least 3 times, seen twice",
        "    0.500 s: SIZE /a -> 213 (session 1)",
        "    1.000 s: SIZE /a -> 213 (session 1)",
        "nearest: SIZE /b -> 213 (session 1): the argument differs: sent '/b', expected '/a'",
    ]
    assert failure_of(lambda: story.log.assert_sent("SIZE", at_most=2)).splitlines()[:5] == [
        "SIZE: expected once or twice, seen 3 times",
        "    0.500 s: SIZE /a -> 213 (session 1)",
        "    1.000 s: SIZE /a -> 213 (session 1)",
        "    1.500 s: SIZE /b -> 213 (session 1)",
        "",
    ]
    assert "expected 1 to 5 times, seen never" in failure_of(lambda: story.log.assert_sent("NOOP", at_most=5))


def test_many_hits_are_not_all_listed(story: Story) -> None:
    """Of many matches the first twenty are listed."""
    story.connect()
    for _ in range(23):
        story.say("NOOP", "200")

    lines = failure_of(lambda: story.log.assert_not_sent("NOOP")).splitlines()

    assert lines[0] == "NOOP: expected never, seen 23 times"
    assert lines[20:23] == ["    10.000 s: NOOP -> 200 (session 1)", "    and 3 more", ""]


@table(
    ("limits", "message"),
    [
        ({"times": 0}, "times must be 1 or more: use assert_not_sent(...) for never"),
        ({"at_most": 0}, "at_most must be 1 or more: use assert_not_sent(...) for never"),
        ({"at_least": 0}, "at_least must be 1 or more"),
        ({"times": 1, "at_most": 2}, "times is for an exact number: leave out at_least and at_most"),
        ({"at_least": 3, "at_most": 2}, "at_least=3 is more than at_most=2"),
        ({"times": "2"}, "times takes a whole number, not '2'"),
    ],
)
def test_limits_that_cannot_be(limits: dict[str, Any], message: str) -> None:
    """Numbers that contradict each other, or mean never, are errors."""
    with pytest.raises(ConfigurationError) as caught:
        Story().log.assert_sent("NOOP", **limits)
    assert message in str(caught.value)


def test_a_path_matches_as_sent_and_as_an_absolute_path(story: Story) -> None:
    """A command in another directory is found by the absolute path, which the nearest line has too."""
    story.login()
    story.command("STOR a.csv", directory="/out")

    assert story.log.assert_sent("STOR /out/a.csv").path == "/out/a.csv"
    assert story.log.find("STOR a.csv") == story.log.find("STOR /out/*.csv")
    assert failure_of(lambda: story.log.assert_sent("STOR /in/a.csv -> 226")).splitlines()[1] == (
        "nearest: STOR a.csv (that is /out/a.csv) (session 1): "
        "the argument differs: sent 'a.csv', expected '/in/a.csv'; the reply was not there yet, not 226"
    )
    with pytest.raises(AssertionError):
        story.log.assert_not_sent("STOR /out/a.csv")


def test_a_verb_that_was_not_sent(story: Story) -> None:
    """The text has the verbs that were sent, in order and counted, in place of a nearest command."""
    story.login()
    story.say("NOOP", "200")
    story.say("NOOP", "200")
    story.say("", "500")

    lines = failure_of(lambda: story.log.assert_sent("QUIT")).splitlines()

    assert lines[1] == "the commands were USER, PASS, NOOP (twice), (empty line)"


def test_fields_of_sessions(story: Story) -> None:
    """A record knows the name given with USER, before the login too; REIN ends that."""
    story.connect()
    for line, code in (("NOOP", "200"), ("USER ann", "331"), ("PASS secret", "230"), ("REIN", "220"), ("NOOP", "200")):
        story.say(line, code)

    assert [record.user for record in story.log.commands] == ["", "ann", "ann", "", ""]
    assert story.log.find(sent("PASS", user="a*")) == story.log.commands[2:3]


def test_assert_order(story: Story) -> None:
    """The earlier command comes before the first of the later ones, in each session that sent these."""
    story.connect(1)
    story.connect(2)
    for session, line in ((1, "AUTH TLS"), (1, "USER ann"), (2, "USER bob"), (2, "AUTH TLS"), (1, "USER eve")):
        story.say(line, "503", session=session)

    story.log.assert_order("AUTH", before="USER", session=1)
    story.log.assert_order("AUTH", before="USER", session="any")
    assert failure_of(lambda: story.log.assert_order("AUTH", before="USER")).splitlines()[:2] == [
        "AUTH: expected before USER bob -> 503 (session 2), seen never before it",
        "AUTH came as number 2, after it: AUTH TLS -> 503 (session 2)",
    ]
    assert failure_of(lambda: story.log.assert_order("PBSZ", before="USER")).splitlines()[1] == (
        "the commands were AUTH, USER (twice)"
    )
    assert failure_of(lambda: story.log.assert_order("AUTH", before="STOR /a")).splitlines()[:2] == [
        "AUTH before STOR /a: STOR /a was not sent",
        "the commands were AUTH (twice), USER (3 times)",
    ]
    with pytest.raises(AssertionError):
        story.log.assert_order("AUTH", before="USER bob", session=1)


def test_a_sequence_of_equal_patterns(story: Story) -> None:
    """A command that already matches a pattern is not reported as one that came too early."""
    story.connect()
    story.say("SIZE /a", "450")

    assert failure_of(lambda: story.log.assert_sequence("SIZE -> 450", "SIZE")).splitlines()[:2] == [
        "SIZE: expected as number 2 of the sequence, missing after SIZE /a -> 450 (session 1)",
        "no other command was sent",
    ]


def test_assert_exactly(story: Story) -> None:
    """The whole dialogue, or that of one session, is as listed: no command differs, and none is missing or extra."""
    story.login()
    story.say("QUIT", "221")
    story.connect(2)
    story.say("NOOP", "200", session=2)

    assert story.log.assert_exactly(["USER ann", "PASS", "QUIT", "NOOP"]) == story.log.commands
    story.log.assert_exactly(["NOOP -> 200"], session=2)

    def lines_of(*patterns: str) -> list[str]:
        return failure_of(lambda: story.log.assert_exactly(patterns)).splitlines()

    assert lines_of("USER", "PASS", "STOR /a", "NOOP")[:2] == [
        "expected exactly 4 commands, seen 4",
        "number 3: expected STOR /a, came QUIT -> 221 (session 1): the verb is QUIT, not STOR; "
        "the argument differs: sent '', expected '/a'",
    ]
    assert lines_of("USER", "PASS", "QUIT")[:3] == [
        "expected exactly 3 commands, seen 4",
        "number 4 and later were not expected:",
        "    2.500 s: NOOP -> 200 (session 2)",
    ]
    assert lines_of("USER", "PASS", "QUIT", "NOOP", "NOOP", "* -> 5xx")[:2] == [
        "expected exactly 6 commands, seen 4",
        "number 5: expected NOOP, then * -> 5xx, and nothing came",
    ]


def test_assert_no_commands(story: Story) -> None:
    """A connection without a command passes; any command fails."""
    story.log.assert_no_commands()
    story.connect()
    story.log.assert_no_commands()
    story.say("NOOP", "200")

    assert failure_of(story.log.assert_no_commands).splitlines()[:2] == [
        "expected no command, seen 1",
        "    0.500 s: NOOP -> 200 (session 1)",
    ]


def test_assert_nothing_after_error(story: Story) -> None:
    """After the first 4xx or 5xx of a session only QUIT and what is allowed may come; an error must have come."""
    story.login()
    assert failure_of(story.log.assert_nothing_after_error).splitlines()[0] == (
        "(sent('*', reply='4xx') | sent('*', reply='5xx')): no command got such a reply, so nothing was tested"
    )
    story.say("STOR /a", "550")
    story.say("QUIT", "221")
    story.log.assert_nothing_after_error()
    story.connect(2)
    story.say("RETR /a", "451", session=2)
    story.say("NOOP", "200", session=2)
    story.say("SIZE /a", "213", session=2)

    story.log.assert_nothing_after_error(session=1)
    story.log.assert_nothing_after_error(error="* -> 5xx")
    story.log.assert_nothing_after_error("SIZE", "NOOP")
    assert failure_of(lambda: story.log.assert_nothing_after_error("NOOP")).splitlines()[:2] == [
        "expected nothing after RETR /a -> 451 (session 2), seen 1",
        "    4.000 s: SIZE /a -> 213 (session 2)",
    ]


@table(
    ("call", "message"),
    [
        (lambda log: log.assert_sequence(), "assert_sequence needs at least one pattern; for no command at all: "),
        (lambda log: log.assert_exactly([]), "assert_exactly needs at least one pattern"),
        (lambda log: log.assert_exactly("USER"), "assert_exactly takes a list of patterns, such as ['USER', 'QUIT'], "),
        (lambda log: log.assert_sequence(["USER"]), "['USER'] is no pattern: give patterns one by one"),
        (lambda log: log.assert_sequence("NOOP", session=7), "there is no session 7; the log has: 1"),
        (lambda log: log.assert_sequence("NOOP", session="all"), "session takes 'same', 'any' or the number of a "),
        (lambda log: log.assert_sequence("NOOP", session=True), "session takes 'same', 'any' or the number of a "),
        (lambda log: log.assert_not_sent("MKD", session=7), "there is no session 7; the log has: 1"),
        (lambda log: log.assert_no_commands(session=7), "there is no session 7; the log has: 1"),
        (lambda log: log.assert_not_sent("RETR ->"), "behind the arrow must stand the code"),
        (lambda log: log.assert_not_sent("MDK"), "the server has no command 'MDK': did you mean 'MKD'?"),
        (lambda log: log.assert_order("NOOP", before="MDK"), "the server has no command 'MDK'"),
        (lambda log: log.assert_order("MDK", before="NOOP"), "the server has no command 'MDK'"),
        (lambda log: log.wait_for("MDK"), "the server has no command 'MDK'"),
    ],
)
def test_assertions_that_could_not_fail_are_errors(call: Callable[[CommandLog], object], message: str) -> None:
    """A pattern, a session or a list that can match nothing is an error of its own kind, in negative assertions too."""
    story = Story()
    story.connect()
    with pytest.raises(ConfigurationError) as caught:
        call(story.log)
    assert message in str(caught.value)


def test_verbs_that_the_log_has_seen_are_known(story: Story) -> None:
    """A verb that a client has sent needs no mark, whether a server knows it or not."""
    story.connect()
    story.log.assert_not_sent("?XYZZ")
    story.say("XYZZ", "502")

    story.log.assert_sent("XYZZ")


@given(
    st.lists(st.tuples(st.sampled_from(VERBS), st.sampled_from(PATHS), st.sampled_from(CODES)), max_size=8), PATTERNS
)
def test_find_is_matches(lines: list[tuple[str, str, str]], pattern: Pattern) -> None:
    """`find` returns exactly the commands that the pattern matches, and the assertions agree with it."""
    story = Story()
    story.connect()
    for verb, path, code in lines:
        story.say(f"{verb} {path}", code)

    found = story.log.find(pattern)

    assert found == [record for record in story.log.commands if pattern.matches(record)]
    assert all(pattern.differences(record) for record in story.log.commands if record not in found)
    if found:
        assert story.log.assert_sent(pattern, times=len(found)) == found[0]
        with pytest.raises(AssertionError):
            story.log.assert_not_sent(pattern)
    else:
        story.log.assert_not_sent(pattern)
        with pytest.raises(AssertionError):
            story.log.assert_sent(pattern)
