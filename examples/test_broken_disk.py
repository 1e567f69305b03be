"""Your own path layer in a few lines: files in memory, on a disk with a bad sector.

You may write a new layer (sqlite_files.py), or override a method of a layer of this package.
"""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from examples.partner_feed import FeedError, Partner, sync
from ftpfixture import FtpServer, FtpServerSettings, MemoryPathIO, universal_exception

ORDERS = b"1,apples\n2,pears\n"


class BrokenDisk(MemoryPathIO):
    """Every file can be read up to its ninth byte, and no further."""

    # The decorator turns every error into a PathIOError, to which the server replies, here with 451.
    @universal_exception
    async def read(self, file: Any, n: int = -1) -> bytes:
        if await self.seek(file, 0, io.SEEK_CUR) >= 9:
            raise OSError(errno.EIO, "bad sector")
        return await super().read(file, 9)


@pytest.fixture
def ftp_config() -> FtpServerSettings:
    return {"files": {"/out/orders.csv": ORDERS, "/in/": None}, "path_io_factory": BrokenDisk}


def test_what_could_be_read_is_kept(ftp_server: FtpServer, tmp_path: Path) -> None:
    partner = Partner(ftp_server.host, ftp_server.port, *ftp_server.credentials)
    report = tmp_path / "report.csv"

    with pytest.raises(FeedError, match="451"):
        sync(partner, tmp_path, report)

    assert (tmp_path / "orders.csv.part").read_bytes() == b"1,apples\n"
    assert not (tmp_path / "orders.csv").exists()
    ftp_server.log.assert_sent("RETR /out/orders.csv -> 451", times=1)
