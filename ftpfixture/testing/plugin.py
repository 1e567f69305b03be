"""The pytest plugin: fixtures, options and the marker. `ftpfixture.testing.reports` makes the failures of tests."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, Unpack
from zlib import crc32

import pytest
import pytest_asyncio

from ftpfixture.checks import wrong
from ftpfixture.client import Client
from ftpfixture.errors import ConfigurationError, FtpFixtureError
from ftpfixture.log import CommandLog
from ftpfixture.server import AbstractUserManager, ScriptedUserManager
from ftpfixture.testing import advice, golden, recordings, reports, simulated, sweep
from ftpfixture.testing.clientfixture import connected, server_of_client
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.folders import folder
from ftpfixture.testing.ftpserver import FtpServer, FtpServerFactory
from ftpfixture.testing.interrupts import Interrupts
from ftpfixture.testing.loopthread import shared_thread
from ftpfixture.testing.marker import MARKER, has_other_server, settings_of
from ftpfixture.testing.onlyserver import only_server
from ftpfixture.testing.options import RUN, add_options, read_options
from ftpfixture.testing.randomfiles import SENDABLE, RandomFiles, hostile_name
from ftpfixture.testing.settings import FtpServerSettings
from ftpfixture.testing.shared import SHARED, SharedServers
from ftpfixture.testing.users import known_users

__all__ = [
    "ftp_client",
    "ftp_config",
    "ftp_fakefs",
    "ftp_faults",
    "ftp_hostile_names",
    "ftp_log",
    "ftp_recording",
    "ftp_server",
    "ftp_server_factory",
    "ftp_session_server_factory",
    "ftp_tree",
    "ftp_users",
    "ftps_server",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Options for all servers of a run, on the command line and in ini files."""
    pluginmanager.register(reports, "ftpfixture-reports")
    pluginmanager.register(advice, "ftpfixture-advice")
    pluginmanager.register(golden, "ftpfixture-golden")
    pluginmanager.register(recordings, "ftpfixture-recordings")
    pluginmanager.register(simulated, "ftpfixture-simulated")
    pluginmanager.register(sweep, "ftpfixture-sweep")
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that --strict-markers accepts it; read the options."""
    config.addinivalue_line("markers", MARKER)
    config.stash[RUN] = read_options(config)
    config.stash[SHARED] = SharedServers(config)
    config.pluginmanager.register(config.stash[SHARED], "ftpfixture-shared")
    config.pluginmanager.register(Interrupts(config), "ftpfixture-interrupts")
    # pytest-asyncio, a dependency of this package, warns in projects without async tests, which never configured it;
    # where warnings are errors that would end every run.
    warnings.filterwarnings(
        "ignore", ".*asyncio_default_fixture_loop_scope.* is unset", pytest.PytestDeprecationWarning
    )


@pytest.fixture(scope="session")
def ftp_config() -> FtpServerSettings:
    """Settings of every server in the tests that see this fixture: override it, at any scope, to change them."""
    return {}


@pytest.fixture(scope="session")
def _ftp_loop_thread() -> Iterator[None]:
    """The thread of all servers lives as long as the session: starting one costs more than starting a server."""
    with shared_thread().leased():
        yield


@pytest.fixture
def ftp_server(
    request: pytest.FixtureRequest, ftp_config: FtpServerSettings, _ftp_loop_thread: None
) -> Iterator[FtpServer]:
    """A running FTP server of this test's own: ``host``, ``port``, ``credentials``, ``files``, ``log``.

    Settings come from the fixture `ftp_config` and the marker ``@pytest.mark.ftp(...)``, the nearest last.
    """
    yield from _one_server(request, {}, ftp_config, "ftp_server")


def _one_server(
    request: pytest.FixtureRequest, defaults: FtpServerSettings, config: FtpServerSettings, fixture: str
) -> Iterator[FtpServer]:
    with ExitStack() as servers:
        with _explained(request.node, fixture):
            settings: FtpServerSettings = {**defaults, **_checked(config), **settings_of(request.node, None)}
            if "ftp_users" in request.fixturenames:
                settings["users"] = request.getfixturevalue("ftp_users")
            reports.take_marker(request.node)
            server = _start(request.node, servers, settings, fixture)
        yield server


@contextmanager
def _explained(item: pytest.Item, fixture: str) -> Iterator[None]:
    """Fail a test whose fixture cannot be made, without a traceback: that has no line of the test."""
    try:
        yield
    except (FtpFixtureError, OSError) as error:
        raise pytest.fail.Exception(f"{fixture} of {item.nodeid}: {error}", pytrace=False) from None


@pytest.fixture
def ftps_server(
    request: pytest.FixtureRequest, ftp_config: FtpServerSettings, _ftp_loop_thread: None
) -> Iterator[FtpServer]:
    """An `ftp_server` with TLS: explicit (AUTH TLS), unless the settings say ``tls="implicit"`` or "required".

    ``server.tls.client_context()`` trusts its certificate, and so does a program with the file ``server.tls.ca_file``.
    """
    yield from _one_server(request, {"tls": "explicit"}, ftp_config, "ftps_server")


@pytest.fixture
def ftp_fakefs(
    request: pytest.FixtureRequest, fs: object, ftp_config: FtpServerSettings, _ftp_loop_thread: None
) -> Iterator[FtpServer]:
    """An `ftp_server` that serves the fake file system of the test, the fixture `fs` of pyfakefs.

    Clients see its root as "/", or the folder that the setting `root` names.
    """
    yield from _one_server(request, {"fakefs": fs}, ftp_config, "ftp_fakefs")


@pytest.fixture
def ftp_recording(
    request: pytest.FixtureRequest, ftp_config: FtpServerSettings, _ftp_loop_thread: None
) -> Iterator[FtpServer]:
    """A server that plays the recording of this test, or passes everything on to a real server and records it.

    The marker ``@pytest.mark.ftp_recording(upstream=..., path=...)`` has the real server and the recording, and
    ``--ftp-record`` decides what a run does.
    """
    with ExitStack() as ending:
        with _explained(request.node, "ftp_recording"):
            test, settings = ending.enter_context(recordings.recorded_test(request.node, _checked(ftp_config)))
            if not has_other_server(request.node):
                reports.take_marker(request.node)
            server = _start(request.node, ending, settings, "ftp_recording")
            ending.enter_context(test.recording(server))
        yield server


@pytest.fixture
def ftp_users(request: pytest.FixtureRequest, ftp_config: FtpServerSettings) -> ScriptedUserManager:
    """The users of this test's server, whose logins go by script: ``ftp_users.on("ann").reject().accept()``.

    They are those of the settings, or else "user" with "password". The server is `ftp_server` or `ftps_server`, or else
    the only shared server of the test.
    """
    try:
        late = {"ftp_server", "ftps_server"} & set(getattr(request.node, "funcargs", ()))
        if late:
            raise ConfigurationError(
                f"{late.pop()} runs already, with other users: make ftp_users an argument of the test"
            )
        shared = request.config.stash[SHARED].script(request.node, _scripted)
        if shared is not None:
            return shared
        reports.take_marker(request.node, ("users", "root"))
        manager = _scripted({**_checked(ftp_config), **settings_of(request.node, None)})
        reports.attach_users(request.node, manager)
        return manager
    except FtpFixtureError as error:
        raise pytest.fail.Exception(f"ftp_users of {request.node.nodeid}: {error}", pytrace=False) from None


def _scripted(settings: FtpServerSettings) -> ScriptedUserManager:
    """Return the users of some settings as a manager that takes scripts; with a `root` they see that folder.

    Raises:
        ConfigurationError: The setting is another manager, or no valid value.
    """
    root = settings.get("root")
    known = known_users(settings.get("users"), None if root is None else folder(root))
    if isinstance(known, ScriptedUserManager):
        return known
    if isinstance(known, AbstractUserManager):
        kind = type(known).__name__
        raise ConfigurationError(
            f"the setting users= is a {kind}, which takes no scripts: give a list of User objects or a mapping, "
            f"or derive {kind} from ScriptedUserManager"
        )
    return ScriptedUserManager(known, ask_anonymous=True)


@pytest.fixture
def ftp_server_factory(
    request: pytest.FixtureRequest, ftp_config: FtpServerSettings, _ftp_loop_thread: None
) -> Iterator[FtpServerFactory]:
    """Starts any number of servers for a test, each with its own settings over those of `ftp_config`."""
    with ExitStack() as servers:

        def start(**settings: Unpack[FtpServerSettings]) -> FtpServer:
            return _start(request.node, servers, {**_checked(ftp_config), **settings})

        yield start


@pytest.fixture(scope="session")
def ftp_session_server_factory(request: pytest.FixtureRequest, _ftp_loop_thread: None) -> FtpServerFactory:
    """Starts servers for many tests, in fixtures of the scope session, package, module or class.

    A server lives as long as the fixture that starts it. Each test that uses the fixture gets it as new: with the
    settings of its marker, and without the files, faults and sessions of the test before.
    """
    return request.config.stash[SHARED].start


@pytest.fixture
def _ftp_client_server(request: pytest.FixtureRequest) -> FtpServer:
    """The server of `ftp_client`."""
    return server_of_client(request)


@pytest_asyncio.fixture
async def ftp_client(_ftp_client_server: FtpServer) -> AsyncIterator[Client]:
    """A client for asyncio tests, connected and logged in to the test's server; it is closed after the test.

    The server is `ftps_server`, `ftp_server` or `ftp_recording`, whichever the test has, or else its only shared one,
    or else an `ftp_server`. Where the server has TLS, all connections of the client are encrypted.
    """
    async with connected(_ftp_client_server) as client:
        yield client


@pytest.fixture
def ftp_faults(request: pytest.FixtureRequest) -> Faults:
    """The faults of this test's server: `ftp_server`, `ftps_server`, `ftp_recording`, or its only shared one."""
    return only_server(request, "use the attribute `faults` of one of them").faults


@pytest.fixture
def ftp_log(request: pytest.FixtureRequest) -> CommandLog:
    """The log of this test's server, chosen as for `ftp_faults`: commands, replies and transfers."""
    return only_server(request, "use the attribute `log` of one of them").log


@pytest.fixture
def ftp_tree(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """Files for a server, or to compare with: absolute path to content, 20 of them, the same in each run of a test."""
    return RandomFiles(20).drawn(_seed_of(request.node))


@pytest.fixture
def ftp_hostile_names(request: pytest.FixtureRequest) -> list[str]:
    """Names of files that code stumbles over: one of each kind that a command can carry, the same in each run."""
    random = Random(_seed_of(request.node))
    return [hostile_name(random, kind) for kind in SENDABLE]


def _seed_of(item: pytest.Item) -> int:
    """The seed of a test, one for all its parameters, in every process and on every machine."""
    return crc32(item.nodeid.partition("[")[0].encode())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Give the fixture `faker`, which Faker has, the provider of this package."""
    made = yield
    if fixturedef.argname == "faker":
        from ftpfixture.testing.provider import FtpProvider

        made.add_provider(FtpProvider)  # type: ignore[attr-defined]
    return made


def _start(item: pytest.Item, servers: ExitStack, settings: FtpServerSettings, name: str = "") -> FtpServer:
    """Start a server that stops with `servers`, and remember it for the report of the test."""
    options = item.config.stash[RUN]
    chosen: FtpServerSettings = {**simulated.defaults_of(item), **settings}
    if "simulate" not in settings and {"driver", "network", "upstream"} & settings.keys():
        chosen["simulate"] = False  # the option is for servers that can be simulated
    if isinstance(chosen.get("files"), str) and chosen.get("seed") is None:
        chosen["seed"] = _seed_of(item)
    server = FtpServer(**chosen)
    for fault in options.faults:
        server.faults.add(fault)
    reports.attach(item, server, name)
    servers.callback(server.check)  # runs after the stop: failures while stopping count, too
    servers.callback(server.stop)
    server.start()
    return server


def _checked(config: FtpServerSettings) -> FtpServerSettings:
    """Return the value of `ftp_config`; its names and values are checked when the server is made.

    Raises:
        ConfigurationError: It is no mapping of settings.
    """
    if not isinstance(config, Mapping):
        raise wrong("ftp_config", "a mapping from setting to value, such as {'disable': ['MLSD']}", config)
    return config
