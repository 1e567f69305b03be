"""The watchdog of all tests reports a handler that blocks the loop, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, Server
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.testing.loopthread import shared_thread
from tests.conftest import TURN_LIMIT
from tests.support.raw import RawClient
from tests.support.turns import Turns


def burn(seconds: float) -> None:
    """Compute for `seconds` of CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Blocking(Server):
    """A server with commands that block its loop."""

    @command("XBURN")
    async def xburn(self, connection: Connection, rest: str) -> bool:
        """XBURN: compute for longer than the limit."""
        burn(2 * TURN_LIMIT)
        connection.response("200", "Done")
        return True

    @command("XWAIT")
    async def xwait(self, connection: Connection, rest: str) -> bool:
        """XWAIT: block for longer than the limit, without computing."""
        time.sleep(2 * TURN_LIMIT)  # noqa: ASYNC251 - on purpose
        connection.response("200", "Done")
        return True

    @command("XGC")
    async def xgc(self, connection: Connection, rest: str) -> bool:
        """XGC: collect garbage, which takes as long as the process has objects."""
        gc.collect()
        connection.response("200", "Done")
        return True


@pytest.fixture
def client(ftp_server_factory: Callable[..., FtpServer]) -> RawClient:
    """Return a client of that server, logged in."""
    return RawClient(ftp_server_factory(server_class=Blocking).address).login()


def test_a_long_computation_is_reported(client: RawClient, turns: Turns) -> None:
    """A long computation fails the test, with its CPU time and its callback."""
    with client:
        assert client.code("XBURN") == "200"

    shared_thread().call(lambda: None)  # the iteration may last longer than its reply
    with pytest.raises(AssertionError, match=r"the loop of the servers was held up:\n\d\d\d ms .* Inbox\._readable"):
        turns.check()
    turns.clear()


def test_waiting_and_garbage_collection_are_not_reported(client: RawClient, turns: Turns) -> None:
    """Waiting and collecting garbage are not the work of the server, so a loaded machine fails no test."""
    keep = [[number] for number in range(300_000)]  # the collector needs a while for it
    with client:
        assert client.code("XWAIT") == "200"
        assert client.code("XGC") == "200"
    shared_thread().call(lambda: None)
    assert len(keep) == 300_000
    assert not turns.of_servers()


def test_other_loops_may_compute(turns: Turns) -> None:
    """Computation on loops of the test is not reported."""

    async def compute() -> None:
        burn(2 * TURN_LIMIT)

    asyncio.run(compute())
    assert turns.long
    assert not turns.of_servers()
