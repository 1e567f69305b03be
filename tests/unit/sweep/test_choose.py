"""Which points a run takes, as tables."""

import pytest

from ftpfixture.sweep.choose import Choice, cost_of, is_in, is_stall, ranked
from ftpfixture.sweep.mapfile import Row


def _row(point: str, fault: str = "RETR #1: reset_data at=50%", level: str = "quick", ms: int = 0) -> Row:
    return Row(point=point, fault=fault, step="RETR /a", set=level, ms=ms)


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), {0, 1, 2, 3, 4}),
        (Choice(most=2), {0, 1}),
        (Choice(most=9), {0, 1, 2, 3, 4}),
        (Choice(budget=2.5), {0, 1}),
        (Choice(budget=0.5), set()),
        (Choice(shard=(1, 2)), {0, 2, 4}),
        (Choice(shard=(2, 2)), {1, 3}),
        (Choice(shard=(7, 7)), set()),
        (Choice(most=1, shard=(2, 2)), {1}),
        (Choice(budget=1, shard=(2, 2)), {1}),
    ],
)
def test_number_time_and_part(choice: Choice, taken: set[int]) -> None:
    """Parts are taken first, so that all of them have points that tell much."""
    assert choice.taken([1.0] * 5) == taken


def test_parts_are_all_points() -> None:
    """Each point is in one part."""
    parts = [Choice(shard=(part, 4)).taken([1.0] * 10) for part in range(1, 5)]
    assert sorted(position for part in parts for position in part) == list(range(10))


@pytest.mark.parametrize(
    ("points", "is_there"),
    [
        ("quick", False),
        ("standard", True),
        ("all", True),
        (("reset_data",), True),
        (("reset",), False),
        (("x", "at=50%"), True),
    ],
)
def test_sets_and_words(points: str | tuple[str, ...], is_there: bool) -> None:
    """A word is a whole one."""
    assert is_in(_row("p", level="standard"), points) is is_there


def test_the_most_telling_first() -> None:
    """Each kind once before any twice, silent corruption before loss, stalls last."""
    names = [
        "CONNECT.1-connect-stall",
        "USER.1-command-reset",
        "USER.1-command-421",
        "PASS.1-command-reset",
        "RETR.1-data.half-truncate",
        "RETR.1-reply-slice",
        "RETR.1-data.half-reset_data",
    ]
    order = ranked([("t", _row(name)) for name in names])
    assert [names[position] for position in order] == [
        "RETR.1-data.half-truncate",
        "USER.1-command-reset",
        "RETR.1-data.half-reset_data",
        "USER.1-command-421",
        "RETR.1-reply-slice",
        "PASS.1-command-reset",
        "CONNECT.1-connect-stall",
    ]


def test_two_tests_have_their_kinds_each() -> None:
    """One test does not use up the budget of the other."""
    rows = [(test, _row(f"{verb}.1-command-reset")) for test in ("a", "b") for verb in ("USER", "PASS")]
    assert ranked(rows) == [0, 2, 1, 3]


@pytest.mark.parametrize(
    ("row", "simulated", "cost"),
    [
        (_row("RETR.1-command-reset"), True, 0.005),
        (_row("RETR.1-command-reset"), False, 0.03),
        (_row("RETR.1-command-reset", ms=70), False, 0.07),
        (_row("RETR.1-reply-never"), True, 0.005),
        (_row("RETR.1-reply-never"), False, 5),
    ],
)
def test_costs(row: Row, simulated: bool, cost: float) -> None:
    """Those of the map, and else what such points take."""
    assert cost_of(row, simulated, 5) == cost
    assert is_stall(row) is row.point.endswith("never")
