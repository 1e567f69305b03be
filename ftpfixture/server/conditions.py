"""Decorators of handlers: conditions that must hold before a handler runs, and the frame of transfer workers."""

from __future__ import annotations

import asyncio
import errno
import functools
import ssl
from collections.abc import Callable, Coroutine
from pathlib import PurePath, PurePosixPath
from typing import Any, ClassVar, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from ftpfixture.errors import CommandRefused, PathIOError
from ftpfixture.files.paths import is_within
from ftpfixture.net.gate import EXCHANGE
from ftpfixture.server.connection import Connection
from ftpfixture.server.replies import reply_for
from ftpfixture.server.users import Permission

__all__ = [
    "ConnectionConditions",
    "PathConditions",
    "PathPermissions",
    "argument_required",
    "confined",
    "demand",
    "demand_movable",
    "is_there",
    "virtual_target",
    "worker",
]


class HasPaths(Protocol):
    """The part of a server that conditions use."""

    def get_paths(self, connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """The real and the virtual path of a command's argument."""


_DENIED = "Permission denied"
_ROOT = PurePosixPath("/")

_ON_THE_NAME = frozenset({"delete", "rename"})
"""Rights that are about a name itself, not about the target of a link."""

S = TypeVar("S", bound=HasPaths)
P = ParamSpec("P")
Handler = Callable[Concatenate[S, Connection, str, P], Coroutine[Any, Any, bool]]


class ConnectionField(NamedTuple):
    """An attribute that an earlier command sets, and the reply while it is missing."""

    name: str
    text: str
    code: str = "503"


class ConnectionConditions:
    """Run the handler only when the connection has all the named attributes.

    Args:
        fields: Class attributes of this class, or your own (name, text) pairs.
        wait: Wait for a missing attribute, up to ``connection.wait_future_timeout`` seconds.
        fail_code: Code of the reply when an attribute is missing; None for the field's own (530 not logged in, 503 bad
            sequence of commands, 425 no data connection).
        fail_info: Text of that reply; None for the field's own.
    """

    user_required: ClassVar[ConnectionField] = ConnectionField("login", "Login with USER first")
    login_required: ClassVar[ConnectionField] = ConnectionField("logged", "Please login with USER and PASS", "530")
    passive_server_started: ClassVar[ConnectionField] = ConnectionField("passive_server", "Use PASV or EPSV first")
    data_connection_made: ClassVar[ConnectionField] = ConnectionField(
        "data_connection", "Can't open data connection", "425"
    )
    data_source_chosen: ClassVar[ConnectionField] = ConnectionField("data_source", "Use PORT or PASV first", "425")
    rename_from_required: ClassVar[ConnectionField] = ConnectionField("rename_from", "Use RNFR first")

    def __init__(
        self,
        *fields: tuple[str, str] | ConnectionField,
        wait: bool = False,
        fail_code: str | None = None,
        fail_info: str | None = None,
    ) -> None:
        self.fields = [ConnectionField(*field) for field in fields]
        self.wait = wait
        self.fail_code = fail_code
        self.fail_info = fail_info

    def __call__(self, handler: Handler[S, P]) -> Handler[S, P]:
        """Decorate a handler."""

        @functools.wraps(handler)
        async def checked(server: S, connection: Connection, rest: str, /, *args: P.args, **kwargs: P.kwargs) -> bool:
            for field in self.fields:
                if not await self._holds(connection, field):
                    connection.response(self.fail_code or field.code, self.fail_info or field.text)
                    return True
            return await handler(server, connection, rest, *args, **kwargs)

        return checked

    async def _holds(self, connection: Connection, field: ConnectionField) -> bool:
        if field.name in connection or not self.wait:
            return field.name in connection
        try:
            await connection.wait_for(field.name, connection.wait_future_timeout)
        except (TimeoutError, OSError):
            return False
        return True


def argument_required(handler: Handler[S, P]) -> Handler[S, P]:
    """Run the handler only when its command has an argument; 501 otherwise."""

    @functools.wraps(handler)
    async def checked(server: S, connection: Connection, rest: str, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        if not rest:
            connection.response("501", "A path is needed")
            return True
        return await handler(server, connection, rest, *args, **kwargs)

    return checked


class PathCondition(NamedTuple):
    """A method of the path layer, the result it must have, and the reply to any other."""

    method: str
    wanted: bool
    text: str


class PathConditions:
    """Run the handler only when its path fulfils the conditions; 550 otherwise.

    A path that leads out of the user's base, also through symbolic links, is reported as missing.

    Args:
        conditions: Class attributes of this class, checked in order.
    """

    path_must_exists: ClassVar[PathCondition] = PathCondition("exists", True, "No such file or directory")
    path_must_not_exists: ClassVar[PathCondition] = PathCondition("exists", False, "File exists")
    path_must_be_dir: ClassVar[PathCondition] = PathCondition("is_dir", True, "Not a directory")
    path_must_be_file: ClassVar[PathCondition] = PathCondition("is_file", True, "Not a regular file")

    def __init__(self, *conditions: PathCondition) -> None:
        self.conditions = conditions

    def __call__(self, handler: Handler[S, P]) -> Handler[S, P]:
        """Decorate a handler."""

        @functools.wraps(handler)
        async def checked(server: S, connection: Connection, rest: str, /, *args: P.args, **kwargs: P.kwargs) -> bool:
            real, _ = server.get_paths(connection, rest)
            failed = await self.failed(connection, real)
            if failed is not None:
                connection.response("550", failed)
                return True
            return await handler(server, connection, rest, *args, **kwargs)

        return checked

    async def failed(self, connection: Connection, real: PurePath) -> str | None:
        """Text of the first condition that does not hold; None when all hold."""
        if not await confined(connection, real):
            return self.path_must_exists.text
        for condition in self.conditions:
            if await getattr(connection.path_io, condition.method)(real) is not condition.wanted:
                return condition.text
        return None


class PathPermissions:
    """Run the handler only when the user has all the named rights; 550 otherwise.

    Args:
        permissions: Class attributes of this class.

    Raises:
        ValueError: No right is named, or an unknown one.
    """

    readable: ClassVar[str] = "readable"
    writable: ClassVar[str] = "writable"
    listable: ClassVar[str] = "list"
    creatable: ClassVar[str] = "create"
    overwritable: ClassVar[str] = "overwrite"
    appendable: ClassVar[str] = "append"
    deletable: ClassVar[str] = "delete"
    renamable: ClassVar[str] = "rename"
    mkdirable: ClassVar[str] = "mkdir"

    def __init__(self, *permissions: str) -> None:
        if not permissions:
            raise ValueError("name at least one right, such as PathPermissions.readable")
        for name in permissions:
            if not hasattr(Permission(), name):
                raise ValueError(f"unknown right {name!r}: use an attribute of PathPermissions")
        self.permissions = permissions

    def __call__(self, handler: Handler[S, P]) -> Handler[S, P]:
        """Decorate a handler."""

        @functools.wraps(handler)
        async def checked(server: S, connection: Connection, rest: str, /, *args: P.args, **kwargs: P.kwargs) -> bool:
            refused = await self.refused(connection, *server.get_paths(connection, rest))
            if refused is not None:
                connection.response("550", refused)
                return True
            return await handler(server, connection, rest, *args, **kwargs)

        return checked

    async def refused(
        self, connection: Connection, real: PurePath, virtual: PurePosixPath, *, follow: bool | None = None
    ) -> str | None:
        """Text of the error; None when the user has all these rights at the path and at the targets of its links.

        Args:
            connection: The user's session.
            real: Real path.
            virtual: Virtual path.
            follow: Whether a link at the end is followed; None to choose by the rights.
        """
        if not await self._granted(connection, virtual):
            return _DENIED
        if follow is None:
            follow = not _ON_THE_NAME.issuperset(self.permissions)
        meant = await virtual_target(connection, real, virtual, follow=follow)
        if meant is None:
            return "No such file or directory"
        return None if meant == virtual or await self._granted(connection, meant) else _DENIED

    async def _granted(self, connection: Connection, virtual: PurePosixPath) -> bool:
        permission = await connection.user.get_permissions(virtual)
        return all(getattr(permission, name) for name in self.permissions)


async def demand(
    server: HasPaths, connection: Connection, rest: str, *permissions: str, follow: bool | None = None
) -> None:
    """Check what `PathPermissions` checks, for handlers that choose the rights while they run.

    Args:
        server: Resolves the path.
        connection: The user's session.
        rest: The path as the client sent it.
        permissions: Attributes of `PathPermissions`.
        follow: As in `PathPermissions.refused`.

    Raises:
        CommandRefused: 550; the user lacks one of the rights.
    """
    real, virtual = server.get_paths(connection, rest)
    refused = await PathPermissions(*permissions).refused(connection, real, virtual, follow=follow)
    if refused is not None:
        raise CommandRefused("550", refused)


async def demand_movable(connection: Connection, real: PurePath, virtual: PurePosixPath) -> None:
    """Refuse to move a directory with restricted paths below it: rights belong to paths and do not move along.

    Raises:
        CommandRefused: 550; a path below is restricted, before or after the move.
    """
    meant = await virtual_target(connection, real, virtual, follow=False)
    user = connection.user
    for path in [permission.path for permission in user.permissions]:
        if {virtual, meant}.intersection(path.parents) and not (await user.get_permissions(path)).is_full:
            raise CommandRefused("550", f"Permission denied: {path} has rights of its own")


async def is_there(connection: Connection, real: PurePath) -> bool:
    """True when a file, directory or link, also a broken one, is at the path.

    Raises:
        PathIOError: The path exists, but is broken or busy, which the client must learn.
    """
    try:
        await connection.path_io.lstat(real)
    except PathIOError as error:
        answer = reply_for(error)
        if answer is None or answer[0] != "550":
            raise
        return False
    return True


async def confined(connection: Connection, real: PurePath, *, follow: bool = True) -> bool:
    """True when `real`, with all links followed, is within the user's base; False for a circle of links.

    Args:
        connection: The user's session.
        real: Real path.
        follow: False to keep a link at the end: removing or renaming a link does not affect its target.
    """
    return await virtual_target(connection, real, _ROOT, follow=follow) is not None


async def virtual_target(
    connection: Connection, real: PurePath, virtual: PurePosixPath, *, follow: bool
) -> PurePosixPath | None:
    """The virtual path of a path's target, with all links followed; None outside the user's base, and for a circle.

    Args:
        connection: The user's session.
        real: Real path.
        virtual: The same path as a virtual path, which is the result if there is no link.
        follow: As for `confined`.
    """
    base, path_io = connection.user.base_path, connection.path_io
    if real == base:
        return virtual
    start = real if follow else real.parent
    try:
        resolved = await path_io.resolve(start)
    except PathIOError as error:
        if isinstance(error.original, OSError) and error.original.errno == errno.ELOOP:
            return None
        raise
    if resolved == start:
        return virtual
    top = await path_io.resolve(base)
    if not is_within(resolved, top):
        return None
    found = PurePosixPath("/", *resolved.relative_to(top).parts)
    return found if follow else found / real.name


def worker(handler: Callable[P, Coroutine[Any, Any, bool]]) -> Callable[P, Coroutine[Any, Any, bool]]:
    """Make a coroutine over (server, connection, rest) a transfer that ABOR can abort.

    When ABOR cancels it, the server sends 426, then 226. When its data connection breaks or times out, the server sends
    426.

    Source: RFC 959 4.1.3 (ABOR) and 4.2.2 (426).
    """

    @functools.wraps(handler)
    async def cancellable(*args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            return await handler(*args, **kwargs)
        except asyncio.CancelledError:
            connection = next(value for value in (*args, *kwargs.values()) if isinstance(value, Connection))
            if not EXCHANGE.get().finals:
                connection.response("426", "Transfer aborted")
            connection.response("226", "Abort successful")
            return True
        except OverflowError as error:
            raise CommandRefused("552", f"Exceeded storage allocation: {error}") from error
        except (ConnectionError, TimeoutError, ssl.SSLError) as error:
            raise CommandRefused("426", "Data connection closed, transfer aborted") from error

    return cancellable
