"""Faults that were added: whose turn it is, how often, and why it never was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import Fault, on
from ftpfixture.faults.active import ActiveFault, ActiveFaults
from ftpfixture.faults.trigger import Situation
from tests.support.faults import SECRETS, situation
from tests.support.rows import table


def _fires(fault: Fault, count: int, command: Situation | None = None) -> list[int]:
    """The numbers of the commands, of so many that fit, to which a fault happens."""
    armed = ActiveFault(fault)
    claims = [armed.claim(command or situation()) for _ in range(count)]
    return [number for number, claim in enumerate(claims, 1) if claim is not None and claim.take()]


@table(
    ("fault", "numbers"),
    [
        (on("RETR").not_implemented(), [1, 2, 3, 4, 5, 6]),
        (on("RETR").nth(2).not_implemented(), [2]),
        (on("RETR").nth(5, 1).not_implemented(), [1, 5]),
        (on("RETR").skip(4).not_implemented(), [5, 6]),
        (on("RETR").every(2).not_implemented(), [2, 4, 6]),
        (on("RETR").times(2).not_implemented(), [1, 2]),
        (on("RETR").skip(1).every(2).times(2).not_implemented(), [3, 5]),
        (on("RETR").probability(0).not_implemented(), []),
        (on("RETR").probability(1).not_implemented(), [1, 2, 3, 4, 5, 6]),
        (on("STOR").not_implemented(), []),
    ],
)
def test_the_turns_of_a_fault(fault: Fault, numbers: list[int]) -> None:
    """nth, after, every and times choose among the commands that fit."""
    assert _fires(fault, 6) == numbers


def test_commands_that_do_not_fit_are_not_counted() -> None:
    """The 2nd is the 2nd of those that fit, whatever came between."""
    armed = ActiveFault(on("RETR", path="a*", user="ann").nth(2).not_implemented())
    lines = ["RETR a", "STOR a", "RETR b", "RETR a", "RETR a"]

    assert [armed.claim(situation(line)) is not None for line in lines] == [False, False, False, True, False]
    assert armed.claim(situation("RETR a", user="bob")) is None
    assert armed.seen == 3


@given(st.floats(0, 1), st.integers(0, 1 << 32))
def test_chance_is_the_same_in_every_run(part: float, seed: int) -> None:
    """The same seed chooses the same commands."""
    fault = on("RETR").probability(part, seed).not_implemented()

    assert _fires(fault, 50) == _fires(fault, 50)


def test_chance_has_its_seed() -> None:
    """Which commands are chosen depends on the seed, and how many on the part."""
    chosen = [_fires(on("RETR").probability(0.25, seed).not_implemented(), 400) for seed in range(4)]

    assert len({tuple(numbers) for numbers in chosen}) == 4
    assert all(60 < len(numbers) < 140 for numbers in chosen)
    assert _fires(on("RETR").probability(0.25).not_implemented(), 400) == chosen[0]


def test_chance_is_not_asked_for_commands_that_do_not_count() -> None:
    """Other commands, and those that nth leaves out, do not move the choice."""
    every = _fires(on("RETR").probability(0.5, 7).not_implemented(), 40)
    armed = ActiveFault(on("RETR").probability(0.5, 7).every(2).not_implemented())
    claims = []
    for _ in range(80):
        armed.claim(situation("STOR a"))
        claims.append(armed.claim(situation()))

    assert [number / 2 for number, claim in enumerate(claims, 1) if claim is not None] == every


def test_since_and_until() -> None:
    """A fault sleeps before and after its time, and does not count then."""
    armed = ActiveFault(on("RETR").since(10).until(20).nth(2).not_implemented())

    assert [armed.claim(situation(at=at)) is not None for at in (5, 10, 20, 20.5)] == [False, False, True, False]
    assert armed.seen == 2


# Claims.


def test_a_claim_is_taken_once() -> None:
    """The first action begins the fault, and those behind it go on with it."""
    armed = ActiveFault(on("RETR").not_implemented())
    claim = armed.claim(situation())

    assert claim is not None
    assert [claim.take() for _ in range(3)] == [True, None, None]
    assert armed.fired == 1


def test_of_two_claims_the_faster_wins() -> None:
    """What may happen once happens to the command whose moment comes first, and to no other."""
    armed = ActiveFault(on("RETR").times(1).drop_data(after_bytes=10))
    slow, fast = armed.claim(situation()), armed.claim(situation())

    assert slow is not None
    assert fast is not None
    assert [fast.take(), slow.take(), fast.take(), slow.take()] == [True, False, None, False]
    assert (armed.fired, armed.spent) == (1, True)
    assert armed.claim(situation()) is None


def test_a_claim_that_is_never_taken_costs_nothing() -> None:
    """A command that has no such moment leaves the fault to the next."""
    armed = ActiveFault(on("RETR").times(1).drop_data(after_bytes=10))
    first, second = armed.claim(situation()), armed.claim(situation())

    assert first is not None
    assert second is not None
    assert second.take()


# Misses.


def _miss(fault: Fault, *lines: str) -> str:
    armed = ActiveFault(fault)
    for line in lines:
        armed.claim(situation(line))
    assert not armed.fired
    return armed.why_not_fired()


@table(
    ("fault", "lines", "text"),
    [
        (on("RETR").not_implemented(), [], "no command was seen"),
        (on("RETR").not_implemented(), ["PWD", "STOR a"], "STOR a was seen, but the fault is for RETR"),
        (
            on("RETR", path="b").not_implemented(),
            ["RETR a", "STOR b"],
            "RETR a was seen, but the path was 'a', not 'b'",
        ),
        (
            on("RETR", path="b").not_implemented(),
            ["RETR x", "RETR a"],
            "RETR a was seen, but the path was 'a', not 'b'",
        ),
        (on("*", path="b").not_implemented(), ["RETR a", "PWD"], "PWD was seen, but the path was '', not 'b'"),
        (on("RETR", user="bob").not_implemented(), ["RETR a"], "RETR a was seen, but the user was 'ann', not 'bob'"),
        (on("RETR").nth(2).not_implemented(), ["RETR a"], "RETR was seen 1 time, the fault waits for the 2nd"),
        (on("RETR").nth(9, 3).not_implemented(), ["RETR a"] * 2, "RETR was seen 2 times, the fault waits for the 3rd"),
        (
            on("RETR", "STOR").skip(2).not_implemented(),
            ["RETR a", "STOR a"],
            "RETR|STOR was seen 2 times, the fault waits for the 3rd",
        ),
        (on("RETR").every(11).not_implemented(), ["RETR a"], "RETR was seen 1 time, the fault waits for the 11th"),
        (
            on("RETR").probability(0).not_implemented(),
            ["RETR a"] * 3,
            "RETR was seen 3 times, and probability=0 selected none",
        ),
        (
            on("RETR").probability(0).nth(2).not_implemented(),
            ["RETR a"],
            "RETR was seen 1 time, the fault waits for the 2nd",
        ),
        (on("RETR").reply(226), ["RETR a"], "RETR was seen 1 time, but never reached the point where the fault acts"),
        (
            on("RETR").drop_data(at=0.5),
            ["RETR a"],
            "RETR was seen 1 time, but never reached the point where the fault acts",
        ),
        (on("RETR").drop_data(), ["RETR a"], "RETR was seen 1 time, but no transfer began"),
        (on("RETR").drop_data(1), ["RETR a"], "RETR was seen 1 time, but no transfer reached 1 byte"),
        (on("RETR").drop_data(9), ["RETR a"], "RETR was seen 1 time, but no transfer reached 9 bytes"),
        (on("RETR").read_error(9), ["RETR a"], "RETR was seen 1 time, but no transfer reached 9 bytes"),
    ],
)
def test_the_nearest_miss(fault: Fault, lines: list[str], text: str) -> None:
    """A fault that never happened says what came nearest: another command, too few, or no moment."""
    assert _miss(fault, *lines) == text


def test_a_miss_is_one_line() -> None:
    """Control characters that a client sent are made visible."""
    assert (
        _miss(on("RETR").not_implemented(), "STOR a\x1b[31m\nb")
        == "STOR a\\x1b[31m\\nb was seen, but the fault is for RETR"
    )


def test_what_has_happened_is_no_miss() -> None:
    """A fault that happened, but not so often as was hoped, says how many commands there were."""
    armed = ActiveFault(on("RETR").not_implemented())
    claim = armed.claim(situation())
    assert claim is not None
    claim.take()

    assert armed.why_not_fired() == "RETR was seen 1 time"
    assert repr(armed) == "<on('RETR').not_implemented(): fired 1 time>"


@pytest.mark.parametrize("verb", [*SECRETS, "\x00PASS\tdragon", "ACCT\tdragon"])
@pytest.mark.parametrize(
    "fault",
    [
        on("RETR").not_implemented(),
        on("*", path="/a").not_implemented(),
        on("PASS", "ACCT", path="tiger").not_implemented(),
    ],
)
def test_no_miss_shows_a_password(verb: str, fault: Fault) -> None:
    """What came nearest is shown without its password, whatever the fault waits for, and however the line is broken."""
    armed = ActiveFault(fault)
    armed.claim(situation(f"{verb} dragon"))

    assert "was seen, but" in armed.why_not_fired()
    for secret in ("dragon", "tiger"):
        assert secret not in armed.why_not_fired() + repr(armed)


# All faults together.


def test_no_program_where_nothing_goes_wrong() -> None:
    """A command that no fault is for has no program."""
    rules = ActiveFaults()
    assert rules.program(situation()) is None
    rules.active = (ActiveFault(on("STOR").not_implemented()), ActiveFault(on("RETR").nth(2).not_implemented()))

    assert rules.program(situation()) is None
    assert rules.program(situation()) is not None


def test_the_age_of_a_server() -> None:
    """Time counts from when the server was made."""
    assert ActiveFaults(100).age(102.5) == 2.5
