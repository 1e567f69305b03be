"""The commands to which a fault applies, and the reasons why others do not match."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.faults.trigger import Situation, Trigger, counted, ordinal
from tests.support.faults import SECRETS, situation
from tests.support.rows import table

RETR = ("RETR",)


def _with(**values: Any) -> Situation:
    return dataclasses.replace(situation("RETR a.csv"), **values)


@table(
    ("when", "command"),
    [
        (Trigger(RETR), situation("RETR a.csv")),
        (Trigger(("STOR", "RETR")), situation("RETR a.csv")),
        (Trigger(("*",)), situation("RETR a.csv")),
        (Trigger(("*",)), situation("CONNECT ")),
        (Trigger(RETR, path="a.csv"), situation("RETR a.csv")),
        (Trigger(RETR, path="*.csv"), situation("RETR a.csv")),
        (Trigger(RETR, path="/in/*.csv"), situation("RETR a.csv")),
        (Trigger(RETR, path="/in/a.csv"), situation("RETR a.csv")),
        (Trigger(RETR, path="[ab].csv"), situation("RETR a.csv")),
        (Trigger(RETR, path="[a].csv"), situation("RETR [a].csv")),
        (Trigger(RETR, path=""), situation("RETR ")),
        (Trigger(RETR, user="a*"), situation(user="ann")),
        (Trigger(RETR, user=""), situation(user="")),
        (Trigger(RETR, session=3), situation(session=3)),
        (Trigger(RETR, type="A"), situation(transfer_type="A")),
        (Trigger(RETR, since=2), situation(at=2)),
        (Trigger(RETR, until=2), situation(at=2)),
    ],
)
def test_commands_that_fit(when: Trigger, command: Situation) -> None:
    """A path matches as sent or as the absolute path, exactly or as a pattern; limits of time are inclusive."""
    assert when.difference(command) is None


@table(
    ("when", "command", "text"),
    [
        (Trigger(("STOR", "APPE")), situation("RETR a.csv"), "the fault is for STOR|APPE"),
        (Trigger(RETR, path="b.csv"), situation("RETR a.csv"), "the path was 'a.csv', not 'b.csv'"),
        (Trigger(RETR, path="A.csv"), situation("RETR a.csv"), "the path was 'a.csv', not 'A.csv'"),
        (Trigger(RETR, path="*.txt"), situation("RETR a.csv"), "the path was 'a.csv', not '*.txt'"),
        (Trigger(RETR, path="/a.csv"), situation("RETR a.csv"), "the path was 'a.csv', not '/a.csv'"),
        (Trigger(RETR, user="bob"), situation(user="ann"), "the user was 'ann', not 'bob'"),
        (Trigger(RETR, user="bob"), situation(user=""), "the user was '', not 'bob'"),
        (Trigger(RETR, session=2), situation(session=1), "the session was number 1, not 2"),
        (Trigger(RETR, type="A"), situation(transfer_type="I"), "the type was I, not A"),
        (Trigger(RETR, since=2.5), situation(at=1.23456), "it was received after 1.23 s, and since=2.5"),
        (Trigger(RETR, until=2.5), situation(at=3), "it was received after 3 s, and until=2.5"),
    ],
)
def test_commands_that_do_not_match(when: Trigger, command: Situation, text: str) -> None:
    """The first difference is given: the value of the command, and the value of the fault."""
    assert when.difference(command) == text


def test_the_first_difference_counts() -> None:
    """Verb, path, user, session, type and time are compared in this order."""
    when = Trigger(RETR, path="b", user="bob", session=2, type="A", since=5)
    values: dict[str, Any] = {}
    differences = []
    for name, value in [("verb", "RETR"), ("argument", "b"), ("user", "bob"), ("session", 2), ("transfer_type", "A")]:
        differences.append(when.difference(_with(**{"verb": "STOR", **values})))
        values[name] = value
    differences.append(when.difference(_with(**values)))

    assert [str(text).split()[1] for text in differences] == ["fault", "path", "user", "session", "type", "was"]


@table("verb", SECRETS)
def test_no_difference_shows_a_password(verb: str) -> None:
    """A password is starred, in the command and in the fault."""
    sent = situation(f"{verb} dragon")

    assert Trigger((verb,), path="dragon").difference(sent) is None
    assert Trigger((verb,), path="tiger").difference(sent) == "the path was '******', not '*****'"
    assert Trigger(("RETR", verb), path="tiger").difference(sent) == "the path was '******', not '*****'"
    assert Trigger(("*",), path="/a").difference(sent) == "the path was '******', not '/a'"


@table(
    ("verbs", "path", "shown"),
    [
        (RETR, None, None),
        (RETR, "/a", "/a"),
        (("PASS",), None, None),
        (("PASS",), "dragon", "******"),
        (("PASS",), "*", "*"),
        (("RETR", "ACCT"), "dr*", "***"),
    ],
)
def test_the_shown_path(verbs: tuple[str, ...], path: str | None, shown: str | None) -> None:
    """A path is shown, and a password is starred; "*" is shown."""
    assert Trigger(verbs, path).shown_path == shown


@table(
    ("when", "numbers"),
    [
        (Trigger(RETR), [1, 2, 3, 4, 5, 6, 7]),
        (Trigger(RETR, nth=(2,)), [2]),
        (Trigger(RETR, nth=(5, 1)), [1, 5]),
        (Trigger(RETR, skip=4), [5, 6, 7]),
        (Trigger(RETR, every=3), [3, 6]),
        (Trigger(RETR, skip=1, every=2), [3, 5, 7]),
        (Trigger(RETR, nth=(1,), skip=4), [1]),
    ],
)
def test_which_matching_commands_count(when: Trigger, numbers: list[int]) -> None:
    """Numbers count from 1; `every` begins behind those that are let go; `nth` goes before both."""
    assert [number for number in range(1, 8) if when.counts(number)] == numbers
    assert when.first == numbers[0]


@given(st.integers(0, 50), st.none() | st.integers(1, 50), st.lists(st.integers(1, 200), max_size=3).map(tuple))
def test_the_first_that_counts(after: int, every: int | None, nth: tuple[int, ...]) -> None:
    """Nothing before the first counts, and the first does."""
    when = Trigger(RETR, nth=nth, skip=after, every=every)

    assert when.counts(when.first)
    assert not any(when.counts(number) for number in range(1, when.first))


def test_ordinals() -> None:
    """They are English, with 11th to 13th in every hundred."""
    numbers = [1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 101, 111, 112, 113, 121]
    texts = "1st 2nd 3rd 4th 10th 11th 12th 13th 14th 20th 21st 22nd 23rd 101st 111th 112th 113th 121st"

    assert [ordinal(number) for number in numbers] == texts.split()


def test_counted() -> None:
    """One is singular, and all other numbers are plural."""
    assert [counted(number) for number in (0, 1, 2)] == ["0 times", "1 time", "2 times"]
    assert counted(1, "byte") == "1 byte"


@table("value", [Trigger(RETR), situation()])
def test_both_are_immutable(value: Trigger | Situation) -> None:
    """Both are values: no field can be set, and none added."""
    for name in (*(field.name for field in dataclasses.fields(value)), "extra"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(value, name, 1)
