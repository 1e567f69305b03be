"""Moments within a command: a phase, or a number of bytes of the transfer."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.moments import PHASES, TRANSFER_PHASES, Moment, Phase
from tests.support.rows import table


def test_phases_are_those_of_the_type() -> None:
    """The table of phases and their type agree, in the same order."""
    assert get_args(Phase) == PHASES
    assert set(TRANSFER_PHASES) < set(PHASES)


@table(
    ("moment", "size", "threshold"),
    [
        (Moment(), 100, None),
        (Moment(after_bytes=0), None, 0),
        (Moment(after_bytes=7), 5, 7),
        (Moment(at=0), 100, 0),
        (Moment(at=0.5), 101, 51),
        (Moment(at=1), 101, 101),
        (Moment(at=0.5), 0, 0),
        (Moment(at=0.5), None, None),
    ],
)
def test_thresholds(moment: Moment, size: int | None, threshold: int | None) -> None:
    """A number of bytes is used as given; a part of a file is rounded up, and unknown if the size is."""
    assert moment.threshold(size) == threshold
    assert moment.is_within is (moment != Moment())


@given(st.floats(0, 1), st.integers(0, 1 << 40))
def test_a_part_of_a_file_is_within_it(fraction: float, size: int) -> None:
    """No part is after the end, and only 0 is before the first byte."""
    threshold = Moment(at=fraction).threshold(size)

    assert threshold is not None
    assert 0 <= threshold <= size
    assert (threshold > 0) is (fraction * size > 0)


@table("phase", PHASES)
def test_valid_moments(phase: str) -> None:
    """Every phase is valid, with `after_bytes`, `at` or neither."""
    assert Moment.of(phase) == Moment(phase=phase)  # type: ignore[arg-type]
    assert Moment.of(phase, after_bytes=0).after_bytes == 0
    assert Moment.of(phase, at=1).at == 1


@table(
    ("phase", "after_bytes", "at", "text"),
    [
        ("later", None, None, "phase takes one of command, before_150, after_150, .*, not 'later'"),
        ("command", 1, 0.5, "at cannot be combined with after_bytes: give only one of them"),
        ("command", -1, None, "after_bytes takes a whole number, 0 or more, not -1"),
        ("command", 1.0, None, "after_bytes takes a whole number, 0 or more, not 1.0"),
        ("command", True, None, "after_bytes takes a whole number, 0 or more, not True"),
        ("command", None, 1.5, "at takes a number from 0 to 1, or 0% to 100% in text, not 1.5"),
        ("command", None, math.nan, "at takes a number from 0 to 1, or 0% to 100% in text, not nan"),
        ("command", None, "50%", "at takes a number from 0 to 1, or 0% to 100% in text, not '50%'"),
    ],
)
def test_invalid_moments(phase: str, after_bytes: int | None, at: float | None, text: str) -> None:
    """An invalid moment is refused at once."""
    with pytest.raises(ConfigurationError, match=text):
        Moment.of(phase, after_bytes, at)
