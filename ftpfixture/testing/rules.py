"""The messages of the checks for user-written parts: the rule, what was seen instead, and what to do."""

from __future__ import annotations

__all__ = ["hold", "same"]


def hold(rule: str, holds: bool, seen: str, advice: str) -> None:
    """Return if a rule holds.

    Args:
        rule: The rule, as a sentence.
        holds: Whether it holds.
        seen: What was seen instead.
        advice: What to do about it.

    Raises:
        AssertionError: It does not hold; the text has all arguments.
    """
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{rule}; but {seen}. To do: {advice}")


def same(rule: str, seen: object, wanted: object, advice: str) -> None:
    """Return if two values are equal.

    Raises:
        AssertionError: They are not.
    """
    __tracebackhide__ = True
    hold(rule, seen == wanted, f"it gave {seen!r:.200} instead of {wanted!r:.200}", advice)
