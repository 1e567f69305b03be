"""What a failing test reports: failures of its servers, faults that never happened, the dialogue.

Each server of a test is attached to the test's item before it starts, and these hooks read that list.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["attach"]

_SERVERS = pytest.StashKey[list[FtpServer]]()


def attach(item: pytest.Item, server: FtpServer) -> None:
    """Make a server one of a test: its failures fail the test, and its dialogue is in the report."""
    item.stash[_SERVERS].append(server)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin without servers: a test may be run again, and its last try is not its own."""
    item.stash[_SERVERS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the very test in which a server failed, or a fault never happened."""
    __tracebackhide__ = True
    result = yield
    for server in _servers(item):
        server.check()
        _assert_fired(server)
    return result


def _servers(item: pytest.Item) -> list[FtpServer]:
    """The servers of a test; those of its process, when the test has forked and comes back twice."""
    return [server for server in item.stash.get(_SERVERS, []) if not server.inherited]


def _assert_fired(server: FtpServer) -> None:
    try:
        server.faults.assert_fired()
    except AssertionError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None  # no line of the test is to blame


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the dialogue of every server of a failing test to its report, unless the failure tells it already."""
    report = yield
    if report.failed:
        servers = _servers(item)
        told = str(call.excinfo.value) if call.excinfo is not None else ""
        for number, server in enumerate(servers, 1):
            title = "FTP dialogue" if len(servers) == 1 else f"FTP dialogue of server {number}"
            if (dialogue := server.log.transcript()) not in told:
                report.sections.append((title, dialogue))
    if call.when == "teardown":
        item.stash[_SERVERS] = []  # pytest keeps its items to the end of the run, and with them what they hold
    return report
