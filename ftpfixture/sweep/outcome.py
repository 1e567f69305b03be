"""What became of a point: the verdict, and what a report says about it.

One rule: an outcome is plain data, because it travels from one process to another.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

__all__ = ["BAD", "CLEAN", "VERDICTS", "Outcome"]

CLEAN = "clean"
"""The point without a fault."""

VERDICTS = {
    "recovered": "the test passed in spite of the fault",
    "failed": "the code raised one of the exceptions that it may raise",
    "lost-work": "the test passed, and transferred again what it had already",
    "wrong": "an assertion of the test failed: the code said that all is well, and it was not",
    "crashed": "the code raised another exception",
    "hung": "the code would have waited for ever",
    "leaked": "the code left a connection open",
}
"""The verdicts, each with what it means; the best first."""

BAD = frozenset({"wrong", "crashed", "hung", "leaked"})
"""The verdicts that fail a test, unless its map accepts them with a reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one point.

    Attributes:
        test: The test without the point, or the command line of a program.
        point: Name of the point, such as "RETR.1-data.half-reset_data"; "clean" for the run without a fault.
        step: Name of its step, such as "RETR.1".
        shown: The command of the step as text, secrets starred, such as "RETR /a.csv".
        action: Where and what, such as "data.half-reset_data": with `step` it is the name of the point.
        fault: The fault in one line, which repeats the run in an ordinary test.
        verdict: One of `VERDICTS`.
        expected: The verdict of the map; "" where it has none.
        accepted: Why the map accepts a bad verdict; "" where it does not.
        seconds: How long the run took, in real time.
        error: The exception, as "TypeName: text" in one line; "" without one.
        where: The innermost line of the user's own code in its traceback, such as "downloader.py:42"; "" without one.
        dialogue: What was said, as the log shows it; "" where it was not asked for.
        simulated: Whether connections and time were simulated.
        waited: Virtual seconds that went by; 0 with real connections.
    """

    test: str
    point: str
    step: str
    shown: str
    action: str
    fault: str
    verdict: str
    expected: str = ""
    accepted: str = ""
    seconds: float = 0.0
    error: str = ""
    where: str = ""
    dialogue: str = ""
    simulated: bool = False
    waited: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether the verdict is one that fails, and that the map does not accept."""
        return self.verdict in BAD and not (self.accepted and self.expected in ("", self.verdict))

    @property
    def is_changed(self) -> bool:
        """Whether the map has another verdict."""
        return self.expected not in ("", self.verdict)

    @property
    def passes(self) -> bool:
        """Whether the point passes in a run of tests."""
        return not self.is_bad and not self.is_changed

    def sent(self) -> dict[str, Any]:
        """The outcome as a mapping of plain values."""
        return asdict(self)

    @classmethod
    def received(cls, values: dict[str, Any]) -> Self:
        """The outcome that `sent` has made."""
        return cls(**values)
