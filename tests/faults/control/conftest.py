"""A server with faults, with and without TLS, and the checks that follow every test of this directory."""

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
    """A server with a few files; its control connections are without TLS, with AUTH TLS, or with implicit TLS.

    After the test every fault has happened and is in the transcript, the next session works, and no task and no
    descriptor of a session is left.
    """
    before = _left()
    marker = request.node.get_closest_marker("lab")
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
    """The number of tasks of servers, and of open descriptors."""
    return shared_thread().call(lambda: len(asyncio.all_tasks())), len(os.listdir("/proc/self/fd"))
