"""Faults of a server: the commands to which they apply, how often, and why they did not happen."""

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
    """The numbers of the commands, of `count` that match, to which a fault happens."""
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
def test_selected_commands(fault: Fault, numbers: list[int]) -> None:
    """nth, skip, every and times select among the matching commands."""
    assert _fires(fault, 6) == numbers


def test_other_commands_are_not_counted() -> None:
    """The 2nd is the 2nd matching command, with any commands between."""
    armed = ActiveFault(on("RETR", path="a*", user="ann").nth(2).not_implemented())
    lines = ["RETR a", "STOR a", "RETR b", "RETR a", "RETR a"]

    assert [armed.claim(situation(line)) is not None for line in lines] == [False, False, False, True, False]
    assert armed.claim(situation("RETR a", user="bob")) is None
    assert armed.seen == 3


@given(st.floats(0, 1), st.integers(0, 1 << 32))
def test_chance_is_the_same_in_every_run(part: float, seed: int) -> None:
    """A seed selects the same commands in every run."""
    fault = on("RETR").probability(part, seed).not_implemented()

    assert _fires(fault, 50) == _fires(fault, 50)


def test_chance_has_its_seed() -> None:
    """The seed decides which commands are selected, and the part how many."""
    chosen = [_fires(on("RETR").probability(0.25, seed).not_implemented(), 400) for seed in range(4)]

    assert len({tuple(numbers) for numbers in chosen}) == 4
    assert all(60 < len(numbers) < 140 for numbers in chosen)
    assert _fires(on("RETR").probability(0.25).not_implemented(), 400) == chosen[0]


def test_other_commands_use_no_random_number() -> None:
    """Other commands, and commands that nth excludes, use no random number."""
    every = _fires(on("RETR").probability(0.5, 7).not_implemented(), 40)
    armed = ActiveFault(on("RETR").probability(0.5, 7).every(2).not_implemented())
    claims = []
    for _ in range(80):
        armed.claim(situation("STOR a"))
        claims.append(armed.claim(situation()))

    assert [number / 2 for number, claim in enumerate(claims, 1) if claim is not None] == every


def test_since_and_until() -> None:
    """A fault does not apply and does not count before and after its time."""
    armed = ActiveFault(on("RETR").since(10).until(20).nth(2).not_implemented())

    assert [armed.claim(situation(at=at)) is not None for at in (5, 10, 20, 20.5)] == [False, False, True, False]
    assert armed.seen == 2


# Claims.


def test_a_claim_is_taken_once() -> None:
    """The first action begins the fault; the next ones belong to it."""
    armed = ActiveFault(on("RETR").not_implemented())
    claim = armed.claim(situation())

    assert claim is not None
    assert [claim.take() for _ in range(3)] == [True, None, None]
    assert armed.fired == 1


def test_the_first_of_two_claims_takes_the_fault() -> None:
    """A fault with `times(1)` happens to the command that takes it first, and to no other."""
    armed = ActiveFault(on("RETR").times(1).drop_data(after_bytes=10))
    slow, fast = armed.claim(situation()), armed.claim(situation())

    assert slow is not None
    assert fast is not None
    assert [fast.take(), slow.take(), fast.take(), slow.take()] == [True, False, None, False]
    assert (armed.fired, armed.spent) == (1, True)
    assert armed.claim(situation()) is None


def test_a_claim_that_is_never_taken_costs_nothing() -> None:
    """A command that never takes its claim leaves the fault to the next command."""
    armed = ActiveFault(on("RETR").times(1).drop_data(after_bytes=10))
    first, second = armed.claim(situation()), armed.claim(situation())

    assert first is not None
    assert second is not None
    assert second.take()


# Why a fault has not happened.


def _reason(fault: Fault, *lines: str) -> str:
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
def test_why_a_fault_has_not_happened(fault: Fault, lines: list[str], text: str) -> None:
    """The text names the nearest command, or the number of commands, or the moment that was not reached."""
    assert _reason(fault, *lines) == text


def test_the_reason_is_one_line() -> None:
    """Control characters from a client are escaped."""
    assert (
        _reason(on("RETR").not_implemented(), "STOR a\x1b[31m\nb")
        == "STOR a\\x1b[31m\\nb was seen, but the fault is for RETR"
    )


def test_the_reason_of_a_fault_that_happened() -> None:
    """For a fault that happened, but less often than expected, the text has the number of commands."""
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
def test_no_reason_shows_a_password(verb: str, fault: Fault) -> None:
    """A password in the nearest command is starred, for any fault, and for any form of the line."""
    armed = ActiveFault(fault)
    armed.claim(situation(f"{verb} dragon"))

    assert "was seen, but" in armed.why_not_fired()
    for secret in ("dragon", "tiger"):
        assert secret not in armed.why_not_fired() + repr(armed)


# All faults together.


def test_no_program_without_a_fault() -> None:
    """A command without faults has no program."""
    rules = ActiveFaults()
    assert rules.program(situation()) is None
    rules.active = (ActiveFault(on("STOR").not_implemented()), ActiveFault(on("RETR").nth(2).not_implemented()))

    assert rules.program(situation()) is None
    assert rules.program(situation()) is not None


def test_the_age_of_a_server() -> None:
    """The age counts from the creation of the server."""
    assert ActiveFaults(100).age(102.5) == 2.5
