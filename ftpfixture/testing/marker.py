"""The marker ``ftp``: the settings of the servers of one test.

One rule: a marker without a name is for the test's own server, or else for its only shared one; with a name, for that.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from ftpfixture.checks import suggest
from ftpfixture.testing.settings import FtpServerSettings

__all__ = [
    "MARKER",
    "OF_A_SERVER",
    "OWN",
    "SESSION_FACTORY",
    "check_markers",
    "has_other_server",
    "has_own_server",
    "schedules_of",
    "settings_of",
    "simulation_of",
]

MARKER = (
    "ftp(**settings): settings of this test's ftp_server, such as files={'/a.txt': b'hi'}, disable=['MLSD'] or "
    "faults=['RETR *.csv #2: drop_data after_bytes=1024']; ftp('name', **settings): of its shared server of that name"
)

SESSION_FACTORY = "ftp_session_server_factory"
"""The fixture that starts shared servers."""

_SIMULATION = {"simulate", "schedule", "simulate_time"}
_RECORDED = "ftp_recording"
OWN = frozenset({"ftp_server", "ftps_server", "ftp_fakefs", _RECORDED})
"""The fixtures that are the server of one test."""


OF_A_SERVER = frozenset({"ftp_client", "ftp_faults", "ftp_log"})
"""The fixtures that belong to the only server of a test, and start one if there is none."""


def has_own_server(item: pytest.Item) -> bool:
    """Return whether a test has its own server."""
    names = set(_fixtures(item))
    return bool(OWN & names) or (bool(OF_A_SERVER & names) and SESSION_FACTORY not in names)


def has_other_server(item: pytest.Item) -> bool:
    """Return whether a test has its own server beside a recorded one; the marker is for that server then."""
    return bool((OWN - {_RECORDED}) & set(_fixtures(item)))


def settings_of(item: pytest.Item, *servers: str | None) -> FtpServerSettings:
    """Return the settings of all markers of a test for a server, the nearest last.

    Args:
        item: The test.
        servers: Names of the server; None stands for markers without a name.
    """
    settings: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("ftp"))):
        name = _name(item, marker)
        if name in servers:
            settings.update(marker.kwargs)
    if _is_count(settings.get("simulate")) and "schedule" in settings:
        _fail(
            item,
            f"simulate={settings['simulate']} runs the test under schedules 0 to {settings['simulate'] - 1}, and "
            f"schedule={settings['schedule']!r} under one: leave out schedule=, or repeat the one with simulate=True",
        )
    return cast(FtpServerSettings, _with_schedule(item, settings))  # the server checks them


def _with_schedule(item: pytest.Item, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings in which a number of schedules is replaced by the schedule of this run."""
    if not _is_count(settings.get("simulate")):
        return settings
    return settings | {"simulate": True, "schedule": item.callspec.params["_ftp_schedule"]}  # type: ignore[attr-defined]


def simulation_of(item: pytest.Item) -> FtpServerSettings:
    """Return the settings of the markers of a test that are about simulation; wrong markers fail later."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("ftp"))):
        if not marker.args:
            settings |= {name: marker.kwargs[name] for name in _SIMULATION & marker.kwargs.keys()}
    return cast(FtpServerSettings, _with_schedule(item, settings))


def schedules_of(item: pytest.Item) -> int:
    """Return under how many schedules a test runs, by its nearest marker with ``simulate=``; 0 for one run."""
    count = next((marker.kwargs["simulate"] for marker in item.iter_markers("ftp") if "simulate" in marker.kwargs), 0)
    return int(count) if _is_count(count) else 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_markers(item: pytest.Item, shared: list[str]) -> None:
    """Fail a test with a marker that reaches no server.

    Args:
        item: The test.
        shared: Names of its shared servers.
    """
    names = [_name(item, marker) for marker in item.iter_markers("ftp")]
    for name in names:
        if name is not None and name not in shared:
            _fail(item, f"the marker ftp({name!r}) reaches no server: {suggest(name, shared)}")
    if None in names and len(shared) > 1 and not has_own_server(item):
        _fail(item, f"the marker ftp needs the name of a server, as in ftp({shared[0]!r}, ...): {', '.join(shared)}")


def _name(item: pytest.Item, marker: pytest.Mark) -> str | None:
    """Return the name of the server that a marker is for."""
    if not marker.args:
        return None
    if len(marker.args) > 1 or not isinstance(marker.args[0], str) or SESSION_FACTORY not in _fixtures(item):
        _fail(item, "the marker ftp takes names, as in ftp(disable=['MLSD'])")
    name: str = marker.args[0]
    return name


def _fail(item: pytest.Item, text: str) -> None:
    pytest.fail(f"{item.nodeid}: {text}", pytrace=False)


def _fixtures(item: pytest.Item) -> list[str]:
    names: list[str] = getattr(item, "fixturenames", [])  # a doctest has none
    return names
