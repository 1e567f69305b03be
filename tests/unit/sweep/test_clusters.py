"""Failures by cause."""

from ftpfixture.sweep.clusters import clusters
from ftpfixture.sweep.outcome import Outcome


def _failing(point: str, verdict: str, where: str = "", error: str = "") -> Outcome:
    action = point.partition("-")[2]
    return Outcome("t", point, "RETR.1", "RETR /a", action, "RETR #1: x", verdict, error=error, where=where)


def test_one_line_of_code_is_one_cause() -> None:
    """The largest group first, with three points and the line that repeats the first."""
    outcomes = [
        _failing("RETR.1-a", "crashed", "d.py:7", "KeyError: 1"),
        *(_failing(f"RETR.{number}-data.x", "wrong", "d.py:42", f"AssertionError: {number}") for number in range(5)),
        _failing("RETR.1-b", "recovered"),
        _failing("RETR.1-c", "leaked", "d.py:9", "TimeoutError: x"),
        _failing("RETR.1-d", "leaked", "d.py:9", "EOFError"),
        _failing("RETR.1-data.e", "hung", "", "HangError: h"),
    ]
    assert [cluster.lines() for cluster in clusters(outcomes)] == [
        [
            "5 points, one cause: d.py:42: wrong: AssertionError: 0",
            "    t: RETR.0-data.x, RETR.1-data.x, RETR.2-data.x and 2 more",
            "    RETR #1: x",
        ],
        [
            "2 points, one cause: d.py:9: leaked: a connection stays open when this fails",
            "    t: RETR.1-c, RETR.1-d",
            "    RETR #1: x",
        ],
        ["1 point, one cause: d.py:7: crashed: KeyError: 1", "    t: RETR.1-a", "    RETR #1: x"],
        ["1 point, one cause: hung at data.e: HangError: h", "    t: RETR.1-data.e", "    RETR #1: x"],
    ]


def test_what_is_accepted_is_no_failure() -> None:
    """A changed verdict is one, also a good one."""
    accepted = Outcome("t", "p", "s", "x", "a", "f", "wrong", "wrong", "issue 12")
    changed = Outcome("t", "p", "s", "x", "a", "f", "recovered", "failed")
    assert [cluster.outcomes for cluster in clusters([accepted, changed])] == [(changed,)]
