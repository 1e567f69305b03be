"""Expectations: which command meets which, and what is told of those that are not met, and of what nothing expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import sent
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.expectations import Expectations
from tests.support.rows import table
from tests.support.story import Story


class Expecting(Story):
    """A story with expectations, of which each line has the reply 550."""

    def __init__(self, *, strict: bool = False, loose: tuple[str, ...] = ()) -> None:
        super().__init__()
        patterns = [self.log.pattern(one) for one in loose]
        self.expected = Expectations(self.log.pattern, lambda: self.log.commands, strict=strict, loose=patterns)
        self.expect = self.expected.expect
        self.connect()

    def lines(self, *lines: str) -> Expecting:
        """Commands come in."""
        for line in lines:
            self.say(line, "200" if line == "NOOP" else "550")
        return self

    def problems(self) -> list[str]:
        """All that is told."""
        return [line for headline, evidence in self.expected.problems() for line in (headline, *evidence.lines)]


@table(
    ("change", "counts"),
    [
        (lambda one: one, [1]),
        (lambda one: one.times(2), [2]),
        (lambda one: one.at_least(2), [2, 3, 4]),
        (lambda one: one.at_most(2), [1, 2]),
        (lambda one: one.permanent(), [1, 2, 3, 4]),
        (lambda one: one.optional(), [0, 1]),
        (lambda one: one.permanent().optional(), [0, 1, 2, 3, 4]),
        (lambda one: one.optional().at_most(3), [0, 1, 2, 3]),
        (lambda one: one.at_most(3).optional(), [0, 1, 2, 3]),
    ],
)
def test_how_often(change: Callable[[Any], object], counts: list[int]) -> None:
    """Without a word it is once; a strict server has problems with fewer and with more commands."""
    right = []
    for count in range(5):
        story = Expecting(strict=True)
        change(story.expect("DELE"))
        story.lines(*["DELE /a"] * count)
        right += [] if story.problems() else [count]

    assert right == counts


def test_what_is_not_met_has_what_came_nearest() -> None:
    """The text has the expected number, the commands that were taken, and the nearest other."""
    story = Expecting()
    story.expect("DELE", "/a*").times(3)
    story.expect("MKD")
    story.lines("DELE /a1", "DELE /b")

    assert story.problems() == [
        "DELE /a*: expected 3 times, seen once",
        "    0.500 s: DELE /a1 -> 550 (session 1)",
        "nearest: DELE /b -> 550 (session 1): the argument differs: sent '/b', expected '/a*'",
        "MKD: expected once, seen never",
        "the commands were DELE (twice)",
    ]


def test_a_command_meets_one_expectation() -> None:
    """One with a limit takes a command before one without, one that is not met before others, then the first."""
    story = Expecting(strict=True)
    every = story.expect("DELE").permanent()
    two, one = story.expect("DELE", "/a").at_most(2), story.expect("DELE", "/a")
    story.lines("DELE /a", "DELE /a", "DELE /a", "DELE /a")

    assert story.problems() == []
    assert [[record.seq for record in each.taken] for each in (two, one, every)] == [[2, 6], [4], [8]]


def test_an_order() -> None:
    """What comes `then` takes a command only when the expectation before it is met."""
    story = Expecting(strict=True)
    story.expect("RNFR").then("RNTO", "/b").then("DELE")
    story.lines("RNTO /b", "RNFR /a", "DELE /c", "RNTO /b")

    assert story.problems() == [
        "DELE (after RNTO /b): expected once, seen never",
        "it came too early: DELE /c -> 550 (session 1)",
        "not expected: RNTO /b -> 550 (session 1)",
        "RNTO /b is expected only after RNFR",
        "not expected: DELE /c -> 550 (session 1)",
        "DELE is expected only after RNTO /b",
    ]


def test_the_reply_is_asserted_at_the_end() -> None:
    """A command is taken when it arrives; the reply that the pattern names must then be right."""
    story = Expecting(strict=True)
    story.expect("DELE /a -> 450")
    story.expect(~sent("MKD", reply=257) & sent("MKD"))
    story.lines("DELE /a", "MKD /a")

    assert story.problems() == [
        "DELE /a -> 450: expected, and came otherwise",
        "DELE /a -> 550 (session 1): the reply was 550, not 450",
    ]


def test_what_is_not_expected() -> None:
    """The reason is told: one was it, the turn has not come, the nearest differs, or no expectation has the verb."""
    story = Expecting(strict=True, loose=("NOOP",))
    story.expect("DELE", "/a")
    story.expect("MKD")
    story.lines("DELE /a", "NOOP", "DELE /a", "DELE /b", "SIZE /a", "MKD /c")

    assert story.problems() == [
        "not expected: DELE /a -> 550 (session 1)",
        "DELE /a is expected once, and DELE /a -> 550 (session 1) was it",
        "not expected: DELE /b -> 550 (session 1)",
        "nearest expectation: DELE /a: the argument differs: sent '/b', expected '/a'",
        "not expected: SIZE /a -> 550 (session 1)",
        "no expectation has this verb; expected are DELE /a, MKD",
    ]


def test_many_that_are_not_expected() -> None:
    """The first ten are told, and how many more there are; without an expectation the text says what to do."""
    story = Expecting(strict=True).lines(*[f"DELE /{number}" for number in range(12)])

    assert story.problems()[1] == "nothing is expected: expect(...) a command, or name it in loose=[...]"
    assert story.problems()[-1] == "not expected: 2 more commands"
    assert len(story.problems()) == 21


def test_only_later_commands_count() -> None:
    """An expectation takes no command that came before it; in a strict test that one was not expected."""
    story = Expecting(strict=True).lines("DELE /a")
    story.expect("DELE")

    assert story.problems()[0] == "DELE: expected once, seen never"
    assert story.problems()[-1] == "DELE is expected only after its declaration"


def test_a_lenient_server_takes_everything() -> None:
    """Without `strict` a command that nothing expected is no problem, and one that is not met still is."""
    story = Expecting().lines("DELE /a")
    assert story.problems() == []
    story.expect("MKD")
    assert story.problems()[0] == "MKD: expected once, seen never"


@table(
    ("call", "message"),
    [
        (lambda story: story.expect("MDK"), "the server has no command 'MDK': did you mean 'MKD'?"),
        (lambda story: story.expect("STOR /a", "/b"), "'STOR /a' is not a verb"),
        (lambda story: story.expect(sent("STOR"), "/b"), "path= goes with verbs, as in expect('STOR', '/in/*.csv')"),
        (lambda story: story.expect(["STOR"]), "['STOR'] is no pattern"),
        (lambda story: story.expect("STOR").times(0), "times takes a whole number, 1 or more, not 0"),
        (lambda story: story.expect("STOR").then("MDK"), "the server has no command 'MDK'"),
        (lambda story: story.expect("STOR").answer(450), "only a server can answer: declare it with ftp_server.expect"),
    ],
)
def test_expectations_that_cannot_be(call: Callable[[Expecting], object], message: str) -> None:
    """What no command can meet is an error where it is declared."""
    with pytest.raises(ConfigurationError) as caught:
        call(Expecting())
    assert message in str(caught.value)
