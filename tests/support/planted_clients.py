"""Clients by ftplib for `check_client`: one that keeps its word, and others like it with one flaw each."""

from __future__ import annotations

import ftplib
import io
import posixpath
from contextlib import closing
from typing import ClassVar

__all__ = ["FLAWS", "RAISES", "Careful"]

RAISES = (ftplib.Error, OSError, EOFError)


class Careful:
    """Has a connection for each operation, compares sizes, and tries transfers twice."""

    timeout: float | None = 30

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._address = (host, port, user, password)

    def _connect(self) -> ftplib.FTP:
        host, port, user, password = self._address
        ftp = ftplib.FTP(timeout=self.timeout)
        try:
            ftp.connect(host, port)
            ftp.login(user, password)
            ftp.voidcmd("TYPE I")
        except BaseException:
            ftp.close()
            raise
        return ftp

    def _size(self, ftp: ftplib.FTP, path: str) -> int:
        size = ftp.size(path)
        if size is None:
            raise ftplib.error_reply("no size")  # ftplib returns None for a reply that is not 213
        return size

    def _compare(self, ftp: ftplib.FTP, path: str, size: int) -> None:
        if self._size(ftp, path) != size:
            raise OSError("the file is incomplete")

    def upload(self, path: str, data: bytes) -> None:
        """Store, and compare the size."""
        with closing(self._connect()) as ftp:
            ftp.storbinary(f"STOR {path}", io.BytesIO(data))
            self._compare(ftp, path, len(data))

    def resume_upload(self, path: str, data: bytes) -> None:
        """Append what is missing, and compare the size."""
        try:
            self._append(path, data)
        except (ftplib.error_temp, EOFError, OSError):
            self._append(path, data)

    def _append(self, path: str, data: bytes) -> None:
        with closing(self._connect()) as ftp:
            there = self._size(ftp, path)
            ftp.storbinary(f"APPE {path}", io.BytesIO(data[there:]))
            self._compare(ftp, path, len(data))

    def download(self, path: str) -> bytes:
        """Retrieve all."""
        return self.resume_download(path, b"")

    def resume_download(self, path: str, begin: bytes) -> bytes:
        """Retrieve the rest, and compare the size."""
        try:
            return self._retrieve(path, begin)
        except (ftplib.error_temp, EOFError, OSError):
            return self._retrieve(path, begin)

    def _retrieve(self, path: str, begin: bytes) -> bytes:
        blocks = [begin]
        with closing(self._connect()) as ftp:
            ftp.retrbinary(f"RETR {path}", blocks.append, rest=len(begin) or None)
            self._compare(ftp, path, sum(map(len, blocks)))
        return b"".join(blocks)

    def rename(self, path: str, new: str) -> None:
        """RNFR, RNTO."""
        with closing(self._connect()) as ftp:
            ftp.rename(path, new)

    def delete(self, path: str) -> None:
        """DELE."""
        with closing(self._connect()) as ftp:
            ftp.delete(path)

    def mkdir(self, path: str) -> None:
        """MKD."""
        with closing(self._connect()) as ftp:
            ftp.mkd(path)

    def list(self, path: str) -> list[str]:
        """NLST."""
        with closing(self._connect()) as ftp:
            return [posixpath.basename(name) for name in ftp.nlst(path)]


class BelievesThe226(Careful):
    """Does not compare the size of a download."""

    def _retrieve(self, path: str, begin: bytes) -> bytes:
        blocks = [begin]
        with closing(self._connect()) as ftp:
            ftp.retrbinary(f"RETR {path}", blocks.append, rest=len(begin) or None)
        return b"".join(blocks)


class BelievesTheUpload(Careful):
    """Does not compare the size of an upload."""

    def upload(self, path: str, data: bytes) -> None:
        """See `Careful`."""
        with closing(self._connect()) as ftp:
            ftp.storbinary(f"STOR {path}", io.BytesIO(data))


class AppendsTwice(Careful):
    """Tries again to append what was missing before the first attempt, and does not look at the result."""

    def resume_upload(self, path: str, data: bytes) -> None:
        """See `Careful`."""
        with closing(self._connect()) as ftp:
            there = self._size(ftp, path)
        for attempt in range(2):
            try:
                with closing(self._connect()) as ftp:
                    ftp.storbinary(f"APPE {path}", io.BytesIO(data[there:]))
                return
            except RAISES:
                if attempt:
                    raise


class KeepsItsBlocks(Careful):
    """Tries again to download, and keeps the blocks of the first attempt."""

    def download(self, path: str) -> bytes:
        """See `Careful`."""
        blocks: list[bytes] = []
        for attempt in range(2):
            try:
                with closing(self._connect()) as ftp:
                    size = self._size(ftp, path)
                    ftp.retrbinary(f"RETR {path}", blocks.append)
                if sum(map(len, blocks)) >= size:
                    break
            except RAISES:
                if attempt:
                    raise
        return b"".join(blocks)


class IgnoresRest(Careful):
    """Downloads all when the server refuses REST, and puts it after what it has."""

    def _retrieve(self, path: str, begin: bytes) -> bytes:
        blocks = [begin]
        with closing(self._connect()) as ftp:
            try:
                ftp.retrbinary(f"RETR {path}", blocks.append, rest=len(begin) or None)
                self._compare(ftp, path, sum(map(len, blocks)))
            except ftplib.error_perm:
                ftp.retrbinary(f"RETR {path}", blocks.append)
        return b"".join(blocks)


class MakesRoom(Careful):
    """Deletes the file that has the new name before it renames."""

    def rename(self, path: str, new: str) -> None:
        """See `Careful`."""
        with closing(self._connect()) as ftp:
            try:
                ftp.delete(new)
            except ftplib.error_perm:
                pass
            ftp.rename(path, new)


class CopiesToRename(Careful):
    """Renames by a download, a deletion and an upload."""

    def rename(self, path: str, new: str) -> None:
        """See `Careful`."""
        data = self.download(path)
        self.delete(path)
        self.upload(new, data)


class KnowsOneCode(Careful):
    """Has an exception for one refusal of a deletion, and none for the others."""

    def delete(self, path: str) -> None:
        """See `Careful`."""
        try:
            super().delete(path)
        except ftplib.Error as error:
            raise {"550": FileNotFoundError(path)}[str(error)[:3]] from error


class WaitsForEver(Careful):
    """Has no timeout."""

    timeout = None


class KeepsConnections(Careful):
    """Closes a connection only if all went well."""

    kept: ClassVar[list[ftplib.FTP]] = []

    def delete(self, path: str) -> None:
        """See `Careful`."""
        self.kept[:] = [self._connect()]
        self.kept[0].delete(path)
        self.kept.pop().close()


class HidesErrors(Careful):
    """Takes a failed deletion for one that was not needed."""

    def delete(self, path: str) -> None:
        """See `Careful`."""
        try:
            super().delete(path)
        except ftplib.error_perm:
            pass


class ListsNothing(Careful):
    """Takes every refusal of a listing for an empty directory."""

    def list(self, path: str) -> list[str]:
        """See `Careful`."""
        try:
            return super().list(path)
        except ftplib.error_temp:
            return []


class CleansUp(Careful):
    """After a failed upload, deletes all that is beside it."""

    def upload(self, path: str, data: bytes) -> None:
        """See `Careful`."""
        try:
            super().upload(path, data)
        except RAISES:
            for name in super().list(posixpath.dirname(path)):
                self.delete(posixpath.join(posixpath.dirname(path), name))
            raise


FLAWS: dict[type[Careful], set[str]] = {
    BelievesThe226: {"truncated", "doubled", "mixed"},
    BelievesTheUpload: {"truncated"},
    AppendsTwice: {"doubled", "truncated", "mixed"},
    KeepsItsBlocks: {"doubled", "mixed"},
    IgnoresRest: {"doubled"},
    MakesRoom: {"lost"},
    CopiesToRename: {"lost"},
    KnowsOneCode: {"crashed"},
    WaitsForEver: {"hung"},
    KeepsConnections: {"leaked"},
    HidesErrors: {"wrong"},
    ListsNothing: {"wrong"},
    CleansUp: {"lost"},
}
"""What may be found first in each."""
