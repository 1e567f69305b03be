"""Each of the foreign servers as a fixture; the report of a failing test has their logs."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import PEERS, Peer, Server


@pytest.fixture(params=PEERS, ids=[kind.name for kind in PEERS])
def kind(request: pytest.FixtureRequest) -> type[Peer]:
    """The class of a server, for tests that start it themselves."""
    kind: type[Peer] = request.param
    return kind


@pytest.fixture
def peer(kind: type[Peer], tmp_path: Path) -> Iterator[Peer]:
    """A server on 127.0.0.1."""
    with kind(tmp_path / "peer") as server:
        yield server


@pytest.fixture
def peer6(kind: type[Peer], tmp_path: Path) -> Iterator[Peer]:
    """A server on ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    with kind(tmp_path / "peer6", host="::1") as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the servers to the report of a failing test."""
    report = yield
    if report.failed:
        values: dict[str, Any] = getattr(item, "funcargs", {})
        for name, value in values.items():
            if isinstance(value, Server):
                report.sections.append((f"{name}: {value.name} output", value.log_text()))
    return report
