"""Servers that serve many tests: each lives as long as the fixture that starts it, and begins again after each test.

A test has those servers whose fixture it uses, directly or by other fixtures. Before the test they get the settings of
its markers; after the test `FtpServer.reset` brings back their own. Between the two they are like other servers of the
test: failures, faults that never happened and the dialogue are in its report.

One rule: no change that a test makes to such a server is left in the next test.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple, Unpack

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.server import ScriptedUserManager
from ftpfixture.testing import reports
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.marker import check_markers, has_own_server, settings_of
from ftpfixture.testing.options import RUN
from ftpfixture.testing.settings import FtpServerSettings

__all__ = ["SHARED", "SharedServer", "SharedServers"]


class SharedServer(NamedTuple):
    """A server of many tests.

    Attributes:
        fixture: Name of the fixture that started it.
        name: Of the server, for markers and reports.
        server: The server.
        settings: Its own settings.
    """

    fixture: str
    name: str
    server: FtpServer
    settings: FtpServerSettings


class SharedServers:
    """All shared servers of a run, with the hooks of pytest for them.

    Args:
        config: Configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._running: list[SharedServer] = []
        self._setting_up: list[pytest.FixtureDef[Any]] = []
        self._item: pytest.Item | None = None

    def of(self, item: pytest.Item) -> list[SharedServer]:
        """Return the servers of a test."""
        names = getattr(item, "fixturenames", ())
        return [shared for shared in self._running if shared.fixture in names]

    # For the fixtures.

    def start(self, **settings: Unpack[FtpServerSettings]) -> FtpServer:
        """Start a server that stops with the fixture that is being set up.

        Raises:
            ConfigurationError: No fixture is being set up, or one of a single test; or a server cannot begin again.
        """
        fixture = self._setting_up[-1] if self._setting_up else None
        if fixture is None or fixture.scope == "function":
            raise ConfigurationError(
                "ftp_session_server_factory is for fixtures of the scope session, package, module or class; in a test, "
                "or in a fixture of one test, use ftp_server_factory"
            )
        name = settings.setdefault("name", fixture.argname) or fixture.argname
        if settings.get("simulate"):
            raise ConfigurationError(
                "simulate=True for a server of many tests: a simulation belongs to one test; use ftp_server or "
                "ftp_server_factory"
            )
        chosen: FtpServerSettings = {**self._config.stash[RUN].settings, **settings, "simulate": False}
        server = FtpServer(**chosen)
        server.check_reset()
        for fault in self._config.stash[RUN].faults:
            server.faults.add(fault)
        server.start()
        shared = SharedServer(fixture.argname, name, server, settings)
        self._running.append(shared)
        fixture.addfinalizer(partial(self._stop, shared))
        if self._item is not None and shared.fixture in getattr(self._item, "fixturenames", ()):
            self._begin(self._item, shared)
        return server

    def _stop(self, shared: SharedServer) -> None:
        self._running.remove(shared)
        shared.server.stop()
        shared.server.check()

    def script(
        self, item: pytest.Item, scripted: Callable[[FtpServerSettings], ScriptedUserManager]
    ) -> ScriptedUserManager | None:
        """Give the shared server of a test users whose logins go by script; None when the test has no such server.

        Args:
            item: The test.
            scripted: Makes the users from the settings of a server.
        """
        servers = self.of(item)
        if has_own_server(item) or not servers:
            return None
        if len(servers) > 1:
            names = ", ".join(shared.name for shared in servers)
            raise ConfigurationError(f"the test has several servers: {names}; give one a ScriptedUserManager as users=")
        users = scripted({**servers[0].settings, **self._marked(item, servers[0])})
        self._begin(item, servers[0], users=users)
        return users

    # For each test.

    def _begin(self, item: pytest.Item, shared: SharedServer, **settings: Unpack[FtpServerSettings]) -> None:
        """Give a server the settings of a test."""
        marked: FtpServerSettings = {**self._marked(item, shared), **settings}
        reports.take_marker(item, marked)
        if marked:
            shared.server.reset(**marked)
            for fault in self._config.stash[RUN].faults if "faults" in marked else ():
                shared.server.faults.add(fault)
        reports.attach(item, shared.server)

    def _marked(self, item: pytest.Item, shared: SharedServer) -> FtpServerSettings:
        return settings_of(item, shared.name, *(() if has_own_server(item) else (None,)))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Store which fixture starts a server."""
        __tracebackhide__ = True
        self._setting_up.append(fixturedef)
        try:
            return (yield)
        finally:
            self._setting_up.pop()

    @pytest.hookimpl
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin a test on the servers that run; those that its fixtures start begin by themselves."""
        self._item = item
        for shared in self.of(item):
            self._begin(item, shared)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Check that every marker has reached a server."""
        __tracebackhide__ = True
        check_markers(item, [shared.name for shared in self.of(item)])
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """End a test on its servers, after its fixtures; a failure meanwhile is an error of this test."""
        __tracebackhide__ = True
        try:
            return (yield)
        finally:
            self._item = None
            _for_each(self.of(item), _end)


def _end(shared: SharedServer) -> None:
    __tracebackhide__ = True
    shared.server.faults.clear()  # whether they happened was checked with the test
    shared.server.reset()


def _for_each(servers: list[SharedServer], act: Callable[[SharedServer], None]) -> None:
    """Call a function for all servers, also when one of them raises."""
    __tracebackhide__ = True
    if servers:
        try:
            act(servers[0])
        finally:
            _for_each(servers[1:], act)


SHARED = pytest.StashKey[SharedServers]()
"""The key of the shared servers in the configuration of pytest."""
