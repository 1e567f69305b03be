"""What an outcome says about itself, and that it travels."""

import json

import pytest

from ftpfixture.sweep.outcome import BAD, VERDICTS, Outcome

ROWS = [
    # verdict, expected, accepted: is_bad, is_changed
    ("recovered", "", "", False, False),
    ("recovered", "recovered", "", False, False),
    ("recovered", "failed", "", False, True),
    ("failed", "recovered", "", False, True),
    ("lost-work", "", "", False, False),
    ("wrong", "", "", True, False),
    ("wrong", "wrong", "", True, False),
    ("wrong", "wrong", "issue 12", False, False),
    ("hung", "", "issue 12", False, False),
    ("hung", "wrong", "issue 12", True, True),
    ("recovered", "wrong", "issue 12", False, True),
]


@pytest.mark.parametrize(("verdict", "expected", "accepted", "is_bad", "is_changed"), ROWS)
def test_what_passes(verdict: str, expected: str, accepted: str, is_bad: bool, is_changed: bool) -> None:
    """A bad verdict needs a reason, and any other than that of the map fails."""
    outcome = Outcome("t", "RETR.1-x", "RETR.1", "RETR /a", "x", "RETR #1: x", verdict, expected, accepted)
    assert (outcome.is_bad, outcome.is_changed) == (is_bad, is_changed)
    assert outcome.passes is not (is_bad or is_changed)


def test_an_outcome_travels_as_json() -> None:
    """As pytest-xdist sends it."""
    outcome = Outcome("t", "p", "s", "RETR /ä", "a", "f", "crashed", error="KeyError: 'x'", simulated=True)
    assert Outcome.received(json.loads(json.dumps(outcome.sent()))) == outcome


def test_bad_verdicts_are_verdicts() -> None:
    """The words are those of the table."""
    assert VERDICTS.keys() > BAD
