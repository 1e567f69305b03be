"""Maps as files: what is written is read again, and what is damaged is told with its line."""

from pathlib import Path

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.sweep.mapfile import Header, Row, SweepMap, load, save
from ftpfixture.sweep.points import Point

HEADER = Header(version=1, test="t.py::test", simulated=True, steps=["CONNECT.1"], bytes=5)
ONE = Point("RETR.1-command-reset", ("RETR #1: reset",), "RETR /ä", "quick")
TWO = Point("RETR.1-command-reset~RETR.2-command-550", ("RETR #1: reset", "RETR #2: answer 550 'x'"), "RETR /ä", "all")


def _map(*points: Point) -> SweepMap:
    return SweepMap(HEADER, {point.name: Row.of(point) for point in points})


def test_a_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Points, verdicts and reasons; one line a point."""
    place = tmp_path / "ftp_sweeps" / "t.jsonl"
    found = _map(ONE, TWO)
    assert found.see(ONE.name, "wrong", 0.2)
    found.rows[ONE.name].accept = "issue 12"
    save(place, found)
    assert place.read_text("utf-8").splitlines() == [
        '{"ftp-sweep": 1, "test": "t.py::test", "simulated": true, "steps": ["CONNECT.1"], "bytes": 5}',
        '{"point": "RETR.1-command-reset", "fault": "RETR #1: reset", "step": "RETR /ä", "set": "quick", '
        '"seen": "wrong", "accept": "issue 12", "ms": 200}',
        '{"point": "RETR.1-command-reset~RETR.2-command-550", "fault": "RETR #1: reset", "then": '
        '"RETR #2: answer 550 \'x\'", "step": "RETR /ä", "set": "all"}',
    ]
    assert load(place) == found
    assert [row.value for row in load(place).rows.values()] == [ONE, TWO]
    assert [file.name for file in place.parent.iterdir()] == ["t.jsonl"]


GOOD = '{"ftp-sweep": 1, "test": "t", "steps": []}\n'
LINE = '{"point": "p", "fault": "f", "step": "s", "set": "quick"}\n'

DAMAGED = {
    "": "1: it is empty",
    "no json\n": "1: JSON is malformed",
    '{"ftp-sweep": 2, "test": "t", "steps": []}\n': "1: this version reads the format 1, and not 2",
    GOOD + '{"point": "p"}\n': "2: Object missing required field `fault`",
    GOOD + LINE.replace("step", "stop"): "2: Object contains unknown field `stop`",
    GOOD + LINE.replace("quick", "slow"): "2: set is one of quick, standard, all, and not 'slow'",
    GOOD + LINE.replace("}", ', "seen": "good"}'): "2: seen is one of recovered, failed,",
    GOOD + LINE + LINE: "3: the point p is there twice",
    GOOD + "<<<<<<< ours\n": "2: JSON is malformed",
}


@pytest.mark.parametrize(("text", "problem"), DAMAGED.items(), ids=range(len(DAMAGED)))
def test_a_damaged_map(tmp_path: Path, text: str, problem: str) -> None:
    """The message has the file, the line and what to do."""
    place = tmp_path / "m.jsonl"
    place.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(place)
    assert str(caught.value).startswith(f"{place}:{problem}")
    assert str(caught.value).endswith("make the map again with --ftp-sweep=map")


def test_seeing_a_verdict() -> None:
    """A line changes only with its verdict; a reason is for the verdict that it was given for."""
    found = _map(ONE)
    found.rows[ONE.name].accept = "issue 12"
    assert found.see(ONE.name, "wrong", 0.01)
    assert found.rows[ONE.name] == Row.of(ONE, "wrong", "issue 12")
    assert not found.see(ONE.name, "wrong", 0.5)
    assert found.rows[ONE.name].ms == 0
    assert found.see(ONE.name, "hung", 0.5)
    assert found.rows[ONE.name] == Row.of(ONE, "hung", "", 500)


def test_renewing_a_map() -> None:
    """Verdicts of points that are still there stay, and so do points after a fault that is still there."""
    other = Point("RETR.1-command-close", ("RETR #1: close",), "RETR /ä", "standard")
    found = _map(ONE, other, TWO)
    found.see(ONE.name, "recovered", 0)
    found.see(other.name, "failed", 0)
    new = Point("STOR.1-command-reset", ("STOR #1: reset",), "STOR /b", "quick")
    renewed = found.renewed(HEADER, [new, ONE])
    assert {name: row.seen for name, row in renewed.rows.items()} == {new.name: "", ONE.name: "recovered", TWO.name: ""}
    assert list(found.renewed(HEADER, [new]).rows) == [new.name]


def test_points_of_depth_2_are_one_of_each_kind() -> None:
    """After a fault of the data and after one of the control connection; that of the first point stays."""
    names = ["RETR.1-command-reset", "RETR.1-command-close", "RETR.1-data.half-reset_data"]
    found = _map(*(Point(name, ("f",), "s", "quick") for name in names))
    deep = [Point(f"{name}~CONNECT.2-connect-reset", ("f", "g"), "CONNECT", "all") for name in reversed(names)]
    assert found.add(deep) == 2
    assert [name for name in found.rows if "~" in name] == [deep[2].name, deep[0].name]
    assert found.add(deep) == 0
