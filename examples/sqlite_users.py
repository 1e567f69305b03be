"""Your own user manager: users are rows of a SQLite database, and their passwords are hashed.

The server calls three methods: `get_user` for the name, `authenticate` for the password, and `notify_logout` when the
session is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import sqlite3
from pathlib import PurePosixPath

from ftpfixture import AbstractUserManager, Permission, User

SCHEMA = """
CREATE TABLE users (
    login TEXT PRIMARY KEY,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    may_write INTEGER NOT NULL,
    sessions INTEGER NOT NULL DEFAULT 0
);
"""


def add_user(database: sqlite3.Connection, login: str, password: str, *, may_write: bool = True) -> None:
    """Store a new user, with a hash of the password."""
    salt = os.urandom(16)
    with database:
        row = (login, salt, hashed(password, salt), may_write)
        database.execute("INSERT INTO users (login, salt, hash, may_write) VALUES (?, ?, ?, ?)", row)


def hashed(password: str, salt: bytes) -> bytes:
    """The scrypt hash of a password, which need not be valid text."""
    encoded = password.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(encoded, salt=salt, n=2**10, r=8, p=1)  # in production n is 2**14 or more


class SqliteUserManager(AbstractUserManager):
    """Users in a SQLite database, which also counts their sessions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        super().__init__()
        self._database = database

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        row = None
        if login.isprintable():  # a database cannot store bytes that are not text
            row = self._database.execute("SELECT may_write FROM users WHERE login = ?", (login,)).fetchone()
        if row is None:
            # The reply is the same for unknown names, so that a client cannot find out which names exist.
            return self.GetUserResponse.PASSWORD_REQUIRED, None, "Password, please"
        self._count(login, 1)
        user = User(login, base_path=PurePosixPath("/"), permissions=[Permission("/", writable=bool(row[0]))])
        return self.GetUserResponse.PASSWORD_REQUIRED, user, "Password, please"

    async def authenticate(self, user: User, password: str) -> bool:
        row = self._database.execute("SELECT salt, hash FROM users WHERE login = ?", (user.login,)).fetchone()
        if row is None:  # removed in the meantime
            return False
        salt, wanted = row
        # Hashing is slow on purpose; a thread keeps other sessions from waiting.
        return hmac.compare_digest(await asyncio.to_thread(hashed, password, salt), wanted)

    async def notify_logout(self, user: User) -> None:
        self._count(user.login, -1)

    def _count(self, login: str | None, change: int) -> None:
        with self._database:
            self._database.execute("UPDATE users SET sessions = sessions + ? WHERE login = ?", (change, login))
