"""One run of a test with the marker ``ftp_sweep``: what goes wrong in it, and what became of it.

One rule: a run decides its verdict when all is known: after the test, or after its fixtures where these have
connections of their own.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest

from ftpfixture.driver import RealTime
from ftpfixture.errors import HangError
from ftpfixture.faults.grammar import parse
from ftpfixture.log.events import Connected, DataOpened
from ftpfixture.sweep.callsites import CallSites
from ftpfixture.sweep.mapfile import SweepMap
from ftpfixture.sweep.mapping import CleanRun, difference
from ftpfixture.sweep.outcome import CLEAN, Outcome
from ftpfixture.sweep.points import Point, points_after
from ftpfixture.sweep.steps import Step, steps_of, total_bytes
from ftpfixture.sweep.verdicts import Run, error_text, innermost, is_only, let_go, verdict_of
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.opensockets import close_left_open, new_objects_only
from ftpfixture.testing.sweepmarker import SweepMarker

__all__ = ["REAL_TOO", "WRONG", "SweepRun"]

REAL_TOO = "+real"
"""The end of the name of a point that runs with real connections, as a check of the simulated one."""

WRONG = (AssertionError, pytest.fail.Exception)
"""What a test raises when the code has said that all is well, and it was not."""

_PATIENCE = 1.0  # seconds for a connection that the code has closed to end on the server's side


@dataclass(slots=True)
class SweepRun:
    """A run of one point.

    Attributes:
        test: Name of the test, without the point.
        name: Name of the point; "clean" or that of a run for the map.
        marker: The marker of the test.
        found: The map; None for a run that makes it.
        servers: The servers of the test, in the order in which they were made.
        error: What the code or the test has raised.
        sites: Where the client was, for each server.
        hung: Whether it would have waited for ever.
        left_open: What it left open.
        outcome: What became of it; None before that is known.
        new: The points of depth 2 that it has found.
        is_over: Whether it ended before its test began: in a fixture.
        is_sent: Whether a report has its outcome.
    """

    test: str
    name: str
    marker: SweepMarker
    found: SweepMap | None
    servers: list[FtpServer] = field(default_factory=list)
    error: BaseException | None = None
    sites: list[CallSites] = field(default_factory=list)
    hung: bool = False
    left_open: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    new: list[Point] = field(default_factory=list)
    is_over: bool = False
    is_sent: bool = False
    _ending: ExitStack = field(default_factory=ExitStack)
    _open: int = 0
    _fired: bool = False
    _waited: float = 0.0
    _steps: list[Step] = field(default_factory=list)
    _bytes: int = 0
    _warned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ending.enter_context(new_objects_only())

    @property
    def point(self) -> Point | None:
        """The point; None for a run without a fault."""
        if self.found is None or self.name == CLEAN:
            return None
        return self.found.rows[self.name.removesuffix(REAL_TOO)].value

    @property
    def is_late(self) -> bool:
        """Whether it is over only after the fixtures of the test: these have connections of their own."""
        return self.found is not None and self.found.header.open > 0

    def attach(self, server: FtpServer) -> None:
        """Take a server of the test that is about to start."""
        self.servers.append(server)
        point = self.point
        if point is not None and point.server == len(self.servers):
            for fault in point.faults:
                server.faults.add(parse(fault).optional())
        server.watch_silence(self.marker.timeout)
        sites = CallSites()
        self.sites.append(sites)
        if self.found is None and not isinstance(server.driver, RealTime):
            server.server.hub.subscribe(sites)

    # The run.

    @contextmanager
    def call(self) -> Iterator[None]:
        """The call of the test: take its error, and see what it has left open."""
        __tracebackhide__ = True
        with self._watched():
            try:
                yield
            except (Exception, pytest.fail.Exception) as error:
                self.error = error
            if self.error is None or is_only(self.error, self.marker.raises):  # else it is reported, with its variables
                let_go(self.error)
                gc.collect()
        self._end_call()

    def free(self) -> None:
        """The report is made: free what the code has left, or a later test is warned of it."""
        self.error = None
        with catch_warnings():
            simplefilter("default", ResourceWarning)  # as an error it would be that of the next test
            gc.collect()
        self._ending.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Take the warnings of sockets of this run that are not closed."""
        import warnings

        with catch_warnings():
            simplefilter("always", ResourceWarning)
            before = warnings.showwarning

            def show(message: Warning | str, category: type[Warning], *args: Any, **options: Any) -> None:
                if issubclass(category, ResourceWarning) and self._is_ours(str(message)):
                    if not self.simulated:  # else their driver knows them
                        self._warned.append(str(message))
                else:
                    before(message, category, *args, **options)

            warnings.showwarning = show
            try:
                yield
            finally:
                warnings.showwarning = before

    def _is_ours(self, text: str) -> bool:
        """Whether a warning is about a connection to a server of this run."""
        opened = [event for server in self.servers for event in server.log.events]
        ports = {event.peer[1] for event in opened if isinstance(event, Connected | DataOpened)}
        return any(f", {port})" in text or f":{port} " in text for port in ports)

    def _end_call(self) -> None:
        """The test has ended: see what it has left open."""
        if self.simulated:
            self._waited = max(server.driver.monotonic() for server in self.servers)
        for server in self.servers:
            try:
                server.check_hangs()
            except HangError as hang:
                self.hung, self.error = True, self.error or hang
        self.hung = self.hung or _has_hang(self.error)
        allowed = 0 if self.found is None else self.found.header.open
        if not self.hung:
            for server in self.servers:
                server.log.wait_until(lambda: self._count_open() <= allowed, _PATIENCE)
        self._open = self._count_open()
        self._fired = any(server.faults.fired for server in self.servers)  # a server of many tests forgets it
        if self._open > allowed:
            self.left_open = [
                f"session {session.number}, from {session.peer[0]}:{session.peer[1]}"
                for server in self.servers
                for session in server.sessions
            ]
        if self.found is not None and not allowed:  # else what is open may be that of a fixture
            self.left_open += close_left_open(self.servers)
        self._take_steps()

    def _count_open(self) -> int:
        return sum(len(server.sessions) for server in self.servers)

    def _take_steps(self) -> None:
        """Take the steps; after the fixtures there may be more."""
        steps: list[Step] = []
        for number, (server, sites) in enumerate(zip(self.servers, self.sites, strict=True), 1):
            steps += steps_of(server.log.events, server.log.commands, sites.found, number, not server.faults.passes_on)
        if len(steps) >= len(self._steps):
            self._steps = steps
            self._bytes = sum(total_bytes(server.log.commands) for server in self.servers)

    def finish(self) -> None:
        """All is known: decide."""
        if self.is_late or self.found is None:
            self._take_steps()
        point, found = self.point, self.found
        row = None if found is None or point is None else found.rows[point.name]
        clean = 0 if found is None else found.header.bytes
        run = Run(self.error, self.hung, [*self.left_open, *self._warned], self._bytes, clean)
        self.outcome = Outcome(
            self.test,
            self.name,
            "" if point is None else point.step,
            "" if point is None else point.shown,
            "" if point is None else point.action,
            "" if point is None else point.fault,
            verdict_of(run, self.marker.raises, WRONG),
            "" if row is None else row.seen,
            "" if row is None else row.accept,
            error=error_text(self.error) or "; ".join([*self.left_open, *self._warned]),
            where=innermost(None if self.error is None else self.error.__traceback__),
            simulated=self.simulated,
            waited=self._waited,
        )
        if point is not None and len(point.faults) == 1 and self.outcome.verdict in ("recovered", "lost-work"):
            self.new = points_after(point, found.header.steps, self._steps) if found is not None else []

    @property
    def simulated(self) -> bool:
        """Whether all servers are simulated."""
        return bool(self.servers) and not any(isinstance(server.driver, RealTime) for server in self.servers)

    def clean_run(self, error: str) -> CleanRun:
        """The run as one of those that make a map."""
        return CleanRun(self._steps, self._bytes, self._open, self.simulated, error)

    def dialogue(self) -> str:
        """What was said on all servers."""
        return "\n".join(server.log.dialogue(folded=False) for server in self.servers if not server.inherited)

    def problem(self) -> str:
        """Why the fault, or the run without one, shows that the map is old; "" if it does not."""
        point, found = self.point, self.found
        if found is None:
            return ""
        if not self.servers:
            return "it has no server: make ftp_server an argument of the test"
        if point is None:
            differs = difference(found.header.steps, [step.name for step in self._steps])
            return differs and f"its session is another one than that of its map: {differs}"
        if self._fired or any(server.faults.fired for server in self.servers):
            return ""
        return f"{point.faults[0]!r} never happened: its session is another one than that of its map"


def _has_hang(error: BaseException | None) -> bool:
    """Whether an error came of a hang."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, HangError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
