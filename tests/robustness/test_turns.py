"""The watchdog of all tests sees a handler that holds up the loop, and nothing else."""

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
    """Compute for so many seconds of CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Selfish(Server):
    """A server that keeps its loop."""

    @command("XBURN")
    async def xburn(self, connection: Connection, rest: str) -> bool:
        """XBURN: compute for longer than one may."""
        burn(2 * TURN_LIMIT)
        connection.response("200", "Done")
        return True

    @command("XWAIT")
    async def xwait(self, connection: Connection, rest: str) -> bool:
        """XWAIT: block for longer than one may, and compute nothing."""
        time.sleep(2 * TURN_LIMIT)  # noqa: ASYNC251 - on purpose
        connection.response("200", "Done")
        return True

    @command("XGC")
    async def xgc(self, connection: Connection, rest: str) -> bool:
        """XGC: let Python look for garbage, which takes as long as the whole process wants."""
        gc.collect()
        connection.response("200", "Done")
        return True


@pytest.fixture
def client(ftp_server_factory: Callable[..., FtpServer]) -> RawClient:
    """A client of that server, logged in."""
    return RawClient(ftp_server_factory(server_class=Selfish).address).login()


def test_a_handler_that_computes_for_long_is_seen(client: RawClient, turns: Turns) -> None:
    """It fails the test, with the CPU time of the turn and what it was."""
    with client:
        assert client.code("XBURN") == "200"

    shared_thread().call(lambda: None)  # the turn goes on when its reply has come
    with pytest.raises(AssertionError, match=r"the loop of the servers was held up:\n\d\d\d ms .* Inbox\._readable"):
        turns.check()
    turns.clear()


def test_what_computes_nothing_is_not_seen(client: RawClient, turns: Turns) -> None:
    """Waiting and collecting garbage are not the work of the server: a loaded machine shall fail no test."""
    keep = [[number] for number in range(300_000)]  # which takes the collector a while
    with client:
        assert client.code("XWAIT") == "200"
        assert client.code("XGC") == "200"
    shared_thread().call(lambda: None)
    assert len(keep) == 300_000
    assert not turns.of_servers()


def test_other_loops_may_compute(turns: Turns) -> None:
    """What a test does on loops of its own is its own business."""

    async def selfish() -> None:
        burn(2 * TURN_LIMIT)

    asyncio.run(selfish())
    assert turns.long
    assert not turns.of_servers()
