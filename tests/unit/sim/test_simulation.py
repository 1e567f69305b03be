"""Which servers share a simulation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture import ConfigurationError, FtpServer
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.simulation import begin, simulation
from tests.support.rows import check_rows


def test_sharing() -> None:
    """Servers share it from before the first start to the last stop; then there is a new one."""
    own = begin()
    assert simulation() is own
    first, second = FtpServer(simulate=True), FtpServer(simulate=True)
    assert first.driver is second.driver is own
    with first:
        with second:
            pass
        assert simulation() is own
    assert simulation() is not own


def test_a_server_that_starts_again() -> None:
    """It keeps its time, its port and its files."""
    with FtpServer(simulate=True, files={"/a": b"x"}) as server:
        port = server.port
        server.clock.move(60)
        server.restart()
        assert server.port == port
        assert server.files["/a"] == b"x"
        server.reset()
        server.reset(files={"/b": b"y"})
        assert server.port == port
        assert dict(server.files) == {"/b": b"y"}


def test_settings_that_contradict() -> None:
    """Each is an error that names both."""
    rows: list[tuple[Callable[[], object], str]] = [
        (lambda: FtpServer(schedule=1), "schedule= is for a simulated server: add simulate=True"),
        (lambda: FtpServer(simulate_time=True), "simulate_time= is for a simulated server: add simulate=True"),
        (lambda: FtpServer(simulate=True, driver=SimulatedTime()), "simulate=True with driver="),
        (lambda: FtpServer(simulate=True, network=MemoryNetwork()), "simulate=True with network="),
        (lambda: FtpServer(simulate=True, schedule=-1), "schedule"),
        (lambda: FtpServer(simulate=100), "simulate takes True or False, and in the marker ftp also a number"),  # type: ignore[arg-type]
    ]

    def check(row: tuple[Callable[[], object], str]) -> None:
        call, text = row
        with pytest.raises(ConfigurationError) as refused:
            call()
        assert text in str(refused.value)

    check_rows(rows, check)
    begin(1)
    with FtpServer(simulate=True, schedule=1), pytest.raises(ConfigurationError) as refused:
        FtpServer(simulate=True, schedule=2)
    assert "another one has schedule=1" in str(refused.value)
