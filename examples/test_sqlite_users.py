"""Users in a database: see sqlite_users.py for the user manager."""

from __future__ import annotations

import asyncio
import ftplib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

import pytest

from examples.sqlite_users import SCHEMA, SqliteUserManager, add_user
from ftpfixture import FtpServer, FtpServerSettings
from ftpfixture.testing import check_user_manager


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as database:
        database.executescript(SCHEMA)
        add_user(database, "ann", "secret")
        add_user(database, "reader", "read me", may_write=False)
        yield database


@pytest.fixture
def ftp_config(database: sqlite3.Connection) -> FtpServerSettings:
    return {"users": SqliteUserManager(database)}


def sessions(database: sqlite3.Connection, login: str) -> int:
    count: int = database.execute("SELECT sessions FROM users WHERE login = ?", (login,)).fetchone()[0]
    return count


def test_login(ftp_server: FtpServer, database: sqlite3.Connection) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        with pytest.raises(ftplib.error_perm, match="530"):
            ftp.login("ann", "guess")
        ftp.login("ann", "secret")
        assert sessions(database, "ann") == 1
        ftp.storbinary("STOR /a.txt", BytesIO(b"hi"))

    ftp_server.stop()  # waits until the server has ended the session, too
    assert sessions(database, "ann") == 0


def test_rights_come_from_the_table(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login("reader", "read me")
        with pytest.raises(ftplib.error_perm, match="550"):
            ftp.mkd("/new")


def test_a_new_user_can_log_in_at_once(ftp_server: FtpServer, database: sqlite3.Connection) -> None:
    add_user(database, "bob", "fresh")

    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login("bob", "fresh")

    ftp_server.log.assert_sequence("USER bob -> 331", "PASS -> 230")


def test_the_manager_does_what_the_server_relies_on(database: sqlite3.Connection) -> None:
    asyncio.run(check_user_manager(lambda: SqliteUserManager(database), login="ann", password="secret"))
    assert sessions(database, "ann") == 0
