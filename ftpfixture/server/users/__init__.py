"""Users, and user managers, which decide about logins.

One rule: a manager knows neither commands nor connections; the manager that a test controls is in `scripted`.
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
