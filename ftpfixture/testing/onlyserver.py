"""The server that `ftp_client`, `ftp_faults` and `ftp_log` belong to.

One rule: it is the only server of the test, or the test fails.
"""

from __future__ import annotations

import pytest

from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.marker import OWN
from ftpfixture.testing.shared import SHARED

__all__ = ["only_server"]


def only_server(request: pytest.FixtureRequest, remedy: str) -> FtpServer:
    """Return the only server of a test; an `ftp_server` is started if there is none.

    Args:
        request: Of the fixture that belongs to the server.
        remedy: What to do in a test with several servers.

    Raises:
        pytest.fail.Exception: The test has several servers.
    """
    names = sorted(OWN & set(request.fixturenames))
    shared = request.config.stash[SHARED].of(request.node)
    if not names and len(shared) > 1:
        _refuse(request, [one.name for one in shared], remedy)
    if not names and shared:
        return shared[0].server
    servers: list[FtpServer] = [request.getfixturevalue(name) for name in names or ["ftp_server"]]
    if any(server is not servers[0] for server in servers):  # a project may override one with another
        _refuse(request, names, remedy)
    return servers[0]


def _refuse(request: pytest.FixtureRequest, names: list[str], remedy: str) -> None:
    text = f"{request.fixturename} of {request.node.nodeid}: the test has {' and '.join(names)}: {remedy}"
    pytest.fail(text, pytrace=False)
