"""A server on which something goes wrong, in clear and under TLS; what every test of this room has to hold after it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from ftpfixture import FtpServer
from ftpfixture.testing.loopthread import shared_thread
from tests.support.lab import Lab
from tests.support.witness import Witness

KINDS = {"clear": None, "explicit": "explicit", "implicit": "implicit"}


@pytest.fixture(params=KINDS)
def lab(request: pytest.FixtureRequest, ftp_server_factory: Callable[..., FtpServer]) -> Iterator[Lab]:
    """A server with a few files, whose control connections are in clear, or encrypted after AUTH, or from the start.

    After the test every fault has happened and is in the transcript, the next session is healthy, and of all sessions
    nothing is left: no task, no descriptor.
    """
    before = _left()
    marker = request.node.get_closest_marker("ftp")
    lab = Lab(ftp_server_factory, tls=KINDS[request.param], **(marker.kwargs if marker else {}))
    yield lab
    lab.check()
    lab.server.stop()
    assert _left() == before


@pytest.fixture
def client(lab: Lab) -> Witness:
    """A client that is logged in."""
    return lab.enter()


def _left() -> tuple[int, int]:
    """How many tasks of servers there are, and how many open descriptors."""
    return shared_thread().call(lambda: len(asyncio.all_tasks())), len(os.listdir("/proc/self/fd"))
