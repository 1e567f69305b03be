"""Users, their rights, and the interface of user managers.

One rule: a manager decides about logins; the classes here only describe users.
"""

from __future__ import annotations

import enum
import hmac
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Final, Literal

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.clock import Clock
from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute

__all__ = [
    "ANY_PASSWORD",
    "AbstractUserManager",
    "AnyPassword",
    "AvailableConnections",
    "Password",
    "Permission",
    "User",
]


class AnyPassword(enum.Enum):
    """The type of `ANY_PASSWORD`."""

    ANY_PASSWORD = enum.auto()

    def __repr__(self) -> str:
        return self.name


ANY_PASSWORD: Final = AnyPassword.ANY_PASSWORD
"""The password of a user for whom the server asks for a password and accepts any; with None it asks for none."""

Password = str | AnyPassword | None


_CONNECTIONS = checks.whole_number().or_none("no limit")
_RATE = checks.number_of("bytes per second").or_none("no limit")
_RIGHTS = ("readable", "writable", "list", "create", "overwrite", "append", "delete", "rename", "mkdir")


def _absolute(name: str, path: str | PurePosixPath) -> PurePosixPath:
    """A virtual path that can be the path of a file.

    Raises:
        PathIsNotAbsolute: It is relative, or has "..", or begins with two slashes.
    """
    found = PurePosixPath(path)
    if found.root != "/" or ".." in found.parts:
        meant = posixpath.normpath(f"/{str(path).lstrip('/')}")
        use = f"{name} must be absolute, without '..': did you mean {meant!r} for {str(path)!r}?"
        raise PathIsNotAbsolute(path, use)
    return found


def _read_permissions(value: Iterable[Permission]) -> list[Permission]:
    found = list(value)
    if not all(isinstance(one, Permission) for one in found):
        raise TypeError
    return found


_PERMISSIONS = Check("a list of Permission objects, such as [Permission('/in')]", _read_permissions)


class Permission:
    """The rights at a path and below it, unless a deeper permission replaces them.

    `readable` and `writable` are the defaults of the finer rights.

    Args:
        path: Virtual path, absolute.
        readable: Allows to retrieve files, and to list and enter directories.
        writable: Allows all changes.
        list: Allows to list directories.
        create: Allows to store new files.
        overwrite: Allows to replace existing files or write into them (STOR, REST with STOR, RNTO).
        append: Allows to append to existing files (APPE), and to set their times and modes.
        delete: Allows to remove files and directories.
        rename: Allows to rename files and directories, needed at both ends; a directory only if no path below either
            end lacks a right.
        mkdir: Allows to make directories.

    Raises:
        PathIsNotAbsolute: The path is relative, or not normal: it would be the path of no file.
        ConfigurationError: A right is neither True nor False.
    """

    def __init__(
        self,
        path: str | PurePosixPath = "/",
        *,
        readable: bool = True,
        writable: bool = True,
        list: bool | None = None,  # noqa: A002 - the right is named after the operation
        create: bool | None = None,
        overwrite: bool | None = None,
        append: bool | None = None,
        delete: bool | None = None,
        rename: bool | None = None,
        mkdir: bool | None = None,
    ) -> None:
        given = {
            "list": list,
            "create": create,
            "overwrite": overwrite,
            "append": append,
            "delete": delete,
            "rename": rename,
            "mkdir": mkdir,
        }
        for name, value in given.items():
            if value is not None:
                checks.truth(name, value)
        self.path = _absolute("the path of a permission", path)
        self.readable = checks.truth("readable", readable)
        self.writable = checks.truth("writable", writable)
        self.list = readable if list is None else list
        self.create = writable if create is None else create
        self.overwrite = writable if overwrite is None else overwrite
        self.append = writable if append is None else append
        self.delete = writable if delete is None else delete
        self.rename = writable if rename is None else rename
        self.mkdir = writable if mkdir is None else mkdir

    @property
    def is_full(self) -> bool:
        """True with all rights."""
        return all(getattr(self, right) for right in _RIGHTS)

    def is_parent(self, other: PurePosixPath) -> bool:
        """True when `other` is this path or below it."""
        return self.path == other or self.path in other.parents

    def __repr__(self) -> str:
        return f"Permission({str(self.path)!r}, " + ", ".join(f"{name}={getattr(self, name)}" for name in _RIGHTS) + ")"


class User:
    """A user of the server.

    Two users are equal only if they are the same object: limits belong to the object.

    Args:
        login: Name; None for the anonymous user, who gets every name that no other user has. "anonymous" and "ftp"
            are one name if the server accepts any password.
        password: The password; `ANY_PASSWORD` to ask for one and accept any, None not to ask.
        base_path: Real path that the user sees as "/".
        home_path: Virtual path where a session begins, absolute.
        permissions: The user's rights; None for all rights.
        maximum_connections: Simultaneous sessions; None for no limit.
        refused_with: Code for a session beyond that: "530", as of ProFTPD, after which the client may log in as another
            user; or "421", which ends the session.
        read_speed_limit: Bytes per second for the uploads of all sessions together; None for no limit.
        write_speed_limit: Bytes per second for the downloads of all sessions together; None for no limit.
        read_speed_limit_per_connection: Bytes per second for the uploads of each session; None for no limit.
        write_speed_limit_per_connection: Bytes per second for the downloads of each session; None for no limit.
        certificate: Common name of a client certificate that replaces the password; None for none.
        account: The account that ACCT must send after the password (RFC 959 4.1.1); None not to ask for one.

    Raises:
        ConfigurationError: `password` has another type, or a limit is no number.
        PathIsNotAbsolute: `home_path` is relative.
    """

    def __init__(
        self,
        login: str | None = None,
        password: Password = None,
        *,
        base_path: str | PurePath = Path(),
        home_path: str | PurePosixPath = "/",
        permissions: Iterable[Permission] | None = None,
        maximum_connections: int | None = None,
        refused_with: Literal["421", "530"] = "530",
        read_speed_limit: float | None = None,
        write_speed_limit: float | None = None,
        read_speed_limit_per_connection: float | None = None,
        write_speed_limit_per_connection: float | None = None,
        account: str | None = None,
        certificate: str | None = None,
    ) -> None:
        if not isinstance(password, Password):
            raise ConfigurationError(
                f"the password of {login!r} is of type {type(password).__name__}: use a str, ANY_PASSWORD to accept "
                "any, or None not to ask for one"
            )
        self.login = login
        self.password = password
        self.base_path: PurePath = Path(base_path) if isinstance(base_path, str) else base_path
        self.home_path = _absolute("home_path", home_path)
        self.permissions = [Permission()] if permissions is None else _PERMISSIONS("permissions", permissions)
        self.maximum_connections = _CONNECTIONS("maximum_connections", maximum_connections)
        self.refused_with = checks.one_of("refused_with", refused_with, ("421", "530"))
        self.read_speed_limit = _RATE("read_speed_limit", read_speed_limit)
        self.write_speed_limit = _RATE("write_speed_limit", write_speed_limit)
        self.read_speed_limit_per_connection = _RATE("read_speed_limit_per_connection", read_speed_limit_per_connection)
        self.write_speed_limit_per_connection = _RATE(
            "write_speed_limit_per_connection", write_speed_limit_per_connection
        )
        self.account = account
        self.certificate = certificate

    async def get_permissions(self, path: str | PurePosixPath) -> Permission:
        """The deepest permission that covers the virtual `path`; all rights if none does."""
        path = PurePosixPath(path)
        covering = [permission for permission in self.permissions if permission.is_parent(path)]
        if not covering:
            return Permission()
        return max(covering, key=lambda permission: len(permission.path.parts))

    def __repr__(self) -> str:
        password = "'***'" if isinstance(self.password, str) else repr(self.password)
        return f"User({self.login!r}, {password}, base_path={str(self.base_path)!r}, home_path={str(self.home_path)!r})"


class AvailableConnections:
    """A counter of connection slots.

    Args:
        value: Number of slots; None for no limit.

    Attributes:
        maximum_value: Number of slots; may be changed at any time, also to fewer than are taken.
    """

    def __init__(self, value: int | None = None) -> None:
        self.maximum_value = value
        self._taken = 0

    @property
    def value(self) -> int | None:
        """Number of free slots, below 0 when too many are taken; None for no limit."""
        return None if self.maximum_value is None else self.maximum_value - self._taken

    @value.setter
    def value(self, free: int | None) -> None:
        self._taken = 0 if self.maximum_value is None or free is None else self.maximum_value - free

    def locked(self) -> bool:
        """True when no slot is free."""
        return self.value is not None and self.value <= 0

    def acquire(self) -> None:
        """Take a slot.

        Raises:
            ValueError: No slot is free.
        """
        if self.locked():
            raise ValueError("no connection slot is free")
        self._taken += 1

    def release(self) -> None:
        """Release a slot.

        Raises:
            ValueError: No slot was taken.
        """
        if self._taken:
            self._taken -= 1
        elif self.maximum_value is not None:
            raise ValueError("no connection slot is taken")


class AbstractUserManager(ABC):
    """Decides for the server who may log in; subclass it to write your own.

    A method may raise `ftpfixture.CommandRefused` for a reply that it cannot return; 421 ends the session.

    Args:
        timeout: Seconds, for managers that query another service; only stored here.
    """

    class GetUserResponse(enum.Enum):
        """The decision of `get_user`."""

        OK = enum.auto()
        PASSWORD_REQUIRED = enum.auto()
        ERROR = enum.auto()

    def __init__(self, *, timeout: float | None = None) -> None:
        self.timeout = timeout

    @abstractmethod
    async def get_user(self, login: str) -> tuple[GetUserResponse, User | None, str]:
        """Look up a name.

        Returns:
            The decision, the user (None with ERROR) and the text of the reply.
        """

    @abstractmethod
    async def authenticate(self, user: User, password: str) -> bool:
        """Whether the password is the user's."""

    async def check_account(self, user: User, account: str) -> bool:
        """Whether the account that ACCT sent is `user.account`."""
        return hmac.compare_digest(str(user.account).encode(), account.encode(errors="surrogateescape"))

    async def authenticate_certificate(self, user: User, certificate: Mapping[str, Any]) -> bool:
        """Whether a client certificate replaces the user's password (RFC 4217 4, reply 232).

        Args:
            user: The user that USER named.
            certificate: The client's certificate, verified by the server's SSLContext, as
                `ssl.SSLSocket.getpeercert` returns it.
        """
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
        return user.certificate is not None and user.certificate in names

    async def notify_logout(self, user: User) -> None:
        """Called when a session ends for which `get_user` returned this user, logged in or not."""
        _ = user

    def use_clock(self, clock: Clock) -> None:
        """Called with the clock of a server that gets this manager, before the server starts."""
        _ = clock
