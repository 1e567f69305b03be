"""The state of a session for its handlers, which can also wait for a part of it."""

from __future__ import annotations

import asyncio
from asyncio import shield
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import PurePath, PurePosixPath
from ssl import SSLContext
from typing import Any, Protocol

from ftpfixture.clock import Clock
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import EXCHANGE, Exchange, Gate
from ftpfixture.net.ports import PassiveListener
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.server.states import LOGIN_MOVES, Login
from ftpfixture.server.transfer import Transfer
from ftpfixture.server.users import User
from ftpfixture.wire.listing.styles import ListStyle
from ftpfixture.wire.reply import Reply

__all__ = ["SESSION", "Connection", "KnownPaths", "Response", "SessionControl", "Workers"]

Opener = Callable[[float | None], Awaitable[Any]]
"""Makes a value within the given number of seconds."""

KnownPaths = tuple[tuple[User, PurePosixPath, str | PurePosixPath], tuple[PurePath, PurePosixPath]]
"""User, current directory and argument, and the real and the virtual path that result from them."""

SESSION: ContextVar[int] = ContextVar("ftpfixture_session", default=0)
"""Number of the session that a task works for, for code that gets no `Connection`; 0 outside a session."""


class Response(Protocol):
    """Replies to the current command."""

    def __call__(self, code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        """Send a reply; with `list` the middle lines have no code and begin with a space."""


class Workers(set[asyncio.Task[Any]]):
    """The tasks that a session runs beside its commands: transfers, and tasks that handlers add.

    A task is removed when it ends; ABOR cancels all; the session's end awaits all.

    Args:
        ended: Called at the end of each task, with the command that started it.
    """

    def __init__(self, ended: Callable[[asyncio.Task[Any], Exchange], None]) -> None:
        super().__init__()
        self._ended = ended
        self._exchanges: dict[asyncio.Task[Any], Exchange] = {}
        self._idle: asyncio.Future[None] | None = None
        self.abort: Exchange | None = None

    def add(self, task: asyncio.Task[Any]) -> None:
        """Run `task` beside the commands of the session."""
        super().add(task)
        self._exchanges[task] = EXCHANGE.get()
        task.add_done_callback(self._reap)

    @property
    def awaits_preliminary(self) -> bool:
        """Whether one of them is a transfer without any reply yet."""
        return any(exchange.awaits_preliminary for exchange in self._exchanges.values())

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self.discard(task)
        self._ended(task, self._exchanges.pop(task))
        if not self and self._idle is not None:
            if not self._idle.done():
                self._idle.set_result(None)
            self._idle = None

    async def idle(self) -> None:
        """Wait until every task has ended."""
        while self:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await shield(self._idle)

    async def cancel(self) -> None:
        """Cancel all tasks for the current command, and wait until they have ended."""
        self.abort = EXCHANGE.get()
        try:
            for task in tuple(self):
                task.cancel()
            await self.idle()
        finally:
            self.abort = None


class SessionControl(Protocol):
    """The part of a session that the server and its commands use."""

    number: int
    channel: Channel
    gate: Gate
    workers: Workers

    def respond(self, code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        """Reply to the current command (`connection.response`)."""

    def pass_on(self, reply: Reply, exchange: Exchange) -> None:
        """Answer a command with the reply of another server."""

    def logged_in(self, user: str) -> None:
        """Emit the event of a login."""

    async def encrypt(self, context: SSLContext) -> bool:
        """Do the TLS handshake as the server; False when it failed and the session must end."""

    async def decrypt(self) -> bool:
        """Return to clear text; False when the other side does not end TLS and the session must end."""

    def terminate(self, reason: str, text: str) -> None:
        """Send 421 and end the session in any state."""


class Connection:
    """The state of one control connection for handlers.

    Attributes are plain: one that was never set raises AttributeError, `del` of a missing one does nothing, and any
    name may be added. ``connection["x"]`` and ``connection.future.x`` are a future that is done when `x` is set.

    Every attribute that this package uses is declared here; any other name is a flag of a user's handlers.
    """

    # The session.
    number: int
    session: SessionControl
    response: Response
    extra_workers: Workers
    loop: asyncio.AbstractEventLoop
    clock: Clock
    client_host: str
    client_port: int
    client_name: str
    server_host: str
    server_port: int
    acquired: bool
    ssl: SSLContext
    secured: bool = False
    block_size_agreed: bool = False

    # Settings.
    encoding: str
    list_style: ListStyle
    block_size: int
    socket_timeout: float | None
    idle_timeout: float | None
    wait_future_timeout: float | None
    path_timeout: float | None
    path_io_factory: Callable[..., AbstractPathIO]
    path_io: AbstractPathIO
    throttles: dict[str, StreamThrottle]

    # The login; its stage is `login_state`.
    login: str = ""
    claimed: User | None = None
    login_failures: int
    user: User
    logged: bool

    # Parameters.
    current_directory: PurePosixPath
    transfer_type: str
    transfer_mode: str
    compression_level: int
    protection: str
    restart_offset: int
    range: tuple[int, int] | None
    epsv_all: bool
    umask: int | None
    facts: tuple[str, ...]
    absolute_names: bool
    hash_algorithm: str

    # Between two commands.
    rename_from: PurePath
    copy_from: str
    known_paths: KnownPaths | None = None

    # Data connections.
    passive_server: PassiveListener
    passive_server_port: int
    data_source: str = ""
    data_direction: str = ""
    data_connection: ThrottleStreamIO
    transfer: Transfer | None = None

    def __init__(self, *, clock: Clock | None = None, **values: Any) -> None:
        self.__dict__["_waiters"] = {}
        self.__dict__["_openers"] = {}
        self.__dict__["_login"] = Login.NO_USER
        self.__dict__["clock"] = clock or Clock()
        self.__dict__.update(values)

    @property
    def login_state(self) -> Login:
        """The stage of the login.

        A user's handler may set or delete `logged` and `login` of the extension API, and then these decide.
        """
        state: Login = self.__dict__["_login"]
        if "logged" in self:
            return state if state.is_in else Login.IN
        if "login" not in self:
            return Login.NO_USER
        return state if state.is_due else Login.NAMED

    def enter(self, state: Login) -> None:
        """Set the stage of the login; this also sets `user` and `logged` of the extension API.

        Args:
            state: The next stage. `login` and `claimed` have the user; NO_USER deletes them.

        Raises:
            ServerStateError: The stage cannot follow on the current one.
        """
        self.__dict__["_login"] = LOGIN_MOVES[self.login_state, state]
        if state is Login.NO_USER:
            del self.login, self.claimed, self.user, self.logged
        elif state.is_in and self.claimed is not None:
            self.user = self.claimed
            self.logged = True

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"connection has no {name!r} yet: no command or handler has set it")

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        waiters: dict[str, asyncio.Future[Any]] = self.__dict__["_waiters"]
        if waiters and name in waiters:
            waiter = waiters.pop(name)
            if not waiter.done():
                waiter.set_result(value)

    def __delattr__(self, name: str) -> None:
        self.__dict__.pop(name, None)

    def __getitem__(self, name: str) -> asyncio.Future[Any]:
        """A future that is done when `name` is set."""
        if name in self.__dict__:
            done = asyncio.get_running_loop().create_future()
            done.set_result(self.__dict__[name])
            return done
        waiters: dict[str, asyncio.Future[Any]] = self.__dict__["_waiters"]
        waiter = waiters.get(name)
        if waiter is None or waiter.done():
            waiter = waiters[name] = asyncio.get_running_loop().create_future()
        return waiter

    @property
    def future(self) -> _Futures:
        """The futures of ``connection["x"]`` as attributes."""
        return _Futures(self)

    def when_wanted(self, name: str, opener: Opener | None) -> None:
        """Let `wait_for` get a missing `name` from ``await opener(timeout)``; None for no opener."""
        if opener is not None:
            self.__dict__["_openers"][name] = opener
        else:
            self.__dict__["_openers"].pop(name, None)

    async def wait_for(self, name: str, timeout: float | None) -> Any:
        """The value of `name`, after waiting until it is set.

        Raises:
            TimeoutError: It was not set within `timeout` seconds (None waits without limit).
            OSError: Its opener failed.
        """
        if name in self.__dict__:
            return self.__dict__[name]
        opener: Opener | None = self.__dict__["_openers"].get(name)
        if opener is not None:
            setattr(self, name, await opener(timeout))
            return self.__dict__[name]
        async with self.clock.timeout(timeout):
            return await shield(self[name])

    def __repr__(self) -> str:
        return f"<Connection of {self.__dict__.get('client_host')}:{self.__dict__.get('client_port')}>"


class _Futures:
    """``connection.future.x`` is ``connection["x"]``."""

    def __init__(self, connection: Connection) -> None:
        self.__dict__["_connection"] = connection

    def __getattr__(self, name: str) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.__dict__["_connection"][name]
        return future

    def __delattr__(self, name: str) -> None:
        delattr(self.__dict__["_connection"], name)
