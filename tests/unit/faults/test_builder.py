"""Words: each returns a new fault, and records its call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftpfixture import Fault, on
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.actions import FixedReply, Pause
from ftpfixture.faults.builder import TRIGGERS, Call, word
from tests.support.faults import WORDS, call_of, faults, parameters_of
from tests.support.rows import check_rows, table

RETR = on("RETR")


@settings(max_examples=10)
@given(data=st.data())
def test_a_word_gives_a_new_fault(data: st.DataObject) -> None:
    """A word does not change the fault, and the new fault records its call."""

    def check(name: str) -> None:
        before = RETR.skip(1).delay(2)
        copy = dataclasses.replace(before)
        args, named = data.draw(call_of(WORDS[name])) if name in WORDS else ([1] if name != "optional" else [], {})

        after = getattr(before, name)(*args, **named)

        assert (before, repr(before), str(before)) == (copy, repr(copy), str(copy))
        assert after is not before
        assert [call.name for call in after.calls] == ["skip", "delay", name]
        assert after.actions[: len(before.actions)] == before.actions
        assert (len(after.actions) > len(before.actions)) is (name in WORDS)

    check_rows([*WORDS, *TRIGGERS], check)


@given(faults())
def test_a_fault_is_immutable(fault: Fault) -> None:
    """No field can be set or added; a fault can be a key."""
    for name in ("trigger", "actions", "calls", "extra"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(fault, name, 1)
    assert not hasattr(fault, "__dict__")
    assert {fault: 1}[dataclasses.replace(fault)] == 1


def test_a_list_that_changes_later_changes_no_fault() -> None:
    """A list of lines is copied."""
    lines = ["a", "b"]
    fault = RETR.answer(550, lines)
    lines.append("c")

    assert fault.actions == (FixedReply("550", ("a", "b")),)
    assert repr(fault) == "on('RETR').answer(550, ('a', 'b'))"
    assert str(fault) == "RETR: answer 550 ['a', 'b']"


def test_equality_is_of_what_happens() -> None:
    """Faults are equal if the same happens at the same time, with any form of the calls."""
    assert RETR.drop_data(5) == RETR.drop_data(after_bytes=5) == RETR.drop_data(5, None)
    assert RETR.not_implemented() == RETR.answer(502, "Command not implemented")
    assert RETR.delay(1).not_implemented() != RETR.not_implemented().delay(1)
    assert RETR.not_implemented() != RETR.optional().not_implemented()
    assert RETR.not_implemented() != on("STOR").not_implemented()


@table(
    ("fault", "made", "text"),
    [
        (on("retr", "STOR").not_implemented(), "on('RETR', 'STOR').not_implemented()", "RETR|STOR: not_implemented"),
        (
            on("RETR", path="*.csv").not_implemented(),
            "on('RETR', path='*.csv').not_implemented()",
            "RETR *.csv: not_implemented",
        ),
        (
            on("RETR", path="a b", user="ann", session=2, type="A").not_implemented(),
            "on('RETR', path='a b', user='ann', session=2, type='A').not_implemented()",
            "RETR 'a b' user=ann session=2 type=A: not_implemented",
        ),
        (RETR.nth(2).not_implemented(), "on('RETR').nth(2).not_implemented()", "RETR #2: not_implemented"),
        (RETR.not_implemented().nth(1, 3), "on('RETR').not_implemented().nth(1, 3)", "RETR #1,3: not_implemented"),
        (
            RETR.times(number=2).not_implemented(),
            "on('RETR').times(number=2).not_implemented()",
            "RETR times=2: not_implemented",
        ),
        (RETR.since(1).until(after_start=2).not_implemented(), None, "RETR since=1 until=2: not_implemented"),
        (RETR.skip(1).every(2).not_implemented(), None, "RETR skip=1 every=2: not_implemented"),
        (RETR.probability(0.5).not_implemented(), None, "RETR probability=0.5: not_implemented"),
        (RETR.probability(0.5, 3).not_implemented(), None, "RETR probability=0.5 seed=3: not_implemented"),
        (RETR.probability(seed=3, part=0.5).not_implemented(), None, "RETR probability=0.5 seed=3: not_implemented"),
        (
            RETR.optional().not_implemented(),
            "on('RETR').optional().not_implemented()",
            "RETR optional: not_implemented",
        ),
        (on("RETR", path="optional").not_implemented(), None, "RETR 'optional': not_implemented"),
        (
            RETR.delay(1).drop_data(after_bytes=1024).pad(b"x"),
            "on('RETR').delay(1).drop_data(after_bytes=1024).pad(b'x')",
            "RETR: delay 1; drop_data after_bytes=1024; pad b'x'",
        ),
        (RETR, "on('RETR')", "RETR: "),
        (RETR.nth(2), "on('RETR').nth(2)", "RETR #2: "),
    ],
)
def test_the_two_forms(fault: Fault, made: str | None, text: str) -> None:
    """`repr` is the Python code of a fault, `str` its text form, with triggers before the colon."""
    assert str(fault) == text
    assert made is None or repr(fault) == made


@table(
    ("say", "text"),
    [
        (lambda: RETR.not_implemented(1), "not_implemented takes no parameters: too many positional arguments"),  # type: ignore[call-arg]
        (lambda: RETR.answer(), "answer takes code, text='': missing a required argument: 'code'"),  # type: ignore[call-arg]
        (
            lambda: RETR.drop_data(aftr=1),  # type: ignore[call-arg]
            "drop_data takes after_bytes=None, at=None: got an unexpected keyword argument 'aftr'",
        ),
        (lambda: RETR.nth(), r"nth takes numbers from 1, such as nth\(2\) or nth\(1, 3\)"),
        (lambda: RETR.nth(0), "nth takes a whole number, 1 or more, not 0"),
        (lambda: RETR.times(0), "times takes a whole number, 1 or more, not 0"),
        (lambda: RETR.skip(-1), "skip takes a whole number, 0 or more, not -1"),
        (lambda: RETR.every(0), "every takes a whole number, 1 or more, not 0"),
        (lambda: RETR.since(-1), "since takes a number of seconds, 0 or more, not -1"),
        (lambda: RETR.until(float("nan")), "until takes a number of seconds, 0 or more, not nan"),
        (lambda: RETR.probability(1.5), "probability takes a number from 0 to 1, or 0% to 100% in text, not 1.5"),
        (lambda: RETR.probability(0.5, -1), "seed takes a whole number, 0 or more, not -1"),
        (lambda: RETR.garble(mask=256), "mask takes the bits to flip, 1 to 255, not 256"),
        (lambda: RETR.garble_data(mask=0), "mask takes the bits to flip, 1 to 255, not 0"),
    ],
)
def test_wrong_calls(say: Callable[[], Any], text: str) -> None:
    """A wrong call is refused at once; the error has the parameters."""
    with pytest.raises(ConfigurationError, match=text):
        say()


@table("name", TRIGGERS)
def test_triggers_add_no_action(name: str) -> None:
    """A trigger adds no action."""
    fault = getattr(RETR, name)(*{"optional": [], "probability": [0.5]}.get(name, [1]))

    assert fault.actions == ()
    assert fault.trigger != RETR.trigger
    assert getattr(Fault, name).__doc__


def test_your_own_words() -> None:
    """A subclass may have words made of others: the fault records only the outer word."""

    class Own(Fault):
        __slots__ = ()

        @word
        def lazy(self, seconds: float = 1) -> Own:
            """Everything takes long."""
            return self.delay(seconds).stall(phase="before_reply")

    fault = Own(RETR.trigger).lazy(2).nth(1)

    assert isinstance(fault, Own)
    assert fault.calls == (Call("lazy", (2,)), Call("nth", (1,)))
    assert [type(action) for action in fault.actions] == [Pause, Pause]
    assert repr(fault) == "on('RETR').lazy(2).nth(1)"
    assert [parameter.name for parameter in parameters_of(Own.lazy)] == ["seconds"]
