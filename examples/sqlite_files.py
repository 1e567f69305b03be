"""Your own path layer: the files of the server are rows of a SQLite database.

The code under test keeps its files in this database. With this layer a test serves them over FTP, and reads the same
tables. A layer needs no more than these fourteen methods.
"""

from __future__ import annotations

import errno
import io
import sqlite3
import stat
import time
from pathlib import PurePath
from typing import Any, NamedTuple

from ftpfixture import AbstractAsyncLister, AbstractPathIO, universal_exception

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES entries,
    name BLOB NOT NULL,
    data BLOB,  -- NULL for a directory
    modified REAL NOT NULL,
    UNIQUE (parent, name)
);
INSERT OR IGNORE INTO entries VALUES (0, NULL, x'', NULL, 0);
"""


class Stats(NamedTuple):
    """What the server needs to know about a file."""

    st_size: int
    st_mtime: float
    st_ctime: float
    st_nlink: int
    st_mode: int


class OpenFile(io.BytesIO):
    """The content of an open file; close() stores what was written in the database."""

    def __init__(self, number: int, mode: str, data: bytes) -> None:
        super().__init__(data)
        self.number = number
        self.opened_as = mode


class SqliteLister(AbstractAsyncLister[PurePath]):
    """The children of a directory; a lister can be awaited and iterated."""

    def __init__(self, path: PurePath, names: list[str]) -> None:
        super().__init__()
        self._paths = iter([path / name for name in names])

    async def __anext__(self) -> PurePath:
        for path in self._paths:
            return path
        raise StopAsyncIteration


class SqlitePathIO(AbstractPathIO):
    """Files in a SQLite database; all instances share it as their state."""

    def __init__(self, timeout: float | None = None, connection: Any = None, *, state: sqlite3.Connection) -> None:
        super().__init__(timeout, connection, state)
        self._database = state

    # Rows.

    def _find(self, path: PurePath) -> int | None:
        number = 0
        for part in path.parts[1:]:
            found = self._child(number, part)
            if found is None:
                return None
            number = found
        return number

    def _child(self, parent: int, name: str) -> int | None:
        query = "SELECT id FROM entries WHERE parent = ? AND name = ?"
        found = self._database.execute(query, (parent, _encoded(name))).fetchone()
        return None if found is None else int(found[0])

    def _existing(self, path: PurePath) -> int:
        number = self._find(path)
        if number is None:
            raise FileNotFoundError(path)
        return number

    def _directory(self, path: PurePath) -> int:
        number = self._existing(path)
        if self._data(number) is not None:
            raise NotADirectoryError(path)
        return number

    def _file(self, path: PurePath) -> int:
        number = self._existing(path)
        if self._data(number) is None:
            raise IsADirectoryError(path)
        return number

    def _data(self, number: int) -> bytes | None:
        data: bytes | None = self._database.execute("SELECT data FROM entries WHERE id = ?", (number,)).fetchone()[0]
        return data

    def _is_empty(self, number: int) -> bool:
        return self._database.execute("SELECT 1 FROM entries WHERE parent = ?", (number,)).fetchone() is None

    def _insert(self, path: PurePath, data: bytes | None) -> int:
        parent = self._directory(path.parent)
        with self._database:
            row = (parent, _encoded(path.name), data, time.time())
            cursor = self._database.execute("INSERT INTO entries VALUES (NULL, ?, ?, ?, ?)", row)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _delete(self, number: int) -> None:
        with self._database:
            self._database.execute("DELETE FROM entries WHERE id = ?", (number,))

    # Look up.

    @universal_exception
    async def exists(self, path: PurePath) -> bool:
        return self._find(path) is not None

    @universal_exception
    async def is_dir(self, path: PurePath) -> bool:
        number = self._find(path)
        return number is not None and self._data(number) is None

    @universal_exception
    async def is_file(self, path: PurePath) -> bool:
        number = self._find(path)
        return number is not None and self._data(number) is not None

    @universal_exception
    async def stat(self, path: PurePath) -> Stats:
        query = "SELECT data IS NULL, length(data), modified FROM entries WHERE id = ?"
        is_dir, size, modified = self._database.execute(query, (self._existing(path),)).fetchone()
        mode = stat.S_IFDIR | 0o755 if is_dir else stat.S_IFREG | 0o644
        return Stats(size or 0, modified, modified, 1, mode)

    def list(self, path: PurePath) -> AbstractAsyncLister[PurePath]:
        number = self._find(path)
        rows = self._database.execute("SELECT name FROM entries WHERE parent = ?", (number,))
        return SqliteLister(path, [name.decode("utf-8", "surrogateescape") for (name,) in rows])

    # Directories and names.

    @universal_exception
    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        number = self._find(path)
        if number is not None:
            if not exist_ok or self._data(number) is not None:
                raise FileExistsError(path)
            return
        if parents and self._find(path.parent) is None:
            await self.mkdir(path.parent, parents=True)
        self._insert(path, None)

    @universal_exception
    async def rmdir(self, path: PurePath) -> None:
        number = self._directory(path)
        if not self._is_empty(number):
            raise OSError(errno.ENOTEMPTY, f"{path} is not empty")
        self._delete(number)

    @universal_exception
    async def unlink(self, path: PurePath) -> None:
        self._delete(self._file(path))

    @universal_exception
    async def rename(self, source: PurePath, destination: PurePath) -> None:
        number, parent = self._existing(source), self._directory(destination.parent)
        if source == destination:
            return
        if source in destination.parents:
            raise OSError(errno.EINVAL, f"{source} cannot move into itself")
        if await self.exists(destination):
            # A file replaces a file, a directory an empty directory.
            await (self.rmdir if await self.is_dir(source) else self.unlink)(destination)
        with self._database:
            row = (parent, _encoded(destination.name), number)
            self._database.execute("UPDATE entries SET parent = ?, name = ? WHERE id = ?", row)

    # Open files.

    @universal_exception
    async def _open(self, path: PurePath, mode: str) -> OpenFile:
        if mode not in ("rb", "wb", "ab", "r+b"):
            raise ValueError(f"unknown mode {mode!r}")
        if mode in ("wb", "ab") and self._find(path) is None:
            return OpenFile(self._insert(path, b""), mode, b"")
        number = self._file(path)
        return OpenFile(number, mode, b"" if mode == "wb" else self._data(number) or b"")

    @universal_exception
    async def seek(self, file: OpenFile, offset: int, whence: int = io.SEEK_SET) -> int:
        return file.seek(offset, whence)

    @universal_exception
    async def read(self, file: OpenFile, n: int = -1) -> bytes:
        return file.read(n)

    @universal_exception
    async def write(self, file: OpenFile, data: bytes | bytearray | memoryview) -> int:
        if file.opened_as == "ab":
            file.seek(0, io.SEEK_END)
        return file.write(data)

    @universal_exception
    async def close(self, file: OpenFile) -> None:
        if file.opened_as != "rb":
            with self._database:
                row = (file.getvalue(), time.time(), file.number)
                self._database.execute("UPDATE entries SET data = ?, modified = ? WHERE id = ?", row)
        file.close()


def _encoded(name: str) -> bytes:
    """A name as bytes, as it was on the wire: a database cannot store surrogates, which stand for invalid UTF-8."""
    return name.encode("utf-8", "surrogateescape")
