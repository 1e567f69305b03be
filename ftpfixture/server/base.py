"""The server without its commands: settings, the control port, the sessions, and paths."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
from asyncio import shield, wait
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from pathlib import PurePath, PurePosixPath
from ssl import SSLContext
from typing import Self

from ftpfixture import checks
from ftpfixture.clock import Clock
from ftpfixture.errors import CommandSyntaxError, ConfigurationError, ServerStateError
from ftpfixture.files.base import AbstractPathIO, PathIONursery
from ftpfixture.files.disk import PathIO
from ftpfixture.files.paths import resolve_virtual, to_real
from ftpfixture.log.events import Hub
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import Gate, SessionView
from ftpfixture.net.hosts import is_loopback, reachable
from ftpfixture.net.network import Listener, Network, SocketNetwork
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.ports import PassiveListener, PortPool
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.net.transport import Transport
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import CommandSpec, Handler, build_table
from ftpfixture.server.loglines import LogLines, place, tell
from ftpfixture.server.session import Session
from ftpfixture.server.settings import (
    check_flags,
    check_ipv4,
    check_numbers,
    check_ports,
    check_protection,
    check_style,
    check_timezone,
    check_tls,
    unknown_verb,
)
from ftpfixture.server.users import AbstractUserManager, MemoryUserManager, User
from ftpfixture.untouched import wall_time

__all__ = ["BaseServer"]

_STOP_TIME = 0.5  # seconds that sessions get to end before they are left to their fate


class BaseServer:
    """Settings, life cycle and sessions; the commands are in the groups of `ftpfixture.server.commands`.

    Args:
        users: Users, a user manager, or None for one anonymous user with everything allowed.
        block_size: Octets moved at once between files and sockets.
        socket_timeout: Seconds a data connection may stand still; None for no limit. The client then gets 426.
        idle_timeout: Seconds without a command after which a session gets 421; None for no limit. Transfers do not
            count as silence.
        wait_future_timeout: Seconds a transfer waits for its data connection before it is answered with 425.
        path_timeout: Seconds, handed to the path layer.
        path_io_factory: Makes the path layer of each connection; all share the state of the first.
        maximum_connections: Sessions at once; one more gets 421. None for no limit.
        maximum_connections_per_address: The same for the sessions of each client address, as vsftpd's max_per_ip.
        read_speed_limit: Octets per second for all uploads together; None for no limit.
        write_speed_limit: The same for downloads.
        read_speed_limit_per_connection: Octets per second for the uploads of each session.
        write_speed_limit_per_connection: The same for downloads.
        ipv4_pasv_forced_response_address: IPv4 address that 227 names instead of the control connection's.
        data_ports: Ports for passive data connections; None for any.
        encoding: Of commands and replies; octets that do not fit survive (surrogateescape).
        welcome_message: Text of the greeting; a list for several lines.
        allow_remote: Allow to listen on other addresses than loopback.
        allow_foreign_addresses: Let PORT and EPRT name other hosts than the client, and let other hosts connect to
            passive ports, as servers do that talk to each other (FXP; ProFTPD's AllowForeignAddress).
        allow_privileged_ports: Let PORT and EPRT name ports below 1024.
        disable: Verbs that are answered with 502 and left out of FEAT and HELP.
        features: Lines of FEAT's answer, whatever the server really does; None for the truth.
        system: Text of SYST's answer.
        refuse_size_in_ascii: Answer SIZE with 550 while the type is A, as ProFTPD and pyftpdlib do; False tells the
            stored size, as vsftpd and Pure-FTPd do.
        list_style: Shape of LIST: "unix", "msdos", "msdos4" (four-digit years) or "eplf".
        timezone: Of the times in LIST (MDTM and MLSx are UTC by definition).
        login_delay: Seconds before the answer to a wrong password.
        maximum_login_failures: Wrong passwords after which a session gets 421; None for no limit.
        virtual_hosts: Names that HOST accepts (RFC 7151); None for all.
        clock: Wall clock in POSIX seconds, or a `Clock`. All that is time goes by it, but for speed limits,
            `path_timeout` and the log. The default is the time of day as freezegun and time-machine set it.
        ssl: A context with the server's certificate, or a function that makes one for each control connection and its
            data connections, so that nothing else can resume their session; None for a server without TLS.
        tls: "explicit" (AUTH TLS), "implicit" (from the first octet), or "required" (explicit, and nothing without it);
            None for "implicit" when there is a context.
        implicit_protection: What data connections are with implicit TLS before the client says PROT: "P" (private), as
            for Pure-FTPd, or "C" (clear), as for vsftpd and FileZilla Server.
        require_tls: What is refused in clear: "login", "data" or both.
        inflation_limit: Octets that one compressed upload (MODE Z) may grow to; None for no limit.
        network: Where the server listens and connects; None for the sockets of this machine.
        handshake_timeout: Seconds that hands may be shaken on a data connection, before 522; None for no limit.
        require_session_reuse: Refuse data connections that do not resume the control connection's session, as vsftpd
            does; where `ssl` is a context, that of any control connection will do.
        require_close_notify: Answer an encrypted upload that ends without close_notify with 426, because it may be
            cut; False takes any end for that of the file.

    Raises:
        ConfigurationError: A setting cannot work.
    """

    commands_mapping: dict[str, Handler]
    """Lower-case verb to bound coroutine; may be changed at any time, and belongs to this server only."""

    def __init__(
        self,
        users: Sequence[User] | AbstractUserManager | None = None,
        *,
        block_size: int = DEFAULT_BLOCK_SIZE,
        socket_timeout: float | None = None,
        idle_timeout: float | None = None,
        wait_future_timeout: float | None = 1,
        path_timeout: float | None = None,
        path_io_factory: Callable[..., AbstractPathIO] = PathIO,
        maximum_connections: int | None = None,
        maximum_connections_per_address: int | None = None,
        read_speed_limit: float | None = None,
        write_speed_limit: float | None = None,
        read_speed_limit_per_connection: float | None = None,
        write_speed_limit_per_connection: float | None = None,
        ipv4_pasv_forced_response_address: str | None = None,
        data_ports: Iterable[int] | None = None,
        encoding: str = "utf-8",
        welcome_message: str | Sequence[str] = "welcome",
        allow_remote: bool = False,
        allow_foreign_addresses: bool = False,
        allow_privileged_ports: bool = False,
        disable: Iterable[str] = (),
        features: Sequence[str] | None = None,
        system: str = "UNIX Type: L8",
        refuse_size_in_ascii: bool = False,
        list_style: str = "unix",
        timezone: tzinfo = UTC,
        login_delay: float = 0,
        maximum_login_failures: int | None = None,
        virtual_hosts: Iterable[str] | None = None,
        clock: Callable[[], float] = wall_time,
        ssl: SSLContext | Callable[[], SSLContext] | None = None,
        tls: str | None = None,
        implicit_protection: str = "P",
        require_tls: Iterable[str] = (),
        require_session_reuse: bool = False,
        handshake_timeout: float | None = 10,
        require_close_notify: bool = True,
        inflation_limit: int | None = 1 << 28,
        network: Network | None = None,
    ) -> None:
        check_numbers(
            block_size=block_size,
            socket_timeout=socket_timeout,
            idle_timeout=idle_timeout,
            wait_future_timeout=wait_future_timeout,
            path_timeout=path_timeout,
            maximum_connections=maximum_connections,
            maximum_connections_per_address=maximum_connections_per_address,
            read_speed_limit=read_speed_limit,
            write_speed_limit=write_speed_limit,
            read_speed_limit_per_connection=read_speed_limit_per_connection,
            write_speed_limit_per_connection=write_speed_limit_per_connection,
            login_delay=login_delay,
            maximum_login_failures=maximum_login_failures,
            inflation_limit=inflation_limit,
            handshake_timeout=handshake_timeout,
        )
        check_flags(
            allow_remote=allow_remote,
            allow_foreign_addresses=allow_foreign_addresses,
            allow_privileged_ports=allow_privileged_ports,
            refuse_size_in_ascii=refuse_size_in_ascii,
            require_session_reuse=require_session_reuse,
            require_close_notify=require_close_notify,
        )
        self.block_size = block_size
        self.socket_timeout = socket_timeout
        self.idle_timeout = idle_timeout
        self.wait_future_timeout = wait_future_timeout
        self.path_timeout = path_timeout
        self.path_io_factory = PathIONursery(path_io_factory)
        self.user_manager = users if isinstance(users, AbstractUserManager) else MemoryUserManager(users)
        self.maximum_connections = maximum_connections
        self.maximum_connections_per_address = maximum_connections_per_address
        self.throttle = StreamThrottle.from_limits(read_speed_limit, write_speed_limit)
        self.throttle_per_connection = StreamThrottle.from_limits(
            read_speed_limit_per_connection, write_speed_limit_per_connection
        )
        self.throttle_per_user: dict[User, StreamThrottle] = {}
        self.ipv4_pasv_forced_response_address = check_ipv4(ipv4_pasv_forced_response_address)
        self.available_data_ports = PortPool(check_ports(data_ports)) if data_ports is not None else None
        self.encoding = checks.encoding("encoding", encoding)
        self.welcome_message = welcome_message
        self.allow_remote = allow_remote
        self.allow_foreign_addresses = allow_foreign_addresses
        self.allow_privileged_ports = allow_privileged_ports
        self.refuse_size_in_ascii = refuse_size_in_ascii
        self.features = features
        self.system = system
        self.list_style = check_style(list_style)
        self.timezone = check_timezone(timezone)
        self.login_delay = login_delay
        self.maximum_login_failures = maximum_login_failures
        self.virtual_hosts = None if virtual_hosts is None else {name.lower() for name in virtual_hosts}
        self.clock = clock if isinstance(clock, Clock) else Clock(clock)
        self.user_manager.use_clock(self.clock)
        self.ssl = ssl
        self.implicit_tls, self.require_tls = check_tls(ssl is not None, tls, require_tls)
        self.implicit_protection = check_protection(implicit_protection, self.implicit_tls)
        self.require_session_reuse = require_session_reuse
        self.handshake_timeout = handshake_timeout
        self.require_close_notify = require_close_notify
        self.inflation_limit = inflation_limit
        self.network = network if network is not None else SocketNetwork()
        self.hub = Hub(self.clock.time_source.monotonic)
        self.hub.subscribe(LogLines(self.encoding))
        self.server_host: str | None = None
        self.server_port = 0
        self.connections: dict[int, Connection] = {}
        self.specs: dict[str, CommandSpec] = {}
        self.commands_mapping = {}
        for verb, (name, spec) in build_table(type(self)).items():
            self.specs[verb] = spec
            self.commands_mapping[verb] = getattr(self, name)
        self.disabled = self._switch_off(disable)
        if ssl is None:
            self._switch_off(verb for verb in ("AUTH", "PBSZ", "PROT", "CCC") if verb.lower() in self.specs)
        self.gate_factory: Callable[[SessionView, Outbox], Gate] = Gate
        self._numbers = itertools.count(1)
        self._listener: Listener | None = None
        self._passive: dict[int, PassiveListener] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[None] | None = None

    def _switch_off(self, verbs: Iterable[str]) -> frozenset[str]:
        """Take verbs out of the table: the name of a command with its aliases, an alias alone."""
        if isinstance(verbs, str):
            raise ConfigurationError(f"disable takes a list of verbs: disable=[{verbs!r}]")
        gone: set[str] = set()
        for verb in map(str.upper, verbs):
            spec = self.specs.get(verb.lower())
            if spec is None:
                raise unknown_verb(verb, self.specs)
            gone.update(spec.verbs if verb == spec.verbs[0] else [verb])
        for name in gone:
            self.commands_mapping.pop(name.lower(), None)
        return frozenset(gone)

    # Life cycle.

    async def start(self, host: str | None = None, port: int = 0) -> None:
        """Listen; connections are accepted when this returns.

        Args:
            host: Address or name; None for 127.0.0.1. "::" listens on all addresses of both families.
            port: 0 for a free one.

        Raises:
            ServerStateError: It is started already.
            ConfigurationError: The address is not loopback and `allow_remote` is not set.
            OSError: The port is taken, or the address is not of this machine.
        """
        if self._listener is not None:
            raise ServerStateError(f"this server is started already, on {self.server_host}:{self.server_port}")
        if not 0 <= port < 65536:
            raise ConfigurationError(f"port={port}: use 1 to 65535, or 0 for a free one")
        loop = asyncio.get_running_loop()
        address = await self.network.resolve(host if host is not None else "127.0.0.1")
        if not is_loopback(address) and not self.allow_remote:
            raise ConfigurationError(
                f"host={host!r} can be reached from other machines, and every user and password of a test is public: "
                "use 127.0.0.1 or ::1, or say allow_remote=True"
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
        tell(logging.INFO, "serving on %s", place((self.server_host, self.server_port)))

    @property
    def address(self) -> tuple[str, int]:
        """Where a client on this machine connects to: host and port of the control port.

        The host is that of loopback when the server listens on all addresses; `server_host` is what it listens on.

        Raises:
            ServerStateError: The server is not started, or closed.
        """
        if self.server_host is None:
            raise ServerStateError("this server has no address: it is not started, or closed")
        return reachable(self.server_host), self.server_port

    def pause(self) -> None:
        """Leave new connections unanswered; those there are go on."""
        self._running().pause()

    def resume(self) -> None:
        """Answer new connections again, those that wait first."""
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
        """Say 421 to every session and close everything; returns promptly whatever clients do.

        Closing twice, or before the start, does nothing.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            self.server_host = None
        for connection in tuple(self.connections.values()):
            connection.session.dismiss("shut down", "Service is shutting down")
        if self._tasks:
            await wait(self._tasks, timeout=_STOP_TIME)
        for passive in self._passive.values():
            passive.close()
        self._passive.clear()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

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

    def new_connection(self, session: Session) -> Connection:
        """What handlers will see of a session."""
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
        """Put a connection's parameters back to what they are before a login (RFC 959 4.1.1, REIN).

        Groups of commands extend it with what they keep.
        """
        connection.current_directory = PurePosixPath("/")
        connection.restart_offset = 0
        connection.transfer_type = "A"
        connection.transfer_mode = "S"
        connection.compression_level = -1
        connection.umask = None
        connection.protection = self.implicit_protection if self.implicit_tls else "C"

    def context_from_the_start(self, connection: Connection) -> SSLContext | None:
        """What a session shakes hands with before the greeting; None when it begins in clear."""
        return self.context_for(connection) if self.implicit_tls else None

    def context_for(self, connection: Connection) -> SSLContext:
        """What a control connection and its data connections are encrypted with."""
        assert self.ssl is not None
        if isinstance(self.ssl, SSLContext):
            return self.ssl
        if "ssl" not in connection:
            connection.ssl = self.ssl()
        return connection.ssl

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Say 220, or 421 when there are too many sessions (a hook: never reached from the wire)."""
        # Several may have been accepted before the first is greeted: those that came first stay.
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

    async def farewell(self, connection: Connection) -> None:
        """Give back what a connection held: the data port, the user's slot."""
        passive = self._passive.pop(connection.number, None)
        if passive is not None:
            passive.close()
        if "data_connection" in connection:
            connection.data_connection.close()
        self.connections.pop(connection.number, None)

    def passive_listener(self, connection: Connection) -> PassiveListener:
        """The data listener of a connection, made when first asked for."""
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

    @staticmethod
    def get_paths(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """The real and the virtual path that the argument of a command means.

        `.`, `..` and doubled slashes are resolved in the text, and ".." stops at "/".

        Raises:
            CommandSyntaxError: It holds NUL, which no file system has in a name.
        """
        key = (connection.user, connection.current_directory, path)
        known = connection.__dict__.get("known_paths")
        if known is None or known[0] != key:
            # Conditions, rights and the handler ask for the same path one after another.
            text = str(path)
            if "\0" in text:
                raise CommandSyntaxError("A path cannot hold NUL")
            virtual = resolve_virtual(connection.current_directory, text)
            known = connection.known_paths = (key, (to_real(connection.user.base_path, virtual), virtual))
        paths: tuple[PurePath, PurePosixPath] = known[1]
        return paths
