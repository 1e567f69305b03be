"""What a fault does: values that never change, and moments within a command."""

from __future__ import annotations

import dataclasses
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults import actions
from ftpfixture.faults.actions import PHASES, Action, Deaf, Disk, Moment, Pause, Phase, moment_of


@pytest.mark.parametrize("kind", [Moment, *get_args(Action)], ids=lambda kind: kind.__name__)
def test_actions_never_change(kind: type) -> None:
    """No field of an action can be set, and none can be added."""
    action: object = object.__new__(kind)

    for name in (*(field.name for field in dataclasses.fields(kind)), "extra"):
        # Python 3.11 answers a name that is no field of a frozen class with slots by a TypeError.
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(action, name, 1)
    assert not hasattr(action, "__dict__")


def test_the_set_of_actions_is_closed() -> None:
    """Every class of the module but `Moment` is in the union that type checkers see, and has a docstring of its own."""
    listed = {getattr(actions, name) for name in actions.__all__}
    classes = {value for value in listed if isinstance(value, type) and dataclasses.is_dataclass(value)}

    assert classes - {Moment} == set(get_args(Action))
    assert not [kind for kind in classes if (kind.__doc__ or "").startswith(f"{kind.__name__}(")]


def test_phases_are_those_of_the_type() -> None:
    """The table of phases and their type say the same, in the same order."""
    assert get_args(Phase) == PHASES


@pytest.mark.parametrize(
    ("moment", "size", "threshold"),
    [
        (Moment(), 100, None),
        (Moment(octets=0), None, 0),
        (Moment(octets=7), 5, 7),
        (Moment(fraction=0), 100, 0),
        (Moment(fraction=0.5), 101, 51),
        (Moment(fraction=1), 101, 101),
        (Moment(fraction=0.5), 0, 0),
        (Moment(fraction=0.5), None, None),
    ],
)
def test_thresholds(moment: Moment, size: int | None, threshold: int | None) -> None:
    """Octets are what they are; a part of a file is rounded up, and unknown where the size is."""
    assert moment.threshold(size) == threshold
    assert moment.is_within is (moment != Moment())


@given(st.floats(0, 1), st.integers(0, 1 << 40))
def test_a_part_of_a_file_is_within_it(fraction: float, size: int) -> None:
    """No part is beyond the end, and only nothing of it is before the first octet."""
    threshold = Moment(fraction=fraction).threshold(size)

    assert threshold is not None
    assert 0 <= threshold <= size
    assert (threshold > 0) is (fraction * size > 0)


@pytest.mark.parametrize("phase", PHASES)
def test_moments_of_users(phase: str) -> None:
    """Every phase is one, with octets or a part or neither."""
    assert Moment.of(phase) == Moment(phase=phase)  # type: ignore[arg-type]
    assert Moment.of(phase, after=0).octets == 0
    assert Moment.of(phase, at=1).fraction == 1


@pytest.mark.parametrize(
    ("phase", "after", "at", "text"),
    [
        ("later", None, None, "phase takes one of command, before_150, after_150, .*, not 'later'"),
        ("command", 1, 0.5, r"give after= \(octets\) or at= \(a part of the file\), not both"),
        ("command", -1, None, "after takes a whole number, 0 or more, not -1"),
        ("command", 1.0, None, "after takes a whole number, 0 or more, not 1.0"),
        ("command", True, None, "after takes a whole number, 0 or more, not True"),
        ("command", None, 1.5, "at takes a number from 0 to 1, or 0% to 100% in text, not 1.5"),
        ("command", None, math.nan, "at takes a number from 0 to 1, or 0% to 100% in text, not nan"),
        ("command", None, "50%", "at takes a number from 0 to 1, or 0% to 100% in text, not '50%'"),
    ],
)
def test_moments_that_never_come(phase: str, after: int | None, at: float | None, text: str) -> None:
    """What cannot be a moment is refused when it is written."""
    with pytest.raises(ConfigurationError, match=text):
        Moment.of(phase, after, at)


def test_moments_of_actions() -> None:
    """An action has the moment that it was given, or none."""
    assert moment_of(Pause(Moment("after_150"), 1)) == Moment("after_150")
    assert moment_of(Disk(5, True, after=7)) is None
    assert moment_of(Deaf("refuse")) is None
