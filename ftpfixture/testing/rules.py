"""How checks of what users write themselves speak: the rule, what was seen instead, and what to do."""

from __future__ import annotations

__all__ = ["hold", "same"]


def hold(rule: str, holds: bool, seen: str, advice: str) -> None:
    """Go on when a rule holds.

    Args:
        rule: What should be, as a sentence.
        holds: Whether it is.
        seen: What was seen instead.
        advice: What to do about it.

    Raises:
        AssertionError: It does not hold; the text says all of this.
    """
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{rule}; but {seen}. To do: {advice}")


def same(rule: str, seen: object, wanted: object, advice: str) -> None:
    """Go on when what was seen is what was wanted.

    Raises:
        AssertionError: It is not.
    """
    __tracebackhide__ = True
    hold(rule, seen == wanted, f"it gave {seen!r:.200} instead of {wanted!r:.200}", advice)
