"""The map of a test as a file: its points, one a line, and what became of each.

One rule: a line changes only where a point or its verdict changes, so that a review shows exactly that.

The first line is about the test. A line of a point has `point`, `fault` (and `then` for a second one), `step`, `set`,
`seen` (the verdict), `accept` (why a bad verdict is accepted), `ms` (how long it took, where that matters) and `waits`
(the virtual seconds that went by, so that it is not tried in real time).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from ftpfixture.errors import ConfigurationError
from ftpfixture.sweep.kinds import LEVELS
from ftpfixture.sweep.outcome import BAD, VERDICTS
from ftpfixture.sweep.points import Point

__all__ = ["VERSION", "Header", "Row", "SweepMap", "load", "save"]

VERSION = 1
_SLOW = 50  # milliseconds from which a line has them: the smaller ones change in every run


class Header(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The first line.

    Attributes:
        version: Of the format.
        test: Name of the test, without points.
        simulated: Whether its points run in simulated time.
        steps: The steps of a run without faults, in order.
        bytes: The bytes of its transfers.
        open: The connections that it leaves open, to fixtures for example.
        left: How many points were left out, by reason.
    """

    version: int = msgspec.field(name="ftp-sweep")
    test: str
    simulated: bool = False
    steps: list[str]
    bytes: int = 0
    open: int = 0
    left: dict[str, int] = {}


class Row(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A point.

    Attributes:
        point: Its name.
        fault: Its fault as text.
        then: Its second fault.
        step: The command, secrets starred.
        set: The smallest set that has it.
        server: The number of its server.
        seen: Its verdict; "" before its first run.
        accept: Why a bad verdict is accepted.
        ms: How many milliseconds it took, if they were many.
        waits: How many virtual seconds went by in simulated time.
    """

    point: str
    fault: str
    then: str = ""
    step: str
    set: str
    server: Annotated[int, msgspec.Meta(ge=1)] = 1
    seen: str = ""
    accept: str = ""
    ms: int = 0
    waits: int = 0

    @property
    def value(self) -> Point:
        """The point."""
        faults = (self.fault, self.then) if self.then else (self.fault,)
        return Point(self.point, faults, self.step, self.set, self.server)

    @classmethod
    def of(cls, point: Point, seen: str = "", accept: str = "", ms: int = 0, waits: int = 0) -> Row:
        """The line of a point."""
        return cls(
            point=point.name,
            fault=point.faults[0],
            then=point.faults[1] if len(point.faults) > 1 else "",
            step=point.shown,
            set=point.level,
            server=point.server,
            seen=seen,
            accept=accept,
            ms=ms if ms >= _SLOW else 0,
            waits=waits,
        )


@dataclass(slots=True)
class SweepMap:
    """A map.

    Attributes:
        header: Its first line.
        rows: Its points by name, in the order of the wire.
    """

    header: Header
    rows: dict[str, Row] = field(default_factory=dict)

    def renewed(self, header: Header, points: Iterable[Point]) -> SweepMap:
        """The map of a new run without faults, with what is known of the points that are still there."""
        renewed = SweepMap(header)
        for point in points:
            old = self.rows.get(point.name)
            known = ("", "", 0, 0) if old is None else (old.seen, old.accept, old.ms, old.waits)
            renewed.rows[point.name] = Row.of(point, *known)
        steps = {row.value.step for row in renewed.rows.values()}
        for name, row in self.rows.items():  # depth 2: those after a fault that is still there
            if row.then and name.rpartition("~")[0] in renewed.rows and row.value.step not in steps:
                renewed.rows[name] = row
        return renewed

    def add(self, points: Iterable[Point]) -> int:
        """Add points of depth 2, one of each kind; return how many are new.

        A kind is what goes wrong at which new step, after a fault of the data or of the control connection.
        """
        known = {_kind_of(row.value) for row in self.rows.values() if row.then}
        order = {name: number for number, name in enumerate(self.rows)}
        added = 0
        for point in sorted(points, key=lambda point: order.get(point.name.partition("~")[0], len(order))):
            if _kind_of(point) not in known:
                known.add(_kind_of(point))
                self.rows[point.name] = Row.of(point)
                added += 1
        return added

    def see(self, name: str, verdict: str, seconds: float, waited: float = 0) -> bool:
        """Record what became of a point; return whether its line changes.

        Args:
            name: Of the point.
            verdict: Its verdict.
            seconds: How long it took.
            waited: The virtual seconds that went by.
        """
        row = self.rows[name]
        ms = round(seconds * 1000)
        if row.seen != verdict:
            accepted = row.accept if verdict in BAD and not row.seen else ""  # the reason was for what was seen
            self.rows[name] = Row.of(row.value, verdict, accepted, ms, round(waited))
            return True
        return False


_Line = TypeVar("_Line", Header, Row)


def _kind_of(point: Point) -> tuple[str, ...]:
    """What makes a point of depth 2 differ from others."""
    first, _, second = point.name.partition("~")
    is_data = first.partition("-")[2].startswith("data")
    return "data" if is_data else "control", second


def load(place: Path) -> SweepMap:
    """Read a map.

    Raises:
        ConfigurationError: It is damaged; the text has the line, and what to do.
        OSError: It cannot be read.
    """
    lines = place.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    if not lines:
        raise _wrong(place, 1, "it is empty")
    header = _read(place, 1, lines[0], Header)
    if header.version != VERSION:
        raise _wrong(place, 1, f"this version reads the format {VERSION}, and not {header.version}")
    found = SweepMap(header)
    for number, line in enumerate(lines[1:], 2):
        row = _read(place, number, line, Row)
        for name, value, known in (("set", row.set, LEVELS), ("seen", row.seen, ("", *VERDICTS))):
            if value not in known:
                raise _wrong(place, number, f"{name} is one of {', '.join(filter(None, known))}, and not {value!r}")
        if row.point in found.rows:
            raise _wrong(place, number, f"the point {row.point} is there twice")
        found.rows[row.point] = row
    return found


def _read(place: Path, number: int, line: str, kind: type[_Line]) -> _Line:
    try:
        return msgspec.json.decode(line.encode("utf-8", "surrogateescape"), type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _wrong(place, number, str(error)) from None


def _wrong(place: Path, number: int, text: str) -> ConfigurationError:
    return ConfigurationError(f"{place}:{number}: {text}: make the map again with --ftp-sweep=map")


def save(place: Path, found: SweepMap) -> None:
    """Write a map: all of it, or nothing.

    Raises:
        OSError: It cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(msgspec.to_builtins(line), ensure_ascii=False) for line in (found.header, *found.rows.values())]
    other = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        other.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        other.replace(place)
    finally:
        other.unlink(missing_ok=True)
