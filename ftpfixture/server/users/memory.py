"""The default user manager: a list of users."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from ftpfixture.errors import CommandRefused, ConfigurationError
from ftpfixture.server.users.base import ANY_PASSWORD, AbstractUserManager, AvailableConnections, User

__all__ = ["MemoryUserManager"]

_ANONYMOUS = ("anonymous", "ftp")
"""The names of one user whose password may be any (RFC 1635 2)."""


class MemoryUserManager(AbstractUserManager):
    """A list of users.

    The server asks an unknown name for a password and then refuses it, as real servers do, so that no client learns
    which names exist. USER takes the user's slot.

    Args:
        users: The users; None or empty for one anonymous user.
        ask_anonymous: Ask "anonymous" and "ftp" for a password, and accept any, if they need none: vsftpd, ProFTPD,
            Pure-FTPd and pyftpdlib do.
        timeout: Only stored.

    Raises:
        ConfigurationError: Two users have the same login.
    """

    def __init__(
        self, users: Sequence[User] | None, *, ask_anonymous: bool = False, timeout: float | None = None
    ) -> None:
        super().__init__(timeout=timeout)
        self.ask_anonymous = ask_anonymous
        self.users = list(users) if users else [User()]
        logins = [user.login for user in self.users]
        for login in logins:
            if logins.count(login) > 1:
                raise ConfigurationError(f"two users have the login {login!r}: give each user a different one")
        self.available_connections = {user: AvailableConnections(user.maximum_connections) for user in self.users}

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """See AbstractUserManager."""
        responses = self.GetUserResponse
        user = self._find(login)
        if user is None:
            return responses.PASSWORD_REQUIRED, None, "Password required"
        slots = self.available_connections.setdefault(user, AvailableConnections(user.maximum_connections))
        if slots.locked():
            if user.refused_with == "421":
                raise CommandRefused("421", f"Too many connections for {login}")
            return responses.ERROR, None, f"Too many connections for {login}"
        slots.acquire()
        if login in _ANONYMOUS and self._takes_any(user):
            return responses.PASSWORD_REQUIRED, user, "Anonymous login: give your e-mail address as the password"
        if user.login is None and user.password is not ANY_PASSWORD:
            return responses.OK, user, "Anonymous login"
        if user.password is None:
            return responses.OK, user, "Login without password"
        return responses.PASSWORD_REQUIRED, user, "Password required"

    def _takes_any(self, user: User) -> bool:
        return user.password is ANY_PASSWORD or (self.ask_anonymous and user.password is None)

    def _find(self, login: str) -> User | None:
        found = [user for user in self.users if user.login == login]
        if not found and login in _ANONYMOUS:
            found = [user for user in self.users if user.login in _ANONYMOUS and self._takes_any(user)]
        return next(iter(found or [user for user in self.users if user.login is None]), None)

    async def authenticate(self, user: User, password: str) -> bool:
        """See AbstractUserManager."""
        if not isinstance(user.password, str):
            return True
        return hmac.compare_digest(
            user.password.encode(errors="surrogateescape"), password.encode(errors="surrogateescape")
        )

    async def notify_logout(self, user: User) -> None:
        """See AbstractUserManager."""
        self.available_connections[user].release()
