"""The server: groups of commands over `BaseServer`, in the same form as users' own commands."""

from __future__ import annotations

from ftpfixture.server.commands.bulk import BulkCommands
from ftpfixture.server.commands.integrity import IntegrityCommands
from ftpfixture.server.commands.parameters import ParameterCommands
from ftpfixture.server.commands.security import SecurityCommands
from ftpfixture.server.commands.site import SiteCommands
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions, worker
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.settings import SERVER_SETTINGS
from ftpfixture.server.users import (
    ANY_PASSWORD,
    AbstractUserManager,
    AvailableConnections,
    MemoryUserManager,
    Permission,
    User,
)
from ftpfixture.server.users.attempts import LoginAttempt
from ftpfixture.server.users.login_script import LoginScript
from ftpfixture.server.users.scripted import ScriptedUserManager

__all__ = [
    "ANY_PASSWORD",
    "AbstractUserManager",
    "AvailableConnections",
    "Connection",
    "ConnectionConditions",
    "LoginAttempt",
    "LoginScript",
    "MemoryUserManager",
    "PathConditions",
    "PathPermissions",
    "Permission",
    "ScriptedUserManager",
    "Server",
    "User",
    "command",
    "worker",
]


@SERVER_SETTINGS.describe
class Server(SecurityCommands, ParameterCommands, BulkCommands, IntegrityCommands, SiteCommands):
    """An FTP server on asyncio.

    Subclass it to add verbs (``async def noop(self, connection, rest)`` handles NOOP), or to override them.

    Args:
        users: Users, a user manager, or None for one anonymous user with all rights.
        settings: The settings of `ServerSettings`.

    Raises:
        UnknownSetting: A setting does not exist; the text names the nearest.
        ConfigurationError: A setting has an impossible value.
    """
