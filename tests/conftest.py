"""For all tests: a client that sends raw bytes, and a check of every reply that any server of any test sent."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

from ftpfixture import FtpServer
from ftpfixture.log import CommandLog
from ftpfixture.log.events import FaultApplied
from ftpfixture.testing.simulated import SIMULATED
from ftpfixture.wire.states import check_exchange
from tests.support.pairwise import mark_the_rest
from tests.support.raw import RawClient
from tests.support.turns import Turns, watched

# Seconds of CPU time; our own work lets others have their turn after a tenth of that. Coverage makes all of it slower.
TURN_LIMIT = 0.05 if sys.gettrace() is None else 0.15

# Machines are shared: no example may fail for being slow. In CI the examples are the same in every run, so that a
# failure there is the change's own; other runs look for new ones.
settings.register_profile(
    "shared",
    max_examples=50,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("shared")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of all combinations of parameters run those that have every pair of values; `-m exhaustive` runs the rest."""
    mark_the_rest(items)
    for item in items:
        if item.get_closest_marker("ftp_sweep") is None:  # its map says whether it is simulated
            item.stash[SIMULATED] = _is_simulated(item)


SIMULATED_TESTS = ("tests/faults/control/", "tests/faults/data/", "tests/conformance/")


def _is_simulated(item: pytest.Item) -> bool:
    """Whether the servers of a test are simulated: three of four are where that is possible, always the same."""
    if item.config.getoption("--ftp-simulate"):
        return True
    if not item.nodeid.startswith(SIMULATED_TESTS) or item.get_closest_marker("real") is not None:
        return False
    return crc32(item.nodeid.encode()) % 4 > 0


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what lives as long as the run: tests that collect it wait for that."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def keyboard() -> Iterator[None]:
    """SIGINT is KeyboardInterrupt, as in a terminal: a shell starts what runs in the background without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def raw(ftp_server: FtpServer) -> Iterator[RawClient]:
    """A client that sends raw bytes, logged in."""
    with RawClient(ftp_server.address) as client:
        yield client.login()


@pytest.fixture
def connect(ftp_server: FtpServer) -> Iterator[Callable[[], RawClient]]:
    """Makes clients that send raw bytes; they are connected, and have not read the greeting."""
    clients: list[RawClient] = []

    def make() -> RawClient:
        clients.append(RawClient(ftp_server.address))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(autouse=True)
def _every_reply_is_legal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every exchange of every server in a test against the table of legal replies (RFC 959 5.4).

    A session in which a fault was applied is not looked at; a test that makes a server answer otherwise on purpose by
    other means has the marker `illegal_replies`.
    """
    logs: list[CommandLog] = []
    original = CommandLog.__init__

    def remember(self: CommandLog, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        logs.append(self)

    monkeypatch.setattr(CommandLog, "__init__", remember)
    yield
    if request.node.get_closest_marker("illegal_replies") is None:
        wrong = [problem for log in logs for problem in illegal_exchanges(log)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="session")
def _all_turns() -> Iterator[Turns]:
    with watched(TURN_LIMIT) as turns:
        yield turns


@pytest.fixture(autouse=True)
def turns(_all_turns: Turns) -> Iterator[Turns]:
    """The turns of loops in this test that took longer than they may; a test that wants one clears them.

    All servers of a process share a loop, so one that computes for long holds up the clients of all others.
    """
    _all_turns.clear()
    yield _all_turns
    _all_turns.check()


def illegal_exchanges(log: CommandLog) -> list[str]:
    """What is wrong with the replies that commands of a log got, in sessions where nothing was to go wrong."""
    spoilt = {event.session for event in log.events if isinstance(event, FaultApplied)}
    ended = {session.number for session in log.sessions if session.reason != "quit"}
    problems = []
    for record in log.commands:
        if record.session in spoilt:
            continue
        codes = [code for code, _ in record.replies]
        unfinished = record.session in ended and (not codes or codes[-1].startswith("1"))
        problem = None if unfinished else check_exchange(record.verb, record.argument, codes)
        if problem is not None:
            problems.append(f"{record}: {problem}")
    return problems
