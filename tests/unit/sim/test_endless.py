"""Loops that never end, and honest work that is long."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import time
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, HangError
from ftpfixture.sim.endless import Endless, EndlessLoop
from ftpfixture.sim.simulation import Simulation
from tests.support.rows import check_rows

BUSY = ["CONNECT: service_unavailable"]


def _connects(server: FtpServer) -> None:
    while True:
        with contextlib.suppress(OSError, ftplib.Error), ftplib.FTP(timeout=3) as ftp:
            ftp.connect(*server.address)
            return
        time.sleep(0.1)


def _logged_in(server: FtpServer) -> ftplib.FTP:
    ftp = ftplib.FTP(timeout=3)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    return ftp


def _polls(server: FtpServer) -> None:
    with _logged_in(server) as ftp:
        while "a" not in ftp.nlst("/"):
            time.sleep(60)


def _keeps_alive(server: FtpServer) -> None:
    with _logged_in(server) as ftp:
        while True:
            ftp.voidcmd("NOOP")


def _sleeps(server: FtpServer) -> None:
    while True:
        time.sleep(0.1)


def _in_coroutine(delay: float) -> Callable[[FtpServer], None]:
    async def looks() -> None:
        while True:  # noqa: ASYNC110 (what is tested)
            await asyncio.sleep(delay)

    return lambda server: asyncio.run(looks())


ROWS: list[tuple[Callable[[FtpServer], None], str]] = [
    (_connects, r"401 connections and 0 commands, none of them new: the connection to 127.0.0.1:\d+ \(401 times\)"),
    (_polls, r"NLST / \(\d+ times\)|repeats NLST / for ever"),
    (_keeps_alive, "repeats NOOP for ever: it did so 501 times, and nothing new: limit its attempts"),
    (_sleeps, "20000 turns and pauses, in which no client connected or sent a command"),
    (_in_coroutine(0.1), "20000 turns and pauses"),
    (_in_coroutine(0), "20000 turns and pauses"),
]


def test_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends by an error that says what is repeated, and so does one that the client handles."""
    monkeypatch.setattr("ftpfixture.sim.endless._TURNS", 20_000)

    def check(row: tuple[Callable[[FtpServer], None], str]) -> None:
        loop, text = row
        with pytest.raises(HangError, match=text):
            _run(loop, BUSY if loop is _connects else [], 400, 500)

    check_rows(ROWS, check)


def _run(loop: Callable[[FtpServer], None], faults: list[str], connections: int, commands: int) -> None:
    with FtpServer(simulate=True, simulate_time=True, faults=faults) as server:
        assert isinstance(server.driver, Simulation)
        server.driver.endless.max_connections, server.driver.endless.max_commands = connections, commands
        loop(server)


def test_a_loop_that_handles_every_error() -> None:
    """After five of them, it ends by an error that is no Exception."""
    handled = 0

    def connects(server: FtpServer) -> None:
        nonlocal handled
        while True:
            ftp = ftplib.FTP()
            try:
                ftp.connect(*server.address)
            except HangError:
                handled += 1
            except ftplib.Error:
                pass
            finally:
                ftp.close()

    with pytest.raises(EndlessLoop, match="again and again"):
        _run(connects, BUSY, 100, 100)
    assert handled == 5


def test_work_is_no_loop() -> None:
    """A command line that is new begins the count again; ports of active mode are none."""
    endless, found = Endless(), list[tuple[str, int]]()
    endless.max_commands = 10
    endless.on_found.append(lambda what, count: found.append((what, count)))
    for number in range(50):
        for line in ("TYPE I", "EPSV", f"RETR /{number}"):
            verb, _, argument = line.partition(" ")
            endless.sends(verb, argument)
            endless.check()
    for number in range(10):
        endless.sends("PORT", f"127,0,0,1,9,{number}")
    endless.check()
    assert found == []
    endless.sends("PORT", "127,0,0,1,10,1")
    with pytest.raises(HangError, match=r"11 commands, none of them new: PORT \(11 times\)"):
        endless.check()
    assert found == [("PORT", 11)]
    endless.check()  # an error is raised once for a command
    endless.sends("PORT", "127,0,0,1,10,2")
    endless.restart()
    endless.check()


def test_reset_begins_again() -> None:
    """A server that is reset for the next example counts from the beginning."""
    with FtpServer(simulate=True) as server:
        assert isinstance(server.driver, Simulation)
        server.driver.endless.max_commands = 20
        for _ in range(10):
            with _logged_in(server) as ftp:
                ftp.voidcmd("NOOP")
            server.reset()
