"""The options of the sweep on the command line and in the ini file.

One rule: a value that cannot work ends the run before its first test, with a sentence that has the valid values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ftpfixture.checks import one_of
from ftpfixture.errors import ConfigurationError

__all__ = ["SWEEP", "SweepOptions", "add_options", "read_options"]

MODES = ("off", "map", "quick", "standard", "all")
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """The options.

    Attributes:
        mode: One of `MODES`.
        given: Whether the command line has it; else a marker may say otherwise.
        most: How many points a run takes at most; None for all.
        budget: The seconds that they may take; None for any.
        shard: Which part of the points, and of how many parts.
        html: Where the page goes; None for none.
        json: Where the points go as JSON; None for none.
    """

    mode: str = "standard"
    given: bool = False
    most: int | None = None
    budget: float | None = None
    shard: tuple[int, int] = (1, 1)
    html: Path | None = None
    json: Path | None = None


SWEEP = pytest.StashKey[SweepOptions]()
"""The key of the options in the configuration of pytest."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("ftp")
    modes = (
        "what tests with the marker ftp_sweep do: 'quick', 'standard' (the default) or 'all' points of their maps, "
        "'map' to make the maps again, or 'off' for one run without a fault"
    )
    group.addoption("--ftp-sweep", default=None, metavar="SET", help=modes)
    group.addoption("--ftp-sweep-max", default=None, metavar="N", help="at most N points, the most telling first")
    text = "points that take at most this time together, such as 60s or 5m, by their maps"
    group.addoption("--ftp-sweep-budget", default=None, metavar="TIME", help=text)
    group.addoption("--ftp-sweep-shard", default=None, metavar="I/N", help="part I of N of the points, such as 1/4")
    group.addoption("--ftp-sweep-html", default=None, metavar="FILE", help="a page with all points and their dialogues")
    group.addoption("--ftp-sweep-json", default=None, metavar="FILE", help="the points and their verdicts as JSON")
    parser.addini("ftp_sweep", "as --ftp-sweep: off, map, quick, standard or all", default="standard")


def read_options(config: pytest.Config) -> SweepOptions:
    """Return the options of a run.

    Raises:
        pytest.UsageError: One of them cannot work.
    """
    get = config.getoption
    given = get("--ftp-sweep")
    name, value = ("--ftp-sweep", given) if given else ("ftp_sweep of the ini file", config.getini("ftp_sweep"))
    try:
        return SweepOptions(
            str(one_of(name, value, MODES)),
            bool(given),
            _number(get("--ftp-sweep-max")),
            _budget(get("--ftp-sweep-budget")),
            _shard(get("--ftp-sweep-shard")),
            _file(get("--ftp-sweep-html")),
            _file(get("--ftp-sweep-json")),
        )
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None


def _file(text: str | None) -> Path | None:
    return None if text is None else Path(text).absolute()


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not int(text):
        raise ConfigurationError(f"--ftp-sweep-max takes a number of points from 1, such as 100, and not {text!r}")
    return int(text)


def _budget(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS or not float(found[1]):
        raise ConfigurationError(f"--ftp-sweep-budget takes a time, such as 60s, 5m or 1h, and not {text!r}")
    return float(found[1]) * _UNITS[found[2]]


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigurationError(
            f"--ftp-sweep-shard takes a part and how many there are, such as 1/4, and not {text!r}"
        )
    return int(found[1]), int(found[2])
