"""Files in a database, served over FTP: see sqlite_files.py for the path layer."""

from __future__ import annotations

import asyncio
import ftplib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO

import pytest

from examples.sqlite_files import SCHEMA, SqlitePathIO
from ftpfixture import FtpServer, FtpServerSettings
from ftpfixture.testing import check_path_io


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    # The server runs on another thread.
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as database:
        database.executescript(SCHEMA)
        yield database


@pytest.fixture
def ftp_config(database: sqlite3.Connection) -> FtpServerSettings:
    return {"path_io_factory": partial(SqlitePathIO, state=database)}


def report_sizes(database: sqlite3.Connection) -> dict[str, int]:
    """The code under test: the name and size of each report."""
    rows = database.execute("SELECT CAST(name AS TEXT) AS text, length(data) FROM entries WHERE text LIKE '%.csv'")
    return dict(rows.fetchall())


def test_uploads_are_rows(ftp_server: FtpServer, database: sqlite3.Connection) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.mkd("/2024")
        ftp.storbinary("STOR /2024/may.csv", BytesIO(b"1,apples\n"))
        ftp.storbinary("STOR /2024/june.txt", BytesIO(b"1,pears\n2,plums\n"))
        ftp.rename("/2024/june.txt", "/2024/june.csv")
        assert sorted(ftp.nlst("/2024")) == ["/2024/june.csv", "/2024/may.csv"]

    assert report_sizes(database) == {"june.csv": 16, "may.csv": 9}


def test_rows_are_downloads(ftp_server: FtpServer, database: sqlite3.Connection) -> None:
    with database:
        database.execute("INSERT INTO entries VALUES (NULL, 0, CAST('hello.txt' AS BLOB), CAST('hi' AS BLOB), 0)")

    content = BytesIO()
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.retrbinary("RETR /hello.txt", content.write)

    assert content.getvalue() == b"hi"


def test_the_layer_does_what_the_server_relies_on(database: sqlite3.Connection) -> None:
    asyncio.run(check_path_io(partial(SqlitePathIO, state=database)))
