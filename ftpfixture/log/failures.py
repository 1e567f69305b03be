"""The messages of failed assertions: what is wrong, then the dialogue in which it went wrong.

One rule: a message has the dialogue once, at its end, and knows where that begins. So a report of pytest can show the
dialogue in its own section instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, Self

__all__ = ["Dialogue", "FailureText", "failure"]


class Dialogue(Protocol):
    """A log, as far as messages need it."""

    def dialogue(self, around: Collection[int] = ()) -> str:
        """The folded dialogue, with the surroundings of the commands of these `seq`."""


class FailureText(str):
    """The text of a failure: the problem, an empty line, and the folded dialogue.

    Attributes:
        problem: The text without the dialogue.
        log: The log of the dialogue.
        around: The `seq` of the commands that matter most.
    """

    problem: str
    log: Dialogue
    around: tuple[int, ...]

    def __new__(cls, problem: str, log: Dialogue, around: Iterable[int] = ()) -> Self:
        """See `failure`."""
        marks = tuple(around)
        text = super().__new__(cls, f"{problem}\n\n{log.dialogue(marks)}")
        text.problem, text.log, text.around = problem, log, marks
        return text

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # in another process there is no log


def failure(headline: str, lines: Iterable[str], log: Dialogue, around: Iterable[int] = ()) -> FailureText:
    """The text of a failure.

    Args:
        headline: What was expected, and what was seen.
        lines: What helps to find the cause, such as the nearest command.
        log: Its dialogue is the end of the text.
        around: The `seq` of the commands that matter most; a long dialogue is folded around them.
    """
    return FailureText("\n".join([headline, *lines]), log, around)
