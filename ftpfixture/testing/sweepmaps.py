"""The maps of the tests of a run: where they are, how one is made, and what a run writes into them.

One rule: the maps are read when tests are collected, and written by the process that has all reports, at its end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired, run
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.testing.sweepoptions import SWEEP

if TYPE_CHECKING:
    from ftpfixture.sweep.mapfile import SweepMap
    from ftpfixture.sweep.mapping import CleanRun

__all__ = ["Maps", "is_worker", "may_make", "place_of", "to_make"]

_FOLDER = "ftp_sweeps"
_LIMIT = 300  # seconds for the runs from which a map is made


def _key(path: Path, cls: str, function: str) -> Path:
    name = f"{cls}.{function}" if cls else function
    return path.parent / _FOLDER / path.stem / quote(name, safe="._-")


def place_of(path: Path, cls: str, function: str, parameters: str) -> Path:
    """Return the file of the map of a test.

    Args:
        path: The file of the test.
        cls: Its class; "" without one.
        function: Its name.
        parameters: The identifier of its own parameters; "" without any.
    """
    key = _key(path, cls, function)
    ending = f"[{quote(parameters, safe='._-')}]" if parameters else ""
    return key.with_name(f"{key.name}{ending}.jsonl")


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def to_make(nodeid: str) -> str:
    """The command that makes a map."""
    return f"pytest --ftp-sweep=map {nodeid!r}"


@dataclass(slots=True)
class Maps:
    """The maps that a run has read.

    Attributes:
        problems: Why there is no map, by the file that it would be in.
        left_out: How many points the options leave out.
    """

    problems: dict[Path, str] = field(default_factory=dict)
    left_out: int = 0
    _read: dict[Path, SweepMap] = field(default_factory=dict)

    def get(self, place: Path) -> SweepMap | None:
        """Return the map in a file; None if there is none, or if it is damaged, which `problems` then has."""
        if place not in self._read and place not in self.problems:
            from ftpfixture.sweep.mapfile import load

            try:
                self._read[place] = load(place)
            except FileNotFoundError:
                return None
            except (ConfigurationError, OSError) as error:
                self.problems[place] = str(error)
        return self._read.get(place)

    def of(self, path: Path, cls: str, function: str) -> list[SweepMap]:
        """Return the maps of a test function, one for each set of its own parameters."""
        key = _key(path, cls, function)
        try:
            names = sorted(os.listdir(key.parent))
        except OSError:
            return []
        is_ours = (key.name + ".jsonl", key.name + "[")
        places = [key.with_name(name) for name in names if name.startswith(is_ours) and name.endswith(".jsonl")]
        return [found for place in places if (found := self.get(place)) is not None]

    def make(self, config: pytest.Config, nodeid: str, place: Path) -> None:
        """Make the maps of a test function in a process of its own; what fails is in `problems`.

        Args:
            config: Of this run.
            nodeid: The function, without parameters.
            place: The file of its map, if it has no parameters of its own.
        """
        try:
            done = run(
                _command(config, nodeid),
                cwd=config.invocation_params.dir,
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")},
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                timeout=_LIMIT,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except TimeoutExpired:
            self.problems[place] = (
                f"its runs without a fault did not end within {_LIMIT} s: if it has threads of its own, give it the "
                "marker ftp(simulate=False)"
            )
            return
        if done.returncode:
            self.problems[place] = f"its runs without a fault failed:\n{done.stdout.strip()}"

    def renew(self, place: Path, test: str, runs: Mapping[str, CleanRun]) -> str:
        """Make a map again from runs without a fault; return what was done.

        Raises:
            ValueError: There can be none.
            OSError: It cannot be written.
        """
        from ftpfixture.sweep.mapfile import SweepMap, save
        from ftpfixture.sweep.mapping import map_of

        header, points = map_of(test, runs)
        before = self.get(place)
        self.problems.pop(place, None)
        after = (before or SweepMap(header)).renewed(header, points)
        save(place, after)
        new = len(after.rows.keys() - (before.rows.keys() if before else ()))
        gone = len(before.rows.keys() - after.rows.keys()) if before else 0
        way = "simulated" if header.simulated else "with real connections"
        return f"{place}: {len(after.rows)} points, {new} of them new, {gone} gone; {way}"


def _command(config: pytest.Config, nodeid: str) -> list[str]:
    words = [sys.executable, "-m", "pytest", nodeid, "--ftp-sweep=map", "-q", "--no-header", "-p", "no:cacheprovider"]
    words += [f"--rootdir={config.rootpath}", "-m", "", "-k", ""]  # whatever the ini file selects
    words += ["-n0"] if config.pluginmanager.hasplugin("xdist") else []
    words += [] if config.inipath is None else ["-c", str(config.inipath)]
    words += [word for value in config.getoption("override_ini") or () for word in ("-o", value)]
    words += [word for name in config.getoption("plugins") or () for word in ("-p", name)]
    return words


def may_make(config: pytest.Config) -> bool:
    """Whether a run makes a missing map by itself: in one process, and not in CI, where it would be lost."""
    alone = not is_worker(config) and not config.getoption("numprocesses", None)
    return alone and not os.environ.get("CI") and config.stash[SWEEP].mode != "map"
