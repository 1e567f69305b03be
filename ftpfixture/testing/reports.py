"""Reports of a test with servers: failures, faults and scripts that never happened, and the dialogue, once.

Each server of a test is attached to the test before it starts, and these hooks read that list. A test that passes
although a fault or script never happened fails here; after another failure, the report names it.

One rule: a report has the dialogue of each server once, in its own section, folded as ``--ftp-dialogue`` sets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, NoReturn

import pytest

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError, HangError, RecordingError, ServerStateError
from ftpfixture.faults.built import Built, watched
from ftpfixture.log import CommandLog
from ftpfixture.log.failures import FailureText
from ftpfixture.server import ScriptedUserManager
from ftpfixture.server.users.login_script import LoginScript
from ftpfixture.testing.comparing import compared
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["ATTACHED", "attach", "attach_users", "dialogues", "servers_of", "take_marker"]

_PACKAGE = Path(__file__).parents[1]
_MODES = ("short", "all", "none")
_MISSED = "FTP: what never happened"
_DRAWN = "FTP: random files"


class _Attached(NamedTuple):
    """A server of a test.

    Attributes:
        server: The server.
        name: Its name in the report.
    """

    server: FtpServer
    name: str


class _Case:
    """The state of the hooks for one run of a test.

    Attributes:
        servers: Servers of the test, in the order in which they were started.
        scripts: The user managers of the test that take scripts, each with the scripts that it had before.
        marker: The settings of the marker of the test that no server has taken.
        built: The faults that the test has built.
        quoted: The messages of the failure that is reported, which had a dialogue.
        shown: The logs whose dialogue a report has.
    """

    def __init__(self, item: pytest.Item) -> None:
        self.servers: list[_Attached] = []
        self.scripts: list[tuple[ScriptedUserManager, list[LoginScript]]] = []
        self.marker = {name for marker in item.own_markers if marker.name == "ftp" for name in marker.kwargs}
        self.built: Built | None = None
        self.quoted: list[FailureText] = []
        self.shown: list[CommandLog] = []

    def live(self) -> list[_Attached]:
        """The servers of this process: a test that forks returns twice."""
        return [one for one in self.servers if not one.server.inherited]

    def missed(self) -> Iterator[str]:
        """A sentence for each fault, script or marker that never happened, with a remedy."""
        for server, _ in self.live():
            yield from server.unplayed()
        faults = [line for server, _ in self.live() for line in server.faults.missed()]
        yield from faults
        if faults:
            yield "(a fault that need not happen ends with .optional())"
        for server, _ in self.live():
            yield from server.expectations.missed()
        for manager, before in self.scripts:
            yield from manager.unused_scripts(before)
        if self.servers and self.built is not None:
            for fault in self.built.unused():
                yield (
                    f"{fault!r} was built, and no server has it: give it to ftp_server.faults.add(...), or end it with "
                    ".optional()"
                )
        if self.marker:
            names = ", ".join(f"{name}=..." for name in sorted(self.marker))
            yield (
                f"the marker ftp({names}) reached no server: ftp_server, ftps_server and shared servers take it; make "
                f"one of them an argument of the test, or write ftp_server_factory({names})"
            )

    def drawn(self) -> Iterator[str]:
        """A sentence for each server with random files: how to get them again."""
        for server, name in self.live():
            if server.seed is not None:
                yield f"{name} has them by seed={server.seed}: add it to the marker ftp to get them in any test"

    def attach_users(self, manager: object) -> None:
        """Expect the scripts that a user manager gets from now on to be used."""
        known = [one for one, _ in self.scripts]
        if isinstance(manager, ScriptedUserManager) and not any(manager is one for one in known):
            self.scripts.append((manager, manager.scripts))


_CASE = pytest.StashKey[_Case]()


ATTACHED = pytest.StashKey[Callable[[FtpServer], None]]()
"""Called with each server of a test, before the server starts or begins again."""


def attach(item: pytest.Item, server: FtpServer, name: str = "") -> None:
    """Add a server to a test: its failures fail the test, and its dialogue is in the report.

    Args:
        item: The test.
        server: The server.
        name: Its name in the report, if the server has none; "" for a number.
    """
    servers = item.stash[_CASE].servers
    if not any(server is one for one, _ in servers):
        servers.append(_Attached(server, server.name or name or f"server {len(servers) + 1}"))
        if ATTACHED in item.stash:
            item.stash[ATTACHED](server)
    item.stash[_CASE].attach_users(server.server.user_manager)


def servers_of(item: pytest.Item) -> list[tuple[FtpServer, str]]:
    """Return the servers of a test in this process, each with its name in reports."""
    return [(one.server, one.name) for one in item.stash[_CASE].live()]


def attach_users(item: pytest.Item, manager: ScriptedUserManager) -> None:
    """Add a user manager to a test: a script of it that no login used fails the test."""
    item.stash[_CASE].attach_users(manager)


def take_marker(item: pytest.Item, names: Collection[str] | None = None) -> None:
    """Record that settings of the marker of a test were used: those of these names, or all."""
    marker = item.stash[_CASE].marker
    marker.difference_update(tuple(marker) if names is None else names)


# Options.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the dialogue in reports."""
    text = "dialogue in the report of a failing test: 'short' (the default: long ones are folded), 'all' or 'none'"
    parser.getgroup("ftp").addoption("--ftp-dialogue", choices=_MODES, default=None, help=text)
    parser.addini("ftp_dialogue", "as --ftp-dialogue: short, all or none", default="short")


def pytest_configure(config: pytest.Config) -> None:
    """Check the setting of the ini file; the option is checked already."""
    try:
        checks.one_of("ftp_dialogue", config.getini("ftp_dialogue"), _MODES)
    except ConfigurationError as error:
        raise pytest.UsageError(f"{error} (in the ini file)") from None


def _mode(config: pytest.Config) -> str:
    return str(config.getoption("--ftp-dialogue") or config.getini("ftp_dialogue"))


# The run of a test.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin without servers: a plugin may run a test again."""
    item.stash[_CASE] = _Case(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test in which a server failed, a client hung, or something never happened."""
    __tracebackhide__ = True
    case = item.stash[_CASE]
    try:
        with watched() as case.built:
            result = yield
    except Exception as error:
        _raise_hangs(case, error)
        raise
    for server, _ in case.live():
        server.check()  # first: the failure may be why a fault never happened
    for server, _ in case.live():
        server.faults.wait_fired()
        server.expectations.wait_met()
    missed = list(case.missed())
    if missed:
        _fail("\n".join(missed))
    return result


def _raise_hangs(case: _Case, error: Exception) -> None:
    """Raise HangError in place of the client's error, the reset that ended its wait, with that error's traceback."""
    __tracebackhide__ = True
    for server, _ in case.live():
        try:
            server.check_hangs()
        except HangError as hang:
            raise hang.with_traceback(error.__traceback__) from None


def _fail(text: str) -> NoReturn:
    """Fail a test without a traceback."""
    raise pytest.fail.Exception(text, pytrace=False)


# The report.


@pytest.hookimpl(specname="pytest_runtest_makereport")
def pytest_shorten_failure(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Prepare an exception for its report: no wrapper, because pytest's unittest plugin only then has put it in."""
    case = item.stash.get(_CASE, None)
    if case is not None:
        has_sections = item.config.getoption("showcapture", "all") == "all"
        case.quoted = _without_dialogues(call.excinfo) if has_sections or _mode(item.config) == "none" else []
    if call.excinfo is not None and not item.config.getoption("fulltrace"):
        _hide_package(call.excinfo)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add missed faults and scripts and the dialogues to the report of a failing test."""
    report = yield
    case = item.stash.get(_CASE, None)
    if report.failed and case is not None:
        if call.when == "call" and (missed := [line for line in case.missed() if line not in str(report.longrepr)]):
            report.sections.append((_MISSED, "\n".join(missed)))
        message = "" if call.excinfo is None else str(call.excinfo.value)
        report.sections += [(_DRAWN, text) for text in case.drawn()]
        sections = _dialogues(case, case.quoted, _mode(item.config))
        report.sections += [(title, text) for title, text in sections if text not in message]  # a test may quote it
    if call.when == "teardown" and case is not None:
        del item.stash[_CASE]  # pytest keeps its items to the end of the run
    return report


def dialogues(item: pytest.Item) -> list[tuple[str, str]]:
    """Return a title and the dialogue of each server of a test that no report has shown yet."""
    case = item.stash.get(_CASE, None)
    return [] if case is None else list(_dialogues(case, [], _mode(item.config)))


def _without_dialogues(info: pytest.ExceptionInfo[BaseException] | None) -> list[FailureText]:
    """The messages with a dialogue, which their exceptions then have without it: a section shows it."""
    found: list[FailureText] = []
    for error in _chain(None if info is None else info.value):
        text = error.args[0] if error.args else None
        if isinstance(text, FailureText) and isinstance(text.log, CommandLog):
            error.args = (text.problem, *error.args[1:])
            found.append(text)
    return found


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, those that it contains, and its causes."""
    waiting, seen = [error], set[int]()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        waiting += [error.__cause__, error.__context__, *inner]


def _hide_package(info: pytest.ExceptionInfo[BaseException]) -> None:
    """End the traceback of an error that a test caused in the test, not in the package."""
    if not isinstance(info.value, ConfigurationError | RecordingError | ServerStateError | AssertionError):
        return
    step: TracebackType | None = info.tb
    last: TracebackType | None = None
    while step is not None:
        if not Path(step.tb_frame.f_code.co_filename).is_relative_to(_PACKAGE):
            last = step
        step = step.tb_next
    if last is not None:
        last.tb_next = None


def _dialogues(case: _Case, quoted: list[FailureText], mode: str) -> Iterator[tuple[str, str]]:
    """The sections with dialogues that no report of the test has yet; the times of all count from one moment."""
    logs = {id(server.log): (server.log, name) for server, name in case.live()}
    for text in quoted:
        if isinstance(text.log, CommandLog):
            logs.setdefault(id(text.log), (text.log, f"server {len(logs) + 1}"))
    around = [(text.log, seq) for text in quoted for seq in text.around]
    first = min((log.made for log, _ in logs.values()), default=0)
    for log, name in logs.values():
        if mode == "none" or any(log is shown for shown in case.shown):
            continue
        case.shown.append(log)
        marks = [seq for of, seq in around if of is log]
        dialogue = log.dialogue(marks, zero=first - log.made, folded=mode == "short")
        yield "FTP dialogue" if len(logs) == 1 else f"FTP dialogue of {name}", dialogue


# Comparisons.


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain why files, transcripts or logs are not equal."""
    return compared(left, right) if op == "==" else None
