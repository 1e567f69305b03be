"""What a run of sweeps has found: its summary, its page, and what it writes into the maps.

One rule: this runs in the process that has all reports, the only one or that which controls the workers.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.sweep.outcome import BAD, VERDICTS, Outcome
from ftpfixture.testing.sweepmaps import Maps, is_worker
from ftpfixture.testing.sweepoptions import SWEEP

if TYPE_CHECKING:
    from ftpfixture.sweep.points import Point

__all__ = ["SENT", "SENT_RUN", "Results", "advice"]

SENT = "ftp_sweep"
"""The attribute of a report that has what became of a point; pytest-xdist passes it on."""

_LEFT_OUT = "ftp_sweep_left_out"

SENT_RUN = "ftp_sweep_map"
"""The attribute of a report that has a run without a fault, for the map."""


def advice(outcome: Outcome) -> str:
    """What a failing point says: what became of it, how it is repeated, and how it is accepted."""
    lines = [f"{outcome.point} ({outcome.shown}): {outcome.verdict}: {VERDICTS[outcome.verdict]}"]
    if outcome.is_changed:
        lines.append(f"its map has {outcome.expected}")
    faults = ", ".join(repr(fault) for fault in outcome.fault.split(" + "))
    lines.append(f"it repeats with @pytest.mark.ftp(faults=[{faults}])")
    if outcome.verdict in BAD:
        lines.append(f'to accept it, add "accept": "the reason" to the line of {outcome.point} in the map')
    else:
        lines.append("to accept it, run the test with --ftp-update")
    return "\n".join(lines)


class Results:
    """Collects the reports of a run.

    Args:
        config: Of the run.
        maps: The maps that it has read.
    """

    def __init__(self, config: pytest.Config, maps: Maps) -> None:
        self._config = config
        self._maps = maps
        self._outcomes: dict[Path, list[Outcome]] = defaultdict(list)
        self._new: dict[Path, list[Any]] = defaultdict(list)
        self._runs: dict[Path, dict[str, Any]] = defaultdict(dict)
        self._tests: dict[Path, str] = {}
        self._texts: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a report has."""
        if is_worker(self._config):
            return
        if (sent := getattr(report, SENT, None)) is not None:
            place = Path(sent[0])
            self._outcomes[place].append(Outcome.received(sent[1]))
            self._new[place] += sent[2]
        if (sent := getattr(report, SENT_RUN, None)) is not None:
            place = Path(sent[0])
            self._tests[place] = sent[1]
            self._runs[place][sent[2]] = sent[3]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has left out: all leave out the same."""
        self._maps.left_out = getattr(node, "workeroutput", {}).get(_LEFT_OUT, self._maps.left_out)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the maps, and the files of the report."""
        if is_worker(self._config):
            self._config.workeroutput[_LEFT_OUT] = self._maps.left_out  # type: ignore[attr-defined]
            return
        for place, runs in self._runs.items():
            if not self._make(place, runs):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not os.environ.get("CI"):
            for place, outcomes in self._outcomes.items():
                self._see(place, outcomes)
        self._write()

    def _make(self, place: Path, runs: dict[str, Any]) -> bool:
        """Make a map; return whether that was possible."""
        from ftpfixture.sweep.mapping import AGAIN, REAL, CleanRun

        test = self._tests[place]
        if not {REAL, AGAIN} <= runs.keys():
            self._texts.append(f"{test}: no map: not all of its runs without a fault were in this run")
            return False
        try:
            self._texts.append(
                self._maps.renew(place, test, {name: CleanRun.received(run) for name, run in runs.items()})
            )
        except (ValueError, OSError, ConfigurationError) as error:
            self._texts.append(f"{test}: no map: {error}")
            return False
        return True

    def _see(self, place: Path, outcomes: list[Outcome]) -> None:
        """Write what became of points into their map: what it does not have yet, and what the run accepts."""
        from ftpfixture.sweep.mapfile import save
        from ftpfixture.testing.sweeprun import REAL_TOO

        found = self._maps.get(place)
        if found is None:
            return
        changed = 0
        for outcome in outcomes:
            is_new = not outcome.expected or (outcome.is_changed and self._config.getoption("--ftp-update"))
            if is_new and not outcome.point.endswith(REAL_TOO) and outcome.point in found.rows:
                changed += found.see(outcome.point, outcome.verdict, outcome.seconds, outcome.waited)
        new = found.add([_point(values) for values in self._new[place]])
        if changed or new:
            save(place, found)
        if changed:
            self._texts.append(f"{place}: {changed} verdicts written: commit the file")
        if new:
            self._texts.append(f"{place}: {new} points of depth 2, which --ftp-sweep=all tries from the next run on")

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of all tests, each in the order of its map."""
        found = []
        for place, outcomes in sorted(self._outcomes.items()):
            known = self._maps.get(place)
            order = {} if known is None else {name: number for number, name in enumerate(known.rows)}
            found += sorted(outcomes, key=lambda outcome: order.get(outcome.point.removesuffix("+real"), len(order)))
        return found

    def left(self) -> dict[str, dict[str, int]]:
        """How many points were left out of each map, by reason."""
        return {
            outcomes[0].test: dict(known.header.left)
            for place, outcomes in self._outcomes.items()
            if (known := self._maps.get(place)) is not None
        }

    def _write(self) -> None:
        """Write the files of the report."""
        options = self._config.stash[SWEEP]
        files = []
        if options.json is not None:
            from ftpfixture.sweep.summary import json_report

            files.append((options.json, json_report(self.outcomes)))
        if options.html is not None:
            from ftpfixture.sweep.page import page

            files.append((options.html, page(self.outcomes, self.left(), "FTP sweep")))
        for place, text in files:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            self._texts.append(f"written: {place}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the matrix of each test, what failed by cause, and what was written."""
        outcomes = self.outcomes
        if not outcomes and not self._texts:
            return
        from ftpfixture.sweep.summary import summary

        terminalreporter.section("FTP sweep")
        width = min(terminalreporter._tw.fullwidth, 120)
        chosen = [f"{self._maps.left_out} points are left out by the options"] if self._maps.left_out else []
        for text in (*summary(outcomes, self.left(), width), *chosen, *self._texts):
            terminalreporter.write_line(text)


def _point(values: list[Any]) -> Point:
    """A point of depth 2, as a report has it."""
    from ftpfixture.sweep.points import Point

    name, faults, shown, server = values
    return Point(name, tuple(faults), shown, "all", server)
