"""The report as text, Markdown and JSON."""

import json

from ftpfixture.sweep.outcome import Outcome
from ftpfixture.sweep.summary import json_report, markdown, summary

GOOD = Outcome(
    "t.py::test", "RETR.1-command-reset", "RETR.1", "RETR /a|b", "command-reset", "RETR #1: reset", "failed", "failed"
)
WRONG = Outcome(
    *(
        "t.py::test",
        "RETR.1-data.half-truncate",
        "RETR.1",
        "RETR /a|b",
        "data.half-truncate",
        "RETR #1: truncate at=50%",
    ),
    *("wrong", "", "", 0.25, "AssertionError: <x>", "d.py:4"),
)
CHANGED = Outcome(
    "u", "PWD.1-command-550", "PWD.1", "PWD", "command-550", "PWD #1: answer 550 'x'", "recovered", "failed"
)
CLEAN = Outcome("u", "clean", "", "", "", "", "recovered")
LEFT = {"t.py::test": {"same bytes": 3, "same run": 0, "same place": 1}}


def test_text() -> None:
    """A matrix for each test, what was left out, the causes, and what to do."""
    assert summary([GOOD, WRONG, CLEAN, CHANGED], LEFT) == [
        "t.py::test: 2 points in 0.2 s",
        "             12",
        "RETR.1 /a|b  fW",
        "1 command-reset       2 data.half-truncate",
        "f failed 1, W wrong 1",
        "left out: 3 (another point puts the same bytes on the wire), "
        "1 (the code of the client is at the same place as at an earlier point (in the set all))",
        "",
        "u: 1 point in 0.0 s",
        "       1",
        "PWD.1  r",
        "1 command-550",
        "r recovered 1",
        "",
        "1 point, one cause: d.py:4: wrong: AssertionError: <x>",
        "    t.py::test: RETR.1-data.half-truncate",
        "    RETR #1: truncate at=50%",
        "",
        "1 point, one cause: recovered at command",
        "    u: PWD.1-command-550",
        "    PWD #1: answer 550 'x'",
        "",
        'a bad verdict is accepted by "accept": "the reason" in the line of its point in the map',
        "a verdict that has changed is accepted by a run with --ftp-update",
    ]
    assert summary([], {}) == []


def test_json() -> None:
    """The keys that the documentation names, in their order; runs without a fault are no points."""
    points = json.loads(json_report([GOOD, WRONG, CLEAN]))["points"]
    assert [list(point) for point in points] == [["test", "point", "fault", "verdict", "expected", "seconds"]] * 2
    assert points[1] == {
        "test": "t.py::test",
        "point": "RETR.1-data.half-truncate",
        "fault": "RETR #1: truncate at=50%",
        "verdict": "wrong",
        "expected": "",
        "seconds": 0.25,
    }


def test_markdown() -> None:
    """Nothing that a server or a client has said ends a cell."""
    assert markdown([GOOD, WRONG], LEFT).splitlines() == [
        "### FTP sweep: t.py::test",
        "",
        "2 points: 1 failed, 1 wrong",
        "",
        "| step | command-reset | data.half-truncate |",
        "|---|---|---|",
        "| `RETR.1` /a\\|b | f | W |",
        "",
        "left out: 3 (another point puts the same bytes on the wire), "
        "1 (the code of the client is at the same place as at an earlier point (in the set all))",
        "",
        "### Failures by cause",
        "",
        "- 1 point: d.py:4: wrong: AssertionError: &lt;x>: `RETR #1: truncate at=50%`",
    ]
