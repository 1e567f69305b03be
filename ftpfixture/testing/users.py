"""The setting `users` as what a server takes.

One rule: the setting becomes a list of users, or is a manager; other values are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from ftpfixture.errors import ConfigurationError
from ftpfixture.server import AbstractUserManager, MemoryUserManager, User
from ftpfixture.server.users import Password
from ftpfixture.testing.folders import check_manager, within

__all__ = ["Users", "known_users", "manager_of"]

Users = Sequence[User] | Mapping[str, Password] | AbstractUserManager


def known_users(users: Any, root: Path | None = None) -> list[User] | AbstractUserManager:
    """The setting `users` as what a server takes: users with passwords see all files.

    Args:
        users: As for `FtpServer`.
        root: The folder that is served; None for files in memory, or another path layer.

    Raises:
        ConfigurationError: It is none of what it may be, or does not go with the folder.
    """
    if isinstance(users, AbstractUserManager):
        if root is not None:
            check_manager(users, root)
        return users
    found = _listed({"user": "password"} if users is None else users, PurePosixPath("/") if root is None else root)
    return found if root is None else within(found, root)


def _listed(users: Any, base: PurePath) -> list[User]:
    if isinstance(users, Mapping):
        users = [User(login, password, base_path=base) for login, password in users.items()]
    found = list(users) if isinstance(users, Iterable) else []
    if not found or not all(isinstance(user, User) for user in found):
        raise ConfigurationError('users takes a list of User objects, or a mapping such as {"ann": "secret"}')
    return found


def manager_of(users: list[User] | AbstractUserManager) -> AbstractUserManager:
    """The manager itself, or one that asks anonymous users for a password, as most servers do."""
    return MemoryUserManager(users, ask_anonymous=True) if isinstance(users, list) else users
