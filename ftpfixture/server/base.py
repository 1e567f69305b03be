"""The server without its commands: settings, control port, sessions and paths."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
from asyncio import shield, wait
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import tzinfo
from pathlib import PurePath, PurePosixPath
from ssl import SSLContext
from typing import Self, Unpack, cast

from ftpfixture import checks
from ftpfixture.clock import Clock
from ftpfixture.errors import CommandSyntaxError, ConfigurationError, ServerStateError
from ftpfixture.files.base import PathIONursery
from ftpfixture.files.paths import resolve_virtual, to_real
from ftpfixture.log.events import Hub
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import Gate, SessionView
from ftpfixture.net.hosts import is_loopback, reachable
from ftpfixture.net.network import Listener, Network, SocketNetwork
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.ports import PassiveListener, PortPool
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.net.transport import Transport
from ftpfixture.server.conditions import confined, is_there
from ftpfixture.server.connection import Connection, SessionControl
from ftpfixture.server.dispatch import Handler, build_table
from ftpfixture.server.loglines import LogLines, log, place
from ftpfixture.server.persona import Persona
from ftpfixture.server.session import Session
from ftpfixture.server.settings import SERVER_SETTINGS, ServerSettings, check_protection, check_tls, unknown_verb
from ftpfixture.server.users import AbstractUserManager, MemoryUserManager, User
from ftpfixture.server.wording import Wording
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyle

__all__ = ["BaseServer"]

_STOP_TIME = 0.5  # seconds that `close` waits for sessions to end


@SERVER_SETTINGS.describe
class BaseServer:
    """Settings, life cycle and sessions; the commands are in the groups of `ftpfixture.server.commands`.

    Args:
        users: Users, a user manager, or None for one anonymous user with all rights.
        settings: The settings of `ftpfixture.server.settings.ServerSettings`.

    Raises:
        UnknownSetting: A setting does not exist; the text names the nearest.
        ConfigurationError: A setting has an impossible value.
    """

    commands_mapping: dict[str, Handler]
    """Lower-case verb to bound coroutine, of this server only; may be changed at any time."""

    # Settings that are attributes of the same name.
    block_size: int
    socket_timeout: float | None
    idle_timeout: float | None
    wait_future_timeout: float | None
    handshake_timeout: float | None
    path_timeout: float | None
    path_io_factory: PathIONursery
    maximum_connections: int | None
    maximum_connections_per_address: int | None
    maximum_login_failures: int | None
    login_delay: float
    ipv4_pasv_forced_response_address: str | None
    encoding: str
    welcome_message: str | Sequence[str]
    allow_remote: bool
    allow_foreign_addresses: bool
    allow_privileged_ports: bool
    features: Sequence[str] | None
    system: str
    persona: Persona | None
    refuse_size_in_ascii: bool
    empty_if_missing: Set[str]
    hidden_uploads: bool
    list_style: ListStyle
    timezone: tzinfo
    virtual_hosts: Set[str] | None
    clock: Clock
    ssl: SSLContext | Callable[[], SSLContext] | None
    implicit_protection: str
    require_tls: Set[str]
    require_session_reuse: bool
    require_close_notify: bool
    inflation_limit: int | None
    network: Network

    def __init__(
        self, users: Sequence[User] | AbstractUserManager | None = None, **settings: Unpack[ServerSettings]
    ) -> None:
        chosen = SERVER_SETTINGS.complete(settings, type(self))
        table = build_table(type(self))
        self.specs = {verb: spec for verb, (_, spec) in table.items()}
        persona = cast("Persona | None", chosen["persona"])
        if persona is not None:
            chosen |= persona.settings(self.specs, besides=settings)
        self.wording = None if persona is None else Wording(persona, self, greets="welcome_message" not in settings)
        verbs = chosen.pop("disable")
        self._keep(chosen)
        self.user_manager = users if isinstance(users, AbstractUserManager) else MemoryUserManager(users)
        self.user_manager.use_clock(self.clock)
        self.throttle_per_user: dict[User, StreamThrottle] = {}
        self.hub = Hub(self.clock.time_source.monotonic)
        self.hub.subscribe(LogLines(self.encoding))
        self.server_host: str | None = None
        self.server_port = 0
        self.connections: dict[int, Connection] = {}
        self.commands_mapping = {verb: getattr(self, name) for verb, (name, _) in table.items()}
        self.disabled = self._disable(verbs)
        if self.ssl is None:
            self._disable(verb for verb in ("AUTH", "PBSZ", "PROT", "CCC") if verb.lower() in self.specs)
        self.gate_factory: Callable[[SessionView, Outbox], Gate] = Gate
        self._numbers = itertools.count(1)
        self._listener: Listener | None = None
        self._passive: dict[int, PassiveListener] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[None] | None = None

    def _keep(self, chosen: ServerSettings) -> None:
        """Store the settings as attributes, converted where needed."""
        self.throttle = StreamThrottle.from_limits(chosen.pop("read_speed_limit"), chosen.pop("write_speed_limit"))
        self.throttle_per_connection = StreamThrottle.from_limits(
            chosen.pop("read_speed_limit_per_connection"), chosen.pop("write_speed_limit_per_connection")
        )
        ports = chosen.pop("data_ports")
        self.available_data_ports = None if ports is None else PortPool(list(ports))
        self.implicit_tls, require_tls = check_tls(chosen["ssl"] is not None, chosen.pop("tls"), chosen["require_tls"])
        check_protection(chosen["implicit_protection"], self.implicit_tls)
        clock, hosts = chosen["clock"], chosen["virtual_hosts"]
        vars(self).update(
            chosen,
            path_io_factory=PathIONursery(chosen["path_io_factory"]),
            list_style=LIST_STYLES[chosen["list_style"]],
            clock=clock if isinstance(clock, Clock) else Clock(clock),
            virtual_hosts=None if hosts is None else {name.lower() for name in hosts},
            require_tls=require_tls,
            network=SocketNetwork() if chosen["network"] is None else chosen["network"],
        )

    def _disable(self, verbs: Iterable[str]) -> frozenset[str]:
        """Remove verbs from the table: a command's name with its aliases, an alias alone."""
        removed: set[str] = set()
        for verb in map(str.upper, verbs):
            spec = self.specs.get(verb.lower())
            if spec is None:
                raise unknown_verb(verb, self.specs)
            removed.update(spec.verbs if verb == spec.verbs[0] else [verb])
        for name in removed:
            self.commands_mapping.pop(name.lower(), None)
        return frozenset(removed)

    # Life cycle.

    async def start(self, host: str | None = None, port: int = 0) -> None:
        """Listen; connections are accepted as soon as this returns.

        Args:
            host: Address or name; None for 127.0.0.1. "::" listens on all addresses of both families.
            port: 0 for any free port.

        Raises:
            ServerStateError: The server is already started.
            ConfigurationError: The address is not loopback and `allow_remote` is False.
            OSError: The port is in use, or the machine does not have the address.
        """
        if self._listener is not None:
            raise ServerStateError(f"this server is started already, on {self.server_host}:{self.server_port}")
        checks.port_to_listen("port", port)
        loop = asyncio.get_running_loop()
        address = await self.network.resolve(host if host is not None else "127.0.0.1")
        if not is_loopback(address) and not self.allow_remote:
            raise ConfigurationError(
                f"host={host!r} can be reached from other machines, and every user and password of a test is public: "
                "use 127.0.0.1 or ::1, or set allow_remote=True"
            )
        try:
            self._listener = self.network.listen(address, port, self._accepted)
        except OSError as error:
            hint = "; use port=0 for a free port" if error.errno == errno.EADDRINUSE else ""
            error.strerror = f"{error.strerror}: cannot listen on {host or address}:{port}{hint}"
            raise
        self.server_host, self.server_port = self._listener.host, self._listener.port
        self._closed = loop.create_future()
        self.clock.join(loop)
        log(logging.INFO, "serving on %s", place((self.server_host, self.server_port)))

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the control port, for a client on this machine.

        The host is the loopback address when the server listens on all addresses; `server_host` is the address that it
        listens on.

        Raises:
            ServerStateError: The server is not started, or is closed.
        """
        if self.server_host is None:
            raise ServerStateError("this server has no address: it is not started, or closed")
        return reachable(self.server_host), self.server_port

    def pause(self) -> None:
        """Accept no new connections; existing sessions continue."""
        self._running().pause()

    def resume(self) -> None:
        """Accept new connections again, first those that wait."""
        self._running().resume()

    def _running(self) -> Listener:
        if self._listener is None:
            raise ServerStateError("this server is not started")
        return self._listener

    async def serve_forever(self) -> None:
        """Wait until the server is closed."""
        self._running()
        assert self._closed is not None
        await shield(self._closed)

    async def run(self, host: str | None = None, port: int = 0) -> None:
        """Start, serve until cancelled or closed, and close."""
        await self.start(host, port)
        try:
            await self.serve_forever()
        finally:
            await self.close()

    async def close(self) -> None:
        """Send 421 to every session and close everything; no client can delay this for more than a moment.

        A second call, or a call before the start, does nothing.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            self.server_host = None
        await self._terminate_sessions("Service is shutting down")
        for passive in self._passive.values():
            passive.close()
        self._passive.clear()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    async def _terminate_sessions(self, text: str) -> None:
        """Send 421 to every session, and wait a moment for their end."""
        for connection in tuple(self.connections.values()):
            connection.session.terminate("shut down", text)
        if self._tasks:
            await wait(self._tasks, timeout=_STOP_TIME)

    async def end_sessions(self) -> None:
        """End all sessions as `close` does, and keep listening; new connections wait until `resume`.

        Raises:
            ServerStateError: The server is not started, or a session does not end; then it accepts connections again.
        """
        self.pause()
        await self._terminate_sessions("Service starts over")
        if self._tasks:
            self.resume()
            numbers = ", ".join(map(str, self.connections))
            raise ServerStateError(f"session {numbers} did not end within {_STOP_TIME} s: start a new server")

    def begin_again(self, user_manager: AbstractUserManager, other: BaseServer) -> None:
        """Begin as a server without sessions; the next session has the number 1.

        Args:
            user_manager: Decides who may log in.
            other: The server whose port, hub, gates and files this one has from now on; it may be this one. It has no
                sessions, see `end_sessions`.
        """
        if other is not self:
            self._listener, other._listener = other._running(), None
            self._listener.on_transport = self._accepted
            self._closed = other._closed
            self.server_host, self.server_port = other.server_host, other.server_port
            self.hub, self.gate_factory, self.path_io_factory = other.hub, other.gate_factory, other.path_io_factory
        self.user_manager = user_manager
        self.user_manager.use_clock(self.clock)
        self.throttle_per_user.clear()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        if self._listener is None:
            await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Sessions.

    def _accepted(self, transport: Transport) -> None:
        channel = Channel(transport)
        channel.set_control_options()
        session = Session(self, channel, next(self._numbers))
        self.connections[session.number] = session.connection
        task = session.start()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def new_connection(self, session: SessionControl) -> Connection:
        """The `Connection` that the handlers of a session get."""
        channel = session.channel
        connection = Connection(
            session=session,
            number=session.number,
            response=session.respond,
            extra_workers=session.workers,
            loop=channel.loop,
            clock=self.clock,
            client_host=channel.peer[0],
            client_port=channel.peer[1],
            server_host=channel.local[0],
            server_port=channel.local[1],
            encoding=self.encoding,
            list_style=self.list_style,
            block_size=self.block_size,
            socket_timeout=self.socket_timeout,
            idle_timeout=self.idle_timeout,
            wait_future_timeout=self.wait_future_timeout,
            path_timeout=self.path_timeout,
            path_io_factory=self.path_io_factory,
            acquired=False,
        )
        connection.path_io = self.path_io_factory(timeout=self.path_timeout, connection=connection)
        connection.throttles = {
            "server_global": self.throttle,
            "server_per_connection": self.throttle_per_connection.clone(),
        }
        self.reset(connection)
        return connection

    def reset(self, connection: Connection) -> None:
        """Reset a connection's parameters to their values before a login (RFC 959 4.1.1, REIN).

        Command groups extend it for their own parameters.
        """
        connection.current_directory = PurePosixPath("/")
        connection.restart_offset = 0
        connection.transfer_type = "A"
        connection.transfer_mode = "S"
        connection.compression_level = -1
        connection.umask = None
        connection.protection = self.implicit_protection if self.implicit_tls else "C"

    def context_from_the_start(self, connection: Connection) -> SSLContext | None:
        """The SSLContext of the TLS handshake before the greeting; None if the session begins in clear text."""
        return self.context_for(connection) if self.implicit_tls else None

    def context_for(self, connection: Connection) -> SSLContext:
        """The SSLContext of a control connection and its data connections."""
        assert self.ssl is not None
        if isinstance(self.ssl, SSLContext):
            return self.ssl
        if "ssl" not in connection:
            connection.ssl = self.ssl()
        return connection.ssl

    def upstream_hosts(self) -> frozenset[str]:
        """The name and the addresses of the real server behind this one; none for a server that answers by itself."""
        return frozenset()

    def unplayed(self) -> list[str]:
        """What a recording expects of clients and they have not sent, in words; [] without a recording."""
        return []

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Send 220, or 421 when there are too many sessions (a hook: no command reaches it)."""
        # Several connections may be accepted before the first greeting: the earlier ones stay.
        others = [other for number, other in self.connections.items() if number < connection.number]
        limit, limit_here = self.maximum_connections, self.maximum_connections_per_address
        if limit is not None and len(others) >= limit:
            connection.response("421", "Too many connections, try again later")
            return False
        if (
            limit_here is not None
            and sum(other.client_host == connection.client_host for other in others) >= limit_here
        ):
            connection.response("421", "Too many connections from your address, try again later")
            return False
        message = self.welcome_message
        connection.response("220", message if isinstance(message, str) else list(message))
        return True

    def client_left(self, connection: Connection) -> None:
        """Called when the session ends after its current step, as when the client has closed the connection."""

    async def release(self, connection: Connection) -> None:
        """Release what a connection holds: the data port, the user's slot."""
        passive = self._passive.pop(connection.number, None)
        if passive is not None:
            passive.close()
        if "data_connection" in connection:
            connection.data_connection.close()
        self.connections.pop(connection.number, None)

    def passive_listener(self, connection: Connection) -> PassiveListener:
        """The data listener of a connection, made at the first call."""
        listener = self._passive.get(connection.number)
        if listener is None:
            listener = self._passive[connection.number] = PassiveListener(
                self.network,
                connection.server_host,
                None if self.allow_foreign_addresses else connection.client_host,
                self.available_data_ports,
            )
        return listener

    # Paths.

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """Whether a file, directory or link, also a broken one, is at a client's path.

        Args:
            connection: The session.
            path: The path as the client sent it.
            pattern: Whether the path may be a pattern, which exists if anything matches.

        Raises:
            PathIOError: The path exists, but is broken or busy.
            CommandSyntaxError: The text is no path.
        """
        real, _ = self.get_paths(connection, path)
        return await confined(connection, real, follow=False) and await is_there(connection, real)

    @staticmethod
    def get_paths(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """The real and the virtual path of a command's argument.

        `.`, `..` and doubled slashes are resolved in the text, and ".." stops at "/".

        Raises:
            CommandSyntaxError: The path contains NUL, which no file system allows.
        """
        key = (connection.user, connection.current_directory, path)
        known = connection.known_paths
        if known is None or known[0] != key:
            # Conditions, rights and the handler use the same path one after another.
            text = str(path)
            if "\0" in text:
                raise CommandSyntaxError("A path cannot hold NUL")
            virtual = resolve_virtual(connection.current_directory, text)
            known = connection.known_paths = (key, (to_real(connection.user.base_path, virtual), virtual))
        return known[1]
