"""From runs without a fault to a map."""

import json

import pytest

from ftpfixture.sweep.mapping import AGAIN, REAL, SIMULATED, CleanRun, difference, map_of
from ftpfixture.sweep.steps import Step

CONNECT = Step(1, 1, "CONNECT", 1, 1, "CONNECT", "220")
RETR = Step(1, 1, "RETR", 1, 1, "RETR /a", "226", 10, site=("a.py:1",))
SECOND = Step(1, 2, "CONNECT", 1, 2, "CONNECT", "220")


def _run(*steps: Step, simulated: bool = False, error: str = "") -> CleanRun:
    return CleanRun(steps, 10, 0, simulated, error)


def test_a_run_travels_as_json() -> None:
    """With the places of the client, which are no part of the equality of steps."""
    run = _run(CONNECT, RETR, simulated=True)
    received = CleanRun.received(json.loads(json.dumps(run.sent())))
    assert (received.steps, received.simulated) == ([CONNECT, RETR], True)
    assert received.steps[1].site == RETR.site


@pytest.mark.parametrize(
    ("simulated", "is_simulated"),
    [
        (_run(CONNECT, RETR, simulated=True), True),
        (_run(CONNECT, RETR), False),
        (_run(CONNECT, simulated=True), False),
        (_run(CONNECT, RETR, simulated=True, error="SimulationError: curl"), False),
        (None, False),
    ],
)
def test_a_map_is_simulated_where_that_is_the_same(simulated: CleanRun | None, is_simulated: bool) -> None:
    """Every server is, the test passes, and its session is that of real connections."""
    runs = {REAL: _run(CONNECT, RETR), AGAIN: _run(CONNECT, RETR)}
    header, points = map_of("t", runs if simulated is None else {**runs, SIMULATED: simulated})
    assert (header.simulated, header.steps, header.bytes) == (is_simulated, ["CONNECT.1", "RETR.1"], 10)
    assert {point.step for point in points} == {"CONNECT.1", "RETR.1"}


@pytest.mark.parametrize(
    ("real", "again", "problem"),
    [
        (_run(CONNECT, error="KeyError: 1"), _run(CONNECT), "it fails without a fault: KeyError: 1"),
        (_run(CONNECT), _run(CONNECT, error="KeyError: 2"), "it fails without a fault: KeyError: 2"),
        (_run(), _run(), "no client connected to a server of it"),
        (
            _run(CONNECT),
            _run(CONNECT, RETR),
            "two runs without a fault differ, so no verdict would mean anything: RETR.1 is new",
        ),
    ],
)
def test_there_is_no_map(real: CleanRun, again: CleanRun, problem: str) -> None:
    """The reason is told."""
    with pytest.raises(ValueError, match="^" + problem):
        map_of("t", {REAL: real, AGAIN: again})


def test_differences() -> None:
    """The order of parallel sessions is no difference."""
    names = [step.name for step in (CONNECT, SECOND, RETR)]
    assert difference(names, names[::-1]) == ""
    assert difference(names, ["CONNECT.1"]) == "CONNECT.2, RETR.1 are missing"
    assert difference(["A.1"], ["B.1"]) == "A.1 is missing, and B.1 is new"
