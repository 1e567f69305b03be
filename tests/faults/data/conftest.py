"""For all tests of faults of data connections: a server, a client, and a check that nothing is left over."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ftpfixture import FtpServer
from ftpfixture.testing.loopthread import shared_thread
from tests.support.faulty import FILES, enter
from tests.support.ftps import FtpsClient


@pytest.fixture(autouse=True)
def _nothing_is_left(_ftp_loop_thread: None) -> Iterator[None]:
    """No test may leave a thread, a task or a descriptor, and none may need the garbage collector for that."""
    before = _held()
    yield
    assert _held() == before


def _held() -> tuple[list[str], int, list[str]]:
    threads = sorted(thread.name for thread in threading.enumerate())
    tasks = sorted(task.get_name() for task in shared_thread().call(lambda: asyncio.all_tasks(shared_thread()._loop)))
    return threads, len(os.listdir("/proc/self/fd")), tasks


@pytest.fixture
def ftp_config() -> dict[str, Any]:
    """Settings of all servers: TLS is available, and timeouts are long, because test machines may be busy."""
    return {"tls": "explicit", "files": FILES, "wait_future_timeout": 10}


@pytest.fixture
def kind() -> str:
    """The encryption of connections; tests choose from `KINDS`."""
    return "clear"


@pytest.fixture
def client(ftp_server: FtpServer, kind: str) -> Iterator[FtpsClient]:
    """A raw client that is logged in."""
    with enter(ftp_server, kind) as client:
        yield client
