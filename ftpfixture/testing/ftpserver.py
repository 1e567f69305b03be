"""The blocking handle of a server: what the `ftp_server` fixture yields, usable without pytest too."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from weakref import WeakSet

from ftpfixture.checks import suggest
from ftpfixture.clock import Clock
from ftpfixture.driver import Driver
from ftpfixture.errors import ConfigurationError, ServerFailure, ServerStateError
from ftpfixture.faults.armed import Rules
from ftpfixture.faults.catalog import Fault
from ftpfixture.files.disk import PathIO
from ftpfixture.files.memory import MemoryFiles, MemoryPathIO
from ftpfixture.forks import Origin, in_child
from ftpfixture.log import CommandLog
from ftpfixture.log.records import SessionRecord
from ftpfixture.net.faultgate import FaultGate
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.server import Server, User
from ftpfixture.testing.certificates import ServerTls, context_for, contexts_for, refuse_without_tls
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.files import Files
from ftpfixture.testing.folders import check_layer, folder
from ftpfixture.testing.loopthread import shared_thread
from ftpfixture.testing.users import Users, known_users, manager_of

__all__ = ["FtpServer"]

_RUNNING: WeakSet[FtpServer] = WeakSet()


class FtpServer:
    """A real FTP server in this process, in memory, for blocking and for asynchronous code alike.

    It runs on a thread of its own, and accepts connections when its context is entered or `start` returns. A forked
    child does not inherit it: there it is closed, and what is asked of it is a ServerStateError.

    Args:
        users: Users, a mapping from login to password (`ANY_PASSWORD` to take any, None to ask for none), or a user
            manager; None for one user, "user" with the password "password". Where no manager is given, "anonymous" and
            "ftp" are asked for a password, of which any will do, when they need none.
        files: Absolute path to content as bytes; None, or a path that ends in "/", makes a directory.
        root: A folder of the disk to serve in place of files in memory; nothing outside of it can be reached, not by
            links either. The base paths of users are below it. For reading alone give the users
            ``permissions=[Permission(writable=False)]``.
        host: Address or name to listen on, of loopback unless `allow_remote` is set: then "0.0.0.0" is every IPv4
            address and "::" every address of both families.
        port: 0 for a free one.
        quota: Octets that all files together may have; None for no limit.
        maximum_login_failures: Wrong passwords after which a session gets 421; None for no limit. BSD's ftpd, wu-ftpd
            and Pure-FTPd have this default; vsftpd, ProFTPD and pyftpdlib allow three.
        server_class: Your own subclass of Server.
        tls: "explicit" for AUTH TLS, "implicit" for TLS from the first octet, "required" for AUTH TLS and nothing
            without it; None for a server without TLS.
        certificate: What the server shows: "valid", "expired", "wrong-host", "self-signed", "untrusted", or a context
            of yours.
        client_certificates: "optional" to ask clients for theirs, "required" to insist; None not to ask. Those of
            ``server.tls.client_context("ann")`` are trusted.
        minimum_tls: "TLSv1.2" or "TLSv1.3"; None for Python's own minimum.
        ciphers: Of TLS 1.2, as OpenSSL takes them; None for Python's own.
        faults: What goes wrong from the first octet on: made by `ftpfixture.on`, or text such as ``"RETR #2: reset"``.
        driver: Runs the server and is its time; None for real time, on a thread that all servers of the process share.
        settings: Everything else that Server takes, such as ``disable=["MLSD"]`` or ``idle_timeout=2``.

    Raises:
        ConfigurationError: A setting is unknown or cannot work; the text says what would.
        PathIsNotAbsolute: A path of `files` does not begin with "/".

    Attributes:
        files: What is stored, as a mapping from path to bytes.
        log: What was said.
        faults: What goes wrong: `add`, `clear`, `fired`, `assert_fired`, and ``with server.faults(...)``.
        tls: What clients need to trust a server with ``tls=``: `ca`, `ca_file`, `client_context()`.
        server: The asynchronous server inside; touch it on its own thread only.
        driver: Runs it: `call` and `await_` do something on its thread.
    """

    def __init__(
        self,
        *,
        users: Users | None = None,
        files: Mapping[str, bytes | None] | None = None,
        root: str | PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        quota: int | None = None,
        maximum_login_failures: int | None = 5,
        server_class: type[Server] = Server,
        tls: str | None = None,
        certificate: str | SSLContext = "valid",
        client_certificates: str | None = None,
        minimum_tls: str | None = None,
        ciphers: str | None = None,
        faults: Iterable[Fault | str] | Fault = (),
        driver: Driver | None = None,
        **settings: Any,
    ) -> None:
        _check_names(settings, server_class)
        self.driver = shared_thread() if driver is None else driver
        settings["clock"] = _clock(settings.get("clock"), self.driver)
        asked = {"client_certificates": client_certificates, "minimum_tls": minimum_tls, "ciphers": ciphers}
        if tls is not None:
            choose = contexts_for if settings.get("require_session_reuse") else context_for
            settings |= {"ssl": choose(settings.get("ssl") or certificate, **asked), "tls": tls}
        elif settings.get("ssl") is None:
            refuse_without_tls(certificate, **asked)
        self.tls = ServerTls()
        self._origin = Origin()
        settings["maximum_login_failures"] = maximum_login_failures
        served = None if root is None else folder(root)
        settings.setdefault("path_io_factory", MemoryPathIO if served is None else PathIO)
        self._host = host
        self._port = port
        self._users = known_users(users, served)
        self.server = server_class(manager_of(self._users), **settings)
        self.files = self._stored(files, quota, served)
        self.log = CommandLog(self.server.hub, self._origin, self.driver)
        rules = Rules(self.clock.monotonic())
        self.server.gate_factory = partial(FaultGate, rules, self.clock)
        self.faults = Faults(rules, self.log, {verb.upper() for verb in self.server.specs}, self._origin)
        for fault in [faults] if isinstance(faults, str) or not isinstance(faults, Iterable) else faults:
            self.faults.add(fault)
        self._running = False

    def _stored(self, files: Mapping[str, bytes | None] | None, quota: int | None, served: Path | None) -> Files:
        """The files that the server begins with.

        Raises:
            ConfigurationError: They cannot be stored, or are not for what this server serves.
        """
        layer = self.server.path_io_factory()
        check_layer(layer, served, self._listed_users())
        state = layer.state
        if isinstance(state, MemoryFiles):
            state.quota = quota
            state.clock = self.server.clock
            now = state.clock()
            state.set_times("/", modify=now, create=now, access=now)
        elif files is not None or quota is not None:
            other = "a path layer of its own" if served is None else f"the files of root={str(served)!r}"
            raise ConfigurationError(f"files and quota are for servers in memory; this one has {other}")
        stored = Files(self.driver, state if isinstance(state, MemoryFiles) else None, served, self._origin)
        try:
            for path, data in (files or {}).items():
                stored.put(path, data)
        except (OSError, TypeError) as error:
            raise ConfigurationError(f"files cannot be stored: {error}") from error
        return stored

    # Life cycle.

    def start(self) -> None:
        """Listen; connections are accepted when this returns.

        Raises:
            ServerStateError: It runs already.
            ConfigurationError: The address can be reached from other machines and `allow_remote` is not set.
            OSError: The port is taken.
        """
        self._origin.check()
        if self._running:
            raise ServerStateError(f"this server runs already, at {self.url}")
        self.driver.acquire()
        _RUNNING.add(self)
        try:
            self.driver.await_(self.server.start(self._host, self._port))
        except BaseException:
            self._end()  # it may listen already, when a subclass fails or an interrupt ends the wait
            raise
        self._running = True

    def stop(self) -> None:
        """Say 421 to every client and close everything; returns promptly whatever clients do. Twice does no harm.

        In a forked child it does nothing: there the server is closed already, and its sessions are the parent's.
        """
        if self._running and not self.inherited:
            self._running = False
            self._end()

    def _end(self) -> None:
        try:
            self.driver.await_(self.server.close())
        finally:
            _RUNNING.discard(self)
            self.driver.release()

    def restart(self) -> None:
        """Stop, and start again on the same port with the same users, files and log."""
        self._live()
        self._port = self.port
        self.stop()
        self.start()

    def pause(self) -> None:
        """Leave new connections unanswered; those there are go on."""
        self._live()
        self.driver.call(self.server.pause)

    def resume(self) -> None:
        """Answer new connections again, those that wait first."""
        self._live()
        self.driver.call(self.server.resume)

    def check(self) -> None:
        """Raise what went wrong inside the server, once.

        Raises:
            ServerFailure: A handler, a path layer or a user manager raised something that is not an answer; its cause
                is what was raised.
        """
        __tracebackhide__ = True
        failures = [] if self.inherited else self.log.take_failures()
        if failures:
            first = failures[0]
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise ServerFailure(
                f"{first.verb or 'the session'} raised {type(first.error).__name__}: {first.error}{more}\n\n"
                f"{self.log.transcript(first.session)}"
            ) from first.error

    def wait_idle(self, timeout: float = 5) -> None:
        """Wait until every command that came is answered and no transfer runs.

        Raises:
            AssertionError: It takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        self._live()
        self.log.wait_idle(timeout)

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
                self.faults.assert_fired()
        finally:
            self.stop()
        if error is None:
            self.check()

    # What clients need.

    @property
    def inherited(self) -> bool:
        """Whether this process is a fork of the one in which the server runs: here it has an address, and no more."""
        return self._origin.parent is not None

    def _live(self) -> None:
        self._origin.check()
        if not self._running:
            raise ServerStateError("this server does not run: use it as a context manager, or call start() first")

    @property
    def host(self) -> str:
        """Numeric address where clients on this machine find the control port."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The control port."""
        return self.address[1]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; in a forked child those of the parent's server, whose clients may be in any process.

        Raises:
            ServerStateError: The server does not run.
        """
        if not self.inherited:
            self._live()
        return self.server.address

    @property
    def user(self) -> str:
        """Login of the first user."""
        return self.credentials[0]

    @property
    def password(self) -> str:
        """Password of the first user."""
        return self.credentials[1]

    @property
    def credentials(self) -> tuple[str, str]:
        """Login and password of the first user; where any password will do, the one that anonymous clients send.

        Raises:
            ConfigurationError: The users are in a manager of yours, which alone knows them.
        """
        users = self._listed_users()
        if not users:
            raise ConfigurationError("the users of this server are in its user manager: ask that for credentials")
        password = users[0].password
        return users[0].login or "anonymous", password if isinstance(password, str) else "anonymous@"

    def _listed_users(self) -> Sequence[User]:
        """The users, as far as they are in a list."""
        users = self._users if isinstance(self._users, list) else getattr(self._users, "users", None)
        return users or ()

    @property
    def url(self) -> str:
        """``ftp://login:password@host:port``, without a slash at the end."""
        host, port = self.address
        login, password = (quote(part, safe="") for part in self.credentials)
        scheme = "ftps" if self.server.implicit_tls else "ftp"
        place = f"[{quote(host, safe=':')}]" if ":" in host else host  # the % of a zone is %25 (RFC 6874 2)
        return f"{scheme}://{login}:{password}@{place}:{port}"

    @property
    def throttle(self) -> StreamThrottle:
        """The limits that all sessions share: set ``throttle.write.limit`` (downloads) and ``throttle.read.limit``.

        They may be changed while a transfer runs; octets per second, None for no limit.
        """
        self._origin.check()
        return self.server.throttle

    def session_throttle(self, session: int) -> StreamThrottle:
        """The speed limits of one live session, as `throttle`.

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
        """The control connections that are open now."""
        return [session for session in self.log.sessions if session.closed_at is None]

    def __repr__(self) -> str:
        if self.inherited:
            return f"<FtpServer of process {self._origin.parent}>"
        place = "{}:{}".format(*self.server.address) if self._running else "not running"
        return f"<FtpServer {place}>"

    def __reduce__(self) -> str:
        raise TypeError("an FtpServer stays in its process: give the other one server.url or server.address instead")


@in_child
def _leave_to_the_parent() -> None:
    for server in tuple(_RUNNING):
        server._origin.parent = os.getppid()
    _RUNNING.clear()


def _clock(clock: Clock | Callable[[], float] | None, driver: Driver) -> Clock:
    """The setting `clock` as a clock that goes by the driver's time.

    Raises:
        ConfigurationError: It goes by another.
    """
    if not isinstance(clock, Clock):
        return Clock(clock, driver)
    if clock.time_source.monotonic != driver.monotonic:
        raise ConfigurationError("clock= goes by another time than driver=: make it with Clock(time_source=driver)")
    return clock


def _check_names(settings: Mapping[str, Any], server_class: type[Server]) -> None:
    """Refuse settings that nobody takes.

    Raises:
        ConfigurationError: Names the nearest that is known.
    """
    known = setting_names(server_class) if settings else set()
    for name in settings:
        if name not in known:
            raise ConfigurationError(f"unknown setting {name!r}: {suggest(name, sorted(known))}")


def setting_names(server_class: type = Server) -> set[str]:
    """The names of everything `FtpServer` takes with this class of server."""
    names = set(inspect.signature(FtpServer).parameters) - {"settings"}
    for owner in server_class.__mro__:
        if "__init__" in vars(owner) and owner is not object:
            parameters = inspect.signature(vars(owner)["__init__"]).parameters.values()
            names.update(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)
    return names
