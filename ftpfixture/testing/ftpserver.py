"""The blocking handle of a server: what the `ftp_server` fixture yields, usable without pytest too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, Unpack
from weakref import WeakSet

from ftpfixture.clock import Clock
from ftpfixture.driver import RealTime
from ftpfixture.errors import ConfigurationError, ServerStateError
from ftpfixture.faults.active import ActiveFaults
from ftpfixture.files.disk import PathIO
from ftpfixture.files.memory import MemoryFiles
from ftpfixture.files.names import NameRule
from ftpfixture.files.stored import Stored
from ftpfixture.forks import in_child
from ftpfixture.log import CommandLog
from ftpfixture.log.records import SessionRecord
from ftpfixture.log.retention import CONTENT_LIMIT
from ftpfixture.net.faultgate import FaultGate
from ftpfixture.net.hangs import Hangs
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.testing.assignment import refuse_assignment
from ftpfixture.testing.beginning import Beginning, changed, check_changes
from ftpfixture.testing.certificates import ServerTls
from ftpfixture.testing.expectations import ServerExpectations
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.files import Files
from ftpfixture.testing.folders import check_layer, folder
from ftpfixture.testing.hangwatch import HangWatch
from ftpfixture.testing.inside import (
    check_names,
    clock_of,
    contents_of,
    driver_of,
    encrypt,
    offered_by,
    server_of,
    upstream_users,
    use_fake_files,
    verbs_of,
)
from ftpfixture.testing.recording import clock_of_listings, recorded, recorder_of
from ftpfixture.testing.replaying import use_recording
from ftpfixture.testing.savedlog import LogKeeper
from ftpfixture.testing.serverchecks import ServerChecks
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS, FtpServerSettings
from ftpfixture.testing.users import known_users, manager_of

__all__ = ["FtpServer", "FtpServerFactory"]

_RUNNING: WeakSet[FtpServer] = WeakSet()


@FTP_SERVER_SETTINGS.describe
class FtpServer(ServerChecks):
    """A real FTP server in this process, in memory, for blocking and for asynchronous code.

    It runs in its own thread, and accepts connections when its context is entered or `start` returns. In a forked child
    it is closed, and its methods raise ServerStateError.

    Args:
        settings: Those of `FtpServerSettings`; with a `server_class` that has its own settings, these too.

    Raises:
        UnknownSetting: There is no such setting; the text names the nearest.
        ConfigurationError: A setting cannot work; the text has values that would.
        PathIsNotAbsolute: A path of `files` does not begin with "/".

    Attributes:
        files: The files, as a mapping from path to bytes.
        log: Commands, replies and transfers, with assertions on them.
        faults: Its faults: `add`, `clear`, `fired`, `assert_fired`, and ``with server.faults(...)``.
        expectations: The commands that tests expect: declared with `expect`, checked with `check`.
        tls: What clients need to trust a server with ``tls=``: `ca`, `ca_file`, `client_context()`.
        server: The asynchronous server inside; touch it on its own thread only.
        driver: Runs it: `call` and `await_` run code on its thread.
    """

    def __init__(self, **settings: Unpack[FtpServerSettings]) -> None:
        super().__init__()
        self._settings = settings
        own, others = FTP_SERVER_SETTINGS.split(settings)
        use_recording(settings, own, others)
        self.driver = driver_of(own, others)
        others["clock"] = clock_of(others.get("clock"), self.driver)
        self._certified = encrypt(own, others)
        self.tls = ServerTls()
        served = None if own["root"] is None or own["fakefs"] is not None else folder(own["root"])
        if served is not None and "path_io_factory" not in settings:
            others["path_io_factory"] = PathIO
        self._host = own["host"]
        self._port = own["port"]
        self._users = known_users(upstream_users(own) if own["users"] is None else own["users"], served)
        if own["fakefs"] is not None:
            self._users = use_fake_files(own, others, self._users)
        self.server = server_of(own, manager_of(self._users), others)
        files = contents_of(own)
        rule = NameRule(own["case_sensitive"], own["normalize_names"])
        self.files = self._stored(files, own["quota"], served, rule)
        verbs, offers = partial(verbs_of, self.server), partial(offered_by, self.server)
        self._keeper = LogKeeper(self.server, clock_of_listings(self.server))
        self.log = CommandLog(
            self.server.hub,
            self._origin,
            self.driver,
            clock=self.clock,
            verbs=verbs,
            offers=offers,
            limit=own["log_limit"],
            keeper=self._keeper,
        )
        rules = ActiveFaults(self.clock.monotonic())
        # In virtual time, clients with timeouts of minutes wait that long; a driver of that kind finds hangs by itself.
        hang_after = own["hang_after"] if "hang_after" in settings or isinstance(self.driver, RealTime) else None
        self._hangs = Hangs(hang_after)
        self._watch = HangWatch(self.driver, self.log, self._hangs, self.server.hub)
        self.server.gate_factory = partial(FaultGate, rules, self.clock, hangs=self._hangs)
        specs = {verb.upper() for verb in self.server.specs}
        passes_on = own["upstream"] is not None or own["recording"] is not None
        self.faults = Faults(rules, self.log, specs, self._origin, passes_on=passes_on)
        faults = own["faults"]
        for fault in [faults] if isinstance(faults, str) or not isinstance(faults, Iterable) else faults:
            self.faults.add(fault)
        self.expectations = ServerExpectations(self.log, self.faults)
        self.expectations.begin_again(own["strict"], own["loose"])
        self._own_clock = None if isinstance(settings.get("clock"), Clock) else self.clock
        self._beginning = Beginning(
            self.server,
            self._users,
            self._certified,
            files or {},
            own["quota"],
            hang_after,
            own["strict"],
            own["loose"],
        )

    @classmethod
    def from_recording(cls, source: str | os.PathLike[str] | object, /, **settings: Unpack[FtpServerSettings]) -> Self:
        """A living server that is like the recorded one: it has its files, users, format of LIST and texts of replies.

        Clients may do what they like, in any order, other than on a server with the setting `recording`, which plays
        the same session again. The files are those that were there before the recorded clients changed them. Contents
        that were not transferred are zeros, as many as their listing says.

        Args:
            source: Path of a file ``*.ftp.jsonl``, or a `Recording`.
            settings: Settings over those that are learnt.

        Raises:
            RecordingError: The file is damaged.
            ConfigurationError: It cannot be read, or a setting cannot work.
        """
        from ftpfixture.testing.learning import learnt_settings  # a server that uses no recording imports no msgspec

        return cls(**learnt_settings(source, settings))

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to replace a part of the server, or to assign an unknown attribute: both would change nothing.

        Raises:
            ConfigurationError: It is one of these; the text has the remedy.
        """
        refuse_assignment(self, name, FTP_SERVER_SETTINGS.rows)
        super().__setattr__(name, value)

    def _stored(
        self, files: Mapping[str, bytes | Stored | None] | None, quota: int | None, served: Path | None, rule: NameRule
    ) -> Files:
        """Store the files of the settings.

        Raises:
            ConfigurationError: They cannot be stored, or the server serves other files.
        """
        layer = self.server.path_io_factory()
        check_layer(layer, served, self._listed_users())
        state = layer.state
        if isinstance(state, MemoryFiles):
            state.quota = quota
            if rule:
                check_names(files or {}, rule)
                state.names = rule
                state.clear()
            state.clock = self.server.clock
            now = state.clock()
            state.set_times("/", modify=now, create=now, access=now)
        else:
            self.server.hub.content_limit = CONTENT_LIMIT
            if files is not None or quota is not None or rule:
                other = "a path layer of its own" if served is None else f"the files of root={str(served)!r}"
                raise ConfigurationError(
                    f"files, quota and rules for names are for servers in memory; this one has {other}"
                )
        stored = Files(self.driver, state if isinstance(state, MemoryFiles) else None, served, self._origin)
        try:
            for path, data in (files or {}).items():
                stored.put(path, data)
        except (OSError, TypeError) as error:
            raise ConfigurationError(f"files cannot be stored: {error}") from error
        return stored

    @property
    def name(self) -> str | None:
        """Its name in reports; None for that of its fixture, or a number."""
        return self._settings.get("name")

    @property
    def seed(self) -> int | None:
        """Which tree its random files are; None if they are not random."""
        return (self._settings.get("seed") or 0) if isinstance(self._settings.get("files"), str) else None

    # Life cycle.

    def start(self) -> None:
        """Listen; the server accepts connections when this returns.

        Raises:
            ServerStateError: It runs already.
            ConfigurationError: The address can be reached from other machines and `allow_remote` is not set.
            OSError: The port is taken.
        """
        self._origin.check()
        if self._running:
            raise ServerStateError(f"this server runs already, at {self.url}")
        self._beginning.start(self.faults.added)
        self.driver.acquire()
        self._watch.begin()
        _RUNNING.add(self)
        try:
            self.driver.await_(self.server.start(self._host, self._port))
        except BaseException:
            self._end()  # it may listen already: a subclass failed, or an interrupt ended the wait
            raise
        self._running = True

    def stop(self) -> None:
        """Send 421 to every client and close everything; returns promptly. A second call does nothing.

        In a forked child it does nothing: the server is closed there, and its sessions are those of the parent.
        """
        if self._running and not self.inherited:
            self._running = False
            self._end()

    def _end(self) -> None:
        try:
            self.driver.await_(self.server.close())
        finally:
            _RUNNING.discard(self)
            self._watch.end()
            self.driver.release()

    def restart(self) -> None:
        """Stop, and start again on the same port with the same users, files and log."""
        self._live()
        self._port = self.port
        self.stop()
        self.start()

    def reset(self, **settings: Unpack[FtpServerSettings]) -> None:
        """Begin again on the same port, for the next test, which takes less time than a new server.

        Open sessions get 421. Files, users and speed limits are those of the settings, faults those that there were
        when the server was started; the log is empty, sessions count from 1, and the server accepts connections. Its
        own clock continues in real time. A user manager or a `Clock` of yours stays as it is.

        Args:
            settings: Settings over those of the server, until the next reset; a running server keeps its `host`,
                `port`, `root`, `driver` and the like.

        Raises:
            ServerStateError: The server does not run, or a session does not end.
            ConfigurationError: The files are not in memory, or a setting cannot work; then nothing has changed.
            UnknownSetting: There is no such setting; likewise.
            ServerFailure: As `check` raises it; the server has begun again all the same.
            AssertionError: A fault never happened; likewise.
        """
        __tracebackhide__ = True
        self._live()
        self.check_reset()
        beginning = self._beginning
        if settings:
            check_changes(settings)
            other = FtpServer(**changed(self, self._settings, settings))
            beginning = other._beginning
            beginning.faults = other.faults.added if "faults" in settings else self._beginning.faults
        if beginning.certified is not None:
            beginning.server.ssl = beginning.certified(names=self._host_names)
        problem = self.driver.await_(self._begin_again(beginning))
        if problem is not None:
            raise problem

    def check_reset(self) -> None:
        """Check that `reset` is possible.

        Raises:
            ConfigurationError: The files are not in memory.
        """
        if not self.files.in_memory:
            raise ConfigurationError(
                "reset() brings back files in memory, and this server has others: start a new server for each test"
            )

    async def _begin_again(self, beginning: Beginning) -> Exception | None:
        """End the sessions and begin again; return the first problem since the last time."""
        await self.server.end_sessions()
        problem = self._problem()
        if self._own_clock is not None:
            self._own_clock.reset()
        self._users, self._certified = beginning.users, beginning.certified
        self._hangs.limit = beginning.hang_after
        beginning.server.begin_again(manager_of(self._users), self.server)
        self.server = self._keeper.server = beginning.server
        await beginning.bring_back(self.files, self.faults)
        self.log.clear()
        self.expectations.begin_again(beginning.strict, beginning.loose)
        self._watch.restart()
        self.server.resume()
        return problem

    @contextmanager
    def record(
        self,
        path: str | os.PathLike[str],
        *,
        redact: Mapping[str, str] | None = None,
        loose: Iterable[str] = (),
        timing: bool = False,
    ) -> Iterator[None]:
        """Record the sessions that begin inside the context into a file, which ``FtpServer(recording=path)`` replays.

        When the block has ended in order, the file is written, with placeholders for passwords, accounts, logins,
        addresses, ports, recent dates, and other texts that a server writes differently in every run; behind a proxy,
        for the host of the real server too. Sessions get a second to end.

        Args:
            path: Path of the file, such as ``feed.ftp.jsonl``; long contents are beside it, in ``feed.ftp.blobs``.
            redact: More secrets, by the names of their placeholders: ``{"token": "s3cr3t"}`` puts ``{token}`` in the
                place of that text.
            loose: Verbs such as "NOOP" that the replayed server takes more often or less often than they were recorded.
            timing: Whether each line has the milliseconds since its session began; then the same session, recorded
                twice, is not the same file.

        Raises:
            ConfigurationError: A name of `redact` or a verb of `loose` is invalid; the text says what would work.
            RecordingError: A secret is in a file that was transferred; nothing is written.
        """
        self._live()
        clock = clock_of_listings(self.server)
        recorder = recorder_of(self.server, clock, redact=redact, loose=loose, timing=timing, path=path)
        with recorded(self.server, self.driver, path, recorder):
            yield

    def pause(self) -> None:
        """Accept no new connections; open sessions continue."""
        self._live()
        self.driver.call(self.server.pause)

    def resume(self) -> None:
        """Accept connections again, waiting ones first."""
        self._live()
        self.driver.call(self.server.resume)

    def __enter__(self) -> Self:
        if not self._running:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self.inherited:
                self.check()  # first: what failed may be why a fault never happened
                self.assert_played()
                self.faults.check()
                self.expectations.check()
            elif isinstance(error, Exception):
                self.check_hangs()  # the client's error is the reset that ended its wait
        finally:
            self.stop()
        if error is None:
            self.check()

    @property
    def throttle(self) -> StreamThrottle:
        """The limits that all sessions share: set ``throttle.write.limit`` (downloads) and ``throttle.read.limit``.

        They may be changed while a transfer runs; bytes per second, None for no limit.
        """
        self._origin.check()
        return self.server.throttle

    def session_throttle(self, session: int) -> StreamThrottle:
        """The speed limits of one open session, as in `throttle`.

        Raises:
            ServerStateError: There is no such session.
        """
        self._origin.check()
        connection = self.server.connections.get(session)
        if connection is None:
            live = ", ".join(map(str, tuple(self.server.connections))) or "none"
            raise ServerStateError(f"session {session} is not open; open are: {live}")
        return connection.throttles["server_per_connection"]

    @property
    def clock(self) -> Clock:
        """The server's time: ``freeze(at=...)`` it, ``move(seconds)``, ``resume()``, at any moment."""
        self._origin.check()
        return self.server.clock

    @property
    def sessions(self) -> list[SessionRecord]:
        """The open control connections."""
        return [session for session in self.log.sessions if session.closed_at is None]

    def __repr__(self) -> str:
        if self.inherited:
            return f"<FtpServer of process {self._origin.parent}>"
        place = "{}:{}".format(*self.server.address) if self._running else "not running"
        return f"<FtpServer {place}>"

    def __reduce__(self) -> str:
        raise TypeError("an FtpServer cannot leave its process: pass server.url or server.address instead")


@in_child
def _close_in_child() -> None:
    for server in tuple(_RUNNING):
        server._origin.parent = os.getppid()
    _RUNNING.clear()


class FtpServerFactory(Protocol):
    """The fixture `ftp_server_factory`: call it to start a server, which stops with the test."""

    def __call__(self, **settings: Unpack[FtpServerSettings]) -> FtpServer:
        """Start a server with these settings, over those of `ftp_config`."""
