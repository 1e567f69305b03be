"""Users, what they may do where, and what a user manager answers a server.

One rule: who may log in is said by a manager; what is here only describes it.
"""

from __future__ import annotations

import enum
import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Final

from ftpfixture import checks
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
"""The password of a user who is asked for one and may give any, which None, for nothing to be asked, is not."""

Password = str | AnyPassword | None


_CONNECTIONS = checks.whole_number().or_none("no limit")
_RATE = checks.number_of("bytes per second").or_none("no limit")
_RIGHTS = ("readable", "writable", "list", "create", "overwrite", "append", "delete", "rename", "mkdir")


class Permission:
    """What is allowed at a path and below it, until a deeper permission says otherwise.

    `readable` and `writable` set the whole; each finer right follows them unless it is given.

    Args:
        path: Virtual path, absolute.
        readable: May files be retrieved, directories listed and entered.
        writable: May anything be changed.
        list: May directories be listed.
        create: May new files be stored.
        overwrite: May existing files be replaced or written into (STOR, REST with STOR, RNTO).
        append: May existing files be appended to (APPE), and their times and modes be set.
        delete: May files and directories be removed.
        rename: May files and directories be renamed, both ends; a directory only where no path below either end has
            less than all rights.
        mkdir: May directories be made.
    """

    def __init__(
        self,
        path: str | PurePosixPath = "/",
        *,
        readable: bool = True,
        writable: bool = True,
        list: bool | None = None,  # noqa: A002 - the right has the name of what it allows
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
        self.path = PurePosixPath(path)
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
        """True when nothing is denied."""
        return all(getattr(self, right) for right in _RIGHTS)

    def is_parent(self, other: PurePosixPath) -> bool:
        """True when `other` is this path or lies below it."""
        return self.path == other or self.path in other.parents

    def __repr__(self) -> str:
        return f"Permission({str(self.path)!r}, " + ", ".join(f"{name}={getattr(self, name)}" for name in _RIGHTS) + ")"


class User:
    """Somebody who may log in.

    Two users are one only if they are the same object: limits belong to the object.

    Args:
        login: Name; None for the user that stands for every name nobody else has (anonymous). "anonymous" and "ftp"
            are one name when any password will do.
        password: What is asked for; `ANY_PASSWORD` to ask and take any, None not to ask.
        base_path: Real path that the user sees as "/".
        home_path: Virtual path where a session begins, absolute.
        permissions: None for everything allowed.
        maximum_connections: Sessions at once; None for no limit.
        read_speed_limit: Octets per second for uploads, shared by all of the user's sessions.
        write_speed_limit: The same for downloads.
        read_speed_limit_per_connection: Octets per second for uploads of each session.
        write_speed_limit_per_connection: The same for downloads.
        certificate: Common name of a client certificate that stands for the password; None for none.
        account: What ACCT must bring after the password (RFC 959 4.1.1); None when it is not asked for.

    Raises:
        ConfigurationError: `password` is none of these, or a number is none.
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
        read_speed_limit: float | None = None,
        write_speed_limit: float | None = None,
        read_speed_limit_per_connection: float | None = None,
        write_speed_limit_per_connection: float | None = None,
        account: str | None = None,
        certificate: str | None = None,
    ) -> None:
        if not isinstance(password, Password):
            raise ConfigurationError(
                f"the password of {login!r} is of type {type(password).__name__}: use a str, ANY_PASSWORD to take any, "
                "or None not to ask for one"
            )
        self.login = login
        self.password = password
        self.base_path: PurePath = Path(base_path) if isinstance(base_path, str) else base_path
        self.home_path = PurePosixPath(home_path)
        if not self.home_path.is_absolute():
            raise PathIsNotAbsolute(home_path)
        self.permissions = list(permissions) if permissions is not None else [Permission()]
        self.maximum_connections = _CONNECTIONS("maximum_connections", maximum_connections)
        self.read_speed_limit = _RATE("read_speed_limit", read_speed_limit)
        self.write_speed_limit = _RATE("write_speed_limit", write_speed_limit)
        self.read_speed_limit_per_connection = _RATE("read_speed_limit_per_connection", read_speed_limit_per_connection)
        self.write_speed_limit_per_connection = _RATE(
            "write_speed_limit_per_connection", write_speed_limit_per_connection
        )
        self.account = account
        self.certificate = certificate

    async def get_permissions(self, path: str | PurePosixPath) -> Permission:
        """The deepest permission that covers the virtual `path`; full access where none does."""
        path = PurePosixPath(path)
        covering = [permission for permission in self.permissions if permission.is_parent(path)]
        if not covering:
            return Permission()
        return max(covering, key=lambda permission: len(permission.path.parts))

    def __repr__(self) -> str:
        password = "'***'" if isinstance(self.password, str) else repr(self.password)
        return f"User({self.login!r}, {password}, base_path={str(self.base_path)!r}, home_path={str(self.home_path)!r})"


class AvailableConnections:
    """A count of free slots.

    Args:
        value: How many there are; None for no limit.

    Attributes:
        maximum_value: The same; may be changed at any time, also to fewer than are taken.
    """

    def __init__(self, value: int | None = None) -> None:
        self.maximum_value = value
        self._taken = 0

    @property
    def value(self) -> int | None:
        """How many are free, less than 0 when more are taken than there are; None for no limit."""
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
            ValueError: None is free.
        """
        if self.locked():
            raise ValueError("more connections taken than there are")
        self._taken += 1

    def release(self) -> None:
        """Give a slot back.

        Raises:
            ValueError: None was taken.
        """
        if self._taken:
            self._taken -= 1
        elif self.maximum_value is not None:
            raise ValueError("more connections given back than were taken")


class AbstractUserManager(ABC):
    """Tells the server who may log in; write your own by overriding the methods.

    A method may raise `ftpfixture.CommandRefused` for another answer than those it can return; 421 ends the
    session.

    Args:
        timeout: Seconds, for managers that ask somebody else; only stored here.
    """

    class GetUserResponse(enum.Enum):
        """What `get_user` says of a name."""

        OK = enum.auto()
        PASSWORD_REQUIRED = enum.auto()
        ERROR = enum.auto()

    def __init__(self, *, timeout: float | None = None) -> None:
        self.timeout = timeout

    @abstractmethod
    async def get_user(self, login: str) -> tuple[GetUserResponse, User | None, str]:
        """Look up a name.

        Returns:
            What to do, the user (None with ERROR) and the text of the reply.
        """

    @abstractmethod
    async def authenticate(self, user: User, password: str) -> bool:
        """Tell whether the password is the user's."""

    async def check_account(self, user: User, account: str) -> bool:
        """Tell whether ACCT brought what `user.account` asks for."""
        return hmac.compare_digest(str(user.account).encode(), account.encode(errors="surrogateescape"))

    async def authenticate_certificate(self, user: User, certificate: Mapping[str, Any]) -> bool:
        """Tell whether a client certificate stands for the user's password (RFC 4217 4, reply 232).

        Args:
            user: Who the client says it is.
            certificate: What it has shown, verified by the server's context, as `ssl.SSLSocket.getpeercert` gives it.
        """
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
        return user.certificate is not None and user.certificate in names

    async def notify_logout(self, user: User) -> None:
        """Learn that a session for which `get_user` gave this user is over, whether or not a password came."""
        _ = user

    def use_clock(self, clock: Clock) -> None:
        """Learn by which clock a server goes that has this manager; called before the server starts."""
        _ = clock
