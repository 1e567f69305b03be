"""Who may log in: users, and managers that tell a server of them.

One rule: a manager knows neither commands nor connections; one that a test steers is in `scripted`.
"""

from __future__ import annotations

from ftpfixture.server.users.base import (
    ANY_PASSWORD,
    AbstractUserManager,
    AnyPassword,
    AvailableConnections,
    Password,
    Permission,
    User,
)
from ftpfixture.server.users.memory import MemoryUserManager

__all__ = [
    "ANY_PASSWORD",
    "AbstractUserManager",
    "AnyPassword",
    "AvailableConnections",
    "MemoryUserManager",
    "Password",
    "Permission",
    "User",
]
