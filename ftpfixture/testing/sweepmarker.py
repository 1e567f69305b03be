"""The marker ``ftp_sweep``: a test that runs once for each fault at each step of its session.

One rule: a wrong argument fails the test with a sentence that has the right ones.
"""

from __future__ import annotations

import ftplib
from dataclasses import dataclass

import pytest

from ftpfixture import checks
from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.grammar import WORDS

__all__ = ["MARKER", "NAME", "SweepMarker", "marker_of"]

NAME = "ftp_sweep"

MARKER = (
    "ftp_sweep(raises=(OSError, ftplib.Error, EOFError), timeout=5, points=None): run this test with every fault at "
    "every step of its session; raises: what the code may raise; timeout: seconds of silence after which it hangs; "
    "points: 'quick', 'standard' or 'all', where the command line says nothing else, or words such as ['truncate']"
)

RAISES = (OSError, EOFError, ftplib.Error)
"""What code may raise when something goes wrong, where the marker does not say it."""

LEVELS = ("quick", "standard", "all")

_ARGUMENTS = ("raises", "timeout", "points")


@dataclass(frozen=True, slots=True)
class SweepMarker:
    """The arguments of the marker.

    Attributes:
        raises: What the code may raise.
        timeout: Seconds of silence after which a client with real connections hangs.
        points: A set of points where the command line has none, or words of faults; "" for the set of the run.
    """

    raises: tuple[type[BaseException], ...] = RAISES
    timeout: float = 5
    points: str | tuple[str, ...] = ""


def marker_of(item: pytest.Item) -> SweepMarker | None:
    """Return the nearest marker of a test; None if it has none.

    Raises:
        ConfigurationError: Its arguments cannot work.
    """
    mark = item.get_closest_marker(NAME)
    if mark is None:
        return None
    if mark.args:
        raise ConfigurationError(f"the marker {NAME} takes names: {NAME}(raises=..., timeout=..., points=...)")
    for name in mark.kwargs:
        if name not in _ARGUMENTS:
            raise ConfigurationError(f"the marker {NAME} has no {name}: {suggest(name, _ARGUMENTS)}")
    return SweepMarker(
        _raises(mark.kwargs.get("raises", RAISES)),
        checks.seconds("timeout", mark.kwargs.get("timeout", 5)),
        _points(mark.kwargs.get("points")),
    )


def _raises(value: object) -> tuple[type[BaseException], ...]:
    kinds = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise ConfigurationError(
            f"raises of the marker {NAME} is an exception class or a tuple of them, such as (OSError, EOFError), and "
            f"not {value!r}"
        )
    return kinds


def _points(value: object) -> str | tuple[str, ...]:
    if value is None:
        return ""
    if isinstance(value, str):
        return str(checks.one_of(f"points of the marker {NAME}", value, LEVELS))
    words = tuple(value) if isinstance(value, list | tuple | set | frozenset) else ()
    if not words:
        raise ConfigurationError(
            f"points of the marker {NAME} is one of {', '.join(LEVELS)}, or a list of words such as ['reset_data'], "
            f"and not {value!r}"
        )
    for word in words:
        if word not in WORDS:
            use = suggest(word, WORDS)
            raise ConfigurationError(f"points of the marker {NAME}: no fault has the word {word!r}: {use}")
    return words
