"""Tests with simulated servers: their schedules, and their event loops.

One rule: each test has a simulation of its own, from before its fixtures until after them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ftpfixture.testing.marker import has_own_server, schedules_of, simulation_of
from ftpfixture.testing.options import RUN
from ftpfixture.testing.settings import FtpServerSettings

__all__ = ["DEFAULTS", "SIMULATED", "defaults_of"]

SIMULATED = pytest.StashKey[bool]()
"""Whether the servers that fixtures make for a test are simulated; without it, the option decides."""

DEFAULTS = pytest.StashKey[FtpServerSettings]()
"""Settings of the servers that fixtures make for a test and that are not given others."""

_PARAMETER = "_ftp_schedule"
_FIXTURES = {"ftp_server", "ftps_server", "ftp_server_factory"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with ``simulate=100`` under 100 schedules."""
    count = schedules_of(metafunc.definition)
    if count:
        metafunc.fixturenames.append(_PARAMETER)
        metafunc.parametrize(_PARAMETER, range(count), indirect=True, ids=lambda number: f"schedule={number}")


@pytest.fixture
def _ftp_schedule(request: pytest.FixtureRequest) -> int:
    """The schedule of this run of a test."""
    number: int = request.param
    return number


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give a simulated test its simulation, and asyncio tests a loop of it."""
    options: FtpServerSettings = defaults_of(item) if _has_server(item) else {}
    settings: FtpServerSettings = {**options, **simulation_of(item)}
    if not settings.get("simulate"):
        return (yield)
    from ftpfixture.sim.simulation import begin

    own = begin(settings.get("schedule"), bool(settings.get("simulate_time")))
    with _loops_of(own.client_loop):
        return (yield)


def defaults_of(item: pytest.Item) -> FtpServerSettings:
    """Return the settings of every server that a fixture makes for a test and that is not given others."""
    none: FtpServerSettings = {}
    settings: FtpServerSettings = {**item.config.stash[RUN].settings, **item.stash.get(DEFAULTS, none)}
    if SIMULATED not in item.stash:
        return settings
    return {**settings, "simulate": item.stash[SIMULATED]}


def _has_server(item: pytest.Item) -> bool:
    """Whether a fixture of this package makes a server for a test."""
    names = set(getattr(item, "fixturenames", ()))
    return bool(_FIXTURES & names) or (has_own_server(item) and "ftp_recording" not in names)


@contextmanager
def _loops_of(make: Callable[[], Any]) -> Iterator[None]:
    """Let asyncio.Runner, which pytest-asyncio uses, make these loops."""
    places = (asyncio, asyncio.events)
    before = [place.new_event_loop for place in places]
    for place in places:
        place.new_event_loop = make  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for place, function in zip(places, before, strict=True):
            place.new_event_loop = function  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell how a schedule is repeated."""
    report = yield
    number = getattr(item, "callspec", None) and item.callspec.params.get(_PARAMETER)  # type: ignore[attr-defined]
    if report.failed and number is not None:
        text = f"it repeats exactly with @pytest.mark.ftp(simulate=True, schedule={number})"
        report.sections.append((f"FTP schedule {number}", text))
    return report
