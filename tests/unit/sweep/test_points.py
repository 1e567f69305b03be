"""Points of sessions written by hand: their names, their faults, and what is left out."""

from collections import Counter

import pytest

from ftpfixture.sweep.points import LEFT_OUT, Point, points_after, points_of
from ftpfixture.sweep.steps import Step


def _step(verb: str, nth: int = 1, **values: object) -> Step:
    code = {"CONNECT": "220", "USER": "331", "PASS": "230", "PASV": "227"}.get(verb, "226")
    session = int(str(values.pop("session", 1)))
    total = int(str(values.pop("total", nth)))
    return Step(1, session, verb, nth, total, f"{verb} x", **{"code": code, **values})  # type: ignore[arg-type]


def _names(*steps: Step, level: str = "") -> list[str]:
    return [point.name for point in points_of(steps)[0] if level in ("", point.level)]


def _faults(*steps: Step) -> dict[str, str]:
    return {point.name: point.fault for point in points_of(steps)[0]}


def test_names_and_faults_of_a_download() -> None:
    """The fault of a point is the line that repeats it."""
    faults = _faults(_step("RETR", size=1000))
    rows = {
        "RETR.1-command-reset": "RETR #1: reset",
        "RETR.1-command-421-forever": "RETR: service_unavailable",
        "RETR.1-data.open-reset_data": "RETR #1: reset_data after_bytes=0",
        "RETR.1-data.first-reset_data": "RETR #1: reset_data after_bytes=1",
        "RETR.1-data.half-reset_data": "RETR #1: reset_data at=50%",
        "RETR.1-data.last-reset_data": "RETR #1: reset_data after_bytes=999",
        "RETR.1-data.end-reset_data": "RETR #1: reset_data after_bytes=1000",
        "RETR.1-data.half-truncate-forever": "RETR: truncate at=50%",
        "RETR.1-reply-never": "RETR #1: no_reply",
    }
    assert {name: faults[name] for name in rows} == rows


THIRD = _step("STOR", 1, size=9, session=2, total=3)


@pytest.mark.parametrize(
    ("step", "name", "fault"),
    [
        (_step("STOR", size=9), "STOR.1-data.half-truncate", "STOR #1: truncate after_bytes=5"),
        (_step("STOR", 2, size=9), "STOR.2-data.half-truncate-forever", "STOR skip=1: truncate after_bytes=5"),
        (
            _step("STOR", 1, size=9, session=2, total=3),
            "s2.STOR.1-command-550",
            "STOR session=2 #1: answer 550 'Refused'",
        ),
        (
            _step("STOR", 1, size=9, session=2, total=3),
            "s2.STOR.1-command-421-forever",
            "STOR skip=2: service_unavailable",
        ),
        (_step("CONNECT", 1, session=2, total=2), "CONNECT.2-connect-reset", "CONNECT #2: reset"),
        (_step("CONNECT", 1, session=2, total=2), "CONNECT.2-connect-reset-forever", "CONNECT skip=1: reset"),
        (_step("AUTH", handshake=True), "AUTH.1-handshake-cut", "AUTH #1: cut_handshake"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_the_fault_of_one_point(step: Step, name: str, fault: str) -> None:
    """Sessions have their own numbers, and what lasts counts on the server."""
    assert _faults(step)[name] == fault


@pytest.mark.parametrize(
    ("size", "places"),
    [
        (0, ["end"]),
        (1, ["open", "end"]),
        (2, ["open", "half", "end"]),
        (3, ["open", "half", "first", "end"]),
        (4, ["open", "half", "last", "first", "end"]),
    ],
)
def test_places_in_small_files(size: int, places: list[str]) -> None:
    """Two places with the same bytes are one, and an empty file has none but its end."""
    names = _names(_step("RETR", size=size))
    resets = [name.removesuffix("-reset_data") for name in names if name.endswith("-reset_data")]
    found = {name.removeprefix("RETR.1-data.") for name in resets}
    assert found == set(places) - ({"end"} if not size else set()), names


def test_what_is_left_out_is_counted() -> None:
    """Each reason, with a session in which it is the only one."""
    refused = points_of([_step("CWD", code="550")])
    assert refused[1] == Counter({"no difference": 1, "same bytes": 2})  # 550 for 550; no reply, and a lost one
    assert "CWD.1-command-550" not in [point.name for point in refused[0]]
    empty = points_of([_step("RETR", size=0)])
    assert empty[1]["no difference"] > 10
    assert set(LEFT_OUT) == {"no difference", "same bytes", "same run", "same place"}


def test_the_middle_of_a_run_of_equal_commands() -> None:
    """The first, the second and the last one stay; another reply begins another run."""
    steps = [_step("DELE", number, code="250") for number in range(1, 8)]
    steps[3] = _step("DELE", 4, code="550")
    points, left = points_of(steps)
    assert list(dict.fromkeys(point.step for point in points)) == ["DELE.1", "DELE.2", "DELE.4", "DELE.7"]
    assert left["same run"] == 3 * sum(point.step == "DELE.1" for point in points)


def test_one_step_stands_for_all_at_the_same_place() -> None:
    """The others are in the set "all"."""
    here, there = ("a.py:1", "a.py:9"), ("a.py:2", "a.py:9")
    steps = [
        _step("PWD", 1, site=here),
        _step("PWD", 2, site=there),
        _step("PWD", 3, site=here),
        _step("PWD", 4),
    ]
    points, left = points_of(steps)
    levels = {
        step: {point.level for point in points if point.step == step} for step in ("PWD.1", "PWD.2", "PWD.3", "PWD.4")
    }
    assert levels == {
        "PWD.1": {"quick", "standard", "all"},
        "PWD.2": {"quick", "standard", "all"},
        "PWD.3": {"all"},
        "PWD.4": {"quick", "standard", "all"},
    }
    assert left["same place"] == sum(point.step == "PWD.3" for point in points)


def test_points_of_depth_2() -> None:
    """Only new steps, one for each place of the code, and no stalls."""
    clean = [_step("CONNECT"), _step("RETR", size=10)]
    first = next(point for point in points_of(clean)[0] if point.name == "RETR.1-data.half-reset_data")
    run = [*clean, _step("REST", code="350", site=("a.py:3",)), _step("REST", 2, code="350", site=("a.py:3",))]
    points = points_after(first, [step.name for step in clean], run)
    assert points == [
        Point(
            f"RETR.1-data.half-reset_data~REST.1-{action}",
            ("RETR #1: reset_data at=50%", f"REST #1: {words}"),
            "REST x",
            "all",
        )
        for action, words in (
            ("command-reset", "reset"),
            ("command-550", "answer 550 'Refused'"),
            ("command-ignored", "answer 350 'Restarting'"),
        )
    ]
    assert (points[0].step, points[0].action) == (
        "RETR.1-data.half-reset_data~REST.1",
        "command-reset",
    )
    assert points[0].fault == "RETR #1: reset_data at=50% + REST #1: reset"


def test_a_long_command_is_shortened() -> None:
    """A map is read by people."""
    point = points_of([Step(1, 1, "CWD", 1, 1, "CWD " + "x" * 100, "250")])[0][0]
    assert (len(point.shown), point.shown[-1]) == (60, "…")
